//! Checked rules together with the bytes they come from and where those came from. Bytes in, nothing else: who read
//! them from where is `files`' business.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::OnceLock;

use chrono::NaiveDate;
use sha2::{Digest, Sha256};

use crate::{self as rules, BUILT_IN, Problem, RuleSet};

/// Where the rules in use come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The SOP that is embedded in the program.
    BuiltIn,
    /// A file.
    File(PathBuf),
    /// The copy of the last good rules in the state folder.
    LastGood(PathBuf),
}

/// Checked rules and their source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedRules {
    /// The rules.
    pub rules: RuleSet,
    /// Where they come from.
    pub origin: Origin,
    /// The file, byte for byte.
    pub source: Vec<u8>,
    /// What `check` warns of; there are no errors, or there would be no book.
    pub warnings: Vec<Problem>,
    sha256: OnceLock<String>,
}

/// A source that `check` refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The file, byte for byte.
    pub source: Vec<u8>,
    /// Every problem, in the order of the file.
    pub problems: Vec<Problem>,
}

impl LoadedRules {
    /// Checks a source. `today` is the day against which `effective_from` is held.
    ///
    /// # Errors
    /// The source and all its problems, where one of them is an error.
    pub fn read(source: Vec<u8>, origin: Origin, today: NaiveDate) -> Result<Self, Refused> {
        let report = rules::check(&source, today);
        match report.rules {
            Some(rules) => Ok(Self { rules, origin, source, warnings: report.problems, sha256: OnceLock::new() }),
            None => Err(Refused { source, problems: report.problems }),
        }
    }

    /// Whether its first day has come.
    #[must_use]
    pub fn is_in_force(&self, today: NaiveDate) -> bool {
        self.rules.sop.effective_from.is_none_or(|from| from <= today)
    }

    /// The SOP that is embedded in the program.
    ///
    /// # Panics
    /// Never: a test proves the embedded file, and no build without it.
    #[must_use]
    pub fn built_in() -> Self {
        Self::read(BUILT_IN.into(), Origin::BuiltIn, NaiveDate::MAX).expect("the embedded rules are proved by a test")
    }

    /// The SHA-256 of the source, in hexadecimal; computed once, when it is first asked for.
    pub fn sha256(&self) -> &str {
        self.sha256.get_or_init(|| sha256(&self.source))
    }
}

/// The SHA-256, in hexadecimal.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_rules_hold_without_a_warning() {
        let book = LoadedRules::built_in();
        assert_eq!(book.warnings, []);
        assert_eq!(book.rules.sop.revision, "Rev-1");
    }

    #[test]
    fn the_sum_is_of_the_bytes() {
        let mut book = LoadedRules::built_in();
        book.source = b"abc".to_vec();
        assert_eq!(book.sha256(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn a_refused_source_comes_back_with_its_problems() {
        let refused = LoadedRules::read(b"schema = 2".to_vec(), Origin::BuiltIn, NaiveDate::MIN).unwrap_err();
        assert_eq!(refused.source, b"schema = 2");
        assert_eq!(refused.problems.len(), 1);
    }
}
