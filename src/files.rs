//! Files on disk except the journal: bounded reads, atomic writes, loading the rules in use and the last good copy of
//! them. What a file means is decided in `rules` and `settings`; how problems are worded, in `diagnostics`.

pub mod broadcast;
pub mod deadline;
pub mod held;
pub mod log;
pub mod practice;
pub mod saved_state;
pub mod settings;

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::NaiveDate;

use crate::diagnostics::outside;

use crate::diagnostics::source::clean_path;
use crate::diagnostics::{self, Source};
use crate::loaded::{LoadedRules, Origin, Refused};
use crate::rules::Problem;
use crate::rules::limits::MAX_FILE;
use crate::words::Words;
use penutup_system::error::NoFile;

pub use deadline::Pending;
pub use penutup_system::folders::{Chosen, Folders, Why};
pub use penutup_system::own_files::make_folder;

/// How long a named file may delay the first screen.
pub const PATIENCE: Duration = Duration::from_millis(250);
/// How long its fallback copy may.
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
        // Checked before opening, because opening a pipe waits for its writer, and after, because it may have changed.
        regular(&fs::metadata(path)?)?;
        let file = penutup_system::own_files::open_at_once(path)?;
        regular(&file.metadata()?)?;
        let mut out = Vec::new();
        file.take(MAX_FILE as u64 + 1).read_to_end(&mut out)?;
        Ok(out)
    };
    // Another program's lease on the file causes "would block" until that program releases it.
    let in_the_way = |e: &io::Error| penutup_system::error::is_held(e) || e.kind() == ErrorKind::WouldBlock;
    held::retry_while_locked(in_the_way, &mut read).map_err(|error| Unreadable { path: path.into(), error })
}

fn regular(about: &fs::Metadata) -> io::Result<()> {
    if about.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    if about.is_file() { Ok(()) } else { Err(io::Error::other(NoFile)) }
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
    held::replace(file, path)?;
    // Sync the folder so that the new name survives a crash too. Not every system can; the file's content is safe.
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// Why rules can't be used.
#[derive(Debug)]
pub enum Bad {
    Unreadable(Unreadable),
    Refused { path: PathBuf, refused: Refused },
}

impl Bad {
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

/// Reads and checks the rules in use. `effective_from` is compared with `today`.
///
/// # Errors
/// Why they can't be used.
pub fn load_rules(chosen: &Chosen, today: NaiveDate) -> Result<LoadedRules, Bad> {
    chosen.path.as_deref().map_or_else(|| Ok(LoadedRules::built_in()), |path| load_file(path, today))
}

/// Reads and checks a rules file.
///
/// # Errors
/// Why it can't be used.
pub fn load_file(path: &Path, today: NaiveDate) -> Result<LoadedRules, Bad> {
    prove(read(path).map_err(Bad::Unreadable)?, path, today)
}

/// Checks the bytes of a rules file.
///
/// # Errors
/// Why they can't be used.
pub fn prove(source: Vec<u8>, path: &Path, today: NaiveDate) -> Result<LoadedRules, Bad> {
    LoadedRules::read(source, Origin::File(path.into()), today)
        .map_err(|refused| Bad::Refused { path: path.into(), refused })
}

/// The prompter's rules, and what is wrong with the requested ones.
#[derive(Debug)]
pub struct Ready {
    /// The rules to run on.
    pub loaded: LoadedRules,
    /// Why they are not the requested ones.
    pub bad: Option<Bad>,
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
pub fn load_in_force(chosen: &Chosen, folders: &Folders, today: NaiveDate) -> Result<Ready, Bad> {
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
    let result = bytes.map_err(Bad::Unreadable).and_then(|source| prove(source, &path, today));
    (chosen, ready(result, folders, today))
}

fn ready(result: Result<LoadedRules, Bad>, folders: &Folders, today: NaiveDate) -> Ready {
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
        fs::write(&path, "schema = 1").unwrap();
        let looked_at = fs::metadata(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        assert!(regular(&looked_at).is_ok());
        let opened = penutup_system::own_files::open_at_once(&path).and_then(|file| regular(&file.metadata()?));
        let why = outside::reason(&opened.unwrap_err(), Lang::Id.words());
        assert_eq!(why, "ini bukan berkas biasa");
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
    fn a_write_replaces_the_whole_file_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/file");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        assert!(write(folder.path(), b"x").is_err());
    }

    #[test]
    fn a_bad_file_leads_to_the_last_good_copy_and_then_to_the_embedded_rules() {
        let folder = tempfile::tempdir().unwrap();
        let folders = folders(folder.path());
        let path = folder.path().join("rules.toml");
        let chosen = Chosen { path: Some(path.clone()), why: Why::Flag };

        let ready = always(&chosen, &folders);
        assert_eq!(ready.loaded.origin, Origin::BuiltIn);
        assert!(matches!(ready.bad, Some(Bad::Unreadable(_))));

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
