//! A cell of CSV, for tables, reports and score sheets alike.

use std::borrow::Cow;
use std::fmt::Write as _;

/// A text that no spreadsheet takes for a formula: one that begins like a formula gets an apostrophe before it, and so does
/// one that begins with an apostrophe, so that the original can be recovered.
#[must_use]
pub fn as_text(text: &str) -> Cow<'_, str> {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\'']);
    if is_formula { format!("'{text}").into() } else { text.into() }
}

/// Adds a cell, which is never a formula.
pub fn cell(out: &mut String, text: &str) {
    let guarded = as_text(text);
    if text.contains(['"', ',', ';', '\n', '\r']) || text.trim().len() < text.len() {
        let _ = write!(out, "\"{}\"", guarded.replace('"', "\"\""));
    } else {
        out.push_str(&guarded);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_cell_is_quoted_where_it_must_be_and_never_a_formula() {
        for (cell, written) in [
            ("\tx", "\"'\tx\""),
            ("'x", "''x"),
            ("a", "a"),
            ("a, b", "\"a, b\""),
            ("kata \"ya\"", "\"kata \"\"ya\"\"\""),
            (" a", "\" a\""),
            ("=1+1", "'=1+1"),
            ("@a;b", "\"'@a;b\""),
            ("-", "'-"),
            ("+62", "'+62"),
        ] {
            let mut out = String::new();
            super::cell(&mut out, cell);
            assert_eq!(out, written);
        }
    }
}
