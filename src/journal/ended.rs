//! The calls that have ended, for whoever carries them elsewhere: which of them are news, and a few of them whole.

use rusqlite::params;
use uuid::Uuid;

use super::export::Line;
use super::read::{NARROW, Reader, SELECT, WIDE, rest_of, row_of, vocabulary};
use super::trouble::Error;

/// A call's last writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// The call.
    pub id: Uuid,
    /// It rises with every writing.
    pub version: u64,
    /// When the call began, in milliseconds since 1970, UTC.
    pub start_ms: i64,
}

/// From where on a next look has to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Edge {
    /// When the oldest call began that still runs.
    pub open_ms: Option<i64>,
    /// When the newest call began.
    pub newest_ms: Option<i64>,
    /// The lowest id of all calls.
    pub lowest: Option<Uuid>,
}

impl Reader {
    /// Hands over every call that has ended and began in or after this millisecond, the oldest first.
    ///
    /// # Errors
    /// What `SQLite` or `each` says.
    pub fn ended<E: From<Error>>(
        &mut self,
        from_ms: i64,
        mut each: impl FnMut(Written) -> Result<(), E>,
    ) -> Result<Edge, E> {
        let sql = |error: rusqlite::Error| E::from(Error::from(error));
        let still = self.conn.transaction().map_err(sql)?;
        let edge = still.query_row(EDGE, [], |row| {
            let lowest: Option<[u8; 16]> = row.get(2)?;
            Ok(Edge { open_ms: row.get(0)?, newest_ms: row.get(1)?, lowest: lowest.map(Uuid::from_bytes) })
        });
        let edge = edge.map_err(sql)?;
        let mut query = still.prepare(ENDED).map_err(sql)?;
        let mut rows = query.query([from_ms]).map_err(sql)?;
        while let Some(row) = rows.next().map_err(sql)? {
            let id = row.get(0).map(Uuid::from_bytes).map_err(sql)?;
            let version: i64 = row.get(1).map_err(sql)?;
            let start_ms = row.get(2).map_err(sql)?;
            each(Written { id, version: version.try_into().map_err(|_| Error::Damaged)?, start_ms })?;
        }
        Ok(edge)
    }

    /// Hands over these calls as lines of the export, in their order; those that run again, or are gone, are left out.
    ///
    /// # Errors
    /// What `SQLite` or `each` says.
    pub fn lines<E: From<Error>>(
        &mut self,
        ids: &[Uuid],
        mut each: impl FnMut(Uuid, &Line<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = |error: rusqlite::Error| E::from(Error::from(error));
        let still = self.conn.transaction().map_err(sql)?;
        let vocabulary = vocabulary(&still)?;
        let mut query = still.prepare(&[SELECT, NARROW, WIDE, ONE_ENDED].concat()).map_err(sql)?;
        for id in ids {
            let mut rows = query.query(params![id.as_bytes()]).map_err(sql)?;
            let Some(row) = rows.next().map_err(sql)? else { continue };
            let (narrow, rest) = (row_of(row)?, rest_of(row).map_err(sql)?);
            let detail = row.get_ref(16).and_then(|v| Ok(v.as_str_or_null()?)).map_err(sql)?;
            let line = Line::of(&narrow, &rest, detail.unwrap_or(r#"{"facts":[],"steps":[]}"#), &vocabulary);
            each(*id, &line.map_err(|_| Error::Damaged)?)?;
        }
        Ok(())
    }
}

const EDGE: &str = "
    SELECT (SELECT min(start_ms) FROM call WHERE process IS NOT NULL), (SELECT max(start_ms) FROM call),
           (SELECT min(id) FROM call)";
const ENDED: &str = "
    SELECT id, version, start_ms FROM call WHERE start_ms >= ?1 AND end_ms IS NOT NULL ORDER BY start_ms, id";
const ONE_ENDED: &str = "
    id = ?1 AND end_ms IS NOT NULL";

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};

    use super::*;
    use crate::closing::ending::Ending;
    use crate::closing::ending::Outcome;
    use crate::journal::export::Export;
    use crate::journal::read::Span;
    use crate::journal::record::Record;
    use crate::journal::store::{Entry, Opened, Store};

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
    }

    fn record(second: i64, ended: bool) -> Record {
        Record {
            call: 1,
            start: at(second),
            end: ended.then_some((at(second + 30), Outcome::Said(Ending::Complete))),
            facts: vec![],
            zone: "WIB".into(),
            greeting: None,
            rule: "biasa".into(),
            revision: "Rev-1".into(),
            rules_sha256: "ab".into(),
            steps: vec![],
            cost: vec!["Akurasi".into()],
            overtaken: vec![],
            differs: Vec::new(),
        }
    }

    fn all(reader: &mut Reader, from_ms: i64) -> (Vec<(Uuid, u64)>, Edge) {
        let mut out = Vec::new();
        let edge = reader.ended::<Error>(from_ms, |w| {
            out.push((w.id, w.version));
            Ok(())
        });
        (out, edge.unwrap())
    }

    #[test]
    fn what_ended_is_told_and_given_as_the_export_gives_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        let Opened { mut store, .. } = Store::open(&path).unwrap();
        let presence = store.join().unwrap();
        let ids: Vec<Uuid> = (1..=3).map(Uuid::from_u128).collect();
        let mut save = |id: Uuid, version, record: &Record| {
            let entry = Entry { id, version, changed: at(99), record: Some(record) };
            store.save(presence.id(), Some("meja 7"), std::iter::once(entry)).unwrap();
        };
        save(ids[1], 1, &record(20, true));
        save(ids[0], 4, &record(10, true));
        save(ids[2], 1, &record(15, false));

        let mut reader = Reader::open(&path).unwrap().unwrap();
        let (ended, edge) = all(&mut reader, i64::MIN);
        assert_eq!(ended, [(ids[0], 4), (ids[1], 1)]);
        assert_eq!(edge, Edge { open_ms: Some(15_000), newest_ms: Some(20_000), lowest: Some(ids[0]) });
        assert_eq!(all(&mut reader, 10_001).0, [(ids[1], 1)]);

        let mut lines = Vec::new();
        let asked = [ids[1], Uuid::from_u128(9), ids[2], ids[0]];
        reader
            .lines::<Error>(&asked, |id, line| {
                lines.push((id, serde_json::to_string(line).unwrap()));
                Ok(())
            })
            .unwrap();
        let mut export = Export::begin(Vec::new(), at(0)).unwrap();
        let mut written: Vec<u8> = Vec::new();
        reader
            .calls::<Error>(Span::default(), |row, rest, detail, vocabulary| {
                let line = Line::of(row, rest, detail, vocabulary).unwrap();
                written.extend(serde_json::to_vec(&line).unwrap());
                written.push(b'\n');
                export.call(row, rest, detail, vocabulary).map_err(Error::Io)
            })
            .unwrap();
        assert_eq!(export.end().unwrap(), 3);
        let written = String::from_utf8(written).unwrap();
        assert_eq!(lines.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [ids[1], ids[0]]);
        assert!(lines.iter().all(|(_, line)| written.lines().any(|other| other == line)), "{lines:?} {written}");

        // An end that is taken back is none, and ended anew it is a newer one.
        save(ids[0], 5, &record(10, false));
        assert_eq!(all(&mut reader, i64::MIN).0, [(ids[1], 1)]);
        save(ids[0], 6, &record(10, true));
        assert_eq!(all(&mut reader, i64::MIN).0, [(ids[0], 6), (ids[1], 1)]);
    }
}
