//! Detects typing into the wrong window: more different letters within a second than anybody presses as shortcuts, or, at
//! any pace, letters that are no shortcuts at all.
//!
//! Speed alone can't tell slow typing from quick shortcuts: five of them at 300 ms each are deliberate, and so is the pace
//! of many typists. But whoever presses shortcuts presses keys that have a function, and a text soon has letters that have
//! none. One may be a slip beside the intended key; two among five different letters are not.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// This many different letters within the window are typing.
pub const LETTERS: usize = 5;
pub const WINDOW: Duration = Duration::from_secs(1);
/// This many different letters in direct sequence, within [`AT_ONCE`], are typing too: nobody presses four shortcuts at
/// 16 a second. Three may be pressed with three fingers, and count as keys.
pub const QUICK: usize = 4;
pub const AT_ONCE: Duration = Duration::from_millis(180);
/// Keys with shorter intervals are one run of typing, which is undone as a whole.
pub const PAUSE: Duration = Duration::from_millis(700);
/// In a run with [`LETTERS`] different letters, this many without a function are typing.
const WITHOUT_FUNCTION: usize = 2;
/// After text for another window, keys are ignored until a pause of this length.
const QUIET: Duration = Duration::from_secs(1);
/// More keys of a run, or letters, are not remembered: a text has shown long before that it is one.
pub const MOST: usize = 64;
/// Keys with shorter intervals are typed as text is.
const TEXT_PACE: Duration = Duration::from_millis(200);
/// A slower text has shorter intervals than this. Deliberate shortcuts have them too, so it also needs a letter without a
/// function before the field.
const SLOW_PACE: Duration = Duration::from_millis(400);
/// If at least this many letters, including the key that opened the field, precede the text in a field without a pause,
/// that text may be the rest of a text for another window. Two letters may be a fact's key and then the name's key.
const BEFORE_FIELD: usize = 3;

/// The letters of the last second.
#[derive(Debug, Default)]
pub struct Letters {
    last: VecDeque<(char, Instant)>,
}

impl Letters {
    /// Records a letter key. Returns the time of the first letter if the letters are typing.
    pub fn push(&mut self, letter: char, at: Instant) -> Option<Instant> {
        let letter = letter.to_lowercase().next().unwrap_or(letter);
        while self.last.front().is_some_and(|(_, first)| at.saturating_duration_since(*first) > WINDOW) {
            self.last.pop_front();
        }
        self.last.push_back((letter, at));
        if self.last.len() > MOST {
            self.last.pop_front();
        }
        let is_typing = different(self.last.iter()) >= LETTERS;
        let first = self.last.front().map(|(_, at)| *at).filter(|_| is_typing).or_else(|| self.quick(at));
        if first.is_some() {
            self.last.clear();
        }
        first
    }

    /// The time of the first of the last letters, if they arrived unlike shortcuts.
    fn quick(&self, at: Instant) -> Option<Instant> {
        let last = || self.last.iter().rev().take(QUICK);
        let first = last().next_back().map(|(_, first)| *first)?;
        (different(last()) == QUICK && at.saturating_duration_since(first) <= AT_ONCE).then_some(first)
    }

    /// The keys since this time were not key presses.
    pub fn retract(&mut self, since: Instant) {
        self.last.retain(|(_, at)| *at < since);
    }
}

/// A letter key.
#[derive(Clone, Copy, Debug)]
pub struct Letter {
    pub letter: char,
    /// Whether the key does something outside of a field.
    pub has_function: bool,
}

impl Letter {
    fn lower(self) -> char {
        self.letter.to_lowercase().next().unwrap_or(self.letter)
    }
}

/// A run of keys at the pace of a text that began outside of a field and continued in it.
#[derive(Debug, Default)]
struct IntoField {
    /// The letters before the field.
    before: usize,
    /// Whether one of them has no function.
    has_idle: bool,
    different: Vec<char>,
    last: Option<Instant>,
}

impl IntoField {
    /// Records any key. Returns whether the keys before the field and in it are one text of this pace, typed into the
    /// wrong window.
    fn press(&mut self, letter: Option<Letter>, is_in_field: bool, at: Instant, pace: Duration) -> bool {
        if self.last.is_none_or(|last| at.saturating_duration_since(last) >= pace) {
            *self = Self::default();
        }
        self.last = Some(at);
        let Some(letter) = letter else { return false };
        if !is_in_field {
            self.before += 1;
            self.has_idle |= !letter.has_function;
        } else if self.before < BEFORE_FIELD || (pace > TEXT_PACE && !self.has_idle) {
            return false;
        }
        let letter = letter.lower();
        if !self.different.contains(&letter) && self.different.len() < LETTERS {
            self.different.push(letter);
        }
        is_in_field && self.different.len() == LETTERS
    }
}

/// The run of keys that may be text for another window.
#[derive(Debug, Default)]
pub struct Stray {
    letters: Letters,
    /// By the pace of a text, and by that of a slow one.
    into_field: [IntoField; 2],
    /// The first and the last key of the run.
    run: Option<(Instant, Instant)>,
    /// The different letters of the run outside of a field, with the time of the first of each.
    of_run: Vec<(Letter, Instant)>,
    /// The last key of a text for another window.
    ignoring: Option<Instant>,
}

impl Stray {
    /// Records any key. Returns the time of the first key of its run; `None` if this key begins a new run.
    pub fn press(&mut self, at: Instant) -> Option<Instant> {
        let goes_on = |(_, last): &(Instant, Instant)| at.saturating_duration_since(*last) < PAUSE;
        let first = self.run.filter(goes_on).map(|(first, _)| first);
        if first.is_none() {
            self.of_run.clear();
        }
        self.run = Some((first.unwrap_or(at), at));
        first
    }

    /// Records a letter outside of a field. If the run is text for another window, returns the time of its first key.
    pub fn letter(&mut self, letter: Letter, at: Instant) -> Option<Instant> {
        if self.of_run.len() < MOST && self.of_run.iter().all(|(known, _)| known.lower() != letter.lower()) {
            self.of_run.push((letter, at));
        }
        let without_function = self.of_run.iter().filter(|(letter, _)| !letter.has_function).count();
        let is_text = self.of_run.len() >= LETTERS && without_function >= WITHOUT_FUNCTION;
        let since = self.letters.push(letter.letter, at).or(is_text.then_some(at))?;
        self.letters = Letters::default();
        self.of_run.clear();
        self.ignoring = Some(at);
        // Keys typed directly before, including spaces and digits, belong to the same text.
        Some(self.run.map_or(since, |(first, _)| first.min(since)))
    }

    /// Records any key, with its letter if it is one. If the run is text for another window, which opened the field by
    /// accident, returns the time of its first key.
    pub fn typed(&mut self, letter: Option<Letter>, is_in_field: bool, at: Instant) -> Option<Instant> {
        let [text, slow] = &mut self.into_field;
        let is_text = text.press(letter, is_in_field, at, TEXT_PACE);
        if !slow.press(letter, is_in_field, at, SLOW_PACE) && !is_text {
            return None;
        }
        self.into_field = Default::default();
        self.of_run.clear();
        self.ignoring = Some(at);
        Some(self.run.map_or(at, |(first, _)| first))
    }

    /// Whether a key still belongs to a text for another window. `ends`: it is a key that ends such a text.
    pub fn ignores(&mut self, ends: bool, at: Instant) -> bool {
        let Some(last) = self.ignoring else { return false };
        let ignores = !ends && at.saturating_duration_since(last) < QUIET;
        self.ignoring = ignores.then_some(at);
        ignores
    }

    /// The keys since this time were not key presses.
    pub fn retract(&mut self, since: Instant) {
        self.letters.retract(since);
        self.of_run.retain(|(_, at)| *at < since);
    }
}

/// The number of different letters.
fn different<'a>(letters: impl Iterator<Item = &'a (char, Instant)>) -> usize {
    let mut letters: Vec<char> = letters.map(|(letter, _)| *letter).collect();
    letters.sort_unstable();
    letters.dedup();
    letters.len()
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

    /// The position of the key at which a text is recognised whose keys have these intervals; only these letters have a
    /// function.
    fn recognised(text: &str, gaps: &[u64]) -> Option<usize> {
        let (mut stray, mut at) = (Stray::default(), Instant::now());
        text.chars().zip(gaps.iter().cycle()).position(|(c, gap)| {
            at += Duration::from_millis(*gap);
            stray.press(at);
            let letter = Letter { letter: c, has_function: "kmabnzxcsrdq".contains(c.to_ascii_lowercase()) };
            c.is_alphabetic() && stray.letter(letter, at).is_some()
        })
    }

    #[test]
    fn letters_without_a_function_are_typing_at_any_pace() {
        for gaps in [&[260][..], &[300], &[450], &[690], &[180, 420, 260, 330]] {
            // At its fifth letter, or the second without a function.
            assert_eq!(recognised("kemarin listrik padam", gaps), Some(5), "{gaps:?}");
            assert_eq!(recognised("mati lampu sejak pagi", gaps), Some(5), "{gaps:?}");
            assert_eq!(recognised("Maaf kak, boleh info", gaps), Some(11), "{gaps:?}");
        }
        assert_eq!(recognised("kemarin listrik padam", &[700]), None, "a pause ends a run");
    }

    #[test]
    fn shortcuts_are_not_typing_however_many() {
        for gaps in [&[260][..], &[300], &[400], &[690]] {
            assert_eq!(recognised("kmabzxdrcs", gaps), None, "{gaps:?}: each has a function");
            assert_eq!(recognised("kmaebz", gaps), None, "{gaps:?}: one slip");
            assert_eq!(recognised("kmeaekemea", gaps), None, "{gaps:?}: the same slip again");
            assert_eq!(recognised("keit", gaps), None, "{gaps:?}: four letters");
        }
    }

    #[test]
    fn four_letters_faster_than_shortcuts_are_typing() {
        for gap in [36, 45, 60] {
            assert_eq!(typed("budi", gap), Some(3), "{gap}");
            assert_eq!(typed("kma", gap), None, "{gap}: three fingers");
            assert_eq!(typed("anna", gap), None, "{gap}");
        }
        assert_eq!(typed("kmax", 61), None, "quick fingers");
    }

    #[test]
    fn repeated_or_slow_shortcuts_are_not_typing() {
        assert_eq!(typed("kmaa", 100), None);
        assert_eq!(typed("kKkKkKmMmMmMaAaAaAcCcC", 40), None, "four keys, however often");
        assert_eq!(typed("kmazc", 300), None);
    }

    proptest! {
        /// By definition: five different ones, the first no more than a second before the last; or the last four, all
        /// different, faster than shortcuts are pressed.
        #[test]
        fn exactly_five_different_letters_within_a_second_or_four_at_once(keys in proptest::collection::vec((0..7u8, prop_oneof![1..60u64, 1..400u64]), 1..40)) {
            let (mut letters, start) = (Letters::default(), Instant::now());
            let (mut now, mut seen): (_, Vec<(char, Instant)>) = (start, Vec::new());
            for (key, gap) in keys {
                now += Duration::from_millis(gap);
                let letter = char::from(b'a' + key);
                seen.push((letter, now));
                let recent = different(seen.iter().filter(|(_, at)| now - *at <= WINDOW));
                let four = &seen[seen.len().saturating_sub(QUICK)..];
                let at_once = different(four.iter()) == QUICK && now - four[0].1 <= AT_ONCE;
                let first = letters.push(letter, now);
                prop_assert_eq!(first.is_some(), recent >= LETTERS || at_once);
                if let Some(first) = first {
                    prop_assert!(now - first <= WINDOW);
                    seen.clear();
                }
            }
        }
    }
}
