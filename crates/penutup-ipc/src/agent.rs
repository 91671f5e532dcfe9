//! The fleet agent's side of the local socket: one long connection to one prompter. Blocking, with a deadline for every
//! operation.

use std::path::Path;
use std::time::{Duration, Instant};

use super::message::{Command, Greeting, MAX_LINE, Rejection, Reply, to_line};
use super::pipe::Pipe;
use super::socket_dir::SocketDir;
use penutup_system::error::is_foreign;

/// How long [`AgentLine::is_connected`] waits.
#[cfg(not(windows))]
const CONNECTION_CHECK: Duration = Duration::from_millis(2);

/// Why a message was not delivered to a prompter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotDelivered {
    /// The connection is closed, or no reply came in time.
    Gone,
    /// It can't prove that it is this user's: nothing was sent.
    NoProof,
    /// It rejects this; [`Rejection::Unknown`] for the first command means a prompter without fleet support, [`Rejection::Taken`]
    /// one with a later agent. The connection is closed, except for [`Rejection::TooLong`] found before sending.
    Refused(Rejection),
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
    pub fn connect(dir: &SocketDir, socket: &Path, patience: Duration) -> Result<Self, NotDelivered> {
        let deadline = Instant::now() + patience;
        // Nothing is sent to a socket that another user could have created.
        let stream = dir.check().and_then(|()| SocketDir::connect(socket, patience));
        let stream = stream.map_err(|e| if is_foreign(&e) { NotDelivered::NoProof } else { NotDelivered::Gone })?;
        let mut pipe = Pipe::new(stream);
        let line = pipe.line(deadline).ok().flatten().ok_or(NotDelivered::Gone)?;
        let greeting: Greeting = serde_json::from_slice(&line).map_err(|_| NotDelivered::Gone)?;
        if dir.proof().map_err(|_| NotDelivered::NoProof)? != greeting.proof {
            return Err(NotDelivered::NoProof);
        }
        let mut line = Self { pipe, greeting, patience };
        line.send(&Command::Fleet)?;
        // Without a second command the prompter closes the connection.
        line.send(&Command::Here)?;
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
    pub fn send(&mut self, message: &Command) -> Result<(), NotDelivered> {
        let line = to_line(message);
        if line.len() > MAX_LINE {
            return Err(NotDelivered::Refused(Rejection::TooLong));
        }
        let deadline = Instant::now() + self.patience;
        self.pipe.write(&line, deadline).map_err(|_| NotDelivered::Gone)?;
        let reply = self.pipe.line(deadline).ok().flatten().ok_or(NotDelivered::Gone)?;
        let reply: Reply = serde_json::from_slice(&reply).map_err(|_| NotDelivered::Gone)?;
        reply.bad.map_or(Ok(()), |bad| Err(NotDelivered::Refused(bad)))
    }

    /// Whether the prompter is still connected. It sends nothing unasked, so the end of the connection is the only thing that
    /// can arrive; that is waited for two milliseconds. A Windows pipe is silent then too: there the prompter is asked.
    pub fn is_connected(&mut self) -> bool {
        #[cfg(windows)]
        return self.send(&Command::Here).is_ok();
        #[cfg(not(windows))]
        self.pipe.line(Instant::now() + CONNECTION_CHECK).is_err_and(|e| e.kind() == std::io::ErrorKind::TimedOut)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc::channel;

    use super::super::socket::{LastUse, listen};
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
        let dir = SocketDir::of(&Folders { state: at("state"), runtime: at("run"), ..Folders::default() }).unwrap();
        let (send, events) = channel();
        let handler = Arc::new(send);
        let listening = listen(dir.clone(), Some("meja 7".into()), Arc::new(LastUse::default()), handler, |_| {});
        let end = Instant::now() + WAIT;
        let mut agent = loop {
            let own = std::process::id().to_string();
            let socket = dir.sockets().into_iter().find(|path| path.to_string_lossy().contains(&own));
            let agent = socket.map(|socket| AgentLine::connect(&dir, &socket, WAIT));
            match agent {
                Some(Ok(agent)) => break agent,
                other => assert!(Instant::now() < end, "{other:?}"),
            }
            std::thread::yield_now();
        };
        assert_eq!(agent.greeting().seat.as_deref(), Some("meja 7"));
        assert!(agent.is_connected());
        // Silence is not the end, however often it is checked.
        for _ in 0..3 {
            assert_eq!(agent.send(&Command::Rules), Ok(()));
            assert!(agent.is_connected());
        }
        assert_eq!(agent.send(&Command::Link(None)), Ok(()));
        drop(agent);
        let mut received: Vec<Incoming> = Vec::new();
        while received.last() != Some(&Incoming::Agent(AgentEvent::Disconnected)) {
            received.push(events.recv_timeout(WAIT).unwrap());
        }
        let expected = [
            AgentEvent::Connected,
            AgentEvent::Rules,
            AgentEvent::Rules,
            AgentEvent::Rules,
            AgentEvent::Up,
            AgentEvent::Disconnected,
        ];
        assert_eq!(received, expected.map(Incoming::Agent));
        drop(listening);
    }
}
