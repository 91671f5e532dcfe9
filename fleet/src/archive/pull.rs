//! A site's stream, pulled by a durable consumer: a batch is read, written, acknowledged, and only then is more asked for,
//! so that no more than a batch is ever in memory.

use std::time::Duration;

use async_nats::jetstream::consumer::pull::{Batch as Pulled, Config};
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer};
use async_nats::jetstream::{self, Message};
use chrono::Utc;
use futures_util::StreamExt;
use penutup::diagnostics::shown;

use super::keeper::Ended;
use super::{Shared, check};
use crate::cli::say;
use crate::database::write::Batch;
use crate::link::back_off;
use crate::wire::name::Name;
use crate::wire::subject;
use crate::words::words;

/// The consumer's name on every site's stream.
pub const DURABLE: &str = "archive";
/// The most messages of a batch, and the most bytes.
const MOST: usize = 1_000;
const MOST_BYTES: usize = 4 << 20;
/// How long the server holds a request for more when there is nothing; then it is asked whether the stream is still there.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a batch waits for company once it has begun.
const COMPANY: Duration = Duration::from_millis(50);
/// After how long the server sends again what was not acknowledged.
const AGAIN: Duration = Duration::from_secs(30);

/// Carries a site's closings until the program ends.
pub async fn site(mut shared: Shared, site: Name) {
    let w = &words(shared.lang).archive;
    let mut attempt = 0;
    let mut said = None;
    loop {
        let why = match carry(&mut shared, &site, &mut attempt).await {
            Ok(Ended) => return,
            Err(why) => shown(&why.to_string()),
        };
        if said.as_ref() != Some(&why) {
            say(&w.no_stream(subject::closings(&site), &why));
            said = Some(why);
        }
        attempt += 1;
        if !shared.stop.wait(back_off(attempt)).await {
            return;
        }
    }
}

async fn carry(shared: &mut Shared, site: &Name, attempt: &mut usize) -> Result<Ended, async_nats::Error> {
    let streams = jetstream::new(shared.client.clone());
    let config = Config {
        durable_name: Some(DURABLE.into()),
        deliver_policy: DeliverPolicy::All,
        // Each by itself: with "all before it too" a message that was lost on the way would be taken for written.
        ack_policy: AckPolicy::Explicit,
        ack_wait: AGAIN,
        max_ack_pending: 20_000,
        ..Config::default()
    };
    let consumer: PullConsumer = streams.create_consumer_on_stream(config, subject::closings(site)).await?;
    loop {
        shared.links.mark_unchanged();
        let mut pulled = consumer.batch().max_messages(MOST).max_bytes(MOST_BYTES).expires(PATIENCE).messages().await?;
        let mut is_first = true;
        loop {
            let first = tokio::select! {
                () = shared.stop.told() => return Ok(Ended),
                // What was asked for on a link that is gone does not come.
                _ = shared.links.changed() => break,
                first = pulled.next() => first,
            };
            let first = match first {
                Some(Ok(message)) => message,
                // The server ends a request at its bytes too; only one that brought nothing at all is a trouble.
                Some(Err(error)) if is_first => return Err(error),
                // A consumer that is gone is silent too.
                None if is_first => {
                    consumer.get_info().await?;
                    break;
                }
                _ => break,
            };
            is_first = false;
            *attempt = 0;
            let messages = company(&mut pulled, first).await;
            let mut batch = Batch::default();
            for message in &messages {
                check::sort(&mut batch, &message.subject, &message.payload, Utc::now());
            }
            let mut stop = shared.stop.clone();
            if shared.keeper.lock().await.write(batch, &mut stop).await == Err(Ended) {
                return Ok(Ended);
            }
            for message in &messages {
                message.ack().await?;
            }
        }
    }
}

/// What comes close behind the first.
async fn company(pulled: &mut Pulled, first: Message) -> Vec<Message> {
    let mut out = vec![first];
    let end = tokio::time::Instant::now() + COMPANY;
    while out.len() < MOST {
        match tokio::time::timeout_at(end, pulled.next()).await {
            Ok(Some(Ok(message))) => out.push(message),
            // The end of the request is found again by whoever reads on.
            _ => break,
        }
    }
    out
}
