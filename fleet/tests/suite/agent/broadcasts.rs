//! Broadcasts arrive on the disk and at the prompters, and nothing else does.

use std::fs;
use std::time::Instant;

use async_nats::{Event, jetstream};
use penutup_cli_kit::words::Lang;
use penutup_rules::declaration::State;

use penutup_fleet::beat;
use penutup_fleet::wire::refusal::Refusal;
use penutup_fleet::wire::subject;
use penutup_ipc::agent_event::AgentEvent;
use penutup_rules::BUILT_IN;
use tokio::sync::watch;

use super::key;
#[cfg(target_os = "linux")]
use crate::support::frozen_disk::FrozenDisk;
use crate::support::machine::{SeatMachine, TestSupervisor, state_of};
use crate::support::program::store;
#[cfg(target_os = "linux")]
use crate::support::report_skipped;
use crate::support::{FleetSpec, Identity, TestFleet, TestSeat, listen, next, print_figure, wait_until};

#[tokio::test]
async fn a_declaration_reaches_the_disk_and_every_prompter_also_late_and_restarted_ones() {
    let Some(fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let centre = TestSupervisor::of(&fleet, "pusat").await;
    let (mut first, second) = (SeatMachine::started(&fleet, "jkt", "a1"), SeatMachine::started(&fleet, "sby", "c1"));
    let prompters = [first.prompter(), first.prompter(), second.prompter()];
    for prompter in &prompters {
        wait_until("the link", async || prompter.last_link_event(|e| *e == AgentEvent::Up).then_some(())).await;
        assert_eq!(prompter.received(), [AgentEvent::Connected, AgentEvent::Up]);
    }
    centre.declare(&key("klb.center"), 1_000, State::On, "gangguan transmisi").await;
    for prompter in &prompters {
        let klb = wait_until("the declaration", async || prompter.klb()).await;
        assert_eq!((klb.version, klb.state, klb.by.as_deref()), (1_000, State::On, Some("Pusat")));
    }
    for seat in [&first, &second] {
        wait_until("the file", async || seat.klb().filter(|klb| klb.version == 1_000)).await;
    }

    // A scope's declaration that changes nothing here is not sent; one that does is sent to its own site only.
    let site = TestSupervisor::of(&fleet, "spv-jkt").await;
    site.declare(&key("klb.site.jkt"), 1_001, State::Off, "di sini tidak").await;
    site.declare(&key("klb.site.jkt"), 1_002, State::On, "banjir").await;
    let klb = wait_until("the newer reason", async || prompters[0].klb().filter(|klb| klb.version == 1_002)).await;
    assert_eq!((klb.why.as_deref(), klb.by.as_deref()), (Some("banjir"), Some("SPV Jakarta")));
    let is_klb = |event: &AgentEvent| matches!(event, AgentEvent::Klb(_));
    assert_eq!(prompters[1].received().iter().filter(|e| is_klb(e)).count(), 2);
    assert_eq!(prompters[2].klb().map(|klb| klb.version), Some(1_000));

    // A prompter that connects late gets the present state, also from a restarted agent.
    let late = first.prompter();
    assert_eq!(wait_until("the declaration", async || late.klb()).await, klb);
    wait_until("the file", async || first.klb().filter(|on_disk| *on_disk == klb)).await;
    first.agent().kill();
    wait_until("the agent's end", async || late.last_link_event(|e| *e == AgentEvent::Disconnected).then_some(()))
        .await;
    first.start();
    wait_until("the agent again", async || late.last_link_event(|e| *e == AgentEvent::Up).then_some(())).await;
    assert_eq!(late.klb(), Some(klb.clone()));
    assert_eq!(first.klb(), Some(klb));

    // A seat that was offline until now.
    let new = SeatMachine::started(&fleet, "jkt", "a2");
    wait_until("the present state", async || new.klb().filter(|klb| klb.version == 1_002)).await;
}

#[tokio::test]
async fn only_valid_rules_replace_the_present_ones_and_forged_broadcasts_are_counted() {
    let Some(fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let centre = TestSupervisor::of(&fleet, "pusat").await;
    let seat = SeatMachine::started(&fleet, "jkt", "a1");
    let prompter = seat.prompter();
    let rules = BUILT_IN.replace("\"Rev-1\"", "\"Rev-9\"");
    centre.put(&key("rules.active"), centre.sign(&key("rules.active"), 5, &rules)).await;
    let on_disk = || fs::read_to_string(seat.file("rules.toml")).ok();
    wait_until("the rules", async || on_disk().filter(|text| *text == rules)).await;
    wait_until("the agent's event", async || prompter.received().contains(&AgentEvent::Rules).then_some(())).await;
    centre.declare(&key("klb.center"), 1_000, State::On, "gangguan").await;
    wait_until("the declaration", async || prompter.klb()).await;

    let other = TestSupervisor::of(&fleet, "spv-jabar").await;
    let hostile = [
        ("rules.active", centre.sign(&key("rules.active"), 6, "schema = 1\nrusak"), Refusal::BadPayload),
        ("rules.active", centre.sign(&key("rules.active"), 4, &rules), Refusal::Old),
        ("klb.center", centre.sign(&key("klb.region.jabar"), 1_001, "version = 1001"), Refusal::WrongKey),
        ("klb.center", b"\x1b[2J not even JSON".to_vec(), Refusal::Malformed),
        ("klb.center", other.sign(&key("klb.center"), 1_001, "version = 1001"), Refusal::NotAllowed),
    ];
    let before = (seat.klb(), on_disk(), prompter.received());
    let kinds = hostile.clone().map(|(_, _, why)| why);
    for (at, bytes, _) in hostile {
        centre.put(&key(at), bytes).await;
    }
    let status = fleet.connect(Identity::Program("status")).await;
    let state = wait_until("the refusals", async || {
        state_of(&status, "jkt", "a1").await.filter(|s| kinds.iter().all(|why| s.refused.0.contains_key(why)))
    });
    let state = state.await;
    assert_eq!(state.rules.map(|rules| (rules.version, rules.revision)), Some((5, "Rev-9".into())));
    assert_eq!(state.klb.map(|klb| (klb.version, klb.on)), Some((1_000, true)));
    assert_eq!(state.prompters, 1);
    assert_eq!((seat.klb(), on_disk(), prompter.received()), before);
    assert!(!seat.log().contains('\u{1b}'), "{}", seat.log());
    // A valid one is still accepted.
    centre.declare(&key("klb.center"), 1_003, State::Off, "selesai").await;
    wait_until("the end", async || seat.klb().filter(|klb| klb.version == 1_003)).await;
}

/// Thousands start in the morning: each asks once for each key, not for everything that was declared in the night.
#[tokio::test]
async fn below_a_sound_declaration_nothing_is_read() {
    let Some(fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let config = fleet.config(Identity::Supervisor("pusat"));
    let before = TestSeat::start(&fleet, "jkt", "a1").await.requests();
    for n in 0..8 {
        store(&config, &["klb", "on", "--reason", &format!("gempa {n}")]);
    }
    let seat = TestSeat::start(&fleet, "jkt", "a2").await;
    assert_eq!(seat.state().effective.and_then(|klb| klb.why).as_deref(), Some("gempa 7"));
    assert_eq!(seat.requests(), before, "one for each key");

    // Stored long after it was signed: it may be an old one that somebody wrote again, and one below it may be newer.
    let centre = TestSupervisor::of(&fleet, "pusat").await;
    let version = seat.state().known[&key("klb.center")].version;
    centre.declare(&key("klb.center"), version - 60, State::Off, "lama").await;
    let new = TestSeat::start(&fleet, "jkt", "a3").await;
    assert_eq!(new.state().effective.and_then(|klb| klb.why).as_deref(), Some("gempa 7"));
    assert!(new.requests() > before);
}

/// Thousands come back at once: what they lack is in the beat, and none of them asks.
#[tokio::test]
async fn after_a_restart_of_the_server_a_seat_asks_only_for_what_the_beat_does_not_carry() {
    let Some(mut fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let (connected, connects) = watch::channel(0);
    let link = fleet.link(Identity::Program("archive"));
    let archive = link.connect_with_retry(Lang::En, move |event| {
        if event == Event::Connected {
            connected.send_modify(|connects| *connects += 1);
        }
    });
    let archive = archive.await.expect("a link");
    let mut beats = listen(&fleet.connect(Identity::Seat("jkt", "a2")).await, "broadcast.jkt.beat").await;
    let _beat = tokio::spawn(async move { beat::run(archive, connects).await });
    next(&mut beats).await;
    let seat = TestSeat::start(&fleet, "jkt", "a1").await;
    let mut polls = seat.complete_polls();
    // The archive may come back much later than a seat, which then asks by itself.
    let (mut version, mut without_a_request) = (1_000_u64, 0);
    while without_a_request < 2 {
        assert!(version < 1_008, "it asks although the beat has it");
        version += 1;
        let before = seat.requests();
        fleet.nats.kill();
        fleet.nats.restart();
        let centre = TestSupervisor::of(&fleet, "pusat").await;
        let state = if version.is_multiple_of(2) { State::Off } else { State::On };
        centre.declare(&key("klb.center"), version, state, "gempa").await;
        wait_until("the declaration", async || {
            seat.state().known.get(&key("klb.center")).filter(|known| known.version == version).map(|_| ())
        })
        .await;
        wait_until("current", async || (seat.complete_polls() > polls).then_some(())).await;
        polls = seat.complete_polls();
        without_a_request += u32::from(seat.requests() == before);
    }
    // A rules file is too large for a beat.
    fleet.nats.kill();
    fleet.nats.restart();
    let centre = TestSupervisor::of(&fleet, "pusat").await;
    centre.put(&key("rules.active"), centre.sign(&key("rules.active"), 7, BUILT_IN)).await;
    wait_until("the rules", async || seat.state().rules.map(|_| ())).await;
    wait_until("current", async || (seat.complete_polls() > polls).then_some(())).await;
}

/// The server answers every poll, but what the centre sends does not arrive: as on the far side of a cut line.
#[tokio::test]
async fn a_seat_that_hears_no_beat_says_that_it_is_not_current() {
    let Some(fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let archive = fleet.connect(Identity::Program("archive")).await;
    let centre = TestSupervisor::of(&fleet, "pusat").await;
    let (up, down) = (|e: &AgentEvent| *e == AgentEvent::Up, |e: &AgentEvent| matches!(e, AgentEvent::Down(_)));
    let beating = || {
        let client = archive.clone();
        tokio::spawn(async move { beat::run(client, watch::channel(0).1).await })
    };
    let seat = SeatMachine::started(&fleet, "jkt", "a1");
    let prompter = seat.prompter();
    wait_until("up without a beat in the whole fleet", async || prompter.last_link_event(up).then_some(())).await;

    let beats = beating();
    let status = fleet.connect(Identity::Program("status")).await;
    let mut received = listen(&fleet.connect(Identity::Seat("jkt", "a2")).await, "broadcast.jkt.beat").await;
    for _ in 0..3 {
        next(&mut received).await;
    }
    assert!(prompter.last_link_event(up));
    let refused = state_of(&status, "jkt", "a1").await.map(|state| state.refused.total());
    assert_eq!(refused.unwrap_or_default(), 0, "a beat is no refused broadcast");
    let since = Instant::now();
    beats.abort();
    wait_until("down", async || prompter.last_link_event(down).then_some(())).await;
    print_figure("a seat that hears no beat says so after", since.elapsed());
    // Polls are answered: what the stream has still arrives.
    centre.declare(&key("klb.center"), 1_000, State::On, "gempa").await;
    wait_until("the declaration", async || prompter.klb()).await;
    assert!(prompter.last_link_event(down));

    // A seat that starts now knows from the stream that there is a beat.
    let late = SeatMachine::started(&fleet, "sby", "c1");
    let other = late.prompter();
    wait_until("down", async || other.last_link_event(down).then_some(())).await;
    let _beats = beating();
    for prompter in [&prompter, &other] {
        wait_until("up again", async || prompter.last_link_event(up).then_some(())).await;
    }
}

/// The seat's disk hangs: its log is on it, too. The link lives, broadcasts are shown, and the centre is told.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_disk_that_hangs_makes_the_agent_not_deaf() {
    let Some(mut fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let centre = TestSupervisor::of(&fleet, "pusat").await;
    let mut seat = SeatMachine::new(&fleet, "jkt", "a1");
    let disk = match FrozenDisk::mount(&seat.state_folder()) {
        Ok(disk) => disk,
        Err(why) => return report_skipped(&format!("no disk can be frozen here: {why}")),
    };
    seat.log_to("state/log");
    seat.start();
    let prompter = seat.prompter();
    let up = |e: &AgentEvent| *e == AgentEvent::Up;
    wait_until("up", async || prompter.last_link_event(up).then_some(())).await;
    centre.declare(&key("klb.center"), 1_000, State::On, "gempa").await;
    wait_until("the file", async || seat.klb().filter(|klb| klb.version == 1_000)).await;
    let status = fleet.connect(Identity::Program("status")).await;

    disk.freeze();
    // Each is shown while the write of the one before still hangs; the log lines of each would fill a pipe's worth of waiting.
    for (version, state) in [(1_001, State::Off), (1_002, State::On), (1_003, State::Off)] {
        centre.declare(&key("klb.center"), version, state, "lagi").await;
        wait_until("the declaration", async || prompter.klb().filter(|klb| klb.version == version)).await;
    }
    let rules = BUILT_IN.replace("\"Rev-1\"", "\"Rev-9\"");
    centre.put(&key("rules.active"), centre.sign(&key("rules.active"), 5, &rules)).await;
    // The connection is made anew, with a certificate and a name to look up.
    fleet.nats.kill();
    wait_until("down", async || prompter.last_link_event(|e| matches!(e, AgentEvent::Down(_))).then_some(())).await;
    fleet.nats.restart();
    wait_until("up again", async || prompter.last_link_event(up).then_some(())).await;
    let told = wait_until("the centre is told", async || {
        let state = state_of(&status, "jkt", "a1").await?;
        (state.unwritten_since.is_some() && state.klb.as_ref()?.version == 1_003).then_some(state)
    });
    let told = told.await;
    assert_eq!(told.rules, None, "rules that prompters can't read yet are not in use");
    assert_eq!(told.broadcasts["rules.active"].version, 0, "{told:?}");
    assert!(!prompter.received().contains(&AgentEvent::Rules));

    disk.thaw();
    wait_until("everything on the disk", async || {
        let rules = fs::read_to_string(seat.file("rules.toml")).ok()?;
        (rules.contains("Rev-9") && seat.klb()?.version == 1_003).then_some(())
    })
    .await;
    wait_until("the centre is told", async || {
        let state = state_of(&status, "jkt", "a1").await?;
        (state.unwritten_since.is_none() && state.rules.as_ref()?.version == 5).then_some(())
    })
    .await;
    wait_until("the agent's event", async || prompter.received().contains(&AgentEvent::Rules).then_some(())).await;
    // Before the disk is taken away.
    seat.agent().end("TERM");
}

#[tokio::test]
async fn a_broadcast_for_another_site_or_region_is_no_refusal() {
    let Some(fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let seat = SeatMachine::started(&fleet, "jkt", "a1");
    let prompter = seat.prompter();
    wait_until("up", async || prompter.last_link_event(|e| *e == AgentEvent::Up).then_some(())).await;
    TestSupervisor::of(&fleet, "spv-sby").await.declare(&key("klb.site.sby"), 1_000, State::On, "banjir").await;
    // The same subscription brings the centre's after it.
    let centre = TestSupervisor::of(&fleet, "pusat").await;
    centre.declare(&key("klb.center"), 1_001, State::On, "gempa").await;
    let klb = wait_until("the declaration", async || prompter.klb()).await;
    assert_eq!(klb.version, 1_001);
    let status = fleet.connect(Identity::Program("status")).await;
    let state = wait_until("its state", async || {
        state_of(&status, "jkt", "a1").await.filter(|state| state.broadcasts.contains_key("klb.center"))
    });
    let state = state.await;
    let keys: Vec<_> = state.broadcasts.keys().map(String::as_str).collect();
    assert_eq!((state.refused.total(), &keys[..]), (0, &["klb.center", "trust.active"][..]), "{state:?}");
    assert!(!seat.log().contains("wrong-key"), "{}", seat.log());
}

#[tokio::test]
async fn an_outage_is_reported_with_its_start_and_everything_is_current_after_it() {
    let Some(mut fleet) = TestFleet::start(&FleetSpec { tls: false, ..FleetSpec::default() }).await else { return };
    let seat = SeatMachine::started(&fleet, "jkt", "a1");
    let prompter = seat.prompter();
    let up = |e: &AgentEvent| *e == AgentEvent::Up;
    let down = |e: &AgentEvent| matches!(e, AgentEvent::Down(_));
    wait_until("up", async || prompter.last_link_event(up).then_some(())).await;
    fleet.nats.kill();
    wait_until("down", async || prompter.last_link_event(down).then_some(())).await;
    fleet.nats.restart();
    wait_until("up again", async || prompter.last_link_event(up).then_some(())).await;

    // A server that neither answers nor closes the connection.
    let frozen = Instant::now();
    fleet.nats.freeze();
    wait_until("down", async || prompter.last_link_event(down).then_some(())).await;
    print_figure("a half-open link is shown after", frozen.elapsed());
    fleet.nats.thaw();
    wait_until("up again", async || prompter.last_link_event(up).then_some(())).await;

    // A declaration that was made while the seat was offline.
    fleet.nats.kill();
    wait_until("down", async || prompter.last_link_event(down).then_some(())).await;
    fleet.nats.restart();
    let centre = TestSupervisor::of(&fleet, "pusat").await;
    centre.declare(&key("klb.center"), 1_000, State::On, "gangguan").await;
    let klb = wait_until("the declaration", async || prompter.klb()).await;
    assert_eq!(klb.version, 1_000);
    wait_until("up again", async || prompter.last_link_event(up).then_some(())).await;
}

#[tokio::test]
async fn in_a_flood_the_current_broadcasts_still_arrive() {
    let Some(fleet) = TestFleet::start(&FleetSpec { tls: false, ..FleetSpec::default() }).await else { return };
    let centre = TestSupervisor::of(&fleet, "pusat").await;
    let seat = SeatMachine::started(&fleet, "jkt", "a1");
    let prompter = seat.prompter();
    wait_until("up", async || prompter.last_link_event(|e| *e == AgentEvent::Up).then_some(())).await;
    let supervisor = fleet.connect(Identity::Supervisor("pusat")).await;
    let other = TestSupervisor::of(&fleet, "spv-jabar").await;
    let forged = other.sign(&key("klb.center"), 1_001, "version = 1001");
    let flood = tokio::spawn(async move {
        for _ in 0..20_000 {
            supervisor.publish(subject::put(&key("klb.center")), forged.clone().into()).await.expect("it is published");
        }
        supervisor.flush().await.expect("the server has it");
    });
    let rules = BUILT_IN.replace("\"Rev-1\"", "\"Rev-9\"");
    centre.put(&key("rules.active"), centre.sign(&key("rules.active"), 5, &rules)).await;
    wait_until("the rules", async || prompter.received().contains(&AgentEvent::Rules).then_some(())).await;
    flood.await.expect("the flood");
    // The server processes publishes without a reply after those with one.
    let admin = jetstream::new(fleet.connect(Identity::Program("admin")).await);
    wait_until("all of it in the stream", async || {
        let stream = admin.get_stream(subject::BROADCASTS).await.ok()?;
        (stream.cached_info().state.last_sequence == 20_001).then_some(())
    })
    .await;
    centre.declare(&key("klb.center"), 1_000, State::On, "gangguan").await;
    wait_until("the declaration", async || prompter.klb()).await;
}
