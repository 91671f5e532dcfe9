//! `center.toml`: what the centre's programs (archive, status, report) need.

use std::path::{Path, PathBuf};

use penutup_cli_kit::diagnostics::{shown, suggest};
use penutup_cli_kit::words::Lang;
use serde::{Deserialize, Serialize};

use super::{ConfigFile, LinkFields};
use crate::error::CliError;
use crate::link::Link;
use crate::wire::name::Name;
use crate::wire::subject;
use crate::wire::trust::Trust;
use crate::words::words;

#[derive(Debug)]
pub struct Center {
    pub link: Link,
    pub sites: Vec<Site>,
    /// `None` where the program needs none.
    pub database: Option<Database>,
    /// The seats' trust list; `None` where the program reads no broadcasts.
    pub trust: Option<Trust>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    pub id: Name,
    pub region: Name,
    /// The number of seats.
    pub seats: usize,
}

/// The password is in a file or in `PGPASSWORD`, never here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// A host name, or the folder of a socket.
    pub host: String,
    pub port: Option<u16>,
    pub name: String,
    pub user: String,
    pub password_file: Option<PathBuf>,
    /// The authority of the database's certificate; without it the host must be a socket or the loopback.
    pub ca: Option<PathBuf>,
    /// How many days of closings the archive keeps; `None`: all.
    pub keep_days: Option<u32>,
}

/// `center.toml`, which `provision` writes.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CenterFile {
    pub schema: u32,
    pub servers: Vec<String>,
    pub ca: Option<PathBuf>,
    pub key: PathBuf,
    pub id: Name,
    pub trust: Option<PathBuf>,
    pub database: Option<Database>,
    #[serde(default)]
    pub site: Vec<Site>,
}

impl Center {
    pub fn read(path: &Path, lang: Lang) -> Result<Self, CliError> {
        let file = ConfigFile::new(path, lang);
        let CenterFile { schema, servers, ca, key, id, site, database, trust } = file.parse()?;
        let link =
            file.link(&LinkFields { schema, servers, ca, key }, format!("penutup {id}"), subject::client_inbox(&id))?;
        let resolve = |path: PathBuf| file.resolve(&path);
        if database.as_ref().is_some_and(|database| database.keep_days == Some(0)) {
            return Err(file.invalid(words(lang).config.keep_days));
        }
        let database =
            database.map(|d| Database { password_file: d.password_file.map(resolve), ca: d.ca.map(resolve), ..d });
        let trust = trust.map(|trust| file.trust(&trust)).transpose()?;
        Ok(Self { link, sites: site, database, trust })
    }

    /// A site by its id; the error lists the valid ones.
    pub fn find_site(&self, id: &str, lang: Lang) -> Result<Name, CliError> {
        let found = self.sites.iter().find(|site| site.id.as_str() == id).map(|site| site.id.clone());
        found.ok_or_else(|| {
            let help = suggest(id, self.sites.iter().map(|site| site.id.as_str()), &lang.words().problem);
            CliError::new(words(lang).report.unknown_site(shown(id))).help(help)
        })
    }
}
