//! What a report says of one journal, in text, CSV and JSON, and what its arguments may be.

use penutup::cli::report::csv::Columns;
use penutup::journal::record::OvertakenRecord;
use penutup::journal::report::{ReportBuilder, Teams};
use penutup::journal::summary::{CallSummary, Interner};
use penutup::loaded::LoadedRules;
use penutup::rules::BUILT_IN;
use penutup_cli_kit::report::{Answer, Between, Collector, Question, Questions, text};
use proptest::prelude::*;
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr as _;
use uuid::Uuid;

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
    assert_eq!((&json["schema"], &json["total"]["closings"]), (&2.into(), &0.into()));
    assert_eq!(parse_csv(&home.penutup(["report", "--format", "csv"]).ok()), [columns().names()]);
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
    assert!(none.contains("Tidak ada closing yang tercatat untuk pilihan itu."), "{none}");
}

#[test]
fn the_report_in_json_is_the_documented_one() {
    let home = Home::new();
    write(&home, Some("07"), a_day());
    let json = home.penutup(["report", "--format", "json", "--by", "fact=klb", "--from", "2026-11-01"]).json();
    let keys: Vec<&String> = json.as_object().unwrap().keys().collect();
    let documented =
        ["schema", "self_reported", "offset", "where", "from", "to", "open", "total", "seconds", "groupings", "before"];
    assert_eq!(keys, documented);
    assert_eq!(
        (&json["schema"], &json["self_reported"], &json["where"]),
        (&2.into(), &true.into(), &Value::Array(vec![]))
    );
    assert_eq!((&json["from"], &json["to"]), (&"2026-11-01".into(), &Value::Null));
    assert_eq!((&json["offset"], &json["open"], &json["before"]), (&"+07:00".into(), &1.into(), &Value::Null));
    let total = &json["total"];
    assert_eq!((&total["closings"], &total["complete"], &total["costing"]), (&5.into(), &3.into(), &1.into()));
    let flagged = ["before_closing", "overtaken", "taken_back"].map(|key| total[key].as_u64());
    assert_eq!(flagged, [Some(1), Some(1), Some(1)]);
    assert_eq!(total["cost"], json!({ "Akurasi": 1, "FCR": 1, "Salam Penutup": 1 }));
    assert_eq!(total["left_out"], json!({ "terima-kasih": 2, "download": 1 }));
    assert_eq!(total["endings"], json!({ "lengkap": 3, "pelanggan-menutup": 1, "tidak-disampaikan": 1 }));
    assert_eq!(json["seconds"], json!({ "median": 60, "p90": 60, "longest": 60 }));
    let groupings = json["groupings"].as_array().unwrap();
    assert!(groupings.len() == 1 && groupings[0]["by"] == json!(["fact=klb"]), "{groupings:?}");
    let ya = groupings[0]["groups"].as_array().unwrap().iter().find(|g| g["key"] == json!(["ya"])).unwrap();
    assert_eq!((&ya["closings"], &ya["costing"], &ya["seconds"]), (&2.into(), &1.into(), &40.into()));

    let overview = home.penutup(["report", "--format", "json"]).json();
    let by = overview["groupings"].as_array().unwrap().iter().map(|grouping| grouping["by"][0].as_str().unwrap());
    assert_eq!(
        by.collect::<Vec<_>>(),
        ["ending", "fact=aplikasi", "fact=klb", "fact=topik", "rule", "seat", "hour", "day"]
    );
    let first = |at: usize| &overview["groupings"][at]["groups"][0]["key"][0];
    assert_eq!((first(5), first(6), first(7)), (&"07".into(), &"12".into(), &"2026-11-24".into()));
}

/// The columns of the built-in rules, with the facts and steps that the calls of [`a_day`] have.
fn columns() -> Columns {
    Columns::of(&LoadedRules::built_in().rules)
}

#[test]
fn csv_has_a_line_per_call_and_no_formula() {
    let home = Home::new();
    write(&home, Some("=HYPERLINK(\"x\")"), a_day());
    let text = home.penutup(["report", "--format", "csv"]).ok();
    let rows = parse_csv(&text);
    assert_eq!(rows.len(), 7);
    assert_eq!(rows[0], columns().names());
    let fixed = "id,interaction,start,end,seconds,seat,agent,ending,complete,left_out,cost,rule,revision,rules_sha256,zone,\
                 greeting,differs,before_closing,taken_back,overtaken";
    let own = "fact.klb,fact.topik,fact.aplikasi,step.campaign,step.download,step.update,step.terima-kasih";
    assert_eq!(rows[0].join(","), [fixed, own].join(","));
    assert!(text.lines().skip(1).all(|l| l.contains(",\"'=HYPERLINK(\"\"x\"\")\",")), "{text}");
    let column = |name: &str| rows[0].iter().position(|known| known == name).unwrap();
    let cells =
        |row: usize, names: &[&str]| names.iter().map(|name| rows[row][column(name)].as_str()).collect::<Vec<_>>();
    let first = cells(1, &["start", "end", "seconds", "ending", "complete", "left_out", "cost", "greeting"]);
    assert_eq!(
        first,
        ["2026-11-24T12:01:00+07:00", "2026-11-24T12:02:00+07:00", "60", "lengkap", "true", "", "", "siang"]
    );
    let steps = ["fact.klb", "fact.aplikasi", "step.campaign", "step.download", "step.terima-kasih"];
    let said = ["2026-11-24T12:01:05+07:00", "2026-11-24T12:01:10+07:00"];
    assert_eq!(cells(1, &steps), ["tidak", "belum-tahu", "", said[0], said[1]]);
    assert_eq!(cells(4, &steps)[3..], ["left_out", "left_out"]);
    let omitted = cells(4, &["ending", "complete", "left_out", "cost", "taken_back", "before_closing"]);
    let lost = "Akurasi; Salam Penutup; FCR";
    assert_eq!(omitted, ["tidak-disampaikan", "false", "download; terima-kasih", lost, "download=2", "true"]);
    assert_eq!(cells(6, &["end", "seconds", "ending", "complete", "left_out", "step.download"]), [""; 6]);
}

#[test]
fn a_call_of_other_rules_has_columns_too() {
    let home = Home::new();
    let mut old = ended(1);
    old.facts[0].fact = "cuaca".into();
    old.steps[0].step = "pamit".into();
    write(&home, Some("07"), [old, ended(2)]);
    let rows = parse_csv(&home.penutup(["report", "--format", "csv"]).ok());
    let names: Vec<&str> =
        rows[0].iter().map(String::as_str).filter(|n| n.contains("cuaca") || n.contains("pamit")).collect();
    assert_eq!(names, ["fact.cuaca", "step.pamit"]);
    assert!(rows.iter().all(|row| row.len() == rows[0].len()));
    // Not, if those calls are filtered out.
    let rows = parse_csv(&home.penutup(["report", "--format", "csv", "--where", "klb=tidak"]).ok());
    assert_eq!((rows.len(), rows[0].iter().any(|name| name.contains("cuaca"))), (2, false));
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
        (&["report", "--by", "jam"], "Yang ada: klb, topik, aplikasi, agent, seat, team, day, week"),
        (&["report", "--by", "fact=kbl"], "Maksudnya \"klb\"?"),
        (&["report", "--by", "agnet"], "Maksudnya \"agent\"?"),
        (&["report", "--by", "agent,agent"], "dua kelompok yang berbeda"),
        (&["report", "--by", "agent,seat,day"], "satu atau dua kelompok"),
        (&["report", "--by", ""], "tidak dapat dikelompokkan"),
        (&["report", "--by", "team"], "Tambahkan --teams"),
        (&["report", "--where", "topik"], "Tulis kelompok=isi"),
        (&["report", "--where", "topk=lain"], "Maksudnya \"topik\"?"),
        (&["report", "--where", "ending=lengkp"], "Maksudnya \"lengkap\"?"),
        (&["report", "--where", "hour=24"], "0 sampai 23"),
        (&["report", "--where", "week=2026-48"], "2026-W48"),
        (&["report", "--where", "month=2026-13"], "2026-11"),
        (&["report", "--where", "day=kemarin"], "tidak valid"),
        (&["report", "--compare"], "Tambahkan --from dan --to"),
        (&["report", "--compare", "--from", "2026-11-01"], "Tambahkan --from dan --to"),
        (&["report", "--compare", "--from", "2026-11-01", "--to", "2026-11-02", "--format", "csv"], "Tambahkan --by"),
        (&["report", "--where", "week=2026-W+1"], "2026-W48"),
        (&["report", "--where", "hour=+5"], "0 sampai 23"),
        (&["report", "--where", "reason=lengkap"], "bukan isi reason"),
        (&["report", "--from", "0001-01-01"], "tidak valid"),
        (&["report", "--sample", "0"], "dari 1 sampai 1000"),
        (&["report", "--sample", "sepuluh"], "bilangan bulat"),
        (&["report", "--sample", "3", "--by", "seat"], "--by"),
        (&["report", "--seed", "3"], "--sample"),
        (&["report", "--teams", "tim.csv"], "tim.csv"),
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
    let sql = include_str!("../../data/0.1.0/journal.sql");
    rusqlite::Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    let json = home.penutup(["report", "--format", "json"]).json();
    assert_eq!((&json["total"]["closings"], &json["open"]), (&2.into(), &1.into()));
    let flagged = ["before_closing", "overtaken", "taken_back"].map(|key| json["total"][key].as_u64());
    assert_eq!(flagged, [Some(1), Some(1), Some(1)]);
    let by_revision = home.penutup(["report", "--by", "revision", "--format", "csv"]).ok();
    assert_eq!(column(&by_revision, "revision"), ["Rev-1"]);
    assert_eq!(column(&by_revision, "closings"), ["2"]);
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

/// A question, as its arguments ask it.
fn question(args: &[&str]) -> Question {
    let words = Lang::Id.words();
    asked(args).parsed(wib(), &LoadedRules::built_in().rules, words, || 7).map_err(|error| error.message).unwrap()
}

fn asked(args: &[&str]) -> Questions {
    use clap::{Args as _, FromArgMatches as _};
    let command = Questions::augment_args(clap::Command::new("report"));
    Questions::from_arg_matches(&command.get_matches_from(std::iter::once(&"report").chain(args))).unwrap()
}

/// The calls of a report: five seats, three agents.
fn summaries(records: &[Record], texts: &mut Interner) -> Vec<CallSummary> {
    let each = records.iter().enumerate().map(|(at, record)| {
        let agent = (at % 4 > 0).then(|| format!("470{}", at % 4));
        let id = Uuid::from_u64_pair(at as u64, 7);
        let record = Record { id, agent, seat: Some(format!("meja {}", at % 5)), ..record.clone() };
        CallSummary::of(&record, texts).unwrap()
    });
    each.collect()
}

fn collected<'q>(question: &'q Question, rows: &[CallSummary], texts: &Interner) -> Collector<'q> {
    let mut collector = Collector::new(question);
    let span = question.span();
    rows.iter().filter(|row| span.has(row.start_ms)).for_each(|row| collector.add(row, texts).unwrap());
    collector
}

fn answered(args: &[&str], rows: &[CallSummary], texts: &Interner) -> Value {
    let question = question(&[args, &["--format", "json"]].concat());
    let collector = collected(&question, rows, texts);
    let answer = collector.answer(texts, &LoadedRules::built_in().rules, Lang::Id.words());
    serde_json::from_str(&answer.map_err(|error| error.message).unwrap()).unwrap()
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let mut records: Vec<Record> = calls::calls(3000).collect();
    records[0].rule = "aturan-dengan-nama-yang-panjang-sekali-".repeat(5);
    records[1].facts[0].value = "nilai-".repeat(40);
    records[2].cost = vec!["漢字".repeat(60)];
    let rules = LoadedRules::built_in().rules;
    let by = ["day", "hour", "rule", "ending", "seat", "klb", "week", "agent,reason", "rule,step", "hour,ending"];
    for records in [&records[..], &records[..1]] {
        let mut texts = Interner::default();
        let rows = summaries(records, &mut texts);
        for by in std::iter::once(None).chain(by.map(Some)) {
            for compare in [&[][..], &["--compare", "--from", "2026-11-01", "--to", "2026-11-30"]] {
                let by = by.map(|by| vec!["--by", by]).unwrap_or_default();
                let question = question(&[&by[..], compare].concat());
                let (mut now, mut before) = (ReportBuilder::new(wib(), question.by.clone()), None);
                for row in &rows {
                    now.add(row);
                }
                let now = now.report(&texts, &Teams::default());
                if let Some((days, span)) = question.before() {
                    let mut builder = ReportBuilder::new(wib(), question.by.clone());
                    rows.iter().filter(|row| span.has(row.start_ms)).for_each(|row| builder.add(row));
                    before = Some((days, builder.report(&texts, &Teams::default())));
                }
                let before = before.as_ref().map(|(days, report)| (*days, report));
                let answer = Answer { question: &question, now: &now, before };
                for width in 26..=120 {
                    let text = text::text(&answer, &rules, Lang::Id.words(), width);
                    let widest = text.lines().max_by_key(|l| l.width()).unwrap();
                    assert!(widest.width() <= width, "{width} {by:?}: {widest}");
                }
            }
        }
    }
}

#[test]
fn the_period_before_has_the_same_length_or_is_whole_months() {
    for (from, to, before) in [
        ("2026-11-01", "2026-11-30", Some(("2026-10-01", "2026-10-31"))),
        ("2026-03-01", "2026-03-31", Some(("2026-02-01", "2026-02-28"))),
        ("2026-01-01", "2026-12-31", Some(("2025-01-01", "2025-12-31"))),
        ("2026-11-24", "2026-11-24", Some(("2026-11-23", "2026-11-23"))),
        ("2026-11-16", "2026-11-22", Some(("2026-11-09", "2026-11-15"))),
        ("2026-11-02", "2026-11-30", Some(("2026-10-04", "2026-11-01"))),
        ("2026-11-01", "", None),
        ("", "2026-11-01", None),
    ] {
        let [from, to] = [from, to].map(|day| day.parse().ok());
        let found = Between { from, to }.before();
        let shown = found.map(|days| [days.from, days.to].map(|day| day.unwrap().to_string()));
        assert_eq!(shown, before.map(|(from, to)| [from, to].map(str::to_owned)), "{from:?} {to:?}");
    }
}

#[test]
fn the_calls_to_listen_to_are_the_same_with_the_same_seed() {
    let home = Home::new();
    write(&home, Some("07"), a_day());
    let sample = home.penutup(["report", "--sample", "4", "--seed", "7"]).ok();
    let (worst, random) = sample.split_once("\nAcak\n").unwrap();
    assert!(
        sample.contains("4 panggilan untuk didengarkan dari 5 closing · ulangi dengan pilihan yang sama dan --seed 7"),
        "{sample}"
    );
    assert!(worst.contains("24/11/2026 12.04.00 WIB · Seat 07"), "{sample}");
    assert!(worst.contains("bobot 21 · closing tidak disampaikan · terlewat: "), "{sample}");
    assert!(random.contains("closing lengkap"), "{sample}");
    assert_eq!(home.penutup(["report", "--sample", "4", "--seed", "7"]).ok(), sample);
    let export = home.penutup(["journal", "export"]).ok();
    home.write("seat.jsonl", &export);
    assert_eq!(home.penutup(["report", "--sample", "4", "--seed", "7", "seat.jsonl"]).ok(), sample);
    let rows = parse_csv(&home.penutup(["report", "--sample", "4", "--seed", "7", "--format", "csv"]).ok());
    assert_eq!(
        rows.iter().map(|row| row[0].as_str()).collect::<Vec<_>>(),
        ["sample", "worst", "worst", "random", "random"]
    );
    let json = home.penutup(["report", "--sample", "4", "--format", "json", "--where", "klb=ya"]).json();
    let calls = json["calls"].as_array().unwrap();
    assert!(calls.len() == 2 && calls.iter().all(|one| one["call"]["facts"][0][1] == "ya"), "{json}");
    assert!(json["seed"].is_u64());
    home.penutup(["report", "--sample", "4", "--where", "agent=9"])
        .run()
        .err_is("Tidak ada panggilan dengan agent=9\n");
}

#[test]
fn teams_come_from_a_file_of_agents_or_seats() {
    let home = Home::new();
    write(&home, Some("meja 7"), a_day());
    let agents = a_day().into_iter().map(|record| Record { agent: Some("4711".into()), ..record });
    write(&home, Some("meja 7"), agents.map(|record| Record { call: record.call + 100, ..record }));
    let report = |file: &str, text: &str| {
        home.write(file, text);
        home.penutup(["report", "--by", "team,step", "--teams", file])
    };
    let text = report("tim.csv", "\u{feff}Nomor;Tim\r\n4711;Anggrek\r\nmeja 7;Melati\r\n").ok();
    assert!(
        text.contains("  Anggrek  ") && text.contains("  Melati  ") && text.contains("Tim × Langkah yang terlewat"),
        "{text}"
    );
    for spreadsheet in
        ["sep=;\r\nNo;Nama;Tim\r\n4711;Siti;Anggrek\r\n;;\r\n", "4711\tAnggrek\n", "\r\n4711,Anggrek,\r\n"]
    {
        let text = report("tim.csv", spreadsheet).ok();
        assert!(text.contains("  Anggrek  "), "{spreadsheet}: {text}");
    }
    report("tim.csv", "9999,Anggrek\n").run().err_is("Tidak satu pun panggilan ada di berkas tim\n");
    home.write("tim.csv", "4711,Anggr\u{e9}k\n".chars().map(|c| c as u8).collect::<Vec<_>>());
    let message = home.penutup(["report", "--by", "team", "--teams", "tim.csv"]).failed();
    assert!(message.contains("CSV UTF-8"), "{message}");
    let text = report("tim.csv", "4711,Anggrek\n").ok();
    assert!(text.contains("(tanpa tim)"), "{text}");
    for (bad, says) in [
        ("4711,Anggrek\n4711,Melati\n", "baris 2: 4711 sudah di tim Anggrek, di sini di tim Melati"),
        ("4711\n", "baris 1: harus ada dua kolom"),
        ("4711,Anggrek\n,Melati\n", "baris 2: harus ada dua kolom"),
        ("4711,\u{1b}[2J\n", "baris 1: nama terlalu panjang atau berisi karakter kontrol"),
        ("nomor;nama;tim\r\n4711;Siti;Anggrek\r\n\r\n4712;;\r\n", "baris 4: harus ada dua kolom"),
        ("4711,Siti,Anggrek\n", "baris 1: harus ada dua kolom"),
    ] {
        let message = report("tim.csv", bad).failed();
        assert!(message.contains(says), "{message}");
        assert_harmless(&message);
    }
    let message = home.penutup(["report", "--where", "team=Angrek", "--teams", "t.csv"]).failed();
    assert!(message.contains("t.csv"), "{message}");
    home.write("t.csv", "4711,Anggrek\n");
    let message = home.penutup(["report", "--where", "team=Angrek", "--teams", "t.csv"]).failed();
    assert!(message.contains("Maksudnya \"Anggrek\"?"), "{message}");
}

#[test]
fn steps_are_a_share_of_the_calls_in_which_they_were_due() {
    let home = Home::new();
    // In nine calls another step is due.
    let others = (10..19).map(|call| {
        let mut record = ended(call);
        record.steps[0].step = "update".into();
        record
    });
    write(&home, Some("07"), others.chain([ticked_and_left(1), ended(2)]));
    let text = home.penutup(["report", "--by", "step"]).ok();
    assert!(text.contains("  Ajakan DOWNLOAD New PLN Mobile  1   50%"), "{text}");
    let crossed = home.penutup(["report", "--by", "seat,step"]).ok();
    assert!(crossed.contains("50%") && crossed.contains("Persen langkah"), "{crossed}");
    let csv = home.penutup(["report", "--by", "seat", "--format", "csv"]).ok();
    let of = |name: &str| column(&csv, name);
    assert_eq!(
        (of("step.download"), of("due.download"), of("due.update")),
        (vec!["1".into()], vec!["2".into()], vec!["9".into()])
    );
}

/// A call in which nothing was said, and which the customer ended.
fn ticked_and_left(call: u64) -> Record {
    let record = ticked(call, 0);
    Record { end: Some((record.start + TimeDelta::seconds(30), Outcome::Ended(Ending::CustomerLeft))), ..record }
}

#[cfg(unix)]
#[test]
fn what_is_hidden_is_never_what_costs_score_and_is_named() {
    use crate::term::Term;

    let home = Home::new();
    let mut calls: Vec<Record> = (0..40).map(ended).collect();
    for (at, ending) in Ending::ANSWERS.into_iter().enumerate() {
        for n in 0..(if ending == Ending::Omitted { 1 } else { 3 }) {
            let record = ticked_and_left(100 + 10 * at as u64 + n);
            let at = record.end.unwrap().0;
            calls.push(Record { end: Some((at, Outcome::Ended(ending))), ..record });
        }
    }
    write(&home, Some("07"), calls);
    let mut term = Term::sized(&home.penutup(["report", "--by", "seat,reason"]).command(), 60, 40);
    term.shows("Lainnya: ");
    term.shows("disampaikan");
    let mut term = Term::sized(&home.penutup(["report", "--by", "seat,reason"]).command(), 40, 60);
    term.shows("disampaikan");
}

#[test]
fn a_running_call_has_left_out_nothing_yet() {
    let home = Home::new();
    write(&home, Some("07"), [Record { interaction: Some("abc".into()), ..begun(1) }]);
    let csv = home.penutup(["report", "--format", "csv"]).ok();
    for name in ["complete", "left_out", "step.download", "before_closing"] {
        assert_eq!(column(&csv, name), [""], "{name}: {csv}");
    }
    let call = home.penutup(["report", "--call", "abc"]).ok();
    assert!(call.contains("belum dicentang") && !call.contains("terlewat"), "{call}");
    let text = home.penutup(["report"]).ok();
    assert!(text.contains("Masih berlangsung  1\n") && !text.contains('%'), "{text}");
}

#[test]
fn a_comparison_says_what_it_has_nothing_to_compare_with() {
    let home = Home::new();
    write(&home, Some("07"), a_day());
    let report =
        |from: &str, to: &str| home.penutup(["report", "--by", "seat", "--compare", "--from", from, "--to", to]).ok();
    let none_before = report("2026-11-01", "2026-11-30");
    assert!(none_before.contains("Tidak ada closing dari 01/10/2026 s.d. 31/10/2026 di data ini"), "{none_before}");
    assert!(none_before.contains("Closing terakhir 24/11/2026"), "{none_before}");
    let none_now = report("2026-12-01", "2026-12-31");
    assert!(none_now.contains("  Closing                     0       −5           5"), "{none_now}");
    assert!(none_now.contains("  07 ") && none_now.contains("Tidak ada closing yang tercatat"), "{none_now}");
}

#[test]
fn labels_are_accepted_where_ids_are() {
    let home = Home::new();
    write(&home, Some("07"), a_day());
    let total = |filters: &[&str]| {
        let filters = filters.iter().flat_map(|filter| ["--where", filter]);
        let args = ["report", "--format", "json"].into_iter().chain(filters);
        home.penutup(args).json()["total"]["closings"].as_u64().unwrap()
    };
    assert_eq!((total(&["klb=ya"]), total(&["klb=AKTIF"]), total(&["fact=klb=aktif"])), (2, 2, 2));
    assert_eq!((total(&["reason=pelanggan menutup lebih dulu"]), total(&["ending=lengkap"])), (1, 3));
    assert_eq!((total(&["klb=ya", "klb=tidak"]), total(&["klb=ya", "ending=lengkap"])), (5, 0));
    assert_eq!((total(&["step=Terima kasih"]), total(&["step="])), (2, 3));
    let text = home.penutup(["report", "--where", "klb=ya", "--where", "seat=8"]).run();
    text.out_has("Hanya KLB: AKTIF\n").err_is("Tidak ada panggilan dengan seat=8\n");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Groups add up to the total, crossed groups to those of their dimensions, and filtering by a key gives its group.
    #[test]
    fn groups_add_up_and_filters_give_the_groups(
        count in 1_usize..60,
        one in 0_usize..9,
        other in 0_usize..9,
        cut in 0_usize..200,
    ) {
        const BY: [&str; 9] = ["agent", "seat", "day", "week", "month", "hour", "rule", "ending", "klb"];
        let records: Vec<Record> = calls::calls(count as u64).collect();
        let mut texts = Interner::default();
        let mut rows = summaries(&records, &mut texts);
        let (one, other) = (BY[one], BY[other]);
        prop_assume!(one != other);
        let crossed = answered(&["--by", &format!("{one},{other}")], &rows, &texts);
        let closings = |groups: &Value| {
            groups.as_array().unwrap().iter().map(|group| group["closings"].as_u64().unwrap()).sum::<u64>()
        };
        let ended = crossed["total"]["closings"].as_u64().unwrap();
        for grouping in crossed["groupings"].as_array().unwrap() {
            prop_assert_eq!(closings(&grouping["groups"]), ended);
        }
        // The rows of the crossed table are the groups of the first dimension.
        let cells = crossed["groupings"][2]["groups"].as_array().unwrap();
        for group in crossed["groupings"][0]["groups"].as_array().unwrap() {
            let of_row = cells.iter().filter(|cell| cell["key"][0] == group["key"][0]);
            let sum: u64 = of_row.map(|cell| cell["closings"].as_u64().unwrap()).sum();
            prop_assert_eq!(sum, group["closings"].as_u64().unwrap());
            // Filtering by a key gives its group.
            let key = group["key"][0].as_str().unwrap_or_default();
            if !key.is_empty() {
                let filtered = answered(&["--where", &format!("{one}={key}"), "--by", other], &rows, &texts);
                for field in ["closings", "complete", "costing", "seconds", "endings", "cost", "left_out"] {
                    prop_assert_eq!(&filtered["total"][field], &group[field], "{} {}", key, field);
                }
            }
        }
        // The order of the calls is irrelevant.
        rows.rotate_left(cut % count);
        prop_assert_eq!(answered(&["--by", &format!("{one},{other}")], &rows, &texts), crossed);
    }
}

/// A column of a CSV text, without its name.
pub fn column(text: &str, name: &str) -> Vec<String> {
    let rows = parse_csv(text);
    let at = rows[0].iter().position(|known| known == name).unwrap_or_else(|| panic!("no {name} in {text}"));
    rows[1..].iter().map(|row| row[at].clone()).collect()
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
