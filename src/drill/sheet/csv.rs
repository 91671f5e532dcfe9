//! Result sheets as CSV (RFC 4180): a row a card, the sheet's own columns repeated in each, so that the sheets of a class
//! stand under each other in one file. What a spreadsheet would take for a formula is kept a text.

use serde_json::Value;

use super::{Row, Sheet};
use crate::tell::csv::cell;

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

/// Sheets under one heading.
#[must_use]
pub fn write<'s>(sheets: impl IntoIterator<Item = &'s Sheet>) -> String {
    let mut out = COLUMNS.iter().chain(&LAST).chain([&NOT_ASKED]).copied().collect::<Vec<_>>().join(",") + "\r\n";
    for sheet in sheets {
        for (number, card) in (1..).zip(&sheet.cards) {
            for (at, text) in cells(sheet, number, card).iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                cell(&mut out, text);
            }
            out.push_str("\r\n");
        }
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

/// The sheets of a file; `None` where it is none of ours.
#[must_use]
pub fn read(text: &str) -> Option<Vec<Sheet>> {
    let mut rows = parse(text)?.into_iter();
    let heading = rows.next()?;
    let place = |name: &str| heading.iter().position(|h| h == name);
    let all: Vec<&str> = COLUMNS.iter().chain(&LAST).copied().collect();
    let places: Vec<usize> = all.iter().map(|name| place(name)).collect::<Option<_>>()?;
    let not_asked = place(NOT_ASKED);
    let mut sheets: Vec<Sheet> = Vec::new();
    for row in rows {
        let mut get = places.iter().map(|at| row.get(*at).cloned());
        let mut next = || get.next().flatten();
        let mut sheet = Sheet {
            schema: next()?.parse().ok()?,
            trainee: some(next()?),
            exam: next()?.to_lowercase().parse().ok()?,
            seed: next()?.parse().ok()?,
            way: next()?,
            revision: next()?,
            rules_sha256: next()?,
            stories_sha256: next()?,
            pass: next()?.parse().ok()?,
            score: next()?.parse().ok()?,
            passed: next()?.to_lowercase().parse().ok()?,
            complete: next()?.to_lowercase().parse().ok()?,
            begun: next()?,
            ended: next()?,
            not_asked: not_asked
                .and_then(|at| row.get(at))
                .map(|names| names.split_whitespace().map(str::to_owned).collect())
                .unwrap_or_default(),
            cards: Vec::new(),
        };
        let number: usize = next()?.parse().ok()?;
        let card = Row {
            scenario: next()?,
            rule: next()?,
            facts: serde_json::from_str(&next()?).ok()?,
            zone: next()?,
            time: next()?,
            honorific: some(next()?),
            steps: next()?.split_whitespace().map(str::to_owned).collect(),
            greeting: next()?,
            answer: match some(next()?) {
                Some(answer) => Some(serde_json::from_str(&answer).ok()?),
                None => None,
            },
            right: next()?.to_lowercase().parse().ok()?,
            shown: some(next()?),
            answered: some(next()?),
        };
        match sheets.last_mut().filter(|last| number > 1 && last.cards.len() + 1 == number) {
            Some(last) => {
                let cards = std::mem::take(&mut last.cards);
                if *last != sheet {
                    return None;
                }
                last.cards = cards;
                last.cards.push(card);
            }
            None if number == 1 => {
                sheet.cards.push(card);
                sheets.push(sheet);
            }
            None => return None,
        }
    }
    Some(sheets)
}

fn some(cell: String) -> Option<String> {
    (!cell.is_empty()).then_some(cell)
}

/// Rows of cells; `None` where a quotation is never closed.
fn parse(text: &str) -> Option<Vec<Vec<String>>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let (mut chars, mut open) = (text.chars().peekable(), false);
    let plain = |cell: String| cell.strip_prefix('\'').map(str::to_owned).unwrap_or(cell);
    while let Some(c) = chars.next() {
        match c {
            '"' if open && chars.peek() == Some(&'"') => {
                cell.push('"');
                chars.next();
            }
            '"' => open = !open,
            ',' if !open => row.push(plain(std::mem::take(&mut cell))),
            '\r' if !open => {}
            '\n' if !open => {
                row.push(plain(std::mem::take(&mut cell)));
                if row.iter().any(|cell| !cell.is_empty()) {
                    rows.push(std::mem::take(&mut row));
                }
                row.clear();
            }
            c => cell.push(c),
        }
    }
    if !cell.is_empty() || !row.is_empty() {
        row.push(plain(cell));
        rows.push(row);
    }
    (!open).then_some(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_come_back_as_they_were() {
        for cell in ["", "a", "a,b", "say \"x\"", "=1+1", "'x", "-3", "a\r\nb", "@", "é, 李"] {
            let mut text = "x,".to_owned();
            super::cell(&mut text, cell);
            text.push_str("\r\n");
            assert_eq!(parse(&text), Some(vec![vec!["x".to_owned(), cell.to_owned()]]), "{text:?}");
        }
        assert_eq!(parse("\"a"), None);
        assert_eq!(read(""), None);
        assert_eq!(read("a,b\r\n1,2\r\n"), None);
    }
}
