//! Looks each second at what may hang: one thread looks, another waits for it with patience, so that a share that does
//! not answer is told of, and holds nothing but the thread that looks. Begun only where something is to be looked at.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use crate::helper::{self, Helper};

/// How often.
const EVERY: Duration = Duration::from_secs(1);
/// After so long a look that has not come back is told of.
const LATE: Duration = Duration::from_secs(3);

/// A look's outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen<N> {
    /// Something new.
    News(N),
    /// No answer for a while.
    Late,
    /// An answer again, and nothing new.
    Back,
}

/// Looks until `tell` answers `false`.
pub fn each_second<N: Send + 'static>(
    look: impl FnMut() -> Option<N> + Send + 'static,
    tell: impl Fn(Seen<N>) -> bool + Send + 'static,
) {
    // Without a thread nobody looks, and nobody is told of it: the system had none left.
    let _ = helper::spawn(Helper::Centre, move || wait(look, &tell, EVERY, LATE));
}

fn wait<N: Send + 'static>(
    mut look: impl FnMut() -> Option<N> + Send + 'static,
    tell: &impl Fn(Seen<N>) -> bool,
    every: Duration,
    late: Duration,
) {
    let ((ask, asked), (answer, answered)) = (channel::<()>(), channel());
    let looks = move || while asked.recv().is_ok() && answer.send(look()).is_ok() {};
    if helper::spawn(Helper::Centre, looks).is_err() {
        return;
    }
    loop {
        if ask.send(()).is_err() {
            return;
        }
        let told = match answered.recv_timeout(late) {
            Ok(news) => news.map(Seen::News),
            Err(RecvTimeoutError::Timeout) => {
                if !tell(Seen::Late) {
                    return;
                }
                let Ok(news) = answered.recv() else { return };
                Some(news.map_or(Seen::Back, Seen::News))
            }
            Err(RecvTimeoutError::Disconnected) => return,
        };
        if told.is_some_and(|told| !tell(told)) {
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

    /// What is told of looks that wait for their outcome.
    fn reports(outcomes: Receiver<Option<u8>>, count: usize, mut between: impl FnMut(usize) + Send) -> Vec<Seen<u8>> {
        let all = Mutex::new((Vec::new(), &mut between));
        let tell = |seen| {
            let mut all = all.lock().unwrap();
            all.0.push(seen);
            let so_far = all.0.len();
            (all.1)(so_far);
            so_far < count
        };
        wait(move || outcomes.recv().unwrap(), &tell, Duration::ZERO, Duration::from_millis(20));
        all.into_inner().unwrap().0
    }

    #[test]
    fn only_news_is_told() {
        let (send, outcomes) = channel();
        for outcome in [None, Some(1), None, None, Some(2)] {
            send.send(outcome).unwrap();
        }
        assert_eq!(reports(outcomes, 2, |_| {}), [Seen::News(1), Seen::News(2)]);
    }

    #[test]
    fn a_look_that_hangs_is_told_of_once_and_so_is_its_end() {
        let (send, outcomes) = channel();
        let seen = reports(outcomes, 4, move |so_far| {
            // Only when its hanging was told does the look come back.
            match so_far {
                1 => send.send(None).unwrap(),
                3 => send.send(Some(7)).unwrap(),
                _ => {}
            }
        });
        assert_eq!(seen, [Seen::Late, Seen::Back, Seen::Late, Seen::News(7)]);
    }
}
