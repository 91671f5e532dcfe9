//! The output of `provision` works with the server and the programs, and its permissions are right.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use std::{fs, str};

use async_nats::{Client, HeaderMap};
use futures_util::StreamExt;
use penutup_cli_kit::words::Lang;
use penutup_fleet::link::Link;
use penutup_fleet::provision::abandoned::{self, Abandoned};
use penutup_fleet::provision::streams::StreamChange;
use penutup_fleet::provision::trust::LIST;
use penutup_fleet::secret::Seed;
use penutup_fleet::wire::key::Key;
use penutup_fleet::wire::name::Name;
use penutup_fleet::wire::subject;
use penutup_fleet::wire::trust::Trust;
use tokio::time::timeout;

use crate::support::calls::send;
use crate::support::fleet::provisioned;
use crate::support::nats::installed;
use crate::support::{FleetSpec, Identity, Postgres, TestFleet, listen, next, report_skipped, wait_until};

fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

fn key(text: &str) -> Key {
    text.parse().expect("a key")
}

/// Publishes with compare-and-set, like a supervisor.
async fn put(supervisor: &Client, key: &Key, last: u64, bytes: &str) -> String {
    let mut headers = HeaderMap::new();
    headers.insert("Nats-Expected-Last-Subject-Sequence", last.to_string().as_str());
    let answer = supervisor.request_with_headers(subject::put(key), headers, bytes.to_owned().into()).await;
    str::from_utf8(&answer.expect("an answer").payload).unwrap().to_owned()
}

#[tokio::test]
async fn messages_cross_between_the_accounts_and_replies_come_back() {
    let Some(fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let center = key("klb.center");
    let seats = [("jkt", "a1"), ("bdg", "b1"), ("sby", "c1")];
    let mut received = Vec::new();
    for (site, seat) in seats {
        let client = fleet.connect(Identity::Seat(site, seat)).await;
        received.push((listen(&client, subject::all_broadcasts(&name(site))).await, client));
    }
    let supervisor = fleet.connect(Identity::Supervisor("pusat")).await;
    assert!(put(&supervisor, &center, 0, "one").await.contains("\"seq\":1"));
    assert!(put(&supervisor, &center, 0, "two").await.contains("wrong last sequence: 1"), "compare-and-set");
    for ((site, seat), (messages, client)) in seats.iter().zip(&mut received) {
        let message = next(messages).await;
        assert_eq!(message.subject.as_str(), subject::broadcast(&name(site), &center));
        assert_eq!(&message.payload[..], b"one");
        let got = client.request(subject::direct_get(&center), "".into()).await.expect("a direct get");
        assert_eq!(&got.payload[..], b"one");
        let none = client.request(subject::direct_get(&key("rules.active")), "".into()).await.expect("an answer");
        assert_eq!(none.status.map(|status| status.as_u16()), Some(404));

        let mut headers = HeaderMap::new();
        headers.insert("Nats-Msg-Id", "one");
        let closing = subject::closing(&name(site), &name(seat));
        for duplicate in [false, true] {
            let ack = client.request_with_headers(closing.clone(), headers.clone(), "{}".into()).await.unwrap();
            let ack = str::from_utf8(&ack.payload).unwrap();
            assert!(ack.contains(&subject::closings(&name(site))) && ack.contains("\"seq\":1"), "{ack}");
            assert_eq!(ack.contains("\"duplicate\": true"), duplicate, "{ack}");
        }
        client.publish(subject::state(&name(site), &name(seat)), "{}".into()).await.unwrap();
        client.flush().await.unwrap();
    }
    // The centre's programs: resend requests, seat states.
    let archive = fleet.connect(Identity::Program("archive")).await;
    let mut asked = listen(&received[0].1, "ask.jkt.a1").await;
    archive.publish("ask.jkt.a1", "again".into()).await.unwrap();
    assert_eq!(&next(&mut asked).await.payload[..], b"again");
    let status = fleet.connect(Identity::Program("status")).await;
    wait_until("the seat's state", async || {
        let got = status.request("$JS.API.DIRECT.GET.SEATS_SBY.seat.sby.c1", "".into()).await.unwrap();
        (&got.payload[..] == b"{}").then_some(())
    })
    .await;
    let older = "{\"seq\":1,\"next_by_subj\":\"$KV.BROADCAST.klb.center\"}";
    let got = supervisor.request(subject::DIRECT_GET, older.into()).await.unwrap();
    assert_eq!(&got.payload[..], b"one", "a supervisor reads earlier messages");
}

#[tokio::test]
async fn the_streams_are_created_once_and_never_weakened() {
    let Some(mut fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let again = fleet.streams().await;
    assert_eq!(again.len(), 7);
    assert!(
        again.iter().all(|outcome| outcome.change == StreamChange::Unchanged && outcome.stronger.is_empty()),
        "{again:?}"
    );
    fleet.provision_again(&FleetSpec { closings_mib: Some(128), ..FleetSpec::default() });
    let less = fleet.streams().await;
    let jkt = less.iter().find(|outcome| outcome.stream == "CLOSINGS_JKT").unwrap();
    assert_eq!((&jkt.change, &jkt.stronger[..]), (&StreamChange::Unchanged, &["max_bytes"][..]));
    fleet.provision_again(&FleetSpec { closings_mib: Some(257), ..FleetSpec::default() });
    let more = fleet.streams().await;
    let jkt = more.iter().find(|outcome| outcome.stream == "CLOSINGS_JKT").unwrap();
    assert_eq!((&jkt.change, &jkt.stronger[..]), (&StreamChange::Raised(vec!["max_bytes"]), &[][..]));
}

#[tokio::test]
async fn a_removed_seat_is_denied_and_the_others_stay_connected() {
    let Some(mut fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let stays = fleet.connect(Identity::Seat("jkt", "a1")).await;
    let mut by_old = listen(&stays, "broadcast.jkt.>").await;
    let gone = fleet.link(Identity::Seat("jkt", "a2"));
    let mut less = FleetSpec::default();
    less.sites[0].2 = ["a1", "a3", "a4", "a5", "a6"].map(String::from).to_vec();
    less.sites[1].2.push("b2".into());
    fleet.provision_again(&less);
    fleet.nats.reload();
    assert!(gone.connect(Lang::En).await.is_err(), "its key is no longer known");
    let added = fleet.connect(Identity::Seat("jkt", "a4")).await;
    let mut by_new = listen(&added, "broadcast.jkt.>").await;
    for (seat, subject, seq) in [(&stays, "closing.jkt.a1", "\"seq\":1"), (&added, "closing.jkt.a4", "\"seq\":2")] {
        let ack = seat.request(subject, "{}".into()).await.expect("an acknowledgement");
        assert!(str::from_utf8(&ack.payload).unwrap().contains(seq));
    }
    let supervisor = fleet.connect(Identity::Supervisor("pusat")).await;
    put(&supervisor, &key("klb.center"), 0, "on").await;
    for received in [&mut by_old, &mut by_new] {
        assert_eq!(&next(received).await.payload[..], b"on", "old and new seats receive it");
    }
    assert!(!fleet.config(Identity::Seat("jkt", "a2")).exists());

    // A new site is a new account, which a server reloads without its service imports: `provision` asks for a restart.
    less.sites.push(("mdn", "sumut", vec!["d1".into()]));
    fleet.provision_again(&less);
    fleet.nats.kill();
    fleet.nats.restart();
    fleet.streams().await;
    let stays = fleet.connect(Identity::Seat("jkt", "a1")).await;
    let new = fleet.connect(Identity::Seat("mdn", "d1")).await;
    for (seat, subject) in [(&new, "closing.mdn.d1"), (&stays, "closing.jkt.a1")] {
        let ack = seat.request(subject, "{}".into()).await.unwrap_or_else(|e| panic!("{subject}: {e}"));
        assert!(str::from_utf8(&ack.payload).unwrap().contains("\"stream\""), "{ack:?}");
    }
}

#[tokio::test]
async fn a_restarted_server_has_what_it_acknowledged_and_a_frozen_one_answers_nothing() {
    let Some(mut fleet) = TestFleet::start(&FleetSpec { tls: false, ..FleetSpec::default() }).await else { return };
    let supervisor = fleet.connect(Identity::Supervisor("pusat")).await;
    put(&supervisor, &key("klb.center"), 0, "on").await;
    fleet.nats.kill();
    fleet.nats.restart();
    let seat = fleet.connect(Identity::Seat("jkt", "a1")).await;
    let get = || seat.request(subject::direct_get(&key("klb.center")), "".into());
    assert_eq!(&get().await.unwrap().payload[..], b"on");
    fleet.nats.freeze();
    assert!(timeout(Duration::from_millis(300), get()).await.is_err(), "frozen");
    fleet.nats.thaw();
    assert_eq!(&get().await.unwrap().payload[..], b"on");
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut out = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
                out.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    out
}

#[test]
fn a_second_run_changes_nothing_and_a_new_seat_changes_no_key() {
    let folder = tempfile::tempdir().unwrap();
    provisioned(&FleetSpec::default(), 4222, folder.path());
    let out = folder.path().join("out");
    let first = files(&out);
    provisioned(&FleetSpec::default(), 4222, folder.path());
    assert_eq!(files(&out), first);

    let mut more = FleetSpec::default();
    more.sites[1].2.push("b2".into());
    provisioned(&more, 4222, folder.path());
    let second = files(&out);
    let changed: Vec<_> =
        first.iter().filter(|(name, bytes)| second.get(*name) != Some(bytes)).map(|(n, _)| n).collect();
    let follow = ["center/admin/center.toml", "center/archive/center.toml", "center/status/center.toml"];
    assert_eq!(
        changed,
        [
            &follow[..],
            &[
                "provision.json",
                "server/accounts.conf",
                "supervisors/pusat/supervisor.toml",
                "supervisors/spv-jabar/supervisor.toml"
            ]
        ]
        .concat()
    );
    let new: Vec<_> = second.keys().filter(|name| !first.contains_key(*name)).collect();
    assert_eq!(
        new,
        ["agent.toml", "ca.pem", "link.nk", "trust.toml"].map(|file| format!("seats/bdg/b2/{file}")).each_ref()
    );
}

#[test]
fn provision_reports_its_changes_and_the_server_accepts_its_files() {
    let Some(binary) = installed() else {
        report_skipped(&"nats-server is not installed here");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fleet.toml");
    fs::write(&file, FleetSpec::default().text(4222)).unwrap();
    let run = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_penutup-fleet"));
        let ran = command.args(["--lang", "en", "provision"]).arg(&file).arg(folder.path().join("out")).args(more);
        let ran = ran.output().unwrap();
        (ran.status.code(), String::from_utf8(ran.stdout).unwrap(), String::from_utf8(ran.stderr).unwrap())
    };
    let (status, output, _) = run(&[]);
    assert_eq!(status, Some(0));
    assert!(output.contains("sites 3, seats 5, supervisors 4") && output.contains("new keys: 18"), "{output}");
    let mut check = Command::new(binary);
    let checked = check
        .args(["-t", "-c", "nats.conf"])
        .current_dir(folder.path().join("out/server"))
        .env("PENUTUP_STORE", "store")
        .output();
    assert!(checked.unwrap().status.success());

    let key = folder.path().join("out/seats/jkt/a2/link.nk");
    let before = fs::read(&key).unwrap();
    let (status, output, _) = run(&["--renew", "jkt/a2"]);
    assert!(status == Some(0) && output.contains("new keys: 1") && output.contains("reload"), "{output}");
    assert_ne!(fs::read(&key).unwrap(), before);
    let (status, _, output) = run(&["--renew", "jkt/a9"]);
    assert!(status == Some(2) && output.contains("jkt/a9"), "{output}");
    // The key of a seed that was taken out of the folder stays valid.
    fs::remove_file(&key).unwrap();
    let accounts = fs::read(folder.path().join("out/server/accounts.conf")).unwrap();
    let (status, output, _) = run(&[]);
    assert!(status == Some(0) && output.contains("no longer in this folder (still valid): 1"), "{output}");
    assert_eq!(fs::read(folder.path().join("out/server/accounts.conf")).unwrap(), accounts);
    // Which changes need a reload and which a restart.
    let mut more = FleetSpec::default();
    more.sites[0].2.push("a4".into());
    fs::write(&file, more.text(4222)).unwrap();
    let (_, output, _) = run(&[]);
    assert!(output.contains("server/ changed (accounts.conf)") && output.contains("systemctl reload"), "{output}");
    more.sites.push(("mdn", "sumut", vec!["d1".into()]));
    fs::write(&file, more.text(4222)).unwrap();
    let (_, output, _) = run(&[]);
    assert!(output.contains("server/ changed (accounts.conf)") && output.contains("systemctl restart"), "{output}");
}

#[tokio::test]
async fn a_new_trust_list_is_told_by_the_run_that_makes_it_and_the_one_that_publishes_it() {
    let Some(fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    fleet.publish_trust().await;
    let provision = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_penutup-fleet"));
        let command = command.args(["--lang", "en", "provision"]).arg(fleet.folder().join("fleet.toml"));
        let output = command.arg(fleet.out()).args(more).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(!provision(&[]).contains("new trust list"));
    let made = provision(&["--renew", "pusat"]);
    assert!(made.contains("new trust list: run provision --streams"), "{made}");
    let version = Trust::parse(&fs::read_to_string(fleet.out().join(LIST)).unwrap()).unwrap().version;
    for what in ["published", "unchanged"] {
        let told = provision(&["--streams"]);
        assert!(told.contains(&format!("trust list version {version}: {what}")), "{told}");
    }
}

#[test]
fn the_test_database_starts_crashes_and_restarts() {
    let Some(mut postgres) = Postgres::start() else { return };
    postgres.crash();
    postgres.restart();
    postgres.stop();
    postgres.restart();
    let folder = tempfile::tempdir().unwrap();
    provisioned(&FleetSpec { database: Some(&postgres), ..FleetSpec::default() }, 4222, folder.path());
    let path = folder.path().join("out/center/archive/center.toml");
    let center = penutup_fleet::config::center::Center::read(&path, Lang::En).unwrap();
    assert_eq!(center.database.unwrap().host, postgres.host().to_str().unwrap());
    assert_eq!(center.sites.len(), 3);
}

/// The operator's own tools ask the server itself; nobody else does.
#[tokio::test]
async fn only_the_key_of_the_system_account_may_use_it() {
    let Some(fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let seed = Seed::read(&fleet.out().join("center/system/link.nk"), Lang::En).unwrap();
    let ca = Some(fleet.out().join("center/system/ca.pem"));
    let servers = fleet.link(Identity::Program("admin")).servers;
    let system = Link { servers, ca, seed, name: "tools".into(), inbox: "_INBOX".into() };
    let system = system.connect(Lang::En).await.unwrap();
    let pong = system.request("$SYS.REQ.SERVER.PING", "".into()).await.expect("an answer");
    let pong: serde_json::Value = serde_json::from_slice(&pong.payload).unwrap();
    assert_eq!(pong["server"]["name"], "test", "{pong}");
    // It reaches no stream, and purges no account.
    let violations = || fleet.nats.log().matches("Violation").count();
    for subject in ["$JS.API.STREAM.INFO.KV_BROADCAST", "$JS.API.ACCOUNT.PURGE.CENTER"] {
        let before = violations();
        system.publish(subject, "".into()).await.unwrap();
        system.flush().await.unwrap();
        wait_until(subject, async || (violations() > before).then_some(())).await;
    }

    let others = [Identity::Seat("jkt", "a1"), Identity::Supervisor("pusat")].into_iter();
    for who in others.chain(["admin", "archive", "status"].map(Identity::Program)) {
        let (client, before) = (fleet.connect(who).await, violations());
        client.publish("$SYS.REQ.SERVER.PING", "".into()).await.unwrap();
        let _events = client.subscribe("$SYS.>").await.unwrap();
        client.flush().await.unwrap();
        wait_until(&format!("{who:?} is denied both"), async || (violations() >= before + 2).then_some(())).await;
    }
}

/// A site is taken out: at once, and as the page says.
#[tokio::test]
async fn the_stream_of_a_site_that_is_gone_is_named_with_what_nobody_reads_any_more() {
    let Some(mut fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let seat = fleet.connect(Identity::Seat("bdg", "b1")).await;
    for n in 0..2 {
        send(&seat, "closing.bdg.b1", &format!("{n}"), b"{}").await.expect("it is stored");
    }
    let gone = || {
        let mut spec = FleetSpec::default();
        spec.sites.retain(|(id, ..)| *id != "bdg");
        spec
    };
    let admin = fleet.connect(Identity::Program("admin")).await;
    let found = async |fleet: &TestFleet| abandoned::find(admin.clone(), &fleet.definition, Lang::En).await.unwrap();
    assert_eq!(found(&fleet).await, []);
    fleet.provision_again(&gone());
    let unread = |unread| [Abandoned { stream: "CLOSINGS_BDG".into(), unread }];
    assert_eq!(found(&fleet).await, unread(2));
    let streams = fleet.provision_streams();
    assert!(streams.contains("! stream CLOSINGS_BDG") && streams.contains("2 closing"), "{streams}");

    // Closed, it keeps its stream and its reader, and its seat is let in no more.
    fleet.provision_again(&FleetSpec { closed: Some("bdg"), ..FleetSpec::default() });
    assert_eq!(found(&fleet).await, []);
    let accounts = fs::read_to_string(fleet.out().join("server/accounts.conf")).unwrap();
    let archive = fs::read_to_string(fleet.config(Identity::Program("archive"))).unwrap();
    assert!(accounts.contains("CLOSINGS_BDG") && !accounts.contains("closing.bdg.b1") && archive.contains("bdg"));
    assert!(!fleet.out().join("seats/bdg").exists() || !fleet.config(Identity::Seat("bdg", "b1")).exists());
    fleet.nats.reload();
    wait_until("the seat's connection is closed", async || {
        (seat.connection_state() != async_nats::connection::State::Connected).then_some(())
    })
    .await;

    // The archive has read one of the two.
    let archive = async_nats::jetstream::new(fleet.connect(Identity::Program("archive")).await);
    let stream = archive.get_stream("CLOSINGS_BDG").await.unwrap();
    let durable = Some("archive".to_owned());
    let config = async_nats::jetstream::consumer::pull::Config { durable_name: durable, ..Default::default() };
    let reader = stream.create_consumer(config).await.unwrap();
    fleet.provision_again(&gone());
    for left in [1, 0] {
        let mut messages = reader.fetch().max_messages(1).messages().await.unwrap();
        messages.next().await.unwrap().unwrap().double_ack().await.unwrap();
        assert_eq!(found(&fleet).await, unread(left));
    }
}
