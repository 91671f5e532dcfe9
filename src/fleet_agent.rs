//! Starts the fleet's agent (`penutup-fleet agent`) where the seat has an `agent.toml`, and keeps it running. Of a user's
//! prompters the one that holds a lock does so; the agent outlives it, and ends by itself after the last prompter.

mod process;

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::thread;
use std::time::{Duration, Instant};

use penutup_system::own_files;

use crate::diagnostics::outside;
use crate::event::EventSender;
use crate::files::{Folders, shown_path};
use crate::helper::{self, Helper};
use crate::message::{Message, Subject};
use crate::run::EventSource;
use crate::settings::Settings;
use crate::words::{Lang, Words};
use process::Process;

/// The program, beside the prompter's or on the path.
const PROGRAM: &str = if cfg!(windows) { "penutup-fleet.exe" } else { "penutup-fleet" };
/// Its configuration, below the settings file's folder.
const CONFIG: &str = "fleet/agent.toml";
/// How often an agent that is starting is looked at.
const CHECK: Duration = Duration::from_millis(250);
/// The first and the longest delay before it is started again; it doubles.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// An agent that has run for so long has started.
const STARTED: Duration = Duration::from_secs(5);
/// Its exit status where another agent of this user is running.
const ANOTHER_RUNS: i32 = 1;

/// What is needed to start the agent.
struct FleetAgent {
    config: PathBuf,
    settings: Option<PathBuf>,
    /// Held by the prompter that sees to the agent.
    lock: PathBuf,
    /// Held by the agent.
    agent_lock: PathBuf,
    log: PathBuf,
    lang: Lang,
}

/// The source that starts the agent; `None` where the settings forbid it or the user has no folders.
pub fn source(settings: &Settings, file: Option<&Path>, folders: &Folders, lang: Lang) -> Option<EventSource> {
    if !settings.fleet_agent {
        return None;
    }
    let beside = file.and_then(Path::parent).map(Path::to_owned).or_else(|| folders.config.clone())?;
    let (state, broadcast) = (folders.state.clone()?, folders.broadcast()?);
    let agent = FleetAgent {
        config: std::path::absolute(beside.join(CONFIG)).ok()?,
        settings: file.and_then(|file| std::path::absolute(file).ok()),
        lock: state.join("agent-start.lock"),
        agent_lock: broadcast.join("agent.lock"),
        log: folders.agent_log()?,
        lang,
    };
    Some(Box::new(move |sender| {
        let own = sender.clone();
        if helper::spawn(Helper::FleetAgent, move || agent.keep(&sender)).is_err() {
            let lost = Helper::FleetAgent.lost(lang.words()).to_owned();
            own.send(Message::Trouble(Subject::Helper(Helper::FleetAgent), Some(lost)));
        }
        Box::new(())
    }))
}

impl FleetAgent {
    /// Keeps the agent running as long as the prompter runs. Everything here waits in the system, so that an idle prompter
    /// never wakes.
    fn keep(&self, sender: &EventSender) {
        if !self.config.is_file() {
            return;
        }
        // Another prompter sees to the agent, and shows its troubles.
        let _held = lock(&self.lock);
        let report = |trouble| {
            sender.send(Message::Trouble(Subject::FleetAgent, trouble));
        };
        let mut backoff = BACKOFF.0;
        loop {
            // One that a former prompter started.
            wait_for_the_end_of(&self.agent_lock);
            match self.start() {
                Err(error) => report(Some(self.not_started(&error))),
                Ok(mut process) => {
                    let early = wait_for_start(&mut process);
                    if early.is_none() {
                        report(None);
                        backoff = BACKOFF.0;
                    }
                    match early.map_or_else(|| process.wait(), Ok) {
                        Ok(status) if status.code() == Some(ANOTHER_RUNS) => {}
                        Ok(status) => report(Some(self.ended(status))),
                        Err(error) => report(Some(self.not_started(&error))),
                    }
                }
            }
            thread::sleep(backoff);
            backoff = (backoff * 2).min(BACKOFF.1);
        }
    }

    fn start(&self) -> io::Result<Process> {
        let program = program().ok_or(ErrorKind::NotFound)?;
        let mut args: Vec<&Path> = ["--lang", self.lang.code(), "agent", "--background"].map(Path::new).to_vec();
        args.extend([Path::new("--config"), &self.config]);
        if let Some(settings) = &self.settings {
            args.extend([Path::new("--settings"), settings]);
        }
        Process::start(&program, &args)
    }

    fn words(&self) -> &'static Words {
        self.lang.words()
    }

    fn not_started(&self, error: &io::Error) -> String {
        let w = &self.words().agent;
        if error.kind() == ErrorKind::NotFound {
            return w.missing.to_owned();
        }
        w.cannot_start(outside::reason(error, self.words()))
    }

    fn ended(&self, status: ExitStatus) -> String {
        self.words().agent.ended(status, shown_path(&self.log))
    }
}

/// The fleet's program, beside this one or on the path.
fn program() -> Option<PathBuf> {
    let beside = std::env::current_exe().ok().and_then(|own| own.parent().map(Path::to_owned));
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    beside
        .into_iter()
        .chain(std::env::split_paths(&on_path))
        .map(|folder| folder.join(PROGRAM))
        .find(|file| file.is_file())
}

/// Waits for the time after which an agent counts as started. Returns its exit status if it ended meanwhile.
fn wait_for_start(process: &mut Process) -> Option<ExitStatus> {
    let started = Instant::now();
    while started.elapsed() < STARTED {
        if let Ok(Some(status)) = process.ended() {
            return Some(status);
        }
        thread::sleep(CHECK);
    }
    None
}

/// Waits for the lock. On a file system without locks each prompter tries; the agent's own lock refuses the second.
fn lock(path: &Path) -> Option<File> {
    own_files::make_folder(path.parent()?).ok()?;
    let file = own_files::options().write(true).create(true).truncate(false).open(path).ok()?;
    file.lock().ok()?;
    Some(file)
}

/// Waits until no program holds this lock.
fn wait_for_the_end_of(path: &Path) {
    if let Ok(file) = File::open(path) {
        let _ = file.lock_shared();
    }
}
