//! A signed broadcast, the message under a key of `KV_BROADCAST`. It carries its own key, a rising version and the
//! signature of a trusted supervisor, so that write access to the subject, or control of the server, is not enough to
//! change what a seat shows.

use data_encoding::BASE64URL_NOPAD;
use nkeys::KeyPair;
use penutup_rules::declaration::Declaration;
use serde::{Deserialize, Serialize};

use super::key::Key;
use super::name::Name;
use super::parse_json;
use super::refusal::Refusal;
use super::trust::{Signer, Trust};

/// In bytes: with headers below the server's message limit of 1 MiB.
pub const MAX_ENVELOPE: usize = 900 * 1024;

/// Not trustworthy before [`Envelope::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    pub key: Key,
    /// The claimed signer.
    pub by: Name,
    /// Rises with each broadcast of a key.
    pub version: u64,
    /// A declaration's TOML, or a rules file.
    pub payload: String,
    signature: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct RawEnvelope {
    schema: u32,
    key: String,
    by: Name,
    version: u64,
    payload: String,
    sig: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    New,
    /// Equal to the known one.
    Known,
}

/// A broadcast with a valid signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    pub freshness: Freshness,
    /// The signer's name in the trust list.
    pub by: String,
    pub content: Content,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Its `by` is the signer's name in the trust list, whatever the payload had.
    Klb(Declaration),
    /// A rules file's text, not checked yet.
    Rules(String),
}

fn signed_bytes(key: &Key, by: &Name, version: u64, payload: &str) -> Vec<u8> {
    format!("penutup broadcast 1\n{key}\n{by}\n{version}\n{payload}").into_bytes()
}

impl Envelope {
    /// Fails where the key pair has no seed.
    pub fn sign(
        pair: &KeyPair,
        key: Key,
        by: Name,
        version: u64,
        payload: String,
    ) -> Result<Self, nkeys::error::Error> {
        let signature = pair.sign(&signed_bytes(&key, &by, version, &payload))?;
        Ok(Self { key, by, version, payload, signature })
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let raw = RawEnvelope {
            schema: super::SCHEMA,
            key: self.key.to_string(),
            by: self.by.clone(),
            version: self.version,
            payload: self.payload.clone(),
            sig: BASE64URL_NOPAD.encode(&self.signature),
        };
        // Serializing this type can't fail.
        serde_json::to_vec(&raw).unwrap_or_default()
    }

    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let raw: RawEnvelope = parse_json(bytes, MAX_ENVELOPE)?;
        if raw.schema != super::SCHEMA {
            return Err(Refusal::Malformed);
        }
        Ok(Self {
            key: raw.key.parse().map_err(|_| Refusal::Malformed)?,
            by: raw.by,
            version: raw.version,
            payload: raw.payload,
            signature: BASE64URL_NOPAD.decode(raw.sig.as_bytes()).map_err(|_| Refusal::Malformed)?,
        })
    }

    /// `subject_key` is the key of the subject it was received on, `known` the known broadcast of that key. The cheapest
    /// checks come first.
    pub fn verify(&self, trust: &Trust, subject_key: &Key, known: Option<&Self>) -> Result<Verified, Refusal> {
        if self.key != *subject_key {
            return Err(Refusal::WrongKey);
        }
        let freshness = match known {
            Some(known) if known == self => Freshness::Known,
            Some(known) if known.version >= self.version => return Err(Refusal::Old),
            _ => Freshness::New,
        };
        let signer = self.signer(trust)?;
        Ok(Verified { freshness, by: signer.name.clone(), content: self.content(&signer.name)? })
    }

    fn signer<'t>(&self, trust: &'t Trust) -> Result<&'t Signer, Refusal> {
        let signer = trust.signer(&self.by).ok_or(Refusal::UnknownSigner)?;
        if !signer.may_publish(&self.key) {
            return Err(Refusal::NotAllowed);
        }
        let bytes = signed_bytes(&self.key, &self.by, self.version, &self.payload);
        if signer.verifies(&bytes, &self.signature) { Ok(signer) } else { Err(Refusal::BadSignature) }
    }

    fn content(&self, by: &str) -> Result<Content, Refusal> {
        match self.key {
            Key::Rules => Ok(Content::Rules(self.payload.clone())),
            Key::Klb(_) => {
                let payload = Declaration::read(self.payload.as_bytes()).map_err(|_| Refusal::BadPayload)?;
                if payload.version != self.version || payload.fact != penutup_rules::declaration::KLB {
                    return Err(Refusal::BadPayload);
                }
                Ok(Content::Klb(Declaration { by: Some(by.to_owned()), ..payload }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use penutup_rules::declaration::{KLB, State};
    use proptest::prelude::*;

    use super::*;
    use crate::wire::key::Scope;
    use crate::wire::testing::name;
    use crate::wire::trust::Grant;

    fn klb(version: u64) -> String {
        let broadcast = Declaration {
            version,
            fact: KLB.into(),
            state: State::On,
            value: None,
            since: "2026-03-02T06:05:00Z".parse().unwrap(),
            until: None,
            by: Some("somebody else".into()),
            why: Some("gangguan".into()),
        };
        broadcast.to_table().to_string()
    }

    fn trust_for(pair: &KeyPair, grants: &[&str]) -> Trust {
        let grants: Vec<Grant> = grants.iter().map(|g| g.parse().unwrap()).collect();
        Trust::new(vec![Signer { id: name("spv"), name: "SPV Jakarta".into(), key: pair.public_key(), grants }])
    }

    const CENTER: Key = Key::Klb(Scope::Center);

    fn signed(pair: &KeyPair, version: u64) -> Envelope {
        Envelope::sign(pair, CENTER, name("spv"), version, klb(version)).unwrap()
    }

    #[test]
    fn a_signed_broadcast_is_accepted_under_the_trusted_name() {
        let pair = KeyPair::new_user();
        let trust = trust_for(&pair, &["center"]);
        let first = Envelope::parse(&signed(&pair, 7).to_bytes()).unwrap();
        let verified = first.verify(&trust, &CENTER, None).unwrap();
        let Content::Klb(broadcast) = &verified.content else { panic!("{verified:?}") };
        assert_eq!((broadcast.by.as_deref(), verified.freshness), (Some("SPV Jakarta"), Freshness::New));
        assert_eq!(first.verify(&trust, &CENTER, Some(&first)).unwrap().freshness, Freshness::Known);
        assert_eq!(signed(&pair, 8).verify(&trust, &CENTER, Some(&first)).unwrap().freshness, Freshness::New);
    }

    #[test]
    fn forged_replayed_and_misplaced_broadcasts_are_refused() {
        let (pair, other) = (KeyPair::new_user(), KeyPair::new_user());
        let trust = trust_for(&pair, &["center"]);
        let good = signed(&pair, 7);
        let refused = |envelope: &Envelope, known| envelope.verify(&trust, &CENTER, known).unwrap_err();
        assert_eq!(refused(&signed(&other, 7), None), Refusal::BadSignature);
        assert_eq!(refused(&Envelope { version: 8, ..good.clone() }, None), Refusal::BadSignature);
        assert_eq!(refused(&Envelope { payload: klb(9), ..good.clone() }, None), Refusal::BadSignature);
        assert_eq!(refused(&Envelope { signature: Vec::new(), ..good.clone() }, None), Refusal::BadSignature);
        assert_eq!(refused(&Envelope { by: name("spv2"), ..good.clone() }, None), Refusal::UnknownSigner);
        assert_eq!(refused(&signed(&pair, 6), Some(&good)), Refusal::Old);
        let rewritten = Envelope::sign(&pair, CENTER, name("spv"), 7, klb(7) + "#\n").unwrap();
        assert_eq!(refused(&rewritten, Some(&good)), Refusal::Old);
        let site = Key::Klb(Scope::Site(name("jkt")));
        let elsewhere = Envelope::sign(&pair, site.clone(), name("spv"), 7, klb(7)).unwrap();
        assert_eq!(refused(&elsewhere, None), Refusal::WrongKey);
        assert_eq!(elsewhere.verify(&trust, &site, None), Err(Refusal::NotAllowed));
        for payload in [klb(8), "x".into(), klb(7).replace("klb", "topik")] {
            let odd = Envelope::sign(&pair, CENTER, name("spv"), 7, payload).unwrap();
            assert_eq!(refused(&odd, None), Refusal::BadPayload);
        }
    }

    #[test]
    fn malformed_bytes_are_refused() {
        assert_eq!(Envelope::parse(&vec![b' '; MAX_ENVELOPE + 1]), Err(Refusal::TooLarge));
        let good = String::from_utf8(signed(&KeyPair::new_user(), 7).to_bytes()).unwrap();
        for bad in ["", "{}", "[]", "null", &good[1..], &good.replace("klb.center", "klb.x"), &good.replace("spv", "S")]
        {
            assert_eq!(Envelope::parse(bad.as_bytes()), Err(Refusal::Malformed), "{bad}");
        }
        assert_eq!(Envelope::parse(good.replace("\"schema\":1", "\"schema\":2").as_bytes()), Err(Refusal::Malformed));
    }

    proptest! {
        #[test]
        fn no_changed_bit_is_accepted(at in any::<prop::sample::Index>(), bit in 0..8_u8) {
            let pair = KeyPair::new_from_raw(nkeys::KeyPairType::User, [7; 32]).unwrap();
            let good = signed(&pair, 7);
            let mut bytes = good.to_bytes();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            if let Ok(changed) = Envelope::parse(&bytes) {
                // Some changes keep the meaning: the case of a hex digit in an escape, for example.
                prop_assert!(changed == good || changed.verify(&trust_for(&pair, &["center"]), &CENTER, None).is_err());
            }
        }

        #[test]
        fn parsing_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Envelope::parse(&bytes);
        }
    }
}
