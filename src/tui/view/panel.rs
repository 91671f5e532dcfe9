//! Draws the pages of the panels. They replace the steps and the complete sentence; header, banner and footer stay.

use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::DrawContext;
use super::lines::wrap;
use crate::cli::report::text::columns;
use crate::keymap;
use crate::pages::{Part, Surface, page};
use crate::panel::Panel;
use crate::rules::diff::Run;
use crate::tui::theme::Role;
use crate::wrap::width;

/// The rows of the chart of hours.
const CHART_HEIGHT: usize = 3;

/// Collects the lines of a panel.
pub struct Lines<'l, 'a> {
    look: &'l DrawContext<'a>,
    lines: Vec<Line<'static>>,
}

impl<'l, 'a> Lines<'l, 'a> {
    pub fn new(look: &'l DrawContext<'a>, title: &str) -> Self {
        let mut page = Self { look, lines: Vec::new() };
        page.lines.push(Line::from(look.span(format!(" {title}"), Role::Sentence)));
        page
    }

    /// A blank row.
    pub fn gap(&mut self) {
        self.lines.push(Line::default());
    }

    pub fn push(&mut self, line: Line<'static>) {
        self.lines.push(line);
    }

    fn heading(&mut self, text: &str) {
        self.lines.push(Line::from(self.look.span(format!(" {text}"), Role::Accent)));
    }

    /// A bar chart by hour; each bar is three cells wide, the width of the hour below it.
    fn hours(&mut self, heading: &str, first: usize, counts: &[u64]) {
        self.heading(heading);
        let mut line = |text: String| self.lines.push(Line::from(self.look.span(text, Role::Text)));
        for row in columns(counts, CHART_HEIGHT) {
            let wide: String = row.chars().flat_map(|c| [c, c, ' ']).collect();
            line(format!("   {}", wide.trim_end()));
        }
        let below: Vec<String> = (first..first + counts.len()).map(|hour| format!("{hour:02}")).collect();
        line(format!("   {}", below.join(" ")));
    }

    pub fn paragraph(&mut self, text: &str) {
        for mut line in wrap([(text, self.look.style(Role::Text))], self.look.columns.saturating_sub(2).clamp(1, 90)) {
            line.spans.insert(0, self.look.span(" ", Role::Text));
            self.lines.push(line);
        }
    }

    pub fn into_lines(self) -> Vec<Line<'static>> {
        self.lines
    }

    /// A heading with its text; nothing if the text is empty.
    pub fn entry(&mut self, heading: &str, text: &str) {
        if !text.is_empty() {
            self.runs(heading, &[(text, self.look.style(Role::Text))]);
        }
    }

    /// A sentence of a revision with its changed words underlined.
    fn sentence(&mut self, heading: &str, words: &[Run]) {
        let plain = self.look.style(Role::Text);
        let runs = words.iter().enumerate().flat_map(|(at, run)| {
            let style = if run.changed { plain.add_modifier(Modifier::UNDERLINED) } else { plain };
            [(if at == 0 { "" } else { " " }, plain), (run.text.as_str(), style)]
        });
        self.runs(heading, &runs.collect::<Vec<_>>());
    }

    fn runs(&mut self, heading: &str, runs: &[(&str, Style)]) {
        let (accent, plain) = (self.look.style(Role::Accent), self.look.style(Role::Text));
        let beside = match self.look.columns {
            72.. => 18,
            40.. => 13,
            _ => 3,
        };
        // A heading that is too long for its column goes above its text.
        let fits = width(heading) + 2 <= beside;
        let indent = if fits || beside == 18 { beside } else { 3 };
        let columns = self.look.columns.saturating_sub(indent + 2).clamp(1, 90);
        let mut wrapped = wrap(runs.iter().copied(), columns);
        if fits {
            let pad = " ".repeat(indent - width(heading) - 1);
            if let Some(first) = wrapped.first_mut() {
                first.spans.insert(0, Span::styled(format!(" {heading}{pad}"), accent));
            }
            for line in wrapped.iter_mut().skip(1) {
                line.spans.insert(0, Span::styled(" ".repeat(indent), plain));
            }
        } else {
            self.lines.extend(wrap([(heading, accent)], self.look.columns.saturating_sub(2)).into_iter().map(
                |mut line| {
                    line.spans.insert(0, Span::styled(" ", accent));
                    line
                },
            ));
            for line in &mut wrapped {
                line.spans.insert(0, Span::styled(" ".repeat(indent), plain));
            }
        }
        self.lines.append(&mut wrapped);
    }
}

pub fn lines(look: &DrawContext<'_>, panel: Panel) -> Vec<Line<'static>> {
    let keys = |row: &keymap::KeyBinding| row.keys.iter().map(|key| key.name(look.app.words()).into_owned()).collect();
    let surface = Surface { offers: &|row| look.offers(&row.action), keys: &keys, intro: Vec::new() };
    let page = page(panel, look.app, &surface);
    let mut lines = Lines::new(look, &page.title);
    for part in &page.parts {
        match part {
            Part::Gap => lines.gap(),
            Part::Entry(heading, text) => lines.entry(heading, text),
            Part::Heading(heading) => lines.heading(heading),
            Part::Marked(heading, runs) => lines.sentence(heading, runs),
            Part::Paragraph(text) => lines.paragraph(text),
            Part::Hours(heading, first, counts) => lines.hours(heading, *first, counts),
        }
    }
    lines.lines
}
