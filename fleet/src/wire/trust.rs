//! Whom a seat believes, and for which scopes: a list of public keys that came with the seat's configuration, not over
//! the network.

use std::fmt;
use std::str::FromStr;

use nkeys::KeyPair;
use penutup::broadcast::tidy;
use serde::{Deserialize, Serialize};

use super::key::{Key, NoKey, Scope};
use super::name::Name;

/// The longest name of a supervisor on a screen, in graphemes.
const NAME: usize = 40;

/// What a supervisor may declare.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Grant {
    /// KLB of this scope, and of no other: the centre's does not include a site's.
    Klb(Scope),
    /// The rules of everybody.
    Rules,
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Klb(scope) => scope.fmt(f),
            Self::Rules => f.write_str("rules"),
        }
    }
}

impl FromStr for Grant {
    type Err = NoKey;

    fn from_str(text: &str) -> Result<Self, NoKey> {
        if text == "rules" { Ok(Self::Rules) } else { Ok(Self::Klb(text.parse()?)) }
    }
}

/// Somebody who may sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// The id in the envelope.
    pub id: Name,
    /// The name on the screens.
    pub name: String,
    /// The public signing key, as nkeys writes it.
    pub key: String,
    /// What they may declare.
    pub grants: Vec<Grant>,
}

impl Signer {
    /// Whether they may declare this.
    #[must_use]
    pub fn may(&self, key: &Key) -> bool {
        self.grants.iter().any(|grant| match (grant, key) {
            (Grant::Klb(granted), Key::Klb(scope)) => granted == scope,
            (Grant::Rules, Key::Rules) => true,
            _ => false,
        })
    }

    /// Whether they signed these bytes.
    #[must_use]
    pub fn signed(&self, bytes: &[u8], signature: &[u8]) -> bool {
        KeyPair::from_public_key(&self.key).is_ok_and(|key| key.verify(bytes, signature).is_ok())
    }
}

/// Everybody who may sign.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust(Vec<Signer>);

/// The file's shape.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    schema: u32,
    #[serde(default)]
    signer: Vec<Shape>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    id: Name,
    name: String,
    key: String,
    grants: Vec<String>,
}

/// What is wrong with a trust file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadTrust {
    /// It can't be parsed; in the parser's own words.
    Toml(String),
    /// Its form is not known.
    Schema,
    /// The id or the key of this signer stands twice.
    Twice(Name),
    /// The key of this signer is no public nkey.
    Key(Name),
    /// The name of this signer shows nothing.
    Name(Name),
    /// A grant of this signer is no scope and not `rules`.
    Grant(Name),
}

impl Trust {
    /// Of these.
    #[must_use]
    pub fn of(signers: Vec<Signer>) -> Self {
        Self(signers)
    }

    /// From `trust.toml`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str) -> Result<Self, BadTrust> {
        let file: File = toml::from_str(text).map_err(|e| BadTrust::Toml(e.to_string()))?;
        if file.schema != super::SCHEMA {
            return Err(BadTrust::Schema);
        }
        let mut out: Vec<Signer> = Vec::with_capacity(file.signer.len());
        for Shape { id, name, key, grants } in file.signer {
            if out.iter().any(|other| other.id == id || other.key == key) {
                return Err(BadTrust::Twice(id));
            }
            if KeyPair::from_public_key(&key).is_err() {
                return Err(BadTrust::Key(id));
            }
            let Some(name) = tidy(&name, NAME) else { return Err(BadTrust::Name(id)) };
            let parsed = grants.iter().map(|grant| grant.parse()).collect::<Result<_, NoKey>>();
            let Ok(grants) = parsed else { return Err(BadTrust::Grant(id)) };
            out.push(Signer { id, name, key, grants });
        }
        Ok(Self(out))
    }

    /// As `trust.toml`.
    #[must_use]
    pub fn to_text(&self) -> String {
        let shape = |s: &Signer| Shape {
            id: s.id.clone(),
            name: s.name.clone(),
            key: s.key.clone(),
            grants: s.grants.iter().map(ToString::to_string).collect(),
        };
        let file = File { schema: super::SCHEMA, signer: self.0.iter().map(shape).collect() };
        // These types always can be written; what could not would be refused when it is read.
        toml::to_string(&file).unwrap_or_default()
    }

    /// Everybody.
    pub fn signers(&self) -> impl Iterator<Item = &Signer> {
        self.0.iter()
    }

    /// Every scope that somebody may declare for, the widest first; nothing under another key is heeded by any seat.
    #[must_use]
    pub fn scopes(&self) -> Vec<Scope> {
        let grants = self.0.iter().flat_map(|signer| &signer.grants);
        let scopes = grants.filter_map(|grant| match grant {
            Grant::Klb(scope) => Some(scope.clone()),
            Grant::Rules => None,
        });
        scopes.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
    }

    /// Whether nobody may sign.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Somebody by their id.
    #[must_use]
    pub fn signer(&self, id: &Name) -> Option<&Signer> {
        self.0.iter().find(|signer| signer.id == *id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_wrong_is_refused() {
        let key = KeyPair::new_user().public_key();
        let spv = Signer {
            id: Name::parse("spv").unwrap(),
            name: "SPV Jakarta".into(),
            key: key.clone(),
            grants: vec![Grant::Klb(Scope::Center), Grant::Rules],
        };
        let trust = Trust::of(vec![spv]);
        assert_eq!(Trust::read(&trust.to_text()), Ok(trust.clone()));
        let signer = trust.signer(&Name::parse("spv").unwrap()).unwrap();
        assert!(signer.may(&Key::Rules) && signer.may(&Key::Klb(Scope::Center)));
        assert!(!signer.may(&Key::Klb(Scope::Site(Name::parse("jkt").unwrap()))));
        let text = trust.to_text();
        for wrong in [
            text.replace("schema = 1", "schema = 2"),
            text.replace(&key, "UABC"),
            text.replace("rules", "regel"),
            text.replace("SPV Jakarta", " "),
            text.replace("grants", "rights"),
            format!("{text}{}", text.replace("schema = 1", "")),
        ] {
            assert!(Trust::read(&wrong).is_err(), "{wrong}");
        }
    }
}
