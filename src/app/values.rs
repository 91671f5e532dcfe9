//! Sets a fact, a field or the zone: in this call, or in the next one if this one is finished. Part of `update`.

use super::{App, Effect, Mode};
use crate::rules::ruleset::{FieldIx, FieldKind, Scope};
use crate::rules::script::FieldValue;

impl App {
    /// Selects a fact's next value, or this one.
    pub(super) fn turn_fact(&mut self, fact: usize, value: Option<usize>, effects: &mut Vec<Effect>) {
        self.calls.previewing = None;
        let Some(known) = self.rules().facts.get(fact) else { return };
        let (id, of_the_call) = (known.id.clone(), known.scope == Scope::Call);
        let value = value.map(|value| known.values[value].id.clone());
        if of_the_call {
            self.begin_next(effects);
        }
        // The next call may have other rules.
        if let Some(fact) = self.rules().fact_named(&id) {
            let (rules, now) = (&self.revisions.current().rules, self.environment.now);
            match value {
                None => self.calls.current.cycle_fact(rules, fact, now),
                Some(id) => {
                    if let Some(value) = rules.facts[fact].values.iter().position(|known| known.id == id) {
                        self.calls.current.set_fact(rules, fact, value, now);
                    }
                }
            }
        }
    }

    /// Selects a field's next choice, or this one, or starts typing.
    pub(super) fn turn_field(&mut self, field: FieldIx, choice: Option<usize>, effects: &mut Vec<Effect>) {
        let known = self.rules().field(field);
        let choice = match (&known.kind, choice) {
            (FieldKind::Typed(_), _) => return self.type_into(field, None),
            (FieldKind::Choice(choices), Some(choice)) => choices.get(choice).map(|choice| choice.text.clone()),
            (FieldKind::Choice(_), None) => None,
        };
        let id = known.id.clone();
        self.begin_next(effects);
        if let Some(field) = self.rules().field_named(&id) {
            let (rules, now) = (&self.revisions.current().rules, self.environment.now);
            match choice {
                None => self.calls.current.cycle_field(rules, field, now),
                Some(text) => {
                    if let FieldKind::Choice(choices) = &rules.field(field).kind
                        && let Some(at) = choices.iter().position(|choice| choice.text == text)
                        && *self.calls.current.fields().get(field) != FieldValue::Choice(at)
                    {
                        self.calls.current.set_field(rules, field, FieldValue::Choice(at), now);
                    }
                }
            }
        }
    }

    /// Selects the customer's next zone, or this one.
    pub(super) fn turn_zone(&mut self, zone: Option<usize>, effects: &mut Vec<Effect>) {
        let id = zone.map(|zone| self.rules().zones[zone].id.clone());
        self.begin_next(effects);
        // The next call may have other rules.
        let zone = match id {
            Some(id) => self.rules().zone_named(&id),
            None => Some((self.calls.current.zone() + 1) % self.rules().zones.len()),
        };
        if let Some(zone) = zone {
            self.calls.current.set_zone(&self.revisions.current().rules, zone, self.environment.now);
        }
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
