//! Requests missing closings again: numbers of a seat that never arrived, below its highest or at its end. A seat gets a
//! few requests at a time, and the less it answers, the fewer.

use std::collections::HashMap;
use std::time::Duration;

use async_nats::jetstream::{self, consumer::PullConsumer};
use tokio::time::sleep;
use uuid::Uuid;

use super::Shared;
use super::pull::DURABLE;
use crate::cli::eprint_line;
use crate::database::write::Batch;
use crate::database::{Gap, Highest};
use crate::seat_states::SeatStates;
use crate::wire::SCHEMA;
use crate::wire::closing::{MAX_RESEND, ResendRequest};
use crate::wire::name::Name;
use crate::wire::subject;

/// The most seats of a site that get requests in one round.
const MAX_SEATS: usize = 200;
/// The most rounds between two requests to a seat: an hour, where a round takes a minute.
const MAX_ROUNDS_BETWEEN: u32 = 60;

/// A gap that is observed, and when it is requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ObservedGap {
    epoch: Uuid,
    /// Fewer than in the previous round is progress.
    missing: u64,
    /// Rounds until the next request, and between the last two.
    wait: u32,
    between: u32,
}

/// A site as of the previous round.
#[derive(Debug, Default)]
struct Site {
    last_sequence: u64,
    gaps: HashMap<Name, ObservedGap>,
}

impl Site {
    /// The gaps to request now. `archived` is the stream sequence up to which the database has everything. A closing is
    /// lost if it was missing in the previous round and still is, although everything in the stream at that time is now
    /// archived.
    fn due(&mut self, gaps: Vec<Gap>, archived: u64, last_sequence: u64) -> Vec<Gap> {
        let is_settled = archived >= self.last_sequence || last_sequence < self.last_sequence;
        let mut known = std::mem::take(&mut self.gaps);
        let mut due = Vec::new();
        for gap in gaps {
            let mut observed = match known.remove(&gap.seat) {
                Some(observed) if observed.epoch == gap.epoch && gap.missing >= observed.missing => observed,
                // A new gap, or one that shrinks: due soon, but not in its first round.
                _ => ObservedGap { epoch: gap.epoch, missing: gap.missing, wait: 1, between: 1 },
            };
            if observed.wait == 0 && is_settled && due.len() < MAX_SEATS {
                observed.between = (observed.between * 2).min(MAX_ROUNDS_BETWEEN);
                observed.wait = observed.between;
                due.push(gap.clone());
            }
            observed.missing = gap.missing;
            observed.wait = observed.wait.saturating_sub(1);
            self.gaps.insert(gap.seat, observed);
        }
        self.last_sequence = last_sequence;
        due
    }
}

/// Runs a round after each `every`.
pub async fn run(shared: Shared, sites: Vec<Name>, every: Duration) {
    let mut known: HashMap<Name, Site> = HashMap::new();
    // Creates the tables, and reports a database that is down, before the first closing arrives.
    shared.writer.lock().await.write(Batch::default()).await;
    loop {
        sleep(every).await;
        for site in &sites {
            // The seats' states are read first: what they send afterwards must not count as missing.
            let sent = reported_sent(&shared, site).await;
            let Ok((archived, last_sequence)) = stream_position(&shared, site).await else { continue };
            let Some((gaps, highest)) = shared.writer.lock().await.gaps(site).await else { continue };
            let gaps = add_tails(site, gaps, &highest, &sent);
            let due = known.entry(site.clone()).or_default().due(gaps, archived, last_sequence);
            for gap in &due {
                for resend in gap.requests(MAX_RESEND) {
                    let request = ResendRequest { schema: SCHEMA, resend };
                    let bytes = serde_json::to_vec(&request).unwrap_or_default();
                    // A seat that is offline gets a later request.
                    let _ = shared.client.publish(subject::resend_request(&gap.site, &gap.seat), bytes.into()).await;
                }
            }
            if !due.is_empty() {
                let missing: u64 = due.iter().map(|gap| gap.missing).sum();
                eprint_line(&shared.log.words().archive.requested(missing, due.len(), site));
            }
        }
    }
}

/// The sequence up to which a site's stream is archived, and its last.
async fn stream_position(shared: &Shared, site: &Name) -> Result<(u64, u64), async_nats::Error> {
    let context = jetstream::new(shared.client.clone());
    let name = subject::closings(site);
    let consumer: PullConsumer = context.get_consumer_from_stream(DURABLE, &name).await?;
    let info = consumer.cached_info();
    let last = context.get_stream(&name).await?.cached_info().state.last_sequence;
    let is_at_end = info.num_pending == 0 && info.num_ack_pending == 0;
    Ok((if is_at_end { last } else { info.ack_floor.stream_sequence }, last))
}

/// The seats' own highest numbers, with the ledger they belong to.
async fn reported_sent(shared: &Shared, site: &Name) -> HashMap<Name, (Uuid, u64)> {
    let mut seats = SeatStates::new(site.clone());
    // Without the states the gaps below the highest numbers are still found.
    let _ = seats.refresh(&shared.client).await;
    seats.states().map(|(seat, stored)| (seat.clone(), (stored.state.epoch, stored.state.sent))).collect()
}

/// The gaps, with what each seat sent beyond the highest number that arrived.
fn add_tails(site: &Name, mut gaps: Vec<Gap>, highest: &[Highest], sent: &HashMap<Name, (Uuid, u64)>) -> Vec<Gap> {
    let highest: HashMap<&str, (Uuid, u64)> = highest.iter().map(|(seat, e, n)| (seat.as_str(), (*e, *n))).collect();
    for (seat, (epoch, sent)) in sent {
        let arrived = match highest.get(seat.as_str()) {
            Some((known, arrived)) if known == epoch => *arrived,
            // The seat has gone back to an old ledger.
            Some((known, _)) if known > epoch => continue,
            _ => 0,
        };
        if *sent <= arrived {
            continue;
        }
        let tail = (arrived + 1, *sent);
        let missing = sent - arrived;
        if let Some(gap) = gaps.iter_mut().find(|gap| gap.seat == *seat && gap.epoch == *epoch) {
            gap.missing += missing;
            gap.ranges.push(tail);
        } else {
            gaps.retain(|gap| gap.seat != *seat);
            gaps.push(Gap { site: site.clone(), seat: seat.clone(), epoch: *epoch, missing, ranges: vec![tail] });
        }
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::closing::MissingRange;
    use crate::wire::testing::name;

    fn gap(seat: &str, missing: u64) -> Gap {
        let ranges = vec![(2, 1 + missing)];
        Gap { site: name("jkt"), seat: name(seat), epoch: Uuid::from_u128(7), missing, ranges }
    }

    #[test]
    fn a_gap_is_requested_after_one_round_and_then_with_doubling_pauses() {
        let mut site = Site::default();
        let mut rounds = Vec::new();
        for round in 0..20 {
            if !site.due(vec![gap("a", 3)], 100, 100).is_empty() {
                rounds.push(round);
            }
        }
        assert_eq!(rounds, [1, 3, 7, 15]);
        // Progress makes it due soon again.
        assert_eq!(site.due(vec![gap("a", 2)], 100, 100), []);
        assert_eq!(site.due(vec![gap("a", 2)], 100, 100), [gap("a", 2)]);
    }

    #[test]
    fn closings_that_may_still_be_in_the_stream_are_not_requested() {
        let mut site = Site::default();
        assert_eq!(site.due(vec![gap("a", 3)], 50, 100), []);
        assert_eq!(site.due(vec![gap("a", 3)], 99, 150), [], "the stream was at 100 a round ago");
        assert_eq!(site.due(vec![gap("a", 3)], 150, 200).len(), 1);
        assert_eq!(site.due(vec![], 200, 200), []);
        assert_eq!(site.due(vec![gap("a", 3)], 1, 3), [], "a new gap in a stream that was created anew");
        assert_eq!(site.due(vec![gap("a", 3)], 1, 4), [], "not archived yet");
        assert_eq!(site.due(vec![gap("a", 3)], 4, 4).len(), 1);
    }

    #[test]
    fn a_seats_reported_count_reveals_closings_missing_at_its_end() {
        let epoch = Uuid::from_u128(7);
        let sent = HashMap::from([
            (name("a"), (epoch, 12)),
            (name("b"), (epoch, 5)),
            (name("c"), (Uuid::from_u128(6), 90)),
            (name("d"), (epoch, 2)),
        ]);
        let highest = [("a".to_owned(), epoch, 9), ("b".into(), epoch, 5), ("c".into(), epoch, 1)];
        let mut found = add_tails(&name("jkt"), vec![gap("a", 3)], &highest, &sent);
        found.sort_by(|a, b| a.seat.cmp(&b.seat));
        assert_eq!((found[0].missing, &found[0].ranges[..]), (6, &[(2, 4), (10, 12)][..]));
        assert_eq!((found[1].seat.as_str(), &found[1].ranges[..]), ("d", &[(1, 2)][..]));
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn a_request_never_exceeds_the_limit_of_a_seat() {
        let gap = Gap { ranges: vec![(5, 5), (10, u64::MAX)], ..gap("a", 1) };
        let requests: Vec<MissingRange> = gap.requests(MAX_RESEND).collect();
        assert_eq!(requests.iter().map(|r| (r.from, r.to)).collect::<Vec<_>>(), [(5, 5), (10, 1009)]);
    }
}
