//! The exact engine over sets of situations.
//!
//! A *situation* picks one value for every fact. A rule's condition is a *cube*: for some facts a set of allowed
//! values, every other fact free. This module answers, about such cubes, the questions a rule file raises: which two
//! overlap ([`overlaps`]), which situations none covers ([`gaps`]), and which values of a fact ever change the answer
//! ([`distinguished`]).
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

#![allow(clippy::must_use_candidate, clippy::return_self_not_must_use)] // nothing here has an effect

use num_bigint::BigUint;
use std::cmp::Reverse;
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};
use std::iter::{self, Peekable};
use std::mem::take;
use std::num::NonZero;

// ------------------------------------------------------------------ space

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

// ----------------------------------------------------------------- values

/// A set of small numbers, one bit each: the values a fact may take (and, inside this module, sets of rules).
///
/// The first 64 live in place, so the sets of an ordinary fact never touch the heap. The rest never ends in a zero
/// word, so equal sets are equal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Values {
    low: u64,
    high: Vec<u64>,
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

    /// Whether `value` is in the set. O(1).
    pub fn contains(&self, value: usize) -> bool {
        let word = match value / 64 {
            0 => self.low,
            word => self.high.get(word - 1).copied().unwrap_or(0),
        };
        word >> (value % 64) & 1 == 1
    }

    /// The values, lowest first.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        let without_lowest = |bits: &NonZero<u64>| NonZero::new(bits.get() & (bits.get() - 1));
        self.words().enumerate().flat_map(move |(at, word)| {
            let bits = iter::successors(NonZero::new(word), without_lowest);
            bits.map(move |bits| at * 64 + bits.trailing_zeros() as usize)
        })
    }

    /// The lowest value, if there is any.
    pub fn first(&self) -> Option<usize> {
        self.iter().next()
    }

    /// How many values there are. O(words).
    pub fn len(&self) -> usize {
        self.words().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether there are none. O(1).
    pub fn is_empty(&self) -> bool {
        self.low == 0 && self.high.is_empty()
    }

    /// Whether the two share a value. O(words), stopping at the first.
    pub fn intersects(&self, other: &Self) -> bool {
        self.words().zip(other.words()).any(|(mine, theirs)| mine & theirs != 0)
    }

    /// Whether every value is also in `other`. O(words).
    pub fn is_subset(&self, other: &Self) -> bool {
        self.high.len() <= other.high.len() && self.words().zip(other.words()).all(|(mine, theirs)| mine & !theirs == 0)
    }

    /// The values in both sets. O(words), as are the next three.
    pub fn intersect(&self, other: &Self) -> Self {
        self.subtract(&self.subtract(other))
    }

    /// The values of this set that are not in `other`.
    pub fn subtract(&self, other: &Self) -> Self {
        let mut left = self.clone();
        left.remove_all(other);
        left
    }

    /// The values in either set.
    pub fn union(&self, other: &Self) -> Self {
        let mut both = self.clone();
        both.insert_all(other);
        both
    }

    /// The values of a fact of `size` values that are not in this set.
    pub fn complement(&self, size: usize) -> Self {
        Self::all(size).subtract(self)
    }

    fn words(&self) -> impl Iterator<Item = u64> + '_ {
        iter::once(self.low).chain(self.high.iter().copied())
    }

    fn insert_all(&mut self, other: &Self) {
        self.low |= other.low;
        if self.high.len() < other.high.len() {
            self.high.resize(other.high.len(), 0);
        }
        self.high.iter_mut().zip(&other.high).for_each(|(mine, theirs)| *mine |= theirs);
    }

    fn remove_all(&mut self, other: &Self) {
        self.low &= !other.low;
        self.high.iter_mut().zip(&other.high).for_each(|(mine, theirs)| *mine &= !theirs);
        while self.high.last() == Some(&0) {
            self.high.pop();
        }
    }
}

/// Groups the values of a fact of `size` values that lie in exactly the same `sets`; a group that lies in none comes
/// first.
///
/// Each set moves its members out of their groups into new ones, all the members of one old group into the same new
/// one. A set that holds most values moves the few others instead, which splits alike: O(shorter side).
fn alike<'a>(size: usize, sets: impl Iterator<Item = &'a Values>) -> Vec<Values> {
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

// ------------------------------------------------------------------- cube

/// A product of value sets: for some facts the allowed values, sorted by fact, every other fact free.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cube {
    sets: Vec<(usize, Values)>,
}

impl Cube {
    /// The cube of every situation.
    pub fn any() -> Self {
        Self::default()
    }

    /// This cube with `fact` held to `values`, in place of what held it.
    pub fn with(mut self, fact: usize, values: Values) -> Self {
        match self.sets.binary_search_by_key(&fact, |set| set.0) {
            Ok(at) => self.sets[at].1 = values,
            Err(at) => self.sets.insert(at, (fact, values)),
        }
        self
    }

    /// This cube without the sets that list every value of their fact: the same situations, said in the fewest words.
    pub fn lean(mut self, space: &Space) -> Self {
        self.sets.retain(|(fact, values)| values.len() < space.size(*fact));
        self
    }

    /// The values `fact` is held to, or `None` when it is free. O(log n).
    pub fn values(&self, fact: usize) -> Option<&Values> {
        let at = self.sets.binary_search_by_key(&fact, |set| set.0).ok()?;
        Some(&self.sets[at].1)
    }

    /// The facts that are not free and their values, by fact.
    pub fn constraints(&self) -> impl Iterator<Item = (usize, &Values)> + '_ {
        self.sets.iter().map(|(fact, values)| (*fact, values))
    }

    /// Whether `situation`, one value for each fact, lies in the cube. One bit test for each constraint; nothing is
    /// allocated.
    pub fn contains(&self, situation: &[u16]) -> bool {
        self.constraints()
            .all(|(fact, values)| situation.get(fact).is_some_and(|&value| values.contains(usize::from(value))))
    }

    /// Whether some situation lies in both: no fact has disjoint sets. One walk along the constraints of both, up to
    /// the first such fact.
    pub fn intersects(&self, other: &Self) -> bool {
        self.join(other).all(|(_, mine, theirs)| match (mine, theirs) {
            (Some(mine), Some(theirs)) => mine.intersects(theirs),
            _ => true,
        })
    }

    /// The situations in both, again a cube, or `None` when there are none.
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

    /// The situations of this cube that are not in `other`, as disjoint cubes: at most one for each constraint of
    /// `other`.
    pub fn subtract(&self, other: &Self, space: &Space) -> Vec<Self> {
        if self.intersects(other) { self.parts(other, space).collect() } else { vec![self.clone()] }
    }

    /// How many situations the cube has: the space's number, scaled by each constraint. O(constraints), not O(facts).
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

    /// Whether every situation of this cube lies in `other`: each set of `other` holds this cube's. Exact for cubes
    /// that are [`lean`](Self::lean).
    pub fn is_subset(&self, other: &Self) -> bool {
        self.join(other).all(|(_, mine, theirs)| match (mine, theirs) {
            (Some(mine), Some(theirs)) => mine.is_subset(theirs),
            (mine, _) => mine.is_some(),
        })
    }

    /// The facts held in either cube, in order, with the sets of each.
    fn join<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = (usize, Option<&'a Values>, Option<&'a Values>)> {
        let (mut mine, mut theirs) = (self.constraints().peekable(), other.constraints().peekable());
        iter::from_fn(move || {
            let fact = match (mine.peek(), theirs.peek()) {
                (Some(mine), Some(theirs)) => mine.0.min(theirs.0),
                (one, other) => one.or(other)?.0,
            };
            Some((fact, next_on(&mut mine, fact), next_on(&mut theirs, fact)))
        })
    }

    /// What is left of this cube outside `hole`, which it meets, piece by piece: outside in the first fact; inside
    /// there but outside in the second; and so on. No two pieces share a situation, and only the part inside in every
    /// fact is left out.
    fn parts(&self, hole: &Self, space: &Space) -> impl Iterator<Item = Self> {
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

// --------------------------------------------------------- pairs of cubes

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
fn columns(cubes: &[Cube]) -> impl Iterator<Item = (usize, Vec<Held<'_>>)> {
    let mut by_fact: BTreeMap<usize, Vec<(usize, &Values)>> = BTreeMap::new();
    for (rule, cube) in cubes.iter().enumerate() {
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

    /// Whether changing the one value to the other changes some answer.
    pub fn tells_apart(&self, one: usize, other: usize) -> bool {
        !self.classes.iter().any(|class| class.contains(one) && class.contains(other))
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

// ------------------------------------------------------------------- gaps

/// The work of taking cubes apart outgrew its fixed budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooEntangled;

impl std::fmt::Display for TooEntangled {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("the cubes overlap in too many ways to take apart")
    }
}

impl std::error::Error for TooEntangled {}

/// What is left of the work one operation may do. A pair of cubes looked at costs 1, a word written costs
/// [`Budget::WORD`]: a few seconds, and 20 million words, at most.
struct Budget(usize);

impl Budget {
    const WORK: usize = 200_000_000;
    const WORD: usize = 10;

    fn look(&mut self, pairs: usize) -> Result<(), TooEntangled> {
        self.0 = self.0.checked_sub(pairs).ok_or(TooEntangled)?;
        Ok(())
    }

    fn write(&mut self, cube: &Cube) -> Result<(), TooEntangled> {
        let words: usize = cube.sets.iter().map(|(_, values)| 5 + values.high.len()).sum();
        self.look((3 + words) * Self::WORD)
    }
}

/// The situations no cube covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gaps {
    /// Some or all of them, as disjoint cubes.
    pub cubes: Vec<Cube>,
    /// How many situations are not covered: exact, listed or not.
    pub missing: BigUint,
    /// Whether `cubes` holds them all.
    pub complete: bool,
}

/// Finds the situations no cube covers; lists up to `limit` cubes of them (fewer when they merge).
///
/// For disjoint cubes `missing` is a subtraction, and when it is zero that is the proof, with no search at all.
/// Otherwise at least one gap is listed (for a `limit` above 0), after at most one step for each fact and value class
/// on the way, however large the space is.
///
/// # Errors
///
/// Cubes that overlap are first made disjoint, each without those before it. That may not be feasible:
/// [`TooEntangled`]. It does no harm, since a rule file with overlaps is refused for these anyway.
pub fn gaps(space: &Space, cubes: &[Cube], limit: usize) -> Result<Gaps, TooEntangled> {
    let region = Region::from_cubes(cubes, space)?;
    let missing = space.count() - region.count(space);
    let (found, complete) = uncovered(space, &region.cubes, limit);
    Ok(Gaps { cubes: found.simplify(space).cubes, missing, complete })
}

/// Lists up to `limit` cubes that none of the disjoint `cubes` meets, and says whether these are all.
fn uncovered(space: &Space, cubes: &[Cube], limit: usize) -> (Region, bool) {
    let (mut found, mut budget) = (Region::default(), Budget(Budget::WORK));
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

/// A depth-first search for gaps, on an explicit stack.
///
/// A fact is split into values that the cubes alive in the sub-space treat alike. So below the split each cube alive
/// holds the whole branch, and only its constraints on facts not yet split still matter. A sub-space whose cubes add up
/// to its size is left at once: each that is split holds a gap.
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
    /// The cubes that meet the sub-space.
    alive: Vec<usize>,
    /// The values of the branch under search, and those still to come.
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

    /// The fact that most of the cubes still constrain, the first of equals.
    fn busiest(&self, alive: &[usize]) -> Option<usize> {
        let mut uses: HashMap<usize, usize> = HashMap::new();
        for (fact, _) in alive.iter().flat_map(|&cube| self.open(cube)) {
            *uses.entry(fact).or_default() += 1;
        }
        let most = uses.into_iter().max_by_key(|&(fact, uses)| (uses, Reverse(fact)));
        most.map(|(fact, _)| fact)
    }

    /// The sub-space under search.
    fn here(&self) -> Cube {
        let sets = self.path.iter().map(|split| (split.fact, split.class.clone()));
        let mut sets: Vec<_> = sets.collect();
        sets.sort_unstable_by_key(|set| set.0);
        Cube { sets }.lean(self.space)
    }

    /// Splits the sub-space under search.
    fn split(&mut self, fact: usize, size: &BigUint, alive: Vec<usize>) {
        let sets = alive.iter().filter_map(|&cube| self.cubes[cube].values(fact));
        let classes = alike(self.space.size(fact), sets).into_iter();
        let (slice, class) = (size / self.space.size(fact), Values::default());
        self.path.push(Split { fact, slice, alive, class, classes });
        self.split[fact] = true;
    }

    /// Goes to the next branch: its size and the cubes alive there.
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

// ----------------------------------------------------------------- region

/// Any set of situations, as pairwise disjoint cubes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Region {
    cubes: Vec<Cube>,
}

/// What may grow here is bounded: an operation that would take more than its fixed budget of work is given up with
/// [`TooEntangled`].
#[allow(clippy::missing_errors_doc)] // once, above, for all of them
impl Region {
    /// The situations in any of `cubes`. Disjoint ones are kept as they are; when some overlap, each is taken without
    /// those before it.
    pub fn from_cubes(cubes: &[Cube], space: &Space) -> Result<Self, TooEntangled> {
        if overlaps(cubes, 0).total == 0 {
            return Ok(Self { cubes: cubes.to_vec() });
        }
        let mut budget = Budget(Budget::WORK);
        let new = |(at, cube)| without(cube, &cubes[..at], space, &mut budget);
        Self::collect(cubes.iter().enumerate().map(new))
    }

    /// The disjoint cubes it is made of.
    pub fn cubes(&self) -> &[Cube] {
        &self.cubes
    }

    /// Whether it has no situation.
    pub fn is_empty(&self) -> bool {
        self.cubes.is_empty()
    }

    /// Whether `situation` lies in it. O(constraints).
    pub fn contains(&self, situation: &[u16]) -> bool {
        self.cubes.iter().any(|cube| cube.contains(situation))
    }

    /// How many situations it has: its cubes share none, so their sum.
    pub fn count(&self, space: &Space) -> BigUint {
        self.cubes.iter().map(|cube| cube.count(space)).sum()
    }

    /// The first of its situations, in the order of facts and values.
    pub fn example(&self, space: &Space) -> Option<Vec<u16>> {
        self.cubes.iter().map(|cube| cube.example(space)).min()
    }

    /// Every situation that is not in it, found as [`gaps`] are.
    pub fn complement(&self, space: &Space) -> Result<Self, TooEntangled> {
        match uncovered(space, &self.cubes, usize::MAX) {
            (region, true) => Ok(region),
            (_, false) => Err(TooEntangled),
        }
    }

    /// The situations in both: the cubes' intersections, disjoint since the cubes are. O(pairs).
    pub fn intersect(&self, other: &Self) -> Result<Self, TooEntangled> {
        let mut budget = Budget(Budget::WORK);
        Self::collect(self.cubes.iter().map(|mine| {
            budget.look(other.cubes.len())?;
            let both = other.cubes.iter().filter_map(|cube| mine.intersect(cube));
            both.map(|cube| budget.write(&cube).map(|()| cube)).collect()
        }))
    }

    /// The situations in this region that are not in `other`.
    pub fn subtract(&self, other: &Self, space: &Space) -> Result<Self, TooEntangled> {
        let mut budget = Budget(Budget::WORK);
        let left = |cube| without(cube, &other.cubes, space, &mut budget);
        Self::collect(self.cubes.iter().map(left))
    }

    /// The same situations in fewer cubes: merges two that differ in one fact's values only, until no two do. It stays
    /// a partition, since such a union has the situations of the two and no other. It need not be the smallest one.
    pub fn simplify(mut self, space: &Space) -> Self {
        let cubes = self.cubes.into_iter();
        self.cubes = cubes.map(|cube| cube.lean(space)).collect();
        loop {
            let before = self.cubes.len();
            self.merge(space);
            if self.cubes.len() == before {
                return self;
            }
        }
    }

    /// One round of merging, fact by fact. Cubes with the same rest meet by a sum of hashes, one for each constraint,
    /// from which one fact's is easily taken out: O(constraints) for the round. The hash only proposes; what merges was
    /// compared.
    fn merge(&mut self, space: &Space) {
        let cubes = &mut self.cubes;
        let mark = |cube: &Cube| cube.sets.iter().map(hash).fold(0, u64::wrapping_add);
        let mut marks: Vec<u64> = cubes.iter().map(mark).collect();
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
                let rest = marks[at].wrapping_sub(hash(&(fact, values)));
                let into = *by_rest.entry(rest).or_insert(at);
                let Some(known) = cubes[into].values(fact) else {
                    continue;
                };
                let union = known.union(values);
                let mut sets = cubes[into].join(&cubes[at]);
                let alike = |(other, mine, theirs)| other == fact || mine == theirs;
                if into != at && sets.all(alike) {
                    drop(sets);
                    cubes[into] = take(&mut cubes[into]).with(fact, union).lean(space);
                    marks[into] = mark(&cubes[into]);
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

/// What is left of `cube` outside every one of `holes`, in disjoint pieces.
fn without(cube: &Cube, holes: &[Cube], space: &Space, budget: &mut Budget) -> Result<Vec<Cube>, TooEntangled> {
    let mut pieces = vec![cube.clone()];
    for hole in holes {
        budget.look(pieces.len())?;
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
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// `SplitMix64`: the same dice for the same seed, everywhere.
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, limit: usize) -> usize {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            usize::try_from((mixed ^ (mixed >> 27)) >> 33).unwrap() % limit
        }
    }

    /// A partition as a random decision tree makes it: the values some leaf has of some fact fall into two, up to
    /// `leaves` leaves or `tries`.
    fn tree(space: &Space, leaves: usize, tries: usize, dice: &mut Dice) -> Vec<Cube> {
        let mut cubes = vec![Cube::any()];
        for _ in 0..tries {
            let (leaf, fact) = (dice.below(cubes.len()), dice.below(space.facts()));
            let all = || Values::all(space.size(fact));
            let here = cubes[leaf].values(fact).cloned().unwrap_or_else(all);
            let left: Values = here.iter().filter(|_| dice.below(2) == 0).collect();
            let right = here.subtract(&left);
            if cubes.len() < leaves && !left.is_empty() && !right.is_empty() {
                cubes.push(cubes[leaf].clone().with(fact, left));
                cubes[leaf] = take(&mut cubes[leaf]).with(fact, right);
            }
        }
        cubes
    }

    fn one(value: usize) -> Values {
        iter::once(value).collect()
    }

    fn point(situation: &[u16]) -> Cube {
        let values = situation.iter().map(|&value| one(usize::from(value)));
        values.enumerate().fold(Cube::any(), |cube, (fact, value)| cube.with(fact, value))
    }

    /// Every situation, in order: what the engine itself never makes.
    fn situations(space: &Space) -> Vec<Vec<u16>> {
        space.sizes.iter().fold(vec![Vec::new()], |starts, &size| {
            let size = u16::try_from(size).unwrap();
            let grow = |start: Vec<u16>| (0..size).map(move |value| [&start[..], &[value]].concat());
            starts.into_iter().flat_map(grow).collect()
        })
    }

    fn covered(space: &Space, cubes: &[Cube]) -> BTreeSet<Vec<u16>> {
        let inside = |situation: &Vec<u16>| cubes.iter().any(|cube| cube.contains(situation));
        situations(space).into_iter().filter(inside).collect()
    }

    fn members(space: &Space, cube: &Cube) -> BTreeSet<Vec<u16>> {
        covered(space, std::slice::from_ref(cube))
    }

    fn disjoint(cubes: &[Cube]) -> bool {
        overlaps(cubes, 0).total == 0
    }

    /// One fact of many values among small ones, so that sets outgrow a word.
    fn space() -> impl Strategy<Value = Space> {
        let small = prop::collection::vec(1..=4usize, 1..=4);
        let wide = (prop::collection::vec(1..=2usize, 0..=1), 60..=140usize).prop_map(|(mut sizes, wide)| {
            sizes.push(wide);
            sizes
        });
        prop_oneof![4 => small, 1 => wide].prop_map(Space::new)
    }

    /// A cube that holds about two facts of three.
    fn cube(space: &Space) -> impl Strategy<Value = Cube> + use<> {
        let values = |&size: &usize| {
            let some = prop::collection::vec(0..size, 1..=size);
            prop_oneof![1 => Just(None), 2 => some.prop_map(Some)]
        };
        let sets: Vec<_> = space.sizes.iter().map(values).collect();
        sets.prop_map(|sets| {
            let held = sets.into_iter().enumerate().filter_map(|(fact, set)| Some((fact, set?)));
            held.fold(Cube::any(), |cube, (fact, set)| cube.with(fact, set.into_iter().collect()))
        })
    }

    fn cubes(most: usize) -> impl Strategy<Value = (Space, Vec<Cube>)> {
        space().prop_flat_map(move |space| {
            let cubes = prop::collection::vec(cube(&space), 0..=most);
            (Just(space), cubes)
        })
    }

    fn pair() -> impl Strategy<Value = (Space, Cube, Cube)> {
        space().prop_flat_map(|space| (Just(space.clone()), cube(&space), cube(&space)))
    }

    proptest! {
        #[test]
        fn values_are_sets(
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
            prop_assert_eq!(a.is_subset(&b), one.is_subset(&other));
        }

        #[test]
        fn cubes_are_sets((space, one, other) in pair()) {
            let (a, b) = (members(&space, &one), members(&space, &other));
            prop_assert_eq!(space.count(), situations(&space).len().into());
            prop_assert_eq!(one.count(&space), a.len().into());
            prop_assert_eq!(Some(&one.example(&space)), a.first());
            let lean = one.clone().lean(&space);
            prop_assert_eq!(&members(&space, &lean), &a);
            prop_assert_eq!(lean.is_subset(&other.clone().lean(&space)), a.is_subset(&b));
            prop_assert_eq!(one.intersects(&other), !a.is_disjoint(&b));
            let both = one.intersect(&other).map(|both| members(&space, &both));
            prop_assert_eq!(both.unwrap_or_default(), &a & &b);
            let pieces = one.subtract(&other, &space);
            prop_assert!(disjoint(&pieces));
            prop_assert_eq!(covered(&space, &pieces), &a - &b);
        }

        #[test]
        fn overlaps_are_the_pairs_that_meet((_, cubes) in cubes(12), limit in 0..20usize) {
            let pairs = (0..cubes.len()).flat_map(|i| (i + 1..cubes.len()).map(move |j| (i, j)));
            let meet: Vec<_> = pairs.filter(|&(i, j)| cubes[i].intersects(&cubes[j])).collect();
            let found = overlaps(&cubes, limit);
            prop_assert_eq!(found.total, meet.len());
            prop_assert_eq!(&found.pairs[..], &meet[..limit.min(meet.len())]);
        }

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
            let mut dice = Dice(seed);
            let (out, kept): (Vec<Cube>, Vec<Cube>) =
                tree(&space, 12, 60, &mut dice).into_iter().partition(|_| dice.below(4) == 0);
            let found = gaps(&space, &kept, usize::MAX).unwrap();
            prop_assert_eq!(covered(&space, &found.cubes), covered(&space, &out));
            prop_assert_eq!(out.is_empty(), found.missing == BigUint::ZERO);
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
                for (one, other) in (0..columns.len()).map(|one| (one, one / 2)) {
                    prop_assert_eq!(found.tells_apart(one, other), columns[one] != columns[other]);
                }
            }
        }

        #[test]
        fn regions_are_sets((space, cubes) in cubes(8), cut in 0..=8usize) {
            let (one, other) = cubes.split_at(cut.min(cubes.len()));
            let (a, b) = (covered(&space, one), covered(&space, other));
            let one = Region::from_cubes(one, &space).unwrap();
            let other = Region::from_cubes(other, &space).unwrap();
            let outside = &situations(&space).into_iter().collect() - &a;
            for (region, set) in [
                (one.complement(&space).unwrap(), outside),
                (one.intersect(&other).unwrap(), &a & &b),
                (one.subtract(&other, &space).unwrap(), &a - &b),
                (one, a),
            ] {
                let simple = region.clone().simplify(&space);
                prop_assert!(simple.cubes().len() <= region.cubes().len());
                prop_assert_eq!(&simple.clone().simplify(&space), &simple);
                for region in [region, simple] {
                    prop_assert!(disjoint(region.cubes()));
                    prop_assert_eq!(&covered(&space, region.cubes()), &set);
                    prop_assert_eq!(region.count(&space), set.len().into());
                    prop_assert_eq!(region.example(&space), set.first().cloned());
                    prop_assert_eq!(region.is_empty(), set.is_empty());
                    let all = situations(&space);
                    prop_assert!(all.iter().all(|at| region.contains(at) == set.contains(at)));
                }
            }
        }

        #[test]
        fn simplify_leaves_no_two_cubes_to_merge(space in space(), seed: u64) {
            let cubes = tree(&space, 12, 60, &mut Dice(seed));
            let simple = Region { cubes }.simplify(&space);
            for (at, one) in simple.cubes().iter().enumerate() {
                for other in &simple.cubes()[at + 1..] {
                    let differ = one.join(other).filter(|(_, mine, theirs)| mine != theirs);
                    prop_assert!(differ.count() > 1);
                }
            }
        }

        #[test]
        fn alike_values_lie_in_the_same_sets((space, cubes) in cubes(6)) {
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

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn one_situation_missing_of_4_to_the_24_is_found(seed: u64) {
            let (space, mut dice) = (Space::new(vec![4; 24]), Dice(seed));
            let mut cubes = tree(&space, 400, 10_000, &mut dice);
            prop_assert_eq!(cubes.len(), 400);
            let whole = Gaps { cubes: vec![], missing: BigUint::ZERO, complete: true };
            prop_assert_eq!(gaps(&space, &cubes, 9), Ok(whole));

            let leaf = cubes.swap_remove(dice.below(400));
            let mut situation = leaf.example(&space);
            for (fact, value) in situation.iter_mut().enumerate() {
                let allowed = leaf.values(fact).cloned().unwrap_or_else(|| Values::all(4));
                let nth = allowed.iter().nth(dice.below(allowed.len())).unwrap();
                *value = u16::try_from(nth).unwrap();
            }
            cubes.extend(leaf.subtract(&point(&situation), &space));
            let found = gaps(&space, &cubes, 9).unwrap();
            prop_assert!(found.complete && found.missing == 1u8.into());
            prop_assert_eq!(found.cubes, vec![point(&situation)]);
        }
    }

    #[test]
    fn all_values_are_those_inserted_one_by_one() {
        assert!((0..=256).all(|size| Values::all(size) == (0..size).collect()));
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

        // A chain: each rule has what those before it leave of one more fact.
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
    fn a_fact_of_twenty_thousand_values_keeps_its_classes_apart() {
        let space = Space::new(vec![20_000, 2]);
        let only = |value| Cube::any().with(0, one(value));
        let cubes: Vec<Cube> = (0..2_000).map(only).collect();
        let found = gaps(&space, &cubes, 9).unwrap();
        assert_eq!(found.cubes, [Cube::any().with(0, (2_000..20_000).collect())]);

        let rest = found.cubes;
        let cubes: Vec<Cube> = cubes.into_iter().chain(rest).collect();
        let facts = distinguished(&cubes, &space, |i, j| i % 3 != j % 3);
        assert_eq!(facts[0].classes.len(), 3);
        assert!(facts[0].tells_apart(0, 1) && !facts[0].tells_apart(0, 3) && !facts[1].matters());
    }

    #[test]
    fn ten_thousand_equal_cubes_overlap_in_every_pair() {
        let found = overlaps(&vec![Cube::any(); 10_000], 2);
        assert_eq!(found, Overlaps { pairs: vec![(0, 1), (0, 2)], total: 49_995_000 });
    }

    #[test]
    fn cubes_too_entangled_are_given_up() {
        let mut dice = Dice(1);
        let space = Space::new(vec![4; 30]);
        let mut random = || {
            let facts: Vec<usize> = (0..8).map(|_| dice.below(30)).collect();
            facts.into_iter().fold(Cube::any(), |cube, fact| cube.with(fact, one(dice.below(4))))
        };
        let cubes: Vec<Cube> = (0..2_000).map(|_| random()).collect();
        assert_eq!(gaps(&space, &cubes, 1), Err(TooEntangled));
        assert!(!TooEntangled.to_string().is_empty());
    }
}
