//! Events from the telephone, as their sources send them: raw pairs, not yet resolved against the rules. There is no
//! field for a number, which the sources drop.

use serde::{Deserialize, Serialize};

use penutup_rules::closing::name::TextError;
use penutup_rules::closing::pairs::PairError;

/// An event from the telephone.
#[derive(Clone, PartialEq, Eq)]
pub enum PhoneEvent {
    /// A call began.
    Start {
        /// The telephone's id of the call, if it has one.
        id: Option<String>,
        /// Its known facts and fields.
        pairs: Pairs,
    },
    /// Who takes the calls: an agent's number. It counts from the next call on, if one is running.
    Agent(String),
    /// Facts or fields of the running call became known.
    Set(Pairs),
    /// A call ended.
    End {
        /// The telephone's id of the call, if it has one.
        id: Option<String>,
    },
}

impl PhoneEvent {
    /// The pairs that came with the event.
    pub fn pairs(&self) -> Option<&Pairs> {
        match self {
            Self::Start { pairs, .. } | Self::Set(pairs) => Some(pairs),
            Self::Agent(_) | Self::End { .. } => None,
        }
    }
}

impl std::fmt::Debug for PhoneEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Start { pairs, .. } => f.debug_struct("Start").field("pairs", pairs).finish_non_exhaustive(),
            Self::Set(pairs) => f.debug_tuple("Set").field(pairs).finish(),
            Self::Agent(_) => f.write_str("Agent"),
            Self::End { .. } => f.write_str("End"),
        }
    }
}

/// The longest key, in bytes.
const MAX_KEY: usize = 40;

/// Whether a word could be the id of a fact or field, so that a message may show it.
pub fn is_key(word: &str) -> bool {
    (1..=MAX_KEY).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Keys and values: facts and fields by id.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Pairs(pub Vec<(String, String)>);

impl std::fmt::Debug for Pairs {
    /// Omits the values: a customer's name may be among them.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(key, _)| key)).finish()
    }
}

/// A pair that was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ignored {
    pub key: String,
    pub why: Why,
}

/// Why a pair was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// The rules have no such fact or field.
    UnknownKey,
    /// The fact or field has no such value.
    UnknownValue,
    /// A name must not be a number.
    Digits,
    /// Not a name: a placeholder for an unknown caller, an address, or an unexpanded variable.
    NoName,
    /// The text is longer than the field takes.
    TooLong,
    /// The key was given twice; the first counts.
    Twice,
    /// Not an agent's number, or not an id of a call.
    Invalid,
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
