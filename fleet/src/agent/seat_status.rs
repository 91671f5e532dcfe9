//! How the seat is just now, as its parts tell it: what is said of it to the centre. The parts write, one task reads.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_nats::Client;
use chrono::{DateTime, Utc};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, sleep_until};
use uuid::Uuid;

use super::receiver::Standing;
use super::replica::{Board, Seat};
use crate::wire::SCHEMA;
use crate::wire::refusal::Refused;
use crate::wire::seat::{KlbState, RulesState, SeatState};
use crate::wire::subject;

/// How often it is said though nothing changed, in milliseconds: between these.
const EVERY: (u64, u64) = (24_000, 36_000);
/// How long a change waits, in milliseconds: a thousand seats that heard the same don't say so at once.
const SOON: (u64, u64) = (200, 1_500);

/// How the seat is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// The ledger's id; nil while there is none.
    pub epoch: Uuid,
    /// The centre's rules.
    pub rules: Option<RulesState>,
    /// The declaration that holds.
    pub klb: Option<KlbState>,
    /// How many prompters are spoken to.
    pub prompters: u32,
    /// How many closings wait.
    pub unsent: u64,
    /// The highest number that the stream has.
    pub sent: u64,
    /// What was refused.
    pub refused: Refused,
}

/// Where the parts write.
#[derive(Debug, Default)]
pub struct Now {
    parts: Mutex<Parts>,
    changed: Notify,
}

impl Now {
    fn parts(&self) -> MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something may have changed.
    pub fn set(&self, change: impl FnOnce(&mut Parts)) {
        let mut parts = self.parts();
        let before = parts.clone();
        change(&mut parts);
        if *parts != before {
            self.changed.notify_one();
        }
    }

    /// What the board knows.
    pub fn of_board(&self, board: &Board) {
        self.set(|parts| {
            parts.rules = board.rules_state().cloned();
            parts.klb = board.klb_state();
            parts.refused = board.refused().clone();
        });
    }

    fn state(&self, at: DateTime<Utc>) -> SeatState {
        let Parts { epoch, rules, klb, prompters, unsent, sent, refused } = self.parts().clone();
        let agent = env!("CARGO_PKG_VERSION").to_owned();
        SeatState { schema: SCHEMA, at, agent, epoch, rules, klb, prompters, unsent, sent, refused }
    }

    /// Says it on every connect, at changes, and every half a minute.
    pub async fn say(&self, client: &Client, seat: &Seat, mut standing: watch::Receiver<Standing>) {
        let subject = subject::state(&seat.site, &seat.seat);
        loop {
            if standing.wait_for(|standing| standing.connected).await.is_err() {
                return;
            }
            sleep(Duration::from_millis(fastrand::u64(SOON.0..=SOON.1))).await;
            let said = client.publish(subject.clone(), self.state(Utc::now()).to_bytes().into()).await;
            // Only a client that has ended takes nothing.
            if said.is_err() {
                return;
            }
            let later = Instant::now() + Duration::from_millis(fastrand::u64(EVERY.0..=EVERY.1));
            tokio::select! {
                () = sleep_until(later) => {}
                () = self.changed.notified() => {}
                changed = standing.changed() => if changed.is_err() { return },
            }
        }
    }
}
