//! The output folder of `provision`. A file is written beside its place and renamed, and only where its content changes.
//! Seeds come first and the manifest last, so that a run that was interrupted is completed by the next.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

const MANIFEST: &str = "provision.json";
const LOCK: &str = "provision.lock";
/// The suffix of a file that is not complete.
const PARTIAL: &str = ".half";

/// Another version's may have more fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub schema: u32,
    pub fleet: String,
    /// The server's names; none from 0.1.0.
    #[serde(default)]
    pub names: Vec<String>,
    /// Public keys by their seed's path.
    pub keys: BTreeMap<String, String>,
    /// Former keys that stay valid until they are dropped, by the path of the seed that replaced them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outgoing: BTreeMap<String, Vec<String>>,
}

#[derive(Debug)]
pub enum OutputError {
    /// The folder has files, but no manifest.
    Foreign(PathBuf),
    /// Another run holds the lock.
    Busy(PathBuf),
    /// The manifest is damaged.
    BadManifest(PathBuf),
    Io(PathBuf, io::Error),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    pub new: usize,
    pub changed: Vec<String>,
    pub same: usize,
    /// The folders of identities that are no longer in the fleet's file.
    pub removed: usize,
}

/// The folder, locked.
#[derive(Debug)]
pub struct Output {
    folder: PathBuf,
    known: Option<Manifest>,
    _lock: File,
}

/// The files that a run wants, by path.
#[derive(Debug, Default)]
pub struct Plan {
    /// They follow from the fleet's file.
    texts: BTreeMap<String, String>,
    /// New secrets.
    secrets: BTreeMap<String, String>,
}

impl Plan {
    pub fn add(&mut self, path: impl Into<String>, text: String) {
        self.texts.insert(path.into(), text);
    }

    pub fn add_secret(&mut self, path: impl Into<String>, text: String) {
        self.secrets.insert(path.into(), text);
    }

    /// A new secret of this run.
    pub fn secret(&self, path: &str) -> Option<&str> {
        self.secrets.get(path).map(String::as_str)
    }
}

impl Output {
    /// Opens or creates the folder, and locks it.
    pub fn open(folder: &Path) -> Result<Self, OutputError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |error| OutputError::Io(path, error)
        };
        let is_new = !folder.exists();
        create_folder(folder, false).map_err(io(folder))?;
        let manifest = folder.join(MANIFEST);
        let known = match fs::read(&manifest) {
            Ok(bytes) => {
                let known = serde_json::from_slice(&bytes).ok();
                let known = known.filter(|known: &Manifest| known.schema == crate::wire::SCHEMA);
                Some(known.ok_or(OutputError::BadManifest(manifest))?)
            }
            Err(e) if e.kind() == ErrorKind::NotFound => {
                let mut there = fs::read_dir(folder).map_err(io(folder))?;
                if !is_new && there.any(|entry| entry.is_ok_and(|entry| entry.file_name() != LOCK)) {
                    return Err(OutputError::Foreign(folder.to_owned()));
                }
                None
            }
            Err(e) => return Err(OutputError::Io(manifest, e)),
        };
        let path = folder.join(LOCK);
        let lock = OpenOptions::new().write(true).create(true).truncate(false).open(&path).map_err(io(&path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(OutputError::Busy(folder.to_owned())),
            Err(fs::TryLockError::Error(error)) => return Err(OutputError::Io(path, error)),
        }
        let output = Self { folder: folder.to_owned(), known, _lock: lock };
        if output.known.is_none() {
            // A run that is interrupted leaves seeds: the next one must take them for its own.
            output.write(
                MANIFEST,
                &manifest_text(&Manifest { schema: crate::wire::SCHEMA, ..Manifest::default() }),
                true,
            )?;
        }
        Ok(output)
    }

    /// The manifest of the previous run.
    pub fn known(&self) -> Option<&Manifest> {
        self.known.as_ref()
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// Writes what differs, removes the folders of identities without a key, and writes the new manifest.
    pub fn apply(&self, plan: &Plan, next: &Manifest) -> Result<Changes, OutputError> {
        let mut changes = Changes { new: plan.secrets.len(), ..Changes::default() };
        // Which former keys stay valid is written first: a run that is interrupted must not end them.
        if let Some(known) = self.known.as_ref().filter(|known| known.outgoing != next.outgoing) {
            let kept = Manifest { outgoing: next.outgoing.clone(), ..known.clone() };
            self.write(MANIFEST, &manifest_text(&kept), true)?;
        }
        for (path, text) in &plan.secrets {
            self.write(path, text, true)?;
        }
        for (path, text) in &plan.texts {
            match fs::read(self.path(path)) {
                Ok(there) if there == text.as_bytes() => {
                    changes.same += 1;
                    continue;
                }
                Ok(_) => changes.changed.push(path.clone()),
                Err(e) if e.kind() == ErrorKind::NotFound => changes.new += 1,
                Err(e) => return Err(OutputError::Io(self.path(path), e)),
            }
            self.write(path, text, false)?;
        }
        for path in self.known.iter().flat_map(|known| known.keys.keys()).filter(|path| !next.keys.contains_key(*path))
        {
            let folder = self.path(path).parent().unwrap_or(&self.folder).to_owned();
            match fs::remove_dir_all(&folder) {
                Ok(()) => changes.removed += 1,
                Err(e) if e.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(OutputError::Io(folder, error)),
            }
        }
        if self.known.as_ref() != Some(next) {
            self.write(MANIFEST, &manifest_text(next), true)?;
        }
        Ok(changes)
    }

    /// Writes a file beside its place and renames it. A secret is on the disk before its public key is anywhere.
    fn write(&self, path: &str, text: &str, secret: bool) -> Result<(), OutputError> {
        let partial = self.path(&format!("{path}{PARTIAL}"));
        let write = || -> io::Result<()> {
            self.create_folders(partial.parent().unwrap_or(&self.folder))?;
            match fs::remove_file(&partial) {
                Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
                _ => {}
            }
            let mut file = create(&partial, secret)?;
            file.write_all(text.as_bytes())?;
            if secret {
                file.sync_all()?;
            }
            drop(file);
            fs::rename(&partial, self.path(path))
        };
        write().map_err(|error| OutputError::Io(self.path(path), error))
    }

    /// Creates a subfolder and its parents. Those with secrets are private from the start.
    fn create_folders(&self, folder: &Path) -> io::Result<()> {
        let mut at = self.folder.clone();
        for part in folder.strip_prefix(&self.folder).unwrap_or(Path::new("")) {
            at.push(part);
            let is_public = at.strip_prefix(&self.folder).is_ok_and(|below| below.starts_with("server"));
            create_folder(&at, !is_public || part == "tls")?;
        }
        Ok(())
    }
}

fn manifest_text(manifest: &Manifest) -> String {
    // Serializing this type can't fail.
    serde_json::to_string_pretty(manifest).unwrap_or_default() + "\n"
}

#[cfg(unix)]
fn create(path: &Path, secret: bool) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().write(true).create_new(true).mode(if secret { 0o600 } else { 0o644 }).open(path)
}

#[cfg(not(unix))]
fn create(path: &Path, _: bool) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

#[cfg(unix)]
fn create_folder(path: &Path, private: bool) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(if private { 0o700 } else { 0o755 }).create(path)
}

#[cfg(not(unix))]
fn create_folder(path: &Path, _: bool) -> io::Result<()> {
    fs::create_dir_all(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(texts: &[(&str, &str)], secrets: &[(&str, &str)]) -> Plan {
        let mut plan = Plan::default();
        for (path, text) in texts {
            plan.add(*path, (*text).to_owned());
        }
        for (path, text) in secrets {
            plan.add_secret(*path, (*text).to_owned());
        }
        plan
    }

    fn manifest(seeds: &[&str]) -> Manifest {
        let keys = seeds.iter().map(|path| ((*path).to_owned(), "U".to_owned())).collect();
        Manifest { schema: 1, fleet: "x".into(), keys, ..Manifest::default() }
    }

    #[test]
    fn a_second_run_changes_nothing_and_unneeded_folders_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("out");
        let (seed, texts) = ("seats/jkt/a/link.nk", [("seats/jkt/a/agent.toml", "one"), ("server/nats.conf", "two")]);
        let first = Output::open(&at).unwrap().apply(&plan(&texts, &[(seed, "s")]), &manifest(&[seed]));
        assert_eq!(first.unwrap(), Changes { new: 3, ..Changes::default() });
        let written = |path: &str| fs::metadata(at.join(path)).unwrap().modified().unwrap();
        let stamps = [written(MANIFEST), written("server/nats.conf")];
        let again = Output::open(&at).unwrap().apply(&plan(&texts, &[]), &manifest(&[seed])).unwrap();
        assert_eq!(
            (again, stamps),
            (Changes { same: 2, ..Changes::default() }, [written(MANIFEST), written(texts[1].0)])
        );
        let changes = Output::open(&at).unwrap().apply(&plan(&texts[1..], &[]), &manifest(&[])).unwrap();
        assert_eq!(changes, Changes { same: 1, removed: 1, ..Changes::default() });
        assert!(!at.join("seats/jkt/a").exists() && at.join("server/nats.conf").exists());
    }

    #[test]
    fn a_foreign_folder_is_not_touched_and_an_interrupted_run_is_completed() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("letter"), "mine").unwrap();
        assert!(matches!(Output::open(folder.path()), Err(OutputError::Foreign(_))));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "not even a lock");

        let at = folder.path().join("out");
        let seed = "seats/jkt/a/link.nk";
        let output = Output::open(&at).unwrap();
        output.write(seed, "s", true).unwrap();
        fs::write(at.join("trust.toml.half"), "incompl").unwrap();
        drop(output);
        let changes = Output::open(&at).unwrap().apply(&plan(&[("trust.toml", "one")], &[]), &manifest(&[seed]));
        assert_eq!(changes.unwrap(), Changes { new: 1, ..Changes::default() });
        assert_eq!(fs::read_to_string(at.join(seed)).unwrap(), "s");
        assert!(fs::read_to_string(at.join("trust.toml")).unwrap() == "one" && !at.join("trust.toml.half").exists());
    }

    #[test]
    fn a_locked_folder_and_a_damaged_manifest_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let output = Output::open(folder.path()).unwrap();
        assert!(matches!(Output::open(folder.path()), Err(OutputError::Busy(_))));
        output.apply(&plan(&[("a", "b")], &[]), &manifest(&[])).unwrap();
        drop(output);
        fs::write(folder.path().join(MANIFEST), "{").unwrap();
        assert!(matches!(Output::open(folder.path()), Err(OutputError::BadManifest(_))));
    }

    #[cfg(unix)]
    #[test]
    fn secrets_and_their_folders_are_private() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("out");
        let secrets = [("server/tls/server.key", "s"), ("seats/jkt/a/link.nk", "s")];
        let changes = Output::open(&at).unwrap().apply(&plan(&[("server/nats.conf", "x")], &secrets), &manifest(&[]));
        changes.unwrap();
        let mode = |path: &str| fs::metadata(at.join(path)).unwrap().permissions().mode() & 0o777;
        for secret in ["server/tls/server.key", "seats/jkt/a/link.nk", MANIFEST] {
            assert_eq!(mode(secret), 0o600, "{secret}");
        }
        for private in ["server/tls", "seats", "seats/jkt", "seats/jkt/a"] {
            assert_eq!(mode(private), 0o700, "{private}");
        }
        assert_eq!(mode("server/nats.conf") & 0o077 & 0o022, 0);
    }
}
