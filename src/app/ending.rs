//! Ends a call and begins the next, and returns to an ended call. Part of `update`.

use std::sync::Arc;

use super::calls::Ended;
use super::new_rules::unknown;
use super::{App, Effect, Mode};
use crate::closing::ending::Ending;
use crate::closing::ending::Outcome;

impl App {
    pub(super) fn end(&mut self, effects: &mut Vec<Effect>) {
        self.calls.previewing = None;
        if !self.is_complete() {
            // Also if nothing is ticked: a customer may hang up before the closing.
            self.mode = Mode::EndPrompt;
        } else if self.calls.current.started_at().is_some() {
            self.close(Ending::Complete, effects);
        } else {
            self.notify(self.words().notice.untouched);
        }
    }

    /// Quits, but asks first during a call.
    pub(super) fn leave(&mut self, effects: &mut Vec<Effect>) {
        if self.calls.current.started_at().is_some() && !self.is_complete() && self.mode != Mode::LeavePrompt {
            self.calls.previewing = None;
            self.mode = Mode::LeavePrompt;
        } else {
            self.quit(effects);
        }
    }

    /// Quits; a begun call is journalled as it is.
    pub(super) fn quit(&mut self, effects: &mut Vec<Effect>) {
        let record = self.record(Some((self.environment.now, self.outcome_or(Outcome::Left))));
        effects.extend(record.map(|r| Effect::Journal(Box::new(r))));
        effects.push(Effect::Quit);
    }

    /// The outcome of a call that the CSO does not end: `Complete` if every sentence is ticked, else `unsaid`.
    pub(super) fn outcome_or(&self, unsaid: Outcome) -> Outcome {
        if self.is_complete() { Outcome::Ended(Ending::Complete) } else { unsaid }
    }

    /// Ends the call with the CSO's answer and begins the next.
    pub(super) fn close(&mut self, ending: Ending, effects: &mut Vec<Effect>) {
        let pending = self.revisions.has_next();
        let ended = self.next_call(Outcome::Ended(ending), effects);
        self.calls.ended = Some(ended);
        let notice = &self.words().notice;
        let text = match ending {
            Ending::Complete => notice.ended_complete(self.environment.undo_key()),
            other => notice.ended(self.words().outcome(Outcome::Ended(other)), self.environment.undo_key()),
        };
        let text =
            if pending { format!("{text} · {}", notice.revision_changed(&self.rules().sop.revision)) } else { text };
        self.troubles.notify_of_the_end(text);
    }

    /// Ends a finished call because the CSO sets a value, which is for the next call. Undoing that value returns here.
    pub(super) fn end_for_next_value(&mut self, effects: &mut Vec<Effect>) {
        let ended = self.next_call(Outcome::Ended(Ending::Complete), effects);
        self.calls.ended = Some(Ended { by_value: true, ..ended });
        let text = self.words().notice.next_began(self.environment.undo_key());
        self.troubles.notify_of_the_end(text);
    }

    /// Whether an undo returns to the call before: the only change here is the value that began this call.
    pub(super) fn undo_returns(&self) -> bool {
        self.calls.ended.as_ref().is_some_and(|ended| ended.by_value) && self.calls.current.undo_depth() == 1
    }

    /// Journals the call's end and begins the next. Returns the ended call.
    pub(super) fn next_call(&mut self, how: Outcome, effects: &mut Vec<Effect>) -> Ended {
        let now = self.environment.now;
        let shift_facts = self.shift_facts();
        let record = self.ended_record(now, how);
        effects.extend(record.clone().map(|r| Effect::Journal(Box::new(r))));
        let old = Arc::clone(self.revisions.current());
        let previous_rules = self.revisions.previous().cloned();
        self.revisions.begin_call();
        self.calls.unknown = unknown(self.rules(), &shift_facts);
        let next = self.calls.current.next(self.rules(), self.home(), &shift_facts);
        let number = self.calls.number;
        let call = self.calls.begin(next);
        let ended = Ended { number, call, loaded: old, previous_rules, at: now, record, by_value: false };
        self.show_closing();
        effects.push(Effect::CheckRules);
        ended
    }

    /// Returns to an ended call and discards the running one.
    pub(super) fn resume(&mut self, ended: Ended, effects: &mut Vec<Effect>) {
        if self.calls.journalled.take().is_some() {
            effects.push(Effect::Unjournal(self.calls.number));
        }
        let shift_facts = self.shift_facts();
        self.revisions.return_to(ended.loaded, ended.previous_rules);
        self.calls.return_to(ended.number, ended.call, ended.record);
        let loaded = Arc::clone(self.revisions.current());
        self.calls.current.set_persisted_facts(&loaded.rules, &shift_facts);
        self.calls.unknown = unknown(&loaded.rules, &shift_facts);
        self.notify(self.words().notice.resumed);
    }
}
