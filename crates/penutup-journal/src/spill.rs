//! Calls that could not be written to the journal before the prompter ended: written to a file of their own, one record
//! per line, which the next start imports. A file is written once and never changed, so two prompters never write the
//! same one.

use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::export::write_line;
use super::record::Record;
use penutup_rules::closing::ending::Outcome;
use penutup_system::own_files;

/// The prefix and suffix of the file names.
const START: &str = "journal-pending-";
const END: &str = ".jsonl";
/// The most files in one folder. Each session that could not write the journal adds one, and reported the failure.
const MAX_FILES: usize = 100;
/// The largest file that is imported, in bytes: more than the worker keeps in memory.
const MAX_BYTES: u64 = 64 << 20;

/// Writes calls to a new file in the first of these folders that is writable, and returns its path. A call still
/// running ended with its prompter.
///
/// # Errors
/// The I/O error of the last folder.
pub fn write(folders: &[PathBuf], mut pending: Vec<Record>) -> io::Result<PathBuf> {
    let mut text = Vec::new();
    for record in &mut pending {
        record.end.get_or_insert((record.changed, Outcome::ProgramClosed));
        write_line(&mut text, record)?;
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
    own_files::make_folder(folder)?;
    if all(folder).len() >= MAX_FILES {
        return Err(ErrorKind::QuotaExceeded.into());
    }
    let path = folder.join(format!("{START}{}{END}", Uuid::now_v7()));
    // Written under another name, so that no partial file is read.
    let beside = path.with_extension("part");
    let written = own_files::options().write(true).create_new(true).open(&beside).and_then(|mut file| {
        file.write_all(text)?;
        file.sync_all()
    });
    let named = written.and_then(|()| fs::rename(&beside, &path));
    if named.is_err() {
        let _ = fs::remove_file(&beside);
    }
    named.map(|()| path)
}

/// The files of a folder, the oldest first.
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

/// The calls of a file.
///
/// # Errors
/// The I/O error; [`ErrorKind::InvalidData`] if a line is not a call.
pub fn read(path: &Path) -> io::Result<Vec<Record>> {
    if fs::metadata(path)?.len() > MAX_BYTES {
        return Err(ErrorKind::InvalidData.into());
    }
    let text = fs::read_to_string(path)?;
    let records: Vec<Record> = text.lines().map(Record::read).collect::<Result<_, _>>()?;
    if records.iter().any(|record| record.id.is_nil()) { Err(ErrorKind::InvalidData.into()) } else { Ok(records) }
}

/// Removes an imported file.
pub fn remove(path: &Path) {
    // Another prompter may have imported it as well: a call has one ID, so it is counted once.
    let _ = fs::remove_file(path);
}

/// Renames a file that can't be parsed, so that it is not tried again.
pub fn set_aside(path: &Path) {
    let _ = fs::rename(path, path.with_extension("rusak"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending(outcome: Option<Outcome>) -> Record {
        let at = "2026-11-24T05:00:00Z".parse().unwrap();
        Record {
            id: Uuid::from_u128(7),
            version: 3,
            start: at,
            end: outcome.map(|outcome| (at, outcome)),
            changed: at,
            seat: Some("07".into()),
            revision: "Rev \"1\"".into(),
            ..Record::default()
        }
    }

    #[test]
    fn written_calls_are_read_back_whole() {
        let folder = tempfile::tempdir().unwrap();
        let blocked = folder.path().join("file");
        fs::write(&blocked, "").unwrap();
        let folders = [blocked.join("state"), folder.path().join("deep/data")];
        let all_pending = Outcome::ALL.map(|outcome| pending(Some(outcome))).to_vec();
        let path = write(&folders, all_pending.clone()).unwrap();
        assert_eq!(all(&folders[1]), std::slice::from_ref(&path));
        assert_eq!(read(&path).unwrap(), all_pending);
        remove(&path);
        assert!(all(&folders[1]).is_empty());
    }

    #[test]
    fn a_running_call_is_spilled_as_ended_with_its_prompter() {
        let folder = tempfile::tempdir().unwrap();
        let path = write(&[folder.path().into()], vec![pending(None)]).unwrap();
        assert_eq!(read(&path).unwrap()[0].end.unwrap().1, Outcome::ProgramClosed);
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
    fn a_file_with_a_line_that_is_no_call_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal-pending-x.jsonl");
        for broken in ["{}", "rusak", "{\"id\":\"x\"}", "\u{0}\n"] {
            fs::write(&path, broken).unwrap();
            assert!(read(&path).is_err(), "{broken}");
        }
    }
}
