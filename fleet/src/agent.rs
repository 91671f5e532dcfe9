//! `penutup-fleet agent`: the process beside the prompters on each machine. It receives broadcasts for the prompters and
//! stores them, uploads closings, and publishes the seat's status.
//!
//! ```text
//! receiver ─ deliveries ─► worker ─► replica ─► prompters, folder        journal ─► outbox ─► upload ─► stream
//!   ▲ link ─► reachability ─► prompters                                              ▲ ledger
//! ```
//!
//! Receiving, polling and publishing are tasks on one thread. Whatever blocks on the disk or a prompter runs in a thread
//! that exists only while there is work.

pub mod effective;
pub mod folder;
pub mod folder_watcher;
pub mod folder_writer;
pub mod ledger;
pub mod outbox;
pub mod prompters;
pub mod reachability;
pub mod receiver;
pub mod replica;
pub mod seat_status;
pub mod upload;
pub mod worker;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_nats::Event;
use chrono::Utc;
use clap::Args;
use notify::EventKind;
use notify::event::ModifyKind;
use penutup_cli_kit::diagnostics::{outside, shown};
use penutup_cli_kit::env::Env;
use penutup_cli_kit::files::settings::Loaded;
use penutup_cli_kit::files::{Folders, Why, make_folder, settings, shown_path};
use penutup_ipc::socket_dir::SocketDir;

use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;

use crate::cli::{Common, eprint_line, flush_log, log_in_background, log_to, shutdown_signal};
use crate::config;
use crate::error::{CliError, ExitStatus};
use crate::log::{Log, Topic};
use folder::{BroadcastFolder, FolderError};
use folder_watcher::FolderWatcher;
use outbox::Outbox;
use prompters::SnapshotWatch;
use reachability::{Heard, PollResults};
use receiver::{LinkMonitor, Receiver};
use replica::SeatId;
use seat_status::StatusPublisher;
use upload::{ClockReport, Uploader};
use worker::{BroadcastWorker, DeliveryQueue};

/// How long the prompters' settings may take to read.
const SETTINGS_TIMEOUT: Duration = Duration::from_secs(5);
/// Queued deliveries; when the queue is full, a poll replaces them.
const MAX_DELIVERIES: usize = 64;
const MAX_ASKS: usize = 8;
/// A few more than can wait for a disk at once, so that names and certificates never wait for it.
const MAX_BLOCKING_THREADS: usize = 8;
/// How long it runs without a prompter: long enough to open another one, and to send the last closing.
const LINGER: Duration = Duration::from_secs(20);
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// `penutup-fleet agent`.
#[derive(Debug, Args)]
pub struct AgentArgs {
    /// For the prompter that starts it: log into the state folder, and end a while after the last prompter.
    #[arg(long)]
    background: bool,
    /// The settings file of the prompters
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
}

/// Runs the agent until it gets a signal.
pub fn run(args: &AgentArgs, common: &Common) -> Result<ExitStatus, CliError> {
    let lang = common.lang();
    if let Some(path) = Env::of_process().folders().agent_log().filter(|_| args.background) {
        log_to(path);
    }
    let agent = config::agent::Agent::read(&common.config("agent.toml")?, lang)?;
    let log = Log::new(lang);
    let w = &log.words().agent;
    let folders = Env::of_process().folders();
    let path = folders.broadcast().ok_or_else(|| CliError::new(w.no_state))?;
    let folder = BroadcastFolder::lock(path.clone()).map_err(|error| match error {
        FolderError::Locked => CliError::new(w.already_running(shown_path(&path))).no(),
        FolderError::Io(error) => CliError::new(folder_error(&log, &path, &error)),
    })?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        // For names, certificates, the journal and signatures. The folder and the log have threads of their own.
        .max_blocking_threads(MAX_BLOCKING_THREADS)
        .thread_keep_alive(Duration::from_secs(2))
        .build()
        .map_err(|error| CliError::new(outside::reason(&error, lang.words())))?;
    log_in_background(lang);
    let result = runtime.block_on(run_tasks(agent, args, &folders, folder, &log));
    runtime.shutdown_timeout(SHUTDOWN_TIMEOUT);
    flush_log(SHUTDOWN_TIMEOUT);
    result
}

fn folder_error(log: &Log, path: &Path, error: &std::io::Error) -> String {
    log.words().agent.folder(shown_path(path), outside::reason(error, log.lang().words()))
}

async fn run_tasks(
    agent: config::agent::Agent,
    args: &AgentArgs,
    folders: &Folders,
    mut folder: BroadcastFolder,
    log: &Log,
) -> Result<ExitStatus, CliError> {
    let w = &log.words().agent;
    let zone = crate::time::seat_zone(args.settings.as_deref());
    let seat = SeatId { site: agent.site, region: agent.region, seat: agent.seat };
    let (name, site) = (seat.seat.to_string(), seat.site.to_string());
    eprint_line(&w.started(&name, &site, env!("CARGO_PKG_VERSION")));
    if agent.trust.is_empty() {
        eprint_line(w.no_trust);
    }

    let (status, snapshots) = (Arc::new(StatusPublisher::default()), SnapshotWatch::default());
    // The ledger is reported once the journal was scanned: with nothing known to wait, a number below what arrived would mean
    // that this seat went back to a copy of itself.
    let outbox = Outbox::new(journal_path(args.settings.clone(), folders, log), folder.ledger_path());
    let (changed, watcher) = watch_journal(outbox.journal());
    let outbox = Arc::new(Mutex::new(outbox));
    let replica = folder.load(&seat, agent.trust, Utc::now().date_naive());
    let (poll_now, polls) = (Arc::new(Notify::new()), watch::Sender::new(PollResults::default()));
    let worker = BroadcastWorker::new(
        replica,
        folder,
        Arc::clone(&poll_now),
        snapshots.clone(),
        Arc::clone(&status),
        log.clone(),
    );
    let (writer, trust) = (worker.writer(), worker.trust());
    let prompters = watch::Sender::new(0);
    let open_prompters = prompters.subscribe();
    if let Some(socket_dir) = SocketDir::of(folders) {
        let (status, prompters) = (Arc::clone(&status), prompters.clone());
        prompters::spawn(socket_dir, snapshots.clone(), move |count| {
            prompters.send_replace(count);
            status.update(|status| status.prompters = count);
        });
    }

    let (monitor, servers) = (LinkMonitor::default(), agent.link.servers.len());
    let (event_monitor, event_log) = (monitor.clone(), log.clone());
    let client = agent.link.connect_with_retry(log.lang(), move |event| {
        event_monitor.on_event(&event);
        log_event(&event_log, &event);
    });
    let client = client.await?;
    let (deliveries, delivered) = mpsc::channel(MAX_DELIVERIES);
    let (asks, asked) = mpsc::channel(MAX_ASKS);
    let beats = watch::Sender::new(None);
    let heard = Heard { polls: polls.subscribe(), beats: beats.subscribe() };
    let upload_beats = beats.subscribe();
    let queue =
        DeliveryQueue { deliveries, poll_now: Arc::clone(&poll_now), polls, trust, beats, link: monitor.subscribe() };
    let queue = Arc::new(queue);
    let uploader = Uploader {
        client: client.clone(),
        seat: seat.clone(),
        outbox,
        changed,
        is_watched: watcher.is_some(),
        beats: upload_beats,
        status: Arc::clone(&status),
        log: log.clone(),
    };

    let clock = ClockReport { log: log.clone(), snapshots: snapshots.clone(), status: Arc::clone(&status) };
    let receiver = Arc::new(Receiver::new(client.clone(), seat.clone()));
    let mut tasks = JoinSet::new();
    tasks.spawn(worker.run(delivered));
    tasks.spawn(uploader.run(monitor.subscribe(), asked));
    tasks.spawn(reachability::run(client.clone(), monitor.clone(), heard, servers, snapshots, (log.clone(), zone)));
    let (polling, poll_queue, link) = (Arc::clone(&receiver), Arc::clone(&queue), monitor.subscribe());
    tasks.spawn(async move { polling.poll(link, &poll_now, &*poll_queue).await });
    tasks.spawn(async move {
        let _ = receiver.subscribe(&*queue).await;
    });
    let (status_client, status_seat, link) = (client.clone(), seat.clone(), monitor.subscribe());
    tasks.spawn(async move { status.run(&status_client, &status_seat, link).await });
    tasks.spawn(async move {
        let _ = upload::receive_asks(&client, &seat, asks, &clock).await;
    });
    let result = tokio::select! {
        () = shutdown_signal() => {
            eprint_line(w.ended);
            Ok(ExitStatus::Done)
        }
        () = no_prompter(open_prompters, LINGER), if args.background => {
            eprint_line(w.no_prompter);
            Ok(ExitStatus::Done)
        }
        // No task ends while the client lives.
        _ = tasks.join_next() => Err(CliError::new(w.connection_ended)),
    };
    tasks.shutdown().await;
    writer.finish(SHUTDOWN_TIMEOUT);
    drop(watcher);
    result
}

/// Completes when no prompter has been connected for so long. Counts are told again and again: the same one changes nothing.
async fn no_prompter(mut open: watch::Receiver<u32>, linger: Duration) {
    loop {
        // The sender lives as long as the process.
        let _ = open.wait_for(|count| *count == 0).await;
        tokio::select! {
            () = tokio::time::sleep(linger) => return,
            _ = open.wait_for(|count| *count > 0) => {}
        }
    }
}

/// The journal of this user's prompters, from their settings; `None` where none is kept.
fn journal_path(file: Option<PathBuf>, folders: &Folders, log: &Log) -> Option<PathBuf> {
    let named = Env::of_process().settings;
    let Loaded { settings, bad, .. } =
        settings::load([(Why::Flag, file), (Why::Env, named)], folders, SETTINGS_TIMEOUT);
    if let Some(bad) = bad {
        eprint_line(&bad.place_and_why(log.lang().words()));
    }
    if !settings.journal.enabled {
        eprint_line(log.words().agent.no_journal);
        return None;
    }
    settings.journal.path.or_else(|| folders.journal())
}

/// Notifies when the journal is written to; the watcher is `None` where that is not possible.
fn watch_journal(journal: Option<&Path>) -> (Arc<Notify>, Option<FolderWatcher>) {
    let changed = Arc::new(Notify::new());
    let Some((folder, name)) = journal.and_then(|path| Some((path.parent()?, path.file_name()?.to_owned()))) else {
        return (changed, None);
    };
    // An agent that starts before the first prompter finds no folder to watch yet. Where it can't be created, the
    // journal is scanned periodically.
    let _ = make_folder(folder);
    let mut wal_name = name.clone();
    wal_name.push("-wal");
    let notify = Arc::clone(&changed);
    let mut watcher = FolderWatcher::new(folder, move |event| {
        let names = || event.paths.iter().filter_map(|path| path.file_name());
        // Reading the journal opens its WAL, creates it if need be, and (as root) changes its owner: only writes count,
        // or the agent's own scans would wake it forever.
        let is_write = match event.kind {
            EventKind::Modify(ModifyKind::Metadata(_)) => false,
            EventKind::Modify(_) => names().any(|n| n == name || n == wal_name),
            EventKind::Create(_) => names().any(|n| n == name),
            _ => false,
        };
        if is_write {
            notify.notify_one();
        }
    });
    let is_watched = watcher.rewatch();
    (changed, is_watched.then_some(watcher))
}

fn log_event(log: &Log, event: &Event) {
    let w = &log.words().agent;
    let server = |error: &str| log.report(Topic::Server, w.server(shown(error)));
    match event {
        Event::Connected => log.resolve(&Topic::Server, w.server_recovered),
        Event::SlowConsumer(_) => log.report(Topic::Server, w.flood.to_owned()),
        Event::ServerError(error) => server(&error.to_string()),
        Event::ClientError(error) => server(&error.to_string()),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{sleep, timeout};

    use super::*;

    const SHORT: Duration = Duration::from_millis(200);

    #[tokio::test]
    async fn it_ends_after_the_last_prompter_however_often_that_is_told() {
        let counts = watch::Sender::new(1);
        let mut end = std::pin::pin!(no_prompter(counts.subscribe(), SHORT));
        assert!(timeout(SHORT * 3, &mut end).await.is_err(), "a prompter is open");
        let told_again = async {
            loop {
                counts.send_replace(0);
                sleep(SHORT / 10).await;
            }
        };
        tokio::select! {
            () = end => {}
            _ = timeout(SHORT * 50, told_again) => panic!("it goes on without a prompter"),
        }
    }
}
