//! A file-system watch of one folder that can be renewed after the folder was deleted and created again.

use std::path::{Path, PathBuf};

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};

pub struct FolderWatcher {
    watcher: Option<RecommendedWatcher>,
    folder: PathBuf,
}

impl FolderWatcher {
    /// Watches a folder. `on_event` is called in the watcher's thread for everything but read access.
    pub fn new(folder: &Path, on_event: impl Fn(&Event) + Send + 'static) -> Self {
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if let Ok(event) = event
                && !event.kind.is_access()
            {
                on_event(&event);
            }
        });
        let mut watcher = Self { watcher: watcher.ok(), folder: folder.into() };
        watcher.rewatch();
        watcher
    }

    /// Renews the watch: a folder that was created again is another one to the system. Returns whether it is watched.
    pub fn rewatch(&mut self) -> bool {
        let Some(watcher) = &mut self.watcher else { return false };
        watcher.watch(&self.folder, RecursiveMode::NonRecursive).is_ok()
    }
}
