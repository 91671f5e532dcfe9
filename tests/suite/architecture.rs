//! The architecture's rules, checked in the source text: which module may name which, which may use disk, clock or network,
//! how long a file may be.

use std::fs;
use std::path::{Path, PathBuf};

/// A source file: its path below its crate's `src`, and its lines before its tests.
struct Source {
    name: String,
    lines: Vec<String>,
}

impl Source {
    /// The top-level module it belongs to: the first part of its path.
    fn module(&self) -> &str {
        self.name.split(['/', '.']).next().unwrap_or_default()
    }

    /// The top-level modules of this crate that it names.
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

/// The sources of the command-line kit.
const KIT: &str = "crates/penutup-cli-kit/src";
/// The folders of sources.
const ALL: [&str; 4] = ["src", KIT, "crates/penutup-rules/src", "fleet/src"];

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
    assert!(out.len() > 20, "too few sources in {}", root.display());
    out
}

/// The prompter's files for which `breaks` returns true.
fn prompter_files(breaks: impl Fn(&Source) -> bool) -> Vec<String> {
    files_in("src", breaks)
}

/// The fleet's files for which `breaks` returns true.
fn fleet_files(breaks: impl Fn(&Source) -> bool) -> Vec<String> {
    files_in("fleet/src", breaks)
}

fn files_in(folder: &str, breaks: impl Fn(&Source) -> bool) -> Vec<String> {
    let mut out: Vec<String> = sources(folder).into_iter().filter(|s| breaks(s)).map(|s| s.name).collect();
    out.sort();
    out
}

/// No file breaks the rule.
fn none() -> Vec<String> {
    Vec::new()
}

#[test]
fn rules_app_and_practice_are_pure() {
    let impure =
        ["std::fs", "std::env", "std::net", "std::process", "std::thread", "SystemTime", "Instant", "Utc::now"];
    let pure = ["app", "action", "keymap", "drill", "pages"];
    assert_eq!(prompter_files(|s| pure.contains(&s.module()) && impure.iter().any(|i| s.has(i))), none());
    assert_eq!(files_in("crates/penutup-rules/src", |s| impure.iter().any(|i| s.has(i))), none());
}

#[test]
fn only_the_screen_names_ratatui_and_only_the_terminal_writes_escape_codes() {
    assert_eq!(prompter_files(|s| s.module() != "tui" && s.has("ratatui::")), none());
    let writes = |s: &Source| s.has("queue!") || s.has("execute!") || s.has("EnterAlternateScreen");
    assert_eq!(prompter_files(writes), ["tui/terminal.rs"]);
    assert_eq!(fleet_files(writes), ["board.rs"]);
    assert_eq!(files_in(KIT, writes), none());
}

/// Read from Cargo.lock. It also lists dev-dependencies, but none of them needs the prompter or ratatui.
#[test]
fn the_fleet_links_neither_the_prompter_nor_ratatui() {
    let lock = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock")).unwrap();
    let lock: toml::Table = lock.parse().unwrap();
    let packages = lock["package"].as_array().unwrap();
    let mut linked = vec!["penutup-fleet"];
    let mut next = 0;
    while let Some(name) = linked.get(next).copied() {
        next += 1;
        for package in packages.iter().filter(|package| package["name"].as_str() == Some(name)) {
            // "name" or "name version".
            let entries = package.get("dependencies").and_then(toml::Value::as_array).into_iter().flatten();
            let names = entries.filter_map(|entry| entry.as_str()?.split(' ').next());
            linked.extend(names.filter(|name| !linked.contains(name)).collect::<Vec<_>>());
        }
    }
    assert!(linked.contains(&"penutup-cli-kit") && linked.contains(&"async-nats"), "{linked:?}");
    linked.retain(|name| *name == "penutup" || name.starts_with("ratatui"));
    assert_eq!(linked, [""; 0]);
}

/// `--version --verbose` says that there are none.
#[test]
fn no_package_has_optional_features() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let crates = fs::read_dir(root.join("crates")).unwrap().map(|entry| entry.unwrap().path());
    let packages: Vec<PathBuf> = crates.chain([root.to_owned(), root.join("fleet")]).collect();
    assert!(packages.len() >= 7, "{packages:?}");
    for package in packages {
        let manifest: toml::Table = fs::read_to_string(package.join("Cargo.toml")).unwrap().parse().unwrap();
        assert!(!manifest.contains_key("features"), "{}", package.display());
    }
}

/// The line mode shares nothing with the screen, in either direction.
#[test]
fn screen_and_line_mode_do_not_name_each_other() {
    let names = |s: &Source, modules: &[&str]| s.imports().iter().any(|i| modules.contains(&i.as_str()));
    assert_eq!(prompter_files(|s| s.module() == "plain" && names(s, &["tui"])), none());
    assert_eq!(prompter_files(|s| s.module() == "tui" && names(s, &["plain"])), none());
    assert_eq!(prompter_files(|s| ["run", "pages"].contains(&s.module()) && names(s, &["tui", "plain"])), none());
    assert_eq!(prompter_files(|s| s.module() == "plain" && (s.has("crossterm") || s.has("x1b"))), none());
}

#[test]
fn only_some_modules_use_the_disk() {
    let allowed = ["files", "own_files", "watch", "journal", "softphone", "cli", "fleet_agent"];
    // `tui/tty.rs` opens the terminal by its path, which is no disk access.
    let is_allowed = |s: &Source| allowed.contains(&s.module()) || s.name == "tui/tty.rs";
    let touches = |s: &Source| s.has("std::fs") || s.has("fs::") || s.has("File::");
    assert_eq!(prompter_files(|s| !is_allowed(s) && touches(s)), none());
    assert_eq!(files_in(KIT, |s| s.module() != "files" && touches(s)), none());
}

#[test]
fn every_file_begins_with_a_doc_comment_and_stays_short() {
    let lacks_doc = |s: &Source| !s.lines.first().is_some_and(|l| l.starts_with("//!"));
    for folder in ALL {
        assert_eq!(files_in(folder, lacks_doc), none());
        assert_eq!(files_in(folder, |s| s.lines.len() > 700), none());
    }
}

#[test]
fn no_lint_is_allowed_and_nothing_is_unfinished() {
    let silenced = |s: &Source| s.code().any(|l| l.contains("#[allow(") || l.contains("#![allow("));
    let unfinished = |s: &Source| s.has("todo!(") || s.has("unimplemented!(") || s.has("dbg!(");
    for folder in ALL {
        assert_eq!(files_in(folder, silenced), none());
        assert_eq!(files_in(folder, unfinished), none());
    }
}

/// Wire formats are parsed and serialized without network, disk or clock.
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
    assert_eq!(fleet_files(|s| pure(s) && impure.iter().any(|i| s.has(i))), none());
    assert_eq!(fleet_files(|s| s.module() == "wire" && s.imports().iter().any(|i| i != "wire")), none());
}

/// Connecting, reading a seed, revealing a secret and configuring the database.
#[test]
fn each_risky_call_of_the_fleet_is_in_one_file() {
    assert_eq!(fleet_files(|s| s.has("ConnectOptions")), ["link.rs"]);
    assert_eq!(fleet_files(|s| s.has("from_seed(")), ["secret.rs"]);
    assert_eq!(fleet_files(|s| s.has("reveal()")), ["link.rs"]);
    assert_eq!(fleet_files(|s| s.has("tokio_postgres::") && s.has("Config::new()")), ["database.rs"]);
}
