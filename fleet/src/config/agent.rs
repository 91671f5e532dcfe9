//! `agent.toml`: which seat this is, and whose signatures it trusts.

use std::path::{Path, PathBuf};

use penutup_cli_kit::words::Lang;
use serde::{Deserialize, Serialize};

use super::{ConfigFile, LinkFields};
use crate::error::CliError;
use crate::link::Link;
use crate::wire::name::Name;
use crate::wire::subject;
use crate::wire::trust::Trust;

#[derive(Debug)]
pub struct Agent {
    pub link: Link,
    pub site: Name,
    /// The site's region.
    pub region: Name,
    pub seat: Name,
    pub trust: Trust,
}

/// `agent.toml`, which `provision` writes.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AgentFile {
    pub schema: u32,
    pub servers: Vec<String>,
    pub ca: Option<PathBuf>,
    pub key: PathBuf,
    pub site: Name,
    pub region: Name,
    pub seat: Name,
    pub trust: PathBuf,
}

impl Agent {
    pub fn read(path: &Path, lang: Lang) -> Result<Self, CliError> {
        let file = ConfigFile::new(path, lang);
        let AgentFile { schema, servers, ca, key, site, region, seat, trust } = file.parse()?;
        let link = LinkFields { schema, servers, ca, key };
        let link = file.link(&link, format!("penutup {site}/{seat}"), subject::inbox(&site, &seat))?;
        Ok(Self { link, trust: file.trust(&trust)?, site, region, seat })
    }
}
