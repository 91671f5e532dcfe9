//! Why something from the network is not heeded. Each is dropped, changes nothing, and is counted by its code.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Why a message is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// Larger than anything that is sent.
    TooLarge,
    /// No object of the right shape.
    Malformed,
    /// Its key is not the one of the subject it came on, or a scope that is not ours.
    WrongKey,
    /// Nobody who is trusted signed it.
    UnknownSigner,
    /// Who signed it may not speak for this scope.
    NotAllowed,
    /// The signature is not of these bytes.
    BadSignature,
    /// A newer one is known, or the same version with another content.
    Old,
    /// What was signed is no declaration, or rules that can't be proved.
    BadPayload,
    /// A call that another seat has sent.
    OtherSeat,
}

impl Refusal {
    /// As it is counted and told.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::TooLarge => "too-large",
            Self::Malformed => "malformed",
            Self::WrongKey => "wrong-key",
            Self::UnknownSigner => "unknown-signer",
            Self::NotAllowed => "not-allowed",
            Self::BadSignature => "bad-signature",
            Self::Old => "old",
            Self::BadPayload => "bad-payload",
            Self::OtherSeat => "other-seat",
        }
    }
}

/// How many were refused, by why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused(pub BTreeMap<Refusal, u64>);

impl Refused {
    /// Counts one.
    pub fn count(&mut self, why: Refusal) {
        *self.0.entry(why).or_default() += 1;
    }

    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }
}
