//! The state that outlasts a restart, and its changes by another prompter on this seat. Part of `update`.

use std::sync::Arc;

use super::App;
use super::new_rules::unknown;
use crate::seat::{SeatState, Shared};

impl App {
    /// The state to save for the next start.
    pub(super) fn seat_state(&self) -> SeatState {
        SeatState {
            shift_facts: self.shift_facts(),
            declaration: self.applied().cloned(),
            welcome: self.environment.hint,
        }
    }

    /// Merges the changes of another prompter on this seat; own changes since the shared state was read are kept.
    pub(super) fn share(&mut self, shared: &Shared) {
        let state = shared.now.with_changes(&shared.known, &self.seat_state());
        let loaded = Arc::clone(self.revisions.current());
        self.calls.current.set_persisted_facts(&loaded.rules, &state.shift_facts);
        self.calls.unknown = unknown(&loaded.rules, &state.shift_facts);
        self.adopt_applied(state.declaration);
        self.environment.hint = state.welcome;
    }
}
