//! `center.toml`: what the centre's programs (archive, status, report) need.

use std::path::{Path, PathBuf};

use penutup::words::Lang;
use serde::Deserialize;

use super::{LinkShape, Place};
use crate::error::Fail;
use crate::link::Link;
use crate::wire::name::Name;
use crate::wire::subject;
use crate::wire::trust::Trust;

/// The centre's configuration.
#[derive(Debug)]
pub struct Center {
    /// The link.
    pub link: Link,
    /// The sites whose closings and states are the centre's.
    pub sites: Vec<Site>,
    /// The database; `None` where this program needs none.
    pub database: Option<Database>,
    /// Whom the seats believe; `None` where this program reads no broadcast.
    pub trust: Option<Trust>,
}

/// A site, as the centre knows it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// Its id.
    pub id: Name,
    /// Its region.
    pub region: Name,
    /// How many seats it has.
    pub seats: u32,
}

/// Where the database is. The password comes from a file or from `PGPASSWORD`, never from here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// A host, or the folder of a socket.
    pub host: String,
    /// The port.
    pub port: Option<u16>,
    /// The database's name.
    pub name: String,
    /// The database's user.
    pub user: String,
    /// A file with the password, that only its user reads.
    pub password_file: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    schema: u32,
    servers: Vec<String>,
    ca: Option<PathBuf>,
    key: PathBuf,
    id: Name,
    #[serde(default)]
    site: Vec<Site>,
    database: Option<Database>,
    trust: Option<PathBuf>,
}

impl Center {
    /// Reads it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(path: &Path, lang: Lang) -> Result<Self, Fail> {
        let place = Place::new(path, lang);
        let Shape { schema, servers, ca, key, id, site, database, trust } = place.parse()?;
        let link =
            place.link(&LinkShape { schema, servers, ca, key }, format!("penutup {id}"), subject::own_inbox(&id))?;
        let near = |file: PathBuf| place.near(&file);
        let database = database.map(|d| Database { password_file: d.password_file.map(near), ..d });
        let trust = trust.map(|trust| place.trust(&trust)).transpose()?;
        Ok(Self { link, sites: site, database, trust })
    }
}
