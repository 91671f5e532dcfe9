//! Seeds of keys: read from files that only their user can read, kept out of every message and every log.

use std::fmt;
use std::path::Path;

use nkeys::KeyPair;
use penutup::diagnostics::outside;
use penutup::files::{self, shown_path};
use penutup::words::Lang;

use crate::fail::Fail;
use crate::words::words;

/// Where systemd tells a service that its secrets lie.
#[cfg(unix)]
const CREDENTIALS_VARIABLE: &str = "CREDENTIALS_DIRECTORY";
/// The most that is looked at of a file with a secret, in bytes.
const MAX_SECRET: usize = 4 * 1024;

/// The seed of a user's nkey. It shows itself to nobody but who asks for it by name.
pub struct Seed(String);

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed")
    }
}

impl Seed {
    /// From a file.
    ///
    /// # Errors
    /// A file that can't be read, that others can read, or that holds no seed of a user.
    pub fn read(path: &Path, lang: Lang) -> Result<Self, Fail> {
        let text = read(path, lang)?;
        let seed = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
        match seed {
            Some(seed) if Self::is_one(seed) => Ok(Self(seed.to_owned())),
            _ => Err(Fail::new(words(lang).secret.no_seed(shown_path(path)))),
        }
    }

    /// Whether a text is a seed.
    #[must_use]
    pub fn is_one(text: &str) -> bool {
        text.starts_with("SU") && KeyPair::from_seed(text).is_ok()
    }

    /// The key pair.
    ///
    /// # Panics
    /// Never: it was read before.
    #[must_use]
    pub fn pair(&self) -> KeyPair {
        KeyPair::from_seed(&self.0).expect("a seed that was read before")
    }

    /// The seed itself, for who makes the connection.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// A secret's text, from a file that only its user can read.
///
/// # Errors
/// A file that can't be read, or that others can read.
pub fn read(path: &Path, lang: Lang) -> Result<String, Fail> {
    let words = words(lang);
    let shown = shown_path(path);
    if is_open_to_others(path) {
        let fail = Fail::new(words.secret.open(&shown));
        return Err(fail.help(words.secret.open_help(&shown)));
    }
    let bytes = files::read(path).map_err(|e| {
        let why = outside::reason(&e.error, lang.words());
        Fail::new(words.secret.unreadable(&shown, &why))
    })?;
    let text = String::from_utf8(bytes).ok().filter(|text| text.len() <= MAX_SECRET);
    text.ok_or_else(|| Fail::new(words.secret.no_seed(&shown)))
}

#[cfg(unix)]
fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let others = others(path, std::env::var_os(CREDENTIALS_VARIABLE).as_deref().map(Path::new));
    std::fs::metadata(path).is_ok_and(|about| about.permissions().mode() & others != 0)
}

/// The bits of a mode that let somebody else read. What systemd hands a service (`LoadCredential=`) is opened to its user
/// by an access list, whose mask stands where the group's bits do; the folder keeps everybody else out.
#[cfg(unix)]
fn others(path: &Path, credentials: Option<&Path>) -> u32 {
    let is_handed = credentials.is_some_and(|folder| folder.is_absolute() && path.parent() == Some(folder));
    if is_handed { 0o007 } else { 0o077 }
}

/// On Windows the folder's inherited rights say who may read; `provision` says so.
#[cfg(not(unix))]
fn is_open_to_others(_: &Path) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn only_a_seed_that_nobody_else_reads_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("link.nk");
        let pair = KeyPair::new_user();
        let write = |text: &str, mode| {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            Seed::read(&path, Lang::En)
        };
        let seed = pair.seed().unwrap();
        let read = write(&format!("# seat a01\n{seed}\n"), 0o600).unwrap();
        assert_eq!(read.pair().public_key(), pair.public_key());
        assert_eq!(format!("{read:?}"), "Seed");
        for (text, mode) in [(seed.as_str(), 0o640), (seed.as_str(), 0o604), ("", 0o600), (&pair.public_key(), 0o600)] {
            let fail = write(text, mode).unwrap_err();
            assert!(!fail.message.contains(&seed) && fail.message.contains("link.nk"), "{fail:?}");
        }
        assert!(Seed::read(&folder.path().join("none"), Lang::Id).is_err());
    }

    #[test]
    fn only_what_systemd_hands_over_may_have_a_mask_in_the_groups_bits() {
        let credentials = Some(Path::new("/run/credentials/a.service"));
        assert_eq!(others(Path::new("/run/credentials/a.service/link.nk"), credentials), 0o007);
        for path in ["/etc/link.nk", "/run/credentials/a.service/../link.nk", "link.nk"] {
            assert_eq!(others(Path::new(path), credentials), 0o077, "{path}");
        }
        assert_eq!(others(Path::new("link.nk"), Some(Path::new(""))), 0o077);
        assert_eq!(others(Path::new("/etc/link.nk"), None), 0o077);
    }
}
