//! Verifies deliveries and carries out what follows: prompters are notified, the folder is written. Signature and
//! rules checks happen off the network's thread, a batch at a time; writes in a thread of their own.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use penutup_rules::declaration::State;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use super::folder::BroadcastFolder;
use super::folder_error;
use super::folder_writer::FolderWriter;
use super::prompters::SnapshotWatch;
use super::reachability::PollResults;
use super::receiver::{Delivery, DeliveryHandler, LinkState};
use super::replica::{Outcome, Replica, settles};
use super::seat_status::StatusPublisher;
use crate::cli::eprint_line;
use crate::log::{Log, Topic};
use crate::wire::key::Key;
use crate::wire::refusal::Refusal;
use crate::wire::trust::Trust;

/// The most deliveries of a batch.
const MAX_BATCH: usize = 64;
/// A write that takes longer is reported: the disk hangs.
const HANGS_AFTER: Duration = Duration::from_secs(5);
/// How often that is checked.
const CHECK_INTERVAL: Duration = Duration::from_secs(2);

/// The network's side: queues deliveries for the worker and records poll results.
#[derive(Debug)]
pub struct DeliveryQueue {
    pub deliveries: mpsc::Sender<Vec<Delivery>>,
    pub poll_now: Arc<Notify>,
    pub polls: watch::Sender<PollResults>,
    /// The trust list in force.
    pub trust: watch::Receiver<Trust>,
    /// When the last beat arrived; `None` where there is none to wait for.
    pub beats: watch::Sender<Option<Instant>>,
    pub link: watch::Receiver<LinkState>,
}

impl DeliveryHandler for DeliveryQueue {
    fn on_message(&self, delivery: Delivery) {
        // A full queue means a flood: a poll fetches what is current, and waits for its place in the queue.
        if self.deliveries.try_send(vec![delivery]).is_err() {
            self.poll_now.notify_one();
        }
    }

    async fn on_replies(&self, deliveries: Vec<Delivery>) {
        // The receiver is dropped only when the agent ends.
        let _ = self.deliveries.send(deliveries).await;
    }

    fn settles(&self, key: &Key, newest: &Delivery) -> bool {
        settles(&self.trust.borrow(), key, &newest.message.payload, newest.receipt.stored_at)
    }

    fn on_beat(&self, live: bool) {
        self.beats.send_if_modified(|last| {
            let is_new = live || last.is_none();
            if is_new {
                *last = Some(Instant::now());
            }
            is_new
        });
    }

    fn expects_beat(&self) -> bool {
        self.beats.borrow().is_some()
    }

    fn on_poll(&self, complete: bool) {
        let answered_on = self.link.borrow().connects;
        self.polls.send_modify(|polls| {
            *polls = if complete {
                PollResults { answered_on, unanswered: 0 }
            } else {
                PollResults { unanswered: polls.unanswered.saturating_add(1), ..*polls }
            };
        });
    }
}

/// What a state of the folder means for prompters and the centre.
#[derive(Clone, Debug)]
struct FolderEffects {
    snapshots: SnapshotWatch,
    status: Arc<StatusPublisher>,
    log: Log,
}

impl FolderEffects {
    fn write(&self, folder: &mut BroadcastFolder, replica: &Replica, outcomes: &[Outcome]) {
        let w = &self.log.words().agent;
        let saved = folder.save(replica, outcomes);
        match &saved {
            Ok(()) => self.log.resolve(&Topic::Folder, w.folder_recovered),
            Err((path, error)) => self.log.report(Topic::Folder, folder_error(&self.log, path, error)),
        }
        self.status.update_writing(saved.is_ok());
        if folder.has_rules(replica)
            && let Some(rules) = replica.rules_state()
        {
            self.snapshots.update(|snapshot| snapshot.rules = rules.version);
            self.log.report(Topic::Rules, w.rules(&*rules.revision, &*rules.version.to_string()));
        }
        self.status.update_rules(folder.has_rules(replica).then(|| replica.rules_state().cloned()).flatten());
    }
}

#[derive(Debug)]
pub struct BroadcastWorker {
    replica: Replica,
    writer: FolderWriter,
    /// Makes the receiver request everything again.
    poll_now: Arc<Notify>,
    /// For the receiver.
    trust: watch::Sender<Trust>,
    snapshots: SnapshotWatch,
    status: Arc<StatusPublisher>,
    log: Log,
}

impl BroadcastWorker {
    /// What the replica restored is published at once.
    pub fn new(
        replica: Replica,
        mut folder: BroadcastFolder,
        poll_now: Arc<Notify>,
        snapshots: SnapshotWatch,
        status: Arc<StatusPublisher>,
        log: Log,
    ) -> Self {
        let effects = FolderEffects { snapshots: snapshots.clone(), status: Arc::clone(&status), log: log.clone() };
        effects.write(&mut folder, &replica, &[]);
        let writer = FolderWriter::spawn(move |replica, outcomes| effects.write(&mut folder, replica, outcomes));
        let trust = watch::Sender::new(replica.trust().clone());
        let worker = Self { replica, writer, poll_now, trust, snapshots, status, log };
        worker.publish();
        worker
    }

    pub fn trust(&self) -> watch::Receiver<Trust> {
        self.trust.subscribe()
    }

    /// For the end of the program.
    pub fn writer(&self) -> FolderWriter {
        self.writer.clone()
    }

    pub async fn run(mut self, mut deliveries: mpsc::Receiver<Vec<Delivery>>) {
        loop {
            let mut batch = tokio::select! {
                batch = deliveries.recv() => match batch {
                    Some(batch) => batch,
                    None => return,
                },
                () = sleep(CHECK_INTERVAL) => {
                    self.check_writer();
                    continue;
                }
            };
            while batch.len() < MAX_BATCH
                && let Ok(more) = deliveries.try_recv()
            {
                batch.extend(more);
            }
            let processed = spawn_blocking(move || {
                self.process(&batch);
                self
            });
            match processed.await {
                Ok(worker) => self = worker,
                Err(_) => return,
            }
        }
    }

    /// Reports a disk that hangs: it gives no error.
    fn check_writer(&self) {
        if self.writer.busy_for().is_some_and(|time| time >= HANGS_AFTER) {
            self.log.report(Topic::Folder, self.log.words().agent.folder_hangs.to_owned());
            self.status.update_writing(false);
        }
    }

    fn process(&mut self, batch: &[Delivery]) {
        let today = Utc::now().date_naive();
        let mut outcomes = Vec::with_capacity(batch.len() + 1);
        for Delivery { key, message, receipt } in batch {
            let outcome = self.replica.receive(key.as_ref(), &message.payload, *receipt, today);
            if let Outcome::Refused(why) = outcome
                && !receipt.is_superseded
            {
                self.log_refusal(why);
            }
            if outcome == Outcome::NewTrust {
                let version = self.replica.trust().version;
                self.log.report(Topic::Trust, self.log.words().agent.trust(version));
                self.trust.send_replace(self.replica.trust().clone());
                self.poll_now.notify_one();
            }
            outcomes.push(outcome);
        }
        if self.replica.update_effective() {
            outcomes.push(Outcome::NewEffective);
        }
        self.publish();
        self.check_writer();
        // Also without a change: what could not be written is tried again.
        self.writer.post(&self.replica, &outcomes);
    }

    /// To prompters and the centre, before anything is written: a slow disk must not delay them.
    fn publish(&self) {
        let w = &self.log.words().agent;
        if let Some(klb) = self.replica.effective() {
            self.snapshots.update(|snapshot| snapshot.klb = Some(klb.clone()));
            let line = if klb.state == State::On { w.klb_on(klb.version) } else { w.klb_off(klb.version) };
            self.log.report(Topic::Klb, line);
        }
        self.status.update_from(&self.replica);
    }

    /// Logs the 1st, 2nd, 4th, 8th, … refusal of each kind.
    fn log_refusal(&self, why: Refusal) {
        let count = self.replica.refused().0.get(&why).copied().unwrap_or(1);
        if count.is_power_of_two() {
            eprint_line(&self.log.words().agent.refused(&*count.to_string(), why.code()));
        }
    }
}
