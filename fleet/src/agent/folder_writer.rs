//! Writes the folder in a thread of its own: a disk that hangs delays neither broadcasts nor the link. While it hangs only
//! the newest state waits.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::replica::{Outcome, Replica};

#[derive(Debug, Default)]
struct Mailbox {
    /// What is to be written next, and what changed in it.
    next: Option<(Replica, Vec<Outcome>)>,
    writing_since: Option<Instant>,
}

#[derive(Clone, Debug, Default)]
pub struct FolderWriter(Arc<(Mutex<Mailbox>, Condvar)>);

impl FolderWriter {
    /// `write` runs in the thread, which lives as long as the process.
    pub fn spawn(mut write: impl FnMut(&Replica, &[Outcome]) + Send + 'static) -> Self {
        let writer = Self::default();
        let this = writer.clone();
        thread::spawn(move || {
            loop {
                let (replica, outcomes) = this.take();
                write(&replica, &outcomes);
                this.lock().writing_since = None;
                this.0.1.notify_all();
            }
        });
        writer
    }

    fn lock(&self) -> MutexGuard<'_, Mailbox> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> (Replica, Vec<Outcome>) {
        let mut mailbox = self.lock();
        loop {
            if let Some(next) = mailbox.next.take() {
                mailbox.writing_since = Some(Instant::now());
                return next;
            }
            mailbox = self.0.1.wait(mailbox).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Replaces what waits to be written. Does not block.
    pub fn post(&self, replica: &Replica, outcomes: &[Outcome]) {
        let mut mailbox = self.lock();
        let mut all = mailbox.next.take().map(|(_, outcomes)| outcomes).unwrap_or_default();
        for outcome in outcomes {
            if !all.contains(outcome) {
                all.push(*outcome);
            }
        }
        mailbox.next = Some((replica.clone(), all));
        self.0.1.notify_all();
    }

    /// How long the present write has taken.
    pub fn busy_for(&self) -> Option<Duration> {
        self.lock().writing_since.map(|since| since.elapsed())
    }

    /// Waits until everything is written, at most for this time. Returns whether it is.
    pub fn finish(&self, timeout: Duration) -> bool {
        let is_busy = |mailbox: &mut Mailbox| mailbox.next.is_some() || mailbox.writing_since.is_some();
        let waited = self.0.1.wait_timeout_while(self.lock(), timeout, is_busy);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::super::replica::SeatId;
    use super::*;
    use crate::wire::testing::name;
    use crate::wire::trust::Trust;

    #[test]
    fn while_a_write_hangs_only_the_newest_state_waits_and_nobody_else() {
        let seat = SeatId { site: name("jkt"), region: name("jawa"), seat: name("a01") };
        let replica = Replica::new(&seat, Trust::default(), None);
        let (release, released) = channel::<()>();
        let (starts, started) = channel();
        let writer = FolderWriter::spawn(move |_, outcomes| {
            starts.send(outcomes.to_vec()).unwrap();
            released.recv().unwrap();
        });
        writer.post(&replica, &[Outcome::Stored]);
        assert_eq!(started.recv().unwrap(), [Outcome::Stored]);
        // It hangs now.
        assert!(!writer.finish(Duration::from_millis(1)) && writer.busy_for().is_some());
        for outcome in [Outcome::NewRules, Outcome::NewEffective, Outcome::NewRules] {
            writer.post(&replica, &[outcome]);
        }
        release.send(()).unwrap();
        assert_eq!(started.recv().unwrap(), [Outcome::NewRules, Outcome::NewEffective], "nothing that changed is lost");
        release.send(()).unwrap();
        assert!(writer.finish(Duration::MAX) && writer.busy_for().is_none());
    }
}
