//! Programs of different versions side by side: what 0.1.0 wrote is read, and what a newer version writes is named as such.

use std::fs;
use std::path::{Path, PathBuf};

use penutup_fleet::provision::fleet::Fleet;
use penutup_fleet::wire::closing::Closing;
use penutup_fleet::wire::envelope::{Content, Envelope, StoredAt};
use penutup_fleet::wire::key::Key;
use penutup_fleet::wire::refusal::Refusal;
use penutup_fleet::wire::seat::SeatState;
use penutup_fleet::wire::subject;
use penutup_fleet::wire::trust::Trust;
use penutup_rules::declaration::State;
use serde_json::Value;

use crate::support::calls::{name, send};
use crate::support::fleet::provisioned;
use crate::support::machine::{SeatMachine, TestSupervisor, state_of};
use crate::support::program::{Running, run};
use crate::support::{FleetSpec, Identity, Postgres, TestFleet, wait_until};

/// What the programs of 0.1.0 wrote: a seat's state and closing and a supervisor's declaration as they were in the streams,
/// and files of `provision`.
fn data(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/0.1.0").join(file)
}

fn bytes(file: &str) -> Vec<u8> {
    fs::read(data(file)).expect(file)
}

#[test]
fn messages_and_files_of_0_1_0_are_read() {
    let state = SeatState::parse(&bytes("state.json")).unwrap();
    assert_eq!((state.sent, state.klb.map(|klb| klb.on), state.broadcasts.len()), (3, Some(true), 0));
    let closing = bytes("closing.json");
    assert_eq!(Closing::parse(&closing).unwrap().seq, 1);
    let trust = Trust::parse(&fs::read_to_string(data("trust.toml")).unwrap()).unwrap();
    let envelope = Envelope::parse(&bytes("klb.json")).unwrap();
    let verified = envelope.verify(&trust, &"klb.site.jkt".parse().unwrap(), None, StoredAt::Now).unwrap();
    let Content::Klb(declared) = verified.content else { panic!("{verified:?}") };
    assert_eq!((declared.state, declared.why.as_deref()), (State::On, Some("latihan")));
}

/// Whether `new` has all that `old` has: the same values under the same names, however deep.
fn has_all(new: &Value, old: &Value) -> bool {
    match (new, old) {
        (Value::Object(new), Value::Object(old)) => {
            old.iter().all(|(key, old)| new.get(key).is_some_and(|new| has_all(new, old)))
        }
        _ => new == old,
    }
}

/// The other direction: a centre or a seat of 0.1.0 finds what it reads in what today's programs write.
#[test]
fn what_0_1_0_reads_is_in_what_is_written_today() {
    let written = [
        ("state.json", SeatState::parse(&bytes("state.json")).unwrap().to_bytes()),
        ("closing.json", Closing::parse(&bytes("closing.json")).unwrap().to_bytes()),
        ("klb.json", Envelope::parse(&bytes("klb.json")).unwrap().to_bytes()),
    ];
    for (file, written) in written {
        let old: Value = serde_json::from_slice(&bytes(file)).unwrap();
        let new: Value = serde_json::from_slice(&written).unwrap();
        assert!(has_all(&new, &old), "{file}: {new}");
    }
}

/// The seats keep their keys: nobody needs a new folder before its programs are new.
#[test]
fn a_folder_of_0_1_0_is_provisioned_further_with_its_keys() {
    let folder = tempfile::tempdir().unwrap();
    let spec = FleetSpec {
        sites: vec![("jkt", "jabar", vec!["a1".into(), "a2".into()])],
        supervisors: vec![("pusat", "Pusat", vec!["center", "rules", "site.jkt"])],
        ..FleetSpec::default()
    };
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    fs::copy(data("provision.json"), out.join("provision.json")).unwrap();
    fs::copy(data("trust.toml"), out.join("trust.toml")).unwrap();
    let fleet: Fleet = provisioned(&spec, 4222, folder.path());
    let known: Value = serde_json::from_slice(&bytes("provision.json")).unwrap();
    let accounts = fs::read_to_string(out.join("server/accounts.conf")).unwrap();
    let keys = known["keys"].as_object().unwrap();
    for (path, key) in keys.iter().filter(|(path, _)| path.ends_with("link.nk")) {
        assert!(accounts.contains(key.as_str().unwrap()), "{path}");
    }
    assert_eq!((fleet.seats(), keys.len()), (2, 7));
    // The same signers, now with an authority, and a version for running seats.
    let [old, new] = [data("trust.toml"), out.join("trust.toml")]
        .map(|path| Trust::parse(&fs::read_to_string(path).unwrap()).unwrap());
    assert_eq!(old.signer(&name("pusat")), new.signer(&name("pusat")));
    assert!(old.version == 0 && new.version > 0 && new.authority.is_some());
}

#[tokio::test]
async fn a_seat_of_0_1_0_is_counted_and_its_closings_are_stored() {
    let Some(postgres) = Postgres::start() else { return };
    let spec = FleetSpec { database: Some(&postgres), ..FleetSpec::default() };
    let Some(fleet) = TestFleet::start(&spec).await else { return };
    let _archive = Running::start(&fleet.config(Identity::Program("archive")), &["archive"], fleet.folder());
    let seat = fleet.connect(Identity::Seat("jkt", "a1")).await;
    let (jkt, a1) = (name("jkt"), name("a1"));
    send(&seat, &subject::state(&jkt, &a1), "state", &bytes("state.json")).await.unwrap();
    send(&seat, &subject::closing(&jkt, &a1), "closing", &bytes("closing.json")).await.unwrap();
    // Its agent refuses every beat and trust list.
    let mut busy: Value = serde_json::from_slice(&bytes("state.json")).unwrap();
    busy["refused"] =
        serde_json::json!({ "malformed": 1_800, "wrong-key": 1, "bad-signature": 2, "reason-of-a-newer-agent": 1 });
    let other = fleet.connect(Identity::Seat("jkt", "a2")).await;
    send(&other, &subject::state(&jkt, &name("a2")), "busy", busy.to_string().as_bytes()).await.unwrap();
    wait_until("the closing", async || {
        (postgres.number("select count(*) from closing").await == Some(1)).then_some(())
    })
    .await;
    let output = run(&fleet.config(Identity::Program("status")), &["status", "--format", "json"]).out;
    let status: Value = serde_json::from_str(&output).unwrap();
    let total = &status["total"];
    assert_eq!((&total["fresh"], &total["klb_on"], &total["refused"]), (&2.into(), &2.into(), &3.into()), "{status}");
    assert_eq!(status["refused_by_seats"], serde_json::json!({ "bad-signature": 2, "other": 1 }));
    assert_eq!((&status["seats_of_other_version"], &status["seats_newer_than_server"]), (&0.into(), &0.into()));
}

#[tokio::test]
async fn a_seat_of_a_newer_version_is_named_and_not_called_silent_or_malformed() {
    let Some(fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let seat = fleet.connect(Identity::Seat("jkt", "a1")).await;
    let state = br#"{"schema":2,"seat":{"since":7}}"#;
    send(&seat, &subject::state(&name("jkt"), &name("a1")), "state", state).await.unwrap();
    let config = fleet.config(Identity::Program("status"));
    let status: Value = serde_json::from_str(&run(&config, &["status", "--format", "json"]).out).unwrap();
    assert_eq!(status["seats_of_other_version"], 1, "{status}");
    assert_eq!((&status["total"]["fresh"], &status["total"]["refused"]), (&1.into(), &0.into()));
    let text = run(&config, &["status", "--once", "--lang", "en"]).out;
    assert!(text.contains("! seats with another program version, whose state this program cannot read: 1."), "{text}");
    let text = run(&config, &["status", "--site", "jkt", "--lang", "en"]).out;
    assert!(text.lines().any(|line| line == "a1  another program version"), "{text}");
}

/// A supervisor's newer program, and a seat that was not upgraded yet.
#[tokio::test]
async fn a_declaration_of_another_schema_is_refused_by_that_name_and_the_one_before_it_stays() {
    let Some(fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let status = fleet.connect(Identity::Program("status")).await;
    let seat = SeatMachine::started(&fleet, "jkt", "a1");
    let pusat = TestSupervisor::of(&fleet, "pusat").await;
    let center: Key = "klb.center".parse().unwrap();
    pusat.declare(&center, 1_000, State::On, "gempa").await;
    wait_until("the declaration", async || seat.klb().filter(|klb| klb.version == 1_000)).await;
    let next = String::from_utf8(pusat.klb(&center, 1_001, State::Off, "selesai")).unwrap();
    pusat.put(&center, next.replace("\"schema\":1", "\"schema\":2").into_bytes()).await;
    wait_until("the refusal", async || {
        let refused = state_of(&status, "jkt", "a1").await?.broadcasts.get("klb.center")?.refused?;
        (refused.version == 1_001 && refused.why == Refusal::OtherSchema).then_some(())
    })
    .await;
    assert_eq!(seat.klb().map(|klb| (klb.version, klb.state)), Some((1_000, State::On)));
}
