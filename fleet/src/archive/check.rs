//! Checks a message of a closings stream before it goes to the database. Pure.

use penutup_journal::merge::Calls;
use penutup_journal::record::Record;
use uuid::Uuid;

use crate::database::write::{Batch, ClosingRow, Rejected};
use crate::wire::closing::{Closing, Head};
use crate::wire::name::Name;
use crate::wire::refusal::Refusal;
use crate::wire::subject::parse_seat;

/// The highest sequence number that is accepted.
const MAX_SEQ: i64 = u32::MAX as i64;

/// Adds a message to a batch, as a row or, kept as it is, as a rejection. One whose subject is no seat's is ignored: the
/// server lets none through.
pub fn add(batch: &mut Batch, subject: &str, bytes: &[u8]) {
    let Some(seat) = parse_seat(subject) else { return };
    let mut reject = |why, number| {
        batch.rejected.push(Rejected { seat: seat.clone(), why, number, message: bytes.to_vec() });
    };
    let closing = match Closing::parse(bytes) {
        Ok(closing) => closing,
        Err(why) => {
            // A closing of another schema arrived all the same: it must not be requested again.
            let head = Head::parse(bytes).ok().filter(|_| why == Refusal::OtherSchema);
            return reject(why, head.and_then(|head| number(head.epoch?, head.seq?)));
        }
    };
    let Some(number) = number(closing.epoch, closing.seq) else { return reject(Refusal::Malformed, None) };
    match parse_call(&seat, number, closing.call.get()) {
        Some(row) => batch.closings.push(row),
        None => reject(Refusal::BadPayload, Some(number)),
    }
}

/// The ledger's id, which says nothing about its age, and the number.
fn number(epoch: Uuid, seq: u64) -> Option<(Uuid, i64)> {
    let seq = i64::try_from(seq).ok().filter(|seq| (1..=MAX_SEQ).contains(seq))?;
    Some((epoch, seq))
}

/// A call that ended, with valid values. It is serialized again, so that unknown fields are dropped.
fn parse_call(seat: &(Name, Name), (epoch, seq): (Uuid, i64), call: &str) -> Option<ClosingRow> {
    let record: Record = serde_json::from_str(call).ok()?;
    let summary = Calls::default().summary(&record).ok()?;
    record.end?;
    let version = i64::try_from(record.version).ok()?;
    let call = serde_json::to_string(&record).ok()?;
    Some(ClosingRow { seat: seat.clone(), epoch, seq, id: record.id, version, start_ms: summary.start_ms, call })
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: &str = "019ab000-0000-7000-8000-000000000001";
    const CALL: &str = r#"{"id":"019ab123-0000-7000-8000-000000000007","version":4,"start_ms":1795507200000,
        "end_ms":1795507260000,"changed_ms":1795507260000,"ending":"lengkap","seat":"meja 7","zone":"WIB",
        "greeting":"siang","rule":"satu","revision":"Rev-1","rules_sha256":"ab12","cost":[],
        "facts":[["klb","ya",null]],"steps":[["download",true,1795507230000,0,false,[]]]}"#;

    fn checked(subject: &str, text: &str) -> Batch {
        let mut batch = Batch::default();
        add(&mut batch, subject, text.as_bytes());
        batch
    }

    fn message(call: &str) -> String {
        format!(r#"{{"schema":1,"epoch":"{EPOCH}","seq":7,"call":{call}}}"#)
    }

    #[test]
    fn a_closing_is_stored_under_its_subjects_seat_without_unknown_fields() {
        let call = CALL.replacen('{', r#"{"nama":"Bapak Budi","#, 1);
        let batch = checked("closing.jkt.a01", &message(&call));
        let [row] = &batch.closings[..] else { panic!("{batch:?}") };
        assert_eq!((row.seat.0.as_str(), row.seat.1.as_str(), row.seq), ("jkt", "a01", 7));
        assert_eq!((row.version, row.epoch.to_string().as_str()), (4, EPOCH));
        assert!(row.call.contains("\"ending\":\"lengkap\"") && !row.call.contains("Budi"));
        assert_eq!(batch.rejected, []);
    }

    #[test]
    fn a_closing_is_kept_whatever_its_ledgers_id_says_of_time() {
        // Of the year 2100, without a time, and nil.
        for epoch in [
            "03bbc000-0000-7000-8000-000000000001",
            "019ab000-0000-4000-8000-000000000001",
            "00000000-0000-0000-0000-000000000000",
        ] {
            let batch = checked("closing.jkt.a01", &message(CALL).replace(EPOCH, epoch));
            assert_eq!((batch.closings.len(), batch.rejected.len()), (1, 0), "{epoch}");
        }
    }

    #[test]
    fn invalid_closings_are_rejected_with_their_reason() {
        let good = message(CALL);
        for (text, why, is_numbered) in [
            ("{".to_owned(), Refusal::Malformed, false),
            (good.replace("\"seq\":7", "\"seq\":0"), Refusal::Malformed, false),
            (good.replace("\"seq\":7", "\"seq\":4294967296"), Refusal::Malformed, false),
            (good.replace("\"lengkap\"", "\"entah\""), Refusal::BadPayload, true),
            (good.replace("\"lengkap\"", "null").replace("1795507260000,\"c", "null,\"c"), Refusal::BadPayload, true),
            (good.replace("meja 7", "meja \\u0007"), Refusal::BadPayload, true),
            (good.replace("\"version\":4", "\"version\":18446744073709551615"), Refusal::BadPayload, true),
            (message("[]"), Refusal::BadPayload, true),
            (message(&format!("\"{}\"", "x".repeat(70_000))), Refusal::TooLarge, false),
            (good.replace("\"schema\":1", "\"schema\":2"), Refusal::OtherSchema, true),
            ("{\"schema\":2}".into(), Refusal::OtherSchema, false),
        ] {
            let batch = checked("closing.jkt.a01", &text);
            let [rejected] = &batch.rejected[..] else { panic!("{text}: {batch:?}") };
            assert_eq!((rejected.why, rejected.number.is_some()), (why, is_numbered), "{text}");
            assert_eq!(rejected.message, text.as_bytes(), "it is kept");
            assert_eq!(batch.closings, []);
        }
        assert_eq!(checked("closing.jkt", &good), Batch::default());
    }
}
