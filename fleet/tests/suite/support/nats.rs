//! A nats-server on the loopback, with provisioned files.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use penutup_fleet::provision::server::{SERVER, STORE};

use super::process::{Process, find};
use super::{TIMEOUT, wait_for};

/// Debian's folder of system programs.
const SBIN: &str = "/usr/sbin";

#[derive(Debug)]
pub struct Nats {
    at: Place,
    process: Process,
}

/// How and where a server runs.
#[derive(Clone, Debug)]
pub struct Place {
    pub binary: PathBuf,
    pub config: PathBuf,
    pub address: SocketAddrV4,
    pub log: PathBuf,
    /// The streams' folder.
    pub store: PathBuf,
    /// More arguments.
    pub args: Vec<String>,
    /// A cluster's server is called so.
    pub name: String,
}

/// The path of nats-server: the one that `PENUTUP_NATS_SERVER` names, so that the tests run on another version, otherwise
/// the installed one.
pub fn installed() -> Option<PathBuf> {
    match std::env::var_os("PENUTUP_NATS_SERVER") {
        Some(named) => {
            let named = PathBuf::from(named);
            assert!(named.is_file(), "PENUTUP_NATS_SERVER: no file {}", named.display());
            Some(named)
        }
        None => find("nats-server", &[SBIN.into()]),
    }
}

/// The installed server's version, as "v2.9.10".
#[cfg(target_os = "linux")]
pub fn version() -> Option<String> {
    let said = Command::new(installed()?).arg("--version").output().ok()?;
    let said = String::from_utf8(said.stdout).ok()?;
    said.split_whitespace().find(|word| word.starts_with('v')).map(str::to_owned)
}

/// A free port below the ephemeral ones, so that no other connection takes it during a restart.
pub fn free_port() -> u16 {
    wait_for("a free port", || {
        let port = fastrand::u16(15_000..32_000);
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok().then_some(port)
    })
}

impl Nats {
    /// `None` where another program took the port meanwhile.
    pub fn start(binary: &Path, config: &Path, store: &Path, port: u16) -> Option<Self> {
        let (address, log) = (SocketAddrV4::new(Ipv4Addr::LOCALHOST, port), config.with_extension("log"));
        Self::start_at(Place {
            binary: binary.into(),
            config: config.into(),
            address,
            log,
            store: store.into(),
            args: Vec::new(),
            name: "nats".into(),
        })
    }

    /// As [`Self::start`], with all that may differ.
    pub fn start_at(at: Place) -> Option<Self> {
        let process = run(&at);
        let mut nats = Self { at, process };
        nats.ready().then_some(nats)
    }

    /// The server's log.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.at.log).unwrap_or_default()
    }

    /// Kills the process (SIGKILL).
    #[track_caller]
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Ends the process as systemd does (SIGTERM).
    #[track_caller]
    pub fn stop(&mut self) {
        self.process.end("TERM");
    }

    /// Starts it again on the same port and store.
    #[track_caller]
    pub fn restart(&mut self) {
        assert!(!self.process.runs(), "it still runs");
        self.process = run(&self.at);
        assert!(self.ready(), "{}", self.log());
    }

    /// Stops the process (SIGSTOP): it neither answers nor ends.
    #[track_caller]
    pub fn freeze(&self) {
        self.process.signal("STOP");
        // Signals are asynchronous; where /proc exists, wait until every thread is stopped.
        let tasks = format!("/proc/{}/task", self.process.0.id());
        let is_stopped = |task: PathBuf| {
            let stat = fs::read_to_string(task.join("stat")).ok()?;
            Some(stat.rsplit_once(") ")?.1.starts_with('T'))
        };
        wait_for("all threads to stop", || {
            let Ok(threads) = fs::read_dir(&tasks) else { return Some(()) };
            threads.flatten().all(|thread| is_stopped(thread.path()).unwrap_or(true)).then_some(())
        });
    }

    /// Continues a frozen process.
    #[track_caller]
    pub fn thaw(&self) {
        self.process.signal("CONT");
    }

    /// Reloads the configuration.
    #[track_caller]
    pub fn reload(&self) {
        let before = self.log().matches("Reloaded server configuration").count();
        self.process.signal("HUP");
        wait_for("the reload", || (self.log().matches("Reloaded server configuration").count() > before).then_some(()));
    }

    /// Waits for the greeting; `false` where it ended because its port is taken.
    #[track_caller]
    fn ready(&mut self) -> bool {
        wait_for("nats-server", || {
            if self.process.runs() {
                has_greeted(self.at.address).then_some(true)
            } else {
                let log = self.log();
                assert!(log.contains("address already in use"), "nats-server ended: {log}");
                Some(false)
            }
        })
    }
}

#[track_caller]
fn run(at: &Place) -> Process {
    let log = File::options().create(true).append(true).open(&at.log).expect("a log");
    let mut command = Command::new(&at.binary);
    // The configuration's paths are relative to its folder.
    command.arg("-c").arg(&at.config).args(&at.args).current_dir(at.config.parent().expect("a folder"));
    command.env(STORE, &at.store).env(SERVER, &at.name);
    Process::start(command.stdout(Stdio::null()).stdin(Stdio::null()).stderr(log))
}

fn has_greeted(address: SocketAddrV4) -> bool {
    let Ok(stream) = TcpStream::connect(address) else { return false };
    let _ = stream.set_read_timeout(Some(TIMEOUT.min(Duration::from_secs(5))));
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).is_ok_and(|_| line.starts_with("INFO "))
}
