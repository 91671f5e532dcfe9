//! The signals that end, stop or continue us, and that tell of another window size. They don't queue behind what else
//! happens: the loop asks for them before each event.

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

/// Whoever is told to end and has not after so long is stuck: it is ended.
const LAST_RESORT: Duration = Duration::from_secs(5);

/// Whether a signal came that ends us.
static ENDING: AtomicBool = AtomicBool::new(false);

/// Whether a signal came that ends the program: nobody waits for anything any more.
pub fn is_ending() -> bool {
    ENDING.load(Ordering::SeqCst)
}

/// What came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// This ends us.
    End(i32),
    /// We are to stop until we are continued.
    Stop,
    /// We were continued, and the terminal may have been another's meanwhile.
    Continued,
    /// The window has another size.
    Resized,
}

/// Signals that came and that nobody has taken yet.
#[derive(Clone, Debug, Default)]
pub struct Pending(Arc<Mutex<VecDeque<Signal>>>);

impl Pending {
    /// The next; what ends us before all else.
    pub fn take(&self) -> Option<Signal> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let end = waiting.iter().position(|signal| matches!(signal, Signal::End(_)));
        end.and_then(|at| waiting.remove(at)).or_else(|| waiting.pop_front())
    }

    pub(super) fn push(&self, signal: Signal) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Each once: a storm of sizes is one.
        if !waiting.contains(&signal) {
            waiting.push_back(signal);
        }
    }
}

/// Every signal that would end us and can be heard. Three can't be heard in safe Rust besides SIGKILL: SIGSEGV, SIGILL and
/// SIGFPE, also where another process sends them. After these, and after a bus error or an abort of our own, the terminal is
/// left as it is, and `reset` restores it.
const ENDS: &[i32] = &[
    c::SIGHUP,
    c::SIGINT,
    c::SIGQUIT,
    c::SIGTERM,
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

/// Linux' signals beyond the named ones end a program, too: SIGSTKFLT, SIGPWR and the real-time signals.
#[cfg(target_os = "linux")]
fn unnamed() -> impl Iterator<Item = i32> {
    [16, 30].into_iter().chain(34..=64)
}

#[cfg(not(target_os = "linux"))]
fn unnamed() -> impl Iterator<Item = i32> {
    std::iter::empty()
}

/// Takes them over.
pub fn all() -> io::Result<Signals> {
    let signals = Signals::new(ENDS.iter().chain(&[c::SIGTSTP, c::SIGCONT, c::SIGWINCH]))?;
    for signal in unnamed() {
        // A C library may keep some for itself.
        let _ = signals.add_signal(signal);
    }
    Ok(signals)
}

/// Hands them on, in a thread that blocks. `leave` gives the terminal back where the loop is stuck and can't.
pub fn read<I: Send + 'static>(mut signals: Signals, send: SyncSender<Event<I>>, leave: fn()) -> io::Result<Pending> {
    let pending = Pending::default();
    let ours = pending.clone();
    let hear = move || {
        for signal in signals.forever() {
            let (what, ends) = match signal {
                c::SIGTSTP => (Signal::Stop, false),
                c::SIGCONT => (Signal::Continued, false),
                c::SIGWINCH => (Signal::Resized, false),
                signal => (Signal::End(signal), true),
            };
            ours.push(what);
            // A loop with a full channel is awake already.
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
    thread::Builder::new().name("signals".into()).spawn(hear)?;
    Ok(pending)
}

/// Ends the program as the signal would have.
pub fn die(signal: i32) -> ! {
    let _ = emulate_default_handler(signal);
    // One that has no name: the status that a shell would make of it.
    std::process::exit(128 + signal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_us_comes_first_and_a_storm_is_one() {
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
