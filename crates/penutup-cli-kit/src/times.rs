//! Times of day and dates as people and programs write them.

use chrono::{NaiveDate, Timelike};

use crate::words::Words;

/// A time of day in the user's language: 14.57 in Indonesian.
pub fn clock(time: &impl Timelike, words: &Words) -> String {
    hour_and_minute(time.hour(), words.screen.time_dot, time.minute())
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

fn hour_and_minute(hour: u32, separator: &str, minute: u32) -> String {
    [format!("{hour:02}"), format!("{minute:02}")].join(separator)
}
