//! Which sentences can still be spoken. The SOP's order is an order in time: once a later sentence was spoken, an earlier
//! one can't be any more. It comes from `require.order` and `require.last`.

use chrono::{DateTime, Utc};

use super::{Closing, State};
use crate::decide::{Situation, decide};
use crate::ruleset::{Duty, RuleSet, StepIx};

/// A sentence that a change of facts added after a later sentence had been spoken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overtaken {
    pub step: StepIx,
    /// The facts that changed, with their new values.
    pub facts: Vec<(usize, usize)>,
    pub at: DateTime<Utc>,
}

impl State {
    pub(super) fn already_spoken(&self, step: StepIx) -> bool {
        self.spoken.iter().any(|s| s.step == step)
    }

    /// The spoken sentence that satisfies this step: itself, or an alternative.
    pub(super) fn satisfied_by(&self, rules: &RuleSet, step: StepIx) -> Option<StepIx> {
        if self.already_spoken(step) {
            return Some(step);
        }
        rules.alternatives(step, self.deciding()).find(|other| self.already_spoken(*other))
    }

    pub(super) fn deciding(&self) -> &Situation {
        self.finished.as_ref().unwrap_or(&self.situation)
    }

    fn plan_sentences<'r>(&self, rules: &'r RuleSet) -> impl Iterator<Item = StepIx> + 'r {
        decide(rules, self.deciding()).steps().iter().copied().filter(|s| rules.step(*s).is_spoken())
    }

    /// The unsatisfied sentences of the plan: those that can still be spoken, and the overtaken ones.
    pub(super) fn unspoken(&self, rules: &RuleSet) -> (Vec<StepIx>, Vec<StepIx>) {
        let (satisfied, open): (Vec<_>, Vec<_>) =
            self.plan_sentences(rules).partition(|s| self.satisfied_by(rules, *s).is_some());
        if self.finished.is_some() {
            return (Vec::new(), open);
        }
        if self.spoken.is_empty() {
            return (open, Vec::new());
        }
        // Whatever precedes a past step is past. An order may also name steps that are not in the plan; of those, only
        // the spoken ones count.
        let mut past: Vec<StepIx> = self.spoken.iter().map(|s| s.step).chain(satisfied).collect();
        loop {
            let before = |s: &StepIx| !past.contains(s) && self.precedes(rules, *s, &past);
            let Some(step) = open.iter().copied().find(before) else { break };
            past.push(step);
        }
        open.into_iter().partition(|s| !past.contains(s))
    }

    /// Whether the requirements of this situation order a step before one of these.
    fn precedes(&self, rules: &RuleSet, step: StepIx, past: &[StepIx]) -> bool {
        let here = rules.requirements.iter().filter(|r| r.when.contains(self.situation.values()));
        here.flat_map(|r| &r.duties).any(|duty| match duty {
            Duty::Order(steps) => {
                let mut after = steps.iter().skip_while(|s| **s != step).skip(1);
                after.any(|s| past.contains(s))
            }
            Duty::Last(last) => *last != step && past.contains(last),
            Duty::Always(_) | Duty::Never(_) | Duty::ExactlyOne(_) => false,
        })
    }

    /// Records which sentences these changed facts made overtaken.
    pub(super) fn note_overtaken(&mut self, rules: &RuleSet, facts: &[(usize, usize)], at: DateTime<Utc>) {
        if self.finished.is_some() {
            return;
        }
        let (_, overtaken) = self.unspoken(rules);
        self.overtaken.retain(|known| overtaken.contains(&known.step));
        for step in overtaken {
            if self.overtaken.iter().all(|known| known.step != step) {
                self.overtaken.push(Overtaken { step, facts: facts.to_vec(), at });
            }
        }
    }
}

impl Closing {
    /// The sentences still to be spoken, in order.
    pub fn remaining(&self, rules: &RuleSet) -> impl Iterator<Item = StepIx> + use<> {
        self.state.unspoken(rules).0.into_iter()
    }

    pub fn overtaken(&self) -> &[Overtaken] {
        &self.state.overtaken
    }

    /// Whether every sentence was spoken. Then a changed fact does not add one, unless the last tick is undone.
    pub fn is_finished(&self) -> bool {
        self.state.finished.is_some()
    }

    /// The SOP's contradiction in this situation, while it affects a sentence that is still to be spoken.
    pub fn caution<'r>(&self, rules: &'r RuleSet) -> Option<&'r str> {
        let caution = self.plan(rules).rule.caution.as_deref()?;
        let affected: Vec<StepIx> = self.with_alternatives(rules).collect();
        let mut open = self.remaining(rules);
        let is_relevant = open.any(|step| affected.is_empty() || affected.contains(&step));
        is_relevant.then_some(caution)
    }

    /// The spoken sentences among those that the contradiction affects.
    pub fn spoken_alternatives(&self, rules: &RuleSet) -> Vec<StepIx> {
        self.with_alternatives(rules).filter_map(|step| self.state.satisfied_by(rules, step)).collect()
    }

    /// The sentences of the plan that have alternatives.
    fn with_alternatives<'a>(&'a self, rules: &'a RuleSet) -> impl Iterator<Item = StepIx> + 'a {
        self.state.plan_sentences(rules).filter(|step| rules.alternatives(*step, self.deciding()).next().is_some())
    }
}
