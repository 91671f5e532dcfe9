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

fn declares(s: &mut Stage, declaration: Declaration) -> &mut Stage {
    s.act(Message::Declaration(DeclarationEvent::Declared(Box::new(declaration))))
}

/// Whether the last action saved this declaration together with the fact that it set.
fn is_saved(s: &Stage, declaration: &Declaration) -> bool {
    s.effects.iter().any(|e| matches!(e, Effect::Save(s) if s.declaration.as_ref() == Some(declaration)))
}

fn fact(s: &Stage) -> usize {
    s.app.rules().fact_named(KLB).expect("these rules know it")
}

#[test]
fn a_declaration_switches_the_script_with_its_own_since() {
    let mut s = Stage::at("14:00");
    s.keys("␣");
    declares(&mut s, klb(1, State::On));
    assert_eq!((s.fact("klb"), s.said(), s.notice()), ("ya", vec!["campaign"], "Dari supervisor: KLB AKTIF".into()));
    assert_eq!(s.app.call().since(fact(&s)).map(|s| s.set), Some(wib("13:05")));
    assert!(is_saved(&s, &klb(1, State::On)));
    assert!(!s.app.differs(fact(&s)));
    declares(&mut s, klb(2, State::Off));
    assert_eq!(s.fact("klb"), "tidak");
}

#[test]
fn a_declaration_starts_no_call_and_cannot_be_undone() {
    let mut s = Stage::at("14:00");
    declares(&mut s, klb(1, State::On));
    assert_eq!((s.app.call().started_at(), s.app.can_undo()), (None, false));
    s.keys("␣m");
    declares(&mut s, klb(2, State::Off));
    s.keys("⌫⌫");
    assert_eq!((s.fact("klb"), s.said().len(), s.fact("topik")), ("tidak", 0, "lain"));
    assert!(!s.app.can_undo());
}

#[test]
fn an_undo_skips_the_centres_changes() {
    let mut s = Stage::at("14:00");
    s.keys("k");
    declares(&mut s, klb(1, State::On));
    assert!(!s.app.can_undo());
}

#[test]
fn only_a_higher_version_is_applied() {
    let mut s = Stage::at("14:00");
    declares(&mut s, klb(5, State::On)).keys("k");
    assert_eq!((s.fact("klb"), s.app.differs(fact(&s))), ("tidak", true));
    for again in [klb(5, State::On), klb(4, State::On), klb(5, State::Off)] {
        let known = again == klb(5, State::On);
        declares(&mut s, again);
        assert_eq!((s.fact("klb"), s.effects.len()), ("tidak", 0));
        assert_eq!(s.app.notice_is_trouble(), !known);
    }
    assert!(s.notice().contains("lebih lama"), "{}", s.notice());
    declares(&mut s, klb(6, State::On));
    assert_eq!((s.fact("klb"), s.app.differs(fact(&s)), s.app.notice_is_trouble()), ("ya", false, false));
}

#[test]
fn a_declaration_also_applies_to_the_next_and_to_a_restored_call() {
    let mut s = Stage::at("14:00");
    s.starts("").keys("␣").starts("");
    declares(&mut s, klb(1, State::On));
    s.keys("⌫");
    assert_eq!((s.fact("klb"), s.said().len()), ("ya", 1));
    s.keys("s␣");
    assert_eq!(s.fact("klb"), "ya");
}

#[test]
fn after_the_declared_end_the_banner_asks_and_nothing_switches_automatically() {
    let mut s = Stage::at("20:59");
    declares(&mut s, klb(1, State::On));
    assert_eq!(s.app.asked_fact(), None);
    s.clock("21:00");
    assert_eq!((s.app.asked_fact(), s.fact("klb")), (Some(fact(&s)), "ya"));
    s.keys("v");
    assert_eq!((s.app.asked_fact(), s.fact("klb")), (None, "ya"));
    s.wait(3600);
    assert_eq!((s.app.asked_fact(), s.fact("klb")), (None, "ya"));
}

#[test]
fn a_declaration_received_after_its_end_asks_at_once() {
    let mut s = Stage::at("21:30");
    declares(&mut s, klb(1, State::On));
    assert_eq!((s.app.asked_fact(), s.fact("klb")), (Some(fact(&s)), "ya"));
    s.keys("v").wait(3600);
    assert_eq!((s.app.asked_fact(), s.fact("klb")), (None, "ya"));
    declares(&mut s, klb(2, State::Off));
    assert_eq!((s.app.asked_fact(), s.fact("klb")), (None, "tidak"));
}

#[test]
fn a_declaration_that_was_switched_off_here_is_not_asked_about() {
    let mut s = Stage::at("20:00");
    declares(&mut s, klb(1, State::On)).keys("k").clock("21:30");
    assert_eq!(s.app.asked_fact(), None);
}

#[test]
fn a_restart_does_not_reapply_a_version_over_the_csos_change() {
    let since = Since { set: wib("13:30"), confirmed: wib("13:30") };
    let shift_facts = vec![PersistedFact { fact: KLB.into(), value: "tidak".into(), since }];
    let mut s = Stage::with(crate::stage::revised(&[]), wib("14:00"), shift_facts.clone());
    let begin = |shift_facts: Vec<PersistedFact>| AppSetup {
        loaded: crate::stage::revised(&[]),
        lang: Lang::Id,
        zone: 0,
        shift_facts,
        notice: None,
        rules_trouble: None,
        now: wib("14:00"),
    };
    s.app = App::new(begin(shift_facts.clone())).with_applied_declaration(Some(klb(5, State::On)));
    assert!(s.app.differs(fact(&s)), "the applied version is known before the folder is polled");
    declares(&mut s, klb(5, State::On));
    assert_eq!((s.fact("klb"), s.effects.len()), ("tidak", 0));
    declares(&mut s, klb(6, State::On));
    assert_eq!(s.fact("klb"), "ya");
    // A prompter that never received it applies it.
    s.app = App::new(begin(shift_facts));
    declares(&mut s, klb(5, State::On));
    assert_eq!(s.fact("klb"), "ya");
}

#[test]
fn a_fact_unknown_to_the_rules_is_reported_and_applied_by_later_rules() {
    let source = "schema = 1\nsop = { title = \"t\", revision = \"x\" }\n[[fact]]\nid = \"f\"\nlabel = \"F\"\nkey = \"f\"\nvalues = [{ id = \"a\", label = \"A\" }, { id = \"b\", label = \"B\" }]\n[[zone]]\nid = \"WIB\"\noffset = \"+07:00\"\n[[greeting]]\nfrom = \"00:00\"\nword = \"pagi\"\n[[step]]\nid = \"s\"\ntitle = \"S\"\nsay = \"S.\"\n[[step]]\nid = \"t\"\ntitle = \"T\"\nsay = \"T.\"\n[[rule]]\nid = \"r\"\nwhen = { f = \"a\" }\nsteps = [\"s\"]\n[[rule]]\nid = \"q\"\nwhen = { f = \"b\" }\nsteps = [\"t\"]\n";
    let mut s = Stage::with(loaded(source), wib("14:00"), Vec::new());
    declares(&mut s, klb(1, State::On));
    assert!(s.notice().contains("\"klb\"") && s.app.notice_is_trouble(), "{}", s.notice());
    s.reload(&crate::stage::revised(&[]));
    assert_eq!(s.fact("klb"), "ya");
    assert!(is_saved(&s, &klb(1, State::On)));
}

#[test]
fn a_named_value_must_be_one_of_the_facts() {
    let mut s = Stage::at("14:00");
    let named = |version, id: &str| Declaration { value: Some(id.into()), ..klb(version, State::On) };
    declares(&mut s, named(1, "siaga"));
    assert_eq!((s.fact("klb"), s.app.notice_is_trouble()), ("tidak", true));
    declares(&mut s, named(2, "ya"));
    assert_eq!(s.fact("klb"), "ya");
}

#[test]
fn trouble_of_the_folder_changes_no_fact_and_disappears_on_recovery() {
    let mut s = Stage::at("14:00");
    declares(&mut s, klb(1, State::On));
    s.act(Message::Declaration(DeclarationEvent::Trouble("Sambungan ke pusat terputus".into()))).keys("?⎋");
    assert_eq!((s.fact("klb"), s.notice()), ("ya", "Sambungan ke pusat terputus".into()));
    s.act(Message::Declaration(DeclarationEvent::Recovered));
    assert_eq!((s.fact("klb"), s.notice()), ("ya", String::new()));
}

#[test]
fn a_clock_wrong_by_years_is_harmless() {
    for at in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC, wib("14:00") + TimeDelta::days(4000)] {
        let mut s = Stage::at("14:00");
        declares(&mut s, Declaration { since: at, until: Some(at), ..klb(1, State::On) });
        assert_eq!(s.fact("klb"), "ya");
        let _ = (s.app.asked_fact(), s.app.next_change());
    }
}

/// The facts that differ from the centre according to the last journal record.
fn differing(s: &Stage) -> Option<Vec<String>> {
    s.effects.iter().rev().find_map(|effect| match effect {
        Effect::Journal(record) => Some(record.differs.clone()),
        _ => None,
    })
}

#[test]
fn the_journal_records_differences_at_the_end_of_the_call() {
    let mut s = Stage::at("14:00");
    s.keys("m");
    assert_eq!(differing(&s), Some(vec![]), "nothing is declared");
    declares(&mut s, klb(1, State::On));
    s.keys("k");
    assert_eq!(differing(&s), Some(vec![KLB.to_owned()]));
    s.keys("k");
    assert_eq!(differing(&s), Some(vec![]), "the fact is as declared again");
    s.keys("ks␣");
    assert_eq!(differing(&s), Some(vec![KLB.to_owned()]));
    // The next call begins with the difference, and the centre's next declaration ends it during the call.
    s.keys("␣");
    assert_eq!(differing(&s), Some(vec![KLB.to_owned()]));
    declares(&mut s, klb(2, State::On));
    assert_eq!(differing(&s), Some(vec![]));
    s.keys("qq");
    assert_eq!(differing(&s), Some(vec![]));
}

#[test]
fn declarations_from_agent_and_folder_are_equivalent() {
    let mut s = Stage::at("14:00");
    let sends = |s: &mut Stage, event| s.act(Message::Agent(event)).effects.clone();
    assert_eq!(s.app.centre_link(), None);
    s.keys("nBu");
    sends(&mut s, AgentEvent::Connected);
    sends(&mut s, AgentEvent::Klb(Box::new(klb(1, State::On))));
    assert_eq!(s.fact("klb"), "ya");
    assert!(is_saved(&s, &klb(1, State::On)));
    s.keys("di⏎");
    assert_eq!(s.field("nama"), "Budi", "the text being typed is unchanged");
    assert_eq!(
        sends(&mut s, AgentEvent::Klb(Box::new(klb(1, State::On)))),
        [],
        "the same declaration again is not reported"
    );
    assert_eq!(sends(&mut s, AgentEvent::Rules), [Effect::CheckRules]);
}

#[test]
fn the_connection_state_changes_nothing_else() {
    let mut s = Stage::at("14:00");
    declares(&mut s, klb(1, State::On)).keys("␣");
    let (notice, call) = (s.notice(), s.app.call().clone());
    for (event, link) in [
        (AgentEvent::Connected, CentreLink::Up),
        (AgentEvent::Down(wib("13:55")), CentreLink::Down(wib("13:55"))),
        (AgentEvent::Up, CentreLink::Up),
        (AgentEvent::Disconnected, CentreLink::Gone(wib("14:00"))),
        (AgentEvent::Connected, CentreLink::Up),
    ] {
        s.act(Message::Agent(event));
        assert_eq!((s.app.centre_link(), s.effects.len()), (Some(link), 0));
        assert_eq!((s.notice(), s.app.call()), (notice.clone(), &call));
    }
}
