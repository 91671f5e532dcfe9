//! A random number generator with the same sequence for a seed on every machine and in every version.

/// The step of `SplitMix64` for practice and printed cards.
const PRACTICE: u64 = 0x9e37_79b9_7f4a_7c15;
/// The step for exams. With another step no seed of practice has the sequence of an exam's seed.
const EXAM: u64 = 0xd1b5_4a32_d192_ed03;

/// `SplitMix64`.
#[derive(Clone, Debug)]
pub struct Rng {
    state: u64,
    step: u64,
}

impl Rng {
    pub fn new(seed: u64) -> Self {
        Self { state: seed, step: PRACTICE }
    }

    /// For an exam: a sequence that [`Self::new`] has for no seed.
    pub fn for_exam(seed: u64) -> Self {
        Self { state: seed ^ EXAM, step: EXAM }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(self.step);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`; 0 where there is none.
    pub fn below(&mut self, limit: usize) -> usize {
        let wide = u128::from(self.next()) * (limit as u128);
        usize::try_from(wide >> 64).unwrap_or(0)
    }

    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of these.
    pub fn one_of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(self.below(all.len()))
    }

    /// Puts them in random order.
    pub fn shuffle<T>(&mut self, all: &mut [T]) {
        for at in (1..all.len()).rev() {
            all.swap(at, self.below(at + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_always_makes_the_same_choices() {
        let mut rng = Rng::new(7);
        // Literal numbers: the seed on an old result sheet still generates its cards.
        let first: Vec<usize> = (0..8).map(|_| rng.below(100)).collect();
        assert_eq!(first, FIRST);
        let mut rng = Rng::for_exam(7);
        let first: Vec<usize> = (0..8).map(|_| rng.below(100)).collect();
        assert_eq!(first, FIRST_OF_EXAM);
        let mut all = [0, 1, 2, 3, 4, 5];
        Rng::new(7).shuffle(&mut all);
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3, 4, 5]);
        assert_eq!(Rng::new(1).below(0), 0);
        assert_eq!(Rng::new(1).one_of::<u8>(&[]), None);
    }

    const FIRST: [usize; 8] = [38, 1, 90, 58, 45, 24, 46, 32];
    const FIRST_OF_EXAM: [usize; 8] = [31, 91, 25, 9, 73, 87, 38, 22];
}
