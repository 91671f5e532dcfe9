//! A cell of CSV, for tables, reports and score sheets alike.

use std::fmt::Write as _;

/// Adds a cell. One that a spreadsheet would take for a formula gets an apostrophe before it, and so does one that
/// begins with an apostrophe, so that what was written can be read back.
pub fn cell(out: &mut String, text: &str) {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\'']);
    let guard = if formula { "'" } else { "" };
    if text.contains(['"', ',', ';', '\n', '\r']) || text.trim().len() < text.len() {
        let _ = write!(out, "\"{guard}{}\"", text.replace('"', "\"\""));
    } else {
        out.push_str(guard);
        out.push_str(text);
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
