//! Cards for random sound rules files: exactly the rules, requirements, edges and zones that stories can reach are
//! reached, and the others are reported; right answers are graded as right, under any rules, in every way of answering.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Arc;

use chrono::NaiveDate;
use penutup::action::{Action, Direction};
use penutup::drill::captions;
use penutup::drill::card::Card;
use penutup::drill::deck::Deck;
use penutup::drill::generate::{CardGenerator, edges, full_coverage};
use penutup::drill::grade::{Answer, ExerciseKind, SpokenMark, grade};
use penutup::drill::session::{Draft, Phase, Session, SessionAction, Setup};
use penutup::drill::sheet::csv;
use penutup::drill::story::{self, Stories};
use penutup::drill::texts;
use penutup::drill::threshold::least_cards;
use penutup::loaded::LoadedRules;
use penutup::rules::decide::decide;
use penutup::rules::{RuleSet, Situation};
use penutup::tui::theme::Theme;
use penutup::tui::view;
use penutup::words::Lang;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use crate::random_rules::{Dice, rules};
use crate::scenes::text;
use crate::stage::{loaded, revised, wib};

/// Stories for any rules: one that implies nothing, and a sentence for each value that is kept.
fn stories(rules: &RuleSet, keep: impl Fn(usize, usize) -> bool) -> Stories {
    let mut out = String::from(
        "schema = 1\n[[scenario]]\nid = \"apa-saja\"\ntell = [\"{orang} bertanya.\", \"Pertanyaan {orang}.\"]\n",
    );
    for (at, fact) in rules.facts.iter().enumerate() {
        for (position, value) in fact.values.iter().enumerate().filter(|(position, _)| keep(at, *position)) {
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

/// For each fact the value that the text of a card mentions, from its words alone.
fn mentioned(rules: &RuleSet, card: &Card) -> Vec<Option<usize>> {
    let value =
        |fact: usize| (0..rules.facts[fact].values.len()).find(|v| card.story.contains(&format!("hal {fact}.{v}.")));
    (0..rules.facts.len()).map(value).collect()
}

/// The situations that are possible with these mentioned values.
fn possible(rules: &RuleSet, mentioned: &[Option<usize>]) -> Vec<Situation> {
    let fits =
        |s: &Situation| mentioned.iter().enumerate().all(|(fact, value)| value.is_none_or(|v| s.value(fact) == v));
    Situation::all(rules).filter(fits).collect()
}

#[test]
fn every_rule_requirement_edge_and_zone_of_random_rules_is_reached() {
    for seed in 0..150 {
        let loaded = loaded(rules(seed, 6));
        let rules = &loaded.rules;
        let stories = stories(rules, |_, _| true);
        let set = CardGenerator::new(rules, &stories).generate(&full_coverage(rules), seed);
        assert!(set.unreached.is_empty(), "{seed}: {:?}", set.unreached);
        let in_some =
            |when: &penutup::rules::space::Cube| set.cards.iter().any(|c| when.contains(c.situation.values()));
        assert!(rules.rules.iter().all(|r| in_some(&r.when)), "{seed}");
        assert!(rules.requirements.iter().all(|r| in_some(&r.when)), "{seed}");
        let greets = rules.rules.iter().any(|r| r.steps.iter().any(|s| rules.step(*s).greets()));
        for minute in edges(rules) {
            let asked = set.cards.iter().any(|c| c.minute == minute && c.greets(rules));
            assert_eq!((asked, set.unreached_minutes.contains(&minute)), (greets, !greets), "{seed}: {minute}");
        }
        for zone in 0..rules.zones.len() {
            assert!(set.cards.iter().any(|c| c.zone == zone), "{seed}: {zone}");
        }
        assert_eq!(
            set,
            CardGenerator::new(rules, &stories).generate(&full_coverage(rules), seed),
            "{seed}: the same cards"
        );
    }
}

/// Some of the values of these rules, at random.
fn some_values(rules: &RuleSet, seed: u64) -> HashSet<(usize, usize)> {
    let mut dice = Dice::new(seed);
    let facts = rules.facts.iter().enumerate();
    facts.flat_map(|(at, f)| (0..f.values.len()).map(move |value| (at, value))).filter(|_| !dice.once_in(3)).collect()
}

#[test]
fn exactly_the_unreached_rules_are_reported() {
    let (mut lost, mut reached) = (0, 0);
    for seed in 0..150 {
        let loaded = loaded(rules(seed, 4));
        let rules = &loaded.rules;
        let kept = some_values(rules, seed);
        let stories = stories(rules, |fact, value| kept.contains(&(fact, value)));
        let generator = CardGenerator::new(rules, &stories);
        let coverage = full_coverage(rules);
        let set = generator.generate(&coverage, seed);
        // Mentioning more facts never leads to more possible answers, so every fact that can be mentioned is. The author
        // did not know a value that no story names, so a story can't exclude it.
        let mentionable = |fact: usize| -> Vec<Option<usize>> {
            let values = (0..rules.facts[fact].values.len()).filter(|v| kept.contains(&(fact, *v))).map(Some);
            let values: Vec<_> = values.collect();
            if values.is_empty() { vec![None] } else { values }
        };
        let mentions = (0..rules.facts.len()).fold(vec![Vec::new()], |mentions: Vec<Vec<Option<usize>>>, fact| {
            mentions.iter().flat_map(|m| mentionable(fact).into_iter().map(|v| [m.as_slice(), &[v]].concat())).collect()
        });
        let open = |mentioned: &Vec<Option<usize>>| -> Vec<Situation> {
            let fits = |s: &Situation| {
                let fact_fits = |(fact, value): (usize, &Option<usize>)| {
                    value.is_none_or(|v| s.value(fact) == v || !kept.contains(&(fact, s.value(fact))))
                };
                mentioned.iter().enumerate().all(fact_fits)
            };
            Situation::all(rules).filter(fits).collect()
        };
        let open: Vec<Vec<Situation>> = mentions.iter().map(open).collect();
        let decided = |open: &Vec<Situation>| {
            open.iter().all(|s| decide(rules, s).rule.steps == decide(rules, &open[0]).rule.steps)
        };
        for (at, cube) in coverage.situations.iter().enumerate() {
            let lies_in = |open: &&Vec<Situation>| open.iter().all(|s| cube.contains(s.values()));
            // If fewer mentioned facts suffice for a rule's condition, all of them do too.
            let reachable = open.iter().filter(lies_in).any(decided);
            assert_eq!(set.unreached.contains(&at), !reachable, "{seed}: {at}");
            assert_eq!(generator.scenarios_for(cube) > 0, reachable, "{seed}: {at}");
            lost += usize::from(!reachable);
            reached += usize::from(reachable);
        }
    }
    assert!(lost > 50 && reached > 50, "{lost} {reached}");
}

/// A trainee may answer for any situation that the story leaves possible.
#[test]
fn no_right_answer_is_marked_wrong_for_open_facts() {
    let (mut cards, mut open_cards) = (0, 0);
    for seed in 0..300 {
        let loaded = loaded(rules(seed, 5));
        let rules = &loaded.rules;
        // `reviewed`: the author knew every value, also those that no story mentions.
        let kept = some_values(rules, seed);
        let mut source = String::from("schema = 1\n");
        let reviewed = |fact: &penutup::rules::ruleset::Fact| {
            let ids: Vec<String> = fact.values.iter().map(|v| format!("\"{}\"", v.id)).collect();
            format!("{} = [{}]", fact.id, ids.join(", "))
        };
        let reviewed: Vec<String> = rules.facts.iter().map(reviewed).collect();
        writeln!(source, "reviewed = {{ {} }}", reviewed.join(", ")).unwrap();
        let own = story::read(source.as_bytes()).expect("sound stories");
        let stories = stories(rules, |fact, value| kept.contains(&(fact, value))).with(own);
        let generator = CardGenerator::new(rules, &stories);
        for card in (0..4).flat_map(|more| generator.generate(&full_coverage(rules), seed + more * 1000).cards) {
            let mentioned = mentioned(rules, &card);
            let possible = possible(rules, &mentioned);
            assert!(possible.contains(&card.situation), "{seed}: {card:?}");
            assert_eq!(mentioned.iter().map(Option::is_some).collect::<Vec<_>>(), card.mentioned, "{seed}: {card:?}");
            cards += 1;
            open_cards += usize::from(possible.len() > 1);
            for situation in possible {
                let steps = decide(rules, &situation).steps().iter().copied();
                let said: Vec<_> = steps.filter(|s| rules.step(*s).is_spoken()).collect();
                let honorific = card.honorific.map(|(_, choice)| choice);
                let marks = vec![SpokenMark::Exact; said.len()];
                let answers = [
                    Answer::Case {
                        situation: situation.clone(),
                        zone: card.zone,
                        honorific,
                        name: card.person.name.clone(),
                        said: said.clone(),
                    },
                    Answer::Blind { steps: said, greeting: Some(card.greeting(rules)) },
                    Answer::Spoken { marks },
                ];
                for answer in answers {
                    assert!(grade(rules, &card, &answer).is_right(), "{seed}: {card:?} {answer:?}");
                }
            }
        }
    }
    assert!(cards > 500 && open_cards > 100, "{cards} {open_cards}");
}

/// Cards of the embedded stories and `own` under changed rules. Every situation that a card leaves possible must have
/// its plan.
fn cards_under(parts: &[(&str, &str)], own: &str) -> (Arc<LoadedRules>, Vec<Card>, Vec<String>) {
    let loaded = revised(parts);
    let own = story::read(own.as_bytes()).expect("sound stories");
    assert_eq!(own.unknown_names(&loaded.rules), []);
    let stories = Stories::built_in().with(own);
    let mut cards = Vec::new();
    let mut not_asked = Vec::new();
    for seed in 0..20 {
        let set = CardGenerator::new(&loaded.rules, &stories).generate(&full_coverage(&loaded.rules), seed);
        not_asked = set.not_asked(&loaded.rules);
        cards.extend(set.cards);
    }
    for card in &cards {
        let mentioned: Vec<Option<usize>> = card
            .mentioned
            .iter()
            .enumerate()
            .map(|(fact, is_mentioned)| is_mentioned.then(|| card.situation.value(fact)))
            .collect();
        for situation in possible(&loaded.rules, &mentioned) {
            assert_eq!(decide(&loaded.rules, &situation).steps(), card.plan(&loaded.rules).steps(), "{card:?}");
        }
    }
    (loaded, cards, not_asked)
}

const NO_OWN: &str = "schema = 1\n";
/// A fact is added that divides two of the rows.
const NEW_FACT: [(&str, &str); 3] = [
    (
        "[[field]]\nid      = \"sapaan\"",
        "[[fact]]\nid = \"jenis\"\nlabel = \"Jenis\"\nkey = \"j\"\nvalues = [{ id = \"pengaduan\", label = \"pengaduan\" }, \
         { id = \"informasi\", label = \"informasi\" }]\n[[field]]\nid      = \"sapaan\"",
    ),
    (
        "when  = { klb = \"tidak\", topik = \"lain\", aplikasi = [\"belum-tahu\", \"belum\"] }\n",
        "when  = { klb = \"tidak\", topik = \"lain\", aplikasi = [\"belum-tahu\", \"belum\"], jenis = \"pengaduan\" }\n\
         steps = [\"bantuan\", \"campaign\", \"download\", \"terima-kasih\"]\n[[rule]]\nid = \"informasi\"\n\
         when = { klb = \"tidak\", topik = \"lain\", aplikasi = [\"belum-tahu\", \"belum\"], jenis = \"informasi\" }\n\
         steps = [\"bantuan\", \"download\", \"terima-kasih\"]\n[[rule]]\nid = \"sisanya\"\n\
         when = { klb = \"tidak\", topik = \"lain\", aplikasi = \"telah\", jenis = \"informasi\" }\n",
    ),
    (
        "when    = { klb = \"tidak\", topik = \"lain\", aplikasi = \"telah\" }",
        "when    = { klb = \"tidak\", topik = \"lain\", aplikasi = \"telah\", jenis = \"pengaduan\" }",
    ),
];

#[test]
fn a_story_silent_about_a_new_fact_is_not_used_where_it_matters() {
    let (loaded, cards, not_asked) = cards_under(&NEW_FACT, NO_OWN);
    let jenis = loaded.rules.fact_named("jenis").unwrap();
    assert_eq!(not_asked, ["kalimat-lengkap-1", "informasi", "sisanya", "lain-telah"]);
    assert!(!cards.is_empty() && cards.iter().all(|c| !c.mentioned[jenis]));

    let own = "schema = 1\n[[detail]]\nid = \"keluhan\"\nwhen = { jenis = \"pengaduan\" }\ntell = [\"Ia mengadu.\"]\n\
               [[detail]]\nid = \"tanya\"\nwhen = { jenis = \"informasi\" }\ntell = [\"Ia hanya bertanya.\"]\n";
    let (_, cards, not_asked) = cards_under(&NEW_FACT, own);
    assert_eq!(not_asked, [""; 0]);
    for card in cards.iter().filter(|c| c.mentioned[jenis]) {
        let tells = if card.situation.value(jenis) == 0 { "mengadu" } else { "hanya bertanya" };
        assert!(card.story.contains(tells), "{card:?}");
    }
}

/// A call "outside the app" may be of the new topic: its author did not know of it.
#[test]
fn a_story_does_not_exclude_a_value_that_its_author_did_not_know_of() {
    let parts = [
        (
            "  { id = \"pln-mobile\", label = \"PLN Mobile\" },",
            "  { id = \"pln-mobile\", label = \"PLN Mobile\" },\n  { id = \"tagihan\", label = \"tagihan\" },",
        ),
        (
            "[[rule]]\nid    = \"kalimat-lengkap-2\"",
            "[[rule]]\nid = \"tagihan\"\nwhen = { topik = \"tagihan\" }\nsteps = [\"bantuan\", \
             \"customer-intimacy\", \"update\", \"terima-kasih\"]\n[[rule]]\nid    = \"kalimat-lengkap-2\"",
        ),
    ];
    let (_, cards, not_asked) = cards_under(&parts, NO_OWN);
    assert!(not_asked.contains(&"kalimat-lengkap-1".into()) && not_asked.contains(&"tagihan".into()), "{not_asked:?}");
    let topik = 1;
    assert!(
        cards.iter().all(|c| c.situation.value(topik) != 0),
        "no embedded story is used for a topic that its author did not know"
    );
    // The trainer's own story of the new topic reaches it; the others still don't exclude it.
    let own = "schema = 1\n[[scenario]]\nid = \"rekening\"\nwhen = { topik = \"tagihan\" }\ntell = [\"{orang} menanyakan tagihan.\"]\n";
    let (_, _, not_asked) = cards_under(&parts, own);
    assert!(not_asked.contains(&"kalimat-lengkap-1".into()) && !not_asked.contains(&"tagihan".into()), "{not_asked:?}");
    // Once the trainer has read them with the new topic in mind, they are used as before.
    let (_, _, not_asked) =
        cards_under(&parts, &own.replace("schema = 1\n", "schema = 1\nreviewed = { topik = [\"tagihan\"] }\n"));
    assert_eq!(not_asked, [""; 0]);
}

/// The line of the built-in rules that contains this part.
fn line_with(part: &str) -> &'static str {
    penutup::rules::BUILT_IN.lines().find(|line| line.contains(part)).expect("a line of the built-in rules")
}

/// A fact that a story does not mention has its first value only as long as the rules begin with that value.
#[test]
fn an_unmentioned_fact_has_its_first_value_only_while_the_rules_begin_with_it() {
    let (unknown, has) = (line_with("{ id = \"belum-tahu\""), line_with("{ id = \"telah\""));
    let (from, to) = (format!("{unknown}\n{has}"), format!("{has}\n{unknown}"));
    let parts = [(from.as_str(), to.as_str())];
    let (_, cards, not_asked) = cards_under(&parts, NO_OWN);
    let aplikasi = 2;
    assert_eq!(not_asked, [""; 0], "the added sentences mention every value");
    let tells = ["sudah ada", "terpasang di HP-nya", "belum memasang", "belum ia pasang", "belum dipasangnya"];
    let of_stories = Stories::built_in();
    for card in cards.iter().filter(|c| c.mentioned[aplikasi]) {
        let scenario = of_stories.scenarios.iter().find(|s| s.id == card.scenario).unwrap();
        let is_told = scenario.when.iter().any(|(fact, _)| fact == "aplikasi");
        assert!(is_told || tells.iter().any(|words| card.story.contains(words)), "{card:?}");
    }
}

#[test]
fn renamed_facts_fields_zones_and_steps_and_moved_greetings_leave_no_wrong_card() {
    let renamed_fact = [("id       = \"klb\"", "id       = \"darurat\""), ("klb = ", "darurat = ")];
    let (_, cards, not_asked) = cards_under(&renamed_fact, NO_OWN);
    assert!(cards.is_empty() && not_asked.len() > 8, "{not_asked:?}");
    for parts in [
        &[("id     = \"WITA\"", "id     = \"TENGAH\"")][..],
        &[("from = \"15:00\"", "from = \"15:30\""), ("word = \"malam\"", "word = \"petang\"")],
        &[("id      = \"sapaan\"", "id      = \"panggilan\""), ("{sapaan}", "{panggilan}")],
        &[("\"download\"", "\"unduh\""), ("Ajakan DOWNLOAD", "Ajakan UNDUH")],
    ] {
        let (loaded, cards, not_asked) = cards_under(parts, NO_OWN);
        assert_eq!(not_asked, [""; 0], "{parts:?}");
        for card in &cards {
            let known = Stories::built_in().places.iter().any(|p| p.zone == loaded.rules.zones[card.zone].id);
            assert!(known || card.person.place == "TENGAH", "{card:?}");
            assert_eq!(card.honorific.is_some(), loaded.rules.field_named("sapaan").is_some());
        }
    }
}

fn setup(loaded: &Arc<LoadedRules>, stories: &Stories, seed: u64) -> Setup {
    let set = CardGenerator::new(&loaded.rules, stories).generate_exam(90, seed);
    let (not_asked, cards) = (set.not_asked(&loaded.rules), set.cards);
    Setup {
        loaded: Arc::clone(loaded),
        stories_sha256: stories.sha256.clone(),
        lang: Lang::Id,
        home: 0,
        cards,
        not_asked,
        since: None,
        seed,
        kind: None,
        exam: Some(100),
        trainee: None,
        day: NaiveDate::from_ymd_opt(2026, 3, 2).unwrap(),
        now: wib("08:00"),
    }
}

/// Answers the open card correctly.
fn answer(session: &mut Session) {
    let now = wib("08:00");
    let card = session.card().expect("an open card").clone();
    let rules = session.rules().clone();
    let (kind, draft) = (session.kind(), session.draft().clone());
    let mut go = |step| {
        session.update(step, now);
    };
    match kind {
        ExerciseKind::Case => {
            for fact in (0..rules.facts.len()).filter(|at| rules.facts[*at].key.is_some()) {
                (0..card.situation.value(fact)).for_each(|_| go(SessionAction::App(Action::Fact(fact))));
            }
            (0..card.zone).for_each(|_| go(SessionAction::App(Action::Zone)));
            if let Some((field, choice)) = card.honorific {
                (0..choice).for_each(|_| go(SessionAction::App(Action::Field(field))));
            }
            go(SessionAction::App(Action::Paste(card.person.name.as_str().into())));
            go(SessionAction::App(Action::Take));
            go(SessionAction::App(Action::SaidAll));
        }
        ExerciseKind::Blind => {
            let Draft::Blind { offered, .. } = draft else { panic!("without the script") };
            for step in card.spoken(&rules) {
                go(SessionAction::ChooseAt(offered.iter().position(|s| *s == step).expect("offered")));
            }
            (0..=card.greeting(&rules)).for_each(|_| go(SessionAction::Greeting(Direction::Down)));
        }
        ExerciseKind::Spoken => {
            go(SessionAction::Open);
            card.spoken(&rules).iter().for_each(|_| go(SessionAction::Mark(SpokenMark::Exact)));
        }
    }
    session.update(SessionAction::HandIn, now);
}

#[test]
fn right_answers_pass_an_exam_under_any_rules() {
    for seed in 0..40 {
        let loaded = loaded(rules(seed, 4));
        let stories = stories(&loaded.rules, |_, _| true);
        for way in ExerciseKind::ALL {
            let mut session = Session::new(setup(&loaded, &stories, seed));
            session.update(SessionAction::Begin(way), wib("08:00"));
            while session.phase() == Phase::Card {
                answer(&mut session);
            }
            let sheet = session.sheet();
            let wrong: Vec<_> = sheet.cards.iter().filter(|c| !c.is_right()).collect();
            assert!(sheet.passed, "{seed} {way:?}: {wrong:#?}");
        }
    }
}

/// Every form of a session's sheet.
fn sheets(session: &Session) -> String {
    let sheet = session.sheet();
    sheet.to_json() + &csv::write(&sheet) + &penutup::cli::drill::sheet::text(session)
}

/// Two exams that begin with the same cards are the same, in every output and on every screen, until a card is shown that
/// differs: nothing of an unseen card is anywhere.
#[test]
fn no_output_of_an_unfinished_exam_depends_on_a_card_that_was_not_shown() {
    for seed in 0..40 {
        let loaded = if seed % 2 == 0 { loaded(rules(seed, 4)) } else { Arc::new(LoadedRules::built_in()) };
        let stories = if seed % 2 == 0 { stories(&loaded.rules, |_, _| true) } else { Stories::built_in() };
        let one = setup(&loaded, &stories, seed);
        let others = CardGenerator::new(&loaded.rules, &stories).generate_exam(90, seed + 1000).cards;
        for way in ExerciseKind::ALL {
            for seen in 0..one.cards.len().min(others.len()) {
                let mut other = one.clone();
                let end = one.cards.len().min(others.len());
                other.cards[seen..end].clone_from_slice(&others[seen..end]);
                let [mut a, mut b] = [Session::new(one.clone()), Session::new(other)];
                for session in [&mut a, &mut b] {
                    if seen > 0 {
                        session.update(SessionAction::Begin(way), wib("08:00"));
                        (0..seen - 1).for_each(|_| answer(session));
                    }
                    session.update(SessionAction::Leave, wib("08:00"));
                    assert!(session.is_leaving() && session.sheet().is_unfinished(), "{seed} {seen}");
                }
                assert_eq!(sheets(&a), sheets(&b), "{seed} {way:?} {seen}");
                assert_eq!(screen(&a), screen(&b), "{seed} {way:?} {seen}");
                assert!(!sheets(&a).contains(&one.cards[seen].story), "{seed} {seen}");
            }
        }
    }
}

fn screen(session: &Session) -> String {
    let mut terminal = Terminal::new(TestBackend::new(100, 40)).expect("a terminal in memory");
    let draw = |frame: &mut ratatui::Frame<'_>| {
        view::drill::draw(frame, session, Theme::Terminal);
    };
    terminal.draw(draw).expect("a terminal in memory");
    text(terminal.backend().buffer())
}

/// Neither practice nor printed cards show the cards of an exam, at this seed or any other.
#[test]
fn the_cards_of_an_exam_are_not_those_of_practice() {
    let (rules, stories) = (LoadedRules::built_in().rules, Stories::built_in());
    let generator = CardGenerator::new(&rules, &stories);
    let practice: Vec<_> = (0..500).map(|seed| generator.generate(&full_coverage(&rules), seed).cards).collect();
    for seed in 0..100 {
        let exam = generator.generate_exam(90, seed).cards;
        let same = |cards: &Vec<Card>| exam.iter().filter(|card| cards.contains(card)).count();
        assert_eq!(same(&practice[usize::try_from(seed).unwrap()]), 0, "{seed}: a card is the same at the same seed");
        assert!(practice.iter().map(same).max() <= Some(2), "{seed}: no other seed has the deck");
    }
}

/// An exam has as many cards as its threshold needs, each of another story where the stories suffice, and covers everything.
#[test]
fn an_exam_has_as_many_cards_as_its_threshold_needs_or_all_that_the_stories_give() {
    let (rules, stories) = (LoadedRules::built_in().rules, Stories::built_in());
    let generator = CardGenerator::new(&rules, &stories);
    let usable = generator.usable_scenarios().len();
    let base = generator.generate(&full_coverage(&rules), 1).cards.len();
    for pass in [1, 50, 80, 87, 88, 90, 95, 97, 98, 99, 100] {
        for seed in 0..5 {
            let set = generator.generate_exam(pass, seed);
            assert_eq!(set.not_asked(&rules), [""; 0]);
            assert_eq!(set.cards.len(), least_cards(pass).max(base).min(usable), "{pass} {seed}");
        }
    }
    assert!(usable < least_cards(99), "too few stories for 99 %: {usable}");
    let words = Lang::Id.words();
    let told = texts::too_few_cards(99, usable, words).expect("it is told");
    assert!(told.contains("diperlukan 100 kartu") && told.contains(&usable.to_string()), "{told}");
    assert_eq!(texts::too_few_cards(90, 10, words), None);
}

#[test]
fn under_the_rules_of_another_company_no_scene_of_the_embedded_deck_is_shown() {
    for seed in 0..60 {
        let loaded = loaded(rules(seed, 6));
        let day = NaiveDate::from_ymd_opt(2026, 3, 2).unwrap();
        let sorted = captions::playable_scenes(&Deck::built_in(), &loaded, 0, day);
        assert_eq!((sorted.scenes.len(), sorted.left_out.len()), (0, 11), "{seed}");
    }
}
