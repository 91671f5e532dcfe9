//! Events from the fleet's agent, which connects this machine to the centre, and the state of that connection.

use chrono::{DateTime, Utc};

use penutup_rules::declaration::Declaration;

/// An event sent by the agent, or its connection or disconnection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentEvent {
    Came,
    /// It is connected to the centre.
    Up,
    /// It has not been connected to the centre since then.
    Down(DateTime<Utc>),
    /// A declaration with a verified signature, new or known already.
    Klb(Box<Declaration>),
    /// The rules on the disk changed.
    Rules,
    /// It disconnected from the prompter.
    Gone,
}

/// The state of the connection to the centre.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CentreLink {
    /// No trouble is known.
    Up,
    /// The agent has not been connected to the centre since then.
    Down(DateTime<Utc>),
    /// The agent itself disconnected then.
    Gone(DateTime<Utc>),
}
