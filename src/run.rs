//! The loop: one channel of events, a blocking receive until the next deadline, one showing for all that is queued.
//! Every source has a thread that blocks; nothing is polled, nothing ticks. What is shown, and how a person's input is
//! read, is a [`View`]'s business.

mod keep;
#[cfg(unix)]
pub mod signals;

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::TimeDelta;

use crate::action::phone::Ignored;
use crate::action::{Action, RulesNews};
use crate::app::{App, Effect};
use crate::broadcast::Broadcast;
use crate::clipboard::{Copied, Desktop};
use crate::clock::Clock;
use crate::closing::Held;
use crate::journal::writer::{Config, Writer};
use crate::softphone::socket::{Asked, Used};
use crate::watch::Look;
use keep::{keep_journal, keep_state, watch_rules};

/// A disk that hangs must not hold the window open longer than this.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Keeps the shift's facts; answers why it could not.
pub type Keep = Box<dyn FnMut(&[Held]) -> Result<(), String> + Send>;
/// Reads the rules file; `None` where it is as it was.
pub type Reload = Box<dyn FnMut() -> Option<RulesNews> + Send>;

/// Something that tells the prompter from outside: begun after the first screen, in a thread of its own. What it
/// answers goes when the prompter ends.
pub type Teller = Box<dyn FnOnce(Tell) -> Box<dyn std::any::Any>>;
/// The centre's declaration that is kept with the shift's facts.
pub type Applied = Arc<Mutex<Option<Broadcast>>>;

/// What is told from outside.
pub enum Told {
    /// Something that asks for no answer.
    Action(Action),
    /// The socket, where somebody waits for one.
    Phone(Asked),
}

/// Tells the running prompter; `false` where there is none any more.
#[derive(Clone)]
pub struct Tell(Arc<dyn Fn(Told) -> bool + Send + Sync>);

impl Tell {
    fn to<I: Send + 'static>(send: Sender<Event<I>>) -> Self {
        Self(Arc::new(move |told| send.send(Event::Told(told)).is_ok()))
    }

    /// That something happened.
    #[must_use]
    pub fn action(&self, action: Action) -> bool {
        (self.0)(Told::Action(action))
    }

    /// What was told over the socket, and waits to be answered.
    #[must_use]
    pub fn phone(&self, asked: Asked) -> bool {
        (self.0)(Told::Phone(asked))
    }
}

/// What the prompter has outside of itself; each is called in a thread of its own.
pub struct Outside {
    /// Keeps the shift's facts.
    pub keep: Keep,
    /// The files to watch that the rules may come from, and how they are read.
    pub rules: Option<(Vec<PathBuf>, Reload)>,
    /// What else tells it something.
    pub tellers: Vec<Teller>,
    /// When its keys were touched last.
    pub used: Arc<Used>,
    /// Which of the centre's declarations was applied last; kept with the shift's facts.
    pub applied: Applied,
    /// Whether the hint of the first run was dismissed; kept with the shift's facts.
    pub welcomed: Arc<AtomicBool>,
    /// How the journal is kept; `None`: not at all.
    pub journal: Option<Config>,
    /// The desktop's clipboard, where there is one.
    pub clipboard: Option<Desktop>,
}

/// Something happened; `I` is what a person does, as the view reads it.
pub enum Event<I> {
    /// A person did something.
    Input(I),
    /// Nothing more will come from a person.
    InputClosed,
    /// Something came from outside.
    Told(Told),
    /// A signal that ends us.
    #[cfg(unix)]
    End(i32),
    /// A signal that stops us until we are continued.
    #[cfg(unix)]
    Stop,
}

/// Where a view's reading thread hands what a person does.
pub struct Hear<I>(pub Sender<Event<I>>);

impl<I> Hear<I> {
    /// Something a person did; `false` where nobody hears it any more.
    #[must_use]
    pub fn input(&self, input: I) -> bool {
        self.0.send(Event::Input(input)).is_ok()
    }

    /// Nothing more will come.
    pub fn closed(&self) {
        let _ = self.0.send(Event::InputClosed);
    }
}

/// What the prompter is shown on, and how a person speaks to it.
pub trait View: Sized {
    /// What a person does, as this view reads it.
    type Input: Send + 'static;
    /// Whether every event is shown by itself; else one showing is enough for all that is queued.
    const EACH: bool;

    /// Begins to read what a person does, in a thread that blocks.
    fn listen(hear: Hear<Self::Input>);

    /// A person did something: its actions are handed to [`Session::act`].
    ///
    /// # Errors
    /// Where the terminal is gone.
    fn input(&mut self, input: Self::Input, session: &mut Session<'_>) -> io::Result<Next>;

    /// Nothing more will come from a person.
    ///
    /// # Errors
    /// Where the terminal is gone.
    fn closed(&mut self, session: &mut Session<'_>) -> io::Result<Next>;

    /// An action changed the state, or left it as it was. `by_person`: a person did it.
    fn changed(&mut self, app: &App, by_person: bool);

    /// Shows the state.
    ///
    /// # Errors
    /// Where the terminal is gone.
    fn show(&mut self, app: &mut App) -> io::Result<()>;

    /// Hands a text to whoever copies it.
    ///
    /// # Errors
    /// Where the terminal is gone.
    fn copy(&mut self, text: &str) -> io::Result<()>;

    /// Ctrl-C, where the terminal makes a signal of it; answers what it is then.
    #[cfg(unix)]
    fn interrupted(&self) -> Option<Action>;

    /// Leaves the terminal until [`View::resume`].
    #[cfg(unix)]
    fn suspend(&mut self);

    /// Comes back.
    ///
    /// # Errors
    /// Where the terminal can't be entered again.
    #[cfg(unix)]
    fn resume(&mut self) -> io::Result<()>;
}

/// Runs the prompter until it is left. `open` enters the terminal.
///
/// # Errors
/// Where the terminal can't be entered or shown on.
pub fn run<V: View>(
    app: &mut App,
    clock: Clock,
    outside: Outside,
    open: impl FnOnce() -> io::Result<V>,
) -> io::Result<()> {
    // Before the terminal is entered: a signal from here on leaves it as it was.
    #[cfg(unix)]
    let signals = signals::all()?;
    let mut view = open()?;
    view.show(app)?;
    // Everything else begins after the first screen.
    let (send, events) = channel();
    V::listen(Hear(send.clone()));
    #[cfg(unix)]
    signals::read(signals, send.clone());
    let tell = Tell::to(send);
    let look = outside.rules.map(|(paths, reload)| watch_rules(paths, reload, tell.clone()));
    let (keeper, kept) = keep_state(outside.keep, tell.clone());
    let journal = outside.journal.map(|config| keep_journal(config, tell.clone(), app.words()));
    let told_by: Vec<_> = outside.tellers.into_iter().map(|teller| teller(tell.clone())).collect();
    let mut session = Session {
        app,
        clock,
        look,
        keeper: Some(keeper),
        used: outside.used,
        applied: outside.applied,
        welcomed: outside.welcomed,
        ignored: Vec::new(),
        later: Vec::new(),
        journal,
        clipboard: outside.clipboard,
        tell,
    };
    let end = session.events(&mut view, &events);
    session.keep();
    session.keeper = None;
    let journal = session.journal.take();
    let clipboard = session.clipboard.take();
    drop(session);
    drop(view);
    // The terminal is its owner's again while the last of the call goes to the disk.
    let _ = journal.map(|journal| journal.finish(LAST_WORDS));
    drop((told_by, clipboard));
    // The last state is on its way to the disk; a disk that hangs must not hold the window open.
    let _ = kept.recv_timeout(LAST_WORDS);
    match end? {
        #[cfg(unix)]
        Some(signal) => signal_hook::low_level::emulate_default_handler(signal),
        _ => Ok(()),
    }
}

/// A running prompter: the state, and what its effects go to.
pub struct Session<'a> {
    app: &'a mut App,
    clock: Clock,
    look: Option<Look>,
    keeper: Option<Sender<Vec<Held>>>,
    used: Arc<Used>,
    applied: Applied,
    welcomed: Arc<AtomicBool>,
    /// What of the telephone's last message was not taken.
    ignored: Vec<Ignored>,
    /// What goes to the disk, once all is shown.
    later: Vec<Effect>,
    journal: Option<Writer>,
    clipboard: Option<Desktop>,
    tell: Tell,
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// On.
    On,
    /// It was left.
    Leave,
    /// A signal ends it.
    #[cfg(unix)]
    Die(i32),
}

impl<'a> Session<'a> {
    /// Without an outside: nothing is kept, nobody tells anything.
    #[must_use]
    pub fn alone(app: &'a mut App, clock: Clock) -> Self {
        Self {
            app,
            clock,
            look: None,
            keeper: None,
            used: Arc::default(),
            applied: Applied::default(),
            welcomed: Arc::default(),
            ignored: Vec::new(),
            later: Vec::new(),
            journal: None,
            clipboard: None,
            tell: Tell(Arc::new(|_| false)),
        }
    }

    /// Shows the state.
    ///
    /// # Errors
    /// Where the terminal is gone.
    pub fn show<V: View>(&mut self, view: &mut V) -> io::Result<()> {
        view.show(self.app)
    }

    /// The state.
    #[must_use]
    pub fn app(&self) -> &App {
        self.app
    }

    /// What time it is.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// A key was touched here.
    pub fn touched(&self) {
        self.used.now();
    }

    /// Handles events until the end; answers the signal that ended it, where it was one.
    fn events<V: View>(&mut self, view: &mut V, events: &Receiver<Event<V::Input>>) -> io::Result<Option<i32>> {
        loop {
            let wait = (self.app.next_change() - self.clock.now()).to_std().unwrap_or_default();
            let first = match events.recv_timeout(wait + Duration::from_millis(1)) {
                Ok(event) => event,
                Err(RecvTimeoutError::Timeout) => {
                    if let Some(look) = &self.look {
                        look.now();
                    }
                    Event::Told(Told::Action(Action::Clock))
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
            };
            let mut queued = Some(first);
            while let Some(event) = queued {
                let next = self.handle(view, event)?;
                if V::EACH {
                    self.show(view)?;
                }
                match next {
                    Next::On => {}
                    Next::Leave => return Ok(None),
                    #[cfg(unix)]
                    Next::Die(signal) => return Ok(Some(signal)),
                }
                queued = events.try_recv().ok();
            }
            if !V::EACH {
                self.show(view)?;
            }
            self.keep();
        }
    }

    fn handle<V: View>(&mut self, view: &mut V, event: Event<V::Input>) -> io::Result<Next> {
        match event {
            Event::Input(input) => view.input(input, self),
            Event::InputClosed => view.closed(self),
            Event::Told(Told::Action(action)) => self.act(view, action),
            Event::Told(Told::Phone(asked)) if asked.is_late() => Ok(Next::On),
            Event::Told(Told::Phone(asked)) => {
                let next = self.act(view, asked.action.clone())?;
                asked.answer(std::mem::take(&mut self.ignored));
                Ok(next)
            }
            #[cfg(unix)]
            Event::End(signal) => match view.interrupted() {
                Some(action) if signal == signal_hook::consts::SIGINT => self.act(view, action),
                _ => Ok(Next::Die(signal)),
            },
            #[cfg(unix)]
            Event::Stop => self.stop(view),
        }
    }

    /// Hands what belongs on the disk to the threads that write: after the showing, so that they don't compete with it.
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

    /// Changes the state, and does outside what that asks for.
    ///
    /// # Errors
    /// Where the terminal is gone.
    pub fn act<V: View>(&mut self, view: &mut V, action: Action) -> io::Result<Next> {
        self.act_at(view, action, Instant::now())
    }

    /// As [`Self::act`], for what a person did at that moment: an event may have waited in the queue.
    ///
    /// # Errors
    /// Where the terminal is gone.
    pub fn act_at<V: View>(&mut self, view: &mut V, action: Action, at: Instant) -> io::Result<Next> {
        let by_person = action.is_a_persons();
        let now = self.clock.now();
        let waited = TimeDelta::from_std(at.elapsed()).unwrap_or_default();
        let hands = now.checked_sub_signed(waited).unwrap_or(now);
        let effects = self.app.update_at(action, now, hands);
        view.changed(self.app, by_person);
        for effect in effects {
            match effect {
                Effect::Quit => return Ok(Next::Leave),
                Effect::Copy(text) => self.copy(view, text)?,
                Effect::CopyToTerminal(text) => self.copy_to_terminal(view, &text)?,
                disk @ (Effect::SaveHeld(_) | Effect::Journal(_) | Effect::Unjournal(_)) => self.later.push(disk),
                Effect::AskDay(day, zone) => {
                    // The journal answers by what it was given: what just happened is given first.
                    self.keep();
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
                Effect::Welcomed => self.welcomed.store(true, Ordering::SeqCst),
                Effect::LookAtRules => {
                    if let Some(look) = &self.look {
                        look.now();
                    }
                }
            }
        }
        Ok(Next::On)
    }

    /// To the desktop's clipboard, which answers later; in lines, and where there is none, by way of the terminal.
    fn copy<V: View>(&mut self, view: &mut V, text: String) -> io::Result<()> {
        if self.app.is_in_lines() {
            return view.copy(&text);
        }
        let Some(desktop) = &mut self.clipboard else { return self.copy_to_terminal(view, &text) };
        let tell = self.tell.clone();
        desktop.copy(text.clone(), move |has_it| {
            let _ = tell.action(if has_it { Action::Copied(Copied::Desktop) } else { Action::NotCopied(text) });
        });
        Ok(())
    }

    fn copy_to_terminal<V: View>(&mut self, view: &mut V, text: &str) -> io::Result<()> {
        view.copy(text)?;
        self.act(view, Action::Copied(Copied::Terminal)).map(drop)
    }

    /// Ctrl-Z: leaves the terminal, stops, and comes back when continued.
    ///
    /// # Errors
    /// Where the terminal can't be entered again.
    #[cfg(unix)]
    pub fn stop<V: View>(&mut self, view: &mut V) -> io::Result<Next> {
        self.keep();
        view.suspend();
        signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP)?;
        view.resume()?;
        self.act(view, Action::Clock)
    }
}
