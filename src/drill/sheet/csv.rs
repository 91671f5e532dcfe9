//! Result sheets as CSV (RFC 4180): a row a card, the sheet's own columns repeated in each, so that the sheets of a class
//! stand under each other in one file. What a spreadsheet would take for a formula is kept a text.

use serde_json::Value;

use super::{Row, Sheet};
use crate::diagnostics::csv::cell;

/// The columns, in this order.
const COLUMNS: [&str; 25] = [
    "schema",
    "trainee",
    "exam",
    "seed",
    "way",
    "revision",
    "rules_sha256",
    "stories_sha256",
    "pass",
    "score",
    "passed",
    "complete",
    "begun",
    "ended",
    "card",
    "scenario",
    "rule",
    "facts",
    "zone",
    "time",
    "honorific",
    "steps",
    "greeting",
    "answer",
    "right",
];
/// Behind them, what was missed above: kept apart so that the columns people sort by come first.
const LAST: [&str; 2] = ["shown", "answered"];
/// Last, and not in sheets of 0.1.0: what an exam could not ask.
const NOT_ASKED: &str = "not_asked";

/// A sheet under a heading.
#[must_use]
pub fn write(sheet: &Sheet) -> String {
    let mut out = COLUMNS.iter().chain(&LAST).chain([&NOT_ASKED]).copied().collect::<Vec<_>>().join(",") + "\r\n";
    for (number, card) in (1..).zip(&sheet.cards) {
        for (at, text) in cells(sheet, number, card).iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            cell(&mut out, text);
        }
        out.push_str("\r\n");
    }
    out
}

fn cells(sheet: &Sheet, number: usize, card: &Row) -> Vec<String> {
    let json = |value: &Value| value.to_string();
    vec![
        sheet.schema.to_string(),
        sheet.trainee.clone().unwrap_or_default(),
        sheet.exam.to_string(),
        sheet.seed.to_string(),
        sheet.way.clone(),
        sheet.revision.clone(),
        sheet.rules_sha256.clone(),
        sheet.stories_sha256.clone(),
        sheet.pass.to_string(),
        sheet.score.to_string(),
        sheet.passed.to_string(),
        sheet.complete.to_string(),
        sheet.begun.clone(),
        sheet.ended.clone(),
        number.to_string(),
        card.scenario.clone(),
        card.rule.clone(),
        json(&Value::Object(card.facts.clone())),
        card.zone.clone(),
        card.time.clone(),
        card.honorific.clone().unwrap_or_default(),
        card.steps.join(" "),
        card.greeting.clone(),
        card.answer.as_ref().map(json).unwrap_or_default(),
        card.right.to_string(),
        card.shown.clone().unwrap_or_default(),
        card.answered.clone().unwrap_or_default(),
        sheet.not_asked.join(" "),
    ]
}
