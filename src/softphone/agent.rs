//! The fleet agent's side of the local socket: one long connection to one prompter. It blocks, but never longer than it
//! was told to.

use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, Instant};

use super::message::{Answer, Bad, Greeting, MAX_LINE, Message, to_line};
use super::pipe::Pipe;
use super::place::Place;

/// How long a look whether the prompter is still there may take.
const GLANCE: Duration = Duration::from_millis(2);

/// Why a prompter was not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotTold {
    /// It is gone, or does not answer in time.
    Gone,
    /// It can't prove that it is this user's: it was told nothing.
    NoProof,
    /// It does not take this; [`Bad::Unknown`] to the first word is a prompter that knows no fleet, [`Bad::Taken`] one
    /// that has a later agent. Except where [`Bad::TooLong`] was found before it was sent, the connection is over.
    Refused(Bad),
}

/// A connection that a prompter has taken as its agent's. Dropped, the agent is gone for that prompter.
#[derive(Debug)]
pub struct AgentLine {
    pipe: Pipe,
    greeting: Greeting,
    patience: Duration,
}

impl AgentLine {
    /// Connects to one of [`Place::sockets`] and says that it is the agent. Nothing takes longer than `patience`, now and
    /// later.
    ///
    /// # Errors
    /// Why it is not taken as the agent.
    pub fn connect(place: &Place, socket: &Path, patience: Duration) -> Result<Self, NotTold> {
        let deadline = Instant::now() + patience;
        let mut pipe = Pipe::new(Place::connect(socket, patience).map_err(|_| NotTold::Gone)?);
        let line = pipe.line(deadline).ok().flatten().ok_or(NotTold::Gone)?;
        let greeting: Greeting = serde_json::from_slice(&line).map_err(|_| NotTold::Gone)?;
        if place.proof().map_err(|_| NotTold::NoProof)? != greeting.proof {
            return Err(NotTold::NoProof);
        }
        let mut line = Self { pipe, greeting, patience };
        line.tell(&Message::Fleet)?;
        Ok(line)
    }

    /// How the prompter greeted.
    #[must_use]
    pub fn greeting(&self) -> &Greeting {
        &self.greeting
    }

    /// Tells it something and waits until it has taken it.
    ///
    /// # Errors
    /// Why it has not.
    pub fn tell(&mut self, message: &Message) -> Result<(), NotTold> {
        let line = to_line(message);
        if line.len() > MAX_LINE {
            return Err(NotTold::Refused(Bad::TooLong));
        }
        let deadline = Instant::now() + self.patience;
        self.pipe.write(&line, deadline).map_err(|_| NotTold::Gone)?;
        let answer = self.pipe.line(deadline).ok().flatten().ok_or(NotTold::Gone)?;
        let answer: Answer = serde_json::from_slice(&answer).map_err(|_| NotTold::Gone)?;
        answer.bad.map_or(Ok(()), |bad| Err(NotTold::Refused(bad)))
    }

    /// Whether the prompter is still there; looks for two milliseconds. It says nothing unasked, so that anything else
    /// than silence is its end.
    #[must_use]
    pub fn is_there(&mut self) -> bool {
        self.pipe.line(Instant::now() + GLANCE).is_err_and(|e| e.kind() == ErrorKind::TimedOut)
    }
}
