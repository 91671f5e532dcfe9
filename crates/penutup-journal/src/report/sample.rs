//! The calls to listen to first: half of them those with the most faults, half at random, so that calls without a
//! recorded fault are heard too. A call's place in the draw depends on the seed and its ID alone: the same calls give
//! the same sample in whatever order they are read.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use super::dimension::is_answer;
use crate::summary::{CallSummary, Flags, Interner, Symbol, list_of};
use penutup_rules::closing::ending::{Ending, Outcome};

/// For each scoring parameter that a call lost.
pub const LOST_SCORE: u32 = 5;
/// For each step left out without a reason, or with the answer that the closing was not delivered.
pub const LEFT_OUT: u32 = 2;
/// For each step left out of a call that was transferred, or ended by the customer, the line or the computer.
pub const EXCUSED: u32 = 1;
/// For overtaken steps, and for undone ticks, once each.
pub const IRREGULAR: u32 = 1;

/// Why a call is in a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// It has more faults than the calls that are not in it.
    Worst,
    Random,
}

/// A call of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampled {
    pub id: Uuid,
    pub chosen: Chosen,
    /// The sum of its faults, each with its weight.
    pub weight: u32,
}

/// Chooses among calls that are added one at a time; needs memory only for the sample.
#[derive(Clone, Debug)]
pub struct Sampler {
    size: usize,
    seed: u64,
    /// The highest weight first, then the lowest number of the draw.
    worst: BTreeSet<(Reverse<u32>, u64, Uuid)>,
    /// The lowest number of the draw first, with the weight.
    random: BTreeSet<(u64, Uuid, u32)>,
    /// How many parts a list has.
    parts: HashMap<(bool, Symbol), u32>,
}

impl Sampler {
    /// A sample of at most `size` calls.
    #[must_use]
    pub fn new(size: usize, seed: u64) -> Self {
        Self { size, seed, worst: BTreeSet::new(), random: BTreeSet::new(), parts: HashMap::new() }
    }

    /// Adds a call; one that runs is not chosen.
    pub fn add(&mut self, row: &CallSummary, texts: &Interner) {
        let Some((_, how)) = row.end else { return };
        let weight = self.weight(row, how, texts);
        let draw = draw(self.seed, row.id);
        if weight > 0 {
            self.worst.insert((Reverse(weight), draw, row.id));
            if self.worst.len() > self.size.div_ceil(2) {
                self.worst.pop_last();
            }
        }
        self.random.insert((draw, row.id, weight));
        // Enough for all, and for those that are among the worst too.
        if self.random.len() > 2 * self.size {
            self.random.pop_last();
        }
    }

    fn weight(&mut self, row: &CallSummary, how: Outcome, texts: &Interner) -> u32 {
        let mut count = |is_cost: bool, symbol: Symbol| {
            *self.parts.entry((is_cost, symbol)).or_insert_with(|| {
                let parts = if is_cost {
                    list_of(texts.text(symbol)).len()
                } else {
                    texts.text(symbol).split(' ').filter(|step| !step.is_empty()).count()
                };
                u32::try_from(parts).unwrap_or(u32::MAX)
            })
        };
        let is_excused = how == Outcome::ProgramClosed || is_answer(how) && how != Outcome::Ended(Ending::Omitted);
        let left_out = count(false, row.left_out).saturating_mul(if is_excused { EXCUSED } else { LEFT_OUT });
        let cost = count(true, row.cost).saturating_mul(LOST_SCORE);
        let irregular = [Flags::OVERTAKEN, Flags::UNDONE].into_iter().filter(|flag| row.flags.has(*flag)).count();
        let irregular = IRREGULAR.saturating_mul(u32::try_from(irregular).unwrap_or(0));
        cost.saturating_add(left_out).saturating_add(irregular)
    }

    /// The sample: first those with the most faults, then the random ones.
    pub fn sample(&self) -> Vec<Sampled> {
        let mut out: Vec<Sampled> =
            self.worst.iter().map(|&(Reverse(weight), _, id)| Sampled { id, chosen: Chosen::Worst, weight }).collect();
        let random = self.random.iter().filter(|(_, id, _)| !out.iter().any(|worst| worst.id == *id));
        let random: Vec<Sampled> = random
            .take(self.size - out.len())
            .map(|&(_, id, weight)| Sampled { id, chosen: Chosen::Random, weight })
            .collect();
        out.extend(random);
        out
    }
}

/// The number of a call in the draw (`SplitMix64`).
fn draw(seed: u64, id: Uuid) -> u64 {
    let (high, low) = id.as_u64_pair();
    [high, low].into_iter().fold(seed, |state, part| {
        let mixed = (state ^ part).wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    })
}
