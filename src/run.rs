//! A running prompter: what it starts beside the loop, how events change its state, how it ends. The loop itself is
//! [`event_loop`]; what is shown, and how a person's input is read, is a [`View`]'s business.

mod clock;
pub mod event_loop;
mod keep;
mod leave;
mod recent;
pub mod reload;
mod session;
#[cfg(unix)]
pub mod signals;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use crate::action::Action;
use crate::app::{App, Effect};
use crate::clipboard::Desktop;
use crate::clock::Clock;
use crate::event::{Event, EventSender, InputSender};
use crate::files::saved_state::StateWriter;
use crate::helper::{self, Death, Helper};
use crate::input::Input;
use crate::journal::writer::{Config, Writer};
use penutup_system::mailbox::Mailbox;

use crate::message::{Message, Subject};
use crate::watch::Look;
use event_loop::{Inbox, Program, QUEUE, REDRAW_AFTER};
pub use keep::Tasks;
use keep::{StateThread, start_journal, start_state_thread, watch_files};
use penutup_ipc::socket::Used;
use recent::Recent;

/// Reads a file again; `None` where there is nothing new to report.
pub type Reload = Box<dyn FnMut() -> Option<Message> + Send>;

/// A source of messages: started after the first screen, in threads of its own. The returned guard is dropped at exit.
pub type EventSource = Box<dyn FnOnce(EventSender) -> Box<dyn std::any::Any>>;
/// Appends a line to the log.
pub type Log = Arc<dyn Fn(&str) + Send + Sync>;

/// What the prompter has outside of itself; each is called in a thread of its own.
pub struct Outside {
    /// Keeps what outlasts a restart.
    pub keeper: StateWriter,
    /// The way to the thread that keeps it.
    pub tasks: Arc<Mailbox<Tasks>>,
    /// Where it is noted why something stopped or was not kept.
    pub log: Log,
    /// The files to watch that the rules may come from, and how they are read.
    pub rules: Option<(Vec<PathBuf>, Reload)>,
    /// The settings file to watch, and how it is read.
    pub settings: Option<(PathBuf, Reload)>,
    /// What else sends it messages.
    pub sources: Vec<EventSource>,
    /// When its keys were touched last.
    pub used: Arc<Used>,
    /// How the journal is kept; `None`: not at all.
    pub journal: Option<Config>,
    /// The desktop's clipboard, where there is one.
    pub clipboard: Option<Desktop>,
}

/// What a view makes of an input.
#[derive(Clone, Debug, PartialEq)]
pub enum Step<O> {
    /// A key, a paste or a retraction of keys: the keymap and the recent keys say what it does.
    Input(Input),
    /// A person does this.
    Action(Action),
    /// The view puts this out.
    Output(O),
    /// The process is stopped.
    #[cfg(unix)]
    Stop,
}

/// What the prompter is shown on, and how a person's input is read.
pub trait View: Sized {
    /// What a person does, as this view reads it.
    type Input: Send + 'static;
    /// What it puts out for an input that changes no state.
    type Output;
    /// Whether every event is shown by itself; else one showing is enough for all that is queued.
    const EACH: bool;

    /// Begins to read what a person does, in a thread that blocks.
    ///
    /// # Errors
    /// Where the system has no more threads.
    fn listen(sender: InputSender<Self::Input>) -> io::Result<()>;

    /// What an input asks for, in order.
    ///
    /// # Errors
    /// Where the terminal is gone.
    fn input(&mut self, input: Self::Input, app: &App, now: DateTime<Utc>) -> io::Result<Vec<Step<Self::Output>>>;

    /// Puts out what [`View::input`] asked for, once what was asked for before it is done.
    fn output(&mut self, output: Self::Output, app: &App);

    /// An update changed the state, or left it as it was. `by_person`: a person did it.
    fn changed(&mut self, app: &App, effects: &[Effect], by_person: bool);

    /// Shows the state.
    ///
    /// # Errors
    /// Where the terminal is gone.
    fn show(&mut self, app: &App) -> io::Result<()>;

    /// Hands a text to whoever copies it.
    ///
    /// # Errors
    /// Where the terminal is gone.
    fn copy(&mut self, text: &str) -> io::Result<()>;

    /// Whether what was shown has not been read yet, so that it is to be shown again.
    fn is_behind(&self) -> bool {
        false
    }

    /// Whether what was shown last has room for the sentence that is to be said.
    fn shows_sentence(&self) -> bool {
        true
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
    let sender = EventSender::to(send.clone());
    let _watched = helper::watch(report_deaths(Arc::clone(&outside.log), sender.clone(), app.words()));
    V::listen(InputSender(send.clone()))?;
    let inbox = Inbox {
        events,
        #[cfg(unix)]
        signals: signals::read(signals, send, V::abandon)?,
    };
    #[cfg(not(unix))]
    drop(send);
    let notice = clock::watch(sender.clone());
    let look = outside.rules.map(|(paths, reload)| watch_files(Helper::Rules, paths, reload, sender.clone()));
    let look_at_settings =
        outside.settings.map(|(path, reload)| watch_files(Helper::Settings, vec![path], reload, sender.clone()));
    let keeper = start_state_thread(outside.keeper, outside.tasks, sender.clone(), app.words());
    let journal = outside.journal.map(|config| start_journal(config, sender.clone(), app.words()));
    let sources: Vec<_> = outside.sources.into_iter().map(|source| source(sender.clone())).collect();
    let session = Session {
        app,
        clock,
        look,
        look_at_settings,
        keeper: Some(keeper),
        used: outside.used,
        notice,
        later: Vec::new(),
        journal,
        clipboard: outside.clipboard,
        sender,
        recent: Recent::default(),
    };
    let mut running = Running { session, view };
    let end = event_loop::run(&mut running, &inbox);
    // Nobody who still sends waits any longer.
    drop(inbox);
    let Running { mut session, view } = running;
    session.leave(end.as_ref().map_or(true, |end| *end != Next::Leave));
    session.keep();
    let (keeper, journal, words) = (session.keeper.take(), session.journal.take(), session.app.words());
    let clipboard = session.clipboard.take();
    drop(session);
    drop(view);
    // The terminal is its owner's again while the last of the call goes to the disk.
    let lines = leave::finish(keeper, journal, words);
    drop((sources, clipboard));
    leave::report(lines, outside.log);
    end?.die();
    Ok(())
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
fn report_deaths(log: Log, sender: EventSender, words: &'static crate::words::Words) -> impl Fn(&Death) + Send + Sync {
    move |death| {
        let name = death.helper.map_or("main", Helper::name);
        log(&format!("panic in {name}: {}", death.reason));
        if let Some(helper) = death.helper {
            sender.send(Message::Trouble(Subject::Helper(helper), Some(helper.lost(words).into())));
        }
    }
}

/// A running prompter: the state, and what its effects go to.
pub struct Session<'a> {
    app: &'a mut App,
    clock: Clock,
    look: Option<Look>,
    look_at_settings: Option<Look>,
    keeper: Option<StateThread>,
    used: Arc<Used>,
    notice: clock::Notice,
    /// What goes to the disk, once all is shown.
    later: Vec<Effect>,
    journal: Option<Writer>,
    clipboard: Option<Desktop>,
    sender: EventSender,
    /// The keys that may still turn out to be none.
    recent: Recent,
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
    /// The process is stopped, and goes on when it is continued.
    #[cfg(unix)]
    Stop,
    /// A signal ends it.
    #[cfg(unix)]
    Die(i32),
}

impl Next {
    /// Ends the process as the signal would have, if one ended the loop.
    pub fn die(self) {
        #[cfg(unix)]
        if let Self::Die(signal) = self {
            signals::die(signal);
        }
    }
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
            later: Vec::new(),
            journal: None,
            clipboard: None,
            sender: EventSender::new(|_| false),
            recent: Recent::default(),
        }
    }

    /// Shows the state.
    ///
    /// # Errors
    /// Where the terminal is gone.
    pub fn show<V: View>(&mut self, view: &mut V) -> io::Result<()> {
        view.show(self.app)
    }

    /// Whether the time has not come at which the screen changes by itself, nor was the clock set back behind it.
    fn is_shown_as_it_is(&self) -> bool {
        clock::is_current(self.app.next_change(), self.app.now(), self.clock.now())
    }

    fn handle<V: View>(&mut self, view: &mut V, event: Event<V::Input>) -> io::Result<Next> {
        match event {
            Event::Input(input) => self.input(view, input),
            Event::InputClosed => Ok(Next::Gone),
            Event::External(request) if request.is_late() => Ok(Next::On),
            Event::External(request) => self.external(view, request),
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
}

/// A running prompter, on its view.
struct Running<'a, V> {
    session: Session<'a>,
    view: V,
}

impl<V: View> Program for Running<'_, V> {
    type Input = V::Input;
    const DRAW_EACH: bool = V::EACH;
    #[cfg(unix)]
    const INTERRUPT_LEAVES: bool = V::INTERRUPT_LEAVES;

    fn timeout(&self) -> Option<Duration> {
        let session = &self.session;
        let clock = clock::wait(session.app.next_change(), session.app.now(), session.clock.now(), session.notice);
        let due = session.recent.deadline().map(|at| at.saturating_duration_since(Instant::now()));
        let redraw = self.view.is_behind().then_some(REDRAW_AFTER);
        [due, redraw, Some(clock)].into_iter().flatten().min()
    }

    fn wake(&mut self, timed_out: bool) -> io::Result<bool> {
        let session = &mut self.session;
        if session.is_shown_as_it_is() {
            let is_due = session.recent.deadline().is_some_and(|at| at <= Instant::now());
            return Ok(!timed_out || is_due || self.view.is_behind());
        }
        if timed_out {
            if let Some(keeper) = &session.keeper {
                keeper.look();
            }
            for look in [&session.look, &session.look_at_settings].into_iter().flatten() {
                look.at_the_minute();
            }
        }
        // Not every event is an action, and none may leave an old time on the screen.
        session.act(&mut self.view, Message::Clock)?;
        Ok(true)
    }

    fn handle(&mut self, event: Event<V::Input>) -> io::Result<Next> {
        self.session.handle(&mut self.view, event)
    }

    fn run_due(&mut self) -> io::Result<Next> {
        let due = self.session.recent.due(Instant::now());
        self.session.perform(&mut self.view, due)
    }

    fn draw(&mut self) -> io::Result<()> {
        self.session.show(&mut self.view)?;
        self.session.keep();
        Ok(())
    }

    #[cfg(unix)]
    fn suspend(&mut self) {
        self.session.keep();
        self.view.suspend();
    }

    #[cfg(unix)]
    fn resume(&mut self) -> io::Result<()> {
        self.view.resume()?;
        self.session.act(&mut self.view, Message::Clock).map(drop)
    }
}
