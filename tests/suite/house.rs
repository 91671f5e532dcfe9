//! The architecture's rules, checked in the sources: which module may use which, what a module may touch, how long a file
//! may be.

use std::fs;
use std::path::{Path, PathBuf};

/// A source file: its path below its crate's `src`, and its lines before its tests.
struct Source {
    name: String,
    lines: Vec<String>,
}

impl Source {
    /// The module it belongs to: the first part files_in its path.
    fn module(&self) -> &str {
        self.name.split(['/', '.']).next().unwrap_or_default()
    }

    /// The modules files_in this crate that it uses.
    fn imports(&self) -> Vec<String> {
        let mut out = Vec::new();
        for line in self.code() {
            for part in line.split("crate::").skip(1) {
                let name: String = part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                out.push(name);
            }
        }
        out
    }

    /// The lines that are not comments.
    fn code(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(String::as_str).filter(|l| !l.trim_start().starts_with("//"))
    }

    fn has(&self, text: &str) -> bool {
        self.code().any(|l| l.contains(text))
    }
}

/// The folders files_in sources.
const ALL: [&str; 3] = ["src", "crates/penutup-rules/src", "fleet/src"];

fn sources(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut folders = vec![root.clone()];
    let mut out = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let name = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
                let lines = text.lines().take_while(|l| !l.starts_with("#[cfg(test)]")).map(str::to_owned).collect();
                out.push(Source { name, lines });
            }
        }
    }
    assert!(out.len() > 20, "the sources are there");
    out
}

/// The modules files_in the prompter's files for which `breaks` returns true.
fn files_where(breaks: impl Fn(&Source) -> bool) -> Vec<String> {
    files_in("src", breaks)
}

/// The fleet's.
fn fleet_files_where(breaks: impl Fn(&Source) -> bool) -> Vec<String> {
    files_in("fleet/src", breaks)
}

fn files_in(folder: &str, breaks: impl Fn(&Source) -> bool) -> Vec<String> {
    let mut out: Vec<String> = sources(folder).into_iter().filter(|s| breaks(s)).map(|s| s.name).collect();
    out.sort();
    out
}

fn none() -> Vec<String> {
    Vec::new()
}

#[test]
fn the_domain_and_the_app_are_pure() {
    let impure =
        ["std::fs", "std::env", "std::net", "std::process", "std::thread", "SystemTime", "Instant", "Utc::now"];
    let pure = ["app", "action", "keymap", "drill", "pages"];
    assert_eq!(files_where(|s| pure.contains(&s.module()) && impure.iter().any(|i| s.has(i))), none());
    assert_eq!(files_in("crates/penutup-rules/src", |s| impure.iter().any(|i| s.has(i))), none());
}

#[test]
fn only_the_screen_names_ratatui_and_only_the_terminal_writes_escape_codes() {
    assert_eq!(files_where(|s| s.module() != "tui" && s.has("ratatui::")), none());
    let writes = |s: &Source| s.has("queue!") || s.has("execute!") || s.has("EnterAlternateScreen");
    assert_eq!(files_where(writes), ["tui/terminal.rs"]);
}

/// Line mode and screen share nothing.
#[test]
fn the_two_views_know_nothing_of_each_other() {
    let names = |s: &Source, rooms: &[&str]| s.imports().iter().any(|i| rooms.contains(&i.as_str()));
    assert_eq!(files_where(|s| s.module() == "plain" && names(s, &["tui"])), none());
    assert_eq!(files_where(|s| s.module() == "tui" && names(s, &["plain"])), none());
    assert_eq!(files_where(|s| ["run", "pages"].contains(&s.module()) && names(s, &["tui", "plain"])), none());
    assert_eq!(files_where(|s| s.module() == "plain" && (s.has("crossterm") || s.has("x1b"))), none());
}

#[test]
fn only_listed_modules_touch_the_disk() {
    let may = ["files", "own_files", "watch", "journal", "softphone", "cli"];
    // A terminal is opened by its path, too, but is no disk.
    let may = |s: &Source| may.contains(&s.module()) || s.name == "tui/tty.rs";
    assert_eq!(files_where(|s| !may(s) && (s.has("std::fs") || s.has("fs::") || s.has("File::"))), none());
}

#[test]
fn every_file_begins_with_a_doc_comment_and_stays_short() {
    let without_doc_comment = |s: &Source| !s.lines.first().is_some_and(|l| l.starts_with("//!"));
    for folder in ALL {
        assert_eq!(files_in(folder, without_doc_comment), none());
        assert_eq!(files_in(folder, |s| s.lines.len() > 700), none());
    }
}

#[test]
fn nothing_is_silenced_without_a_reason() {
    let silenced = |s: &Source| s.code().any(|l| l.contains("#[allow(") || l.contains("#![allow("));
    let unfinished = |s: &Source| s.has("todo!(") || s.has("unimplemented!(") || s.has("dbg!(");
    for folder in ALL {
        assert_eq!(files_in(folder, silenced), none());
        assert_eq!(files_in(folder, unfinished), none());
    }
}

/// The wire formats only parse and serialize: no network, no disk, no clock.
#[test]
fn the_fleets_wire_formats_are_pure() {
    let impure = [
        "tokio",
        "async_nats",
        "std::fs",
        "std::env",
        "std::net",
        "std::process",
        "std::thread",
        "SystemTime",
        "Instant",
        "Utc::now",
    ];
    let pure = |s: &Source| s.module() == "wire" || ["agent/effective.rs", "status/summary.rs"].contains(&&*s.name);
    assert_eq!(fleet_files_where(|s| pure(s) && impure.iter().any(|i| s.has(i))), none());
    assert_eq!(fleet_files_where(|s| s.module() == "wire" && s.imports().iter().any(|i| i != "wire")), none());
}

/// One place connects, one reads a seed, one writes the trusted bytes.
#[test]
fn one_module_each_connects_reads_seeds_and_signs() {
    assert_eq!(fleet_files_where(|s| s.has("ConnectOptions")), ["link.rs"]);
    assert_eq!(fleet_files_where(|s| s.has("from_seed(")), ["secret.rs"]);
    assert_eq!(fleet_files_where(|s| s.has("reveal()")), ["link.rs"]);
    assert_eq!(fleet_files_where(|s| s.has("tokio_postgres::") && s.has("Config::new()")), ["database.rs"]);
}
