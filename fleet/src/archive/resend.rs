//! What the archive asks of seats. Missing closings: numbers that never arrived, below a ledger's highest or at its end; a
//! seat gets a few requests at a time, and the less it answers, the fewer. A new ledger, where numbers were given twice. And
//! it tells a seat whose clock is wrong.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use async_nats::jetstream::{self, consumer::PullConsumer};
use chrono::{DateTime, Utc};
use penutup_cli_kit::diagnostics::shown_reason;
use tokio::time::sleep;
use uuid::Uuid;

use super::Shared;
use super::pull::DURABLE;
use crate::cli::eprint_line;
use crate::database::write::Batch;
use crate::database::{Gap, Highest};
use crate::log::Topic;
use crate::seat_states::{SeatStates, StoredState};
use crate::time::duration_text;
use crate::wire::closing::{Ask, MAX_RESEND};
use crate::wire::name::Name;
use crate::wire::subject;

/// How often seats are told that their clocks are wrong or right again, at least.
const CLOCKS_EVERY: Duration = Duration::from_secs(60);
/// The most seats of a site that get requests in one round.
const MAX_SEATS: usize = 200;
/// The most rounds between two requests to a seat: an hour, where a round takes a minute.
const MAX_ROUNDS_BETWEEN: u32 = 60;

/// A gap that is observed, and when it is requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ObservedGap {
    /// Fewer than in the previous round is progress.
    missing: u64,
    /// Rounds until the next request, and between the last two.
    wait: u32,
    between: u32,
}

/// A site as of the previous round.
#[derive(Debug, Default)]
struct Site {
    archived: u64,
    last_sequence: u64,
    gaps: HashMap<(Name, Uuid), ObservedGap>,
    /// Seats whose ledger seems to have gone back: the time of the state that said so, and the highest number that had arrived.
    gone_back: HashMap<(Name, Uuid), (DateTime<Utc>, u64)>,
}

impl Site {
    /// The gaps to request now. `archived` is the stream sequence up to which the database has everything. A closing is
    /// lost if it was missing in the previous round and still is, although everything in the stream at that time is now
    /// archived, or nothing more was: after an election the archive's consumer of nats-server 2.9.10 can wait for ever for
    /// messages that the new leader does not have.
    fn due(&mut self, gaps: Vec<Gap>, archived: u64, last_sequence: u64) -> Vec<Gap> {
        let is_settled =
            archived >= self.last_sequence || archived == self.archived || last_sequence < self.last_sequence;
        let mut known = std::mem::take(&mut self.gaps);
        let mut due = Vec::new();
        for gap in gaps {
            let ledger = (gap.seat.clone(), gap.epoch);
            let mut observed = match known.remove(&ledger) {
                Some(observed) if gap.missing >= observed.missing => observed,
                // A new gap, or one that shrinks: due soon, but not in its first round.
                _ => ObservedGap { missing: gap.missing, wait: 1, between: 1 },
            };
            if observed.wait == 0 && is_settled && due.len() < MAX_SEATS {
                observed.between = (observed.between * 2).min(MAX_ROUNDS_BETWEEN);
                observed.wait = observed.between;
                due.push(gap.clone());
            }
            observed.missing = gap.missing;
            observed.wait = observed.wait.saturating_sub(1);
            self.gaps.insert(ledger, observed);
        }
        (self.archived, self.last_sequence) = (archived, last_sequence);
        due
    }

    /// The ledgers that went back: with nothing left to send, the seat reports a lower number than what arrived, in two
    /// states, the later one also lower than what had arrived at the time of the earlier. One may have been sent before the
    /// seat recorded what the stream acknowledged, and a seat with calls all the time does so again and again.
    fn gone_back(&mut self, states: &BTreeMap<Name, StoredState>, highest: &[Highest]) -> Vec<(Name, Uuid)> {
        let mut known = std::mem::take(&mut self.gone_back);
        let mut out = Vec::new();
        for (seat, epoch, highest) in highest {
            let Some((seat, stored)) = states.iter().find(|(name, _)| name.as_str() == seat) else { continue };
            let state = &stored.state;
            if state.epoch != *epoch || state.unsent > 0 || state.sent >= *highest {
                continue;
            }
            let ledger = (seat.clone(), *epoch);
            let (first, arrived) = known
                .remove(&ledger)
                .filter(|(_, arrived)| state.sent < *arrived)
                .unwrap_or((stored.stored_at, *highest));
            if first < stored.stored_at {
                out.push(ledger.clone());
            }
            self.gone_back.insert(ledger, (first, arrived));
        }
        out
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
            round(&shared, site, known.entry(site.clone()).or_default()).await;
        }
    }
}

/// Tells seats about their clocks as long as the archive runs: also while the database does not answer.
pub async fn run_clocks(shared: Shared, sites: Vec<Name>, every: Duration) {
    loop {
        sleep(every.min(CLOCKS_EVERY)).await;
        for site in &sites {
            tell_clocks(&shared, site, &states(&shared, site).await).await;
        }
    }
}

async fn round(shared: &Shared, name: &Name, site: &mut Site) {
    // The seats' states are read first: what they send afterwards must not count as missing.
    let states = states(shared, name).await;
    let Ok((archived, last_sequence)) = stream_position(shared, name).await else { return };
    // An agent that reports no ledger has no newer one.
    let with_ledger = states.iter().filter(|(_, stored)| !stored.state.epoch.is_nil());
    let reported: Vec<_> = with_ledger.map(|(seat, s)| (seat.to_string(), s.state.epoch, s.stored_at)).collect();
    let Some(ledgers) = shared.writer.lock().await.ledgers(name, &reported).await else { return };
    let gone_back = site.gone_back(&states, &ledgers.highest);
    if !gone_back.is_empty() {
        shared.writer.lock().await.mark_doubled(name, &gone_back).await;
    }
    for (seat, epoch) in ledgers.to_renew.iter().chain(&gone_back) {
        if states.get(seat).is_some_and(|stored| stored.state.epoch == *epoch) {
            eprint_line(&shared.log.words().archive.renewed(seat, name));
            ask(shared, name, seat, Ask::Renew(*epoch)).await;
        }
    }
    let due = site.due(add_tails(name, ledgers.gaps, &ledgers.highest, &states), archived, last_sequence);
    for gap in &due {
        for resend in gap.requests(MAX_RESEND) {
            ask(shared, name, &gap.seat, Ask::Resend(resend)).await;
        }
    }
    if !due.is_empty() {
        let missing: u64 = due.iter().map(|gap| gap.missing).sum();
        eprint_line(&shared.log.words().archive.requested(missing, due.len(), name));
    }
}

/// A seat that is offline is asked again later.
async fn ask(shared: &Shared, site: &Name, seat: &Name, ask: Ask) {
    let _ = shared.client.publish(subject::ask(site, seat), ask.to_bytes().into()).await;
}

/// Tells the seats whose clock is wrong or no longer wrong, and the log.
async fn tell_clocks(shared: &Shared, site: &Name, states: &BTreeMap<Name, StoredState>) {
    let w = &shared.log.words().archive;
    for (seat, stored) in states {
        let topic = Topic::SeatClock(site.clone(), seat.clone());
        let Some(ahead) = stored.wrong_clock() else {
            shared.log.clear(&topic);
            if stored.state.told_clock.is_some() {
                ask(shared, site, seat, Ask::Clock(0)).await;
            }
            continue;
        };
        let by = duration_text(ahead, shared.log.lang());
        shared
            .log
            .report(topic, if ahead > 0 { w.clock_ahead(by, seat, site) } else { w.clock_behind(by, seat, site) });
        ask(shared, site, seat, Ask::Clock(ahead)).await;
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

/// What the seats report.
async fn states(shared: &Shared, site: &Name) -> BTreeMap<Name, StoredState> {
    let mut seats = SeatStates::new(site.clone());
    let topic = Topic::States(site.clone());
    // Without the states the gaps below the highest numbers are still found.
    match seats.refresh(&shared.client).await {
        Ok(()) => _ = shared.log.clear(&topic),
        Err(error) => {
            let why = shown_reason(&error);
            shared.log.report(topic, shared.log.words().archive.stream_failed(subject::states(site), &why));
        }
    }
    seats.states().map(|(seat, stored)| (seat.clone(), stored.clone())).collect()
}

/// The gaps, with what each seat sent beyond the highest number that arrived.
fn add_tails(site: &Name, mut gaps: Vec<Gap>, highest: &[Highest], states: &BTreeMap<Name, StoredState>) -> Vec<Gap> {
    let highest: HashMap<(&str, Uuid), u64> = highest.iter().map(|(seat, e, n)| ((seat.as_str(), *e), *n)).collect();
    for (seat, StoredState { state, .. }) in states {
        let (epoch, sent) = (state.epoch, state.sent);
        let arrived = highest.get(&(seat.as_str(), epoch)).copied().unwrap_or(0);
        if sent <= arrived {
            continue;
        }
        let (tail, missing) = ((arrived + 1, sent), sent - arrived);
        if let Some(gap) = gaps.iter_mut().find(|gap| gap.seat == *seat && gap.epoch == epoch) {
            gap.missing += missing;
            gap.ranges.push(tail);
        } else {
            gaps.push(Gap { site: site.clone(), seat: seat.clone(), epoch, missing, ranges: vec![tail] });
        }
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::closing::MissingRange;
    use crate::wire::seat::SeatState;
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
        assert_eq!(site.due(vec![gap("a", 3)], 2, 4), [], "not archived yet");
        assert_eq!(site.due(vec![gap("a", 3)], 4, 4).len(), 1);
        let mut stalled = Site::default();
        assert_eq!(stalled.due(vec![gap("a", 3)], 50, 100), []);
        assert_eq!(stalled.due(vec![gap("a", 3)], 50, 100).len(), 1, "nothing was read in a round");
    }

    fn stored(epoch: u128, sent: u64, at: i64) -> StoredState {
        let stored_at = DateTime::from_timestamp(at, 0).unwrap();
        let state = SeatState { epoch: Uuid::from_u128(epoch), sent, at: stored_at, ..SeatState::empty() };
        StoredState { state, stored_at }
    }

    #[test]
    fn a_seats_reported_count_reveals_closings_missing_at_its_end() {
        let states = BTreeMap::from([
            (name("a"), stored(7, 12, 0)),
            (name("b"), stored(7, 5, 0)),
            // Another ledger than the one that arrived, whatever its id says.
            (name("c"), stored(6, 90, 0)),
            (name("d"), stored(7, 2, 0)),
        ]);
        let epoch = Uuid::from_u128(7);
        let highest = [("a".to_owned(), epoch, 9), ("b".into(), epoch, 5), ("c".into(), epoch, 1)];
        let mut found = add_tails(&name("jkt"), vec![gap("a", 3)], &highest, &states);
        found.sort_by(|a, b| a.seat.cmp(&b.seat));
        assert_eq!((found[0].missing, &found[0].ranges[..]), (6, &[(2, 4), (10, 12)][..]));
        assert_eq!((found[1].seat.as_str(), &found[1].ranges[..]), ("c", &[(1, 90)][..]));
        assert_eq!((found[2].seat.as_str(), &found[2].ranges[..]), ("d", &[(1, 2)][..]));
        assert_eq!(found.len(), 3);
    }

    #[test]
    fn a_ledger_that_went_back_is_noticed_in_its_second_state() {
        let mut site = Site::default();
        let epoch = Uuid::from_u128(7);
        let highest = [("a".to_owned(), epoch, 9)];
        let mut round = |stored: StoredState| site.gone_back(&BTreeMap::from([(name("a"), stored)]), &highest);
        assert_eq!(round(stored(7, 5, 1)), []);
        assert_eq!(round(stored(7, 5, 1)), [], "the same state");
        assert_eq!(round(stored(7, 9, 2)), [], "it was only late");
        assert_eq!(round(stored(7, 5, 3)), []);
        assert_eq!(round(stored(8, 5, 4)), [], "another ledger");
        let mut busy = Site::default();
        let mut busy_round = |sent, at, highest| {
            let states = BTreeMap::from([(name("a"), stored(7, sent, at))]);
            busy.gone_back(&states, &[("a".to_owned(), epoch, highest)])
        };
        for n in 1..9 {
            assert_eq!(busy_round(n, n.cast_signed(), n + 1), [], "a call ended between its state and the reading");
        }
        let waiting = stored(7, 5, 6);
        let waiting = StoredState { state: SeatState { unsent: 4, ..waiting.state }, ..waiting };
        assert_eq!((round(stored(7, 5, 5)), round(waiting)), (vec![], vec![]), "it sends them again");
        assert_eq!((round(stored(7, 5, 7)), round(stored(7, 6, 8))), (vec![], vec![(name("a"), epoch)]));
    }

    #[test]
    fn a_request_never_exceeds_the_limit_of_a_seat() {
        let gap = Gap { ranges: vec![(5, 5), (10, u64::MAX)], ..gap("a", 1) };
        let requests: Vec<MissingRange> = gap.requests(MAX_RESEND).collect();
        assert_eq!(requests.iter().map(|r| (r.from, r.to)).collect::<Vec<_>>(), [(5, 5), (10, 1009)]);
    }
}
