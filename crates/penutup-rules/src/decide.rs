//! Situation → plan. One linear look over the rules, no allocation: a situation is decided in nanoseconds.

use super::ruleset::{Rule, RuleSet, StepIx};

/// One combination of fact values: for each fact, in the rules' order, the position of its value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Situation(Box<[u16]>);

impl Situation {
    /// The situation in which every fact has its default, the first value.
    #[must_use]
    pub fn default_of(rules: &RuleSet) -> Self {
        Self(vec![0; rules.facts.len()].into())
    }

    /// The situation with these value positions, where they fit the rules.
    #[must_use]
    pub fn new(rules: &RuleSet, values: Vec<u16>) -> Option<Self> {
        let fits = values.len() == rules.facts.len()
            && values.iter().zip(&rules.facts).all(|(v, f)| usize::from(*v) < f.values.len());
        fits.then(|| Self(values.into()))
    }

    /// For each fact the position of its value.
    #[must_use]
    pub fn values(&self) -> &[u16] {
        &self.0
    }

    /// The position of the value of this fact.
    #[must_use]
    pub fn value(&self, fact: usize) -> usize {
        usize::from(self.0[fact])
    }

    /// Sets a fact to the value at this position.
    ///
    /// # Panics
    /// Where the rules have no such fact or value: both come from the same rules.
    pub fn set(&mut self, rules: &RuleSet, fact: usize, value: usize) {
        assert!(value < rules.facts[fact].values.len(), "a value of another fact");
        self.0[fact] = u16::try_from(value).expect("a checked file is too small for more values");
    }

    /// Every situation of the rules, the last fact turning fastest. For tables and tests of small rules; proofs never
    /// list situations.
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

/// What is to be said in a situation: the rule that fired, and through it the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan<'r> {
    /// The one rule that matches.
    pub rule: &'r Rule,
}

impl<'r> Plan<'r> {
    /// The steps, in order.
    #[must_use]
    pub fn steps(self) -> &'r [StepIx] {
        &self.rule.steps
    }
}

/// The one plan of a situation.
///
/// # Panics
/// Never for a situation of these rules: `check` proved that exactly one rule matches each.
#[must_use]
pub fn decide<'r>(rules: &'r RuleSet, situation: &Situation) -> Plan<'r> {
    let rule = rules.rules.iter().find(|r| r.when.contains(situation.values()));
    Plan { rule: rule.expect("proved: every situation has a rule") }
}
