//! Text for people on standard output: styled paragraphs, wrapped to the screen's width. No information depends on a
//! style alone, since a pipe, `NO_COLOR` and a printer have none. No colours, since the screen's background is unknown.

use std::fmt::Write as _;

use crate::diagnostics::draw::Canvas;
use crate::wrap::{width, wrap};
use crossterm::style::Stylize;

/// The style of a run of text, where styles can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Unstyled.
    Plain,
    /// A heading.
    Strong,
    /// A value filled in by the program.
    Filled,
    /// A changed word; in brackets where styles can't be shown.
    Changed,
}

/// A text built paragraph by paragraph.
#[derive(Debug)]
pub struct Page {
    out: String,
    canvas: Canvas,
}

/// The minimum width of a paragraph, however deep its indent.
const NARROWEST: usize = 20;

impl Page {
    #[must_use]
    pub fn new(canvas: Canvas) -> Self {
        Self { out: String::new(), canvas }
    }

    /// The finished text.
    pub fn finish(self) -> String {
        self.out
    }

    pub fn gap(&mut self) {
        self.out.push('\n');
    }

    /// A paragraph in one style.
    pub fn line(&mut self, first: &str, text: &str, look: Look) {
        self.paragraph(first, [(text, look)]);
    }

    /// A paragraph that begins with `first` and is indented by its width. A run of changed words is put in brackets
    /// where styles can't be shown.
    pub fn paragraph<T: AsRef<str>>(&mut self, first: &str, runs: impl IntoIterator<Item = (T, Look)>) {
        let runs: Vec<(String, Look)> = runs
            .into_iter()
            .map(|(text, look)| match look {
                Look::Changed if !self.canvas.colour => (format!("[{}]", text.as_ref()), look),
                _ => (text.as_ref().to_owned(), look),
            })
            .collect();
        let hang = width(first);
        let columns = self.canvas.width.saturating_sub(hang).max(NARROWEST);
        let mut lines = wrap(runs.iter().map(|(text, look)| (text.as_str(), *look)), columns);
        if lines.is_empty() {
            lines.push(Vec::new());
        }
        for (at, line) in lines.into_iter().enumerate() {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn page(colour: bool, width: usize, first: &str, runs: &[(&str, Look)]) -> String {
        let mut page = Page::new(Canvas { colour, width });
        page.paragraph(first, runs.iter().copied());
        page.finish()
    }

    #[test]
    fn a_paragraph_is_indented_and_fits_the_width() {
        let text = "Untuk mewujudkan PLN terbaik";
        assert_eq!(page(false, 24, "  - ", &[(text, Look::Plain)]), "  - Untuk mewujudkan PLN\n    terbaik\n");
        assert_eq!(page(false, 80, "", &[("", Look::Plain)]), "\n");
        for width in 24..60 {
            let page =
                page(false, width, "    ", &[("selamat ", Look::Plain), ("abcdefghijklmnopqrstuvwxyz", Look::Filled)]);
            assert!(page.lines().all(|line| crate::wrap::width(line) <= width), "{width}: {page}");
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
