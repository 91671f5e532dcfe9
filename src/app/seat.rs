//! What outlasts a restart, and what another prompter on this seat changes of it. Part of `update`.

use std::sync::Arc;

use super::App;
use super::revision::unknown;
use crate::message::Subject;
use crate::seat::{SeatState, Shared};

impl App {
    /// What is kept for the next start.
    pub(super) fn seat_state(&self) -> SeatState {
        SeatState { held: self.held(), broadcast: self.applied().cloned(), welcome: self.welcome }
    }

    /// Takes over what another prompter on this seat changed; what was changed here since it was read stays.
    pub(super) fn share(&mut self, shared: &Shared) {
        let state = shared.now.with_changes(&shared.known, &self.seat_state());
        let book = Arc::clone(&self.book);
        self.call.adopt(&book.rules, &state.held);
        self.unknown = unknown(&book.rules, &state.held);
        self.take_applied(state.broadcast);
        self.welcome = state.welcome;
    }

    /// Something stays wrong, or no longer is.
    pub(super) fn trouble(&mut self, subject: Subject, why: Option<String>) {
        match why {
            Some(why) => {
                self.troubles.insert(subject, why);
                self.notice.take_if(|n| !n.of_the_end);
            }
            None => {
                self.troubles.remove(&subject);
            }
        }
    }
}
