//! `penutup call` with real prompters in real terminals.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::FileTypeExt as _;
use std::path::PathBuf;

use crate::support::{Home, Ran, assert_harmless};
use crate::term::{Term, eventually, files_below};

/// How many milliseconds a test waits for a prompter: longer than a busy machine takes. `benches/call.rs` measures an
/// idle one.
pub const WAIT: &str = "20000";

pub fn call(home: &Home, args: &str) -> Ran {
    let args = args.split_whitespace().map(|arg| arg.replace('+', " "));
    home.penutup(std::iter::once("call".to_owned()).chain(args)).env("PENUTUP_CALL_WAIT", WAIT).run()
}

pub fn sockets(home: &Home) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(home.path().join("run/penutup")) else { return Vec::new() };
    let paths = entries.flatten().map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "sock"));
    let mut out: Vec<PathBuf> =
        paths.filter(|p| fs::symlink_metadata(p).is_ok_and(|a| a.file_type().is_socket())).collect();
    out.sort();
    out
}

/// An open prompter that listens.
pub fn prompter(home: &Home, args: &[&str]) -> Term {
    let before = sockets(home);
    let mut term = Term::start(&home.penutup(["--at", "14:20"].iter().chain(args)).command());
    term.shows("? daftar tombol");
    eventually("its socket", || sockets(home).iter().any(|s| !before.contains(s)));
    term
}

#[test]
fn the_screen_follows_a_call_from_its_start_to_its_end() {
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    let ran = call(&home, "start 081234567890 nama=bu+Siti+Aminah topik=pln-mobile");
    ran.status(0).err_is("");
    assert_eq!(ran.out, "");
    term.shows("selamat siang Ibu Siti Aminah").shows("N Siti Aminah  dari telepon: konfirmasi");
    term.send("n\r").hides("dari telepon: konfirmasi");
    call(&home, "set aplikasi=telah").status(0).err_is("");
    term.shows("▐TELAH punya▌");
    term.rest().send("s").shows("Closing lengkap");
    call(&home, "end").status(0).err_is("");
    term.shows("nama belum diisi").shows("Panggilan selesai");
    term.quits();
}

#[test]
fn without_a_prompter_call_prints_one_line_and_exits_with_1() {
    let home = Home::new();
    for args in ["start 0812", "set klb=ya", "end"] {
        call(&home, args).status(1).err_is("Tidak ada layar penutup yang terbuka\n");
    }
    // Also after a prompter has ended.
    let mut term = prompter(&home, &[]);
    term.quits();
    assert_eq!(sockets(&home), Vec::<PathBuf>::new());
    call(&home, "end").status(1).err_is("Tidak ada layar penutup yang terbuka\n");
}

#[test]
fn unknown_keys_are_reported_without_failing() {
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    let ran = call(&home, "start 0812 lagi kode=7 klb=mungkin nama=0812 topik=pln-mobile");
    ran.status(0).err_is(
        "Ada kata yang diabaikan: tidak berbentuk KUNCI=ISI\n\"kode\" diabaikan: tidak ada kondisi atau isian bernama itu\n\
         \"klb\" diabaikan: pilihannya tidak dikenal\n\"nama\" diabaikan: hanya angka, bukan nama\n",
    );
    term.shows("▐PLN Mobile▌").shows("nama belum diisi");
    let hostile = call(&home, "set \u{1b}[31mkunci=x y\u{1b}]0;z\u{7}");
    hostile.status(0);
    assert_harmless(&hostile.err);
}

#[test]
fn the_name_may_come_from_standard_input() {
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    let say =
        |input: &[u8]| home.penutup(["call", "start", "nama=-"]).env("PENUTUP_CALL_WAIT", WAIT).stdin(input).run();
    say(b"\n  Siti Aminah\nJl. Mawar\n").status(0).err_is("");
    term.shows("N Siti Aminah  dari telepon: konfirmasi");
    for nothing in [&b""[..], b"\n\n", b"\xff\xfe\n"] {
        say(nothing).status(0).err_is("\"nama\" diabaikan: input standar tidak dapat dibaca\n");
    }
    term.shows("nama belum diisi");
    say(&[b'x'; 60]).status(0).err_is("");
    term.shows("N xxxx");
    say(&vec![b'x'; 1 << 20]).status(0).err_is("\"nama\" diabaikan: terlalu panjang\n");
    term.shows("nama belum diisi");
}

#[test]
fn a_non_utf8_name_starts_the_call_without_it() {
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    let say = |value: &[u8]| {
        let args = ["call", "start", "0812", "topik=pln-mobile"].map(OsString::from);
        let args = args.into_iter().chain([OsString::from_vec(value.to_vec())]);
        home.penutup(args).env("PENUTUP_CALL_WAIT", WAIT).run()
    };
    say(b"nama=Siti \xe9milie").status(0).err_is("\"nama\" diabaikan: bukan teks UTF-8\n");
    term.shows("▐PLN Mobile▌").shows("nama belum diisi");
    for word in [&b"\xff\xfe"[..], b"k\xff=x", b"=\xff"] {
        say(word).status(0).err_is("Ada kata yang diabaikan: tidak berbentuk KUNCI=ISI\n");
    }
    term.quits();
}

#[test]
fn of_several_prompters_the_last_used_or_the_one_at_the_seat_receives_it() {
    let home = Home::new();
    let at = |seat: &str| {
        let file = home.write(format!("{seat}.toml"), format!("seat = \"meja {seat}\""));
        prompter(&home, &["--settings", file.to_str().expect("UTF-8")])
    };
    let (mut one, mut two) = (at("1"), at("2"));
    one.send("?").shows("Daftar tombol");
    one.send("?").hides("Daftar tombol");
    call(&home, "start nama=Satu").status(0);
    one.shows("N Satu");
    two.send("?").shows("Daftar tombol");
    two.send("?").hides("Daftar tombol");
    call(&home, "start nama=Dua").status(0);
    two.shows("N Dua");
    call(&home, "start nama=Tiga --seat meja+1").status(0);
    one.shows("N Tiga");
    call(&home, "--seat meja+3 end").status(1).err_is("Tidak ada layar penutup yang terbuka di seat \"meja 3\"\n");
    // When the last-used one is gone, the other replies.
    two.quits();
    call(&home, "set nama=Empat").status(0);
    one.shows("N Empat");
}

#[test]
fn a_dead_socket_is_replaced_and_a_foreign_file_is_not() {
    let home = Home::new();
    let mut dead = prompter(&home, &[]);
    dead.signal("KILL").ends();
    let left = sockets(&home);
    assert_eq!(left.len(), 1, "after kill -9 the socket's file is left");
    call(&home, "end").status(1).err_is("Tidak ada layar penutup yang terbuka\n");
    let foreign = home.write("run/penutup/7-0.sock", "mine");
    let mut term = prompter(&home, &[]);
    eventually("the removal of the dead socket", || !left[0].exists());
    assert_eq!(fs::read(&foreign).expect("it stays"), b"mine");
    call(&home, "start nama=Siti").status(0);
    term.shows("N Siti");
    term.quits();
    assert_eq!((sockets(&home).len(), foreign.exists()), (0, true));
}

#[test]
fn a_stopped_prompter_is_not_waited_for_and_drops_stale_calls() {
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    term.signal("STOP");
    let ran = home.penutup(["call", "start", "nama=Basi"]).env("PENUTUP_CALL_WAIT", "200").run();
    ran.status(1).err_is("Layar penutup terbuka tetapi tidak merespons\n");
    term.signal("CONT");
    call(&home, "start nama=Segar").status(0);
    term.shows("N Segar");
    assert!(!term.text().contains("yang tadi ditutup"), "the stale call was dropped:\n{term:?}");
}

#[test]
fn a_number_and_a_name_are_stored_nowhere() {
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    call(&home, "start 081299998888 nama=Zulkarnaen sapaan=Bapak").status(0);
    term.shows("Bapak Zulkarnaen");
    call(&home, "start 081299997777 nama=Wulandari").status(0);
    term.shows("N Wulandari").rest().send("s").shows("Closing lengkap");
    call(&home, "end").status(0);
    term.shows("nama belum diisi");
    assert!(!String::from_utf8_lossy(&term.bytes()).contains("0812"));
    term.quits();
    for (path, bytes) in files_below(home.path()) {
        let text = String::from_utf8_lossy(&bytes);
        for secret in ["Zulkarnaen", "Wulandari", "0812"] {
            assert!(!text.contains(secret), "{secret} in {path}");
        }
    }
}

#[test]
fn without_a_runtime_folder_the_state_folder_is_used() {
    let home = Home::new();
    let without = |args: &[&str]| {
        let mut command = home.penutup(args).env("PENUTUP_CALL_WAIT", WAIT).command();
        command.env_remove("XDG_RUNTIME_DIR");
        command
    };
    let mut term = Term::start(&without(&["--at", "14:20"]));
    term.shows("? daftar tombol");
    let folder = home.state("run");
    eventually("its socket", || fs::read_dir(&folder).is_ok_and(|f| f.count() == 1));
    let status = without(&["call", "start", "nama=Siti"]).status().expect("it runs");
    assert!(status.success());
    term.shows("N Siti");
    term.quits();
}

#[test]
fn an_unknown_event_is_a_usage_error() {
    let home = Home::new();
    for args in ["", "mulai", "start --meja 1"] {
        call(&home, args).status(2);
    }
}
