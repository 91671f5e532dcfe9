//! The journal's reports in the user's language.

use std::io;

use rusqlite::ErrorCode;

use penutup_system::error::NotRegularFile;

use super::outside;
use crate::files::shown_path;
use crate::journal::export::FORMAT_VERSION;
use crate::journal::merge::{Fault, MAX_LINE, Refused};
use crate::journal::trouble::{Error, Finish, Trouble};
use crate::words::Words;

/// Why the journal could not be opened, read or written, in a few words.
pub fn reason(error: &Error, words: &Words) -> String {
    let (w, t) = (&words.journal, &words.trouble);
    match error {
        Error::Io(error) => outside::reason(error, words),
        Error::NotAFile => outside::reason(&io::Error::other(NotRegularFile), words),
        Error::Newer { found, known } => w.newer(found, known),
        Error::Foreign => w.foreign.into(),
        Error::NotOurs { place } => w.not_ours(place),
        Error::Damaged => w.damaged.into(),
        Error::Sqlite(sqlite) => match error.code() {
            Some(ErrorCode::DiskFull) => t.disk_full.into(),
            Some(ErrorCode::ReadOnly) => t.read_only.into(),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => t.busy.into(),
            Some(ErrorCode::PermissionDenied) => t.not_allowed.into(),
            Some(ErrorCode::CannotOpen) => w.cannot_open.into(),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => w.damaged.into(),
            _ => w.sqlite(sqlite.sqlite_error().map_or(0, |e| e.extended_code)),
        },
    }
}

/// One line for the CSO.
pub fn trouble(trouble: &Trouble, words: &Words) -> String {
    let w = &words.journal;
    match trouble {
        Trouble::Began(error) => w.not_written(reason(error, words)),
        Trouble::Over { lost: 0 } => w.written_again.into(),
        Trouble::Over { lost } => w.written_again_lost(lost),
        Trouble::SetAside(aside) => w.set_aside(shown_path(aside)),
        Trouble::Imported(count) => w.taken_in(count),
    }
}

/// The line after the prompter has ended; `None` if everything is written.
pub fn finish(finish: &Finish, words: &Words) -> Option<String> {
    let w = &words.left;
    match finish {
        Finish::Written => None,
        Finish::Pending { count, file, error } => {
            Some(w.journal_waiting(count, shown_path(file), reason(error, words)))
        }
        Finish::Lost { count, error } => Some(w.journal_lost(count, reason(error, words))),
        Finish::Unknown => Some(w.journal_unknown.into()),
    }
}

/// Why and where an export can't be used.
pub fn refused(refused: &Refused, words: &Words) -> String {
    let w = &words.journal;
    let why = match &refused.fault {
        Fault::Unreadable(error) => outside::reason(error, words),
        Fault::NotAFile => outside::reason(&io::Error::other(NotRegularFile), words),
        Fault::NotAnExport => w.no_export.into(),
        Fault::Utf16 => w.utf16.into(),
        Fault::Newer(found) => w.newer(found, FORMAT_VERSION),
        Fault::TooLong => w.long_line(MAX_LINE >> 20),
        Fault::NotACall => w.no_call.into(),
        Fault::Wrong(key) => w.wrong_value(key),
        Fault::CutOff => w.cut_off.into(),
        Fault::Count { declared, found } => w.wrong_count(found, declared),
        Fault::TooMuch => w.too_much.into(),
        Fault::Changed => w.changed.into(),
    };
    let path = shown_path(&refused.path);
    if refused.line == 0 { w.refused(path, why) } else { w.refused_line(path, refused.line, why) }
}
