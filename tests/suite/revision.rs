//! New rules while a prompter runs: the notice, the panel, and that KLB survives them.

use penutup::app::Effect;
use penutup::closing::{PersistedFact, Since};
use penutup::message::{Comparison, Message};
use penutup::rules::change::Change;
use std::sync::Arc;

use crate::phone::Telephone;
use crate::stage::{Stage, loaded, revised, wib};

fn klb(value: &str, time: &str) -> PersistedFact {
    let set = wib(time);
    PersistedFact { fact: "klb".into(), value: value.into(), since: Since { set, confirmed: set } }
}

/// Rev-2 with another id for the value "ya" of KLB.
fn renamed() -> Arc<penutup::loaded::LoadedRules> {
    revised(&[("{ id = \"ya\"", "{ id = \"aktif\""), ("klb = \"ya\"", "klb = \"aktif\"")])
}

#[test]
fn klb_survives_rules_that_rename_it_and_is_reported_until_set_again() {
    let mut stage = Stage::at("13:05");
    stage.keys("k").reload(&renamed());
    assert!(
        stage.effects.iter().all(|e| !matches!(e, Effect::Save(seat) if seat.shift_facts.is_empty())),
        "nothing is lost"
    );
    stage.keys("m");
    assert_eq!(stage.notice(), "KLB = ya tidak ada di aturan ini: periksa lagi, lalu atur KLB");
    stage.keys("k");
    assert_ne!(stage.notice(), "KLB = ya tidak ada di aturan ini: periksa lagi, lalu atur KLB");
    let saved = stage.effects.iter().find_map(|e| match e {
        Effect::Save(seat) => Some(seat.shift_facts.iter().map(|h| h.value.clone()).collect::<Vec<_>>()),
        _ => None,
    });
    assert_eq!(saved, Some(vec!["aktif".to_owned()]), "setting the fact drops the unknown value");
}

#[test]
fn klb_is_restored_by_rules_that_have_it_again() {
    let mut stage = Stage::at("13:05");
    let first = Arc::new(penutup::loaded::LoadedRules::built_in());
    stage.keys("k").reload(&renamed()).reload(&first);
    assert_eq!(stage.current(), Some("download"), "no Campaign under KLB");
    let stage = Stage::with(renamed(), wib("14:00"), vec![klb("ya", "13:05")]);
    assert_eq!(stage.notice(), "KLB = ya tidak ada di aturan ini: periksa lagi, lalu atur KLB", "also after a restart");
}

#[test]
fn klb_from_the_future_is_asked_about() {
    let stage = Stage::with(Arc::new(penutup::loaded::LoadedRules::built_in()), wib("03:00"), vec![klb("ya", "23:59")]);
    assert_eq!(stage.app.asked_fact(), Some(0), "it was set later than now, so its age is unknown");
    let stage = Stage::with(Arc::new(penutup::loaded::LoadedRules::built_in()), wib("13:00"), vec![klb("ya", "14:01")]);
    assert_eq!(stage.app.asked_fact(), None, "an hour ahead may be two clocks that differ");
}

#[test]
fn a_reload_reports_how_much_is_said_differently() {
    let mut stage = Stage::at("14:00");
    stage.reload(&revised(&[("ayo download", "mari unduh")]));
    assert_eq!(stage.notice(), "Aturan baru berlaku: SOP Rev-2 · 1 kalimat · D");
    let mut stage = Stage::at("14:00");
    stage.keys("␣").reload(&revised(&[("ayo download", "mari unduh")]));
    let expected = "SOP Rev-2 mulai panggilan berikutnya · 1 kalimat";
    assert_eq!(stage.notice(), expected, "the panel shows the rules in use, so the notice does not name it");
    stage.keys("s␣");
    let expected = "SOP Rev-2 berlaku (D) · Panggilan selesai · Backspace kembali (10 detik)";
    assert_eq!(stage.notice(), expected, "what is new comes first, and 80 columns have it all");
    stage.keys("⌫");
    assert!(stage.app.previous_rules().is_none(), "the restored call has no earlier rules to compare with");
}

/// However the next call begins, the CSO is told that it has new rules.
#[test]
fn a_call_begun_by_a_value_or_the_telephone_reports_its_new_rules() {
    let with_new_rules = || {
        let mut stage = Stage::at("14:00");
        stage.keys("␣").reload(&revised(&[("ayo download", "mari unduh")]));
        stage.keys("s");
        stage
    };
    for key in ["m", "a"] {
        let mut stage = with_new_rules();
        stage.keys(key);
        let expected = "SOP Rev-2 berlaku (D) · Panggilan berikutnya dimulai · Backspace kembali (10 detik)";
        assert_eq!(stage.notice(), expected, "{key}");
        stage.keys("s␣");
        assert!(stage.notice().starts_with("Panggilan selesai"), "it is said once: {}", stage.notice());
    }
    let mut stage = with_new_rules();
    stage.starts("");
    let notice = stage.notice();
    assert!(notice.starts_with("SOP Rev-2 berlaku (D) · Panggilan baru"), "{notice}");
}

#[test]
fn the_panel_lists_what_the_notice_counts_as_other_things() {
    let mut stage = Stage::at("14:00");
    stage.reload(&revised(&[("key    = \"a\"", "key    = \"w\""), ("offset = \"+09:00\"", "offset = \"+09:30\"")]));
    assert!(stage.notice().contains("1 zona"), "{}", stage.notice());
    let page = penutup::pages::basis::basis(&stage.app);
    let text = format!("{page:?}");
    for part in ["WIT: +09:00 → +09:30", "aplikasi · key: a → w"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_changed_comment_is_no_new_revision() {
    let mut stage = Stage::at("14:00");
    stage.reload(&loaded(format!("# hanya komentar\n{}", penutup::rules::BUILT_IN)));
    assert_eq!(stage.notice(), "Berkas aturan dimuat ulang: tidak ada yang berubah (SOP Rev-1)");
}

#[test]
fn a_precomputed_change_is_shown_only_for_the_rules_in_use() {
    let mut stage = Stage::at("14:00");
    let new = revised(&[("ayo download", "mari unduh")]);
    let in_use = Arc::new(penutup::loaded::LoadedRules::built_in());
    let mut change = Change::between(&in_use.rules, &new.rules).expect("small rules are compared");
    assert_eq!((change.counts.situations.as_str(), change.counts.sentences), ("6", 1));
    change.counts.sentences = 7;
    stage.act(Message::Rules(Arc::clone(&new), Some(Comparison { from: in_use, change })));
    assert!(stage.notice().contains("7 kalimat"), "the given comparison is shown without computing another");
}

#[test]
fn spoken_sentences_keep_their_place() {
    let mut stage = Stage::at("14:00");
    stage.keys("␣k␣");
    assert_eq!(stage.steps(), "(bantuan) √campaign √download (customer-intimacy) ►terima-kasih");
}

#[test]
fn a_pasted_name_that_is_too_long_is_refused_with_a_notice() {
    let mut stage = Stage::at("14:00");
    stage.paste(&"Prawiro ".repeat(9));
    assert_eq!(stage.notice(), "Lebih dari 60 karakter: tidak ditempel");
    assert_eq!(stage.field("nama"), "");
    let mut stage = Stage::at("14:00");
    stage.paste("Siti Aminah");
    assert_eq!(stage.notice(), "");
}

#[test]
fn an_honorific_followed_by_a_blank_counts_at_once() {
    let mut stage = Stage::at("14:00");
    stage.keys("nIbu␣");
    assert!(stage.complete().ends_with("selamat siang Ibu"), "{}", stage.complete());
    stage.keys("Siti");
    assert!(stage.complete().ends_with("selamat siang Ibu Siti"));
}

/// The panel's text, one line per part.
fn panel(stage: &Stage) -> String {
    use penutup::pages::{Part, basis::basis};
    let runs = |runs: &[penutup::rules::diff::Run]| {
        runs.iter()
            .map(|run| if run.changed { format!("[{}]", run.text) } else { run.text.clone() })
            .collect::<Vec<_>>()
    };
    let line = |part: &Part| match part {
        Part::Entry(heading, text) => format!("{heading}: {text}\n"),
        Part::Heading(text) | Part::Paragraph(text) => format!("{text}\n"),
        Part::Marked(heading, sentence) => format!("{heading}: {}\n", runs(sentence).join(" ")),
        Part::Gap | Part::Hours(..) | Part::Keys(_) | Part::Bars(..) => String::new(),
    };
    basis(&stage.app).parts.iter().map(line).collect()
}

#[test]
fn a_greeting_that_moved_is_counted_in_the_notice_and_named_on_the_panel() {
    let sound = loaded(include_str!("../data/diff/sound.toml"));
    let moved = loaded(include_str!("../data/diff/greeting-moved.toml"));
    let mut stage = Stage::with(Arc::clone(&sound), wib("10:30"), Vec::new());
    stage.reload(&moved);
    assert_eq!(stage.notice(), "Aturan baru berlaku: SOP Rev-1 · 60 menit salam · D");
    let text = panel(&stage);
    assert!(text.contains("Jam salam: 10.00–11.00: pagi → siang\n"), "{text}");
    assert!(
        text.contains("selamat [pagi]") && text.contains("selamat [siang]"),
        "the present greeting changed: {text}"
    );
    let mut stage = Stage::with(sound, wib("12:30"), Vec::new());
    stage.reload(&moved);
    let text = panel(&stage);
    assert!(text.contains("Jam salam: 10.00–11.00: pagi → siang\n"), "{text}");
    assert!(text.contains("kalimat situasi ini tidak berubah"), "at noon the sentence is the same: {text}");
}

#[test]
fn duties_that_were_lost_are_counted_in_the_notice_and_named_on_the_panel() {
    let sound = loaded(include_str!("../data/diff/sound.toml"));
    let mut stage = Stage::with(sound, wib("10:30"), Vec::new());
    stage.reload(&loaded(include_str!("../data/diff/no-require.toml")));
    assert_eq!(stage.notice(), "Aturan baru berlaku: SOP Rev-1 · 4 kewajiban · D");
    let text = panel(&stage);
    assert!(text.contains("Kewajiban: hilang: ajakan · hilang: klb · hilang: topik · hilang: urut\n"), "{text}");
}

#[test]
fn the_notice_of_a_revision_is_one_row() {
    let everything = [
        ("ayo download", "mari unduh"),
        ("Segera update", "Mari perbarui"),
        ("\"11:00\"", "\"10:00\""),
        ("exactly_one = [\"download\", \"update\"]", "always = [\"terima-kasih\"]"),
    ];
    let mut stage = Stage::at("12:00");
    stage.reload(&revised(&everything));
    assert_eq!(stage.notice(), "Aturan baru berlaku: SOP Rev-2 · 2 kalimat, 60 menit salam, 1 kewajiban · D");
    let mut stage = Stage::at("12:00");
    stage.keys("␣").reload(&revised(&everything));
    assert_eq!(stage.notice(), "SOP Rev-2 mulai panggilan berikutnya · 2 kalimat, 60 menit salam, 1 kewajiban");
    assert!(stage.notice().chars().count() < 80);
}
