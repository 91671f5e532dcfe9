//! `penutup-fleet archive`: writes the closings of every site's stream into the database. Each message is acknowledged
//! once its transaction is committed; a message that is delivered twice changes nothing.
//!
//! ```text
//! CLOSINGS_<SITE> ─► pull (a task a site) ─► check ─► writer (one transaction a batch) ─► acknowledge
//!                                  seat table ─► resend ─► ask.<site>.<seat>
//! ```

pub mod check;
mod pull;
mod resend;
mod writer;

pub use pull::DURABLE;

use std::sync::Arc;
use std::time::Duration;

use async_nats::Event;
use clap::Args;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;

use crate::cli::{Common, eprint_line, shutdown_signal};
use crate::config::center::Center;
use crate::database::Connector;
use crate::error::{CliError, ExitStatus};
use crate::log::Log;

/// `penutup-fleet archive`.
#[derive(Debug, Args)]
pub struct Archive {
    /// How often missing closings are searched for, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub ask_every: u64,
}

/// What every task needs.
#[derive(Clone, Debug)]
struct Shared {
    writer: Arc<Mutex<writer::Writer>>,
    client: async_nats::Client,
    /// How often a connection was made.
    connects: watch::Receiver<u64>,
    stop: StopSignal,
    log: Log,
}

#[derive(Clone, Debug)]
struct StopSignal(watch::Receiver<bool>);

impl StopSignal {
    /// Completes when shutdown begins.
    async fn stopped(&mut self) {
        // A dropped sender means the same.
        let _ = self.0.wait_for(|stop| *stop).await;
    }

    /// Sleeps for this time or until shutdown begins. Returns `false` on shutdown.
    async fn sleep(&mut self, duration: Duration) -> bool {
        tokio::select! {
            () = self.stopped() => false,
            () = tokio::time::sleep(duration) => true,
        }
    }
}

/// Runs until a signal. A server or database that is down is retried.
pub async fn run(archive: &Archive, common: &Common) -> Result<ExitStatus, CliError> {
    let log = Log::new(common.lang());
    let center = Center::read(&common.config("center.toml")?, log.lang())?;
    let connector = Connector::new(&center, log.lang())?;
    let w = &log.words().archive;
    if center.sites.is_empty() {
        return Err(CliError::new(w.no_site));
    }
    let (connected, connects) = watch::channel(0_u64);
    let (stop_now, stop) = watch::channel(false);
    let on_event = move |event| match event {
        Event::Connected => {
            connected.send_modify(|connects| *connects += 1);
            eprint_line(w.linked);
        }
        Event::Disconnected => eprint_line(w.unlinked),
        _ => {}
    };
    let client = center.link.connect_with_retry(log.lang(), on_event).await?;
    let writer = Arc::new(Mutex::new(writer::Writer::new(connector, log.clone())));
    let shared = Shared { writer, client: client.clone(), connects, stop: StopSignal(stop), log };
    let mut tasks = JoinSet::new();
    for site in &center.sites {
        tasks.spawn(pull::run(shared.clone(), site.id.clone()));
    }
    let every = Duration::from_secs(archive.ask_every);
    let sites: Vec<_> = center.sites.iter().map(|site| site.id.clone()).collect();
    tasks.spawn(resend::run(shared, sites, every));
    tokio::select! {
        () = shutdown_signal() => {}
        // Tasks end only when stopped. A panic ends the program, for the service manager to restart it.
        Some(Err(broken)) = tasks.join_next() => {
            return Err(CliError::new(w.task_failed(broken)));
        }
    }
    stop_now.send_replace(true);
    while tasks.join_next().await.is_some() {}
    // Acknowledgements that get lost here only cause harmless redeliveries.
    let _ = tokio::time::timeout(Duration::from_secs(2), client.flush()).await;
    Ok(ExitStatus::Done)
}
