//! What a story can be about, and which sentences bring it to a goal: the set of situations that it leaves open is narrowed
//! until everything in it is answered alike.

use super::{Dealer, Goal, Tale, Told, Usable};
use crate::rules::decide::{Situation, decide};
use crate::rules::space::{Cube, Values};

/// How many ways of adding sentences are tried for one story.
const TRIES: usize = 400;

impl Dealer<'_> {
    /// What is told of facts by a story and these sentences.
    fn told<'t>(&'t self, usable: &'t Usable<'_>, details: &'t [usize]) -> impl Iterator<Item = Told> + 't {
        usable.told.iter().chain(details.iter().flat_map(|at| &self.added[*at].told)).copied()
    }

    /// Whether a sentence says nothing of what the others say something of.
    pub(super) fn is_new(&self, usable: &Usable<'_>, details: &[usize], extra: usize) -> bool {
        !self.added[extra].told.iter().any(|new| self.told(usable, details).any(|told| told.fact == new.fact))
    }

    /// What a story with these sentences can be about.
    pub(super) fn tale(&self, usable: &Usable<'_>, details: &[usize]) -> Tale {
        let (mut open, mut situation) = (Cube::any(), Situation::default_of(self.rules));
        let mut say = |fact: usize, value: usize, is_own: bool| {
            let mut values = self.unknown[usize::from(is_own)][fact].clone();
            values.insert(value);
            open = std::mem::take(&mut open).with(fact, values);
            situation.set(self.rules, fact, value);
        };
        for fact in &usable.unsaid {
            say(*fact, 0, usable.scenario.is_own);
        }
        for told in self.told(usable, details) {
            say(told.fact, told.value, told.is_own);
        }
        Tale { open, situation }
    }

    /// Whether all that is open lies in the set.
    pub(super) fn lies_in(&self, open: &Cube, set: &Cube) -> bool {
        set.constraints().all(|(fact, values)| {
            let all = Values::all(self.rules.facts[fact].values.len());
            open.values(fact).unwrap_or(&all).subtract(values).is_empty()
        })
    }

    /// Whether all that is open is answered alike.
    fn is_decided(&self, open: &Cube) -> bool {
        let mut answers = self.rules.rules.iter().filter(|r| r.when.intersects(open)).map(|r| &r.steps);
        let first = answers.next();
        answers.all(|steps| Some(steps) == first)
    }

    pub(super) fn greets(&self, tale: &Tale) -> bool {
        decide(self.rules, &tale.situation).steps().iter().any(|step| self.rules.step(*step).greets())
    }

    pub(super) fn reaches(&self, tale: &Tale, goal: Goal<'_>) -> bool {
        let fits = match goal {
            Goal::In(set) => self.lies_in(&tale.open, set),
            Goal::Greeting => self.greets(tale),
        };
        fits && self.is_decided(&tale.open)
    }

    /// The sentences that bring a story to the goal, none where it is there; `None` where none do.
    pub(super) fn complete(&self, usable: &Usable<'_>, goal: Goal<'_>, order: &[usize]) -> Option<Vec<usize>> {
        let (mut details, mut tries) = (Vec::new(), TRIES);
        if !self.grow(usable, goal, order, &mut details, &mut tries) {
            return None;
        }
        // A sentence may have been made needless by a later one.
        for at in (0..details.len()).rev() {
            let mut without = details.clone();
            without.remove(at);
            if self.reaches(&self.tale(usable, &without), goal) {
                details = without;
            }
        }
        Some(details)
    }

    fn grow(
        &self,
        usable: &Usable<'_>,
        goal: Goal<'_>,
        order: &[usize],
        details: &mut Vec<usize>,
        tries: &mut usize,
    ) -> bool {
        let tale = self.tale(usable, details);
        let is_told = |fact: usize| self.told(usable, details).any(|told| told.fact == fact);
        let size = |fact: usize| self.rules.facts[fact].values.len();
        // A fact that must be told for the goal, and the values that it may be told to have.
        let lacking = match goal {
            Goal::In(set) => {
                let lacks = |(fact, values): &(usize, &Values)| {
                    !self.lies_in(&tale.open, &Cube::any().with(*fact, (*values).clone()))
                };
                set.constraints().find(lacks).map(|(fact, values)| (fact, values.clone()))
            }
            Goal::Greeting => None,
        };
        let (fact, values) = match lacking {
            Some((fact, _)) if is_told(fact) => return false,
            Some(lacking) => lacking,
            None if self.reaches(&tale, goal) => return true,
            // Everything fits but the set is too wide, or has no greeting: a fact that makes a difference is told.
            None => {
                let differs = |fact: &usize| {
                    let narrows = |rule: &crate::rules::ruleset::Rule| {
                        rule.when.values(*fact).is_some_and(|v| v.len() < size(*fact))
                            && rule.when.intersects(&tale.open)
                    };
                    let is_open = matches!(goal, Goal::Greeting) || tale.open.values(*fact).is_none();
                    is_open && !is_told(*fact) && self.rules.rules.iter().any(narrows)
                };
                let brings = |fact: &usize| self.added.iter().any(|a| a.told.iter().any(|t| t.fact == *fact));
                let Some(fact) = (0..self.rules.facts.len()).filter(brings).find(differs) else { return false };
                let values = match goal {
                    Goal::In(set) => set.values(fact).cloned().unwrap_or_else(|| Values::all(size(fact))),
                    Goal::Greeting => Values::all(size(fact)),
                };
                (fact, values)
            }
        };
        for &at in order {
            let brings = |told: &Told| told.fact == fact && values.contains(told.value);
            if *tries == 0 || !self.added[at].told.iter().any(brings) || !self.is_new(usable, details, at) {
                continue;
            }
            *tries -= 1;
            details.push(at);
            if self.grow(usable, goal, order, details, tries) {
                return true;
            }
            details.pop();
        }
        false
    }
}
