//! A seat as the agent is one, without a disk and a prompter: its real receiver and its real board over a real link.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use chrono::NaiveDate;
use penutup::broadcast::Broadcast;
use penutup::words::Lang;
use penutup_fleet::agent::receiver::{Connection, Hear, Letter, receive};
use penutup_fleet::agent::replica::{Board, Seat};
use penutup_fleet::config::agent::Agent;
use penutup_fleet::wire::envelope::Envelope;
use penutup_fleet::wire::key::Key;
use penutup_fleet::wire::refusal::{Refusal, Refused};
use penutup_fleet::wire::trust::Trust;
use tokio::task::JoinHandle;

use super::{Ground, Who, wait_until};

/// What a seat knows and is; whatever changes it changes the seat.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// The declaration that holds.
    pub holds: Option<Broadcast>,
    /// The centre's rules.
    pub rules: Option<String>,
    /// All that it believes.
    pub known: BTreeMap<Key, Envelope>,
}

struct Ear {
    board: Mutex<(Board, u64)>,
    trust: Trust,
}

impl Ear {
    fn judge(&self, letter: &Letter) {
        let mut board = self.board.lock().unwrap();
        board.0.heard(&self.trust, letter.key.as_ref(), &letter.message.payload, letter.came, NaiveDate::MAX);
    }
}

impl Hear for Ear {
    fn said(&self, letter: Letter) {
        self.judge(&letter);
    }

    async fn answered(&self, letters: Vec<Letter>) {
        for letter in &letters {
            self.judge(letter);
        }
    }

    fn round(&self, heard: bool) {
        self.board.lock().unwrap().1 += u64::from(heard);
    }
}

/// The seat.
pub struct TestSeat {
    ear: Arc<Ear>,
    task: JoinHandle<()>,
}

impl TestSeat {
    /// Connects, and waits until it listens and has asked for what holds.
    pub async fn start(ground: &Ground, site: &str, seat: &str) -> Self {
        let agent = Agent::read(&ground.config(Who::Seat(site, seat)), Lang::En).expect("agent.toml");
        let place = Seat { site: agent.site, region: agent.region, seat: agent.seat };
        let ear = Arc::new(Ear { board: Mutex::new((Board::new(&place, None), 0)), trust: agent.trust });
        let connection = Connection::default();
        let told = connection.clone();
        let client = agent.link.keep(Lang::En, move |event| told.told(&event)).await.expect("a link");
        let heard = Arc::clone(&ear);
        let task = tokio::spawn(async move {
            receive(&client, &place, connection.watch(), &*heard).await.expect("a subscription");
        });
        let seat = Self { ear, task };
        wait_until("the first round", async || (seat.ear.board.lock().unwrap().1 > 0).then_some(())).await;
        seat
    }

    /// What it knows and is.
    pub fn state(&self) -> State {
        let board = &self.ear.board.lock().unwrap().0;
        State {
            holds: board.holds().cloned(),
            rules: board.rules_text().map(str::to_owned),
            known: board.envelopes().map(|(key, envelope)| (key.clone(), envelope.clone())).collect(),
        }
    }

    /// How many it refused.
    pub fn refused(&self) -> Refused {
        self.ear.board.lock().unwrap().0.refused().clone()
    }

    /// Waits until it has refused one more than `before` for this reason.
    pub async fn refuses(&self, before: &Refused, why: Refusal) {
        let count = |refused: &Refused| refused.0.get(&why).copied().unwrap_or_default();
        wait_until(&format!("{why:?} after {before:?}"), async || {
            (count(&self.refused()) > count(before)).then_some(())
        })
        .await;
    }

    /// Waits until it knows this.
    pub async fn knows(&self, envelope: &Envelope) {
        wait_until("a sound broadcast", async || {
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
