//! Reads several seats' exports as one journal: each call once, however often it was exported. The files are read
//! twice, line by line: first to find the newest line of each call, then for its content, so that a million calls need
//! memory only for their IDs. No file is trusted: every line is checked, and everything that can grow is bounded.

use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use uuid::Uuid;

use super::export::{FORMAT_VERSION, First, Forgotten, ForgottenLine, Last};
use super::read::Span;
use super::record::{OvertakenRecord, Record, is_agent, is_interaction};
use super::summary::{CallSummary, Interner};
use penutup_rules::text::{is_forbidden, is_utf16};

/// The longest line, in bytes.
pub const MAX_LINE: usize = 1 << 20;
/// The most facts and the most steps of a call.
const MAX_ITEMS: usize = 1_000;
/// The most different values of all calls' facts.
const MAX_VALUES: usize = 20_000;
/// The most deletions of all files.
const MAX_FORGOTTEN: usize = 10_000;
/// The longest text, in bytes, as in a rules file.
const MAX_TEXT: usize = 4 * 4096;
/// The latest valid time: the end of 2199.
const LAST_MS: i64 = 7_258_118_400_000;

/// Why exports can't be merged.
#[derive(Debug)]
pub struct Refused {
    pub path: PathBuf,
    /// The line, from 1; 0 for the file itself.
    pub line: u64,
    pub fault: Fault,
}

/// What is wrong with an export.
#[derive(Debug)]
pub enum Fault {
    /// It can't be read.
    Unreadable(io::Error),
    /// It is a pipe, a device or a socket.
    NotAFile,
    /// It is not an export.
    NotAnExport,
    /// It was saved as UTF-16 by the shell that redirected it.
    Utf16,
    /// It has a newer program's format.
    Newer(u64),
    /// A line is too long.
    TooLong,
    /// A line is not a call.
    NotACall,
    /// This value of a call is impossible.
    Wrong(&'static str),
    /// It ends before its last line.
    CutOff,
    /// The count in the last line is wrong.
    Count {
        /// The count in the last line.
        declared: u64,
        /// The actual number.
        found: u64,
    },
    /// More different facts, rules or seats than any site has.
    TooMuch,
    /// It changed while it was read.
    Changed,
}

struct Part {
    path: PathBuf,
    stamp: (u64, Option<SystemTime>),
}

/// Exports whose newest lines are known.
pub struct Merge {
    parts: Vec<Part>,
    /// For each call the highest version, and the line that has it.
    newest: HashMap<Uuid, (u64, u32)>,
    /// Each deletion once, in the order of their IDs.
    forgotten: BTreeMap<Uuid, Forgotten>,
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
    /// Where and why a file can't be used.
    pub fn of(paths: &[PathBuf]) -> Result<Self, Refused> {
        let mut newest = HashMap::new();
        let mut forgotten = BTreeMap::new();
        let mut at: u32 = 0;
        let mut parts = Vec::new();
        for path in paths {
            let stamp = each_line(path, |line| {
                if let Some(one) = forgotten_in(line)? {
                    forgotten.insert(one.id, one);
                    return if forgotten.len() > MAX_FORGOTTEN { Err(Fault::TooMuch) } else { Ok(()) };
                }
                let (id, version) = head_of(line)?;
                match newest.entry(id) {
                    Entry::Vacant(first) => _ = first.insert((version, at)),
                    Entry::Occupied(mut known) if known.get().0 < version => _ = known.insert((version, at)),
                    Entry::Occupied(_) => {}
                }
                at = at.checked_add(1).ok_or(Fault::TooMuch)?;
                Ok(())
            })?;
            parts.push(Part { path: path.clone(), stamp });
        }
        Ok(Self { parts, newest, forgotten })
    }

    /// The deletions that the files tell of, each once.
    pub fn forgotten(&self) -> impl Iterator<Item = Forgotten> {
        self.forgotten.values().copied()
    }

    /// Passes each call of `span` once to `each`, with the texts of its symbols, in the order of the files. Returns all
    /// texts.
    ///
    /// # Errors
    /// Where and why a file can't be used, or the error from `each`.
    pub fn each<E: From<Refused>>(
        &self,
        span: Span,
        mut each: impl FnMut(&CallSummary, &Interner, &Record) -> Result<(), E>,
    ) -> Result<Interner, E> {
        let mut calls = Calls::default();
        let mut next: u32 = 0;
        for part in &self.parts {
            let mut stop = None;
            let stamp = each_line(&part.path, |line| {
                if line.starts_with(FORGOTTEN) {
                    return Ok(());
                }
                let at = next;
                next = next.saturating_add(1);
                let (id, _) = head_of(line)?;
                if stop.is_some() || self.newest.get(&id).is_none_or(|(_, newest)| *newest != at) {
                    return Ok(());
                }
                let record: Record = serde_json::from_slice(line).map_err(|_| Fault::NotACall)?;
                let summary = calls.summary(&record)?;
                if span.has(summary.start_ms) {
                    stop = each(&summary, &calls.texts, &record).err();
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
        Ok(calls.texts)
    }
}

/// The beginning of a deletion's line.
const FORGOTTEN: &[u8] = b"{\"forgotten\":";

/// The deletion in a line; `None` if the line is another one.
fn forgotten_in(line: &[u8]) -> Result<Option<Forgotten>, Fault> {
    if !line.starts_with(FORGOTTEN) {
        return Ok(None);
    }
    let line: ForgottenLine = serde_json::from_slice(line).map_err(|_| Fault::Wrong("forgotten"))?;
    let Forgotten { at_ms, first_ms, last_ms, calls, .. } = line.forgotten;
    let is_valid = [at_ms, first_ms, last_ms].iter().all(|ms| (0..=LAST_MS).contains(ms));
    if is_valid && first_ms <= last_ms && u32::try_from(calls).is_ok() {
        Ok(Some(line.forgotten))
    } else {
        Err(Fault::Wrong("forgotten"))
    }
}

/// The ID and version of a line; if they come first, as we write them, without parsing the rest.
fn head_of(line: &[u8]) -> Result<(Uuid, u64), Fault> {
    const ID: usize = 36;
    let fast_path = || {
        let (id, rest) = line.strip_prefix(br#"{"id":""#)?.split_at_checked(ID)?;
        let rest = rest.strip_prefix(br#"","version":"#)?;
        let digits = rest.iter().position(|b| *b == b',')?;
        let version = std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()?;
        Some((Uuid::try_parse_ascii(id).ok()?, version))
    };
    if let Some(head) = fast_path() {
        return Ok(head);
    }
    let head: Head<'_> = serde_json::from_slice(line).map_err(|_| Fault::NotACall)?;
    let id = Uuid::try_parse(&head.id).map_err(|_| Fault::Wrong("id"))?;
    Ok((id, head.version))
}

/// Passes each call's line to `each`. Several concatenated exports are as valid as several files.
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
            return Err(Fault::NotAFile);
        }
        let mut file = BufReader::with_capacity(1 << 16, File::open(path).map_err(Fault::Unreadable)?);
        let mut line = Vec::new();
        // How many calls since the first line; `None` before it.
        let mut calls = None;
        loop {
            line.clear();
            (&mut file).take(MAX_LINE as u64 + 1).read_until(b'\n', &mut line).map_err(Fault::Unreadable)?;
            if line.is_empty() {
                return match calls {
                    None if number > 0 => Ok((about.len(), about.modified().ok())),
                    None => Err(Fault::NotAnExport),
                    Some(_) => Err(Fault::CutOff),
                };
            }
            number += 1;
            if number == 1 && is_utf16(&line) {
                return Err(Fault::Utf16);
            }
            if line.pop_if(|last| *last == b'\n').is_none() {
                return Err(match () {
                    () if line.len() > MAX_LINE => Fault::TooLong,
                    () if number == 1 => Fault::NotAnExport,
                    () => Fault::CutOff,
                });
            }
            line.pop_if(|last| *last == b'\r');
            match calls {
                None => {
                    // A shell or an editor may have put a byte order mark in front.
                    let text = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&line);
                    let first: First<'_> = serde_json::from_slice(text).map_err(|_| Fault::NotAnExport)?;
                    if !(1..=FORMAT_VERSION).contains(&first.penutup_journal) {
                        return Err(Fault::Newer(first.penutup_journal));
                    }
                    calls = Some(0);
                }
                Some(found) if line.starts_with(b"{\"calls\":") => {
                    let last: Last = serde_json::from_slice(&line).map_err(|_| Fault::NotACall)?;
                    if last.calls != found {
                        return Err(Fault::Count { declared: last.calls, found });
                    }
                    calls = None;
                }
                Some(found) => {
                    each(&line)?;
                    calls = Some(if line.starts_with(FORGOTTEN) { found } else { found + 1 });
                }
            }
        }
    };
    let result = read();
    result.map_err(|fault| Refused { path: path.into(), line: number, fault })
}

/// Calls from outside, checked one at a time, and the texts of their summaries.
#[derive(Clone, Debug, Default)]
pub struct Calls {
    texts: Interner,
    values: BTreeSet<String>,
}

impl Calls {
    /// The summary of a call, if every value is possible.
    ///
    /// # Errors
    /// Which value is not; [`Fault::TooMuch`] if all calls together have more different texts than any site has.
    pub fn summary(&mut self, record: &Record) -> Result<CallSummary, Fault> {
        check(record)?;
        let facts = record.facts_text();
        if !self.texts.has(&facts) {
            let ids: BTreeSet<&str> = record.facts.iter().map(|fact| fact.fact.as_str()).collect();
            if ids.len() != record.facts.len() {
                return Err(Fault::Wrong("facts"));
            }
            self.values.extend(facts.split(' ').map(str::to_owned));
            if self.values.len() > MAX_VALUES {
                return Err(Fault::TooMuch);
            }
        }
        CallSummary::of(record, &mut self.texts).ok_or(Fault::TooMuch)
    }

    /// The texts of the calls so far.
    pub fn texts(&self) -> &Interner {
        &self.texts
    }
}

fn check(record: &Record) -> Result<(), Fault> {
    let is_id = |text: &str| {
        let is_id_byte = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        !text.is_empty() && text.len() <= MAX_TEXT && text.bytes().all(is_id_byte)
    };
    let is_text = |text: &str| {
        let plain = || text.bytes().all(|b| matches!(b, b' '..=b'~'));
        text.len() <= MAX_TEXT && (plain() || !text.chars().any(is_forbidden))
    };
    let is_time = |time: DateTime<Utc>| (0..=LAST_MS).contains(&time.timestamp_millis());
    let is_hex = |text: &str| text.len() <= 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    let is_late = |late: &OvertakenRecord| {
        let facts = late.facts.len() <= MAX_ITEMS && late.facts.iter().all(|(fact, value)| is_id(fact) && is_id(value));
        is_id(&late.step) && is_time(late.at) && facts
    };
    let is_once = |mut texts: Vec<&str>| {
        let all = texts.len();
        texts.sort_unstable();
        texts.dedup();
        texts.len() == all
    };
    let Record { facts, steps, overtaken, differs, cost, .. } = record;
    let scores = |score: &[String]| score.len() <= MAX_ITEMS && score.iter().all(|text| is_text(text));
    let checks = [
        (is_time(record.start), "start_ms"),
        (record.end.is_none_or(|(at, _)| is_time(at)), "end_ms"),
        (is_time(record.changed), "changed_ms"),
        (record.seat.as_deref().is_none_or(is_text), "seat"),
        (record.agent.as_deref().is_none_or(is_agent), "agent"),
        (record.interaction.as_deref().is_none_or(is_interaction), "interaction"),
        (is_text(&record.zone), "zone"),
        (record.greeting.as_deref().is_none_or(is_text), "greeting"),
        (is_id(&record.rule), "rule"),
        (is_text(&record.revision), "revision"),
        (is_hex(&record.rules_sha256), "rules_sha256"),
        (scores(cost) && cost.iter().all(|text| !text.is_empty()), "cost"),
        (is_once(cost.iter().map(String::as_str).collect()), "cost"),
        (is_once(steps.iter().map(|step| step.step.as_str()).collect()), "steps"),
        (facts.len() <= MAX_ITEMS && facts.iter().all(|fact| is_id(&fact.fact) && is_id(&fact.value)), "facts"),
        (steps.len() <= MAX_ITEMS && steps.iter().all(|step| is_id(&step.step) && scores(&step.score)), "steps"),
        (steps.iter().all(|step| step.ticked.is_none_or(is_time)), "steps"),
        (overtaken.len() <= MAX_ITEMS && overtaken.iter().all(is_late), "overtaken"),
        (differs.len() <= MAX_ITEMS && differs.iter().all(|id| is_id(id)), "differs"),
    ];
    checks.into_iter().find(|(is_valid, _)| !is_valid).map_or(Ok(()), |(_, key)| Err(Fault::Wrong(key)))
}
