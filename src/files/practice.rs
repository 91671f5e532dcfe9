//! A trainer's own stories and decks, and each trainee's boxes: where they lie, read with bounds, written whole. What they
//! mean is decided in `drill`.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::{Bad, Folders, read, write};
use crate::book::Refused;
use crate::drill::boxes::Boxes;
use crate::drill::deck::{self, Deck};
use crate::drill::story::{self, Stories};
use crate::rules::RuleSet;

/// Where one's own stories are looked for.
#[must_use]
pub fn scenarios(folders: &Folders) -> Option<PathBuf> {
    folders.config.as_ref().map(|folder| folder.join("scenarios.toml"))
}

/// Where one's own decks are looked for.
#[must_use]
pub fn decks(folders: &Folders) -> Option<PathBuf> {
    folders.config.as_ref().map(|folder| folder.join("decks"))
}

/// A trainee's boxes; `id` is a cleaned id.
#[must_use]
pub fn boxes(folders: &Folders, id: &str) -> Option<PathBuf> {
    folders.state.as_ref().map(|folder| folder.join("drill").join(format!("{id}.toml")))
}

/// The embedded stories with one's own, where there are some. One's own are held against the rules in use.
///
/// # Errors
/// Why one's own can't be used.
pub fn stories(folders: &Folders, rules: &RuleSet) -> Result<Stories, Bad> {
    let built_in = Stories::built_in();
    let Some(path) = scenarios(folders) else { return Ok(built_in) };
    let source = match read(&path) {
        Ok(source) => source,
        Err(e) if e.error.kind() == ErrorKind::NotFound => return Ok(built_in),
        Err(e) => return Err(Bad::Unreadable(e)),
    };
    let own = story::read(&source).and_then(|own| {
        let unknown = own.unknown_names(rules);
        if unknown.is_empty() { Ok(own) } else { Err(unknown) }
    });
    match own {
        Ok(own) => Ok(built_in.with(own)),
        Err(problems) => Err(Bad::Refused { path, refused: Refused { source, problems } }),
    }
}

/// A deck by its file, and its source for what is wrong with it under these rules.
///
/// # Errors
/// Why it can't be used.
pub fn load_deck(path: &Path) -> Result<(Deck, Vec<u8>), Bad> {
    let source = read(path).map_err(Bad::Unreadable)?;
    match deck::read(&source) {
        Ok(deck) => Ok((deck, source)),
        Err(problems) => Err(Bad::Refused { path: path.into(), refused: Refused { source, problems } }),
    }
}

/// The names of one's own decks.
#[must_use]
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

/// A trainee's boxes. A file that is broken is put aside, so that nothing in it is lost; what is good in it counts.
///
/// # Errors
/// What the system says.
pub fn load_boxes(folders: &Folders, id: &str) -> io::Result<Boxes> {
    let Some(path) = boxes(folders, id) else { return Ok(Boxes::default()) };
    let bytes = match read(&path) {
        Ok(bytes) => bytes,
        Err(e) if e.error.kind() == ErrorKind::NotFound => return Ok(Boxes::default()),
        Err(e) => return Err(e.error),
    };
    let (boxes, whole) = std::str::from_utf8(&bytes).map_or((Boxes::default(), false), Boxes::parse);
    if !whole {
        fs::rename(&path, path.with_extension("toml.rusak"))?;
    }
    Ok(boxes)
}

/// Keeps a trainee's boxes.
///
/// # Errors
/// What the system says.
pub fn save_boxes(folders: &Folders, id: &str, kept: &Boxes) -> io::Result<()> {
    boxes(folders, id).map_or(Ok(()), |path| write(&path, kept.to_toml().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::Book;

    #[test]
    fn boxes_come_back_and_a_broken_file_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders { state: Some(folder.path().into()), ..Folders::default() };
        assert_eq!(load_boxes(&folders, "a").unwrap(), Boxes::default());
        let mut kept = Boxes::default();
        kept.record("situasi", "x", true, "2026-03-02T01:00:00Z".parse().unwrap());
        save_boxes(&folders, "a", &kept).unwrap();
        assert_eq!(load_boxes(&folders, "a").unwrap(), kept);
        let path = boxes(&folders, "a").unwrap();
        fs::write(&path, b"\xff").unwrap();
        assert_eq!(load_boxes(&folders, "a").unwrap(), Boxes::default());
        assert!(!path.exists() && path.with_extension("toml.rusak").exists());
        assert!(save_boxes(&Folders::default(), "a", &kept).is_ok());
    }

    #[test]
    fn ones_own_stories_are_added_and_bad_ones_refused() {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders { config: Some(folder.path().into()), ..Folders::default() };
        let rules = Book::built_in().rules;
        let built_in = stories(&folders, &rules).unwrap();
        assert_eq!(built_in, Stories::built_in());
        let path = scenarios(&folders).unwrap();
        fs::write(&path, story::TEMPLATE).unwrap();
        assert_eq!(stories(&folders, &rules).unwrap().scenarios.len(), built_in.scenarios.len());
        fs::write(&path, "schema = 1\n[[scenario]]\nid = \"x\"\n").unwrap();
        assert!(matches!(stories(&folders, &rules), Err(Bad::Refused { .. })));
        fs::create_dir(decks(&folders).unwrap()).unwrap();
        fs::write(decks(&folders).unwrap().join("kelas.toml"), deck::BUILT_IN).unwrap();
        assert_eq!(deck_names(&folders), ["kelas"]);
        assert!(load_deck(&decks(&folders).unwrap().join("kelas.toml")).is_ok());
    }
}
