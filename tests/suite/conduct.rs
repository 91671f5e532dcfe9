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
    let mut stage = Stage::at("14:00");
    stage.keys("k␣␣");
    let finished = records(&stage).pop().unwrap();
    stage.sets("klb=tidak");
    assert_eq!(stage.steps(), "(bantuan) √download (customer-intimacy) √terima-kasih", "as it was finished");
    assert_eq!((stage.fact("klb"), stage.app.is_complete(), records(&stage).len()), ("tidak", true, 0));
    assert!(!stage.complete().contains("Untuk mewujudkan"));
    assert!(stage.app.cost().is_empty());
    stage.quick(700, "␣");
    assert_eq!(stage.said().len(), 0, "the next call has begun");
    let ended = records(&stage).remove(0);
    assert_eq!((ending(&ended), ended.facts[0].value.as_str()), (Some("lengkap"), "ya"));
    assert_eq!(Record { end: None, ..ended }, finished, "the record of a finished call is what it was");
}

#[test]
fn klb_lifted_after_the_invitation_is_recorded_as_overtaken_with_what_changed_and_when() {
    let mut stage = Stage::at("14:00");
    stage.keys("k␣").wait(30).keys("k");
    assert_eq!(stage.steps(), "(bantuan) –campaign √download ►terima-kasih");
    assert_eq!((stage.current(), stage.app.cost().len()), (Some("terima-kasih"), 0));
    let record = records(&stage).pop().unwrap();
    let expected =
        OvertakenRecord { step: "campaign".into(), at: stage.now, facts: vec![("klb".into(), "tidak".into())] };
    assert_eq!(record.overtaken, [expected]);
    let left_out: Vec<&str> = record.steps.iter().filter(|step| step.left_out).map(|step| step.step.as_str()).collect();
    assert_eq!(left_out, ["terima-kasih"]);
    stage.keys("d");
    let page = basis(&stage.app);
    let entry = entries(&page).into_iter().find(|(heading, _)| *heading == "Sudah lewat").unwrap();
    assert!(entry.1.starts_with("Campaign Integritas: KLB: "), "{entry:?}");
    assert!(entry.1.contains("14.00"), "{entry:?}");
    // After undoing it, it can be said again.
    stage.keys("⎋⌫");
    assert_eq!(stage.steps(), "(bantuan) √download (customer-intimacy) ►terima-kasih");
    stage.keys("⌫⌫");
    assert_eq!(stage.current(), Some("campaign"));
    assert!(stage.app.call().overtaken().is_empty());
}

#[test]
fn an_overtaken_step_can_be_previewed_in_its_own_words() {
    let mut stage = Stage::at("14:00");
    stage.keys("k␣k↑↑");
    assert!(stage.sentence().unwrap().starts_with("Untuk mewujudkan"), "{:?}", stage.sentence());
    stage.keys("␣␣");
    assert_eq!(stage.said(), ["download", "terima-kasih"]);
}

#[test]
fn a_late_declaration_overtakes_in_every_state_restored_by_undo() {
    let mut stage = Stage::at("14:00");
    stage.keys("k␣b").sets("klb=tidak");
    assert_eq!(stage.current(), Some("terima-kasih"));
    assert_eq!(stage.app.call().overtaken().len(), 1);
    stage.keys("⌫⌫");
    assert_eq!((stage.fact("klb"), stage.app.call().overtaken().len()), ("ya", 0));
}

#[test]
fn the_caution_is_shown_only_while_it_affects_unsaid_steps() {
    let mut stage = Stage::at("14:00");
    stage.keys("a");
    let rules = stage.app.rules().clone();
    assert!(stage.app.call().caution(&rules).is_some_and(|caution| caution.contains("dipakai 2.b")));
    stage.keys("␣");
    assert!(stage.app.call().caution(&rules).is_some(), "the invitation is not spoken yet");
    stage.keys("␣");
    assert_eq!((stage.app.call().caution(&rules), stage.current()), (None, Some("terima-kasih")));

    // DOWNLOAD was ticked before the customer mentioned that they have the app.
    let mut stage = Stage::at("14:00");
    stage.keys("␣␣a");
    assert_eq!((stage.fact("aplikasi"), stage.app.call().caution(&rules)), ("telah", None));
    stage.keys("d");
    let page = basis(&stage.app);
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
            |stage| {
                stage.keys("m");
            },
            |stage| stage.fact("topik").into(),
        ),
        (
            "an honorific",
            |stage| {
                stage.keys("b");
            },
            |stage| stage.field("sapaan"),
        ),
        (
            "the zone",
            |stage| {
                stage.keys("z");
            },
            |stage| stage.app.call().zone().to_string(),
        ),
        (
            "a typed name",
            |stage| {
                stage.keys("nBu Siti⏎");
            },
            |stage| stage.field("nama"),
        ),
        (
            "a pasted name",
            |stage| {
                stage.paste("Siti").keys("⏎");
            },
            |stage| stage.field("nama"),
        ),
        (
            "what the telephone sets",
            |stage| {
                stage.sets("nama=Siti");
            },
            |stage| stage.field("nama"),
        ),
    ];
    for (what, give, read) in values {
        let mut stage = Stage::at("14:00");
        stage.keys("nBudi⏎s");
        let (call, finished) = (stage.app.call().clone(), records(&stage).pop().unwrap());
        let before = read(&stage);
        give(&mut stage);
        assert_ne!(read(&stage), before, "{what}");
        assert_eq!((stage.app.number(), stage.said().len()), (1, 0), "{what}");
        assert_eq!(stage.journal(), ["0 lengkap", "1 open"], "{what}");
        assert_eq!(Record { end: None, ..records(&stage).remove(0) }, finished, "{what}");
        assert_eq!(stage.notice(), "Panggilan berikutnya dimulai · Backspace kembali (10 detik)", "{what}");
        stage.keys("⌫");
        assert_eq!((stage.app.number(), stage.app.call()), (0, &call), "{what}");
        assert_eq!(stage.journal(), ["1 gone", "0 open"], "{what}");
        assert_eq!(records(&stage), [finished], "{what}");
        // The next Backspace undoes the last change in the finished call.
        stage.keys("⌫");
        assert_eq!(stage.current(), Some("campaign"), "{what}");
    }
}

#[test]
fn a_name_for_the_next_call_is_in_no_sentence_of_the_finished_one() {
    let mut stage = Stage::at("14:00");
    stage.keys("nBudi⏎s");
    let spoken = stage.complete();
    stage.keys("nSiti");
    assert_eq!(stage.complete(), spoken);
    stage.keys("⎋");
    assert_eq!((stage.app.number(), stage.complete()), (0, spoken.clone()));
    stage.keys("n⏎");
    assert_eq!((stage.app.number(), stage.complete()), (0, spoken), "nothing was typed");
    // It is typed for the call that the telephone starts meanwhile.
    stage.keys("nSit").starts("topik=pln-mobile").keys("i⏎");
    assert_eq!((stage.app.number(), stage.field("nama").as_str(), stage.fact("topik")), (1, "Siti", "pln-mobile"));
}

#[test]
fn changes_in_the_next_call_are_undone_before_the_finished_one_returns() {
    let mut stage = Stage::at("14:00");
    stage.keys("sma⌫");
    assert_eq!((stage.app.number(), stage.fact("topik"), stage.fact("aplikasi")), (1, "pln-mobile", "belum-tahu"));
    stage.keys("⌫");
    assert!(stage.app.call().is_finished());
    // After ten seconds the customer is forgotten.
    stage.keys("m").wait(10).keys("⌫");
    assert_eq!((stage.app.number(), stage.fact("topik"), stage.said().len()), (2, "lain", 0));
}

#[test]
fn a_shift_fact_starts_no_call_and_leaves_the_finished_one_unchanged() {
    let mut stage = Stage::at("14:00");
    stage.keys("s");
    let finished = records(&stage).pop().unwrap();
    stage.keys("k");
    assert_eq!((stage.fact("klb"), stage.app.number(), records(&stage).len()), ("ya", 0, 0));
    assert!(stage.app.is_complete());
    stage.keys("␣");
    assert_eq!(Record { end: None, ..records(&stage).remove(0) }, finished);
    assert_eq!((stage.fact("klb"), stage.current()), ("ya", Some("download")), "the next call has it");
    stage.keys("⌫");
    assert_eq!(records(&stage), [finished], "also when it comes back");
    assert_eq!(stage.fact("klb"), "ya");
}

/// From whichever side it is switched, and also after the finished call comes back.
#[test]
fn klb_after_the_end_changes_the_script_of_the_next_call_only() {
    let switches: [fn(&mut Stage); 2] = [
        |stage| {
            stage.keys("k");
        },
        |stage| {
            stage.sets("klb=ya");
        },
    ];
    for switch in switches {
        let mut stage = Stage::at("14:00");
        stage.keys("s");
        let (steps, page) = (stage.steps(), basis(&stage.app));
        switch(&mut stage);
        assert_eq!(stage.fact("klb"), "ya");
        assert_eq!(stage.steps(), steps);
        assert_eq!(entries(&basis(&stage.app)), entries(&page), "its reasons are those that it had");
        stage.keys("␣");
        assert_eq!(stage.steps(), "(bantuan) ►download (customer-intimacy) terima-kasih");
        stage.keys("⌫");
        assert_eq!((stage.steps(), stage.fact("klb")), (steps, "ya"));
    }
}

#[test]
fn telephone_events_for_its_finished_call_are_ignored() {
    let mut stage = Stage::at("14:00");
    stage.starts("nama=Siti").keys("s");
    stage.sets("topik=pln-mobile nama=Budi klb=ya");
    assert_eq!(
        (stage.app.number(), stage.fact("topik"), stage.field("nama").as_str(), stage.fact("klb")),
        (0, "lain", "Siti", "ya")
    );
    assert!(records(&stage).is_empty());
}

#[test]
fn a_space_meant_for_the_previous_sentence_ticks_nothing() {
    type Change = (&'static str, fn(&mut Stage));
    let changes: [Change; 3] = [
        ("a broadcast", |stage| {
            stage.sets("klb=ya");
        }),
        ("the rules", |stage| {
            let new = revised(&[("mohon tidak memberikan", "mohon jangan memberikan")]);
            stage.act(Message::Rules(new, None));
        }),
        ("another call", |stage| {
            stage.starts("");
        }),
    ];
    for (what, change) in changes {
        for key in ["␣", "⏎"] {
            let mut stage = Stage::at("14:00");
            stage.keys("m⌫b");
            change(&mut stage);
            let current = stage.current().map(str::to_owned);
            stage.quick(0, key);
            assert_eq!((stage.said().len(), stage.current().map(str::to_owned)), (0, current), "{what} {key}");
            assert_eq!(
                stage.notice(),
                "Kalimat baru berubah, belum dicentang · baca dahulu, lalu Spasi",
                "{what} {key}"
            );
            stage.quick(1199, key);
            assert_eq!(stage.said().len(), 0, "{what} {key}");
            stage.quick(1, "s");
            assert!(!stage.said().is_empty(), "{what} {key}");
        }
    }
}

#[test]
fn all_said_meant_for_the_previous_sentence_ticks_nothing() {
    let mut stage = Stage::at("14:00");
    stage.sets("klb=ya").quick(0, "s");
    assert!(stage.said().is_empty());
    assert_eq!(stage.notice(), "Kalimat baru berubah, belum dicentang · baca dahulu, lalu S");
    stage.quick(1199, "s");
    assert!(stage.said().is_empty());
    stage.quick(1, "s");
    assert!(stage.app.is_complete());
    // An event that waited for the field to be closed changes the sentence as well.
    let mut stage = Stage::at("14:00");
    stage.keys("␣n").starts("").keys("⎋").quick(0, "s");
    assert_eq!((stage.app.number(), stage.said().len()), (1, 0));
}

#[test]
fn after_a_refused_space_the_interrupted_call_can_still_be_returned_to() {
    let mut stage = Stage::at("14:00");
    stage.starts("nama=A").keys("␣").starts("nama=B");
    stage.quick(0, "␣");
    assert!(stage.app.can_return());
    stage.keys("⌫");
    assert_eq!((stage.field("nama").as_str(), stage.said().len()), ("A", 1));
}

#[test]
fn changes_without_effect_on_the_sentence_cause_no_wait() {
    let mut stage = Stage::at("14:59");
    stage.keys("␣␣");
    stage.clock("15:00");
    stage.quick(700, "␣");
    assert_eq!(stage.said().len(), 3, "the clock alone changed the greeting of the current sentence");
    let mut stage = Stage::at("14:00");
    stage.sets("nama=Siti").quick(0, "␣");
    assert_eq!(stage.said(), ["campaign"], "the name is in another sentence");
    let mut stage = Stage::at("14:00");
    stage.act(Message::Trouble(Subject::Rules, Some("rusak".into()))).quick(0, "␣");
    assert_eq!(stage.said(), ["campaign"]);
    // An event that waited for the field is handled with the key that closes it; a change by that key needs no wait.
    let mut stage = Stage::at("14:00");
    stage.keys("␣n").starts("").quick(0, "⎋␣");
    assert_eq!((stage.app.number(), stage.said().len()), (1, 0));
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
            let mut stage = Stage::at("14:00");
            stage.keys(key);
            for ms in &pauses {
                stage.quick(*ms, key);
            }
            assert_eq!((stage.app.number(), stage.said().len()), (0, ticks), "{what}");
        }
    }
    // Space and Enter share the limit.
    let mut stage = Stage::at("14:00");
    stage.keys("␣").quick(100, "⏎");
    assert_eq!(stage.said().len(), 1);
}

#[test]
fn two_quick_spaces_on_the_last_sentence_end_no_call() {
    let mut stage = Stage::at("14:00");
    stage.keys("␣␣␣").quick(200, "␣");
    assert_eq!((stage.app.number(), stage.said().len()), (0, 3));
    stage.keys("␣");
    assert_eq!(stage.notice(), "Panggilan selesai · Backspace kembali (10 detik)");
    stage.quick(200, "␣");
    assert_eq!((stage.app.number(), stage.said().len()), (1, 0));
    assert_eq!(
        stage.notice(),
        "Panggilan selesai · Backspace kembali (10 detik)",
        "the notice of the end is still shown"
    );
    // Fluent users are not slowed down.
    let mut stage = Stage::at("14:00");
    stage.keys("s").quick(50, "␣");
    assert_eq!(stage.app.number(), 1);
}

#[test]
fn repeats_of_a_space_that_closed_a_panel_or_a_preview_tick_nothing() {
    for open in ["d", "?", "r", "↓"] {
        let mut stage = Stage::at("14:00");
        stage.keys(open).keys("␣");
        assert_eq!((stage.app.mode(), stage.app.is_previewing()), (&Mode::Closing, false), "{open}");
        stage.quick(30, "␣␣␣");
        assert_eq!(stage.said().len(), 0, "{open}: the repeats of the key that closed it");
        stage.keys("␣");
        assert_eq!(stage.said(), ["campaign"], "{open}");
    }
}

#[test]
fn a_clock_jump_causes_no_wait() {
    let mut stage = Stage::at("14:00");
    stage.keys("␣").wait(-3600).quick(0, "␣");
    assert_eq!(stage.said().len(), 2);
}

#[test]
fn a_customer_who_hangs_up_before_the_closing_is_recorded() {
    for (before, facts) in [("", 0), ("m", 1), ("k", 0)] {
        let mut stage = Stage::at("14:00");
        stage.keys(before).keys("x");
        assert_eq!(stage.app.mode(), &Mode::EndPrompt, "{before}");
        stage.keys("⎋");
        assert_eq!(
            (stage.app.mode(), stage.app.call().started_at().is_some()),
            (&Mode::Closing, facts > 0),
            "{before}"
        );
        stage.keys("x").wait(3).keys("1");
        let record = records(&stage).pop().unwrap();
        assert_eq!(ending(&record), Some("pelanggan-menutup"), "{before}");
        assert!(record.steps.iter().all(|step| step.ticked.is_none() && step.left_out), "{before}");
        assert_eq!((record.cost.len(), record.end.unwrap().0), (0, stage.now), "{before}");
        stage.keys("⌫");
        assert_eq!(stage.app.number(), 0, "{before}");
        let expected = if facts > 0 { "0 open" } else { "0 gone" };
        assert_eq!(stage.journal(), [expected], "{before}: the end was undone");
    }
}

/// Debug output gets into panic messages and logs.
#[test]
fn debug_output_never_contains_the_customers_name() {
    const NAME: &str = "Rahasia";
    let mut seen: Vec<String> = Vec::new();
    let mut see = |what: &dyn std::fmt::Debug| seen.push(format!("{what:?} {what:#?}"));
    let mut stage = Stage::at("14:00");
    stage.paste(NAME);
    see(&stage);
    stage.keys("⏎c");
    see(&stage);
    let [Effect::Copy(text), ..] = &stage.effects[..] else { panic!("{:?}", stage.effects) };
    assert!(text.contains(NAME));
    see(&Message::NotCopied(text.clone()));
    see(&Effect::CopyToTerminal(text.clone()));
    see(&stage.app.complete_sentence());
    see(&stage.app.fields());
    let name = stage.app.rules().field_named("nama").unwrap();
    see(&stage.app.fields().get(name));
    see(&penutup::plain::state::state(&stage.app));
    // The state also contains the interrupted call, with its name.
    stage.keys("␣").starts("").starts("nama=Rahasia2");
    see(&stage);
    stage.keys("s␣");
    see(&stage);
    see(&penutup::action::Action::Paste(NAME.into()));
    see(&penutup::action::Action::Burst(NAME.into()));
    see(&Input::Burst(NAME.into()));
    see(&Input::Paste(NAME.into()));
    see(&penutup::plain::listen::Line::Text(NAME.into()));
    let mut input = penutup::input::Stage::default();
    for bytes in ["Rahas", "\x1b[200~Rahasia"] {
        input.bytes(bytes.as_bytes(), std::time::Instant::now());
        see(&input);
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
        let spoken = |stage: &Stage| (stage.field("sapaan"), stage.field("nama"));
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
            // A lone `-` means standard input, which is empty here.
            None if text == "-" => assert_eq!(ran.status, Some(0)),
            None => assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""), "{text}"),
        }
    }
}

#[test]
fn an_invalid_name_keeps_the_present_one() {
    let mut stage = Stage::at("14:00");
    stage.keys("nBu Siti⏎");
    for no in ["NULL", "081234567890", "-"] {
        stage.keys("n").keys(no).keys("⏎");
        assert_eq!((stage.field("sapaan").as_str(), stage.field("nama").as_str()), ("Ibu", "Siti"), "{no}");
        stage.paste(no);
        assert_eq!((stage.app.mode(), stage.field("nama").as_str()), (&Mode::Closing, "Siti"), "{no}");
        stage.sets(&format!("nama={no}"));
        assert_eq!(stage.field("nama"), "Siti", "{no}");
    }
}

#[test]
fn n_selects_the_present_name() {
    let mut stage = Stage::at("14:00");
    stage.keys("nSiti Aminah⏎nBudi⏎");
    assert_eq!(stage.field("nama"), "Budi", "the first letter replaced it");
    stage.keys("n⌫⌫o⏎");
    assert_eq!(stage.field("nama"), "Buo", "Backspace edits it");
    stage.keys("n");
    stage.key(Key::Left);
    stage.keys("r⏎");
    assert_eq!(stage.field("nama"), "Buro", "an arrow edits it");
    stage.keys("n⏎");
    assert_eq!(stage.field("nama"), "Buro", "Enter keeps it");
    stage.keys("nNi Luh Putu");
    stage.key(Key::Ctrl('w'));
    stage.keys("Sari⏎");
    assert_eq!(stage.field("nama"), "Ni Luh Sari");
    stage.keys("n");
    stage.key(Key::End);
    stage.key(Key::Ctrl('u'));
    stage.keys("Tini⏎");
    assert_eq!(stage.field("nama"), "Tini");
}
