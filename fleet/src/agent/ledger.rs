//! The ledger of sent closings: each call's sequence number, and which version of it the stream acknowledged. A number
//! is on the disk before its call is sent, so that no crash gives one number to two calls. Blocks on the disk.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use penutup_journal::schema::CACHE_SIZE;
use rusqlite::{Connection, ErrorCode, OptionalExtension, TransactionBehavior, params};
use uuid::Uuid;

use crate::wire::closing::MissingRange;

/// The database's `application_id` ("pnlg").
const APPLICATION: i64 = 0x706e_6c67;
/// The version of the tables.
const VERSION: i64 = 1;
const TABLES: &str = "
    CREATE TABLE ledger (
        epoch BLOB NOT NULL,                 -- UUIDv7: a ledger that replaces a lost one numbers from 1
        last  INTEGER NOT NULL,              -- the last number that was assigned
        again INTEGER NOT NULL               -- resend requests so far
    ) STRICT;
    CREATE TABLE closing (
        id    BLOB PRIMARY KEY,              -- the call
        seq   INTEGER UNIQUE,                -- its number; NULL: too large to be sent
        first INTEGER NOT NULL,              -- the version that was sent first
        acked INTEGER NOT NULL               -- the newest version that the stream acknowledged; 0: none
    ) STRICT, WITHOUT ROWID;";
const BUSY_TIMEOUT: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub struct Ledger {
    conn: Connection,
    epoch: Uuid,
    sent: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallNumber {
    pub seq: u64,
    /// The version that was sent first, whose message id is the bare call id.
    pub first_version: u64,
}

/// A prepared query for what the stream acknowledged.
#[derive(Debug)]
pub struct AckedCalls<'l>(rusqlite::Statement<'l>);

impl AckedCalls<'_> {
    /// Whether this version of a call, or a newer one, was acknowledged.
    pub fn contains(&mut self, id: Uuid, version: u64) -> rusqlite::Result<bool> {
        self.0.exists(params![id.as_bytes(), to_i64(version)])
    }
}

#[derive(Debug)]
pub enum LedgerError {
    Sqlite(rusqlite::Error),
    /// Another program's file, or a newer version's.
    Foreign,
}

impl From<rusqlite::Error> for LedgerError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

fn to_i64(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn to_u64(count: i64) -> u64 {
    count.try_into().unwrap_or(0)
}

impl Ledger {
    /// Opens or creates it. A damaged one is moved aside, to the path that is returned.
    pub fn open(path: &Path) -> Result<(Self, Option<PathBuf>), LedgerError> {
        match Self::connect(path) {
            Err(LedgerError::Sqlite(error)) if is_damage(&error) => {
                let aside = move_aside(path).ok_or(error)?;
                Ok((Self::connect(path)?, Some(aside)))
            }
            other => other.map(|ledger| (ledger, None)),
        }
    }

    fn connect(path: &Path) -> Result<Self, LedgerError> {
        let mut conn = Connection::open(path)?;
        conn.busy_timeout(BUSY_TIMEOUT)?;
        let pragma = |conn: &Connection, name| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        match (pragma(&conn, "application_id")?, pragma(&conn, "user_version")?) {
            (APPLICATION, VERSION) | (0, 0) => {}
            _ => return Err(LedgerError::Foreign),
        }
        conn.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
        // An assigned number must survive a power cut, or another call would get it.
        conn.pragma_update(None, "synchronous", "FULL")?;
        conn.pragma_update(None, "cache_size", CACHE_SIZE)?;
        let create = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if pragma(&create, "user_version")? == 0 {
            create.execute_batch(TABLES)?;
            create.execute("INSERT INTO ledger VALUES (?1, 0, 0)", [Uuid::now_v7().as_bytes()])?;
            create.pragma_update(None, "application_id", APPLICATION)?;
            create.pragma_update(None, "user_version", VERSION)?;
        }
        create.commit()?;
        let epoch = conn.query_row("SELECT epoch FROM ledger", [], |row| row.get(0).map(Uuid::from_bytes))?;
        let sent: Option<i64> = conn.query_row("SELECT max(seq) FROM closing WHERE acked > 0", [], |row| row.get(0))?;
        Ok(Self { conn, epoch, sent: sent.map_or(0, to_u64) })
    }

    /// The ledger's id.
    pub fn epoch(&self) -> Uuid {
        self.epoch
    }

    /// The highest number that the stream acknowledged.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    pub fn acked_calls(&self) -> rusqlite::Result<AckedCalls<'_>> {
        self.conn.prepare("SELECT 1 FROM closing WHERE id = ?1 AND acked >= ?2").map(AckedCalls)
    }

    /// Assigns each of these calls its number, the one it has or the next. All or none.
    pub fn assign_numbers(&mut self, calls: &[(Uuid, u64)]) -> rusqlite::Result<Vec<CallNumber>> {
        let transaction = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut out = Vec::with_capacity(calls.len());
        {
            let mut find = transaction.prepare("SELECT seq, first FROM closing WHERE id = ?1 AND seq IS NOT NULL")?;
            let mut next = transaction.prepare("UPDATE ledger SET last = last + 1 RETURNING last")?;
            // A call that was too large has a row without a number.
            let mut assign = transaction.prepare(
                "INSERT INTO closing (id, seq, first, acked) VALUES (?1, ?2, ?3, 0)
                 ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, first = excluded.first, acked = 0",
            )?;
            for (id, version) in calls {
                let found = find.query_row([id.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
                let (seq, first): (i64, i64) = if let Some(found) = found {
                    found
                } else {
                    let seq = next.query_row([], |row| row.get(0))?;
                    assign.execute(params![id.as_bytes(), seq, to_i64(*version)])?;
                    (seq, to_i64(*version))
                };
                out.push(CallNumber { seq: to_u64(seq), first_version: to_u64(first) });
            }
        }
        transaction.commit()?;
        Ok(out)
    }

    /// Marks these as acknowledged by the stream. All or none.
    pub fn acknowledge(&mut self, calls: &[(Uuid, u64)]) -> rusqlite::Result<()> {
        let transaction = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut sent = self.sent;
        {
            let mut mark =
                transaction.prepare("UPDATE closing SET acked = max(acked, ?2) WHERE id = ?1 RETURNING seq")?;
            for (id, version) in calls {
                let seq: Option<i64> =
                    mark.query_row(params![id.as_bytes(), to_i64(*version)], |row| row.get(0)).optional()?.flatten();
                sent = sent.max(seq.map_or(0, to_u64));
            }
        }
        transaction.commit()?;
        self.sent = sent;
        Ok(())
    }

    /// Records that this version of a call is too large ever to be sent; it gets no number.
    pub fn mark_unsendable(&mut self, id: Uuid, version: u64) -> rusqlite::Result<()> {
        let sql = "INSERT INTO closing (id, seq, first, acked) VALUES (?1, NULL, ?2, ?2)
                   ON CONFLICT (id) DO UPDATE SET acked = max(acked, excluded.acked)";
        self.conn.execute(sql, params![id.as_bytes(), to_i64(version)]).map(|_| ())
    }

    /// The calls of a range of numbers; none where the range is another ledger's.
    pub fn calls_in(&self, range: MissingRange) -> rusqlite::Result<Vec<Uuid>> {
        if range.epoch != self.epoch {
            return Ok(Vec::new());
        }
        let mut query = self.conn.prepare("SELECT id FROM closing WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq")?;
        let rows = query.query_map([to_i64(range.from), to_i64(range.to)], |row| row.get(0).map(Uuid::from_bytes))?;
        rows.collect()
    }

    /// Counts a resend request. Returns its number.
    pub fn count_resend(&mut self) -> rusqlite::Result<u64> {
        self.conn.query_row("UPDATE ledger SET again = again + 1 RETURNING again", [], |row| row.get(0)).map(to_u64)
    }

    /// Begins numbering from 1 under a new id, where the present one is this. No call of the journal counts as sent then.
    pub fn renew(&mut self, epoch: Uuid) -> rusqlite::Result<bool> {
        if epoch != self.epoch {
            return Ok(false);
        }
        let new = Uuid::now_v7();
        let transaction = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute("UPDATE ledger SET epoch = ?1, last = 0", [new.as_bytes()])?;
        transaction.execute("DELETE FROM closing WHERE seq IS NOT NULL", [])?;
        transaction.commit()?;
        (self.epoch, self.sent) = (new, 0);
        Ok(true)
    }

    /// Deletes acknowledged calls that are older than the journal's oldest: nobody can send them again. The one with the
    /// highest number stays: a seat that reports less than it sent has been restored from a backup.
    pub fn prune_before(&mut self, lowest: Uuid) -> rusqlite::Result<usize> {
        let sql = "DELETE FROM closing WHERE id < ?1 AND acked > 0 AND seq IS NOT (SELECT max(seq) FROM closing WHERE acked > 0)";
        self.conn.execute(sql, [lowest.as_bytes()])
    }
}

/// Whether the file itself is damaged, so that retrying can't help.
pub fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
        || matches!(error, rusqlite::Error::InvalidColumnType(..) | rusqlite::Error::QueryReturnedNoRows)
}

/// Moves the database and its log; the log first, or a new database at this path would replay it.
fn move_aside(path: &Path) -> Option<PathBuf> {
    let with_suffix = |path: &Path, suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let aside = with_suffix(path, &format!(".rusak-{}", Uuid::now_v7()));
    for suffix in ["-wal", "-shm"] {
        let _ = fs::rename(with_suffix(path, suffix), with_suffix(&aside, suffix));
    }
    fs::rename(path, &aside).ok().map(|()| aside)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    fn has(ledger: &Ledger, id: Uuid, version: u64) -> bool {
        ledger.acked_calls().unwrap().contains(id, version).unwrap()
    }

    fn open(path: &Path) -> Ledger {
        Ledger::open(path).unwrap().0
    }

    #[test]
    fn each_call_has_one_number_and_each_number_one_call() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let mut ledger = open(&path);
        let numbers = ledger.assign_numbers(&[(id(5), 2), (id(3), 1)]).unwrap();
        assert_eq!(numbers, [CallNumber { seq: 1, first_version: 2 }, CallNumber { seq: 2, first_version: 1 }]);
        let epoch = ledger.epoch();
        drop(ledger);

        let mut ledger = open(&path);
        assert_eq!((ledger.epoch(), ledger.sent()), (epoch, 0));
        // An unacknowledged call and a newer version keep their number.
        let numbers = ledger.assign_numbers(&[(id(3), 1), (id(5), 4), (id(9), 1)]).unwrap();
        assert_eq!(numbers.iter().map(|n| (n.seq, n.first_version)).collect::<Vec<_>>(), [(2, 1), (1, 2), (3, 1)]);
        ledger.acknowledge(&[(id(5), 2), (id(3), 1)]).unwrap();
        assert_eq!(ledger.sent(), 2);
        assert!(has(&ledger, id(5), 2) && !has(&ledger, id(5), 4) && !has(&ledger, id(9), 1));
        ledger.acknowledge(&[(id(5), 4), (id(5), 2)]).unwrap();
        assert!(has(&ledger, id(5), 4), "a late acknowledgement of an older version changes nothing");
    }

    #[test]
    fn calls_are_found_by_their_number_for_a_resend() {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = open(&folder.path().join("ledger.db"));
        ledger.mark_unsendable(id(1), 1).unwrap();
        ledger.assign_numbers(&[(id(5), 2), (id(3), 1), (id(7), 1)]).unwrap();
        let missing = |epoch, from, to| MissingRange { epoch, from, to };
        assert_eq!(ledger.calls_in(missing(ledger.epoch(), 2, 9)).unwrap(), [id(3), id(7)]);
        assert!(ledger.calls_in(missing(id(77), 1, 9)).unwrap().is_empty());
        assert_eq!([ledger.count_resend().unwrap(), ledger.count_resend().unwrap()], [1, 2]);
        assert!(has(&ledger, id(1), 1) && !has(&ledger, id(1), 2));
        assert_eq!(ledger.assign_numbers(&[(id(1), 2)]).unwrap(), [CallNumber { seq: 4, first_version: 2 }]);

        ledger.acknowledge(&[(id(3), 1), (id(5), 2)]).unwrap();
        // 3 has the number 2, the highest that was acknowledged; 1 is an unsendable one.
        assert_eq!(ledger.prune_before(id(6)).unwrap(), 1, "unacknowledged calls are kept, and the newest number");
        assert_eq!(ledger.assign_numbers(&[(id(8), 1)]).unwrap()[0].seq, 5, "no number is assigned twice");
    }

    #[test]
    fn a_renewed_ledger_numbers_from_one_and_counts_nothing_as_sent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let mut ledger = open(&path);
        ledger.assign_numbers(&[(id(5), 1), (id(6), 1)]).unwrap();
        ledger.acknowledge(&[(id(5), 1), (id(6), 1)]).unwrap();
        let old = ledger.epoch();
        assert!(!ledger.renew(id(99)).unwrap());
        assert!(ledger.renew(old).unwrap() && !ledger.renew(old).unwrap());
        let new = ledger.epoch();
        drop(ledger);
        let mut ledger = open(&path);
        assert_eq!((ledger.epoch(), ledger.sent(), new != old), (new, 0, true));
        assert!(!has(&ledger, id(5), 1));
        assert_eq!(ledger.assign_numbers(&[(id(6), 1)]).unwrap()[0].seq, 1);
    }

    #[test]
    fn a_damaged_ledger_is_moved_aside_and_a_foreign_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        fs::write(&path, "no ledger at all, but long enough to be opened as one").unwrap();
        let (ledger, aside) = Ledger::open(&path).unwrap();
        assert!(fs::read_to_string(aside.unwrap()).unwrap().starts_with("no ledger"));
        drop(ledger);
        let other = folder.path().join("other.db");
        Connection::open(&other).unwrap().execute_batch("PRAGMA user_version = 9").unwrap();
        assert!(matches!(Ledger::open(&other), Err(LedgerError::Foreign)));
    }
}
