//! The local socket of a prompter: the protocol, the server in the prompter, the client of `penutup call`, and the
//! connection that the fleet's agent keeps open.
//!
//! One line of JSON each way. The server speaks first ([`message::Greeting`]); a client that has not read the greeting
//! sends nothing, so that a stopped prompter never finds an old call waiting. Folder, socket and both ends of a connection
//! belong to one user, which is checked. Everything has a deadline and a bound.
//!
//! The crate must not know a screen or what an event does to a call: the server hands events to a [`Handler`].
//!
//! # Example
//! ```
//! use penutup_ipc::message::{Command, parse, to_line};
//! use penutup_ipc::phone_event::{Pairs, PhoneEvent};
//!
//! let pairs = Pairs(vec![("topik".into(), "pln-mobile".into())]);
//! let command = Command::Phone(PhoneEvent::Set(pairs));
//! assert_eq!(parse(&to_line(&command)), Ok(command));
//! ```

pub mod agent;
pub mod agent_event;
mod agents;
pub mod client;
mod connections;
pub mod message;
#[cfg(unix)]
mod owner;
pub mod phone_event;
mod pipe;
pub mod press;
pub mod rate_limit;
#[cfg(unix)]
mod short;
pub mod socket;
pub mod socket_dir;
pub mod web_link;

use std::time::Duration;

use agent_event::AgentEvent;
use message::Reply;
use phone_event::PhoneEvent;
use press::Presses;
use web_link::WebLink;

/// An event from the socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// From the telephone.
    Phone(PhoneEvent),
    /// From the fleet's agent, or about it.
    Agent(AgentEvent),
    /// Presses from outside the window.
    Press(Presses),
    /// A link that a web page opened.
    WebLink(WebLink),
}

/// Handles the events of the server, in the threads of its connections.
pub trait Handler: Send + Sync {
    /// Hands an event over without waiting for it to be handled; `false` where nothing is handled any more.
    fn send(&self, incoming: Incoming) -> bool;

    /// Hands an event over and waits until it was handled, `patience` at most. Returns the reply to its sender;
    /// `None` where it was not handled in time.
    fn request(&self, incoming: Incoming, patience: Duration) -> Option<Reply>;
}

/// Hands every event to a channel, as a prompter that ignores nothing.
#[cfg(test)]
impl Handler for std::sync::mpsc::Sender<Incoming> {
    fn send(&self, incoming: Incoming) -> bool {
        self.send(incoming).is_ok()
    }

    fn request(&self, incoming: Incoming, _: Duration) -> Option<Reply> {
        self.send(incoming).is_ok().then(Reply::default)
    }
}
