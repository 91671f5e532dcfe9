//! Secrets (nkey seeds, passwords): read from files that only their user can read, never shown in a message or a log.

use std::fmt;
use std::path::Path;

use nkeys::KeyPair;
use penutup_cli_kit::diagnostics::outside;
use penutup_cli_kit::files::{self, shown_path};
use penutup_cli_kit::words::Lang;

use crate::error::CliError;
use crate::words::words;

/// In bytes.
const MAX_SECRET: usize = 4 * 1024;

/// The seed of a user nkey. Its `Debug` form does not show it.
pub struct Seed(String);

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed")
    }
}

impl Seed {
    /// Reads a seed file that nobody else can read.
    pub fn read(path: &Path, lang: Lang) -> Result<Self, CliError> {
        let text = read(path, lang)?;
        Self::in_text(&text).ok_or_else(|| CliError::new(words(lang).secret.no_seed(shown_path(path))))
    }

    /// The seed in the text of a seed file: its first line that is no comment.
    pub fn in_text(text: &str) -> Option<Self> {
        let seed = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'))?;
        Self::is_seed(seed).then(|| Self(seed.to_owned()))
    }

    pub fn is_seed(text: &str) -> bool {
        text.starts_with("SU") && KeyPair::from_seed(text).is_ok()
    }

    #[expect(clippy::missing_panics_doc, reason = "it can't: `in_text` checked the seed")]
    pub fn pair(&self) -> KeyPair {
        KeyPair::from_seed(&self.0).expect("checked by in_text")
    }

    /// The seed itself, for the NATS client.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// Reads a secret file that nobody else can read.
pub fn read(path: &Path, lang: Lang) -> Result<String, CliError> {
    let words = words(lang);
    let shown = shown_path(path);
    if is_open_to_others(path) {
        return Err(
            CliError::new(words.secret.readable_by_others(&shown)).help(words.secret.readable_by_others_help(&shown))
        );
    }
    let bytes = files::read(path).map_err(|e| {
        let why = outside::reason(&e.error, lang.words());
        CliError::new(words.secret.unreadable(&shown, &why))
    })?;
    let text = String::from_utf8(bytes).ok().filter(|text| text.len() <= MAX_SECRET);
    text.ok_or_else(|| CliError::new(words.secret.no_seed(&shown)))
}

#[cfg(unix)]
fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

/// On Windows the folder's inherited access rights apply.
#[cfg(not(unix))]
fn is_open_to_others(_: &Path) -> bool {
    false
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_seed_file_must_hold_a_seed_and_be_private() {
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
            let error = write(text, mode).unwrap_err();
            assert!(!error.message.contains(&seed) && error.message.contains("link.nk"), "{error:?}");
        }
        assert!(Seed::read(&folder.path().join("none"), Lang::Id).is_err());
    }
}
