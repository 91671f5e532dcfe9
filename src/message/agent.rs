//! What the fleet's agent beside the prompter brings from the centre, and how it itself stands.

use chrono::{DateTime, Utc};

use crate::declaration::Declaration;

/// What the agent tells, or is seen to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentEvent {
    /// It came.
    Came,
    /// It hears the centre.
    Up,
    /// It has not heard the centre since then.
    Down(DateTime<Utc>),
    /// A declaration that it has verified, a new one or one that is known.
    Klb(Box<Declaration>),
    /// The rules on the disk changed.
    Rules,
    /// It went.
    Gone,
}

/// How the way to the centre stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CentreLink {
    /// Nothing is known to be wrong with it.
    Up,
    /// The agent has not heard the centre since then.
    Down(DateTime<Utc>),
    /// The agent itself went then.
    Gone(DateTime<Utc>),
}
