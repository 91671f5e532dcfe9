//! A seat's machine: a home folder with a real agent, a journal, and prompters that record what they receive.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::Client;
use chrono::{DateTime, TimeDelta, Utc};
use penutup_cli_kit::files::Folders;
use penutup_cli_kit::words::Lang;
use penutup_fleet::config::supervisor::Supervisor;
use penutup_fleet::wire::envelope::Envelope;
use penutup_fleet::wire::key::Key;
use penutup_fleet::wire::seat::SeatState;
use penutup_fleet::wire::subject;
use penutup_ipc::agent_event::AgentEvent;
use penutup_ipc::message::Reply;
use penutup_ipc::socket::{self, LastUse, Listening};
use penutup_ipc::socket_dir::SocketDir;
use penutup_ipc::{Handler, Incoming};
use penutup_journal::presence::Presence;
use penutup_journal::record::Record;
use penutup_journal::store::{Change, Store};
use penutup_rules::closing::ending::Ending;
use penutup_rules::closing::ending::Outcome;
use penutup_rules::declaration::{Declaration, KLB, State};

use tempfile::TempDir;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::process::Process;
#[cfg(unix)]
use super::screen::{Screen, penutup};
use super::{Identity, TestFleet, wait_for};

#[derive(Debug)]
pub struct SeatMachine {
    config: PathBuf,
    agent: Option<Process>,
    /// The agent's stderr, below the home.
    log: PathBuf,
    home: TempDir,
}

impl SeatMachine {
    /// The agent is not started yet.
    pub fn new(fleet: &TestFleet, site: &str, seat: &str) -> Self {
        Self::of(fleet.config(Identity::Seat(site, seat)))
    }

    /// With this `agent.toml`.
    pub fn of(config: PathBuf) -> Self {
        Self { config, agent: None, log: "log".into(), home: TempDir::with_prefix("seat").expect("a home") }
    }

    /// With a running agent.
    pub fn started(fleet: &TestFleet, site: &str, seat: &str) -> Self {
        let mut seat = Self::new(fleet, site, seat);
        seat.start();
        seat
    }

    /// With a running agent that connects to another port, a relay to the server.
    pub fn through(fleet: &TestFleet, site: &str, seat: &str, port: u16) -> Self {
        let mut seat = Self::new(fleet, site, seat);
        let text = fs::read_to_string(&seat.config).expect("agent.toml");
        let (from, to) = (format!(":{}\"", fleet.port), format!(":{port}\""));
        assert!(text.contains(&from), "{text}");
        seat.config.set_file_name("through.toml");
        fs::write(&seat.config, text.replace(&from, &to)).expect("another agent.toml");
        seat.start();
        seat
    }

    /// The command that runs the agent.
    pub fn command(&self) -> Command {
        let mut command = self.as_user(env!("CARGO_BIN_EXE_penutup-fleet").as_ref());
        command.args(["--lang", "en", "agent", "--config"]).arg(&self.config);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    /// A command of this machine's user.
    fn as_user(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear();
        for (name, folder) in [
            ("HOME", ""),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_STATE_HOME", "state"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_RUNTIME_DIR", "run"),
        ] {
            command.env(name, self.home.path().join(folder));
        }
        command
    }

    /// A real prompter in a terminal.
    #[cfg(unix)]
    pub fn screen(&self) -> Screen {
        fs::create_dir_all(self.home.path().join("run")).expect("a runtime folder");
        Screen::start(&self.as_user(penutup()))
    }

    /// A real prompter whose program lies alone in its folder.
    #[cfg(unix)]
    pub fn screen_without_the_fleets_program(&self) -> Screen {
        let alone = self.home.path().join("alone");
        fs::create_dir_all(&alone).expect("a folder");
        fs::create_dir_all(self.home.path().join("run")).expect("a runtime folder");
        fs::copy(penutup(), alone.join("penutup")).expect("a copy");
        Screen::start(self.as_user(&alone.join("penutup")).env("PATH", &alone))
    }

    /// The folder beside the settings that a seat's folder is copied to.
    pub fn own_folder(&self) -> PathBuf {
        self.home.path().join("config/penutup/fleet")
    }

    /// Copies the seat's provisioned folder to its place.
    pub fn copy_its_folder(&self) {
        let own = self.own_folder();
        fs::create_dir_all(&own).expect("its folder");
        for entry in fs::read_dir(self.config.parent().expect("a folder")).expect("the seat's folder") {
            let from = entry.expect("a file").path();
            fs::copy(&from, own.join(from.file_name().expect("a name"))).expect("a copy");
        }
    }

    pub fn state(&self) -> PathBuf {
        self.home.path().join("state/penutup")
    }

    /// The ended calls and their versions, from the journal's export.
    #[cfg(unix)]
    pub fn ended(&self) -> BTreeMap<Uuid, i64> {
        let output = self.as_user(penutup()).args(["journal", "export"]).output().expect("it can be run");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let lines = String::from_utf8(output.stdout).expect("UTF-8");
        let calls = lines.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a call"));
        let id_and_version =
            |call: &serde_json::Value| Some((call["id"].as_str()?.parse().ok()?, call["version"].as_i64()?));
        let ended = calls.filter(|call| !call["end_ms"].is_null());
        ended.map(|call| id_and_version(&call).expect("an id and a version")).collect()
    }

    /// The number of calls in the journal.
    #[cfg(unix)]
    pub fn calls(&self) -> i64 {
        let journal = rusqlite::Connection::open(self.journal()).expect("the journal");
        journal.query_row("select count(*) from call", [], |row| row.get(0)).expect("a count")
    }

    #[track_caller]
    pub fn start(&mut self) {
        let log = File::options().create(true).append(true).open(self.home.path().join(&self.log)).expect("a log");
        self.agent = Some(Process::start(self.command().stderr(log)));
    }

    /// Keeps the agent's stderr in another file below the home.
    pub fn log_to(&mut self, file: &str) {
        self.log = file.into();
    }

    /// The agent's stderr.
    pub fn log(&self) -> String {
        fs::read_to_string(self.home.path().join(&self.log)).unwrap_or_default()
    }

    #[track_caller]
    pub fn agent(&mut self) -> &mut Process {
        self.agent.as_mut().expect("the agent was started")
    }

    /// The folder of what the programs remember.
    pub fn state_folder(&self) -> PathBuf {
        self.home.path().join("state")
    }

    /// A file of the agent's folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.home.path().join("state/penutup/broadcast").join(name)
    }

    /// The declaration on the disk.
    pub fn klb(&self) -> Option<Declaration> {
        Declaration::read(&fs::read(self.file("klb.toml")).ok()?).ok()
    }

    pub fn journal(&self) -> PathBuf {
        self.home.path().join("data/penutup/journal.db")
    }

    pub fn settings(&self, text: &str) {
        let path = self.home.path().join("config/penutup/settings.toml");
        fs::create_dir_all(path.parent().expect("a folder")).expect("the settings' folder");
        fs::write(path, text).expect("settings");
    }

    /// A prompter that only records.
    pub fn prompter(&self) -> Prompter {
        let folders = Folders { runtime: Some(self.home.path().join("run/penutup")), ..Folders::default() };
        fs::create_dir_all(self.home.path().join("run")).expect("a runtime folder");
        Prompter::start(SocketDir::of(&folders).expect("a socket folder"))
    }
}

/// A failed test shows what its agents logged.
impl Drop for SeatMachine {
    fn drop(&mut self) {
        if std::thread::panicking() && self.agent.is_some() {
            super::print_log(&self.home.path().join(&self.log));
        }
    }
}

/// Records the agent's events, and accepts everything.
struct Recorder(Arc<Mutex<Vec<AgentEvent>>>);

impl Handler for Recorder {
    fn send(&self, incoming: Incoming) -> bool {
        if let Incoming::Agent(event) = incoming {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(event);
        }
        true
    }

    fn request(&self, incoming: Incoming, _patience: Duration) -> Option<Reply> {
        self.send(incoming).then(Reply::default)
    }
}

/// The receiving side of a prompter's socket.
#[derive(Debug)]
pub struct Prompter {
    received: Arc<Mutex<Vec<AgentEvent>>>,
    _listening: Listening,
}

impl Prompter {
    fn start(socket_dir: SocketDir) -> Self {
        let received: Arc<Mutex<Vec<AgentEvent>>> = Arc::default();
        let recorder = Recorder(Arc::clone(&received));
        let listening = socket::listen(socket_dir, None, Arc::new(LastUse::default()), Arc::new(recorder), |trouble| {
            assert!(trouble.is_none(), "{trouble:?}");
        });
        Self { received, _listening: listening }
    }

    /// Every event so far.
    pub fn received(&self) -> Vec<AgentEvent> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The last declaration that was received.
    pub fn klb(&self) -> Option<Declaration> {
        self.received().into_iter().rev().find_map(|event| match event {
            AgentEvent::Klb(klb) => Some(*klb),
            _ => None,
        })
    }

    /// Whether the last event about the link matches.
    pub fn last_link_event(&self, is_expected: impl Fn(&AgentEvent) -> bool) -> bool {
        let of_link = |e: &&AgentEvent| !matches!(e, AgentEvent::Klb(_) | AgentEvent::Rules);
        self.received().iter().rev().find(of_link).is_some_and(is_expected)
    }
}

/// A supervisor's connection and signing key.
pub struct TestSupervisor {
    client: Client,
    supervisor: Supervisor,
}

impl TestSupervisor {
    pub async fn of(fleet: &TestFleet, id: &str) -> Self {
        let who = Identity::Supervisor(id);
        let supervisor = Supervisor::read(&fleet.config(who), Lang::En).expect("supervisor.toml");
        Self { client: fleet.connect(who).await, supervisor }
    }

    /// A signed broadcast.
    pub fn sign(&self, key: &Key, version: u64, payload: &str) -> Vec<u8> {
        let pair = self.supervisor.sign.pair();
        let id = self.supervisor.own.id.clone();
        Envelope::sign(&pair, key.clone(), id, version, payload.to_owned()).expect("a signature").to_bytes()
    }

    /// Starts to publish bytes and returns once they are sent; the task's result is whether the server acknowledged
    /// them.
    pub async fn start_put(&self, key: &Key, bytes: Vec<u8>) -> JoinHandle<bool> {
        let (client, subject) = (self.client.clone(), subject::put(key));
        let put = tokio::spawn(async move {
            let answer = client.request(subject, bytes.into()).await;
            answer.is_ok_and(|answer| String::from_utf8_lossy(&answer.payload).contains("\"seq\""))
        });
        tokio::task::yield_now().await;
        self.client.flush().await.expect("it is sent");
        put
    }

    /// Publishes bytes under a key.
    pub async fn put(&self, key: &Key, bytes: Vec<u8>) {
        let answer = self.client.request(subject::put(key), bytes.into()).await.expect("an answer");
        let answer = String::from_utf8_lossy(&answer.payload).into_owned();
        assert!(answer.contains("\"seq\"") && !answer.contains("\"error\""), "{answer}");
    }

    pub async fn declare(&self, key: &Key, version: u64, state: State, why: &str) {
        self.put(key, self.klb(key, version, state, why)).await;
    }

    /// A signed declaration.
    pub fn klb(&self, key: &Key, version: u64, state: State, why: &str) -> Vec<u8> {
        let klb = Declaration {
            version,
            fact: KLB.into(),
            state,
            value: None,
            since: "2026-03-02T06:05:00Z".parse().expect("a time"),
            until: None,
            by: None,
            why: Some(why.into()),
        };
        self.sign(key, version, &klb.to_table().to_string())
    }
}

/// The seat's state on the stream.
pub async fn state_of(status: &Client, site: &str, seat: &str) -> Option<SeatState> {
    let stream = format!("$JS.API.DIRECT.GET.SEATS_{}.seat.{site}.{seat}", site.to_ascii_uppercase());
    let answer = status.request(stream, "".into()).await.ok()?;
    SeatState::parse(&answer.payload).ok()
}

/// A journal to write calls into.
#[derive(Debug)]
pub struct Calls {
    store: Store,
    presence: Presence,
}

impl Calls {
    /// Opens it as a prompter does.
    pub fn of(path: &Path) -> Self {
        let mut store = Store::open(path).expect("a journal").store;
        let presence = store.join().expect("a place in it");
        Self { store, presence }
    }

    /// Writes a call that starts at this second.
    pub fn write(&mut self, id: Uuid, version: u64, second: i64, ended: bool) {
        self.write_all(std::iter::once((id, version, second, ended)));
    }

    /// Writes new calls that have ended.
    pub fn write_new(&mut self, count: usize) -> Vec<Uuid> {
        let ids: Vec<Uuid> = (0..count).map(|_| Uuid::now_v7()).collect();
        self.write_all(ids.iter().zip(0..).map(|(id, second)| (*id, 1, second, true)));
        ids
    }

    fn write_all(&mut self, calls: impl Iterator<Item = (Uuid, u64, i64, bool)>) {
        let all = calls.map(|(id, version, second, ended)| {
            let record = record(second, ended);
            Record { id, version, changed: record.start, ..record }
        });
        let all: Vec<_> = all.collect();
        self.store.save(self.presence.id(), all.iter().map(Change::Save)).expect("a call is written");
    }
}

fn record(second: i64, ended: bool) -> Record {
    let start: DateTime<Utc> = "2026-03-02T06:05:00Z".parse().expect("a time");
    let start = start + TimeDelta::seconds(second);
    Record {
        start,
        end: ended.then(|| (start + TimeDelta::seconds(60), Outcome::Ended(Ending::Complete))),
        zone: "WIB".into(),
        greeting: Some("siang".into()),
        rule: "biasa".into(),
        revision: "Rev-1".into(),
        rules_sha256: "00".into(),
        ..Record::default()
    }
}

/// Runs a command to its end. Returns its status and stderr.
#[track_caller]
pub fn run_to_end(mut command: Command) -> (Option<i32>, String) {
    let child = command.stderr(Stdio::piped()).spawn().expect("it starts");
    let mut process = Process(child);
    let status = wait_for("the end of the program", || process.0.try_wait().expect("a status"));
    let stderr = process.0.stderr.take().map(io::read_to_string).transpose().expect("its stderr");
    (status.code(), stderr.unwrap_or_default())
}
