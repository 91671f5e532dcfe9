//! What CSOs will say differently with another rules file: in exactly which situations, and why.
//!
//! Both tables partition the situations they know. They differ in the intersections of a row of one with a row of the
//! other whose answers differ: disjoint cubes, counted without listing a situation.
//!
//! What is a difference:
//!
//! * **The answer** of a situation is the sequence of its sentences, compared verbatim with placeholders in braces, and
//!   reminders. A reminder that was added, removed or moved changes the situation; a reworded one does not. Ids of steps
//!   and rules, the order of rules, facts and steps, comments and layout are ignored.
//! * **The situations compared** are those that both files know. A fact that one file lacks has all its values there,
//!   since no rule of that file depends on it. A value that one file lacks has no counterpart: its situations are
//!   counted, never as changed, and the value is listed as added or removed. Combinations of values that no file has are
//!   ignored.
//! * **Everything else that a CSO, a supervisor or QA sees or hears**: greeting hours, zones, fields, and texts other
//!   than sentences. The caution of a rule is listed wherever it changed; the basis only if the answer did not change.
//! * **The requirements**, by what they guarantee: duties of one file that the other's duties don't imply, however they
//!   are written.

mod duties;
mod marked;
mod plans;
mod situations;
mod texts;

use std::collections::{HashMap, HashSet};

use num_bigint::BigUint;

use super::decide::{Situation, decide};
use super::ruleset::{self, RuleSet, StepIx, Value};
use super::script::{Sentence, script_with_placeholders};
use super::space::{Cube, Space, Values};

use situations::Rows;

pub use duties::{Allowed, Demand, DutyChange, DutyChangeKind, DutyPart};
pub use marked::{Run, marked};
pub use texts::{GreetingChange, Subject, TextChange, ZoneChange};

#[derive(Clone, Debug)]
pub struct Diff<'r> {
    /// Of both files, the new one's first.
    pub facts: Vec<Fact<'r>>,
    /// How many situations the two files have together.
    pub situations: BigUint,
    /// How many of them have another answer.
    pub changed: BigUint,
    /// The changed situations by old and new answer, in the order of the new rules.
    pub groups: Vec<Group<'r>>,
    /// The times of day with another greeting.
    pub greetings: Vec<GreetingChange<'r>>,
    /// Zones added, removed or with another offset.
    pub zones: Vec<ZoneChange<'r>>,
    /// Guarantees that the requirements lost or gained.
    pub duties: Vec<DutyChange<'r>>,
    /// Texts other than sentences, and defaults.
    pub texts: Vec<TextChange>,
    /// How many sentences were reworded, added or removed.
    pub sentences: usize,
    /// Whether the situations were compared. If not, `changed` and `groups` are empty.
    pub is_complete: bool,
    /// Only in the new file.
    pub added: Names<'r>,
    /// Only in the old file.
    pub removed: Names<'r>,
    space: Space,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Situations with another answer, as a decimal.
    pub situations: String,
    /// Sentences reworded, added or removed.
    pub sentences: usize,
    /// Minutes of a day with another greeting.
    pub greeting_minutes: u32,
    /// Zones added, removed or with another offset.
    pub zones: usize,
    /// Requirements that guarantee more or less than before.
    pub duties: usize,
    pub others: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact<'r> {
    pub id: &'r str,
    /// Of the new file if it has the fact.
    pub label: &'r str,
    /// Of both files, the new one's first.
    pub values: Vec<&'r Value>,
}

/// Situations with the same old and the same new answer.
#[derive(Clone, Debug)]
pub struct Group<'r> {
    pub situations: BigUint,
    /// Disjoint cubes over [`Diff::facts`]; see [`Diff::when`].
    pub cubes: Vec<Cube>,
    pub before: Answer<'r>,
    pub after: Answer<'r>,
    /// The lines that cause the difference: rules with other steps, and steps that were reworded.
    pub causes: Vec<Cause>,
}

/// What a CSO says in a situation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<'r> {
    pub steps: Vec<&'r str>,
    /// The sentences, with the placeholders in braces as filled segments.
    pub script: Sentence,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cause {
    pub side: Side,
    /// From 1.
    pub line: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    Old,
    New,
}

/// The ids that only one of the files has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names<'r> {
    pub facts: Vec<&'r str>,
    /// `(fact, value)`, of facts that both files have.
    pub values: Vec<(&'r str, &'r str)>,
    pub steps: Vec<&'r str>,
}

impl Names<'_> {
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty() && self.values.is_empty() && self.steps.is_empty()
    }
}

impl Diff<'_> {
    /// Whether nothing differs that a CSO, a supervisor or QA sees or says.
    pub fn is_empty(&self) -> bool {
        self.is_complete
            && self.groups.is_empty()
            && self.duties.is_empty()
            && self.greetings.is_empty()
            && self.zones.is_empty()
            && self.texts.is_empty()
            && self.added.is_empty()
            && self.removed.is_empty()
    }

    pub fn counts(&self) -> Counts {
        let names = |names: &Names<'_>| names.facts.len() + names.values.len() + names.steps.len();
        let duties: HashSet<&str> = self.duties.iter().map(|change| change.id).collect();
        Counts {
            situations: self.changed.to_string(),
            sentences: self.sentences,
            greeting_minutes: self.greetings.iter().map(GreetingChange::minutes).sum(),
            zones: self.zones.len(),
            duties: duties.len(),
            others: self.texts.len() + names(&self.added) + names(&self.removed),
        }
    }

    /// For every fact of [`Self::facts`], the positions of the values that a cube allows.
    pub fn when(&self, cube: &Cube) -> impl Iterator<Item = Values> {
        cube.spelled_out(&self.space)
    }
}

/// Compares two rule sets.
///
/// # Errors
/// Two large, unrelated tables can differ in more places than can be listed. The diff then contains only what does not
/// depend on the situation.
pub fn diff<'r>(old: &'r RuleSet, new: &'r RuleSet) -> Result<Diff<'r>, Box<Diff<'r>>> {
    let facts = facts(old, new);
    let space = Space::new(facts.iter().map(|fact| fact.values.len()).collect());
    let (old_side, new_side) = (SpaceMap::new(old, &facts, &space), SpaceMap::new(new, &facts, &space));
    let both = old_side.known.intersect(&new_side.known).map_or(BigUint::ZERO, |both| both.count(&space));
    let (mut texts, rows) = (texts::texts(old, new), Rows::new(old, new));
    let groups = rows.groups(&old_side, &new_side, &space, &mut texts);
    let is_complete = groups.is_ok();
    let groups = groups.unwrap_or_default();
    let (added, removed) = names(old, new);
    let diff = Diff {
        situations: old_side.known.count(&space) + new_side.known.count(&space) - both,
        changed: groups.iter().map(|group| &group.situations).sum(),
        groups,
        greetings: texts::greetings(old, new),
        zones: texts::zones(old, new),
        duties: duties::changes([old, new], [&old_side, &new_side], &space, duties::WORK),
        texts,
        sentences: rows.sentences(),
        is_complete,
        added,
        removed,
        facts,
        space,
    };
    if is_complete { Ok(diff) } else { Err(Box::new(diff)) }
}

/// What changed apart from the answers of situations.
#[derive(Clone, Debug)]
pub struct OtherChanges<'r> {
    /// The times of day with another greeting.
    pub greetings: Vec<GreetingChange<'r>>,
    /// Requirements that guarantee more or less than before.
    pub duties: Vec<DutyChange<'r>>,
    /// Zones added, removed or with another offset.
    pub zones: Vec<ZoneChange<'r>>,
    /// Texts other than sentences, and defaults.
    pub texts: Vec<TextChange>,
    /// Only in the new file.
    pub added: Names<'r>,
    /// Only in the old file.
    pub removed: Names<'r>,
}

/// What changed apart from the situations, with little enough work for a screen.
pub fn other_changes<'r>(old: &'r RuleSet, new: &'r RuleSet) -> OtherChanges<'r> {
    let facts = facts(old, new);
    let space = Space::new(facts.iter().map(|fact| fact.values.len()).collect());
    let (old_side, new_side) = (SpaceMap::new(old, &facts, &space), SpaceMap::new(new, &facts, &space));
    let duties = duties::changes([old, new], [&old_side, &new_side], &space, duties::WORK_OF_A_SCREEN);
    let (added, removed) = names(old, new);
    OtherChanges {
        greetings: texts::greetings(old, new),
        duties,
        zones: texts::zones(old, new),
        texts: texts::texts(old, new),
        added,
        removed,
    }
}

/// The old and the new answer in a situation of the new rules; `None` if they are equal or the old rules lack one of its
/// values. A fact that only the old rules have is at its default.
pub fn spoken_change<'r>(
    old: &'r RuleSet,
    new: &'r RuleSet,
    situation: &Situation,
) -> Option<(Answer<'r>, Answer<'r>)> {
    let there = old_situation(old, new, situation)?;
    let (before, after) = (decide(old, &there).rule, decide(new, situation).rule);
    let rows = Rows::new(old, new);
    let actions =
        |steps: &[StepIx], actions: &[usize]| -> Vec<usize> { steps.iter().map(|ix| actions[ix.at()]).collect() };
    let same = actions(&before.steps, &rows.old_actions) == actions(&after.steps, &rows.new_actions);
    (!same).then(|| (Answer::new(old, &before.steps), Answer::new(new, &after.steps)))
}

/// The answer of the old rules in a situation of the new ones; `None` if they lack one of its values.
pub fn answer_before<'r>(old: &'r RuleSet, new: &RuleSet, situation: &Situation) -> Option<Answer<'r>> {
    let there = old_situation(old, new, situation)?;
    Some(Answer::new(old, &decide(old, &there).rule.steps))
}

/// A situation of the new rules in terms of the old ones.
fn old_situation(old: &RuleSet, new: &RuleSet, situation: &Situation) -> Option<Situation> {
    let mut there = Situation::default_of(old);
    for (at, fact) in old.facts.iter().enumerate() {
        let Some(now) = new.fact_named(&fact.id) else { continue };
        let value = &new.facts[now].values[situation.value(now)];
        there.set(old, at, fact.values.iter().position(|known| known.id == value.id)?);
    }
    Some(there)
}

impl<'r> Answer<'r> {
    fn new(rules: &'r RuleSet, steps: &[StepIx]) -> Self {
        Self { steps: ids(rules, steps).collect(), script: script_with_placeholders(rules, steps) }
    }
}

fn ids<'r>(rules: &'r RuleSet, steps: &[StepIx]) -> impl Iterator<Item = &'r str> {
    steps.iter().map(|ix| rules.step(*ix).id.as_str())
}

/// Items of both files paired by id: the new file's in order, then those that only the old one has.
struct Paired<'r, T> {
    all: Vec<(Option<&'r T>, Option<&'r T>)>,
}

impl<'r, T> Paired<'r, T> {
    fn new(old: &'r [T], new: &'r [T], id: impl Fn(&T) -> &str) -> Self {
        let before: HashMap<&str, &T> = old.iter().map(|thing| (id(thing), thing)).collect();
        let known: HashSet<&str> = new.iter().map(&id).collect();
        let current = new.iter().map(|thing| (before.get(id(thing)).copied(), Some(thing)));
        let dropped = old.iter().filter(|thing| !known.contains(id(thing))).map(|thing| (Some(thing), None));
        Self { all: current.chain(dropped).collect() }
    }

    fn shared(&self) -> impl Iterator<Item = (&'r T, &'r T)> {
        self.all.iter().filter_map(|&(before, after)| before.zip(after))
    }

    /// The added and the removed items.
    fn unpaired(&self) -> (Vec<&'r T>, Vec<&'r T>) {
        let added = self.all.iter().filter(|(before, _)| before.is_none()).filter_map(|pair| pair.1);
        let removed = self.all.iter().filter(|(_, after)| after.is_none()).filter_map(|pair| pair.0);
        (added.collect(), removed.collect())
    }
}

fn facts<'r>(old: &'r RuleSet, new: &'r RuleSet) -> Vec<Fact<'r>> {
    let pairs = Paired::new(&old.facts, &new.facts, |fact| &fact.id).all.into_iter();
    let none = |fact: Option<&'r ruleset::Fact>| fact.map_or(&[][..], |fact| &fact.values);
    let fact = |(before, after): (Option<&'r ruleset::Fact>, Option<&'r ruleset::Fact>)| {
        let named = after.or(before)?;
        let values = Paired::new(none(before), none(after), |value| &value.id).all.into_iter();
        let values = values.filter_map(|(before, after)| after.or(before)).collect();
        Some(Fact { id: &named.id, label: &named.label, values })
    };
    pairs.filter_map(fact).collect()
}

fn names<'r>(old: &'r RuleSet, new: &'r RuleSet) -> (Names<'r>, Names<'r>) {
    let (mut added, mut removed) = (Names::default(), Names::default());
    let facts = Paired::new(&old.facts, &new.facts, |fact| &fact.id);
    let (new_ones, old_ones) = facts.unpaired();
    added.facts.extend(new_ones.into_iter().map(|fact| fact.id.as_str()));
    removed.facts.extend(old_ones.into_iter().map(|fact| fact.id.as_str()));
    for (before, after) in facts.shared() {
        let (new_ones, old_ones) = Paired::new(&before.values, &after.values, |value| &value.id).unpaired();
        added.values.extend(new_ones.into_iter().map(|value| (after.id.as_str(), value.id.as_str())));
        removed.values.extend(old_ones.into_iter().map(|value| (before.id.as_str(), value.id.as_str())));
    }
    let (new_ones, old_ones) = Paired::new(&old.steps, &new.steps, |step| &step.id).unpaired();
    added.steps.extend(new_ones.into_iter().map(|step| step.id.as_str()));
    removed.steps.extend(old_ones.into_iter().map(|step| step.id.as_str()));
    (added, removed)
}

/// Maps the facts and values of one file to those of both.
struct SpaceMap {
    /// For each fact of the file, its index in the shared space and those of its values.
    facts: Vec<(usize, Vec<usize>)>,
    /// The situations with values of the file; a fact that it lacks may have any value.
    known: Cube,
}

impl SpaceMap {
    fn new(rules: &RuleSet, facts: &[Fact<'_>], space: &Space) -> Self {
        let places: HashMap<&str, usize> = facts.iter().enumerate().map(|(at, fact)| (fact.id, at)).collect();
        let (mut mapped, mut known) = (Vec::with_capacity(rules.facts.len()), Cube::any());
        for fact in &rules.facts {
            let at = places[fact.id.as_str()];
            let values = facts[at].values.iter().enumerate();
            let places: HashMap<&str, usize> = values.map(|(at, value)| (value.id.as_str(), at)).collect();
            let values: Vec<usize> = fact.values.iter().map(|value| places[value.id.as_str()]).collect();
            known = known.with(at, values.iter().copied().collect());
            mapped.push((at, values));
        }
        Self { facts: mapped, known: known.normalized(space) }
    }

    fn cube(&self, when: &Cube) -> Cube {
        let mapped = self.free_cube(when);
        mapped.intersect(&self.known).unwrap_or(mapped)
    }

    /// The situations of a condition, including those with values that the file lacks in other facts.
    fn free_cube(&self, when: &Cube) -> Cube {
        when.constraints().fold(Cube::any(), |cube, (fact, values)| {
            let (at, places) = &self.facts[fact];
            cube.with(*at, values.iter().map(|value| places[value]).collect())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::space::testing::{Rng, situations, tree};
    use super::*;
    use crate::ruleset::{Rule, StepWords};
    use crate::{BUILT_IN, check};
    use chrono::NaiveDate;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};
    use std::fmt::Write as _;

    pub(super) fn checked(source: &str) -> RuleSet {
        let report = check(source.as_bytes(), NaiveDate::MAX);
        report.rules.unwrap_or_else(|| panic!("{:?}\n{source}", report.problems))
    }

    /// The SOP with these texts replaced, each of which must occur.
    pub(super) fn sop_with(edits: &[(&str, &str)]) -> RuleSet {
        checked(&edits.iter().fold(BUILT_IN.to_owned(), |source, (from, to)| {
            assert!(source.contains(from), "{from}");
            source.replacen(from, to, 1)
        }))
    }

    const HEAD: &str = "schema = 1\n[sop]\ntitle = \"T\"\nrevision = \"R\"\n\
        [[zone]]\nid = \"WIB\"\noffset = \"+07:00\"\n[[greeting]]\nfrom = \"00:00\"\nword = \"pagi\"\n";

    /// Generates the source of a rules file.
    #[derive(Clone, Debug)]
    struct Draft {
        facts: Vec<(String, Vec<String>)>,
        /// Id, whether it is spoken, words.
        steps: Vec<(String, bool, String)>,
        /// Condition, positions of steps, caution.
        rules: Vec<(Cube, Vec<usize>, Option<usize>)>,
    }

    impl Draft {
        fn source(&self) -> String {
            let mut out = HEAD.to_owned();
            for (id, values) in &self.facts {
                let values: Vec<_> = values.iter().map(|v| format!("{{ id = \"{v}\", label = \"{v}\" }}")).collect();
                writeln!(out, "[[fact]]\nid = \"{id}\"\nlabel = \"{id}\"\nvalues = [{}]", values.join(", ")).unwrap();
            }
            for (id, spoken, words) in &self.steps {
                let key = if *spoken { "say" } else { "remind" };
                writeln!(out, "[[step]]\nid = \"{id}\"\ntitle = \"T\"\n{key} = \"{words}\"").unwrap();
            }
            for (at, (cube, steps, caution)) in self.rules.iter().enumerate() {
                let conditions = cube.constraints().map(|(fact, values)| {
                    let (id, all) = &self.facts[fact];
                    let values: Vec<_> = values.iter().map(|v| format!("\"{}\"", all[v])).collect();
                    format!("{id} = [{}]", values.join(", "))
                });
                let conditions: Vec<_> = conditions.collect();
                let steps: Vec<_> = steps.iter().map(|at| format!("\"{}\"", self.steps[*at].0)).collect();
                let (conditions, steps) = (conditions.join(", "), steps.join(", "));
                writeln!(out, "[[rule]]\nid = \"r{at}\"\nwhen = {{ {conditions} }}\nsteps = [{steps}]").unwrap();
                if let Some(caution) = caution {
                    writeln!(out, "caution = \"c{caution}\"").unwrap();
                }
            }
            out
        }

        fn space(&self) -> Space {
            Space::new(self.facts.iter().map(|(_, values)| values.len()).collect())
        }

        /// A small random file, with facts, values and sentences that another one may share.
        fn random(rng: &mut Rng) -> Self {
            let mut facts = Vec::new();
            for at in some(3, 0, rng) {
                let values = some(4, 2, rng).into_iter().map(|value| format!("v{value}"));
                facts.push((format!("f{at}"), values.collect()));
            }
            let steps = some(5, 1, rng).into_iter();
            let step = |at| (format!("s{at}"), rng.below(3) > 0, format!("Kata {}", rng.below(4)));
            let mut draft = Self { facts, steps: steps.map(step).collect(), rules: vec![] };
            for cube in tree(&draft.space(), 8, if draft.facts.is_empty() { 0 } else { 30 }, rng) {
                let steps = some(draft.steps.len(), 1, rng);
                draft.rules.push((cube, steps, (rng.below(3) == 0).then(|| rng.below(2))));
            }
            draft
        }

        /// 24 facts of four values and `leaves` rules with a few different answers.
        fn large(leaves: usize, rng: &mut Rng) -> Self {
            let values = || (0..4).map(|value| format!("v{value}")).collect();
            let facts = (0..24).map(|at| (format!("f{at}"), values())).collect();
            let steps = (0..6).map(|at| (format!("s{at}"), true, format!("Kata {at}"))).collect();
            let mut draft = Self { facts, steps, rules: vec![] };
            for cube in tree(&draft.space(), leaves, 100 * leaves, rng) {
                draft.rules.push((cube, vec![rng.below(5)], None));
            }
            draft
        }
    }

    /// At least `least` of the numbers below `limit`, in any order.
    fn some(limit: usize, least: usize, rng: &mut Rng) -> Vec<usize> {
        let mut all = shuffled((0..limit).collect(), rng);
        all.truncate(least + rng.below(limit - least + 1));
        all
    }

    fn shuffled<T>(mut things: Vec<T>, rng: &mut Rng) -> Vec<T> {
        for at in (1..things.len()).rev() {
            things.swap(at, rng.below(at + 1));
        }
        things
    }

    fn sorted<'r>(names: &Names<'r>) -> (BTreeSet<&'r str>, BTreeSet<(&'r str, &'r str)>, BTreeSet<&'r str>) {
        let Names { facts, values, steps } = names.clone();
        (facts.into_iter().collect(), values.into_iter().collect(), steps.into_iter().collect())
    }

    type Named<'r> = BTreeMap<&'r str, &'r str>;

    /// A situation in terms of the rules; `None` if they lack a value.
    fn situation(rules: &RuleSet, named: &Named<'_>) -> Option<Situation> {
        let value = |fact: &ruleset::Fact| fact.values.iter().position(|v| v.id == named[fact.id.as_str()]);
        let values: Option<Vec<u16>> = rules.facts.iter().map(|f| value(f)?.try_into().ok()).collect();
        Situation::new(rules, values?)
    }

    /// The answer of a rule: sentences by their text, reminders by id if both files have them.
    fn answer(rules: &RuleSet, other: &RuleSet, rule: &Rule) -> Vec<(bool, String)> {
        let action = |ix: &StepIx| match &rules.step(*ix).words {
            StepWords::Say(say) => (true, say.with_placeholders(rules).to_string()),
            StepWords::Remind(words) => {
                let id = &rules.step(*ix).id;
                let known = other.steps.iter().any(|s| &s.id == id && !s.is_spoken());
                (false, if known { format!("id {id}") } else { words.clone() })
            }
        };
        rule.steps.iter().map(action).collect()
    }

    type Changed<'r> = BTreeMap<Named<'r>, (Vec<&'r str>, Vec<&'r str>)>;

    /// The number of situations, and the changed ones with their old and new steps, by listing them all.
    fn enumerate<'r>(old: &'r RuleSet, new: &'r RuleSet) -> (usize, Changed<'r>) {
        let mut values: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for fact in old.facts.iter().chain(&new.facts) {
            values.entry(&fact.id).or_default().extend(fact.values.iter().map(|v| v.id.as_str()));
        }
        let all = values.iter().fold(vec![Named::new()], |starts, (fact, values)| {
            let grow = |start: Named<'r>| {
                values.iter().map(move |value| {
                    let mut longer = start.clone();
                    longer.insert(fact, value);
                    longer
                })
            };
            starts.into_iter().flat_map(grow).collect()
        });
        let (mut count, mut changed) = (0, Changed::new());
        for named in all {
            let (before, after) = (situation(old, &named), situation(new, &named));
            count += usize::from(before.is_some() || after.is_some());
            let (Some(before), Some(after)) = (before, after) else { continue };
            let (before, after) = (decide(old, &before).rule, decide(new, &after).rule);
            if answer(old, new, before) != answer(new, old, after) {
                changed.insert(named, (ids(old, &before.steps).collect(), ids(new, &after.steps).collect()));
            }
        }
        (count, changed)
    }

    /// The situations of a group's cubes.
    fn spread<'r>(diff: &Diff<'r>, cube: &Cube) -> Vec<Named<'r>> {
        let inside = situations(&diff.space).into_iter().filter(|at| cube.contains(at));
        let name = |at: Vec<u16>| {
            let named = diff.facts.iter().zip(at).map(|(fact, at)| (fact.id, fact.values[usize::from(at)].id.as_str()));
            named.collect()
        };
        inside.map(name).collect()
    }

    proptest! {
        #[test]
        fn a_diff_equals_a_full_enumeration(seed: u64) {
            let mut rng = Rng(seed);
            let (old, new) = (Draft::random(&mut rng).source(), Draft::random(&mut rng).source());
            let (old, new) = (checked(&old), checked(&new));
            let (count, changed) = enumerate(&old, &new);
            let found = diff(&old, &new).unwrap();
            prop_assert_eq!(&found.situations, &count.into());
            prop_assert_eq!(&found.changed, &changed.len().into());
            let mut reported = Changed::new();
            for group in &found.groups {
                let mut size = 0u32;
                for cube in &group.cubes {
                    for named in spread(&found, cube) {
                        let answers = (group.before.steps.clone(), group.after.steps.clone());
                        prop_assert!(reported.insert(named, answers).is_none(), "a situation is in two cubes");
                        size += 1;
                    }
                }
                prop_assert_eq!(&group.situations, &size.into());
                prop_assert!(!group.causes.is_empty());
            }
            prop_assert_eq!(reported, changed);

            let back = diff(&new, &old).unwrap();
            prop_assert_eq!(&back.situations, &found.situations);
            prop_assert_eq!(&back.changed, &found.changed);
            prop_assert_eq!(sorted(&back.added), sorted(&found.removed));
            prop_assert_eq!(sorted(&back.removed), sorted(&found.added));
            prop_assert_eq!(back.texts.is_empty(), found.texts.is_empty());
            prop_assert_eq!(back.is_empty(), found.is_empty());
            prop_assert!(diff(&old, &old).unwrap().is_empty());
        }

        #[test]
        fn the_change_of_one_situation_agrees_with_the_diff(seed: u64) {
            let mut rng = Rng(seed);
            let (old, new) = (Draft::random(&mut rng).source(), Draft::random(&mut rng).source());
            let (old, new) = (checked(&old), checked(&new));
            let (_, changed) = enumerate(&old, &new);
            for situation in Situation::all(&new) {
                // Facts of only the old rules are at their defaults.
                let default = |fact: &'_ ruleset::Fact| fact.values[0].id.clone();
                let defaults: Vec<_> = old.facts.iter().map(|fact| (fact.id.clone(), default(fact))).collect();
                let mut named: Named<'_> = defaults.iter().map(|(f, v)| (f.as_str(), v.as_str())).collect();
                for (at, fact) in new.facts.iter().enumerate() {
                    named.insert(&fact.id, &fact.values[situation.value(at)].id);
                }
                let reported = spoken_change(&old, &new, &situation);
                let reported = reported.map(|(before, after)| (before.steps, after.steps));
                prop_assert_eq!(reported.as_ref(), changed.get(&named));
            }
        }

        #[test]
        fn order_and_rule_ids_are_ignored(seed: u64) {
            let mut rng = Rng(seed);
            let old = Draft::random(&mut rng);
            let facts = shuffled((0..old.facts.len()).collect(), &mut rng);
            let steps = shuffled((0..old.steps.len()).collect(), &mut rng);
            let place = |all: &[usize], at: usize| all.iter().position(|other| *other == at).unwrap();
            let rule = |(cube, plan, caution): &(Cube, Vec<usize>, Option<usize>)| {
                let moved = cube.constraints().fold(Cube::any(), |moved, (fact, values)| {
                    moved.with(place(&facts, fact), values.clone())
                });
                (moved, plan.iter().map(|at| place(&steps, *at)).collect(), *caution)
            };
            let new = Draft {
                facts: facts.iter().map(|at| old.facts[*at].clone()).collect(),
                steps: steps.iter().map(|at| old.steps[*at].clone()).collect(),
                rules: shuffled(old.rules.iter().map(rule).collect(), &mut rng),
            };
            let source = new.source().replace("\n[[", "\n# catatan\n\n[[");
            let (old, new) = (checked(&old.source()), checked(&source));
            prop_assert!(diff(&old, &new).unwrap().is_empty());
        }
    }

    #[test]
    fn one_changed_rule_of_400_changes_exactly_its_situations() {
        let mut rng = Rng(24);
        let draft = Draft::large(400, &mut rng);
        assert_eq!(draft.rules.len(), 400);
        let (old, mut new) = (checked(&draft.source()), draft);
        let at = rng.below(400);
        new.rules[at].1 = vec![5];
        let expected = new.rules[at].0.count(&new.space());
        let new = checked(&new.source());
        let found = diff(&old, &new).unwrap();
        assert_eq!((found.situations, found.changed), (BigUint::from(1u8) << 48, expected));
        assert_eq!((found.groups.len(), found.groups[0].cubes.len()), (1, 1));
        assert_eq!(found.groups[0].cubes[0], new.rules[at].when.clone());
    }

    #[test]
    fn two_unrelated_tables_of_400_rules_are_compared_exactly() {
        let mut rng = Rng(7);
        let [old, new] = [(); 2].map(|()| checked(&Draft::large(400, &mut rng).source()));
        let (there, back) = (diff(&old, &new).unwrap(), diff(&new, &old).unwrap());
        assert!(there.changed > BigUint::ZERO && there.changed < there.situations);
        assert_eq!(there.changed, back.changed);
    }

    /// A hundred values of one fact by a hundred of another, a rule for each pair.
    fn grid(first: usize) -> Draft {
        let values = || (0..100).map(|value| format!("v{value}")).collect();
        let facts = (0..4).map(|at| (format!("f{at}"), values())).collect();
        let steps = (0..3).map(|at| (format!("s{at}"), true, format!("Kata {at}"))).collect();
        let only = |value| [value].into_iter().collect();
        let rule = |at: usize| {
            let cube = Cube::any().with(first, only(at / 100)).with(first + 1, only(at % 100));
            (cube, vec![at % 2 + first / 2], None)
        };
        Draft { facts, steps, rules: (0..10_000).map(rule).collect() }
    }

    #[test]
    fn ten_thousand_rules_are_compared_in_bounded_time() {
        let draft = grid(0);
        let (old, mut new) = (checked(&draft.source()), draft);
        new.rules[1234].1 = vec![2];
        let new = checked(&new.source());
        assert_eq!(diff(&old, &new).unwrap().changed, 10_000u16.into());

        let other = checked(&grid(2).source());
        let partial = diff(&old, &other).unwrap_err();
        assert!(!partial.is_complete && !partial.is_empty());
    }

    #[test]
    fn a_changed_rule_is_reported_with_its_lines() {
        let old = sop_with(&[]);
        let new = sop_with(&[(
            r#"["bantuan", "campaign", "update", "terima-kasih"]"#,
            r#"["bantuan", "campaign", "download", "terima-kasih"]"#,
        )]);
        let found = diff(&old, &new).unwrap();
        assert_eq!((found.situations.clone(), found.changed.clone()), (12u8.into(), 1u8.into()));
        let [group] = &found.groups[..] else { panic!("{:?}", found.groups) };
        assert_eq!(group.before.steps, ["bantuan", "campaign", "update", "terima-kasih"]);
        assert_eq!(group.after.steps, ["bantuan", "campaign", "download", "terima-kasih"]);
        assert!(group.after.script.to_string().contains("ayo download aplikasi"));
        let line = old.rules[1].line;
        assert_eq!(group.causes, [Cause { side: Side::Old, line }, Cause { side: Side::New, line }]);
        let when: Vec<_> = found.when(&group.cubes[0]).map(|values| values.iter().collect::<Vec<_>>()).collect();
        assert_eq!(when, [[0], [0], [1]]);
    }

    #[test]
    fn a_changed_sentence_is_reported_with_its_own_line() {
        let old = sop_with(&[]);
        let new = sop_with(&[("Agar semua makin mudah, ayo", "Ayo")]);
        let found = diff(&old, &new).unwrap();
        assert_eq!(found.changed, 6u8.into());
        // Campaign or not, KLB or not: three answers.
        assert_eq!(found.groups.len(), 3);
        let line = old.step(old.step_named("download").unwrap()).line;
        assert!(BUILT_IN.lines().nth(line - 1).unwrap().starts_with("say   = \"Agar semua"));
        let causes = [Cause { side: Side::Old, line }, Cause { side: Side::New, line }];
        assert!(found.groups.iter().all(|group| group.causes == causes));
    }

    #[test]
    fn a_renamed_step_is_reported_but_changes_no_situation() {
        let source = BUILT_IN.replace("\"download\"", "\"unduh\"");
        let (old, new) = (sop_with(&[]), checked(&source));
        let found = diff(&old, &new).unwrap();
        assert_eq!((found.changed.clone(), &found.added.steps[..]), (BigUint::ZERO, &["unduh"][..]));
        assert_eq!(found.removed.steps, ["download"]);
        assert!(found.texts.is_empty() && !found.is_empty());
    }

    #[test]
    fn a_moved_reminder_changes_the_situation_and_a_reworded_one_does_not() {
        let old = sop_with(&[]);
        let new = sop_with(&[(
            r#"["bantuan", "download", "customer-intimacy", "terima-kasih"]"#,
            r#"["bantuan", "customer-intimacy", "download", "terima-kasih"]"#,
        )]);
        let found = diff(&old, &new).unwrap();
        assert_eq!(found.changed, 2u8.into());
        assert_eq!(found.groups[0].before.script, found.groups[0].after.script);

        let new = sop_with(&[("Sampaikan Customer", "Selalu sampaikan Customer")]);
        let found = diff(&old, &new).unwrap();
        assert_eq!((found.changed, found.texts.len()), (BigUint::ZERO, 1));
        assert_eq!((found.texts[0].id.as_str(), found.texts[0].field), ("customer-intimacy", "remind"));
    }

    #[test]
    fn a_new_value_is_counted_but_not_compared() {
        let old = sop_with(&[]);
        let new = sop_with(&[
            (
                r#"{ id = "belum", label = "BELUM punya", short = "BELUM" },"#,
                r#"{ id = "belum", label = "BELUM punya", short = "BELUM" }, { id = "rusak", label = "Rusak" },"#,
            ),
            (r#"["belum-tahu", "belum"] }"#, r#"["belum-tahu", "belum", "rusak"] }"#),
            (r#"["belum-tahu", "telah"] }"#, r#"["belum-tahu", "telah", "rusak"] }"#),
            (r#"["belum-tahu", "belum"] }"#, r#"["belum-tahu", "belum", "rusak"] }"#),
            (r#"["belum-tahu", "telah"] }"#, r#"["belum-tahu", "telah", "rusak"] }"#),
        ]);
        for (found, there) in [(diff(&old, &new).unwrap(), true), (diff(&new, &old).unwrap(), false)] {
            assert_eq!((found.situations.clone(), found.changed.clone()), (16u8.into(), BigUint::ZERO));
            let (with, without) = if there { (&found.added, &found.removed) } else { (&found.removed, &found.added) };
            assert_eq!((&with.values[..], without.is_empty()), (&[("aplikasi", "rusak")][..], true));
            assert!(!found.is_empty());
        }
    }

    #[test]
    fn a_new_fact_takes_all_its_values_in_the_old_file() {
        let old = sop_with(&[]);
        let fact = "[[fact]]\nid = \"kota\"\nlabel = \"Kota\"\nvalues = [\
            { id = \"lain\", label = \"lain\" }, { id = \"medan\", label = \"Medan\" }]\n\n[[field]]";
        let rule = r#"when  = { klb = "ya", topik = "lain", aplikasi = ["belum-tahu", "belum"] }"#;
        let split = format!(
            "{}\nsteps = [\"update\", \"customer-intimacy\", \"terima-kasih\"]\n\n[[rule]]\nid = \"lain\"\n{}",
            rule.replace(" }", r#", kota = "medan" }"#),
            rule.replace(" }", r#", kota = "lain" }"#),
        );
        let new = sop_with(&[("[[field]]", fact), (rule, &split)]);
        let found = diff(&old, &new).unwrap();
        assert_eq!((found.situations.clone(), found.changed.clone()), (24u8.into(), 2u8.into()));
        assert_eq!(found.added.facts, ["kota"]);
        assert_eq!(found.facts.iter().map(|fact| fact.id).collect::<Vec<_>>(), ["klb", "topik", "aplikasi", "kota"]);
        let when: Vec<_> = found.when(&found.groups[0].cubes[0]).collect();
        assert_eq!(when[3].iter().collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn changed_cautions_are_always_reported_and_bases_only_if_the_answer_is_unchanged() {
        let old = sop_with(&[]);
        let new = sop_with(&[
            ("basis = \"Kalimat lengkap 1\"", "basis = \"Kalimat 1\"\ncaution = \"Hati-hati\""),
            (r#"steps = ["bantuan", "update", "terima-kasih"]"#, r#"steps = ["bantuan", "download", "terima-kasih"]"#),
            ("basis = \"Kalimat lengkap 2\"", "basis = \"Kalimat 2\""),
        ]);
        let found = diff(&old, &new).unwrap();
        let texts: Vec<_> = found.texts.iter().map(|text| (text.id.as_str(), text.field)).collect();
        assert_eq!(texts, [("kalimat-lengkap-1", "caution"), ("kalimat-lengkap-1", "basis")]);
        assert_eq!((found.texts[0].before.clone(), found.texts[0].after.as_deref()), (None, Some("Hati-hati")));
    }
}
