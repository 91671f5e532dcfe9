//! Times of day and dates as people and programs write them.

use chrono::{DateTime, FixedOffset, NaiveDate, Timelike, Utc};

use crate::rules::RuleSet;
use crate::words::Words;

/// A time of day in the user's language: 14.57 in Indonesian.
pub fn clock(time: &impl Timelike, words: &Words) -> String {
    hour_and_minute(time.hour(), words.screen.time_dot, time.minute())
}

/// A time of day to the second: 14.57.03.
pub fn clock_with_seconds(time: &impl Timelike, words: &Words) -> String {
    format!("{}{}{:02}", clock(time, words), words.screen.time_dot, time.second())
}

/// A minute of the day in the user's language; the end of the day is 24.00.
pub fn minute(minute: u16, words: &Words) -> String {
    hour_and_minute(u32::from(minute / 60), words.screen.time_dot, u32::from(minute % 60))
}

/// A minute of the day for programs: 14:57. The end of the day is 24:00.
pub fn iso_minute(minute: u16) -> String {
    hour_and_minute(u32::from(minute / 60), ":", u32::from(minute % 60))
}

/// A date as both languages write it: 31/12/2026.
pub fn date(day: NaiveDate) -> String {
    day.format("%d/%m/%Y").to_string()
}

/// The name that the rules give a time zone, or "UTC+07:00" if they name none with this offset.
pub fn zone_name(offset: FixedOffset, rules: &RuleSet) -> String {
    let named = rules.zones.iter().find(|zone| zone.offset == offset);
    named.map_or_else(|| format!("UTC{offset}"), |zone| zone.id.clone())
}

/// A moment in one of the rules' zones: 31/12/2026 14.57 WIB.
pub fn moment(at: DateTime<Utc>, zone: FixedOffset, rules: &RuleSet, words: &Words) -> String {
    let local = at.with_timezone(&zone);
    format!("{} {} {}", date(local.date_naive()), clock(&local, words), zone_name(zone, rules))
}

/// A moment to the second, for who looks for a recording: 31/12/2026 14.57.03 WIB.
pub fn moment_with_seconds(at: DateTime<Utc>, zone: FixedOffset, rules: &RuleSet, words: &Words) -> String {
    let local = at.with_timezone(&zone);
    format!("{} {} {}", date(local.date_naive()), clock_with_seconds(&local, words), zone_name(zone, rules))
}

/// The time of day, with the date if it is not today's.
pub fn short(time: DateTime<Utc>, now: DateTime<Utc>, zone: FixedOffset, words: &Words) -> String {
    let local = time.with_timezone(&zone);
    let of_day = clock(&local, words);
    if local.date_naive() == now.with_timezone(&zone).date_naive() {
        of_day
    } else {
        format!("{} {of_day}", local.format("%d/%m"))
    }
}

fn hour_and_minute(hour: u32, separator: &str, minute: u32) -> String {
    [format!("{hour:02}"), format!("{minute:02}")].join(separator)
}
