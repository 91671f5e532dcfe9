//! A small disk that can be filled.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The limit for a remount: only a failing test takes this long.
const DEADLINE: Duration = Duration::from_secs(60);

/// A small file system.
pub struct Disk(TempDir);

impl Disk {
    /// Mounts one of so many megabytes; `None` if the system does not let us.
    pub fn of(megabytes: u32) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "penutup-test"]).arg(folder.path());
        let done = mount.output().is_ok_and(|out| out.status.success());
        done.then_some(Self(folder))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Fills the free space.
    pub fn fill(&self) {
        let mut options = OpenOptions::new();
        let mut file = options.append(true).create(true).open(self.path().join("filler")).expect("a file");
        while file.write_all(&[0; 4096]).is_ok() {}
    }

    /// Gives the space back.
    pub fn empty(&self) {
        fs::remove_file(self.path().join("filler")).expect("the filler");
    }

    /// Mounts it again with this option.
    pub fn remount(&self, how: &str) {
        let end = Instant::now() + DEADLINE;
        loop {
            let mut mount = Command::new("mount");
            let out = mount.args(["-o", &format!("remount,{how}")]).arg(self.path()).output().expect("mount runs");
            if out.status.success() {
                return;
            }
            // Between fork and exec, a process that another test starts has our files open.
            let is_busy = String::from_utf8_lossy(&out.stderr).contains("busy");
            assert!(is_busy && Instant::now() < end, "{out:?}");
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // `-l`: a file system in use is unmounted as soon as it is no longer used.
        let _ = Command::new("umount").arg("-l").arg(self.path()).output();
    }
}
