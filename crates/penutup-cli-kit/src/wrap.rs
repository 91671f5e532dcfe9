//! Wraps styled text at spaces to a width in terminal cells. Graphemes are never split, and a word wider than the line
//! is broken rather than cut. The screen, pages on standard output and reports all use this.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// A space at which no line breaks, as long as both sides fit on one line.
pub const NO_BREAK: &str = "\u{a0}";

/// A line: texts with the caller's styles.
pub type Line<S> = Vec<(String, S)>;

/// The width of a text in cells: the sum over its graphemes, as they are drawn one by one. The width of the whole text
/// can be less, if a joiner is between two graphemes that don't join (a flag and a heart).
pub fn width(text: &str) -> usize {
    // Most texts are ASCII: one cell per byte.
    if text.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
        text.len()
    } else {
        text.graphemes(true).map(UnicodeWidthStr::width).sum()
    }
}

/// Wraps runs of text to at most `columns` cells per line. No runs give no lines.
pub fn wrap<'a, S: Copy + PartialEq>(runs: impl IntoIterator<Item = (&'a str, S)>, columns: usize) -> Vec<Line<S>> {
    let columns = columns.max(1);
    let mut out = Wrapper { lines: Vec::new(), line: Vec::new(), used: 0, columns };
    let mut word: Vec<(&str, S)> = Vec::new();
    for (text, style) in runs {
        if text.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
            for (at, part) in text.split(' ').enumerate() {
                if at > 0 {
                    out.word(&mut word);
                    out.blank(style);
                }
                word.extend((!part.is_empty()).then_some((part, style)));
            }
            continue;
        }
        for grapheme in text.graphemes(true) {
            if grapheme == NO_BREAK {
                word.push((" ", style));
            } else if grapheme.chars().all(char::is_whitespace) {
                out.word(&mut word);
                out.blank(style);
            } else {
                word.push((grapheme, style));
            }
        }
    }
    out.word(&mut word);
    out.finish()
}

struct Wrapper<S> {
    lines: Vec<Line<S>>,
    line: Line<S>,
    used: usize,
    columns: usize,
}

impl<S: Copy + PartialEq> Wrapper<S> {
    fn put(&mut self, text: &str, style: S) {
        self.used += width(text);
        match self.line.last_mut() {
            Some((last, same)) if *same == style => last.push_str(text),
            _ => self.line.push((text.to_owned(), style)),
        }
    }

    fn blank(&mut self, style: S) {
        if self.used > 0 && self.used < self.columns {
            self.put(" ", style);
        } else if self.used >= self.columns {
            self.end_line();
        }
    }

    fn word(&mut self, word: &mut Vec<(&str, S)>) {
        let needs: usize = word.iter().map(|(g, _)| width(g)).sum();
        // A word with non-breaking spaces that is wider than a line breaks at them.
        if needs > self.columns
            && let Some(blank) = word.iter().position(|(part, _)| *part == " ")
        {
            let mut behind = word.split_off(blank);
            let (_, style) = behind.remove(0);
            self.word(word);
            self.blank(style);
            return self.word(&mut behind);
        }
        if self.used > 0 && self.used + needs > self.columns {
            self.end_line();
        }
        if needs <= self.columns {
            word.drain(..).for_each(|(part, style)| self.put(part, style));
            return;
        }
        // Broken grapheme by grapheme rather than cut.
        let letters = word.drain(..).flat_map(|(part, style)| part.graphemes(true).map(move |g| (g, style)));
        for (grapheme, style) in letters {
            // A grapheme wider than a whole line is replaced.
            let grapheme = if width(grapheme) > self.columns { "…" } else { grapheme };
            if self.used > 0 && self.used + width(grapheme) > self.columns {
                self.end_line();
            }
            self.put(grapheme, style);
        }
    }

    fn end_line(&mut self) {
        // A trailing space would only lengthen an underline.
        if let Some((last, _)) = self.line.last_mut() {
            last.truncate(last.trim_end().len());
        }
        self.line.retain(|(text, _)| !text.is_empty());
        self.lines.push(std::mem::take(&mut self.line));
        self.used = 0;
    }

    fn finish(mut self) -> Vec<Line<S>> {
        if !self.line.is_empty() {
            self.end_line();
        }
        self.lines
    }
}

/// The text if it fits, otherwise its beginning with `…`.
pub fn shorten(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.into();
    }
    let (mut out, mut used) = (String::new(), 0);
    for grapheme in text.graphemes(true) {
        let wide = width(grapheme);
        if used + wide + 1 > columns {
            break;
        }
        out.push_str(grapheme);
        used += wide;
    }
    out.truncate(out.trim_end().len());
    if columns > 0 {
        out.push('…');
    }
    out
}

/// The text if it fits, otherwise its end after `…`, so that text being typed stays visible.
pub fn shorten_front(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.into();
    }
    let (mut kept, mut used) = (Vec::new(), 1);
    for grapheme in text.graphemes(true).rev() {
        let wide = width(grapheme);
        if used + wide > columns {
            break;
        }
        kept.push(grapheme);
        used += wide;
    }
    let tail: String = kept.into_iter().rev().collect();
    if columns > 0 { format!("…{tail}") } else { tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str, columns: usize) -> Vec<String> {
        wrap([(text, ())], columns).into_iter().map(joined).collect()
    }

    fn joined<S>(line: Line<S>) -> String {
        line.into_iter().map(|(text, _)| text).collect()
    }

    #[test]
    fn wraps_at_spaces_and_breaks_words_that_are_too_wide() {
        assert_eq!(plain("satu dua tiga", 8), ["satu dua", "tiga"]);
        assert_eq!(plain("abcdefghij k", 4), ["abcd", "efgh", "ij k"]);
        assert_eq!(plain("李明 王", 4), ["李明", "王"]);
        assert_eq!(plain("", 4), Vec::<String>::new());
        assert_eq!(plain("a", 0), ["a"]);
    }

    #[test]
    fn a_word_may_run_over_two_styles() {
        let lines = wrap([("selamat ", 0), ("siang", 1), (", ya", 0)], 12);
        assert_eq!(lines, [vec![("selamat".to_owned(), 0)], vec![("siang".to_owned(), 1), (", ya".to_owned(), 0)]]);
    }

    #[test]
    fn a_line_breaks_at_a_nonbreaking_space_only_if_both_sides_do_not_fit() {
        let runs = |columns| {
            let runs = ["selamat ", "siang", " ", "Bapak", NO_BREAK, "Budi Santoso"];
            wrap(runs.map(|run| (run, ())), columns).into_iter().map(joined).collect::<Vec<_>>()
        };
        assert_eq!(runs(19), ["selamat siang", "Bapak Budi Santoso"]);
        assert_eq!(runs(21), ["selamat siang", "Bapak Budi Santoso"]);
        assert_eq!(runs(24), ["selamat siang Bapak Budi", "Santoso"]);
        assert_eq!(runs(10), ["selamat", "siang", "Bapak Budi", "Santoso"]);
        assert_eq!(runs(9), ["selamat", "siang", "Bapak", "Budi", "Santoso"]);
        assert_eq!(runs(4), ["sela", "mat", "sian", "g", "Bapa", "k", "Budi", "Sant", "oso"]);
    }

    #[test]
    fn nothing_is_lost_at_any_width() {
        let text = "Segera update aplikasi New PLN Mobile versi terbaru e\u{301}e\u{301} 李明";
        for columns in 2..90 {
            let lines = plain(text, columns);
            assert!(lines.iter().all(|l| width(l) <= columns), "{columns}");
            assert_eq!(lines.concat().replace(' ', ""), text.replace(' ', ""), "{columns}");
        }
    }

    #[test]
    fn shortened_text_has_an_ellipsis() {
        assert_eq!(shorten("abcdef", 4), "abc…");
        assert_eq!(shorten_front("abcdef", 4), "…def");
        assert_eq!(shorten("李明王", 4), "李…");
        assert_eq!(shorten("abc", 3), "abc");
        assert_eq!(shorten("abc", 0), "");
    }
}
