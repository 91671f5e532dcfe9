//! What a person does. The keys that lead here are in `keymap`; what reaches the prompter from outside is a
//! [`Message`](crate::message::Message).

use crate::closing::ending::Ending;
use crate::panel::Panel;
use crate::private::Private;
use crate::rules::ruleset::FieldIx;

/// What a person does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// The current sentence was said; when all are, the next call begins.
    Said,
    /// All remaining sentences were said.
    SaidAll,
    /// Undo the last change.
    Undo,
    /// Preview the step above or below without ticking it.
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
    /// Take the text that is being typed.
    Take,
    Paste(Private),
    /// Draw the whole screen again. Only the view acts on it.
    Redraw,
    /// Leave; in a begun call this asks first.
    Leave,
    /// Leave at once: a person asked for it, the terminal is gone, or a signal ends the program.
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
    End,
}
