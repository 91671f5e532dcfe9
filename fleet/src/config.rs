//! The configuration files `agent.toml`, `supervisor.toml` and `center.toml`, written by `provision` and editable. Parsed
//! strictly: an unknown key, an invalid address or a secret that others can read is an error that names the file. Paths
//! are relative to the file's folder.

pub mod agent;
pub mod center;
pub mod supervisor;

use std::path::{Path, PathBuf};

use async_nats::ServerAddr;
use penutup_cli_kit::diagnostics::{outside, shown};
use penutup_cli_kit::env::Env;
use penutup_cli_kit::files::{self, shown_path};
use penutup_cli_kit::words::Lang;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::CliError;
use crate::link::Link;
use crate::secret::Seed;
use crate::wire::SCHEMA;
use crate::wire::trust::{Trust, TrustError};
use crate::words::words;

/// The keys of every file.
#[derive(Debug, Deserialize)]
pub(crate) struct LinkFields {
    schema: u32,
    servers: Vec<String>,
    ca: Option<PathBuf>,
    key: PathBuf,
}

/// A file that is being read.
pub(crate) struct ConfigFile<'p> {
    path: &'p Path,
    lang: Lang,
}

/// The path of a configuration that no option names.
pub fn default_path(file: &str) -> Option<PathBuf> {
    Env::of_process().folders().config.map(|folder| folder.join("fleet").join(file))
}

impl<'p> ConfigFile<'p> {
    pub(crate) fn new(path: &'p Path, lang: Lang) -> Self {
        Self { path, lang }
    }

    pub(crate) fn parse<T: DeserializeOwned>(&self) -> Result<T, CliError> {
        let bytes = self.bytes(self.path)?;
        let text = String::from_utf8(bytes).map_err(|_| self.invalid(words(self.lang).config.not_utf8))?;
        // The parser's message has line, column and what was expected, and quotes the file.
        toml::from_str(&text).map_err(|error| self.invalid(&clean_lines(&error.to_string())))
    }

    fn bytes(&self, path: &Path) -> Result<Vec<u8>, CliError> {
        files::read(path).map_err(|e| {
            let words = words(self.lang);
            CliError::new(words.config.unreadable(shown_path(path), outside::reason(&e.error, self.lang.words())))
                .help(words.config.unreadable_help)
        })
    }

    pub(crate) fn invalid(&self, why: &str) -> CliError {
        CliError::new(words(self.lang).config.invalid(shown_path(self.path), why))
    }

    /// Resolves a path of the file.
    pub(crate) fn resolve(&self, path: &Path) -> PathBuf {
        self.path.parent().unwrap_or(Path::new(".")).join(path)
    }

    pub(crate) fn link(&self, shape: &LinkFields, name: String, inbox: String) -> Result<Link, CliError> {
        let w = &words(self.lang).config;
        if shape.schema != SCHEMA {
            return Err(self.invalid(&w.schema(SCHEMA)));
        }
        if shape.servers.is_empty() {
            return Err(self.invalid(w.no_server));
        }
        let parsed = shape.servers.iter().map(|server| {
            let address: Option<ServerAddr> = server.parse().ok();
            // The file is not secret: a password in an address is refused, and not printed.
            let address = address.filter(|a| a.username().is_none() && a.password().is_none());
            let without_password = || shown(server.rsplit('@').next().unwrap_or_default());
            address.ok_or_else(|| self.invalid(&w.bad_server(without_password())))
        });
        let servers = parsed.collect::<Result<_, _>>()?;
        let ca = shape.ca.as_deref().map(|ca| self.resolve(ca));
        let seed = self.seed(&shape.key)?;
        Ok(Link { servers, ca, seed, name, inbox })
    }

    pub(crate) fn seed(&self, path: &Path) -> Result<Seed, CliError> {
        // A seed in place of a path would be printed as the name of a missing file.
        if path.to_str().is_some_and(Seed::is_seed) {
            return Err(self.invalid(words(self.lang).config.seed_instead_of_path));
        }
        Seed::read(&self.resolve(path), self.lang)
    }

    pub(crate) fn trust(&self, path: &Path) -> Result<Trust, CliError> {
        let path = self.resolve(path);
        let text = String::from_utf8_lossy(&self.bytes(&path)?).into_owned();
        Trust::parse(&text).map_err(|bad| {
            let w = &words(self.lang).config;
            ConfigFile::new(&path, self.lang).invalid(&match bad {
                TrustError::Toml(why) => clean_lines(&why),
                TrustError::Schema => w.schema(SCHEMA),
                TrustError::Duplicate(id) => w.signer_duplicate(id.as_str()),
                TrustError::Key(id) => w.signer_key(id.as_str()),
                TrustError::Name(id) => w.signer_name(id.as_str()),
                TrustError::Grant(id) => w.signer_grant(id.as_str()),
                TrustError::Until(id) => w.signer_until(id.as_str()),
                TrustError::Outgoing(id) => w.signer_outgoing(id.as_str()),
                TrustError::Authority => w.bad_authority.to_owned(),
            })
        })
    }
}

/// Cleans each line for a terminal.
fn clean_lines(text: &str) -> String {
    text.trim_end().lines().map(shown).collect::<Vec<_>>().join("\n  ")
}

#[cfg(test)]
mod tests {
    use nkeys::KeyPair;

    use super::*;

    #[test]
    fn a_secret_in_the_wrong_place_is_not_printed() {
        let seed = KeyPair::new_user().seed().unwrap();
        let file = ConfigFile::new(Path::new("agent.toml"), Lang::En);
        let message = |server: &str, key: &str| {
            let shape = LinkFields { schema: SCHEMA, servers: vec![server.into()], ca: None, key: key.into() };
            file.link(&shape, "a".into(), "b".into()).unwrap_err().message
        };
        for message in [message("nats://127.0.0.1", &seed), message("nats://spv:rahasia@127.0.0.1", "link.nk")] {
            assert!(
                message.contains("agent.toml") && !message.contains(&seed) && !message.contains("rahasia"),
                "{message}"
            );
        }
    }
}
