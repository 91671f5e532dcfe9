//! Rules over the fleet: proved, compared, agreed to, published; listed, shown, brought back.

use std::fs;
use std::path::PathBuf;

use chrono::NaiveDate;
use penutup::rules::BUILT_IN;
use penutup::words::Lang;
use penutup_fleet::posted::Board;
use penutup_fleet::wire::key::Key;
use penutup_fleet::wire::subject;

use crate::support::program::run;
use crate::support::{Ground, Shape, Who};

fn file(ground: &Ground, name: &str, text: &str) -> PathBuf {
    let path = ground.folder().join(name);
    fs::write(&path, text).unwrap();
    path
}

fn other() -> String {
    BUILT_IN.replace("Rev-1", "Rev-2").replace("Agar semua makin mudah, ayo", "Ayo")
}

/// The versions of a list, and the line that is active.
fn versions(list: &str) -> (Vec<u64>, String) {
    let active: Vec<&str> = list.lines().filter(|line| line.contains('◄')).collect();
    let first = |line: &str| line.split(' ').next().unwrap().parse().ok();
    (list.lines().filter_map(first).collect(), active.join("|"))
}

#[tokio::test]
async fn rules_are_proved_compared_published_listed_and_brought_back() {
    let Some(ground) = Ground::start(&Shape::default()).await else { return };
    let config = ground.config(Who::Supervisor("pusat"));
    let first = file(&ground, "satu.toml", &BUILT_IN.replace("Rev-1", "Rev-1a"));
    let second = file(&ground, "dua.toml", &other());
    let path = |path: &PathBuf| path.to_str().unwrap().to_owned();
    assert!(run(&config, &["rules", "list"]).done().contains("Belum ada aturan"));

    let told = run(&config, &["rules", "publish", &path(&first), "--yes"]).done();
    assert!(told.contains("Rev-1a") && told.contains("bawaan"), "{told}");
    // Without a terminal and without --yes nothing is sent, but the difference is shown.
    let asked = run(&config, &["rules", "publish", &path(&second)]);
    assert_eq!(asked.status, 2, "{asked:?}");
    assert!(asked.out.contains("Ayo") && asked.err.contains("--yes"), "{asked:?}");
    assert_eq!(versions(&run(&config, &["rules", "list"]).done()).0.len(), 1);
    let told = run(&config, &["rules", "publish", &path(&second), "--yes"]).done();
    assert!(told.contains("(Rev-1a)") && told.contains("(Rev-2)") && told.contains("Ayo"), "{told}");
    assert!(run(&config, &["rules", "publish", &path(&second), "--yes"]).done().contains("sama"));

    let (listed, active) = versions(&run(&config, &["rules", "list"]).done());
    assert!(listed.len() == 2 && listed[0] > listed[1], "{listed:?}");
    assert!(active.contains("Rev-2") && active.contains("Pusat"), "{active}");
    let shown = run(&config, &["rules", "show", &listed[1].to_string()]).done();
    assert_eq!(shown, fs::read_to_string(&first).unwrap());

    let told = run(&config, &["rules", "rollback", &listed[1].to_string(), "--yes"]).done();
    assert!(told.contains("Rev-1a"), "{told}");
    let (listed, active) = versions(&run(&config, &["rules", "list"]).done());
    assert!(listed.len() == 3 && active.contains("Rev-1a") && active.contains(&listed[0].to_string()), "{active}");
    let shown = run(&config, &["rules", "show", &listed[0].to_string()]).done();
    assert_eq!(shown, fs::read_to_string(&first).unwrap());
    let unknown = run(&config, &["rules", "rollback", "7", "--yes"]);
    assert!(unknown.status == 2 && unknown.err.contains('7'), "{unknown:?}");
}

#[tokio::test]
async fn each_duty_that_is_lost_is_named_before_anything_is_sent() {
    let Some(ground) = Ground::start(&Shape::default()).await else { return };
    let config = ground.config(Who::Supervisor("pusat"));
    let first = file(&ground, "satu.toml", BUILT_IN);
    run(&config, &["rules", "publish", first.to_str().unwrap(), "--yes"]).done();
    let (rules, _) = BUILT_IN.split_once("[[require]]").unwrap();
    let cut = file(&ground, "potong.toml", rules);
    let asked = run(&config, &["rules", "publish", cut.to_str().unwrap()]);
    assert!(asked.status == 2 && asked.err.contains("--yes"), "{asked:?}");
    let lost = "ajakan-wajib, klb-tanpa-campaign, pln-mobile-tanpa-campaign, klb-customer-intimacy, urutan";
    for duty in lost.split(", ") {
        assert!(asked.out.contains(&format!("hilang: {duty}")), "{asked:?}");
    }
    assert!(asked.out.contains("kini boleh: download dan update sekaligus"), "{asked:?}");
    assert!(asked.out.ends_with(&format!("tidak lagi dijamin: {lost}.\n")), "{asked:?}");
    assert_eq!(versions(&run(&config, &["rules", "list"]).done()).0.len(), 1, "nothing was sent");
    // The way back loses nothing.
    run(&config, &["rules", "publish", cut.to_str().unwrap(), "--yes"]).done();
    let told = run(&config, &["rules", "publish", first.to_str().unwrap(), "--yes"]).done();
    assert!(told.contains("baru: ajakan-wajib") && !told.contains("tidak lagi dijamin"), "{told}");
}

#[tokio::test]
async fn what_can_not_be_proved_is_drawn_as_check_draws_it_and_not_sent() {
    let Some(ground) = Ground::start(&Shape::default()).await else { return };
    let config = ground.config(Who::Supervisor("pusat"));
    let text = BUILT_IN.replacen("\"bantuan\", \"campaign\"", "\"bantuan\", \"campain\"", 1);
    let broken = file(&ground, "rusak.toml", &text);
    let said = run(&config, &["rules", "publish", broken.to_str().unwrap(), "--yes"]);
    assert_eq!(said.status, 1, "{said:?}");
    let report = penutup::rules::check(text.as_bytes(), NaiveDate::MAX);
    let source = penutup::diagnostics::Source::new(broken.to_str().unwrap(), text.as_bytes());
    let canvas = penutup::diagnostics::draw::Canvas::PLAIN;
    assert_eq!(said.out, penutup::cli::check::text(&report, &source, false, Lang::Id.words(), canvas));
    assert!(run(&config, &["rules", "list"]).done().contains("Belum ada aturan"));
    // Who may only declare KLB publishes none.
    let sound = file(&ground, "baik.toml", BUILT_IN);
    let said = run(&ground.config(Who::Supervisor("spv-jkt")), &["rules", "publish", sound.to_str().unwrap(), "--yes"]);
    assert_eq!((said.status, said.out.as_str()), (2, ""), "{said:?}");
}

#[tokio::test]
async fn sixteen_are_kept_a_large_one_too_and_what_nobody_signed_is_marked() {
    let Some(ground) = Ground::start(&Shape::default()).await else { return };
    let config = ground.config(Who::Supervisor("pusat"));
    for n in 0..17 {
        let text = BUILT_IN.replace("Rev-1", &format!("Rev-{n}"));
        let path = file(&ground, "aturan.toml", &text);
        run(&config, &["rules", "publish", path.to_str().unwrap(), "--yes"]).done();
    }
    let (listed, active) = versions(&run(&config, &["rules", "list"]).done());
    assert!(listed.len() == 16 && active.contains("Rev-16"), "{listed:?} {active}");

    let large = format!("{BUILT_IN}# {}\n", "x".repeat(700 * 1024));
    let path = file(&ground, "besar.toml", &large);
    run(&config, &["rules", "publish", path.to_str().unwrap(), "--yes"]).done();
    let (listed, _) = versions(&run(&config, &["rules", "list"]).done());
    assert_eq!(run(&config, &["rules", "show", &listed[0].to_string()]).done(), large);
    let huge = file(&ground, "raksasa.toml", &format!("{BUILT_IN}# {}\n", "\"".repeat(500 * 1024)));
    let said = run(&config, &["rules", "publish", huge.to_str().unwrap(), "--yes"]);
    assert!(said.status == 2 && said.err.contains("KiB"), "{said:?}");

    let client = ground.connect(Who::Supervisor("pusat")).await;
    let board = Board::of(client.clone(), Lang::En);
    client.request(subject::put(&Key::Rules), "junk".into()).await.unwrap();
    assert!(board.last(&Key::Rules).await.unwrap().unwrap().envelope.is_err());
    let list = run(&config, &["rules", "list"]).done();
    let (after, active) = versions(&list);
    assert!(list.lines().next().unwrap().contains("malformed"), "{list}");
    assert!(active.contains(&listed[0].to_string()) && after.len() == 15, "the seats keep what they have: {list}");
    run(&config, &["rules", "rollback", &listed[1].to_string(), "--yes"]).done();
    assert!(versions(&run(&config, &["rules", "list"]).done()).1.contains("Rev-16"));
}
