//! Line mode, for screen readers, serial consoles and logs: no screen, no cursor, no escape codes. Every change is
//! printed as a line of words, and keys are read as lines. Does not use ratatui.

pub mod keys;
pub mod listen;
pub mod out;
pub mod page;
pub mod state;
pub mod view;

use crate::rules::text::{clean, fold};

/// A text as a complete sentence on one line. Parts that a screen shows side by side are separated by semicolons, which
/// a screen reader reads as pauses; it would read a slash between two words by its name.
pub fn sentence(text: &str) -> String {
    let mut out = fold(&clean(text)).replace(" · ", "; ").replace(" / ", ", ");
    if !out.ends_with(['.', '!', '?', ':', '…']) && !out.is_empty() {
        out.push('.');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_becomes_one_complete_sentence() {
        assert_eq!(sentence(" Diurungkan "), "Diurungkan.");
        assert_eq!(sentence("A · B\n\x1b[31mC?"), "A; B [31mC?");
        assert_eq!(sentence("hening / iseng"), "hening, iseng.");
        assert_eq!(sentence(""), "");
    }
}
