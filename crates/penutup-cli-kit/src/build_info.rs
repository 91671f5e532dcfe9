//! What `--version` prints, and with `--verbose` also which build of the version this is.

use std::ffi::OsString;

use crate::words::Words;

/// The flag beside `--version`.
pub const VERBOSE: &str = "--verbose";
/// The commit that this was built from. Builds that are released say so (`tools/package.sh`); another build isn't made
/// anew for each commit only to know it.
const COMMIT: Option<&str> = option_env!("PENUTUP_COMMIT");
/// The target's triple.
const TARGET: &str = env!("PENUTUP_TARGET");

/// The text for `--version` of the program that clap rendered as `version`.
pub fn version(version: &str, args: &[OsString], words: &Words) -> String {
    let is_verbose = args.iter().take_while(|arg| *arg != "--").any(|arg| arg == VERBOSE);
    if !is_verbose {
        return version.to_owned();
    }
    let w = &words.build;
    let commit = COMMIT.unwrap_or(w.no_commit);
    let profile = if cfg!(debug_assertions) { w.debug } else { w.release };
    let rows = [
        (w.commit, commit),
        (w.target, TARGET),
        // No package has optional features; a test compares.
        (w.features, w.all_features),
        (w.profile, profile),
        ("SQLite", rusqlite::version()),
    ];
    rows.iter().fold(version.to_owned(), |text, (name, value)| text + name + ": " + value + "\n")
}
