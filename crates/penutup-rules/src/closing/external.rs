//! Changes from outside the call: values from the telephone, a link or a command line, and declarations of the centre. A
//! name from the telephone or a link stays unconfirmed until the CSO accepts it. A declaration is not the CSO's change, so
//! undo keeps it.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{Closing, Since, State, name};
use crate::ruleset::{FieldIx, RuleSet, Scope, StepIx};
use crate::script::FieldValue;
use crate::text;

/// Who sent values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The telephone, or the command line.
    Telephone,
    /// A link, which any web page can open.
    Link,
}

/// Values to set, resolved against the rules.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Assignments {
    pub facts: Vec<(usize, usize)>,
    pub choices: Vec<(FieldIx, usize)>,
    /// Texts of fields, cleaned and not empty.
    pub typed: Vec<(FieldIx, String)>,
}

impl Assignments {
    /// Without the facts and fields of the shift.
    pub fn call_only(&self, rules: &RuleSet) -> Self {
        let facts = self.facts.iter().copied().filter(|(fact, _)| rules.facts[*fact].scope == Scope::Call);
        let typed = self.typed.iter().filter(|(field, _)| !rules.field(*field).lasts_a_shift()).cloned();
        Self { facts: facts.collect(), choices: self.choices.clone(), typed: typed.collect() }
    }
}

impl std::fmt::Debug for Assignments {
    /// Omits the texts: one may be a customer's name.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Assignments").field("facts", &self.facts).finish_non_exhaustive()
    }
}

impl Closing {
    /// Applies all of it as one change. The call starts if `starts`, or if anything but shift facts and fields is set.
    /// An explicit honorific wins over the one before a name.
    pub fn apply(&mut self, rules: &RuleSet, assigned: &Assignments, origin: Origin, starts: bool, now: DateTime<Utc>) {
        let started_at = self.state.started_at;
        let is_of_call = starts || assigned.call_only(rules) != Assignments::default();
        self.change(now, |s| {
            let mut changed = Vec::new();
            for &(fact, value) in &assigned.facts {
                if s.situation.value(fact) != value {
                    s.situation.set(rules, fact, value);
                    s.since[fact] = Some(Since { set: now, confirmed: now });
                    changed.push((fact, value));
                }
            }
            s.note_overtaken(rules, &changed, now);
            for (field, typed) in &assigned.typed {
                let before = s.fields.clone();
                name::set(rules, &mut s.fields, *field, typed, true);
                if s.fields.is_empty(*field) {
                    // A single honorific leaves the name unchanged.
                    s.fields.set(rules, *field, before.get(*field).clone());
                }
                let has_text = matches!(s.fields.get(*field), FieldValue::Text(text) if !text::is_blank(text));
                if s.fields != before && has_text {
                    s.unconfirmed.retain(|(unconfirmed, _)| unconfirmed != field);
                    s.unconfirmed.push((*field, origin));
                }
            }
            for &(field, choice) in &assigned.choices {
                s.fields.set(rules, field, FieldValue::Choice(choice));
            }
            if starts {
                s.started_at.get_or_insert(now);
            }
        });
        if !is_of_call {
            self.state.started_at = started_at;
        }
    }

    /// Where a field's text came from, if the CSO has not confirmed it.
    pub fn unconfirmed(&self, field: FieldIx) -> Option<Origin> {
        self.state.unconfirmed.iter().find(|(unconfirmed, _)| *unconfirmed == field).map(|(_, origin)| *origin)
    }

    /// Sets a shift fact that the centre declared, in the undo history too.
    pub fn declare(&mut self, rules: &RuleSet, fact: usize, value: usize, since: Since) {
        self.update_all_states(|state| {
            state.situation.set(rules, fact, value);
            state.since[fact] = Some(since);
            state.note_overtaken(rules, &[(fact, value)], since.confirmed);
        });
    }

    /// Changes the current state and the undo history.
    pub(super) fn update_all_states(&mut self, change: impl Fn(&mut State)) {
        self.undo_stack.iter_mut().map(Arc::make_mut).chain([&mut self.state]).for_each(change);
        // Merge states that differed in nothing else.
        let mut states: Vec<Arc<State>> = self.undo_stack.drain(..).collect();
        states.dedup();
        if states.last().is_some_and(|last| **last == self.state) {
            states.pop();
        }
        self.undo_stack = states.into();
    }
}

impl State {
    /// The CSO spoke the fields of this sentence, which confirms them.
    pub(super) fn confirm_fields_of(&mut self, rules: &RuleSet, step: StepIx) {
        self.unconfirmed.retain(|(field, _)| !rules.step(step).speaks(*field));
    }
}
