//! The loop: one channel of events, a blocking receive until the next deadline, one drawing for all that is queued.
//! Every source has a thread that blocks; nothing is polled, nothing ticks.

use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::input::{Hold, Input, translate};
use super::terminal::Screen;
use super::theme::Theme;
use super::view;
use crate::action::phone::Ignored;
use crate::action::{Action, RulesNews};
use crate::app::{App, Effect};
use crate::broadcast::Broadcast;
use crate::clock::Clock;
use crate::closing::Held;
use crate::journal::trouble::Trouble;
use crate::journal::writer::{Config, Writer};
use crate::keymap::{self, Key};
use crate::softphone::socket::{Asked, Used};
use crate::watch::{Look, watch};
use crate::words::Words;

/// A disk that hangs must not hold the window open longer than this.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// What could not be kept is tried again after so long.
const TRY_AGAIN: Duration = Duration::from_secs(30);

/// Keeps the shift's facts; answers why it could not.
pub type Keep = Box<dyn FnMut(&[Held]) -> Result<(), String> + Send>;
/// Reads the rules file; `None` where it is as it was.
pub type Reload = Box<dyn FnMut() -> Option<RulesNews> + Send>;

/// Something that tells the prompter from outside: begun after the first screen, in a thread of its own. What it
/// answers goes when the prompter ends.
pub type Teller = Box<dyn FnOnce(Tell) -> Box<dyn std::any::Any>>;
/// The centre's declaration that is kept with the shift's facts.
pub type Applied = Arc<Mutex<Option<Broadcast>>>;

/// Tells the running prompter; `false` where there is none any more.
#[derive(Clone)]
pub struct Tell(Sender<Event>);

impl Tell {
    /// That something happened.
    #[must_use]
    pub fn action(&self, action: Action) -> bool {
        self.0.send(Event::Action(action)).is_ok()
    }

    /// What was told over the socket, and waits to be answered.
    #[must_use]
    pub fn phone(&self, asked: Asked) -> bool {
        self.0.send(Event::Phone(asked)).is_ok()
    }
}

/// What the prompter has outside of itself; each is called in a thread of its own.
pub struct Outside {
    /// Keeps the shift's facts.
    pub keep: Keep,
    /// The rules file to watch, and how it is read.
    pub rules: Option<(PathBuf, Reload)>,
    /// What else tells it something.
    pub tellers: Vec<Teller>,
    /// When its keys were touched last.
    pub used: Arc<Used>,
    /// Which of the centre's declarations was applied last; kept with the shift's facts.
    pub applied: Applied,
    /// How the journal is kept; `None`: not at all.
    pub journal: Option<Config>,
}

/// Something happened.
pub(super) enum Event {
    Input(Input),
    Action(Action),
    Phone(Asked),
    /// The terminal is gone.
    InputClosed,
    /// A signal that ends us.
    #[cfg(unix)]
    End(i32),
    /// A signal that stops us until we are continued.
    #[cfg(unix)]
    Stop,
}

/// Runs the prompter until it is left.
///
/// # Errors
/// Where the terminal can't be entered or drawn on.
pub fn run(app: &mut App, theme: Theme, clock: Clock, outside: Outside) -> io::Result<()> {
    // Before the terminal is entered: a signal from here on leaves it as it was.
    #[cfg(unix)]
    let signals = signals()?;
    let mut screen = Screen::enter()?;
    let drawn = screen.draw(|frame| view::draw(frame, app, theme))?;
    app.bound_scroll(drawn.most_scroll, drawn.page);
    // Everything else begins after the first screen.
    let (send, events) = channel();
    read_input(send.clone());
    #[cfg(unix)]
    read_signals(signals, send.clone());
    let look = outside.rules.map(|(path, reload)| watch_rules(path, reload, send.clone()));
    let tell = Tell(send.clone());
    let (keeper, kept) = keep_state(outside.keep, send);
    let journal = outside.journal.map(|config| keep_journal(config, tell.clone(), app.words()));
    let told_by: Vec<_> = outside.tellers.into_iter().map(|teller| teller(tell.clone())).collect();
    let mut session = Session {
        app,
        theme,
        clock,
        screen,
        hold: Hold::default(),
        look,
        keeper: Some(keeper),
        used: outside.used,
        applied: outside.applied,
        ignored: Vec::new(),
        later: Vec::new(),
        journal,
        tell,
    };
    let end = session.events(&events);
    session.keep();
    session.keeper = None;
    let journal = session.journal.take();
    drop(session);
    // The terminal is its owner's again while the last of the call goes to the disk.
    let _ = journal.map(|journal| journal.finish(LAST_WORDS));
    drop(told_by);
    // The last state is on its way to the disk; a disk that hangs must not hold the window open.
    let _ = kept.recv_timeout(LAST_WORDS);
    match end? {
        #[cfg(unix)]
        Some(signal) => signal_hook::low_level::emulate_default_handler(signal),
        _ => Ok(()),
    }
}

struct Session<'a> {
    app: &'a mut App,
    theme: Theme,
    clock: Clock,
    screen: Screen,
    hold: Hold,
    look: Option<Look>,
    keeper: Option<Sender<Vec<Held>>>,
    used: Arc<Used>,
    applied: Applied,
    /// What of the telephone's last message was not taken.
    ignored: Vec<Ignored>,
    /// What goes to the disk, once the screen is drawn.
    later: Vec<Effect>,
    journal: Option<Writer>,
    tell: Tell,
}

/// Whether to go on.
enum Next {
    On,
    Leave,
    #[cfg_attr(not(unix), expect(dead_code, reason = "only Unix ends programs by signal"))]
    Die(i32),
}

impl Session<'_> {
    /// Handles events until the end; answers the signal that ended it, where it was one.
    fn events(&mut self, events: &Receiver<Event>) -> io::Result<Option<i32>> {
        loop {
            let wait = (self.app.next_change() - self.clock.now()).to_std().unwrap_or_default();
            let first = match events.recv_timeout(wait + Duration::from_millis(1)) {
                Ok(event) => event,
                Err(RecvTimeoutError::Timeout) => {
                    if let Some(look) = &self.look {
                        look.now();
                    }
                    Event::Action(Action::Clock)
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
            };
            let mut queued = Some(first);
            while let Some(event) = queued {
                match self.handle(event)? {
                    Next::On => {}
                    Next::Leave => return Ok(None),
                    Next::Die(signal) => return Ok(Some(signal)),
                }
                queued = events.try_recv().ok();
            }
            self.draw()?;
            self.keep();
        }
    }

    fn draw(&mut self) -> io::Result<()> {
        let (app, theme) = (&*self.app, self.theme);
        let drawn = self.screen.draw(|frame| view::draw(frame, app, theme))?;
        self.app.bound_scroll(drawn.most_scroll, drawn.page);
        Ok(())
    }

    fn handle(&mut self, event: Event) -> io::Result<Next> {
        match event {
            Event::Input(Input::Resize) => Ok(Next::On),
            Event::Input(Input::Paste(text)) => self.act(Action::Paste(text)),
            #[cfg(unix)]
            Event::Input(Input::Key { key: Key::Ctrl('z'), .. }) | Event::Stop => self.stop(),
            Event::Input(Input::Key { key, at, repeat }) => {
                self.used.now();
                let action = keymap::action(self.app, key);
                // A blank in a name is no tick that the next Space could go on with.
                let types = matches!(action, Some(Action::Edit(_)));
                let held = !types && self.hold.is_held(key, at, repeat);
                match action {
                    Some(Action::Said) if held => Ok(Next::On),
                    Some(action) => self.act(action),
                    None => Ok(Next::On),
                }
            }
            Event::Action(action) => self.act(action),
            Event::Phone(asked) if asked.is_late() => Ok(Next::On),
            Event::Phone(asked) => {
                let next = self.act(asked.action.clone())?;
                asked.answer(std::mem::take(&mut self.ignored));
                Ok(next)
            }
            Event::InputClosed => Ok(Next::Leave),
            #[cfg(unix)]
            Event::End(signal) => Ok(Next::Die(signal)),
        }
    }

    /// Hands what belongs on the disk to the threads that write: after the drawing, so that they don't compete with it.
    fn keep(&mut self) {
        for effect in self.later.drain(..) {
            match (effect, &self.keeper, &self.journal) {
                (Effect::SaveHeld(held), Some(keeper), _) => {
                    let _ = keeper.send(held);
                }
                (Effect::Journal(record), _, Some(journal)) => journal.record(record, self.clock.now()),
                (Effect::Unjournal(call), _, Some(journal)) => journal.take_back(call),
                _ => {}
            }
        }
    }

    fn act(&mut self, action: Action) -> io::Result<Next> {
        for effect in self.app.update(action, self.clock.now()) {
            match effect {
                Effect::Quit => return Ok(Next::Leave),
                Effect::Copy(text) => self.screen.copy(&text)?,
                disk @ (Effect::SaveHeld(_) | Effect::Journal(_) | Effect::Unjournal(_)) => self.later.push(disk),
                Effect::AskDay(day, zone) => {
                    if let Some(journal) = &self.journal {
                        let tell = self.tell.clone();
                        journal.recap(day, zone, move |day| {
                            let _ = tell.action(Action::DayWas(Box::new(day)));
                        });
                    }
                }
                Effect::Answer(ignored) => self.ignored = ignored,
                Effect::SaveBroadcast(broadcast) => {
                    *self.applied.lock().unwrap_or_else(PoisonError::into_inner) = Some(*broadcast);
                }
                Effect::LookAtRules => {
                    if let Some(look) = &self.look {
                        look.now();
                    }
                }
            }
        }
        Ok(Next::On)
    }

    /// Ctrl-Z: leaves the terminal, stops, and comes back when continued.
    #[cfg(unix)]
    fn stop(&mut self) -> io::Result<Next> {
        self.keep();
        self.screen.suspend();
        signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP)?;
        self.screen.resume()?;
        self.act(Action::Clock)
    }
}

/// Terminal input, in a thread that blocks.
pub(super) fn read_input(send: Sender<Event>) {
    thread::spawn(move || {
        let mut source = Source::default();
        while let Ok(inputs) = source.read() {
            for input in inputs {
                if send.send(Event::Input(input)).is_err() {
                    return;
                }
            }
        }
        let _ = send.send(Event::InputClosed);
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

#[cfg(unix)]
pub(super) fn signals() -> io::Result<signal_hook::iterator::Signals> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGTSTP};
    signal_hook::iterator::Signals::new([SIGTERM, SIGHUP, SIGINT, SIGTSTP])
}

#[cfg(unix)]
pub(super) fn read_signals(mut signals: signal_hook::iterator::Signals, send: Sender<Event>) {
    thread::spawn(move || {
        for signal in signals.forever() {
            let stop = signal == signal_hook::consts::SIGTSTP;
            if send.send(if stop { Event::Stop } else { Event::End(signal) }).is_err() {
                return;
            }
        }
    });
}

fn watch_rules(path: PathBuf, mut reload: Reload, send: Sender<Event>) -> Look {
    watch(path, move || {
        if let Some(news) = reload() {
            let _ = send.send(Event::Action(Action::Rules(news)));
        }
    })
}

/// The journal's thread; what goes wrong in it is told on the screen.
fn keep_journal(config: Config, tell: Tell, words: &'static Words) -> Writer {
    Writer::start(config, move |trouble| {
        let line = trouble.line(words);
        // A standing trouble is told once, so only its own end takes it off the screen.
        let _ = match trouble {
            Trouble::Began(_) => tell.action(Action::JournalTrouble(Some(line))),
            Trouble::SetAside(_) => tell.action(Action::JournalTold(line)),
            Trouble::Over { .. } => tell.action(Action::JournalTrouble(None)) && tell.action(Action::JournalTold(line)),
        };
    })
}

/// Keeps the state in a thread of its own, so that no key waits for a disk. Of several states that wait, the last is
/// written. The receiver hears when the thread has written all and ended.
fn keep_state(mut keep: Keep, send: Sender<Event>) -> (Sender<Vec<Held>>, Receiver<()>) {
    let (keeper, states) = channel::<Vec<Held>>();
    let (done, kept) = channel();
    thread::spawn(move || {
        let mut unkept: Option<Vec<Held>> = None;
        loop {
            // Only in trouble does it wake by itself, to try again.
            let next = match &unkept {
                None => states.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(_) => states.recv_timeout(TRY_AGAIN),
            };
            let had_trouble = unkept.is_some();
            let state = match (next, unkept.take()) {
                (Ok(first), _) => states.try_iter().last().unwrap_or(first),
                (Err(RecvTimeoutError::Timeout), Some(state)) => state,
                (Err(_), _) => break,
            };
            let result = keep(&state);
            if had_trouble || result.is_err() {
                unkept = result.is_err().then_some(state);
                let _ = send.send(Event::Action(Action::StateTrouble(result.err())));
            }
        }
        let _ = done.send(());
    });
    (keeper, kept)
}
