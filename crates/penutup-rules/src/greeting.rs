//! The greeting of the hour: local time → word, and the minutes until it changes.

use chrono::{NaiveTime, Timelike};
use vec1::Vec1;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Greeting {
    /// The minute of the day at which it starts, 0–1439.
    pub from: u16,
    pub word: String,
}

/// By increasing minute. Each lasts until the next; the last until the first of the next day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Greetings(Vec1<Greeting>);

/// Minutes in a day.
pub const DAY: u16 = 24 * 60;

impl Greetings {
    /// `None` if there are no rows or their minutes don't increase.
    pub fn new(rows: Vec<Greeting>) -> Option<Self> {
        let rows = Vec1::try_from_vec(rows).ok()?;
        let rising = rows.windows(2).all(|w| w[0].from < w[1].from);
        (rising && rows.last().from < DAY).then_some(Self(rows))
    }

    pub fn rows(&self) -> &[Greeting] {
        &self.0
    }

    /// The row at this local time.
    pub fn at(&self, time: NaiveTime) -> usize {
        let minute = minute_of(time);
        self.0.iter().rposition(|g| g.from <= minute).unwrap_or(self.0.len() - 1)
    }

    pub fn word(&self, time: NaiveTime) -> &str {
        &self.0[self.at(time)].word
    }

    /// The minutes until the word changes, and the next word; `None` if it never changes.
    pub fn next_change(&self, time: NaiveTime) -> Option<(u16, &str)> {
        let (minute, here) = (minute_of(time), self.at(time));
        (1..self.0.len()).map(|step| &self.0[(here + step) % self.0.len()]).find(|g| g.word != self.0[here].word).map(
            |g| {
                let away = (g.from + DAY - minute) % DAY;
                (if away == 0 { DAY } else { away }, g.word.as_str())
            },
        )
    }
}

fn minute_of(time: NaiveTime) -> u16 {
    u16::try_from(time.hour() * 60 + time.minute()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sop() -> Greetings {
        let row = |from, word: &str| Greeting { from, word: word.into() };
        Greetings::new(vec![row(0, "pagi"), row(660, "siang"), row(900, "sore"), row(1080, "malam")]).unwrap()
    }

    fn at(h: u32, m: u32) -> NaiveTime {
        NaiveTime::from_hms_opt(h, m, 59).unwrap()
    }

    #[test]
    fn each_greeting_lasts_until_the_next() {
        for (h, m, word) in [
            (0, 0, "pagi"),
            (10, 59, "pagi"),
            (11, 0, "siang"),
            (14, 59, "siang"),
            (15, 0, "sore"),
            (17, 59, "sore"),
            (18, 0, "malam"),
            (23, 59, "malam"),
        ] {
            assert_eq!(sop().word(at(h, m)), word, "{h}:{m}");
        }
    }

    #[test]
    fn the_last_greeting_lasts_past_midnight() {
        let greetings = Greetings::new(vec![
            Greeting { from: 240, word: "pagi".into() },
            Greeting { from: 1080, word: "malam".into() },
        ])
        .unwrap();
        assert_eq!(greetings.word(at(3, 59)), "malam");
        assert_eq!(greetings.word(at(4, 0)), "pagi");
        assert_eq!(greetings.next_change(at(23, 59)), Some((241, "pagi")));
    }

    #[test]
    fn the_next_change_is_counted_in_minutes() {
        assert_eq!(sop().next_change(at(14, 57)), Some((3, "sore")));
        assert_eq!(sop().next_change(at(18, 0)), Some((360, "pagi")));
        let single = Greetings::new(vec![Greeting { from: 60, word: "hari".into() }]).unwrap();
        assert_eq!(single.next_change(at(1, 0)), None);
        assert_eq!(single.word(at(0, 0)), "hari");
    }

    #[test]
    fn rows_out_of_order_are_rejected() {
        let row = |from| Greeting { from, word: "x".into() };
        assert!(Greetings::new(vec![]).is_none());
        assert!(Greetings::new(vec![row(5), row(5)]).is_none());
        assert!(Greetings::new(vec![row(1440)]).is_none());
    }
}
