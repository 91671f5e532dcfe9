//! Work with files that may hang (a share, a stick that was pulled), done in a thread of its own and waited for until a
//! deadline. The thread of work that never ends stays where it is; nobody waits for it.

use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crate::helper::{self, Helper};

/// Work under way.
#[derive(Debug)]
pub struct Pending<T>(Receiver<T>);

/// Begins work in a thread of its own.
pub fn begin<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Pending<T> {
    let (send, result) = channel();
    // Without a thread there is no result, which the wait below sees at once.
    let _ = helper::spawn(Helper::Reader, move || {
        // Nobody listens any more where it came too late.
        let _ = send.send(work());
    });
    Pending(result)
}

impl<T> Pending<T> {
    /// Its result, where it is there by then.
    #[must_use]
    pub fn by(self, end: Instant) -> Option<T> {
        self.0.recv_timeout(end.saturating_duration_since(Instant::now())).ok()
    }
}

/// The result of work, where it comes in time.
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
