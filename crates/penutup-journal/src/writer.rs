//! The journal's worker. No key waits for a disk: a record is only put into the worker's inbox; a failed write is kept
//! in memory, reported once, and retried. Between two records the worker sleeps without waking up.
//!
//! The inbox is bounded: it keeps only the newest record of each call, only the newest request for a day, and at most
//! `MAX_CALLS` calls. Beyond that (a disk that hangs for weeks) the oldest is dropped and counted as lost, as among
//! those that can't be written.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use chrono::{DateTime, FixedOffset, NaiveDate, Utc};
use uuid::{NoContext, Timestamp, Uuid};

use super::presence::Presence;
use super::read::{Reader, summaries};
use super::record::Record;
use super::report::{By, Dimension, Recap, ReportBuilder, Teams, span};
use super::spill;
use super::store::{BUSY_TIMEOUT, Change, Claim, Opened, Store};
use super::summary::{CallSummary, Interner};
use super::trouble::{Error, Finish, Trouble};
use penutup_system::mailbox::Mailbox;
use penutup_system::thread::join_ended;

/// The most calls kept in memory while they can't be written: about a hundred days of one seat.
const MAX_CALLS: usize = 10_000;
/// How long to wait for another process's lock at the end, and in a retry.
const RETRY_PATIENCE: Duration = Duration::from_millis(200);
/// For how many calls the ID is remembered, so that an end can be undone.
const MAX_IDS: usize = 1_000;
/// The first and the longest pause before a retry.
const WAIT: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Where and how the journal is stored.
#[derive(Clone, Debug)]
pub struct Config {
    /// The database.
    pub path: PathBuf,
    /// The retention of calls in days; 0 means forever.
    pub days: u32,
    /// The seat, if the settings name one.
    pub seat: Option<String>,
    /// The location of the setting that names the database (file and line); such a file must be marked as a journal.
    pub named_at: Option<String>,
    /// The folders for calls that can't be written before the prompter ends; the first writable one is used.
    pub spill: Vec<PathBuf>,
}

impl Config {
    /// The journal at its default path, with unlimited retention.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        let spill = path.parent().map(Into::into).into_iter().collect();
        Self { path, days: 0, seat: None, named_at: None, spill }
    }

    fn claim(&self) -> Claim {
        if self.named_at.is_some() { Claim::ByContent } else { Claim::ByPath }
    }
}

/// The worker's inbox.
#[derive(Default)]
struct Inbox {
    /// The newest record of each call and when it changed; `None` if the call was undone.
    calls: BTreeMap<u64, (Option<Box<Record>>, DateTime<Utc>)>,
    /// The number of calls for which there was no room.
    lost: u64,
    recap: Option<(Day, RecapCallback)>,
    end: bool,
}

impl Inbox {
    fn put(&mut self, call: u64, record: Option<Box<Record>>, changed: DateTime<Utc>) {
        self.calls.insert(call, (record, changed));
        self.lost += drop_excess(&mut self.calls, |(record, _)| is_open(record.as_deref()));
    }

    fn has_something(&self) -> bool {
        !self.calls.is_empty() || self.recap.is_some() || self.end
    }
}

fn is_open(record: Option<&Record>) -> bool {
    record.is_none_or(|record| record.end.is_none())
}

/// Removes calls if there are too many: first one that never ended, then the oldest; never the newest, which is
/// running. Returns how many were removed.
fn drop_excess<T>(calls: &mut BTreeMap<u64, T>, is_open: impl Fn(&T) -> bool) -> u64 {
    let mut dropped = 0;
    while calls.len() > MAX_CALLS {
        let newest = calls.keys().next_back().copied();
        let open = calls.iter().find(|(_, call)| is_open(call)).map(|(number, _)| *number);
        match open.filter(|number| Some(*number) != newest) {
            Some(number) => drop(calls.remove(&number)),
            None => drop(calls.pop_first()),
        }
        dropped += 1;
    }
    dropped
}

type Day = (NaiveDate, FixedOffset);
type RecapCallback = Box<dyn FnOnce(Recap) + Send>;

/// A handle to the journal's worker. On drop the worker still writes its inbox, without being waited for.
#[derive(Debug)]
pub struct Writer {
    inbox: Sender,
    worker: Worker,
}

/// The worker's thread, seen from outside.
#[derive(Debug)]
struct Worker {
    /// The result, and then, by the sender's drop, that the database is closed.
    done: Receiver<Finish>,
    /// `None` if the system had no thread left.
    thread: Option<JoinHandle<()>>,
}

/// A journal that is being written and closed.
#[derive(Debug)]
pub struct Finishing(Worker);

impl Finishing {
    /// The result; [`Finish::Unknown`] at the deadline.
    pub fn wait(self, patience: Duration) -> Finish {
        let Worker { done, thread } = self.0;
        let end = Instant::now() + patience;
        let finish = done.recv_timeout(patience).unwrap_or(Finish::Unknown);
        // Closing the last connection moves the log into the database, which may wait for the disk.
        let closed = done.recv_timeout(end.saturating_duration_since(Instant::now()));
        if let (Err(RecvTimeoutError::Disconnected), Some(thread)) = (closed, thread) {
            join_ended(thread);
        }
        finish
    }
}

/// The sending side of the worker's inbox; dropping it ends the worker.
struct Sender(Arc<Mailbox<Inbox>>);

impl Drop for Sender {
    fn drop(&mut self) {
        self.0.post(|inbox| inbox.end = true);
    }
}

impl std::fmt::Debug for Sender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

impl Writer {
    /// Starts the worker in the thread that `spawn` makes: it opens the journal, closes calls left open by crashed
    /// processes, and deletes expired ones. `notify` is called on that thread. Without a thread nothing is written, which
    /// [`Self::finish`] reports.
    pub fn start(
        config: Config,
        notify: impl Fn(Trouble) + Send + 'static,
        spawn: impl FnOnce(Box<dyn FnOnce() + Send>) -> io::Result<JoinHandle<()>>,
    ) -> Self {
        let inbox = Arc::new(Mailbox::default());
        let requests = Arc::clone(&inbox);
        let (report, done) = channel();
        let work = move || {
            let mut worker = JournalWorker::new(config, notify);
            worker.run(&requests);
            let _ = report.send(worker.finish());
            drop(worker);
            drop(report);
        };
        let thread = spawn(Box::new(work)).ok();
        Self { inbox: Sender(inbox), worker: Worker { done, thread } }
    }

    /// Records a call's present state. Never blocks.
    pub fn record(&self, record: impl Into<Box<Record>>, now: DateTime<Utc>) {
        let record = record.into();
        self.inbox.0.post(|inbox| inbox.put(record.call, Some(record), now));
    }

    /// Everything in this call was undone: it is removed. Never blocks.
    pub fn remove(&self, call: u64) {
        self.inbox.0.post(|inbox| inbox.put(call, None, DateTime::UNIX_EPOCH));
    }

    /// Requests the calls of a day in this zone. `callback` is called on the journal's thread once everything recorded
    /// before is written. A newer request replaces a pending one.
    pub fn recap(&self, day: NaiveDate, zone: FixedOffset, callback: impl FnOnce(Recap) + Send + 'static) {
        let request: (Day, RecapCallback) = ((day, zone), Box::new(callback));
        self.inbox.0.post(|inbox| inbox.recap = Some(request));
    }

    /// Writes everything, or saves it for the next start, and closes the journal.
    pub fn start_finishing(self) -> Finishing {
        Finishing(self.worker)
    }

    /// [`Self::start_finishing`], and waits.
    pub fn finish(self, patience: Duration) -> Finish {
        self.start_finishing().wait(patience)
    }
}

/// The newest unwritten change of a call: its record, or its ID if it is removed.
enum Pending {
    Save(Box<Record>),
    Remove(Uuid),
}

impl Pending {
    fn change(&self) -> Change<'_> {
        match self {
            Self::Save(record) => Change::Save(record),
            Self::Remove(id) => Change::Remove(*id),
        }
    }

    fn id(&self) -> Uuid {
        match self {
            Self::Save(record) => record.id,
            Self::Remove(id) => *id,
        }
    }

    fn record(&self) -> Option<&Record> {
        match self {
            Self::Save(record) => Some(record),
            Self::Remove(_) => None,
        }
    }
}

struct Retry {
    error: Arc<Error>,
    wait: Duration,
    next: Instant,
}

struct JournalWorker<N> {
    config: Config,
    notify: N,
    store: Option<Store>,
    presence: Option<Presence>,
    /// Unwritten changes, by the prompter's number of the call.
    pending: BTreeMap<u64, Pending>,
    /// The last written call, in case a new file replaces the journal.
    last: Option<(u64, Pending)>,
    ids: BTreeMap<u64, (Uuid, u64)>,
    retry: Option<Retry>,
    lost: u64,
    /// Calls that began before this time are deleted; `None` once that is done.
    expired_before: Option<i64>,
    has_cutoff: bool,
    has_imported: bool,
    /// Whether these are the last changes.
    ends: bool,
}

impl<N: Fn(Trouble)> JournalWorker<N> {
    fn new(config: Config, notify: N) -> Self {
        Self {
            config,
            notify,
            store: None,
            presence: None,
            pending: BTreeMap::new(),
            last: None,
            ids: BTreeMap::new(),
            retry: None,
            lost: 0,
            expired_before: None,
            has_cutoff: false,
            has_imported: false,
            ends: false,
        }
    }

    fn run(&mut self, inbox: &Mailbox<Inbox>) {
        self.write();
        loop {
            let deadline = match &self.retry {
                Some(retry) => Some(retry.next),
                None => self.expired_before.map(|_| Instant::now()),
            };
            let new = inbox.take(deadline, Inbox::has_something);
            if !new.has_something() {
                if self.retry.is_some() {
                    self.write();
                } else {
                    self.delete_expired();
                }
                continue;
            }
            let ends = new.end;
            self.lost += new.lost;
            for (call, (record, changed)) in new.calls {
                match record {
                    Some(record) => self.save(call, record, changed),
                    None => self.remove(call),
                }
            }
            // While the journal can't be written, only the deadline and the end cause a retry.
            self.ends = ends;
            if ends || self.retry.as_ref().is_none_or(|t| t.next <= Instant::now()) {
                self.write();
            }
            if let Some((day, answer)) = new.recap {
                answer(self.recap(day));
            }
            if ends {
                return;
            }
        }
    }

    /// Keeps the newest record of a call until it is written.
    fn save(&mut self, call: u64, mut record: Box<Record>, changed: DateTime<Utc>) {
        let (id, version) = self.ids.entry(call).or_insert_with(|| {
            let seconds = u64::try_from(record.start.timestamp()).unwrap_or(0);
            let at = Timestamp::from_unix(NoContext, seconds, record.start.timestamp_subsec_nanos());
            (Uuid::new_v7(at), 0)
        });
        *version += 1;
        (record.id, record.version, record.changed) = (*id, *version, changed);
        record.seat.clone_from(&self.config.seat);
        self.pending.insert(call, Pending::Save(record));
        while self.ids.len() > MAX_IDS {
            self.ids.pop_first();
        }
        self.lost += drop_excess(&mut self.pending, |call| is_open(call.record()));
    }

    /// Records that a call is to be removed; one that was never written needs nothing.
    fn remove(&mut self, call: u64) {
        if let Some((id, _)) = self.ids.get(&call) {
            self.pending.insert(call, Pending::Remove(*id));
        }
    }

    /// Saves the calls that are still unwritten at the end for the next start.
    fn finish(&mut self) -> Finish {
        let pending: Vec<Record> = self.pending.values().filter_map(Pending::record).cloned().collect();
        let Some(retry) = self.retry.take() else { return Finish::Written };
        let (count, error) = (pending.len(), retry.error);
        if count == 0 && self.lost == 0 {
            return Finish::Written;
        }
        match spill::write(&self.config.spill, pending) {
            Ok(file) if self.lost == 0 => Finish::Pending { count, file, error },
            // Calls dropped from memory are lost, whatever is in the file.
            Ok(_) => Finish::Lost { count: self.lost, error },
            Err(_) => Finish::Lost { count: self.lost + count as u64, error },
        }
    }

    /// How long to wait for another process's lock. The end must not wait long, nor for a retry that has just begun; calls
    /// kept out by a lock are saved for the next start.
    fn patience(&self) -> Duration {
        if self.ends || self.retry.is_some() { RETRY_PATIENCE } else { BUSY_TIMEOUT }
    }

    /// Writes pending changes; on failure reports it and retries later.
    fn write(&mut self) {
        if let Some(store) = &self.store {
            let _ = store.set_busy_timeout(self.patience());
        }
        let mut result = self.try_to_write();
        if result.as_ref().is_err_and(Error::is_damage)
            && let Some(store) = self.store.take()
        {
            result = store.set_aside().and_then(|aside| {
                self.rewrite_last();
                if let Some(aside) = aside {
                    (self.notify)(Trouble::SetAside(aside));
                }
                self.try_to_write()
            });
        }
        match result {
            Ok(()) => {
                if self.retry.take().is_some() {
                    (self.notify)(Trouble::Over { lost: std::mem::take(&mut self.lost) });
                }
            }
            Err(error) => self.fail(error),
        }
    }

    fn fail(&mut self, error: Error) {
        if !error.is_disk_full() && !error.is_busy() {
            // The cause may be this connection: the next retry opens another.
            self.store = None;
        }
        let wait = self.retry.as_ref().map_or(WAIT.0, |t| (t.wait * 2).min(WAIT.1));
        let error = Arc::new(error);
        let retry = Retry { error: Arc::clone(&error), wait, next: Instant::now() + wait };
        let before = self.retry.replace(retry);
        if !before.is_some_and(|b| b.error.is_same_kind(&error)) {
            (self.notify)(Trouble::Began(error));
        }
    }

    /// A new file has replaced the journal: the running call is written to it as well.
    fn rewrite_last(&mut self) {
        if let Some((call, pending)) = self.last.take() {
            self.pending.entry(call).or_insert(pending);
        }
    }

    fn try_to_write(&mut self) -> Result<(), Error> {
        if self.store.as_ref().is_some_and(|s| !s.is_in_place()) {
            self.store = None;
            self.rewrite_last();
        }
        if self.store.is_none() {
            let opened = Store::open_claimed(&self.config.path, self.config.claim(), self.patience());
            let Opened { store, aside } = opened.map_err(|e| e.named_at(self.config.named_at.as_deref()))?;
            self.store = Some(store);
            if let Some(aside) = aside {
                self.rewrite_last();
                (self.notify)(Trouble::SetAside(aside));
            }
        }
        let Some(store) = &mut self.store else { return Ok(()) };
        if self.presence.as_ref().is_none_or(|p| !p.exists()) {
            self.presence = None;
            self.presence = Some(store.join()?);
        }
        if let (Some(presence), false) = (&self.presence, self.has_imported) {
            let count = store.import(presence, &self.config.spill)?;
            self.has_imported = true;
            if count > 0 {
                (self.notify)(Trouble::Imported(count));
            }
        }
        if !self.has_cutoff {
            if self.config.days > 0 {
                // The machine's clock: a prompter started with `--at` has another, by which it must not delete calls.
                self.expired_before = Some(store.cutoff(self.config.days, Utc::now())?);
            }
            self.has_cutoff = true;
        }
        if let (Some(presence), false) = (&self.presence, self.pending.is_empty()) {
            store.save(presence.id(), self.pending.values().map(Pending::change))?;
            self.last = std::mem::take(&mut self.pending).pop_last();
        }
        Ok(())
    }

    /// Deletes a batch of expired calls. A failure here recurs when a call is written, and is reported then.
    fn delete_expired(&mut self) {
        let (Some(before), Some(store)) = (self.expired_before, &mut self.store) else {
            self.expired_before = None;
            return;
        };
        if !store.delete_batch(before).is_ok_and(|some| some.more) {
            self.expired_before = None;
        }
    }

    fn recap(&mut self, (day, zone): Day) -> Recap {
        let span = span(Some(day), Some(day), zone);
        let empty = || ReportBuilder::new(zone, By::One(Dimension::Hour));
        let mut builder = empty();
        let pending = &self.pending;
        let add = |summary: &CallSummary, _: &Interner| {
            if !pending.values().any(|call| call.id() == summary.id) {
                builder.add(summary);
            }
            Ok::<(), Error>(())
        };
        let written = match &mut self.store {
            Some(store) => summaries(store.connection(), span, add).ok(),
            // What can't be written may still be readable.
            None => Reader::open(&self.config.path).ok().flatten().and_then(|mut r| r.summaries(span, add).ok()),
        };
        let whole = written.is_some();
        if !whole {
            builder = empty();
        }
        let mut texts = written.unwrap_or_default();
        let records = self.pending.values().filter_map(Pending::record);
        for record in records.filter(|record| span.has(record.start.timestamp_millis())) {
            if let Some(summary) = CallSummary::of(record, &mut texts) {
                builder.add(&summary);
            }
        }
        Recap { report: builder.report(&texts, &Teams::default()), whole }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use penutup_rules::closing::ending::Outcome;

    fn record(call: u64) -> Box<Record> {
        Box::new(Record { call, end: Some((DateTime::UNIX_EPOCH, Outcome::Left)), ..Record::default() })
    }

    #[test]
    fn the_inbox_is_bounded_and_dropped_calls_are_counted() {
        let mut inbox = Inbox::default();
        let calls = MAX_CALLS as u64 + 3;
        for call in 0..calls {
            for _ in 0..2 {
                inbox.put(call, Some(record(call)), DateTime::UNIX_EPOCH);
            }
        }
        assert_eq!((inbox.calls.len(), inbox.lost), (MAX_CALLS, 3), "of a call only the newest record waits");
        assert_eq!(inbox.calls.keys().next(), Some(&3));
        // A call that never ended is dropped first, but never the running one.
        inbox.put(7, None, DateTime::UNIX_EPOCH);
        inbox.put(calls, None, DateTime::UNIX_EPOCH);
        assert!(!inbox.calls.contains_key(&7) && inbox.calls.contains_key(&3) && inbox.calls.contains_key(&calls));
        assert_eq!((inbox.calls.len(), inbox.lost), (MAX_CALLS, 4));
    }
}
