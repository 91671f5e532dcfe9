//! New rules in a running prompter: whether they hold now or with the next call, what is told of them, and what becomes
//! of the shift's facts. Part of `update`.

use std::sync::Arc;

use super::{App, Mode};
use crate::book::Book;
use crate::closing::{Closing, Held};
use crate::diagnostics::change::parts;
use crate::message::{Comparison, Subject};
use crate::panel::Panel;
use crate::rules::RuleSet;
use crate::rules::change::Change;
use crate::rules::diff::Counts;

/// Those of the shift's facts that the rules don't know, by fact or by value.
pub(super) fn unknown(rules: &RuleSet, held: &[Held]) -> Vec<Held> {
    let known = Closing::new(rules, 0, held).held(rules);
    held.iter().filter(|h| !known.contains(h)).cloned().collect()
}

impl App {
    /// The shift's facts that are set, also those that the present rules don't know: KLB never switches itself off.
    pub(super) fn held(&self) -> Vec<Held> {
        let mut held = self.calls.current.held(self.rules());
        held.extend(self.calls.unknown.iter().cloned());
        held
    }

    /// A fact that was set anew, or that new rules know again, is unknown no longer.
    pub(super) fn forget_what_is_known(&mut self) {
        let known = self.calls.current.held(&self.revisions.current().rules);
        self.calls.unknown.retain(|h| !known.iter().any(|k| k.fact == h.fact));
    }

    /// Which of the shift's facts the rules don't know, in one line that stands until it is set anew.
    pub(super) fn unknown_told(&self) -> Option<String> {
        let held = self.calls.unknown.first()?;
        let label = self.rules().fact_named(&held.fact).map_or(held.fact.as_str(), |at| &self.rules().facts[at].label);
        Some(self.words().notice.held_unknown(label, &held.value))
    }

    /// New rules hold now where nothing was said in the present call, else with the next.
    pub(super) fn take_rules(&mut self, book: Arc<Book>, comparison: Option<Comparison>) {
        let Some(book) = self.keep_waiting(book) else { return };
        self.troubles.set(Subject::Rules, None);
        if book.source == self.revisions.current().source {
            // Back to what is in use: nothing waits any longer. It may come from elsewhere now.
            self.revisions.refresh(book);
            return;
        }
        let notice = self.of_change(&book, comparison);
        if self.calls.current.said().is_empty() {
            let held = self.held();
            let home = book.rules.zone_named(&self.environment.home).unwrap_or(0);
            self.calls.current = self.calls.current.under(&self.revisions.current().rules, &book.rules, home);
            self.calls.current.adopt(&book.rules, &held);
            self.calls.unknown = unknown(&book.rules, &held);
            self.calls.previewing = None;
            let old = self.revisions.replace(book);
            if let Mode::Typing(draft) = &self.mode {
                self.mode = self.draft_under(draft, &old.rules).map_or(Mode::Closing, Mode::Typing);
            }
        } else {
            self.revisions.set_next(book);
        }
        self.tell(notice);
    }

    /// What is told of new rules: whether they hold now or with the next call, and how much is said differently.
    fn of_change(&self, book: &Book, comparison: Option<Comparison>) -> String {
        let words = &self.words().notice;
        let revision = &book.rules.sop.revision;
        let now = self.calls.current.said().is_empty();
        let known = comparison.filter(|c| c.from.source == self.revisions.current().source).map(|c| c.change);
        let change = known.or_else(|| Change::between(&self.revisions.current().rules, &book.rules));
        if change.as_ref().is_some_and(|c| c.is_none) {
            return words.rules_same(revision);
        }
        let mut told = if now { words.rules_taken(revision) } else { words.rules_next_call(revision) };
        if let Some(change) = change {
            // The revision's own name stands in front already.
            let own = usize::from(book.rules.sop.revision != self.revisions.current().rules.sop.revision);
            let counts = Counts { others: change.counts.others.saturating_sub(own), ..change.counts };
            let parts = parts(&counts, self.words());
            if !parts.is_empty() {
                told = format!("{told} · {}", parts.join(", "));
            }
        }
        // What the panel shows is what changed up to now.
        match (now, self.environment.plain_mode) {
            (false, _) => told,
            (true, false) => format!("{told} · {}", Panel::Basis.row().key.to_uppercase()),
            // A letter alone says nothing to whoever only hears it.
            (true, true) => format!("{told} · {}", self.words().plain.see_changes),
        }
    }
}
