//! Every word a user reads, in Indonesian and English: made from `assets/locale/*.toml` when the program is built, so
//! that both languages have the same keys and placeholders or nothing is built at all.

use std::fmt::Write as _;

#[expect(clippy::doc_markdown, reason = "the words of the catalogue stand in it as its documentation")]
#[expect(clippy::struct_field_names, reason = "the fields are the keys of the catalogue")]
mod catalogue {
    use super::fill;

    include!(concat!(env!("OUT_DIR"), "/words.rs"));
}

pub use catalogue::*;

use crate::closing::ending::{Ending as CallEnding, Outcome};

/// A language of the screen and the messages. What is *said* is the rules file's, and stays Indonesian.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    /// Indonesian, the default.
    #[default]
    Id,
    /// English.
    En,
}

impl Lang {
    /// From its code, "id" or "en".
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        match code {
            "id" => Some(Self::Id),
            "en" => Some(Self::En),
            _ => None,
        }
    }

    /// Its code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::En => "en",
        }
    }

    /// Its words.
    #[must_use]
    pub fn words(self) -> &'static Words {
        match self {
            Self::Id => &ID,
            Self::En => &EN,
        }
    }
}

impl Words {
    /// The label of an outcome.
    #[must_use]
    pub fn outcome(&self, outcome: Outcome) -> &'static str {
        match outcome {
            Outcome::Ended(CallEnding::Complete) => self.ending.complete,
            Outcome::Ended(CallEnding::CustomerLeft) => self.ending.customer_left,
            Outcome::Ended(CallEnding::Transferred) => self.ending.transferred,
            Outcome::Ended(CallEnding::Silent) => self.ending.silent,
            Outcome::Ended(CallEnding::Dropped) => self.ending.dropped,
            Outcome::Ended(CallEnding::Omitted) => self.ending.omitted,
            Outcome::Left => self.ending.left,
            Outcome::NextCall => self.report.next_call,
            Outcome::ProgramClosed => self.report.program_closed,
        }
    }
}

/// A sentence with its `{placeholders}` filled in; what is filled in is not searched for placeholders. The methods of
/// the catalogue call it, here and in the fleet package.
#[must_use]
pub fn fill(sentence: &str, with: &[(&str, &dyn std::fmt::Display)]) -> String {
    let mut out = String::with_capacity(sentence.len() + 32);
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        if let Some((_, value)) = with.iter().find(|(key, _)| *key == name) {
            let _ = write!(out, "{value}");
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_once() {
        assert_eq!(fill("{a} dan {b}.", &[("a", &"{b}"), ("b", &2)]), "{b} dan 2.");
    }
}
