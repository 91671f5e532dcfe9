//! The settings file in use, read with a deadline, with the last settings without mistakes as a fallback. What they
//! mean is decided in `settings`.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{COPY_PATIENCE, Chosen, FileError, Folders, Unreadable, Why, deadline, read, shown_path, write};
use crate::loaded::Refused;
use crate::rules::Problem;
use crate::settings::{self, Settings};

/// The settings in use.
#[derive(Debug)]
pub struct Loaded {
    pub file: Chosen,
    /// The values in force: everything readable, and the last good settings for the rest.
    pub settings: Settings,
    /// Why the file could not be read completely.
    pub bad: Option<FileError>,
    /// The file and line that name the journal's file, if any.
    pub journal_at: Option<String>,
}

/// Loads the first named file, otherwise the one in the settings folder. Nothing here waits longer than `patience`.
pub fn load(named: [(Why, Option<PathBuf>); 2], folders: &Folders, patience: Duration) -> Loaded {
    let is_named = named.iter().any(|(_, path)| path.is_some());
    let (own, late_file) = (folders.settings(), named.clone());
    let (looked_for, copies) = (own.clone(), folders.clone());
    let load = move || {
        let file = Chosen::first(named, looked_for.map(|path| (Why::Folder, path)));
        let bytes = file.path.as_deref().map(read);
        let is_broken = |bytes: &[u8]| !settings::read(bytes, Path::new("")).1.is_empty();
        // The copy is needed only if something is wrong.
        let needed = bytes.as_ref().is_some_and(|read| read.as_ref().map_or(true, |bytes| is_broken(bytes)));
        let copy = file.path.as_deref().filter(|_| needed).and_then(|path| last_good(&copies, path));
        (file, bytes, copy)
    };
    let (file, bytes, copy) = deadline::within(patience, load).unwrap_or_else(|| {
        let file = match Chosen::first(late_file, []) {
            Chosen { path: None, .. } => Chosen { path: own, why: Why::Folder },
            named => named,
        };
        let path = file.path.clone().unwrap_or_default();
        let late = Unreadable { path: path.clone(), error: ErrorKind::TimedOut.into() };
        // The copy is usually not on a share that hangs; if it is, it has a deadline too.
        let folders = folders.clone();
        let copy = deadline::within(COPY_PATIENCE, move || last_good(&folders, &path)).flatten();
        (file, Some(Err(late)), copy)
    });
    debug_assert!(!is_named || file.path.is_some(), "a named settings file must have a path");
    read_from(file, bytes, copy.as_deref())
}

fn read_from(file: Chosen, bytes: Option<Result<Vec<u8>, Unreadable>>, copy: Option<&[u8]>) -> Loaded {
    let folder = file.path.as_deref().and_then(Path::parent).unwrap_or(Path::new("")).to_owned();
    let (source, mut bad) = match bytes {
        None => return Loaded { file, settings: Settings::default(), bad: None, journal_at: None },
        Some(Ok(source)) => (source, None),
        Some(Err(unreadable)) => (Vec::new(), Some(FileError::Unreadable(unreadable))),
    };
    let settings = if bad.is_some() {
        settings::read(copy.unwrap_or_default(), &folder).0
    } else {
        let (settings, problems) = settings::read_with(&source, copy, &folder);
        bad = refused(&file, &source, problems);
        settings
    };
    let journal_at = settings.journal.path.as_ref().map(|_| {
        let name = file.path.as_deref().and_then(Path::file_name).map(|n| shown_path(Path::new(n)));
        let name = name.unwrap_or_default();
        settings::line_of_journal_path(&source).map_or_else(|| name.clone(), |line| format!("{name}:{line}"))
    });
    Loaded { file, settings, bad, journal_at }
}

fn refused(file: &Chosen, source: &[u8], problems: Vec<Problem>) -> Option<FileError> {
    let path = file.path.clone().unwrap_or_default();
    let refused = Refused { source: source.to_vec(), problems };
    (!refused.problems.is_empty()).then_some(FileError::Refused { path, refused })
}

/// Reads the file again, without a deadline.
pub fn reload(path: &Path, folders: &Folders) -> (Settings, Option<FileError>) {
    let file = Chosen { path: Some(path.to_owned()), why: Why::Folder };
    let bytes = read(path);
    let copy = last_good(folders, path);
    if let Ok(source) = &bytes
        && settings::read(source, Path::new("")).1.is_empty()
    {
        // A failure to save is reported when the state can't be saved either.
        let _ = save_last_good(folders, path, source);
    }
    let Loaded { settings, bad, .. } = read_from(file, Some(bytes), copy.as_deref());
    (settings, bad)
}

/// The first line of a copy: the path of its original. Relative paths in the copy start at that file's folder.
fn heading(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    format!("# {}\n", shown_path(&path))
}

/// Saves a copy of settings without mistakes.
///
/// # Errors
/// The I/O error.
fn save_last_good(folders: &Folders, path: &Path, source: &[u8]) -> std::io::Result<()> {
    let Some(copy) = folders.last_good_settings() else { return Ok(()) };
    let text = [heading(path).as_bytes(), source].concat();
    if read(&copy).is_ok_and(|there| there == text) {
        return Ok(());
    }
    write(&copy, &text)
}

/// The copy of this file, if there is one.
fn last_good(folders: &Folders, path: &Path) -> Option<Vec<u8>> {
    let copy = read(&folders.last_good_settings()?).ok()?;
    copy.strip_prefix(heading(path).as_bytes()).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn load_file(path: &Path, folders: &Folders) -> Loaded {
        load([(Why::Flag, Some(path.to_owned())), (Why::Env, None)], folders, Duration::from_secs(60))
    }

    #[test]
    fn the_last_good_settings_replace_unreadable_ones_of_the_same_file_only() {
        let place = tempfile::tempdir().unwrap();
        let folders = Folders::below(place.path());
        let (path, other) = (place.path().join("settings.toml"), place.path().join("other.toml"));
        fs::write(&path, "seat = '07'\nrules = 'r.toml'\n").unwrap();
        let good = load_file(&path, &folders);
        assert!(good.bad.is_none());
        assert_eq!(reload(&path, &folders).0, good.settings);

        let broken = "seat = '07\nrules = 'r.toml'\n";
        fs::write(&path, broken).unwrap();
        let loaded = load_file(&path, &folders);
        assert_eq!((loaded.settings, loaded.bad.is_some()), (good.settings.clone(), true));
        fs::write(&other, broken).unwrap();
        let loaded = load_file(&other, &folders);
        assert_eq!((loaded.settings.seat, loaded.settings.rules), (None, Some(place.path().join("r.toml"))));
        // If the file is gone, the copy supplies all of them.
        fs::remove_file(&path).unwrap();
        assert_eq!(load_file(&path, &folders).settings, good.settings);
    }

    #[test]
    fn the_setting_that_names_the_journal_is_located() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("settings.toml");
        fs::write(&path, "\n[journal]\npath = 'rules.toml'\n").unwrap();
        let loaded = load_file(&path, &Folders::default());
        assert_eq!(loaded.journal_at.as_deref(), Some("settings.toml:3"));
        fs::write(&path, "\n[journal]\ndays = 7\n").unwrap();
        assert_eq!(load_file(&path, &Folders::default()).journal_at, None);
    }
}
