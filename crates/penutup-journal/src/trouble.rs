//! The journal's errors. An [`Error`] is why one operation failed; a [`Trouble`] is what the worker reports while it
//! continues.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::ErrorCode;

/// Why the journal could not be opened, read or written.
#[derive(Debug)]
pub enum Error {
    /// An error of the system.
    Io(io::Error),
    /// An error of `SQLite`.
    Sqlite(rusqlite::Error),
    /// A newer version of the program created it; it is not touched.
    Newer {
        /// Its schema.
        found: i64,
        /// The newest schema that this program knows.
        known: i64,
    },
    /// A pipe, a device or a socket; it is not touched.
    NotAFile,
    /// A database of another program; it is not touched.
    Foreign,
    /// The settings name another file as the journal; it is not touched.
    NotOurs {
        /// The setting's file and line.
        place: String,
    },
    /// This program can't have written its content.
    Damaged,
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl Error {
    /// `SQLite`'s code, where it is an error of `SQLite`'s.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Sqlite(error) => error.sqlite_error_code(),
            _ => None,
        }
    }

    /// Whether the file itself is damaged, so that no retry helps.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged)
            || matches!(self.code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
            || matches!(self, Self::Sqlite(rusqlite::Error::InvalidColumnType(..)))
    }

    /// Whether another process holds a lock.
    pub fn is_busy(&self) -> bool {
        matches!(self.code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
    }

    /// Whether the disk is full.
    pub fn is_disk_full(&self) -> bool {
        self.code() == Some(ErrorCode::DiskFull)
    }

    /// Adds the location of the setting, if another file is named by mistake.
    #[must_use]
    pub fn named_at(self, place: Option<&str>) -> Self {
        let is_another = matches!(self, Self::Foreign) || self.code() == Some(ErrorCode::NotADatabase);
        match place {
            Some(place) if is_another => Self::NotOurs { place: place.into() },
            _ => self,
        }
    }

    /// Whether both are reported in the same words, so that the second need not be reported.
    pub(crate) fn is_same_kind(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Io(one), Self::Io(two)) => one.kind() == two.kind(),
            (Self::Sqlite(_), Self::Sqlite(_)) => self.code() == other.code(),
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}

/// What the worker reports while it continues.
#[derive(Debug)]
pub enum Trouble {
    /// It can't be written, for this reason; calls are kept in memory and written later.
    Began(Arc<Error>),
    /// It can be written again; the calls kept in memory have been written.
    Over {
        /// The number of calls for which there was no room in memory.
        lost: u64,
    },
    /// It was damaged: it was renamed to this path, and a new one was created.
    SetAside(PathBuf),
    /// This many calls that earlier prompters could not write were imported.
    Imported(usize),
}

/// The result for the calls that were not written yet when the prompter ended.
#[derive(Debug)]
pub enum Finish {
    /// All are in the journal.
    Written,
    /// They are in this file, which the next start imports.
    Pending {
        count: usize,
        file: PathBuf,
        /// Why they are not in the journal.
        error: Arc<Error>,
    },
    /// They are lost.
    Lost { count: u64, error: Arc<Error> },
    /// The disk timed out, or the journal's thread had ended.
    Unknown,
}
