//! The arguments of a report, parsed.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use chrono::{Datelike, Days as Count, FixedOffset, Months, NaiveDate, Weekday};
use clap::Args;

use super::{Between, Days, Form, date};
use crate::arg_error::ArgError;
use crate::diagnostics::{shown, suggest};
use crate::files;
use crate::journal::read::Span;
use crate::journal::report::{By, Dimension, Filter, Matcher, Teams, is_answer, span};
use crate::rules::RuleSet;
use crate::rules::limits::MAX_FILE;
use crate::rules::text::is_forbidden;
use penutup_rules::closing::ending::Outcome;

use crate::words::Words;

/// The most calls of a sample.
const MAX_SAMPLE: u16 = 1_000;
/// The longest name in a list of teams, in characters.
const MAX_NAME: usize = 100;

/// The arguments of a report.
#[derive(Clone, Debug, Args)]
pub struct Questions {
    #[command(flatten)]
    pub days: Days,
    /// What it is grouped by; two of them are crossed.
    #[arg(long, value_name = "DIMENSIONS")]
    pub by: Option<String>,
    /// Only calls with this key; several of one dimension are alternatives.
    #[arg(id = "where", long, value_name = "FILTER", allow_hyphen_values = true)]
    pub filters: Vec<String>,
    /// Beside the period before.
    #[arg(long)]
    pub compare: bool,
    /// So many calls to listen to.
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["by", "compare"])]
    pub sample: Option<String>,
    /// The number that makes the same sample again.
    #[arg(long, value_name = "NUMBER", requires = "sample")]
    pub seed: Option<String>,
    /// A list of the teams of agents or seats.
    #[arg(long, value_name = "FILE")]
    pub teams: Option<PathBuf>,
    /// The form of the result.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Form,
}

/// What is asked of the calls.
#[derive(Clone, Debug)]
pub struct Question {
    /// The zone of days and hours.
    pub zone: FixedOffset,
    pub days: Between,
    /// The period before, if the question is to compare.
    before: Option<Between>,
    pub by: By,
    pub filters: Vec<Filter>,
    pub teams: Teams,
    /// How many calls to listen to, and the seed.
    pub sample: Option<(usize, u64)>,
    pub form: Form,
}

impl Questions {
    /// Parses the arguments. `seed` makes a seed for a sample that has none.
    ///
    /// # Errors
    /// The invalid argument, or why the list of teams can't be used.
    pub fn parsed(
        &self,
        zone: FixedOffset,
        rules: &RuleSet,
        words: &Words,
        seed: impl FnOnce() -> u64,
    ) -> Result<Question, ArgError> {
        let w = &words.journal;
        let days = self.days.checked(words)?;
        let teams = self.teams.as_deref().map(|path| teams(path, words)).transpose()?;
        let by = self.by.as_deref().map_or(Ok(By::Overview), |by| parse_by(by, words))?;
        let mut filters: Vec<Filter> = Vec::new();
        for text in &self.filters {
            let (dimension, key) = parse_filter(text, rules, words)?;
            match filters.iter_mut().find(|filter| filter.dimension == dimension) {
                Some(filter) if filter.keys.contains(&key) => {}
                Some(filter) => filter.keys.push(key),
                None => filters.push(Filter { dimension, keys: vec![key] }),
            }
        }
        let uses_teams =
            by.dimensions().into_iter().chain(filters.iter().map(|f| &f.dimension)).any(|d| *d == Dimension::Team);
        match (&teams, uses_teams) {
            (None, true) => return Err(ArgError::new(w.no_teams).help(w.no_teams_help)),
            (Some(_), false) => return Err(ArgError::new(w.unused_teams).help(w.unused_teams_help)),
            (Some(teams), true) => {
                let keys = filters.iter().filter(|f| f.dimension == Dimension::Team).flat_map(|f| &f.keys);
                if let Some(unknown) = keys.into_iter().find(|k| !k.is_empty() && !teams.names().contains(&k.as_str()))
                {
                    let help = suggest(unknown, teams.names(), &words.problem);
                    return Err(ArgError::new(w.unknown_team(shown(unknown))).help(help));
                }
            }
            (None, false) => {}
        }
        let before = match (self.compare, days.before()) {
            (true, None) => return Err(ArgError::new(w.compare_without_days).help(w.compare_without_days_help)),
            (true, before) => before,
            (false, _) => None,
        };
        let number = |option: &str, text: &str, valid: RangeInclusive<u64>| {
            let help = w.bad_number_help(valid.start(), valid.end());
            let number = text.parse::<u64>().ok().filter(|n| valid.contains(n));
            number.ok_or_else(|| ArgError::new(w.bad_number(option, shown(text))).help(help))
        };
        let sample = match &self.sample {
            None => None,
            Some(size) => {
                let size = number("--sample", size, 1..=u64::from(MAX_SAMPLE))?;
                let seed = match &self.seed {
                    Some(text) => number("--seed", text, 0..=u64::MAX)?,
                    None => seed(),
                };
                Some((usize::try_from(size).unwrap_or(usize::from(MAX_SAMPLE)), seed))
            }
        };
        if self.format == Form::Csv && before.is_some() && by == By::Overview {
            return Err(ArgError::new(w.compare_with_csv).help(w.compare_with_csv_help));
        }
        Ok(Question { zone, days, before, by, filters, teams: teams.unwrap_or_default(), sample, form: self.format })
    }
}

impl Question {
    /// The time of the days asked about.
    pub fn now(&self) -> Span {
        span(self.days.from, self.days.to, self.zone)
    }

    /// The days of the period before, and their time.
    pub fn before(&self) -> Option<(Between, Span)> {
        self.before.map(|days| (days, span(days.from, days.to, self.zone)))
    }

    /// The time of all calls that are needed.
    pub fn span(&self) -> Span {
        let now = self.now();
        match self.before() {
            Some((_, before)) => Span { from_ms: before.from_ms, ..now },
            None => now,
        }
    }

    /// Whether the answer is a line a call.
    pub fn is_for_calls(&self) -> bool {
        self.form == Form::Csv && self.by == By::Overview && self.sample.is_none()
    }

    /// Decides which calls are counted.
    pub fn matcher(&self) -> Matcher {
        Matcher::new(&self.filters, &self.teams, self.zone)
    }
}

impl Between {
    /// The period of the same length before it: whole months before whole months, otherwise as many days. `None` without
    /// a first and a last day.
    pub fn before(self) -> Option<Self> {
        let (from, to) = (self.from?, self.to?);
        let next = to.succ_opt()?;
        if from.day() == 1 && next.day() == 1 {
            let months = (next.year() - from.year()) * 12 + i32::try_from(next.month()).ok()?
                - i32::try_from(from.month()).ok()?;
            let first = from.checked_sub_months(Months::new(u32::try_from(months).ok()?))?;
            return Some(Self { from: Some(first), to: from.pred_opt() });
        }
        let days = u64::try_from((next - from).num_days()).ok()?;
        Some(Self { from: from.checked_sub_days(Count::new(days)), to: from.pred_opt() })
    }
}

fn parse_by(text: &str, words: &Words) -> Result<By, ArgError> {
    let w = &words.journal;
    let wrong = |by: &str| ArgError::new(w.bad_by(shown(by))).help(suggest(by, Dimension::NAMES, &words.problem));
    let mut parts = text.split(',').map(|part| part.trim().parse::<Dimension>().map_err(|()| wrong(part)));
    match (parts.next().transpose()?, parts.next().transpose()?, parts.next()) {
        (Some(one), None, _) => Ok(By::One(one)),
        (Some(one), Some(other), None) if one != other => Ok(By::Two(one, other)),
        _ => Err(ArgError::new(w.bad_by(shown(text))).help(w.two_at_most)),
    }
}

/// A filter: the dimension, and the key of what was written, which may be a label.
fn parse_filter(text: &str, rules: &RuleSet, words: &Words) -> Result<(Dimension, String), ArgError> {
    let w = &words.journal;
    let wrong = || ArgError::new(w.bad_where(shown(text))).help(w.bad_where_help);
    // "fact=agent=4711" is a fact that is named like a dimension.
    let at = text.char_indices().filter(|(_, c)| *c == '=').map(|(at, _)| at);
    let at = at.clone().nth(usize::from(text.starts_with("fact="))).ok_or_else(wrong)?;
    let (name, value) = (&text[..at], text[at + 1..].trim());
    let dimension: Dimension = name.parse().map_err(|()| wrong())?;
    let same = |one: &str, other: &str| one == other || one.to_lowercase() == other.to_lowercase();
    let bad_value = |valid: Vec<&str>| {
        ArgError::new(w.bad_value(shown(name), shown(value))).help(suggest(value, valid, &words.problem))
    };
    let key = match &dimension {
        Dimension::Day => date(value, words)?.to_string(),
        Dimension::Week => {
            let parts = value.split_once("-W").filter(|(year, week)| is_number(year, 4) && is_number(week, 2));
            let parts = parts.and_then(|(year, week)| Some((year.parse().ok()?, week.parse().ok()?)));
            let week = parts.and_then(|(year, week)| NaiveDate::from_isoywd_opt(year, week, Weekday::Mon));
            week.ok_or_else(|| ArgError::new(w.bad_value("week", shown(value))).help(w.bad_week_help))?;
            value.to_owned()
        }
        Dimension::Month => {
            let month = date(&format!("{value}-01"), words).map(|_| ());
            month.map_err(|_| ArgError::new(w.bad_value("month", shown(value))).help(w.bad_month_help))?;
            value.to_owned()
        }
        Dimension::Hour => {
            let is_plain = is_number(value, 1) || is_number(value, 2);
            let hour = value.parse::<u8>().ok().filter(|hour| is_plain && *hour < 24);
            let hour = hour.ok_or_else(|| ArgError::new(w.bad_value("hour", shown(value))).help(w.bad_hour_help))?;
            format!("{hour:02}")
        }
        Dimension::Reason if value.is_empty() => String::new(),
        Dimension::Ending | Dimension::Reason => {
            let valid = || Outcome::ALL.into_iter().filter(|one| dimension == Dimension::Ending || is_answer(*one));
            let named = |outcome: &Outcome| same(outcome.code(), value) || same(words.outcome(*outcome), value);
            let codes = || valid().map(Outcome::code).collect();
            valid().find(named).ok_or_else(|| bad_value(codes()))?.code().to_owned()
        }
        Dimension::Step => {
            let named = rules.steps.iter().find(|step| same(&step.id, value) || same(&step.title, value));
            named.map_or(value, |step| &step.id).to_owned()
        }
        Dimension::Fact(fact) => {
            let values = rules.fact_named(fact).map_or(&[][..], |at| &rules.facts[at].values);
            let named = values.iter().find(|known| same(&known.id, value) || same(&known.label, value));
            named.map_or(value, |known| &known.id).to_owned()
        }
        Dimension::Agent | Dimension::Seat | Dimension::Team | Dimension::Revision | Dimension::Rule => {
            value.to_owned()
        }
    };
    Ok((dimension, key))
}

/// Whether a text is a number of so many digits.
fn is_number(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Reads a list of teams as spreadsheets save it: a line for each agent or seat with its team, separated by a comma, a
/// semicolon or a tab. A first line with names of columns says in which column the team is; without it there are two.
fn teams(path: &Path, words: &Words) -> Result<Teams, ArgError> {
    let w = &words.journal;
    let file = files::shown_path(path);
    let bytes = files::read(path).map_err(|error| ArgError::new(error.describe(words)))?;
    if bytes.len() > MAX_FILE {
        return Err(ArgError::new(w.teams_too_long(&file)));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err(ArgError::new(w.teams_not_text(&file)).help(w.teams_not_text_help));
    };
    let declared = text.lines().next().and_then(|line| line.strip_prefix("sep="));
    let first = text.lines().nth(usize::from(declared.is_some())).unwrap_or_default();
    let separator = match declared.and_then(|text| text.bytes().next()) {
        Some(declared) => declared,
        None => [b'\t', b';'].into_iter().find(|byte| first.as_bytes().contains(byte)).unwrap_or(b','),
    };
    let mut reader =
        ::csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(separator).from_reader(text.as_bytes());
    let (mut teams, mut column, mut is_first, mut has_header) = (Teams::default(), 1, true, false);
    for row in reader.records() {
        let Ok(row) = row else { return Err(ArgError::new(w.teams_not_text(&file)).help(w.teams_not_text_help)) };
        let cells: Vec<&str> = row.iter().map(str::trim).collect();
        let begin = row.position().and_then(|at| usize::try_from(at.byte()).ok()).unwrap_or(0);
        if cells.iter().all(|cell| cell.is_empty()) || (begin == 0 && declared.is_some()) {
            continue;
        }
        // The reader's own count is one less after a line that ends with CR LF.
        let blank = text[begin..].bytes().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let line = 1 + text[..begin + blank].matches('\n').count();
        let wrong = |why: &str| ArgError::new(w.bad_teams(&file, line, why)).help(w.bad_teams_help);
        let names_team = cells.iter().position(|cell| matches!(&*cell.to_lowercase(), "team" | "tim"));
        if let Some(named) = names_team.filter(|at| is_first && *at > 0) {
            (column, is_first, has_header) = (named, false, true);
            continue;
        }
        is_first = false;
        let (who, team) = (cells[0], cells.get(column).copied().unwrap_or_default());
        let has_more = !has_header && cells.iter().skip(2).any(|cell| !cell.is_empty());
        if who.is_empty() || team.is_empty() || has_more {
            return Err(wrong(w.teams_two_cells));
        }
        if [who, team].iter().any(|text| text.chars().count() > MAX_NAME || text.chars().any(is_forbidden)) {
            return Err(wrong(w.teams_bad_name));
        }
        if let Some(other) = teams.add(who, team) {
            return Err(wrong(&w.teams_twice(shown(&other), shown(team), shown(who))));
        }
    }
    Ok(teams)
}
