//! The most recent keys and the state before each. A key may turn out to be part of a text that was meant for another
//! window, or that arrived faster than anybody types; then it is retracted. Its effects are held back here until that
//! can no longer happen, so that a retracted key leaves no trace in the journal, the saved state or the clipboard.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use crate::app::{App, Effect};
use crate::input::mistyped::{PAUSE, Stray, WINDOW};
use crate::keymap::Key;
use crate::message::Message;

/// Tolerance for a delay of the thread that reads.
const LATE: Duration = Duration::from_millis(50);
/// The most keys of a run that can be retracted; a longer run is not a text for the wrong window.
const MOST: usize = 128;
/// The longest pause between two letters of a text. A key whose effect a person waits for is held back no longer.
const NEXT_LETTER: Duration = Duration::from_millis(400);

/// A key that may still be retracted.
#[derive(Debug)]
struct RecentKey {
    at: Instant,
    until: Instant,
    /// The state without this key and all after it.
    before: App,
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
    moments: VecDeque<RecentKey>,
    pub(super) stray: Stray,
    /// The key that opened the open field, until another key is pressed.
    pub(super) opener: Option<Key>,
}

impl Recent {
    /// Notes a key press, which continues a run or begins one. The effects of the run are held back until it is over.
    pub(super) fn press(&mut self, at: Instant) {
        let Some(first) = self.stray.press(at) else { return };
        for moment in self.moments.iter_mut().filter(|moment| moment.at >= first) {
            moment.until = moment.until.max(at + PAUSE + LATE);
        }
        if self.moments.len() > MOST
            && let Some(oldest) = self.moments.front_mut()
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
            let before = app.clone();
            self.moments.push_back(RecentKey {
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
    pub(super) fn outside(&mut self, message: &Message, now: DateTime<Utc>) {
        for moment in &mut self.moments {
            let effects = moment.before.update(message.clone(), now);
            // The reply is sent once.
            moment.instead.extend(effects.into_iter().filter(|effect| !matches!(effect, Effect::Reply(_))));
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
        let is_first = self.moments.len() == 1;
        let Some(last) = self.moments.back_mut() else { return effects };
        let (now, mut later): (Vec<Effect>, Vec<Effect>) =
            effects.into_iter().partition(|effect| matches!(effect, Effect::Reply(_) | Effect::CheckRules));
        if let Some(at) = later.iter().position(|effect| matches!(effect, Effect::Copy(_))) {
            last.copy = Some((last.at + settles + LATE, later.remove(at)));
        }
        let is_awaited = later.iter().any(|effect| matches!(effect, Effect::Quit | Effect::AskDay(..)));
        last.effects.extend(later);
        if is_awaited {
            // A single letter is not a text.
            let wait = if is_first { settles } else { settles.max(NEXT_LETTER) };
            let end = last.at + wait + LATE;
            for moment in &mut self.moments {
                moment.until = moment.until.min(end);
            }
        }
        now
    }

    /// When the next effects are due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let copies = self.moments.iter().filter_map(|moment| moment.copy.as_ref().map(|(at, _)| *at));
        self.moments.front().map(|moment| moment.until).into_iter().chain(copies).min()
    }

    pub(super) fn due(&mut self, now: Instant) -> Vec<Effect> {
        let mut out = Vec::new();
        for moment in &mut self.moments {
            out.extend(moment.copy.take_if(|(at, _)| *at <= now).map(|(_, copy)| copy));
        }
        while self.moments.front().is_some_and(|moment| moment.until <= now) {
            let Some(moment) = self.moments.pop_front() else { break };
            out.extend(moment.effects);
            out.extend(moment.copy.map(|(_, copy)| copy));
        }
        out
    }

    /// All effects, due or not, at the end.
    pub(super) fn all(&mut self) -> Vec<Effect> {
        let effects = |moment: RecentKey| moment.effects.into_iter().chain(moment.copy.map(|(_, copy)| copy));
        self.moments.drain(..).flat_map(effects).collect()
    }

    /// Retracts the keys since this moment and restores the state without them. Returns the effects of the messages
    /// since.
    pub(super) fn retract(&mut self, since: Instant, app: &mut App) -> Vec<Effect> {
        self.stray.retract(since);
        let Some(first) = self.moments.iter().position(|moment| moment.at >= since) else { return Vec::new() };
        let Some(moment) = self.moments.drain(first..).next() else { return Vec::new() };
        *app = moment.before;
        match self.moments.back_mut() {
            None => moment.instead,
            // The key before may still be retracted too; its `instead` has the effects of the messages already.
            Some(before) => {
                before.effects.extend(moment.instead);
                Vec::new()
            }
        }
    }
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
        let mut real_now = Keyboard::new();
        assert_eq!(real_now.fact(0), []);
        assert_eq!(real_now.press(500, Part::Letter, Action::Quit, SETTLES), []);
        let due = real_now.recent.deadline().unwrap();
        assert!(due > real_now.at(500) && due <= real_now.at(500) + NEXT_LETTER + LATE, "not a second more");
        assert_eq!(real_now.recent.due(real_now.at(949)), []);
        let effects = real_now.recent.due(due);
        assert!(matches!(effects[..], [Effect::Journal(_), Effect::Journal(_), Effect::Quit]), "{effects:?}");
        assert_eq!(real_now.recent.deadline(), None);
    }

    #[test]
    fn a_quit_with_no_other_keys_pending_waits_only_for_its_own_repeats() {
        let mut real_now = Keyboard::new();
        real_now.fact(0);
        real_now.recent.due(real_now.at(5000));
        real_now.press(5000, Part::Letter, Action::Quit, SETTLES);
        assert_eq!(real_now.recent.deadline(), Some(real_now.at(5000) + SETTLES + LATE));
    }

    #[test]
    fn ctrl_c_performs_all_pending_effects_at_once() {
        let mut real_now = Keyboard::new();
        real_now.fact(0);
        let effects = real_now.press(10, Part::Other, Action::Quit, Duration::ZERO);
        assert!(matches!(effects[..], [Effect::Journal(_), Effect::Journal(_), Effect::Quit]), "{effects:?}");
    }

    #[test]
    fn a_text_that_continues_after_a_quit_key_is_retracted_whole() {
        let mut real_now = Keyboard::new();
        real_now.fact(0);
        real_now.press(100, Part::Letter, Action::Quit, SETTLES);
        real_now.fact(400);
        assert_eq!(real_now.recent.due(real_now.at(900)), []);
        let since = real_now.at(0);
        assert_eq!(real_now.recent.retract(since, &mut real_now.app), []);
        assert!(real_now.app.call().started_at().is_none());
        assert_eq!(real_now.recent.deadline(), None);
    }
}
