//! Values as the rules file writes them, for reports in the file's own terms.

use super::{Choice, FieldIx, FieldScope, Roles, RuleSet, Scope, Sop, TextKind};
use crate::text::bare_word;

impl Choice {
    /// Its aliases without its own text.
    pub fn other_words(&self) -> impl Iterator<Item = &str> {
        let own = bare_word(&self.text);
        self.aliases.iter().filter(move |alias| **alias != own).map(String::as_str)
    }
}

impl Sop {
    /// `FCR: Tidak FCR · …`; `None` if there are none.
    pub fn lost_score_text(&self) -> Option<String> {
        let named: Vec<String> = self.lost_score.iter().map(|(name, text)| format!("{name}: {text}")).collect();
        (!named.is_empty()).then(|| named.join(" · "))
    }
}

impl Scope {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Shift { .. } => "shift",
        }
    }

    /// For example `1h30m`.
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
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Text => "text",
            Self::Number => "number",
        }
    }
}

impl FieldScope {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Shift => "shift",
        }
    }
}

impl RuleSet {
    pub fn role_of_fact(&self, at: usize) -> Option<&'static str> {
        (self.roles.emergency == Some(at)).then_some("emergency")
    }

    pub fn role_of_field(&self, ix: FieldIx) -> Option<&'static str> {
        let Roles { name, honorific, .. } = self.roles;
        if name == Some(ix) { Some("name") } else { (honorific == Some(ix)).then_some("honorific") }
    }
}
