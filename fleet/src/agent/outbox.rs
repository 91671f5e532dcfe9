//! The closings in the journal that the stream does not have yet, in batches, each with its sequence number. Blocks on
//! the disk; knows no network.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::Utc;
use penutup_journal::read::{Edge, Ended, Reader};
use penutup_journal::trouble;
use serde_json::value::{RawValue, to_raw_value};
use uuid::Uuid;

use super::ledger::{CallNumber, Ledger, LedgerError, is_damage};
use crate::wire::SCHEMA;
use crate::wire::closing::{Closing, MAX_CLOSING, MissingRange};

/// How far back a scan starts, in milliseconds: an end can be undone as long as its prompter runs.
const SCAN_BACK_MS: i64 = 24 * 60 * 60 * 1000;
/// How often the whole journal is scanned: calls of a prompter that crashed can be closed days later.
const FULL_SCAN_INTERVAL: Duration = Duration::from_secs(60 * 60);
/// The most waiting closings that are kept in memory.
const MAX_WAITING: usize = 10_000;
/// Bytes that a closing adds to its call.
const CLOSING_OVERHEAD: usize = 256;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingClosing {
    pub id: Uuid,
    pub version: u64,
    /// Deduplicates it in the stream.
    pub message_id: String,
    pub body: Vec<u8>,
}

#[derive(Debug)]
pub enum OutboxError {
    Journal(trouble::Error),
    Ledger(LedgerError),
}

impl From<trouble::Error> for OutboxError {
    fn from(error: trouble::Error) -> Self {
        Self::Journal(error)
    }
}

impl From<rusqlite::Error> for OutboxError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Ledger(error.into())
    }
}

impl From<LedgerError> for OutboxError {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

/// Events to be logged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notices {
    /// Closings that are too large to be sent.
    pub too_large: u64,
    /// Where a damaged ledger was moved.
    pub moved_ledger: Option<PathBuf>,
}

#[derive(Debug)]
pub struct Outbox {
    journal: Option<PathBuf>,
    ledger_path: PathBuf,
    ledger: Option<Ledger>,
    /// The oldest that wait.
    waiting: VecDeque<Ended>,
    /// How many more wait.
    more: u64,
    in_flight: u64,
    scan_from_ms: i64,
    last_full_scan: Option<Instant>,
    notices: Notices,
}

impl Outbox {
    /// `journal` is `None` where none is kept.
    pub fn new(journal: Option<PathBuf>, ledger_path: PathBuf) -> Self {
        Self {
            journal,
            ledger_path,
            ledger: None,
            waiting: VecDeque::new(),
            more: 0,
            in_flight: 0,
            scan_from_ms: i64::MIN,
            last_full_scan: None,
            notices: Notices::default(),
        }
    }

    pub fn journal(&self) -> Option<&Path> {
        self.journal.as_deref()
    }

    pub fn unsent(&self) -> u64 {
        self.waiting.len() as u64 + self.more + self.in_flight
    }

    /// The ledger's id, and the highest sequence number that the stream acknowledged.
    pub fn progress(&mut self) -> Result<(Uuid, u64), OutboxError> {
        self.ledger().map(|ledger| (ledger.epoch(), ledger.sent()))
    }

    /// The events since the last call.
    pub fn take_notices(&mut self) -> Notices {
        std::mem::take(&mut self.notices)
    }

    fn ledger(&mut self) -> Result<&mut Ledger, OutboxError> {
        let ledger = if let Some(ledger) = self.ledger.take() {
            ledger
        } else {
            let (ledger, moved) = Ledger::open(&self.ledger_path)?;
            if moved.is_some() {
                // The new ledger needs a number for every call of the journal.
                (self.scan_from_ms, self.notices.moved_ledger) = (i64::MIN, moved);
            }
            ledger
        };
        Ok(self.ledger.insert(ledger))
    }

    /// Closes the ledger where the error says that it is damaged: opening it again moves it aside.
    fn close_if_damaged<T>(&mut self, result: Result<T, OutboxError>) -> Result<T, OutboxError> {
        if let Err(OutboxError::Ledger(LedgerError::Sqlite(error))) = &result
            && is_damage(error)
        {
            self.ledger = None;
        }
        result
    }

    /// Scans the journal for closings that the stream does not have. Returns how many there are.
    pub fn scan(&mut self) -> Result<u64, OutboxError> {
        let scanned = self.scan_journal();
        self.close_if_damaged(scanned)?;
        Ok(self.unsent())
    }

    fn reader(&self) -> Result<Option<Reader>, trouble::Error> {
        Ok(self.journal.as_deref().map(Reader::open).transpose()?.flatten())
    }

    fn scan_journal(&mut self) -> Result<(), OutboxError> {
        self.ledger()?;
        let Some(mut reader) = self.reader()? else {
            (self.waiting, self.more) = (VecDeque::new(), 0);
            return Ok(());
        };
        let is_due = self.last_full_scan.is_none_or(|at| at.elapsed() >= FULL_SCAN_INTERVAL);
        let is_full = is_due || self.scan_from_ms == i64::MIN;
        let from_ms = if is_full { i64::MIN } else { self.scan_from_ms };
        let Some(ledger) = &mut self.ledger else { return Ok(()) };
        let (mut waiting, mut more) = (VecDeque::new(), 0);
        let mut acked = ledger.acked_calls()?;
        let edge = reader.ended::<OutboxError>(from_ms, |ended| {
            match acked.contains(ended.id, ended.version)? {
                true => {}
                false if waiting.len() < MAX_WAITING => waiting.push_back(ended),
                false => more += 1,
            }
            Ok(())
        })?;
        drop(acked);
        if is_full {
            self.last_full_scan = Some(Instant::now());
            if let Some(lowest) = edge.lowest {
                ledger.prune_before(lowest)?;
            }
        }
        let oldest = waiting.front().map_or(i64::MAX, |ended| ended.start_ms);
        self.scan_from_ms = next_scan_from(&edge, Utc::now().timestamp_millis()).min(oldest);
        (self.waiting, self.more) = (waiting, more);
        Ok(())
    }

    /// The next batch, the oldest first. After an error they still wait.
    pub fn next_batch(&mut self, max: usize) -> Result<Vec<OutgoingClosing>, OutboxError> {
        let mut has_scanned = false;
        loop {
            if self.waiting.is_empty() && self.more > 0 && !has_scanned {
                self.scan()?;
                has_scanned = true;
            }
            let ids: Vec<Uuid> = self.waiting.iter().take(max).map(|ended| ended.id).collect();
            let closings = if ids.is_empty() { Ok(Vec::new()) } else { self.closings(&ids, None) };
            let closings = self.close_if_damaged(closings)?;
            self.waiting.drain(..ids.len());
            self.in_flight = closings.len() as u64;
            // Where all calls of a batch were deleted or too large, the ones after them must not wait for a change of the
            // journal.
            if !closings.is_empty() || ids.is_empty() {
                return Ok(closings);
            }
        }
    }

    /// Begins a new ledger, where the present one has this id.
    pub fn renew(&mut self, epoch: Uuid) -> Result<bool, OutboxError> {
        let renewed = self.ledger().and_then(|ledger| Ok(ledger.renew(epoch)?));
        let is_renewed = self.close_if_damaged(renewed)?;
        if is_renewed {
            // It needs a number for every call of the journal.
            self.scan_from_ms = i64::MIN;
        }
        Ok(is_renewed)
    }

    /// The closings of a resend request.
    pub fn resend(&mut self, missing: MissingRange) -> Result<Vec<OutgoingClosing>, OutboxError> {
        let closings = self.find_resend(missing);
        self.close_if_damaged(closings)
    }

    fn find_resend(&mut self, missing: MissingRange) -> Result<Vec<OutgoingClosing>, OutboxError> {
        let ledger = self.ledger()?;
        let ids = ledger.calls_in(missing)?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let request = ledger.count_resend()?;
        self.closings(&ids, Some(request))
    }

    /// The closings of these calls. `resend` is the number of the resend request, if they are for one.
    fn closings(&mut self, ids: &[Uuid], resend: Option<u64>) -> Result<Vec<OutgoingClosing>, OutboxError> {
        let Some(mut reader) = self.reader()? else { return Ok(Vec::new()) };
        let (mut lines, mut too_large) = (Vec::with_capacity(ids.len()), Vec::new());
        reader.ended_calls::<OutboxError>(ids, |record| {
            let (id, version) = (record.id, record.version);
            let text = to_raw_value(record).map_err(|_| trouble::Error::Damaged)?;
            if text.get().len() + CLOSING_OVERHEAD > MAX_CLOSING {
                too_large.push((id, version));
            } else {
                lines.push((id, version, text));
            }
            Ok(())
        })?;
        self.notices.too_large += too_large.len() as u64;
        let ledger = self.ledger()?;
        for (id, version) in too_large {
            ledger.mark_unsendable(id, version)?;
        }
        let calls: Vec<(Uuid, u64)> = lines.iter().map(|(id, version, _)| (*id, *version)).collect();
        let (numbers, epoch) = (ledger.assign_numbers(&calls)?, ledger.epoch());
        let closing = |((id, version, call), number): ((Uuid, u64, Box<RawValue>), CallNumber)| OutgoingClosing {
            id,
            version,
            message_id: message_id(id, version, number.first_version, resend),
            body: Closing { schema: SCHEMA, epoch, seq: number.seq, call: &call }.to_bytes(),
        };
        Ok(lines.into_iter().zip(numbers).map(closing).collect())
    }

    /// Records which closings of a batch were acknowledged, and how many were not. After an error the next scan finds
    /// them again.
    pub fn complete(&mut self, acknowledged: &[(Uuid, u64)], failed: usize) -> Result<(), OutboxError> {
        self.in_flight = 0;
        if failed > 0 {
            // They are older than those that wait: the next scan restores the order.
            self.more += self.waiting.len() as u64 + failed as u64;
            self.waiting.clear();
        }
        if acknowledged.is_empty() {
            return Ok(());
        }
        let marked = self.ledger().and_then(|ledger| Ok(ledger.acknowledge(acknowledged)?));
        self.close_if_damaged(marked)
    }
}

/// Where the next scan starts: everything that can still end or be undone is after it.
fn next_scan_from(edge: &Edge, now_ms: i64) -> i64 {
    let newest = edge.newest_ms.map_or(i64::MIN, |newest| newest.min(now_ms).saturating_sub(SCAN_BACK_MS));
    edge.open_ms.map_or(newest, |open| open.min(newest))
}

/// Equal for equal content, so that the stream stores it once.
fn message_id(id: Uuid, version: u64, first_version: u64, resend: Option<u64>) -> String {
    match resend {
        Some(request) => format!("{id}.{version}.r{request}"),
        None if version == first_version => id.to_string(),
        None => format!("{id}.{version}"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use chrono::{DateTime, TimeDelta};
    use penutup_journal::presence::Presence;
    use penutup_journal::record::Record;
    use penutup_journal::store::{Change, Store};
    use penutup_rules::closing::ending::{Ending, Outcome};
    use tempfile::TempDir;

    use super::*;

    struct TestJournal {
        folder: TempDir,
        store: Store,
        presence: Presence,
    }

    impl TestJournal {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let mut store = Store::open(&folder.path().join("journal.db")).unwrap().store;
            let presence = store.join().unwrap();
            Self { folder, store, presence }
        }

        fn outbox(&self) -> Outbox {
            Outbox::new(Some(self.folder.path().join("journal.db")), self.folder.path().join("ledger.db"))
        }

        /// Writes a call that started at this second.
        fn write(&mut self, id: u128, version: u64, second: i64, ended: bool) {
            self.write_by(id, version, second, ended, "biasa");
        }

        fn write_by(&mut self, id: u128, version: u64, second: i64, ended: bool, rule: &str) {
            let at = |second| DateTime::UNIX_EPOCH + TimeDelta::seconds(second);
            let record = Record {
                id: Uuid::from_u128(id),
                version,
                start: at(second),
                end: ended.then(|| (at(second + 9), Outcome::Ended(Ending::Complete))),
                changed: at(second),
                rule: rule.into(),
                ..Record::default()
            };
            self.store.save(self.presence.id(), std::iter::once(Change::Save(&record))).unwrap();
        }
    }

    fn next(outbox: &mut Outbox) -> Vec<(u128, String, u64)> {
        outbox.scan().unwrap();
        let closings = outbox.next_batch(9).unwrap();
        let fields = |closing: &OutgoingClosing| {
            let seq = Closing::parse(&closing.body).unwrap().seq;
            (closing.id.as_u128(), closing.message_id.clone(), seq)
        };
        closings.iter().map(fields).collect()
    }

    fn id(n: u128) -> String {
        Uuid::from_u128(n).to_string()
    }

    #[test]
    fn an_unacknowledged_closing_waits_however_old_it_is() {
        let mut journal = TestJournal::new();
        journal.write(1, 1, 0, true);
        journal.write(2, 1, 10 * 86_400, true);
        let mut outbox = journal.outbox();
        let first = next(&mut outbox);
        assert_eq!(first, [(1, id(1), 1), (2, id(2), 2)]);
        // The server accepted only the second; the first is ten days older.
        outbox.complete(&[(Uuid::from_u128(2), 1)], 1).unwrap();
        assert_eq!(outbox.unsent(), 1);
        assert_eq!(next(&mut outbox), [(1, id(1), 1)]);
        // A crash before the acknowledgement was recorded.
        let mut outbox = journal.outbox();
        assert_eq!(next(&mut outbox), [(1, id(1), 1)]);
        outbox.complete(&[(Uuid::from_u128(1), 1)], 0).unwrap();
        assert_eq!((outbox.scan().unwrap(), outbox.progress().unwrap().1), (0, 2));
    }

    #[test]
    fn unsendable_closings_do_not_block_others() {
        let mut journal = TestJournal::new();
        for n in 1..=3 {
            journal.write_by(n, 1, 0, true, &"x".repeat(MAX_CLOSING));
        }
        journal.write(4, 1, 1, true);
        let mut outbox = journal.outbox();
        outbox.scan().unwrap();
        let sent: Vec<_> = outbox.next_batch(2).unwrap().iter().map(|closing| closing.id.as_u128()).collect();
        assert_eq!((sent, outbox.take_notices().too_large), (vec![4], 3));
        outbox.complete(&[(Uuid::from_u128(4), 1)], 0).unwrap();
        assert_eq!((outbox.scan().unwrap(), outbox.progress().unwrap().1), (0, 1));
    }

    #[test]
    fn a_call_that_ran_for_days_is_found_and_a_newer_version_gets_another_message_id() {
        let mut journal = TestJournal::new();
        journal.write(1, 1, 0, false);
        journal.write(2, 1, 10 * 86_400, true);
        let mut outbox = journal.outbox();
        assert_eq!(next(&mut outbox), [(2, id(2), 1)]);
        // Its end is undone before the acknowledgement, and it ends again: the stream may have the first version.
        journal.write(2, 2, 10 * 86_400, false);
        outbox.complete(&[], 1).unwrap();
        assert_eq!(next(&mut outbox), []);
        journal.write(1, 2, 0, true);
        journal.write(2, 3, 10 * 86_400, true);
        assert_eq!(next(&mut outbox), [(1, id(1), 2), (2, format!("{}.3", id(2)), 1)]);
        outbox.complete(&[(Uuid::from_u128(1), 2), (Uuid::from_u128(2), 3)], 0).unwrap();
        let missing = |epoch, from, to| MissingRange { epoch, from, to };
        let (epoch, _) = outbox.progress().unwrap();
        let again: Vec<_> =
            outbox.resend(missing(epoch, 1, 1)).unwrap().into_iter().map(|closing| closing.message_id).collect();
        assert_eq!(again, [format!("{}.3.r1", id(2))]);
        assert_eq!(outbox.resend(missing(Uuid::nil(), 1, 9)).unwrap(), []);
    }

    #[test]
    fn a_damaged_ledger_is_replaced_and_a_missing_journal_is_no_error() {
        let mut journal = TestJournal::new();
        journal.write(1, 1, 0, true);
        let mut outbox = journal.outbox();
        assert_eq!(next(&mut outbox).len(), 1);
        outbox.complete(&[(Uuid::from_u128(1), 1)], 0).unwrap();
        let (epoch, _) = outbox.progress().unwrap();
        drop(outbox);
        let ledger = journal.folder.path().join("ledger.db");
        fs::write(&ledger, "x".repeat(5_000)).unwrap();
        let mut outbox = journal.outbox();
        assert_eq!(next(&mut outbox), [(1, id(1), 1)]);
        assert!(outbox.take_notices().moved_ledger.is_some());
        assert_ne!(outbox.progress().unwrap().0, epoch);
        for journal in [None, Some(journal.folder.path().join("none.db"))] {
            let mut outbox = Outbox::new(journal, ledger.clone());
            assert_eq!(outbox.scan().unwrap(), 0);
        }
        fs::write(journal.folder.path().join("foreign.db"), "x".repeat(5_000)).unwrap();
        let mut outbox = Outbox::new(Some(journal.folder.path().join("foreign.db")), ledger);
        assert!(matches!(outbox.scan(), Err(OutboxError::Journal(_))));
    }
}
