//! What outlasts a restart: the seat's state (KLB), and which rules were seen last. Never a customer's name. A file that
//! can't be read holds nothing and is put aside: a broken file must not keep a CSO from work, nor be lost. Two prompters
//! on one seat keep one file, so each writes only what it changed.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, Utc};
use toml::{Table, Value};

use super::{Folders, Unreadable, read, shown_path, write};
use crate::broadcast::Broadcast;
use crate::closing::{Held, Since};
use crate::own_files;
use crate::rules::shape::MAX_FILE;
use crate::seat::{SeatState, Shared};
use crate::words::Words;

/// How long another prompter's writing is waited for. Whoever holds the lock for longer is not writing.
const PATIENCE: Duration = Duration::from_millis(300);

/// What outlasts a restart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SavedState {
    /// The seat's state.
    pub state: SeatState,
    /// The revision that was seen last.
    pub revision: Option<String>,
    /// The SHA-256 of the rules that were seen last.
    pub rules_sha256: Option<String>,
}

impl SavedState {
    /// Of the first run.
    fn first() -> Self {
        Self { state: SeatState { welcome: true, ..SeatState::default() }, ..Self::default() }
    }
}

/// What was wrong with the file.
#[derive(Debug)]
pub enum Trouble {
    /// It could not be read.
    Unreadable(Unreadable),
    /// It is broken, whole or in part; `aside` is where it is now.
    Broken {
        /// Where it was.
        path: PathBuf,
        /// Where it is now, if it could be moved.
        aside: Option<PathBuf>,
    },
}

impl Trouble {
    /// In the user's language.
    #[must_use]
    pub fn told(&self, words: &Words) -> String {
        let w = &words.trouble;
        match self {
            Self::Unreadable(unreadable) => unreadable.told(words),
            Self::Broken { path, aside } => {
                let name = |p: &PathBuf| p.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
                match aside {
                    Some(aside) => w.shift_broken(name(aside), name(path)),
                    None => w.shift_broken_kept(shown_path(path)),
                }
            }
        }
    }
}

/// Reads what was kept. No file, and no folder for one, is no trouble: no file yet is the first run.
#[must_use]
pub fn load(folders: &Folders) -> (SavedState, Option<Trouble>) {
    let Some(path) = folders.shift() else { return (SavedState::default(), None) };
    let bytes = match read(&path) {
        Ok(bytes) => bytes,
        Err(e) if e.error.kind() == ErrorKind::NotFound => {
            return (SavedState::first(), None);
        }
        Err(e) => return (SavedState::default(), Some(Trouble::Unreadable(e))),
    };
    let (shift, whole) = parse(&bytes);
    if whole {
        return (shift, None);
    }
    let aside = path.with_extension("toml.rusak");
    let moved = fs::rename(&path, &aside).is_ok();
    if moved && shift != SavedState::default() {
        // What was good in it must outlast the next crash as well; a failure here is told at the next save.
        let _ = save(folders, &shift);
    }
    (shift, Some(Trouble::Broken { path, aside: moved.then_some(aside) }))
}

/// Keeps the state; without a folder for it, nothing is kept.
///
/// # Errors
/// What the system says.
pub fn save(folders: &Folders, shift: &SavedState) -> io::Result<()> {
    folders.shift().map_or(Ok(()), |path| write(&path, to_toml(shift).as_bytes()))
}

/// What can be read of it, and whether that is all.
fn parse(bytes: &[u8]) -> (SavedState, bool) {
    let table = if bytes.len() > MAX_FILE { None } else { std::str::from_utf8(bytes).ok() };
    // What a full disk leaves behind: it held something once, and nobody knows what.
    let table = table.filter(|text| !text.trim().is_empty());
    let Some(table) = table.and_then(|text| text.parse::<Table>().ok()) else { return (SavedState::default(), false) };
    let mut whole = true;
    let mut text = |key: &str| match table.get(key) {
        None => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(_) => {
            whole = false;
            None
        }
    };
    let (revision, rules_sha256) = (text("revision"), text("rules_sha256"));
    let welcome = match table.get("welcome") {
        Some(Value::Boolean(welcome)) => *welcome,
        // A file from before there was a hint is no first run.
        other => {
            whole &= other.is_none();
            false
        }
    };
    let broadcast = match table.get("broadcast") {
        None => None,
        Some(value) => {
            let read = value.as_table().and_then(Broadcast::from_table);
            whole &= read.is_some();
            read
        }
    };
    let mut held = Vec::new();
    match table.get("held") {
        None => {}
        Some(Value::Array(rows)) => {
            for row in rows {
                match one_held(row) {
                    Some(one) => held.push(one),
                    None => whole = false,
                }
            }
        }
        Some(_) => whole = false,
    }
    (SavedState { state: SeatState { held, broadcast, welcome }, revision, rules_sha256 }, whole)
}

fn one_held(row: &Value) -> Option<Held> {
    let text = |key: &str| row.get(key).and_then(Value::as_str);
    let time = |key: &str| Some(DateTime::parse_from_rfc3339(text(key)?).ok()?.with_timezone(&Utc));
    let (set, confirmed) = (time("set")?, time("confirmed")?);
    Some(Held { fact: text("fact")?.into(), value: text("value")?.into(), since: Since { set, confirmed } })
}

fn to_toml(shift: &SavedState) -> String {
    let mut table = Table::new();
    let mut text = |key: &str, value: &Option<String>| {
        if let Some(value) = value {
            table.insert(key.into(), Value::String(value.clone()));
        }
    };
    text("revision", &shift.revision);
    text("rules_sha256", &shift.rules_sha256);
    let rows = shift.state.held.iter().map(|held| {
        let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        let row = [
            ("fact", held.fact.clone()),
            ("value", held.value.clone()),
            ("set", time(held.since.set)),
            ("confirmed", time(held.since.confirmed)),
        ];
        Value::Table(row.into_iter().map(|(key, value)| (key.to_owned(), Value::String(value))).collect())
    });
    table.insert("held".into(), Value::Array(rows.collect()));
    if shift.state.welcome {
        table.insert("welcome".into(), Value::Boolean(true));
    }
    if let Some(broadcast) = &shift.state.broadcast {
        table.insert("broadcast".into(), Value::Table(broadcast.to_table()));
    }
    table.to_string()
}

/// Keeps one prompter's part of the file.
#[derive(Debug)]
pub struct StateWriter {
    path: Option<PathBuf>,
    /// The prompter's state whose changes are written.
    written: SeatState,
    /// What the prompter was last given of another one's changes.
    shared: Option<SeatState>,
    /// The rules that were seen last, where they are not written yet.
    rules: Option<(String, String)>,
}

impl StateWriter {
    /// Of a prompter that was begun with this state.
    #[must_use]
    pub fn new(folders: &Folders, begun_with: SeatState) -> Self {
        Self { path: folders.shift(), written: begun_with, shared: None, rules: None }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Notes which rules were seen: written with the next state, or by [`Self::save`] of the same one.
    pub fn saw_rules(&mut self, revision: String, sha256: String) {
        self.rules = Some((revision, sha256));
    }

    /// The state that was written last.
    #[must_use]
    pub fn written(&self) -> &SeatState {
        &self.written
    }

    /// Writes what this prompter changed since its last writing, and answers what another one has changed meanwhile.
    ///
    /// # Errors
    /// What the system says; then nothing counts as written.
    pub fn save(&mut self, mine: &SeatState) -> io::Result<Option<Shared>> {
        let Some(path) = self.path.clone() else {
            self.written = mine.clone();
            return Ok(None);
        };
        let _lock = lock(&path);
        let there = Self::there(&path)?;
        let before = there.clone().unwrap_or_default();
        let mut shift = before.clone();
        shift.state = match &there {
            Some(there) => there.state.with_changes(&self.written, mine),
            // Gone or broken: what this prompter has is all there is.
            None => mine.clone(),
        };
        if let Some((revision, sha256)) = &self.rules {
            (shift.revision, shift.rules_sha256) = (Some(revision.clone()), Some(sha256.clone()));
        }
        if there.is_none() || shift != before {
            write(&path, to_toml(&shift).as_bytes())?;
        }
        (self.rules, self.written) = (None, mine.clone());
        Ok(self.share(shift.state))
    }

    /// Looks what another prompter has changed. What can't be read is told where it is written.
    pub fn look(&mut self) -> Option<Shared> {
        let bytes = read(self.path.as_deref()?).ok()?;
        let (shift, whole) = parse(&bytes);
        if whole { self.share(shift.state) } else { None }
    }

    /// What the prompter has to be given; each news once.
    fn share(&mut self, now: SeatState) -> Option<Shared> {
        if now == self.written {
            self.shared = None;
            return None;
        }
        let known = self.written.clone();
        (self.shared.as_ref() != Some(&now)).then(|| {
            self.shared = Some(now.clone());
            Shared { known, now }
        })
    }

    /// What is in the file; `None` where there is nothing, or nothing that can be understood, which is put aside.
    fn there(path: &Path) -> io::Result<Option<SavedState>> {
        let bytes = match read(path) {
            Ok(bytes) => bytes,
            Err(e) if e.error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e.error),
        };
        let (shift, whole) = parse(&bytes);
        if !whole {
            let _ = fs::rename(path, path.with_extension("toml.rusak"));
        }
        Ok(whole.then_some(shift))
    }
}

/// Takes the lock of the file, or goes on without where it can't be had: who writes is never kept from it.
fn lock(path: &Path) -> Option<File> {
    let folder = path.parent()?;
    own_files::make_folder(folder).ok()?;
    own_files::restrict(folder);
    let path = path.with_extension("lock");
    let file = own_files::options().read(true).write(true).create(true).truncate(false).open(path).ok()?;
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Some(file),
            Err(TryLockError::WouldBlock) if start.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Lang;

    fn klb() -> Held {
        let at = |text: &str| text.parse().unwrap();
        let since = Since { set: at("2021-02-01T06:05:00.25Z"), confirmed: at("2021-02-01T18:05:00Z") };
        Held { fact: "klb".into(), value: "ya".into(), since }
    }

    fn shift() -> SavedState {
        let broadcast = Broadcast::read(b"version = 7\nstate = 'on'\nsince = '2021-02-01T06:05:00Z'\nwhy = 'x'");
        SavedState {
            state: SeatState { held: vec![klb()], broadcast: Some(broadcast.unwrap()), welcome: true },
            revision: Some("Rev \"1\"\n".into()),
            rules_sha256: Some("ab".into()),
        }
    }

    fn in_folder(text: Option<&[u8]>) -> (tempfile::TempDir, Folders) {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders { state: Some(folder.path().join("state")), ..Folders::default() };
        if let Some(text) = text {
            write(&folders.shift().unwrap(), text).unwrap();
        }
        (folder, folders)
    }

    #[test]
    fn what_is_saved_comes_back() {
        let (_keep, folders) = in_folder(None);
        assert!(matches!(load(&folders), (s, None) if s == SavedState::first()));
        save(&folders, &shift()).unwrap();
        assert!(matches!(load(&folders), (s, None) if s == shift()));
        save(&folders, &SavedState::default()).unwrap();
        assert!(matches!(load(&folders), (s, None) if s == SavedState::default()));
    }

    #[test]
    fn a_broken_file_holds_nothing_and_is_put_aside() {
        for broken in
            [&b"\xff\xfe"[..], b"", b" \n", b"held = ", b"held = 3", b"revision = 1", &vec![b' '; MAX_FILE + 1]]
        {
            let (_keep, folders) = in_folder(Some(broken));
            let (held, trouble) = load(&folders);
            assert_eq!(held, SavedState::default());
            let told = trouble.unwrap().told(Lang::Id.words());
            assert!(told.contains("shift.toml.rusak"), "{told}");
            let path = folders.shift().unwrap();
            assert!(!path.exists());
            assert_eq!(fs::read(path.with_extension("toml.rusak")).unwrap(), broken);
        }
    }

    #[test]
    fn what_is_good_in_a_broken_file_is_kept() {
        let good = to_toml(&shift());
        let (_keep, folders) = in_folder(Some(format!("{good}\n[[held]]\nfact = \"x\"\n").as_bytes()));
        let (held, trouble) = load(&folders);
        assert_eq!(held, shift());
        assert!(matches!(trouble, Some(Trouble::Broken { aside: Some(_), .. })));
        assert!(matches!(load(&folders), (s, None) if s == shift()));
    }

    #[test]
    fn keys_of_a_newer_program_are_no_trouble() {
        let (_keep, folders) = in_folder(Some(b"later = [1]\nrevision = \"Rev-1\"\n"));
        let (held, trouble) = load(&folders);
        assert!(trouble.is_none());
        assert_eq!(held.revision.as_deref(), Some("Rev-1"));
    }

    #[test]
    fn without_a_folder_nothing_is_kept() {
        assert!(save(&Folders::default(), &shift()).is_ok());
        assert!(matches!(load(&Folders::default()), (s, None) if s == SavedState::default()));
    }

    /// A prompter's keeper as it begins.
    fn begun(folders: &Folders) -> (StateWriter, SeatState) {
        let state = load(folders).0.state;
        (StateWriter::new(folders, state.clone()), state)
    }

    #[test]
    fn two_prompters_keep_both_changes_and_each_learns_the_others() {
        let (_keep, folders) = in_folder(None);
        let ((mut one, first), (mut two, second)) = (begun(&folders), begun(&folders));
        let with_klb = SeatState { held: vec![klb()], ..first };
        assert_eq!(one.save(&with_klb).unwrap(), None);
        let dismissed = SeatState { welcome: false, ..second };
        let both = SeatState { welcome: false, ..with_klb.clone() };
        let shared = two.save(&dismissed).unwrap();
        assert_eq!(shared, Some(Shared { known: dismissed, now: both.clone() }));
        assert_eq!(load(&folders).0.state, both, "KLB is there after a crash of either");
        assert_eq!(one.look(), Some(Shared { known: with_klb, now: both.clone() }));
        assert_eq!(one.look(), None, "each news once");
        // Both have it now; whoever switches it off switches it off.
        assert_eq!((one.save(&both).unwrap(), two.save(&both).unwrap()), (None, None));
        let off = SeatState { held: vec![], ..both };
        assert_eq!(two.save(&off).unwrap(), None);
        assert_eq!(one.look().unwrap().now, off);
        assert_eq!(load(&folders).0.state, off);
    }

    #[test]
    fn what_could_not_be_written_is_written_with_the_next_state() {
        let (keep, folders) = in_folder(None);
        let blocked = keep.path().join("state");
        fs::write(&blocked, "no folder").unwrap();
        let mut keeper = StateWriter::new(&folders, SeatState::default());
        let state = SeatState { held: vec![klb()], ..SeatState::default() };
        assert!(keeper.save(&state).is_err());
        fs::remove_file(&blocked).unwrap();
        keeper.saw_rules("Rev-1".into(), "ab".into());
        assert_eq!(keeper.save(&state).unwrap(), None);
        let (shift, _) = load(&folders);
        assert_eq!((shift.state, shift.revision.as_deref()), (state, Some("Rev-1")));
    }

    #[test]
    fn a_lock_that_somebody_holds_keeps_nobody_from_writing() {
        let (_keep, folders) = in_folder(Some(b"held = []"));
        let path = folders.shift().unwrap().with_extension("lock");
        let held = File::create(&path).unwrap();
        held.lock().unwrap();
        let mut keeper = StateWriter::new(&folders, SeatState::default());
        let state = SeatState { held: vec![klb()], ..SeatState::default() };
        assert_eq!(keeper.save(&state).unwrap(), None);
        assert_eq!(load(&folders).0.state, state);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_the_state() {
        use std::os::unix::fs::PermissionsExt as _;

        let (_keep, folders) = in_folder(None);
        StateWriter::new(&folders, SeatState::default()).save(&SeatState::default()).unwrap();
        let path = folders.shift().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(
            (mode(&path), mode(&path.with_extension("lock")), mode(path.parent().unwrap())),
            (0o600, 0o600, 0o700)
        );
    }
}
