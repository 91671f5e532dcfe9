//! Errors of the operating system in the user's language; the system's own texts are in the machine's.

use std::io::{self, ErrorKind};

use crate::words::Words;

/// Inside an [`io::Error`]: the path is no regular file but a pipe, a device or the like.
#[derive(Debug)]
pub struct NoFile;

impl std::fmt::Display for NoFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not a regular file")
    }
}

impl std::error::Error for NoFile {}

/// Inside an [`io::Error`]: another user owns the folder of the socket, or could change it.
#[derive(Debug)]
pub struct Foreign;

impl std::fmt::Display for Foreign {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("another user could change it")
    }
}

impl std::error::Error for Foreign {}

/// Whether the error is [`Foreign`].
#[must_use]
pub fn is_foreign(error: &io::Error) -> bool {
    error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<Foreign>)
}

/// Whether another program has the file open exclusively, which only Windows reports.
#[must_use]
pub fn is_held(error: &io::Error) -> bool {
    const SHARING_VIOLATION: i32 = 32;
    const LOCK_VIOLATION: i32 = 33;
    cfg!(windows) && matches!(error.raw_os_error(), Some(SHARING_VIOLATION | LOCK_VIOLATION))
}

/// Why something could not be read or written.
#[must_use]
pub fn reason(error: &io::Error, words: &Words) -> String {
    let w = &words.trouble;
    if error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<NoFile>) {
        return w.no_file.into();
    }
    if is_foreign(error) {
        return w.foreign.into();
    }
    if is_held(error) {
        return w.busy.into();
    }
    match error.kind() {
        ErrorKind::NotFound => w.not_found,
        ErrorKind::PermissionDenied => w.not_allowed,
        ErrorKind::IsADirectory => w.is_folder,
        ErrorKind::NotADirectory => w.no_folder,
        ErrorKind::InvalidFilename | ErrorKind::InvalidInput => w.bad_name,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => w.disk_full,
        ErrorKind::ReadOnlyFilesystem => w.read_only,
        ErrorKind::ResourceBusy | ErrorKind::ExecutableFileBusy => w.busy,
        ErrorKind::TimedOut
        | ErrorKind::HostUnreachable
        | ErrorKind::NetworkUnreachable
        | ErrorKind::NetworkDown
        | ErrorKind::StaleNetworkFileHandle => w.no_answer,
        ErrorKind::AlreadyExists => w.exists,
        _ => {
            return error.raw_os_error().map_or_else(|| w.unknown.into(), |number| w.system(number));
        }
    }
    .into()
}
