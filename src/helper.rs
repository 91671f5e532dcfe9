//! The threads beside the event loop. Each has a name, and a panic is reported: to the log with its message, and to the
//! screen with what no longer works.

use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::thread::{self, JoinHandle};

use crate::files::deadline;
use crate::words::Words;

/// A thread beside the event loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Helper {
    /// Reads the terminal.
    Input,
    Signals,
    /// Waits for changes of the system clock.
    Clock,
    Rules,
    Settings,
    State,
    Journal,
    Socket,
    /// Reads the telephone's events.
    Softphone,
    /// Polls the centre's folder.
    Centre,
    /// Waits for the hotkeys of the desktop.
    Hotkeys,
    /// Sees to the fleet's agent.
    FleetAgent,
    Reader,
}

impl Helper {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Input,
        Self::Signals,
        Self::Clock,
        Self::Rules,
        Self::Settings,
        Self::State,
        Self::Journal,
        Self::Socket,
        Self::Softphone,
        Self::Centre,
        Self::Hotkeys,
        Self::FleetAgent,
        Self::Reader,
    ];

    /// The thread's name; Linux cuts it after 15 bytes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Signals => "signals",
            Self::Clock => "clock",
            Self::Rules => "rules",
            Self::Settings => "settings",
            Self::State => "state",
            Self::Journal => "journal",
            Self::Socket => "socket",
            Self::Softphone => "softphone",
            Self::Centre => "centre",
            Self::Hotkeys => "hotkeys",
            Self::FleetAgent => "fleet-agent",
            Self::Reader => deadline::THREAD,
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|helper| helper.name() == name)
    }

    /// What no longer works without it, in the user's language.
    pub fn lost(self, words: &Words) -> &'static str {
        let w = &words.helper;
        match self {
            Self::Input => w.input,
            Self::Signals => w.signals,
            Self::Clock => w.clock,
            Self::Rules => w.rules,
            Self::Settings => w.settings,
            Self::State => w.state,
            Self::Journal => w.journal,
            Self::Socket => w.socket,
            Self::Softphone => w.softphone,
            Self::Centre => w.centre,
            Self::Hotkeys => w.hotkeys,
            Self::FleetAgent => w.fleet_agent,
            Self::Reader => w.reader,
        }
    }
}

/// Starts a helper thread.
///
/// # Errors
/// The I/O error if the system has no thread left.
pub fn spawn(helper: Helper, body: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(helper.name().into()).spawn(body)
}

/// A panic. Its message excludes everything that was formatted from data, so no customer's name is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HelperPanic {
    /// The helper; `None` for the event loop's own thread.
    pub helper: Option<Helper>,
    /// The message without its data, and the source location.
    pub reason: String,
}

type Report = Arc<dyn Fn(&HelperPanic) + Send + Sync>;

static REPORT: Mutex<Option<Report>> = Mutex::new(None);

fn report() -> Option<Report> {
    REPORT.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Whether this thread is a helper whose panics are reported.
pub fn is_one() -> bool {
    is_watched() && thread::current().name().and_then(Helper::from_name).is_some()
}

/// Whether panics are reported.
fn is_watched() -> bool {
    report().is_some()
}

thread_local! {
    /// Whether the caller expects and catches panics of this thread.
    static IS_CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// Runs `attempt`, which may panic without being reported.
///
/// # Errors
/// The panic's payload.
pub fn catch<T>(attempt: impl FnOnce() -> T) -> thread::Result<T> {
    IS_CAUGHT.set(true);
    // No half-changed state survives the attempt.
    let result = catch_unwind(AssertUnwindSafe(attempt));
    IS_CAUGHT.set(false);
    result
}

/// Reports every panic of a helper and of the thread `main` until the returned guard is dropped.
pub fn watch(on_panic: impl Fn(&HelperPanic) + Send + Sync + 'static) -> Watched {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if IS_CAUGHT.get() && is_watched() {
                return;
            }
            let current = thread::current();
            let name = current.name().unwrap_or_default();
            let helper = Helper::from_name(name);
            if let Some(report) = report().filter(|_| helper.is_some() || name == "main") {
                report(&HelperPanic { helper, reason: reason(panic) });
                if helper.is_some() {
                    return;
                }
            }
            before(panic);
        }));
    });
    *REPORT.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(on_panic));
    Watched(())
}

/// Panics are reported while this guard is alive.
#[derive(Debug)]
pub struct Watched(());

impl Drop for Watched {
    fn drop(&mut self) {
        REPORT.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

fn reason(panic: &PanicHookInfo<'_>) -> String {
    let payload = panic.payload();
    let message = match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        // A literal of the source code.
        (Some(text), _) => (*text).to_owned(),
        (None, Some(text)) => without_data(text),
        (None, None) => String::new(),
    };
    panic.location().map_or_else(|| message.clone(), |place| format!("{message} ({}:{})", place.file(), place.line()))
}

/// A formatted message without the formatted data: quoted text, and everything after "value:".
fn without_data(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let known = line.find("value: ").map_or(line, |at| &line[..at + "value:".len()]);
    let mut out = String::with_capacity(known.len());
    let mut quoted: Option<char> = None;
    for c in known.chars() {
        match quoted {
            Some(quote) if c == quote => quoted = None,
            Some(_) => {}
            None if matches!(c, '`' | '"' | '\'') => {
                out.push('…');
                quoted = Some(c);
            }
            None => out.push(c),
        }
    }
    out.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_helper_that_panics_is_reported_with_its_place_and_without_data() {
        let (send, panics) = channel();
        let watched = watch(move |panic| _ = send.send(panic.clone()));
        // A caught panic is not reported.
        spawn(Helper::Softphone, || assert!(catch(|| panic!("expected")).is_err())).unwrap();
        let secret = "Siti Aminah".to_owned();
        spawn(Helper::Softphone, move || panic!("the name `{secret}` broke it")).unwrap();
        let panic = panics.recv().unwrap();
        assert_eq!(panic.helper, Some(Helper::Softphone));
        assert!(
            panic.reason.starts_with("the name … broke it (src") && panic.reason.contains("helper.rs:"),
            "{panic:?}"
        );
        drop(watched);
        assert!(!is_watched());
    }

    #[test]
    fn data_is_cut_out_of_messages() {
        for (message, left) in [
            ("called `Result::unwrap()` on an `Err` value: Os { name: Siti }", "called … on an … value:"),
            (
                "byte index 1 is not a char boundary; it is inside 'é' (bytes 0..2) of `éSiti`",
                "byte index 1 is not a char boundary; it is inside … (bytes 0..2) of …",
            ),
            (
                "index out of bounds: the len is 3 but the index is 5",
                "index out of bounds: the len is 3 but the index is 5",
            ),
            ("open `Siti Aminah", "open …"),
            ("first\nSiti", "first"),
        ] {
            assert_eq!(without_data(message), left);
        }
    }

    #[test]
    fn helper_names_are_unique_and_fit_linux_thread_names() {
        for helper in Helper::ALL {
            assert_eq!(Helper::from_name(helper.name()), Some(helper));
            assert!(helper.name().len() <= 15);
        }
    }
}
