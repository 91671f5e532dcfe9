//! A simulated seat: the agent's receiver and replica on a real connection, without folder and prompters.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use async_nats::Client;
use chrono::NaiveDate;
use penutup_cli_kit::words::Lang;
use penutup_fleet::agent::receiver::{Delivery, DeliveryHandler, LinkMonitor, Receiver};
use penutup_fleet::agent::replica::{Replica, SeatId, settles};
use penutup_fleet::config::agent::Agent;
use penutup_fleet::wire::envelope::Envelope;
use penutup_fleet::wire::key::Key;
use penutup_fleet::wire::refusal::{Refusal, RefusalCounts};
use penutup_rules::declaration::Declaration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::{Identity, TestFleet, wait_until};

/// Everything that an attack could change.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// The declaration in force.
    pub effective: Option<Declaration>,
    pub rules: Option<String>,
    pub known: BTreeMap<Key, Envelope>,
}

struct Handler {
    replica: Mutex<Replica>,
    complete_polls: Mutex<u64>,
}

impl DeliveryHandler for Handler {
    fn on_message(&self, delivery: Delivery) {
        let Delivery { key, message, receipt } = delivery;
        let mut replica = self.replica.lock().unwrap();
        replica.receive(key.as_ref(), &message.payload, receipt, NaiveDate::MAX);
        replica.update_effective();
    }

    async fn on_replies(&self, deliveries: Vec<Delivery>) {
        for delivery in deliveries {
            self.on_message(delivery);
        }
    }

    fn settles(&self, key: &Key, newest: &Delivery) -> bool {
        settles(self.replica.lock().unwrap().trust(), key, &newest.message.payload, newest.receipt.stored_at)
    }

    fn on_beat(&self, _live: bool) {}

    fn expects_beat(&self) -> bool {
        true
    }

    fn on_poll(&self, complete: bool) {
        *self.complete_polls.lock().unwrap() += u64::from(complete);
    }
}

pub struct TestSeat {
    handler: Arc<Handler>,
    client: Client,
    task: JoinHandle<()>,
}

impl TestSeat {
    /// Connects, and waits for the first complete poll.
    pub async fn start(fleet: &TestFleet, site: &str, seat: &str) -> Self {
        let agent = Agent::read(&fleet.config(Identity::Seat(site, seat)), Lang::En).expect("agent.toml");
        let id = SeatId { site: agent.site, region: agent.region, seat: agent.seat };
        let replica = Mutex::new(Replica::new(&id, agent.trust, None));
        let handler = Arc::new(Handler { replica, complete_polls: Mutex::default() });
        let monitor = LinkMonitor::default();
        let (events, link) = (monitor.clone(), monitor.subscribe());
        let connected = agent.link.connect_with_retry(Lang::En, move |event| events.on_event(&event)).await;
        let client = connected.expect("a link");
        let (task_handler, own) = (Arc::clone(&handler), client.clone());
        let task = tokio::spawn(async move {
            let poll_now = Notify::new();
            let receiver = Receiver::new(client, id);
            let polls = receiver.poll(link, &poll_now, &*task_handler);
            let (subscribed, ()) = tokio::join!(receiver.subscribe(&*task_handler), polls);
            subscribed.expect("a subscription");
        });
        let seat = Self { handler, client: own, task };
        wait_until("the first poll", async || (*seat.handler.complete_polls.lock().unwrap() > 0).then_some(())).await;
        seat
    }

    /// How often nothing was missing: after a poll, or by the beat after a connect.
    pub fn complete_polls(&self) -> u64 {
        *self.handler.complete_polls.lock().unwrap()
    }

    /// How many messages it sent: requests, since a simulated seat publishes nothing.
    pub fn requests(&self) -> u64 {
        self.client.statistics().out_messages.load(Ordering::Relaxed)
    }

    pub fn state(&self) -> State {
        let replica = self.handler.replica.lock().unwrap();
        State {
            effective: replica.effective().cloned(),
            rules: replica.rules_text().map(str::to_owned),
            known: replica.envelopes().map(|(key, envelope)| (key.clone(), envelope.clone())).collect(),
        }
    }

    pub fn refused(&self) -> RefusalCounts {
        self.handler.replica.lock().unwrap().refused().clone()
    }

    /// Waits until it has refused one more than `before` for this reason.
    pub async fn refuses(&self, before: &RefusalCounts, why: Refusal) {
        let count = |refused: &RefusalCounts| refused.0.get(&why).copied().unwrap_or_default();
        wait_until(&format!("{why:?} after {before:?}"), async || {
            (count(&self.refused()) > count(before)).then_some(())
        })
        .await;
    }

    /// Waits until it has stored this broadcast.
    pub async fn knows(&self, envelope: &Envelope) {
        wait_until("a valid broadcast", async || {
            (self.state().known.get(&envelope.key) == Some(envelope)).then_some(())
        })
        .await;
    }
}

impl Drop for TestSeat {
    fn drop(&mut self) {
        self.task.abort();
    }
}
