//! Cards from the live rules: for random sound rules files, every rule, requirement, edge and zone that stories can reach
//! is reached, and no other is claimed to be; answers as they should be are right, under any rules, in every way.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Arc;

use chrono::NaiveDate;
use penutup::action::{Action, Direction};
use penutup::book::Book;
use penutup::drill::boxes::Due;
use penutup::drill::deal::{Dealer, edges, everything};
use penutup::drill::grade::{Heard, Way};
use penutup::drill::session::{Move, Phase, Session, Setup, Work};
use penutup::drill::sheet::again::flaws;
use penutup::drill::story::{self, Stories};
use penutup::rules::RuleSet;
use penutup::words::Lang;

use crate::random_rules::{Dice, rules};
use crate::stage::{book, wib};

/// Stories for any rules: one that implies nothing, and a sentence for every value, or for only some of them.
fn stories(rules: &RuleSet, keep: impl Fn(usize, usize) -> bool) -> Stories {
    let mut out = String::from(
        "schema = 1\n[[scenario]]\nid = \"apa-saja\"\ntell = [\"{orang} bertanya.\", \"Pertanyaan {orang}.\"]\n",
    );
    for (at, fact) in rules.facts.iter().enumerate() {
        for (position, value) in fact.values.iter().enumerate().skip(1).filter(|(position, _)| keep(at, *position)) {
            writeln!(
                out,
                "[[detail]]\nid = \"{}-{position}\"\nwhen = {{ {} = \"{}\" }}\ntell = [\"Lalu hal {at}.{position}.\"]",
                fact.id, fact.id, value.id
            )
            .unwrap();
        }
    }
    out.push_str("[[caller]]\nhonorific = \"Ibu\"\ncall = \"Bu\"\nnames = [\"Siti\"]\n");
    story::read(out.as_bytes()).expect("sound stories")
}

#[test]
fn every_rule_requirement_edge_and_zone_of_random_rules_is_reached() {
    for seed in 0..150 {
        let book = book(rules(seed, 6));
        let rules = &book.rules;
        let stories = stories(rules, |_, _| true);
        let dealt = Dealer::new(rules, &stories).deal(&everything(rules), seed);
        assert!(dealt.unreached.is_empty(), "{seed}: {:?}", dealt.unreached);
        let in_some =
            |when: &penutup::rules::space::Cube| dealt.cards.iter().any(|c| when.contains(c.situation.values()));
        assert!(rules.rules.iter().all(|r| in_some(&r.when)), "{seed}");
        assert!(rules.requirements.iter().all(|r| in_some(&r.when)), "{seed}");
        for minute in edges(rules) {
            assert!(dealt.cards.iter().any(|c| c.minute == minute), "{seed}: {minute}");
        }
        for zone in 0..rules.zones.len() {
            assert!(dealt.cards.iter().any(|c| c.zone == zone), "{seed}: {zone}");
        }
        assert_eq!(dealt, Dealer::new(rules, &stories).deal(&everything(rules), seed), "{seed}: the same cards");
    }
}

#[test]
fn what_no_story_reaches_is_told_and_nothing_else() {
    let mut lost = 0;
    for seed in 0..150 {
        let book = book(rules(seed, 4));
        let rules = &book.rules;
        let mut dice = Dice::new(seed);
        let kept: HashSet<(usize, usize)> = rules
            .facts
            .iter()
            .enumerate()
            .flat_map(|(at, f)| (1..f.values.len()).map(move |value| (at, value)))
            .filter(|_| dice.once_in(2))
            .collect();
        let stories = stories(rules, |fact, value| kept.contains(&(fact, value)));
        let dealer = Dealer::new(rules, &stories);
        // A sentence for each value by itself: the situations that can be told are all that have told values only.
        let told = penutup::rules::Situation::all(rules)
            .filter(|s| (0..rules.facts.len()).all(|f| s.value(f) == 0 || kept.contains(&(f, s.value(f)))));
        let told: Vec<_> = told.collect();
        let wanted = everything(rules);
        let dealt = dealer.deal(&wanted, seed);
        for (at, cube) in wanted.situations.iter().enumerate() {
            let reachable = told.iter().any(|s| cube.contains(s.values()));
            assert_eq!(dealt.unreached.contains(&at), !reachable, "{seed}: {at}");
            assert_eq!(dealer.reaching(cube) > 0, reachable, "{seed}: {at}");
            lost += usize::from(!reachable);
        }
    }
    assert!(lost > 50, "{lost}");
}

fn setup(book: &Arc<Book>, stories: &Stories, seed: u64) -> Setup {
    let cards = Dealer::new(&book.rules, stories).deal(&everything(&book.rules), seed).cards;
    Setup {
        book: Arc::clone(book),
        stories_sha256: stories.sha256.clone(),
        lang: Lang::Id,
        home: 0,
        flagged: vec![false; cards.len()],
        cards,
        seed,
        way: None,
        exam: Some(100),
        trainee: None,
        due: Due::default(),
        day: NaiveDate::from_ymd_opt(2026, 3, 2).unwrap(),
        now: wib("08:00"),
    }
}

/// Answers the open card as it should be.
fn answer(session: &mut Session) {
    let now = wib("08:00");
    let card = session.card().expect("an open card").clone();
    let rules = session.rules().clone();
    let (way, work) = (session.way(), session.work().clone());
    let mut go = |step| drop(session.update(step, now));
    match way {
        Way::Case => {
            for fact in (0..rules.facts.len()).filter(|at| rules.facts[*at].key.is_some()) {
                (0..card.situation.value(fact)).for_each(|_| go(Move::App(Action::Fact(fact))));
            }
            (0..card.zone).for_each(|_| go(Move::App(Action::Zone)));
            if let Some((field, choice)) = card.honorific {
                (0..choice).for_each(|_| go(Move::App(Action::Field(field))));
            }
            go(Move::App(Action::SaidAll));
        }
        Way::Blind => {
            let Work::Blind { offered, .. } = work else { panic!("without the script") };
            for step in card.spoken(&rules) {
                go(Move::ChooseAt(offered.iter().position(|s| *s == step).expect("offered")));
            }
            (0..=card.greeting(&rules)).for_each(|_| go(Move::Greeting(Direction::Down)));
        }
        Way::Spoken => {
            go(Move::Open);
            card.spoken(&rules).iter().for_each(|_| go(Move::Mark(Heard::Exact)));
        }
    }
    session.update(Move::HandIn, now);
}

#[test]
fn right_answers_are_right_under_any_rules_and_their_sheets_hold() {
    for seed in 0..40 {
        let book = book(rules(seed, 4));
        let stories = stories(&book.rules, |_, _| true);
        for way in Way::ALL {
            let mut session = Session::new(setup(&book, &stories, seed));
            session.update(Move::Begin(way), wib("08:00"));
            while session.phase() == Phase::Card {
                answer(&mut session);
            }
            let sheet = session.sheet();
            let wrong: Vec<_> = sheet.cards.iter().filter(|c| !c.right).collect();
            assert!(sheet.passed, "{seed} {way:?}: {wrong:#?}");
            assert_eq!(flaws(&sheet, &book, &stories), [], "{seed} {way:?}");
        }
    }
}
