//! The centre: applies its declarations, and keeps the state of the connection to it. Part of `update`.
//!
//! A declaration is applied once. After that the CSO may set the fact differently until the next version; a restart
//! does not apply a declaration again.

use std::sync::Arc;

use chrono::TimeDelta;

use super::{App, Effect};
use crate::closing::Since;
use crate::declaration::{Declaration, DeclarationEvent, State};
use crate::message::CentreLink;
use crate::message::Subject;
use crate::rules::ruleset::{RuleSet, Scope};
use penutup_ipc::agent_event::AgentEvent;

/// The declarations of the centre and the connection to it.
#[derive(Clone, Debug, Default)]
pub(super) struct Centre {
    /// The last declaration that was applied.
    applied: Option<Declaration>,
    /// A newer one that can't be applied under the rules in use.
    waiting: Option<Declaration>,
    /// The state of the agent's connection; `None` if no agent has connected yet.
    link: Option<CentreLink>,
}

impl App {
    /// Sets the declaration that was applied before this start.
    pub fn with_applied_declaration(mut self, applied: Option<Declaration>) -> Self {
        self.centre.applied = applied;
        self
    }

    /// Handles an event of the fleet's agent. The state of the link changes only what the screen shows of it.
    pub(super) fn agent(&mut self, event: AgentEvent, effects: &mut Vec<Effect>) {
        match event {
            AgentEvent::Connected | AgentEvent::Up => self.centre.link = Some(CentreLink::Up),
            AgentEvent::WrongClock(ahead) => self.centre.link = Some(CentreLink::WrongClock(ahead)),
            AgentEvent::Down(since) => self.centre.link = Some(CentreLink::Down(since)),
            AgentEvent::Disconnected => self.centre.link = Some(CentreLink::Gone(self.environment.now)),
            AgentEvent::Klb(klb) => self.receive_declaration_event(DeclarationEvent::Declared(klb)),
            AgentEvent::Rules => effects.push(Effect::CheckRules),
        }
    }

    /// The state of the connection to the centre; `None` if no agent has connected yet.
    pub fn centre_link(&self) -> Option<CentreLink> {
        self.centre.link
    }

    pub(super) fn receive_declaration_event(&mut self, event: DeclarationEvent) {
        match event {
            DeclarationEvent::Trouble(why) => self.troubles.set(Subject::Centre, Some(why)),
            DeclarationEvent::Recovered => self.troubles.set(Subject::Centre, None),
            DeclarationEvent::Declared(declaration) => {
                self.troubles.set(Subject::Centre, None);
                let now = self.environment.now;
                // A version far in the future was accepted under a wrong clock; it must not block a plausible one.
                let blocks = |known: &Declaration| {
                    known.version >= declaration.version && (declaration.is_ahead_of(now) || !known.is_ahead_of(now))
                };
                match self.centre.waiting.as_ref().or(self.centre.applied.as_ref()) {
                    Some(known) if *known == *declaration => {}
                    Some(known) if blocks(known) => {
                        self.troubles.set(Subject::Centre, Some(self.words().broadcast.older.into()));
                    }
                    _ => self.centre.waiting = Some(*declaration),
                }
                self.apply();
                // A declaration that can't be applied is shown at once, not after the next key.
                if self.centre.waiting.is_some() {
                    self.troubles.uncover_troubles();
                }
            }
        }
    }

    /// Applies the waiting declaration if the rules have its fact.
    pub(super) fn apply(&mut self) {
        let Some(declaration) = &self.centre.waiting else { return };
        let Ok((fact, value)) = resolve(self.rules(), declaration) else { return };
        let loaded = Arc::clone(self.revisions.current());
        // If its time is over already, the banner asks at once: nobody has confirmed it since.
        let past = declaration.until.filter(|until| *until <= self.environment.now);
        let before = past.and_then(|until| until.checked_sub_signed(TimeDelta::seconds(1)));
        let since = Since { set: declaration.since, confirmed: before.unwrap_or(self.environment.now) };
        self.calls.current.declare(&loaded.rules, fact, value, since);
        self.centre.applied = self.centre.waiting.take();
        let (f, v) = (&self.rules().facts[fact].label, &self.rules().facts[fact].values[value].label);
        let notice = self.words().broadcast.declared(f, v);
        self.notify(notice);
    }

    /// The declaration that was applied last.
    pub(super) fn applied(&self) -> Option<&Declaration> {
        self.centre.applied.as_ref()
    }

    /// Another prompter on this seat applied a declaration; the shared state has its fact.
    pub(super) fn adopt_applied(&mut self, declaration: Option<Declaration>) {
        self.centre.waiting.take_if(|w| declaration.as_ref().is_some_and(|b| b.version >= w.version));
        self.centre.applied = declaration;
    }

    pub fn declared(&self, fact: usize) -> Option<&Declaration> {
        self.centre.applied.as_ref().filter(|b| b.fact == self.rules().facts[fact].id)
    }

    /// The declared value of a fact that the CSO has set to another one.
    pub fn declared_otherwise(&self, fact: usize) -> Option<usize> {
        let (_, value) = self.declared(fact).and_then(|b| resolve(self.rules(), b).ok())?;
        (value != self.calls.current.situation().value(fact)).then_some(value)
    }

    /// Whether the CSO has set a declared fact to another value.
    pub fn differs(&self, fact: usize) -> bool {
        self.declared_otherwise(fact).is_some()
    }

    /// Whether the declared end time of a fact is over and nobody has confirmed the fact since.
    pub fn is_past_its_time(&self, fact: usize) -> bool {
        let Some(since) = self.calls.current.since(fact) else { return false };
        let until = self.declared(fact).filter(|_| !self.differs(fact)).and_then(|b| b.until);
        until.is_some_and(|until| until <= self.environment.now && since.confirmed < until)
    }

    /// Why the newest declaration can't be applied under the rules in use.
    pub(super) fn unusable_declaration(&self) -> Option<String> {
        let (waiting, words) = (self.centre.waiting.as_ref()?, &self.words().broadcast);
        Some(match resolve(self.rules(), waiting).err()? {
            Unusable::Unknown => words.no_fact(&waiting.fact),
            Unusable::Contradictory => words.contradictory(&waiting.fact),
        })
    }
}

/// Why a declaration can't be applied under the rules in use.
enum Unusable {
    /// They have no such shift fact, or the fact has no such value.
    Unknown,
    /// Its state is the opposite of its value.
    Contradictory,
}

/// The position of the fact and the value.
fn resolve(rules: &RuleSet, declaration: &Declaration) -> Result<(usize, usize), Unusable> {
    let fact = rules.fact_named(&declaration.fact).ok_or(Unusable::Unknown)?;
    let known = &rules.facts[fact];
    if !matches!(known.scope, Scope::Shift { .. }) {
        return Err(Unusable::Unknown);
    }
    let value = match (&declaration.value, declaration.state) {
        (Some(id), _) => known.values.iter().position(|v| v.id == *id),
        (None, State::Off) => Some(0),
        (None, State::On) => (known.values.len() > 1).then_some(1),
    };
    let value = value.ok_or(Unusable::Unknown)?;
    // Off is the first value, on is any other.
    if (declaration.state == State::Off) == (value == 0) { Ok((fact, value)) } else { Err(Unusable::Contradictory) }
}
