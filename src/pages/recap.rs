//! The own day (`R`): how many closings, how many complete, what was left out, how they ended, and by hour.

use super::{Page, Part};
use crate::app::App;
use crate::journal::report::Recap;
use crate::journal::report::text::{parameter, percent};
use crate::words::fill;

/// The recap of today.
#[must_use]
pub fn recap(app: &App) -> Page {
    let words = app.words();
    let mut page = Page::new(words.recap.title);
    match app.day() {
        None => page.paragraph(words.recap.none),
        Some(day) if day.closings == 0 => page.paragraph(words.recap.nothing),
        Some(day) => told(&mut page, app, day),
    }
    page.gap();
    page.paragraph(words.recap.self_report);
    page
}

fn told(page: &mut Page, app: &App, day: &Recap) {
    let (words, rules) = (app.words(), app.rules());
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
        &list(day.endings.iter().map(|(h, n)| (words.outcome(*h).to_owned(), *n)).collect()),
    );
    hours(page, app, day);
    if !day.whole {
        page.gap();
        page.paragraph(words.recap.in_memory);
    }
}

/// From the first hour with calls to the last.
fn hours(page: &mut Page, app: &App, day: &Recap) {
    let words = app.words();
    let (Some(first), Some(last)) = (day.hours.iter().position(|n| *n > 0), day.hours.iter().rposition(|n| *n > 0))
    else {
        return;
    };
    let span = &day.hours[first..=last];
    let most = span.iter().copied().max().unwrap_or_default();
    page.gap();
    let heading = format!("{} · {}", words.report.hours, fill(words.report.most, &[("count", &most.to_string())]));
    page.parts.push(Part::Hours(heading, first, span.to_vec()));
}
