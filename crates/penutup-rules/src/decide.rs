//! Situation → plan: one linear scan of the rules, without allocation, in nanoseconds.

use super::ruleset::{Rule, RuleSet, StepIx};

/// For each fact, in the rules' order, the position of its value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Situation(Box<[u16]>);

impl Situation {
    /// Every fact at its first value.
    pub fn default_of(rules: &RuleSet) -> Self {
        Self(vec![0; rules.facts.len()].into())
    }

    /// `None` if the values don't fit the facts of the rules.
    pub fn new(rules: &RuleSet, values: Vec<u16>) -> Option<Self> {
        let fits = values.len() == rules.facts.len()
            && values.iter().zip(&rules.facts).all(|(v, f)| usize::from(*v) < f.values.len());
        fits.then(|| Self(values.into()))
    }

    pub fn values(&self) -> &[u16] {
        &self.0
    }

    pub fn value(&self, fact: usize) -> usize {
        usize::from(self.0[fact])
    }

    /// # Panics
    /// If the rules have no such fact or value; both must come from the same rules.
    pub fn set(&mut self, rules: &RuleSet, fact: usize, value: usize) {
        assert!(value < rules.facts[fact].values.len(), "the value belongs to another fact");
        self.0[fact] = u16::try_from(value).expect("a checked file is too small for more values");
    }

    /// Every situation, the last fact varying fastest. Only for small rule sets: proofs never list situations.
    pub fn all(rules: &RuleSet) -> impl Iterator<Item = Self> {
        let sizes: Vec<u16> = rules.facts.iter().map(|f| u16::try_from(f.values.len()).unwrap_or(u16::MAX)).collect();
        let mut next = Some(vec![0u16; sizes.len()]);
        std::iter::from_fn(move || {
            let here = next.take()?;
            let mut after = here.clone();
            for at in (0..after.len()).rev() {
                after[at] += 1;
                if after[at] < sizes[at] {
                    next = Some(after);
                    break;
                }
                after[at] = 0;
            }
            Some(Self(here.into()))
        })
    }
}

/// What to say in a situation: the rule that matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan<'r> {
    pub rule: &'r Rule,
}

impl<'r> Plan<'r> {
    pub fn steps(self) -> &'r [StepIx] {
        &self.rule.steps
    }
}

/// # Panics
/// If the situation is of other rules: `check` proved that exactly one rule matches each of these.
pub fn decide<'r>(rules: &'r RuleSet, situation: &Situation) -> Plan<'r> {
    let rule = rules.rules.iter().find(|r| r.when.contains(situation.values()));
    Plan { rule: rule.expect("proved: every situation has a rule") }
}
