//! What outlasts a restart, and what another prompter on this seat changes of it. Part of `update`.

use std::sync::Arc;

use super::App;
use super::revision::unknown;
use crate::seat::{SeatState, Shared};

impl App {
    /// What is kept for the next start.
    pub(super) fn seat_state(&self) -> SeatState {
        SeatState { held: self.held(), broadcast: self.applied().cloned(), welcome: self.environment.hint }
    }

    /// Takes over what another prompter on this seat changed; what was changed here since it was read stays.
    pub(super) fn share(&mut self, shared: &Shared) {
        let state = shared.now.with_changes(&shared.known, &self.seat_state());
        let book = Arc::clone(self.revisions.current());
        self.calls.current.set_persisted_facts(&book.rules, &state.held);
        self.calls.unknown = unknown(&book.rules, &state.held);
        self.take_applied(state.broadcast);
        self.environment.hint = state.welcome;
    }
}
