//! File operations that may hang (a network share, an unplugged stick), run in a thread of their own and awaited until
//! a deadline. A thread that never finishes is left behind.

use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// The name of these threads, by which a program knows whose panic it reports.
pub const THREAD: &str = "reader";

/// A running operation.
#[derive(Debug)]
pub struct Pending<T>(Receiver<T>);

/// Starts an operation in a thread of its own.
pub fn begin<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Pending<T> {
    let (send, result) = channel();
    // Without a thread there is no result; the receiver below sees that at once.
    let _ = thread::Builder::new().name(THREAD.into()).spawn(move || {
        // The receiver is gone if the result is too late.
        let _ = send.send(work());
    });
    Pending(result)
}

impl<T> Pending<T> {
    /// The result, if it arrives in time.
    pub fn by(self, end: Instant) -> Option<T> {
        self.0.recv_timeout(end.saturating_duration_since(Instant::now())).ok()
    }
}

/// Runs an operation and returns its result if it arrives in time.
pub fn within<T: Send + 'static>(patience: Duration, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    begin(work).by(Instant::now() + patience)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn work_that_hangs_is_not_waited_for_and_other_work_is() {
        assert_eq!(within(Duration::from_secs(60), || 7), Some(7));
        let (let_go, hang) = channel::<()>();
        assert_eq!(within(Duration::from_millis(20), move || hang.recv().is_ok()), None);
        drop(let_go);
    }
}
