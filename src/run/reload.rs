//! Reads the rules file and the settings file again when they may have changed.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Reload, Tasks};
use crate::clock::Clock;
use crate::files::{self, FileError, Folders};
use crate::loaded::LoadedRules;
use crate::message::{Comparison, Message, Subject};
use crate::rehearsal::untried;
use crate::rules::change::Change;
use crate::settings::Settings;
use crate::words::Words;
use penutup_system::folders::exists_or_unreadable;

use penutup_system::mailbox::Mailbox;

/// Reloads the settings file. The message reports what is wrong with it, or that changes apply after a restart.
pub fn reload_settings(path: PathBuf, folders: Folders, in_force: Settings, words: &'static Words) -> Reload {
    let mut reported: Option<Option<String>> = None;
    let mut was_there = false;
    Box::new(move || {
        was_there |= exists_or_unreadable(&path);
        if !was_there {
            // Without a settings file the defaults apply; `penutup init` may create it later.
            return None;
        }
        let (settings, bad) = files::settings::reload(&path, &folders);
        let line = match bad {
            Some(bad) => Some(words.trouble.settings_bad(bad.place_and_why(words))),
            None if settings != in_force => Some(words.notice.settings_later.into()),
            None => None,
        };
        let is_new = reported.as_ref() != Some(&line);
        reported = Some(line.clone());
        is_new.then_some(Message::Trouble(Subject::Settings, line))
    })
}

/// The first place that has a rules file, else the last place.
fn in_use(places: &[PathBuf]) -> usize {
    places.iter().position(|path| exists_or_unreadable(path)).unwrap_or(places.len().saturating_sub(1))
}

/// Tries rules off-screen; the error is the panic's message.
pub type Rehearse = Box<dyn Fn(&Arc<LoadedRules>) -> Result<(), String> + Send>;

/// Reads the rules file again and returns what is new; saves good rules as the last good ones.
pub struct Reloader {
    /// The files that the rules may come from, the highest priority first.
    pub places: Vec<PathBuf>,
    /// The position of the file in use. A file of higher priority replaces it when it appears; one of lower priority
    /// does not when it disappears, which may be a mistake.
    pub at: usize,
    /// The last good rules.
    pub last: Arc<LoadedRules>,
    /// Why the file as it is now was refused; it is reported once.
    pub complaint: Option<String>,
    /// Today's date.
    pub clock: Clock,
    /// Where the last good rules are saved.
    pub folders: Folders,
    /// The SHA-256 of the last rules in force that this seat loaded, as recorded in the saved state.
    pub seen: Option<String>,
    /// The mailbox of the thread that saves `seen`.
    pub tasks: Arc<Mailbox<Tasks>>,
    /// The language of what is reported.
    pub words: &'static Words,
    /// Tries new rules off-screen; the panic's message is why they are refused.
    pub rehearse: Rehearse,
}

impl Reloader {
    /// The reload function for the watcher. Its first call compares with what was read before the start.
    pub fn into_reload(mut self) -> Reload {
        let mut first = true;
        Box::new(move || {
            let message = self.check_file(first);
            if first && self.complaint.is_none() {
                self.remember();
            }
            first = false;
            message
        })
    }

    fn check_file(&mut self, first: bool) -> Option<Message> {
        self.at = in_use(&self.places).min(self.at);
        let path = &self.places[self.at];
        let result = files::read(path).map_err(FileError::Unreadable).and_then(|source| {
            // It is read every minute; an unchanged file is not proved again.
            if self.complaint.is_none() && source == self.last.source && self.came_from(path) {
                return Ok(None);
            }
            files::prove(source, path, self.clock.today()).map(Some)
        });
        let Some(result) = result.transpose() else {
            // Waiting rules may have come into force.
            if self.seen.as_deref() != Some(self.last.sha256()) {
                self.remember();
            }
            return None;
        };
        match result {
            Ok(loaded) if loaded.source == self.last.source => {
                let moved = loaded.origin != self.last.origin;
                if moved {
                    self.last = Arc::new(loaded);
                }
                // Waiting rules may have come into force.
                self.remember();
                // Unchanged; if it was broken in between, the complaint is over.
                let mended = self.complaint.take().is_some();
                (mended || moved).then(|| Message::Rules(Arc::clone(&self.last), None))
            }
            Ok(loaded) => {
                let loaded = Arc::new(loaded);
                if let Err(panic) = (self.rehearse)(&loaded) {
                    return self.complain(untried(Some(&self.places[self.at]), &panic, self.words));
                }
                self.complaint = None;
                let from = std::mem::replace(&mut self.last, loaded);
                let change = Change::between(&from.rules, &self.last.rules);
                self.remember();
                Some(Message::Rules(Arc::clone(&self.last), change.map(|change| Comparison { from, change })))
            }
            // The built-in rules need no file; only a file that disappeared is reported.
            Err(FileError::Unreadable(e)) if e.error.kind() == io::ErrorKind::NotFound && !self.is_from_file() => None,
            Err(bad) => {
                let complaint = match &bad {
                    FileError::Unreadable(e) if e.error.kind() == io::ErrorKind::NotFound && !first => {
                        self.words.notice.rules_gone(files::shown_path(&self.places[self.at]))
                    }
                    bad => bad.notice(self.words),
                };
                self.complain(complaint)
            }
        }
    }

    /// Whether the last good rules came from this path.
    fn came_from(&self, path: &Path) -> bool {
        matches!(&self.last.origin, crate::loaded::Origin::File(file) if file == path)
    }

    /// The message for a refused file, unless it was reported already.
    fn complain(&mut self, complaint: String) -> Option<Message> {
        let new = self.complaint.as_ref() != Some(&complaint);
        self.complaint = Some(complaint.clone());
        new.then_some(Message::Trouble(Subject::Rules, Some(complaint)))
    }

    /// Whether the file in use exists or did: the last good rules came from it, or it was refused.
    fn is_from_file(&self) -> bool {
        self.came_from(&self.places[self.at]) || self.complaint.is_some()
    }

    /// Saves the last good rules and that they were seen. A failure is not reported here: saving the state fails for
    /// the same reason, and is.
    fn remember(&mut self) {
        // Until they are in force, the rules before them stay the last good ones.
        if !self.last.is_in_force(self.clock.today()) {
            return;
        }
        let _ = files::save_last_good(&self.folders, &self.last);
        let sha256 = self.last.sha256();
        if self.seen.as_deref() != Some(sha256) {
            self.seen = Some(sha256.to_owned());
            let rules = (self.last.rules.sop.revision.clone(), sha256.to_owned());
            self.tasks.post(|tasks| tasks.rules = Some(rules));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loaded::Origin;
    use crate::rules::BUILT_IN;
    use crate::words::Lang;

    #[test]
    fn rules_that_panic_when_they_are_tried_are_refused_and_the_last_ones_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rules.toml");
        let revision = |name: &str| BUILT_IN.replace("\"Rev-1\"", &format!("\"{name}\""));
        std::fs::write(&path, revision("Rev-2")).unwrap();
        let loaded =
            LoadedRules::read(revision("Rev-2").into_bytes(), Origin::File(path.clone()), chrono::NaiveDate::MAX)
                .unwrap();
        let mut reloader = Reloader {
            places: vec![path.clone()],
            at: 0,
            last: Arc::new(loaded),
            complaint: None,
            clock: Clock::system(),
            folders: Folders::default(),
            seen: None,
            tasks: Arc::default(),
            words: Lang::Id.words(),
            rehearse: Box::new(|loaded| match loaded.rules.sop.revision.as_str() {
                "Rev-3" => Err("index out of bounds".into()),
                _ => Ok(()),
            }),
        };
        assert!(reloader.check_file(false).is_none());
        std::fs::write(&path, revision("Rev-3")).unwrap();
        let Some(Message::Trouble(Subject::Rules, Some(line))) = reloader.check_file(false) else {
            panic!("it is refused")
        };
        assert!(line.contains("rules.toml") && line.contains("index out of bounds"), "{line}");
        assert_eq!(reloader.last.rules.sop.revision, "Rev-2");
        assert!(reloader.check_file(false).is_none(), "the same trouble is reported once");
        std::fs::write(&path, revision("Rev-4")).unwrap();
        assert!(matches!(reloader.check_file(false), Some(Message::Rules(_, Some(_)))));
    }

    #[test]
    fn settings_are_reported_when_they_break_once_and_when_they_are_mended() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("settings.toml");
        let mut reload =
            reload_settings(path.clone(), Folders::below(home.path()), Settings::default(), Lang::Id.words());
        assert_eq!(reload(), None, "a file that was never there is no trouble");
        std::fs::write(&path, "bahasa = ").unwrap();
        let Some(Message::Trouble(Subject::Settings, Some(line))) = reload() else { panic!("it is reported") };
        assert!(line.contains("settings.toml"), "{line}");
        assert_eq!(reload(), None, "the same trouble is reported once");
        std::fs::write(&path, "").unwrap();
        assert_eq!(reload(), Some(Message::Trouble(Subject::Settings, None)));
        std::fs::write(&path, "lang = 'en'").unwrap();
        let later = Lang::Id.words().notice.settings_later.to_owned();
        assert_eq!(reload(), Some(Message::Trouble(Subject::Settings, Some(later))));
    }
}
