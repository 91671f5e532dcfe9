//! Reading the journal without changing it: the rows one after another, never all of them in memory.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, params};

use super::schema::{self, MIGRATIONS};
use super::summary::{Flags, Rest, Row, Vocabulary, Word, ending_of};
use super::trouble::Error;

/// The calls that began in this time: from, inclusive, to before, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The first millisecond; `None`: from the beginning.
    pub from_ms: Option<i64>,
    /// The first millisecond that is no longer in it; `None`: to the end.
    pub before_ms: Option<i64>,
}

impl Span {
    /// Whether a call that began then is in it.
    #[must_use]
    pub fn has(&self, start_ms: i64) -> bool {
        self.from_ms.is_none_or(|from| from <= start_ms) && self.before_ms.is_none_or(|before| start_ms < before)
    }

    fn condition(&self) -> &'static str {
        // Without bounds the table is read through, which is quicker than by its index.
        if *self == Self::default() { "?1 <= ?2" } else { "start_ms >= ?1 AND start_ms < ?2" }
    }

    fn bounds(&self) -> (i64, i64) {
        (self.from_ms.unwrap_or(i64::MIN), self.before_ms.unwrap_or(i64::MAX))
    }
}

/// A journal that is only read.
#[derive(Debug)]
pub struct Reader {
    pub(super) conn: Connection,
}

impl Reader {
    /// Opens the journal; `None` where there is none yet.
    ///
    /// # Errors
    /// What the system or `SQLite` says, or that the journal is not ours.
    pub fn open(path: &Path) -> Result<Option<Self>, Error> {
        // Looked at, not opened: closing a file lets go of every lock that this process has on it, `SQLite`'s own too.
        match std::fs::metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
            Ok(about) if about.is_dir() => return Err(Error::Io(std::io::ErrorKind::IsADirectory.into())),
            Ok(_) => {}
        }
        let conn = Self::connect(path).or_else(|error| {
            // In a folder that can't be written SQLite can't make the index of a log; where there is no log, there is
            // nothing to index, and nobody writes.
            let mut log = path.as_os_str().to_owned();
            log.push("-wal");
            if Path::new(&log).exists() || error.is_damage() { Err(error) } else { Self::connect_still(path, error) }
        })?;
        // An empty file is what an opening left that was stopped at once.
        Ok(if schema::version(&conn, MIGRATIONS)? == 0 { None } else { Some(Self { conn }) })
    }

    fn connect(path: &Path) -> Result<Connection, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(path, flags)?;
        conn.busy_timeout(Duration::from_secs(2))?;
        conn.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        Ok(conn)
    }

    fn connect_still(path: &Path, error: Error) -> Result<Connection, Error> {
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

    /// Hands over what a report counts of each call of `span`, in no order.
    ///
    /// # Errors
    /// What `SQLite` says.
    pub fn rows(&mut self, span: Span, each: impl FnMut(&Row)) -> Result<Vocabulary, Error> {
        rows(&mut self.conn, span, each)
    }

    pub(super) fn rows_by_id(&mut self, span: Span, each: impl FnMut(&Row, &[u8])) -> Result<Vocabulary, Error> {
        rows_by_id(&mut self.conn, span, each)
    }

    /// Hands over each call of `span` whole, in the order of their beginning; the text is its [`super::summary::Detail`].
    ///
    /// # Errors
    /// What `SQLite` or `each` says.
    pub fn calls<E: From<Error>>(
        &mut self,
        span: Span,
        mut each: impl FnMut(&Row, &Rest, &str, &Vocabulary) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = |error: rusqlite::Error| E::from(Error::from(error));
        let still = self.conn.transaction().map_err(sql)?;
        let vocabulary = vocabulary(&still)?;
        let query = [SELECT, NARROW, WIDE, span.condition(), IN_ORDER].concat();
        let mut query = still.prepare(&query).map_err(sql)?;
        let (from, before) = span.bounds();
        let mut rows = query.query(params![from, before]).map_err(sql)?;
        while let Some(row) = rows.next().map_err(sql)? {
            let (narrow, rest) = (row_of(row)?, rest_of(row).map_err(sql)?);
            let detail = row.get_ref(17).and_then(|v| Ok(v.as_str_or_null()?)).map_err(sql)?;
            each(&narrow, &rest, detail.unwrap_or(r#"{"facts":[],"steps":[]}"#), &vocabulary)?;
        }
        Ok(())
    }
}

pub(super) const SELECT: &str = "SELECT ";
const FROM: &str = "
    FROM call WHERE ";
pub(super) const WIDE: &str = "
    , id, version, changed_ms, rules, zone, greeting, json
    FROM call LEFT JOIN detail ON detail.call = call.n WHERE ";
const IN_ORDER: &str = " ORDER BY start_ms, id";
const WORDS: &str = "
    SELECT id, text FROM word WHERE id > 0";
pub(super) const NARROW: &str = "start_ms, end_ms, ending, complete, facts, rule, seat, left_out, cost, flags, n";

/// Hands over what a report counts of each call of `span`; the words of all of them come at the end.
pub(super) fn rows(conn: &mut Connection, span: Span, mut each: impl FnMut(&Row)) -> Result<Vocabulary, Error> {
    let still = conn.transaction()?;
    let mut query = still.prepare(&[SELECT, NARROW, FROM, span.condition()].concat())?;
    let (from, before) = span.bounds();
    let mut rows = query.query(params![from, before])?;
    while let Some(row) = rows.next()? {
        each(&row_of(row)?);
    }
    vocabulary(&still)
}

/// Hands over each call of `span` with its id, without its detail.
pub(super) fn rows_by_id(
    conn: &mut Connection,
    span: Span,
    mut each: impl FnMut(&Row, &[u8]),
) -> Result<Vocabulary, Error> {
    let still = conn.transaction()?;
    let mut query = still.prepare(&[SELECT, NARROW, ", id", FROM, span.condition()].concat())?;
    let (from, before) = span.bounds();
    let mut rows = query.query(params![from, before])?;
    while let Some(row) = rows.next()? {
        let id: Vec<u8> = row.get(11)?;
        each(&row_of(row)?, &id);
    }
    vocabulary(&still)
}

pub(super) fn row_of(row: &rusqlite::Row<'_>) -> Result<Row, Error> {
    let end_ms: Option<i64> = row.get(1)?;
    let ending: Option<u8> = row.get(2)?;
    let end = match (end_ms, ending.map(ending_of)) {
        (None, None) => None,
        (Some(at), Some(Some(how))) => Some((at, how)),
        _ => return Err(Error::Damaged),
    };
    Ok(Row {
        start_ms: row.get(0)?,
        end,
        complete: row.get(3)?,
        facts: Word(row.get(4)?),
        rule: Word(row.get(5)?),
        seat: Word(row.get(6)?),
        left_out: Word(row.get(7)?),
        cost: Word(row.get(8)?),
        flags: Flags(row.get(9)?),
    })
}

pub(super) fn rest_of(row: &rusqlite::Row<'_>) -> rusqlite::Result<Rest> {
    Ok(Rest {
        id: row.get(11)?,
        version: row.get::<_, i64>(12)?.try_into().unwrap_or(0),
        changed_ms: row.get(13)?,
        rules: Word(row.get(14)?),
        zone: Word(row.get(15)?),
        greeting: Word(row.get(16)?),
    })
}

pub(super) fn vocabulary(conn: &Connection) -> Result<Vocabulary, Error> {
    let mut out = Vocabulary::default();
    let mut query = conn.prepare(WORDS)?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        if !out.put(Word(row.get(0)?), row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?) {
            return Err(Error::Damaged);
        }
    }
    Ok(out)
}
