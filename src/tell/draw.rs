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
