//! A program in a real pseudo-terminal, with an observer of its screen. Every wait is for a condition, and a timeout
//! fails with the screen's content.

use std::fmt;
use std::io::{Read as _, Write};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};

/// The limit for a condition: only a failing test takes this long.
const DEADLINE: Duration = Duration::from_secs(60);
/// Keys that follow each other no faster are shortcuts.
const BETWEEN_KEYS: Duration = Duration::from_millis(70);
/// Repeated presses of a key are no faster than this, and uneven unlike a key that is held.
const SAME_KEY: [Duration; 3] = [Duration::from_millis(250), Duration::from_millis(300), Duration::from_millis(350)];
/// The pause before a further text is typed.
const BEFORE_TYPING: Duration = Duration::from_millis(300);

/// The program's output.
struct Output {
    parser: vt100::Parser,
    bytes: Vec<u8>,
    /// When the last of it was read.
    read_at: Instant,
    /// Whether the next output is the last that is read.
    closing: bool,
}

/// A terminal and the program in it.
pub struct Term {
    master: Option<Box<dyn MasterPty + Send>>,
    writer: Option<Box<dyn Write + Send>>,
    child: Box<dyn Child + Send + Sync>,
    seen: Arc<(Mutex<Output>, Condvar)>,
    reading: Option<JoinHandle<()>>,
    /// The terminal's modes before the program was started.
    before: String,
    /// When the last key was read by the program.
    last_key: Option<(Vec<u8>, Instant)>,
    /// The index into [`SAME_KEY`] of the next pause.
    next_pause: usize,
}

impl Term {
    /// Starts a program in a terminal of 80×24.
    pub fn start(command: &Command) -> Self {
        Self::sized(command, 80, 24)
    }

    /// Starts a program in a terminal of this size.
    #[track_caller]
    pub fn sized(command: &Command, columns: u16, rows: u16) -> Self {
        let pty = native_pty_system().openpty(size(columns, rows)).expect("a pseudo-terminal");
        let mut builder = CommandBuilder::new(command.get_program());
        builder.args(command.get_args());
        builder.env_clear();
        builder.env("TERM", "xterm-256color");
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                builder.env(name, value);
            }
        }
        if let Some(folder) = command.get_current_dir() {
            builder.cwd(folder);
        }
        let before = modes(pty.master.as_ref());
        let child = pty.slave.spawn_command(builder).expect("the program starts");
        drop(pty.slave);
        let mut reader = pty.master.try_clone_reader().expect("a reader");
        let writer = pty.master.take_writer().expect("a writer");
        let parser = vt100::Parser::new(rows.max(2), columns.max(2), 200);
        let seen = Output { parser, bytes: Vec::new(), read_at: Instant::now(), closing: false };
        let seen = Arc::new((Mutex::new(seen), Condvar::new()));
        let shared = Arc::clone(&seen);
        let reading = thread::spawn(move || {
            let mut chunk = vec![0; 65536];
            while let Ok(read @ 1..) = reader.read(&mut chunk) {
                let read_at = Instant::now();
                let mut seen = shared.0.lock().unwrap_or_else(PoisonError::into_inner);
                seen.parser.process(&chunk[..read]);
                seen.bytes.extend_from_slice(&chunk[..read]);
                seen.read_at = read_at;
                shared.1.notify_all();
                if seen.closing {
                    return;
                }
            }
        });
        Self {
            master: Some(pty.master),
            writer: Some(writer),
            child,
            seen,
            reading: Some(reading),
            before,
            last_key: None,
            next_pause: 0,
        }
    }

    fn seen(&self) -> MutexGuard<'_, Output> {
        self.seen.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The screen as text.
    pub fn text(&self) -> String {
        self.seen().parser.screen().contents()
    }

    /// Reads a property of the emulated screen.
    pub fn screen<T>(&self, read: impl Fn(&vt100::Screen) -> T) -> T {
        read(self.seen().parser.screen())
    }

    /// Everything that the program sent.
    pub fn bytes(&self) -> Vec<u8> {
        self.seen().bytes.clone()
    }

    /// Waits until the screen meets a condition; `what` names it in the failure.
    #[track_caller]
    pub fn until(&mut self, what: &str, condition: impl Fn(&vt100::Screen) -> bool) -> &mut Self {
        self.when(what, condition);
        self
    }

    /// As [`Self::until`]. Returns when the output was read with which the screen met the condition.
    #[track_caller]
    pub fn when(&mut self, what: &str, condition: impl Fn(&vt100::Screen) -> bool) -> Instant {
        let end = Instant::now() + DEADLINE;
        let shared = Arc::clone(&self.seen);
        let mut seen = shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        while !condition(seen.parser.screen()) {
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{what} does not come:\n{}", seen.parser.screen().contents());
            seen = shared.1.wait_timeout(seen, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        seen.read_at
    }

    /// Waits until these words are on the screen, however they are wrapped.
    #[track_caller]
    pub fn shows(&mut self, words: &str) -> &mut Self {
        let wanted = flat(words);
        self.until(&format!("{words:?}"), |screen| flat(&screen.contents()).contains(&wanted))
    }

    /// Waits until these words are gone from the screen.
    #[track_caller]
    pub fn hides(&mut self, words: &str) -> &mut Self {
        let unwanted = flat(words);
        self.until(&format!("the end of {words:?}"), |screen| !flat(&screen.contents()).contains(&unwanted))
    }

    /// Types one key after the other, as quick fingers do. In line mode (the terminal is not raw) all are sent at once.
    #[track_caller]
    pub fn send(&mut self, keys: impl AsRef<[u8]>) -> &mut Self {
        if self.modes() == self.before {
            return self.send_at_once(keys);
        }
        let mut first = true;
        for key in keys_of(keys.as_ref()) {
            // The same key sooner would count as held.
            let pause = match &self.last_key {
                Some((last, _)) if last == key => {
                    self.next_pause = (self.next_pause + 1) % SAME_KEY.len();
                    SAME_KEY[self.next_pause]
                }
                _ if std::mem::take(&mut first) => BEFORE_TYPING,
                _ => BETWEEN_KEYS,
            };
            while let Some(wait) = self.last_key.as_ref().and_then(|(_, last)| pause.checked_sub(last.elapsed())) {
                thread::park_timeout(wait);
            }
            self.send_at_once(key);
            self.wait_until_read();
            self.last_key = Some((key.to_owned(), Instant::now()));
        }
        self
    }

    /// Holds a key: after the delay, this many repeats at this rate.
    #[track_caller]
    pub fn hold(&mut self, key: &str, delay: Duration, rate: Duration, times: usize) -> &mut Self {
        let mut next = Instant::now();
        for n in 0..=times {
            while let Some(wait) = next.checked_duration_since(Instant::now()).filter(|wait| !wait.is_zero()) {
                thread::park_timeout(wait);
            }
            self.send_at_once(key);
            next += if n == 0 { delay } else { rate };
        }
        self.wait_until_read();
        self.last_key = Some((key.into(), Instant::now()));
        self
    }

    /// Waits until the program has read what was sent: a busy machine must not make keys that were typed one after the other
    /// come at once. A program that reads nothing is waited for only ten seconds.
    pub fn wait_until_read(&self) {
        let path = self.master.as_ref().and_then(|master| master.tty_name());
        let Some(terminal) = path.and_then(|path| std::fs::File::open(path).ok()) else { return };
        let end = Instant::now() + Duration::from_secs(10);
        while rustix::io::ioctl_fionread(&terminal).is_ok_and(|unread| unread > 0) && Instant::now() < end {
            thread::park_timeout(Duration::from_millis(1));
        }
    }

    /// Waits until all threads of the program wait, so that nothing overtakes what it has read.
    pub fn wait_until_handled(&mut self) -> &mut Self {
        let end = Instant::now() + Duration::from_secs(2);
        while self.has_running_thread() && Instant::now() < end {
            thread::park_timeout(Duration::from_millis(1));
        }
        self
    }

    /// Whether a thread of the program runs or wants to; `false` where that can't be known.
    fn has_running_thread(&self) -> bool {
        let threads = self.child.process_id().and_then(|id| std::fs::read_dir(format!("/proc/{id}/task")).ok());
        threads.into_iter().flatten().flatten().any(|thread| {
            let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
            // The state follows the name, which may have parentheses of its own.
            stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('R'))
        })
    }

    /// Sends these bytes all at once.
    #[track_caller]
    pub fn send_at_once(&mut self, keys: impl AsRef<[u8]>) -> &mut Self {
        let writer = self.writer.as_mut().expect("an open terminal");
        writer.write_all(keys.as_ref()).and_then(|()| writer.flush()).expect("the terminal takes it");
        self
    }

    /// Waits as long as a person needs to say a sentence, so that the next Space ticks.
    pub fn rest(&mut self) -> &mut Self {
        thread::sleep(Duration::from_millis(1300));
        self
    }

    /// Pastes, as a terminal with bracketed paste does.
    #[track_caller]
    pub fn paste(&mut self, text: &str) -> &mut Self {
        self.send_at_once(format!("\x1b[200~{text}\x1b[201~"))
    }

    /// Gives the window another size.
    #[track_caller]
    pub fn resize(&mut self, columns: u16, rows: u16) -> &mut Self {
        // vt100 0.16 subtracts below zero where a lone row scrolls, so the emulator has two.
        self.seen().parser.screen_mut().set_size(rows.max(2), columns.max(2));
        self.master.as_ref().expect("an open terminal").resize(size(columns, rows)).expect("another size");
        self
    }

    /// Makes the window this small and gives it its size back before the program asks for it.
    #[track_caller]
    pub fn resize_for_a_moment(&mut self, columns: u16, rows: u16) -> &mut Self {
        let mut seen = self.seen();
        let (all_rows, all_columns) = seen.parser.screen().size();
        for (rows, columns) in [(rows, columns), (all_rows, all_columns)] {
            seen.parser.screen_mut().set_size(rows, columns);
        }
        drop(seen);
        self.signal("WINCH")
    }

    /// Gives the window a size that the emulator does not know.
    #[track_caller]
    pub fn resize_unseen(&mut self, columns: u16, rows: u16) -> &mut Self {
        self.master.as_ref().expect("an open terminal").resize(size(columns, rows)).expect("another size");
        self
    }

    /// The path of the terminal.
    pub fn path(&self) -> std::path::PathBuf {
        self.master.as_ref().and_then(|master| master.tty_name()).expect("a terminal with a name")
    }

    /// Closes the window at once.
    pub fn hang_up(&mut self) {
        self.seen().closing = true;
        self.writer = None;
        self.master = None;
    }

    /// The program's process id.
    pub fn pid(&self) -> u32 {
        self.child.process_id().expect("it runs")
    }

    /// Sends the program a signal, by its name without SIG.
    #[track_caller]
    pub fn signal(&mut self, name: &str) -> &mut Self {
        let pid = self.pid().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status().expect("kill runs");
        assert!(sent.success());
        self
    }

    /// Closes the window, after a last key that the program must respond to.
    pub fn close(&mut self, last_key: &str) {
        self.seen().closing = true;
        self.send(last_key);
        if let Some(reading) = self.reading.take() {
            reading.join().expect("it only reads");
        }
        self.writer = None;
        self.master = None;
    }

    /// Waits until the program ends.
    #[track_caller]
    pub fn ends(&mut self) -> ExitStatus {
        let child = &mut self.child;
        let mut status = None;
        eventually("the end of the program", || {
            status = child.try_wait().expect("its status");
            status.is_some()
        });
        status.expect("it ended")
    }

    /// The terminal is as it was before the program: its modes, its screen, its cursor.
    #[track_caller]
    pub fn assert_restored(&mut self) -> &mut Self {
        self.until("the terminal as it was", |s| {
            !s.alternate_screen()
                && !s.bracketed_paste()
                && !s.hide_cursor()
                && s.mouse_protocol_mode() == vt100::MouseProtocolMode::None
                && !s.application_cursor()
                && !s.application_keypad()
        });
        eventually("the terminal's modes as they were", || self.modes() == self.before);
        self
    }

    /// The terminal's modes: raw or not, and all the rest.
    pub fn modes(&self) -> String {
        modes(self.master.as_deref().expect("an open terminal"))
    }

    /// Its modes before the program.
    pub fn modes_before(&self) -> &str {
        &self.before
    }

    /// Leaves with `q`, which asks in a call: status 0, and the terminal as it was.
    #[track_caller]
    pub fn quits(&mut self) {
        self.send("q");
        let shared = Arc::clone(&self.seen);
        let mut status = None;
        let mut asked = false;
        eventually("the end of the program, or the question", || {
            status = self.child.try_wait().expect("its status");
            let text = shared.0.lock().unwrap_or_else(PoisonError::into_inner).parser.screen().contents();
            asked = ["Tetap keluar?", "Leave anyway?"].iter().any(|question| text.contains(question));
            status.is_some() || asked
        });
        if status.is_none() {
            self.send("q");
        }
        let status = self.ends();
        assert!(status.success(), "{status:?}");
        self.assert_restored();
    }
}

impl fmt::Debug for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl Drop for Term {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The bytes of each key.
fn keys_of(bytes: &[u8]) -> Vec<&[u8]> {
    let mut keys = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let length = match rest {
            [0x1b, b'[', tail @ ..] => 3 + tail.iter().position(|b| (0x40..=0x7e).contains(b)).unwrap_or(tail.len()),
            _ => 1 + rest[1..].iter().take_while(|b| (0x80..=0xbf).contains(*b)).count(),
        };
        let (key, tail) = rest.split_at(length.min(rest.len()));
        keys.push(key);
        rest = tail;
    }
    keys
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

fn modes(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios().expect("a Unix terminal"))
}

/// A text in one line, without the bar at the continued lines of a sentence.
fn flat(text: &str) -> String {
    let mut was_barred = false;
    let lines = text.lines().map(|line| {
        let rest = line.strip_prefix(" ▌ ");
        let is_continued = std::mem::replace(&mut was_barred, rest.is_some());
        rest.filter(|_| is_continued).unwrap_or(line)
    });
    let words: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
    words.join(" ")
}

/// Waits until a condition outside the screen is met; `what` names it in the failure.
#[track_caller]
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < end, "{what} does not come");
        thread::park_timeout(Duration::from_millis(5));
    }
}

/// Every file below a folder, with what is in it.
pub fn files_below(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut out = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the test").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                out.push((path.display().to_string(), std::fs::read(&path).unwrap_or_default()));
            }
        }
    }
    out
}
