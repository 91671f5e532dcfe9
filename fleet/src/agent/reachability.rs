//! Whether the centre is heard, and since when not: a connection over which it also answers. What is told of it is the
//! truth: "heard" means that everything here is current.

use std::time::Duration;

use async_nats::Client;
use chrono::{DateTime, Utc};
use penutup::broadcast::time_text;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::log::{About, Log};
use super::prompters::Bell;
use super::receiver::{Connection, Standing};

/// How long after the start nobody is told that the centre is not heard yet.
const GRACE: Duration = Duration::from_secs(3);
/// How often the client is asked whether it is connected, beside what its events tell.
const LOOK: Duration = Duration::from_secs(3);
/// So many rounds in a row that are not answered, and the centre is not heard.
const UNANSWERED: u32 = 2;

/// How the asking went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rounds {
    /// Over which connection the last round was answered: its number; 0: none yet.
    pub answered: u64,
    /// How many rounds in a row were not.
    pub unanswered: u32,
}

/// Whether the centre is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    NotYet,
    Yes,
    NotSince(DateTime<Utc>),
}

/// What follows.
fn next(was: Heard, standing: Standing, rounds: Rounds, is_grace_over: bool, now: DateTime<Utc>) -> Heard {
    let is_answered = rounds.answered == standing.times && rounds.unanswered < UNANSWERED;
    let is_silent = !standing.connected || rounds.unanswered >= UNANSWERED;
    match was {
        Heard::NotSince(since) if !(standing.connected && is_answered) => Heard::NotSince(since),
        _ if standing.connected && is_answered => Heard::Yes,
        Heard::NotYet if is_silent && is_grace_over => Heard::NotSince(now),
        Heard::Yes if is_silent => Heard::NotSince(now),
        was => was,
    }
}

/// Tells the prompters and the log for as long as the client lives.
pub async fn tell(client: Client, connection: Connection, mut rounds: watch::Receiver<Rounds>, bell: Bell, log: Log) {
    let (started, begun) = (Instant::now(), Utc::now());
    let mut standing = connection.watch();
    let mut heard = Heard::NotYet;
    loop {
        connection.seen(&client.connection_state());
        let (stands, asked) = (*standing.borrow_and_update(), *rounds.borrow_and_update());
        let is_grace_over = started.elapsed() >= GRACE;
        let now = if heard == Heard::NotYet { begun } else { Utc::now() };
        let next = next(heard, stands, asked, is_grace_over, now);
        if next != heard {
            let w = &log.words().agent;
            match next {
                Heard::Yes => log.tell(About::Link, w.up.to_owned()),
                Heard::NotSince(since) => log.tell(About::Link, w.down(time_text(since))),
                Heard::NotYet => {}
            }
            bell.set(|present| {
                present.link = match next {
                    Heard::NotYet => None,
                    Heard::Yes => Some(None),
                    Heard::NotSince(since) => Some(Some(since)),
                };
            });
            heard = next;
        }
        tokio::select! {
            changed = standing.changed() => if changed.is_err() { return },
            changed = rounds.changed() => if changed.is_err() { return },
            () = sleep(LOOK) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heard_is_who_answers_over_this_connection() {
        let at = |second: i64| DateTime::from_timestamp(second, 0).unwrap();
        let on = |times| Standing { connected: true, times };
        let off = |times| Standing { connected: false, times };
        let rounds = |answered, unanswered| Rounds { answered, unanswered };
        // Connected, asked, answered: only then.
        assert_eq!(next(Heard::NotYet, off(0), rounds(0, 0), false, at(1)), Heard::NotYet);
        assert_eq!(next(Heard::NotYet, off(0), rounds(0, 0), true, at(1)), Heard::NotSince(at(1)));
        assert_eq!(next(Heard::NotYet, on(1), rounds(0, 0), true, at(1)), Heard::NotYet);
        assert_eq!(next(Heard::NotYet, on(1), rounds(1, 0), true, at(1)), Heard::Yes);
        // One that is not answered may be chance; two are not.
        assert_eq!(next(Heard::Yes, on(1), rounds(1, 1), true, at(2)), Heard::Yes);
        assert_eq!(next(Heard::Yes, on(1), rounds(1, 2), true, at(2)), Heard::NotSince(at(2)));
        // Gone, and connected again but not answered yet: since when it went.
        assert_eq!(next(Heard::Yes, off(1), rounds(1, 0), true, at(3)), Heard::NotSince(at(3)));
        assert_eq!(next(Heard::NotSince(at(3)), on(2), rounds(1, 0), true, at(9)), Heard::NotSince(at(3)));
        assert_eq!(next(Heard::NotSince(at(3)), on(2), rounds(2, 0), true, at(9)), Heard::Yes);
    }
}
