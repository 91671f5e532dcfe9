//! Draws the pages of the panels. They replace the script; header, banner and footer stay.

use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::DrawContext;
use super::lines::{line_width, wrap};
use crate::action::Action;
use crate::cli::report::text::columns;
use crate::keymap;
use crate::pages::{KeyGroup, Page, Part, Surface, basis, page};
use crate::panel::Panel;
use crate::rules::diff::Run;
use crate::tui::theme::Role;
use crate::wrap::{shorten, width};

/// The rows of the chart of hours.
const CHART_HEIGHT: usize = 2;

/// From this many columns on the key list has two columns.
const TWO_COLUMNS: usize = 72;

/// A part of a page that is cut keeps at least this many rows.
const LEAST_OF_PART: usize = 3;

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
        self.lines.push(Line::from(self.look.span(format!(" {text}"), Role::Muted)));
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

    /// Groups of keys, in two columns where both are wide enough.
    fn keys(&mut self, groups: &[KeyGroup]) {
        let key = groups.iter().flat_map(|group| &group.keys).map(|(key, _)| width(key)).max().unwrap_or(0);
        let columns = if self.look.columns >= TWO_COLUMNS { (self.look.columns - 1) / 2 } else { self.look.columns };
        let mut blocks: Vec<Vec<Line<'static>>> =
            groups.iter().map(|group| self.key_group(group, key, columns)).collect();
        if self.look.columns < TWO_COLUMNS {
            for (at, block) in blocks.into_iter().enumerate() {
                if at > 0 {
                    self.gap();
                }
                self.lines.extend(block);
            }
            return;
        }
        // The first groups at the left, so many that the two columns are about as high.
        let total: usize = blocks.iter().map(|block| block.len() + 1).sum();
        let mut high = 0;
        let at_left = blocks.iter().take_while(|block| {
            let fits = high == 0 || high + block.len() / 2 < total.div_ceil(2);
            high += block.len() + 1;
            fits
        });
        let count = at_left.count();
        let right = blocks.split_off(count);
        let [left, right] = [blocks, right].map(|blocks| blocks.join(&Line::default()));
        for at in 0..left.len().max(right.len()) {
            let mut line = left.get(at).cloned().unwrap_or_default();
            if let Some(right) = right.get(at) {
                let pad = columns.saturating_sub(line_width(&line));
                line.spans.push(self.look.span(" ".repeat(pad), Role::Text));
                line.spans.extend(right.spans.iter().cloned());
            }
            self.lines.push(line);
        }
    }

    fn key_group(&self, group: &KeyGroup, key: usize, columns: usize) -> Vec<Line<'static>> {
        let look = self.look;
        let mut out = vec![Line::from(look.span(format!(" {}", group.heading), Role::Muted))];
        for (names, label) in &group.keys {
            let room = columns.saturating_sub(key + 4).max(1);
            for (at, mut line) in wrap([(label.as_str(), look.style(Role::Text))], room).into_iter().enumerate() {
                let pad = " ".repeat(key + 2 - if at == 0 { width(names) } else { 0 });
                line.spans.insert(0, look.span(pad, Role::Text));
                if at == 0 {
                    line.spans.insert(0, look.span(names.clone(), Role::Cap));
                }
                line.spans.insert(0, look.span(" ", Role::Text));
                out.push(line);
            }
        }
        out
    }

    /// A bar and a count for each label.
    fn bars(&mut self, bars: &[(String, u64)], of: u64) {
        let look = self.look;
        let most = bars.iter().map(|(_, count)| *count).max().unwrap_or(1).max(of).max(1);
        let label_columns = bars.iter().map(|(label, _)| width(label)).max().unwrap_or(0).min(look.columns / 2);
        let room = u64::try_from(look.columns.saturating_sub(label_columns + 14).min(40)).unwrap_or(0);
        for (label, count) in bars {
            let label = shorten(label, label_columns);
            let pad = " ".repeat(label_columns - width(&label) + 2);
            // At least one cell for something that happened.
            let cells = if *count == 0 { 0 } else { (count * room / most).max(1) };
            let bar = "█".repeat(usize::try_from(cells).unwrap_or(0));
            self.lines.push(Line::from(vec![
                look.span(format!("   {label}{pad}"), Role::Text),
                look.span(bar, Role::Muted),
                look.span(format!(" {count}"), Role::Text),
            ]));
        }
    }

    pub fn paragraph(&mut self, text: &str) {
        for mut line in wrap([(text, self.look.style(Role::Text))], self.look.columns.saturating_sub(2).clamp(1, 90)) {
            line.spans.insert(0, self.look.span(" ", Role::Text));
            self.lines.push(line);
        }
    }

    fn part(&mut self, part: &Part) {
        match part {
            Part::Gap => self.gap(),
            Part::Entry(heading, text) => self.entry(heading, text),
            Part::Heading(heading) => self.heading(heading),
            Part::Marked(heading, runs) => self.sentence(heading, runs),
            Part::Paragraph(text) => self.paragraph(text),
            Part::Hours(heading, first, counts) => self.hours(heading, *first, counts),
            Part::Keys(groups) => self.keys(groups),
            Part::Bars(bars, of) => self.bars(bars, *of),
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
        let (muted, plain) = (self.look.style(Role::Muted), self.look.style(Role::Text));
        let beside = match self.look.columns {
            72.. => 18,
            56.. => 15,
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
                first.spans.insert(0, Span::styled(format!(" {heading}{pad}"), muted));
            }
            for line in wrapped.iter_mut().skip(1) {
                line.spans.insert(0, Span::styled(" ".repeat(indent), plain));
            }
        } else {
            self.lines.extend(wrap([(heading, muted)], self.look.columns.saturating_sub(2)).into_iter().map(
                |mut line| {
                    line.spans.insert(0, Span::styled(" ", muted));
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
    let own = look.foot.and_then(|foot| foot.own).cloned();
    let surface = Surface { offers: &|row| look.offers(&row.action), keys: &keys, intro: Vec::new(), own };
    render(look, &page(panel, look.app, &surface))
}

fn render(look: &DrawContext<'_>, page: &Page) -> Vec<Line<'static>> {
    let mut lines = Lines::new(look, &page.title);
    page.parts.iter().for_each(|part| lines.part(part));
    lines.lines
}

/// The reasons beside the script: as much as fits, then the key of the panel that has the rest.
pub fn reasons(look: &DrawContext<'_>, rows: usize) -> Vec<Line<'static>> {
    let page = basis::reasons(look.app);
    let mut lines = Lines::new(look, &page.title);
    // Only the sentence is bold.
    lines.lines = vec![Line::from(look.span(format!(" {}", page.title), Role::Text))];
    let mut ends = vec![lines.lines.len()];
    for part in &page.parts {
        lines.part(part);
        let end = lines.lines.len();
        if end <= rows {
            ends.push(end);
            continue;
        }
        // The row below is for the key. A part that is cut keeps a few rows; a heading alone says nothing.
        let cut = rows.saturating_sub(1);
        let whole = ends.iter().rfind(|end| **end <= cut).copied().unwrap_or(0);
        lines.lines.truncate(if cut >= whole + LEAST_OF_PART { cut } else { whole });
        let key = keymap::key_of(look.app, &Action::Panel(Panel::Basis)).map(|key| key.name(look.app.words()));
        lines.push(Line::from(vec![
            look.span(" ", Role::Text),
            look.span(key.unwrap_or_default(), Role::Cap),
            look.span(format!(" {}", look.app.words().screen.in_full), Role::Text),
        ]));
        break;
    }
    lines.lines
}
