//! The effects of the centre's declarations on the prompter, and which decisions stay with the CSO.

use chrono::{DateTime, TimeDelta, Utc};
use penutup::app::{App, AppSetup, Effect};
use penutup::closing::PersistedFact;
use penutup::closing::Since;
use penutup::declaration::{Declaration, DeclarationEvent, KLB, State};
use penutup::message::CentreLink;

use penutup::message::Message;
use penutup::words::Lang;
use penutup_ipc::agent_event::AgentEvent;

use super::Telephone as _;
use crate::stage::{Stage, loaded, wib};

fn klb(version: u64, state: State) -> Declaration {
    Declaration {
        version,
        fact: KLB.into(),
        state,
        value: None,
        since: wib("13:05"),
        until: Some(wib("21:00")),
        by: Some("SPV Jakarta".into()),
        why: Some("gangguan transmisi".into()),
    }
}

fn declares(stage: &mut Stage, declaration: Declaration) -> &mut Stage {
    stage.act(Message::Declaration(DeclarationEvent::Declared(Box::new(declaration))))
}

/// Whether the last action saved this declaration together with the fact that it set.
fn is_saved(stage: &Stage, declaration: &Declaration) -> bool {
    stage.effects.iter().any(|e| matches!(e, Effect::Save(seat) if seat.declaration.as_ref() == Some(declaration)))
}

fn fact(stage: &Stage) -> usize {
    stage.app.rules().fact_named(KLB).expect("these rules know it")
}

#[test]
fn a_declaration_switches_the_script_with_its_own_since() {
    let mut stage = Stage::at("14:00");
    stage.keys("␣");
    declares(&mut stage, klb(1, State::On));
    assert_eq!(
        (stage.fact("klb"), stage.said(), stage.notice()),
        ("ya", vec!["campaign"], "Dari supervisor: KLB AKTIF".into())
    );
    assert_eq!(stage.app.call().since(fact(&stage)).map(|since| since.set), Some(wib("13:05")));
    assert!(is_saved(&stage, &klb(1, State::On)));
    assert!(!stage.app.differs(fact(&stage)));
    declares(&mut stage, klb(2, State::Off));
    assert_eq!(stage.fact("klb"), "tidak");
}

#[test]
fn a_declaration_starts_no_call_and_cannot_be_undone() {
    let mut stage = Stage::at("14:00");
    declares(&mut stage, klb(1, State::On));
    assert_eq!((stage.app.call().started_at(), stage.app.can_undo()), (None, false));
    stage.keys("␣m");
    declares(&mut stage, klb(2, State::Off));
    stage.keys("⌫⌫");
    assert_eq!((stage.fact("klb"), stage.said().len(), stage.fact("topik")), ("tidak", 0, "lain"));
    assert!(!stage.app.can_undo());
}

#[test]
fn an_undo_skips_the_centres_changes() {
    let mut stage = Stage::at("14:00");
    stage.keys("k");
    declares(&mut stage, klb(1, State::On));
    assert!(!stage.app.can_undo());
}

#[test]
fn only_a_higher_version_is_applied() {
    let mut stage = Stage::at("14:00");
    declares(&mut stage, klb(5, State::On)).keys("k");
    assert_eq!((stage.fact("klb"), stage.app.differs(fact(&stage))), ("tidak", true));
    for again in [klb(5, State::On), klb(4, State::On), klb(5, State::Off)] {
        let known = again == klb(5, State::On);
        declares(&mut stage, again);
        assert_eq!((stage.fact("klb"), stage.effects.len()), ("tidak", 0));
        assert_eq!(stage.app.notice_is_trouble(), !known);
    }
    assert!(stage.notice().contains("lebih lama"), "{}", stage.notice());
    declares(&mut stage, klb(6, State::On));
    assert_eq!(
        (stage.fact("klb"), stage.app.differs(fact(&stage)), stage.app.notice_is_trouble()),
        ("ya", false, false)
    );
}

#[test]
fn a_declaration_also_applies_to_the_next_and_to_a_restored_call() {
    let mut stage = Stage::at("14:00");
    stage.starts("").keys("␣").starts("");
    declares(&mut stage, klb(1, State::On));
    stage.keys("⌫");
    assert_eq!((stage.fact("klb"), stage.said().len()), ("ya", 1));
    stage.keys("s␣");
    assert_eq!(stage.fact("klb"), "ya");
}

#[test]
fn after_the_declared_end_the_banner_asks_and_nothing_switches_automatically() {
    let mut stage = Stage::at("20:59");
    declares(&mut stage, klb(1, State::On));
    assert_eq!(stage.app.asked_fact(), None);
    stage.clock("21:00");
    assert_eq!((stage.app.asked_fact(), stage.fact("klb")), (Some(fact(&stage)), "ya"));
    stage.keys("v");
    assert_eq!((stage.app.asked_fact(), stage.fact("klb")), (None, "ya"));
    stage.wait(3600);
    assert_eq!((stage.app.asked_fact(), stage.fact("klb")), (None, "ya"));
}

#[test]
fn a_declaration_received_after_its_end_asks_at_once() {
    let mut stage = Stage::at("21:30");
    declares(&mut stage, klb(1, State::On));
    assert_eq!((stage.app.asked_fact(), stage.fact("klb")), (Some(fact(&stage)), "ya"));
    stage.keys("v").wait(3600);
    assert_eq!((stage.app.asked_fact(), stage.fact("klb")), (None, "ya"));
    declares(&mut stage, klb(2, State::Off));
    assert_eq!((stage.app.asked_fact(), stage.fact("klb")), (None, "tidak"));
}

#[test]
fn a_declaration_that_was_switched_off_here_is_not_asked_about() {
    let mut stage = Stage::at("20:00");
    declares(&mut stage, klb(1, State::On)).keys("k").clock("21:30");
    assert_eq!(stage.app.asked_fact(), None);
}

#[test]
fn a_restart_does_not_reapply_a_version_over_the_csos_change() {
    let since = Since { set: wib("13:30"), confirmed: wib("13:30") };
    let shift_facts = vec![PersistedFact { fact: KLB.into(), value: "tidak".into(), since }];
    let mut stage = Stage::with(crate::stage::revised(&[]), wib("14:00"), shift_facts.clone());
    let setup = |shift_facts: Vec<PersistedFact>| AppSetup {
        loaded: crate::stage::revised(&[]),
        lang: Lang::Id,
        zone: 0,
        shift_facts,
        notice: None,
        rules_trouble: None,
        now: wib("14:00"),
    };
    stage.app = App::new(setup(shift_facts.clone())).with_applied_declaration(Some(klb(5, State::On)));
    assert!(stage.app.differs(fact(&stage)), "the applied version is known before the folder is polled");
    declares(&mut stage, klb(5, State::On));
    assert_eq!((stage.fact("klb"), stage.effects.len()), ("tidak", 0));
    declares(&mut stage, klb(6, State::On));
    assert_eq!(stage.fact("klb"), "ya");
    // A prompter that never received it applies it.
    stage.app = App::new(setup(shift_facts));
    declares(&mut stage, klb(5, State::On));
    assert_eq!(stage.fact("klb"), "ya");
}

#[test]
fn a_fact_unknown_to_the_rules_is_reported_and_applied_by_later_rules() {
    let source = "schema = 1\nsop = { title = \"t\", revision = \"x\" }\n[[fact]]\nid = \"f\"\nlabel = \"F\"\nkey = \"f\"\nvalues = [{ id = \"a\", label = \"A\" }, { id = \"b\", label = \"B\" }]\n[[zone]]\nid = \"WIB\"\noffset = \"+07:00\"\n[[greeting]]\nfrom = \"00:00\"\nword = \"pagi\"\n[[step]]\nid = \"s\"\ntitle = \"S\"\nsay = \"S.\"\n[[step]]\nid = \"t\"\ntitle = \"T\"\nsay = \"T.\"\n[[rule]]\nid = \"r\"\nwhen = { f = \"a\" }\nsteps = [\"s\"]\n[[rule]]\nid = \"q\"\nwhen = { f = \"b\" }\nsteps = [\"t\"]\n";
    let mut stage = Stage::with(loaded(source), wib("14:00"), Vec::new());
    declares(&mut stage, klb(1, State::On));
    assert!(stage.notice().contains("\"klb\"") && stage.app.notice_is_trouble(), "{}", stage.notice());
    stage.reload(&crate::stage::revised(&[]));
    assert_eq!(stage.fact("klb"), "ya");
    assert!(is_saved(&stage, &klb(1, State::On)));
}

#[test]
fn a_named_value_must_be_one_of_the_facts() {
    let mut stage = Stage::at("14:00");
    let named = |version, id: &str| Declaration { value: Some(id.into()), ..klb(version, State::On) };
    declares(&mut stage, named(1, "siaga"));
    assert_eq!((stage.fact("klb"), stage.app.notice_is_trouble()), ("tidak", true));
    declares(&mut stage, named(2, "ya"));
    assert_eq!(stage.fact("klb"), "ya");
}

#[test]
fn trouble_of_the_folder_changes_no_fact_and_disappears_on_recovery() {
    let mut stage = Stage::at("14:00");
    declares(&mut stage, klb(1, State::On));
    stage.act(Message::Declaration(DeclarationEvent::Trouble("Sambungan ke pusat terputus".into()))).keys("?⎋");
    assert_eq!((stage.fact("klb"), stage.notice()), ("ya", "Sambungan ke pusat terputus".into()));
    stage.act(Message::Declaration(DeclarationEvent::Recovered));
    assert_eq!((stage.fact("klb"), stage.notice()), ("ya", String::new()));
}

#[test]
fn a_clock_wrong_by_years_is_harmless() {
    for at in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC, wib("14:00") + TimeDelta::days(4000)] {
        let mut stage = Stage::at("14:00");
        declares(&mut stage, Declaration { since: at, until: Some(at), ..klb(1, State::On) });
        assert_eq!(stage.fact("klb"), "ya");
        let _ = (stage.app.asked_fact(), stage.app.next_change());
    }
}

/// The facts that differ from the centre according to the last journal record.
fn differing(stage: &Stage) -> Option<Vec<String>> {
    stage.effects.iter().rev().find_map(|effect| match effect {
        Effect::Journal(record) => Some(record.differs.clone()),
        _ => None,
    })
}

#[test]
fn the_journal_records_differences_at_the_end_of_the_call() {
    let mut stage = Stage::at("14:00");
    stage.keys("m");
    assert_eq!(differing(&stage), Some(vec![]), "nothing is declared");
    declares(&mut stage, klb(1, State::On));
    stage.keys("k");
    assert_eq!(differing(&stage), Some(vec![KLB.to_owned()]));
    stage.keys("k");
    assert_eq!(differing(&stage), Some(vec![]), "the fact is as declared again");
    stage.keys("ks␣");
    assert_eq!(differing(&stage), Some(vec![KLB.to_owned()]));
    // The next call begins with the difference, and the centre's next declaration ends it during the call.
    stage.keys("␣");
    assert_eq!(differing(&stage), Some(vec![KLB.to_owned()]));
    declares(&mut stage, klb(2, State::On));
    assert_eq!(differing(&stage), Some(vec![]));
    stage.keys("qq");
    assert_eq!(differing(&stage), Some(vec![]));
}

#[test]
fn declarations_from_agent_and_folder_are_equivalent() {
    let mut stage = Stage::at("14:00");
    let sends = |stage: &mut Stage, event| stage.act(Message::Agent(event)).effects.clone();
    assert_eq!(stage.app.centre_link(), None);
    stage.keys("nBu");
    sends(&mut stage, AgentEvent::Connected);
    sends(&mut stage, AgentEvent::Klb(Box::new(klb(1, State::On))));
    assert_eq!(stage.fact("klb"), "ya");
    assert!(is_saved(&stage, &klb(1, State::On)));
    stage.keys("di⏎");
    assert_eq!(stage.field("nama"), "Budi", "the text being typed is unchanged");
    assert_eq!(
        sends(&mut stage, AgentEvent::Klb(Box::new(klb(1, State::On)))),
        [],
        "the same declaration again is not reported"
    );
    assert_eq!(sends(&mut stage, AgentEvent::Rules), [Effect::CheckRules]);
}

#[test]
fn the_connection_state_changes_nothing_else() {
    let mut stage = Stage::at("14:00");
    declares(&mut stage, klb(1, State::On)).keys("␣");
    let (notice, call) = (stage.notice(), stage.app.call().clone());
    for (event, link) in [
        (AgentEvent::Connected, CentreLink::Up),
        (AgentEvent::WrongClock(-90), CentreLink::WrongClock(-90)),
        (AgentEvent::Down(wib("13:55")), CentreLink::Down(wib("13:55"))),
        (AgentEvent::Up, CentreLink::Up),
        (AgentEvent::Disconnected, CentreLink::Gone(wib("14:00"))),
        (AgentEvent::Connected, CentreLink::Up),
    ] {
        stage.act(Message::Agent(event));
        assert_eq!((stage.app.centre_link(), stage.effects.len()), (Some(link), 0));
        assert_eq!((stage.notice(), stage.app.call()), (notice.clone(), &call));
    }
}
