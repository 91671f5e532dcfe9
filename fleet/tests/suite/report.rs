//! The report equals that of the seats' merged exports.

use std::fs;
use std::io::Write as _;

use penutup_cli_kit::report::{Between, Form, csv, render};
use penutup_cli_kit::words::Lang;
use penutup_journal::merge::{Merge, Refused};
use penutup_journal::report::{By, ReportBuilder, span};
use penutup_rules::loaded::LoadedRules;
use serde_json::Value;
use uuid::Uuid;

use crate::support::calls::{call, close};
use crate::support::program::{Running, run};
use crate::support::{FleetSpec, Identity, Postgres, TestFleet, wait_until};

const SEATS: [(&str, &str); 4] = [("jkt", "a1"), ("jkt", "a2"), ("bdg", "b1"), ("sby", "c1")];

/// The output of `penutup report` for the exports; for CSV sorted by start.
fn expected(merge: &Merge, days: Between, form: Form, by: Option<&By>) -> String {
    let rules = LoadedRules::built_in().rules;
    let zone = rules.zones[0].offset;
    let mut builder = ReportBuilder::new(zone);
    let mut lines = Vec::new();
    let span = span(days.from, days.to, zone);
    let texts = merge
        .each(span, |summary, record| {
            builder.add(summary);
            lines.push((summary.start_ms, record.id, csv::line(record, zone)));
            Ok::<(), Refused>(())
        })
        .unwrap();
    if form == Form::Csv {
        lines.sort();
        return csv::header() + &lines.into_iter().map(|(_, _, line)| line).collect::<String>();
    }
    render(&builder.report(&texts), form, days, by, &LoadedRules::built_in().rules, Lang::Id.words()).unwrap()
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
    let always = Between { from: None, to: None };
    let day = |text: &str| Some(text.parse().unwrap());
    let some = Between { from: day("2026-11-25"), to: day("2026-11-26") };
    let some_days = ["--from", "2026-11-25", "--to", "2026-11-26"];
    for (args, days, form, by) in [
        (vec!["--format", "json"], always, Form::Json, None),
        (vec!["--format", "csv"], always, Form::Csv, None),
        (vec![], always, Form::Text, None),
        (vec!["--by", "seat"], always, Form::Text, Some(By::Seat)),
        (vec!["--by", "fact=klb", "--format", "json"], always, Form::Json, Some(By::Fact("klb".into()))),
        ([&some_days[..], &["--format", "json"]].concat(), some, Form::Json, None),
        ([&some_days[..], &["--format", "csv"]].concat(), some, Form::Csv, None),
    ] {
        let args = [&["report"], &args[..]].concat();
        let found = run(&config, &args).done();
        assert_eq!(found, expected(&merge, days, form, by.as_ref()), "{args:?}");
    }
    let whole: Value = serde_json::from_str(&run(&config, &["report", "--format", "json"]).done()).unwrap();
    assert_eq!(whole["total"]["closings"], all);
    assert_eq!(whole["seats"].as_array().unwrap().len(), SEATS.len());
    assert!(whole["days"].as_array().unwrap().len() > 2, "{whole}");

    // The report of one site equals that of its exports.
    let jkt = Merge::of(&exports[..2]).unwrap();
    let found = run(&config, &["report", "--site", "jkt", "--format", "json"]).done();
    assert_eq!(found, expected(&jkt, always, Form::Json, None));

    for (args, output) in [
        (&["report", "--from", "kemarin"][..], "kemarin"),
        (&["report", "--from", "2026-11-26", "--to", "2026-11-25"], "2026-11-26"),
        (&["report", "--by", "bulan"], "bulan"),
        (&["report", "--by", "fact=cuaca"], "cuaca"),
        (&["report", "--by", "day", "--format", "csv"], "--by"),
        (&["report", "--site", "jk"], "jkt"),
    ] {
        let result = run(&config, args);
        assert!(result.status == 2 && result.out.is_empty() && result.err.contains(output), "{args:?}: {result:?}");
    }
    drop(postgres);
    let away = run(&config, &["report"]);
    assert!(away.status == 2 && away.err.contains("postgres@"), "{away:?}");
}
