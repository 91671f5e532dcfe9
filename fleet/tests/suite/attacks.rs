//! Attacks on a provisioned fleet with a seat's key, a supervisor's key, write access to a subject, or only network
//! access. Each leaves every seat unchanged and is counted, by the seats or in the server's log.

use std::str;
use std::sync::{Arc, Mutex};

use async_nats::jetstream::{self, ErrorCode};
use async_nats::{Client, Event, HeaderMap};
use chrono::Utc;
use nkeys::KeyPair;
use penutup_cli_kit::words::Lang;
use penutup_fleet::config::supervisor::Supervisor;
use penutup_fleet::link::Link;
use penutup_fleet::secret::Seed;
use penutup_fleet::wire::closing::MAX_CLOSING;
use penutup_fleet::wire::envelope::{Envelope, MAX_ENVELOPE};
use penutup_fleet::wire::key::Key;
use penutup_fleet::wire::name::Name;
use penutup_fleet::wire::refusal::{Refusal, RefusalCounts};
use penutup_fleet::wire::seat::MAX_STATE;
use penutup_fleet::wire::subject;
use penutup_rules::BUILT_IN;
use penutup_rules::declaration::{Declaration, KLB, State as Switch};

use crate::support::machine::SeatMachine;
use crate::support::raw::Raw;
use crate::support::{FleetSpec, Identity, TestFleet, TestSeat, wait_until};

const CENTER: &str = "$KV.BROADCAST.klb.center";

fn key(text: &str) -> Key {
    text.parse().expect("a key")
}

fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

fn klb(version: u64, on: bool) -> String {
    let state = if on { Switch::On } else { Switch::Off };
    let (fact, since) = (KLB.to_owned(), "2026-03-02T06:05:00Z".parse().unwrap());
    Declaration { version, fact, state, value: None, since, until: None, by: Some("whoever".into()), why: None }
        .to_table()
        .to_string()
}

fn signing(fleet: &TestFleet, id: &str) -> KeyPair {
    Supervisor::read(&fleet.config(Identity::Supervisor(id)), Lang::En).expect("supervisor.toml").sign.pair()
}

fn signed(pair: &KeyPair, on: &str, by: &str, version: u64, payload: &str) -> Envelope {
    Envelope::sign(pair, key(on), name(by), version, payload.to_owned()).expect("a signature")
}

/// Publishes anything under a broadcast key, as an identity that may.
async fn write(client: &Client, key: &str, bytes: impl Into<Vec<u8>>) -> String {
    let answer = client.request(format!("{}{key}", subject::BROADCAST_PREFIX), bytes.into().into()).await;
    str::from_utf8(&answer.expect("an answer").payload).unwrap().to_owned()
}

/// A connection that records the server's error messages.
struct Attacker {
    client: Client,
    output: Arc<Mutex<Vec<String>>>,
}

impl Attacker {
    async fn connect(link: &Link) -> Self {
        let output: Arc<Mutex<Vec<String>>> = Arc::default();
        let recorded = Arc::clone(&output);
        let note = move |event: Event| recorded.lock().unwrap().push(event.to_string());
        let client = link.connect_with_retry(Lang::En, note).await.expect("a link");
        client.flush().await.expect("connected");
        Self { client, output }
    }

    async fn waits_for_error(&self, what: &str) {
        let find = async || self.output.lock().unwrap().iter().any(|output| output.contains(what)).then_some(());
        wait_until(&format!("{what} in {:?}", self.output.lock().unwrap()), find).await;
    }
}

/// The last sequence of each stream.
async fn sequences(admin: &Client, streams: &[&str]) -> Vec<u64> {
    let context = jetstream::new(admin.clone());
    let mut out = Vec::new();
    for stream in streams {
        out.push(context.get_stream(stream).await.expect(stream).cached_info().state.last_sequence);
    }
    out
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a list of attacks, one line of the list each")]
async fn write_access_to_a_subject_is_not_enough_to_change_a_seat() {
    let Some(fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let pusat = signing(&fleet, "pusat");
    let writer = fleet.connect(Identity::Supervisor("pusat")).await;
    let seats = [TestSeat::start(&fleet, "jkt", "a1").await, TestSeat::start(&fleet, "sby", "c1").await];
    // The state before: KLB off, and rules.
    let now = Utc::now().timestamp().unsigned_abs();
    let older = signed(&pusat, "klb.center", "pusat", now - 10, &klb(now - 10, true));
    let in_force = signed(&pusat, "klb.center", "pusat", now, &klb(now, false));
    let rules = signed(&pusat, "rules.active", "pusat", now, BUILT_IN);
    for (on, valid) in [("klb.center", &older), ("klb.center", &in_force), ("rules.active", &rules)] {
        write(&writer, on, valid.to_bytes()).await;
        for seat in &seats {
            seat.knows(valid).await;
        }
    }
    let states = seats.each_ref().map(TestSeat::state);
    assert_eq!(seats.each_ref().map(TestSeat::refused), [RefusalCounts::default(), RefusalCounts::default()]);

    let next = now + 1;
    let on = klb(next, true);
    let stranger = KeyPair::new_user();
    let jkt = signing(&fleet, "spv-jkt");
    let link_key = fleet.link(Identity::Supervisor("pusat")).seed.pair();
    let text = |envelope: &Envelope, from: &str, to: &str| {
        let text = String::from_utf8(envelope.to_bytes()).unwrap();
        assert!(text.contains(from), "{text}");
        text.replace(from, to).into_bytes()
    };
    let good = signed(&pusat, "klb.center", "pusat", next, &on);
    let signature = serde_json::from_slice::<serde_json::Value>(&good.to_bytes()).unwrap()["sig"].to_string();
    let attacks: Vec<(&str, &str, Vec<u8>, Refusal)> = vec![
        ("no object", "klb.center", b"\xff\x00{{{".to_vec(), Refusal::Malformed),
        ("nothing at all", "klb.center", Vec::new(), Refusal::Malformed),
        ("a plain declaration", "klb.center", on.clone().into_bytes(), Refusal::Malformed),
        ("no signature", "klb.center", text(&good, &format!(",\"sig\":{signature}"), ""), Refusal::Malformed),
        ("an empty signature", "klb.center", text(&good, &signature, "\"\""), Refusal::BadSignature),
        (
            "another's signature",
            "klb.center",
            signed(&stranger, "klb.center", "pusat", next, &on).to_bytes(),
            Refusal::BadSignature,
        ),
        (
            "the connection key",
            "klb.center",
            signed(&link_key, "klb.center", "pusat", next, &on).to_bytes(),
            Refusal::BadSignature,
        ),
        ("a changed payload", "klb.center", text(&good, "whoever", "another"), Refusal::BadSignature),
        (
            "a raised version",
            "klb.center",
            text(&good, &format!("\"version\":{next}"), &format!("\"version\":{}", next + 1)),
            Refusal::BadSignature,
        ),
        (
            "an unknown supervisor",
            "klb.center",
            signed(&stranger, "klb.center", "nobody", next, &on).to_bytes(),
            Refusal::UnknownSigner,
        ),
        (
            "a site's supervisor for the centre",
            "klb.center",
            signed(&jkt, "klb.center", "spv-jkt", next, &on).to_bytes(),
            Refusal::NotAllowed,
        ),
        (
            "a site's declaration under the centre's key",
            "klb.center",
            signed(&jkt, "klb.site.jkt", "spv-jkt", next, &on).to_bytes(),
            Refusal::WrongKey,
        ),
        ("an older version", "klb.center", older.to_bytes(), Refusal::Old),
        (
            "the same version, another content",
            "klb.center",
            signed(&pusat, "klb.center", "pusat", now, &klb(now, true)).to_bytes(),
            Refusal::Old,
        ),
        (
            "no declaration",
            "klb.center",
            signed(&pusat, "klb.center", "pusat", next, "on!").to_bytes(),
            Refusal::BadPayload,
        ),
        (
            "another version inside",
            "klb.center",
            signed(&pusat, "klb.center", "pusat", next, &klb(next + 1, true)).to_bytes(),
            Refusal::BadPayload,
        ),
        (
            "another fact",
            "klb.center",
            signed(&pusat, "klb.center", "pusat", next, &on.replace(KLB, "gelombang")).to_bytes(),
            Refusal::BadPayload,
        ),
        (
            "rules that can't be proved",
            "rules.active",
            signed(&pusat, "rules.active", "pusat", next, "schema = 1\nrusak").to_bytes(),
            Refusal::BadPayload,
        ),
        ("rules as a declaration", "rules.active", good.to_bytes(), Refusal::WrongKey),
        ("a byte too many", "rules.active", vec![b' '; MAX_ENVELOPE + 1], Refusal::TooLarge),
    ];
    for (what, on, bytes, why) in attacks {
        let before = seats.each_ref().map(TestSeat::refused);
        let ack = write(&writer, on, bytes).await;
        assert!(ack.contains("\"seq\":") && !ack.contains("error"), "{what}: the server took it: {ack}");
        for ((seat, before), state) in seats.iter().zip(&before).zip(&states) {
            seat.refuses(before, why).await;
            assert_eq!(seat.state(), *state, "{what}");
        }
    }
    // The server itself refuses what is larger.
    let ack = write(&writer, "rules.active", vec![b' '; MAX_ENVELOPE + 1025]).await;
    assert!(ack.contains("message size exceeds maximum allowed"), "{ack}");
    // An attacked seat still accepts valid broadcasts.
    write(&writer, "klb.center", good.to_bytes()).await;
    for seat in &seats {
        seat.knows(&good).await;
        let by = seat.state().effective.expect("KLB").by;
        assert_eq!(by.as_deref(), Some("Pusat"), "the name is the trusted one, whatever was written");
    }
}

#[tokio::test]
async fn overwriting_a_key_does_not_hide_its_valid_broadcast_from_a_starting_seat() {
    let Some(fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let pusat = signing(&fleet, "pusat");
    // Somebody with the connection key but without the signing key.
    let thief = fleet.connect(Identity::Supervisor("pusat")).await;
    // Signed a minute before it is written again.
    let now = Utc::now().timestamp().unsigned_abs() - 60;
    let valid = |version, on| signed(&pusat, "klb.center", "pusat", version, &klb(version, on));
    let (older, in_force) = (valid(now - 10, false), valid(now, true));
    let rules = signed(&pusat, "rules.active", "pusat", now, BUILT_IN);
    for envelope in [&older, &in_force, &rules] {
        write(&thief, &envelope.key.to_string(), envelope.to_bytes()).await;
    }
    let running = TestSeat::start(&fleet, "jkt", "a1").await;
    let mut agent = SeatMachine::started(&fleet, "jkt", "a3");
    wait_until("the declaration in force", async || agent.klb().filter(|klb| klb.version == now)).await;
    let state = running.state();
    assert_eq!((state.known.get(&key("klb.center")), state.rules.as_deref()), (Some(&in_force), Some(BUILT_IN)));

    // A replayed broadcast, garbage, a forged one: as many as the stream keeps beside the one in force.
    let forged = signed(&KeyPair::new_user(), "klb.center", "pusat", now + 1, &klb(now + 1, false)).to_bytes();
    for (n, bytes) in [older.to_bytes(), b"{".to_vec(), forged].into_iter().cycle().take(15).enumerate() {
        write(&thief, "klb.center", bytes).await;
        write(&thief, "rules.active", vec![b' '; n]).await;
        if n % 5 < 3 {
            let new = TestSeat::start(&fleet, "jkt", "a2").await;
            assert_eq!(new.state(), state, "overwritten {} times", n + 1);
            assert!(new.refused().total() <= 2, "only the newest message of a key counts: {:?}", new.refused());
        }
    }
    assert_eq!(running.state(), state);

    // An agent that was offline during a declaration, which is then covered by a broadcast that the agent knows.
    agent.agent().kill();
    write(&thief, "klb.center", valid(now + 20, false).to_bytes()).await;
    write(&thief, "klb.center", in_force.to_bytes()).await;
    agent.start();
    wait_until("the missed declaration", async || agent.klb().filter(|klb| klb.version == now + 20)).await;
}

#[tokio::test]
async fn the_server_denies_publishing_and_subscribing_outside_ones_own_subjects() {
    let Some(fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let seat = TestSeat::start(&fleet, "jkt", "a1").await;
    let admin = fleet.connect(Identity::Program("admin")).await;
    let streams = ["KV_BROADCAST", "CLOSINGS_JKT", "CLOSINGS_BDG", "SEATS_JKT", "SEATS_BDG"];
    let before = sequences(&admin, &streams).await;
    let state = seat.state();
    let api = [
        "$JS.API.INFO",
        "$JS.API.STREAM.LIST",
        "$JS.API.STREAM.CREATE.EVIL",
        "$JS.API.STREAM.UPDATE.KV_BROADCAST",
        "$JS.API.STREAM.DELETE.KV_BROADCAST",
        "$JS.API.STREAM.PURGE.KV_BROADCAST",
        "$JS.API.STREAM.PURGE.CLOSINGS_JKT",
        "$JS.API.STREAM.MSG.DELETE.CLOSINGS_JKT",
        "$JS.API.STREAM.MSG.GET.CLOSINGS_JKT",
        "$JS.API.CONSUMER.CREATE.KV_BROADCAST",
        "$JS.API.CONSUMER.CREATE.CLOSINGS_JKT.x",
        "$JS.API.CONSUMER.DURABLE.CREATE.CLOSINGS_JKT.archive",
        "$JS.API.CONSUMER.DELETE.CLOSINGS_JKT.archive",
        "$JS.API.CONSUMER.MSG.NEXT.CLOSINGS_JKT.archive",
        "$JS.API.DIRECT.GET.CLOSINGS_JKT",
        "$JS.API.DIRECT.GET.SEATS_JKT.seat.jkt.a1",
        "$JS.ACK.CLOSINGS_JKT.archive.1.1.1.1.1",
        "$SYS.REQ.SERVER.PING",
        "$SYS.REQ.ACCOUNT.CENTER.CONNZ",
    ];
    let seats_own = [
        CENTER,
        "$KV.BROADCAST.klb.site.jkt",
        "$KV.BROADCAST.rules.active",
        "broadcast.jkt.klb.center",
        "broadcast.test.klb.center",
        "closing.jkt.a1",
        "closing.bdg.b1",
        "closing.jkt.a2.more",
        "seat.jkt.a1",
        "seat.bdg.b1",
        "ask.jkt.a1",
        "_INBOX_jkt_a1.x",
        "_R_.x.y",
    ];
    let others = ["$KV.BROADCAST.klb.site.sby", "$KV.BROADCAST.klb.region.jabar", "$KV.BROADCAST.klb.region.jatim"];
    let subscribes = [
        ">",
        "*.jkt.*",
        "broadcast.>",
        "broadcast.bdg.>",
        "ask.jkt.a1",
        "ask.jkt.*",
        "closing.>",
        "closing.jkt.a1",
        "seat.>",
        "_INBOX.>",
        "_INBOX_jkt_a1.>",
        "_INBOX_pusat.>",
        "_R_.>",
        "$JS.>",
        "$KV.>",
        "$SYS.>",
    ];
    let cases: [(Identity<'_>, Vec<&str>, Vec<&str>); 4] = [
        (Identity::Seat("jkt", "a2"), [&api[..], &seats_own, &others].concat(), subscribes.to_vec()),
        (
            Identity::Supervisor("spv-jkt"),
            [&api[..], &[CENTER, "$KV.BROADCAST.rules.active", "closing.jkt.a1", "ask.jkt.a1"], &others].concat(),
            [&subscribes[..], &["broadcast.jkt.>"]].concat(),
        ),
        (
            Identity::Program("archive"),
            [&api[1..9], &["$JS.API.CONSUMER.DELETE.CLOSINGS_JKT.archive", CENTER, "closing.jkt.a1", "seat.jkt.a1"]]
                .concat(),
            subscribes.to_vec(),
        ),
        (
            Identity::Program("status"),
            [&api[1..9], &[CENTER, "ask.jkt.a1", "closing.jkt.a1"]].concat(),
            subscribes.to_vec(),
        ),
    ];
    let mut attempts = 0;
    for (who, publishes, subscribes) in cases {
        attempts += publishes.len() + subscribes.len();
        let attacker = Attacker::connect(&fleet.link(who)).await;
        for subject in publishes {
            attacker.client.publish(subject, "{}".into()).await.unwrap();
            attacker.client.flush().await.unwrap();
            attacker.waits_for_error(&format!("Permissions Violation for Publish to \"{subject}\"")).await;
        }
        for subject in subscribes {
            let _subscription = attacker.client.subscribe(subject).await.unwrap();
            attacker.client.flush().await.unwrap();
            attacker.waits_for_error(&format!("Permissions Violation for Subscription to \"{subject}\"")).await;
        }
    }
    assert_eq!(sequences(&admin, &streams).await, before);
    assert_eq!((seat.state(), seat.refused()), (state, RefusalCounts::default()), "no seat received any of it");
    let counted = fleet.nats.log().matches(" Violation - ").count();
    assert_eq!(counted, attempts, "the server's log has them all");
}

#[tokio::test]
async fn no_reply_subject_overwrites_a_broadcast() {
    let Some(fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let admin = fleet.connect(Identity::Program("admin")).await;
    let seat = TestSeat::start(&fleet, "jkt", "a1").await;
    let pusat = signing(&fleet, "pusat");
    let now = Utc::now().timestamp().unsigned_abs();
    let in_force = signed(&pusat, "klb.center", "pusat", now, &klb(now, true));
    let center = fleet.connect(Identity::Supervisor("pusat")).await;
    write(&center, "klb.center", in_force.to_bytes()).await;
    seat.knows(&in_force).await;
    let state = seat.state();

    let thief = fleet.connect(Identity::Seat("jkt", "a2")).await;
    let supervisor = fleet.connect(Identity::Supervisor("spv-jkt")).await;
    let get = subject::direct_get(&key("klb.center"));
    let streams = ["KV_BROADCAST", "CLOSINGS_JKT", "SEATS_JKT"];
    let before = sequences(&admin, &streams).await;
    for reply in [CENTER, "$KV.BROADCAST.rules.active", "$KV.BROADCAST.klb.site.jkt"] {
        for subject in ["closing.jkt.a2", "seat.jkt.a2", &get] {
            thief.publish_with_reply(subject.to_owned(), reply, "{}".into()).await.unwrap();
        }
        thief.publish_with_reply(subject::DIRECT_GET, reply, "{\"seq\":1}".into()).await.unwrap();
        supervisor.publish_with_reply("$KV.BROADCAST.klb.site.jkt", reply, "{}".into()).await.unwrap();
        supervisor.publish_with_reply(get.clone(), reply, "".into()).await.unwrap();
        supervisor.publish_with_reply(subject::DIRECT_GET, reply, "{\"seq\":1}".into()).await.unwrap();
    }
    // The permitted ones were answered: three closings, three states, three broadcasts under the site's own key.
    let after = vec![before[0] + 3, before[1] + 3, before[2] + 3];
    wait_until("the streams to have them", async || (sequences(&admin, &streams).await == after).then_some(())).await;
    // A reply to a later request of the same connections shows that the earlier ones were processed.
    for client in [&thief, &supervisor] {
        let got = client.request(get.clone(), "".into()).await.unwrap();
        assert_eq!(&got.payload[..], &in_force.to_bytes()[..], "the newest message is still the centre's");
    }
    assert_eq!(sequences(&admin, &streams).await, after);
    assert_eq!(seat.state(), state);

    // Within the centre's account the attack does work: that is why nobody else is in it, and why seats verify.
    let refused_before = seat.refused();
    admin.publish_with_reply("$JS.API.INFO", CENTER, "".into()).await.unwrap();
    wait_until("the overwrite", async || (sequences(&admin, &streams).await[0] == after[0] + 1).then_some(())).await;
    seat.refuses(&refused_before, Refusal::Malformed).await;
    assert_eq!(seat.state(), state);
}

#[tokio::test]
async fn stored_messages_cannot_be_deleted() {
    let Some(fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let admin = fleet.connect(Identity::Program("admin")).await;
    let seat = fleet.connect(Identity::Seat("jkt", "a1")).await;
    let ack = seat.request("closing.jkt.a1", "{}".into()).await.unwrap();
    assert!(str::from_utf8(&ack.payload).unwrap().contains("\"seq\":1"));
    // A rollup would let a publisher purge the stream.
    let mut headers = HeaderMap::new();
    headers.insert("Nats-Rollup", "all");
    let ack = seat.request_with_headers("closing.jkt.a1", headers, "{}".into()).await.unwrap();
    assert!(str::from_utf8(&ack.payload).unwrap().contains("\"error\""), "{ack:?}");
    // Not even the admin can, except by deleting the stream.
    let stream = jetstream::new(admin.clone()).get_stream("CLOSINGS_JKT").await.unwrap();
    assert!(stream.purge().await.is_err() && stream.delete_message(1).await.is_err());
    let mut weak = stream.cached_info().config.clone();
    (weak.deny_delete, weak.deny_purge) = (false, false);
    assert!(jetstream::new(admin.clone()).update_stream(&weak).await.is_err(), "the denial stays");
    assert_eq!(stream.get_info().await.unwrap().state.messages, 1);
}

#[tokio::test]
async fn oversized_and_malformed_input_ends_only_its_own_connection() {
    let Some(fleet) = TestFleet::start(&FleetSpec { tls: false, ..FleetSpec::default() }).await else { return };
    let seat = TestSeat::start(&fleet, "jkt", "a1").await;
    let other = fleet.connect(Identity::Seat("jkt", "a2")).await;
    let admin = fleet.connect(Identity::Program("admin")).await;
    let seed = fleet.link(Identity::Seat("jkt", "a3")).seed;
    // Beyond the streams' limits: an error reply, nothing stored.
    for (subject, size) in [("closing.jkt.a2", MAX_CLOSING + 1025), ("seat.jkt.a2", MAX_STATE + 1025)] {
        let answer = other.request(subject, vec![b'x'; size].into()).await.unwrap();
        let answer = str::from_utf8(&answer.payload).unwrap();
        assert!(answer.contains(&format!("\"err_code\":{}", ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM.0)), "{answer}");
    }
    // Beyond the server's limits: the connection is closed.
    let wrong: [(&[u8], &str); 4] = [
        (b"PUB closing.jkt.a3 1048577\r\n", "Maximum Payload Violation"),
        (b"PUB closing.jkt.a3 99999999999999999999\r\n", ""),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "Unknown Protocol Operation"),
        (&[b'S'; 8192], "Unknown Protocol Operation"),
    ];
    for (bytes, output) in wrong {
        let mut raw = Raw::authenticated(fleet.port, &seed);
        raw.send(bytes);
        let lines = raw.read_to_end();
        assert!(lines.iter().any(|line| line.contains(output)) || output.is_empty(), "{lines:?}");
    }
    let streams = ["KV_BROADCAST", "CLOSINGS_JKT", "SEATS_JKT"];
    assert_eq!(sequences(&admin, &streams).await, [0, 0, 0]);
    assert_eq!(seat.refused(), RefusalCounts::default());
    other.request("closing.jkt.a2", "{}".into()).await.expect("others go on");
}

#[tokio::test]
async fn a_connection_needs_the_right_key_authority_and_tls() {
    let Some(fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    // Without TLS the server closes the connection.
    let (mut raw, info) = Raw::connect(fleet.port);
    assert_eq!(info["tls_required"], true);
    raw.send(b"CONNECT {\"verbose\":true}\r\nPING\r\n");
    let lines = raw.read_to_end();
    assert!(!lines.iter().any(|line| line.contains("PONG") || line.contains("+OK")), "{lines:?}");

    let who = Identity::Seat("jkt", "a1");
    let valid = || fleet.link(who);
    assert!(valid().connect(Lang::En).await.is_ok());
    // Another fleet's authority, the system's authorities, a name that is not in the certificate.
    let other = tempfile::tempdir().unwrap();
    crate::support::fleet::provisioned(&FleetSpec::default(), fleet.port, other.path());
    let ca = other.path().join("out/server/tls/ca.pem");
    let named = format!("tls://localhost:{}", fleet.port).parse().unwrap();
    let certificate = "check the certificate";
    let own_key = Seed::read(&other.path().join("out/seats/jkt/a1/link.nk"), Lang::En).unwrap();
    for (wrong, help) in [
        (Link { ca: Some(ca), ..valid() }, certificate),
        (Link { ca: None, ..valid() }, certificate),
        (Link { servers: vec![named], ..valid() }, certificate),
        // Another fleet's key for the same seat.
        (Link { seed: own_key, ..valid() }, "does not accept this key"),
    ] {
        let output = format!("{wrong:?}");
        let fail = wrong.connect(Lang::En).await.expect_err(&output);
        assert!(fail.message.contains("127.0.0.1") || fail.message.contains("localhost"), "{fail:?}");
        assert!(fail.help.as_deref().is_some_and(|text| text.contains(help)), "{help}: {fail:?}");
    }
}

#[tokio::test]
async fn a_client_with_tls_refuses_a_server_without() {
    let Some(fleet) = TestFleet::start(&FleetSpec { tls: false, ..FleetSpec::default() }).await else { return };
    let link = fleet.link(Identity::Seat("jkt", "a1"));
    let servers = vec![format!("tls://127.0.0.1:{}", fleet.port).parse().unwrap()];
    assert!(Link { servers, ..link }.connect(Lang::En).await.is_err(), "no downgrade");
}
