//! The configuration files, which `provision` writes and people may edit: `agent.toml`, `supervisor.toml`, `center.toml`.
//! Parsed once; an unknown key, an address that is none or a secret that others can read stops the program with the
//! file's name. Paths in a file are counted from its folder.

pub mod agent;
pub mod center;
pub mod supervisor;

use std::path::{Path, PathBuf};

use async_nats::ServerAddr;
use penutup::cli::Env;
use penutup::diagnostics::{outside, shown};
use penutup::files::{self, shown_path};
use penutup::words::Lang;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::fail::Fail;
use crate::link::Link;
use crate::secret::Seed;
use crate::wire::SCHEMA;
use crate::wire::trust::{BadTrust, Trust};
use crate::words::words;

/// What every file says of the link.
#[derive(Debug, Deserialize)]
pub(crate) struct LinkShape {
    schema: u32,
    servers: Vec<String>,
    ca: Option<PathBuf>,
    key: PathBuf,
}

/// A file that is being read: its place, for relative paths and messages.
pub(crate) struct Place<'p> {
    path: &'p Path,
    lang: Lang,
}

/// Where a program's configuration is looked for when nobody names one.
#[must_use]
pub fn default_path(file: &str) -> Option<PathBuf> {
    Env::of_process().folders().config.map(|folder| folder.join("fleet").join(file))
}

impl<'p> Place<'p> {
    pub(crate) fn new(path: &'p Path, lang: Lang) -> Self {
        Self { path, lang }
    }

    /// Reads and parses the file.
    pub(crate) fn parse<T: DeserializeOwned>(&self) -> Result<T, Fail> {
        let bytes = self.bytes(self.path)?;
        let text = String::from_utf8(bytes).map_err(|_| self.wrong(words(self.lang).config.not_utf8))?;
        // The parser's own words name line, column and what was expected; they quote the file.
        toml::from_str(&text).map_err(|error| self.wrong(&many_lines(&error.to_string())))
    }

    fn bytes(&self, path: &Path) -> Result<Vec<u8>, Fail> {
        files::read(path).map_err(|e| {
            let words = words(self.lang);
            Fail::new(words.config.unreadable(shown_path(path), outside::reason(&e.error, self.lang.words())))
                .help(words.config.unreadable_help)
        })
    }

    /// Something in the file is wrong.
    pub(crate) fn wrong(&self, why: &str) -> Fail {
        Fail::new(words(self.lang).config.wrong(shown_path(self.path), why))
    }

    /// A path of the file, from its folder.
    pub(crate) fn near(&self, path: &Path) -> PathBuf {
        self.path.parent().unwrap_or(Path::new(".")).join(path)
    }

    /// The link, for somebody of this name and inbox.
    pub(crate) fn link(&self, shape: &LinkShape, name: String, inbox: String) -> Result<Link, Fail> {
        let w = &words(self.lang).config;
        if shape.schema != SCHEMA {
            return Err(self.wrong(&w.schema(SCHEMA)));
        }
        if shape.servers.is_empty() {
            return Err(self.wrong(w.no_server));
        }
        let parsed = shape.servers.iter().map(|server| {
            let address: Option<ServerAddr> = server.parse().ok();
            // A password in an address would stand in a file that others read; it is not told on either.
            let address = address.filter(|a| a.username().is_none() && a.password().is_none());
            let told = || shown(server.rsplit('@').next().unwrap_or_default());
            address.ok_or_else(|| self.wrong(&w.bad_server(told())))
        });
        let servers = parsed.collect::<Result<_, _>>()?;
        let ca = shape.ca.as_deref().map(|ca| self.near(ca));
        let seed = self.seed(&shape.key)?;
        Ok(Link { servers, ca, seed, name, inbox })
    }

    /// A seed, from the file that is named.
    pub(crate) fn seed(&self, path: &Path) -> Result<Seed, Fail> {
        // Whoever wrote the seed itself would find it in every log as the name of a file that is not there.
        if path.to_str().is_some_and(Seed::is_one) {
            return Err(self.wrong(words(self.lang).config.seed_itself));
        }
        Seed::read(&self.near(path), self.lang)
    }

    /// Whom to believe.
    pub(crate) fn trust(&self, path: &Path) -> Result<Trust, Fail> {
        let path = self.near(path);
        let text = String::from_utf8_lossy(&self.bytes(&path)?).into_owned();
        Trust::read(&text).map_err(|bad| {
            let w = &words(self.lang).config;
            Place::new(&path, self.lang).wrong(&match bad {
                BadTrust::Toml(why) => many_lines(&why),
                BadTrust::Schema => w.schema(SCHEMA),
                BadTrust::Twice(id) => w.signer_twice(id.as_str()),
                BadTrust::Key(id) => w.signer_key(id.as_str()),
                BadTrust::Name(id) => w.signer_name(id.as_str()),
                BadTrust::Grant(id) => w.signer_grant(id.as_str()),
            })
        })
    }
}

/// A text of several lines, each fit for a terminal.
fn many_lines(text: &str) -> String {
    text.trim_end().lines().map(shown).collect::<Vec<_>>().join("\n  ")
}

#[cfg(test)]
mod tests {
    use nkeys::KeyPair;

    use super::*;

    #[test]
    fn a_secret_in_the_wrong_place_is_not_told_on() {
        let seed = KeyPair::new_user().seed().unwrap();
        let place = Place::new(Path::new("agent.toml"), Lang::En);
        let wrong = |server: &str, key: &str| {
            let shape = LinkShape { schema: SCHEMA, servers: vec![server.into()], ca: None, key: key.into() };
            place.link(&shape, "a".into(), "b".into()).unwrap_err().message
        };
        for told in [wrong("nats://127.0.0.1", &seed), wrong("nats://spv:rahasia@127.0.0.1", "link.nk")] {
            assert!(told.contains("agent.toml") && !told.contains(&seed) && !told.contains("rahasia"), "{told}");
        }
    }
}
