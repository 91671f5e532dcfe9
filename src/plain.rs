//! The prompter in lines: no screen, no cursor, no escape code. Every change is said in words on a line of its own, so
//! that a screen reader, a serial console and a log have it. Keys come as lines, too. Knows nothing of ratatui.

pub mod keys;
pub mod listen;
pub mod out;
pub mod page;
pub mod state;
pub mod view;

use crate::rules::text::{clean, fold};

/// A text as one whole sentence on one line: parts that stand side by side on a screen are parted by pauses.
pub fn sentence(text: &str) -> String {
    let mut out = fold(&clean(text)).replace(" · ", "; ");
    if !out.ends_with(['.', '!', '?', ':', '…']) && !out.is_empty() {
        out.push('.');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_one_whole_sentence() {
        assert_eq!(sentence(" Diurungkan "), "Diurungkan.");
        assert_eq!(sentence("A · B\n\x1b[31mC?"), "A; B [31mC?");
        assert_eq!(sentence(""), "");
    }
}
