//! A signed broadcast: what lies under a key of `KV_BROADCAST`. It carries its own key, a rising version and the signature
//! of a listed supervisor, so that whoever can write to the subject (or answer in the server's place) still can't make
//! a seat say anything.

use data_encoding::BASE64URL_NOPAD;
use nkeys::KeyPair;
use penutup::broadcast::Broadcast;
use serde::{Deserialize, Serialize};

use super::key::Key;
use super::name::Name;
use super::refusal::Refusal;
use super::trust::{Signer, Trust};

/// The largest envelope, in bytes: below the server's limit of a message (1 MiB) with its headers.
pub const MAX_ENVELOPE: usize = 900 * 1024;

/// A broadcast as it travels; nothing in it is believed before [`Envelope::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// What it is about.
    pub key: Key,
    /// Who says they signed it.
    pub by: Name,
    /// It rises with each broadcast of a key.
    pub version: u64,
    /// A declaration's TOML, or a rules file.
    pub payload: String,
    signature: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Shape {
    schema: u32,
    key: String,
    by: Name,
    version: u64,
    payload: String,
    sig: String,
}

/// What a seat knows under a key already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// Newer than what is known.
    New,
    /// What is known, once more.
    Known,
}

/// A broadcast whose signature holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Whether it is news.
    pub age: Age,
    /// Who signed it, by the name that the seat's own list gives them.
    pub by: String,
    /// What it says.
    pub content: Content,
}

/// What a broadcast says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// KLB on or off. Its `by` is the trusted name, whatever was written there.
    Klb(Broadcast),
    /// A rules file's text; whether it can be proved is for [`penutup::book::Book::read`] to say.
    Rules(String),
}

fn signed_bytes(key: &Key, by: &Name, version: u64, payload: &str) -> Vec<u8> {
    format!("penutup broadcast 1\n{key}\n{by}\n{version}\n{payload}").into_bytes()
}

impl Envelope {
    /// Signs a broadcast.
    ///
    /// # Errors
    /// Where the key pair has no seed.
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

    /// As it travels.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let shape = Shape {
            schema: super::SCHEMA,
            key: self.key.to_string(),
            by: self.by.clone(),
            version: self.version,
            payload: self.payload.clone(),
            sig: BASE64URL_NOPAD.encode(&self.signature),
        };
        // This type always can be written; nothing would be refused as malformed.
        serde_json::to_vec(&shape).unwrap_or_default()
    }

    /// From bytes; what it says is not yet to be believed.
    ///
    /// # Errors
    /// [`Refusal::TooLarge`] and [`Refusal::Malformed`].
    pub fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        if bytes.len() > MAX_ENVELOPE {
            return Err(Refusal::TooLarge);
        }
        let shape: Shape = serde_json::from_slice(bytes).map_err(|_| Refusal::Malformed)?;
        if shape.schema != super::SCHEMA {
            return Err(Refusal::Malformed);
        }
        Ok(Self {
            key: shape.key.parse().map_err(|_| Refusal::Malformed)?,
            by: shape.by,
            version: shape.version,
            payload: shape.payload,
            signature: BASE64URL_NOPAD.decode(shape.sig.as_bytes()).map_err(|_| Refusal::Malformed)?,
        })
    }

    /// Verifies it. `came_on` is the key of the subject that it came on, `known` what is known under that key.
    ///
    /// # Errors
    /// Why it is refused; in the order of what costs least to find out.
    pub fn verify(&self, trust: &Trust, came_on: &Key, known: Option<&Self>) -> Result<Verified, Refusal> {
        if self.key != *came_on {
            return Err(Refusal::WrongKey);
        }
        let age = match known {
            Some(known) if known == self => Age::Known,
            Some(known) if known.version >= self.version => return Err(Refusal::Old),
            _ => Age::New,
        };
        let signer = self.signer(trust)?;
        Ok(Verified { age, by: signer.name.clone(), content: self.content(&signer.name)? })
    }

    /// Who signed it.
    fn signer<'t>(&self, trust: &'t Trust) -> Result<&'t Signer, Refusal> {
        let signer = trust.signer(&self.by).ok_or(Refusal::UnknownSigner)?;
        if !signer.may(&self.key) {
            return Err(Refusal::NotAllowed);
        }
        let bytes = signed_bytes(&self.key, &self.by, self.version, &self.payload);
        if signer.signed(&bytes, &self.signature) { Ok(signer) } else { Err(Refusal::BadSignature) }
    }

    fn content(&self, by: &str) -> Result<Content, Refusal> {
        match self.key {
            Key::Rules => Ok(Content::Rules(self.payload.clone())),
            Key::Klb(_) => {
                let read = Broadcast::read(self.payload.as_bytes()).map_err(|_| Refusal::BadPayload)?;
                if read.version != self.version || read.fact != penutup::broadcast::KLB {
                    return Err(Refusal::BadPayload);
                }
                Ok(Content::Klb(Broadcast { by: Some(by.to_owned()), ..read }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use penutup::broadcast::{KLB, State};
    use proptest::prelude::*;

    use super::*;
    use crate::wire::key::Scope;
    use crate::wire::testing::name;
    use crate::wire::trust::Grant;

    fn klb(version: u64) -> String {
        let broadcast = Broadcast {
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

    fn trusted(pair: &KeyPair, grants: &[&str]) -> Trust {
        let grants: Vec<Grant> = grants.iter().map(|g| g.parse().unwrap()).collect();
        Trust::of(vec![Signer { id: name("spv"), name: "SPV Jakarta".into(), key: pair.public_key(), grants }])
    }

    const CENTER: Key = Key::Klb(Scope::Center);

    fn signed(pair: &KeyPair, version: u64) -> Envelope {
        Envelope::sign(pair, CENTER, name("spv"), version, klb(version)).unwrap()
    }

    #[test]
    fn a_signed_broadcast_comes_through_under_the_trusted_name() {
        let pair = KeyPair::new_user();
        let trust = trusted(&pair, &["center"]);
        let first = Envelope::read(&signed(&pair, 7).to_bytes()).unwrap();
        let verified = first.verify(&trust, &CENTER, None).unwrap();
        let Content::Klb(broadcast) = &verified.content else { panic!("{verified:?}") };
        assert_eq!((broadcast.by.as_deref(), verified.age), (Some("SPV Jakarta"), Age::New));
        assert_eq!(first.verify(&trust, &CENTER, Some(&first)).unwrap().age, Age::Known);
        assert_eq!(signed(&pair, 8).verify(&trust, &CENTER, Some(&first)).unwrap().age, Age::New);
    }

    #[test]
    fn everything_else_is_refused() {
        let (pair, other) = (KeyPair::new_user(), KeyPair::new_user());
        let trust = trusted(&pair, &["center"]);
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
    fn bytes_that_are_none_are_refused() {
        assert_eq!(Envelope::read(&vec![b' '; MAX_ENVELOPE + 1]), Err(Refusal::TooLarge));
        let good = String::from_utf8(signed(&KeyPair::new_user(), 7).to_bytes()).unwrap();
        for bad in ["", "{}", "[]", "null", &good[1..], &good.replace("klb.center", "klb.x"), &good.replace("spv", "S")]
        {
            assert_eq!(Envelope::read(bad.as_bytes()), Err(Refusal::Malformed), "{bad}");
        }
        assert_eq!(Envelope::read(good.replace("\"schema\":1", "\"schema\":2").as_bytes()), Err(Refusal::Malformed));
    }

    proptest! {
        #[test]
        fn no_changed_byte_comes_through(at in any::<prop::sample::Index>(), bit in 0..8_u8) {
            let pair = KeyPair::new_from_raw(nkeys::KeyPairType::User, [7; 32]).unwrap();
            let good = signed(&pair, 7);
            let mut bytes = good.to_bytes();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            if let Ok(read) = Envelope::read(&bytes) {
                // A change that leaves the meaning (a digit's case in an escape, say) leaves the same envelope.
                prop_assert!(read == good || read.verify(&trusted(&pair, &["center"]), &CENTER, None).is_err());
            }
        }

        #[test]
        fn no_bytes_break_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Envelope::read(&bytes);
        }
    }
}
