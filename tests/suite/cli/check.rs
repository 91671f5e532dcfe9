//! `penutup check`: statuses, forms, and paths that are not files.

use penutup::rules::BUILT_IN;
use serde_json::{Value, json};

use crate::support::{Home, assert_harmless, json, penutup};

#[test]
fn check_accepts_the_built_in_rules() {
    let out = Home::new().penutup(["check"]).ok();
    assert_eq!(out, "SOP bawaan: valid. 3 kondisi, 8 aturan, 12 situasi, masing-masing tepat satu jawaban.\n");
    let out = Home::new().penutup(["check", "--lang", "en", "--deny-warnings"]).ok();
    assert_eq!(out, "built-in SOP: valid. 3 facts, 8 rules, 12 situations, each with exactly one answer.\n");
    let found = Home::new().penutup(["check", "--format", "json"]).ok();
    assert_eq!(
        found,
        "{\"schema\":1,\"file\":\"built-in\",\"facts\":3,\"rules\":8,\"situations\":12,\"errors\":0,\"warnings\":0,\"problems\":[]}\n"
    );
}

#[test]
fn without_a_file_it_checks_the_one_in_use() {
    let home = Home::new();
    let own = home.write_config("rules.toml", BUILT_IN);
    let checked = |args: &[&str]| home.penutup([&["check", "--format", "json"], args].concat()).json()["file"].clone();
    assert_eq!(checked(&[]), json!(own));
    let other = home.write("other.toml", BUILT_IN);
    assert_eq!(checked(&["--rules", "other.toml"]), "other.toml");
    assert_eq!(checked(&["other.toml", "--rules", "hilang.toml"]), "other.toml");
    home.write_config("settings.toml", format!("rules = {:?}", other.to_str().expect("UTF-8")));
    assert_eq!(checked(&[]), json!(other));
}

#[test]
fn a_problem_in_json_has_the_documented_shape() {
    let home = Home::new();
    home.write("gap.toml", BUILT_IN.replacen("[\"belum-tahu\", \"belum\"]", "\"belum\"", 1));
    let ran = home.penutup(["check", "gap.toml", "--format", "json"]).run();
    ran.status(1).err_is("");
    let found = json(&ran.out);
    let keys = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&found), ["schema", "file", "facts", "rules", "situations", "errors", "warnings", "problems"]);
    let problem = &found["problems"][0];
    assert_eq!(keys(problem), ["code", "severity", "message", "line", "column", "situation", "help"]);
    assert_eq!((&problem["code"], &problem["severity"]), (&"gap".into(), &"error".into()));
    assert_eq!((&problem["line"], &problem["column"]), (&150.into(), &9.into()));
    assert_eq!(keys(&problem["situation"]), ["klb", "topik", "aplikasi"]);
    assert_eq!(problem["situation"]["aplikasi"], "belum-tahu");
    assert_eq!((&found["errors"], &found["warnings"], &found["situations"]), (&1.into(), &0.into(), &12.into()));
}

#[test]
fn large_situation_counts_are_digits_and_small_ones_numbers() {
    let home = Home::new();
    home.write("wide.toml", include_str!("../../data/valid/wide.toml"));
    let found = json(&home.penutup(["check", "wide.toml", "--format", "json"]).run().out);
    assert_eq!(found["situations"], 281_474_976_710_656_u64);
    let out = home.penutup(["check", "wide.toml"]).run();
    out.status(0).out_has("281.474.976.710.656 situasi");
    let more = include_str!("../../data/valid/wide.toml").replace(
        "[[zone]]",
        "[[fact]]\nid = \"x\"\nlabel = \"X\"\nvalues = [{ id = \"a\", label = \"A\" }, { id = \"b\", label = \"B\" }, { id = \"c\", label = \"C\" }, { id = \"d\", label = \"D\" }]\n[[fact]]\nid = \"y\"\nlabel = \"Y\"\nvalues = [{ id = \"a\", label = \"A\" }, { id = \"b\", label = \"B\" }, { id = \"c\", label = \"C\" }, { id = \"d\", label = \"D\" }]\n[[fact]]\nid = \"z\"\nlabel = \"Z\"\nvalues = [{ id = \"a\", label = \"A\" }, { id = \"b\", label = \"B\" }, { id = \"c\", label = \"C\" }, { id = \"d\", label = \"D\" }]\n[[zone]]",
    );
    home.write("wider.toml", more);
    let found = json(&home.penutup(["check", "wider.toml", "--format", "json"]).run().out);
    assert_eq!(found["situations"], "18014398509481984");
}

#[test]
fn warnings_are_reported_and_denied_only_on_request() {
    let home = Home::new();
    home.write("warn.toml", include_str!("../../data/valid/warn-unused-step.toml"));
    let ran = home.penutup(["check", "warn.toml"]).run();
    ran.status(0).err_is("").out_has("peringatan[unused-step]").out_has("warn.toml: dapat dipakai, 1 peringatan.");
    let ran = home.penutup(["check", "warn.toml", "--deny-warnings"]).run();
    ran.status(1).out_has("peringatan tidak diterima");
    let ran = home.penutup(["check", "warn.toml", "--deny-warnings", "--format", "json"]).run();
    ran.status(1);
    assert_eq!(json(&ran.out)["problems"][0]["severity"], "warning");
    home.penutup(["say", "--rules", "warn.toml"]).ok();
}

#[test]
fn rules_before_their_first_day_have_a_warning() {
    let home = Home::new();
    home.write("later.toml", BUILT_IN.replace("issuer ", "effective_from = 2030-05-01\nissuer "));
    let at = |time: &str| home.penutup(["check", "later.toml", "--at", time]).run();
    at("2030-04-30T16:59:59Z").status(0).out_has("peringatan[not-yet-effective]").out_has("2030-05-01");
    // 17.00 UTC is midnight in WIB, the first zone of the rules.
    at("2030-04-30T17:00:00Z").status(0).out_has("later.toml: valid.");
}

#[test]
fn an_unreadable_file_is_status_2_with_its_path() {
    let home = Home::new();
    std::fs::create_dir(home.path().join("folder.toml")).expect("a folder");
    for (file, why) in
        [("hilang.toml", "tidak ada"), ("folder.toml", "ini folder, bukan berkas"), ("folder.toml/x", "tidak ada")]
    {
        for form in ["text", "json"] {
            let output = home.penutup(["check", file, "--format", form]).failed();
            assert!(output.contains(file) && output.contains(why), "{file}: {output}");
        }
    }
    let output = home.penutup(["check", "--lang", "en", "hilang.toml"]).failed();
    assert_eq!(output, "error: Cannot read hilang.toml: this file or folder does not exist\n");
}

#[cfg(unix)]
#[test]
fn a_pipe_or_a_device_is_refused_at_once() {
    let home = Home::new();
    let made = std::process::Command::new("mkfifo").arg(home.path().join("pipe")).status();
    let mut files = vec!["/dev/null", "/dev/zero"];
    if made.is_ok_and(|status| status.success()) {
        files.push("pipe");
    }
    for file in files {
        let output = home.penutup(["check", file]).failed();
        assert!(output.contains("ini bukan berkas biasa"), "{file}: {output}");
    }
}

#[cfg(unix)]
#[test]
fn a_file_without_permission_is_status_2() {
    use std::os::unix::fs::PermissionsExt as _;

    let home = Home::new();
    let path = home.write("locked.toml", BUILT_IN);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).expect("a mode");
    if std::fs::read(&path).is_ok() {
        // Root may read everything.
        return;
    }
    assert!(home.penutup(["check", "locked.toml"]).failed().contains("tidak ada izin"));
}

#[test]
fn hostile_files_are_reported_briefly_and_without_control_characters() {
    let home = Home::new();
    let line = format!("schema = 1\n{} = 1\n", "x".repeat(1_000_000));
    let deep = format!("schema = {}1{}", "[".repeat(400_000), "]".repeat(400_000));
    let many: String = (0..60_000).fold("schema = 1\n".into(), |text, n| text + &format!("k{n} = 1\n"));
    let escapes = "schema = 1\n\"a\\u001b[2J\\u202e\" = \"\\u001b]0;x\\u0007\"\n# \u{1b}[31m\u{202e}\nx = \u{1b}[2J\n";
    let zalgo = format!("schema = 1\n\"a{}\" = 1\n", "\u{301}".repeat(300_000));
    for (name, bytes) in [
        ("line", line.into_bytes()),
        ("deep", deep.into_bytes()),
        ("many", many.into_bytes()),
        ("escapes", escapes.as_bytes().to_vec()),
        ("zalgo", zalgo.into_bytes()),
        ("empty", Vec::new()),
        ("noise", (0..100_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect()),
        ("large", vec![b'#'; (1 << 20) + 1]),
        ("utf16", "schema = 1\n".encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("zero", b"schema = 1\0\n".to_vec()),
    ] {
        home.write(name, bytes);
        for lang in ["id", "en"] {
            let ran = home.penutup(["check", name, "--lang", lang]).run();
            ran.status(1);
            assert_harmless(&ran.out);
            assert!(ran.out.len() < 40_000, "{name}: {} bytes", ran.out.len());
            let longest = ran.out.lines().map(|l| l.chars().count()).max().unwrap_or_default();
            assert!(longest < 600, "{name}: a line of {longest}");
            json(&home.penutup(["check", name, "--lang", lang, "--format", "json"]).run().out);
        }
    }
    let ran = home.penutup(["check", "large"]).run();
    ran.out_has("batasnya 1024 KiB");
}

#[test]
fn at_most_fifty_problems_of_a_code_are_shown_and_the_rest_counted() {
    let home = Home::new();
    let many: String = (0..80).fold("schema = 1\n".into(), |text, n| text + &format!("k{n} = 1\n"));
    home.write("many.toml", many);
    let ran = home.penutup(["check", "many.toml"]).run();
    ran.status(1).out_has("Masih ada masalah \"schema\" lain; yang ditampilkan hanya 50");
}

#[test]
fn without_a_terminal_messages_have_no_colour() {
    let ran = penutup(["check", "hilang.toml"]);
    ran.status(2);
    assert_harmless(&ran.err);
}
