//! `--zone` and `--at`, resolved against the rules.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveTime, Utc};

use super::{Context, Stop};
use crate::clock::Clock;
use crate::diagnostics::{shown, suggest};
use crate::rules::RuleSet;

use penutup_cli_kit::moment::At;

/// The value of `--at`, if given.
///
/// # Errors
/// If the text is not a time.
pub fn at(context: &Context) -> Result<Option<At>, Stop> {
    let Some(text) = &context.common.at else { return Ok(None) };
    let words = &context.words().cli;
    At::parse(text).map(Some).ok_or_else(|| context.stop(&words.bad_at(shown(text)), Some(words.bad_at_help)))
}

/// The date that is compared with `effective_from`. A time of day alone does not change it.
pub fn today(at: Option<At>) -> NaiveDate {
    match at {
        Some(At::Instant(instant)) => Clock::showing(instant).today(),
        _ => Clock::system().today(),
    }
}

/// The index in the rules' zones: of `--zone`, otherwise of the settings' zone, otherwise 0.
///
/// # Errors
/// If the rules don't have the zone; names the valid ones.
pub fn zone(context: &Context, rules: &RuleSet) -> Result<usize, Stop> {
    let words = context.words();
    let (asked, is_option) = match (&context.common.zone, &context.settings.zone) {
        (Some(asked), _) => (asked, true),
        (None, Some(asked)) => (asked, false),
        (None, None) => return Ok(0),
    };
    rules.zone_named(asked).ok_or_else(|| {
        let help = suggest(asked, rules.zones.iter().map(|z| z.id.as_str()), &words.problem);
        let asked = shown(asked);
        let message = if is_option { words.cli.unknown_zone(asked) } else { words.cli.unknown_zone_settings(asked) };
        context.stop(&message, Some(&help))
    })
}

/// The local time of an instant.
pub fn local(instant: DateTime<Utc>, offset: FixedOffset) -> (NaiveTime, String) {
    let time = instant.with_timezone(&offset).time();
    (time, time.format("%H:%M").to_string())
}
