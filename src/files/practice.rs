//! Where a trainer's own stories and decks are.

use std::fs;
use std::path::PathBuf;

use super::Folders;

pub fn scenarios(folders: &Folders) -> Option<PathBuf> {
    folders.config.as_ref().map(|folder| folder.join("scenarios.toml"))
}

pub fn decks(folders: &Folders) -> Option<PathBuf> {
    folders.config.as_ref().map(|folder| folder.join("decks"))
}

/// The names of the user's own decks.
pub fn deck_names(folders: &Folders) -> Vec<String> {
    let Some(entries) = decks(folders).and_then(|folder| fs::read_dir(folder).ok()) else { return Vec::new() };
    let name = |path: PathBuf| {
        let toml = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("toml"));
        toml.then(|| path.file_stem().map(|stem| stem.to_string_lossy().into_owned())).flatten()
    };
    let mut out: Vec<String> = entries.filter_map(|entry| name(entry.ok()?.path())).collect();
    out.sort();
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decks_are_listed_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders { config: Some(folder.path().into()), ..Folders::default() };
        assert_eq!(deck_names(&folders), [""; 0]);
        let decks = decks(&folders).unwrap();
        fs::create_dir(&decks).unwrap();
        for file in ["kelas.toml", "malam.TOML", "catatan.txt"] {
            fs::write(decks.join(file), "").unwrap();
        }
        assert_eq!(deck_names(&folders), ["kelas", "malam"]);
    }
}
