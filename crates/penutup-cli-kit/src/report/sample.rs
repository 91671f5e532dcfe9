//! The calls to listen to first.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::csv::Columns;
use super::text::{head, step_title};
use super::{Answer, Form};
use crate::diagnostics::{csv, grouped};
use crate::journal::record::Record;
use crate::journal::report::{Chosen, EXCUSED, IRREGULAR, LEFT_OUT, LOST_SCORE, Sampled};
use crate::rules::RuleSet;
use crate::rules::text::clean;
use crate::times;
use crate::words::Words;
use crate::wrap::wrap;

/// The sample of a question, with each call's record; `width` is that of the terminal.
pub(super) fn render(
    answer: &Answer<'_>,
    sample: &[(Sampled, Record)],
    rules: &RuleSet,
    words: &Words,
    width: usize,
) -> String {
    let question = answer.question;
    let seed = question.sample.map_or(0, |(_, seed)| seed);
    match question.form {
        Form::Text => text(answer, seed, sample, rules, words, width),
        Form::Json => {
            let calls: Vec<Value> = sample
                .iter()
                .map(|(one, record)| json!({ "sample": code(one.chosen), "weight": one.weight, "call": record }))
                .collect();
            json!({ "schema": 1, "self_reported": true, "seed": seed, "calls": calls }).to_string() + "\n"
        }
        Form::Csv => {
            let mut columns = Columns::of(rules);
            for (_, record) in sample {
                columns.add(record);
            }
            let line = |cells: Vec<String>, own: [String; 2]| csv::line(own.into_iter().chain(cells), ',');
            let head = line(columns.names(), ["sample".into(), "weight".into()]);
            let lines = sample.iter().map(|(one, record)| {
                line(columns.cells(record, question.zone), [code(one.chosen).into(), one.weight.to_string()])
            });
            std::iter::once(head).chain(lines).collect()
        }
    }
}

fn code(chosen: Chosen) -> &'static str {
    match chosen {
        Chosen::Worst => "worst",
        Chosen::Random => "random",
    }
}

fn text(
    answer: &Answer<'_>,
    seed: u64,
    sample: &[(Sampled, Record)],
    rules: &RuleSet,
    words: &Words,
    width: usize,
) -> String {
    let (w, r) = (&words.samples, &words.report);
    let width = width.clamp(26, 120);
    let mut out = head(answer, rules, words, width);
    let put = |out: &mut String, indent: usize, text: &str| {
        for line in wrap([(text, ())], width.saturating_sub(indent)) {
            let line: String = line.into_iter().map(|(part, ())| part).collect();
            let _ = writeln!(out, "{}{line}", " ".repeat(indent));
        }
    };
    if sample.is_empty() {
        return out;
    }
    out.push('\n');
    let closings = grouped(&answer.now.total.closings.to_string(), words.problem.thousands);
    put(&mut out, 0, &w.title(closings, sample.len(), seed));
    put(&mut out, 0, &w.how(EXCUSED, IRREGULAR, LEFT_OUT, LOST_SCORE));
    for (heading, chosen) in [(w.worst, Chosen::Worst), (w.random, Chosen::Random)] {
        let of_kind: Vec<_> = sample.iter().filter(|(one, _)| one.chosen == chosen).collect();
        if of_kind.is_empty() {
            continue;
        }
        out.push('\n');
        put(&mut out, 0, heading);
        for (one, record) in of_kind {
            let mut parts = vec![times::moment_with_seconds(record.start, answer.question.zone, rules, words)];
            parts.extend(record.agent.as_ref().map(|agent| format!("{} {agent}", r.by_agent)));
            parts.extend(record.seat.as_ref().map(|seat| format!("{} {seat}", r.by_seat)));
            parts.push(record.interaction.clone().unwrap_or_else(|| record.id.to_string()));
            put(&mut out, 2, &clean(&parts.join(" · ")));
            let mut why = vec![w.weight(one.weight)];
            why.extend(record.end.map(|(_, outcome)| words.outcome(outcome).to_owned()));
            let steps = |all: &mut dyn Iterator<Item = &str>| {
                all.map(|id| step_title(id, rules).to_owned()).collect::<Vec<_>>().join(", ")
            };
            let left_out = steps(&mut record.steps.iter().filter(|step| step.left_out).map(|step| &*step.step));
            let overtaken = steps(&mut record.overtaken.iter().map(|late| &*late.step));
            let undone = steps(&mut record.steps.iter().filter(|step| step.undone > 0).map(|step| &*step.step));
            let lost: Vec<&str> = record.cost.iter().map(|p| rules.sop.name_of_loss(p)).collect();
            for (label, list) in
                [(w.left_out, left_out), (w.lost, lost.join(", ")), (w.overtaken, overtaken), (w.undone, undone)]
            {
                if !list.is_empty() {
                    why.push(format!("{label} {list}"));
                }
            }
            put(&mut out, 4, &clean(&why.join(" · ")));
        }
    }
    out
}
