//! Whether the centre is reachable, and since when it is not. Reachable means connected, answering over this connection, and
//! beating, so that everything the seat has is current: a server that is cut off from the others still answers.

use std::time::Duration;

use async_nats::Client;
use chrono::{DateTime, Utc};
use penutup_rules::declaration::time_text;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::prompters::SnapshotWatch;
use super::receiver::{LinkMonitor, LinkState};
use crate::beat::SILENCE;
use crate::log::{Log, Topic};

/// After the start, how long an unreachable centre is not reported yet.
const GRACE: Duration = Duration::from_secs(3);
/// How often the client's connection state is checked beside its events, and the last beat.
const CHECK_INTERVAL: Duration = Duration::from_secs(2);
/// So many unanswered polls in a row make the centre unreachable.
const MAX_UNANSWERED: u32 = 2;
/// The longest time that a connection without a beat is kept, where there are other servers.
const MAX_PATIENCE: Duration = Duration::from_secs(120);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PollResults {
    /// The number of the connection over which a poll was last answered; 0: none yet.
    pub answered_on: u64,
    /// Polls in a row without an answer.
    pub unanswered: u32,
}

/// What comes from the centre.
#[derive(Clone, Debug)]
pub struct Heard {
    pub polls: watch::Receiver<PollResults>,
    /// When the last beat arrived; `None` where there is none to wait for.
    pub beats: watch::Receiver<Option<Instant>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reachability {
    Unknown,
    Reachable,
    UnreachableSince(DateTime<Utc>),
}

fn next_state(
    current: Reachability,
    link: LinkState,
    polls: PollResults,
    is_beating: bool,
    is_grace_over: bool,
    now: DateTime<Utc>,
) -> Reachability {
    use Reachability::{Reachable, Unknown, UnreachableSince};
    let is_silent = !link.connected || polls.unanswered >= MAX_UNANSWERED || !is_beating;
    match current {
        _ if !is_silent && polls.answered_on == link.connects => Reachable,
        Unknown if is_silent && is_grace_over => UnreachableSince(now),
        Reachable if is_silent => UnreachableSince(now),
        current => current,
    }
}

/// How long a connection without a beat is kept. It doubles, minus a random part, so that a centre that does not beat at all is
/// not flooded with connections.
fn patience(tried: u32) -> Duration {
    let most = (SILENCE * 2).saturating_mul(1 << tried.min(5)).min(MAX_PATIENCE);
    most.mul_f64(1.0 - fastrand::f64() / 2.0)
}

/// Reports changes to the prompters and the log, as long as the client lives.
///
/// With other servers the next one is tried where no beat comes: this one may be cut off from them.
pub async fn run(
    client: Client,
    monitor: LinkMonitor,
    mut heard: Heard,
    has_others: bool,
    snapshots: SnapshotWatch,
    log: Log,
) {
    let (started, started_at) = (Instant::now(), Utc::now());
    let mut link = monitor.subscribe();
    let mut state = Reachability::Unknown;
    let (mut connects, mut connected_at, mut tried) = (0, started, 0);
    loop {
        monitor.sync(&client.connection_state());
        let (link_now, polls_now) = (*link.borrow_and_update(), *heard.polls.borrow_and_update());
        if link_now.connects != connects {
            (connects, connected_at) = (link_now.connects, Instant::now());
        }
        // A new connection has the same time to bring the next beat.
        let last_beat = *heard.beats.borrow_and_update();
        let is_beating = last_beat.is_none_or(|at| at.max(connected_at).elapsed() < SILENCE);
        if is_beating {
            tried = 0;
        } else if has_others && link_now.connected && connected_at.elapsed() >= patience(tried) {
            tried += 1;
            connected_at = Instant::now();
            // It fails only once the client has ended.
            let _ = client.force_reconnect().await;
        }
        let now = if state == Reachability::Unknown { started_at } else { Utc::now() };
        let next = next_state(state, link_now, polls_now, is_beating, started.elapsed() >= GRACE, now);
        if next != state {
            let w = &log.words().agent;
            let (text, unreachable_since) = match next {
                Reachability::UnreachableSince(since) => (w.unreachable(time_text(since)), Some(since)),
                _ => (w.reachable.to_owned(), None),
            };
            log.report(Topic::Link, text);
            snapshots.update(|snapshot| snapshot.link = Some(unreachable_since));
            state = next;
        }
        tokio::select! {
            changed = link.changed() => if changed.is_err() { return },
            changed = heard.polls.changed() => if changed.is_err() { return },
            // While it is reachable, beats change nothing.
            changed = heard.beats.changed(), if state != Reachability::Reachable => if changed.is_err() { return },
            () = sleep(CHECK_INTERVAL) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Reachability::{Reachable, Unknown, UnreachableSince};
    use super::*;

    #[test]
    fn the_centre_is_reachable_only_when_it_answered_over_the_present_connection() {
        let at = |second: i64| DateTime::from_timestamp(second, 0).unwrap();
        let on = |connects| LinkState { connected: true, connects };
        let off = |connects| LinkState { connected: false, connects };
        let polls = |answered_on, unanswered| PollResults { answered_on, unanswered };
        // Only after connecting, polling and an answer.
        assert_eq!(next_state(Unknown, off(0), polls(0, 0), true, false, at(1)), Unknown);
        assert_eq!(next_state(Unknown, off(0), polls(0, 0), true, true, at(1)), UnreachableSince(at(1)));
        assert_eq!(next_state(Unknown, on(1), polls(0, 0), true, true, at(1)), Unknown);
        assert_eq!(next_state(Unknown, on(1), polls(1, 0), true, true, at(1)), Reachable);
        // One unanswered poll may be chance.
        assert_eq!(next_state(Reachable, on(1), polls(1, 1), true, true, at(2)), Reachable);
        assert_eq!(next_state(Reachable, on(1), polls(1, 2), true, true, at(2)), UnreachableSince(at(2)));
        // Answered by a server that hears nothing of the others, and the first beat after it.
        let cut = next_state(Reachable, on(1), polls(1, 0), false, true, at(2));
        assert_eq!(cut, UnreachableSince(at(2)));
        assert_eq!(next_state(cut, on(1), polls(1, 0), true, true, at(8)), Reachable);
        // Connected again but not answered yet: unreachable since the loss.
        assert_eq!(next_state(Reachable, off(1), polls(1, 0), true, true, at(3)), UnreachableSince(at(3)));
        assert_eq!(next_state(UnreachableSince(at(3)), on(2), polls(1, 0), true, true, at(9)), UnreachableSince(at(3)));
        assert_eq!(next_state(UnreachableSince(at(3)), on(2), polls(2, 0), true, true, at(9)), Reachable);
    }
}
