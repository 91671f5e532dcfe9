//! Calls as a CSO experiences them, as sequences of keys: the call, its end, the name, the clock, undo, changed rules.

use penutup::app::{Effect, Mode};
use penutup::clipboard::Copied;
use penutup::closing::{PersistedFact, Since};
use penutup::keymap::Key;
use penutup::message::{Message, Subject};
use penutup::pages::{Part, Surface, page};
use penutup::panel::Panel;
use penutup::settings::Hotkey;

use crate::stage::{Stage, loaded, revised, wib};

// ── A call ────────────────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn an_ordinary_outage_call_needs_three_spaces_and_one_to_continue() {
    let mut stage = Stage::at("14:00");
    stage.keys("␣␣␣");
    assert!(stage.app.is_complete());
    assert_eq!(stage.said(), ["campaign", "download", "terima-kasih"]);
    stage.keys("␣");
    assert_eq!(stage.steps(), "(bantuan) ►campaign download terima-kasih");
    assert_eq!(stage.notice(), "Panggilan selesai · Backspace kembali (10 detik)");
}

#[test]
fn fluent_users_need_two_keys() {
    let mut stage = Stage::at("14:00");
    stage.keys("s");
    assert_eq!(stage.steps(), "(bantuan) √campaign √download √terima-kasih");
    stage.keys("␣");
    assert!(stage.said().is_empty());
    stage.keys("s⌫");
    assert!(stage.said().is_empty(), "one undo reverts the whole of `s`");
}

#[test]
fn a_customer_who_has_the_app_is_not_invited_twice() {
    let mut stage = Stage::at("14:00");
    stage.keys("␣␣");
    assert_eq!(stage.current(), Some("terima-kasih"));
    // "Sudah punya": the plan says UPDATE now, but DOWNLOAD was already spoken.
    stage.keys("a");
    assert_eq!(stage.fact("aplikasi"), "telah");
    assert_eq!(stage.steps(), "(bantuan) √campaign √download ►terima-kasih");
    assert!(!stage.complete().contains("update"), "{}", stage.complete());
    stage.keys("␣");
    assert!(stage.app.is_complete());
}

#[test]
fn klb_during_a_closing_keeps_spoken_sentences_on_the_screen() {
    let mut stage = Stage::at("14:00");
    stage.keys("␣k");
    assert_eq!(stage.steps(), "(bantuan) √campaign ►download (customer-intimacy) terima-kasih");
    assert!(stage.complete().starts_with("Untuk mewujudkan"), "spoken sentences stay: {}", stage.complete());
    stage.keys("k");
    assert_eq!(stage.steps(), "(bantuan) √campaign ►download terima-kasih");
}

#[test]
fn a_topic_reverted_after_the_invitation_requires_no_campaign() {
    let mut stage = Stage::at("14:00");
    stage.keys("m␣");
    assert_eq!(stage.said(), ["update"]);
    stage.keys("m");
    assert_eq!(stage.steps(), "(bantuan) –campaign √update ►terima-kasih");
    assert!(!stage.complete().contains("Untuk mewujudkan"), "{}", stage.complete());
    stage.keys("␣");
    assert_eq!((stage.said(), stage.app.call().is_finished()), (vec!["update", "terima-kasih"], true));
}

#[test]
fn shift_and_caps_lock_change_nothing() {
    for keys in ["abzk", "ABZK"] {
        let mut stage = Stage::at("14:00");
        stage.keys(keys);
        assert_eq!((stage.fact("aplikasi"), stage.fact("klb"), stage.app.call().zone()), ("telah", "ya", 1));
        assert_eq!(stage.field("sapaan"), "Bapak");
    }
    let mut stage = Stage::at("14:00");
    stage.keys("aAa");
    assert_eq!(stage.fact("aplikasi"), "belum-tahu", "a fact's key only cycles forward");
}

#[test]
fn a_space_leaves_the_preview_before_it_ticks() {
    let mut stage = Stage::at("14:00");
    stage.keys("↓↓");
    assert!(stage.sentence().unwrap().starts_with("Terima kasih"));
    assert_eq!(stage.notice(), "melihat saja · Spasi kembali ke kalimat ▌");
    assert_eq!(stage.current(), Some("campaign"));
    stage.keys("␣");
    assert_eq!((stage.said().len(), stage.app.is_previewing()), (0, false));
    stage.keys("␣");
    assert_eq!(stage.said(), ["campaign"]);
    stage.keys("↑");
    assert!(stage.sentence().unwrap().starts_with("Untuk mewujudkan"), "a spoken sentence can be previewed");
    stage.keys("s");
    assert!(!stage.app.is_previewing() && stage.app.is_complete());
    // Also when all is said: the first Space ends nothing.
    stage.keys("↑␣");
    assert_eq!((stage.said().len(), stage.app.is_previewing()), (3, false));
}

#[test]
fn esc_leaves_the_preview_and_never_ends_a_call() {
    let mut stage = Stage::at("14:00");
    stage.keys("␣↓⎋");
    assert!(!stage.app.is_previewing());
    stage.keys("⎋⎋⎋");
    assert_eq!(stage.said(), ["campaign"]);
    for open in ["x", "d", "?", "n"] {
        stage.keys(open).keys("⎋");
        assert_eq!((stage.app.mode(), stage.said()), (&Mode::Closing, vec!["campaign"]), "{open}");
    }
}

#[test]
fn a_panel_does_not_interrupt_the_call() {
    for panel in ["d", "?"] {
        let mut stage = Stage::at("14:00");
        stage.keys(panel).keys("ma");
        assert_ne!(stage.app.mode(), &Mode::Closing, "facts are set with the panel open");
        assert_eq!(stage.current(), Some("update"));
        for close in ["␣", "⏎"] {
            stage.keys(close);
            assert_eq!((stage.app.mode(), stage.said().len()), (&Mode::Closing, 0), "it closes and ticks nothing");
            stage.keys(panel);
        }
        stage.keys("␣␣");
        assert_eq!(stage.said(), ["update"]);
        stage.keys(panel).keys(panel);
        assert_eq!(stage.app.mode(), &Mode::Closing, "the same key closes it");
        stage.keys(panel).keys("⌫");
        assert!(stage.said().is_empty());
    }
}

// ── The end of a call ─────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn a_complete_call_asks_nothing() {
    let mut stage = Stage::at("14:00");
    stage.keys("sx");
    assert_eq!((stage.app.mode(), stage.said().len()), (&Mode::Closing, 0));
    assert!(stage.notice().starts_with("Panggilan selesai"));
}

#[test]
fn each_answer_ends_the_call_with_its_outcome() {
    let endings = [
        ('1', "pelanggan menutup lebih dulu"),
        ('2', "dialihkan"),
        ('3', "hening / iseng / salah sambung"),
        ('4', "telepon terputus"),
        ('5', "closing tidak disampaikan"),
    ];
    for (digit, ending) in endings {
        let mut stage = Stage::at("14:00");
        stage.keys("m␣x");
        assert!(!stage.key(Key::Char('0')) && !stage.key(Key::Char('6')) && !stage.key(Key::Char('k')));
        assert_eq!(stage.said(), ["update"], "still the same call");
        stage.key(Key::Char(digit));
        assert_eq!((stage.said().len(), stage.fact("topik")), (0, "lain"));
        assert!(stage.notice().contains(ending), "{}", stage.notice());
        stage.keys("⌫");
        assert_eq!((stage.said(), stage.fact("topik")), (vec!["update"], "pln-mobile"), "back in the call");
    }
}

#[test]
fn a_digit_is_ignored_except_at_the_question() {
    let mut stage = Stage::at("14:00");
    stage.keys("␣");
    for digit in '0'..='9' {
        assert!(!stage.key(Key::Char(digit)), "{digit}");
    }
}

#[test]
fn only_what_is_unsaid_costs_and_its_parameters_are_named_once() {
    let mut stage = Stage::at("14:00");
    stage.keys("␣");
    assert_eq!(stage.app.cost(), ["Akurasi", "Salam Penutup", "Tidak FCR"]);
    stage.keys("␣");
    assert_eq!(stage.app.cost(), Vec::<&str>::new());
}

#[test]
fn a_lost_score_is_named_as_the_rules_file_says_else_by_its_own_name() {
    for (lost_score, named) in [
        ("{ Akurasi = \"Akurasi turun\" }", ["Akurasi turun", "Salam Penutup", "FCR"]),
        ("{}", ["Akurasi", "Salam Penutup", "FCR"]),
    ] {
        let rules = revised(&[("{ FCR = \"Tidak FCR\" }", lost_score)]);
        let mut stage = Stage::with(rules, wib("14:00"), vec![]);
        assert_eq!(stage.keys("␣").app.cost(), named);
    }
}

#[test]
fn the_end_can_be_undone_for_ten_seconds() {
    for (seconds, restored) in [(0, true), (9, true), (10, false), (11, false), (3600, false)] {
        let mut stage = Stage::at("14:00");
        stage.keys("mnSiti⏎s␣").wait(seconds);
        assert_eq!(stage.app.can_undo(), restored, "{seconds}");
        assert_eq!(stage.notice().starts_with("Panggilan selesai"), restored, "{seconds}: {}", stage.notice());
        stage.keys("⌫");
        assert_eq!(stage.app.is_complete(), restored, "{seconds}");
        assert_eq!(stage.field("nama"), if restored { "Siti" } else { "" }, "{seconds}");
    }
}

#[test]
fn the_end_cannot_be_undone_once_the_next_call_began() {
    let mut stage = Stage::at("14:00");
    stage.keys("s␣m⌫");
    assert_eq!((stage.fact("topik"), stage.said().len()), ("lain", 0), "the last change was the topic");
    stage.keys("s␣m");
    stage.keys("a⌫");
    assert_eq!((stage.fact("topik"), stage.said().len()), ("pln-mobile", 0));
}

#[test]
fn a_customer_is_forgotten_ten_seconds_after_the_call() {
    let mut stage = Stage::at("14:00");
    stage.now += chrono::TimeDelta::seconds(30);
    stage.keys("nSiti⏎s␣");
    let wakes = stage.app.next_change();
    assert_eq!((wakes - stage.now).num_seconds(), 10, "the loop wakes to drop the ended call");
    // Even after the notice about it was dismissed.
    stage.keys("?⎋");
    assert_eq!(stage.app.next_change(), wakes);
    stage.wait(10);
    assert!(!stage.app.can_undo());
    assert_eq!((stage.app.next_change() - stage.now).num_seconds(), 20, "afterwards only the minute changes");
}

#[test]
fn a_clock_that_jumps_back_restores_no_old_call() {
    let mut stage = Stage::at("14:00");
    stage.keys("s␣").wait(-3600);
    assert!(!stage.app.can_undo());
    stage.keys("⌫");
    assert_eq!(stage.said().len(), 0);
    // A step back of one second is time synchronization.
    stage.keys("s␣").wait(-1).keys("⌫");
    assert!(stage.app.is_complete());
}

#[test]
fn klb_stays_when_a_call_ends_and_when_it_is_restored() {
    let mut stage = Stage::at("14:00");
    stage.keys("␣k");
    let saved =
        stage.effects.iter().find_map(|e| if let Effect::Save(state) = e { Some(&state.shift_facts) } else { None });
    assert!(saved.is_some_and(|facts| (facts[0].fact.as_str(), facts[0].value.as_str()) == ("klb", "ya")));
    stage.keys("x1");
    assert_eq!((stage.fact("klb"), stage.fact("topik")), ("ya", "lain"));
    // KLB ends during the next call; the restored call has the new value too.
    stage.keys("k");
    assert_eq!(stage.fact("klb"), "tidak");
    stage.keys("⌫");
    assert_eq!(stage.fact("klb"), "ya", "the first Backspace undoes the change of KLB");
    stage.keys("⌫");
    assert_eq!((stage.fact("klb"), stage.said()), ("ya", vec!["campaign"]), "the second restores the call");
    stage.keys("⌫");
    assert_eq!(stage.fact("klb"), "tidak", "the third undoes a change in that call");
}

// ── The name ──────────────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn while_a_name_is_typed_every_letter_is_text() {
    let mut stage = Stage::at("14:00");
    stage.keys("nqxckms? d");
    assert!(stage.sentence().unwrap().starts_with("Untuk"));
    assert!(stage.complete().ends_with("Bapak/Ibu qxckms? d"), "live: {}", stage.complete());
    assert_eq!((stage.fact("klb"), stage.said().len()), ("tidak", 0));
    stage.keys("⎋");
    assert!(stage.complete().ends_with("Bapak/Ibu"), "Esc drops it");
    stage.keys("nBudi⏎");
    assert_eq!(stage.field("nama"), "Budi");
    stage.keys("n");
    assert!(stage.key(Key::Ctrl('c')), "Ctrl-C leaves, also from the field");
    assert_eq!(stage.effects.last(), Some(&Effect::Quit));
}

#[test]
fn q_and_ctrl_c_quit_from_everywhere_else() {
    for before in ["", "x", "d", "?", "s", "↓", "k", "␣", "␣x", "␣d", "m", "mq"] {
        for key in [Key::Char('q'), Key::Char('Q'), Key::Ctrl('c')] {
            let mut stage = Stage::at("14:00");
            stage.keys(before);
            let asks = before.starts_with(['␣', 'm']) && !before.contains('q') && key != Key::Ctrl('c');
            assert!(stage.key(key));
            if asks {
                assert_eq!((stage.app.mode(), stage.effects.len()), (&Mode::LeavePrompt, 0), "{before:?} {key:?}");
                assert!(stage.key(key));
            }
            assert_eq!(stage.effects.last(), Some(&Effect::Quit), "{before:?} {key:?}");
        }
    }
}

#[test]
fn only_q_confirms_quitting() {
    let mut stage = Stage::at("14:00");
    for decline in ["⎋", "⌫"] {
        stage.keys("mq").keys(decline);
        assert_eq!((stage.app.mode(), stage.fact("topik")), (&Mode::Closing, "pln-mobile"), "{decline}");
        stage.keys("m");
    }
    stage.keys("mq");
    for ignored in [Key::Char(' '), Key::Enter, Key::Char('k'), Key::Char('1'), Key::Char('s')] {
        assert!(!stage.key(ignored), "{ignored:?}");
    }
    stage.paste("Siti");
    assert_eq!(stage.app.mode(), &Mode::LeavePrompt);
    stage.keys("q");
    let left =
        stage.effects.iter().any(|e| matches!(e, Effect::Journal(r) if r.end.unwrap().1.code() == "ditinggalkan"));
    assert!(left, "{:?}", stage.effects);
}

#[test]
fn an_honorific_before_the_name_is_recognised() {
    for (typed, honorific, name) in [
        ("bu siti", "Ibu", "siti"),
        ("BU Siti", "Ibu", "Siti"),
        ("ibu  Siti Aminah", "Ibu", "Siti Aminah"),
        ("pak budi", "Bapak", "budi"),
        ("Bapak Budi", "Bapak", "Budi"),
        ("bapak", "Bapak", ""),
        ("Budi", "Bapak/Ibu", "Budi"),
        ("Pakubuwono", "Bapak/Ibu", "Pakubuwono"),
        ("Ibunda", "Bapak/Ibu", "Ibunda"),
    ] {
        let mut typing = Stage::at("14:00");
        typing.keys("n").keys(typed).keys("⏎");
        assert_eq!((typing.field("sapaan").as_str(), typing.field("nama").as_str()), (honorific, name), "{typed}");
        let mut pasting = Stage::at("14:00");
        pasting.paste(typed).keys("⏎");
        assert_eq!(pasting.complete(), typing.complete(), "{typed}");
        typing.keys("⌫");
        assert_eq!(typing.field("sapaan"), "Bapak/Ibu", "one undo takes both back");
    }
}

#[test]
fn a_text_pasted_outside_the_field_opens_it_and_waits() {
    let mut stage = Stage::at("14:00");
    stage.paste("  kxq siti\u{7}\u{1b}[31m aminah \nJl. Mawar 3");
    assert!(matches!(stage.app.mode(), Mode::Typing(_)));
    assert_eq!((stage.fact("klb"), stage.field("nama").as_str()), ("tidak", "kxq siti aminah"));
    assert!(stage.effects.is_empty());
    stage.keys("⎋");
    assert_eq!(stage.field("nama"), "", "nothing is accepted before Enter");
    stage.paste(&"é李".repeat(30)).keys("⏎");
    assert_eq!(stage.field("nama"), "é李".repeat(30));
}

#[test]
fn pasted_digits_are_no_name() {
    for digits in ["081234567890", "+62 812-3456", "(021) 123", "٠٨١٢", "۱۲۳", "12/3"] {
        let mut stage = Stage::at("14:00");
        stage.paste(digits);
        assert_eq!(stage.app.mode(), &Mode::Closing, "{digits}");
        assert_eq!(stage.notice(), "Hanya angka, bukan nama: tidak ditempel", "{digits}");
        stage.keys("n").paste(digits);
        assert_eq!(stage.complete(), Stage::at("14:00").complete(), "{digits}");
    }
    let mut stage = Stage::at("14:00");
    stage.paste(" \n\u{1b}[0m\t");
    assert_eq!(
        (stage.app.mode(), stage.notice().as_str()),
        (&Mode::Closing, "Tidak ada nama dalam teks yang ditempel")
    );
    // After the beginning of a name, digits may belong to it.
    stage.keys("nUmar ").paste("\u{1b}[31m2\u{1b}[0m\n3").keys("⏎");
    assert_eq!(stage.field("nama"), "Umar 2");
}

#[test]
fn a_paste_is_never_the_answer_to_a_question() {
    let mut stage = Stage::at("14:00");
    stage.keys("␣x").paste("1").paste("Siti");
    assert_eq!((stage.app.mode(), stage.said()), (&Mode::EndPrompt, vec!["campaign"]));
}

#[test]
fn a_name_is_limited_to_sixty_graphemes() {
    let mut stage = Stage::at("14:00");
    stage.keys("n").keys(&"a".repeat(61));
    assert_eq!(stage.notice(), "Batasnya 60 karakter: hapus sebagian, lalu Enter");
    stage.keys("⏎");
    assert!(matches!(stage.app.mode(), Mode::Typing(_)), "the text is incomplete, so the field stays open");
    stage.keys("⌫a⏎");
    assert_eq!(stage.field("nama"), "a".repeat(60));
    stage.keys("n").key(Key::End);
    stage.paste("Budi");
    assert_eq!(stage.notice(), "Lebih dari 60 karakter: tidak ditempel");
    stage.keys("⎋");
    stage.paste(&"Budi ".repeat(20));
    assert_eq!(stage.notice(), "Lebih dari 60 karakter: tidak ditempel");
    assert_eq!(stage.field("nama"), "a".repeat(60));
}

// ── The clock ─────────────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn the_greeting_changes_at_its_minute_and_is_announced() {
    let mut stage = Stage::at("14:54");
    assert_eq!((stage.app.greeting_word(), stage.app.greeting_soon()), ("siang", None));
    stage.wait(60);
    assert_eq!(stage.app.greeting_soon(), Some((5, "sore")));
    stage.wait(4 * 60 + 59);
    assert_eq!((stage.app.greeting_word(), stage.app.greeting_soon()), ("siang", Some((1, "sore"))));
    assert_eq!(stage.app.next_change(), wib("15:00"), "the loop wakes when the greeting changes, not later");
    stage.wait(1);
    assert_eq!((stage.app.greeting_word(), stage.app.greeting_soon()), ("sore", None));
}

#[test]
fn spoken_sentences_keep_their_greeting() {
    let mut stage = Stage::at("14:59");
    stage.keys("s").clock("15:00");
    assert!(stage.complete().contains("selamat siang"), "{}", stage.complete());
    stage.keys("⌫");
    assert!(
        stage.complete().contains("selamat sore"),
        "a sentence that is not ticked has the present greeting: {}",
        stage.complete()
    );
}

#[test]
fn differing_greetings_of_two_zones_are_both_shown() {
    let mut stage = Stage::at("14:30");
    assert_eq!(stage.app.other_greeting(), None);
    stage.keys("z");
    assert_eq!(stage.app.greeting_word(), "sore", "15.30 WITA");
    let (zone, _, word) = stage.app.other_greeting().unwrap();
    assert_eq!((zone, word), ("WIB", "siang"));
    stage.clock("15:00");
    assert_eq!(stage.app.other_greeting(), None, "both zones have the same greeting");
    stage.keys("x1");
    assert_eq!(stage.app.call().zone(), 0, "the next call begins in this seat's zone");
}

#[test]
fn a_clock_jump_is_followed_without_harm() {
    let mut stage = Stage::at("18:30");
    stage.keys("k␣").clock("09:00");
    assert_eq!(stage.app.greeting_word(), "pagi");
    assert_eq!(stage.app.asked_fact(), None, "KLB that was set later than the clock now shows is not overdue");
    assert!(stage.app.next_change() > stage.now);
    stage.wait(86_400 * 400);
    assert_eq!((stage.app.greeting_word(), stage.said()), ("pagi", vec!["download"]));
    assert_eq!(stage.app.asked_fact(), Some(0));
}

// ── KLB that has been on for a long time ────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn once_keep_for_has_passed_the_banner_asks_and_v_confirms() {
    let mut stage = Stage::at("08:00");
    stage.keys("k").wait(12 * 3600 - 1);
    assert_eq!(stage.app.asked_fact(), None);
    assert!(!stage.key(Key::Char('v')), "nothing is asked, so V is no key");
    stage.wait(1);
    assert_eq!(stage.app.asked_fact(), Some(0));
    let set = stage.app.call().since(0).unwrap().set;
    stage.keys("v");
    assert_eq!((stage.app.asked_fact(), stage.fact("klb")), (None, "ya"));
    assert_eq!(
        stage.app.call().since(0),
        Some(Since { set, confirmed: stage.now }),
        "the time at which it was set is kept"
    );
    assert!(matches!(&stage.effects[..], [Effect::Save(_)]));
    assert_eq!(stage.app.call().started_at(), None, "no call began");
    stage.wait(12 * 3600).keys("d");
    stage.keys("v");
    assert_eq!(stage.app.asked_fact(), None, "also with a panel open");
    stage.keys("⌫");
    assert_eq!(stage.app.asked_fact(), Some(0), "and that can be undone");
    stage.keys("⎋k");
    assert_eq!((stage.app.asked_fact(), stage.fact("klb")), (None, "tidak"));
}

#[test]
fn klb_survives_a_restart_with_its_age() {
    let since = Since { set: wib("01:00"), confirmed: wib("01:00") };
    let persisted = |fact: &str, value: &str| PersistedFact { fact: fact.into(), value: value.into(), since };
    let begin = |fact| Stage::with(loaded(penutup::rules::BUILT_IN), wib("14:00"), vec![fact]);
    let stage = begin(persisted("klb", "ya"));
    assert_eq!((stage.fact("klb"), stage.app.asked_fact()), ("ya", Some(0)));
    assert_eq!(stage.steps(), "(bantuan) ►download (customer-intimacy) terima-kasih");
    // A fact or value that the rules don't know, or a fact that is not of the shift, is ignored.
    for fact in [persisted("klb", "mungkin"), persisted("banjir", "ya"), persisted("topik", "pln-mobile")] {
        assert_eq!(begin(fact).steps(), "(bantuan) ►campaign download terima-kasih");
    }
}

// ── Rules that change ─────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn good_rules_apply_at_once_while_nothing_is_said() {
    let new = revised(&[("mohon tidak memberikan", "mohon jangan memberikan")]);
    let mut stage = Stage::at("14:00");
    stage.keys("kmazbnSiti⏎").reload(&new);
    assert!(stage.notice().contains("Rev-2"), "{}", stage.notice());
    assert_eq!(stage.app.rules().sop.revision, "Rev-2");
    let values =
        (stage.fact("klb"), stage.fact("topik"), stage.fact("aplikasi"), stage.field("sapaan"), stage.field("nama"));
    assert_eq!(values, ("ya", "pln-mobile", "telah", "Bapak".into(), "Siti".into()));
    assert_eq!(stage.app.call().zone(), 1);
    stage.keys("⌫");
    assert_eq!(stage.field("nama"), "", "the undone call continues under the new rules");
}

#[test]
fn during_a_closing_new_rules_wait_for_the_next_call() {
    let new = revised(&[("mohon tidak memberikan", "mohon jangan memberikan")]);
    let mut stage = Stage::at("14:00");
    let old = stage.complete();
    stage.keys("␣").reload(&new);
    assert!(stage.notice().contains("panggilan berikutnya"), "{}", stage.notice());
    assert_eq!((stage.complete(), stage.app.rules().sop.revision.as_str()), (old.clone(), "Rev-1"));
    stage.keys("s␣");
    assert!(stage.complete().contains("mohon jangan memberikan"));
    // The restored call ends under the rules that it began with; the next call has the new ones again.
    stage.keys("⌫");
    assert_eq!(stage.complete(), old);
    stage.keys("␣");
    assert!(stage.complete().contains("mohon jangan memberikan"));
}

#[test]
fn the_last_of_several_reloads_counts_and_reverting_is_silent() {
    let (first, second) = (revised(&[("mohon tidak", "mohon jangan")]), revised(&[("mohon tidak", "harap tidak")]));
    let mut stage = Stage::at("14:00");
    stage.keys("␣").reload(&first).reload(&second);
    stage.keys("s␣");
    assert!(stage.complete().contains("harap tidak"));
    stage.keys("␣").reload(&first).reload(&second);
    stage.keys("s␣");
    assert!(stage.complete().contains("harap tidak"), "the rules in use again: none wait for the next call");
}

#[test]
fn facts_and_values_missing_in_new_rules_are_reset_to_defaults() {
    let new = revised(&[("\"telah\"", "\"punya\""), ("\"WITA\"", "\"WITENG\"")]);
    let mut stage = Stage::at("14:00");
    stage.keys("maz").reload(&new);
    assert_eq!((stage.fact("topik"), stage.fact("aplikasi"), stage.app.call().zone()), ("pln-mobile", "belum-tahu", 0));
}

#[test]
fn a_half_typed_name_survives_a_reload_but_a_removed_field_does_not() {
    let mut stage = Stage::at("14:00");
    stage.keys("nSi").reload(&revised(&[("max   = 60", "max   = 4")])).keys("tia⏎");
    assert!(matches!(stage.app.mode(), Mode::Typing(_)), "the new limit is four letters");
    stage.keys("⌫i⏎");
    assert_eq!(stage.field("nama"), "Siti");
    let without = "[[field]]\nid    = \"nama\"\nlabel = \"Nama Pelanggan\"\nkey   = \"n\"\nmax   = 60\nkind  = \"name\"\nempty = \"\"                        # tanpa nama, kalimatnya berakhir pada sapaan\n";
    stage.keys("nX").reload(&revised(&[(without, ""), (" {nama}", "")]));
    assert_eq!(stage.app.mode(), &Mode::Closing);
}

#[test]
fn bad_rules_change_nothing_and_are_reported_until_corrected() {
    let mut stage = Stage::at("14:00");
    stage.keys("␣");
    let script = stage.complete();
    stage.act(Message::Trouble(Subject::Rules, Some("rules.toml:7: rusak".into())));
    assert_eq!((stage.complete(), stage.notice().as_str()), (script.clone(), "rules.toml:7: rusak"));
    assert!(stage.app.notice_is_trouble());
    stage.keys("m⌫");
    assert_eq!(stage.notice(), "Diurungkan", "the result of a key is shown first");
    stage.keys("↓⎋");
    assert_eq!(stage.notice(), "rules.toml:7: rusak", "after a key: the standing trouble");
    stage.reload(&loaded(penutup::rules::BUILT_IN));
    assert_eq!((stage.complete(), stage.notice().as_str()), (script, ""));
}

#[test]
fn copying_gives_the_complete_sentence_and_changes_nothing() {
    let mut stage = Stage::at("14:00");
    stage.keys("bnSiti⏎␣");
    let (before, sentence) = (stage.app.call().clone(), stage.complete());
    stage.keys("c");
    assert_eq!(stage.effects, [Effect::Copy(sentence.into())]);
    assert_eq!((stage.app.call(), stage.notice().as_str()), (&before, ""), "no notice before a copy is confirmed");
}

#[test]
fn a_copy_reports_its_actual_destination() {
    let mut stage = Stage::at("14:00");
    stage.act(Message::Copied(Copied::Desktop));
    assert_eq!(stage.notice(), "Kalimat lengkap disalin");
    stage.act(Message::NotCopied("Siti".into()));
    assert_eq!(stage.effects, [Effect::CopyToTerminal("Siti".into())]);
    stage.act(Message::Copied(Copied::Terminal));
    assert_eq!(stage.notice(), "Kalimat lengkap dikirim ke terminal");
}

#[test]
fn a_failure_to_save_state_is_reported_until_it_succeeds() {
    let mut stage = Stage::at("14:00");
    stage.act(Message::Trouble(Subject::State, Some("Status shift tidak dapat disimpan: penuh".into())));
    assert_eq!(stage.notice(), "Status shift tidak dapat disimpan: penuh");
    stage.act(Message::Trouble(Subject::State, None));
    assert_eq!(stage.notice(), "");
}

#[test]
fn debug_output_has_no_customer_data() {
    let mut stage = Stage::at("14:00");
    stage.keys("nBudi Rahasia⏎s␣nSiti Rahasia");
    assert!(!format!("{:?}", stage.app).contains("Rahasia"));
}

// ── Hotkeys ───────────────────────────────────────────────────────────────────────────────────────────────────────────

fn hotkeys(all: &[(&str, &str)]) -> Message {
    let hotkey = |(press, keys): &(&str, &str)| Hotkey { press: (*press).into(), keys: keys.parse().unwrap() };
    Message::Hotkeys(all.iter().map(hotkey).collect())
}

/// The key list: the names of keys and what they do.
fn key_list(stage: &Stage) -> Vec<(String, String)> {
    let keys = |row: &penutup::keymap::KeyBinding| {
        row.keys.iter().map(|key| key.name(stage.app.words()).into_owned()).collect()
    };
    let page = page(Panel::Help, &stage.app, &Surface { offers: &|_| true, keys: &keys, intro: Vec::new(), own: None });
    let groups =
        page.parts.into_iter().find_map(|part| if let Part::Keys(groups) = part { Some(groups) } else { None });
    groups.expect("keys").into_iter().flat_map(|group| group.keys).collect()
}

#[test]
fn a_registered_hotkey_stands_beside_the_key_that_it_stands_for() {
    let mut stage = Stage::at("14:00");
    let label = |stage: &Stage, key: &str| {
        let row = key_list(stage).into_iter().find(|(keys, _)| keys == key);
        row.unwrap_or_else(|| panic!("{key}")).1
    };
    assert_eq!(label(&stage, "Spasi Enter"), "sudah disampaikan");
    stage.act(hotkeys(&[
        ("said", "Ctrl+Alt+Space"),
        ("undo", "Ctrl+Alt+Backspace"),
        ("klb", "Ctrl+Alt+K"),
        ("topik=pln-mobile", "Ctrl+Alt+M"),
        ("topik=lain", "Ctrl+Alt+L"),
        ("sapaan=ibu", "Ctrl+Alt+B"),
        ("basis", "Ctrl+Alt+D"),
        ("back", "Ctrl+Alt+Home"),
        ("zone=WITA", "Ctrl+Alt+W"),
    ]));
    for open in ["", "?"] {
        stage.keys(open);
        for (key, hotkeys) in [
            ("Spasi Enter", " · Ctrl+Alt+Space"),
            ("Backspace", " · Ctrl+Alt+Backspace"),
            ("K", " · Ctrl+Alt+K"),
            ("M", " · Ctrl+Alt+M = PLN Mobile · Ctrl+Alt+L = di luar PLN Mobile"),
            ("B", " · Ctrl+Alt+B = Ibu"),
            ("D", " · Ctrl+Alt+D"),
            ("Esc", " · Ctrl+Alt+Home"),
            ("Z", " · Ctrl+Alt+W = WITA"),
        ] {
            let label = label(&stage, key);
            assert!(label.ends_with(hotkeys), "{key}: {label}");
        }
        assert_eq!(key_list(&stage).iter().filter(|(_, label)| label.contains("Ctrl+Alt")).count(), 8);
    }
    // The connection to the desktop was lost.
    stage.act(hotkeys(&[]));
    assert!(key_list(&stage).iter().all(|(_, label)| !label.contains("Ctrl+Alt")));
}

#[test]
fn a_hotkey_that_the_rules_do_not_know_stands_until_they_do() {
    let mut stage = Stage::at("14:00");
    stage.act(hotkeys(&[
        ("said", "Ctrl+Alt+Space"),
        ("sadi", "Ctrl+Alt+S"),
        ("topik=pln-mobil", "Ctrl+Alt+M"),
        ("nama", "Ctrl+Alt+N"),
        ("gangguan", "Ctrl+Alt+G"),
    ]));
    let lines = [
        "Ctrl+Alt+S: tidak ada \"sadi\" di aturan ini; maksudnya \"said\"?",
        "Ctrl+Alt+M: tidak ada \"topik=pln-mobil\" di aturan ini; maksudnya \"topik=pln-mobile\"?",
        "Ctrl+Alt+N: \"nama\" harus diketik, tidak dapat ditekan",
        "Ctrl+Alt+G: tidak ada \"gangguan\" di aturan ini",
    ];
    assert_eq!(stage.app.standing_lines(), lines);
    stage.keys("??");
    assert_eq!(stage.app.standing_lines(), lines);
    assert!(stage.app.notice_is_trouble());
    stage.reload(&revised(&[("\"pln-mobile\"", "\"pln-mobil\"")]));
    assert_eq!(stage.app.standing_lines(), [lines[0], lines[2], lines[3]]);
}

#[test]
fn an_event_covers_no_notice_that_nobody_has_read() {
    let mut stage = Stage::at("14:00");
    for line in ["satu", "dua", "satu"] {
        stage.act(Message::Notice(line.into()));
    }
    assert_eq!(stage.notice(), "satu · dua");
    stage.act(Message::Notice("x".repeat(1000)));
    assert_eq!(stage.notice().len(), 1000, "notices don't grow without end");
    stage.keys("k");
    assert!(!stage.notice().contains('x'));
}
