//! The folder that `provision` writes into: it knows what it wrote itself (`provision.json`), so that a second run
//! changes nothing, a file of somebody else is never overwritten, and what is no longer needed goes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The file that knows.
const MANIFEST: &str = "provision.json";
/// The file that who writes holds.
const LOCK: &str = "provision.lock";
/// What a file that is not yet whole is called.
const HALF: &str = ".half";

/// From how many files on the disk is asked once for all: a slow one takes milliseconds for each.
const MANY: usize = 64;

/// What was written, and for whom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The form.
    pub schema: u32,
    /// The fleet's name.
    pub fleet: String,
    /// What each certificate was made for, and its last day, by its path; none without TLS.
    pub certificates: BTreeMap<String, Certificate>,
    /// The public key of each seed, by the seed's path.
    pub keys: BTreeMap<String, String>,
    /// The sums of each file that may stand there: one, or two while it is being replaced.
    pub files: BTreeMap<String, Vec<String>>,
}

/// What a certificate is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// The names and addresses in it.
    pub names: Vec<String>,
    /// Its last day.
    pub until: String,
}

/// Why nothing was written.
#[derive(Debug)]
pub enum Refused {
    /// The folder holds something, and is not ours.
    Foreign(PathBuf),
    /// This file was not written by us, or was changed since.
    Changed(PathBuf),
    /// Another writes.
    Busy(PathBuf),
    /// What we wrote down is no longer to be read.
    NoManifest(PathBuf),
    /// The system says no.
    Io(PathBuf, io::Error),
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Written for the first time.
    pub new: usize,
    /// Replaced.
    pub changed: Vec<String>,
    /// As they were.
    pub same: usize,
    /// Removed.
    pub removed: usize,
    /// No longer needed, but not as we wrote them: left.
    pub left: Vec<String>,
}

/// The folder, held while a run lasts.
#[derive(Debug)]
pub struct Output {
    folder: PathBuf,
    known: Option<Manifest>,
    _held: File,
}

/// What a run wants to stand there.
#[derive(Debug, Default)]
pub struct Plan {
    /// Texts that follow from the fleet's file, by path.
    texts: BTreeMap<String, String>,
    /// Secrets that are made once, by path.
    secrets: BTreeMap<String, String>,
    /// Secrets to remove.
    gone: BTreeSet<String>,
}

impl Plan {
    /// A text that follows from the fleet's file.
    pub fn text(&mut self, path: impl Into<String>, text: String) {
        self.texts.insert(path.into(), text);
    }

    /// A secret that is made now.
    pub fn secret(&mut self, path: impl Into<String>, text: String) {
        self.secrets.insert(path.into(), text);
    }

    /// A secret that is no longer wanted.
    pub fn remove(&mut self, path: impl Into<String>) {
        self.gone.insert(path.into());
    }
}

fn sum(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

impl Output {
    /// Opens the folder; makes it where it is not there.
    ///
    /// # Errors
    /// A folder that holds something and is not ours, or that another writes into.
    pub fn open(folder: &Path) -> Result<Self, Refused> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |error| Refused::Io(path, error)
        };
        let is_new = !folder.exists();
        make_folder(folder, false).map_err(io(folder))?;
        let manifest = folder.join(MANIFEST);
        let known = match fs::read(&manifest) {
            Ok(bytes) => {
                let known = serde_json::from_slice(&bytes).ok();
                let known = known.filter(|known: &Manifest| known.schema == crate::wire::SCHEMA);
                Some(known.ok_or(Refused::NoManifest(manifest))?)
            }
            Err(e) if e.kind() == ErrorKind::NotFound => {
                let mut there = fs::read_dir(folder).map_err(io(folder))?;
                if !is_new && there.any(|entry| entry.is_ok_and(|entry| entry.file_name() != LOCK)) {
                    return Err(Refused::Foreign(folder.to_owned()));
                }
                None
            }
            Err(e) => return Err(Refused::Io(manifest, e)),
        };
        let path = folder.join(LOCK);
        let held = OpenOptions::new().write(true).create(true).truncate(false).open(&path).map_err(io(&path))?;
        match held.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(Refused::Busy(folder.to_owned())),
            Err(fs::TryLockError::Error(error)) => return Err(Refused::Io(path, error)),
        }
        Ok(Self { folder: folder.to_owned(), known, _held: held })
    }

    /// What was written before.
    #[must_use]
    pub fn known(&self) -> Option<&Manifest> {
        self.known.as_ref()
    }

    /// Where something lies.
    #[must_use]
    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// Makes the folder what the plan says. `next` is what will be known then; its files are filled in here.
    ///
    /// # Errors
    /// A file that is not ours, before anything is written; or what the system says.
    pub fn apply(&self, plan: &Plan, mut next: Manifest) -> Result<Done, Refused> {
        let before = self.known.clone().unwrap_or_default();
        let mut done = Done::default();
        let mut write: Vec<(&str, &str, bool)> = Vec::new();
        for (path, text) in &plan.secrets {
            write.push((path, text, true));
            done.new += 1;
        }
        let mut both = before.files.clone();
        for (path, text) in &plan.texts {
            let wanted = sum(text.as_bytes());
            let full = self.path(path);
            match fs::read(&full) {
                Ok(there) if sum(&there) == wanted => done.same += 1,
                Ok(there) if before.files.get(path).is_some_and(|sums| sums.contains(&sum(&there))) => {
                    write.push((path, text, false));
                    done.changed.push(path.clone());
                }
                Ok(_) => return Err(Refused::Changed(full)),
                Err(e) if e.kind() == ErrorKind::NotFound => {
                    write.push((path, text, false));
                    done.new += 1;
                }
                Err(e) => return Err(Refused::Io(full, e)),
            }
            both.entry(path.clone()).or_default().push(wanted.clone());
            next.files.insert(path.clone(), vec![wanted]);
        }
        // What a crash leaves half done is ours all the same: both sums are known before the first file is replaced.
        // The keys are the old ones until the seeds lie there.
        if !write.is_empty() {
            let fleet = next.fleet.clone();
            let between = Manifest { schema: crate::wire::SCHEMA, fleet, files: both, ..before.clone() };
            self.write_all(&[(MANIFEST, &manifest_text(&between), true)])?;
        }
        // Seeds first: a server's file never names a key whose seed a crash took.
        let (secrets, texts): (Vec<_>, Vec<_>) = write.into_iter().partition(|(.., secret)| *secret);
        self.write_all(&secrets)?;
        self.write_all(&texts)?;
        self.remove(plan, &before, &mut next, &mut done)?;
        if self.known.as_ref() != Some(&next) {
            self.write_all(&[(MANIFEST, &manifest_text(&next), true)])?;
        }
        Ok(done)
    }

    /// Writes files, each whole or not at all: all of them are on the disk before the first has its name.
    fn write_all(&self, files: &[(&str, &str, bool)]) -> Result<(), Refused> {
        let half = |path: &str| self.path(&format!("{path}{HALF}"));
        let mut folders = BTreeSet::new();
        for (path, text, secret) in files {
            let at = half(path);
            let mut write = || -> io::Result<()> {
                let folder = at.parent().unwrap_or(&self.folder);
                if folders.insert(folder.to_owned()) {
                    self.make_folders(folder)?;
                }
                match fs::remove_file(&at) {
                    Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
                    _ => {}
                }
                create(&at, *secret)?.write_all(text.as_bytes())
            };
            write().map_err(|error| Refused::Io(at.clone(), error))?;
        }
        let at: Vec<PathBuf> = files.iter().map(|(path, ..)| half(path)).collect();
        self.to_disk(&at)?;
        for (path, ..) in files {
            fs::rename(half(path), self.path(path)).map_err(|error| Refused::Io(self.path(path), error))?;
        }
        for folder in folders {
            // Not every system can do this for a folder; the files themselves are safe.
            if files.len() < MANY
                && let Ok(folder) = File::open(folder)
            {
                let _ = folder.sync_all();
            }
        }
        if files.len() < MANY { Ok(()) } else { self.to_disk(&[]) }
    }

    /// Waits until files are on the disk; for many of them, once for all that the disk still waits for.
    fn to_disk(&self, files: &[PathBuf]) -> Result<(), Refused> {
        if (files.is_empty() || files.len() >= MANY)
            && whole_disk(&self.folder).map_err(|error| Refused::Io(self.folder.clone(), error))?
        {
            return Ok(());
        }
        for at in files {
            // A handle that may write, for Windows flushes no other.
            let sync = || OpenOptions::new().write(true).open(at)?.sync_all();
            sync().map_err(|error| Refused::Io(at.clone(), error))?;
        }
        Ok(())
    }

    /// Makes a folder below ours, and those between: what holds secrets is nobody else's from the start.
    fn make_folders(&self, folder: &Path) -> io::Result<()> {
        let mut at = self.folder.clone();
        for part in folder.strip_prefix(&self.folder).unwrap_or(Path::new("")) {
            at.push(part);
            let below = at.strip_prefix(&self.folder).unwrap_or(&at);
            let open = ["server", "systemd", "leaves"].iter().any(|name| below.starts_with(name));
            make_folder(&at, !open || part == "tls")?;
        }
        Ok(())
    }

    fn remove(&self, plan: &Plan, before: &Manifest, next: &mut Manifest, done: &mut Done) -> Result<(), Refused> {
        let mut parents = BTreeSet::new();
        let texts = before.files.iter().filter(|(path, _)| !plan.texts.contains_key(*path));
        for (path, sums) in texts {
            let full = self.path(path);
            match fs::read(&full) {
                Ok(there) if sums.contains(&sum(&there)) => {
                    fs::remove_file(&full).map_err(|error| Refused::Io(full.clone(), error))?;
                    done.removed += 1;
                }
                // It stays ours to tell of, until somebody takes it away.
                Ok(_) => {
                    next.files.insert(path.clone(), sums.clone());
                    done.left.push(path.clone());
                }
                Err(_) => {}
            }
            parents.extend(full.parent().map(Path::to_owned));
        }
        for path in &plan.gone {
            let full = self.path(path);
            match fs::remove_file(&full) {
                Ok(()) => done.removed += 1,
                Err(e) if e.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(Refused::Io(full, error)),
            }
            parents.extend(full.parent().map(Path::to_owned));
        }
        for folder in parents.iter().rev().filter(|folder| **folder != self.folder) {
            // One that still holds something stays.
            let _ = fs::remove_dir(folder);
        }
        Ok(())
    }
}

fn manifest_text(manifest: &Manifest) -> String {
    // This type always can be written; what could not would be refused when it is read.
    serde_json::to_string_pretty(manifest).unwrap_or_default() + "\n"
}

/// Waits for everything on the disk of a folder; `false` where the system has no such call.
#[cfg(target_os = "linux")]
fn whole_disk(folder: &Path) -> io::Result<bool> {
    rustix::fs::syncfs(File::open(folder)?)?;
    Ok(true)
}

#[cfg(not(target_os = "linux"))]
fn whole_disk(folder: &Path) -> io::Result<bool> {
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
fn make_folder(path: &Path, private: bool) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    // Only the last part is new where it is private; the folder itself may be several deep.
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(if private { 0o700 } else { 0o755 }).create(path)
}

#[cfg(not(unix))]
fn make_folder(path: &Path, _: bool) -> io::Result<()> {
    fs::create_dir_all(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(texts: &[(&str, &str)], secrets: &[(&str, &str)]) -> Plan {
        let mut plan = Plan::default();
        for (path, text) in texts {
            plan.text(*path, (*text).to_owned());
        }
        for (path, text) in secrets {
            plan.secret(*path, (*text).to_owned());
        }
        plan
    }

    fn manifest() -> Manifest {
        Manifest { schema: 1, fleet: "x".into(), ..Manifest::default() }
    }

    #[test]
    fn a_second_run_changes_nothing_and_what_is_not_wanted_goes() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("out");
        let texts = [("seats/jkt/a/agent.toml", "one"), ("server/nats.conf", "two")];
        let first = Output::open(&at).unwrap().apply(&plan(&texts, &[("seats/jkt/a/link.nk", "s")]), manifest());
        assert_eq!(first.unwrap(), Done { new: 3, ..Done::default() });
        let written = |path: &str| fs::metadata(at.join(path)).unwrap().modified().unwrap();
        let stamps = [written(MANIFEST), written("server/nats.conf")];
        let again = Output::open(&at).unwrap().apply(&plan(&texts, &[]), manifest()).unwrap();
        assert_eq!((again, stamps), (Done { same: 2, ..Done::default() }, [written(MANIFEST), written(texts[1].0)]));
        let mut less = plan(&texts[1..], &[]);
        less.remove("seats/jkt/a/link.nk");
        let done = Output::open(&at).unwrap().apply(&less, manifest()).unwrap();
        assert_eq!(done, Done { same: 1, removed: 2, ..Done::default() });
        assert!(!at.join("seats/jkt/a").exists() && at.join("server/nats.conf").exists());
    }

    #[test]
    fn what_is_somebody_elses_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("letter"), "mine").unwrap();
        assert!(matches!(Output::open(folder.path()), Err(Refused::Foreign(_))));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "not even a lock");

        let at = folder.path().join("out");
        let one = [("server/nats.conf", "one"), ("trust.toml", "one")];
        Output::open(&at).unwrap().apply(&plan(&one, &[]), manifest()).unwrap();
        fs::write(at.join("trust.toml"), "by hand").unwrap();
        let other = [("server/nats.conf", "two"), ("trust.toml", "two")];
        let refused = Output::open(&at).unwrap().apply(&plan(&other, &[]), manifest());
        assert!(matches!(refused, Err(Refused::Changed(path)) if path.ends_with("trust.toml")));
        assert_eq!(fs::read_to_string(at.join("server/nats.conf")).unwrap(), "one", "nothing was begun");
        // No longer wanted, it is left and told of.
        let done = Output::open(&at).unwrap().apply(&plan(&one[..1], &[]), manifest()).unwrap();
        assert_eq!(done.left, ["trust.toml"]);
        assert_eq!(fs::read_to_string(at.join("trust.toml")).unwrap(), "by hand");
    }

    #[test]
    fn one_writes_at_a_time_and_a_broken_manifest_is_no_licence() {
        let folder = tempfile::tempdir().unwrap();
        let held = Output::open(folder.path()).unwrap();
        assert!(matches!(Output::open(folder.path()), Err(Refused::Busy(_))));
        held.apply(&plan(&[("a", "b")], &[]), manifest()).unwrap();
        drop(held);
        fs::write(folder.path().join(MANIFEST), "{").unwrap();
        assert!(matches!(Output::open(folder.path()), Err(Refused::NoManifest(_))));
    }

    #[cfg(unix)]
    #[test]
    fn a_secret_is_its_owners_only_and_so_is_its_folder() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("out");
        let done = Output::open(&at).unwrap().apply(
            &plan(&[("server/nats.conf", "x")], &[("server/tls/server.key", "s"), ("seats/jkt/a/link.nk", "s")]),
            manifest(),
        );
        done.unwrap();
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
