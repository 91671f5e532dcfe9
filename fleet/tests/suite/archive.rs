//! The archive: every closing is in the table once despite crashes, hostile ones are counted, missing ones are
//! requested.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{StreamExt, TryStreamExt};
use penutup_fleet::database;
use penutup_fleet::seat_states::SeatStates;
use penutup_fleet::wire::closing::Ask;
use penutup_fleet::wire::refusal::RefusalCounts;
use penutup_fleet::wire::seat::SeatState;
use penutup_fleet::wire::subject;
use serde_json::json;
use uuid::Uuid;

use crate::support::calls::{call, close, message, name, send};
use crate::support::machine::{Calls, SeatMachine, state_of};
use crate::support::program::{Running, run};
use crate::support::{
    FleetSpec, Identity, POLL_INTERVAL, Postgres, TIMEOUT, TestFleet, nats, report_skipped, wait_until,
};

/// A fleet with a database and a running archive.
struct Stage {
    archive: Running,
    fleet: TestFleet,
    postgres: Postgres,
}

impl Stage {
    async fn start(args: &[&str]) -> Option<Self> {
        let postgres = Postgres::start()?;
        let fleet = TestFleet::start(&FleetSpec { database: Some(&postgres), ..FleetSpec::default() }).await?;
        let archive = start_archive(&fleet, args);
        Some(Self { archive, fleet, postgres })
    }

    async fn waits_for_number(&self, query: &str, number: i64) {
        let what = format!("{query} = {number}");
        wait_until(&what, async || (self.postgres.number(query).await == Some(number)).then_some(())).await;
    }
}

fn start_archive(fleet: &TestFleet, args: &[&str]) -> Running {
    let args: Vec<&str> = ["archive"].iter().chain(args).copied().collect();
    Running::start(&fleet.config(Identity::Program("archive")), &args, fleet.folder())
}

async fn waits_for_log(archive: &Running, what: &str) {
    let start = std::time::Instant::now();
    while !archive.stderr().contains(what) {
        assert!(start.elapsed() < TIMEOUT, "waited in vain for {what} in: {}", archive.stderr());
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

const CLOSINGS: &str = "select count(*) from closing";

#[tokio::test]
async fn nothing_is_lost_or_duplicated_over_crashes_of_all_parts() {
    const EACH: u64 = 1_500;
    let seats = [("jkt", "a1"), ("jkt", "a2"), ("bdg", "b1"), ("sby", "c1")];
    let Some(mut stage) = Stage::start(&[]).await else { return };
    let sent = Arc::new(AtomicUsize::new(0));
    let mut senders = Vec::new();
    for (site, seat) in seats {
        let client = stage.fleet.connect(Identity::Seat(site, seat)).await;
        let sent = Arc::clone(&sent);
        senders.push(tokio::spawn(async move {
            let epoch = Uuid::now_v7();
            for seq in 1..=EACH {
                let call = call(Uuid::now_v7(), 1 + seq % 3, seat, seq);
                close(&client, site, seat, epoch, seq, &call).await;
                sent.fetch_add(1, Ordering::Relaxed);
            }
        }));
    }
    let all = seats.len() * usize::try_from(EACH).unwrap();
    let wait_for_sent = async |part: usize| {
        wait_until("more closings", async || (sent.load(Ordering::Relaxed) >= all * part / 6).then_some(())).await;
    };
    wait_for_sent(1).await;
    stage.archive.process.kill();
    wait_for_sent(2).await;
    stage.archive = start_archive(&stage.fleet, &[]);
    stage.fleet.nats.kill();
    stage.fleet.nats.restart();
    wait_for_sent(3).await;
    stage.postgres.crash();
    stage.postgres.restart();
    wait_for_sent(4).await;
    stage.archive.process.kill();
    stage.archive = start_archive(&stage.fleet, &[]);
    wait_for_sent(5).await;
    stage.fleet.nats.kill();
    stage.fleet.nats.restart();
    for sender in senders {
        sender.await.unwrap();
    }
    stage.waits_for_number(CLOSINGS, i64::try_from(all).unwrap()).await;
    let distinct = "select count(distinct (site, seat, epoch, seq)) from closing";
    assert_eq!(stage.postgres.number(distinct).await, Some(i64::try_from(all).unwrap()));
    let whole = "select count(*) from ledger where received = int8multirange(int8range(1, 1501))";
    assert_eq!(stage.postgres.number(whole).await, Some(4));
    assert_eq!(stage.postgres.number("select count(*) from refused").await, Some(0));
    assert_eq!(stage.archive.terminate(), Some(0), "{}", stage.archive.stderr());
}

#[tokio::test]
async fn the_newer_version_wins_and_no_seat_can_overwrite_anothers_call() {
    let Some(stage) = Stage::start(&[]).await else { return };
    let [a1, a2] = [("jkt", "a1"), ("jkt", "a2")].map(|(site, seat)| Identity::Seat(site, seat));
    let (a1, a2) = (stage.fleet.connect(a1).await, stage.fleet.connect(a2).await);
    let (old, new) = (Uuid::now_v7(), Uuid::now_v7());
    let ids = [Uuid::now_v7(), Uuid::now_v7()];
    close(&a1, "jkt", "a1", old, 1, &call(ids[0], 5, "a1", 1)).await;
    close(&a1, "jkt", "a1", old, 2, &call(ids[1], 2, "a1", 2)).await;
    stage.waits_for_number(CLOSINGS, 2).await;
    // An older version, another seat's, one from a new ledger, a newer version.
    close(&a1, "jkt", "a1", old, 1, &call(ids[0], 4, "a1", 7)).await;
    close(&a2, "jkt", "a2", new, 1, &call(ids[0], 9, "a2", 8)).await;
    close(&a1, "jkt", "a1", new, 1, &call(ids[1], 3, "a1", 9)).await;
    close(&a1, "jkt", "a1", new, 2, &call(Uuid::now_v7(), 1, "a1", 3)).await;
    stage.waits_for_number(CLOSINGS, 3).await;
    stage.waits_for_number("select count from refused where why = 'other-seat' and seat = 'a2'", 1).await;
    let mut found = Vec::new();
    for (seq, id) in ids.iter().enumerate() {
        let query = format!("select seat, version, epoch, (call->>'version')::int8 from closing where id = '{id}'");
        let row = stage.postgres.connect().await.query_one(&query, &[]).await.unwrap();
        found.push((seq, row.get::<_, String>(0), row.get::<_, i64>(1), row.get::<_, Uuid>(2), row.get::<_, i64>(3)));
    }
    assert_eq!(found, [(0, "a1".into(), 5, old, 5), (1, "a1".into(), 3, new, 3)]);
    // Numbers count in their ledger, and rejected closings are not requested again.
    let whole = "select count(*) from ledger where received = int8multirange(int8range(1, 3)) and seat = 'a1'";
    assert_eq!(stage.postgres.number(whole).await, Some(2));
    let other_seat = "select count(*) from ledger where received = int8multirange(int8range(1, 2)) and seat = 'a2'";
    assert_eq!(stage.postgres.number(other_seat).await, Some(1));
}

#[tokio::test]
async fn hostile_closings_are_counted_and_block_no_others() {
    let Some(mut stage) = Stage::start(&[]).await else { return };
    let client = stage.fleet.connect(Identity::Seat("jkt", "a1")).await;
    let (subject, epoch) = (subject::closing(&name("jkt"), &name("a1")), Uuid::now_v7());
    let mut odd = call(Uuid::now_v7(), 1, "a1", 1);
    odd["ending"] = json!("entah");
    let mut control = call(Uuid::now_v7(), 1, "a1", 1);
    control["rule"] = json!("x\u{1b}[2J");
    let mut named = call(Uuid::now_v7(), 1, "a1", 1);
    named["nama"] = json!("Bapak Budi\u{0}");
    let hostile = [
        b"".to_vec(),
        b"{".to_vec(),
        vec![0xff; 60_000],
        message(epoch, 0, &call(Uuid::now_v7(), 1, "a1", 1)),
        message(epoch, 1, &odd),
        message(epoch, 2, &control),
        message(epoch, 3, &json!(null)),
    ];
    for (n, bytes) in hostile.iter().enumerate() {
        send(&client, &subject, &format!("hostile-{n}"), bytes).await.unwrap();
    }
    close(&client, "jkt", "a1", epoch, 4, &named).await;
    stage.waits_for_number(CLOSINGS, 1).await;
    stage.waits_for_number("select count from refused where why = 'malformed'", 4).await;
    stage.waits_for_number("select count from refused where why = 'bad-payload'", 3).await;
    // Unknown fields are not stored.
    assert_eq!(stage.postgres.number("select count(*) from closing where call ? 'nama'").await, Some(0));
    // The server refuses what exceeds the stream's limit.
    let large = json!({ "pad": "x".repeat(100_000) });
    assert_eq!(send(&client, &subject, "large", &message(epoch, 5, &large)).await, None);
    assert!(stage.archive.process.runs());
}

#[tokio::test]
async fn each_day_has_a_partition_and_other_ids_go_to_the_default_one() {
    let Some(stage) = Stage::start(&[]).await else { return };
    let client = stage.fleet.connect(Identity::Seat("jkt", "a1")).await;
    let epoch = Uuid::now_v7();
    let now = u64::try_from(chrono::Utc::now().timestamp_millis()).unwrap();
    let of_day = |days: i64| {
        let ms = now.checked_add_signed(days * 86_400_000).unwrap();
        uuid::Builder::from_unix_timestamp_millis(ms, &fastrand::u128(..).to_le_bytes()[..10].try_into().unwrap())
            .into_uuid()
    };
    let ids = [of_day(0), of_day(-3), of_day(-400), of_day(40), Uuid::max(), Uuid::from_u128(7)];
    for (seq, id) in (1..).zip(ids) {
        close(&client, "jkt", "a1", epoch, seq, &call(id, 1, "a1", seq)).await;
    }
    stage.waits_for_number(CLOSINGS, 6).await;
    stage.waits_for_number("select count(*) from closing_default", 4).await;
    let day = (chrono::Utc::now() - chrono::TimeDelta::days(3)).format("%Y%m%d").to_string();
    assert_eq!(stage.postgres.number(&format!("select count(*) from closing_{day}")).await, Some(1));
    // Creating the partition later moves the rows there.
    let ahead = (chrono::Utc::now() + chrono::TimeDelta::days(40)).date_naive();
    let mut sql = stage.postgres.connect().await;
    database::schema::create_partition(&mut sql, ahead).await.unwrap();
    database::schema::create_partition(&mut sql, ahead).await.unwrap();
    let table = format!("select count(*) from closing_{}", ahead.format("%Y%m%d"));
    assert_eq!(stage.postgres.number(&table).await, Some(1));
    assert_eq!(stage.postgres.number(CLOSINGS).await, Some(6));
}

/// The state of a seat that has sent this many closings.
fn reported(epoch: Uuid, sent: u64) -> SeatState {
    SeatState {
        schema: 1,
        at: chrono::Utc::now(),
        agent: "0.1.0".into(),
        epoch,
        rules: None,
        klb: None,
        prompters: 1,
        unsent: 0,
        sent,
        refused: RefusalCounts::default(),
        broadcasts: std::collections::BTreeMap::new(),
        unwritten_since: None,
        told_clock: None,
    }
}

/// A `UUIDv7` of this many days ahead.
fn id_ahead(days: u64) -> Uuid {
    let now = u64::try_from(chrono::Utc::now().timestamp_millis()).unwrap();
    let random = fastrand::u128(..).to_le_bytes()[..10].try_into().unwrap();
    uuid::Builder::from_unix_timestamp_millis(now + days * 86_400_000, &random).into_uuid()
}

fn status_of(stage: &Stage, args: &[&str]) -> (i32, String) {
    let config = stage.fleet.config(Identity::Program("status"));
    let result = run(&config, &[&["status", "--lang", "en"], args].concat());
    (result.status, result.out)
}

#[tokio::test]
async fn missing_closings_are_requested_until_they_arrive() {
    let Some(stage) = Stage::start(&["--ask-every", "1"]).await else { return };
    let client = stage.fleet.connect(Identity::Seat("jkt", "a1")).await;
    let mut requests = client.subscribe(subject::ask(&name("jkt"), &name("a1"))).await.unwrap();
    let epoch = Uuid::now_v7();
    let calls: Vec<_> = (1..=9).map(|seq| call(Uuid::now_v7(), 1, "a1", seq)).collect();
    for seq in [1, 2, 4, 5, 6] {
        close(&client, "jkt", "a1", epoch, seq, &calls[usize::try_from(seq).unwrap() - 1]).await;
    }
    // It reports nine sent: the last three are missing as well, although no higher number arrived.
    let reported = reported(epoch, 9);
    send(&client, &subject::state(&name("jkt"), &name("a1")), "state", &reported.to_bytes()).await.unwrap();
    // The first may be asked for before the state has arrived, and then again.
    let mut asked = Vec::new();
    while asked.len() < 2 {
        let received = tokio::time::timeout(TIMEOUT, requests.next()).await.expect("a request").unwrap();
        let Ok(Ask::Resend(ask)) = Ask::parse(&received.payload) else { panic!("{received:?}") };
        asked.push(ask);
        asked.dedup();
    }
    assert_eq!(
        asked.iter().map(|ask| (ask.epoch, ask.from, ask.to)).collect::<Vec<_>>(),
        [(epoch, 3, 3), (epoch, 7, 9)]
    );
    for seq in [3, 7, 8, 9] {
        close(&client, "jkt", "a1", epoch, seq, &calls[usize::try_from(seq).unwrap() - 1]).await;
    }
    stage.waits_for_number("select count(*) from ledger where received = int8multirange(int8range(1, 10))", 1).await;
    waits_for_log(&stage.archive, "4 closing dari 1 seat").await;
}

/// A server that is cut off or freezes may not answer a request for messages any more.
#[tokio::test]
async fn a_reading_of_the_seats_states_ends_and_replaces_a_consumer_that_is_gone() {
    let Some(server) = nats::installed() else { return report_skipped(&"no nats-server") };
    let folder = tempfile::tempdir().unwrap();
    let (config, port) = (folder.path().join("nats.conf"), nats::free_port());
    let deny = "publish: { deny: \"$JS.API.CONSUMER.MSG.NEXT.>\" }";
    let users = format!(
        "users: [{{ user: all, password: p }}, {{ user: unanswered, password: p, permissions: {{ {deny} }} }}]"
    );
    let text =
        format!("listen: \"127.0.0.1:{port}\"\njetstream {{ store_dir: \"store\" }}\nauthorization {{ {users} }}\n");
    std::fs::write(&config, text).unwrap();
    let _nats = nats::Nats::start(&server, &config, &folder.path().join("store"), port).expect("the port is free");
    let connect = async |user: &str| {
        let options = async_nats::ConnectOptions::with_user_and_password(user.into(), "p".into());
        options.connect(format!("127.0.0.1:{port}")).await.unwrap()
    };
    let all = connect("all").await;
    let stream = async_nats::jetstream::stream::Config {
        name: subject::states(&name("jkt")),
        subjects: vec![subject::all_states(&name("jkt"))],
        ..Default::default()
    };
    async_nats::jetstream::new(all.clone()).create_stream(stream).await.unwrap();
    let mut states = SeatStates::new(name("jkt"));
    states.refresh(&all).await.unwrap();
    // As if its server were gone: a new consumer takes its place within the same refresh.
    let stream = async_nats::jetstream::new(all.clone()).get_stream(subject::states(&name("jkt"))).await.unwrap();
    let consumers: Vec<String> = stream.consumer_names().try_collect().await.unwrap();
    for consumer in &consumers {
        stream.delete_consumer(consumer).await.unwrap();
    }
    states.refresh(&all).await.unwrap();
    let unanswered = connect("unanswered").await;
    let mut states = SeatStates::new(name("jkt"));
    let ended = tokio::time::timeout(TIMEOUT, states.refresh(&unanswered)).await.expect("it does not wait for ever");
    assert!(ended.unwrap_err().to_string().contains("timed out"));
}

/// An agent reports no ledger until it has scanned the journal, which can take longer than its first report.
#[tokio::test]
async fn a_report_without_a_ledger_is_no_newer_ledger_of_the_seat() {
    let Some(stage) = Stage::start(&["--ask-every", "1"]).await else { return };
    let client = stage.fleet.connect(Identity::Seat("jkt", "a1")).await;
    let mut requests = client.subscribe(subject::ask(&name("jkt"), &name("a1"))).await.unwrap();
    let epoch = Uuid::now_v7();
    close(&client, "jkt", "a1", epoch, 1, &call(Uuid::now_v7(), 1, "a1", 1)).await;
    stage.waits_for_number(CLOSINGS, 1).await;
    let started = reported(Uuid::nil(), 0);
    send(&client, &subject::state(&name("jkt"), &name("a1")), "started", &started.to_bytes()).await.unwrap();
    // Whoever has read the next seat's state has read this one.
    let other = stage.fleet.connect(Identity::Seat("jkt", "a2")).await;
    let next_state = reported(Uuid::now_v7(), 0);
    send(&other, &subject::state(&name("jkt"), &name("a2")), "next", &next_state.to_bytes()).await.unwrap();
    stage.waits_for_number("select count(*) from ledger where seat = 'a2'", 1).await;

    close(&client, "jkt", "a1", epoch, 3, &call(Uuid::now_v7(), 1, "a1", 3)).await;
    let message = tokio::time::timeout(TIMEOUT, requests.next()).await.expect("a request").unwrap();
    let Ok(Ask::Resend(range)) = Ask::parse(&message.payload) else { panic!("{message:?}") };
    assert_eq!((range.epoch, range.from, range.to), (epoch, 2, 2));
    assert_eq!(stage.postgres.number("select count(*) from ledger where seat = 'a1'").await, Some(1));
}

#[tokio::test]
async fn archiving_resumes_after_the_stream_or_the_tables_were_recreated() {
    let Some(mut stage) = Stage::start(&[]).await else { return };
    let client = stage.fleet.connect(Identity::Seat("jkt", "a1")).await;
    let admin = stage.fleet.connect(Identity::Program("admin")).await;
    let epoch = Uuid::now_v7();
    close(&client, "jkt", "a1", epoch, 1, &call(Uuid::now_v7(), 1, "a1", 1)).await;
    stage.waits_for_number(CLOSINGS, 1).await;
    let stream = subject::closings(&name("jkt"));
    async_nats::jetstream::new(admin).delete_stream(&stream).await.unwrap();
    waits_for_log(&stage.archive, &stream).await;
    stage.fleet.streams().await;
    close(&client, "jkt", "a1", epoch, 2, &call(Uuid::now_v7(), 1, "a1", 2)).await;
    stage.waits_for_number(CLOSINGS, 2).await;

    let drop =
        "drop table closing, ledger, refused, doubled, unread, audit, penutup_schema; drop sequence ledger_number";
    stage.postgres.connect().await.batch_execute(drop).await.unwrap();
    close(&client, "jkt", "a1", epoch, 3, &call(Uuid::now_v7(), 1, "a1", 3)).await;
    stage.waits_for_number(CLOSINGS, 1).await;

    // It stops at once although the database is down.
    stage.postgres.stop();
    close(&client, "jkt", "a1", epoch, 4, &call(Uuid::now_v7(), 1, "a1", 4)).await;
    waits_for_log(&stage.archive, "postgres@").await;
    assert_eq!(stage.archive.terminate(), Some(0), "{}", stage.archive.stderr());
    // An unwritten closing was not acknowledged, so it is delivered again.
    stage.postgres.restart();
    stage.archive = start_archive(&stage.fleet, &[]);
    stage.waits_for_number(CLOSINGS, 2).await;
}

/// PostgreSQL that answers nothing and closes nothing, as on a disk that hangs.
#[cfg(unix)]
#[tokio::test]
async fn a_database_that_hangs_is_told_and_archiving_goes_on_by_itself() {
    let Some(mut stage) = Stage::start(&[]).await else { return };
    let client = stage.fleet.connect(Identity::Seat("jkt", "a1")).await;
    let epoch = Uuid::now_v7();
    let closing = async |seq| close(&client, "jkt", "a1", epoch, seq, &call(Uuid::now_v7(), 1, "a1", seq)).await;
    closing(1).await;
    stage.waits_for_number(CLOSINGS, 1).await;
    let frozen = stage.postgres.freeze().await;
    assert!(!frozen.is_empty());
    for seq in 2..=4 {
        closing(seq).await;
    }
    waits_for_log(&stage.archive, "tidak merespons dalam 15 detik").await;
    assert!(stage.archive.stderr().contains("postgres@"), "{}", stage.archive.stderr());
    stage.postgres.thaw(&frozen);
    stage.waits_for_number(CLOSINGS, 4).await;
    waits_for_log(&stage.archive, "Tersambung lagi ke basis data").await;

    // It ends although it waits for the database.
    let frozen = stage.postgres.freeze().await;
    closing(5).await;
    stage.archive.process.signal("TERM");
    wait_until("its end", async || (!stage.archive.process.runs()).then_some(())).await;
    assert_eq!(stage.archive.process.0.wait().unwrap().code(), Some(0), "{}", stage.archive.stderr());
    stage.postgres.thaw(&frozen);
    stage.archive = start_archive(&stage.fleet, &[]);
    stage.waits_for_number(CLOSINGS, 5).await;
    let distinct = "select count(distinct (epoch, seq)) from closing";
    assert_eq!(stage.postgres.number(distinct).await, Some(5));
}

/// Somebody holds a row that the archive needs, as a connection does that hangs in the middle of a batch.
#[cfg(unix)]
#[tokio::test]
async fn a_held_lock_is_told_and_delays_only_until_it_is_released() {
    let Some(stage) = Stage::start(&[]).await else { return };
    let client = stage.fleet.connect(Identity::Seat("jkt", "a1")).await;
    let epoch = Uuid::now_v7();
    let calls: Vec<_> = (1..=3).map(|seq| call(Uuid::now_v7(), 1, "a1", seq)).collect();
    close(&client, "jkt", "a1", epoch, 1, &calls[0]).await;
    stage.waits_for_number(CLOSINGS, 1).await;
    // The seat's row is locked, as by a batch that was not committed.
    let mut other = stage.postgres.connect().await;
    let held = other.transaction().await.unwrap();
    held.execute("update ledger set last = now()", &[]).await.unwrap();
    close(&client, "jkt", "a1", epoch, 2, &calls[1]).await;
    waits_for_log(&stage.archive, "lock timeout").await;
    held.rollback().await.unwrap();
    close(&client, "jkt", "a1", epoch, 3, &calls[2]).await;
    stage.waits_for_number(CLOSINGS, 3).await;
}

/// A report, a backup or a console that is left open over midnight.
#[tokio::test]
async fn an_open_reader_delays_a_days_partition_and_nothing_else() {
    let Some(stage) = Stage::start(&[]).await else { return };
    let client = stage.fleet.connect(Identity::Seat("jkt", "a1")).await;
    let epoch = Uuid::now_v7();
    close(&client, "jkt", "a1", epoch, 1, &call(Uuid::now_v7(), 1, "a1", 1)).await;
    stage.waits_for_number(CLOSINGS, 1).await;
    // Today and the days ahead have their partitions before they begin.
    let today = chrono::Utc::now().date_naive();
    let table = |days: i64| format!("closing_{}", (today + chrono::TimeDelta::days(days)).format("%Y%m%d"));
    let is_there = |days| format!("select count(*) from pg_class where relname = '{}'", table(days));
    for days in [0, 1, 14] {
        stage.waits_for_number(&is_there(days), 1).await;
    }
    let mut reader = stage.postgres.connect().await;
    let open = reader.transaction().await.unwrap();
    open.query("select count(*) from closing", &[]).await.unwrap();
    // Closings of a day that has no partition yet, as at midnight.
    let now = u64::try_from(chrono::Utc::now().timestamp_millis()).unwrap();
    let of_day = |seq: u64| uuid::Builder::from_unix_timestamp_millis(now - 3 * 86_400_000 + seq, &[7; 10]).into_uuid();
    for seq in 2..=4 {
        close(&client, "jkt", "a1", epoch, seq, &call(of_day(seq), 1, "a1", seq)).await;
        stage.waits_for_number(CLOSINGS, i64::try_from(seq).unwrap()).await;
    }
    waits_for_log(&stage.archive, "closing_default").await;
    // The archive writes on, and others read, while the partition waits.
    close(&client, "jkt", "a1", epoch, 5, &call(Uuid::now_v7(), 1, "a1", 5)).await;
    stage.waits_for_number(CLOSINGS, 5).await;
    assert_eq!(stage.postgres.number(&is_there(-3)).await, Some(0));
    assert_eq!(stage.postgres.number("select count(*) from closing_default").await, Some(3));
    open.commit().await.unwrap();
    stage.waits_for_number(&is_there(-3), 1).await;
    stage.waits_for_number("select count(*) from closing_default", 0).await;
    assert_eq!(stage.postgres.number(CLOSINGS).await, Some(5));
    waits_for_log(&stage.archive, "Setiap hari memiliki partisinya").await;
}

/// The seat's clock was ahead when its ledger began, and right when the next one did.
#[tokio::test]
async fn losses_of_a_ledger_are_noticed_although_an_older_ones_id_is_higher() {
    let Some(stage) = Stage::start(&["--ask-every", "1"]).await else { return };
    let client = stage.fleet.connect(Identity::Seat("jkt", "a1")).await;
    let mut requests = client.subscribe(subject::ask(&name("jkt"), &name("a1"))).await.unwrap();
    let (first, second) = (id_ahead(3), Uuid::now_v7());
    assert!(first > second);
    close(&client, "jkt", "a1", first, 1, &call(Uuid::now_v7(), 1, "a1", 1)).await;
    stage.waits_for_number(CLOSINGS, 1).await;
    for seq in [1, 2, 4] {
        close(&client, "jkt", "a1", second, seq, &call(Uuid::now_v7(), 1, "a1", seq)).await;
    }
    stage.waits_for_number(CLOSINGS, 4).await;
    assert_eq!(stage.postgres.number("select count(*) from refused").await, Some(0));
    let message = tokio::time::timeout(TIMEOUT, requests.next()).await.expect("a request").unwrap();
    let Ok(Ask::Resend(range)) = Ask::parse(&message.payload) else { panic!("{message:?}") };
    assert_eq!((range.epoch, range.from, range.to), (second, 3, 3));
    let (_, status) = status_of(&stage, &["--format", "json"]);
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["total"]["missing"], 1, "{status}");
}

#[tokio::test]
async fn a_clock_that_is_days_ahead_is_named_and_its_closings_are_kept() {
    let Some(stage) = Stage::start(&["--ask-every", "1"]).await else { return };
    let client = stage.fleet.connect(Identity::Seat("jkt", "a1")).await;
    let mut requests = client.subscribe(subject::ask(&name("jkt"), &name("a1"))).await.unwrap();
    let epoch = id_ahead(3);
    for seq in 1..=3 {
        close(&client, "jkt", "a1", epoch, seq, &call(id_ahead(3), 1, "a1", seq)).await;
    }
    stage.waits_for_number(CLOSINGS, 3).await;
    assert_eq!(stage.postgres.number("select count(*) from refused").await, Some(0));
    let whole = "select count(*) from ledger where received = int8multirange(int8range(1, 4))";
    assert_eq!(stage.postgres.number(whole).await, Some(1), "none is asked for again");
    let ahead = SeatState { at: chrono::Utc::now() + chrono::TimeDelta::days(3), ..reported(epoch, 3) };
    send(&client, &subject::state(&name("jkt"), &name("a1")), "ahead", &ahead.to_bytes()).await.unwrap();
    // The archive names it and tells the seat, of nothing else.
    waits_for_log(&stage.archive, "jkt/a1: jam komputernya 3 hari lebih cepat").await;
    let message = tokio::time::timeout(TIMEOUT, requests.next()).await.expect("a message").unwrap();
    let Ok(Ask::Clock(ahead)) = Ask::parse(&message.payload) else { panic!("{message:?}") };
    assert!((259_000..=259_200).contains(&ahead), "{ahead}");
    let (_, status) = status_of(&stage, &["--once"]);
    assert!(status.contains("jkt/a1: its clock is 3 days ahead"), "{status}");
    let (_, metrics) = status_of(&stage, &["--format", "prometheus"]);
    for (name, value) in [("wrong", 1), ("offset_seconds", ahead)] {
        let line = format!("penutup_seats_clock_{name}{{site=\"jkt\"}} {value}");
        assert!(metrics.lines().any(|l| l == line), "{line}: {metrics}");
    }
    let (_, status) = status_of(&stage, &["--site", "jkt", "--format", "json"]);
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["sites"][0]["attention"][0]["clock_ahead_seconds"], ahead, "{status}");
}

/// The whole seat: its ledger began with the clock 24 h ahead, and is lost later.
#[tokio::test]
async fn a_real_seats_closings_arrive_whatever_its_ledgers_id_and_again_under_a_new_one() {
    let Some(stage) = Stage::start(&["--ask-every", "1"]).await else { return };
    let mut seat = SeatMachine::started(&stage.fleet, "jkt", "a1");
    // It is made before the first scan of the journal.
    let status = stage.fleet.connect(Identity::Program("status")).await;
    let has_ledger = async || state_of(&status, "jkt", "a1").await.filter(|state| !state.epoch.is_nil()).map(|_| ());
    wait_until("a ledger", has_ledger).await;
    seat.agent().kill();
    let ledger = rusqlite::Connection::open(seat.file("ledger.db")).unwrap();
    ledger.execute("UPDATE ledger SET epoch = ?1", [id_ahead(2).as_bytes()]).unwrap();
    drop(ledger);
    Calls::of(&seat.journal()).write_new(12);
    seat.start();
    stage.waits_for_number(CLOSINGS, 12).await;
    seat.agent().kill();
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(seat.file(&format!("ledger.db{suffix}")));
    }
    Calls::of(&seat.journal()).write_new(1);
    seat.start();
    stage.waits_for_number("select count(*) from ledger where received = int8multirange(int8range(1, 14))", 1).await;
    assert_eq!(stage.postgres.number(CLOSINGS).await, Some(13));
    assert_eq!(stage.postgres.number("select count(*) from refused").await, Some(0));
    // The centre's word about the clock reaches the seat's log.
    let archive = stage.fleet.connect(Identity::Program("archive")).await;
    archive.publish(subject::ask(&name("jkt"), &name("a1")), Ask::Clock(-7_200).to_bytes().into()).await.unwrap();
    wait_until("the clock", async || seat.log().contains("2 hours behind").then_some(())).await;
}

/// A seat whose ledger was replaced sends its closings before its state, and the state of before is still read.
#[tokio::test]
async fn a_report_from_before_a_ledger_appeared_is_no_newer_ledger_of_the_seat() {
    // A round a day: none while this test runs.
    let Some(stage) = Stage::start(&["--ask-every", "86400"]).await else { return };
    let client = stage.fleet.connect(Identity::Seat("jkt", "a1")).await;
    let (before, present, later) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
    let reported_at = chrono::Utc::now();
    close(&client, "jkt", "a1", present, 2, &call(Uuid::now_v7(), 1, "a1", 2)).await;
    stage.waits_for_number(CLOSINGS, 1).await;
    let database = stage.postgres.connect().await;
    let note = async |epoch, at| {
        let reported = [("a1".to_owned(), epoch, at)];
        database::note_ledgers(&database, &name("jkt"), &reported).await.unwrap();
        let gaps = database::gaps(&database, Some(&name("jkt"))).await.unwrap();
        (gaps.iter().any(|gap| gap.epoch == present), stage.postgres.number("select count(*) from ledger").await)
    };
    assert_eq!(note(before, reported_at).await, (true, Some(1)), "its missing closing is searched for");
    assert_eq!(note(later, chrono::Utc::now()).await, (false, Some(2)), "what it lacks is sent again under the newer");
}

/// The whole way: the states that a seat with a wrong clock sends, what the archive says of them, and the seat's screens.
#[cfg(unix)]
#[tokio::test]
async fn a_wrong_clock_is_named_on_the_seats_screens_until_it_is_right_again_or_the_link_ends() {
    const AHEAD: &str = "jam komputer ini 3 menit lebih cepat";
    let Some(mut stage) = Stage::start(&["--ask-every", "1"]).await else { return };
    let seat = SeatMachine::started(&stage.fleet, "jkt", "a1");
    let screen = seat.screen();
    let status = stage.fleet.connect(Identity::Program("status")).await;
    let own = wait_until("its report", async || state_of(&status, "jkt", "a1").await.filter(|own| own.prompters == 1));
    let own = own.await;
    let client = stage.fleet.connect(Identity::Seat("jkt", "a1")).await;
    let send_wrong = async || {
        let at = chrono::Utc::now() + chrono::TimeDelta::minutes(3);
        let wrong = SeatState { at, ..own.clone() };
        client.publish(subject::state(&name("jkt"), &name("a1")), wrong.to_bytes().into()).await.unwrap();
    };
    // The agent's own states say that its clock is right: until the screen shows it, the wrong ones are newer.
    wait_until("the screen", async || {
        send_wrong().await;
        screen.text().contains(AHEAD).then_some(())
    })
    .await;
    let later = seat.screen();
    wait_until("the later screen", async || {
        send_wrong().await;
        later.text().contains(AHEAD).then_some(())
    })
    .await;
    // One prompter less is a change, so that the agent reports its state, by its right clock.
    drop(later);
    screen.waits_without(AHEAD).await;
    wait_until("the log", async || seat.log().contains("no longer reports that the clock").then_some(())).await;
    wait_until("its state", async || state_of(&status, "jkt", "a1").await?.told_clock.is_none().then_some(())).await;

    wait_until("the screen", async || {
        send_wrong().await;
        screen.text().contains(AHEAD).then_some(())
    })
    .await;
    stage.fleet.nats.kill();
    screen.waits_for("pusat: putus sejak").await;
    assert!(!screen.text().contains("lebih cepat"), "{}", screen.text());
}

/// Files that are put back as they were.
fn backup(folder: &std::path::Path, files: &[std::path::PathBuf]) -> Vec<(std::path::PathBuf, Option<Vec<u8>>)> {
    assert!(folder.is_dir());
    files.iter().map(|file| (file.clone(), std::fs::read(file).ok())).collect()
}

#[tokio::test]
async fn a_seat_that_was_restored_from_a_backup_is_noticed_and_loses_nothing() {
    let Some(stage) = Stage::start(&["--ask-every", "1"]).await else { return };
    let mut seat = SeatMachine::started(&stage.fleet, "jkt", "a1");
    let mut calls = Calls::of(&seat.journal());
    calls.write_new(3);
    stage.waits_for_number(CLOSINGS, 3).await;
    let status = stage.fleet.connect(Identity::Program("status")).await;
    wait_until("its report", async || state_of(&status, "jkt", "a1").await.filter(|state| state.sent == 3)).await;
    let epoch = state_of(&status, "jkt", "a1").await.unwrap().epoch;
    seat.agent().kill();
    drop(calls);
    let (ledger, journal) = (seat.file("ledger.db"), seat.journal());
    let with = |path: &std::path::Path, suffix: &str| std::path::PathBuf::from(format!("{}{suffix}", path.display()));
    let files: Vec<_> = ["", "-wal", "-shm"].iter().flat_map(|s| [with(&ledger, s), with(&journal, s)]).collect();
    let saved = backup(ledger.parent().unwrap(), &files);
    seat.start();
    Calls::of(&seat.journal()).write_new(2);
    stage.waits_for_number(CLOSINGS, 5).await;
    seat.agent().kill();
    for (file, bytes) in saved {
        match bytes {
            Some(bytes) => std::fs::write(file, bytes).unwrap(),
            None => _ = std::fs::remove_file(file),
        }
    }
    // The numbers 4 and 5 are given again, to other calls.
    Calls::of(&seat.journal()).write_new(2);
    seat.start();
    stage.waits_for_number(CLOSINGS, 7).await;
    waits_for_log(&stage.archive, "jkt/a1: nomor closing diberikan dua kali").await;
    wait_until("a new ledger", async || seat.log().contains("numbered and sent again").then_some(())).await;
    let whole =
        format!("select count(*) from ledger where received = int8multirange(int8range(1, 6)) and epoch <> '{epoch}'");
    stage.waits_for_number(&whole, 1).await;
    assert_eq!(stage.postgres.number(CLOSINGS).await, Some(7));
    let (_, status) = status_of(&stage, &["--site", "jkt"]);
    assert!(status.lines().any(|line| line.starts_with("a1") && line.contains("restored from a backup")), "{status}");
}

#[tokio::test]
async fn two_machines_with_one_identity_are_named_and_lose_nothing() {
    let Some(stage) = Stage::start(&["--ask-every", "1"]).await else { return };
    let seats = [SeatMachine::started(&stage.fleet, "jkt", "a1"), SeatMachine::started(&stage.fleet, "jkt", "a1")];
    for (seat, closings) in seats.iter().zip([2, 4]) {
        Calls::of(&seat.journal()).write_new(2);
        stage.waits_for_number(CLOSINGS, closings).await;
    }
    // As if the second one had begun long ago.
    let aged = "update ledger set first = first - interval '1 hour'";
    stage.postgres.connect().await.batch_execute(aged).await.unwrap();
    for (seat, closings) in seats.iter().zip([5, 6]) {
        Calls::of(&seat.journal()).write_new(1);
        stage.waits_for_number(CLOSINGS, closings).await;
    }
    stage.waits_for_number("select count(distinct epoch) from doubled where why = 'older-ledger'", 1).await;
    let (_, status) = status_of(&stage, &["--once"]);
    assert!(status.contains("jkt/a1: two machines use this identity"), "{status}");
    let whole = "select count(*) from ledger where received = int8multirange(int8range(1, 4))";
    assert_eq!(stage.postgres.number(whole).await, Some(2), "each has its own numbers");
    assert_eq!(stage.postgres.number("select count(*) from doubled where why = 'number-twice'").await, Some(0));
}

/// A seat that was upgraded before the centre.
#[tokio::test]
async fn a_closing_of_another_schema_is_kept_and_read_by_the_program_that_knows_it() {
    let Some(mut stage) = Stage::start(&[]).await else { return };
    let client = stage.fleet.connect(Identity::Seat("jkt", "a1")).await;
    let epoch = Uuid::now_v7();
    let mut two: serde_json::Value =
        serde_json::from_slice(&message(epoch, 2, &call(Uuid::now_v7(), 1, "a1", 2))).unwrap();
    two["schema"] = json!(2);
    two["mood"] = json!("good");
    close(&client, "jkt", "a1", epoch, 1, &call(Uuid::now_v7(), 1, "a1", 1)).await;
    let subject = subject::closing(&name("jkt"), &name("a1"));
    send(&client, &subject, "two", two.to_string().as_bytes()).await.unwrap();
    close(&client, "jkt", "a1", epoch, 3, &call(Uuid::now_v7(), 1, "a1", 3)).await;
    stage.waits_for_number(CLOSINGS, 2).await;
    let kept = "select count(*) from unread where why = 'other-schema' and seat = 'a1'";
    stage.waits_for_number(kept, 1).await;
    // It is not asked for again, and status counts it.
    let whole = "select count(*) from ledger where received = int8multirange(int8range(1, 4))";
    assert_eq!(stage.postgres.number(whole).await, Some(1));
    let (_, status) = status_of(&stage, &["--format", "json"]);
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["refused_by_archive"]["other-schema"], 1, "{status}");
    // As a program reads it that knows the schema.
    stage.archive.process.kill();
    let known = "update unread set message = convert_to(replace(convert_from(message, 'UTF8'), '\"schema\":2',
        '\"schema\":1'), 'UTF8')";
    stage.postgres.connect().await.batch_execute(known).await.unwrap();
    stage.archive = start_archive(&stage.fleet, &[]);
    stage.waits_for_number(CLOSINGS, 3).await;
    stage.waits_for_number("select count(*) from unread", 0).await;
}

/// The seat is away and can't be asked; the stream still has everything.
#[tokio::test]
async fn a_lost_part_of_the_database_is_read_again_from_the_stream() {
    let Some(stage) = Stage::start(&[]).await else { return };
    let client = stage.fleet.connect(Identity::Seat("jkt", "a1")).await;
    let epoch = Uuid::now_v7();
    for seq in 1..=6 {
        close(&client, "jkt", "a1", epoch, seq, &call(Uuid::now_v7(), 1, "a1", seq)).await;
    }
    let subject = subject::closing(&name("jkt"), &name("a1"));
    send(&client, &subject, "junk", b"junk").await.unwrap();
    stage.waits_for_number(CLOSINGS, 6).await;
    stage.waits_for_number("select coalesce(sum(count), 0)::int8 from refused", 1).await;
    drop(client);
    let rows = "select id, version, call::text, epoch, seq from closing order by id";
    let contents = async || -> Vec<(Uuid, i64, String, Uuid, i64)> {
        let rows = stage.postgres.connect().await.query(rows, &[]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4))).collect()
    };
    let before = contents().await;
    let lose = "delete from closing where seq < 5; delete from ledger";
    stage.postgres.connect().await.batch_execute(lose).await.unwrap();
    assert_eq!(contents().await.len(), 2);
    let config = stage.fleet.config(Identity::Program("archive"));
    for _ in 0..2 {
        let out = run(&config, &["archive", "--reread", "--lang", "en"]).done();
        assert!(out.contains("CLOSINGS_JKT: closings read again: 7."), "{out}");
        assert_eq!(contents().await, before);
        let whole = "select count(*) from ledger where received = int8multirange(int8range(1, 7))";
        assert_eq!(stage.postgres.number(whole).await, Some(1));
        assert_eq!(stage.postgres.number("select sum(count)::int8 from refused").await, Some(1));
        assert_eq!(stage.postgres.number("select count(*) from doubled").await, Some(0));
    }
}

#[tokio::test]
async fn closings_older_than_what_is_kept_are_dropped_and_no_others() {
    let Some(mut stage) = Stage::start(&[]).await else { return };
    let client = stage.fleet.connect(Identity::Seat("jkt", "a1")).await;
    let now = u64::try_from(chrono::Utc::now().timestamp_millis()).unwrap();
    let epoch = Uuid::now_v7();
    for (seq, days) in [(1, 0), (2, 29), (3, 31), (4, 60)] {
        let id = uuid::Builder::from_unix_timestamp_millis(now - days * 86_400_000, &[7; 10]).into_uuid();
        close(&client, "jkt", "a1", epoch, seq, &call(id, 1, "a1", seq)).await;
    }
    close(&client, "jkt", "a1", epoch, 5, &call(Uuid::from_u128(5), 1, "a1", 5)).await;
    stage.waits_for_number("select count(*) from closing_default", 1).await;
    stage.waits_for_number(CLOSINGS, 5).await;
    // Without the setting everything stays.
    stage.archive.process.kill();
    let config = stage.fleet.config(Identity::Program("archive"));
    let text = std::fs::read_to_string(&config).unwrap();
    let text = text.replace("[database]\n", "[database]\nkeep_days = 30\n");
    assert!(text.contains("keep_days"), "{text}");
    std::fs::write(&config, text).unwrap();
    let mut reader = stage.postgres.connect().await;
    let open = reader.transaction().await.unwrap();
    open.query("select count(*) from closing", &[]).await.unwrap();
    stage.archive = start_archive(&stage.fleet, &[]);
    // While somebody reads, nothing is dropped, and closings are written.
    close(&client, "jkt", "a1", epoch, 6, &call(Uuid::now_v7(), 1, "a1", 6)).await;
    stage.waits_for_number(CLOSINGS, 6).await;
    open.commit().await.unwrap();
    stage.waits_for_number(CLOSINGS, 4).await;
    let kept = stage.postgres.connect().await.query("select seq from closing order by seq", &[]).await.unwrap();
    assert_eq!(kept.iter().map(|row| row.get(0)).collect::<Vec<i64>>(), [1, 2, 5, 6]);
    let whole = "select count(*) from ledger where received = int8multirange(int8range(1, 7))";
    assert_eq!(stage.postgres.number(whole).await, Some(1), "what was dropped does not count as missing");
}

#[tokio::test]
async fn every_verified_broadcast_is_in_the_audit_table_and_no_forged_one() {
    let Some(mut stage) = Stage::start(&[]).await else { return };
    let supervisor = stage.fleet.config(Identity::Supervisor("pusat"));
    run(&supervisor, &["klb", "on", "--reason", "gempa", "--until", "2126-01-01T00:00:00Z", "--wait", "0"]);
    run(&supervisor, &["klb", "off", "--wait", "0"]);
    let client = stage.fleet.connect(Identity::Supervisor("pusat")).await;
    let payload = "schema = 1\nversion = 9999999999\nstate = \"on\"\nsince = \"2026-03-02T06:05:00Z\"\n".to_owned();
    let key: penutup_fleet::wire::key::Key = "klb.center".parse().unwrap();
    let thief = nkeys::KeyPair::new_user();
    let forged =
        penutup_fleet::wire::envelope::Envelope::sign(&thief, key, name("pusat"), 9_999_999_999, payload).unwrap();
    send(&client, "$KV.BROADCAST.klb.center", "forged", &forged.to_bytes()).await.unwrap();
    // It reads the stream at its start, and again every minute.
    stage.archive.process.kill();
    stage.archive = start_archive(&stage.fleet, &[]);
    stage.waits_for_number("select count(*) from audit where key = 'klb.center'", 2).await;
    let query = "select key, signer, name, state, reason, until::text, stored > now() - interval '5 minutes', envelope
        from audit where key = 'klb.center' order by version";
    let rows = stage.postgres.connect().await.query(query, &[]).await.unwrap();
    let text = |at: usize, column| rows[at].get::<_, Option<String>>(column).unwrap_or_default();
    let found: Vec<_> = (0..2).map(|at| [text(at, 0), text(at, 1), text(at, 2), text(at, 3), text(at, 4)]).collect();
    assert_eq!(
        found,
        [["klb.center", "pusat", "Pusat", "on", "gempa"], ["klb.center", "pusat", "Pusat", "off", ""]]
            .map(|row| row.map(str::to_owned))
    );
    assert!(text(0, 5).starts_with("212") && rows[1].get::<_, bool>(6));
    // The signed message itself can be verified later.
    let envelope = penutup_fleet::wire::envelope::Envelope::parse(rows[0].get(7)).unwrap();
    assert_eq!(envelope.by, name("pusat"));
    assert!(!stage.archive.stderr().contains("udit"), "{}", stage.archive.stderr());
}

/// A database on another machine is reached over TLS, with a certificate of the configured authority, or not at all.
#[tokio::test]
async fn a_database_that_is_not_on_a_socket_is_reached_over_tls_or_not_at_all() {
    let Some(mut stage) = Stage::start(&[]).await else { return };
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (pem, key) = (own.cert.pem(), own.signing_key.serialize_pem());
    stage.archive.process.kill();
    let port = stage.postgres.restart_on_port(Some((&pem, &key)));
    let config = stage.fleet.config(Identity::Program("archive"));
    let text = std::fs::read_to_string(&config).unwrap();
    let socket = format!("host = \"{}\"\n", stage.postgres.host().display());
    assert!(text.contains(&socket), "{text}");
    let reached_at = |host: &str, ca: Option<&str>| {
        let ca = ca.map(|ca| format!("ca = \"{ca}\"\n")).unwrap_or_default();
        let there = format!("host = \"{host}\"\nport = {port}\n{ca}");
        std::fs::write(&config, text.replace(&socket, &there)).unwrap();
    };
    // Not on this machine, and no authority: nothing is sent.
    reached_at("db.example", None);
    let refused = run(&config, &["archive", "--lang", "en"]);
    assert!(refused.status == 2 && refused.err.contains("would not be encrypted"), "{refused:?}");

    let folder = config.parent().unwrap();
    std::fs::write(folder.join("db.pem"), &pem).unwrap();
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("other.pem"), other.cert.pem()).unwrap();
    let client = stage.fleet.connect(Identity::Seat("jkt", "a1")).await;
    close(&client, "jkt", "a1", Uuid::now_v7(), 1, &call(Uuid::now_v7(), 1, "a1", 1)).await;
    reached_at("localhost", Some("other.pem"));
    let mut stranger = start_archive(&stage.fleet, &[]);
    waits_for_log(&stranger, "certificate").await;
    stranger.process.kill();
    reached_at("localhost", Some("db.pem"));
    stage.archive = start_archive(&stage.fleet, &[]);
    stage.waits_for_number(CLOSINGS, 1).await;
    let encrypted = "select count(*) from pg_stat_ssl join pg_stat_activity using (pid)
        where ssl = $1 and application_name = 'penutup-fleet'";
    let count =
        async |ssl: bool| -> i64 { stage.postgres.connect().await.query_one(encrypted, &[&ssl]).await.unwrap().get(0) };
    assert!(count(true).await > 0 && count(false).await == 0);

    // A server without TLS gets no password and no closing.
    stage.archive.process.kill();
    stage.postgres.stop();
    stage.postgres.restart();
    let port_again = stage.postgres.restart_on_port(None);
    let text =
        std::fs::read_to_string(&config).unwrap().replace(&format!("port = {port}"), &format!("port = {port_again}"));
    std::fs::write(&config, text).unwrap();
    stage.archive = start_archive(&stage.fleet, &[]);
    waits_for_log(&stage.archive, "TLS").await;
}
