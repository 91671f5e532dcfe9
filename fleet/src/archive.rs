//! `penutup-fleet archive`: writes the closings of every site's stream into the database. Each message is acknowledged
//! once its transaction is committed; a message that is delivered twice changes nothing.
//!
//! ```text
//! CLOSINGS_<SITE> ─► pull (a task a site) ─► check ─► writer (one transaction a batch) ─► acknowledge
//!                                  seat table ─► resend ─► ask.<site>.<seat>
//! ```

mod audit;
pub mod check;
mod pull;
mod reread;
mod resend;
mod upkeep;
mod writer;

pub use pull::DURABLE;

use std::sync::Arc;
use std::time::Duration;

use async_nats::Event;
use clap::Args;
use penutup_cli_kit::diagnostics::shown_reason;
use tokio::sync::{Mutex, Notify, watch};
use tokio::task::JoinSet;

use crate::beat;
use crate::broadcast_stream::BroadcastStream;
use crate::cli::{Common, eprint_line, print, shutdown_signal};
use crate::config::center::Center;
use crate::database::Connector;
use crate::error::{CliError, ExitStatus};
use crate::log::Log;
use crate::wire::subject;

/// `penutup-fleet archive`.
#[derive(Debug, Args)]
pub struct Archive {
    /// How often missing closings are searched for, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub ask_every: u64,
    /// Write everything that the streams still have once more, and end.
    #[arg(long)]
    pub reread: bool,
}

/// What every task needs.
#[derive(Clone, Debug)]
struct Shared {
    writer: Arc<Mutex<writer::Writer>>,
    client: async_nats::Client,
    /// How often a connection was made.
    connects: watch::Receiver<u64>,
    log: Log,
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
    if archive.reread {
        return reread_all(&center, connector, &log).await;
    }
    let (connected, connects) = watch::channel(0_u64);
    let on_event = move |event| match event {
        Event::Connected => {
            connected.send_modify(|connects| *connects += 1);
            eprint_line(w.linked);
        }
        Event::Disconnected => eprint_line(w.unlinked),
        _ => {}
    };
    let client = center.link.connect_with_retry(log.lang(), on_event).await?;
    let connector = Arc::new(connector);
    let mut tasks = JoinSet::new();
    let new_days = Arc::new(Notify::new());
    let audit = audit::Audit::new(&center, BroadcastStream::new(client.clone(), log.lang()));
    if audit.is_none() {
        eprint_line(w.no_audit);
    }
    let keep_days = center.database.as_ref().and_then(|database| database.keep_days);
    let upkeep =
        upkeep::Upkeep { connector: Arc::clone(&connector), new_days: Arc::clone(&new_days), audit, keep_days };
    tasks.spawn(upkeep.run(log.clone()));
    let writer = Arc::new(Mutex::new(writer::Writer::new(connector, new_days, log.clone())));
    let shared = Shared { writer, client: client.clone(), connects, log };
    for site in &center.sites {
        tasks.spawn(pull::run(shared.clone(), site.id.clone()));
    }
    let every = Duration::from_secs(archive.ask_every);
    let sites: Vec<_> = center.sites.iter().map(|site| site.id.clone()).collect();
    tasks.spawn(beat::run(client.clone(), shared.connects.clone()));
    tasks.spawn(resend::run_clocks(shared.clone(), sites.clone(), every));
    tasks.spawn(resend::run(shared, sites, every));
    tokio::select! {
        () = shutdown_signal() => {}
        // No task ends by itself. A panic ends the program, for the service manager to restart it.
        Some(Err(broken)) = tasks.join_next() => {
            return Err(CliError::new(w.task_failed(broken)));
        }
    }
    // Whatever they wait for: what was not acknowledged is delivered again.
    tasks.shutdown().await;
    // Acknowledgements that get lost here only cause harmless redeliveries.
    let _ = tokio::time::timeout(Duration::from_secs(2), client.flush()).await;
    Ok(ExitStatus::Done)
}

/// Writes what the streams still have once more.
async fn reread_all(center: &Center, connector: Connector, log: &Log) -> Result<ExitStatus, CliError> {
    let w = &log.words().archive;
    let client = center.link.connect(log.lang()).await?;
    let mut writer = writer::Writer::new(Arc::new(connector), Arc::default(), log.clone());
    for site in &center.sites {
        let stream = subject::closings(&site.id);
        let read = tokio::select! {
            () = shutdown_signal() => return Ok(ExitStatus::No),
            read = reread::run(&client, &site.id, &mut writer) => read,
        };
        let count = read.map_err(|error| CliError::new(w.not_reread(shown_reason(&error), &stream)))?;
        print(&(w.reread(count, &stream) + "\n"), log.lang())?;
    }
    Ok(ExitStatus::Done)
}
