//! The exports of several seats as one journal: each call once, however often it was exported. The files are read
//! twice, a line at a time: first only to learn which line of a call is its newest, then for what stands in it, so that
//! a million calls take no more memory than their ids. What a file says is not believed: every line is checked, and
//! everything that can grow has an end.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Deserialize;
use uuid::Uuid;

use super::export::{FORM, First, Last, Line};
use super::read::Span;
use super::summary::{Detail, OvertakenDetail, Rest, Row, Vocabulary, list_text, rules_text};
use crate::closing::ending::Outcome;
use crate::diagnostics::outside::{self, NoFile};
use crate::files::shown_path;
use crate::rules::shape::MAX_TEXT;
use crate::rules::text::{is_forbidden, is_utf16};
use crate::words::{Words, fill};

/// The longest line, in bytes.
const LONGEST_LINE: usize = 1 << 20;
/// The most facts and the most steps of a call.
const MOST: usize = 1_000;
/// The most values that the facts of all calls have.
const MOST_VALUES: usize = 20_000;
/// The longest text, in bytes: as long as one of a rules file.
const LONGEST_TEXT: usize = 4 * MAX_TEXT;
/// The times that are believed: from 1970 to 2199.
const LAST_MS: i64 = 7_258_118_400_000;

/// Why exports can't be merged.
#[derive(Debug)]
pub struct Refused {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1; 0 for the file itself.
    pub line: u64,
    /// Why.
    pub fault: Fault,
}

/// What is wrong with an export.
#[derive(Debug)]
pub enum Fault {
    /// It can't be read.
    Unreadable(io::Error),
    /// It is no export.
    NoExport,
    /// It was written down as UTF-16, by the shell that it was redirected in.
    Utf16,
    /// A newer program wrote it.
    Newer(u64),
    /// A line is too long.
    TooLong,
    /// A line can't be understood.
    NoCall,
    /// This of a call can't be.
    Wrong(&'static str),
    /// It ends before its end.
    CutOff,
    /// The last line counts other than there are.
    Count {
        /// What it says.
        said: u64,
        /// How many there are.
        found: u64,
    },
    /// More different facts, rules or seats than any site has.
    TooMuch,
    /// It changed while it was read.
    Changed,
}

impl Refused {
    /// Where and why, in the user's language.
    #[must_use]
    pub fn told(&self, words: &Words) -> String {
        let w = &words.journal;
        let why = match &self.fault {
            Fault::Unreadable(error) => outside::reason(error, words),
            Fault::NoExport => w.no_export.into(),
            Fault::Utf16 => w.utf16.into(),
            Fault::Newer(found) => fill(w.newer, &[("found", &found.to_string()), ("known", &FORM.to_string())]),
            Fault::TooLong => fill(w.long_line, &[("max", &(LONGEST_LINE >> 20).to_string())]),
            Fault::NoCall => w.no_call.into(),
            Fault::Wrong(key) => fill(w.wrong_value, &[("key", key)]),
            Fault::CutOff => w.cut_off.into(),
            Fault::Count { said, found } => {
                fill(w.wrong_count, &[("said", &said.to_string()), ("found", &found.to_string())])
            }
            Fault::TooMuch => w.too_much.into(),
            Fault::Changed => w.changed.into(),
        };
        let path = shown_path(&self.path);
        match self.line {
            0 => fill(w.refused, &[("file", &path), ("why", &why)]),
            line => fill(w.refused_line, &[("file", &path), ("line", &line.to_string()), ("why", &why)]),
        }
    }
}

/// Id, version upside down, which line: in their order the newest line of each call comes first.
type Key = [u8; 28];

fn key(id: [u8; 16], version: u64, at: u32) -> Key {
    let mut out = [0; 28];
    out[..16].copy_from_slice(&id);
    out[16..24].copy_from_slice(&(u64::MAX - version).to_be_bytes());
    out[24..].copy_from_slice(&at.to_be_bytes());
    out
}

/// Keeps the newest line of each call.
fn newest(keys: &mut Vec<Key>) {
    keys.sort_unstable();
    keys.dedup_by(|later, kept| later[..16] == kept[..16]);
}

struct Part {
    path: PathBuf,
    stamp: (u64, Option<SystemTime>),
}

/// Exports whose newest lines are known.
pub struct Merge {
    parts: Vec<Part>,
    /// Which lines of calls are the newest of their call, a bit each.
    chosen: Vec<u64>,
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    version: u64,
}

impl Merge {
    /// Reads the files for the first time.
    ///
    /// # Errors
    /// Where and why one can't be used.
    pub fn of(paths: &[PathBuf]) -> Result<Self, Refused> {
        let mut keys: Vec<Key> = Vec::new();
        let mut full = 1 << 20;
        let mut at: u32 = 0;
        let mut parts = Vec::new();
        for path in paths {
            let stamp = each_line(path, |line| {
                let (id, version) = head_of(line)?;
                keys.push(key(id, version, at));
                at = at.checked_add(1).ok_or(Fault::TooMuch)?;
                if keys.len() >= full {
                    newest(&mut keys);
                    full = full.max(2 * keys.len());
                }
                Ok(())
            })?;
            parts.push(Part { path: path.clone(), stamp });
        }
        newest(&mut keys);
        let mut chosen = vec![0; at as usize / 64 + 1];
        for key in &keys {
            let at = u32::from_be_bytes([key[24], key[25], key[26], key[27]]) as usize;
            chosen[at / 64] |= 1 << (at % 64);
        }
        Ok(Self { parts, chosen })
    }

    /// Hands over each call of `span` once, in the order of the files; the text is its [`super::summary::Detail`], and a
    /// little more. Answers the words of all.
    ///
    /// # Errors
    /// Where and why a file can't be used, or what `each` says.
    pub fn each<E: From<Refused>>(
        &self,
        span: Span,
        mut each: impl FnMut(&Row, &Rest, &str, &Vocabulary) -> Result<(), E>,
    ) -> Result<Vocabulary, E> {
        let mut calls = Calls::default();
        let mut at = 0_usize;
        for part in &self.parts {
            let mut stop = None;
            let stamp = each_line(&part.path, |line| {
                let is_chosen = self.chosen.get(at / 64).is_some_and(|bits| bits & (1 << (at % 64)) != 0);
                at += 1;
                if !is_chosen || stop.is_some() {
                    return Ok(());
                }
                let text = std::str::from_utf8(line).map_err(|_| Fault::NoCall)?;
                let call: Line<'_> = serde_json::from_str(text).map_err(|_| Fault::NoCall)?;
                let (row, rest) = calls.checked(call)?;
                if span.has(row.start_ms) {
                    stop = each(&row, &rest, text, calls.vocabulary()).err();
                }
                Ok(())
            })?;
            if let Some(error) = stop {
                return Err(error);
            }
            if stamp != part.stamp {
                return Err(Refused { path: part.path.clone(), line: 0, fault: Fault::Changed }.into());
            }
        }
        Ok(calls.vocabulary)
    }
}

/// Id and version of a line, without the rest of it where they stand in front, as we write them.
fn head_of(line: &[u8]) -> Result<([u8; 16], u64), Fault> {
    const ID: usize = 36;
    let quick = || {
        let (id, rest) = line.strip_prefix(br#"{"id":""#)?.split_at_checked(ID)?;
        let rest = rest.strip_prefix(br#"","version":"#)?;
        let digits = rest.iter().position(|b| *b == b',')?;
        let version = std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()?;
        Some((Uuid::try_parse_ascii(id).ok()?.into_bytes(), version))
    };
    if let Some(head) = quick() {
        return Ok(head);
    }
    let head: Head<'_> = serde_json::from_slice(line).map_err(|_| Fault::NoCall)?;
    Ok((id_of(&head.id)?, head.version))
}

fn id_of(text: &str) -> Result<[u8; 16], Fault> {
    Uuid::try_parse(text).map(Uuid::into_bytes).map_err(|_| Fault::Wrong("id"))
}

/// Hands over each line of a call. Several exports in one file, one behind the other, are as good as several files.
fn each_line(
    path: &Path,
    mut each: impl FnMut(&[u8]) -> Result<(), Fault>,
) -> Result<(u64, Option<SystemTime>), Refused> {
    let mut number = 0;
    let mut read = || -> Result<(u64, Option<SystemTime>), Fault> {
        let about = std::fs::metadata(path).map_err(Fault::Unreadable)?;
        if about.is_dir() {
            return Err(Fault::Unreadable(io::ErrorKind::IsADirectory.into()));
        }
        if !about.is_file() {
            return Err(Fault::Unreadable(io::Error::other(NoFile)));
        }
        let mut file = BufReader::with_capacity(1 << 16, File::open(path).map_err(Fault::Unreadable)?);
        let mut line = Vec::new();
        // How many calls since the first line; `None` before it.
        let mut calls = None;
        loop {
            line.clear();
            let most = LONGEST_LINE as u64 + 1;
            (&mut file).take(most).read_until(b'\n', &mut line).map_err(Fault::Unreadable)?;
            if line.is_empty() {
                return match calls {
                    None if number > 0 => Ok((about.len(), about.modified().ok())),
                    None => Err(Fault::NoExport),
                    Some(_) => Err(Fault::CutOff),
                };
            }
            number += 1;
            if number == 1 && is_utf16(&line) {
                return Err(Fault::Utf16);
            }
            if line.pop_if(|last| *last == b'\n').is_none() {
                return Err(match () {
                    () if line.len() > LONGEST_LINE => Fault::TooLong,
                    () if number == 1 => Fault::NoExport,
                    () => Fault::CutOff,
                });
            }
            line.pop_if(|last| *last == b'\r');
            match calls {
                None => {
                    // A shell or an editor may have put a mark of the byte order in front.
                    let text = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&line);
                    let first: First<'_> = serde_json::from_slice(text).map_err(|_| Fault::NoExport)?;
                    if first.penutup_journal != FORM {
                        return Err(Fault::Newer(first.penutup_journal));
                    }
                    calls = Some(0);
                }
                Some(found) if line.starts_with(b"{\"calls\":") => {
                    let last: Last = serde_json::from_slice(&line).map_err(|_| Fault::NoCall)?;
                    if last.calls != found {
                        return Err(Fault::Count { said: last.calls, found });
                    }
                    calls = None;
                }
                Some(found) => {
                    each(&line)?;
                    calls = Some(found + 1);
                }
            }
        }
    };
    let result = read();
    result.map_err(|fault| Refused { path: path.into(), line: number, fault })
}

/// Calls from outside, checked one at a time, and the words of all of them.
#[derive(Clone, Debug, Default)]
pub struct Calls {
    vocabulary: Vocabulary,
    values: BTreeSet<String>,
}

impl Calls {
    /// A call whose every value can be.
    ///
    /// # Errors
    /// What of it can't be; [`Fault::TooMuch`] where all calls together have more different words than any site has.
    pub fn checked(&mut self, call: Line<'_>) -> Result<(Row, Rest), Fault> {
        checked(call, &mut self.vocabulary, &mut self.values)
    }

    /// The words of the calls so far.
    #[must_use]
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }
}

fn checked(call: Line<'_>, vocabulary: &mut Vocabulary, values: &mut BTreeSet<String>) -> Result<(Row, Rest), Fault> {
    let is_id = |text: &str| {
        let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        !text.is_empty() && text.len() <= LONGEST_TEXT && text.bytes().all(good)
    };
    let is_text = |text: &str| {
        let plain = || text.bytes().all(|b| matches!(b, b' '..=b'~'));
        text.len() <= LONGEST_TEXT && (plain() || !text.chars().any(is_forbidden))
    };
    let is_time = |ms: i64| (0..=LAST_MS).contains(&ms);
    let must = |good: bool, key| if good { Ok(()) } else { Err(Fault::Wrong(key)) };

    let id = id_of(&call.id)?;
    must(is_time(call.start_ms), "start_ms")?;
    must(call.end_ms.is_none_or(is_time), "end_ms")?;
    must(is_time(call.changed_ms), "changed_ms")?;
    let how = call.ending.as_deref().map(|code| Outcome::from_code(code).ok_or(Fault::Wrong("ending")));
    let end = match (call.end_ms, how.transpose()?) {
        (None, None) => None,
        (Some(at), Some(how)) => Some((at, how)),
        _ => return Err(Fault::Wrong("ending")),
    };
    must(call.seat.as_deref().is_none_or(is_text), "seat")?;
    must(is_text(&call.zone), "zone")?;
    must(call.greeting.as_deref().is_none_or(is_text), "greeting")?;
    must(is_id(&call.rule), "rule")?;
    must(is_text(&call.revision), "revision")?;
    must(call.rules_sha256.len() <= 64 && call.rules_sha256.bytes().all(|b| b.is_ascii_hexdigit()), "rules_sha256")?;
    must(call.cost.len() <= MOST && call.cost.iter().all(|c| is_text(c) && !c.is_empty()), "cost")?;
    let detail = Detail { facts: call.facts, steps: call.steps, overtaken: call.overtaken, differs: call.differs };
    must(detail.facts.len() <= MOST && detail.facts.iter().all(|f| is_id(&f.0) && is_id(&f.1)), "facts")?;
    let score_is_text = |score: &[Cow<'_, str>]| score.len() <= MOST && score.iter().all(|s| is_text(s));
    must(detail.steps.len() <= MOST && detail.steps.iter().all(|s| is_id(&s.0) && score_is_text(&s.5)), "steps")?;
    must(detail.steps.iter().all(|s| s.2.is_none_or(is_time)), "steps")?;
    let late_is_good = |late: &OvertakenDetail<'_>| {
        let facts = late.2.len() <= MOST && late.2.iter().all(|(fact, value)| is_id(fact) && is_id(value));
        is_id(&late.0) && is_time(late.1) && facts
    };
    must(detail.overtaken.len() <= MOST && detail.overtaken.iter().all(late_is_good), "overtaken")?;
    must(detail.differs.len() <= MOST && detail.differs.iter().all(|id| is_id(id)), "differs")?;
    let facts = detail.facts_text();
    if !vocabulary.has(&facts) {
        let ids: BTreeSet<&str> = detail.facts.iter().map(|fact| &*fact.0).collect();
        must(ids.len() == detail.facts.len(), "facts")?;
        values.extend(facts.split(' ').map(str::to_owned));
        if values.len() > MOST_VALUES {
            return Err(Fault::TooMuch);
        }
    }
    let mut word = |text: &str| vocabulary.word(text).ok_or(Fault::TooMuch);
    let left_out = detail.left_out_text();
    let row = Row {
        start_ms: call.start_ms,
        end,
        complete: left_out.is_empty(),
        flags: detail.flags(),
        facts: word(&facts)?,
        rule: word(&call.rule)?,
        seat: word(call.seat.as_deref().unwrap_or_default())?,
        left_out: word(&left_out)?,
        cost: word(&list_text(&call.cost))?,
    };
    let rest = Rest {
        id,
        version: call.version,
        changed_ms: call.changed_ms,
        rules: word(&rules_text(&call.rules_sha256, &call.revision))?,
        zone: word(&call.zone)?,
        greeting: word(call.greeting.as_deref().unwrap_or_default())?,
    };
    Ok((row, rest))
}
