//! Reads the journal call by call, never all of them in memory. Changes nothing, except that an older journal is
//! migrated first.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Row};
use uuid::Uuid;

use super::export::Forgotten;
use super::record::Record;
use super::schema;
use super::store::Store;
use super::summary::{CallSummary, Flags, Interner, Symbol, outcome_of, time};
use super::trouble::Error;
use penutup_rules::closing::ending::Outcome;
use penutup_system::own_files;

/// The calls that began in this time range, end exclusive, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The first millisecond; `None`: from the beginning.
    pub from_ms: Option<i64>,
    /// The first millisecond that is no longer in it; `None`: to the end.
    pub before_ms: Option<i64>,
}

impl Span {
    /// Whether a call that began at this time is in the range.
    pub fn has(&self, start_ms: i64) -> bool {
        self.from_ms.is_none_or(|from| from <= start_ms) && self.before_ms.is_none_or(|before| start_ms < before)
    }

    fn condition(&self) -> &'static str {
        // Without bounds a full scan is faster than the index.
        if *self == Self::default() { "?1 <= ?2" } else { "start_ms >= ?1 AND start_ms < ?2" }
    }

    fn bounds(&self) -> (i64, i64) {
        (self.from_ms.unwrap_or(i64::MIN), self.before_ms.unwrap_or(i64::MAX))
    }
}

/// A journal opened for reading.
#[derive(Debug)]
pub struct Reader {
    conn: Connection,
    /// Whether its latest calls are missing: it was copied without its log while a program was writing it.
    pub lacks_log: bool,
}

impl Reader {
    /// Opens the journal, and migrates an older one; `None` if there is none yet.
    ///
    /// # Errors
    /// The error of the system or of `SQLite`, or that the journal is not ours.
    pub fn open(path: &Path) -> Result<Option<Self>, Error> {
        // Not opened: closing a file releases every lock that this process has on it, `SQLite`'s own too.
        match std::fs::metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
            Ok(about) if about.is_dir() => return Err(Error::Io(std::io::ErrorKind::IsADirectory.into())),
            Ok(_) => {}
        }
        // Before SQLite creates an empty one; an earlier reader of a copy has left an empty one beside it.
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        let has_log = std::fs::metadata(&log).is_ok_and(|log| log.len() > 0);
        let conn = Self::connect(path).or_else(|error| {
            // In a read-only folder SQLite can't create the index of a log; if there is no log, there is nothing to
            // index, and no process is writing.
            if Path::new(&log).exists() || error.is_damage() {
                Err(error)
            } else {
                Self::connect_immutable(path, error)
            }
        })?;
        let mut conn = conn;
        if schema::is_older(&conn)? {
            drop(conn);
            drop(Store::open(path)?);
            conn = Self::connect(path)?;
        }
        // A process that was killed while it created the journal leaves an empty file.
        if schema::version(&conn)? == 0 {
            return Ok(None);
        }
        // A prompter that ended between the two looks has removed the log, and the note in the journal with it.
        let lacks_log = !has_log && schema::is_in_use(&conn)?;
        Ok(Some(Self { conn, lacks_log }))
    }

    fn connect(path: &Path) -> Result<Connection, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(path, flags)?;
        conn.busy_timeout(Duration::from_secs(2))?;
        conn.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        Ok(conn)
    }

    /// Opens a journal in a read-only folder, which nobody is writing. `error` is returned if the path is not UTF-8.
    fn connect_immutable(path: &Path, error: Error) -> Result<Connection, Error> {
        let Some(path) = std::path::absolute(path).ok().and_then(|p| p.to_str().map(str::to_owned)) else {
            return Err(error);
        };
        // "C:/…" needs a slash before it.
        let mut uri = String::from(if cfg!(windows) { "file:///" } else { "file:" });
        for byte in path.replace('\\', "/").bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b':' => {
                    uri.push(char::from(byte));
                }
                other => {
                    let _ = write!(uri, "%{other:02X}");
                }
            }
        }
        uri.push_str("?immutable=1");
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
        Ok(Connection::open_with_flags(uri, flags)?)
    }

    /// Passes each call's report data in `span` to `each`, with the texts of its symbols, in no order.
    ///
    /// # Errors
    /// The error of `SQLite` or of `each`.
    pub fn summaries<E: From<Error>>(
        &mut self,
        span: Span,
        each: impl FnMut(&CallSummary, &Interner) -> Result<(), E>,
    ) -> Result<Interner, E> {
        summaries(&mut self.conn, span, each)
    }

    /// Passes each call of `span` to `each`, in the order of their beginning.
    ///
    /// # Errors
    /// The error of `SQLite` or `each`.
    pub fn calls<E: From<Error>>(
        &mut self,
        span: Span,
        mut each: impl FnMut(&Record) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = |error: rusqlite::Error| E::from(Error::from(error));
        let snapshot = self.conn.transaction().map_err(sql)?;
        let query = [RECORDS, " WHERE ", span.condition(), " ORDER BY start_ms, id"].concat();
        let mut query = snapshot.prepare(&query).map_err(sql)?;
        let mut rows = query.query(span.bounds()).map_err(sql)?;
        while let Some(row) = rows.next().map_err(sql)? {
            each(&record_of(row)?)?;
        }
        Ok(())
    }

    /// The deletions by a person.
    ///
    /// # Errors
    /// The error of `SQLite`.
    pub fn forgotten(&self) -> Result<Vec<Forgotten>, Error> {
        schema::forgotten(&self.conn)
    }

    /// The calls with this ID of their own or of the telephone system, oldest first.
    ///
    /// # Errors
    /// The error of `SQLite`.
    pub fn calls_named(&mut self, id: &str) -> Result<Vec<Record>, Error> {
        let own = Uuid::try_parse(id).ok();
        let query = [RECORDS, " WHERE id = ?1 OR interaction = ?2 ORDER BY start_ms, id"].concat();
        let mut query = self.conn.prepare(&query)?;
        let mut rows = query.query((own.as_ref().map(Uuid::as_bytes), id))?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            out.push(record_of(row)?);
        }
        Ok(out)
    }

    /// Writes a whole copy of the journal to a file that does not exist yet, readable by the user alone. Prompters may
    /// write meanwhile: the copy is the journal at one moment.
    ///
    /// # Errors
    /// [`std::io::ErrorKind::AlreadyExists`], the error of the system or of `SQLite`; then no file is left.
    pub fn backup(&self, to: &Path) -> Result<(), Error> {
        own_files::options().write(true).create_new(true).open(to)?;
        let copy = || -> Result<(), Error> {
            let Some(name) = to.to_str() else {
                return Err(std::io::Error::from(std::io::ErrorKind::InvalidFilename).into());
            };
            self.conn.execute("VACUUM INTO ?1", [name])?;
            let copy =
                Connection::open_with_flags(to, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
            copy.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
            // A copy of what lacks its log lacks the same calls.
            if !self.lacks_log {
                schema::unmark_in_use(&copy);
            }
            let verdict: String = copy.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
            if verdict == "ok" { Ok(()) } else { Err(Error::Damaged) }
        };
        copy().inspect_err(|_| _ = std::fs::remove_file(to))
    }

    /// Passes ID, version and start of every ended call that began at or after this millisecond to `each`, oldest
    /// first.
    ///
    /// # Errors
    /// The error of `SQLite` or `each`.
    pub fn ended<E: From<Error>>(
        &mut self,
        from_ms: i64,
        mut each: impl FnMut(Ended) -> Result<(), E>,
    ) -> Result<Edge, E> {
        let sql = |error: rusqlite::Error| E::from(Error::from(error));
        let snapshot = self.conn.transaction().map_err(sql)?;
        let edge = snapshot.query_row(EDGE, [], |row| {
            let lowest: Option<[u8; 16]> = row.get(2)?;
            Ok(Edge { open_ms: row.get(0)?, newest_ms: row.get(1)?, lowest: lowest.map(Uuid::from_bytes) })
        });
        let edge = edge.map_err(sql)?;
        let mut query = snapshot.prepare(ENDED).map_err(sql)?;
        let mut rows = query.query([from_ms]).map_err(sql)?;
        while let Some(row) = rows.next().map_err(sql)? {
            let id = row.get(0).map(Uuid::from_bytes).map_err(sql)?;
            each(Ended { id, version: version_of(row, 1)?, start_ms: row.get(2).map_err(sql)? })?;
        }
        Ok(edge)
    }

    /// Passes these calls to `each` in order, without those that are running again or deleted.
    ///
    /// # Errors
    /// The error of `SQLite` or `each`.
    pub fn ended_calls<E: From<Error>>(
        &mut self,
        ids: &[Uuid],
        mut each: impl FnMut(&Record) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = |error: rusqlite::Error| E::from(Error::from(error));
        let snapshot = self.conn.transaction().map_err(sql)?;
        let query = [RECORDS, " WHERE id = ?1 AND end_ms IS NOT NULL"].concat();
        let mut query = snapshot.prepare(&query).map_err(sql)?;
        for id in ids {
            let mut rows = query.query([id.as_bytes()]).map_err(sql)?;
            if let Some(row) = rows.next().map_err(sql)? {
                each(&record_of(row)?)?;
            }
        }
        Ok(())
    }
}

/// A call that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The call.
    pub id: Uuid,
    /// Increases with every write.
    pub version: u64,
    /// When the call began, in milliseconds since 1970, UTC.
    pub start_ms: i64,
}

/// Where the next read has to begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Edge {
    /// When the oldest running call began.
    pub open_ms: Option<i64>,
    /// When the newest call began.
    pub newest_ms: Option<i64>,
    /// The lowest ID of all calls.
    pub lowest: Option<Uuid>,
}

const SUMMARIES: &str =
    "SELECT end_ms, ending, start_ms, complete, flags, facts, rule, seat, agent, left_out, cost, id, revision,
     due FROM call WHERE ";
const RECORDS: &str = "
    SELECT end_ms, ending, version, json FROM call JOIN detail ON detail.call = call.n";
const EDGE: &str = "
    SELECT (SELECT min(start_ms) FROM call WHERE process IS NOT NULL), (SELECT max(start_ms) FROM call),
           (SELECT min(id) FROM call)";
const ENDED: &str = "
    SELECT id, version, start_ms FROM call WHERE start_ms >= ?1 AND end_ms IS NOT NULL ORDER BY start_ms, id";
const WORDS: &str = "
    SELECT id, text FROM word WHERE id > 0";

/// As [`Reader::summaries`].
pub(super) fn summaries<E: From<Error>>(
    conn: &mut Connection,
    span: Span,
    mut each: impl FnMut(&CallSummary, &Interner) -> Result<(), E>,
) -> Result<Interner, E> {
    let sql = |error: rusqlite::Error| E::from(Error::from(error));
    let snapshot = conn.transaction().map_err(sql)?;
    let texts = texts(&snapshot)?;
    let mut query = snapshot.prepare(&[SUMMARIES, span.condition()].concat()).map_err(sql)?;
    let mut rows = query.query(span.bounds()).map_err(sql)?;
    while let Some(row) = rows.next().map_err(sql)? {
        each(&summary_of(row)?, &texts)?;
    }
    Ok(texts)
}

fn summary_of(row: &Row<'_>) -> Result<CallSummary, Error> {
    Ok(CallSummary {
        end: end_of(row)?,
        start_ms: row.get(2)?,
        complete: row.get(3)?,
        flags: Flags(row.get(4)?),
        facts: Symbol(row.get(5)?),
        rule: Symbol(row.get(6)?),
        seat: Symbol(row.get(7)?),
        agent: Symbol(row.get(8)?),
        left_out: Symbol(row.get(9)?),
        cost: Symbol(row.get(10)?),
        id: Uuid::from_bytes(row.get(11)?),
        revision: Symbol(row.get(12)?),
        due: Symbol(row.get(13)?),
    })
}

fn texts(conn: &Connection) -> Result<Interner, Error> {
    let mut out = Interner::default();
    let mut query = conn.prepare(WORDS)?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        if !out.put(Symbol(row.get(0)?), row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?) {
            return Err(Error::Damaged);
        }
    }
    Ok(out)
}

fn end_of(row: &Row<'_>) -> Result<Option<(i64, Outcome)>, Error> {
    match (row.get(0)?, row.get::<_, Option<u8>>(1)?.map(outcome_of)) {
        (None, None) => Ok(None),
        (Some(at), Some(Some(outcome))) => Ok(Some((at, outcome))),
        _ => Err(Error::Damaged),
    }
}

fn version_of(row: &Row<'_>, column: usize) -> Result<u64, Error> {
    row.get::<_, i64>(column)?.try_into().map_err(|_| Error::Damaged)
}

fn record_of(row: &Row<'_>) -> Result<Record, Error> {
    let json = row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?;
    let mut record = Record::read(json).map_err(|_| Error::Damaged)?;
    let end = end_of(row)?.map(|(ms, outcome)| Some((time(ms)?, outcome)));
    record.end = end.map(|end| end.ok_or(Error::Damaged)).transpose()?;
    record.version = version_of(row, 2)?;
    Ok(record)
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};

    use super::*;
    use crate::store::{Change, Opened};
    use penutup_rules::closing::ending::Ending;

    fn record(id: Uuid, version: u64, second: i64, ended: bool) -> Record {
        let at = |second| DateTime::<Utc>::UNIX_EPOCH + TimeDelta::seconds(second);
        Record {
            id,
            version,
            start: at(second),
            end: ended.then_some((at(second + 30), Outcome::Ended(Ending::Complete))),
            changed: at(99),
            seat: Some("meja 7".into()),
            cost: vec!["Akurasi".into()],
            ..Record::default()
        }
    }

    fn all(reader: &mut Reader, from_ms: i64) -> (Vec<(Uuid, u64)>, Edge) {
        let mut out = Vec::new();
        let edge = reader.ended::<Error>(from_ms, |ended| {
            out.push((ended.id, ended.version));
            Ok(())
        });
        (out, edge.unwrap())
    }

    #[test]
    fn ended_calls_are_listed_from_a_time_on_and_read_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        let Opened { mut store, .. } = Store::open(&path).unwrap();
        let presence = store.join().unwrap();
        let ids: Vec<Uuid> = (1..=3).map(Uuid::from_u128).collect();
        let mut save = |record: &Record| store.save(presence.id(), std::iter::once(Change::Save(record))).unwrap();
        let (first, second) = (record(ids[0], 4, 10, true), record(ids[1], 1, 20, true));
        [&second, &first, &record(ids[2], 1, 15, false)].into_iter().for_each(&mut save);

        let mut reader = Reader::open(&path).unwrap().unwrap();
        let (ended, edge) = all(&mut reader, i64::MIN);
        assert_eq!(ended, [(ids[0], 4), (ids[1], 1)]);
        assert_eq!(edge, Edge { open_ms: Some(15_000), newest_ms: Some(20_000), lowest: Some(ids[0]) });
        assert_eq!(all(&mut reader, 10_001).0, [(ids[1], 1)]);

        let mut read = Vec::new();
        let requested = [ids[1], Uuid::from_u128(9), ids[2], ids[0]];
        let result = reader.ended_calls::<Error>(&requested, |record| {
            read.push(record.clone());
            Ok(())
        });
        result.unwrap();
        assert_eq!(read, [second, first], "running and unknown calls are left out");

        // An undone end counts as none; ended again, it is a newer version.
        save(&record(ids[0], 5, 10, false));
        assert_eq!(all(&mut reader, i64::MIN).0, [(ids[1], 1)]);
        save(&record(ids[0], 6, 10, true));
        assert_eq!(all(&mut reader, i64::MIN).0, [(ids[0], 6), (ids[1], 1)]);
    }
}
