//! A product of value sets, such as the condition of a rule.

use super::values::Values;
use super::{Space, share};
use num_bigint::BigUint;
use std::iter::{self, Peekable};
use std::mem::take;

/// A product of value sets: for some facts the allowed values, sorted by fact, every other fact free.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cube {
    pub(super) sets: Vec<(usize, Values)>,
}

impl Cube {
    pub fn any() -> Self {
        Self::default()
    }

    /// Replaces the allowed values of `fact`.
    pub fn with(mut self, fact: usize, values: Values) -> Self {
        match self.sets.binary_search_by_key(&fact, |set| set.0) {
            Ok(at) => self.sets[at].1 = values,
            Err(at) => self.sets.insert(at, (fact, values)),
        }
        self
    }

    /// The same situations without redundant sets, which contain every value of their fact.
    pub fn normalized(mut self, space: &Space) -> Self {
        self.sets.retain(|(fact, values)| values.len() < space.size(*fact));
        self
    }

    /// The allowed values of `fact`, or `None` if it is free. O(log n).
    pub fn values(&self, fact: usize) -> Option<&Values> {
        let at = self.sets.binary_search_by_key(&fact, |set| set.0).ok()?;
        Some(&self.sets[at].1)
    }

    /// The allowed values of every fact, in order; all of them if it is free.
    pub fn spelled_out(&self, space: &Space) -> impl Iterator<Item = Values> {
        let values = |fact| self.values(fact).cloned().unwrap_or_else(|| Values::all(space.size(fact)));
        (0..space.facts()).map(values)
    }

    /// The facts that are not free and their values, sorted by fact.
    pub fn constraints(&self) -> impl Iterator<Item = (usize, &Values)> + '_ {
        self.sets.iter().map(|(fact, values)| (*fact, values))
    }

    /// Whether the cube contains `situation`, which has one value for each fact. One bit test per constraint, without
    /// allocation.
    pub fn contains(&self, situation: &[u16]) -> bool {
        self.constraints()
            .all(|(fact, values)| situation.get(fact).is_some_and(|&value| values.contains(usize::from(value))))
    }

    /// Whether some situation is in both, that is, no fact has disjoint sets. Stops at the first such fact.
    pub fn intersects(&self, other: &Self) -> bool {
        self.join(other).all(|(_, mine, theirs)| match (mine, theirs) {
            (Some(mine), Some(theirs)) => mine.intersects(theirs),
            _ => true,
        })
    }

    /// The situations in both, or `None` if there are none.
    pub fn intersect(&self, other: &Self) -> Option<Self> {
        let both = self.join(other).map(|(fact, mine, theirs)| {
            let values = match (mine, theirs) {
                (Some(mine), Some(theirs)) => mine.intersect(theirs),
                (one, other) => one.or(other).cloned().unwrap_or_default(),
            };
            (!values.is_empty()).then_some((fact, values))
        });
        Some(Self { sets: both.collect::<Option<_>>()? })
    }

    /// The situations that are not in `other`, as disjoint cubes: at most one per constraint of `other`.
    pub fn subtract(&self, other: &Self, space: &Space) -> Vec<Self> {
        if self.intersects(other) { self.parts(other, space).collect() } else { vec![self.clone()] }
    }

    /// The number of situations: that of the space, scaled by each constraint. O(constraints), not O(facts).
    pub fn count(&self, space: &Space) -> BigUint {
        share(&space.total, self.constraints().map(|(fact, values)| (values.len(), space.size(fact))))
    }

    /// The cube's first situation: every fact at its lowest allowed value.
    pub fn example(&self, space: &Space) -> Vec<u16> {
        let mut situation = vec![0; space.facts()];
        for (fact, values) in self.constraints() {
            situation[fact] = values.first().and_then(|value| value.try_into().ok()).unwrap_or(0);
        }
        situation
    }

    /// The facts constrained in either cube, in order, with the sets of both.
    pub(super) fn join<'a>(
        &'a self,
        other: &'a Self,
    ) -> impl Iterator<Item = (usize, Option<&'a Values>, Option<&'a Values>)> {
        let (mut mine, mut theirs) = (self.constraints().peekable(), other.constraints().peekable());
        iter::from_fn(move || {
            let fact = match (mine.peek(), theirs.peek()) {
                (Some(mine), Some(theirs)) => mine.0.min(theirs.0),
                (one, other) => one.or(other)?.0,
            };
            Some((fact, next_on(&mut mine, fact), next_on(&mut theirs, fact)))
        })
    }

    /// This cube without `hole`, which it intersects, as disjoint pieces: outside in the first fact; inside there but
    /// outside in the second; and so on. Only the part inside in every fact is left out.
    pub(super) fn parts(&self, hole: &Self, space: &Space) -> impl Iterator<Item = Self> {
        let mut inside = self.clone();
        hole.constraints().filter_map(move |(fact, values)| {
            let here = inside.values(fact).cloned().unwrap_or_else(|| Values::all(space.size(fact)));
            let outside = here.subtract(values);
            if outside.is_empty() {
                return None;
            }
            let whole = take(&mut inside);
            inside = whole.clone().with(fact, here.intersect(values));
            Some(whole.with(fact, outside))
        })
    }
}

/// Takes the next constraint if it is on `fact`.
fn next_on<'a>(sets: &mut Peekable<impl Iterator<Item = (usize, &'a Values)>>, fact: usize) -> Option<&'a Values> {
    sets.next_if(|set| set.0 == fact).map(|set| set.1)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{covered, disjoint, members, pair, situations};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn operations_on_cubes_equal_operations_on_sets((space, one, other) in pair()) {
            let (a, b) = (members(&space, &one), members(&space, &other));
            prop_assert_eq!(space.count(), situations(&space).len().into());
            prop_assert_eq!(one.count(&space), a.len().into());
            prop_assert_eq!(Some(&one.example(&space)), a.first());
            let normalized = one.clone().normalized(&space);
            prop_assert_eq!(&members(&space, &normalized), &a);
            prop_assert_eq!(one.intersects(&other), !a.is_disjoint(&b));
            let both = one.intersect(&other).map(|both| members(&space, &both));
            prop_assert_eq!(both.unwrap_or_default(), &a & &b);
            let pieces = one.subtract(&other, &space);
            prop_assert!(disjoint(&pieces));
            prop_assert_eq!(covered(&space, &pieces), &a - &b);
        }
    }
}
