//! What is missing is asked for again: the numbers of a seat that never came, below its highest or at its end. A seat is
//! asked for a little at a time, and the less it answers the more seldom.

use std::collections::HashMap;
use std::time::Duration;

use async_nats::jetstream::{self, consumer::PullConsumer};
use uuid::Uuid;

use super::Shared;
use super::pull::DURABLE;
use super::writer::Ended;
use crate::cli::say;
use crate::database::Gap;
use crate::database::write::Batch;
use crate::seat_states::Seats;
use crate::wire::SCHEMA;
use crate::wire::closing::{Ask, MOST_AGAIN};
use crate::wire::name::Name;
use crate::wire::subject;
use crate::words::words;

/// The most seats of a site that are asked in one round.
const MOST_SEATS: usize = 200;
/// The most rounds between two askings of one seat: an hour's, where a round is a minute.
const SELDOM: u32 = 60;

/// What was asked of a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Asked {
    /// Which, and how many: less is progress.
    epoch: Uuid,
    missing: u64,
    /// How many rounds until the next time, and between the last two.
    wait: u32,
    between: u32,
}

/// A site as it was one round ago.
#[derive(Debug, Default)]
struct Site {
    /// The last message of the stream.
    last: u64,
    seats: HashMap<Name, Asked>,
}

impl Site {
    /// Which seats to ask for what now. `carried` is up to where the stream is in the database, `last` its end: what was
    /// missing a round ago and is missing still, though all that was in the stream then has arrived, is lost on the way.
    fn due(&mut self, gaps: Vec<Gap>, carried: u64, last: u64) -> Vec<Gap> {
        let is_settled = carried >= self.last || last < self.last;
        let mut known = std::mem::take(&mut self.seats);
        let mut due = Vec::new();
        for gap in gaps {
            let mut asked = match known.remove(&gap.seat) {
                Some(asked) if asked.epoch == gap.epoch && gap.missing >= asked.missing => asked,
                // A new gap, or one that is closing: soon, but not before it has stood for a round.
                _ => Asked { epoch: gap.epoch, missing: gap.missing, wait: 1, between: 1 },
            };
            if asked.wait == 0 && is_settled && due.len() < MOST_SEATS {
                asked.between = (asked.between * 2).min(SELDOM);
                asked.wait = asked.between;
                due.push(gap.clone());
            }
            asked.missing = gap.missing;
            asked.wait = asked.wait.saturating_sub(1);
            self.seats.insert(gap.seat, asked);
        }
        self.last = last;
        due
    }
}

/// Asks every so often, until the program ends.
pub async fn ask(mut shared: Shared, sites: Vec<Name>, every: Duration) {
    let w = &words(shared.lang).archive;
    let mut known: HashMap<Name, Site> = HashMap::new();
    // The tables are there and what is wrong with the database is said before the first closing comes.
    if shared.keeper.lock().await.write(Batch::default(), &mut shared.stop).await == Err(Ended) {
        return;
    }
    while shared.stop.wait(every).await {
        for site in &sites {
            // What they say comes first: what they send after that is not taken for missing.
            let sent = sent(&shared, site).await;
            let Ok((carried, last)) = place(&shared, site).await else { continue };
            let Some((gaps, highest)) = shared.keeper.lock().await.gaps(site).await else { continue };
            let gaps = with_ends(site, gaps, &highest, &sent);
            let due = known.entry(site.clone()).or_default().due(gaps, carried, last);
            for gap in &due {
                for resend in gap.asks(MOST_AGAIN) {
                    let ask = Ask { schema: SCHEMA, resend };
                    let bytes = serde_json::to_vec(&ask).unwrap_or_default();
                    // A seat that is away hears it another time.
                    let _ = shared.client.publish(subject::ask(&gap.site, &gap.seat), bytes.into()).await;
                }
            }
            if !due.is_empty() {
                let missing: u64 = due.iter().map(|gap| gap.missing).sum();
                say(&w.asked(missing, due.len(), site));
            }
        }
    }
}

/// Up to where a site's stream has been carried, and where it ends.
async fn place(shared: &Shared, site: &Name) -> Result<(u64, u64), async_nats::Error> {
    let streams = jetstream::new(shared.client.clone());
    let name = subject::closings(site);
    let consumer: PullConsumer = streams.get_consumer_from_stream(DURABLE, &name).await?;
    let carried = consumer.cached_info().ack_floor.stream_sequence;
    let is_at_the_end = consumer.cached_info().num_pending == 0 && consumer.cached_info().num_ack_pending == 0;
    let last = streams.get_stream(&name).await?.cached_info().state.last_sequence;
    Ok((if is_at_the_end { last } else { carried }, last))
}

/// What the seats say they have sent, by the ledger they send from.
async fn sent(shared: &Shared, site: &Name) -> HashMap<Name, (Uuid, u64)> {
    let mut seats = Seats::new(site.clone());
    // Without it the numbers below the highest are still asked for.
    let _ = seats.refresh(&shared.client).await;
    seats.states().map(|(seat, known)| (seat.clone(), (known.state.epoch, known.state.sent))).collect()
}

/// The gaps, and what a seat has sent beyond the highest that arrived.
fn with_ends(
    site: &Name,
    mut gaps: Vec<Gap>,
    highest: &[(String, Uuid, u64)],
    sent: &HashMap<Name, (Uuid, u64)>,
) -> Vec<Gap> {
    let highest: HashMap<&str, (Uuid, u64)> = highest.iter().map(|(seat, e, n)| (seat.as_str(), (*e, *n))).collect();
    for (seat, (epoch, sent)) in sent {
        let arrived = match highest.get(seat.as_str()) {
            Some((known, arrived)) if known == epoch => *arrived,
            // Another ledger than the newest here is newer, or of a seat that has gone back to an old one.
            Some((known, _)) if known > epoch => continue,
            _ => 0,
        };
        if *sent <= arrived {
            continue;
        }
        let end = (arrived + 1, *sent);
        let missing = sent - arrived;
        if let Some(gap) = gaps.iter_mut().find(|gap| gap.seat == *seat && gap.epoch == *epoch) {
            gap.missing += missing;
            gap.pieces.push(end);
        } else {
            gaps.retain(|gap| gap.seat != *seat);
            gaps.push(Gap {
                site: site.clone(),
                seat: seat.clone(),
                epoch: *epoch,
                highest: arrived,
                missing,
                pieces: vec![end],
            });
        }
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::closing::Missing;
    use crate::wire::testing::name;

    fn gap(seat: &str, missing: u64) -> Gap {
        let pieces = vec![(2, 1 + missing)];
        Gap { site: name("jkt"), seat: name(seat), epoch: Uuid::from_u128(7), highest: 9, missing, pieces }
    }

    #[test]
    fn a_gap_is_asked_for_once_it_has_stood_for_a_round_and_then_ever_more_seldom() {
        let mut site = Site::default();
        let mut rounds = Vec::new();
        for round in 0..20 {
            if !site.due(vec![gap("a", 3)], 100, 100).is_empty() {
                rounds.push(round);
            }
        }
        assert_eq!(rounds, [1, 3, 7, 15]);
        // It closes: soon again.
        assert_eq!(site.due(vec![gap("a", 2)], 100, 100), []);
        assert_eq!(site.due(vec![gap("a", 2)], 100, 100), [gap("a", 2)]);
    }

    #[test]
    fn what_may_still_be_in_the_stream_is_not_asked_for() {
        let mut site = Site::default();
        assert_eq!(site.due(vec![gap("a", 3)], 50, 100), []);
        assert_eq!(site.due(vec![gap("a", 3)], 99, 150), [], "the stream was at 100 a round ago");
        assert_eq!(site.due(vec![gap("a", 3)], 150, 200).len(), 1);
        assert_eq!(site.due(vec![], 200, 200), []);
        assert_eq!(site.due(vec![gap("a", 3)], 1, 3), [], "a new gap in a stream that was made anew");
        assert_eq!(site.due(vec![gap("a", 3)], 1, 4), [], "not carried yet");
        assert_eq!(site.due(vec![gap("a", 3)], 4, 4).len(), 1);
    }

    #[test]
    fn what_a_seat_says_it_sent_shows_what_is_missing_at_the_end() {
        let epoch = Uuid::from_u128(7);
        let sent = HashMap::from([
            (name("a"), (epoch, 12)),
            (name("b"), (epoch, 5)),
            (name("c"), (Uuid::from_u128(6), 90)),
            (name("d"), (epoch, 2)),
        ]);
        let highest = [("a".to_owned(), epoch, 9), ("b".into(), epoch, 5), ("c".into(), epoch, 1)];
        let mut found = with_ends(&name("jkt"), vec![gap("a", 3)], &highest, &sent);
        found.sort_by(|a, b| a.seat.cmp(&b.seat));
        assert_eq!((found[0].missing, &found[0].pieces[..]), (6, &[(2, 4), (10, 12)][..]));
        assert_eq!((found[1].seat.as_str(), &found[1].pieces[..]), ("d", &[(1, 2)][..]));
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn no_asking_is_longer_than_a_seat_takes() {
        let gap = Gap { pieces: vec![(5, 5), (10, u64::MAX)], ..gap("a", 1) };
        let asks: Vec<Missing> = gap.asks(MOST_AGAIN).collect();
        assert_eq!(asks.iter().map(|ask| (ask.from, ask.to)).collect::<Vec<_>>(), [(5, 5), (10, 1009)]);
    }
}
