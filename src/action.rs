//! Everything that can happen to the prompter: what a person does, what the clock and the outside bring. The keys that
//! lead here stand in `keymap`, the effects in `app`.

pub mod agent;
pub mod phone;

use std::sync::Arc;

use crate::book::Book;
use crate::broadcast::News;
use crate::clipboard::Copied;
use crate::closing::ending::Ending;
use crate::helper::Helper;
use crate::journal::report::Recap;
use crate::rules::diff::{Counts, diff};
use crate::rules::ruleset::FieldIx;
use crate::seat::Shared;

/// What happens.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// The current sentence was said; when all are, the next call begins.
    Said,
    /// All remaining sentences were said.
    SaidAll,
    /// Take the last thing back.
    Undo,
    /// Look at the step above or below without ticking.
    Look(Direction),
    /// The next value of the fact at this position in the rules.
    Fact(usize),
    /// A field: the next choice, or typing begins.
    Field(FieldIx),
    /// The customer's next zone.
    Zone,
    /// A shift fact that the banner asks about still holds.
    StillHolds,
    /// End the call; with a sentence unsaid this asks why.
    End,
    /// The answer to why.
    Answer(Ending),
    /// Copy the complete sentence.
    Copy,
    /// A text was copied.
    Copied(Copied),
    /// The desktop's clipboard did not take this text.
    NotCopied(String),
    /// Open or close the panel that tells why this script.
    Basis,
    /// Open or close the list of keys.
    Help,
    /// Close what is open.
    Back,
    /// Scroll what is open, or the sentence, by pages.
    Scroll(Direction),
    /// Edit the text that is being typed.
    Edit(Edit),
    /// Take the text that is being typed.
    Take,
    /// A text was pasted.
    Paste(String),
    /// Leave; in a begun call this asks first.
    Leave,
    /// Leave at once: a person asked for it, the terminal is gone, or a signal ends the program.
    Quit,
    /// The last keys were typed into the wrong window: they were taken back.
    Mistyped,
    /// The clock: nothing else happened.
    Clock,
    /// The rules file changed, or could not be taken.
    Rules(RulesNews),
    /// The telephone tells something.
    Phone(phone::PhoneEvent),
    /// The prompter's own line to the telephone came or went.
    PhoneLink(phone::Link),
    /// Why no socket could be made for `penutup call`, `None` when there is one again.
    SocketTrouble(Option<String>),
    /// What the watcher of the centre's folder brings.
    Broadcast(News),
    /// The fleet's agent tells something, comes or goes.
    Agent(agent::AgentEvent),
    /// Open or close the recap of the own day.
    Recap,
    /// The journal's answer to what the day was like.
    DayWas(Box<Recap>),
    /// What stays wrong with the journal, `None` when nothing does.
    JournalTrouble(Option<String>),
    /// What happened to the journal once.
    JournalTold(String),
    /// The state could not be written (`Some`: why), or it can be again.
    StateTrouble(Option<String>),
    /// Another prompter on this seat changed what both keep.
    Shared(Box<Shared>),
    /// Something stays wrong (`Some`: the line that tells of it), or no longer is.
    Trouble(Subject, Option<String>),
}

/// What a line tells of that stays until it is mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The place that the settings name for the journal.
    JournalPlace,
    /// The settings file.
    Settings,
    /// Who can write where our files are.
    Folders,
    /// A thread that died.
    Helper(Helper),
}

impl Action {
    /// Whether a person did it, so that the last notice has been read.
    #[must_use]
    pub fn is_a_persons(&self) -> bool {
        !matches!(
            self,
            Self::Clock
                | Self::Mistyped
                | Self::Rules(_)
                | Self::StateTrouble(_)
                | Self::DayWas(_)
                | Self::JournalTrouble(_)
                | Self::JournalTold(_)
                | Self::Phone(_)
                | Self::PhoneLink(_)
                | Self::SocketTrouble(_)
                | Self::Copied(_)
                | Self::NotCopied(_)
                | Self::Broadcast(_)
                | Self::Agent(_)
                | Self::Shared(_)
                | Self::Trouble(..)
        )
    }
}

/// What the watcher of the rules file brings.
#[derive(Clone, Debug, PartialEq)]
pub enum RulesNews {
    /// Checked rules.
    Good(Arc<Book>),
    /// Checked rules, and how much they change.
    Revised(Arc<Book>, Change),
    /// Why the last good rules stay, in one line in the user's language.
    Bad(String),
}

/// How much new rules change; worked out where nobody waits for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The rules they are held against.
    pub from: Arc<Book>,
    /// How much of what.
    pub counts: Counts,
    /// Whether nothing at all differs that a CSO, a supervisor or QA sees or says.
    pub is_none: bool,
}

impl Change {
    /// Compares two books; `None` where they differ in too many ways to be counted.
    #[must_use]
    pub fn between(from: Arc<Book>, to: &Book) -> Option<Self> {
        let (counts, is_none) = {
            let diff = diff(&from.rules, &to.rules).ok()?;
            (diff.counts(), diff.is_empty())
        };
        Some(Self { from, counts, is_none })
    }
}

/// Up or down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Up.
    Up,
    /// Down.
    Down,
}

/// One edit of a typed text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// A character at the cursor.
    Insert(char),
    /// The grapheme before the cursor goes.
    EraseBack,
    /// The grapheme behind the cursor goes.
    EraseForward,
    /// The word before the cursor goes.
    EraseWord,
    /// Everything before the cursor goes.
    EraseAll,
    /// The cursor, one grapheme.
    Left,
    /// The cursor, one grapheme.
    Right,
    /// The cursor, to the start.
    Home,
    /// The cursor, to the end.
    End,
}
