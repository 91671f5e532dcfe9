//! One line per call, so that QA finds the recording by time and seat. New columns are appended only.

use chrono::{DateTime, FixedOffset, SecondsFormat, Utc};

use crate::diagnostics::csv;
use crate::journal::record::{OvertakenRecord, Record};
use crate::journal::report::seconds;

/// The column names.
pub const COLUMNS: [&str; 22] = [
    "id",
    "start",
    "end",
    "seconds",
    "seat",
    "ending",
    "complete",
    "left_out",
    "cost",
    "rule",
    "revision",
    "rules_sha256",
    "zone",
    "greeting",
    "facts",
    "ticks",
    "differs",
    "before_closing",
    "taken_back",
    "overtaken",
    "agent",
    "interaction",
];

/// The separator between several values in a cell.
const BETWEEN: &str = "; ";

/// The header line.
pub fn header() -> String {
    csv::line(COLUMNS, ',')
}

/// A call's line, with times in this zone.
pub fn line(record: &Record, zone: FixedOffset) -> String {
    let at = |time: DateTime<Utc>| time.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Secs, false);
    let join = |texts: &mut dyn Iterator<Item = String>| texts.collect::<Vec<_>>().join(BETWEEN);
    let steps = record.steps.iter();
    let ticks = steps.clone().filter_map(|step| Some(format!("{}={}", step.step, at(step.ticked?))));
    let undone = steps.clone().filter(|step| step.undone > 0).map(|step| format!("{}={}", step.step, step.undone));
    let left_out = steps.filter(|step| step.left_out).map(|step| step.step.clone());
    let facts = record.facts.iter().map(|fact| format!("{}={}", fact.fact, fact.value));
    let overtaken = record.overtaken.iter().map(|late: &OvertakenRecord| {
        let facts: Vec<String> = late.facts.iter().map(|(fact, value)| format!("{fact}={value}")).collect();
        format!("{}={} ({})", late.step, at(late.at), facts.join(", "))
    });
    let (end, outcome) = record.end.unzip();
    let duration = end.map(|end| seconds(record.start.timestamp_millis(), end.timestamp_millis()).to_string());
    let cells: [String; COLUMNS.len()] = [
        record.id.to_string(),
        at(record.start),
        end.map(at).unwrap_or_default(),
        duration.unwrap_or_default(),
        record.seat.clone().unwrap_or_default(),
        outcome.map(|outcome| outcome.code().to_owned()).unwrap_or_default(),
        record.steps.iter().all(|step| !step.left_out).to_string(),
        join(&mut left_out.into_iter()),
        record.cost.join(BETWEEN),
        record.rule.clone(),
        record.revision.clone(),
        record.rules_sha256.clone(),
        record.zone.clone(),
        record.greeting.clone().unwrap_or_default(),
        join(&mut facts.into_iter()),
        join(&mut ticks.into_iter()),
        record.differs.join(BETWEEN),
        end.map(|_| record.is_before_closing().to_string()).unwrap_or_default(),
        join(&mut undone.into_iter()),
        join(&mut overtaken.into_iter()),
        record.agent.clone().unwrap_or_default(),
        record.interaction.clone().unwrap_or_default(),
    ];
    csv::line(&cells, ',')
}
