//! Invariants of every call under every valid rules file, for any keys: random files, random keys.

use proptest::prelude::*;

use chrono::TimeDelta;
use penutup::action::Action;
use penutup::app::{App, Effect, Mode, Update};
use penutup::closing::Mark;
use penutup::closing::ending::Ending;
use penutup::journal::record::Record;
use penutup::keymap::{self, Key};
use penutup::message::{Message, Subject};
use penutup::rules::decide::Situation;
use penutup::rules::ruleset::{Duty, FieldKind, RuleSet, Scope, StepIx};

use crate::random_rules;
use crate::stage::{Stage, loaded, wib};

/// An operation on a prompter.
#[derive(Clone, Debug)]
pub enum Op {
    Key(Key),
    Paste(String),
    Wait(i64),
    Reload(u64),
    BadRules,
}

/// Any operation; most are keys.
pub fn op() -> impl Strategy<Value = Op> {
    let letters =
        prop::sample::select(('a'..='z').chain('A'..='Z').chain("1234567890? é李\u{301}".chars()).collect::<Vec<_>>());
    let named = prop::sample::select(vec![
        Key::Enter,
        Key::Backspace,
        Key::Delete,
        Key::Esc,
        Key::Up,
        Key::Down,
        Key::Left,
        Key::Right,
        Key::Home,
        Key::End,
        Key::PageUp,
        Key::PageDown,
        Key::Ctrl('u'),
        Key::Ctrl('a'),
        Key::Ctrl('e'),
    ]);
    prop_oneof![
        12 => letters.prop_map(|c| Op::Key(Key::Char(c))),
        6 => Just(Op::Key(Key::Char(' '))),
        6 => named.prop_map(Op::Key),
        1 => "\\PC{0,12}|[0-9 ]{1,9}|(bu|PAK) [a-z]{1,9}\n[a-z]*".prop_map(Op::Paste),
        2 => prop::sample::select(vec![1, 9, 10, 11, 59, 60, 3600, 86_400, -5, -3600]).prop_map(Op::Wait),
        1 => (0..40u64).prop_map(Op::Reload),
        1 => Just(Op::BadRules),
    ]
}

/// The update that the operation causes in this state; `None` if it has no effect here.
pub fn update(app: &App, op: &Op) -> Option<Update> {
    match op {
        // `q` is tested elsewhere: here the session continues.
        Op::Key(key) => keymap::action(app, *key).filter(|action| *action != Action::Quit).map(Update::from),
        Op::Paste(text) => Some(Action::Paste(text.as_str().into()).into()),
        Op::Wait(_) => Some(Message::Clock.into()),
        Op::Reload(seed) => Some(Message::Rules(loaded(random_rules::rules(*seed, 3)), None).into()),
        Op::BadRules => Some(Message::Trouble(Subject::Rules, Some("rules.toml:1: rusak".into())).into()),
    }
}

pub fn stage(seed: u64) -> Stage {
    Stage::with(loaded(random_rules::rules(seed, 5)), wib("14:58"), Vec::new())
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Whether the two steps are alternatives, derived from the requirements only.
fn are_alternatives(rules: &RuleSet, situation: &Situation, one: StepIx, other: StepIx) -> bool {
    one == other
        || rules
            .requirements
            .iter()
            .filter(|r| r.when.contains(situation.values()))
            .flat_map(|r| &r.duties)
            .any(|duty| matches!(duty, Duty::ExactlyOne(steps) if steps.contains(&one) && steps.contains(&other)))
}

/// Whether a requirement of this situation puts one before the other.
fn comes_before(rules: &RuleSet, situation: &Situation, one: StepIx, other: StepIx) -> bool {
    let here = rules.requirements.iter().filter(|r| r.when.contains(situation.values()));
    here.flat_map(|r| &r.duties).any(|duty| match duty {
        Duty::Order(steps) => {
            let at = |step| steps.iter().position(|s| *s == step);
            at(one).zip(at(other)).is_some_and(|(one, other)| one < other)
        }
        Duty::Last(last) => *last == other && one != other,
        _ => false,
    })
}

/// The sentences still to be said, derived again from the rules.
fn open(app: &App) -> Vec<StepIx> {
    let (rules, call) = (app.rules(), app.call());
    if call.is_finished() {
        return Vec::new();
    }
    let situation = call.situation();
    let rule = rules.rules.iter().find(|r| r.when.contains(situation.values())).expect("a rule");
    let spoken: Vec<StepIx> = rule.steps.iter().copied().filter(|s| rules.step(*s).is_spoken()).collect();
    let has_alternative_spoken =
        |s: StepIx| call.spoken().iter().any(|said| are_alternatives(rules, situation, s, said.step));
    let mut excluded: Vec<StepIx> = call.spoken().iter().map(|s| s.step).collect();
    excluded.extend(spoken.iter().copied().filter(|s| has_alternative_spoken(*s)));
    // One pass for each sentence, so that a chain of orders is followed to its end.
    for _ in 0..spoken.len() {
        let known = excluded.clone();
        excluded.extend(spoken.iter().filter(|s| known.iter().any(|p| comes_before(rules, situation, **s, *p))));
    }
    spoken.into_iter().filter(|s| !excluded.contains(s)).collect()
}

fn check_invariants(app: &App) -> Result<(), TestCaseError> {
    let (rules, call) = (app.rules(), app.call());
    let open = open(app);
    prop_assert_eq!(call.current(rules), open.first().copied(), "the current sentence is the first that can be said");
    if let Some(current) = call.current(rules) {
        let late = call.spoken().iter().find(|s| comes_before(rules, call.situation(), current, s.step));
        prop_assert_eq!(late, None, "a sentence that had to follow it was said already");
    }
    let overtaken: Vec<StepIx> = call.overtaken().iter().map(|late| late.step).collect();
    if !call.is_finished() {
        let marked = app.entries().into_iter().filter(|e| e.mark == Mark::Overtaken).map(|e| e.step);
        let (mut marked, mut noted) = (marked.collect::<Vec<_>>(), overtaken.clone());
        marked.sort_unstable();
        noted.sort_unstable();
        prop_assert_eq!(marked, noted, "each overtaken step is recorded with the facts that changed");
    }
    prop_assert!(call.overtaken().iter().all(|late| !late.facts.is_empty()));
    prop_assert!(open.iter().all(|step| !overtaken.contains(step)));
    prop_assert_eq!(app.is_complete(), open.is_empty());
    let parts: Vec<String> = call
        .spoken()
        .iter()
        .map(|s| s.step)
        .chain(open.iter().copied())
        .map(|step| app.sentence(step).expect("spoken").to_string())
        .collect();
    prop_assert_eq!(app.complete_sentence().to_string(), parts.join(" "), "what was said plus what remains");
    for sentence in &parts {
        prop_assert!(!sentence.is_empty() && !sentence.contains("  ") && sentence.trim() == sentence, "{:?}", sentence);
        let raw = ["{salam", "{sapaan", "{nama", "{tiket"].iter().any(|brace| sentence.contains(brace));
        prop_assert!(!raw, "a raw placeholder: {:?}", sentence);
    }
    let entries = app.entries();
    for said in call.spoken() {
        let shown = entries.iter().filter(|e| e.step == said.step).map(|e| e.mark).collect::<Vec<_>>();
        prop_assert_eq!(shown, [Mark::Spoken], "what was said stays on the screen, once");
    }
    let current: Vec<StepIx> = entries.iter().filter(|e| e.mark == Mark::Current).map(|e| e.step).collect();
    prop_assert_eq!(current.first().copied(), call.current(rules));
    prop_assert!(current.len() <= 1);
    prop_assert!(app.shown().is_none_or(|step| entries.iter().any(|e| e.step == step)));
    if let Mode::Typing(draft) = app.mode() {
        prop_assert!(draft.text().starts_with(draft.before_cursor()));
    }
    Ok(())
}

proptest! {
    #![proptest_config(config(256))]

    /// The table has one rule for every situation, as the leaves of the tree that it was made from.
    #[test]
    fn every_situation_of_a_sound_file_has_exactly_one_plan(seed: u64) {
        let loaded = loaded(random_rules::rules(seed, 5));
        let rules = &loaded.rules;
        for situation in Situation::all(rules) {
            let matching = rules.rules.iter().filter(|r| r.when.contains(situation.values())).count();
            prop_assert_eq!(matching, 1, "{:?}", situation);
            let plan = penutup::rules::decide::decide(rules, &situation);
            prop_assert!(plan.rule.when.contains(situation.values()));
            prop_assert!(!plan.steps().is_empty());
        }
    }

    #[test]
    fn no_key_sequence_loses_a_tick_or_misplaces_the_cursor(
        seed: u64,
        ops in prop::collection::vec(op(), 1..80),
    ) {
        let mut stage = stage(seed);
        check_invariants(&stage.app)?;
        for op in ops {
            if let Op::Wait(seconds) = op {
                stage.now += TimeDelta::seconds(seconds);
            }
            let Some(update) = update(&stage.app, &op) else { continue };
            let before = stage.app.call().spoken().to_vec();
            let (number, is_undo) = (stage.app.number(), update == Action::Undo.into());
            let hidden = stage.app.is_previewing() || *stage.app.mode() != Mode::Closing;
            let (current, is_space) = (open(&stage.app).first().copied(), update == Action::Said.into());
            stage.act(update);
            let after = stage.app.call().spoken();
            if stage.app.number() == number && !is_undo {
                prop_assert!(after.starts_with(&before), "{:?} lost what was said", op);
            }
            if is_space && hidden {
                prop_assert_eq!(after, &before, "a sentence that is not visible is not ticked");
                prop_assert_eq!(stage.app.number(), number);
            }
            if is_space {
                prop_assert!(!stage.app.is_previewing() && *stage.app.mode() == Mode::Closing || hidden);
            }
            if let (true, false, Some(current)) = (is_space, hidden, current) {
                prop_assert_eq!(after.last().map(|s| s.step), Some(current), "Space ticks the current sentence");
            }
            check_invariants(&stage.app)?;
        }
    }

    #[test]
    fn undoing_every_change_restores_the_start(
        seed: u64,
        ops in prop::collection::vec(op(), 1..60),
    ) {
        let mut stage = stage(seed);
        let summary = |app: &App| {
            let call = app.call();
            let since: Vec<_> = (0..app.rules().facts.len()).map(|f| call.since(f)).collect();
            (call.situation().clone(), since, call.fields().clone(), call.zone(), call.spoken().to_vec(), call.started_at())
        };
        let start = summary(&stage.app);
        let mut changes = 0;
        for op in ops {
            if matches!(op, Op::Reload(_) | Op::Wait(_)) {
                continue;
            }
            let Some(update) = update(&stage.app, &op) else { continue };
            if update == Action::Undo.into() {
                continue;
            }
            let (before, app) = (summary(&stage.app), stage.app.clone());
            stage.act(update);
            if stage.app.number() != app.number() {
                // Another call has its own undo history.
                stage.app = app;
                continue;
            }
            changes += usize::from(summary(&stage.app) != before);
        }
        for _ in 0..changes {
            prop_assert!(stage.app.call().can_undo());
            stage.act(Action::Undo);
        }
        prop_assert!(summary(&stage.app) == start, "{:?}", stage.app);
        prop_assert!(!stage.app.can_undo());
    }

    #[test]
    fn a_reverted_fact_is_no_change(seed: u64, ops in prop::collection::vec(op(), 0..30)) {
        let mut stage = stage(seed);
        for op in ops {
            if let Some(update) = update(&stage.app, &op) {
                stage.act(update);
            }
        }
        stage.act(Action::Back).act(Action::Back);
        while stage.app.call().is_finished() {
            stage.act(Action::Undo);
        }
        let summary = |stage: &Stage| {
            let (app, rules) = (&stage.app, stage.app.rules());
            (app.call().situation().clone(), app.call().plan(rules).rule.id.clone(), stage.complete(), stage.steps())
        };
        let before = summary(&stage);
        for fact in 0..stage.app.rules().facts.len() {
            for _ in 0..stage.app.rules().facts[fact].values.len() {
                stage.act(Action::Fact(fact));
            }
            prop_assert_eq!(&summary(&stage), &before, "cycling through all values restores the start");
        }
    }

    #[test]
    fn a_new_call_starts_at_defaults_and_shift_facts_stay(seed: u64, ops in prop::collection::vec(op(), 0..40)) {
        let mut stage = stage(seed);
        for op in ops {
            if let Some(update) = update(&stage.app, &op) {
                stage.act(update);
            }
        }
        let before: Vec<usize> =
            (0..stage.app.rules().facts.len()).map(|f| stage.app.call().situation().value(f)).collect();
        let since: Vec<_> = (0..before.len()).map(|f| stage.app.call().since(f)).collect();
        let same_rules = stage.app.rules().clone();
        stage.act(Action::Answer(Ending::Dropped));
        let app = &stage.app;
        prop_assert!(app.call().spoken().is_empty() && app.call().started_at().is_none() && !app.call().can_undo());
        prop_assert_eq!(app.call().zone(), app.home());
        prop_assert_eq!(app.call().fields(), &penutup::rules::script::Fields::default_of(app.rules()));
        if *app.rules() == same_rules {
            for (fact, definition) in app.rules().facts.iter().enumerate() {
                let value = app.call().situation().value(fact);
                match definition.scope {
                    Scope::Call => prop_assert_eq!((value, app.call().since(fact)), (0, None)),
                    Scope::Shift { .. } => prop_assert_eq!((value, app.call().since(fact)), (before[fact], since[fact])),
                }
            }
        }
    }

    /// The saved state is always the one that the screen shows.
    #[test]
    fn shift_facts_are_saved_whenever_they_change(seed: u64, ops in prop::collection::vec(op(), 1..60)) {
        let mut stage = stage(seed);
        let mut saved = Vec::new();
        for op in ops {
            let Some(update) = update(&stage.app, &op) else { continue };
            stage.act(update);
            for effect in &stage.effects {
                if let Effect::Save(state) = effect {
                    saved.clone_from(&state.shift_facts);
                }
            }
            // The saved facts are the call's, then those that these rules don't know and that were not set again.
            let rules = stage.app.rules();
            let persisted = stage.app.call().persisted_facts(rules);
            prop_assert_eq!(&saved[..persisted.len().min(saved.len())], &persisted[..]);
            for unknown in &saved[persisted.len()..] {
                prop_assert!(persisted.iter().all(|h| h.fact != unknown.fact));
                let value = rules.fact_named(&unknown.fact).map(|at| &rules.facts[at]);
                let is_known = value.is_some_and(|f| {
                    matches!(f.scope, Scope::Shift { .. })
                        && f.values.iter().any(|v| v.id == unknown.value)
                });
                prop_assert!(!is_known, "{:?} is known", unknown);
            }
        }
    }

    #[test]
    fn saying_one_alternative_counts_for_the_others(seed: u64, values in prop::collection::vec(0..4usize, 5)) {
        let mut stage = stage(seed);
        let alternatives: Vec<StepIx> = stage
            .app
            .rules()
            .requirements
            .iter()
            .flat_map(|r| &r.duties)
            .filter_map(|d| if let Duty::ExactlyOne(steps) = d { Some(steps.clone()) } else { None })
            .flatten()
            .collect();
        while !stage.app.is_complete() && !stage.app.call().spoken().iter().any(|s| alternatives.contains(&s.step)) {
            stage.act(Action::Said);
        }
        if stage.app.call().is_finished() {
            return Ok(());
        }
        for (fact, value) in values.into_iter().enumerate().take(stage.app.rules().facts.len()) {
            for _ in 0..value {
                stage.act(Action::Fact(fact));
            }
        }
        let (app, rules) = (&stage.app, stage.app.rules());
        if let Some(current) = app.call().current(rules) {
            let said_one = app.call().spoken().iter().any(|s| alternatives.contains(&s.step));
            let applies = alternatives.iter().all(|s| are_alternatives(rules, app.call().situation(), *s, alternatives[0]));
            prop_assert!(!(said_one && applies && alternatives.contains(&current)), "an alternative of a spoken sentence is still required");
        }
    }

    /// The record of a finished call stays the same, whatever happens, until a part of it is undone.
    #[test]
    fn only_its_own_undo_changes_a_finished_call(seed: u64, ops in prop::collection::vec(op(), 1..80)) {
        let mut stage = stage(seed);
        let mut finished: Option<Record> = None;
        let mut last: Option<Record> = None;
        for op in ops {
            if let Op::Wait(seconds) = op {
                stage.now += TimeDelta::seconds(seconds);
            }
            let Some(update) = update(&stage.app, &op) else { continue };
            if update == Action::Undo.into() {
                finished = None;
            }
            stage.act(update);
            for effect in &stage.effects {
                let Effect::Journal(record) = effect else { continue };
                let record = Record { end: None, ..(**record).clone() };
                if let Some(finished) = finished.as_ref().filter(|finished| finished.call == record.call) {
                    prop_assert_eq!(&record, finished);
                }
                last = Some(record);
            }
            if stage.app.call().is_finished() && finished.as_ref().is_none_or(|f| f.call != stage.app.number()) {
                finished = last.clone().filter(|record| record.call == stage.app.number());
            }
        }
    }

    /// A value after the end starts the next call, and undoing it restores the same call as before, including the
    /// journal.
    #[test]
    fn undoing_the_value_that_started_the_next_call_restores_the_finished_one(
        seed: u64,
        ops in prop::collection::vec(op(), 0..20),
        which: prop::sample::Index,
    ) {
        let mut stage = stage(seed);
        for op in ops {
            if let Some(update) = update(&stage.app, &op) {
                stage.act(update);
            }
        }
        stage.act(Action::Back).act(Action::Back);
        let was_finished = stage.app.call().is_finished();
        stage.act(Action::SaidAll);
        if !stage.app.call().is_finished() {
            return Ok(());
        }
        let rules = stage.app.rules();
        let facts = rules.facts.iter().enumerate().filter(|(_, f)| f.scope == Scope::Call);
        let mut values: Vec<Action> = facts.map(|(at, _)| Action::Fact(at)).collect();
        let choices = rules.fields_ix().filter(|(_, f)| matches!(f.kind, FieldKind::Choice(_)));
        values.extend(choices.map(|(ix, _)| Action::Field(ix)));
        if rules.zones.len() > 1 {
            values.push(Action::Zone);
        }
        let Some(value) = (!values.is_empty()).then(|| which.get(&values).clone()) else { return Ok(()) };
        let (number, call) = (stage.app.number(), stage.app.call().clone());
        stage.act(value);
        prop_assert_ne!(stage.app.number(), number);
        let ended = stage.effects.iter().any(|e| matches!(e, Effect::Journal(r) if r.call == number && r.end.is_some()));
        prop_assert!(ended, "{:?}", stage.effects);
        stage.act(Action::Undo);
        prop_assert_eq!((stage.app.number(), stage.app.call()), (number, &call));
        let open = stage.effects.iter().any(|e| matches!(e, Effect::Journal(r) if r.call == number && r.end.is_none()));
        prop_assert!(open, "{:?}", stage.effects);
        if !was_finished {
            stage.act(Action::Undo);
            prop_assert!(!stage.app.call().is_finished(), "the next undo takes the ticks back");
        }
    }
}
