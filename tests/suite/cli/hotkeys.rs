//! `penutup hotkeys`: the list, and what is printed for programs that only Windows has.

use std::path::Path;

use serde::Deserialize;

use crate::support::Home;

const SETTINGS: &str = "[hotkeys]\nsaid = 'alt+ctrl+space'\n\"topik=pln-mobile\" = 'Ctrl+Alt+M'\nsapaan = 'Win+F9'\n\
                        \"sapaan=pak\" = 'Ctrl+Shift+F9'\nnext = 'Ctrl+Alt+PgDn'\nbasis = 'Ctrl+Alt+9'\n";

fn home() -> Home {
    let home = Home::new();
    home.write_config("settings.toml", SETTINGS);
    home
}

/// No prompter is open, and the tests have no desktop; on Windows each program has one.
const STATE: (&str, &str) = if cfg!(windows) {
    ("no-prompter", "tidak aktif: tidak ada layar penutup yang memakainya; buka ulang penutup\n")
} else if cfg!(target_os = "macos") {
    ("macos", "tidak aktif: tidak didukung di macOS\n")
} else {
    ("no-display", "tidak aktif: terminal ini tidak berada di desktop\n")
};

#[test]
fn the_list_says_what_each_hotkey_does() {
    let home = home();
    let lines = [
        "Ctrl+Alt+Space     said              sudah disampaikan      ",
        "Ctrl+Alt+M         topik=pln-mobile  Topik: PLN Mobile      ",
        "Super+F9           sapaan            Sapaan: ganti pilihan  ",
        "Ctrl+Shift+F9      sapaan=pak        Sapaan: Bapak          ",
        "Ctrl+Alt+PageDown  next              panggilan berikutnya   ",
        "Ctrl+Alt+9         basis             dasar SOP              ",
    ];
    let note = "\nUntuk memasangnya di desktop atau program lain: penutup hotkeys --for PROGRAM\n";
    let expected = lines.map(|line| line.to_owned() + STATE.1).concat() + if cfg!(windows) { "" } else { note };
    assert_eq!(home.penutup(["hotkeys"]).ok(), expected);
    assert!(home.penutup(["hotkeys", "--lang", "en"]).ok().contains("  said              said     "));
    let listed = home.penutup(["hotkeys", "--format", "json"]).json();
    let second = serde_json::json!({
        "press": "topik=pln-mobile", "keys": "Ctrl+Alt+M", "label": "Topik: PLN Mobile", "state": STATE.0
    });
    assert_eq!((&listed["hotkeys"][1], listed["hotkeys"].as_array().map(Vec::len)), (&second, Some(6)));
}

#[test]
fn the_zone_and_the_answer_about_a_fact_can_be_hotkeys() {
    let home = home();
    home.write_config(
        "settings.toml",
        "[hotkeys]\n\"zone=WITA\" = 'Ctrl+Alt+1'\nzone = 'Ctrl+Alt+2'\nstill = 'Ctrl+Alt+3'",
    );
    let listed = home.penutup(["hotkeys", "--format", "json"]).json();
    let labels: Vec<&str> = (0..3).filter_map(|at| listed["hotkeys"][at]["label"].as_str()).collect();
    assert_eq!(labels, ["zona waktu pelanggan: WITA", "zona waktu pelanggan", "masih berlaku"]);
}

#[test]
fn without_hotkeys_it_says_how_to_add_some() {
    let home = Home::new();
    let message = home.penutup(["hotkeys"]).ok();
    assert!(message.starts_with("Belum ada tombol pintas."), "{message}");
    let (_, lines) = message.split_once("\n\n").expect("a table");
    let file = message.split_once(" di akhir ").and_then(|(_, rest)| rest.split_once(":\n")).expect("a file").0;
    assert_eq!(Path::new(file), home.config("settings.toml"));
    home.write_config("settings.toml", format!("lang = \"en\"\n[journal]\ndays = 7\n{lines}"));
    assert_eq!(
        home.penutup(["hotkeys"]).ok().lines().filter(|line| line.starts_with("Ctrl+Alt+")).count(),
        4,
        "{lines}"
    );
    let none = Home::new().penutup(["hotkeys", "--format", "json"]).ok();
    assert_eq!(none, "{\"hotkeys\":[],\"others\":[]}\n");
}

#[test]
fn every_press_that_the_rules_do_not_know_is_reported_with_the_nearest() {
    let home = home();
    let settings =
        "[hotkeys]\nsadi = 'Ctrl+Alt+1'\n\"topik=pln-mobil\" = 'Ctrl+Alt+2'\nnama = 'Ctrl+Alt+3'\nklb = 'Ctrl+Alt+4'";
    home.write_config("settings.toml", settings);
    for args in [&["hotkeys"][..], &["hotkeys", "--for", "i3"]] {
        let message = home.penutup(args).failed();
        for part in [
            "\"sadi\"",
            "Maksudnya \"said\"?",
            "\"topik=pln-mobil\"",
            "Maksudnya \"pln-mobile\"?",
            "\"nama\": isian itu harus diketik",
        ] {
            assert!(message.contains(part), "{part} is not in {message}");
        }
        assert_eq!(message.matches("kesalahan").count(), 3, "{message}");
    }
    home.write_config("settings.toml", "hotkeys.klb = 'K'");
    assert!(home.penutup(["hotkeys"]).failed().contains("settings.toml:1:15"));
    home.penutup(["hotkeys", "--for", "i3", "--format", "json"]).failed();
    assert!(
        home.penutup(["hotkeys", "--for", "xfce"]).failed().contains("gnome, kde, sway, i3, autohotkey, powertoys")
    );
}

#[test]
fn without_hotkeys_the_suggested_ones_are_bound_and_that_is_said() {
    let home = Home::new();
    let script = home.penutup(["hotkeys", "--for", "autohotkey"]).ok();
    assert!(script.starts_with("; Di pengaturan belum ada [hotkeys]"), "{script}");
    for key in ["^!Space::", "^!Backspace::", "^!k::", "^!m::"] {
        assert!(script.contains(key), "{script}");
    }
    let ran = home.penutup(["hotkeys", "--for", "powertoys"]).run();
    ran.status(0);
    assert!(ran.err.starts_with("Di pengaturan belum ada [hotkeys]"), "{}", ran.err);
    serde_json::from_str::<serde_json::Value>(&ran.out).expect("JSON");
}

/// A file of Keyboard Manager (`KeyboardManagerProfile` of `PowerToys`).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the keys of the file")]
struct Profile {
    remap_keys: InProcess,
    remap_keys_to_text: InProcess,
    remap_shortcuts: Shortcuts,
    remap_shortcuts_to_text: Shortcuts,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct InProcess {
    in_process: Vec<()>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Shortcuts {
    global: Vec<Shortcut>,
    app_specific: Vec<()>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Shortcut {
    original_keys: String,
    exact_match: bool,
    operation_type: u8,
    run_program_elevation_level: u8,
    run_program_already_running_action: u8,
    run_program_start_window_type: u8,
    run_program_file_path: String,
    run_program_args: String,
    run_program_start_in_dir: String,
    unicode_text: String,
}

#[test]
fn powertoys_gets_a_file_in_its_own_format() {
    let ran = home().penutup(["hotkeys", "--for", "powertoys"]).run();
    ran.status(0);
    assert!(ran.err.contains(r"%LOCALAPPDATA%\Microsoft\PowerToys\Keyboard Manager\default.json"), "{}", ran.err);
    let profile: Profile = serde_json::from_str(&ran.out).expect("a profile");
    assert!(profile.remap_keys.in_process.is_empty() && profile.remap_keys_to_text.in_process.is_empty());
    let Shortcuts { global, app_specific } = &profile.remap_shortcuts;
    let text = &profile.remap_shortcuts_to_text;
    assert!(app_specific.is_empty() && text.global.is_empty() && text.app_specific.is_empty());
    let keys: Vec<&str> = global.iter().map(|shortcut| &*shortcut.original_keys).collect();
    // VK_CONTROL 17, VK_MENU 18, VK_SHIFT 16, either Windows key 260; then the key.
    assert_eq!(keys, ["17;18;32", "17;18;77", "260;120", "17;16;120", "17;18;34", "17;18;57"]);
    let arguments: Vec<&str> = global.iter().map(|shortcut| &*shortcut.run_program_args).collect();
    let presses = ["said", "topik=pln-mobile", "sapaan", "sapaan=pak", "next", "basis"];
    assert_eq!(arguments, presses.map(|press| format!("press --quiet {press}")));
    for shortcut in global {
        // Run a program, as this user, a further one although a prompter is open, without a window.
        let how = (
            shortcut.operation_type,
            shortcut.run_program_elevation_level,
            shortcut.run_program_already_running_action,
            shortcut.run_program_start_window_type,
        );
        assert_eq!((how, shortcut.exact_match), ((1, 0, 1, 1), true));
        assert_eq!((&*shortcut.run_program_start_in_dir, &*shortcut.unicode_text), ("", "*Unsupported*"));
        is_our_program(&shortcut.run_program_file_path);
    }
}

#[track_caller]
fn is_our_program(path: &str) {
    let ours = std::fs::metadata(env!("CARGO_BIN_EXE_penutup")).expect("our program");
    let found = std::fs::metadata(path).unwrap_or_else(|e| panic!("{path}: {e}"));
    assert_eq!(found.len(), ours.len(), "{path}");
}

/// Each line of the script, read strictly; `tools/windows-check.sh` gives a script to `AutoHotkey` itself.
#[test]
fn autohotkey_gets_a_script() {
    let script = home().penutup(["hotkeys", "--for", "autohotkey"]).ok();
    let code: Vec<&str> = script.lines().filter(|line| !line.is_empty() && !line.starts_with("; ")).collect();
    assert_eq!(code[..2], ["#Requires AutoHotkey v2.0", "#SingleInstance Force"]);
    let hotkeys: Vec<(&str, String)> = code[2..]
        .iter()
        .map(|line| {
            let (keys, run) = line.split_once("::Run('").expect("a hotkey");
            (keys, run.strip_suffix("', , 'Hide')").expect("without a window").to_owned())
        })
        .collect();
    let keys: Vec<&str> = hotkeys.iter().map(|(keys, _)| *keys).collect();
    assert_eq!(keys, ["^!Space", "^!m", "#F9", "^+F9", "^!PgDn", "^!9"]);
    let presses = ["said", "topik=pln-mobile", "sapaan", "sapaan=pak", "next", "basis"];
    for ((_, command), press) in hotkeys.iter().zip(presses) {
        let program =
            command.strip_prefix('"').and_then(|rest| rest.strip_suffix(&format!("\" press --quiet {press}")));
        is_our_program(program.unwrap_or_else(|| panic!("{command}")));
    }
}
