//! Finds the extra sentences with which a story meets a goal: they narrow the situations that it fits until all of them
//! have the same answer.

use super::{Candidate, CardGenerator, Goal, Scope, Statement};
use crate::rules::decide::{Situation, decide};
use crate::rules::space::{Cube, Values};

/// How many combinations of sentences are tried per story.
const TRIES: usize = 400;

impl CardGenerator<'_> {
    /// What a story with these sentences says of the facts.
    fn statements<'t>(
        &'t self,
        candidate: &'t Candidate<'_>,
        details: &'t [usize],
    ) -> impl Iterator<Item = Statement> + 't {
        candidate.statements.iter().chain(details.iter().flat_map(|at| &self.extras[*at].statements)).copied()
    }

    /// Whether a sentence mentions no fact that the story or the other sentences mention.
    pub(super) fn adds_only_new_facts(&self, candidate: &Candidate<'_>, details: &[usize], extra: usize) -> bool {
        !self.extras[extra]
            .statements
            .iter()
            .any(|new| self.statements(candidate, details).any(|old| old.fact == new.fact))
    }

    /// The situations that a story with these sentences fits.
    pub(super) fn scope(&self, candidate: &Candidate<'_>, details: &[usize]) -> Scope {
        let (mut open, mut situation) = (Cube::any(), Situation::default_of(self.rules));
        let mut mention = |fact: usize, value: usize, is_own: bool| {
            let mut values = self.unreviewed[usize::from(is_own)][fact].clone();
            values.insert(value);
            open = std::mem::take(&mut open).with(fact, values);
            situation.set(self.rules, fact, value);
        };
        for fact in &candidate.unsaid {
            mention(*fact, 0, candidate.scenario.is_own);
        }
        for statement in self.statements(candidate, details) {
            mention(statement.fact, statement.value, statement.is_own);
        }
        Scope { open, situation }
    }

    /// Whether a scope has no situation outside of the set.
    pub(super) fn is_within(&self, open: &Cube, set: &Cube) -> bool {
        set.constraints().all(|(fact, values)| {
            let all = Values::all(self.rules.facts[fact].values.len());
            open.values(fact).unwrap_or(&all).subtract(values).is_empty()
        })
    }

    /// Whether every situation has the same answer.
    fn has_one_answer(&self, open: &Cube) -> bool {
        let mut answers = self.rules.rules.iter().filter(|r| r.when.intersects(open)).map(|r| &r.steps);
        let first = answers.next();
        answers.all(|steps| Some(steps) == first)
    }

    pub(super) fn greets(&self, scope: &Scope) -> bool {
        decide(self.rules, &scope.situation).steps().iter().any(|step| self.rules.step(*step).greets())
    }

    pub(super) fn meets(&self, scope: &Scope, goal: Goal<'_>) -> bool {
        let fits = match goal {
            Goal::In(set) => self.is_within(&scope.open, set),
            Goal::Greeting => self.greets(scope),
        };
        fits && self.has_one_answer(&scope.open)
    }

    /// The sentences with which a story meets the goal; `None` if there are none.
    pub(super) fn extras_for(&self, candidate: &Candidate<'_>, goal: Goal<'_>, order: &[usize]) -> Option<Vec<usize>> {
        let (mut details, mut tries) = (Vec::new(), TRIES);
        if !self.search(candidate, goal, order, &mut details, &mut tries) {
            return None;
        }
        // A later sentence may have made an earlier one unnecessary.
        for at in (0..details.len()).rev() {
            let mut without = details.clone();
            without.remove(at);
            if self.meets(&self.scope(candidate, &without), goal) {
                details = without;
            }
        }
        Some(details)
    }

    fn search(
        &self,
        candidate: &Candidate<'_>,
        goal: Goal<'_>,
        order: &[usize],
        details: &mut Vec<usize>,
        tries: &mut usize,
    ) -> bool {
        let scope = self.scope(candidate, details);
        let is_mentioned = |fact: usize| self.statements(candidate, details).any(|statement| statement.fact == fact);
        let size = |fact: usize| self.rules.facts[fact].values.len();
        // A fact that has to be mentioned for the goal, and the values that it may have.
        let lacking = match goal {
            Goal::In(set) => {
                let lacks = |(fact, values): &(usize, &Values)| {
                    !self.is_within(&scope.open, &Cube::any().with(*fact, (*values).clone()))
                };
                set.constraints().find(lacks).map(|(fact, values)| (fact, values.clone()))
            }
            Goal::Greeting => None,
        };
        let (fact, values) = match lacking {
            Some((fact, _)) if is_mentioned(fact) => return false,
            Some(lacking) => lacking,
            None if self.meets(&scope, goal) => return true,
            // The story fits, but its situations have several answers, or no greeting: mention a fact that decides.
            None => {
                let differs = |fact: &usize| {
                    let narrows = |rule: &crate::rules::ruleset::Rule| {
                        rule.when.values(*fact).is_some_and(|v| v.len() < size(*fact))
                            && rule.when.intersects(&scope.open)
                    };
                    let is_open = matches!(goal, Goal::Greeting) || scope.open.values(*fact).is_none();
                    is_open && !is_mentioned(*fact) && self.rules.rules.iter().any(narrows)
                };
                let brings = |fact: &usize| self.extras.iter().any(|a| a.statements.iter().any(|t| t.fact == *fact));
                let Some(fact) = (0..self.rules.facts.len()).filter(brings).find(differs) else { return false };
                let values = match goal {
                    Goal::In(set) => set.values(fact).cloned().unwrap_or_else(|| Values::all(size(fact))),
                    Goal::Greeting => Values::all(size(fact)),
                };
                (fact, values)
            }
        };
        for &at in order {
            let brings = |new: &Statement| new.fact == fact && values.contains(new.value);
            if *tries == 0
                || !self.extras[at].statements.iter().any(brings)
                || !self.adds_only_new_facts(candidate, details, at)
            {
                continue;
            }
            *tries -= 1;
            details.push(at);
            if self.search(candidate, goal, order, details, tries) {
                return true;
            }
            details.pop();
        }
        false
    }
}
