//! Starts the fleet's agent (`penutup-fleet agent`) where the seat has an `agent.toml`, and keeps it running. Of a user's
//! prompters the one that holds a lock does so; the agent outlives it, and ends by itself after the last prompter.

use std::ffi::OsStr;
use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
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

/// The program, beside the prompter's or on the path.
const PROGRAM: &str = if cfg!(windows) { "penutup-fleet.exe" } else { "penutup-fleet" };
/// Its configuration, below the settings file's folder.
const CONFIG: &str = "fleet/agent.toml";
/// How often the agent, or whether another prompter sees to it, is looked at.
const CHECK: Duration = Duration::from_secs(1);
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

/// The state of the thread that sees to the agent.
struct Keeper {
    agent: FleetAgent,
    held: Option<File>,
    child: Option<(Child, Instant)>,
    next_start: Instant,
    backoff: Duration,
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
        let (guard, stop) = channel();
        let own = sender.clone();
        if helper::spawn(Helper::FleetAgent, move || agent.keep(&stop, &sender)).is_err() {
            let lost = Helper::FleetAgent.lost(lang.words()).to_owned();
            own.send(Message::Trouble(Subject::Helper(Helper::FleetAgent), Some(lost)));
        }
        Box::new(guard)
    }))
}

impl FleetAgent {
    /// Returns when the prompter ends. The agent goes on.
    fn keep(self, stop: &Receiver<()>, sender: &EventSender) {
        let now = Instant::now();
        let mut keeper = Keeper { agent: self, held: None, child: None, next_start: now, backoff: BACKOFF.0 };
        let mut reported = None;
        loop {
            let trouble = keeper.look();
            if let Some(trouble) = trouble
                && trouble != reported
            {
                sender.send(Message::Trouble(Subject::FleetAgent, trouble.clone()));
                reported = trouble;
            }
            if stop.recv_timeout(CHECK) != Err(RecvTimeoutError::Timeout) {
                return;
            }
        }
    }

    /// Starts it in a process group of its own, so that it does not end with this terminal.
    fn start(&self) -> io::Result<Child> {
        let beside = std::env::current_exe().ok().and_then(|own| Some(own.parent()?.join(PROGRAM)));
        let program = beside.filter(|program| program.is_file());
        let mut command = Command::new(program.as_deref().map_or(OsStr::new(PROGRAM), Path::as_os_str));
        command.args(["--lang", self.lang.code(), "agent", "--background", "--config"]).arg(&self.config);
        if let Some(settings) = &self.settings {
            command.env("PENUTUP_SETTINGS", settings);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        #[cfg(windows)]
        {
            const CREATE_NO_WINDOW: u32 = 0x0800_0000;
            std::os::windows::process::CommandExt::creation_flags(&mut command, CREATE_NO_WINDOW);
        }
        command.spawn()
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

impl Keeper {
    /// Starts the agent where none runs. Returns the trouble to show (`Some(None)`: none), or `None` where that is not
    /// known yet.
    fn look(&mut self) -> Option<Option<String>> {
        if !self.agent.config.is_file() {
            return Some(None);
        }
        if self.held.is_none() {
            // Another prompter sees to the agent, and shows its troubles.
            self.held = Some(try_lock(&self.agent.lock)?);
        }
        if let Some((child, since)) = &mut self.child {
            let since = *since;
            return match child.try_wait() {
                Ok(None) if since.elapsed() < STARTED => None,
                Ok(None) | Err(_) => {
                    self.backoff = BACKOFF.0;
                    Some(None)
                }
                Ok(Some(status)) => {
                    self.child = None;
                    self.delay();
                    (status.code() != Some(ANOTHER_RUNS)).then(|| Some(self.agent.ended(status)))
                }
            };
        }
        // One that a former prompter started.
        if is_locked(&self.agent.agent_lock) {
            return Some(None);
        }
        if Instant::now() < self.next_start {
            return None;
        }
        match self.agent.start() {
            Ok(child) => {
                self.child = Some((child, Instant::now()));
                None
            }
            Err(error) => {
                self.delay();
                Some(Some(self.agent.not_started(&error)))
            }
        }
    }

    fn delay(&mut self) {
        self.next_start = Instant::now() + self.backoff;
        self.backoff = (self.backoff * 2).min(BACKOFF.1);
    }
}

/// `None` while another prompter holds it.
fn try_lock(path: &Path) -> Option<File> {
    own_files::make_folder(path.parent()?).ok()?;
    let file = own_files::options().write(true).create(true).truncate(false).open(path).ok()?;
    match file.try_lock() {
        // On a file system without locks each prompter tries; the agent's own lock refuses the second.
        Ok(()) | Err(TryLockError::Error(_)) => Some(file),
        Err(TryLockError::WouldBlock) => None,
    }
}

fn is_locked(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}
