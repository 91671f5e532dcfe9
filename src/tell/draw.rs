//! Problems drawn with the line they are in: place, line, underline, what to do. A line is shown through a window, so
//! that a file of one huge line does not flood the screen. Whether there is colour, and how wide the screen is, comes in.

use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};

use super::source::Source;
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
    let group =
        level.primary_title(message).id(problem.code().as_str()).elements(places(problem, source, other, canvas));
    let example = problem.situation.as_ref().filter(|s| !s.is_empty()).map(|s| situation(s, words));
    let group = group
        .elements(example.map(|example| Level::NOTE.with_name(w.example).message(example)))
        .element(Level::HELP.with_name(w.help).message(help));
    render(&[group], canvas)
}

/// A message without a place.
#[must_use]
pub fn message(text: &str, words: &Words, canvas: Canvas) -> String {
    render(&[Group::with_title(Level::ERROR.with_name(words.problem.error).primary_title(text))], canvas)
}

fn render(report: &[Group<'_>], canvas: Canvas) -> String {
    let renderer = if canvas.colour { Renderer::styled() } else { Renderer::plain() };
    // The window below has cut the lines already, and nothing else may be cut.
    renderer.term_width(usize::from(u16::MAX)).render(report)
}

fn places<'a>(problem: &Problem, source: &'a Source<'_>, other: &'a str, canvas: Canvas) -> Vec<Element<'a>> {
    let place = source.place(problem.span.start);
    let origin = |line, column| Origin::path(source.name()).line(line).char_column(column);
    if problem.span == (0..0) && !matches!(problem.kind, Kind::Syntax { .. } | Kind::NotUtf8) {
        return vec![Origin::path(source.name()).into()];
    }
    let mut out = vec![origin(place.line, place.column).into()];
    let window = Window::new(source, place.line, place.column, canvas.width);
    let mut snippet =
        window.snippet().annotation(AnnotationKind::Primary.span(window.range(&problem.span).unwrap_or(0..0)));
    let Some(second) = &problem.other else {
        out.push(snippet.into());
        return out;
    };
    let there = source.place(second.start);
    if there.line == place.line
        && let Some(range) = window.range(second)
    {
        snippet = snippet.annotation(AnnotationKind::Context.span(range).label(other));
        out.push(snippet.into());
        return out;
    }
    let window = Window::new(source, there.line, there.column, canvas.width);
    let range = window.range(second).unwrap_or(0..0);
    out.push(snippet.into());
    out.push(origin(there.line, there.column).into());
    out.push(window.snippet().annotation(AnnotationKind::Context.span(range).label(other)).into());
    out
}

/// A part of a line, each of its characters fit for a terminal.
struct Window {
    line: usize,
    text: String,
    /// Each shown character: its first byte in the file, and in `text`.
    bytes: Vec<(usize, usize)>,
    /// Where the shown part ends in the file.
    end: usize,
}

impl Window {
    fn new(source: &Source<'_>, line: usize, column: usize, width: usize) -> Self {
        let (text, start) = source.line(line);
        // The gutter and the marks of a cut need some columns too.
        let room = width.saturating_sub(16).clamp(24, 400);
        let first = if text.chars().nth(room).is_none() || column <= room * 2 / 3 { 0 } else { column - room / 3 };
        let mut out = Self { line, text: String::new(), bytes: Vec::new(), end: start + text.len() };
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

    fn snippet<'a>(&self) -> Snippet<'a, Annotation<'a>> {
        Snippet::source(self.text.clone()).line_start(self.line).path(None::<&str>)
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
