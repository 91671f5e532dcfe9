//! A call as the reports scan it: every text a number of a [`Vocabulary`], so that a million of them are only numbers.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::record::Record;
use crate::closing::ending::Ending;
use crate::closing::ending::Outcome;
use crate::rules::text::{clean, is_forbidden};

/// A text, as its number in a [`Vocabulary`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Word(pub u32);

/// What a report counts of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// When it began, in milliseconds since 1970, UTC.
    pub start_ms: i64,
    /// When and how it ended; `None` while it runs.
    pub end: Option<(i64, Outcome)>,
    /// Whether no spoken step was left out.
    pub complete: bool,
    /// The facts: "klb=ya topik=lain".
    pub facts: Word,
    /// The rule's id.
    pub rule: Word,
    /// The seat; the empty word where none.
    pub seat: Word,
    /// The steps left out: "download terima-kasih".
    pub left_out: Word,
    /// The scoring parameters that it costs: a JSON list, or the empty word.
    pub cost: Word,
}

/// The rest of a call, for a line of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rest {
    /// The call's random id.
    pub id: [u8; 16],
    /// Rises with every writing.
    pub version: u64,
    /// When it was last written, in milliseconds since 1970, UTC.
    pub changed_ms: i64,
    /// The rules: `<sha256> <revision>`.
    pub rules: Word,
    /// The customer's zone.
    pub zone: Word,
    /// The greeting that was spoken; the empty word until one was.
    pub greeting: Word,
}

/// The texts that words stand for; word 0 is the empty text.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    texts: Vec<Box<str>>,
    words: HashMap<Box<str>, Word>,
    bytes: usize,
}

impl Default for Vocabulary {
    fn default() -> Self {
        Self { texts: vec!["".into()], words: HashMap::from([("".into(), Word(0))]), bytes: 0 }
    }
}

impl Vocabulary {
    /// The most texts it takes from outside.
    pub const MOST: usize = 200_000;
    /// The most bytes it takes from outside.
    pub const MOST_BYTES: usize = 32 << 20;
    /// The highest number of a word that a journal gives.
    const HIGHEST: usize = 4_000_000;

    /// The text of a word; empty for one that is not in it.
    #[must_use]
    pub fn text(&self, word: Word) -> &str {
        self.texts.get(word.0 as usize).map_or("", |text| text)
    }

    /// Whether there is a word for a text.
    #[must_use]
    pub fn has(&self, text: &str) -> bool {
        self.words.contains_key(text)
    }

    /// The word for a text, a new one if need be; `None` where it is full.
    pub fn word(&mut self, text: &str) -> Option<Word> {
        if let Some(word) = self.words.get(text) {
            return Some(*word);
        }
        if self.texts.len() >= Self::MOST || self.bytes + text.len() > Self::MOST_BYTES {
            return None;
        }
        let word = Word(u32::try_from(self.texts.len()).ok()?);
        self.put(word, text).then_some(word)
    }

    /// Gives a text the number that it has elsewhere. Answers whether there was room for it.
    pub fn put(&mut self, word: Word, text: &str) -> bool {
        let at = word.0 as usize;
        if at > Self::HIGHEST {
            return false;
        }
        if self.texts.len() <= at {
            self.texts.resize(at + 1, "".into());
        }
        self.bytes += text.len();
        // Whoever can write the file can write anything into it, and every format shows it on some terminal.
        self.texts[at] = clean(text).into();
        self.words.insert(text.into(), word);
        true
    }
}

/// A fact of a call as it is kept: id, value, when it was set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactDetail<'a>(#[serde(borrow)] pub Cow<'a, str>, #[serde(borrow)] pub Cow<'a, str>, pub Option<i64>);

/// A step of a call as it is kept: id, whether it was shown, when it was ticked, how often a tick was taken back,
/// whether it was left out, what leaving it out costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepDetail<'a>(
    #[serde(borrow)] pub Cow<'a, str>,
    pub bool,
    pub Option<i64>,
    pub u32,
    pub bool,
    #[serde(borrow)] pub Vec<Cow<'a, str>>,
);

/// An overtaken step as it is kept: id, when the facts changed that asked for it too late, those facts and their values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OvertakenDetail<'a>(
    #[serde(borrow)] pub Cow<'a, str>,
    pub i64,
    #[serde(borrow)] pub Vec<(Cow<'a, str>, Cow<'a, str>)>,
);

/// What is kept of a call beside its row: facts with their times, steps with theirs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail<'a> {
    /// The facts, in the rules' order.
    #[serde(borrow)]
    pub facts: Vec<FactDetail<'a>>,
    /// The steps.
    #[serde(borrow)]
    pub steps: Vec<StepDetail<'a>>,
    /// The steps that were asked for too late.
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    pub overtaken: Vec<OvertakenDetail<'a>>,
    /// The facts that stood otherwise than the centre had declared them, by id.
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    pub differs: Vec<Cow<'a, str>>,
}

impl<'a> Detail<'a> {
    /// From its text in the journal, its own texts cleaned.
    ///
    /// # Errors
    /// A text that is none.
    pub fn read(text: &'a str) -> serde_json::Result<Self> {
        let mut detail: Self = serde_json::from_str(text)?;
        let facts = detail.facts.iter_mut().flat_map(|fact| [&mut fact.0, &mut fact.1]);
        let steps = detail.steps.iter_mut().flat_map(|step| std::iter::once(&mut step.0).chain(&mut step.5));
        let overtaken = detail.overtaken.iter_mut().flat_map(|late| {
            std::iter::once(&mut late.0).chain(late.2.iter_mut().flat_map(|(fact, value)| [fact, value]))
        });
        for text in facts.chain(steps).chain(overtaken).chain(&mut detail.differs) {
            if text.chars().any(is_forbidden) {
                *text = clean(text).into();
            }
        }
        Ok(detail)
    }

    /// Of a record.
    #[must_use]
    pub fn of(record: &'a Record) -> Self {
        let fact = |f: &'a super::record::FactRecord| {
            FactDetail(Cow::from(&f.fact), Cow::from(&f.value), f.set.map(|t| t.timestamp_millis()))
        };
        let step = |s: &'a super::record::StepRecord| {
            let ticked = s.ticked.map(|t| t.timestamp_millis());
            let score = s.score.iter().map(Cow::from).collect();
            StepDetail(Cow::from(&s.step), s.shown, ticked, s.taken_back, s.left_out, score)
        };
        let overtaken = |late: &'a super::record::OvertakenRecord| {
            let facts = late.facts.iter().map(|(fact, value)| (Cow::from(fact), Cow::from(value)));
            OvertakenDetail(Cow::from(&late.step), late.at.timestamp_millis(), facts.collect())
        };
        Self {
            facts: record.facts.iter().map(fact).collect(),
            steps: record.steps.iter().map(step).collect(),
            overtaken: record.overtaken.iter().map(overtaken).collect(),
            differs: record.differs.iter().map(Cow::from).collect(),
        }
    }

    /// Whether the call ended, as it was then, before any sentence was said.
    #[must_use]
    pub fn is_before_closing(&self) -> bool {
        self.steps.iter().all(|step| step.2.is_none())
    }

    /// The facts in one text.
    #[must_use]
    pub fn facts_text(&self) -> String {
        let mut out = String::with_capacity(64);
        for FactDetail(fact, value, _) in &self.facts {
            let _ = write!(out, "{}{fact}={value}", if out.is_empty() { "" } else { " " });
        }
        out
    }

    /// The steps left out, in one text.
    #[must_use]
    pub fn left_out_text(&self) -> String {
        let mut out = String::new();
        for StepDetail(step, ..) in self.steps.iter().filter(|s| s.4) {
            let _ = write!(out, "{}{step}", if out.is_empty() { "" } else { " " });
        }
        out
    }
}

/// The facts of a text: id and value of each.
pub fn facts_of(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split(' ').filter_map(|fact| fact.split_once('='))
}

/// Texts in one: a JSON list, or the empty text for none.
#[must_use]
pub fn list_text<T: Serialize>(texts: &[T]) -> String {
    if texts.is_empty() {
        return String::new();
    }
    serde_json::to_string(texts).unwrap_or_default()
}

/// The texts that [`list_text`] put together, cleaned: in the list they are escaped.
#[must_use]
pub fn list_of(text: &str) -> Vec<String> {
    let texts: Vec<String> = serde_json::from_str(text).unwrap_or_default();
    texts.iter().map(|text| clean(text)).collect()
}

/// The rules in one text.
#[must_use]
pub fn rules_text(sha256: &str, revision: &str) -> String {
    format!("{sha256} {revision}")
}

/// The sum and the revision that [`rules_text`] put together.
#[must_use]
pub fn rules_of(text: &str) -> (&str, &str) {
    text.split_once(' ').unwrap_or((text, ""))
}

/// The number of an ending in the journal; never given to another one.
#[must_use]
pub fn ending_number(ending: Outcome) -> u8 {
    match ending {
        Outcome::Said(Ending::Complete) => 1,
        Outcome::Said(Ending::CustomerLeft) => 2,
        Outcome::Said(Ending::Transferred) => 3,
        Outcome::Said(Ending::Silent) => 4,
        Outcome::Said(Ending::Dropped) => 5,
        Outcome::Said(Ending::Omitted) => 6,
        Outcome::Left => 7,
        Outcome::NextCall => 8,
        Outcome::ProgramClosed => 9,
    }
}

/// The ending of a number.
#[must_use]
pub fn ending_of(number: u8) -> Option<Outcome> {
    Outcome::ALL.into_iter().find(|e| ending_number(*e) == number)
}

/// A record's row, its texts put into `vocabulary`; `None` where that is full.
#[must_use]
pub fn row_of(record: &Record, seat: Option<&str>, vocabulary: &mut Vocabulary) -> Option<Row> {
    let detail = Detail::of(record);
    let left_out = detail.left_out_text();
    Some(Row {
        start_ms: record.start.timestamp_millis(),
        end: record.end.map(|(at, how)| (at.timestamp_millis(), how)),
        complete: left_out.is_empty(),
        facts: vocabulary.word(&detail.facts_text())?,
        rule: vocabulary.word(&record.rule)?,
        seat: vocabulary.word(seat.unwrap_or_default())?,
        left_out: vocabulary.word(&left_out)?,
        cost: vocabulary.word(&list_text(&record.cost))?,
    })
}

/// A time of the journal; `None` outside of the years that a calendar has.
#[must_use]
pub fn time(ms: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_keep_their_numbers() {
        for (at, ending) in Outcome::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(ending_number(ending)), at + 1);
            assert_eq!(ending_of(ending_number(ending)), Some(ending));
        }
        assert_eq!(ending_of(0), None);
    }

    #[test]
    fn a_vocabulary_gives_each_text_one_word_and_has_an_end() {
        let mut vocabulary = Vocabulary::default();
        let one = vocabulary.word("klb=ya").unwrap();
        assert_eq!(vocabulary.word("klb=ya"), Some(one));
        assert_eq!((vocabulary.text(one), vocabulary.text(Word(0))), ("klb=ya", ""));
        assert!(vocabulary.put(Word(7), "seven"));
        assert_eq!(vocabulary.word("eight"), Some(Word(8)));
        assert!(!vocabulary.put(Word(u32::MAX), "far"));
        assert_eq!(vocabulary.word(&"x".repeat(Vocabulary::MOST_BYTES)), None);
    }

    #[test]
    fn texts_come_apart_as_they_were_put_together() {
        assert_eq!(facts_of("klb=ya topik=lain").collect::<Vec<_>>(), [("klb", "ya"), ("topik", "lain")]);
        assert_eq!(facts_of("").count(), 0);
        let parameters = ["Akurasi", "a, \"b\""];
        assert_eq!(list_of(&list_text(&parameters)), parameters);
        assert_eq!(list_of(&list_text(&["FCR\u{1b}[31m\u{9b}2J"])), ["FCR[31m2J"]);
        assert_eq!((list_text::<&str>(&[]), list_of("")), (String::new(), vec![]));
        assert_eq!(rules_of(&rules_text("ab12", "Rev 1 baru")), ("ab12", "Rev 1 baru"));
    }
}
