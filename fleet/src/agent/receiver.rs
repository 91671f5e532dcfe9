//! Receives broadcasts: a plain subscription, and polls (a direct get of each key on connect and every half minute) for
//! what the subscription missed. After a reconnect the centre's beat mostly makes the poll unnecessary: it carries the newest
//! broadcasts, and says up to which there are no others. Nothing is verified here, the bytes go to a [`DeliveryHandler`].
//!
//! The newest message of a key need not be the one in force: somebody with a supervisor's connection key, but not the
//! signing key, can overwrite it with garbage or with an older broadcast. So where the newest does not settle it, a poll also
//! fetches what was written under the key since the previous poll, and the handler takes the newest valid one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::client::SubscribeError;
use async_nats::connection::State;
use async_nats::{Client, Event, Message};
use futures_util::StreamExt;
use futures_util::future::join_all;
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

use super::replica::{Receipt, SeatId};
use crate::beat::SILENCE;
use crate::broadcast_stream::{direct_get, get_last, get_next, stream_sequence, stream_time};
use crate::link::backoff;
use crate::wire::beat::Beat;
use crate::wire::envelope::StoredAt;
use crate::wire::key::Key;
use crate::wire::subject;

/// Between two polls, in milliseconds: a random value in this range.
const POLL_INTERVAL_MS: (u64, u64) = (24_000, 36_000);
/// The shortest time between two polls that are requested, in milliseconds: random, since all seats get a trust list at
/// once.
const MIN_POLL_PAUSE_MS: (u64, u64) = (1_000, 3_000);
/// The longest random time before a poll after a reconnect, where there is a beat: all seats may have lost their connections
/// together.
const MAX_POLL_DELAY: Duration = Duration::from_secs(5);
/// The most messages that are read below the newest of a key. The stream keeps 16.
const MAX_SUPERSEDED: usize = 64;

/// The stream sequence up to which each key was read.
type ReadUpTo = BTreeMap<Key, u64>;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkState {
    pub connected: bool,
    /// How often a connection was made.
    pub connects: u64,
}

/// Tracks the connection from the client's events.
#[derive(Clone, Debug, Default)]
pub struct LinkMonitor(Arc<watch::Sender<LinkState>>);

impl LinkMonitor {
    /// For [`crate::link::Link::connect_with_retry`].
    pub fn on_event(&self, event: &Event) {
        match event {
            Event::Connected => {
                self.0.send_modify(|link| *link = LinkState { connected: true, connects: link.connects + 1 });
            }
            Event::Disconnected | Event::Closed => self.0.send_modify(|link| link.connected = false),
            _ => {}
        }
    }

    /// Corrects the state from the client's own: an event can get lost in a flood of others.
    pub fn sync(&self, state: &State) {
        let connected = *state == State::Connected;
        if self.0.borrow().connected != connected {
            self.on_event(if connected { &Event::Connected } else { &Event::Disconnected });
        }
    }

    pub fn subscribe(&self) -> watch::Receiver<LinkState> {
        self.0.subscribe()
    }
}

#[derive(Clone, Debug)]
pub struct Delivery {
    /// `None` where the subject is that of no key.
    pub key: Option<Key>,
    pub message: Message,
    pub receipt: Receipt,
}

pub trait DeliveryHandler: Sync {
    /// A message of the subscription. Must not block.
    fn on_message(&self, delivery: Delivery);

    /// A poll's replies, which take effect together. May wait for room, which delays only polling.
    fn on_replies(&self, deliveries: Vec<Delivery>) -> impl Future<Output = ()> + Send;

    /// Whether the newest message of a key makes those below it irrelevant.
    fn settles(&self, key: &Key, newest: &Delivery) -> bool;

    /// The centre's beat arrived, or (`live` is false) the stream has one, so that more must come.
    fn on_beat(&self, live: bool);

    /// Whether there is a beat to wait for.
    fn expects_beat(&self) -> bool;

    /// A poll ended, or the beat made it unnecessary; `complete` where nothing is missing: every request was answered.
    fn on_poll(&self, complete: bool);
}

/// What the beats say of the stream, and what this seat has read of it.
#[derive(Clone, Copy, Debug, Default)]
struct Coverage {
    /// Live beats so far.
    beats: u64,
    /// What the last beat said: the newest broadcast's sequence, and the one after which that beat carried all.
    said: Option<(u64, u64)>,
    /// Everything up to this sequence was read.
    read_up_to: Option<u64>,
}

impl Coverage {
    /// Whether nothing is missing once what the last beat carried is delivered.
    fn is_complete(&self) -> bool {
        // In a stream that was restored from a copy, sequences mean others.
        matches!((self.said, self.read_up_to), (Some((newest, after)), Some(read)) if (after..=newest).contains(&read))
    }

    fn newest(&self) -> Option<u64> {
        self.said.map(|(newest, _)| newest)
    }
}

/// The receiving of one seat's broadcasts, by two tasks: [`Receiver::subscribe`] and [`Receiver::poll`].
#[derive(Debug)]
pub struct Receiver {
    client: Client,
    seat: SeatId,
    coverage: watch::Sender<Coverage>,
}

impl Receiver {
    pub fn new(client: Client, seat: SeatId) -> Self {
        Self { client, seat, coverage: watch::Sender::default() }
    }

    /// Receives the site's broadcasts as long as the client lives. The server sends those of other sites and regions as well;
    /// they are skipped here.
    pub async fn subscribe(&self, handler: &impl DeliveryHandler) -> Result<(), SubscribeError> {
        let site = &self.seat.site;
        let mut messages = self.client.subscribe(subject::all_broadcasts(site)).await?;
        let (beat, mut delivered) = (subject::received_beat(site), 0);
        while let Some(message) = messages.next().await {
            if *message.subject == *beat {
                self.receive_beat(&message, &mut delivered, handler);
                handler.on_beat(true);
                continue;
            }
            let key = subject::parse_broadcast(site, &message.subject);
            if key.as_ref().is_some_and(|key| !self.seat.keys().contains(key)) {
                continue;
            }
            handler.on_message(Delivery { key, message, receipt: Receipt::unsolicited() });
        }
        Ok(())
    }

    /// Delivers what a live beat carries, once each.
    fn receive_beat(&self, message: &Message, delivered: &mut u64, handler: &impl DeliveryHandler) {
        let beat = Beat::parse(&message.payload).ok();
        for recent in beat.iter().flat_map(|beat| &beat.recent) {
            let key = recent.key.parse().ok().filter(|key| self.seat.keys().contains(key));
            if recent.sequence <= *delivered || key.is_none() {
                continue;
            }
            let bytes = recent.message.get().as_bytes();
            let message = Message { payload: bytes.to_vec().into(), length: bytes.len(), ..message.clone() };
            // Mostly it was received when it was stored. Only the stream itself says when that was.
            let receipt = Receipt { is_superseded: true, ..Receipt::unsolicited() };
            handler.on_message(Delivery { key, message, receipt });
        }
        *delivered = beat.as_ref().map_or(*delivered, |beat| beat.newest);
        self.coverage.send_modify(|coverage| {
            coverage.beats += 1;
            coverage.said = beat.map(|beat| (beat.newest, beat.after));
        });
    }

    /// Makes sure on every connect that nothing is missing; polls every half minute, and when `poll_now` is notified.
    pub async fn poll(&self, mut link: watch::Receiver<LinkState>, poll_now: &Notify, handler: &impl DeliveryHandler) {
        let (mut failures, mut read, mut is_new_connection) = (0, ReadUpTo::new(), true);
        loop {
            if link.wait_for(|link| link.connected).await.is_err() {
                return;
            }
            link.mark_unchanged();
            let mut complete = false;
            if is_new_connection && handler.expects_beat() && self.coverage.borrow().read_up_to.is_some() {
                tokio::select! {
                    covered = self.next_beat_completes() => complete = covered,
                    changed = link.changed() => match changed {
                        Ok(()) => continue,
                        Err(_) => return,
                    },
                }
            }
            complete = complete || self.poll_once(&mut read, handler).await;
            is_new_connection = false;
            // A poll that failed with the connection says nothing about the centre.
            if link.borrow().connected {
                handler.on_poll(complete);
            }
            failures = if complete { 0 } else { failures + 1 };
            let interval = || Duration::from_millis(fastrand::u64(POLL_INTERVAL_MS.0..=POLL_INTERVAL_MS.1));
            let pause = if complete { interval() } else { backoff(failures) };
            let shortest = Duration::from_millis(fastrand::u64(MIN_POLL_PAUSE_MS.0..=MIN_POLL_PAUSE_MS.1));
            let next = async {
                tokio::select! {
                    () = sleep(pause) => return,
                    () = poll_now.notified() => {}
                }
                // After a flood or with a new trust list, what was read may be judged differently.
                read.clear();
                self.coverage.send_modify(|coverage| coverage.read_up_to = None);
                sleep(shortest).await;
            };
            tokio::select! {
                () = next => {}
                changed = link.changed() => match changed {
                    Ok(()) => is_new_connection = true,
                    Err(_) => return,
                },
            }
        }
    }

    /// Whether the next beat completes what this seat has. Otherwise waits for a random time, so that a poll can follow.
    async fn next_beat_completes(&self) -> bool {
        let (mut coverage, delay) = (self.coverage.subscribe(), MAX_POLL_DELAY.mul_f64(fastrand::f64()));
        let before = coverage.borrow().beats;
        let is_new = |coverage: &Coverage| coverage.beats > before;
        let next = async { coverage.wait_for(is_new).await.is_ok_and(|coverage| coverage.is_complete()) };
        let is_complete = timeout(SILENCE, next).await.unwrap_or(false);
        if is_complete {
            self.coverage.send_modify(|coverage| coverage.read_up_to = coverage.newest());
        } else {
            sleep(delay).await;
        }
        is_complete
    }

    /// Requests the newest message of each key and what was written below it since the previous poll. Returns whether every
    /// request was answered, if only with "there is none", and nothing is left to read.
    async fn poll_once(&self, read: &mut ReadUpTo, handler: &impl DeliveryHandler) -> bool {
        let client = &self.client;
        if (!handler.expects_beat() || self.coverage.borrow().said.is_none())
            && let Ok(Some(stored)) = direct_get(client, subject::direct_get_beat(), Vec::new()).await
        {
            let said = Beat::parse(&stored.payload).ok().map(|beat| (beat.newest, beat.after));
            self.coverage.send_modify(|coverage| coverage.said = said);
            handler.on_beat(false);
        }
        let newest_before = self.coverage.borrow().newest();
        let requested_at = Instant::now();
        let before = &*read;
        let replies = join_all(self.seat.keys().map(|key| async move {
            let Some(message) = get_last(client, &key).await.ok()? else { return Some((Vec::new(), None)) };
            let last = stream_sequence(&message);
            let receipt = Receipt {
                requested_at,
                received_at: Instant::now(),
                is_superseded: false,
                stored_at: stored_at(&message),
            };
            let newest = Delivery { key: Some(key.clone()), message, receipt };
            // A stream that was created anew counts from 1 again.
            let from = before.get(&key).filter(|read| Some(**read) <= last).map_or(1, |read| read + 1);
            let older = match last {
                Some(_) if handler.settles(&key, &newest) => Some(Vec::new()),
                Some(last) => superseded(client, &key, from, last, requested_at).await,
                None => None,
            };
            // Without the older ones the newest is delivered all the same, and the next poll reads them again.
            let read = last.filter(|_| older.is_some()).map(|last| (key, last));
            let mut deliveries = older.unwrap_or_default();
            deliveries.push(newest);
            Some((deliveries, read))
        }));
        let replies = replies.await;
        let is_read = |(of_key, read): &(Vec<Delivery>, Option<_>)| of_key.is_empty() || read.is_some();
        let complete = replies.iter().all(|reply| reply.as_ref().is_some_and(is_read));
        let mut deliveries = Vec::new();
        for (of_key, read_up_to) in replies.into_iter().flatten() {
            deliveries.extend(of_key);
            read.extend(read_up_to);
        }
        handler.on_replies(deliveries).await;
        if complete {
            self.coverage.send_modify(|coverage| coverage.read_up_to = newest_before);
        }
        complete
    }
}

/// What the stream says of a message that was requested from it.
fn stored_at(message: &Message) -> StoredAt {
    stream_time(message).map_or(StoredAt::Now, |at| StoredAt::Time(at.timestamp()))
}

/// The messages of a key from one sequence up to, but without, another, the oldest first; `None` where a request failed.
async fn superseded(client: &Client, key: &Key, from: u64, end: u64, requested_at: Instant) -> Option<Vec<Delivery>> {
    let (mut from, mut deliveries) = (from, Vec::new());
    while from < end && deliveries.len() < MAX_SUPERSEDED {
        let Some(message) = get_next(client, subject::DIRECT_GET, &subject::put(key), from).await.ok()? else { break };
        let sequence = stream_sequence(&message).filter(|sequence| *sequence >= from)?;
        if sequence >= end {
            break;
        }
        let receipt =
            Receipt { requested_at, received_at: Instant::now(), is_superseded: true, stored_at: stored_at(&message) };
        deliveries.push(Delivery { key: Some(key.clone()), message, receipt });
        from = sequence + 1;
    }
    Some(deliveries)
}
