//! What the requirements of one file demand and those of another don't: by what each allows, not by how it is written.
//!
//! A requirement is a set of demands on the plans of its situations. A demand is kept in a situation where every plan
//! that the other file's requirements allow there meets it. The situations are divided by which requirements of the
//! other file speak of them, as far as this makes a difference: what the requirements that hold in a whole piece
//! guarantee is kept in all of it, and what all that touch it together don't guarantee is kept nowhere in it.
//!
//! Work is bounded; where it runs out, the demand is reported as not proved to be kept.

use std::collections::{HashMap, HashSet};

use num_bigint::BigUint;

use super::Lift;
use super::plans::{Atom, Spent, Steps, Wanted, Work};
use super::situations::{Act, acts};
use crate::ruleset::{Duty, Requirement, RuleSet, Step, StepIx};
use crate::space::{Cube, Region, Space};

/// How much work a comparison may be, in steps and conditions looked at.
pub(super) const WORK: usize = 10_000_000;
/// The same where it is made for a screen that is drawn again and again.
pub(super) const WORK_OF_A_SCREEN: usize = 200_000;
/// The most pieces that the situations of one demand are divided into.
const PIECES: usize = 2_000;

/// How a requirement changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DutyChangeKind {
    /// Nothing of it is guaranteed any more.
    Lost,
    /// Something of it is not guaranteed any more.
    Weakened,
    /// It could not be proved that it is still guaranteed.
    Unproved,
    /// Nothing of it was guaranteed before.
    Added,
    /// Something of it was not guaranteed before.
    Strengthened,
}

/// A requirement of one file that the other does not, or not wholly, guarantee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DutyChange<'r> {
    /// How it changed.
    pub kind: DutyChangeKind,
    /// The requirement's id.
    pub id: &'r str,
    /// The SOP clause it stands on.
    pub basis: Option<&'r str>,
    /// What of it is concerned.
    pub parts: Vec<DutyPart<'r>>,
}

/// A demand, where it is not guaranteed by the other file, and what that file allows instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DutyPart<'r> {
    /// What is demanded.
    pub demand: Demand<'r>,
    /// In how many situations.
    pub situations: BigUint,
    /// In which: disjoint cubes over [`super::Diff::facts`].
    pub cubes: Vec<Cube>,
    /// What the other file allows there: an example for each step.
    pub allowed: Vec<Allowed<'r>>,
}

/// What is demanded, the steps by their ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Demand<'r> {
    /// All of these are in the plan.
    Always(Vec<&'r str>),
    /// None of these is.
    Never(Vec<&'r str>),
    /// One of these and no other is.
    ExactlyOne(Vec<&'r str>),
    /// They come in this order.
    Order(Vec<&'r str>),
    /// This is the last spoken step.
    Last(&'r str),
    /// In a closing, one of these said stands for the others.
    Alternatives(Vec<&'r str>),
}

/// A plan that a file allows, by what is remarkable about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowed<'r> {
    /// None of these is in it.
    Without(Vec<&'r str>),
    /// This is in it.
    With(&'r str),
    /// Both are in it.
    Both(&'r str, &'r str),
    /// The first comes before the second.
    Before(&'r str, &'r str),
    /// The first said, the second is still asked for.
    StillAsked(&'r str, &'r str),
    /// No plan was found, nor was it proved that there is none.
    Unknown,
}

/// The steps of both files by number. A step that only one of them has by its id is the same as one that only the other
/// has where both are said in the same words.
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
        let only_new = new.steps.iter().zip(acts(new, old)).enumerate();
        let only_new = only_new.filter(|(_, (step, act))| !old_ids.contains(&*step.id) && matches!(act, Act::Say(_)));
        let mut by_words: HashMap<Act<'r>, usize> = only_new.map(|(at, (_, act))| (act, at)).collect();
        let number = |(step, act): (&'r Step, Act<'r>)| {
            let same = if new_ids.contains(&*step.id) { by_id.get(&*step.id).copied() } else { by_words.remove(&act) };
            same.unwrap_or_else(|| {
                names.push(&step.id);
                names.len() - 1
            })
        };
        let old = old.steps.iter().zip(acts(old, new)).map(number).collect();
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

/// The requirements of one file, in words that both share.
struct Side<'r> {
    rules: &'r RuleSet,
    demands: Vec<(Cube, Vec<Atom>)>,
    steps: Steps,
}

impl<'r> Side<'r> {
    fn new(rules: &'r RuleSet, lift: &Lift, space: &Space, numbers: &Numbers<'r>, own: &[usize]) -> Self {
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

/// How the requirements changed, what was lost first.
pub(super) fn changes<'r>(
    [old, new]: [&'r RuleSet; 2],
    [old_lift, new_lift]: [&Lift; 2],
    space: &Space,
    work: usize,
) -> Vec<DutyChange<'r>> {
    let numbers = Numbers::new(old, new);
    let old_side = Side::new(old, old_lift, space, &numbers, &numbers.old);
    let new_side = Side::new(new, new_lift, space, &numbers, &numbers.new);
    let (mut found, mut work) = (Vec::new(), Work::new(work));
    for (of, by, is_loss) in [(&old_side, &new_side, true), (&new_side, &old_side, false)] {
        let kept: HashSet<(&Cube, &Atom)> =
            by.demands.iter().flat_map(|(cube, atoms)| atoms.iter().map(move |atom| (cube, atom))).collect();
        let search = Search { by, numbers: &numbers, space };
        for (requirement, (cube, atoms)) in of.rules.requirements.iter().zip(&of.demands) {
            // A situation that the new file does not have can't go wrong in it.
            let Some(here) = cube.intersect(&new_lift.known) else { continue };
            let open = atoms.iter().filter(|atom| !kept.contains(&(cube, *atom)));
            let missing: Vec<(&Atom, Missing<'r>)> =
                open.map(|atom| (atom, search.missing(atom, &here, &mut work))).collect();
            found.extend(search.change(requirement, &here, atoms, missing, is_loss));
        }
    }
    found.sort_by_key(|change| change.kind);
    found
}

/// Where a demand is not guaranteed, and an example.
#[derive(Default)]
struct Missing<'r> {
    pieces: Vec<Cube>,
    example: Option<Allowed<'r>>,
}

/// Looks for what one file's requirements allow.
struct Search<'a, 'r> {
    by: &'a Side<'r>,
    numbers: &'a Numbers<'r>,
    space: &'a Space,
}

impl<'r> Search<'_, 'r> {
    fn name(&self, step: usize) -> &'r str {
        self.numbers.names[step]
    }

    fn names(&self, steps: &[usize]) -> Vec<&'r str> {
        steps.iter().map(|step| self.name(*step)).collect()
    }

    /// Where in these situations the demand is not guaranteed.
    fn missing(&self, atom: &Atom, here: &Cube, work: &mut Work) -> Missing<'r> {
        let mut missing = Missing::default();
        let mut open = vec![here.clone()];
        let mut pieces = 0;
        while let Some(piece) = open.pop() {
            pieces += 1;
            match self.look(atom, &piece, pieces, work) {
                Ok(Look::Kept) => {}
                Ok(Look::Allowed(example)) => {
                    missing.example.get_or_insert(example);
                    missing.pieces.push(piece);
                }
                Ok(Look::Divide(by)) => {
                    open.extend(piece.intersect(by));
                    open.extend(piece.subtract(by, self.space));
                }
                Err(Spent) => missing.pieces.push(piece),
            }
        }
        missing
    }

    fn look(&self, atom: &Atom, piece: &Cube, pieces: usize, work: &mut Work) -> Result<Look<'_, 'r>, Spent> {
        work.spend(1 + self.by.demands.len())?;
        let (mut certain, mut possible): (Vec<&Atom>, Vec<&Atom>) = (Vec::new(), Vec::new());
        let mut divide: Option<(bool, &Cube)> = None;
        for (cube, atoms) in self.by.demands.iter().filter(|(cube, _)| cube.intersects(piece)) {
            work.spend(atoms.len())?;
            possible.extend(atoms);
            if covers(cube, piece) {
                certain.extend(atoms);
            } else {
                let is_near = atoms.iter().any(|other| shares_a_step(atom, other));
                if divide.is_none_or(|(near, _)| is_near && !near) {
                    divide = Some((is_near, cube));
                }
            }
        }
        let Some(example) = self.violation(atom, &certain, work)? else { return Ok(Look::Kept) };
        let Some((_, cube)) = divide else { return Ok(Look::Allowed(example)) };
        if let Some(example) = self.violation(atom, &possible, work)? {
            return Ok(Look::Allowed(example));
        }
        if pieces > PIECES { Err(Spent) } else { Ok(Look::Divide(cube)) }
    }

    /// What these demands allow that the demand forbids, if anything.
    fn violation(&self, atom: &Atom, demands: &[&Atom], work: &mut Work) -> Result<Option<Allowed<'r>>, Spent> {
        let steps = &self.by.steps;
        let mut plan = |with: &[usize], without: &[usize], before: Option<(usize, usize)>| {
            Wanted { steps, demands, with, without, before }.exists(work)
        };
        let there = |list: &[usize]| -> Vec<usize> { list.iter().copied().filter(|s| steps.known[*s]).collect() };
        let without = |step: usize| Allowed::Without(vec![self.name(step)]);
        Ok(match atom {
            Atom::Present(step) => plan(&[], &[*step], None)?.then(|| without(*step)),
            Atom::Absent(step) => plan(&[*step], &[], None)?.then(|| Allowed::With(self.name(*step))),
            Atom::One(list) => {
                for (first, second) in pairs(&there(list)) {
                    if plan(&[first, second], &[], None)? {
                        return Ok(Some(Allowed::Both(self.name(first), self.name(second))));
                    }
                }
                plan(&[], list, None)?.then(|| Allowed::Without(self.names(list)))
            }
            Atom::Order(list) => {
                for (first, second) in pairs(&there(list)) {
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
                for (first, second) in pairs(&there(list)) {
                    work.spend(1 + groups.len())?;
                    let stands = |group: &&Vec<usize>| {
                        group.binary_search(&first).is_ok() && group.binary_search(&second).is_ok()
                    };
                    if !groups.iter().any(stands) {
                        return Ok(Some(Allowed::StillAsked(self.name(first), self.name(second))));
                    }
                }
                None
            }
        })
    }

    fn change(
        &self,
        requirement: &'r Requirement,
        here: &Cube,
        atoms: &[Atom],
        missing: Vec<(&Atom, Missing<'r>)>,
        is_loss: bool,
    ) -> Option<DutyChange<'r>> {
        let whole = here.count(self.space);
        let (mut parts, mut all) = (Vec::<DutyPart<'r>>::new(), missing.len() == atoms.len());
        for (atom, Missing { pieces, example }) in missing {
            let region = Region::disjoint(pieces).simplify(self.space);
            let situations = region.count(self.space);
            all &= situations == whole;
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
        let kind = match (is_loss, all) {
            // What was not proved before is no more than it says: the file demands it now.
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

/// What is known of the situations of a piece.
enum Look<'c, 'r> {
    /// The demand is guaranteed in all of them.
    Kept,
    /// In none, and what is allowed.
    Allowed(Allowed<'r>),
    /// It may depend on whether a situation is one of these.
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
    use crate::space::testing::Dice;

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
    fn requirement(dice: &mut Dice) -> String {
        let mut when = Vec::new();
        for fact in ["f", "g"] {
            match dice.below(4) {
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
        format!("when = {{ {} }}\n{}", when.join(", "), duties[dice.below(duties.len())])
    }

    fn requirements(dice: &mut Dice) -> Vec<String> {
        (0..dice.below(5)).map(|_| requirement(dice)).collect()
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

    /// The requirements of `of` that the requirements of `by` don't guarantee, each with its situations.
    fn listed(of: &RuleSet, by: &RuleSet) -> BTreeSet<(String, Vec<u16>)> {
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

    /// The same, as the diff has it, without what only matters in a call.
    fn told(diff: &Diff<'_>, is_gain: bool) -> BTreeSet<(String, Vec<u16>)> {
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
        fn a_duty_is_lost_exactly_where_some_plan_that_is_now_allowed_breaks_it(seed: u64) {
            let mut dice = Dice(seed);
            let (old, new) = (file(&requirements(&mut dice), false), file(&requirements(&mut dice), false));
            let found = diff(&old, &new).unwrap();
            prop_assert_eq!(told(&found, false), listed(&old, &new));
            prop_assert_eq!(told(&found, true), listed(&new, &old));
            prop_assert!(diff(&old, &old).unwrap().duties.is_empty());
        }
    }

    fn kinds<'r>(diff: &Diff<'r>) -> Vec<(DutyChangeKind, &'r str)> {
        diff.duties.iter().map(|change| (change.kind, change.id)).collect()
    }

    #[test]
    fn what_other_duties_guarantee_together_is_not_lost() {
        let old = file(&["exactly_one = [\"s0\", \"s3\"]\nalways = [\"s1\"]".to_owned()], false);
        // Said in halves, by situation, and by another duty each; only that one said counts for the other is gone.
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
    fn a_narrowed_duty_is_weakened_where_it_was_narrowed() {
        let old = sop_with(&[]);
        let new = sop_with(&[("when  = { klb = \"ya\" }\nnever", "when  = { klb = \"ya\", topik = \"lain\" }\nnever")]);
        let found = diff(&old, &new).unwrap();
        // Under the topic PLN Mobile another duty forbids it all the same.
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
    fn a_duty_for_everything_covers_a_value_that_is_new() {
        let whole = ["always = [\"s0\"]".to_owned()];
        assert!(diff(&file(&whole, false), &file(&whole, true)).unwrap().duties.is_empty());
        let listed = ["when = { f = [\"a\", \"b\"] }\nalways = [\"s0\"]".to_owned()];
        let (old, new) = (file(&whole, false), file(&listed, true));
        let found = diff(&old, &new).unwrap();
        assert_eq!(kinds(&found), [(DutyChangeKind::Weakened, "q0")]);
        assert_eq!(found.duties[0].parts[0].situations, 2u8.into());
        // A value that is gone takes its situations with it, and no duty is missed there.
        assert!(diff(&file(&whole, true), &file(&whole, false)).unwrap().duties.is_empty());
    }

    #[test]
    fn a_renamed_step_keeps_its_duties() {
        let renamed = crate::BUILT_IN.replace("\"download\"", "\"unduh\"");
        let (old, new) = (sop_with(&[]), checked(&renamed));
        assert_eq!(kinds(&diff(&old, &new).unwrap()), []);
    }

    #[test]
    fn a_thousand_requirements_are_compared_in_bounded_work() {
        let many = |order: &str| -> Vec<String> {
            (0..1000).map(|at| format!("when = {{ f = \"{}\" }}\n{order}", ["a", "b"][at % 2])).collect()
        };
        let (old, new) = (file(&many("order = [\"s0\", \"s1\", \"s2\"]"), false), file(&many("last = \"s2\""), false));
        let found = diff(&old, &new).unwrap();
        let lost = found.duties.iter().filter(|change| change.kind < DutyChangeKind::Added);
        assert!(lost.count() == 1000, "each is reported, proved or not");
    }
}
