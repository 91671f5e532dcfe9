//! Text in styles, wrapped at blanks to a width in terminal cells; graphemes are never torn, and a word wider than the
//! line is broken rather than cut.

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// A blank at which no line ends, as long as a line can hold both sides of it.
pub const NO_BREAK: &str = "\u{a0}";

/// How many cells a text takes: those of its graphemes, one by one, as they are drawn. The whole text's own width can be
/// less, where a joiner stands between two that don't join (a flag and a heart).
#[must_use]
pub fn width(text: &str) -> usize {
    // Most of what is said is plain letters, a cell each.
    if text.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
        text.len()
    } else {
        text.graphemes(true).map(UnicodeWidthStr::width).sum()
    }
}

/// How many cells a line takes.
#[must_use]
pub fn line_width(line: &Line<'_>) -> usize {
    line.spans.iter().map(|span| width(&span.content)).sum()
}

/// Wraps runs of text to at most `columns` cells a line. No run, no line.
#[must_use]
pub fn wrap<'a>(runs: impl IntoIterator<Item = (&'a str, Style)>, columns: usize) -> Vec<Line<'static>> {
    let columns = columns.max(1);
    let mut out = Wrapped { lines: Vec::new(), line: Vec::new(), used: 0, columns };
    let mut word: Vec<(&str, Style)> = Vec::new();
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

/// As [`wrap`], but at most `rows` lines, the last of which says with `…` where there were more.
#[must_use]
pub fn bounded<'a>(
    runs: impl IntoIterator<Item = (&'a str, Style)>,
    columns: usize,
    rows: usize,
) -> Vec<Line<'static>> {
    let mut lines = wrap(runs, columns);
    let more = lines.drain(rows.min(lines.len())..).next();
    if let (Some(more), Some(last)) = (more, lines.last_mut()) {
        let style = last.spans.last().map_or(Style::new(), |s| s.style);
        *last = Line::from(Span::styled(shorten(&format!("{last} {more}"), columns), style));
    }
    lines
}

struct Wrapped {
    lines: Vec<Line<'static>>,
    line: Vec<Span<'static>>,
    used: usize,
    columns: usize,
}

impl Wrapped {
    fn put(&mut self, text: &str, style: Style) {
        self.used += width(text);
        match self.line.last_mut() {
            Some(last) if last.style == style => last.content.to_mut().push_str(text),
            _ => self.line.push(Span::styled(text.to_owned(), style)),
        }
    }

    fn blank(&mut self, style: Style) {
        if self.used > 0 && self.used < self.columns {
            self.put(" ", style);
        } else if self.used >= self.columns {
            self.turn();
        }
    }

    fn word(&mut self, word: &mut Vec<(&str, Style)>) {
        let needs: usize = word.iter().map(|(g, _)| width(g)).sum();
        // What no line can hold in one may break at its blanks.
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
            self.turn();
        }
        if needs <= self.columns {
            word.drain(..).for_each(|(part, style)| self.put(part, style));
            return;
        }
        // Broken rather than cut: letter by letter.
        let letters = word.drain(..).flat_map(|(part, style)| part.graphemes(true).map(move |g| (g, style)));
        for (grapheme, style) in letters {
            // What no line can hold is told as cut.
            let grapheme = if width(grapheme) > self.columns { "…" } else { grapheme };
            if self.used > 0 && self.used + width(grapheme) > self.columns {
                self.turn();
            }
            self.put(grapheme, style);
        }
    }

    fn turn(&mut self) {
        // A blank at the end of a line would only lengthen an underline.
        if let Some(last) = self.line.last_mut() {
            let kept = last.content.trim_end().len();
            last.content.to_mut().truncate(kept);
        }
        self.line.retain(|s| !s.content.is_empty());
        self.lines.push(Line::from(std::mem::take(&mut self.line)));
        self.used = 0;
    }

    fn finish(mut self) -> Vec<Line<'static>> {
        if !self.line.is_empty() {
            self.turn();
        }
        self.lines
    }
}

/// The text where it fits, else as much of it as does, with `…` for the rest.
#[must_use]
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

/// The end of the text where it does not fit, with `…` for what stands before: what is being typed stays visible.
#[must_use]
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
        wrap([(text, Style::new())], columns).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn wraps_at_blanks_and_breaks_what_is_too_wide() {
        assert_eq!(plain("satu dua tiga", 8), ["satu dua", "tiga"]);
        assert_eq!(plain("abcdefghij k", 4), ["abcd", "efgh", "ij k"]);
        assert_eq!(plain("李明 王", 4), ["李明", "王"]);
        assert_eq!(plain("", 4), Vec::<String>::new());
        assert_eq!(plain("a", 0), ["a"]);
    }

    #[test]
    fn a_word_may_run_over_two_styles() {
        let bold = Style::new().bold();
        let lines = wrap([("selamat ", Style::new()), ("siang", bold), (", ya", Style::new())], 12);
        assert_eq!(lines.iter().map(ToString::to_string).collect::<Vec<_>>(), ["selamat", "siang, ya"]);
    }

    #[test]
    fn a_line_does_not_end_at_a_blank_that_binds_while_it_can_hold_both_sides() {
        let runs = |columns| {
            let plain = Style::new();
            let runs = [("selamat ", plain), ("siang", plain), (" ", plain), ("Bapak", plain), (NO_BREAK, plain)];
            let lines = wrap(runs.into_iter().chain([("Budi Santoso", plain)]), columns);
            lines.iter().map(ToString::to_string).collect::<Vec<_>>()
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
    fn rows_that_are_too_many_end_in_a_mark() {
        let rows = |rows| bounded([("satu dua tiga", Style::new())], 5, rows);
        assert_eq!(rows(2).iter().map(ToString::to_string).collect::<Vec<_>>(), ["satu", "dua…"]);
        assert_eq!(rows(3).last().unwrap().to_string(), "tiga");
        assert_eq!(rows(0), []);
    }

    #[test]
    fn shortening_says_so() {
        assert_eq!(shorten("abcdef", 4), "abc…");
        assert_eq!(shorten_front("abcdef", 4), "…def");
        assert_eq!(shorten("李明王", 4), "李…");
        assert_eq!(shorten("abc", 3), "abc");
        assert_eq!(shorten("abc", 0), "");
    }
}
