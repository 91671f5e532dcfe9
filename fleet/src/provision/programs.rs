//! The configuration of each program, in a folder that is copied to the program's machine.

use serde::Serialize;

use super::fleet::{Fleet, Server, Site};
use super::output::Plan;
use crate::wire::SCHEMA;
use crate::wire::name::Name;
use crate::wire::trust::{Signer, Trust};

/// A program of the centre. Each has its own key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// `provision --streams`.
    Admin,
    Archive,
    /// `status` and `report`.
    Status,
}

impl Program {
    pub const ALL: [Self; 3] = [Self::Admin, Self::Archive, Self::Status];

    /// Also the name of its folder.
    pub fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Archive => "archive",
            Self::Status => "status",
        }
    }
}

pub fn seat_folder(site: &Name, seat: &Name) -> String {
    format!("seats/{site}/{seat}")
}

pub fn seat_seed(site: &Name, seat: &Name) -> String {
    format!("{}/link.nk", seat_folder(site, seat))
}

pub fn supervisor_seed(id: &Name) -> String {
    format!("supervisors/{id}/link.nk")
}

pub fn signing_seed(id: &Name) -> String {
    format!("supervisors/{id}/sign.nk")
}

pub fn program_seed(program: Program) -> String {
    format!("center/{}/link.nk", program.name())
}

/// The first keys of every file.
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
    // Serializing these types can't fail.
    let text = toml::to_string(value).unwrap_or_default();
    format!("# Written by penutup-fleet provision.\n{text}")
}

/// The seats' trust list. `signing` are the supervisors' public signing keys, in their order.
pub fn trust(fleet: &Fleet, signing: &[String]) -> Trust {
    let signer = |(one, key): (&super::fleet::Supervisor, &String)| Signer {
        id: one.id.clone(),
        name: one.name.clone(),
        key: key.clone(),
        grants: one.grants.clone(),
    };
    Trust::new(fleet.supervisors.iter().zip(signing).map(signer).collect())
}

/// Adds the folders of all programs. `ca` is the authority's certificate.
pub fn write(fleet: &Fleet, signing: &[String], ca: Option<&str>, plan: &mut Plan) {
    let trust = trust(fleet, signing).to_toml();
    let servers = fleet.server.addresses();
    let has_ca = ca.is_some();
    let mut folder = |folder: String, name: &str, text: String, with_trust: bool| {
        plan.add(format!("{folder}/{name}"), text);
        if let Some(ca) = ca {
            plan.add(format!("{folder}/ca.pem"), ca.to_owned());
        }
        if with_trust {
            plan.add(format!("{folder}/trust.toml"), trust.clone());
        }
    };
    for site @ Site { id, region, leaf, .. } in &fleet.sites {
        let servers = leaf.as_ref().map_or_else(|| servers.clone(), Server::addresses);
        for seat in &site.seats {
            let agent = Agent { link: Link::to(&servers, has_ca), site: id, region, seat, trust: "trust.toml" };
            folder(seat_folder(id, seat), "agent.toml", toml(&agent), true);
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
        let trust = (program == Program::Status).then_some("trust.toml");
        let center = Center { link: Link::to(&servers, has_ca), id, trust, database, site };
        folder(format!("center/{id}"), "center.toml", toml(&center), trust.is_some());
    }
}
