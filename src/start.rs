//! Builds and runs a prompter from arguments, environment, settings and files. The command line, the files and the
//! screen don't know each other; this module connects them.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::app::App;
use crate::app::AppSetup;
use crate::declaration::DeclarationEvent;

use crate::cli::call;
use crate::clipboard;
use crate::clock::Clock;
use crate::loaded::LoadedRules;

use crate::diagnostics::outside;
use crate::files::broadcast::{FolderPoller, agent_declaration};
use crate::files::declaration_in;
use crate::files::saved_state::{SavedState, StateWriter};
use crate::files::{self, Folders, deadline, log, shown_path};
use crate::fleet_agent;
use crate::hotkeys::{Desktop, Hotkeys};
use crate::journal::writer::Config;

use crate::message::{Message, Subject};
use crate::rehearsal::rehearse;
use crate::run::reload::{Reloader, reload_settings};
use crate::run::{EventSource, Log, Outside, Tasks, View, run};
use crate::settings::Settings;
use crate::softphone::baresip;
use penutup_ipc::socket::LastUse;
use penutup_ipc::socket_dir::SocketDir;

use crate::watch::seconds::{PollReport, each_second};
use crate::words::{Lang, Words};

use penutup_ipc::socket;

use penutup_system::mailbox::Mailbox;
use penutup_system::own_files;

/// Everything a prompter starts with.
#[derive(Debug)]
pub struct Start {
    /// The rules to run on.
    pub loaded: Arc<LoadedRules>,
    /// The requested rules, if they are not in force yet.
    pub waiting: Option<Arc<LoadedRules>>,
    /// Why the requested rules are not used: a line that is shown until the file is fixed.
    pub rules_trouble: Option<String>,
    /// The error of the requested file, already reported.
    pub complaint: Option<String>,
    /// Other troubles that exist at the start.
    pub troubles: Vec<(Subject, String)>,
    /// The rules files to watch: the named one, or the default places, the highest priority first.
    pub watch: Vec<PathBuf>,
    /// The position in `watch` of the file in use.
    pub at: usize,
    pub settings_file: Option<PathBuf>,
    pub lang: Lang,
    /// The zone of this seat: a position in the rules' zones.
    pub zone: usize,
    pub settings: Settings,
    pub clock: Clock,
    /// The platform's folders.
    pub folders: Folders,
    /// The saved state of the last run: the shift's facts and the rules that were seen last.
    pub shift: SavedState,
    /// The notice on the first screen.
    pub notice: Option<String>,
    /// The rules that were in use in the last run, if they differ and can still be read.
    pub previous_rules: Option<Arc<LoadedRules>>,
    /// The journal; `None` if the settings switch it off or there is no folder for it.
    pub journal: Option<Config>,
    pub plain_mode: bool,
    /// The agent's number, if one is given.
    pub agent: Option<String>,
}

impl Start {
    /// Uses line mode.
    pub fn plain_mode(mut self) -> Self {
        self.plain_mode = true;
        self
    }

    /// Runs the prompter until it ends; `open` enters the terminal.
    pub fn run<V: View>(self, open: impl FnOnce() -> io::Result<V>) -> io::Result<()> {
        let (lang, words) = (self.lang, self.lang.words());
        let mut app = App::new(AppSetup {
            loaded: Arc::clone(&self.loaded),
            lang: self.lang,
            zone: self.zone,
            shift_facts: self.shift.state.shift_facts.clone(),
            notice: self.notice,
            rules_trouble: self.rules_trouble,
            now: self.clock.now(),
        })
        .with_previous_rules(self.previous_rules)
        .waiting_for(self.waiting.clone())
        .with_applied_declaration(self.shift.state.declaration.clone())
        .with_hint(self.shift.state.welcome)
        .with_agent(self.agent)
        .with_troubles(self.troubles);
        if self.plain_mode {
            app = app.plain_mode();
        }
        let used = Arc::new(LastUse::default());
        let tasks = Arc::<Mailbox<Tasks>>::default();
        let rules = (!self.watch.is_empty()).then(|| {
            let reload = Reloader {
                at: self.at,
                places: self.watch.clone(),
                last: self.waiting.unwrap_or(self.loaded),
                complaint: self.complaint,
                clock: self.clock,
                folders: self.folders.clone(),
                seen: self.shift.rules_sha256.clone(),
                tasks: Arc::clone(&tasks),
                words,
                rehearse: Box::new(move |loaded| rehearse(loaded, lang)),
            };
            (self.watch, reload.into_reload())
        });
        let agent = fleet_agent::source(&self.settings, self.settings_file.as_deref(), &self.folders, lang);
        // Without a settings file, the place where `penutup init` creates one is watched.
        let settings = self.settings_file.or_else(|| self.folders.settings()).map(|path| {
            let reload = reload_settings(path.clone(), self.folders.clone(), self.settings.clone(), words);
            (path, reload)
        });
        let mut sources = sources(&self.settings, &self.folders, &used, words);
        sources.extend(agent);
        let outside = Outside {
            sources,
            clipboard: clipboard::Desktop::of_environment(),
            state_writer: StateWriter::new(&self.folders, self.shift.state),
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

/// The log in the state folder; without that folder lines are discarded.
fn log_of(folders: &Folders) -> Log {
    let path = folders.log();
    Arc::new(move |line| {
        if let Some(path) = &path {
            log::append(path, line);
        }
    })
}

/// The first folder on the way to our files in which another user could replace them.
fn exposed(folders: &Folders) -> Option<PathBuf> {
    [&folders.state, &folders.data, &folders.runtime]
        .into_iter()
        .flatten()
        .find_map(|folder| own_files::exposed(folder))
}

/// The sources of messages: always the check of the folders and the local socket, others if the settings name them.
fn sources(settings: &Settings, folders: &Folders, used: &Arc<LastUse>, words: &'static Words) -> Vec<EventSource> {
    let mut out: Vec<EventSource> = Vec::new();
    let own_folders = folders.clone();
    out.push(Box::new(move |sender| {
        // Nobody waits for it: a disk that hangs is told by others.
        drop(deadline::begin(move || {
            let line = exposed(&own_folders).map(|folder| words.trouble.folder_exposed(shown_path(&folder)));
            line.is_none_or(|line| sender.send(Message::Trouble(Subject::Folders, Some(line))))
        }));
        Box::new(())
    }));
    if let Some(socket_dir) = SocketDir::of(folders) {
        let (seat, used) = (settings.seat.clone(), Arc::clone(used));
        let folders = folders.clone();
        out.push(Box::new(move |sender| {
            // The declaration that the agent saved before this start; the agent can't send a newer one before the
            // socket listens.
            let agent_folders = folders.clone();
            if let Some(event) =
                deadline::within(files::PATIENCE, move || agent_declaration(&agent_folders, words)).flatten()
            {
                sender.send(Message::Declaration(event));
            }
            let trouble = sender.clone();
            let trouble = move |why: Option<io::Error>| {
                let why = why.map(|e| words.phone.no_socket(outside::reason(&e, words)));
                trouble.send(Message::Trouble(Subject::Socket, why));
            };
            Box::new(socket::listen(socket_dir, seat, used, Arc::new(sender), trouble))
        }));
    }
    if !settings.hotkeys.is_empty()
        && let (Ok(desktop), Some(dir)) = (Desktop::of_environment(), SocketDir::of(folders))
    {
        let hotkeys = Hotkeys { hotkeys: settings.hotkeys.clone(), desktop, dir, patience: call::wait(), words };
        out.push(Box::new(move |sender| {
            hotkeys.start(sender);
            Box::new(())
        }));
    }
    if let Some(address) = settings.softphone.clone() {
        out.push(Box::new(|sender| {
            // Each waits for its reply, so that a flood of events queues in the connection and not in the prompter.
            baresip::listen(address, move |message| sender.request(message, None).is_some());
            Box::new(())
        }));
    }
    if let Some(folder) = settings.broadcast.clone() {
        out.push(Box::new(move |sender| {
            let mut poller = FolderPoller::new(&folder, words);
            each_second(
                move || poller.look(Clock::system().now()),
                move |report| {
                    sender.send(Message::Declaration(match report {
                        PollReport::Value(event) => event,
                        PollReport::Hanging => FolderPoller::no_answer(&declaration_in(&folder), words),
                        PollReport::Recovered => DeclarationEvent::Recovered,
                    }))
                },
            );
            Box::new(())
        }));
    }
    out
}
