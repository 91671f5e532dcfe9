//! What became of a press from outside the window, in the user's language: on the screen, and for `penutup press`.

use crate::diagnostics::shown;
use crate::words::{Call as CallWords, Words};
use penutup_ipc::client::SendError;
use penutup_ipc::press::PressRefusal;

/// Why nothing was pressed: one line.
pub fn refused(word: &str, why: PressRefusal, words: &Words) -> String {
    let w = &words.press;
    let word = shown(word);
    match why {
        PressRefusal::Field => w.field(word),
        PressRefusal::Question => w.question(word),
        PressRefusal::NoQuestion => w.no_question(word),
        PressRefusal::Covered => w.covered(word),
        PressRefusal::Incomplete => w.incomplete(word),
        PressRefusal::Unseen => w.unseen(word),
        PressRefusal::Changed => w.changed(word),
        PressRefusal::TooSoon => w.too_soon(word),
        PressRefusal::UnknownName => w.unknown(word),
        PressRefusal::UnknownValue => w.unknown_value(word),
        PressRefusal::Typed => w.typed(word),
    }
}

/// Why something did not reach a prompter: the word for programs, and the line for people; `busy` is the line where the
/// prompter was busy.
pub fn undelivered(error: SendError, seat: Option<&str>, busy: &str, w: &CallWords) -> (&'static str, String) {
    match error {
        SendError::NoPrompter => ("no-prompter", w.no_prompter.to_owned()),
        SendError::NoSeat => ("no-seat", w.no_seat(shown(seat.unwrap_or_default()))),
        SendError::NoReply => ("no-reply", w.no_word.to_owned()),
        SendError::Busy => ("busy", busy.to_owned()),
        SendError::Foreign => ("foreign", w.foreign.to_owned()),
        SendError::TooLong => ("too-long", w.too_long.to_owned()),
    }
}
