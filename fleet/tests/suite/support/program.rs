//! Runs of penutup-fleet, to the end or in the background.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::process::Process;

#[derive(Clone, Debug)]
pub struct RunResult {
    pub out: String,
    pub err: String,
    pub status: i32,
}

impl RunResult {
    /// Asserts success and returns stdout.
    #[track_caller]
    pub fn done(self) -> String {
        assert_eq!(self.status, 0, "{self:?}");
        self.out
    }
}

fn command(config: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_penutup-fleet"));
    command.args(args).arg("--config").arg(config).stdin(Stdio::null());
    // The environment of whoever runs the tests must not matter.
    command.env("XDG_CONFIG_HOME", config.with_extension("none")).env_remove("PENUTUP_SETTINGS");
    command.env_remove("PENUTUP_LANG").env_remove("PENUTUP_FLEET_CONFIG").env_remove("PGPASSWORD");
    command
}

/// Runs it to its end.
#[track_caller]
pub fn run(config: &Path, args: &[&str]) -> RunResult {
    let output = command(config, args).output().expect("it can be run");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    RunResult {
        out: text(output.stdout),
        err: text(output.stderr),
        status: output.status.code().expect("it ended by itself"),
    }
}

/// Runs a verb that stores a broadcast and does not wait for seats. No seat uses it yet, and its status says so.
#[track_caller]
pub fn store(config: &Path, args: &[&str]) -> RunResult {
    let result = run(config, &[args, &["--wait", "0"]].concat());
    assert_eq!(result.status, 3, "{result:?}");
    result
}

/// A background process.
#[derive(Debug)]
pub struct Running {
    pub process: Process,
    err: PathBuf,
}

impl Running {
    /// Starts it, with stderr in a file of this folder.
    #[track_caller]
    pub fn start(config: &Path, args: &[&str], folder: &Path) -> Self {
        let err = folder.join(format!("{}-{}.log", args[0], fastrand::u32(..)));
        let file = File::create(&err).expect("a log");
        let process = Process::start(command(config, args).stdout(Stdio::null()).stderr(file));
        Self { process, err }
    }

    /// Its stderr so far.
    pub fn stderr(&self) -> String {
        fs::read_to_string(&self.err).expect("its log")
    }

    /// Sends SIGTERM and returns the exit status.
    #[track_caller]
    pub fn terminate(&mut self) -> Option<i32> {
        self.process.signal("TERM");
        self.process.0.wait().expect("it ended").code()
    }
}

/// A failed test shows what its background processes logged.
impl Drop for Running {
    fn drop(&mut self) {
        if std::thread::panicking() {
            super::print_log(&self.err);
        }
    }
}
