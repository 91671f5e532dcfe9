//! Which sentences can still be said. The SOP's order is a rule about time: a sentence whose successor was said can't be
//! said any more. `require.order` and `require.last` decide it.

use chrono::{DateTime, Utc};

use super::{Closing, State};
use crate::decide::decide;
use crate::ruleset::{Duty, RuleSet, StepIx};

/// A sentence that a late change of facts asks for after its successor was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overtaken {
    /// Which.
    pub step: StepIx,
    /// The facts that changed, and their values.
    pub facts: Vec<(usize, usize)>,
    /// When they changed.
    pub at: DateTime<Utc>,
}

impl State {
    pub(super) fn already_spoken(&self, step: StepIx) -> bool {
        self.spoken.iter().any(|s| s.step == step)
    }

    /// The sentence said that stands for this one: itself, or an alternative.
    pub(super) fn satisfied_by(&self, rules: &RuleSet, step: StepIx) -> Option<StepIx> {
        if self.already_spoken(step) {
            return Some(step);
        }
        rules.alternatives(step, &self.situation).find(|other| self.already_spoken(*other))
    }

    fn plan_sentences<'r>(&self, rules: &'r RuleSet) -> impl Iterator<Item = StepIx> + 'r {
        decide(rules, &self.situation).steps().iter().copied().filter(|s| rules.step(*s).is_spoken())
    }

    /// The sentences of the plan that were not said, nor one that stands for them: those that can still be said, and
    /// those that are overtaken.
    pub(super) fn unspoken(&self, rules: &RuleSet) -> (Vec<StepIx>, Vec<StepIx>) {
        let (said, open): (Vec<_>, Vec<_>) =
            self.plan_sentences(rules).partition(|s| self.satisfied_by(rules, *s).is_some());
        if self.finished {
            return (Vec::new(), open);
        }
        if self.spoken.is_empty() {
            return (open, Vec::new());
        }
        // What comes before something past is past. An order names steps that are not in the plan too: of those only
        // what was really said counts, since the plan need not heed the others.
        let mut past: Vec<StepIx> = self.spoken.iter().map(|s| s.step).chain(said).collect();
        loop {
            let before = |s: &StepIx| !past.contains(s) && self.precedes(rules, *s, &past);
            let Some(step) = open.iter().copied().find(before) else { break };
            past.push(step);
        }
        open.into_iter().partition(|s| !past.contains(s))
    }

    /// Whether the requirements of this situation put a step before one of these.
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

    /// Keeps why sentences are overtaken, after these facts changed.
    pub(super) fn note_overtaken(&mut self, rules: &RuleSet, facts: &[(usize, usize)], at: DateTime<Utc>) {
        if self.finished {
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
    /// The sentences still to be said, in order.
    pub fn remaining(&self, rules: &RuleSet) -> impl Iterator<Item = StepIx> + use<> {
        self.state.unspoken(rules).0.into_iter()
    }

    /// The sentences that a late change asks for and that can't be said any more, with what changed and when.
    pub fn overtaken(&self) -> &[Overtaken] {
        &self.state.overtaken
    }

    /// Whether every sentence was said. Then no fact asks for another one, until the last tick is taken back.
    pub fn is_finished(&self) -> bool {
        self.state.finished
    }

    /// The SOP's contradiction in this situation, as long as it decides a sentence that is still to be said.
    pub fn caution<'r>(&self, rules: &'r RuleSet) -> Option<&'r str> {
        let caution = self.plan(rules).rule.caution.as_deref()?;
        let decided: Vec<StepIx> = self.decided(rules).collect();
        let mut open = self.remaining(rules);
        let stands = open.any(|step| decided.is_empty() || decided.contains(&step));
        stands.then_some(caution)
    }

    /// What was said of the sentences that a contradiction decides.
    pub fn spoken_alternatives(&self, rules: &RuleSet) -> Vec<StepIx> {
        self.decided(rules).filter_map(|step| self.state.satisfied_by(rules, step)).collect()
    }

    /// The sentences of the plan in whose place another could be said.
    fn decided<'a>(&'a self, rules: &'a RuleSet) -> impl Iterator<Item = StepIx> + 'a {
        self.state
            .plan_sentences(rules)
            .filter(|step| rules.alternatives(*step, &self.state.situation).next().is_some())
    }
}
