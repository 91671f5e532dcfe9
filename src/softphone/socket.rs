//! The prompter's side of the local socket: a thread that sleeps in `accept`, and one for each connection, with a
//! deadline. Slow, half, huge and hostile messages cost their sender the connection and nobody else anything.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use interprocess::local_socket::Stream;
use interprocess::local_socket::traits::Listener as _;

use super::message::{Answer, Bad, Greeting, Message, PROTOCOL, line, parse};
use super::pipe::Pipe;
use super::place::{OwnFile, Place};
use crate::action::phone::{Ignored, PhoneEvent};

/// How long a message may take to come.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long the prompter may take to answer: after that, what was told is no longer news.
const ANSWER: Duration = Duration::from_secs(2);
/// The most connections at once.
const MAX_CONNECTIONS: usize = 32;
/// The most messages over one connection.
const MAX_MESSAGES: usize = 64;
/// So many failures of `accept` in a row, and nobody listens any more.
const MAX_FAILURES: u32 = 100;

/// When the prompter's keys were last touched.
#[derive(Debug)]
pub struct Used {
    start: Instant,
    last: AtomicU64,
}

impl Default for Used {
    fn default() -> Self {
        Self { start: Instant::now(), last: AtomicU64::new(0) }
    }
}

impl Used {
    fn since_start(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// A key was touched.
    pub fn now(&self) {
        self.last.store(self.since_start(), Ordering::Relaxed);
    }

    /// For how many milliseconds none was.
    #[must_use]
    pub fn idle(&self) -> u64 {
        self.since_start().saturating_sub(self.last.load(Ordering::Relaxed))
    }
}

/// What the telephone told, and who waits for the answer.
#[derive(Debug)]
pub struct Asked {
    /// What it told.
    pub event: PhoneEvent,
    answer: SyncSender<Vec<Ignored>>,
    until: Instant,
}

impl Asked {
    /// Whether it is too late to heed it: the prompter was stopped, and the call is long over.
    #[must_use]
    pub fn is_late(&self) -> bool {
        Instant::now() > self.until
    }

    /// Answers it.
    pub fn answer(self, ignored: Vec<Ignored>) {
        // Nobody may be waiting any more.
        let _ = self.answer.try_send(ignored);
    }
}

/// What listens. Its socket goes when this is dropped.
#[derive(Debug)]
pub struct Listening {
    file: Arc<Mutex<Option<OwnFile>>>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Listens in a thread of its own; `tell` hands on what comes and answers whether anybody is there to take it.
/// A socket that can't be made is no prompter's trouble: `penutup call` says that it finds none.
pub fn listen(
    place: Place,
    seat: Option<String>,
    used: Arc<Used>,
    tell: impl Fn(Asked) -> bool + Send + Sync + 'static,
) -> Listening {
    let file = Arc::new(Mutex::new(None));
    let kept = Arc::clone(&file);
    let (tell, open) = (Arc::new(tell), Arc::new(AtomicUsize::new(0)));
    thread::spawn(move || {
        let (Ok(bound), Ok(proof)) = (place.bind(), place.prove()) else { return };
        let owner = Owner::of(&bound.file);
        *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(bound.file);
        // Those who hold it now are us and the prompter; when it alone is left, it has ended meanwhile.
        if Arc::strong_count(&kept) == 1 {
            kept.lock().unwrap_or_else(PoisonError::into_inner).take();
            return;
        }
        let mut failures = 0;
        while failures < MAX_FAILURES {
            let Ok(stream) = bound.listener.accept() else {
                failures += 1;
                thread::sleep(Duration::from_millis(50));
                continue;
            };
            failures = 0;
            let Some(slot) = Slot::take(&open) else { continue };
            let tell = Arc::clone(&tell);
            let greeting = Greeting { penutup: PROTOCOL, seat: seat.clone(), idle: used.idle(), proof: proof.clone() };
            thread::spawn(move || {
                let _slot = slot;
                serve(stream, owner, &greeting, &*tell);
            });
        }
    });
    Listening { file }
}

/// One of the connections at once.
struct Slot(Arc<AtomicUsize>);

impl Slot {
    fn take(open: &Arc<AtomicUsize>) -> Option<Self> {
        let slot = Self(Arc::clone(open));
        (slot.0.fetch_add(1, Ordering::Relaxed) < MAX_CONNECTIONS).then_some(slot)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Speaks with one who came.
fn serve(stream: Stream, owner: Owner, greeting: &Greeting, tell: &impl Fn(Asked) -> bool) {
    let mut pipe = Pipe::new(stream);
    if !owner.may_come(&pipe) {
        return;
    }
    if pipe.write(&line(greeting), Instant::now() + PATIENCE).is_err() {
        return;
    }
    for _ in 0..MAX_MESSAGES {
        let answer = match pipe.line(Instant::now() + PATIENCE) {
            Ok(Some(line)) => match parse(&line) {
                Ok(Message::Phone(event)) => match ask(event, tell) {
                    Some(ignored) => Answer { ignored, bad: None },
                    None => return,
                },
                Err(bad) => Answer { bad: Some(bad), ..Answer::default() },
            },
            Err(e) if e.kind() == std::io::ErrorKind::InvalidData => {
                Answer { bad: Some(Bad::TooLong), ..Answer::default() }
            }
            Ok(None) | Err(_) => return,
        };
        let written = pipe.write(&line(&answer), Instant::now() + PATIENCE);
        if written.is_err() || answer.bad.is_some() {
            return;
        }
    }
}

/// Hands an event to the prompter and waits for its answer.
fn ask(event: PhoneEvent, tell: &impl Fn(Asked) -> bool) -> Option<Vec<Ignored>> {
    let (answer, answered) = sync_channel(1);
    if !tell(Asked { event, answer, until: Instant::now() + ANSWER }) {
        return None;
    }
    answered.recv_timeout(ANSWER).ok()
}

/// Whose socket it is.
#[derive(Clone, Copy)]
struct Owner {
    #[cfg(unix)]
    user: Option<u32>,
}

#[cfg(unix)]
impl Owner {
    fn of(file: &OwnFile) -> Self {
        use std::os::unix::fs::MetadataExt;
        // Who made the file is who we are, without asking the system in ways of its own.
        Self { user: std::fs::symlink_metadata(&file.0).ok().map(|about| about.uid()) }
    }

    /// Whether it is the same user, or the system's; where the system tells nobody's name, the folder's mode has let
    /// nobody else in.
    fn may_come(self, pipe: &Pipe) -> bool {
        use interprocess::local_socket::traits::StreamCommon as _;
        let peer = pipe.stream().peer_creds().ok().and_then(|peer| peer.euid());
        match (peer, self.user) {
            (Some(peer), Some(user)) => peer == user || peer == 0,
            _ => true,
        }
    }
}

#[cfg(windows)]
impl Owner {
    fn of(_: &OwnFile) -> Self {
        Self {}
    }

    #[expect(clippy::unused_self, reason = "on Unix it knows the owner")]
    fn may_come(self, _: &Pipe) -> bool {
        true
    }
}
