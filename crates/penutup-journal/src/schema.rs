//! The tables, and their migrations, forward only. A report scans the narrow `call` table, in which every text is a
//! number from the `word` table; a call's complete record is in `detail`.

use rusqlite::{Connection, TransactionBehavior};
use uuid::Uuid;

use super::export::Forgotten;
use super::trouble::Error;

/// The pages that a program keeps in memory which is open all day, in KiB; `SQLite` takes a positive number for pages.
pub const CACHE_SIZE: i64 = -64;

/// Marks a database as a journal of this program ("pntp").
const APPLICATION: i64 = 0x706e_7470;

/// Every version of the tables, as the migration from the previous one. A released migration is never edited.
const MIGRATIONS: [&str; 4] = [
    // 0.1.0. `detail` has only facts and steps.
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
        changed_ms INTEGER NOT NULL,         -- when it was last written: the end, if the prompter is killed
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
        json  TEXT NOT NULL                  -- record::Record, but version and end, which are those of `call`
    ) STRICT;
    ",
    // Irregularities, for the report; `detail` has the complete record. A damaged detail leaves its call with neither
    // facts nor steps.
    "
    ALTER TABLE call ADD COLUMN flags INTEGER NOT NULL DEFAULT 0;  -- summary::Flags
    UPDATE call SET flags =
        (NOT EXISTS (SELECT 1 FROM json_each(detail.json, '$.steps') WHERE value ->> 2 IS NOT NULL))
        | ((coalesce(json_array_length(detail.json, '$.overtaken'), 0) > 0) << 1)
        | (EXISTS (SELECT 1 FROM json_each(detail.json, '$.steps') WHERE value ->> 3 > 0) << 2)
    FROM detail WHERE detail.call = call.n AND json_valid(detail.json);
    INSERT OR REPLACE INTO detail (call, json)
    SELECT n, json_object(
        'id', substr(hex, 1, 8) || '-' || substr(hex, 9, 4) || '-' || substr(hex, 13, 4) || '-' || substr(hex, 17, 4)
            || '-' || substr(hex, 21),
        'version', version, 'start_ms', start_ms, 'end_ms', NULL, 'ending', NULL, 'changed_ms', changed_ms,
        'seat', nullif(seat, ''), 'zone', zone, 'greeting', nullif(greeting, ''), 'rule', rule,
        'revision', substr(rules, instr(rules, ' ') + 1), 'rules_sha256', substr(rules, 1, instr(rules, ' ') - 1),
        'cost', json(iif(json_valid(cost), cost, '[]')),
        'facts', json(coalesce(old -> '$.facts', '[]')), 'steps', json(coalesce(old -> '$.steps', '[]')),
        'overtaken', json(coalesce(old -> '$.overtaken', '[]')), 'differs', json(coalesce(old -> '$.differs', '[]')))
    FROM (SELECT n, version, start_ms, changed_ms, lower(hex(id)) AS hex, detail.json AS old,
            (SELECT text FROM word WHERE id = call.seat) AS seat,
            coalesce((SELECT text FROM word WHERE id = call.zone), '') AS zone,
            (SELECT text FROM word WHERE id = call.greeting) AS greeting,
            coalesce((SELECT text FROM word WHERE id = call.rule), '') AS rule,
            coalesce((SELECT text FROM word WHERE id = call.rules), ' ') AS rules,
            (SELECT text FROM word WHERE id = call.cost) AS cost
        FROM call LEFT JOIN detail ON detail.call = call.n AND json_valid(detail.json));
    ALTER TABLE call DROP COLUMN rules;
    ALTER TABLE call DROP COLUMN zone;
    ALTER TABLE call DROP COLUMN greeting;
    ",
    // Who took the call, and the telephone system's id of it. An id is not a word: each is used once.
    "
    ALTER TABLE call ADD COLUMN agent INTEGER NOT NULL DEFAULT 0;  -- → word: the agent's number, 0 where none
    ALTER TABLE call ADD COLUMN interaction TEXT;
    CREATE INDEX call_interaction ON call (interaction) WHERE interaction IS NOT NULL;
    CREATE TABLE forgotten (                 -- what a person deleted, not what expired
        id       BLOB PRIMARY KEY,           -- random, so that it counts once however often it is exported
        at_ms    INTEGER NOT NULL,           -- when it was deleted
        calls    INTEGER NOT NULL,           -- how many
        first_ms INTEGER NOT NULL,           -- when the first of them began
        last_ms  INTEGER NOT NULL            -- when the last of them began
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE in_use (n INTEGER PRIMARY KEY) STRICT;  -- a row while a program has it open for writing
    ",
    // The revision of the rules, and the steps that were due, for the report.
    "
    ALTER TABLE call ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;  -- → word
    ALTER TABLE call ADD COLUMN due INTEGER NOT NULL DEFAULT 0;       -- → word: 'campaign download', ticked or left out
    CREATE TEMP TABLE new_words AS
    SELECT call, json ->> '$.revision' AS revision, (SELECT group_concat(value ->> 0, ' ')
        FROM json_each(json, '$.steps') WHERE value ->> 2 IS NOT NULL OR value ->> 4) AS due
    FROM detail WHERE json_valid(json);
    INSERT OR IGNORE INTO word (text)
    SELECT revision FROM new_words WHERE revision IS NOT NULL UNION SELECT due FROM new_words WHERE due IS NOT NULL;
    UPDATE call SET
        revision = coalesce((SELECT id FROM word WHERE text = new_words.revision), 0),
        due = coalesce((SELECT id FROM word WHERE text = new_words.due), 0)
    FROM new_words WHERE new_words.call = call.n;
    DROP TABLE new_words;
    ",
];

fn pragma(conn: &Connection, name: &str) -> rusqlite::Result<i64> {
    conn.pragma_query_value(None, name, |row| row.get(0))
}

/// The version of the tables; 0 where there are none yet.
///
/// # Errors
/// [`Error::Newer`] and [`Error::Foreign`], and `SQLite`'s errors.
pub fn version(conn: &Connection) -> Result<usize, Error> {
    let (found, known) = (pragma(conn, "user_version")?, i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX));
    if pragma(conn, "application_id")? != APPLICATION {
        let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        return if found == 0 && tables == 0 { Ok(0) } else { Err(Error::Foreign) };
    }
    if found > known {
        return Err(Error::Newer { found, known });
    }
    usize::try_from(found).map_err(|_| Error::Damaged)
}

/// Whether the tables are those of an older version.
///
/// # Errors
/// As [`version`].
pub fn is_older(conn: &Connection) -> Result<bool, Error> {
    Ok((1..MIGRATIONS.len()).contains(&version(conn)?))
}

/// Whether a database is marked as a journal of this program, whatever else is wrong with it.
pub fn is_ours(conn: &Connection) -> bool {
    pragma(conn, "application_id").is_ok_and(|id| id == APPLICATION)
}

/// Prepares a connection for writing; nothing is changed before it is known to be ours and not newer.
///
/// WAL with `synchronous = NORMAL`: a commit is in the file system's cache when it returns, so it survives the process
/// (kill -9), which is what we promise; a power cut may cost the last moments, never the file. No commit waits for the
/// disk; only a checkpoint does, once in a thousand pages.
///
/// # Errors
/// As [`version`], and `SQLite`'s errors.
pub fn prepare(conn: &mut Connection) -> Result<(), Error> {
    prepare_to(conn, MIGRATIONS.len())
}

fn prepare_to(conn: &mut Connection, wanted: usize) -> Result<(), Error> {
    let there = version(conn)?;
    if there == 0 {
        // In the file itself before anything is in the log: a journal is known as ours however it is damaged later.
        conn.pragma_update(None, "application_id", APPLICATION)?;
    }
    // Where WAL is not available (some network shares) SQLite keeps its rollback journal, which is as safe but slower.
    conn.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    conn.pragma_update(None, "synchronous", "NORMAL")?;
    // What is deleted is overwritten, not only freed.
    conn.query_row("PRAGMA secure_delete = ON", [], |_| Ok(()))?;
    if there < wanted {
        let steps = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process may have migrated it meanwhile.
        for step in MIGRATIONS.iter().take(wanted).skip(version(&steps)?) {
            steps.execute_batch(step)?;
        }
        steps.pragma_update(None, "application_id", APPLICATION)?;
        steps.pragma_update(None, "user_version", i64::try_from(wanted).unwrap_or(i64::MAX))?;
        steps.commit()?;
    }
    conn.pragma_update(None, "cache_size", CACHE_SIZE)?;
    Ok(())
}

/// Notes in the database itself that a program has it open for writing: what is written from here on may be only in the
/// log beside it. Best effort: without the note a copy without its log is not noticed.
pub fn mark_in_use(conn: &mut Connection) {
    let mark = || {
        conn.execute("INSERT OR IGNORE INTO in_use (n) VALUES (1)", [])?;
        conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
    };
    let _ = mark();
}

/// Removes the note of [`mark_in_use`].
pub fn unmark_in_use(conn: &Connection) {
    let _ = conn.execute("DELETE FROM in_use", []);
}

/// Whether [`mark_in_use`] stands: then the database is whole only together with its log.
///
/// # Errors
/// The error of `SQLite`.
pub fn is_in_use(conn: &Connection) -> Result<bool, Error> {
    Ok(conn.query_row("SELECT EXISTS (SELECT 1 FROM in_use)", [], |row| row.get(0))?)
}

/// The deletions by a person, in the order of time.
///
/// # Errors
/// The error of `SQLite`.
pub fn forgotten(conn: &Connection) -> Result<Vec<Forgotten>, Error> {
    let mut query = conn.prepare("SELECT id, at_ms, calls, first_ms, last_ms FROM forgotten ORDER BY at_ms, id")?;
    let rows = query.query_map([], |row| {
        let calls: i64 = row.get(2)?;
        Ok(Forgotten {
            id: row.get(0).map(Uuid::from_bytes)?,
            at_ms: row.get(1)?,
            calls: u64::try_from(calls).unwrap_or(0),
            first_ms: row.get(3)?,
            last_ms: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;

    const CALLS: &str = r#"
        INSERT INTO word VALUES (1, 'klb=ya'), (2, 'satu'), (3, 'ab12 Rev 1'), (4, 'meja "7"'), (5, '["FCR"]'), (6, 'WIB');
        INSERT INTO call VALUES
            (1, x'019AB123000070008000000000000007', 4, 1, 9, 10, NULL, 6, 0, 1, 2, 3, 4, 0, 5, 6, 0),
            (2, x'00000000000000000000000000000002', 1, 1, NULL, 3, NULL, NULL, 1, 1, 2, 3, 0, 0, 0, 6, 0),
            (3, x'00000000000000000000000000000003', 1, 1, NULL, 3, NULL, NULL, 1, 1, 2, 3, 0, 0, 0, 6, 0),
            (4, x'00000000000000000000000000000004', 1, 1, NULL, 3, NULL, NULL, 1, 1, 2, 3, 0, 0, 0, 6, 0),
            (5, x'00000000000000000000000000000005', 1, 1, NULL, 3, NULL, NULL, 1, 1, 2, 3, 0, 0, 5, 6, 0),
            (6, x'00000000000000000000000000000006', 1, 1, NULL, 3, NULL, NULL, 1, 1, 2, 3, 0, 0, 1, 6, 0);
        INSERT INTO detail VALUES
            (1, '{"facts":[["klb","ya",5]],"steps":[["campaign",true,5,0,false,[]],["download",true,null,0,true,["FCR"]]]}'),
            (2, '{"facts":[],"steps":[["campaign",true,null,0,true,[]]]}'),
            (3, '{"facts":[],"steps":[["campaign",true,5,0,false,[]]],"overtaken":[["x",1,[]]]}'),
            (4, '{"facts":[],"steps":[["campaign",true,5,2,false,[]]],"differs":["klb"]}'),
            (5, '{"facts":[],"steps":[["campaign",true,null,1,true,[]]],"overtaken":[["x",1,[]]]}'),
            (6, '{');
    "#;

    /// A journal of 0.1.0 with six calls, the last of them damaged.
    fn journal_of_0_1_0() -> Connection {
        let mut conn = Connection::open_in_memory().unwrap();
        prepare_to(&mut conn, 1).unwrap();
        conn.execute_batch(CALLS).unwrap();
        conn
    }

    #[test]
    fn the_flags_of_older_calls_follow_from_their_details() {
        let mut conn = journal_of_0_1_0();
        assert!(is_older(&conn).unwrap());
        prepare(&mut conn).unwrap();
        assert!(!is_older(&conn).unwrap());
        let mut query = conn.prepare("SELECT flags FROM call ORDER BY n").unwrap();
        let flags: Vec<i64> = query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert_eq!(flags, [0, 1, 2, 4, 7, 0]);
    }

    #[test]
    fn an_older_call_is_migrated_to_a_complete_record() {
        let mut conn = journal_of_0_1_0();
        prepare(&mut conn).unwrap();
        let mut query = conn.prepare("SELECT json FROM detail ORDER BY call").unwrap();
        let json = query.query_map([], |row| row.get::<_, String>(0)).unwrap().map(Result::unwrap);
        let records: Vec<Record> = json.map(|json| Record::read(&json).unwrap()).collect();
        let whole = r#"{"id":"019ab123-0000-7000-8000-000000000007","version":4,"start_ms":1,"end_ms":null,"ending":null,"changed_ms":10,"seat":"meja \"7\"","zone":"WIB","greeting":null,"rule":"satu","revision":"Rev 1","rules_sha256":"ab12","cost":["FCR"],"facts":[["klb","ya",5]],"steps":[["campaign",true,5,0,false,[]],["download",true,null,0,true,["FCR"]]]}"#;
        assert_eq!(serde_json::to_string(&records[0]).unwrap(), whole);
        assert_eq!(records.iter().map(|r| r.overtaken.len()).collect::<Vec<_>>(), [0, 0, 1, 0, 1, 0]);
        assert_eq!((records[3].differs.len(), records[3].steps[0].undone), (1, 2));
        let damaged = &records[5];
        assert_eq!((damaged.steps.len(), damaged.cost.len(), damaged.rule.as_str()), (0, 0, "satu"));
    }

    #[test]
    fn a_newer_database_is_refused_and_not_touched() {
        let mut conn = Connection::open_in_memory().unwrap();
        prepare(&mut conn).unwrap();
        let newer = i64::try_from(MIGRATIONS.len() + 1).unwrap();
        conn.pragma_update(None, "user_version", newer).unwrap();
        let changes = conn.total_changes();
        let refused = prepare(&mut conn);
        assert!(
            matches!(refused, Err(Error::Newer { found, known }) if found == newer && known == newer - 1),
            "{refused:?}"
        );
        assert_eq!(conn.total_changes(), changes);
    }

    #[test]
    fn a_database_of_another_program_is_refused() {
        let mut conn = Connection::open_in_memory().unwrap();
        conn.execute_batch("CREATE TABLE notes (text TEXT)").unwrap();
        assert!(matches!(prepare(&mut conn), Err(Error::Foreign)));
        conn.execute_batch("SELECT text FROM notes").unwrap();
    }
}
