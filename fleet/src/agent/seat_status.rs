//! The seat's status for the centre. The agent's parts write into it; one task publishes it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_nats::Client;
use chrono::{DateTime, Utc};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, sleep_until};
use uuid::Uuid;

use super::receiver::LinkState;
use super::replica::{Replica, SeatId};
use crate::wire::SCHEMA;
use crate::wire::key::Key;
use crate::wire::refusal::RefusalCounts;
use crate::wire::seat::{KeyState, KlbState, RulesState, SeatState};
use crate::wire::subject;

/// Between two publications without a change, in milliseconds: a random value in this range.
const INTERVAL_MS: (u64, u64) = (24_000, 36_000);
/// Delay after a change, in milliseconds: random, so that a thousand seats don't publish the same change at once.
const DELAY_MS: (u64, u64) = (200, 1_500);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeatStatus {
    /// The ledger's id; nil while there is no ledger.
    pub epoch: Uuid,
    pub rules: Option<RulesState>,
    pub klb: Option<KlbState>,
    /// Connected prompters.
    pub prompters: u32,
    pub unsent: u64,
    /// The highest sequence number that the stream acknowledged.
    pub sent: u64,
    pub refused: RefusalCounts,
    pub broadcasts: BTreeMap<String, KeyState>,
    /// Since when the folder can't be written.
    pub unwritten_since: Option<DateTime<Utc>>,
    /// What the centre told of this machine's clock.
    pub told_clock: Option<i64>,
}

/// Lowers the version of verified rules to that of the written ones.
fn limit_rules(broadcasts: &mut BTreeMap<String, KeyState>, written: u64) {
    if let Some(of_key) = broadcasts.get_mut(&Key::Rules.to_string()) {
        of_key.version = of_key.version.min(written);
    }
}

#[derive(Debug, Default)]
pub struct StatusPublisher {
    status: Mutex<SeatStatus>,
    changed: Notify,
}

impl StatusPublisher {
    fn lock(&self) -> MutexGuard<'_, SeatStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn update(&self, change: impl FnOnce(&mut SeatStatus)) {
        let mut status = self.lock();
        let before = status.clone();
        change(&mut status);
        if *status != before {
            self.changed.notify_one();
        }
    }

    pub fn update_from(&self, replica: &Replica) {
        self.update(|status| {
            status.klb = replica.klb_state();
            status.refused = replica.refused().clone();
            let written = status.rules.as_ref().map_or(0, |rules| rules.version);
            status.broadcasts = replica.key_states();
            limit_rules(&mut status.broadcasts, written);
        });
    }

    /// Rules are on a seat once prompters can read them from its disk.
    pub fn update_rules(&self, rules: Option<RulesState>) {
        self.update(|status| {
            if let (Some(rules), Some(of_key)) = (&rules, status.broadcasts.get_mut(&Key::Rules.to_string())) {
                of_key.version = rules.version;
            }
            status.rules = rules;
        });
    }

    /// Whether the folder can be written.
    pub fn update_writing(&self, works: bool) {
        self.update(|status| match (works, status.unwritten_since) {
            (true, _) => status.unwritten_since = None,
            (false, None) => status.unwritten_since = Some(Utc::now()),
            (false, Some(_)) => {}
        });
    }

    fn state(&self, at: DateTime<Utc>) -> SeatState {
        let status = self.lock().clone();
        let SeatStatus { epoch, rules, klb, prompters, unsent, sent, refused, broadcasts, unwritten_since, told_clock } =
            status;
        let agent = env!("CARGO_PKG_VERSION").to_owned();
        SeatState {
            schema: SCHEMA,
            at,
            agent,
            epoch,
            rules,
            klb,
            prompters,
            unsent,
            sent,
            refused,
            broadcasts,
            unwritten_since,
            told_clock,
        }
    }

    /// Publishes the status on every connect, after changes and periodically, as long as the client lives.
    pub async fn run(&self, client: &Client, seat: &SeatId, mut link: watch::Receiver<LinkState>) {
        let subject = subject::state(&seat.site, &seat.seat);
        loop {
            if link.wait_for(|link| link.connected).await.is_err() {
                return;
            }
            sleep(Duration::from_millis(fastrand::u64(DELAY_MS.0..=DELAY_MS.1))).await;
            let published = client.publish(subject.clone(), self.state(Utc::now()).to_bytes().into()).await;
            // Publishing fails only once the client has ended.
            if published.is_err() {
                return;
            }
            let next = Instant::now() + Duration::from_millis(fastrand::u64(INTERVAL_MS.0..=INTERVAL_MS.1));
            tokio::select! {
                () = sleep_until(next) => {}
                () = self.changed.notified() => {}
                changed = link.changed() => if changed.is_err() { return },
            }
        }
    }
}
