//! A person's keys in a terminal, within the times that the program has against keys that were not meant: a held key, a text for
//! another window, a sentence ticked faster than it is said or right after it changed.

use std::collections::VecDeque;
use std::thread;
use std::time::{Duration, Instant};

use super::calls::Dice;
use super::term::Term;

/// From a key's effect to the next key.
const BETWEEN_KEYS: Duration = Duration::from_millis(62);
/// The same key sooner would count as held.
const SAME_KEY: Duration = Duration::from_millis(260);
/// Before a name: sooner it would be the rest of a text.
const BEFORE_NAME: Duration = Duration::from_millis(210);
/// No sentence takes less time to say (the program: 700 ms).
const SAYING: Duration = Duration::from_millis(720);
/// After a change from outside nothing is ticked for so long (the program: 1.2 s).
const GRACE: Duration = Duration::from_millis(1220);
/// This many different letters within this time are typing (the program: five within a second).
const LETTERS: (usize, Duration) = (5, Duration::from_millis(1100));
/// After a pause of this length a run of keys is over, and what they did is written.
const RUN: Duration = Duration::from_millis(760);

pub struct Keyboard {
    pub term: Term,
    dice: Dice,
    last: Option<(String, Instant)>,
    letters: VecDeque<(char, Instant)>,
    /// When a sentence was last ticked, or tried to.
    said: Option<Instant>,
    /// When the sentence was last changed by something else.
    changed: Option<Instant>,
    /// The last words of `penutup press`.
    outside: Option<(String, Instant)>,
}

impl Keyboard {
    pub fn new(term: Term, dice: Dice) -> Self {
        Self { term, dice, last: None, letters: VecDeque::new(), said: None, changed: None, outside: None }
    }

    pub fn text(&self) -> String {
        self.term.text()
    }

    /// Presses a key and waits until the screen shows its effect.
    #[track_caller]
    pub fn key(&mut self, key: &str, what: &str, shown: impl Fn(&str) -> bool) {
        wait(self.ready(key));
        self.term.send_at_once(key);
        self.term.until(what, |screen| shown(&screen.contents()));
        self.note(key);
    }

    /// Types a name into its field, a letter after the other, or pastes it.
    pub fn name(&mut self, typed: &str, name: &str, is_pasted: bool) {
        let accepted = |text: &str| text.contains(&format!("N {name}")) && !text.contains("Enter pakai");
        if is_pasted {
            wait(self.ready("n"));
            self.term.paste(typed).until("the pasted name", |screen| screen.contents().contains("Enter pakai"));
        } else {
            wait(self.ready("n").max(since(self.last.as_ref().map(|(_, at)| *at), BEFORE_NAME)));
            self.key("n", "the field", |text| text.contains("Enter pakai"));
            for letter in typed.chars() {
                thread::sleep(BETWEEN_KEYS);
                self.term.send_at_once(letter.to_string()).wait_until_read();
            }
        }
        thread::sleep(BETWEEN_KEYS * 2);
        self.term.send_at_once("\r").until("the name", |screen| accepted(&screen.contents()));
        self.last = Some(("\r".into(), Instant::now()));
    }

    /// Waits until these words of `penutup press` would be taken for a new press.
    pub fn wait_to_press_outside(&mut self, words: &str) {
        let same = self.outside.as_ref().filter(|(last, _)| last == words).map(|(_, at)| *at);
        let own = if ["said", "next"].contains(&words) { " " } else { "s" };
        let ready = if words.starts_with("said") || words == "next" { self.guarded(own) } else { Instant::now() };
        wait(ready.max(since(same, SAYING)));
    }

    pub fn pressed_outside(&mut self, words: &str) {
        self.outside = Some((words.to_owned(), Instant::now()));
        if ["said", "next"].contains(&words) {
            self.said = Some(Instant::now());
        }
    }

    /// The sentence was changed by something else than a key.
    pub fn sentence_changed(&mut self) {
        self.changed = Some(Instant::now());
    }

    /// Whether a Space now would be the first one after a change that is too recent.
    pub fn can_try_too_soon(&self) -> bool {
        let now = Instant::now();
        let is_recent = self.changed.is_some_and(|at| at.elapsed() < Duration::from_millis(200));
        is_recent && since(self.said, SAYING) <= now && self.last.as_ref().is_none_or(|(key, _)| key != " ")
    }

    /// Presses Space although the sentence has just changed.
    pub fn space_too_soon(&mut self) {
        thread::sleep(BETWEEN_KEYS);
        self.term.send_at_once(" ").shows("Kalimat baru berubah, belum dicentang");
        self.note(" ");
    }

    /// Waits until the last run of keys is over.
    pub fn rest(&self) {
        wait(since(self.last.as_ref().map(|(_, at)| *at), RUN));
    }

    /// Notes a key that was pressed.
    pub fn note(&mut self, key: &str) {
        let now = Instant::now();
        self.last = Some((key.to_owned(), now));
        if key == " " {
            self.said = Some(now);
        }
        self.letters.extend(letter(key).map(|letter| (letter, now)));
    }

    /// When this key may be pressed.
    fn ready(&mut self, key: &str) -> Instant {
        let uneven = Duration::from_millis(self.dice.below(35));
        let pause = match &self.last {
            Some((last, _)) if last == key => SAME_KEY,
            _ => BETWEEN_KEYS,
        };
        let paced = since(self.last.as_ref().map(|(_, at)| *at), pause + uneven);
        paced.max(self.guarded(key)).max(self.unlike_typing(key))
    }

    /// When a key that ticks does so.
    fn guarded(&self, key: &str) -> Instant {
        let changed = since(self.changed, GRACE);
        match key {
            " " => changed.max(since(self.said, SAYING)),
            "s" => changed,
            _ => Instant::now(),
        }
    }

    /// When this key is no part of a text for another window.
    fn unlike_typing(&mut self, key: &str) -> Instant {
        let (most, window) = LETTERS;
        let now = Instant::now();
        self.letters.retain(|(_, at)| at.elapsed() < window);
        let Some(letter) = letter(key) else { return now };
        let mut different: Vec<char> = vec![letter];
        for (letter, at) in self.letters.iter().rev() {
            if !different.contains(letter) {
                different.push(*letter);
            }
            if different.len() >= most {
                return *at + window;
            }
        }
        now
    }
}

fn letter(key: &str) -> Option<char> {
    key.chars().next().filter(|letter| letter.is_alphabetic())
}

/// So long after that moment.
fn since(moment: Option<Instant>, pause: Duration) -> Instant {
    moment.map_or_else(Instant::now, |at| at + pause)
}

pub fn wait(until: Instant) {
    thread::sleep(until.saturating_duration_since(Instant::now()));
}
