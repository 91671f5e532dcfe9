//! Every text of the catalogues is used. That both languages have the same keys and placeholders, and that each
//! placeholder is filled in, the compiler checks (`build.rs`).

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The text of every source below a folder.
fn sources(folder: &Path) -> String {
    let mut out = String::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            out += &sources(&path);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out += &fs::read_to_string(&path).expect("a source");
        }
    }
    out
}

#[test]
fn every_word_of_the_catalogues_is_used() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let all = sources(&root.join("src")) + &sources(&root.join("crates")) + &sources(&root.join("fleet/src"));
    let named: BTreeSet<&str> = all.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    for package in ["crates/penutup-cli-kit", "fleet"] {
        let path = root.join(package).join("assets/locale/id.toml");
        let text = fs::read_to_string(path).expect("a catalogue");
        for (table, words) in text.parse::<toml::Table>().expect("TOML") {
            // Looked up by the names of commands and arguments; a test beside the look-up finds unused ones.
            if table == "verbs" {
                continue;
            }
            for key in words.as_table().expect("a table of words").keys() {
                assert!(named.contains(key.as_str()), "{package}: {table}.{key} is not used");
            }
        }
    }
}
