//! `--zone` and `--at`, resolved against the rules.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveTime, Utc};

use super::{Context, Stop};
use crate::clock::Clock;
use crate::diagnostics::{shown, suggest};
use crate::rules::RuleSet;

/// The value of `--at`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// A time of day, today in the zone.
    Time(NaiveTime),
    /// An instant.
    Instant(DateTime<Utc>),
}

impl At {
    /// Parses "14:58" or RFC 3339.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
            return Some(Self::Instant(instant.with_timezone(&Utc)));
        }
        let shape = text.len() == 5
            && text.bytes().enumerate().all(|(at, b)| if at == 2 { b == b':' } else { b.is_ascii_digit() });
        let time = NaiveTime::parse_from_str(text, "%H:%M").ok().filter(|_| shape)?;
        Some(Self::Time(time))
    }

    /// The instant, in a zone with this offset.
    pub fn instant(self, offset: FixedOffset) -> DateTime<Utc> {
        match self {
            Self::Instant(instant) => instant,
            Self::Time(time) => {
                let today = Utc::now().with_timezone(&offset).date_naive();
                today
                    .and_time(time)
                    .and_local_timezone(offset)
                    .single()
                    .map_or_else(Utc::now, |t| t.with_timezone(&Utc))
            }
        }
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_two_digits_twice_or_whole() {
        assert_eq!(At::parse("14:58"), NaiveTime::from_hms_opt(14, 58, 0).map(At::Time));
        assert!(matches!(At::parse("2021-02-01T14:58:00+07:00"), Some(At::Instant(_))));
        for bad in ["", "9:05", "24:00", "12:60", "14.58", "14:58:00", "+9:05", " 9:05", "2021-02-01T14:58:00", "now"] {
            assert_eq!(At::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_time_of_day_is_local_to_the_zone() {
        let offset = FixedOffset::east_opt(9 * 3600).unwrap();
        let instant = At::parse("00:10").unwrap().instant(offset);
        assert_eq!(local(instant, offset).1, "00:10");
    }
}
