//! Distinguishes key presses from text that nobody typed, by speed.

use std::time::{Duration, Instant};

use super::hold::{Hold, Press, SLOWEST};
use super::report::{is_report, may_begin, without_paste_mark};
use super::{Input, Kind, LONGEST_PASTE, Token};
use crate::keymap::Key;

/// Characters within this interval may be a text that nobody typed: two fingers can be so quick, three can't.
pub const GAP: Duration = Duration::from_millis(35);
/// This many of them are such a text; a repeated character counts at most as often as a text may contain it in a row.
pub const LEAST: usize = 3;
/// A character this shortly before such a text belongs to it: nobody types so fast.
pub const LINK: Duration = Duration::from_millis(60);
/// The most characters that are remembered.
const REMEMBERED: usize = 16;
/// Such a text ends with a pause of this length; a busy machine has shorter ones within it.
pub const END: Duration = Duration::from_millis(150);

/// Text that arrived at once.
struct Burst {
    text: String,
    last: Instant,
    /// Whether this is certain; otherwise it may still be keys.
    certain: bool,
}

impl Burst {
    fn ends(&self) -> Instant {
        self.last + if self.certain { END } else { GAP }
    }
}

/// The most recent characters.
#[derive(Default)]
pub struct Pace {
    /// The last characters within [`GAP`] of each other; all were emitted as keys.
    run: Vec<(char, Instant)>,
    /// The characters before those, within [`LINK`] of each other.
    before: Vec<(char, Instant)>,
    text: Option<Burst>,
    hold: Hold,
}

impl std::fmt::Debug for Pace {
    /// Prints no characters: they may be part of a name.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pace").field("pending", &self.pending()).finish_non_exhaustive()
    }
}

impl Pace {
    /// The number of remembered characters.
    pub(super) fn pending(&self) -> usize {
        self.run.len() + self.before.len() + self.text.as_ref().map_or(0, |text| text.text.len())
    }

    /// The next token, read at this time.
    pub fn token(&mut self, token: Token, at: Instant, out: &mut Vec<Input>) {
        if self.text.as_ref().is_some_and(|text| text.ends() < at) {
            self.finish(at, out);
        }
        let (key, kind) = match token {
            Token::Key(key, kind) => (key, kind),
            Token::StringEnd => return self.string_end(at, out),
            Token::TerminalReply(answer) => return out.push(Input::TerminalReply(answer)),
            Token::Other => return self.break_off(at, out),
            Token::Paste(text) => {
                self.break_off(at, out);
                return out.push(Input::Paste(text));
            }
        };
        match (key, kind) {
            (Key::Char(c), Kind::Down) => self.character(c, at, out),
            (Key::Enter, Kind::Down) => self.character('\n', at, out),
            (_, Kind::Down) => {
                self.break_off_text(at, out);
                self.key(key, kind, at, out);
            }
            (_, Kind::Repeat | Kind::Release) => self.key(key, kind, at, out),
        }
    }

    /// When the text being collected ends by silence.
    pub fn deadline(&self) -> Option<Instant> {
        self.text.as_ref().map(Burst::ends)
    }

    /// Nothing was read until this time.
    pub fn pause(&mut self, now: Instant, out: &mut Vec<Input>) {
        if self.deadline().is_some_and(|end| end <= now) {
            self.finish(now, out);
        }
    }

    fn character(&mut self, c: char, at: Instant, out: &mut Vec<Input>) {
        if let Some(text) = &mut self.text {
            if text.text.len() < LONGEST_PASTE {
                text.text.push(c);
            }
            text.last = at;
            text.certain |= text.text.chars().count() >= LEAST;
            return;
        }
        let gap = self.run.last().map(|(_, last)| at.saturating_duration_since(*last));
        if gap.is_none_or(|gap| gap > LINK) {
            self.before.clear();
            self.run.clear();
        } else if gap.is_some_and(|gap| gap > GAP) {
            self.before.append(&mut self.run);
            let from = self.before.len().saturating_sub(REMEMBERED);
            self.before.drain(..from);
        }
        if self.run.is_empty() && may_begin(c) {
            self.text = Some(Burst { text: c.into(), last: at, certain: false });
            return;
        }
        // A repeating key is one press: no text has two spaces in a row, and none three equal letters.
        let same = self.run.iter().rev().take_while(|(other, _)| *other == c).count();
        if same < if c.is_whitespace() { 1 } else { 2 } {
            self.run.push((c, at));
        } else if let Some((_, last)) = self.run.last_mut() {
            *last = at;
        }
        let is_burst = self.run.len() >= LEAST;
        if !is_burst {
            return self.key(key_of(c), Kind::Down, at, out);
        }
        // A busy machine stalls within a text too: characters directly before belong to it.
        let all: Vec<(char, Instant)> = self.before.drain(..).chain(self.run.drain(..)).collect();
        out.extend(all.first().map(|(_, since)| Input::Retract { since: *since, held: false }));
        let text = all.into_iter().map(|(c, _)| c).collect();
        self.text = Some(Burst { text, last: at, certain: true });
        self.hold.reset();
    }

    fn key(&mut self, key: Key, kind: Kind, at: Instant, out: &mut Vec<Input>) {
        let is_text = matches!(key, Key::Char(_) | Key::Enter);
        let (repeat, settles) = match self.hold.key(key, kind, at) {
            Press::New { unsure: true } => (false, SLOWEST),
            Press::New { unsure: false } if is_text => (false, GAP * 2),
            Press::New { unsure: false } => (false, Duration::ZERO),
            Press::Held { from } => {
                out.extend(from.map(|since| Input::Retract { since, held: true }));
                (true, Duration::ZERO)
            }
            Press::Release => return,
        };
        // Outside of a text these are not keys of ours.
        if !matches!(key, Key::Char('\t' | '\n')) {
            out.push(Input::Key { key, at, repeat, settles });
        }
    }

    /// A terminal's string ended whose beginning was not seen: the characters directly before belong to it.
    fn string_end(&mut self, at: Instant, out: &mut Vec<Input>) {
        if self.text.take().is_some() {
            return;
        }
        if let Some((_, since)) = self.run.first()
            && self.run.last().is_some_and(|(_, last)| at.saturating_duration_since(*last) <= GAP)
        {
            out.push(Input::Retract { since: *since, held: false });
        }
        self.run.clear();
        self.before.clear();
    }

    fn break_off_text(&mut self, at: Instant, out: &mut Vec<Input>) {
        self.run.clear();
        self.before.clear();
        self.finish(at, out);
    }

    fn break_off(&mut self, at: Instant, out: &mut Vec<Input>) {
        self.break_off_text(at, out);
        self.hold.reset();
    }

    /// The text has ended: it was pasted, a terminal's report, or keys after all.
    fn finish(&mut self, at: Instant, out: &mut Vec<Input>) {
        let Some(Burst { text, certain, .. }) = self.text.take() else { return };
        if let Some(pasted) = without_paste_mark(&text) {
            out.push(Input::Paste(pasted.into()));
        } else if is_report(&text) {
            // A terminal's report.
        } else if certain {
            out.push(Input::Burst(text.into()));
        } else {
            for c in text.chars() {
                self.key(key_of(c), Kind::Down, at, out);
            }
        }
    }
}

fn key_of(c: char) -> Key {
    if c == '\n' { Key::Enter } else { Key::Char(c) }
}
