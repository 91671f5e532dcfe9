//! The loop: one channel of events, a blocking receive until the next deadline, one showing for what is queued. The channel
//! has a bound, and whoever sends into a full one waits; what comes without end is shown in between, and signals are heard.
//! Every source has a thread that blocks; nothing is polled, nothing ticks. What is shown, and how a person's input is
//! read, is a [`View`]'s business.

mod clock;
mod keep;
mod leave;
mod recent;
mod session;
#[cfg(unix)]
pub mod signals;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use crate::action::phone::Ignored;
use crate::action::{Action, RulesNews, Subject};
use crate::app::{App, Effect};
use crate::clipboard::Desktop;
use crate::clock::Clock;
use crate::files::shift::Keeper;
use crate::helper::{self, Death};
use crate::journal::writer::{Config, Writer};
use crate::mailbox::Mailbox;
use crate::softphone::socket::{Asked, Used};
use crate::watch::Look;
pub use keep::Tasks;
use keep::{Keeping, keep_journal, keep_state, watch_rules, watch_settings};
use recent::Recent;
#[cfg(unix)]
use signals::{Pending, Signal};

/// So many events wait for the loop; then whoever sends more waits.
pub const QUEUE: usize = 256;
/// So many are handled before the state is shown.
pub const BATCH: usize = 64;
/// A terminal that has not read the last frame is asked again after so long.
const ASK_AGAIN: Duration = Duration::from_millis(50);

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
    fn to<I: Send + 'static>(send: SyncSender<Event<I>>) -> Self {
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
    pub tasks: Arc<Mailbox<Tasks>>,
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
    /// A signal came: [`signals::Pending`] has it.
    #[cfg(unix)]
    Signal,
}

/// Where a view's reading thread hands what a person does.
pub struct Hear<I>(pub SyncSender<Event<I>>);

impl<I> Clone for Hear<I> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

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
    ///
    /// # Errors
    /// Where the system has no more threads.
    fn listen(hear: Hear<Self::Input>) -> io::Result<()>;

    /// A person did something: its actions are handed to [`Session::act`].
    ///
    /// # Errors
    /// Where the terminal is gone.
    fn input(&mut self, input: Self::Input, session: &mut Session<'_>) -> io::Result<Next>;

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

    /// Whether what was shown has not been read yet, so that it is to be shown again.
    fn is_behind(&self) -> bool {
        false
    }

    /// Ctrl-C is a signal here, and leaves as the key does.
    #[cfg(unix)]
    const INTERRUPT_LEAVES: bool;

    /// Gives the terminal back from another thread, where the loop is stuck.
    #[cfg(unix)]
    fn abandon();

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
    let (send, events) = sync_channel(QUEUE);
    let tell = Tell::to(send.clone());
    let _watched = helper::watch(report_deaths(Arc::clone(&outside.log), tell.clone(), app.words()));
    V::listen(Hear(send.clone()))?;
    #[cfg(unix)]
    let pending = signals::read(signals, send, V::abandon)?;
    #[cfg(not(unix))]
    drop(send);
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
        clipboard: outside.clipboard,
        tell,
        recent: Recent::default(),
        #[cfg(unix)]
        pending,
    };
    let end = session.events(&mut view, &events);
    // A signal that came while nobody read what was shown is what ended it.
    #[cfg(unix)]
    let end = match session.pending.take() {
        Some(Signal::End(signal)) if end.is_err() => Ok(Next::Die(signal)),
        _ => end,
    };
    // Whoever still sends waits for nobody.
    drop(events);
    session.leave(end.as_ref().map_or(true, |end| *end != Next::Leave));
    session.keep();
    let (keeper, journal, words) = (session.keeper.take(), session.journal.take(), session.app.words());
    let clipboard = session.clipboard.take();
    drop(session);
    drop(view);
    // The terminal is its owner's again while the last of the call goes to the disk.
    let lines = leave::finish(keeper, journal, words);
    drop((told_by, clipboard));
    leave::tell(lines, outside.log);
    match end {
        #[cfg(unix)]
        Ok(Next::Die(signal)) => signals::die(signal),
        Err(e) if !is_gone(&e) => Err(e),
        _ => Ok(()),
    }
}

/// Whether a signal came that ends the program.
#[must_use]
pub fn is_ending() -> bool {
    #[cfg(unix)]
    return signals::is_ending();
    #[cfg(not(unix))]
    false
}

/// Whether an error is that the terminal is gone; then nobody can be told, and nothing is wrong with the program.
#[must_use]
pub fn is_gone(error: &io::Error) -> bool {
    #[cfg(unix)]
    return rustix::io::Errno::from_io_error(error) == Some(rustix::io::Errno::IO);
    #[cfg(not(unix))]
    {
        let _ = error;
        false
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

/// Why the loop goes on.
enum Wake<I> {
    /// Something happened.
    Event(Event<I>),
    /// Something that waited is due.
    Due,
    /// Nothing: it only looked at the clock.
    Nothing,
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
    clipboard: Option<Desktop>,
    tell: Tell,
    /// The keys that may still turn out to be none.
    recent: Recent,
    #[cfg(unix)]
    pending: Pending,
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// On.
    On,
    /// It was left.
    Leave,
    /// The terminal is gone, or its input has ended.
    Gone,
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
            clipboard: None,
            tell: Tell(Arc::new(|_| false)),
            recent: Recent::default(),
            #[cfg(unix)]
            pending: Pending::default(),
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

    /// Handles events until the end; answers which it was.
    fn events<V: View>(&mut self, view: &mut V, events: &Receiver<Event<V::Input>>) -> io::Result<Next> {
        loop {
            let mut queued = match self.wait(view, events) {
                Wake::Event(event) => Some(event),
                Wake::Due => None,
                Wake::Nothing => continue,
            };
            // Not every event is an action, and none may leave an old time on the screen.
            if !self.is_shown_as_it_is() {
                self.act(view, Action::Clock)?;
            }
            for left in (0..BATCH).rev() {
                let mut next = self.signals(view)?;
                if let (Next::On, Some(event)) = (next, queued) {
                    next = self.handle(view, event)?;
                    if V::EACH {
                        self.show(view)?;
                    }
                }
                if next != Next::On {
                    return Ok(next);
                }
                queued = if left > 0 { events.try_recv().ok() } else { None };
                if queued.is_none() {
                    break;
                }
            }
            let due = self.recent.due(Instant::now());
            let next = self.perform(view, due)?;
            if next != Next::On {
                return Ok(next);
            }
            if !V::EACH {
                self.show(view)?;
            }
            self.keep();
        }
    }

    /// Waits for the next event, or until something is due.
    fn wait<V: View>(&mut self, view: &V, events: &Receiver<Event<V::Input>>) -> Wake<V::Input> {
        let clock = clock::wait(self.app.next_change(), self.app.now(), self.clock.now(), self.notice);
        let due = self.recent.deadline().map(|at| at.saturating_duration_since(Instant::now()));
        let again = view.is_behind().then_some(ASK_AGAIN);
        let wait = [due, again].into_iter().flatten().fold(clock, Duration::min);
        match events.recv_timeout(wait) {
            Ok(event) => Wake::Event(event),
            Err(RecvTimeoutError::Timeout) if wait < clock => Wake::Due,
            Err(RecvTimeoutError::Timeout) if self.is_shown_as_it_is() => Wake::Nothing,
            Err(RecvTimeoutError::Timeout) => {
                if let Some(keeper) = &self.keeper {
                    keeper.look();
                }
                for look in [&self.look, &self.look_at_settings].into_iter().flatten() {
                    look.at_the_minute();
                }
                Wake::Event(Event::Told(Told::Action(Action::Clock)))
            }
            Err(RecvTimeoutError::Disconnected) => Wake::Event(Event::InputClosed),
        }
    }

    /// Whether the time has not come at which the screen changes by itself, nor was the clock set back behind it.
    fn is_shown_as_it_is(&self) -> bool {
        clock::is_current(self.app.next_change(), self.app.now(), self.clock.now())
    }

    /// What signals ask for.
    #[cfg(unix)]
    fn signals<V: View>(&mut self, view: &mut V) -> io::Result<Next> {
        while let Some(signal) = self.pending.take() {
            match signal {
                Signal::End(signal_hook::consts::SIGINT) if V::INTERRUPT_LEAVES => return Ok(Next::Gone),
                Signal::End(signal) => return Ok(Next::Die(signal)),
                Signal::Stop => _ = self.stop(view)?,
                Signal::Continued => {
                    view.resume()?;
                    self.act(view, Action::Clock)?;
                }
                // It is asked for its size at the next showing.
                Signal::Resized => {}
            }
        }
        Ok(Next::On)
    }

    #[cfg(not(unix))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "on Unix it asks for the signals")]
    fn signals<V: View>(&mut self, _: &mut V) -> io::Result<Next> {
        Ok(Next::On)
    }

    fn handle<V: View>(&mut self, view: &mut V, event: Event<V::Input>) -> io::Result<Next> {
        match event {
            Event::Input(input) => view.input(input, self),
            Event::InputClosed => Ok(Next::Gone),
            Event::Told(Told::Action(action)) => self.act(view, action),
            Event::Told(Told::Phone(asked)) if asked.is_late() => Ok(Next::On),
            Event::Told(Told::Phone(asked)) => {
                let next = self.act(view, asked.action.clone())?;
                asked.answer(std::mem::take(&mut self.ignored));
                Ok(next)
            }
            #[cfg(unix)]
            Event::Signal => Ok(Next::On),
        }
    }

    /// Hands what belongs on the disk to the threads that write: after the showing, so that they don't compete with it.
    fn keep(&mut self) {
        for effect in self.later.drain(..) {
            match (effect, &mut self.keeper, &self.journal) {
                (Effect::Save(state), Some(keeper), _) => keeper.save(state),
                (Effect::Journal(record), _, Some(journal)) => journal.record(record, self.clock.now()),
                (Effect::Unjournal(call), _, Some(journal)) => journal.remove(call),
                _ => {}
            }
        }
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
