//! Decides whether a Space or Enter ticks the current sentence. Part of `update`. It does not if the sentence is not
//! visible, if the press before was less than [`MIN_SAYING_TIME`] ago, or if the sentence changed so recently
//! ([`CHANGE_GRACE`]) that the press was meant for the one before.

use std::borrow::Cow;

use chrono::{DateTime, TimeDelta, Utc};

use super::{App, Effect, Mode};
use crate::action::Action;
use crate::closing::ending::Ending;
use crate::keymap;
use crate::rules::script::speak;
use penutup_ipc::press::{PressRefusal, Presses};

/// No sentence takes less time to say. A held key repeats faster than this, and each repeat restarts the time.
pub const MIN_SAYING_TIME: TimeDelta = TimeDelta::milliseconds(700);
/// How long after a change from outside a press may still be meant for the sentence before.
pub const CHANGE_GRACE: TimeDelta = TimeDelta::milliseconds(1200);

/// The times of the last press and the last change.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace {
    /// The last Space or Enter, also if it had no effect.
    pub(super) pressed: Option<DateTime<Utc>>,
    /// When the sentence was last changed by something else than a key.
    changed: Option<DateTime<Utc>>,
    /// The last presses from outside the window, also if they had no effect.
    pub(super) outside: Option<(Presses, DateTime<Utc>)>,
}

/// The sentence to be said now: the call, the step and the words.
#[derive(PartialEq, Eq)]
pub(super) struct ToSay(u64, Option<(String, String)>);

impl App {
    /// The sentence to be said now, with the greeting of the current time: compared before and after an update, both of
    /// which see the same clock.
    pub(super) fn to_say(&self) -> ToSay {
        let rules = self.rules();
        let step = self.calls.current.current(rules).map(|step| rules.step(step));
        let words = step.map(|step| {
            let sentence = speak(rules, step, self.calls.current.fields(), self.greeting_word()).unwrap_or_default();
            (step.id.clone(), sentence.to_string())
        });
        ToSay(self.calls.number, words)
    }

    /// The name of the key that ticks one sentence, or all.
    pub(super) fn tick_key(&self, all: bool) -> Cow<'static, str> {
        if !all {
            return self.environment.said_key().into();
        }
        keymap::key_of(self, &Action::SaidAll).map(|key| key.name(self.words())).unwrap_or_default()
    }

    /// Records the time if the sentence differs from `before`.
    pub(super) fn note_change(&mut self, before: &ToSay, real_now: DateTime<Utc>) {
        if self.to_say() != *before {
            self.pace.changed = Some(real_now);
        }
    }

    /// Whether a press is ignored: the sentence just changed, or there was no time to say the one before.
    pub fn refuses(&mut self, action: &Action, real_now: DateTime<Utc>) -> bool {
        self.refusal(action, real_now).is_some()
    }

    /// Whether these presses from outside were pressed a moment ago too: a key that a desktop or a device repeats.
    pub(super) fn repeats(&mut self, presses: &Presses, real_now: DateTime<Utc>) -> bool {
        let last = self.pace.outside.replace((presses.clone(), real_now));
        last.is_some_and(|(last, at)| last == *presses && (real_now - at).abs() < MIN_SAYING_TIME)
    }

    /// Records a press that had no effect.
    pub(super) fn restart_pace(&mut self, real_now: DateTime<Utc>) {
        self.pace.pressed = Some(real_now);
    }

    /// As [`Self::refuses`], with the reason.
    pub(super) fn refusal(&mut self, action: &Action, real_now: DateTime<Utc>) -> Option<PressRefusal> {
        // `abs`: after a clock jump nobody has to wait.
        let within = |since: Option<DateTime<Utc>>, time| since.is_some_and(|since| (real_now - since).abs() < time);
        if !matches!(action, Action::Said | Action::SaidAll) {
            return None;
        }
        let is_all = *action == Action::SaidAll;
        let last = if is_all { None } else { self.pace.pressed.replace(real_now) };
        // This press closes a panel or a preview, and ticks nothing.
        if !is_all && (self.mode != Mode::Closing || self.calls.previewing.is_some()) {
            return None;
        }
        // In a finished call there is no sentence to tick by mistake.
        if within(self.pace.changed, CHANGE_GRACE) && !self.calls.current.is_finished() {
            self.notify(self.words().notice.changed_under(self.tick_key(is_all)));
            return Some(PressRefusal::Changed);
        }
        within(last, MIN_SAYING_TIME).then_some(PressRefusal::TooSoon)
    }

    /// Whether a Space would end the call now.
    pub fn would_end(&self) -> bool {
        self.is_complete() && self.mode == Mode::Closing && self.calls.previewing.is_none()
    }

    /// Ticks the current sentence; when all are ticked, begins the next call. If a panel or a preview is open, only
    /// closes that.
    pub(super) fn tick(&mut self, effects: &mut Vec<Effect>) {
        if self.mode != Mode::Closing {
            self.show_closing();
            return;
        }
        if self.calls.previewing.take().is_some() {
            return;
        }
        let (greeting, now) = (self.greeting(), self.environment.now);
        if self.calls.current.mark_spoken(&self.revisions.current().rules, greeting, now).is_none() {
            self.close(Ending::Complete, effects);
        }
    }
}
