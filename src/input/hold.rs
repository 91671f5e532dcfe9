//! A held key is one press. Terminals that report repeats or releases are believed; of the others, time tells.

use std::time::{Duration, Instant};

use super::Kind;
use crate::keymap::Key;

/// Events of one key that are no further apart are repeats: keyboards repeat at 10 a second and more, and nobody presses a
/// key again so soon.
pub const RATE: Duration = Duration::from_millis(110);
/// Once a key is known to be held, a busy machine may be late by so much.
const STALL: Duration = Duration::from_millis(300);
/// The longest that a keyboard waits before it repeats.
pub const DELAY: Duration = Duration::from_millis(1100);
/// A key whose release was not reported for so long was released unseen.
const LOST: Duration = Duration::from_secs(2);

/// What an event of a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Press {
    /// A press. `unsure`: after the delay of a keyboard, so it may turn out to be the first repeat.
    New {
        /// Whether it may.
        unsure: bool,
    },
    /// The key is still held. `from`: so was it already at this moment, which was taken for a press.
    Held {
        /// That moment.
        from: Option<Instant>,
    },
    /// Nothing: the key was released.
    Release,
}

/// What the last key was, and how long ago.
#[derive(Debug, Default)]
pub struct Hold {
    last: Option<(Key, Instant)>,
    /// When the last press was, where it may have been a repeat.
    unsure: Option<Instant>,
    /// Whether the last key is held.
    held: bool,
    /// Whether the terminal reports releases, and the last key was not released.
    down: bool,
    reports: bool,
}

impl Hold {
    /// An event of a key.
    pub fn key(&mut self, key: Key, kind: Kind, at: Instant) -> Press {
        if kind == Kind::Release {
            self.reports = true;
            if self.last.is_some_and(|(last, _)| last == key) {
                *self = Self { reports: true, ..Self::default() };
            }
            return Press::Release;
        }
        let gap = self.last.filter(|(last, _)| *last == key).map(|(_, last)| at.saturating_duration_since(last));
        let is_down = self.reports && self.down && gap.is_some_and(|gap| gap <= LOST);
        self.last = Some((key, at));
        self.down = true;
        if kind == Kind::Repeat || is_down || gap.is_some_and(|gap| gap <= if self.held { STALL } else { RATE }) {
            self.held = true;
            return Press::Held { from: self.unsure.take() };
        }
        let unsure = !self.reports && gap.is_some_and(|gap| gap <= DELAY);
        self.unsure = unsure.then_some(at);
        self.held = false;
        Press::New { unsure }
    }

    /// Something else happened: whatever comes next is a new press.
    pub fn reset(&mut self) {
        *self = Self { reports: self.reports, ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the events of one key at these milliseconds are: `p` a press, `?` one that may be a repeat, `h` held, `<` held
    /// already at the event before.
    fn told(events: &[(u64, Kind)]) -> String {
        let (mut hold, start) = (Hold::default(), Instant::now());
        let told =
            events.iter().map(|(ms, kind)| match hold.key(Key::Char(' '), *kind, start + Duration::from_millis(*ms)) {
                Press::New { unsure: false } => 'p',
                Press::New { unsure: true } => '?',
                Press::Held { from: None } => 'h',
                Press::Held { from: Some(_) } => '<',
                Press::Release => 'r',
            });
        told.collect()
    }

    fn downs(times: &[u64]) -> String {
        told(&times.iter().map(|ms| (*ms, Kind::Down)).collect::<Vec<_>>())
    }

    #[test]
    fn a_held_key_is_one_press_whatever_the_keyboard_s_delay_and_rate() {
        for delay in [150, 250, 500, 660, 1000] {
            for gap in [10, 20, 33, 50, 92, 105] {
                let times: Vec<u64> = std::iter::once(0).chain((0..8).map(|n| delay + n * gap)).collect();
                assert_eq!(downs(&times), "p?<hhhhhh", "{delay} {gap}");
            }
        }
        assert_eq!(downs(&[0, 33, 66]), "phh", "no delay at all");
    }

    #[test]
    fn a_key_that_is_pressed_again_is_a_press() {
        assert_eq!(downs(&[0, 200, 400, 700]), "p???");
        assert_eq!(downs(&[0, 1200, 2400]), "ppp");
        assert_eq!(downs(&[0, 500, 533, 1500, 3000]), "p?<?p", "released after it was held");
    }

    #[test]
    fn what_the_terminal_reports_is_believed() {
        use Kind::{Down, Release, Repeat};
        assert_eq!(told(&[(0, Down), (90, Release), (100, Down), (190, Release)]), "prpr", "quick fingers");
        assert_eq!(told(&[(0, Down), (500, Repeat), (900, Repeat), (950, Release), (1000, Down)]), "phhrp");
        let windows = [(0, Down), (50, Release), (100, Down), (600, Down), (1100, Down), (1110, Release), (1120, Down)];
        assert_eq!(told(&windows), "rphhrp".replacen('r', "pr", 1));
        assert_eq!(told(&[(0, Down), (50, Release), (100, Down), (2200, Down)]), "prpp", "a release that was lost");
    }
}
