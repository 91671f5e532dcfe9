//! `penutup-fleet agent`: a process beside the prompter on each machine. It hears the centre, tells the prompters and keeps
//! what it heard on the disk; it carries the closings, and says how the seat is.
//!
//! ```text
//! receiver ─ bytes ─► keeper ─► board ─► prompters, folder         journal ─► carrier ─► closings ─► stream
//!   ▲ link ─► centre (heard or not, since when) ─► prompters                    ▲ ledger
//! ```
//!
//! Hearing, asking and publishing are tasks of their own on one thread; whatever waits for a disk or a prompter does so in
//! a thread that is there only while there is something to do.

pub mod board;
pub mod carrier;
pub mod centre;
pub mod closings;
pub mod effective;
pub mod folder;
pub mod keeper;
pub mod ledger;
pub mod log;
pub mod now;
pub mod prompters;
pub mod receiver;
pub mod watched;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_nats::Event;
use chrono::Utc;
use notify::EventKind;
use notify::event::ModifyKind;
use penutup::cli::{Env, SETTINGS_VARIABLE};
use penutup::diagnostics::{outside, shown};
use penutup::files::settings::Loaded;
use penutup::files::{Folders, Why, make_folder, settings, shown_path};
use penutup::softphone::place::Place;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;

use crate::cli::{Common, ended};
use crate::config;
use crate::fail::{Fail, Status};
use board::Seat;
use carrier::Carrier;
use centre::Rounds;
use closings::Closings;
use folder::{Folder, NoFolder};
use keeper::{Hearing, Keeper};
use log::{About, Log};
use now::Now;
use prompters::Bell;
use receiver::Connection;
use watched::Watched;

/// How long the settings of this user's prompters are waited for.
const SETTINGS_PATIENCE: Duration = Duration::from_secs(5);

/// How many letters wait to be judged; more than that, and what is current is asked for.
const LETTERS: usize = 64;
/// How many askings of the centre wait.
const ASKINGS: usize = 8;
/// How long an end may take.
const END: Duration = Duration::from_secs(2);

/// Runs the agent until it is told to end.
///
/// # Errors
/// A configuration that can't be used, no place to keep anything, another agent that is there already.
pub fn run(common: &Common) -> Result<Status, Fail> {
    let lang = common.lang();
    let agent = config::agent::Agent::read(&common.config("agent.toml")?, lang)?;
    let log = Log::new(lang);
    let w = &log.words().agent;
    let folders = Env::of_process().folders();
    let path = folders.broadcast().ok_or_else(|| Fail::new(w.no_state))?;
    let folder = Folder::hold(path.clone()).map_err(|error| match error {
        NoFolder::Held => Fail::new(w.second(shown_path(&path))).no(),
        NoFolder::Io(error) => Fail::new(folder_trouble(&log, &path, &error)),
    })?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(2)
        .thread_keep_alive(Duration::from_secs(2))
        .build()
        .map_err(|error| Fail::new(outside::reason(&error, lang.words())))?;
    let ended = runtime.block_on(work(agent, &folders, folder, &log));
    runtime.shutdown_timeout(END);
    ended
}

/// What could not be done with the folder.
fn folder_trouble(log: &Log, path: &Path, error: &std::io::Error) -> String {
    log.words().agent.folder(shown_path(path), outside::reason(error, log.lang().words()))
}

async fn work(agent: config::agent::Agent, folders: &Folders, mut folder: Folder, log: &Log) -> Result<Status, Fail> {
    let w = &log.words().agent;
    let seat = Seat { site: agent.site, region: agent.region, seat: agent.seat };
    let (name, site) = (seat.seat.to_string(), seat.site.to_string());
    log.say(&w.started(&name, &site, env!("CARGO_PKG_VERSION")));
    if agent.trust.is_empty() {
        log.say(w.no_trust);
    }

    let (now, bell) = (Arc::new(Now::default()), Bell::default());
    let mut carrier = Carrier::new(journal(folders, log), folder.ledger());
    if let Ok((epoch, sent)) = carrier.standing() {
        now.set(|parts| (parts.epoch, parts.sent) = (epoch, sent));
    }
    let (changed, watched) = watch_journal(carrier.journal());
    let carrier = Arc::new(Mutex::new(carrier));
    let board = folder.load(&seat, &agent.trust, Utc::now().date_naive());
    let keeper = Keeper::new(board, folder, agent.trust, bell.clone(), Arc::clone(&now), log.clone());
    if let Some(place) = Place::of(folders) {
        let now = Arc::clone(&now);
        prompters::keep(place, bell.clone(), move |count| now.set(|parts| parts.prompters = count));
    }

    let connection = Connection::default();
    let (told, events) = (connection.clone(), log.clone());
    let client = agent.link.keep(log.lang(), move |event| {
        told.told(&event);
        tell_event(&events, &event);
    });
    let client = client.await?;
    let (send, letters) = mpsc::channel(LETTERS);
    let (ask, asked) = mpsc::channel(ASKINGS);
    let (again, rounds) = (Arc::new(Notify::new()), watch::Sender::new(Rounds::default()));
    let heard = rounds.subscribe();
    let hearing = Arc::new(Hearing::new(send, Arc::clone(&again), rounds, connection.watch()));
    let closings = Closings {
        client: client.clone(),
        seat: seat.clone(),
        carrier,
        changed,
        is_watched: watched.is_some(),
        now: Arc::clone(&now),
        log: log.clone(),
    };

    let mut tasks = JoinSet::new();
    let for_task = || (client.clone(), seat.clone(), connection.watch());
    tasks.spawn(keeper.keep(letters));
    tasks.spawn(closings.carry(connection.watch(), asked));
    tasks.spawn(centre::tell(client.clone(), connection.clone(), heard, bell, log.clone()));
    let ((client, seat, standing), to_keeper) = (for_task(), Arc::clone(&hearing));
    tasks.spawn(async move { receiver::ask(&client, &seat, standing, &again, &*to_keeper).await });
    let (client, seat, standing) = for_task();
    tasks.spawn(async move { now.say(&client, &seat, standing).await });
    let (client, seat, _) = for_task();
    tasks.spawn(async move {
        let _ = receiver::listen(&client, &seat, &*hearing).await;
    });
    let (client, seat, _) = for_task();
    tasks.spawn(async move {
        let _ = closings::hear_askings(&client, &seat, ask).await;
    });
    let outcome = tokio::select! {
        () = ended() => {
            log.say(w.ended);
            Ok(Status::Done)
        }
        // None of them ends while the client lives.
        _ = tasks.join_next() => Err(Fail::new(w.broken)),
    };
    tasks.shutdown().await;
    drop(watched);
    outcome
}

/// The journal of this user's prompters, as their settings have it; `None` where none is kept.
fn journal(folders: &Folders, log: &Log) -> Option<PathBuf> {
    let named = std::env::var_os(SETTINGS_VARIABLE).filter(|name: &OsString| !name.is_empty()).map(PathBuf::from);
    let Loaded { settings, bad, .. } =
        settings::load([(Why::Env, named), (Why::Flag, None)], folders, SETTINGS_PATIENCE);
    if let Some(bad) = bad {
        log.say(&bad.place_and_why(log.lang().words()));
    }
    if !settings.journal.enabled {
        log.say(log.words().agent.no_journal);
        return None;
    }
    settings.journal.path.or_else(|| folders.journal())
}

/// Rings when the journal is written to; `None` for who does it where the system does not tell.
fn watch_journal(journal: Option<&Path>) -> (Arc<Notify>, Option<Watched>) {
    let changed = Arc::new(Notify::new());
    let Some((folder, name)) = journal.and_then(|path| Some((path.parent()?, path.file_name()?.to_owned()))) else {
        return (changed, None);
    };
    // An agent that is started before the first prompter finds no folder yet, and nobody could tell it of the journal in
    // it. Where it can't be made the journal is looked at now and then.
    let _ = make_folder(folder);
    let mut log_name = name.clone();
    log_name.push("-wal");
    let ring = Arc::clone(&changed);
    let mut watched = Watched::new(folder, move |event| {
        let names = || event.paths.iter().filter_map(|path| path.file_name());
        // Whoever reads it opens its log, makes it where it is not, and (as root) gives it its owner again: only what is
        // written is news, or our own looks would wake us for ever.
        let is_news = match event.kind {
            EventKind::Modify(ModifyKind::Metadata(_)) => false,
            EventKind::Modify(_) => names().any(|n| n == name || n == log_name),
            EventKind::Create(_) => names().any(|n| n == name),
            _ => false,
        };
        if is_news {
            ring.notify_one();
        }
    });
    let is_watched = watched.again();
    (changed, is_watched.then_some(watched))
}

/// What an event is worth in the log.
fn tell_event(log: &Log, event: &Event) {
    let w = &log.words().agent;
    match event {
        Event::Connected => log.over(About::Server, w.server_again),
        Event::SlowConsumer(_) => log.tell(About::Server, w.flood.to_owned()),
        Event::ServerError(error) => {
            log.tell(About::Server, w.server(shown(&error.to_string())));
        }
        Event::ClientError(error) => {
            log.tell(About::Server, w.server(shown(&error.to_string())));
        }
        _ => {}
    }
}
