//! Polls something that may hang once a second: one thread polls and another waits for it with a timeout, so that a
//! hanging share is reported and blocks only the polling thread. Started only if there is something to poll.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use crate::helper::{self, Helper};

/// The poll interval.
const EVERY: Duration = Duration::from_secs(1);
/// A poll that takes longer is reported as hanging.
const LATE: Duration = Duration::from_secs(3);

/// What is reported of the polls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen<N> {
    /// The poll returned something.
    News(N),
    /// The poll has been hanging for a while.
    Late,
    /// The poll returned again, with nothing new.
    Back,
}

/// Polls until `report` returns `false`.
pub fn each_second<N: Send + 'static>(
    poll: impl FnMut() -> Option<N> + Send + 'static,
    report: impl Fn(Seen<N>) -> bool + Send + 'static,
) {
    // Without a thread nothing is polled, and that can't be reported: the system had no thread left.
    let _ = helper::spawn(Helper::Centre, move || wait(poll, &report, EVERY, LATE));
}

fn wait<N: Send + 'static>(
    mut poll: impl FnMut() -> Option<N> + Send + 'static,
    report: &impl Fn(Seen<N>) -> bool,
    every: Duration,
    late: Duration,
) {
    let ((request, requests), (result, results)) = (channel::<()>(), channel());
    let poll_loop = move || while requests.recv().is_ok() && result.send(poll()).is_ok() {};
    if helper::spawn(Helper::Centre, poll_loop).is_err() {
        return;
    }
    loop {
        if request.send(()).is_err() {
            return;
        }
        let event = match results.recv_timeout(late) {
            Ok(new) => new.map(Seen::News),
            Err(RecvTimeoutError::Timeout) => {
                if !report(Seen::Late) {
                    return;
                }
                let Ok(new) = results.recv() else { return };
                Some(new.map_or(Seen::Back, Seen::News))
            }
            Err(RecvTimeoutError::Disconnected) => return,
        };
        if event.is_some_and(|event| !report(event)) {
            return;
        }
        thread::sleep(every);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::Receiver;

    use super::*;

    /// What is reported about polls that wait for their outcome.
    fn reports(outcomes: Receiver<Option<u8>>, count: usize, mut between: impl FnMut(usize) + Send) -> Vec<Seen<u8>> {
        let all = Mutex::new((Vec::new(), &mut between));
        let report = |seen| {
            let mut all = all.lock().unwrap();
            all.0.push(seen);
            let so_far = all.0.len();
            (all.1)(so_far);
            so_far < count
        };
        wait(move || outcomes.recv().unwrap(), &report, Duration::ZERO, Duration::from_millis(20));
        all.into_inner().unwrap().0
    }

    #[test]
    fn only_changes_are_reported() {
        let (send, outcomes) = channel();
        for outcome in [None, Some(1), None, None, Some(2)] {
            send.send(outcome).unwrap();
        }
        assert_eq!(reports(outcomes, 2, |_| {}), [Seen::News(1), Seen::News(2)]);
    }

    #[test]
    fn a_hanging_poll_and_its_recovery_are_reported_once() {
        let (send, outcomes) = channel();
        let seen = reports(outcomes, 4, move |so_far| {
            // The poll returns only after its hanging was reported.
            match so_far {
                1 => send.send(None).unwrap(),
                3 => send.send(Some(7)).unwrap(),
                _ => {}
            }
        });
        assert_eq!(seen, [Seen::Late, Seen::Back, Seen::Late, Seen::News(7)]);
    }
}
