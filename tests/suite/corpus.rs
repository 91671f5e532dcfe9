//! A corpus of rules files: each bad one with its expected message, each good one with the output of `check`.
//! The snapshots are read as a supervisor would read them: what is wrong, where, what to do.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use penutup::rules::problem::Code;
use serde_json::Value;

use crate::support::{Home, assert_harmless, json};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// The corpus's files, by name.
fn files(name: &str) -> Vec<String> {
    let entries = fs::read_dir(folder(name)).expect("the corpus");
    let mut out: Vec<String> =
        entries.map(|e| e.expect("an entry").file_name().into_string().expect("a UTF-8 name")).collect();
    out.sort();
    out
}

/// The output of `check` for a file: the text, and the problems in both languages.
fn checked(name: &str, file: &str) -> (i32, String, [Value; 2]) {
    let home = Home::new();
    // A copy, so that the file is named without a path; the day is fixed, since one warning depends on it.
    let copied = fs::copy(folder(name).join(file), home.path().join(file));
    copied.expect("a copy");
    let check = |form: &str, lang: &str| {
        let at = "2026-03-02T09:00:00+07:00";
        let ran = home.penutup(["check", file, "--format", form, "--lang", lang, "--at", at]).run();
        ran.err_is("");
        assert_harmless(&ran.out);
        ran
    };
    let text = check("text", "id");
    let both = ["id", "en"].map(|lang| json(&check("json", lang).out));
    (text.status.expect("a status"), text.out, both)
}

/// The problems' codes, locations and English messages.
fn places(both: &[Value; 2]) -> String {
    let problems = |of: &Value| of["problems"].as_array().expect("a list").clone();
    let mut out = String::new();
    let (id, en) = (problems(&both[0]), problems(&both[1]));
    assert_eq!(id.len(), en.len());
    for (id, en) in id.iter().zip(&en) {
        for key in ["code", "severity", "line", "column", "situation"] {
            assert_eq!(id[key], en[key]);
        }
        let text = |key: &str| en[key].as_str().expect("a text").to_owned();
        let _ = writeln!(out, "{} {}:{} {}", text("code"), en["line"], en["column"], text("message"));
        let _ = writeln!(out, "    {}", text("help"));
    }
    out
}

fn snapshot(name: &str, file: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots/corpus");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(format!("{name}__{}", file.trim_end_matches(".toml")), text));
}

#[test]
fn every_bad_file_has_the_expected_messages() {
    for file in files("invalid") {
        let (status, text, both) = checked("invalid", &file);
        assert_eq!(status, 1, "{file}: {text}");
        snapshot("invalid", &file, &format!("{text}\n── en ──\n{}", places(&both)));
    }
}

#[test]
fn every_good_file_is_accepted_with_its_warnings() {
    for file in files("valid") {
        let (status, text, both) = checked("valid", &file);
        assert_eq!(status, 0, "{file}: {text}");
        assert_eq!(both[0]["errors"], 0, "{file}");
        assert_eq!(both[0]["warnings"] != 0, file.starts_with("warn-"), "{file}: {text}");
        snapshot("valid", &file, &format!("{text}\n── en ──\n{}", places(&both)));
    }
}

#[test]
fn every_code_has_a_file() {
    let codes = |name: &str| {
        let problems_of = |file: &String| checked(name, file).2[0]["problems"].as_array().cloned().unwrap_or_default();
        files(name).iter().flat_map(problems_of).collect::<Vec<Value>>()
    };
    let found: Vec<Value> = codes("invalid").into_iter().chain(codes("valid")).collect();
    for code in Code::ALL {
        assert!(found.iter().any(|p| p["code"] == code.as_str()), "{}", code.as_str());
    }
}

/// A file truncated while copying must not look complete: a file that passes `--deny-warnings` has every duty.
#[test]
fn a_file_cut_short_at_any_line_that_loses_a_duty_warns() {
    let every_key = fs::read_to_string(folder("valid").join("every-key.toml")).expect("the file");
    for source in [penutup::rules::BUILT_IN, &every_key] {
        let today = chrono::NaiveDate::from_ymd_opt(2026, 3, 2).expect("a day");
        let checked = |source: &str| penutup::rules::check(source.as_bytes(), today);
        let duties = |report: penutup::rules::Report| {
            let requirements = report.rules.expect("it is accepted").requirements;
            requirements.into_iter().map(|r| (r.id, r.when, r.duties)).collect::<Vec<_>>()
        };
        let whole = duties(checked(source));
        let (mut refused, mut warned, mut passed) = (0, 0, 0);
        for (end, _) in source.match_indices('\n') {
            let report = checked(&source[..=end]);
            match (report.errors(), report.warnings()) {
                (0, 0) => {
                    assert_eq!(duties(report), whole, "cut behind byte {end}");
                    passed += 1;
                }
                (0, _) => warned += 1,
                _ => refused += 1,
            }
        }
        assert!(refused > 50 && warned > 3 && passed > 0, "{refused} {warned} {passed}");
    }
}
