//! The signals that end, stop or continue the process, and those for another window size. They overtake other events:
//! the loop takes them before each event.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use signal_hook::consts as c;
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use super::Event;

/// If the loop has not ended so long after a signal, it is stuck, and the process is ended.
const LAST_RESORT: Duration = Duration::from_secs(5);

/// Whether a signal came that ends the process.
static ENDING: AtomicBool = AtomicBool::new(false);

/// Whether a signal came that ends the process; then nothing may block any more.
pub fn is_ending() -> bool {
    ENDING.load(Ordering::SeqCst)
}

/// A signal that was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// This one ends the process.
    End(i32),
    /// Stop until continued.
    Stop,
    /// Continued; another program may have used the terminal meanwhile.
    Continued,
    /// The window has another size.
    Resized,
}

/// Received signals that were not handled yet.
#[derive(Clone, Debug, Default)]
pub struct Pending(Arc<Mutex<VecDeque<Signal>>>);

impl Pending {
    /// The next signal; one that ends the process comes first.
    pub fn take(&self) -> Option<Signal> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let end = waiting.iter().position(|signal| matches!(signal, Signal::End(_)));
        end.and_then(|at| waiting.remove(at)).or_else(|| waiting.pop_front())
    }

    pub(super) fn push(&self, signal: Signal) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Each kind once, so that many resizes are one.
        if !waiting.contains(&signal) {
            waiting.push_back(signal);
        }
    }
}

/// The signals of a terminal, of a shell and of a system that shuts down.
const USUAL: &[i32] = &[c::SIGHUP, c::SIGINT, c::SIGQUIT, c::SIGTERM, c::SIGTSTP, c::SIGCONT, c::SIGWINCH];

/// With those, every signal that ends a process by default and can be caught. Not among them: SIGSEGV, SIGILL and SIGFPE, which
/// safe Rust can't handle, and SIGKILL. After one of those, or a SIGBUS or SIGABRT that this process itself caused, the
/// terminal stays as it was on the screen; the user's `reset` restores it.
const UNUSUAL: &[i32] = &[
    c::SIGUSR1,
    c::SIGUSR2,
    c::SIGALRM,
    c::SIGVTALRM,
    c::SIGPROF,
    c::SIGXCPU,
    c::SIGXFSZ,
    c::SIGTRAP,
    c::SIGSYS,
    c::SIGABRT,
    c::SIGBUS,
    #[cfg(target_os = "linux")]
    c::SIGIO,
];

/// More signals that end a process on Linux: SIGSTKFLT, SIGPWR and the real-time signals.
#[cfg(target_os = "linux")]
fn unnamed() -> impl Iterator<Item = i32> {
    [16, 30].into_iter().chain(34..=64)
}

#[cfg(not(target_os = "linux"))]
fn unnamed() -> impl Iterator<Item = i32> {
    std::iter::empty()
}

/// Registers handlers for the usual signals, before the terminal is entered. The others are registered once the first screen
/// is drawn ([`read`]): they take almost a hundred system calls.
pub fn usual() -> io::Result<Signals> {
    Signals::new(USUAL)
}

/// Starts the thread that forwards signals. `leave` restores the terminal if the loop is stuck.
pub fn read<I: Send + 'static>(mut signals: Signals, send: SyncSender<Event<I>>, leave: fn()) -> io::Result<Pending> {
    for signal in UNUSUAL.iter().copied().chain(unnamed()) {
        // The C library may reserve some.
        let _ = signals.add_signal(signal);
    }
    let pending = Pending::default();
    let ours = pending.clone();
    let forward = move || {
        for signal in signals.forever() {
            let (what, ends) = match signal {
                c::SIGTSTP => (Signal::Stop, false),
                c::SIGCONT => (Signal::Continued, false),
                c::SIGWINCH => (Signal::Resized, false),
                signal => (Signal::End(signal), true),
            };
            ours.push(what);
            // If the channel is full, the loop is awake already.
            let _ = send.try_send(Event::Signal);
            if ends && !ENDING.swap(true, Ordering::SeqCst) {
                let _ = thread::Builder::new().name("last-resort".into()).spawn(move || {
                    thread::sleep(LAST_RESORT);
                    leave();
                    die(signal);
                });
            }
        }
    };
    thread::Builder::new().name("signals".into()).spawn(forward)?;
    Ok(pending)
}

/// Ends the process as the signal would have.
pub fn die(signal: i32) -> ! {
    let _ = emulate_default_handler(signal);
    // For a signal that can't be emulated: the exit status that a shell would report.
    std::process::exit(128 + signal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ending_signal_comes_first_and_repeated_signals_are_one() {
        let pending = Pending::default();
        for _ in 0..100 {
            pending.push(Signal::Resized);
        }
        pending.push(Signal::Continued);
        pending.push(Signal::End(15));
        let taken: Vec<Signal> = std::iter::from_fn(|| pending.take()).collect();
        assert_eq!(taken, [Signal::End(15), Signal::Resized, Signal::Continued]);
    }
}
