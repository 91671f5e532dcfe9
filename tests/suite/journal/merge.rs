//! Exports of several seats as one journal: each call once, in its newest copy; a hostile file does no harm.

use std::fs;

use penutup::journal::export::Export;
use penutup::journal::merge::{Merge, Refused};
use penutup::journal::report::{By, Dimension, Report, ReportBuilder, Teams};
use penutup::journal::summary::{CallSummary, Interner};
use proptest::prelude::*;
use uuid::Uuid;

use penutup::journal::record::OvertakenRecord;

use super::report::{column, write};
use super::*;
use crate::support::{Home, assert_harmless};

/// A copy of a call as one seat's export has it.
#[derive(Clone, Debug)]
struct Copy {
    id: u64,
    version: u64,
    record: Record,
}

impl Copy {
    fn record(&self) -> Record {
        let (id, version) = (Uuid::from_u64_pair(self.id, 7), self.version);
        let changed = self.record.start;
        Record { id, version, changed, seat: Some(format!("meja {}", self.id % 3)), ..self.record.clone() }
    }
}

fn export(copies: &[Copy]) -> String {
    let mut out = Vec::new();
    let mut export = Export::begin(&mut out, at("2026-11-24T08:00:00Z")).unwrap();
    for copy in copies {
        export.call(&copy.record()).unwrap();
    }
    assert_eq!(export.end().unwrap(), copies.len() as u64);
    String::from_utf8(out).unwrap()
}

fn merged(files: &[PathBuf]) -> Result<Report, Refused> {
    let mut builder = ReportBuilder::new(wib(), By::Overview);
    let texts = Merge::of(files)?.each(Span::default(), |summary, _, _| {
        builder.add(summary);
        Ok::<(), Refused>(())
    })?;
    Ok(builder.report(&texts, &Teams::default()))
}

fn whole(copies: &[Copy]) -> Report {
    let (mut builder, mut texts) = (ReportBuilder::new(wib(), By::Overview), Interner::default());
    for copy in copies {
        builder.add(&CallSummary::of(&copy.record(), &mut texts).unwrap());
    }
    builder.report(&texts, &Teams::default())
}

/// A file of these lines of calls.
fn file_of(lines: &str) -> String {
    let count = lines.lines().count();
    format!("{{\"penutup_journal\":1,\"exported\":\"x\"}}\n{lines}{{\"calls\":{count}}}\n")
}

/// A valid line of a call, which tests then make invalid.
fn line() -> String {
    export(&[Copy { id: 1, version: 1, record: ended(1) }]).lines().nth(1).unwrap().to_owned() + "\n"
}

#[test]
fn an_export_gives_the_same_report_as_the_journal() {
    let home = Home::new();
    write(&home, Some("07"), calls::calls(300));
    let own = home.penutup(["report", "--format", "json"]).json();
    home.write("seat.jsonl", home.penutup(["journal", "export"]).ok());
    assert_eq!(home.penutup(["report", "--format", "json", "seat.jsonl"]).json(), own);
    // A file that is given twice counts once.
    let twice = home.penutup(["report", "--format", "json", "seat.jsonl", "seat.jsonl"]).json();
    assert_eq!(twice, own);
    let csv = |args: &[&str]| home.penutup(["report", "--format", "csv"].iter().chain(args)).ok();
    assert_eq!(csv(&["seat.jsonl"]), csv(&[]));
    let some = ["--from", "2026-10-01", "--to", "2026-10-02"];
    assert_eq!(csv(&[&["seat.jsonl"][..], &some].concat()), csv(&some));
    home.write("some.jsonl", home.penutup(["journal", "export"].iter().chain(&some)).ok());
    assert_eq!(csv(&["some.jsonl"]), csv(&some));
}

#[test]
fn a_call_exported_while_it_ran_counts_once_as_it_ended() {
    let home = Home::new();
    let path = home.data("journal.db");
    let (writer, troubles) = start(&path);
    send(&writer, ended(1));
    send(&writer, ticked(2, 1));
    settle(&writer);
    home.write("early.jsonl", home.penutup(["journal", "export"]).ok());
    send(&writer, ended(2));
    finish(writer, &troubles);
    home.write("late.jsonl", home.penutup(["journal", "export"]).ok());
    for files in [["early.jsonl", "late.jsonl"], ["late.jsonl", "early.jsonl"]] {
        let json = home.penutup(["report", "--format", "json"].iter().chain(&files)).json();
        assert_eq!((&json["total"]["closings"], &json["open"]), (&2.into(), &0.into()), "{files:?}");
    }
}

#[test]
fn several_exports_can_be_in_one_file() {
    let home = Home::new();
    let files = [1, 2].map(|id| export(&[Copy { id, version: 1, record: ended(id) }]));
    let one = home.write("all.jsonl", files.concat());
    assert_eq!(merged(&[one]).unwrap().total.closings, 2);
    // As a Windows editor saves it.
    let crlf = home.write("crlf.jsonl", files.concat().replace('\n', "\r\n"));
    assert_eq!(merged(&[crlf]).unwrap().total.closings, 2);
    let marked = home.write("marked.jsonl", format!("\u{feff}{}", files.concat()));
    assert_eq!(merged(&[marked]).unwrap().total.closings, 2);
}

#[test]
fn an_export_saved_as_utf_16_is_refused_with_advice() {
    let home = Home::new();
    let text = format!("\u{feff}{}", file_of(&line()).replace('\n', "\r\n"));
    home.write("seat.jsonl", text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>());
    let message = home.penutup(["report", "seat.jsonl"]).failed();
    assert!(message.contains("UTF-16") && message.contains("cmd /c \"penutup journal export > BERKAS\""), "{message}");
}

#[test]
fn a_file_that_is_no_export_is_refused_with_its_line() {
    let home = Home::new();
    let good = export(&[1, 2, 3].map(|id| Copy { id, version: 1, record: ended(id) }));
    let without = |n: usize| {
        let lines = good.lines().enumerate().filter(|(at, _)| *at != n);
        lines.fold(String::new(), |out, (_, line)| out + line + "\n")
    };
    let long = format!("{{\"id\":\"{}\"}}\n", "x".repeat(1_100_000));
    let cases = [
        ("empty", String::new(), "empty: ini bukan ekspor jurnal"),
        ("csv", "id,start\r\n".into(), "csv:1: ini bukan ekspor jurnal"),
        ("no-end", "x".repeat(2_000_000), "no-end:1: baris ini lebih dari 1 MiB"),
        ("newer", good.replacen("journal\":2", "journal\":3", 1), "newer:1: dibuat penutup yang lebih baru"),
        ("no-first", without(0), "no-first:1: ini bukan ekspor jurnal"),
        ("no-last", without(4), "no-last:4: berkas ini terpotong"),
        ("half", good[..good.len() / 2].into(), "half:3: berkas ini terpotong"),
        ("fewer", without(2), "fewer:4: menurut baris terakhirnya ada 3 closing, tetapi isinya 2"),
        ("long", file_of(&long), "long:2: baris ini lebih dari 1 MiB"),
        ("no-json", file_of("{\"id\":\n"), "no-json:2: baris ini tidak berisi closing"),
        ("nested", file_of(&("[".repeat(5000) + "\n")), "nested:2: baris ini tidak berisi closing"),
    ];
    for (name, text, says) in cases {
        home.write(name, text);
        let message = home.penutup(["report", name]).failed();
        assert!(message.contains(says), "{name}: {message}");
        assert_harmless(&message);
    }
    home.write("bytes", [file_of("").as_bytes()[..40].to_vec(), vec![0xFF, 0xFE, b'\n']].concat());
    home.penutup(["report", "bytes"]).failed();
    fs::create_dir(home.path().join("folder")).unwrap();
    assert!(home.penutup(["report", "folder"]).failed().contains("ini folder, bukan berkas"));
}

#[test]
fn a_line_with_an_impossible_value_is_refused() {
    let home = Home::new();
    let line = line();
    assert_eq!(merged(&[home.write("good", file_of(&line))]).unwrap().total.closings, 1);
    let cases = [
        ("\"version\":1", "\"version\":-1", "baris ini tidak berisi closing"),
        ("\"ending\":\"lengkap\"", "\"ending\":\"tamat\"", "baris ini tidak berisi closing"),
        ("\"ending\":\"lengkap\"", "\"ending\":null", "baris ini tidak berisi closing"),
        ("\"seat\":\"meja 1\"", "\"seat\":\"\\u001b]0;x\\u0007\"", "\"seat\" di baris ini"),
        ("\"seat\":\"meja 1\"", "\"seat\":\"\\u202e\"", "\"seat\" di baris ini"),
        ("\"seat\":\"meja 1\"", "\"seat\":\"a\",\"seat\":\"b\"", "baris ini tidak berisi closing"),
        ("\"start_ms\":", "\"start_ms\":-", "\"start_ms\" di baris ini"),
        ("\"end_ms\":", "\"end_ms\":9", "\"end_ms\" di baris ini"),
        ("\"revision\":\"Rev-1\"", "\"revision\":\"\\u009b\"", "\"revision\" di baris ini"),
        ("\"rules_sha256\":\"b", "\"rules_sha256\":\"=", "\"rules_sha256\" di baris ini"),
        ("\"cost\":[]", "\"cost\":[\"\"]", "\"cost\" di baris ini"),
        ("\"cost\":[]", "\"cost\":[],\"differs\":[\"=k\"]", "\"differs\" di baris ini"),
        ("\"cost\":[]", "\"cost\":[],\"differs\":[7]", "baris ini tidak berisi closing"),
        ("[\"klb\",", "[\"k b\",", "\"facts\" di baris ini"),
        ("[\"topik\",", "[\"klb\",", "\"facts\" di baris ini"),
        ("[\"download\",", "[\"=x\",", "\"steps\" di baris ini"),
        ("\"facts\":[[", "\"facts\":[[\"a\",\"b\"],[", "baris ini tidak berisi closing"),
    ];
    for (good, bad, says) in cases {
        assert!(line.contains(good), "{good} is not in {line}");
        home.write("bad", file_of(&line.replacen(good, bad, 1)));
        let message = home.penutup(["report", "bad"]).failed();
        assert!(message.contains("bad:2: ") && message.contains(says), "{bad}: {message}");
        assert_harmless(&message);
    }
}

/// A computer's clock may be set back during a call; one such call must not make a seat's export unusable.
#[test]
fn a_call_that_ends_before_it_began_is_read_and_lasted_no_time() {
    let home = Home::new();
    let record = ended(1);
    let (end, how) = record.end.unwrap();
    let back = Record { end: Some((record.start - TimeDelta::days(1), how)), ..record.clone() };
    assert!(end > record.start);
    home.write("back", export(&[Copy { id: 1, version: 1, record: back }]));
    let json = home.penutup(["report", "--format", "json", "back"]).json();
    assert_eq!(json["total"]["closings"], 1, "{json:#}");
    let csv = home.penutup(["report", "--format", "csv", "back"]).ok();
    assert_eq!(column(&csv, "seconds"), ["0"], "{csv}");
}

#[test]
fn differences_from_the_centre_are_exported_and_optional() {
    let home = Home::new();
    let differing = Record { differs: vec!["klb".into()], ..ended(1) };
    let with = export(&[Copy { id: 1, version: 1, record: differing.clone() }]);
    assert!(with.contains(",\"differs\":[\"klb\"]}\n"), "{with}");
    assert!(!line().contains("differs"), "without differences the key is left out, for older readers");
    home.write("with", &with);
    home.write("without", file_of(&line()));
    let last = |args: &[&str]| {
        let csv = home.penutup(["report", "--format", "csv"].iter().chain(args)).ok();
        column(&csv, "differs").pop().expect("a call")
    };
    assert_eq!((last(&["with"]).as_str(), last(&["without"]).as_str()), ("klb", ""));
    // Also from a journal on the disk, beside a call without differences.
    write(&home, Some("07"), vec![ended(2), differing]);
    let own = home.penutup(["journal", "export"]).ok();
    assert_eq!(own.matches("\"differs\":[\"klb\"]").count(), 1, "{own}");
    home.write("own.jsonl", &own);
    assert_eq!(
        home.penutup(["report", "--format", "csv", "own.jsonl"]).ok(),
        home.penutup(["report", "--format", "csv"]).ok()
    );
}

#[test]
fn overtaken_steps_are_in_the_export_and_in_the_csv() {
    let home = Home::new();
    let at = ended(1).start;
    let late = OvertakenRecord { step: "campaign".into(), at, facts: vec![("klb".into(), "tidak".into())] };
    let record = Record { overtaken: vec![late], ..ended(1) };
    let with = export(&[Copy { id: 1, version: 1, record: record.clone() }]);
    let ms = at.timestamp_millis();
    assert!(with.contains(&format!(",\"overtaken\":[[\"campaign\",{ms},[[\"klb\",\"tidak\"]]]]}}\n")), "{with}");
    assert!(!line().contains("overtaken"), "without overtaken steps the key is left out, for older readers");
    home.write("with", &with);
    let csv = home.penutup(["report", "--format", "csv", "with"]).ok();
    assert!(csv.contains("campaign=2026-11-24T12:01:00+07:00 (klb=tidak)"), "{csv}");
    assert!(csv.lines().last().unwrap().contains(",lengkap,true,"), "it is not left out: {csv}");
    write(&home, Some("07"), vec![record]);
    let own = home.penutup(["journal", "export"]).ok();
    assert!(own.contains("\"overtaken\":[[\"campaign\""), "{own}");
    for bad in
        [with.replace("\"campaign\",1", "\"Campaign!\",1"), with.replace(&format!(",{ms},[[\"klb"), ",-1,[[\"klb")]
    {
        assert_ne!(bad, with);
        home.write("bad", &bad);
        assert!(home.penutup(["report", "bad"]).failed().contains("overtaken"));
    }
}

#[test]
fn agent_and_interaction_are_in_the_journal_the_export_and_the_csv() {
    let home = Home::new();
    let record = Record { agent: Some("4711".into()), interaction: Some("00:1f; x=1".into()), ..ended(1) };
    write(&home, Some("07"), vec![record]);
    let own = home.penutup(["journal", "export"]).ok();
    assert!(own.contains("\"seat\":\"07\",\"agent\":\"4711\",\"interaction\":\"00:1f; x=1\",\"zone\""), "{own}");
    home.write("own", &own);
    let csv = home.penutup(["report", "--format", "csv", "own"]).ok();
    assert_eq!(csv, home.penutup(["report", "--format", "csv"]).ok());
    assert_eq!((column(&csv, "agent"), column(&csv, "interaction")), (vec!["4711".into()], vec!["00:1f; x=1".into()]));
    assert!(!line().contains("agent") && !line().contains("interaction"), "left out where unknown");
    for (key, bad) in [
        ("agent", own.replace("\"4711\"", "\"Siti Aminah\"")),
        ("agent", own.replace("\"4711\"", &format!("\"{}\"", "7".repeat(41)))),
        ("interaction", own.replace("x=1", "\\u001b[2J")),
        ("interaction", own.replace("x=1", &"x".repeat(101))),
    ] {
        assert_ne!(bad, own);
        home.write("bad", &bad);
        let message = home.penutup(["report", "bad"]).failed();
        assert!(message.contains(key) && message.contains("bad:2"), "{message}");
    }
}

#[test]
fn more_different_values_than_any_site_has_are_refused() {
    let home = Home::new();
    let (good, mut lines) = (line(), String::new());
    for call in 0..20_001 {
        let other = good.replace("\"id\":\"00000000", &format!("\"id\":\"{call:08x}"));
        lines.push_str(&other.replace("\"klb\"", &format!("\"klb-{call}\"")));
    }
    home.write("many", file_of(&lines));
    assert!(home.penutup(["report", "many"]).failed().contains("terlalu banyak kondisi"));
}

#[test]
fn the_longest_record_we_write_is_accepted() {
    let long = "x".repeat(4096);
    let mut record = ended(1);
    record.rule.clone_from(&long);
    record.revision = "é".repeat(4096);
    record.greeting = Some("漢".repeat(4096));
    record.cost = ["漢", "字", "語"].map(|text| text.repeat(4096)).to_vec();
    record.steps[0].step.clone_from(&long);
    let home = Home::new();
    let file = home.write("x", export(&[Copy { id: 1, version: 1, record }]));
    assert_eq!(merged(&[file]).unwrap().groups(&[Dimension::Rule]).unwrap()[0].key, [long]);
}

#[test]
fn parameters_with_quotes_and_commas_are_reported_unchanged() {
    let mut record = ended(1);
    record.cost = vec!["a\", \"b".into(), "=c".into()];
    let mut expected: Vec<_> = record.cost.iter().map(|c| (c.clone(), 1)).collect();
    expected.sort();
    let home = Home::new();
    let file = home.write("x", export(&[Copy { id: 1, version: 1, record }]));
    assert_eq!(merged(&[file]).unwrap().total.cost, expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_merged_parts_report_what_the_whole_does(
        seed in any::<u64>(),
        count in 0..60_u64,
        parts in 1..5_usize,
        placed in proptest::collection::vec((0..5_usize, any::<bool>(), 1..4_u64), 200),
    ) {
        let mut dice = calls::Dice(seed);
        let newest: Vec<Copy> = (0..count)
            .map(|id| {
                let start = at("2026-11-20T00:00:00Z") + TimeDelta::minutes(i64::try_from(dice.below(9000)).unwrap());
                let mut record = calls::call(id, start, &mut dice);
                if dice.below(10) == 0 {
                    record.end = None;
                }
                Copy { id, version: 4, record }
            })
            .collect();
        let mut files = vec![Vec::new(); parts];
        let mut places = placed.iter().cycle();
        for copy in &newest {
            // Its newest copy in one file or in several, older ones, still open, anywhere.
            for _ in 0..3 {
                let (part, again, version) = places.next().unwrap();
                if *again {
                    files[part % parts].push(copy.clone());
                }
                let older = Record { end: None, cost: vec![], ..copy.record.clone() };
                files[(part + 1) % parts].push(Copy { version: *version, record: older, ..copy.clone() });
            }
            files[usize::try_from(copy.id).unwrap() % parts].push(copy.clone());
        }
        let home = Home::new();
        let paths: Vec<PathBuf> =
            files.iter().enumerate().map(|(at, copies)| home.write(format!("{at}"), export(copies))).collect();
        prop_assert_eq!(merged(&paths).unwrap(), whole(&newest));
    }
}
