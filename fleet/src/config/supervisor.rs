//! `supervisor.toml`: who declares, with which signing key.

use std::path::{Path, PathBuf};

use penutup::words::Lang;
use serde::Deserialize;

use super::{LinkShape, Place};
use crate::error::Fail;
use crate::link::Link;
use crate::secret::Seed;
use crate::wire::name::Name;
use crate::wire::subject;
use crate::wire::trust::{Signer, Trust};
use crate::words::words;

/// A supervisor's configuration.
#[derive(Debug)]
pub struct Supervisor {
    /// The link.
    pub link: Link,
    /// The signing key: never the one that answers the server's challenge, which a hostile server could have sign
    /// anything.
    pub sign: Seed,
    /// Who it is, as the seats know them.
    pub own: Signer,
    /// Whom the seats believe.
    pub trust: Trust,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    schema: u32,
    servers: Vec<String>,
    ca: Option<PathBuf>,
    key: PathBuf,
    sign: PathBuf,
    id: Name,
    trust: PathBuf,
}

impl Supervisor {
    /// Reads it.
    ///
    /// # Errors
    /// What is wrong with it; also where no seat would believe this supervisor.
    pub fn read(path: &Path, lang: Lang) -> Result<Self, Fail> {
        let place = Place::new(path, lang);
        let Shape { schema, servers, ca, key, sign, id, trust } = place.parse()?;
        let link =
            place.link(&LinkShape { schema, servers, ca, key }, format!("penutup {id}"), subject::own_inbox(&id))?;
        let sign = place.seed(&sign)?;
        let trust = place.trust(&trust)?;
        let own = trust.signer(&id).filter(|signer| signer.key == sign.pair().public_key()).cloned();
        let own = own.ok_or_else(|| place.wrong(&words(lang).config.not_trusted(id.as_str())))?;
        Ok(Self { link, sign, own, trust })
    }
}
