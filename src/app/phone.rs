//! What the telephone tells, done to the prompter. Part of `update`.
//!
//! A telephone must never take the keys from under a CSO's fingers. So while a name is typed, what would put another call
//! in its place waits until the field is closed, and what only sets something is set beneath the field: Enter takes what
//! was typed, unless nothing was.

use std::collections::VecDeque;
use std::sync::Arc;

use super::calls::Ended;
use super::{App, Effect, Mode};
use crate::app::draft::Draft;
use crate::closing::ending::Outcome;
use crate::closing::outside::Given;
use crate::closing::pairs::{Rejected, parse};
use crate::message::phone::{Ignored, Link, Pairs, PhoneEvent, Why};
use crate::rules::ruleset::{FieldIx, RuleSet};
use crate::rules::text;

/// How many calls can be gone back to, one behind the other: the legs of a consultation.
const MAX_OVERTAKEN: usize = 8;
/// How many begun calls of the telephone are told apart.
const MAX_STARTED: usize = 16;
/// How many events wait for a field to be closed.
const MAX_WAITING: usize = 16;

/// What the prompter knows of the telephone.
#[derive(Clone, Debug, Default)]
pub(super) struct Phone {
    /// Which calls it began: its id, ours.
    started: Vec<(Option<String>, u64)>,
    /// The calls that it overtook, until the CSO does something in the new one.
    overtaken: Vec<Ended>,
    /// What waits for a field to be closed.
    waiting: VecDeque<PhoneEvent>,
    /// Whether it set the field that is being typed in.
    beneath: bool,
    /// Its own line to us.
    link: Option<Link>,
}

impl App {
    /// The telephone sent something. What of it is ignored is the reply, also where the rest has to wait.
    pub(super) fn phone(&mut self, event: PhoneEvent, effects: &mut Vec<Effect>) {
        let (given, ignored) = event.pairs().map(|pairs| understand(self.rules(), pairs)).unwrap_or_default();
        if self.must_wait(&event) {
            if self.phone.waiting.len() < MAX_WAITING {
                self.phone.waiting.push_back(event);
            }
            self.tell(self.words().phone.waits(self.environment.closing_keys()));
        } else {
            self.phone_now(event, given, &ignored, effects);
        }
        effects.push(Effect::Reply(ignored));
    }

    fn must_wait(&self, event: &PhoneEvent) -> bool {
        let Mode::Typing(draft) = &self.mode else { return false };
        // What is typed for the next call belongs to the one that begins.
        let in_a_call = self.calls.current.begun().is_some() && !draft.for_next;
        !self.phone.waiting.is_empty()
            || match event {
                PhoneEvent::Start { .. } => in_a_call,
                PhoneEvent::Set(_) => false,
                PhoneEvent::End { .. } => true,
            }
    }

    /// What waited for a field to be closed, once it is.
    pub(super) fn phone_waited(&mut self, effects: &mut Vec<Effect>) {
        while !matches!(self.mode, Mode::Typing(_)) {
            self.phone.beneath = false;
            let Some(event) = self.phone.waiting.pop_front() else { return };
            let (given, ignored) = event.pairs().map(|pairs| understand(self.rules(), pairs)).unwrap_or_default();
            self.phone_now(event, given, &ignored, effects);
        }
    }

    fn phone_now(&mut self, event: PhoneEvent, given: Given, ignored: &[Ignored], effects: &mut Vec<Effect>) {
        match event {
            PhoneEvent::Start { id, pairs } => self.phone_starts(id, &pairs, given, ignored, effects),
            PhoneEvent::Set(pairs) => self.phone_sets(&pairs, given, ignored, effects),
            PhoneEvent::End { id } => self.phone_ends(id.as_deref(), effects),
        }
    }

    fn phone_starts(
        &mut self,
        id: Option<String>,
        pairs: &Pairs,
        mut given: Given,
        ignored: &[Ignored],
        effects: &mut Vec<Effect>,
    ) {
        let words = &self.words().phone;
        let is_nameless = refused_name(ignored);
        let mut notice = if is_nameless { words.started_nameless } else { words.started }.to_owned();
        if self.calls.current.begun().is_some() {
            let typed = match &self.mode {
                Mode::Typing(draft) if draft.for_next => Some(draft.clone()),
                _ => None,
            };
            let how = self.how_it_stands(Outcome::NextCall);
            let old = self.next_call(how, effects);
            // The next call may have other rules.
            given = understand(self.rules(), pairs).0;
            if let Some(mut draft) = typed.and_then(|draft| self.draft_under(&draft, &old.book.rules)) {
                draft.for_next = false;
                self.mode = Mode::Typing(draft);
            }
            if self.phone.overtaken.len() == MAX_OVERTAKEN {
                self.phone.overtaken.remove(0);
            }
            self.phone.overtaken.push(old);
            // The way back leads to the call that was overtaken, and to no earlier one past it.
            self.calls.ended = None;
            let words = &self.words().phone;
            let undo = self.environment.undo_key();
            notice = if is_nameless { words.overtook_nameless(undo) } else { words.overtook(undo) };
        } else if !matches!(self.mode, Mode::Typing(_)) {
            self.calls.previewing = None;
            self.show_closing();
        }
        if self.phone.started.len() == MAX_STARTED {
            self.phone.started.remove(0);
        }
        self.phone.started.push((id, self.calls.number));
        self.take(&given, true);
        self.tell(notice);
    }

    /// Something became known. Of a finished call nothing changes any more: what comes for one that the telephone began
    /// comes too late, else it is the next call's.
    fn phone_sets(&mut self, pairs: &Pairs, mut given: Given, ignored: &[Ignored], effects: &mut Vec<Effect>) {
        let words = &self.words().phone;
        if self.calls.current.is_finished() {
            let of_the_call = given.of_the_call(self.rules());
            let mut probe = self.calls.current.clone();
            probe.take(self.rules(), &of_the_call, false, self.environment.now);
            if probe == self.calls.current {
                given.facts.retain(|fact| !of_the_call.facts.contains(fact));
                (given.choices, given.typed) = (Vec::new(), Vec::new());
            } else if self.phone.started.iter().any(|(_, number)| *number == self.calls.number) {
                given.facts.retain(|fact| !of_the_call.facts.contains(fact));
                (given.choices, given.typed) = (Vec::new(), Vec::new());
                self.tell(words.too_late);
            } else {
                self.begin_next(effects);
                // The next call may have other rules.
                given = understand(self.rules(), pairs).0;
            }
        }
        let told = self.momentary().map(str::to_owned);
        if self.take(&given, false) {
            // How to go back is worth more than where it came from.
            self.tell(told.unwrap_or_else(|| words.set.into()));
        } else if refused_name(ignored) {
            self.tell(words.set_nameless);
        }
    }

    /// The telephone's end of a call that is no longer ours, because the CSO has ended or left it, ends no other.
    fn phone_ends(&mut self, id: Option<&str>, effects: &mut Vec<Effect>) {
        let at = self.phone.started.iter().rposition(|(started, _)| started.as_deref() == id);
        let ours = match at.map(|at| self.phone.started.remove(at)) {
            Some((_, number)) => number == self.calls.number,
            // One that it did not begin can only be the present one; a call with an id was told of or is none of ours.
            None => id.is_none(),
        };
        if ours && self.calls.current.begun().is_some() {
            self.end(effects);
        }
    }

    /// Sets what is known; returns whether that changes anything.
    fn take(&mut self, given: &Given, begins: bool) -> bool {
        let before = self.calls.current.clone();
        let book = Arc::clone(self.revisions.current());
        if let Mode::Typing(draft) = &self.mode {
            self.phone.beneath |= given.typed.iter().any(|(field, _)| *field == draft.field);
        }
        self.calls.current.take(&book.rules, given, begins, self.environment.now);
        self.calls.current != before
    }

    /// Whether a field that is closed with nothing in it keeps what the telephone has set meanwhile.
    pub(super) fn keeps_what_is_beneath(&self, draft: &Draft) -> bool {
        self.phone.beneath && text::is_blank(draft.text())
    }

    /// The CSO did something in this call: the one it overtook is past.
    pub(super) fn settle_in(&mut self) {
        self.phone.overtaken.clear();
    }

    /// Goes back to the call that the telephone's overtook; the new one never was. Answers whether there was one.
    pub(super) fn return_to_overtaken(&mut self, effects: &mut Vec<Effect>) -> bool {
        let Some(old) = self.phone.overtaken.pop() else { return false };
        self.show_closing();
        self.resume(old, effects);
        true
    }

    /// Whether Backspace goes back to a call that the telephone's overtook.
    #[must_use]
    pub fn can_return(&self) -> bool {
        !self.phone.overtaken.is_empty()
    }

    pub(super) fn phone_link(&mut self, link: Link) {
        self.phone.link = Some(link);
    }

    /// How the prompter's own line to the telephone stands, where it has one.
    #[must_use]
    pub fn link(&self) -> Option<Link> {
        self.phone.link
    }

    /// Whether a field's text comes from the telephone and the CSO has not taken it yet.
    #[must_use]
    pub fn is_unsure(&self, field: FieldIx) -> bool {
        let typing = matches!(&self.mode, Mode::Typing(draft) if draft.field == field);
        !typing && self.calls.current.is_unsure(field)
    }
}

/// What the pairs set, and which of them are not taken.
fn understand(rules: &RuleSet, pairs: &Pairs) -> (Given, Vec<Ignored>) {
    let (given, rejected) = parse(rules, pairs.0.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    let ignored = |pair: Rejected| Ignored { key: pairs.0[pair.at].0.clone(), why: pair.why.into() };
    (given, rejected.into_iter().map(ignored).collect())
}

/// Whether a name that was given is none.
fn refused_name(ignored: &[Ignored]) -> bool {
    ignored.iter().any(|pair| matches!(pair.why, Why::Digits | Why::NoName))
}
