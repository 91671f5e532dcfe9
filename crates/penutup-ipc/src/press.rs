//! Key presses from outside the prompter's window, and what came of them. The prompter knows the names of actions,
//! facts and choices; here they are words with limits.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The most presses in one command.
pub const MAX_PRESSES: usize = 16;
/// The longest press, in bytes.
pub const MAX_PRESS: usize = 128;

/// Presses in their order: all of them happen or none. Without any, nothing is pressed and only the reply is wanted.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Presses(Vec<String>);

impl Presses {
    /// `None` if there are too many, or one is too long.
    #[must_use]
    pub fn new(words: Vec<String>) -> Option<Self> {
        let fits = words.len() <= MAX_PRESSES && words.iter().all(|word| word.len() <= MAX_PRESS);
        fits.then_some(Self(words))
    }

    pub fn words(&self) -> &[String] {
        &self.0
    }

    /// From the list of a command. The error says whether it is no list of words, or one beyond the limits.
    pub(crate) fn from_json(list: &Value) -> Result<Self, crate::message::Rejection> {
        use crate::message::Rejection;

        let words = list.as_array().ok_or(Rejection::Garbled)?.iter();
        let words: Option<Vec<String>> = words.map(|word| word.as_str().map(str::to_owned)).collect();
        Self::new(words.ok_or(Rejection::Garbled)?).ok_or(Rejection::TooLong)
    }

    pub(crate) fn to_json(&self) -> Value {
        self.0.clone().into()
    }
}

impl std::fmt::Debug for Presses {
    /// Omits the words: somebody may have written a name among them.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Presses").field(&self.0.len()).finish()
    }
}

/// What a press did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Did {
    /// What its key does.
    Done,
    /// It ticked the current sentence, or all that remained.
    Ticked,
    /// All sentences were ticked already: it began the next call.
    NextCall,
    /// It only closed the panel or the preview that covered the sentence.
    Closed,
    /// There was nothing to undo, or nothing left to tick.
    Nothing,
}

/// Why a press was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PressRefusal {
    /// No action, fact or choice field has this name.
    UnknownName,
    /// The fact or field has no such value.
    UnknownValue,
    /// The field is typed.
    Typed,
    /// A field is being typed.
    Field,
    /// A question is open.
    Question,
    /// The question that it answers is not open.
    NoQuestion,
    /// A panel is open, or another step is shown.
    Covered,
    /// The call is not complete.
    Incomplete,
    /// The window has no room for the sentence.
    Unseen,
    /// Something from outside has just changed the sentence.
    Changed,
    /// Too soon after the press before.
    TooSoon,
}

impl PressRefusal {
    /// Whether the words themselves are wrong, whatever the prompter shows.
    #[must_use]
    pub fn is_of_the_word(self) -> bool {
        matches!(self, Self::UnknownName | Self::UnknownValue | Self::Typed)
    }
}

/// A refused press. Nothing of its command happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Its position in the command.
    pub at: usize,
    pub why: PressRefusal,
    /// The names or values that would do, if the word is unknown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub valid: Vec<String>,
}

/// What came of the presses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PressReply {
    /// What each did; empty if one was refused.
    #[serde(default)]
    pub did: Vec<Did>,
    #[serde(default)]
    pub refused: Option<Refused>,
    /// What the screen asks to say now, in one line.
    #[serde(default)]
    pub say: Option<String>,
}

impl PressReply {
    /// Whether it did something, or was refused for another reason than that it came too soon, as the repeats of a held
    /// key do.
    #[must_use]
    pub fn is_news(&self) -> bool {
        !self.did.is_empty() || self.refused.as_ref().is_some_and(|refused| refused.why != PressRefusal::TooSoon)
    }
}
