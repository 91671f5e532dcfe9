//! A revision has a first day: rules whose `effective_from` is in the future wait for it, and nothing switches during a
//! call.

#[cfg(unix)]
use std::fs;
use std::sync::Arc;

use chrono::TimeDelta;
use penutup::loaded::LoadedRules;
use penutup::message::{Message, Subject};
#[cfg(unix)]
use penutup::rules::BUILT_IN;

use crate::stage::{Stage, revised, wib};
use crate::support::Home;

/// Rev-2 from a day, with another invitation.
fn from_day(day: &str) -> Arc<LoadedRules> {
    revised(&[("[sop]", &format!("[sop]\neffective_from = {day}")), ("ayo download", "mari unduh")])
}

fn text_from_day(day: &str) -> String {
    String::from_utf8(from_day(day).source.clone()).expect("it is text")
}

/// The stage's day is 2026-03-02 in Jakarta.
const TOMORROW: &str = "2026-03-03";

#[test]
fn a_file_with_a_future_day_waits_and_the_first_call_of_that_day_has_it() {
    let mut stage = Stage::at("23:50");
    stage.reload(&from_day(TOMORROW));
    assert_eq!(stage.notice(), "SOP Rev-2 menunggu, berlaku mulai panggilan pertama 03/03/2026");
    assert_eq!(stage.app.rules().sop.revision, "Rev-1");
    stage.keys("k").act(Message::Clock);
    assert_eq!(stage.notice(), "", "it is said once");
    stage.keys("k");
    // The same file again: the watcher checks it with every call.
    stage.reload(&from_day(TOMORROW));
    assert_eq!(stage.notice(), "");
    // No call has begun: the one on the screen is the first of the new day.
    assert!(stage.app.call().started_at().is_none());
    stage.now = wib("23:59") + TimeDelta::minutes(1);
    stage.act(Message::Clock);
    assert_eq!(stage.app.rules().sop.revision, "Rev-2");
    assert!(stage.notice().starts_with("Aturan baru berlaku: SOP Rev-2"), "{}", stage.notice());
}

#[test]
fn a_call_over_midnight_ends_under_the_rules_that_it_began_with() {
    let mut stage = Stage::at("23:50");
    stage.reload(&from_day(TOMORROW));
    stage.keys("m");
    stage.now = wib("23:59") + TimeDelta::minutes(5);
    stage.act(Message::Clock);
    assert_eq!(stage.app.rules().sop.revision, "Rev-1");
    stage.keys("s");
    assert_eq!(stage.app.rules().sop.revision, "Rev-1");
    stage.now += TimeDelta::seconds(5);
    stage.keys("␣");
    assert_eq!(stage.app.rules().sop.revision, "Rev-2", "the next call begins with them");
}

#[test]
fn rules_in_force_loaded_meanwhile_replace_waiting_ones() {
    let mut stage = Stage::at("10:00");
    stage.reload(&from_day(TOMORROW));
    stage.reload(&revised(&[]));
    assert_eq!(stage.app.rules().sop.revision, "Rev-2");
    assert!(stage.app.waiting().is_none());
    stage.now += TimeDelta::days(2);
    stage.act(Message::Clock);
    assert!(!String::from_utf8_lossy(&stage.app.loaded().source).contains("mari unduh"));
}

#[test]
fn a_bad_file_keeps_the_waiting_rules_and_a_good_waiting_file_ends_the_trouble() {
    let mut stage = Stage::at("10:00");
    stage.reload(&from_day(TOMORROW));
    stage.act(Message::Trouble(Subject::Rules, Some("rules.toml:3: rusak".into())));
    assert!(stage.app.waiting().is_some());
    stage.reload(&from_day(TOMORROW));
    assert_eq!(stage.notice(), "");
}

#[test]
fn the_verbs_use_what_is_in_force_and_paths_names_what_waits() {
    let home = Home::new();
    let own = home.write_config("rules.toml", text_from_day("2999-01-01"));
    let in_force = home.penutup(["say"]).run();
    assert!(in_force.out.contains("ayo download"), "{}", in_force.out);
    let named =
        home.penutup(["say", "--rules"].into_iter().map(Into::into).chain([own.clone().into_os_string()])).run();
    assert!(
        named.out.contains("mari unduh"),
        "a file named on the command line is used whatever its first day: {}",
        named.out
    );
    let paths = home.penutup(["paths"]).run().out;
    assert!(paths.contains("SOP Rev-2 menunggu, berlaku mulai panggilan pertama 01/01/2999"), "{paths}");
    assert!(paths.contains("sampai saat itu dipakai SOP Rev-1") && paths.contains("ada di sini sejak"), "{paths}");
    let check = home.penutup(["check"]).run();
    assert!(check.out.contains("Aturan ini baru berlaku mulai 2999-01-01"), "{}", check.out);
    // On its first day it is in force.
    let later = home.penutup(["say", "--at", "2999-01-01T00:00:00+07:00"]).run();
    assert!(later.out.contains("mari unduh"), "{}", later.out);
}

#[cfg(unix)]
#[test]
fn a_prompter_runs_on_the_previous_rules_and_saves_them_as_the_last_good_ones() {
    use crate::term::{Term, eventually};

    let home = Home::new();
    let own = home.write_config("rules.toml", BUILT_IN.replace("\"Rev-1\"", "\"Rev-1b\""));
    let kept = home.state("last-good.toml");
    let prompter = || home.penutup(["--at", "2026-03-02T14:20:00+07:00"]).command();
    let mut term = Term::start(&prompter());
    term.shows("SOP Rev-1b");
    let is_kept = || fs::read_to_string(&kept).is_ok_and(|text| text.contains("\"Rev-1b\""));
    eventually("the last good copy", is_kept);
    fs::write(&own, text_from_day(TOMORROW)).expect("the new revision");
    term.shows("SOP Rev-2 menunggu, berlaku mulai panggilan pertama 03/03/2026");
    term.quits();
    assert!(is_kept(), "waiting rules are not the last good ones yet");
    let mut term = Term::start(&prompter());
    term.shows("SOP Rev-1b").shows("SOP Rev-2 menunggu");
    term.quits();
    let mut term = Term::start(&home.penutup(["--at", "2026-03-03T08:00:00+07:00"]).command());
    term.shows("SOP Rev-2").shows("apa yang berubah");
    term.quits();
}

#[cfg(unix)]
#[test]
fn the_last_day_of_a_revision_is_announced_from_a_week_before() {
    let home = Home::new();
    home.write_config("rules.toml", BUILT_IN.replace("[sop]", "[sop]\neffective_to = 2026-03-08"));
    let first_screen = |day: &str, line: &str| {
        let mut term = crate::term::Term::start(&home.penutup(["--at", &format!("{day}T14:20:00+07:00")]).command());
        term.shows(line);
        term.quits();
    };
    first_screen("2026-03-02", "SOP Rev-1 hanya berlaku sampai 08/03/2026: minta revisi berikutnya");
    first_screen("2026-03-09", "SOP Rev-1 hanya berlaku sampai 08/03/2026, dan hari itu sudah lewat");
}

/// Rules with an empty list: rejected by `check` and `say`, while an open prompter keeps its rules.
#[cfg(unix)]
#[test]
fn an_open_prompter_outlives_rules_with_an_empty_list() {
    use crate::term::Term;

    let home = Home::new();
    let own = home.write_config("rules.toml", BUILT_IN);
    let mut term = Term::start(&home.penutup(["--at", "14:20"]).command());
    term.shows("Untuk mewujudkan PLN terbaik");
    for list in ["zone", "rule", "greeting", "step"] {
        let bad = without(list);
        fs::write(&own, &bad).expect("the bad file");
        term.shows("rules.toml");
        let line = bad.lines().position(|l| l.starts_with(list)).map_or(0, |at| at + 1);
        term.shows(&format!(":{line}"));
        let check = home.penutup(["check"]).run();
        assert_eq!(check.status, Some(1), "{list}: {}", check.out);
        assert_eq!(home.penutup(["say"]).run().status, Some(2), "{list}");
        fs::write(&own, BUILT_IN).expect("the good file");
        term.hides(&format!(":{line}"));
    }
    term.send("k").shows("KLB AKTIF");
    term.quits();
}

/// The built-in rules with an empty list in place of these tables.
#[cfg(unix)]
fn without(list: &str) -> String {
    let header = format!("[[{list}]]");
    let mut inside = false;
    let mut out = String::new();
    for line in BUILT_IN.lines() {
        if line.starts_with('[') {
            inside = line == header;
        }
        if line.starts_with("[sop]") {
            out.extend([list, " = []\n"]);
        }
        if !inside {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}
