//! The actions of a person. The keys that lead here are in `keymap`; what reaches the prompter from outside is a
//! [`Message`](crate::message::Message).

use crate::closing::ending::Ending;
use crate::panel::Panel;
use crate::private::Private;
use crate::rules::ruleset::FieldIx;

/// An action of a person.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Tick the current sentence; when all are ticked, begin the next call.
    Said,
    /// Tick all remaining sentences.
    SaidAll,
    /// Undo the last change.
    Undo,
    /// Preview the step above or below without ticking it.
    Preview(Direction),
    /// Select the next value of the fact at this position in the rules.
    Fact(usize),
    /// Select this value of the fact at this position in the rules.
    SetFact(usize, usize),
    /// Select the next choice of a field, or start typing into it.
    Field(FieldIx),
    /// Select this choice of a field.
    Choose(FieldIx, usize),
    /// Select the customer's next zone.
    Zone,
    /// Select the customer's zone at this position in the rules.
    SetZone(usize),
    /// Confirm the shift fact that the banner asks about.
    StillHolds,
    /// End the call; asks for the reason if a sentence is not ticked.
    End,
    Answer(Ending),
    /// Copy the complete sentence.
    Copy,
    /// Open or close a panel.
    Panel(Panel),
    /// Close what is open.
    Back,
    /// Scroll what is open, or the sentence, by pages.
    Scroll(Direction),
    /// Edit the text that is being typed.
    Edit(Edit),
    /// Accept the text that is being typed.
    Take,
    Paste(Private),
    /// A text that arrived at once, but not as a terminal's paste.
    Burst(Private),
    /// Start typing the agent's number.
    Agent,
    /// Draw the whole screen again. Only the view acts on it.
    Redraw,
    /// Quit; asks first if a call has begun.
    Leave,
    /// Quit without asking: requested with Ctrl-C, or the terminal is gone, or a signal ends the program.
    Quit,
}

/// Up or down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Up,
    Down,
}

/// One edit of a typed text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    Insert(char),
    /// Delete the grapheme before the cursor.
    EraseBack,
    /// Delete the grapheme after the cursor.
    EraseForward,
    /// Delete the word before the cursor.
    EraseWord,
    /// Delete everything before the cursor.
    EraseAll,
    /// Move the cursor by one grapheme.
    Left,
    Right,
    Home,
    End,
}
