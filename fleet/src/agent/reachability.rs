//! Whether the centre is reachable, and since when it is not. Reachable means connected, answering over this connection, and
//! beating, so that everything the seat has is current: a server that is cut off from the others still answers.

use std::time::Duration;

use async_nats::Client;
use chrono::{DateTime, FixedOffset, Utc};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::prompters::SnapshotWatch;
use super::receiver::{LinkMonitor, LinkState};
use crate::beat::SILENCE;
use crate::log::{Log, Topic};
use crate::time::full_time;

/// After the start, how long an unreachable centre is not reported yet.
const GRACE: Duration = Duration::from_secs(3);
/// How often the client's connection state is checked beside its events, and the last beat.
const CHECK_INTERVAL: Duration = Duration::from_secs(2);
/// So many unanswered polls in a row make the centre unreachable.
const MAX_UNANSWERED: u32 = 2;
/// The shortest and the longest time that a connection without a beat is kept, where there are other servers. Electing another
/// leader for the stream, and the archive's own leaving of a failed server, take most of the shortest.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(120));

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

/// How long a connection without a beat is kept, after so many that were left for want of one. The other servers have three
/// beats' time each; after that it doubles, plus a random part, so that a centre that does not beat at all is not flooded with
/// connections.
fn patience(left: usize, servers: usize) -> Duration {
    let rounds = u32::try_from((left + 1).saturating_sub(servers)).unwrap_or(u32::MAX);
    let least = match left {
        0 => PATIENCE.0,
        _ if left < servers => SILENCE,
        _ => PATIENCE.0.saturating_mul(1 << rounds.min(5)).min(PATIENCE.1),
    };
    least.mul_f64(1.0 + fastrand::f64() / 4.0)
}

/// What is known of the beat over the present connection.
#[derive(Clone, Copy, Debug)]
struct BeatWatch {
    connects: u64,
    connected_at: Instant,
    /// Connections in a row that were left because no beat came.
    left: usize,
    patience: Duration,
    /// How many servers there are.
    servers: usize,
}

impl BeatWatch {
    fn new(servers: usize, now: Instant) -> Self {
        Self { connects: 0, connected_at: now, left: 0, patience: patience(0, servers), servers }
    }

    /// Whether the centre beats, as far as is known. A new connection shows nothing by itself: a server whose disk is full ends
    /// connections and answers on new ones, but stores no beat.
    fn is_beating(&mut self, link: LinkState, last_beat: Option<Instant>, now: Instant) -> bool {
        if link.connects != self.connects {
            (self.connects, self.connected_at) = (link.connects, now);
        }
        let Some(last_beat) = last_beat else { return true };
        let is_beating = now.saturating_duration_since(last_beat) < SILENCE;
        if is_beating && self.left > 0 {
            (self.left, self.patience) = (0, patience(0, self.servers));
        }
        is_beating
    }

    /// How long this connection is still kept without a beat.
    fn left_patience(&self, last_beat: Option<Instant>, now: Instant) -> Duration {
        let since = last_beat.map_or(self.connected_at, |at| at.max(self.connected_at));
        self.patience.saturating_sub(now.saturating_duration_since(since))
    }

    /// The connection is being left.
    fn leave(&mut self, now: Instant) {
        self.left += 1;
        (self.connected_at, self.patience) = (now, patience(self.left, self.servers));
    }
}

/// Reports changes to the prompters and the log, as long as the client lives.
///
/// With other servers the next one is tried where no beat comes: this one may be cut off from them.
pub async fn run(
    client: Client,
    monitor: LinkMonitor,
    mut heard: Heard,
    servers: usize,
    snapshots: SnapshotWatch,
    (log, zone): (Log, FixedOffset),
) {
    let (started, started_at) = (Instant::now(), Utc::now());
    let mut link = monitor.subscribe();
    let mut state = Reachability::Unknown;
    let mut beat = BeatWatch::new(servers, started);
    loop {
        monitor.sync(&client.connection_state());
        let (link_now, polls_now) = (*link.borrow_and_update(), *heard.polls.borrow_and_update());
        let last_beat = *heard.beats.borrow_and_update();
        let is_beating = beat.is_beating(link_now, last_beat, Instant::now());
        let mut next_check = CHECK_INTERVAL;
        if !is_beating && servers > 1 && link_now.connected {
            let left = beat.left_patience(last_beat, Instant::now());
            if left.is_zero() {
                beat.leave(Instant::now());
                // It fails only once the client has ended.
                let _ = client.force_reconnect().await;
            } else {
                next_check = CHECK_INTERVAL.min(left);
            }
        }
        let now = if state == Reachability::Unknown { started_at } else { Utc::now() };
        let next = next_state(state, link_now, polls_now, is_beating, started.elapsed() >= GRACE, now);
        if next != state {
            let unreachable_since = match next {
                Reachability::UnreachableSince(since) => Some(since),
                _ => None,
            };
            log.report(Topic::Link, line(unreachable_since, zone, &log));
            snapshots.update(|snapshot| snapshot.set_link(unreachable_since));
            state = next;
        }
        tokio::select! {
            changed = link.changed() => if changed.is_err() { return },
            changed = heard.polls.changed() => if changed.is_err() { return },
            // While it is reachable, beats change nothing.
            changed = heard.beats.changed(), if state != Reachability::Reachable => if changed.is_err() { return },
            () = sleep(next_check) => {}
        }
    }
}

/// The line of the log, with the time as the screen has it.
fn line(unreachable_since: Option<DateTime<Utc>>, zone: FixedOffset, log: &Log) -> String {
    let w = &log.words().agent;
    unreachable_since.map_or_else(|| w.reachable.to_owned(), |since| w.unreachable(full_time(since, zone, log.lang())))
}

#[cfg(test)]
mod tests {
    use penutup_cli_kit::words::Lang;

    use super::Reachability::{Reachable, Unknown, UnreachableSince};
    use super::*;

    #[test]
    fn the_log_has_the_time_of_the_seats_zone() {
        let zone = FixedOffset::east_opt(8 * 3600).unwrap();
        let since = "2026-11-30T06:05:09Z".parse().ok();
        let text = |lang| line(since, zone, &Log::new(lang));
        assert_eq!(text(Lang::Id), "terputus dari pusat sejak 30/11/2026 14.05.09 WITA.");
        assert!(text(Lang::En).contains("30/11/2026 14:05:09 WITA"), "{}", text(Lang::En));
        assert_eq!(line(None, zone, &Log::new(Lang::Id)), "tersambung ke pusat.");
    }

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

    #[test]
    fn a_seat_without_a_beat_says_so_within_ten_seconds() {
        let latest = SILENCE + CHECK_INTERVAL;
        assert!(latest <= Duration::from_secs(10), "{latest:?}");
    }

    #[test]
    fn a_connection_counts_only_from_its_first_beat() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let on = |connects| LinkState { connected: true, connects };
        let mut beat = BeatWatch::new(3, start);
        assert!(beat.is_beating(on(1), None, at(60)), "a centre that never beat is not waited for");
        assert!(beat.is_beating(on(1), Some(at(66)), at(71)));
        assert!(!beat.is_beating(on(2), Some(at(66)), at(72)), "the next one is not better by itself");
        assert!(beat.is_beating(on(2), Some(at(70)), at(75)));
        assert!(!beat.is_beating(on(2), Some(at(70)), at(77)));
        assert!(!beat.left_patience(Some(at(70)), at(77)).is_zero());
        assert!(beat.left_patience(Some(at(70)), at(85)).is_zero());
        beat.leave(at(85));
        assert!(!beat.left_patience(Some(at(70)), at(86)).is_zero(), "while it reconnects");
        assert!(!beat.is_beating(on(3), Some(at(70)), at(86)));
        // The next one has three beats' time.
        assert!(beat.left_patience(Some(at(70)), at(94)).is_zero());
        assert!(beat.is_beating(on(3), Some(at(87)), at(88)));
        assert!(!beat.left_patience(Some(at(87)), at(95)).is_zero(), "all servers have their time again");
    }
}
