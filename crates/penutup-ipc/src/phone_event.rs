//! What the telephone brings, as its sources hand it over: raw pairs, not yet held against the rules. No place here for
//! a number: it is dropped before this.

use serde::{Deserialize, Serialize};

use penutup_rules::closing::name::TextError;
use penutup_rules::closing::pairs::PairError;

/// What the telephone tells.
#[derive(Clone, PartialEq, Eq)]
pub enum PhoneEvent {
    /// A call began.
    Start {
        /// What the telephone calls it, where it tells calls apart.
        id: Option<String>,
        /// What is known of it.
        pairs: Pairs,
    },
    /// Something became known of the running call.
    Set(Pairs),
    /// A call ended.
    End {
        /// Which, where the telephone tells calls apart.
        id: Option<String>,
    },
}

impl PhoneEvent {
    /// What became known with it.
    #[must_use]
    pub fn pairs(&self) -> Option<&Pairs> {
        match self {
            Self::Start { pairs, .. } | Self::Set(pairs) => Some(pairs),
            Self::End { .. } => None,
        }
    }
}

impl std::fmt::Debug for PhoneEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Start { pairs, .. } => f.debug_struct("Start").field("pairs", pairs).finish_non_exhaustive(),
            Self::Set(pairs) => f.debug_tuple("Set").field(pairs).finish(),
            Self::End { .. } => f.write_str("End"),
        }
    }
}

/// Keys and values: facts and fields by id.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Pairs(pub Vec<(String, String)>);

impl std::fmt::Debug for Pairs {
    /// Says nothing of the values: a customer's name may be one.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(key, _)| key)).finish()
    }
}

/// A pair that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ignored {
    /// Its key.
    pub key: String,
    /// Why.
    pub why: Why,
}

/// Why a pair was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// The rules have no such fact or field.
    UnknownKey,
    /// The fact or field has no such value.
    UnknownValue,
    /// A number is no name.
    Digits,
    /// What is written where nobody is known, an address, or a variable that nobody filled.
    NoName,
    /// The text is longer than the field takes.
    TooLong,
    /// The key was given twice; the first counts.
    Twice,
}

impl From<PairError> for Why {
    fn from(why: PairError) -> Self {
        match why {
            PairError::UnknownKey => Self::UnknownKey,
            PairError::UnknownValue | PairError::Text(TextError::Empty | TextError::NotANumber) => Self::UnknownValue,
            PairError::Text(TextError::NoPerson) => Self::NoName,
            PairError::Text(TextError::Digits) => Self::Digits,
            PairError::Text(TextError::TooLong { .. }) => Self::TooLong,
            PairError::Twice => Self::Twice,
        }
    }
}
