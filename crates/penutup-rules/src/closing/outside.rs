//! What comes into a call from outside: what the telephone knows of it, and what the centre declares for everyone. A
//! name from the telephone is unsure until the CSO takes it; what the centre declares is no change of the CSO's, so
//! that no undo takes it back.

use chrono::{DateTime, Utc};

use super::{Closing, Since, State, name};
use crate::ruleset::{FieldIx, RuleSet, Scope, StepIx};
use crate::script::FieldValue;
use crate::text;

/// What the telephone knows, held against the rules.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Given {
    /// Facts and their values.
    pub facts: Vec<(usize, usize)>,
    /// Choices of fields.
    pub choices: Vec<(FieldIx, usize)>,
    /// Texts of fields, clean and not empty.
    pub typed: Vec<(FieldIx, String)>,
}

impl Given {
    /// What of it is the call's and not the shift's.
    #[must_use]
    pub fn of_the_call(&self, rules: &RuleSet) -> Self {
        let facts = self.facts.iter().copied().filter(|(fact, _)| rules.facts[*fact].scope == Scope::Call);
        let typed = self.typed.iter().filter(|(field, _)| !rules.field(*field).lasts_a_shift()).cloned();
        Self { facts: facts.collect(), choices: self.choices.clone(), typed: typed.collect() }
    }
}

impl std::fmt::Debug for Given {
    /// Says nothing of the texts: a customer's name may be one.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Given").field("facts", &self.facts).finish_non_exhaustive()
    }
}

impl Closing {
    /// Takes all of it as one change. With `begins` the call begins, also with nothing given; a shift fact alone does
    /// not begin it otherwise. What is said outright wins over the honorific that a name begins with.
    pub fn take(&mut self, rules: &RuleSet, given: &Given, begins: bool, now: DateTime<Utc>) {
        let begun = self.state.begun;
        let of_the_call = begins || given.of_the_call(rules) != Given::default();
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
                if s.fields != before && has_text && !s.unsure.contains(field) {
                    s.unsure.push(*field);
                }
            }
            for &(field, choice) in &given.choices {
                s.fields.set(rules, field, FieldValue::Choice(choice));
            }
            if begins {
                s.begun.get_or_insert(now);
            }
        });
        if !of_the_call {
            self.state.begun = begun;
        }
    }

    /// Whether a field's text comes from the telephone and nobody has taken it yet.
    #[must_use]
    pub fn is_unsure(&self, field: FieldIx) -> bool {
        self.state.unsure.contains(&field)
    }

    /// The centre declares a shift fact: it holds now, and it held at every earlier state that an undo may bring back.
    pub fn declare(&mut self, rules: &RuleSet, fact: usize, value: usize, since: Since) {
        self.in_every_state(|state| {
            state.situation.set(rules, fact, value);
            state.since[fact] = Some(since);
            state.note_overtaken(rules, &[(fact, value)], since.confirmed);
        });
    }

    /// Changes the present state and all that an undo brings back.
    pub(super) fn in_every_state(&mut self, change: impl Fn(&mut State)) {
        self.before.iter_mut().chain([&mut self.state]).for_each(change);
        // Two states that differed in nothing else are one.
        let mut kept: Vec<State> = self.before.drain(..).collect();
        kept.dedup();
        if kept.last() == Some(&self.state) {
            kept.pop();
        }
        self.before = kept.into();
    }
}

impl State {
    /// A sentence was said: a text that stood in it is sure now.
    pub(super) fn said_is_sure(&mut self, rules: &RuleSet, step: StepIx) {
        self.unsure.retain(|field| !rules.step(step).speaks(*field));
    }
}
