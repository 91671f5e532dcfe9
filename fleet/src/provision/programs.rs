//! The configuration of each program, in a folder of its own that is copied to the machine it runs on.

use serde::Serialize;

use super::fleet::{Fleet, Server, Site};
use super::output::Plan;
use crate::wire::SCHEMA;
use crate::wire::name::Name;
use crate::wire::trust::{Signer, Trust};

/// A program of the centre with a key of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// Makes the streams.
    Admin,
    /// Brings the closings to the database, and asks for those that are missing.
    Archive,
    /// Looks; also where the recap comes from.
    Status,
}

impl Program {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Admin, Self::Archive, Self::Status];

    /// Its name, which is its folder's.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Archive => "archive",
            Self::Status => "status",
        }
    }
}

/// Where a seat's folder is.
#[must_use]
pub fn folder_of_seat(site: &Name, seat: &Name) -> String {
    format!("seats/{site}/{seat}")
}

/// Where a seat's seed is.
#[must_use]
pub fn seed_of_seat(site: &Name, seat: &Name) -> String {
    format!("{}/link.nk", folder_of_seat(site, seat))
}

/// Where a supervisor's seed is.
#[must_use]
pub fn seed_of_supervisor(id: &Name) -> String {
    format!("supervisors/{id}/link.nk")
}

/// Where a supervisor's signing seed is.
#[must_use]
pub fn sign_of_supervisor(id: &Name) -> String {
    format!("supervisors/{id}/sign.nk")
}

/// Where a program's seed is.
#[must_use]
pub fn seed_of_program(program: Program) -> String {
    format!("center/{}/link.nk", program.name())
}

/// How everybody's file begins.
#[derive(Clone, Copy, Serialize)]
struct Link<'a> {
    schema: u32,
    servers: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    ca: Option<&'a str>,
    key: &'a str,
}

impl<'a> Link<'a> {
    fn to(servers: &'a [String], has_ca: bool) -> Self {
        Self { schema: SCHEMA, servers, ca: has_ca.then_some("ca.pem"), key: "link.nk" }
    }
}

#[derive(Serialize)]
struct Agent<'a> {
    #[serde(flatten)]
    link: Link<'a>,
    site: &'a Name,
    region: &'a Name,
    seat: &'a Name,
    trust: &'a str,
}

#[derive(Serialize)]
struct Supervisor<'a> {
    #[serde(flatten)]
    link: Link<'a>,
    sign: &'a str,
    id: &'a Name,
    trust: &'a str,
}

#[derive(Serialize)]
struct Center<'a> {
    #[serde(flatten)]
    link: Link<'a>,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trust: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<Database<'a>>,
    site: Vec<CenterSite<'a>>,
}

#[derive(Serialize)]
struct Database<'a> {
    host: &'a str,
    port: Option<u16>,
    name: &'a str,
    user: &'a str,
    password_file: Option<&'a std::path::Path>,
}

#[derive(Serialize)]
struct CenterSite<'a> {
    id: &'a Name,
    region: &'a Name,
    seats: usize,
}

fn toml(value: &impl Serialize) -> String {
    // These types always can be written; what could not would be refused when it is read.
    let text = toml::to_string(value).unwrap_or_default();
    format!("# Written by penutup-fleet provision.\n{text}")
}

/// Whom the seats believe. `signing` are the supervisors' public signing keys, in their order.
#[must_use]
pub fn trust(fleet: &Fleet, signing: &[String]) -> Trust {
    let signer = |(one, key): (&super::fleet::Supervisor, &String)| Signer {
        id: one.id.clone(),
        name: one.name.clone(),
        key: key.clone(),
        grants: one.grants.clone(),
    };
    Trust::of(fleet.supervisors.iter().zip(signing).map(signer).collect())
}

/// Everybody's folders. `signing` are the supervisors' public signing keys, in their order; `ca` the authority.
pub fn write(fleet: &Fleet, signing: &[String], ca: Option<&str>, plan: &mut Plan) {
    let trust = trust(fleet, signing).to_text();
    let servers = fleet.server.addresses();
    let has_ca = ca.is_some();
    let mut folder = |folder: String, name: &str, text: String, with_trust: bool| {
        plan.text(format!("{folder}/{name}"), text);
        if let Some(ca) = ca {
            plan.text(format!("{folder}/ca.pem"), ca.to_owned());
        }
        if with_trust {
            plan.text(format!("{folder}/trust.toml"), trust.clone());
        }
    };
    for site @ Site { id, region, leaf, .. } in &fleet.sites {
        let servers = leaf.as_ref().map_or_else(|| servers.clone(), Server::addresses);
        for seat in &site.seats {
            let agent = Agent { link: Link::to(&servers, has_ca), site: id, region, seat, trust: "trust.toml" };
            folder(folder_of_seat(id, seat), "agent.toml", toml(&agent), true);
        }
    }
    for one in &fleet.supervisors {
        let id = &one.id;
        let own = Supervisor { link: Link::to(&servers, has_ca), sign: "sign.nk", id, trust: "trust.toml" };
        folder(format!("supervisors/{id}"), "supervisor.toml", toml(&own), true);
    }
    for program in Program::ALL {
        let database = fleet.database.as_ref().filter(|_| program != Program::Admin).map(|d| Database {
            host: &d.host,
            port: d.port,
            name: &d.name,
            user: if program == Program::Archive { &d.user } else { d.reader.as_ref().unwrap_or(&d.user) },
            password_file: d.password_file.as_deref(),
        });
        let sites = fleet.sites.iter();
        let site = sites.map(|s| CenterSite { id: &s.id, region: &s.region, seats: s.seats.len() }).collect();
        let id = program.name();
        // Who looks believes what the seats believe.
        let trust = (program == Program::Status).then_some("trust.toml");
        let center = Center { link: Link::to(&servers, has_ca), id, trust, database, site };
        folder(format!("center/{id}"), "center.toml", toml(&center), trust.is_some());
    }
}
