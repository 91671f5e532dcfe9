//! What reaches the prompter from outside: the telephone, over the socket and over its own line, the links of web pages,
//! and the centre.

#[cfg(unix)]
#[path = "phone/agent.rs"]
mod agent;
#[path = "phone/calls.rs"]
mod calls;
#[path = "phone/centre.rs"]
mod centre;
#[cfg(unix)]
#[path = "phone/documents.rs"]
pub mod documents;
#[cfg(unix)]
#[path = "phone/keys.rs"]
mod keys;
#[cfg(unix)]
#[path = "phone/klb.rs"]
mod klb;
#[cfg(unix)]
#[path = "phone/line.rs"]
mod line;
#[cfg(unix)]
#[path = "phone/link.rs"]
pub mod link;
#[cfg(all(unix, not(target_os = "macos")))]
#[path = "phone/link_install.rs"]
mod link_install;
#[cfg(unix)]
#[path = "phone/link_page.rs"]
mod link_page;
#[path = "phone/links.rs"]
mod links;
#[cfg(unix)]
#[path = "phone/press.rs"]
mod press;
#[path = "phone/screen.rs"]
mod screen;
#[cfg(unix)]
#[path = "phone/socket.rs"]
mod socket;
#[cfg(unix)]
#[path = "phone/verb.rs"]
pub mod verb;

use penutup::app::Effect;
use penutup::journal::record::Record;
use penutup::message::Message;
use penutup_ipc::phone_event::{Ignored, Pairs, PhoneEvent, Why};

use crate::stage::Stage;

/// Pairs, written `klb=ya nama=Siti+Aminah`.
pub fn pairs(text: &str) -> Pairs {
    let pairs = text.split_whitespace().map(|pair| pair.split_once('=').expect("a pair"));
    Pairs(pairs.map(|(key, value)| (key.to_owned(), value.replace('+', " "))).collect())
}

/// Sends the telephone's events to a stage.
pub trait Telephone {
    fn starts(&mut self, text: &str) -> &mut Self;
    fn starts_as(&mut self, id: &str, text: &str) -> &mut Self;
    fn sets(&mut self, text: &str) -> &mut Self;
    fn ends(&mut self) -> &mut Self;
    fn ends_as(&mut self, id: &str) -> &mut Self;
    /// Somebody else takes the calls.
    fn agent(&mut self, agent: &str) -> &mut Self;
    /// The parts of the last message that were ignored.
    fn ignored(&self) -> Vec<(&str, Why)>;
    /// What the last action did to the journal: a record as `number outcome`, or `number gone`.
    fn journal(&self) -> Vec<String>;
    /// Whether the name is unconfirmed.
    fn is_unsure(&self) -> bool;
}

impl Telephone for Stage {
    fn starts(&mut self, text: &str) -> &mut Self {
        self.act(Message::Phone(PhoneEvent::Start { id: None, pairs: pairs(text) }))
    }

    fn starts_as(&mut self, id: &str, text: &str) -> &mut Self {
        self.act(Message::Phone(PhoneEvent::Start { id: Some(id.into()), pairs: pairs(text) }))
    }

    fn sets(&mut self, text: &str) -> &mut Self {
        self.act(Message::Phone(PhoneEvent::Set(pairs(text))))
    }

    fn ends(&mut self) -> &mut Self {
        self.act(Message::Phone(PhoneEvent::End { id: None }))
    }

    fn agent(&mut self, agent: &str) -> &mut Self {
        self.act(Message::Phone(PhoneEvent::Agent(agent.into())))
    }

    fn ends_as(&mut self, id: &str) -> &mut Self {
        self.act(Message::Phone(PhoneEvent::End { id: Some(id.into()) }))
    }

    fn ignored(&self) -> Vec<(&str, Why)> {
        let reply = self.effects.iter().find_map(|effect| match effect {
            Effect::Reply(ignored) => Some(ignored),
            _ => None,
        });
        let reply: &[Ignored] = reply.map_or(&[], Vec::as_slice);
        reply.iter().map(|ignored| (ignored.key.as_str(), ignored.why)).collect()
    }

    fn journal(&self) -> Vec<String> {
        let one = |effect: &Effect| match effect {
            Effect::Journal(record) => Some(format!("{} {}", record.call, ending_code(record))),
            Effect::Unjournal(number) => Some(format!("{number} gone")),
            _ => None,
        };
        self.effects.iter().filter_map(one).collect()
    }

    fn is_unsure(&self) -> bool {
        let nama = self.app.rules().field_named("nama").expect("these rules have names");
        self.app.is_unsure(nama)
    }
}

fn ending_code(record: &Record) -> &'static str {
    record.end.map_or("open", |(_, how)| how.code())
}
