//! Faults in the whole chain of prompters, journals, agents, stream, archive and PostgreSQL. Whatever crashes,
//! disconnects, freezes or is full: nothing is lost or duplicated, and no screen shows anything false.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use async_nats::jetstream;
use penutup_fleet::beat;
use penutup_fleet::wire::envelope::Envelope;
use penutup_fleet::wire::key::{Key, Scope};
use penutup_fleet::wire::name::Name;
use penutup_fleet::wire::subject;
use penutup_rules::declaration::{Declaration, State};
use tokio::sync::watch;
use uuid::Uuid;

use crate::support::fleet::STORE;
use crate::support::machine::{Calls, SeatMachine, TestSupervisor, state_of};
use crate::support::program::{Running, run};
use crate::support::relay::Relay;
use crate::support::screen::Screen;
use crate::support::{FleetSpec, Identity, Postgres, TestFleet, print_figure, report_skipped, wait_until};

/// On the screen while KLB is on, while the centre is unreachable, and while there is no agent.
const KLB: &str = "KLB AKTIF sejak";
const CUT: &str = "pusat: putus sejak";
const GONE: &str = "koneksi KLB: mati sejak";
const CENTER: Key = Key::Klb(Scope::Center);

/// Everything from the seats to the database.
struct Chain {
    archive: Running,
    fleet: TestFleet,
    postgres: Postgres,
}

fn start_archive(fleet: &TestFleet) -> Running {
    let args = ["archive", "--ask-every", "1"];
    Running::start(&fleet.config(Identity::Program("archive")), &args, fleet.folder())
}

impl Chain {
    async fn start(spec: FleetSpec<'_>) -> Option<Self> {
        let postgres = Postgres::start()?;
        let fleet = TestFleet::start(&FleetSpec { database: Some(&postgres), ..spec }).await?;
        let archive = start_archive(&fleet);
        Some(Self { archive, fleet, postgres })
    }

    async fn count(&self) -> i64 {
        self.postgres.number("select count(*) from closing").await.unwrap_or_default()
    }

    async fn waits_for_closings(&self, count: i64) {
        wait_until("closings in the database", async || (self.count().await >= count).then_some(())).await;
    }

    /// The database has exactly the ended calls of these journals, each in its last version, under its seat and with a
    /// unique number; and neither the seats nor the archive know of missing ones.
    async fn assert_complete(&self, seats: &[(&str, &SeatMachine)], calls: usize) {
        let mut journals: BTreeMap<Uuid, (String, i64)> = BTreeMap::new();
        for (name, seat) in seats {
            let ended = seat.ended().into_iter().map(|(id, version)| (id, ((*name).to_owned(), version)));
            journals.extend(ended);
        }
        assert_eq!(journals.len(), calls, "calls in the journals");
        let sql = self.postgres.connect().await;
        let query = "select id, seat, version, count(*) over (partition by seat, epoch, seq) from closing";
        let rows = wait_until("all of them in the database", async || {
            let rows = sql.query(query, &[]).await.expect("rows");
            (rows.len() >= journals.len()).then_some(rows)
        })
        .await;
        let twice = rows.iter().filter(|row| row.get::<_, i64>(3) > 1).count();
        let rows: BTreeMap<Uuid, (String, i64)> =
            rows.iter().map(|row| (row.get(0), (row.get(1), row.get(2)))).collect();
        let lost = journals.keys().filter(|id| !rows.contains_key(*id)).count();
        let foreign = rows.keys().filter(|id| !journals.contains_key(*id)).count();
        assert_eq!((lost, twice, foreign), (0, 0, 0), "lost, duplicated, in no journal");
        assert_eq!(rows, journals, "seat and version");
        let status = self.fleet.connect(Identity::Program("status")).await;
        for (name, seat) in seats {
            let ended = seat.ended().len() as u64;
            let site = if name.starts_with('c') { "sby" } else { "jkt" };
            wait_until("the seat's own count", async || {
                state_of(&status, site, name).await.filter(|state| state.unsent == 0 && state.sent == ended)
            })
            .await;
        }
        assert_eq!(self.postgres.number("select count(*) from refused").await, Some(0));
    }

    async fn declare(&self, version: u64, state: State) {
        TestSupervisor::of(&self.fleet, "pusat").await.declare(&CENTER, version, state, &reason(version)).await;
    }
}

fn reason(version: u64) -> String {
    format!("uji nomor {version:03}")
}

/// Closes calls as a CSO does: ticks everything and begins the next call. With `x`, because a Space right after
/// another counts as a held key.
async fn close_calls(screen: &mut Screen, calls: usize) {
    for _ in 0..calls {
        screen.type_keys("s");
        screen.waits_for("Closing lengkap").await;
        screen.type_keys("x");
        screen.waits_without("Closing lengkap").await;
    }
}

/// Waits until keys mark sentences again. For 1.2 s after a change from outside they are ignored, as meant for the sentence
/// before it.
async fn wait_until_keys_tick_again() {
    tokio::time::sleep(Duration::from_millis(1300)).await;
}

/// The stream's newest declaration of the centre.
async fn stream_declaration(fleet: &TestFleet) -> Option<Declaration> {
    let status = fleet.connect(Identity::Program("status")).await;
    let answer = status.request(subject::direct_get(&CENTER), "".into()).await.expect("an answer");
    let envelope = Envelope::parse(&answer.payload).ok()?;
    Declaration::read(envelope.payload.as_bytes()).ok()
}

#[tokio::test]
async fn after_a_server_crash_during_a_declaration_every_screen_shows_what_the_stream_has() {
    let Some(mut fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let seats = [SeatMachine::started(&fleet, "jkt", "a1"), SeatMachine::started(&fleet, "sby", "c1")];
    let screens = seats.each_ref().map(SeatMachine::screen);
    for screen in &screens {
        screen.waits_for("Salam Penutup").await;
    }
    let (mut in_stream, mut acknowledged) = (BTreeSet::new(), 0);
    for version in 1..=9_u64 {
        let centre = TestSupervisor::of(&fleet, "pusat").await;
        let state = if version % 2 == 1 { State::On } else { State::Off };
        let put = centre.start_put(&CENTER, centre.klb(&CENTER, version, state, &reason(version))).await;
        // Killed while it is sent, once it is acknowledged, or once the first seat has it.
        let was_acknowledged = match version % 3 {
            0 => put.await.expect("an answer"),
            1 => {
                put.abort();
                false
            }
            _ => {
                let has = |seat: &SeatMachine| seat.klb().is_some_and(|klb| klb.version == version);
                wait_until("a seat that has it", async || seats.iter().any(has).then_some(())).await;
                put.abort();
                false
            }
        };
        fleet.nats.kill();
        for screen in &screens {
            screen.waits_for(CUT).await;
        }
        fleet.nats.restart();
        let in_log = stream_declaration(&fleet).await;
        if version % 3 == 2 || was_acknowledged {
            assert_eq!(
                in_log.as_ref().map(|klb| klb.version),
                Some(version),
                "a received or acknowledged declaration is in the stream"
            );
        }
        acknowledged += u32::from(was_acknowledged);
        in_stream.extend(in_log.as_ref().map(|klb| klb.version));
        for (screen, seat) in screens.iter().zip(&seats) {
            screen.waits_without(CUT).await;
            let is_on = in_log.as_ref().filter(|klb| klb.state == State::On);
            match is_on {
                Some(klb) => {
                    screen
                        .waits_until("its declaration", |t| t.contains(KLB) && t.contains(&reason(klb.version)))
                        .await;
                }
                None => screen.waits_without(KLB).await,
            }
            // It is on the screen first, then on the disk.
            let expected = in_log.as_ref().map(|klb| (klb.version, klb.state));
            let has = || seat.klb().map(|klb| (klb.version, klb.state)) == expected;
            wait_until("the same on its disk", async || has().then_some(())).await;
        }
    }
    assert_eq!(acknowledged, 3);
    for screen in &screens {
        let shown: BTreeSet<u64> = (1..=9).filter(|version| screen.has_shown(&reason(*version))).collect();
        assert!(
            shown.is_subset(&in_stream),
            "a screen showed a declaration that the stream does not have: {shown:?} {in_stream:?}"
        );
        assert!(!screen.has_shown(GONE), "the agent ran all the time");
    }
}

#[tokio::test]
async fn ten_thousand_offline_closings_reach_the_database_once_over_crashes_of_all_parts() {
    const EACH: usize = 5_000;
    let Some(mut chain) = Chain::start(FleetSpec::default()).await else { return };
    chain.fleet.nats.kill();
    let mut seats = [SeatMachine::started(&chain.fleet, "jkt", "a1"), SeatMachine::started(&chain.fleet, "sby", "c1")];
    let mut screens = seats.each_ref().map(SeatMachine::screen);
    for (screen, seat) in screens.iter_mut().zip(&seats) {
        screen.waits_for(CUT).await;
        Calls::of(&seat.journal()).write_new(EACH - 1);
        // One more, by keys.
        close_calls(screen, 1).await;
    }
    chain.fleet.nats.restart();
    chain.declare(1, State::On).await;
    let started = Instant::now();
    for screen in &screens {
        screen.waits_without(CUT).await;
        screen.waits_for(KLB).await;
    }
    chain.waits_for_closings(1_000).await;
    chain.fleet.nats.kill();
    for screen in &screens {
        screen.waits_for(CUT).await;
        assert!(screen.text().contains(KLB), "the last known declaration stays: {}", screen.text());
    }
    chain.fleet.nats.restart();
    chain.waits_for_closings(2_500).await;
    chain.archive.process.kill();
    chain.archive = start_archive(&chain.fleet);
    chain.waits_for_closings(4_000).await;
    chain.postgres.crash();
    chain.postgres.restart();
    chain.waits_for_closings(5_500).await;
    for seat in &mut seats {
        seat.agent().kill();
    }
    for screen in &screens {
        screen.waits_for(GONE).await;
    }
    for seat in &mut seats {
        seat.start();
    }
    chain.waits_for_closings(7_000).await;
    chain.fleet.nats.kill();
    chain.archive.process.kill();
    chain.fleet.nats.restart();
    chain.archive = start_archive(&chain.fleet);
    chain.waits_for_closings(8_500).await;
    chain.postgres.stop();
    chain.postgres.restart();
    chain.assert_complete(&[("a1", &seats[0]), ("c1", &seats[1])], 2 * EACH).await;
    print_figure("10,000 closings from journals to the database over nine kills take", started.elapsed());
    for screen in &screens {
        screen
            .waits_until("the present", |text| text.contains(KLB) && !text.contains(CUT) && !text.contains(GONE))
            .await;
    }
}

#[tokio::test]
async fn a_restarted_prompter_shows_klb_and_its_open_call_is_closed_once() {
    let Some(chain) = Chain::start(FleetSpec::default()).await else { return };
    let seat = SeatMachine::started(&chain.fleet, "jkt", "a1");
    let mut screen = seat.screen();
    screen.waits_for("Salam Penutup").await;
    close_calls(&mut screen, 2).await;
    chain.waits_for_closings(2).await;
    chain.declare(1, State::On).await;
    screen.waits_for(KLB).await;
    wait_until_keys_tick_again().await;
    screen.type_keys(" ");
    screen.waits_for("√").await;
    wait_until("the open call on the disk", async || (seat.calls() == 3).then_some(())).await;
    screen.kill();
    let (killed, mut again) = (Instant::now(), seat.screen());
    again.waits_until("KLB", |text| text.contains(KLB) && text.contains(&reason(1))).await;
    print_figure("a prompter that was killed shows KLB again after", killed.elapsed());
    // The fleet's agent connects to the new prompter at once, and counts only that one.
    chain.declare(2, State::Off).await;
    again.waits_without(KLB).await;
    wait_until_keys_tick_again().await;
    let status = chain.fleet.connect(Identity::Program("status")).await;
    wait_until("one prompter", async || state_of(&status, "jkt", "a1").await.filter(|s| s.prompters == 1)).await;
    close_calls(&mut again, 1).await;
    chain.waits_for_closings(4).await;
    chain.assert_complete(&[("a1", &seat)], 4).await;
    assert!(!again.has_shown(CUT), "the link was up all the time");
}

#[tokio::test]
async fn a_killed_agent_is_shown_and_catches_up_after_its_restart() {
    let Some(chain) = Chain::start(FleetSpec::default()).await else { return };
    let mut seat = SeatMachine::started(&chain.fleet, "jkt", "a1");
    let mut screen = seat.screen();
    chain.declare(1, State::On).await;
    screen.waits_for(KLB).await;
    wait_until_keys_tick_again().await;
    close_calls(&mut screen, 1).await;
    chain.waits_for_closings(1).await;
    seat.agent().kill();
    screen.waits_for(GONE).await;
    assert!(screen.text().contains(KLB), "{}", screen.text());
    close_calls(&mut screen, 2).await;
    wait_until("both in the journal", async || (seat.ended().len() == 3).then_some(())).await;
    chain.declare(2, State::Off).await;
    assert!(screen.text().contains(GONE) && screen.text().contains(KLB), "{}", screen.text());
    seat.start();
    screen.waits_without(GONE).await;
    screen.waits_without(KLB).await;
    chain.assert_complete(&[("a1", &seat)], 3).await;
}

#[tokio::test]
async fn a_frozen_server_is_shown_and_calls_that_end_meanwhile_arrive_later() {
    let Some(chain) = Chain::start(FleetSpec::default()).await else { return };
    let seat = SeatMachine::started(&chain.fleet, "jkt", "a1");
    let mut screen = seat.screen();
    screen.waits_for("Salam Penutup").await;
    close_calls(&mut screen, 1).await;
    chain.waits_for_closings(1).await;
    assert!(!screen.has_shown(CUT) && !screen.has_shown(GONE), "{}", screen.text());
    let frozen = Instant::now();
    chain.fleet.nats.freeze();
    screen.waits_for(CUT).await;
    print_figure("a frozen server is shown after", frozen.elapsed());
    close_calls(&mut screen, 2).await;
    wait_until("both in the journal", async || (seat.ended().len() == 3).then_some(())).await;
    assert!(screen.text().contains(CUT), "{}", screen.text());
    chain.fleet.nats.thaw();
    screen.waits_without(CUT).await;
    chain.assert_complete(&[("a1", &seat)], 3).await;
}

#[tokio::test]
async fn a_flapping_link_loses_nothing_and_every_cut_is_shown() {
    const CUTS: u64 = 10;
    let Some(chain) = Chain::start(FleetSpec::default()).await else { return };
    let relay = Relay::to(chain.fleet.port);
    let seat = SeatMachine::through(&chain.fleet, "jkt", "a1", relay.port);
    let screen = seat.screen();
    screen.waits_for("Salam Penutup").await;
    let centre = TestSupervisor::of(&chain.fleet, "pusat").await;
    let mut calls = Calls::of(&seat.journal());
    for version in 1..=CUTS {
        calls.write_new(300);
        relay.cut();
        screen.waits_for(CUT).await;
        let state = if version % 2 == 1 { State::On } else { State::Off };
        centre.declare(&CENTER, version, state, &reason(version)).await;
        assert!(!screen.has_shown(&reason(version)), "the screen shows a declaration that the seat can't have");
        relay.restore();
        screen.waits_without(CUT).await;
        match state {
            State::On => {
                screen.waits_until("its declaration", |t| t.contains(KLB) && t.contains(&reason(version))).await;
            }
            State::Off => screen.waits_without(KLB).await,
        }
    }
    chain.assert_complete(&[("a1", &seat)], 3_000).await;
    let centre = jetstream::new(chain.fleet.connect(Identity::Program("archive")).await);
    let closings = centre.get_stream("CLOSINGS_JKT").await.expect("the stream");
    assert_eq!(closings.cached_info().state.messages, 3_000, "a resent closing is not a second message");
    assert!(!screen.has_shown(GONE), "the agent ran all the time");
}

#[tokio::test]
async fn a_full_stream_of_closings_delays_no_broadcast_and_is_filled_as_it_empties() {
    const CALLS: usize = 4_000;
    let Some(chain) = Chain::start(FleetSpec { closings_mib: Some(1), ..FleetSpec::default() }).await else { return };
    let mut seat = SeatMachine::new(&chain.fleet, "jkt", "a1");
    Calls::of(&seat.journal()).write_new(CALLS);
    seat.start();
    let screen = seat.screen();
    wait_until("the refusal", async || seat.log().contains("closings are not accepted").then_some(())).await;
    let admin = jetstream::new(chain.fleet.connect(Identity::Program("admin")).await);
    let mut stream =
        admin.get_stream(subject::closings(&Name::parse("jkt").expect("a name"))).await.expect("the stream");
    let full = stream.info().await.expect("its state").state.messages;
    assert!((1..CALLS as u64).contains(&full), "{full}");
    chain.waits_for_closings(i64::try_from(full).expect("a count")).await;
    // Waiting closings delay no broadcast and don't affect the link.
    chain.declare(1, State::On).await;
    screen.waits_for(KLB).await;
    assert!(!screen.has_shown(CUT), "{}", screen.text());
    let age = Duration::from_secs(5);
    let config =
        jetstream::stream::Config { max_age: age, duplicate_window: age, ..stream.cached_info().config.clone() };
    admin.update_stream(config).await.expect("it empties by itself");
    chain.assert_complete(&[("a1", &seat)], CALLS).await;
    assert!(screen.text().contains(KLB) && !screen.has_shown(CUT) && !screen.has_shown(GONE), "{}", screen.text());
}

/// A small disk at this folder, until it is dropped.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    /// `None` where this user may not mount one.
    fn mount(folder: std::path::PathBuf) -> Option<Self> {
        let mut command = std::process::Command::new("mount");
        command.args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"]).arg(&folder).stderr(std::process::Stdio::null());
        command.status().is_ok_and(|status| status.success()).then(|| Self(folder))
    }

    fn fill(&self) {
        let mut filler = std::fs::File::create(self.0.join("filler")).expect("a file");
        while std::io::Write::write_all(&mut filler, &[0; 512]).is_ok() {}
    }

    fn make_room(&self) {
        std::fs::remove_file(self.0.join("filler")).expect("the filler");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test]
async fn a_full_disk_of_the_server_is_told_and_everything_goes_on_when_there_is_room() {
    let Some(mut fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    fleet.nats.kill();
    let Some(disk) = SmallDisk::mount(fleet.folder().join(STORE)) else {
        return report_skipped(&"this user may not mount a small disk");
    };
    fleet.nats.restart();
    fleet.streams().await;
    let seat = SeatMachine::started(&fleet, "jkt", "a1");
    let mut screen = seat.screen();
    screen.waits_for("Salam Penutup").await;
    wait_until("the link", async || seat.log().contains("connected to the centre").then_some(())).await;
    let centre = TestSupervisor::of(&fleet, "pusat").await;
    centre.declare(&CENTER, 1, State::On, &reason(1)).await;
    screen.waits_for(KLB).await;
    let archive = fleet.connect(Identity::Program("archive")).await;
    // A server that refuses to store may still answer reads: then only the beat that is not stored says so.
    let _beats = tokio::spawn(beat::run(archive.clone(), watch::channel(0).1));
    wait_until("a beat that is stored, and so sent to the seat", async || {
        let newest = archive.request(subject::direct_get_beat(), "".into()).await.ok()?;
        newest.status.is_none().then_some(())
    })
    .await;

    disk.fill();
    // More than fits into the rest of a block of the disk.
    for _ in 0..4 {
        centre.start_put(&Key::Rules, vec![b'x'; 200_000]).await.abort();
    }
    screen.waits_for(CUT).await;
    let full_since = Instant::now();
    assert!(screen.text().contains(KLB), "the last known declaration stays: {}", screen.text());
    close_calls(&mut screen, 1).await;
    let config = fleet.config(Identity::Program("status"));
    // nats-server 2.9.10 no longer answers; a newer one answers reads, and the beat is missing, soon for half a minute.
    let told = || {
        let status = run(&config, &["status", "--lang", "en", "--format", "json"]);
        let why = ["Check its disk", "KV_BROADCAST: not responding"].iter().any(|why| status.out.contains(why));
        (status.status == 2 && why).then_some(())
    };
    wait_until("the full disk in the status", async || told()).await;

    // Meanwhile the server ends connections and accepts new ones.
    tokio::time::sleep(Duration::from_secs(30).saturating_sub(full_since.elapsed())).await;
    let losses = seat.log().matches("disconnected from the centre").count();
    assert!((1..=2).contains(&losses), "a link that flaps: {}", seat.log());
    assert!(screen.text().contains(CUT), "{}", screen.text());

    disk.make_room();
    let by_itself = tokio::time::timeout(Duration::from_secs(15), screen.waits_without(CUT)).await.is_ok();
    let version = archive.server_info().version;
    let how = if by_itself { "goes on by itself" } else { "must be restarted" };
    print_figure(&format!("{losses} losses; with room again, nats-server {version} {how} after"), full_since.elapsed());
    if !by_itself {
        fleet.nats.kill();
        fleet.nats.restart();
        screen.waits_without(CUT).await;
    }
    assert!(screen.text().contains(KLB), "what was stored stays: {}", screen.text());
    TestSupervisor::of(&fleet, "pusat").await.declare(&CENTER, 2, State::Off, &reason(2)).await;
    screen.waits_without(KLB).await;
    wait_until("its closing in the stream", async || {
        let stream = jetstream::new(archive.clone()).get_stream("CLOSINGS_JKT").await.ok()?;
        (stream.cached_info().state.messages == 1).then_some(())
    })
    .await;
}
