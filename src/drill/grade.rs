//! Grades an answer to a card by what the customer would hear, in every kind of exercise.

use super::card::Card;
use crate::closing::name;
use crate::rules::decide::{Situation, decide};
use crate::rules::ruleset::{FieldIx, RuleSet, StepIx, StepWords};
use crate::rules::script::Piece;
use crate::words::Words;

/// The kind of exercise: how a trainee answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExerciseKind {
    /// *Studi kasus*: set the facts on the prompter, then close.
    Case,
    /// *Hafalan*: choose the steps, their order and the greeting, without the script.
    Blind,
    /// *Lisan*: speak; a partner marks each sentence.
    Spoken,
}

impl ExerciseKind {
    /// In the order of their digits.
    pub const ALL: [Self; 3] = [Self::Case, Self::Blind, Self::Spoken];

    /// Its name on the command line and in sheets.
    pub fn code(self) -> &'static str {
        match self {
            Self::Case => "kasus",
            Self::Blind => "hafalan",
            Self::Spoken => "lisan",
        }
    }

    /// Its name on the screen.
    pub fn label(self, words: &Words) -> &'static str {
        match self {
            Self::Case => words.drill.way_case,
            Self::Blind => words.drill.way_blind,
            Self::Spoken => words.drill.way_spoken,
        }
    }
}

/// A partner's mark for a spoken sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpokenMark {
    /// Word for word.
    Exact,
    /// In other words.
    Changed,
    /// Not at all.
    Missing,
}

impl SpokenMark {
    /// In the order of their digits.
    pub const ALL: [Self; 3] = [Self::Exact, Self::Changed, Self::Missing];

    /// Its name in sheets.
    pub fn code(self) -> &'static str {
        match self {
            Self::Exact => "tepat",
            Self::Changed => "berubah",
            Self::Missing => "terlewat",
        }
    }

    /// Its name on the screen.
    pub fn label(self, words: &Words) -> &'static str {
        match self {
            Self::Exact => words.drill.heard_exact,
            Self::Changed => words.drill.heard_changed,
            Self::Missing => words.drill.heard_missing,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// On the prompter.
    Case {
        /// The facts.
        situation: Situation,
        zone: usize,
        /// The honorific's choice, where the rules have one.
        honorific: Option<usize>,
        /// The name that was entered; may be empty.
        name: String,
        /// The sentences ticked, in order.
        said: Vec<StepIx>,
    },
    /// Without the script.
    Blind {
        steps: Vec<StepIx>,
        /// The greeting, once chosen.
        greeting: Option<usize>,
    },
    Spoken {
        /// The mark of each sentence of the closing.
        marks: Vec<SpokenMark>,
    },
}

/// What was right.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is judged by itself")]
pub struct Grade {
    /// For each fact: whether it was set right, or makes no difference here; without facts to set, whether the steps
    /// that follow from them were right.
    pub facts: Vec<bool>,
    /// The sentences and their order.
    pub steps: bool,
    pub greeting: bool,
    /// The customer's zone.
    pub zone: bool,
    pub honorific: bool,
    pub name: bool,
}

impl Grade {
    pub fn is_right(&self) -> bool {
        self.situation() && self.greeting && self.zone && self.honorific && self.name
    }

    /// Whether the situation was answered right.
    pub fn situation(&self) -> bool {
        self.steps && self.facts.iter().all(|f| *f)
    }
}

pub fn grade(rules: &RuleSet, card: &Card, answer: &Answer) -> Grade {
    let expected = card.spoken(rules);
    match answer {
        Answer::Case { situation, zone, honorific, name, said } => {
            let right_zone = rules.zones[*zone].offset == rules.zones[card.zone].offset;
            let greeting_there = rules.greetings.word(card.local_in(rules, *zone));
            Grade {
                facts: facts(rules, card, situation),
                steps: *said == expected,
                greeting: greeting_there == card.greeting_word(rules) || !card.greets(rules),
                zone: right_zone,
                honorific: asked_honorific(rules, card).is_none_or(|(_, choice)| *honorific == Some(choice)),
                name: asked_name(rules, card).is_none() || card.person.is_named(name),
            }
        }
        Answer::Blind { steps, greeting } => {
            let right = *steps == expected;
            let word = greeting.and_then(|at| rules.greetings.rows().get(at)).map(|g| g.word.as_str());
            let greeting = word == Some(card.greeting_word(rules)) || !card.greets(rules);
            let facts = vec![right; rules.facts.len()];
            Grade { facts, steps: right, greeting, zone: greeting, honorific: true, name: true }
        }
        Answer::Spoken { marks } => {
            let exact = |step: &StepIx, mark: Option<&SpokenMark>| {
                mark == Some(&SpokenMark::Exact) || !rules.step(*step).greets()
            };
            let right = marks.len() == expected.len() && marks.iter().all(|m| *m == SpokenMark::Exact);
            let greeting = expected.iter().enumerate().all(|(at, step)| exact(step, marks.get(at)));
            let facts = vec![right; rules.facts.len()];
            Grade { facts, steps: right, greeting, zone: greeting, honorific: greeting, name: greeting }
        }
    }
}

/// For each fact, whether it was set right. Another value is right too if it alone doesn't change the closing.
fn facts(rules: &RuleSet, card: &Card, situation: &Situation) -> Vec<bool> {
    let steps = &decide(rules, &card.situation).rule.steps;
    let right = |fact: usize| {
        let value = situation.value(fact);
        if value == card.situation.value(fact) {
            return true;
        }
        let mut with = card.situation.clone();
        with.set(rules, fact, value);
        decide(rules, &with).rule.steps == *steps
    };
    (0..rules.facts.len()).map(right).collect()
}

/// The honorific's field and choice, if a case asks for it: the story implies one, a sentence speaks it, and a key sets
/// it.
pub fn asked_honorific(rules: &RuleSet, card: &Card) -> Option<(FieldIx, usize)> {
    card.honorific
        .filter(|(field, _)| rules.field(*field).key.is_some() && is_spoken(rules, &card.spoken(rules), *field))
}

/// The name's field, if a case asks for it: the story has a name that fits, a sentence speaks it, and a key opens it.
pub fn asked_name(rules: &RuleSet, card: &Card) -> Option<FieldIx> {
    let first = card.person.name.split_whitespace().next()?;
    rules.roles.name.filter(|field| {
        rules.field(*field).key.is_some()
            && name::check(rules, *field, first).is_ok()
            && is_spoken(rules, &card.spoken(rules), *field)
    })
}

/// Whether one of these sentences speaks a field.
pub fn is_spoken(rules: &RuleSet, steps: &[StepIx], field: FieldIx) -> bool {
    steps.iter().any(|s| match &rules.step(*s).words {
        StepWords::Say(template) => template.pieces().contains(&Piece::Field(field)),
        StepWords::Remind(_) => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drill::story::Person;
    use crate::loaded::LoadedRules;
    use crate::rules::ruleset::SAPAAN;

    fn situation(rules: &RuleSet, values: [u16; 3]) -> Situation {
        Situation::new(rules, values.to_vec()).unwrap()
    }

    fn card(rules: &RuleSet, values: [u16; 3]) -> Card {
        Card {
            scenario: "x".into(),
            story: String::new(),
            person: Person { name: "Siti Aminah".into(), ..Person::default() },
            situation: situation(rules, values),
            mentioned: vec![true; 3],
            zone: 1,
            minute: 899,
            honorific: rules.field_named(SAPAAN).map(|f| (f, 2)),
        }
    }

    fn steps(rules: &RuleSet, ids: &[&str]) -> Vec<StepIx> {
        ids.iter().map(|id| rules.step_named(id).unwrap()).collect()
    }

    #[test]
    fn in_a_case_each_part_is_graded_by_itself() {
        let rules = LoadedRules::built_in().rules;
        let card = card(&rules, [0, 0, 1]);
        let right = steps(&rules, &["campaign", "update", "terima-kasih"]);
        let named = |name: &str, values, zone, honorific, said: &[StepIx]| Answer::Case {
            situation: situation(&rules, values),
            zone,
            honorific,
            name: name.into(),
            said: said.to_vec(),
        };
        let answer = |values, zone, honorific, said: &[StepIx]| named("siti", values, zone, honorific, said);
        assert!(grade(&rules, &card, &answer([0, 0, 1], 1, Some(2), &right)).is_right());
        let graded = grade(&rules, &card, &answer([0, 0, 1], 0, Some(2), &right));
        assert!(!graded.is_right() && !graded.zone && graded.greeting, "13.59 and 14.59 greet alike");
        let graded = grade(&rules, &card, &answer([0, 0, 1], 2, Some(1), &right));
        assert!(!graded.zone && !graded.greeting && !graded.honorific && graded.situation());
        let graded = grade(&rules, &card, &answer([1, 0, 0], 1, Some(2), &right[1..]));
        assert_eq!((graded.facts, graded.steps), (vec![false, true, false], false));
        let graded = grade(&rules, &card, &answer([0, 0, 1], 1, Some(2), &[right[1], right[0], right[2]]));
        assert!(!graded.steps, "the order counts");
        for (name, is_right) in [("Siti Aminah", true), ("SITI", true), ("", false), ("Aminah", false), ("Budi", false)]
        {
            let graded = grade(&rules, &card, &named(name, [0, 0, 1], 1, Some(2), &right));
            assert_eq!((graded.name, graded.is_right()), (is_right, is_right), "{name}");
            assert!(graded.situation() && graded.honorific, "{name}");
        }
    }

    #[test]
    fn a_name_is_asked_only_where_the_story_has_one_and_the_rules_speak_it() {
        let rules = LoadedRules::built_in().rules;
        let field = rules.field_named("nama");
        let named = card(&rules, [0, 0, 1]);
        assert_eq!(asked_name(&rules, &named), field);
        let nameless = Card { person: Person::default(), ..named.clone() };
        assert_eq!(asked_name(&rules, &nameless), None);
        for (from, to) in [("{sapaan} {nama}", "{sapaan}"), ("key   = \"n\"\n", ""), ("max   = 60", "max   = 3")] {
            assert!(crate::rules::BUILT_IN.contains(from), "{from}");
            let source = crate::rules::BUILT_IN.replace(from, to).into_bytes();
            let loaded = LoadedRules::read(source, crate::loaded::Origin::BuiltIn, chrono::NaiveDate::MAX).unwrap();
            assert_eq!(asked_name(&loaded.rules, &named), None, "{to:?}");
        }
    }

    #[test]
    fn a_wrong_fact_that_does_not_change_the_closing_is_right() {
        let rules = LoadedRules::built_in().rules;
        let card = card(&rules, [0, 1, 1]);
        let said = steps(&rules, &["update", "terima-kasih"]);
        let name = "Siti".into();
        let answer = Answer::Case { situation: situation(&rules, [0, 1, 0]), zone: 1, honorific: Some(2), name, said };
        assert!(grade(&rules, &card, &answer).is_right());
    }

    #[test]
    fn without_the_script_order_and_greeting_are_graded() {
        let rules = LoadedRules::built_in().rules;
        let card = card(&rules, [1, 1, 2]);
        let blind = |ids: &[&str], greeting| Answer::Blind { steps: steps(&rules, ids), greeting };
        assert!(grade(&rules, &card, &blind(&["download", "terima-kasih"], Some(1))).is_right());
        for wrong in [
            blind(&["download", "terima-kasih"], Some(2)),
            blind(&["download", "terima-kasih"], None),
            blind(&["terima-kasih", "download"], Some(1)),
            blind(&["campaign", "download", "terima-kasih"], Some(1)),
            blind(&[], Some(1)),
        ] {
            assert!(!grade(&rules, &card, &wrong).is_right(), "{wrong:?}");
        }
    }

    #[test]
    fn only_word_for_word_sentences_are_right_when_spoken() {
        let rules = LoadedRules::built_in().rules;
        let card = card(&rules, [0, 0, 0]);
        let spoken = |marks: &[SpokenMark]| grade(&rules, &card, &Answer::Spoken { marks: marks.to_vec() });
        assert!(spoken(&[SpokenMark::Exact; 3]).is_right());
        let graded = spoken(&[SpokenMark::Changed, SpokenMark::Exact, SpokenMark::Exact]);
        assert!(!graded.is_right() && graded.greeting);
        assert!(!spoken(&[SpokenMark::Exact, SpokenMark::Exact, SpokenMark::Missing]).greeting);
        assert!(!spoken(&[SpokenMark::Exact; 2]).is_right());
    }
}
