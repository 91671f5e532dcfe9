//! Which connection is the fleet agent's: the last one that claimed to be and has sent something since. A claim alone
//! does not replace a connection that has sent something, so connections that only claim can neither lock the real
//! agent out nor replace it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::rate_limit::RateLimit;
use crate::agent_event::AgentEvent;
use crate::{Handler, Incoming};

/// How many commands an agent may send in a row without delay, and the delay for each further one.
const BURST: u32 = 32;
const INTERVAL: Duration = Duration::from_millis(20);

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
    has_sent: bool,
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
        let agent = Agent {
            number: claims.last,
            agents: self,
            handler,
            rate_limit: RateLimit::new(BURST, INTERVAL),
            has_sent: false,
        };
        if claims.current.is_none_or(|current| !current.has_sent) {
            claims.current = Some(Current { number: agent.number, has_sent: false });
            agent.report(AgentEvent::Connected);
        }
        agent
    }
}

/// A connection that claimed to be the agent's. On drop its disconnection is reported, unless a later agent replaced it.
pub struct Agent<'a> {
    number: u64,
    agents: &'a Agents,
    handler: &'a dyn Handler,
    rate_limit: RateLimit,
    has_sent: bool,
}

impl Agent<'_> {
    /// Whether it has sent something since its claim.
    pub fn has_sent(&self) -> bool {
        self.has_sent
    }

    /// Records that it sent a message. Returns `false` if a later agent has replaced it.
    pub fn record_message(&mut self) -> bool {
        self.has_sent = true;
        let mut claims = self.agents.claims();
        match claims.current {
            Some(current) if current.has_sent && current.number > self.number => return false,
            Some(current) if current.number == self.number => {}
            _ => self.report(AgentEvent::Connected),
        }
        claims.current = Some(Current { number: self.number, has_sent: true });
        true
    }

    /// Slows a flood down so that it can't occupy the screen.
    pub fn slow_down(&mut self) {
        self.rate_limit.wait();
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
            self.report(AgentEvent::Disconnected);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn an_active_agent_is_replaced_by_a_message_but_not_by_a_claim() {
        let (handler, reported) = channel();
        let connections_reported = || {
            let events = reported.try_iter();
            events.map(|event| matches!(event, Incoming::Agent(AgentEvent::Connected))).collect::<Vec<_>>()
        };
        let agents = Agents::default();
        let mut silent: Vec<_> = (0..4).map(|_| agents.claim(&handler)).collect();
        assert_eq!(connections_reported(), [true; 4]);
        let mut real = agents.claim(&handler);
        assert!(real.record_message());
        assert_eq!(connections_reported(), [true]);
        silent.extend((0..4).map(|_| agents.claim(&handler)));
        assert!(real.record_message());
        // The claims end at their deadline, which is not reported.
        silent.clear();
        assert!(real.record_message());
        assert!(connections_reported().is_empty());
        let mut other = agents.claim(&handler);
        assert!(other.record_message() && !real.record_message() && !real.record_message());
        drop(real);
        assert_eq!(connections_reported(), [true]);
        drop(other);
        assert_eq!(connections_reported(), [false]);
        let mut again = agents.claim(&handler);
        assert!(again.record_message());
        assert_eq!(connections_reported(), [true]);
    }

    #[test]
    fn an_agent_that_sends_first_replaces_a_later_claim() {
        let agents = Agents::default();
        let (handler, _reported) = channel();
        let (mut first, _silent) = (agents.claim(&handler), agents.claim(&handler));
        assert!(first.record_message());
    }
}
