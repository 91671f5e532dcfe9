//! The middle region: the steps, the sentence to be said now, the complete sentence.

use ratatui::style::Modifier;
use ratatui::text::{Line, Span};

use super::header::rule;
use super::lines::wrap;
use super::{Block, DrawContext, Priority, Size};
use crate::action::Action;
use crate::closing::{Entry, Mark};
use crate::keymap;
use crate::rules::ruleset::StepIx;
use crate::rules::script::Sentence;
use crate::tui::theme::Role;
use crate::wrap::{NO_BREAK, shorten, width};

/// The width of the list of steps in the wide layout.
pub const COLUMN: u16 = 46;
/// The widest line of the sentence, for easy reading.
const SENTENCE: usize = 60;

/// The blocks of the region, from top to bottom.
pub fn blocks(look: &DrawContext<'_>) -> Vec<Block> {
    let app = look.app;
    let shown = app.shown();
    let entries = app.entries();
    let mut out = opening_gap(look);
    let mut large_done = false;
    for (at, entry) in entries.iter().enumerate() {
        if Some(entry.step) == shown {
            out.extend(large(look, *entry, at > 0));
            large_done = true;
            continue;
        }
        // The step after the current one is dropped last.
        let next = large_done
            && entry.mark == Mark::Upcoming
            && entries[..at].iter().all(|e| e.mark != Mark::Upcoming || Some(e.step) == shown);
        let priority = match entry.mark {
            Mark::Spoken | Mark::Overtaken => Priority::Said,
            Mark::Reminder => Priority::Reminder,
            _ if next => Priority::Next,
            _ => Priority::Ahead,
        };
        out.push(Block::line(priority, row(look, *entry, is_opening(&entries, at))));
    }
    if !large_done {
        out.push(Block::inner_gap());
        out.push(Block::sentence(finished(look)));
        out.push(Block::inner_gap());
    }
    out
}

/// The blank row above the region. The caution line replaces it, so that nothing moves.
fn opening_gap(look: &DrawContext<'_>) -> Vec<Block> {
    let app = look.app;
    let has_caution = app.call().caution(app.rules()).is_some();
    if has_caution { Vec::new() } else { vec![Block::gap()] }
}

/// Whether a reminder comes before the first spoken step.
fn is_opening(entries: &[Entry], at: usize) -> bool {
    entries[..at].iter().all(|e| e.mark == Mark::Reminder)
}

fn indent(look: &DrawContext<'_>) -> usize {
    match look.size {
        Size::Tiny => 0,
        Size::Compact => 3,
        Size::Normal | Size::Wide => 6,
    }
}

/// The step that is shown large, with its title and sentence.
fn large(look: &DrawContext<'_>, entry: Entry, below_others: bool) -> Vec<Block> {
    let mut out = Vec::with_capacity(5);
    if below_others {
        out.push(Block::inner_gap());
    }
    out.push(Block::line(Priority::Last, row(look, entry, false)));
    out.push(Block::inner_gap());
    out.push(Block::sentence(words_of(look, entry.step)));
    out.push(Block::inner_gap());
    out
}

/// The sentence or reminder of a step, wrapped and indented. Only the current sentence is bright.
fn words_of(look: &DrawContext<'_>, step: StepIx) -> Vec<Line<'static>> {
    let role = if look.app.is_previewing() { Role::Text } else { Role::Sentence };
    let columns = look.columns.saturating_sub(indent(look) + 2).clamp(1, SENTENCE);
    let lines = match look.app.sentence(step) {
        Some(sentence) => spoken(look, &sentence, role, columns),
        None => wrap([(look.app.reminder(step).unwrap_or_default(), look.style(Role::Text))], columns),
    };
    indented(look, lines)
}

fn indented(look: &DrawContext<'_>, mut lines: Vec<Line<'static>>) -> Vec<Line<'static>> {
    let blank = " ".repeat(indent(look));
    for line in &mut lines {
        line.spans.insert(0, look.span(blank.clone(), Role::Text));
    }
    lines
}

/// A wrapped sentence with its filled-in words underlined.
fn spoken(look: &DrawContext<'_>, sentence: &Sentence, role: Role, columns: usize) -> Vec<Line<'static>> {
    let fixed = look.style(role);
    let runs = sentence.segments().iter().map(|s| {
        let style = if s.filled { fixed.add_modifier(Modifier::UNDERLINED) } else { fixed };
        // No line break between honorific and name.
        (if s.no_break { NO_BREAK } else { &s.text }, style)
    });
    wrap(runs, columns)
}

/// The text that replaces the sentence when all is said.
fn finished(look: &DrawContext<'_>) -> Vec<Line<'static>> {
    let words = look.app.words();
    let columns = look.columns.saturating_sub(indent(look) + 2).clamp(1, SENTENCE);
    let text = if look.app.call().spoken().is_empty() {
        words.screen.nothing_spoken.into()
    } else if look.foot.is_some() {
        // In practice and presentation Space does not begin the next call.
        words.screen.all_said.into()
    } else {
        {
            let key = keymap::key_of(look.app, &Action::Said).map(|key| key.name(words)).unwrap_or_default();
            words.screen.all_said_next(&key)
        }
    };
    indented(look, wrap([(text.as_str(), look.style(Role::Sentence))], columns))
}

/// A step in one row: mark, title, cost of leaving it out, clause.
fn row(look: &DrawContext<'_>, entry: Entry, opening: bool) -> Line<'static> {
    let (app, words) = (look.app, &look.app.words().screen);
    let step = app.rules().step(entry.step);
    let (mark, role) = match entry.mark {
        Mark::Spoken if app.is_previewing() && app.shown() == Some(entry.step) => ("»√ ", Role::Said),
        _ if app.is_previewing() && app.shown() == Some(entry.step) => (" » ", Role::Accent),
        Mark::Spoken => (" √ ", Role::Said),
        Mark::Current => (" ► ", Role::Accent),
        Mark::Overtaken => (" – ", Role::Text),
        Mark::Upcoming | Mark::Reminder => ("   ", Role::Text),
    };
    let title = match entry.mark {
        Mark::Reminder if opening => {
            let mut chars = step.title.chars();
            let lower: String = chars.next().into_iter().flat_map(char::to_lowercase).chain(chars).collect();
            words.before_closing(&lower)
        }
        Mark::Reminder => words.remember(&step.title),
        Mark::Upcoming if look.size == Size::Compact && app.shown() != Some(entry.step) => words.next(&step.title),
        _ => step.title.clone(),
    };
    let mut basis = match (&step.basis, entry.mark) {
        (Some(basis), Mark::Spoken | Mark::Current | Mark::Upcoming | Mark::Overtaken) => {
            shorten(basis, look.columns / 3)
        }
        _ => String::new(),
    };
    let title_role = if entry.mark == Mark::Overtaken { Role::Text } else { Role::Title };
    let mut left = vec![look.span(mark, role), look.span(title, title_role)];
    let open = matches!(entry.mark, Mark::Current | Mark::Upcoming);
    if open && !step.score.is_empty() {
        let scored = words.scored(step.score.join(" · "));
        let used: usize = left.iter().map(|s| width(&s.content)).sum();
        let fits = |basis: &str| used + 3 + width(&scored) + 2 + width(basis) < look.columns;
        // A number such as "2.a" is clear without the word before it, if that makes room for the cost.
        let number = basis.rsplit_once(' ').map(|(_, number)| number);
        let short = number.filter(|number| number.contains('.') && fits(number)).map(str::to_owned);
        if let (false, Some(short)) = (fits(&basis), short) {
            basis = short;
        }
        if fits(&basis) {
            left.push(look.span(format!("   {scored}"), Role::Text));
        }
    }
    if entry.mark == Mark::Overtaken {
        left.push(look.span(format!("   {}", words.overtaken), Role::Text));
    }
    look.two_ends(left, vec![look.span(basis, Role::Text)])
}

/// The list of steps in the wide layout.
pub fn list(look: &DrawContext<'_>) -> Vec<Block> {
    let entries = look.app.entries();
    let mut out = opening_gap(look);
    for (at, entry) in entries.iter().enumerate() {
        let priority = if entry.mark == Mark::Current { Priority::Last } else { Priority::Ahead };
        out.push(Block::line(priority, row(look, *entry, is_opening(&entries, at))));
        out.push(Block::gap());
    }
    out
}

/// The sentence beside the list in the wide layout.
pub fn beside(look: &DrawContext<'_>) -> Vec<Block> {
    let app = look.app;
    let Some(step) = app.shown() else {
        return vec![Block::gap(), Block::gap(), Block::gap(), Block::sentence(finished(look))];
    };
    let (rules, words) = (app.rules(), &app.words().screen);
    let mut out = opening_gap(look);
    let title = rules.step(step).title.clone();
    out.push(Block::line(Priority::Last, Line::from(look.span(format!("   {title}"), Role::Title))));
    out.push(Block::inner_gap());
    out.push(Block::sentence(words_of(look, step)));
    let scored = &rules.step(step).score;
    if !scored.is_empty() {
        let text = words.scored(scored.join(" · "));
        out.push(Block::inner_gap());
        let text = shorten(&text, look.columns.saturating_sub(indent(look) + 1));
        out.push(Block::line(Priority::Next, Line::from(look.span(format!("      {text}"), Role::Text))));
    }
    out
}

/// Only the sentence, for the smallest windows.
pub fn alone(look: &DrawContext<'_>) -> Vec<Line<'static>> {
    match look.app.shown() {
        Some(step) => words_of(&DrawContext { columns: look.columns + 2, ..*look }, step),
        None => finished(&DrawContext { columns: look.columns + 2, ..*look }),
    }
}

/// The complete sentence: what was said and what remains.
pub fn complete(look: &DrawContext<'_>) -> Vec<Block> {
    if look.size == Size::Compact {
        return Vec::new();
    }
    let sentence = look.app.complete_sentence();
    let title = Line::from(look.span(format!(" {}", look.app.words().screen.complete), Role::Text));
    let mut lines = vec![rule(look), title];
    for mut line in spoken(look, &sentence, Role::Text, look.columns.saturating_sub(2)) {
        line.spans.insert(0, Span::raw(" "));
        lines.push(line);
    }
    // Padded to the rows of the usual closings, so that a shorter one does not move everything above it.
    let usual = if look.columns < 100 { 4 } else { 3 };
    let blank = usize::saturating_sub(usual + 2, lines.len());
    let mut out = vec![Block::new(Priority::Complete, lines)];
    out.extend((0..=blank).map(|_| Block::gap()));
    out
}
