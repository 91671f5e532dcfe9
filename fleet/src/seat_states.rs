//! What the seats of a site last said of themselves, from `SEATS_<SITE>`: read once whole, then only what is new.

use std::collections::BTreeMap;
use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::consumer::pull::Config;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer};
use async_nats::jetstream::{self};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt;

use crate::wire::name::Name;
use crate::wire::refusal::Refused;
use crate::wire::seat::SeatState;
use crate::wire::subject;

/// The most states of one request.
const MOST: usize = 5_000;
/// How long the server keeps our place when we don't come back.
const KEPT: Duration = Duration::from_secs(30);
/// How long the stream keeps a state; what is older is gone there too.
const OLDEST: TimeDelta = TimeDelta::minutes(10);

/// A state, and when the server took it: the seats' own clocks are anybody's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// What it said.
    pub state: SeatState,
    /// When.
    pub at: DateTime<Utc>,
}

/// The seats of a site.
#[derive(Debug)]
pub struct Seats {
    site: Name,
    reader: Option<PullConsumer>,
    states: BTreeMap<Name, Known>,
    refused: Refused,
}

impl Seats {
    /// None is known yet.
    #[must_use]
    pub fn new(site: Name) -> Self {
        Self { site, reader: None, states: BTreeMap::new(), refused: Refused::default() }
    }

    /// The site.
    #[must_use]
    pub fn site(&self) -> &Name {
        &self.site
    }

    /// What they last said.
    pub fn states(&self) -> impl Iterator<Item = (&Name, &Known)> {
        self.states.iter()
    }

    /// What on the stream was no state.
    #[must_use]
    pub fn refused(&self) -> &Refused {
        &self.refused
    }

    /// Reads what is new.
    ///
    /// # Errors
    /// Why the stream can't be read; what was known stays.
    pub async fn refresh(&mut self, client: &Client) -> Result<(), async_nats::Error> {
        let reader = match self.reader.take() {
            Some(reader) => reader,
            None => self.begin(client).await?,
        };
        loop {
            let mut messages = reader.fetch().max_messages(MOST).messages().await?;
            let mut count = 0;
            while let Some(message) = messages.next().await {
                let message = message?;
                count += 1;
                let at = message.info()?.published;
                let at = DateTime::from_timestamp(at.unix_timestamp(), at.nanosecond()).unwrap_or_default();
                self.take(&message.subject, &message.payload, at);
            }
            if count < MOST {
                break;
            }
        }
        // Only a reader that answered is one to come back to.
        self.reader = Some(reader);
        let now = Utc::now();
        self.states.retain(|_, known| known.at + OLDEST > now);
        Ok(())
    }

    async fn begin(&mut self, client: &Client) -> Result<PullConsumer, async_nats::Error> {
        let config = Config {
            deliver_policy: DeliverPolicy::LastPerSubject,
            ack_policy: AckPolicy::None,
            filter_subject: format!("seat.{}.*", self.site),
            inactive_threshold: KEPT,
            memory_storage: true,
            ..Config::default()
        };
        let streams = jetstream::new(client.clone());
        Ok(streams.create_consumer_on_stream(config, subject::states(&self.site)).await?)
    }

    fn take(&mut self, subject: &str, bytes: &[u8], at: DateTime<Utc>) {
        let Some((site, seat)) = subject::site_and_seat(subject) else { return };
        if site != self.site {
            return;
        }
        match SeatState::read(bytes) {
            Ok(state) => {
                self.states.insert(seat, Known { state, at });
            }
            Err(why) => self.refused.count(why),
        }
    }
}
