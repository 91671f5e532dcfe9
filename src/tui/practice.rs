//! Practice and presentation on a terminal, as programs of the event loop. Nothing here changes by itself, so the loop
//! sleeps until a key, a resize or a signal comes.

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use ratatui::Frame;

use super::prompter::read_input;
use super::terminal::{Screen, leave};
use super::theme::{Colours, Theme};
use super::view::{self, Drawn};
use crate::action::Action;
use crate::app::Mode;
use crate::clock::Clock;
use crate::drill::keys;
use crate::drill::session::{Session, SessionAction};
use crate::drill::show::{Show, ShowAction};
use crate::event::Event;
use crate::input::Input;
use crate::input::hold::RATE;
use crate::input::mistyped::{Letter, Stray, WINDOW};
use crate::keymap::{self, Key};
use crate::run::Next;
use crate::run::event_loop::{Program, REDRAW_AFTER, run_alone};

/// The most keys of a run that can be retracted.
const MOST: usize = 64;
/// Tolerance for a delay of the thread that reads.
const LATE: Duration = Duration::from_millis(10);

/// Runs a session until it ends.
pub fn practise(session: &mut Session, theme: Theme, clock: Clock) -> io::Result<Next> {
    run(Practice { session, clock }, theme)
}

/// Runs a presentation until it ends.
pub fn present(show: &mut Show, theme: Theme) -> io::Result<Next> {
    run(Presentation { show }, theme)
}

fn run<A: Activity>(activity: A, theme: Theme) -> io::Result<Next> {
    let open = || {
        Ok(OnScreen {
            activity,
            screen: Screen::enter(theme)?,
            delayed: VecDeque::new(),
            stray: Stray::default(),
            before: VecDeque::new(),
            is_behind: false,
        })
    };
    run_alone(open, read_input, leave)
}

/// Practice or a presentation.
trait Activity {
    /// What keys change.
    type State: Clone;
    fn state(&mut self) -> &mut Self::State;
    /// Reports that the last keys were meant for another window and were undone.
    fn mistyped(&mut self);
    /// Handles a key. Returns whether the person quit.
    fn key(&mut self, key: Key) -> bool;
    /// Whether a key does something here, or would if nothing were open.
    fn has_function(&self, key: Key) -> bool;
    fn insert(&mut self, text: Action);
    /// Whether keys are text now.
    fn is_typing(&self) -> bool;
    fn draw(&self, frame: &mut Frame<'_>, colours: Colours) -> Drawn;
    /// Sets the scroll limits that the drawing found.
    fn bound_scroll(&mut self, drawn: Drawn);
}

struct Practice<'s> {
    session: &'s mut Session,
    clock: Clock,
}

impl Activity for Practice<'_> {
    type State = Session;

    fn state(&mut self) -> &mut Session {
        self.session
    }

    fn mistyped(&mut self) {
        self.session.mistyped();
    }

    fn key(&mut self, key: Key) -> bool {
        keys::session(self.session, key).is_some_and(|step| self.session.update(step, self.clock.now()))
    }

    fn has_function(&self, key: Key) -> bool {
        keymap::has_function(self.session.app(), key) || keys::session(self.session, key).is_some()
    }

    fn insert(&mut self, text: Action) {
        if self.session.is_on_prompter() {
            self.session.update(SessionAction::App(text), self.clock.now());
        }
    }

    fn is_typing(&self) -> bool {
        self.session.is_on_prompter() && matches!(self.session.app().mode(), Mode::Typing(_))
    }

    fn draw(&self, frame: &mut Frame<'_>, colours: Colours) -> Drawn {
        view::drill::draw(frame, self.session, colours)
    }

    fn bound_scroll(&mut self, drawn: Drawn) {
        self.session.bound_scroll(drawn.most_scroll, drawn.page);
    }
}

struct Presentation<'s> {
    show: &'s mut Show,
}

impl Activity for Presentation<'_> {
    type State = Show;

    fn state(&mut self) -> &mut Show {
        self.show
    }

    fn mistyped(&mut self) {
        self.show.mistyped();
    }

    fn key(&mut self, key: Key) -> bool {
        keys::show(self.show, key).is_some_and(|go| self.show.update(go))
    }

    fn has_function(&self, key: Key) -> bool {
        keymap::has_function(self.show.app(), key) || keys::show(self.show, key).is_some()
    }

    fn insert(&mut self, text: Action) {
        self.show.update(ShowAction::App(text));
    }

    fn is_typing(&self) -> bool {
        matches!(self.show.app().mode(), Mode::Typing(_))
    }

    fn draw(&self, frame: &mut Frame<'_>, colours: Colours) -> Drawn {
        view::demo::draw(frame, self.show, colours)
    }

    fn bound_scroll(&mut self, drawn: Drawn) {
        self.show.bound_scroll(drawn.most_scroll, drawn.page);
    }
}

/// A key that may still be retracted, and until when.
struct DelayedKey {
    key: Key,
    at: Instant,
    until: Instant,
}

/// An activity on its screen. A key is delayed until it can no longer be retracted; unlike during a call, that does no
/// harm.
struct OnScreen<A: Activity> {
    activity: A,
    screen: Screen,
    delayed: VecDeque<DelayedKey>,
    stray: Stray,
    /// The state before each key that may be part of a text for another window.
    before: VecDeque<(Instant, A::State)>,
    /// Whether the terminal has not read the last frame.
    is_behind: bool,
}

impl<A: Activity> Program for OnScreen<A> {
    type Input = Input;

    fn timeout(&self) -> Option<Duration> {
        let due = self.delayed.front().map(|delayed| delayed.until.saturating_duration_since(Instant::now()));
        [due, self.is_behind.then_some(REDRAW_AFTER)].into_iter().flatten().min()
    }

    fn handle(&mut self, event: Event<Input>) -> io::Result<Next> {
        match event {
            Event::Input(input) => self.input(input),
            Event::InputClosed => Ok(Next::Gone),
            // Nothing outside of the terminal is connected here.
            Event::External(_) => Ok(Next::On),
            #[cfg(unix)]
            Event::Signal => Ok(Next::On),
        }
    }

    fn run_due(&mut self) -> io::Result<Next> {
        let now = Instant::now();
        let due = self.delayed.iter().take_while(|delayed| delayed.until <= now).count();
        Ok(self.press_delayed(due))
    }

    fn draw(&mut self) -> io::Result<()> {
        let drawn = self.screen.draw(|frame, colours| self.activity.draw(frame, colours))?;
        self.is_behind = drawn.is_none() || self.screen.is_behind()?;
        if let Some(drawn) = drawn {
            self.activity.bound_scroll(drawn);
        }
        Ok(())
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

impl<A: Activity> OnScreen<A> {
    fn insert(&mut self, text: Action) -> Next {
        let next = self.press_delayed(self.delayed.len());
        self.activity.insert(text);
        next
    }

    fn input(&mut self, input: Input) -> io::Result<Next> {
        match input {
            Input::Paste(text) => return Ok(self.insert(Action::Paste(text))),
            Input::Burst(text) => return Ok(self.insert(Action::Burst(text))),
            Input::Retract { since, .. } => self.delayed.retain(|delayed| delayed.at < since),
            Input::TerminalReply(reply) => self.screen.answered(reply)?,
            #[cfg(unix)]
            Input::Key { key: Key::Ctrl('z'), .. } => return Ok(Next::Stop),
            Input::Key { key: Key::Ctrl('l'), .. } => self.screen.redraw()?,
            Input::Key { key, repeat: true, .. } if !self.activity.is_typing() && !is_scrolling(key) => {}
            Input::Key { key, at, settles, .. } => {
                self.delayed.push_back(DelayedKey { key, at, until: at + settles.min(RATE) + LATE });
                if settles.is_zero() {
                    return Ok(self.press_delayed(self.delayed.len()));
                }
            }
            Input::Resize => self.screen.redraw()?,
        }
        Ok(Next::On)
    }

    /// Presses the first delayed keys, none after one that quits.
    fn press_delayed(&mut self, count: usize) -> Next {
        let keys: Vec<DelayedKey> = self.delayed.drain(..count).collect();
        let is_left = keys.into_iter().any(|DelayedKey { key, at, .. }| self.press(key, at));
        if is_left { Next::Leave } else { Next::On }
    }

    /// Presses a key. If it is part of a text for another window, undoes that text instead. Returns whether the person
    /// quit.
    fn press(&mut self, key: Key, at: Instant) -> bool {
        if self.stray.ignores(matches!(key, Key::Esc | Key::Ctrl(_)), at) {
            return false;
        }
        let first = self.stray.press(at).unwrap_or(at);
        self.before.retain(|(before, _)| *before >= first || at.saturating_duration_since(*before) <= WINDOW);
        let is_in_field = self.activity.is_typing();
        let typed = match key {
            Key::Char(c) if c.is_alphabetic() => {
                Some(Letter { letter: c, has_function: self.activity.has_function(key) })
            }
            _ => None,
        };
        let into_field = self.stray.typed(typed, is_in_field, at);
        let letter = typed.filter(|_| !is_in_field);
        if let Some(since) = into_field.or_else(|| letter.and_then(|letter| self.stray.letter(letter, at))) {
            let undone = self.before.drain(..).find(|(before, _)| *before >= since);
            if let Some((_, state)) = undone {
                *self.activity.state() = state;
            }
            self.activity.mistyped();
            return false;
        }
        if is_in_field {
            return self.activity.key(key);
        }
        if self.before.len() == MOST {
            self.before.pop_front();
        }
        self.before.push_back((at, self.activity.state().clone()));
        self.activity.key(key)
    }
}

/// Whether a held key repeats.
fn is_scrolling(key: Key) -> bool {
    matches!(key, Key::Up | Key::Down | Key::PageUp | Key::PageDown)
}
