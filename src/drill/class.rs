//! The result sheets of a class: reads them back from JSON, with each fault at its place, and adds them up: one row a
//! trainee, and what was missed most by rule, duty, change of greeting and field.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::generate::edges;
use super::grade::{ExerciseKind, SpokenMark, is_spoken};
use super::sheet::{CardRow, Expected, Sheet, is_trainee_id, percent};
use super::story::Person;
use super::threshold;
use crate::rules::RuleSet;
use crate::rules::decide::Situation;
use crate::rules::limits::MAX_FILE;
use crate::rules::ruleset::{Duty, Requirement, StepIx};

/// The most cards of one sheet.
const MOST_CARDS: usize = 1000;
/// The longest text of a cell, in bytes.
const LONGEST: usize = 200;

/// Why a file is not a sheet that can be counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    TooLarge,
    /// It is not JSON, or a key is missing or of another type: where reading stopped.
    Shape {
        line: usize,
        column: usize,
    },
    /// A value that the program does not write, or that contradicts another one: its path, such as `cards[2].right`.
    Value(String),
}

/// Reads a sheet as [`Sheet::to_json`] writes it.
///
/// # Errors
/// The first fault.
pub fn read(bytes: &[u8]) -> Result<Sheet, Fault> {
    if bytes.len() > MAX_FILE {
        return Err(Fault::TooLarge);
    }
    let sheet: Sheet =
        serde_json::from_slice(bytes).map_err(|e| Fault::Shape { line: e.line(), column: e.column() })?;
    match wrong(&sheet) {
        Some(place) => Err(Fault::Value(place)),
        None => Ok(sheet),
    }
}

/// When a time of a sheet is.
fn instant(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc())
}

/// The path of the first value that no sheet has.
fn wrong(sheet: &Sheet) -> Option<String> {
    let is_short = |text: &String| !text.is_empty() && text.len() <= LONGEST;
    let is_hash = |text: &String| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    let (right, all) = (sheet.right(), sheet.cards.len());
    let score = (!sheet.is_unfinished()).then(|| percent(right, all));
    let needed = if sheet.exam { threshold::needed(sheet.pass, sheet.count) } else { 0 };
    let begun = instant(&sheet.begun);
    let checks = [
        ("schema", sheet.schema == 1),
        ("trainee", sheet.trainee.as_deref().is_none_or(is_trainee_id)),
        ("seed", sheet.seed.is_some() != sheet.is_unfinished()),
        ("way", ExerciseKind::ALL.iter().any(|kind| kind.code() == sheet.way)),
        ("revision", is_short(&sheet.revision)),
        ("rules_sha256", is_hash(&sheet.rules_sha256)),
        ("stories_sha256", is_hash(&sheet.stories_sha256)),
        ("pass", if sheet.exam { (1..=100).contains(&sheet.pass) } else { sheet.pass == 0 }),
        ("count", (1..=MOST_CARDS).contains(&sheet.count) && all <= sheet.count),
        ("complete", sheet.complete == (all == sheet.count)),
        ("needed", sheet.needed == needed),
        ("score", sheet.score == score),
        ("passed", sheet.passed == (sheet.exam && sheet.complete && right >= sheet.needed)),
        ("begun", begun.is_some()),
        ("ended", begun.is_some() && instant(&sheet.ended) >= begun),
    ];
    if let Some((key, _)) = checks.into_iter().find(|(_, holds)| !holds) {
        return Some(key.into());
    }
    let of_card = |card: &CardRow| {
        let expected = card.expected.as_ref();
        let texts = [&card.scenario, &card.zone, &card.shown, &card.answered];
        [
            ("", texts.into_iter().all(is_short)),
            ("time", minute(&card.time).is_some()),
            ("rule", expected.is_none() == sheet.is_unfinished() && expected.is_none_or(|e| is_short(&e.rule))),
            ("right", expected.is_none_or(|e| !e.right || steps_are_right(&sheet.way, card, e))),
        ]
        .into_iter()
        .find_map(|(key, holds)| (!holds).then_some(key))
    };
    let faulty = |(at, card)| of_card(card).map(|key| format!("cards[{at}].{key}").trim_end_matches('.').to_owned());
    sheet.cards.iter().enumerate().find_map(faulty)
}

/// `HH:MM` as a minute of the day.
fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':').filter(|_| text.len() == 5)?;
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

/// Whether the steps of an answer are the expected ones.
fn steps_are_right(way: &str, card: &CardRow, expected: &Expected) -> bool {
    let key = match way {
        "kasus" => "said",
        "hafalan" => "steps",
        _ => {
            let exact = |mark: &Value| mark.as_str() == Some(SpokenMark::Exact.code());
            let marks = card.answer["marks"].as_array();
            return marks.is_some_and(|marks| marks.len() == expected.steps.len() && marks.iter().all(exact));
        }
    };
    let given = card.answer[key].as_array();
    given.is_some_and(|given| given.iter().map(Value::as_str).eq(expected.steps.iter().map(|s| Some(s.as_str()))))
}

/// What was wrong in a card.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is counted by itself")]
struct Misses {
    /// The sentences, or a fact that decides them.
    rule: bool,
    greeting: bool,
    honorific: bool,
    name: bool,
}

impl Misses {
    fn of(way: &str, card: &CardRow, expected: &Expected) -> Self {
        if expected.right {
            return Self::default();
        }
        let steps = !steps_are_right(way, card, expected);
        let given = |key: &str| card.answer[key].as_str();
        let greeting = match way {
            "hafalan" => given("greeting") != Some(&expected.greeting),
            "kasus" => given("zone") != Some(&card.zone),
            _ => steps,
        };
        let is_case = way == "kasus";
        let honorific =
            is_case && expected.honorific.as_deref().is_some_and(|honorific| given("honorific") != Some(honorific));
        let is_named = |name: &String| {
            Person { name: name.clone(), ..Person::default() }.is_named(given("name").unwrap_or_default())
        };
        let name = is_case && expected.name.as_ref().is_some_and(|name| !is_named(name));
        Self { rule: steps || !(greeting || honorific || name), greeting, honorific, name }
    }
}

/// The sentences of an answer, in their order.
fn given(way: &str, card: &CardRow, expected: &Expected, rules: &RuleSet) -> Vec<StepIx> {
    let texts =
        |key: &str| card.answer[key].as_array().into_iter().flatten().map(|text| text.as_str().unwrap_or_default());
    let ids: Vec<&str> = match way {
        "kasus" => texts("said").collect(),
        "hafalan" => texts("steps").collect(),
        _ => {
            let asked = expected.steps.iter().zip(texts("marks"));
            let spoken = asked.filter(|(_, mark)| *mark != SpokenMark::Missing.code());
            spoken.map(|(id, _)| id.as_str()).collect()
        }
    };
    ids.into_iter().filter_map(|id| rules.step_named(id)).collect()
}

/// Whether an answer fails a duty; `None` if the duty is about reminders, which no answer has.
fn is_unmet(rules: &RuleSet, duty: &Duty, given: &[StepIx]) -> Option<bool> {
    let is_spoken = |step: &&StepIx| rules.step(**step).is_spoken();
    let spoken = |steps: &[StepIx]| -> Option<Vec<StepIx>> {
        let spoken: Vec<StepIx> = steps.iter().filter(is_spoken).copied().collect();
        (!spoken.is_empty()).then_some(spoken)
    };
    match duty {
        Duty::Always(steps) => Some(!spoken(steps)?.iter().all(|step| given.contains(step))),
        Duty::Never(steps) => Some(spoken(steps)?.iter().any(|step| given.contains(step))),
        Duty::ExactlyOne(steps) => {
            let all = spoken(steps).filter(|spoken| spoken.len() == steps.len())?;
            Some(all.iter().filter(|step| given.contains(step)).count() != 1)
        }
        Duty::Order(steps) => {
            let places = given.iter().filter_map(|step| steps.iter().position(|other| other == step));
            spoken(steps).map(|_| !places.is_sorted())
        }
        Duty::Last(step) => Some(step).filter(is_spoken).map(|step| given.last() != Some(step)),
    }
}

/// How often something was asked in a class, and missed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    /// The position of the rule, of the requirement or of the field, or the minute.
    pub what: usize,
    pub missed: usize,
    pub asked: usize,
}

/// A trainee's row: the last exam, or the last practice of who took none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The position of the sheet.
    pub sheet: usize,
    /// How many sheets the trainee has.
    pub sheets: usize,
}

/// What a class did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Class {
    pub rows: Vec<Row>,
    /// What was missed, most first.
    pub rules: Vec<Missed>,
    pub duties: Vec<Missed>,
    /// By minute, at the changes of greeting.
    pub greetings: Vec<Missed>,
    /// By the position of the field: the name and the honorific, in case studies.
    pub fields: Vec<Missed>,
    /// Sheets of the same trainee, seed and start as an earlier one, or with the same content: their position and the
    /// earlier one's.
    pub duplicates: Vec<(usize, usize)>,
    /// Sheets of other rules. They have a row, and nothing of them is counted as missed.
    pub of_other_rules: Vec<usize>,
}

impl Class {
    /// Adds up sheets, against the rules in use and their hash.
    pub fn of(sheets: &[Sheet], rules: &RuleSet, sha256: &str) -> Self {
        let mut out = Self::default();
        let mut row_of: HashMap<&str, usize> = HashMap::new();
        let edges = edges(rules);
        for (at, sheet) in sheets.iter().enumerate() {
            if let Some(first) = sheets[..at].iter().position(|earlier| is_same(earlier, sheet)) {
                out.duplicates.push((at, first));
                continue;
            }
            // Sheets without a trainee are not known to be of the same person.
            let known = sheet.trainee.as_deref().and_then(|id| row_of.get(id).copied());
            if let Some(row) = known.map(|row| &mut out.rows[row]) {
                row.sheets += 1;
                // Who practises after an exam has still taken it.
                let rank = |sheet: &Sheet| (sheet.exam, instant(&sheet.begun));
                if rank(sheet) >= rank(&sheets[row.sheet]) {
                    row.sheet = at;
                }
            } else {
                row_of.extend(sheet.trainee.as_deref().map(|id| (id, out.rows.len())));
                out.rows.push(Row { sheet: at, sheets: 1 });
            }
            if sheet.rules_sha256 != sha256 {
                out.of_other_rules.push(at);
                continue;
            }
            for (card, expected) in sheet.cards.iter().filter_map(|card| Some((card, card.expected.as_ref()?))) {
                let misses = Misses::of(&sheet.way, card, expected);
                if let Some(rule) = rules.rules.iter().position(|rule| rule.id == expected.rule) {
                    count(&mut out.rules, rule, misses.rule);
                }
                if let Some(situation) = situation(rules, expected) {
                    let given = given(&sheet.way, card, expected, rules);
                    let apply = |(_, r): &(usize, &Requirement)| r.when.contains(situation.values());
                    for (at, requirement) in rules.requirements.iter().enumerate().filter(apply) {
                        let judged = requirement.duties.iter().filter_map(|duty| is_unmet(rules, duty, &given));
                        if let Some(is_missed) = judged.reduce(|one, other| one || other) {
                            count(&mut out.duties, at, is_missed);
                        }
                    }
                }
                let steps: Vec<StepIx> = expected.steps.iter().filter_map(|id| rules.step_named(id)).collect();
                if sheet.way == "kasus" {
                    let asked = [
                        (rules.roles.honorific.filter(|_| expected.honorific.is_some()), misses.honorific),
                        (rules.roles.name.filter(|_| expected.name.is_some()), misses.name),
                    ];
                    for (field, is_missed) in asked.into_iter().filter_map(|(field, missed)| Some((field?, missed))) {
                        if rules.field(field).key.is_some() && is_spoken(rules, &steps, field) {
                            count(&mut out.fields, field.0.into(), is_missed);
                        }
                    }
                }
                let greets = steps.iter().any(|step| rules.step(*step).greets());
                if let Some(minute) = minute(&card.time).filter(|minute| greets && edges.contains(minute)) {
                    count(&mut out.greetings, minute.into(), misses.greeting);
                }
            }
        }
        out.rows.sort_by(|a, b| (&sheets[a.sheet].trainee, a.sheet).cmp(&(&sheets[b.sheet].trainee, b.sheet)));
        for all in [&mut out.rules, &mut out.duties, &mut out.greetings, &mut out.fields] {
            all.retain(|m| m.missed > 0);
            // The larger share first where as many were missed.
            all.sort_by(|a, b| b.missed.cmp(&a.missed).then(a.asked.cmp(&b.asked)).then(a.what.cmp(&b.what)));
        }
        out
    }
}

/// Whether two files are one sheet. Without a trainee, two people may begin the same cards in the same second.
fn is_same(one: &Sheet, other: &Sheet) -> bool {
    let names = |sheet: &Sheet| (sheet.trainee.clone(), sheet.seed, sheet.begun.clone());
    one == other || (one.trainee.is_some() && names(one) == names(other))
}

/// What a card's story implies; a fact that it leaves open makes no difference.
fn situation(rules: &RuleSet, expected: &Expected) -> Option<Situation> {
    let value = |fact: &crate::rules::ruleset::Fact| match expected.facts.get(&fact.id) {
        None => Some(0),
        Some(id) => {
            let at = fact.values.iter().position(|v| Some(v.id.as_str()) == id.as_str())?;
            u16::try_from(at).ok()
        }
    };
    Situation::new(rules, rules.facts.iter().map(value).collect::<Option<Vec<u16>>>()?)
}

fn count(all: &mut Vec<Missed>, what: usize, is_missed: bool) {
    let at = all.iter().position(|m| m.what == what).unwrap_or_else(|| {
        all.push(Missed { what, missed: 0, asked: 0 });
        all.len() - 1
    });
    all[at].asked += 1;
    all[at].missed += usize::from(is_missed);
}
