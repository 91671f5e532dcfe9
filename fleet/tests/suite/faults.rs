//! Faults, counted over the whole chain: prompters on their screens, journals, agents, the stream, the archive, PostgreSQL.
//! Whoever is killed, cut off, frozen or full: nothing is lost, nothing stands twice, and no screen says what is not so.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use async_nats::jetstream;
use penutup::broadcast::{Broadcast, State};
use penutup_fleet::wire::envelope::Envelope;
use penutup_fleet::wire::key::{Key, Scope};
use penutup_fleet::wire::name::Name;
use penutup_fleet::wire::subject;
use uuid::Uuid;

use crate::support::machine::{Calls, Declarer, Seat, state_of};
use crate::support::program::Running;
use crate::support::relay::Relay;
use crate::support::screen::Screen;
use crate::support::{Ground, Postgres, Shape, Who, figure, wait_until};

/// What the screen says while KLB holds, while the centre is not heard, and while there is no agent.
const KLB: &str = "KLB AKTIF sejak";
const CUT: &str = "pusat: putus sejak";
const GONE: &str = "penghubung: mati sejak";
const CENTER: Key = Key::Klb(Scope::Center);

/// A fleet from the seats to the database.
struct Chain {
    archive: Running,
    ground: Ground,
    postgres: Postgres,
}

fn begin(ground: &Ground) -> Running {
    let args = ["archive", "--ask-every", "1"];
    Running::start(&ground.config(Who::Program("archive")), &args, ground.folder())
}

impl Chain {
    async fn start(shape: Shape<'_>) -> Option<Self> {
        let postgres = Postgres::start()?;
        let ground = Ground::start(&Shape { database: Some(&postgres), ..shape }).await?;
        let archive = begin(&ground);
        Some(Self { archive, ground, postgres })
    }

    async fn count(&self) -> i64 {
        self.postgres.number("select count(*) from closing").await.unwrap_or_default()
    }

    /// Waits until so many closings are in the database.
    async fn reaches(&self, count: i64) {
        wait_until("closings in the database", async || (self.count().await >= count).then_some(())).await;
    }

    /// Every call that ended in one of these journals is in the database, in its last version, once, under its own seat
    /// and a number of its own; nothing else is; and the seats and the archive know of none that is missing.
    async fn holds_all_of(&self, seats: &[(&str, &Seat)], calls: usize) {
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
        assert_eq!((lost, twice, foreign), (0, 0, 0), "lost, twice, of nobody");
        assert_eq!(rows, journals, "seat and version");
        let status = self.ground.connect(Who::Program("status")).await;
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

    async fn declares(&self, version: u64, state: State) {
        Declarer::of(&self.ground, "pusat").await.declare(&CENTER, version, state, &reason(version)).await;
    }
}

fn reason(version: u64) -> String {
    format!("uji nomor {version:03}")
}

/// Calls are closed at this screen, as a CSO does it: all said, and the next. With `x`, since a Space so soon after another
/// counts as held.
async fn closes(screen: &mut Screen, calls: usize) {
    for _ in 0..calls {
        screen.types("s");
        screen.shows("Closing lengkap.").await;
        screen.types("x");
        screen.hides("Closing lengkap.").await;
    }
}

/// What the stream has under the centre's key.
async fn stream_says(ground: &Ground) -> Option<Broadcast> {
    let status = ground.connect(Who::Program("status")).await;
    let answer = status.request(subject::direct_get(&CENTER), "".into()).await.expect("an answer");
    let envelope = Envelope::read(&answer.payload).ok()?;
    Broadcast::read(envelope.payload.as_bytes()).ok()
}

#[tokio::test]
async fn a_server_killed_in_mid_flip_leaves_every_screen_with_what_its_stream_says() {
    let Some(mut ground) = Ground::start(&Shape::default()).await else { return };
    let seats = [Seat::started(&ground, "jkt", "a1"), Seat::started(&ground, "sby", "c1")];
    let screens = seats.each_ref().map(Seat::screen);
    for screen in &screens {
        screen.shows("Jam pelanggan").await;
    }
    let (mut held, mut acknowledged) = (BTreeSet::new(), 0);
    for version in 1..=9_u64 {
        let centre = Declarer::of(&ground, "pusat").await;
        let state = if version % 2 == 1 { State::On } else { State::Off };
        let put = centre.begin(&CENTER, centre.klb(&CENTER, version, state, &reason(version))).await;
        // Killed on the way in, when it is acknowledged, or when the first seat has it.
        let was_acknowledged = match version % 3 {
            0 => put.await.expect("an answer"),
            1 => {
                put.abort();
                false
            }
            _ => {
                let has = |seat: &Seat| seat.klb().is_some_and(|klb| klb.version == version);
                wait_until("a seat that has it", async || seats.iter().any(has).then_some(())).await;
                put.abort();
                false
            }
        };
        ground.nats.kill();
        for screen in &screens {
            screen.shows(CUT).await;
        }
        ground.nats.restart();
        let says = stream_says(&ground).await;
        if version % 3 == 2 || was_acknowledged {
            assert_eq!(says.as_ref().map(|klb| klb.version), Some(version), "what somebody has or was promised");
        }
        acknowledged += u32::from(was_acknowledged);
        held.extend(says.as_ref().map(|klb| klb.version));
        for (screen, seat) in screens.iter().zip(&seats) {
            screen.hides(CUT).await;
            let is_on = says.as_ref().filter(|klb| klb.state == State::On);
            match is_on {
                Some(klb) => {
                    screen.until("its declaration", |t| t.contains(KLB) && t.contains(&reason(klb.version))).await;
                }
                None => screen.hides(KLB).await,
            }
            assert_eq!(
                seat.klb().map(|klb| (klb.version, klb.state)),
                says.as_ref().map(|klb| (klb.version, klb.state))
            );
        }
    }
    assert_eq!(acknowledged, 3);
    for screen in &screens {
        let shown: BTreeSet<u64> = (1..=9).filter(|version| screen.ever(&reason(*version))).collect();
        assert!(shown.is_subset(&held), "no screen said what the stream did not: {shown:?} {held:?}");
        assert!(!screen.ever(GONE), "the agent was there all the time");
    }
}

#[tokio::test]
async fn ten_thousand_made_offline_are_in_the_database_once_whoever_is_killed_on_the_way() {
    const EACH: usize = 5_000;
    let Some(mut chain) = Chain::start(Shape::default()).await else { return };
    chain.ground.nats.kill();
    let mut seats = [Seat::started(&chain.ground, "jkt", "a1"), Seat::started(&chain.ground, "sby", "c1")];
    let mut screens = seats.each_ref().map(Seat::screen);
    for (screen, seat) in screens.iter_mut().zip(&seats) {
        screen.shows(CUT).await;
        Calls::of(&seat.journal()).write_new(EACH - 1);
        // One more, by hand: all said, and the next.
        closes(screen, 1).await;
    }
    chain.ground.nats.restart();
    chain.declares(1, State::On).await;
    let begun = Instant::now();
    for screen in &screens {
        screen.hides(CUT).await;
        screen.shows(KLB).await;
    }
    chain.reaches(1_000).await;
    chain.ground.nats.kill();
    for screen in &screens {
        screen.shows(CUT).await;
        assert!(screen.text().contains(KLB), "the last that is known stays: {}", screen.text());
    }
    chain.ground.nats.restart();
    chain.reaches(2_500).await;
    chain.archive.process.kill();
    chain.archive = begin(&chain.ground);
    chain.reaches(4_000).await;
    chain.postgres.crash();
    chain.postgres.restart();
    chain.reaches(5_500).await;
    for seat in &mut seats {
        seat.agent().kill();
    }
    for screen in &screens {
        screen.shows(GONE).await;
    }
    for seat in &mut seats {
        seat.start();
    }
    chain.reaches(7_000).await;
    chain.ground.nats.kill();
    chain.archive.process.kill();
    chain.ground.nats.restart();
    chain.archive = begin(&chain.ground);
    chain.reaches(8_500).await;
    chain.postgres.stop();
    chain.postgres.restart();
    chain.holds_all_of(&[("a1", &seats[0]), ("c1", &seats[1])], 2 * EACH).await;
    figure("10,000 closings from journals to the database over nine kills take", begun.elapsed());
    for screen in &screens {
        screen.until("the present", |text| text.contains(KLB) && !text.contains(CUT) && !text.contains(GONE)).await;
    }
}

#[tokio::test]
async fn a_prompter_that_was_killed_comes_back_with_klb_and_its_open_call_is_ended_once() {
    let Some(chain) = Chain::start(Shape::default()).await else { return };
    let seat = Seat::started(&chain.ground, "jkt", "a1");
    let mut screen = seat.screen();
    screen.shows("Jam pelanggan").await;
    closes(&mut screen, 2).await;
    chain.reaches(2).await;
    chain.declares(1, State::On).await;
    screen.shows(KLB).await;
    // In mid-call, once a Space is no longer taken for one that was meant for the sentence before KLB.
    tokio::time::sleep(Duration::from_millis(1300)).await;
    screen.types(" ");
    screen.shows("√").await;
    wait_until("the open call on the disk", async || (seat.begun() == 3).then_some(())).await;
    screen.kill();
    let (killed, mut again) = (Instant::now(), seat.screen());
    again.until("KLB", |text| text.contains(KLB) && text.contains(&reason(1))).await;
    figure("a prompter that was killed shows KLB again after", killed.elapsed());
    // The agent speaks to the new one at once, and counts it alone.
    chain.declares(2, State::Off).await;
    again.hides(KLB).await;
    let status = chain.ground.connect(Who::Program("status")).await;
    wait_until("one prompter", async || state_of(&status, "jkt", "a1").await.filter(|s| s.prompters == 1)).await;
    closes(&mut again, 1).await;
    chain.reaches(4).await;
    chain.holds_all_of(&[("a1", &seat)], 4).await;
    assert!(!again.ever(CUT), "the link was there all the time");
}

#[tokio::test]
async fn an_agent_that_was_killed_is_shown_and_takes_up_what_it_missed() {
    let Some(chain) = Chain::start(Shape::default()).await else { return };
    let mut seat = Seat::started(&chain.ground, "jkt", "a1");
    let mut screen = seat.screen();
    chain.declares(1, State::On).await;
    screen.shows(KLB).await;
    closes(&mut screen, 1).await;
    chain.reaches(1).await;
    seat.agent().kill();
    screen.shows(GONE).await;
    assert!(screen.text().contains(KLB), "{}", screen.text());
    closes(&mut screen, 2).await;
    wait_until("both in the journal", async || (seat.ended().len() == 3).then_some(())).await;
    chain.declares(2, State::Off).await;
    assert!(screen.text().contains(GONE) && screen.text().contains(KLB), "nobody can know: {}", screen.text());
    seat.start();
    screen.hides(GONE).await;
    screen.hides(KLB).await;
    chain.holds_all_of(&[("a1", &seat)], 3).await;
}

#[tokio::test]
async fn a_frozen_server_is_shown_while_it_is_frozen_and_what_ends_meanwhile_arrives() {
    let Some(chain) = Chain::start(Shape::default()).await else { return };
    let seat = Seat::started(&chain.ground, "jkt", "a1");
    let mut screen = seat.screen();
    screen.shows("Jam pelanggan").await;
    closes(&mut screen, 1).await;
    chain.reaches(1).await;
    assert!(!screen.ever(CUT) && !screen.ever(GONE), "{}", screen.text());
    let frozen = Instant::now();
    chain.ground.nats.freeze();
    screen.shows(CUT).await;
    figure("a frozen server stands on the screen after", frozen.elapsed());
    closes(&mut screen, 2).await;
    wait_until("both in the journal", async || (seat.ended().len() == 3).then_some(())).await;
    assert!(screen.text().contains(CUT), "{}", screen.text());
    chain.ground.nats.thaw();
    screen.hides(CUT).await;
    chain.holds_all_of(&[("a1", &seat)], 3).await;
}

#[tokio::test]
async fn a_link_that_flaps_loses_nothing_and_every_cut_is_shown() {
    const CUTS: u64 = 10;
    let Some(chain) = Chain::start(Shape::default()).await else { return };
    let relay = Relay::to(chain.ground.port);
    let seat = Seat::through(&chain.ground, "jkt", "a1", relay.port);
    let screen = seat.screen();
    screen.shows("Jam pelanggan").await;
    let centre = Declarer::of(&chain.ground, "pusat").await;
    let mut calls = Calls::of(&seat.journal());
    for version in 1..=CUTS {
        calls.write_new(300);
        relay.cut();
        screen.shows(CUT).await;
        let state = if version % 2 == 1 { State::On } else { State::Off };
        centre.declare(&CENTER, version, state, &reason(version)).await;
        assert!(!screen.ever(&reason(version)), "what it can't know it does not say");
        relay.restore();
        screen.hides(CUT).await;
        match state {
            State::On => screen.until("its declaration", |t| t.contains(KLB) && t.contains(&reason(version))).await,
            State::Off => screen.hides(KLB).await,
        }
    }
    chain.holds_all_of(&[("a1", &seat)], 3_000).await;
    let centre = jetstream::new(chain.ground.connect(Who::Program("archive")).await);
    let closings = centre.get_stream("CLOSINGS_JKT").await.expect("the stream");
    assert_eq!(closings.cached_info().state.messages, 3_000, "sent again is no second message");
    assert!(!screen.ever(GONE), "the agent was there all the time");
}

#[tokio::test]
async fn a_full_stream_keeps_nobody_from_flipping_and_is_filled_up_as_it_empties() {
    const CALLS: usize = 4_000;
    let Some(chain) = Chain::start(Shape { closings_mib: Some(1), ..Shape::default() }).await else { return };
    let mut seat = Seat::new(&chain.ground, "jkt", "a1");
    Calls::of(&seat.journal()).write_new(CALLS);
    seat.start();
    let screen = seat.screen();
    wait_until("the refusal", async || seat.log().contains("closings are not taken").then_some(())).await;
    let admin = jetstream::new(chain.ground.connect(Who::Program("admin")).await);
    let mut stream =
        admin.get_stream(subject::closings(&Name::parse("jkt").expect("a name"))).await.expect("the stream");
    let full = stream.info().await.expect("its state").state.messages;
    assert!((1..CALLS as u64).contains(&full), "{full}");
    chain.reaches(i64::try_from(full).expect("a count")).await;
    // Closings wait; what is to be said does not, and the link is no worse for it.
    chain.declares(1, State::On).await;
    screen.shows(KLB).await;
    assert!(!screen.ever(CUT), "{}", screen.text());
    let age = Duration::from_secs(5);
    let config =
        jetstream::stream::Config { max_age: age, duplicate_window: age, ..stream.cached_info().config.clone() };
    admin.update_stream(config).await.expect("it empties by itself");
    chain.holds_all_of(&[("a1", &seat)], CALLS).await;
    assert!(screen.text().contains(KLB) && !screen.ever(CUT) && !screen.ever(GONE), "{}", screen.text());
}
