//! The folder that a supervisor's declaration lies in: read by every prompter, written by `penutup klb`, often on a
//! network share. What is written is read by other users, and two who write at once take turns.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{Folders, held, shown_path};
use crate::broadcast::{Broadcast, News};
use crate::tell::outside;
use crate::words::{Words, fill};

/// The file's name.
const FILE: &str = "klb.toml";
/// The file that who writes holds.
const LOCK: &str = "klb.lock";
/// How long another may write.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where the declaration lies in a folder.
#[must_use]
pub fn path_in(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

/// Writes a declaration with a version above the present one. `make` is given that version.
///
/// # Errors
/// What the system says; [`ErrorKind::ResourceBusy`] where another writes all the time.
pub fn declare(
    folder: &Path,
    now: chrono::DateTime<chrono::Utc>,
    make: impl FnOnce(u64) -> Broadcast,
) -> io::Result<Broadcast> {
    let _held = lock(folder)?;
    let path = path_in(folder);
    let previous = match super::read(&path) {
        // What can't be understood is replaced: a supervisor must be able to mend it.
        Ok(bytes) => Broadcast::read(&bytes).ok().map(|b| b.version),
        Err(e) if e.error.kind() == ErrorKind::NotFound => None,
        Err(e) => return Err(e.error),
    };
    let broadcast = make(Broadcast::next_version(previous, now));
    write_for_all(&path, broadcast.to_table().to_string().as_bytes())?;
    Ok(broadcast)
}

/// Takes the lock; it goes with its holder, whatever ends that one. A share that knows no locks is written all the same.
fn lock(folder: &Path) -> io::Result<Option<File>> {
    let path = folder.join(LOCK);
    let file = match OpenOptions::new().write(true).create(true).truncate(false).open(&path) {
        // Another supervisor's: to lock it, reading is enough.
        Err(e) if e.kind() == ErrorKind::PermissionDenied => File::open(&path)?,
        other => other?,
    };
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::WouldBlock) if start.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(TryLockError::WouldBlock) => return Err(ErrorKind::ResourceBusy.into()),
            Err(TryLockError::Error(_)) => return Ok(None),
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
        options.permissions(std::fs::Permissions::from_mode(0o644));
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
            return Some(News::Trouble(fill(
                words.broadcast.no_folder,
                &[("path", &shown_path(&path)), ("why", &why)],
            )));
        }
    };
    let broken = || News::Trouble(fill(words.broadcast.broken, &[("path", &shown_path(&path))]));
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

    /// Looks once.
    pub fn look(&mut self) -> Option<News> {
        let read = super::read(&self.path);
        let bytes = match read {
            Ok(bytes) => bytes,
            // Nobody has declared anything yet; a folder that is not there is another matter.
            Err(e) if e.error.kind() == ErrorKind::NotFound && self.has_folder() => return self.sound(),
            Err(e) => {
                let folder = self.path.parent().unwrap_or(&self.path);
                let path = if e.error.kind() == ErrorKind::NotFound { folder } else { &self.path };
                let why = outside::reason(&e.error, self.words);
                return self
                    .troubled(fill(self.words.broadcast.no_folder, &[("path", &shown_path(path)), ("why", &why)]));
            }
        };
        if self.last.as_ref() == Some(&bytes) {
            return self.sound();
        }
        let Ok(broadcast) = Broadcast::read(&bytes) else {
            let path = shown_path(&self.path);
            return self.troubled(fill(self.words.broadcast.broken, &[("path", &path)]));
        };
        self.last = Some(bytes);
        self.trouble = None;
        Some(News::Declared(Box::new(broadcast)))
    }

    /// It did not answer in time.
    #[must_use]
    pub fn no_answer(path: &Path, words: &Words) -> News {
        let with = [("path", &*shown_path(path)), ("why", words.trouble.no_answer)];
        News::Trouble(fill(words.broadcast.no_folder, &with))
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
