//! Uploads closings to the stream, a bounded number at a time, and answers what the centre asks. What the server refuses is
//! retried with backoff, one at a time at first; nothing can get lost meanwhile, it is in the journal.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::{self, message::PublishMessage};
use async_nats::{Client, client::SubscribeError};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use penutup_cli_kit::diagnostics::shown_reason;
use penutup_cli_kit::files::shown_path;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::ledger::LedgerError;
use super::outbox::{Outbox, OutboxError, OutgoingClosing};
use super::prompters::SnapshotWatch;
use super::receiver::LinkState;
use super::replica::SeatId;
use super::seat_status::StatusPublisher;
use crate::cli::eprint_line;
use crate::link::{REPLY_TIMEOUT, backoff};
use crate::log::{Log, Topic};
use crate::time::duration_text;
use crate::wire::closing::{Ask, MissingRange};
use crate::wire::subject;

/// The most closings without an acknowledgement.
const WINDOW: usize = 256;
/// Delay of a scan after a change of the journal: the end of a call is written in several steps.
const SETTLE: Duration = Duration::from_millis(500);
/// How often the journal is scanned without a change.
const SCAN_INTERVAL: Duration = Duration::from_secs(60 * 60);
/// The same while the journal can't be read or can't be watched.
const SHORT_SCAN_INTERVAL: Duration = Duration::from_secs(30);
/// The shortest and the longest pause after closings that a connected server did not answer three times in a row.
const UNANSWERED_PAUSE: Duration = Duration::from_secs(15);
const MAX_UNANSWERED_PAUSE: Duration = Duration::from_secs(120);
/// Resend requests that are accepted at once, and how long until one more is.
const RESEND_LIMIT: (u32, Duration) = (8, Duration::from_secs(5));

pub struct Uploader {
    pub client: Client,
    pub seat: SeatId,
    pub outbox: Arc<Mutex<Outbox>>,
    /// Notified when the journal changed.
    pub changed: Arc<Notify>,
    /// Whether the journal is watched at all.
    pub is_watched: bool,
    /// When the centre's last beat arrived.
    pub beats: watch::Receiver<Option<Instant>>,
    pub status: Arc<StatusPublisher>,
    pub log: Log,
}

struct Published {
    acknowledged: Vec<(Uuid, u64)>,
    /// The server answered none of them.
    is_unanswered: bool,
}

/// The pause after so many times without an answer. Electing another leader takes less than three.
fn unanswered_pause(failures: usize) -> Duration {
    match failures {
        0..3 => backoff(failures),
        _ => (UNANSWERED_PAUSE * (1 << (failures - 3).min(3))).min(MAX_UNANSWERED_PAUSE),
    }
}

impl Uploader {
    /// Uploads as long as the client lives.
    pub async fn run(mut self, mut link: watch::Receiver<LinkState>, mut asks: mpsc::Receiver<Ask>) {
        let (mut window, mut failures, mut is_scan_due) = (WINDOW, 0, true);
        loop {
            if link.wait_for(|link| link.connected).await.is_err() {
                return;
            }
            let Some(batch) = self.next_batch(is_scan_due, window).await else {
                is_scan_due = true;
                tokio::select! {
                    () = sleep(SHORT_SCAN_INTERVAL) => {}
                    () = self.changed.notified() => sleep(SETTLE).await,
                }
                continue;
            };
            is_scan_due = false;
            if batch.is_empty() {
                let idle = if self.is_watched { SCAN_INTERVAL } else { SHORT_SCAN_INTERVAL };
                tokio::select! {
                    () = sleep(idle) => is_scan_due = true,
                    () = self.changed.notified() => {
                        sleep(SETTLE).await;
                        is_scan_due = true;
                    }
                    ask = asks.recv() => match ask {
                        Some(Ask::Resend(missing)) => self.resend(missing).await,
                        Some(Ask::Renew(epoch)) => is_scan_due = self.renew(epoch).await,
                        Some(Ask::Clock(_)) => {}
                        None => return,
                    },
                }
                continue;
            }
            let count = batch.len();
            let Published { acknowledged, is_unanswered } = self.publish(batch).await;
            let (failed, any) = (count - acknowledged.len(), !acknowledged.is_empty());
            self.with_outbox(move |outbox| outbox.complete(&acknowledged, failed)).await;
            self.update_status().await;
            if failed == 0 {
                self.log.resolve(&Topic::Upload, self.log.words().agent.upload_resumed);
                (window, failures) = ((window * 2).min(WINDOW), 0);
                continue;
            }
            is_scan_due = true;
            // Where nothing was accepted, a single closing tests whether the server accepts any again.
            (window, failures) = if any { (window, 1) } else { (1, failures + 1) };
            let pause = if is_unanswered { unanswered_pause(failures) } else { backoff(failures) };
            let is_long = pause >= UNANSWERED_PAUSE;
            self.beats.mark_unchanged();
            tokio::select! {
                () = sleep(pause) => {}
                // A stream whose disk is full can take the connection along: the next one is not given up for it at once.
                changed = link.changed(), if !is_long => if changed.is_err() { return },
                // The servers store again. After an election nats-server 2.9.10 drops, one by one and without an answer, as many
                // closings as were repeated to it before: a single one at a time would take hours.
                Ok(()) = self.beats.changed(), if is_long => (window, failures) = (WINDOW, 0),
            }
        }
    }

    async fn next_batch(&self, is_scan_due: bool, max: usize) -> Option<Vec<OutgoingClosing>> {
        let batch = self.with_outbox(move |outbox| {
            if is_scan_due {
                outbox.scan()?;
            }
            outbox.next_batch(max)
        });
        let batch = batch.await;
        self.update_status().await;
        batch
    }

    /// Runs disk work in a blocking thread and logs its errors; `None` after an error.
    async fn with_outbox<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Outbox) -> Result<T, OutboxError> + Send + 'static,
    ) -> Option<T> {
        let outbox = Arc::clone(&self.outbox);
        let done = spawn_blocking(move || {
            let mut outbox = outbox.lock().unwrap_or_else(PoisonError::into_inner);
            let done = work(&mut outbox);
            (done, outbox.take_notices())
        });
        let (done, notices) = done.await.ok()?;
        let (w, prompter_words) = (&self.log.words().agent, self.log.lang().words());
        if notices.too_large > 0 {
            eprint_line(&w.too_large(notices.too_large));
        }
        if let Some(aside) = notices.moved_ledger {
            eprint_line(&w.ledger_moved(shown_path(&aside)));
        }
        match done {
            Ok(done) => {
                self.log.resolve(&Topic::Journal, w.journal_recovered);
                self.log.resolve(&Topic::Ledger, w.ledger_recovered);
                return Some(done);
            }
            Err(OutboxError::Journal(error)) => {
                self.log.report(
                    Topic::Journal,
                    w.journal(penutup_cli_kit::diagnostics::journal::reason(&error, prompter_words)),
                );
            }
            Err(OutboxError::Ledger(LedgerError::Foreign)) => {
                self.log.report(Topic::Ledger, w.ledger(w.ledger_foreign));
            }
            Err(OutboxError::Ledger(LedgerError::Sqlite(error))) => {
                let why = penutup_cli_kit::diagnostics::journal::reason(&error.into(), prompter_words);
                self.log.report(Topic::Ledger, w.ledger(why));
            }
        }
        None
    }

    async fn update_status(&self) {
        let progress = self.with_outbox(|outbox| Ok((outbox.progress()?, outbox.unsent())));
        if let Some(((epoch, sent), unsent)) = progress.await {
            self.status.update(|status| (status.epoch, status.sent, status.unsent) = (epoch, sent, unsent));
        }
    }

    /// Publishes these and waits for every acknowledgement.
    async fn publish(&self, closings: Vec<OutgoingClosing>) -> Published {
        let mut context = jetstream::new(self.client.clone());
        context.set_timeout(REPLY_TIMEOUT);
        let subject = subject::closing(&self.seat.site, &self.seat.seat);
        let (mut acknowledged, mut in_flight) = (Vec::with_capacity(closings.len()), FuturesUnordered::new());
        let (mut failure, mut is_unanswered) = (None, true);
        for OutgoingClosing { id, version, message_id, body } in closings {
            let message = PublishMessage::build().payload(body.into()).message_id(message_id);
            match context.send_publish(subject.clone(), message).await {
                Ok(ack) => in_flight.push(async move { (id, version, ack.await) }),
                Err(error) => {
                    is_unanswered = false;
                    failure = Some(error);
                }
            }
        }
        while let Some((id, version, ack)) = in_flight.next().await {
            match ack {
                Ok(_) => {
                    acknowledged.push((id, version));
                    is_unanswered = false;
                }
                Err(error) => {
                    is_unanswered &= error.kind() == PublishErrorKind::TimedOut;
                    failure = Some(error);
                }
            }
        }
        if let Some(error) = failure {
            let why = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
            self.log.report(Topic::Upload, self.log.words().agent.upload_refused(shown_reason(&why)));
        }
        Published { acknowledged, is_unanswered }
    }

    /// Numbers all closings anew. Returns whether there is something to send.
    async fn renew(&self, epoch: Uuid) -> bool {
        let is_renewed = self.with_outbox(move |outbox| outbox.renew(epoch)).await == Some(true);
        if is_renewed {
            eprint_line(self.log.words().agent.ledger_renewed);
        }
        is_renewed
    }

    /// Sends closings that the centre requested again. The centre repeats its request for those that fail now.
    async fn resend(&self, missing: MissingRange) {
        let Some(closings) = self.with_outbox(move |outbox| outbox.resend(missing)).await else { return };
        eprint_line(&self.log.words().agent.resend_requested(missing.from, missing.to));
        for batch in closings.chunks(WINDOW) {
            let acknowledged = self.publish(batch.to_vec()).await.acknowledged;
            if acknowledged.len() < batch.len() {
                return;
            }
            self.with_outbox(move |outbox| outbox.complete(&acknowledged, 0)).await;
        }
    }
}

/// What the centre says of this machine's clock, for the log, the prompters and the seat's state.
pub struct ClockReport {
    pub log: Log,
    pub snapshots: SnapshotWatch,
    pub status: Arc<StatusPublisher>,
}

impl ClockReport {
    fn report(&self, ahead: i64) {
        let w = &self.log.words().agent;
        if ahead == 0 {
            self.log.resolve(&Topic::Clock, w.clock_right);
        } else {
            let by = duration_text(ahead, self.log.lang());
            self.log.report(Topic::Clock, if ahead > 0 { w.clock_ahead(by) } else { w.clock_behind(by) });
        }
        self.snapshots.update(|snapshot| snapshot.set_clock(ahead));
        self.status.update(|status| status.told_clock = (ahead != 0).then_some(ahead));
    }
}

/// Receives what the centre asks, rate-limited: a request that is dropped comes again.
pub async fn receive_asks(
    client: &Client,
    seat: &SeatId,
    asks: mpsc::Sender<Ask>,
    clock: &ClockReport,
) -> Result<(), SubscribeError> {
    let mut requests = client.subscribe(subject::ask(&seat.site, &seat.seat)).await?;
    let (mut left, mut since) = (RESEND_LIMIT.0, Instant::now());
    while let Some(message) = requests.next().await {
        let Ok(ask) = Ask::parse(&message.payload) else { continue };
        if let Ask::Clock(ahead) = ask {
            clock.report(ahead);
            continue;
        }
        let earned = u32::try_from(since.elapsed().as_millis() / RESEND_LIMIT.1.as_millis()).unwrap_or(u32::MAX);
        if earned > 0 {
            left = left.saturating_add(earned).min(RESEND_LIMIT.0);
            since = Instant::now();
        }
        if left > 0 && asks.try_send(ask).is_ok() {
            left -= 1;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_does_not_answer_is_asked_less_and_less_often() {
        assert!([0, 1, 2].map(unanswered_pause).iter().all(|pause| *pause < Duration::from_secs(1)));
        let pauses = [3, 4, 5, 6, 7, usize::MAX].map(|failures| unanswered_pause(failures).as_secs());
        assert_eq!(pauses, [15, 30, 60, 120, 120, 120]);
    }
}
