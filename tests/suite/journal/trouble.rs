//! Failures of a journal while a prompter runs. The prompter continues and reports the failure in one line; calls kept in
//! memory are written as soon as that is possible, so nothing is lost.

use std::fs;
use std::io::Write as _;

use penutup::closing::ending::Outcome;
use rusqlite::Connection;

use super::*;
use crate::disk::Disk;

/// Marks a journal as written by a newer program.
fn mark_as_newer(path: &Path) {
    Connection::open(path).unwrap().pragma_update(None, "user_version", 99).unwrap();
}

/// The journal on such a disk.
fn journal_on(disk: &Disk) -> PathBuf {
    disk.path().join("data/journal.db")
}

pub fn skipped(test: &str, why: &str) {
    // Straight to the stream: a skipped test must be seen among those that passed.
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {why}");
}

#[test]
fn calls_are_kept_while_the_disk_is_full_and_written_afterwards() {
    let Some(disk) = Disk::of(1) else {
        return skipped(
            "calls_are_kept_while_the_disk_is_full_and_written_afterwards",
            "no disk can be mounted here (not root)",
        );
    };
    let path = journal_on(&disk);
    let (writer, troubles) = start(&path);
    send(&writer, ended(1));
    settle(&writer);
    disk.fill();
    // SQLite's log has free pages, so the first writes still succeed.
    let mut call = 2;
    while troubles.try_recv().map(|t| assert!(matches!(t, Trouble::Began(_)))).is_err() {
        send(&writer, ended(call));
        settle(&writer);
        call += 1;
    }
    send(&writer, begun(call));
    assert_eq!(settle(&writer).report.total.closings, call - 1, "the recap includes calls that are only in memory");
    disk.empty();
    assert_eq!(next_message(&troubles), "Jurnal tertulis lagi");
    send(&writer, ended(call));
    finish(writer, &troubles);
    let calls = found(&path);
    assert_eq!(calls.len() as u64, call);
    assert!(calls.iter().all(|c| c.outcome() == Some(Outcome::Ended(Ending::Complete))));
}

#[test]
fn calls_are_kept_while_the_folder_is_read_only_and_written_afterwards() {
    let Some(disk) = Disk::of(1) else {
        return skipped(
            "calls_are_kept_while_the_folder_is_read_only_and_written_afterwards",
            "no disk can be mounted here (not root)",
        );
    };
    let path = journal_on(&disk);
    fs::create_dir(path.parent().unwrap()).unwrap();
    disk.remount("ro");
    let (writer, troubles) = start(&path);
    send(&writer, ended(1));
    assert_eq!(
        next_message(&troubles),
        "Jurnal belum tertulis: folder atau disknya hanya dapat dibaca; closing disimpan dahulu dan dicoba lagi"
    );
    let recap = settle(&writer);
    assert_eq!((recap.whole, recap.report.total.closings), (false, 1));
    send(&writer, ended(2));
    disk.remount("rw");
    assert_eq!(next_message(&troubles), "Jurnal tertulis lagi");
    settle(&writer);
    assert_eq!(found(&path).len(), 2);
    finish(writer, &troubles);
    // A folder that became read-only can still be read for a report.
    disk.remount("ro");
    assert_eq!(found(&path).len(), 2);
    disk.remount("rw");
}

#[cfg(unix)]
#[test]
fn calls_are_kept_while_the_folder_belongs_to_another_user() {
    use std::os::unix::fs::PermissionsExt as _;

    let place = Place::new();
    let mode = |mode| fs::set_permissions(place.0.path(), fs::Permissions::from_mode(mode)).unwrap();
    mode(0o555);
    if fs::write(place.0.path().join("x"), "").is_ok() {
        return skipped("calls_are_kept_while_the_folder_belongs_to_another_user", "root may write everywhere");
    }
    let (writer, troubles) = start(&place.journal());
    send(&writer, ended(1));
    assert_eq!(
        next_message(&troubles),
        "Jurnal belum tertulis: tidak ada izin; closing disimpan dahulu dan dicoba lagi"
    );
    mode(0o755);
    assert_eq!(next_message(&troubles), "Jurnal tertulis lagi");
    finish(writer, &troubles);
    assert_eq!(found(&place.journal()).len(), 1);
}

#[test]
fn calls_are_kept_while_a_file_is_in_place_of_the_folder() {
    let place = Place::new();
    let folder = place.0.path().join("data");
    fs::write(&folder, "").unwrap();
    let path = folder.join("journal.db");
    let (writer, troubles) = start(&path);
    assert!(next_message(&troubles).starts_with("Jurnal belum tertulis: "));
    for call in 0..20 {
        send(&writer, ended(call));
    }
    assert_eq!(settle(&writer).report.total.closings, 20);
    fs::remove_file(&folder).unwrap();
    assert_eq!(next_message(&troubles), "Jurnal tertulis lagi");
    finish(writer, &troubles);
    assert_eq!(found(&path).len(), 20);
}

#[test]
fn calls_kept_in_memory_are_bounded_and_the_newest_stay() {
    let place = Place::new();
    let folder = place.0.path().join("data");
    fs::write(&folder, "").unwrap();
    let path = folder.join("journal.db");
    let (writer, troubles) = start(&path);
    next_message(&troubles);
    // A call that never ended is dropped before ended ones.
    send(&writer, begun(0));
    for call in 1..=10_004 {
        send(&writer, ended(call));
    }
    send(&writer, begun(10_005));
    settle(&writer);
    fs::remove_file(&folder).unwrap();
    assert_eq!(next_message(&troubles), "Jurnal tertulis lagi; 6 closing lama tidak tertampung");
    finish(writer, &troubles);
    let calls = found(&path);
    assert_eq!(calls.len(), 10_000);
    assert_eq!(calls[0].record.start, begun(6).start);
    assert_eq!(calls[9_999].outcome(), None);
}

#[test]
fn calls_that_cannot_be_written_at_the_end_are_counted() {
    let place = Place::new();
    let file = place.0.path().join("data");
    fs::write(&file, "").unwrap();
    let (writer, troubles) = start(&file.join("journal.db"));
    next_message(&troubles);
    send(&writer, ended(1));
    send(&writer, begun(2));
    assert_eq!(unwritten(writer), 2);
}

/// The files of calls that wait beside a journal for the next start.
fn waiting(folder: &Path) -> Vec<PathBuf> {
    penutup::journal::spill::all(folder)
}

#[test]
fn calls_locked_out_until_the_end_are_imported_by_the_next_start() {
    let place = Place::new();
    let path = place.journal();
    let (writer, troubles) = start(&path);
    send(&writer, ended(1));
    settle(&writer);
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    for call in 2..=200 {
        send(&writer, ended(call));
    }
    send(&writer, begun(201));
    next_message(&troubles);
    let end = writer.finish(PATIENCE);
    let line = penutup::diagnostics::journal::finish(&end, Lang::Id.words()).unwrap();
    assert!(matches!(end, Finish::Pending { count: 200, .. }), "{end:?}");
    assert!(line.contains("200 closing belum masuk jurnal (sedang dipakai program lain)"), "{line}");
    assert!(line.contains(waiting(place.0.path())[0].to_str().unwrap()), "{line}");
    other.execute_batch("COMMIT").unwrap();

    let (writer, troubles) = start(&path);
    settle(&writer);
    assert_eq!(next_message(&troubles), "200 closing yang tertunda sudah masuk jurnal");
    finish(writer, &troubles);
    assert!(waiting(place.0.path()).is_empty());
    let calls = found(&path);
    assert_eq!(calls.len(), 201);
    assert_eq!(
        calls.iter().filter(|c| c.outcome() == Some(Outcome::ProgramClosed)).count(),
        1,
        "the call that was running"
    );
    assert!(calls.iter().all(|c| c.outcome().is_some() && c.record.seat.as_deref() == Some("07")));
}

#[test]
fn on_a_full_or_read_only_disk_pending_calls_go_elsewhere_or_are_reported_lost() {
    let Some(disk) = Disk::of(1) else {
        return skipped(
            "on_a_full_or_read_only_disk_pending_calls_go_elsewhere_or_are_reported_lost",
            "no disk can be mounted here (not root)",
        );
    };
    let path = journal_on(&disk);
    fs::create_dir(path.parent().unwrap()).unwrap();
    disk.remount("ro");
    for elsewhere in [true, false] {
        let state = tempfile::tempdir().unwrap();
        let beside = path.parent().unwrap().to_owned();
        let spill = if elsewhere { vec![beside, state.path().into()] } else { vec![beside] };
        let (writer, troubles) = start_with(Config { spill, ..config(&path) });
        next_message(&troubles);
        for call in 0..3 {
            send(&writer, ended(call));
        }
        let end = writer.finish(PATIENCE);
        let line = penutup::diagnostics::journal::finish(&end, Lang::Id.words()).unwrap();
        if elsewhere {
            assert!(matches!(end, Finish::Pending { count: 3, .. }), "{end:?}");
            assert_eq!(waiting(state.path()).len(), 1);
        } else {
            assert_eq!(line, "3 closing hilang, jurnal tidak dapat ditulis: folder atau disknya hanya dapat dibaca");
        }
    }
}

#[test]
fn pending_calls_are_imported_once() {
    let place = Place::new();
    let path = place.journal();
    let blocked = place.0.path().join("blocked");
    fs::write(&blocked, "").unwrap();
    let spill = vec![place.0.path().to_owned()];
    let (writer, troubles) = start_with(Config { spill, ..config(&blocked.join("journal.db")) });
    next_message(&troubles);
    send(&writer, ended(1));
    assert_eq!(unwritten(writer), 1);
    let file = waiting(place.0.path())[0].clone();
    let bytes = fs::read(&file).unwrap();
    // As after a crash between importing the file and removing it.
    for _ in 0..2 {
        fs::write(&file, &bytes).unwrap();
        let (writer, _troubles) = start(&path);
        assert_eq!(unwritten(writer), 0);
    }
    assert_eq!(found(&path).len(), 1);
    // A file that can't be parsed is renamed and does not stop the writing.
    fs::write(&file, "rusak").unwrap();
    let (writer, troubles) = start(&path);
    send(&writer, ended(2));
    finish(writer, &troubles);
    assert_eq!((found(&path).len(), waiting(place.0.path()).len()), (2, 0));
    assert_eq!(place.names("journal-pending-").len(), 1, "it is kept under another name");
}

#[test]
fn a_file_that_the_settings_name_by_mistake_is_never_touched() {
    for text in ["schema = 1\n", "", "bukan basis data "] {
        let place = Place::new();
        let path = place.0.path().join("rules.toml");
        let text = text.repeat(300);
        fs::write(&path, &text).unwrap();
        let named = Config { named_at: Some("settings.toml:12".into()), spill: vec![], ..config(&path) };
        let (writer, troubles) = start_with(named);
        send(&writer, ended(1));
        if text.is_empty() {
            // An empty file holds nothing that could be lost.
            finish(writer, &troubles);
            continue;
        }
        let line = next_message(&troubles);
        assert!(line.contains("settings.toml:12: journal.path bukan jurnal penutup"), "{line}");
        assert_eq!(unwritten(writer), 1);
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        assert_eq!(place.names("").len(), 1, "nothing is made beside it: {:?}", place.names(""));
    }
}

#[test]
fn a_journal_that_the_settings_name_is_used_and_set_aside_when_it_is_damaged() {
    let place = Place::new();
    let path = place.journal();
    let named = || Config { named_at: Some("settings.toml:12".into()), ..config(&path) };
    let (writer, troubles) = start_with(named());
    for call in 0..300 {
        send(&writer, ended(call));
    }
    finish(writer, &troubles);
    let mut bytes = fs::read(&path).unwrap();
    bytes[4096..].fill(0xA5);
    fs::write(&path, &bytes).unwrap();
    let (writer, troubles) = start_with(named());
    send(&writer, ended(500));
    assert!(next_message(&troubles).starts_with("Jurnal rusak dan disisihkan: "));
    finish(writer, &troubles);
    assert_eq!(found(&path).len(), 1);
}

#[cfg(unix)]
#[test]
fn a_pipe_named_as_the_journal_is_refused_without_blocking() {
    let place = Place::new();
    let path = place.0.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let (writer, troubles) =
        start_with(Config { named_at: Some("settings.toml:1".into()), spill: vec![], ..config(&path) });
    assert!(next_message(&troubles).contains("ini bukan berkas biasa"));
    drop(writer);
}

#[cfg(unix)]
#[test]
fn the_journal_and_its_files_are_readable_by_the_user_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let place = Place::new();
    let path = place.0.path().join("data/journal.db");
    // A journal of an earlier version, readable by everybody.
    fs::create_dir(path.parent().unwrap()).unwrap();
    fs::write(&path, "").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    for path in [path, place.0.path().join("new/journal.db")] {
        let (writer, troubles) = start(&path);
        send(&writer, begun(1));
        settle(&writer);
        let files: Vec<PathBuf> = fs::read_dir(path.parent().unwrap()).unwrap().map(|e| e.unwrap().path()).collect();
        assert!(files.len() >= 5, "database, its log and index, two locks: {files:?}");
        for file in files {
            assert_eq!(mode(&file), 0o600, "{file:?}");
        }
        finish(writer, &troubles);
    }
    assert_eq!(mode(&place.0.path().join("new")), 0o700);
}

#[test]
fn a_lock_that_is_never_released_does_not_stop_writing() {
    let place = Place::new();
    let path = place.journal();
    let lock = fs::File::create(path.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    let (writer, troubles) = start(&path);
    send(&writer, ended(1));
    finish(writer, &troubles);
    assert_eq!(found(&path).len(), 1);
}

#[test]
fn calls_are_kept_while_another_process_locks_the_journal() {
    let place = Place::new();
    let path = place.journal();
    let (writer, troubles) = start(&path);
    send(&writer, begun(1));
    settle(&writer);
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    send(&writer, ended(1));
    send(&writer, ended(2));
    assert_eq!(
        next_message(&troubles),
        "Jurnal belum tertulis: sedang dipakai program lain; closing disimpan dahulu dan dicoba lagi"
    );
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(next_message(&troubles), "Jurnal tertulis lagi");
    finish(writer, &troubles);
    let calls = found(&path);
    assert_eq!(calls.iter().map(Found::outcome).collect::<Vec<_>>(), [Some(Outcome::Ended(Ending::Complete)); 2]);
}

#[test]
fn a_file_that_is_no_database_is_set_aside() {
    let place = Place::new();
    let path = place.journal();
    fs::write(&path, "bukan basis data ".repeat(500)).unwrap();
    let (writer, troubles) = start(&path);
    let line = next_message(&troubles);
    assert!(line.starts_with("Jurnal rusak dan disisihkan: ") && line.contains("journal-rusak-"), "{line}");
    send(&writer, ended(1));
    finish(writer, &troubles);
    assert_eq!(found(&path).len(), 1);
    let [aside] = &place.names("journal-rusak-")[..] else { panic!("{:?}", place.names("")) };
    assert_eq!(fs::read_to_string(place.0.path().join(aside)).unwrap(), "bukan basis data ".repeat(500));
}

#[test]
fn a_journal_whose_damage_is_found_while_reading_is_set_aside() {
    let place = Place::new();
    let path = place.journal();
    let (writer, troubles) = start(&path);
    for call in 0..300 {
        send(&writer, ended(call));
    }
    finish(writer, &troubles);
    // The first page stays valid and still identifies the file as a journal.
    let mut bytes = fs::read(&path).unwrap();
    bytes[4096..].fill(0xA5);
    fs::write(&path, &bytes).unwrap();

    let (writer, troubles) = start(&path);
    send(&writer, ended(500));
    assert!(next_message(&troubles).starts_with("Jurnal rusak dan disisihkan: "));
    finish(writer, &troubles);
    assert_eq!(found(&path).len(), 1);
    assert_eq!(fs::read(place.0.path().join(&place.names("journal-rusak-")[0])).unwrap(), bytes);
}

#[test]
fn two_prompters_set_a_damaged_journal_aside_once() {
    for _ in 0..20 {
        let place = Place::new();
        let path = place.journal();
        fs::write(&path, "rusak".repeat(1000)).unwrap();
        let both = [1, 2].map(|call| {
            let (writer, troubles) = start(&path);
            send(&writer, ended(call));
            (writer, troubles)
        });
        for (writer, _) in both {
            assert_eq!(unwritten(writer), 0);
        }
        assert_eq!(found(&path).len(), 2);
        assert_eq!(place.names("journal-rusak-").len(), 1);
    }
}

#[cfg(unix)]
#[test]
fn a_removed_journal_is_created_again_with_the_running_call() {
    let place = Place::new();
    let path = place.journal();
    let (writer, troubles) = start(&path);
    send(&writer, ticked(1, 1));
    settle(&writer);
    for name in place.names("journal.db") {
        fs::remove_file(place.0.path().join(name)).unwrap();
    }
    send(&writer, begun(2));
    finish(writer, &troubles);
    assert_eq!(found(&path).iter().map(|c| c.ticks).collect::<Vec<_>>(), [1, 0]);
}

#[test]
fn a_clock_that_jumps_back_gives_no_negative_duration() {
    let place = Place::new();
    let path = place.journal();
    let (writer, troubles) = start(&path);
    let mut record = ended(1);
    let end = record.start - TimeDelta::hours(2);
    record.end = Some((end, Outcome::Ended(Ending::Complete)));
    send(&writer, record);
    let recap = settle(&writer);
    assert_eq!(recap.report.durations.map(|d| d.longest), Some(0));
    finish(writer, &troubles);
    // The times are kept as measured.
    assert_eq!(found(&path)[0].record.end.map(|(at, _)| at), Some(end));
}

#[test]
fn an_older_program_reports_a_newer_journal_and_leaves_it_untouched() {
    let place = Place::new();
    let path = place.journal();
    let (older, troubles) = start(&path);
    send(&older, ended(1));
    settle(&older);
    // The older program still has it open.
    mark_as_newer(&path);
    send(&older, ended(2));
    let line = next_message(&troubles);
    assert!(line.contains("dibuat penutup yang lebih baru (format 99, di sini 4)"), "{line}");
    assert_eq!(unwritten(older), 1);

    let before = fs::read(&path).unwrap();
    let (older, troubles) = start(&path);
    send(&older, ended(4));
    assert!(next_message(&troubles).contains("lebih baru"));
    assert_eq!(unwritten(older), 1);
    assert_eq!(fs::read(&path).unwrap(), before, "an older program touches nothing");
    let count: i64 =
        Connection::open(&path).unwrap().query_row("SELECT count(*) FROM call", [], |row| row.get(0)).unwrap();
    assert_eq!(count, 1);
}

#[test]
fn a_database_of_another_program_is_left_untouched() {
    let place = Place::new();
    let path = place.journal();
    let conn = Connection::open(&path).unwrap();
    conn.execute_batch("CREATE TABLE notes (text TEXT); INSERT INTO notes VALUES ('penting')").unwrap();
    drop(conn);
    let before = fs::read(&path).unwrap();
    let (writer, troubles) = start(&path);
    assert!(next_message(&troubles).contains("berkas ini bukan jurnal penutup"));
    send(&writer, ended(1));
    assert_eq!(unwritten(writer), 1);
    assert_eq!(fs::read(&path).unwrap(), before);
}
