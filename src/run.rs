//! The loop: one channel of events, a blocking receive until the next deadline, one showing for all that is queued.
//! Every source has a thread that blocks; nothing is polled, nothing ticks. What is shown, and how a person's input is
//! read, is a [`View`]'s business.

mod clock;
mod keep;
mod leave;
#[cfg(unix)]
pub mod signals;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};

use crate::action::phone::Ignored;
use crate::action::{Action, RulesNews, Subject};
use crate::app::{App, Effect};
use crate::clock::Clock;
use crate::files::shift::Keeper;
use crate::helper::{self, Death};
use crate::journal::writer::{Config, Writer};
use crate::softphone::socket::{Asked, Used};
use crate::watch::Look;
use keep::{Keeping, keep_journal, keep_state, watch_rules, watch_settings};
pub use keep::{Task, Tasks};

/// Reads the rules file; `None` where it is as it was.
pub type Reload = Box<dyn FnMut() -> Option<RulesNews> + Send>;

/// Reads the settings file; `None` where nothing is to be told.
pub type Reread = Box<dyn FnMut() -> Option<Action> + Send>;

/// Something that tells the prompter from outside: begun after the first screen, in a thread of its own. What it
/// answers goes when the prompter ends.
pub type Teller = Box<dyn FnOnce(Tell) -> Box<dyn std::any::Any>>;
/// Appends a line to the log.
pub type Log = Arc<dyn Fn(&str) + Send + Sync>;

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
    /// Keeps what outlasts a restart.
    pub keeper: Keeper,
    /// The way to the thread that keeps it.
    pub tasks: Tasks,
    /// Where it is noted why something stopped or was not kept.
    pub log: Log,
    /// The files to watch that the rules may come from, and how they are read.
    pub rules: Option<(Vec<PathBuf>, Reload)>,
    /// The settings file to watch, and how it is read.
    pub settings: Option<(PathBuf, Reread)>,
    /// What else tells it something.
    pub tellers: Vec<Teller>,
    /// When its keys were touched last.
    pub used: Arc<Used>,
    /// How the journal is kept; `None`: not at all.
    pub journal: Option<Config>,
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
    let tell = Tell::to(send.clone());
    let _watched = helper::watch(report_deaths(Arc::clone(&outside.log), tell.clone(), app.words()));
    V::listen(Hear(send.clone()));
    #[cfg(unix)]
    signals::read(signals, send);
    let notice = clock::watch(tell.clone());
    let look = outside.rules.map(|(paths, reload)| watch_rules(paths, reload, tell.clone()));
    let look_at_settings = outside.settings.map(|(path, reread)| watch_settings(path, reread, tell.clone()));
    let keeper = keep_state(outside.keeper, outside.tasks, tell.clone(), app.words());
    let journal = outside.journal.map(|config| keep_journal(config, tell.clone(), app.words()));
    let told_by: Vec<_> = outside.tellers.into_iter().map(|teller| teller(tell.clone())).collect();
    let mut session = Session {
        app,
        clock,
        look,
        look_at_settings,
        keeper: Some(keeper),
        used: outside.used,
        notice,
        ignored: Vec::new(),
        later: Vec::new(),
        journal,
        tell,
    };
    let end = session.events(&mut view, &events);
    session.keep();
    let (keeper, journal, words) = (session.keeper.take(), session.journal.take(), session.app.words());
    drop(session);
    drop(view);
    // The terminal is its owner's again while the last of the call goes to the disk.
    let lines = leave::finish(keeper, journal, words);
    drop(told_by);
    leave::tell(lines, outside.log);
    match end? {
        #[cfg(unix)]
        Some(signal) => signal_hook::low_level::emulate_default_handler(signal),
        _ => Ok(()),
    }
}

/// What happens when a helper panics: noted in the log, and on the screen what no longer works.
fn report_deaths(log: Log, tell: Tell, words: &'static crate::words::Words) -> impl Fn(&Death) + Send + Sync {
    move |death| {
        let name = death.helper.map_or("main", helper::Helper::name);
        log(&format!("panic in {name}: {}", death.reason));
        if let Some(helper) = death.helper {
            let _ = tell.action(Action::Trouble(Subject::Helper(helper), Some(helper.lost(words).into())));
        }
    }
}

/// A running prompter: the state, and what its effects go to.
pub struct Session<'a> {
    app: &'a mut App,
    clock: Clock,
    look: Option<Look>,
    look_at_settings: Option<Look>,
    keeper: Option<Keeping>,
    used: Arc<Used>,
    notice: clock::Notice,
    /// What of the telephone's last message was not taken.
    ignored: Vec<Ignored>,
    /// What goes to the disk, once all is shown.
    later: Vec<Effect>,
    journal: Option<Writer>,
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
            look_at_settings: None,
            keeper: None,
            used: Arc::default(),
            notice: clock::Notice::None,
            ignored: Vec::new(),
            later: Vec::new(),
            journal: None,
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
            let wait = clock::wait(self.app.next_change(), self.app.now(), self.clock.now(), self.notice);
            let first = match events.recv_timeout(wait) {
                Ok(event) => event,
                Err(RecvTimeoutError::Timeout) if self.is_shown_as_it_is() => continue,
                Err(RecvTimeoutError::Timeout) => {
                    if let Some(keeper) = &self.keeper {
                        keeper.look();
                    }
                    for look in [&self.look, &self.look_at_settings].into_iter().flatten() {
                        look.at_the_minute();
                    }
                    Event::Told(Told::Action(Action::Clock))
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
            };
            // Not every event is an action, and none may leave an old time on the screen.
            if !self.is_shown_as_it_is() {
                self.act(view, Action::Clock)?;
            }
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

    /// Whether the time has not come at which the screen changes by itself, nor was the clock set back behind it.
    fn is_shown_as_it_is(&self) -> bool {
        clock::is_current(self.app.next_change(), self.app.now(), self.clock.now())
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
            match (effect, &mut self.keeper, &self.journal) {
                (Effect::Save(state), Some(keeper), _) => keeper.save(state),
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
        let by_person = action.is_a_persons();
        let effects = self.app.update(action, self.clock.now());
        view.changed(self.app, by_person);
        for effect in effects {
            match effect {
                Effect::Quit => return Ok(Next::Leave),
                Effect::Copy(text) => view.copy(&text)?,
                disk @ (Effect::Save(_) | Effect::Journal(_) | Effect::Unjournal(_)) => self.later.push(disk),
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
