//! The console of Windows reports keys as events, with their releases, and pastes as keys.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::{Kind, Token, bounded};
use crate::keymap::Key;

/// An event's meaning, if any.
pub fn token(event: Event) -> Option<Token> {
    match event {
        Event::Key(event) => {
            let kind = match event.kind {
                KeyEventKind::Press => Kind::Down,
                KeyEventKind::Repeat => Kind::Repeat,
                KeyEventKind::Release => Kind::Release,
            };
            key_of(event).map(|key| Token::Key(key, kind))
        }
        Event::Paste(text) => Some(Token::Paste(bounded(text.as_bytes()))),
        _ => None,
    }
}

fn key_of(event: KeyEvent) -> Option<Key> {
    let held = event.modifiers;
    // Ctrl+Alt is AltGr: a plain character on the layouts that have it.
    let altgr = held.contains(KeyModifiers::CONTROL | KeyModifiers::ALT);
    Some(match event.code {
        KeyCode::Char(c) if held.contains(KeyModifiers::CONTROL) && !altgr => Key::Ctrl(c.to_ascii_lowercase()),
        // Alt alone is a shortcut of the terminal or the desktop, not ours.
        KeyCode::Char(_) if held.contains(KeyModifiers::ALT) && !altgr => return None,
        // A letter may be shifted or not, with Shift reported or not.
        KeyCode::Char(c) if held.contains(KeyModifiers::SHIFT) => Key::Char(c.to_uppercase().next().unwrap_or(c)),
        KeyCode::Char(c) => Key::Char(c),
        KeyCode::Tab => Key::Char('\t'),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::KeyEventState;

    fn pressed(code: KeyCode, modifiers: KeyModifiers) -> Option<Token> {
        token(Event::Key(KeyEvent { code, modifiers, kind: KeyEventKind::Press, state: KeyEventState::NONE }))
    }

    #[test]
    fn keys_of_the_console_are_translated() {
        let char = KeyCode::Char;
        let key = |key| Some(Token::Key(key, Kind::Down));
        assert_eq!(pressed(char('K'), KeyModifiers::SHIFT), key(Key::Char('K')));
        assert_eq!(pressed(char('k'), KeyModifiers::SHIFT), key(Key::Char('K')));
        assert_eq!(pressed(char('q'), KeyModifiers::CONTROL | KeyModifiers::ALT), key(Key::Char('q')));
        assert_eq!(pressed(char('C'), KeyModifiers::CONTROL), key(Key::Ctrl('c')));
        assert_eq!(pressed(char('x'), KeyModifiers::ALT), None);
    }
}
