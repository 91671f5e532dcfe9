//! One call in full, for whoever listens to its recording.

use std::fmt::Write as _;

use chrono::{DateTime, FixedOffset, Utc};

use super::text::{fact_label, step_title, value_label};
use crate::journal::record::Record;
use crate::journal::report::seconds;
use crate::rules::RuleSet;
use crate::rules::text::clean;
use crate::times;
use crate::words::Words;

/// The call as lines, with the labels of these rules; it ends with an empty line.
pub fn text(record: &Record, zone: FixedOffset, rules: &RuleSet, words: &Words) -> String {
    let (w, r) = (&words.callpage, &words.report);
    let clock = |at: DateTime<Utc>| times::clock_with_seconds(&at.with_timezone(&zone), words);
    let mut rows = vec![(w.id, record.id.to_string())];
    rows.extend(record.interaction.clone().map(|id| (w.interaction, id)));
    rows.extend(record.agent.clone().map(|agent| (w.agent, agent)));
    rows.extend(record.seat.clone().map(|seat| (r.by_seat, seat)));
    rows.push((w.start, times::moment_with_seconds(record.start, zone, rules, words)));
    match record.end {
        None => rows.push((w.end, r.open.to_lowercase())),
        Some((at, outcome)) => {
            let length = seconds(record.start.timestamp_millis(), at.timestamp_millis());
            rows.push((w.end, w.ended(clock(at), length)));
            rows.push((r.by_ending, words.outcome(outcome).to_owned()));
        }
    }
    rows.push((r.by_rule, record.rule.clone()));
    rows.push((w.revision, record.revision.clone()));
    rows.push((w.zone, record.zone.clone()));
    rows.extend(record.greeting.clone().map(|greeting| (w.greeting, greeting)));
    for fact in &record.facts {
        let value = value_label(&fact.fact, &fact.value, rules);
        let value = fact.set.map_or_else(|| value.to_owned(), |at| format!("{value} ({})", clock(at)));
        rows.push((fact_label(&fact.fact, rules), value));
    }
    for step in &record.steps {
        let state = match step.ticked {
            Some(at) => w.ticked(clock(at)),
            None if record.end.is_none() => w.not_ticked.into(),
            None if step.left_out => w.left_out.into(),
            None => w.not_required.into(),
        };
        let undone =
            if step.undone > 0 { format!(" · {} {}", r.undone.to_lowercase(), step.undone) } else { String::new() };
        rows.push((step_title(&step.step, rules), state + &undone));
    }
    for late in &record.overtaken {
        rows.push((step_title(&late.step, rules), w.overtaken(clock(late.at))));
    }
    if !record.cost.is_empty() {
        let lost: Vec<&str> = record.cost.iter().map(|p| rules.sop.name_of_loss(p)).collect();
        rows.push((r.costing, lost.join(", ")));
    }
    let mut out = format!("{}\n", r.title);
    for (label, value) in rows {
        let _ = writeln!(out, "  {}: {}", clean(label), clean(&value));
    }
    out + "\n"
}
