//! A damaged journal is renamed, with its companion files, so that a new one can take its place.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

/// Identifies a file, so that another one under its name is recognised; `None` where there is none.
#[cfg(unix)]
pub fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).ok().map(|about| (about.dev(), about.ino()))
}

/// Identifies a file; here an open database can't be renamed, so no other can take its name.
#[cfg(not(unix))]
pub fn identity(path: &Path) -> Option<(u64, u64)> {
    path.exists().then_some((0, 0))
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

fn rename(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Gives the database and its companions another name and returns it. The companions go first: a log without its
/// database is harmless, but a new database would take an old log for its own.
///
/// # Errors
/// What the system returns; then the files have their old names again, as far as possible.
pub fn set_aside(path: &Path, now: DateTime<Utc>) -> io::Result<PathBuf> {
    let stem = path.file_stem().map_or_else(|| "journal".into(), |s| s.to_string_lossy().into_owned());
    let end = path.extension().map_or_else(String::new, |e| format!(".{}", e.to_string_lossy()));
    let time = now.format("%Y%m%d-%H%M%S");
    let names = (0..).map(|n| if n == 0 { String::new() } else { format!("-{n}") });
    let mut aside = path.to_owned();
    for again in names.take(1000) {
        aside = path.with_file_name(format!("{stem}-rusak-{time}{again}{end}"));
        if !aside.exists() {
            break;
        }
    }
    let parts = ["-wal", "-shm", ""];
    for (at, part) in parts.iter().enumerate() {
        if let Err(error) = rename(&beside(path, part), &beside(&aside, part)) {
            for part in &parts[..at] {
                let _ = rename(&beside(&aside, part), &beside(path, part));
            }
            return Err(error);
        }
    }
    Ok(aside)
}

/// The journals beside `path` that were set aside.
pub fn all_aside(path: &Path) -> Vec<PathBuf> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let start = format!("{}-rusak-", path.file_stem().unwrap_or_default().to_string_lossy());
    let mut out: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|p| p.extension() == path.extension())
        .filter(|p| p.file_name().is_some_and(|n| n.to_string_lossy().starts_with(&start)))
        .collect();
    out.sort();
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn companion_files_are_renamed_too_and_nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        let now = "2026-11-24T07:00:00Z".parse().unwrap();
        for round in ["one", "two"] {
            fs::write(&path, round).unwrap();
            fs::write(beside(&path, "-wal"), round).unwrap();
            let aside = set_aside(&path, now).unwrap();
            assert!(!path.exists() && !beside(&path, "-wal").exists());
            assert_eq!(fs::read_to_string(beside(&aside, "-wal")).unwrap(), round);
        }
        let names: Vec<_> = all_aside(&path).iter().map(|p| fs::read_to_string(p).unwrap()).collect();
        assert_eq!(names, ["two", "one"], "…-1.db sorts before ….db");
    }
}
