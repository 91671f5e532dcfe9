//! The current time: the system's, or with `--at` another that continues from there. The machine's own time zone is
//! never used; a local time is always that of a zone of the rules.

use chrono::{DateTime, FixedOffset, NaiveDate, TimeDelta, Utc};

/// The head office's time zone, UTC+7, whose date decides from when an SOP is valid.
const HOUSE_SECONDS: i32 = 7 * 3600;

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

    /// A clock that shows `at` now and continues from there.
    #[must_use]
    pub fn showing(at: DateTime<Utc>) -> Self {
        Self { ahead: at.signed_duration_since(Utc::now()) }
    }

    /// The current time.
    pub fn now(self) -> DateTime<Utc> {
        let now = Utc::now();
        now.checked_add_signed(self.ahead).unwrap_or(now)
    }

    /// The head office's date, which is compared with an SOP's first day.
    pub fn today(self) -> NaiveDate {
        office_day(self.now())
    }
}

/// The head office's date at this instant.
pub fn office_day(now: DateTime<Utc>) -> NaiveDate {
    let house = FixedOffset::east_opt(HOUSE_SECONDS);
    house.map_or_else(|| now.date_naive(), |house| now.with_timezone(&house).date_naive())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_runs_on_from_that_time() {
        let at: DateTime<Utc> = "2021-02-01T17:30:00Z".parse().unwrap();
        let clock = Clock::showing(at);
        assert!(clock.now() >= at);
        assert_eq!(clock.today().to_string(), "2021-02-02");
    }

    #[test]
    fn the_earliest_and_latest_times_cause_no_panic() {
        for at in ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"] {
            let _ = Clock::showing(at.parse().unwrap()).today();
        }
    }
}
