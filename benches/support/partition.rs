//! Tables of any size, the same on every run.

use penutup::rules::space::{Cube, Space, Values};

/// A small deterministic generator (`SplitMix64`).
pub struct Dice(pub u64);

impl Dice {
    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        usize::try_from((mixed ^ (mixed >> 27)) >> 33).unwrap_or(0) % limit
    }
}

/// A partition of the space into `rules` cubes, as a random decision tree makes it: some leaf's values of some fact
/// fall into two, over and over.
pub fn partition(facts: usize, values: usize, rules: usize, seed: u64) -> (Space, Vec<Cube>) {
    let mut dice = Dice(seed);
    let mut leaves = vec![Cube::any()];
    while leaves.len() < rules {
        let (leaf, fact) = (dice.below(leaves.len()), dice.below(facts));
        let here = leaves[leaf].values(fact).cloned().unwrap_or_else(|| Values::all(values));
        let left: Values = here.iter().filter(|_| dice.below(2) == 0).collect();
        let right = here.subtract(&left);
        if !left.is_empty() && !right.is_empty() {
            leaves.push(leaves[leaf].clone().with(fact, left));
            leaves[leaf] = std::mem::take(&mut leaves[leaf]).with(fact, right);
        }
    }
    (Space::new(vec![values; facts]), leaves)
}
