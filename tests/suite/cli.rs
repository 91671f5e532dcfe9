//! The command line from a user's view: every verb, every exit status, and which stream gets which output.

mod check;
mod hotkeys;
mod say;
mod sop;
mod user_files;

use std::io::Read as _;
use std::process::Stdio;

use crate::support::{Home, assert_harmless, penutup};

const VERBS: [&str; 13] = [
    "say",
    "check",
    "table",
    "diff",
    "drill",
    "demo",
    "press",
    "hotkeys",
    "init",
    "paths",
    "completions",
    "man",
    "help",
];

#[test]
fn help_and_version_go_to_standard_output() {
    for args in [&["--help"][..], &["-h"], &["help"], &["say", "--help"], &["help", "say"], &["say", "-h"]] {
        let ran = penutup(args);
        ran.status(0).err_is("").out_has("Penggunaan: penutup").out_has("Opsi umum:");
    }
    for verb in VERBS {
        let short = penutup([verb, "--help"]);
        short.status(0).out_has(&format!("Penggunaan: penutup {verb}"));
        assert_eq!(short.out, penutup(["help", verb]).out);
        penutup(["--help"]).out_has(&format!("\n  {verb} "));
    }
    assert_eq!(penutup(["--version"]).out, format!("penutup {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(penutup(["-V"]).out, penutup(["--version"]).out);
    let verbose = penutup(["--version", "--verbose", "--lang", "en"]);
    verbose.status(0).err_is("").out_has(env!("CARGO_PKG_VERSION")).out_has("\ncommit: ").out_has("\ntarget: ");
    let target = verbose.out.lines().find_map(|line| line.strip_prefix("target: ")).unwrap_or_default();
    assert!(target.starts_with(std::env::consts::ARCH) && target.contains(std::env::consts::OS), "{target}");
    assert_eq!(verbose.out, penutup(["--verbose", "-V", "--lang", "en"]).out);
    let alone = penutup(["--verbose"]);
    assert!(alone.status(2).err.contains("--version"), "{alone:?}");
}

#[test]
fn help_fits_a_terminal() {
    for verb in VERBS {
        for lang in ["id", "en"] {
            for line in penutup(["help", verb, "--lang", lang]).out.lines() {
                assert!(line.chars().count() <= 100, "{line}");
            }
        }
    }
}

/// Arguments are listed in the order in which they are typed.
#[test]
fn help_lists_arguments_in_the_order_of_the_usage() {
    for (verb, first, second) in
        [("journal", "  <PEKERJAAN>  ", "  [BERKAS]     "), ("call", "  <KEJADIAN>  ", "  [ISI]...    ")]
    {
        let help = penutup(["help", verb, "--lang", "id"]).out;
        let at = |text: &str| help.find(text).unwrap_or_else(|| panic!("{text} is not in {help}"));
        assert!(at(first) < at(second), "{help}");
    }
}

#[test]
fn usage_errors_are_localized_with_suggestions() {
    for (args, parts) in [
        (&["sya"][..], &["Tidak ada perintah \"sya\"", "Maksudnya \"say\"?", "Penggunaan: penutup"][..]),
        (&["xyzzy"], &["Tidak ada perintah \"xyzzy\"", "say, check, table, diff, drill, demo, report, journal"]),
        (&["say", "--fromat", "json"], &["\"--fromat\"", "Maksudnya --format?", "Lihat: penutup say --help"]),
        (
            &["say", "--format", "jsno"],
            &["\"jsno\" tidak dapat dipakai", "Maksudnya \"json\"? Yang ada: text, steps, json."],
        ),
        (&["say", "--at"], &["--at <WAKTU> memerlukan isi"]),
        (&["say", "--lang", "su"], &["\"su\" tidak dapat dipakai", "Yang ada: id, en."]),
        (&["say", "--lang="], &["--lang <BAHASA> memerlukan isi", "Yang ada: id, en."]),
        (&["completions"], &["<SHELL> belum diisi", "Penggunaan: penutup completions"]),
        (&["completions", "tcsh"], &["\"tcsh\" tidak dapat dipakai", "bash, elvish, fish, powershell, zsh"]),
        (&["check", "a", "b"], &["\"b\" di sini", "Penggunaan: penutup check"]),
        (&["init", "x"], &["\"x\" di sini"]),
        (&["check", "--deny-warnings", "--deny-warnings"], &["--deny-warnings hanya boleh ditulis sekali"]),
        (&["check", "--deny-warnings=ya"], &["--deny-warnings tidak memerlukan isi \"ya\""]),
        (&["--zone", "WIB", "--zone", "WIT", "say"], &["--zone <ZONA> hanya boleh ditulis sekali"]),
        (&["help", "sya"], &["\"sya\" tidak dapat dipakai", "Maksudnya \"say\"?"]),
    ] {
        let message = Home::new().penutup(args).failed();
        assert!(message.starts_with("kesalahan: "), "{args:?}: {message}");
        for part in parts {
            assert!(message.contains(part), "{args:?}: {part:?} is not in {message}");
        }
        for english in ["error", "Usage", "unexpected", "invalid", "value", "tip:", "For more", "[OPTIONS]"] {
            assert!(!message.contains(english), "{args:?}: {message}");
        }
    }
}

#[test]
fn the_language_is_taken_from_flag_environment_settings_in_this_order() {
    let home = Home::new();
    let word = |message: &str| message.split(':').next().unwrap_or_default().to_owned();
    assert_eq!(word(&home.penutup(["sya"]).failed()), "kesalahan");
    home.write_config("settings.toml", "lang = \"en\"\n");
    assert_eq!(word(&home.penutup(["sya"]).failed()), "error");
    assert_eq!(word(&home.penutup(["sya"]).env("PENUTUP_LANG", "id").failed()), "kesalahan");
    assert_eq!(word(&home.penutup(["sya"]).env("PENUTUP_LANG", "").failed()), "error");
    assert_eq!(word(&home.penutup(["--lang", "en", "sya"]).env("PENUTUP_LANG", "id").failed()), "error");
    assert_eq!(word(&home.penutup(["say", "x", "--lang=id"]).env("PENUTUP_LANG", "en").failed()), "kesalahan");
    let named = home.write("named.toml", "lang = \"id\"\n");
    assert_eq!(word(&home.penutup(["sya"]).env("PENUTUP_SETTINGS", &named).failed()), "kesalahan");
    let message = home.penutup(["say"]).env("PENUTUP_LANG", "jw").failed();
    assert!(message.contains("PENUTUP_LANG") && message.contains("\"jw\"") && message.contains("id, en"), "{message}");
}

#[test]
fn without_a_terminal_the_prompter_suggests_say_in_one_line() {
    for args in [&[][..], &["--zone", "WIT"]] {
        let message = Home::new().penutup(args).failed();
        assert_eq!(message, "penutup tanpa perintah memerlukan terminal; dalam skrip pakai: penutup say\n");
    }
    let message = Home::new().penutup(["--lang", "en"]).failed();
    assert_eq!(message, "penutup without a command needs a terminal; in scripts use: penutup say\n");
}

#[test]
fn hostile_arguments_never_reach_the_terminal() {
    let hostile = "\u{1b}[2J\u{1b}]0;x\u{7}\u{202e}a\nb";
    for args in [
        vec![hostile],
        vec!["say", hostile],
        vec!["say", "--zone", hostile],
        vec!["say", "--at", hostile],
        vec!["say", "--lang", hostile],
        vec!["say", "--format", hostile],
        vec!["check", hostile],
        vec!["say", "--rules", hostile],
        vec!["say", "--settings", hostile],
        vec!["help", hostile],
        vec!["completions", hostile],
    ] {
        let ran = penutup(&args);
        ran.status(2);
        assert_harmless(&ran.err);
    }
    let ran = penutup(["say", &format!("{hostile}=ya")]);
    ran.status(2);
    assert_harmless(&ran.err);
    let long = "x".repeat(100_000);
    for args in [vec![long.as_str()], vec!["say", &long], vec!["say", "--lang", &long], vec!["say", "--zone", &long]] {
        let ran = penutup(&args);
        ran.status(2);
        assert!(ran.err.len() < 1000, "{}", ran.err.len());
    }
}

#[cfg(unix)]
#[test]
fn non_utf8_arguments_are_reported_or_used_as_paths() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let bad = OsStr::from_bytes(b"na\xffma=x");
    let home = Home::new();
    let message = home.penutup([OsStr::new("say"), bad]).failed();
    assert!(message.contains("bukan teks UTF-8"), "{message}");
    home.penutup([bad]).failed();
    home.penutup([OsStr::new("say"), OsStr::new("--lang"), bad]).failed();
    home.penutup(["say"]).env("PENUTUP_LANG", bad).failed();
    let message = home.penutup([OsStr::new("check"), bad]).failed();
    assert!(message.contains("na\u{fffd}ma=x") && message.contains("tidak ada"), "{message}");
    std::fs::write(home.path().join(bad), penutup::rules::BUILT_IN).expect("a file with such a name");
    home.penutup([OsStr::new("check"), bad]).ok();
    home.penutup([OsStr::new("say"), OsStr::new("--rules"), bad]).ok();
}

#[test]
fn a_closed_pipe_ends_the_program_silently() {
    for args in [&["say"][..], &["--help"], &["man"], &["completions", "zsh"], &["paths"], &["check"]] {
        let home = Home::new();
        let mut command = home.penutup(args).command();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        drop(child.stdout.take());
        let mut message = String::new();
        child.stderr.take().expect("a pipe").read_to_string(&mut message).expect("text");
        assert_eq!(message, "", "{args:?}");
        assert!(child.wait().expect("it ends").code().is_some(), "{args:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_written_is_a_failure() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("the full device");
    let output = Home::new().penutup(["say"]).command().stdout(full).output().expect("it runs");
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(message.contains("ruang penyimpanan penuh"), "{message}");
}

#[test]
fn completions_know_the_verbs_of_each_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let out = Home::new().penutup(["completions", shell]).ok();
        for word in VERBS.iter().chain(&["deny-warnings", "format"]) {
            assert!(out.contains(word), "{shell}: {word}");
        }
    }
    let fish = Home::new().penutup(["completions", "fish"]).ok();
    assert!(fish.contains("Tampilkan kalimat closing"), "descriptions are in the user's language");
}

#[test]
fn the_man_page_has_every_verb_and_no_english_heading() {
    let page = Home::new().penutup(["man"]).ok();
    assert!(page.contains(".TH penutup 1"), "{page}");
    for verb in VERBS {
        assert!(page.contains(&format!(".SS \"penutup {verb}")), "{verb}");
    }
    assert_eq!(page.matches(".ie ").count(), 1);
    for english in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "SUBCOMMANDS", "EXTRA", "Possible", "default"] {
        assert!(!page.contains(english), "{english}");
    }
    assert!(Home::new().penutup(["man", "--lang", "en"]).ok().contains(".SH SYNOPSIS"));
}
