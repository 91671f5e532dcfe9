//! Files that are almost valid: whatever `check` accepts is spoken and shown everywhere. The bytes are decisions, not
//! the file: which sound file is taken and what is done to its parts. The property is the suite's own.

#![no_main]

#[path = "../../tests/suite/support/accepted.rs"]
mod accepted;
#[path = "../../tests/suite/support/near_valid_rules.rs"]
mod near_valid_rules;
#[path = "../../tests/suite/support/random_rules.rs"]
mod random_rules;

use std::sync::LazyLock;

use accepted::{Folder, holds};
use libfuzzer_sys::fuzz_target;

/// Where the verbs find their files; one for each process, so that several may run.
static FOLDER: LazyLock<(tempfile::TempDir, Folder)> = LazyLock::new(|| {
    let home = tempfile::TempDir::new().expect("a folder for the verbs");
    let folder = Folder::new(home.path());
    (home, folder)
});

fuzz_target!(|bytes: &[u8]| {
    let source = near_valid_rules::file(bytes);
    // With this variable the file that a finding makes is shown.
    if std::env::var_os("SHOW_FILE").is_some() {
        eprintln!("{source}");
    }
    holds(source.as_bytes(), &FOLDER.1);
});
