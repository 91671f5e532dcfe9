//! The limit of work for splitting cubes.

use super::cube::Cube;

/// Splitting the cubes exceeded the budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooEntangled;

impl std::fmt::Display for TooEntangled {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("the cubes overlap in too many ways to be split")
    }
}

impl std::error::Error for TooEntangled {}

/// The remaining work of an operation. Examining a pair of cubes costs 1, writing a word costs [`Budget::WORD`]: at most a
/// few seconds and 20 million words.
pub(super) struct Budget(usize);

impl Budget {
    const WORK: usize = 200_000_000;
    const WORD: usize = 10;

    pub(super) fn new() -> Self {
        Self(Self::WORK)
    }

    pub(super) fn examine(&mut self, pairs: usize) -> Result<(), TooEntangled> {
        self.0 = self.0.checked_sub(pairs).ok_or(TooEntangled)?;
        Ok(())
    }

    pub(super) fn write(&mut self, cube: &Cube) -> Result<(), TooEntangled> {
        let words: usize = cube.sets.iter().map(|(_, values)| 5 + values.high.len()).sum();
        self.examine((3 + words) * Self::WORD)
    }
}
