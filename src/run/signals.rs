//! The signals that end or stop us, as events.

use std::io;
use std::sync::mpsc::Sender;
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGTSTP};
use signal_hook::iterator::Signals;

use super::Event;

/// Takes them over.
///
/// # Errors
/// What the system says.
pub fn all() -> io::Result<Signals> {
    Signals::new([SIGTERM, SIGHUP, SIGINT, SIGTSTP])
}

/// Hands them on, in a thread that blocks.
pub fn read<I: Send + 'static>(mut signals: Signals, send: Sender<Event<I>>) {
    thread::spawn(move || {
        for signal in signals.forever() {
            if send.send(if signal == SIGTSTP { Event::Stop } else { Event::End(signal) }).is_err() {
                return;
            }
        }
    });
}
