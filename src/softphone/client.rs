//! The other side of the local socket: finds the prompter that was used last, or the one at a seat, and hands it one
//! message. Never waits longer than it was told to, whatever the prompters do.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use super::message::{Answer, Greeting, Message, to_line};
use super::pipe::Pipe;
use super::place::Place;
use crate::action::phone::PhoneEvent;
use crate::rules::text::fold;

/// Why a message reached nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoCall {
    /// No prompter is open.
    NoPrompter,
    /// None at that seat.
    NoSeat,
    /// There are prompters, but none says a word.
    NoWord,
    /// The message does not fit.
    TooLong,
}

/// A prompter that has greeted.
struct Greeted {
    pipe: Pipe,
    greeting: Greeting,
}

/// Hands a message over. The prompter's answer, or `None` where it has the message and takes its time.
///
/// # Errors
/// Why nobody has it.
pub fn hand(
    place: &Place,
    seat: Option<&str>,
    event: PhoneEvent,
    patience: Duration,
) -> Result<Option<Answer>, NoCall> {
    let start = Instant::now();
    let deadline = start + patience;
    let line = to_line(&Message::Phone(event));
    if line.len() > super::message::MAX_LINE {
        return Err(NoCall::TooLong);
    }
    // One that is silent must leave time to speak with another.
    let (mut greeted, silent) = greetings(place.sockets(), start + patience * 2 / 3);
    // Who can't prove to be of this user is nobody.
    let proof = place.proof().map_err(|_| NoCall::NoPrompter)?;
    greeted.retain(|g| g.greeting.proof == proof);
    let none = if silent { NoCall::NoWord } else { NoCall::NoPrompter };
    if greeted.is_empty() {
        return Err(none);
    }
    let at_seat = |g: &Greeted| seat.is_none_or(|seat| g.greeting.seat.as_deref().is_some_and(|s| s == fold(seat)));
    let chosen = greeted.into_iter().filter(at_seat).min_by_key(|g| g.greeting.idle);
    // The one that says no word may sit at that seat.
    let nobody = if silent { NoCall::NoWord } else { NoCall::NoSeat };
    let mut chosen = chosen.ok_or(nobody)?;
    chosen.pipe.write(&line, deadline).map_err(|_| NoCall::NoWord)?;
    let answer = chosen.pipe.line(deadline).ok().flatten();
    Ok(answer.and_then(|line| serde_json::from_slice(&line).ok()))
}

/// Everybody who greets in time, and whether somebody was there who did not.
fn greetings(mut sockets: Vec<PathBuf>, deadline: Instant) -> (Vec<Greeted>, bool) {
    let (send, heard) = channel();
    let last = sockets.pop();
    for socket in sockets {
        let send = send.clone();
        // One that hangs holds its thread alone, and that ends with the process.
        thread::spawn(move || send.send(greet(&socket, deadline)));
    }
    // The last, and mostly the only one, needs no thread.
    if let Some(socket) = last {
        let _ = send.send(greet(&socket, deadline));
    }
    drop(send);
    let (mut greeted, mut silent) = (Vec::new(), false);
    loop {
        match heard.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(Ok(one)) => greeted.push(one),
            Ok(Err(e)) => silent |= e.kind() == io::ErrorKind::TimedOut,
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => return (greeted, true),
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return (greeted, silent),
        }
    }
}

fn greet(socket: &Path, deadline: Instant) -> io::Result<Greeted> {
    let left = deadline.saturating_duration_since(Instant::now());
    let mut pipe = Pipe::new(Place::connect(socket, left)?);
    let line = pipe.line(deadline)?.ok_or(io::ErrorKind::UnexpectedEof)?;
    let greeting = serde_json::from_slice(&line).map_err(|_| io::ErrorKind::InvalidData)?;
    Ok(Greeted { pipe, greeting })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::action::Action;
    use crate::files::Folders;
    use crate::softphone::socket::{Used, listen};

    const WAIT: Duration = Duration::from_secs(60);

    fn end() -> PhoneEvent {
        PhoneEvent::End { id: None }
    }

    #[test]
    fn what_is_handed_over_arrives_and_is_answered_and_nobody_is_there_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::of(&Folders::below(folder.path())).unwrap();
        assert_eq!(hand(&place, None, end(), WAIT), Err(NoCall::NoPrompter));
        let (tell, told) = channel();
        let seat = Some("meja 7".to_owned());
        let listening = listen(place.clone(), seat, Arc::new(Used::default()), move |asked| {
            let action = asked.action.clone();
            asked.answer(Vec::new());
            tell.send(action).is_ok()
        });
        let start = Instant::now();
        while place.sockets().is_empty() || !place.proof().is_ok_and(|p| p.is_some() == cfg!(windows)) {
            assert!(start.elapsed() < WAIT, "it listens");
            thread::yield_now();
        }
        for seat in [None, Some("meja 7")] {
            assert_eq!(hand(&place, seat, end(), WAIT), Ok(Some(Answer::default())));
            assert_eq!(told.recv_timeout(WAIT), Ok(Action::Phone(end())));
        }
        assert_eq!(hand(&place, Some("meja 8"), end(), WAIT), Err(NoCall::NoSeat));
        drop(listening);
        assert_eq!(hand(&place, None, end(), WAIT), Err(NoCall::NoPrompter));
    }
}
