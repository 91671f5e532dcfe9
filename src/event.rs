//! What the loop receives, and the handles that send it.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use crate::message::Message;
use penutup_ipc::phone_event::Ignored;
use penutup_ipc::{Handler, Incoming};

/// What the loop receives; `I` is the input of a person, as the view reads it.
#[derive(Debug)]
pub enum Event<I> {
    /// A person did something.
    Input(I),
    /// No more input comes from a person.
    InputClosed,
    /// Something came from outside.
    External(Request),
    /// A signal came: [`Pending`](crate::run::signals::Pending) has it.
    #[cfg(unix)]
    Signal,
}

/// A message, and the channel for the reply where its sender waits for one.
#[derive(Debug)]
pub struct Request {
    /// The message.
    pub message: Message,
    reply: Option<SyncSender<Vec<Ignored>>>,
    /// Later than this it is no longer handled.
    until: Option<Instant>,
}

impl From<Message> for Request {
    fn from(message: Message) -> Self {
        Self { message, reply: None, until: None }
    }
}

impl Request {
    /// A message whose sender waits until it was handled, or until `until`.
    #[must_use]
    pub fn awaited(message: Message, until: Option<Instant>) -> (Self, Receiver<Vec<Ignored>>) {
        let (reply, replied) = sync_channel(1);
        (Self { message, reply: Some(reply), until }, replied)
    }

    /// Whether it is too late to handle it: the prompter was stopped, and the call is long over. What the centre
    /// declared, and that its agent is gone, is never too late.
    #[must_use]
    pub fn is_late(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() > until) && !matches!(self.message, Message::Agent(_))
    }

    /// Splits it into the message and what replies to it, with what of the message was ignored.
    pub fn into_parts(self) -> (Message, impl FnOnce(Vec<Ignored>)) {
        let Self { message, reply, .. } = self;
        // The sender may no longer wait.
        (message, move |ignored| drop(reply.map(|reply| reply.try_send(ignored))))
    }
}

/// Sends requests to the loop.
#[derive(Clone)]
pub struct EventSender(Arc<dyn Fn(Request) -> bool + Send + Sync>);

impl std::fmt::Debug for EventSender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EventSender")
    }
}

impl EventSender {
    /// Sends to whatever `send` does; it returns whether the request was accepted.
    #[must_use]
    pub fn new(send: impl Fn(Request) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(send))
    }

    /// Sends to the loop's channel.
    #[must_use]
    pub fn to<I: Send + 'static>(events: SyncSender<Event<I>>) -> Self {
        Self::new(move |request| events.send(Event::External(request)).is_ok())
    }

    /// Sends a message that needs no reply; `false` where the loop has ended.
    pub fn send(&self, message: Message) -> bool {
        (self.0)(message.into())
    }

    /// Sends a message and waits until it was handled, `patience` at most. Returns what of it was ignored; `None` where
    /// the loop has ended or did not handle it in time.
    #[must_use]
    pub fn request(&self, message: Message, patience: Option<Duration>) -> Option<Vec<Ignored>> {
        let (request, replied) = Request::awaited(message, patience.map(|patience| Instant::now() + patience));
        if !(self.0)(request) {
            return None;
        }
        match patience {
            Some(patience) => replied.recv_timeout(patience).ok(),
            None => replied.recv().ok(),
        }
    }
}

/// Sends a person's input to the loop.
#[derive(Debug)]
pub struct InputSender<I>(pub SyncSender<Event<I>>);

impl<I> Clone for InputSender<I> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<I> InputSender<I> {
    /// Sends input; `false` where the loop has ended.
    #[must_use]
    pub fn send(&self, input: I) -> bool {
        self.0.send(Event::Input(input)).is_ok()
    }

    /// Reports that no more input comes.
    pub fn close(&self) {
        let _ = self.0.send(Event::InputClosed);
    }
}

impl Handler for EventSender {
    fn send(&self, incoming: Incoming) -> bool {
        self.send(incoming.into())
    }

    fn request(&self, incoming: Incoming, patience: Duration) -> Option<Vec<Ignored>> {
        self.request(incoming.into(), Some(patience))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use penutup_ipc::agent_event::AgentEvent;

    #[test]
    fn a_request_gets_its_own_reply_and_one_that_is_dropped_gets_none() {
        let sender = EventSender::new(|request| {
            let (message, reply) = request.into_parts();
            if message == Message::Clock {
                reply(Vec::new());
            }
            true
        });
        assert_eq!(sender.request(Message::Clock, None), Some(Vec::new()));
        assert_eq!(sender.request(Message::Mistyped, None), None, "dropped without a reply");
        let ended = EventSender::new(|_| false);
        assert!(!ended.send(Message::Clock) && ended.request(Message::Clock, None).is_none());
    }

    #[test]
    fn a_request_that_nobody_waits_for_any_more_is_late_but_not_one_of_the_agent() {
        let over = Instant::now().checked_sub(Duration::from_millis(1));
        assert!(Request::awaited(Message::Clock, over).0.is_late());
        assert!(!Request::awaited(Message::Agent(AgentEvent::Gone), over).0.is_late());
        assert!(!Request::from(Message::Clock).is_late());
    }
}
