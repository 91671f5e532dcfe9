//! What comes into a call from outside: what the telephone knows of it, and what the centre declares for everyone. A
//! name from the telephone is unconfirmed until the CSO takes it; what the centre declares is no change of the CSO's, so
//! that no undo takes it back.

use chrono::{DateTime, Utc};

use super::{Closing, Since, State, name};
use crate::ruleset::{FieldIx, RuleSet, Scope, StepIx};
use crate::script::FieldValue;
use crate::text;

/// What the telephone knows, held against the rules.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Assignments {
    /// Facts and their values.
    pub facts: Vec<(usize, usize)>,
    /// Choices of fields.
    pub choices: Vec<(FieldIx, usize)>,
    /// Texts of fields, clean and not empty.
    pub typed: Vec<(FieldIx, String)>,
}

impl Assignments {
    /// What of it is the call's and not the shift's.
    pub fn call_only(&self, rules: &RuleSet) -> Self {
        let facts = self.facts.iter().copied().filter(|(fact, _)| rules.facts[*fact].scope == Scope::Call);
        let typed = self.typed.iter().filter(|(field, _)| !rules.field(*field).lasts_a_shift()).cloned();
        Self { facts: facts.collect(), choices: self.choices.clone(), typed: typed.collect() }
    }
}

impl std::fmt::Debug for Assignments {
    /// Says nothing of the texts: a customer's name may be one.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Assignments").field("facts", &self.facts).finish_non_exhaustive()
    }
}

impl Closing {
    /// Takes all of it as one change. With `begins` the call begins, also with nothing given; a shift fact alone does
    /// not begin it otherwise. What is said outright wins over the honorific that a name begins with.
    pub fn apply(&mut self, rules: &RuleSet, given: &Assignments, begins: bool, now: DateTime<Utc>) {
        let started_at = self.state.started_at;
        let call_only = begins || given.call_only(rules) != Assignments::default();
        self.change(now, |s| {
            let mut changed = Vec::new();
            for &(fact, value) in &given.facts {
                if s.situation.value(fact) != value {
                    s.situation.set(rules, fact, value);
                    s.since[fact] = Some(Since { set: now, confirmed: now });
                    changed.push((fact, value));
                }
            }
            s.note_overtaken(rules, &changed, now);
            for (field, typed) in &given.typed {
                let before = s.fields.clone();
                name::set(rules, &mut s.fields, *field, typed, true);
                if s.fields.is_empty(*field) {
                    // An honorific alone says nothing of the name.
                    s.fields.set(rules, *field, before.get(*field).clone());
                }
                let has_text = matches!(s.fields.get(*field), FieldValue::Text(text) if !text::is_blank(text));
                if s.fields != before && has_text && !s.unconfirmed.contains(field) {
                    s.unconfirmed.push(*field);
                }
            }
            for &(field, choice) in &given.choices {
                s.fields.set(rules, field, FieldValue::Choice(choice));
            }
            if begins {
                s.started_at.get_or_insert(now);
            }
        });
        if !call_only {
            self.state.started_at = started_at;
        }
    }

    /// Whether a field's text comes from the telephone and nobody has taken it yet.
    pub fn is_unconfirmed(&self, field: FieldIx) -> bool {
        self.state.unconfirmed.contains(&field)
    }

    /// The centre declares a shift fact: it holds now, and it held at every earlier state that an undo may bring back.
    pub fn declare(&mut self, rules: &RuleSet, fact: usize, value: usize, since: Since) {
        self.update_all_states(|state| {
            state.situation.set(rules, fact, value);
            state.since[fact] = Some(since);
            state.note_overtaken(rules, &[(fact, value)], since.confirmed);
        });
    }

    /// Changes the present state and all that an undo brings back.
    pub(super) fn update_all_states(&mut self, change: impl Fn(&mut State)) {
        self.undo_stack.iter_mut().chain([&mut self.state]).for_each(change);
        // Two states that differed in nothing else are one.
        let mut kept: Vec<State> = self.undo_stack.drain(..).collect();
        kept.dedup();
        if kept.last() == Some(&self.state) {
            kept.pop();
        }
        self.undo_stack = kept.into();
    }
}

impl State {
    /// A sentence was spoken: a text that stood in it is sure now.
    pub(super) fn confirm_fields_of(&mut self, rules: &RuleSet, step: StepIx) {
        self.unconfirmed.retain(|field| !rules.step(step).speaks(*field));
    }
}
