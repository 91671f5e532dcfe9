//! A summary of the difference between two rules files: "2 kalimat, 60 menit salam, 1 kewajiban".

use crate::rules::diff::{Counts, DutyChangeKind, Names, Subject};
use crate::words::Words;

/// Each kind of change with its count, the most audible first; empty if nothing changed.
pub fn parts(counts: &Counts, words: &Words) -> Vec<String> {
    let w = &words.change;
    // If the same sentences are said in other situations, the situations changed.
    let situations = if counts.sentences == 0 { counts.situations.as_str() } else { "0" };
    let part = |count: &str, one: &str, many: &dyn Fn(&str) -> String| match count {
        "0" => None,
        "1" => Some(one.to_owned()),
        count => Some(many(count)),
    };
    let all = [
        part(&counts.sentences.to_string(), w.one_sentence, &|n| w.sentences(n)),
        part(situations, w.one_situation, &|n| w.situations(n)),
        part(&counts.greeting_minutes.to_string(), w.one_minute, &|n| w.minutes(n)),
        part(&counts.zones.to_string(), w.one_zone, &|n| w.zones(n)),
        part(&counts.duties.to_string(), w.one_duty, &|n| w.duties(n)),
        part(&counts.others.to_string(), w.one_other, &|n| w.others(n)),
    ];
    all.into_iter().flatten().collect()
}

/// The name of a duty's change.
pub fn duty_kind(kind: DutyChangeKind, words: &Words) -> &'static str {
    match kind {
        DutyChangeKind::Lost => words.duty.lost,
        DutyChangeKind::Weakened => words.duty.weakened,
        DutyChangeKind::Unproved => words.duty.unproved,
        DutyChangeKind::Added => words.duty.added,
        DutyChangeKind::Strengthened => words.duty.strengthened,
    }
}

/// The changed text's owner, the owner's ID, and the key.
pub fn text_name(subject: Subject, id: &str, field: &str, words: &Words) -> String {
    let w = &words.diff;
    let subject = match subject {
        Subject::Sop => w.of_sop,
        Subject::Fact => w.of_fact,
        Subject::Value => w.of_value,
        Subject::Field => w.of_field,
        Subject::Zone => w.of_zone,
        Subject::Step => w.of_step,
        Subject::Rule => w.of_rule,
        Subject::Requirement => w.of_requirement,
        Subject::File => w.of_file,
    };
    let field = match field {
        "default" => w.default,
        "order" => w.order,
        field => field,
    };
    let parts: Vec<&str> = [subject, id, field].into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(" · ")
}

/// The IDs that only one of two files has.
pub fn name_list(names: &Names<'_>) -> String {
    let values = names.values.iter().map(|(fact, value)| format!("{fact}={value}"));
    let ids = names.facts.iter().chain(&names.steps).map(|id| (*id).to_owned());
    ids.chain(values).collect::<Vec<_>>().join(", ")
}
