//! A child process that never outlives its test.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};

#[derive(Debug)]
pub struct Process(pub Child);

impl Process {
    #[track_caller]
    pub fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap_or_else(|e| panic!("{command:?}: {e}")))
    }

    /// `STOP`, `CONT`, `TERM`, `HUP`, …
    #[track_caller]
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.0.id().to_string()).status();
        assert!(sent.is_ok_and(|status| status.success()), "kill -{name}");
    }

    /// Kills it and waits for its end.
    #[track_caller]
    pub fn kill(&mut self) {
        self.0.kill().expect("it can be ended");
        self.0.wait().expect("it ended");
    }

    /// Sends a signal that ends it and waits for its end.
    #[track_caller]
    pub fn end(&mut self, name: &str) {
        self.signal(name);
        self.0.wait().expect("it ended");
    }

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

/// Finds a program in these folders or in PATH.
pub fn find(name: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).collect::<Vec<_>>();
    let is_there = |folder: &PathBuf| Some(folder.join(name)).filter(|file| Path::is_file(file));
    folders.iter().chain(&on_path).find_map(is_there)
}
