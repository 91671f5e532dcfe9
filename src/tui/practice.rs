//! Practice and presentation on a terminal: the same entering, leaving and drawing as the prompter's loop, but nothing
//! here changes by itself, so it sleeps until a key, a resize or a signal comes.

use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use ratatui::Frame;

use super::prompter::read_input;
use super::terminal::Screen;
#[cfg(unix)]
use super::terminal::leave;
use super::theme::Theme;
use super::view::{self, Drawn};
use crate::action::Action;
use crate::app::Mode;
use crate::clock::Clock;
use crate::drill::keys;
use crate::drill::session::{Effect, Move, Session};
use crate::drill::sheet::Done;
use crate::drill::show::{Go, Show};
use crate::input::Input;
use crate::input::hold::RATE;
use crate::keymap::Key;
use crate::private::Private;
#[cfg(unix)]
use crate::run::signals::{self, Pending, Signal};
use crate::run::{BATCH, Event, Hear, QUEUE, is_gone};

/// How long what was answered last may take to the disk before the window closes.
const LAST: Duration = Duration::from_millis(500);
/// The thread that reads may be late by so much.
const LATE: Duration = Duration::from_millis(10);
/// A terminal that has not read the last frame is asked again after so long.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// What is played.
trait Play {
    /// A key. Answers whether it is left.
    fn key(&mut self, key: Key) -> bool;
    /// A text was pasted.
    fn paste(&mut self, text: Private);
    /// Whether what is typed now is text.
    fn types(&self) -> bool;
    /// Draws it.
    fn draw(&self, frame: &mut Frame<'_>) -> Drawn;
    /// Hears what the drawing found out.
    fn bound(&mut self, drawn: Drawn);
}

struct Practice<'s> {
    session: &'s mut Session,
    theme: Theme,
    clock: Clock,
    keep: Sender<Done>,
}

impl Practice<'_> {
    fn act(&mut self, step: Move) -> bool {
        let mut left = false;
        for effect in self.session.update(step, self.clock.now()) {
            match effect {
                Effect::Quit => left = true,
                Effect::Answered(done) => _ = self.keep.send(*done),
            }
        }
        left
    }
}

impl Play for Practice<'_> {
    fn key(&mut self, key: Key) -> bool {
        keys::session(self.session, key).is_some_and(|step| self.act(step))
    }

    fn paste(&mut self, text: Private) {
        if self.session.is_on_prompter() {
            self.act(Move::App(Action::Paste(text)));
        }
    }

    fn types(&self) -> bool {
        self.session.is_on_prompter() && matches!(self.session.app().mode(), Mode::Typing(_))
    }

    fn draw(&self, frame: &mut Frame<'_>) -> Drawn {
        view::drill::draw(frame, self.session, self.theme)
    }

    fn bound(&mut self, drawn: Drawn) {
        self.session.bound_scroll(drawn.most_scroll, drawn.page);
    }
}

struct Presentation<'s> {
    show: &'s mut Show,
    theme: Theme,
}

impl Play for Presentation<'_> {
    fn key(&mut self, key: Key) -> bool {
        keys::show(self.show, key).is_some_and(|go| self.show.update(go))
    }

    fn paste(&mut self, text: Private) {
        self.show.update(Go::App(Action::Paste(text)));
    }

    fn types(&self) -> bool {
        matches!(self.show.app().mode(), Mode::Typing(_))
    }

    fn draw(&self, frame: &mut Frame<'_>) -> Drawn {
        view::demo::draw(frame, self.show, self.theme)
    }

    fn bound(&mut self, drawn: Drawn) {
        self.show.bound_scroll(drawn.most_scroll, drawn.page);
    }
}

/// Runs a session until it is left. `keep` hears of every answer, in a thread of its own. Answers the signal that ended
/// it, where it was one: what is still to be written is written before [`die`].
///
/// # Errors
/// Where the terminal can't be entered or drawn on.
pub fn practise(
    session: &mut Session,
    theme: Theme,
    clock: Clock,
    mut keep: impl FnMut(&Done) + Send + 'static,
) -> io::Result<Option<i32>> {
    let (send, answers) = channel::<Done>();
    let (done, kept) = channel();
    thread::spawn(move || {
        for done in answers {
            keep(&done);
        }
        let _ = done.send(());
    });
    let mut practice = Practice { session, theme, clock, keep: send };
    let end = play(&mut practice, theme);
    drop(practice);
    let _ = kept.recv_timeout(LAST);
    end
}

/// Runs a presentation until it is left. Answers as [`practise`].
///
/// # Errors
/// Where the terminal can't be entered or drawn on.
pub fn present(show: &mut Show, theme: Theme) -> io::Result<Option<i32>> {
    play(&mut Presentation { show, theme }, theme)
}

/// Ends the program as the signal would have.
pub fn die(signal: i32) {
    #[cfg(unix)]
    signals::die(signal);
    #[cfg(not(unix))]
    let _ = signal;
}

fn play(play: &mut impl Play, theme: Theme) -> io::Result<Option<i32>> {
    // Before the terminal is entered: a signal from here on leaves it as it was.
    #[cfg(unix)]
    let signals = signals::all()?;
    let mut screen = Screen::enter(theme)?;
    let behind = draw(&mut screen, play)?;
    let (send, events) = sync_channel(QUEUE);
    read_input(Hear(send.clone()))?;
    #[cfg(unix)]
    let pending = signals::read(signals, send, leave)?;
    #[cfg(not(unix))]
    drop(send);
    let mut playing = Playing {
        play,
        screen,
        waiting: VecDeque::new(),
        behind,
        #[cfg(unix)]
        pending,
    };
    match playing.until_left(&events) {
        // A terminal that is gone takes no frame; its input ends with it.
        Err(e) if is_gone(&e) => Ok(None),
        end => end,
    }
}

/// Answers whether the terminal does not read.
fn draw(screen: &mut Screen, play: &mut impl Play) -> io::Result<bool> {
    match screen.draw(|frame| play.draw(frame))? {
        Some(drawn) => {
            play.bound(drawn);
            screen.is_behind()
        }
        None => Ok(true),
    }
}

/// A key that may still be retracted, and until when.
struct Waiting {
    key: Key,
    at: Instant,
    until: Instant,
}

/// What is played, and where. Here a key waits the moment in which it may turn out to be none: nobody speaks to a customer.
struct Playing<'p, P> {
    play: &'p mut P,
    screen: Screen,
    waiting: VecDeque<Waiting>,
    behind: bool,
    #[cfg(unix)]
    pending: Pending,
}

/// How it ended: left, or by a signal.
type End = Option<i32>;

impl<P: Play> Playing<'_, P> {
    fn until_left(&mut self, events: &Receiver<Event<Input>>) -> io::Result<End> {
        loop {
            let due = self.waiting.front().map(|waiting| waiting.until.saturating_duration_since(Instant::now()));
            let again = self.behind.then_some(ASK_AGAIN);
            let mut queued = match [due, again].into_iter().flatten().min() {
                None => Some(events.recv().unwrap_or(Event::InputClosed)),
                Some(wait) => match events.recv_timeout(wait) {
                    Ok(event) => Some(event),
                    Err(RecvTimeoutError::Timeout) => None,
                    Err(RecvTimeoutError::Disconnected) => Some(Event::InputClosed),
                },
            };
            for left in (0..BATCH).rev() {
                #[cfg(unix)]
                if let Some(signal) = self.signals()? {
                    return Ok(Some(signal));
                }
                match queued {
                    None => break,
                    Some(Event::Input(input)) => {
                        if self.input(input)? {
                            return Ok(None);
                        }
                    }
                    Some(Event::InputClosed) => return Ok(None),
                    // The outside of the prompter has nothing to say here.
                    Some(_) => {}
                }
                queued = if left > 0 { events.try_recv().ok() } else { None };
            }
            let now = Instant::now();
            while self.waiting.front().is_some_and(|waiting| waiting.until <= now) {
                if self.waiting.pop_front().is_some_and(|waiting| self.play.key(waiting.key)) {
                    return Ok(None);
                }
            }
            self.behind = draw(&mut self.screen, self.play)?;
        }
    }

    #[cfg(unix)]
    fn signals(&mut self) -> io::Result<End> {
        while let Some(signal) = self.pending.take() {
            match signal {
                Signal::End(signal) => return Ok(Some(signal)),
                Signal::Stop => self.stop()?,
                Signal::Continued => self.screen.resume()?,
                // It is asked for its size at the next drawing.
                Signal::Resized => {}
            }
        }
        Ok(None)
    }

    #[cfg(unix)]
    fn stop(&mut self) -> io::Result<()> {
        self.screen.suspend();
        signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP)?;
        self.screen.resume()
    }

    /// What a person did. Answers whether it is left.
    fn input(&mut self, input: Input) -> io::Result<bool> {
        match input {
            Input::Paste(text) => {
                let left = self.all_waiting();
                self.play.paste(text);
                return Ok(left);
            }
            Input::Retract { since, .. } => self.waiting.retain(|waiting| waiting.at < since),
            Input::Answer(answer) => self.screen.answered(answer)?,
            #[cfg(unix)]
            Input::Key { key: Key::Ctrl('z'), .. } => self.stop()?,
            Input::Key { key: Key::Ctrl('l'), .. } => self.screen.redraw()?,
            Input::Key { key, at, repeat, settles } => {
                if repeat && !self.play.types() && !moves(key) {
                    return Ok(false);
                }
                if settles.is_zero() {
                    return Ok(self.all_waiting() || self.play.key(key));
                }
                self.waiting.push_back(Waiting { key, at, until: at + settles.min(RATE) + LATE });
            }
            Input::Resize => {}
        }
        Ok(false)
    }

    /// Every key that waits acts now: something else comes after it.
    fn all_waiting(&mut self) -> bool {
        let waiting = std::mem::take(&mut self.waiting);
        waiting.into_iter().any(|waiting| self.play.key(waiting.key))
    }
}

/// Whether a held key goes on.
fn moves(key: Key) -> bool {
    matches!(key, Key::Up | Key::Down | Key::PageUp | Key::PageDown)
}
