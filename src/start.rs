//! From everything that arguments, environment, settings and disk have to say to a running prompter. It ties the command
//! line, the files and the screen together, which know nothing of each other.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::app::{App, Begin};
use crate::book::Book;
use crate::broadcast::News;
use crate::clipboard::Desktop;
use crate::clock::Clock;
use crate::diagnostics::outside;
use crate::files::broadcast::{Looker, brought, path_in};
use crate::files::saved_state::{SavedState, StateWriter};
use crate::files::{self, Folders, deadline, log};
use crate::journal::writer::Config;
use crate::mailbox::Mailbox;
use crate::message::{Message, Subject};
use crate::rehearsal::rehearse;
use crate::run::reload::{Reloader, reload_settings};
use crate::run::{EventSource, Log, Outside, Tasks, View, run};
use crate::settings::Settings;
use crate::softphone::place::Place;
use crate::softphone::socket::Used;
use crate::softphone::{baresip, socket};
use crate::tui::theme::Theme;
use crate::watch::seconds::{Seen, each_second};
use crate::words::{Lang, Words};

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
    pub shift: SavedState,
    /// What the first screen tells.
    pub notice: Option<String>,
    /// The rules that were in use when the prompter last ran, where they are others and still at hand.
    pub was: Option<Arc<Book>>,
    /// The journal; `None`: the settings want none, or there is no place for it.
    pub journal: Option<Config>,
    /// Whether keys come in lines.
    pub plain_mode: bool,
}

impl Start {
    /// With keys that come in lines.
    #[must_use]
    pub fn plain_mode(mut self) -> Self {
        self.plain_mode = true;
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
        .with_hint(self.shift.state.welcome)
        .with_troubles(self.troubles);
        if self.plain_mode {
            app = app.plain_mode();
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
            let reload = reload_settings(path.clone(), self.folders.clone(), self.settings.clone(), words);
            (path, reload)
        });
        let outside = Outside {
            sources: sources(&self.settings, &self.folders, &used, words),
            clipboard: Desktop::of_environment(),
            keeper: StateWriter::new(&self.folders, self.shift.state),
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

/// The theme of the screen: the chosen one, unless the environment asks for no colour at all (no-color.org).
#[must_use]
pub fn theme(chosen: Theme) -> Theme {
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
    if no_colour { Theme::Mono } else { chosen }
}

/// Sources of messages: the local socket always, the others where the settings ask for them.
fn sources(settings: &Settings, folders: &Folders, used: &Arc<Used>, words: &'static Words) -> Vec<EventSource> {
    let mut out: Vec<EventSource> = Vec::new();
    if let Some(place) = Place::of(folders) {
        let (seat, used) = (settings.seat.clone(), Arc::clone(used));
        let folders = folders.clone();
        out.push(Box::new(move |sender| {
            // What the agent brought before this start, before it can say anything newer.
            let looked = folders.clone();
            if let Some(news) = deadline::within(files::PATIENCE, move || brought(&looked, words)).flatten() {
                sender.send(Message::Broadcast(news));
            }
            let trouble = sender.clone();
            let trouble = move |why: Option<io::Error>| {
                let why = why.map(|e| words.phone.no_socket(outside::reason(&e, words)));
                trouble.send(Message::Trouble(Subject::Socket, why));
            };
            Box::new(socket::listen(place, seat, used, sender, trouble))
        }));
    }
    if let Some(address) = settings.softphone.clone() {
        out.push(Box::new(|sender| {
            // One after the other, so that a flood waits in the line and not in the prompter.
            baresip::listen(address, move |message| sender.request(message, None).is_some());
            Box::new(())
        }));
    }
    if let Some(folder) = settings.broadcast.clone() {
        out.push(Box::new(move |sender| {
            let mut looker = Looker::new(&folder, words);
            each_second(
                move || looker.look(Clock::system().now()),
                move |seen| {
                    sender.send(Message::Broadcast(match seen {
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
