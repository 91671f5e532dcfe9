//! The upper region: the revision and the clock, the facts, the fields, the banner of an emergency, the SOP's
//! contradiction.

use ratatui::style::Modifier;
use ratatui::text::{Line, Span};

use super::lines::{bounded, line_width, wrap};
use super::{Block, DrawContext, Priority, Size};
use crate::action::Action;
use crate::app::{Mode, StillForm};
use crate::keymap::{self, Key};
use crate::message::Link;
use crate::panel::Panel;
use crate::rules::ruleset::{Fact, FieldKind, Value};
use crate::tui::theme::Role;
use crate::wrap::{shorten, shorten_front, width};

/// The most rows of facts; the rest is counted here and listed in the key list.
const FACT_ROWS: usize = 3;
/// The most rows of fields.
const FIELD_ROWS: usize = 3;
/// The most rows of one fact's banner.
const BANNER_ROWS: usize = 3;

pub fn blocks(look: &DrawContext<'_>) -> Vec<Block> {
    let mut out = vec![Block::line(Priority::Title, title(look))];
    out.extend(facts(look).into_iter().map(|line| Block::line(Priority::Facts, line)));
    out.extend(fields(look));
    out.extend(banner(look).into_iter().map(|lines| Block::new(Priority::Alarm, lines)));
    out.push(Block::line(Priority::Line, rule(look)));
    if let Some(caution) = caution(look) {
        out.push(Block::line(Priority::Last, caution));
    }
    out
}

/// A horizontal line over the full width.
pub fn rule(look: &DrawContext<'_>) -> Line<'static> {
    Line::from(look.span("─".repeat(look.columns), Role::Line))
}

fn title(look: &DrawContext<'_>) -> Line<'static> {
    let (app, words) = (look.app, &look.app.words().screen);
    let zone = &app.rules().zones[app.call().zone()].id;
    let time = app.clock_text(app.local());
    let short = format!("{time} {zone}");
    let long = words.clock(&time, zone);
    let sop = words.sop(&app.rules().sop.revision);
    let left = vec![
        look.span(format!(" {}", words.title), Role::Title),
        look.span(" · ", Role::Line),
        look.span(sop, Role::Text),
    ];
    // A narrow header shows the telephone only if it is disconnected.
    let link = app.link().filter(|link| look.size != Size::Compact || *link == Link::Down).map(|link| {
        let phone = &app.words().phone;
        match link {
            Link::Up => (phone.link_up, Role::Text),
            Link::Down => (phone.link_down, Role::Trouble),
        }
    });
    let Some([sentence, timed, word]) = app.centre_link_text() else {
        let clock = if look.size == Size::Compact { short } else { long };
        return look.two_ends(left, beside(look, link, None, &clock));
    };
    // The trouble gets as much room as there is: first the clock is shortened, then the text of the centre, then the
    // title, and then the telephone is dropped.
    let roomy =
        [(&sentence, &long), (&sentence, &short)].map(|(centre, clock)| beside(look, link, Some(centre), clock));
    let tight = [(link, &timed), (None, &timed), (None, &word)];
    let tight = tight.map(|(link, centre)| beside(look, link, Some(centre), &short));
    let wide = |spans: &[Span<'static>]| spans.iter().map(|s| width(&s.content)).sum::<usize>() + 2;
    let whole = look.columns.saturating_sub(wide(&left) - 2);
    let fits = roomy.into_iter().filter(|right| look.size != Size::Compact && wide(right) <= whole);
    let right = fits.chain(tight).find(|right| wide(right) <= look.columns);
    let right = right.unwrap_or_else(|| beside(look, None, None, &short));
    look.two_ends(left, right)
}

/// The right end of the title: the state of telephone and centre, if there is one to show, and the clock.
fn beside(
    look: &DrawContext<'_>,
    phone: Option<(&str, Role)>,
    centre: Option<&String>,
    clock: &str,
) -> Vec<Span<'static>> {
    let mut out = Vec::with_capacity(5);
    let centre = centre.map(|text| (text.as_str(), Role::Trouble));
    for (text, role) in phone.into_iter().chain(centre) {
        out.push(look.span(text, role));
        out.push(look.span(" · ", Role::Line));
    }
    out.push(look.span(clock, Role::Text));
    out
}

/// A fact's value for narrow windows: the short label of the rules file, or the shortened label.
pub fn short(value: &Value) -> String {
    value.short.clone().unwrap_or_else(|| shorten(&value.label, LONGEST_SHORT))
}

/// The most columns of a shortened label.
const LONGEST_SHORT: usize = 12;

fn upper(key: Option<char>) -> String {
    key.map(|k| k.to_ascii_uppercase().to_string()).unwrap_or_default()
}

/// Chips side by side in at most `rows` rows; those that don't fit are counted.
fn flow(look: &DrawContext<'_>, chips: Vec<Vec<Span<'static>>>, between: &str, rows: usize) -> Vec<Line<'static>> {
    let total = chips.len();
    let counted = |left: usize| {
        let count = look.app.words().screen.more_facts(left);
        look.span(format!("{between}{count}"), Role::Accent)
    };
    let mut lines: Vec<Vec<Span<'static>>> = vec![vec![look.span(" ", Role::Text)]];
    let mut used = 1;
    for (at, mut chip) in chips.into_iter().enumerate() {
        // The last row needs room for the count of the rest.
        let reserve = |row: usize| if row == rows && at + 1 < total { width(&counted(total).content) } else { 0 };
        let wide: usize = chip.iter().map(|s| width(&s.content)).sum();
        let (first, gap) = (used <= 1, width(between));
        if !first && used + gap + wide + reserve(lines.len()) > look.columns {
            if lines.len() == rows {
                lines[rows - 1].push(counted(total - at));
                break;
            }
            lines.push(vec![look.span(" ", Role::Text)]);
            used = 1;
        } else if !first {
            chip.insert(0, look.span(between, Role::Line));
        }
        let mut room = look.columns.saturating_sub(used + reserve(lines.len()));
        for span in &mut chip {
            span.content = shorten(&span.content, room).into();
            let wide = width(&span.content);
            (room, used) = (room - wide, used + wide);
        }
        if let Some(last) = lines.last_mut() {
            last.extend(chip);
        }
    }
    lines.into_iter().map(Line::from).collect()
}

fn facts(look: &DrawContext<'_>) -> Vec<Line<'static>> {
    let app = look.app;
    if app.rules().facts.is_empty() {
        return Vec::new();
    }
    let chip = |(at, fact): (usize, &Fact)| {
        let position = app.call().situation().value(at);
        let value = &fact.values[position];
        let role = if position == 0 { Role::Text } else { Role::Set };
        let key = upper(fact.key);
        if look.size == Size::Compact {
            let name = if key.is_empty() { fact.label.clone() } else { key };
            return vec![look.span(format!("{name} "), Role::Accent), look.span(short(value), role)];
        }
        let mut spans = Vec::with_capacity(3);
        if !key.is_empty() {
            spans.push(look.span(format!("[{key}] "), Role::Accent));
        }
        spans.push(look.span(format!("{}: ", fact.label), Role::Text));
        spans.push(look.span(value.label.clone(), role));
        spans
    };
    let chips = app.rules().facts.iter().enumerate().map(chip).collect();
    let between = if look.size == Size::Compact { " · " } else { "   " };
    flow(look, chips, between, FACT_ROWS)
}

fn fields(look: &DrawContext<'_>) -> Vec<Block> {
    if let Mode::Typing(_) = look.app.mode() {
        return vec![typing(look)];
    }
    let between = if look.size == Size::Compact { " · " } else { "   " };
    let mut lines = flow(look, chips(look), between, FIELD_ROWS);
    let Some((long, short)) = soon(look) else { return vec![Block::new(Priority::Fields, lines)] };
    // Beside the fields if there is room, else in a row of its own.
    let room = |line: &Line<'_>| look.columns.saturating_sub(line_width(line) + 4);
    let beside = [&long, &short].into_iter().find_map(|text| {
        let at = lines.iter().position(|line| width(text) <= room(line))?;
        Some((at, text.clone()))
    });
    let warning = |text: String| vec![look.span(text, Role::Caution)];
    if let Some((at, text)) = beside {
        let line = std::mem::take(&mut lines[at]);
        lines[at] = look.two_ends(line.spans, warning(text));
        return vec![Block::new(Priority::Fields, lines)];
    }
    let text = if width(&long) + 2 > look.columns { short } else { long };
    let own = look.two_ends(Vec::new(), warning(shorten(&text, look.columns.saturating_sub(2))));
    vec![Block::new(Priority::Fields, lines), Block::line(Priority::Next, own)]
}

/// A text from the telephone with the mark that the CSO has to confirm it. A long text is shortened, not the mark.
fn unsure(look: &DrawContext<'_>, text: &Span<'static>) -> (Span<'static>, Option<Span<'static>>) {
    let phone = &look.app.words().phone;
    let mark = format!(" ({})", if look.size == Size::Compact { phone.unsure_short } else { phone.unsure });
    let room = look.columns.saturating_sub(width(&mark) + 12);
    let text = Span::styled(shorten(&text.content, room), text.style);
    (text, Some(look.span(mark, Role::Caution)))
}

fn chips(look: &DrawContext<'_>) -> Vec<Vec<Span<'static>>> {
    let app = look.app;
    let (rules, fields) = (app.rules(), app.fields());
    let key_span = |key: Option<char>| {
        let key = upper(key);
        let text = match (key.is_empty(), look.size) {
            (true, _) => String::new(),
            (_, Size::Compact) => format!("{key} "),
            _ => format!("[{key}] "),
        };
        look.span(text, Role::Accent)
    };
    let mut chips: Vec<(bool, Vec<Span<'static>>)> = rules
        .fields_ix()
        .map(|(ix, field)| {
            let spoken = fields.spoken(rules, ix);
            let (is_name, is_honorific) = (rules.roles.name == Some(ix), rules.roles.honorific == Some(ix));
            let named = field.key.is_none() || !(is_name || is_honorific);
            let label = if named { format!("{}: ", field.label) } else { String::new() };
            let text = if spoken.is_empty() {
                let missing = app.words().screen.name_missing;
                look.span(if is_name { missing } else { "?" }, Role::Text)
            } else {
                look.span(spoken, Role::Text)
            };
            let (text, mark) = if app.is_unsure(ix) { unsure(look, &text) } else { (text, None) };
            let typed = matches!(field.kind, FieldKind::Typed { .. });
            (typed, [key_span(field.key), look.span(label, Role::Text), text].into_iter().chain(mark).collect())
        })
        .collect();
    // A narrow window shows the zone only beside the clock.
    if look.size != Size::Compact {
        let zone = rules.zones[app.call().zone()].id.clone();
        let zone_key = match keymap::key_of(app, &Action::Zone) {
            Some(Key::Char(key)) => Some(key),
            _ => None,
        };
        chips.push((false, vec![key_span(zone_key), look.span(zone, Role::Text)]));
    }
    // Choices first, so that a long name gets a row of its own.
    let wide: usize = chips.iter().flat_map(|(_, spans)| spans).map(|s| width(&s.content)).sum();
    if wide + chips.len() * 3 > look.columns {
        chips.sort_by_key(|(typed, _)| *typed);
    }
    chips.into_iter().map(|(_, spans)| spans).collect()
}

/// The open field over the full width, with the cursor.
pub fn typing(look: &DrawContext<'_>) -> Block {
    let Mode::Typing(draft) = look.app.mode() else { return Block::gap() };
    let field = look.app.rules().field(draft.field);
    let key = upper(field.key);
    let label = match (key.is_empty(), look.size) {
        (true, _) => format!(" {}: ", field.label),
        (_, Size::Tiny | Size::Compact) => format!(" {key} "),
        _ => format!(" [{key}] {}: ", field.label),
    };
    // A long label leaves half of the row for the text.
    let label = shorten(&label, look.columns / 2);
    let room = look.columns.saturating_sub(width(&label) + 1);
    let before = shorten_front(draft.before_cursor(), room);
    let behind = &draft.text()[draft.before_cursor().len()..];
    let behind = shorten(behind, room - width(&before).min(room));
    let cursor = width(&label) + width(&before);
    let text = look.style(Role::Text).add_modifier(Modifier::UNDERLINED);
    // Selected text, which the first letter replaces, is shown reversed.
    let text = if draft.is_selected() { text.add_modifier(Modifier::REVERSED) } else { text };
    let hint = if draft.pasted { look.app.words().screen.pasted_in } else { look.app.words().screen.name_typing };
    let left = vec![look.span(label, Role::Accent), Span::styled(before, text), Span::styled(behind, text)];
    let used: usize = left.iter().map(|s| width(&s.content)).sum();
    let hint = if used + 4 + width(hint) < look.columns { vec![look.span(hint, Role::Text)] } else { Vec::new() };
    Block { lines: vec![look.two_ends(left, hint)], priority: Some(Priority::Last), least: 0, cursor: Some(cursor) }
}

/// The next greeting, and this seat's if it differs, as a long and a short text.
fn soon(look: &DrawContext<'_>) -> Option<(String, String)> {
    let (app, words) = (look.app, &look.app.words().screen);
    let mut texts: Vec<(String, String)> = Vec::new();
    if let Some((minutes, word)) = app.greeting_soon() {
        texts.push((words.greeting_soon(minutes, word), words.greeting_soon_short(minutes, word)));
    }
    if let Some((zone, time, word)) = app.other_greeting() {
        let time = app.clock_text(time);
        texts.push((words.two_zones(&time, word, zone), words.two_zones_short(word, zone)));
    }
    if texts.is_empty() {
        return None;
    }
    let (long, short): (Vec<_>, Vec<_>) = texts.into_iter().unzip();
    Some((long.join(" · "), short.join(" · ")))
}

/// The banners of all facts, with the question whether a fact still applies.
fn banner(look: &DrawContext<'_>) -> Vec<Vec<Line<'static>>> {
    let app = look.app;
    // While a field or a question is open, the keys have other actions.
    let answerable = keymap::rows(app).iter().any(|row| row.action == Action::StillHolds);
    let mut out = Vec::new();
    for at in 0..app.rules().facts.len() {
        let banner = |most: usize| Some(app.banner(at, |text| shorten(text, most))?.join(" · "));
        let Some(whole) = banner(usize::MAX) else { continue };
        // If it is too long, who and why are shortened: the end time and the instruction must be visible.
        let fits =
            |text: &String| wrap([(text.as_str(), look.style(Role::Alarm))], banner_columns(look)).len() <= BANNER_ROWS;
        let shorter = || [48, 24, 12].into_iter().filter_map(banner).find(fits).or_else(|| banner(8));
        let shown = if fits(&whole) { whole } else { shorter().unwrap_or(whole) };
        let mut lines = alarm(look, &shown);
        if answerable && app.asked_fact() == Some(at) {
            lines.extend(alarm(look, &question(look, at)));
        }
        out.push(lines);
    }
    out
}

fn banner_columns(look: &DrawContext<'_>) -> usize {
    look.columns.saturating_sub(2)
}

fn alarm(look: &DrawContext<'_>, text: &str) -> Vec<Line<'static>> {
    let style = look.style(Role::Alarm);
    bounded([(text, style)], banner_columns(look), BANNER_ROWS)
        .into_iter()
        .map(|mut line| {
            line.spans.insert(0, Span::styled(" ", style));
            let rest = look.columns.saturating_sub(line_width(&line));
            line.spans.push(Span::styled(" ".repeat(rest), style));
            line
        })
        .collect()
}

fn question(look: &DrawContext<'_>, at: usize) -> String {
    let words = look.app.words();
    let no = upper(look.app.rules().facts[at].key);
    let yes = keymap::key_of(look.app, &Action::StillHolds).map(|key| key.name(words)).unwrap_or_default();
    let long = look.app.still_question(at, StillForm::Long, &yes, &no);
    let short = || look.app.still_question(at, StillForm::Short, &yes, &no);
    if width(&long) + 2 <= look.columns { long } else { short() }
}

/// The first sentence of the rule's caution: the contradiction in the SOP.
fn caution(look: &DrawContext<'_>) -> Option<Line<'static>> {
    let app = look.app;
    let caution = app.call().caution(app.rules())?;
    let short = caution.split_once(". ").map_or(caution, |(first, _)| first);
    let left = vec![look.span(format!(" ! {short}"), Role::Caution)];
    // Only if the key opens the panel here.
    let (basis, label) = (Action::Panel(Panel::Basis), (Panel::Basis.row().label)(app.words()));
    let why = match app.mode() {
        Mode::Closing if look.offers(&basis) => {
            keymap::key_of(app, &basis).map(|key| format!("{} {label}", key.name(app.words())))
        }
        _ => None,
    };
    let why = why.unwrap_or_default();
    // If there is no room for both, the hint is dropped.
    let fits = width(short) + 3 + width(&why) + 2 < look.columns;
    let why = if fits { vec![look.span(why, Role::Accent)] } else { Vec::new() };
    Some(look.two_ends(left, why))
}
