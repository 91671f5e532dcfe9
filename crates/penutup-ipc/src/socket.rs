//! The prompter's side of the local socket: a thread that blocks in `accept`, and one thread per connection, each with
//! a deadline. A slow, incomplete, oversized or hostile message costs its sender the connection and affects no one
//! else.
//!
//! The fleet agent's connection stays open. A prompter has one agent: the last to connect. An earlier one learns this
//! in the reply to its next command and is disconnected; its end is not reported as the agent's.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use interprocess::local_socket::Stream;
use interprocess::local_socket::traits::Listener as _;

use super::agents::{Agent, Agents};
use super::connections::{Connections, Slot};
use super::message::{Command, Greeting, PROTOCOL, Rejection, Reply, line, parse};
#[cfg(unix)]
use super::owner;
use super::pipe::Pipe;
use super::rate_limit::RateLimit;
use super::socket_dir::{Bound, OwnFile, SocketDir};
use crate::agent_event::AgentEvent;
use crate::{Handler, Incoming};

/// How long a command may take to arrive.
const COMMAND_TIMEOUT: Duration = Duration::from_millis(500);
/// How long a connection that claims to be the agent's may take to send its second command.
const CLAIM_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the prompter may take to reply: after that the event is stale.
const REPLY_TIMEOUT: Duration = Duration::from_secs(2);
/// The most commands over one connection.
const MAX_MESSAGES: usize = 64;
/// How many connections are accepted at once, and the delay for each further one.
const BURST: u32 = 128;
const INTERVAL: Duration = Duration::from_millis(5);
/// This many failures of `accept` in a row are reported.
const MAX_FAILURES: u32 = 20;
/// The pause after a failure of `accept`.
const FAILURE_PAUSE: Duration = Duration::from_millis(50);
/// The pause before the next attempt to create the socket.
const RETRY_PAUSE: Duration = Duration::from_secs(10);
/// The threads' names.
const LISTENER_THREAD: &str = "socket";
const CONNECTION_THREAD: &str = "socket-connection";

/// When the prompter's keys were last used.
#[derive(Debug)]
pub struct LastUse(AtomicU64);

impl Default for LastUse {
    fn default() -> Self {
        Self(AtomicU64::new(moment()))
    }
}

impl LastUse {
    /// Records that a key was used.
    pub fn now(&self) {
        self.0.store(moment(), Ordering::Relaxed);
    }

    /// The greeting's data about the prompter.
    pub fn greeting(&self, seat: Option<String>, proof: Option<String>) -> Greeting {
        let used = self.0.load(Ordering::Relaxed);
        Greeting {
            penutup: PROTOCOL,
            seat,
            idle: moment().saturating_sub(used),
            used: cfg!(unix).then_some(used),
            proof,
        }
    }
}

/// Milliseconds since boot, the same in every process.
#[cfg(unix)]
fn moment() -> u64 {
    use rustix::time::{ClockId, clock_gettime};

    let now = clock_gettime(ClockId::Monotonic);
    let ms = i128::from(now.tv_sec) * 1000 + i128::from(now.tv_nsec) / 1_000_000;
    u64::try_from(ms).unwrap_or_default()
}

/// Milliseconds since the first call of this function.
#[cfg(not(unix))]
fn moment() -> u64 {
    static FIRST: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    u64::try_from(FIRST.get_or_init(Instant::now).elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// The listening thread's handle. Its socket is removed on drop.
#[derive(Debug)]
pub struct Listening {
    file: Arc<Mutex<Option<OwnFile>>>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Listens in a thread of its own and sends the events it receives. `trouble` is called when no socket can be created
/// or no connection accepted, and with `None` when that is over.
pub fn listen(
    dir: SocketDir,
    seat: Option<String>,
    used: Arc<LastUse>,
    handler: Arc<dyn Handler>,
    trouble: impl Fn(Option<io::Error>) + Send + 'static,
) -> Listening {
    let file = Arc::new(Mutex::new(None));
    let shared_file = Arc::clone(&file);
    let run = move || {
        let Some((bound, proof)) = create_socket(&dir, &shared_file, &trouble) else { return };
        *shared_file.lock().unwrap_or_else(PoisonError::into_inner) = Some(bound.file);
        if has_ended(&shared_file) {
            shared_file.lock().unwrap_or_else(PoisonError::into_inner).take();
            return;
        }
        let shared = Arc::new(Shared { connections: Arc::default(), agents: Agents::default(), handler });
        let mut arrivals = RateLimit::new(BURST, INTERVAL);
        let (mut failures, mut is_full) = (0, false);
        loop {
            let greeting = || used.greeting(seat.clone(), proof.clone());
            // Once a file descriptor is free, `accept` succeeds only with the next connection, which may be hours away:
            // check for recovery here.
            if is_full && dir.has_room() {
                trouble(None);
                (failures, is_full) = (0, false);
            }
            let admitted = bound.listener.accept().and_then(|stream| shared.admit(stream, greeting()));
            match admitted {
                Ok(()) if failures >= MAX_FAILURES => trouble(None),
                Ok(()) => {}
                Err(e) => {
                    failures += 1;
                    if failures == MAX_FAILURES {
                        is_full = !dir.has_room();
                        trouble(Some(e));
                    }
                    thread::sleep(FAILURE_PAUSE);
                    continue;
                }
            }
            (failures, is_full) = (0, false);
            arrivals.wait();
        }
    };
    // If this thread can't be started, no other thread can be either.
    let _ = thread::Builder::new().name(LISTENER_THREAD.into()).spawn(run);
    Listening { file }
}

/// Creates the socket, retrying until it succeeds; `None` if the prompter has ended meanwhile.
fn create_socket(
    dir: &SocketDir,
    shared_file: &Arc<Mutex<Option<OwnFile>>>,
    trouble: &impl Fn(Option<io::Error>),
) -> Option<(Bound, Option<String>)> {
    let mut has_trouble = false;
    loop {
        match dir.bind().and_then(|bound| Ok((bound, dir.create_proof()?))) {
            Ok(made) => {
                if has_trouble {
                    trouble(None);
                }
                return Some(made);
            }
            Err(e) => trouble(Some(e)),
        }
        has_trouble = true;
        thread::sleep(RETRY_PAUSE);
        if has_ended(shared_file) {
            return None;
        }
    }
}

/// The prompter holds the other reference; if ours is the last one, it has ended.
fn has_ended(shared_file: &Arc<Mutex<Option<OwnFile>>>) -> bool {
    Arc::strong_count(shared_file) == 1
}

/// Shared by all connections.
struct Shared {
    connections: Arc<Connections>,
    agents: Agents,
    handler: Arc<dyn Handler>,
}

impl Shared {
    /// Serves a connection in a thread of its own.
    fn admit(self: &Arc<Self>, stream: Stream, greeting: Greeting) -> io::Result<()> {
        let stream = Arc::new(stream);
        #[cfg(unix)]
        if !owner::is_trusted_peer(&stream) {
            return Ok(());
        }
        let mut pipe = Pipe::new(Arc::clone(&stream));
        let Some(slot) = self.connections.admit(stream) else {
            let busy = Reply { bad: Some(Rejection::Busy), ..Reply::default() };
            // Nothing was written to it yet, so this write can't block.
            let _ = pipe.write(&line(&busy), Instant::now() + FAILURE_PAUSE);
            return Ok(());
        };
        let shared = Arc::clone(self);
        let run = move || serve(pipe, &slot, &greeting, &shared.agents, &*shared.handler);
        thread::Builder::new().name(CONNECTION_THREAD.into()).spawn(run).map(drop)
    }
}

/// Serves a connection: sends the greeting, then replies to each command.
fn serve(mut pipe: Pipe, slot: &Slot, greeting: &Greeting, agents: &Agents, handler: &dyn Handler) {
    if pipe.write(&line(greeting), Instant::now() + COMMAND_TIMEOUT).is_err() {
        return;
    }
    let mut agent: Option<Agent<'_>> = None;
    let mut left = MAX_MESSAGES;
    while left > 0 {
        let patience = match &mut agent {
            None => {
                left -= 1;
                COMMAND_TIMEOUT
            }
            Some(agent) if !agent.has_sent() => CLAIM_TIMEOUT,
            Some(agent) => {
                agent.slow_down();
                if !pipe.wait().unwrap_or(false) {
                    return;
                }
                COMMAND_TIMEOUT
            }
        };
        let message = match pipe.line(Instant::now() + patience) {
            Ok(Some(line)) => parse(&line),
            Err(e) if e.kind() == io::ErrorKind::InvalidData => Err(Rejection::TooLong),
            Ok(None) | Err(_) => return,
        };
        slot.start_serving();
        let is_agent = agent.as_mut().map(|agent| message.is_ok() && agent.record_message());
        let incoming = match (message, is_agent) {
            (Err(bad), _) => Err(bad),
            (Ok(_), Some(false)) => Err(Rejection::Taken),
            (Ok(Command::Fleet), None) => {
                agent = Some(agents.claim(handler));
                Ok(None)
            }
            (Ok(Command::Phone(event)), None) => Ok(Some(Incoming::Phone(event))),
            (Ok(Command::Press(presses)), None) => Ok(Some(Incoming::Press(presses))),
            (Ok(Command::WebLink(link)), None) => Ok(Some(Incoming::WebLink(link))),
            (Ok(Command::Here), Some(true)) => Ok(None),
            (Ok(Command::Klb(klb)), Some(true)) => Ok(Some(Incoming::Agent(AgentEvent::Klb(klb)))),
            (Ok(Command::Rules), Some(true)) => Ok(Some(Incoming::Agent(AgentEvent::Rules))),
            (Ok(Command::Link(None)), Some(true)) => Ok(Some(Incoming::Agent(AgentEvent::Up))),
            (Ok(Command::WrongClock(ahead)), Some(true)) => Ok(Some(Incoming::Agent(AgentEvent::WrongClock(ahead)))),
            (Ok(Command::Link(Some(since))), Some(true)) => Ok(Some(Incoming::Agent(AgentEvent::Down(since)))),
            (Ok(_), _) => Err(Rejection::OutOfTurn),
        };
        let reply = match incoming {
            Ok(None) => Reply::default(),
            Ok(Some(message)) => match handler.request(message, REPLY_TIMEOUT) {
                Some(reply) => reply,
                None => return,
            },
            Err(bad) => Reply { bad: Some(bad), ..Reply::default() },
        };
        let written = pipe.write(&line(&reply), Instant::now() + COMMAND_TIMEOUT);
        if written.is_err() || reply.bad.is_some() {
            return;
        }
        if is_agent == Some(true) {
            slot.reserve_for_agent();
        }
        slot.stop_serving();
    }
}
