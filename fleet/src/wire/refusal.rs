//! Why a message is refused. A refused message changes nothing and is counted by its code.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    TooLarge,
    /// Not JSON of the right shape.
    Malformed,
    /// Of a schema that this program does not know.
    OtherSchema,
    /// Not the key of its subject, or a scope that the seat is not in.
    WrongKey,
    /// The signer is not in the trust list.
    UnknownSigner,
    /// The signer has no grant for this key.
    NotAllowed,
    BadSignature,
    /// Signed with a key that was replaced or taken away before it was stored.
    Revoked,
    /// A newer one is known, or the same version with other content.
    Old,
    /// Signed, but not a declaration, or rules that the check refuses.
    BadPayload,
    /// A call that another seat sent first.
    OtherSeat,
    /// A reason that only a newer program knows: its seats' states must be readable all the same.
    #[serde(other)]
    Other,
}

impl Refusal {
    pub fn code(self) -> &'static str {
        match self {
            Self::TooLarge => "too-large",
            Self::Malformed => "malformed",
            Self::OtherSchema => "other-schema",
            Self::WrongKey => "wrong-key",
            Self::UnknownSigner => "unknown-signer",
            Self::NotAllowed => "not-allowed",
            Self::BadSignature => "bad-signature",
            Self::Revoked => "revoked",
            Self::Old => "old",
            Self::BadPayload => "bad-payload",
            Self::OtherSeat => "other-seat",
            Self::Other => "other",
        }
    }
}

/// Refused messages by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusalCounts(pub BTreeMap<Refusal, u64>);

impl RefusalCounts {
    pub fn add(&mut self, why: Refusal) {
        *self.0.entry(why).or_default() += 1;
    }

    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }
}
