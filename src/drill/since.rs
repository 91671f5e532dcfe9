//! What a revision changes, as cards: those whose right answer under the old rules is not the right answer now.
//!
//! The answer is what [`super::grade`] grades: the sentences and their order, the greeting, the zone. A call with a value
//! that the old rules lack has no old answer and counts as changed. A reminder or a duty that leaves the sentences as
//! they were changes no answer.

use super::card::{Card, DAY};
use super::generate::{CardSet, Coverage};
use crate::rules::RuleSet;
use crate::rules::diff::{Diff, answer_before, diff, spoken_change};
use crate::rules::space::{Cube, Values};

/// The most sets of situations that are looked at.
const MOST: usize = 2000;

/// What the cards of a revision have to ask, or `None` if the files differ in more places than can be listed.
pub fn coverage(old: &RuleSet, new: &RuleSet) -> Option<Coverage> {
    let diff = diff(old, new).ok()?;
    let mut situations: Vec<Cube> = diff
        .groups
        .iter()
        .filter(|group| group.before.script != group.after.script)
        .flat_map(|group| &group.cubes)
        .filter_map(|cube| in_new_rules(cube, &diff, new))
        .collect();
    for (fact, value) in &diff.added.values {
        let at = new.fact_named(fact)?;
        let value = new.facts[at].values.iter().position(|v| v.id == *value)?;
        situations.push(Cube::any().with(at, [value].into_iter().collect()));
    }
    if situations.len() > MOST {
        return None;
    }
    let mut minutes = Vec::new();
    for change in &diff.greetings {
        for minute in [change.from % DAY, (change.to + DAY - 1) % DAY] {
            if !minutes.contains(&minute) {
                minutes.push(minute);
            }
        }
    }
    let zones = (0..new.zones.len()).filter(|zone| is_other_zone(old, new, *zone)).collect();
    Some(Coverage { situations, minutes, zones, at_least: 0 })
}

/// A set of situations of both files as one of the new rules. A fact that only the old rules have is at its first value.
fn in_new_rules(cube: &Cube, diff: &Diff<'_>, new: &RuleSet) -> Option<Cube> {
    let mut out = Cube::any();
    // The facts and values of the new rules come first, in their order.
    for (at, values) in diff.when(cube).enumerate() {
        let Some(fact) = new.facts.get(at) else {
            if values.contains(0) {
                continue;
            }
            return None;
        };
        let known: Values = values.iter().filter(|value| *value < fact.values.len()).collect();
        if known.is_empty() {
            return None;
        }
        if known.len() < fact.values.len() {
            out = out.with(at, known);
        }
    }
    Some(out)
}

fn is_other_zone(old: &RuleSet, new: &RuleSet, zone: usize) -> bool {
    let zone = &new.zones[zone];
    old.zone_named(&zone.id).is_none_or(|before| old.zones[before].offset != zone.offset)
}

/// Whether the right answer to this card changed.
pub fn has_changed(old: &RuleSet, new: &RuleSet, card: &Card) -> bool {
    let is_new = answer_before(old, new, &card.situation).is_none();
    let other_sentences =
        || spoken_change(old, new, &card.situation).is_some_and(|(before, after)| before.script != after.script);
    let other_greeting = || card.greets(new) && old.greetings.word(card.local()) != card.greeting_word(new);
    is_new || other_sentences() || other_greeting() || is_other_zone(old, new, card.zone)
}

/// What of a coverage no card asks about: the ids of the rules, and times of greetings as `HH:MM`.
pub fn not_asked(new: &RuleSet, coverage: &Coverage, set: &CardSet) -> Vec<String> {
    let unreached: Vec<&Cube> = set.unreached.iter().map(|at| &coverage.situations[*at]).collect();
    let rules = new.rules.iter().filter(|rule| unreached.iter().any(|cube| rule.when.intersects(cube)));
    let minutes = set.unreached_minutes.iter().map(|minute| crate::times::iso_minute(*minute));
    rules.map(|rule| rule.id.clone()).chain(minutes).collect()
}
