//! Trust lists: they reach running seats by themselves, a revoked key signs nothing new, and what it signed stays valid.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use async_nats::Client;
use chrono::Utc;
use nkeys::KeyPair;
use penutup_cli_kit::words::Lang;
use penutup_fleet::provision::keys::Renewal;
use penutup_fleet::provision::trust::{LIST, Published};
use penutup_fleet::wire::envelope::Envelope;
use penutup_fleet::wire::key::Key;
use penutup_fleet::wire::refusal::Refusal;
use penutup_fleet::wire::subject;
use penutup_fleet::wire::trust::Trust;
use penutup_rules::BUILT_IN;
use penutup_rules::declaration::State;
use serde_json::Value;

use crate::support::calls::name;
use crate::support::machine::{Prompter, SeatMachine, TestSupervisor, state_of};
use crate::support::program::run;
use crate::support::{FleetSpec, Identity, TestFleet, wait_until};

/// A second supervisor with the centre's grant.
fn two_supervisors() -> FleetSpec<'static> {
    let mut spec = FleetSpec::default();
    spec.supervisors.push(("kedua", "Kedua", vec!["center", "site.jkt"]));
    spec
}

fn without_the_second(mut spec: FleetSpec<'static>) -> FleetSpec<'static> {
    spec.supervisors.retain(|(id, ..)| *id != "kedua");
    spec
}

/// Waits until the seat reports this version of the trust list.
async fn has_trust(status: &Client, site: &str, seat: &str, version: u64) {
    wait_until("the trust list", async || {
        let state = state_of(status, site, seat).await?;
        (state.broadcasts.get("trust.active")?.version == version).then_some(())
    })
    .await;
}

fn list(fleet: &TestFleet) -> Trust {
    Trust::parse(&fs::read_to_string(fleet.out().join(LIST)).unwrap()).unwrap()
}

fn status_json(fleet: &TestFleet) -> Value {
    let output = run(&fleet.config(Identity::Program("status")), &["status", "--format", "json"]);
    serde_json::from_str(&output.out).unwrap()
}

/// A copy of a supervisor's folder as it is now.
fn keep(fleet: &TestFleet, id: &str) -> PathBuf {
    let (from, to) = (fleet.out().join("supervisors").join(id), fleet.folder().join(format!("kept-{id}")));
    fs::create_dir_all(&to).unwrap();
    for file in fs::read_dir(&from).unwrap().map(Result::unwrap) {
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
    to.join("supervisor.toml")
}

async fn shows(prompter: &Prompter, version: u64) {
    wait_until("the declaration", async || prompter.klb().filter(|klb| klb.version >= version)).await;
}

#[tokio::test]
async fn a_revoked_supervisors_end_of_klb_is_not_obeyed_by_a_running_agent() {
    let Some(mut fleet) = TestFleet::start(&two_supervisors()).await else { return };
    let status = fleet.connect(Identity::Program("status")).await;
    let seat = SeatMachine::started(&fleet, "jkt", "a1");
    let prompter = seat.prompter();
    let pusat = TestSupervisor::of(&fleet, "pusat").await;
    pusat.declare(&Key::Klb("center".parse().unwrap()), 1_000, State::On, "gempa").await;
    shows(&prompter, 1_000).await;

    // He keeps his folder, and his open connection: the server was not reloaded.
    let (kept, kedua) = (keep(&fleet, "kedua"), TestSupervisor::of(&fleet, "kedua").await);
    fleet.provision_again(&without_the_second(two_supervisors()));
    let version = list(&fleet).version;
    assert_eq!(fleet.publish_trust().await, Published::New(version));
    assert_eq!(fleet.publish_trust().await, Published::Unchanged(version));
    has_trust(&status, "jkt", "a1", version).await;
    // What is stored in the second of the list counts as stored before it.
    let now = || u64::try_from(Utc::now().timestamp()).unwrap();
    wait_until("the second after the list's", async || (now() > version).then_some(())).await;

    // His program refuses to send, and what he sends by other means is refused: also with an early version.
    let off = run(&kept, &["klb", "off", "--scope", "center"]);
    assert!(off.status == 2 && off.err.contains("daftar tepercaya yang berlaku"), "{off:?}");
    let center = Key::Klb("center".parse().unwrap());
    for at in [1_001, version + 1] {
        kedua.declare(&center, at, State::Off, "selesai").await;
        wait_until("the refusal", async || {
            let state = state_of(&status, "jkt", "a1").await?;
            let refused = state.broadcasts.get("klb.center")?.refused?;
            (refused.version == at && refused.why == Refusal::Revoked).then_some(())
        })
        .await;
    }
    assert_eq!(prompter.klb().map(|klb| (klb.version, klb.state)), Some((1_000, State::On)));
    let unheeded = &status_json(&fleet)["unheeded"][0];
    assert_eq!((&unheeded["key"], &unheeded["why"]), (&"klb.center".into(), &"revoked".into()));
}

#[tokio::test]
async fn what_a_revoked_supervisor_declared_stays_in_force_and_is_named() {
    let Some(mut fleet) = TestFleet::start(&two_supervisors()).await else { return };
    let status = fleet.connect(Identity::Program("status")).await;
    let seat = SeatMachine::started(&fleet, "jkt", "a1");
    let prompter = seat.prompter();
    let kedua = TestSupervisor::of(&fleet, "kedua").await;
    let site = Key::Klb("site.jkt".parse().unwrap());
    kedua.declare(&site, 1_000, State::On, "banjir").await;
    shows(&prompter, 1_000).await;
    fleet.provision_again(&without_the_second(two_supervisors()));
    let version = list(&fleet).version;
    fleet.publish_trust().await;
    has_trust(&status, "jkt", "a1", version).await;

    let pusat = fleet.config(Identity::Supervisor("pusat"));
    let shown = run(&pusat, &["klb", "show"]).done();
    let line = shown.lines().find(|line| line.starts_with("site.jkt")).unwrap();
    for part in ["KLB AKTIF", "Kedua", "banjir", "tidak berwenang lagi"] {
        assert!(line.contains(part), "{part}: {shown}");
    }
    let output = status_json(&fleet);
    let of_site = output["klb"].as_array().unwrap().iter().find(|klb| klb["scope"] == "site.jkt").unwrap();
    assert_eq!((&of_site["state"], &of_site["revoked"]), (&"on".into(), &true.into()));
    assert_eq!(output["total"]["klb_behind"], 0, "{output}");
    let text = run(&fleet.config(Identity::Program("status")), &["status", "--once"]).out;
    assert!(text.contains("tidak berwenang lagi"), "{text}");
    // A seat that starts with an empty disk shows it as well, and so does one that starts again.
    let (new, mut first) = (SeatMachine::started(&fleet, "jkt", "a2"), seat);
    shows(&new.prompter(), 1_000).await;
    first.agent().kill();
    first.start();
    let again = first.prompter();
    shows(&again, 1_000).await;
    // Somebody else who has the scope lifts it.
    TestSupervisor::of(&fleet, "spv-jkt").await.declare(&site, version + 1, State::Off, "surut").await;
    wait_until("the end", async || again.klb().filter(|klb| klb.state == State::Off)).await;
}

#[tokio::test]
async fn with_renewed_keys_a_declaration_reaches_every_seat_or_the_supervisor_is_told() {
    let Some(fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let config = fleet.config(Identity::Supervisor("pusat"));
    let status = fleet.connect(Identity::Program("status")).await;
    let seats = [SeatMachine::started(&fleet, "jkt", "a1"), SeatMachine::started(&fleet, "sby", "c1")];
    for (site, seat) in [("jkt", "a1"), ("sby", "c1")] {
        has_trust(&status, site, seat, list(&fleet).version).await;
    }
    let rules = fleet.folder().join("aturan.toml");
    fs::write(&rules, BUILT_IN.replace("Rev-1", "Rev-2")).unwrap();
    run(&config, &["rules", "publish", rules.to_str().unwrap(), "--yes", "--wait", "60"]).done();

    let before = list(&fleet).version;
    fleet.renew("pusat");
    let version = list(&fleet).version;
    assert!(version > before);
    fleet.nats.reload();
    // The trust list was not published: the seats refuse, and the supervisor is told.
    let on = run(&config, &["klb", "on", "--reason", "gempa", "--wait", "60"]);
    assert!(on.status == 3 && on.out.contains("menolak (bad-signature): 2 · jkt/a1, sby/c1"), "{on:?}");
    assert!(on.err.contains("belum diterbitkan"), "{on:?}");
    let output = status_json(&fleet);
    assert_eq!((&output["trust"]["behind"], &output["trust"]["published"]), (&2.into(), &0.into()), "{output}");

    // Published, it reaches the running seats, and what they refused takes effect.
    fleet.publish_trust().await;
    for (site, seat) in [("jkt", "a1"), ("sby", "c1")] {
        has_trust(&status, site, seat, version).await;
    }
    for seat in &seats {
        wait_until("the declaration", async || seat.klb().filter(|klb| klb.state == State::On)).await;
    }
    assert!(run(&config, &["klb", "off", "--wait", "60"]).done().contains("2 dari 5 seat"));
    assert_eq!(status_json(&fleet)["trust"]["behind"], 0);

    // The rules that the old key signed are valid, also for an empty disk, and can be published again.
    let listed = run(&config, &["rules", "list"]).done();
    assert!(listed.contains("Rev-2") && listed.contains("◄") && !listed.contains("tidak valid"), "{listed}");
    let first = listed.split(' ').next().unwrap();
    let new = SeatMachine::started(&fleet, "jkt", "a2");
    let on_disk = || fs::read_to_string(new.file("rules.toml")).ok();
    wait_until("the rules", async || on_disk().filter(|text| text.contains("Rev-2"))).await;
    fs::write(&rules, BUILT_IN.replace("Rev-1", "Rev-3")).unwrap();
    run(&config, &["rules", "publish", rules.to_str().unwrap(), "--yes", "--wait", "60"]).done();
    run(&config, &["rules", "rollback", first, "--yes", "--wait", "60"]).done();
    wait_until("the rules", async || on_disk().filter(|text| text.contains("Rev-2"))).await;
}

/// The keys of a seat and of a supervisor are replaced while they work.
#[tokio::test]
async fn with_former_keys_kept_nobody_is_cut_off_while_the_new_ones_are_given_out() {
    let Some(fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let status = fleet.connect(Identity::Program("status")).await;
    let seat = SeatMachine::started(&fleet, "jkt", "a2");
    has_trust(&status, "jkt", "a2", list(&fleet).version).await;
    let (old_link, old_pusat) = (fleet.link(Identity::Seat("jkt", "a1")), keep(&fleet, "pusat"));
    let old = old_link.connect(Lang::En).await.unwrap();
    let sends = async |client: &Client| {
        let answer = client.request("closing.jkt.a1", "{}".into()).await.unwrap();
        assert!(String::from_utf8_lossy(&answer.payload).contains("CLOSINGS_JKT"), "{answer:?}");
    };
    let declares = async |config: &PathBuf, state: State| {
        let on = ["klb", "on", "--wait", "60", "--reason", "uji"];
        run(config, if state == State::On { &on } else { &["klb", "off", "--wait", "60"] }).done();
        wait_until("the declaration", async || seat.klb().filter(|klb| klb.state == state)).await;
    };
    let who = ["jkt/a1", "pusat"].map(str::to_owned).to_vec();
    fleet.renew_with(&Renewal { who, keep_old: true, drop_old: false });
    fleet.nats.reload();
    let new = fleet.connect(Identity::Seat("jkt", "a1")).await;
    for client in [&old, &new] {
        sends(client).await;
    }
    assert_eq!(old.statistics().connects.load(Ordering::Relaxed), 1, "it stayed connected over the reload");
    // With the former folder before and after the list is published, with the new one after it.
    declares(&old_pusat, State::On).await;
    let text = fleet.provision_streams();
    assert!(text.contains("kunci lama yang masih berlaku: jkt/a1, pusat"), "{text}");
    has_trust(&status, "jkt", "a2", list(&fleet).version).await;
    declares(&old_pusat, State::Off).await;
    let pusat = fleet.config(Identity::Supervisor("pusat"));
    declares(&pusat, State::On).await;
    assert!(old_link.connect(Lang::En).await.is_ok(), "whoever has no new folder yet may also connect anew");

    // Dropped.
    fleet.renew_with(&Renewal { drop_old: true, ..Renewal::default() });
    fleet.nats.reload();
    let text = fleet.provision_streams();
    assert!(!text.contains("kunci lama"), "{text}");
    has_trust(&status, "jkt", "a2", list(&fleet).version).await;
    let is_closed = async || (old.connection_state() != async_nats::connection::State::Connected).then_some(());
    wait_until("the end of the old connection", is_closed).await;
    assert!(old_link.connect(Lang::En).await.is_err());
    sends(&new).await;
    assert_eq!(run(&old_pusat, &["klb", "off", "--wait", "60"]).status, 2);
    assert_eq!(seat.klb().map(|klb| klb.state), Some(State::On));
    declares(&pusat, State::Off).await;

    // The key of a lost machine ends at once, also one that was kept.
    let who = vec!["jkt/a1".to_owned()];
    fleet.renew_with(&Renewal { who: who.clone(), keep_old: true, drop_old: false });
    fleet.renew_with(&Renewal { who, ..Renewal::default() });
    fleet.nats.reload();
    assert!(!fleet.provision_streams().contains("kunci lama"));
    sends(&fleet.connect(Identity::Seat("jkt", "a1")).await).await;
}

/// Somebody who may write to the trust list's subject, but is not the authority.
#[tokio::test]
async fn a_forged_or_replayed_trust_list_changes_nothing() {
    let Some(mut fleet) = TestFleet::start(&two_supervisors()).await else { return };
    let status = fleet.connect(Identity::Program("status")).await;
    let _seat = SeatMachine::started(&fleet, "jkt", "a1");
    let old = fs::read(fleet.out().join("trust.json")).unwrap();
    // It has read its configuration.
    has_trust(&status, "jkt", "a1", list(&fleet).version).await;
    fleet.provision_again(&without_the_second(two_supervisors()));
    let version = list(&fleet).version;
    fleet.publish_trust().await;
    has_trust(&status, "jkt", "a1", version).await;
    let thief = KeyPair::new_user();
    let mine = list(&fleet).next(vec![], vec![], thief.public_key(), version + 10);
    let forged = Envelope::sign(&thief, Key::Trust, name("authority"), mine.version, mine.to_toml()).unwrap();
    let admin = fleet.connect(Identity::Program("admin")).await;
    for (bytes, why) in [(forged.to_bytes(), Refusal::BadSignature), (old, Refusal::Old)] {
        admin.request(subject::put(&Key::Trust), bytes.into()).await.unwrap();
        wait_until("the refusal", async || {
            state_of(&status, "jkt", "a1").await.filter(|state| state.refused.0.contains_key(&why))
        })
        .await;
    }
    has_trust(&status, "jkt", "a1", version).await;
    // A supervisor may not write there at all.
    let supervisor = fleet.connect(Identity::Supervisor("pusat")).await;
    supervisor.publish(subject::put(&Key::Trust), forged.to_bytes().into()).await.unwrap();
    supervisor.flush().await.unwrap();
    wait_until("the denial", async || fleet.nats.log().contains("Publish Violation").then_some(())).await;
}
