//! How long a softphone waits for `penutup call`: the whole process, with no prompter, with one, with five. Promised:
//! less than 50 ms.

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use criterion::{Criterion, criterion_group, criterion_main};
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
struct Prompter {
    child: Box<dyn Child + Send + Sync>,
    _master: Box<dyn MasterPty + Send>,
}

impl Prompter {
    fn open(home: &Path) -> Self {
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

fn call(home: &Path) -> Option<i32> {
    let mut command = Command::new(PROGRAM);
    command.args(["call", "start", "081234567890", "nama=Siti"]).env_clear().stderr(Stdio::null());
    for (name, folder) in HOMES {
        command.env(name, home.join(folder));
    }
    command.status().expect("it runs").code()
}

fn calls(criterion: &mut Criterion) {
    let home = tempfile::tempdir().expect("a folder");
    criterion.bench_function("call/no prompter", |bench| bench.iter(|| assert_eq!(call(home.path()), Some(1))));
    let mut open: Vec<Prompter> = Vec::new();
    for (count, name) in [(1, "call/one prompter"), (5, "call/five prompters")] {
        while open.len() < count {
            open.push(Prompter::open(home.path()));
        }
        let sockets = || std::fs::read_dir(home.path().join("run/penutup")).map_or(0, Iterator::count);
        while sockets() < count || call(home.path()) != Some(0) {
            thread::yield_now();
        }
        criterion.bench_function(name, |bench| bench.iter(|| assert_eq!(call(home.path()), Some(0))));
    }
}

criterion_group!(benches, calls);
criterion_main!(benches);
