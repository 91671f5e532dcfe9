//! How much work may be spent on taking cubes apart before it is given up.

use super::cube::Cube;

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
pub(super) struct Budget(usize);

impl Budget {
    const WORK: usize = 200_000_000;
    const WORD: usize = 10;

    pub(super) fn new() -> Self {
        Self(Self::WORK)
    }

    pub(super) fn look(&mut self, pairs: usize) -> Result<(), TooEntangled> {
        self.0 = self.0.checked_sub(pairs).ok_or(TooEntangled)?;
        Ok(())
    }

    pub(super) fn write(&mut self, cube: &Cube) -> Result<(), TooEntangled> {
        let words: usize = cube.sets.iter().map(|(_, values)| 5 + values.high.len()).sum();
        self.look((3 + words) * Self::WORD)
    }
}
