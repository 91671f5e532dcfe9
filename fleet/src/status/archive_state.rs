//! What the archive has yet to read of a site's stream, from what the server says of its consumer. The status key may not
//! read closings, so the times are the server's: when it last heard the archive, and the stream's first message.

use std::time::Duration;

use async_nats::Client;
use async_nats::datetime::DateTime as ServerTime;
use async_nats::jetstream::{self, context::ConsumerInfoErrorKind};
use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::sleep;

use crate::archive::DURABLE;
use crate::wire::name::Name;
use crate::wire::subject;

/// An archive that has closings in hand and acknowledged one within this time is at work, even while it requests none.
const AT_WORK: TimeDelta = TimeDelta::seconds(30);
/// Between two requests of the archive there is a moment without one: it is looked at again after this.
const LOOK_AGAIN: Duration = Duration::from_millis(300);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveState {
    /// Closings in the stream that are not archived.
    pub waiting: u64,
    /// When the oldest of them was stored, where the server tells.
    pub oldest: Option<DateTime<Utc>>,
    /// Whether the archive reads the stream now.
    pub is_reading: bool,
    /// When it last acknowledged a closing; `None`: never since the server's start.
    pub heard: Option<DateTime<Utc>>,
}

impl ArchiveState {
    /// Whether somebody must look after it. An archive that reads nothing while nothing waits is one only where there
    /// should be an archive.
    pub fn is_trouble(&self, has_database: bool) -> bool {
        !self.is_reading && (self.waiting > 0 || has_database)
    }

    pub async fn read(client: &Client, site: &Name) -> Result<Self, async_nats::Error> {
        let state = Self::read_once(client, site).await?;
        if state.is_reading {
            return Ok(state);
        }
        sleep(LOOK_AGAIN).await;
        Self::read_once(client, site).await
    }

    async fn read_once(client: &Client, site: &Name) -> Result<Self, async_nats::Error> {
        let stream = jetstream::new(client.clone()).get_stream(subject::closings(site)).await?;
        let stored = &stream.cached_info().state;
        let time = |at: ServerTime| DateTime::from_timestamp(at.unix_timestamp(), at.nanosecond());
        let first = || time(stored.first_timestamp).filter(|_| stored.messages > 0);
        let info = match stream.consumer_info(DURABLE).await {
            Ok(info) => info,
            Err(error) if error.kind() == ConsumerInfoErrorKind::NotFound => {
                return Ok(Self { waiting: stored.messages, oldest: first(), is_reading: false, heard: None });
            }
            Err(error) => return Err(error.into()),
        };
        let waiting = info.num_pending + info.num_ack_pending as u64;
        let heard = info.ack_floor.last_active.and_then(time);
        let is_oldest_first = info.ack_floor.stream_sequence < stored.first_sequence;
        let is_at_work = info.num_ack_pending > 0 && heard.is_some_and(|heard| Utc::now() - heard < AT_WORK);
        Ok(Self {
            waiting,
            oldest: first().filter(|_| waiting > 0 && is_oldest_first),
            is_reading: info.num_waiting > 0 || is_at_work,
            heard,
        })
    }
}
