//! New rules in a running prompter: whether they apply now or with the next call, the notice about them, and what
//! happens to the shift's facts. Part of `update`.

use std::sync::Arc;

use super::{App, Mode};
use crate::closing::{Closing, PersistedFact};
use crate::diagnostics::change::parts;
use crate::loaded::LoadedRules;
use crate::message::{Comparison, Subject};
use crate::panel::Panel;
use crate::rules::RuleSet;
use crate::rules::change::Change;
use crate::rules::diff::Counts;

/// The shift's facts whose fact or value the rules don't know.
pub(super) fn unknown(rules: &RuleSet, shift_facts: &[PersistedFact]) -> Vec<PersistedFact> {
    let known = Closing::new(rules, 0, shift_facts).persisted_facts(rules);
    shift_facts.iter().filter(|fact| !known.contains(fact)).cloned().collect()
}

impl App {
    /// The shift's facts that are set, also those that the rules don't know: KLB must never switch itself off.
    pub(super) fn shift_facts(&self) -> Vec<PersistedFact> {
        let mut shift_facts = self.calls.current.persisted_facts(self.rules());
        shift_facts.extend(self.calls.unknown.iter().cloned());
        shift_facts
    }

    /// A fact that was set again, or that new rules know again, is not unknown any more.
    pub(super) fn drop_known_facts(&mut self) {
        let known = self.calls.current.persisted_facts(&self.revisions.current().rules);
        self.calls.unknown.retain(|h| !known.iter().any(|k| k.fact == h.fact));
    }

    /// The line about a shift fact that the rules don't know, shown until it is set again.
    pub(super) fn unknown_fact_line(&self) -> Option<String> {
        let unknown = self.calls.unknown.first()?;
        let label =
            self.rules().fact_named(&unknown.fact).map_or(unknown.fact.as_str(), |at| &self.rules().facts[at].label);
        Some(self.words().notice.held_unknown(label, &unknown.value))
    }

    /// Applies new rules now if nothing is ticked in the running call, else with the next call.
    pub(super) fn take_rules(&mut self, loaded: Arc<LoadedRules>, comparison: Option<Comparison>) {
        let Some(loaded) = self.store_until_in_force(loaded) else { return };
        self.troubles.set(Subject::Rules, None);
        if loaded.source == self.revisions.current().source {
            // The rules in use again, maybe from another file: no others wait any more.
            self.revisions.refresh(loaded);
            return;
        }
        let notice = self.rules_notice(&loaded, comparison);
        if self.calls.current.spoken().is_empty() {
            let shift_facts = self.shift_facts();
            let home = loaded.rules.zone_named(&self.environment.home).unwrap_or(0);
            self.calls.current = self.calls.current.migrated(&self.revisions.current().rules, &loaded.rules, home);
            self.calls.current.set_persisted_facts(&loaded.rules, &shift_facts);
            self.calls.unknown = unknown(&loaded.rules, &shift_facts);
            self.calls.previewing = None;
            let old = self.revisions.replace(loaded);
            if let Mode::Typing(draft) = &self.mode {
                self.mode = self.draft_under(draft, &old.rules).map_or(Mode::Closing, Mode::Typing);
            }
        } else {
            self.revisions.set_next(loaded);
        }
        self.notify(notice);
    }

    /// The notice about new rules: whether they apply now or with the next call, and how much changed.
    fn rules_notice(&self, loaded: &LoadedRules, comparison: Option<Comparison>) -> String {
        let words = &self.words().notice;
        let revision = &loaded.rules.sop.revision;
        let now = self.calls.current.spoken().is_empty();
        let known = comparison.filter(|c| c.from.source == self.revisions.current().source).map(|c| c.change);
        let change = known.or_else(|| Change::between(&self.revisions.current().rules, &loaded.rules));
        if change.as_ref().is_some_and(|c| c.is_none) {
            return words.rules_same(revision);
        }
        let mut line = if now { words.rules_taken(revision) } else { words.rules_next_call(revision) };
        if let Some(change) = change {
            // The notice begins with the revision's name, so its change is not counted as another one.
            let renamed = usize::from(loaded.rules.sop.revision != self.revisions.current().rules.sop.revision);
            let counts = Counts { others: change.counts.others.saturating_sub(renamed), ..change.counts };
            let parts = parts(&counts, self.words());
            if !parts.is_empty() {
                line = format!("{line} · {}", parts.join(", "));
            }
        }
        // The panel shows the changes of the rules in use only.
        if now { format!("{line} · {}", self.changes_key()) } else { line }
    }

    /// How to see what changed.
    pub(super) fn changes_key(&self) -> String {
        // Read aloud by a screen reader, a single letter says nothing.
        if self.environment.plain_mode {
            self.words().plain.see_changes.into()
        } else {
            Panel::Basis.row().key.to_uppercase().to_string()
        }
    }
}
