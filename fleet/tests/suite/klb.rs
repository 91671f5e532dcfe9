//! `klb`: signed, attributed, limited to granted scopes, never overwriting another declaration.

use std::process::Command;
use std::sync::Arc;

use penutup_cli_kit::words::Lang;
use penutup_fleet::broadcast_stream::{BroadcastStream, PutError, StoredBroadcast};
use penutup_fleet::config::agent::Agent;
use penutup_fleet::wire::envelope::{Content, Envelope};
use penutup_fleet::wire::key::Key;
use penutup_fleet::wire::subject;
use penutup_rules::declaration::State;

use crate::support::program::run;
use crate::support::{FleetSpec, Identity, TestFleet};

fn key(text: &str) -> Key {
    text.parse().unwrap()
}

async fn stored(fleet: &TestFleet, key: &Key) -> Vec<StoredBroadcast> {
    let stream = BroadcastStream::connect(&fleet.link(Identity::Supervisor("pusat")), Lang::En).await.unwrap();
    stream.history(key).await.unwrap()
}

#[tokio::test]
async fn a_declaration_is_accepted_by_every_seat_of_its_scope() {
    let Some(fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let config = fleet.config(Identity::Supervisor("pusat"));
    let output =
        run(&config, &["klb", "on", "--reason", "gangguan \"transmisi\"", "--until", "2099-01-01T21:00:00+07:00"]);
    let output = output.done();
    for part in ["center", "KLB", "AKTIF", "Pusat", "gangguan \"transmisi\"", "s.d. 01/01 21.00"] {
        assert!(output.contains(part), "{part}: {output}");
    }
    let seat = Agent::read(&fleet.config(Identity::Seat("sby", "c1")), Lang::En).unwrap();
    let history = stored(&fleet, &key("klb.center")).await;
    let (envelope, verified) = history[0].verify(&seat.trust, &key("klb.center")).unwrap();
    let Content::Klb(declared) = verified.content else { panic!("{history:?}") };
    assert_eq!((declared.state, declared.by.as_deref()), (State::On, Some("Pusat")));
    assert_eq!(declared.why.as_deref(), Some("gangguan \"transmisi\""));
    assert_eq!((history.len(), declared.version), (1, envelope.version));

    run(&config, &["klb", "off"]).done();
    let history = stored(&fleet, &key("klb.center")).await;
    let (newer, _) = history[1].verify(&seat.trust, &key("klb.center")).unwrap();
    assert!(newer.version > envelope.version);
}

#[tokio::test]
async fn scopes_without_a_grant_and_invalid_arguments_are_refused_before_sending() {
    let Some(fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let config = fleet.config(Identity::Supervisor("spv-jkt"));
    for (args, output) in [
        (&["klb", "on", "--scope", "center", "--reason", "x"][..], "site.jkt"),
        (&["klb", "on", "--scope", "site.sby", "--reason", "x"], "site.jkt"),
        (&["klb", "on", "--scope", "jakarta", "--reason", "x"], "site.jkt"),
        (&["klb", "on"], "--reason"),
        (&["klb", "on", "--reason", "  "], "--reason"),
        (&["klb", "on", "--reason", "x", "--until", "nanti"], "nanti"),
        (&["klb", "on", "--reason", "x", "--until", "2020-01-01T00:00:00Z"], "--until"),
        (&["klb", "off", "--until", "21:00"], "--until"),
        (&["klb", "on", "--reason", "x", "--zone", "WI"], "WIB"),
    ] {
        let result = run(&config, args);
        assert_eq!((result.status, result.out.as_str()), (2, ""), "{args:?}: {result:?}");
        assert!(result.err.contains(output), "{args:?}: {}", result.err);
    }
    for scope in ["klb.center", "klb.site.jkt", "klb.site.sby"] {
        assert_eq!(stored(&fleet, &key(scope)).await, []);
    }
    // The default scope is the supervisor's own site.
    assert!(run(&config, &["klb", "on", "--reason", "banjir"]).done().contains("site.jkt"));
    assert_eq!(stored(&fleet, &key("klb.site.jkt")).await.len(), 1);
}

#[tokio::test]
async fn of_concurrent_declarations_each_succeeds_or_reports_the_conflict() {
    let Some(fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let config = Arc::new(fleet.config(Identity::Supervisor("pusat")));
    let runs: Vec<_> = (0..8)
        .map(|n| {
            let config = Arc::clone(&config);
            std::thread::spawn(move || run(&config, &["klb", "on", "--reason", &format!("sebab {n}")]))
        })
        .collect();
    let results: Vec<_> = runs.into_iter().map(|run| run.join().unwrap()).collect();
    let succeeded = results.iter().filter(|result| result.status == 0).count();
    assert!(succeeded >= 1, "{results:?}");
    for result in results.iter().filter(|result| result.status != 0) {
        assert_eq!(result.status, 1, "{result:?}");
        assert!(result.err.contains("lebih dahulu") && result.err.contains("Pusat · sebab"), "{result:?}");
    }
    let history = stored(&fleet, &key("klb.center")).await;
    assert_eq!(history.len(), succeeded);
    assert!(history.is_sorted_by_key(|stored| stored.envelope.as_ref().unwrap().version));

    // The write itself also compares the sequence.
    let stream = BroadcastStream::connect(&fleet.link(Identity::Supervisor("pusat")), Lang::En).await.unwrap();
    let again: &Envelope = history[0].envelope.as_ref().unwrap();
    let expected = history.last().unwrap().sequence;
    assert!(matches!(stream.put(again, expected - 1).await, Err(PutError::Conflict)));
    assert!(matches!(stream.put(again, 0).await, Err(PutError::Conflict)));
    assert!(stream.put(again, expected).await.is_ok());
}

#[tokio::test]
async fn an_overlapping_scope_with_the_opposite_state_is_reported() {
    let Some(fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let [pusat, jkt, jabar] = ["pusat", "spv-jkt", "spv-jabar"].map(|id| fleet.config(Identity::Supervisor(id)));
    run(&pusat, &["klb", "on", "--reason", "gempa"]).done();
    let off = run(&jkt, &["klb", "off"]);
    assert!(off.status == 0 && off.err.contains("center") && off.err.contains("tetap"), "{off:?}");
    let on = run(&jabar, &["klb", "on", "--reason", "banjir"]);
    assert!(on.status == 0 && on.err.contains("site.jkt"), "{on:?}");
    let off = run(&pusat, &["klb", "off"]);
    assert!(off.status == 0 && off.err.contains("region.jabar") && !off.err.contains("site."), "{off:?}");

    // A message that nobody signed changes nothing, is reported, and does not block the next declaration.
    let client = fleet.connect(Identity::Supervisor("pusat")).await;
    client.request(subject::put(&key("klb.center")), "junk".into()).await.unwrap();
    let shown = run(&jkt, &["klb", "show"]).done();
    let line = |scope: &str| shown.lines().find(|line| line.starts_with(scope)).unwrap().to_owned();
    assert!(line("center").contains("malformed") && line("region.jabar").contains("banjir"), "{shown}");
    assert!(line("site.jkt").contains("SPV Jakarta") && line("site.sby").contains("belum"), "{shown}");
    run(&pusat, &["klb", "on", "--reason", "lagi"]).done();
    let history = stored(&fleet, &key("klb.center")).await;
    let versions: Vec<u64> = history.iter().filter_map(|p| Some(p.envelope.as_ref().ok()?.version)).collect();
    assert!(history.len() == 4 && versions.len() == 3 && versions.is_sorted_by(|a, b| a < b), "{history:?}");
}

#[test]
fn no_secret_is_an_argument() {
    let help = |verb: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_penutup-fleet")).args(verb).arg("--help").output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    for verb in [&[][..], &["klb"], &["rules", "publish"], &["archive"], &["report"], &["status"]] {
        let help = help(verb).to_lowercase();
        assert!(help.contains("--config"), "{help}");
        for secret in ["--password", "--seed", "--key", "--nkey", "--token"] {
            assert!(!help.contains(secret), "{verb:?} {secret}");
        }
    }
}
