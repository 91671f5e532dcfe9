//! Notices that a file changed: told by the system where it can tell, looked at when asked. The *folder* is watched,
//! since a save by rename replaces the file, and network shares tell nothing, so that the file is also looked at whenever
//! somebody asks, and at the minute read, whatever its size and time say. Everything happens in a thread of its own: a
//! share that hangs holds nobody.

pub mod seconds;

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant, SystemTime};

use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use crate::helper::{self, Helper};

/// A change is looked at once nothing more came for so long: an editor writes in several steps.
const QUIET: Duration = Duration::from_millis(60);
/// A file that never comes to rest is looked at after so long all the same.
const LONGEST: Duration = Duration::from_millis(500);

/// Why the watcher wakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wake {
    /// The system says that something in the folder changed.
    Told,
    /// Somebody asks to look.
    Requested,
    /// A minute has passed.
    Minute,
}

/// Asks a watcher to look. When it is gone, the watcher ends.
#[derive(Debug, Clone)]
pub struct Look(Sender<Wake>);

impl Look {
    /// Looks at what tells the file from its successor, and calls `changed` where that is another.
    pub fn now(&self) {
        let _ = self.0.send(Wake::Requested);
    }

    /// Calls `changed`, which reads: on a share a file can be replaced by one of the same size and time.
    pub fn at_the_minute(&self) {
        let _ = self.0.send(Wake::Minute);
    }
}

/// Which file or folder it is: device and number, where the system says.
type Identity = (u64, u64);

/// What tells a file from its successor without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    size: u64,
    modified: Option<SystemTime>,
    identity: Identity,
    /// When content, name or rights of it changed last; nobody can set it back.
    changed: (i64, i64),
}

fn stamp(path: &Path) -> Option<Stamp> {
    let about = std::fs::metadata(path).ok()?;
    let changed = changed_at(&about);
    Some(Stamp { size: about.len(), modified: about.modified().ok(), identity: identity(&about), changed })
}

#[cfg(unix)]
fn identity(about: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt as _;
    (about.dev(), about.ino())
}

#[cfg(unix)]
fn changed_at(about: &Metadata) -> (i64, i64) {
    use std::os::unix::fs::MetadataExt as _;
    (about.ctime(), about.ctime_nsec())
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> Identity {
    (0, 0)
}

#[cfg(not(unix))]
fn changed_at(_: &Metadata) -> (i64, i64) {
    (0, 0)
}

/// Watches `paths` in a thread of its own; `changed` is called there, with whatever may have changed, and decides
/// itself whether it did. Answers the way to ask for a look.
#[must_use]
pub fn watch(helper: Helper, paths: Vec<PathBuf>, changed: impl FnMut() + Send + 'static) -> Look {
    let (send, wake) = channel();
    let told = send.clone();
    // Without a thread nothing is watched; what is asked for then is asked of nobody.
    let _ = helper::spawn(helper, move || run(&paths, &wake, told, changed));
    Look(send)
}

/// The folder of a watched file.
struct Folder {
    path: PathBuf,
    /// Which folder it was when its watching began; `None` while it is not watched.
    watched: Option<Identity>,
}

impl Folder {
    fn of(path: &Path) -> Self {
        // A bare file name stands in the working folder.
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Self { path: folder.to_owned(), watched: None }
    }

    /// Begins to watch where a folder stands that is not watched yet. Answers whether it began: what happened before
    /// that nobody was told.
    fn watch(&mut self, watcher: &mut RecommendedWatcher) -> bool {
        let there = std::fs::metadata(&self.path).ok().filter(Metadata::is_dir).map(|about| identity(&about));
        if there == self.watched {
            return false;
        }
        if self.watched.take().is_some() {
            // Another folder has its place, or none.
            let _ = watcher.unwatch(&self.path);
        }
        if there.is_some() && watcher.watch(&self.path, RecursiveMode::NonRecursive).is_ok() {
            self.watched = there;
        }
        self.watched.is_some()
    }
}

fn run(paths: &[PathBuf], wake: &Receiver<Wake>, told: Sender<Wake>, mut changed: impl FnMut()) {
    let mut folders: Vec<Folder> = paths.iter().map(|path| Folder::of(path)).collect();
    let names: Vec<_> = paths.iter().map(|path| path.file_name().map(ToOwned::to_owned)).collect();
    let folder_names: Vec<_> = folders.iter().map(|folder| folder.path.file_name().map(ToOwned::to_owned)).collect();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let about_us = event.map_or(true, |e| {
            // Reading the file is no change; without this, our own look would wake us again.
            let is_named =
                |p: &PathBuf| names.iter().chain(&folder_names).any(|n| n.is_some() && p.file_name() == n.as_deref());
            !e.kind.is_access() && e.paths.iter().any(is_named)
        });
        if about_us {
            let _ = told.send(Wake::Told);
        }
    })
    .ok();
    // A folder that is not there yet is tried again at every look.
    let mut watch = || {
        let watcher = watcher.as_mut();
        watcher.is_some_and(|watcher| folders.iter_mut().fold(false, |begun, folder| folder.watch(watcher) | begun))
    };
    let stamps = || paths.iter().map(|path| stamp(path)).collect::<Vec<_>>();
    // The watching begins before the first look: what changes between the two is told.
    watch();
    let mut known = stamps();
    // The file may have changed since the start's reading.
    changed();
    loop {
        let Ok(mut why) = wake.recv() else { return };
        if why == Wake::Told {
            settle(wake);
        }
        if watch() {
            why = Wake::Told;
        }
        let now = stamps();
        if why != Wake::Requested || now != known {
            known = now;
            changed();
        }
    }
}

/// Waits until nothing more comes.
fn settle(wake: &Receiver<Wake>) {
    let start = Instant::now();
    while start.elapsed() < LONGEST {
        match wake.recv_timeout(QUIET) {
            Ok(_) => {}
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    /// Watches a file and answers what it read, look after look.
    fn reading(path: &Path) -> (Look, Receiver<String>) {
        let (send, read) = channel();
        let file = path.to_owned();
        let look = watch(Helper::Rules, vec![path.to_owned()], move || {
            let _ = send.send(fs::read_to_string(&file).unwrap_or_default());
        });
        (look, read)
    }

    fn until(read: &Receiver<String>, text: &str) {
        while read.recv_timeout(PATIENCE).expect(text) != text {}
    }

    #[test]
    fn a_file_is_told_from_one_of_the_same_size_and_time() {
        let folder = tempfile::tempdir().unwrap();
        let (path, beside) = (folder.path().join("rules.toml"), folder.path().join("beside"));
        fs::write(&path, "one").unwrap();
        let before = stamp(&path).unwrap();
        fs::write(&beside, "two").unwrap();
        fs::File::options().write(true).open(&beside).unwrap().set_modified(before.modified.unwrap()).unwrap();
        fs::rename(&beside, &path).unwrap();
        let after = stamp(&path).unwrap();
        assert_eq!((before.size, before.modified), (after.size, after.modified));
        assert_eq!(before != after, cfg!(unix), "elsewhere the minute's reading sees it");
    }

    #[test]
    fn at_the_minute_the_file_is_read_whatever_its_stamp() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rules.toml");
        fs::write(&path, "one").unwrap();
        let (look, read) = reading(&path);
        until(&read, "one");
        look.now();
        look.at_the_minute();
        until(&read, "one");
        assert!(read.try_recv().is_err(), "a look at an unchanged stamp reads nothing");
    }

    /// Windows names no number of a folder, and its watch follows the old one: there the look at the minute finds it.
    #[cfg(unix)]
    #[test]
    fn a_folder_that_was_replaced_is_watched_again() {
        let place = tempfile::tempdir().unwrap();
        let (folder, next, old) = (place.path().join("a"), place.path().join("b"), place.path().join("c"));
        let path = folder.join("rules.toml");
        for (folder, text) in [(&folder, "one"), (&next, "two")] {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join("rules.toml"), text).unwrap();
        }
        let (look, read) = reading(&path);
        until(&read, "one");
        fs::rename(&folder, &old).unwrap();
        fs::rename(&next, &folder).unwrap();
        look.now();
        until(&read, "two");
        // From here on without a look: the new folder is watched.
        fs::write(&path, "three").unwrap();
        until(&read, "three");
        fs::write(old.join("rules.toml"), "four").unwrap();
        fs::write(&path, "five").unwrap();
        until(&read, "five");
        drop(look);
    }
}
