//! What a rules file calls its choices of a kind: for whoever reports them in the file's own words.

use super::{Choice, FieldIx, FieldScope, Roles, RuleSet, Scope, TextKind};
use crate::text::bare_word;

impl Choice {
    /// The other words for it, its own text left out.
    pub fn other_words(&self) -> impl Iterator<Item = &str> {
        let own = bare_word(&self.text);
        self.aliases.iter().filter(move |alias| **alias != own).map(String::as_str)
    }
}

impl Scope {
    /// As the file writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Shift { .. } => "shift",
        }
    }

    /// `keep_for` as the file writes it: hours and minutes.
    #[must_use]
    pub fn keep_for(self) -> Option<String> {
        let Self::Shift { keep_for } = self else { return None };
        let minutes = keep_for.as_secs() / 60;
        Some(match (minutes / 60, minutes % 60) {
            (0, minutes) => format!("{minutes}m"),
            (hours, 0) => format!("{hours}h"),
            (hours, minutes) => format!("{hours}h{minutes}m"),
        })
    }
}

impl TextKind {
    /// As the file writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Text => "text",
            Self::Number => "number",
        }
    }
}

impl FieldScope {
    /// As the file writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Shift => "shift",
        }
    }
}

impl RuleSet {
    /// The part that the program gives to a fact, as the file writes it.
    #[must_use]
    pub fn role_of_fact(&self, at: usize) -> Option<&'static str> {
        (self.roles.emergency == Some(at)).then_some("emergency")
    }

    /// The part that the program gives to a field, as the file writes it.
    #[must_use]
    pub fn role_of_field(&self, ix: FieldIx) -> Option<&'static str> {
        let Roles { name, honorific, .. } = self.roles;
        if name == Some(ix) { Some("name") } else { (honorific == Some(ix)).then_some("honorific") }
    }
}
