//! A program that runs for a test, and the signals it gets. It never outlives the test.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};

/// A running program.
#[derive(Debug)]
pub struct Process(pub Child);

impl Process {
    /// Starts it.
    #[track_caller]
    pub fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap_or_else(|e| panic!("{command:?}: {e}")))
    }

    /// Sends it a signal: `STOP`, `CONT`, `TERM`, `HUP`, …
    #[track_caller]
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.0.id().to_string()).status();
        assert!(sent.is_ok_and(|status| status.success()), "kill -{name}");
    }

    /// Ends it at once and waits for its end.
    #[track_caller]
    pub fn kill(&mut self) {
        self.0.kill().expect("it can be ended");
        self.0.wait().expect("it ended");
    }

    /// Sends it a signal that ends it, and waits for its end.
    #[track_caller]
    pub fn end(&mut self, name: &str) {
        self.signal(name);
        self.0.wait().expect("it ended");
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A program in one of these folders or on the path.
pub fn find(name: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).collect::<Vec<_>>();
    let is_there = |folder: &PathBuf| Some(folder.join(name)).filter(|file| Path::is_file(file));
    folders.iter().chain(&on_path).find_map(is_there)
}
