//! The agent's own folder in the state folder: what was verified, for the next start of the prompter and of the agent.
//! One agent holds it at a time. Each file is written whole or not at all.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use penutup::broadcast::Broadcast;
use penutup::files::{self, broadcast::path_in};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use std::collections::BTreeMap;

use super::replica::{Board, Came, Heard, Seat};
use crate::wire::SCHEMA;
use crate::wire::envelope::MAX_ENVELOPE;
use crate::wire::key::Key;
use crate::wire::trust::Trust;

/// The most that is read of what was kept, in bytes: four broadcasts.
const MAX_KNOWN: u64 = 4 * MAX_ENVELOPE as u64 + 4096;

/// The folder, held.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _held: File,
    /// What could not be written yet.
    unsaved: Unsaved,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Unsaved {
    klb: bool,
    rules: bool,
    known: bool,
}

/// Why the folder can't be had.
#[derive(Debug)]
pub enum NoFolder {
    /// Another agent holds it.
    Held,
    /// What the system says.
    Io(io::Error),
}

impl From<io::Error> for NoFolder {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The file's shape.
#[derive(Serialize, Deserialize)]
struct Kept {
    schema: u32,
    known: BTreeMap<String, Box<RawValue>>,
}

impl Folder {
    /// Makes it, its user's alone, and takes it.
    ///
    /// # Errors
    /// Where another agent has it, or what the system says.
    pub fn hold(path: PathBuf) -> Result<Self, NoFolder> {
        fs::create_dir_all(&path)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o700))?;
        }
        let lock = path.join("agent.lock");
        let held = File::options().read(true).write(true).create(true).truncate(false).open(lock)?;
        match held.try_lock() {
            // A file system without locks can't tell; the ledger's own locks keep two from harm.
            Ok(()) | Err(TryLockError::Error(_)) => {}
            Err(TryLockError::WouldBlock) => return Err(NoFolder::Held),
        }
        Ok(Self { path, _held: held, unsaved: Unsaved::default() })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the ledger lies.
    #[must_use]
    pub fn ledger(&self) -> PathBuf {
        self.path.join("ledger.db")
    }

    fn rules(&self) -> PathBuf {
        self.path.join("rules.toml")
    }

    fn known(&self) -> PathBuf {
        self.path.join("known.json")
    }

    /// What was known when the agent last ran, verified once more; files that don't say the same are made to.
    #[must_use]
    pub fn load(&mut self, seat: &Seat, trust: &Trust, today: NaiveDate) -> Board {
        let held = files::read(&path_in(&self.path)).ok().and_then(|bytes| Broadcast::read(&bytes).ok());
        let mut board = Board::new(seat, held.clone());
        let kept: Option<Kept> = self.read_known().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        for (key, raw) in kept.filter(|kept| kept.schema == SCHEMA).map(|kept| kept.known).into_iter().flatten() {
            let Ok(key) = key.parse::<Key>() else { continue };
            board.restore(trust, &key, raw.get().as_bytes(), today);
        }
        // All of them together: each alone would be news that nobody declared.
        board.settle();
        let rules = files::read(&self.rules()).ok();
        let has_rules = |text: &str| rules.as_deref() == Some(text.as_bytes());
        self.unsaved.klb = board.holds() != held.as_ref();
        self.unsaved.rules = board.rules_text().is_some_and(|text| !has_rules(text));
        board
    }

    fn read_known(&self) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(self.known()).ok()?.take(MAX_KNOWN).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// Keeps what came of a broadcast, and what could not be kept before.
    ///
    /// # Errors
    /// What the system says, and of which file; it is tried again the next time.
    pub fn keep(&mut self, board: &Board, news: &[Heard]) -> Result<(), (PathBuf, io::Error)> {
        for heard in news {
            match heard {
                Heard::Klb => (self.unsaved.klb, self.unsaved.known) = (true, true),
                Heard::Rules => (self.unsaved.rules, self.unsaved.known) = (true, true),
                Heard::Kept => self.unsaved.known = true,
                Heard::Known | Heard::Refused(_) => {}
            }
        }
        if self.unsaved == Unsaved::default() {
            return Ok(());
        }
        let write = |path: PathBuf, bytes: &[u8]| files::write(&path, bytes).map_err(|error| (path, error));
        if self.unsaved.klb
            && let Some(klb) = board.holds()
        {
            write(path_in(&self.path), klb.to_table().to_string().as_bytes())?;
        }
        self.unsaved.klb = false;
        if self.unsaved.rules
            && let Some(text) = board.rules_text()
        {
            write(self.rules(), text.as_bytes())?;
        }
        self.unsaved.rules = false;
        if self.unsaved.known {
            // These types always can be written.
            let raw = |envelope: &crate::wire::envelope::Envelope| {
                String::from_utf8(envelope.to_bytes()).ok().and_then(|text| RawValue::from_string(text).ok())
            };
            let known = board.envelopes().filter_map(|(key, envelope)| Some((key.to_string(), raw(envelope)?)));
            let kept = to_raw_value(&Kept { schema: SCHEMA, known: known.collect() });
            write(self.known(), kept.map_err(|e| (self.known(), e.into()))?.get().as_bytes())?;
            self.unsaved.known = false;
        }
        Ok(())
    }

    /// Whether the rules on the disk are those of the board.
    #[must_use]
    pub fn has_rules(&self, board: &Board) -> bool {
        board.rules_text().is_some() && !self.unsaved.rules
    }
}

impl Board {
    /// What the disk kept: verified as if it came now; what is no longer believed is nobody's attack.
    fn restore(&mut self, trust: &Trust, key: &Key, bytes: &[u8], today: NaiveDate) {
        let refused = self.refused().clone();
        self.hear(trust, Some(key), bytes, Came::unasked(), today);
        self.set_refused(refused);
    }
}

#[cfg(test)]
mod tests {
    use nkeys::KeyPair;
    use penutup::broadcast::State;
    use penutup::rules::BUILT_IN;

    use super::*;
    use crate::wire::envelope::Envelope;
    use crate::wire::key::Scope;
    use crate::wire::testing::{declaration, name};
    use crate::wire::trust::{Grant, Signer};

    #[test]
    fn what_was_known_is_known_again_and_nothing_else_is() {
        let place = tempfile::tempdir().unwrap();
        let pair = KeyPair::new_user();
        let site = Scope::Site(name("jkt"));
        let grants = vec![Grant::Rules, Grant::Klb(Scope::Center), Grant::Klb(site.clone())];
        let spv = Signer { id: name("spv"), name: "SPV".into(), key: pair.public_key(), grants };
        let (trust, seat) = (Trust::of(vec![spv]), Seat { site: name("jkt"), region: name("jawa"), seat: name("a01") });
        let today = NaiveDate::MAX;
        let mut folder = Folder::hold(place.path().join("broadcast")).unwrap();
        assert!(matches!(Folder::hold(place.path().join("broadcast")), Err(NoFolder::Held)));
        let mut board = folder.load(&seat, &trust, today);
        let texts = [
            (Key::Klb(Scope::Center), 7, declaration(7, State::On)),
            (Key::Klb(site), 9, declaration(9, State::Off)),
            (Key::Rules, 3, BUILT_IN.to_owned()),
        ];
        for (key, version, payload) in texts {
            let bytes = Envelope::sign(&pair, key.clone(), name("spv"), version, payload).unwrap().to_bytes();
            let heard = board.heard(&trust, Some(&key), &bytes, Came::unasked(), today);
            folder.keep(&board, &[heard]).unwrap();
        }
        let path = folder.path().to_owned();
        drop(folder);

        // Files that others changed, or that went, are put right; what is known stays as it was.
        fs::write(path.join("rules.toml"), "rusak").unwrap();
        let mut folder = Folder::hold(path.clone()).unwrap();
        let again = folder.load(&seat, &trust, today);
        assert_eq!(again.holds(), board.holds());
        assert_eq!(again.holds().map(|klb| klb.version), Some(7), "read one after another they are no news");
        assert_eq!((again.rules_text(), again.refused().total()), (Some(BUILT_IN), 0));
        assert!(!folder.has_rules(&again));
        folder.keep(&again, &[]).unwrap();
        assert!(folder.has_rules(&again));
        assert_eq!(fs::read_to_string(path.join("rules.toml")).unwrap(), BUILT_IN);

        // What was kept is believed no more than what comes: nobody signed this.
        let kept = fs::read_to_string(path.join("known.json")).unwrap();
        fs::write(path.join("known.json"), kept.replace("gangguan", "serangan")).unwrap();
        let forged = folder.load(&seat, &trust, today);
        assert_eq!(forged.envelopes().count(), 1, "the rules alone");
        assert_eq!(forged.holds(), board.holds(), "what held goes on until the centre is heard");
        for broken in ["", "{", "{\"schema\":2,\"known\":{}}"] {
            fs::write(path.join("known.json"), broken).unwrap();
            assert_eq!(folder.load(&seat, &trust, today).envelopes().count(), 0);
        }
    }

    #[test]
    fn what_can_not_be_written_is_written_later() {
        let place = tempfile::tempdir().unwrap();
        let mut folder = Folder::hold(place.path().join("broadcast")).unwrap();
        let seat = Seat { site: name("jkt"), region: name("jawa"), seat: name("a01") };
        let held = Broadcast::read(declaration(7, State::On).as_bytes()).unwrap();
        let board = Board::new(&seat, Some(held));
        // A folder in a file's place, whoever runs this.
        let path = path_in(folder.path());
        fs::create_dir(&path).unwrap();
        let (which, _) = folder.keep(&board, &[Heard::Klb]).unwrap_err();
        assert_eq!(which, path);
        fs::remove_dir(&path).unwrap();
        folder.keep(&board, &[]).unwrap();
        assert!(path.is_file() && folder.path().join("known.json").is_file());
    }
}
