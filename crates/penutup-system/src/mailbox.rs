//! A mailbox between two threads. The sender changes the pending value and never blocks; the receiver takes all of it
//! at once. The type bounds how much can be pending: if only the newest state counts, it replaces the older one.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

#[derive(Debug, Default)]
pub struct Mailbox<T> {
    waiting: Mutex<T>,
    changed: Condvar,
}

impl<T: Default> Mailbox<T> {
    /// Changes the pending value and wakes the receiver.
    pub fn post(&self, change: impl FnOnce(&mut T)) {
        // A panic in `change` belongs to the sender; the pending value is still usable.
        change(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_one();
    }

    /// Takes the pending value once it is ready or the deadline has passed.
    pub fn take(&self, deadline: Option<Instant>, is_something: impl Fn(&T) -> bool) -> T {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        while !is_something(&waiting) {
            waiting = match deadline.map(|at| at.saturating_duration_since(Instant::now())) {
                None => self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner),
                Some(left) if left.is_zero() => break,
                Some(left) => self.changed.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
        std::mem::take(&mut waiting)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_newer_value_replaces_an_untaken_one() {
        let mailbox = Mailbox::<Option<u32>>::default();
        mailbox.post(|waiting| *waiting = Some(1));
        mailbox.post(|waiting| *waiting = Some(2));
        assert_eq!(mailbox.take(None, Option::is_some), Some(2));
        assert_eq!(mailbox.take(Some(Instant::now()), Option::is_some), None);
    }

    #[test]
    fn a_receiver_that_waits_is_woken() {
        let mailbox = Arc::new(Mailbox::<Option<u32>>::default());
        let there = Arc::clone(&mailbox);
        let receiver =
            std::thread::spawn(move || there.take(Some(Instant::now() + Duration::from_secs(600)), Option::is_some));
        mailbox.post(|waiting| *waiting = Some(7));
        assert_eq!(receiver.join().unwrap(), Some(7));
    }
}
