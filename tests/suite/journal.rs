//! The journal, from the record that a prompter sends to the report: nothing is lost, whatever
//! happens to disk, clock and process, and each call is counted once.

#[path = "../../benches/support/calls.rs"]
pub mod calls;
#[path = "journal/crash.rs"]
mod crash;
#[path = "journal/merge.rs"]
mod merge;
#[path = "journal/qa.rs"]
mod qa;
#[path = "journal/report.rs"]
pub mod report;
#[path = "journal/trouble.rs"]
pub mod trouble;
#[path = "journal/trust.rs"]
mod trust;
#[path = "journal/writer.rs"]
mod writer;

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use penutup::closing::ending::Ending;
use penutup::closing::ending::Outcome;
use penutup::journal::read::{Reader, Span};
use penutup::journal::record::{Record, StepRecord};
use penutup::journal::report::Recap;
use penutup::journal::trouble::{Finish, Trouble};
use penutup::journal::writer::{Config, Writer};
use penutup::words::Lang;

/// How long a test waits before it fails.
pub const PATIENCE: Duration = Duration::from_secs(120);

pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

pub fn wib() -> FixedOffset {
    FixedOffset::east_opt(7 * 3600).expect("seven hours")
}

/// The call of that number as it begins, at noon plus as many minutes.
pub fn begun(call: u64) -> Record {
    let start = at("2026-11-24T05:00:00Z") + TimeDelta::minutes(i64::try_from(call).expect("few calls"));
    let step = |id: &str, score: &[&str]| StepRecord {
        step: id.into(),
        shown: false,
        ticked: None,
        undone: 0,
        left_out: true,
        score: score.iter().map(|s| (*s).to_owned()).collect(),
    };
    let mut whole = calls::call(call, start, &mut calls::Dice(call));
    whole.facts[0].value = "tidak".into();
    Record {
        end: None,
        greeting: None,
        steps: vec![step("download", &["Akurasi", "Salam Penutup", "FCR"]), step("terima-kasih", &[])],
        cost: vec![],
        overtaken: vec![],
        differs: vec![],
        ..whole
    }
}

/// The call with so many of its steps ticked.
pub fn ticked(call: u64, steps: usize) -> Record {
    let mut record = begun(call);
    for (at, step) in record.steps.iter_mut().enumerate().take(steps) {
        step.shown = true;
        step.ticked = Some(record.start + TimeDelta::seconds(5 * (1 + i64::try_from(at).expect("few steps"))));
        step.left_out = false;
    }
    record.greeting = (steps > 0).then(|| "siang".into());
    record
}

/// The call, complete after a minute.
pub fn ended(call: u64) -> Record {
    let record = ticked(call, 2);
    let end = record.start + TimeDelta::minutes(1);
    Record { end: Some((end, Outcome::Ended(Ending::Complete))), ..record }
}

pub fn config(path: &Path) -> Config {
    Config { seat: Some("07".into()), ..Config::at(path.into()) }
}

/// A writer and the receiver of its troubles.
pub fn start(path: &Path) -> (Writer, Receiver<Trouble>) {
    start_with(config(path))
}

pub fn start_with(config: Config) -> (Writer, Receiver<Trouble>) {
    let (send, troubles) = channel();
    let notify = move |trouble| {
        // The test may have dropped the receiver.
        let _ = send.send(trouble);
    };
    (Writer::start(config, notify, |work| Ok(std::thread::spawn(work))), troubles)
}

/// Sends a record. Its time of change is its end, or its start while it is open.
pub fn send(writer: &Writer, record: Record) {
    let now = record.end.map_or(record.start, |(at, _)| at);
    writer.record(record, now);
}

/// Waits until every record that was sent is written, or kept in memory if it can't be.
pub fn settle(writer: &Writer) -> Recap {
    recap(writer, "2026-11-24")
}

pub fn recap(writer: &Writer, day: &str) -> Recap {
    let (send, answer) = channel();
    writer.recap(day.parse().expect("a day"), wib(), move |recap| {
        let _ = send.send(recap);
    });
    answer.recv_timeout(PATIENCE).expect("the journal's thread answers")
}

/// The next trouble that the writer reports, in Indonesian.
#[track_caller]
pub fn next_message(troubles: &Receiver<Trouble>) -> String {
    penutup::diagnostics::journal::trouble(
        &troubles.recv_timeout(PATIENCE).expect("the worker reports it"),
        Lang::Id.words(),
    )
}

/// Ends a writer. Returns how many closings are not in the journal.
pub fn unwritten(writer: Writer) -> u64 {
    match writer.finish(PATIENCE) {
        Finish::Written => 0,
        Finish::Pending { count, .. } => count as u64,
        Finish::Lost { count, .. } => count,
        Finish::Unknown => panic!("the journal's thread does not end"),
    }
}

/// Asserts that everything is written and that the writer reported nothing more.
#[track_caller]
pub fn finish(writer: Writer, troubles: &Receiver<Trouble>) {
    assert_eq!(unwritten(writer), 0);
    let more: Vec<Trouble> = troubles.try_iter().collect();
    assert!(more.is_empty(), "{more:?}");
}

/// A call as it is in the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub record: Record,
    pub ticks: usize,
}

impl Found {
    pub fn outcome(&self) -> Option<Outcome> {
        self.record.end.map(|(_, how)| how)
    }
}

/// Every call of a journal, in the order of their beginning.
#[track_caller]
pub fn found(path: &Path) -> Vec<Found> {
    let mut out = Vec::new();
    let Some(mut reader) = Reader::open(path).expect("a journal") else { return out };
    let read = reader.calls(Span::default(), |record| {
        let ticks = record.steps.iter().filter(|step| step.ticked.is_some()).count();
        out.push(Found { record: record.clone(), ticks });
        Ok::<(), penutup::journal::trouble::Error>(())
    });
    read.expect("every call can be read");
    out
}

/// A journal in a folder that is deleted with the test.
pub struct Place(pub tempfile::TempDir);

impl Place {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder for the test"))
    }

    pub fn journal(&self) -> PathBuf {
        self.0.path().join("journal.db")
    }

    /// The names in the folder with this beginning.
    pub fn names(&self, start: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).expect("the folder");
        let names = entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned());
        let mut out: Vec<String> = names.filter(|n| n.starts_with(start)).collect();
        out.sort();
        out
    }
}

/// Asserts that no file of a folder contains any of these texts, in any encoding.
/// For every test that feeds personal data to the prompter.
#[track_caller]
pub fn assert_nowhere_in(folder: &Path, texts: &[&str]) {
    let mut files = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            let bytes = std::fs::read(&path).expect("a file").to_ascii_lowercase();
            for text in texts {
                let narrow = text.to_lowercase().into_bytes();
                let wide: Vec<u8> = text.to_lowercase().encode_utf16().flat_map(u16::to_le_bytes).collect();
                for pattern in [narrow, wide] {
                    let is_there = bytes.windows(pattern.len()).any(|part| part == pattern);
                    assert!(!is_there, "{text:?} is in {}", path.display());
                }
            }
        }
    }
    assert!(files > 0, "no file was searched in {}", folder.display());
}
