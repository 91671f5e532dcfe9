//! The situations with another answer: intersections of a row of one table with a row of the other whose answers differ.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::Hash;

use super::texts::{Subject, TextChange};
use super::{Answer, Cause, Group, Side, SpaceMap, ids};
use crate::ruleset::{Rule, RuleSet, StepIx, StepWords};
use crate::space::{self, Cube, Region, Space, TooEntangled};

/// What the CSO does for a step, comparable between both files.
#[derive(PartialEq, Eq, Hash)]
pub(super) enum Action<'r> {
    Say(String),
    /// A reminder with this id in both files, whatever its text.
    SharedReminder(&'r str),
    /// A reminder of only one file, by its text.
    Reminder(&'r str),
}

pub(super) fn actions<'r>(rules: &'r RuleSet, other: &RuleSet) -> impl Iterator<Item = Action<'r>> {
    let reminders = other.steps.iter().filter(|step| !step.is_spoken());
    let known: HashSet<String> = reminders.map(|step| step.id.clone()).collect();
    rules.steps.iter().map(move |step| match &step.words {
        StepWords::Say(template) => Action::Say(template.with_placeholders(rules).to_string()),
        StepWords::Remind(_) if known.contains(&step.id) => Action::SharedReminder(&step.id),
        StepWords::Remind(words) => Action::Reminder(words),
    })
}

/// Numbers values so that equal ones have equal numbers.
fn number<T: Eq + Hash>(known: &mut HashMap<T, usize>, thing: T) -> usize {
    let next = known.len();
    *known.entry(thing).or_insert(next)
}

pub(super) struct Rows<'r> {
    old: &'r RuleSet,
    new: &'r RuleSet,
    /// For each step, the number of its action.
    pub(super) old_actions: Vec<usize>,
    pub(super) new_actions: Vec<usize>,
}

/// Intersections with the same old and the same new answer.
struct Draft<'r> {
    before: &'r [StepIx],
    after: &'r [StepIx],
    cubes: Vec<Cube>,
    rules: BTreeSet<Cause>,
}

impl<'r> Rows<'r> {
    pub(super) fn new(old: &'r RuleSet, new: &'r RuleSet) -> Self {
        let mut known = HashMap::new();
        let old_actions = actions(old, new).map(|action| number(&mut known, action)).collect();
        let new_actions = actions(new, old).map(|action| number(&mut known, action)).collect();
        Self { old, new, old_actions, new_actions }
    }

    /// How many sentences of some rule were reworded, added or removed.
    pub(super) fn sentences(&self) -> usize {
        let spoken = |rules: &RuleSet, actions: &[usize]| -> HashSet<usize> {
            let used = rules.rules.iter().flat_map(|rule| &rule.steps).filter(|ix| rules.step(**ix).is_spoken());
            used.map(|ix| actions[ix.at()]).collect()
        };
        let (before, after) = (spoken(self.old, &self.old_actions), spoken(self.new, &self.new_actions));
        before.difference(&after).count().max(after.difference(&before).count())
    }

    /// The situations whose answer changed. Adds changed cautions and bases to `texts`.
    pub(super) fn groups(
        &self,
        old_side: &SpaceMap,
        new_side: &SpaceMap,
        space: &Space,
        texts: &mut Vec<TextChange>,
    ) -> Result<Vec<Group<'r>>, TooEntangled> {
        let (mut answers, mut classes) = (HashMap::new(), HashMap::new());
        let mut answer = |rule: &'r Rule, actions: &[usize]| {
            let done: Vec<usize> = rule.steps.iter().map(|ix| actions[ix.at()]).collect();
            number(&mut answers, done)
        };
        let old_answers: Vec<usize> = self.old.rules.iter().map(|rule| answer(rule, &self.old_actions)).collect();
        let new_answers: Vec<usize> = self.new.rules.iter().map(|rule| answer(rule, &self.new_actions)).collect();
        let mut table = |rules: &'r [Rule], side: &SpaceMap, answers: &[usize]| -> Vec<(Cube, usize)> {
            let row = |(rule, answer): (&'r Rule, &usize)| {
                let class = number(&mut classes, (*answer, &rule.caution, &rule.basis));
                (side.cube(&rule.when), class)
            };
            rules.iter().zip(answers).map(row).collect()
        };
        let old_table = table(&self.old.rules, old_side, &old_answers);
        let new_table = table(&self.new.rules, new_side, &new_answers);

        let mut reported = HashSet::new();
        let (mut places, mut drafts) = (HashMap::new(), Vec::<Draft<'_>>::new());
        for crossing in space::crossings(&new_table, &old_table)? {
            let (before, after) = (&self.old.rules[crossing.other], &self.new.rules[crossing.one]);
            let same = old_answers[crossing.other] == new_answers[crossing.one];
            let basis = ("basis", &before.basis, &after.basis);
            let candidates = [Some(("caution", &before.caution, &after.caution)), same.then_some(basis)];
            for (field, before, now) in candidates.into_iter().flatten().filter(|(_, before, after)| before != after) {
                if reported.insert((crossing.one, field, before)) {
                    let (subject, id) = (Subject::Rule, after.id.clone());
                    texts.push(TextChange { subject, id, field, before: before.clone(), after: now.clone() });
                }
            }
            if same {
                continue;
            }
            let (before_steps, after_steps) = (&before.steps[..], &after.steps[..]);
            let at = number(&mut places, (before_steps, after_steps));
            if at == drafts.len() {
                let (cubes, rules) = (Vec::new(), BTreeSet::new());
                drafts.push(Draft { before: before_steps, after: after_steps, cubes, rules });
            }
            drafts[at].cubes.push(crossing.both);
            drafts[at].rules.insert(Cause { side: Side::Old, line: before.line });
            drafts[at].rules.insert(Cause { side: Side::New, line: after.line });
        }
        Ok(drafts.into_iter().map(|draft| self.group(draft, space)).collect())
    }

    fn group(&self, draft: Draft<'r>, space: &Space) -> Group<'r> {
        let region = Region::disjoint(draft.cubes).simplify(space);
        let (before, after) = (Answer::new(self.old, draft.before), Answer::new(self.new, draft.after));
        let mut causes = if before.steps == after.steps { BTreeSet::new() } else { draft.rules };
        let after_steps: HashMap<&str, &StepIx> = ids(self.new, draft.after).zip(draft.after).collect();
        for (id, old) in ids(self.old, draft.before).zip(draft.before) {
            if let Some(new) = after_steps.get(id)
                && self.old_actions[old.at()] != self.new_actions[new.at()]
            {
                causes.insert(Cause { side: Side::Old, line: self.old.step(*old).line });
                causes.insert(Cause { side: Side::New, line: self.new.step(**new).line });
            }
        }
        Group {
            situations: region.count(space),
            cubes: region.cubes().to_vec(),
            before,
            after,
            causes: causes.into_iter().collect(),
        }
    }
}
