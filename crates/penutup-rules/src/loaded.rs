//! Checked rules together with their source bytes and origin. It parses bytes; reading files is the caller's task.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::OnceLock;

use chrono::NaiveDate;
use sha2::{Digest, Sha256};

use crate::{self as rules, BUILT_IN, Problem, RuleSet};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    BuiltIn,
    File(PathBuf),
    /// The copy of the last valid rules in the state folder.
    LastGood(PathBuf),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedRules {
    pub rules: RuleSet,
    pub origin: Origin,
    pub source: Vec<u8>,
    /// There are no errors: with one, `read` fails.
    pub warnings: Vec<Problem>,
    sha256: OnceLock<String>,
}

/// A source with errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub source: Vec<u8>,
    pub problems: Vec<Problem>,
}

impl LoadedRules {
    /// Checks a source. `today` is compared with `effective_from` and `effective_to`.
    ///
    /// # Errors
    /// The source with all its problems, if one of them is an error.
    pub fn read(source: Vec<u8>, origin: Origin, today: NaiveDate) -> Result<Self, Refused> {
        let report = rules::check(&source, today);
        match report.rules {
            Some(rules) => Ok(Self { rules, origin, source, warnings: report.problems, sha256: OnceLock::new() }),
            None => Err(Refused { source, problems: report.problems }),
        }
    }

    pub fn is_in_force(&self, today: NaiveDate) -> bool {
        self.rules.sop.effective_from.is_none_or(|from| from <= today)
    }

    /// # Panics
    /// Never: a test checks the embedded file.
    pub fn built_in() -> Self {
        Self::read(BUILT_IN.into(), Origin::BuiltIn, NaiveDate::MAX).expect("a test checks the embedded rules")
    }

    /// Of the source, in hexadecimal; computed on first use.
    pub fn sha256(&self) -> &str {
        self.sha256.get_or_init(|| sha256(&self.source))
    }
}

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
    fn the_embedded_rules_have_no_warnings() {
        let loaded = LoadedRules::built_in();
        assert_eq!(loaded.warnings, []);
        assert_eq!(loaded.rules.sop.revision, "Rev-1");
    }

    #[test]
    fn the_checksum_is_of_the_source_bytes() {
        let mut loaded = LoadedRules::built_in();
        loaded.source = b"abc".to_vec();
        assert_eq!(loaded.sha256(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn a_refused_source_is_returned_with_its_problems() {
        let refused = LoadedRules::read(b"schema = 2".to_vec(), Origin::BuiltIn, NaiveDate::MIN).unwrap_err();
        assert_eq!(refused.source, b"schema = 2");
        assert_eq!(refused.problems.len(), 1);
    }
}
