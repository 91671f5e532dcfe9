//! Closings that could not be written to the journal when the prompter was left: kept in a file of their own, which the
//! next start takes in. A file is written once and never changed, so that two prompters never write the same one.

use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::record::Record;
use crate::closing::ending::Outcome;
use crate::files::private;

/// How the files are called.
const START: &str = "journal-pending-";
const END: &str = ".jsonl";
/// The most files in one folder: a journal that can't be written for so many sessions has told of it as often.
const MAX_FILES: usize = 100;
/// The largest file that is taken in, in bytes: more than the writer keeps in memory.
const MAX_BYTES: u64 = 64 << 20;

/// A closing that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// Its id in the journal.
    pub id: String,
    /// How often it was handed over.
    pub version: u64,
    /// When it became what it is.
    pub changed: DateTime<Utc>,
    /// The seat, where the settings name one.
    pub seat: Option<String>,
    /// What is kept of it.
    pub record: Record,
}

impl Pending {
    /// Its id, where it is one.
    #[must_use]
    pub fn id(&self) -> Option<Uuid> {
        Uuid::try_parse(&self.id).ok()
    }
}

/// Writes closings into the first of these folders that takes them, and answers the file. One that still ran ended with
/// its prompter.
///
/// # Errors
/// What the system says of the last folder.
pub fn write(folders: &[PathBuf], mut pending: Vec<Pending>) -> io::Result<PathBuf> {
    let mut text = Vec::new();
    for one in &mut pending {
        let last = one.changed;
        one.record.end.get_or_insert((last, Outcome::ProgramClosed));
        serde_json::to_writer(&mut text, one)?;
        text.push(b'\n');
    }
    let mut error = io::Error::from(ErrorKind::NotFound);
    for folder in folders {
        match write_in(folder, &text) {
            Ok(path) => return Ok(path),
            Err(e) => error = e,
        }
    }
    Err(error)
}

fn write_in(folder: &Path, text: &[u8]) -> io::Result<PathBuf> {
    private::make_folder(folder)?;
    if all(folder).len() >= MAX_FILES {
        return Err(ErrorKind::QuotaExceeded.into());
    }
    let path = folder.join(format!("{START}{}{END}", Uuid::now_v7()));
    // Under another name until it is whole.
    let beside = path.with_extension("part");
    let written = private::options().write(true).create_new(true).open(&beside).and_then(|mut file| {
        file.write_all(text)?;
        file.sync_all()
    });
    let named = written.and_then(|()| fs::rename(&beside, &path));
    if named.is_err() {
        let _ = fs::remove_file(&beside);
    }
    named.map(|()| path)
}

/// The files that wait in a folder, the oldest first.
#[must_use]
pub fn all(folder: &Path) -> Vec<PathBuf> {
    let is_one = |path: &PathBuf| {
        path.file_name().and_then(|n| n.to_str()).is_some_and(|n| n.starts_with(START) && n.ends_with(END))
    };
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let mut out: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_one).collect();
    out.sort();
    out.truncate(MAX_FILES);
    out
}

/// What waits in a file.
///
/// # Errors
/// What the system says; [`ErrorKind::InvalidData`] where a line is no closing.
pub fn read(path: &Path) -> io::Result<Vec<Pending>> {
    if fs::metadata(path)?.len() > MAX_BYTES {
        return Err(ErrorKind::InvalidData.into());
    }
    let text = fs::read(path)?;
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let pending: Pending = serde_json::from_slice(line)?;
            if pending.id().is_none() { Err(ErrorKind::InvalidData.into()) } else { Ok(pending) }
        })
        .collect()
}

/// Removes a file that was taken in.
pub fn remove(path: &Path) {
    // Another prompter may have taken it in as well: a closing has one id, so it is counted once.
    let _ = fs::remove_file(path);
}

/// Puts a file out of the way that can't be understood.
pub fn set_aside(path: &Path) {
    let _ = fs::rename(path, path.with_extension("rusak"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending(end: Option<Outcome>) -> Pending {
        let at: DateTime<Utc> = "2026-11-24T05:00:00Z".parse().unwrap();
        let record = Record {
            call: 1,
            start: at,
            end: end.map(|how| (at, how)),
            facts: vec![],
            zone: "WIB".into(),
            greeting: Some("siang".into()),
            rule: "biasa".into(),
            revision: "Rev \"1\"\n".into(),
            rules_sha256: "ab".into(),
            steps: vec![],
            cost: vec!["Akurasi".into()],
            overtaken: Vec::new(),
            differs: Vec::new(),
        };
        Pending { id: Uuid::from_u128(7).to_string(), version: 3, changed: at, seat: Some("07".into()), record }
    }

    #[test]
    fn what_is_written_comes_back_whole() {
        let folder = tempfile::tempdir().unwrap();
        let blocked = folder.path().join("file");
        fs::write(&blocked, "").unwrap();
        let folders = [blocked.join("state"), folder.path().join("deep/data")];
        let all_pending = Outcome::ALL.map(|how| pending(Some(how))).to_vec();
        let path = write(&folders, all_pending.clone()).unwrap();
        assert_eq!(all(&folders[1]), std::slice::from_ref(&path));
        assert_eq!(read(&path).unwrap(), all_pending);
        remove(&path);
        assert!(all(&folders[1]).is_empty());
    }

    #[test]
    fn a_call_that_still_ran_has_ended_with_its_prompter() {
        let folder = tempfile::tempdir().unwrap();
        let path = write(&[folder.path().into()], vec![pending(None)]).unwrap();
        assert_eq!(read(&path).unwrap()[0].record.end.unwrap().1, Outcome::ProgramClosed);
    }

    #[test]
    fn the_number_of_files_is_bounded_and_a_folder_that_cannot_be_written_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..MAX_FILES {
            write(&[folder.path().into()], vec![pending(None)]).unwrap();
        }
        let refused = write(&[folder.path().into()], vec![pending(None)]);
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::QuotaExceeded);
        assert_eq!(all(folder.path()).len(), MAX_FILES);
        assert!(write(&[], vec![]).is_err());
    }

    #[test]
    fn what_is_no_closing_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal-pending-x.jsonl");
        for broken in ["{}", "rusak", "{\"id\":\"x\"}", "\u{0}\n"] {
            fs::write(&path, broken).unwrap();
            assert!(read(&path).is_err(), "{broken}");
        }
    }
}
