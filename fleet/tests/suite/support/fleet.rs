//! A provisioned fleet with its server, and connections as any of its identities.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use async_nats::Client;
use penutup_cli_kit::words::Lang;
use penutup_fleet::config::agent::Agent;
use penutup_fleet::config::center::Center;
use penutup_fleet::config::supervisor::Supervisor;
use penutup_fleet::link::Link;
use penutup_fleet::provision;
use penutup_fleet::provision::fleet::Fleet;
use penutup_fleet::provision::keys::Renewal;
use penutup_fleet::provision::streams::{self, StreamOutcome};
use penutup_fleet::provision::trust::Published;
use tempfile::TempDir;

use super::nats::{self, Nats};
use super::postgres::{DATABASE, Postgres, USER};
use super::{report_skipped, wait_for};

/// The contents of the fleet's file.
#[derive(Clone, Debug)]
pub struct FleetSpec<'a> {
    /// Id, region, seats.
    pub sites: Vec<(&'a str, &'a str, Vec<String>)>,
    /// Id, name, grants.
    pub supervisors: Vec<(&'a str, &'a str, Vec<&'a str>)>,
    pub tls: bool,
    /// The disk limit for each site's closings.
    pub closings_mib: Option<u32>,
    pub database: Option<&'a Postgres>,
    /// Three servers with this port between them.
    pub cluster_port: Option<u16>,
    /// A site that is being taken out.
    pub closed: Option<&'a str>,
}

impl Default for FleetSpec<'_> {
    fn default() -> Self {
        let seats = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self {
            sites: vec![
                ("jkt", "jabar", seats(&["a1", "a2", "a3"])),
                ("bdg", "jabar", seats(&["b1"])),
                ("sby", "jatim", seats(&["c1"])),
            ],
            supervisors: vec![
                ("pusat", "Pusat", vec!["center", "rules"]),
                ("spv-jabar", "SPV Jabar", vec!["region.jabar"]),
                ("spv-jkt", "SPV Jakarta", vec!["site.jkt"]),
                ("spv-sby", "SPV Surabaya", vec!["site.sby"]),
            ],
            tls: true,
            closings_mib: None,
            database: None,
            cluster_port: None,
            closed: None,
        }
    }
}

impl FleetSpec<'_> {
    pub fn text(&self, port: u16) -> String {
        let names = if self.cluster_port.is_some() {
            ["127.0.0.1", "127.0.0.2", "127.0.0.3"].as_slice()
        } else {
            &["127.0.0.1"]
        };
        let mut out =
            format!("schema = 1\nfleet = \"test\"\n[server]\nnames = {names:?}\nport = {port}\ntls = {}\n", self.tls);
        if let Some(port) = self.cluster_port {
            writeln!(out, "cluster_port = {port}").unwrap();
        }
        if let Some(postgres) = self.database {
            let host = postgres.host().display();
            write!(out, "[database]\nhost = {:?}\nname = {DATABASE:?}\nuser = {USER:?}\n", host.to_string()).unwrap();
        }
        for (id, region, seats) in &self.sites {
            write!(out, "[[site]]\nid = {id:?}\nregion = {region:?}\nseats = {seats:?}\n").unwrap();
            if self.closed == Some(*id) {
                writeln!(out, "closed = true").unwrap();
            }
            if let Some(mib) = self.closings_mib {
                writeln!(out, "closings_mib = {mib}").unwrap();
            }
        }
        for (id, name, grants) in &self.supervisors {
            write!(out, "[[supervisor]]\nid = {id:?}\nname = {name:?}\ngrants = {grants:?}\n").unwrap();
        }
        out
    }
}

/// The streams, in the fleet's folder.
pub const STORE: &str = "penutup-nats";

/// Who connects.
#[derive(Clone, Copy, Debug)]
pub enum Identity<'a> {
    Seat(&'a str, &'a str),
    Supervisor(&'a str),
    /// `admin`, `archive` or `status`.
    Program(&'a str),
}

#[derive(Debug)]
pub struct TestFleet {
    // First, so that the server is stopped before its folder is deleted.
    pub nats: Nats,
    pub definition: Fleet,
    pub port: u16,
    folder: TempDir,
}

impl TestFleet {
    /// Provisions the fleet, starts the server and creates the streams; reports SKIPPED without nats-server.
    pub async fn start(spec: &FleetSpec<'_>) -> Option<Self> {
        let Some(binary) = nats::installed() else {
            report_skipped(&"nats-server is not installed here");
            return None;
        };
        let folder = TempDir::with_prefix("fleet").expect("a folder");
        let (nats, definition, port) = wait_for("a server on a port of its own", || {
            let port = nats::free_port();
            let fleet = provisioned(spec, port, folder.path());
            let (config, store) = (folder.path().join("out/server/nats.conf"), folder.path().join(STORE));
            Some((Nats::start(&binary, &config, &store, port)?, fleet, port))
        });
        let fleet = Self { nats, definition, port, folder };
        fleet.streams().await;
        Some(fleet)
    }

    /// Creates or raises the streams.
    pub async fn streams(&self) -> Vec<StreamOutcome> {
        let admin = self.connect(Identity::Program("admin")).await;
        streams::ensure(admin, &self.definition, streams::deadline(), Lang::En).await.expect("the streams")
    }

    /// The output of `provision --streams`.
    pub fn provision_streams(&self) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_penutup-fleet"));
        command.arg("provision").arg(self.folder.path().join("fleet.toml")).arg(self.out()).arg("--streams");
        let output = command.env_remove("PENUTUP_LANG").output().expect("it can be run");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        text
    }

    /// Publishes the folder's trust list, as `provision --streams` does.
    pub async fn publish_trust(&self) -> Published {
        let admin = self.connect(Identity::Program("admin")).await;
        provision::trust::publish(admin, &self.out(), Lang::En).await.expect("the trust list")
    }

    /// A folder for the test's own files, deleted with the fleet.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The output of `provision`.
    pub fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    pub fn config(&self, who: Identity<'_>) -> PathBuf {
        Self::config_in(&self.out(), who)
    }

    /// The configuration in the output of `provision`.
    pub fn config_in(out: &Path, who: Identity<'_>) -> PathBuf {
        out.join(match who {
            Identity::Seat(site, seat) => format!("seats/{site}/{seat}/agent.toml"),
            Identity::Supervisor(id) => format!("supervisors/{id}/supervisor.toml"),
            Identity::Program(name) => format!("center/{name}/center.toml"),
        })
    }

    #[track_caller]
    pub fn link(&self, who: Identity<'_>) -> Link {
        let path = self.config(who);
        match who {
            Identity::Seat(..) => Agent::read(&path, Lang::En).expect("agent.toml").link,
            Identity::Supervisor(_) => Supervisor::read(&path, Lang::En).expect("supervisor.toml").link,
            Identity::Program(_) => Center::read(&path, Lang::En).expect("center.toml").link,
        }
    }

    pub async fn connect(&self, who: Identity<'_>) -> Client {
        let link = self.link(who);
        link.connect(Lang::En).await.unwrap_or_else(|fail| panic!("{who:?}: {fail:?}\n{}", self.nats.log()))
    }

    /// Changes the fleet's file and provisions again.
    #[track_caller]
    pub fn provision_again(&mut self, spec: &FleetSpec<'_>) {
        self.definition = provisioned(spec, self.port, self.folder.path());
    }

    /// Provisions again with new keys for somebody.
    #[track_caller]
    pub fn renew(&self, who: &str) {
        self.renew_with(&Renewal { who: vec![who.to_owned()], ..Renewal::default() });
    }

    /// Provisions again and replaces or drops keys.
    #[track_caller]
    pub fn renew_with(&self, renewal: &Renewal) {
        provision::provision(&self.definition, &self.out(), renewal, Lang::En).expect("provision");
    }
}

/// Writes the fleet's file below a folder and provisions into its `out`.
#[track_caller]
pub fn provisioned(spec: &FleetSpec<'_>, port: u16, folder: &Path) -> Fleet {
    let file = folder.join("fleet.toml");
    fs::write(&file, spec.text(port)).expect("the fleet's file");
    let fleet = Fleet::read(&file, Lang::En).expect("a valid fleet");
    provision::provision(&fleet, &folder.join("out"), &Renewal::default(), Lang::En).expect("provision");
    fleet
}
