//! Points in time as arguments: "14:58" or RFC 3339.

use chrono::{DateTime, FixedOffset, NaiveTime, TimeDelta, Utc};

use crate::arg_error::ArgError;
use crate::diagnostics::shown;
use crate::words::Words;

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

/// The next occurrence of this time of day in the zone, or a future instant.
///
/// # Errors
/// If the text is not a time, or the instant has passed.
pub fn until(text: &str, now: DateTime<Utc>, offset: FixedOffset, words: &Words) -> Result<DateTime<Utc>, ArgError> {
    let wrong = || ArgError::new(words.cli.bad_at(shown(text))).help(words.cli.bad_at_help);
    match At::parse(text).ok_or_else(wrong)? {
        At::Instant(instant) if instant <= now => Err(ArgError::new(words.klb.until_past)),
        At::Instant(instant) => Ok(instant),
        At::Time(time) => {
            let today = now.with_timezone(&offset).date_naive().and_time(time);
            let then = today.and_local_timezone(offset).single().map_or(now, |t| t.with_timezone(&Utc));
            Ok(if then <= now { then + TimeDelta::days(1) } else { then })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_hours_and_minutes_or_an_instant() {
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
        assert_eq!(instant.with_timezone(&offset).time(), NaiveTime::from_hms_opt(0, 10, 0).unwrap());
    }
}
