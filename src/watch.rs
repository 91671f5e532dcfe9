//! Notices that a file changed: told by the system where it can tell, looked at when asked. The *folder* is watched,
//! since a save by rename replaces the file, and network shares tell nothing, so that size and time are also looked at
//! whenever somebody asks. Everything happens in a thread of its own: a share that hangs holds nobody.

pub mod seconds;

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant, SystemTime};

use notify::{RecursiveMode, Watcher};

/// A change is looked at once nothing more came for so long: an editor writes in several steps.
const QUIET: Duration = Duration::from_millis(60);
/// A file that never comes to rest is looked at after so long all the same.
const LONGEST: Duration = Duration::from_millis(500);

/// Why the watcher wakes.
enum Wake {
    /// The system says that something in the folder changed.
    Told,
    /// Somebody asks to look.
    Asked,
}

/// Asks a watcher to look. When it is gone, the watcher ends.
#[derive(Debug, Clone)]
pub struct Look(Sender<Wake>);

impl std::fmt::Debug for Wake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wake")
    }
}

impl Look {
    /// Looks at size and time, and calls `changed` where they are others.
    pub fn now(&self) {
        let _ = self.0.send(Wake::Asked);
    }
}

/// What tells a file from its successor without reading it.
type Stamp = Option<(u64, Option<SystemTime>)>;

fn stamp(path: &Path) -> Stamp {
    let about = std::fs::metadata(path).ok()?;
    Some((about.len(), about.modified().ok()))
}

/// Watches `paths` in a thread of its own; `changed` is called there, with whatever may have changed, and decides
/// itself whether it did. Answers the way to ask for a look.
#[must_use]
pub fn watch(paths: Vec<PathBuf>, changed: impl FnMut() + Send + 'static) -> Look {
    let (send, wake) = channel();
    let told = send.clone();
    std::thread::spawn(move || run(&paths, &wake, told, changed));
    Look(send)
}

fn run(paths: &[PathBuf], wake: &Receiver<Wake>, told: Sender<Wake>, mut changed: impl FnMut()) {
    let names: Vec<_> = paths.iter().map(|path| path.file_name().map(ToOwned::to_owned)).collect();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let about_us = event.map_or(true, |e| {
            // Reading the file is no change; without this, our own look would wake us again.
            !e.kind.is_access() && e.paths.iter().any(|p| names.iter().any(|n| p.file_name() == n.as_deref()))
        });
        if about_us {
            let _ = told.send(Wake::Told);
        }
    })
    .ok();
    let mut watch = |path: &Path, is_watched: bool| {
        // A bare file name stands in the working folder.
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        match &mut watcher {
            // A folder that is not there yet is tried again at every look; one that went and came back is another
            // folder.
            Some(watcher) if !is_watched => {
                folder.is_dir() && watcher.watch(folder, RecursiveMode::NonRecursive).is_ok()
            }
            _ => is_watched && folder.is_dir(),
        }
    };
    let stamps = || paths.iter().map(|path| stamp(path)).collect::<Vec<_>>();
    // The watching begins before the first look: what changes between the two is told.
    let mut are_watched: Vec<bool> = paths.iter().map(|path| watch(path, false)).collect();
    let mut known = stamps();
    // The file may have changed since the start's reading.
    changed();
    loop {
        for (path, is_watched) in paths.iter().zip(&mut are_watched) {
            *is_watched = watch(path, *is_watched);
        }
        let Ok(why) = wake.recv() else { return };
        if matches!(why, Wake::Told) {
            settle(wake);
        }
        let now = stamps();
        if matches!(why, Wake::Told) || now != known {
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
