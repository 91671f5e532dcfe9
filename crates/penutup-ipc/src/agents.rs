//! Which connection is the fleet agent's: the last one that claimed to be and has sent something since. A claim alone
//! does not replace a connection that has sent something, so connections that only claim can neither lock the real
//! agent out nor replace it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::pace::Pace;
use crate::agent_event::AgentEvent;
use crate::{Handler, Incoming};

/// How many commands an agent may send in a row without delay, and the delay for each further one.
const BURST: u32 = 32;
const PACE: Duration = Duration::from_millis(20);

/// All connections that claimed to be the agent's.
#[derive(Debug, Default)]
pub struct Agents(Mutex<Claims>);

#[derive(Debug, Default)]
struct Claims {
    last: u64,
    current: Option<Current>,
}

#[derive(Clone, Copy, Debug)]
struct Current {
    number: u64,
    has_spoken: bool,
}

impl Agents {
    /// Locked while a connect or disconnect is reported, so that a disconnect is never reported after the next connect.
    fn claims(&self) -> MutexGuard<'_, Claims> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection claims to be the agent.
    pub fn claim<'a>(&'a self, handler: &'a dyn Handler) -> Agent<'a> {
        let mut claims = self.claims();
        claims.last += 1;
        let agent =
            Agent { number: claims.last, agents: self, handler, pace: Pace::new(BURST, PACE), has_spoken: false };
        if claims.current.is_none_or(|current| !current.has_spoken) {
            claims.current = Some(Current { number: agent.number, has_spoken: false });
            agent.report(AgentEvent::Came);
        }
        agent
    }
}

/// One that claimed. When this is dropped, it is gone.
pub struct Agent<'a> {
    number: u64,
    agents: &'a Agents,
    handler: &'a dyn Handler,
    pace: Pace,
    has_spoken: bool,
}

impl Agent<'_> {
    /// Whether it has sent something since its claim.
    pub fn has_spoken(&self) -> bool {
        self.has_spoken
    }

    /// It sent something. Returns whether it is the agent's connection; `false` if a later one has replaced it.
    pub fn speaks(&mut self) -> bool {
        self.has_spoken = true;
        let mut claims = self.agents.claims();
        match claims.current {
            Some(current) if current.has_spoken && current.number > self.number => return false,
            Some(current) if current.number == self.number => {}
            _ => self.report(AgentEvent::Came),
        }
        claims.current = Some(Current { number: self.number, has_spoken: true });
        true
    }

    /// Slows a flood down so that it can't occupy the screen.
    pub fn slow_down(&mut self) {
        self.pace.wait();
    }

    /// Reports without waiting for a reply.
    fn report(&self, event: AgentEvent) {
        self.handler.send(Incoming::Agent(event));
    }
}

impl Drop for Agent<'_> {
    fn drop(&mut self) {
        let mut claims = self.agents.claims();
        if claims.current.is_some_and(|current| current.number == self.number) {
            claims.current = None;
            self.report(AgentEvent::Gone);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_claim_displaces_nobody_who_has_spoken_and_a_word_does() {
        let (tell, reported) = channel();
        let take = || {
            let events = reported.try_iter();
            events.map(|action| matches!(action, Incoming::Agent(AgentEvent::Came))).collect::<Vec<_>>()
        };
        let agents = Agents::default();
        let mut silent: Vec<_> = (0..4).map(|_| agents.claim(&tell)).collect();
        assert_eq!(take(), [true; 4]);
        let mut real = agents.claim(&tell);
        assert!(real.speaks());
        assert_eq!(take(), [true]);
        silent.extend((0..4).map(|_| agents.claim(&tell)));
        assert!(real.speaks());
        // They end at their deadline, which reports nothing.
        silent.clear();
        assert!(real.speaks());
        assert!(take().is_empty());
        let mut other = agents.claim(&tell);
        assert!(other.speaks() && !real.speaks() && !real.speaks());
        drop(real);
        assert_eq!(take(), [true]);
        drop(other);
        assert_eq!(take(), [false]);
        let mut again = agents.claim(&tell);
        assert!(again.speaks());
        assert_eq!(take(), [true]);
    }

    #[test]
    fn an_active_agent_regains_its_place_from_a_mere_claim() {
        let agents = Agents::default();
        let (tell, _reported) = channel();
        let (mut first, _silent) = (agents.claim(&tell), agents.claim(&tell));
        assert!(first.speaks());
    }
}
