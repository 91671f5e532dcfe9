//! What a terminal sends → what a person meant. Bytes and the moments at which they were read go in, keys and pastes come
//! out: [`parser`] cuts the bytes into keys and into what a terminal says by itself, [`pace`] tells typing from text that
//! comes faster than anybody types and a held key from one that is pressed again, [`mistyped`] tells letters that were
//! meant for another window. All of it is pure: time comes in as an argument. [`source`] reads.
//!
//! A key is passed on at once. Where what follows shows that it was none (the third character of a text that nobody typed,
//! the third event of a held key), [`Input::Retract`] takes it back: so no key waits, and nothing stays of what nobody meant.

#[cfg(windows)]
pub mod console;
pub mod hold;
pub mod mistyped;
pub mod pace;
pub mod parser;
pub mod report;
pub mod source;

use std::time::{Duration, Instant};

use crate::keymap::Key;
use pace::Pace;
use parser::Parser;

/// Something a person did, or the terminal answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A key went down.
    Key {
        /// Which.
        key: Key,
        /// When it was read.
        at: Instant,
        /// Whether it is only still held.
        repeat: bool,
        /// For how long after `at` it may still be retracted.
        settles: Duration,
    },
    /// The keys that were read at this moment and later were none.
    Retract {
        /// The moment of the first of them.
        since: Instant,
    },
    /// A text was pasted, with a terminal's marks or without.
    Paste(String),
    /// The terminal answered what it was asked.
    Answer(Answer),
    /// The window has another size.
    Resize,
}

/// What a terminal answers of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It knows the kitty keyboard protocol, which reports press, repeat and release of every key.
    Keyboard,
    /// It has 16 million colours.
    TrueColour,
}

/// A key as a terminal reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Pressed, or still held: most terminals do not tell which.
    Down,
    /// Still held.
    Repeat,
    /// Released.
    Release,
}

/// One thing that a terminal sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// A key. Tab and line feed, which are text in a paste and otherwise nothing, are `Char`s here.
    Key(Key, Kind),
    /// A key that means nothing here.
    Other,
    /// The end of a string of the terminal's, whose beginning was not seen.
    StringEnd,
    /// A paste with its marks.
    Paste(String),
    /// The terminal answered.
    Answer(Answer),
}

/// The longest paste that is looked at, in bytes; a name stands in its first line.
pub const LONGEST_PASTE: usize = 4096;

/// The stage: bytes, in any pieces, and pauses → inputs.
#[derive(Debug, Default)]
pub struct Stage {
    parser: Parser,
    pace: Pace,
}

impl Stage {
    /// Bytes were read at this moment.
    ///
    /// A deadline that passed while they lay unread does not count: a busy machine reads late what came in time. Whoever
    /// waited and found nothing calls [`Stage::pause`].
    pub fn bytes(&mut self, bytes: &[u8], at: Instant) -> Vec<Input> {
        let mut out = Vec::new();
        for byte in bytes {
            self.parser.byte(*byte, at, &mut |token| self.pace.token(token, at, &mut out));
        }
        out
    }

    /// What a console reports as events instead of bytes.
    pub fn token(&mut self, token: Token, at: Instant) -> Vec<Input> {
        let mut out = Vec::new();
        self.pace.token(token, at, &mut out);
        out
    }

    /// When [`Stage::pause`] is to be called if nothing is read until then; `None`: nothing is pending.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        [self.parser.deadline(), self.pace.deadline()].into_iter().flatten().min()
    }

    /// Nothing was read until this moment.
    pub fn pause(&mut self, now: Instant) -> Vec<Input> {
        let mut out = Vec::new();
        if self.parser.deadline().is_some_and(|end| end <= now) {
            self.parser.end(&mut |token| self.pace.token(token, now, &mut out));
        }
        self.pace.pause(now, &mut out);
        out
    }
}

/// The text without what is over the longest paste, cut between characters.
#[must_use]
pub fn bounded(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(LONGEST_PASTE)]);
    // A character that was cut in two at the end.
    text.trim_end_matches('\u{fffd}').to_owned()
}

#[cfg(test)]
mod tests;
