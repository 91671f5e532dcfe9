//! The folder that a supervisor's declaration lies in: read by every prompter, written by `penutup klb`, often on a
//! network share. What is written is read by other users, and two who write at once take turns.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Folders, Unreadable, held, shown_path};
use crate::broadcast::{Broadcast, News};
use crate::diagnostics::outside::{self, NoFile};
use crate::words::Words;

/// The file's name.
const FILE: &str = "klb.toml";
/// The file that exists while somebody writes.
const TURN: &str = "klb.writing";
/// A turn that has not changed hands for so long belongs to nobody any more.
const STUCK: Duration = Duration::from_secs(3);
/// After so long the declaration is written without a turn: it must not fail because many declare, or a file is in the way.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where the declaration lies in a folder.
#[must_use]
pub fn path_in(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

/// A declaration that was written.
#[derive(Debug)]
pub struct Written {
    /// What was declared.
    pub broadcast: Broadcast,
    /// Whether it replaced a file that could not be used: broken, no file at all, or with a version far ahead of the clock.
    pub replaced_unusable: bool,
}

/// Writes a declaration with a version above the present one. `make` is given that version; `now` is the system's clock.
///
/// # Errors
/// What the system says.
pub fn declare(folder: &Path, now: DateTime<Utc>, make: impl FnOnce(u64) -> Broadcast) -> io::Result<Written> {
    let _turn = Turn::take(folder)?;
    let path = path_in(folder);
    // A supervisor must always be able to replace what can't be used.
    let (previous, replaced_unusable) = match super::read(&path) {
        Ok(bytes) => match Broadcast::read(&bytes) {
            Ok(there) if !there.is_ahead_of(now.max(clock_of(folder).unwrap_or(now))) => (Some(there.version), false),
            _ => (None, true),
        },
        Err(e) if e.error.kind() == ErrorKind::NotFound => (None, false),
        Err(e) if is_no_file(&e) => (None, true),
        Err(e) => return Err(e.error),
    };
    let broadcast = make(Broadcast::next_version(previous, now));
    write_for_all(&path, broadcast.to_table().to_string().as_bytes())?;
    Ok(Written { broadcast, replaced_unusable })
}

fn is_no_file(unreadable: &Unreadable) -> bool {
    unreadable.error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<NoFile>)
}

/// The clock of the computer that the folder lies on: where ours is behind, versions are still judged by that one.
fn clock_of(folder: &Path) -> Option<DateTime<Utc>> {
    let file = tempfile::Builder::new().prefix(".klb").tempfile_in(folder).ok()?;
    Some(file.as_file().metadata().ok()?.modified().ok()?.into())
}

/// The right to write, taken by making a file: unlike a lock, nobody can hold it who may only read the folder.
#[derive(Debug)]
struct Turn {
    path: PathBuf,
    /// What is in the file: other than that, it is somebody else's.
    mark: String,
}

impl Turn {
    /// Takes the turn; `None` where it is not to be had and the declaration is written without.
    ///
    /// # Errors
    /// Where no file can be made in the folder.
    fn take(folder: &Path) -> io::Result<Option<Self>> {
        let (path, mark) = (folder.join(TURN), Uuid::now_v7().to_string());
        let start = Instant::now();
        let (mut holder, mut since) = (None, start);
        loop {
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(mut file) => {
                    let turn = Self { path, mark };
                    file.write_all(turn.mark.as_bytes())?;
                    return Ok(Some(turn));
                }
                Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
                // So Windows says of a file that is being removed.
                Err(e) if cfg!(windows) && e.kind() == ErrorKind::PermissionDenied && start.elapsed() < STUCK => {}
                Err(e) => return Err(e),
            }
            // What is no file is nobody's mark.
            let there = super::read(&path).ok();
            if holder != Some(there.clone()) {
                (holder, since) = (Some(there), Instant::now());
            } else if since.elapsed() > STUCK {
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

impl Drop for Turn {
    fn drop(&mut self) {
        if super::read(&self.path).is_ok_and(|there| there == self.mark.as_bytes()) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// As [`super::write`], but for others to read as well. The folder must be there: a share that is not mounted must not
/// be replaced by a folder that nobody else sees.
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
    held::replace(file, path)
}

/// What the fleet's agent has put on the disk before this start; `None` where there is nothing.
#[must_use]
pub fn brought(folders: &Folders, words: &Words) -> Option<News> {
    let path = path_in(&folders.broadcast()?);
    let bytes = match super::read(&path) {
        Ok(bytes) => bytes,
        Err(e) if e.error.kind() == ErrorKind::NotFound => return None,
        Err(e) => {
            let why = outside::reason(&e.error, words);
            return Some(News::Trouble(words.broadcast.no_folder(shown_path(&path), &why)));
        }
    };
    let broken = || News::Trouble(words.broadcast.broken(shown_path(&path)));
    Some(Broadcast::read(&bytes).map_or_else(|_| broken(), |klb| News::Declared(Box::new(klb))))
}

/// What of a folder is news, look after look.
#[derive(Debug)]
pub struct Looker {
    path: PathBuf,
    words: &'static Words,
    last: Option<Vec<u8>>,
    trouble: Option<String>,
}

impl Looker {
    /// Of a folder.
    #[must_use]
    pub fn new(folder: &Path, words: &'static Words) -> Self {
        Self { path: path_in(folder), words, last: None, trouble: None }
    }

    /// Looks once; `now` is the system's clock.
    pub fn look(&mut self, now: DateTime<Utc>) -> Option<News> {
        let read = super::read(&self.path);
        let bytes = match read {
            Ok(bytes) => bytes,
            // Nobody has declared anything yet; a folder that is not there is another matter.
            Err(e) if e.error.kind() == ErrorKind::NotFound && self.has_folder() => return self.sound(),
            Err(e) => {
                let folder = self.path.parent().unwrap_or(&self.path);
                let path = if e.error.kind() == ErrorKind::NotFound { folder } else { &self.path };
                let why = outside::reason(&e.error, self.words);
                return self.troubled(self.words.broadcast.no_folder(shown_path(path), &why));
            }
        };
        if self.last.as_ref() == Some(&bytes) {
            return self.sound();
        }
        let Ok(broadcast) = Broadcast::read(&bytes) else {
            let path = shown_path(&self.path);
            return self.troubled(self.words.broadcast.broken(&path));
        };
        if broadcast.is_ahead_of(now) {
            // Not remembered: the clock may reach it, or be set right.
            return self.troubled(self.words.broadcast.ahead.into());
        }
        self.last = Some(bytes);
        self.trouble = None;
        Some(News::Declared(Box::new(broadcast)))
    }

    /// It did not answer in time.
    #[must_use]
    pub fn no_answer(path: &Path, words: &Words) -> News {
        News::Trouble(words.broadcast.no_folder(&*shown_path(path), words.trouble.no_answer))
    }

    fn has_folder(&self) -> bool {
        self.path.parent().is_some_and(Path::is_dir)
    }

    fn sound(&mut self) -> Option<News> {
        self.trouble.take().map(|_| News::Sound)
    }

    fn troubled(&mut self, trouble: String) -> Option<News> {
        let new = self.trouble.as_ref() != Some(&trouble);
        self.trouble = Some(trouble.clone());
        new.then_some(News::Trouble(trouble))
    }
}
