//! Files that another program has open: an editor, a virus scanner, another prompter. Windows refuses to open or
//! replace them meanwhile, usually for a moment; other systems refuse nothing.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

use penutup_system::error::is_locked;

/// How long to retry.
const PATIENCE: Duration = Duration::from_millis(500);
/// The pause between two attempts.
const RETRY_PAUSE: Duration = Duration::from_millis(10);

/// Runs `act`, and again while another program has the file open, for up to a moment.
///
/// # Errors
/// The last error of `act`.
pub fn retry_while_locked<T>(
    is_locked_error: impl Fn(&io::Error) -> bool,
    mut act: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    let start = Instant::now();
    loop {
        match act() {
            Err(e) if is_locked_error(&e) && start.elapsed() < PATIENCE => std::thread::sleep(RETRY_PAUSE),
            other => return other,
        }
    }
}

/// Renames a finished temporary file over its destination.
///
/// # Errors
/// The I/O error; [`ErrorKind::ResourceBusy`] if another program keeps the old file open.
pub fn replace(file: NamedTempFile, path: &Path) -> io::Result<()> {
    // `keep` clears the temporary attribute, with which Windows may not write the file to disk. Then close the file so that it can be renamed.
    let (file, from) = file.keep().map_err(|e| e.error)?;
    drop(file);
    // Windows reports "permission denied" for a file that is open elsewhere.
    let refused = |e: &io::Error| is_locked(e) || (cfg!(windows) && e.kind() == ErrorKind::PermissionDenied);
    // Unlike the crate's rename, the standard library's also replaces a file that is open for reading on Windows.
    let renamed = retry_while_locked(refused, || fs::rename(&from, path));
    if renamed.is_err() {
        let _ = fs::remove_file(&from);
    }
    renamed.map_err(|e| {
        let is_open = refused(&e) && fs::metadata(path).is_ok_and(|old| old.is_file() && !old.permissions().readonly());
        if is_open { ErrorKind::ResourceBusy.into() } else { e }
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn temporary_file(folder: &Path, text: &str) -> NamedTempFile {
        let mut file = NamedTempFile::new_in(folder).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    #[test]
    fn only_errors_of_a_locked_file_are_retried() {
        let mut left = 3;
        let done = retry_while_locked(
            |e| e.kind() == ErrorKind::ResourceBusy,
            || {
                left -= 1;
                if left > 0 { Err(ErrorKind::ResourceBusy.into()) } else { Ok(left) }
            },
        );
        assert_eq!(done.unwrap(), 0);
        let mut times = 0;
        let failed: io::Result<()> = retry_while_locked(is_locked, || {
            times += 1;
            Err(ErrorKind::NotFound.into())
        });
        assert_eq!((failed.unwrap_err().kind(), times), (ErrorKind::NotFound, 1));
    }

    #[test]
    fn a_permanently_locked_file_times_out() {
        let failed: io::Result<()> = retry_while_locked(|_| true, || Err(ErrorKind::ResourceBusy.into()));
        assert_eq!(failed.unwrap_err().kind(), ErrorKind::ResourceBusy);
    }

    #[test]
    fn a_file_open_for_reading_is_replaced_and_its_reader_sees_the_old_one() {
        use std::io::Read as _;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("berkas ß.toml");
        fs::write(&path, "old").unwrap();
        let mut reader = fs::File::open(&path).unwrap();
        let replaced = replace(temporary_file(folder.path(), "new"), &path);
        if replaced.as_ref().is_err_and(|e| e.kind() == ErrorKind::ResourceBusy) && cfg!(windows) && is_wine() {
            // Directly to the stream: a skipped test must be visible among those that passed.
            let message = "SKIPPED a_file_open_for_reading_is_replaced: Wine replaces no open file, Windows does";
            let _ = writeln!(io::stderr(), "{message}");
            return;
        }
        replaced.unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        let mut read = String::new();
        reader.read_to_string(&mut read).unwrap();
        assert_eq!(read, "old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    /// Whether this is Wine, which passes on the variable of its own folder.
    fn is_wine() -> bool {
        std::env::var_os("WINEPREFIX").is_some()
    }

    #[cfg(windows)]
    mod on_windows {
        use std::os::windows::fs::OpenOptionsExt as _;
        use std::thread;

        use super::*;

        /// Opened without sharing, as some programs do.
        fn open_exclusively(path: &Path) -> fs::File {
            fs::OpenOptions::new().read(true).share_mode(0).open(path).unwrap()
        }

        #[test]
        fn a_locked_file_is_reported_busy_and_left_untouched() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("berkas.toml");
            fs::write(&path, "old").unwrap();
            let open = open_exclusively(&path);
            assert_eq!(
                replace(temporary_file(folder.path(), "new"), &path).unwrap_err().kind(),
                ErrorKind::ResourceBusy
            );
            let message = super::super::super::read(&path).unwrap_err();
            assert!(is_locked(&message.error), "{message:?}");
            drop(open);
            assert_eq!(fs::read_to_string(&path).unwrap(), "old");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
        }

        #[test]
        fn a_file_unlocked_in_time_is_waited_for() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("berkas.toml");
            fs::write(&path, "old").unwrap();
            let open = open_exclusively(&path);
            let (go, gone) = std::sync::mpsc::channel::<()>();
            let holder = thread::spawn(move || {
                gone.recv().unwrap();
                drop(open);
            });
            let mut tries = 0;
            let read = retry_while_locked(is_locked, || {
                tries += 1;
                if tries == 2 {
                    go.send(()).unwrap();
                }
                fs::read_to_string(&path)
            });
            holder.join().unwrap();
            assert_eq!(read.unwrap(), "old");
        }
    }
}
