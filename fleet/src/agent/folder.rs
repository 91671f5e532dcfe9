//! The agent's folder in the state folder: verified broadcasts, for the next start of the prompter and of the agent. One
//! agent at a time holds its lock; each file is replaced atomically.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::path::PathBuf;

use chrono::NaiveDate;
use penutup_cli_kit::files::{self, declaration_in};
use penutup_rules::declaration::Declaration;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::replica::{Outcome, Replica, SeatId};
use crate::wire::SCHEMA;
use crate::wire::envelope::{Envelope, MAX_ENVELOPE};
use crate::wire::key::Key;
use crate::wire::trust::Trust;

/// The most bytes that are read of `known.json`: five broadcasts.
const MAX_KNOWN: u64 = 5 * MAX_ENVELOPE as u64 + 4096;

#[derive(Debug)]
pub struct BroadcastFolder {
    path: PathBuf,
    _lock: File,
    unsaved: Unsaved,
}

/// The files that differ from the replica.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Unsaved {
    klb: bool,
    rules: bool,
    known: bool,
}

#[derive(Debug)]
pub enum FolderError {
    /// Another agent holds the lock.
    Locked,
    Io(io::Error),
}

impl From<io::Error> for FolderError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// `known.json`.
#[derive(Serialize, Deserialize)]
struct KnownFile {
    schema: u32,
    known: BTreeMap<String, Box<RawValue>>,
}

impl BroadcastFolder {
    /// Creates the folder, accessible to its user only, and locks it.
    pub fn lock(path: PathBuf) -> Result<Self, FolderError> {
        fs::create_dir_all(&path)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o700))?;
        }
        let file = path.join("agent.lock");
        let lock = File::options().read(true).write(true).create(true).truncate(false).open(file)?;
        match lock.try_lock() {
            // On a file system without locks a second agent goes unnoticed; SQLite's locks then protect the ledger.
            Ok(()) | Err(TryLockError::Error(_)) => {}
            Err(TryLockError::WouldBlock) => return Err(FolderError::Locked),
        }
        Ok(Self { path, _lock: lock, unsaved: Unsaved::default() })
    }

    pub fn ledger_path(&self) -> PathBuf {
        self.path.join("ledger.db")
    }

    fn klb_path(&self) -> PathBuf {
        declaration_in(&self.path)
    }

    fn rules_path(&self) -> PathBuf {
        self.path.join("rules.toml")
    }

    fn known_path(&self) -> PathBuf {
        self.path.join("known.json")
    }

    /// Restores the replica, verifying everything again. Files that differ from it are written by the next
    /// [`Self::save`].
    pub fn load(&mut self, seat: &SeatId, trust: Trust, today: NaiveDate) -> Replica {
        let klb = files::read(&self.klb_path()).ok().and_then(|bytes| Declaration::read(&bytes).ok());
        let mut replica = Replica::new(seat, trust, klb.clone());
        let file: Option<KnownFile> = self.read_known().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let known = file.filter(|file| file.schema == SCHEMA).map(|file| file.known).into_iter().flatten();
        let mut known: Vec<_> = known.filter_map(|(key, raw)| Some((key.parse::<Key>().ok()?, raw))).collect();
        // The trust list verifies the others.
        known.sort_by_key(|(key, _)| *key != Key::Trust);
        for (key, raw) in known {
            replica.restore(&key, raw.get().as_bytes(), today);
        }
        // Once for all of them: after only some, the declaration in force would seem to change.
        replica.update_effective();
        let rules = files::read(&self.rules_path()).ok();
        self.unsaved.klb = replica.effective() != klb.as_ref();
        self.unsaved.rules = replica.rules_text().is_some_and(|text| rules.as_deref() != Some(text.as_bytes()));
        replica
    }

    fn read_known(&self) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(self.known_path()).ok()?.take(MAX_KNOWN).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// Writes what the outcomes changed and what an earlier call could not write.
    pub fn save(&mut self, replica: &Replica, outcomes: &[Outcome]) -> Result<(), (PathBuf, io::Error)> {
        for outcome in outcomes {
            match outcome {
                Outcome::NewEffective => (self.unsaved.klb, self.unsaved.known) = (true, true),
                Outcome::NewRules => (self.unsaved.rules, self.unsaved.known) = (true, true),
                Outcome::Stored | Outcome::NewTrust => self.unsaved.known = true,
                Outcome::AlreadyKnown | Outcome::NotForThisSeat | Outcome::Refused(_) => {}
            }
        }
        let write = |path: PathBuf, bytes: &[u8]| files::write(&path, bytes).map_err(|error| (path, error));
        // First: from it alone the next start computes the same declaration in force.
        if self.unsaved.known {
            let raw = |envelope: &Envelope| {
                String::from_utf8(envelope.to_bytes()).ok().and_then(|text| RawValue::from_string(text).ok())
            };
            let known = replica.envelopes().filter_map(|(key, envelope)| Some((key.to_string(), raw(envelope)?)));
            let file = serde_json::to_vec(&KnownFile { schema: SCHEMA, known: known.collect() });
            write(self.known_path(), &file.map_err(|error| (self.known_path(), error.into()))?)?;
            self.unsaved.known = false;
        }
        if self.unsaved.klb
            && let Some(klb) = replica.effective()
        {
            write(self.klb_path(), klb.to_table().to_string().as_bytes())?;
        }
        self.unsaved.klb = false;
        if self.unsaved.rules
            && let Some(text) = replica.rules_text()
        {
            write(self.rules_path(), text.as_bytes())?;
        }
        self.unsaved.rules = false;
        Ok(())
    }

    /// Whether the rules on the disk are the replica's.
    pub fn has_rules(&self, replica: &Replica) -> bool {
        replica.rules_text().is_some() && !self.unsaved.rules
    }
}

#[cfg(test)]
mod tests {
    use nkeys::KeyPair;
    use penutup_rules::BUILT_IN;
    use penutup_rules::declaration::State;

    use super::super::replica::Receipt;
    use super::*;
    use crate::wire::key::Scope;
    use crate::wire::testing::{declaration, name};
    use crate::wire::trust::{Grant, Signer};

    #[test]
    fn a_restart_restores_exactly_what_was_verified() {
        let place = tempfile::tempdir().unwrap();
        let pair = KeyPair::new_user();
        let site = Scope::Site(name("jkt"));
        let grants = vec![Grant::Rules, Grant::Klb(Scope::Center), Grant::Klb(site.clone())];
        let spv = Signer { id: name("spv"), name: "SPV".into(), key: pair.public_key(), grants };
        let (trust, seat) =
            (Trust::new(vec![spv]), SeatId { site: name("jkt"), region: name("jawa"), seat: name("a01") });
        let today = NaiveDate::MAX;
        let mut folder = BroadcastFolder::lock(place.path().join("broadcast")).unwrap();
        assert!(matches!(BroadcastFolder::lock(place.path().join("broadcast")), Err(FolderError::Locked)));
        let mut replica = folder.load(&seat, trust.clone(), today);
        let texts = [
            (Key::Klb(Scope::Center), 7, declaration(7, State::On)),
            (Key::Klb(site), 9, declaration(9, State::Off)),
            (Key::Rules, 3, BUILT_IN.to_owned()),
        ];
        for (key, version, payload) in texts {
            let bytes = Envelope::sign(&pair, key.clone(), name("spv"), version, payload).unwrap().to_bytes();
            let outcome = replica.receive(Some(&key), &bytes, Receipt::unsolicited(), today);
            let effective = replica.update_effective().then_some(Outcome::NewEffective);
            folder.save(&replica, &[outcome, effective.unwrap_or(outcome)]).unwrap();
        }
        let path = folder.path.clone();
        drop(folder);

        // A file that somebody changed is written again.
        fs::write(path.join("rules.toml"), "rusak").unwrap();
        let mut folder = BroadcastFolder::lock(path.clone()).unwrap();
        let again = folder.load(&seat, trust.clone(), today);
        assert_eq!(again.effective(), replica.effective());
        assert_eq!(again.effective().map(|klb| klb.version), Some(7), "restoring them one by one declares nothing new");
        assert_eq!((again.rules_text(), again.refused().total()), (Some(BUILT_IN), 0));
        assert!(!folder.has_rules(&again));
        folder.save(&again, &[]).unwrap();
        assert!(folder.has_rules(&again));
        assert_eq!(fs::read_to_string(path.join("rules.toml")).unwrap(), BUILT_IN);

        // Stored broadcasts are verified like received ones.
        let known = fs::read_to_string(path.join("known.json")).unwrap();
        fs::write(path.join("known.json"), known.replace("gangguan", "serangan")).unwrap();
        let forged = folder.load(&seat, trust.clone(), today);
        assert_eq!(forged.envelopes().count(), 1, "the rules alone");
        assert_eq!(
            forged.effective(),
            replica.effective(),
            "the last declaration stays in force until the centre answers"
        );
        for broken in ["", "{", "{\"schema\":2,\"known\":{}}"] {
            fs::write(path.join("known.json"), broken).unwrap();
            assert_eq!(folder.load(&seat, trust.clone(), today).envelopes().count(), 0);
        }
    }

    #[test]
    fn a_failed_write_is_repeated() {
        let place = tempfile::tempdir().unwrap();
        let mut folder = BroadcastFolder::lock(place.path().join("broadcast")).unwrap();
        let seat = SeatId { site: name("jkt"), region: name("jawa"), seat: name("a01") };
        let klb = Declaration::read(declaration(7, State::On).as_bytes()).unwrap();
        let replica = Replica::new(&seat, Trust::default(), Some(klb));
        // A folder at the file's path makes the write fail, also for root.
        let path = folder.klb_path();
        fs::create_dir(&path).unwrap();
        let (which, _) = folder.save(&replica, &[Outcome::NewEffective]).unwrap_err();
        assert_eq!(which, path);
        fs::remove_dir(&path).unwrap();
        folder.save(&replica, &[]).unwrap();
        assert!(path.is_file() && folder.known_path().is_file());
    }
}
