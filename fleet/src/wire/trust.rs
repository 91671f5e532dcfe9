//! The trust list: whose signatures a seat accepts, and for what. It comes with the seat's configuration, never over the
//! network.

use std::fmt;
use std::str::FromStr;

use nkeys::KeyPair;
use penutup_rules::declaration::tidy;
use serde::{Deserialize, Serialize};

use super::key::{Key, ParseKeyError, Scope};
use super::name::Name;

/// In graphemes.
const MAX_SIGNER_NAME: usize = 40;

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Grant {
    /// KLB for exactly this scope: the centre's does not include a site's.
    Klb(Scope),
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
    type Err = ParseKeyError;

    fn from_str(text: &str) -> Result<Self, ParseKeyError> {
        if text == "rules" { Ok(Self::Rules) } else { Ok(Self::Klb(text.parse()?)) }
    }
}

impl Grant {
    /// The key that it is for.
    pub fn key(&self) -> Key {
        match self {
            Self::Klb(scope) => Key::Klb(scope.clone()),
            Self::Rules => Key::Rules,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// As in the envelope.
    pub id: Name,
    /// The name that screens show.
    pub name: String,
    /// The public signing key, in nkeys' format.
    pub key: String,
    pub grants: Vec<Grant>,
}

impl Signer {
    pub fn may_publish(&self, key: &Key) -> bool {
        self.grants.iter().any(|grant| grant.key() == *key)
    }

    pub fn verifies(&self, bytes: &[u8], signature: &[u8]) -> bool {
        KeyPair::from_public_key(&self.key).is_ok_and(|key| key.verify(bytes, signature).is_ok())
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust(Vec<Signer>);

/// `trust.toml`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTrust {
    schema: u32,
    #[serde(default)]
    signer: Vec<RawSigner>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSigner {
    id: Name,
    name: String,
    key: String,
    grants: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrustError {
    /// The parser's message.
    Toml(String),
    Schema,
    /// Two signers with this id or this one's key.
    Duplicate(Name),
    /// This signer's key is no public nkey.
    Key(Name),
    /// This signer's name is blank.
    Name(Name),
    /// This signer has a grant that is no scope and not `rules`.
    Grant(Name),
}

impl Trust {
    pub fn new(signers: Vec<Signer>) -> Self {
        Self(signers)
    }

    /// Parses `trust.toml`.
    pub fn parse(text: &str) -> Result<Self, TrustError> {
        let file: RawTrust = toml::from_str(text).map_err(|e| TrustError::Toml(e.to_string()))?;
        if file.schema != super::SCHEMA {
            return Err(TrustError::Schema);
        }
        let mut out: Vec<Signer> = Vec::with_capacity(file.signer.len());
        for RawSigner { id, name, key, grants } in file.signer {
            if out.iter().any(|other| other.id == id || other.key == key) {
                return Err(TrustError::Duplicate(id));
            }
            if KeyPair::from_public_key(&key).is_err() {
                return Err(TrustError::Key(id));
            }
            let Some(name) = tidy(&name, MAX_SIGNER_NAME) else { return Err(TrustError::Name(id)) };
            let parsed = grants.iter().map(|grant| grant.parse()).collect::<Result<_, ParseKeyError>>();
            let Ok(grants) = parsed else { return Err(TrustError::Grant(id)) };
            out.push(Signer { id, name, key, grants });
        }
        Ok(Self(out))
    }

    /// Formats `trust.toml`.
    pub fn to_toml(&self) -> String {
        let raw = |s: &Signer| RawSigner {
            id: s.id.clone(),
            name: s.name.clone(),
            key: s.key.clone(),
            grants: s.grants.iter().map(ToString::to_string).collect(),
        };
        let file = RawTrust { schema: super::SCHEMA, signer: self.0.iter().map(raw).collect() };
        // Serializing these types can't fail.
        toml::to_string(&file).unwrap_or_default()
    }

    /// Every scope with a grant, the widest first. Seats accept no declaration for another one.
    pub fn scopes(&self) -> Vec<Scope> {
        let grants = self.0.iter().flat_map(|signer| &signer.grants);
        let scopes = grants.filter_map(|grant| match grant {
            Grant::Klb(scope) => Some(scope.clone()),
            Grant::Rules => None,
        });
        scopes.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn signer(&self, id: &Name) -> Option<&Signer> {
        self.0.iter().find(|signer| signer.id == *id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trust_list_survives_serializing_and_invalid_ones_are_refused() {
        let key = KeyPair::new_user().public_key();
        let spv = Signer {
            id: Name::parse("spv").unwrap(),
            name: "SPV Jakarta".into(),
            key: key.clone(),
            grants: vec![Grant::Klb(Scope::Center), Grant::Rules],
        };
        let trust = Trust::new(vec![spv]);
        assert_eq!(Trust::parse(&trust.to_toml()), Ok(trust.clone()));
        let signer = trust.signer(&Name::parse("spv").unwrap()).unwrap();
        assert!(signer.may_publish(&Key::Rules) && signer.may_publish(&Key::Klb(Scope::Center)));
        assert!(!signer.may_publish(&Key::Klb(Scope::Site(Name::parse("jkt").unwrap()))));
        let text = trust.to_toml();
        for wrong in [
            text.replace("schema = 1", "schema = 2"),
            text.replace(&key, "UABC"),
            text.replace("rules", "regel"),
            text.replace("SPV Jakarta", " "),
            text.replace("grants", "rights"),
            format!("{text}{}", text.replace("schema = 1", "")),
        ] {
            assert!(Trust::parse(&wrong).is_err(), "{wrong}");
        }
    }
}
