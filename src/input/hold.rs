//! A key that is held down counts as one press. Where a terminal reports repeats or releases, these decide; otherwise
//! timing does.
//!
//! A keyboard waits for its delay (200 to 1000 ms) and then repeats evenly, 2 to 40 times a second. Nobody presses a
//! key again within [`RATE`], so such an event is a repeat at once. Slower repeats are recognised by their rhythm: a
//! keyboard's intervals differ by a few milliseconds, a person's by more. Until the rhythm is known each repeat counts
//! as a press; then all of them are retracted.
//!
//! Limits: a key that is released after its first slow repeat sends the same as two presses, and counts as two. A
//! person who taps one key in a machine's rhythm is taken for a repeating key: nothing happens, and a tap in another
//! rhythm is a press again.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::Kind;
use crate::keymap::Key;

/// Events of one key within this time are repeats: nobody presses a key again so soon.
pub const RATE: Duration = Duration::from_millis(110);
/// The slowest repeat interval of a keyboard: two a second.
pub const SLOWEST: Duration = Duration::from_millis(520);
/// The tolerance between the intervals of one rhythm.
const JITTER: Duration = Duration::from_millis(12);
/// How late a fast repeat may be on a busy machine.
const STALL: Duration = Duration::from_millis(300);
/// The longest delay before a keyboard repeats.
pub const DELAY: Duration = Duration::from_millis(1100);
/// After this time without an event a key counts as released.
const LOST: Duration = Duration::from_secs(2);
/// The most events of one key that are remembered.
const REMEMBERED: usize = 32;

/// The meaning of a key's event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Press {
    /// A press. `unsure`: soon enough after the previous one that it may turn out to be a repeat.
    New { unsure: bool },
    /// The key is still down. `from`: the presses returned since this time were repeats and must be retracted.
    Held { from: Option<Instant> },
    /// The key was released.
    Release,
}

/// The recent events of the last key.
#[derive(Debug, Default)]
pub struct Hold {
    last: Option<(Key, Instant)>,
    /// The events that may belong to one hold; all but the first may be repeats.
    events: VecDeque<Instant>,
    /// The interval between repeats, while the key is down.
    held: Option<Duration>,
    /// The repeat interval before an irregular pause: the key may still be down on a machine that was slow.
    broken: Option<Duration>,
    /// Whether the terminal reports releases, and the last key was not released.
    down: bool,
    reports: bool,
}

impl Hold {
    pub fn key(&mut self, key: Key, kind: Kind, at: Instant) -> Press {
        if kind == Kind::Release {
            self.reports = true;
            if self.last.is_some_and(|(last, _)| last == key) {
                self.reset();
            }
            return Press::Release;
        }
        let before = self.last.filter(|(last, _)| *last == key).map(|(_, last)| last);
        let gap = before.map(|last| at.saturating_duration_since(last));
        let is_down = self.reports && self.down && gap.is_some_and(|gap| gap <= LOST);
        self.last = Some((key, at));
        self.down = true;
        if kind == Kind::Repeat || is_down {
            self.reports = true;
            return Press::Held { from: None };
        }
        if let (Some(rate), Some(gap)) = (self.held, gap)
            && goes_on(rate, gap)
        {
            return Press::Held { from: None };
        }
        match (before, gap) {
            (Some(before), Some(gap)) if gap <= DELAY => {
                // Only the delay is longer than the slowest repeat; after a broken rhythm the machine may have been
                // late.
                if self.held.is_some() || gap > SLOWEST {
                    self.broken = self.held.take();
                    self.events = [before].into();
                }
                self.events.push_back(at);
            }
            _ => {
                self.held = None;
                self.broken = None;
                self.events = [at].into();
            }
        }
        if let Some((rate, from)) = self.rhythm(key) {
            self.held = Some(rate);
            self.broken = None;
            self.events.clear();
            return Press::Held { from };
        }
        if self.events.len() > REMEMBERED {
            self.events.pop_front();
        }
        Press::New { unsure: self.events.len() > 1 && !self.reports }
    }

    /// Another key or event: the next event is a new press.
    pub fn reset(&mut self) {
        *self = Self { reports: self.reports, ..Self::default() };
    }

    /// The interval between repeats and the index of the first one, if the events show that the key is down.
    fn rhythm(&self, key: Key) -> Option<(Duration, Option<Instant>)> {
        let events = || self.events.iter();
        let gaps: Vec<Duration> = events().zip(events().skip(1)).map(|(one, next)| *next - *one).collect();
        let rate = *gaps.last()?;
        let (mut least, mut most) = (rate, rate);
        let is_even = |gap: &&Duration| {
            (least, most) = (least.min(**gap), most.max(**gap));
            most.saturating_sub(least) <= JITTER
        };
        let even = gaps.iter().rev().take_while(is_even).count();
        // Once a slow rhythm is certain, an earlier event that was a little late belongs to it.
        let is_of_rhythm = |gap: &Duration| rate > RATE && gap.abs_diff(rate) <= rate / 4;
        let late = gaps.iter().rev().skip(even).take_while(|gap| is_of_rhythm(gap)).count();
        let start = gaps.len() - even - late;
        // Nobody has a reason to tick sentences in a rhythm, but other keys are tapped several times. If no interval
        // before the even ones was the keyboard's delay, one more even interval is required.
        let needed = if matches!(key, Key::Char(' ') | Key::Enter) { 2 } else { 3 } + usize::from(start == 0);
        if rate > RATE && even < needed {
            return None;
        }
        let resumes_broken = self.broken.is_some_and(|broken| goes_on(broken, rate));
        let first = if start == 0 || resumes_broken { 1 } else { start };
        let from = self.events.get(first).filter(|_| first < gaps.len()).copied();
        Some((rate, from))
    }
}

/// Whether an event after this interval is the next repeat of a key with this rate.
fn goes_on(rate: Duration, gap: Duration) -> bool {
    gap <= RATE || if rate <= RATE { gap <= STALL } else { gap.abs_diff(rate) <= rate / 4 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The meaning of events of one key at these milliseconds: `p` a press, `?` a press that may be a repeat, `h` held,
    /// `<` held since the previous event or earlier.
    fn kinds(events: &[(u64, Kind)]) -> String {
        let (mut hold, start) = (Hold::default(), Instant::now());
        let kinds =
            events.iter().map(|(ms, kind)| match hold.key(Key::Char(' '), *kind, start + Duration::from_millis(*ms)) {
                Press::New { unsure: false } => 'p',
                Press::New { unsure: true } => '?',
                Press::Held { from: None } => 'h',
                Press::Held { from: Some(_) } => '<',
                Press::Release => 'r',
            });
        kinds.collect()
    }

    fn downs(times: &[u64]) -> String {
        kinds(&times.iter().map(|ms| (*ms, Kind::Down)).collect::<Vec<_>>())
    }

    #[test]
    fn a_held_key_is_one_press_at_any_keyboard_delay_and_rate() {
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
    fn slow_repeats_are_recognised_by_their_rhythm() {
        assert_eq!(downs(&[0, 900, 1400, 1900, 2400]), "p??<h", "two a second");
        assert_eq!(downs(&[0, 900, 1200, 1503, 1804, 2100, 2900]), "p??<hh?", "released and pressed again");
        assert_eq!(downs(&[0, 800, 1600, 2400]), "p???", "no keyboard repeats so slowly");
        assert_eq!(downs(&[0, 900, 1300, 1780, 2050]), "p????", "no keyboard repeats so unevenly");
        assert_eq!(
            downs(&[0, 900, 1400, 1900, 2400, 3050, 3400, 3900, 4400]),
            "p??<h???<",
            "a machine that was late once"
        );
    }

    /// How many presses remain of a key's events at these milliseconds.
    fn presses(key: Key, times: &[u64]) -> usize {
        let (mut hold, start, mut presses) = (Hold::default(), Instant::now(), Vec::new());
        for at in times.iter().map(|ms| start + Duration::from_millis(*ms)) {
            match hold.key(key, Kind::Down, at) {
                Press::New { .. } => presses.push(at),
                Press::Held { from } => presses.retain(|at| from.is_none_or(|from| *at < from)),
                Press::Release => unreachable!("nobody reports one"),
            }
        }
        presses.len()
    }

    /// The keys of a hold: a tick, a fact, an undo.
    const KEYS: [Key; 4] = [Key::Char(' '), Key::Enter, Key::Char('a'), Key::Backspace];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn a_hold_is_one_press_at_every_delay_and_rate_once_it_has_settled(
            key in 0..KEYS.len(), delay in 200..=1000u64, rate in 2..=40u64, late in proptest::collection::vec(0..=5u64, 6..40),
        ) {
            let repeats = late.iter().zip(0u64..).map(|(late, n)| delay + n * 1000 / rate + late);
            let times: Vec<u64> = std::iter::once(0).chain(repeats).collect();
            prop_assert_eq!(presses(KEYS[key], &times), 1, "{:?}", times);
        }

        /// A person's intervals: at least 120 ms, and no two in a row alike.
        #[test]
        fn uneven_presses_are_all_counted(
            key in 0..KEYS.len(), pauses in proptest::collection::vec((120..1500u64, 15..200u64), 1..20),
        ) {
            let (mut times, mut last) = (vec![0], 0);
            for (pause, more) in pauses {
                let pause = if pause.abs_diff(last) < 15 { pause + more + 15 } else { pause };
                times.push(times.last().unwrap() + pause);
                last = pause;
            }
            prop_assert_eq!(presses(KEYS[key], &times), times.len(), "{:?}", times);
        }
    }

    #[test]
    fn reports_of_the_terminal_take_precedence() {
        use Kind::{Down, Release, Repeat};
        assert_eq!(kinds(&[(0, Down), (90, Release), (100, Down), (190, Release)]), "prpr", "quick fingers");
        assert_eq!(kinds(&[(0, Down), (500, Repeat), (900, Repeat), (950, Release), (1000, Down)]), "phhrp");
        let windows = [(0, Down), (50, Release), (100, Down), (600, Down), (1100, Down), (1110, Release), (1120, Down)];
        assert_eq!(kinds(&windows), "rphhrp".replacen('r', "pr", 1));
        assert_eq!(kinds(&[(0, Down), (50, Release), (100, Down), (2200, Down)]), "prpp", "a release that was lost");
    }
}
