//! The fleet's file: what `provision` makes everything from. Parsed once into what can't be wrong.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use penutup::words::Lang;
use serde::Deserialize;

use crate::config::Place;
use crate::fail::Fail;
use crate::wire::SCHEMA;
use crate::wire::key::Scope;
use crate::wire::name::Name;
use crate::wire::trust::Grant;
use crate::words::{Provision, words};

/// The most seats of one server; more than that is several servers' (leaf nodes).
pub const MOST_SEATS: u32 = 20_000;
/// Room on disk for a site's closings when nobody says: 14 days of 300 calls of 1 kB a day and seat, in MiB.
const CLOSINGS_MIB_A_SEAT: u64 = 4;
/// The least of it.
const CLOSINGS_MIB: u64 = 256;

/// A fleet.
#[derive(Debug)]
pub struct Fleet {
    /// Its name.
    pub name: Name,
    /// Its server.
    pub server: Server,
    /// Its database, where the file names one.
    pub database: Option<Database>,
    /// Its sites.
    pub sites: Vec<Site>,
    /// Its supervisors.
    pub supervisors: Vec<Supervisor>,
}

/// Where the server is and where its files lie on its own machine.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// The names and addresses that everybody connects to; the certificate is made for them.
    pub names: Vec<String>,
    /// The address it listens on.
    pub listen: Option<IpAddr>,
    /// The port.
    #[serde(default = "default_port")]
    pub port: u16,
    /// Whether it speaks TLS. Without, it may only listen on the loopback.
    #[serde(default = "yes")]
    pub tls: bool,
    /// The folder of `nats.conf` on the server; `None`: where `provision` writes it.
    pub folder: Option<PathBuf>,
    /// The streams' folder on the server; `None`: below the other.
    pub store: Option<PathBuf>,
    /// The port of the monitoring, on the loopback.
    pub monitor: Option<u16>,
    /// Whether every closing is on the disk before it is acknowledged (nats-server 2.10 or newer).
    #[serde(default)]
    pub sync_always: bool,
    /// How many servers of a cluster keep each stream.
    #[serde(default = "one")]
    pub replicas: u8,
    /// Where the sites' own servers connect to this one.
    pub leaf_port: Option<u16>,
}

/// A server and who connects to it: the hub, or a site's own (a leaf).
#[derive(Clone, Debug)]
pub struct Node<'f> {
    /// The server.
    pub server: &'f Server,
    /// The site whose own it is; `None`: the hub.
    pub leaf: Option<&'f Site>,
    /// The sites whose seats connect to it.
    pub sites: Vec<&'f Site>,
}

/// The central database, for `center.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// A host, or the folder of a socket.
    pub host: String,
    /// The port.
    pub port: Option<u16>,
    /// The database's name.
    pub name: String,
    /// Who writes.
    pub user: String,
    /// Who only reads; `None`: who writes.
    pub reader: Option<String>,
    /// A file with the password, where the programs run.
    pub password_file: Option<PathBuf>,
}

/// A site.
#[derive(Debug)]
pub struct Site {
    /// Its id.
    pub id: Name,
    /// Its region.
    pub region: Name,
    /// Its seats.
    pub seats: Vec<Name>,
    /// The most that its closings take on the server's disk, in bytes.
    pub closings_bytes: u64,
    /// Its own server, where it has one: it goes on when the way to the hub is cut.
    pub leaf: Option<Server>,
}

/// A supervisor.
#[derive(Debug)]
pub struct Supervisor {
    /// Its id.
    pub id: Name,
    /// The name on the screens.
    pub name: String,
    /// What they may declare.
    pub grants: Vec<Grant>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    schema: u32,
    fleet: Name,
    server: Server,
    database: Option<Database>,
    site: Vec<SiteShape>,
    supervisor: Vec<SupervisorShape>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SiteShape {
    id: Name,
    region: Name,
    #[serde(default)]
    seats: Vec<Name>,
    numbered: Option<Numbered>,
    closings_mib: Option<u64>,
    leaf: Option<Server>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Numbered {
    prefix: String,
    count: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SupervisorShape {
    id: Name,
    name: String,
    grants: Vec<String>,
}

fn default_port() -> u16 {
    4222
}

fn yes() -> bool {
    true
}

fn one() -> u8 {
    1
}

impl Numbered {
    /// `a0001`, `a0002`, …: at least four digits, so that a site that grows keeps its seats' names.
    fn names(&self) -> Option<Vec<Name>> {
        (1..=self.count.min(MOST_SEATS + 1)).map(|n| Name::parse(&format!("{}{n:04}", self.prefix))).collect()
    }
}

impl Fleet {
    /// Reads the file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(path: &Path, lang: Lang) -> Result<Self, Fail> {
        let place = Place::new(path, lang);
        let fleet = Self::checked(place.parse()?, words(lang));
        fleet.map_err(|why| place.wrong(&why))
    }

    fn checked(shape: Shape, words: &crate::words::Words) -> Result<Self, String> {
        let w = &words.provision;
        if shape.schema != SCHEMA {
            return Err(words.config.schema(SCHEMA));
        }
        shape.server.check(w)?;
        let sites: Vec<Site> = shape.site.into_iter().map(|site| site.checked(w)).collect::<Result<_, _>>()?;
        let supervisors = shape.supervisor.into_iter().map(|one| one.checked(&sites, w));
        let fleet = Self {
            name: shape.fleet,
            server: shape.server,
            database: shape.database,
            supervisors: supervisors.collect::<Result<_, _>>()?,
            sites,
        };
        if let Some(twice) = first_twice(fleet.sites.iter().map(|site| &site.id)) {
            return Err(w.twice(twice.as_str()));
        }
        if let Some(twice) = first_twice(fleet.supervisors.iter().map(|one| &one.id)) {
            return Err(w.twice(twice.as_str()));
        }
        fleet.check_leaves(w)?;
        if fleet.nodes().iter().any(|node| node.seats() > MOST_SEATS as usize) {
            return Err(w.too_many(MOST_SEATS));
        }
        Ok(fleet)
    }

    /// How many seats it has.
    #[must_use]
    pub fn seats(&self) -> usize {
        self.sites.iter().map(|site| site.seats.len()).sum()
    }

    /// Its servers: the hub, then the sites' own.
    #[must_use]
    pub fn nodes(&self) -> Vec<Node<'_>> {
        let at_hub = self.sites.iter().filter(|site| site.leaf.is_none()).collect();
        let hub = Node { server: &self.server, leaf: None, sites: at_hub };
        let mut out = vec![hub];
        for site in &self.sites {
            out.extend(site.leaf.as_ref().map(|server| Node { server, leaf: Some(site), sites: vec![site] }));
        }
        out
    }

    fn check_leaves(&self, w: &Provision) -> Result<(), String> {
        for site in &self.sites {
            let Some(leaf) = &site.leaf else { continue };
            leaf.check(w)?;
            // A leaf shows the hub its certificate; there is no other key that 2.9 would take from a file.
            if self.server.leaf_port.is_none() || !self.server.tls || leaf.tls != self.server.tls {
                return Err(w.no_leaf_port(site.id.as_str()));
            }
            // The hub's streams' domain is called so.
            if leaf.leaf_port.is_some() || site.id.as_str() == Node::HUB {
                return Err(w.bad_leaf(site.id.as_str()));
            }
        }
        Ok(())
    }
}

impl Node<'_> {
    /// The domain of the hub's streams, where there are leaves.
    pub const HUB: &'static str = "hub";

    /// How many seats connect to it.
    #[must_use]
    pub fn seats(&self) -> usize {
        self.sites.iter().map(|site| site.seats.len()).sum()
    }

    /// Its folder below what is written.
    #[must_use]
    pub fn folder(&self) -> String {
        self.leaf.map_or_else(|| "server".to_owned(), |site| format!("leaves/{}", site.id))
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
        // nats.conf is started from anywhere; and what stands between quotes there must not end them.
        let is_fit = |path: &PathBuf| {
            path.is_absolute() && path.to_str().is_some_and(|p| !p.contains(|c: char| c == '"' || c.is_control()))
        };
        if [&self.folder, &self.store].into_iter().flatten().any(|path| !is_fit(path)) {
            return Err(w.bad_folder.to_owned());
        }
        if matches!(self.replicas, 1 | 3 | 5) { Ok(()) } else { Err(w.bad_replicas.to_owned()) }
    }

    /// The address it listens on: the loopback where it is only known by that.
    #[must_use]
    pub fn listen(&self) -> IpAddr {
        let loopback =
            |name: &String| name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback());
        let local = self.names.iter().all(loopback);
        self.listen.unwrap_or(IpAddr::from(if local { [127, 0, 0, 1] } else { [0, 0, 0, 0] }))
    }

    /// The addresses that everybody connects to.
    #[must_use]
    pub fn addresses(&self) -> Vec<String> {
        self.with_port(self.port)
    }

    /// The addresses that the sites' own servers connect to.
    #[must_use]
    pub fn leaf_addresses(&self) -> Vec<String> {
        self.leaf_port.map_or_else(Vec::new, |port| self.with_port(port))
    }

    fn with_port(&self, port: u16) -> Vec<String> {
        let scheme = if self.tls { "tls" } else { "nats" };
        let host = |name: &String| if name.contains(':') { format!("[{name}]") } else { name.clone() };
        self.names.iter().map(|name| format!("{scheme}://{}:{port}", host(name))).collect()
    }
}

impl SiteShape {
    fn checked(self, w: &Provision) -> Result<Site, String> {
        let site = self.id.as_str();
        let mut seats = self.seats;
        if let Some(numbered) = &self.numbered {
            seats.extend(numbered.names().ok_or_else(|| w.bad_prefix(site))?);
        }
        if seats.is_empty() {
            return Err(w.no_seats(site));
        }
        if let Some(twice) = first_twice(seats.iter()) {
            return Err(w.twice(format!("{}/{twice}", self.id)));
        }
        let usual = (seats.len() as u64 * CLOSINGS_MIB_A_SEAT).max(CLOSINGS_MIB);
        let mib = self.closings_mib.unwrap_or(usual);
        if !(1..=1 << 24).contains(&mib) {
            return Err(w.bad_closings(site));
        }
        Ok(Site { id: self.id, region: self.region, seats, closings_bytes: mib << 20, leaf: self.leaf })
    }
}

impl SupervisorShape {
    fn checked(self, sites: &[Site], w: &Provision) -> Result<Supervisor, String> {
        let known = |grant: &Grant| match grant {
            Grant::Rules | Grant::Klb(Scope::Center) => true,
            Grant::Klb(Scope::Region(region)) => sites.iter().any(|site| site.region == *region),
            Grant::Klb(Scope::Site(id)) => sites.iter().any(|site| site.id == *id),
        };
        let grants = self.grants.iter().map(|grant| grant.parse().ok().filter(known).ok_or(grant));
        let grants = grants.collect::<Result<Vec<_>, _>>();
        let grants = grants.map_err(|grant| w.bad_grant(penutup::diagnostics::shown(grant), self.id.as_str()))?;
        if penutup::broadcast::tidy(&self.name, usize::MAX).is_none() {
            return Err(w.no_name(self.id.as_str()));
        }
        Ok(Supervisor { id: self.id, name: self.name, grants })
    }
}

/// The first that stands twice.
fn first_twice<'a>(names: impl Iterator<Item = &'a Name>) -> Option<&'a Name> {
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

    fn read(text: &str) -> Result<Fleet, Fail> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fleet.toml");
        std::fs::write(&path, text).unwrap();
        Fleet::read(&path, Lang::En)
    }

    #[test]
    fn a_sound_file_is_read() {
        let fleet = read(GOOD).unwrap();
        let seats: Vec<_> = fleet.sites[0].seats.iter().map(Name::as_str).collect();
        assert_eq!(seats, ["spare", "a0001", "a0002"]);
        assert_eq!(fleet.server.addresses(), ["tls://127.0.0.1:4222"]);
        assert!(fleet.server.listen().is_loopback(), "known by the loopback only");
        assert_eq!(fleet.sites[0].closings_bytes, 256 << 20);
        assert_eq!(fleet.supervisors[0].grants.len(), 4);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_name() {
        let plain = "names = [\"10.0.0.1\"]\ntls = false";
        for (from, to, told) in [
            ("schema = 1", "schema = 2", "schema must be 1"),
            ("names = [\"127.0.0.1\"]", plain, "loopback"),
            ("names = [\"127.0.0.1\"]", "names = []", "names"),
            ("names = [\"127.0.0.1\"]", "names = [\"a b\"]", "names"),
            ("[server]", "[server]\nstore = \"relative\"", "absolute"),
            ("[server]", "[server]\nreplicas = 2", "replicas"),
            ("[server]", "[server]\nprot = 2", "prot"),
            ("\"spare\"", "\"a0001\"", "jkt/a0001"),
            ("prefix = \"a\"", "prefix = \"A\"", "jkt"),
            ("count = 2", "count = 4000000000", "20000"),
            ("region = \"jabar\"", "region = \"jabar\"\nclosings_mib = 0", "jkt"),
            ("\"site.jkt\"", "\"site.bdg\"", "site.bdg"),
            ("\"site.jkt\"", "\"klb.site.jkt\"", "klb.site.jkt"),
            ("name = \"Pusat\"", "name = \" \"", "pusat"),
        ] {
            let fail = read(&GOOD.replace(from, to)).expect_err(to);
            assert!(fail.message.contains("fleet.toml") && fail.message.contains(told), "{to}: {}", fail.message);
        }
        let twice = format!("{GOOD}[[supervisor]]\nid = \"pusat\"\nname = \"x\"\ngrants = []\n");
        assert!(read(&twice).unwrap_err().message.contains("pusat"));
    }
}
