//! The tables, and the way from an older version of them to the present one: forward only. A report scans the narrow
//! `call` table, in which every text is a number of the `word` table; what a report does not count lies in `detail`.

use rusqlite::{Connection, TransactionBehavior};

use super::trouble::Error;

/// Marks a database as a journal of this program ("pntp").
const APPLICATION: i64 = 0x706e_7470;

/// Every version of the tables, as the step from the one before. What was once released is never edited again.
pub const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE word (
        id    INTEGER PRIMARY KEY,
        text  TEXT NOT NULL UNIQUE
    ) STRICT;
    INSERT INTO word (id, text) VALUES (0, '');
    CREATE TABLE call (
        n          INTEGER PRIMARY KEY,
        id         BLOB NOT NULL UNIQUE,     -- UUIDv7
        version    INTEGER NOT NULL,         -- rises with every writing: of two copies the higher is the newer
        start_ms   INTEGER NOT NULL,         -- milliseconds since 1970, UTC
        end_ms     INTEGER,                  -- NULL while it runs
        changed_ms INTEGER NOT NULL,         -- when it was last written: the end, if the prompter ends without a word
        process    BLOB,                     -- whose it is while it runs: seat-<uuid>.lock
        ending     INTEGER,                  -- how it ended
        complete   INTEGER NOT NULL,         -- 1: nothing left out
        facts      INTEGER NOT NULL,         -- → word: 'klb=ya topik=lain', in the rules' order
        rule       INTEGER NOT NULL,         -- → word: id
        rules      INTEGER NOT NULL,         -- → word: '<sha256> <revision>'
        seat       INTEGER NOT NULL,         -- → word: from the settings, 0 where none
        left_out   INTEGER NOT NULL,         -- → word: 'download terima-kasih', 0 where nothing is
        cost       INTEGER NOT NULL,         -- → word: '[\"Akurasi\",\"FCR\"]', 0 where it costs nothing
        zone       INTEGER NOT NULL,         -- → word: id
        greeting   INTEGER NOT NULL          -- → word, 0 until one is spoken
    ) STRICT;
    CREATE INDEX call_start ON call (start_ms);
    CREATE INDEX call_open ON call (process) WHERE process IS NOT NULL;
    CREATE TABLE detail (
        call  INTEGER PRIMARY KEY,           -- → call.n
        json  TEXT NOT NULL                  -- summary::Detail
    ) STRICT;
",
    // What went otherwise than planned, for the report; for the calls that are there it follows from their details.
    "
    ALTER TABLE call ADD COLUMN flags INTEGER NOT NULL DEFAULT 0;  -- summary::Flags
    UPDATE call SET flags =
        (NOT EXISTS (SELECT 1 FROM json_each(detail.json, '$.steps') WHERE value ->> 2 IS NOT NULL))
        | ((coalesce(json_array_length(detail.json, '$.overtaken'), 0) > 0) << 1)
        | (EXISTS (SELECT 1 FROM json_each(detail.json, '$.steps') WHERE value ->> 3 > 0) << 2)
    FROM detail WHERE detail.call = call.n AND json_valid(detail.json);
",
];

fn number(conn: &Connection, pragma: &str) -> rusqlite::Result<i64> {
    conn.pragma_query_value(None, pragma, |row| row.get(0))
}

/// The version of the tables; 0 where there are none yet.
///
/// # Errors
/// [`Error::Newer`] and [`Error::Foreign`], and what `SQLite` says.
pub fn version(conn: &Connection, migrations: &[&str]) -> Result<usize, Error> {
    let (found, known) = (number(conn, "user_version")?, i64::try_from(migrations.len()).unwrap_or(i64::MAX));
    if number(conn, "application_id")? != APPLICATION {
        let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        return if found == 0 && tables == 0 { Ok(0) } else { Err(Error::Foreign) };
    }
    if found > known {
        return Err(Error::Newer { found, known });
    }
    usize::try_from(found).map_err(|_| Error::Damaged)
}

/// Whether a database says of itself that it is a journal of this program, whatever else is wrong with it.
#[must_use]
pub fn is_ours(conn: &Connection) -> bool {
    number(conn, "application_id").is_ok_and(|id| id == APPLICATION)
}

/// Makes a connection ready to write: nothing is touched before it is known to be ours and not newer.
///
/// WAL with `synchronous = NORMAL`: a commit is in the file system's cache when it returns, so it outlives the
/// process (kill -9), which is what we promise; a power cut may cost the last moments, never the file. No commit waits
/// for the disk; only a checkpoint does, once in a thousand pages.
///
/// # Errors
/// As [`version`], and what `SQLite` says.
pub fn prepare(conn: &mut Connection, migrations: &[&str]) -> Result<(), Error> {
    let there = version(conn, migrations)?;
    if there == 0 {
        // In the file itself before anything is in the log: a journal is known as ours however it is damaged later.
        conn.pragma_update(None, "application_id", APPLICATION)?;
    }
    // Where WAL can't be had (some network shares) SQLite stays with its other way, which is as safe but slower.
    conn.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    conn.pragma_update(None, "synchronous", "NORMAL")?;
    // What is deleted is overwritten, not only let go.
    conn.query_row("PRAGMA secure_delete = ON", [], |_| Ok(()))?;
    if there < migrations.len() {
        let steps = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let from = version(&steps, migrations)?;
        for step in &migrations[from..] {
            steps.execute_batch(step)?;
        }
        steps.pragma_update(None, "application_id", APPLICATION)?;
        steps.pragma_update(None, "user_version", i64::try_from(migrations.len()).unwrap_or(i64::MAX))?;
        steps.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATER: &[&str] = &[MIGRATIONS[0], MIGRATIONS[1], "ALTER TABLE call ADD COLUMN sent_ms INTEGER"];

    #[test]
    fn an_older_database_goes_forward_and_keeps_what_it_has() {
        let mut conn = Connection::open_in_memory().unwrap();
        prepare(&mut conn, MIGRATIONS).unwrap();
        conn.execute("INSERT INTO word (text) VALUES ('klb=ya')", []).unwrap();
        prepare(&mut conn, LATER).unwrap();
        assert_eq!(version(&conn, LATER).unwrap(), 3);
        let text: String = conn.query_row("SELECT text FROM word WHERE id = 1", [], |r| r.get(0)).unwrap();
        assert_eq!(text, "klb=ya");
        conn.execute("UPDATE call SET sent_ms = 1", []).unwrap();
    }

    #[test]
    fn the_flags_of_calls_written_before_there_were_flags_follow_from_their_details() {
        let mut conn = Connection::open_in_memory().unwrap();
        prepare(&mut conn, &MIGRATIONS[..1]).unwrap();
        let details = [
            (r#"{"facts":[],"steps":[["campaign",true,5,0,false,[]],["download",true,null,0,true,[]]]}"#, 0),
            (r#"{"facts":[],"steps":[["campaign",true,null,0,true,[]]]}"#, 1),
            (r#"{"facts":[],"steps":[["campaign",true,5,0,false,[]]],"overtaken":[["x",1,[]]]}"#, 2),
            (r#"{"facts":[],"steps":[["campaign",true,5,2,false,[]]],"differs":["klb"]}"#, 4),
            (r#"{"facts":[],"steps":[["campaign",true,null,1,true,[]]],"overtaken":[["x",1,[]]]}"#, 7),
            // Nothing can be said of a call whose detail is damaged.
            ("{", 0),
        ];
        for (n, (json, _)) in (1_i64..).zip(&details) {
            let call = "INSERT INTO call VALUES (?1, ?1, 1, 0, 0, 0, NULL, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0)";
            conn.execute(&call.replace("?1, ?1", "?1, CAST(?1 AS BLOB)"), [n]).unwrap();
            conn.execute("INSERT INTO detail VALUES (?1, ?2)", rusqlite::params![n, json]).unwrap();
        }
        prepare(&mut conn, MIGRATIONS).unwrap();
        let mut query = conn.prepare("SELECT flags FROM call ORDER BY n").unwrap();
        let flags: Vec<i64> = query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert_eq!(flags, details.map(|(_, flags)| flags));
    }

    #[test]
    fn a_newer_database_is_refused_and_not_touched() {
        let mut conn = Connection::open_in_memory().unwrap();
        prepare(&mut conn, LATER).unwrap();
        let changes = conn.total_changes();
        let refused = prepare(&mut conn, MIGRATIONS);
        assert!(matches!(refused, Err(Error::Newer { found: 3, known: 2 })), "{refused:?}");
        assert_eq!(conn.total_changes(), changes);
    }

    #[test]
    fn a_database_of_another_program_is_refused() {
        let mut conn = Connection::open_in_memory().unwrap();
        conn.execute_batch("CREATE TABLE notes (text TEXT)").unwrap();
        assert!(matches!(prepare(&mut conn, MIGRATIONS), Err(Error::Foreign)));
        conn.execute_batch("SELECT text FROM notes").unwrap();
    }
}
