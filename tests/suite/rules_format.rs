//! The supervisor's page on the rules file: its worked example, run from the first command to the last, and its reference,
//! compared with the keys that the reader of the format accepts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chrono::NaiveDate;
use penutup::diagnostics::grouped;
use penutup::rules::check::Report;
use penutup::rules::limits::{LONG_SENTENCE, MAX_FILE, MAX_PROBLEMS_PER_CODE, MAX_RULES, MAX_TEXT};
use penutup::rules::problem::{Code, Expected, Kind};
use penutup::rules::text::MAX_MARKS;
use penutup::rules::{Problem, check};
use toml::{Table, Value};

fn page() -> String {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules-format.md"));
    page.expect("the page").replace("\r\n", "\n")
}

/// The page's code blocks, in order: the language and the content.
fn blocks(page: &str) -> Vec<(&str, &str)> {
    let fenced = page.split("\n```").skip(1).step_by(2);
    fenced.filter_map(|block| block.split_once('\n')).collect()
}

/// Run in a Debian user's environment, which sets none of the XDG variables, and where they are set.
#[cfg(unix)]
#[test]
fn the_worked_example_is_correct() {
    use crate::support::Home;

    for with_xdg in [false, true] {
        let home = Home::new();
        let mut environment = vec![("HOME".into(), home.path().as_os_str().to_owned())];
        if with_xdg {
            let command = home.penutup::<&str>([]).command();
            let set = command.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
            environment.extend(set.filter(|(name, _)| name != "HOME"));
        }
        worked_example(home.path(), &environment);
        let rules = if with_xdg { home.config("rules.toml") } else { home.path().join(".config/penutup/rules.toml") };
        assert!(std::fs::read_to_string(rules).expect("the rules in use").contains("Rev-2"));
    }
}

#[cfg(unix)]
fn worked_example(home: &Path, environment: &[(std::ffi::OsString, std::ffi::OsString)]) {
    use std::process::Command;

    let page = page();
    let program = Path::new(env!("CARGO_BIN_EXE_penutup")).parent().expect("a folder");
    let path = std::env::join_paths([program, Path::new("/usr/bin"), Path::new("/bin")]).expect("paths");
    let (mut last, mut ran, mut compared) = (String::new(), 0, 0);
    let mut all = String::new();
    for (word, block) in blocks(&page).into_iter().filter(|(word, _)| *word != "toml") {
        if word == "text" {
            assert_eq!(last.trim_end(), block.trim_end());
            compared += 1;
            continue;
        }
        assert_eq!(word, "sh");
        let mut shell = Command::new("/bin/sh");
        shell.args(["-ec", block]).env_clear().current_dir(home).envs(environment.iter().cloned());
        let out = shell.env("PATH", &path).output().expect("sh runs");
        last = String::from_utf8(out.stdout).expect("text");
        assert!(out.status.success(), "{block}{last}{}", String::from_utf8_lossy(&out.stderr));
        all += &last;
        ran += 1;
    }
    assert_eq!((ran, compared), (7, 2));
    // The broken copy is refused for its gap, and the diff names how much is said differently.
    assert!(all.contains("kesalahan[gap]") && all.contains("status 1"), "{all}");
    assert!(all.contains("1 dari 12 situasi berubah"), "{all}");
    assert!(all.contains("10.00") || all.contains("10:00"), "the greeting's change is reported: {all}");
}

/// A row of the reference.
#[derive(Debug)]
struct Row {
    holds: String,
    required: bool,
    default: Option<String>,
    meaning: String,
    codes: BTreeSet<String>,
}

fn cells(line: &str) -> Vec<&str> {
    line.trim().trim_matches('|').split('|').map(str::trim).collect()
}

fn in_backticks(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// The tables of the reference: what is read under which name, and each key's row.
fn reference() -> BTreeMap<String, BTreeMap<String, Row>> {
    let page = page();
    let part = page.split_once("## Rujukan").expect("the reference").1.split_once("### Batas").expect("its limits").0;
    let mut out = BTreeMap::new();
    for section in part.split("\n### ").skip(1) {
        let heading = section.lines().next().expect("a heading");
        let name = in_backticks(heading).first().map_or(String::new(), |name| (*name).to_owned());
        let mut rows = BTreeMap::new();
        for line in section.lines().filter(|line| line.starts_with("| `")) {
            let [key, holds, required, default, meaning, codes] = cells(line)[..] else { panic!("six cells: {line}") };
            let row = Row {
                holds: holds.into(),
                required: required == "ya",
                default: in_backticks(default).first().map(|text| (*text).to_owned()),
                meaning: meaning.into(),
                codes: in_backticks(codes).into_iter().map(str::to_owned).collect(),
            };
            assert!(["ya", "–"].contains(&required) && !meaning.is_empty(), "{line}");
            let key = in_backticks(key)[0].to_owned();
            assert!(rows.insert(key.clone(), row).is_none(), "{name}: {key} twice");
        }
        assert!(out.insert(name.clone(), rows).is_none(), "{name} twice");
    }
    out
}

/// The examples of the reference one after the other: one file.
fn example() -> String {
    let page = page();
    let toml = blocks(&page).into_iter().filter(|(word, _)| *word == "toml");
    toml.flat_map(|(_, block)| [block, "\n"]).collect()
}

fn checked(root: &Table) -> Report {
    check(toml::to_string(root).expect("TOML").as_bytes(), NaiveDate::from_ymd_opt(2026, 3, 2).expect("a day"))
}

/// The tables of a file that are read under this name, as the reference calls them.
fn tables<'t>(root: &'t mut Table, name: &str) -> Vec<&'t mut Table> {
    fn of_list<'t>(table: &'t mut Table, key: &str) -> Vec<&'t mut Table> {
        let list = table.get_mut(key).and_then(Value::as_array_mut);
        list.into_iter().flatten().filter_map(Value::as_table_mut).collect()
    }
    match name {
        "" => vec![root],
        "[sop]" => vec![root["sop"].as_table_mut().expect("a table")],
        "values" => of_list(root, "fact").into_iter().flat_map(|fact| of_list(fact, "values")).collect(),
        "choices" => of_list(root, "field").into_iter().flat_map(|field| of_list(field, "choices")).collect(),
        name => of_list(root, name.trim_matches(['[', ']'])),
    }
}

/// The report on the example after a change of the first table with this key, else of the first that may have it.
fn with(name: &str, key: &str, change: impl Fn(&mut Table)) -> Report {
    let mut root: Table = example().parse().expect("TOML");
    let mut all = tables(&mut root, name);
    let at = all.iter().position(|table| table.contains_key(key)).unwrap_or_else(|| {
        // A key that only typed fields have.
        all.iter().position(|table| !table.contains_key("choices")).unwrap_or(0)
    });
    change(all[at]);
    checked(&root)
}

fn set(name: &str, key: &str, value: impl Into<Value>) -> Report {
    let value = value.into();
    with(name, key, |table| drop(table.insert(key.to_owned(), value.clone())))
}

#[test]
fn the_examples_of_the_reference_are_one_sound_file_of_every_key() {
    let report = check(example().as_bytes(), NaiveDate::from_ymd_opt(2026, 3, 2).expect("a day"));
    assert_eq!(report.problems, []);
    let mut root: Table = example().parse().expect("TOML");
    for (name, rows) in reference() {
        // The root's lists are tables of their own, and accepting a warning is shown once.
        for key in rows.keys().filter(|key| !["accept", "because"].contains(&key.as_str())) {
            let found = tables(&mut root, &name).iter().any(|table| table.contains_key(key));
            assert!(found || (name == "[[field]]" && key == "max"), "no example of {key} in {name}");
        }
    }
}

#[test]
fn the_reference_has_every_key_that_is_read_and_no_other() {
    let mut read = BTreeMap::new();
    for name in reference().keys() {
        let report = set(name, "tidak-ada", true);
        let keys = report.problems.into_iter().find_map(|problem| match problem.kind {
            Kind::UnknownKey { key, table, valid } if key == "tidak-ada" => Some((table, valid)),
            _ => None,
        });
        let (table, keys) = keys.expect("an unknown key");
        let table = match &*table {
            "[[values]]" => "values".to_owned(),
            "[[choices]]" => "choices".to_owned(),
            _ => table,
        };
        assert_eq!(*name, table);
        read.insert(table, keys.into_iter().collect::<BTreeSet<String>>());
    }
    // Every list of the root has its section, so no table is forgotten.
    let lists = read[""].iter().filter(|key| !["schema", "sop", "accept", "because"].contains(&key.as_str()));
    lists.for_each(|list| assert!(read.contains_key(&format!("[[{list}]]")), "no section of {list}"));
    let written: BTreeMap<String, BTreeSet<String>> =
        reference().into_iter().map(|(name, rows)| (name, rows.into_keys().collect())).collect();
    assert_eq!(written, read);
}

#[test]
fn the_reference_names_each_keys_type() {
    for (name, rows) in reference() {
        for (key, row) in rows {
            let report = set(&name, &key, true);
            let expected = report.problems.iter().find_map(|problem| match &problem.kind {
                Kind::WrongType { key: found, expected, .. } if *found == key => Some(*expected),
                _ => None,
            });
            let holds = match expected.unwrap_or_else(|| panic!("{name} {key}: {:?}", report.problems)) {
                Expected::Text => "teks",
                Expected::Integer => "bilangan",
                Expected::Day => "tanggal",
                Expected::Texts => "daftar teks",
                Expected::Table => "tabel",
                Expected::Tables => "daftar tabel",
                other => panic!("{other:?} is no type of a rules file"),
            };
            assert_eq!(row.holds, holds, "{name} {key}");
        }
    }
}

#[test]
fn the_reference_lists_the_required_keys() {
    for (name, rows) in reference() {
        for (key, row) in rows {
            let report = with(&name, &key, |table| drop(table.remove(&key)));
            let is_missing = |problem: &Problem| match &problem.kind {
                Kind::MissingKey { key: missing, .. } | Kind::TooFew { key: missing, .. } => *missing == key,
                Kind::Gap { nearest: None, .. } => key == "rule",
                _ => false,
            };
            assert_eq!(report.problems.iter().any(is_missing), row.required, "{name} {key}: {:?}", report.problems);
        }
    }
}

#[test]
fn the_defaults_of_the_reference_change_nothing() {
    // Line numbers differ where a key is added, so they are removed.
    let shown = |report: Report| {
        let rules = format!("{:?}", report.rules.unwrap_or_else(|| panic!("{:?}", report.problems)));
        rules
            .split("line: ")
            .map(|part| part.trim_start_matches(|c: char| c.is_ascii_digit()).to_owned())
            .collect::<String>()
    };
    let mut compared = 0;
    for (name, rows) in reference() {
        for (key, default) in rows.iter().filter_map(|(key, row)| Some((key, row.default.as_ref()?))) {
            let value: Table = format!("v = {default}").parse().expect("a TOML value");
            let without = |table: &mut Table| {
                table.remove(key);
                if key == "scope" {
                    table.remove("keep_for");
                }
                // A field with the role of the name has another default of `kind`.
                table.remove("role");
            };
            let absent = with(&name, key, without);
            let written = with(&name, key, |table| {
                without(table);
                table.insert(key.clone(), value["v"].clone());
            });
            assert_eq!(shown(absent), shown(written), "{name} {key} = {default}");
            compared += 1;
        }
    }
    assert_eq!(compared, 5);
}

/// Bad values for a key of this type.
fn bad_values(holds: &str) -> Vec<Value> {
    let list = |texts: &[&str]| Value::Array(texts.iter().map(|text| Value::from(*text)).collect());
    let texts =
        ["", " ", "a  b", "a\u{ad}b", "a\nb", "{tidak}", "tidak-ada", "A b", "salam", "cc", "c", "AKTIF sekarang"];
    match holds {
        "teks" => texts.iter().map(|text| Value::from(*text)).chain([Value::from("x".repeat(MAX_TEXT + 1))]).collect(),
        "daftar teks" => {
            let lists = [&[][..], &["a", "a"], &["tidak-ada"], &["gap"], &["empty-field"]].map(list);
            lists.into_iter().chain(texts.iter().map(|text| list(&[text]))).collect()
        }
        "bilangan" => [i64::MIN, 0, 501, i64::MAX].map(Value::from).into(),
        "daftar tabel" => vec![Value::Array(vec![])],
        "tabel" => [("tidak-ada", "ya"), ("darurat", "tidak-ada"), ("darurat", "a\u{ad}")]
            .map(|(fact, value)| Value::Table([(fact.to_owned(), Value::from(value))].into_iter().collect()))
            .into(),
        _ => ["0001-01-01", "9999-12-31"].map(|day| Value::Datetime(day.parse().expect("a day"))).into(),
    }
}

/// The codes that a bad value of a key gives at the key's own line are those of its row.
#[test]
fn the_reference_names_the_codes_that_each_key_gives() {
    let mut missing = Vec::new();
    let mut named = BTreeSet::new();
    for (name, rows) in reference() {
        for (key, row) in &rows {
            let mut given = BTreeSet::new();
            for value in bad_values(&row.holds) {
                let mut root: Table = example().parse().expect("TOML");
                let mut all = tables(&mut root, &name);
                let at = all.iter().position(|table| table.contains_key(key)).unwrap_or(0);
                all[at].insert(key.clone(), value);
                let source = toml::to_string(&root).expect("TOML");
                let report = check(source.as_bytes(), NaiveDate::from_ymd_opt(2026, 3, 2).expect("a day"));
                let here = |problem: &&Problem| {
                    let start = source[..problem.span.start].rfind('\n').map_or(0, |at| at + 1);
                    source[start..].starts_with(&format!("{key} = "))
                };
                given.extend(report.problems.iter().filter(here).map(|problem| problem.code().as_str().to_owned()));
            }
            // A list's entries have keys of the same name elsewhere.
            let known = |code: &&String| row.codes.contains(*code) || **code == *"schema";
            missing.extend(given.iter().filter(|code| !known(code)).map(|code| format!("{name} {key} gives {code}")));
            named.extend(row.codes.iter().cloned());
        }
    }
    assert_eq!(missing, Vec::<String>::new());
    // Every named code exists; a code that no key gives is about the file as a whole.
    let all: BTreeSet<String> = Code::ALL.iter().map(|code| code.as_str().to_owned()).collect();
    let of_the_whole: Vec<&String> = all.difference(&named).collect();
    assert_eq!(of_the_whole, ["syntax"]);
    assert!(named.is_subset(&all), "{:?}", named.difference(&all));
}

#[test]
fn the_table_of_codes_matches_the_program() {
    let page = page();
    let part = page.split_once("### Kode").expect("the codes").1.split_once("\n## ").expect("its end").0;
    let rows = part.lines().filter(|line| line.starts_with("| `")).map(|line| {
        let [code, severity, accepted, _] = cells(line)[..] else { panic!("four cells: {line}") };
        (in_backticks(code)[0].to_owned(), severity.to_owned(), accepted.to_owned())
    });
    let codes = Code::ALL.iter().map(|code| {
        let severity = if code.is_warning() { "peringatan" } else { "kesalahan" };
        let accepted = if code.can_be_accepted() { "ya" } else { "–" };
        (code.as_str().to_owned(), severity.to_owned(), accepted.to_owned())
    });
    assert_eq!(rows.collect::<Vec<_>>(), codes.collect::<Vec<_>>());
}

#[test]
fn the_limits_of_the_reference_match_the_program() {
    let page = page();
    let part = page.split_once("### Batas").expect("the limits").1.split_once("\n### ").expect("their end").0;
    let limits = part.lines().filter(|line| line.starts_with("| ") && !line.contains("yang dibatasi"));
    let limits: Vec<String> = limits.map(|line| cells(line)[1].to_owned()).collect();
    let counted = |count: usize, unit: &str| format!("{} {unit}", grouped(&count.to_string(), ".")).trim().to_owned();
    let of_max = set("[[field]]", "max", 501).problems.into_iter().find_map(|problem| match problem.kind {
        Kind::OutOfRange { key: "max", min, max } => Some(format!("{min}–{max}")),
        _ => None,
    });
    let of_max = of_max.expect("501 is out of range");
    let expected = [
        counted(MAX_FILE, "byte"),
        counted(MAX_TEXT, "karakter"),
        counted(MAX_RULES, ""),
        counted(MAX_MARKS, ""),
        format!("{of_max} karakter"),
        counted(LONG_SENTENCE, "karakter"),
        counted(MAX_PROBLEMS_PER_CODE, ""),
    ];
    assert_eq!(limits, expected);
    let reference = reference();
    let row = |name: &str, key: &str| &reference[name][key].meaning;
    assert!(row("[[field]]", "max").contains(&of_max));
    assert!(row("", "rule").contains(&counted(MAX_RULES, "")));
    assert!(row("[[step]]", "say").contains(&counted(LONG_SENTENCE, "karakter")));
    for (name, key) in [("[[fact]]", "key"), ("[[field]]", "key")] {
        let is_reserved = |letter: &char| {
            let report = set(name, key, letter.to_string());
            report.problems.iter().any(|problem| matches!(problem.kind, Kind::KeyReserved { .. }))
        };
        let reserved: String = ('a'..='z').filter(is_reserved).collect();
        assert!(row(name, key).contains(&format!("`{reserved}`")), "{name}: {reserved}");
    }
    // Both ends of each range: the last accepted value and the first rejected one.
    for (name, key, good, bad) in [
        ("[[fact]]", "keep_for", ["1m", "31d"], ["59s", "32d"]),
        ("[[zone]]", "offset", ["-12:00", "+14:00"], ["-12:01", "+14:01"]),
        ("[[greeting]]", "from", ["00:00", "17:59"], ["-0:01", "24:00"]),
        ("[[zone]]", "id", ["A", "ABCDEFGHIJKL"], ["", "ABCDEFGHIJKLM"]),
    ] {
        for good in good {
            assert_eq!(set(name, key, good).problems, [], "{key} = {good}");
        }
        for bad in bad {
            assert!(set(name, key, bad).errors() > 0, "{key} = {bad}");
        }
    }
    for end in ["`1m`", "`31d`"] {
        assert!(row("[[fact]]", "keep_for").contains(end));
    }
    for end in ["\"-12:00\"", "\"+14:00\""] {
        assert!(row("[[zone]]", "offset").contains(end));
    }
    assert!(row("[[zone]]", "id").contains("paling banyak 12"));
    let days = |to: &str| set("[sop]", "effective_to", Value::Datetime(to.parse().expect("a day"))).warnings();
    assert_eq!((days("2026-03-09"), days("2026-03-10")), (1, 0));
    assert!(row("[sop]", "effective_to").contains("7 hari"));
}

#[test]
fn the_reference_names_the_table_that_accepts_a_warning() {
    // The table that accepts a code is the one named in the code's row.
    let reference = reference();
    for (code, names) in [
        ("no-requirement", &[""][..]),
        ("duty-count", &["[sop]"]),
        ("not-yet-effective", &["[sop]"]),
        ("expiring", &["[sop]"]),
    ] {
        let found: Vec<&str> = reference
            .iter()
            .filter(|(_, rows)| rows.values().any(|row| row.codes.contains(code)))
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(found, names, "{code}");
    }
}
