//! An X display of the test's own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

/// An X server without a screen.
pub struct Display {
    child: Child,
    pub name: String,
}

impl Display {
    /// Starts one. `None`, with a message, if it or one of these programs is missing.
    pub fn start(test: &str, programs: &[&str]) -> Option<Self> {
        let missing = programs.iter().find_map(|program| {
            let run = Command::new(program).arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status();
            run.err().map(|e| format!("{program}: {e}"))
        });
        match missing.map_or_else(Self::run, Err) {
            Ok(display) => Some(display),
            Err(why) => {
                // Not with `eprintln!`: the harness hides its output in a passing test.
                let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {why}");
                None
            }
        }
    }

    fn run() -> Result<Self, String> {
        let mut command = Command::new("Xvfb");
        // A server resets when its last client ends, and drops who connects meanwhile; on a desktop that never happens.
        command.args(["-displayfd", "1", "-screen", "0", "640x480x24", "-nolisten", "tcp", "-noreset"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|e| format!("Xvfb: {e}"))?;
        let mut number = String::new();
        let read = BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut number);
        let display = Self { child, name: format!(":{}", number.trim()) };
        match read {
            Ok(1..) => Ok(display),
            _ => Err("Xvfb names no display".into()),
        }
    }

    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().expect("kill runs").success());
    }

    /// Runs a program on it and returns its output.
    #[track_caller]
    pub fn ran(&self, program: &str, args: &[&str]) -> String {
        let output = Command::new(program).args(args).env("DISPLAY", &self.name).output().expect("it runs");
        assert!(output.status.success(), "{program} {args:?}: {output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
