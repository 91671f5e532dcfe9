//! Reasons inside an [`io::Error`] that the system has no kind for.

use std::error::Error;
use std::io;

/// The path is no regular file but a pipe, a device or the like.
#[derive(Debug)]
pub struct NotRegularFile;

impl std::fmt::Display for NotRegularFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not a regular file")
    }
}

impl Error for NotRegularFile {}

/// Another user owns the folder of the socket, or could change it.
#[derive(Debug)]
pub struct Foreign;

impl std::fmt::Display for Foreign {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("another user could change it")
    }
}

impl Error for Foreign {}

/// Whether the error is [`NotRegularFile`].
#[must_use]
pub fn is_not_regular(error: &io::Error) -> bool {
    error.get_ref().is_some_and(<dyn Error + Send + Sync>::is::<NotRegularFile>)
}

/// Whether the error is [`Foreign`].
#[must_use]
pub fn is_foreign(error: &io::Error) -> bool {
    error.get_ref().is_some_and(<dyn Error + Send + Sync>::is::<Foreign>)
}

/// Whether another program has the file open exclusively, which only Windows reports.
#[must_use]
pub fn is_locked(error: &io::Error) -> bool {
    const SHARING_VIOLATION: i32 = 32;
    const LOCK_VIOLATION: i32 = 33;
    cfg!(windows) && matches!(error.raw_os_error(), Some(SHARING_VIOLATION | LOCK_VIOLATION))
}
