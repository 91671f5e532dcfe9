//! What both programs need of the arguments that declare KLB, and how they show a declaration.

use chrono::{DateTime, FixedOffset, Utc};

use crate::arg_error::ArgError;
use crate::declaration::{Declaration, MAX_WHY, State, tidy};
use crate::rules::RuleSet;
use crate::times;
use crate::words::Words;

/// The reason of a declaration, as every screen shows it.
///
/// # Errors
/// If it is longer than a declaration may be: screens would show its beginning only.
pub fn reason(text: &str, words: &Words) -> Result<String, ArgError> {
    let too_long = || ArgError::new(words.klb.reason_too_long(MAX_WHY));
    let whole = tidy(text, usize::MAX);
    whole.filter(|whole| tidy(text, MAX_WHY).as_ref() == Some(whole)).ok_or_else(too_long)
}

/// A declaration as the banner of a prompter with these rules shows it.
pub fn banner(declared: &Declaration, rules: &RuleSet, now: DateTime<Utc>, zone: FixedOffset, words: &Words) -> String {
    let fact = rules.fact_named(&declared.fact).map(|fact| &rules.facts[fact]);
    let label = fact.map_or("KLB", |fact| fact.label.as_str());
    let value = match declared.state {
        State::Off => fact.map_or("off", |fact| fact.values[0].label.as_str()),
        State::On => fact.and_then(|fact| fact.values.get(1)).map_or("on", |value| value.label.as_str()),
    };
    let time = |time| times::short(time, now, zone, words);
    let since = words.screen.since(label, time(declared.since), value);
    let until = declared.until.map(|until| words.broadcast.until(time(until)));
    let parts = [Some(since), declared.by.clone(), declared.why.clone(), until];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}
