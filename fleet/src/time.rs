//! Time zones and times as the centre's programs print them. A zone is one of the rules'; the machine's is never used.

use std::path::Path;

use chrono::{DateTime, FixedOffset, NaiveDate, Utc};
use penutup_cli_kit::clock::Clock;
use penutup_cli_kit::env::Env;
use penutup_rules::loaded::LoadedRules;

use penutup_cli_kit::diagnostics::{shown, suggest};
use penutup_cli_kit::files;

use penutup_cli_kit::settings;
use penutup_cli_kit::times;
use penutup_cli_kit::words::Lang;

use crate::error::CliError;
use crate::words::words;

/// The zone with this name in the built-in rules, else the one of the user's settings, else the rules' first.
pub fn zone(name: Option<&str>, lang: Lang) -> Result<FixedOffset, CliError> {
    let rules = LoadedRules::built_in().rules;
    let words = &lang.words().cli;
    let (name, unknown) = match (name, settings_zone()) {
        (Some(name), _) => (name.to_owned(), words.unknown_zone(shown(name))),
        (None, Some(name)) => (name.clone(), words.unknown_zone_settings(shown(&name))),
        (None, None) => return Ok(rules.zones[0].offset),
    };
    rules.zone_named(&name).map(|at| rules.zones[at].offset).ok_or_else(|| {
        let help = suggest(&name, rules.zones.iter().map(|z| z.id.as_str()), &lang.words().problem);
        CliError::new(unknown).help(help)
    })
}

/// The zone in which this seat's program writes times for people: that of these settings of the prompter, by default the
/// user's, else the rules' first. What is wrong in the settings is the prompter's to say.
pub fn seat_zone(settings: Option<&Path>) -> FixedOffset {
    let rules = LoadedRules::built_in().rules;
    let named = zone_in(settings).and_then(|name| rules.zone_named(&name));
    rules.zones[named.unwrap_or(0)].offset
}

/// The zone of the prompter's settings, so that a time means the same to both programs.
fn settings_zone() -> Option<String> {
    zone_in(None)
}

/// The zone in these settings, by default the user's.
fn zone_in(settings: Option<&Path>) -> Option<String> {
    let env = Env::of_process();
    let path = settings.map(Path::to_owned).or_else(|| env.settings.clone()).or_else(|| env.folders().settings())?;
    let bytes = files::read(&path).ok()?;
    settings::read(&bytes, path.parent().unwrap_or(Path::new(""))).0.zone
}

/// The name of a zone in the built-in rules.
pub fn zone_name(zone: FixedOffset) -> String {
    times::zone_name(zone, &LoadedRules::built_in().rules)
}

/// A moment with its date, to the second, and its zone.
pub fn full_time(time: DateTime<Utc>, zone: FixedOffset, lang: Lang) -> String {
    let local = time.with_timezone(&zone);
    let dot = lang.words().screen.time_dot;
    format!("{} {}", local.format(&format!("%d/%m/%Y %H{dot}%M{dot}%S")), zone_name(zone))
}

/// A span in its largest unit: days from two days on, else hours, minutes, seconds.
pub fn duration_text(seconds: i64, lang: Lang) -> String {
    let (w, seconds) = (&words(lang).time, seconds.unsigned_abs());
    let rounded = |unit: u64| (seconds + unit / 2) / unit;
    match seconds {
        0..120 => w.seconds(seconds),
        120..7_200 => w.minutes(rounded(60)),
        7_200..172_800 => w.hours(rounded(3_600)),
        _ => w.days(rounded(86_400)),
    }
}

/// The day for which rules are checked.
pub fn today() -> NaiveDate {
    Clock::system().today()
}
