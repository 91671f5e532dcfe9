//! A line a call, for QA to find its recording by time and seat. RFC 4180; the header never changes but at its end.
//! A cell that a spreadsheet would take for a formula begins with an apostrophe.

use chrono::{FixedOffset, SecondsFormat};
use uuid::Uuid;

use super::seconds;
use crate::diagnostics::csv::cell;
use crate::journal::summary::{Detail, OvertakenDetail, Rest, Row, Vocabulary, list_of, rules_of, time};

/// The first line.
pub const HEADER: &str = "id,start,end,seconds,seat,ending,complete,left_out,cost,rule,revision,rules_sha256,zone,\
                          greeting,facts,ticks,differs,before_closing,taken_back,overtaken\r\n";

/// What stands between several of a kind in one cell.
const BETWEEN: &str = "; ";

/// Adds the line of a call.
///
/// # Errors
/// A detail that is none.
pub fn line(
    out: &mut String,
    row: &Row,
    rest: &Rest,
    detail: &str,
    vocabulary: &Vocabulary,
    zone: FixedOffset,
) -> serde_json::Result<()> {
    let detail = Detail::read(detail)?;
    let at = |ms: i64| {
        time(ms).map_or_else(String::new, |t| t.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Secs, false))
    };
    let (sum, revision) = rules_of(vocabulary.text(rest.rules));
    let listed = |text: &str| text.replace(' ', BETWEEN);
    let ticks: Vec<String> =
        detail.steps.iter().filter_map(|step| Some(format!("{}={}", step.0, at(step.2?)))).collect();
    let taken_back = detail.steps.iter().filter(|step| step.3 > 0).map(|step| format!("{}={}", step.0, step.3));
    let taken_back: Vec<String> = taken_back.collect();
    let late = |step: &OvertakenDetail<'_>| {
        let facts: Vec<String> = step.2.iter().map(|(fact, value)| format!("{fact}={value}")).collect();
        format!("{}={} ({})", step.0, at(step.1), facts.join(", "))
    };
    let overtaken: Vec<String> = detail.overtaken.iter().map(late).collect();
    let (end, how) = row.end.unzip();
    let cells = [
        Uuid::from_bytes(rest.id).to_string(),
        at(row.start_ms),
        end.map_or_else(String::new, at),
        end.map_or_else(String::new, |end| seconds(row.start_ms, end).to_string()),
        vocabulary.text(row.seat).to_owned(),
        how.map_or_else(String::new, |how| how.code().to_owned()),
        row.complete.to_string(),
        listed(vocabulary.text(row.left_out)),
        list_of(vocabulary.text(row.cost)).join(BETWEEN),
        vocabulary.text(row.rule).to_owned(),
        revision.to_owned(),
        sum.to_owned(),
        vocabulary.text(rest.zone).to_owned(),
        vocabulary.text(rest.greeting).to_owned(),
        listed(vocabulary.text(row.facts)),
        ticks.join(BETWEEN),
        detail.differs.join(BETWEEN),
        end.map_or_else(String::new, |_| detail.is_before_closing().to_string()),
        taken_back.join(BETWEEN),
        overtaken.join(BETWEEN),
    ];
    for (at, text) in cells.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        cell(out, text);
    }
    out.push_str("\r\n");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> String {
        let mut out = String::new();
        cell(&mut out, text);
        out
    }

    #[test]
    fn no_cell_is_a_formula_and_none_breaks_the_line() {
        for (text, cell) in [
            ("", ""),
            ("meja 7", "meja 7"),
            ("=1+1", "'=1+1"),
            ("-7", "'-7"),
            ("+62", "'+62"),
            ("@x", "'@x"),
            ("'a", "''a"),
            ("a,b", "\"a,b\""),
            ("=a\"b\",\nc", "\"'=a\"\"b\"\",\nc\""),
            ("a; b", "\"a; b\""),
            (" a", "\" a\""),
        ] {
            assert_eq!(of(text), cell);
        }
    }
}
