//! CSV: a line a call, so that QA finds the recording by time and seat, or a line a group. Facts and steps have a column
//! each, named by their IDs.

use chrono::{DateTime, FixedOffset, SecondsFormat, Utc};

use super::{Answer, Question, TooManyGroups};
use crate::diagnostics::csv;
use crate::journal::record::{OvertakenRecord, Record};
use crate::journal::report::{Dimension, Group, Matcher, Report, seconds};
use crate::journal::summary::{CallSummary, Interner};
use crate::rules::RuleSet;
use penutup_rules::closing::ending::Outcome;

/// The columns before those of facts and steps.
pub const COLUMNS: [&str; 20] = [
    "id",
    "interaction",
    "start",
    "end",
    "seconds",
    "seat",
    "agent",
    "ending",
    "complete",
    "left_out",
    "cost",
    "rule",
    "revision",
    "rules_sha256",
    "zone",
    "greeting",
    "differs",
    "before_closing",
    "taken_back",
    "overtaken",
];

/// The columns of a group before those of its outcomes, parameters and steps.
pub const GROUP_COLUMNS: [&str; 7] =
    ["closings", "complete", "costing", "before_closing", "overtaken", "taken_back", "seconds"];

/// The separator between several values in a cell.
const BETWEEN: &str = "; ";

/// The facts and steps that have a column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    facts: Vec<String>,
    steps: Vec<String>,
}

impl Columns {
    /// Those of the rules; [`Self::add`] appends those that only calls have.
    #[must_use]
    pub fn of(rules: &RuleSet) -> Self {
        Self {
            facts: rules.facts.iter().map(|fact| fact.id.clone()).collect(),
            steps: rules.steps.iter().filter(|step| step.is_spoken()).map(|step| step.id.clone()).collect(),
        }
    }

    /// Appends the facts and steps of a call of other rules.
    pub fn add(&mut self, record: &Record) {
        let add = |all: &mut Vec<String>, id: &str| {
            if !all.iter().any(|known| known == id) {
                all.push(id.to_owned());
            }
        };
        record.facts.iter().for_each(|fact| add(&mut self.facts, &fact.fact));
        record.steps.iter().for_each(|step| add(&mut self.steps, &step.step));
    }

    /// The names of all columns.
    pub fn names(&self) -> Vec<String> {
        let facts = self.facts.iter().map(|fact| format!("fact.{fact}"));
        let steps = self.steps.iter().map(|step| format!("step.{step}"));
        COLUMNS.into_iter().map(str::to_owned).chain(facts).chain(steps).collect()
    }

    /// A call's cells, with times in this zone.
    pub fn cells(&self, record: &Record, zone: FixedOffset) -> Vec<String> {
        let at = |time: DateTime<Utc>| time.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Secs, false);
        let join = |texts: &mut dyn Iterator<Item = String>| texts.collect::<Vec<_>>().join(BETWEEN);
        let steps = record.steps.iter();
        let undone = steps.clone().filter(|step| step.undone > 0).map(|step| format!("{}={}", step.step, step.undone));
        let left_out = steps.filter(|step| step.left_out).map(|step| step.step.clone());
        let overtaken = record.overtaken.iter().map(|late: &OvertakenRecord| {
            let facts: Vec<String> = late.facts.iter().map(|(fact, value)| format!("{fact}={value}")).collect();
            format!("{}={} ({})", late.step, at(late.at), facts.join(", "))
        });
        let (end, outcome) = record.end.unzip();
        let duration = end.map(|end| seconds(record.start.timestamp_millis(), end.timestamp_millis()).to_string());
        let own: [String; COLUMNS.len()] = [
            record.id.to_string(),
            record.interaction.clone().unwrap_or_default(),
            at(record.start),
            end.map(at).unwrap_or_default(),
            duration.unwrap_or_default(),
            record.seat.clone().unwrap_or_default(),
            record.agent.clone().unwrap_or_default(),
            outcome.map(|outcome| outcome.code().to_owned()).unwrap_or_default(),
            // What a running call has not said yet is not left out.
            end.map(|_| record.steps.iter().all(|step| !step.left_out).to_string()).unwrap_or_default(),
            join(&mut left_out.into_iter().filter(|_| end.is_some())),
            record.cost.join(BETWEEN),
            record.rule.clone(),
            record.revision.clone(),
            record.rules_sha256.clone(),
            record.zone.clone(),
            record.greeting.clone().unwrap_or_default(),
            record.differs.join(BETWEEN),
            end.map(|_| record.is_before_closing().to_string()).unwrap_or_default(),
            join(&mut undone.into_iter()),
            join(&mut overtaken.into_iter()),
        ];
        let facts = self.facts.iter().map(|id| {
            let fact = record.facts.iter().find(|fact| fact.fact == *id);
            fact.map(|fact| fact.value.clone()).unwrap_or_default()
        });
        let steps = self.steps.iter().map(|id| match record.steps.iter().find(|step| step.step == *id) {
            None => String::new(),
            Some(step) => match step.ticked {
                Some(time) => at(time),
                None if record.end.is_none() => String::new(),
                None if step.left_out => "left_out".into(),
                None => "not_required".into(),
            },
        });
        own.into_iter().chain(facts).chain(steps).collect()
    }
}

/// The calls of a [`Question`] as a table: every call is passed to [`Self::scan`], then again to [`Self::line`].
#[derive(Debug)]
pub struct CallTable<'q> {
    question: &'q Question,
    matcher: Matcher,
    texts: Interner,
    columns: Columns,
}

impl<'q> CallTable<'q> {
    /// With the columns of these rules.
    #[must_use]
    pub fn new(question: &'q Question, rules: &RuleSet) -> Self {
        let columns = Columns::of(rules);
        Self { question, matcher: question.matcher(), texts: Interner::default(), columns }
    }

    /// Finds the columns that a call needs.
    ///
    /// # Errors
    /// [`TooManyGroups`], if the calls have more different texts than any site has.
    pub fn scan(&mut self, record: &Record) -> Result<(), TooManyGroups> {
        if self.matches(record)? {
            self.columns.add(record);
        }
        Ok(())
    }

    /// The names of the columns, on a line.
    pub fn header(&self) -> String {
        csv::line(self.columns.names(), ',')
    }

    /// A call's line, if it is asked for.
    ///
    /// # Errors
    /// As [`Self::scan`].
    pub fn line(&mut self, record: &Record) -> Result<Option<String>, TooManyGroups> {
        let is_asked_for = self.matches(record)?;
        Ok(is_asked_for.then(|| csv::line(self.columns.cells(record, self.question.zone), ',')))
    }

    fn matches(&mut self, record: &Record) -> Result<bool, TooManyGroups> {
        if self.question.filters.is_empty() {
            return Ok(true);
        }
        let summary = CallSummary::of(record, &mut self.texts).ok_or(TooManyGroups)?;
        Ok(self.matcher.matches(&summary, &self.texts))
    }
}

/// A line for each group of the finest grouping, and for each period if there are two.
pub(super) fn groups(answer: &Answer<'_>) -> String {
    let by: Vec<Dimension> = answer.question.by.dimensions().into_iter().cloned().collect();
    let groups = |sums: &Report| sums.groups(&by).map_or_else(|| vec![sums.total.clone()], <[Group]>::to_vec);
    let periods: Vec<(&str, Vec<Group>)> = std::iter::once(("now", groups(answer.now)))
        .chain(answer.before.map(|(_, sums)| ("before", groups(sums))))
        .collect();
    let all = || periods.iter().flat_map(|(_, groups)| groups);
    let names = |counts: fn(&Group) -> &[(String, u64)]| {
        let mut names: Vec<&str> = all().flat_map(counts).map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    };
    let endings: Vec<Outcome> =
        Outcome::ALL.into_iter().filter(|how| all().any(|group| group.ended(*how) > 0)).collect();
    let (cost, steps) = (names(|group| &group.cost), names(|group| &group.left_out));
    let mut due: Vec<&str> = all().flat_map(|group| group.due.keys().map(String::as_str)).collect();
    due.sort_unstable();
    due.dedup();
    let mut head: Vec<String> = by.iter().map(Dimension::name).collect();
    if answer.before.is_some() {
        head.push("period".into());
    }
    head.extend(GROUP_COLUMNS.map(str::to_owned));
    head.extend(endings.iter().map(|how| format!("ending.{}", how.code())));
    head.extend(cost.iter().map(|name| format!("cost.{name}")));
    head.extend(steps.iter().map(|name| format!("step.{name}")));
    head.extend(due.iter().map(|name| format!("due.{name}")));
    let mut out = csv::line(head, ',');
    for (period, groups) in &periods {
        for group in groups {
            let mut cells = group.key.clone();
            if answer.before.is_some() {
                cells.push((*period).into());
            }
            let flagged = group.flagged;
            let counts = [
                group.closings,
                group.complete,
                group.costing,
                flagged.before_closing,
                flagged.overtaken,
                flagged.undone,
                group.seconds,
            ];
            let of = |counts: &[(String, u64)], name: &str| {
                counts.iter().find(|(known, _)| known == name).map_or(0, |(_, count)| *count)
            };
            let endings = endings.iter().map(|how| group.ended(*how));
            let cost = cost.iter().map(|name| of(&group.cost, name));
            let steps = steps.iter().map(|name| of(&group.left_out, name));
            let due = due.iter().map(|name| group.due.get(*name).copied().unwrap_or(0));
            let counts = counts.into_iter().chain(endings).chain(cost).chain(steps).chain(due);
            cells.extend(counts.map(|count| count.to_string()));
            out += &csv::line(cells, ',');
        }
    }
    out
}
