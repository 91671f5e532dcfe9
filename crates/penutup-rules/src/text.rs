//! Which characters may be displayed, how text is cleaned, and how its length is counted.

use unicode_segmentation::UnicodeSegmentation;

/// Whether `c` must never be displayed (`control-character`).
///
/// C0, C1 and DEL; the line and paragraph separators; the bidirectional controls; the byte-order mark; private use and
/// noncharacters; the deprecated format characters, interlinear annotations and tags. ZWJ and ZWNJ are allowed: Indic
/// and Arabic names need them.
pub fn is_forbidden(c: char) -> bool {
    let code = c as u32;
    c.is_control()
        || matches!(code,
            0x061C | 0x200E | 0x200F | 0x2028 | 0x2029 | 0x202A..=0x202E | 0x2066..=0x206F | 0xFEFF
            | 0xFFF9..=0xFFFB | 0xE000..=0xF8FF | 0xE_0000..=0xE_007F | 0xF_0000..=0x10_FFFF | 0xFDD0..=0xFDEF)
        || code & 0xFFFE == 0xFFFE
}

/// Whether `c` renders as nothing or as a blank. Terminals disagree about its width, so a rules file may not contain one
/// and names lose it.
///
/// The soft hyphen, the fillers of Hangul and Khmer, the braille blank, zero-width marks and operators, Mongolian
/// separators. ZWJ, ZWNJ and the variation selectors are not included: they shape the letter before them.
pub fn is_invisible(c: char) -> bool {
    matches!(c as u32,
        0x00AD | 0x034F | 0x115F | 0x1160 | 0x17B4 | 0x17B5 | 0x180B..=0x180F | 0x200B | 0x2060..=0x2064 | 0x2800
        | 0x3164 | 0xFFA0 | 0x1_D173..=0x1_D17A | 0xE_0100..=0xE_01EF)
}

/// Whether a rules file may not contain `c` after `before`: [`is_forbidden`], [`is_invisible`], any blank but the plain
/// one (Word's U+00A0 looks the same), or a joiner without a letter to join.
pub fn is_hidden_in_a_text(c: char, before: Option<char>) -> bool {
    if matches!(c, ' '..='~') {
        return false;
    }
    let joiner = matches!(c, '\u{200C}' | '\u{200D}');
    is_forbidden(c)
        || is_invisible(c)
        || (c.is_whitespace() && c != ' ')
        || (joiner && before.is_none_or(|b| (b as u32) < 0x0600))
}

/// Whether a text is printable ASCII, which needs no further checks.
pub fn is_plain(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b' '..=b'~'))
}

/// The most combining marks on one letter; names have no more (Vietnamese and Hebrew need three or four).
pub const MAX_MARKS: usize = 8;

/// The byte offset of the first letter with more than [`MAX_MARKS`] marks.
pub fn overloaded_letter(text: &str) -> Option<usize> {
    // Avoids splitting most texts into graphemes: so many marks in a row are rare, and none is below U+0300.
    let mut in_a_row = 0;
    let is_crowded = text.chars().any(|c| {
        let is_mark = c >= '\u{300}' && unicode_width::UnicodeWidthChar::width(c) == Some(0);
        in_a_row = if is_mark { in_a_row + 1 } else { 0 };
        in_a_row > MAX_MARKS
    });
    if !is_crowded {
        return None;
    }
    text.grapheme_indices(true).find(|(_, letter)| is_overloaded(letter)).map(|(at, _)| at)
}

fn is_overloaded(grapheme: &str) -> bool {
    marks(grapheme).nth(MAX_MARKS).is_some()
}

/// The zero-width characters of a grapheme after its first.
fn marks(grapheme: &str) -> impl Iterator<Item = (usize, char)> {
    grapheme.char_indices().skip(1).filter(|(_, c)| unicode_width::UnicodeWidthChar::width(*c) == Some(0))
}

/// Whether bytes are UTF-16, which Windows programs call "Unicode": a byte order mark, or a first character with a zero
/// byte.
pub fn is_utf16(bytes: &[u8]) -> bool {
    matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, 1..=255, ..] | [1..=255, 0, ..])
}

/// Removes characters that are [`is_forbidden`] or [`is_invisible`]. A forbidden white space (tab, line break) becomes a
/// blank, to keep words apart. A letter keeps at most [`MAX_MARKS`] marks.
pub fn clean(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    let kept: String = text
        .chars()
        .filter_map(|c| match c {
            '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some(' '),
            c if is_forbidden(c) || is_invisible(c) => None,
            c => Some(c),
        })
        .collect();
    if overloaded_letter(&kept).is_none() {
        return kept;
    }
    let bounded = |letter: &str| -> String {
        let end = marks(letter).nth(MAX_MARKS).map_or(letter.len(), |(at, _)| at);
        letter[..end].to_owned()
    };
    kept.graphemes(true).map(bounded).collect()
}

/// Trims the ends and replaces each run of white space by one blank.
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

/// Normalizes an honorific for comparison: lower case, no final dot.
pub(crate) fn bare_word(word: &str) -> String {
    fold(word).trim_end_matches('.').to_lowercase()
}

/// The number of graphemes, which people perceive as characters.
pub fn graphemes(text: &str) -> usize {
    text.graphemes(true).count()
}

pub fn first_graphemes(text: &str, max: usize) -> &str {
    text.grapheme_indices(true).nth(max).map_or(text, |(end, _)| &text[..end])
}

/// Whether `text` renders as nothing: only white space, joiners and invisible characters.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| {
        c.is_whitespace()
            || (is_forbidden(c) && !c.is_control())
            || is_invisible(c)
            || matches!(c, '\u{200C}' | '\u{200D}' | '\u{FE00}'..='\u{FE0F}')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_forbidden_class_is_recognized_and_names_are_allowed() {
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
    fn length_is_counted_in_graphemes() {
        assert_eq!(graphemes("e\u{301}a"), 2);
        assert_eq!(first_graphemes("e\u{301}ab", 2), "e\u{301}a");
        assert_eq!(first_graphemes("ab", 5), "ab");
        assert!(is_blank(" \u{200b}\u{200d}"));
        assert!(!is_blank(" . "));
        for invisible in ["\u{3164}", "\u{2800}", "\u{ffa0}", "\u{115f}\u{1160}", "\u{e0041}", "\u{206a}", "\u{fff9}"] {
            assert!(is_blank(invisible), "{invisible:?}");
            assert_eq!(clean(&format!("a{invisible}b")), "ab");
        }
    }

    #[test]
    fn a_letter_keeps_a_limited_number_of_marks() {
        let zalgo = format!("a{}b", "\u{301}".repeat(2500));
        assert_eq!(overloaded_letter(&zalgo), Some(0));
        assert_eq!(clean(&zalgo).chars().count(), 1 + MAX_MARKS + 1);
        for name in ["Nguyễn", "Nguye\u{302}\u{303}n", "নীলু", "أمينة", "👨‍👩‍👧‍👦"] {
            assert_eq!(overloaded_letter(name), None, "{name}");
            assert_eq!(clean(name), name);
        }
    }

    #[test]
    fn unusual_blanks_and_joiners_without_a_letter_are_hidden() {
        for c in ['\u{a0}', '\u{202f}', '\u{2007}', '\u{3000}', '\u{ad}', '\u{200b}', '\t', '\u{2800}'] {
            assert!(is_hidden_in_a_text(c, Some('a')), "{:x}", c as u32);
        }
        assert!(is_hidden_in_a_text('\u{200d}', Some('a')));
        assert!(is_hidden_in_a_text('\u{200d}', None));
        assert!(!is_hidden_in_a_text('\u{200d}', Some('👨')));
        assert!(!is_hidden_in_a_text(' ', Some('a')));
    }
}
