//! The lossless form of a journal, to be carried elsewhere: JSON Lines. The first line names the form, then a line a
//! call, then a line that counts them, so that a file that was cut off is noticed:
//!
//! ```json
//! {"penutup_journal":1,"exported":"2026-11-24T08:00:00Z"}
//! {"id":"…","version":4,"start_ms":…,"end_ms":…|null,"ending":"lengkap"|null,"changed_ms":…,"seat":"…"|null,
//!  "zone":"WIB","greeting":"siang"|null,"rule":"…","revision":"Rev-1","rules_sha256":"…","cost":["Akurasi",…],
//!  "facts":[["klb","ya",set_ms|null],…],"steps":[["download",shown,ticked_ms|null,undone,left_out,["FCR",…]],…],
//!  "overtaken":[["campaign",changed_ms,[["klb","tidak"],…]],…],"differs":["klb",…]}
//! {"calls":1}
//! ```
//!
//! A call is one line; it is wrapped here to be read. Times are milliseconds since 1970, UTC. Of two lines with one id
//! the one of the higher `version` is the newer. `overtaken` is there only where a change of facts asked for a step when its
//! successor was already said (it counts as neither ticked nor left out), `differs` only where a fact had another value than
//! the centre had declared.

use std::borrow::Cow;
use std::io::{self, Write};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use super::record::Record;

/// The form that this program writes, and the newest that it reads.
pub const FORM: u64 = 1;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
pub struct First<'a> {
    /// The form.
    pub penutup_journal: u64,
    /// When it was written.
    #[serde(borrow)]
    pub exported: Cow<'a, str>,
}

/// The last line.
#[derive(Debug, Serialize, Deserialize)]
pub struct Last {
    /// How many calls are between the two.
    pub calls: u64,
}

/// Writes a file of this form.
#[derive(Debug)]
pub struct Export<W> {
    out: W,
    calls: u64,
}

impl<W: Write> Export<W> {
    /// Writes the first line.
    ///
    /// # Errors
    /// What `out` returns.
    pub fn begin(mut out: W, now: DateTime<Utc>) -> io::Result<Self> {
        let exported = now.to_rfc3339_opts(SecondsFormat::Secs, true).into();
        write_line(&mut out, &First { penutup_journal: FORM, exported })?;
        Ok(Self { out, calls: 0 })
    }

    /// Writes a call.
    ///
    /// # Errors
    /// What `out` returns.
    pub fn call(&mut self, record: &Record) -> io::Result<()> {
        self.calls += 1;
        write_line(&mut self.out, record)
    }

    /// Writes the last line; returns how many calls were written.
    ///
    /// # Errors
    /// What `out` returns.
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
