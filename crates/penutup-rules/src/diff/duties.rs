//! Duties of one file that the requirements of the other don't imply, compared by the plans they allow.
//!
//! A requirement is a set of demands on the plans of its situations. A demand is guaranteed in a situation if every plan
//! that the other file's requirements allow there meets it. To decide this for many situations at once, they are divided
//! into pieces. If the requirements that cover a whole piece imply the demand, it is guaranteed everywhere in the piece. If
//! not even all requirements that intersect the piece together imply it, it is guaranteed nowhere there. Otherwise the
//! piece is divided further.
//!
//! Work is limited; a demand for which it runs out is reported as unproved.
//!
//! # Example
//! The old file requires `always = ["thanks"]` in every situation; the new file requires it only `when = { klb = "no" }`.
//! The demand is [`Atom::Present`] of "thanks" for the cube "everything".
//!
//! 1. The piece "everything": the new requirement covers it in part, so the verdict is [`Verdict::Divide`] by `klb = "no"`.
//! 2. The piece `klb = "no"`: the new requirement covers it and implies the demand: [`Verdict::Guaranteed`].
//! 3. The piece `klb = "yes"`: no requirement is left there, and a plan without "thanks" is allowed:
//!    [`Verdict::Violated`], with [`Allowed::Without`] "thanks" as the example.
//!
//! The result is `Missing { pieces: [klb = "yes"], example: Without("thanks") }`, reported as [`DutyChangeKind::Weakened`].

use std::collections::{HashMap, HashSet};

use num_bigint::BigUint;

use super::SpaceMap;
use super::plans::{Atom, OutOfWork, PlanQuery, Steps, Work};
use super::situations::{Action, actions};
use crate::ruleset::{Duty, Requirement, RuleSet, Step, StepIx};
use crate::space::{Cube, Region, Space};

/// The limit of work of a comparison, in steps and conditions examined.
pub(super) const WORK: usize = 10_000_000;
/// The same for a screen, which is drawn repeatedly.
pub(super) const WORK_OF_A_SCREEN: usize = 200_000;
/// The most pieces for one demand.
const MAX_PIECES: usize = 2_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DutyChangeKind {
    /// No longer guaranteed in any situation.
    Lost,
    /// No longer guaranteed in some situations.
    Weakened,
    /// Not proved to be still guaranteed.
    Unproved,
    /// Not guaranteed before in any situation.
    Added,
    /// Not guaranteed before in some situations.
    Strengthened,
}

/// A requirement of one file that the other does not fully guarantee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DutyChange<'r> {
    pub kind: DutyChangeKind,
    pub id: &'r str,
    pub basis: Option<&'r str>,
    pub parts: Vec<DutyPart<'r>>,
}

/// A demand, the situations in which the other file does not guarantee it, and what that file allows instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DutyPart<'r> {
    pub demand: Demand<'r>,
    pub situations: BigUint,
    /// Disjoint cubes over [`super::Diff::facts`].
    pub cubes: Vec<Cube>,
    /// An example for each step.
    pub allowed: Vec<Allowed<'r>>,
}

/// A constraint on plans, with the steps by id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Demand<'r> {
    Always(Vec<&'r str>),
    Never(Vec<&'r str>),
    ExactlyOne(Vec<&'r str>),
    Order(Vec<&'r str>),
    Last(&'r str),
    /// In a closing, each of these satisfies the others.
    Alternatives(Vec<&'r str>),
}

/// The property by which an allowed plan violates a demand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowed<'r> {
    Without(Vec<&'r str>),
    With(&'r str),
    Both(&'r str, &'r str),
    /// The first is before the second.
    Before(&'r str, &'r str),
    /// After the first was spoken, the second is still required.
    StillAsked(&'r str, &'r str),
    /// Neither found nor excluded.
    Unknown,
}

/// Numbers the steps of both files. A step with an id of only one file equals one of the other with the same text.
struct Numbers<'r> {
    names: Vec<&'r str>,
    old: Vec<usize>,
    new: Vec<usize>,
}

impl<'r> Numbers<'r> {
    fn new(old: &'r RuleSet, new: &'r RuleSet) -> Self {
        let ids = |rules: &'r RuleSet| -> HashSet<&'r str> { rules.steps.iter().map(|s| s.id.as_str()).collect() };
        let (old_ids, new_ids) = (ids(old), ids(new));
        let mut names: Vec<&str> = new.steps.iter().map(|step| step.id.as_str()).collect();
        let by_id: HashMap<&str, usize> = names.iter().enumerate().map(|(at, id)| (*id, at)).collect();
        let only_new = new.steps.iter().zip(actions(new, old)).enumerate();
        let only_new =
            only_new.filter(|(_, (step, act))| !old_ids.contains(&*step.id) && matches!(act, Action::Say(_)));
        let mut by_words: HashMap<Action<'r>, usize> = only_new.map(|(at, (_, act))| (act, at)).collect();
        let number = |(step, act): (&'r Step, Action<'r>)| {
            let same = if new_ids.contains(&*step.id) { by_id.get(&*step.id).copied() } else { by_words.remove(&act) };
            same.unwrap_or_else(|| {
                names.push(&step.id);
                names.len() - 1
            })
        };
        let old = old.steps.iter().zip(actions(old, new)).map(number).collect();
        Self { old, new: (0..new.steps.len()).collect(), names }
    }

    fn steps(&self, rules: &RuleSet, numbers: &[usize]) -> Steps {
        let mut steps = Steps { known: vec![false; self.names.len()], spoken: vec![false; self.names.len()] };
        for (step, number) in rules.steps.iter().zip(numbers) {
            steps.known[*number] = true;
            steps.spoken[*number] = step.is_spoken();
        }
        steps
    }
}

/// The requirements of one file, with facts and steps numbered as in [`Numbers`] and the shared space.
struct Side<'r> {
    rules: &'r RuleSet,
    demands: Vec<(Cube, Vec<Atom>)>,
    steps: Steps,
}

impl<'r> Side<'r> {
    fn new(rules: &'r RuleSet, lift: &SpaceMap, space: &Space, numbers: &Numbers<'r>, own: &[usize]) -> Self {
        let demands = rules.requirements.iter().map(|requirement| {
            (
                lift.free_cube(&requirement.when).normalized(space),
                requirement.duties.iter().flat_map(|d| atoms(d, own)).collect(),
            )
        });
        Self { rules, demands: demands.collect(), steps: numbers.steps(rules, own) }
    }
}

fn atoms(duty: &Duty, own: &[usize]) -> Vec<Atom> {
    let numbers = |steps: &[StepIx]| steps.iter().map(|ix| own[ix.at()]).collect::<Vec<_>>();
    match duty {
        Duty::Always(steps) => numbers(steps).into_iter().map(Atom::Present).collect(),
        Duty::Never(steps) => numbers(steps).into_iter().map(Atom::Absent).collect(),
        Duty::ExactlyOne(steps) => {
            let mut numbers = numbers(steps);
            numbers.sort_unstable();
            vec![Atom::One(numbers.clone()), Atom::Alternatives(numbers)]
        }
        Duty::Order(steps) => vec![Atom::Order(numbers(steps))],
        Duty::Last(step) => vec![Atom::Last(own[step.at()])],
    }
}

/// How the requirements changed, losses first.
pub(super) fn changes<'r>(
    [old, new]: [&'r RuleSet; 2],
    [old_lift, new_lift]: [&SpaceMap; 2],
    space: &Space,
    work: usize,
) -> Vec<DutyChange<'r>> {
    let numbers = Numbers::new(old, new);
    let old_side = Side::new(old, old_lift, space, &numbers, &numbers.old);
    let new_side = Side::new(new, new_lift, space, &numbers, &numbers.new);
    let (mut found, mut work) = (Vec::new(), Work::new(work));
    for (of, by, is_loss) in [(&old_side, &new_side, true), (&new_side, &old_side, false)] {
        let same: HashSet<(&Cube, &Atom)> =
            by.demands.iter().flat_map(|(cube, atoms)| atoms.iter().map(move |atom| (cube, atom))).collect();
        let search = ViolationSearch { allowing: by, numbers: &numbers, space };
        for (requirement, (cube, atoms)) in of.rules.requirements.iter().zip(&of.demands) {
            // Situations that the new file does not have are irrelevant.
            let Some(here) = cube.intersect(&new_lift.known) else { continue };
            let open = atoms.iter().filter(|atom| !same.contains(&(cube, *atom)));
            let missing: Vec<(&Atom, Missing<'r>)> =
                open.map(|atom| (atom, search.missing(atom, &here, &mut work))).collect();
            found.extend(search.change(requirement, &here, atoms, missing, is_loss));
        }
    }
    found.sort_by_key(|change| change.kind);
    found
}

/// Where a demand is not guaranteed: disjoint pieces of its situations, and a violation that is allowed in one of them
/// (`None` if the work ran out before one was found). Empty pieces: the other file guarantees the demand.
#[derive(Default)]
struct Missing<'r> {
    pieces: Vec<Cube>,
    example: Option<Allowed<'r>>,
}

/// Searches for violations: plans that the requirements of one file (`allowing`) allow and a demand of the other forbids.
struct ViolationSearch<'a, 'r> {
    allowing: &'a Side<'r>,
    numbers: &'a Numbers<'r>,
    space: &'a Space,
}

impl<'r> ViolationSearch<'_, 'r> {
    fn name(&self, step: usize) -> &'r str {
        self.numbers.names[step]
    }

    fn names(&self, steps: &[usize]) -> Vec<&'r str> {
        steps.iter().map(|step| self.name(*step)).collect()
    }

    /// The situations of `here` in which the demand is not guaranteed.
    fn missing(&self, atom: &Atom, here: &Cube, work: &mut Work) -> Missing<'r> {
        let mut missing = Missing::default();
        let mut unexamined = vec![here.clone()];
        let mut pieces = 0;
        while let Some(piece) = unexamined.pop() {
            pieces += 1;
            match self.examine(atom, &piece, pieces, work) {
                Ok(Verdict::Guaranteed) => {}
                Ok(Verdict::Violated(example)) => {
                    missing.example.get_or_insert(example);
                    missing.pieces.push(piece);
                }
                Ok(Verdict::Divide(by)) => {
                    unexamined.extend(piece.intersect(by));
                    unexamined.extend(piece.subtract(by, self.space));
                }
                Err(OutOfWork) => missing.pieces.push(piece),
            }
        }
        missing
    }

    fn examine(&self, atom: &Atom, piece: &Cube, pieces: usize, work: &mut Work) -> Result<Verdict<'_, 'r>, OutOfWork> {
        work.spend(1 + self.allowing.demands.len())?;
        let (mut everywhere, mut somewhere): (Vec<&Atom>, Vec<&Atom>) = (Vec::new(), Vec::new());
        let mut divide: Option<(bool, &Cube)> = None;
        for (cube, atoms) in self.allowing.demands.iter().filter(|(cube, _)| cube.intersects(piece)) {
            work.spend(atoms.len())?;
            somewhere.extend(atoms);
            if covers(cube, piece) {
                everywhere.extend(atoms);
            } else {
                let is_near = atoms.iter().any(|other| shares_a_step(atom, other));
                if divide.is_none_or(|(near, _)| is_near && !near) {
                    divide = Some((is_near, cube));
                }
            }
        }
        let Some(example) = self.violation(atom, &everywhere, work)? else { return Ok(Verdict::Guaranteed) };
        let Some((_, cube)) = divide else { return Ok(Verdict::Violated(example)) };
        if let Some(example) = self.violation(atom, &somewhere, work)? {
            return Ok(Verdict::Violated(example));
        }
        if pieces > MAX_PIECES { Err(OutOfWork) } else { Ok(Verdict::Divide(cube)) }
    }

    /// A plan that these demands allow and this one forbids.
    fn violation(&self, atom: &Atom, demands: &[&Atom], work: &mut Work) -> Result<Option<Allowed<'r>>, OutOfWork> {
        let steps = &self.allowing.steps;
        let mut plan = |with: &[usize], without: &[usize], before: Option<(usize, usize)>| {
            PlanQuery { steps, demands, with, without, before }.exists(work)
        };
        let known = |list: &[usize]| -> Vec<usize> { list.iter().copied().filter(|s| steps.known[*s]).collect() };
        let without = |step: usize| Allowed::Without(vec![self.name(step)]);
        Ok(match atom {
            Atom::Present(step) => plan(&[], &[*step], None)?.then(|| without(*step)),
            Atom::Absent(step) => plan(&[*step], &[], None)?.then(|| Allowed::With(self.name(*step))),
            Atom::One(list) => {
                for (first, second) in pairs(&known(list)) {
                    if plan(&[first, second], &[], None)? {
                        return Ok(Some(Allowed::Both(self.name(first), self.name(second))));
                    }
                }
                plan(&[], list, None)?.then(|| Allowed::Without(self.names(list)))
            }
            Atom::Order(list) => {
                for (first, second) in pairs(&known(list)) {
                    if plan(&[first, second], &[], Some((second, first)))? {
                        return Ok(Some(Allowed::Before(self.name(second), self.name(first))));
                    }
                }
                None
            }
            Atom::Last(last) => {
                let others = (0..steps.known.len()).filter(|s| steps.known[*s] && steps.spoken[*s] && s != last);
                for other in others.filter(|_| steps.spoken[*last]) {
                    if plan(&[*last, other], &[], Some((*last, other)))? {
                        return Ok(Some(Allowed::Before(self.name(*last), self.name(other))));
                    }
                }
                let can_lack = plan(&[], &[*last], None)? || !steps.spoken[*last];
                can_lack.then(|| without(*last))
            }
            Atom::Alternatives(list) => {
                let groups = demands.iter().filter_map(|demand| match demand {
                    Atom::Alternatives(group) => Some(group),
                    _ => None,
                });
                let groups: Vec<&Vec<usize>> = groups.collect();
                for (first, second) in pairs(&known(list)) {
                    work.spend(1 + groups.len())?;
                    let has_both = |group: &&Vec<usize>| {
                        group.binary_search(&first).is_ok() && group.binary_search(&second).is_ok()
                    };
                    if !groups.iter().any(has_both) {
                        return Ok(Some(Allowed::StillAsked(self.name(first), self.name(second))));
                    }
                }
                None
            }
        })
    }

    /// Groups the results of one requirement into the reported change; `None` if nothing is missing.
    fn change(
        &self,
        requirement: &'r Requirement,
        here: &Cube,
        atoms: &[Atom],
        missing: Vec<(&Atom, Missing<'r>)>,
        is_loss: bool,
    ) -> Option<DutyChange<'r>> {
        let whole = here.count(self.space);
        let (mut parts, mut is_missing_everywhere) = (Vec::<DutyPart<'r>>::new(), missing.len() == atoms.len());
        for (atom, Missing { pieces, example }) in missing {
            let region = Region::disjoint(pieces).simplify(self.space);
            let situations = region.count(self.space);
            is_missing_everywhere &= situations == whole;
            if situations == BigUint::ZERO {
                continue;
            }
            let (cubes, example) = (region.cubes().to_vec(), example.unwrap_or(Allowed::Unknown));
            match (parts.last_mut().filter(|last| last.cubes == cubes), atom) {
                (Some(DutyPart { demand: Demand::Always(steps), allowed, .. }), Atom::Present(step))
                | (Some(DutyPart { demand: Demand::Never(steps), allowed, .. }), Atom::Absent(step)) => {
                    steps.push(self.name(*step));
                    allowed.push(example);
                }
                _ => parts.push(DutyPart { demand: self.demand(atom), situations, cubes, allowed: vec![example] }),
            }
        }
        let unproved = parts.iter().all(|part| part.allowed.iter().all(|allowed| *allowed == Allowed::Unknown));
        let kind = match (is_loss, is_missing_everywhere) {
            // For a gain, "unproved" does not matter: the new file requires it.
            (true, _) if unproved => DutyChangeKind::Unproved,
            (true, true) => DutyChangeKind::Lost,
            (true, false) => DutyChangeKind::Weakened,
            (false, true) => DutyChangeKind::Added,
            (false, false) => DutyChangeKind::Strengthened,
        };
        let basis = requirement.basis.as_deref();
        (!parts.is_empty()).then_some(DutyChange { kind, id: &requirement.id, basis, parts })
    }

    fn demand(&self, atom: &Atom) -> Demand<'r> {
        match atom {
            Atom::Present(step) => Demand::Always(vec![self.name(*step)]),
            Atom::Absent(step) => Demand::Never(vec![self.name(*step)]),
            Atom::One(steps) => Demand::ExactlyOne(self.names(steps)),
            Atom::Order(steps) => Demand::Order(self.names(steps)),
            Atom::Last(step) => Demand::Last(self.name(*step)),
            Atom::Alternatives(steps) => Demand::Alternatives(self.names(steps)),
        }
    }
}

/// Whether a demand is guaranteed in the situations of one piece. For "thanks is always said": `Guaranteed` if the
/// requirements that cover the piece imply it; `Violated(Without("thanks"))` if a plan without it is allowed throughout.
enum Verdict<'c, 'r> {
    /// Guaranteed in all of them.
    Guaranteed,
    /// Guaranteed in none of them; an example of a plan that is allowed.
    Violated(Allowed<'r>),
    /// Not the same everywhere in the piece, as far as known: divide it by this cube and examine both parts.
    Divide(&'c Cube),
}

fn pairs(list: &[usize]) -> impl Iterator<Item = (usize, usize)> {
    list.iter().enumerate().flat_map(|(at, first)| list[at + 1..].iter().map(move |second| (*first, *second)))
}

/// Whether every situation of `piece` is in `cube`.
fn covers(cube: &Cube, piece: &Cube) -> bool {
    cube.constraints().all(|(fact, values)| piece.values(fact).is_some_and(|mine| mine.subtract(values).is_empty()))
}

fn shares_a_step(one: &Atom, other: &Atom) -> bool {
    steps_of(one).iter().any(|step| steps_of(other).contains(step))
}

fn steps_of(atom: &Atom) -> &[usize] {
    match atom {
        Atom::Present(step) | Atom::Absent(step) | Atom::Last(step) => std::slice::from_ref(step),
        Atom::One(steps) | Atom::Order(steps) | Atom::Alternatives(steps) => steps,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::super::tests::{checked, sop_with};
    use super::super::{Diff, diff};
    use super::*;
    use crate::ruleset::StepWords;
    use crate::space::testing::Rng;

    /// Two facts of two or three values, five steps of which one is a reminder, one rule for everything, and these
    /// requirements, all of which the rule meets.
    fn file(requirements: &[String], third: bool) -> RuleSet {
        let value = if third { ", { id = \"c\", label = \"c\" }" } else { "" };
        let mut source = format!(
            "schema = 1\n[sop]\ntitle = \"T\"\nrevision = \"R\"\n[[zone]]\nid = \"WIB\"\noffset = \"+07:00\"\n\
             [[greeting]]\nfrom = \"00:00\"\nword = \"pagi\"\n\
             [[fact]]\nid = \"f\"\nlabel = \"F\"\nvalues = [{{ id = \"a\", label = \"a\" }}, {{ id = \"b\", label = \"b\" }}{value}]\n\
             [[fact]]\nid = \"g\"\nlabel = \"G\"\nvalues = [{{ id = \"a\", label = \"a\" }}, {{ id = \"b\", label = \"b\" }}]\n"
        );
        for step in 0..5 {
            let key = if step == 4 { "remind" } else { "say" };
            let _ = writeln!(source, "[[step]]\nid = \"s{step}\"\ntitle = \"T\"\n{key} = \"Kata {step}\"");
        }
        source += "[[rule]]\nid = \"r\"\nsteps = [\"s0\", \"s1\", \"s2\"]\n";
        for (at, requirement) in requirements.iter().enumerate() {
            let _ = writeln!(source, "[[require]]\nid = \"q{at}\"\n{requirement}");
        }
        checked(&source)
    }

    /// A requirement that the plan s0 s1 s2 meets, over some of the situations.
    fn requirement(rng: &mut Rng) -> String {
        let mut when = Vec::new();
        for fact in ["f", "g"] {
            match rng.below(4) {
                0 => when.push(format!("{fact} = \"a\"")),
                1 => when.push(format!("{fact} = \"b\"")),
                _ => {}
            }
        }
        let duties = [
            "always = [\"s0\"]",
            "always = [\"s1\", \"s2\"]",
            "never = [\"s3\"]",
            "never = [\"s3\", \"s4\"]",
            "exactly_one = [\"s0\", \"s3\"]",
            "exactly_one = [\"s1\", \"s3\", \"s4\"]",
            "exactly_one = [\"s2\", \"s4\"]",
            "order = [\"s0\", \"s1\", \"s2\"]",
            "order = [\"s0\", \"s3\", \"s2\"]",
            "order = [\"s1\", \"s2\"]",
            "last = \"s2\"",
        ];
        format!("when = {{ {} }}\n{}", when.join(", "), duties[rng.below(duties.len())])
    }

    fn requirements(rng: &mut Rng) -> Vec<String> {
        (0..rng.below(5)).map(|_| requirement(rng)).collect()
    }

    /// Every plan of five steps: sequences of different steps, at least one.
    fn plans() -> Vec<Vec<usize>> {
        let (mut all, mut open) = (Vec::new(), vec![Vec::new()]);
        while let Some(plan) = open.pop() {
            for step in (0..5).filter(|step| !plan.contains(step)) {
                let longer: Vec<usize> = plan.iter().copied().chain([step]).collect();
                all.push(longer.clone());
                open.push(longer);
            }
        }
        all
    }

    fn meets(rules: &RuleSet, plan: &[usize], duty: &Duty) -> bool {
        let place = |ix: &StepIx| plan.iter().position(|step| *step == ix.at());
        match duty {
            Duty::Always(steps) => steps.iter().all(|ix| place(ix).is_some()),
            Duty::Never(steps) => steps.iter().all(|ix| place(ix).is_none()),
            Duty::ExactlyOne(steps) => steps.iter().filter_map(place).count() == 1,
            Duty::Order(steps) => steps.iter().filter_map(place).collect::<Vec<_>>().is_sorted(),
            Duty::Last(step) => {
                let spoken = plan.iter().rev().find(|at| matches!(rules.steps[**at].words, StepWords::Say(_)));
                spoken == Some(&step.at())
            }
        }
    }

    fn allowed(rules: &RuleSet, at: &[u16], plan: &[usize]) -> bool {
        let mut duties = rules.requirements.iter().filter(|r| r.when.contains(at)).flat_map(|r| &r.duties);
        duties.all(|duty| meets(rules, plan, duty))
    }

    /// The requirements of `of` that those of `by` don't guarantee, with their situations, by listing all plans.
    fn enumerate(of: &RuleSet, by: &RuleSet) -> BTreeSet<(String, Vec<u16>)> {
        let plans = plans();
        let mut found = BTreeSet::new();
        for requirement in &of.requirements {
            for at in [[0, 0], [0, 1], [1, 0], [1, 1]].into_iter().filter(|at| requirement.when.contains(at)) {
                let breaks = |plan: &&Vec<usize>| requirement.duties.iter().any(|duty| !meets(of, plan, duty));
                if plans.iter().filter(breaks).any(|plan| allowed(by, &at, plan)) {
                    found.insert((requirement.id.clone(), at.to_vec()));
                }
            }
        }
        found
    }

    /// The same according to the diff, without `Alternatives`, which don't constrain plans.
    fn reported(diff: &Diff<'_>, is_gain: bool) -> BTreeSet<(String, Vec<u16>)> {
        let gain = |kind| matches!(kind, DutyChangeKind::Added | DutyChangeKind::Strengthened);
        let mut found = BTreeSet::new();
        for change in diff.duties.iter().filter(|change| gain(change.kind) == is_gain) {
            for part in change.parts.iter().filter(|part| !matches!(part.demand, Demand::Alternatives(_))) {
                for at in [[0, 0], [0, 1], [1, 0], [1, 1]] {
                    if part.cubes.iter().any(|cube| cube.contains(&at)) {
                        found.insert((change.id.to_owned(), at.to_vec()));
                    }
                }
            }
        }
        found
    }

    proptest! {
        #[test]
        fn a_duty_is_lost_exactly_where_an_allowed_plan_violates_it(seed: u64) {
            let mut rng = Rng(seed);
            let (old, new) = (file(&requirements(&mut rng), false), file(&requirements(&mut rng), false));
            let found = diff(&old, &new).unwrap();
            prop_assert_eq!(reported(&found, false), enumerate(&old, &new));
            prop_assert_eq!(reported(&found, true), enumerate(&new, &old));
            prop_assert!(diff(&old, &old).unwrap().duties.is_empty());
        }
    }

    fn kinds<'r>(diff: &Diff<'r>) -> Vec<(DutyChangeKind, &'r str)> {
        diff.duties.iter().map(|change| (change.kind, change.id)).collect()
    }

    #[test]
    fn a_duty_that_others_imply_together_is_not_lost() {
        let old = file(&["exactly_one = [\"s0\", \"s3\"]\nalways = [\"s1\"]".to_owned()], false);
        // The same demands, split by situation and into other duties, but without the alternatives.
        let new = [
            "when = { f = \"a\" }\nalways = [\"s0\", \"s1\"]",
            "when = { f = \"b\" }\nalways = [\"s0\", \"s1\"]",
            "never = [\"s3\"]",
        ];
        let new = file(&new.map(str::to_owned), false);
        let found = diff(&old, &new).unwrap();
        let lost: Vec<_> = found.duties.iter().filter(|change| change.kind < DutyChangeKind::Added).collect();
        assert_eq!((lost.len(), lost[0].kind), (1, DutyChangeKind::Weakened));
        assert_eq!(lost[0].parts.len(), 1);
        assert_eq!(lost[0].parts[0].demand, Demand::Alternatives(vec!["s0", "s3"]));
        assert_eq!(lost[0].parts[0].allowed, [Allowed::StillAsked("s0", "s3")]);
        assert!(!found.is_empty() && found.groups.is_empty());
    }

    #[test]
    fn a_narrowed_duty_is_weakened_in_the_removed_situations() {
        let old = sop_with(&[]);
        let new = sop_with(&[("when  = { klb = \"ya\" }\nnever", "when  = { klb = \"ya\", topik = \"lain\" }\nnever")]);
        let found = diff(&old, &new).unwrap();
        // With the topic PLN Mobile, another duty forbids it anyway.
        assert_eq!(kinds(&found), []);
        assert!(found.is_empty());
        let new =
            sop_with(&[("when  = { klb = \"ya\" }\nnever", "when  = { klb = \"ya\", topik = \"pln-mobile\" }\nnever")]);
        let found = diff(&old, &new).unwrap();
        assert_eq!(kinds(&found), [(DutyChangeKind::Weakened, "klb-tanpa-campaign")]);
        let part = &found.duties[0].parts[0];
        assert_eq!((part.situations.clone(), &part.allowed[..]), (3u8.into(), &[Allowed::With("campaign")][..]));
        assert_eq!(found.counts().duties, 1);
        let back = diff(&new, &old).unwrap();
        assert_eq!(kinds(&back), [(DutyChangeKind::Strengthened, "klb-tanpa-campaign")]);
    }

    #[test]
    fn an_unconditional_duty_covers_a_new_value() {
        let whole = ["always = [\"s0\"]".to_owned()];
        assert!(diff(&file(&whole, false), &file(&whole, true)).unwrap().duties.is_empty());
        let listed = ["when = { f = [\"a\", \"b\"] }\nalways = [\"s0\"]".to_owned()];
        let (old, new) = (file(&whole, false), file(&listed, true));
        let found = diff(&old, &new).unwrap();
        assert_eq!(kinds(&found), [(DutyChangeKind::Weakened, "q0")]);
        assert_eq!(found.duties[0].parts[0].situations, 2u8.into());
        // The situations of a removed value are gone, so no duty is lost there.
        assert!(diff(&file(&whole, true), &file(&whole, false)).unwrap().duties.is_empty());
    }

    #[test]
    fn a_renamed_step_keeps_its_duties() {
        let renamed = crate::BUILT_IN.replace("\"download\"", "\"unduh\"");
        let (old, new) = (sop_with(&[]), checked(&renamed));
        assert_eq!(kinds(&diff(&old, &new).unwrap()), []);
    }

    #[test]
    fn a_thousand_requirements_are_compared_with_limited_work() {
        let many = |order: &str| -> Vec<String> {
            (0..1000).map(|at| format!("when = {{ f = \"{}\" }}\n{order}", ["a", "b"][at % 2])).collect()
        };
        let (old, new) = (file(&many("order = [\"s0\", \"s1\", \"s2\"]"), false), file(&many("last = \"s2\""), false));
        let found = diff(&old, &new).unwrap();
        let lost = found.duties.iter().filter(|change| change.kind < DutyChangeKind::Added);
        assert!(lost.count() == 1000, "each is reported, proved or not");
    }
}
