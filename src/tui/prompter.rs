//! The prompter on a whole screen: the loop's view that draws.

use std::io;
use std::thread;
#[cfg(windows)]
use std::time::Duration;
use std::time::Instant;

use super::input::{Hold, Input, translate};
use super::terminal::Screen;
use super::theme::Theme;
use super::view;
use crate::action::Action;
use crate::app::App;
use crate::keymap::{self, Key};
use crate::run::{Hear, Next, Session, View};

/// The prompter on a whole screen.
#[derive(Debug)]
pub struct Prompter {
    screen: Screen,
    theme: Theme,
    hold: Hold,
}

impl Prompter {
    /// Enters the terminal.
    ///
    /// # Errors
    /// Where it can't be entered.
    pub fn enter(theme: Theme) -> io::Result<Self> {
        Ok(Self { screen: Screen::enter()?, theme, hold: Hold::default() })
    }
}

impl View for Prompter {
    type Input = Input;
    const EACH: bool = false;

    fn listen(hear: Hear<Input>) {
        read_input(hear);
    }

    fn input(&mut self, input: Input, session: &mut Session<'_>) -> io::Result<Next> {
        match input {
            Input::Resize => Ok(Next::On),
            Input::Paste(text) => session.act(self, Action::Paste(text)),
            #[cfg(unix)]
            Input::Key { key: Key::Ctrl('z'), .. } => session.stop(self),
            Input::Key { key, at, repeat } => {
                session.touched();
                let action = keymap::action(session.app(), key);
                // A blank in a name is no tick that the next Space could go on with.
                let types = matches!(action, Some(Action::Edit(_)));
                let held = !types && self.hold.is_held(key, at, repeat);
                match action {
                    Some(Action::Said) if held => Ok(Next::On),
                    Some(action) => session.act_at(self, action, at),
                    None => Ok(Next::On),
                }
            }
        }
    }

    /// The terminal is gone.
    fn closed(&mut self, _: &mut Session<'_>) -> io::Result<Next> {
        Ok(Next::Leave)
    }

    fn changed(&mut self, _: &App, _: bool) {}

    fn show(&mut self, app: &mut App) -> io::Result<()> {
        let (shown, theme) = (&*app, self.theme);
        let drawn = self.screen.draw(|frame| view::draw(frame, shown, theme))?;
        app.bound_scroll(drawn.most_scroll, drawn.page);
        Ok(())
    }

    fn copy(&mut self, text: &str) -> io::Result<()> {
        self.screen.copy(text)
    }

    /// Ctrl-C is a key here.
    #[cfg(unix)]
    fn interrupted(&self) -> Option<Action> {
        None
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
pub(super) fn read_input(hear: Hear<Input>) {
    thread::spawn(move || {
        let mut source = Source::default();
        while let Ok(inputs) = source.read() {
            for input in inputs {
                if !hear.input(input) {
                    return;
                }
            }
        }
        hear.closed();
    });
}

/// Where inputs come from; where the console sends no paste events, fast characters are gathered to pastes.
#[derive(Default)]
struct Source {
    #[cfg(windows)]
    burst: super::input::Burst,
}

impl Source {
    #[cfg(not(windows))]
    #[expect(clippy::unused_self, reason = "on Windows it gathers bursts")]
    fn read(&mut self) -> io::Result<Vec<Input>> {
        let event = crossterm::event::read()?;
        Ok(translate(event, Instant::now()).into_iter().collect())
    }

    #[cfg(windows)]
    fn read(&mut self) -> io::Result<Vec<Input>> {
        // A character waits a moment for others; a person does not notice it, and a paste is quicker.
        const MOMENT: Duration = Duration::from_millis(10);
        loop {
            if self.burst.is_waiting() && !crossterm::event::poll(MOMENT)? {
                return Ok(self.burst.settle());
            }
            let input = translate(crossterm::event::read()?, Instant::now());
            match input {
                Some(Input::Key { key: Key::Char(c), at, repeat: false }) => self.burst.push(c, at),
                Some(Input::Key { key: Key::Enter, at, repeat: false }) if self.burst.is_waiting() => {
                    self.burst.push('\n', at);
                }
                Some(other) => {
                    let mut inputs = self.burst.settle();
                    inputs.push(other);
                    return Ok(inputs);
                }
                None => {}
            }
        }
    }
}
