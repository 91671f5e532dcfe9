//! File operations that may hang (a network share, an unplugged stick), run in a thread of their own and awaited until
//! a deadline. A thread that never finishes is left behind; one that has finished does the next operation.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// The name of these threads, by which a program knows whose panic it reports.
pub const THREAD: &str = "reader";

/// A running operation.
#[derive(Debug)]
pub struct Pending<T>(Receiver<T>);

/// A thread that has finished its operation. Making one takes about twenty system calls, most of them before the first screen.
static FREE: Mutex<Option<Thread>> = Mutex::new(None);

/// A thread of this module: it ends when the last of these is dropped.
#[derive(Clone)]
struct Thread(Sender<Task>);

/// An operation, which sends its result itself, and the thread that it is given to.
struct Task {
    work: Box<dyn FnOnce(Thread) + Send>,
    thread: Thread,
}

impl Thread {
    /// The free thread, otherwise a new one.
    fn get() -> io::Result<Self> {
        if let Some(free) = FREE.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Ok(free);
        }
        let (send, tasks) = channel::<Task>();
        let run = move || tasks.iter().for_each(|task| (task.work)(task.thread));
        thread::Builder::new().name(THREAD.into()).spawn(run).map(|_| Self(send))
    }

    /// Keeps the thread for the next operation; a second one that is free ends.
    fn keep(self) {
        FREE.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(self);
    }
}

/// Starts an operation in a thread that does nothing else meanwhile.
pub fn begin<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Pending<T> {
    let (send, result) = channel();
    let work = Box::new(move |thread: Thread| {
        let done = work();
        thread.keep();
        // The receiver is gone if the result is too late.
        let _ = send.send(done);
    });
    // Without a thread there is no result; the receiver below sees that at once.
    if let Ok(thread) = Thread::get() {
        let _ = thread.clone().0.send(Task { work, thread });
    }
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

    #[test]
    fn an_operation_after_one_that_hangs_or_panics_has_a_result() {
        let (_let_go, hang) = channel::<()>();
        let hanging = begin(move || hang.recv().is_ok());
        let panicking = begin(|| panic!("in the test"));
        assert_eq!(panicking.by(Instant::now() + Duration::from_secs(60)), None::<()>);
        for n in 0..100 {
            assert_eq!(within(Duration::from_secs(60), move || n), Some(n));
        }
        drop(hanging);
    }
}
