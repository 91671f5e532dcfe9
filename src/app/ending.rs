//! How a call ends and the next begins, and the way back to it. Part of `update`.

use std::sync::Arc;

use super::revision::unknown;
use super::{App, Effect, Ended, Mode, Notice};
use crate::action::Ending;
use crate::journal::record::HowEnded;
use crate::words::fill;

impl App {
    pub(super) fn end(&mut self, effects: &mut Vec<Effect>) {
        self.looking = None;
        self.scroll = 0;
        if self.call.begun().is_none() {
            self.tell(self.words().notice.untouched);
        } else if self.is_complete() {
            self.close(Ending::Complete, effects);
        } else {
            self.mode = Mode::Asking;
        }
    }

    /// Leaves; a begun call is journalled as it stands.
    pub(super) fn quit(&mut self, effects: &mut Vec<Effect>) {
        let record = self.record(Some((self.now, self.how_it_stands(HowEnded::Left))));
        effects.extend(record.map(|r| Effect::Journal(Box::new(r))));
        effects.push(Effect::Quit);
    }

    /// How a call ends that nobody ends by hand.
    pub(super) fn how_it_stands(&self, unsaid: HowEnded) -> HowEnded {
        if self.is_complete() { HowEnded::Said(Ending::Complete) } else { unsaid }
    }

    /// Ends the call as the CSO said and begins the next.
    pub(super) fn close(&mut self, ending: Ending, effects: &mut Vec<Effect>) {
        let pending = self.pending.is_some();
        let ended = self.next_call(HowEnded::Said(ending), effects);
        self.ended = Some(ended);
        let notice = &self.words().notice;
        let text = match ending {
            Ending::Complete => fill(notice.ended_complete, &[("undo", self.undo_key())]),
            other => fill(notice.ended, &[("ending", other.words(self.words())), ("undo", self.undo_key())]),
        };
        let text = if pending {
            let with = [("revision", self.rules().sop.revision.as_str())];
            format!("{text} · {}", fill(notice.revision_changed, &with))
        } else {
            text
        };
        self.notice = Some(Notice { text, of_the_end: true });
    }

    /// Journals the call's end and begins the next; answers the one that ended.
    pub(super) fn next_call(&mut self, how: HowEnded, effects: &mut Vec<Effect>) -> Ended {
        let now = self.now;
        let held = self.held();
        let record = self.record(Some((now, how)));
        effects.extend(record.map(|r| Effect::Journal(Box::new(r))));
        self.journalled = None;
        let old = Arc::clone(&self.book);
        let was = self.was.clone();
        self.take_pending();
        self.unknown = unknown(self.rules(), &held);
        let next = self.call.next(self.rules(), self.home(), &held);
        let call = std::mem::replace(&mut self.call, next);
        let ended = Ended { number: self.number, call, book: old, was, at: now };
        self.last_number += 1;
        self.number = self.last_number;
        self.looking = None;
        self.show_closing();
        effects.push(Effect::LookAtRules);
        ended
    }

    /// Goes back to a call that ended, in place of the present one.
    pub(super) fn resume(&mut self, ended: Ended) {
        let held = self.held();
        if self.book.source != ended.book.source {
            // The next call already had new rules; this one ends under those it was begun with.
            self.pending = Some(std::mem::replace(&mut self.book, ended.book));
            self.was = ended.was;
        }
        self.call = ended.call;
        self.number = ended.number;
        let book = Arc::clone(&self.book);
        self.call.adopt(&book.rules, &held);
        self.unknown = unknown(&book.rules, &held);
        self.tell(self.words().notice.resumed);
    }
}
