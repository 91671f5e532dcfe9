//! The keys of the last moment, and the state before each. What they ask of the outside waits here until they can no longer
//! turn out to be none: text that was meant for another window, or that came faster than anybody types. So a retracted key
//! leaves no trace in the journal, the kept state or the clipboard.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use crate::app::{App, Effect};
use crate::input::mistyped::{Letters, WINDOW};
use crate::keymap::Key;
use crate::message::Message;

/// The thread that reads may be late by so much.
const LATE: Duration = Duration::from_millis(50);
/// Keys with shorter pauses between them are one run of typing. It is undone as a whole.
const PAUSE: Duration = Duration::from_millis(700);
/// So many keys of a run can be undone; a longer one is no text that strayed into the wrong window.
const MOST: usize = 128;
/// After text for another window, keys mean nothing until so long a pause.
const QUIET: Duration = Duration::from_secs(1);

/// A key that may still be retracted.
#[derive(Debug)]
struct Moment {
    at: Instant,
    until: Instant,
    /// The state as it would be without this key and all after it.
    before: App,
    /// What the outside is to do if they are retracted.
    instead: Vec<Effect>,
    /// What it is to do if this key stays.
    effects: Vec<Effect>,
    /// What goes to the clipboard, and when: no text for another window is waited for, since somebody waits to paste.
    copy: Option<(Instant, Effect)>,
}

/// What a key is in a text that was meant for another window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A letter.
    Letter,
    /// A blank, a digit, Enter.
    Other,
    /// None of it: it edits a field that is open.
    Field,
}

/// The keys that may still be retracted, the first of them first.
#[derive(Debug, Default)]
pub(super) struct Recent {
    moments: VecDeque<Moment>,
    letters: Letters,
    /// The first and the last key of the run.
    run: Option<(Instant, Instant)>,
    /// The key that opened the field that is open, until another one comes.
    pub(super) opener: Option<Key>,
    /// The last key of a text for another window.
    ignoring: Option<Instant>,
}

impl Recent {
    /// A letter outside of a field. Answers since when all keys are typing that was meant for another window.
    pub(super) fn letter(&mut self, letter: char, at: Instant) -> Option<Instant> {
        let since = self.letters.push(letter, at)?;
        self.ignoring = Some(at);
        // What was typed right before them, blanks and digits too, belongs to the same text.
        Some(self.run.map_or(since, |(first, _)| first.min(since)))
    }

    /// Any key: it goes on with the run, or begins one. What the run asked for waits until it is over.
    pub(super) fn press(&mut self, at: Instant) {
        let goes_on = |(_, last): &(Instant, Instant)| at.saturating_duration_since(*last) < PAUSE;
        let Some((first, _)) = self.run.filter(goes_on) else {
            self.run = Some((at, at));
            return;
        };
        self.run = Some((first, at));
        for moment in self.moments.iter_mut().filter(|moment| moment.at >= first) {
            moment.until = moment.until.max(at + PAUSE + LATE);
        }
        if self.moments.len() > MOST
            && let Some(oldest) = self.moments.front_mut()
        {
            oldest.until = at;
        }
    }

    /// Whether a key still belongs to a text for another window. `ends`: it is one that ends that.
    pub(super) fn ignores(&mut self, ends: bool, at: Instant) -> bool {
        let Some(last) = self.ignoring else { return false };
        let ignores = !ends && at.saturating_duration_since(last) < QUIET;
        self.ignoring = ignores.then_some(at);
        ignores
    }

    /// A key is about to act; it may be retracted for so long.
    pub(super) fn key(&mut self, app: &App, part: Part, at: Instant, settles: Duration) {
        let wait = match part {
            Part::Letter => WINDOW.max(settles),
            Part::Other => PAUSE.max(settles),
            Part::Field => settles,
        };
        if !wait.is_zero() {
            let before = app.clone();
            self.moments.push_back(Moment {
                at,
                until: at + wait + LATE,
                before,
                instead: Vec::new(),
                effects: Vec::new(),
                copy: None,
            });
        }
    }

    /// Something happened that no key did: it happens without the keys as well.
    pub(super) fn outside(&mut self, message: &Message, now: DateTime<Utc>) {
        for moment in &mut self.moments {
            let effects = moment.before.update(message.clone(), now);
            // Whoever asked is answered once.
            moment.instead.extend(effects.into_iter().filter(|effect| !matches!(effect, Effect::Reply(_))));
        }
    }

    /// Keeps back what the last key asks for; answers what is done at once.
    pub(super) fn keep_back(&mut self, effects: Vec<Effect>, settles: Duration) -> Vec<Effect> {
        let is_first = self.moments.len() == 1;
        let Some(last) = self.moments.back_mut() else { return effects };
        let (now, mut later): (Vec<Effect>, Vec<Effect>) =
            effects.into_iter().partition(|effect| matches!(effect, Effect::Reply(_) | Effect::LookAtRules));
        if let Some(at) = later.iter().position(|effect| matches!(effect, Effect::Copy(_))) {
            last.copy = Some((last.at + settles + LATE, later.remove(at)));
        }
        // Somebody waits for these; a single letter is no text.
        let is_awaited = |effect: &Effect| matches!(effect, Effect::Quit | Effect::AskDay(..));
        if is_first && later.iter().any(is_awaited) {
            last.until = last.at + settles + LATE;
        }
        last.effects.extend(later);
        now
    }

    /// When something here is due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let copies = self.moments.iter().filter_map(|moment| moment.copy.as_ref().map(|(at, _)| *at));
        self.moments.front().map(|moment| moment.until).into_iter().chain(copies).min()
    }

    /// What is due by now.
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

    /// Everything, due or not: nobody presses a key any more.
    pub(super) fn all(&mut self) -> Vec<Effect> {
        self.moments.drain(..).flat_map(|moment| moment.effects).collect()
    }

    /// The keys since this moment were none: the state is as it would be without them. Answers what the outside is to do.
    pub(super) fn retract(&mut self, since: Instant, app: &mut App) -> Vec<Effect> {
        self.letters.retract(since);
        let Some(first) = self.moments.iter().position(|moment| moment.at >= since) else { return Vec::new() };
        let Some(moment) = self.moments.drain(first..).next() else { return Vec::new() };
        *app = moment.before;
        match self.moments.back_mut() {
            None => moment.instead,
            // What is before it may still be retracted, too; what came from outside since is in its `instead` already.
            Some(before) => {
                before.effects.extend(moment.instead);
                Vec::new()
            }
        }
    }
}
