//! The limits of a rules file.

/// The largest file that is read, in bytes.
pub const MAX_FILE: usize = 1 << 20;
/// The longest text, in characters.
pub const MAX_TEXT: usize = 4096;
/// The most rules that are read.
pub const MAX_RULES: usize = 10_000;
/// A sentence over this many characters gets a warning.
pub const LONG_SENTENCE: usize = 240;
/// The most problems that are listed of one code.
pub const MAX_PROBLEMS_PER_CODE: usize = 50;
