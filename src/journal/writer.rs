//! The journal's thread. No key waits for a disk: a record is handed over and that is all; what can't be written is
//! kept in memory, told once, and tried again. Between two records the thread sleeps without a wake-up.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::time::{Duration, Instant};

use chrono::{DateTime, FixedOffset, NaiveDate, Utc};
use uuid::{NoContext, Timestamp, Uuid};

use super::presence::Presence;
use super::read::{Reader, rows_by_id};
use super::record::Record;
use super::report::{Fold, Recap, span};
use super::row::{Row, row_of};
use super::schema::MIGRATIONS;
use super::spill::{self, Pending};
use super::store::{Claim, Entry, Opened, Store};
use super::trouble::{Error, Finish, Trouble};
use crate::helper::{self, Helper};

/// The most calls that are kept in memory while they can't be written: some hundred days of one seat.
const MOST: usize = 10_000;
/// How long another one's writing is waited for at the end.
const LAST_PATIENCE: Duration = Duration::from_millis(200);
/// How many calls keep their ids, so that an end can be taken back.
const REMEMBERED: usize = 1_000;
/// The first and the longest wait before another try.
const WAIT: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Where and how the journal is kept.
#[derive(Clone, Debug)]
pub struct Config {
    /// The database.
    pub path: PathBuf,
    /// For how many days a call is kept; 0: for ever.
    pub days: u32,
    /// The seat, where the settings name one.
    pub seat: Option<String>,
    /// Where the settings name the database (file and line); then only a file that says so itself is taken for a journal.
    pub named_at: Option<String>,
    /// The folders for what can't be written when the prompter is left, the first that takes it.
    pub spill: Vec<PathBuf>,
}

impl Config {
    /// The journal at its own place, kept for ever.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        let spill = path.parent().map(Into::into).into_iter().collect();
        Self { path, days: 0, seat: None, named_at: None, spill }
    }

    fn claim(&self) -> Claim {
        if self.named_at.is_some() { Claim::Content } else { Claim::Place }
    }
}

enum Message {
    Record(Box<Record>, DateTime<Utc>),
    TakenBack(u64),
    Recap(Day, Answer),
    End,
}

type Day = (NaiveDate, FixedOffset);
type Answer = Box<dyn FnOnce(Recap) + Send>;

/// The journal's thread, from outside. Dropped, it still writes what it has, but nobody waits for it.
#[derive(Debug)]
pub struct Writer {
    send: Sender<Message>,
    /// What became of everything, and then, as its sender goes, that the database is closed.
    done: Receiver<Finish>,
}

/// A journal that is being written and closed.
#[derive(Debug)]
pub struct Finishing(Receiver<Finish>);

impl Finishing {
    /// What became of everything; [`Finish::Unknown`] where that is not known in time.
    #[must_use]
    pub fn wait(self, patience: Duration) -> Finish {
        let end = Instant::now() + patience;
        let finish = self.0.recv_timeout(patience).unwrap_or(Finish::Unknown);
        // Closing the last connection moves the log into the database, which may wait for the disk.
        let _ = self.0.recv_timeout(end.saturating_duration_since(Instant::now()));
        finish
    }
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Message")
    }
}

impl Writer {
    /// Starts the thread, which opens the journal, ends what the dead left open, and deletes what is too old.
    /// `notify` is called in it.
    #[must_use]
    pub fn start(config: Config, notify: impl Fn(Trouble) + Send + 'static) -> Self {
        Self::start_as(config, MIGRATIONS, notify)
    }

    /// Like [`Self::start`], as the version of the program would that has these migrations.
    #[must_use]
    pub fn start_as(
        config: Config,
        migrations: &'static [&'static str],
        notify: impl Fn(Trouble) + Send + 'static,
    ) -> Self {
        let (send, messages) = channel();
        let (tell, done) = channel();
        // Without a thread nothing is written, which the end tells.
        let _ = helper::spawn(Helper::Journal, move || {
            let mut keeper = Keeper::new(config, migrations, notify);
            keeper.run(&messages);
            let _ = tell.send(keeper.finish());
            drop(keeper);
            drop(tell);
        });
        Self { send, done }
    }

    fn send(&self, message: Message) {
        // The thread ends after this sender only.
        let _ = self.send.send(message);
    }

    /// A call as it stands, and what time it is. Never waits.
    pub fn record(&self, record: impl Into<Box<Record>>, now: DateTime<Utc>) {
        self.send(Message::Record(record.into(), now));
    }

    /// Everything in this call was taken back: it never began. Never waits.
    pub fn take_back(&self, call: u64) {
        self.send(Message::TakenBack(call));
    }

    /// The calls of a day of this zone; `answer` is called in the journal's thread, after everything
    /// is written that was recorded before.
    pub fn recap(&self, day: NaiveDate, zone: FixedOffset, answer: impl FnOnce(Recap) + Send + 'static) {
        self.send(Message::Recap((day, zone), Box::new(answer)));
    }

    /// Has everything written, or kept for the next start, and the journal closed.
    #[must_use]
    pub fn begin_to_finish(self) -> Finishing {
        self.send(Message::End);
        Finishing(self.done)
    }

    /// [`Self::begin_to_finish`], waited for.
    #[must_use]
    pub fn finish(self, patience: Duration) -> Finish {
        self.begin_to_finish().wait(patience)
    }
}

/// The newest record of a call that is not written yet.
struct Kept {
    id: Uuid,
    version: u64,
    changed: DateTime<Utc>,
    /// `None` where the call was taken back.
    record: Option<Box<Record>>,
}

impl Kept {
    fn entry(&self) -> Entry<'_> {
        Entry { id: self.id, version: self.version, changed: self.changed, record: self.record.as_deref() }
    }

    fn is_open(&self) -> bool {
        self.record.as_ref().is_none_or(|record| record.end.is_none())
    }
}

struct Trying {
    error: Arc<Error>,
    wait: Duration,
    next: Instant,
}

struct Keeper<N> {
    config: Config,
    migrations: &'static [&'static str],
    notify: N,
    store: Option<Store>,
    presence: Option<Presence>,
    /// By the prompter's number of the call.
    kept: BTreeMap<u64, Kept>,
    /// The call that was written last, for a journal that has to be begun anew.
    last: Option<(u64, Kept)>,
    ids: BTreeMap<u64, (Uuid, u64)>,
    trying: Option<Trying>,
    lost: u64,
    /// Before when calls are deleted; `None` once that is done.
    too_old: Option<i64>,
    was_thinned: bool,
    has_taken_in: bool,
}

impl<N: Fn(Trouble)> Keeper<N> {
    fn new(config: Config, migrations: &'static [&'static str], notify: N) -> Self {
        Self {
            config,
            migrations,
            notify,
            store: None,
            presence: None,
            kept: BTreeMap::new(),
            last: None,
            ids: BTreeMap::new(),
            trying: None,
            lost: 0,
            too_old: None,
            was_thinned: false,
            has_taken_in: false,
        }
    }

    fn run(&mut self, messages: &Receiver<Message>) {
        self.write();
        loop {
            let first = match self.wait(messages) {
                Ok(message) => message,
                Err(RecvTimeoutError::Timeout) => {
                    if self.trying.is_some() {
                        self.write();
                    } else {
                        self.thin_out();
                    }
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => Message::End,
            };
            let mut recaps = Vec::new();
            let mut ends = false;
            for message in std::iter::once(first).chain(messages.try_iter()) {
                match message {
                    Message::Record(record, changed) => self.keep(record, changed),
                    Message::TakenBack(call) => self.keep_taken_back(call),
                    Message::Recap(day, answer) => recaps.push((day, answer)),
                    Message::End => ends = true,
                }
            }
            // While it can't be written, only its time and the end bring another try.
            if ends && let Some(store) = &self.store {
                // Nobody waits long for the end; what another one's lock keeps out is kept for the next start.
                let _ = store.set_patience(LAST_PATIENCE);
            }
            if ends || self.trying.as_ref().is_none_or(|t| t.next <= Instant::now()) {
                self.write();
            }
            for (day, answer) in recaps {
                answer(self.recap(day));
            }
            if ends {
                return;
            }
        }
    }

    /// The next message; a timeout where there is something to do without one.
    fn wait(&self, messages: &Receiver<Message>) -> Result<Message, RecvTimeoutError> {
        match &self.trying {
            Some(trying) => messages.recv_timeout(trying.next.saturating_duration_since(Instant::now())),
            None if self.too_old.is_some() => messages.try_recv().map_err(|e| match e {
                TryRecvError::Empty => RecvTimeoutError::Timeout,
                TryRecvError::Disconnected => RecvTimeoutError::Disconnected,
            }),
            None => messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    /// Keeps the newest record of a call until it is written.
    fn keep(&mut self, record: Box<Record>, changed: DateTime<Utc>) {
        let call = record.call;
        let (id, version) = self.ids.entry(call).or_insert_with(|| {
            let start = record.start;
            let seconds = u64::try_from(start.timestamp()).unwrap_or(0);
            let at = Timestamp::from_unix(NoContext, seconds, start.timestamp_subsec_nanos());
            (Uuid::new_v7(at), 0)
        });
        *version += 1;
        let kept = Kept { id: *id, version: *version, changed, record: Some(record) };
        self.kept.insert(call, kept);
        while self.ids.len() > REMEMBERED {
            self.ids.pop_first();
        }
        if self.kept.len() > MOST {
            // First goes what never ended, then the oldest; never the call that runs.
            let open = self.kept.iter().find(|(_, kept)| kept.is_open()).map(|(call, _)| *call);
            let oldest = self.kept.keys().next().copied();
            if let Some(gone) = open.filter(|c| *c != call).or(oldest) {
                self.kept.remove(&gone);
                self.lost += 1;
            }
        }
    }

    /// Keeps that a call is to go; one that was never heard of need not.
    fn keep_taken_back(&mut self, call: u64) {
        if let Some((id, version)) = self.ids.get(&call) {
            let kept = Kept { id: *id, version: *version, changed: DateTime::UNIX_EPOCH, record: None };
            self.kept.insert(call, kept);
        }
    }

    /// What becomes of the closings that are not written.
    fn finish(&mut self) -> Finish {
        let pending: Vec<Pending> = self.kept.values().filter_map(|kept| self.pending(kept)).collect();
        let Some(trying) = self.trying.take() else { return Finish::Written };
        let (count, error) = (pending.len(), trying.error);
        if count == 0 && self.lost == 0 {
            return Finish::Written;
        }
        match spill::write(&self.config.spill, pending) {
            Ok(file) if self.lost == 0 => Finish::Waiting { count, file, error },
            // What there was no room for in memory is lost, whatever waits.
            Ok(_) => Finish::Lost { count: self.lost, error },
            Err(_) => Finish::Lost { count: self.lost + count as u64, error },
        }
    }

    fn pending(&self, kept: &Kept) -> Option<Pending> {
        let record = kept.record.as_deref()?.clone();
        let (id, seat) = (kept.id.to_string(), self.config.seat.clone());
        Some(Pending { id, version: kept.version, changed: kept.changed, seat, record })
    }

    /// Writes what is kept; where that fails, tells so and tries again later.
    fn write(&mut self) {
        let mut result = self.try_to_write();
        if result.as_ref().is_err_and(Error::is_damage)
            && let Some(store) = self.store.take()
        {
            result = store.set_aside().and_then(|aside| {
                self.begin_anew();
                if let Some(aside) = aside {
                    (self.notify)(Trouble::SetAside(aside));
                }
                self.try_to_write()
            });
        }
        match result {
            Ok(()) => {
                if self.trying.take().is_some() {
                    (self.notify)(Trouble::Over { lost: std::mem::take(&mut self.lost) });
                }
            }
            Err(error) => self.fail(error),
        }
    }

    fn fail(&mut self, error: Error) {
        if !error.is_for_want_of_room() && !error.is_busy() {
            // Opened again at the next try: whatever it was, it may have to do with this connection.
            self.store = None;
        }
        let wait = self.trying.as_ref().map_or(WAIT.0, |t| (t.wait * 2).min(WAIT.1));
        let error = Arc::new(error);
        let trying = Trying { error: Arc::clone(&error), wait, next: Instant::now() + wait };
        let before = self.trying.replace(trying);
        if !before.is_some_and(|b| b.error.is_like(&error)) {
            (self.notify)(Trouble::Began(error));
        }
    }

    /// Another file takes the journal's place: the call that runs is written to it whole.
    fn begin_anew(&mut self) {
        if let Some((call, kept)) = self.last.take() {
            self.kept.entry(call).or_insert(kept);
        }
    }

    fn try_to_write(&mut self) -> Result<(), Error> {
        if self.store.as_ref().is_some_and(|s| !s.is_in_place()) {
            self.store = None;
            self.begin_anew();
        }
        if self.store.is_none() {
            let opened = Store::open_claimed(&self.config.path, self.migrations, self.config.claim());
            let Opened { store, aside } = opened.map_err(|e| e.named_at(self.config.named_at.as_deref()))?;
            self.store = Some(store);
            if let Some(aside) = aside {
                self.begin_anew();
                (self.notify)(Trouble::SetAside(aside));
            }
        }
        let Some(store) = &mut self.store else { return Ok(()) };
        if self.presence.as_ref().is_none_or(|p| !p.is_there()) {
            self.presence = None;
            self.presence = Some(store.join()?);
        }
        if let (Some(presence), false) = (&self.presence, self.has_taken_in) {
            let count = store.take_in(presence, &self.config.spill)?;
            self.has_taken_in = true;
            if count > 0 {
                (self.notify)(Trouble::TakenIn(count));
            }
        }
        if !self.was_thinned {
            if self.config.days > 0 {
                // The machine's own time: a prompter that shows another one must not delete by it.
                self.too_old = Some(store.keeps_from(self.config.days, Utc::now())?);
            }
            self.was_thinned = true;
        }
        if let (Some(presence), false) = (&self.presence, self.kept.is_empty()) {
            store.save(presence.id(), self.config.seat.as_deref(), self.kept.values().map(Kept::entry))?;
            self.last = std::mem::take(&mut self.kept).pop_last();
        }
        Ok(())
    }

    /// Deletes a few of the calls that are too old. What fails here fails again when a call is written, and is told
    /// then.
    fn thin_out(&mut self) {
        let (Some(before), Some(store)) = (self.too_old, &mut self.store) else {
            self.too_old = None;
            return;
        };
        if !store.forget_some(before).is_ok_and(|some| some.more) {
            self.too_old = None;
        }
    }

    fn recap(&mut self, (day, zone): Day) -> Recap {
        let span = span(Some(day), Some(day), zone);
        let mut fold = Fold::new(zone);
        let kept = &self.kept;
        let is_kept = |id: &[u8]| kept.values().any(|k| k.id.as_bytes() == id);
        let add = |row: &Row, id: &[u8]| {
            if !is_kept(id) {
                fold.add(row);
            }
        };
        let written = match &mut self.store {
            Some(store) => rows_by_id(store.connection(), span, add).ok(),
            // What can't be written may still be readable.
            None => Reader::open(&self.config.path).ok().flatten().and_then(|mut r| r.rows_by_id(span, add).ok()),
        };
        let whole = written.is_some();
        if !whole {
            fold = Fold::new(zone);
        }
        let mut vocabulary = written.unwrap_or_default();
        let kept = self.kept.values().filter_map(|kept| kept.record.as_ref());
        for record in kept.filter(|record| span.has(record.start.timestamp_millis())) {
            if let Some(row) = row_of(record, self.config.seat.as_deref(), &mut vocabulary) {
                fold.add(&row);
            }
        }
        Recap::of(&fold.report(&vocabulary), day, whole)
    }
}
