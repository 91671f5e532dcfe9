//! An arbitrary set of situations, as pairwise disjoint cubes.

use super::Space;
use super::budget::{Budget, TooEntangled};
use super::cube::Cube;
use super::pairs::overlaps;
use num_bigint::BigUint;
use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::mem::take;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Region {
    pub(super) cubes: Vec<Cube>,
}

impl Region {
    /// The situations in any of `cubes`. If some overlap, each is reduced by those before it, which may exceed the budget:
    /// [`TooEntangled`].
    pub fn from_cubes(cubes: &[Cube], space: &Space) -> Result<Self, TooEntangled> {
        if overlaps(cubes, 0).total == 0 {
            return Ok(Self { cubes: cubes.to_vec() });
        }
        let mut budget = Budget::new();
        let new = |(at, cube)| without(cube, &cubes[..at], space, &mut budget);
        Self::collect(cubes.iter().enumerate().map(new))
    }

    /// From cubes that are known to be disjoint, without a check.
    pub fn disjoint(cubes: Vec<Cube>) -> Self {
        Self { cubes }
    }

    pub fn cubes(&self) -> &[Cube] {
        &self.cubes
    }

    /// The sum of the cubes' counts, since they are disjoint.
    pub fn count(&self, space: &Space) -> BigUint {
        self.cubes.iter().map(|cube| cube.count(space)).sum()
    }

    /// The same situations in fewer cubes: merges cubes that differ in one fact only, until no two do. The result is
    /// disjoint but not necessarily minimal.
    pub fn simplify(mut self, space: &Space) -> Self {
        let cubes = self.cubes.into_iter();
        self.cubes = cubes.map(|cube| cube.normalized(space)).collect();
        loop {
            let before = self.cubes.len();
            self.merge(space);
            if self.cubes.len() == before {
                return self;
            }
        }
    }

    /// One round of merging, fact by fact. Cubes that agree in all other facts are found by a sum of hashes, one per
    /// constraint, from which that of one fact can be subtracted: O(constraints) per round. Candidates are compared before
    /// merging.
    fn merge(&mut self, space: &Space) {
        let cubes = &mut self.cubes;
        let hash_sum = |cube: &Cube| cube.sets.iter().map(hash).fold(0, u64::wrapping_add);
        let mut hashes: Vec<u64> = cubes.iter().map(hash_sum).collect();
        let mut gone = vec![false; cubes.len()];
        let mut slots: Vec<(usize, usize)> = Vec::new();
        for (at, cube) in cubes.iter().enumerate() {
            slots.extend(cube.sets.iter().map(|set| (set.0, at)));
        }
        slots.sort_unstable();
        for slots in slots.chunk_by(|one, other| one.0 == other.0) {
            let mut by_rest = HashMap::new();
            for &(fact, at) in slots {
                let Some(values) = cubes[at].values(fact) else {
                    continue;
                };
                let rest = hashes[at].wrapping_sub(hash(&(fact, values)));
                let into = *by_rest.entry(rest).or_insert(at);
                let Some(known) = cubes[into].values(fact) else {
                    continue;
                };
                let union = known.union(values);
                let mut sets = cubes[into].join(&cubes[at]);
                let alike = |(other, mine, theirs)| other == fact || mine == theirs;
                if into != at && sets.all(alike) {
                    drop(sets);
                    cubes[into] = take(&mut cubes[into]).with(fact, union).normalized(space);
                    hashes[into] = hash_sum(&cubes[into]);
                    cubes[at] = Cube::any();
                    gone[at] = true;
                }
            }
        }
        let mut gone = gone.into_iter();
        cubes.retain(|_| gone.next() == Some(false));
    }

    fn collect(parts: impl Iterator<Item = Result<Vec<Cube>, TooEntangled>>) -> Result<Self, TooEntangled> {
        let parts: Vec<Vec<Cube>> = parts.collect::<Result<_, _>>()?;
        let cubes = parts.into_iter().flatten().collect();
        Ok(Self { cubes })
    }
}

fn hash(item: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    item.hash(&mut hasher);
    hasher.finish()
}

/// `cube` without `holes`, as disjoint pieces.
fn without(cube: &Cube, holes: &[Cube], space: &Space, budget: &mut Budget) -> Result<Vec<Cube>, TooEntangled> {
    let mut pieces = vec![cube.clone()];
    for hole in holes {
        budget.examine(pieces.len())?;
        let hit: Vec<Cube> = pieces.extract_if(.., |piece| piece.intersects(hole)).collect();
        for part in hit.iter().flat_map(|piece| piece.parts(hole, space)) {
            budget.write(&part)?;
            pieces.push(part);
        }
        if pieces.is_empty() {
            break;
        }
    }
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Rng, covered, cubes, disjoint, space, tree};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn regions_contain_the_situations_of_their_cubes((space, cubes) in cubes(8)) {
            let set = covered(&space, &cubes);
            let region = Region::from_cubes(&cubes, &space).unwrap();
            let simple = region.clone().simplify(&space);
            prop_assert!(simple.cubes().len() <= region.cubes().len());
            prop_assert_eq!(&simple.clone().simplify(&space), &simple);
            for region in [region, simple] {
                prop_assert!(disjoint(region.cubes()));
                prop_assert_eq!(&covered(&space, region.cubes()), &set);
                prop_assert_eq!(region.count(&space), set.len().into());
            }
        }

        #[test]
        fn simplify_leaves_no_two_cubes_to_merge(space in space(), seed: u64) {
            let cubes = tree(&space, 12, 60, &mut Rng(seed));
            let simple = Region { cubes }.simplify(&space);
            for (at, one) in simple.cubes().iter().enumerate() {
                for other in &simple.cubes()[at + 1..] {
                    let differ = one.join(other).filter(|(_, mine, theirs)| mine != theirs);
                    prop_assert!(differ.count() > 1);
                }
            }
        }
    }
}
