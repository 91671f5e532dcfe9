//! Handles events from the telephone, and those of links that are let in (`web_link`). Part of `update`.
//!
//! The telephone must never redirect a CSO's keys. While a field is open, an event that would switch to another call
//! waits until the field is closed. An event that only sets values is applied at once; if it sets the open field, Enter
//! still takes the typed text, unless the text is empty.

use std::collections::VecDeque;
use std::sync::Arc;

use super::calls::Ended;
use super::{App, Effect, Mode};
use crate::app::draft::{Draft, Target};
use crate::closing::ending::Outcome;

use crate::closing::external::{Assignments, Origin};
use crate::closing::pairs::RejectedPair;
use crate::closing::pairs::parse;
use crate::journal::record::{is_agent, is_interaction};
use crate::message::Link;
use crate::rules::ruleset::{FieldIx, RuleSet};
use crate::rules::text;
use crate::words::Words;
use penutup_ipc::phone_event::{Ignored, Pairs, PhoneEvent, Why};

/// How many interrupted calls can be returned to, one after the other: the legs of a consultation.
const MAX_INTERRUPTED: usize = 8;
/// How many started calls of the telephone are remembered.
const MAX_STARTED: usize = 16;
/// How many events can wait for a field to be closed.
const MAX_WAITING: usize = 16;

/// A call that was started from outside.
#[derive(Clone, Debug)]
struct Started {
    origin: Origin,
    /// The telephone's id of the call.
    id: Option<String>,
    /// Our number of the call.
    number: u64,
}

/// The state of the telephone.
#[derive(Clone, Debug, Default)]
pub(super) struct Phone {
    /// The calls that were started from outside.
    started: Vec<Started>,
    /// The calls that a new call interrupted, until the CSO does something in the new one.
    interrupted: Vec<Ended>,
    /// Events that wait for a field to be closed.
    waiting: VecDeque<PhoneEvent>,
    /// Whether it set the field that is open.
    set_open_field: bool,
    /// The prompter's own connection to it.
    link: Option<Link>,
}

impl App {
    /// Handles an event. The reply is what was ignored of it, also if the rest has to wait.
    pub(super) fn phone(&mut self, event: PhoneEvent, effects: &mut Vec<Effect>) {
        let ignored = if self.must_wait(&event) {
            let ignored = self.resolve_event(&event).1;
            if self.phone.waiting.len() < MAX_WAITING {
                self.phone.waiting.push_back(event);
            }
            self.notify(self.words().phone.waits(self.environment.closing_keys()));
            ignored
        } else {
            self.handle_event(event, Origin::Telephone, effects)
        };
        effects.push(Effect::Reply(ignored));
    }

    /// Whether an event would take a field that is being typed to another call.
    pub(super) fn must_wait(&self, event: &PhoneEvent) -> bool {
        let Mode::Typing(draft) = &self.mode else { return false };
        // The number that is being typed is of whoever takes the call that this event would begin.
        if draft.target == Target::Agent {
            return !matches!(event, PhoneEvent::Agent(_));
        }
        // A text typed for the next call belongs to the call that this event starts.
        let in_a_call = self.calls.current.started_at().is_some() && !draft.for_next;
        !self.phone.waiting.is_empty()
            || match event {
                PhoneEvent::Start { .. } => in_a_call,
                PhoneEvent::Set(_) | PhoneEvent::Agent(_) => false,
                PhoneEvent::End { .. } => true,
            }
    }

    /// Handles the waiting events once the field is closed.
    pub(super) fn handle_waiting_phone(&mut self, effects: &mut Vec<Effect>) {
        while !matches!(self.mode, Mode::Typing(_)) {
            self.phone.set_open_field = false;
            let Some(event) = self.phone.waiting.pop_front() else { return };
            self.handle_event(event, Origin::Telephone, effects);
        }
    }

    /// What an event sets, and what is ignored of it.
    fn resolve_event(&self, event: &PhoneEvent) -> (Assignments, Vec<Ignored>) {
        let (given, mut ignored) = event.pairs().map(|pairs| resolve(self.rules(), pairs)).unwrap_or_default();
        match event {
            PhoneEvent::Start { id: Some(id), .. } if !is_interaction(id) => ignored.push(invalid("id")),
            PhoneEvent::Agent(agent) if !is_agent(agent) => ignored.push(invalid("agent")),
            _ => {}
        }
        (given, ignored)
    }

    /// Handles an event. Returns what was ignored of it.
    pub(super) fn handle_event(
        &mut self,
        event: PhoneEvent,
        origin: Origin,
        effects: &mut Vec<Effect>,
    ) -> Vec<Ignored> {
        let (given, ignored) = self.resolve_event(&event);
        match event {
            PhoneEvent::Agent(agent) => self.set_agent(Some(agent)),
            PhoneEvent::Start { id, pairs } => self.starts((origin, id), &pairs, given, &ignored, effects),
            PhoneEvent::Set(pairs) => self.sets(origin, &pairs, given, &ignored, effects),
            PhoneEvent::End { id } => self.phone_ends(id.as_deref(), effects),
        }
        ignored
    }

    fn starts(
        &mut self,
        (origin, id): (Origin, Option<String>),
        pairs: &Pairs,
        mut given: Assignments,
        ignored: &[Ignored],
        effects: &mut Vec<Effect>,
    ) {
        let words = notices(self.words(), origin);
        let is_nameless = refused_name(ignored);
        let mut notice = if is_nameless { words.started_nameless } else { words.started }.to_owned();
        if self.calls.current.started_at().is_some() {
            let typed = match &self.mode {
                Mode::Typing(draft) if draft.for_next => Some(draft.clone()),
                _ => None,
            };
            let how = self.outcome_or(Outcome::NextCall);
            let old = self.next_call(how, effects);
            // The next call may have other rules.
            given = resolve(self.rules(), pairs).0;
            if let Some(mut draft) = typed.and_then(|draft| self.draft_under(&draft, &old.loaded.rules)) {
                draft.for_next = false;
                self.mode = Mode::Typing(draft);
            }
            if self.phone.interrupted.len() == MAX_INTERRUPTED {
                self.phone.interrupted.remove(0);
            }
            notice = overtook(self.words(), origin, is_nameless, self.environment.undo_key());
            notice = self.after_new_rules(&old, notice);
            self.phone.interrupted.push(old);
            // Undo returns to the interrupted call, never to an earlier one.
            self.calls.ended = None;
        } else if !matches!(self.mode, Mode::Typing(_)) {
            self.calls.previewing = None;
            self.show_closing();
        }
        if self.phone.started.len() == MAX_STARTED {
            self.phone.started.remove(0);
        }
        self.calls.interaction = id.clone().filter(|id| is_interaction(id));
        self.phone.started.push(Started { origin, id, number: self.calls.number });
        self.take(&given, origin, true);
        self.notify(notice);
    }

    /// Sets who takes the calls, or that nobody is known to; while one is running, from the next one on. What is no
    /// agent's number changes nothing.
    pub(super) fn set_agent(&mut self, agent: Option<String>) {
        let words = &self.words().notice;
        if agent.as_deref().is_some_and(|agent| !is_agent(agent)) {
            return self.notify(words.no_agent);
        }
        let is_later = self.calls.current.started_at().is_some() && agent != self.calls.agent;
        let notice = match (&agent, is_later) {
            (Some(agent), false) => words.agent(agent),
            (Some(agent), true) => words.agent_next(agent),
            (None, false) => words.agent_removed.into(),
            (None, true) => words.agent_removed_next.into(),
        };
        if !is_later {
            self.calls.agent.clone_from(&agent);
        }
        self.calls.next_agent = agent;
        self.notify(notice);
    }

    /// Sets values. A finished call does not change any more: if it was started from outside, the values are too late;
    /// else they are for the next call.
    fn sets(
        &mut self,
        origin: Origin,
        pairs: &Pairs,
        mut given: Assignments,
        ignored: &[Ignored],
        effects: &mut Vec<Effect>,
    ) {
        let words = notices(self.words(), origin);
        if self.calls.current.is_finished() {
            let of_the_call = given.call_only(self.rules());
            let mut probe = self.calls.current.clone();
            probe.apply(self.rules(), &of_the_call, origin, false, self.environment.now);
            if probe == self.calls.current {
                given.facts.retain(|fact| !of_the_call.facts.contains(fact));
                (given.choices, given.typed) = (Vec::new(), Vec::new());
            } else if self.phone.started.iter().any(|started| started.number == self.calls.number) {
                given.facts.retain(|fact| !of_the_call.facts.contains(fact));
                (given.choices, given.typed) = (Vec::new(), Vec::new());
                self.notify(words.too_late);
            } else {
                self.begin_next(effects);
                // The next call may have other rules.
                given = resolve(self.rules(), pairs).0;
            }
        }
        let (shown, tells_the_end) = (self.momentary().map(str::to_owned), self.troubles.tells_the_end());
        if self.take(&given, origin, false) {
            // A notice that says how to undo is more important than where the value came from.
            match self.ended_notice().filter(|_| tells_the_end) {
                Some(text) => self.troubles.notify_of_the_end(text),
                None => self.notify(shown.unwrap_or_else(|| words.set.into())),
            }
        } else if refused_name(ignored) {
            self.notify(words.set_nameless);
        }
    }

    /// Ends the call that the telephone names. If the CSO has ended or left that call already, no other call is ended.
    fn phone_ends(&mut self, id: Option<&str>, effects: &mut Vec<Effect>) {
        // A call that a link started has no end of the telephone's to find it.
        let is_meant = |started: &Started| started.origin == Origin::Telephone && started.id.as_deref() == id;
        let at = self.phone.started.iter().rposition(is_meant);
        let ours = match at.map(|at| self.phone.started.remove(at)) {
            Some(started) => started.number == self.calls.number,
            // Without a started call and without an id it can only mean the running call.
            None => id.is_none(),
        };
        if ours && self.calls.current.started_at().is_some() {
            self.end(effects);
        }
    }

    /// Sets values. Returns whether anything changed.
    fn take(&mut self, given: &Assignments, origin: Origin, begins: bool) -> bool {
        let before = self.calls.current.clone();
        let loaded = Arc::clone(self.revisions.current());
        if let Mode::Typing(draft) = &self.mode {
            self.phone.set_open_field |= given.typed.iter().any(|(field, _)| Some(*field) == draft.field());
        }
        self.calls.current.apply(&loaded.rules, given, origin, begins, self.environment.now);
        self.calls.current != before
    }

    /// Whether a field that is closed empty keeps the value that the telephone has set meanwhile.
    pub(super) fn keeps_external_text(&self, draft: &Draft) -> bool {
        self.phone.set_open_field && text::is_blank(draft.text())
    }

    /// The CSO did something in this call: it is too late to return to an interrupted one.
    pub(super) fn drop_interrupted(&mut self) {
        self.phone.interrupted.clear();
    }

    /// Returns to the interrupted call and discards the new one. Returns `false` if there is no interrupted call.
    pub(super) fn return_to_interrupted(&mut self, effects: &mut Vec<Effect>) -> bool {
        let Some(old) = self.phone.interrupted.pop() else { return false };
        self.show_closing();
        self.resume(old, effects);
        true
    }

    /// Whether Backspace returns to an interrupted call.
    pub fn can_return(&self) -> bool {
        !self.phone.interrupted.is_empty()
    }

    pub(super) fn phone_link(&mut self, link: Link) {
        self.phone.link = Some(link);
    }

    /// The number of the running call's agent, if one is given.
    pub fn agent_number(&self) -> Option<&str> {
        self.calls.agent.as_deref()
    }

    /// The state of the prompter's own connection to the telephone, if it has one.
    pub fn link(&self) -> Option<Link> {
        self.phone.link
    }

    /// Whether a field's text comes from outside and the CSO has not confirmed it yet.
    pub fn is_unsure(&self, field: FieldIx) -> bool {
        self.unsure_mark(field).is_some()
    }

    /// The mark of a field whose text comes from outside and the CSO has not confirmed yet.
    pub fn unsure_mark(&self, field: FieldIx) -> Option<&'static str> {
        let typing = matches!(&self.mode, Mode::Typing(draft) if draft.field() == Some(field));
        let origin = self.calls.current.unconfirmed(field).filter(|_| !typing)?;
        Some(match origin {
            Origin::Telephone => self.words().phone.unsure,
            Origin::Link => self.words().link.unsure,
        })
    }
}

/// What the screen says of an event.
struct Notices {
    started: &'static str,
    started_nameless: &'static str,
    set: &'static str,
    set_nameless: &'static str,
    too_late: &'static str,
}

fn notices(words: &'static Words, origin: Origin) -> Notices {
    let (phone, link) = (&words.phone, &words.link);
    match origin {
        Origin::Telephone => Notices {
            started: phone.started,
            started_nameless: phone.started_nameless,
            set: phone.set,
            set_nameless: phone.set_nameless,
            too_late: phone.too_late,
        },
        Origin::Link => Notices {
            started: link.started,
            started_nameless: link.started_nameless,
            set: link.set,
            set_nameless: link.set_nameless,
            too_late: link.too_late,
        },
    }
}

/// That an event began a call over another.
fn overtook(words: &Words, origin: Origin, is_nameless: bool, undo: &str) -> String {
    match (origin, is_nameless) {
        (Origin::Telephone, false) => words.phone.overtook(undo),
        (Origin::Telephone, true) => words.phone.overtook_nameless(undo),
        (Origin::Link, false) => words.link.overtook(undo),
        (Origin::Link, true) => words.link.overtook_nameless(undo),
    }
}

/// What the pairs set, and which of them are ignored.
fn resolve(rules: &RuleSet, pairs: &Pairs) -> (Assignments, Vec<Ignored>) {
    let (given, rejected) = parse(rules, pairs.0.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    let ignored = |pair: RejectedPair| Ignored { key: pairs.0[pair.at].0.clone(), why: pair.why.into() };
    (given, rejected.into_iter().map(ignored).collect())
}

fn invalid(key: &str) -> Ignored {
    Ignored { key: key.into(), why: Why::Invalid }
}

/// Whether a name was rejected.
fn refused_name(ignored: &[Ignored]) -> bool {
    ignored.iter().any(|pair| matches!(pair.why, Why::Digits | Why::NoName))
}
