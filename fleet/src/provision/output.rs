//! The output folder of `provision`. Its manifest (`provision.json`) lists what was written, so that a second run changes
//! nothing, foreign files are never overwritten, and files that are no longer needed are removed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const MANIFEST: &str = "provision.json";
const LOCK: &str = "provision.lock";
/// The suffix of a file that is not complete.
const PARTIAL: &str = ".half";

/// From so many files on, the whole file system is synced once: a slow disk takes milliseconds for each file.
const SYNC_ALL_FROM: usize = 64;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub schema: u32,
    pub fleet: String,
    /// By path.
    pub certificates: BTreeMap<String, Certificate>,
    /// Public keys by their seed's path.
    pub keys: BTreeMap<String, String>,
    /// The SHA-256 of each file; two while it is being replaced.
    pub files: BTreeMap<String, Vec<String>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    pub names: Vec<String>,
    /// Its last day.
    pub until: String,
}

#[derive(Debug)]
pub enum OutputError {
    /// The folder has files, but no manifest.
    Foreign(PathBuf),
    /// This file is not in the manifest, or was changed since.
    Changed(PathBuf),
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
    pub removed: usize,
    /// No longer needed, but changed by somebody else, so not removed.
    pub left: Vec<String>,
}

/// The folder, locked.
#[derive(Debug)]
pub struct Output {
    folder: PathBuf,
    known: Option<Manifest>,
    _lock: File,
}

/// The files that a run wants.
#[derive(Debug, Default)]
pub struct Plan {
    /// By path. They follow from the fleet's file.
    texts: BTreeMap<String, String>,
    /// New secrets by path.
    secrets: BTreeMap<String, String>,
    /// Secrets to remove.
    removed: BTreeSet<String>,
}

impl Plan {
    pub fn add(&mut self, path: impl Into<String>, text: String) {
        self.texts.insert(path.into(), text);
    }

    pub fn add_secret(&mut self, path: impl Into<String>, text: String) {
        self.secrets.insert(path.into(), text);
    }

    pub fn remove(&mut self, path: impl Into<String>) {
        self.removed.insert(path.into());
    }
}

fn sum(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
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
        Ok(Self { folder: folder.to_owned(), known, _lock: lock })
    }

    /// The manifest of the previous run.
    pub fn known(&self) -> Option<&Manifest> {
        self.known.as_ref()
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// Writes and removes files until the folder matches the plan. `next` is the new manifest; its files are filled in here.
    /// A foreign file is an error before anything is written.
    pub fn apply(&self, plan: &Plan, mut next: Manifest) -> Result<Changes, OutputError> {
        let before = self.known.clone().unwrap_or_default();
        let mut changes = Changes::default();
        let mut write: Vec<(&str, &str, bool)> = Vec::new();
        for (path, text) in &plan.secrets {
            write.push((path, text, true));
            changes.new += 1;
        }
        let mut both = before.files.clone();
        for (path, text) in &plan.texts {
            let wanted = sum(text.as_bytes());
            let full = self.path(path);
            match fs::read(&full) {
                Ok(there) if sum(&there) == wanted => changes.same += 1,
                Ok(there) if before.files.get(path).is_some_and(|sums| sums.contains(&sum(&there))) => {
                    write.push((path, text, false));
                    changes.changed.push(path.clone());
                }
                Ok(_) => return Err(OutputError::Changed(full)),
                Err(e) if e.kind() == ErrorKind::NotFound => {
                    write.push((path, text, false));
                    changes.new += 1;
                }
                Err(e) => return Err(OutputError::Io(full, e)),
            }
            both.entry(path.clone()).or_default().push(wanted.clone());
            next.files.insert(path.clone(), vec![wanted]);
        }
        // The old and new checksums are in the manifest before the first file is replaced, so that the files of a run that
        // crashes are still recognized. The keys are the old ones until the seeds are written.
        if !write.is_empty() {
            let fleet = next.fleet.clone();
            let interim = Manifest { schema: crate::wire::SCHEMA, fleet, files: both, ..before.clone() };
            self.write_all(&[(MANIFEST, &manifest_text(&interim), true)])?;
        }
        // Seeds first: a crash must not leave a server with a key whose seed is lost.
        let (secrets, texts): (Vec<_>, Vec<_>) = write.into_iter().partition(|(.., secret)| *secret);
        self.write_all(&secrets)?;
        self.write_all(&texts)?;
        self.remove(plan, &before, &mut next, &mut changes)?;
        if self.known.as_ref() != Some(&next) {
            self.write_all(&[(MANIFEST, &manifest_text(&next), true)])?;
        }
        Ok(changes)
    }

    /// Writes files atomically: all are synced to the disk before the first is renamed.
    fn write_all(&self, files: &[(&str, &str, bool)]) -> Result<(), OutputError> {
        let partial = |path: &str| self.path(&format!("{path}{PARTIAL}"));
        let mut folders = BTreeSet::new();
        for (path, text, secret) in files {
            let at = partial(path);
            let mut write = || -> io::Result<()> {
                let folder = at.parent().unwrap_or(&self.folder);
                if folders.insert(folder.to_owned()) {
                    self.create_folders(folder)?;
                }
                match fs::remove_file(&at) {
                    Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
                    _ => {}
                }
                create(&at, *secret)?.write_all(text.as_bytes())
            };
            write().map_err(|error| OutputError::Io(at.clone(), error))?;
        }
        let at: Vec<PathBuf> = files.iter().map(|(path, ..)| partial(path)).collect();
        self.sync(&at)?;
        for (path, ..) in files {
            fs::rename(partial(path), self.path(path)).map_err(|error| OutputError::Io(self.path(path), error))?;
        }
        for folder in folders {
            // Not every system can sync a folder; the files themselves are synced.
            if files.len() < SYNC_ALL_FROM
                && let Ok(folder) = File::open(folder)
            {
                let _ = folder.sync_all();
            }
        }
        if files.len() < SYNC_ALL_FROM { Ok(()) } else { self.sync(&[]) }
    }

    /// Syncs files to the disk; many of them with the whole file system.
    fn sync(&self, files: &[PathBuf]) -> Result<(), OutputError> {
        if (files.is_empty() || files.len() >= SYNC_ALL_FROM)
            && sync_file_system(&self.folder).map_err(|error| OutputError::Io(self.folder.clone(), error))?
        {
            return Ok(());
        }
        for at in files {
            // Opened for writing: Windows flushes no other handle.
            let sync = || OpenOptions::new().write(true).open(at)?.sync_all();
            sync().map_err(|error| OutputError::Io(at.clone(), error))?;
        }
        Ok(())
    }

    /// Creates a subfolder and its parents. Those with secrets are private from the start.
    fn create_folders(&self, folder: &Path) -> io::Result<()> {
        let mut at = self.folder.clone();
        for part in folder.strip_prefix(&self.folder).unwrap_or(Path::new("")) {
            at.push(part);
            let below = at.strip_prefix(&self.folder).unwrap_or(&at);
            let is_public = ["server", "systemd", "leaves"].iter().any(|name| below.starts_with(name));
            create_folder(&at, !is_public || part == "tls")?;
        }
        Ok(())
    }

    fn remove(
        &self,
        plan: &Plan,
        before: &Manifest,
        next: &mut Manifest,
        changes: &mut Changes,
    ) -> Result<(), OutputError> {
        let mut parents = BTreeSet::new();
        let texts = before.files.iter().filter(|(path, _)| !plan.texts.contains_key(*path));
        for (path, sums) in texts {
            let full = self.path(path);
            match fs::read(&full) {
                Ok(there) if sums.contains(&sum(&there)) => {
                    fs::remove_file(&full).map_err(|error| OutputError::Io(full.clone(), error))?;
                    changes.removed += 1;
                }
                // It stays in the manifest, and is reported, until somebody removes it.
                Ok(_) => {
                    next.files.insert(path.clone(), sums.clone());
                    changes.left.push(path.clone());
                }
                Err(_) => {}
            }
            parents.extend(full.parent().map(Path::to_owned));
        }
        for path in &plan.removed {
            let full = self.path(path);
            match fs::remove_file(&full) {
                Ok(()) => changes.removed += 1,
                Err(e) if e.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(OutputError::Io(full, error)),
            }
            parents.extend(full.parent().map(Path::to_owned));
        }
        for folder in parents.iter().rev().filter(|folder| **folder != self.folder) {
            // Fails where the folder is not empty.
            let _ = fs::remove_dir(folder);
        }
        Ok(())
    }
}

fn manifest_text(manifest: &Manifest) -> String {
    // Serializing this type can't fail.
    serde_json::to_string_pretty(manifest).unwrap_or_default() + "\n"
}

/// Syncs the file system of a folder; `false` where the system has no such call.
#[cfg(target_os = "linux")]
fn sync_file_system(folder: &Path) -> io::Result<bool> {
    rustix::fs::syncfs(File::open(folder)?)?;
    Ok(true)
}

#[cfg(not(target_os = "linux"))]
fn sync_file_system(folder: &Path) -> io::Result<bool> {
    fs::metadata(folder).map(|_| false)
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

    fn manifest() -> Manifest {
        Manifest { schema: 1, fleet: "x".into(), ..Manifest::default() }
    }

    #[test]
    fn a_second_run_changes_nothing_and_unneeded_files_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("out");
        let texts = [("seats/jkt/a/agent.toml", "one"), ("server/nats.conf", "two")];
        let first = Output::open(&at).unwrap().apply(&plan(&texts, &[("seats/jkt/a/link.nk", "s")]), manifest());
        assert_eq!(first.unwrap(), Changes { new: 3, ..Changes::default() });
        let written = |path: &str| fs::metadata(at.join(path)).unwrap().modified().unwrap();
        let stamps = [written(MANIFEST), written("server/nats.conf")];
        let again = Output::open(&at).unwrap().apply(&plan(&texts, &[]), manifest()).unwrap();
        assert_eq!(
            (again, stamps),
            (Changes { same: 2, ..Changes::default() }, [written(MANIFEST), written(texts[1].0)])
        );
        let mut less = plan(&texts[1..], &[]);
        less.remove("seats/jkt/a/link.nk");
        let changes = Output::open(&at).unwrap().apply(&less, manifest()).unwrap();
        assert_eq!(changes, Changes { same: 1, removed: 2, ..Changes::default() });
        assert!(!at.join("seats/jkt/a").exists() && at.join("server/nats.conf").exists());
    }

    #[test]
    fn foreign_and_changed_files_are_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("letter"), "mine").unwrap();
        assert!(matches!(Output::open(folder.path()), Err(OutputError::Foreign(_))));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "not even a lock");

        let at = folder.path().join("out");
        let one = [("server/nats.conf", "one"), ("trust.toml", "one")];
        Output::open(&at).unwrap().apply(&plan(&one, &[]), manifest()).unwrap();
        fs::write(at.join("trust.toml"), "by hand").unwrap();
        let other = [("server/nats.conf", "two"), ("trust.toml", "two")];
        let refused = Output::open(&at).unwrap().apply(&plan(&other, &[]), manifest());
        assert!(matches!(refused, Err(OutputError::Changed(path)) if path.ends_with("trust.toml")));
        assert_eq!(fs::read_to_string(at.join("server/nats.conf")).unwrap(), "one", "nothing was written");
        // A changed file that is no longer needed is left and reported.
        let changes = Output::open(&at).unwrap().apply(&plan(&one[..1], &[]), manifest()).unwrap();
        assert_eq!(changes.left, ["trust.toml"]);
        assert_eq!(fs::read_to_string(at.join("trust.toml")).unwrap(), "by hand");
    }

    #[test]
    fn a_locked_folder_and_a_damaged_manifest_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let output = Output::open(folder.path()).unwrap();
        assert!(matches!(Output::open(folder.path()), Err(OutputError::Busy(_))));
        output.apply(&plan(&[("a", "b")], &[]), manifest()).unwrap();
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
        let changes = Output::open(&at).unwrap().apply(
            &plan(&[("server/nats.conf", "x")], &[("server/tls/server.key", "s"), ("seats/jkt/a/link.nk", "s")]),
            manifest(),
        );
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
