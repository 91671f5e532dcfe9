//! The exact engine over sets of situations.
//!
//! A *situation* picks one value for every fact. A rule's condition is a *cube*: for some facts a set of allowed
//! values, every other fact free. This module answers, about such cubes, the questions a rule file raises: which two
//! overlap ([`overlaps`]), which situations none covers ([`gaps()`]), which values of a fact ever change the answer
//! ([`distinguished`]), and where two tables answer differently ([`crossings`]).
//!
//! No situation is ever listed: a space of 4²⁴ situations is as easy as one of 40. Everything rests on two observations
//! about *pairwise disjoint* cubes.
//!
//! * **Counting proves coverage.** Disjoint cubes count no situation twice, so they leave a gap exactly when their
//!   sizes add up to less than the space's. The same holds inside any sub-space, so a deficit leads the way to the gap:
//!   split on a fact, go where the sum still falls short, and sooner or later no rule is left. No sub-space is searched
//!   in vain.
//! * **One separating fact tells two values apart.** Two disjoint cubes are disjoint in at least one fact. Some
//!   situation of one turns into a situation of the other by changing fact `f` alone exactly when `f` is the *only*
//!   fact in which the two are disjoint.
//!
//! Sizes are [`BigUint`]s and divisions have no remainder, so nothing here is an estimate. What may grow beyond reason
//! (taking overlapping cubes apart, region algebra) has a fixed budget and says [`TooEntangled`] instead.
//!
//! It must not know of disk, clock, terminal, or names: facts, values and rules are indices, and the same input gives
//! the same output in the same order. Callers keep every set non-empty and every index inside the space.

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

/// The facts and how many values each has: the set of all situations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Space {
    sizes: Vec<usize>,
    total: BigUint,
}

impl Space {
    /// A space whose fact `f` has `sizes[f]` values, at least 1 and at most 65,536 each. The product is taken once,
    /// here.
    pub fn new(sizes: Vec<usize>) -> Self {
        let total = sizes.iter().fold(BigUint::from(1u8), |total, &size| total * size);
        Self { sizes, total }
    }

    /// How many facts there are.
    pub fn facts(&self) -> usize {
        self.sizes.len()
    }

    /// How many values `fact` has.
    pub fn size(&self, fact: usize) -> usize {
        self.sizes[fact]
    }

    /// How many situations there are, exactly.
    pub fn count(&self) -> BigUint {
        self.total.clone()
    }
}

/// `whole` times the product of `part / of`, for divisors that divide it.
///
/// Exact because each `of` is the size of another fact, and all of these are factors of `whole`. Factors are gathered
/// in a machine word first, so that a cube of twenty constraints costs one long division, not twenty.
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
