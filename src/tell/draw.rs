//! Problems drawn with the line they are in: place, line, underline, what to do. A line is shown through a window, so
//! that a file of one huge line does not flood the screen. Whether there is colour, and how wide the screen is, comes in.

use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};

use super::source::{Place, Source};
use super::{Told, situation, tell};
use crate::rules::problem::{Kind, Problem};
use crate::rules::text::is_forbidden;
use crate::words::Words;

/// Where a drawing goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Canvas {
    /// Whether colour is welcome.
    pub colour: bool,
    /// How many columns there are.
    pub width: usize,
}

impl Canvas {
    /// No colour, and the width of a page.
    pub const PLAIN: Self = Self { colour: false, width: 100 };
}

/// Draws a problem; the text ends without a line break.
#[must_use]
pub fn draw(problem: &Problem, source: &Source<'_>, words: &Words, canvas: Canvas) -> String {
    let w = &words.problem;
    let Told { message, help, other } = tell(problem, words);
    let level = if problem.is_error() { Level::ERROR.with_name(w.error) } else { Level::WARNING.with_name(w.warning) };
    let windows = Windows::new(problem, source, canvas.width);
    let group = level.primary_title(message).id(problem.code().as_str()).elements(windows.elements(source, other));
    let example = problem.situation.as_ref().filter(|s| !s.is_empty()).map(|s| situation(s, words));
    let group = group
        .elements(example.map(|example| Level::NOTE.with_name(w.example).message(example)))
        .element(Level::HELP.with_name(w.help).message(help));
    windows.with_true_columns(render(&[group], canvas), source)
}

/// A message without a place, with what to do; the text ends without a line break.
#[must_use]
pub fn message(text: &str, help: Option<&str>, words: &Words, canvas: Canvas) -> String {
    let w = &words.problem;
    let mut out = render(&[Group::with_title(Level::ERROR.with_name(w.error).primary_title(text))], canvas);
    if let Some(help) = help.filter(|help| !help.is_empty()) {
        out.push('\n');
        out += &render(&[Group::with_title(Level::HELP.with_name(w.help).primary_title(help))], canvas);
    }
    out
}

fn render(report: &[Group<'_>], canvas: Canvas) -> String {
    let renderer = if canvas.colour { Renderer::styled() } else { Renderer::plain() };
    // The window below has cut the lines already, and nothing else may be cut.
    renderer.term_width(usize::from(u16::MAX)).render(report)
}

/// The lines that a problem shows.
struct Windows {
    /// None where the problem is the whole file's.
    first: Option<(Window, Range<usize>)>,
    /// The other place of a clash, where it is on another line or out of the first window.
    second: Option<(Window, Range<usize>)>,
    /// The other place, where the first window shows it too.
    beside: Option<Range<usize>>,
}

impl Windows {
    fn new(problem: &Problem, source: &Source<'_>, width: usize) -> Self {
        if problem.span == (0..0) && !matches!(problem.kind, Kind::Syntax { .. } | Kind::NotUtf8) {
            return Self { first: None, second: None, beside: None };
        }
        let of = |span: &Range<usize>| {
            let window = Window::new(source, source.place(span.start), width);
            let range = window.range(span).unwrap_or(0..0);
            (window, range)
        };
        let first = of(&problem.span);
        let other = problem.other.as_ref();
        let same_line = |span: &&Range<usize>| source.place(span.start).line == first.0.place.line;
        let beside = other.filter(same_line).and_then(|span| first.0.range(span));
        let second = other.filter(|_| beside.is_none()).map(of);
        Self { first: Some(first), second, beside }
    }

    fn elements<'a>(&self, source: &'a Source<'_>, other: &'a str) -> Vec<Element<'a>> {
        let Some((window, range)) = &self.first else { return vec![Origin::path(source.name()).into()] };
        let mut snippet = window.snippet(source).annotation(AnnotationKind::Primary.span(range.clone()));
        if let Some(beside) = &self.beside {
            snippet = snippet.annotation(AnnotationKind::Context.span(beside.clone()).label(other));
        }
        let second = self.second.as_ref().map(|(window, range)| {
            window.snippet(source).annotation(AnnotationKind::Context.span(range.clone()).label(other))
        });
        [Some(snippet), second].into_iter().flatten().map(Element::from).collect()
    }

    /// A window that begins in the middle of a line would make the drawing count its columns from there.
    fn with_true_columns(&self, mut drawn: String, source: &Source<'_>) -> String {
        for (window, range) in [&self.first, &self.second].into_iter().flatten() {
            let Place { line, column } = window.place;
            let counted = window.text[..range.start].chars().count() + 1;
            if counted != column {
                let (wrong, right) = (format!("{line}:{counted}\n"), format!("{line}:{column}\n"));
                let at = |text: &str| format!("{}:{text}", source.name());
                drawn = drawn.replacen(&at(&wrong), &at(&right), 1);
                let (wrong, right) = (format!("{line}:{counted}\u{1b}"), format!("{line}:{column}\u{1b}"));
                drawn = drawn.replacen(&at(&wrong), &at(&right), 1);
            }
        }
        drawn
    }
}

/// A part of a line, each of its characters fit for a terminal.
struct Window {
    place: Place,
    text: String,
    /// Each shown character: its first byte in the file, and in `text`.
    bytes: Vec<(usize, usize)>,
    /// Where the shown part ends in the file.
    end: usize,
}

impl Window {
    fn new(source: &Source<'_>, place: Place, width: usize) -> Self {
        let Place { line, column } = place;
        let (text, start) = source.line(line);
        // The gutter and the marks of a cut need some columns too.
        let room = width.saturating_sub(16).clamp(24, 400);
        let first = if text.chars().nth(room).is_none() || column <= room * 2 / 3 { 0 } else { column - room / 3 };
        let mut out = Self { place, text: String::new(), bytes: Vec::new(), end: start + text.len() };
        if first > 0 {
            out.text.push('…');
        }
        for (count, (at, c)) in text.char_indices().skip(first).enumerate() {
            if count == room {
                out.end = start + at;
                break;
            }
            out.bytes.push((start + at, out.text.len()));
            out.text.push(if c == '\t' {
                ' '
            } else if is_forbidden(c) {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            });
        }
        out.bytes.push((out.end, out.text.len()));
        if out.end < start + text.len() {
            out.text.push('…');
        }
        out
    }

    fn snippet<'a>(&self, source: &'a Source<'_>) -> Snippet<'a, Annotation<'a>> {
        Snippet::source(self.text.clone()).line_start(self.place.line).path(source.name())
    }

    /// Where a span of the file stands in the window, cut to it; at least one character wide where there is one.
    fn range(&self, span: &Range<usize>) -> Option<Range<usize>> {
        let at = self.bytes.iter().rposition(|(byte, _)| *byte <= span.start)?;
        if span.start > self.end {
            return None;
        }
        let until = self.bytes.iter().position(|(byte, _)| *byte >= span.end).unwrap_or(self.bytes.len() - 1);
        let until = until.max(at + 1).min(self.bytes.len() - 1);
        Some(self.bytes[at].1..self.bytes[until].1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::problem::SyntaxCause;
    use crate::words::Lang;

    const COLOUR: Canvas = Canvas { colour: true, width: 80 };

    /// A problem with this piece of a text, drawn.
    fn drawn(text: &str, piece: &str, other: Option<&str>, canvas: Canvas) -> String {
        let span = |piece: &str| text.find(piece).map(|at| at..at + piece.len()).unwrap();
        let mut problem = Problem::new(span(piece), Kind::BadTime { found: piece.into() });
        problem.other = other.map(span);
        draw(&problem, &Source::new("x.toml", text.as_bytes()), Lang::Id.words(), canvas)
    }

    #[test]
    fn a_line_that_is_cut_keeps_its_true_column() {
        let text = format!("schema = 1\nx = \"{}HERE{}\"", "é".repeat(5000), "b".repeat(1 << 20));
        for canvas in [Canvas::PLAIN, COLOUR] {
            let out = drawn(&text, "HERE", None, canvas);
            assert!(out.contains("x.toml:2:5006"), "{out}");
            assert!(out.contains("éHEREb") && out.contains("^^^^"), "{out}");
            assert!(out.len() < 2000, "{}", out.len());
        }
    }

    #[test]
    fn two_places_of_one_line_share_it_where_both_fit() {
        let out = drawn("a = [\"one\", \"two\"]", "\"two\"", Some("\"one\""), Canvas::PLAIN);
        assert_eq!(out.matches("a = [").count(), 1, "{out}");
        let far = format!("a = [\"one\", \"{}\", \"two\"]", "x".repeat(500));
        let out = drawn(&far, "\"two\"", Some("\"one\""), Canvas::PLAIN);
        assert!(out.contains("x.toml:1:517") && out.contains("x.toml:1:6"), "{out}");
    }

    #[test]
    fn what_a_line_holds_is_fit_for_a_terminal() {
        let out = drawn("\tx = \u{1b}[2J\u{202e}HERE\u{7}\r\n", "HERE", None, Canvas::PLAIN);
        assert!(!out.chars().any(|c| c != '\n' && is_forbidden(c)), "{out:?}");
        assert!(out.contains(" x = �[2J�HERE�"), "{out}");
    }

    #[test]
    fn colour_is_left_out_unless_it_is_welcome() {
        assert!(!drawn("x = 1", "x", None, Canvas::PLAIN).contains('\u{1b}'));
        assert!(drawn("x = 1", "x", None, COLOUR).contains('\u{1b}'));
        assert!(!message("a", Some("b"), Lang::Id.words(), Canvas::PLAIN).contains('\u{1b}'));
    }

    #[test]
    fn no_place_and_no_width_break_it() {
        for (text, span) in [("", 0..0), ("", 5..9), ("x", 1..1), ("x\n", 2..2), ("é", 1..1), ("\u{feff}", 0..3)] {
            for width in [0, 1, 80, usize::MAX] {
                let problem =
                    Problem::new(span.clone(), Kind::Syntax { detail: String::new(), cause: SyntaxCause::Unknown })
                        .and(9..99);
                let source = Source::new("", text.as_bytes());
                let _ = draw(&problem, &source, Lang::En.words(), Canvas { colour: false, width });
            }
        }
    }
}
