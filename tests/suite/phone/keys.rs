//! Every command of docs/hotkeys.md is run, and its settings are read.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::documents::{blocks_of, shell};
use super::verb::prompter;
use crate::support::Home;

const PAGE: &str = "docs/hotkeys.md";

#[test]
fn every_command_on_the_page_of_the_hotkeys_works() {
    let home = Home::new();
    home.write_config("settings.toml", blocks_of(PAGE, "toml").concat());
    let mut term = prompter(&home, &[]);
    // The folders that its programs have made, and the command of a desktop that is not here.
    for folder in [".local/share/kglobalaccel", ".config/sway", ".config/i3"] {
        fs::create_dir_all(home.path().join(folder)).expect("a folder");
    }
    let gsettings = home.write("gsettings", "#!/bin/sh\necho \"$@\" >> \"$HOME/gsettings.log\"\necho '@as []'\n");
    fs::set_permissions(gsettings, fs::Permissions::from_mode(0o755)).expect("permissions");
    let mut ran = 0;
    for line in blocks_of(PAGE, "sh").concat().lines() {
        // JSON has no comments: where to put it is said on standard error.
        let notes = if line.contains("powertoys") { "2>notes" } else { "" };
        shell(&home, &format!("cd && PATH=\"$HOME:$PATH\" && {line} {notes}"));
        ran += 1;
    }
    assert_eq!(ran, 9);
    term.shows("▐PLN Mobile▌").shows("√ Campaign Integritas").quits();
    let printed = |file: &str| fs::read_to_string(home.path().join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
    for (file, part) in [
        ("gsettings.log", "<Control><Alt>space"),
        (".local/share/kglobalaccel/penutup-hotkeys.desktop", "X-KDE-Shortcuts=Ctrl+Alt+Space"),
        (".config/sway/config", "bindsym Ctrl+Mod1+space exec "),
        (".config/i3/config", "bindsym Ctrl+Mod1+space exec "),
        ("penutup.ahk", "^!Space::Run("),
        ("default.json", "\"originalKeys\": \"17;18;32\""),
    ] {
        assert!(printed(file).contains(part), "{file} lacks {part}");
    }
}

/// The page's table names every program that bindings can be printed for.
#[test]
fn the_page_has_every_program() {
    let help = crate::support::penutup(["help", "hotkeys"]).out;
    let names = help.split_once("Tampilkan untuk program ini (").expect("the option").1;
    let names: Vec<&str> = names.split_once(')').expect("its values").0.split(", ").collect();
    let commands = blocks_of(PAGE, "sh").concat();
    assert_eq!(names.len(), commands.matches("--for ").count());
    assert!(names.iter().all(|name| commands.contains(&format!("--for {name}"))), "{names:?}");
}
