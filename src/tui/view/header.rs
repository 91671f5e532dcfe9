//! The upper region: the revision and the clock with its greeting, the switches, the fields, and the badges.

use ratatui::style::Modifier;
use ratatui::text::{Line, Span};

use super::lines::{bounded, line_width};
use super::{Block, DrawContext, Priority, Size};
use crate::action::Action;
use crate::app::draft::Target;
use crate::app::{Banner, Mode, StillForm};
use crate::keymap::{self, Key};
use crate::message::Link;
use crate::panel::Panel;
use crate::rules::ruleset::{Fact, FieldKind, Value};
use crate::rules::script::FieldValue;
use crate::tui::theme::Role;
use crate::wrap::{shorten, shorten_front, width};

/// The most rows of facts; the rest is counted here and listed in the key list.
const FACT_ROWS: usize = 3;
/// The most columns of a fact's label.
const LONGEST_LABEL: usize = 20;
/// The most rows of fields.
const FIELD_ROWS: usize = 3;
/// The most rows of one fact's banner.
const BANNER_ROWS: usize = 3;
/// From this many rows on there is a row for a badge, so that nothing moves when one appears.
const BADGE_FROM: usize = 18;
/// In a window with fewer rows a banner has one row.
const LOW: usize = 10;
/// The columns between two switches.
const BETWEEN: &str = "   ";

pub fn blocks(look: &DrawContext<'_>) -> Vec<Block> {
    let mut out = vec![Block::line(Priority::Title, title(look))];
    // Where all values of the facts fit, a banner takes the row of its switch; else that of the line.
    let whole = if look.size == Size::Compact { None } else { switch_rows(look) };
    let line = if whole.is_some() { vec![Block::line(Priority::Line, rule(look))] } else { line_or_banner(look) };
    out.extend(whole.unwrap_or_else(|| short_switches(look)));
    out.extend(fields(look));
    out.extend(line);
    out.extend(badges(look));
    out
}

/// A horizontal line over the full width.
pub fn rule(look: &DrawContext<'_>) -> Line<'static> {
    Line::from(look.span("─".repeat(look.columns), Role::Line))
}

/// The columns of spans.
fn wide(spans: &[Span<'static>]) -> usize {
    spans.iter().map(|s| width(&s.content)).sum()
}

/// A filled text with a column of its ground at both ends.
pub(super) fn filled(look: &DrawContext<'_>, text: &str, role: Role) -> Span<'static> {
    look.span(format!(" {text} "), role)
}

/// The customer's local time and the greeting.
fn clock(look: &DrawContext<'_>) -> Span<'static> {
    let app = look.app;
    let zone = &app.rules().zones[app.call().zone()].id;
    let text = app.words().screen.clock_greeting(app.greeting_word(), app.clock_text(app.local()), zone);
    look.span(text, Role::Text)
}

fn title(look: &DrawContext<'_>) -> Line<'static> {
    let (app, words) = (look.app, &look.app.words().screen);
    let clock = || clock(look);
    let whole = vec![
        look.span(format!(" {}", words.title), Role::Text),
        look.span(" · ", Role::Line),
        look.span(words.sop(&app.rules().sop.revision), Role::Muted),
    ];
    let with_agent = app.agent_number().map(|agent| {
        let agent = [look.span(" · ", Role::Line), look.span(app.words().notice.agent(agent), Role::Muted)];
        whole.iter().cloned().chain(agent).collect()
    });
    let titles =
        [whole, vec![look.span(format!(" {}", words.sop(&app.rules().sop.revision)), Role::Muted)], Vec::new()];
    let left = with_agent.into_iter().chain(titles);
    // A telephone that is connected is no news in a narrow window.
    let phone = app.link().filter(|link| look.size != Size::Compact || *link == Link::Down).map(|link| match link {
        Link::Up => look.span(app.words().phone.link_up, Role::Muted),
        Link::Down => filled(look, app.words().phone.link_down, Role::Badge),
    });
    let centre: Vec<Option<String>> =
        app.centre_link_text().map_or_else(|| vec![None], |texts| texts.into_iter().map(Some).collect());
    let soon = soon(look);
    let row = |phone: Option<&Span<'static>>, centre: Option<&str>, soon: &[String]| {
        let centre = centre.map(|text| filled(look, text, Role::Badge));
        let soon = soon.iter().map(|text| filled(look, text, Role::Badge));
        let pieces = phone.cloned().into_iter().chain(centre).chain([clock()]).chain(soon);
        let mut spaced: Vec<_> = pieces.flat_map(|piece| [look.span(" ", Role::Text), piece]).collect();
        spaced.remove(0);
        spaced
    };
    // From the whole to the clock alone: first the titles go, then the texts get shorter.
    let phones = phone.as_ref().map(Some).into_iter().chain([None]);
    let rights = phones.flat_map(|phone| {
        let pairs = centre.iter().flat_map(|centre| soon.iter().map(move |soon| (centre.as_deref(), soon)));
        pairs.map(move |(centre, soon)| (phone, centre, soon))
    });
    let mut rights = rights.map(|(phone, centre, soon)| row(phone, centre, soon));
    let whole = rights.next().unwrap_or_default();
    let fits = |left: &[Span<'static>], right: &[Span<'static>]| {
        wide(left) + wide(right) + 2 + usize::from(!left.is_empty()) <= look.columns
    };
    // That a press came from outside takes the place of the titles, and of texts beside the clock.
    if app.is_pressed_outside() {
        let press = &app.words().press;
        let marks = [press.mark, press.mark_short]
            .map(|mark| vec![look.span(" ", Role::Text), filled(look, mark, Role::Badge)]);
        let all: Vec<_> = std::iter::once(whole.clone()).chain(rights).chain([vec![clock()]]).collect();
        let pair = |mark: &Vec<Span<'static>>| {
            all.iter().find(|right| fits(mark, right)).map(|right| (mark.clone(), right.clone()))
        };
        let (left, right) = marks.iter().find_map(pair).unwrap_or_else(|| (Vec::new(), vec![clock()]));
        return look.two_ends(left, right);
    }
    if let Some(left) = left.into_iter().find(|left: &Vec<Span<'static>>| fits(left, &whole)) {
        return look.two_ends(left, whole);
    }
    let right = rights.find(|right| fits(&[], right)).unwrap_or_else(|| vec![clock()]);
    look.two_ends(Vec::new(), right)
}

/// The badges beside the clock, from long to short: the next greeting, and this seat's if it differs.
fn soon(look: &DrawContext<'_>) -> Vec<Vec<String>> {
    let (app, words) = (look.app, &look.app.words().screen);
    let next = app.greeting_soon().map(|(minutes, word)| words.greeting_soon_badge(minutes, word));
    let other = app.other_greeting().map(|(zone, time, word)| {
        let time = app.clock_text(time);
        [words.two_zones(&time, word, zone), words.two_zones_short(word, zone)]
    });
    let mut forms = Vec::new();
    if let Some([long, short]) = other {
        forms.push(next.iter().cloned().chain([long]).collect());
        forms.push(next.iter().cloned().chain([short]).collect());
    }
    forms.push(next.into_iter().collect());
    forms
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

/// Values side by side, the chosen one filled between half blocks, so that it also reads without colour.
pub(super) fn segments<'a>(
    look: &DrawContext<'_>,
    values: impl Iterator<Item = (&'a str, bool)>,
) -> Vec<Span<'static>> {
    let edge = |edge: &'static str| Span::styled(edge, look.edge_of(Role::Chosen));
    let mut out = Vec::with_capacity(8);
    for (text, is_chosen) in values {
        if is_chosen {
            out.extend([edge("▐"), look.span(text, Role::Chosen), edge("▌")]);
        } else {
            out.push(look.span(format!(" {text} "), Role::Muted));
        }
    }
    out
}

/// Pieces side by side in at most `rows` rows; those that don't fit are counted.
fn flow(look: &DrawContext<'_>, chips: Vec<Vec<Span<'static>>>, between: &str, rows: usize) -> Vec<Line<'static>> {
    let total = chips.len();
    let counted = |left: usize| {
        let count = look.app.words().screen.more_facts(left);
        look.span(format!("{between}{count}"), Role::Muted)
    };
    let mut lines: Vec<Vec<Span<'static>>> = vec![vec![look.span(" ", Role::Text)]];
    let mut used = 1;
    for (at, mut chip) in chips.into_iter().enumerate() {
        // The last row needs room for the count of the rest.
        let reserve = |row: usize| if row == rows && at + 1 < total { width(&counted(total).content) } else { 0 };
        let needs = wide(&chip);
        let (first, gap) = (used <= 1, width(between));
        if !first && used + gap + needs + reserve(lines.len()) > look.columns {
            if lines.len() == rows {
                lines[rows - 1].push(counted(total - at));
                break;
            }
            lines.push(vec![look.span(" ", Role::Text)]);
            used = 1;
        } else if !first {
            chip.insert(0, look.span(between.to_owned(), Role::Line));
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

/// The separator of pieces in a narrow window.
const DOT: &str = " · ";

/// A fact by its key and its chosen value; another than the first is filled.
fn short_switch(look: &DrawContext<'_>, at: usize, fact: &Fact) -> Vec<Span<'static>> {
    let position = look.app.call().situation().value(at);
    let value = short(&fact.values[position]);
    let key = upper(fact.key);
    let name = if key.is_empty() { fact.label.clone() } else { key };
    let mut out = vec![look.span(format!("{name} "), Role::Text)];
    if position == 0 {
        out.push(look.span(value, Role::Text));
    } else {
        out.extend(segments(look, std::iter::once((value.as_str(), true))));
    }
    out
}

/// A row of switches: a banner, or facts with all their values.
enum Row {
    Banner(usize),
    Switches(Vec<usize>),
}

/// The facts with their chosen values only.
fn short_switches(look: &DrawContext<'_>) -> Vec<Block> {
    let facts = &look.app.rules().facts;
    if facts.is_empty() {
        return Vec::new();
    }
    let chips = facts.iter().enumerate().map(|(at, fact)| short_switch(look, at, fact)).collect();
    let rows = if look.size == Size::Compact { 2 } else { FACT_ROWS };
    flow(look, chips, DOT, rows).into_iter().map(|line| Block::line(Priority::Facts, line)).collect()
}

/// The facts as switches; `None` if they need too many rows. One that may have a banner has a row of its own, which the
/// banner then takes.
fn switch_rows(look: &DrawContext<'_>) -> Option<Vec<Block>> {
    let facts = &look.app.rules().facts;
    let label = |at: usize| shorten(&facts[at].label, LONGEST_LABEL);
    let values = |at: usize| {
        let position = look.app.call().situation().value(at);
        let all = facts[at].values.iter().enumerate().map(|(value, v)| (v.label.as_str(), value == position));
        let all = segments(look, all);
        // Values that don't fit give way to the chosen one.
        let room = look.columns.saturating_sub(4 + width(&label(at)));
        if wide(&all) <= room {
            return all;
        }
        let chosen = shorten(&facts[at].values[position].label, room.saturating_sub(2));
        segments(look, std::iter::once((chosen.as_str(), true)))
    };
    let needs = |at: usize| 2 + width(&label(at)) + 1 + wide(&values(at));
    let mut rows: Vec<Row> = Vec::new();
    let mut used = 0;
    for (at, fact) in facts.iter().enumerate() {
        if fact.values.iter().any(|value| value.banner.is_some()) {
            rows.push(Row::Banner(at));
        } else if let Some(Row::Switches(last)) = rows.last_mut()
            && used + width(BETWEEN) + needs(at) < look.columns
        {
            last.push(at);
            used += width(BETWEEN) + needs(at);
        } else {
            rows.push(Row::Switches(vec![at]));
            used = 1 + needs(at);
        }
    }
    if rows.len() > FACT_ROWS {
        return None;
    }
    // Labels at the beginning of a row have the same width, as far as the row allows.
    let first = |row: &Row| match row {
        Row::Banner(at) => *at,
        Row::Switches(all) => all[0],
    };
    let column = rows.iter().map(|row| width(&label(first(row)))).max().unwrap_or(0);
    let switch = |at: usize, column: usize| {
        let (key, label) = (upper(facts[at].key), label(at));
        let pad = " ".repeat(column.saturating_sub(width(&label)) + 1);
        let mut out = vec![look.span(format!("{key:1} {label}{pad}"), Role::Text)];
        out.extend(values(at));
        out
    };
    let draw = |row: &Row| {
        let mut spans = vec![look.span(" ", Role::Text)];
        let all = match row {
            Row::Banner(at) => std::slice::from_ref(at),
            Row::Switches(all) => all,
        };
        let total: usize = 1 + all.iter().map(|at| needs(*at) + width(BETWEEN)).sum::<usize>() - width(BETWEEN);
        let room = look.columns.saturating_sub(total) + width(&label(all[0]));
        for (place, at) in all.iter().enumerate() {
            if place > 0 {
                spans.push(look.span(BETWEEN, Role::Text));
            }
            spans.extend(switch(*at, if place == 0 { column.min(room) } else { 0 }));
        }
        Line::from(spans)
    };
    let blocks = rows.iter().map(|row| {
        let banner = match row {
            Row::Banner(at) => look.app.banner(*at).map(|banner| banner_rows(look, *at, &banner)),
            Row::Switches(_) => None,
        };
        banner.map_or_else(|| Block::line(Priority::Facts, draw(row)), |rows| Block::new(Priority::Alarm, rows))
    });
    Some(blocks.collect())
}

/// The line below the switches, or the banners.
fn line_or_banner(look: &DrawContext<'_>) -> Vec<Block> {
    let mut out = Vec::new();
    for at in 0..look.app.rules().facts.len() {
        if let Some(banner) = look.app.banner(at) {
            out.push(Block::new(Priority::Alarm, banner_rows(look, at, &banner)));
        }
    }
    if out.is_empty() {
        out.push(Block::line(Priority::Line, rule(look)));
    }
    out
}

/// What a banner says in one row: everything, or what is to be done; in a narrow window without the time.
fn banner_text(look: &DrawContext<'_>, at: usize, banner: &Banner<'_>) -> String {
    let declared = look.app.declaration_text(at, str::to_owned);
    let join = |first: &str, between: &[String]| {
        let parts = std::iter::once(first).chain(between.iter().map(String::as_str));
        let parts: Vec<&str> = parts.chain([banner.instruction]).filter(|part| !part.is_empty()).collect();
        parts.join(" · ")
    };
    let [all, main, least] = [join(&banner.since, &declared), join(&banner.since, &[]), join(&banner.value, &[])];
    if look.rows < LOW && width(&least) + 2 > look.columns {
        return banner.value.clone();
    }
    let fits = |text: &String| width(text) + 2 <= look.columns;
    [all, main.clone(), least].into_iter().find(fits).unwrap_or(main)
}

/// A banner over the full width, with the key that ends it where there is room.
fn banner_rows(look: &DrawContext<'_>, at: usize, banner: &Banner<'_>) -> Vec<Line<'static>> {
    let mut lines = alarm(look, &banner_text(look, at, banner), BANNER_ROWS);
    let fact = &look.app.rules().facts[at];
    let next = (look.app.call().situation().value(at) + 1) % fact.values.len();
    let hint = format!("{}: {} ", upper(fact.key), fact.values[next].label);
    if fact.key.is_some()
        && let [line] = &mut lines[..]
        && let Some(blank) = line.spans.pop()
    {
        let room = width(&blank.content);
        let hint = if width(&hint) + 3 <= room { hint } else { String::new() };
        line.spans.push(Span::styled(" ".repeat(room - width(&hint)) + &hint, blank.style));
    }
    lines
}

fn alarm(look: &DrawContext<'_>, text: &str, rows: usize) -> Vec<Line<'static>> {
    let style = look.style(Role::Alarm);
    bounded([(text, style)], look.columns.saturating_sub(2), rows)
        .into_iter()
        .map(|mut line| {
            line.spans.insert(0, Span::styled(" ", style));
            let rest = look.columns.saturating_sub(line_width(&line));
            line.spans.push(Span::styled(" ".repeat(rest), style));
            line
        })
        .collect()
}

/// The rows above the script: what was declared of an emergency, questions, the contradiction in the SOP, whose row is
/// there before it is needed.
fn badges(look: &DrawContext<'_>) -> Vec<Block> {
    let app = look.app;
    // While a field or a question is open, the keys have other actions.
    let answerable = || keymap::rows(app).iter().any(|row| row.action == Action::StillHolds);
    let mut out = Vec::new();
    for at in 0..app.rules().facts.len() {
        out.extend(declared(look, at));
        if app.asked_fact() == Some(at) && answerable() {
            out.push(Block::new(Priority::Alarm, asked(look, &question(look, at))));
        }
    }
    match caution(look) {
        Some(line) => out.push(Block::line(Priority::Last, line)),
        None if look.rows >= BADGE_FROM => out.push(Block::gap()),
        None => {}
    }
    out
}

fn badge(look: &DrawContext<'_>, text: &str, hint: Vec<Span<'static>>) -> Line<'static> {
    let text = shorten(text, look.columns.saturating_sub(3));
    let mut spans = vec![look.span(" ", Role::Text), filled(look, &text, Role::Badge)];
    if wide(&spans) + 2 + wide(&hint) < look.columns && !hint.is_empty() {
        spans.push(look.span("  ", Role::Text));
        spans.extend(hint);
    }
    Line::from(spans)
}

/// A question with its keys, which must be whole.
fn asked(look: &DrawContext<'_>, text: &str) -> Vec<Line<'static>> {
    let style = look.style(Role::Badge);
    let mut lines = bounded([(text, style)], look.columns.saturating_sub(3), 2);
    for line in &mut lines {
        line.spans.insert(0, Span::styled(" ", style));
        line.spans.insert(0, look.span(" ", Role::Text));
        line.spans.push(Span::styled(" ", style));
    }
    lines
}

/// By whom, why and until when an emergency was declared, if its banner has no room for that; or that this seat
/// differs.
fn declared(look: &DrawContext<'_>, at: usize) -> Option<Block> {
    let app = look.app;
    if app.declaration_text(at, str::to_owned).is_empty() {
        return None;
    }
    let join = |most: usize| app.declaration_text(at, |text| shorten(text, most)).join(" · ");
    // If it is too long, who and why are shortened, as little as the row asks for: the end time must be visible.
    let fits = |text: &str| width(text) + 3 <= look.columns;
    let whole = Some(join(usize::MAX)).filter(|text| fits(text));
    let text = whole.unwrap_or_else(|| {
        let widths: Vec<usize> = (8..look.columns).collect();
        let count = widths.partition_point(|most| fits(&join(*most)));
        join(count.checked_sub(1).map_or(8, |last| widths[last]))
    });
    match app.banner(at) {
        Some(banner) if banner_text(look, at, &banner).contains(&join(usize::MAX)) => None,
        Some(_) => Some(Block::new(Priority::Alarm, alarm(look, &text, 2))),
        None if app.differs(at) => {
            let long = format!("{} · {text}", app.since_text(at));
            let text = if width(&long) + 3 <= look.columns { long } else { text };
            Some(Block::line(Priority::Notice, badge(look, &text, Vec::new())))
        }
        None => None,
    }
}

fn question(look: &DrawContext<'_>, at: usize) -> String {
    let words = look.app.words();
    let no = upper(look.app.rules().facts[at].key);
    let yes = keymap::key_of(look.app, &Action::StillHolds).map(|key| key.name(words)).unwrap_or_default();
    let long = look.app.still_question(at, StillForm::Long, &yes, &no);
    let short = || look.app.still_question(at, StillForm::Short, &yes, &no);
    if width(&long) + 3 <= look.columns { long } else { short() }
}

/// The first sentence of the rule's caution: the contradiction in the SOP.
fn caution(look: &DrawContext<'_>) -> Option<Line<'static>> {
    let app = look.app;
    // A panel has it in full, or is about something else.
    let caution = app.call().caution(app.rules()).filter(|_| !matches!(app.mode(), Mode::Panel(_)))?;
    let short = caution.split_once(". ").map_or(caution, |(first, _)| first);
    // Only if the key opens the panel here.
    let basis = Action::Panel(Panel::Basis);
    let why = match app.mode() {
        Mode::Closing if look.offers(&basis) => keymap::key_of(app, &basis).map(|key| key.name(app.words())),
        _ => None,
    };
    let why = why.map_or_else(Vec::new, |key| {
        vec![look.span(key, Role::Cap), look.span(format!(" {}", app.words().keys.why), Role::Text)]
    });
    let room = look.columns.saturating_sub(3);
    let shorter = [": ", " ("].iter().filter_map(|end| short.split_once(end).map(|(first, _)| first));
    // With the key that explains it, if a shorter form leaves room for that.
    let forms: Vec<&str> = std::iter::once(short).chain(shorter).collect();
    let hint = if why.is_empty() { 0 } else { wide(&why) + 3 };
    let fitting = |room: usize| forms.iter().find(|text| width(text) <= room).copied();
    let text = fitting(room.saturating_sub(hint)).or_else(|| fitting(room)).map(str::to_owned);
    Some(badge(look, &text.unwrap_or_else(|| shorten(short, room.saturating_sub(hint))), why))
}

fn fields(look: &DrawContext<'_>) -> Vec<Block> {
    if let Mode::Typing(_) = look.app.mode() {
        return vec![typing(look)];
    }
    let fits = |chips: &Vec<Vec<Span<'static>>>| {
        chips.iter().map(|chip| wide(chip) + width(BETWEEN)).sum::<usize>() < look.columns + width(BETWEEN)
    };
    let forms = match look.size {
        // The clock has the zone as well.
        Size::Compact => [true, false].map(|zone| FieldForm { whole: false, choices: false, zone }).to_vec(),
        _ => [(true, true), (false, true), (false, false)]
            .map(|(whole, choices)| FieldForm { whole, choices, zone: true })
            .to_vec(),
    };
    let mut all: Vec<_> = forms.into_iter().map(|form| chips(look, form)).collect();
    let at = all.iter().position(fits).unwrap_or(all.len() - 1);
    let between = if look.size == Size::Compact { DOT } else { BETWEEN };
    vec![Block::new(Priority::Fields, flow(look, all.swap_remove(at), between, FIELD_ROWS))]
}

/// The fields and the clock in one row; the clock has the zone as well.
pub fn fields_with_clock(look: &DrawContext<'_>) -> Line<'static> {
    let mut left = vec![look.span(" ", Role::Text)];
    for (at, chip) in chips(look, FieldForm { whole: false, choices: false, zone: false }).into_iter().enumerate() {
        left.extend((at > 0).then(|| look.span(DOT, Role::Line)));
        left.extend(chip);
    }
    look.two_ends(left, vec![clock(look)])
}

/// How much of the fields is shown.
#[derive(Clone, Copy)]
struct FieldForm {
    /// A typed text in full; else its beginning, since the sentence has it in full.
    whole: bool,
    /// All choices; else the chosen one.
    choices: bool,
    zone: bool,
}

/// The most columns of a text that the sentence has in full.
const SHORT_TEXT: usize = 24;

/// A text from outside with the mark that the CSO has to confirm it. A long text is shortened, not the mark.
fn unsure(look: &DrawContext<'_>, text: &Span<'static>, mark: &'static str) -> (Span<'static>, Vec<Span<'static>>) {
    let mark = if look.size == Size::Compact { look.app.words().phone.unsure_short } else { mark };
    let room = look.columns.saturating_sub(width(mark) + 15);
    let text = Span::styled(shorten(&text.content, room), text.style);
    (text, vec![look.span(" ", Role::Text), filled(look, mark, Role::Badge)])
}

fn chips(look: &DrawContext<'_>, form: FieldForm) -> Vec<Vec<Span<'static>>> {
    let app = look.app;
    let (rules, fields) = (app.rules(), app.fields());
    let key_span = |key: Option<char>| {
        let key = upper(key);
        look.span(if key.is_empty() { key } else { format!("{key} ") }, Role::Text)
    };
    let mut chips: Vec<(bool, Vec<Span<'static>>)> = rules
        .fields_ix()
        .map(|(ix, field)| {
            let spoken = fields.spoken(rules, ix);
            let (is_name, is_honorific) = (rules.roles.name == Some(ix), rules.roles.honorific == Some(ix));
            let named = field.key.is_none() || !(is_name || is_honorific);
            let label = if named { format!("{}: ", field.label) } else { String::new() };
            let mut chip = vec![key_span(field.key), look.span(label, Role::Text)];
            match (&field.kind, fields.get(ix)) {
                (FieldKind::Choice(choices), FieldValue::Choice(chosen)) if form.choices && !app.is_unsure(ix) => {
                    let values = choices.iter().enumerate().map(|(at, choice)| (choice.text.as_str(), at == *chosen));
                    chip.extend(segments(look, values));
                }
                _ => {
                    let text = if spoken.is_empty() {
                        look.span(if is_name { app.words().screen.name_missing } else { "?" }, Role::Muted)
                    } else if form.whole {
                        look.span(spoken, Role::Text)
                    } else {
                        look.span(shorten(&spoken, SHORT_TEXT), Role::Text)
                    };
                    let (text, mark) = match app.unsure_mark(ix) {
                        Some(mark) => unsure(look, &text, mark),
                        None => (text, Vec::new()),
                    };
                    chip.push(text);
                    chip.extend(mark);
                }
            }
            (matches!(field.kind, FieldKind::Typed { .. }), chip)
        })
        .collect();
    let zone_key = match keymap::key_of(app, &Action::Zone) {
        Some(Key::Char(key)) => Some(key),
        _ => None,
    };
    let mut zone = vec![key_span(zone_key)];
    if !form.zone || rules.zones.len() == 1 {
        return chips.into_iter().map(|(_, spans)| spans).collect();
    }
    if form.choices {
        let zones = rules.zones.iter().enumerate();
        zone.extend(segments(look, zones.map(|(at, zone)| (zone.id.as_str(), at == app.call().zone()))));
    } else {
        zone.push(look.span(rules.zones[app.call().zone()].id.clone(), Role::Text));
    }
    chips.push((false, zone));
    // Choices first, so that a long text gets a row of its own.
    let total: usize = chips.iter().map(|(_, spans)| wide(spans) + width(BETWEEN)).sum();
    if total > look.columns {
        chips.sort_by_key(|(typed, _)| *typed);
    }
    chips.into_iter().map(|(_, spans)| spans).collect()
}

/// The open field over the full width, with the cursor.
pub fn typing(look: &DrawContext<'_>) -> Block {
    let Mode::Typing(draft) = look.app.mode() else { return Block::gap() };
    let words = look.app.words();
    let (key, label) = match draft.field().map(|field| look.app.rules().field(field)) {
        Some(field) => (upper(field.key), field.label.as_str()),
        None => ("#".into(), words.keys.agent),
    };
    let label = match (key.is_empty(), look.size) {
        (true, _) => format!(" {label}: "),
        (_, Size::Tiny | Size::Compact) => format!(" {key} "),
        _ => format!(" {key} {label}: "),
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
    let hint = match draft.target {
        Target::Agent => words.screen.agent_typing,
        Target::Field(_) if draft.pasted => words.screen.pasted_in,
        Target::Field(_) => words.screen.name_typing,
    };
    let left = vec![look.span(label, Role::Text), Span::styled(before, text), Span::styled(behind, text)];
    let used = wide(&left);
    let hint = if used + 4 + width(hint) < look.columns { vec![look.span(hint, Role::Muted)] } else { Vec::new() };
    Block { lines: vec![look.two_ends(left, hint)], priority: Some(Priority::Last), least: 0, cursor: Some(cursor) }
}
