//! The state that survives a restart: the seat's facts (KLB), and which rules were seen last. Never a customer's name.
//! An unreadable file counts as empty and is set aside: a broken file must not keep a CSO from work, nor be lost. Two
//! prompters at one seat share the file, so each writes only its own changes.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, Utc};
use toml::{Table, Value};

use super::{Folders, Unreadable, read, shown_path, write};
use crate::closing::PersistedFact;
use crate::closing::Since;
use crate::declaration::Declaration;
use crate::rules::limits::MAX_FILE;
use penutup_system::own_files;

use crate::seat::{SeatState, Shared};
use crate::words::Words;

/// How long to wait for another prompter's lock. One that keeps it longer is not writing.
const PATIENCE: Duration = Duration::from_millis(300);

/// The state that survives a restart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SavedState {
    pub state: SeatState,
    /// The last revision that was seen.
    pub revision: Option<String>,
    /// The SHA-256 of the last rules that were seen.
    pub rules_sha256: Option<String>,
}

impl SavedState {
    /// The state of the first run.
    fn first() -> Self {
        Self { state: SeatState { welcome: true, ..SeatState::default() }, ..Self::default() }
    }
}

/// What was wrong with the file.
#[derive(Debug)]
pub enum Trouble {
    Unreadable(Unreadable),
    /// It is broken, completely or in part; `aside` is its new path.
    Broken {
        /// Its old path.
        path: PathBuf,
        /// Its new path, if it could be moved.
        aside: Option<PathBuf>,
    },
}

impl Trouble {
    /// A message in the user's language.
    pub fn describe(&self, words: &Words) -> String {
        let w = &words.trouble;
        match self {
            Self::Unreadable(unreadable) => unreadable.describe(words),
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

/// Reads the saved state. A missing file or folder is not an error: it is the first run.
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
        // Write the readable part back at once so that it survives the next crash; a failure is reported at the next
        // save.
        let _ = save(folders, &shift);
    }
    (shift, Some(Trouble::Broken { path, aside: moved.then_some(aside) }))
}

/// Saves the state; without a state folder nothing is saved.
///
/// # Errors
/// The I/O error.
pub fn save(folders: &Folders, shift: &SavedState) -> io::Result<()> {
    folders.shift().map_or(Ok(()), |path| write(&path, to_toml(shift).as_bytes()))
}

/// The readable part, and whether it is everything.
fn parse(bytes: &[u8]) -> (SavedState, bool) {
    let table = if bytes.len() > MAX_FILE { None } else { std::str::from_utf8(bytes).ok() };
    // An empty file is left by a full disk: it had content once, which is lost.
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
        // A file from before the hint existed is not a first run.
        other => {
            whole &= other.is_none();
            false
        }
    };
    let broadcast = match table.get("broadcast") {
        None => None,
        Some(value) => {
            let read = value.as_table().and_then(Declaration::from_table);
            whole &= read.is_some();
            read
        }
    };
    let mut facts = Vec::new();
    match table.get("held") {
        None => {}
        Some(Value::Array(rows)) => {
            for row in rows {
                match persisted_fact(row) {
                    Some(fact) => facts.push(fact),
                    None => whole = false,
                }
            }
        }
        Some(_) => whole = false,
    }
    (
        SavedState { state: SeatState { shift_facts: facts, declaration: broadcast, welcome }, revision, rules_sha256 },
        whole,
    )
}

fn persisted_fact(row: &Value) -> Option<PersistedFact> {
    let text = |key: &str| row.get(key).and_then(Value::as_str);
    let time = |key: &str| Some(DateTime::parse_from_rfc3339(text(key)?).ok()?.with_timezone(&Utc));
    let (set, confirmed) = (time("set")?, time("confirmed")?);
    Some(PersistedFact { fact: text("fact")?.into(), value: text("value")?.into(), since: Since { set, confirmed } })
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
    let rows = shift.state.shift_facts.iter().map(|fact| {
        let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        let row = [
            ("fact", fact.fact.clone()),
            ("value", fact.value.clone()),
            ("set", time(fact.since.set)),
            ("confirmed", time(fact.since.confirmed)),
        ];
        Value::Table(row.into_iter().map(|(key, value)| (key.to_owned(), Value::String(value))).collect())
    });
    table.insert("held".into(), Value::Array(rows.collect()));
    if shift.state.welcome {
        table.insert("welcome".into(), Value::Boolean(true));
    }
    if let Some(broadcast) = &shift.state.declaration {
        table.insert("broadcast".into(), Value::Table(broadcast.to_table()));
    }
    table.to_string()
}

/// Saves one prompter's part of the file.
#[derive(Debug)]
pub struct StateWriter {
    path: Option<PathBuf>,
    /// The prompter's state at its last write.
    written: SeatState,
    /// The last state of other prompters' changes that was delivered to this one.
    shared: Option<SeatState>,
    /// The last seen rules, if not written yet.
    rules: Option<(String, String)>,
}

impl StateWriter {
    /// For a prompter that started with this state.
    #[must_use]
    pub fn new(folders: &Folders, begun_with: SeatState) -> Self {
        Self { path: folders.shift(), written: begun_with, shared: None, rules: None }
    }

    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Records which rules were seen: written with the next state, or when [`Self::save`] gets the same state.
    pub fn saw_rules(&mut self, revision: String, sha256: String) {
        self.rules = Some((revision, sha256));
    }

    pub fn written(&self) -> &SeatState {
        &self.written
    }

    /// Writes this prompter's changes since its last write, and returns what other prompters have changed meanwhile.
    ///
    /// # Errors
    /// The I/O error; then nothing counts as written.
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
            // Missing or broken: only this prompter's state is known.
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

    /// Checks for changes by other prompters. A read failure is reported by the next write.
    pub fn look(&mut self) -> Option<Shared> {
        let bytes = read(self.path.as_deref()?).ok()?;
        let (shift, whole) = parse(&bytes);
        if whole { self.share(shift.state) } else { None }
    }

    /// The state to deliver to this prompter; each change once.
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

    /// The file's content; `None` if there is none or it is unreadable, in which case it is set aside.
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

/// Takes the file's lock, or continues without it: a lock never prevents saving.
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

    fn klb() -> PersistedFact {
        let at = |text: &str| text.parse().unwrap();
        let since = Since { set: at("2021-02-01T06:05:00.25Z"), confirmed: at("2021-02-01T18:05:00Z") };
        PersistedFact { fact: "klb".into(), value: "ya".into(), since }
    }

    fn shift() -> SavedState {
        let broadcast = Declaration::read(b"version = 7\nstate = 'on'\nsince = '2021-02-01T06:05:00Z'\nwhy = 'x'");
        SavedState {
            state: SeatState { shift_facts: vec![klb()], declaration: Some(broadcast.unwrap()), welcome: true },
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
    fn saved_state_is_read_back() {
        let (_keep, folders) = in_folder(None);
        assert!(matches!(load(&folders), (s, None) if s == SavedState::first()));
        save(&folders, &shift()).unwrap();
        assert!(matches!(load(&folders), (s, None) if s == shift()));
        save(&folders, &SavedState::default()).unwrap();
        assert!(matches!(load(&folders), (s, None) if s == SavedState::default()));
    }

    #[test]
    fn a_broken_file_counts_as_empty_and_is_set_aside() {
        for broken in
            [&b"\xff\xfe"[..], b"", b" \n", b"held = ", b"held = 3", b"revision = 1", &vec![b' '; MAX_FILE + 1]]
        {
            let (_keep, folders) = in_folder(Some(broken));
            let (saved, trouble) = load(&folders);
            assert_eq!(saved, SavedState::default());
            let message = trouble.unwrap().describe(Lang::Id.words());
            assert!(message.contains("shift.toml.rusak"), "{message}");
            let path = folders.shift().unwrap();
            assert!(!path.exists());
            assert_eq!(fs::read(path.with_extension("toml.rusak")).unwrap(), broken);
        }
    }

    #[test]
    fn the_readable_part_of_a_broken_file_is_used() {
        let good = to_toml(&shift());
        let (_keep, folders) = in_folder(Some(format!("{good}\n[[held]]\nfact = \"x\"\n").as_bytes()));
        let (saved, trouble) = load(&folders);
        assert_eq!(saved, shift());
        assert!(matches!(trouble, Some(Trouble::Broken { aside: Some(_), .. })));
        assert!(matches!(load(&folders), (s, None) if s == shift()));
    }

    #[test]
    fn keys_of_a_newer_program_are_no_trouble() {
        let (_keep, folders) = in_folder(Some(b"later = [1]\nrevision = \"Rev-1\"\n"));
        let (saved, trouble) = load(&folders);
        assert!(trouble.is_none());
        assert_eq!(saved.revision.as_deref(), Some("Rev-1"));
    }

    #[test]
    fn without_a_folder_nothing_is_saved() {
        assert!(save(&Folders::default(), &shift()).is_ok());
        assert!(matches!(load(&Folders::default()), (s, None) if s == SavedState::default()));
    }

    /// A prompter's writer at start-up.
    fn begun(folders: &Folders) -> (StateWriter, SeatState) {
        let state = load(folders).0.state;
        (StateWriter::new(folders, state.clone()), state)
    }

    #[test]
    fn two_prompters_keep_both_changes_and_each_learns_the_others() {
        let (_keep, folders) = in_folder(None);
        let ((mut one, first), (mut two, second)) = (begun(&folders), begun(&folders));
        let with_klb = SeatState { shift_facts: vec![klb()], ..first };
        assert_eq!(one.save(&with_klb).unwrap(), None);
        let dismissed = SeatState { welcome: false, ..second };
        let both = SeatState { welcome: false, ..with_klb.clone() };
        let shared = two.save(&dismissed).unwrap();
        assert_eq!(shared, Some(Shared { known: dismissed, now: both.clone() }));
        assert_eq!(load(&folders).0.state, both, "KLB is there after a crash of either");
        assert_eq!(one.look(), Some(Shared { known: with_klb, now: both.clone() }));
        assert_eq!(one.look(), None, "each change once");
        // Both prompters have it now; switching it off in one switches it off in both.
        assert_eq!((one.save(&both).unwrap(), two.save(&both).unwrap()), (None, None));
        let off = SeatState { shift_facts: vec![], ..both };
        assert_eq!(two.save(&off).unwrap(), None);
        assert_eq!(one.look().unwrap().now, off);
        assert_eq!(load(&folders).0.state, off);
    }

    #[test]
    fn a_failed_write_is_included_in_the_next() {
        let (keep, folders) = in_folder(None);
        let blocked = keep.path().join("state");
        fs::write(&blocked, "no folder").unwrap();
        let mut keeper = StateWriter::new(&folders, SeatState::default());
        let state = SeatState { shift_facts: vec![klb()], ..SeatState::default() };
        assert!(keeper.save(&state).is_err());
        fs::remove_file(&blocked).unwrap();
        keeper.saw_rules("Rev-1".into(), "ab".into());
        assert_eq!(keeper.save(&state).unwrap(), None);
        let (shift, _) = load(&folders);
        assert_eq!((shift.state, shift.revision.as_deref()), (state, Some("Rev-1")));
    }

    #[test]
    fn a_lock_that_is_not_released_does_not_prevent_writing() {
        let (_keep, folders) = in_folder(Some(b"held = []"));
        let path = folders.shift().unwrap().with_extension("lock");
        let lock_file = File::create(&path).unwrap();
        lock_file.lock().unwrap();
        let mut keeper = StateWriter::new(&folders, SeatState::default());
        let state = SeatState { shift_facts: vec![klb()], ..SeatState::default() };
        assert_eq!(keeper.save(&state).unwrap(), None);
        assert_eq!(load(&folders).0.state, state);
    }

    #[cfg(unix)]
    #[test]
    fn the_state_is_readable_by_the_user_only() {
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
