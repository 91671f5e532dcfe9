//! Rules whose first day is still to come: they wait, and the first call of that day begins with them. Part of `update`.

use std::sync::Arc;

use chrono::NaiveDate;

use super::App;
use crate::book::Book;
use crate::clock::office_day;
use crate::message::Subject;

impl App {
    /// With rules whose first day is still to come.
    #[must_use]
    pub fn waiting_for(mut self, waiting: Option<Arc<Book>>) -> Self {
        self.revisions.set_waiting(waiting);
        self
    }

    /// The rules that wait for their first day.
    #[must_use]
    pub fn waiting(&self) -> Option<&Arc<Book>> {
        self.revisions.waiting()
    }

    fn today(&self) -> NaiveDate {
        office_day(self.environment.now)
    }

    /// Keeps rules whose first day is still to come, and says so once; returns those that are in force already.
    pub(super) fn keep_waiting(&mut self, book: Arc<Book>) -> Option<Arc<Book>> {
        if book.is_in_force(self.today()) {
            self.revisions.set_waiting(None);
            return Some(book);
        }
        let known = self.waiting().is_some_and(|waiting| waiting.source == book.source);
        self.troubles.set(Subject::Rules, None);
        let notice = waits(&book, self.words());
        self.revisions.set_waiting(Some(book));
        if !known {
            self.tell(notice);
        }
        None
    }

    /// Takes the rules that waited once their day has come: at once where the call has not begun, else with the next.
    pub(super) fn take_waiting(&mut self) {
        let today = self.today();
        let Some(book) = self.revisions.take_due(today) else { return };
        if self.calls.current.begun().is_none() {
            self.take_rules(book, None);
        } else {
            self.revisions.set_next(book);
        }
    }
}

/// That rules wait, and for which day.
#[must_use]
pub fn waits(book: &Book, words: &crate::words::Words) -> String {
    let day = book.rules.sop.effective_from.map(crate::times::date).unwrap_or_default();
    words.notice.rules_waiting(&day, &book.rules.sop.revision)
}

/// That the last day of rules is near or over, where it is.
#[must_use]
pub fn expires(book: &Book, today: NaiveDate, words: &crate::words::Words) -> Option<String> {
    let to = book.rules.sop.ends_soon(today)?;
    let day = crate::times::date(to);
    let (revision, words) = (&book.rules.sop.revision, &words.notice);
    Some(if to < today { words.rules_expired(day, revision) } else { words.rules_expiring(day, revision) })
}
