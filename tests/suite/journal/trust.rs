//! What QA can rely on: what was deleted is told, a copy is whole or says that it is not, and a recording's call is found.

#[cfg(unix)]
use super::report::column;
use super::report::write;
use super::*;
use crate::support::Home;
#[cfg(unix)]
use crate::term::{Term, files_below};

fn journal_of(home: &Home, calls: impl IntoIterator<Item = Record>) {
    write(home, Some("07"), calls);
}

#[cfg(unix)]
#[test]
fn a_deletion_asks_first_and_is_told_by_export_and_report() {
    let home = Home::new();
    journal_of(&home, [ended(1), ended(2)]);
    let question = "Hapus selamanya 2 closing dari 24/11/2026 s.d. 24/11/2026? (ya/tidak)";
    // The answer is typed in the same row, also after the largest number.
    for lang in [Lang::Id, Lang::En] {
        let longest = lang.words().journal.forget_ask("1.234.567", "24/11/2026", "24/11/2026");
        assert!(longest.len() < 79, "{longest}");
    }
    let mut term = Term::start(&home.penutup(["journal", "forget", "--all"]).command());
    term.shows(question).send("tidak\r").shows("Tidak ada closing yang dihapus");
    assert_eq!(term.ends().exit_code(), 1);
    assert_eq!(found(&home.data("journal.db")).len(), 2);
    let mut term = Term::start(&home.penutup(["journal", "forget", "--all"]).command());
    term.shows(question).send("ya\r").shows("2 closing dari 24/11/2026 s.d. 24/11/2026 dihapus dari jurnal");
    term.ends();

    let ran = home.penutup(["report"]).run();
    assert!(ran.out.contains("dihapus 2 closing dari 24/11/2026 s.d. 24/11/2026") && ran.err.is_empty(), "{ran:?}");
    let ran = home.penutup(["report", "--format", "csv"]).run();
    assert!(ran.err.contains("dihapus 2 closing") && !ran.out.contains("dihapus"), "{ran:?}");
    let export = home.penutup(["journal", "export"]).ok();
    assert!(export.contains("{\"forgotten\":{\"id\":\""), "{export}");
    home.write("one.jsonl", &export);
    home.write("again.jsonl", &export);
    let merged = home.penutup(["report", "one.jsonl", "again.jsonl"]).run();
    assert_eq!(merged.out.matches("dihapus 2 closing").count(), 1, "{merged:?}");
    let other_days = home.penutup(["report", "--from", "2026-11-25", "one.jsonl"]).run();
    assert!(!other_days.out.contains("dihapus"), "only where the days overlap: {other_days:?}");
    for bad in [export.replace("\"calls\":2,", "\"calls\":-2,"), export.replace("\"first_ms\":1", "\"first_ms\":9")] {
        assert_ne!(bad, export);
        home.write("bad.jsonl", bad);
        assert!(home.penutup(["report", "bad.jsonl"]).failed().contains("bad.jsonl:2: isi \"forgotten\""));
    }
}

#[test]
fn an_export_of_an_older_version_is_read() {
    let home = Home::new();
    journal_of(&home, [ended(1)]);
    let export = home.penutup(["journal", "export"]).ok();
    let older = export.replace("{\"penutup_journal\":2,", "{\"penutup_journal\":1,");
    assert_ne!(older, export);
    home.write("older.jsonl", older);
    assert_eq!(home.penutup(["report", "--format", "json", "older.jsonl"]).json()["total"]["closings"], 1);
    home.write("newer.jsonl", export.replace("{\"penutup_journal\":2,", "{\"penutup_journal\":3,"));
    assert!(home.penutup(["report", "newer.jsonl"]).failed().contains("penutup yang lebih baru"));
}

#[test]
fn a_backup_is_whole_while_a_prompter_writes_and_overwrites_nothing() {
    let home = Home::new();
    let path = home.data("journal.db");
    journal_of(&home, [ended(1), ended(2)]);
    let (writer, troubles) = start(&path);
    send(&writer, ended(3));
    settle(&writer);
    let said = home.penutup(["journal", "backup", "copy.db"]).ok();
    assert!(said.contains("Jurnal disalin ke copy.db"), "{said}");
    let message = home.penutup(["journal", "backup", "copy.db"]).failed();
    assert!(message.contains("copy.db sudah ada"), "{message}");
    send(&writer, ended(4));
    finish(writer, &troubles);
    let copy = home.path().join("copy.db");
    assert_eq!(found(&copy).len(), 3);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    }
    home.write("s.toml", "[journal]\npath = 'copy.db'\n");
    let ran = home.penutup(["report", "--format", "json", "--settings", "s.toml"]).run();
    assert_eq!((&*ran.err, crate::support::json(&ran.out)["total"]["closings"].as_u64()), ("", Some(3)));
    let message = home.penutup(["journal", "backup", "no-folder/copy.db"]).failed();
    assert!(message.contains("tidak dapat disalin"), "{message}");
    assert!(
        home.penutup(["journal", "backup", "x.db"])
            .env("PENUTUP_HOME", home.path().join("empty"))
            .failed()
            .contains("Belum ada jurnal")
    );
}

#[test]
fn a_journal_copied_without_its_log_is_told() {
    let home = Home::new();
    let path = home.data("journal.db");
    journal_of(&home, [ended(1)]);
    let ran = home.penutup(["report"]).run();
    assert_eq!(ran.err, "", "a journal that nobody writes is whole");
    let (writer, troubles) = start(&path);
    send(&writer, ended(2));
    settle(&writer);
    assert_eq!(home.penutup(["report"]).run().err, "", "beside its log it is whole");
    std::fs::copy(&path, home.path().join("copy.db")).unwrap();
    home.write("s.toml", "[journal]\npath = 'copy.db'\n");
    home.write("b.toml", "[journal]\npath = 'backup.db'\n");
    // Told each time: reading it leaves an empty log beside it. A copy of the copy is no more whole.
    for (verb, settings) in [
        (&["report"][..], "s.toml"),
        (&["report"], "s.toml"),
        (&["journal", "export"], "s.toml"),
        (&["journal", "backup", "backup.db"], "s.toml"),
        (&["report"], "b.toml"),
    ] {
        let ran = home.penutup(verb.iter().chain(&["--settings", settings])).run();
        assert!(
            ran.err.contains("tanpa berkas -wal") && ran.err.contains("penutup journal backup"),
            "{verb:?} {ran:?}"
        );
    }
    finish(writer, &troubles);
    assert_eq!(home.penutup(["report"]).run().err, "");
}

#[test]
fn a_call_is_found_by_its_own_id_and_by_the_telephone_systems() {
    let home = Home::new();
    let named = |call, id: &str| Record { interaction: Some(id.into()), agent: Some("4711".into()), ..ended(call) };
    journal_of(&home, [named(1, "a@pbx"), named(2, "b@pbx"), ended(3)]);
    home.write("seat.jsonl", home.penutup(["journal", "export"]).ok());
    for files in [&[][..], &["seat.jsonl"]] {
        let report = |args: &[&str]| home.penutup(["report"].iter().chain(args).chain(files));
        let text = report(&["--call", "b@pbx"]).ok();
        for part in [
            "Nomor interaksi: b@pbx",
            "Nomor CSO: 4711",
            "Seat: 07",
            "Mulai: 24/11/2026 12.02.00 WIB",
            "dicentang 12.02.05",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let json = report(&["--call", "a@pbx", "--format", "json"]).json();
        assert_eq!(json["interaction"], "a@pbx");
        let own = json["id"].as_str().unwrap().to_owned();
        let csv = report(&["--call", &own, "--format", "csv"]).ok();
        assert!(csv.lines().count() == 2 && csv.contains("a@pbx"), "{csv}");
        let none = report(&["--call", "c@pbx"]).run();
        assert_eq!((none.status, &*none.err), (Some(1), "Tidak ada closing dengan nomor \"c@pbx\"\n"));
        let list = report(&["--call", "-", "--format", "csv"]).stdin("\u{feff}\"a@pbx\"\r\nc@pbx\r\n\r\nb@pbx\n").run();
        assert_eq!((list.status, list.out.lines().count()), (Some(0), 3), "{list:?}");
        assert_eq!(list.err, "Tidak ada closing dengan nomor \"c@pbx\"\n");
    }
}

#[cfg(unix)]
#[test]
fn three_shifts_on_one_desk_are_three_agents_in_the_journal() {
    let home = Home::new();
    for (args, agent) in [(&["--agent", "4711"][..], None), (&[], Some("CSO-07")), (&["--agent", "x9"], Some("y8"))] {
        let mut prompter = home.penutup(["--at", "14:20"].iter().chain(args));
        if let Some(agent) = agent {
            prompter = prompter.env("PENUTUP_AGENT", agent);
        }
        let mut term = Term::start(&prompter.command());
        let shown = args.get(1).copied().or(agent).unwrap();
        term.shows(&format!("CSO {shown}")).send("s").shows("Closing lengkap").send(" ").shows("Panggilan selesai");
        term.quits();
    }
    let csv = home.penutup(["report", "--format", "csv"]).ok();
    let mut agents = column(&csv, "agent");
    // All three began at the same minute of `--at`.
    agents.sort_unstable();
    assert_eq!(agents, ["4711", "CSO-07", "x9"], "{csv}");
    // The same at one prompter that stays open, with one key between two calls.
    let home = Home::new();
    let mut term = Term::start(&home.penutup(["--at", "14:20", "--agent", "4711"]).command());
    term.shows("CSO 4711").send("s").shows("Closing lengkap").send(" ").shows("Panggilan selesai");
    term.send("#").shows("ketik nomor").send("CSO-07\r").shows("CSO CSO-07").rest().send("m").shows("▐PLN Mobile▌");
    term.send("#").shows("selesaikan dahulu panggilan ini").send("s").shows("Closing lengkap").send(" ");
    term.shows("Panggilan selesai").send("#").shows("ketik nomor").send("x9\r").shows("CSO x9").rest();
    term.send("s").shows("Closing lengkap").send(" ").shows("Panggilan selesai");
    term.quits();
    let csv = home.penutup(["report", "--format", "csv"]).ok();
    let mut agents = column(&csv, "agent");
    agents.sort_unstable();
    assert_eq!(agents, ["4711", "CSO-07", "x9"], "{csv}");
    let message = home.penutup([""; 0]).env("PENUTUP_AGENT", "Siti Aminah");
    let mut term = Term::start(&message.command());
    term.shows("PENUTUP_AGENT tidak berisi nomor CSO");
    term.ends();
    for (path, bytes) in files_below(home.path()) {
        let is_journal = path.contains("journal");
        assert!(is_journal || !String::from_utf8_lossy(&bytes).contains("CSO-07"), "the agent's number in {path}");
    }
}
