//! The events that the loop receives, and the handles that send them.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use crate::message::Message;
use penutup_ipc::message::Reply;
use penutup_ipc::{Handler, Incoming};

/// An event for the loop; `I` is a person's input as the view reads it.
#[derive(Debug)]
pub enum Event<I> {
    /// A person did something.
    Input(I),
    /// The end of a person's input.
    InputClosed,
    /// Something came from outside.
    External(Request),
    /// A signal was queued in [`Pending`](crate::run::signals::Pending).
    #[cfg(unix)]
    Signal,
}

/// A message, and the reply channel if its sender waits for a reply.
#[derive(Debug)]
pub struct Request {
    pub message: Message,
    reply: Option<SyncSender<Reply>>,
    /// The deadline; a later request is not handled.
    until: Option<Instant>,
}

impl From<Message> for Request {
    fn from(message: Message) -> Self {
        Self { message, reply: None, until: None }
    }
}

impl Request {
    /// A message whose sender waits for the reply, at most until `until`.
    pub fn awaited(message: Message, until: Option<Instant>) -> (Self, Receiver<Reply>) {
        let (reply, replied) = sync_channel(1);
        (Self { message, reply: Some(reply), until }, replied)
    }

    /// Whether it is too late to handle it: the process was stopped meanwhile and the call is over. The agent's events
    /// are never late: a declaration and a lost connection still count.
    pub fn is_late(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() > until) && !matches!(self.message, Message::Agent(_))
    }

    /// Splits it into the message and the function that sends the reply.
    pub fn into_parts(self) -> (Message, impl FnOnce(Reply)) {
        let Self { message, reply, .. } = self;
        // The sender may no longer wait.
        (message, move |answer| {
            if let Some(reply) = reply {
                let _ = reply.try_send(answer);
            }
        })
    }
}

#[derive(Clone)]
pub struct EventSender(Arc<dyn Fn(Request) -> bool + Send + Sync>);

impl std::fmt::Debug for EventSender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EventSender")
    }
}

impl EventSender {
    /// A sender that calls `send`, which returns whether the request was accepted.
    pub fn new(send: impl Fn(Request) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(send))
    }

    /// A sender into the loop's channel.
    pub fn to<I: Send + 'static>(events: SyncSender<Event<I>>) -> Self {
        Self::new(move |request| events.send(Event::External(request)).is_ok())
    }

    /// Sends a message that needs no reply. Returns `false` if the loop has ended.
    pub fn send(&self, message: Message) -> bool {
        (self.0)(message.into())
    }

    /// Sends a message and waits for the reply, at most `patience`. Returns the reply; `None` if the loop has ended
    /// or did not reply in time.
    pub fn request(&self, message: Message, patience: Option<Duration>) -> Option<Reply> {
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
    /// Returns `false` if the loop has ended.
    pub fn send(&self, input: I) -> bool {
        self.0.send(Event::Input(input)).is_ok()
    }

    /// Reports the end of the input.
    pub fn close(&self) {
        let _ = self.0.send(Event::InputClosed);
    }
}

impl Handler for EventSender {
    fn send(&self, incoming: Incoming) -> bool {
        self.send(incoming.into())
    }

    fn request(&self, incoming: Incoming, patience: Duration) -> Option<Reply> {
        self.request(incoming.into(), Some(patience))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use penutup_ipc::agent_event::AgentEvent;

    #[test]
    fn a_request_gets_its_own_reply_and_a_dropped_one_gets_none() {
        let sender = EventSender::new(|request| {
            let (message, reply) = request.into_parts();
            if message == Message::Clock {
                reply(Reply::default());
            }
            true
        });
        assert_eq!(sender.request(Message::Clock, None), Some(Reply::default()));
        assert_eq!(sender.request(Message::Mistyped, None), None, "dropped without a reply");
        let ended = EventSender::new(|_| false);
        assert!(!ended.send(Message::Clock) && ended.request(Message::Clock, None).is_none());
    }

    #[test]
    fn a_request_past_its_deadline_is_late_unless_the_agent_sent_it() {
        let over = Instant::now().checked_sub(Duration::from_millis(1));
        assert!(Request::awaited(Message::Clock, over).0.is_late());
        assert!(!Request::awaited(Message::Agent(AgentEvent::Disconnected), over).0.is_late());
        assert!(!Request::from(Message::Clock).is_late());
    }
}
