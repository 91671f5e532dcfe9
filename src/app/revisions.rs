//! The revisions of the rules: the ones in use, before and after.

use std::sync::Arc;

use chrono::NaiveDate;

use crate::loaded::LoadedRules;

/// The rules in use and the others that matter.
#[derive(Clone, Debug)]
pub(super) struct Revisions {
    current: Arc<LoadedRules>,
    /// Rules that the next call begins with.
    next: Option<Arc<LoadedRules>>,
    /// Rules whose first day is in the future.
    waiting: Option<Arc<LoadedRules>>,
    /// In use before the current ones.
    previous: Option<Arc<LoadedRules>>,
}

impl Revisions {
    pub(super) fn new(current: Arc<LoadedRules>) -> Self {
        Self { current, next: None, waiting: None, previous: None }
    }

    pub(super) fn current(&self) -> &Arc<LoadedRules> {
        &self.current
    }

    pub(super) fn previous(&self) -> Option<&Arc<LoadedRules>> {
        self.previous.as_ref()
    }

    pub(super) fn set_previous(&mut self, previous: Option<Arc<LoadedRules>>) {
        self.previous = previous;
    }

    pub(super) fn waiting(&self) -> Option<&Arc<LoadedRules>> {
        self.waiting.as_ref()
    }

    /// Sets rules that are not in force yet. They replace those for the next call.
    pub(super) fn set_waiting(&mut self, waiting: Option<Arc<LoadedRules>>) {
        if waiting.is_some() {
            self.next = None;
        }
        self.waiting = waiting;
    }

    /// Takes the waiting rules if they are in force now.
    pub(super) fn take_due(&mut self, today: NaiveDate) -> Option<Arc<LoadedRules>> {
        self.waiting.take_if(|loaded| loaded.is_in_force(today))
    }

    pub(super) fn set_next(&mut self, next: Arc<LoadedRules>) {
        self.next = Some(next);
    }

    /// The same rules again, maybe from another file; drops those for the next call.
    pub(super) fn refresh(&mut self, same: Arc<LoadedRules>) {
        self.current = same;
        self.next = None;
    }

    /// Puts other rules into use. Returns those before.
    pub(super) fn replace(&mut self, loaded: Arc<LoadedRules>) -> Arc<LoadedRules> {
        let old = std::mem::replace(&mut self.current, loaded);
        self.previous = Some(Arc::clone(&old));
        self.next = None;
        old
    }

    /// Begins a call with the rules for the next call, if there are any.
    pub(super) fn begin_call(&mut self) {
        if let Some(next) = self.next.take() {
            self.replace(next);
        }
    }

    /// Returns to a call under its own rules; the newer ones are for the next call again.
    pub(super) fn return_to(&mut self, loaded: Arc<LoadedRules>, previous: Option<Arc<LoadedRules>>) {
        if self.current.source != loaded.source {
            self.next = Some(std::mem::replace(&mut self.current, loaded));
            self.previous = previous;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loaded::Origin;
    use crate::rules::BUILT_IN;

    fn revision(name: &str) -> Arc<LoadedRules> {
        let source = BUILT_IN.replace("\"Rev-1\"", &format!("\"{name}\"")).into_bytes();
        Arc::new(LoadedRules::read(source, Origin::BuiltIn, NaiveDate::MAX).unwrap())
    }

    fn name(loaded: Option<&Arc<LoadedRules>>) -> &str {
        loaded.map_or("", |loaded| &loaded.rules.sop.revision)
    }

    #[test]
    fn the_next_call_begins_with_new_rules_and_returning_from_it_restores_the_old_ones() {
        let mut revisions = Revisions::new(revision("Rev-1"));
        revisions.set_next(revision("Rev-2"));
        let (ended, before) = (Arc::clone(revisions.current()), revisions.previous().cloned());
        revisions.begin_call();
        assert_eq!((name(Some(revisions.current())), name(revisions.previous())), ("Rev-2", "Rev-1"));
        revisions.return_to(ended, before);
        assert_eq!((name(Some(revisions.current())), name(revisions.previous())), ("Rev-1", ""));
        assert!(revisions.next.is_some());
        revisions.set_waiting(Some(revision("Rev-3")));
        assert!(revisions.next.is_none(), "rules not yet in force replace the rules for the next call");
    }
}
