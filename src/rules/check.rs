//! Shape → checked rules: every name resolved, every text looked at, every problem found. What holds over *all*
//! situations is proved next door, in `proof`.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{FixedOffset, NaiveDate};
use num_bigint::BigUint;

use super::file::{self, File, Text, When};
use super::greeting::{Greeting, Greetings};
use super::problem::{Kind, Named, Problem};
use super::proof;
use super::ruleset::{
    Duty, Fact, Field, FieldIx, FieldKind, Proved, Requirement, Rule, RuleSet, SALAM, Scope, Sop, Step, StepIx,
    StepWords, Value, Zone,
};
use super::script::{BadBrace, Template};
use super::shape::{At, Problems, Span, note};
use super::space::{Cube, Space, Values};
use super::text;

/// The most rules that are read.
pub const MAX_RULES: usize = 10_000;
/// A sentence over this many characters is warned of.
pub const LONG_SENTENCE: usize = 240;
/// The most problems told of one code.
pub const MAX_OF_A_CODE: usize = 50;
/// The keys that facts may not take: the program's own.
const RESERVED: &str = "bcdlnqrsvxz";
/// Of these, the ones that a field may take.
const FIELDS_OWN: &str = "bn";

/// What `check` found.
#[derive(Debug)]
pub struct Report {
    /// The checked rules; there are none where the file has an error.
    pub rules: Option<RuleSet>,
    /// Every problem, in the order of the file.
    pub problems: Vec<Problem>,
    /// How many facts the file names.
    pub facts: usize,
    /// How many rules the file names.
    pub rows: usize,
    /// How many situations its facts make.
    pub situations: BigUint,
}

impl Report {
    /// How many errors.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.problems.iter().filter(|p| p.is_error()).count()
    }

    /// How many warnings.
    #[must_use]
    pub fn warnings(&self) -> usize {
        self.problems.len() - self.errors()
    }
}

/// Checks a rules file. `today` is the day against which `effective_from` is held.
#[must_use]
pub fn check(bytes: &[u8], today: NaiveDate) -> Report {
    let problems = Problems::default();
    let file = file::read(bytes, &problems);
    let (facts, rows) = file.as_ref().map_or((0, 0), |f| (f.facts.len(), f.rules.len()));
    let mut situations = BigUint::ZERO;
    let mut draft = None;
    if let Some(file) = file {
        let sound = !problems.borrow().iter().any(|p| leaves_a_hole(&p.kind));
        let mut checker = Checker { file: &file, bytes, problems: &problems, sound, space: Space::new(vec![]) };
        let resolved = checker.resolve();
        situations = checker.space.count();
        if checker.sound {
            proof::prove(&resolved, &places(&file), today, &problems);
        }
        draft = Some(resolved);
    }
    let mut problems = bounded(problems.into_inner());
    problems.sort_by_key(|p| (p.span.start, p.span.end, p.code()));
    let rules = draft.filter(|_| !problems.iter().any(Problem::is_error));
    Report { rules, problems, facts, rows, situations }
}

/// Whether what could not be read leaves a hole in a condition or a list of steps, so that a proof would accuse falsely.
/// A text that is only spoken or shown leaves none.
fn leaves_a_hole(kind: &Kind) -> bool {
    let (Kind::WrongType { key, .. } | Kind::TooLong { key, .. }) = kind else { return false };
    #[rustfmt::skip]
    let shown = [
        "title", "revision", "supersedes", "issuer", "effective_from", "label", "help", "key", "scope", "keep_for",
        "banner", "choices", "max", "offset", "from", "word", "say", "remind", "basis", "note", "score", "caution",
    ];
    !shown.contains(&key.as_str())
}

/// At most [`MAX_OF_A_CODE`] problems of each code, the cut told.
fn bounded(all: Vec<Problem>) -> Vec<Problem> {
    let mut seen: HashMap<_, usize> = HashMap::new();
    let mut out = Vec::with_capacity(all.len().min(1024));
    for problem in all {
        let count = seen.entry(problem.code()).or_default();
        *count += 1;
        if *count <= MAX_OF_A_CODE {
            out.push(problem);
        } else if *count == MAX_OF_A_CODE + 1 {
            let kind = Kind::More { code: problem.code(), shown: MAX_OF_A_CODE };
            out.push(Problem::new(problem.span, kind));
        }
    }
    out
}

/// Where the proof's problems point to.
pub struct Places {
    /// Each rule's id.
    pub rules: Vec<Span>,
    /// Each rule's steps.
    pub rule_steps: Vec<Span>,
    /// Each requirement's id.
    pub requirements: Vec<Span>,
    /// Each fact's id.
    pub facts: Vec<Span>,
    /// Each fact's values' ids.
    pub values: Vec<Vec<Span>>,
    /// Each step's id.
    pub steps: Vec<Span>,
    /// Each step's sentence.
    pub sentences: Vec<Span>,
    /// `effective_from`.
    pub effective_from: Span,
}

fn places(file: &File) -> Places {
    let of = |text: &Option<Text>, table: &Span| text.as_ref().map_or(table.clone(), |t| t.span.clone());
    Places {
        rules: file.rules.iter().map(|r| of(&r.id, &r.span)).collect(),
        rule_steps: file.rules.iter().map(|r| r.steps.as_ref().map_or(r.span.clone(), |s| s.span.clone())).collect(),
        requirements: file.requirements.iter().map(|r| of(&r.id, &r.span)).collect(),
        facts: file.facts.iter().map(|f| of(&f.id, &f.span)).collect(),
        values: file.facts.iter().map(|f| f.values.iter().map(|v| of(&v.id, &f.span)).collect()).collect(),
        steps: file.steps.iter().map(|s| of(&s.id, &s.span)).collect(),
        sentences: file.steps.iter().map(|s| of(&s.say, &s.span)).collect(),
        effective_from: file.sop.as_ref().and_then(|s| s.effective_from.as_ref()).map_or(0..0, |day| day.span.clone()),
    }
}

struct Checker<'a> {
    file: &'a File,
    bytes: &'a [u8],
    problems: &'a Problems,
    /// Whether facts, rules and steps are whole enough for a proof: a rule that names an unknown value would only
    /// make false gaps.
    sound: bool,
    space: Space,
}

/// Names already given, each with its place.
type Given<'a> = HashMap<&'a str, (u16, Span)>;

impl<'a> Checker<'a> {
    fn note(&self, span: &Span, kind: Kind) {
        note(self.problems, span.clone(), kind);
    }

    /// A text that must not be empty; a missing one has been told already.
    fn full(&self, key: &'static str, text: Option<&Text>) -> String {
        let Some(text) = text else { return String::new() };
        if text::is_blank(&text.value) {
            self.note(&text.span, Kind::Empty { key });
        }
        text.value.clone()
    }

    fn maybe(&self, key: &'static str, text: Option<&Text>) -> Option<String> {
        text.map(|t| self.full(key, Some(t)))
    }

    /// A text that is shown as it stands, so that braces in it would reach the screen raw.
    fn plain(&self, key: &'static str, text: Option<&Text>) -> String {
        let full = self.full(key, text);
        let Some(text) = text else { return full };
        match Template::parse(&full, |_| None) {
            Ok(template) => match template.pieces() {
                [] => full,
                [super::script::Piece::Fixed(fixed)] => fixed.clone(),
                _ => {
                    let kind = Kind::UnknownPlaceholder { name: SALAM.into(), valid: vec![] };
                    self.note(&self.find(&text.span, "{salam}"), kind);
                    full
                }
            },
            Err(bad) => {
                self.braces(&text.span, bad, &[]);
                full
            }
        }
    }

    fn braces(&self, span: &Span, bad: Vec<BadBrace>, valid: &[String]) {
        for brace in bad {
            match brace {
                BadBrace::Unknown(name) => {
                    let place = self.find(span, &format!("{{{name}}}"));
                    self.note(&place, Kind::UnknownPlaceholder { name, valid: valid.to_vec() });
                }
                BadBrace::Unclosed => self.note(span, Kind::LoneBrace { brace: '{' }),
                BadBrace::Stray => self.note(span, Kind::LoneBrace { brace: '}' }),
            }
        }
    }

    /// Where a part of a text stands, as far as the file has it letter for letter; else the whole text.
    fn find(&self, span: &Span, part: &str) -> Span {
        let text = self.bytes.get(span.clone()).unwrap_or_default();
        let at = text.windows(part.len().max(1)).position(|w| w == part.as_bytes());
        at.map_or(span.clone(), |at| span.start + at..span.start + at + part.len())
    }

    /// Checks an id's letters and that it is new; answers whether it is good.
    fn give(&self, what: Named, id: Option<&'a Text>, at: usize, given: &mut Given<'a>) -> bool {
        let Some(id) = id else { return false };
        let good =
            !id.value.is_empty() && id.value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        // A zone's id is shown as it stands ("WIB"), so it is a word of its own kind.
        let good = good || (what == Named::Zone && is_zone_id(&id.value));
        if !good {
            self.note(&id.span, Kind::BadId { id: id.value.clone() });
            return false;
        }
        if let Some((_, first)) = given.get(id.value.as_str()) {
            let kind = Kind::Duplicate { what, id: id.value.clone() };
            self.problems.borrow_mut().push(Problem::new(id.span.clone(), kind).and(first.clone()));
            return false;
        }
        given.insert(&id.value, (u16::try_from(at).unwrap_or(u16::MAX), id.span.clone()));
        true
    }

    fn resolve(&mut self) -> RuleSet {
        let file = self.file;
        if file.rules.len() > MAX_RULES {
            self.sound = false;
            self.note(&file.rules[MAX_RULES].span, Kind::TooManyRules { found: file.rules.len() });
        }
        // Facts and fields share one namespace.
        let mut names = Given::new();
        let facts = self.facts(&mut names);
        self.space = Space::new(facts.iter().map(|f| f.values.len().max(1)).collect());
        let fact_names: HashMap<&str, usize> =
            facts.iter().enumerate().rev().map(|(at, f)| (f.id.as_str(), at)).collect();
        let fields = self.fields(&mut names);
        self.keys(&facts, &fields);
        let zones = self.zones();
        let greetings = self.greetings();
        let mut step_names = Given::new();
        let steps = self.steps(&fields, &mut step_names);
        let rules = self.rules(&facts, &fact_names, &step_names);
        let requirements = self.requirements(&facts, &fact_names, &step_names);
        let sop = file.sop.as_ref().map_or_else(
            || Sop {
                title: String::new(),
                revision: String::new(),
                supersedes: None,
                issuer: None,
                effective_from: None,
            },
            |s| Sop {
                title: self.plain("title", s.title.as_ref()),
                revision: self.plain("revision", s.revision.as_ref()),
                supersedes: self.maybe("supersedes", s.supersedes.as_ref()),
                issuer: self.maybe("issuer", s.issuer.as_ref()),
                effective_from: s.effective_from.as_ref().map(|d| d.value),
            },
        );
        RuleSet { sop, facts, fields, zones, greetings, steps, rules, requirements, proved: Proved }
    }

    fn facts(&mut self, names: &mut Given<'a>) -> Vec<Fact> {
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

    fn id(id: Option<&Text>) -> String {
        id.map(|t| t.value.clone()).unwrap_or_default()
    }

    fn key(&self, key: Option<&Text>) -> Option<char> {
        let key = key?;
        let mut chars = key.value.chars();
        if let (Some(c @ 'a'..='z'), None) = (chars.next(), chars.next()) {
            return Some(c);
        }
        self.note(&key.span, Kind::BadKey { found: key.value.clone() });
        None
    }

    fn scope(&self, fact: &file::Fact) -> Scope {
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

    fn fields(&mut self, names: &mut Given<'a>) -> Vec<Field> {
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
    fn keys(&self, facts: &[Fact], fields: &[Field]) {
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

    fn zones(&self) -> Vec<Zone> {
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

    fn greetings(&self) -> Greetings {
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

    fn steps(&mut self, fields: &[Field], names: &mut Given<'a>) -> Vec<Step> {
        let mut valid: Vec<String> = vec![SALAM.into()];
        valid.extend(fields.iter().map(|f| f.id.clone()));
        let ids: HashMap<&str, FieldIx> =
            (0u16..).map(FieldIx).zip(fields).map(|(ix, f)| (f.id.as_str(), ix)).collect();
        let mut lines = Lines::new(self.bytes);
        let mut out = Vec::with_capacity(self.file.steps.len());
        for (at, step) in self.file.steps.iter().enumerate() {
            self.sound &= self.give(Named::Step, step.id.as_ref(), at, names);
            if step.has.0 == step.has.1 {
                let kind = Kind::EitherOr { first: "say", second: "remind", both: step.has.0 };
                self.note(step.id.as_ref().map_or(&step.span, |t| &t.span), kind);
            }
            let words = match (&step.say, &step.remind) {
                (Some(say), _) => StepWords::Say(self.sentence(say, &ids, &valid, fields)),
                (None, remind) => StepWords::Remind(self.plain("remind", remind.as_ref())),
            };
            out.push(Step {
                id: Self::id(step.id.as_ref()),
                title: self.plain("title", step.title.as_ref()),
                words,
                basis: self.maybe("basis", step.basis.as_ref()),
                note: self.maybe("note", step.note.as_ref()),
                score: step.score.iter().map(|s| self.full("score", Some(s))).collect(),
                line: lines
                    .line_of(step.say.as_ref().or(step.remind.as_ref()).map_or(step.span.start, |t| t.span.start)),
            });
        }
        out
    }

    fn sentence(&self, say: &Text, ids: &HashMap<&str, FieldIx>, valid: &[String], fields: &[Field]) -> Template {
        let before = self.problems.borrow().len();
        let full = self.full("say", Some(say));
        let template = Template::parse(&full, |id| ids.get(id).copied());
        let template = template.unwrap_or_else(|bad| {
            self.braces(&say.span, bad, valid);
            Template::default()
        });
        let untold = self.problems.borrow().len() == before;
        if untold && template.may_be_empty(|ix| matches!(fields[ix.at()].kind, FieldKind::Typed { .. })) {
            self.note(&say.span, Kind::MayBeEmpty);
        }
        template
    }

    fn step_list(&self, list: &At<Vec<Text>>, steps: &Given<'_>) -> Option<Vec<StepIx>> {
        let (mut out, mut whole) = (Vec::with_capacity(list.value.len()), true);
        for step in &list.value {
            let Some((ix, _)) = steps.get(step.value.as_str()) else {
                let valid = steps.keys().map(|k| (*k).to_owned()).collect();
                self.note(&step.span, Kind::UnknownStep { id: step.value.clone(), valid: sorted(valid) });
                whole = false;
                continue;
            };
            if out.contains(&StepIx(*ix)) {
                self.note(&step.span, Kind::Duplicate { what: Named::Step, id: step.value.clone() });
                whole = false;
                continue;
            }
            out.push(StepIx(*ix));
        }
        whole.then_some(out)
    }

    fn when(&self, when: &When, facts: &[Fact], names: &HashMap<&str, usize>) -> Option<Cube> {
        let (mut cube, mut whole) = (Cube::any(), true);
        for (id, values) in when {
            let Some(&at) = names.get(id.value.as_str()) else {
                let valid = sorted(names.keys().map(|k| (*k).to_owned()).collect());
                self.note(&id.span, Kind::UnknownFact { id: id.value.clone(), valid });
                whole = false;
                continue;
            };
            let fact = &facts[at];
            let mut chosen = Values::default();
            for value in &values.value {
                let Some(position) = fact.values.iter().position(|v| v.id == value.value) else {
                    let valid = fact.values.iter().map(|v| v.id.clone()).collect();
                    whole = false;
                    // A fact without values has been told at its place; each rule would only repeat it.
                    if !fact.values.is_empty() {
                        let kind = Kind::UnknownValue { fact: fact.id.clone(), id: value.value.clone(), valid };
                        self.note(&value.span, kind);
                    }
                    continue;
                };
                if chosen.contains(position) {
                    self.note(&value.span, Kind::Duplicate { what: Named::Value, id: value.value.clone() });
                }
                chosen.insert(position);
            }
            if values.value.is_empty() {
                self.note(&values.span, Kind::TooFew { key: "when", at_least: 1 });
                whole = false;
            } else if !chosen.is_empty() {
                cube = cube.with(at, chosen);
            }
        }
        whole.then_some(cube)
    }

    fn rules(&mut self, facts: &[Fact], fact_names: &HashMap<&str, usize>, steps: &Given<'_>) -> Vec<Rule> {
        let mut names = Given::new();
        let mut lines = Lines::new(self.bytes);
        let mut out = Vec::with_capacity(self.file.rules.len());
        for (at, rule) in self.file.rules.iter().enumerate() {
            // A wrong id does not harm the proof; a wrong condition or step does.
            self.give(Named::Rule, rule.id.as_ref(), at, &mut names);
            let when = self.when(&rule.when, facts, fact_names);
            let list = rule.steps.as_ref().and_then(|list| self.step_list(list, steps));
            if let Some(list) = rule.steps.as_ref().filter(|l| l.value.is_empty()) {
                self.note(&list.span, Kind::TooFew { key: "steps", at_least: 1 });
            }
            self.sound &= when.is_some() && list.is_some();
            out.push(Rule {
                id: Self::id(rule.id.as_ref()),
                when: when.unwrap_or_else(Cube::any),
                steps: list.unwrap_or_default(),
                basis: self.maybe("basis", rule.basis.as_ref()),
                caution: rule.caution.as_ref().map(|c| self.plain("caution", Some(c))),
                line: lines.line_of(rule.span.start),
            });
        }
        out
    }

    fn requirements(
        &mut self,
        facts: &[Fact],
        fact_names: &HashMap<&str, usize>,
        steps: &Given<'_>,
    ) -> Vec<Requirement> {
        let mut names = Given::new();
        let mut out = Vec::with_capacity(self.file.requirements.len());
        for (at, require) in self.file.requirements.iter().enumerate() {
            self.give(Named::Requirement, require.id.as_ref(), at, &mut names);
            if !require.has_duty {
                self.note(require.id.as_ref().map_or(&require.span, |t| &t.span), Kind::NoDuty);
            }
            let when = self.when(&require.when, facts, fact_names);
            let mut duties = Vec::new();
            let mut add = |key: &'static str, list: &Option<At<Vec<Text>>>, duty: fn(Vec<StepIx>) -> Duty| {
                let Some(list) = list else { return };
                if list.value.is_empty() {
                    self.note(&list.span, Kind::TooFew { key, at_least: 1 });
                }
                duties.extend(self.step_list(list, steps).map(duty));
            };
            add("always", &require.always, Duty::Always);
            add("never", &require.never, Duty::Never);
            add("exactly_one", &require.exactly_one, Duty::ExactlyOne);
            add("order", &require.order, Duty::Order);
            if let Some(last) = &require.last {
                let list = At { value: vec![last.clone()], span: last.span.clone() };
                duties.extend(self.step_list(&list, steps).and_then(|l| l.first().copied()).map(Duty::Last));
            }
            out.push(Requirement {
                id: Self::id(require.id.as_ref()),
                // A condition that could not be read has been told; meeting nothing, it accuses nobody falsely.
                duties: if when.is_some() { duties } else { Vec::new() },
                when: when.unwrap_or_else(Cube::any),
                basis: self.maybe("basis", require.basis.as_ref()),
            });
        }
        out
    }
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}

/// Counts lines going forward, so that many rules cost one pass over the file.
struct Lines<'b> {
    bytes: &'b [u8],
    at: usize,
    line: usize,
}

impl<'b> Lines<'b> {
    fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, at: 0, line: 1 }
    }

    fn line_of(&mut self, byte: usize) -> usize {
        if byte < self.at {
            (self.at, self.line) = (0, 1);
        }
        self.line += self.bytes[self.at..byte].split(|b| *b == b'\n').count() - 1;
        self.at = byte;
        self.line
    }
}

/// Letters, digits and `-`, at most 12: a zone's name stands in the header.
fn is_zone_id(id: &str) -> bool {
    (1..=12).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// "12h", "90m", "2d", "1h30m"; from one minute to 31 days.
fn duration(text: &str) -> Option<Duration> {
    let (mut total, mut number) = (0u64, None::<u64>);
    for c in text.chars() {
        if let Some(digit) = c.to_digit(10) {
            number = Some(number.unwrap_or(0).checked_mul(10)?.checked_add(u64::from(digit))?);
            continue;
        }
        let unit = match c {
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return None,
        };
        total = total.checked_add(number.take()?.checked_mul(unit)?)?;
    }
    (number.is_none() && (60..=31 * 86_400).contains(&total)).then(|| Duration::from_secs(total))
}

/// "HH:MM" → the minute of the day.
fn minute_of_day(text: &str) -> Option<u16> {
    let (hours, minutes) = two_numbers(text)?;
    (hours < 24).then_some(hours * 60 + minutes)
}

/// "+07:00" → the offset; from −12:00 to +14:00, where people live.
fn zone_offset(text: &str) -> Option<FixedOffset> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = two_numbers(rest)?;
    let minutes = sign * (i32::from(hours) * 60 + i32::from(minutes));
    (-12 * 60..=14 * 60).contains(&minutes).then(|| FixedOffset::east_opt(minutes * 60))?
}

fn two_numbers(text: &str) -> Option<(u16, u16)> {
    let (left, right) = text.split_once(':')?;
    let number =
        |part: &str| (part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse::<u16>().ok())?;
    let (left, right) = (number(left)?, number(right)?);
    (right < 60).then_some((left, right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units_and_bounds() {
        assert_eq!(duration("12h"), Some(Duration::from_secs(43_200)));
        assert_eq!(duration("1h30m"), Some(Duration::from_secs(5400)));
        for bad in ["", "12", "h", "12 h", "0h", "1s", "99999999999999999999h", "32d", "-1h", "1h5"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }

    #[test]
    fn times_and_offsets_are_strict() {
        assert_eq!(minute_of_day("23:59"), Some(1439));
        for bad in ["24:00", "1:00", "12:60", "12.30", "", "+1:00", "12:00:00"] {
            assert_eq!(minute_of_day(bad), None, "{bad}");
        }
        assert_eq!(zone_offset("+07:00"), FixedOffset::east_opt(25_200));
        assert_eq!(zone_offset("-09:30"), FixedOffset::west_opt(34_200));
        for bad in ["07:00", "+7:00", "+15:00", "-13:00", "+07:60", "Z", ""] {
            assert_eq!(zone_offset(bad), None, "{bad}");
        }
    }
}
