//! `drill --class`: sheets as the program writes them, and every way in which a file can be none.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use penutup::action::Direction;
use penutup::drill::class::{Class, Fault, read};
use penutup::drill::generate::CardGenerator;
use penutup::drill::grade::ExerciseKind;
use penutup::drill::session::{Draft, Phase, Session, SessionAction, Setup};
use penutup::drill::sheet::Sheet;
use penutup::drill::story::Stories;
use penutup::loaded::LoadedRules;
use penutup::words::Lang;
use proptest::prelude::*;

use crate::stage::{revised, wib};
use crate::support::{Home, assert_harmless, json};

/// The sheet of an exam without the script, in which the cards for which `right` fails get a wrong greeting.
fn sheet(loaded: &Arc<LoadedRules>, trainee: &str, seed: u64, answered: usize, right: impl Fn(usize) -> bool) -> Sheet {
    let stories = Stories::built_in();
    let set = CardGenerator::new(&loaded.rules, &stories).generate_exam(90, seed);
    let begun: DateTime<Utc> = wib("08:00");
    let mut session = Session::new(Setup {
        loaded: Arc::clone(loaded),
        stories_sha256: stories.sha256.clone(),
        lang: Lang::Id,
        home: 0,
        not_asked: set.not_asked(&loaded.rules),
        cards: set.cards,
        since: None,
        seed,
        kind: None,
        exam: Some(90),
        trainee: Some(trainee.into()),
        day: NaiveDate::from_ymd_opt(2026, 3, 2).unwrap(),
        now: begun,
    });
    session.update(SessionAction::Begin(ExerciseKind::Blind), begun);
    for at in 0..answered {
        assert_eq!(session.phase(), Phase::Card);
        let now = begun + TimeDelta::minutes(i64::try_from(at).unwrap() + 1);
        let (rules, card) = (session.rules().clone(), session.card().unwrap().clone());
        let Draft::Blind { offered, .. } = session.draft().clone() else { panic!("without the script") };
        for step in card.spoken(&rules) {
            session.update(SessionAction::ChooseAt(offered.iter().position(|s| *s == step).unwrap()), now);
        }
        let more = if right(at) { 1 } else { 2 };
        for _ in 0..card.greeting(&rules) + more {
            session.update(SessionAction::Greeting(Direction::Down), now);
        }
        session.update(SessionAction::HandIn, now);
    }
    session.sheet()
}

fn built_in() -> Arc<LoadedRules> {
    Arc::new(LoadedRules::built_in())
}

#[test]
fn a_class_has_a_row_a_trainee_and_what_was_missed_most() {
    let loaded = built_in();
    let other = revised(&[]);
    let home = Home::new();
    let all = [
        ("a.json", sheet(&loaded, "cso-1", 7, 10, |_| true)),
        ("b.json", sheet(&loaded, "cso-2", 7, 10, |at| at > 1)),
        ("c.json", sheet(&loaded, "cso-3", 8, 3, |_| true)),
        ("d.json", sheet(&loaded, "cso-2", 7, 10, |at| at > 1)),
        ("e.json", sheet(&other, "cso-4", 9, 10, |at| at > 4)),
        ("f.json", sheet(&loaded, "cso-1", 9, 10, |at| at > 0)),
    ];
    for (name, sheet) in &all {
        home.write(name, sheet.to_json());
    }
    let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
    let args = |more: &[&'static str]| [&["drill", "--class"], &names[..], more].concat();
    let ran = home.penutup(args(&[])).run();
    ran.status(1);
    for part in [
        "Kelas, SOP Rev-1: 4 peserta, 6 lembar nilai",
        "cso-1  lulus        9 dari 10 tepat (90%)  10 menit",
        "lembar terakhir dari 2",
        "cso-2  belum lulus  8 dari 10 tepat (80%)  10 menit",
        "cso-3  belum lulus  3 dari 10 dijawab      3 menit",
        "cso-4  belum lulus  5 dari 10 tepat (50%)",
        "Menit pergantian salam",
    ] {
        assert!(ran.out.contains(part), "{part} is not in {}", ran.out);
    }
    assert!(ran.out.lines().all(|line| line.chars().count() <= 80 || line.contains("lembar terakhir")), "{}", ran.out);
    for part in ["d.json: lembar yang sama dengan b.json", "e.json: dari aturan lain (Rev-2,"] {
        assert!(ran.err.contains(part), "{part} is not in {}", ran.err);
    }
    let out = home.penutup(args(&["--format", "json"])).run().out;
    let out = json(&out);
    assert_eq!(out["trainees"].as_array().map(Vec::len), Some(4));
    assert_eq!(out["duplicates"], serde_json::json!([["d.json", "b.json"]]));
    assert_eq!(out["of_other_rules"], serde_json::json!(["e.json"]));
    // Only greetings were wrong: two by cso-2, one by cso-1. The sentences of the rules were right.
    assert_eq!(out["missed"]["rules"], serde_json::json!([]));
    let greetings = out["missed"]["greetings"].as_array().expect("a list");
    let missed: u64 = greetings.iter().map(|m| m["missed"].as_u64().expect("a number")).sum();
    assert!((1..=3).contains(&missed), "{greetings:?}");
    assert!(
        greetings.iter().all(|m| m["sentence"].as_str().is_some_and(|s| s.contains("Terima kasih"))),
        "{greetings:?}"
    );

    let message = home.penutup(args(&["--format", "csv", "--out", "kelas.csv"])).run();
    message.status(1);
    let text = std::fs::read_to_string(home.path().join("kelas.csv")).expect("the file");
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let kinds: Vec<String> = reader.records().map(|row| row.expect("a row")[0].to_owned()).collect();
    assert_eq!(kinds.iter().filter(|kind| *kind == "trainee").count(), 4);
    assert_eq!(kinds.iter().filter(|kind| *kind == "greeting").count(), greetings.len());
    home.penutup(args(&["--out", "kelas.csv"])).failed();
    home.penutup(["drill", "--class", "a.json"]).ok();
}

/// Not every shell knows `hasil/*.json`.
#[test]
fn a_folder_stands_for_the_sheets_in_it() {
    let loaded = built_in();
    let home = Home::new();
    for (name, trainee) in [("hasil/b.json", "cso-2"), ("hasil/a.JSON", "cso-1")] {
        home.write(name, sheet(&loaded, trainee, 7, 10, |_| true).to_json());
    }
    home.write("hasil/catatan.txt", "bukan lembar");
    let out = home.penutup(["drill", "--class", "hasil"]).ok();
    assert!(out.contains("2 peserta, 2 lembar"), "{out}");
    home.write("kosong/catatan.txt", "bukan lembar");
    assert!(home.penutup(["drill", "--class", "kosong"]).failed().contains("Tidak ada berkas .json di folder kosong"));
}

#[test]
fn a_row_is_of_the_last_exam_and_sheets_without_a_trainee_are_of_several_people() {
    let loaded = built_in();
    let exam = sheet(&loaded, "cso-1", 7, 10, |_| true);
    let practice =
        Sheet { exam: false, passed: false, pass: 0, needed: 0, begun: "2026-03-02T03:00:00Z".into(), ..exam.clone() };
    for sheets in [[exam.clone(), practice.clone()], [practice, exam.clone()]] {
        let class = Class::of(&sheets, &loaded.rules, loaded.sha256());
        assert_eq!((class.rows.len(), sheets[class.rows[0].sheet].exam, class.rows[0].sheets), (1, true, 2));
    }
    let nameless = |right: bool| Sheet { trainee: None, ..sheet(&loaded, "x", 7, 10, |_| right) };
    let sheets = [nameless(true), nameless(false), nameless(true)];
    let class = Class::of(&sheets, &loaded.rules, loaded.sha256());
    assert_eq!((class.rows.len(), class.duplicates), (2, vec![(2, 0)]), "begun in the same second");
}

/// A wrong answer may still have met a duty, and reminders are no part of an answer.
#[test]
fn a_duty_is_missed_only_by_an_answer_that_fails_it() {
    let loaded = built_in();
    let rules = &loaded.rules;
    let right = sheet(&loaded, "cso-1", 7, 10, |_| true);
    let missed = |answer: &dyn Fn(&[String]) -> Vec<String>| -> Vec<(String, usize, usize)> {
        let mut sheet = right.clone();
        for card in &mut sheet.cards {
            let greeting = card.answer["greeting"].clone();
            let expected = card.expected.as_mut().expect("a finished exam");
            card.answer = serde_json::json!({ "steps": answer(&expected.steps), "greeting": greeting });
            expected.right = false;
        }
        sheet.judge();
        let sheet = read(sheet.to_json().as_bytes()).expect("a sound sheet");
        let class = Class::of(std::slice::from_ref(&sheet), rules, loaded.sha256());
        assert_eq!(class.rules.iter().map(|m| m.missed).sum::<usize>(), 10, "every rule was missed");
        class.duties.iter().map(|m| (rules.requirements[m.what].id.clone(), m.missed, m.asked)).collect()
    };
    let of = |all: &[&str]| all.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    let klb = |id: &str| (id.to_owned(), 4, 4);
    // Campaign before the right sentences: forbidden under KLB and for PLN Mobile, allowed elsewhere.
    let with_campaign = missed(&|steps| {
        let mut out = of(&["campaign"]);
        out.extend(steps.iter().filter(|id| *id != "campaign").cloned());
        out
    });
    assert_eq!(with_campaign, [klb("klb-tanpa-campaign"), klb("pln-mobile-tanpa-campaign")]);
    // Thanks alone: there is no invitation.
    assert_eq!(missed(&|_| of(&["terima-kasih"])), [("ajakan-wajib".into(), 10, 10)]);
    // Thanks first.
    let reversed = missed(&|steps| steps.iter().rev().cloned().collect());
    assert_eq!(reversed, [("urutan".into(), 10, 10)]);
}

/// A trainer reads clauses and labels, as on the result sheet; files have ids.
#[test]
fn the_text_names_what_was_missed_as_the_result_sheet_does() {
    let loaded = built_in();
    let mut sheet = sheet(&loaded, "cso-1", 7, 10, |_| true);
    for card in &mut sheet.cards {
        let greeting = card.answer["greeting"].clone();
        let expected = card.expected.as_mut().expect("a finished exam");
        let steps: Vec<&str> = std::iter::once("campaign").chain(expected.steps.iter().map(String::as_str)).collect();
        card.answer = serde_json::json!({ "steps": steps, "greeting": greeting });
        expected.right = false;
    }
    sheet.judge();
    let home = Home::new();
    home.write("a.json", sheet.to_json());
    let out = home.penutup(["drill", "--class", "a.json"]).ok();
    for part in [
        "  Keterangan b · KLB AKTIF · Topik di luar PLN Mobile · Aplikasi",
        "  No. 1; Keterangan b · KLB AKTIF\n",
        "  tidak boleh disampaikan: Campaign Integritas: ",
    ] {
        assert!(out.contains(part), "{part} is not in {out}");
    }
    assert!(out.lines().all(|line| line.chars().count() <= 80), "{out}");
    for id in ["klb-lain", "klb-tanpa-campaign", "campaign:"] {
        assert!(!out.contains(id), "{id} is in {out}");
    }
    let out = home.penutup(["drill", "--class", "a.json", "--format", "csv"]).ok();
    for part in ["\nrule,klb-lain,", "\nduty,klb-tanpa-campaign,", "tidak boleh ada: campaign: "] {
        assert!(out.contains(part), "{part} is not in {out}");
    }
}

/// Of a case everything but the sentences may be wrong: no rule and no duty is missed then.
#[test]
fn a_wrong_name_or_honorific_of_a_case_is_counted_by_itself() {
    let loaded = built_in();
    let mut sheet = sheet(&loaded, "cso-1", 7, 10, |_| true);
    sheet.way = "kasus".into();
    for (at, card) in sheet.cards.iter_mut().enumerate() {
        let zone = card.zone.clone();
        let expected = card.expected.as_mut().expect("a finished exam");
        expected.name = Some("Siti Aminah".into());
        let honorific = if at == 1 { Some("Bapak/Ibu".to_owned()) } else { expected.honorific.clone() };
        let name = if at == 2 { "Budi" } else { "siti" };
        card.answer = serde_json::json!({ "zone": zone, "honorific": honorific, "name": name, "said": expected.steps });
        expected.right = at != 1 && at != 2;
    }
    sheet.judge();
    let sheet = read(sheet.to_json().as_bytes()).expect("a sound sheet");
    let class = Class::of(std::slice::from_ref(&sheet), &loaded.rules, loaded.sha256());
    assert_eq!((class.rules, class.duties, class.greetings), (vec![], vec![], vec![]));
    assert_eq!(class.fields.iter().map(|m| (m.missed, m.asked)).collect::<Vec<_>>(), [(1, 10), (1, 10)]);
    let home = Home::new();
    home.write("a.json", sheet.to_json());
    let out = home.penutup(["drill", "--class", "a.json"]).ok();
    assert!(out.contains("Isian yang paling sering keliru") && out.contains("1/10  Nama"), "{out}");
    let out = home.penutup(["drill", "--class", "a.json", "--format", "csv"]).ok();
    assert!(out.contains("\nfield,sapaan,"), "{out}");
}

#[test]
fn what_is_no_sheet_is_told_with_its_place_and_the_others_are_counted() {
    let loaded = built_in();
    let sound = sheet(&loaded, "cso-1", 7, 10, |at| at > 2).to_json();
    let home = Home::new();
    home.write("a.json", sound.clone());
    for (name, source, place) in [
        ("kosong.json", String::new(), "kosong.json:1:0"),
        ("teks.json", "Ujian SOP Rev-1\n".into(), "teks.json:1:1"),
        ("potong.json", sound[..200].to_owned(), "potong.json:1:200"),
        ("kunci.json", sound.replace("\"pass\":90", "\"pas\":90"), "kunci.json:1:"),
        ("nilai.json", sound.replace("\"score\":70", "\"score\":90"), "nilai.json: score"),
        ("lulus.json", sound.replace("\"passed\":false", "\"passed\":true"), "lulus.json: passed"),
        ("perlu.json", sound.replace("\"needed\":9", "\"needed\":7"), "perlu.json: needed"),
        ("nama.json", sound.replace("cso-1", "=cmd()"), "nama.json: trainee"),
        ("besar.json", " ".repeat((1 << 20) + 1), "besar.json: lebih besar dari 1 MiB"),
        ("dalam.json", "[".repeat(100_000), "dalam.json:1:"),
        ("layar.json", sound.replace("\"way\":\"hafalan\"", "\"way\":\"\\u001b[2J\""), "layar.json: way"),
    ] {
        assert_ne!(source, sound, "{name}");
        home.write(name, source);
        let ran = home.penutup(["drill", "--class", name, "a.json"]).run();
        ran.status(1);
        assert!(ran.err.contains(place) && ran.out.contains("1 peserta, 1 lembar"), "{name}: {} {}", ran.err, ran.out);
        assert_harmless(&ran.err);
        assert!(home.penutup(["drill", "--class", name]).failed().contains(place), "{name}");
    }
    let missing = home.penutup(["drill", "--class", "tak-ada.json"]).failed();
    assert_eq!(missing.matches("tak-ada.json").count(), 1, "{missing}");
    assert!(home.penutup(["drill", "--class", "config"]).failed().contains("config"));
}

proptest! {
    /// A sheet with any of its bytes changed is the same sheet, another sound one, or a fault; it is never a panic.
    #[test]
    fn any_change_of_a_sheet_is_read_or_refused(at in 0..4000_usize, byte: u8, cut in 0..4000_usize) {
        let loaded = built_in();
        let sheet = sheet(&loaded, "cso-1", 7, 4, |at| at > 2);
        let sound = sheet.to_json();
        prop_assert_eq!(read(sound.as_bytes()), Ok(sheet));
        let mut changed = sound.clone().into_bytes();
        let at = at % changed.len();
        changed[at] = byte;
        if let Ok(read) = read(&changed) {
            let class = Class::of(&[read], &loaded.rules, loaded.sha256());
            prop_assert_eq!(class.rows.len(), 1);
        }
        let cut = cut % sound.trim_end().len();
        let refused = matches!(read(&sound.as_bytes()[..cut]), Err(Fault::Shape { .. }));
        prop_assert!(refused);
    }
}
