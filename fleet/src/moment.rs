//! Zones and times as the centre tells them: a zone is one of the rules', the machine's own is never asked.

use std::path::{Path, PathBuf};

use chrono::{DateTime, FixedOffset, NaiveDate, Utc};
use penutup::book::Book;
use penutup::cli::{Env, SETTINGS_VARIABLE};
use penutup::clock::Clock;
use penutup::diagnostics::{shown, suggest};
use penutup::files;
use penutup::rules::RuleSet;
use penutup::settings;
use penutup::words::Lang;

use crate::fail::Fail;

/// The zone of this name in the embedded rules, else the one that the user's settings name, else their first.
///
/// # Errors
/// A name that is none of theirs.
pub fn zone(name: Option<&str>, lang: Lang) -> Result<FixedOffset, Fail> {
    let rules = Book::built_in().rules;
    let words = &lang.words().cli;
    let (name, unknown) = match (name, settings_zone()) {
        (Some(name), _) => (name.to_owned(), words.unknown_zone(shown(name))),
        (None, Some(name)) => (name.clone(), words.unknown_zone_settings(shown(&name))),
        (None, None) => return Ok(rules.zones[0].offset),
    };
    rules.zone_named(&name).map(|at| rules.zones[at].offset).ok_or_else(|| {
        let help = suggest(&name, rules.zones.iter().map(|z| z.id.as_str()), &lang.words().problem);
        Fail::new(unknown).help(help)
    })
}

/// The zone in the prompter's settings, so that a time means the same to both programs.
fn settings_zone() -> Option<String> {
    let named = std::env::var_os(SETTINGS_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
    let path = named.or_else(|| Env::of_process().folders().settings())?;
    let bytes = files::read(&path).ok()?;
    settings::read(&bytes, path.parent().unwrap_or(Path::new(""))).0.zone
}

/// The day against which rules are held.
#[must_use]
pub fn today() -> NaiveDate {
    Clock::system().today()
}

/// A time in a zone, with its day where that is not today's.
#[must_use]
pub fn at(moment: DateTime<Utc>, now: DateTime<Utc>, zone: FixedOffset, lang: Lang) -> String {
    let then = moment.with_timezone(&zone);
    let time = penutup::times::clock(&then, lang.words());
    if then.date_naive() == now.with_timezone(&zone).date_naive() {
        time
    } else {
        format!("{} {time}", then.format("%d/%m"))
    }
}

/// A moment in full: day, time and zone.
#[must_use]
pub fn full(moment: DateTime<Utc>, zone: FixedOffset) -> String {
    moment.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %:z").to_string()
}

/// What a prompter with these rules shows of a declaration, as its banner does.
#[must_use]
pub fn banner(
    declared: &penutup::broadcast::Broadcast,
    rules: &RuleSet,
    now: DateTime<Utc>,
    zone: FixedOffset,
    lang: Lang,
) -> String {
    use penutup::broadcast::State;
    let words = lang.words();
    let fact = rules.fact_named(&declared.fact).map(|fact| &rules.facts[fact]);
    let label = fact.map_or("KLB", |fact| fact.label.as_str());
    let value = match declared.state {
        State::Off => fact.map_or("off", |fact| fact.values[0].label.as_str()),
        State::On => fact.and_then(|fact| fact.values.get(1)).map_or("on", |value| value.label.as_str()),
    };
    let time = at(declared.since, now, zone, lang);
    let since = words.screen.since(label, &time, value);
    let until = declared.until.map(|t| words.broadcast.until(at(t, now, zone, lang)));
    let parts = [Some(since), declared.by.clone(), declared.why.clone(), until];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}
