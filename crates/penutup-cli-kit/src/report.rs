//! What QA asks of the recorded calls, and the answers as text, CSV and JSON. The prompter asks its journal or exports,
//! the fleet its database: both pass each call once to a [`Collector`].

pub mod call;
pub mod csv;
mod question;
mod sample;
mod table;
pub mod text;

use std::io;
use std::ops::RangeInclusive;

use chrono::{Datelike, NaiveDate};
use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

pub use self::question::{Question, Questions};
use crate::arg_error::ArgError;
use crate::diagnostics::{shown, suggest};
use crate::journal::read::Span;
use crate::journal::record::Record;
use crate::journal::report::{Dimension, Matcher, Report as Sums, ReportBuilder, Sampled, Sampler};
use crate::journal::summary::{CallSummary, Interner};
use crate::rules::RuleSet;
use crate::stream::canvas;
use crate::words::Words;

/// The form of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// To be read.
    Text,
    /// A line a call, or a line a group.
    Csv,
    /// One line of JSON.
    Json,
}

/// Which days.
#[derive(Clone, Debug, Args)]
pub struct Days {
    /// The first.
    #[arg(long, value_name = "DATE")]
    pub from: Option<String>,
    /// The last.
    #[arg(long, value_name = "DATE")]
    pub to: Option<String>,
}

/// Validated days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Between {
    pub from: Option<NaiveDate>,
    pub to: Option<NaiveDate>,
}

impl Days {
    /// Validates the days and their order.
    ///
    /// # Errors
    /// The invalid argument.
    pub fn checked(&self, words: &Words) -> Result<Between, ArgError> {
        let day = |text: &Option<String>| text.as_deref().map(|text| date(text, words)).transpose();
        let (from, to) = (day(&self.from)?, day(&self.to)?);
        if from.zip(to).is_some_and(|(from, to)| from > to) {
            let shown = |day: Option<NaiveDate>| day.map_or_else(String::new, |day| day.to_string());
            return Err(ArgError::new(words.journal.wrong_order(shown(from), shown(to))));
        }
        Ok(Between { from, to })
    }
}

/// The years of a report.
const YEARS: RangeInclusive<i32> = 1970..=2199;

/// Parses an ISO 8601 date.
///
/// # Errors
/// If the text is not a date.
pub fn date(text: &str, words: &Words) -> Result<NaiveDate, ArgError> {
    let w = &words.journal;
    let is_plain = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|day| is_plain && YEARS.contains(&day.year()));
    day.ok_or_else(|| ArgError::new(w.bad_date(shown(text))).help(w.bad_date_help))
}

/// The most groups of a report: each day of a month for 5,000 seats, beside the month before.
const MAX_GROUPS: usize = 400_000;

/// More groups than a person reads or a computer should hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyGroups;

impl TooManyGroups {
    /// What is wrong, and what helps.
    pub fn error(self, words: &Words) -> ArgError {
        ArgError::new(words.journal.too_many_groups).help(words.journal.too_many_groups_help)
    }
}

/// Adds up the calls of a [`Question`], each passed once, in any order.
#[derive(Debug)]
pub struct Collector<'q> {
    question: &'q Question,
    /// The time asked about, and that of the period before.
    spans: (Span, Option<Span>),
    matcher: Matcher,
    now: ReportBuilder,
    before: ReportBuilder,
    sampler: Option<Sampler>,
}

impl<'q> Collector<'q> {
    /// Without calls.
    #[must_use]
    pub fn new(question: &'q Question) -> Self {
        let builder = || ReportBuilder::new(question.zone, question.by.clone());
        let sampler = question.sample.map(|(size, seed)| Sampler::new(size, seed));
        let spans = (question.now(), question.before().map(|(_, span)| span));
        Self { question, spans, matcher: question.matcher(), now: builder(), before: builder(), sampler }
    }

    /// Adds a call, if the question is about it.
    ///
    /// # Errors
    /// [`TooManyGroups`].
    pub fn add(&mut self, row: &CallSummary, texts: &Interner) -> Result<(), TooManyGroups> {
        if !self.matcher.matches(row, texts) {
            return Ok(());
        }
        let (now, before) = self.spans;
        if now.has(row.start_ms) {
            self.now.add(row);
            if let Some(sampler) = &mut self.sampler {
                sampler.add(row, texts);
            }
        } else if before.is_some_and(|span| span.has(row.start_ms)) {
            self.before.add(row);
        }
        if self.now.size() + self.before.size() > MAX_GROUPS { Err(TooManyGroups) } else { Ok(()) }
    }

    /// The calls to listen to, if the question is for a sample.
    pub fn sampled(&self) -> Option<Vec<Sampled>> {
        self.sampler.as_ref().map(Sampler::sample)
    }

    /// A line for each filter that no call matched, and for a list of teams that has nobody of the calls.
    pub fn unmatched(&self, texts: &Interner, rules: &RuleSet, words: &Words) -> String {
        let line = |(dimension, key): (&Dimension, &str)| {
            let (name, valid) = match dimension {
                Dimension::Fact(fact) => {
                    let values = rules.fact_named(fact).map_or(&[][..], |at| &rules.facts[at].values);
                    (fact.clone(), values.iter().map(|value| value.id.as_str()).collect())
                }
                Dimension::Step => (dimension.name(), rules.steps.iter().map(|step| step.id.as_str()).collect()),
                other => (other.name(), Vec::new()),
            };
            let line = words.report.unmatched(shown(&name), shown(key));
            let is_new = !key.is_empty() && !valid.is_empty() && !valid.contains(&key);
            if is_new { format!("{line}. {}\n", suggest(key, valid, &words.problem)) } else { line + "\n" }
        };
        let mut out: String = self.matcher.unseen().map(line).collect();
        let by_team = self.question.by.dimensions().contains(&&Dimension::Team);
        let has_calls = self.now.closings() > 0;
        if by_team && has_calls && !self.now.has_team(texts, &self.question.teams) {
            out += words.report.no_call_of_teams;
            out += "\n";
        }
        out
    }

    /// The sample that [`Self::sampled`] chose, with the record of each call.
    ///
    /// # Errors
    /// As [`Self::answer`].
    pub fn sample(
        &self,
        sample: &[(Sampled, Record)],
        texts: &Interner,
        rules: &RuleSet,
        words: &Words,
    ) -> Result<String, ArgError> {
        let now = self.now.report(texts, &self.question.teams);
        self.check_facts(&now, rules, words)?;
        let answer = Answer { question: self.question, now: &now, before: None };
        Ok(sample::render(&answer, sample, rules, words, canvas(&io::stdout()).width))
    }

    /// The answer, with the labels of these rules.
    ///
    /// # Errors
    /// A grouping or a filter by a fact that neither the rules nor a call have.
    pub fn answer(&self, texts: &Interner, rules: &RuleSet, words: &Words) -> Result<String, ArgError> {
        let question = self.question;
        let report = |builder: &ReportBuilder| builder.report(texts, &question.teams);
        let now = report(&self.now);
        self.check_facts(&now, rules, words)?;
        let before = question.before().map(|(days, _)| (days, report(&self.before)));
        let answer = Answer { question, now: &now, before: before.as_ref().map(|(days, sums)| (*days, sums)) };
        Ok(match question.form {
            Form::Json => json(&answer),
            Form::Csv => csv::groups(&answer),
            Form::Text => text::text(&answer, rules, words, canvas(&io::stdout()).width),
        })
    }

    /// A misspelt dimension is read as a fact, so the message names both.
    fn check_facts(&self, now: &Sums, rules: &RuleSet, words: &Words) -> Result<(), ArgError> {
        let is_known = |fact: &str| {
            let groups = now.groups(&[Dimension::Fact(fact.into())]).unwrap_or_default();
            rules.fact_named(fact).is_some() || groups.iter().any(|group| !group.key[0].is_empty())
        };
        let by = self.question.by.dimensions().into_iter().filter_map(|dimension| match dimension {
            Dimension::Fact(fact) if !is_known(fact) => Some(fact.as_str()),
            _ => None,
        });
        let filters = self.matcher.unknown_facts().filter(|fact| rules.fact_named(fact).is_none());
        let Some(unknown) = by.chain(filters).next() else { return Ok(()) };
        let facts = rules.facts.iter().map(|fact| fact.id.as_str());
        let known: Vec<&str> =
            if Dimension::NAMES.contains(&unknown) { facts.collect() } else { facts.chain(Dimension::NAMES).collect() };
        let help = suggest(unknown, known.iter().copied(), &words.problem);
        Err(ArgError::new(words.journal.bad_by(shown(unknown))).help(help))
    }
}

/// The counts of a question, and those of the period before where it asks to compare.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    pub question: &'a Question,
    pub now: &'a Sums,
    pub before: Option<(Between, &'a Sums)>,
}

/// The answer on one line: `{"schema":2,"self_reported":true,"offset":"+07:00","where":[["agent","4711"]],"from":
/// "2026-11-01"|null,"to":…|null,` [counts](crate::journal::report::json)`,"before":{"from":…,"to":…,counts}|null}`.
fn json(answer: &Answer<'_>) -> String {
    let period = |days: Between, sums: &Sums| {
        let day = |day: Option<NaiveDate>| json!(day.map(|day| day.to_string()));
        let mut out = Map::from_iter([("from".to_owned(), day(days.from)), ("to".to_owned(), day(days.to))]);
        out.extend(crate::journal::report::json::counts(sums));
        out
    };
    let Question { zone, days, filters, .. } = answer.question;
    let filters = filters.iter().flat_map(|filter| {
        let name = filter.dimension.name();
        filter.keys.iter().map(move |key| json!([name, key]))
    });
    let mut out = Map::new();
    out.insert("schema".into(), json!(2));
    out.insert("self_reported".into(), json!(true));
    out.insert("offset".into(), json!(zone.to_string()));
    out.insert("where".into(), filters.collect());
    out.extend(period(*days, answer.now));
    out.insert("before".into(), json!(answer.before.map(|(days, sums)| period(days, sums))));
    Value::from(out).to_string() + "\n"
}
