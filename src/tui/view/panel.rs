//! The panels: why this script (`D`), and the keys (`?`). They take the place of the steps and the complete sentence;
//! header, banner and footer stay.

use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::Look;
use super::header::{field_text, situation};
use super::wrap::{width, wrap};
use crate::app::App;
use crate::book::Origin;
use crate::keymap;
use crate::rules::diff::{Run, marked, spoken_change};
use crate::rules::ruleset::RuleSet;
use crate::rules::script::complete;
use crate::tui::theme::Role;
use crate::words::fill;

/// A panel while it is being written.
pub struct Page<'l, 'a> {
    look: &'l Look<'a>,
    lines: Vec<Line<'static>>,
}

impl<'l, 'a> Page<'l, 'a> {
    /// A page with its title.
    pub fn new(look: &'l Look<'a>, title: &str) -> Self {
        let mut page = Self { look, lines: Vec::new() };
        page.lines.push(Line::from(look.span(format!(" {title}"), Role::Sentence)));
        page
    }

    /// A blank row.
    pub fn gap(&mut self) {
        self.lines.push(Line::default());
    }

    /// A line as it stands.
    pub fn push(&mut self, line: Line<'static>) {
        self.lines.push(line);
    }

    /// A text over the full width.
    pub fn paragraph(&mut self, text: &str) {
        for mut line in wrap([(text, self.look.style(Role::Text))], self.look.columns.saturating_sub(2).clamp(1, 90)) {
            line.spans.insert(0, self.look.span(" ", Role::Text));
            self.lines.push(line);
        }
    }

    /// What was written.
    pub fn into_lines(self) -> Vec<Line<'static>> {
        self.lines
    }

    /// A heading and the text that belongs to it; nothing for an empty text.
    pub fn entry(&mut self, heading: &str, text: &str) {
        if !text.is_empty() {
            self.runs(heading, &[(text, self.look.style(Role::Text))]);
        }
    }

    /// A sentence of a revision, the words underlined that the other has otherwise.
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
        // A heading that is too long for its column stands above its text.
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

/// Why this script: the rule, its clause, the contradiction, the Keterangan of the step, the duties, the document.
pub fn basis(look: &Look<'_>) -> Vec<Line<'static>> {
    let (app, words) = (look.app, &look.app.words().basis);
    let rules = app.rules();
    let rule = app.call().plan(rules).rule;
    let mut page = Page::new(look, words.title);
    page.gap();
    changes(&mut page, app);
    if let Some(caution) = &rule.caution {
        page.entry(words.caution, caution);
        page.gap();
    }
    let place = fill(words.rule_line, &[("rule", &rule.id), ("line", &rule.line.to_string())]);
    page.entry(words.rule, &place);
    page.entry(words.clause, rule.basis.as_deref().unwrap_or_default());
    page.entry(words.why, &situation(app, |fact| rule.when.values(fact).is_some()));
    if let Some(step) = app.shown() {
        let step = rules.step(step);
        page.gap();
        let heading = fill(words.keterangan, &[("title", &step.title)]);
        let note = match (&step.basis, &step.note) {
            (Some(basis), Some(note)) => format!("{basis}: {note}"),
            (Some(text), None) | (None, Some(text)) => text.clone(),
            (None, None) => String::new(),
        };
        page.entry(&heading, &note);
        page.entry(words.score, &step.score.join(" · "));
    }
    page.gap();
    page.entry(words.requirements, &requirements(rules, app));
    page.gap();
    page.entry(words.document, &format!("{} ({})", rules.sop.title, rules.sop.revision));
    let supersedes = rules.sop.supersedes.as_deref().map(|what| fill(words.supersedes, &[("what", what)]));
    let issuer = rules.sop.issuer.as_deref().map(|who| fill(words.issuer, &[("who", who)]));
    let more: Vec<String> = issuer.into_iter().chain(supersedes).collect();
    page.entry("", &more.join(", "));
    let source = match &app.book().origin {
        Origin::BuiltIn => words.built_in.to_owned(),
        Origin::File(path) => crate::rules::text::clean(&path.display().to_string()),
        Origin::LastGood(_) => words.last_good.to_owned(),
    };
    page.entry(words.source, &source);
    page.lines
}

/// What a new revision changed for the situation on the screen.
fn changes(page: &mut Page<'_, '_>, app: &App) {
    let Some(was) = app.was() else { return };
    let words = &app.words().basis;
    let with = [("revision", was.rules.sop.revision.as_str())];
    match spoken_change(&was.rules, app.rules(), app.call().situation()) {
        None => page.entry(words.changes, &fill(words.unchanged, &with)),
        Some((before, after)) => {
            let before = spoken(app, &was.rules, &before.steps);
            let (before, after) = marked(&before, &spoken(app, app.rules(), &after.steps));
            page.lines.push(Line::from(page.look.span(format!(" {}", words.changes), Role::Accent)));
            page.sentence(&fill(words.changes_from, &with), &before);
            page.sentence(words.changes_to, &after);
        }
    }
    page.gap();
}

/// What these steps are, spoken now to this customer, under rules that may be others than the call's.
fn spoken(app: &App, rules: &RuleSet, steps: &[&str]) -> String {
    let fields = app.fields().under(app.rules(), rules);
    let steps = steps.iter().filter_map(|id| rules.step_named(id));
    complete(rules, steps, &fields, rules.greetings.word(app.local())).to_string()
}

/// The duties and prohibitions that speak of this situation.
fn requirements(rules: &RuleSet, app: &App) -> String {
    let here = rules.requirements.iter().filter(|r| r.when.contains(app.call().situation().values()));
    let told: Vec<String> = here
        .map(|r| match &r.basis {
            Some(basis) => format!("{} ({basis})", r.id),
            None => r.id.clone(),
        })
        .collect();
    told.join(" · ")
}

/// Every key and what it does, from the table that does it; and every fact as it stands.
pub fn help(look: &Look<'_>) -> Vec<Line<'static>> {
    let (app, words) = (look.app, look.app.words());
    let mut page = Page::new(look, words.help.title);
    page.gap();
    let rows: Vec<_> = keymap::all(app).into_iter().filter(|r| look.offers(&r.action)).collect();
    let mut at = 0;
    while at < rows.len() {
        let row = &rows[at];
        let mut keys: Vec<String> = row.keys.iter().map(|k| k.name(words).into_owned()).collect();
        // Neighbours that do the same the other way (↑ ↓) are one line.
        while let Some(next) = rows.get(at + 1).filter(|next| next.label == row.label) {
            keys.extend(next.keys.iter().map(|k| k.name(words).into_owned()));
            at += 1;
        }
        page.entry(&keys.join(" "), &row.label);
        at += 1;
    }
    page.gap();
    for (fact, told) in app.rules().facts.iter().enumerate() {
        let heading = if fact == 0 { words.help.facts } else { "" };
        let mut text = situation(app, |at| at == fact);
        if let Some(help) = &told.help {
            text = format!("{text} ({help})");
        }
        page.entry(heading, &text);
    }
    for (ix, field) in app.rules().fields_ix() {
        let text = field_text(app, ix);
        if !text.is_empty() {
            page.entry("", &format!("{}: {text}", field.label));
        }
    }
    page.gap();
    page.lines.push(Line::from(look.span(format!(" {}", words.help.files), Role::Text)));
    page.lines
}
