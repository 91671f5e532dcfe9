//! Finds the situations that no cube covers, by counting.

use super::budget::{Budget, TooEntangled};
use super::cube::Cube;
use super::region::Region;
use super::values::{Values, alike};
use super::{Space, share};
use num_bigint::BigUint;
use std::cmp::Reverse;
use std::collections::HashMap;

/// The situations no cube covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gaps {
    /// Disjoint.
    pub cubes: Vec<Cube>,
    /// How many situations are not covered; exact even if not all are listed.
    pub missing: BigUint,
    /// Whether `cubes` contains all of them.
    pub complete: bool,
}

/// Finds the situations that no cube covers; lists up to `limit` cubes of them (fewer if they merge).
///
/// For disjoint cubes `missing` is a subtraction; zero proves coverage without a search. Otherwise at least one gap is
/// listed (for a `limit` above 0), after at most one step for each fact and value class on the path, however large the
/// space is.
///
/// # Errors
///
/// Overlapping cubes are first made disjoint, which may exceed the budget: [`TooEntangled`]. A rules file with overlaps is
/// rejected for these anyway.
pub fn gaps(space: &Space, cubes: &[Cube], limit: usize) -> Result<Gaps, TooEntangled> {
    let region = Region::from_cubes(cubes, space)?;
    let missing = space.count() - region.count(space);
    let (found, complete) = uncovered(space, &region.cubes, limit);
    Ok(Gaps { cubes: found.simplify(space).cubes, missing, complete })
}

/// Lists up to `limit` cubes that none of the disjoint `cubes` intersects, and returns whether these are all.
fn uncovered(space: &Space, cubes: &[Cube], limit: usize) -> (Region, bool) {
    let (mut found, mut budget) = (Region::default(), Budget::new());
    let (path, split) = (Vec::new(), vec![false; space.facts()]);
    let mut search = Search { space, cubes, path, split };
    let all: Vec<usize> = (0..cubes.len()).collect();
    let mut next = Some((space.count(), all));
    while let Some((size, alive)) = next {
        if search.covered(&size, &alive) < size {
            if let Some(fact) = search.busiest(&alive) {
                search.split(fact, &size, alive);
            } else {
                let gap = search.here();
                if found.cubes.len() == limit || budget.write(&gap).is_err() {
                    return (found, false);
                }
                found.cubes.push(gap);
            }
        }
        next = search.advance();
    }
    (found, true)
}

/// A depth-first search for gaps, with an explicit stack.
///
/// A fact is split into classes of values between which the cubes in the sub-space don't distinguish. So below the split
/// each cube allows the whole branch, and only its constraints on facts not yet split are relevant. A sub-space whose
/// cubes add up to its size is skipped, so every one that is split contains a gap.
struct Search<'a> {
    space: &'a Space,
    cubes: &'a [Cube],
    path: Vec<Split>,
    split: Vec<bool>,
}

/// A sub-space, split by the values of `fact`.
struct Split {
    fact: usize,
    /// The size of the sub-space for a single value of `fact`.
    slice: BigUint,
    /// The cubes that intersect the sub-space.
    alive: Vec<usize>,
    /// The values of the current branch, and the remaining branches.
    class: Values,
    classes: std::vec::IntoIter<Values>,
}

impl Search<'_> {
    /// The constraints of a cube on the facts not yet split.
    fn open(&self, cube: usize) -> impl Iterator<Item = (usize, &Values)> {
        let constraints = self.cubes[cube].constraints();
        constraints.filter(|&(fact, _)| !self.split[fact])
    }

    /// How many of the sub-space's `size` situations the cubes cover.
    fn covered(&self, size: &BigUint, alive: &[usize]) -> BigUint {
        let ratio = |(fact, values): (usize, &Values)| (values.len(), self.space.size(fact));
        let part = |&cube: &usize| share(size, self.open(cube).map(ratio));
        alive.iter().map(part).sum()
    }

    /// The fact that most cubes constrain; the first of equals.
    fn busiest(&self, alive: &[usize]) -> Option<usize> {
        let mut uses: HashMap<usize, usize> = HashMap::new();
        for (fact, _) in alive.iter().flat_map(|&cube| self.open(cube)) {
            *uses.entry(fact).or_default() += 1;
        }
        let most = uses.into_iter().max_by_key(|&(fact, uses)| (uses, Reverse(fact)));
        most.map(|(fact, _)| fact)
    }

    /// The current sub-space.
    fn here(&self) -> Cube {
        let sets = self.path.iter().map(|split| (split.fact, split.class.clone()));
        let mut sets: Vec<_> = sets.collect();
        sets.sort_unstable_by_key(|set| set.0);
        Cube { sets }.normalized(self.space)
    }

    fn split(&mut self, fact: usize, size: &BigUint, alive: Vec<usize>) {
        let sets = alive.iter().filter_map(|&cube| self.cubes[cube].values(fact));
        let classes = alike(self.space.size(fact), sets).into_iter();
        let (slice, class) = (size / self.space.size(fact), Values::default());
        self.path.push(Split { fact, slice, alive, class, classes });
        self.split[fact] = true;
    }

    /// Moves to the next branch; returns its size and its cubes.
    fn advance(&mut self) -> Option<(BigUint, Vec<usize>)> {
        loop {
            let at = self.path.last_mut()?;
            let Some(class) = at.classes.next() else {
                self.split[at.fact] = false;
                self.path.pop();
                continue;
            };
            let value = class.first()?;
            let allows = |set: &Values| set.contains(value);
            let meets = |&cube: &usize| self.cubes[cube].values(at.fact).is_none_or(allows);
            let alive = at.alive.iter().copied().filter(meets).collect();
            let size = &at.slice * class.len();
            at.class = class;
            return Some((size, alive));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Rng, covered, cubes, disjoint, one, point, situations, space, tree};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn gaps_are_what_no_cube_covers((space, cubes) in cubes(6), limit in 0..4usize) {
            let outside = &situations(&space).into_iter().collect() - &covered(&space, &cubes);
            let all = gaps(&space, &cubes, usize::MAX).unwrap();
            prop_assert!(all.complete && disjoint(&all.cubes));
            prop_assert_eq!(&covered(&space, &all.cubes), &outside);
            prop_assert_eq!(&all.missing, &outside.len().into());
            let some = gaps(&space, &cubes, limit).unwrap();
            let listed = covered(&space, &some.cubes);
            prop_assert!(some.cubes.len() <= limit && listed.is_subset(&outside));
            prop_assert_eq!(some.complete, listed == outside);
            prop_assert_eq!(listed.is_empty(), limit == 0 || outside.is_empty());
            prop_assert_eq!(some.missing, all.missing);
        }

        #[test]
        fn gaps_of_a_tree_are_its_missing_leaves(space in space(), seed: u64) {
            let mut rng = Rng(seed);
            let (out, kept): (Vec<Cube>, Vec<Cube>) =
                tree(&space, 12, 60, &mut rng).into_iter().partition(|_| rng.below(4) == 0);
            let found = gaps(&space, &kept, usize::MAX).unwrap();
            prop_assert_eq!(covered(&space, &found.cubes), covered(&space, &out));
            prop_assert_eq!(out.is_empty(), found.missing == BigUint::ZERO);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn one_situation_missing_of_4_to_the_24_is_found(seed: u64) {
            let (space, mut rng) = (Space::new(vec![4; 24]), Rng(seed));
            let mut cubes = tree(&space, 400, 10_000, &mut rng);
            prop_assert_eq!(cubes.len(), 400);
            let whole = Gaps { cubes: vec![], missing: BigUint::ZERO, complete: true };
            prop_assert_eq!(gaps(&space, &cubes, 9), Ok(whole));

            let leaf = cubes.swap_remove(rng.below(400));
            let mut situation = leaf.example(&space);
            for (fact, value) in situation.iter_mut().enumerate() {
                let allowed = leaf.values(fact).cloned().unwrap_or_else(|| Values::all(4));
                let nth = allowed.iter().nth(rng.below(allowed.len())).unwrap();
                *value = u16::try_from(nth).unwrap();
            }
            cubes.extend(leaf.subtract(&point(&situation), &space));
            let found = gaps(&space, &cubes, 9).unwrap();
            prop_assert!(found.complete && found.missing == 1u8.into());
            prop_assert_eq!(found.cubes, vec![point(&situation)]);
        }
    }

    #[test]
    fn no_facts_is_one_situation() {
        let space = Space::new(vec![]);
        assert_eq!(space.count(), 1u8.into());
        assert!(gaps(&space, &[Cube::any()], 9).unwrap().cubes.is_empty());
        assert_eq!(gaps(&space, &[], 9).unwrap().cubes, [Cube::any()]);
    }

    #[test]
    fn ten_thousand_facts_are_searched_without_recursion() {
        let space = Space::new(vec![2; 10_000]);
        let all = |value| Cube { sets: (0..10_000).map(|fact| (fact, one(value))).collect() };
        let found = gaps(&space, &[all(0), all(1)], 3).unwrap();
        assert_eq!(found.missing, space.count() - 2u8);
        assert!(!found.cubes.is_empty() && !found.complete);

        // A chain: each rule covers half of what those before it leave.
        let (mut rules, mut rest) = (Vec::new(), Cube::any());
        for fact in (0..10_000).step_by(250) {
            rules.push(rest.clone().with(fact, one(0)));
            rest = rest.with(fact, one(1));
        }
        let found = gaps(&space, &rules, 3).unwrap();
        assert_eq!(found.missing, space.count() >> 40);
        assert_eq!(found.cubes, [rest]);
    }

    #[test]
    fn cubes_that_overlap_too_much_exceed_the_budget() {
        let mut rng = Rng(1);
        let space = Space::new(vec![4; 30]);
        let mut random = || {
            let facts: Vec<usize> = (0..8).map(|_| rng.below(30)).collect();
            facts.into_iter().fold(Cube::any(), |cube, fact| cube.with(fact, one(rng.below(4))))
        };
        let cubes: Vec<Cube> = (0..2_000).map(|_| random()).collect();
        assert_eq!(gaps(&space, &cubes, 1), Err(TooEntangled));
        assert!(!TooEntangled.to_string().is_empty());
    }
}
