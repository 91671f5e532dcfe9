//! Closings go from the journal to the stream exactly once, despite crashes.

use std::collections::BTreeSet;

use async_nats::Client;
use async_nats::jetstream;
use async_nats::jetstream::consumer::{AckPolicy, pull};
use futures_util::StreamExt;
use penutup_fleet::wire::closing::{Ask, Closing, MissingRange};
use penutup_fleet::wire::subject;
use serde::Deserialize;
use uuid::Uuid;

use crate::support::calls::name;
use crate::support::machine::{Calls, SeatMachine, state_of};
use crate::support::{FleetSpec, Identity, TestFleet, print_figure, wait_until};

#[derive(Clone, Debug, PartialEq, Eq)]
struct Sent {
    message: String,
    epoch: Uuid,
    seq: u64,
    id: Uuid,
    version: u64,
}

#[derive(Deserialize)]
struct Call {
    id: Uuid,
    version: u64,
    end_ms: Option<i64>,
}

async fn count(archive: &Client) -> Option<u64> {
    let stream = jetstream::new(archive.clone()).get_stream("CLOSINGS_JKT").await.ok()?;
    Some(stream.cached_info().state.messages)
}

async fn stream(archive: &Client) -> Vec<Sent> {
    let stream = jetstream::new(archive.clone()).get_stream("CLOSINGS_JKT").await.expect("the stream");
    let consumer = stream
        .create_consumer(pull::Config { ack_policy: AckPolicy::None, ..pull::Config::default() })
        .await
        .expect("a consumer");
    let all = usize::try_from(stream.cached_info().state.messages).expect("a count");
    let mut out = Vec::new();
    while out.len() < all {
        let mut some = consumer.fetch().max_messages(1_000).messages().await.expect("messages");
        while let Some(message) = some.next().await {
            let message = message.expect("a message");
            let closing = Closing::parse(&message.payload).expect("a closing");
            let call: Call = serde_json::from_str(closing.call.get()).expect("a call");
            assert!(call.end_ms.is_some(), "only what has ended is sent");
            let id = message.headers.as_ref().and_then(|h| h.get("Nats-Msg-Id")).expect("its id").to_string();
            out.push(Sent { message: id, epoch: closing.epoch, seq: closing.seq, id: call.id, version: call.version });
        }
    }
    out
}

/// Every call is in the stream exactly once, and the numbers are 1 to n.
fn assert_once_each(sent: &[Sent], calls: &[Uuid]) {
    let ids: BTreeSet<Uuid> = sent.iter().map(|one| one.id).collect();
    let lost = calls.iter().filter(|id| !ids.contains(id)).count();
    assert_eq!((lost, sent.len() - ids.len(), ids.len()), (0, 0, calls.len()), "lost, twice, and how many there are");
    let seqs: BTreeSet<u64> = sent.iter().map(|one| one.seq).collect();
    let bounds = (seqs.len(), seqs.first().copied(), seqs.last().copied());
    assert_eq!(bounds, (calls.len(), Some(1), Some(calls.len() as u64)), "every number is one call's");
    assert!(sent.iter().all(|one| one.epoch == sent[0].epoch && one.message == one.id.to_string()));
}

#[tokio::test]
async fn a_call_is_sent_once_and_again_when_it_ends_anew() {
    let Some(fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let archive = fleet.connect(Identity::Program("archive")).await;
    let mut seat = SeatMachine::new(&fleet, "jkt", "a1");
    let mut calls = Calls::of(&seat.journal());
    let (before, runs, [first, second]) = (calls.write_new(1)[0], Uuid::now_v7(), [Uuid::now_v7(), Uuid::now_v7()]);
    calls.write(runs, 1, 5, false);
    seat.start();
    wait_until("the call that ended before the start", async || count(&archive).await.filter(|count| *count == 1))
        .await;
    calls.write(first, 1, 10, true);
    wait_until("a new one", async || count(&archive).await.filter(|count| *count == 2)).await;
    // Its end is undone, another call ends, it ends again.
    calls.write(first, 2, 10, false);
    calls.write(second, 1, 20, true);
    wait_until("the next", async || count(&archive).await.filter(|count| *count == 3)).await;
    calls.write(first, 3, 10, true);
    wait_until("the newer version", async || count(&archive).await.filter(|count| *count == 4)).await;
    let all = stream(&archive).await;
    let fields: Vec<_> = all.iter().map(|one| (one.message.clone(), one.seq, one.version)).collect();
    let newer = format!("{first}.3");
    assert_eq!(
        fields,
        [(before.to_string(), 1, 1), (first.to_string(), 2, 1), (second.to_string(), 3, 1), (newer, 2, 3)]
    );

    let status = fleet.connect(Identity::Program("status")).await;
    let state = wait_until("the count", async || state_of(&status, "jkt", "a1").await.filter(|s| s.sent == 3));
    let state = state.await;
    assert_eq!((state.unsent, state.epoch), (0, all[0].epoch));

    // A resend request, after one for another ledger and one that is malformed.
    let resend = |epoch, from, to| Ask::Resend(MissingRange { epoch, from, to }).to_bytes();
    for request in [resend(Uuid::now_v7(), 1, 3), b"{}".to_vec(), resend(state.epoch, 2, 3)] {
        archive.publish(subject::ask(&name("jkt"), &name("a1")), request.into()).await.unwrap();
    }
    wait_until("the requested closings", async || count(&archive).await.filter(|count| *count == 6)).await;
    let again: Vec<_> = stream(&archive).await.split_off(4).into_iter().map(|one| one.message).collect();
    assert_eq!(again, [format!("{first}.3.r1"), format!("{second}.1.r1")]);
}

#[tokio::test]
async fn ten_thousand_offline_closings_reach_the_stream_over_crashes_of_agent_and_server() {
    const CALLS: usize = 10_000;
    let Some(mut fleet) = TestFleet::start(&FleetSpec { tls: false, ..FleetSpec::default() }).await else { return };
    fleet.nats.kill();
    let mut seat = SeatMachine::started(&fleet, "jkt", "a1");
    let mut calls = Calls::of(&seat.journal());
    let mut all = calls.write_new(CALLS);
    fleet.nats.restart();
    let mut archive = fleet.connect(Identity::Program("archive")).await;
    let started = std::time::Instant::now();
    for kill in 1..=4_u64 {
        let reached = CALLS as u64 * kill / 5;
        wait_until("a part of them", async || count(&archive).await.filter(|count| *count >= reached)).await;
        if kill % 2 == 0 {
            fleet.nats.kill();
            fleet.nats.restart();
            archive = fleet.connect(Identity::Program("archive")).await;
        } else {
            seat.agent().kill();
            seat.start();
        }
        all.extend(calls.write_new(10));
    }
    let count_of = all.len() as u64;
    wait_until("all of them", async || count(&archive).await.filter(|count| *count >= count_of)).await;
    print_figure("10,040 closings into the stream over two kills of each side take", started.elapsed());
    let status = fleet.connect(Identity::Program("status")).await;
    assert_once_each(&stream(&archive).await, &all);
    let settled = async || state_of(&status, "jkt", "a1").await.filter(|s| s.unsent == 0 && s.sent == count_of);
    wait_until("the seat's own count", settled).await;
}

#[tokio::test]
async fn a_full_stream_loses_nothing_and_is_filled_once_there_is_room() {
    let Some(mut fleet) =
        TestFleet::start(&FleetSpec { tls: false, closings_mib: Some(1), ..FleetSpec::default() }).await
    else {
        return;
    };
    let archive = fleet.connect(Identity::Program("archive")).await;
    let mut seat = SeatMachine::new(&fleet, "jkt", "a1");
    let all = Calls::of(&seat.journal()).write_new(4_000);
    seat.start();
    wait_until("the refusal", async || seat.log().contains("closings are not accepted").then_some(())).await;
    let status = fleet.connect(Identity::Program("status")).await;
    let state = wait_until("the state", async || state_of(&status, "jkt", "a1").await.filter(|s| s.sent > 0)).await;
    assert!(state.unsent > 0, "{state:?}");
    assert!(count(&archive).await.is_some_and(|count| count < 4_000));

    fleet.provision_again(&FleetSpec { tls: false, closings_mib: Some(16), ..FleetSpec::default() });
    fleet.nats.kill();
    fleet.nats.restart();
    fleet.streams().await;
    let archive = fleet.connect(Identity::Program("archive")).await;
    wait_until("all of them", async || count(&archive).await.filter(|count| *count == 4_000)).await;
    assert_once_each(&stream(&archive).await, &all);
}

#[tokio::test]
async fn an_unreadable_journal_is_reported_and_retried() {
    let Some(fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let archive = fleet.connect(Identity::Program("archive")).await;
    let mut seat = SeatMachine::new(&fleet, "jkt", "a1");
    seat.settings("[journal]\npath = 'elsewhere.db'");
    let path = seat.journal().ancestors().nth(3).expect("the home").join("config/penutup/elsewhere.db");
    // From a newer program version.
    let newer = rusqlite::Connection::open(&path).unwrap();
    newer.execute_batch("PRAGMA application_id = 0x706e7470; PRAGMA user_version = 99; CREATE TABLE t (n)").unwrap();
    seat.start();
    wait_until("the trouble", async || seat.log().contains("cannot read the journal").then_some(())).await;
    drop(newer);
    std::fs::remove_file(&path).unwrap();
    let all = Calls::of(&path).write_new(3);
    wait_until("all of them", async || count(&archive).await.filter(|count| *count == 3)).await;
    wait_until("the recovery", async || seat.log().contains("the journal is readable again").then_some(())).await;
    assert_once_each(&stream(&archive).await, &all);
}
