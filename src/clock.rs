//! What time it is: the system's, or with `--at` another that runs on from there. The machine's own zone is never
//! consulted; a local time is always that of a zone of the rules.

use chrono::{DateTime, FixedOffset, NaiveDate, TimeDelta, Utc};

/// The zone of the head office, whose day decides from when an SOP holds: UTC+7.
const HOUSE_SECONDS: i32 = 7 * 3600;

/// A clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    ahead: TimeDelta,
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that shows `at` now and runs on from there.
    #[must_use]
    pub fn showing(at: DateTime<Utc>) -> Self {
        Self { ahead: at.signed_duration_since(Utc::now()) }
    }

    /// What it shows.
    #[must_use]
    pub fn now(self) -> DateTime<Utc> {
        let now = Utc::now();
        now.checked_add_signed(self.ahead).unwrap_or(now)
    }

    /// The day on which an SOP holds or does not hold yet: the head office's.
    #[must_use]
    pub fn today(self) -> NaiveDate {
        office_day(self.now())
    }
}

/// The day of the head office at this instant.
#[must_use]
pub fn office_day(now: DateTime<Utc>) -> NaiveDate {
    let house = FixedOffset::east_opt(HOUSE_SECONDS);
    house.map_or_else(|| now.date_naive(), |house| now.with_timezone(&house).date_naive())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_clock_runs_on_from_there() {
        let at: DateTime<Utc> = "2021-02-01T17:30:00Z".parse().unwrap();
        let clock = Clock::showing(at);
        assert!(clock.now() >= at);
        assert_eq!(clock.today().to_string(), "2021-02-02");
    }

    #[test]
    fn the_ends_of_time_do_not_break_it() {
        for at in ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"] {
            let _ = Clock::showing(at.parse().unwrap()).today();
        }
    }
}
