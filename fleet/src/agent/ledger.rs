//! What was sent of the journal: which number a call has, which version of it the stream acknowledged. The number is on
//! the disk before the call is on its way, so that no crash gives one number to two calls. Blocks on the disk.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OptionalExtension, TransactionBehavior, params};
use uuid::Uuid;

use crate::wire::closing::Missing;

/// Marks a database as a ledger ("pnlg").
const APPLICATION: i64 = 0x706e_6c67;
/// The version of its tables.
const VERSION: i64 = 1;
const TABLES: &str = "
    CREATE TABLE ledger (
        epoch BLOB NOT NULL,                 -- UUIDv7: a ledger that was lost and made anew counts anew
        last  INTEGER NOT NULL,              -- the last number that was given
        again INTEGER NOT NULL               -- how often somebody asked for something again
    ) STRICT;
    CREATE TABLE closing (
        id    BLOB PRIMARY KEY,              -- the call
        seq   INTEGER UNIQUE,                -- its number; NULL: too large ever to be sent
        first INTEGER NOT NULL,              -- the version that went first
        acked INTEGER NOT NULL               -- the newest version that the stream has; 0: none yet
    ) STRICT, WITHOUT ROWID;";
/// The most of its pages that are kept in memory, in KiB, as `SQLite` writes it.
const CACHE: i64 = -256;
const BUSY: Duration = Duration::from_secs(1);

/// An open ledger.
#[derive(Debug)]
pub struct Ledger {
    conn: Connection,
    epoch: Uuid,
    sent: u64,
}

/// A call's number, and the version that went under the call's bare id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// The number.
    pub seq: u64,
    /// The version.
    pub first: u64,
}

/// What the stream has.
#[derive(Debug)]
pub struct Sieve<'l>(rusqlite::Statement<'l>);

impl Sieve<'_> {
    /// Whether it has this version of a call, or a newer one.
    ///
    /// # Errors
    /// What `SQLite` says.
    pub fn has(&mut self, id: Uuid, version: u64) -> rusqlite::Result<bool> {
        self.0.exists(params![id.as_bytes(), number(version)])
    }
}

/// Why the ledger can't be used.
#[derive(Debug)]
pub enum NoLedger {
    /// What `SQLite` says.
    Sqlite(rusqlite::Error),
    /// Another program's, or a newer version's.
    Foreign,
}

impl From<rusqlite::Error> for NoLedger {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl Ledger {
    /// Opens it, makes it where there is none. A damaged one is put aside, under the name that is answered.
    ///
    /// # Errors
    /// What `SQLite` says, or that it is not ours.
    pub fn open(path: &Path) -> Result<(Self, Option<PathBuf>), NoLedger> {
        match Self::connect(path) {
            Err(NoLedger::Sqlite(error)) if is_damage(&error) => {
                let aside = put_aside(path).ok_or(error)?;
                Ok((Self::connect(path)?, Some(aside)))
            }
            other => other.map(|ledger| (ledger, None)),
        }
    }

    fn connect(path: &Path) -> Result<Self, NoLedger> {
        let mut conn = Connection::open(path)?;
        conn.busy_timeout(BUSY)?;
        let pragma = |conn: &Connection, name| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        match (pragma(&conn, "application_id")?, pragma(&conn, "user_version")?) {
            (APPLICATION, VERSION) | (0, 0) => {}
            _ => return Err(NoLedger::Foreign),
        }
        conn.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
        // A number that was given must outlast a power cut, or another call would get it.
        conn.pragma_update(None, "synchronous", "FULL")?;
        // It lies beside the prompter all day: what ten thousand calls went through is not kept in memory.
        conn.pragma_update(None, "cache_size", CACHE)?;
        let make = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if pragma(&make, "user_version")? == 0 {
            make.execute_batch(TABLES)?;
            make.execute("INSERT INTO ledger VALUES (?1, 0, 0)", [Uuid::now_v7().as_bytes()])?;
            make.pragma_update(None, "application_id", APPLICATION)?;
            make.pragma_update(None, "user_version", VERSION)?;
        }
        make.commit()?;
        let epoch = conn.query_row("SELECT epoch FROM ledger", [], |row| row.get(0).map(Uuid::from_bytes))?;
        let sent: Option<i64> = conn.query_row("SELECT max(seq) FROM closing WHERE acked > 0", [], |row| row.get(0))?;
        Ok(Self { conn, epoch, sent: sent.and_then(|sent| sent.try_into().ok()).unwrap_or(0) })
    }

    /// Its id.
    #[must_use]
    pub fn epoch(&self) -> Uuid {
        self.epoch
    }

    /// The highest number that the stream has.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Finds out what the stream has, of many.
    ///
    /// # Errors
    /// What `SQLite` says.
    pub fn sieve(&self) -> rusqlite::Result<Sieve<'_>> {
        self.conn.prepare("SELECT 1 FROM closing WHERE id = ?1 AND acked >= ?2").map(Sieve)
    }

    /// Gives each of these calls its number, the one it has or the next.
    ///
    /// # Errors
    /// What `SQLite` says; then none has a new one.
    pub fn number(&mut self, calls: &[(Uuid, u64)]) -> rusqlite::Result<Vec<Numbered>> {
        let work = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut out = Vec::with_capacity(calls.len());
        {
            let mut known = work.prepare("SELECT seq, first FROM closing WHERE id = ?1 AND seq IS NOT NULL")?;
            let mut next = work.prepare("UPDATE ledger SET last = last + 1 RETURNING last")?;
            // A call that was once too large has no number yet.
            let mut give = work.prepare(
                "INSERT INTO closing (id, seq, first, acked) VALUES (?1, ?2, ?3, 0)
                 ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, first = excluded.first, acked = 0",
            )?;
            for (id, version) in calls {
                let there = known.query_row([id.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
                let (seq, first): (i64, i64) = if let Some(there) = there {
                    there
                } else {
                    let seq = next.query_row([], |row| row.get(0))?;
                    give.execute(params![id.as_bytes(), seq, number(*version)])?;
                    (seq, number(*version))
                };
                let back = |count: i64| count.try_into().unwrap_or(0);
                out.push(Numbered { seq: back(seq), first: back(first) });
            }
        }
        work.commit()?;
        Ok(out)
    }

    /// The stream has these.
    ///
    /// # Errors
    /// What `SQLite` says; then none is marked.
    pub fn acknowledge(&mut self, calls: &[(Uuid, u64)]) -> rusqlite::Result<()> {
        let work = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut sent = self.sent;
        {
            let mut mark = work.prepare("UPDATE closing SET acked = max(acked, ?2) WHERE id = ?1 RETURNING seq")?;
            for (id, version) in calls {
                let seq: Option<i64> =
                    mark.query_row(params![id.as_bytes(), number(*version)], |row| row.get(0)).optional()?.flatten();
                sent = sent.max(seq.and_then(|seq| seq.try_into().ok()).unwrap_or(0));
            }
        }
        work.commit()?;
        self.sent = sent;
        Ok(())
    }

    /// This version of a call can't be sent by any trying; it gets no number.
    ///
    /// # Errors
    /// What `SQLite` says.
    pub fn give_up(&mut self, id: Uuid, version: u64) -> rusqlite::Result<()> {
        let sql = "INSERT INTO closing (id, seq, first, acked) VALUES (?1, NULL, ?2, ?2)
                   ON CONFLICT (id) DO UPDATE SET acked = max(acked, excluded.acked)";
        self.conn.execute(sql, params![id.as_bytes(), number(version)]).map(|_| ())
    }

    /// The calls of these numbers; none where they are another ledger's.
    ///
    /// # Errors
    /// What `SQLite` says.
    pub fn of(&self, missing: Missing) -> rusqlite::Result<Vec<Uuid>> {
        if missing.epoch != self.epoch {
            return Ok(Vec::new());
        }
        let mut query = self.conn.prepare("SELECT id FROM closing WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq")?;
        let rows =
            query.query_map([number(missing.from), number(missing.to)], |row| row.get(0).map(Uuid::from_bytes))?;
        rows.collect()
    }

    /// Counts one asking; answers which it is.
    ///
    /// # Errors
    /// What `SQLite` says.
    pub fn asked(&mut self) -> rusqlite::Result<u64> {
        let again: i64 =
            self.conn.query_row("UPDATE ledger SET again = again + 1 RETURNING again", [], |r| r.get(0))?;
        Ok(again.try_into().unwrap_or(0))
    }

    /// Forgets what lies before every call that the journal still has: nobody can send it again.
    ///
    /// # Errors
    /// What `SQLite` says.
    pub fn forget_before(&mut self, lowest: Uuid) -> rusqlite::Result<usize> {
        self.conn.execute("DELETE FROM closing WHERE id < ?1 AND acked > 0", [lowest.as_bytes()])
    }
}

/// Whether the file itself is broken, so that no retry mends it.
#[must_use]
pub fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
        || matches!(error, rusqlite::Error::InvalidColumnType(..) | rusqlite::Error::QueryReturnedNoRows)
}

/// The damaged ledger under another name; its log goes first, or a new ledger would take it for its own.
fn put_aside(path: &Path) -> Option<PathBuf> {
    let beside = |path: &Path, end: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    };
    let aside = beside(path, &format!(".rusak-{}", Uuid::now_v7()));
    for part in ["-wal", "-shm"] {
        let _ = fs::rename(beside(path, part), beside(&aside, part));
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
        ledger.sieve().unwrap().has(id, version).unwrap()
    }

    fn open(path: &Path) -> Ledger {
        Ledger::open(path).unwrap().0
    }

    #[test]
    fn a_call_has_one_number_and_every_number_one_call() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let mut ledger = open(&path);
        let numbers = ledger.number(&[(id(5), 2), (id(3), 1)]).unwrap();
        assert_eq!(numbers, [Numbered { seq: 1, first: 2 }, Numbered { seq: 2, first: 1 }]);
        let epoch = ledger.epoch();
        drop(ledger);

        let mut ledger = open(&path);
        assert_eq!((ledger.epoch(), ledger.sent()), (epoch, 0));
        // What was not acknowledged goes again as what it was; a newer version keeps the number.
        let numbers = ledger.number(&[(id(3), 1), (id(5), 4), (id(9), 1)]).unwrap();
        assert_eq!(numbers.iter().map(|n| (n.seq, n.first)).collect::<Vec<_>>(), [(2, 1), (1, 2), (3, 1)]);
        ledger.acknowledge(&[(id(5), 2), (id(3), 1)]).unwrap();
        assert_eq!(ledger.sent(), 2);
        assert!(has(&ledger, id(5), 2) && !has(&ledger, id(5), 4) && !has(&ledger, id(9), 1));
        ledger.acknowledge(&[(id(5), 4), (id(5), 2)]).unwrap();
        assert!(has(&ledger, id(5), 4), "a late acknowledgement takes nothing back");
    }

    #[test]
    fn what_is_asked_for_again_is_found_by_its_number() {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = open(&folder.path().join("ledger.db"));
        ledger.give_up(id(1), 1).unwrap();
        ledger.number(&[(id(5), 2), (id(3), 1), (id(7), 1)]).unwrap();
        let missing = |epoch, from, to| Missing { epoch, from, to };
        assert_eq!(ledger.of(missing(ledger.epoch(), 2, 9)).unwrap(), [id(3), id(7)]);
        assert!(ledger.of(missing(id(77), 1, 9)).unwrap().is_empty());
        assert_eq!([ledger.asked().unwrap(), ledger.asked().unwrap()], [1, 2]);
        assert!(has(&ledger, id(1), 1) && !has(&ledger, id(1), 2));
        assert_eq!(ledger.number(&[(id(1), 2)]).unwrap(), [Numbered { seq: 4, first: 2 }]);

        ledger.acknowledge(&[(id(3), 1), (id(5), 2)]).unwrap();
        assert_eq!(ledger.forget_before(id(5)).unwrap(), 1, "what was never acknowledged stays");
        assert_eq!(ledger.number(&[(id(8), 1)]).unwrap()[0].seq, 5, "no number is given twice");
    }

    #[test]
    fn a_damaged_ledger_is_kept_aside_and_anothers_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        fs::write(&path, "no ledger at all, but long enough to be looked at as one").unwrap();
        let (ledger, aside) = Ledger::open(&path).unwrap();
        assert!(fs::read_to_string(aside.unwrap()).unwrap().starts_with("no ledger"));
        drop(ledger);
        let other = folder.path().join("other.db");
        Connection::open(&other).unwrap().execute_batch("PRAGMA user_version = 9").unwrap();
        assert!(matches!(Ledger::open(&other), Err(NoLedger::Foreign)));
    }
}
