//! A call → what the journal keeps of it. Nothing personal can pass: a [`Record`] has no place for it.

use chrono::{DateTime, Utc};

use super::App;
use crate::action::Ending;
use crate::book::Book;
use crate::closing::Closing;
use crate::journal::record::{FactRecord, HowEnded, Record, StepRecord};
use crate::rules::ruleset::StepIx;

/// The record of a call as it stands, but for what the centre has declared; `None` while nothing has happened in it.
fn record(call: u64, closing: &Closing, book: &Book, end: Option<(DateTime<Utc>, HowEnded)>) -> Option<Record> {
    let rules = &book.rules;
    let start = closing.begun()?;
    let facts = rules.facts.iter().enumerate().map(|(at, fact)| FactRecord {
        fact: fact.id.clone(),
        value: fact.values[closing.situation().value(at)].id.clone(),
        set: closing.since(at).map(|since| since.set),
    });
    let remaining: Vec<StepIx> = closing.remaining(rules).collect();
    let plan = closing.plan(rules);
    let mut steps: Vec<StepIx> = plan.steps().iter().copied().filter(|s| rules.step(*s).is_spoken()).collect();
    let ticked = closing.said().iter().map(|s| s.step);
    for step in ticked.chain(closing.taken_back().iter().map(|(step, _)| *step)) {
        if !steps.contains(&step) {
            steps.push(step);
        }
    }
    let steps = steps.into_iter().map(|ix| {
        let step = rules.step(ix);
        StepRecord {
            step: step.id.clone(),
            shown: closing.was_shown(ix),
            ticked: closing.said().iter().find(|s| s.step == ix).map(|s| s.at),
            taken_back: closing.taken_back().iter().find(|(s, _)| *s == ix).map_or(0, |(_, times)| *times),
            left_out: remaining.contains(&ix),
            score: step.score.clone(),
        }
    });
    let greets = |ix: StepIx| rules.step(ix).greets();
    let greeting = closing.said().iter().rev().find(|s| greets(s.step)).map(|s| s.greeting);
    let costs = matches!(end, Some((_, HowEnded::Said(Ending::Omitted))));
    let mut cost: Vec<String> = Vec::new();
    for parameter in remaining.iter().filter(|_| costs).flat_map(|s| &rules.step(*s).score) {
        if !cost.contains(parameter) {
            cost.push(parameter.clone());
        }
    }
    Some(Record {
        call,
        start,
        end,
        facts: facts.collect(),
        zone: rules.zones[closing.zone()].id.clone(),
        greeting: greeting.map(|at| rules.greetings.rows()[at].word.clone()),
        rule: plan.rule.id.clone(),
        revision: rules.sop.revision.clone(),
        rules_sha256: book.sha256().to_owned(),
        steps: steps.collect(),
        cost,
        differs: Vec::new(),
    })
}

impl App {
    /// The record of the call as it stands, and how it ended where it did; `None` while nothing has happened in it.
    pub(super) fn record(&self, end: Option<(DateTime<Utc>, HowEnded)>) -> Option<Record> {
        let facts = self.rules().facts.iter().enumerate().filter(|(at, _)| self.differs(*at));
        let differs = || facts.map(|(_, fact)| fact.id.clone()).collect();
        record(self.number, &self.call, &self.book, end).map(|record| Record { differs: differs(), ..record })
    }
}
