//! What a report says of one journal, in text, CSV and JSON, and what its arguments may be.

use penutup::cli::report::{csv, text};
use penutup::journal::record::OvertakenRecord;
use penutup::journal::report::{By, Report, ReportBuilder};
use penutup::journal::summary::{CallSummary, Interner};
use penutup::loaded::LoadedRules;
use penutup::rules::BUILT_IN;
use proptest::prelude::*;
use unicode_width::UnicodeWidthStr as _;

use super::*;
use crate::support::{Home, assert_harmless};

/// Writes calls into this home's journal.
pub fn write(home: &Home, seat: Option<&str>, calls: impl IntoIterator<Item = Record>) {
    let path = home.data("journal.db");
    let (writer, troubles) = start_with(Config { seat: seat.map(Into::into), ..config(&path) });
    for record in calls {
        send(&writer, record);
    }
    finish(writer, &troubles);
}

/// A day's calls: complete, one that cost score, one that the customer ended, one that is still open.
fn a_day() -> Vec<Record> {
    let mut omitted = ticked(4, 0);
    omitted.end = Some((omitted.start + TimeDelta::seconds(10), Outcome::Ended(Ending::Omitted)));
    omitted.steps[0].undone = 2;
    omitted.overtaken = vec![OvertakenRecord {
        step: "campaign".into(),
        at: omitted.start,
        facts: vec![("klb".into(), "tidak".into())],
    }];
    omitted.cost = vec!["Akurasi".into(), "Salam Penutup".into(), "FCR".into()];
    let mut customer = ticked(65, 1);
    customer.end = Some((customer.start + TimeDelta::seconds(30), Outcome::Ended(Ending::CustomerLeft)));
    for record in [&mut omitted, &mut customer] {
        record.facts[0].value = "ya".into();
    }
    vec![ended(1), ended(2), ended(3), omitted, customer, begun(66)]
}

#[test]
fn a_missing_journal_is_an_empty_report() {
    let home = Home::new();
    assert_eq!(
        home.penutup(["report"]).ok(),
        "Rekap closing · dicentang CSO, belum dicocokkan dengan rekaman\nBelum ada closing yang tercatat.\n"
    );
    let json = home.penutup(["report", "--format", "json"]).json();
    assert_eq!((&json["schema"], &json["total"]["closings"]), (&1.into(), &0.into()));
    assert_eq!(home.penutup(["report", "--format", "csv"]).ok(), csv::header());
    assert!(home.penutup(["report", "--by", "fact=klb"]).ok().contains("Belum ada"));
    assert!(home.penutup(["journal", "forget", "--all"]).ok().starts_with("Belum ada jurnal: "));
    assert!(home.penutup(["journal", "export"]).ok().ends_with("\n{\"calls\":0}\n"));
    assert!(!home.path().join("data").exists(), "a report creates no journal");
}

#[test]
fn the_report_in_text_is_the_expected_one() {
    let home = Home::new();
    write(&home, Some("07"), a_day());
    write(&home, None, (80..90).map(ended));
    insta::with_settings!({ snapshot_path => "../../snapshots", prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("report", home.penutup(["report"]).ok());
        insta::assert_snapshot!("report-by-hour", home.penutup(["report", "--by", "hour", "--lang", "en"]).ok());
    });
    let by_seat = home.penutup(["report", "--by", "seat"]).ok();
    assert!(by_seat.contains("(tanpa nama)") && by_seat.contains("  07"), "{by_seat}");
    assert!(by_seat.contains("Tidak FCR"), "the loss as the rules in use call it: {by_seat}");
    home.write_config("rules.toml", BUILT_IN.replace("lost_score = { FCR = \"Tidak FCR\" }", ""));
    let other_rules = home.penutup(["report"]).ok();
    assert!(other_rules.contains(" FCR ") && !other_rules.contains("Tidak FCR"), "{other_rules}");
    let other_zone = home.penutup(["report", "--by", "hour", "--zone", "WIT"]).ok();
    assert!(other_zone.contains("jam WIT") && other_zone.contains("14.00–14.59"), "{other_zone}");
}

#[test]
fn from_and_to_select_calls_by_local_day() {
    let home = Home::new();
    write(&home, Some("07"), a_day());
    let count = |args: &[&str]| {
        let args = ["report", "--format", "json"].iter().chain(args).copied();
        home.penutup(args).json()["total"]["closings"].as_u64()
    };
    assert_eq!(count(&[]), Some(5));
    assert_eq!(count(&["--from", "2026-11-24", "--to", "2026-11-24"]), Some(5));
    assert_eq!(count(&["--from", "2026-11-25"]), Some(0));
    assert_eq!(count(&["--to", "2026-11-23"]), Some(0));
    let none = home.penutup(["report", "--to", "2026-11-23"]).ok();
    assert!(none.contains("Tidak ada closing yang tercatat di antara hari itu."), "{none}");
}

#[test]
fn the_report_in_json_is_the_documented_one() {
    let home = Home::new();
    write(&home, Some("07"), a_day());
    let json = home.penutup(["report", "--format", "json", "--by", "fact=klb", "--from", "2026-11-01"]).json();
    let keys: Vec<&String> = json.as_object().unwrap().keys().collect();
    let documented = [
        "schema",
        "self_reported",
        "from",
        "to",
        "offset",
        "open",
        "total",
        "seconds",
        "by",
        "groups",
        "facts",
        "rules",
        "seats",
        "hours",
        "days",
        "endings",
    ];
    assert_eq!(keys, documented);
    assert_eq!(json["self_reported"], true);
    assert_eq!((&json["from"], &json["to"]), (&"2026-11-01".into(), &serde_json::Value::Null));
    assert_eq!((&json["offset"], &json["open"]), (&"+07:00".into(), &1.into()));
    let total = &json["total"];
    assert_eq!((&total["closings"], &total["complete"], &total["costing"]), (&5.into(), &3.into(), &1.into()));
    let flagged = ["before_closing", "overtaken", "taken_back"].map(|key| total[key].as_u64());
    assert_eq!(flagged, [Some(1), Some(1), Some(1)]);
    assert_eq!(total["cost"], serde_json::json!({ "Akurasi": 1, "FCR": 1, "Salam Penutup": 1 }));
    assert_eq!(total["left_out"], serde_json::json!({ "terima-kasih": 2, "download": 1 }));
    let endings = serde_json::json!({ "lengkap": 3, "pelanggan-menutup": 1, "tidak-disampaikan": 1 });
    assert_eq!(total["endings"], endings);
    assert_eq!(json["seconds"], serde_json::json!({ "median": 60, "p90": 60, "longest": 60 }));
    assert_eq!(json["by"], "fact=klb");
    let ya = json["groups"].as_array().unwrap().iter().find(|g| g["key"] == "ya").unwrap();
    assert_eq!((&ya["closings"], &ya["costing"], &ya["seconds"]), (&2.into(), &1.into(), &40.into()));
    assert_eq!(json["facts"]["klb"], json["groups"]);
    assert_eq!(json["hours"][0]["key"], "12");
    assert_eq!(json["days"][0]["key"], "2026-11-24");
    assert_eq!(json["seats"][0]["key"], "07");
}

#[test]
fn csv_has_a_line_per_call_and_no_formula() {
    let home = Home::new();
    write(&home, Some("=HYPERLINK(\"x\")"), a_day());
    let text = home.penutup(["report", "--format", "csv"]).ok();
    let rows = parse_csv(&text);
    assert_eq!(rows.len(), 7);
    assert_eq!(
        rows[0].join(","),
        "id,start,end,seconds,seat,ending,complete,left_out,cost,rule,revision,rules_sha256,zone,greeting,facts,ticks,differs,before_closing,taken_back,overtaken,agent,interaction"
    );
    assert!(text.lines().skip(1).all(|l| l.contains(",\"'=HYPERLINK(\"\"x\"\")\",")), "{text}");
    let first = &rows[1];
    assert_eq!(first[1..4], ["2026-11-24T12:01:00+07:00", "2026-11-24T12:02:00+07:00", "60"]);
    assert_eq!(first[5..9], ["lengkap", "true", "", ""]);
    assert_eq!(first[13], "siang");
    assert_eq!(first[15], "download=2026-11-24T12:01:05+07:00; terima-kasih=2026-11-24T12:01:10+07:00");
    assert_eq!(first[17..], ["false", "", "", "", ""]);
    let omitted = &rows[4];
    assert_eq!(omitted[5..9], ["tidak-disampaikan", "false", "download; terima-kasih", "Akurasi; Salam Penutup; FCR"]);
    let running = &rows[6];
    assert_eq!(running[2..4], ["", ""]);
    assert_eq!((&*running[5], &*running[6]), ("", "false"));
}

#[test]
fn wrong_arguments_are_refused_with_advice() {
    let home = Home::new();
    write(&home, None, a_day());
    for (args, says) in [
        (&["report", "--from", "24/11/2026"][..], "tidak valid"),
        (&["report", "--to", "2026-11-31"], "tidak valid"),
        (&["report", "--from", "2026-11-2"], "tidak valid"),
        (&["report", "--from", "2026-11-25", "--to", "2026-11-24"], "sesudah --to 2026-11-24"),
        (&["report", "--by", "jam"], "Yang ada: day, hour, rule, ending, seat"),
        (&["report", "--by", "fact=kbl"], "Maksudnya \"klb\"?"),
        (&["report", "--by", "seat", "--format", "csv"], "--by tidak dapat dipakai"),
        (&["report", "--zone", "WIS"], "Maksudnya"),
        (&["report", "tidak-ada.jsonl"], "tidak-ada.jsonl: berkas atau folder ini tidak ada"),
        (&["journal", "forget"], "--before TANGGAL atau --all"),
        (&["journal", "forget", "--before", "kemarin"], "tidak valid"),
        (&["journal", "forget", "--all", "--from", "2026-11-24"], "--from hanya untuk penutup journal export"),
        (&["journal", "export", "--all"], "--all hanya untuk penutup journal forget"),
        (&["journal", "forget", "--all", "--before", "2026-11-24"], "--before"),
        (&["journal", "lupa"], "export, backup, forget"),
        (&["journal", "export", "--yes"], "--yes hanya untuk penutup journal forget"),
        (&["journal", "export", "x.db"], "BERKAS hanya untuk penutup journal backup"),
        (&["journal", "backup"], "penutup journal backup jurnal-salinan.db"),
        (&["journal", "forget", "--all"], "Tambahkan --yes"),
        (&["report", "--call", "1", "--by", "seat"], "--by"),
        (&["--agent", "Siti Aminah"], "--agent tidak berisi nomor CSO"),
        (&["--agent", "4711", "report"], "--agent hanya untuk penutup tanpa perintah"),
        (&["call", "agent", "Siti"], "penutup call agent tidak berisi nomor CSO"),
    ] {
        let message = home.penutup(args).failed();
        assert!(message.contains(says), "{args:?}: {message}");
        assert_harmless(&message);
    }
}

#[test]
fn an_unreadable_journal_is_reported_and_left_untouched() {
    let home = Home::new();
    let path = home.write(home.data("journal.db"), "bukan basis data ".repeat(100));
    let message = home.penutup(["report"]).failed();
    assert!(message.contains("journal.db tidak dapat dibaca: isinya rusak"), "{message}");
    assert_eq!(std::fs::read_to_string(path).unwrap().len(), 1700);
}

#[test]
fn the_settings_name_the_journals_path() {
    let home = Home::new();
    write(&home, None, a_day());
    std::fs::rename(home.data("journal.db"), home.path().join("lain.db")).unwrap();
    home.write("s.toml", "[journal]\npath = 'lain.db'\n");
    let json = home.penutup(["report", "--format", "json", "--settings", "s.toml"]).json();
    assert_eq!(json["total"]["closings"], 5);
}

#[test]
fn a_journal_of_0_1_0_is_migrated_by_a_report_and_by_the_prompter() {
    let home = Home::new();
    let path = home.data("journal.db");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let sql = include_str!("../../data/journal-0.1.0.sql");
    rusqlite::Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    let json = home.penutup(["report", "--format", "json"]).json();
    assert_eq!((&json["total"]["closings"], &json["open"]), (&2.into(), &1.into()));
    let flagged = ["before_closing", "overtaken", "taken_back"].map(|key| json["total"][key].as_u64());
    assert_eq!(flagged, [Some(1), Some(1), Some(1)]);
    let export = home.penutup(["journal", "export"]).ok();
    let first = r#"{"id":"019ab123-0000-7000-8000-000000000001","version":4,"start_ms":1795507200000,"end_ms":1795507260000,"ending":"lengkap","changed_ms":1795507260000,"seat":"meja 7","zone":"WIB","greeting":"siang","rule":"klb-lain","revision":"Rev-1","rules_sha256":"b1946ac92492d2347c6235b4d2611184","cost":[],"facts":[["klb","ya",1795507201000],["topik","lain",null]],"steps":[["download",true,1795507230000,1,false,["FCR"]],["terima-kasih",true,1795507240000,0,false,[]]],"overtaken":[["campaign",1795507250000,[["klb","ya"]]]],"differs":["klb"]}"#;
    assert_eq!(export.lines().nth(1), Some(first));
    // The next prompter closes the call that was left open.
    write(&home, Some("07"), [ended(1)]);
    let outcomes: Vec<_> = found(&path).iter().map(|call| call.outcome().map(Outcome::code)).collect();
    assert_eq!(outcomes.len(), 4);
    assert!(outcomes.contains(&Some("tidak-disampaikan")) && outcomes.contains(&Some("aplikasi-tertutup")));
}

#[test]
fn forget_does_not_delete_a_running_call() {
    let home = Home::new();
    let path = home.data("journal.db");
    write(&home, Some("07"), [ended(1), ended(2)]);
    let (writer, troubles) = start(&path);
    send(&writer, ticked(3, 1));
    settle(&writer);
    let forget = |args: &[&str]| home.penutup(["journal", "forget", "--yes"].iter().chain(args)).ok();
    let deleted = |count| format!("{count} closing dari 24/11/2026 s.d. 24/11/2026 dihapus dari jurnal\n");
    assert_eq!(forget(&["--before", "2026-11-24"]), "Tidak ada closing yang dihapus\n");
    assert_eq!(forget(&["--before", "2026-11-25"]), deleted(2));
    assert_eq!(found(&path).len(), 1);
    assert_eq!(forget(&["--all"]), "Tidak ada closing yang dihapus\n");
    send(&writer, ended(3));
    finish(writer, &troubles);
    assert_eq!(forget(&["--all"]), deleted(1));
    assert_eq!(found(&path), []);
}

/// A report of made-up calls.
fn report_of(records: &[Record]) -> Report {
    let (mut builder, mut texts) = (ReportBuilder::new(wib()), Interner::default());
    for (at, record) in records.iter().enumerate() {
        let record = Record { seat: Some(format!("meja {}", at % 5)), ..record.clone() };
        builder.add(&CallSummary::of(&record, &mut texts).unwrap());
    }
    builder.report(&texts)
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let mut records: Vec<Record> = calls::calls(3000).collect();
    records[0].rule = "aturan-dengan-nama-yang-panjang-sekali-".repeat(5);
    records[1].facts[0].value = "nilai-".repeat(40);
    records[2].cost = vec!["漢字".repeat(60)];
    let divisions = ["day", "hour", "rule", "ending", "seat", "fact=klb"].map(|by| by.parse::<By>().unwrap());
    for records in [&records[..], &records[..1]] {
        let report = report_of(records);
        for width in 26..=120 {
            for by in std::iter::once(None).chain(divisions.iter().map(Some)) {
                let text = text::text(&report, by, false, &LoadedRules::built_in().rules, Lang::Id.words(), width);
                let widest = text.lines().max_by_key(|l| l.width()).unwrap();
                assert!(widest.width() <= width, "{width} {by:?}: {widest}");
            }
        }
    }
}

/// The cells of a CSV text (RFC 4180), without the apostrophe that guards against formulas.
fn parse_csv(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    let unguarded = |cell: &mut String| {
        let cell = std::mem::take(cell);
        cell.strip_prefix('\'').map_or(cell.clone(), str::to_owned)
    };
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => cell.extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(unguarded(&mut cell)),
            '\r' if !quoted && chars.peek() == Some(&'\n') => {
                chars.next();
                row.push(unguarded(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            c => cell.push(c),
        }
    }
    assert!(!quoted && cell.is_empty() && row.is_empty(), "the text ends with a line break");
    rows
}

proptest! {
    #[test]
    fn csv_output_round_trips(cells in proptest::collection::vec("[ -~\\r\\n\\t'=+@é-]{0,12}", 1..6)) {
        let text = penutup::diagnostics::csv::line(&cells, ',');
        prop_assert_eq!(parse_csv(&text), vec![cells]);
    }

    #[test]
    fn no_cell_begins_like_a_formula(cell in "[=+@\\t\\r'-]\\PC{0,8}") {
        let text = penutup::diagnostics::csv::line([&cell], ',');
        prop_assert!(text.trim_start_matches('"').starts_with('\''));
    }
}
