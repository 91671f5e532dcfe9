//! `status`: counts what the seats report, what they should have, and what is missing.

use std::collections::BTreeMap;

use chrono::{TimeDelta, Utc};
use nkeys::KeyPair;
use penutup_fleet::provision::trust::LIST;
use penutup_fleet::wire::envelope::Envelope;
use penutup_fleet::wire::key::{Key, Scope};
use penutup_fleet::wire::refusal::{Refusal, RefusalCounts};
use penutup_fleet::wire::seat::{KeyState, KlbState, RulesState, SeatState};
use penutup_fleet::wire::subject;
use penutup_fleet::wire::trust::Trust;
use serde_json::Value;
use uuid::Uuid;

use crate::support::calls::{call, close, name, send};
use crate::support::nats::free_port;
use crate::support::program::{Running, run, store};
#[cfg(unix)]
use crate::support::screen::Screen;
use crate::support::{FleetSpec, Identity, Postgres, TestFleet, wait_until};

async fn publish_state(fleet: &TestFleet, site: &str, seat: &str, state: &SeatState) {
    let client = fleet.connect(Identity::Seat(site, seat)).await;
    let id = Uuid::now_v7().to_string();
    send(&client, &subject::state(&name(site), &name(seat)), &id, &state.to_bytes()).await.unwrap();
}

fn state(fleet: &TestFleet) -> SeatState {
    let list = std::fs::read_to_string(fleet.out().join(LIST)).unwrap();
    let version = Trust::parse(&list).unwrap().version;
    SeatState {
        schema: 1,
        at: Utc::now(),
        agent: "0.1.0".into(),
        epoch: Uuid::now_v7(),
        rules: None,
        klb: None,
        prompters: 1,
        unsent: 0,
        sent: 0,
        refused: RefusalCounts::default(),
        broadcasts: BTreeMap::from([("trust.active".into(), KeyState { version, refused: None })]),
        unwritten_since: None,
        told_clock: None,
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn site<'v>(status: &'v Value, id: &str) -> &'v Value {
    status["sites"].as_array().unwrap().iter().find(|site| site["site"] == id).unwrap()
}

fn check_metrics(metrics: &str) {
    for line in [
        "# TYPE penutup_seats_connected gauge",
        "penutup_seats{site=\"jkt\"} 3",
        "penutup_seats_connected{site=\"jkt\"} 2",
        "penutup_seats_current{site=\"jkt\"} 1",
        "penutup_seats_current{site=\"sby\"} 0",
        "penutup_seats_silent{site=\"jkt\"} 1",
        "penutup_seats_rules_behind{site=\"jkt\"} 1",
        "penutup_seats_trust_behind{site=\"jkt\"} 1",
        "penutup_seats_trust_behind{site=\"sby\"} 0",
        "penutup_seats_klb_on{site=\"jkt\"} 2",
        "penutup_seats_klb_behind{site=\"sby\"} 1",
        "penutup_closings_unsent{site=\"jkt\"} 12",
        "penutup_closings_missing{site=\"bdg\"} 1",
        "penutup_archive_reading{site=\"bdg\"} 1",
        "penutup_archive_lag_seconds{site=\"bdg\"} 0",
        "penutup_klb_on{scope=\"center\"} 1",
        "penutup_status_troubles 0",
    ] {
        assert!(metrics.lines().any(|l| l == line), "{line} in\n{metrics}");
    }
    let of_metrics = metrics.lines().filter(|line| !line.starts_with('#'));
    assert!(
        of_metrics.clone().count() > 30
            && of_metrics.clone().all(|l| l.rsplit(' ').next().unwrap().parse::<u64>().is_ok())
    );
}

#[tokio::test]
async fn seats_broadcasts_gaps_and_refusals_are_counted_and_seats_with_issues_listed() {
    let Some(postgres) = Postgres::start() else { return };
    let Some(fleet) = TestFleet::start(&FleetSpec { database: Some(&postgres), ..FleetSpec::default() }).await else {
        return;
    };
    let config = fleet.config(Identity::Program("status"));
    // A database without tables is reported, not hidden.
    let before = run(&config, &["status", "--format", "json"]);
    assert_eq!(before.status, 2, "{before:?}");
    let metrics = run(&config, &["status", "--format", "prometheus"]);
    assert!(
        metrics.status == 2 && !metrics.out.contains("penutup_closings_missing"),
        "unknown is no zero: {metrics:?}"
    );
    let output = json(&before.out);
    assert_eq!((&output["total"]["seats"], &output["total"]["silent"]), (&5.into(), &5.into()));
    assert_eq!(
        (&output["total"]["missing"], output["troubles"].as_array().unwrap().len()),
        (&Value::Null, 4),
        "the database, and three streams that no archive reads: {output}"
    );
    assert!(before.out.contains("arsip belum membaca stream ini sejak server aktif"), "{output}");

    let archive = Running::start(&fleet.config(Identity::Program("archive")), &["archive"], fleet.folder());
    let supervisor = fleet.config(Identity::Supervisor("pusat"));
    store(&supervisor, &["klb", "on", "--reason", "gempa"]);
    let rules = fleet.folder().join("aturan.toml");
    std::fs::write(&rules, penutup_rules::BUILT_IN.replace("Rev-1", "Rev-7")).unwrap();
    store(&supervisor, &["rules", "publish", rules.to_str().unwrap(), "--yes"]);
    let broadcasts = json(&run(&config, &["status", "--once", "--format", "json"]).out);
    let version = |of: &Value| of["version"].as_u64().unwrap();
    assert_eq!((&broadcasts["klb"][0]["scope"], &broadcasts["klb"][0]["why"]), (&"center".into(), &"gempa".into()));
    assert_eq!(broadcasts["rules"]["revision"], "Rev-7");
    let (klb, published) = (version(&broadcasts["klb"][0]), version(&broadcasts["rules"]));

    let current = |revision: &str| RulesState { version: published, sha256: "ab".into(), revision: revision.into() };
    let on = Some(KlbState { version: klb, on: true });
    publish_state(&fleet, "jkt", "a1", &SeatState { klb: on.clone(), rules: Some(current("Rev-7")), ..state(&fleet) })
        .await;
    let mut refused = RefusalCounts::default();
    refused.add(Refusal::BadSignature);
    refused.add(Refusal::BadSignature);
    let older = BTreeMap::from([("trust.active".into(), KeyState { version: 1, refused: None })]);
    let a2 = SeatState { klb: on.clone(), unsent: 12, refused, broadcasts: older, ..state(&fleet) };
    publish_state(&fleet, "jkt", "a2", &a2).await;
    let off = Some(KlbState { version: klb - 1, on: false });
    publish_state(&fleet, "sby", "c1", &SeatState { klb: off, rules: Some(current("Rev-6")), ..state(&fleet) }).await;
    // Terminal escapes and overflowing counts are no valid states: the seats count as silent, the messages as refused.
    publish_state(&fleet, "jkt", "a3", &SeatState { rules: Some(current("Rev-7\u{1b}[2J")), ..state(&fleet) }).await;
    publish_state(&fleet, "bdg", "b1", &SeatState { unsent: u64::MAX, sent: u64::MAX, ..state(&fleet) }).await;
    // A seat whose second closing is missing, and an invalid closing.
    let client = fleet.connect(Identity::Seat("bdg", "b1")).await;
    let epoch = Uuid::now_v7();
    for seq in [1, 3] {
        close(&client, "bdg", "b1", epoch, seq, &call(Uuid::now_v7(), 1, "b1", seq)).await;
    }
    send(&client, &subject::closing(&name("bdg"), &name("b1")), "junk", b"junk").await.unwrap();
    wait_until("the closings", async || {
        (postgres.number("select count(*) + (select coalesce(sum(count), 0)::int8 from refused) from closing").await
            == Some(3))
        .then_some(())
    })
    .await;

    let metrics = run(&config, &["status", "--format", "prometheus"]).done();
    check_metrics(&metrics);

    let result = run(&config, &["status", "--format", "json"]);
    let output = json(&result.clone().done());
    let total = &output["total"];
    for (key, count) in [
        ("seats", 5),
        ("seen", 3),
        ("fresh", 3),
        ("silent", 2),
        ("prompters", 3),
        ("klb_on", 2),
        ("klb_behind", 1),
        ("rules_behind", 1),
        ("unsent", 12),
        ("missing", 1),
        ("refused", 5),
    ] {
        assert_eq!(total[key], count, "{key}: {output}");
    }
    assert_eq!((&site(&output, "bdg")["missing"], &site(&output, "sby")["klb_behind"]), (&1.into(), &1.into()));
    assert_eq!(output["refused_by_seats"]["bad-signature"], 2);
    assert_eq!(output["refused_by_archive"]["malformed"], 1);
    assert_eq!(output["rules_on_seats"].as_array().unwrap().len(), 3);

    let output = json(&run(&config, &["status", "--site", "jkt", "--format", "json"]).done());
    let attention = site(&output, "jkt")["attention"].as_array().unwrap().clone();
    let [a2] = &attention[..] else { panic!("{output}") };
    assert_eq!((&a2["seat"], &a2["unsent"], &a2["refused"]), (&"a2".into(), &12.into(), &2.into()));
    assert_eq!((&a2["rules_behind"], &a2["klb_behind"]), (&true.into(), &Value::Null));
    let text = run(&config, &["status", "--site", "jkt"]).done();
    assert!(text.lines().any(|line| line.starts_with("a2") && line.contains("12 closing")), "{text}");
    let text = run(&config, &["status", "--once"]).done();
    for part in ["jkt", "bdg", "sby", "center: KLB AKTIF", "gempa", "Rev-7", "bad-signature 2", "malformed 1"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains('\u{1b}'), "{text:?}");
    assert!(run(&config, &["status", "--site", "x"]).err.contains("jkt"));
    drop(archive);
}

/// Closings wait, and nobody reads them: that is no quiet fleet.
#[tokio::test]
async fn a_dead_archive_is_told_with_what_waits_for_it() {
    let Some(postgres) = Postgres::start() else { return };
    let Some(fleet) = TestFleet::start(&FleetSpec { database: Some(&postgres), ..FleetSpec::default() }).await else {
        return;
    };
    let (config, archive_config) =
        (fleet.config(Identity::Program("status")), fleet.config(Identity::Program("archive")));
    let client = fleet.connect(Identity::Seat("jkt", "a1")).await;
    let epoch = Uuid::now_v7();
    let closing = async |seq| close(&client, "jkt", "a1", epoch, seq, &call(Uuid::now_v7(), 1, "a1", seq)).await;
    closing(1).await;
    let never = run(&config, &["status", "--lang", "en", "--format", "json"]);
    let output = json(&never.out);
    assert_eq!((never.status, &output["total"]["waiting"]), (2, &1.into()), "{output}");
    let lines: Vec<_> = output["troubles"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let since = |line: &&str| {
        line.contains("closings waiting: 1, the oldest since ") && line.contains("; the archive recorded none")
    };
    assert!(lines.iter().any(since), "{lines:?}");
    assert!(output["archive"][0]["oldest"].is_string() && output["archive"][0]["heard"].is_null(), "{output}");

    wait_until("its age", async || {
        let metrics = run(&config, &["status", "--format", "prometheus"]).out;
        let line = metrics.lines().find_map(|l| l.strip_prefix("penutup_archive_lag_seconds{site=\"jkt\"} "))?;
        (line.parse::<u64>().unwrap() > 0).then_some(())
    })
    .await;

    let mut archive = Running::start(&archive_config, &["archive"], fleet.folder());
    let is_quiet = async || {
        let result = run(&config, &["status", "--format", "json"]);
        (result.status == 0 && json(&result.out)["total"]["waiting"] == 0).then_some(())
    };
    wait_until("nothing that waits", is_quiet).await;
    archive.process.kill();
    // The server notices it a moment later, and until then it would send closings to its connection.
    let of_jkt = |output: &Value| output["archive"].as_array()?.iter().find(|site| site["site"] == "jkt").cloned();
    let is_noticed = async || {
        let output = json(&run(&config, &["status", "--format", "json"]).out);
        (of_jkt(&output)?["reading"] == false).then_some(())
    };
    wait_until("the end of the archive's connection", is_noticed).await;
    for seq in 2..=9 {
        closing(seq).await;
    }
    let dead = run(&config, &["status", "--lang", "en", "--format", "json"]);
    let output = json(&dead.out);
    assert_eq!((dead.status, &output["total"]["waiting"]), (2, &8.into()), "{output}");
    let metrics = run(&config, &["status", "--format", "prometheus"]).out;
    for line in ["penutup_closings_waiting{site=\"jkt\"} 8", "penutup_archive_reading{site=\"jkt\"} 0"] {
        assert!(metrics.lines().any(|l| l == line), "{line}: {metrics}");
    }
    // The server does not say how old the first unread one is.
    assert!(!metrics.contains("penutup_archive_lag_seconds{site=\"jkt\"}"), "{metrics}");
    let of_jkt = of_jkt(&output).unwrap();
    assert_eq!((&of_jkt["reading"], &of_jkt["waiting"]), (&false.into(), &8.into()));
    assert!(of_jkt["heard"].is_string(), "{output}");
    let lines: Vec<_> = output["troubles"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(
        lines.iter().any(|line| line.contains("CLOSINGS_JKT") && line.contains("closings waiting: 8")),
        "{lines:?}"
    );
    let text = run(&config, &["status", "--lang", "en", "--site", "jkt"]);
    assert!(text.status == 2 && text.out.contains("closings waiting: 8; the archive last recorded"), "{text:?}");
    assert!(!text.out.contains("No seat needs attention"), "{text:?}");

    let _archive = Running::start(&archive_config, &["archive"], fleet.folder());
    wait_until("nothing that waits", is_quiet).await;
    assert!(run(&config, &["status", "--lang", "en", "--site", "jkt"]).done().contains("No seat needs attention"));
}

/// Somebody with a supervisor's connection key, but without the signing key, can't change what status shows.
#[tokio::test]
async fn status_accepts_the_broadcasts_that_the_seats_accept() {
    let Some(fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let config = fleet.config(Identity::Program("status"));
    let supervisor = fleet.config(Identity::Supervisor("pusat"));
    store(&supervisor, &["klb", "off"]);
    let before = json(&run(&config, &["status", "--format", "json"]).done());
    let client = fleet.connect(Identity::Supervisor("pusat")).await;
    let thief = KeyPair::new_user();
    let payload = "schema = 1\nversion = 9999999999\nstate = \"on\"\nsince = \"2026-03-02T06:05:00Z\"\n".to_owned();
    let forged = Envelope::sign(&thief, Key::Klb(Scope::Center), name("pusat"), 9_999_999_999, payload).unwrap();
    send(&client, &subject::put(&forged.key), "forged", &forged.to_bytes()).await.unwrap();
    let output = json(&run(&config, &["status", "--format", "json"]).done());
    assert_eq!((&output["klb"], output["klb"][0]["state"].as_str()), (&before["klb"], Some("off")));
    assert_eq!(output["unheeded"][0]["key"], "klb.center");
    assert_eq!(output["unheeded"][0]["why"], "bad-signature");
    let text = run(&config, &["status", "--once"]).done();
    assert!(text.contains("! klb.center") && !text.contains("KLB AKTIF"), "{text}");
    let shown = run(&supervisor, &["klb", "show"]).done();
    assert!(shown.contains("bad-signature") && !shown.contains("KLB AKTIF"), "{shown}");

    // A replay of an old broadcast.
    store(&supervisor, &["klb", "on", "--reason", "gempa"]);
    let on = client.request(subject::direct_get(&forged.key), "".into()).await.unwrap().payload;
    store(&supervisor, &["klb", "off"]);
    send(&client, &subject::put(&forged.key), "again", &on).await.unwrap();
    let output = json(&run(&config, &["status", "--format", "json"]).done());
    assert_eq!((&output["klb"][0]["state"], &output["unheeded"][0]["why"]), (&"off".into(), &"old".into()));
    let shown = run(&supervisor, &["klb", "show"]).done();
    assert!(shown.contains("old") && !shown.contains("KLB AKTIF"), "{shown}");
    // It does not block the next declaration.
    store(&supervisor, &["klb", "on", "--reason", "gempa"]);
    let output = json(&run(&config, &["status", "--format", "json"]).done());
    assert_eq!((&output["klb"][0]["state"], output["unheeded"].as_array().unwrap().len()), (&"on".into(), 0));
}

#[tokio::test]
async fn a_restarted_server_keeps_and_accepts_seat_states() {
    let Some(mut fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let config = fleet.config(Identity::Program("status"));
    publish_state(&fleet, "jkt", "a1", &state(&fleet)).await;
    fleet.nats.kill();
    fleet.nats.restart();
    publish_state(&fleet, "jkt", "a2", &state(&fleet)).await;
    let output = json(&run(&config, &["status", "--format", "json"]).done());
    assert_eq!((&output["total"]["seen"], output["troubles"].as_array().unwrap().len()), (&2.into(), 0), "{output}");
}

/// As the server shows it in the handshake, not as a file says.
#[tokio::test]
async fn the_days_of_the_servers_certificate_are_told_and_named_in_the_last_thirty() {
    let Some(mut fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let config = fleet.config(Identity::Program("status"));
    for (days, is_soon) in [(200, false), (12, true)] {
        let mut own = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let end = Utc::now() + TimeDelta::days(days) + TimeDelta::hours(1);
        own.not_after = std::time::SystemTime::from(end).into();
        let key = rcgen::KeyPair::generate().unwrap();
        let pem = own.self_signed(&key).unwrap().pem();
        for (file, text) in [
            ("server/tls/server.pem", &pem),
            ("server/tls/server.key", &key.serialize_pem()),
            ("center/status/ca.pem", &pem),
        ] {
            std::fs::write(fleet.out().join(file), text).unwrap();
        }
        fleet.nats.kill();
        fleet.nats.restart();
        let output = json(&run(&config, &["status", "--format", "json"]).done());
        let [certificate] = &output["certificates"].as_array().unwrap()[..] else { panic!("{output}") };
        let server = format!("127.0.0.1:{}", fleet.port);
        assert_eq!((&certificate["days"], &certificate["server"]), (&days.into(), &server.clone().into()), "{output}");
        let metrics = run(&config, &["status", "--format", "prometheus"]).done();
        let line = format!("penutup_certificate_days{{server=\"{server}\"}} {days}");
        assert!(metrics.lines().any(|l| l == line), "{line}: {metrics}");
        let text = run(&config, &["status", "--once", "--lang", "en"]).done();
        assert_eq!(text.contains(&format!("! certificate of {server}: valid until ")), is_soon, "{text}");
        assert_eq!(text.contains("12 days left"), is_soon, "{text}");
    }
    // A server of the fleet that does not answer.
    let text = std::fs::read_to_string(&config).unwrap();
    let (server, other) = (format!("127.0.0.1:{}", fleet.port), format!("127.0.0.1:{}", free_port()));
    let listed = format!("\"tls://{server}\"");
    assert!(text.contains(&listed), "{text}");
    let two = config.with_file_name("two.toml");
    std::fs::write(&two, text.replace(&listed, &format!("{listed}, \"tls://{other}\""))).unwrap();
    let result = run(&two, &["status", "--format", "json", "--lang", "en"]);
    let output = json(&result.out);
    assert_eq!((result.status, output["certificates"].as_array().unwrap().len()), (2, 1), "{output}");
    let trouble = output["troubles"][0].as_str().unwrap();
    assert!(trouble.starts_with(&format!("certificate of {other}: could not be read")), "{output}");

    let Some(plain) = TestFleet::start(&FleetSpec { tls: false, ..FleetSpec::default() }).await else { return };
    let config = plain.config(Identity::Program("status"));
    assert!(!run(&config, &["status", "--format", "prometheus"]).done().contains("certificate"));
}

/// A program gets what is known without the server, and no zero for what is unknown.
#[tokio::test]
async fn without_a_server_json_and_metrics_say_so() {
    let Some(mut fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let config = fleet.config(Identity::Program("status"));
    store(&fleet.config(Identity::Supervisor("pusat")), &["klb", "on", "--reason", "gempa"]);
    let well = run(&config, &["status", "--format", "prometheus"]).done();
    assert!(well.lines().any(|line| line == "penutup_server_connected 1"), "{well}");
    fleet.nats.kill();
    let metrics = run(&config, &["status", "--format", "prometheus"]);
    assert!(metrics.status == 2 && metrics.err.contains("systemctl status penutup-nats"), "{metrics:?}");
    for line in ["penutup_server_connected 0", "penutup_status_troubles 1", "penutup_seats{site=\"jkt\"} 3"] {
        assert!(metrics.out.lines().any(|l| l == line), "{line}: {metrics:?}");
    }
    for unknown in ["penutup_klb_on", "penutup_seats_connected", "penutup_seats_current", "penutup_trust_version"] {
        assert!(well.contains(unknown) && !metrics.out.contains(unknown), "{unknown}: {metrics:?}");
    }
    let result = run(&config, &["status", "--lang", "en", "--format", "json"]);
    let output = json(&result.out);
    assert_eq!((result.status, &output["connected"]), (2, &Value::Bool(false)), "{output}");
    assert!(output["troubles"][0].as_str().unwrap().starts_with("Cannot connect to 127.0.0.1"), "{output}");
    assert_eq!(output["total"]["seats"], 5);
    for unknown in ["/klb", "/rules", "/trust/version", "/total/fresh", "/total/klb_behind", "/seats_current"] {
        assert_eq!(output.pointer(unknown), Some(&Value::Null), "{unknown}: {output}");
    }
    let text = run(&config, &["status", "--once"]);
    assert!(text.status == 2 && text.out.is_empty(), "{text:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_terminal_shows_when_the_server_is_gone_and_nothing_of_before_as_present() {
    let Some(mut fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    store(&fleet.config(Identity::Supervisor("pusat")), &["klb", "on", "--reason", "gempa"]);
    publish_state(&fleet, "jkt", "a1", &state(&fleet)).await;
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_penutup-fleet"));
    command.args(["status", "--lang", "en", "--config"]).arg(fleet.config(Identity::Program("status")));
    let screen = Screen::start(&command);
    screen.waits_for("gempa").await;
    for is_frozen in [false, true] {
        if is_frozen {
            fleet.nats.freeze();
        } else {
            fleet.nats.kill();
        }
        screen.waits_for("! not connected to the server since").await;
        let text = screen.text();
        for part in ["systemctl status penutup-nats", "could not be read", "jkt 3 ? ?"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        for part in ["never declared", "gempa", "No rules published", "Check its disk"] {
            assert!(!text.contains(part), "{part}: {text}");
        }
        if is_frozen {
            fleet.nats.thaw();
        } else {
            fleet.nats.restart();
        }
        screen.waits_for("gempa").await;
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_terminal_shows_the_status_until_q_and_is_restored() {
    let Some(fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_penutup-fleet"));
    command.args(["status", "--lang", "en", "--config"]).arg(fleet.config(Identity::Program("status")));
    let mut screen = Screen::start(&command);
    screen.waits_for("q quits").await;
    screen.type_keys("q");
    screen.wait_for_exit().await;
    screen.waits_until("the screen before it", |text| !text.contains("q quits")).await;
}
