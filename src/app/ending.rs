//! How a call ends and the next begins, and the way back to it. Part of `update`.

use std::sync::Arc;

use super::calls::Ended;
use super::revision::unknown;
use super::{App, Effect, Mode};
use crate::closing::ending::Ending;
use crate::closing::ending::Outcome;

impl App {
    pub(super) fn end(&mut self, effects: &mut Vec<Effect>) {
        self.calls.previewing = None;
        if !self.is_complete() {
            // Also before anything was ticked: a customer may hang up before the closing.
            self.mode = Mode::EndPrompt;
        } else if self.calls.current.begun().is_some() {
            self.close(Ending::Complete, effects);
        } else {
            self.tell(self.words().notice.untouched);
        }
    }

    /// Leaves, but asks first where a call would be left with it.
    pub(super) fn leave(&mut self, effects: &mut Vec<Effect>) {
        if self.calls.current.begun().is_some() && !self.is_complete() && self.mode != Mode::LeavePrompt {
            self.calls.previewing = None;
            self.mode = Mode::LeavePrompt;
        } else {
            self.quit(effects);
        }
    }

    /// Leaves; a begun call is journalled as it stands.
    pub(super) fn quit(&mut self, effects: &mut Vec<Effect>) {
        let record = self.record(Some((self.environment.now, self.how_it_stands(Outcome::Left))));
        effects.extend(record.map(|r| Effect::Journal(Box::new(r))));
        effects.push(Effect::Quit);
    }

    /// How a call ends that nobody ends by hand.
    pub(super) fn how_it_stands(&self, unsaid: Outcome) -> Outcome {
        if self.is_complete() { Outcome::Said(Ending::Complete) } else { unsaid }
    }

    /// Ends the call as the CSO said and begins the next.
    pub(super) fn close(&mut self, ending: Ending, effects: &mut Vec<Effect>) {
        let pending = self.revisions.has_next();
        let ended = self.next_call(Outcome::Said(ending), effects);
        self.calls.ended = Some(ended);
        let notice = &self.words().notice;
        let text = match ending {
            Ending::Complete => notice.ended_complete(self.environment.undo_key()),
            other => notice.ended(self.words().outcome(Outcome::Said(other)), self.environment.undo_key()),
        };
        let text =
            if pending { format!("{text} · {}", notice.revision_changed(&self.rules().sop.revision)) } else { text };
        self.troubles.notify_of_the_end(text);
    }

    /// Ends a finished call because a value is given that is the next one's; taking that back leads here again.
    pub(super) fn end_by_value(&mut self, effects: &mut Vec<Effect>) {
        let ended = self.next_call(Outcome::Said(Ending::Complete), effects);
        self.calls.ended = Some(Ended { by_value: true, ..ended });
        let text = self.words().notice.next_began(self.environment.undo_key());
        self.troubles.notify_of_the_end(text);
    }

    /// Whether taking the last thing back leads to the call before: it is the value that this one began with.
    pub(super) fn leads_back(&self) -> bool {
        self.calls.ended.as_ref().is_some_and(|ended| ended.by_value) && self.calls.current.changes() == 1
    }

    /// Journals the call's end and begins the next; answers the one that ended.
    pub(super) fn next_call(&mut self, how: Outcome, effects: &mut Vec<Effect>) -> Ended {
        let now = self.environment.now;
        let held = self.held();
        let record = self.ended_record(now, how);
        effects.extend(record.clone().map(|r| Effect::Journal(Box::new(r))));
        let old = Arc::clone(self.revisions.current());
        let previous_rules = self.revisions.previous().cloned();
        self.revisions.begin_call();
        self.calls.unknown = unknown(self.rules(), &held);
        let next = self.calls.current.next(self.rules(), self.home(), &held);
        let number = self.calls.number;
        let call = self.calls.begin(next);
        let ended = Ended { number, call, book: old, previous_rules, at: now, record, by_value: false };
        self.show_closing();
        effects.push(Effect::LookAtRules);
        ended
    }

    /// Goes back to a call that ended, in place of the present one, which never was.
    pub(super) fn resume(&mut self, ended: Ended, effects: &mut Vec<Effect>) {
        if self.calls.journalled.take().is_some() {
            effects.push(Effect::Unjournal(self.calls.number));
        }
        let held = self.held();
        self.revisions.return_to(ended.book, ended.previous_rules);
        self.calls.return_to(ended.number, ended.call, ended.record);
        let book = Arc::clone(self.revisions.current());
        self.calls.current.adopt(&book.rules, &held);
        self.calls.unknown = unknown(&book.rules, &held);
        self.tell(self.words().notice.resumed);
    }
}
