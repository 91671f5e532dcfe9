//! The house's own rules, read from the sources: who may import whom, who may touch what, how long a file may be.

use std::fs;
use std::path::{Path, PathBuf};

/// A source file: its path below its crate's `src`, and its lines before its tests.
struct Source {
    name: String,
    lines: Vec<String>,
}

impl Source {
    /// The room it belongs to: the first part of its path.
    fn room(&self) -> &str {
        self.name.split(['/', '.']).next().unwrap_or_default()
    }

    /// The rooms of this crate that it names.
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

/// The folders of sources.
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

/// The prompter's files for which `breaks` returns true.
fn who(breaks: impl Fn(&Source) -> bool) -> Vec<String> {
    of("src", breaks)
}

/// The fleet's.
fn who_of_the_fleet(breaks: impl Fn(&Source) -> bool) -> Vec<String> {
    of("fleet/src", breaks)
}

fn of(folder: &str, breaks: impl Fn(&Source) -> bool) -> Vec<String> {
    let mut out: Vec<String> = sources(folder).into_iter().filter(|s| breaks(s)).map(|s| s.name).collect();
    out.sort();
    out
}

fn nobody() -> Vec<String> {
    Vec::new()
}

#[test]
fn the_domain_and_the_app_are_pure() {
    let impure =
        ["std::fs", "std::env", "std::net", "std::process", "std::thread", "SystemTime", "Instant", "Utc::now"];
    let pure = ["app", "action", "keymap", "drill", "pages"];
    assert_eq!(who(|s| pure.contains(&s.room()) && impure.iter().any(|i| s.has(i))), nobody());
    assert_eq!(of("crates/penutup-rules/src", |s| impure.iter().any(|i| s.has(i))), nobody());
}

#[test]
fn only_the_screen_names_ratatui_and_only_the_terminal_writes_escape_codes() {
    assert_eq!(who(|s| s.room() != "tui" && s.has("ratatui::")), nobody());
    let writes = |s: &Source| s.has("queue!") || s.has("execute!") || s.has("EnterAlternateScreen");
    assert_eq!(who(writes), ["tui/terminal.rs"]);
}

/// The line mode shares nothing with the screen, in either direction.
#[test]
fn the_two_views_know_nothing_of_each_other() {
    let names = |s: &Source, rooms: &[&str]| s.imports().iter().any(|i| rooms.contains(&i.as_str()));
    assert_eq!(who(|s| s.room() == "plain" && names(s, &["tui"])), nobody());
    assert_eq!(who(|s| s.room() == "tui" && names(s, &["plain"])), nobody());
    assert_eq!(who(|s| ["run", "pages"].contains(&s.room()) && names(s, &["tui", "plain"])), nobody());
    assert_eq!(who(|s| s.room() == "plain" && (s.has("crossterm") || s.has("x1b"))), nobody());
}

#[test]
fn the_disk_is_touched_by_few() {
    let may = ["files", "own_files", "watch", "journal", "softphone", "cli"];
    // A terminal is opened by its path, too, but is no disk.
    let may = |s: &Source| may.contains(&s.room()) || s.name == "tui/tty.rs";
    assert_eq!(who(|s| !may(s) && (s.has("std::fs") || s.has("fs::") || s.has("File::"))), nobody());
}

#[test]
fn every_file_begins_with_a_doc_comment_and_stays_short() {
    let opens_not = |s: &Source| !s.lines.first().is_some_and(|l| l.starts_with("//!"));
    for folder in ALL {
        assert_eq!(of(folder, opens_not), nobody());
        assert_eq!(of(folder, |s| s.lines.len() > 700), nobody());
    }
}

#[test]
fn nothing_is_silenced_without_a_reason() {
    let silenced = |s: &Source| s.code().any(|l| l.contains("#[allow(") || l.contains("#![allow("));
    let unfinished = |s: &Source| s.has("todo!(") || s.has("unimplemented!(") || s.has("dbg!(");
    for folder in ALL {
        assert_eq!(of(folder, silenced), nobody());
        assert_eq!(of(folder, unfinished), nobody());
    }
}

/// What crosses the network is bytes in and meaning out: no network, no disk, no clock.
#[test]
fn the_fleets_forms_are_pure() {
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
    let pure = |s: &Source| s.room() == "wire" || ["agent/effective.rs", "status/summary.rs"].contains(&&*s.name);
    assert_eq!(who_of_the_fleet(|s| pure(s) && impure.iter().any(|i| s.has(i))), nobody());
    assert_eq!(who_of_the_fleet(|s| s.room() == "wire" && s.imports().iter().any(|i| i != "wire")), nobody());
}

/// One place connects, one reads a seed, one writes the trusted bytes.
#[test]
fn the_fleets_doors_are_few() {
    assert_eq!(who_of_the_fleet(|s| s.has("ConnectOptions")), ["link.rs"]);
    assert_eq!(who_of_the_fleet(|s| s.has("from_seed(")), ["secret.rs"]);
    assert_eq!(who_of_the_fleet(|s| s.has("reveal()")), ["link.rs"]);
    assert_eq!(who_of_the_fleet(|s| s.has("tokio_postgres::") && s.has("Config::new()")), ["database.rs"]);
}
