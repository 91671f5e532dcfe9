//! A set of small numbers: values of a fact.

use std::collections::{BTreeMap, HashMap};
use std::iter;
use std::num::NonZero;

/// A bit set of small numbers: values of a fact (and, inside this module, rules).
///
/// The first 64 are stored inline, so sets of an ordinary fact need no heap. `high` never ends in a zero word, so that
/// equal sets compare equal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Values {
    low: u64,
    pub(super) high: Vec<u64>,
}

impl FromIterator<usize> for Values {
    fn from_iter<I: IntoIterator<Item = usize>>(values: I) -> Self {
        let mut set = Self::default();
        values.into_iter().for_each(|value| set.insert(value));
        set
    }
}

impl Values {
    /// Every value of a fact of `size` values.
    pub fn all(size: usize) -> Self {
        let tail = |bits: usize| if bits < 64 { (1 << bits) - 1 } else { u64::MAX };
        let mut high = vec![u64::MAX; (size / 64).saturating_sub(1)];
        if size > 64 && !size.is_multiple_of(64) {
            high.push(tail(size % 64));
        }
        Self { low: tail(size), high }
    }

    /// Adds `value`. Amortised O(1), plus the words up to it.
    pub fn insert(&mut self, value: usize) {
        let bit = 1 << (value % 64);
        match value / 64 {
            0 => self.low |= bit,
            word => {
                if self.high.len() < word {
                    self.high.resize(word, 0);
                }
                self.high[word - 1] |= bit;
            }
        }
    }

    /// O(1).
    pub fn contains(&self, value: usize) -> bool {
        let word = match value / 64 {
            0 => self.low,
            word => self.high.get(word - 1).copied().unwrap_or(0),
        };
        word >> (value % 64) & 1 == 1
    }

    /// In ascending order.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        let without_lowest = |bits: &NonZero<u64>| NonZero::new(bits.get() & (bits.get() - 1));
        self.words().enumerate().flat_map(move |(at, word)| {
            let bits = iter::successors(NonZero::new(word), without_lowest);
            bits.map(move |bits| at * 64 + bits.trailing_zeros() as usize)
        })
    }

    pub fn first(&self) -> Option<usize> {
        self.iter().next()
    }

    /// O(words).
    pub fn len(&self) -> usize {
        self.words().map(|word| word.count_ones() as usize).sum()
    }

    /// O(1).
    pub fn is_empty(&self) -> bool {
        self.low == 0 && self.high.is_empty()
    }

    /// O(words), stopping at the first common one.
    pub fn intersects(&self, other: &Self) -> bool {
        self.words().zip(other.words()).any(|(mine, theirs)| mine & theirs != 0)
    }

    /// O(words), as are the next three.
    pub fn intersect(&self, other: &Self) -> Self {
        self.subtract(&self.subtract(other))
    }

    pub fn subtract(&self, other: &Self) -> Self {
        let mut left = self.clone();
        left.remove_all(other);
        left
    }

    pub fn union(&self, other: &Self) -> Self {
        let mut both = self.clone();
        both.insert_all(other);
        both
    }

    /// The values of a fact of `size` values that are not in this set.
    pub fn complement(&self, size: usize) -> Self {
        Self::all(size).subtract(self)
    }

    pub(super) fn words(&self) -> impl Iterator<Item = u64> + '_ {
        iter::once(self.low).chain(self.high.iter().copied())
    }

    pub(super) fn insert_all(&mut self, other: &Self) {
        self.low |= other.low;
        if self.high.len() < other.high.len() {
            self.high.resize(other.high.len(), 0);
        }
        self.high.iter_mut().zip(&other.high).for_each(|(mine, theirs)| *mine |= theirs);
    }

    pub(super) fn remove_all(&mut self, other: &Self) {
        self.low &= !other.low;
        self.high.iter_mut().zip(&other.high).for_each(|(mine, theirs)| *mine &= !theirs);
        while self.high.last() == Some(&0) {
            self.high.pop();
        }
    }
}

/// Groups the values of a fact of `size` values that are in exactly the same `sets`; a group that is in none comes first.
///
/// Each set splits every group into its members and the others. A set of most values moves the others instead, which
/// gives the same split: O(shorter side).
pub(super) fn alike<'a>(size: usize, sets: impl Iterator<Item = &'a Values>) -> Vec<Values> {
    let (mut group, mut groups) = (vec![0; size], 1);
    let mut touched = Values::default();
    for set in sets {
        touched.insert_all(set);
        let outside = (2 * set.len() > size).then(|| set.complement(size));
        let mut moved = HashMap::new();
        for value in outside.as_ref().unwrap_or(set).iter() {
            group[value] = *moved.entry(group[value]).or_insert_with(|| {
                groups += 1;
                groups - 1
            });
        }
    }
    let mut classes: BTreeMap<(bool, usize), Values> = BTreeMap::new();
    for (value, group) in group.into_iter().enumerate() {
        classes.entry((touched.contains(value), group)).or_default().insert(value);
    }
    classes.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::cubes;
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn operations_on_values_equal_operations_on_sets(
            size in 1..200usize,
            one in prop::collection::btree_set(0..200usize, 0..40),
            other in prop::collection::btree_set(0..200usize, 0..40),
        ) {
            let clip = |set: &BTreeSet<usize>| set.iter().copied().filter(|&v| v < size).collect();
            let (one, other): (BTreeSet<usize>, BTreeSet<usize>) = (clip(&one), clip(&other));
            let bits = |set: &BTreeSet<usize>| set.iter().copied().collect::<Values>();
            let (a, b) = (bits(&one), bits(&other));
            prop_assert_eq!(a.iter().collect::<BTreeSet<_>>(), one.clone());
            prop_assert_eq!(a.len(), one.len());
            prop_assert_eq!(a.first(), one.first().copied());
            prop_assert_eq!(a.is_empty(), one.is_empty());
            prop_assert!((0..200).all(|value| a.contains(value) == one.contains(&value)));
            prop_assert_eq!(a.intersect(&b), bits(&(&one & &other)));
            prop_assert_eq!(a.subtract(&b), bits(&(&one - &other)));
            prop_assert_eq!(a.union(&b), bits(&(&one | &other)));
            prop_assert_eq!(a.complement(size), bits(&(&(0..size).collect() - &one)));
            prop_assert_eq!(a.intersects(&b), !one.is_disjoint(&other));
        }

        #[test]
        fn values_are_alike_if_they_are_in_the_same_sets((space, cubes) in cubes(6)) {
            let sets: Vec<&Values> = cubes.iter().filter_map(|cube| cube.values(0)).collect();
            let classes = alike(space.size(0), sets.iter().copied());
            let profile = |value: usize| -> Vec<bool> {
                sets.iter().map(|set| set.contains(value)).collect()
            };
            let profiles: BTreeSet<_> = (0..space.size(0)).map(profile).collect();
            prop_assert_eq!(classes.len(), profiles.len());
            prop_assert_eq!(classes.iter().map(Values::len).sum::<usize>(), space.size(0));
            for class in &classes {
                let first = profile(class.first().unwrap());
                prop_assert!(class.iter().all(|value| profile(value) == first));
            }
            let free = (0..space.size(0)).find(|&value| !profile(value).contains(&true));
            prop_assert!(free.is_none_or(|value| classes[0].contains(value)));
        }
    }

    #[test]
    fn all_values_are_those_inserted_one_by_one() {
        assert!((0..=256).all(|size| Values::all(size) == (0..size).collect()));
    }
}
