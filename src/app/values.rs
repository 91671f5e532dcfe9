//! Sets a fact, a field or the zone: in this call, or in the next one if this one is finished. Part of `update`.

use super::{App, Effect, Mode};
use crate::rules::ruleset::{FieldIx, FieldKind, Scope};

impl App {
    /// Selects a fact's next value.
    pub(super) fn turn_fact(&mut self, fact: usize, effects: &mut Vec<Effect>) {
        self.calls.previewing = None;
        let Some(known) = self.rules().facts.get(fact) else { return };
        let (id, of_the_call) = (known.id.clone(), known.scope == Scope::Call);
        if of_the_call {
            self.begin_next(effects);
        }
        // The next call may have other rules.
        if let Some(fact) = self.rules().fact_named(&id) {
            self.calls.current.cycle_fact(&self.revisions.current().rules, fact, self.environment.now);
        }
    }

    /// Selects a field's next choice, or starts typing.
    pub(super) fn turn_field(&mut self, field: FieldIx, effects: &mut Vec<Effect>) {
        let known = self.rules().field(field);
        if let FieldKind::Typed(_) = known.kind {
            return self.type_into(field, None);
        }
        let id = known.id.clone();
        self.begin_next(effects);
        if let Some(field) = self.rules().field_named(&id) {
            self.calls.current.cycle_field(&self.revisions.current().rules, field, self.environment.now);
        }
    }

    /// Selects the customer's next zone.
    pub(super) fn turn_zone(&mut self, effects: &mut Vec<Effect>) {
        self.begin_next(effects);
        let next = (self.calls.current.zone() + 1) % self.rules().zones.len();
        self.calls.current.set_zone(&self.revisions.current().rules, next, self.environment.now);
    }

    /// Ends a finished call, so that what is set now is set in the next one. An open panel stays open.
    pub(super) fn begin_next(&mut self, effects: &mut Vec<Effect>) {
        if !self.calls.current.is_finished() {
            return;
        }
        let open = self.is_panel_open().then(|| self.mode.clone());
        self.end_for_next_value(effects);
        self.mode = open.unwrap_or(Mode::Closing);
    }
}
