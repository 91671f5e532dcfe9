//! A file that problems point into: its name and its line starts. Any bytes can be shown.

use std::borrow::Cow;

use super::shown;

/// A location as editors count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

/// A file that problems point into.
#[derive(Debug)]
pub struct Source<'s> {
    name: String,
    text: Cow<'s, str>,
    starts: Vec<usize>,
}

impl<'s> Source<'s> {
    /// A file under its name in messages. Invalid UTF-8 is replaced; a problem is never located behind the first
    /// replacement.
    #[must_use]
    pub fn new(name: &str, bytes: &'s [u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        // A byte order mark is not a column.
        let first = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let starts = std::iter::once(first).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { name: clean_path(name), text, starts }
    }

    /// Its name, cleaned for a terminal.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The location of a byte.
    pub fn place(&self, byte: usize) -> Place {
        let byte = self.boundary(byte);
        let at = self.line_at(byte);
        let start = self.starts[at].min(byte);
        Place { line: at + 1, column: self.text[start..byte].chars().count() + 1 }
    }

    /// A line without its end.
    pub(super) fn line(&self, line: usize) -> &str {
        let start = self.starts[line - 1];
        let end = self.starts.get(line).map_or(self.text.len(), |next| next - 1);
        let text = &self.text[start.min(end)..end];
        text.strip_suffix('\r').unwrap_or(text)
    }

    /// The index in `starts` of a byte's line.
    fn line_at(&self, byte: usize) -> usize {
        self.starts.partition_point(|start| *start <= byte).saturating_sub(1)
    }

    /// The start of the character that a byte belongs to.
    fn boundary(&self, byte: usize) -> usize {
        let byte = byte.min(self.text.len());
        (0..=byte).rev().find(|at| self.text.is_char_boundary(*at)).unwrap_or(0)
    }
}

/// A path cleaned for a terminal; never cut, since the user must find the file.
pub fn clean_path(path: &str) -> String {
    let clean: String = path.chars().filter(|c| !crate::rules::text::is_forbidden(*c)).collect();
    if clean.is_empty() { shown(path) } else { clean }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(bytes: &[u8], byte: usize) -> (usize, usize) {
        let place = Source::new("x", bytes).place(byte);
        (place.line, place.column)
    }

    #[test]
    fn columns_are_characters_from_one() {
        let text = "é = 1\r\nab = \"Ωx\"\n".as_bytes();
        assert_eq!(place(text, 0), (1, 1));
        assert_eq!(place(text, 3), (1, 3));
        assert_eq!(place(text, 8), (2, 1));
        assert_eq!(place(text, text.len()), (3, 1));
        assert_eq!(place(b"", 0), (1, 1));
        assert_eq!(place(b"abc", 99), (1, 4));
    }

    #[test]
    fn a_byte_order_mark_is_no_column() {
        let text = "\u{feff}a = 1\nb = 2".as_bytes();
        assert_eq!(place(text, 0), (1, 1));
        assert_eq!(place(text, 3), (1, 1));
        assert_eq!(place(text, 7), (1, 5));
        assert_eq!(place(text, 9), (2, 1));
    }

    #[test]
    fn lines_exclude_their_line_breaks() {
        let source = Source::new("x", b"one\r\ntwo\n");
        assert_eq!(source.line(1), "one");
        assert_eq!(source.line(2), "two");
        assert_eq!(source.line(3), "");
    }

    #[test]
    fn arbitrary_bytes_cause_no_panic() {
        let source = Source::new("a\u{1b}[2Jb", b"\xff\xfe\n\xff");
        assert_eq!(source.name(), "a[2Jb");
        for byte in 0..8 {
            let _ = source.place(byte);
        }
    }
}
