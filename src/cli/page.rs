//! Text for people on standard output: paragraphs in looks, wrapped to the screen's width. Nothing hangs on a look alone,
//! since a pipe, `NO_COLOR` and a printer have none. No colours either: which of them can be read on this screen's ground
//! is not known here.

use std::fmt::Write as _;

use crossterm::style::Stylize;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::tell::draw::Canvas;

/// How a run of text looks where looks can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// As it is.
    Plain,
    /// A heading.
    Strong,
    /// Filled in by the program.
    Filled,
    /// A word that changed; in brackets where there are no looks.
    Changed,
}

/// A text that grows paragraph by paragraph.
#[derive(Debug)]
pub struct Page {
    out: String,
    canvas: Canvas,
}

/// The fewest columns a paragraph gets, however deep it stands.
const NARROWEST: usize = 20;

impl Page {
    /// An empty one.
    #[must_use]
    pub fn new(canvas: Canvas) -> Self {
        Self { out: String::new(), canvas }
    }

    /// What was written.
    #[must_use]
    pub fn finish(self) -> String {
        self.out
    }

    /// An empty line.
    pub fn gap(&mut self) {
        self.out.push('\n');
    }

    /// A paragraph of one look.
    pub fn line(&mut self, first: &str, text: &str, look: Look) {
        self.paragraph(first, [(text, look)]);
    }

    /// A paragraph that begins with `first` and hangs by its width. A run of changed words comes in brackets where it
    /// can't be seen otherwise.
    pub fn paragraph<T: AsRef<str>>(&mut self, first: &str, runs: impl IntoIterator<Item = (T, Look)>) {
        let runs: Vec<(String, Look)> = runs
            .into_iter()
            .map(|(text, look)| match look {
                Look::Changed if !self.canvas.colour => (format!("[{}]", text.as_ref()), look),
                _ => (text.as_ref().to_owned(), look),
            })
            .collect();
        let hang = first.width();
        let columns = self.canvas.width.saturating_sub(hang).max(NARROWEST);
        for (at, line) in wrapped(&runs, columns).into_iter().enumerate() {
            let start = if at == 0 { first.to_owned() } else { " ".repeat(hang) };
            let text = line.iter().map(|(text, look)| self.painted(text, *look)).collect::<String>();
            let _ = writeln!(self.out, "{}", format!("{start}{text}").trim_end());
        }
    }

    fn painted(&self, text: &str, look: Look) -> String {
        if !self.canvas.colour {
            return text.to_owned();
        }
        match look {
            Look::Plain => text.to_owned(),
            Look::Strong => text.bold().to_string(),
            Look::Filled => text.underlined().to_string(),
            Look::Changed => text.bold().underlined().to_string(),
        }
    }
}

type Line = Vec<(String, Look)>;

/// Lines of at most `columns` cells, broken at blanks; a word wider than that is broken rather than cut. At least one
/// line.
fn wrapped(runs: &[(String, Look)], columns: usize) -> Vec<Line> {
    let mut out = Wrapped { lines: Vec::new(), line: Vec::new(), used: 0, columns };
    let mut word: Vec<(&str, Look)> = Vec::new();
    for (text, look) in runs {
        for grapheme in text.graphemes(true) {
            if grapheme == " " {
                out.word(&mut word);
                if out.used < columns {
                    out.put(" ", *look);
                }
            } else {
                word.push((grapheme, *look));
            }
        }
    }
    out.word(&mut word);
    out.turn();
    out.lines
}

struct Wrapped {
    lines: Vec<Line>,
    line: Line,
    used: usize,
    columns: usize,
}

impl Wrapped {
    fn put(&mut self, text: &str, look: Look) {
        self.used += text.width();
        match self.line.last_mut() {
            Some(last) if last.1 == look => last.0.push_str(text),
            _ => self.line.push((text.to_owned(), look)),
        }
    }

    fn word(&mut self, word: &mut Vec<(&str, Look)>) {
        let needs: usize = word.iter().map(|(grapheme, _)| grapheme.width()).sum();
        if self.used > 0 && self.used + needs > self.columns {
            self.turn();
        }
        for (grapheme, look) in word.drain(..) {
            if self.used > 0 && self.used + grapheme.width() > self.columns {
                self.turn();
            }
            self.put(grapheme, look);
        }
    }

    fn turn(&mut self) {
        // A blank at the end of a line would only lengthen an underline.
        if let Some(last) = self.line.last_mut() {
            last.0.truncate(last.0.trim_end().len());
        }
        self.lines.push(std::mem::take(&mut self.line));
        self.used = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(colour: bool, width: usize, first: &str, runs: &[(&str, Look)]) -> String {
        let mut page = Page::new(Canvas { colour, width });
        page.paragraph(first, runs.iter().copied());
        page.finish()
    }

    #[test]
    fn a_paragraph_hangs_and_fits() {
        let text = "Untuk mewujudkan PLN terbaik";
        assert_eq!(page(false, 24, "  - ", &[(text, Look::Plain)]), "  - Untuk mewujudkan PLN\n    terbaik\n");
        assert_eq!(page(false, 80, "", &[("", Look::Plain)]), "\n");
        for width in 24..60 {
            let page =
                page(false, width, "    ", &[("selamat ", Look::Plain), ("abcdefghijklmnopqrstuvwxyz", Look::Filled)]);
            assert!(page.lines().all(|line| line.width() <= width), "{width}: {page}");
            assert!(page.replace([' ', '\n'], "").ends_with("abcdefghijklmnopqrstuvwxyz"));
        }
    }

    #[test]
    fn changed_words_are_in_brackets_or_in_a_look() {
        let runs = [("ayo ", Look::Plain), ("unduh", Look::Changed)];
        assert_eq!(page(false, 80, "+ ", &runs), "+ ayo [unduh]\n");
        let seen = page(true, 80, "+ ", &runs);
        assert!(seen.contains("\u{1b}[4m") && !seen.contains("[unduh]"), "{seen:?}");
    }
}
