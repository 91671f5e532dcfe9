//! Which rules and settings are in use, `paths`, `init`, and a machine without a home.

use penutup::rules::BUILT_IN;

use crate::support::{Home, penutup};

/// The revision that `say` uses.
#[track_caller]
fn revision(home: &Home, args: &[&str], env: Option<&str>) -> String {
    let say = home.penutup([&["say", "--format", "json"], args].concat());
    let say = if let Some(file) = env { say.env("PENUTUP_RULES", file) } else { say };
    say.json()["revision"].as_str().expect("a text").to_owned()
}

#[test]
fn the_rules_are_taken_from_flag_environment_settings_own_file_in_this_order() {
    let home = Home::new();
    let rev = |name: &str| BUILT_IN.replace("\"Rev-1\"", &format!("\"{name}\""));
    assert_eq!(revision(&home, &[], None), "Rev-1");
    home.write_config("rules.toml", rev("own"));
    assert_eq!(revision(&home, &[], None), "own");
    home.write_config("sop/rules.toml", rev("settings"));
    home.write_config("settings.toml", "rules = \"sop/rules.toml\"\n");
    assert_eq!(revision(&home, &[], None), "settings");
    home.write("env.toml", rev("env"));
    assert_eq!(revision(&home, &[], Some("env.toml")), "env");
    assert_eq!(revision(&home, &[], Some("")), "settings");
    home.write("flag.toml", rev("flag"));
    assert_eq!(revision(&home, &["--rules", "flag.toml"], Some("env.toml")), "flag");
}

#[test]
fn the_zone_of_the_settings_is_the_default() {
    let home = Home::new();
    home.write_config("settings.toml", "zone = \"WIT\"\n");
    let zone = |args: &[&str]| home.penutup([&["say", "--format", "json"], args].concat()).json()["zone"].clone();
    assert_eq!(zone(&[]), "WIT");
    assert_eq!(zone(&["--zone", "WITA"]), "WITA");
    home.write_config("settings.toml", "zone = \"WIP\"\n");
    let output = home.penutup(["say"]).failed();
    assert!(output.contains("Zona \"WIP\" dari pengaturan") && output.contains("WIB, WITA, WIT"), "{output}");
}

#[test]
fn broken_settings_are_reported_with_location_and_suggestion() {
    let home = Home::new();
    home.write_config("settings.toml", "# pengaturan\nlnag = \"id\"\ntheme = \"gelap\"\n");
    for args in [&["say"][..], &["check"]] {
        let output = home.penutup(args).failed();
        for part in [
            "settings.toml:2:1",
            "Kunci \"lnag\"",
            "Maksudnya \"lang\"?",
            "settings.toml:3:9",
            "\"gelap\"",
            "proyektor",
        ] {
            assert!(output.contains(part), "{part:?} is not in {output}");
        }
    }
    // Verbs that don't need them are not affected.
    home.write("rules.toml", BUILT_IN);
    home.penutup(["check", "rules.toml"]).ok();
    home.penutup(["init"]).ok();
    home.penutup(["man"]).ok();
    assert!(home.penutup(["paths"]).ok().contains("settings.toml:2: "));
}

#[test]
fn a_hotkey_that_can_not_be_one_is_reported_with_location_and_remedy() {
    let home = Home::new();
    let lines = [
        ("said = \"Ctrl+Alt+Spasi\"", "2:8", "Maksudnya \"Space\"?"),
        ("undo = \"Crtl+Alt+U\"", "3:8", "Maksudnya \"Ctrl\"?"),
        ("klb = \"K\"", "4:7", "misalnya \"Ctrl+Alt+K\""),
        ("topik = \"Ctrl+C\"", "5:9", "misalnya \"Ctrl+Alt+C\""),
        ("end = \"Alt+F4\"", "6:7", "sistem operasi"),
        ("copy = \"Ctrl+Alt\"", "7:8", "belum lengkap"),
        ("basis = \"Ctrl+Alt+Z\"", "9:9", "di sini"),
        ("recap = \"ctrl+alt+z\"", "9:9", "\"Ctrl+Alt+Z\" sudah dipakai untuk \"basis\""),
        ("\"said all\" = \"Ctrl+Alt+S\"", "10:1", "\"said all\" tidak dapat dipakai"),
        ("back = 7", "11:8", "said = \"Ctrl+Alt+Space\""),
    ];
    let table: Vec<&str> = lines.iter().map(|(line, ..)| *line).collect();
    home.write_config("settings.toml", format!("[hotkeys]\n{}\n", table.join("\n")));
    let output = home.penutup(["say"]).failed();
    for (line, place, remedy) in lines {
        let place = format!("settings.toml:{place}");
        assert!(output.contains(&place) && output.contains(remedy), "{line}: {place}, {remedy}\n{output}");
    }
}

#[test]
fn a_named_settings_file_must_exist() {
    let home = Home::new();
    let output = home.penutup(["say", "--settings", "hilang.toml"]).failed();
    assert!(output.contains("hilang.toml") && output.contains("tidak ada"), "{output}");
    let output = home.penutup(["say"]).env("PENUTUP_SETTINGS", "hilang.toml").failed();
    assert!(output.contains("hilang.toml"), "{output}");
    home.penutup(["say"]).env("PENUTUP_SETTINGS", "").ok();
}

#[test]
fn init_creates_both_files_once_and_they_change_nothing() {
    let home = Home::new();
    let before = home.penutup(["say", "--at", "08:00", "--format", "json"]).ok();
    let out = home.penutup(["init"]).ok();
    assert_eq!(out.matches("Dibuat: ").count(), 4, "{out}");
    assert!(out.contains("penutup check"), "{out}");
    assert_eq!(std::fs::read_to_string(home.config("rules.toml")).expect("the file"), BUILT_IN);
    let settings = std::fs::read_to_string(home.config("settings.toml")).expect("the file");
    assert_eq!(settings, penutup::settings::TEMPLATE);
    assert_eq!(home.penutup(["say", "--at", "08:00", "--format", "json"]).ok(), before);
    assert!(home.penutup(["check"]).ok().contains("rules.toml: valid."));

    home.write_config("rules.toml", "milik saya");
    let out = home.penutup(["init"]).ok();
    assert_eq!(out.matches("Sudah ada, tidak diubah: ").count(), 4, "{out}");
    assert_eq!(std::fs::read_to_string(home.config("rules.toml")).expect("the file"), "milik saya");
    std::fs::remove_file(home.config("settings.toml")).expect("removed");
    let out = home.penutup(["init"]).ok();
    assert!(out.contains("Dibuat: ") && out.contains("Sudah ada"), "{out}");
}

/// The settings accept what `init` prints for a share, and `paths` shows it.
#[test]
fn the_share_suggested_by_init_works_in_settings() {
    let home = Home::new();
    let out = home.penutup(["init"]).ok();
    let lines: Vec<&str> = out.lines().map(str::trim).filter(|l| l.contains(" = '")).collect();
    assert_eq!(lines.len(), 2, "{out}");
    let template = std::fs::read_to_string(home.config("settings.toml")).expect("the file");
    for line in &lines {
        let key = line.split(" = ").next().unwrap_or_default();
        assert!(
            template.lines().any(|l| l.starts_with(&format!("# {key} = "))),
            "{key} is in the template, commented out"
        );
    }
    let output = home.penutup(["paths"]).ok();
    assert!(output.contains("broadcast.folder belum diisi di pengaturan"), "{output}");
    // The folder of the example, in this home.
    let share = home.path().join("bersama");
    std::fs::create_dir_all(share.join("klb")).expect("folders");
    std::fs::copy(home.config("rules.toml"), share.join("rules.toml")).expect("copied");
    let klb = lines[1].split('\'').nth(1).expect("a folder");
    let example =
        klb.strip_suffix("klb").and_then(|folder| folder.strip_suffix(['/', '\\'])).expect("KLB has its own folder");
    let settings = lines.join("\n").replace(example, share.to_str().expect("UTF-8"));
    std::fs::write(home.config("settings.toml"), format!("{template}\n{settings}\n")).expect("written");
    let output = home.penutup(["paths"]).ok();
    let row =
        |of: &str| output.lines().find(|l| l.starts_with(of)).unwrap_or_else(|| panic!("{of}: {output}")).to_owned();
    assert!(row("aturan ").contains("bersama") && row("aturan ").ends_with("(dari pengaturan)"), "{output}");
    assert!(row("folder KLB").contains("bersama") && !row("folder KLB").contains("belum ada"), "{output}");
    home.penutup(["klb", "on", "--reason", "gangguan"]).ok();
    assert!(home.penutup(["check"]).ok().contains("valid"));
}

#[test]
fn an_init_that_cannot_write_reports_why() {
    let home = Home::new();
    home.write("config", "a file where a folder should be");
    let output = home.penutup(["init"]).failed();
    assert!(output.contains("tidak dapat ditulis"), "{output}");
}

#[test]
fn paths_lists_every_path_with_its_reason() {
    let home = Home::new();
    let out = home.penutup(["paths"]).ok();
    let line = |out: &str, start: &str| {
        let line = out.lines().find(|l| l.starts_with(start));
        line.unwrap_or_else(|| panic!("{start} is not in {out}")).to_owned()
    };
    assert!(line(&out, "aturan ").contains("SOP bawaan"));
    assert!(line(&out, "folder status").contains("(belum ada"));
    for file in ["last-good.toml", "shift.toml"] {
        assert!(out.contains(home.state(file).to_str().expect("UTF-8")), "{out}");
    }
    // The columns are aligned.
    let starts: Vec<Option<usize>> = out.lines().map(|l| l.find('(')).collect();
    assert!(starts.windows(2).all(|w| w[0] == w[1]), "{out}");

    home.penutup(["init"]).ok();
    let out = home.penutup(["paths"]).ok();
    assert!(line(&out, "aturan ").ends_with("(ada di folder pengaturan)"), "{out}");
    assert!(line(&out, "pengaturan ").ends_with("(ada di folder pengaturan)"), "{out}");
    let out = home.penutup(["paths", "--rules", "x.toml"]).env("PENUTUP_SETTINGS", home.config("settings.toml")).ok();
    assert!(line(&out, "aturan ").contains("(dari --rules; tidak dapat dipakai: x.toml: "), "{out}");
    assert!(line(&out, "pengaturan ").ends_with("(dari PENUTUP_SETTINGS)"), "{out}");
    let out = home.penutup(["paths"]).env("PENUTUP_RULES", home.config("rules.toml")).ok();
    assert!(line(&out, "aturan ").ends_with("(dari PENUTUP_RULES)"), "{out}");
}

#[test]
fn one_variable_moves_all_folders() {
    let home = Home::new();
    let paths = |value: &str| home.penutup(["paths"]).env("PENUTUP_HOME", value).ok();
    let below = home.path().join("isi");
    for out in [paths(below.to_str().expect("UTF-8")), paths("isi")] {
        let line = |start: &str| out.lines().find(|l| l.starts_with(start)).expect("a line").to_owned();
        for (start, part) in [("folder pengaturan", "config"), ("folder status", "state")] {
            let line = line(start);
            assert!(line.contains(below.join(part).to_str().expect("UTF-8")), "{line}");
            assert!(line.contains("dari PENUTUP_HOME"), "{line}");
        }
        assert!(line("jurnal").contains(below.join("data").join("journal.db").to_str().expect("UTF-8")), "{out}");
    }
    if cfg!(unix) {
        assert!(!paths("").contains("PENUTUP_HOME"), "an empty variable counts as not set");
    }
}

#[test]
fn only_init_writes_files() {
    let home = Home::new();
    for args in [&["say"][..], &["check"], &["paths"], &["man"], &["completions", "bash"], &["help"]] {
        home.penutup(args).ok();
    }
    assert_eq!(std::fs::read_dir(home.path()).expect("the home").count(), 0);
}

#[test]
fn an_unusable_home_blocks_nothing() {
    let home = Home::new();
    let file = home.write("file", "no folder can be made below this");
    let run = |args: &[&str]| {
        let folders = ["HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "PENUTUP_HOME"];
        folders.iter().fold(home.penutup(args), |penutup, name| penutup.env(name, file.join("home")))
    };
    run(&["say"]).ok();
    run(&["check"]).ok();
    assert!(run(&["paths"]).ok().contains(file.join("home").to_str().expect("UTF-8")));
    let output = run(&["init"]).failed();
    assert!(output.contains("bagian dari jalurnya bukan folder"), "{output}");
}

/// A user without an entry in the machine's list of users, and without a home in the environment. Only root can become
/// one; where the tests run as another user, nothing is tested.
#[cfg(target_os = "linux")]
#[test]
fn a_missing_home_blocks_nothing() {
    use std::os::unix::process::CommandExt as _;

    let run = |args: &[&str]| {
        let mut command = Home::new().penutup(args).command();
        command.uid(54_321).env_clear().current_dir("/").output().ok()
    };
    let Some(output) = run(&["paths"]) else { return };
    let out = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(out.contains("folder pengguna tidak ditemukan"), "{out}");
    for args in [&["say"][..], &["check"], &["man"]] {
        let output = run(args).expect("it ran before");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
    let output = run(&["init"]).expect("it ran before");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("--rules BERKAS"), "{output:?}");
}

#[test]
fn a_dangling_link_is_reported_and_not_skipped() {
    #[cfg(unix)]
    {
        let home = Home::new();
        std::fs::create_dir_all(home.config("")).expect("the folder");
        std::os::unix::fs::symlink(home.path().join("hilang"), home.config("rules.toml")).expect("a link");
        let output = home.penutup(["say"]).failed();
        assert!(output.contains("rules.toml") && output.contains("tidak ada"), "{output}");
    }
    penutup(["say"]).status(0);
}
