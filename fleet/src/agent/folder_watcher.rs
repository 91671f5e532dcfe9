//! A folder that the system tells changes of, also when it is taken away and made again.

use std::path::{Path, PathBuf};

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};

/// A folder that is watched.
pub struct Watched {
    watcher: Option<RecommendedWatcher>,
    folder: PathBuf,
}

impl Watched {
    /// Watches a folder; `told` hears of everything that happens in it, in a thread of the watcher's.
    #[must_use]
    pub fn new(folder: &Path, told: impl Fn(&Event) + Send + 'static) -> Self {
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if let Ok(event) = event
                && !event.kind.is_access()
            {
                told(&event);
            }
        });
        let mut one = Self { watcher: watcher.ok(), folder: folder.into() };
        one.again();
        one
    }

    /// Watches it again: one that was made anew is another folder. Answers whether it is watched.
    pub fn again(&mut self) -> bool {
        let Some(watcher) = &mut self.watcher else { return false };
        watcher.watch(&self.folder, RecursiveMode::NonRecursive).is_ok()
    }
}
