//! Closings on their way into the stream: a bounded number at a time, each until the stream has it. What the server
//! refuses waits, longer and longer, and is tried alone; nothing is lost meanwhile, it lies in the journal.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::jetstream::{self, message::PublishMessage};
use async_nats::{Client, client::SubscribeError};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use penutup::diagnostics::shown;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::board::Seat;
use super::carrier::{Carrier, Parcel, Trouble};
use super::ledger::NoLedger;
use super::log::{About, Log};
use super::now::Now;
use super::receiver::Standing;
use crate::link::{ANSWER, back_off};
use crate::wire::closing::{Ask, Missing};
use crate::wire::subject;

/// The most that is under way without an acknowledgement.
pub const WINDOW: usize = 256;
/// How long after a change the journal is looked at: a call's end is written in several steps.
const QUIET: Duration = Duration::from_millis(500);
/// How often it is looked at though nobody tells of a change.
const EVERY: Duration = Duration::from_secs(60 * 60);
/// The same while it can't be read or nobody would tell.
const EVERY_NOW_AND_THEN: Duration = Duration::from_secs(30);
/// How many askings are answered at once, and how long it takes until there may be one more.
const ASKINGS: (u32, Duration) = (8, Duration::from_secs(5));

/// What the closings' task needs.
pub struct Closings {
    /// The connection.
    pub client: Client,
    /// Whose closings.
    pub seat: Seat,
    /// Where they come from.
    pub carrier: Arc<Mutex<Carrier>>,
    /// Rung when the journal changed.
    pub changed: Arc<Notify>,
    /// Whether somebody rings it.
    pub is_watched: bool,
    /// Where the seat's state is told.
    pub now: Arc<Now>,
    /// Where lines go.
    pub log: Log,
}

impl Closings {
    /// Carries them for as long as the client lives.
    pub async fn carry(self, mut standing: watch::Receiver<Standing>, mut asked: mpsc::Receiver<Missing>) {
        let (mut window, mut failures, mut look) = (WINDOW, 0, true);
        loop {
            // The numbers are told as soon as there is somebody to hear them.
            if standing.wait_for(|standing| standing.connected).await.is_err() {
                return;
            }
            let Some(batch) = self.batch(look, window).await else {
                look = true;
                tokio::select! {
                    () = sleep(EVERY_NOW_AND_THEN) => {}
                    () = self.changed.notified() => sleep(QUIET).await,
                }
                continue;
            };
            look = false;
            if batch.is_empty() {
                let idle = if self.is_watched { EVERY } else { EVERY_NOW_AND_THEN };
                tokio::select! {
                    () = sleep(idle) => look = true,
                    () = self.changed.notified() => {
                        sleep(QUIET).await;
                        look = true;
                    }
                    missing = asked.recv() => match missing {
                        Some(missing) => self.send_again(missing).await,
                        None => return,
                    },
                }
                continue;
            }
            let count = batch.len();
            let sent = self.publish(batch).await;
            let failed = count - sent.len();
            let any = !sent.is_empty();
            self.blocking(move |carrier| carrier.done(&sent, failed)).await;
            self.tell_now().await;
            if failed == 0 {
                self.log.over(About::Stream, self.log.words().agent.taken_again);
                (window, failures) = ((window * 2).min(WINDOW), 0);
                continue;
            }
            look = true;
            // One alone finds out whether the server takes closings again.
            (window, failures) = if any { (window, 1) } else { (1, failures + 1) };
            tokio::select! {
                () = sleep(back_off(failures)) => {}
                changed = standing.changed() => if changed.is_err() { return },
            }
        }
    }

    /// The next to be sent, the journal looked through before where `look` says so.
    async fn batch(&self, look: bool, window: usize) -> Option<Vec<Parcel>> {
        let next = self.blocking(move |carrier| {
            if look {
                carrier.look()?;
            }
            carrier.next(window)
        });
        let batch = next.await;
        self.tell_now().await;
        batch
    }

    /// Does something with the disk, and tells what is wrong with it; `None` where something was.
    async fn blocking<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Carrier) -> Result<T, Trouble> + Send + 'static,
    ) -> Option<T> {
        let carrier = Arc::clone(&self.carrier);
        let done = spawn_blocking(move || {
            let mut carrier = carrier.lock().unwrap_or_else(PoisonError::into_inner);
            let done = act(&mut carrier);
            (done, carrier.noticed())
        });
        let (done, noticed) = done.await.ok()?;
        let w = &self.log.words().agent;
        if noticed.too_large > 0 {
            self.log.say(&w.too_large(noticed.too_large));
        }
        if let Some(aside) = noticed.aside {
            self.log.say(&w.ledger_aside(penutup::files::shown_path(&aside)));
        }
        match done {
            Ok(done) => {
                self.log.over(About::Journal, w.journal_again);
                self.log.over(About::Ledger, w.ledger_again);
                Some(done)
            }
            Err(Trouble::Journal(error)) => {
                let why = error.told(self.log.lang().words());
                self.log.tell(About::Journal, w.journal(&why));
                None
            }
            Err(Trouble::Ledger(error)) => {
                let why = match error {
                    NoLedger::Foreign => w.ledger_foreign.to_owned(),
                    NoLedger::Sqlite(error) => {
                        penutup::journal::trouble::Error::from(error).told(self.log.lang().words())
                    }
                };
                self.log.tell(About::Ledger, w.ledger(&why));
                None
            }
        }
    }

    async fn tell_now(&self) {
        let standing = self.blocking(|carrier| carrier.standing().map(|(epoch, sent)| (epoch, sent, carrier.unsent())));
        if let Some((epoch, sent, unsent)) = standing.await {
            self.now.set(|parts| (parts.epoch, parts.sent, parts.unsent) = (epoch, sent, unsent));
        }
    }

    /// Publishes these and waits for each. Answers which the stream has.
    async fn publish(&self, parcels: Vec<Parcel>) -> Vec<(Uuid, u64)> {
        let mut context = jetstream::new(self.client.clone());
        context.set_timeout(ANSWER);
        let subject = subject::closing(&self.seat.site, &self.seat.seat);
        let (mut sent, mut under_way) = (Vec::with_capacity(parcels.len()), FuturesUnordered::new());
        let mut refused = None;
        for Parcel { id, version, message, body } in parcels {
            let message = PublishMessage::build().payload(body.into()).message_id(message);
            match context.send_publish(subject.clone(), message).await {
                Ok(acknowledged) => under_way.push(async move { (id, version, acknowledged.await) }),
                Err(error) => refused = Some(error),
            }
        }
        while let Some((id, version, acknowledged)) = under_way.next().await {
            match acknowledged {
                Ok(_) => sent.push((id, version)),
                Err(error) => refused = Some(error),
            }
        }
        if let Some(error) = refused {
            let why = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
            self.log.tell(About::Stream, self.log.words().agent.not_taken(shown(&why)));
        }
        sent
    }

    /// Sends again what the centre misses. What does not get through, it asks for again.
    async fn send_again(&self, missing: Missing) {
        let Some(mut parcels) = self.blocking(move |carrier| carrier.again(missing)).await else { return };
        self.log.say(&self.log.words().agent.asked(missing.from, missing.to));
        while !parcels.is_empty() {
            let rest = parcels.split_off(parcels.len().min(WINDOW));
            let count = parcels.len();
            let sent = self.publish(parcels).await;
            if sent.len() < count {
                return;
            }
            self.blocking(move |carrier| carrier.done(&sent, 0)).await;
            parcels = rest;
        }
    }
}

/// Hears what the centre asks for. A few askings are taken at once, then one every few seconds; who asks in vain asks
/// again.
///
/// # Errors
/// Where the subscription can't be made.
pub async fn hear_askings(client: &Client, seat: &Seat, ask: mpsc::Sender<Missing>) -> Result<(), SubscribeError> {
    let mut askings = client.subscribe(subject::ask(&seat.site, &seat.seat)).await?;
    let (mut left, mut since) = (ASKINGS.0, Instant::now());
    while let Some(asking) = askings.next().await {
        let Ok(asking) = Ask::read(&asking.payload) else { continue };
        let earned = u32::try_from(since.elapsed().as_millis() / ASKINGS.1.as_millis()).unwrap_or(u32::MAX);
        if earned > 0 {
            left = left.saturating_add(earned).min(ASKINGS.0);
            since = Instant::now();
        }
        if left > 0 && ask.try_send(asking.resend).is_ok() {
            left -= 1;
        }
    }
    Ok(())
}
