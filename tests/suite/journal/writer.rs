//! The journal's thread without failures: one row per call, several prompters, deletion of expired calls, and calls left
//! open by running and by crashed processes.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use penutup::closing::ending::Outcome;
use penutup::journal::record::Record;
use penutup::journal::store::{Change, Opened, Store};
use uuid::Uuid;

use super::*;

fn save(store: &mut Store, record: Record) {
    let record = Record { id: Uuid::now_v7(), version: 1, ..record };
    store.save(Uuid::now_v7(), std::iter::once(Change::Save(&record))).unwrap();
}

/// Writes a call as a prompter that crashes later.
fn left_open(path: &Path, call: u64) {
    let Opened { mut store, .. } = Store::open(path).unwrap();
    let record = ticked(call, 1);
    let changed = record.start + TimeDelta::seconds(17);
    save(&mut store, Record { changed, ..record });
}

#[test]
fn a_call_is_one_row_from_its_first_record_on() {
    let place = Place::new();
    let (writer, troubles) = start(&place.journal());
    let mut versions = vec![];
    let mut ids = vec![];
    for (record, ticks) in [(begun(1), 0), (ticked(1, 1), 1), (ticked(1, 2), 2), (ended(1), 2)] {
        let end = record.end;
        send(&writer, record);
        settle(&writer);
        let [call] = &found(&place.journal())[..] else { panic!("one row") };
        assert_eq!((call.ticks, call.outcome()), (ticks, end.map(|(_, how)| how)));
        versions.push(call.record.version);
        ids.push(call.record.id);
    }
    assert!(versions.is_sorted() && versions[0] < versions[3], "{versions:?}");
    ids.dedup();
    assert_eq!(ids.len(), 1);
    assert_eq!(ids[0].get_version_num(), 7);
    finish(writer, &troubles);
}

/// A thread that ends together with the process crashes Wine.
#[test]
fn a_journal_that_is_finished_has_no_thread_any_more() {
    let place = Place::new();
    let is_over = Arc::new(AtomicBool::new(false));
    let over = Arc::clone(&is_over);
    let spawn = |work: Box<dyn FnOnce() + Send>| {
        thread::Builder::new().spawn(move || {
            work();
            // Later than the journal is closed.
            thread::sleep(Duration::from_millis(50));
            over.store(true, Ordering::SeqCst);
        })
    };
    let writer = Writer::start(config(&place.journal()), |_| {}, spawn);
    send(&writer, ended(1));
    assert!(matches!(writer.finish(PATIENCE), Finish::Written));
    assert!(is_over.load(Ordering::SeqCst));
}

#[test]
fn undoing_the_end_of_a_call_reopens_it_in_the_journal() {
    let place = Place::new();
    let (writer, troubles) = start(&place.journal());
    send(&writer, ended(1));
    send(&writer, begun(2));
    settle(&writer);
    send(&writer, ticked(1, 1));
    settle(&writer);
    let calls = found(&place.journal());
    assert_eq!(calls.iter().map(|c| (c.ticks, c.outcome())).collect::<Vec<_>>(), [(1, None), (0, None)]);
    let again = Record { end: Some((ended(1).start, Outcome::Left)), ..ticked(1, 1) };
    send(&writer, again);
    settle(&writer);
    let calls = found(&place.journal());
    assert_eq!(calls.iter().map(Found::outcome).collect::<Vec<_>>(), [Some(Outcome::Left), None]);
    finish(writer, &troubles);
}

#[test]
fn a_completely_undone_call_is_removed() {
    let place = Place::new();
    let (writer, troubles) = start(&place.journal());
    send(&writer, ended(1));
    send(&writer, begun(2));
    settle(&writer);
    writer.remove(2);
    assert_eq!(settle(&writer).report.total.closings, 1);
    assert_eq!(found(&place.journal()).len(), 1);
    // A call that was removed before it was written leaves no row, and an undone call can begin again.
    send(&writer, begun(3));
    writer.remove(3);
    writer.remove(99);
    send(&writer, ticked(2, 1));
    settle(&writer);
    assert_eq!(found(&place.journal()).iter().map(|c| c.ticks).collect::<Vec<_>>(), [2, 1]);
    finish(writer, &troubles);
}

#[test]
fn a_written_record_is_read_back_whole() {
    let place = Place::new();
    let (writer, troubles) = start(&place.journal());
    let mut record = ended(3);
    record.steps[0].undone = 2;
    send(&writer, record.clone());
    finish(writer, &troubles);
    let [call] = &found(&place.journal())[..] else { panic!("one call") };
    let Record { id, version, changed, ref seat, .. } = call.record;
    assert_eq!((version, changed, seat.as_deref()), (1, record.end.unwrap().0, Some("07")));
    assert_eq!(call.record, Record { call: 0, id, version, changed, seat: seat.clone(), ..record });
}

#[test]
fn two_prompters_write_at_once_without_loss() {
    let place = Place::new();
    let path = place.journal();
    let prompters: Vec<_> = (0..2)
        .map(|prompter| {
            let path = path.clone();
            thread::spawn(move || {
                let (writer, troubles) = start(&path);
                for call in 0..500 {
                    for mut record in [begun(call), ticked(call, 1), ended(call)] {
                        record.rule = format!("{prompter}-{call}");
                        send(&writer, record);
                        if call % 25 == 0 {
                            settle(&writer);
                        }
                    }
                }
                finish(writer, &troubles);
            })
        })
        .collect();
    for prompter in prompters {
        prompter.join().unwrap();
    }
    let calls = found(&path);
    let mut rules: Vec<&str> = calls.iter().map(|c| c.record.rule.as_str()).collect();
    rules.sort_unstable();
    rules.dedup();
    assert_eq!((calls.len(), rules.len()), (1000, 1000));
    assert!(calls.iter().all(|c| c.outcome() == Some(Outcome::Ended(Ending::Complete)) && c.ticks == 2));
    assert_eq!(place.names("seat-"), [""; 0]);
}

#[test]
fn calls_left_open_by_crashed_processes_are_closed_and_running_ones_are_not() {
    let place = Place::new();
    let path = place.journal();
    let (running, running_troubles) = start(&path);
    send(&running, ticked(1, 1));
    settle(&running);
    left_open(&path, 2);
    let stale_lock = place.0.path().join(format!("seat-{}.lock", Uuid::now_v7()));
    fs::write(&stale_lock, "").unwrap();

    let (later, troubles) = start(&path);
    settle(&later);
    let calls = found(&path);
    assert_eq!(calls[0].outcome(), None);
    let last_writing = ticked(2, 1).start + TimeDelta::seconds(17);
    assert_eq!(calls[1].record.end, Some((last_writing, Outcome::ProgramClosed)));
    assert!(!stale_lock.exists());

    // A second pass closes nothing more.
    let (third, third_troubles) = start(&path);
    settle(&third);
    assert_eq!(found(&path), calls);
    for (writer, troubles) in [(running, running_troubles), (later, troubles), (third, third_troubles)] {
        finish(writer, &troubles);
    }
    assert_eq!(place.names("seat-"), [""; 0]);
}

#[test]
fn a_call_closed_by_mistake_continues_with_its_next_tick() {
    let place = Place::new();
    let path = place.journal();
    let (writer, troubles) = start(&path);
    send(&writer, ticked(1, 1));
    settle(&writer);
    // The lock file is deleted, so the next prompter can't see that this one is running.
    for name in place.names("seat-") {
        fs::remove_file(place.0.path().join(name)).unwrap();
    }
    if !place.names("seat-").is_empty() {
        // The lock file in use can't be deleted there.
        let test = "a_call_closed_by_mistake_continues_with_its_next_tick";
        trouble::skipped(test, "a removed file keeps its name here until it is closed");
        return finish(writer, &troubles);
    }
    let (other, other_troubles) = start(&path);
    settle(&other);
    assert_eq!(found(&path)[0].outcome(), Some(Outcome::ProgramClosed));
    send(&writer, ticked(1, 2));
    settle(&writer);
    assert_eq!((found(&path)[0].outcome(), found(&path)[0].ticks), (None, 2));
    // From now on it counts as running again.
    let (third, third_troubles) = start(&path);
    settle(&third);
    assert_eq!(found(&path)[0].outcome(), None);
    for (writer, troubles) in [(writer, troubles), (other, other_troubles), (third, third_troubles)] {
        finish(writer, &troubles);
    }
}

#[test]
fn expired_calls_are_deleted_at_the_start() {
    let place = Place::new();
    let path = place.journal();
    let (writer, troubles) = start(&path);
    let now = Utc::now();
    let aged = |call: u64, days: i64| {
        let mut record = ended(call);
        let moved = now - TimeDelta::days(days) - record.start;
        record.start += moved;
        record.end = record.end.map(|(at, how)| (at + moved, how));
        record
    };
    for call in 0..1200 {
        send(&writer, aged(call, 91));
    }
    send(&writer, aged(2000, 89));
    send(&writer, aged(2001, 0));
    finish(writer, &troubles);

    let (writer, troubles) = start_with(Config { days: 90, ..config(&path) });
    // The first recap may come between two batches of the deletion, which ends with the writer at the latest.
    while found(&path).len() > 2 {
        settle(&writer);
    }
    finish(writer, &troubles);
    assert_eq!(found(&path).len(), 2);
}

/// Deletes what began before this time; returns how many calls.
fn forget(store: &mut Store, before_ms: i64) -> u64 {
    store.forget(before_ms, at("2026-11-25T00:00:00Z")).unwrap().map_or(0, |forgotten| forgotten.calls)
}

#[test]
fn a_clock_that_is_wrong_by_years_deletes_nothing() {
    let place = Place::new();
    let path = place.journal();
    let Opened { mut store, .. } = Store::open(&path).unwrap();
    let record = ended(1);
    save(&mut store, record.clone());
    let before = store.cutoff(90, at("2099-01-01T00:00:00Z")).unwrap();
    assert!(before < record.start.timestamp_millis());
    assert_eq!(forget(&mut store, before), 0);
    // A call that a wrong clock dated far ahead does not make older ones expire.
    let far = Record { start: at("2099-01-01T00:00:00Z"), ..ended(2) };
    save(&mut store, far);
    let before = store.cutoff(90, at("2027-06-01T00:00:00Z")).unwrap();
    assert_eq!(forget(&mut store, before), 1);
    assert_eq!(found(&path).len(), 1);
}

#[test]
fn deleted_calls_are_gone_from_the_file() {
    let place = Place::new();
    let path = place.journal();
    let Opened { mut store, .. } = Store::open(&path).unwrap();
    for (call, word) in [(1, "kata-lama"), (2, "kata-baru")] {
        save(&mut store, Record { rule: word.into(), revision: word.into(), seat: Some(word.into()), ..ended(call) });
    }
    let between = ended(2).start.timestamp_millis();
    assert_eq!(forget(&mut store, between), 1);
    assert_nowhere_in(place.0.path(), &["kata-lama"]);
    assert_eq!(found(&path)[0].record.rule, "kata-baru");
    assert_eq!(forget(&mut store, i64::MAX), 1);
    assert_nowhere_in(place.0.path(), &["kata-baru"]);
}

#[test]
fn the_recap_counts_only_the_calls_of_its_day() {
    let place = Place::new();
    let (writer, troubles) = start(&place.journal());
    let yesterday = {
        let mut record = ended(9);
        record.start -= TimeDelta::days(1);
        record
    };
    send(&writer, yesterday);
    let mut omitted = ticked(70, 0);
    omitted.end = Some((omitted.start, Outcome::Ended(Ending::Omitted)));
    omitted.cost = vec!["Akurasi".into(), "FCR".into()];
    for record in [ended(1), ended(2), omitted, begun(71)] {
        send(&writer, record);
    }
    let tomorrow = {
        let mut record = ended(8);
        record.start = at("2026-11-24T17:00:00Z");
        record
    };
    send(&writer, tomorrow);
    let recap = recap(&writer, "2026-11-24");
    assert!(recap.whole);
    let (total, hours) = (&recap.report.total, recap.report.by_hour());
    assert_eq!((total.closings, total.complete, total.costing), (3, 2, 1));
    assert_eq!(total.cost, [("Akurasi".to_owned(), 1), ("FCR".to_owned(), 1)]);
    assert_eq!(total.left_out, [("download".to_owned(), 1), ("terima-kasih".to_owned(), 1)]);
    assert_eq!(total.outcomes()[0], (Outcome::Ended(Ending::Complete), 2));
    assert_eq!(hours.map(|hours| (hours[12], hours[13])), Some((2, 1)));
    finish(writer, &troubles);
}
