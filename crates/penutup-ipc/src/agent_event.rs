//! What the fleet's agent beside the prompter brings from the centre, and how it itself stands.

use chrono::{DateTime, Utc};

use penutup_rules::declaration::Broadcast;

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
    Klb(Box<Broadcast>),
    /// The rules on the disk changed.
    Rules,
    /// It went.
    Gone,
}
