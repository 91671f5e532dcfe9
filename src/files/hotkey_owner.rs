//! Which prompter has the hotkeys of a desktop. A combination can be registered once, so the prompters of one user take
//! turns: the first locks a file until it ends, the others wait for that lock, and the system frees it also when the
//! first is killed. A second file, locked while it is read or written, says what the first has registered, so that the
//! others and `penutup hotkeys` can show it.

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::settings::Hotkey;
use penutup_system::own_files;

/// The most that is read of the second file: [`MAX`](crate::settings::hotkeys) entries with room to spare.
const MAX_STATUS: u64 = 64 * 1024;

/// What became of a hotkey.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Registration {
    Registered,
    /// Another program has registered the combination.
    Held,
    /// The keyboard layout has no such key.
    NoKey,
    /// The desktop refused it, without one of these reasons.
    Refused,
}

/// A hotkey of the prompter that has them, as texts: its settings may be of another version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub press: String,
    pub keys: String,
    pub registration: Registration,
}

impl Entry {
    pub fn new(hotkey: &Hotkey, registration: Registration) -> Self {
        Self { press: hotkey.press.clone(), keys: hotkey.keys.to_string(), registration }
    }
}

/// What a prompter has registered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The prompter's process.
    pub process: u32,
    pub hotkeys: Vec<Entry>,
}

/// The two files of one desktop.
#[derive(Clone, Debug)]
pub struct OwnerFiles {
    folder: PathBuf,
    desktop: String,
}

/// The lock, held until this is dropped.
#[derive(Debug)]
pub struct Owner {
    _lock: File,
    status: File,
    is_status_locked: bool,
}

/// Who has the hotkeys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// No prompter.
    None,
    /// A prompter; what it has registered, if it wrote that.
    Prompter(Option<Status>),
}

impl OwnerFiles {
    /// The files in this folder, which only the user can write to, for a desktop with this name.
    pub fn new(folder: &Path, desktop: &str) -> Self {
        Self { folder: folder.to_owned(), desktop: desktop.to_owned() }
    }

    fn open(&self, extension: &str, create: bool) -> io::Result<File> {
        let path = self.folder.join(format!("hotkeys-{}.{extension}", self.desktop));
        own_files::options().read(true).write(true).create(create).truncate(false).open(path)
    }

    /// Waits until no other prompter has the hotkeys. If one has them, `meanwhile` is called with what it has registered.
    ///
    /// # Errors
    /// The I/O error.
    pub fn take(&self, meanwhile: impl FnOnce(Status)) -> io::Result<Owner> {
        own_files::make_folder(&self.folder)?;
        let mut status = self.open("status", true)?;
        let own = self.open("lock", true)?;
        // Held until the owner has written what it registered, so that nobody reads what an earlier one wrote.
        lock(&status)?;
        if !try_lock(&own)? {
            let written = read(&mut status);
            unlock(&status);
            meanwhile(written.unwrap_or_default());
            lock(&own)?;
            lock(&status)?;
        }
        Ok(Owner { _lock: own, status, is_status_locked: true })
    }

    /// Who has the hotkeys now.
    ///
    /// # Errors
    /// The I/O error.
    pub fn holder(&self) -> io::Result<Holder> {
        let files = self.open("status", false).and_then(|status| Ok((status, self.open("lock", false)?)));
        let (mut status, own) = match files {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Holder::None),
            files => files?,
        };
        lock(&status)?;
        // A prompter that starts at this moment waits for the lock and gets it at once.
        if try_lock(&own)? { Ok(Holder::None) } else { Ok(Holder::Prompter(read(&mut status))) }
    }
}

impl Owner {
    /// Writes what is registered, for the others.
    ///
    /// # Errors
    /// The I/O error.
    pub fn publish(&mut self, written: &Status) -> io::Result<()> {
        // Windows does not lock a file twice.
        if !self.is_status_locked {
            lock(&self.status)?;
            self.is_status_locked = true;
        }
        let result = write(&mut self.status, written);
        unlock(&self.status);
        self.is_status_locked = false;
        result
    }
}

fn write(file: &mut File, status: &Status) -> io::Result<()> {
    file.rewind()?;
    file.set_len(0)?;
    file.write_all(&serde_json::to_vec(status)?)
}

fn lock(file: &File) -> io::Result<()> {
    loop {
        match file.lock() {
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Wine unlocks it and reports an error; on other systems there is none.
fn unlock(file: &File) {
    let _ = file.unlock();
}

fn try_lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// `None` if it is not whole: its prompter was killed while it wrote.
fn read(file: &mut File) -> Option<Status> {
    let mut text = Vec::new();
    file.rewind().ok()?;
    file.take(MAX_STATUS).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::Duration;

    use super::*;

    const WAIT: Duration = Duration::from_secs(60);

    fn status(keys: &str) -> Status {
        Status {
            process: 7,
            hotkeys: vec![Entry { press: "said".into(), keys: keys.into(), registration: Registration::Held }],
        }
    }

    #[test]
    fn one_has_the_hotkeys_and_the_next_gets_them_when_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let files = OwnerFiles::new(&folder.path().join("run"), ":0");
        assert_eq!(files.holder().unwrap(), Holder::None);
        assert!(!folder.path().join("run").exists(), "asking creates nothing");
        let mut first = files.take(|_| panic!("nobody has them")).unwrap();
        first.publish(&status("Ctrl+Alt+A")).unwrap();
        first.publish(&status("Ctrl+Alt+B")).unwrap();
        assert_eq!(files.holder().unwrap(), Holder::Prompter(Some(status("Ctrl+Alt+B"))));
        let (send, told) = channel();
        let waiting = files.clone();
        let second = thread::spawn(move || {
            let waits = send.clone();
            let mut owner = waiting.take(move |status| waits.send(Some(status)).unwrap()).unwrap();
            owner.publish(&status("Ctrl+Alt+C")).unwrap();
            send.send(None).unwrap();
            owner
        });
        assert_eq!(told.recv_timeout(WAIT).unwrap(), Some(status("Ctrl+Alt+B")));
        // Another desktop has its own.
        assert_eq!(OwnerFiles::new(&folder.path().join("run"), ":1").holder().unwrap(), Holder::None);
        drop(first);
        assert_eq!(told.recv_timeout(WAIT).unwrap(), None);
        assert_eq!(files.holder().unwrap(), Holder::Prompter(Some(status("Ctrl+Alt+C"))));
        drop(second.join().unwrap());
        assert_eq!(files.holder().unwrap(), Holder::None);
    }

    #[test]
    fn a_status_that_is_not_whole_counts_as_unknown() {
        let folder = tempfile::tempdir().unwrap();
        let files = OwnerFiles::new(folder.path(), ":0");
        let mut owner = files.take(|_| {}).unwrap();
        owner.publish(&status("Ctrl+Alt+A")).unwrap();
        owner.status.set_len(9).unwrap();
        assert_eq!(files.holder().unwrap(), Holder::Prompter(None));
    }
}
