//! How much another rules file changes, in a few words: "2 kalimat, 60 menit salam, 1 kewajiban".

use crate::rules::diff::{Counts, DutyChangeKind};
use crate::words::{Words, fill};

/// Each kind of change with its number, the most heard first; none where nothing changed.
#[must_use]
pub fn parts(counts: &Counts, words: &Words) -> Vec<String> {
    let w = &words.change;
    // Where the same sentences are said elsewhere, it is the situations that changed.
    let situations = if counts.sentences == 0 { counts.situations.as_str() } else { "0" };
    let all = [
        (counts.sentences.to_string(), w.one_sentence, w.sentences),
        (situations.to_owned(), w.one_situation, w.situations),
        (counts.greeting_minutes.to_string(), w.one_minute, w.minutes),
        (counts.zones.to_string(), w.one_zone, w.zones),
        (counts.duties.to_string(), w.one_duty, w.duties),
        (counts.others.to_string(), w.one_other, w.others),
    ];
    let changed = all.into_iter().filter(|(count, _, _)| count != "0");
    changed.map(|(count, one, many)| fill(if count == "1" { one } else { many }, &[("count", &count)])).collect()
}

/// What the change of a duty is called.
#[must_use]
pub fn duty_kind(kind: DutyChangeKind, words: &Words) -> &'static str {
    match kind {
        DutyChangeKind::Lost => words.duty.lost,
        DutyChangeKind::Weakened => words.duty.weakened,
        DutyChangeKind::Unproved => words.duty.unproved,
        DutyChangeKind::Added => words.duty.added,
        DutyChangeKind::Strengthened => words.duty.strengthened,
    }
}

/// A minute of the day as people write it: 14.57. The end of the day is 24.00.
#[must_use]
pub fn clock(minute: u16) -> String {
    format!("{:02}.{:02}", minute / 60, minute % 60)
}
