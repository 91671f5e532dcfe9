//! The files of 0.1.0, made by its own `init` and prompter and then edited by hand, with the programs of today. What its fleet
//! wrote is tried by the fleet's tests.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::Home;
#[cfg(unix)]
use crate::term::Term;

/// A home as 0.1.0 left it, with KLB on.
fn home_of_0_1_0() -> Home {
    let home = Home::new();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/0.1.0");
    let copies = [
        ("config/rules.toml", home.config("rules.toml")),
        ("config/settings.toml", home.config("settings.toml")),
        ("config/scenarios.toml", home.config("scenarios.toml")),
        ("config/decks/contoh.toml", home.config("decks/contoh.toml")),
        ("state/shift.toml", home.state("shift.toml")),
        ("config/rules.toml", home.state("last-good.toml")),
    ];
    for (from, to) in copies {
        home.write(to, fs::read(data.join(from)).expect(from));
    }
    let journal: PathBuf = home.data("journal.db");
    fs::create_dir_all(journal.parent().expect("a folder")).expect("its folder");
    let sql = fs::read_to_string(data.join("journal.sql")).expect("the journal");
    rusqlite::Connection::open(journal).expect("a journal").execute_batch(&sql).expect("its tables");
    home
}

#[test]
fn every_file_of_0_1_0_is_read() {
    let home = home_of_0_1_0();
    home.penutup(["check"]).run().status(0).out_has("12 situasi, masing-masing tepat satu jawaban");
    let spoken = home.penutup(["say", "topik=pln-mobile", "nama=Siti Aminah", "sapaan=Ibu", "--at", "14:20"]).ok();
    let today =
        Home::new().penutup(["say", "topik=pln-mobile", "nama=Siti Aminah", "sapaan=Ibu", "--at", "14:20"]).ok();
    assert_eq!(spoken, today, "the SOP's sentences are the same");
    let paths = home.penutup(["paths"]).ok();
    assert!(
        paths.contains("dari pengaturan") && !paths.contains("belum ada; dipakai jika berkas aturan rusak"),
        "{paths}"
    );
    let stories = home.penutup(["drill", "--list"]).run();
    stories.status(0).out_has("WITA");
    let notes = home.penutup(["demo", "--notes", "contoh"]).ok();
    assert!(notes.contains("KLB"), "{notes}");
    let report = home.penutup(["report", "--format", "json"]).json();
    assert_eq!((&report["total"]["closings"], &report["open"]), (&2.into(), &1.into()));
}

#[cfg(unix)]
#[test]
fn the_prompter_goes_on_with_the_shift_that_0_1_0_left() {
    let home = home_of_0_1_0();
    let mut term = Term::start(&home.penutup(["--at", "14:20"]).command());
    term.shows("KLB AKTIF sejak").shows("WITA");
    assert!(!term.text().contains("settings.toml"), "the settings have no trouble: {}", term.text());
    term.send("k").hides("KLB AKTIF sejak");
    term.send(" ").shows("√ Campaign Integritas").send("x4").shows("telepon terputus");
    term.quits();
    let report = home.penutup(["report", "--by", "ending"]).ok();
    assert!(report.contains("telepon terputus"), "{report}");
}
