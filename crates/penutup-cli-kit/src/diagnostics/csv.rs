//! CSV for spreadsheets (RFC 4180), for tables, reports and result sheets.

use std::borrow::Cow;

use csv::{Terminator, WriterBuilder};

/// A line of these cells.
pub fn line(cells: impl IntoIterator<Item: AsRef<str>>, separator: char) -> String {
    let separator = u8::try_from(separator).unwrap_or(b',');
    let mut writer =
        WriterBuilder::new().delimiter(separator).terminator(Terminator::CRLF).buffer_capacity(512).from_writer(vec![]);
    // Can't fail: the line is written to memory, and both sides are UTF-8.
    let written = writer.write_record(cells.into_iter().map(|cell| guarded(cell.as_ref()).into_owned()));
    let bytes = written.ok().and_then(|()| writer.into_inner().ok());
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

/// A text that a spreadsheet would take for a formula is prefixed with an apostrophe, and so is one that begins with an
/// apostrophe, so that the original can be recovered.
fn guarded(text: &str) -> Cow<'_, str> {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\'']);
    if is_formula { format!("'{text}").into() } else { text.into() }
}

#[cfg(test)]
mod tests {
    #[test]
    fn cells_are_quoted_if_needed_and_never_a_formula() {
        for (cell, written) in [
            ("\tx", "'\tx"),
            ("'x", "''x"),
            ("a", "a"),
            ("a, b", "\"a, b\""),
            ("a; b", "a; b"),
            ("kata \"ya\"", "\"kata \"\"ya\"\"\""),
            (" a", " a"),
            ("=1+1", "'=1+1"),
            ("=a\"b\",\nc", "\"'=a\"\"b\"\",\nc\""),
            ("@a;b", "'@a;b"),
            ("-", "'-"),
            ("+62", "'+62"),
            ("", ""),
        ] {
            assert_eq!(super::line([cell, ""], ','), format!("{written},\r\n"));
        }
        assert_eq!(super::line(["a;b", "c,d"], ';'), "\"a;b\";c,d\r\n");
    }
}
