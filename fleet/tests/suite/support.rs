//! The stage: a provisioned fleet with a nats-server of its own, a PostgreSQL of its own, and patience for conditions.

pub mod calls;
pub mod fleet;
pub mod machine;
pub mod nats;
pub mod postgres;
pub mod process;
pub mod program;
pub mod raw;
pub mod relay;
#[cfg(unix)]
pub mod screen;
pub mod test_seat;

use std::fmt::Display;
use std::io::Write;
use std::time::{Duration, Instant};

use async_nats::{Client, Message, Subscriber};
use futures_util::StreamExt;
use penutup_fleet::wire::key::Key;
use penutup_fleet::wire::subject;

pub use fleet::{FleetSpec, Identity, TestFleet};
pub use postgres::Postgres;
pub use test_seat::TestSeat;

/// How long a condition may take: far longer than it ever does, for a machine that does much else.
pub const TIMEOUT: Duration = Duration::from_secs(60);
/// How often it is looked at.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Says that the present test can't run here, where a plain `cargo test` shows it.
pub fn report_skipped(why: &dyn Display) {
    let thread = std::thread::current();
    let _ = writeln!(std::io::stderr(), "SKIPPED {}: {why}", thread.name().unwrap_or("a test"));
}

/// Tells how long something took, for whoever runs the tests with `--nocapture`. Nothing is asserted of it.
pub fn print_figure(what: &str, time: Duration) {
    let _ = writeln!(std::io::stderr(), "{what} {time:?}");
}

/// Waits until there is an answer.
///
/// # Panics
/// Where none comes.
#[track_caller]
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < TIMEOUT, "waited in vain for {what}");
        std::thread::sleep(POLL_INTERVAL);
    }
}

/// Waits until there is an answer, while everything else on this runtime goes on.
///
/// # Panics
/// Where none comes.
pub async fn wait_until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(start.elapsed() < TIMEOUT, "waited in vain for {what}");
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Subscribes, and returns when the server knows of it: it has answered what the same connection asked after that.
///
/// # Panics
/// Where it doesn't.
pub async fn listen(client: &Client, subject: impl Into<String>) -> Subscriber {
    let heard = client.subscribe(subject.into()).await.expect("a subscription");
    let get = subject::direct_get(&Key::Rules);
    tokio::time::timeout(TIMEOUT, client.request(get, "".into())).await.expect("an answer").expect("an answer");
    heard
}

/// The next that is heard.
///
/// # Panics
/// Where nothing comes.
pub async fn next(heard: &mut Subscriber) -> Message {
    tokio::time::timeout(TIMEOUT, heard.next()).await.expect("a message").expect("a subscription")
}
