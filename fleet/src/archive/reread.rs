//! `archive --reread`: writes everything that the streams still have, whether it was archived or not. What the database has
//! changes nothing, so that a lost part of it comes back and no more.

use std::time::Duration;

use async_nats::jetstream::consumer::pull::Config;
use async_nats::jetstream::consumer::{AckPolicy, PullConsumer};
use async_nats::{Client, jetstream};

use super::check;
use super::pull::MAX_MESSAGES;
use super::writer::Writer;
use crate::database::write::Batch;
use crate::link::next_fetched;
use crate::wire::name::Name;
use crate::wire::subject;

/// When the server deletes the consumer, where this program ends before it.
const INACTIVE_THRESHOLD: Duration = Duration::from_secs(60);

/// Reads a site's stream from its beginning to where it ends now. Returns how many messages there were.
pub async fn run(client: &Client, site: &Name, writer: &mut Writer) -> Result<u64, async_nats::Error> {
    let stream = jetstream::new(client.clone()).get_stream(subject::closings(site)).await?;
    // Without acknowledgements: the archive's own consumer is not touched.
    let config = Config {
        ack_policy: AckPolicy::None,
        inactive_threshold: INACTIVE_THRESHOLD,
        memory_storage: true,
        ..Config::default()
    };
    let consumer: PullConsumer = stream.create_consumer(config).await?;
    let mut all = 0;
    loop {
        let mut messages = consumer.fetch().max_messages(MAX_MESSAGES).messages().await?;
        let (mut batch, mut count) = (Batch::default(), 0);
        while let Some(message) = next_fetched(&mut messages).await? {
            check::add(&mut batch, &message.subject, &message.payload);
            count += 1;
        }
        if count == 0 {
            return Ok(all);
        }
        writer.write(batch).await;
        all += count;
    }
}
