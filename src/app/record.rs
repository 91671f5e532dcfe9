//! Converts a call into its journal record. A [`Record`] has no field for personal data.

use chrono::{DateTime, Utc};

use super::App;
use crate::closing::Closing;
use crate::closing::ending::Ending;
use crate::closing::ending::Outcome;
use crate::journal::record::{FactRecord, OvertakenRecord, Record, StepRecord};
use crate::loaded::LoadedRules;
use crate::rules::RuleSet;
use crate::rules::ruleset::StepIx;

/// The record of a call without what the centre has declared.
fn record(
    call: u64,
    closing: &Closing,
    loaded: &LoadedRules,
    start: DateTime<Utc>,
    end: Option<(DateTime<Utc>, Outcome)>,
) -> Record {
    let rules = &loaded.rules;
    let facts = rules.facts.iter().enumerate().map(|(at, fact)| FactRecord {
        fact: fact.id.clone(),
        value: fact.values[closing.situation().value(at)].id.clone(),
        set: closing.since(at).map(|since| since.set),
    });
    let remaining: Vec<StepIx> = closing.remaining(rules).collect();
    let plan = closing.plan(rules);
    let mut steps: Vec<StepIx> = plan.steps().iter().copied().filter(|s| rules.step(*s).is_spoken()).collect();
    let ticked = closing.spoken().iter().map(|s| s.step);
    for step in ticked.chain(closing.undone().iter().map(|(step, _)| *step)) {
        if !steps.contains(&step) {
            steps.push(step);
        }
    }
    let steps = steps.into_iter().map(|ix| {
        let step = rules.step(ix);
        StepRecord {
            step: step.id.clone(),
            shown: closing.was_displayed(ix),
            ticked: closing.spoken().iter().find(|s| s.step == ix).map(|s| s.at),
            undone: closing.undone().iter().find(|(s, _)| *s == ix).map_or(0, |(_, times)| *times),
            left_out: remaining.contains(&ix),
            score: step.score.clone(),
        }
    });
    let greets = |ix: StepIx| rules.step(ix).greets();
    let greeting = closing.spoken().iter().rev().find(|s| greets(s.step)).map(|s| s.greeting);
    let costs = matches!(end, Some((_, Outcome::Ended(Ending::Omitted))));
    let mut cost: Vec<String> = Vec::new();
    for parameter in remaining.iter().filter(|_| costs).flat_map(|s| &rules.step(*s).score) {
        if !cost.contains(parameter) {
            cost.push(parameter.clone());
        }
    }
    let overtaken = closing.overtaken().iter().map(|late| OvertakenRecord {
        step: rules.step(late.step).id.clone(),
        at: late.at,
        facts: late.facts.iter().map(|(fact, value)| id_and_value(rules, *fact, *value)).collect(),
    });
    Record {
        call,
        start,
        end,
        facts: facts.collect(),
        zone: rules.zones[closing.zone()].id.clone(),
        greeting: greeting.map(|at| rules.greetings.rows()[at].word.clone()),
        rule: plan.rule.id.clone(),
        revision: rules.sop.revision.clone(),
        rules_sha256: loaded.sha256().to_owned(),
        steps: steps.collect(),
        cost,
        overtaken: overtaken.collect(),
        ..Record::default()
    }
}

fn id_and_value(rules: &RuleSet, fact: usize, value: usize) -> (String, String) {
    let fact = &rules.facts[fact];
    (fact.id.clone(), fact.values[value].id.clone())
}

impl App {
    /// The record of the call, with its end if it has ended; `None` while the call is untouched. A finished call keeps
    /// the record that it had when it became finished.
    pub(super) fn record(&self, end: Option<(DateTime<Utc>, Outcome)>) -> Option<Record> {
        match &self.calls.finished {
            Some(finished) if self.calls.current.is_finished() => Some(Record { end, ..Record::clone(finished) }),
            _ => Some(self.record_from(self.calls.current.started_at()?, end)),
        }
    }

    /// The record of a call that ends. An untouched call that the CSO ends is recorded too: the customer may have hung
    /// up before the closing.
    pub(super) fn ended_record(&self, now: DateTime<Utc>, how: Outcome) -> Option<Record> {
        let end = Some((now, how));
        let answered = matches!(how, Outcome::Ended(ending) if ending != Ending::Complete);
        self.record(end).or_else(|| answered.then(|| self.record_from(now, end)))
    }

    fn record_from(&self, start: DateTime<Utc>, end: Option<(DateTime<Utc>, Outcome)>) -> Record {
        let differs = self.rules().facts.iter().enumerate().filter(|(at, _)| self.differs(*at));
        let differs = differs.map(|(_, fact)| fact.id.clone()).collect();
        let (agent, interaction) = (self.calls.agent.clone(), self.calls.interaction.clone());
        Record {
            differs,
            agent,
            interaction,
            ..record(self.calls.number, &self.calls.current, self.revisions.current(), start, end)
        }
    }
}
