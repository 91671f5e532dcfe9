//! The trust list: whose signatures a seat accepts, and for what. The first one comes with the seat's configuration, newer
//! ones over the network, signed by the fleet's authority, whose public key every list has.

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
        verifies(&self.key, bytes, signature)
    }
}

fn verifies(key: &str, bytes: &[u8], signature: &[u8]) -> bool {
    KeyPair::from_public_key(key).is_ok_and(|key| key.verify(bytes, signature).is_ok())
}

/// A key that no longer signs anything new. What it signed before stays valid: a person's leaving ends no emergency, and
/// leaves the seats not without rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Former {
    pub signer: Signer,
    /// When it was taken away, in seconds since 1970.
    pub until: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// Rises with each list; 0 in a file of an older version.
    pub version: u64,
    /// The public key of whoever may replace this list; `None` in a file of an older version.
    pub authority: Option<String>,
    signers: Vec<Signer>,
    /// Keys that are being replaced and still sign for these signers, too.
    outgoing: Vec<(Name, String)>,
    former: Vec<Former>,
}

/// `trust.toml`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTrust {
    schema: u32,
    #[serde(default)]
    version: u64,
    #[serde(default)]
    authority: Option<String>,
    #[serde(default)]
    signer: Vec<RawSigner>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    outgoing: Vec<RawKey>,
    #[serde(default)]
    former: Vec<RawSigner>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKey {
    id: Name,
    key: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSigner {
    id: Name,
    name: String,
    key: String,
    grants: Vec<String>,
    /// Only of a former signer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<u64>,
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
    /// A former signer without `until`, or another one with it.
    Until(Name),
    /// The authority's key is no public nkey.
    Authority,
    /// An outgoing key of nobody, or another's key.
    Outgoing(Name),
}

impl RawSigner {
    fn parse(self) -> Result<(Signer, Option<u64>), TrustError> {
        let Self { id, name, key, grants, until } = self;
        if KeyPair::from_public_key(&key).is_err() {
            return Err(TrustError::Key(id));
        }
        let Some(name) = tidy(&name, MAX_SIGNER_NAME) else { return Err(TrustError::Name(id)) };
        let parsed = grants.iter().map(|grant| grant.parse()).collect::<Result<_, ParseKeyError>>();
        let Ok(grants) = parsed else { return Err(TrustError::Grant(id)) };
        Ok((Signer { id, name, key, grants }, until))
    }
}

impl Trust {
    pub fn new(signers: Vec<Signer>) -> Self {
        Self { signers, ..Self::default() }
    }

    /// Parses `trust.toml`.
    pub fn parse(text: &str) -> Result<Self, TrustError> {
        let file: RawTrust = toml::from_str(text).map_err(|e| TrustError::Toml(e.to_string()))?;
        if file.schema != super::SCHEMA {
            return Err(TrustError::Schema);
        }
        if file.authority.as_ref().is_some_and(|key| KeyPair::from_public_key(key).is_err()) {
            return Err(TrustError::Authority);
        }
        let mut signers: Vec<Signer> = Vec::new();
        for raw in file.signer {
            let (signer, until) = raw.parse()?;
            if signers.iter().any(|other| other.id == signer.id || other.key == signer.key) {
                return Err(TrustError::Duplicate(signer.id));
            }
            if until.is_some() {
                return Err(TrustError::Until(signer.id));
            }
            signers.push(signer);
        }
        let mut outgoing: Vec<(Name, String)> = Vec::new();
        for RawKey { id, key } in file.outgoing {
            let is_known = signers.iter().any(|signer| signer.id == id);
            let is_used =
                signers.iter().map(|signer| &signer.key).chain(outgoing.iter().map(|(_, k)| k)).any(|k| *k == key);
            if !is_known || is_used {
                return Err(TrustError::Outgoing(id));
            }
            if KeyPair::from_public_key(&key).is_err() {
                return Err(TrustError::Key(id));
            }
            outgoing.push((id, key));
        }
        let former = file.former.into_iter().map(|raw| {
            let (signer, until) = raw.parse()?;
            let until = until.ok_or_else(|| TrustError::Until(signer.id.clone()))?;
            Ok(Former { signer, until })
        });
        Ok(Self {
            version: file.version,
            authority: file.authority,
            signers,
            outgoing,
            former: former.collect::<Result<_, _>>()?,
        })
    }

    /// Formats `trust.toml`.
    pub fn to_toml(&self) -> String {
        let raw = |s: &Signer, until| RawSigner {
            id: s.id.clone(),
            name: s.name.clone(),
            key: s.key.clone(),
            grants: s.grants.iter().map(ToString::to_string).collect(),
            until,
        };
        let file = RawTrust {
            schema: super::SCHEMA,
            version: self.version,
            authority: self.authority.clone(),
            signer: self.signers.iter().map(|signer| raw(signer, None)).collect(),
            outgoing: self.outgoing.iter().map(|(id, key)| RawKey { id: id.clone(), key: key.clone() }).collect(),
            former: self.former.iter().map(|former| raw(&former.signer, Some(former.until))).collect(),
        };
        // Serializing these types can't fail.
        toml::to_string(&file).unwrap_or_default()
    }

    /// The list after this one: the same, or with a higher version, and what these signers and outgoing keys lack as former.
    #[must_use]
    pub fn next(&self, signers: Vec<Signer>, outgoing: Vec<(Name, String)>, authority: String, now: u64) -> Self {
        let version = now.max(self.version + 1);
        let next = Self { version: self.version, authority: Some(authority), signers, outgoing, former: vec![] };
        let mut former = self.former.clone();
        for old in &self.signers {
            for key in self.keys_of(&old.id) {
                let kept = next.signer(&old.id).filter(|_| next.has_key(&old.id, key));
                let is_kept = |grant: &Grant| kept.is_some_and(|kept| kept.grants.contains(grant));
                let grants: Vec<Grant> = old.grants.iter().filter(|grant| !is_kept(grant)).cloned().collect();
                if !grants.is_empty() {
                    let signer = Signer { grants, key: key.to_owned(), ..old.clone() };
                    former.push(Former { signer, until: version });
                }
            }
        }
        let next = Self { former, ..next };
        if next == *self { next } else { Self { version, ..next } }
    }

    /// Every scope that a declaration can be in force for, the widest first.
    pub fn scopes(&self) -> Vec<Scope> {
        let all = self.signers.iter().chain(self.former.iter().map(|former| &former.signer));
        let grants = all.flat_map(|signer| &signer.grants);
        let scopes = grants.filter_map(|grant| match grant {
            Grant::Klb(scope) => Some(scope.clone()),
            Grant::Rules => None,
        });
        scopes.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
    }

    /// The keys with which a signer signs.
    fn keys_of<'t>(&'t self, id: &'t Name) -> impl Iterator<Item = &'t str> {
        let present = self.signer(id).map(|signer| signer.key.as_str());
        let outgoing = self.outgoing.iter().filter(move |(of, _)| of == id).map(|(_, key)| key.as_str());
        present.into_iter().chain(outgoing)
    }

    /// Whether a signer signs with this key.
    pub fn has_key(&self, id: &Name, key: &str) -> bool {
        self.keys_of(id).any(|own| own == key)
    }

    /// Whether a signer signed this, also with an outgoing key.
    pub fn verifies(&self, id: &Name, bytes: &[u8], signature: &[u8]) -> bool {
        self.keys_of(id).any(|key| verifies(key, bytes, signature))
    }

    pub fn is_empty(&self) -> bool {
        self.signers.is_empty()
    }

    pub fn signer(&self, id: &Name) -> Option<&Signer> {
        self.signers.iter().find(|signer| signer.id == *id)
    }

    /// The former keys of a signer for a key, the newest last.
    pub fn former<'t>(&'t self, id: &'t Name, key: &'t Key) -> impl Iterator<Item = &'t Former> {
        self.former.iter().filter(move |former| former.signer.id == *id && former.signer.may_publish(key))
    }

    /// Whether somebody whose former key signed for a key may still publish under it.
    pub fn may_still_publish(&self, id: &Name, key: &Key) -> bool {
        self.signer(id).is_some_and(|signer| signer.may_publish(key))
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
            format!("{text}{}", text.split_once("[[signer]]").unwrap().1).replacen("id = ", "[[signer]]\nid = ", 2),
            text.replace("[[signer]]", "[[former]]"),
            text.replace("name = ", "until = 7\nname = "),
            text.replace("schema = 1", "schema = 1\nauthority = \"UABC\""),
        ] {
            assert!(Trust::parse(&wrong).is_err(), "{wrong}");
        }
    }
    #[test]
    fn a_list_changes_only_with_its_signers_and_keeps_what_they_lose() {
        let signer = |id: &str, key: &str, grants: &[&str]| Signer {
            id: Name::parse(id).unwrap(),
            name: id.to_owned(),
            key: key.to_owned(),
            grants: grants.iter().map(|grant| grant.parse().unwrap()).collect(),
        };
        let keys: Vec<String> = (0..4).map(|_| KeyPair::new_user().public_key()).collect();
        let authority = keys[3].clone();
        let first = Trust::default().next(
            vec![signer("a", &keys[0], &["center", "rules"]), signer("b", &keys[1], &["site.jkt"])],
            vec![],
            authority.clone(),
            100,
        );
        assert_eq!((first.version, first.former.len()), (100, 0));
        assert_eq!(first.next(first.signers.clone(), vec![], authority.clone(), 200), first);
        // A grant less, a key renewed, and by a clock that runs behind.
        let now = vec![signer("a", &keys[0], &["rules"]), signer("b", &keys[2], &["site.jkt", "center"])];
        let second = first.next(now, vec![], authority.clone(), 50);
        let former: Vec<_> =
            second.former.iter().map(|f| (f.signer.key.as_str(), &f.signer.grants[..], f.until)).collect();
        let [center, site] = ["center", "site.jkt"].map(|grant| grant.parse::<Grant>().unwrap());
        assert_eq!(former, [(keys[0].as_str(), &[center][..], 101), (keys[1].as_str(), &[site][..], 101)]);
        assert_eq!(second.version, 101);
        assert_eq!(Trust::parse(&second.to_toml()), Ok(second.clone()));
        // Somebody who is revoked leaves a scope that is still listed.
        let third = second.next(vec![signer("a", &keys[0], &["rules"])], vec![], authority, 300);
        assert_eq!(third.scopes(), ["center", "site.jkt"].map(|scope| scope.parse::<Scope>().unwrap()));
        assert_eq!((third.version, third.former.len()), (300, 3));
    }

    #[test]
    fn an_outgoing_key_signs_until_it_is_dropped_and_is_former_then() {
        let key = || KeyPair::new_user();
        let (old, new, authority, id) = (key(), key(), key().public_key(), Name::parse("spv").unwrap());
        let signer = |key: &KeyPair| Signer {
            id: id.clone(),
            name: "SPV".into(),
            key: key.public_key(),
            grants: vec![Grant::Rules],
        };
        let first = Trust::default().next(vec![signer(&old)], vec![], authority.clone(), 100);
        let outgoing = vec![(id.clone(), old.public_key())];
        let both = first.next(vec![signer(&new)], outgoing.clone(), authority.clone(), 200);
        assert_eq!(Trust::parse(&both.to_toml()), Ok(both.clone()));
        let signs = |list: &Trust, by: &KeyPair| list.verifies(&id, b"x", &by.sign(b"x").unwrap());
        assert!(signs(&both, &old) && signs(&both, &new) && both.former.is_empty());
        assert_eq!(both.next(vec![signer(&new)], outgoing, authority.clone(), 300), both);
        let last = both.next(vec![signer(&new)], vec![], authority, 300);
        assert!(!signs(&last, &old) && signs(&last, &new));
        let former: Vec<_> = last.former(&id, &Key::Rules).map(|one| (one.signer.key.clone(), one.until)).collect();
        assert_eq!(former, [(old.public_key(), 300)]);
        for wrong in [
            both.to_toml().replace("[[outgoing]]\nid = \"spv\"", "[[outgoing]]\nid = \"other\""),
            both.to_toml().replace(&old.public_key(), &new.public_key()),
            both.to_toml().replace(&old.public_key(), "UABC"),
        ] {
            assert!(Trust::parse(&wrong).is_err(), "{wrong}");
        }
    }
}
