//! The prompter's side of the local socket: a thread that sleeps in `accept`, and one for each connection, with a
//! deadline. Slow, half, huge and hostile messages cost their sender the connection and nobody else anything.
//!
//! The fleet's agent stays. A prompter has one: the last that came. An earlier one is told so at its next word and hung
//! up on, and its end is nobody's end.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use interprocess::local_socket::Stream;
use interprocess::local_socket::traits::Listener as _;

use super::message::{Answer, Bad, Greeting, Message, PROTOCOL, line, parse};
use super::pipe::Pipe;
use super::place::{OwnFile, Place};
use crate::action::Action;
use crate::action::agent::AgentEvent;
use crate::action::phone::Ignored;

/// How long a message may take to come.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long the prompter may take to answer: after that, what was told is no longer news.
const ANSWER: Duration = Duration::from_secs(2);
/// The most connections at once.
const MAX_CONNECTIONS: usize = 32;
/// The most messages over one connection.
const MAX_MESSAGES: usize = 64;
/// The most agents at once: one that is replaced goes at its next word.
const MAX_AGENTS: usize = 4;
/// How many messages an agent may send in a row as fast as they are answered, and how long each further one waits.
const BURST: u32 = 32;
const PACE: Duration = Duration::from_millis(20);
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

/// What was told over the socket, and who waits for the answer.
#[derive(Debug)]
pub struct Asked {
    /// What is to happen.
    pub action: Action,
    answer: SyncSender<Vec<Ignored>>,
    until: Instant,
}

impl Asked {
    /// Whether it is too late to heed it: the prompter was stopped, and the call is long over. What the centre has
    /// declared, and that its agent is gone, is never too late.
    #[must_use]
    pub fn is_late(&self) -> bool {
        Instant::now() > self.until && !matches!(self.action, Action::Agent(_))
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
    let (tell, open, agents) = (Arc::new(tell), Arc::new(AtomicUsize::new(0)), Arc::new(Agents::default()));
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
            let Some(slot) = Slot::take(&open, MAX_CONNECTIONS) else { continue };
            let (tell, agents) = (Arc::clone(&tell), Arc::clone(&agents));
            let greeting = Greeting { penutup: PROTOCOL, seat: seat.clone(), idle: used.idle(), proof: proof.clone() };
            thread::spawn(move || {
                let _slot = slot;
                serve(stream, owner, &greeting, &agents, &*tell);
            });
        }
    });
    Listening { file }
}

/// One of so many at once.
struct Slot(Arc<AtomicUsize>);

impl Slot {
    fn take(open: &Arc<AtomicUsize>, most: usize) -> Option<Self> {
        let slot = Self(Arc::clone(open));
        (slot.0.fetch_add(1, Ordering::Relaxed) < most).then_some(slot)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Which connection is the agent's: the last that said so.
#[derive(Default)]
struct Agents {
    open: Arc<AtomicUsize>,
    /// The number of the last. Held while its coming and going is told, so that no end is told after another's coming.
    last: Mutex<u64>,
}

impl Agents {
    fn last(&self) -> MutexGuard<'_, u64> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An agent comes; `None` where as many are there as may be.
    fn come<'a, T: Fn(Asked) -> bool>(&'a self, tell: &'a T) -> Option<Agent<'a, T>> {
        let slot = Slot::take(&self.open, MAX_AGENTS)?;
        let mut last = self.last();
        *last += 1;
        let agent = Agent { number: *last, agents: self, tell, row: 0, heard: Instant::now(), _slot: slot };
        agent.tells(AgentEvent::Came);
        Some(agent)
    }
}

/// An agent that came. When this is dropped, it is gone.
struct Agent<'a, T: Fn(Asked) -> bool> {
    number: u64,
    agents: &'a Agents,
    tell: &'a T,
    /// How many messages came one close behind the other.
    row: u32,
    heard: Instant,
    _slot: Slot,
}

impl<T: Fn(Asked) -> bool> Agent<'_, T> {
    /// Tells it without waiting for an answer.
    fn tells(&self, event: AgentEvent) {
        let (answer, _) = sync_channel(1);
        let _ = (self.tell)(Asked { action: Action::Agent(event), answer, until: Instant::now() });
    }

    fn is_last(&self) -> bool {
        *self.agents.last() == self.number
    }

    /// Slows a flood down, so that the screen has more to do than to heed it.
    fn slow_down(&mut self) {
        self.row = if self.heard.elapsed() < PACE { self.row.saturating_add(1) } else { 0 };
        if self.row > BURST {
            thread::sleep(PACE);
        }
        self.heard = Instant::now();
    }
}

impl<T: Fn(Asked) -> bool> Drop for Agent<'_, T> {
    fn drop(&mut self) {
        let last = self.agents.last();
        if *last == self.number {
            self.tells(AgentEvent::Gone);
        }
    }
}

/// Speaks with one who came.
fn serve<T: Fn(Asked) -> bool>(stream: Stream, owner: Owner, greeting: &Greeting, agents: &Agents, tell: &T) {
    let mut pipe = Pipe::new(stream);
    if !owner.may_come(&pipe) {
        return;
    }
    if pipe.write(&line(greeting), Instant::now() + PATIENCE).is_err() {
        return;
    }
    let mut agent: Option<Agent<'_, T>> = None;
    let mut left = MAX_MESSAGES;
    while left > 0 {
        match &mut agent {
            None => left -= 1,
            Some(agent) => {
                agent.slow_down();
                if !pipe.wait().unwrap_or(false) {
                    return;
                }
            }
        }
        let message = match pipe.line(Instant::now() + PATIENCE) {
            Ok(Some(line)) => parse(&line),
            Err(e) if e.kind() == std::io::ErrorKind::InvalidData => Err(Bad::TooLong),
            Ok(None) | Err(_) => return,
        };
        let heard = match (message, &agent) {
            (Ok(_), Some(agent)) if !agent.is_last() => Err(Bad::Taken),
            (Ok(Message::Fleet), None) => match agents.come(tell) {
                Some(one) => {
                    agent = Some(one);
                    Ok(None)
                }
                None => Err(Bad::Taken),
            },
            (Ok(Message::Phone(event)), None) => Ok(Some(Action::Phone(event))),
            (Ok(Message::Klb(klb)), Some(_)) => Ok(Some(Action::Agent(AgentEvent::Klb(klb)))),
            (Ok(Message::Rules), Some(_)) => Ok(Some(Action::Agent(AgentEvent::Rules))),
            (Ok(Message::Link(None)), Some(_)) => Ok(Some(Action::Agent(AgentEvent::Up))),
            (Ok(Message::Link(Some(since))), Some(_)) => Ok(Some(Action::Agent(AgentEvent::Down(since)))),
            (Ok(_), _) => Err(Bad::OutOfTurn),
            (Err(bad), _) => Err(bad),
        };
        let answer = match heard {
            Ok(None) => Answer::default(),
            Ok(Some(action)) => match ask(action, tell) {
                Some(ignored) => Answer { ignored, bad: None },
                None => return,
            },
            Err(bad) => Answer { bad: Some(bad), ..Answer::default() },
        };
        let written = pipe.write(&line(&answer), Instant::now() + PATIENCE);
        if written.is_err() || answer.bad.is_some() {
            return;
        }
    }
}

/// Hands what is to happen to the prompter and waits for its answer.
fn ask(action: Action, tell: &impl Fn(Asked) -> bool) -> Option<Vec<Ignored>> {
    let (answer, answered) = sync_channel(1);
    if !tell(Asked { action, answer, until: Instant::now() + ANSWER }) {
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
