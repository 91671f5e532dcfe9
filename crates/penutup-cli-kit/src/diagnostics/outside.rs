//! Errors of the operating system in the user's language; the system's own texts are in the machine's.

use std::io::{self, ErrorKind};

use penutup_system::error::{is_foreign, is_locked, is_not_regular};

use crate::words::Words;

/// Why something could not be read or written.
#[must_use]
pub fn reason(error: &io::Error, words: &Words) -> String {
    let w = &words.trouble;
    if is_not_regular(error) {
        return w.no_file.into();
    }
    if is_foreign(error) {
        return w.foreign.into();
    }
    if is_locked(error) {
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
