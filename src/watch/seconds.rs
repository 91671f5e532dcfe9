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

/// An event of the polling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PollReport<T> {
    /// The poll returned something.
    Value(T),
    /// The poll has not returned for `LATE`.
    Hanging,
    /// After [`Self::Hanging`]: the poll returned, with nothing new.
    Recovered,
}

/// Polls until `report` returns `false`.
pub fn each_second<T: Send + 'static>(
    poll: impl FnMut() -> Option<T> + Send + 'static,
    report: impl Fn(PollReport<T>) -> bool + Send + 'static,
) {
    // Without a thread nothing is polled, and that can't be reported: the system had no thread left.
    let _ = helper::spawn(Helper::Centre, move || wait(poll, &report, EVERY, LATE));
}

fn wait<T: Send + 'static>(
    mut poll: impl FnMut() -> Option<T> + Send + 'static,
    report: &impl Fn(PollReport<T>) -> bool,
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
            Ok(new) => new.map(PollReport::Value),
            Err(RecvTimeoutError::Timeout) => {
                if !report(PollReport::Hanging) {
                    return;
                }
                let Ok(new) = results.recv() else { return };
                Some(new.map_or(PollReport::Recovered, PollReport::Value))
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
    fn reports(
        outcomes: Receiver<Option<u8>>,
        count: usize,
        mut between: impl FnMut(usize) + Send,
    ) -> Vec<PollReport<u8>> {
        let all = Mutex::new((Vec::new(), &mut between));
        let report = |report| {
            let mut all = all.lock().unwrap();
            all.0.push(report);
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
        assert_eq!(reports(outcomes, 2, |_| {}), [PollReport::Value(1), PollReport::Value(2)]);
    }

    #[test]
    fn a_hanging_poll_and_its_recovery_are_reported_once() {
        let (send, outcomes) = channel();
        let reported = reports(outcomes, 4, move |so_far| {
            // The poll returns only after its hanging was reported.
            match so_far {
                1 => send.send(None).unwrap(),
                3 => send.send(Some(7)).unwrap(),
                _ => {}
            }
        });
        assert_eq!(reported, [PollReport::Hanging, PollReport::Recovered, PollReport::Hanging, PollReport::Value(7)]);
    }
}
