//! A lock that a prompter's process owns while it runs. Open calls refer to it, so that the next start can close calls
//! left open by a crashed process.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use uuid::Uuid;

use penutup_system::own_files;

/// How long to wait for another prompter's [`OpenLock`]. A process that keeps it longer is not opening a journal and
/// blocks nothing: `SQLite` has locks of its own.
const PATIENCE: Duration = Duration::from_millis(300);

/// A running prompter's lock.
#[derive(Debug)]
pub struct Presence {
    id: Uuid,
    path: PathBuf,
    /// Locked; `None` if the file system has no locks.
    lock: Option<File>,
}

fn path_of(folder: &Path, id: Uuid) -> PathBuf {
    folder.join(format!("seat-{id}.lock"))
}

impl Presence {
    /// Acquires a new lock in `folder`. Its file is renamed once it is locked, so that it is never seen unlocked.
    ///
    /// # Errors
    /// The I/O error.
    pub fn acquire(folder: &Path) -> io::Result<Self> {
        let id = Uuid::now_v7();
        let path = path_of(folder, id);
        let beside = path.with_extension("new");
        let file = own_files::options().write(true).create_new(true).open(&beside)?;
        let lock = match file.try_lock() {
            Ok(()) => Some(file),
            // No other process knows its name, so this is a file system without locks.
            Err(_) => None,
        };
        if let Err(error) = fs::rename(&beside, &path) {
            let _ = fs::remove_file(&beside);
            return Err(error);
        }
        Ok(Self { id, path, lock })
    }

    /// Its name in open calls.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Whether the file still exists: a user may have removed it.
    pub fn exists(&self) -> bool {
        self.path.exists()
    }

    /// Whether locks work in this folder; where they don't, a crashed process can't be recognised.
    pub fn has_lock(&self) -> bool {
        self.lock.is_some()
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        // Removed while locked, so that no process finds it unlocked.
        let _ = fs::remove_file(&self.path);
    }
}

/// Whether no process owns this lock any more; `false` if unknown.
pub fn is_dead(folder: &Path, id: Uuid) -> bool {
    is_unlocked(&path_of(folder, id))
}

fn is_unlocked(path: &Path) -> bool {
    match File::open(path) {
        Ok(file) => file.try_lock().is_ok(),
        Err(error) => error.kind() == ErrorKind::NotFound,
    }
}

/// Removes the lock files of crashed processes. Must be called with the [`OpenLock`].
pub fn remove_stale(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.filter_map(Result::ok).map(|e| e.path()) {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        // A process that was killed before it renamed its file left it under the first name.
        let id = name.strip_prefix("seat-");
        let is_lock = id.and_then(|n| n.strip_suffix(".lock").or_else(|| n.strip_suffix(".new")));
        if is_lock.is_some_and(|id| Uuid::try_parse(id).is_ok()) && is_unlocked(&path) {
            let _ = fs::remove_file(&path);
        }
    }
}

/// Locked while a journal is opened, migrated or set aside: one prompter at a time.
#[derive(Debug)]
pub struct OpenLock {
    _lock: Option<File>,
}

impl OpenLock {
    /// Waits a moment for the lock, and continues without it if it is not released.
    ///
    /// # Errors
    /// The I/O error.
    pub fn acquire(journal: &Path) -> io::Result<Self> {
        let path = journal.with_extension("lock");
        let file = own_files::options().read(true).write(true).create(true).truncate(false).open(&path)?;
        own_files::restrict(&path);
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _lock: Some(file) }),
                Err(TryLockError::WouldBlock) if begun.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                // Never released, or a file system without locks: SQLite's own locks must do.
                Err(_) => return Ok(Self { _lock: None }),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_lock_is_distinguished_from_a_stale_one() {
        let folder = tempfile::tempdir().unwrap();
        let alive = Presence::acquire(folder.path()).unwrap();
        let id = alive.id();
        assert!(alive.has_lock() && alive.exists());
        assert!(!is_dead(folder.path(), id));
        remove_stale(folder.path());
        assert!(alive.exists());
        drop(alive);
        assert!(is_dead(folder.path(), id));
    }

    #[test]
    fn only_stale_locks_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let left = path_of(folder.path(), Uuid::now_v7());
        fs::write(&left, "").unwrap();
        let others = ["seat-7.lock", "journal.lock", "seat.txt"].map(|name| folder.path().join(name));
        for other in &others {
            fs::write(other, "").unwrap();
        }
        remove_stale(folder.path());
        assert!(!left.exists());
        assert!(others.iter().all(|other| other.exists()));
    }
}
