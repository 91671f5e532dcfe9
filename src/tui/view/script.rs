//! The script: every sentence once, in spoken order, under its step. The mark moves, not the script: where the whole
//! script fits, its rows depend on the plan alone, not on what was said; where it does not, the current sentence keeps
//! its row and the others shrink to their titles around it.

use ratatui::style::Modifier;
use ratatui::text::{Line, Span};

use super::lines::wrap;
use super::{DrawContext, Drawn, Size, scroll};
use crate::closing::{Entry, Mark};
use crate::rules::ruleset::StepIx;
use crate::rules::script::Sentence;
use crate::tui::theme::Role;
use crate::wrap::{NO_BREAK, shorten, width};

/// The columns of the marks at the left.
const GUTTER: usize = 3;
/// The widest line of a sentence, for easy reading: in the wide layout, where rows are plenty, and in the others.
const SENTENCE: (usize, usize) = (60, 72);
/// From this many rows of the window on there is a row below the opening reminder. It depends neither on the plan, so
/// that a fact moves nothing above the first sentence that it changes, nor on an open question.
const ROOMY: usize = 24;
/// From how many rows on the steps before the current one keep two, or one.
const ABOVE: (usize, usize) = (9, 6);

/// A step with its rows.
struct Part {
    entry: Entry,
    title: Line<'static>,
    /// Empty for a reminder and for a sentence that is not said any more.
    words: Vec<Line<'static>>,
}

impl Part {
    fn rows(&self) -> usize {
        1 + self.words.len()
    }

    fn into_lines(self) -> impl Iterator<Item = Line<'static>> {
        std::iter::once(self.title).chain(self.words)
    }
}

/// The whole script, with its rows at this width.
pub struct Script<'a> {
    look: DrawContext<'a>,
    parts: Vec<Part>,
    /// The part that is shown in full in a low window: the previewed one, else the current one.
    focus: Option<usize>,
}

impl<'a> Script<'a> {
    pub fn of(look: &DrawContext<'a>) -> Self {
        let entries = look.app.entries();
        let part = |(at, entry): (usize, &Entry)| Part {
            entry: *entry,
            title: title(look, *entry, is_opening(&entries, at)),
            words: match entry.mark {
                Mark::Reminder | Mark::Overtaken => Vec::new(),
                _ => words_of(look, entry.step, entry.mark),
            },
        };
        let parts: Vec<Part> = entries.iter().enumerate().map(part).collect();
        let focus = look.app.shown().and_then(|shown| parts.iter().position(|part| part.entry.step == shown));
        Self { look: *look, parts, focus }
    }

    /// The rows of the sentence that is shown in full, without its title.
    pub fn least_rows(&self) -> usize {
        self.focus.map_or(1, |at| self.parts[at].words.len().max(1))
    }

    /// The region in this many rows.
    pub fn region(self, rows: usize) -> (Vec<Line<'static>>, Drawn) {
        let Self { look, parts, focus } = self;
        let fits = Drawn { most_scroll: 0, page: rows };
        // The row below the opening reminder is the first to go.
        let is_tight = look.rows < ROOMY && parts.first().is_some_and(|part| part.entry.mark == Mark::Reminder);
        let gaps = parts.len().saturating_sub(1 + usize::from(is_tight));
        if parts.iter().map(Part::rows).sum::<usize>() + gaps <= rows {
            return (whole_script(parts, is_tight), fits);
        }
        if let Some(at) = focus {
            let current = parts.iter().position(|part| part.entry.mark == Mark::Current);
            return around(&look, parts, current, at, rows);
        }
        let mut titles: Vec<Line<'static>> = parts.into_iter().map(|part| part.title).collect();
        let drawn = if titles.len() > rows { scroll(&look, &mut titles, rows) } else { fits };
        (titles, drawn)
    }
}

/// Every part in full, with blank rows between them.
fn whole_script(parts: Vec<Part>, is_tight: bool) -> Vec<Line<'static>> {
    let mut out = Vec::new();
    for (at, part) in parts.into_iter().enumerate() {
        if at > 1 || at == 1 && !is_tight {
            out.push(Line::default());
        }
        out.extend(part.into_lines());
    }
    out
}

/// The current part in full, at a row that does not depend on what was said, below it the previewed one (`focus`, else
/// the same), and the others as far as there is room. Where there is no room for both, the previewed one alone.
fn around(
    look: &DrawContext<'_>,
    mut parts: Vec<Part>,
    current: Option<usize>,
    focus: usize,
    rows: usize,
) -> (Vec<Line<'static>>, Drawn) {
    let both = current.filter(|at| *at != focus && parts[*at].rows() + 1 + parts[focus].rows() <= rows);
    let here = both.unwrap_or(focus);
    let mut behind = parts.split_off(here + 1);
    let Some(here) = parts.pop() else { return (Vec::new(), Drawn::default()) };
    let fits = Drawn { most_scroll: 0, page: rows };
    let needs = here.rows();
    if needs > rows {
        let mut words = here.words;
        let drawn = if words.len() > rows { scroll(look, &mut words, rows) } else { fits };
        return (words, drawn);
    }
    let mut previewed = 0;
    if let Some(current) = both {
        // What lies between the two gives way to the previewed one.
        if focus > current {
            behind.drain(..focus - current - 1);
        } else {
            behind.insert(0, parts.remove(focus));
        }
        previewed = behind[0].rows() + 1;
    }
    let above = match rows {
        _ if rows >= ABOVE.0 => 2,
        _ if rows >= ABOVE.1 => 1,
        _ => 0,
    };
    let above = above.min(rows - needs - previewed);
    let mut out: Vec<Line<'static>> = parts.drain(parts.len().saturating_sub(above)..).map(|part| part.title).collect();
    out.resize_with(above, Line::default);
    out.extend(here.into_lines());
    out.extend(ahead(look, behind, rows - above - needs, usize::from(both.is_some())));
    (out, fits)
}

/// The parts below the current one: as many in full as leave a row for the title of each of the others, and at least
/// `least`; then titles.
fn ahead(look: &DrawContext<'_>, mut parts: Vec<Part>, rows: usize, least: usize) -> Vec<Line<'static>> {
    let needs = |full: usize| {
        let rest = parts.len() - full;
        let sentences: usize = parts[..full].iter().map(|part| part.rows() + 1).sum();
        sentences + if rest > 0 { rest + usize::from(full > 0) } else { 0 }
    };
    let full = (1..=parts.len()).rfind(|full| needs(*full) <= rows).unwrap_or(least);
    let titles = parts.split_off(full);
    let mut out = Vec::new();
    for part in parts {
        out.push(Line::default());
        out.extend(part.into_lines());
    }
    let left = rows.saturating_sub(out.len());
    let gap = usize::from(left > titles.len() && !titles.is_empty());
    out.extend((0..gap).map(|_| Line::default()));
    let shown = titles.len().min(left - gap);
    let hidden = titles.len() - shown;
    let end = titles[..shown].last().map(|part| look.app.rules().step(part.entry.step).title.clone());
    out.extend(titles.into_iter().take(shown).map(|part| part.title));
    if let Some(title) = end.filter(|_| hidden > 0) {
        let more = format!("  +{hidden}");
        let title = shorten(&title, look.columns.saturating_sub(GUTTER + width(&more)));
        out.pop();
        out.push(Line::from(vec![look.span(format!("   {title}"), Role::Text), look.span(more, Role::Muted)]));
    }
    out
}

/// Whether a reminder comes before the first spoken step.
fn is_opening(entries: &[Entry], at: usize) -> bool {
    entries[..at].iter().all(|e| e.mark == Mark::Reminder)
}

/// The columns of a sentence.
fn columns(look: &DrawContext<'_>) -> usize {
    let widest = if look.size == Size::Wide { SENTENCE.0 } else { SENTENCE.1 };
    match look.size {
        Size::Tiny => look.columns.max(1),
        _ => look.columns.saturating_sub(GUTTER + 1).clamp(1, widest),
    }
}

/// The mark left of a title and the one left of its sentence.
fn marks(look: &DrawContext<'_>, entry: Entry) -> [Span<'static>; 2] {
    let is_previewed = look.app.is_previewing() && look.app.shown() == Some(entry.step);
    let blank = || look.span("   ", Role::Text);
    match entry.mark {
        Mark::Current => [look.span(" ▌ ", Role::Now), look.span(" ▌ ", Role::Now)],
        Mark::Spoken if is_previewed => [look.span("»√ ", Role::Now), blank()],
        _ if is_previewed => [look.span(" » ", Role::Now), blank()],
        Mark::Spoken => [look.span(" √ ", Role::Said), blank()],
        Mark::Overtaken => [look.span(" – ", Role::Muted), blank()],
        Mark::Upcoming | Mark::Reminder => [blank(), blank()],
    }
}

/// The sentence of a step, wrapped, with its filled-in words underlined. Only the current one is bold.
fn words_of(look: &DrawContext<'_>, step: StepIx, mark: Mark) -> Vec<Line<'static>> {
    let role = match mark {
        Mark::Current => Role::Sentence,
        Mark::Spoken => Role::Said,
        _ => Role::Text,
    };
    let mut lines = match look.app.sentence(step) {
        Some(sentence) => spoken(look, &sentence, role, columns(look)),
        None => wrap([(look.app.reminder(step).unwrap_or_default(), look.style(role))], columns(look)),
    };
    if look.size != Size::Tiny {
        let [_, mark] = marks(look, Entry { step, mark });
        for line in &mut lines {
            line.spans.insert(0, mark.clone());
        }
    }
    lines
}

fn spoken(look: &DrawContext<'_>, sentence: &Sentence, role: Role, columns: usize) -> Vec<Line<'static>> {
    let fixed = look.style(role);
    let runs = sentence.segments().iter().map(|s| {
        let style = if s.filled { fixed.add_modifier(Modifier::UNDERLINED) } else { fixed };
        // No line break between honorific and name.
        (if s.no_break { NO_BREAK } else { &s.text }, style)
    });
    wrap(runs, columns)
}

/// A title as the end of a sentence: in lower case, unless its first word or a later one is a name or an abbreviation.
fn within_sentence(title: &str) -> String {
    let mut words = title.split_whitespace();
    let is_plain = |word: &str| word.chars().skip(1).all(|c| !c.is_uppercase());
    let starts_lower = |word: &str| !word.starts_with(char::is_uppercase);
    if words.next().is_none_or(|first| !is_plain(first)) || !words.all(starts_lower) {
        return title.into();
    }
    let mut chars = title.chars();
    chars.next().into_iter().flat_map(char::to_lowercase).chain(chars).collect()
}

/// The title of a step: mark, name, what leaving it out costs, clause.
fn title(look: &DrawContext<'_>, entry: Entry, opening: bool) -> Line<'static> {
    let (app, words) = (look.app, &look.app.words().screen);
    let step = app.rules().step(entry.step);
    let is_previewed = app.is_previewing() && app.shown() == Some(entry.step);
    let name = match entry.mark {
        // Its row stays, so that nothing moves.
        Mark::Reminder if opening && !app.call().spoken().is_empty() && !is_previewed => return Line::default(),
        Mark::Reminder if opening => words.before_closing(within_sentence(&step.title)),
        Mark::Reminder => words.remember(&step.title),
        _ => step.title.clone(),
    };
    let role = match entry.mark {
        Mark::Spoken => Role::Said,
        Mark::Reminder | Mark::Overtaken => Role::Muted,
        Mark::Current | Mark::Upcoming => Role::Text,
    };
    let [mark, _] = marks(look, entry);
    let mut left = vec![mark, look.span(name, role)];
    // The clause ends where the widest sentence may end.
    let ends_at = (GUTTER + SENTENCE.1 + 1).min(look.columns);
    let mut clause = match (&step.basis, entry.mark) {
        (Some(basis), Mark::Spoken | Mark::Current | Mark::Upcoming | Mark::Overtaken) => {
            shorten(basis, look.columns / 3)
        }
        _ => String::new(),
    };
    if matches!(entry.mark, Mark::Current | Mark::Upcoming) && !step.score.is_empty() {
        let used: usize = left.iter().map(|s| width(&s.content)).sum();
        let fits = |scored: &str, clause: &str| used + 3 + width(scored) + 2 + width(clause) < ends_at;
        // A number such as "2.a" is clear without the word before it, if that makes room for the cost.
        let number = clause.rsplit_once(' ').map(|(_, number)| number.to_owned()).filter(|n| n.contains('.'));
        let all = words.scored(step.score.join(" · "));
        let forms = [(all.as_str(), Some(&clause)), (&all, number.as_ref()), (words.scored_short, Some(&clause))];
        let found =
            forms.into_iter().find_map(|(scored, clause)| Some((scored, clause.filter(|c| fits(scored, c))?.clone())));
        if let Some((scored, number)) = found {
            left.push(look.span(format!("   {scored}"), Role::Muted));
            clause = number;
        }
    }
    if entry.mark == Mark::Overtaken {
        left.push(look.span(format!("   {}", words.overtaken), Role::Muted));
    }
    DrawContext { columns: ends_at, ..*look }.two_ends(left, vec![look.span(clause, Role::Muted)])
}

/// Only the sentence, for the smallest windows; when all is said, that.
pub fn alone(look: &DrawContext<'_>) -> Vec<Line<'static>> {
    let app = look.app;
    let Some(step) = app.shown() else {
        let text = super::footer::completion(look).unwrap_or_default();
        return wrap([(text.as_str(), look.style(Role::Done))], look.columns);
    };
    // Below the size of a screen only the sentence to say now is bold, not a previewed one.
    let mark = if app.is_previewing() { Mark::Upcoming } else { Mark::Current };
    words_of(look, step, mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_title_is_lower_case_within_a_sentence() {
        for (title, within) in [
            ("Tawarkan bantuan lainnya", "tawarkan bantuan lainnya"),
            ("Customer Intimacy", "Customer Intimacy"),
            ("KLB aktif", "KLB aktif"),
            ("Bantuan", "bantuan"),
            ("Éclair kecil", "éclair kecil"),
            ("", ""),
            ("Cek aplikasi PLN", "Cek aplikasi PLN"),
        ] {
            assert_eq!(within_sentence(title), within);
        }
    }
}
