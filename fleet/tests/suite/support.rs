//! Test fixtures: a provisioned fleet with its own nats-server and PostgreSQL, and waiting for conditions.

pub mod calls;
#[cfg(target_os = "linux")]
pub mod cluster;
#[cfg(target_os = "linux")]
pub mod debian;
pub mod fleet;
#[cfg(target_os = "linux")]
pub mod frozen_disk;
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
use std::path::Path;
use std::time::{Duration, Instant};

use async_nats::{Client, Message, Subscriber};
use futures_util::StreamExt;
use penutup_fleet::wire::key::Key;
use penutup_fleet::wire::subject;

pub use fleet::{FleetSpec, Identity, TestFleet};
pub use postgres::Postgres;
pub use test_seat::TestSeat;

/// The limit for every condition: far longer than even a loaded machine needs.
pub const TIMEOUT: Duration = Duration::from_secs(60);
pub(crate) const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Reports that the current test can't run here; a plain `cargo test` shows it.
pub fn report_skipped(why: &dyn Display) {
    let thread = std::thread::current();
    let _ = writeln!(std::io::stderr(), "SKIPPED {}: {why}", thread.name().unwrap_or("a test"));
}

/// Prints a measured time, shown with `--nocapture`. Nothing is asserted about it.
pub fn print_figure(what: &str, time: Duration) {
    let _ = writeln!(std::io::stderr(), "{what} {time:?}");
}

/// Prints a log, for a test that fails.
pub fn print_log(file: &Path) {
    let log = std::fs::read_to_string(file).unwrap_or_else(|error| error.to_string());
    let _ = writeln!(std::io::stderr(), "{}:\n{log}", file.display());
}

/// Waits until the closure returns a value.
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

/// Like [`wait_for`], while other tasks of this runtime go on.
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

/// Subscribes, and waits until the server processed the subscription: it answers a later request of the same
/// connection.
pub async fn listen(client: &Client, subject: impl Into<String>) -> Subscriber {
    let subscription = client.subscribe(subject.into()).await.expect("a subscription");
    let get = subject::direct_get(&Key::Rules);
    tokio::time::timeout(TIMEOUT, client.request(get, "".into())).await.expect("an answer").expect("an answer");
    subscription
}

/// The next message of a subscription.
pub async fn next(subscription: &mut Subscriber) -> Message {
    tokio::time::timeout(TIMEOUT, subscription.next()).await.expect("a message").expect("a subscription")
}
