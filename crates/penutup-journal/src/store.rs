//! The journal on disk: opens, migrates, writes call by call, deletes expired calls. Every function may wait for the
//! disk, so only the worker's thread and the verbs call them.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};
use uuid::Uuid;

use super::aside::{all_aside, identity, set_aside};
use super::export::Forgotten;
use super::presence::{OpenLock, Presence, is_dead, remove_stale};
use super::record::Record;
use super::schema;
use super::spill;
use super::summary::{list_text, outcome_number};
use super::trouble::Error;
use penutup_rules::closing::ending::Outcome;

use penutup_system::own_files;

/// How long to wait for another process's lock.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(1);
/// How many calls are deleted in one transaction: a few milliseconds, so that no other process notices.
const BATCH: usize = 500;

/// A change of a call.
#[derive(Clone, Copy, Debug)]
pub enum Change<'a> {
    /// Its state is this record.
    Save(&'a Record),
    /// It was undone completely.
    Remove(Uuid),
}

/// An open journal that can be written.
#[derive(Debug)]
pub struct Store {
    conn: Connection,
    path: PathBuf,
    identity: Option<(u64, u64)>,
}

/// How a file is recognised as our journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// By its path: it is in the program's own folder under the journal's name.
    ByPath,
    /// By its content: it is marked as a journal. For a path from the settings, where a typo may name any file.
    ByContent,
}

/// An opened journal.
#[derive(Debug)]
pub struct Opened {
    /// The journal.
    pub store: Store,
    /// The new path of the damaged file that it replaced.
    pub aside: Option<PathBuf>,
}

impl Store {
    /// Opens the journal, creates it if missing, and migrates an older one. A damaged one is set aside.
    ///
    /// # Errors
    /// The error of the system or of `SQLite`, or that the journal is not ours.
    pub fn open(path: &Path) -> Result<Opened, Error> {
        Self::open_claimed(path, Claim::ByPath, BUSY_TIMEOUT)
    }

    /// Like [`Self::open`], waiting so long for another process's lock; a file that is not a journal by this claim is left
    /// untouched, and nothing is created beside it.
    ///
    /// # Errors
    /// As [`Self::open`]; [`Error::Foreign`] for a file that is not our journal.
    pub fn open_claimed(path: &Path, claim: Claim, patience: Duration) -> Result<Opened, Error> {
        if claim == Claim::ByContent && !is_free_or_ours(path)? {
            return Err(Error::Foreign);
        }
        own_files::make_folder(folder(path))?;
        let _opening = OpenLock::acquire(path)?;
        make_private(path)?;
        let mut aside = None;
        loop {
            match Self::connect(path, patience) {
                Ok(store) => return Ok(Opened { store, aside }),
                Err(error) if error.is_damage() && aside.is_none() => aside = Some(set_aside(path, Utc::now())?),
                Err(error) => return Err(error),
            }
        }
    }

    /// Imports the calls that earlier prompters left in files in these folders. Returns how many.
    ///
    /// # Errors
    /// `SQLite`'s error; then the files stay for the next start.
    pub fn import(&mut self, presence: &Presence, folders: &[PathBuf]) -> Result<usize, Error> {
        let mut count = 0;
        for path in folders.iter().flat_map(|folder| spill::all(folder)) {
            let records = match spill::read(&path) {
                Ok(records) => records,
                Err(error) if error.kind() == ErrorKind::InvalidData => {
                    spill::set_aside(&path);
                    continue;
                }
                Err(_) => continue,
            };
            self.save(presence.id(), records.iter().map(Change::Save))?;
            count += records.len();
            spill::remove(&path);
        }
        Ok(count)
    }

    /// Sets how long to wait for another process's lock from here on.
    ///
    /// # Errors
    /// The error of `SQLite`.
    pub fn set_busy_timeout(&self, patience: Duration) -> Result<(), Error> {
        Ok(self.conn.busy_timeout(patience)?)
    }

    fn connect(path: &Path, patience: Duration) -> Result<Self, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut conn = Connection::open_with_flags(path, flags).map_err(|error| {
            // The system's error is more precise. Only now, when there is no connection: closing a file releases every
            // lock that this process has on it, `SQLite`'s own too.
            let opened = fs::File::options().read(true).write(true).open(path);
            opened.err().filter(|e| e.kind() != ErrorKind::NotFound).map_or(Error::from(error), Error::Io)
        })?;
        conn.busy_timeout(patience)?;
        schema::prepare(&mut conn)?;
        schema::mark_in_use(&mut conn);
        Ok(Self { conn, path: path.into(), identity: identity(path) })
    }

    /// Closes this journal, which proved damaged in use, and sets it aside, unless another process did.
    ///
    /// # Errors
    /// The I/O error.
    pub fn set_aside(self) -> Result<Option<PathBuf>, Error> {
        let (path, was) = (self.path.clone(), self.identity);
        drop(self);
        let _opening = OpenLock::acquire(&path)?;
        if was.is_none() || identity(&path) != was {
            return Ok(None);
        }
        Ok(Some(set_aside(&path, Utc::now())?))
    }

    /// Whether the path still refers to this journal: it may have been set aside or removed.
    pub fn is_in_place(&self) -> bool {
        identity(&self.path) == self.identity
    }

    /// Takes a lock for a prompter in this journal's folder, and closes calls left open by crashed processes.
    ///
    /// # Errors
    /// The error of the system or of `SQLite`.
    pub fn join(&mut self) -> Result<Presence, Error> {
        let opening = OpenLock::acquire(&self.path)?;
        let presence = Presence::acquire(folder(&self.path))?;
        if presence.has_lock() {
            self.close_abandoned(&opening)?;
        }
        Ok(presence)
    }

    /// Closes the calls of processes that have ended, at the time of their last write. Returns how many.
    ///
    /// # Errors
    /// The error of `SQLite`.
    pub fn close_abandoned(&mut self, _lock: &OpenLock) -> Result<usize, Error> {
        let at = folder(&self.path).to_owned();
        let transaction = write(&mut self.conn)?;
        let dead = {
            let mut open = transaction.prepare(OPEN_PROCESSES)?;
            let all = open.query_map([], |row| row.get::<_, Vec<u8>>(0))?.collect::<Result<Vec<_>, _>>()?;
            all.into_iter().filter(|p| Uuid::from_slice(p).map_or(true, |id| is_dead(&at, id))).collect::<Vec<_>>()
        };
        let mut ended = 0;
        for process in dead {
            ended += transaction.execute(CLOSE_ABANDONED, params![process, outcome_number(Outcome::ProgramClosed)])?;
        }
        transaction.commit()?;
        remove_stale(&at);
        Ok(ended)
    }

    /// Writes these calls, all or none.
    ///
    /// # Errors
    /// The error of `SQLite`, or that a newer version of the program has migrated the journal meanwhile.
    pub fn save<'a>(&mut self, process: Uuid, changes: impl Iterator<Item = Change<'a>>) -> Result<(), Error> {
        let transaction = write(&mut self.conn)?;
        {
            let mut words = transaction.prepare(SAVE_WORDS)?;
            let mut call = transaction.prepare(SAVE_CALL)?;
            let mut detail = transaction.prepare(SAVE_DETAIL)?;
            for change in changes {
                let record = match change {
                    Change::Save(record) => record,
                    Change::Remove(id) => {
                        for remove in DELETE_ONE {
                            transaction.execute(remove, [id.as_bytes()])?;
                        }
                        continue;
                    }
                };
                let due = record.due_text();
                let (facts, left_out, cost) = (record.facts_text(), record.left_out_text(), list_text(&record.cost));
                let seat = record.seat.as_deref().unwrap_or_default();
                let agent = record.agent.as_deref().unwrap_or_default();
                words.execute([&facts, &record.rule, seat, &left_out, &cost, agent, &record.revision, &due])?;
                let (end, outcome) = record.end.unzip();
                let n: i64 = call.query_row(
                    params![
                        record.id.as_bytes(),
                        i64::try_from(record.version).unwrap_or(i64::MAX),
                        record.start.timestamp_millis(),
                        end.map(|t| t.timestamp_millis()),
                        record.changed.timestamp_millis(),
                        end.is_none().then_some(process.as_bytes()),
                        outcome.map(outcome_number),
                        left_out.is_empty(),
                        record.flags().0,
                        facts,
                        record.rule,
                        seat,
                        left_out,
                        cost,
                        agent,
                        record.interaction,
                        record.revision,
                        due,
                    ],
                    |row| row.get(0),
                )?;
                detail.execute(params![n, serde_json::to_string(record).unwrap_or_default()])?;
            }
        }
        transaction.commit()?;
        Ok(())
    }

    /// The time before which calls have expired with this retention in days: counted from now or from the newest call,
    /// whichever is earlier, so that a clock that is wrong by years does not empty the journal.
    ///
    /// # Errors
    /// The error of `SQLite`.
    pub fn cutoff(&self, days: u32, now: DateTime<Utc>) -> Result<i64, Error> {
        const DAY: i64 = 86_400_000;
        let newest: Option<i64> = self.conn.query_row(NEWEST_START, [], |row| row.get(0))?;
        let now = now.timestamp_millis();
        Ok(newest.map_or(now, |newest| newest.min(now)).saturating_sub(i64::from(days) * DAY))
    }

    /// Deletes a batch of ended calls that began before this time, oldest first.
    ///
    /// # Errors
    /// The error of `SQLite`.
    pub fn delete_batch(&mut self, before_ms: i64) -> Result<Deleted, Error> {
        self.delete_some(before_ms, None)
    }

    /// As [`Self::delete_batch`]; a deletion by a person is recorded in the same transaction.
    fn delete_some(&mut self, before_ms: i64, forget: Option<(Uuid, i64)>) -> Result<Deleted, Error> {
        let transaction = write(&mut self.conn)?;
        transaction.execute_batch(CLEAR_LIST)?;
        let calls = transaction.execute(LIST_EXPIRED, params![before_ms, i64::try_from(BATCH).unwrap_or(i64::MAX)])?;
        if let Some((id, at_ms)) = forget.filter(|_| calls > 0) {
            transaction.execute(RECORD_FORGOTTEN, params![id.as_bytes(), at_ms])?;
        }
        transaction.execute_batch(DELETE_LISTED)?;
        transaction.commit()?;
        Ok(Deleted { calls, more: calls == BATCH })
    }

    /// The calls that [`Self::forget`] would delete: how many, and when the first and the last of them began; `None` if
    /// there are none.
    ///
    /// # Errors
    /// The error of `SQLite`.
    pub fn forgettable(&self, before_ms: i64) -> Result<Option<(u64, i64, i64)>, Error> {
        let (calls, first, last): (i64, Option<i64>, Option<i64>) =
            self.conn.query_row(FORGETTABLE, [before_ms], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let calls = u64::try_from(calls).unwrap_or(0);
        Ok(first.zip(last).map(|(first, last)| (calls, first, last)))
    }

    /// Deletes every ended call that began before this time, and texts that only they used, and records that a person
    /// deleted them. Returns what was deleted; `None` if there was nothing.
    ///
    /// # Errors
    /// The error of `SQLite`.
    pub fn forget(&mut self, before_ms: i64, now: DateTime<Utc>) -> Result<Option<Forgotten>, Error> {
        let id = Uuid::now_v7();
        while self.delete_some(before_ms, Some((id, now.timestamp_millis())))?.more {}
        let transaction = write(&mut self.conn)?;
        transaction.execute(DELETE_WORDS, [])?;
        transaction.commit()?;
        if self.conn.query_row(NEWEST_START, [], |row| row.get::<_, Option<i64>>(0))?.is_none() {
            // An empty journal shrinks; while another process reads it, it stays large.
            let _ = self.conn.execute_batch("VACUUM");
        }
        // The log still has the old pages; while another process reads, the next checkpoint removes them.
        self.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(schema::forgotten(&self.conn)?.into_iter().find(|one| one.id == id))
    }

    /// The database, for reading.
    pub(super) fn connection(&mut self) -> &mut Connection {
        &mut self.conn
    }

    /// The journals beside this one that were set aside.
    pub fn aside(path: &Path) -> Vec<PathBuf> {
        all_aside(path)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // Closing writes the log to the database. While another process has it open, the log stays beside it.
        schema::unmark_in_use(&self.conn);
    }
}

/// The result of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deleted {
    /// How many calls were deleted.
    pub calls: usize,
    /// Whether there may be more.
    pub more: bool,
}

const OPEN_PROCESSES: &str = "
    SELECT DISTINCT process FROM call WHERE process IS NOT NULL";
const CLOSE_ABANDONED: &str = "
    UPDATE call SET end_ms = changed_ms, ending = ?2, process = NULL, version = version + 1 WHERE process = ?1";
const NEWEST_START: &str = "
    SELECT max(start_ms) FROM call";
const CLEAR_LIST: &str = "
    CREATE TEMP TABLE IF NOT EXISTS gone (n INTEGER PRIMARY KEY);
    DELETE FROM temp.gone";
const LIST_EXPIRED: &str = "
    INSERT INTO temp.gone
    SELECT n FROM call WHERE start_ms < ?1 AND process IS NULL ORDER BY start_ms LIMIT ?2";
const DELETE_LISTED: &str = "
    DELETE FROM detail WHERE call IN (SELECT n FROM temp.gone);
    DELETE FROM call WHERE n IN (SELECT n FROM temp.gone)";
const FORGETTABLE: &str = "
    SELECT count(*), min(start_ms), max(start_ms) FROM call WHERE start_ms < ?1 AND process IS NULL";
const RECORD_FORGOTTEN: &str = "
    INSERT INTO forgotten (id, at_ms, calls, first_ms, last_ms)
    SELECT ?1, ?2, count(*), min(start_ms), max(start_ms) FROM call WHERE n IN (SELECT n FROM temp.gone)
    ON CONFLICT (id) DO UPDATE SET calls = calls + excluded.calls,
        first_ms = min(first_ms, excluded.first_ms), last_ms = max(last_ms, excluded.last_ms)";
const DELETE_WORDS: &str = "
    DELETE FROM word WHERE id > 0 AND id NOT IN (
        SELECT facts FROM call UNION SELECT rule FROM call UNION SELECT seat FROM call
        UNION SELECT left_out FROM call UNION SELECT cost FROM call UNION SELECT agent FROM call
        UNION SELECT revision FROM call UNION SELECT due FROM call)";
const DELETE_ONE: [&str; 2] = [
    "
    DELETE FROM detail WHERE call = (SELECT n FROM call WHERE id = ?1)",
    "
    DELETE FROM call WHERE id = ?1",
];
const SAVE_WORDS: &str = "
    INSERT OR IGNORE INTO word (text) VALUES (?1), (?2), (?3), (?4), (?5), (?6), (?7), (?8)";
const SAVE_DETAIL: &str = "
    INSERT OR REPLACE INTO detail (call, json) VALUES (?1, ?2)";
/// The words are looked up in the statement itself: another process may have deleted some since they were last used.
const SAVE_CALL: &str = "
    INSERT INTO call (id, version, start_ms, end_ms, changed_ms, process, ending, complete, flags,
                      facts, rule, seat, left_out, cost, agent, interaction, revision, due)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,
            (SELECT id FROM word WHERE text = ?10), (SELECT id FROM word WHERE text = ?11),
            (SELECT id FROM word WHERE text = ?12), (SELECT id FROM word WHERE text = ?13),
            (SELECT id FROM word WHERE text = ?14), (SELECT id FROM word WHERE text = ?15), ?16,
            (SELECT id FROM word WHERE text = ?17), (SELECT id FROM word WHERE text = ?18))
    ON CONFLICT (id) DO UPDATE SET
        version = max(version + 1, excluded.version),
        start_ms = excluded.start_ms, end_ms = excluded.end_ms, changed_ms = excluded.changed_ms,
        process = excluded.process, ending = excluded.ending, complete = excluded.complete,
        flags = excluded.flags, facts = excluded.facts, rule = excluded.rule, seat = excluded.seat,
        left_out = excluded.left_out, cost = excluded.cost, agent = excluded.agent,
        interaction = excluded.interaction, revision = excluded.revision,
        due = excluded.due
    RETURNING n";

/// Begins a write transaction; a newer version of the program may have migrated the journal since it was opened.
fn write(conn: &mut Connection) -> Result<rusqlite::Transaction<'_>, Error> {
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    schema::version(&transaction)?;
    Ok(transaction)
}

/// Whether there is no file yet, or an empty one, or a journal of ours. Read through `SQLite`: closing a file releases
/// every lock that this process has on it, `SQLite`'s own too.
fn is_free_or_ours(path: &Path) -> Result<bool, Error> {
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error.into()),
        Ok(about) if about.is_dir() => return Err(Error::Io(ErrorKind::IsADirectory.into())),
        // Opening a pipe or a device would block.
        Ok(about) if !about.is_file() => return Err(Error::NotAFile),
        Ok(about) if about.len() == 0 => return Ok(true),
        Ok(_) => {}
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    match schema::version(&conn) {
        // Opening reports a newer one.
        Ok(_) | Err(Error::Newer { .. }) => Ok(true),
        Err(Error::Foreign) => Ok(false),
        Err(error) if error.is_damage() => Ok(schema::is_ours(&conn)),
        Err(error) => Err(error),
    }
}

/// Makes the journal and `SQLite`'s files beside it readable by the user alone, whatever the umask; `SQLite` creates its
/// files with the mode of the database.
fn make_private(path: &Path) -> Result<(), Error> {
    match own_files::options().write(true).create_new(true).open(path) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            for end in ["", "-wal", "-shm"] {
                let mut name = path.as_os_str().to_owned();
                name.push(end);
                own_files::restrict(Path::new(&name));
            }
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
