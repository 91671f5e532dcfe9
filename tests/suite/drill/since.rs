//! `drill --since`: exactly the situations whose sentences changed are asked, and the number of cards is told.

use std::fmt::Write as _;

use penutup::drill::generate::CardGenerator;
use penutup::drill::since::{coverage, has_changed, not_asked};
use penutup::drill::story::{self, Stories};
use penutup::rules::decide::decide;
use penutup::rules::script::script_with_placeholders;
use penutup::rules::{BUILT_IN, RuleSet, Situation};

use crate::random_rules::rules;
use crate::stage::{loaded, revised};
use crate::support::Home;
use crate::term::Term;

/// What is said in a situation of the new rules under the old ones, found value by value; `None` if they lack a value.
fn before(old: &RuleSet, new: &RuleSet, situation: &Situation) -> Option<String> {
    let value = |fact: &penutup::rules::ruleset::Fact| {
        let Some(at) = new.fact_named(&fact.id) else { return Some(0) };
        let id = &new.facts[at].values[situation.value(at)].id;
        u16::try_from(fact.values.iter().position(|v| &v.id == id)?).ok()
    };
    let values = old.facts.iter().map(value).collect::<Option<Vec<u16>>>()?;
    let there = Situation::new(old, values).expect("values of its facts");
    Some(script_with_placeholders(old, decide(old, &there).steps()).to_string())
}

#[test]
fn the_sets_to_ask_are_exactly_the_situations_whose_sentences_changed() {
    let (mut changed, mut same, mut cards) = (0, 0, 0);
    for seed in 0..120 {
        let (old, new) = (loaded(rules(seed, 4)), loaded(rules(seed + 1000, 4)));
        for (old, new) in [(&old, &new), (&new, &old), (&new, &new)] {
            let (old, new) = (&old.rules, &new.rules);
            let coverage = coverage(old, new).expect("few enough");
            for situation in Situation::all(new) {
                let now = script_with_placeholders(new, decide(new, &situation).steps()).to_string();
                let differs = before(old, new, &situation) != Some(now);
                let asked = coverage.situations.iter().any(|cube| cube.contains(situation.values()));
                assert_eq!(asked, differs, "{seed}: {situation:?}");
                changed += usize::from(differs);
                same += usize::from(!differs);
            }
            let stories = stories(new);
            let set = CardGenerator::new(new, &stories).generate(&coverage, seed);
            assert!(set.cards.iter().all(|card| has_changed(old, new, card)), "{seed}");
            assert_eq!(
                not_asked(new, &coverage, &set).is_empty(),
                set.unreached.is_empty() && set.unreached_minutes.is_empty()
            );
            assert_eq!(set.unreached, [0; 0], "{seed}: every fact can be told");
            for cube in &coverage.situations {
                assert!(set.cards.iter().any(|card| cube.contains(card.situation.values())), "{seed}");
            }
            cards += set.cards.len();
        }
    }
    assert!(changed > 500 && same > 500 && cards > 300, "{changed} {same} {cards}");
}

/// Stories that can tell every value.
fn stories(rules: &RuleSet) -> Stories {
    let mut out = String::from("schema = 1\n[[scenario]]\nid = \"apa-saja\"\ntell = [\"{orang} bertanya.\"]\n");
    for (at, fact) in rules.facts.iter().enumerate() {
        for value in &fact.values {
            let (fact, value) = (&fact.id, &value.id);
            writeln!(
                out,
                "[[detail]]\nid = \"{at}-{value}\"\nwhen = {{ {fact} = \"{value}\" }}\ntell = [\"Lalu {at}.{value}.\"]"
            )
            .unwrap();
        }
    }
    story::read(out.as_bytes()).expect("sound stories")
}

#[test]
fn a_moved_greeting_asks_its_minutes_and_a_reworded_sentence_its_rules() {
    let (old, stories) = (loaded(BUILT_IN), Stories::built_in());
    let cards = |new: &RuleSet| {
        let coverage = coverage(&old.rules, new).expect("few enough");
        CardGenerator::new(new, &stories).generate(&coverage, 7).cards
    };
    let moved = revised(&[("from = \"15:00\"", "from = \"15:30\"")]);
    let minutes: Vec<u16> = {
        let mut minutes: Vec<u16> = cards(&moved.rules).iter().map(|card| card.minute).collect();
        minutes.sort_unstable();
        minutes
    };
    assert_eq!(minutes, [900, 929]);
    assert_eq!(cards(&old.rules), []);
    let renamed = revised(&[("\"download\"", "\"unduh\"")]);
    assert_eq!(cards(&renamed.rules), [], "an id is not said");
    let zone = revised(&[("id     = \"WITA\"", "id     = \"TENGAH\"")]);
    let at = zone.rules.zone_named("TENGAH").unwrap();
    assert!(cards(&zone.rules).iter().all(|card| card.zone == at));
    assert_eq!(cards(&zone.rules).len(), 1);
}

#[test]
fn what_changed_is_dealt_and_counted_and_nothing_is_told_as_nothing() {
    let home = Home::new();
    home.write("old.toml", BUILT_IN);
    home.write("new.toml", BUILT_IN.replace("\"Rev-1\"", "\"Rev-2\"").replace("from = \"15:00\"", "from = \"15:30\""));
    let nothing = "Tidak ada jawaban yang berubah dari SOP Rev-1 ke Rev-1: 0 kartu.";
    assert_eq!(home.penutup(["drill", "--since", "old.toml", "--cards"]).ok(), format!("{nothing}\n"));
    let mut term = Term::sized(&home.penutup(["drill", "--since", "old.toml"]).command(), 100, 30);
    assert!(term.ends().success());
    term.shows(nothing);
    let since = |more: &[&'static str]| [&["drill", "--rules", "new.toml", "--since", "old.toml"], more].concat();
    let out = home.penutup(since(&["--cards", "--seed", "3"])).ok();
    assert!(out.contains("Jawaban yang berubah sejak SOP Rev-1: 2 kartu."), "{out}");
    assert!(out.contains("pukul 15.00") && out.contains("pukul 15.29") && !out.contains("## Kartu 3"), "{out}");
    assert_eq!(home.penutup(since(&["--cards", "--seed", "3", "--count", "1"])).ok().matches("## Kartu").count(), 1);

    let mut term = Term::sized(&home.penutup(since(&["--way", "hafalan", "--seed", "3"])).command(), 100, 30);
    term.shows("Latihan closing").shows("Jawaban yang berubah sejak SOP Rev-1: 2 kartu.").send(" ");
    term.shows("kartu 1 dari 2");
    term.quits();

    for (args, part) in [
        (since(&["--exam"]), "tidak dapat dipakai bersama"),
        (since(&["--list"]), "tidak dapat dipakai bersama"),
        (vec!["drill", "--since", "tak-ada.toml", "--cards"], "tak-ada.toml"),
    ] {
        let message = home.penutup(&args).failed();
        assert!(message.contains(part), "{args:?}: {message}");
    }
}
