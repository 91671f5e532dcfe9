//! Texts shared by practice and exam, on the screen and in files.

use crate::diagnostics::listed;
use crate::words::Words;

/// A sentence that names what no card asks because no story covers it.
pub fn not_asked(names: &[String], words: &Words) -> String {
    let listed = listed(names.iter().map(String::as_str), &words.problem);
    words.drill.not_asked(names.len(), &listed)
}
