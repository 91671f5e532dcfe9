//! The exact engine over sets of situations.
//!
//! A *situation* picks one value for every fact. A rule's condition is a
//! *cube*: for some facts a set of allowed values, every other fact free.
//! This module answers, about such cubes, the questions a rule file raises:
//! which two overlap ([`overlaps`]), which situations none covers ([`gaps`]),
//! and which values of a fact ever change the answer ([`distinguished`]).
//!
//! No situation is ever listed: a space of 4²⁴ situations is as easy as one
//! of 40. Everything rests on two observations about *pairwise disjoint* cubes.
//!
//! * **Counting proves coverage.** Disjoint cubes count no situation twice,
//!   so they leave a gap exactly when their sizes add up to less than the
//!   space's. The same holds inside any sub-space, so a deficit leads the way
//!   to the gap: split on a fact, go where the sum still falls short, and a
//!   sub-space without any rule is reached without ever turning back.
//! * **One separating fact tells two values apart.** Two disjoint cubes are
//!   disjoint in at least one fact. Some situation of one turns into a
//!   situation of the other by changing fact `f` alone exactly when `f` is
//!   the *only* fact in which the two are disjoint.
//!
//! Sizes are [`BigUint`]s and divisions have no remainder, so nothing here is
//! an estimate. What may grow beyond reason (taking overlapping cubes apart,
//! region algebra) has a fixed budget and says [`TooEntangled`] instead.
//!
//! It must not know of disk, clock, terminal, or names: facts, values and
//! rules are indices, and the same input gives the same output in the same
//! order. Callers keep every set non-empty and every index inside the space.

#![allow(clippy::must_use_candidate, clippy::return_self_not_must_use)] // nothing here has an effect

use num_bigint::BigUint;
use std::collections::hash_map::{DefaultHasher, Entry};
use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};
use std::iter::{self, Peekable};

// ------------------------------------------------------------------ space

/// The facts and how many values each has: the set of all situations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Space {
    sizes: Vec<usize>,
    total: BigUint,
}

impl Space {
    /// A space whose fact `f` has `sizes[f]` values, at least 1 and at most
    /// 65,536 each. The product is taken once, here.
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
/// Exact because each `of` is the size of another fact, and all of these are
/// factors of `whole`. Factors are gathered in a machine word first, so that
/// a cube of twenty constraints costs one long division, not twenty.
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

/// A set of small numbers, one bit each: the values a fact may take (and,
/// inside this module, sets of rules).
///
/// The first 64 live in place, so the sets of an ordinary fact never touch
/// the heap. The rest never ends in a zero word, so equal sets are equal.
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
        self.words().enumerate().flat_map(|(at, word)| {
            let rest = iter::successors(Some(word), |rest| Some(rest & (rest - 1)));
            rest.take_while(|&rest| rest != 0).map(move |rest| at * 64 + rest.trailing_zeros() as usize)
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
        let high = self.high.iter().zip(&other.high).map(|(mine, theirs)| mine & theirs).collect();
        Self { low: self.low & other.low, high }.trimmed()
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
        self.trim();
    }

    fn trim(&mut self) {
        while self.high.last() == Some(&0) {
            self.high.pop();
        }
    }

    fn trimmed(mut self) -> Self {
        self.trim();
        self
    }
}

/// Groups the values of a fact of `size` values that lie in exactly the same
/// `sets`; a group that lies in none comes first.
///
/// Each set moves its members out of their groups into new ones, all the
/// members of one old group into the same new one. A set that holds most
/// values moves the few others instead, which splits alike: O(shorter side).
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

/// A product of value sets: for some facts the allowed values, sorted by
/// fact, every other fact free.
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

    /// This cube without the sets that list every value of their fact: the
    /// same situations, said in the fewest words.
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

    /// Whether `situation`, one value for each fact, lies in the cube. One
    /// bit test for each constraint; nothing is allocated.
    pub fn contains(&self, situation: &[u16]) -> bool {
        self.constraints()
            .all(|(fact, values)| situation.get(fact).is_some_and(|&value| values.contains(usize::from(value))))
    }

    /// Whether some situation lies in both: no fact has disjoint sets. One
    /// walk along the constraints of both, up to the first such fact.
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

    /// The situations of this cube that are not in `other`, as disjoint
    /// cubes: at most one for each constraint of `other`.
    pub fn subtract(&self, other: &Self, space: &Space) -> Vec<Self> {
        if self.intersects(other) { self.parts(other, space).collect() } else { vec![self.clone()] }
    }

    /// How many situations the cube has: the space's number, scaled by each
    /// constraint. O(constraints), not O(facts).
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

    /// Whether every situation of this cube lies in `other`: each set of
    /// `other` holds this cube's. Exact for cubes that are [`lean`](Self::lean).
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
            Some((fact, take(&mut mine, fact), take(&mut theirs, fact)))
        })
    }

    /// What is left of this cube outside `hole`, which it meets, piece by
    /// piece: outside in the first fact; inside there but outside in the
    /// second; and so on. No two pieces share a situation, and only the part
    /// inside in every fact is left out.
    fn parts(&self, hole: &Self, space: &Space) -> impl Iterator<Item = Self> {
        let mut inside = self.clone();
        hole.constraints().filter_map(move |(fact, values)| {
            let here = inside.values(fact).cloned().unwrap_or_else(|| Values::all(space.size(fact)));
            let outside = here.subtract(values);
            if outside.is_empty() {
                return None;
            }
            let whole = std::mem::take(&mut inside);
            inside = whole.clone().with(fact, here.intersect(values));
            Some(whole.with(fact, outside))
        })
    }
}

/// Takes the next constraint if it is on `fact`.
fn take<'a>(sets: &mut Peekable<impl Iterator<Item = (usize, &'a Values)>>, fact: usize) -> Option<&'a Values> {
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
/// Pairs are never tried one by one. For each value, the rules that allow it
/// are a bit set; the rules apart from a set of values are those that
/// constrain the fact and allow none of them: one pass over a bit set for
/// each listed value. Columns are made as they are asked for, one at a time.
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
/// Exact: two cubes overlap unless some fact keeps them apart, and every fact
/// that could is looked at. With R cubes, O(listed values · R / 64) time and
/// R² bits, whatever the number of facts: 10,000 cubes take 12 MB.
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
/// `cubes` are disjoint and cover the space; `differs(i, j)` says whether the
/// answers of rules `i` and `j` differ. Two values are told apart when some
/// situation changes its answer as its fact goes from one to the other, that
/// is, when rules `i` and `j` of different answers allow one each and are
/// disjoint in this fact alone. Never told apart means the same answer
/// everywhere else, which is an equivalence: the values fall into classes,
/// found one by one from their lowest member, and no matrix of values is made.
///
/// O(listed values · R / 64) time and 2·R² bits, and at most R² calls of
/// `differs` in all, for the pairs that one fact alone keeps apart.
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
        // For each set the sets told apart from it, for each value its sets.
        let mut told = vec![Values::default(); column.len()];
        let mut sets_of = vec![Vec::new(); space.size(fact)];
        for (told, (at, held)) in told.iter_mut().zip(column.iter().enumerate()) {
            for &rule in &held.rules {
                for other in held.apart.subtract(&twice[rule]).iter() {
                    if !told.contains(held_to[other]) && differs(rule, other) {
                        told.insert(held_to[other]);
                    }
                }
            }
            if !told.is_empty() {
                held.values.iter().for_each(|value| sets_of[value].push(at));
            }
        }
        let (mut left, mut classes) = (Values::all(space.size(fact)), Vec::new());
        while let Some(lowest) = left.first() {
            let mut away = Values::default();
            sets_of[lowest].iter().for_each(|&at| away.insert_all(&told[at]));
            let same = |value: &usize| !sets_of[*value].iter().any(|&at| away.contains(at));
            let class: Values = left.iter().filter(same).collect();
            left.remove_all(&class);
            classes.push(class);
        }
        facts[fact].classes = classes;
    }
    facts
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

/// What is left of the work one operation may do. A pair of cubes looked at
/// costs 1, a word written costs [`Budget::WORD`]: about two seconds, and
/// 4 million words, at most.
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

/// Finds the situations no cube covers; lists up to `limit` cubes of them
/// (fewer when they merge).
///
/// For disjoint cubes `missing` is a subtraction, and when it is zero that is
/// the proof, with no search at all. Otherwise at least one gap is listed
/// (for a `limit` above 0), after at most one step for each fact and value
/// class on the way, however large the space is.
///
/// # Errors
///
/// Cubes that overlap are first made disjoint, each without those before it.
/// That may not be feasible: [`TooEntangled`]. It does no harm, since a rule
/// file with overlaps is refused for these anyway.
pub fn gaps(space: &Space, cubes: &[Cube], limit: usize) -> Result<Gaps, TooEntangled> {
    let region = match overlaps(cubes, 0).total {
        0 => Region { cubes: cubes.to_vec() },
        _ => Region::from_cubes(cubes, space)?,
    };
    let missing = space.count() - region.count(space);
    let (found, complete) = uncovered(space, &region.cubes, limit);
    Ok(Gaps { cubes: found.simplify(space).cubes, missing, complete })
}

/// A sub-space under search, split by the values of `fact`.
struct Split {
    fact: usize,
    /// The size of the sub-space for one single value of `fact`.
    slice: BigUint,
    /// The disjoint cubes that meet the sub-space.
    alive: Vec<usize>,
    /// The values of the branch under search, and those still to come.
    class: Values,
    classes: std::vec::IntoIter<Values>,
}

/// Lists up to `limit` cubes that no one of the disjoint `cubes` meets, and
/// says whether these are all.
///
/// A depth-first search on an explicit stack. Values that the cubes alive in
/// a sub-space treat alike form one branch, so on a fact that was split an
/// alive cube holds the whole branch, and only its constraints on the other
/// facts still matter. A sub-space whose cubes add up to its size is left at
/// once: each that is entered holds a gap.
fn uncovered(space: &Space, cubes: &[Cube], limit: usize) -> (Region, bool) {
    let mut budget = Budget(Budget::WORK);
    let mut found = Region::default();
    let mut path: Vec<Split> = Vec::new();
    let mut fixed = vec![false; space.facts()];
    let mut next = Some((space.count(), (0..cubes.len()).collect::<Vec<_>>()));
    loop {
        if let Some((size, alive)) = next.take() {
            let open = |&at: &usize| cubes[at].constraints().filter(|&(fact, _)| !fixed[fact]);
            let ratio = |(fact, values): (usize, &Values)| (values.len(), space.size(fact));
            let covered: BigUint = alive.iter().map(|at| share(&size, open(at).map(ratio))).sum();
            if covered < size {
                let mut uses: HashMap<usize, usize> = HashMap::new();
                for (fact, _) in alive.iter().flat_map(open) {
                    *uses.entry(fact).or_default() += 1;
                }
                // The fact most cubes constrain, the first among equals.
                let most = uses.into_iter().max_by_key(|&(fact, uses)| (uses, usize::MAX - fact));
                let Some((fact, _)) = most else {
                    let sets = path.iter().map(|split| (split.fact, split.class.clone()));
                    let mut gap = Cube { sets: sets.collect() }.lean(space);
                    gap.sets.sort_unstable_by_key(|set| set.0);
                    if found.cubes.len() == limit || budget.write(&gap).is_err() {
                        return (found, false);
                    }
                    found.cubes.push(gap);
                    continue;
                };
                let classes = alike(space.size(fact), alive.iter().filter_map(|&at| cubes[at].values(fact)));
                let (slice, classes) = (size / space.size(fact), classes.into_iter());
                path.push(Split { fact, slice, alive, class: Values::default(), classes });
                fixed[fact] = true;
            }
        }
        let Some(split) = path.last_mut() else {
            return (found, true);
        };
        let Some(class) = split.classes.next() else {
            fixed[split.fact] = false;
            path.pop();
            continue;
        };
        let value = class.first().unwrap_or_default();
        let meets = |&at: &usize| cubes[at].values(split.fact).is_none_or(|set| set.contains(value));
        let alive = split.alive.iter().copied().filter(meets).collect();
        next = Some((&split.slice * class.len(), alive));
        split.class = class;
    }
}

// ----------------------------------------------------------------- region

/// Any set of situations, as pairwise disjoint cubes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Region {
    cubes: Vec<Cube>,
}

/// What may grow here is bounded: an operation that would take more than its
/// fixed budget of work is given up with [`TooEntangled`].
#[allow(clippy::missing_errors_doc)] // once, above, for all of them
impl Region {
    /// The situations in any of `cubes`, which may overlap: each is taken
    /// without those before it.
    pub fn from_cubes(cubes: &[Cube], space: &Space) -> Result<Self, TooEntangled> {
        let mut budget = Budget(Budget::WORK);
        let without_earlier = |(at, cube)| without(cube, &cubes[..at], space, &mut budget);
        Self::collect(cubes.iter().enumerate().map(without_earlier))
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

    /// The situations in both: the cubes' intersections, disjoint since the
    /// cubes are. O(pairs).
    pub fn intersect(&self, other: &Self) -> Result<Self, TooEntangled> {
        let mut budget = Budget(Budget::WORK);
        Self::collect(self.cubes.iter().map(|mine| {
            budget.look(other.cubes.len())?;
            let both = other.cubes.iter().filter_map(|theirs| mine.intersect(theirs));
            both.map(|cube| budget.write(&cube).map(|()| cube)).collect()
        }))
    }

    /// The situations in this region that are not in `other`.
    pub fn subtract(&self, other: &Self, space: &Space) -> Result<Self, TooEntangled> {
        let mut budget = Budget(Budget::WORK);
        Self::collect(self.cubes.iter().map(|cube| without(cube, &other.cubes, space, &mut budget)))
    }

    /// The same situations in fewer cubes: merges two that differ in one
    /// fact's values only, until no two do. It stays a partition, since such a
    /// union has the situations of the two and no other. It need not be the
    /// smallest one.
    pub fn simplify(mut self, space: &Space) -> Self {
        self.cubes = self.cubes.into_iter().map(|cube| cube.lean(space)).collect();
        loop {
            let before = self.cubes.len();
            self.merge(space);
            if self.cubes.len() == before {
                return self;
            }
        }
    }

    /// One round of merging, fact by fact. Cubes with the same rest meet by a
    /// sum of hashes, one for each constraint, from which one fact's is easily
    /// taken out: O(constraints) for the round. The hash only proposes; what
    /// merges was compared.
    fn merge(&mut self, space: &Space) {
        let cubes = &mut self.cubes;
        let mark = |cube: &Cube| cube.sets.iter().map(hash).fold(0, u64::wrapping_add);
        let mut marks: Vec<u64> = cubes.iter().map(mark).collect();
        let mut gone = vec![false; cubes.len()];
        let facts = |(at, cube): (usize, &Cube)| cube.sets.iter().map(move |set| (set.0, at)).collect::<Vec<_>>();
        let mut slots: Vec<(usize, usize)> = cubes.iter().enumerate().flat_map(facts).collect();
        slots.sort_unstable();
        for slots in slots.chunk_by(|one, other| one.0 == other.0) {
            let mut by_rest = HashMap::new();
            for &(fact, at) in slots {
                let Some(values) = cubes[at].values(fact).cloned() else {
                    continue;
                };
                let rest = marks[at].wrapping_sub(hash(&(fact, values.clone())));
                let into = match by_rest.entry(rest) {
                    Entry::Vacant(free) => {
                        free.insert(at);
                        continue;
                    }
                    Entry::Occupied(into) => *into.get(),
                };
                if cubes[into].join(&cubes[at]).any(|(other, mine, theirs)| other != fact && mine != theirs) {
                    continue;
                }
                let union = cubes[into].values(fact).map_or(values.clone(), |mine| mine.union(&values));
                cubes[into] = std::mem::take(&mut cubes[into]).with(fact, union).lean(space);
                marks[into] = mark(&cubes[into]);
                cubes[at] = Cube::any();
                gone[at] = true;
            }
        }
        let mut gone = gone.into_iter();
        cubes.retain(|_| gone.next() == Some(false));
    }

    fn collect(mut parts: impl Iterator<Item = Result<Vec<Cube>, TooEntangled>>) -> Result<Self, TooEntangled> {
        let cubes = parts.try_fold(Vec::new(), |mut cubes, part| {
            cubes.extend(part?);
            Ok(cubes)
        })?;
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
