//! A screen of text that somebody else keeps making anew, until the reader has seen enough.

use std::io;
use std::time::{Duration, Instant};

use crossterm::event;
use ratatui::text::{Line, Text};

use super::input::{Input, translate};
use super::terminal::Screen;
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
    /// Enters.
    ///
    /// # Errors
    /// Where stdout is no terminal that can be entered.
    pub fn enter() -> io::Result<Self> {
        Screen::enter().map(Self)
    }

    /// Shows a text from its first line; what the window has no room for is not shown. It must be fit for a terminal.
    ///
    /// # Errors
    /// Where the terminal is gone.
    pub fn show(&mut self, text: &str) -> io::Result<()> {
        let lines: Vec<Line<'_>> = text.lines().map(Line::from).collect();
        self.0.draw(|frame| frame.render_widget(Text::from(lines), frame.area()))
    }
}

/// How many lines a terminal has.
#[must_use]
pub fn height() -> Option<usize> {
    crossterm::terminal::size().ok().map(|(_, rows)| rows.into()).filter(|rows| *rows > 0)
}

/// Waits for a reader to do something that matters here: `q`, Escape and Ctrl-C end it. `None` after `patience`.
///
/// # Errors
/// Where the terminal is gone.
pub fn wait(patience: Duration) -> io::Result<Option<Done>> {
    let end = Instant::now() + patience;
    loop {
        if !event::poll(end.saturating_duration_since(Instant::now()))? {
            return Ok(None);
        }
        match translate(event::read()?, Instant::now()) {
            Some(Input::Key { key: Key::Char('q') | Key::Esc | Key::Ctrl('c'), .. }) => return Ok(Some(Done::Quit)),
            Some(Input::Resize) => return Ok(Some(Done::Resized)),
            _ => {}
        }
    }
}
