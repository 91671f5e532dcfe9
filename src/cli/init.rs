//! `penutup init`: editable copies of rules and settings at their default paths. Never overwrites.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use super::{Context, Stop, VerbOutput};
use crate::diagnostics::outside;
use crate::drill::{deck, story};
use crate::files::{make_folder, shown_path};
use crate::rules::BUILT_IN;
use crate::settings::TEMPLATE;
use crate::words::Words;

/// Creates them.
///
/// # Errors
/// If a folder or file can't be written.
pub fn run(context: &Context) -> Result<VerbOutput, Stop> {
    let words = context.words();
    let w = &words.init;
    let (Some(folder), Some(rules), Some(settings)) =
        (&context.folders.config, context.folders.rules(), context.folders.settings())
    else {
        return Err(context.stop(w.no_home, Some(w.no_home_help)));
    };
    let failed = |path: &Path, error: &io::Error| {
        context.stop(&words.trouble.cannot_write(&*shown_path(path), &*outside::reason(error, words)), None)
    };
    make_folder(folder).map_err(|e| failed(folder, &e))?;
    let mut out = String::new();
    // The folders for a trainer's own stories and decks.
    let stories = folder.join("scenarios.toml");
    let deck = folder.join("decks").join("contoh.toml");
    if let Some(decks) = deck.parent() {
        make_folder(decks).map_err(|e| failed(decks, &e))?;
    }
    let files = [(&rules, BUILT_IN), (&settings, TEMPLATE), (&stories, story::TEMPLATE), (&deck, deck::BUILT_IN)];
    for (path, text) in files {
        let made = make(path, text).map_err(|e| failed(path, &e))?;
        let path = shown_path(path);
        let _ = writeln!(out, "{}", if made { w.made(path) } else { w.kept(path) });
    }
    let edit = w.next_edit(shown_path(&rules));
    let _ = write!(out, "\n{}\n  1. {edit}\n", w.next);
    let verbs = [("penutup check", w.next_check), ("penutup paths", w.next_paths), ("penutup", w.next_run)];
    for (number, (verb, what)) in (2..).zip(verbs) {
        let _ = writeln!(out, "  {number}. {verb:<13}   {what}");
    }
    out.push_str(&share(context.words()));
    Ok(VerbOutput::done(out))
}

/// What to put on a share, and which settings point to it.
fn share(words: &Words) -> String {
    let w = &words.init;
    let folder = if cfg!(windows) { r"S:\penutup" } else { "/srv/penutup" };
    let (file, klb) = (Path::new(folder).join("rules.toml"), Path::new(folder).join("klb"));
    format!(
        "\n{}\n  1. {}\n  2. {}\n       rules = '{}'\n       broadcast.folder = '{}'\n  3. {}   {}\n",
        w.share(folder),
        w.share_copy,
        w.share_settings,
        file.display(),
        klb.display(),
        "penutup klb on --reason \"…\"",
        w.share_klb,
    )
}

/// Writes a new file; returns whether it is new.
fn make(path: &Path, text: &str) -> io::Result<bool> {
    let mut file = match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::AlreadyExists => return Ok(false),
        Err(e) => return Err(e),
    };
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    if written.is_err() {
        // A partial file would be taken for the user's own.
        let _ = fs::remove_file(path);
    }
    written.map(|()| true)
}
