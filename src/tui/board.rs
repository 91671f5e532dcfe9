//! A screen of text that somebody else keeps making anew, until the reader has seen enough.

use std::io;
use std::time::{Duration, Instant};

use ratatui::text::{Line, Text};

use super::terminal::Screen;
use super::theme::Theme;
use crate::input::Input;
use crate::input::source::Source;
use crate::keymap::Key;

/// An entered terminal with a text on it; left when it goes.
#[derive(Debug)]
pub struct Board(Screen);

/// What a reader did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// They have seen enough.
    Quit,
    /// The window has another size.
    Resized,
}

impl Board {
    pub fn enter() -> io::Result<Self> {
        Screen::enter(Theme::Mono).map(Self)
    }

    /// Shows a text from its first line; what the window has no room for is not shown. It must be fit for a terminal.
    pub fn show(&mut self, text: &str) -> io::Result<()> {
        let lines: Vec<Line<'_>> = text.lines().map(Line::from).collect();
        self.0.draw(|frame| frame.render_widget(Text::from(lines), frame.area())).map(drop)
    }
}

/// How many lines a terminal has.
pub fn height() -> Option<usize> {
    size().map(|(_, rows)| rows.into()).filter(|rows| *rows > 0)
}

fn size() -> Option<(u16, u16)> {
    crossterm::terminal::size().ok()
}

/// How often the window is asked for its size.
const LOOK: Duration = Duration::from_millis(200);

/// Waits for a reader to do something that matters here: `q`, Escape and Ctrl-C end it. `None` after `patience`.
pub fn wait(patience: Duration) -> io::Result<Option<Done>> {
    let (end, before) = (Instant::now() + patience, size());
    let mut source = Source::default();
    loop {
        let left = end.saturating_duration_since(Instant::now());
        for input in source.read(Some(left.min(LOOK)))? {
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
