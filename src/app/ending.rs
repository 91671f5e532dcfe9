//! How a call ends and the next begins, and the way back to it. Part of `update`.

use std::sync::Arc;

use super::revision::unknown;
use super::{App, Effect, Ended, Mode, Notice};
use crate::closing::ending::Ending;
use crate::closing::ending::Outcome;
use crate::words::fill;

impl App {
    pub(super) fn end(&mut self, effects: &mut Vec<Effect>) {
        self.looking = None;
        if !self.is_complete() {
            // Also before anything was ticked: a customer may hang up before the closing.
            self.mode = Mode::Asking;
        } else if self.call.begun().is_some() {
            self.close(Ending::Complete, effects);
        } else {
            self.tell(self.words().notice.untouched);
        }
    }

    /// Leaves, but asks first where a call would be left with it.
    pub(super) fn leave(&mut self, effects: &mut Vec<Effect>) {
        if self.call.begun().is_some() && !self.is_complete() && self.mode != Mode::Leaving {
            self.looking = None;
            self.mode = Mode::Leaving;
        } else {
            self.quit(effects);
        }
    }

    /// Leaves; a begun call is journalled as it stands.
    pub(super) fn quit(&mut self, effects: &mut Vec<Effect>) {
        let record = self.record(Some((self.now, self.how_it_stands(Outcome::Left))));
        effects.extend(record.map(|r| Effect::Journal(Box::new(r))));
        effects.push(Effect::Quit);
    }

    /// How a call ends that nobody ends by hand.
    pub(super) fn how_it_stands(&self, unsaid: Outcome) -> Outcome {
        if self.is_complete() { Outcome::Said(Ending::Complete) } else { unsaid }
    }

    /// Ends the call as the CSO said and begins the next.
    pub(super) fn close(&mut self, ending: Ending, effects: &mut Vec<Effect>) {
        let pending = self.pending.is_some();
        let ended = self.next_call(Outcome::Said(ending), effects);
        self.ended = Some(ended);
        let notice = &self.words().notice;
        let text = match ending {
            Ending::Complete => fill(notice.ended_complete, &[("undo", self.undo_key())]),
            other => {
                fill(notice.ended, &[("ending", self.words().outcome(Outcome::Said(other))), ("undo", self.undo_key())])
            }
        };
        let text = if pending {
            let with = [("revision", self.rules().sop.revision.as_str())];
            format!("{text} · {}", fill(notice.revision_changed, &with))
        } else {
            text
        };
        self.notice = Some(Notice { text: text.into(), of_the_end: true });
    }

    /// Ends a finished call because a value is given that is the next one's; taking that back leads here again.
    pub(super) fn end_by_value(&mut self, effects: &mut Vec<Effect>) {
        let ended = self.next_call(Outcome::Said(Ending::Complete), effects);
        self.ended = Some(Ended { by_value: true, ..ended });
        let text = fill(self.words().notice.next_began, &[("undo", self.undo_key())]);
        self.notice = Some(Notice { text: text.into(), of_the_end: true });
    }

    /// Whether taking the last thing back leads to the call before: it is the value that this one began with.
    pub(super) fn leads_back(&self) -> bool {
        self.ended.as_ref().is_some_and(|ended| ended.by_value) && self.call.changes() == 1
    }

    /// Journals the call's end and begins the next; answers the one that ended.
    pub(super) fn next_call(&mut self, how: Outcome, effects: &mut Vec<Effect>) -> Ended {
        let now = self.now;
        let held = self.held();
        let record = self.ended_record(now, how);
        effects.extend(record.clone().map(|r| Effect::Journal(Box::new(r))));
        (self.journalled, self.finished) = (None, None);
        let old = Arc::clone(&self.book);
        let was = self.was.clone();
        self.take_pending();
        self.unknown = unknown(self.rules(), &held);
        let next = self.call.next(self.rules(), self.home(), &held);
        let call = std::mem::replace(&mut self.call, next);
        let ended = Ended { number: self.number, call, book: old, was, at: now, record, by_value: false };
        self.last_number += 1;
        self.number = self.last_number;
        self.looking = None;
        self.show_closing();
        effects.push(Effect::LookAtRules);
        ended
    }

    /// Goes back to a call that ended, in place of the present one, which never was.
    pub(super) fn resume(&mut self, ended: Ended, effects: &mut Vec<Effect>) {
        if self.journalled.take().is_some() {
            effects.push(Effect::Unjournal(self.number));
        }
        let held = self.held();
        if self.book.source != ended.book.source {
            // The next call already had new rules; this one ends under those it was begun with.
            self.pending = Some(std::mem::replace(&mut self.book, ended.book));
            self.was = ended.was;
        }
        self.call = ended.call;
        self.number = ended.number;
        self.finished = ended.record.clone().filter(|_| self.call.is_finished());
        self.journalled = ended.record;
        let book = Arc::clone(&self.book);
        self.call.adopt(&book.rules, &held);
        self.unknown = unknown(&book.rules, &held);
        self.tell(self.words().notice.resumed);
    }
}
