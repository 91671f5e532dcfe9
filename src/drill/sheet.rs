//! The result sheet: which cards, what was answered, when, and what was right. It names facts, steps and zones by their
//! ids, so that it can be read without the rules.

pub mod csv;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::card::Card;
use super::grade::{Answer, Grade, asked_name};
use crate::rules::decide::Situation;
use crate::rules::ruleset::{FieldKind, RuleSet, StepIx};

/// The longest id of a trainee, in characters.
const LONGEST_ID: usize = 40;

/// Whether this can be a staff id in a sheet.
pub fn is_trainee_id(id: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    id.starts_with(|c: char| c.is_ascii_alphanumeric()) && id.len() <= LONGEST_ID && id.chars().all(fits)
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sheet {
    /// The version of the format: 1.
    pub schema: u8,
    pub exam: bool,
    /// The trainee's staff id.
    pub trainee: Option<String>,
    /// The seed; not in an unfinished exam, since the cards that were not seen come from it.
    pub seed: Option<u64>,
    /// The kind of exercise, by its code.
    pub way: String,
    pub revision: String,
    pub rules_sha256: String,
    pub stories_sha256: String,
    /// The percentage that must be right.
    pub pass: u8,
    /// How many cards that is; 0 for practice.
    pub needed: usize,
    /// How many cards there were to answer.
    pub count: usize,
    /// The percentage that is right; not in an unfinished exam.
    pub score: Option<u8>,
    /// Whether it is passed; never for practice.
    pub passed: bool,
    /// Whether all cards were answered.
    pub complete: bool,
    /// What the cards could not cover, since no story fits: ids of rules and requirements, times of greetings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_asked: Vec<String>,
    pub begun: String,
    pub ended: String,
    /// The answered cards, in the order in which they were asked.
    pub cards: Vec<CardRow>,
}

/// One card of a sheet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardRow {
    /// The id of the story.
    pub scenario: String,
    /// The customer's zone.
    pub zone: String,
    /// The customer's local time.
    pub time: String,
    /// When the card was shown.
    pub shown: String,
    pub answered: String,
    pub answer: Value,
    /// What was expected; not in an unfinished exam.
    #[serde(flatten)]
    pub expected: Option<Expected>,
}

/// The right answer to a card, and whether it was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    pub rule: String,
    /// What the story implies: fact id → value id. A fact that it leaves open is not there: it makes no difference.
    pub facts: Map<String, Value>,
    /// The honorific that the story implies.
    pub honorific: Option<String>,
    /// The sample customer's name, if a case asks for it.
    #[serde(default)]
    pub name: Option<String>,
    /// The spoken steps, in order.
    pub steps: Vec<String>,
    pub greeting: String,
    pub right: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GradedAnswer {
    pub card: usize,
    pub answer: Answer,
    pub grade: Grade,
    pub shown: DateTime<Utc>,
    pub answered: DateTime<Utc>,
}

pub type CardResult<'a> = (&'a Card, &'a GradedAnswer);

/// How often something was asked, and right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    pub what: String,
    pub right: usize,
    pub asked: usize,
}

/// Per cent, rounded down.
pub fn percent(right: usize, of: usize) -> u8 {
    (right * 100).checked_div(of).and_then(|n| u8::try_from(n).ok()).unwrap_or(0)
}

/// A time as sheets show it.
pub fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

impl CardRow {
    /// The row of an answered card, with what was expected or without.
    pub fn new(rules: &RuleSet, card: &Card, done: &GradedAnswer, with_expected: bool) -> Self {
        Self {
            scenario: card.scenario.clone(),
            zone: rules.zones[card.zone].id.clone(),
            time: crate::times::iso_minute(card.minute),
            shown: moment(done.shown),
            answered: moment(done.answered),
            answer: answer_json(rules, &done.answer),
            expected: with_expected.then(|| Expected::of(rules, card, &done.grade)),
        }
    }

    /// Whether it was right, where that is told.
    pub fn is_right(&self) -> bool {
        self.expected.as_ref().is_some_and(|e| e.right)
    }
}

impl Expected {
    fn of(rules: &RuleSet, card: &Card, grade: &Grade) -> Self {
        Self {
            rule: card.plan(rules).rule.id.clone(),
            facts: facts_json(rules, &card.situation, |at| card.mentioned[at]),
            honorific: card.honorific.and_then(|(_, choice)| honorific_text(rules, choice)).map(str::to_owned),
            name: asked_name(rules, card).map(|_| card.person.name.clone()),
            steps: card.spoken(rules).iter().map(|step| rules.step(*step).id.clone()).collect(),
            greeting: card.greeting_word(rules).into(),
            right: grade.is_right(),
        }
    }
}

fn facts_json(rules: &RuleSet, situation: &Situation, keep: impl Fn(usize) -> bool) -> Map<String, Value> {
    let facts = rules.facts.iter().enumerate().filter(|(at, _)| keep(*at));
    facts.map(|(at, f)| (f.id.clone(), json!(f.values[situation.value(at)].id))).collect()
}

/// The text of an honorific's choice.
pub fn honorific_text(rules: &RuleSet, choice: usize) -> Option<&str> {
    match &rules.field(rules.roles.honorific?).kind {
        FieldKind::Choice(choices) => choices.get(choice).map(|c| c.text.as_str()),
        FieldKind::Typed(_) => None,
    }
}

fn answer_json(rules: &RuleSet, answer: &Answer) -> Value {
    let ids = |steps: &[StepIx]| -> Vec<&str> { steps.iter().map(|s| rules.step(*s).id.as_str()).collect() };
    match answer {
        Answer::Case { situation, zone, honorific, name, said } => json!({
            "facts": facts_json(rules, situation, |_| true),
            "zone": rules.zones[*zone].id,
            "honorific": honorific.and_then(|choice| honorific_text(rules, choice)),
            "name": name,
            "said": ids(said),
        }),
        Answer::Blind { steps, greeting } => json!({
            "steps": ids(steps),
            "greeting": greeting.and_then(|at| rules.greetings.rows().get(at)).map(|g| g.word.as_str()),
        }),
        Answer::Spoken { marks } => json!({ "marks": marks.iter().map(|m| m.code()).collect::<Vec<_>>() }),
    }
}

impl Sheet {
    /// How many cards were right.
    pub fn right(&self) -> usize {
        self.cards.iter().filter(|c| c.is_right()).count()
    }

    /// Whether it is of an exam that was left: it holds what was answered and nothing else.
    pub fn is_unfinished(&self) -> bool {
        self.exam && !self.complete
    }

    /// Sets score and verdict from the cards.
    pub fn judge(&mut self) {
        let (right, all) = (self.right(), self.cards.len());
        self.score = (!self.is_unfinished()).then(|| percent(right, all));
        self.passed = self.exam && self.complete && all > 0 && right >= self.needed;
    }

    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }
}

/// By rule, in the order in which rules first come.
pub fn by_rule<'a>(rules: &RuleSet, cards: impl Iterator<Item = CardResult<'a>>) -> Vec<Tally> {
    let mut out = Vec::new();
    for (card, done) in cards {
        count(&mut out, &card.plan(rules).rule.id, done.grade.is_right());
    }
    out
}

/// By fact and value, in the rules' order. In a case a fact counts by itself, elsewhere the card that it is on.
pub fn by_fact<'a>(rules: &RuleSet, cards: impl Iterator<Item = CardResult<'a>>) -> Vec<Tally> {
    let cards: Vec<CardResult<'a>> = cards.collect();
    let mut out = Vec::new();
    for (at, fact) in rules.facts.iter().enumerate() {
        for (position, value) in fact.values.iter().enumerate() {
            let name = format!("{}: {}", fact.label, value.label);
            for (_, done) in cards.iter().filter(|(c, _)| c.mentioned[at] && c.situation.value(at) == position) {
                count(&mut out, &name, done.grade.facts[at]);
            }
        }
    }
    out
}

fn count(all: &mut Vec<Tally>, what: &str, right: bool) {
    let at = all.iter().position(|t| t.what == what).unwrap_or_else(|| {
        all.push(Tally { what: what.into(), right: 0, asked: 0 });
        all.len() - 1
    });
    all[at].asked += 1;
    all[at].right += usize::from(right);
}
