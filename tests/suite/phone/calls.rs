//! Telephone events, delivered to a prompter's state directly: each updates it as a key's action does.

use penutup::app::Mode;
use penutup::keymap::Key;
use penutup::loaded::LoadedRules;
use penutup_ipc::phone_event::Why;

use super::Telephone;
use crate::stage::{Stage, loaded, revised, wib};

#[test]
fn a_start_sets_its_data_as_one_undo_step() {
    let mut stage = Stage::at("14:00");
    stage.starts("topik=pln-mobile nama=bu+Siti+Aminah klb=ya");
    assert_eq!((stage.fact("topik"), stage.fact("klb")), ("pln-mobile", "ya"));
    assert_eq!((stage.field("sapaan"), stage.field("nama")), ("Ibu".into(), "Siti Aminah".into()));
    assert!(stage.complete().ends_with("selamat siang Ibu Siti Aminah"), "{}", stage.complete());
    assert_eq!(stage.journal(), ["0 open"]);
    stage.keys("⌫");
    assert_eq!((stage.fact("topik"), stage.fact("klb"), stage.field("nama").as_str()), ("lain", "tidak", ""));
    assert_eq!((stage.field("sapaan"), stage.app.call().started_at()), ("Bapak/Ibu".into(), None));
    assert_eq!(stage.journal(), ["0 gone"]);
}

#[test]
fn an_empty_start_begins_the_call_in_the_journal() {
    let mut stage = Stage::at("14:00");
    stage.starts("");
    assert_eq!((stage.journal(), stage.app.call().started_at()), (vec!["0 open".into()], Some(wib("14:00"))));
    stage.keys("⌫");
    assert_eq!((stage.journal(), stage.app.call().started_at()), (vec!["0 gone".into()], None));
}

#[test]
fn a_shift_fact_alone_is_set_but_starts_no_call() {
    let mut stage = Stage::at("14:00");
    stage.sets("klb=ya");
    assert_eq!((stage.fact("klb"), stage.app.call().started_at(), stage.journal()), ("ya", None, vec![]));
    stage.sets("nama=Budi");
    assert_eq!(stage.journal(), ["0 open"]);
    stage.keys("⌫");
    assert_eq!((stage.field("nama").as_str(), stage.fact("klb")), ("", "ya"), "a set is one undo step");
}

#[test]
fn ignored_parts_are_reported_and_harmless() {
    let mut stage = Stage::at("14:00");
    stage.starts("kode=7 klb=mungkin nama=0812-3456 sapaan=IBU sapaan=Bapak topik=PLN-mobile");
    let expected =
        [("kode", Why::UnknownKey), ("klb", Why::UnknownValue), ("nama", Why::Digits), ("sapaan", Why::Twice)];
    assert_eq!(stage.ignored(), expected);
    assert_eq!(
        (stage.field("sapaan"), stage.field("nama"), stage.fact("topik")),
        ("Ibu".into(), String::new(), "pln-mobile")
    );
    assert!(!stage.is_unsure());
    stage.sets("nama=");
    assert_eq!((stage.ignored(), stage.journal()), (vec![], vec![]));
    stage.sets("kode=7");
    assert_eq!(stage.notice(), "Telepon: panggilan dimulai · yang dikirim bukan nama", "nothing was filled in");
}

#[test]
fn a_hostile_name_is_cleaned_and_bounded() {
    let mut stage = Stage::at("14:00");
    stage.sets(&format!("nama=\u{1b}[31mSi\u{1b}]0;pwned\u{7}ti\u{202e}+{}", "x".repeat(50)));
    let name = stage.field("nama");
    assert!(name.starts_with("Siti x") && name.chars().count() == 55, "{name:?}");
    stage.sets(&format!("nama={}", "x".repeat(300)));
    assert_eq!(stage.field("nama"), name, "a text that is too long is refused, not cut");
    assert_eq!(stage.ignored(), [("nama", Why::TooLong)]);
}

#[test]
fn a_name_is_unconfirmed_until_the_cso_accepts_it() {
    let mut stage = Stage::at("14:00");
    stage.starts("nama=Siti");
    assert!(stage.is_unsure());
    assert!(stage.complete().ends_with("Siti"), "the name is in the sentence at once");
    stage.keys("n⎋");
    assert!(stage.is_unsure(), "Esc accepts nothing");
    stage.keys("n⏎");
    assert!(!stage.is_unsure());
    stage.keys("⌫");
    assert!(stage.is_unsure(), "and that can be undone");
    stage.keys("␣␣");
    assert!(stage.is_unsure(), "the name is in the thanks alone");
    stage.keys("␣");
    assert!(!stage.is_unsure());
    stage.keys("⌫");
    assert!(stage.is_unsure());
    stage.keys("s");
    assert!(!stage.is_unsure());
}

#[test]
fn an_accepted_name_does_not_become_unconfirmed_again() {
    let mut stage = Stage::at("14:00");
    stage.keys("nSiti⏎");
    stage.sets("nama=Siti");
    assert!(!stage.is_unsure() && stage.app.notice().is_none());
    stage.sets("nama=Budi");
    assert!(stage.is_unsure());
    stage.keys("⌫");
    assert_eq!((stage.field("nama").as_str(), stage.is_unsure()), ("Siti", false));
}

#[test]
fn new_rules_keep_a_name_unconfirmed() {
    let mut stage = Stage::at("14:00");
    stage.starts("nama=Siti");
    stage.reload(&revised(&[]));
    assert_eq!((stage.is_unsure(), stage.field("nama").as_str()), (true, "Siti"));
}

#[test]
fn a_start_during_a_call_replaces_it_and_one_backspace_restores_it() {
    let mut stage = Stage::at("14:00");
    stage.starts("nama=Siti topik=pln-mobile").keys("␣");
    let before = stage.app.call().clone();
    stage.wait(60).starts("nama=Budi");
    assert_eq!(stage.journal(), ["0 panggilan-berikutnya", "1 open"]);
    assert_eq!((stage.field("nama").as_str(), stage.said().len(), stage.fact("topik")), ("Budi", 0, "lain"));
    // The ten-second limit does not apply: a consultation may take longer.
    stage.wait(600).keys("⌫");
    assert_eq!(stage.app.call(), &before);
    assert_eq!(stage.journal(), ["1 gone", "0 open"]);
    assert_eq!(stage.notice(), "Kembali ke panggilan tadi");
}

/// The telephone's value is undone first.
#[test]
fn a_value_after_the_end_leaves_the_notice_with_as_many_keys_as_return() {
    for (values, undo) in [("nama=Siti", 2), ("topik=pln-mobile", 2), ("topik=lain", 1)] {
        let mut stage = Stage::at("14:00");
        stage.keys("s␣").sets(values);
        let keys = vec!["Backspace"; undo].join(" ");
        assert_eq!(stage.notice(), format!("Panggilan selesai · {keys} kembali (10 detik)"), "{values}");
        stage.keys(&"⌫".repeat(undo));
        assert_eq!(stage.notice(), "Kembali ke panggilan tadi", "{values}");
    }
    let mut stage = Stage::at("14:00");
    stage.keys("s␣").sets("nama=Siti").wait(11);
    assert_eq!(stage.app.notice(), None, "it is gone when the end can no longer be undone");
}

#[test]
fn any_other_key_in_the_new_call_makes_it_final() {
    for key in ["n", "?", "↓", "m", "␣"] {
        let mut stage = Stage::at("14:00");
        stage.starts("nama=Siti").keys("␣").starts("nama=Budi").keys(key).keys("⎋");
        assert!(!stage.app.can_return(), "{key}");
        stage.keys("⌫");
        assert_eq!(stage.said().len(), 0, "{key}");
        assert_ne!(stage.field("nama"), "Siti", "{key}");
    }
}

#[test]
fn a_fully_said_call_is_replaced_as_complete() {
    let mut stage = Stage::at("14:00");
    stage.starts("").keys("s").starts("");
    assert_eq!(stage.journal(), ["0 lengkap", "1 open"]);
}

#[test]
fn the_calls_of_a_consultation_are_restored_one_by_one() {
    let mut stage = Stage::at("14:00");
    stage.starts("nama=A").keys("␣").starts("nama=B").starts("nama=C");
    assert_eq!(stage.journal(), ["1 panggilan-berikutnya", "2 open"]);
    stage.keys("⌫");
    assert_eq!((stage.field("nama").as_str(), stage.journal()), ("B", vec!["2 gone".into(), "1 open".into()]));
    stage.keys("⌫");
    assert_eq!((stage.field("nama").as_str(), stage.said().len()), ("A", 1));
    assert_eq!(stage.journal(), ["1 gone", "0 open"]);
    stage.keys("⌫");
    assert_eq!(stage.said().len(), 0, "with no interrupted call left, Backspace undoes changes in this one");
}

#[test]
fn the_number_of_interrupted_calls_is_bounded() {
    let mut stage = Stage::at("14:00");
    for number in 0..100 {
        stage.starts(&format!("nama=A{number}x"));
    }
    let mut restored = 0;
    while stage.app.can_return() {
        stage.keys("⌫");
        restored += 1;
    }
    assert_eq!(restored, 8);
}

#[test]
fn klb_changed_meanwhile_stays_when_a_call_is_restored() {
    let mut stage = Stage::at("14:00");
    stage.starts("").keys("␣").starts("").sets("klb=ya").keys("⌫");
    assert_eq!((stage.said().len(), stage.fact("klb")), (1, "ya"));
    stage.keys("⌫");
    assert_eq!((stage.said().len(), stage.fact("klb")), (0, "ya"), "undoing a tick does not undo KLB");
}

#[test]
fn new_rules_loaded_with_the_new_call_are_reverted_with_it() {
    let mut stage = Stage::at("14:00");
    stage.starts("").keys("␣").reload(&revised(&[]));
    stage.starts("");
    assert_eq!(stage.app.rules().sop.revision, "Rev-2");
    stage.keys("⌫");
    assert_eq!((stage.app.rules().sop.revision.as_str(), stage.said().len()), ("Rev-1", 1));
    stage.keys("s␣");
    assert_eq!(stage.app.rules().sop.revision, "Rev-2");
}

#[test]
fn an_end_asks_like_x_or_starts_the_next_call() {
    let mut stage = Stage::at("14:00");
    stage.ends();
    assert_eq!(
        (stage.app.mode(), stage.app.notice(), stage.journal()),
        (&Mode::Closing, None, vec![]),
        "nothing began"
    );
    stage.starts("nama=Siti").ends();
    assert_eq!(stage.app.mode(), &Mode::EndPrompt);
    stage.keys("1");
    assert_eq!(stage.journal(), ["0 pelanggan-menutup"]);
    stage.starts("").keys("s").ends();
    assert_eq!(stage.journal(), ["1 lengkap"]);
    stage.keys("⌫");
    assert!(stage.app.is_complete(), "and that end can be undone like any other");
}

#[test]
fn an_end_of_a_call_that_the_cso_has_ended_ends_no_other() {
    let mut stage = Stage::at("14:00");
    stage.starts("").keys("s␣").keys("m").ends();
    assert_eq!((stage.app.mode(), stage.fact("topik")), (&Mode::Closing, "pln-mobile"));
    // It refers to a call that the telephone did not start.
    stage.ends();
    assert_eq!(stage.app.mode(), &Mode::EndPrompt);
}

#[test]
fn calls_with_ids_end_independently() {
    let mut stage = Stage::at("14:00");
    stage.starts_as("a", "nama=A").keys("␣").starts_as("b", "nama=B").keys("␣");
    stage.ends_as("a");
    assert_eq!(stage.app.mode(), &Mode::Closing, "the interrupted call ends, not the running one");
    stage.ends_as("c");
    assert_eq!(stage.app.mode(), &Mode::Closing, "the end of an unknown call changes nothing");
    stage.ends_as("b");
    assert_eq!(stage.app.mode(), &Mode::EndPrompt);
}

#[test]
fn the_end_of_a_second_call_still_allows_restoring_the_first() {
    let mut stage = Stage::at("14:00");
    stage.starts_as("a", "nama=A").keys("␣").starts_as("b", "nama=B").ends_as("b");
    assert_eq!(stage.app.mode(), &Mode::EndPrompt);
    stage.keys("⌫");
    assert_eq!((stage.app.mode(), stage.field("nama").as_str(), stage.said().len()), (&Mode::Closing, "A", 1));
    assert_eq!(stage.journal(), ["1 gone", "0 open"]);
    // The end of the first call still belongs to it.
    stage.ends_as("a");
    assert_eq!(stage.app.mode(), &Mode::EndPrompt);
    // Without a call to go back to, Backspace only closes the question.
    stage.keys("⌫");
    assert_eq!((stage.app.mode(), stage.said().len()), (&Mode::Closing, 1));
}

#[test]
fn a_start_replaces_the_end_question() {
    let mut stage = Stage::at("14:00");
    stage.starts("").keys("␣x").starts("");
    assert_eq!(
        (stage.app.mode(), stage.journal()),
        (&Mode::Closing, vec!["0 panggilan-berikutnya".into(), "1 open".into()])
    );
    assert!(!stage.key(Key::Char('1')), "a digit that was meant for the end question does nothing now");
}

#[test]
fn a_start_closes_an_open_panel() {
    let mut stage = Stage::at("14:00");
    stage.keys("?").starts("");
    assert_eq!(stage.app.mode(), &Mode::Closing);
}

#[test]
fn a_name_being_typed_is_never_replaced() {
    let mut stage = Stage::at("14:00");
    stage.keys("␣nBud").starts("nama=Siti").ends();
    assert!(matches!(stage.app.mode(), Mode::Typing(draft) if draft.text() == "Bud"));
    assert_eq!(
        (stage.notice().as_str(), stage.journal()),
        ("Panggilan menunggu: selesaikan isian ini dahulu (Enter atau Esc)", vec![])
    );
    stage.keys("i");
    assert_eq!(stage.field("nama"), "Budi");
    stage.keys("⏎");
    // Both events are handled now, in order: the start of the new call and its end.
    assert_eq!((stage.field("nama").as_str(), stage.app.mode()), ("Siti", &Mode::EndPrompt));
    stage.keys("⌫");
    assert_eq!(
        (stage.field("nama").as_str(), stage.said().len()),
        ("Budi", 1),
        "the name is in the call it was typed in"
    );
}

#[test]
fn a_name_from_the_telephone_does_not_replace_the_one_being_typed() {
    let mut stage = Stage::at("14:00");
    stage.keys("nBu").starts("nama=Siti topik=pln-mobile");
    assert!(matches!(stage.app.mode(), Mode::Typing(draft) if draft.text() == "Bu"));
    assert_eq!(stage.fact("topik"), "pln-mobile", "the rest is set at once");
    stage.keys("di⏎");
    assert_eq!((stage.field("nama").as_str(), stage.is_unsure()), ("Budi", false));
    let mut stage = Stage::at("14:00");
    stage.keys("nBu").starts("nama=Siti").keys("⎋");
    assert_eq!((stage.field("nama").as_str(), stage.is_unsure()), ("Siti", true));
    // Nothing was typed, so there is nothing to accept; emptying a name that was there removes it.
    let mut stage = Stage::at("14:00");
    stage.keys("n").starts("nama=Siti").keys("⏎");
    assert_eq!((stage.field("nama").as_str(), stage.is_unsure()), ("Siti", true));
    stage.keys("n⌫⌫⌫⌫⏎");
    assert_eq!(stage.field("nama"), "");
}

#[test]
fn events_waiting_for_a_field_are_bounded() {
    let mut stage = Stage::at("14:00");
    stage.keys("␣n");
    for _ in 0..1000 {
        stage.starts("nama=Siti");
    }
    stage.keys("⎋");
    assert!(stage.app.can_return());
    assert_eq!(stage.effects.iter().filter(|e| matches!(e, penutup::app::Effect::Journal(_))).count(), 17);
}

#[test]
fn a_record_has_no_name_from_any_source() {
    let mut stage = Stage::at("14:00");
    stage.starts("nama=Zulkarnaen sapaan=Bapak").keys("s");
    assert!(!format!("{:?}", stage.effects).contains("Zulkarnaen"));
    stage.starts("nama=Wulandari");
    let debug = format!("{:?}", stage.effects);
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
    let mut stage = Stage::with(loaded(source), wib("14:00"), Vec::new());
    stage.sets("meter=1234");
    assert_eq!(stage.field("meter"), "1234");
    stage.sets("meter=12345");
    assert_eq!(stage.field("meter"), "1234", "a text that is too long is refused, not cut");
}

/// The latest record that the stage sent to the journal.
pub(super) fn recorded(stage: &Stage) -> penutup::journal::record::Record {
    let sent = stage.effects.iter().rev().find_map(|effect| match effect {
        penutup::app::Effect::Journal(record) => Some((**record).clone()),
        _ => None,
    });
    sent.expect("a record")
}

#[test]
fn an_interaction_is_recorded_with_its_call_and_with_no_other() {
    let mut stage = Stage::at("14:20");
    stage.starts_as("a@pbx", "topik=pln-mobile");
    assert_eq!(recorded(&stage).interaction.as_deref(), Some("a@pbx"));
    stage.starts_as("b@pbx", "");
    assert_eq!(recorded(&stage).interaction.as_deref(), Some("b@pbx"));
    // Back to the interrupted call: it is still the first one.
    stage.key(Key::Backspace);
    stage.keys("k");
    assert_eq!(recorded(&stage).interaction.as_deref(), Some("a@pbx"));
    let long = "x".repeat(101);
    stage.starts_as(&long, "");
    assert_eq!(stage.ignored(), [("id", Why::Invalid)]);
    assert_eq!(recorded(&stage).interaction, None);
    stage.ends_as(&long);
    assert_eq!(*stage.app.mode(), Mode::EndPrompt, "it pairs the call all the same");
}

#[test]
fn an_agent_counts_from_the_next_call_on_and_a_call_keeps_its_own() {
    let mut stage = Stage::at("14:20");
    stage.agent("4711");
    assert_eq!(stage.notice(), "CSO 4711");
    stage.keys("m");
    assert_eq!(recorded(&stage).agent.as_deref(), Some("4711"));
    stage.agent("4712");
    assert_eq!(stage.notice(), "CSO 4712 mulai panggilan berikutnya");
    stage.keys("m");
    assert_eq!((recorded(&stage).agent.as_deref(), stage.app.agent_number()), (Some("4711"), Some("4711")));
    stage.starts("topik=pln-mobile");
    assert_eq!((recorded(&stage).agent.as_deref(), stage.app.agent_number()), (Some("4712"), Some("4712")));
    stage.key(Key::Backspace);
    assert_eq!(stage.app.agent_number(), Some("4711"), "the interrupted call is whose it was");
    stage.starts("topik=pln-mobile");
    assert_eq!(stage.app.agent_number(), Some("4712"));
    stage.agent("Siti Aminah");
    assert_eq!(stage.ignored(), [("agent", Why::Invalid)]);
    assert_eq!(
        (stage.notice(), stage.app.agent_number()),
        ("Bukan nomor CSO (perlu sedikitnya satu angka): nomornya tidak berubah".into(), Some("4712"))
    );
}

/// A finished call is one that has ended, but for the Space that begins the next one.
#[test]
fn the_agents_number_is_typed_between_two_calls_and_in_no_call() {
    let mut stage = Stage::at("14:20");
    stage.keys("#4711⏎");
    assert_eq!((stage.notice().as_str(), stage.app.agent_number()), ("CSO 4711", Some("4711")));
    assert_eq!(stage.app.call().started_at(), None, "a number begins no call");
    stage.keys("m#");
    assert_eq!(*stage.app.mode(), Mode::Closing);
    assert_eq!(stage.notice(), "Nomor CSO diganti di antara panggilan: selesaikan dahulu panggilan ini");
    stage.keys("s#CSO-07⏎");
    assert_eq!(stage.notice(), "CSO CSO-07 mulai panggilan berikutnya");
    assert_eq!(stage.app.agent_number(), Some("4711"), "the finished call keeps whose it was");
    stage.keys("␣m");
    assert_eq!(recorded(&stage).agent.as_deref(), Some("CSO-07"));
    stage.key(Key::Backspace);
    stage.key(Key::Backspace);
    assert_eq!(stage.app.agent_number(), Some("4711"), "the call before is back");
    stage.keys("␣m");
    assert_eq!(recorded(&stage).agent.as_deref(), Some("CSO-07"));
    // The number that is there is selected: a digit replaces it, an empty field removes it, Esc leaves it.
    stage.keys("s␣#x9⎋");
    assert_eq!(stage.app.agent_number(), Some("CSO-07"));
    stage.keys("#9⏎");
    assert_eq!(stage.app.agent_number(), Some("9"));
    stage.keys("#⌫⏎");
    assert_eq!((stage.notice().as_str(), stage.app.agent_number()), ("Tanpa nomor CSO", None));
    stage.keys("m");
    assert_eq!(recorded(&stage).agent, None);
}

#[test]
fn what_is_no_agents_number_is_refused_at_the_desk() {
    let mut stage = Stage::at("14:20");
    stage.keys("#4711⏎");
    for typed in ["Siti Aminah", "47/11", "४७", "7 8"] {
        stage.keys(&format!("#{typed}⏎"));
        assert!(stage.notice().starts_with("Bukan nomor CSO"), "{typed}: {}", stage.notice());
        assert_eq!(stage.app.agent_number(), Some("4711"), "{typed}");
    }
    stage.keys(&format!("#{}", "7".repeat(40))).key(Key::Char('7'));
    assert_eq!(stage.notice(), "Nomor CSO paling banyak 40 karakter: hapus sebagian, lalu Enter");
    stage.keys("⏎");
    assert!(matches!(stage.app.mode(), Mode::Typing(_)), "the number is incomplete, so the field stays open");
    stage.keys("⌫7⏎");
    assert_eq!(stage.app.agent_number(), Some(&*"7".repeat(40)));
    stage.keys("#4713").reload(&revised(&[])).keys("⏎");
    assert_eq!(stage.app.agent_number(), Some("4713"), "new rules leave the field open");
    stage.keys("#").paste(" 4712\nSiti \u{1b}[2J").keys("⏎");
    assert_eq!(stage.app.agent_number(), Some("4712"), "the first line of what was pasted");
}

/// Else the call would be recorded as the former CSO's.
#[test]
fn a_call_that_comes_while_the_agents_number_is_typed_waits_for_it() {
    for close in ["⏎", "⎋"] {
        let mut stage = Stage::at("14:20");
        stage.keys("#4711⏎#4712");
        stage.starts_as("a@pbx", "nama=Siti");
        assert_eq!(stage.notice(), "Panggilan menunggu: selesaikan isian ini dahulu (Enter atau Esc)");
        assert_eq!((stage.app.call().started_at(), stage.field("nama").as_str()), (None, ""));
        stage.keys(close);
        let agent = if close == "⏎" { "4712" } else { "4711" };
        assert_eq!(
            (recorded(&stage).agent.as_deref(), recorded(&stage).interaction.as_deref()),
            (Some(agent), Some("a@pbx"))
        );
        assert_eq!(stage.field("nama"), "Siti");
    }
}
