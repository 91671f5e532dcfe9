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
    /// Signed with a former key, by somebody who may no longer publish under this key.
    pub is_revoked: bool,
    pub content: Content,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Its `by` is the signer's name in the trust list, whatever the payload had.
    Klb(Declaration),
    /// A rules file's text, not checked yet.
    Rules(String),
    Trust(Box<Trust>),
}

/// When a broadcast was stored, for what a former key signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredAt {
    /// It arrives live.
    Now,
    /// By the stream's clock, in seconds since 1970.
    Time(i64),
    /// It is on this seat's own disk: verified when it arrived, and its version is about its time.
    Here,
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

    /// The version that a message claims, also one of another schema.
    pub fn claimed_version(bytes: &[u8]) -> Option<u64> {
        #[derive(Deserialize)]
        struct Head {
            version: u64,
        }
        parse_json(bytes, MAX_ENVELOPE).ok().map(|Head { version }| version)
    }

    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        super::check_schema(bytes, MAX_ENVELOPE)?;
        let raw: RawEnvelope = parse_json(bytes, MAX_ENVELOPE)?;
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
    pub fn verify(
        &self,
        trust: &Trust,
        subject_key: &Key,
        known: Option<&Self>,
        stored_at: StoredAt,
    ) -> Result<Verified, Refusal> {
        if self.key != *subject_key {
            return Err(Refusal::WrongKey);
        }
        let freshness = match known {
            Some(known) if known == self => Freshness::Known,
            Some(known) if known.version >= self.version => return Err(Refusal::Old),
            _ => Freshness::New,
        };
        if self.key == Key::Trust {
            self.verify_authority(trust)?;
            return Ok(Verified { freshness, by: String::new(), is_revoked: false, content: self.content("")? });
        }
        let (signer, is_former) = self.signer(trust, stored_at)?;
        let is_revoked = is_former && !trust.may_still_publish(&self.by, &self.key);
        Ok(Verified { freshness, by: signer.name.clone(), is_revoked, content: self.content(&signer.name)? })
    }

    fn signed_bytes(&self) -> Vec<u8> {
        signed_bytes(&self.key, &self.by, self.version, &self.payload)
    }

    fn verify_authority(&self, trust: &Trust) -> Result<(), Refusal> {
        let authority = trust.authority.as_ref().ok_or(Refusal::UnknownSigner)?;
        let key = KeyPair::from_public_key(authority).map_err(|_| Refusal::UnknownSigner)?;
        key.verify(&self.signed_bytes(), &self.signature).map_err(|_| Refusal::BadSignature)
    }

    /// The signer, and whether with a former key: that counts for what was signed and stored before it was taken away.
    fn signer<'t>(&'t self, trust: &'t Trust, stored_at: StoredAt) -> Result<(&'t Signer, bool), Refusal> {
        let (bytes, present) = (self.signed_bytes(), trust.signer(&self.by));
        if let Some(signer) = present.filter(|signer| signer.may_publish(&self.key))
            && trust.verifies(&self.by, &bytes, &self.signature)
        {
            return Ok((signer, false));
        }
        let verifying =
            trust.former(&self.by, &self.key).filter(|former| former.signer.verifies(&bytes, &self.signature)).last();
        let is_in_time = |until: u64| match stored_at {
            StoredAt::Now => false,
            StoredAt::Time(at) => u64::try_from(at).is_ok_and(|at| at <= until),
            StoredAt::Here => self.version <= until,
        };
        match (verifying, present) {
            (Some(former), _) if is_in_time(former.until) => Ok((&former.signer, true)),
            (Some(_), _) => Err(Refusal::Revoked),
            (None, None) => Err(Refusal::UnknownSigner),
            (None, Some(signer)) if !signer.may_publish(&self.key) => Err(Refusal::NotAllowed),
            (None, Some(_)) => Err(Refusal::BadSignature),
        }
    }

    fn content(&self, by: &str) -> Result<Content, Refusal> {
        match self.key {
            Key::Rules => Ok(Content::Rules(self.payload.clone())),
            Key::Trust => {
                let list = Trust::parse(&self.payload).map_err(|_| Refusal::BadPayload)?;
                // Without an authority no later list would be accepted.
                let is_sound = list.version == self.version && list.authority.is_some();
                if is_sound { Ok(Content::Trust(Box::new(list))) } else { Err(Refusal::BadPayload) }
            }
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
        let verified = first.verify(&trust, &CENTER, None, StoredAt::Now).unwrap();
        let Content::Klb(broadcast) = &verified.content else { panic!("{verified:?}") };
        assert_eq!((broadcast.by.as_deref(), verified.freshness), (Some("SPV Jakarta"), Freshness::New));
        assert_eq!(first.verify(&trust, &CENTER, Some(&first), StoredAt::Now).unwrap().freshness, Freshness::Known);
        assert_eq!(
            signed(&pair, 8).verify(&trust, &CENTER, Some(&first), StoredAt::Now).unwrap().freshness,
            Freshness::New
        );
    }

    #[test]
    fn forged_replayed_and_misplaced_broadcasts_are_refused() {
        let (pair, other) = (KeyPair::new_user(), KeyPair::new_user());
        let trust = trust_for(&pair, &["center"]);
        let good = signed(&pair, 7);
        let refused = |envelope: &Envelope, known| envelope.verify(&trust, &CENTER, known, StoredAt::Now).unwrap_err();
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
        assert_eq!(elsewhere.verify(&trust, &site, None, StoredAt::Now), Err(Refusal::NotAllowed));
        for payload in [klb(8), "x".into(), klb(7).replace("klb", "topik")] {
            let odd = Envelope::sign(&pair, CENTER, name("spv"), 7, payload).unwrap();
            assert_eq!(refused(&odd, None), Refusal::BadPayload);
        }
    }

    #[test]
    fn a_former_key_counts_for_what_was_stored_before_it_was_taken_away() {
        let (old, new, authority) = (KeyPair::new_user(), KeyPair::new_user(), KeyPair::new_user());
        let first = trust_for(&old, &["center"]);
        let signers = [first.signer(&name("spv")).unwrap().clone()];
        let renewed = signers.iter().map(|signer| Signer { key: new.public_key(), ..signer.clone() }).collect();
        let renewed = first.next(renewed, vec![], authority.public_key(), 100);
        let revoked = first.next(vec![], vec![], authority.public_key(), 100);
        let before = signed(&old, 99);
        for (trust, is_revoked) in [(&renewed, false), (&revoked, true)] {
            for stored_at in [StoredAt::Time(99), StoredAt::Time(100), StoredAt::Here] {
                assert_eq!(before.verify(trust, &CENTER, None, stored_at).unwrap().is_revoked, is_revoked);
            }
            // Written later with an earlier version, and signed later.
            for stored_at in [StoredAt::Time(101), StoredAt::Time(-1), StoredAt::Now] {
                assert_eq!(before.verify(trust, &CENTER, None, stored_at), Err(Refusal::Revoked));
            }
            let after = signed(&old, 101).verify(trust, &CENTER, None, StoredAt::Here);
            assert_eq!(after, Err(Refusal::Revoked));
        }
        let by_new = |trust| signed(&new, 101).verify(trust, &CENTER, None, StoredAt::Now);
        assert!(by_new(&renewed).is_ok());
        assert_eq!(by_new(&revoked), Err(Refusal::UnknownSigner));
        assert_eq!(by_new(&first), Err(Refusal::BadSignature));
    }

    #[test]
    fn only_the_authority_replaces_the_trust_list() {
        let (authority, spv) = (KeyPair::new_user(), KeyPair::new_user());
        let first = trust_for(&spv, &["center", "rules"]);
        let known = first.next(vec![first.signer(&name("spv")).unwrap().clone()], vec![], authority.public_key(), 100);
        let next = known.next(vec![], vec![], authority.public_key(), 200);
        let list = |by: &KeyPair, version, text: String| {
            Envelope::sign(by, Key::Trust, name("authority"), version, text).unwrap()
        };
        let verify = |envelope: &Envelope, trust: &Trust| envelope.verify(trust, &Key::Trust, None, StoredAt::Now);
        let good = list(&authority, 200, next.to_toml());
        assert_eq!(verify(&good, &known).unwrap().content, Content::Trust(Box::new(next.clone())));
        for (wrong, why) in [
            (list(&spv, 200, next.to_toml()), Refusal::BadSignature),
            (Envelope { version: 201, ..good.clone() }, Refusal::BadSignature),
            (list(&authority, 201, next.to_toml()), Refusal::BadPayload),
            (list(&authority, 0, first.to_toml()), Refusal::BadPayload),
            (list(&authority, 200, "x".into()), Refusal::BadPayload),
        ] {
            assert_eq!(verify(&wrong, &known), Err(why), "{wrong:?}");
        }
        assert_eq!(verify(&good, &first), Err(Refusal::UnknownSigner), "a list without an authority accepts none");
        let newer = list(&authority, 201, next.to_toml().replace("version = 200", "version = 201"));
        assert_eq!(good.verify(&known, &Key::Trust, Some(&newer), StoredAt::Now), Err(Refusal::Old));
    }

    #[test]
    fn malformed_bytes_are_refused() {
        assert_eq!(Envelope::parse(&vec![b' '; MAX_ENVELOPE + 1]), Err(Refusal::TooLarge));
        let good = String::from_utf8(signed(&KeyPair::new_user(), 7).to_bytes()).unwrap();
        for bad in ["", "{}", "[]", "null", &good[1..], &good.replace("klb.center", "klb.x"), &good.replace("spv", "S")]
        {
            assert_eq!(Envelope::parse(bad.as_bytes()), Err(Refusal::Malformed), "{bad}");
        }
        assert_eq!(Envelope::parse(good.replace("\"schema\":1", "\"schema\":2").as_bytes()), Err(Refusal::OtherSchema));
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
                prop_assert!(changed == good || changed.verify(&trust_for(&pair, &["center"]), &CENTER, None, StoredAt::Now).is_err());
            }
        }

        #[test]
        fn parsing_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Envelope::parse(&bytes);
        }
    }
}
