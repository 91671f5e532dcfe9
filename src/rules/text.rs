//! What text may stand before a person: which characters are refused, how a typed text is cleaned, how its length is
//! counted. Knows nothing of files or terminals.

use unicode_segmentation::UnicodeSegmentation;

/// Whether `c` may never reach a person's screen (rules-file: `control-character`).
///
/// C0, C1 and DEL; the line and paragraph separators; the bidirectional controls; the byte-order mark; private use and
/// noncharacters. ZWJ and ZWNJ are allowed: Indic and Arabic names need them.
#[must_use]
pub fn is_forbidden(c: char) -> bool {
    let code = c as u32;
    c.is_control()
        || matches!(code,
            0x061C | 0x200E | 0x200F | 0x2028 | 0x2029 | 0x202A..=0x202E | 0x2066..=0x2069 | 0xFEFF
            | 0xE000..=0xF8FF | 0xF_0000..=0x10_FFFF | 0xFDD0..=0xFDEF)
        || code & 0xFFFE == 0xFFFE
}

/// Whether bytes are the two-byte form of text that Windows programs call "Unicode": a mark of its byte order in front, or
/// a first character whose other byte is zero.
#[must_use]
pub fn is_utf16(bytes: &[u8]) -> bool {
    matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, 1..=255, ..] | [1..=255, 0, ..])
}

/// `text` without the characters that [`is_forbidden`]; a forbidden white space (a tab, a line break) becomes a blank,
/// so that no two words grow together.
#[must_use]
pub fn clean(text: &str) -> String {
    text.chars()
        .filter_map(|c| match c {
            '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some(' '),
            // What nobody sees, and what a mark behind it would hang in the air from.
            '\u{ad}' | '\u{34f}' | '\u{180e}' | '\u{200b}' | '\u{2060}' => None,
            c if is_forbidden(c) => None,
            c => Some(c),
        })
        .collect()
}

/// Runs of white space become one blank and the ends are trimmed.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// The number of graphemes (what a person counts as characters).
#[must_use]
pub fn graphemes(text: &str) -> usize {
    text.graphemes(true).count()
}

/// The first `max` graphemes of `text`.
#[must_use]
pub fn first_graphemes(text: &str, max: usize) -> &str {
    text.grapheme_indices(true).nth(max).map_or(text, |(end, _)| &text[..end])
}

/// Whether `text` shows nothing: only white space, joiners and other characters without a shape of their own.
#[must_use]
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| {
        c.is_whitespace()
            || matches!(c, '\u{200B}'..='\u{200D}' | '\u{2060}' | '\u{00AD}' | '\u{034F}' | '\u{180E}' | '\u{FE00}'..='\u{FE0F}')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_forbidden_class_is_refused_and_names_pass() {
        for c in [
            '\0',
            '\u{1b}',
            '\u{7f}',
            '\u{9b}',
            '\u{2028}',
            '\u{2029}',
            '\u{61c}',
            '\u{200e}',
            '\u{202e}',
            '\u{2066}',
            '\u{feff}',
            '\u{e000}',
            '\u{fdd0}',
            '\u{ffff}',
            '\u{1fffe}',
            '\u{10ffff}',
            '\u{f0000}',
        ] {
            assert!(is_forbidden(c), "{:x}", c as u32);
        }
        for c in "Siti Aminah é 李 ‌‍ नि أمينة".chars() {
            assert!(!is_forbidden(c), "{:x}", c as u32);
        }
    }

    #[test]
    fn cleaning_keeps_words_apart() {
        assert_eq!(clean("Budi\tSantoso\nX\u{202e}Y"), "Budi Santoso XY");
        assert_eq!(fold("  Budi \u{a0}  Santoso "), "Budi Santoso");
    }

    #[test]
    fn graphemes_are_counted_as_a_person_counts() {
        assert_eq!(graphemes("e\u{301}a"), 2);
        assert_eq!(first_graphemes("e\u{301}ab", 2), "e\u{301}a");
        assert_eq!(first_graphemes("ab", 5), "ab");
        assert!(is_blank(" \u{200b}\u{200d}"));
        assert!(!is_blank(" . "));
    }
}
