//! What reaches the prompter from outside: rules, telephone, centre, journal, clipboard, clock. What a person does is
//! an [`Action`](crate::action::Action).

use std::sync::Arc;

use chrono::{DateTime, Utc};
use penutup_ipc::Incoming;
use penutup_ipc::agent_event::AgentEvent;

use crate::clipboard::Copied;
use crate::declaration::DeclarationEvent;
use crate::loaded::LoadedRules;
use penutup_ipc::phone_event::PhoneEvent;
use penutup_ipc::press::Presses;
use penutup_ipc::web_link::WebLink;

use crate::helper::Helper;
use crate::journal::report::Recap;

use crate::private::Private;
use crate::rules::change::Change;
use crate::seat::Shared;
use crate::settings::Hotkey;

/// Something that happened outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// Nothing happened but that time passed: the shown time must be updated.
    Clock,
    /// The last keys were typed into the wrong window, and were undone.
    Mistyped,
    /// Space or Enter was pressed in a window too small to show the sentence; nothing was ticked.
    Unseen,
    /// Checked rules from the file in use, and how they compare with earlier ones.
    Rules(Arc<LoadedRules>, Option<Comparison>),
    /// The telephone began, changed or ended a call.
    Phone(PhoneEvent),
    /// Presses from outside the window; whether the window shows the sentence.
    Press {
        presses: Presses,
        is_seen: bool,
    },
    /// A link that a web page opened.
    WebLink(WebLink),
    /// The prompter's own connection to the telephone came or went.
    PhoneLink(Link),
    /// The watcher of the centre's folder read a declaration, or could not.
    Declaration(DeclarationEvent),
    /// The fleet's agent sent something, connected or disconnected.
    Agent(AgentEvent),
    Copied(Copied),
    /// The desktop's clipboard did not accept this text.
    NotCopied(Private),
    /// The journal's summary of today.
    Day(Box<Recap>),
    /// A one-time event, as a line for the CSO.
    Notice(String),
    /// What is registered with this desktop, by this prompter or another one.
    Hotkeys(Vec<Hotkey>),
    /// Another prompter on this seat changed the saved state that both use.
    Shared(Box<Shared>),
    /// A standing trouble began (`Some`: the line that reports it) or is over.
    Trouble(Subject, Option<String>),
}

/// New rules compared with earlier ones; computed in the thread that loads them.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The earlier rules.
    pub from: Arc<LoadedRules>,
    /// How much differs.
    pub change: Change,
}

/// What a standing trouble is about. Troubles are listed in this order, the most important for a closing first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    Rules,
    /// The state file, which could not be written.
    State,
    Journal,
    /// The centre's folder.
    Centre,
    /// The socket for `penutup call`.
    Socket,
    /// The fleet's agent, which the prompter starts.
    FleetAgent,
    /// The journal's place in the settings.
    JournalPlace,
    Settings,
    /// Who can write to the prompter's folders.
    Folders,
    /// A thread that died.
    Helper(Helper),
}

impl From<Incoming> for Message {
    fn from(incoming: Incoming) -> Self {
        match incoming {
            Incoming::Phone(event) => Self::Phone(event),
            Incoming::WebLink(link) => Self::WebLink(link),
            Incoming::Agent(event) => Self::Agent(event),
            // What the window shows is known where the message arrives.
            Incoming::Press(presses) => Self::Press { presses, is_seen: false },
        }
    }
}

/// The state of the prompter's own connection to the telephone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Connected.
    Up,
    /// Not connected; it retries.
    Down,
}

/// The state of the connection to the centre.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CentreLink {
    /// The agent is connected to the centre, as far as it has reported.
    Up,
    /// The agent is connected to the centre, which says that this computer's clock is so many seconds ahead of the
    /// server's, behind where negative.
    WrongClock(i64),
    /// The agent lost its connection to the centre at this time.
    Down(DateTime<Utc>),
    /// The agent itself disconnected at this time.
    Gone(DateTime<Utc>),
}
