//! A message of a closings stream → a closing for the database, or why it is none. Pure: the subject and the bytes in,
//! and what time it is.

use chrono::{DateTime, TimeDelta, Utc};
use penutup::journal::merge::Calls;
use penutup::journal::record::Record;
use uuid::Uuid;

use crate::database::schema::made;
use crate::database::write::{Arrived, Batch, Turned};
use crate::wire::closing::Closing;
use crate::wire::name::Name;
use crate::wire::refusal::Refusal;
use crate::wire::subject::site_and_seat;

/// The highest number of a seat's call that is believed.
const MOST_CALLS: u64 = u32::MAX as u64;
/// How far a ledger may have been begun in the future: clocks differ.
const AHEAD: TimeDelta = TimeDelta::days(1);

/// Puts a message into a batch. One whose subject is none of a seat's is not even counted: the server lets none through.
pub fn sort(batch: &mut Batch, subject: &str, bytes: &[u8], now: DateTime<Utc>) {
    let Some(seat) = site_and_seat(subject) else { return };
    let closing = match Closing::read(bytes) {
        Ok(closing) => closing,
        Err(why) => return batch.refused.push(Turned { seat, why, number: None }),
    };
    let Some(number) = number(&closing, now) else {
        return batch.refused.push(Turned { seat, why: Refusal::Malformed, number: None });
    };
    match arrived(&seat, number, closing.call.get()) {
        Some(arrived) => batch.closings.push(arrived),
        None => batch.refused.push(Turned { seat, why: Refusal::BadPayload, number: Some(number) }),
    }
}

/// The ledger and the number. A ledger of the future would outlast all that come.
fn number(closing: &Closing<'_>, now: DateTime<Utc>) -> Option<(Uuid, i64)> {
    let is_ledger = made(closing.epoch)? <= now + AHEAD;
    let seq = i64::try_from(closing.seq).ok().filter(|_| closing.seq <= MOST_CALLS)?;
    is_ledger.then_some((closing.epoch, seq))
}

/// A call that ended, every value of which can be; written anew, so that nothing comes along that is not of the form.
fn arrived(seat: &(Name, Name), (epoch, seq): (Uuid, i64), call: &str) -> Option<Arrived> {
    let record: Record = serde_json::from_str(call).ok()?;
    let summary = Calls::default().summary(&record).ok()?;
    record.end?;
    let version = i64::try_from(record.version).ok()?;
    let call = serde_json::to_string(&record).ok()?;
    Some(Arrived { seat: seat.clone(), epoch, seq, id: record.id, version, start_ms: summary.start_ms, call })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-24T08:00:00Z";
    const EPOCH: &str = "019ab000-0000-7000-8000-000000000001";
    const CALL: &str = r#"{"id":"019ab123-0000-7000-8000-000000000007","version":4,"start_ms":1795507200000,
        "end_ms":1795507260000,"changed_ms":1795507260000,"ending":"lengkap","seat":"meja 7","zone":"WIB",
        "greeting":"siang","rule":"satu","revision":"Rev-1","rules_sha256":"ab12","cost":[],
        "facts":[["klb","ya",null]],"steps":[["download",true,1795507230000,0,false,[]]]}"#;

    fn sorted(subject: &str, text: &str) -> Batch {
        let mut batch = Batch::default();
        sort(&mut batch, subject, text.as_bytes(), NOW.parse().unwrap());
        batch
    }

    fn message(call: &str) -> String {
        format!(r#"{{"schema":1,"epoch":"{EPOCH}","seq":7,"call":{call}}}"#)
    }

    #[test]
    fn a_closing_comes_in_under_the_subjects_name_and_with_nothing_that_is_not_of_the_form() {
        let call = CALL.replacen('{', r#"{"nama":"Bapak Budi","#, 1);
        let batch = sorted("closing.jkt.a01", &message(&call));
        let [arrived] = &batch.closings[..] else { panic!("{batch:?}") };
        assert_eq!((arrived.seat.0.as_str(), arrived.seat.1.as_str(), arrived.seq), ("jkt", "a01", 7));
        assert_eq!((arrived.version, arrived.epoch.to_string().as_str()), (4, EPOCH));
        assert!(arrived.call.contains("\"ending\":\"lengkap\"") && !arrived.call.contains("Budi"));
        assert_eq!(batch.refused, []);
    }

    #[test]
    fn what_can_not_be_is_refused_and_counted_by_why() {
        let good = message(CALL);
        for (text, why, is_numbered) in [
            ("{".to_owned(), Refusal::Malformed, false),
            (good.replace("\"seq\":7", "\"seq\":0"), Refusal::Malformed, false),
            (good.replace("\"seq\":7", "\"seq\":4294967296"), Refusal::Malformed, false),
            // A ledger of the year 2100, and one that does not say of when it is.
            (good.replace(EPOCH, "03bbc000-0000-7000-8000-000000000001"), Refusal::Malformed, false),
            (good.replace(EPOCH, "019ab000-0000-4000-8000-000000000001"), Refusal::Malformed, false),
            (good.replace("\"lengkap\"", "\"entah\""), Refusal::BadPayload, true),
            (good.replace("\"lengkap\"", "null").replace("1795507260000,\"c", "null,\"c"), Refusal::BadPayload, true),
            (good.replace("meja 7", "meja \\u0007"), Refusal::BadPayload, true),
            (good.replace("\"version\":4", "\"version\":18446744073709551615"), Refusal::BadPayload, true),
            (message("[]"), Refusal::BadPayload, true),
            (message(&format!("\"{}\"", "x".repeat(70_000))), Refusal::TooLarge, false),
        ] {
            let batch = sorted("closing.jkt.a01", &text);
            let [turned] = &batch.refused[..] else { panic!("{text}: {batch:?}") };
            assert_eq!((turned.why, turned.number.is_some()), (why, is_numbered), "{text}");
            assert_eq!(batch.closings, []);
        }
        assert_eq!(sorted("closing.jkt", &good), Batch::default());
    }
}
