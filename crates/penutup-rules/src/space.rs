//! Exact operations on sets of situations.
//!
//! A *situation* has one value for every fact. A rule's condition is a *cube*: for some facts a set of allowed values,
//! every other fact free. This module computes which cubes overlap ([`overlaps`]), which situations no cube covers
//! ([`gaps()`]), which values of a fact change the answer ([`distinguished`]), and where two tables have different answers
//! ([`crossings`]).
//!
//! Situations are never listed: a space of 4²⁴ situations is as easy as one of 40. This rests on two properties of
//! *pairwise disjoint* cubes.
//!
//! * **Counting proves coverage.** Disjoint cubes count no situation twice, so they leave a gap exactly if their sizes
//!   add up to less than the size of the space. The same applies to any sub-space, so a deficit leads to the gap: split
//!   on a fact, continue where the sum is still too small, until no rule is left. Only sub-spaces with a gap are split.
//! * **One separating fact distinguishes two values.** Two disjoint cubes are disjoint in at least one fact. Some
//!   situation of one turns into a situation of the other by changing fact `f` alone exactly when `f` is the *only*
//!   fact in which the two are disjoint.
//!
//! Sizes are [`BigUint`]s and divisions have no remainder, so all results are exact. Operations that may grow too large
//! (splitting overlapping cubes, region algebra) have a fixed budget and return [`TooEntangled`] beyond it.
//!
//! Facts, values and rules are indices. The output is deterministic. Callers must keep every set non-empty and every index
//! inside the space.

use num_bigint::BigUint;

mod budget;
mod cube;
mod gaps;
mod pairs;
mod region;
#[cfg(test)]
pub(super) mod testing;
mod values;

pub use budget::TooEntangled;
pub use cube::Cube;
pub use gaps::{Gaps, gaps};
pub use pairs::{Crossing, Distinction, Overlaps, crossings, distinguished, overlaps};
pub use region::Region;
pub use values::Values;

/// The set of all situations: the number of values of each fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Space {
    sizes: Vec<usize>,
    total: BigUint,
}

impl Space {
    /// `sizes[f]` is the number of values of fact `f`, from 1 to 65,536.
    pub fn new(sizes: Vec<usize>) -> Self {
        let total = sizes.iter().fold(BigUint::from(1u8), |total, &size| total * size);
        Self { sizes, total }
    }

    pub fn facts(&self) -> usize {
        self.sizes.len()
    }

    pub fn size(&self, fact: usize) -> usize {
        self.sizes[fact]
    }

    pub fn count(&self) -> BigUint {
        self.total.clone()
    }
}

/// `whole` times the product of `part / of`, for divisors that divide it.
///
/// Exact because each `of` is the size of another fact, and all of these are factors of `whole`. Factors are collected
/// in a machine word first, so that a cube of twenty constraints needs one long division, not twenty.
fn share(whole: &BigUint, ratios: impl Iterator<Item = (usize, usize)>) -> BigUint {
    let mut whole = whole.clone();
    let (mut keep, mut split) = (1, 1);
    for (part, of) in ratios {
        let both = usize::checked_mul(keep, part).zip(usize::checked_mul(split, of));
        (keep, split) = both.unwrap_or_else(|| {
            whole = &whole / split * keep;
            (part, of)
        });
    }
    whole / split * keep
}
