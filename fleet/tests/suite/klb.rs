//! A supervisor's KLB: signed, attributed, for a scope that is granted, and never over another's.

use std::process::Command;
use std::sync::Arc;

use penutup::broadcast::State;
use penutup::words::Lang;
use penutup_fleet::broadcast_stream::{Board, NotPut, Posted};
use penutup_fleet::config::agent::Agent;
use penutup_fleet::wire::envelope::{Content, Envelope};
use penutup_fleet::wire::key::Key;
use penutup_fleet::wire::subject;

use crate::support::program::run;
use crate::support::{Ground, Shape, Who};

fn key(text: &str) -> Key {
    text.parse().unwrap()
}

async fn history(ground: &Ground, key: &Key) -> Vec<Posted> {
    let board = Board::connect(&ground.link(Who::Supervisor("pusat")), Lang::En).await.unwrap();
    board.history(key).await.unwrap()
}

#[tokio::test]
async fn a_declaration_is_what_every_seat_of_the_scope_believes() {
    let Some(ground) = Ground::start(&Shape::default()).await else { return };
    let config = ground.config(Who::Supervisor("pusat"));
    let told =
        run(&config, &["klb", "on", "--reason", "gangguan \"transmisi\"", "--until", "2099-01-01T21:00:00+07:00"]);
    let told = told.done();
    for part in ["center", "KLB", "AKTIF", "Pusat", "gangguan \"transmisi\"", "s.d. 01/01 21.00"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let seat = Agent::read(&ground.config(Who::Seat("sby", "c1")), Lang::En).unwrap();
    let posted = history(&ground, &key("klb.center")).await;
    let (envelope, verified) = posted[0].verified(&seat.trust, &key("klb.center")).unwrap();
    let Content::Klb(declared) = verified.content else { panic!("{posted:?}") };
    assert_eq!((declared.state, declared.by.as_deref()), (State::On, Some("Pusat")));
    assert_eq!(declared.why.as_deref(), Some("gangguan \"transmisi\""));
    assert_eq!((posted.len(), declared.version), (1, envelope.version));

    run(&config, &["klb", "off"]).done();
    let posted = history(&ground, &key("klb.center")).await;
    let (newer, _) = posted[1].verified(&seat.trust, &key("klb.center")).unwrap();
    assert!(newer.version > envelope.version);
}

#[tokio::test]
async fn what_is_not_granted_or_not_said_is_refused_before_anything_is_sent() {
    let Some(ground) = Ground::start(&Shape::default()).await else { return };
    let config = ground.config(Who::Supervisor("spv-jkt"));
    for (args, told) in [
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
        let said = run(&config, args);
        assert_eq!((said.status, said.out.as_str()), (2, ""), "{args:?}: {said:?}");
        assert!(said.err.contains(told), "{args:?}: {}", said.err);
    }
    for scope in ["klb.center", "klb.site.jkt", "klb.site.sby"] {
        assert_eq!(history(&ground, &key(scope)).await, []);
    }
    // Without a scope the own site is meant.
    assert!(run(&config, &["klb", "on", "--reason", "banjir"]).done().contains("site.jkt"));
    assert_eq!(history(&ground, &key("klb.site.jkt")).await.len(), 1);
}

#[tokio::test]
async fn of_those_who_declare_at_once_each_either_stands_or_learns_who_was_first() {
    let Some(ground) = Ground::start(&Shape::default()).await else { return };
    let config = Arc::new(ground.config(Who::Supervisor("pusat")));
    let runs: Vec<_> = (0..8)
        .map(|n| {
            let config = Arc::clone(&config);
            std::thread::spawn(move || run(&config, &["klb", "on", "--reason", &format!("sebab {n}")]))
        })
        .collect();
    let ended: Vec<_> = runs.into_iter().map(|run| run.join().unwrap()).collect();
    let stood = ended.iter().filter(|said| said.status == 0).count();
    assert!(stood >= 1, "{ended:?}");
    for said in ended.iter().filter(|said| said.status != 0) {
        assert_eq!(said.status, 1, "{said:?}");
        assert!(said.err.contains("lebih dahulu") && said.err.contains("Pusat · sebab"), "{said:?}");
    }
    let posted = history(&ground, &key("klb.center")).await;
    assert_eq!(posted.len(), stood);
    assert!(posted.is_sorted_by_key(|posted| posted.envelope.as_ref().unwrap().version));

    // The write itself is what compares.
    let board = Board::connect(&ground.link(Who::Supervisor("pusat")), Lang::En).await.unwrap();
    let again: &Envelope = posted[0].envelope.as_ref().unwrap();
    let over = posted.last().unwrap().seq;
    assert!(matches!(board.put(again, over - 1).await, Err(NotPut::Late)));
    assert!(matches!(board.put(again, 0).await, Err(NotPut::Late)));
    assert!(board.put(again, over).await.is_ok());
}

#[tokio::test]
async fn another_scope_that_stands_otherwise_is_told() {
    let Some(ground) = Ground::start(&Shape::default()).await else { return };
    let [pusat, jkt, jabar] = ["pusat", "spv-jkt", "spv-jabar"].map(|id| ground.config(Who::Supervisor(id)));
    run(&pusat, &["klb", "on", "--reason", "gempa"]).done();
    let off = run(&jkt, &["klb", "off"]);
    assert!(off.status == 0 && off.err.contains("center") && off.err.contains("tetap"), "{off:?}");
    let on = run(&jabar, &["klb", "on", "--reason", "banjir"]);
    assert!(on.status == 0 && on.err.contains("site.jkt"), "{on:?}");
    let off = run(&pusat, &["klb", "off"]);
    assert!(off.status == 0 && off.err.contains("region.jabar") && !off.err.contains("site."), "{off:?}");

    // What nobody signed changes nothing, is told, and is no way to stop the next.
    let client = ground.connect(Who::Supervisor("pusat")).await;
    client.request(subject::put(&key("klb.center")), "junk".into()).await.unwrap();
    let shown = run(&jkt, &["klb", "show"]).done();
    let line = |scope: &str| shown.lines().find(|line| line.starts_with(scope)).unwrap().to_owned();
    assert!(line("center").contains("malformed") && line("region.jabar").contains("banjir"), "{shown}");
    assert!(line("site.jkt").contains("SPV Jakarta") && line("site.sby").contains("belum"), "{shown}");
    run(&pusat, &["klb", "on", "--reason", "lagi"]).done();
    let posted = history(&ground, &key("klb.center")).await;
    let versions: Vec<u64> = posted.iter().filter_map(|p| Some(p.envelope.as_ref().ok()?.version)).collect();
    assert!(posted.len() == 4 && versions.len() == 3 && versions.is_sorted_by(|a, b| a < b), "{posted:?}");
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
