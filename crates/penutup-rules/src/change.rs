//! How much one revision of the rules differs from another, in counts.

use crate::RuleSet;
use crate::diff::{Counts, diff};

/// How much new rules change.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// How many sentences, situations, minutes and so on.
    pub counts: Counts,
    /// Whether nothing differs that a CSO, a supervisor or QA sees or says.
    pub is_none: bool,
}

impl Change {
    /// Compares two rule sets; `None` where they differ in too many ways to be counted.
    #[must_use]
    pub fn between(from: &RuleSet, to: &RuleSet) -> Option<Self> {
        let diff = diff(from, to).ok()?;
        Some(Self { counts: diff.counts(), is_none: diff.is_empty() })
    }
}
