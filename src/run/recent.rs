//! The most recent keys and the state before each. A key may turn out to be part of a text that was meant for another
//! window, or that arrived faster than anybody types; then it is retracted. Its effects are held back here until that
//! can no longer happen, so that a retracted key leaves no trace in the journal, the saved state or the clipboard.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use crate::app::{App, Effect};
use crate::input::mistyped::{MOST, PAUSE, Stray, WINDOW};
use crate::keymap::Key;
use crate::message::Message;

/// Tolerance for a delay of the thread that reads.
const LATE: Duration = Duration::from_millis(50);

/// A key that may still be retracted.
#[derive(Debug)]
struct RecentKey {
    at: Instant,
    until: Instant,
    /// The state without this key and all after it. Boxed, so that the next key finds the memory of one that has settled.
    before: Box<App>,
    /// The effects to perform if they are retracted.
    instead: Vec<Effect>,
    /// The effects to perform if this key is not retracted.
    effects: Vec<Effect>,
    /// A copy and its time: earlier than other effects, since the person is about to paste.
    copy: Option<(Instant, Effect)>,
}

/// What a key would be in a text for another window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Letter,
    /// A blank, a digit or Enter.
    Other,
    /// No part of one: it edits an open field.
    Field,
}

/// The keys that may still be retracted, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Recent {
    keys: VecDeque<RecentKey>,
    pub(super) stray: Stray,
    /// The key that opened the open field, until another key is pressed.
    pub(super) opener: Option<Key>,
}

impl Recent {
    /// Notes a key press, which continues a run or begins one. The effects of the run are held back until it is over.
    pub(super) fn press(&mut self, at: Instant) {
        let Some(first) = self.stray.press(at) else { return };
        for key in self.keys.iter_mut().filter(|key| key.at >= first) {
            key.until = key.until.max(at + PAUSE + LATE);
        }
        if self.keys.len() >= MOST
            && let Some(oldest) = self.keys.front_mut()
        {
            oldest.until = at;
        }
    }

    /// Stores the state before a key acts, so that the key can be retracted.
    pub(super) fn key(&mut self, app: &App, part: Part, at: Instant, settles: Duration) {
        let wait = match part {
            Part::Letter => WINDOW.max(settles),
            Part::Other => PAUSE.max(settles),
            Part::Field => settles,
        };
        if !wait.is_zero() {
            let before = Box::new(app.clone());
            self.keys.push_back(RecentKey {
                at,
                until: at + wait + LATE,
                before,
                instead: Vec::new(),
                effects: Vec::new(),
                copy: None,
            });
        }
    }

    /// Applies a message also to the stored states, since it stays when keys are retracted.
    pub(super) fn apply_message(&mut self, message: &Message, now: DateTime<Utc>) {
        for key in &mut self.keys {
            let effects = key.before.update(message.clone(), now);
            // The reply is sent once.
            key.instead.extend(effects.into_iter().filter(|effect| !is_reply(effect)));
        }
    }

    /// Holds back the effects of the last key. Returns those that are due at once.
    pub(super) fn hold_back(&mut self, effects: Vec<Effect>, settles: Duration) -> Vec<Effect> {
        // Ctrl-C is part of no text, so it quits at once, with all effects held back so far.
        if settles.is_zero() && effects.contains(&Effect::Quit) {
            let mut out = self.all();
            out.extend(effects);
            return out;
        }
        let is_first = self.keys.len() == 1;
        let Some(last) = self.keys.back_mut() else { return effects };
        let (now, mut later): (Vec<Effect>, Vec<Effect>) =
            effects.into_iter().partition(|effect| is_reply(effect) || matches!(effect, Effect::CheckRules));
        if let Some(at) = later.iter().position(|effect| matches!(effect, Effect::Copy(_))) {
            last.copy = Some((last.at + settles + LATE, later.remove(at)));
        }
        let is_awaited = later.iter().any(|effect| matches!(effect, Effect::Quit | Effect::AskDay(..)));
        last.effects.extend(later);
        if is_awaited {
            // A single letter is not a text; otherwise its next letter comes within this time, and the person waits no
            // longer.
            let wait = if is_first { settles } else { settles.max(PAUSE) };
            let end = last.at + wait + LATE;
            for key in &mut self.keys {
                key.until = key.until.min(end);
            }
        }
        now
    }

    /// When the next effects are due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let copies = self.keys.iter().filter_map(|key| key.copy.as_ref().map(|(at, _)| *at));
        self.keys.front().map(|key| key.until).into_iter().chain(copies).min()
    }

    pub(super) fn due(&mut self, now: Instant) -> Vec<Effect> {
        let mut out = Vec::new();
        for key in &mut self.keys {
            out.extend(key.copy.take_if(|(at, _)| *at <= now).map(|(_, copy)| copy));
        }
        while self.keys.front().is_some_and(|key| key.until <= now) {
            let Some(key) = self.keys.pop_front() else { break };
            out.extend(key.effects);
            out.extend(key.copy.map(|(_, copy)| copy));
        }
        out
    }

    /// All effects, due or not, at the end.
    pub(super) fn all(&mut self) -> Vec<Effect> {
        let effects = |key: RecentKey| key.effects.into_iter().chain(key.copy.map(|(_, copy)| copy));
        self.keys.drain(..).flat_map(effects).collect()
    }

    /// Retracts the keys since this moment and restores the state without them. Returns the effects of the messages
    /// since.
    pub(super) fn retract(&mut self, since: Instant, app: &mut App) -> Vec<Effect> {
        self.stray.retract(since);
        let Some(first) = self.keys.iter().position(|key| key.at >= since) else { return Vec::new() };
        let Some(key) = self.keys.drain(first..).next() else { return Vec::new() };
        *app = *key.before;
        match self.keys.back_mut() {
            None => key.instead,
            // The key before may still be retracted too; its `instead` has the effects of the messages already.
            Some(before) => {
                before.effects.extend(key.instead);
                Vec::new()
            }
        }
    }
}

fn is_reply(effect: &Effect) -> bool {
    matches!(effect, Effect::Reply(_) | Effect::LinkRefused(_) | Effect::Pressed(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Action;

    use crate::app::AppSetup;

    const SETTLES: Duration = Duration::from_millis(70);

    fn now() -> DateTime<Utc> {
        "2026-03-02T07:20:00Z".parse().unwrap()
    }

    struct Keyboard {
        app: App,
        recent: Recent,
        start: Instant,
    }

    impl Keyboard {
        fn new() -> Self {
            Self { app: App::new(AppSetup::built_in(now())), recent: Recent::default(), start: Instant::now() }
        }

        fn at(&self, ms: u64) -> Instant {
            self.start + Duration::from_millis(ms)
        }

        /// Presses a key with this action. Returns the effects that are due at once.
        fn press(&mut self, ms: u64, part: Part, action: Action, settles: Duration) -> Vec<Effect> {
            let at = self.at(ms);
            self.recent.press(at);
            self.recent.key(&self.app, part, at, settles);
            let effects = self.app.update(action, now());
            self.recent.hold_back(effects, settles)
        }

        fn fact(&mut self, ms: u64) -> Vec<Effect> {
            self.press(ms, Part::Letter, Action::Fact(1), SETTLES)
        }
    }

    #[test]
    fn a_quit_right_after_a_letter_waits_only_for_the_next_letter_of_a_text() {
        let mut keyboard = Keyboard::new();
        assert_eq!(keyboard.fact(0), []);
        assert_eq!(keyboard.press(500, Part::Letter, Action::Quit, SETTLES), []);
        let due = keyboard.recent.deadline().unwrap();
        assert!(due > keyboard.at(500) && due <= keyboard.at(500) + PAUSE + LATE, "and no longer");
        assert_eq!(keyboard.recent.due(keyboard.at(949)), []);
        let effects = keyboard.recent.due(due);
        assert!(matches!(effects[..], [Effect::Journal(_), Effect::Journal(_), Effect::Quit]), "{effects:?}");
        assert_eq!(keyboard.recent.deadline(), None);
    }

    /// The slowest text that is recognised can be retracted from its first key, whatever these do.
    #[test]
    fn nothing_of_a_run_is_due_before_its_last_key_has_settled() {
        let pause = u64::try_from(PAUSE.as_millis()).unwrap();
        let mut keyboard = Keyboard::new();
        let mut now = 0;
        for key in 0..60 {
            let part = if key % 6 == 5 { Part::Other } else { Part::Letter };
            let action = if key % 6 == 4 { Action::Panel(crate::panel::Panel::Recap) } else { Action::Fact(key % 2) };
            keyboard.press(now, part, action, SETTLES);
            now += pause - 1;
            assert_eq!(keyboard.recent.due(keyboard.at(now)), [], "after key {key}");
        }
        let since = keyboard.at(0);
        keyboard.recent.retract(since, &mut keyboard.app);
        assert!(keyboard.app.call().started_at().is_none());
        assert_eq!(keyboard.recent.deadline(), None);
    }

    #[test]
    fn of_a_longer_run_the_first_keys_stay_and_the_last_ones_can_be_retracted() {
        let mut keyboard = Keyboard::new();
        for key in 0..=MOST as u64 {
            assert_eq!(keyboard.recent.due(keyboard.at(key * 100)), [], "before key {key}");
            keyboard.press(key * 100, Part::Letter, Action::Fact(1), SETTLES);
        }
        let due = keyboard.recent.due(keyboard.at(MOST as u64 * 100));
        assert!(matches!(due[..], [Effect::Journal(_)]), "of the first key alone: {due:?}");
        let since = keyboard.at(0);
        keyboard.recent.retract(since, &mut keyboard.app);
        assert_eq!(keyboard.app.call().undo_depth(), 1, "as after the first key");
    }

    #[test]
    fn a_quit_with_no_other_keys_pending_waits_only_for_its_own_repeats() {
        let mut keyboard = Keyboard::new();
        keyboard.fact(0);
        keyboard.recent.due(keyboard.at(5000));
        keyboard.press(5000, Part::Letter, Action::Quit, SETTLES);
        assert_eq!(keyboard.recent.deadline(), Some(keyboard.at(5000) + SETTLES + LATE));
    }

    #[test]
    fn ctrl_c_performs_all_pending_effects_at_once() {
        let mut keyboard = Keyboard::new();
        keyboard.fact(0);
        let effects = keyboard.press(10, Part::Other, Action::Quit, Duration::ZERO);
        assert!(matches!(effects[..], [Effect::Journal(_), Effect::Journal(_), Effect::Quit]), "{effects:?}");
    }

    #[test]
    fn a_text_that_continues_after_a_quit_key_is_retracted_completely() {
        let mut keyboard = Keyboard::new();
        keyboard.fact(0);
        keyboard.press(100, Part::Letter, Action::Quit, SETTLES);
        keyboard.fact(790);
        assert_eq!(keyboard.recent.due(keyboard.at(1400)), []);
        let since = keyboard.at(0);
        assert_eq!(keyboard.recent.retract(since, &mut keyboard.app), []);
        assert!(keyboard.app.call().started_at().is_none());
        assert_eq!(keyboard.recent.deadline(), None);
    }
}
