//! The summary of the CSO's day: how many closings, how many complete, what was left out, how they ended, and by hour.

use super::{Page, Part};
use crate::app::App;
use crate::cli::report::text::{percent, step_title};
use crate::journal::report::Recap;

pub fn recap(app: &App) -> Page {
    let words = app.words();
    let mut page = Page::new(words.recap.title);
    match app.day() {
        None => page.paragraph(words.recap.none),
        Some(day) if day.report.total.closings == 0 => page.paragraph(words.recap.nothing),
        Some(day) => show(&mut page, app, day),
    }
    page.paragraph(words.recap.self_report);
    page
}

fn show(page: &mut Page, app: &App, day: &Recap) {
    let (words, rules, total) = (app.words(), app.rules(), &day.report.total);
    let list = |pairs: Vec<(String, u64)>| {
        pairs.into_iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(" · ")
    };
    page.entry(words.report.closings, &total.closings.to_string());
    let complete = format!("{} ({})", total.complete, percent(total.complete, total.closings));
    page.entry(words.report.complete, &complete);
    let cost: Vec<_> =
        total.cost.iter().map(|(name, count)| (rules.sop.name_of_loss(name).to_owned(), *count)).collect();
    let cost = if cost.is_empty() { words.report.nothing_left_out.to_owned() } else { list(cost) };
    page.entry(words.report.costing, &cost);
    bars(
        &mut page.parts,
        words.recap.left_out,
        total.left_out.iter().map(|(id, n)| (step_title(id, rules).to_owned(), *n)).collect(),
        total.closings,
    );
    let endings = total.outcomes().into_iter().map(|(outcome, n)| (words.outcome(outcome).to_owned(), n));
    bars(&mut page.parts, words.report.by_ending, endings.collect(), total.closings);
    let flagged = [
        (words.report.before_closing, total.flagged.before_closing),
        (words.report.overtaken, total.flagged.overtaken),
        (words.report.undone, total.flagged.undone),
    ];
    let flagged = flagged.into_iter().filter(|(_, count)| *count > 0).map(|(label, n)| (label.to_lowercase(), n));
    page.entry(words.recap.notes, &list(flagged.collect()));
    hours(page, app, day);
    if !day.whole {
        page.gap();
        page.paragraph(words.recap.in_memory);
    }
}

/// A heading and a bar for each label; a full bar is all closings.
fn bars(parts: &mut Vec<Part>, heading: &str, bars: Vec<(String, u64)>, of: u64) {
    if !bars.is_empty() {
        parts.extend([Part::Heading(heading.into()), Part::Bars(bars, of)]);
    }
}

/// From the first hour with calls to the last.
fn hours(page: &mut Page, app: &App, day: &Recap) {
    let words = app.words();
    let Some(counts) = day.report.by_hour() else { return };
    let (Some(first), Some(last)) = (counts.iter().position(|n| *n > 0), counts.iter().rposition(|n| *n > 0)) else {
        return;
    };
    let span = &counts[first..=last];
    let most = span.iter().copied().max().unwrap_or_default();
    page.gap();
    let heading = format!("{} · {}", words.report.hours, words.report.most(most));
    page.parts.push(Part::Hours(heading, first, span.to_vec()));
}
