//! `rules`: check, diff, confirmation, publishing, list, show, rollback.

use std::fs;
use std::path::PathBuf;

use chrono::NaiveDate;
use penutup_cli_kit::words::Lang;
use penutup_fleet::broadcast_stream::BroadcastStream;
use penutup_fleet::wire::key::Key;
use penutup_fleet::wire::subject;
use penutup_rules::BUILT_IN;

use crate::support::program::{run, store};
use crate::support::{FleetSpec, Identity, TestFleet};

fn file(fleet: &TestFleet, name: &str, text: &str) -> PathBuf {
    let path = fleet.folder().join(name);
    fs::write(&path, text).unwrap();
    path
}

fn revised() -> String {
    BUILT_IN.replace("Rev-1", "Rev-2").replace("Agar semua makin mudah, ayo", "Ayo")
}

/// The listed versions, and the active line.
fn versions(list: &str) -> (Vec<u64>, String) {
    let active: Vec<&str> = list.lines().filter(|line| line.contains('◄')).collect();
    let first = |line: &str| line.split(' ').next().unwrap().parse().ok();
    (list.lines().filter_map(first).collect(), active.join("|"))
}

#[tokio::test]
async fn rules_are_checked_compared_published_listed_and_rolled_back() {
    let Some(fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let config = fleet.config(Identity::Supervisor("pusat"));
    let first = file(&fleet, "satu.toml", &BUILT_IN.replace("Rev-1", "Rev-1a"));
    let second = file(&fleet, "dua.toml", &revised());
    let path = |path: &PathBuf| path.to_str().unwrap().to_owned();
    assert!(run(&config, &["rules", "list"]).done().contains("Belum ada aturan"));

    let output = store(&config, &["rules", "publish", &path(&first), "--yes"]).out;
    assert!(output.contains("Rev-1a") && output.contains("bawaan"), "{output}");
    // Without a terminal and --yes the difference is shown but nothing is published.
    let asked = run(&config, &["rules", "publish", &path(&second)]);
    assert_eq!(asked.status, 2, "{asked:?}");
    assert!(asked.out.contains("Ayo") && asked.err.contains("--yes"), "{asked:?}");
    assert_eq!(versions(&run(&config, &["rules", "list"]).done()).0.len(), 1);
    let output = store(&config, &["rules", "publish", &path(&second), "--yes"]).out;
    assert!(output.contains("(Rev-1a)") && output.contains("(Rev-2)") && output.contains("Ayo"), "{output}");
    assert!(run(&config, &["rules", "publish", &path(&second), "--yes"]).done().contains("sama"));

    let (listed, active) = versions(&run(&config, &["rules", "list"]).done());
    assert!(listed.len() == 2 && listed[0] > listed[1], "{listed:?}");
    assert!(active.contains("Rev-2") && active.contains("Pusat"), "{active}");
    let shown = run(&config, &["rules", "show", &listed[1].to_string()]).done();
    assert_eq!(shown, fs::read_to_string(&first).unwrap());

    let output = store(&config, &["rules", "rollback", &listed[1].to_string(), "--yes"]).out;
    assert!(output.contains("Rev-1a"), "{output}");
    let (listed, active) = versions(&run(&config, &["rules", "list"]).done());
    assert!(listed.len() == 3 && active.contains("Rev-1a") && active.contains(&listed[0].to_string()), "{active}");
    let shown = run(&config, &["rules", "show", &listed[0].to_string()]).done();
    assert_eq!(shown, fs::read_to_string(&first).unwrap());
    let unknown = run(&config, &["rules", "rollback", "7", "--yes"]);
    assert!(unknown.status == 2 && unknown.err.contains('7'), "{unknown:?}");
}

#[tokio::test]
async fn every_lost_duty_is_named_before_publishing() {
    let Some(fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let config = fleet.config(Identity::Supervisor("pusat"));
    let first = file(&fleet, "satu.toml", BUILT_IN);
    store(&config, &["rules", "publish", first.to_str().unwrap(), "--yes"]);
    let (rules, _) = BUILT_IN.split_once("[[require]]").unwrap();
    let cut = file(&fleet, "potong.toml", rules);
    let asked = run(&config, &["rules", "publish", cut.to_str().unwrap()]);
    assert!(asked.status == 2 && asked.err.contains("--yes"), "{asked:?}");
    let lost = "ajakan-wajib, klb-tanpa-campaign, pln-mobile-tanpa-campaign, klb-customer-intimacy, urutan";
    for duty in lost.split(", ") {
        assert!(asked.out.contains(&format!("hilang: {duty}")), "{asked:?}");
    }
    assert!(asked.out.contains("kini boleh: download dan update sekaligus"), "{asked:?}");
    assert!(asked.out.ends_with(&format!("tidak lagi dijamin: {lost}.\n")), "{asked:?}");
    assert_eq!(versions(&run(&config, &["rules", "list"]).done()).0.len(), 1, "nothing was sent");
    // Publishing the old rules again loses nothing.
    store(&config, &["rules", "publish", cut.to_str().unwrap(), "--yes"]);
    let output = store(&config, &["rules", "publish", first.to_str().unwrap(), "--yes"]).out;
    assert!(output.contains("baru: ajakan-wajib") && !output.contains("tidak lagi dijamin"), "{output}");
}

#[tokio::test]
async fn invalid_rules_are_reported_like_check_does_and_not_published() {
    let Some(fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let config = fleet.config(Identity::Supervisor("pusat"));
    let text = BUILT_IN.replacen("\"bantuan\", \"campaign\"", "\"bantuan\", \"campain\"", 1);
    let broken = file(&fleet, "rusak.toml", &text);
    let result = run(&config, &["rules", "publish", broken.to_str().unwrap(), "--yes"]);
    assert_eq!(result.status, 1, "{result:?}");
    let report = penutup_rules::check(text.as_bytes(), NaiveDate::MAX);
    let source = penutup_cli_kit::diagnostics::Source::new(broken.to_str().unwrap(), text.as_bytes());
    let canvas = penutup_cli_kit::diagnostics::draw::Canvas::PLAIN;
    assert_eq!(result.out, penutup_cli_kit::check::text(&report, &source, false, Lang::Id.words(), canvas));
    assert!(run(&config, &["rules", "list"]).done().contains("Belum ada aturan"));
    // A supervisor without the grant can't publish.
    let valid = file(&fleet, "baik.toml", BUILT_IN);
    let result =
        run(&fleet.config(Identity::Supervisor("spv-jkt")), &["rules", "publish", valid.to_str().unwrap(), "--yes"]);
    assert_eq!((result.status, result.out.as_str()), (2, ""), "{result:?}");
}

#[tokio::test]
async fn sixteen_versions_are_kept_large_ones_included_and_unsigned_ones_are_marked() {
    let Some(fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let config = fleet.config(Identity::Supervisor("pusat"));
    for n in 0..17 {
        let text = BUILT_IN.replace("Rev-1", &format!("Rev-{n}"));
        let path = file(&fleet, "aturan.toml", &text);
        store(&config, &["rules", "publish", path.to_str().unwrap(), "--yes"]);
    }
    let (listed, active) = versions(&run(&config, &["rules", "list"]).done());
    assert!(listed.len() == 16 && active.contains("Rev-16"), "{listed:?} {active}");

    let large = format!("{BUILT_IN}# {}\n", "x".repeat(700 * 1024));
    let path = file(&fleet, "besar.toml", &large);
    store(&config, &["rules", "publish", path.to_str().unwrap(), "--yes"]);
    let (listed, _) = versions(&run(&config, &["rules", "list"]).done());
    assert_eq!(run(&config, &["rules", "show", &listed[0].to_string()]).done(), large);
    let huge = file(&fleet, "raksasa.toml", &format!("{BUILT_IN}# {}\n", "\"".repeat(500 * 1024)));
    let result = run(&config, &["rules", "publish", huge.to_str().unwrap(), "--yes"]);
    assert!(result.status == 2 && result.err.contains("KiB"), "{result:?}");

    let client = fleet.connect(Identity::Supervisor("pusat")).await;
    let stream = BroadcastStream::new(client.clone(), Lang::En);
    client.request(subject::put(&Key::Rules), "junk".into()).await.unwrap();
    assert!(stream.last(&Key::Rules).await.unwrap().unwrap().envelope.is_err());
    let list = run(&config, &["rules", "list"]).done();
    let (after, active) = versions(&list);
    assert!(list.lines().next().unwrap().contains("malformed"), "{list}");
    assert!(active.contains(&listed[0].to_string()) && after.len() == 15, "the seats keep what they have: {list}");
    store(&config, &["rules", "rollback", &listed[1].to_string(), "--yes"]);
    assert!(versions(&run(&config, &["rules", "list"]).done()).1.contains("Rev-16"));
}
