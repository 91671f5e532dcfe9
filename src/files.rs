//! Everything on disk but the journal: reading with bounds, writing whole or not at all, the rules in use, the last good
//! copy of them. What a file means is decided in `rules` and `settings`; which word tells it, in `tell`.

pub mod broadcast;
pub mod deadline;
pub mod folders;
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

use crate::book::{Book, Origin, Refused};
use crate::diagnostics::outside::{self, NoFile};
use crate::diagnostics::source::clean_path;
use crate::diagnostics::{self, Source};
use crate::rules::Problem;
use crate::rules::shape::MAX_FILE;
use crate::words::Words;

pub use crate::own_files::make_folder;
pub use deadline::Pending;
pub use folders::{Chosen, Folders, Why};

/// How long a file that somebody names may keep a CSO waiting for the first screen.
pub const PATIENCE: Duration = Duration::from_millis(250);
/// How long the copy may that stands in for it.
pub const COPY_PATIENCE: Duration = Duration::from_millis(150);

/// A file that could not be read.
#[derive(Debug)]
pub struct Unreadable {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub error: io::Error,
}

impl Unreadable {
    /// In the user's language, the path named.
    #[must_use]
    pub fn told(&self, words: &Words) -> String {
        let why = outside::reason(&self.error, words);
        words.trouble.cannot_read(shown_path(&self.path), &why)
    }
}

/// A path fit for a terminal.
#[must_use]
pub fn shown_path(path: &Path) -> String {
    clean_path(&path.to_string_lossy())
}

/// Reads a file, but never more than one byte over [`MAX_FILE`], so that the reader sees that it is too large. Never
/// waits for a pipe or a device.
///
/// # Errors
/// What the system says; for what is no file, the same kind of error.
pub fn read(path: &Path) -> Result<Vec<u8>, Unreadable> {
    let mut read = || -> io::Result<Vec<u8>> {
        // Looked at before it is opened, for opening a pipe waits for its writer, and after, for it may have changed.
        regular(&fs::metadata(path)?)?;
        let file = crate::own_files::open_at_once(path)?;
        regular(&file.metadata()?)?;
        let mut out = Vec::new();
        file.take(MAX_FILE as u64 + 1).read_to_end(&mut out)?;
        Ok(out)
    };
    // A lease that another program has on the file is "would block", for as long as it takes to give it back.
    let in_the_way = |e: &io::Error| outside::is_held(e) || e.kind() == ErrorKind::WouldBlock;
    held::patiently(in_the_way, &mut read).map_err(|error| Unreadable { path: path.into(), error })
}

fn regular(about: &fs::Metadata) -> io::Result<()> {
    if about.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    if about.is_file() { Ok(()) } else { Err(io::Error::other(NoFile)) }
}

/// Writes a file whole or not at all: a reader sees the old one or the new one, also after a crash.
///
/// # Errors
/// What the system says.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_folder(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    held::replace(file, path)?;
    // The new name must outlast a crash too. Not every system can do this for a folder; the file itself is safe.
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// Rules that can't be used, and why.
#[derive(Debug)]
pub enum Bad {
    /// The file could not be read.
    Unreadable(Unreadable),
    /// The file has errors.
    Refused {
        /// Which.
        path: PathBuf,
        /// Its bytes and problems.
        refused: Refused,
    },
}

impl Bad {
    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Unreadable(unreadable) => &unreadable.path,
            Self::Refused { path, .. } => path,
        }
    }

    /// The file by its name, the line where there is one, and why.
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

    /// "rules.toml:12: why", or "rules.toml: why" where the file could not be read.
    #[must_use]
    pub fn place_and_why(&self, words: &Words) -> String {
        match self.parts(words) {
            (file, Some(line), why) => format!("{file}:{line}: {why}"),
            (file, None, why) => format!("{file}: {why}"),
        }
    }

    /// One line for the prompter's notice row, of a rules file.
    #[must_use]
    pub fn notice(&self, words: &Words) -> String {
        match self.parts(words) {
            (file, Some(line), why) => words.notice.rules_bad(&file, line, &why),
            (file, None, _) if self.is_late() => words.notice.rules_waited_for(&file),
            (file, None, why) => words.notice.rules_unreadable(&file, &why),
        }
    }

    /// Whether the file did not answer in time, so that it may still come.
    #[must_use]
    pub fn is_late(&self) -> bool {
        matches!(self, Self::Unreadable(unreadable) if unreadable.error.kind() == ErrorKind::TimedOut)
    }

    /// The problems and the source they lie in, where the file could be read.
    #[must_use]
    pub fn problems(&self) -> Option<(&[Problem], &[u8])> {
        match self {
            Self::Unreadable(_) => None,
            Self::Refused { refused, .. } => Some((&refused.problems, &refused.source)),
        }
    }
}

/// Reads and checks the rules in use. `today` is the day against which `effective_from` is held.
///
/// # Errors
/// Why they can't be used.
pub fn load_rules(chosen: &Chosen, today: NaiveDate) -> Result<Book, Bad> {
    chosen.path.as_deref().map_or_else(|| Ok(Book::built_in()), |path| load_file(path, today))
}

/// Reads and checks a rules file.
///
/// # Errors
/// Why it can't be used.
pub fn load_file(path: &Path, today: NaiveDate) -> Result<Book, Bad> {
    prove(read(path).map_err(Bad::Unreadable)?, path, today)
}

/// Checks the bytes of a rules file.
///
/// # Errors
/// Why they can't be used.
pub fn prove(source: Vec<u8>, path: &Path, today: NaiveDate) -> Result<Book, Bad> {
    Book::read(source, Origin::File(path.into()), today).map_err(|refused| Bad::Refused { path: path.into(), refused })
}

/// Rules for the prompter, and what is wrong with those that were asked for.
#[derive(Debug)]
pub struct Ready {
    /// The rules to run on.
    pub book: Book,
    /// Why they are not those that were asked for.
    pub bad: Option<Bad>,
    /// Those that were asked for, where their first day is still to come.
    pub waiting: Option<Book>,
}

impl Ready {
    /// `book`, or what ran before it where its first day is still to come.
    fn new(book: Book, folders: &Folders, today: NaiveDate) -> Self {
        if book.is_in_force(today) {
            return Self { book, bad: None, waiting: None };
        }
        Self { book: before(folders, today), bad: None, waiting: Some(book) }
    }
}

/// What is in force without the file that was asked for: the last good copy, else the embedded rules.
#[must_use]
pub fn before(folders: &Folders, today: NaiveDate) -> Book {
    let folders = folders.clone();
    let copy = deadline::within(COPY_PATIENCE, move || load_last_good(&folders, today)).flatten();
    copy.filter(|copy| copy.is_in_force(today)).unwrap_or_else(Book::built_in)
}

/// The rules in force today. A file that is named on the command line is meant as it is, also before its first day.
///
/// # Errors
/// Why they can't be used.
pub fn load_in_force(chosen: &Chosen, folders: &Folders, today: NaiveDate) -> Result<Ready, Bad> {
    let book = load_rules(chosen, today)?;
    if chosen.why == Why::Flag {
        return Ok(Ready { book, bad: None, waiting: None });
    }
    Ok(Ready::new(book, folders, today))
}

/// A file that was looked for, and its bytes where it is one.
type Found = (Chosen, Option<Result<Vec<u8>, Unreadable>>);

/// The rules file in use and its bytes, being looked for and read.
#[derive(Debug)]
pub struct Reading {
    found: Pending<Found>,
    /// The file in use where nothing answers in time.
    else_chosen: Chosen,
}

/// Begins to look for the rules in use and to read them, in a thread of its own: a share that hangs must not hold the
/// screen.
#[must_use]
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

/// The rules in use, else the last good copy of them, else the embedded ones: a CSO always has a script. A file that
/// does not answer in time is not waited for; whoever watches it takes it when it comes.
#[must_use]
pub fn always(reading: Reading, folders: &Folders, today: NaiveDate, until: Instant) -> (Chosen, Ready) {
    let (chosen, bytes) = reading.found.by(until).unwrap_or_else(|| {
        let path = reading.else_chosen.path.clone();
        let late = path.map(|path| Err(Unreadable { path, error: ErrorKind::TimedOut.into() }));
        (reading.else_chosen, late)
    });
    let (Some(path), Some(bytes)) = (chosen.path.clone(), bytes) else {
        return (chosen, Ready { book: Book::built_in(), bad: None, waiting: None });
    };
    let loaded = bytes.map_err(Bad::Unreadable).and_then(|source| prove(source, &path, today));
    (chosen, ready(loaded, folders, today))
}

fn ready(loaded: Result<Book, Bad>, folders: &Folders, today: NaiveDate) -> Ready {
    match loaded {
        Ok(book) => Ready::new(book, folders, today),
        Err(bad) => Ready { book: before(folders, today), bad: Some(bad), waiting: None },
    }
}

/// Keeps a copy of rules from a file as the last good ones. Others, and a copy that is there already, are not written.
///
/// # Errors
/// What the system says.
pub fn save_last_good(folders: &Folders, book: &Book) -> io::Result<()> {
    let (Some(path), Origin::File(_)) = (folders.last_good(), &book.origin) else { return Ok(()) };
    if read(&path).is_ok_and(|there| there == book.source) {
        return Ok(());
    }
    write(&path, &book.source)
}

/// The last good copy, where there is one and it is still good.
#[must_use]
pub fn load_last_good(folders: &Folders, today: NaiveDate) -> Option<Book> {
    let path = folders.last_good()?;
    let source = read(&path).ok()?;
    Book::read(source, Origin::LastGood(path), today).ok()
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
    fn no_more_than_one_byte_over_the_limit_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("huge");
        File::create(&path).unwrap().set_len(1 << 32).unwrap();
        assert_eq!(read(&path).unwrap().len(), MAX_FILE + 1);
    }

    #[test]
    fn what_is_no_file_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let words = Lang::Id.words();
        let told = read(folder.path()).unwrap_err().told(words);
        assert!(told.contains("ini folder, bukan berkas") && told.contains(&shown_path(folder.path())), "{told}");
        let told = read(&folder.path().join("none")).unwrap_err().told(words);
        assert!(told.ends_with("berkas atau folder ini tidak ada"), "{told}");
        #[cfg(unix)]
        {
            let told = read(Path::new("/dev/null")).unwrap_err().told(words);
            assert!(told.ends_with("ini bukan berkas biasa"), "{told}");
        }
    }

    /// Between the look at the path and its opening something else may have come there.
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
        let opened = crate::own_files::open_at_once(&path).and_then(|file| regular(&file.metadata()?));
        let why = outside::reason(&opened.unwrap_err(), Lang::Id.words());
        assert_eq!(why, "ini bukan berkas biasa");
    }

    #[test]
    fn rules_that_come_too_late_are_waited_for_no_longer() {
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
        assert_eq!(ready.book.origin, Origin::BuiltIn);
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
        assert_eq!(ready.book.origin, Origin::BuiltIn);
        assert!(matches!(ready.bad, Some(Bad::Unreadable(_))));

        fs::write(&path, BUILT_IN.replace("Rev-1", "Rev-2")).unwrap();
        let ready = always(&chosen, &folders);
        assert!(ready.bad.is_none());
        save_last_good(&folders, &ready.book).unwrap();

        fs::write(&path, "schema = 1\nrusak").unwrap();
        let ready = always(&chosen, &folders);
        assert_eq!(ready.book.origin, Origin::LastGood(folders.last_good().unwrap()));
        assert_eq!(ready.book.rules.sop.revision, "Rev-2");
        let line = ready.bad.unwrap().notice(Lang::Id.words());
        assert!(line.contains("rules.toml:2: "), "{line}");
    }

    #[test]
    fn only_rules_from_a_file_become_the_last_good_copy() {
        let folder = tempfile::tempdir().unwrap();
        let folders = folders(folder.path());
        save_last_good(&folders, &Book::built_in()).unwrap();
        assert!(load_last_good(&folders, TODAY).is_none());
        assert!(save_last_good(&Folders::default(), &Book::built_in()).is_ok());
    }
}
