//! What can be wrong with the journal, and how it is told. An [`Error`] is why one thing could not be done; a
//! [`Trouble`] is what the writer tells the prompter while it goes on.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::ErrorCode;

use crate::diagnostics::outside;
use crate::files::shown_path;
use crate::words::{Words, fill};

/// Why the journal could not be opened, read or written.
#[derive(Debug)]
pub enum Error {
    /// What the system says.
    Io(io::Error),
    /// What `SQLite` says.
    Sqlite(rusqlite::Error),
    /// A newer version of the program made it; it is not touched.
    Newer {
        /// Its schema.
        found: i64,
        /// The newest schema that this program knows.
        known: i64,
    },
    /// A database of another program; it is not touched.
    Foreign,
    /// The settings name a file as the journal that is none of ours; it is not touched.
    NotOurs {
        /// Where they name it: file and line.
        place: String,
    },
    /// What stands in it can't have been written by this program.
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
    fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Sqlite(error) => error.sqlite_error_code(),
            _ => None,
        }
    }

    /// Whether the file itself is broken, so that no retry mends it.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged)
            || matches!(self.code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
            || matches!(self, Self::Sqlite(rusqlite::Error::InvalidColumnType(..)))
    }

    /// Whether somebody else has it in use just now.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        matches!(self.code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
    }

    /// Whether the disk is full.
    #[must_use]
    pub fn is_for_want_of_room(&self) -> bool {
        self.code() == Some(ErrorCode::DiskFull)
    }

    /// Told with the place in the settings that names the file, where it is one of the user's that is named by mistake.
    #[must_use]
    pub fn named_at(self, place: Option<&str>) -> Self {
        let is_another = matches!(self, Self::Foreign) || self.code() == Some(ErrorCode::NotADatabase);
        match place {
            Some(place) if is_another => Self::NotOurs { place: place.into() },
            _ => self,
        }
    }

    /// Whether both are told in the same way, so that the second is no news.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Io(one), Self::Io(two)) => one.kind() == two.kind(),
            (Self::Sqlite(_), Self::Sqlite(_)) => self.code() == other.code(),
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }

    /// Why, in the user's language, in a few words.
    #[must_use]
    pub fn told(&self, words: &Words) -> String {
        let (w, t) = (&words.journal, &words.trouble);
        match self {
            Self::Io(error) => outside::reason(error, words),
            Self::Newer { found, known } => {
                fill(w.newer, &[("found", &found.to_string()), ("known", &known.to_string())])
            }
            Self::Foreign => w.foreign.into(),
            Self::NotOurs { place } => fill(w.not_ours, &[("place", place)]),
            Self::Damaged => w.damaged.into(),
            Self::Sqlite(error) => match self.code() {
                Some(ErrorCode::DiskFull) => t.disk_full.into(),
                Some(ErrorCode::ReadOnly) => t.read_only.into(),
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => t.busy.into(),
                Some(ErrorCode::PermissionDenied) => t.not_allowed.into(),
                Some(ErrorCode::CannotOpen) => w.cannot_open.into(),
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => w.damaged.into(),
                _ => {
                    let code = error.sqlite_error().map_or(0, |e| e.extended_code);
                    fill(w.sqlite, &[("number", &code.to_string())])
                }
            },
        }
    }
}

/// What the prompter is told while the writer goes on.
#[derive(Debug)]
pub enum Trouble {
    /// It can't be written, for this reason; what happens is kept in memory and written later.
    Began(Arc<Error>),
    /// It is written again, and with it what was kept.
    Over {
        /// How many calls there was no room for in memory.
        lost: u64,
    },
    /// It was damaged: it is kept under this name, and a new one was begun.
    SetAside(PathBuf),
    /// So many closings of earlier prompters that could not be written then are in it now.
    TakenIn(usize),
}

impl Trouble {
    /// One line for the CSO.
    #[must_use]
    pub fn line(&self, words: &Words) -> String {
        let w = &words.journal;
        match self {
            Self::Began(error) => fill(w.not_written, &[("why", &error.told(words))]),
            Self::Over { lost: 0 } => w.written_again.into(),
            Self::Over { lost } => fill(w.written_again_lost, &[("count", &lost.to_string())]),
            Self::SetAside(aside) => fill(w.set_aside, &[("file", &shown_path(aside))]),
            Self::TakenIn(count) => fill(w.taken_in, &[("count", &count.to_string())]),
        }
    }
}

/// What became of the closings that were not written yet when the prompter was left.
#[derive(Debug)]
pub enum Finish {
    /// All are in the journal.
    Written,
    /// They wait in this file, which the next start takes in.
    Waiting {
        /// How many.
        count: usize,
        /// Where.
        file: PathBuf,
        /// Why they are not in the journal.
        error: Arc<Error>,
    },
    /// They are lost.
    Lost {
        /// How many.
        count: u64,
        /// Why.
        error: Arc<Error>,
    },
    /// The disk did not answer in time, or the journal's thread had died.
    Unknown,
}

impl Finish {
    /// The line for whoever leaves; `None` where all is written.
    #[must_use]
    pub fn line(&self, words: &Words) -> Option<String> {
        let w = &words.left;
        match self {
            Self::Written => None,
            Self::Waiting { count, file, error } => {
                let (count, file) = (count.to_string(), shown_path(file));
                let with = [("count", &*count), ("file", &file), ("why", &error.told(words))];
                Some(fill(w.journal_waiting, &with))
            }
            Self::Lost { count, error } => {
                Some(fill(w.journal_lost, &[("count", &count.to_string()), ("why", &error.told(words))]))
            }
            Self::Unknown => Some(w.journal_unknown.into()),
        }
    }
}
