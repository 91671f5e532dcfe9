//! Events from the fleet's agent, which connects this machine to the centre.

use chrono::{DateTime, Utc};

use penutup_rules::declaration::Declaration;

/// An event sent by the agent, or its connection or disconnection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentEvent {
    /// It connected to the prompter.
    Connected,
    /// It is connected to the centre.
    Up,
    /// It is connected to the centre, which says that this computer's clock is so many seconds ahead of the server's,
    /// behind where negative.
    WrongClock(i64),
    /// It lost its connection to the centre at this time.
    Down(DateTime<Utc>),
    /// A declaration with a verified signature, new or known already.
    Klb(Box<Declaration>),
    /// The rules on the disk changed.
    Rules,
    /// It disconnected from the prompter.
    Disconnected,
}
