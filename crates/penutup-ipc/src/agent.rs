//! The fleet agent's side of the local socket: one long connection to one prompter. Blocking, with a deadline for every
//! operation.

use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, Instant};

use super::message::{Bad, Command, Greeting, MAX_LINE, Reply, to_line};
use super::pipe::Pipe;
use super::place::SocketDir;
use penutup_system::error::is_foreign;

/// How long the check whether the prompter is still connected may take.
const GLANCE: Duration = Duration::from_millis(2);

/// Why a message was not delivered to a prompter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotDelivered {
    /// The connection is closed, or no reply came in time.
    Gone,
    /// It can't prove that it is this user's: nothing was sent.
    NoProof,
    /// It rejects this; [`Bad::Unknown`] for the first command means a prompter without fleet support, [`Bad::Taken`]
    /// one with a later agent. The connection is closed, except for [`Bad::TooLong`] found before sending.
    Refused(Bad),
}

/// A connection that a prompter has accepted as its agent's. On drop the prompter has no agent any more.
#[derive(Debug)]
pub struct AgentLine {
    pipe: Pipe,
    greeting: Greeting,
    patience: Duration,
}

impl AgentLine {
    /// Connects to one of [`SocketDir::sockets`] as the agent. No operation takes longer than `patience`, now or later.
    ///
    /// # Errors
    /// Why the prompter did not accept it.
    pub fn connect(place: &SocketDir, socket: &Path, patience: Duration) -> Result<Self, NotDelivered> {
        let deadline = Instant::now() + patience;
        // Nothing is sent to a socket that another user could have created.
        let stream = place.check().and_then(|()| SocketDir::connect(socket, patience));
        let stream = stream.map_err(|e| if is_foreign(&e) { NotDelivered::NoProof } else { NotDelivered::Gone })?;
        let mut pipe = Pipe::new(stream);
        let line = pipe.line(deadline).ok().flatten().ok_or(NotDelivered::Gone)?;
        let greeting: Greeting = serde_json::from_slice(&line).map_err(|_| NotDelivered::Gone)?;
        if place.proof().map_err(|_| NotDelivered::NoProof)? != greeting.proof {
            return Err(NotDelivered::NoProof);
        }
        let mut line = Self { pipe, greeting, patience };
        line.tell(&Command::Fleet)?;
        // A claim without a second command would be closed.
        line.tell(&Command::Here)?;
        Ok(line)
    }

    /// The prompter's greeting.
    pub fn greeting(&self) -> &Greeting {
        &self.greeting
    }

    /// Sends a command and waits for its reply.
    ///
    /// # Errors
    /// Why it was not delivered.
    pub fn tell(&mut self, message: &Command) -> Result<(), NotDelivered> {
        let line = to_line(message);
        if line.len() > MAX_LINE {
            return Err(NotDelivered::Refused(Bad::TooLong));
        }
        let deadline = Instant::now() + self.patience;
        self.pipe.write(&line, deadline).map_err(|_| NotDelivered::Gone)?;
        let answer = self.pipe.line(deadline).ok().flatten().ok_or(NotDelivered::Gone)?;
        let answer: Reply = serde_json::from_slice(&answer).map_err(|_| NotDelivered::Gone)?;
        answer.bad.map_or(Ok(()), |bad| Err(NotDelivered::Refused(bad)))
    }

    /// Whether the prompter is still connected; waits two milliseconds. The prompter sends nothing unasked, so anything
    /// but silence means it has ended. A Windows pipe is silent then too: there the next [`Self::tell`] notices.
    pub fn is_there(&mut self) -> bool {
        self.pipe.line(Instant::now() + GLANCE).is_err_and(|e| e.kind() == ErrorKind::TimedOut)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc::channel;

    use super::super::socket::{Used, listen};
    use super::*;
    use crate::Incoming;
    use crate::agent_event::AgentEvent;
    use penutup_system::folders::Folders;

    /// Long enough for a busy machine.
    const WAIT: Duration = Duration::from_secs(60);

    #[test]
    fn an_agents_commands_and_its_end_arrive_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| Some(folder.path().join(name));
        let place = SocketDir::of(&Folders { state: at("state"), runtime: at("run"), ..Folders::default() }).unwrap();
        let (send, events) = channel();
        let handler = Arc::new(send);
        let listening = listen(place.clone(), Some("meja 7".into()), Arc::new(Used::default()), handler, |_| {});
        let end = Instant::now() + WAIT;
        let mut agent = loop {
            let own = std::process::id().to_string();
            let socket = place.sockets().into_iter().find(|path| path.to_string_lossy().contains(&own));
            let agent = socket.map(|socket| AgentLine::connect(&place, &socket, WAIT));
            match agent {
                Some(Ok(agent)) => break agent,
                other => assert!(Instant::now() < end, "{other:?}"),
            }
            std::thread::yield_now();
        };
        assert_eq!(agent.greeting().seat.as_deref(), Some("meja 7"));
        assert!(agent.is_there());
        // Silence is not the end, however often it is checked.
        for _ in 0..3 {
            assert_eq!(agent.tell(&Command::Rules), Ok(()));
            assert!(agent.is_there());
        }
        assert_eq!(agent.tell(&Command::Link(None)), Ok(()));
        drop(agent);
        let mut heard: Vec<Incoming> = Vec::new();
        while heard.last() != Some(&Incoming::Agent(AgentEvent::Gone)) {
            heard.push(events.recv_timeout(WAIT).unwrap());
        }
        let expected = [
            AgentEvent::Came,
            AgentEvent::Rules,
            AgentEvent::Rules,
            AgentEvent::Rules,
            AgentEvent::Up,
            AgentEvent::Gone,
        ];
        assert_eq!(heard, expected.map(Incoming::Agent));
        drop(listening);
    }
}
