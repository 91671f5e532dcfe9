//! The result sheet as CSV: a row per card, with the sheet's own columns repeated in each, so that the sheets of a
//! class can be put under each other. A sheet without an answered card has one row, in which the card's columns are empty.

use super::{CardRow, Expected, Sheet};
use crate::diagnostics::csv::line;

/// The columns of a row. New ones go to the end: the order is part of the format.
fn columns(sheet: &Sheet, number: usize, card: Option<&CardRow>) -> [(&'static str, String); 31] {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let of_card = |cell: fn(&CardRow) -> String| card.map(cell).unwrap_or_default();
    let expected = card.and_then(|card| card.expected.as_ref());
    let of_expected = |cell: fn(&Expected) -> String| expected.map(cell).unwrap_or_default();
    [
        ("schema", sheet.schema.to_string()),
        ("trainee", text(&sheet.trainee)),
        ("exam", sheet.exam.to_string()),
        ("seed", sheet.seed.map(|seed| seed.to_string()).unwrap_or_default()),
        ("way", sheet.way.clone()),
        ("revision", sheet.revision.clone()),
        ("rules_sha256", sheet.rules_sha256.clone()),
        ("stories_sha256", sheet.stories_sha256.clone()),
        ("pass", sheet.pass.to_string()),
        ("score", sheet.score.map(|score| score.to_string()).unwrap_or_default()),
        ("passed", sheet.passed.to_string()),
        ("complete", sheet.complete.to_string()),
        ("begun", sheet.begun.clone()),
        ("ended", sheet.ended.clone()),
        ("card", card.map(|_| number.to_string()).unwrap_or_default()),
        ("scenario", of_card(|c| c.scenario.clone())),
        ("rule", of_expected(|e| e.rule.clone())),
        ("facts", of_expected(|e| serde_json::Value::Object(e.facts.clone()).to_string())),
        ("zone", of_card(|c| c.zone.clone())),
        ("time", of_card(|c| c.time.clone())),
        ("honorific", of_expected(|e| e.honorific.clone().unwrap_or_default())),
        ("steps", of_expected(|e| e.steps.join(" "))),
        ("greeting", of_expected(|e| e.greeting.clone())),
        ("answer", of_card(|c| c.answer.to_string())),
        ("right", of_expected(|e| e.right.to_string())),
        ("shown", of_card(|c| c.shown.clone())),
        ("answered", of_card(|c| c.answered.clone())),
        ("not_asked", sheet.not_asked.join(" ")),
        ("needed", sheet.needed.to_string()),
        ("count", sheet.count.to_string()),
        ("name", of_expected(|e| e.name.clone().unwrap_or_default())),
    ]
}

/// A sheet under its heading.
pub fn write(sheet: &Sheet) -> String {
    let mut out = String::new();
    let none = sheet.cards.is_empty().then_some(None);
    for (number, card) in (1..).zip(sheet.cards.iter().map(Some).chain(none)) {
        let columns = columns(sheet, number, card);
        if number == 1 {
            out += &line(columns.iter().map(|(name, _)| name), ',');
        }
        out += &line(columns.iter().map(|(_, cell)| cell), ',');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drill::session::testing::finished_exam;

    #[test]
    fn cells_come_back_as_written_and_none_is_a_formula() {
        let mut sheet = finished_exam(7).sheet();
        sheet.trainee = Some("=1+1".into());
        sheet.revision = "Rev \"2\", baru\r\n; 'x".into();
        let text = write(&sheet);
        assert!(text.starts_with("schema,trainee,exam,seed,") && text.ends_with("\r\n"), "{text}");
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), sheet.cards.len());
        assert!(rows.iter().all(|row| row[1] == *"'=1+1" && row[5] == *sheet.revision), "{text}");
        assert_eq!(rows[2][22], sheet.cards[2].expected.as_ref().unwrap().greeting);
        sheet.cards.clear();
        let text = write(&sheet);
        let rows = csv::Reader::from_reader(text.as_bytes()).into_records().count();
        assert_eq!(rows, 1, "a sheet without cards says whose it is: {text}");
    }
}
