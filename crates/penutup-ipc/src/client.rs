//! The client side of the local socket: finds the prompter that was used last, or the one at a seat, and sends it one
//! message. Never exceeds its deadline, whatever the prompters do.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::message::{Command, Greeting, Rejection, Reply, to_line};
use super::pipe::Pipe;
use super::socket_dir::SocketDir;
use penutup_rules::text::fold;
use penutup_system::error::is_foreign;

/// The pause between two attempts to connect.
const RETRY_PAUSE: Duration = Duration::from_millis(2);

/// Why a message was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// No prompter is open.
    NoPrompter,
    NoSeat,
    /// There are prompters, but none sent a greeting or a reply in time.
    NoReply,
    /// There are prompters, but all are busy.
    Busy,
    /// The socket could be another user's: nothing was sent.
    Foreign,
    /// The message is too long.
    TooLong,
}

/// A prompter that has greeted.
struct Greeted {
    socket: PathBuf,
    pipe: Pipe,
    greeting: Greeting,
    at: Instant,
}

/// Sends an event or presses. Returns the reply, or `None` if the prompter received them but did not reply in time.
///
/// # Errors
/// Why they were not delivered.
pub fn send(
    dir: &SocketDir,
    seat: Option<&str>,
    command: &Command,
    patience: Duration,
) -> Result<Option<Reply>, SendError> {
    let start = Instant::now();
    let deadline = start + patience;
    let line = to_line(command);
    if line.len() > super::message::MAX_LINE {
        return Err(SendError::TooLong);
    }
    match dir.check() {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(SendError::NoPrompter),
        Err(_) => return Err(SendError::Foreign),
        Ok(()) => {}
    }
    // A silent prompter must leave time to try another one.
    let (mut greeted, failure) = greetings(dir.sockets(), start + patience * 2 / 3);
    // A peer without proof of being this user's counts as absent.
    let proof = dir.proof().map_err(|_| SendError::NoPrompter)?;
    greeted.retain(|g| g.greeting.proof == proof);
    if greeted.is_empty() {
        return Err(failure.unwrap_or(SendError::NoPrompter));
    }
    let at_seat = |g: &Greeted| seat.is_none_or(|seat| g.greeting.seat.as_deref().is_some_and(|s| s == fold(seat)));
    greeted.retain(at_seat);
    let chosen = last_used(&greeted.iter().map(|g| (&g.greeting, g.at)).collect::<Vec<_>>());
    let chosen = chosen.map(|at| greeted.swap_remove(at));
    // If a prompter did not greet, it may be the one at that seat: report that, not `NoSeat`.
    let mut chosen = chosen.ok_or(failure.unwrap_or(SendError::NoSeat))?;
    chosen.pipe.write(&line, deadline).map_err(|e| if is_closed(&e) { SendError::Busy } else { SendError::NoReply })?;
    match chosen.pipe.line(deadline) {
        // A reply that can't be parsed is from a newer program; the command was delivered all the same.
        Ok(Some(line)) => Ok(serde_json::from_slice(&line).ok()),
        // It may have performed the command before it ended.
        Ok(None) if has_ended(&chosen.socket) => Ok(None),
        // The prompter closes no connection without a reply once it has read a command.
        Ok(None) => Err(SendError::Busy),
        Err(e) if is_closed(&e) => Err(SendError::Busy),
        Err(_) => Ok(None),
    }
}

/// The index of the prompter that was used last, from the greetings and their times.
fn last_used(greeted: &[(&Greeting, Instant)]) -> Option<usize> {
    let used: Option<Vec<u64>> = greeted.iter().map(|(greeting, _)| greeting.used).collect();
    if let Some(used) = used {
        return (0..used.len()).max_by_key(|at| used[*at]);
    }
    // A prompter that greeted earlier has been idle for longer by now.
    let idle = |at: &usize| Duration::from_millis(greeted[*at].0.idle).saturating_add(greeted[*at].1.elapsed());
    (0..greeted.len()).min_by_key(idle)
}

/// All prompters that greet in time, and why some other did not.
fn greetings(mut sockets: Vec<PathBuf>, deadline: Instant) -> (Vec<Greeted>, Option<SendError>) {
    let (send, results) = channel();
    let last = sockets.pop();
    for socket in sockets {
        let send = send.clone();
        // A hanging one blocks only its own thread, which ends with the process.
        thread::spawn(move || _ = send.send(greet(&socket, deadline)));
    }
    // The last one, usually the only one, needs no thread.
    if let Some(socket) = last {
        let _ = send.send(greet(&socket, deadline));
    }
    drop(send);
    let (mut greeted, mut failure) = (Vec::new(), None);
    loop {
        match results.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(Ok(one)) => greeted.push(one),
            Ok(Err(why)) => failure = failure.or(why),
            Err(RecvTimeoutError::Timeout) => return (greeted, failure.or(Some(SendError::NoReply))),
            Err(RecvTimeoutError::Disconnected) => return (greeted, failure),
        }
    }
}

/// Waits for a greeting. The error says why there is none; `None` if no process listens.
fn greet(socket: &Path, deadline: Instant) -> Result<Greeted, Option<SendError>> {
    let mut late = SendError::NoReply;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let stream = SocketDir::connect(socket, left).map_err(|e| match e.kind() {
            _ if is_foreign(&e) => Some(SendError::Foreign),
            io::ErrorKind::TimedOut => Some(late),
            // The system's queue for connections is full.
            io::ErrorKind::WouldBlock => Some(SendError::Busy),
            _ => None,
        })?;
        let mut pipe = Pipe::new(stream);
        match pipe.line(deadline) {
            Ok(Some(line)) => {
                if let Ok(greeting) = serde_json::from_slice(&line) {
                    return Ok(Greeted { socket: socket.into(), pipe, greeting, at: Instant::now() });
                }
                let reply: Reply = serde_json::from_slice(&line).map_err(|_| None)?;
                if reply.bad != Some(Rejection::Busy) {
                    return Err(None);
                }
            }
            Ok(None) => {}
            Err(e) if is_closed(&e) => {}
            Err(e) if e.kind() == io::ErrorKind::TimedOut => return Err(Some(late)),
            Err(_) => return Err(None),
        }
        // It is busy, closed this connection for another, or is just ending: in that case the next attempt finds no
        // listener.
        late = SendError::Busy;
        if left < RETRY_PAUSE {
            return Err(Some(late));
        }
        thread::sleep(RETRY_PAUSE);
    }
}

/// Whether no process listens at the socket any more.
fn has_ended(socket: &Path) -> bool {
    let result = SocketDir::connect(socket, RETRY_PAUSE);
    result.is_err_and(|e| matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused))
}

/// Whether the peer has closed the connection.
fn is_closed(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof, WriteZero};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected | UnexpectedEof | WriteZero)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::Incoming;
    use crate::message::PROTOCOL;
    use crate::phone_event::PhoneEvent;
    use crate::socket::{LastUse, listen};
    use penutup_system::folders::Folders;

    const WAIT: Duration = Duration::from_secs(60);

    fn greeting(idle: u64, used: Option<u64>) -> Greeting {
        Greeting { penutup: PROTOCOL, seat: None, idle, used, proof: None }
    }

    #[test]
    fn the_prompter_used_last_is_chosen_even_if_its_greeting_is_read_late() {
        let (soon, late) = (Instant::now(), Instant::now() + WAIT);
        let earlier = greeting(5000, Some(100));
        let later = greeting(4000, Some(1100));
        assert_eq!(last_used(&[(&earlier, late), (&later, soon)]), Some(1));
        assert_eq!(last_used(&[(&later, soon), (&earlier, late)]), Some(0));
        // An earlier version sends only `idle`.
        let old = greeting(3000, None);
        assert_eq!(last_used(&[(&later, soon), (&old, soon)]), Some(1));
        assert_eq!(last_used(&[]), None);
    }

    fn end() -> Command {
        Command::Phone(PhoneEvent::End { id: None })
    }

    #[test]
    fn a_message_is_delivered_and_answered_until_the_prompter_ends() {
        let folder = tempfile::tempdir().unwrap();
        let dir = SocketDir::of(&Folders::below(folder.path())).unwrap();
        assert_eq!(send(&dir, None, &end(), WAIT), Err(SendError::NoPrompter));
        let (sender, events) = channel();
        let seat = Some("meja 7".to_owned());
        let handler = Arc::new(sender);
        let listening = listen(dir.clone(), seat, Arc::new(LastUse::default()), handler, |_| {});
        let start = Instant::now();
        while dir.sockets().is_empty() || !dir.proof().is_ok_and(|p| p.is_some() == cfg!(windows)) {
            assert!(start.elapsed() < WAIT, "no prompter listens");
            thread::yield_now();
        }
        for seat in [None, Some("meja 7")] {
            assert_eq!(send(&dir, seat, &end(), WAIT), Ok(Some(Reply::default())));
            assert_eq!(events.recv_timeout(WAIT), Ok(Incoming::Phone(PhoneEvent::End { id: None })));
        }
        assert_eq!(send(&dir, Some("meja 8"), &end(), WAIT), Err(SendError::NoSeat));
        drop(listening);
        assert_eq!(send(&dir, None, &end(), WAIT), Err(SendError::NoPrompter));
    }
}
