//! A full-screen text that the caller redraws until the reader quits.

use std::io;
use std::time::{Duration, Instant};

use ratatui::text::{Line, Text};

use super::terminal::Screen;
use super::theme::Theme;
use crate::input::Input;
use crate::input::source::Source;
use crate::keymap::Key;

/// An entered terminal that shows a text; dropping it restores the terminal.
#[derive(Debug)]
pub struct Board(Screen);

/// What a reader did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    Quit,
    /// The window has another size.
    Resized,
}

impl Board {
    pub fn enter() -> io::Result<Self> {
        Screen::enter(Theme::Mono).map(Self)
    }

    /// Shows the first lines of a text. It must not contain control characters.
    pub fn show(&mut self, text: &str) -> io::Result<()> {
        let lines: Vec<Line<'_>> = text.lines().map(Line::from).collect();
        self.0.draw(|frame, _| frame.render_widget(Text::from(lines), frame.area())).map(drop)
    }
}

/// How many lines a terminal has.
pub fn height() -> Option<usize> {
    size().map(|(_, rows)| rows.into()).filter(|rows| *rows > 0)
}

fn size() -> Option<(u16, u16)> {
    crossterm::terminal::size().ok()
}

/// How often the window's size is checked.
const SIZE_CHECK: Duration = Duration::from_millis(200);

/// Waits for the reader to quit (`q`, Escape, Ctrl-C) or to resize the window. `None` after `patience`.
pub fn wait(patience: Duration) -> io::Result<Option<Done>> {
    let (end, before) = (Instant::now() + patience, size());
    let mut source = Source::default();
    loop {
        let left = end.saturating_duration_since(Instant::now());
        for input in source.read(Some(left.min(SIZE_CHECK)))? {
            match input {
                Input::Key { key: Key::Char('q') | Key::Esc | Key::Ctrl('c'), .. } => return Ok(Some(Done::Quit)),
                Input::Resize => return Ok(Some(Done::Resized)),
                _ => {}
            }
        }
        if size() != before {
            return Ok(Some(Done::Resized));
        }
        if left.is_zero() {
            return Ok(None);
        }
    }
}
