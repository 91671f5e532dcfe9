//! Watches a file for changes: notified by the system where it can, polled on request. The *folder* is watched, since a
//! save by rename replaces the file. Network shares send no notifications, so the file is also polled on request, and
//! read every minute whatever its size and time say. Everything runs in a thread of its own: a share that hangs blocks
//! only that thread.

pub mod seconds;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant, SystemTime};

use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use crate::helper::{self, Helper};

/// A change is handled after this much silence: an editor writes in several steps.
const QUIET: Duration = Duration::from_millis(60);
/// A file that keeps changing is read after this time anyway.
const LONGEST: Duration = Duration::from_millis(500);

/// Why the watcher wakes up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wake {
    /// The system reports a change in the folder.
    Changed,
    /// A check was requested.
    Requested,
    /// A read was requested, whatever the fingerprint says.
    Reread,
    /// The last [`WatchHandle`] was dropped.
    End,
}

/// Requests checks from a watcher, which ends when the last clone of this is dropped.
#[derive(Debug, Clone)]
pub struct WatchHandle(Arc<Handle>);

#[derive(Debug)]
struct Handle(Sender<Wake>);

impl Drop for Handle {
    fn drop(&mut self) {
        // The system's watcher holds a sender too, so the channel alone would never close.
        let _ = self.0.send(Wake::End);
    }
}

impl WatchHandle {
    /// Compares the file's fingerprint, and calls `changed` if it differs.
    pub fn check(&self) {
        let _ = self.0.0.send(Wake::Requested);
    }

    /// Calls `changed` even if the fingerprint is unchanged: on a share a file can be replaced by one of the same size and
    /// time.
    pub fn reread(&self) {
        let _ = self.0.0.send(Wake::Reread);
    }
}

/// The identity of a file or folder: device and inode, where the system reports them.
type Identity = (u64, u64);

/// The fingerprint of a file: what distinguishes it from its successor without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    size: u64,
    modified: Option<SystemTime>,
    identity: Identity,
    /// The last change of its content, name or permissions (ctime); no program can set it back.
    changed: (i64, i64),
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = std::fs::metadata(path).ok()?;
    let changed = changed_at(&metadata);
    Some(Stamp { size: metadata.len(), modified: metadata.modified().ok(), identity: identity(&metadata), changed })
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt as _;
    (metadata.dev(), metadata.ino())
}

#[cfg(unix)]
fn changed_at(metadata: &Metadata) -> (i64, i64) {
    use std::os::unix::fs::MetadataExt as _;
    (metadata.ctime(), metadata.ctime_nsec())
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> Identity {
    (0, 0)
}

#[cfg(not(unix))]
fn changed_at(_: &Metadata) -> (i64, i64) {
    (0, 0)
}

/// Watches `paths` in a thread of its own. `changed` is called there with whatever may have changed, and decides itself
/// whether it did. Returns the handle for requesting a check.
pub fn watch(helper: Helper, paths: Vec<PathBuf>, changed: impl FnMut() + Send + 'static) -> WatchHandle {
    let (send, wake) = channel();
    let notify_sender = send.clone();
    // Without a thread nothing is watched, and requests have no effect.
    let _ = helper::spawn(helper, move || run(&paths, &wake, notify_sender, changed));
    WatchHandle(Arc::new(Handle(send)))
}

/// The folders of the watched files. Of one that is missing, the nearest folder above it is watched, so that its creation
/// is reported.
struct Folders {
    wanted: Vec<PathBuf>,
    /// What the system watches, with each folder's identity when watching began.
    watched: BTreeMap<PathBuf, Identity>,
}

impl Folders {
    fn of(paths: &[PathBuf]) -> Self {
        // A bare file name is relative to the working folder.
        let folder =
            |path: &PathBuf| path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
        Self { wanted: paths.iter().map(folder).collect(), watched: BTreeMap::new() }
    }

    /// Watches the folders that exist now and are not watched yet. Returns whether it started on one: earlier changes
    /// were not reported.
    fn watch(&mut self, watcher: &mut RecommendedWatcher) -> bool {
        let mut begun = false;
        loop {
            let there: BTreeMap<_, _> = self.wanted.iter().filter_map(|folder| nearest(folder)).collect();
            self.watched.retain(|folder, known| {
                let stays = there.get(folder) == Some(known);
                if !stays {
                    // Another folder has replaced it, it is gone, or the one that was missing exists now.
                    let _ = watcher.unwatch(folder);
                }
                stays
            });
            let before = self.watched.len();
            for (folder, identity) in there {
                if !self.watched.contains_key(&folder) && watcher.watch(&folder, RecursiveMode::NonRecursive).is_ok() {
                    self.watched.insert(folder, identity);
                }
            }
            if self.watched.len() == before {
                return begun;
            }
            // What was missing may have been created before its place was watched: look again.
            begun = true;
        }
    }
}

/// This folder, or the nearest one above it that exists.
fn nearest(folder: &Path) -> Option<(PathBuf, Identity)> {
    folder.ancestors().find_map(|folder| {
        let metadata = std::fs::metadata(folder).ok().filter(Metadata::is_dir)?;
        Some((folder.to_owned(), identity(&metadata)))
    })
}

fn run(paths: &[PathBuf], wake: &Receiver<Wake>, notify_sender: Sender<Wake>, mut changed: impl FnMut()) {
    let mut folders = Folders::of(paths);
    // The files, their folders, and those above them, which may be missing too.
    let names: BTreeSet<_> = paths.iter().flat_map(|path| path.iter()).map(ToOwned::to_owned).collect();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let is_relevant = event.map_or(true, |e| {
            // Reading the file is not a change; without this our own read would wake us again.
            let is_named = |p: &PathBuf| p.file_name().is_some_and(|name| names.contains(name));
            !e.kind.is_access() && e.paths.iter().any(is_named)
        });
        if is_relevant {
            let _ = notify_sender.send(Wake::Changed);
        }
    })
    .ok();
    // A folder that can't be watched is tried again at every check.
    let mut watch = || watcher.as_mut().is_some_and(|watcher| folders.watch(watcher));
    let stamps = || paths.iter().map(|path| stamp(path)).collect::<Vec<_>>();
    // Watching starts before the first check, so that a change between the two is reported.
    watch();
    let mut known = stamps();
    // The file may have changed since it was read at start-up.
    changed();
    loop {
        let Ok(mut why) = wake.recv() else { return };
        if why == Wake::Changed {
            why = settle(wake);
        }
        if why == Wake::End {
            return;
        }
        if watch() {
            why = Wake::Changed;
        }
        let now = stamps();
        if why != Wake::Requested || now != known {
            known = now;
            changed();
        }
    }
}

/// Waits until no more events arrive. Returns why the watcher goes on, or that it ends.
fn settle(wake: &Receiver<Wake>) -> Wake {
    let start = Instant::now();
    while start.elapsed() < LONGEST {
        match wake.recv_timeout(QUIET) {
            Ok(Wake::End) => return Wake::End,
            Ok(_) => {}
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        }
    }
    Wake::Changed
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    /// Watches a file and returns each content that it reads.
    fn reading(path: &Path) -> (WatchHandle, Receiver<String>) {
        let (send, read) = channel();
        let file = path.to_owned();
        let watch_handle = watch(Helper::Rules, vec![path.to_owned()], move || {
            let _ = send.send(fs::read_to_string(&file).unwrap_or_default());
        });
        (watch_handle, read)
    }

    fn until(read: &Receiver<String>, text: &str) {
        while read.recv_timeout(PATIENCE).expect(text) != text {}
    }

    #[test]
    fn a_file_is_distinguished_from_one_of_the_same_size_and_time() {
        let folder = tempfile::tempdir().unwrap();
        let (path, beside) = (folder.path().join("rules.toml"), folder.path().join("beside"));
        fs::write(&path, "one").unwrap();
        let before = stamp(&path).unwrap();
        fs::write(&beside, "two").unwrap();
        fs::File::options().write(true).open(&beside).unwrap().set_modified(before.modified.unwrap()).unwrap();
        fs::rename(&beside, &path).unwrap();
        let after = stamp(&path).unwrap();
        assert_eq!((before.size, before.modified), (after.size, after.modified));
        assert_eq!(before != after, cfg!(unix), "on other systems the read of every minute notices the change");
    }

    #[test]
    fn every_minute_the_file_is_read_even_if_its_stamp_is_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rules.toml");
        fs::write(&path, "one").unwrap();
        let (watch_handle, read) = reading(&path);
        until(&read, "one");
        watch_handle.check();
        watch_handle.reread();
        until(&read, "one");
        assert!(read.try_recv().is_err(), "a check at an unchanged stamp reads nothing");
    }

    #[test]
    fn a_watcher_ends_with_its_last_handle() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rules.toml");
        fs::write(&path, "one").unwrap();
        let (watch_handle, read) = reading(&path);
        let clone = watch_handle.clone();
        drop(watch_handle);
        until(&read, "one");
        clone.reread();
        until(&read, "one");
        drop(clone);
        while let Ok(text) = read.recv_timeout(PATIENCE) {
            assert_eq!(text, "one");
        }
        assert_eq!(read.try_recv(), Err(std::sync::mpsc::TryRecvError::Disconnected));
    }

    /// As at the first run: the prompter is open, and the folder of the settings is made only later, by `penutup init`.
    #[test]
    fn a_file_in_folders_that_are_made_later_is_read_without_a_request() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a/b/rules.toml");
        let (watch_handle, read) = reading(&path);
        until(&read, "");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "one").unwrap();
        until(&read, "one");
        fs::write(&path, "two").unwrap();
        until(&read, "two");
        drop(watch_handle);
    }

    /// Windows reports no folder identity, and its watch follows the old folder: there the check every minute finds the
    /// change.
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
        let (watch_handle, read) = reading(&path);
        until(&read, "one");
        fs::rename(&folder, &old).unwrap();
        fs::rename(&next, &folder).unwrap();
        watch_handle.check();
        until(&read, "two");
        // From here on no check is requested: the new folder is watched.
        fs::write(&path, "three").unwrap();
        until(&read, "three");
        fs::write(old.join("rules.toml"), "four").unwrap();
        fs::write(&path, "five").unwrap();
        until(&read, "five");
        drop(watch_handle);
    }
}
