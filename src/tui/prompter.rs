//! The prompter on a whole screen: the loop's view that draws.

use std::io;

use super::terminal::Screen;
#[cfg(unix)]
use super::terminal::leave;
use super::theme::Theme;
use super::view;
use crate::app::App;
use crate::event::InputSender;
use crate::input::{Input, source};
use crate::keymap::Key;
use crate::run::{Next, Session, View};

/// The prompter on a whole screen.
#[derive(Debug)]
pub struct Prompter {
    screen: Screen,
    theme: Theme,
    /// Whether the last frame was left out, since the terminal does not read.
    behind: bool,
    /// Whether the last frame had room for the sentence that is to be said.
    shows_sentence: bool,
}

impl Prompter {
    /// Enters the terminal.
    ///
    /// # Errors
    /// Where it can't be entered.
    pub fn enter(theme: Theme) -> io::Result<Self> {
        Ok(Self { screen: Screen::enter(theme)?, theme, behind: false, shows_sentence: false })
    }
}

impl View for Prompter {
    type Input = Input;
    const EACH: bool = false;

    fn listen(sender: InputSender<Input>) -> io::Result<()> {
        read_input(sender)
    }

    fn input(&mut self, input: Input, session: &mut Session<'_>) -> io::Result<Next> {
        match input {
            Input::Answer(answer) => self.screen.answered(answer).map(|()| Next::On),
            #[cfg(unix)]
            Input::Key { key: Key::Ctrl('z'), .. } => Ok(Next::Stop),
            Input::Key { key: Key::Ctrl('l'), .. } => self.screen.redraw().map(|()| Next::On),
            input => session.person(self, input),
        }
    }

    fn changed(&mut self, _: &App, _: bool) {}

    fn show(&mut self, app: &mut App) -> io::Result<()> {
        let (shown, theme) = (&*app, self.theme);
        let drawn = self.screen.draw(|frame| {
            let area = frame.area();
            (view::draw(frame, shown, theme), view::shows_sentence(area.width, area.height))
        })?;
        self.behind = drawn.is_none() || self.screen.is_behind()?;
        if let Some((drawn, shows_sentence)) = drawn {
            self.shows_sentence = shows_sentence;
            app.bound_scroll(drawn.most_scroll, drawn.page);
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

    /// Ctrl-C is a key here, so a SIGINT comes from elsewhere.
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
}

/// Terminal input, in a thread that blocks.
pub(super) fn read_input(sender: InputSender<Input>) -> io::Result<()> {
    let closed = sender.clone();
    source::read_all(move |input| sender.send(input), move || closed.close())
}
