//! What practice and exam say of themselves, on the screen and in files alike.

use super::listed;
use crate::words::Words;

/// What no card asks, since no story leads there, in a sentence.
#[must_use]
pub fn not_asked(names: &[String], words: &Words) -> String {
    let listed = listed(names.iter().map(String::as_str), &words.problem);
    words.drill.not_asked(names.len(), &listed)
}
