//! Hostile, huge, incomplete and slow messages on the socket of a real prompter: only their sender is disconnected.

use std::ffi::OsStr;
use std::fs::Permissions;
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::verb::{WAIT, call, prompter, sockets};
use crate::support::Home;
use crate::term::{Term, eventually};

/// A client of the prompter's socket that sends raw bytes.
pub struct RawClient {
    stream: UnixStream,
    lines: BufReader<UnixStream>,
}

impl RawClient {
    #[track_caller]
    pub fn of(home: &Home) -> Self {
        let stream = UnixStream::connect(&sockets(home)[0]).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a time limit");
        let lines = BufReader::new(stream.try_clone().expect("a second handle"));
        Self { stream, lines }
    }

    pub fn send(&mut self, bytes: &[u8]) {
        // The prompter may close the connection in the middle.
        let _ = self.stream.write_all(bytes);
    }

    /// Sends a line, and reads the reply.
    #[track_caller]
    pub fn request(&mut self, text: &str) -> String {
        self.send(format!("{text}\n").as_bytes());
        self.read_line()
    }

    /// Reads the next line; empty if the prompter has closed the connection.
    #[track_caller]
    pub fn read_line(&mut self) -> String {
        let mut line = String::new();
        match self.lines.read_line(&mut line) {
            Ok(_) => line,
            Err(e) if e.kind() == ErrorKind::ConnectionReset => String::new(),
            Err(e) => panic!("{e}"),
        }
    }
}

#[test]
fn the_prompter_greets_first_and_replies_line_by_line() {
    let home = Home::new();
    home.write_config("settings.toml", "seat = 'meja 7'");
    let mut term = prompter(&home, &[]);
    let mut client = RawClient::of(&home);
    let greeting = client.read_line();
    assert!(greeting.starts_with("{\"penutup\":1,\"seat\":\"meja 7\",\"idle\":"), "{greeting}");
    client.send(b"{\"do\":\"start\",\"set\":[[\"nama\",\"Siti\"],[\"x\",\"y\"]],\"later\":{}}\n");
    assert_eq!(client.read_line(), "{\"ignored\":[{\"key\":\"x\",\"why\":\"unknown-key\"}],\"bad\":null}\n");
    term.shows("N Siti");
    client.send(b"{\"do\":\"set\",\"set\":[[\"nama\",\"Budi\"]]}\n{\"do\":\"end\"}\n");
    assert_eq!((client.read_line(), client.read_line()), (accepted(), accepted()));
    term.shows("Mengapa panggilan berakhir?");
}

fn accepted() -> String {
    "{\"ignored\":[],\"bad\":null}\n".into()
}

#[test]
fn an_invalid_message_gets_a_reply_and_is_disconnected() {
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    let huge = vec![b'x'; 1 << 20];
    let deep = [vec![b'['; 8000], b"\n".to_vec()].concat();
    for (bytes, bad) in [
        (&b"\n"[..], "garbled"),
        (b"hello\n", "garbled"),
        (b"\xff\x00\x1b[31m\n", "garbled"),
        (&deep, "garbled"),
        (b"{\"do\":\"fly\"}\n", "unknown"),
        (b"{\"do\":\"klb\"}\n", "garbled"),
        (&huge, "too-long"),
    ] {
        let mut client = RawClient::of(&home);
        client.read_line();
        client.send(bytes);
        let answer = client.read_line();
        // A client that is still sending when it is disconnected may not receive the reason.
        assert!(answer.contains(bad) || (bytes.len() > 9000 && answer.is_empty()), "{answer}");
        assert_eq!(client.read_line(), "");
    }
    call(&home, "start nama=Siti").status(0);
    term.shows("N Siti");
}

#[test]
fn a_slow_client_blocks_no_other_and_is_disconnected() {
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    let mut slow: Vec<RawClient> = (0..10).map(|_| RawClient::of(&home)).collect();
    for client in &mut slow {
        client.send(b"{\"do\":\"start\",");
    }
    call(&home, "start nama=Siti").status(0);
    term.shows("N Siti");
    for client in &mut slow {
        assert!(client.read_line().contains("penutup"));
        assert_eq!(client.read_line(), "", "an incomplete message gets no reply");
    }
    term.shows("N Siti");
}

#[test]
fn silent_connections_lock_no_one_out() {
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    for round in 0..5 {
        let mut clients: Vec<RawClient> = (0..60).map(|_| RawClient::of(&home)).collect();
        let ran = home.penutup(["call", "start", &format!("nama=Siti {round}")]).env("PENUTUP_CALL_WAIT", WAIT).run();
        ran.status(0).err_is("");
        term.shows(&format!("N Siti {round}"));
        // The oldest connection was closed for the newest.
        while !clients[0].read_line().is_empty() {}
    }
    term.quits();
}

#[test]
fn a_disconnect_before_the_reply_is_reported_busy_and_not_delivered() {
    let home = Home::new();
    let folder = home.path().join("run/penutup");
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).expect("a folder");
    let listener = UnixListener::bind(folder.join("1-0.sock")).expect("a socket");
    let greeting = "{\"penutup\":1,\"seat\":null,\"idle\":5}\n";
    // The fake prompter's first line, and whether it reads the message before it closes the connection.
    for (first_line, reads) in [(greeting, true), ("{\"ignored\":[],\"bad\":\"busy\"}\n", false), ("", false)] {
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let (mut stream, _) = listener.accept().expect("a connection");
                    let _ = stream.write_all(first_line.as_bytes());
                    if reads && !stop.load(Ordering::Relaxed) {
                        let _ = stream.read(&mut [0; 4096]);
                    }
                }
            });
            let ran = home.penutup(["call", "end"]).env("PENUTUP_CALL_WAIT", "1000").run();
            stop.store(true, Ordering::Relaxed);
            drop(UnixStream::connect(folder.join("1-0.sock")));
            ran.status(1).err_is("Layar penutup terbuka tetapi sedang sibuk; panggilan tidak diteruskan\n");
        });
    }
    drop(listener);
    call(&home, "end").status(1).err_is("Tidak ada layar penutup yang terbuka\n");
}

#[test]
fn a_home_whose_path_is_too_long_for_a_socket_works() {
    let home = Home::new();
    let long = home.path().join("x".repeat(120));
    std::fs::create_dir(&long).expect("a folder");
    let inside = |args: &[&str]| {
        let mut command = home.penutup(args).env("PENUTUP_CALL_WAIT", WAIT).command();
        command.env("PENUTUP_HOME", &long);
        command
    };
    let mut term = Term::start(&inside(&["--at", "14:20"]));
    term.shows("? daftar tombol");
    eventually("its socket", || std::fs::read_dir(long.join("run")).is_ok_and(|f| f.count() == 1));
    let called = inside(&["call", "start", "nama=Siti"]).output().expect("it runs");
    assert!(called.status.success() && called.stderr.is_empty(), "{called:?}");
    term.shows("N Siti");
    term.quits();
    assert_eq!(std::fs::read_dir(long.join("run")).expect("it is there").count(), 0);
}

#[test]
fn a_socket_creation_failure_is_reported_until_it_succeeds() {
    let home = Home::new();
    let blocked = home.write("run/penutup", "a file in its place");
    let mut term = Term::start(&home.penutup(["--at", "14:20"]).command());
    term.shows("penutup call mati: bagian dari jalurnya bukan folder (penutup paths)");
    std::fs::remove_file(blocked).expect("it is there");
    term.hides("penutup call mati");
    call(&home, "start nama=Siti").status(0);
    term.shows("N Siti");
    term.quits();
}

#[test]
fn a_full_file_table_is_reported_until_there_is_room() {
    let home = Home::new();
    // Without the journal, whose trouble would be shown first.
    home.write_config("settings.toml", "journal.enabled = false");
    let mut term = prompter(&home, &[]);
    // Once a key works, everything that is opened at the start is open.
    term.send("m").shows("▐PLN Mobile▌");
    let pid = term.pid().to_string();
    let limit = |most: &str| {
        let limited = Command::new("prlimit").args(["--pid", &pid, &format!("--nofile={most}:")]).output();
        limited.is_ok_and(|limited| limited.status.success())
    };
    if !limit("3") {
        let _ = writeln!(std::io::stderr(), "SKIPPED a full table of open files: prlimit can't be run here");
        return;
    }
    let _waits = RawClient::of(&home);
    term.shows("penutup call mati: kesalahan sistem 24 (penutup paths)");
    term.send("a").shows("▐TELAH punya▌");
    assert!(limit("1024"));
    term.hides("penutup call mati");
    call(&home, "start nama=Siti").status(0);
    term.shows("N Siti");
    term.quits();
}

/// Runs a program as the user `nobody`. The error says why this machine can't.
fn as_another_user(program: &str, args: &[&OsStr]) -> Result<Output, String> {
    let user = ["--reuid=65534", "--regid=65534", "--clear-groups", program];
    let output = Command::new("setpriv").args(user).args(args).output().map_err(|e| format!("setpriv: {e}"))?;
    let refused = String::from_utf8_lossy(&output.stderr).into_owned();
    if refused.starts_with("setpriv:") { Err(refused) } else { Ok(output) }
}

#[test]
fn a_foreign_or_writable_socket_folder_is_refused_and_reported() {
    let home = Home::new();
    // A world-writable folder, as some sites share one: a home below it, and a home in which another user created `run` first.
    let shared = home.path().join("shared");
    std::fs::create_dir_all(shared.join("below")).expect("a folder");
    for open in [home.path(), &shared] {
        std::fs::set_permissions(open, Permissions::from_mode(0o777)).expect("its mode");
    }
    let run = shared.join("run");
    match as_another_user("mkdir", &[run.as_os_str()]) {
        Err(why) => {
            // Not with `eprintln!`: the harness hides its output in a passing test.
            let _ = writeln!(std::io::stderr(), "SKIPPED a socket folder of another user: {why}");
            return;
        }
        Ok(made) => assert!(made.status.success(), "{made:?}"),
    }
    let reason = "penutup call mati: folder soket dapat diubah pengguna lain (penutup paths)";
    for at in [&shared, &shared.join("below")] {
        let inside = |args: &[&str]| {
            let mut command = home.penutup(args).env("PENUTUP_CALL_WAIT", WAIT).command();
            command.env("PENUTUP_HOME", at);
            command
        };
        let mut term = Term::start(&inside(&["--at", "14:20"]));
        term.shows("(+1)").send("?").shows(reason).send("?");
        let called = inside(&["call", "start", "nama=Siti"]).output().expect("it runs");
        let err = String::from_utf8_lossy(&called.stderr).into_owned();
        assert_eq!((called.status.code(), err.as_str()), (Some(1), FOREIGN), "{}", at.display());
        let paths = inside(&["paths"]).output().expect("it runs").stdout;
        assert!(String::from_utf8_lossy(&paths).contains("folder soket dapat diubah pengguna lain"));
        // The folder is refused, and everything else works.
        term.send("k").shows("KLB AKTIF sejak 14.2");
        term.quits();
    }
    // The folder was not taken over.
    let folder = std::fs::metadata(&run).expect("it is there");
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&folder), 65534, "the folder still belongs to the other user");
}

const FOREIGN: &str = "Folder soket dapat diubah pengguna lain; tidak ada yang dikirim (lihat penutup paths)\n";

#[test]
fn another_users_socket_is_sent_nothing() {
    let home = Home::new();
    let folder = home.path().join("run/penutup");
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).expect("a folder");
    let listener = UnixListener::bind(folder.join("1-0.sock")).expect("a socket");
    listener.set_nonblocking(true).expect("nonblocking mode");
    if std::os::unix::fs::chown(folder.join("1-0.sock"), Some(65534), None).is_err() {
        let _ = writeln!(std::io::stderr(), "SKIPPED a socket of another user: only root can give one away");
        return;
    }
    call(&home, "start nama=Siti").status(1).err_is("Tidak ada layar penutup yang terbuka\n");
    assert_eq!(listener.accept().map(|_| ()).map_err(|e| e.kind()), Err(ErrorKind::WouldBlock), "nobody connected");
}
