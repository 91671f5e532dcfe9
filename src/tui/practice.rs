//! Practice and presentation on a terminal: the same entering, leaving and drawing as the prompter's loop, but nothing
//! here changes by itself, so it sleeps until a key, a resize or a signal comes.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use ratatui::Frame;

use super::input::{Hold, Input};
use super::prompter::read_input;
use super::terminal::Screen;
use super::theme::Theme;
use super::view::{self, Drawn};
use crate::action::Action;
use crate::app::Mode;
use crate::clock::Clock;
use crate::drill::keys;
use crate::drill::session::{Effect, Move, Session};
use crate::drill::sheet::Done;
use crate::drill::show::{Go, Show};
use crate::keymap::Key;
#[cfg(unix)]
use crate::run::signals;
use crate::run::{Event, Hear};

/// How long what was answered last may take to the disk before the window closes.
const LAST: Duration = Duration::from_millis(500);

/// What is played.
trait Play {
    /// A key. Answers whether it is left.
    fn key(&mut self, key: Key) -> bool;
    /// A text was pasted.
    fn paste(&mut self, text: String);
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

    fn paste(&mut self, text: String) {
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

    fn paste(&mut self, text: String) {
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
    let end = play(&mut practice);
    drop(practice);
    let _ = kept.recv_timeout(LAST);
    end
}

/// Runs a presentation until it is left. Answers as [`practise`].
///
/// # Errors
/// Where the terminal can't be entered or drawn on.
pub fn present(show: &mut Show, theme: Theme) -> io::Result<Option<i32>> {
    play(&mut Presentation { show, theme })
}

/// Ends the program as the signal would have.
pub fn die(signal: i32) {
    #[cfg(unix)]
    let _ = signal_hook::low_level::emulate_default_handler(signal);
    #[cfg(not(unix))]
    let _ = signal;
}

fn play(play: &mut impl Play) -> io::Result<Option<i32>> {
    // Before the terminal is entered: a signal from here on leaves it as it was.
    #[cfg(unix)]
    let signals = signals::all()?;
    let mut screen = Screen::enter()?;
    draw(&mut screen, play)?;
    let (send, events) = channel();
    read_input(Hear(send.clone()));
    #[cfg(unix)]
    signals::read(signals, send);
    #[cfg(not(unix))]
    drop(send);
    until_left(&mut screen, play, &events)
}

fn draw(screen: &mut Screen, play: &mut impl Play) -> io::Result<()> {
    let drawn = screen.draw(|frame| play.draw(frame))?;
    play.bound(drawn);
    Ok(())
}

fn until_left(screen: &mut Screen, play: &mut impl Play, events: &Receiver<Event<Input>>) -> io::Result<Option<i32>> {
    let (mut hold, mut last) = (Hold::default(), None);
    loop {
        let Ok(first) = events.recv() else { return Ok(None) };
        let mut queued = Some(first);
        while let Some(event) = queued {
            match event {
                Event::Input(Input::Paste(text)) => play.paste(text),
                #[cfg(unix)]
                Event::Input(Input::Key { key: Key::Ctrl('z'), .. }) | Event::Stop => {
                    screen.suspend();
                    signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP)?;
                    screen.resume()?;
                }
                Event::Input(Input::Key { key, at, repeat }) => {
                    // A Space held too long must not run through the cards; another key between is a new press.
                    if last.replace(key) != Some(key) {
                        hold = Hold::default();
                    }
                    let is_held = !play.types() && hold.is_held(key, at, repeat);
                    if !is_held && play.key(key) {
                        return Ok(None);
                    }
                }
                Event::InputClosed => return Ok(None),
                #[cfg(unix)]
                Event::End(signal) => return Ok(Some(signal)),
                // Another size is drawn below; the outside of the prompter has nothing to say here.
                _ => {}
            }
            queued = events.try_recv().ok();
        }
        draw(screen, play)?;
    }
}
