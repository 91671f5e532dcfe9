//! The lower region: the notice and the available keys, or the question at the end of a call.

use ratatui::text::{Line, Span};

use super::header::filled;
use super::lines::wrap;
use super::{Block, DrawContext, Priority, Size};
use crate::action::Action;
use crate::app::Mode;
use crate::closing::ending::Ending;
use crate::keymap;
use crate::panel::Panel;
use crate::tui::theme::Role;
use crate::wrap::{shorten, width};

/// From this many rows on the line of a complete closing has a row of its own.
const OWN_ROW_FROM: usize = 22;
/// The columns between two keys.
const BETWEEN: &str = "  ";

pub fn blocks(look: &DrawContext<'_>) -> Vec<Block> {
    if matches!(look.app.mode(), Mode::EndPrompt | Mode::LeavePrompt) {
        let notice = look.app.momentary().and_then(|_| notice(look));
        let notice = notice.map(|line| Block::line(Priority::Notice, line));
        return notice.into_iter().chain([Block::sentence(question(look))]).collect();
    }
    let mut out = Vec::new();
    let complete = completion(look).filter(|_| *look.app.mode() == Mode::Closing);
    let complete = complete.map(|text| {
        let is_whole = width(&text) + 3 <= look.columns;
        let text =
            if is_whole { text } else { shorten(look.app.words().screen.all_said, look.columns.saturating_sub(3)) };
        Line::from(vec![look.span(" ", Role::Text), filled(look, &text, Role::Done)])
    });
    // The key list has the notices in full.
    let notice = notice(look).filter(|_| *look.app.mode() != Mode::Panel(Panel::Help));
    match (complete, notice) {
        (Some(line), None) if look.rows < OWN_ROW_FROM => out.push(Block::line(Priority::Notice, line)),
        (complete, notice) => {
            match complete {
                Some(line) => out.push(Block::line(Priority::Notice, line)),
                None if look.rows >= OWN_ROW_FROM => out.push(Block::gap()),
                None => {}
            }
            let hint = || Block::line(Priority::Empty, hint(look));
            out.push(notice.map_or_else(hint, |line| Block::line(Priority::Notice, line)));
        }
    }
    out.push(Block::line(Priority::Last, keys(look)));
    out
}

/// That everything is said, once it is.
pub fn completion(look: &DrawContext<'_>) -> Option<String> {
    let (app, words) = (look.app, look.app.words());
    if !app.is_complete() {
        return None;
    }
    Some(if app.call().spoken().is_empty() {
        words.screen.nothing_spoken.into()
    } else if look.foot.is_some() {
        // In practice and presentation Space does not begin the next call.
        words.screen.all_said.into()
    } else {
        let key = keymap::key_of(app, &Action::Said).map(|key| key.name(words)).unwrap_or_default();
        words.screen.all_said_next(&key)
    })
}

/// The notice in its one row; what does not fit is in the key list.
fn notice(look: &DrawContext<'_>) -> Option<Line<'static>> {
    let app = look.app;
    let lines = app.momentary().map_or_else(|| app.standing_lines(), |text| vec![text.to_owned()]);
    let (text, more) = (lines.first()?, lines.len() - 1);
    let mark = if app.notice_is_trouble() { vec![look.span(" ! ", Role::Badge)] } else { Vec::new() };
    let used = 1 + mark.len() * 4;
    let room = look.columns.saturating_sub(used + 1);
    let key = keymap::key_of(app, &Action::Panel(Panel::Help))
        .filter(|_| look.offers(&Action::Panel(Panel::Help)) && *app.mode() == Mode::Closing);
    let rest = key.filter(|_| more > 0 || width(text) > room).map(|key| {
        let count = if more > 0 { format!(" (+{more})") } else { String::new() };
        (count, look.span(key.name(app.words()), Role::Cap), format!(" {}", app.words().screen.in_full))
    });
    let mut spans = vec![look.span(" ", Role::Text)];
    spans.extend(mark);
    if used > 1 {
        spans.push(look.span(" ", Role::Text));
    }
    match rest {
        Some((count, cap, label)) => {
            let label = if look.columns < 100 { String::new() } else { label };
            let room = room.saturating_sub(width(&count) + 2 + width(&cap.content) + width(&label));
            spans.push(look.span(shorten(text, room) + &count, Role::Text));
            spans.push(look.span("  ", Role::Text));
            spans.push(cap);
            spans.push(look.span(label, Role::Text));
        }
        None => spans.push(look.span(shorten(text, room), Role::Text)),
    }
    Some(Line::from(spans))
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
    let is_narrow = look.columns < 72;
    let mut rows: Vec<_> = keymap::rows(look.app).into_iter().filter(|r| r.footer.is_some()).collect();
    rows.sort_by_key(|r| r.footer);
    let text = |row: &keymap::KeyBinding| {
        let key = row.keys.first().map(|k| k.name(words)).unwrap_or_default();
        let label = match row.action {
            Action::Said if is_narrow && !look.app.is_complete() && !look.app.is_previewing() => words.keys.said_short,
            Action::SaidAll => words.keys.said_all_short,
            Action::Zone => words.keys.zone_short,
            Action::Panel(panel) if is_narrow && *look.app.mode() != Mode::Panel(panel) => (panel.row().short)(words),
            _ => row.label.as_ref(),
        };
        (key.into_owned(), label.to_owned())
    };
    // The zone has its key beside it where all zones are shown.
    rows.retain(|row| row.action != Action::Zone || look.size == Size::Compact);
    let help = rows.iter().position(|r| r.action == Action::Panel(Panel::Help)).map(|at| rows.remove(at));
    let pairs: Vec<_> = rows.iter().chain(&help).map(text).collect();
    if help.is_some() { line(look, &pairs) } else { as_line(look, fitting(look, &pairs, 0)) }
}

/// As many of these keys as fit, the most important first, and always the last.
pub fn line(look: &DrawContext<'_>, keys: &[(String, String)]) -> Line<'static> {
    let Some((last, keys)) = keys.split_last() else { return Line::default() };
    let mut shown = fitting(look, keys, pair_width(last) + width(BETWEEN));
    shown.push(last.clone());
    as_line(look, shown)
}

fn pair_width((key, label): &(String, String)) -> usize {
    width(key) + 1 + width(label)
}

/// The keys that fit into a row with this many columns left free.
fn fitting(look: &DrawContext<'_>, keys: &[(String, String)], free: usize) -> Vec<(String, String)> {
    let (mut shown, mut room) = (Vec::new(), look.columns.saturating_sub(1 + free));
    for pair in keys {
        let needs = pair_width(pair) + if shown.is_empty() { 0 } else { width(BETWEEN) };
        if needs <= room {
            room -= needs;
            shown.push(pair.clone());
        }
    }
    shown
}

fn as_line(look: &DrawContext<'_>, shown: Vec<(String, String)>) -> Line<'static> {
    let mut spans = vec![look.span(" ", Role::Text)];
    for (at, (key, label)) in shown.into_iter().enumerate() {
        if at > 0 {
            spans.push(look.span(BETWEEN, Role::Text));
        }
        spans.push(look.span(key, Role::Cap));
        spans.push(look.span(format!(" {label}"), Role::Text));
    }
    Line::from(spans)
}

/// The question why the call ends or whether to quit, with a key for each answer. An answer that costs score names it.
pub fn question(look: &DrawContext<'_>) -> Vec<Line<'static>> {
    let (app, words) = (look.app, look.app.words());
    let (text, cap) = (look.style(Role::Text), look.style(Role::Cap));
    let columns = look.columns.saturating_sub(2);
    let asked = if *app.mode() == Mode::LeavePrompt { words.ending.leaving } else { words.ending.question };
    let mut lines = wrap([(asked, look.style(Role::Badge))], columns);
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
            let mut wrapped = wrap([(key.as_str(), cap), (" ", text), (label.as_str(), text)], columns);
            used = wrapped.last().map_or(0, Line::width);
            lines.append(&mut wrapped);
        } else if let Some(last) = lines.last_mut() {
            last.spans.push(Span::styled("   ", text));
            last.spans.push(Span::styled(key, cap));
            last.spans.push(Span::styled(format!(" {label}"), text));
            used += needs + 3;
        }
    }
    for line in &mut lines {
        line.spans.insert(0, Span::styled(" ", text));
    }
    lines
}
