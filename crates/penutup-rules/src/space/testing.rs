//! Shared by tests: a random generator, random spaces and cubes, and the enumeration of situations.

use super::{Cube, Space, Values, overlaps};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::iter;
use std::mem::take;

/// `SplitMix64`, deterministic for a seed.
pub(crate) struct Rng(pub u64);

impl Rng {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        usize::try_from((mixed ^ (mixed >> 27)) >> 33).unwrap() % limit
    }
}

/// The partition of a random decision tree: splits a random leaf on a random fact, up to `leaves` leaves or `tries`.
pub(crate) fn tree(space: &Space, leaves: usize, tries: usize, rng: &mut Rng) -> Vec<Cube> {
    let mut cubes = vec![Cube::any()];
    for _ in 0..tries {
        let (leaf, fact) = (rng.below(cubes.len()), rng.below(space.facts()));
        let all = || Values::all(space.size(fact));
        let here = cubes[leaf].values(fact).cloned().unwrap_or_else(all);
        let left: Values = here.iter().filter(|_| rng.below(2) == 0).collect();
        let right = here.subtract(&left);
        if cubes.len() < leaves && !left.is_empty() && !right.is_empty() {
            cubes.push(cubes[leaf].clone().with(fact, left));
            cubes[leaf] = take(&mut cubes[leaf]).with(fact, right);
        }
    }
    cubes
}

pub(super) fn one(value: usize) -> Values {
    iter::once(value).collect()
}

pub(super) fn point(situation: &[u16]) -> Cube {
    let values = situation.iter().map(|&value| one(usize::from(value)));
    values.enumerate().fold(Cube::any(), |cube, (fact, value)| cube.with(fact, value))
}

/// Every situation, in order.
pub(crate) fn situations(space: &Space) -> Vec<Vec<u16>> {
    space.sizes.iter().fold(vec![Vec::new()], |starts, &size| {
        let size = u16::try_from(size).unwrap();
        let grow = |start: Vec<u16>| (0..size).map(move |value| [&start[..], &[value]].concat());
        starts.into_iter().flat_map(grow).collect()
    })
}

pub(super) fn covered(space: &Space, cubes: &[Cube]) -> BTreeSet<Vec<u16>> {
    let inside = |situation: &Vec<u16>| cubes.iter().any(|cube| cube.contains(situation));
    situations(space).into_iter().filter(inside).collect()
}

pub(super) fn members(space: &Space, cube: &Cube) -> BTreeSet<Vec<u16>> {
    covered(space, std::slice::from_ref(cube))
}

pub(super) fn disjoint(cubes: &[Cube]) -> bool {
    overlaps(cubes, 0).total == 0
}

/// Some spaces have a fact with so many values that its sets need more than a word.
pub(super) fn space() -> impl Strategy<Value = Space> {
    let small = prop::collection::vec(1..=4usize, 1..=4);
    let wide = (prop::collection::vec(1..=2usize, 0..=1), 60..=140usize).prop_map(|(mut sizes, wide)| {
        sizes.push(wide);
        sizes
    });
    prop_oneof![4 => small, 1 => wide].prop_map(Space::new)
}

/// A cube that constrains about two facts of three.
pub(super) fn cube(space: &Space) -> impl Strategy<Value = Cube> + use<> {
    let values = |&size: &usize| {
        let some = prop::collection::vec(0..size, 1..=size);
        prop_oneof![1 => Just(None), 2 => some.prop_map(Some)]
    };
    let sets: Vec<_> = space.sizes.iter().map(values).collect();
    sets.prop_map(|sets| {
        let constrained = sets.into_iter().enumerate().filter_map(|(fact, set)| Some((fact, set?)));
        constrained.fold(Cube::any(), |cube, (fact, set)| cube.with(fact, set.into_iter().collect()))
    })
}

pub(super) fn cubes(most: usize) -> impl Strategy<Value = (Space, Vec<Cube>)> {
    space().prop_flat_map(move |space| {
        let cubes = prop::collection::vec(cube(&space), 0..=most);
        (Just(space), cubes)
    })
}

pub(super) fn pair() -> impl Strategy<Value = (Space, Cube, Cube)> {
    space().prop_flat_map(|space| (Just(space.clone()), cube(&space), cube(&space)))
}
