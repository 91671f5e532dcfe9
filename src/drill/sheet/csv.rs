//! The result sheet as CSV: a row per card, with the sheet's own columns repeated in each, so that the sheets of a
//! class can be put under each other.

use super::{CardRow, Sheet};
use crate::diagnostics::csv::line;

/// The columns of a row. New ones go to the end: the order is part of the format.
fn columns(sheet: &Sheet, number: usize, card: &CardRow) -> [(&'static str, String); 28] {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    [
        ("schema", sheet.schema.to_string()),
        ("trainee", text(&sheet.trainee)),
        ("exam", sheet.exam.to_string()),
        ("seed", sheet.seed.to_string()),
        ("way", sheet.way.clone()),
        ("revision", sheet.revision.clone()),
        ("rules_sha256", sheet.rules_sha256.clone()),
        ("stories_sha256", sheet.stories_sha256.clone()),
        ("pass", sheet.pass.to_string()),
        ("score", sheet.score.to_string()),
        ("passed", sheet.passed.to_string()),
        ("complete", sheet.complete.to_string()),
        ("begun", sheet.begun.clone()),
        ("ended", sheet.ended.clone()),
        ("card", number.to_string()),
        ("scenario", card.scenario.clone()),
        ("rule", card.rule.clone()),
        ("facts", serde_json::Value::Object(card.facts.clone()).to_string()),
        ("zone", card.zone.clone()),
        ("time", card.time.clone()),
        ("honorific", text(&card.honorific)),
        ("steps", card.steps.join(" ")),
        ("greeting", card.greeting.clone()),
        ("answer", card.answer.as_ref().map(ToString::to_string).unwrap_or_default()),
        ("right", card.right.to_string()),
        ("shown", text(&card.shown)),
        ("answered", text(&card.answered)),
        ("not_asked", sheet.not_asked.join(" ")),
    ]
}

/// A sheet under its heading.
pub fn write(sheet: &Sheet) -> String {
    let mut out = String::new();
    for (number, card) in (1..).zip(&sheet.cards) {
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
    use crate::drill::session::testing::exam;

    #[test]
    fn cells_come_back_as_written_and_none_is_a_formula() {
        let mut sheet = exam(7).sheet();
        sheet.trainee = Some("=1+1".into());
        sheet.revision = "Rev \"2\", baru\r\n; 'x".into();
        let text = write(&sheet);
        assert!(text.starts_with("schema,trainee,exam,seed,") && text.ends_with("\r\n"), "{text}");
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), sheet.cards.len());
        assert!(rows.iter().all(|row| row[1] == *"'=1+1" && row[5] == *sheet.revision), "{text}");
        assert_eq!(rows[2][22], sheet.cards[2].greeting);
    }
}
