//! An open prompter, and the program run beside it in the same home.

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

const PROGRAM: &str = env!("CARGO_BIN_EXE_penutup");
const HOMES: [(&str, &str); 5] = [
    ("HOME", ""),
    ("XDG_CONFIG_HOME", "config"),
    ("XDG_STATE_HOME", "state"),
    ("XDG_DATA_HOME", "data"),
    ("XDG_RUNTIME_DIR", "run"),
];

/// An open prompter in a terminal that somebody reads.
pub struct Prompter {
    child: Box<dyn Child + Send + Sync>,
    _master: Box<dyn MasterPty + Send>,
}

impl Prompter {
    pub fn open(home: &Path) -> Self {
        let pty = native_pty_system().openpty(PtySize::default()).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(PROGRAM);
        command.env("TERM", "xterm-256color");
        for (name, folder) in HOMES {
            command.env(name, home.join(folder));
        }
        let child = pty.slave.spawn_command(command).expect("it starts");
        let mut reader = pty.master.try_clone_reader().expect("a reader");
        thread::spawn(move || while reader.read(&mut [0; 4096]).is_ok_and(|count| count > 0) {});
        Self { child, _master: pty.master }
    }
}

impl Drop for Prompter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the program and returns its exit status.
pub fn run(home: &Path, args: &[&str]) -> Option<i32> {
    let mut command = Command::new(PROGRAM);
    command.args(args).env_clear().stdout(Stdio::null()).stderr(Stdio::null());
    for (name, folder) in HOMES {
        command.env(name, home.join(folder));
    }
    command.status().expect("it runs").code()
}

/// Waits until so many prompters listen.
pub fn wait_for(home: &Path, count: usize, is_answered: impl Fn() -> bool) {
    let sockets = || std::fs::read_dir(home.join("run/penutup")).map_or(0, Iterator::count);
    while sockets() < count || !is_answered() {
        thread::yield_now();
    }
}
