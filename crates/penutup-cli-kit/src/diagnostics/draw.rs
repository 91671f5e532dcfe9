//! Draws problems with their source lines: location, line, underline, advice. The caller supplies the use of colour and
//! the screen's width.

use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};

use super::source::{Place, Source};
use super::{Description, describe, situation};
use crate::rules::problem::{Kind, Problem};
use crate::rules::text::is_forbidden;
use crate::words::Words;

/// The longest line that is shown, in bytes: for a longer one, only the location is named.
const LONGEST_LINE: usize = 8 * 1024;

/// The capabilities of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Canvas {
    pub colour: bool,
    /// The number of columns.
    pub width: usize,
}

impl Canvas {
    /// No colour, and a page's width.
    pub const PLAIN: Self = Self { colour: false, width: 100 };
}

/// Draws a problem; the text ends without a line break.
pub fn draw(problem: &Problem, source: &Source<'_>, words: &Words, canvas: Canvas) -> String {
    let w = &words.problem;
    let Description { message, help, other } = describe(problem, words);
    let level = if problem.is_error() { Level::ERROR.with_name(w.error) } else { Level::WARNING.with_name(w.warning) };
    let group =
        level.primary_title(message).id(problem.code().as_str()).elements(places(problem, source, other, canvas.width));
    let example = problem.situation.as_ref().filter(|s| !s.is_empty()).map(|s| situation(s, words));
    let group = group
        .elements(example.map(|example| Level::NOTE.with_name(w.example).message(example)))
        .element(Level::HELP.with_name(w.help).message(help));
    render(&[group], canvas)
}

/// Every problem, each with a blank line behind it.
pub fn draw_all(problems: &[Problem], source: &Source<'_>, words: &Words, canvas: Canvas) -> String {
    problems.iter().fold(String::new(), |out, p| out + &draw(p, source, words, canvas) + "\n\n")
}

/// A message without a location, with advice; the text ends without a line break.
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
    renderer.term_width(canvas.width.clamp(24, 400)).render(report)
}

/// The lines that a problem points to; for a problem with the whole file, its name.
fn places<'a>(problem: &Problem, source: &'a Source<'_>, other: &'a str, width: usize) -> Vec<Element<'a>> {
    if problem.span == (0..0) && !matches!(problem.kind, Kind::Syntax { .. } | Kind::NotUtf8) {
        return vec![Origin::path(source.name()).into()];
    }
    let place = source.place(problem.span.start);
    let Some(line) = Line::new(source, place) else { return vec![origin(source, place)] };
    let snippet = line.snippet().annotation(AnnotationKind::Primary.span(line.range(&problem.span)));
    let Some(span) = &problem.other else { return vec![snippet.into()] };
    let second = source.place(span.start);
    let Some(line) = Line::new(source, second) else { return vec![snippet.into(), origin(source, second)] };
    let annotation = AnnotationKind::Context.span(line.range(span)).label(other);
    // The renderer cuts a long line around the marked spans, but two spans far apart would keep everything between
    // them.
    if second.line == place.line && second.column.abs_diff(place.column) < width / 2 {
        vec![snippet.annotation(annotation).into()]
    } else {
        vec![snippet.into(), line.snippet().annotation(annotation).into()]
    }
}

fn origin<'a>(source: &'a Source<'_>, place: Place) -> Element<'a> {
    Origin::path(source.name()).line(place.line).char_column(place.column).into()
}

/// A line of the file, with each control character replaced.
struct Line<'a> {
    source: &'a Source<'a>,
    number: usize,
    text: String,
}

impl<'a> Line<'a> {
    /// Nothing for a line that is too long to read.
    fn new(source: &'a Source<'_>, place: Place) -> Option<Self> {
        let text = source.line(place.line);
        let fit = |c| match c {
            '\t' => ' ',
            c if is_forbidden(c) => char::REPLACEMENT_CHARACTER,
            c => c,
        };
        (text.len() <= LONGEST_LINE).then(|| Self { source, number: place.line, text: text.chars().map(fit).collect() })
    }

    fn snippet(&self) -> Snippet<'a, Annotation<'a>> {
        Snippet::source(self.text.clone()).line_start(self.number).path(self.source.name())
    }

    /// A span of the file relative to this text; cut to it, and at least one character wide if possible.
    fn range(&self, span: &Range<usize>) -> Range<usize> {
        let offset = |byte| {
            let place = self.source.place(byte);
            let chars = if place.line > self.number { usize::MAX } else { place.column - 1 };
            self.text.char_indices().nth(chars).map_or(self.text.len(), |(at, _)| at)
        };
        let start = offset(span.start);
        let one = self.text[start..].chars().next().map_or(0, char::len_utf8);
        start..offset(span.end).max(start + one)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::problem::SyntaxCause;
    use crate::words::Lang;

    const COLOUR: Canvas = Canvas { colour: true, width: 80 };

    /// A problem drawn with this part of a text.
    fn drawn(text: &str, piece: &str, other: Option<&str>, canvas: Canvas) -> String {
        let span = |piece: &str| text.find(piece).map(|at| at..at + piece.len()).unwrap();
        let mut problem = Problem::new(span(piece), Kind::BadTime { found: piece.into() });
        problem.other = other.map(span);
        draw(&problem, &Source::new("x.toml", text.as_bytes()), Lang::Id.words(), canvas)
    }

    #[test]
    fn a_long_line_is_cut_around_the_problem_and_keeps_its_true_column() {
        let text = format!("schema = 1\nx = \"{}HERE{}\"", "é".repeat(2000), "b".repeat(2000));
        for canvas in [Canvas::PLAIN, COLOUR] {
            let out = drawn(&text, "HERE", None, canvas);
            assert!(out.contains("x.toml:2:2006"), "{out}");
            assert!(out.contains("éHEREb") && out.contains("^^^^"), "{out}");
            assert!(out.len() < 2000, "{}", out.len());
        }
    }

    #[test]
    fn only_the_location_of_a_huge_line_is_shown() {
        let text = format!("schema = 1\nx = \"{}HERE{}\"", "é".repeat(5000), "b".repeat(1 << 20));
        let out = drawn(&text, "HERE", Some("x ="), Canvas::PLAIN);
        assert!(out.contains("x.toml:2:5006") && out.len() < 500, "{out}");
    }

    #[test]
    fn two_spans_on_one_line_share_it_if_both_fit() {
        let out = drawn("a = [\"one\", \"two\"]", "\"two\"", Some("\"one\""), Canvas::PLAIN);
        assert_eq!(out.matches("a = [").count(), 1, "{out}");
        let far = format!("a = [\"one\", \"{}\", \"two\"]", "x".repeat(500));
        let out = drawn(&far, "\"two\"", Some("\"one\""), Canvas::PLAIN);
        assert!(out.contains("x.toml:1:517") && out.contains("x.toml:1:6"), "{out}");
    }

    #[test]
    fn control_characters_of_a_line_are_replaced() {
        let out = drawn("\tx = \u{1b}[2J\u{202e}HERE\u{7}\r\n", "HERE", None, Canvas::PLAIN);
        assert!(!out.chars().any(|c| c != '\n' && is_forbidden(c)), "{out:?}");
        assert!(out.contains(" x = �[2J�HERE�"), "{out}");
    }

    #[test]
    fn colour_is_used_only_if_requested() {
        assert!(!drawn("x = 1", "x", None, Canvas::PLAIN).contains('\u{1b}'));
        assert!(drawn("x = 1", "x", None, COLOUR).contains('\u{1b}'));
        assert!(!message("a", Some("b"), Lang::Id.words(), Canvas::PLAIN).contains('\u{1b}'));
    }

    #[test]
    fn no_location_and_no_width_causes_a_panic() {
        for (text, span) in [("", 0..0), ("", 5..9), ("x", 1..1), ("x\n", 2..2), ("é", 1..1), ("\u{feff}", 0..3)] {
            for width in [0, 1, 80, usize::MAX] {
                let problem =
                    Problem::new(span.clone(), Kind::Syntax { detail: String::new(), cause: SyntaxCause::Unknown })
                        .with_other(9..99);
                let source = Source::new("", text.as_bytes());
                let _ = draw(&problem, &source, Lang::En.words(), Canvas { colour: false, width });
            }
        }
    }
}
