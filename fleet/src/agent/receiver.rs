//! Receives broadcasts: a plain subscription, and polls (a direct get of each key on connect and every half minute) for
//! what the subscription missed. Nothing is verified here, the bytes go to a [`DeliveryHandler`].
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
use tokio::time::sleep;

use super::replica::{Receipt, SeatId};
use crate::broadcast_stream::{direct_get, get_last, get_next, stream_sequence, stream_time};
use crate::link::backoff;
use crate::wire::envelope::StoredAt;
use crate::wire::key::Key;
use crate::wire::subject;

/// Between two polls, in milliseconds: a random value in this range.
const POLL_INTERVAL_MS: (u64, u64) = (24_000, 36_000);
/// The shortest time between two polls that are requested, in milliseconds: random, since all seats get a trust list at
/// once.
const MIN_POLL_PAUSE_MS: (u64, u64) = (1_000, 3_000);
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

    /// A poll ended; `complete` where every request was answered.
    fn on_poll(&self, complete: bool);
}

/// Receives the site's broadcasts as long as the client lives. The server sends those of other sites and regions as well; they
/// are skipped here.
pub async fn subscribe(client: &Client, seat: &SeatId, handler: &impl DeliveryHandler) -> Result<(), SubscribeError> {
    let mut messages = client.subscribe(subject::all_broadcasts(&seat.site)).await?;
    let beat = subject::received_beat(&seat.site);
    while let Some(message) = messages.next().await {
        if *message.subject == *beat {
            handler.on_beat(true);
            continue;
        }
        let key = subject::parse_broadcast(&seat.site, &message.subject);
        if key.as_ref().is_some_and(|key| !seat.keys().contains(key)) {
            continue;
        }
        handler.on_message(Delivery { key, message, receipt: Receipt::unsolicited() });
    }
    Ok(())
}

/// Polls on every connect, every half minute, and when `poll_now` is notified.
pub async fn poll(
    client: &Client,
    seat: &SeatId,
    mut link: watch::Receiver<LinkState>,
    poll_now: &Notify,
    handler: &impl DeliveryHandler,
) {
    let (mut failures, mut read) = (0, ReadUpTo::new());
    loop {
        if link.wait_for(|link| link.connected).await.is_err() {
            return;
        }
        link.mark_unchanged();
        let complete = poll_once(client, seat, &mut read, handler).await;
        if !handler.expects_beat()
            && let Ok(Some(_)) = direct_get(client, subject::direct_get_beat(), Vec::new()).await
        {
            handler.on_beat(false);
        }
        // A poll that failed with the connection says nothing about the centre.
        if link.borrow().connected {
            handler.on_poll(complete);
        }
        failures = if complete { 0 } else { failures + 1 };
        let interval = || Duration::from_millis(fastrand::u64(POLL_INTERVAL_MS.0..=POLL_INTERVAL_MS.1));
        let pause = if complete { interval() } else { backoff(failures) };
        let shortest = Duration::from_millis(fastrand::u64(MIN_POLL_PAUSE_MS.0..=MIN_POLL_PAUSE_MS.1));
        tokio::select! {
            () = sleep(pause) => {}
            // After a flood or with a new trust list, what was read may be judged differently.
            () = async { tokio::join!(poll_now.notified(), sleep(shortest)); } => read.clear(),
            changed = link.changed() => if changed.is_err() { return },
        }
    }
}

/// Requests the newest message of each key and what was written below it since the previous poll. Returns whether every
/// request was answered, if only with "there is none".
async fn poll_once(client: &Client, seat: &SeatId, read: &mut ReadUpTo, handler: &impl DeliveryHandler) -> bool {
    let requested_at = Instant::now();
    let before = &*read;
    let replies = join_all(seat.keys().map(|key| async move {
        let Some(message) = get_last(client, &key).await.ok()? else { return Some((Vec::new(), None)) };
        let last = stream_sequence(&message);
        let receipt =
            Receipt { requested_at, received_at: Instant::now(), is_superseded: false, stored_at: stored_at(&message) };
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
    let complete = replies.iter().all(Option::is_some);
    let mut deliveries = Vec::new();
    for (of_key, read_up_to) in replies.into_iter().flatten() {
        deliveries.extend(of_key);
        read.extend(read_up_to);
    }
    handler.on_replies(deliveries).await;
    complete
}

/// What the stream says of a message that was requested from it.
fn stored_at(message: &Message) -> StoredAt {
    stream_time(message).map_or(StoredAt::Now, |at| StoredAt::Time(at.timestamp()))
}

/// The messages of a key from one sequence up to, but without, another, the oldest first; `None` where a request failed.
async fn superseded(client: &Client, key: &Key, from: u64, end: u64, requested_at: Instant) -> Option<Vec<Delivery>> {
    let (mut from, mut deliveries) = (from, Vec::new());
    while from < end && deliveries.len() < MAX_SUPERSEDED {
        let Some(message) = get_next(client, key, from).await.ok()? else { break };
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
