//! The centre's beat: a message under a key of its own in the broadcasts' stream, every two seconds. It takes the way of every
//! broadcast (stored by most servers of a cluster, republished, through the accounts), so that a seat that receives it would
//! have received a declaration, too.
//!
//! It says which broadcast is the newest and carries those of the last minute. After a restart of the server thousands of seats
//! connect within seconds. Each request of theirs crosses accounts, for which the server takes locks of the account: with
//! five requests a seat, 10,000 seats kept it from answering any for up to a minute.

use std::collections::VecDeque;
use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::{self};
use serde_json::value::RawValue;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use crate::broadcast_stream::{GetError, get_newest, get_next, stream_sequence, stream_subject};
use crate::wire::SCHEMA;
use crate::wire::beat::{Beat, MAX_CARRIED, RecentBroadcast};
use crate::wire::subject::{self, BROADCAST_PREFIX, BROADCASTS};

pub const INTERVAL: Duration = Duration::from_secs(2);
/// A seat that receives no beat for so long is not current: three are missing.
pub const SILENCE: Duration = Duration::from_secs(6);
/// How long the stream may take to store one, and to say what it has.
const REPLY_TIMEOUT: Duration = Duration::from_secs(2);
/// After so many in a row another server is tried: this one may be cut off from the others. They last as long as most elections
/// of another leader, during which no server answers.
const MAX_UNANSWERED: u32 = 4;
/// How long a beat carries a broadcast: longer than a seat takes between two polls, so that one that was polling before
/// it lost its connection finds all that it lacks in the beat.
const CARRIED_FOR: Duration = Duration::from_secs(60);
/// In bytes, around a broadcast that a beat carries: names of fields, a sequence, marks.
const AROUND: usize = 64;
/// The most broadcasts that are read for one beat.
const MAX_READ: usize = 16;

/// The newest broadcasts of the stream.
#[derive(Debug, Default)]
struct Recent {
    /// `None` before the first reading.
    newest: Option<u64>,
    /// All after this sequence are in `broadcasts`.
    after: u64,
    broadcasts: VecDeque<Carried>,
}

#[derive(Debug)]
struct Carried {
    read_at: Instant,
    sequence: u64,
    key: String,
    message: Box<RawValue>,
}

impl Carried {
    /// In bytes.
    fn size(&self) -> usize {
        self.key.len() + self.message.get().len() + AROUND
    }
}

impl Recent {
    /// Reads what was stored since the last time.
    async fn refresh(&mut self, client: &Client) -> Result<(), GetError> {
        let all = subject::all_keys();
        let newest =
            get_newest(client, subject::DIRECT_GET, &all).await?.as_ref().and_then(stream_sequence).unwrap_or(0);
        // At the start, and in a stream that was restored from a copy, nothing is known of what is below.
        let start = Self { newest: Some(newest), after: newest, broadcasts: VecDeque::new() };
        if self.newest.is_none_or(|known| known > newest) {
            *self = start;
            return Ok(());
        }
        let mut reads = 0;
        while let Some(known) = self.newest.filter(|known| *known < newest) {
            let next = get_next(client, subject::DIRECT_GET, &all, known + 1).await?;
            let sequence = next.as_ref().and_then(stream_sequence).filter(|sequence| *sequence > known);
            let (Some(message), Some(sequence)) = (next, sequence) else {
                *self = start;
                return Ok(());
            };
            reads += 1;
            self.newest = Some(sequence);
            match carried(&message, sequence) {
                Some(carried) if reads <= MAX_READ => self.broadcasts.push_back(carried),
                _ => self.drop_up_to(sequence),
            }
        }
        Ok(())
    }

    /// Carries nothing up to this sequence any more.
    fn drop_up_to(&mut self, sequence: u64) {
        self.after = sequence;
        self.broadcasts.retain(|carried| carried.sequence > sequence);
    }

    /// Drops what was carried for long enough, and the oldest of too much.
    fn trim(&mut self, now: Instant) {
        let mut size: usize = self.broadcasts.iter().map(Carried::size).sum();
        while let Some(first) = self.broadcasts.front()
            && (now.saturating_duration_since(first.read_at) >= CARRIED_FOR || size > MAX_CARRIED)
        {
            size -= first.size();
            self.drop_up_to(first.sequence);
        }
    }

    fn beat(&self) -> Beat<'_> {
        let recent = self.broadcasts.iter().map(|Carried { sequence, key, message, .. }| RecentBroadcast {
            sequence: *sequence,
            key,
            message,
        });
        Beat { schema: SCHEMA, newest: self.newest.unwrap_or(0), after: self.after, recent: recent.collect() }
    }
}

/// `None` for what is too large, and for what can't be a broadcast.
fn carried(message: &async_nats::Message, sequence: u64) -> Option<Carried> {
    if message.payload.len() > MAX_CARRIED {
        return None;
    }
    let key = stream_subject(message)?.strip_prefix(BROADCAST_PREFIX)?.to_owned();
    let message = serde_json::from_slice(&message.payload).ok()?;
    Some(Carried { read_at: Instant::now(), sequence, key, message })
}

/// Stores one beat.
async fn send(client: &Client, payload: Vec<u8>) -> Result<(), PublishErrorKind> {
    let mut context = jetstream::new(client.clone());
    context.set_timeout(REPLY_TIMEOUT);
    let message = PublishMessage::build().payload(payload.into()).expected_stream(BROADCASTS);
    let sent = async { context.send_publish(subject::beat(), message).await?.await };
    sent.await.map(|_| ()).map_err(|error| error.kind())
}

/// Beats as long as the client lives, and at once after each of its connects. Seats notice what fails here.
pub async fn run(client: Client, mut connects: watch::Receiver<u64>) {
    let (mut ticks, mut unanswered, mut recent) = (interval(INTERVAL), 0, Recent::default());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            Ok(()) = connects.changed() => ticks.reset(),
        }
        // One that could not be read says nothing of the stream: seats ask themselves. While nothing answers it is not read at
        // all, so that a server that is cut off is left in time.
        let is_read = unanswered == 0 && matches!(timeout(REPLY_TIMEOUT, recent.refresh(&client)).await, Ok(Ok(())));
        recent.trim(Instant::now());
        let payload = if is_read { recent.beat().to_bytes() } else { Vec::new() };
        unanswered = match send(&client, payload).await {
            Err(PublishErrorKind::TimedOut) => unanswered + 1,
            _ => 0,
        };
        if unanswered >= MAX_UNANSWERED {
            unanswered = 0;
            // It fails only once the client has ended.
            let _ = client.force_reconnect().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carried(sequence: u64, size: usize, read_at: Instant) -> Carried {
        let message = RawValue::from_string(format!("\"{}\"", "x".repeat(size - 2))).unwrap();
        Carried { read_at, sequence, key: "klb.center".to_owned(), message }
    }

    #[test]
    fn a_beat_says_after_which_broadcast_it_carries_all_and_stays_small() {
        let now = Instant::now();
        let mut recent = Recent { newest: Some(9), after: 4, broadcasts: VecDeque::new() };
        for (sequence, size) in [(5, 100), (7, MAX_CARRIED - 400), (9, 100)] {
            recent.broadcasts.push_back(carried(sequence, size, now));
        }
        recent.trim(now);
        let sequences = |recent: &Recent| recent.beat().recent.iter().map(|one| one.sequence).collect::<Vec<_>>();
        assert_eq!((recent.after, sequences(&recent)), (5, vec![7, 9]));
        let bytes = recent.beat().to_bytes();
        assert_eq!(Beat::parse(&bytes).unwrap().after, 5);
        recent.trim(now + CARRIED_FOR);
        assert_eq!((recent.after, sequences(&recent)), (9, vec![]));
    }
}
