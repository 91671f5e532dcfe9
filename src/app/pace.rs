//! When a Space or an Enter says that a sentence was said. Part of `update`. It acts on nothing that is not to be seen, no
//! sentence takes less time than [`SAYING`], and what was meant for the sentence before ticks nothing.

use chrono::{DateTime, TimeDelta, Utc};

use super::{App, Effect, Mode};
use crate::action::Action;
use crate::closing::ending::Ending;
use crate::rules::script::speak;

/// No sentence takes less time to say. A key that is held sends presses closer together than this, and each begins the
/// time anew.
pub const SAYING: TimeDelta = TimeDelta::milliseconds(700);
/// How long after a change from outside a press may still be meant for the sentence before.
pub const ON_ITS_WAY: TimeDelta = TimeDelta::milliseconds(1200);

/// When things were pressed and changed.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace {
    /// The last Space or Enter, whether it did anything or not.
    pressed: Option<DateTime<Utc>>,
    /// When something else than a key changed what is to be said.
    changed: Option<DateTime<Utc>>,
}

/// What is to be said now: in which call, which sentence, in which words.
#[derive(PartialEq, Eq)]
pub(super) struct ToSay(u64, Option<(String, String)>);

impl App {
    /// What is to be said now, its greeting as the clock has it: asked before and after an event, the clock alone makes
    /// no difference.
    pub(super) fn to_say(&self) -> ToSay {
        let rules = self.rules();
        let step = self.calls.current.current(rules).map(|step| rules.step(step));
        let words = step.map(|step| {
            let sentence = speak(rules, step, self.calls.current.fields(), self.greeting_word()).unwrap_or_default();
            (step.id.clone(), sentence.to_string())
        });
        ToSay(self.calls.number, words)
    }

    /// Keeps when it changed.
    pub(super) fn note_change(&mut self, before: &ToSay, hands: DateTime<Utc>) {
        if self.to_say() != *before {
            self.pace.changed = Some(hands);
        }
    }

    /// Whether a press does nothing now: the sentence changed under it, or the one before can't have been said yet.
    pub fn refuses(&mut self, action: &Action, hands: DateTime<Utc>) -> bool {
        // A clock that jumps makes nobody wait.
        let within = |since: Option<DateTime<Utc>>, time| since.is_some_and(|since| (hands - since).abs() < time);
        if !matches!(action, Action::Said | Action::SaidAll) {
            return false;
        }
        let is_all = *action == Action::SaidAll;
        let last = if is_all { None } else { self.pace.pressed.replace(hands) };
        // Closing a panel, and returning from what is looked at, ticks nothing.
        if !is_all && (self.mode != Mode::Closing || self.calls.previewing.is_some()) {
            return false;
        }
        // Where the CSO has said the last sentence there is none that a press could tick.
        if within(self.pace.changed, ON_ITS_WAY) && !self.calls.current.is_finished() {
            self.tell(self.words().notice.changed_under(if is_all { "S" } else { self.environment.said_key() }));
            return true;
        }
        within(last, SAYING)
    }

    /// Whether a Space ends the call now: all is said, and nothing else is to be seen.
    #[must_use]
    pub fn would_end(&self) -> bool {
        self.is_complete() && self.mode == Mode::Closing && self.calls.previewing.is_none()
    }

    /// The current sentence was said; when all are, the next call begins. A panel is closed first, and what is looked at
    /// left.
    pub(super) fn said(&mut self, effects: &mut Vec<Effect>) {
        if self.mode != Mode::Closing {
            self.show_closing();
            return;
        }
        if self.calls.previewing.take().is_some() {
            return;
        }
        let (greeting, now) = (self.greeting(), self.environment.now);
        if self.calls.current.tick(&self.revisions.current().rules, greeting, now).is_none() {
            self.close(Ending::Complete, effects);
        }
    }
}
