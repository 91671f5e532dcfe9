//! The configuration of each program, in a folder that is copied to the program's machine.

use std::path::PathBuf;

use serde::Serialize;

use super::fleet::{Database, Fleet, Site};
use super::output::Plan;
use crate::config::agent::AgentFile;
use crate::config::center::{self, CenterFile};
use crate::config::supervisor::SupervisorFile;
use crate::wire::SCHEMA;
use crate::wire::key::Key;
use crate::wire::name::Name;
use crate::wire::trust::{Grant, Signer, Trust};

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

/// The folder of the operator's own tools: who may use the server's system account.
pub const SYSTEM: &str = "system";
/// Its seed.
pub const SYSTEM_SEED: &str = "center/system/link.nk";

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

fn toml(value: &impl Serialize) -> String {
    // Serializing these types can't fail.
    let text = toml::to_string(value).unwrap_or_default();
    format!("# Written by penutup-fleet provision.\n{text}")
}

/// Whose signatures seats accept. `signing` are the supervisors' public signing keys, in their order.
pub fn signers(fleet: &Fleet, signing: &[String]) -> Vec<Signer> {
    let signer = |(one, key): (&super::fleet::Supervisor, &String)| Signer {
        id: one.id.clone(),
        name: one.name.clone(),
        key: key.clone(),
        grants: one.grants.clone(),
    };
    fleet.supervisors.iter().zip(signing).map(signer).collect()
}

/// The sites whose seats the broadcasts of somebody with these grants concern.
pub fn concerned<'f>(fleet: &'f Fleet, grants: &'f [Grant]) -> impl Iterator<Item = &'f Site> {
    fleet.sites.iter().filter(|site| {
        let keys = Key::of_seat(&site.id, &site.region);
        grants.iter().any(|grant| keys.contains(&grant.key()))
    })
}

/// Adds the folders of all programs. `ca` is the authority's certificate.
#[expect(clippy::missing_panics_doc, reason = "the programs' names are valid")]
pub fn write(fleet: &Fleet, trust_list: &Trust, ca: Option<&str>, plan: &mut Plan) {
    let trust_list = trust_list.to_toml();
    let servers = fleet.server.addresses();
    let (key, trust, schema) = (PathBuf::from("link.nk"), PathBuf::from("trust.toml"), SCHEMA);
    let ca_path = ca.map(|_| PathBuf::from("ca.pem"));
    if let Some(ca) = ca {
        plan.add(format!("center/{SYSTEM}/ca.pem"), ca.to_owned());
    }
    let mut folder = |folder: String, name: &str, text: String, with_trust: bool| {
        plan.add(format!("{folder}/{name}"), text);
        if let Some(ca) = ca {
            plan.add(format!("{folder}/ca.pem"), ca.to_owned());
        }
        if with_trust {
            plan.add(format!("{folder}/trust.toml"), trust_list.clone());
        }
    };
    for site in &fleet.sites {
        for seat in &site.seats {
            let file = AgentFile {
                schema,
                servers: servers.clone(),
                ca: ca_path.clone(),
                key: key.clone(),
                site: site.id.clone(),
                region: site.region.clone(),
                seat: seat.clone(),
                trust: trust.clone(),
            };
            folder(seat_folder(&site.id, seat), "agent.toml", toml(&file), true);
        }
    }
    let site = |site: &Site| center::Site { id: site.id.clone(), region: site.region.clone(), seats: site.seats.len() };
    for one in &fleet.supervisors {
        let file = SupervisorFile {
            schema,
            servers: servers.clone(),
            ca: ca_path.clone(),
            key: key.clone(),
            sign: "sign.nk".into(),
            id: one.id.clone(),
            trust: trust.clone(),
            site: concerned(fleet, &one.grants).map(site).collect(),
        };
        folder(format!("supervisors/{}", one.id), "supervisor.toml", toml(&file), true);
    }
    for program in Program::ALL {
        let database = fleet.database.as_ref().filter(|_| program != Program::Admin).map(|database| {
            let Database { host, port, name, user, reader, password_file, ca, keep_days } = database.clone();
            let user = if program == Program::Archive { user } else { reader.unwrap_or(user) };
            center::Database { host, port, name, user, password_file, ca, keep_days }
        });
        let file = CenterFile {
            schema,
            servers: servers.clone(),
            ca: ca_path.clone(),
            key: key.clone(),
            id: Name::parse(program.name()).expect("a valid name"),
            trust: (program != Program::Admin).then(|| trust.clone()),
            database,
            site: fleet.sites.iter().map(site).collect(),
        };
        folder(format!("center/{}", program.name()), "center.toml", toml(&file), program != Program::Admin);
    }
}
