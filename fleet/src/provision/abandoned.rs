//! Streams of sites that are no longer in the fleet's file: nobody reads them any more, and what was not archived expires in
//! them.

use async_nats::Client;
use async_nats::jetstream::{self, consumer, stream};
use futures_util::TryStreamExt;
use penutup_cli_kit::diagnostics::shown_reason;
use penutup_cli_kit::words::Lang;

use super::fleet::Fleet;
use crate::archive::DURABLE;
use crate::error::CliError;
use crate::wire::subject;
use crate::words::words;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Abandoned {
    pub stream: String,
    /// Closings that are not in the database.
    pub unread: u64,
}

/// The closings' streams on the server whose site is not in the fleet's file.
pub async fn find(client: Client, fleet: &Fleet, lang: Lang) -> Result<Vec<Abandoned>, CliError> {
    let context = jetstream::new(client);
    let failed = |stream: &str, why: &dyn std::fmt::Display| {
        CliError::new(words(lang).provision.stream_failed(stream, shown_reason(why)))
    };
    let own: Vec<String> = fleet.sites.iter().map(|site| subject::closings(&site.id)).collect();
    let names: Vec<String> = context.stream_names().try_collect().await.map_err(|error| failed("*", &error))?;
    let mut out = Vec::new();
    for name in names.into_iter().filter(|name| name.starts_with(subject::CLOSINGS_PREFIX) && !own.contains(name)) {
        let stream: stream::Stream = context.get_stream(&name).await.map_err(|error| failed(&name, &error))?;
        // Without a consumer the archive never read it.
        let unread = match stream.get_consumer::<consumer::pull::Config>(DURABLE).await {
            Ok(consumer) => consumer.cached_info().num_pending + consumer.cached_info().num_ack_pending as u64,
            Err(_) => stream.cached_info().state.messages,
        };
        out.push(Abandoned { stream: name, unread });
    }
    Ok(out)
}
