//! What a person at a terminal waits for: start → first whole screen, key → changed screen, bytes that a tick sends, private
//! memory, wake-ups while nothing happens. Each through a real pseudo-terminal of 24×80, side by side in one run with the
//! smallest ratatui program (`examples/floor.rs`) and with the pagers and editors that are installed.
//!
//! ```text
//! cargo build --release --bins --examples && target/release/examples/latency
//! ```

#[cfg(unix)]
fn main() {
    unix::main();
}

#[cfg(not(unix))]
fn main() {}

#[cfg(unix)]
mod unix {
    use std::io::{Read, Write};
    use std::path::{Path, PathBuf};
    use std::time::{Duration, Instant};
    use std::{env, fs, thread};

    use portable_pty::{Child, CommandBuilder, PtySize, native_pty_system};

    /// How often a program is started, and how many keys it gets.
    const STARTS: usize = 40;
    const KEYS: usize = 200;
    /// How long nothing happens while wake-ups are counted.
    const IDLE: Duration = Duration::from_secs(3);

    /// A program, and how one sees that it is there and that it answers.
    struct Peer {
        name: &'static str,
        program: PathBuf,
        args: Vec<String>,
        /// On the screen once it is whole.
        whole: &'static str,
        /// Two keys that are each other's way back, and what is on the screen after each.
        keys: [(&'static str, &'static str); 2],
        /// The key that ticks the sentence, and what is on the screen then.
        tick: (&'static str, &'static str),
    }

    /// What was measured.
    struct Figures {
        start: Duration,
        key: Duration,
        bytes: usize,
        memory: u64,
        wakes: u64,
    }

    struct Session {
        child: Box<dyn Child + Send + Sync>,
        reader: Box<dyn Read + Send>,
        writer: Box<dyn Write + Send>,
        parser: vt100::Parser,
    }

    impl Session {
        fn start(peer: &Peer, home: &Path) -> Self {
            let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
            let pty = native_pty_system().openpty(size).expect("a pseudo-terminal");
            let mut command = CommandBuilder::new(&peer.program);
            command.args(&peer.args);
            command.env_clear();
            command.env("TERM", "xterm-256color");
            command.env("PATH", env::var("PATH").unwrap_or_default());
            command.env("HOME", home);
            command.cwd(home);
            let child = pty.slave.spawn_command(command).expect("it starts");
            let reader = pty.master.try_clone_reader().expect("a reader");
            let writer = pty.master.take_writer().expect("a writer");
            Self { child, reader, writer, parser: vt100::Parser::new(24, 80, 0) }
        }

        /// Reads until the words are on the screen; answers when the last bytes for that came, and how many there were.
        fn until(&mut self, words: &str) -> (Instant, usize) {
            let mut chunk = vec![0; 65536];
            let mut bytes = 0;
            loop {
                let read = self.reader.read(&mut chunk).unwrap_or(0);
                let at = Instant::now();
                assert!(read > 0, "{words:?} never came:\n{}", self.parser.screen().contents());
                bytes += read;
                self.parser.process(&chunk[..read]);
                if self.parser.screen().contents().contains(words) {
                    return (at, bytes);
                }
            }
        }

        fn send(&mut self, keys: &str) {
            self.writer.write_all(keys.as_bytes()).and_then(|()| self.writer.flush()).expect("the terminal takes it");
        }

        fn status(&self, key: &str) -> u64 {
            let pid = self.child.process_id().unwrap_or_default();
            let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
            tasks
                .filter_map(|task| {
                    let status = fs::read_to_string(task.path().join("status")).ok()?;
                    let line = status.lines().find_map(|l| l.strip_prefix(key))?;
                    line.split_whitespace().next()?.parse::<u64>().ok()
                })
                .fold(0, |sum, n| if key.starts_with("Rss") { n } else { sum + n })
        }

        /// How it ends is not measured.
        fn end(mut self) {
            self.child.kill().and_then(|()| self.child.wait()).expect("it ends");
        }
    }

    fn median(mut all: Vec<Duration>) -> Duration {
        all.sort_unstable();
        all[all.len() / 2]
    }

    fn start(peer: &Peer, home: &Path) -> Duration {
        let begin = Instant::now();
        let mut session = Session::start(peer, home);
        let (at, _) = session.until(peer.whole);
        session.end();
        at - begin
    }

    /// A program that is open, and what its keys took.
    struct Open<'p> {
        peer: &'p Peer,
        session: Session,
        times: Vec<Duration>,
    }

    impl<'p> Open<'p> {
        fn new(peer: &'p Peer, home: &Path) -> Self {
            let mut session = Session::start(peer, home);
            session.until(peer.whole);
            Self { peer, session, times: Vec::new() }
        }

        fn key(&mut self) {
            let (key, shows) = self.peer.keys[self.times.len() % 2];
            let begin = Instant::now();
            self.session.send(key);
            let (at, _) = self.session.until(shows);
            self.times.push(at - begin);
        }

        fn figures(mut self, start: Duration) -> Figures {
            let before = self.session.status("voluntary_ctxt_switches:");
            thread::sleep(IDLE);
            let wakes = self.session.status("voluntary_ctxt_switches:") - before;
            let memory = self.session.status("RssAnon:");
            let (key, shows) = self.peer.tick;
            self.session.send(key);
            let (_, bytes) = self.session.until(shows);
            self.session.end();
            Figures { start, key: median(self.times), bytes, memory, wakes }
        }
    }

    fn peers(here: &Path, text: &Path) -> Vec<Peer> {
        let text = text.display().to_string();
        // Not the same key twice: so soon again it would be held.
        let ours = [("m", "Segera update aplikasi"), ("\x7f", "Agar semua makin mudah")];
        let mut peers = vec![
            Peer {
                name: "floor",
                program: here.join("floor"),
                args: Vec::new(),
                whole: "Apps Store,",
                keys: [(" ", "Segera"), (" ", "Agar")],
                tick: (" ", "Segera"),
            },
            Peer {
                name: "penutup",
                program: here.with_file_name("penutup"),
                // As a CSO starts it.
                args: Vec::new(),
                whole: "daftar tombol",
                keys: ours,
                tick: (" ", "√"),
            },
        ];
        let installed = |name: &str| {
            let folders = env::var_os("PATH")?;
            env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file())
        };
        if let Some(program) = installed("less") {
            let keys = [("/baris ke-30\r", "baris ke-30"), ("g", "baris ke-1 ")];
            let args = vec![text.clone()];
            peers.push(Peer { name: "less", program, args, whole: "baris ke-23", keys, tick: keys[0] });
        }
        if let Some(program) = installed("vim") {
            let args = vec!["-u".into(), "NONE".into(), "-N".into(), "-n".into(), text];
            let keys = [("0~", "Baris ke-1 "), ("0~", "baris ke-1 ")];
            peers.push(Peer { name: "vim", program, args, whole: "baris ke-23", keys, tick: keys[0] });
        }
        peers
    }

    #[expect(clippy::print_stdout, reason = "the table is what it is for")]
    pub fn main() {
        let here = env::current_exe().expect("a path").parent().expect("a folder").to_owned();
        let home = tempfile::tempdir().expect("a home");
        let text = home.path().join("teks");
        let lines: Vec<String> = (1..=60).map(|n| format!("baris ke-{n} dari sebuah teks")).collect();
        fs::write(&text, lines.join("\n")).expect("a text");
        let mut rows = Vec::new();
        let peers = peers(&here, &text);
        // Taken in turns, so that a busy minute is everybody's.
        let mut starts: Vec<Vec<Duration>> = peers.iter().map(|_| Vec::new()).collect();
        for _ in 0..STARTS {
            for (peer, times) in peers.iter().zip(&mut starts) {
                times.push(start(peer, home.path()));
            }
        }
        let mut open: Vec<Open<'_>> = peers.iter().map(|peer| Open::new(peer, home.path())).collect();
        for _ in 0..KEYS {
            for one in &mut open {
                // A person's keys come to a program at rest.
                thread::sleep(Duration::from_millis(5));
                one.key();
            }
        }
        // Until the last keys can no longer be undone as a text for another window, and what they did is written.
        thread::sleep(Duration::from_millis(1500));
        for (one, times) in open.into_iter().zip(starts) {
            let name = one.peer.name;
            rows.push((name, one.figures(median(times))));
        }
        let floor = (rows[0].1.start, rows[0].1.key, rows[0].1.bytes, rows[0].1.memory);
        println!(
            "{:<8} {:>16} {:>16} {:>14} {:>16} {:>10}",
            "", "start", "key", "bytes a tick", "private memory", "wakes 3 s"
        );
        for (name, f) in rows {
            let ratio = |ours: f64, floor: f64| format!("×{:.2}", ours / floor);
            let start = format!("{:.2} ms {}", ms(f.start), ratio(ms(f.start), ms(floor.0)));
            let key = format!("{:.3} ms {}", ms(f.key), ratio(ms(f.key), ms(floor.1)));
            let bytes = format!("{} {}", f.bytes, ratio(whole(f.bytes as u64), whole(floor.2 as u64)));
            let memory = format!("{:.1} MB {}", whole(f.memory) / 1024.0, ratio(whole(f.memory), whole(floor.3)));
            println!("{name:<8} {start:>16} {key:>16} {bytes:>14} {memory:>16} {:>10}", f.wakes);
        }
    }

    fn ms(time: Duration) -> f64 {
        time.as_secs_f64() * 1000.0
    }

    #[expect(clippy::cast_precision_loss, reason = "small numbers, for a table")]
    fn whole(n: u64) -> f64 {
        n as f64
    }
}
