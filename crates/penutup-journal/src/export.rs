//! The lossless export format of a journal: JSON Lines. The first line identifies the format; then one line per
//! deletion by a person and one per call; the last line has the number of calls, so that a truncated file is noticed. An
//! edited value is not noticed, if it is possible: see docs/decisions/0051-exports-are-not-signed.md.
//!
//! ```json
//! {"penutup_journal":2,"exported":"2026-11-24T08:00:00Z"}
//! {"forgotten":{"id":"…","at_ms":…,"calls":12,"first_ms":…,"last_ms":…}}
//! {"id":"…","version":4,"start_ms":…,"end_ms":…|null,"ending":"lengkap"|null,"changed_ms":…,"seat":"…"|null,
//!  "agent":"4711","interaction":"…","zone":"WIB","greeting":"siang"|null,"rule":"…","revision":"Rev-1",
//!  "rules_sha256":"…","cost":["Akurasi",…],
//!  "facts":[["klb","ya",set_ms|null],…],"steps":[["download",shown,ticked_ms|null,undone,left_out,["FCR",…]],…],
//!  "overtaken":[["campaign",changed_ms,[["klb","tidak"],…]],…],"differs":["klb",…]}
//! {"calls":1}
//! ```
//!
//! `forgotten` says when how many calls were deleted, and when the first and the last of them began; calls that expired
//! have none. Version 1 has no such lines and is read too. A call is one line, wrapped here for readability. Times are milliseconds since 1970, UTC. Of two lines with the same
//! ID the one with the higher `version` is newer. `agent` and `interaction` exist only where they are known,
//! `overtaken` only if a change of facts required a step whose successor had already been said (it counts as neither
//! ticked nor left out), `differs` only if a fact's value differed from the centre's declaration.

use std::borrow::Cow;
use std::io::{self, Write};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::record::Record;

/// The format version that this program writes, and the newest that it reads; it reads the older ones too.
pub const FORMAT_VERSION: u64 = 2;

/// Calls that a person deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forgotten {
    /// Random: one deletion counts once, however often it is exported.
    pub id: Uuid,
    /// When they were deleted, in milliseconds since 1970, UTC.
    pub at_ms: i64,
    /// How many.
    pub calls: u64,
    /// When the first of them began.
    pub first_ms: i64,
    /// When the last of them began.
    pub last_ms: i64,
}

/// The line of a deletion.
#[derive(Debug, Serialize, Deserialize)]
pub struct ForgottenLine {
    pub forgotten: Forgotten,
}

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
pub struct First<'a> {
    /// The format version.
    pub penutup_journal: u64,
    #[serde(borrow)]
    pub exported: Cow<'a, str>,
}

/// The last line.
#[derive(Debug, Serialize, Deserialize)]
pub struct Last {
    /// The number of calls between the two.
    pub calls: u64,
}

/// Writes an export.
#[derive(Debug)]
pub struct Export<W> {
    out: W,
    calls: u64,
}

impl<W: Write> Export<W> {
    /// Writes the first line.
    ///
    /// # Errors
    /// The error from `out`.
    pub fn begin(mut out: W, now: DateTime<Utc>) -> io::Result<Self> {
        let exported = now.to_rfc3339_opts(SecondsFormat::Secs, true).into();
        write_line(&mut out, &First { penutup_journal: FORMAT_VERSION, exported })?;
        Ok(Self { out, calls: 0 })
    }

    /// Writes a deletion.
    ///
    /// # Errors
    /// The error from `out`.
    pub fn forgotten(&mut self, forgotten: Forgotten) -> io::Result<()> {
        write_line(&mut self.out, &ForgottenLine { forgotten })
    }

    /// Writes a call.
    ///
    /// # Errors
    /// The error from `out`.
    pub fn call(&mut self, record: &Record) -> io::Result<()> {
        self.calls += 1;
        write_line(&mut self.out, record)
    }

    /// Writes the last line; returns how many calls were written.
    ///
    /// # Errors
    /// The error from `out`.
    pub fn end(mut self) -> io::Result<u64> {
        write_line(&mut self.out, &Last { calls: self.calls })?;
        self.out.flush()?;
        Ok(self.calls)
    }
}

pub(super) fn write_line(out: &mut impl Write, what: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, what)?;
    out.write_all(b"\n")
}
