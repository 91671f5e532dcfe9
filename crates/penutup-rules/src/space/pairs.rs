//! What pairs of cubes have to do with each other, found a column at a time: which overlap, which values tell answers
//! apart, where two tables cross. Pairs are bits in a set, never tried one by one.

use super::Space;
use super::budget::{Budget, TooEntangled};
use super::cube::Cube;
use super::values::Values;
use std::collections::{BTreeMap, HashMap};
use std::iter;

/// One set that some rules hold a fact to, and the rules it keeps away.
struct Held<'a> {
    values: &'a Values,
    rules: Vec<usize>,
    apart: Values,
}

/// For each fact that some rule constrains, the different sets it is held to.
///
/// Pairs are never tried one by one. For each value, the rules that allow it are a bit set; the rules apart from a set
/// of values are those that constrain the fact and allow none of them: one pass over a bit set for each listed value.
/// Columns are made as they are asked for, one at a time.
fn columns<'a>(cubes: impl IntoIterator<Item = &'a Cube>) -> impl Iterator<Item = (usize, Vec<Held<'a>>)> {
    let mut by_fact: BTreeMap<usize, Vec<(usize, &Values)>> = BTreeMap::new();
    for (rule, cube) in cubes.into_iter().enumerate() {
        for (fact, values) in cube.constraints() {
            by_fact.entry(fact).or_default().push((rule, values));
        }
    }
    by_fact.into_iter().map(|(fact, constraints)| {
        let (mut known, mut column) = (HashMap::new(), Vec::<Held>::new());
        let mut allowing: Vec<Values> = Vec::new();
        for &(rule, values) in &constraints {
            let at = *known.entry(values).or_insert(column.len());
            if at == column.len() {
                column.push(Held { values, rules: Vec::new(), apart: Values::default() });
            }
            column[at].rules.push(rule);
            for value in values.iter() {
                if allowing.len() <= value {
                    allowing.resize(value + 1, Values::default());
                }
                allowing[value].insert(rule);
            }
        }
        let constrained: Values = constraints.iter().map(|&(rule, _)| rule).collect();
        for held in &mut column {
            held.apart.clone_from(&constrained);
            for value in held.values.iter() {
                held.apart.remove_all(&allowing[value]);
                if held.apart.is_empty() {
                    break;
                }
            }
        }
        (fact, column)
    })
}

/// The pairs of cubes that share a situation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlaps {
    /// The first pairs `(i, j)`, `i < j`, in order.
    pub pairs: Vec<(usize, usize)>,
    /// How many there are in all.
    pub total: usize,
}

/// Finds the pairs of cubes that overlap; lists the first `limit`.
///
/// Exact: two cubes overlap unless some fact keeps them apart, and every fact that could is looked at. With R cubes,
/// O(listed values · R / 64) time and R² bits, whatever the number of facts: 10,000 cubes take 12 MB.
pub fn overlaps(cubes: &[Cube], limit: usize) -> Overlaps {
    let mut apart = vec![Values::default(); cubes.len()];
    for held in columns(cubes).flat_map(|(_, column)| column) {
        held.rules.iter().for_each(|&rule| apart[rule].insert_all(&held.apart));
    }
    let (mut pairs, mut total) = (Vec::new(), 0);
    let mut later = Values::all(cubes.len());
    for (rule, apart) in apart.iter().enumerate() {
        later.remove_all(&iter::once(rule).collect());
        let meets = later.subtract(apart);
        total += meets.len();
        pairs.extend(meets.iter().take(limit - pairs.len()).map(|other| (rule, other)));
    }
    Overlaps { pairs, total }
}

/// Where a cube of one table and a cube of another share situations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crossing {
    /// Which cube of the one table.
    pub one: usize,
    /// Which cube of the other.
    pub other: usize,
    /// The situations in both.
    pub both: Cube,
}

/// Finds where two tables, each of disjoint cubes, answer differently. Every cube comes with the class of its answer;
/// pairs of one class are left out without being looked at, so that two tables that differ in a few rows cost a few
/// pairs, whatever their size.
///
/// Exact, and the crossings are disjoint, since the cubes of each table are. With R cubes in all, O(listed values ·
/// R / 64) time and R² bits, and O(constraints) for each crossing.
///
/// # Errors
///
/// Tables cut in unrelated ways can cross in every pair. [`TooEntangled`] when that is more than can be listed.
pub fn crossings(one: &[(Cube, usize)], other: &[(Cube, usize)]) -> Result<Vec<Crossing>, TooEntangled> {
    let mut budget = Budget::new();
    let mut of_class: HashMap<usize, Values> = HashMap::new();
    for (at, (_, class)) in other.iter().enumerate() {
        of_class.entry(*class).or_default().insert(at);
    }
    let mut apart = vec![Values::default(); one.len()];
    let both = other.iter().chain(one).map(|(cube, _)| cube);
    for held in columns(both).flat_map(|(_, column)| column) {
        let rules = held.rules.iter().filter_map(|rule| rule.checked_sub(other.len()));
        rules.for_each(|rule| apart[rule].insert_all(&held.apart));
    }
    let mut found = Vec::new();
    for (at, ((mine, class), apart)) in one.iter().zip(apart).enumerate() {
        let mut meets = Values::all(other.len()).subtract(&apart);
        if let Some(alike) = of_class.get(class) {
            meets.remove_all(alike);
        }
        for theirs in meets.iter() {
            budget.look(1)?;
            let Some(both) = mine.intersect(&other[theirs].0) else { continue };
            budget.write(&both)?;
            found.push(Crossing { one: at, other: theirs, both });
        }
    }
    Ok(found)
}

/// How the answers depend on one fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distinction {
    /// The fact's values, those never told apart together, by lowest value.
    pub classes: Vec<Values>,
}

impl Distinction {
    /// Whether any two values are told apart: whether the fact matters.
    pub fn matters(&self) -> bool {
        self.classes.len() > 1
    }
}

/// For each fact, which of its values the answers tell apart.
///
/// `cubes` are disjoint and cover the space; `differs(i, j)` says whether the answers of rules `i` and `j` differ. Two
/// values are told apart when some situation changes its answer as its fact goes from one to the other, that is, when
/// rules `i` and `j` of different answers allow one each and are disjoint in this fact alone. Never told apart means
/// the same answer everywhere else, which is an equivalence: the values fall into classes, found one by one from their
/// lowest member, and no matrix of values is made.
///
/// O(listed values · R / 64) time and 2·R² bits, and at most R² calls of `differs` in all, for the pairs that one fact
/// alone keeps apart.
pub fn distinguished(cubes: &[Cube], space: &Space, differs: impl Fn(usize, usize) -> bool) -> Vec<Distinction> {
    let mut once = vec![Values::default(); cubes.len()];
    let mut twice = once.clone();
    for held in columns(cubes).flat_map(|(_, column)| column) {
        for &rule in &held.rules {
            twice[rule].insert_all(&once[rule].intersect(&held.apart));
            once[rule].insert_all(&held.apart);
        }
    }
    let one_class = |&size: &usize| Distinction { classes: vec![Values::all(size)] };
    let mut facts: Vec<Distinction> = space.sizes.iter().map(one_class).collect();
    let mut held_to = vec![0; cubes.len()];
    for (fact, column) in columns(cubes) {
        for (at, held) in column.iter().enumerate() {
            held.rules.iter().for_each(|&rule| held_to[rule] = at);
        }
        // For each set, the sets that hold values told apart from its own.
        let told = column.iter().map(|held| {
            let mut told = Values::default();
            for &rule in &held.rules {
                for other in held.apart.subtract(&twice[rule]).iter() {
                    if !told.contains(held_to[other]) && differs(rule, other) {
                        told.insert(held_to[other]);
                    }
                }
            }
            told
        });
        let told: Vec<Values> = told.collect();
        facts[fact].classes = classes(space.size(fact), &column, &told);
    }
    facts
}

/// Groups a fact's values by the lowest value they are not told apart from; `told` has, for each set of the column, the
/// sets told apart from it.
fn classes(size: usize, column: &[Held], told: &[Values]) -> Vec<Values> {
    let mut sets_of = vec![Vec::new(); size];
    for (at, held) in column.iter().enumerate().filter(|&(at, _)| !told[at].is_empty()) {
        held.values.iter().for_each(|value| sets_of[value].push(at));
    }
    let (mut left, mut classes) = (Values::all(size), Vec::new());
    while let Some(lowest) = left.first() {
        let mut away = Values::default();
        sets_of[lowest].iter().for_each(|&at| away.insert_all(&told[at]));
        let same = |value: &usize| !sets_of[*value].iter().any(|&at| away.contains(at));
        let class: Values = left.iter().filter(same).collect();
        left.remove_all(&class);
        classes.push(class);
    }
    classes
}

#[cfg(test)]
mod tests {
    use super::super::gaps;
    use super::super::testing::{Dice, cubes, one, situations, space, tree};
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn overlaps_are_the_pairs_that_meet((_, cubes) in cubes(12), limit in 0..20usize) {
            let pairs = (0..cubes.len()).flat_map(|i| (i + 1..cubes.len()).map(move |j| (i, j)));
            let meet: Vec<_> = pairs.filter(|&(i, j)| cubes[i].intersects(&cubes[j])).collect();
            let found = overlaps(&cubes, limit);
            prop_assert_eq!(found.total, meet.len());
            prop_assert_eq!(&found.pairs[..], &meet[..limit.min(meet.len())]);
        }

        #[test]
        fn crossings_are_the_pairs_that_meet_in_two_classes(space in space(), seed: u64) {
            let mut dice = Dice(seed);
            let mut table = |leaves| -> Vec<(Cube, usize)> {
                let cubes = tree(&space, leaves, 60, &mut dice);
                cubes.into_iter().map(|cube| (cube, dice.below(3))).collect()
            };
            let (one, other) = (table(12), table(20));
            let pairs = (0..one.len()).flat_map(|i| (0..other.len()).map(move |j| (i, j)));
            let meet = pairs.filter(|&(i, j)| one[i].1 != other[j].1).filter_map(|(i, j)| {
                Some(Crossing { one: i, other: j, both: one[i].0.intersect(&other[j].0)? })
            });
            prop_assert_eq!(crossings(&one, &other).unwrap(), meet.collect::<Vec<_>>());
        }

        #[test]
        fn values_are_told_apart_when_an_answer_changes(space in space(), seed: u64) {
            let mut dice = Dice(seed);
            let cubes = tree(&space, 20, 100, &mut dice);
            let answers: Vec<usize> = cubes.iter().map(|_| dice.below(3)).collect();
            let answer = |situation: &[u16]| {
                answers[cubes.iter().position(|cube| cube.contains(situation)).unwrap()]
            };
            let all = situations(&space);
            let found = distinguished(&cubes, &space, |i, j| answers[i] != answers[j]);
            prop_assert_eq!(found.len(), space.facts());
            for (fact, found) in found.iter().enumerate() {
                // The answers to all situations, with this fact at `value`.
                let column = |value: usize| -> Vec<usize> {
                    let mut all = all.clone();
                    for at in &mut all {
                        at[fact] = u16::try_from(value).unwrap();
                    }
                    all.iter().map(|at| answer(at)).collect()
                };
                let columns: Vec<_> = (0..space.size(fact)).map(column).collect();
                let different = columns.iter().collect::<BTreeSet<_>>().len();
                prop_assert_eq!(found.classes.len(), different);
                prop_assert_eq!(found.matters(), different > 1);
                prop_assert_eq!(found.classes.iter().map(Values::len).sum::<usize>(), columns.len());
                for class in &found.classes {
                    let first = &columns[class.first().unwrap()];
                    prop_assert!(class.iter().all(|value| &columns[value] == first));
                }
            }
        }
    }

    #[test]
    fn a_fact_of_twenty_thousand_values_keeps_its_classes_apart() {
        let space = Space::new(vec![20_000, 2]);
        let only = |value| Cube::any().with(0, one(value));
        let cubes: Vec<Cube> = (0..2_000).map(only).collect();
        let found = gaps(&space, &cubes, 9).unwrap();
        assert_eq!(found.cubes, [Cube::any().with(0, (2_000..20_000).collect())]);

        let cubes = [cubes, found.cubes].concat();
        let facts = distinguished(&cubes, &space, |i, j| i % 3 != j % 3);
        assert_eq!(facts[0].classes.len(), 3);
        let class_of = |value| facts[0].classes.iter().position(|class| class.contains(value));
        assert!(class_of(0) != class_of(1) && class_of(0) == class_of(3) && !facts[1].matters());
    }

    #[test]
    fn ten_thousand_equal_cubes_overlap_in_every_pair() {
        let found = overlaps(&vec![Cube::any(); 10_000], 2);
        assert_eq!(found, Overlaps { pairs: vec![(0, 1), (0, 2)], total: 49_995_000 });
    }
}
