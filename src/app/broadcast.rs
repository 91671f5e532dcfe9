//! What the centre declares, done to the prompter, and what the screen says of it. Part of `update`.
//!
//! A declaration is applied once. From then on the CSO may differ, until the next version; a restart applies none that
//! was applied before.

use std::sync::Arc;

use chrono::TimeDelta;

use super::{App, Effect};
use crate::broadcast::{Broadcast, News, State};
use crate::closing::Since;
use crate::message::Subject;
use crate::message::agent::{AgentEvent, CentreLink};
use crate::rules::ruleset::{RuleSet, Scope};

/// What the prompter knows of the centre.
#[derive(Clone, Debug, Default)]
pub(super) struct Centre {
    /// The last declaration that was applied.
    applied: Option<Broadcast>,
    /// A newer one that the rules in use can't be set to.
    waiting: Option<Broadcast>,
    /// How the way through the agent stands, once there was one.
    link: Option<CentreLink>,
}

impl App {
    /// With the declaration that was applied before this start.
    #[must_use]
    pub fn knowing(mut self, applied: Option<Broadcast>) -> Self {
        self.centre.applied = applied;
        self
    }

    /// The fleet's agent tells something, comes or goes. A link that is down changes nothing but what is told of it.
    pub(super) fn agent(&mut self, event: AgentEvent, effects: &mut Vec<Effect>) {
        match event {
            AgentEvent::Came | AgentEvent::Up => self.centre.link = Some(CentreLink::Up),
            AgentEvent::Down(since) => self.centre.link = Some(CentreLink::Down(since)),
            AgentEvent::Gone => self.centre.link = Some(CentreLink::Gone(self.environment.now)),
            AgentEvent::Klb(klb) => self.hear(News::Declared(klb)),
            AgentEvent::Rules => effects.push(Effect::LookAtRules),
        }
    }

    /// How the way to the centre through the fleet's agent stands; `None` where there never was an agent.
    #[must_use]
    pub fn centre_link(&self) -> Option<CentreLink> {
        self.centre.link
    }

    pub(super) fn hear(&mut self, news: News) {
        match news {
            News::Trouble(why) => self.troubles.set(Subject::Centre, Some(why)),
            News::Sound => self.troubles.set(Subject::Centre, None),
            News::Declared(broadcast) => {
                self.troubles.set(Subject::Centre, None);
                let now = self.environment.now;
                // An implausible version that was taken under a wrong clock does not bar a plausible one.
                let bars = |known: &Broadcast| {
                    known.version >= broadcast.version && (broadcast.is_ahead_of(now) || !known.is_ahead_of(now))
                };
                match self.centre.waiting.as_ref().or(self.centre.applied.as_ref()) {
                    Some(known) if *known == *broadcast => {}
                    Some(known) if bars(known) => {
                        self.troubles.set(Subject::Centre, Some(self.words().broadcast.older.into()));
                    }
                    _ => self.centre.waiting = Some(*broadcast),
                }
                self.apply();
                // What could not be applied is seen at once, not after the next key.
                if self.centre.waiting.is_some() {
                    self.troubles.give_way();
                }
            }
        }
    }

    /// Applies what waits, where the rules have the fact.
    pub(super) fn apply(&mut self) {
        let Some(broadcast) = &self.centre.waiting else { return };
        let Ok((fact, value)) = place(self.rules(), broadcast) else { return };
        let book = Arc::clone(self.revisions.current());
        // One that comes when its time is past is asked about at once: nobody has said since that it still holds.
        let past = broadcast.until.filter(|until| *until <= self.environment.now);
        let before = past.and_then(|until| until.checked_sub_signed(TimeDelta::seconds(1)));
        let since = Since { set: broadcast.since, confirmed: before.unwrap_or(self.environment.now) };
        self.calls.current.declare(&book.rules, fact, value, since);
        self.centre.applied = self.centre.waiting.take();
        let (f, v) = (&self.rules().facts[fact].label, &self.rules().facts[fact].values[value].label);
        let notice = self.words().broadcast.declared(f, v);
        self.tell(notice);
    }

    /// The declaration that was applied last.
    pub(super) fn applied(&self) -> Option<&Broadcast> {
        self.centre.applied.as_ref()
    }

    /// Another prompter on this seat applied a declaration, and its fact came with it.
    pub(super) fn take_applied(&mut self, broadcast: Option<Broadcast>) {
        self.centre.waiting.take_if(|w| broadcast.as_ref().is_some_and(|b| b.version >= w.version));
        self.centre.applied = broadcast;
    }

    /// What the centre has declared of a fact.
    #[must_use]
    pub fn declared(&self, fact: usize) -> Option<&Broadcast> {
        self.centre.applied.as_ref().filter(|b| b.fact == self.rules().facts[fact].id)
    }

    /// Whether a fact stands otherwise here than the centre has declared it.
    #[must_use]
    pub fn differs(&self, fact: usize) -> bool {
        let declared = self.declared(fact).and_then(|b| place(self.rules(), b).ok());
        declared.is_some_and(|(_, value)| value != self.calls.current.situation().value(fact))
    }

    /// Whether what was declared of a fact was to hold until a time that is past, and nobody has been asked since.
    #[must_use]
    pub fn is_past_its_time(&self, fact: usize) -> bool {
        let Some(since) = self.calls.current.since(fact) else { return false };
        let until = self.declared(fact).filter(|_| !self.differs(fact)).and_then(|b| b.until);
        until.is_some_and(|until| until <= self.environment.now && since.confirmed < until)
    }

    /// Why the newest declaration can't be applied under the rules in use.
    pub(super) fn unusable_declaration(&self) -> Option<String> {
        let (waiting, words) = (self.centre.waiting.as_ref()?, &self.words().broadcast);
        Some(match place(self.rules(), waiting).err()? {
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
fn place(rules: &RuleSet, broadcast: &Broadcast) -> Result<(usize, usize), Unusable> {
    let fact = rules.fact_named(&broadcast.fact).ok_or(Unusable::Unknown)?;
    let known = &rules.facts[fact];
    if !matches!(known.scope, Scope::Shift { .. }) {
        return Err(Unusable::Unknown);
    }
    let value = match (&broadcast.value, broadcast.state) {
        (Some(id), _) => known.values.iter().position(|v| v.id == *id),
        (None, State::Off) => Some(0),
        (None, State::On) => (known.values.len() > 1).then_some(1),
    };
    let value = value.ok_or(Unusable::Unknown)?;
    // Off is the first value, on any other.
    if (broadcast.state == State::Off) == (value == 0) { Ok((fact, value)) } else { Err(Unusable::Contradictory) }
}
