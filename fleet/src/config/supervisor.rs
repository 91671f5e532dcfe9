//! `supervisor.toml`: a supervisor's identity and signing key.

use std::path::{Path, PathBuf};

use penutup_cli_kit::words::Lang;
use serde::{Deserialize, Serialize};

use super::center::Site;
use super::{ConfigFile, LinkFields};
use crate::broadcast_stream::BroadcastStream;
use crate::error::CliError;
use crate::link::Link;
use crate::secret::Seed;
use crate::wire::name::Name;
use crate::wire::subject;
use crate::wire::trust::{Signer, Trust};
use crate::words::words;

#[derive(Debug)]
pub struct Supervisor {
    pub link: Link,
    /// The signing key. Not the connection's: a hostile server could have that one sign anything as its challenge.
    pub sign: Seed,
    /// This supervisor's entry in the trust list.
    pub own: Signer,
    /// The seats' trust list.
    pub trust: Trust,
    /// The sites whose seats a broadcast of this supervisor can concern; none in a file of an older version.
    pub sites: Vec<Site>,
}

/// `supervisor.toml`, which `provision` writes.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SupervisorFile {
    pub schema: u32,
    pub servers: Vec<String>,
    pub ca: Option<PathBuf>,
    pub key: PathBuf,
    pub sign: PathBuf,
    pub id: Name,
    pub trust: PathBuf,
    #[serde(default)]
    pub site: Vec<Site>,
}

impl Supervisor {
    pub fn read(path: &Path, lang: Lang) -> Result<Self, CliError> {
        let file = ConfigFile::new(path, lang);
        let SupervisorFile { schema, servers, ca, key, sign, id, trust, site } = file.parse()?;
        let link =
            file.link(&LinkFields { schema, servers, ca, key }, format!("penutup {id}"), subject::client_inbox(&id))?;
        let sign = file.seed(&sign)?;
        let trust = file.trust(&trust)?;
        let own = own(&trust, &id, &sign).ok_or_else(|| file.invalid(&words(lang).config.not_trusted(id.as_str())))?;
        Ok(Self { link, sign, own, trust, sites: site })
    }

    /// Takes the newest trust list from the stream, since seats do. Fails where this supervisor's key is no longer in it:
    /// no seat would accept what it signs. Returns a warning where the file's list is newer than what seats can have.
    pub async fn update_trust(&mut self, stream: &BroadcastStream) -> Result<Option<String>, CliError> {
        let w = &words(stream.lang()).config;
        let newest = stream.trust(&self.trust).await?;
        if newest.version > self.trust.version {
            self.trust = newest;
            self.own = own(&self.trust, &self.own.id, &self.sign)
                .ok_or_else(|| CliError::new(w.no_longer_trusted(self.own.id.as_str(), self.trust.version)))?;
            return Ok(None);
        }
        let published = stream.published_trust(&self.trust).await?;
        let is_behind = published < self.trust.version && self.trust.authority.is_some();
        Ok(is_behind.then(|| w.trust_not_published(self.trust.version)))
    }
}

/// A supervisor's entry with this signing key.
fn own(trust: &Trust, id: &Name, sign: &Seed) -> Option<Signer> {
    trust.signer(id).filter(|_| trust.has_key(id, &sign.pair().public_key())).cloned()
}
