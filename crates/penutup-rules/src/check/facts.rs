//! Facts, fields, their keys and roles, zones and greetings.

use std::collections::HashMap;
use std::time::Duration;

use super::values::{duration, minute_of_day, zone_offset};
use chrono::FixedOffset;
use vec1::Vec1;

use super::{Checker, Ids};
use crate::file::{self, Text};
use crate::greeting::{Greeting, Greetings};
use crate::problem::{Kind, Named, Owner, Problem, Span};
use crate::ruleset::{
    Choice, Choices, Fact, Field, FieldIx, FieldKind, FieldScope, KLB, NAMA, Roles, SALAM, SAPAAN, Scope, TextKind,
    Typed, Value, Zone,
};
use crate::shape::At;
use crate::text::{self, bare_word};

/// Keys of the program, which facts may not use.
const RESERVED: &str = "bcdlnqrsvxz";
/// Of these, the keys that fields may use.
const ALLOWED_FOR_FIELDS: &str = "bn";

impl<'a> Checker<'a> {
    pub(super) fn facts(&mut self, names: &mut Ids<'a>) -> Vec<Fact> {
        let mut out = Vec::with_capacity(self.file.facts.len());
        for (at, fact) in self.file.facts.iter().enumerate() {
            self.provable &= self.register(Named::Fact, fact.id.as_ref(), at, names);
            let id = Self::id(fact.id.as_ref());
            if let Some(t) = fact.id.as_ref().filter(|t| t.value == SALAM) {
                self.note(&t.span, Kind::Taken { id: SALAM.into() });
            }
            let mut value_names = Ids::new();
            let mut values = Vec::with_capacity(fact.values.len());
            for (at, value) in fact.values.iter().enumerate() {
                self.provable &= self.register(Named::Value, value.id.as_ref(), at, &mut value_names);
                values.push(Value {
                    id: Self::id(value.id.as_ref()),
                    label: self.plain("label", value.label.as_ref()),
                    short: value.short.as_ref().map(|s| self.plain("short", Some(s))),
                    banner: value.banner.as_ref().map(|b| self.plain("banner", Some(b))),
                });
            }
            let place = fact.id.as_ref().map_or(&fact.span, |t| &t.span);
            if values.is_empty() {
                self.provable = false;
                if fact.has_values {
                    self.note(place, Kind::NoDefault { what: Named::Fact, id: id.clone() });
                }
            } else if values.len() < 2 {
                self.note(place, Kind::TooFew { key: "values", at_least: 2 });
            }
            let values = self.at_least_one(values, || Value {
                id: String::new(),
                label: String::new(),
                short: None,
                banner: None,
            });
            let labels = values.iter().zip(&fact.values).map(|(v, raw)| (v.label.as_str(), raw.label.as_ref()));
            let distinct = self.check_distinct_labels(labels.map(|(label, raw)| (label, raw, Owner::Fact(at))));
            // A narrow window shows only the short label.
            let narrow = values.iter().zip(&fact.values).map(|(v, raw)| match &v.short {
                Some(short) => (short.as_str(), raw.short.as_ref()),
                None => (v.label.as_str(), raw.label.as_ref()),
            });
            if distinct {
                self.check_distinct_labels(narrow.map(|(label, raw)| (label, raw, Owner::Fact(at))));
            }
            out.push(Fact {
                id,
                label: self.plain("label", fact.label.as_ref()),
                help: self.optional("help", fact.help.as_ref()),
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

    pub(super) fn fields(&mut self, names: &mut Ids<'a>) -> Vec<Field> {
        let mut out = Vec::with_capacity(self.file.fields.len());
        for (at, field) in self.file.fields.iter().enumerate() {
            self.register(Named::Field, field.id.as_ref(), at, names);
            let id = Self::id(field.id.as_ref());
            if let Some(t) = field.id.as_ref().filter(|t| t.value == SALAM) {
                self.note(&t.span, Kind::Taken { id: SALAM.into() });
            }
            if let (Some(_), Some(max)) = (&field.choices, &field.max) {
                self.note(&max.span, Kind::EitherOr { first: "choices", second: "max", both: true });
            }
            let kind = match &field.choices {
                Some(choices) => FieldKind::Choice(self.choices(field, &id, choices)),
                None => FieldKind::Typed(self.typed(field, &id)),
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

    fn choices(&self, field: &file::Field, id: &str, choices: &At<Vec<file::Choice>>) -> Choices {
        self.only_for(false, "kind", field.kind.as_ref());
        self.only_for(false, "empty", field.empty.as_ref());
        self.only_for(false, "scope", field.scope.as_ref());
        if choices.value.is_empty() {
            self.note(&choices.span, Kind::NoDefault { what: Named::Field, id: id.to_owned() });
        }
        let mut seen: HashMap<String, Span> = HashMap::new();
        let mut check_unique = |text: &Text| {
            // Choices and aliases are matched ignoring case, so they must differ in more than case.
            if let Some(first) = seen.insert(bare_word(&text.value), text.span.clone()) {
                let kind = Kind::Duplicate { what: Named::Choice, id: text.value.clone() };
                self.problems.borrow_mut().push(Problem::new(text.span.clone(), kind).with_other(first));
            }
        };
        let mut all = Vec::with_capacity(choices.value.len());
        for choice in &choices.value {
            check_unique(&choice.text);
            // A choice may repeat its own text as an alias ("bapak" for "Bapak").
            let own = bare_word(&choice.text.value);
            let mut aliases = vec![own.clone()];
            for alias in &choice.aliases {
                self.plain("aliases", Some(alias));
                self.one_word("aliases", alias);
                let word = bare_word(&alias.value);
                if word != own {
                    check_unique(alias);
                    aliases.push(word);
                }
            }
            all.push(Choice {
                text: self.plain("choices", Some(&choice.text)),
                short: choice.short.as_ref().map(|s| self.plain("short", Some(s))),
                aliases,
            });
        }
        let mut drop = Vec::new();
        for word in field.drop.iter().flat_map(|d| &d.value) {
            self.plain("drop", Some(word));
            self.one_word("drop", word);
            check_unique(word);
            drop.push(bare_word(&word.value));
        }
        let placeholder = || Choice { text: String::new(), short: None, aliases: vec![] };
        Choices { choices: self.at_least_one(all, placeholder), drop }
    }

    fn typed(&self, field: &file::Field, id: &str) -> Typed {
        self.only_for_list(true, "drop", field.drop.as_ref().map(|d| &d.span));
        let max = field.max.as_ref().map_or(60, |max| {
            if !(1..=500).contains(&max.value) {
                self.note(&max.span, Kind::OutOfRange { key: "max", min: 1, max: 500 });
            }
            usize::try_from(max.value).unwrap_or(60)
        });
        let is_name = match &field.role {
            Some(role) => role.value == "name",
            None => id == NAMA,
        };
        let default = if is_name { TextKind::Name } else { TextKind::Text };
        let kinds = [("name", TextKind::Name), ("text", TextKind::Text), ("number", TextKind::Number)];
        let scopes = [("call", FieldScope::Call), ("shift", FieldScope::Shift)];
        // An empty text declares that nothing is spoken.
        let empty = field
            .empty
            .as_ref()
            .map(|text| if text.value.is_empty() { String::new() } else { self.plain("empty", Some(text)) });
        Typed {
            max,
            text: self.one_of("kind", field.kind.as_ref(), &kinds).unwrap_or(default),
            empty,
            scope: self.one_of("scope", field.scope.as_ref(), &scopes).unwrap_or(FieldScope::Call),
        }
    }

    /// Honorifics are matched against the first word of a name, so they must be single words.
    fn one_word(&self, key: &'static str, text: &Text) {
        let word = bare_word(&text.value);
        if !text::is_blank(&text.value) && (word.is_empty() || word.contains(' ')) {
            self.note(&text.span, Kind::NotOneWord { key, found: text.value.clone() });
        }
    }

    /// The value with this name; an unknown name is reported.
    fn one_of<T: Copy>(&self, key: &'static str, text: Option<&Text>, all: &[(&str, T)]) -> Option<T> {
        let text = text?;
        let found = all.iter().find(|(name, _)| *name == text.value);
        if found.is_none() {
            let valid = all.iter().map(|(name, _)| (*name).to_owned()).collect();
            self.note(&text.span, Kind::NotOneOf { key, found: text.value.clone(), valid });
        }
        found.map(|(_, value)| *value)
    }

    /// Reports a key that belongs to the other kind of field.
    fn only_for(&self, choices: bool, key: &'static str, text: Option<&Text>) {
        self.only_for_list(choices, key, text.map(|t| &t.span));
    }

    fn only_for_list(&self, choices: bool, key: &'static str, place: Option<&Span>) {
        if let Some(place) = place {
            self.note(place, Kind::OnlyFor { key, typed: !choices });
        }
    }

    /// Roles by `role`, otherwise by the ids of the SOP.
    pub(super) fn roles(&self, facts: &[Fact], fields: &[Field]) -> Roles {
        let fact_role = |at: usize| self.file.facts[at].role.as_ref();
        let field_role = |at: usize| self.file.fields[at].role.as_ref();
        for (at, fact) in facts.iter().enumerate() {
            let role = self.one_of("role", fact_role(at), &[("emergency", ())]);
            if let (Some(()), Scope::Call, Some(place)) = (role, fact.scope, fact_role(at)) {
                self.note(&place.span, Kind::EmergencyOfACall);
            }
        }
        for (at, field) in fields.iter().enumerate() {
            let Some(role) = field_role(at) else { continue };
            if self.one_of("role", Some(role), &[("name", ()), ("honorific", ())]).is_none() {
                continue;
            }
            let typed = matches!(field.kind, FieldKind::Typed(_));
            if typed != (role.value == "name") {
                self.note(&role.span, Kind::OnlyFor { key: "role", typed: !typed });
            }
        }
        let field = |role: &'static str, id: &str, typed: bool| {
            let of_kind = |at: &usize| matches!(fields[*at].kind, FieldKind::Typed(_)) == typed;
            let has_role = |at: &usize| field_role(*at).is_some_and(|r| r.value == role);
            let found = self.unique_role(role, &(0..fields.len()).filter(has_role).collect::<Vec<_>>(), field_role);
            let by_id = (0..fields.len()).find(|at| fields[*at].id == id && field_role(*at).is_none());
            found.or(by_id).filter(of_kind).and_then(|at| u16::try_from(at).ok()).map(FieldIx)
        };
        let has_role = |at: &usize| fact_role(*at).is_some_and(|r| r.value == "emergency");
        let emergency =
            self.unique_role("emergency", &(0..facts.len()).filter(has_role).collect::<Vec<_>>(), fact_role);
        Roles {
            name: field("name", NAMA, true),
            honorific: field("honorific", SAPAAN, false),
            emergency: emergency.or_else(|| facts.iter().position(|f| f.id == KLB)),
        }
    }

    fn unique_role<'t>(
        &self,
        role: &'static str,
        found: &[usize],
        place: impl Fn(usize) -> Option<&'t Text>,
    ) -> Option<usize> {
        let first = *found.first()?;
        for text in found[1..].iter().filter_map(|at| place(*at)) {
            let problem = Problem::new(text.span.clone(), Kind::RoleTwice { role });
            let problem = match place(first) {
                Some(other) => problem.with_other(other.span.clone()),
                None => problem,
            };
            self.problems.borrow_mut().push(problem);
        }
        Some(first)
    }

    /// Reports labels equal to an earlier one, ignoring case. Returns whether all are distinct.
    pub(super) fn check_distinct_labels<'t>(
        &self,
        labels: impl Iterator<Item = (&'t str, Option<&'t Text>, Owner)>,
    ) -> bool {
        let mut distinct = true;
        let mut seen: HashMap<String, Span> = HashMap::new();
        for (label, raw, owner) in labels {
            let (Some(raw), false) = (raw, label.is_empty()) else { continue };
            if let Some(first) = seen.get(&label.to_lowercase()) {
                distinct = false;
                let kind = Kind::SameLabel { label: label.to_owned() };
                self.problems
                    .borrow_mut()
                    .push(Problem::new(raw.span.clone(), kind).with_other(first.clone()).with_owner(owner));
            } else {
                seen.insert(label.to_lowercase(), raw.span.clone());
            }
        }
        distinct
    }

    /// Reports keys that are used twice or reserved.
    pub(super) fn keys(&self, facts: &[Fact], fields: &[Field]) {
        let mut taken: HashMap<char, (&str, Span)> = HashMap::new();
        let of_facts = facts.iter().zip(&self.file.facts).map(|(f, raw)| (f.key, f.id.as_str(), &raw.key, ""));
        let of_fields =
            fields.iter().zip(&self.file.fields).map(|(f, raw)| (f.key, f.id.as_str(), &raw.key, ALLOWED_FOR_FIELDS));
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
                self.problems.borrow_mut().push(Problem::new(raw.span.clone(), kind).with_other(place.clone()));
            } else {
                taken.insert(key, (id, raw.span.clone()));
            }
        }
    }

    pub(super) fn zones(&self) -> Vec1<Zone> {
        let mut names = Ids::new();
        let mut out = Vec::with_capacity(self.file.zones.len());
        for (at, zone) in self.file.zones.iter().enumerate() {
            self.register(Named::Zone, zone.id.as_ref(), at, &mut names);
            let Some(offset) = &zone.offset else { continue };
            match zone_offset(&offset.value) {
                Some(seconds) => out.push(Zone { id: Self::id(zone.id.as_ref()), offset: seconds }),
                None => self.note(&offset.span, Kind::ZoneOffset { found: offset.value.clone() }),
            }
        }
        self.at_least_one(out, || Zone {
            id: String::new(),
            offset: FixedOffset::east_opt(0).expect("zero is in range"),
        })
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
                self.problems.borrow_mut().push(Problem::new(from.span.clone(), kind).with_other(before.span.clone()));
                continue;
            }
            before = Some(from);
            rows.push(Greeting { from: minute, word });
        }
        let rows = self.at_least_one(rows, || Greeting { from: 0, word: String::new() });
        Greetings::new(rows.into_vec()).expect("rows are read in increasing order, each within a day")
    }
}
