//! From everything that arguments, environment, settings and disk have to say to a running prompter. It ties the command
//! line, the files and the screen together, which know nothing of each other.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::action::{Action, Change, RulesNews, Subject};
use crate::app::{App, Begin};
use crate::book::Book;
use crate::broadcast::News;
use crate::clipboard::Desktop;
use crate::clock::Clock;
use crate::files::broadcast::{Looker, brought, path_in};
use crate::files::folders::stands;
use crate::files::shift::{Keeper, Shift};
use crate::files::{self, Bad, Folders, deadline, log};
use crate::journal::writer::Config;
use crate::mailbox::Mailbox;
use crate::rehearsal::{rehearse, untried};
use crate::run::{Log, Outside, Reload, Reread, Tasks, Teller, View, run};
use crate::settings::Settings;
use crate::softphone::place::Place;
use crate::softphone::socket::{Used, ask_in_turn};
use crate::softphone::{baresip, socket};
use crate::tell::outside;
use crate::tui::theme::Theme;
use crate::watch::seconds::{Seen, each_second};
use crate::words::{Lang, Words, fill};

/// What the prompter is begun with.
#[derive(Debug)]
pub struct Start {
    /// The rules to run on.
    pub book: Arc<Book>,
    /// Those that were asked for, where their first day is still to come.
    pub waiting: Option<Arc<Book>>,
    /// Why they are not those that were asked for, in one line that stays until the file is mended.
    pub rules_trouble: Option<String>,
    /// What was wrong with the file that was asked for.
    pub bad: Option<String>,
    /// What else is wrong until it is mended.
    pub troubles: Vec<(Subject, String)>,
    /// The rules files to watch: the one that is named, or those that are used where they stand, the stronger first.
    pub watch: Vec<PathBuf>,
    /// Which of them is in use.
    pub at: usize,
    /// The settings file in use.
    pub settings_file: Option<PathBuf>,
    /// The language of the screen.
    pub lang: Lang,
    /// The zone we sit in: a position in the rules' zones.
    pub zone: usize,
    /// The settings.
    pub settings: Settings,
    /// What time it is.
    pub clock: Clock,
    /// The platform's folders.
    pub folders: Folders,
    /// What was kept from before: the shift's facts, and the rules that were seen last.
    pub shift: Shift,
    /// What the first screen tells.
    pub notice: Option<String>,
    /// The rules that were in use when the prompter last ran, where they are others and still at hand.
    pub was: Option<Arc<Book>>,
    /// The journal; `None`: the settings want none, or there is no place for it.
    pub journal: Option<Config>,
    /// Whether keys come in lines.
    pub lines: bool,
}

impl Start {
    /// With keys that come in lines.
    #[must_use]
    pub fn in_lines(mut self) -> Self {
        self.lines = true;
        self
    }

    /// Runs the prompter until it is left; `open` enters the terminal.
    ///
    /// # Errors
    /// Where the terminal can't be entered or shown on.
    pub fn run<V: View>(self, open: impl FnOnce() -> io::Result<V>) -> io::Result<()> {
        let (lang, words) = (self.lang, self.lang.words());
        let mut app = App::new(Begin {
            book: Arc::clone(&self.book),
            lang: self.lang,
            zone: self.zone,
            held: self.shift.state.held.clone(),
            notice: self.notice,
            rules_trouble: self.rules_trouble,
            now: self.clock.now(),
        })
        .after(self.was)
        .waiting_for(self.waiting.clone())
        .knowing(self.shift.state.broadcast.clone())
        .welcoming(self.shift.state.welcome)
        .with_troubles(self.troubles);
        if self.lines {
            app = app.in_lines();
        }
        let used = Arc::new(Used::default());
        let tasks = Arc::<Mailbox<Tasks>>::default();
        let rules = (!self.watch.is_empty()).then(|| {
            let reload = Reloader {
                at: self.at,
                places: self.watch.clone(),
                last: self.waiting.unwrap_or(self.book),
                complaint: self.bad,
                clock: self.clock,
                folders: self.folders.clone(),
                seen: self.shift.rules_sha256.clone(),
                keeper: Arc::clone(&tasks),
                words,
                rehearse: Box::new(move |book| rehearse(book, lang)),
            };
            (self.watch, reload.into_reload())
        });
        let settings = self.settings_file.map(|path| {
            let reread = reread(path.clone(), self.folders.clone(), self.settings.clone(), words);
            (path, reread)
        });
        let outside = Outside {
            tellers: tellers(&self.settings, &self.folders, &used, words),
            clipboard: Desktop::of_environment(),
            keeper: Keeper::new(&self.folders, self.shift.state),
            tasks,
            log: log_of(&self.folders),
            journal: self.journal,
            used,
            settings,
            rules,
        };
        run(&mut app, self.clock, outside, open)
    }
}

/// The log below the state folder; without one nothing is noted.
fn log_of(folders: &Folders) -> Log {
    let path = folders.log();
    Arc::new(move |line| {
        if let Some(path) = &path {
            log::append(path, line);
        }
    })
}

/// Reads the settings file again whenever it may have changed, and answers the line that tells what is wrong with it, or
/// that it is not in force yet.
fn reread(path: PathBuf, folders: Folders, in_force: Settings, words: &'static Words) -> Reread {
    let mut told: Option<Option<String>> = None;
    Box::new(move || {
        let (settings, bad) = files::settings::reload(&path, &folders);
        let line = match bad {
            Some(bad) => Some(fill(words.trouble.settings_bad, &[("why", &bad.place_and_why(words))])),
            None if settings != in_force => Some(words.notice.settings_later.into()),
            None => None,
        };
        let is_news = told.as_ref() != Some(&line);
        told = Some(line.clone());
        is_news.then_some(Action::Trouble(Subject::Settings, line))
    })
}

/// The theme of the screen: the chosen one, unless the environment asks for no colour at all (no-color.org).
#[must_use]
pub fn theme(chosen: Theme) -> Theme {
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
    if no_colour { Theme::Mono } else { chosen }
}

/// What tells the prompter from outside: the local socket always, the rest where the settings ask for it.
fn tellers(settings: &Settings, folders: &Folders, used: &Arc<Used>, words: &'static Words) -> Vec<Teller> {
    let mut out: Vec<Teller> = Vec::new();
    if let Some(place) = Place::of(folders) {
        let (seat, used) = (settings.seat.clone(), Arc::clone(used));
        let folders = folders.clone();
        out.push(Box::new(move |tell| {
            // What the agent brought before this start, before it can say anything newer.
            let looked = folders.clone();
            if let Some(news) = deadline::within(files::PATIENCE, move || brought(&looked, words)).flatten() {
                let _ = tell.action(Action::Broadcast(news));
            }
            let trouble = tell.clone();
            let trouble = move |why: Option<io::Error>| {
                let why = why.map(|e| outside::reason(&e, words));
                let _ = trouble.action(Action::SocketTrouble(why));
            };
            Box::new(socket::listen(place, seat, used, move |asked| tell.phone(asked), trouble))
        }));
    }
    if let Some(address) = settings.softphone.clone() {
        out.push(Box::new(|tell| {
            baresip::listen(address, move |told| {
                let action = match told {
                    baresip::Told::Call(event) => Action::Phone(event),
                    baresip::Told::Link(link) => Action::PhoneLink(link),
                };
                ask_in_turn(action, &|asked| tell.phone(asked))
            });
            Box::new(())
        }));
    }
    if let Some(folder) = settings.broadcast.clone() {
        out.push(Box::new(move |tell| {
            let mut looker = Looker::new(&folder, words);
            each_second(
                move || looker.look(Clock::system().now()),
                move |seen| {
                    tell.action(Action::Broadcast(match seen {
                        Seen::News(news) => news,
                        Seen::Late => Looker::no_answer(&path_in(&folder), words),
                        Seen::Back => News::Sound,
                    }))
                },
            );
            Box::new(())
        }));
    }
    out
}

/// Which of the places the rules come from: the strongest that stands, else the weakest.
fn in_use(places: &[PathBuf]) -> usize {
    places.iter().position(|path| stands(path)).unwrap_or(places.len().saturating_sub(1))
}

/// Tries rules off-screen; an error is what a panic said.
type Rehearse = Box<dyn Fn(&Arc<Book>) -> Result<(), String> + Send>;

/// Reads the rules file again and tells what is new; keeps good rules as the last good ones.
struct Reloader {
    /// The files that the rules may come from, the stronger first.
    places: Vec<PathBuf>,
    /// Which of them is in use. A stronger one takes its place when it appears; a weaker one does not when it goes,
    /// since nobody said that it should.
    at: usize,
    last: Arc<Book>,
    complaint: Option<String>,
    clock: Clock,
    folders: Folders,
    /// The rules that the state names as seen last.
    seen: Option<String>,
    keeper: Arc<Mailbox<Tasks>>,
    words: &'static Words,
    /// Tries new rules where nobody sees it; what a panic said is why they are not taken.
    rehearse: Rehearse,
}

impl Reloader {
    fn into_reload(mut self) -> Reload {
        let mut first = true;
        Box::new(move || {
            let news = self.look(first);
            if first && self.complaint.is_none() {
                self.remember();
            }
            first = false;
            news
        })
    }

    fn look(&mut self, first: bool) -> Option<RulesNews> {
        self.at = in_use(&self.places).min(self.at);
        let path = &self.places[self.at];
        let loaded = files::read(path).map_err(Bad::Unreadable).and_then(|source| {
            // Read each minute, and mostly as it was: then it need not be proved again.
            if self.complaint.is_none() && source == self.last.source && self.is_of(path) {
                return Ok(None);
            }
            files::prove(source, path, self.clock.today()).map(Some)
        });
        let Some(loaded) = loaded.transpose() else {
            // The first day of rules that waited may have come.
            if self.seen.as_deref() != Some(self.last.sha256()) {
                self.remember();
            }
            return None;
        };
        match loaded {
            Ok(book) if book.source == self.last.source => {
                let moved = book.origin != self.last.origin;
                if moved {
                    self.last = Arc::new(book);
                }
                // The first day of rules that waited may have come.
                self.remember();
                // As it was; if it was worse in between, the complaint is over.
                let mended = self.complaint.take().is_some();
                (mended || moved).then(|| RulesNews::Good(Arc::clone(&self.last)))
            }
            Ok(book) => {
                let book = Arc::new(book);
                if let Err(panic) = (self.rehearse)(&book) {
                    return self.complain(untried(Some(&self.places[self.at]), &panic, self.words));
                }
                self.complaint = None;
                let before = std::mem::replace(&mut self.last, book);
                let change = Change::between(before, &self.last);
                self.remember();
                let book = Arc::clone(&self.last);
                Some(match change {
                    Some(change) => RulesNews::Revised(book, change),
                    None => RulesNews::Good(book),
                })
            }
            // The built-in rules need no file; one that was there and went is told.
            Err(Bad::Unreadable(e)) if e.error.kind() == io::ErrorKind::NotFound && !self.is_from_file() => None,
            Err(bad) => {
                let complaint = match &bad {
                    Bad::Unreadable(e) if e.error.kind() == io::ErrorKind::NotFound && !first => {
                        fill(self.words.notice.rules_gone, &[("file", &files::shown_path(&self.places[self.at]))])
                    }
                    bad => bad.notice(self.words),
                };
                self.complain(complaint)
            }
        }
    }

    /// Whether the last rules came from this file, as it is.
    fn is_of(&self, path: &Path) -> bool {
        matches!(&self.last.origin, crate::book::Origin::File(file) if file == path)
    }

    /// The line for a file that is not taken, once.
    fn complain(&mut self, complaint: String) -> Option<RulesNews> {
        let new = self.complaint.as_ref() != Some(&complaint);
        self.complaint = Some(complaint.clone());
        new.then_some(RulesNews::Bad(complaint))
    }

    /// Whether the last rules came from this file.
    fn is_from_file(&self) -> bool {
        self.is_of(&self.places[self.at]) || self.complaint.is_some()
    }

    /// Keeps the last good rules, and that they were seen. What can't be kept is told when the shift's facts can't be.
    fn remember(&mut self) {
        // What ran before is still the last good one until the first day of the new.
        if !self.last.is_in_force(self.clock.today()) {
            return;
        }
        let _ = files::save_last_good(&self.folders, &self.last);
        let sha256 = self.last.sha256();
        if self.seen.as_deref() != Some(sha256) {
            self.seen = Some(sha256.to_owned());
            let seen = (self.last.rules.sop.revision.clone(), sha256.to_owned());
            self.keeper.post(|tasks| tasks.rules = Some(seen));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::Origin;
    use crate::rules::BUILT_IN;
    use crate::words::Lang;

    #[test]
    fn rules_that_panic_when_they_are_tried_are_refused_and_the_last_ones_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rules.toml");
        let revision = |name: &str| BUILT_IN.replace("\"Rev-1\"", &format!("\"{name}\""));
        std::fs::write(&path, revision("Rev-2")).unwrap();
        let book =
            Book::read(revision("Rev-2").into_bytes(), Origin::File(path.clone()), chrono::NaiveDate::MAX).unwrap();
        let mut reloader = Reloader {
            places: vec![path.clone()],
            at: 0,
            last: Arc::new(book),
            complaint: None,
            clock: Clock::system(),
            folders: Folders::default(),
            seen: None,
            keeper: Arc::default(),
            words: Lang::Id.words(),
            rehearse: Box::new(|book| match book.rules.sop.revision.as_str() {
                "Rev-3" => Err("index out of bounds".into()),
                _ => Ok(()),
            }),
        };
        assert!(reloader.look(false).is_none());
        std::fs::write(&path, revision("Rev-3")).unwrap();
        let Some(RulesNews::Bad(line)) = reloader.look(false) else { panic!("it is refused") };
        assert!(line.contains("rules.toml") && line.contains("index out of bounds"), "{line}");
        assert_eq!(reloader.last.rules.sop.revision, "Rev-2");
        assert!(reloader.look(false).is_none(), "the same trouble is reported once");
        std::fs::write(&path, revision("Rev-4")).unwrap();
        assert!(matches!(reloader.look(false), Some(RulesNews::Revised(..))));
    }
}
