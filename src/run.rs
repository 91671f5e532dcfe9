//! A running prompter: starts the worker threads, connects events to the state, and shuts down. The loop itself is
//! [`event_loop`]; a [`View`] reads input and shows the state.

mod clock;
pub mod event_loop;
mod recent;
pub mod reload;
mod session;
mod shutdown;
#[cfg(unix)]
pub mod signals;
mod workers;

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
use crate::helper::{self, Helper, HelperPanic};
use crate::input::Input;
use crate::journal::writer::{Config, Writer};
use penutup_system::mailbox::Mailbox;

use crate::message::{Message, Subject};
use crate::watch::WatchHandle;
use event_loop::{Inbox, Program, QUEUE, REDRAW_AFTER};

use penutup_ipc::socket::LastUse;
use recent::Recent;
pub use workers::Tasks;
use workers::{StateThread, start_journal, start_state_thread, watch_files};

/// Reads a file again; `None` where there is nothing new to report.
pub type Reload = Box<dyn FnMut() -> Option<Message> + Send>;

/// A source of messages: started after the first screen, in threads of its own. The returned guard is dropped at exit.
pub type EventSource = Box<dyn FnOnce(EventSender) -> Box<dyn std::any::Any>>;
/// Appends a line to the log.
pub type Log = Arc<dyn Fn(&str) + Send + Sync>;

/// What a prompter uses besides its terminal; each runs in a thread of its own.
pub struct Outside {
    pub state_writer: StateWriter,
    /// The mailbox of the thread that writes the state.
    pub tasks: Arc<Mailbox<Tasks>>,
    pub log: Log,
    /// The rules files to watch, and how they are reloaded.
    pub rules: Option<(Vec<PathBuf>, Reload)>,
    /// The settings file to watch, and how it is reloaded.
    pub settings: Option<(PathBuf, Reload)>,
    pub sources: Vec<EventSource>,
    /// When a key was last pressed.
    pub used: Arc<LastUse>,
    /// `None`: no journal.
    pub journal: Option<Config>,
    pub clipboard: Option<Desktop>,
}

/// What a view returns for an input.
#[derive(Clone, Debug, PartialEq)]
pub enum Step<O> {
    /// A key, a paste or a retraction of keys, still to be mapped to an action.
    Input(Input),
    Action(Action),
    /// To be passed to [`View::output`].
    Output(O),
    #[cfg(unix)]
    Stop,
}

/// Shows the prompter and reads a person's input.
pub trait View: Sized {
    /// A person's input as this view reads it.
    type Input: Send + 'static;
    /// An output that changes no state.
    type Output;
    /// Whether the state is shown after every event instead of once for all that are queued.
    const EACH: bool;

    /// Starts the thread that reads input.
    fn listen(sender: InputSender<Self::Input>) -> io::Result<()>;

    /// The steps that an input asks for, in order.
    fn input(&mut self, input: Self::Input, app: &App, now: DateTime<Utc>) -> io::Result<Vec<Step<Self::Output>>>;

    /// Writes an output of [`View::input`], after the steps before it.
    fn output(&mut self, output: Self::Output, app: &App);

    /// Called after every update of the state; `by_person` if a person caused it.
    fn changed(&mut self, app: &App, effects: &[Effect], by_person: bool);

    fn show(&mut self, app: &App) -> io::Result<()>;

    /// Copies a text through the terminal.
    fn copy(&mut self, text: &str) -> io::Result<()>;

    /// Whether the terminal has not read the last frame, so that the state has to be shown again.
    fn is_behind(&self) -> bool {
        false
    }

    /// Whether the last frame had room for the current sentence.
    fn shows_sentence(&self) -> bool {
        true
    }

    /// Whether Ctrl-C arrives as a signal, which then ends the prompter as the key does.
    #[cfg(unix)]
    const INTERRUPT_LEAVES: bool;

    /// Restores the terminal from another thread when the loop is stuck; by default nothing was changed in it.
    #[cfg(unix)]
    fn abandon() {}

    /// Restores the terminal until [`View::resume`].
    #[cfg(unix)]
    fn suspend(&mut self) {}

    /// Enters the terminal again.
    #[cfg(unix)]
    fn resume(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// The window was resized, maybe to the size that it had when the state was last shown.
    #[cfg(unix)]
    fn resized(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs the prompter until it ends. `open` enters the terminal.
pub fn run<V: View>(
    app: &mut App,
    clock: Clock,
    outside: Outside,
    open: impl FnOnce() -> io::Result<V>,
) -> io::Result<()> {
    // Before the terminal is entered, so that a signal from here on restores it.
    #[cfg(unix)]
    let signals = signals::usual()?;
    let mut view = open()?;
    view.show(app)?;
    // Everything else starts after the first screen.
    let (send, events) = sync_channel(QUEUE);
    let sender = EventSender::to(send.clone());
    let _watched = helper::watch(report_panics(Arc::clone(&outside.log), sender.clone(), app.words()));
    V::listen(InputSender(send.clone()))?;
    let inbox = Inbox {
        events,
        #[cfg(unix)]
        signals: signals::read(signals, send, V::abandon)?,
    };
    #[cfg(not(unix))]
    drop(send);
    let clock_reports = clock::watch(sender.clone());
    let rules_watch = outside.rules.map(|(paths, reload)| watch_files(Helper::Rules, paths, reload, sender.clone()));
    let settings_watch =
        outside.settings.map(|(path, reload)| watch_files(Helper::Settings, vec![path], reload, sender.clone()));
    let state_thread = start_state_thread(outside.state_writer, outside.tasks, sender.clone(), app.words());
    let journal = outside.journal.map(|config| start_journal(config, sender.clone(), app.words()));
    let sources: Vec<_> = outside.sources.into_iter().map(|source| source(sender.clone())).collect();
    let session = Session {
        app,
        clock,
        rules_watch,
        settings_watch,
        state_thread: Some(state_thread),
        used: outside.used,
        clock_reports,
        disk_effects: Vec::new(),
        journal,
        clipboard: outside.clipboard,
        sender,
        recent: Recent::default(),
        is_outdated: false,
    };
    let mut running = Running { session, view };
    let end = event_loop::run(&mut running, &inbox);
    // Senders blocked on the full channel return now.
    drop(inbox);
    let Running { mut session, view } = running;
    session.finish(end.as_ref().map_or(true, |end| *end != Next::Leave));
    session.flush_disk_effects();
    let (state_thread, journal, words) = (session.state_thread.take(), session.journal.take(), session.app.words());
    let clipboard = session.clipboard.take();
    // The watchers of files end with the process. A process must not end while one of its threads does: Wine crashes then.
    let state_watch = state_thread.as_ref().and_then(StateThread::watch_handle);
    std::mem::forget((session.rules_watch.take(), session.settings_watch.take(), state_watch));
    drop(session);
    drop(view);
    // The terminal is restored already while the last records are written.
    let lines = shutdown::finish(state_thread, journal, words);
    drop((sources, clipboard));
    shutdown::report(lines, outside.log);
    end?.die();
    Ok(())
}

/// Whether a signal came that ends the program.
pub fn is_ending() -> bool {
    #[cfg(unix)]
    return signals::is_ending();
    #[cfg(not(unix))]
    false
}

/// Whether an error means that the terminal is gone, which is a normal end and can't be reported to anybody.
pub fn is_gone(error: &io::Error) -> bool {
    #[cfg(unix)]
    return rustix::io::Errno::from_io_error(error) == Some(rustix::io::Errno::IO);
    #[cfg(not(unix))]
    {
        let _ = error;
        false
    }
}

/// Handles a panic of a helper thread: logs it, and reports on the screen what no longer works.
fn report_panics(
    log: Log,
    sender: EventSender,
    words: &'static crate::words::Words,
) -> impl Fn(&HelperPanic) + Send + Sync {
    move |panic| {
        let name = panic.helper.map_or("main", Helper::name);
        log(&format!("panic in {name}: {}", panic.reason));
        if let Some(helper) = panic.helper {
            sender.send(Message::Trouble(Subject::Helper(helper), Some(helper.lost(words).into())));
        }
    }
}

/// The state of a running prompter, and the targets of its effects.
pub struct Session<'a> {
    app: &'a mut App,
    clock: Clock,
    rules_watch: Option<WatchHandle>,
    settings_watch: Option<WatchHandle>,
    state_thread: Option<StateThread>,
    used: Arc<LastUse>,
    clock_reports: clock::ClockReports,
    /// Effects for the disk, delayed until the state was shown.
    disk_effects: Vec<Effect>,
    journal: Option<Writer>,
    clipboard: Option<Desktop>,
    sender: EventSender,
    /// The keys that may still be retracted.
    recent: Recent,
    /// Whether the view shows an older state, or none.
    is_outdated: bool,
}

/// How the loop continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    On,
    /// The person quit.
    Leave,
    /// The terminal is gone, or its input has ended.
    Gone,
    /// The process is stopped until it is continued.
    #[cfg(unix)]
    Stop,
    /// This signal ends the process.
    #[cfg(unix)]
    Die(i32),
}

impl Next {
    /// Ends the process by the signal that ended the loop, if there was one.
    pub fn die(self) {
        #[cfg(unix)]
        if let Self::Die(signal) = self {
            signals::die(signal);
        }
    }
}

impl<'a> Session<'a> {
    /// A session without files, journal and message sources.
    pub fn alone(app: &'a mut App, clock: Clock) -> Self {
        Self {
            app,
            clock,
            rules_watch: None,
            settings_watch: None,
            state_thread: None,
            used: Arc::default(),
            clock_reports: clock::ClockReports::None,
            disk_effects: Vec::new(),
            journal: None,
            clipboard: None,
            sender: EventSender::new(|_| false),
            recent: Recent::default(),
            is_outdated: false,
        }
    }

    pub fn show<V: View>(&mut self, view: &mut V) -> io::Result<()> {
        view.show(self.app)
    }

    /// Whether the shown time is current: the screen's next change has not come, and the clock was not set back.
    fn is_time_current(&self) -> bool {
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

    /// Sends delayed effects to the threads that write. Called after drawing, so that writing does not slow it down.
    fn flush_disk_effects(&mut self) {
        for effect in self.disk_effects.drain(..) {
            match (effect, &mut self.state_thread, &self.journal) {
                (Effect::Save(state), Some(thread), _) => thread.save(state),
                (Effect::Journal(record), _, Some(journal)) => {
                    journal.record(Arc::unwrap_or_clone(record), self.clock.now());
                }
                (Effect::Unjournal(call), _, Some(journal)) => journal.remove(call),
                _ => {}
            }
        }
    }
}

/// A session with its view, as a [`Program`].
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
        let clock =
            clock::wait(session.app.next_change(), session.app.now(), session.clock.now(), session.clock_reports);
        let due = session.recent.deadline().map(|at| at.saturating_duration_since(Instant::now()));
        let redraw = self.view.is_behind().then_some(REDRAW_AFTER);
        [due, redraw, Some(clock)].into_iter().flatten().min()
    }

    fn wake(&mut self, timed_out: bool) -> io::Result<bool> {
        let session = &mut self.session;
        if session.is_time_current() {
            let is_due = session.recent.deadline().is_some_and(|at| at <= Instant::now());
            return Ok(!timed_out || is_due || self.view.is_behind());
        }
        if timed_out {
            if let Some(thread) = &session.state_thread {
                thread.check_file();
            }
            for watch in [&session.rules_watch, &session.settings_watch].into_iter().flatten() {
                watch.reread();
            }
        }
        // An event may not update the state, but the shown time must be current.
        session.act(&mut self.view, Message::Clock)?;
        Ok(true)
    }

    fn handle(&mut self, event: Event<V::Input>) -> io::Result<Next> {
        self.session.is_outdated = true;
        self.session.handle(&mut self.view, event)
    }

    fn run_due(&mut self) -> io::Result<Next> {
        let due = self.session.recent.due(Instant::now());
        self.session.perform(&mut self.view, due)
    }

    fn draw(&mut self) -> io::Result<()> {
        // Effects that were held back are mostly for the disk.
        if std::mem::take(&mut self.session.is_outdated) || self.view.is_behind() {
            self.session.show(&mut self.view)?;
        }
        self.session.flush_disk_effects();
        Ok(())
    }

    #[cfg(unix)]
    fn suspend(&mut self) {
        self.session.flush_disk_effects();
        self.view.suspend();
    }

    #[cfg(unix)]
    fn resume(&mut self) -> io::Result<()> {
        self.session.is_outdated = true;
        self.view.resume()?;
        self.session.act(&mut self.view, Message::Clock).map(drop)
    }

    #[cfg(unix)]
    fn resized(&mut self) -> io::Result<()> {
        self.session.is_outdated = true;
        self.view.resized()
    }
}
