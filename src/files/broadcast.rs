//! The folder of a supervisor's declaration: read by every prompter, written by `penutup klb`, often on a network
//! share. Files are readable by other users, and concurrent writers take turns.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Folders, Unreadable, declaration_in, locked_files, shown_path};
use crate::declaration::{Declaration, DeclarationEvent};
use crate::diagnostics::outside;

use crate::words::Words;

/// The lock file that exists while a process writes.
const LOCK_FILE: &str = "klb.writing";
/// A lock file that has not changed for this long is abandoned.
const ABANDONED_AFTER: Duration = Duration::from_secs(3);
/// After this time the declaration is written without the lock: it must not fail because many declare at once or a file
/// is in the way.
const PATIENCE: Duration = Duration::from_secs(20);

/// A written declaration.
#[derive(Debug)]
pub struct Written {
    pub broadcast: Declaration,
    /// Whether it replaced an unusable file: broken, not a regular file, or with a version far ahead of the clock.
    pub replaced_unusable: bool,
}

/// Writes a declaration with a version above the present one, which `make` receives; `now` is the system's clock.
///
/// # Errors
/// The I/O error.
pub fn declare(folder: &Path, now: DateTime<Utc>, make: impl FnOnce(u64) -> Declaration) -> io::Result<Written> {
    let _lock = WriteLock::take(folder)?;
    let path = declaration_in(folder);
    // A supervisor must always be able to replace an unusable file.
    let (previous, replaced_unusable) = match super::read(&path) {
        Ok(bytes) => match Declaration::read(&bytes) {
            Ok(there) if !there.is_ahead_of(now.max(clock_of(folder).unwrap_or(now))) => (Some(there.version), false),
            _ => (None, true),
        },
        Err(e) if e.error.kind() == ErrorKind::NotFound => (None, false),
        Err(e) if is_not_regular(&e) => (None, true),
        Err(e) => return Err(e.error),
    };
    let broadcast = make(Declaration::next_version(previous, now));
    write_for_all(&path, broadcast.to_table().to_string().as_bytes())?;
    Ok(Written { broadcast, replaced_unusable })
}

fn is_not_regular(unreadable: &Unreadable) -> bool {
    penutup_system::error::is_not_regular(&unreadable.error)
}

/// The clock of the computer with the folder: if ours is behind, versions are still compared with that one.
fn clock_of(folder: &Path) -> Option<DateTime<Utc>> {
    let file = tempfile::Builder::new().prefix(".klb").tempfile_in(folder).ok()?;
    Some(file.as_file().metadata().ok()?.modified().ok()?.into())
}

/// The lock for writing, taken by creating a file: unlike a file lock, it can't be taken with read permission only.
#[derive(Debug)]
struct WriteLock {
    path: PathBuf,
    /// The file's content: any other content belongs to another process.
    mark: String,
}

impl WriteLock {
    /// Takes the lock; `None` if it is not available and the declaration is written without.
    ///
    /// # Errors
    /// If no file can be created in the folder.
    fn take(folder: &Path) -> io::Result<Option<Self>> {
        let (path, mark) = (folder.join(LOCK_FILE), Uuid::now_v7().to_string());
        let start = Instant::now();
        let (mut holder, mut since) = (None, start);
        loop {
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(mut file) => {
                    let lock = Self { path, mark };
                    file.write_all(lock.mark.as_bytes())?;
                    return Ok(Some(lock));
                }
                Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
                // Windows' error for a file that is being removed.
                Err(e)
                    if cfg!(windows)
                        && e.kind() == ErrorKind::PermissionDenied
                        && start.elapsed() < ABANDONED_AFTER => {}
                Err(e) => return Err(e),
            }
            // A directory or pipe is no lock of another process.
            let there = super::read(&path).ok();
            if holder != Some(there.clone()) {
                (holder, since) = (Some(there), Instant::now());
            } else if since.elapsed() > ABANDONED_AFTER {
                match fs::remove_file(&path) {
                    Err(e) if e.kind() != ErrorKind::NotFound => return Ok(None),
                    _ => since = Instant::now(),
                }
            }
            if start.elapsed() > PATIENCE {
                return Ok(None);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for WriteLock {
    fn drop(&mut self) {
        if super::read(&self.path).is_ok_and(|there| there == self.mark.as_bytes()) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// As [`super::write`], but readable by other users. The folder must exist: a share that is not mounted must not be
/// replaced by a folder that only this computer sees.
fn write_for_all(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut options = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        options.permissions(fs::Permissions::from_mode(0o644));
    }
    let mut file = options.prefix(".klb").tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    locked_files::replace(file, path)
}

/// The declaration that the fleet's agent had written before this start; `None` if there is none.
pub fn agent_declaration(folders: &Folders, words: &Words) -> Option<DeclarationEvent> {
    let path = declaration_in(&folders.broadcast()?);
    let bytes = match super::read(&path) {
        Ok(bytes) => bytes,
        Err(e) if e.error.kind() == ErrorKind::NotFound => return None,
        Err(e) => {
            let why = outside::reason(&e.error, words);
            return Some(DeclarationEvent::Trouble(words.broadcast.no_folder(shown_path(&path), &why)));
        }
    };
    let broken = || DeclarationEvent::Trouble(words.broadcast.broken(shown_path(&path)));
    Some(Declaration::read(&bytes).map_or_else(|_| broken(), |klb| DeclarationEvent::Declared(Box::new(klb))))
}

/// Polls a folder and returns only changes.
#[derive(Debug)]
pub struct FolderPoller {
    path: PathBuf,
    words: &'static Words,
    last: Option<Vec<u8>>,
    trouble: Option<String>,
}

impl FolderPoller {
    #[must_use]
    pub fn new(folder: &Path, words: &'static Words) -> Self {
        Self { path: declaration_in(folder), words, last: None, trouble: None }
    }

    /// Polls once; `now` is the system's clock.
    pub fn look(&mut self, now: DateTime<Utc>) -> Option<DeclarationEvent> {
        let read = super::read(&self.path);
        let bytes = match read {
            Ok(bytes) => bytes,
            // No file means no declaration yet; a missing folder is an error.
            Err(e) if e.error.kind() == ErrorKind::NotFound && self.has_folder() => return self.recovered(),
            Err(e) => {
                let folder = self.path.parent().unwrap_or(&self.path);
                let path = if e.error.kind() == ErrorKind::NotFound { folder } else { &self.path };
                let why = outside::reason(&e.error, self.words);
                return self.trouble_event(self.words.broadcast.no_folder(shown_path(path), &why));
            }
        };
        if self.last.as_ref() == Some(&bytes) {
            return self.recovered();
        }
        let Ok(broadcast) = Declaration::read(&bytes) else {
            let path = shown_path(&self.path);
            return self.trouble_event(self.words.broadcast.broken(&path));
        };
        if broadcast.is_ahead_of(now) {
            // Not remembered: the clock may reach it or be corrected.
            return self.trouble_event(self.words.broadcast.ahead.into());
        }
        self.last = Some(bytes);
        self.trouble = None;
        Some(DeclarationEvent::Declared(Box::new(broadcast)))
    }

    /// The report for a poll that timed out.
    pub fn no_answer(path: &Path, words: &Words) -> DeclarationEvent {
        DeclarationEvent::Trouble(words.broadcast.no_folder(&*shown_path(path), words.trouble.no_answer))
    }

    fn has_folder(&self) -> bool {
        self.path.parent().is_some_and(Path::is_dir)
    }

    fn recovered(&mut self) -> Option<DeclarationEvent> {
        self.trouble.take().map(|_| DeclarationEvent::Recovered)
    }

    fn trouble_event(&mut self, trouble: String) -> Option<DeclarationEvent> {
        let new = self.trouble.as_ref() != Some(&trouble);
        self.trouble = Some(trouble.clone());
        new.then_some(DeclarationEvent::Trouble(trouble))
    }
}
