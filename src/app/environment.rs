//! What is independent of a call: language, kind of view, seat and time.

use chrono::{DateTime, Utc};

use crate::settings::Hotkey;
use crate::words::{Lang, Words};

/// What is independent of a call.
#[derive(Clone, Debug)]
pub(super) struct Environment {
    pub(super) lang: Lang,
    /// Whether keys are typed in lines, so that some have other names.
    pub(super) plain_mode: bool,
    /// The id of the zone of this seat.
    pub(super) home: String,
    /// Whether the hint of the first run is shown.
    pub(super) hint: bool,
    /// The time of the last update.
    pub(super) now: DateTime<Utc>,
    /// When something was last pressed from outside the window, while the screen shows that.
    pub(super) pressed: Option<DateTime<Utc>>,
    /// The hotkeys that are registered with this desktop.
    pub(super) hotkeys: Vec<Hotkey>,
}

impl Environment {
    pub(super) fn words(&self) -> &'static Words {
        self.lang.words()
    }

    pub(super) fn undo_key(&self) -> &'static str {
        if self.plain_mode { self.words().plain.undo_key } else { self.words().keys.backspace }
    }

    /// The name of the key that ticks a sentence.
    pub(super) fn said_key(&self) -> &'static str {
        if self.plain_mode { self.words().keys.enter } else { self.words().keys.space }
    }

    /// The names of the keys that close a field.
    pub(super) fn closing_keys(&self) -> &'static str {
        if self.plain_mode { self.words().keys.enter } else { self.words().keys.close_field }
    }
}
