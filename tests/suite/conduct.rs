//! Late changes of facts and unintended keys: only what the CSO did is ticked and recorded.

use penutup::app::{Effect, Mode};
use penutup::input::Input;
use penutup::journal::record::{OvertakenRecord, Record};
use penutup::keymap::Key;
use penutup::message::{Message, Subject};
use penutup::pages::basis::basis;
use penutup::pages::{Page, Part};

use crate::phone::Telephone;
use crate::stage::{Stage, revised};
use crate::support::Home;

/// The records that the last action sent to the journal.
fn records(stage: &Stage) -> Vec<Record> {
    let one = |effect: &Effect| match effect {
        Effect::Journal(record) => Some((**record).clone()),
        _ => None,
    };
    stage.effects.iter().filter_map(one).collect()
}

fn ending(record: &Record) -> Option<&'static str> {
    record.end.map(|(_, how)| how.code())
}

fn entries(page: &Page) -> Vec<(&str, &str)> {
    page.parts
        .iter()
        .filter_map(|part| match part {
            Part::Entry(heading, text) => Some((heading.as_str(), text.as_str())),
            _ => None,
        })
        .collect()
}

// ── Late changes of a fact ────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn klb_lifted_after_the_goodbye_requires_nothing_and_leaves_the_record_unchanged() {
    let mut s = Stage::at("14:00");
    s.keys("k␣␣");
    let finished = records(&s).pop().unwrap();
    s.sets("klb=tidak");
    assert_eq!(s.steps(), "(bantuan) –campaign √download √terima-kasih");
    assert_eq!((s.fact("klb"), s.app.is_complete(), records(&s).len()), ("tidak", true, 0));
    assert!(!s.complete().contains("Untuk mewujudkan"));
    assert!(s.app.cost().is_empty());
    s.quick(700, "␣");
    assert_eq!(s.said().len(), 0, "the next call has begun");
    let ended = records(&s).remove(0);
    assert_eq!((ending(&ended), ended.facts[0].value.as_str()), (Some("lengkap"), "ya"));
    assert_eq!(Record { end: None, ..ended }, finished, "the record of a finished call is what it was");
}

#[test]
fn klb_lifted_after_the_invitation_is_recorded_as_overtaken_with_what_changed_and_when() {
    let mut s = Stage::at("14:00");
    s.keys("k␣").wait(30).keys("k");
    assert_eq!(s.steps(), "(bantuan) –campaign √download ►terima-kasih");
    assert_eq!((s.current(), s.app.cost().len()), (Some("terima-kasih"), 0));
    let record = records(&s).pop().unwrap();
    let expected = OvertakenRecord { step: "campaign".into(), at: s.now, facts: vec![("klb".into(), "tidak".into())] };
    assert_eq!(record.overtaken, [expected]);
    let left_out: Vec<&str> = record.steps.iter().filter(|s| s.left_out).map(|s| s.step.as_str()).collect();
    assert_eq!(left_out, ["terima-kasih"]);
    s.keys("d");
    let page = basis(&s.app);
    let entry = entries(&page).into_iter().find(|(heading, _)| *heading == "Sudah lewat").unwrap();
    assert!(entry.1.starts_with("Campaign Integritas: KLB: "), "{entry:?}");
    assert!(entry.1.contains("14.00"), "{entry:?}");
    // After undoing it, it can be said again.
    s.keys("⎋⌫");
    assert_eq!(s.steps(), "(bantuan) √download (customer-intimacy) ►terima-kasih");
    s.keys("⌫⌫");
    assert_eq!(s.current(), Some("campaign"));
    assert!(s.app.call().overtaken().is_empty());
}

#[test]
fn an_overtaken_step_can_be_previewed_in_its_own_words() {
    let mut s = Stage::at("14:00");
    s.keys("k␣k↑↑");
    assert!(s.sentence().unwrap().starts_with("Untuk mewujudkan"), "{:?}", s.sentence());
    s.keys("␣␣");
    assert_eq!(s.said(), ["download", "terima-kasih"]);
}

#[test]
fn a_late_declaration_overtakes_in_every_state_restored_by_undo() {
    let mut s = Stage::at("14:00");
    s.keys("k␣b").sets("klb=tidak");
    assert_eq!(s.current(), Some("terima-kasih"));
    assert_eq!(s.app.call().overtaken().len(), 1);
    s.keys("⌫⌫");
    assert_eq!((s.fact("klb"), s.app.call().overtaken().len()), ("ya", 0));
}

#[test]
fn the_caution_is_shown_only_while_it_affects_unsaid_steps() {
    let mut s = Stage::at("14:00");
    s.keys("a");
    let rules = s.app.rules().clone();
    assert!(s.app.call().caution(&rules).is_some_and(|caution| caution.contains("dipakai 2.b")));
    s.keys("␣");
    assert!(s.app.call().caution(&rules).is_some(), "the invitation is not spoken yet");
    s.keys("␣");
    assert_eq!((s.app.call().caution(&rules), s.current()), (None, Some("terima-kasih")));

    // DOWNLOAD was ticked before the customer mentioned that they have the app.
    let mut s = Stage::at("14:00");
    s.keys("␣␣a");
    assert_eq!((s.fact("aplikasi"), s.app.call().caution(&rules)), ("telah", None));
    s.keys("d");
    let page = basis(&s.app);
    let entries = entries(&page);
    assert!(entries.contains(&("Sudah disampaikan", "Ajakan DOWNLOAD New PLN Mobile (No. 2.a)")), "{entries:?}");
    assert!(entries.iter().all(|(_, text)| !text.contains("dipakai 2.b")), "{entries:?}");
}

// ── Keys around the end ───────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn after_the_end_a_value_starts_the_next_call_and_one_backspace_restores_the_finished_one() {
    type Value = (&'static str, fn(&mut Stage), fn(&Stage) -> String);
    let values: [Value; 6] = [
        (
            "a fact",
            |s| {
                s.keys("m");
            },
            |s| s.fact("topik").into(),
        ),
        (
            "an honorific",
            |s| {
                s.keys("b");
            },
            |s| s.field("sapaan"),
        ),
        (
            "the zone",
            |s| {
                s.keys("z");
            },
            |s| s.app.call().zone().to_string(),
        ),
        (
            "a typed name",
            |s| {
                s.keys("nBu Siti⏎");
            },
            |s| s.field("nama"),
        ),
        (
            "a pasted name",
            |s| {
                s.paste("Siti").keys("⏎");
            },
            |s| s.field("nama"),
        ),
        (
            "what the telephone sets",
            |s| {
                s.sets("nama=Siti");
            },
            |s| s.field("nama"),
        ),
    ];
    for (what, give, read) in values {
        let mut s = Stage::at("14:00");
        s.keys("nBudi⏎s");
        let (call, finished) = (s.app.call().clone(), records(&s).pop().unwrap());
        let before = read(&s);
        give(&mut s);
        assert_ne!(read(&s), before, "{what}");
        assert_eq!((s.app.number(), s.said().len()), (1, 0), "{what}");
        assert_eq!(s.journal(), ["0 lengkap", "1 open"], "{what}");
        assert_eq!(Record { end: None, ..records(&s).remove(0) }, finished, "{what}");
        assert_eq!(s.notice(), "Panggilan berikutnya dimulai · Backspace kembali (10 dtk)", "{what}");
        s.keys("⌫");
        assert_eq!((s.app.number(), s.app.call()), (0, &call), "{what}");
        assert_eq!(s.journal(), ["1 gone", "0 open"], "{what}");
        assert_eq!(records(&s), [finished], "{what}");
        // The next Backspace undoes the last change in the finished call.
        s.keys("⌫");
        assert_eq!(s.current(), Some("campaign"), "{what}");
    }
}

#[test]
fn a_name_for_the_next_call_is_in_no_sentence_of_the_finished_one() {
    let mut s = Stage::at("14:00");
    s.keys("nBudi⏎s");
    let spoken = s.complete();
    s.keys("nSiti");
    assert_eq!(s.complete(), spoken);
    s.keys("⎋");
    assert_eq!((s.app.number(), s.complete()), (0, spoken.clone()));
    s.keys("n⏎");
    assert_eq!((s.app.number(), s.complete()), (0, spoken), "nothing was typed");
    // It is typed for the call that the telephone starts meanwhile.
    s.keys("nSit").starts("topik=pln-mobile").keys("i⏎");
    assert_eq!((s.app.number(), s.field("nama").as_str(), s.fact("topik")), (1, "Siti", "pln-mobile"));
}

#[test]
fn changes_in_the_next_call_are_undone_before_the_finished_one_returns() {
    let mut s = Stage::at("14:00");
    s.keys("sma⌫");
    assert_eq!((s.app.number(), s.fact("topik"), s.fact("aplikasi")), (1, "pln-mobile", "belum-tahu"));
    s.keys("⌫");
    assert!(s.app.call().is_finished());
    // After ten seconds the customer is forgotten.
    s.keys("m").wait(10).keys("⌫");
    assert_eq!((s.app.number(), s.fact("topik"), s.said().len()), (2, "lain", 0));
}

#[test]
fn a_shift_fact_starts_no_call_and_leaves_the_finished_one_unchanged() {
    let mut s = Stage::at("14:00");
    s.keys("s");
    let finished = records(&s).pop().unwrap();
    s.keys("k");
    assert_eq!((s.fact("klb"), s.app.number(), records(&s).len()), ("ya", 0, 0));
    assert!(s.app.is_complete());
    s.keys("␣");
    assert_eq!(Record { end: None, ..records(&s).remove(0) }, finished);
    assert_eq!((s.fact("klb"), s.current()), ("ya", Some("download")), "the next call has it");
    s.keys("⌫");
    assert_eq!(records(&s), [finished], "also when it comes back");
    assert_eq!(s.fact("klb"), "ya");
}

#[test]
fn telephone_events_for_its_finished_call_are_ignored() {
    let mut s = Stage::at("14:00");
    s.starts("nama=Siti").keys("s");
    s.sets("topik=pln-mobile nama=Budi klb=ya");
    assert_eq!((s.app.number(), s.fact("topik"), s.field("nama").as_str(), s.fact("klb")), (0, "lain", "Siti", "ya"));
    assert!(records(&s).is_empty());
}

#[test]
fn a_space_meant_for_the_previous_sentence_ticks_nothing() {
    type Change = (&'static str, fn(&mut Stage));
    let changes: [Change; 3] = [
        ("a broadcast", |s| {
            s.sets("klb=ya");
        }),
        ("the rules", |s| {
            let new = revised(&[("mohon tidak memberikan", "mohon jangan memberikan")]);
            s.act(Message::Rules(new, None));
        }),
        ("another call", |s| {
            s.starts("");
        }),
    ];
    for (what, change) in changes {
        for key in ["␣", "⏎"] {
            let mut s = Stage::at("14:00");
            s.keys("m⌫b");
            change(&mut s);
            let current = s.current().map(str::to_owned);
            s.quick(0, key);
            assert_eq!((s.said().len(), s.current().map(str::to_owned)), (0, current), "{what} {key}");
            assert_eq!(s.notice(), "Kalimat baru berubah, belum dicentang · baca dahulu, lalu Spasi", "{what} {key}");
            s.quick(1199, key);
            assert_eq!(s.said().len(), 0, "{what} {key}");
            s.quick(1, "s");
            assert!(!s.said().is_empty(), "{what} {key}");
        }
    }
}

#[test]
fn all_said_meant_for_the_previous_sentence_ticks_nothing() {
    let mut s = Stage::at("14:00");
    s.sets("klb=ya").quick(0, "s");
    assert!(s.said().is_empty());
    assert_eq!(s.notice(), "Kalimat baru berubah, belum dicentang · baca dahulu, lalu S");
    s.quick(1199, "s");
    assert!(s.said().is_empty());
    s.quick(1, "s");
    assert!(s.app.is_complete());
    // An event that waited for the field to be closed changes the sentence as well.
    let mut s = Stage::at("14:00");
    s.keys("␣n").starts("").keys("⎋").quick(0, "s");
    assert_eq!((s.app.number(), s.said().len()), (1, 0));
}

#[test]
fn after_a_refused_space_the_interrupted_call_can_still_be_returned_to() {
    let mut s = Stage::at("14:00");
    s.starts("nama=A").keys("␣").starts("nama=B");
    s.quick(0, "␣");
    assert!(s.app.can_return());
    s.keys("⌫");
    assert_eq!((s.field("nama").as_str(), s.said().len()), ("A", 1));
}

#[test]
fn changes_without_effect_on_the_sentence_cause_no_wait() {
    let mut s = Stage::at("14:59");
    s.keys("␣␣");
    s.clock("15:00");
    s.quick(700, "␣");
    assert_eq!(s.said().len(), 3, "the clock alone changed the greeting of the current sentence");
    let mut s = Stage::at("14:00");
    s.sets("nama=Siti").quick(0, "␣");
    assert_eq!(s.said(), ["campaign"], "the name is in another sentence");
    let mut s = Stage::at("14:00");
    s.act(Message::Trouble(Subject::Rules, Some("rusak".into()))).quick(0, "␣");
    assert_eq!(s.said(), ["campaign"]);
    // An event that waited for the field is handled with the key that closes it; a change by that key needs no wait.
    let mut s = Stage::at("14:00");
    s.keys("␣n").starts("").quick(0, "⎋␣");
    assert_eq!((s.app.number(), s.said().len()), (1, 0));
}

#[test]
fn a_sentence_needs_700_ms_and_a_held_key_ticks_once() {
    for (what, pauses, ticks) in [
        ("twice", vec![200], 1),
        ("just too soon", vec![699], 1),
        ("in time", vec![700], 2),
        ("held on a fast keyboard", [&[500][..], &[20; 10]].concat(), 1),
        ("held on a slow one", [&[500][..], &[50; 20]].concat(), 1),
        ("held at the slowest repeat of Windows", [&[690][..], &[500; 10]].concat(), 1),
        ("said one by one", vec![900, 900], 3),
    ] {
        for key in ["␣", "⏎"] {
            let mut s = Stage::at("14:00");
            s.keys(key);
            for ms in &pauses {
                s.quick(*ms, key);
            }
            assert_eq!((s.app.number(), s.said().len()), (0, ticks), "{what}");
        }
    }
    // Space and Enter share the limit.
    let mut s = Stage::at("14:00");
    s.keys("␣").quick(100, "⏎");
    assert_eq!(s.said().len(), 1);
}

#[test]
fn two_quick_spaces_on_the_last_sentence_end_no_call() {
    let mut s = Stage::at("14:00");
    s.keys("␣␣␣").quick(200, "␣");
    assert_eq!((s.app.number(), s.said().len()), (0, 3));
    s.keys("␣");
    assert_eq!(s.notice(), "Panggilan selesai · Backspace kembali (10 dtk)");
    s.quick(200, "␣");
    assert_eq!((s.app.number(), s.said().len()), (1, 0));
    assert_eq!(s.notice(), "Panggilan selesai · Backspace kembali (10 dtk)", "the notice of the end is still shown");
    // Fluent users are not slowed down.
    let mut s = Stage::at("14:00");
    s.keys("s").quick(50, "␣");
    assert_eq!(s.app.number(), 1);
}

#[test]
fn repeats_of_a_space_that_closed_a_panel_or_a_preview_tick_nothing() {
    for open in ["d", "?", "r", "↓"] {
        let mut s = Stage::at("14:00");
        s.keys(open).keys("␣");
        assert_eq!((s.app.mode(), s.app.is_previewing()), (&Mode::Closing, false), "{open}");
        s.quick(30, "␣␣␣");
        assert_eq!(s.said().len(), 0, "{open}: the repeats of the key that closed it");
        s.keys("␣");
        assert_eq!(s.said(), ["campaign"], "{open}");
    }
}

#[test]
fn a_clock_jump_causes_no_wait() {
    let mut s = Stage::at("14:00");
    s.keys("␣").wait(-3600).quick(0, "␣");
    assert_eq!(s.said().len(), 2);
}

#[test]
fn a_customer_who_hangs_up_before_the_closing_is_recorded() {
    for (before, facts) in [("", 0), ("m", 1), ("k", 0)] {
        let mut s = Stage::at("14:00");
        s.keys(before).keys("x");
        assert_eq!(s.app.mode(), &Mode::EndPrompt, "{before}");
        s.keys("⎋");
        assert_eq!((s.app.mode(), s.app.call().started_at().is_some()), (&Mode::Closing, facts > 0), "{before}");
        s.keys("x").wait(3).keys("1");
        let record = records(&s).pop().unwrap();
        assert_eq!(ending(&record), Some("pelanggan-menutup"), "{before}");
        assert!(record.steps.iter().all(|step| step.ticked.is_none() && step.left_out), "{before}");
        assert_eq!((record.cost.len(), record.end.unwrap().0), (0, s.now), "{before}");
        s.keys("⌫");
        assert_eq!(s.app.number(), 0, "{before}");
        let expected = if facts > 0 { "0 open" } else { "0 gone" };
        assert_eq!(s.journal(), [expected], "{before}: the end was undone");
    }
}

/// Debug output gets into panic messages and logs.
#[test]
fn debug_output_never_contains_the_customers_name() {
    const NAME: &str = "Rahasia";
    let mut seen: Vec<String> = Vec::new();
    let mut see = |what: &dyn std::fmt::Debug| seen.push(format!("{what:?} {what:#?}"));
    let mut s = Stage::at("14:00");
    s.paste(NAME);
    see(&s);
    s.keys("⏎c");
    see(&s);
    let [Effect::Copy(text), ..] = &s.effects[..] else { panic!("{:?}", s.effects) };
    assert!(text.contains(NAME));
    see(&Message::NotCopied(text.clone()));
    see(&Effect::CopyToTerminal(text.clone()));
    see(&s.app.complete_sentence());
    see(&s.app.fields());
    let name = s.app.rules().field_named("nama").unwrap();
    see(&s.app.fields().get(name));
    see(&penutup::plain::state::state(&s.app));
    // The state also contains the interrupted call, with its name.
    s.keys("␣").starts("").starts("nama=Rahasia2");
    see(&s);
    s.keys("s␣");
    see(&s);
    see(&penutup::action::Action::Paste(NAME.into()));
    see(&Input::Paste(NAME.into()));
    see(&penutup::plain::listen::Line::Text(NAME.into()));
    let mut stage = penutup::input::Stage::default();
    for bytes in ["Rahas", "\x1b[200~Rahasia"] {
        stage.bytes(bytes.as_bytes(), std::time::Instant::now());
        see(&stage);
    }
    for text in &seen {
        assert!(!text.contains("Rahas") && !text.contains("82, 97, 104"), "{text}");
        let spelled: String = text.chars().filter(|c| c.is_alphabetic()).collect();
        assert!(!spelled.contains("Rahas"), "{text}");
    }
}

// ── Names ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

/// A text, and the honorific and the name that it results in; `None` if it is not a name.
const NAMES: [(&str, Option<(&str, &str)>); 40] = [
    ("Bpk. Budi", Some(("Bapak", "Budi"))),
    ("Bu. Siti", Some(("Ibu", "Siti"))),
    ("Tn Budi", Some(("Bapak", "Budi"))),
    ("Ny. Siti", Some(("Ibu", "Siti"))),
    ("Sdr. Joko", Some(("Bapak/Ibu", "Joko"))),
    ("Mbak Rina", Some(("Bapak/Ibu", "Rina"))),
    ("Ibu/Bapak Sari", Some(("Bapak/Ibu", "Sari"))),
    ("NULL", None),
    ("N/A", None),
    ("-", None),
    (".", None),
    ("%CallerDisplayName%", None),
    ("$caller_name$", None),
    ("<n>", None),
    ("Private Number", None),
    ("No Caller ID", None),
    ("SIP/trunk-00000a", None),
    ("\"Siti Aminah\" <sip:0812@x>", Some(("Bapak/Ibu", "Siti Aminah"))),
    ("Siti Aminah 531100223344", Some(("Bapak/Ibu", "Siti Aminah"))),
    ("H. M. Yusuf", Some(("Bapak/Ibu", "H. M. Yusuf"))),
    ("Budi Santoso, S.T.", Some(("Bapak/Ibu", "Budi Santoso, S.T."))),
    ("dr. Rina", Some(("Bapak/Ibu", "dr. Rina"))),
    ("O'Neil", Some(("Bapak/Ibu", "O'Neil"))),
    ("Ni Luh Putu", Some(("Bapak/Ibu", "Ni Luh Putu"))),
    ("pak budi", Some(("Bapak", "budi"))),
    ("BP BUDI", Some(("Bapak", "BUDI"))),
    ("Tuan Budi", Some(("Bapak", "Budi"))),
    ("nyonya Siti", Some(("Ibu", "Siti"))),
    ("Nn. Siti", Some(("Ibu", "Siti"))),
    ("nona Siti", Some(("Ibu", "Siti"))),
    ("Sdri Rina", Some(("Bapak/Ibu", "Rina"))),
    ("Saudara Joko", Some(("Bapak/Ibu", "Joko"))),
    ("Mas Joko", Some(("Bapak/Ibu", "Joko"))),
    ("Bapak Prof. Dr. Budi", Some(("Bapak", "Prof. Dr. Budi"))),
    ("Hj. Siti", Some(("Bapak/Ibu", "Hj. Siti"))),
    ("unknown", None),
    ("tidak ada", None),
    ("081234567890", None),
    ("sip:0812@pln.co.id", None),
    ("${CALLERID(name)}", None),
];

#[test]
fn every_name_is_spoken_correctly_from_every_source() {
    for (text, expected) in NAMES {
        let spoken = |s: &Stage| (s.field("sapaan"), s.field("nama"));
        let (honorific, name) = expected.unwrap_or(("Bapak/Ibu", ""));
        let expected_fields = (honorific.to_owned(), name.to_owned());
        let mut typed = Stage::at("14:00");
        typed.keys("n").keys(text).keys("⏎");
        assert_eq!((spoken(&typed), typed.app.mode()), (expected_fields.clone(), &Mode::Closing), "typed {text}");
        assert_eq!(typed.app.notice().is_some(), expected.is_none(), "typed {text}: {}", typed.notice());
        let mut pasted = Stage::at("14:00");
        pasted.paste(text);
        assert_eq!(matches!(pasted.app.mode(), Mode::Typing(_)), expected.is_some(), "pasted {text}");
        if expected.is_some() {
            pasted.keys("⏎");
        } else {
            assert!(pasted.app.notice().is_some(), "pasted {text}");
        }
        assert_eq!(spoken(&pasted), expected_fields, "pasted {text}");
        let mut called = Stage::at("14:00");
        called.sets(&format!("nama={}", text.replace(' ', "+")));
        assert_eq!(spoken(&called), expected_fields, "telephoned {text}");
        assert_eq!(called.ignored().is_empty(), expected.is_some(), "telephoned {text}");
        assert!(called.app.notice().is_some(), "telephoned {text}");
    }
}

#[test]
fn say_speaks_every_name_as_the_screen_does() {
    for (text, expected) in NAMES {
        let ran = Home::new().penutup(["say", &format!("nama={text}"), "--at", "2026-03-02T14:00:00+07:00"]).run();
        match expected {
            Some((honorific, name)) => {
                ran.status(0);
                assert!(ran.out.trim_end().ends_with(&format!("{honorific} {name}")), "{text}: {}", ran.out);
            }
            // Alone it means standard input, which is empty here.
            None if text == "-" => assert_eq!(ran.status, Some(0)),
            None => assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""), "{text}"),
        }
    }
}

#[test]
fn an_invalid_name_keeps_the_present_one() {
    let mut s = Stage::at("14:00");
    s.keys("nBu Siti⏎");
    for no in ["NULL", "081234567890", "-"] {
        s.keys("n").keys(no).keys("⏎");
        assert_eq!((s.field("sapaan").as_str(), s.field("nama").as_str()), ("Ibu", "Siti"), "{no}");
        s.paste(no);
        assert_eq!((s.app.mode(), s.field("nama").as_str()), (&Mode::Closing, "Siti"), "{no}");
        s.sets(&format!("nama={no}"));
        assert_eq!(s.field("nama"), "Siti", "{no}");
    }
}

#[test]
fn n_selects_the_present_name() {
    let mut s = Stage::at("14:00");
    s.keys("nSiti Aminah⏎nBudi⏎");
    assert_eq!(s.field("nama"), "Budi", "the first letter replaced it");
    s.keys("n⌫⌫o⏎");
    assert_eq!(s.field("nama"), "Buo", "Backspace edits it");
    s.keys("n");
    s.key(Key::Left);
    s.keys("r⏎");
    assert_eq!(s.field("nama"), "Buro", "an arrow edits it");
    s.keys("n⏎");
    assert_eq!(s.field("nama"), "Buro", "Enter keeps it");
    s.keys("nNi Luh Putu");
    s.key(Key::Ctrl('w'));
    s.keys("Sari⏎");
    assert_eq!(s.field("nama"), "Ni Luh Sari");
    s.keys("n");
    s.key(Key::End);
    s.key(Key::Ctrl('u'));
    s.keys("Tini⏎");
    assert_eq!(s.field("nama"), "Tini");
}
