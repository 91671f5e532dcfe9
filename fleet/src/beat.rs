//! The centre's beat: a message under a key of its own in the broadcasts' stream, every two seconds. It takes the way of every
//! broadcast (stored by most servers of a cluster, republished, through the accounts), so that a seat that hears it would
//! have heard a declaration, too.

use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::{self};
use tokio::time::{MissedTickBehavior, interval};

use crate::wire::subject::{self, BROADCASTS};

pub const INTERVAL: Duration = Duration::from_secs(2);
/// A seat that hears no beat for so long is not current: three are missing.
pub const SILENCE: Duration = Duration::from_secs(6);
/// How long the stream may take to store one.
const ACK_TIMEOUT: Duration = Duration::from_secs(2);
/// After so many in a row another server is tried: this one may be cut off from the others. They last as long as most elections
/// of another leader, during which no server answers.
const MAX_UNANSWERED: u32 = 4;

/// Stores one beat.
pub async fn send(client: &Client) -> Result<(), PublishErrorKind> {
    let mut context = jetstream::new(client.clone());
    context.set_timeout(ACK_TIMEOUT);
    let message = PublishMessage::build().expected_stream(BROADCASTS);
    let sent = async { context.send_publish(subject::beat(), message).await?.await };
    sent.await.map(|_| ()).map_err(|error| error.kind())
}

/// Beats as long as the client lives. Seats notice what fails here.
pub async fn run(client: Client) {
    let (mut ticks, mut unanswered) = (interval(INTERVAL), 0);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        unanswered = match send(&client).await {
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
