//! A call's data for the report. Every text is a number of an [`Interner`], so that a million calls are only numbers.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::record::Record;
use penutup_rules::closing::ending::Outcome;
use penutup_rules::text::clean;

/// A text, as its number in an [`Interner`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(pub u32);

/// A call's irregularities, one bit each, as the journal stores them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(pub u8);

impl Flags {
    /// No sentence was said.
    pub const BEFORE_CLOSING: Self = Self(1);
    /// A step was overtaken.
    pub const OVERTAKEN: Self = Self(2);
    /// A tick was undone.
    pub const UNDONE: Self = Self(4);

    /// Whether this one is set.
    pub fn has(self, flag: Self) -> bool {
        self.0 & flag.0 != 0
    }
}

/// A call's data for the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallSummary {
    /// The call.
    pub id: Uuid,
    /// When it began, in milliseconds since 1970, UTC.
    pub start_ms: i64,
    /// When and how it ended; `None` while it runs.
    pub end: Option<(i64, Outcome)>,
    /// Whether no spoken step was left out.
    pub complete: bool,
    /// Irregularities.
    pub flags: Flags,
    /// The facts: "klb=ya topik=lain".
    pub facts: Symbol,
    /// The rule's id.
    pub rule: Symbol,
    /// The revision of the rules.
    pub revision: Symbol,
    /// The seat; the empty text where none.
    pub seat: Symbol,
    /// The agent's number; the empty text where none.
    pub agent: Symbol,
    /// The steps left out: "download terima-kasih".
    pub left_out: Symbol,
    /// The steps that were due, ticked or left out: "campaign download".
    pub due: Symbol,
    /// The scoring parameters that it lost: a JSON list, or the empty text.
    pub cost: Symbol,
}

impl CallSummary {
    /// From a record; `None` if the interner is full.
    #[must_use]
    pub fn of(record: &Record, texts: &mut Interner) -> Option<Self> {
        let left_out = record.left_out_text();
        Some(Self {
            id: record.id,
            start_ms: record.start.timestamp_millis(),
            end: record.end.map(|(at, outcome)| (at.timestamp_millis(), outcome)),
            complete: left_out.is_empty(),
            flags: record.flags(),
            facts: texts.intern(&record.facts_text())?,
            rule: texts.intern(&record.rule)?,
            revision: texts.intern(&record.revision)?,
            seat: texts.intern(record.seat.as_deref().unwrap_or_default())?,
            agent: texts.intern(record.agent.as_deref().unwrap_or_default())?,
            left_out: texts.intern(&left_out)?,
            due: texts.intern(&record.due_text())?,
            cost: texts.intern(&list_text(&record.cost))?,
        })
    }
}

/// Maps symbols to texts; symbol 0 is the empty text.
#[derive(Clone, Debug)]
pub struct Interner {
    texts: Vec<Box<str>>,
    symbols: HashMap<Box<str>, Symbol>,
    bytes: usize,
}

impl Default for Interner {
    fn default() -> Self {
        Self { texts: vec!["".into()], symbols: HashMap::from([("".into(), Symbol(0))]), bytes: 0 }
    }
}

impl Interner {
    /// The most texts from outside.
    const MAX: usize = 200_000;
    /// The most bytes from outside.
    const MAX_BYTES: usize = 32 << 20;
    /// The highest number that a journal gives to a text.
    const HIGHEST: usize = 4_000_000;

    /// The text of a symbol; empty for an unknown one.
    pub fn text(&self, symbol: Symbol) -> &str {
        self.texts.get(symbol.0 as usize).map_or("", |text| text)
    }

    /// Whether a text has a symbol.
    pub fn has(&self, text: &str) -> bool {
        self.symbols.contains_key(text)
    }

    /// The symbol of a text, a new one if needed; `None` if there is no room for one.
    pub fn intern(&mut self, text: &str) -> Option<Symbol> {
        if let Some(symbol) = self.symbols.get(text) {
            return Some(*symbol);
        }
        if self.texts.len() >= Self::MAX || self.bytes + text.len() > Self::MAX_BYTES {
            return None;
        }
        let symbol = Symbol(u32::try_from(self.texts.len()).ok()?);
        self.put(symbol, text).then_some(symbol)
    }

    /// Assigns a text its number in a journal. Returns whether there was room for it.
    pub fn put(&mut self, symbol: Symbol, text: &str) -> bool {
        let at = symbol.0 as usize;
        if at > Self::HIGHEST {
            return false;
        }
        if self.texts.len() <= at {
            self.texts.resize(at + 1, "".into());
        }
        self.bytes += text.len();
        // Another program may have written the file, and every format shows it on some terminal.
        self.texts[at] = clean(text).into();
        self.symbols.insert(text.into(), symbol);
        true
    }
}

/// The facts in a text: ID and value of each.
pub fn facts_of(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split(' ').filter_map(|fact| fact.split_once('='))
}

/// Joins texts: a JSON list, or the empty text for none.
pub fn list_text<T: Serialize>(texts: &[T]) -> String {
    if texts.is_empty() {
        return String::new();
    }
    serde_json::to_string(texts).unwrap_or_default()
}

/// The texts that [`list_text`] joined, cleaned: in the list they are escaped.
pub fn list_of(text: &str) -> Vec<String> {
    let texts: Vec<String> = serde_json::from_str(text).unwrap_or_default();
    texts.iter().map(|text| clean(text)).collect()
}

/// The index of an outcome in [`Outcome::ALL`].
pub fn position(outcome: Outcome) -> usize {
    Outcome::ALL.iter().position(|one| *one == outcome).unwrap_or(0)
}

/// The number of an outcome in the journal, from 1; never reused.
pub fn outcome_number(outcome: Outcome) -> u8 {
    u8::try_from(position(outcome) + 1).unwrap_or(u8::MAX)
}

/// The outcome with this number.
pub fn outcome_of(number: u8) -> Option<Outcome> {
    Outcome::ALL.get(usize::from(number.checked_sub(1)?)).copied()
}

/// A time of the journal; `None` outside of the calendar's years.
pub fn time(ms: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcome_numbers_are_stable() {
        let codes = [
            "lengkap",
            "pelanggan-menutup",
            "dialihkan",
            "hening",
            "terputus",
            "tidak-disampaikan",
            "ditinggalkan",
            "panggilan-berikutnya",
            "aplikasi-tertutup",
        ];
        for (number, code) in (1..).zip(codes) {
            let outcome = Outcome::from_code(code).unwrap();
            assert_eq!((outcome_number(outcome), outcome_of(number)), (number, Some(outcome)));
        }
        assert_eq!((outcome_of(0), outcome_of(10)), (None, None));
    }

    #[test]
    fn an_interner_gives_each_text_one_symbol_and_is_bounded() {
        let mut texts = Interner::default();
        let one = texts.intern("klb=ya").unwrap();
        assert_eq!(texts.intern("klb=ya"), Some(one));
        assert_eq!((texts.text(one), texts.text(Symbol(0))), ("klb=ya", ""));
        assert!(texts.put(Symbol(7), "seven"));
        assert_eq!(texts.intern("eight"), Some(Symbol(8)));
        assert!(!texts.put(Symbol(u32::MAX), "far"));
        assert_eq!(texts.intern(&"x".repeat(Interner::MAX_BYTES)), None);
    }

    #[test]
    fn joined_texts_round_trip() {
        assert_eq!(facts_of("klb=ya topik=lain").collect::<Vec<_>>(), [("klb", "ya"), ("topik", "lain")]);
        assert_eq!(facts_of("").count(), 0);
        let parameters = ["Akurasi", "a, \"b\""];
        assert_eq!(list_of(&list_text(&parameters)), parameters);
        assert_eq!(list_of(&list_text(&["FCR\u{1b}[31m\u{9b}2J"])), ["FCR[31m2J"]);
        assert_eq!((list_text::<&str>(&[]), list_of("")), (String::new(), vec![]));
    }
}
