//! Files on disk except the journal: loading the rules in use and the last good copy of them, and what else the prompter
//! keeps. Reading and writing with their bounds and deadlines are the kit's.

pub mod broadcast;
pub mod hotkey_owner;
pub mod practice;
pub mod saved_state;

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::NaiveDate;

use crate::loaded::{LoadedRules, Origin};

pub use penutup_cli_kit::files::{
    COPY_PATIENCE, Chosen, FileError, Folders, Pending, Unreadable, Why, deadline, declaration_in, locked_files, log,
    make_folder, read, settings, shown_path, write,
};

/// How long a named file may delay the first screen.
pub const PATIENCE: Duration = Duration::from_millis(250);

/// Reads and checks the rules in use. `effective_from` is compared with `today`.
///
/// # Errors
/// Why they can't be used.
pub fn load_rules(chosen: &Chosen, today: NaiveDate) -> Result<LoadedRules, FileError> {
    chosen.path.as_deref().map_or_else(|| Ok(LoadedRules::built_in()), |path| load_file(path, today))
}

/// Reads and checks a rules file.
///
/// # Errors
/// Why it can't be used.
pub fn load_file(path: &Path, today: NaiveDate) -> Result<LoadedRules, FileError> {
    prove(read(path).map_err(FileError::Unreadable)?, path, today)
}

/// Checks the bytes of a rules file.
///
/// # Errors
/// Why they can't be used.
pub fn prove(source: Vec<u8>, path: &Path, today: NaiveDate) -> Result<LoadedRules, FileError> {
    LoadedRules::read(source, Origin::File(path.into()), today)
        .map_err(|refused| FileError::Refused { path: path.into(), refused })
}

/// The prompter's rules, and what is wrong with the requested ones.
#[derive(Debug)]
pub struct Ready {
    /// The rules to run on.
    pub loaded: LoadedRules,
    /// Why they are not the requested ones.
    pub bad: Option<FileError>,
    /// The requested rules, if their first day is in the future.
    pub waiting: Option<LoadedRules>,
}

impl Ready {
    /// `loaded`, or the rules in force before it if its first day is in the future.
    fn new(loaded: LoadedRules, folders: &Folders, today: NaiveDate) -> Self {
        if loaded.is_in_force(today) {
            return Self { loaded, bad: None, waiting: None };
        }
        Self { loaded: before(folders, today), bad: None, waiting: Some(loaded) }
    }
}

/// The fallback without the requested file: the last good copy, otherwise the embedded rules.
pub fn before(folders: &Folders, today: NaiveDate) -> LoadedRules {
    let folders = folders.clone();
    let copy = deadline::within(COPY_PATIENCE, move || load_last_good(&folders, today)).flatten();
    copy.filter(|copy| copy.is_in_force(today)).unwrap_or_else(LoadedRules::built_in)
}

/// The rules in force today. A file named on the command line is used even before its first day.
///
/// # Errors
/// Why they can't be used.
pub fn load_in_force(chosen: &Chosen, folders: &Folders, today: NaiveDate) -> Result<Ready, FileError> {
    let loaded = load_rules(chosen, today)?;
    if chosen.why == Why::Flag {
        return Ok(Ready { loaded, bad: None, waiting: None });
    }
    Ok(Ready::new(loaded, folders, today))
}

/// A located file, and its content if it is one.
type Found = (Chosen, Option<Result<Vec<u8>, Unreadable>>);

/// A pending search for the rules file in use and its content.
#[derive(Debug)]
pub struct Reading {
    found: Pending<Found>,
    /// The file in use if the search times out.
    else_chosen: Chosen,
}

/// Starts to locate and read the rules in use in a thread of its own: a hanging share must not block the screen.
pub fn begin_reading(named: [(Why, Option<PathBuf>); 3], folders: Folders) -> Reading {
    let own = folders.rules();
    let else_chosen = match Chosen::first(named.clone(), []) {
        Chosen { path: None, .. } => Chosen { path: own, why: Why::Folder },
        named => named,
    };
    let found = deadline::begin(move || {
        let chosen = Chosen::first(named, folders.rules_looked_for());
        let bytes = chosen.path.as_deref().map(read);
        (chosen, bytes)
    });
    Reading { found, else_chosen }
}

/// The rules in use, otherwise the last good copy of them, otherwise the embedded ones: a CSO always has a script. A
/// file that times out is not waited for; its watcher loads it when it arrives.
pub fn always(reading: Reading, folders: &Folders, today: NaiveDate, until: Instant) -> (Chosen, Ready) {
    let (chosen, bytes) = reading.found.by(until).unwrap_or_else(|| {
        let path = reading.else_chosen.path.clone();
        let late = path.map(|path| Err(Unreadable { path, error: ErrorKind::TimedOut.into() }));
        (reading.else_chosen, late)
    });
    let (Some(path), Some(bytes)) = (chosen.path.clone(), bytes) else {
        return (chosen, Ready { loaded: LoadedRules::built_in(), bad: None, waiting: None });
    };
    let result = bytes.map_err(FileError::Unreadable).and_then(|source| prove(source, &path, today));
    (chosen, ready(result, folders, today))
}

fn ready(result: Result<LoadedRules, FileError>, folders: &Folders, today: NaiveDate) -> Ready {
    match result {
        Ok(loaded) => Ready::new(loaded, folders, today),
        Err(bad) => Ready { loaded: before(folders, today), bad: Some(bad), waiting: None },
    }
}

/// Saves rules from a file as the last good copy. Embedded rules, and a copy that is already saved, are not written.
///
/// # Errors
/// The I/O error.
pub fn save_last_good(folders: &Folders, loaded: &LoadedRules) -> io::Result<()> {
    let (Some(path), Origin::File(_)) = (folders.last_good(), &loaded.origin) else { return Ok(()) };
    if read(&path).is_ok_and(|there| there == loaded.source) {
        return Ok(());
    }
    write(&path, &loaded.source)
}

/// The last good copy, if there is one and it still passes the checks.
pub fn load_last_good(folders: &Folders, today: NaiveDate) -> Option<LoadedRules> {
    let path = folders.last_good()?;
    let source = read(&path).ok()?;
    LoadedRules::read(source, Origin::LastGood(path), today).ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::rules::BUILT_IN;
    use crate::words::Lang;

    const TODAY: NaiveDate = NaiveDate::MAX;

    fn always(chosen: &Chosen, folders: &Folders) -> Ready {
        let named = [(chosen.why, chosen.path.clone()), (Why::Env, None), (Why::Settings, None)];
        let until = Instant::now() + Duration::from_secs(60);
        super::always(begin_reading(named, folders.clone()), folders, TODAY, until).1
    }

    fn folders(at: &Path) -> Folders {
        Folders { config: Some(at.join("c")), state: Some(at.join("s/deep")), ..Folders::default() }
    }

    #[test]
    fn rules_that_miss_the_deadline_are_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rules.toml");
        let (let_go, hang) = std::sync::mpsc::channel::<()>();
        let chosen = Chosen { path: Some(path), why: Why::Flag };
        let read = chosen.clone();
        let found = deadline::begin(move || {
            let _ = hang.recv();
            (read, Some(Ok(BUILT_IN.into())))
        });
        let reading = Reading { found, else_chosen: chosen.clone() };
        let (used, ready) = super::always(reading, &folders(folder.path()), TODAY, Instant::now());
        assert_eq!(used, chosen);
        assert_eq!(ready.loaded.origin, Origin::BuiltIn);
        let line = ready.bad.unwrap().notice(Lang::Id.words());
        assert!(line.contains("Menunggu") && line.contains("rules.toml"), "{line}");
        drop(let_go);
    }

    #[test]
    fn a_bad_file_leads_to_the_last_good_copy_and_then_to_the_embedded_rules() {
        let folder = tempfile::tempdir().unwrap();
        let folders = folders(folder.path());
        let path = folder.path().join("rules.toml");
        let chosen = Chosen { path: Some(path.clone()), why: Why::Flag };

        let ready = always(&chosen, &folders);
        assert_eq!(ready.loaded.origin, Origin::BuiltIn);
        assert!(matches!(ready.bad, Some(FileError::Unreadable(_))));

        fs::write(&path, BUILT_IN.replace("Rev-1", "Rev-2")).unwrap();
        let ready = always(&chosen, &folders);
        assert!(ready.bad.is_none());
        save_last_good(&folders, &ready.loaded).unwrap();

        fs::write(&path, "schema = 1\nrusak").unwrap();
        let ready = always(&chosen, &folders);
        assert_eq!(ready.loaded.origin, Origin::LastGood(folders.last_good().unwrap()));
        assert_eq!(ready.loaded.rules.sop.revision, "Rev-2");
        let line = ready.bad.unwrap().notice(Lang::Id.words());
        assert!(line.contains("rules.toml:2: "), "{line}");
    }

    #[test]
    fn only_rules_from_a_file_become_the_last_good_copy() {
        let folder = tempfile::tempdir().unwrap();
        let folders = folders(folder.path());
        save_last_good(&folders, &LoadedRules::built_in()).unwrap();
        assert!(load_last_good(&folders, TODAY).is_none());
        assert!(save_last_good(&Folders::default(), &LoadedRules::built_in()).is_ok());
    }
}
