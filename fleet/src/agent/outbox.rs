//! From the journal to what goes over the wire: which closings are not in the stream yet, a few of them at a time, each
//! with its number. Blocks on the disk; knows no network.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::Utc;
use penutup::journal::ended::{Edge, Written};
use penutup::journal::read::Reader;
use penutup::journal::trouble;
use serde_json::value::to_raw_value;
use uuid::Uuid;

use super::ledger::{Ledger, NoLedger, Numbered, is_damage};
use crate::wire::SCHEMA;
use crate::wire::closing::{Closing, MAX_CLOSING, Missing};

/// How far back a look goes, in milliseconds: an end can be taken back as long as its prompter lives.
const BACK: i64 = 24 * 60 * 60 * 1000;
/// How often the whole journal is looked through: a prompter that died leaves calls that are ended days later.
const WHOLE: Duration = Duration::from_secs(60 * 60);
/// How many of those that wait are kept in memory.
const MOST: usize = 10_000;
/// What a closing has around its call.
const AROUND: usize = 256;

/// A closing, ready to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// The call.
    pub id: Uuid,
    /// Its version.
    pub version: u64,
    /// What the stream knows it by.
    pub message: String,
    /// The bytes.
    pub body: Vec<u8>,
}

/// Why closings can't be had.
#[derive(Debug)]
pub enum Trouble {
    /// The journal can't be read.
    Journal(trouble::Error),
    /// The ledger can't be used.
    Ledger(NoLedger),
}

impl From<trouble::Error> for Trouble {
    fn from(error: trouble::Error) -> Self {
        Self::Journal(error)
    }
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Ledger(error.into())
    }
}

impl From<NoLedger> for Trouble {
    fn from(error: NoLedger) -> Self {
        Self::Ledger(error)
    }
}

/// What was found beside closings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Noticed {
    /// How many closings are too large to be sent.
    pub too_large: u64,
    /// Where a damaged ledger went.
    pub aside: Option<PathBuf>,
}

/// The closings that wait.
#[derive(Debug)]
pub struct Carrier {
    journal: Option<PathBuf>,
    path: PathBuf,
    ledger: Option<Ledger>,
    /// The oldest that wait, and how many more there are.
    waiting: VecDeque<Written>,
    more: u64,
    under_way: u64,
    from_ms: i64,
    looked_whole: Option<Instant>,
    noticed: Noticed,
}

impl Carrier {
    /// Of a journal (`None`: none is kept), with the ledger at `path`.
    #[must_use]
    pub fn new(journal: Option<PathBuf>, path: PathBuf) -> Self {
        Self {
            journal,
            path,
            ledger: None,
            waiting: VecDeque::new(),
            more: 0,
            under_way: 0,
            from_ms: i64::MIN,
            looked_whole: None,
            noticed: Noticed::default(),
        }
    }

    /// The journal.
    #[must_use]
    pub fn journal(&self) -> Option<&Path> {
        self.journal.as_deref()
    }

    /// How many closings wait, or are under way.
    #[must_use]
    pub fn unsent(&self) -> u64 {
        self.waiting.len() as u64 + self.more + self.under_way
    }

    /// The ledger's id, and the highest number that the stream has.
    ///
    /// # Errors
    /// Where there is no ledger.
    pub fn standing(&mut self) -> Result<(Uuid, u64), Trouble> {
        self.ledger().map(|ledger| (ledger.epoch(), ledger.sent()))
    }

    /// What was found since this was last asked.
    pub fn noticed(&mut self) -> Noticed {
        std::mem::take(&mut self.noticed)
    }

    fn ledger(&mut self) -> Result<&mut Ledger, Trouble> {
        let ledger = if let Some(ledger) = self.ledger.take() {
            ledger
        } else {
            let (ledger, aside) = Ledger::open(&self.path)?;
            if aside.is_some() {
                // All of the journal is to be numbered anew.
                (self.from_ms, self.noticed.aside) = (i64::MIN, aside);
            }
            ledger
        };
        Ok(self.ledger.insert(ledger))
    }

    /// Whatever the ledger says; a damaged one is opened anew next time, and put aside then.
    fn heeding<T>(&mut self, outcome: Result<T, Trouble>) -> Result<T, Trouble> {
        if let Err(Trouble::Ledger(NoLedger::Sqlite(error))) = &outcome
            && is_damage(error)
        {
            self.ledger = None;
        }
        outcome
    }

    /// Looks through the journal for what is not in the stream; answers how many wait.
    ///
    /// # Errors
    /// Why it can't.
    pub fn look(&mut self) -> Result<u64, Trouble> {
        let looked = self.look_for_waiting();
        self.heeding(looked)?;
        Ok(self.unsent())
    }

    fn look_for_waiting(&mut self) -> Result<(), Trouble> {
        self.ledger()?;
        let Some(mut reader) = self.journal.as_deref().map(Reader::open).transpose()?.flatten() else {
            (self.waiting, self.more) = (VecDeque::new(), 0);
            return Ok(());
        };
        let is_whole = self.looked_whole.is_none_or(|at| at.elapsed() >= WHOLE) || self.from_ms == i64::MIN;
        let from_ms = if is_whole { i64::MIN } else { self.from_ms };
        let Some(ledger) = &mut self.ledger else { return Ok(()) };
        let (mut waiting, mut more) = (VecDeque::new(), 0);
        let mut sieve = ledger.sieve()?;
        let edge = reader.ended::<Trouble>(from_ms, |written| {
            match sieve.has(written.id, written.version)? {
                true => {}
                false if waiting.len() < MOST => waiting.push_back(written),
                false => more += 1,
            }
            Ok(())
        })?;
        drop(sieve);
        if is_whole {
            self.looked_whole = Some(Instant::now());
            if let Some(lowest) = edge.lowest {
                ledger.forget_before(lowest)?;
            }
        }
        let oldest = waiting.front().map_or(i64::MAX, |written| written.start_ms);
        self.from_ms = next_from(&edge, Utc::now().timestamp_millis()).min(oldest);
        (self.waiting, self.more) = (waiting, more);
        Ok(())
    }

    /// The next of those that wait, the oldest first.
    ///
    /// # Errors
    /// Why they can't be had; they wait on.
    pub fn next(&mut self, most: usize) -> Result<Vec<Parcel>, Trouble> {
        let mut looked = false;
        loop {
            if self.waiting.is_empty() && self.more > 0 && !looked {
                self.look()?;
                looked = true;
            }
            let some: Vec<Written> = self.waiting.iter().take(most).copied().collect();
            let ids: Vec<Uuid> = some.iter().map(|written| written.id).collect();
            let parcels = if ids.is_empty() { Ok(Vec::new()) } else { self.parcels(&ids, None) };
            let parcels = self.heeding(parcels)?;
            self.waiting.drain(..some.len());
            self.under_way = parcels.len() as u64;
            // Calls that are gone or too large leave nothing to send; what waits behind them does not wait for the next
            // change.
            if !parcels.is_empty() || some.is_empty() {
                return Ok(parcels);
            }
        }
    }

    /// What is asked for once more.
    ///
    /// # Errors
    /// Why it can't be had.
    pub fn again(&mut self, missing: Missing) -> Result<Vec<Parcel>, Trouble> {
        let asked = self.find_again(missing);
        self.heeding(asked)
    }

    fn find_again(&mut self, missing: Missing) -> Result<Vec<Parcel>, Trouble> {
        let ledger = self.ledger()?;
        let ids = ledger.of(missing)?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let time = ledger.asked()?;
        self.parcels(&ids, Some(time))
    }

    /// These calls with their numbers. `again`: which asking it is that they are sent for.
    fn parcels(&mut self, ids: &[Uuid], again: Option<u64>) -> Result<Vec<Parcel>, Trouble> {
        let Some(mut reader) = self.journal.as_deref().map(Reader::open).transpose()?.flatten() else {
            return Ok(Vec::new());
        };
        let (mut lines, mut too_large) = (Vec::with_capacity(ids.len()), Vec::new());
        reader.lines::<Trouble>(ids, |id, line| {
            let text = to_raw_value(line).map_err(|_| trouble::Error::Damaged)?;
            if text.get().len() + AROUND > MAX_CLOSING {
                too_large.push((id, line.version));
            } else {
                lines.push((id, line.version, text));
            }
            Ok(())
        })?;
        self.noticed.too_large += too_large.len() as u64;
        let ledger = self.ledger()?;
        for (id, version) in too_large {
            ledger.give_up(id, version)?;
        }
        let calls: Vec<(Uuid, u64)> = lines.iter().map(|(id, version, _)| (*id, *version)).collect();
        let (numbers, epoch) = (ledger.number(&calls)?, ledger.epoch());
        let parcel = |((id, version, call), Numbered { seq, first }): ((_, _, Box<_>), _)| Parcel {
            id,
            version,
            message: message(id, version, first, again),
            body: Closing { schema: SCHEMA, epoch, seq, call: &call }.to_bytes(),
        };
        Ok(lines.into_iter().zip(numbers).map(parcel).collect())
    }

    /// Which of what was under way the stream has; the others wait again.
    ///
    /// # Errors
    /// Where that can't be kept: then they are found again by a look.
    pub fn done(&mut self, has: &[(Uuid, u64)], has_not: usize) -> Result<(), Trouble> {
        self.under_way = 0;
        if has_not > 0 {
            // They are the oldest; the next look finds them in their order.
            self.more += self.waiting.len() as u64 + has_not as u64;
            self.waiting.clear();
        }
        if has.is_empty() {
            return Ok(());
        }
        let marked = self.ledger().and_then(|ledger| Ok(ledger.acknowledge(has)?));
        self.heeding(marked)
    }
}

/// From where on the next look looks: everything that may still end or be taken back lies behind it.
fn next_from(edge: &Edge, now_ms: i64) -> i64 {
    let newest = edge.newest_ms.map_or(i64::MIN, |newest| newest.min(now_ms).saturating_sub(BACK));
    edge.open_ms.map_or(newest, |open| open.min(newest))
}

/// What the stream knows a closing by: the same for what is the same, so that it is kept once.
fn message(id: Uuid, version: u64, first: u64, again: Option<u64>) -> String {
    match again {
        Some(time) => format!("{id}.{version}.r{time}"),
        None if version == first => id.to_string(),
        None => format!("{id}.{version}"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use chrono::{DateTime, TimeDelta};
    use penutup::action::Ending;
    use penutup::journal::presence::Presence;
    use penutup::journal::record::{HowEnded, Record};
    use penutup::journal::store::{Entry, Store};
    use tempfile::TempDir;

    use super::*;

    struct Desk {
        folder: TempDir,
        store: Store,
        presence: Presence,
    }

    impl Desk {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let mut store = Store::open(&folder.path().join("journal.db")).unwrap().store;
            let presence = store.join().unwrap();
            Self { folder, store, presence }
        }

        fn carrier(&self) -> Carrier {
            Carrier::new(Some(self.folder.path().join("journal.db")), self.folder.path().join("ledger.db"))
        }

        /// A call that began at this second, and ended unless it runs.
        fn write(&mut self, id: u128, version: u64, second: i64, ended: bool) {
            self.write_by(id, version, second, ended, "biasa");
        }

        /// The same, by a rule of this name.
        fn write_by(&mut self, id: u128, version: u64, second: i64, ended: bool, rule: &str) {
            let at = |second| DateTime::UNIX_EPOCH + TimeDelta::seconds(second);
            let record = Record {
                call: 1,
                start: at(second),
                end: ended.then(|| (at(second + 9), HowEnded::Said(Ending::Complete))),
                facts: vec![],
                zone: "WIB".into(),
                greeting: None,
                rule: rule.into(),
                revision: "Rev-1".into(),
                rules_sha256: "ab".into(),
                steps: vec![],
                cost: vec![],
                overtaken: vec![],
                differs: vec![],
            };
            let id = Uuid::from_u128(id);
            let entry = Entry { id, version, changed: at(second), record: Some(&record) };
            self.store.save(self.presence.id(), None, std::iter::once(entry)).unwrap();
        }
    }

    fn next(carrier: &mut Carrier) -> Vec<(u128, String, u64)> {
        carrier.look().unwrap();
        let parcels = carrier.next(9).unwrap();
        let told = |parcel: &Parcel| {
            let seq = Closing::read(&parcel.body).unwrap().seq;
            (parcel.id.as_u128(), parcel.message.clone(), seq)
        };
        parcels.iter().map(told).collect()
    }

    fn id(n: u128) -> String {
        Uuid::from_u128(n).to_string()
    }

    #[test]
    fn what_was_not_acknowledged_waits_on_however_old_it_is() {
        let mut desk = Desk::new();
        desk.write(1, 1, 0, true);
        desk.write(2, 1, 10 * 86_400, true);
        let mut carrier = desk.carrier();
        let first = next(&mut carrier);
        assert_eq!(first, [(1, id(1), 1), (2, id(2), 2)]);
        // The server had room for the second only; the first is ten days older.
        carrier.done(&[(Uuid::from_u128(2), 1)], 1).unwrap();
        assert_eq!(carrier.unsent(), 1);
        assert_eq!(next(&mut carrier), [(1, id(1), 1)]);
        // Killed before it heard of the acknowledgement.
        let mut carrier = desk.carrier();
        assert_eq!(next(&mut carrier), [(1, id(1), 1)]);
        carrier.done(&[(Uuid::from_u128(1), 1)], 0).unwrap();
        assert_eq!((carrier.look().unwrap(), carrier.standing().unwrap().1), (0, 2));
    }

    #[test]
    fn what_can_never_be_sent_keeps_nothing_back() {
        let mut desk = Desk::new();
        for n in 1..=3 {
            desk.write_by(n, 1, 0, true, &"x".repeat(MAX_CLOSING));
        }
        desk.write(4, 1, 1, true);
        let mut carrier = desk.carrier();
        carrier.look().unwrap();
        let sent: Vec<_> = carrier.next(2).unwrap().iter().map(|parcel| parcel.id.as_u128()).collect();
        assert_eq!((sent, carrier.noticed().too_large), (vec![4], 3));
        carrier.done(&[(Uuid::from_u128(4), 1)], 0).unwrap();
        assert_eq!((carrier.look().unwrap(), carrier.standing().unwrap().1), (0, 1));
    }

    #[test]
    fn a_call_that_ran_for_days_is_found_and_a_newer_version_is_another_message() {
        let mut desk = Desk::new();
        desk.write(1, 1, 0, false);
        desk.write(2, 1, 10 * 86_400, true);
        let mut carrier = desk.carrier();
        assert_eq!(next(&mut carrier), [(2, id(2), 1)]);
        // Before it is acknowledged its end is taken back, and it ends anew: the stream may have the first.
        desk.write(2, 2, 10 * 86_400, false);
        carrier.done(&[], 1).unwrap();
        assert_eq!(next(&mut carrier), []);
        desk.write(1, 2, 0, true);
        desk.write(2, 3, 10 * 86_400, true);
        assert_eq!(next(&mut carrier), [(1, id(1), 2), (2, format!("{}.3", id(2)), 1)]);
        carrier.done(&[(Uuid::from_u128(1), 2), (Uuid::from_u128(2), 3)], 0).unwrap();
        let missing = |epoch, from, to| Missing { epoch, from, to };
        let (epoch, _) = carrier.standing().unwrap();
        let again: Vec<_> = carrier.again(missing(epoch, 1, 1)).unwrap().into_iter().map(|p| p.message).collect();
        assert_eq!(again, [format!("{}.3.r1", id(2))]);
        assert_eq!(carrier.again(missing(Uuid::nil(), 1, 9)).unwrap(), []);
    }

    #[test]
    fn a_lost_ledger_numbers_everything_anew_and_a_missing_journal_is_no_trouble() {
        let mut desk = Desk::new();
        desk.write(1, 1, 0, true);
        let mut carrier = desk.carrier();
        assert_eq!(next(&mut carrier).len(), 1);
        carrier.done(&[(Uuid::from_u128(1), 1)], 0).unwrap();
        let (epoch, _) = carrier.standing().unwrap();
        drop(carrier);
        let ledger = desk.folder.path().join("ledger.db");
        fs::write(&ledger, "x".repeat(5_000)).unwrap();
        let mut carrier = desk.carrier();
        assert_eq!(next(&mut carrier), [(1, id(1), 1)]);
        assert!(carrier.noticed().aside.is_some());
        assert_ne!(carrier.standing().unwrap().0, epoch);
        for journal in [None, Some(desk.folder.path().join("none.db"))] {
            let mut carrier = Carrier::new(journal, ledger.clone());
            assert_eq!(carrier.look().unwrap(), 0);
        }
        fs::write(desk.folder.path().join("foreign.db"), "x".repeat(5_000)).unwrap();
        let mut carrier = Carrier::new(Some(desk.folder.path().join("foreign.db")), ledger);
        assert!(matches!(carrier.look(), Err(Trouble::Journal(_))));
    }
}
