//! How much two revisions of the rules differ, in counts.

use crate::RuleSet;
use crate::diff::{Counts, diff};

#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub counts: Counts,
    /// Whether nothing differs that a CSO, a supervisor or QA sees or says; see [`crate::diff::Diff::is_empty`].
    pub is_none: bool,
}

impl Change {
    /// `None` if the rules differ in too many ways to be counted.
    pub fn between(from: &RuleSet, to: &RuleSet) -> Option<Self> {
        let diff = diff(from, to).ok()?;
        Some(Self { counts: diff.counts(), is_none: diff.is_empty() })
    }
}
