//! `agent.toml`: which seat this is, and whom it believes.

use std::path::{Path, PathBuf};

use penutup::words::Lang;
use serde::Deserialize;

use super::{LinkShape, Place};
use crate::error::Fail;
use crate::link::Link;
use crate::wire::name::Name;
use crate::wire::subject;
use crate::wire::trust::Trust;

/// An agent's configuration.
#[derive(Debug)]
pub struct Agent {
    /// The link.
    pub link: Link,
    /// The site.
    pub site: Name,
    /// The site's region.
    pub region: Name,
    /// The seat.
    pub seat: Name,
    /// Whom it believes.
    pub trust: Trust,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    schema: u32,
    servers: Vec<String>,
    ca: Option<PathBuf>,
    key: PathBuf,
    site: Name,
    region: Name,
    seat: Name,
    trust: PathBuf,
}

impl Agent {
    /// Reads it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(path: &Path, lang: Lang) -> Result<Self, Fail> {
        let place = Place::new(path, lang);
        let Shape { schema, servers, ca, key, site, region, seat, trust } = place.parse()?;
        let link = LinkShape { schema, servers, ca, key };
        let link = place.link(&link, format!("penutup {site}/{seat}"), subject::inbox(&site, &seat))?;
        Ok(Self { link, trust: place.trust(&trust)?, site, region, seat })
    }
}
