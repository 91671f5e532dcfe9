//! `penutup link open` with real prompters in real terminals.

use std::ffi::OsString;
use std::io::Write as _;
use std::os::unix::ffi::OsStringExt as _;

use super::documents::run_line;
use super::socket::RawClient;
use super::verb::{WAIT, call, prompter};
use crate::support::{Home, Ran, assert_harmless};
use crate::term::{Term, eventually, files_below};

/// That the second since the link before is not over.
const TOO_SOON: &str = "Tautan ditolak: paling banyak satu tautan per detik\n";

/// Opens a link, as soon as a second has passed since the one before.
pub fn open(home: &Home, link: &str) -> Ran {
    open_words(home, &[link.into()])
}

fn open_words<const N: usize>(home: &Home, words: &[OsString; N]) -> Ran {
    let once = || {
        let args = ["link", "open", "--"].map(OsString::from).into_iter().chain(words.iter().cloned());
        home.penutup(args).env("PENUTUP_CALL_WAIT", WAIT).run()
    };
    let mut ran = once();
    eventually("a second without a link", || {
        let is_in_time = ran.err != TOO_SOON;
        if !is_in_time {
            ran = once();
        }
        is_in_time
    });
    assert_eq!(ran.out, "");
    ran
}

/// Whether this program of the desktop is installed; says if it is not.
pub fn is_installed(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|folder| folder.join(tool).exists());
    if !found {
        let _ = writeln!(std::io::stderr(), "SKIPPED links of the desktop: {tool} is not installed here");
    }
    found
}

/// Runs a line as a shell does, `penutup` being ours. A link is opened again as long as it is too soon.
#[track_caller]
pub fn shell(home: &Home, line: &str) {
    eventually("a second without a link", || {
        let (succeeded, err) = run_line(home, line);
        assert!(err == TOO_SOON || (succeeded && err.is_empty()), "{line}: {err}");
        succeeded
    });
}

#[track_caller]
fn refused(home: &Home, link: &str, why: &str) {
    open(home, link).status(1).err_is(&format!("Tautan ditolak: {why}\n"));
}

#[test]
fn a_link_starts_a_call_and_fills_it_and_its_name_is_marked_until_confirmed() {
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    open(&home, "penutup:call?event=start&nama=bu%20Siti%20Aminah&topik=pln-mobile").status(0).err_is("");
    term.shows("Tautan: panggilan dimulai").shows("▐PLN Mobile▌").shows("N Siti Aminah dari tautan: konfirmasi");
    open(&home, "penutup://call/?event=set&aplikasi=telah&kode=7")
        .status(0)
        .err_is("\"kode\" diabaikan: tidak ada kondisi atau isian bernama itu\n");
    term.shows("▐TELAH punya▌").shows("Diisi dari tautan");
    let long = format!("penutup:call?event=start&id={}", "7".repeat(101));
    let ignored = "Nomor interaksi (id) tidak dicatat: kosong, lebih dari 100 karakter, atau berisi karakter kendali\n";
    open(&home, &long).status(0).err_is(ignored);
    term.send("\x7f").shows("N Siti Aminah dari tautan: konfirmasi");
    term.send("n\r").hides("dari tautan: konfirmasi").shows("N Siti Aminah");
    term.quits();
}

#[test]
fn the_screen_shows_what_a_link_may_not_do() {
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    call(&home, "start nama=Rahayu").status(0);
    for (link, why) in [
        ("penutup:call?event=start&klb=ya&nama=Budi", "KLB dan isian satu shift tidak diubah lewat tautan"),
        ("penutup:call?event=end", "event harus start atau set, dan hanya satu"),
        ("penutup:call?event=undo", "event harus start atau set, dan hanya satu"),
        ("penutup:end", "tidak dimulai dengan penutup:call?"),
        ("http://penutup/call?event=start", "tidak dimulai dengan penutup:call?"),
        ("--lang=en", "tidak dimulai dengan penutup:call?"),
        ("penutup:call?event=start&nama=%00", "ada karakter kendali di dalamnya"),
        ("penutup:call?event=set&nama=Budi\nx", "isinya tidak ditulis menurut aturan URL (UTF-8, KUNCI=ISI)"),
        ("penutup:call?event=set&nama=%E9milie", "isinya tidak ditulis menurut aturan URL (UTF-8, KUNCI=ISI)"),
    ] {
        refused(&home, link, why);
        term.shows(&format!("Tautan ditolak: {why}"));
        // The notice goes with the next key.
        term.send("?").shows("Daftar tombol").send("?").hides("Tautan ditolak");
    }
    let long = format!("penutup:call?event=start&nama={}", "x".repeat(100_000));
    refused(&home, &long, "lebih dari 2000 byte");
    term.shows("Tautan ditolak: lebih dari 2000 byte");
    term.shows("▐nonaktif▌").shows("N Rahayu").hides("Mengapa panggilan berakhir?");
    term.rest().send(" ").shows("▌ Ajakan");
    refused(&home, "penutup:call?event=start&nama=Budi", "panggilan di layar belum ditutup");
    term.shows("Tautan ditolak: panggilan di layar belum ditutup").shows("N Rahayu");
    call(&home, "end").status(0);
    term.send("1").quits();
}

#[test]
fn of_two_links_in_a_second_the_second_is_refused() {
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    let mut client = RawClient::of(&home);
    client.read_line();
    let line = |name: &str| format!("{{\"do\":\"web-link\",\"url\":\"penutup:call?event=set&nama={name}\"}}\n");
    let mut replies = (String::new(), String::new());
    // On a machine that stops for a second between the two, once more.
    eventually("two links in a second", || {
        client.send((line("Satu") + &line("Dua")).as_bytes());
        replies = (client.read_line(), client.read_line());
        replies.1.contains("too-soon")
    });
    assert_eq!(replies.1, "{\"ignored\":[],\"bad\":null,\"link\":\"too-soon\"}\n");
    term.shows("N Satu dari tautan: konfirmasi").shows("Tautan ditolak: paling banyak satu tautan per detik");
    term.rest().send("s").quits();
}

#[test]
fn a_link_in_several_words_does_nothing() {
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
    for broken in [
        words(&["penutup:call?event=start&nama=Siti", "--lang=en"]),
        words(&["penutup:call?event=start", "--settings=/x"]),
        words(&["--seat=x", "penutup:call?event=start&nama=Siti"]),
    ] {
        let broken: [OsString; 2] = broken.try_into().expect("two words");
        open_words(&home, &broken).status(1);
        term.shows("Tautan ditolak: ");
        term.send("?").shows("Daftar tombol").send("?").hides("Tautan ditolak");
    }
    // Also where the desktop passes the link without `--`.
    let options = ["link", "open", "penutup:call?event=start&nama=Siti", "--lang=en", "--at=10:00"];
    home.penutup(options).env("PENUTUP_CALL_WAIT", WAIT).run().status(1);
    term.shows("Tautan ditolak: ").shows("nama belum diisi");
    for args in [&["--seat=x"][..], &["--lang=xx", "penutup:call?event=start"], &[]] {
        home.penutup(["link", "open"].iter().chain(args)).run().status(2);
    }
    for what in ["install", "remove", "status"] {
        home.penutup(["link", what, "penutup:call?event=start"]).run().status(2);
    }
    // No message has the name.
    let bad = OsString::from_vec(b"penutup:call?event=start&nama=Zulkarnaen\xff".to_vec());
    let ran = open_words(&home, &[bad]);
    ran.status(1).err_is("Tautan ditolak: isinya tidak ditulis menurut aturan URL (UTF-8, KUNCI=ISI)\n");
    let hostile = open(&home, "penutup:\u{1b}[31m\u{1b}]0;z\u{7}");
    hostile.status(1);
    assert_harmless(&hostile.err);
    term.quits();
}

#[test]
fn without_a_prompter_a_link_says_so() {
    let home = Home::new();
    open(&home, "penutup:call?event=start").status(1).err_is("Tidak ada layar penutup yang terbuka\n");
}

#[test]
fn in_line_mode_a_refused_link_and_a_marked_name_are_printed() {
    let home = Home::new();
    let mut term = Term::start(&home.penutup(["--at", "14:20"]).env("TERM", "dumb").command());
    term.shows("Untuk mewujudkan PLN terbaik");
    eventually("the prompter listens", || {
        open(&home, "penutup:call?event=end").status == Some(1) && {
            String::from_utf8_lossy(&term.bytes()).contains("Tautan ditolak: event harus start atau set")
        }
    });
    open(&home, "penutup:call?event=start&nama=Siti").status(0);
    term.shows("Siti; dari tautan: konfirmasi");
    term.send("q\n").shows("Tetap keluar").send("q\n");
    assert!(term.ends().success());
}

#[test]
fn a_name_from_a_link_is_stored_nowhere() {
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    open(&home, "penutup:call?event=start&nama=Zulkarnaen").status(0);
    term.shows("N Zulkarnaen");
    term.rest().send("s").shows("Closing lengkap").send(" ").quits();
    for (path, bytes) in files_below(home.path()) {
        assert!(!String::from_utf8_lossy(&bytes).contains("Zulkarnaen"), "{path}");
    }
}
