//! Events of the telephone in a prompter without a telephone: each updates the state as a key's action does.

use penutup::app::Mode;
use penutup::keymap::Key;
use penutup::loaded::LoadedRules;
use penutup_ipc::phone_event::Why;

use super::Telephone;
use crate::stage::{Stage, loaded, revised, wib};

#[test]
fn a_start_sets_its_data_as_one_undo_step() {
    let mut s = Stage::at("14:00");
    s.starts("topik=pln-mobile nama=bu+Siti+Aminah klb=ya");
    assert_eq!((s.fact("topik"), s.fact("klb")), ("pln-mobile", "ya"));
    assert_eq!((s.field("sapaan"), s.field("nama")), ("Ibu".into(), "Siti Aminah".into()));
    assert!(s.complete().ends_with("selamat siang Ibu Siti Aminah"), "{}", s.complete());
    assert_eq!(s.journal(), ["0 open"]);
    s.keys("⌫");
    assert_eq!((s.fact("topik"), s.fact("klb"), s.field("nama").as_str()), ("lain", "tidak", ""));
    assert_eq!((s.field("sapaan"), s.app.call().started_at()), ("Bapak/Ibu".into(), None));
    assert_eq!(s.journal(), ["0 gone"]);
}

#[test]
fn an_empty_start_begins_the_call_in_the_journal() {
    let mut s = Stage::at("14:00");
    s.starts("");
    assert_eq!((s.journal(), s.app.call().started_at()), (vec!["0 open".into()], Some(wib("14:00"))));
    s.keys("⌫");
    assert_eq!((s.journal(), s.app.call().started_at()), (vec!["0 gone".into()], None));
}

#[test]
fn a_shift_fact_alone_is_set_but_starts_no_call() {
    let mut s = Stage::at("14:00");
    s.sets("klb=ya");
    assert_eq!((s.fact("klb"), s.app.call().started_at(), s.journal()), ("ya", None, vec![]));
    s.sets("nama=Budi");
    assert_eq!(s.journal(), ["0 open"]);
    s.keys("⌫");
    assert_eq!((s.field("nama").as_str(), s.fact("klb")), ("", "ya"), "a set is one undo step");
}

#[test]
fn ignored_parts_are_reported_and_harmless() {
    let mut s = Stage::at("14:00");
    s.starts("kode=7 klb=mungkin nama=0812-3456 sapaan=IBU sapaan=Bapak topik=PLN-mobile");
    let expected =
        [("kode", Why::UnknownKey), ("klb", Why::UnknownValue), ("nama", Why::Digits), ("sapaan", Why::Twice)];
    assert_eq!(s.ignored(), expected);
    assert_eq!((s.field("sapaan"), s.field("nama"), s.fact("topik")), ("Ibu".into(), String::new(), "pln-mobile"));
    assert!(!s.is_unsure());
    s.sets("nama=");
    assert_eq!((s.ignored(), s.journal()), (vec![], vec![]));
    s.sets("kode=7");
    assert_eq!(s.notice(), "Telepon: panggilan dimulai · yang dikirim bukan nama", "nothing was filled in");
}

#[test]
fn a_hostile_name_is_cleaned_and_bounded() {
    let mut s = Stage::at("14:00");
    s.sets(&format!("nama=\u{1b}[31mSi\u{1b}]0;pwned\u{7}ti\u{202e}+{}", "x".repeat(50)));
    let name = s.field("nama");
    assert!(name.starts_with("Siti x") && name.chars().count() == 55, "{name:?}");
    s.sets(&format!("nama={}", "x".repeat(300)));
    assert_eq!(s.field("nama"), name, "one that is too long is refused, not cut");
    assert_eq!(s.ignored(), [("nama", Why::TooLong)]);
}

#[test]
fn a_name_is_unconfirmed_until_the_cso_accepts_it() {
    let mut s = Stage::at("14:00");
    s.starts("nama=Siti");
    assert!(s.is_unsure());
    assert!(s.complete().ends_with("Siti"), "the name is in the sentence at once");
    s.keys("n⎋");
    assert!(s.is_unsure(), "Esc accepts nothing");
    s.keys("n⏎");
    assert!(!s.is_unsure());
    s.keys("⌫");
    assert!(s.is_unsure(), "and that can be undone");
    s.keys("␣␣");
    assert!(s.is_unsure(), "the name is in the thanks alone");
    s.keys("␣");
    assert!(!s.is_unsure());
    s.keys("⌫");
    assert!(s.is_unsure());
    s.keys("s");
    assert!(!s.is_unsure());
}

#[test]
fn an_accepted_name_does_not_become_unconfirmed_again() {
    let mut s = Stage::at("14:00");
    s.keys("nSiti⏎");
    s.sets("nama=Siti");
    assert!(!s.is_unsure() && s.app.notice().is_none());
    s.sets("nama=Budi");
    assert!(s.is_unsure());
    s.keys("⌫");
    assert_eq!((s.field("nama").as_str(), s.is_unsure()), ("Siti", false));
}

#[test]
fn new_rules_keep_a_name_unconfirmed() {
    let mut s = Stage::at("14:00");
    s.starts("nama=Siti");
    s.reload(&revised(&[]));
    assert_eq!((s.is_unsure(), s.field("nama").as_str()), (true, "Siti"));
}

#[test]
fn a_start_during_a_call_replaces_it_and_one_backspace_restores_it() {
    let mut s = Stage::at("14:00");
    s.starts("nama=Siti topik=pln-mobile").keys("␣");
    let before = s.app.call().clone();
    s.wait(60).starts("nama=Budi");
    assert_eq!(s.journal(), ["0 panggilan-berikutnya", "1 open"]);
    assert_eq!((s.field("nama").as_str(), s.said().len(), s.fact("topik")), ("Budi", 0, "lain"));
    // The ten-second limit does not apply: a consultation may take longer.
    s.wait(600).keys("⌫");
    assert_eq!(s.app.call(), &before);
    assert_eq!(s.journal(), ["1 gone", "0 open"]);
    assert_eq!(s.notice(), "Kembali ke panggilan tadi");
}

#[test]
fn any_other_key_in_the_new_call_makes_it_final() {
    for key in ["n", "?", "↓", "m", "␣"] {
        let mut s = Stage::at("14:00");
        s.starts("nama=Siti").keys("␣").starts("nama=Budi").keys(key).keys("⎋");
        assert!(!s.app.can_return(), "{key}");
        s.keys("⌫");
        assert_eq!(s.said().len(), 0, "{key}");
        assert_ne!(s.field("nama"), "Siti", "{key}");
    }
}

#[test]
fn a_fully_said_call_is_replaced_as_complete() {
    let mut s = Stage::at("14:00");
    s.starts("").keys("s").starts("");
    assert_eq!(s.journal(), ["0 lengkap", "1 open"]);
}

#[test]
fn the_calls_of_a_consultation_are_restored_one_by_one() {
    let mut s = Stage::at("14:00");
    s.starts("nama=A").keys("␣").starts("nama=B").starts("nama=C");
    assert_eq!(s.journal(), ["1 panggilan-berikutnya", "2 open"]);
    s.keys("⌫");
    assert_eq!((s.field("nama").as_str(), s.journal()), ("B", vec!["2 gone".into(), "1 open".into()]));
    s.keys("⌫");
    assert_eq!((s.field("nama").as_str(), s.said().len()), ("A", 1));
    assert_eq!(s.journal(), ["1 gone", "0 open"]);
    s.keys("⌫");
    assert_eq!(s.said().len(), 0, "with no interrupted call left, Backspace undoes changes in this one");
}

#[test]
fn the_number_of_interrupted_calls_is_bounded() {
    let mut s = Stage::at("14:00");
    for number in 0..100 {
        s.starts(&format!("nama=A{number}x"));
    }
    let mut back = 0;
    while s.app.can_return() {
        s.keys("⌫");
        back += 1;
    }
    assert_eq!(back, 8);
}

#[test]
fn klb_changed_meanwhile_stays_when_a_call_is_restored() {
    let mut s = Stage::at("14:00");
    s.starts("").keys("␣").starts("").sets("klb=ya").keys("⌫");
    assert_eq!((s.said().len(), s.fact("klb")), (1, "ya"));
    s.keys("⌫");
    assert_eq!((s.said().len(), s.fact("klb")), (0, "ya"), "undoing a tick does not undo KLB");
}

#[test]
fn new_rules_loaded_with_the_new_call_are_reverted_with_it() {
    let mut s = Stage::at("14:00");
    s.starts("").keys("␣").reload(&revised(&[]));
    s.starts("");
    assert_eq!(s.app.rules().sop.revision, "Rev-2");
    s.keys("⌫");
    assert_eq!((s.app.rules().sop.revision.as_str(), s.said().len()), ("Rev-1", 1));
    s.keys("s␣");
    assert_eq!(s.app.rules().sop.revision, "Rev-2");
}

#[test]
fn an_end_asks_like_x_or_starts_the_next_call() {
    let mut s = Stage::at("14:00");
    s.ends();
    assert_eq!((s.app.mode(), s.app.notice(), s.journal()), (&Mode::Closing, None, vec![]), "nothing began");
    s.starts("nama=Siti").ends();
    assert_eq!(s.app.mode(), &Mode::EndPrompt);
    s.keys("1");
    assert_eq!(s.journal(), ["0 pelanggan-menutup"]);
    s.starts("").keys("s").ends();
    assert_eq!(s.journal(), ["1 lengkap"]);
    s.keys("⌫");
    assert!(s.app.is_complete(), "and that end can be undone like any other");
}

#[test]
fn an_end_of_a_call_that_the_cso_has_ended_ends_no_other() {
    let mut s = Stage::at("14:00");
    s.starts("").keys("s␣").keys("m").ends();
    assert_eq!((s.app.mode(), s.fact("topik")), (&Mode::Closing, "pln-mobile"));
    // It refers to a call that the telephone did not start.
    s.ends();
    assert_eq!(s.app.mode(), &Mode::EndPrompt);
}

#[test]
fn calls_with_ids_end_independently() {
    let mut s = Stage::at("14:00");
    s.starts_as("a", "nama=A").keys("␣").starts_as("b", "nama=B").keys("␣");
    s.ends_as("a");
    assert_eq!(s.app.mode(), &Mode::Closing, "the interrupted call ends, not the running one");
    s.ends_as("c");
    assert_eq!(s.app.mode(), &Mode::Closing, "the end of an unknown call changes nothing");
    s.ends_as("b");
    assert_eq!(s.app.mode(), &Mode::EndPrompt);
}

#[test]
fn the_end_of_a_second_call_still_allows_restoring_the_first() {
    let mut s = Stage::at("14:00");
    s.starts_as("a", "nama=A").keys("␣").starts_as("b", "nama=B").ends_as("b");
    assert_eq!(s.app.mode(), &Mode::EndPrompt);
    s.keys("⌫");
    assert_eq!((s.app.mode(), s.field("nama").as_str(), s.said().len()), (&Mode::Closing, "A", 1));
    assert_eq!(s.journal(), ["1 gone", "0 open"]);
    // The first call's own end is still its own.
    s.ends_as("a");
    assert_eq!(s.app.mode(), &Mode::EndPrompt);
    // Without a call to go back to, Backspace only closes the question.
    s.keys("⌫");
    assert_eq!((s.app.mode(), s.said().len()), (&Mode::Closing, 1));
}

#[test]
fn a_start_replaces_the_end_question() {
    let mut s = Stage::at("14:00");
    s.starts("").keys("␣x").starts("");
    assert_eq!((s.app.mode(), s.journal()), (&Mode::Closing, vec!["0 panggilan-berikutnya".into(), "1 open".into()]));
    assert!(!s.key(Key::Char('1')), "a digit that was meant for the end question does nothing now");
}

#[test]
fn a_start_closes_an_open_panel() {
    let mut s = Stage::at("14:00");
    s.keys("?").starts("");
    assert_eq!(s.app.mode(), &Mode::Closing);
}

#[test]
fn a_name_being_typed_is_never_replaced() {
    let mut s = Stage::at("14:00");
    s.keys("␣nBud").starts("nama=Siti").ends();
    assert!(matches!(s.app.mode(), Mode::Typing(draft) if draft.text() == "Bud"));
    assert_eq!(
        (s.notice().as_str(), s.journal()),
        ("Panggilan menunggu: selesaikan isian ini dahulu (Enter atau Esc)", vec![])
    );
    s.keys("i");
    assert_eq!(s.field("nama"), "Budi");
    s.keys("⏎");
    // Both events are handled now, in order: the start of the new call and its end.
    assert_eq!((s.field("nama").as_str(), s.app.mode()), ("Siti", &Mode::EndPrompt));
    s.keys("⌫");
    assert_eq!((s.field("nama").as_str(), s.said().len()), ("Budi", 1), "the name is in the call it was typed in");
}

#[test]
fn a_name_from_the_telephone_does_not_replace_the_one_being_typed() {
    let mut s = Stage::at("14:00");
    s.keys("nBu").starts("nama=Siti topik=pln-mobile");
    assert!(matches!(s.app.mode(), Mode::Typing(draft) if draft.text() == "Bu"));
    assert_eq!(s.fact("topik"), "pln-mobile", "the rest is set at once");
    s.keys("di⏎");
    assert_eq!((s.field("nama").as_str(), s.is_unsure()), ("Budi", false));
    let mut s = Stage::at("14:00");
    s.keys("nBu").starts("nama=Siti").keys("⎋");
    assert_eq!((s.field("nama").as_str(), s.is_unsure()), ("Siti", true));
    // Nothing was typed, so there is nothing to accept; emptying a name that was there removes it.
    let mut s = Stage::at("14:00");
    s.keys("n").starts("nama=Siti").keys("⏎");
    assert_eq!((s.field("nama").as_str(), s.is_unsure()), ("Siti", true));
    s.keys("n⌫⌫⌫⌫⏎");
    assert_eq!(s.field("nama"), "");
}

#[test]
fn events_waiting_for_a_field_are_bounded() {
    let mut s = Stage::at("14:00");
    s.keys("␣n");
    for _ in 0..1000 {
        s.starts("nama=Siti");
    }
    s.keys("⎋");
    assert!(s.app.can_return());
    assert_eq!(s.effects.iter().filter(|e| matches!(e, penutup::app::Effect::Journal(_))).count(), 17);
}

#[test]
fn a_record_has_no_name_from_any_source() {
    let mut s = Stage::at("14:00");
    s.starts("nama=Zulkarnaen sapaan=Bapak").keys("s");
    assert!(!format!("{:?}", s.effects).contains("Zulkarnaen"));
    s.starts("nama=Wulandari");
    let debug = format!("{:?}", s.effects);
    assert!(!debug.contains("Zulkarnaen") && !debug.contains("Wulandari"), "{debug}");
}

#[test]
fn other_typed_fields_accept_numbers_too() {
    let more = "\n[[field]]\nid = \"meter\"\nlabel = \"Meter\"\nmax = 4\nempty = \"\"\n";
    let source = String::from_utf8(LoadedRules::built_in().source).expect("TOML").replacen(
        "\n[[zone]]",
        &format!("{more}\n[[zone]]"),
        1,
    );
    let source = source.replacen("{sapaan} {nama}", "{sapaan} {nama} {meter}", 1);
    let mut s = Stage::with(loaded(source), wib("14:00"), Vec::new());
    s.sets("meter=1234");
    assert_eq!(s.field("meter"), "1234");
    s.sets("meter=12345");
    assert_eq!(s.field("meter"), "1234", "one that is too long is refused, not cut");
}
