//! The lossless form of a journal, to be carried elsewhere: JSON Lines. The first line names the form, then a line a
//! call, then a line that counts them, so that a file that was cut off is noticed:
//!
//! ```json
//! {"penutup_journal":1,"exported":"2026-11-24T08:00:00Z"}
//! {"id":"…","version":4,"start_ms":…,"end_ms":…|null,"changed_ms":…,"ending":"lengkap"|null,"seat":"…"|null,
//!  "zone":"WIB","greeting":"siang"|null,"rule":"…","revision":"Rev-1","rules_sha256":"…","cost":["Akurasi",…],
//!  "facts":[["klb","ya",set_ms|null],…],"steps":[["download",shown,ticked_ms|null,taken_back,left_out,["FCR",…]],…],
//!  "overtaken":[["campaign",changed_ms,[["klb","tidak"],…]],…],"differs":["klb",…]}
//! {"calls":1}
//! ```
//!
//! A call is one line; it is wrapped here to be read. Times are milliseconds since 1970, UTC. Of two lines with one id
//! the one of the higher `version` is the newer. `overtaken` is there only where a change of facts asked for a step when its
//! successor was already said (it counts as neither ticked nor left out), `differs` only where a fact stood otherwise than
//! the centre had declared it.

use std::borrow::Cow;
use std::io::{self, Write};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::summary::{FactDetail, OvertakenDetail, Rest, Row, StepDetail, Vocabulary, list_of, rules_of};

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
    /// How many calls stand between.
    pub calls: u64,
}

/// A call.
#[derive(Debug, Serialize, Deserialize)]
pub struct Line<'a> {
    /// Its random id.
    #[serde(borrow)]
    pub id: Cow<'a, str>,
    /// Rises with every writing.
    pub version: u64,
    /// When it began.
    pub start_ms: i64,
    /// When it ended.
    pub end_ms: Option<i64>,
    /// When it was last written.
    pub changed_ms: i64,
    /// How it ended.
    pub ending: Option<Cow<'a, str>>,
    /// The seat.
    pub seat: Option<Cow<'a, str>>,
    /// The customer's zone.
    #[serde(borrow)]
    pub zone: Cow<'a, str>,
    /// The greeting that was spoken.
    pub greeting: Option<Cow<'a, str>>,
    /// The rule that fired.
    #[serde(borrow)]
    pub rule: Cow<'a, str>,
    /// The revision of the rules.
    #[serde(borrow)]
    pub revision: Cow<'a, str>,
    /// The sum of the rules.
    #[serde(borrow)]
    pub rules_sha256: Cow<'a, str>,
    /// What it costs.
    pub cost: Vec<Cow<'a, str>>,
    /// The facts.
    #[serde(borrow)]
    pub facts: Vec<FactDetail<'a>>,
    /// The steps.
    #[serde(borrow)]
    pub steps: Vec<StepDetail<'a>>,
    /// The steps that were asked for too late; not there where none was.
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    pub overtaken: Vec<OvertakenDetail<'a>>,
    /// The facts that stood otherwise than the centre had declared them, by id; not there where none did.
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    pub differs: Vec<Cow<'a, str>>,
}

impl<'a> Line<'a> {
    /// Of a call; `detail` is its [`super::summary::Detail`].
    ///
    /// # Errors
    /// A detail that is none.
    pub fn of(row: &Row, rest: &Rest, detail: &'a str, vocabulary: &'a Vocabulary) -> Result<Self, serde_json::Error> {
        let text = |word| Cow::from(vocabulary.text(word));
        let some = |word| Some(text(word)).filter(|t| !t.is_empty());
        let (sum, revision) = rules_of(vocabulary.text(rest.rules));
        let detail = super::summary::Detail::read(detail)?;
        let (end_ms, how) = row.end.unzip();
        Ok(Self {
            id: Uuid::from_bytes(rest.id).to_string().into(),
            version: rest.version,
            start_ms: row.start_ms,
            end_ms,
            changed_ms: rest.changed_ms,
            ending: how.map(|how| how.code().into()),
            seat: some(row.seat),
            zone: text(rest.zone),
            greeting: some(rest.greeting),
            rule: text(row.rule),
            revision: revision.into(),
            rules_sha256: sum.into(),
            cost: list_of(vocabulary.text(row.cost)).into_iter().map(Cow::from).collect(),
            facts: detail.facts,
            steps: detail.steps,
            overtaken: detail.overtaken,
            differs: detail.differs,
        })
    }
}

/// Writes a file of this form.
#[derive(Debug)]
pub struct Export<W> {
    out: W,
    calls: u64,
}

impl<W: Write> Export<W> {
    /// Begins.
    ///
    /// # Errors
    /// What `out` says.
    pub fn begin(mut out: W, now: DateTime<Utc>) -> io::Result<Self> {
        let exported = now.to_rfc3339_opts(SecondsFormat::Secs, true).into();
        line(&mut out, &First { penutup_journal: FORM, exported })?;
        Ok(Self { out, calls: 0 })
    }

    /// Writes a call; `detail` is its [`super::summary::Detail`].
    ///
    /// # Errors
    /// What `out` says; a detail that is none.
    pub fn call(&mut self, row: &Row, rest: &Rest, detail: &str, vocabulary: &Vocabulary) -> io::Result<()> {
        let of_call = Line::of(row, rest, detail, vocabulary)?;
        self.calls += 1;
        line(&mut self.out, &of_call)
    }

    /// Ends; answers how many calls were written.
    ///
    /// # Errors
    /// What `out` says.
    pub fn end(mut self) -> io::Result<u64> {
        line(&mut self.out, &Last { calls: self.calls })?;
        self.out.flush()?;
        Ok(self.calls)
    }
}

fn line(out: &mut impl Write, what: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, what)?;
    out.write_all(b"\n")
}
