//! What outlasts a restart: the shift's facts (KLB), and which rules were seen last. Never a customer's name. A file
//! that can't be read holds nothing and is put aside: a broken file must not keep a CSO from work, nor be lost.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use chrono::{DateTime, SecondsFormat, Utc};
use toml::{Table, Value};

use super::{Folders, Unreadable, read, shown_path, write};
use crate::broadcast::Broadcast;
use crate::closing::{Held, Since};
use crate::rules::shape::MAX_FILE;
use crate::words::{Words, fill};

/// What outlasts a restart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shift {
    /// The shift's facts that are set.
    pub held: Vec<Held>,
    /// The revision that was seen last.
    pub revision: Option<String>,
    /// The SHA-256 of the rules that were seen last.
    pub rules_sha256: Option<String>,
    /// The centre's declaration that was applied last: no restart applies it again over what the CSO did since.
    pub broadcast: Option<Broadcast>,
    /// Whether the hint of the first run is still to be dismissed.
    pub welcome: bool,
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
                    Some(aside) => fill(w.shift_broken, &[("path", &name(path)), ("aside", &name(aside))]),
                    None => fill(w.shift_broken_kept, &[("path", &shown_path(path))]),
                }
            }
        }
    }
}

/// Reads what was kept. No file, and no folder for one, is no trouble: no file yet is the first run.
#[must_use]
pub fn load(folders: &Folders) -> (Shift, Option<Trouble>) {
    let Some(path) = folders.shift() else { return (Shift::default(), None) };
    let bytes = match read(&path) {
        Ok(bytes) => bytes,
        Err(e) if e.error.kind() == ErrorKind::NotFound => {
            return (Shift { welcome: true, ..Shift::default() }, None);
        }
        Err(e) => return (Shift::default(), Some(Trouble::Unreadable(e))),
    };
    let (shift, whole) = parse(&bytes);
    if whole {
        return (shift, None);
    }
    let aside = path.with_extension("toml.rusak");
    let moved = fs::rename(&path, &aside).is_ok();
    if moved && shift != Shift::default() {
        // What was good in it must outlast the next crash as well; a failure here is told at the next save.
        let _ = save(folders, &shift);
    }
    (shift, Some(Trouble::Broken { path, aside: moved.then_some(aside) }))
}

/// Keeps the state; without a folder for it, nothing is kept.
///
/// # Errors
/// What the system says.
pub fn save(folders: &Folders, shift: &Shift) -> std::io::Result<()> {
    folders.shift().map_or(Ok(()), |path| write(&path, to_toml(shift).as_bytes()))
}

/// What can be read of it, and whether that is all.
fn parse(bytes: &[u8]) -> (Shift, bool) {
    let table = if bytes.len() > MAX_FILE { None } else { std::str::from_utf8(bytes).ok() };
    // What a full disk leaves behind: it held something once, and nobody knows what.
    let table = table.filter(|text| !text.trim().is_empty());
    let Some(table) = table.and_then(|text| text.parse::<Table>().ok()) else { return (Shift::default(), false) };
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
    (Shift { held, revision, rules_sha256, broadcast, welcome }, whole)
}

fn one_held(row: &Value) -> Option<Held> {
    let text = |key: &str| row.get(key).and_then(Value::as_str);
    let time = |key: &str| Some(DateTime::parse_from_rfc3339(text(key)?).ok()?.with_timezone(&Utc));
    let (set, confirmed) = (time("set")?, time("confirmed")?);
    Some(Held { fact: text("fact")?.into(), value: text("value")?.into(), since: Since { set, confirmed } })
}

fn to_toml(shift: &Shift) -> String {
    let mut table = Table::new();
    let mut text = |key: &str, value: &Option<String>| {
        if let Some(value) = value {
            table.insert(key.into(), Value::String(value.clone()));
        }
    };
    text("revision", &shift.revision);
    text("rules_sha256", &shift.rules_sha256);
    let rows = shift.held.iter().map(|held| {
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
    if shift.welcome {
        table.insert("welcome".into(), Value::Boolean(true));
    }
    if let Some(broadcast) = &shift.broadcast {
        table.insert("broadcast".into(), Value::Table(broadcast.to_table()));
    }
    table.to_string()
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

    fn shift() -> Shift {
        let broadcast = Broadcast::read(b"version = 7\nstate = 'on'\nsince = '2021-02-01T06:05:00Z'\nwhy = 'x'");
        Shift {
            held: vec![klb()],
            revision: Some("Rev \"1\"\n".into()),
            rules_sha256: Some("ab".into()),
            broadcast: Some(broadcast.unwrap()),
            welcome: true,
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
        assert!(matches!(load(&folders), (s, None) if s == Shift { welcome: true, ..Shift::default() }));
        save(&folders, &shift()).unwrap();
        assert!(matches!(load(&folders), (s, None) if s == shift()));
        save(&folders, &Shift::default()).unwrap();
        assert!(matches!(load(&folders), (s, None) if s == Shift::default()));
    }

    #[test]
    fn a_broken_file_holds_nothing_and_is_put_aside() {
        for broken in
            [&b"\xff\xfe"[..], b"", b" \n", b"held = ", b"held = 3", b"revision = 1", &vec![b' '; MAX_FILE + 1]]
        {
            let (_keep, folders) = in_folder(Some(broken));
            let (held, trouble) = load(&folders);
            assert_eq!(held, Shift::default());
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
        assert!(matches!(load(&Folders::default()), (s, None) if s == Shift::default()));
    }
}
