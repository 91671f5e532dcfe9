//! Typed into the wrong window: more different letters within a second than anybody presses keys.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// So many different letters in the window are typing.
pub const LETTERS: usize = 5;
/// The window.
pub const WINDOW: Duration = Duration::from_secs(1);
/// No more of them are remembered.
const MOST: usize = 64;

/// The letters of the last second.
#[derive(Debug, Default)]
pub struct Letters {
    last: VecDeque<(char, Instant)>,
}

impl Letters {
    /// A letter key. Answers the moment of the first of them, where they are typing.
    pub fn push(&mut self, letter: char, at: Instant) -> Option<Instant> {
        let letter = letter.to_lowercase().next().unwrap_or(letter);
        while self.last.front().is_some_and(|(_, first)| at.saturating_duration_since(*first) > WINDOW) {
            self.last.pop_front();
        }
        self.last.push_back((letter, at));
        if self.last.len() > MOST {
            self.last.pop_front();
        }
        let mut different: Vec<char> = self.last.iter().map(|(letter, _)| *letter).collect();
        different.sort_unstable();
        different.dedup();
        let first = self.last.front().map(|(_, at)| *at).filter(|_| different.len() >= LETTERS);
        if first.is_some() {
            self.last.clear();
        }
        first
    }

    /// The keys since this moment were none.
    pub fn retract(&mut self, since: Instant) {
        self.last.retain(|(_, at)| *at < since);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn typed(text: &str, gap: u64) -> Option<usize> {
        let (mut letters, start) = (Letters::default(), Instant::now());
        (0..)
            .zip(text.chars())
            .position(|(n, c)| c.is_alphabetic() && letters.push(c, start + Duration::from_millis(n * gap)).is_some())
    }

    #[test]
    fn a_sentence_is_typing_at_its_fifth_letter() {
        assert_eq!(typed("mati lampu sejak pagi", 90), Some(5));
        assert_eq!(typed("mati lampu sejak pagi", 160), Some(5));
        assert_eq!(typed("mati lampu sejak pagi", 300), None);
        assert_eq!(typed("MATI lampu", 90), Some(5));
    }

    #[test]
    fn facts_are_not() {
        assert_eq!(typed("kmaa", 100), None);
        assert_eq!(typed("kKkKkKmMmMmMaAaAaAcCcC", 40), None, "four keys, however often");
        assert_eq!(typed("kmazc", 300), None);
    }

    proptest! {
        /// By definition: five different ones, the first no more than a second before the last.
        #[test]
        fn exactly_five_different_letters_within_a_second(keys in proptest::collection::vec((0..7u8, 1..400u64), 1..40)) {
            let (mut letters, start) = (Letters::default(), Instant::now());
            let (mut now, mut seen): (_, Vec<(char, Instant)>) = (start, Vec::new());
            for (key, gap) in keys {
                now += Duration::from_millis(gap);
                let letter = char::from(b'a' + key);
                seen.push((letter, now));
                let mut recent: Vec<char> =
                    seen.iter().filter(|(_, at)| now - *at <= WINDOW).map(|(letter, _)| *letter).collect();
                recent.sort_unstable();
                recent.dedup();
                let first = letters.push(letter, now);
                prop_assert_eq!(first.is_some(), recent.len() >= LETTERS);
                if let Some(first) = first {
                    prop_assert!(now - first <= WINDOW);
                    seen.clear();
                }
            }
        }
    }
}
