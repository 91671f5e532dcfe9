//! Pulls a site's stream with a durable consumer. A request is read, written and acknowledged before more is requested, so that at
//! most one request is in memory.

use std::convert::Infallible;
use std::time::Duration;

use async_nats::jetstream::consumer::pull::{Batch as Pulled, Config};
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer};
use async_nats::jetstream::{self, Message};
use futures_util::StreamExt;
use penutup_cli_kit::diagnostics::shown_reason;

use super::{Shared, check};
use crate::database::write::Batch;
use crate::link::backoff;
use crate::log::Topic;
use crate::wire::name::Name;
use crate::wire::subject;

/// The consumer's name on every site's stream.
pub const DURABLE: &str = "archive";
/// The most closings of one request, of about 1 kB each and at most 66 kB: the server cuts off a connection that lets more than 16 MB
/// wait. No limit in bytes: at the end of a request that has one, a server of a cluster (since 2.11.2) says that the request is
/// complete before it sends the messages, which wait for the other servers, and the client library takes none that come after it.
pub const MAX_MESSAGES: usize = 100;
/// How long the server keeps a pull request open; after it the consumer is checked to still exist.
const PULL_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a batch waits for further messages after its first.
const BATCH_WAIT: Duration = Duration::from_millis(50);
/// When the server redelivers an unacknowledged message, as one that it handed to a connection through a failed server. Writing a
/// batch takes well under a second; one that is delivered again changes nothing.
const ACK_WAIT: Duration = Duration::from_secs(10);

/// Archives a site's closings until the program ends.
pub async fn run(mut shared: Shared, site: Name) {
    let mut attempt = 0;
    loop {
        let why = match pull(&mut shared, &site, &mut attempt).await {
            Ok(never) => match never {},
            Err(why) => shown_reason(&why),
        };
        let line = shared.log.words().archive.stream_failed(subject::closings(&site), &why);
        shared.log.report(Topic::Stream(site.clone()), line);
        attempt += 1;
        tokio::time::sleep(backoff(attempt)).await;
    }
}

async fn pull(shared: &mut Shared, site: &Name, attempt: &mut usize) -> Result<Infallible, async_nats::Error> {
    let context = jetstream::new(shared.client.clone());
    let config = Config {
        durable_name: Some(DURABLE.into()),
        deliver_policy: DeliverPolicy::All,
        // Not AckAll: it would acknowledge messages that got lost on the way here.
        ack_policy: AckPolicy::Explicit,
        ack_wait: ACK_WAIT,
        max_ack_pending: 20_000,
        ..Config::default()
    };
    let consumer: PullConsumer = context.create_consumer_on_stream(config, subject::closings(site)).await?;
    loop {
        shared.connects.mark_unchanged();
        let mut pulled = consumer.batch().max_messages(MAX_MESSAGES).expires(PULL_TIMEOUT).messages().await?;
        let mut is_first = true;
        loop {
            let next = tokio::select! {
                // A request that was sent over a lost connection is never answered.
                _ = shared.connects.changed() => break,
                next = pulled.next() => next,
            };
            let first = match next {
                Some(Ok(message)) => message,
                Some(Err(error)) => return Err(error),
                // A deleted consumer is silent as well.
                None if is_first => {
                    consumer.get_info().await?;
                    break;
                }
                None => break,
            };
            if is_first {
                (is_first, *attempt) = (false, 0);
                shared.log.clear(&Topic::Stream(site.clone()));
            }
            let (messages, end) = collect_batch(&mut pulled, first).await;
            let mut batch = Batch::default();
            for message in &messages {
                check::add(&mut batch, &message.subject, &message.payload);
            }
            shared.writer.lock().await.write(batch).await;
            for message in &messages {
                message.ack().await?;
            }
            end?;
        }
    }
}

/// The first message and those that follow closely, and the error that ended the request, if one did.
async fn collect_batch(pulled: &mut Pulled, first: Message) -> (Vec<Message>, Result<(), async_nats::Error>) {
    let mut out = vec![first];
    let end = tokio::time::Instant::now() + BATCH_WAIT;
    while out.len() < MAX_MESSAGES {
        match tokio::time::timeout_at(end, pulled.next()).await {
            Ok(Some(Ok(message))) => out.push(message),
            Ok(Some(Err(error))) => return (out, Err(error)),
            // The end of the request shows again at the next read.
            Ok(None) | Err(_) => break,
        }
    }
    (out, Ok(()))
}
