//! Relations between pairs of cubes: overlaps, values that change the answer, differences of two tables. Pairs are bits in
//! sets, computed for one fact at a time, never tried one by one.

use super::Space;
use super::budget::{Budget, TooEntangled};
use super::cube::Cube;
use super::values::Values;
use std::collections::{BTreeMap, HashMap};
use std::iter;

/// A set of values to which some rules constrain a fact, and the rules that are disjoint from it.
struct Constraint<'a> {
    values: &'a Values,
    rules: Vec<usize>,
    apart: Values,
}

/// For each constrained fact, its distinct sets of values.
///
/// For each value, the rules that allow it are a bit set. The rules apart from a set of values are those that constrain
/// the fact and allow none of them: one pass over a bit set for each listed value. Columns are computed lazily.
fn columns<'a>(cubes: impl IntoIterator<Item = &'a Cube>) -> impl Iterator<Item = (usize, Vec<Constraint<'a>>)> {
    let mut by_fact: BTreeMap<usize, Vec<(usize, &Values)>> = BTreeMap::new();
    for (rule, cube) in cubes.into_iter().enumerate() {
        for (fact, values) in cube.constraints() {
            by_fact.entry(fact).or_default().push((rule, values));
        }
    }
    by_fact.into_iter().map(|(fact, constraints)| {
        let (mut known, mut column) = (HashMap::new(), Vec::<Constraint>::new());
        let mut allowing: Vec<Values> = Vec::new();
        for &(rule, values) in &constraints {
            let at = *known.entry(values).or_insert(column.len());
            if at == column.len() {
                column.push(Constraint { values, rules: Vec::new(), apart: Values::default() });
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
        for constraint in &mut column {
            constraint.apart.clone_from(&constrained);
            for value in constraint.values.iter() {
                constraint.apart.remove_all(&allowing[value]);
                if constraint.apart.is_empty() {
                    break;
                }
            }
        }
        (fact, column)
    })
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlaps {
    /// The first pairs `(i, j)`, `i < j`, in order.
    pub pairs: Vec<(usize, usize)>,
    pub total: usize,
}

/// Finds the pairs of cubes that overlap; lists the first `limit`.
///
/// Exact: two cubes overlap unless they are disjoint in some fact, and all constrained facts are examined. With R cubes,
/// O(listed values · R / 64) time and R² bits, whatever the number of facts: 10,000 cubes take 12 MB.
pub fn overlaps(cubes: &[Cube], limit: usize) -> Overlaps {
    let mut apart = vec![Values::default(); cubes.len()];
    for constraint in columns(cubes).flat_map(|(_, column)| column) {
        constraint.rules.iter().for_each(|&rule| apart[rule].insert_all(&constraint.apart));
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

/// The intersection of a cube of one table and a cube of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crossing {
    pub one: usize,
    pub other: usize,
    pub both: Cube,
}

/// Finds where two tables, each of disjoint cubes, have different answers. Every cube has the class of its answer; pairs
/// of the same class are skipped, so that two tables that differ in a few rows cost a few pairs, whatever their size.
///
/// Exact, and the crossings are disjoint, since the cubes of each table are. With R cubes in all, O(listed values ·
/// R / 64) time and R² bits, and O(constraints) for each crossing.
///
/// # Errors
///
/// Unrelated tables can intersect in every pair. [`TooEntangled`] if these are too many to list.
pub fn crossings(one: &[(Cube, usize)], other: &[(Cube, usize)]) -> Result<Vec<Crossing>, TooEntangled> {
    let mut budget = Budget::new();
    let mut of_class: HashMap<usize, Values> = HashMap::new();
    for (at, (_, class)) in other.iter().enumerate() {
        of_class.entry(*class).or_default().insert(at);
    }
    let mut apart = vec![Values::default(); one.len()];
    let both = other.iter().chain(one).map(|(cube, _)| cube);
    for constraint in columns(both).flat_map(|(_, column)| column) {
        let rules = constraint.rules.iter().filter_map(|rule| rule.checked_sub(other.len()));
        rules.for_each(|rule| apart[rule].insert_all(&constraint.apart));
    }
    let mut found = Vec::new();
    for (at, ((mine, class), apart)) in one.iter().zip(apart).enumerate() {
        let mut meets = Values::all(other.len()).subtract(&apart);
        if let Some(alike) = of_class.get(class) {
            meets.remove_all(alike);
        }
        for theirs in meets.iter() {
            budget.examine(1)?;
            let Some(both) = mine.intersect(&other[theirs].0) else { continue };
            budget.write(&both)?;
            found.push(Crossing { one: at, other: theirs, both });
        }
    }
    Ok(found)
}

/// How the answer depends on a fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distinction {
    /// Values that never change the answer among each other, by lowest value.
    pub classes: Vec<Values>,
}

impl Distinction {
    /// Whether any two values are distinguished.
    pub fn matters(&self) -> bool {
        self.classes.len() > 1
    }
}

/// For each fact, which of its values change the answer.
///
/// `cubes` are disjoint and cover the space; `differs(i, j)` returns whether the answers of rules `i` and `j` differ. Two
/// values are distinguished if changing the fact from one to the other changes the answer of some situation, that is, if
/// rules `i` and `j` with different answers allow one each and are disjoint in this fact alone. Not being distinguished is
/// an equivalence, so the values form classes, found one by one from their lowest member without a matrix of values.
///
/// O(listed values · R / 64) time and 2·R² bits, and at most R² calls of `differs`, for the pairs that are disjoint in one
/// fact alone.
pub fn distinguished(cubes: &[Cube], space: &Space, differs: impl Fn(usize, usize) -> bool) -> Vec<Distinction> {
    let mut once = vec![Values::default(); cubes.len()];
    let mut twice = once.clone();
    for constraint in columns(cubes).flat_map(|(_, column)| column) {
        for &rule in &constraint.rules {
            twice[rule].insert_all(&once[rule].intersect(&constraint.apart));
            once[rule].insert_all(&constraint.apart);
        }
    }
    let one_class = |&size: &usize| Distinction { classes: vec![Values::all(size)] };
    let mut facts: Vec<Distinction> = space.sizes.iter().map(one_class).collect();
    let mut set_of = vec![0; cubes.len()];
    for (fact, column) in columns(cubes) {
        for (at, constraint) in column.iter().enumerate() {
            constraint.rules.iter().for_each(|&rule| set_of[rule] = at);
        }
        // For each set, the sets with values distinguished from its own.
        let distinct = column.iter().map(|constraint| {
            let mut distinct = Values::default();
            for &rule in &constraint.rules {
                for other in constraint.apart.subtract(&twice[rule]).iter() {
                    if !distinct.contains(set_of[other]) && differs(rule, other) {
                        distinct.insert(set_of[other]);
                    }
                }
            }
            distinct
        });
        let distinct: Vec<Values> = distinct.collect();
        facts[fact].classes = classes(space.size(fact), &column, &distinct);
    }
    facts
}

/// Groups the values of a fact by the lowest value from which they are not distinguished. `distinct` has, for each set of
/// the column, the sets distinguished from it.
fn classes(size: usize, column: &[Constraint], distinct: &[Values]) -> Vec<Values> {
    let mut sets_of = vec![Vec::new(); size];
    for (at, constraint) in column.iter().enumerate().filter(|&(at, _)| !distinct[at].is_empty()) {
        constraint.values.iter().for_each(|value| sets_of[value].push(at));
    }
    let (mut left, mut classes) = (Values::all(size), Vec::new());
    while let Some(lowest) = left.first() {
        let mut away = Values::default();
        sets_of[lowest].iter().for_each(|&at| away.insert_all(&distinct[at]));
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
    use super::super::testing::{Rng, cubes, one, situations, space, tree};
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn overlaps_are_the_intersecting_pairs((_, cubes) in cubes(12), limit in 0..20usize) {
            let pairs = (0..cubes.len()).flat_map(|i| (i + 1..cubes.len()).map(move |j| (i, j)));
            let intersecting: Vec<_> = pairs.filter(|&(i, j)| cubes[i].intersects(&cubes[j])).collect();
            let found = overlaps(&cubes, limit);
            prop_assert_eq!(found.total, intersecting.len());
            prop_assert_eq!(&found.pairs[..], &intersecting[..limit.min(intersecting.len())]);
        }

        #[test]
        fn crossings_are_the_intersecting_pairs_of_different_classes(space in space(), seed: u64) {
            let mut rng = Rng(seed);
            let mut table = |leaves| -> Vec<(Cube, usize)> {
                let cubes = tree(&space, leaves, 60, &mut rng);
                cubes.into_iter().map(|cube| (cube, rng.below(3))).collect()
            };
            let (one, other) = (table(12), table(20));
            let pairs = (0..one.len()).flat_map(|i| (0..other.len()).map(move |j| (i, j)));
            let expected = pairs.filter(|&(i, j)| one[i].1 != other[j].1).filter_map(|(i, j)| {
                Some(Crossing { one: i, other: j, both: one[i].0.intersect(&other[j].0)? })
            });
            prop_assert_eq!(crossings(&one, &other).unwrap(), expected.collect::<Vec<_>>());
        }

        #[test]
        fn values_are_distinguished_if_an_answer_changes(space in space(), seed: u64) {
            let mut rng = Rng(seed);
            let cubes = tree(&space, 20, 100, &mut rng);
            let answers: Vec<usize> = cubes.iter().map(|_| rng.below(3)).collect();
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
    fn a_fact_of_twenty_thousand_values_has_its_classes() {
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
