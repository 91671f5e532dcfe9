//! The situations that are answered otherwise: the crossings of a row of one table with a row of the other whose answers
//! differ.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::Hash;

use super::texts::{Subject, TextChange};
use super::{Answer, Cause, Group, Lift, Side, ids};
use crate::ruleset::{Rule, RuleSet, StepIx, StepWords};
use crate::space::{self, Cube, Region, Space, TooEntangled};

/// What a step has the CSO do, in words that both files share.
#[derive(PartialEq, Eq, Hash)]
pub(super) enum Act<'r> {
    /// Say this.
    Say(String),
    /// Think of what both files call by this id, however each words it.
    Known(&'r str),
    /// Think of this.
    Think(&'r str),
}

pub(super) fn acts<'r>(rules: &'r RuleSet, other: &RuleSet) -> impl Iterator<Item = Act<'r>> {
    let reminders = other.steps.iter().filter(|step| !step.is_spoken());
    let known: HashSet<String> = reminders.map(|step| step.id.clone()).collect();
    rules.steps.iter().map(move |step| match &step.words {
        StepWords::Say(template) => Act::Say(template.with_placeholders(rules).to_string()),
        StepWords::Remind(_) if known.contains(&step.id) => Act::Known(&step.id),
        StepWords::Remind(words) => Act::Think(words),
    })
}

/// Gives equal things equal numbers.
fn number<T: Eq + Hash>(known: &mut HashMap<T, usize>, thing: T) -> usize {
    let next = known.len();
    *known.entry(thing).or_insert(next)
}

/// The rows of both tables.
pub(super) struct Rows<'r> {
    old: &'r RuleSet,
    new: &'r RuleSet,
    /// For each step, the number of its act.
    pub(super) old_acts: Vec<usize>,
    pub(super) new_acts: Vec<usize>,
}

/// Crossings with the same old and the same new answer.
struct Draft<'r> {
    before: &'r [StepIx],
    after: &'r [StepIx],
    cubes: Vec<Cube>,
    rules: BTreeSet<Cause>,
}

impl<'r> Rows<'r> {
    pub(super) fn new(old: &'r RuleSet, new: &'r RuleSet) -> Self {
        let mut known = HashMap::new();
        let old_acts = acts(old, new).map(|act| number(&mut known, act)).collect();
        let new_acts = acts(new, old).map(|act| number(&mut known, act)).collect();
        Self { old, new, old_acts, new_acts }
    }

    /// How many sentences that are spoken somewhere are worded otherwise, new or gone.
    pub(super) fn sentences(&self) -> usize {
        let spoken = |rules: &RuleSet, acts: &[usize]| -> HashSet<usize> {
            let used = rules.rules.iter().flat_map(|rule| &rule.steps).filter(|ix| rules.step(**ix).is_spoken());
            used.map(|ix| acts[ix.at()]).collect()
        };
        let (before, after) = (spoken(self.old, &self.old_acts), spoken(self.new, &self.new_acts));
        before.difference(&after).count().max(after.difference(&before).count())
    }

    /// The situations whose answer changed. Cautions and bases that did are noted on the way.
    pub(super) fn groups(
        &self,
        old_side: &Lift,
        new_side: &Lift,
        space: &Space,
        texts: &mut Vec<TextChange>,
    ) -> Result<Vec<Group<'r>>, TooEntangled> {
        let (mut said, mut seen) = (HashMap::new(), HashMap::new());
        let mut answer = |rule: &'r Rule, acts: &[usize]| {
            let done: Vec<usize> = rule.steps.iter().map(|ix| acts[ix.at()]).collect();
            number(&mut said, done)
        };
        let old_said: Vec<usize> = self.old.rules.iter().map(|rule| answer(rule, &self.old_acts)).collect();
        let new_said: Vec<usize> = self.new.rules.iter().map(|rule| answer(rule, &self.new_acts)).collect();
        let mut table = |rules: &'r [Rule], side: &Lift, said: &[usize]| -> Vec<(Cube, usize)> {
            let row = |(rule, said): (&'r Rule, &usize)| {
                let class = number(&mut seen, (*said, &rule.caution, &rule.basis));
                (side.cube(&rule.when), class)
            };
            rules.iter().zip(said).map(row).collect()
        };
        let old_table = table(&self.old.rules, old_side, &old_said);
        let new_table = table(&self.new.rules, new_side, &new_said);

        let mut told = HashSet::new();
        let (mut places, mut drafts) = (HashMap::new(), Vec::<Draft<'_>>::new());
        for crossing in space::crossings(&new_table, &old_table)? {
            let (before, after) = (&self.old.rules[crossing.other], &self.new.rules[crossing.one]);
            let same = old_said[crossing.other] == new_said[crossing.one];
            let basis = ("basis", &before.basis, &after.basis);
            let beside = [Some(("caution", &before.caution, &after.caution)), same.then_some(basis)];
            for (field, before, now) in beside.into_iter().flatten().filter(|(_, before, after)| before != after) {
                if told.insert((crossing.one, field, before)) {
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
                && self.old_acts[old.at()] != self.new_acts[new.at()]
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
