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
        effects.extend(record.map(|record| Effect::Journal(Arc::new(record))));
        effects.push(Effect::Quit);
    }

    /// The outcome of a call that the CSO does not end: `Complete` if every sentence is ticked, else `unsaid`.
    pub(super) fn outcome_or(&self, unsaid: Outcome) -> Outcome {
        if self.is_complete() { Outcome::Ended(Ending::Complete) } else { unsaid }
    }

    /// Ends the call with the CSO's answer and begins the next.
    pub(super) fn close(&mut self, ending: Ending, effects: &mut Vec<Effect>) {
        let ended = self.next_call(Outcome::Ended(ending), effects);
        let text = self.ended_text(Outcome::Ended(ending), self.environment.undo_key());
        let text = self.after_new_rules(&ended, text);
        self.calls.ended = Some(Box::new(ended));
        self.troubles.notify_of_the_end(text);
    }

    /// Ends a finished call because the CSO sets a value, which is for the next call. Undoing that value returns here.
    pub(super) fn end_for_next_value(&mut self, effects: &mut Vec<Effect>) {
        let ended = self.next_call(Outcome::Ended(Ending::Complete), effects);
        let text = self.after_new_rules(&ended, self.words().notice.next_began(self.environment.undo_key()));
        self.calls.ended = Some(Box::new(Ended { by_value: true, ..ended }));
        self.troubles.notify_of_the_end(text);
    }

    /// How a call ended, and what returns to it.
    pub(super) fn ended_text(&self, how: Outcome, undo: &str) -> String {
        let notice = &self.words().notice;
        match how {
            Outcome::Ended(Ending::Complete) => notice.ended_complete(undo),
            other => notice.ended(self.words().outcome(other), undo),
        }
    }

    /// The notice of the end of the last call, with as many undos as return to it now; `None` if nothing of it was recorded.
    pub(super) fn ended_notice(&self) -> Option<String> {
        let ended = self.calls.ended.as_ref()?;
        let (_, how) = ended.record.as_ref()?.end?;
        let undo = self.undos_to_return(self.environment.undo_key());
        let text = if ended.by_value { self.words().notice.next_began(&undo) } else { self.ended_text(how, &undo) };
        Some(self.after_new_rules(ended, text))
    }

    /// The notice of a call's end. If the next call began with other rules, they come first: a narrow screen cuts the
    /// line's end, and the footer has the undo key too.
    pub(super) fn after_new_rules(&self, ended: &Ended, text: String) -> String {
        if ended.loaded.source == self.revisions.current().source {
            return text;
        }
        let began = self.words().notice.revision_began(self.changes_key(), &self.rules().sop.revision);
        format!("{began} · {text}")
    }

    /// Whether an undo returns to the call before: the only change here is the value that began this call.
    pub(super) fn undo_returns(&self) -> bool {
        self.calls.ended.as_ref().is_some_and(|ended| ended.by_value) && self.calls.current.undo_depth() == 1
    }

    /// This key or word as often as it has to undo something to return to the call that ended.
    pub(super) fn undos_to_return(&self, undo: &str) -> String {
        let depth = self.calls.current.undo_depth();
        let by_value = self.calls.ended.as_ref().is_some_and(|ended| ended.by_value);
        vec![undo; if by_value { depth.max(1) } else { depth + 1 }].join(" ")
    }

    /// Journals the call's end and begins the next. Returns the ended call.
    pub(super) fn next_call(&mut self, how: Outcome, effects: &mut Vec<Effect>) -> Ended {
        let now = self.environment.now;
        let shift_facts = self.shift_facts();
        let record = self.ended_record(now, how).map(Arc::new);
        effects.extend(record.clone().map(Effect::Journal));
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
