//! The full-screen view.

use std::convert::Infallible;
use std::io;

use chrono::{DateTime, Utc};

use super::terminal::Screen;
#[cfg(unix)]
use super::terminal::leave;
use super::theme::Theme;
use super::view;
use crate::app::{App, Effect};
use crate::event::InputSender;
use crate::input::{Input, source};
use crate::keymap::Key;
use crate::run::{Step, View};
use crate::scroll::Scroll;

/// The full-screen view.
#[derive(Debug)]
pub struct Prompter {
    screen: Screen,
    scroll: Scroll,
    /// Whether the terminal has not read the last frame.
    behind: bool,
    /// Whether the last frame had room for the current sentence.
    shows_sentence: bool,
}

impl Prompter {
    pub fn enter(theme: Theme) -> io::Result<Self> {
        Ok(Self { screen: Screen::enter(theme)?, scroll: Scroll::default(), behind: false, shows_sentence: false })
    }
}

impl View for Prompter {
    type Input = Input;
    type Output = Infallible;
    const EACH: bool = false;

    fn listen(sender: InputSender<Input>) -> io::Result<()> {
        read_input(sender)
    }

    fn input(&mut self, input: Input, _: &App, _: DateTime<Utc>) -> io::Result<Vec<Step<Infallible>>> {
        Ok(match input {
            Input::TerminalReply(reply) => {
                self.screen.answered(reply)?;
                Vec::new()
            }
            #[cfg(unix)]
            Input::Key { key: Key::Ctrl('z'), .. } => vec![Step::Stop],
            Input::Key { key: Key::Ctrl('l'), .. } | Input::Resize => {
                self.screen.redraw()?;
                Vec::new()
            }
            input => vec![Step::Input(input)],
        })
    }

    fn output(&mut self, output: Infallible, _: &App) {
        match output {}
    }

    fn changed(&mut self, app: &App, effects: &[Effect], _: bool) {
        self.scroll.follow(app, effects);
    }

    fn show(&mut self, app: &App) -> io::Result<()> {
        // Retracted keys may have opened what is closed again.
        self.scroll.follow(app, &[]);
        let scroll = self.scroll.offset();
        let drawn = self.screen.draw(|frame, colours| {
            let area = frame.area();
            (view::draw(frame, app, colours, scroll), view::shows_sentence(area.width, area.height))
        })?;
        self.behind = drawn.is_none() || self.screen.is_behind()?;
        if let Some((drawn, shows_sentence)) = drawn {
            self.shows_sentence = shows_sentence;
            self.scroll.bound(drawn.most_scroll, drawn.page);
        }
        Ok(())
    }

    fn copy(&mut self, text: &str) -> io::Result<()> {
        self.screen.copy(text)
    }

    fn is_behind(&self) -> bool {
        self.behind
    }

    fn shows_sentence(&self) -> bool {
        self.shows_sentence
    }

    /// In raw mode Ctrl-C is a key, so a SIGINT comes from another process.
    #[cfg(unix)]
    const INTERRUPT_LEAVES: bool = false;

    #[cfg(unix)]
    fn abandon() {
        leave();
    }

    #[cfg(unix)]
    fn suspend(&mut self) {
        self.screen.suspend();
    }

    #[cfg(unix)]
    fn resume(&mut self) -> io::Result<()> {
        self.screen.resume()
    }

    #[cfg(unix)]
    fn resized(&mut self) -> io::Result<()> {
        self.screen.redraw()
    }
}

/// Starts the thread that reads terminal input.
pub(super) fn read_input(sender: InputSender<Input>) -> io::Result<()> {
    let closed = sender.clone();
    source::read_all(move |input| sender.send(input), move || closed.close())
}
