//! A hub and a leaf: everything crosses between them, and the site keeps working without the hub.

use std::str;
use std::time::Duration;

use async_nats::jetstream;
use chrono::Utc;
use futures_util::StreamExt;
use penutup_cli_kit::words::Lang;
use penutup_fleet::config::center::Center;
use penutup_fleet::config::supervisor::Supervisor;
use penutup_fleet::link::Link;
use penutup_fleet::provision::streams::{self, StreamChange};
use penutup_fleet::wire::envelope::Envelope;
use penutup_fleet::wire::key::Key;
use penutup_fleet::wire::name::Name;
use penutup_fleet::wire::subject;
use penutup_rules::declaration::{Declaration, KLB, State as Switch};
use tokio::time::timeout;

use crate::support::nats::{Nats, free_port, installed};
use crate::support::{FleetSpec, Identity, TestFleet, TestSeat, listen, next, wait_until};

fn declared(fleet: &TestFleet, version: u64) -> Envelope {
    let (fact, since) = (KLB.to_owned(), "2026-03-02T06:05:00Z".parse().unwrap());
    let klb = Declaration { version, fact, state: Switch::On, value: None, since, until: None, by: None, why: None };
    let pair = Supervisor::read(&fleet.config(Identity::Supervisor("pusat")), Lang::En).unwrap().sign.pair();
    let by = Name::parse("pusat").unwrap();
    Envelope::sign(&pair, "klb.center".parse().unwrap(), by, version, klb.to_table().to_string()).unwrap()
}

async fn declare(fleet: &TestFleet, envelope: &Envelope) {
    let supervisor = fleet.connect(Identity::Supervisor("pusat")).await;
    let ack = supervisor.request(subject::put(&envelope.key), envelope.to_bytes().into()).await.unwrap();
    assert!(str::from_utf8(&ack.payload).unwrap().contains("\"seq\""));
}

/// Waits until a stream at the hub has this last sequence.
async fn hub_has(fleet: &TestFleet, stream: &str, count: u64) {
    let context = jetstream::new(fleet.connect(Identity::Program("admin")).await);
    wait_until(stream, async || {
        let info = context.get_stream(stream).await.ok()?;
        (info.cached_info().state.last_sequence == count).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_site_with_its_own_server_receives_broadcasts_and_works_without_the_hub() {
    let (leaf_port, port) = (free_port(), free_port());
    let spec = FleetSpec { leaves: Some((leaf_port, vec![("jkt", port)])), ..FleetSpec::default() };
    let Some(mut fleet) = TestFleet::start(&spec).await else { return };
    let config = fleet.out().join("leaves/jkt/nats.conf");
    let _leaf = Nats::start(&installed().unwrap(), &config, port).expect("the leaf's port");
    let admin = Center::read(&fleet.config(Identity::Program("admin")), Lang::En).unwrap().link;
    let servers = vec![format!("tls://127.0.0.1:{port}").parse().unwrap()];
    let admin = Link { servers, ..admin }.connect(Lang::En).await.unwrap();
    let nodes = fleet.definition.nodes();
    let made = streams::ensure(admin.clone(), &fleet.definition, &nodes[1], Lang::En).await.unwrap();
    assert_eq!(made.iter().filter(|outcome| outcome.change == StreamChange::Created).count(), 3, "{made:?}");
    let again = streams::ensure(admin, &fleet.definition, &nodes[1], Lang::En).await.unwrap();
    assert!(again.iter().all(|outcome| outcome.change == StreamChange::Unchanged), "{again:?}");
    assert!(fleet.streams().await.iter().all(|outcome| outcome.change == StreamChange::Unchanged));

    // From the hub to the leaf: broadcasts, live and by polling, and resend requests.
    let seat = TestSeat::start(&fleet, "jkt", "a1").await;
    let at_hub = TestSeat::start(&fleet, "bdg", "b1").await;
    let client = fleet.connect(Identity::Seat("jkt", "a2")).await;
    let mut received = listen(&client, "broadcast.jkt.>").await;
    let mut asked = listen(&client, "ask.jkt.a2").await;
    let now = Utc::now().timestamp().unsigned_abs();
    let [first, second, third, last] = [now, now + 1, now + 2, now + 3].map(|version| declared(&fleet, version));
    // Repeated until the two servers are connected.
    wait_until("the connection between the servers", async || {
        declare(&fleet, &first).await;
        timeout(Duration::from_millis(200), received.next()).await.ok()
    })
    .await;
    for envelope in [&second, &third] {
        declare(&fleet, envelope).await;
        seat.knows(envelope).await;
        at_hub.knows(envelope).await;
    }
    let bytes = [&first, &second, &third].map(Envelope::to_bytes);
    let mut message = next(&mut received).await;
    while message.payload[..] == bytes[0][..] {
        message = next(&mut received).await;
    }
    assert_eq!(&message.payload[..], &bytes[1][..]);
    assert_eq!(&next(&mut received).await.payload[..], &bytes[2][..], "each arrives once, in order");
    let get = || client.request(subject::direct_get(&Key::Klb("center".parse().unwrap())), "".into());
    wait_until("the leaf's mirror", async || (get().await.ok()?.payload[..] == bytes[2][..]).then_some(())).await;
    let archive = fleet.connect(Identity::Program("archive")).await;
    archive.publish("ask.jkt.a2", "again".into()).await.unwrap();
    assert_eq!(&next(&mut asked).await.payload[..], b"again");

    // From the leaf to the hub: closings, acknowledged by the leaf, and states.
    let closing = async |n: u64| {
        let ack = client.request("closing.jkt.a2", "{}".into()).await.expect("an acknowledgement");
        let ack = str::from_utf8(&ack.payload).unwrap().to_owned();
        assert!(ack.contains("\"CLOSINGS_JKT\"") && ack.contains(&format!("\"seq\":{n}")), "{ack}");
        assert!(ack.contains("\"domain\":\"jkt\""), "{ack}");
    };
    closing(1).await;
    client.publish("seat.jkt.a2", "{}".into()).await.unwrap();
    hub_has(&fleet, "CLOSINGS_JKT", 1).await;
    hub_has(&fleet, "SEATS_JKT", 1).await;

    // Without the hub the site keeps working, and nothing is lost.
    fleet.nats.kill();
    assert_eq!(&get().await.expect("the mirror's answer").payload[..], &bytes[2][..]);
    closing(2).await;
    closing(3).await;
    fleet.nats.restart();
    hub_has(&fleet, "CLOSINGS_JKT", 3).await;
    declare(&fleet, &last).await;
    seat.knows(&last).await;
}
