//! A real terminal that declares itself line-only.

use std::process::Command;

use crate::support::{Home, assert_harmless};
use crate::term::{Term, eventually};

fn dumb(home: &Home, args: &[&str]) -> Command {
    home.penutup(args).env("TERM", "dumb").command()
}

fn opened(home: &Home) -> Term {
    let mut term = Term::start(&dumb(home, &["--at", "14:20"]));
    term.shows("Untuk mewujudkan PLN terbaik");
    term
}

/// Everything that was sent, with no escape code and no control character in it.
#[track_caller]
fn sent(term: &Term) -> String {
    let text = String::from_utf8(term.bytes()).expect("UTF-8");
    assert!(!text.contains('\u{1b}'), "an escape code: {text:?}");
    // The terminal turns a line feed into CR LF.
    assert_harmless(&text.replace("\r\n", "\n"));
    text
}

#[test]
fn a_whole_session_sends_no_escape_code() {
    let home = Home::new();
    let mut term = opened(&home);
    assert_eq!(term.modes(), term.modes_before(), "the terminal stays as it is");
    term.send("k\n").shows("KLB AKTIF sejak 14.20; Campaign Integritas TIDAK disampaikan.");
    term.send("n Bu Siti\n").shows("Nama Pelanggan: Siti.");
    // The sequences of arrow keys, and a name with escape sequences in it, which the terminal echoes as visible characters.
    term.send("\x1b[A\x1b[B\n").shows("Baris itu berisi tombol yang bukan huruf").shows("daftar tombol");
    term.send("n Bu \x1b[2J\x1b]0;x\x07Rina\n").shows("Nama Pelanggan: Rina.");
    term.send("s\n").shows("Closing lengkap. Enter").send("\n").shows("Panggilan baru.");
    term.send("r\n").shows("Rekap hari ini dibaca dari jurnal.").shows("Lengkap: 1");
    term.send("?\n").shows("tanda tanya (?): daftar tombol.");
    term.send("d\nl\nc\nx\n").shows("Ajakan DOWNLOAD");
    let text = sent(&term);
    assert!(text.contains("Dasar SOP."), "{text}");
    term.send("q\n");
    assert!(term.ends().success());
    sent(&term);
    term.assert_restored();
}

/// Also where one line ends the call and opens the recap, faster than the journal's thread.
#[test]
fn the_recap_includes_the_last_closing() {
    let home = Home::new();
    let mut term = opened(&home);
    // Repeated, since the journal's thread is fastest once it is idle.
    for closings in 1..=10 {
        term.send("a\n").shows("Aplikasi: TELAH punya.");
        term.send("sxr\n").shows(&format!("Lengkap: {closings} (100%)."));
    }
    term.send("q\n");
    assert!(term.ends().success());
}

#[test]
fn line_mode_quits_like_the_screen() {
    // The end of the input also within a line: the first Ctrl-D sends the line, the second is the end.
    for (how, signal) in
        [("\x04", None), ("n Bu\x04\x04", None), ("\x03", None), ("TERM", Some("Terminated")), ("HUP", Some("Hangup"))]
    {
        let home = Home::new();
        let mut term = opened(&home);
        term.send("a\n").shows("Aplikasi: TELAH punya.");
        if signal.is_some() {
            term.signal(how);
        } else {
            term.send(how);
        }
        let status = term.ends();
        assert_eq!(status.signal(), signal, "{how:?}");
        assert!(signal.is_some() || status.success(), "{how:?}");
        term.assert_restored();
        sent(&term);
        let report = home.penutup(["report"]).ok();
        assert!(report.contains("penutup ditutup (Q)"), "{how:?}: {report}");
    }
}

#[test]
fn after_stop_and_continue_it_repeats_its_state() {
    let home = Home::new();
    let mut term = opened(&home);
    term.send("\n").shows("Sudah: Campaign Integritas.");
    let before = sent(&term).matches("Sekarang, No. 2.a").count();
    term.send("\x1a");
    let stat = format!("/proc/{}/stat", term.pid());
    if std::path::Path::new("/proc/self/stat").exists() {
        eventually("the stop", || std::fs::read_to_string(&stat).is_ok_and(|s| s.contains(") T ")));
    }
    term.signal("CONT");
    eventually("the sentence", || sent(&term).matches("Sekarang, No. 2.a").count() > before);
    term.send("q\n").shows("Tetap keluar?").send("q\n");
    assert!(term.ends().success());
}

#[test]
fn plain_on_request_overrides_a_capable_terminal() {
    let home = Home::new();
    let mut term = Term::start(&home.penutup(["--plain", "--at", "14:20"]).command());
    term.shows("Mode baris").send("q\n");
    assert!(term.ends().success());
    sent(&term);
}

#[test]
fn telephone_events_and_a_new_file_are_processed() {
    let home = Home::new();
    let rules = home.write("aturan/rules.toml", penutup::rules::BUILT_IN);
    let mut term = Term::start(&dumb(&home, &["--at", "14:20", "--rules", rules.to_str().unwrap()]));
    term.shows("Untuk mewujudkan PLN terbaik");
    eventually("a listening prompter", || home.penutup(["call", "start", "nama=Rina"]).run().status == Some(0));
    term.shows("Nama Pelanggan: Rina; dari telepon: konfirmasi.");
    let next = penutup::rules::BUILT_IN.replace("\"Rev-1\"", "\"Rev-2\"").replace("mohon tidak", "mohon JANGAN");
    std::fs::write(&rules, next).unwrap();
    term.shows("Aturan baru berlaku: SOP Rev-2").shows("mohon JANGAN memberikan");
    std::fs::write(&rules, "rusak").unwrap();
    term.shows("Aturan tidak dipakai: rules.toml:1");
    sent(&term);
    term.send("q\n").shows("Tetap keluar?").send("q\n");
    assert!(term.ends().success());
}

/// As on the screen, no thread wakes between two minutes.
#[cfg(target_os = "linux")]
#[test]
fn an_idle_prompter_never_wakes() {
    let home = Home::new();
    let mut term = opened(&home);
    term.send("k\n").shows("KLB AKTIF");
    crate::session::assert_idle(term.pid());
    term.send("q\n");
    assert!(term.ends().success());
}

#[test]
fn practice_and_presentation_name_what_to_do_instead() {
    let home = Home::new();
    for (verb, instead) in [("drill", "penutup drill --cards"), ("demo", "penutup table")] {
        let mut term = Term::start(&dumb(&home, &[verb]));
        assert_eq!(term.ends().exit_code(), 2);
        term.shows("memerlukan terminal layar penuh").shows(instead);
        let text = sent(&term);
        assert_eq!(text.trim().lines().count(), 1, "{text}");
    }
}
