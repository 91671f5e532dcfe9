//! What the rules speak of: facts, fields, their keys, zones and greetings.

use std::collections::HashMap;
use std::time::Duration;

use super::values::{duration, minute_of_day, zone_offset};
use super::{Checker, Given};
use crate::rules::file::{self, Text};
use crate::rules::greeting::{Greeting, Greetings};
use crate::rules::problem::{Kind, Named, Problem};
use crate::rules::ruleset::{Fact, Field, FieldKind, SALAM, Scope, Value, Zone};
use crate::rules::shape::Span;
use crate::rules::text;

/// The keys that facts may not take: the program's own.
const RESERVED: &str = "bcdlnqrsvxz";
/// Of these, the ones that a field may take.
const FIELDS_OWN: &str = "bn";

impl<'a> Checker<'a> {
    pub(super) fn facts(&mut self, names: &mut Given<'a>) -> Vec<Fact> {
        let mut out = Vec::with_capacity(self.file.facts.len());
        for (at, fact) in self.file.facts.iter().enumerate() {
            self.sound &= self.give(Named::Fact, fact.id.as_ref(), at, names);
            let id = Self::id(fact.id.as_ref());
            if let Some(t) = fact.id.as_ref().filter(|t| t.value == SALAM) {
                self.note(&t.span, Kind::Taken { id: SALAM.into() });
            }
            let mut value_names = Given::new();
            let mut values = Vec::with_capacity(fact.values.len());
            for (at, value) in fact.values.iter().enumerate() {
                self.sound &= self.give(Named::Value, value.id.as_ref(), at, &mut value_names);
                values.push(Value {
                    id: Self::id(value.id.as_ref()),
                    label: self.plain("label", value.label.as_ref()),
                    banner: value.banner.as_ref().map(|b| self.plain("banner", Some(b))),
                });
            }
            let place = fact.id.as_ref().map_or(&fact.span, |t| &t.span);
            if values.is_empty() {
                self.sound = false;
                if fact.has_values {
                    self.note(place, Kind::NoDefault { what: Named::Fact, id: id.clone() });
                }
            } else if values.len() < 2 {
                self.note(place, Kind::TooFew { key: "values", at_least: 2 });
            }
            out.push(Fact {
                id,
                label: self.plain("label", fact.label.as_ref()),
                help: self.maybe("help", fact.help.as_ref()),
                key: self.key(fact.key.as_ref()),
                scope: self.scope(fact),
                values,
            });
        }
        out
    }

    pub(super) fn id(id: Option<&Text>) -> String {
        id.map(|t| t.value.clone()).unwrap_or_default()
    }

    pub(super) fn key(&self, key: Option<&Text>) -> Option<char> {
        let key = key?;
        let mut chars = key.value.chars();
        if let (Some(c @ 'a'..='z'), None) = (chars.next(), chars.next()) {
            return Some(c);
        }
        self.note(&key.span, Kind::BadKey { found: key.value.clone() });
        None
    }

    pub(super) fn scope(&self, fact: &file::Fact) -> Scope {
        let keep_for = fact.keep_for.as_ref().and_then(|text| {
            let parsed = duration(&text.value);
            if parsed.is_none() {
                self.note(&text.span, Kind::BadDuration { found: text.value.clone() });
            }
            parsed
        });
        let scope = fact.scope.as_ref();
        match scope.map_or("call", |s| s.value.as_str()) {
            "call" => {
                if let Some(text) = &fact.keep_for {
                    self.note(&text.span, Kind::KeepForWithoutShift);
                }
                Scope::Call
            }
            "shift" => Scope::Shift { keep_for: keep_for.unwrap_or(Duration::from_secs(12 * 3600)) },
            other => {
                let kind =
                    Kind::NotOneOf { key: "scope", found: other.into(), valid: vec!["call".into(), "shift".into()] };
                if let Some(scope) = scope {
                    self.note(&scope.span, kind);
                }
                Scope::Call
            }
        }
    }

    pub(super) fn fields(&mut self, names: &mut Given<'a>) -> Vec<Field> {
        let mut out = Vec::with_capacity(self.file.fields.len());
        for (at, field) in self.file.fields.iter().enumerate() {
            self.give(Named::Field, field.id.as_ref(), at, names);
            let id = Self::id(field.id.as_ref());
            if let Some(t) = field.id.as_ref().filter(|t| t.value == SALAM) {
                self.note(&t.span, Kind::Taken { id: SALAM.into() });
            }
            if let (Some(_), Some(max)) = (&field.choices, &field.max) {
                self.note(&max.span, Kind::EitherOr { first: "choices", second: "max", both: true });
            }
            let kind = if let Some(choices) = &field.choices {
                if choices.value.is_empty() {
                    self.note(&choices.span, Kind::NoDefault { what: Named::Field, id: id.clone() });
                }
                let mut seen: HashMap<String, Span> = HashMap::new();
                for choice in &choices.value {
                    self.plain("choices", Some(choice));
                    // Choices are matched without regard to case, so they must differ without it.
                    if let Some(first) = seen.insert(choice.value.to_lowercase(), choice.span.clone()) {
                        let kind = Kind::Duplicate { what: Named::Choice, id: choice.value.clone() };
                        self.problems.borrow_mut().push(Problem::new(choice.span.clone(), kind).and(first));
                    }
                }
                FieldKind::Choice(choices.value.iter().map(|c| text::fold(&c.value)).collect())
            } else {
                let max = field.max.as_ref().map_or(60, |max| {
                    if !(1..=500).contains(&max.value) {
                        self.note(&max.span, Kind::OutOfRange { key: "max", min: 1, max: 500 });
                    }
                    usize::try_from(max.value).unwrap_or(60)
                });
                FieldKind::Typed { max }
            };
            out.push(Field {
                id,
                label: self.plain("label", field.label.as_ref()),
                key: self.key(field.key.as_ref()),
                kind,
            });
        }
        out
    }

    /// Tells keys that two want, or that the program keeps.
    pub(super) fn keys(&self, facts: &[Fact], fields: &[Field]) {
        let mut taken: HashMap<char, (&str, Span)> = HashMap::new();
        let of_facts = facts.iter().zip(&self.file.facts).map(|(f, raw)| (f.key, f.id.as_str(), &raw.key, ""));
        let of_fields =
            fields.iter().zip(&self.file.fields).map(|(f, raw)| (f.key, f.id.as_str(), &raw.key, FIELDS_OWN));
        for (key, id, raw, own) in of_facts.chain(of_fields) {
            let (Some(key), Some(raw)) = (key, raw) else { continue };
            if RESERVED.contains(key) && !own.contains(key) {
                let used = |c: &char| {
                    RESERVED.contains(*c)
                        || facts.iter().any(|f| f.key == Some(*c))
                        || fields.iter().any(|f| f.key == Some(*c))
                };
                let free = ('a'..='z').filter(|c| !used(c)).collect();
                self.note(&raw.span, Kind::KeyReserved { key, free });
            } else if let Some((first, place)) = taken.get(&key) {
                let kind = Kind::KeyClash { key, first: (*first).into(), second: id.into() };
                self.problems.borrow_mut().push(Problem::new(raw.span.clone(), kind).and(place.clone()));
            } else {
                taken.insert(key, (id, raw.span.clone()));
            }
        }
    }

    pub(super) fn zones(&self) -> Vec<Zone> {
        let mut names = Given::new();
        let mut out = Vec::with_capacity(self.file.zones.len());
        for (at, zone) in self.file.zones.iter().enumerate() {
            self.give(Named::Zone, zone.id.as_ref(), at, &mut names);
            let Some(offset) = &zone.offset else { continue };
            match zone_offset(&offset.value) {
                Some(seconds) => out.push(Zone { id: Self::id(zone.id.as_ref()), offset: seconds }),
                None => self.note(&offset.span, Kind::ZoneOffset { found: offset.value.clone() }),
            }
        }
        out
    }

    pub(super) fn greetings(&self) -> Greetings {
        let mut rows: Vec<Greeting> = Vec::with_capacity(self.file.greetings.len());
        let mut before: Option<&Text> = None;
        for greeting in &self.file.greetings {
            let word = self.plain("word", greeting.word.as_ref());
            let Some(from) = &greeting.from else { continue };
            let Some(minute) = minute_of_day(&from.value) else {
                self.note(&from.span, Kind::BadTime { found: from.value.clone() });
                continue;
            };
            if let (Some(before), Some(last)) = (before, rows.last())
                && minute <= last.from
            {
                let kind = Kind::GreetingOrder { from: from.value.clone(), before: before.value.clone() };
                self.problems.borrow_mut().push(Problem::new(from.span.clone(), kind).and(before.span.clone()));
                continue;
            }
            before = Some(from);
            rows.push(Greeting { from: minute, word });
        }
        // No row at all has been told already; the stand-in never leaves this room, since the file is refused.
        Greetings::new(rows).unwrap_or_else(Greetings::none)
    }
}
