//! The latest state of each seat of a site, from `SEATS_<SITE>`: the first refresh reads all, later ones what is new.

use std::collections::BTreeMap;
use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream;
use async_nats::jetstream::consumer::pull::Config;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer};
use chrono::{DateTime, TimeDelta, Utc};

use crate::link::next_fetched;
use crate::wire::name::Name;
use crate::wire::refusal::{Refusal, RefusalCounts};
use crate::wire::seat::SeatState;
use crate::wire::subject;

/// The most states of one request.
const MAX_MESSAGES: usize = 5_000;
/// When the server deletes the consumer of a client that does not come back.
const INACTIVE_THRESHOLD: Duration = Duration::from_secs(30);
/// How many consumers a refresh tries: a cluster has each on one of its servers, which can be one that has just failed.
const MAX_ATTEMPTS: usize = 3;
/// How long the stream keeps a state.
const MAX_AGE: TimeDelta = TimeDelta::minutes(10);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredState {
    pub state: SeatState,
    /// By the server's clock; a seat's own can be wrong.
    pub stored_at: DateTime<Utc>,
}

/// A clock that is off by more than this is named.
const MAX_SKEW: TimeDelta = TimeDelta::minutes(1);

impl StoredState {
    /// How many seconds the seat's clock is ahead of the server's (behind where negative), if that is more than a minute.
    pub fn wrong_clock(&self) -> Option<i64> {
        let ahead = self.state.at - self.stored_at;
        (ahead.abs() > MAX_SKEW).then_some(ahead.num_seconds())
    }
}

#[derive(Debug)]
pub struct SeatStates {
    site: Name,
    consumer: Option<PullConsumer>,
    states: BTreeMap<Name, StoredState>,
    other_versions: BTreeMap<Name, DateTime<Utc>>,
    refused: RefusalCounts,
}

impl SeatStates {
    pub fn new(site: Name) -> Self {
        let (states, other_versions) = (BTreeMap::new(), BTreeMap::new());
        Self { site, consumer: None, states, other_versions, refused: RefusalCounts::default() }
    }

    pub fn states(&self) -> impl Iterator<Item = (&Name, &StoredState)> {
        self.states.iter()
    }

    /// Seats whose latest state is of another schema, and when it was stored.
    pub fn other_versions(&self) -> &BTreeMap<Name, DateTime<Utc>> {
        &self.other_versions
    }

    /// Messages on the stream that are no valid state.
    pub fn refused(&self) -> &RefusalCounts {
        &self.refused
    }

    /// Reads what is new. After an error the states so far stay.
    pub async fn refresh(&mut self, client: &Client) -> Result<(), async_nats::Error> {
        for attempt in 1.. {
            let consumer = match self.consumer.take() {
                Some(consumer) => consumer,
                None => self.create_consumer(client).await?,
            };
            match self.read_new(&consumer).await {
                Ok(()) => {
                    self.consumer = Some(consumer);
                    break;
                }
                Err(error) if attempt == MAX_ATTEMPTS => return Err(error),
                Err(_) => {}
            }
        }
        let now = Utc::now();
        self.states.retain(|_, stored| stored.stored_at + MAX_AGE > now);
        self.other_versions.retain(|_, stored_at| *stored_at + MAX_AGE > now);
        Ok(())
    }

    async fn read_new(&mut self, consumer: &PullConsumer) -> Result<(), async_nats::Error> {
        loop {
            let mut messages = consumer.fetch().max_messages(MAX_MESSAGES).messages().await?;
            let mut count = 0;
            while let Some(message) = next_fetched(&mut messages).await? {
                count += 1;
                let at = message.info()?.published;
                let at = DateTime::from_timestamp(at.unix_timestamp(), at.nanosecond()).unwrap_or_default();
                self.store(&message.subject, &message.payload, at);
            }
            if count < MAX_MESSAGES {
                return Ok(());
            }
        }
    }

    async fn create_consumer(&mut self, client: &Client) -> Result<PullConsumer, async_nats::Error> {
        let config = Config {
            deliver_policy: DeliverPolicy::LastPerSubject,
            ack_policy: AckPolicy::None,
            filter_subject: subject::all_states(&self.site),
            inactive_threshold: INACTIVE_THRESHOLD,
            memory_storage: true,
            ..Config::default()
        };
        let context = jetstream::new(client.clone());
        Ok(context.create_consumer_on_stream(config, subject::states(&self.site)).await?)
    }

    fn store(&mut self, subject: &str, bytes: &[u8], stored_at: DateTime<Utc>) {
        let Some((site, seat)) = subject::parse_seat(subject) else { return };
        if site != self.site {
            return;
        }
        match SeatState::parse(bytes) {
            Ok(state) => {
                self.other_versions.remove(&seat);
                self.states.insert(seat, StoredState { state, stored_at });
            }
            Err(Refusal::OtherSchema) => {
                self.states.remove(&seat);
                self.other_versions.insert(seat, stored_at);
            }
            Err(why) => self.refused.add(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_wrong_from_more_than_a_minute_on() {
        let stored_at: DateTime<Utc> = "2026-11-24T08:00:00Z".parse().unwrap();
        for (ahead, wrong) in [(60, None), (-60, None), (61, Some(61)), (-61, Some(-61))] {
            let state = SeatState { at: stored_at + TimeDelta::seconds(ahead), ..SeatState::empty() };
            assert_eq!(StoredState { state, stored_at }.wrong_clock(), wrong, "{ahead}");
        }
    }
}
