//! What calls are grouped by and filtered on. While calls are added, a call has one [`Value`] of each [`Source`]; its
//! keys, which may be several (the steps left out), are made from the few different values at the end.

use std::collections::BTreeMap;
use std::str::FromStr;

use chrono::{Datelike, Days, NaiveDate};

use crate::summary::{CallSummary, Interner, Symbol, facts_of, position};
use penutup_rules::closing::ending::Outcome;

const DAY_MS: i64 = 86_400_000;

/// What calls are grouped by and filtered on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dimension {
    /// The agent's number.
    Agent,
    /// The seat.
    Seat,
    /// The team of the agent or the seat: [`Teams`].
    Team,
    /// The local date of the start: "2026-11-24".
    Day,
    /// The ISO week of that date: "2026-W48".
    Week,
    /// Its month: "2026-11".
    Month,
    /// The local hour of the start: "14".
    Hour,
    /// The revision of the SOP.
    Revision,
    /// The rule that applied.
    Rule,
    /// Each step that was left out; a call may have several.
    Step,
    /// The outcome, by its code.
    Ending,
    /// What the CSO answered to the question why the call ended; calls that were complete or not answered have none.
    Reason,
    /// The value of this fact.
    Fact(String),
}

/// Those that need no further name, as users write them.
const NAMED: [(&str, Dimension); 12] = [
    ("agent", Dimension::Agent),
    ("seat", Dimension::Seat),
    ("team", Dimension::Team),
    ("day", Dimension::Day),
    ("week", Dimension::Week),
    ("month", Dimension::Month),
    ("hour", Dimension::Hour),
    ("revision", Dimension::Revision),
    ("rule", Dimension::Rule),
    ("step", Dimension::Step),
    ("ending", Dimension::Ending),
    ("reason", Dimension::Reason),
];

impl Dimension {
    /// Each as users write it, without facts.
    pub const NAMES: [&'static str; 12] = {
        let mut names = [""; 12];
        let mut at = 0;
        while at < names.len() {
            names[at] = NAMED[at].0;
            at += 1;
        }
        names
    };

    /// As users write it: "agent", "fact=klb".
    pub fn name(&self) -> String {
        match self {
            Self::Fact(fact) => format!("fact={fact}"),
            named => NAMED.iter().find(|(_, one)| one == named).map_or("", |(name, _)| name).to_owned(),
        }
    }

    /// Whether its keys are in the order of time or of names; the others are in the order of their number of calls.
    pub(super) fn is_ordered(&self) -> bool {
        !matches!(self, Self::Rule | Self::Step | Self::Ending | Self::Reason | Self::Fact(_))
    }

    pub(super) fn source(&self) -> Source {
        match self {
            Self::Agent => Source::Agent,
            Self::Seat => Source::Seat,
            Self::Team => Source::AgentAndSeat,
            Self::Day => Source::Day,
            Self::Week => Source::Week,
            Self::Month => Source::Month,
            Self::Hour => Source::Hour,
            Self::Revision => Source::Revision,
            Self::Rule => Source::Rule,
            Self::Step => Source::LeftOut,
            Self::Ending | Self::Reason => Source::Ending,
            Self::Fact(_) => Source::Facts,
        }
    }

    /// The keys of a value of its source; one empty key where the call lacks it.
    pub(super) fn keys(&self, value: Value, texts: &Interner, teams: &Teams) -> Vec<String> {
        let key = match (self, value) {
            (Self::Step, Value::Text(steps)) => return texts.text(steps).split(' ').map(str::to_owned).collect(),
            (Self::Fact(id), Value::Text(facts)) => {
                facts_of(texts.text(facts)).find(|(fact, _)| fact == id).map_or("", |(_, value)| value).to_owned()
            }
            (_, Value::Text(text)) => texts.text(text).to_owned(),
            (_, Value::Pair(agent, seat)) => teams.of(texts.text(agent), texts.text(seat)).to_owned(),
            (Self::Hour, Value::Number(hour)) => format!("{hour:02}"),
            (Self::Ending, Value::Number(at)) => outcome(at).map_or("", Outcome::code).to_owned(),
            (Self::Reason, Value::Number(at)) => outcome(at).filter(|o| is_answer(*o)).map_or("", Outcome::code).into(),
            (Self::Month, Value::Number(month)) => {
                format!("{:04}-{:02}", month.div_euclid(12), month.rem_euclid(12) + 1)
            }
            (Self::Week, Value::Number(monday)) => {
                let week = date(monday).map(|monday| monday.iso_week());
                week.map(|week| format!("{}-W{:02}", week.year(), week.week())).unwrap_or_default()
            }
            (_, Value::Number(day)) => date(day).map(|day| day.to_string()).unwrap_or_default(),
        };
        vec![key]
    }
}

impl FromStr for Dimension {
    type Err = ();

    /// A name that is no dimension's is a fact's; "fact=…" is for a fact with a dimension's name.
    fn from_str(text: &str) -> Result<Self, ()> {
        if let Some((_, named)) = NAMED.iter().find(|(name, _)| *name == text) {
            return Ok(named.clone());
        }
        let fact = text.strip_prefix("fact=").unwrap_or(text);
        let is_id = !fact.is_empty() && !fact.contains(['=', ' ', ',']);
        if is_id { Ok(Self::Fact(fact.into())) } else { Err(()) }
    }
}

/// Whether an outcome is an answer of the CSO to the question why a call ended.
pub fn is_answer(outcome: Outcome) -> bool {
    use penutup_rules::closing::ending::Ending;
    matches!(outcome, Outcome::Ended(ending) if Ending::ANSWERS.contains(&ending))
}

fn outcome(at: i64) -> Option<Outcome> {
    Outcome::ALL.get(usize::try_from(at).ok()?).copied()
}

/// A day of the calendar by its number since 1970.
pub(super) fn date(day: i64) -> Option<NaiveDate> {
    let first = NaiveDate::from_ymd_opt(1970, 1, 1)?;
    if day < 0 {
        first.checked_sub_days(Days::new(day.unsigned_abs()))
    } else {
        first.checked_add_days(Days::new(day.unsigned_abs()))
    }
}

/// What a call has one value of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Agent,
    Seat,
    AgentAndSeat,
    Day,
    Week,
    Month,
    Hour,
    Revision,
    Rule,
    LeftOut,
    Ending,
    Facts,
}

/// A call's value of a [`Source`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Value {
    Text(Symbol),
    Pair(Symbol, Symbol),
    /// A day since 1970 (of a week its Monday), a month since the year 0, an hour, or an index in [`Outcome::ALL`].
    Number(i64),
}

impl Source {
    /// The value of a call that ended, in a zone that is so many milliseconds ahead of UTC.
    pub(super) fn of(self, row: &CallSummary, ahead_ms: i64) -> Value {
        let local = row.start_ms.saturating_add(ahead_ms);
        match self {
            Self::Agent => Value::Text(row.agent),
            Self::Seat => Value::Text(row.seat),
            Self::AgentAndSeat => Value::Pair(row.agent, row.seat),
            Self::Day => Value::Number(local.div_euclid(DAY_MS)),
            Self::Week => {
                // The first day was a Thursday.
                let day = local.div_euclid(DAY_MS);
                Value::Number(day - (day + 3).rem_euclid(7))
            }
            Self::Month => {
                let day = date(local.div_euclid(DAY_MS));
                Value::Number(day.map_or(-1, |day| i64::from(day.year()) * 12 + i64::from(day.month0())))
            }
            Self::Hour => Value::Number(local.rem_euclid(DAY_MS) / 3_600_000),
            Self::Revision => Value::Text(row.revision),
            Self::Rule => Value::Text(row.rule),
            Self::LeftOut => Value::Text(row.left_out),
            Self::Ending => Value::Number(row.end.map_or(-1, |(_, how)| i64::try_from(position(how)).unwrap_or(-1))),
            Self::Facts => Value::Text(row.facts),
        }
    }
}

/// Which team an agent or a seat belongs to. An agent's own team comes before that of the seat.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Teams(BTreeMap<String, String>);

impl Teams {
    /// Adds an agent or a seat. Returns the team that it already has, if that is another one.
    pub fn add(&mut self, who: &str, team: &str) -> Option<String> {
        let known = self.0.entry(who.to_owned()).or_insert_with(|| team.to_owned());
        (known != team).then(|| known.clone())
    }

    /// The team; empty where neither has one.
    fn of(&self, agent: &str, seat: &str) -> &str {
        let team = |who: &str| self.0.get(who).filter(|_| !who.is_empty());
        team(agent).or_else(|| team(seat)).map_or("", |team| team)
    }

    /// Whether an agent or a seat has a team.
    pub(super) fn has(&self, agent: &str, seat: &str) -> bool {
        !self.of(agent, seat).is_empty()
    }

    /// Their names, each once.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.0.values().map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}
