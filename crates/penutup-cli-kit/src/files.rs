//! Bounded reads and atomic writes of files, with deadlines; what can be wrong with a file, in the user's language. What
//! a file means is decided in `rules` and `settings`.

pub mod deadline;
pub mod locked_files;
pub mod log;
pub mod settings;

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::diagnostics::outside;

use crate::diagnostics::source::clean_path;
use crate::diagnostics::{self, Source};
use crate::loaded::Refused;
use crate::rules::Problem;
use crate::rules::limits::MAX_FILE;
use crate::words::Words;
use penutup_system::error::NotRegularFile;

pub use deadline::Pending;
pub use penutup_system::folders::{Chosen, Folders, Why};
pub use penutup_system::own_files::make_folder;

/// How long reading the copy of the last good file may take when the file itself timed out.
pub const COPY_PATIENCE: Duration = Duration::from_millis(150);

#[derive(Debug)]
pub struct Unreadable {
    pub path: PathBuf,
    pub error: io::Error,
}

impl Unreadable {
    /// A message in the user's language that names the path.
    pub fn describe(&self, words: &Words) -> String {
        let why = outside::reason(&self.error, words);
        words.trouble.cannot_read(shown_path(&self.path), &why)
    }
}

/// A path cleaned for a terminal.
pub fn shown_path(path: &Path) -> String {
    clean_path(&path.to_string_lossy())
}

/// Reads a file, but at most one byte over [`MAX_FILE`], so that the reader sees that it is too large. Never blocks on
/// a pipe or a device.
///
/// # Errors
/// The I/O error; for something that is not a file, an error of the matching kind.
pub fn read(path: &Path) -> Result<Vec<u8>, Unreadable> {
    let mut read = || -> io::Result<Vec<u8>> {
        // Opening a device may do something by itself.
        check_regular(&fs::metadata(path)?)?;
        let mut out = Vec::new();
        open_regular(path)?.take(MAX_FILE as u64 + 1).read_to_end(&mut out)?;
        Ok(out)
    };
    // Another program's lease on the file causes "would block" until that program releases it.
    let is_locked_error = |e: &io::Error| penutup_system::error::is_locked(e) || e.kind() == ErrorKind::WouldBlock;
    locked_files::retry_while_locked(is_locked_error, &mut read)
        .map_err(|error| Unreadable { path: path.into(), error })
}

/// Opens what is there now, which may be another than was looked at before, and never waits for a pipe's writer.
fn open_regular(path: &Path) -> io::Result<File> {
    let file = penutup_system::own_files::open_at_once(path)?;
    check_regular(&file.metadata()?)?;
    Ok(file)
}

fn check_regular(about: &fs::Metadata) -> io::Result<()> {
    if about.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    if about.is_file() { Ok(()) } else { Err(io::Error::other(NotRegularFile)) }
}

/// Writes a file atomically: a reader sees the old or the new content, also after a crash.
///
/// # Errors
/// The I/O error.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_folder(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    locked_files::replace(file, path)?;
    // Sync the folder so that the new name survives a crash too. Not every system can; the file's content is safe.
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// Why a rules or settings file can't be used.
#[derive(Debug)]
pub enum FileError {
    Unreadable(Unreadable),
    Refused { path: PathBuf, refused: Refused },
}

impl FileError {
    pub fn path(&self) -> &Path {
        match self {
            Self::Unreadable(unreadable) => &unreadable.path,
            Self::Refused { path, .. } => path,
        }
    }

    /// The file's name, the line if there is one, and the reason.
    fn parts(&self, words: &Words) -> (String, Option<usize>, String) {
        let name =
            self.path().file_name().map_or_else(|| shown_path(self.path()), |n| clean_path(&n.to_string_lossy()));
        match self {
            Self::Unreadable(unreadable) => (name, None, outside::reason(&unreadable.error, words)),
            Self::Refused { refused, .. } => {
                let source = Source::new(&name, &refused.source);
                let first = refused.problems.iter().find(|p| p.is_error());
                let line = first.map(|p| source.place(p.span.start).line);
                (name, line, first.map_or_else(String::new, |p| diagnostics::describe(p, words).message))
            }
        }
    }

    /// "rules.toml:12: reason", or "rules.toml: reason" if the file could not be read.
    pub fn place_and_why(&self, words: &Words) -> String {
        match self.parts(words) {
            (file, Some(line), why) => format!("{file}:{line}: {why}"),
            (file, None, why) => format!("{file}: {why}"),
        }
    }

    /// One line for the prompter's notice row.
    pub fn notice(&self, words: &Words) -> String {
        match self.parts(words) {
            (file, Some(line), why) => words.notice.rules_bad(&file, line, &why),
            (file, None, _) if self.is_late() => words.notice.rules_waited_for(&file),
            (file, None, why) => words.notice.rules_unreadable(&file, &why),
        }
    }

    /// Whether reading the file timed out, so that it may still arrive.
    pub fn is_late(&self) -> bool {
        matches!(self, Self::Unreadable(unreadable) if unreadable.error.kind() == ErrorKind::TimedOut)
    }

    /// The problems and their source, if the file could be read.
    pub fn problems(&self) -> Option<(&[Problem], &[u8])> {
        match self {
            Self::Unreadable(_) => None,
            Self::Refused { refused, .. } => Some((&refused.problems, &refused.source)),
        }
    }
}

/// The path of a KLB declaration in its folder.
pub fn declaration_in(folder: &Path) -> PathBuf {
    folder.join("klb.toml")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Lang;

    #[test]
    fn a_read_stops_one_byte_over_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("huge");
        File::create(&path).unwrap().set_len(1 << 32).unwrap();
        assert_eq!(read(&path).unwrap().len(), MAX_FILE + 1);
    }

    #[test]
    fn reading_a_non_file_is_an_error_with_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let words = Lang::Id.words();
        let message = read(folder.path()).unwrap_err().describe(words);
        assert!(
            message.contains("ini folder, bukan berkas") && message.contains(&shown_path(folder.path())),
            "{message}"
        );
        let message = read(&folder.path().join("none")).unwrap_err().describe(words);
        assert!(message.ends_with("berkas atau folder ini tidak ada"), "{message}");
        #[cfg(unix)]
        {
            let message = read(Path::new("/dev/null")).unwrap_err().describe(words);
            assert!(message.ends_with("ini bukan berkas biasa"), "{message}");
        }
    }

    /// The file may be replaced between the check of the path and its opening.
    #[cfg(unix)]
    #[test]
    fn a_pipe_that_took_the_place_of_a_file_is_refused_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rules.toml");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let why = outside::reason(&open_regular(&path).unwrap_err(), Lang::Id.words());
        assert_eq!(why, "ini bukan berkas biasa");
    }

    #[test]
    fn a_write_replaces_the_whole_file_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/file");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        assert!(write(folder.path(), b"x").is_err());
    }
}
