//! `penutup-fleet archive`: the closings of every site from its stream into the database. What a stream delivered is
//! acknowledged once it is committed, each message by itself; what comes twice changes nothing.
//!
//! ```text
//! CLOSINGS_<SITE> ─► pull (a task a site) ─► check ─► keeper (one transaction a batch) ─► acknowledge
//!                                  seat table ─► asker ─► ask.<site>.<seat>
//! ```

pub mod check;
mod pull;
mod resend;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use async_nats::Event;
use clap::Args;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;

use crate::cli::{Common, ended, say};
use crate::config::center::Center;
use crate::database::Settings;
use crate::error::{Fail, Status};
use crate::words::words;

/// `penutup-fleet archive`.
#[derive(Debug, Args)]
pub struct Archive {
    /// How often closings that are missing are looked for, in seconds.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub ask_every: u64,
}

/// What the tasks have in common.
#[derive(Clone, Debug)]
struct Shared {
    keeper: Arc<Mutex<writer::Keeper>>,
    client: async_nats::Client,
    /// How often the link was made.
    links: watch::Receiver<u64>,
    stop: Stop,
    lang: penutup::words::Lang,
}

/// Whether the program is to end.
#[derive(Clone, Debug)]
struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Answers once the program is to end.
    async fn told(&mut self) {
        // Whoever could tell is gone: that is an end too.
        let _ = self.0.wait_for(|stop| *stop).await;
    }

    /// Waits, but not beyond the end. Answers whether it is not the end.
    async fn wait(&mut self, how_long: Duration) -> bool {
        tokio::select! {
            () = self.told() => false,
            () = tokio::time::sleep(how_long) => true,
        }
    }
}

/// Does it until it is told to end.
///
/// # Errors
/// A configuration that can't be used. A server or a database that is away is waited for.
pub async fn run(archive: &Archive, common: &Common) -> Result<Status, Fail> {
    let lang = common.lang();
    let center = Center::read(&common.config("center.toml")?, lang)?;
    let settings = Settings::of(&center, lang)?;
    let w = &words(lang).archive;
    if center.sites.is_empty() {
        return Err(Fail::new(w.no_site));
    }
    let (links_made, links) = watch::channel(0_u64);
    let (stop_now, stop) = watch::channel(false);
    let told = move |event| match event {
        Event::Connected => {
            links_made.send_modify(|links| *links += 1);
            say(w.linked);
        }
        Event::Disconnected => say(w.unlinked),
        _ => {}
    };
    let client = center.link.keep(lang, told).await?;
    let stop = Stop(stop);
    let keeper = Arc::new(Mutex::new(writer::Keeper::new(settings, lang)));
    let shared = Shared { keeper, client: client.clone(), links, stop, lang };
    let mut tasks = JoinSet::new();
    for site in &center.sites {
        tasks.spawn(pull::site(shared.clone(), site.id.clone()));
    }
    let every = Duration::from_secs(archive.ask_every);
    let sites: Vec<_> = center.sites.iter().map(|site| site.id.clone()).collect();
    tasks.spawn(resend::ask(shared, sites, every));
    tokio::select! {
        () = ended() => {}
        // A task ends only when it is told to; one that broke ends the program, to be begun anew.
        Some(Err(broken)) = tasks.join_next() => {
            return Err(Fail::new(w.broken(broken)));
        }
    }
    stop_now.send_replace(true);
    while tasks.join_next().await.is_some() {}
    // What is not acknowledged comes again, and changes nothing.
    let _ = tokio::time::timeout(Duration::from_secs(2), client.flush()).await;
    Ok(Status::Done)
}
