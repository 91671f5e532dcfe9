//! The fleet's file, the input of `provision`, parsed and validated.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use penutup_cli_kit::diagnostics::shown;
use penutup_cli_kit::words::Lang;
use serde::Deserialize;

use crate::config::ConfigFile;
use crate::error::CliError;
use crate::wire::SCHEMA;
use crate::wire::key::Scope;
use crate::wire::name::Name;
use crate::wire::trust::Grant;
use crate::words::{Provision, words};

/// The most seats of a fleet: what one server should hold, by calculation; 10,000 were measured (docs/armada.md).
pub const MAX_SEATS: u32 = 20_000;
/// The default disk space for closings, in MiB: 14 days of 300 calls of 1 kB a day and seat.
const CLOSINGS_MIB_PER_SEAT: u64 = 4;
const MIN_CLOSINGS_MIB: u64 = 256;

#[derive(Debug)]
pub struct Fleet {
    pub name: Name,
    pub server: Server,
    pub database: Option<Database>,
    pub sites: Vec<Site>,
    pub supervisors: Vec<Supervisor>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// The names and addresses that clients connect to; they are in the certificate.
    pub names: Vec<String>,
    pub listen: Option<IpAddr>,
    #[serde(default = "default_port")]
    pub port: u16,
    /// Without TLS it may only listen on the loopback.
    #[serde(default = "default_tls")]
    pub tls: bool,
    /// The monitoring port, on the loopback.
    pub monitor: Option<u16>,
    /// Sync every closing to the disk before its acknowledgement (nats-server 2.10 or newer).
    #[serde(default)]
    pub sync_always: bool,
    /// `None`: a self-signed one, on the loopback.
    pub certificate: Option<Certificate>,
    /// The port between the servers of a cluster, of which each name is one; `None`: a single server.
    pub cluster_port: Option<u16>,
}

/// The operator's certificate for the server's names.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// The certificate and its key on the server's machine.
    pub file: PathBuf,
    pub key: PathBuf,
    /// The authority that seats trust, beside the fleet's file; `provision` copies it.
    pub ca: PathBuf,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// A host name, or the folder of a socket.
    pub host: String,
    pub port: Option<u16>,
    pub name: String,
    /// The archive's user.
    pub user: String,
    /// The user of the reading programs; `None`: the same.
    pub reader: Option<String>,
    /// On the programs' machine.
    pub password_file: Option<PathBuf>,
    /// The authority of the database's certificate, on the programs' machine.
    pub ca: Option<PathBuf>,
    /// How many days of closings the archive keeps; `None`: all.
    pub keep_days: Option<u32>,
}

#[derive(Debug)]
pub struct Site {
    pub id: Name,
    pub region: Name,
    pub seats: Vec<Name>,
    /// The size limit of the stream of closings.
    pub closings_bytes: u64,
}

#[derive(Debug)]
pub struct Supervisor {
    pub id: Name,
    /// The name that screens show.
    pub name: String,
    pub grants: Vec<Grant>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFleet {
    schema: u32,
    fleet: Name,
    server: Server,
    database: Option<Database>,
    site: Vec<RawSite>,
    supervisor: Vec<RawSupervisor>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSite {
    id: Name,
    region: Name,
    #[serde(default)]
    seats: Vec<Name>,
    numbered: Option<Numbered>,
    closings_mib: Option<u64>,
    /// Its seats lose their keys; the archive still reads its closings.
    #[serde(default)]
    closed: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Numbered {
    prefix: String,
    count: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSupervisor {
    id: Name,
    name: String,
    grants: Vec<String>,
}

fn default_port() -> u16 {
    4222
}

fn default_tls() -> bool {
    true
}

impl Numbered {
    /// `a0001`, `a0002`, …: at least four digits, so that a growing site keeps its seats' names.
    fn names(&self) -> Option<Vec<Name>> {
        (1..=self.count.min(MAX_SEATS + 1)).map(|n| Name::parse(&format!("{}{n:04}", self.prefix))).collect()
    }
}

impl Fleet {
    pub fn read(path: &Path, lang: Lang) -> Result<Self, CliError> {
        let file = ConfigFile::new(path, lang);
        let mut fleet = Self::validate(file.parse()?, words(lang)).map_err(|why| file.invalid(&why))?;
        if let Some(certificate) = &mut fleet.server.certificate {
            certificate.ca = file.resolve(&certificate.ca);
        }
        Ok(fleet)
    }

    fn validate(raw: RawFleet, words: &crate::words::Words) -> Result<Self, String> {
        let w = &words.provision;
        if raw.schema != SCHEMA {
            return Err(words.config.schema(SCHEMA));
        }
        raw.server.check(w)?;
        let sites: Vec<Site> = raw.site.into_iter().map(|site| site.validate(w)).collect::<Result<_, _>>()?;
        let supervisors = raw.supervisor.into_iter().map(|one| one.validate(&sites, w));
        let fleet = Self {
            name: raw.fleet,
            server: raw.server,
            database: raw.database,
            supervisors: supervisors.collect::<Result<_, _>>()?,
            sites,
        };
        if let Some(duplicate) = first_duplicate(fleet.sites.iter().map(|site| &site.id)) {
            return Err(w.duplicate(duplicate.as_str()));
        }
        if let Some(duplicate) = first_duplicate(fleet.supervisors.iter().map(|one| &one.id)) {
            return Err(w.duplicate(duplicate.as_str()));
        }
        if fleet.seats() > MAX_SEATS as usize {
            return Err(w.too_many(MAX_SEATS));
        }
        Ok(fleet)
    }

    pub fn seats(&self) -> usize {
        self.sites.iter().map(|site| site.seats.len()).sum()
    }
}

impl Server {
    fn check(&self, w: &Provision) -> Result<(), String> {
        let is_plain = |name: &String| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':'))
        };
        if self.names.is_empty() || !self.names.iter().all(is_plain) {
            return Err(w.bad_names.to_owned());
        }
        if !self.tls && !self.listen().is_loopback() {
            return Err(w.plain_text.to_owned());
        }
        if self.tls && self.certificate.is_none() && !self.is_local() {
            return Err(w.no_certificate.to_owned());
        }
        // The server may start in any folder, and the paths must not break the quotes in nats.conf.
        let is_valid = |path: &PathBuf| {
            path.is_absolute() && path.to_str().is_some_and(|p| !p.contains(|c: char| c == '"' || c.is_control()))
        };
        if self.certificate.iter().any(|own| !is_valid(&own.file) || !is_valid(&own.key)) {
            return Err(w.bad_certificate.to_owned());
        }
        // A majority must be left when one server fails.
        if self.cluster_port.is_some() && self.names.len() != 3 { Err(w.bad_cluster.to_owned()) } else { Ok(()) }
    }

    /// How many servers store each stream.
    pub fn replicas(&self) -> usize {
        if self.cluster_port.is_some() { self.names.len() } else { 1 }
    }

    /// The address it listens on; by default the loopback if all its names are.
    pub fn listen(&self) -> IpAddr {
        self.listen.unwrap_or(IpAddr::from(if self.is_local() { [127, 0, 0, 1] } else { [0, 0, 0, 0] }))
    }

    fn is_local(&self) -> bool {
        let loopback =
            |name: &String| name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback());
        self.names.iter().all(loopback)
    }

    /// The URLs for clients.
    pub fn addresses(&self) -> Vec<String> {
        self.urls(if self.tls { "tls" } else { "nats" }, self.port)
    }

    /// The URL of each name.
    pub fn urls(&self, scheme: &str, port: u16) -> Vec<String> {
        let host = |name: &String| if name.contains(':') { format!("[{name}]") } else { name.clone() };
        self.names.iter().map(|name| format!("{scheme}://{}:{port}", host(name))).collect()
    }
}

impl RawSite {
    fn validate(self, w: &Provision) -> Result<Site, String> {
        let site = self.id.as_str();
        let mut seats = self.seats;
        if let Some(numbered) = &self.numbered {
            seats.extend(numbered.names().ok_or_else(|| w.bad_prefix(site))?);
        }
        if seats.is_empty() && !self.closed {
            return Err(w.no_seats(site));
        }
        if let Some(duplicate) = first_duplicate(seats.iter()) {
            return Err(w.duplicate(format!("{}/{duplicate}", self.id)));
        }
        let default_mib = (seats.len() as u64 * CLOSINGS_MIB_PER_SEAT).max(MIN_CLOSINGS_MIB);
        let mib = self.closings_mib.unwrap_or(default_mib);
        if !(1..=1 << 24).contains(&mib) {
            return Err(w.bad_closings(site));
        }
        if self.closed {
            seats.clear();
        }
        Ok(Site { id: self.id, region: self.region, seats, closings_bytes: mib << 20 })
    }
}

impl RawSupervisor {
    fn validate(self, sites: &[Site], w: &Provision) -> Result<Supervisor, String> {
        let known = |grant: &Grant| match grant {
            Grant::Rules | Grant::Klb(Scope::Center) => true,
            Grant::Klb(Scope::Region(region)) => sites.iter().any(|site| site.region == *region),
            Grant::Klb(Scope::Site(id)) => sites.iter().any(|site| site.id == *id),
        };
        let grants = self.grants.iter().map(|grant| grant.parse().ok().filter(known).ok_or(grant));
        let grants = grants.collect::<Result<Vec<_>, _>>();
        let grants = grants.map_err(|grant| w.bad_grant(shown(grant), self.id.as_str()))?;
        if penutup_rules::declaration::tidy(&self.name, usize::MAX).is_none() {
            return Err(w.no_name(self.id.as_str()));
        }
        Ok(Supervisor { id: self.id, name: self.name, grants })
    }
}

fn first_duplicate<'a>(names: impl Iterator<Item = &'a Name>) -> Option<&'a Name> {
    let mut seen = BTreeSet::new();
    let mut names = names;
    names.find(|name| !seen.insert(*name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
schema = 1
fleet = "pln-123"
[server]
names = ["127.0.0.1"]
[[site]]
id = "jkt"
region = "jabar"
numbered = { prefix = "a", count = 2 }
seats = ["spare"]
[[supervisor]]
id = "pusat"
name = "Pusat"
grants = ["center", "rules", "site.jkt", "region.jabar"]
"#;

    fn read(text: &str) -> Result<Fleet, CliError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fleet.toml");
        std::fs::write(&path, text).unwrap();
        Fleet::read(&path, Lang::En)
    }

    #[test]
    fn a_valid_file_is_parsed() {
        let fleet = read(GOOD).unwrap();
        let seats: Vec<_> = fleet.sites[0].seats.iter().map(Name::as_str).collect();
        assert_eq!(seats, ["spare", "a0001", "a0002"]);
        assert_eq!(fleet.server.addresses(), ["tls://127.0.0.1:4222"]);
        assert!(fleet.server.listen().is_loopback(), "all its names are loopback addresses");
        assert_eq!(fleet.sites[0].closings_bytes, 256 << 20);
        assert_eq!(fleet.supervisors[0].grants.len(), 4);
    }

    #[test]
    fn an_invalid_file_is_refused_with_the_name_of_the_wrong_part() {
        let plain = "names = [\"10.0.0.1\"]\ntls = false";
        for (from, to, message) in [
            ("schema = 1", "schema = 2", "schema must be 1"),
            ("names = [\"127.0.0.1\"]", plain, "loopback"),
            ("names = [\"127.0.0.1\"]", "names = [\"10.0.0.1\"]", "certificate"),
            ("[server]", "[server]\ncertificate = { file = \"a\", key = \"/b\", ca = \"c\" }", "certificate"),
            ("names = [\"127.0.0.1\"]", "names = []", "names"),
            ("names = [\"127.0.0.1\"]", "names = [\"a b\"]", "names"),
            ("[server]", "[server]\ncluster_port = 6222", "cluster_port"),
            ("[server]", "[server]\nprot = 2", "prot"),
            ("\"spare\"", "\"a0001\"", "jkt/a0001"),
            ("prefix = \"a\"", "prefix = \"A\"", "jkt"),
            ("count = 2", "count = 4000000000", "20000"),
            ("region = \"jabar\"", "region = \"jabar\"\nclosings_mib = 0", "jkt"),
            ("\"site.jkt\"", "\"site.bdg\"", "site.bdg"),
            ("\"site.jkt\"", "\"klb.site.jkt\"", "klb.site.jkt"),
            ("name = \"Pusat\"", "name = \" \"", "pusat"),
        ] {
            let error = read(&GOOD.replace(from, to)).expect_err(to);
            let found = error.message;
            assert!(found.contains("fleet.toml") && found.contains(message), "{to}: {found}");
        }
        let duplicate = format!("{GOOD}[[supervisor]]\nid = \"pusat\"\nname = \"x\"\ngrants = []\n");
        assert!(read(&duplicate).unwrap_err().message.contains("pusat"));
    }
}
