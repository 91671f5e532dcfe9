//! The report equals that of the seats' merged exports.

use std::fs;
use std::io::Write as _;

use penutup_cli_kit::report::csv::CallTable;
use penutup_cli_kit::report::{Collector, Questions};
use penutup_cli_kit::words::Lang;
use penutup_journal::merge::{Merge, Refused};
use penutup_journal::record::Record;
use penutup_journal::report::Sampled;
use penutup_journal::summary::{CallSummary, Interner};
use penutup_rules::loaded::LoadedRules;
use serde_json::Value;
use uuid::Uuid;

use crate::support::calls::{call, close};
use crate::support::program::{Running, run};
use crate::support::{FleetSpec, Identity, Postgres, TestFleet, wait_until};

const SEATS: [(&str, &str); 4] = [("jkt", "a1"), ("jkt", "a2"), ("bdg", "b1"), ("sby", "c1")];

/// The output of `penutup report` for the exports.
fn expected(merge: &Merge, args: &[&str]) -> String {
    use clap::{Args as _, FromArgMatches as _};
    let (rules, words) = (LoadedRules::built_in().rules, Lang::Id.words());
    let command = Questions::augment_args(clap::Command::new("report"));
    let questions = Questions::from_arg_matches(&command.get_matches_from(args)).unwrap();
    let question = questions.parsed(rules.zones[0].offset, &rules, words, || 0).unwrap();
    if question.is_for_calls() {
        let mut table = CallTable::new(&question, &rules);
        let mut lines = Vec::new();
        for pass in 0..2 {
            let each = |row: &CallSummary, _: &Interner, record: &Record| {
                if pass == 0 {
                    table.scan(record).unwrap();
                } else {
                    lines.extend(table.line(record).unwrap().map(|line| (row.start_ms, record.id, line)));
                }
                Ok::<(), Refused>(())
            };
            merge.each(question.span(), each).unwrap();
        }
        lines.sort();
        return table.header() + &lines.into_iter().map(|(_, _, line)| line).collect::<String>();
    }
    let mut collector = Collector::new(&question);
    let mut records = Vec::new();
    let each = |row: &CallSummary, texts: &Interner, record: &Record| {
        collector.add(row, texts).unwrap();
        records.push(record.clone());
        Ok::<(), Refused>(())
    };
    let texts = merge.each(question.span(), each).unwrap();
    match collector.sampled() {
        Some(sample) => {
            let with_record = |one: &Sampled| (*one, records.iter().find(|r| r.id == one.id).unwrap().clone());
            let sample: Vec<_> = sample.iter().map(with_record).collect();
            collector.sample(&sample, &texts, &rules, words).unwrap()
        }
        None => collector.answer(&texts, &rules, words).unwrap(),
    }
}

#[tokio::test]
async fn the_report_equals_that_of_the_merged_exports() {
    const EACH: u64 = 120;
    let Some(postgres) = Postgres::start() else { return };
    let Some(fleet) = TestFleet::start(&FleetSpec { database: Some(&postgres), ..FleetSpec::default() }).await else {
        return;
    };
    let config = fleet.config(Identity::Program("archive"));
    let before = run(&config, &["report"]);
    assert!(before.status == 2 && before.err.contains("archive"), "{before:?}");

    let archive = Running::start(&config, &["archive"], fleet.folder());
    let mut exports = Vec::new();
    for (site, seat) in SEATS {
        let client = fleet.connect(Identity::Seat(site, seat)).await;
        let epoch = Uuid::now_v7();
        let path = fleet.folder().join(format!("{site}-{seat}.jsonl"));
        let mut export = fs::File::create(&path).unwrap();
        writeln!(export, "{{\"penutup_journal\":1,\"exported\":\"2026-11-24T08:00:00Z\"}}").unwrap();
        for seq in 1..=EACH {
            // In the exports the seat has the name that the fleet's report gives it; the name that the seat itself
            // sends is ignored.
            let mut call: Value =
                call(Uuid::now_v7(), 2, &format!("{site}/{seat}"), seq * 31 + u64::from(seat.as_bytes()[1]));
            writeln!(export, "{call}").unwrap();
            call["seat"] = "meja".into();
            close(&client, site, seat, epoch, seq, &call).await;
        }
        writeln!(export, "{{\"calls\":{EACH}}}").unwrap();
        exports.push(path);
    }
    let all = i64::try_from(EACH * SEATS.len() as u64).unwrap();
    let arrived = async || (postgres.number("select count(*) from closing").await == Some(all)).then_some(());
    wait_until("the closings", arrived).await;
    drop(archive);

    let merge = Merge::of(&exports).unwrap();
    let some_days = ["--from", "2026-11-25", "--to", "2026-11-26"];
    for args in [
        &["--format", "json"][..],
        &["--format", "csv"],
        &[],
        &["--by", "seat"],
        &["--by", "seat,reason", "--format", "json"],
        &["--by", "klb,step", "--format", "csv"],
        &["--where", "klb=ya", "--format", "csv"],
        &["--where", "klb=ya", "--by", "rule"],
        &["--sample", "6", "--seed", "3"],
        &["--sample", "6", "--seed", "3", "--format", "csv"],
        &[&some_days[..], &["--format", "json"]].concat(),
        &[&some_days[..], &["--format", "csv"]].concat(),
        &[&some_days[..], &["--compare", "--by", "seat"]].concat(),
    ] {
        let args = [&["report"], args].concat();
        assert_eq!(run(&config, &args).done(), expected(&merge, &args), "{args:?}");
    }
    let whole: Value = serde_json::from_str(&run(&config, &["report", "--format", "json"]).done()).unwrap();
    assert_eq!(whole["total"]["closings"], all);
    let groups = |by: &str| {
        let groupings = whole["groupings"].as_array().unwrap();
        groupings.iter().find(|grouping| grouping["by"][0] == by).unwrap()["groups"].as_array().unwrap().len()
    };
    assert!(groups("seat") == SEATS.len() && groups("day") > 2, "{whole}");

    // The report of one site equals that of its exports.
    let jkt = Merge::of(&exports[..2]).unwrap();
    let found = run(&config, &["report", "--site", "jkt", "--format", "json"]).done();
    assert_eq!(found, expected(&jkt, &["report", "--format", "json"]));

    for (args, output) in [
        (&["report", "--from", "kemarin"][..], "kemarin"),
        (&["report", "--from", "2026-11-26", "--to", "2026-11-25"], "2026-11-26"),
        (&["report", "--by", "bulan"], "bulan"),
        (&["report", "--by", "fact=cuaca"], "cuaca"),
        (&["report", "--site", "jk"], "jkt"),
    ] {
        let result = run(&config, args);
        assert!(result.status == 2 && result.out.is_empty() && result.err.contains(output), "{args:?}: {result:?}");
    }
    drop(postgres);
    let away = run(&config, &["report"]);
    assert!(away.status == 2 && away.err.contains("postgres@"), "{away:?}");
}

#[tokio::test]
async fn a_database_that_hangs_or_is_stopped_is_named_as_that() {
    let Some(mut postgres) = Postgres::start() else { return };
    let Some(fleet) = TestFleet::start(&FleetSpec { database: Some(&postgres), ..FleetSpec::default() }).await else {
        return;
    };
    let config = fleet.config(Identity::Program("status"));
    let frozen = postgres.freeze().await;
    let silent = run(&config, &["status", "--format", "json"]);
    assert!(silent.status == 2 && silent.out.contains("Basis data "), "{silent:?}");
    assert!(silent.out.contains("tidak merespons dalam 3 detik"), "{silent:?}");
    postgres.thaw(&frozen);
    postgres.stop();
    let result = run(&config, &["report", "--lang", "en"]);
    assert!(result.status == 2 && result.err.contains("check whether the database server is running"), "{result:?}");
}
