//! The panel of the own day (`R`): how many closings, how many complete, what was left out, how they ended, and by hour.

use ratatui::text::Line;

use super::Look;
use super::panel::Page;
use crate::journal::report::Recap;
use crate::journal::report::text::{columns, ending, parameter, percent};
use crate::tui::theme::Role;
use crate::words::fill;

/// How high the columns of the hours are.
const HEIGHT: usize = 3;

/// The recap of today.
pub fn recap(look: &Look<'_>) -> Vec<Line<'static>> {
    let words = look.app.words();
    let mut page = Page::new(look, words.recap.title);
    page.gap();
    match look.app.day() {
        None => page.paragraph(words.recap.none),
        Some(day) if day.closings == 0 => page.paragraph(words.recap.nothing),
        Some(day) => told(&mut page, look, day),
    }
    page.gap();
    page.paragraph(words.recap.self_report);
    page.into_lines()
}

fn told(page: &mut Page<'_, '_>, look: &Look<'_>, day: &Recap) {
    let (words, rules) = (look.app.words(), look.app.rules());
    let list = |pairs: Vec<(String, u64)>| {
        pairs.into_iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(" · ")
    };
    page.entry(words.report.closings, &day.closings.to_string());
    let complete = format!("{} ({})", day.complete, percent(day.complete, day.closings));
    page.entry(words.report.complete, &complete);
    let cost = day.cost.iter().map(|(name, count)| (parameter(name, words).to_owned(), *count)).collect::<Vec<_>>();
    let cost = if cost.is_empty() { words.report.nothing_left_out.to_owned() } else { list(cost) };
    page.entry(words.report.costing, &cost);
    let title = |id: &String| rules.step_named(id).map_or_else(|| id.clone(), |ix| rules.step(ix).title.clone());
    page.entry(words.recap.left_out, &list(day.left_out.iter().map(|(id, n)| (title(id), *n)).collect()));
    page.entry(
        words.report.by_ending,
        &list(day.endings.iter().map(|(h, n)| (ending(*h, words).to_owned(), *n)).collect()),
    );
    hours(page, look, day);
    if !day.whole {
        page.gap();
        page.paragraph(words.recap.in_memory);
    }
}

/// A column an hour, from the first with calls to the last.
fn hours(page: &mut Page<'_, '_>, look: &Look<'_>, day: &Recap) {
    let words = look.app.words();
    let (Some(first), Some(last)) = (day.hours.iter().position(|n| *n > 0), day.hours.iter().rposition(|n| *n > 0))
    else {
        return;
    };
    let span = &day.hours[first..=last];
    let most = span.iter().copied().max().unwrap_or_default();
    page.gap();
    let heading = format!(" {} · {}", words.report.hours, fill(words.report.most, &[("count", &most.to_string())]));
    page.push(Line::from(look.span(heading, Role::Accent)));
    // Three columns an hour, so that its number stands below it.
    for row in columns(span, HEIGHT) {
        let wide: String = row.chars().flat_map(|c| [c, c, ' ']).collect();
        page.push(Line::from(look.span(format!("   {}", wide.trim_end()), Role::Text)));
    }
    let below: Vec<String> = (first..=last).map(|hour| format!("{hour:02}")).collect();
    page.push(Line::from(look.span(format!("   {}", below.join(" ")), Role::Text)));
}
