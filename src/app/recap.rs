//! The recap of the own day: asked of the journal when it is opened, shown when it answers.

use super::{App, Effect, Mode};
use crate::journal::report::Recap;

impl App {
    /// Opens the recap, and asks the journal for today; or closes it.
    pub(super) fn toggle_recap(&mut self, effects: &mut Vec<Effect>) {
        self.toggle(Mode::Recap);
        // An old answer would be a wrong one.
        self.day = None;
        if self.mode == Mode::Recap {
            let zone = self.rules().zones[self.home()].offset;
            effects.push(Effect::AskDay(self.now.with_timezone(&zone).date_naive(), zone));
        }
    }

    /// What the journal told of today, once it has.
    #[must_use]
    pub fn day(&self) -> Option<&Recap> {
        self.day.as_ref()
    }
}
