//! The lower region: the notice and the available keys, or the question at the end of a call.

use ratatui::text::{Line, Span};

use super::lines::{bounded, wrap};
use super::{Block, DrawContext, Priority, Size};
use crate::action::Action;
use crate::app::Mode;
use crate::closing::ending::Ending;
use crate::keymap;
use crate::panel::Panel;
use crate::tui::theme::Role;
use crate::wrap::{shorten, width};

pub fn blocks(look: &DrawContext<'_>) -> Vec<Block> {
    if matches!(look.app.mode(), Mode::EndPrompt | Mode::LeavePrompt) {
        return vec![Block::sentence(question(look))];
    }
    vec![notice(look), Block::line(Priority::Last, keys(look))]
}

fn notice(look: &DrawContext<'_>) -> Block {
    let Some(text) = look.app.notice() else { return Block::line(Priority::Empty, hint(look)) };
    let role = if look.app.notice_is_trouble() { Role::Trouble } else { Role::Text };
    let style = look.style(role);
    let columns = look.columns.saturating_sub(2);
    let standing = if look.app.momentary().is_none() { look.app.standing_lines() } else { Vec::new() };
    let mut lines = match &standing[..] {
        // Two troubles have a row each; the second ends with the count of the rest.
        [first, second, more @ ..] => {
            let more = if more.is_empty() { String::new() } else { format!(" (+{})", more.len()) };
            let second = format!("{}{more}", shorten(second, columns.saturating_sub(more.len())));
            [shorten(first, columns), second].map(|row| Line::from(Span::styled(row, style))).to_vec()
        }
        // Two rows are enough for file and line; `check` prints the whole text.
        _ => bounded([(text.as_str(), style)], columns, 2),
    };
    for line in &mut lines {
        line.spans.insert(0, Span::styled(" ", style));
    }
    Block::new(Priority::Notice, lines)
}

/// The hint of the first run, in the row for notices while that is empty.
fn hint(look: &DrawContext<'_>) -> Line<'static> {
    if !look.app.shows_hint() || look.foot.is_some() || *look.app.mode() != Mode::Closing {
        return Line::default();
    }
    let words = &look.app.words().screen;
    let text = [words.hint, words.hint_short].into_iter().find(|text| width(text) + 2 <= look.columns);
    text.map_or_else(Line::default, |text| Line::from(look.span(format!(" {text}"), Role::Text)))
}

/// As many keys as fit, the most important first, and always the key list.
fn keys(look: &DrawContext<'_>) -> Line<'static> {
    if let Some(foot) = look.foot {
        return line(look, foot.keys);
    }
    let words = look.app.words();
    let mut rows: Vec<_> = keymap::rows(look.app).into_iter().filter(|r| r.footer.is_some()).collect();
    rows.sort_by_key(|r| r.footer);
    let text = |row: &keymap::KeyBinding| {
        let key = row.keys.first().map(|k| k.name(words)).unwrap_or_default();
        let label = match row.action {
            Action::Said if look.size == Size::Compact && !look.app.is_complete() => words.keys.said_short,
            Action::Panel(panel) if look.size == Size::Compact && *look.app.mode() != Mode::Panel(panel) => {
                (panel.row().short)(words)
            }
            _ => row.label.as_ref(),
        };
        (key.into_owned(), label.to_owned())
    };
    let wide = |(key, label): &(String, String)| width(key) + 1 + width(label);
    let help = rows.iter().position(|r| r.action == Action::Panel(Panel::Help)).map(|at| text(&rows.remove(at)));
    let mut room = look.columns.saturating_sub(1 + help.as_ref().map_or(0, |h| wide(h) + 3));
    let mut shown = Vec::new();
    for row in &rows {
        let pair = text(row);
        let needs = wide(&pair) + if shown.is_empty() { 0 } else { 3 };
        if needs > room {
            continue;
        }
        room -= needs;
        shown.push(pair);
    }
    shown.extend(help);
    as_line(look, shown)
}

/// As many of these keys as fit, the most important first, and always the last.
pub fn line(look: &DrawContext<'_>, keys: &[(String, String)]) -> Line<'static> {
    let wide = |(key, label): &(String, String)| width(key) + 1 + width(label);
    let Some((last, keys)) = keys.split_last() else { return as_line(look, Vec::new()) };
    let (mut shown, mut room) = (Vec::new(), look.columns.saturating_sub(1 + wide(last) + 3));
    for pair in keys {
        let needs = wide(pair) + if shown.is_empty() { 0 } else { 3 };
        if needs <= room {
            room -= needs;
            shown.push(pair.clone());
        }
    }
    shown.push(last.clone());
    as_line(look, shown)
}

fn as_line(look: &DrawContext<'_>, shown: Vec<(String, String)>) -> Line<'static> {
    let mut spans = vec![look.span(" ", Role::Text)];
    for (at, (key, label)) in shown.into_iter().enumerate() {
        if at > 0 {
            spans.push(look.span("   ", Role::Text));
        }
        spans.push(look.span(key, Role::Accent));
        spans.push(look.span(format!(" {label}"), Role::Text));
    }
    Line::from(spans)
}

/// The question why the call ends or whether to quit, with a key for each answer. An answer that costs score names it.
pub fn question(look: &DrawContext<'_>) -> Vec<Line<'static>> {
    let (app, words) = (look.app, look.app.words());
    let (text, accent) = (look.style(Role::Text), look.style(Role::Accent));
    let columns = look.columns.saturating_sub(2);
    let asked = if *app.mode() == Mode::LeavePrompt { words.ending.leaving } else { words.ending.question };
    let mut lines = wrap([(asked, look.style(Role::Caution))], columns);
    let rows = keymap::rows(app);
    let answers = rows.iter().filter_map(|row| {
        let label = match row.action {
            Action::Answer(Ending::Omitted) if !app.cost().is_empty() => {
                words.ending.cost(app.cost().join(", "), words.ending.omitted)
            }
            // Ctrl-C quits too, but is not an answer.
            Action::Quit if row.footer.is_none() => return None,
            // A score may have any length.
            Action::Quit | Action::Answer(_) | Action::Back | Action::Undo => shorten(&row.label, columns * 2),
            _ => return None,
        };
        let key = row.keys.first().map(|k| k.name(words).into_owned()).unwrap_or_default();
        Some((key, label))
    });
    let mut used = usize::MAX;
    for (key, label) in answers {
        let needs = width(&key) + 1 + width(&label);
        if used.saturating_add(needs + 3) > columns {
            let mut wrapped = wrap([(key.as_str(), accent), (" ", text), (label.as_str(), text)], columns);
            used = wrapped.last().map_or(0, Line::width);
            lines.append(&mut wrapped);
        } else if let Some(last) = lines.last_mut() {
            last.spans.push(Span::styled("   ", text));
            last.spans.push(Span::styled(key, accent));
            last.spans.push(Span::styled(format!(" {label}"), text));
            used += needs + 3;
        }
    }
    for line in &mut lines {
        line.spans.insert(0, Span::styled(" ", text));
    }
    lines
}
