//! crossterm's events → ours, the same on Windows, Linux and macOS. Knows nothing of what a key does.

use std::time::{Duration, Instant};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::keymap::Key;

/// Something a person did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A key went down.
    Key {
        /// Which.
        key: Key,
        /// When it was read.
        at: Instant,
        /// Whether the terminal says that it is only held.
        repeat: bool,
    },
    /// A text was pasted.
    Paste(String),
    /// The window has another size.
    Resize,
}

/// The longest paste that is looked at; a name stands in its first line.
const LONGEST_PASTE: usize = 4096;

/// What an event means, if anything.
#[must_use]
pub fn translate(event: Event, at: Instant) -> Option<Input> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => {
            let repeat = key.kind == KeyEventKind::Repeat;
            Some(Input::Key { key: key_of(key)?, at, repeat })
        }
        Event::Paste(mut text) => {
            let mut end = LONGEST_PASTE.min(text.len());
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            text.truncate(end);
            Some(Input::Paste(text))
        }
        Event::Resize(..) => Some(Input::Resize),
        _ => None,
    }
}

fn key_of(event: KeyEvent) -> Option<Key> {
    let held = event.modifiers;
    // Ctrl+Alt is AltGr: a plain character on the layouts that have it.
    let altgr = held.contains(KeyModifiers::CONTROL | KeyModifiers::ALT);
    Some(match event.code {
        KeyCode::Char(c) if held.contains(KeyModifiers::CONTROL) && !altgr => Key::Ctrl(c.to_ascii_lowercase()),
        // Alt alone is a shortcut of the terminal or the desktop, none of ours.
        KeyCode::Char(_) if held.contains(KeyModifiers::ALT) && !altgr => return None,
        // Shift is reported with the letter or without, but the letter is always the shifted one; where it is not
        // (a lower-case letter with Shift), it is made so.
        KeyCode::Char(c) if held.contains(KeyModifiers::SHIFT) => Key::Char(c.to_uppercase().next().unwrap_or(c)),
        KeyCode::Char(c) => Key::Char(c),
        KeyCode::Enter => Key::Enter,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Delete => Key::Delete,
        KeyCode::Esc => Key::Esc,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        _ => return None,
    })
}

/// Tells a held key from one pressed again: presses of the same key less than this apart count as one.
pub const HELD: Duration = Duration::from_millis(40);

/// Watches Space and Enter, which must tick once however long they are held.
#[derive(Debug, Default)]
pub struct Hold {
    last: [Option<Instant>; 2],
}

impl Hold {
    /// Whether this press is only the key still being held.
    pub fn is_held(&mut self, key: Key, at: Instant, repeat: bool) -> bool {
        let last = match key {
            Key::Char(' ') => &mut self.last[0],
            Key::Enter => &mut self.last[1],
            _ => return false,
        };
        let held = last.is_some_and(|last| at.saturating_duration_since(last) < HELD);
        *last = Some(at);
        held || repeat
    }
}

/// Tells a paste from typing where the terminal sends no paste events: more than [`Burst::TYPED`] characters within
/// [`Burst::WINDOW`]. Characters wait here until it is clear which they are.
#[derive(Debug, Default)]
pub struct Burst {
    waiting: Vec<(char, Instant)>,
}

impl Burst {
    /// At most so many characters in a window are typing.
    pub const TYPED: usize = 5;
    /// The window.
    pub const WINDOW: Duration = Duration::from_millis(30);

    /// Whether characters wait.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// A character came. A pasted line break is one too.
    pub fn push(&mut self, c: char, at: Instant) {
        self.waiting.push((c, at));
    }

    /// Nothing more came in time: what waited is one paste, or so many keys.
    pub fn settle(&mut self) -> Vec<Input> {
        let fast = |w: &[(char, Instant)]| w[Self::TYPED].1.saturating_duration_since(w[0].1) <= Self::WINDOW;
        let pasted = self.waiting.windows(Self::TYPED + 1).any(fast);
        let waiting = std::mem::take(&mut self.waiting);
        if pasted {
            return vec![Input::Paste(waiting.into_iter().map(|(c, _)| c).collect())];
        }
        let key = |c| if c == '\n' { Key::Enter } else { Key::Char(c) };
        waiting.into_iter().map(|(c, at)| Input::Key { key: key(c), at, repeat: false }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::KeyEventState;

    fn key(code: KeyCode, modifiers: KeyModifiers, kind: KeyEventKind) -> Option<Input> {
        let event = KeyEvent { code, modifiers, kind, state: KeyEventState::NONE };
        translate(Event::Key(event), Instant::now())
    }

    fn pressed(code: KeyCode, modifiers: KeyModifiers) -> Option<Key> {
        match key(code, modifiers, KeyEventKind::Press) {
            Some(Input::Key { key, repeat: false, .. }) => Some(key),
            _ => None,
        }
    }

    #[test]
    fn the_same_key_on_every_platform() {
        let char = KeyCode::Char;
        assert_eq!(pressed(char('K'), KeyModifiers::SHIFT), Some(Key::Char('K')));
        assert_eq!(pressed(char('k'), KeyModifiers::SHIFT), Some(Key::Char('K')));
        assert_eq!(pressed(char('K'), KeyModifiers::NONE), Some(Key::Char('K')));
        assert_eq!(pressed(char('q'), KeyModifiers::CONTROL | KeyModifiers::ALT), Some(Key::Char('q')));
        assert_eq!(pressed(char('C'), KeyModifiers::CONTROL), Some(Key::Ctrl('c')));
        assert_eq!(pressed(char('x'), KeyModifiers::ALT), None);
        assert_eq!(key(char('k'), KeyModifiers::NONE, KeyEventKind::Release), None);
        assert!(matches!(
            key(char(' '), KeyModifiers::NONE, KeyEventKind::Repeat),
            Some(Input::Key { repeat: true, .. })
        ));
    }

    #[test]
    fn a_held_key_counts_once() {
        let (mut hold, start) = (Hold::default(), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        assert!(!hold.is_held(Key::Char(' '), at(0), false));
        assert!(hold.is_held(Key::Char(' '), at(33), false));
        assert!(hold.is_held(Key::Char(' '), at(66), false), "each counts from the one before");
        assert!(!hold.is_held(Key::Enter, at(70), false), "another key is another press");
        assert!(!hold.is_held(Key::Char(' '), at(106), false));
        assert!(hold.is_held(Key::Char(' '), at(900), true), "a reported repeat");
        assert!(!hold.is_held(Key::Char('k'), at(901), false));
    }

    #[test]
    fn a_burst_is_a_paste() {
        let start = Instant::now();
        let burst = |gap: u64, text: &str| {
            let mut burst = Burst::default();
            for (n, c) in (0..).zip(text.chars()) {
                burst.push(c, start + Duration::from_millis(n * gap));
            }
            burst.settle()
        };
        assert_eq!(burst(5, "kmabnx"), [Input::Paste("kmabnx".into())]);
        assert_eq!(burst(5, "kmabn").len(), 5);
        assert_eq!(burst(7, "kmabnx").len(), 6, "six in 35 ms are typed");
        assert_eq!(burst(0, "Siti\nJl."), [Input::Paste("Siti\nJl.".into())]);
    }

    #[test]
    fn a_huge_paste_is_bounded_at_a_character() {
        let Some(Input::Paste(text)) = translate(Event::Paste("é".repeat(10_000)), Instant::now()) else {
            panic!("a paste stays one")
        };
        assert!(text.len() <= LONGEST_PASTE && text.chars().all(|c| c == 'é'));
    }
}
