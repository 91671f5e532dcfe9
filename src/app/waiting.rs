//! Rules that are not in force yet: the first call of their first day begins with them. Part of `update`.

use std::sync::Arc;

use chrono::NaiveDate;

use super::App;
use crate::clock::office_day;
use crate::loaded::LoadedRules;
use crate::message::Subject;

impl App {
    /// Sets rules that are not in force yet.
    pub fn waiting_for(mut self, waiting: Option<Arc<LoadedRules>>) -> Self {
        self.revisions.set_waiting(waiting);
        self
    }

    /// The rules that are not in force yet.
    pub fn waiting(&self) -> Option<&Arc<LoadedRules>> {
        self.revisions.waiting()
    }

    fn today(&self) -> NaiveDate {
        office_day(self.environment.now)
    }

    /// Returns rules that are in force. Stores others until their first day, and notifies the CSO once.
    pub(super) fn store_until_in_force(&mut self, loaded: Arc<LoadedRules>) -> Option<Arc<LoadedRules>> {
        if loaded.is_in_force(self.today()) {
            self.revisions.set_waiting(None);
            return Some(loaded);
        }
        let known = self.waiting().is_some_and(|waiting| waiting.source == loaded.source);
        self.troubles.set(Subject::Rules, None);
        let notice = waiting_notice(&loaded, self.words());
        self.revisions.set_waiting(Some(loaded));
        if !known {
            self.notify(notice);
        }
        None
    }

    /// Switches to the waiting rules on their first day: at once if the call has not begun, else with the next call.
    pub(super) fn take_waiting(&mut self) {
        let today = self.today();
        let Some(loaded) = self.revisions.take_due(today) else { return };
        if self.calls.current.started_at().is_none() {
            self.take_rules(loaded, None);
        } else {
            self.revisions.set_next(loaded);
        }
    }
}

/// The notice that rules will come into force on a day.
pub fn waiting_notice(loaded: &LoadedRules, words: &crate::words::Words) -> String {
    let day = loaded.rules.sop.effective_from.map(crate::times::date).unwrap_or_default();
    words.notice.rules_waiting(&day, &loaded.rules.sop.revision)
}

/// The notice that the last day of rules is near or over; `None` if it is not.
pub fn expiry_notice(loaded: &LoadedRules, today: NaiveDate, words: &crate::words::Words) -> Option<String> {
    let to = loaded.rules.sop.ends_soon(today)?;
    let day = crate::times::date(to);
    let (revision, words) = (&loaded.rules.sop.revision, &words.notice);
    Some(if to < today { words.rules_expired(day, revision) } else { words.rules_expiring(day, revision) })
}
