//! Statistics of calls: the arguments of a report, and its text, JSON and lines of CSV.

pub mod call;
pub mod csv;
pub mod text;

use std::io;

use chrono::NaiveDate;
use clap::{Args, ValueEnum};

use crate::arg_error::ArgError;
use crate::diagnostics::{shown, suggest};
use crate::journal::report::{By, Report as Sums, json};
use crate::rules::RuleSet;
use crate::stream::canvas;
use crate::words::Words;

/// The form of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// To be read.
    Text,
    /// A line a call.
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

/// Parses an ISO 8601 date.
///
/// # Errors
/// If the text is not a date.
pub fn date(text: &str, words: &Words) -> Result<NaiveDate, ArgError> {
    let w = &words.journal;
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| text.len() == 10);
    day.ok_or_else(|| ArgError::new(w.bad_date(shown(text))).help(w.bad_date_help))
}

/// Parses the grouping.
///
/// # Errors
/// If the grouping is unknown, or used with CSV.
pub fn parse_by(by: Option<&str>, format: Form, words: &Words) -> Result<Option<By>, ArgError> {
    let w = &words.journal;
    let wrong = |by| ArgError::new(w.bad_by(shown(by))).help(suggest(by, By::VALID, &words.problem));
    let by = by.map(|by| by.parse().map_err(|()| wrong(by))).transpose()?;
    if by.is_some() && format == Form::Csv { Err(ArgError::new(w.by_with_csv)) } else { Ok(by) }
}

/// Renders a report as text with the labels of these rules, or as JSON.
///
/// # Errors
/// If the grouping is a fact that no call has.
pub fn render(
    sums: &Sums,
    format: Form,
    days: Between,
    by: Option<&By>,
    rules: &RuleSet,
    words: &Words,
) -> Result<String, ArgError> {
    if let Some(By::Fact(fact)) = by
        && sums.total.closings > 0
        && !sums.facts.iter().any(|(id, _)| id == fact)
    {
        let help = suggest(fact, sums.facts.iter().map(|(id, _)| id.as_str()), &words.problem);
        return Err(ArgError::new(words.journal.unknown_fact(shown(fact))).help(help));
    }
    Ok(if format == Form::Json {
        json::json(sums, days.from, days.to, by)
    } else {
        let bounded = days.from.is_some() || days.to.is_some();
        text::text(sums, by, bounded, rules, words, canvas(&io::stdout()).width)
    })
}
