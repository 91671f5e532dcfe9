//! `KEY=VALUE`: a fact or a field of the rules, given on a command line.

use std::collections::HashSet;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};

use crate::closing::name::{self, NoText};
use crate::rules::decide::Situation;
use crate::rules::ruleset::{FieldIx, FieldKind, NAMA, RuleSet, SAPAAN, Typed};
use crate::rules::script::{FieldValue, Fields};
use crate::rules::text;
use crate::tell::{outside, shown, suggest};
use crate::words::{Words, fill};

/// How much of standard input is read for a name, in bytes.
const MAX_INPUT: u64 = 64 * 1024;

/// What the pairs set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The facts.
    pub situation: Situation,
    /// The fields.
    pub fields: Fields,
}

/// What is wrong with a pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Whether nothing but its key is unknown: a telephone that knows more than the rules do no harm.
    pub unknown_key: bool,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// One pair, understood.
#[derive(Clone, PartialEq, Eq)]
pub enum Pair {
    /// A fact's value.
    Fact {
        /// The position of the fact.
        fact: usize,
        /// The position of the value.
        value: usize,
    },
    /// A field's choice.
    Choice {
        /// Which field.
        field: FieldIx,
        /// The position of the choice.
        choice: usize,
    },
    /// A field's text; cleaned, and no longer than the field takes.
    Typed {
        /// Which field.
        field: FieldIx,
        /// The text; may be empty.
        text: String,
    },
}

impl std::fmt::Debug for Pair {
    /// Says nothing of a typed text: it is a customer's name.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fact { fact, value } => f.debug_tuple("Fact").field(fact).field(value).finish(),
            Self::Choice { field, choice } => f.debug_tuple("Choice").field(field).field(choice).finish(),
            Self::Typed { field, .. } => f.debug_tuple("Typed").field(field).finish_non_exhaustive(),
        }
    }
}

/// Reads pairs, and what they name of standard input.
pub struct Reader<'r, R> {
    rules: &'r RuleSet,
    words: &'r Words,
    input: Option<R>,
    given: HashSet<String>,
}

impl<'r, R: Read> Reader<'r, R> {
    /// A reader of pairs for these rules; `input` is what `nama=-` reads.
    pub fn new(rules: &'r RuleSet, words: &'r Words, input: R) -> Self {
        Self { rules, words, input: Some(input), given: HashSet::new() }
    }

    /// All of them, over the defaults. What is said outright wins over the honorific that a name begins with, in
    /// whichever order they come.
    ///
    /// # Errors
    /// The first that is wrong.
    pub fn all(&mut self, pairs: &[String]) -> Result<Given, Wrong> {
        let rules = self.rules;
        let pairs = pairs.iter().map(|pair| self.one(pair)).collect::<Result<Vec<Pair>, Wrong>>()?;
        let (mut situation, mut fields) = (Situation::default_of(rules), Fields::default_of(rules));
        for pair in &pairs {
            match pair {
                Pair::Fact { fact, value } => situation.set(rules, *fact, *value),
                Pair::Typed { field, text } => name::set(rules, &mut fields, *field, text, true),
                Pair::Choice { .. } => {}
            }
        }
        for pair in pairs {
            if let Pair::Choice { field, choice } = pair {
                fields.set(rules, field, FieldValue::Choice(choice));
            }
        }
        Ok(Given { situation, fields })
    }

    /// One of them.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn one(&mut self, pair: &str) -> Result<Pair, Wrong> {
        let (rules, w) = (self.rules, &self.words.say);
        let Some((key, value)) = pair.split_once('=') else {
            let example = format!("{}={}", self.example().0, self.example().1);
            let message = fill(w.no_pair, &[("text", &shown(pair))]);
            return Err(wrong(message, fill(w.no_pair_help, &[("example", &example)])));
        };
        let pair = if let Some(fact) = rules.fact_named(key) {
            self.fact(fact, value)?
        } else if let Some(field) = rules.field_named(key) {
            self.field(field, value)?
        } else {
            return Err(self.unknown_key(key, value));
        };
        if !self.given.insert(key.to_owned()) {
            return Err(wrong(fill(w.twice, &[("key", key)]), w.twice_help.into()));
        }
        Ok(pair)
    }

    /// A pair that these rules understand.
    fn example(&self) -> (&str, &str) {
        let fact = self.rules.facts.first().map(|f| (f.id.as_str(), f.values[f.values.len() - 1].id.as_str()));
        fact.unwrap_or((NAMA, "Budi"))
    }

    fn unknown_key(&self, key: &str, value: &str) -> Wrong {
        let (rules, w) = (self.rules, &self.words.say);
        let facts = rules.facts.iter().map(|f| f.id.as_str());
        let valid: Vec<&str> = facts.chain(rules.fields.iter().map(|f| f.id.as_str())).collect();
        let help = if ["zone", "zona"].contains(&key.to_lowercase().as_str()) {
            fill(w.zone_help, &[("zone", &shown(value))])
        } else {
            suggest(key, valid, &self.words.problem)
        };
        Wrong { unknown_key: true, message: fill(w.unknown_key, &[("key", &shown(key))]), help }
    }

    fn unknown_value<'v>(&self, key: &str, value: &str, valid: impl Iterator<Item = &'v str>) -> Wrong {
        let message = fill(self.words.say.unknown_value, &[("key", key), ("value", &shown(value))]);
        let valid: Vec<&str> = valid.collect();
        wrong(message, suggest(value, valid, &self.words.problem))
    }

    fn fact(&self, fact: usize, value: &str) -> Result<Pair, Wrong> {
        let known = &self.rules.facts[fact];
        let found = known.values.iter().position(|v| v.id.eq_ignore_ascii_case(value));
        found
            .map(|value| Pair::Fact { fact, value })
            .ok_or_else(|| self.unknown_value(&known.id, value, known.values.iter().map(|v| v.id.as_str())))
    }

    fn field(&mut self, field: FieldIx, value: &str) -> Result<Pair, Wrong> {
        let known = self.rules.field(field);
        match &known.kind {
            FieldKind::Choice(choices) => choices
                .position_of(value)
                .map(|choice| Pair::Choice { field, choice })
                .ok_or_else(|| self.unknown_value(&known.id, value, choices.texts())),
            FieldKind::Typed(typed) => {
                let read;
                let value = if value == "-" {
                    read = self.read_input(&known.id)?;
                    &read
                } else {
                    value
                };
                self.typed(field, typed, value)
            }
        }
    }

    fn typed(&self, field: FieldIx, typed: &Typed, value: &str) -> Result<Pair, Wrong> {
        let (rules, w) = (self.rules, &self.words.say);
        let id = rules.field(field).id.as_str();
        // An honorific in front of a name goes elsewhere, so it does not count.
        let unbounded = Typed { max: usize::MAX, ..typed.clone() };
        let text = match name::received(&unbounded, value) {
            Ok(text) => text,
            Err(NoText::Empty) => String::new(),
            Err(NoText::NoNumber) => {
                return Err(wrong(fill(w.no_number, &[("key", id)]), fill(w.no_number_help, &[("key", id)])));
            }
            Err(NoText::Digits | NoText::TooLong { .. }) => {
                return Err(wrong(fill(w.digits, &[("key", id)]), fill(w.digits_help, &[("key", id)])));
            }
        };
        let count = text::graphemes(self.without_honorific(field, &text));
        if count > typed.max {
            let with = [("key", id), ("count", &*count.to_string()), ("max", &*typed.max.to_string())];
            return Err(wrong(fill(w.too_long, &with), w.too_long_help.into()));
        }
        Ok(Pair::Typed { field, text })
    }

    /// A name without the honorific that it would lose when it is set.
    fn without_honorific<'t>(&self, field: FieldIx, text: &'t str) -> &'t str {
        let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
        let mut probe = Fields::default_of(self.rules);
        // Asked of the one place that knows: does the first word alone go?
        if first.len() <= SAPAAN.len() {
            name::set(self.rules, &mut probe, field, first, true);
            if !first.is_empty() && probe.is_empty(field) {
                return rest;
            }
        }
        text
    }

    /// The first line with something in it.
    fn read_input(&mut self, key: &str) -> Result<String, Wrong> {
        let w = &self.words.say;
        let Some(input) = self.input.take() else {
            return Err(wrong(w.stdin_twice.into(), w.twice_help.into()));
        };
        let failed = |e: &io::Error| {
            let why = match e.kind() {
                ErrorKind::InvalidData => w.stdin_not_utf8.into(),
                _ => outside::reason(e, self.words),
            };
            wrong(fill(w.stdin_bad, &[("key", key), ("why", &why)]), String::new())
        };
        let mut lines = BufReader::new(input.take(MAX_INPUT));
        let mut line = String::new();
        while line.trim().is_empty() {
            line.clear();
            if lines.read_line(&mut line).map_err(|e| failed(&e))? == 0 {
                break;
            }
        }
        Ok(line)
    }
}

fn wrong(message: String, help: String) -> Wrong {
    Wrong { unknown_key: false, message, help }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::Book;
    use crate::words::Lang;

    fn read(pairs: &[&str], input: &[u8]) -> Result<(String, Vec<u16>), Wrong> {
        let book = Book::built_in();
        let pairs: Vec<String> = pairs.iter().map(|p| (*p).to_owned()).collect();
        let given = Reader::new(&book.rules, Lang::En.words(), input).all(&pairs)?;
        let spoken: Vec<String> = book.rules.fields_ix().map(|(ix, _)| given.fields.spoken(&book.rules, ix)).collect();
        Ok((spoken.join("|"), given.situation.values().to_vec()))
    }

    #[test]
    fn facts_by_id_and_choices_in_any_case() {
        let given = read(&["klb=ya", "aplikasi=belum", "sapaan=IBU", "nama=Siti  Aminah"], b"");
        assert_eq!(given, Ok(("Ibu|Siti Aminah".into(), vec![1, 0, 2])));
    }

    #[test]
    fn an_honorific_in_front_counts_unless_one_is_given() {
        assert_eq!(read(&["nama=bu siti"], b"").unwrap().0, "Ibu|siti");
        assert_eq!(read(&["nama=PAK Budi", "sapaan=bapak/ibu"], b"").unwrap().0, "Bapak/Ibu|Budi");
        assert_eq!(read(&["sapaan=Ibu", "nama=pak Budi"], b"").unwrap().0, "Ibu|Budi");
        assert_eq!(read(&["nama=Ibu"], b"").unwrap().0, "Ibu|");
    }

    #[test]
    fn a_name_fills_the_field_and_no_more() {
        let name = "a".repeat(60);
        assert_eq!(read(&[&format!("nama={name}")], b"").unwrap().0, format!("Bapak/Ibu|{name}"));
        assert_eq!(read(&[&format!("nama=bapak {name}")], b"").unwrap().0, format!("Bapak|{name}"));
        assert!(read(&[&format!("nama={name}a")], b"").unwrap_err().message.contains("61"));
        assert!(read(&[&format!("nama=bu {name}a")], b"").unwrap_err().message.contains("61"));
    }

    #[test]
    fn a_name_from_standard_input_is_its_first_line_with_something_in_it() {
        assert_eq!(read(&["nama=-"], b"\n \nibu Siti\nJl. Mawar\n").unwrap().0, "Ibu|Siti");
        assert_eq!(read(&["nama=-"], b"").unwrap().0, "Bapak/Ibu|");
        assert!(read(&["nama=-"], b"\xff\xfe").unwrap_err().message.contains("no UTF-8 text"));
        assert!(read(&["nama=-"], &vec![b'a'; 1 << 20]).unwrap_err().message.contains("65536"));
    }

    #[test]
    fn what_is_wrong_names_what_would_be_right() {
        for (pairs, help) in [
            (&["kbl=ya"][..], "Did you mean \"klb\""),
            (&["klb=yes"], "There are: tidak, ya."),
            (&["sapaan=Raden"], "Bapak/Ibu, Bapak, Ibu"),
            (&["klb"], "klb=ya"),
            (&["klb=ya", "klb=ya"], "Remove one"),
            (&["zona=WIT"], "--zone WIT"),
            (&["nama=0812 345"], "no name"),
        ] {
            let wrong = read(pairs, b"").unwrap_err();
            assert!(wrong.help.contains(help), "{wrong:?}");
        }
    }
}
