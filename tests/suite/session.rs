//! Sessions of the real program in a real pseudo-terminal, from start to exit, however it exits.

use std::fs;
use std::path::Path;
use std::process::Command;

use penutup::rules::BUILT_IN;
use penutup::tui::terminal::Screen;
use penutup::tui::theme::Theme;

use crate::support::Home;
use crate::term::{Term, eventually, files_below};

const CAMPAIGN: &str = "Untuk mewujudkan PLN terbaik, mohon tidak memberikan tambahan biaya kepada petugas kami.";
const UPDATE: &str = "Segera update aplikasi New PLN Mobile versi terbaru";

/// The prompter in this home, started at 14:20.
fn prompter(home: &Home, args: &[&str]) -> Command {
    home.penutup(["--at", "14:20"].iter().chain(args)).command()
}

/// A prompter that shows its first screen.
fn opened(home: &Home) -> Term {
    let mut term = Term::start(&prompter(home, &[]));
    term.shows(CAMPAIGN).shows("? daftar tombol");
    term
}

/// The contents of all files that the prompter has saved.
fn saved_files(home: &Home) -> String {
    files_below(home.path()).into_iter().map(|(_, bytes)| String::from_utf8_lossy(&bytes).into_owned()).collect()
}

#[test]
fn a_whole_session_from_the_first_screen_to_the_last_key() {
    let home = Home::new();
    let mut term = opened(&home);
    assert!(term.screen(vt100::Screen::alternate_screen) && term.screen(vt100::Screen::bracketed_paste));
    assert_ne!(term.modes(), term.modes_before(), "the terminal is in raw mode");
    term.shows("14.20 WIB · siang");
    term.send("k").shows("KLB AKTIF sejak 14.20 · Campaign Integritas TIDAK disampaikan");
    term.send("m").shows(UPDATE);
    term.send("a").shows("▐TELAH punya▌");
    term.send("nbu siti\r").shows("selamat siang Ibu siti");
    term.send(" ").shows("√ Ajakan UPDATE New PLN Mobile");
    term.send("\x7f").hides("√ Ajakan UPDATE").shows("▌ Ajakan UPDATE New PLN Mobile");
    term.send("x").shows("Mengapa panggilan berakhir?").shows("5 closing tidak disampaikan");
    term.send("\x1b").hides("Mengapa panggilan berakhir?");
    term.send("x2").shows("dialihkan").shows("nama belum diisi").shows("KLB AKTIF");
    term.quits();
    assert_eq!(term.text().trim(), "", "nothing is left on the main screen");
}

#[test]
fn ctrl_c_leaves_with_status_0_also_while_a_name_is_typed() {
    let home = Home::new();
    for before in ["", "nSiti", "?", " x"] {
        let mut term = opened(&home);
        term.send(before);
        if before == "nSiti" {
            term.shows("Bapak/Ibu Siti");
        }
        term.send("\x03");
        assert!(term.ends().success(), "{before:?}");
        term.assert_restored();
    }
}

#[test]
fn every_signal_that_ends_it_restores_the_terminal() {
    let named = [
        ("TERM", "Terminated"),
        ("HUP", "Hangup"),
        ("INT", "Interrupt"),
        ("QUIT", "Quit"),
        ("USR1", "User defined signal 1"),
        ("ALRM", "Alarm clock"),
        ("ABRT", "Aborted"),
        ("BUS", "Bus error"),
    ];
    for (name, signal) in named {
        let home = Home::new();
        let term = &mut opened(&home);
        term.send("n").shows("ketik nama");
        term.signal(name);
        let status = term.ends();
        assert_eq!(status.signal(), Some(signal), "{status:?}");
        term.assert_restored();
    }
}

#[test]
fn a_closed_window_ends_the_prompter_and_saves_call_and_shift_facts() {
    let home = Home::new();
    let mut term = opened(&home);
    term.send("k").shows("KLB AKTIF");
    term.close("m");
    term.ends();
    assert!(home.penutup(["report"]).ok().contains("penutup ditutup (Q)"), "the call is written as left");
    assert!(saved_files(&home).contains("klb"), "KLB is kept");
    Term::start(&prompter(&home, &[])).shows("KLB AKTIF sejak");
}

#[test]
fn a_continued_prompter_shows_the_same_state() {
    for by_key in [true, false] {
        let home = Home::new();
        let mut term = opened(&home);
        term.send(" ").shows("√ Campaign Integritas");
        if by_key {
            term.send("\x1a");
        } else {
            term.signal("TSTP");
        }
        let stat = format!("/proc/{}/stat", term.pid());
        if Path::new("/proc/self/stat").exists() {
            eventually("the stop", || fs::read_to_string(&stat).is_ok_and(|s| s.contains(") T ")));
        }
        term.assert_restored();
        term.signal("CONT");
        term.until("the screen", vt100::Screen::alternate_screen);
        term.until("bracketed paste", vt100::Screen::bracketed_paste);
        term.shows("√ Campaign Integritas").shows("▌ Ajakan DOWNLOAD New PLN Mobile");
        term.rest().send("\r").shows("√ Ajakan DOWNLOAD New PLN Mobile");
        term.quits();
    }
}

/// The test starts itself again in a terminal; that second process panics while the screen is open.
#[test]
fn a_panic_restores_the_terminal_and_is_reported_on_the_main_screen() {
    const INSIDE: &str = "PENUTUP_TEST_PANIC";
    if std::env::var_os(INSIDE).is_some() {
        let mut screen = Screen::enter(Theme::Terminal).unwrap();
        screen.draw(|frame, _| frame.render_widget("tersembunyi", frame.area())).unwrap();
        panic!("panik di tengah layar");
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    let own_name = "session::a_panic_restores_the_terminal_and_is_reported_on_the_main_screen";
    command.args([own_name, "--exact", "--nocapture"]).env(INSIDE, "1");
    let mut term = Term::start(&command);
    assert!(!term.ends().success());
    term.assert_restored();
    term.shows("panik di tengah layar");
    assert!(!term.text().contains("tersembunyi"), "{term:?}");
    let sent = String::from_utf8_lossy(&term.bytes()).into_owned();
    assert!(sent.contains("tersembunyi") && sent.contains("\x1b[?1049l"), "{sent:?}");
}

#[test]
fn many_resizes_break_nothing() {
    let home = Home::new();
    let mut term = opened(&home);
    term.send("nBudi Santoso\r ").shows("√ Campaign Integritas");
    for round in 0..12u16 {
        for (columns, rows) in [(0, 0), (1, 1), (200, 2), (2, 200), (29, 5), (60, 18), (100, 24), (0, 24), (80, 0)] {
            term.resize(columns + round % 3, rows);
            if round % 4 == 0 {
                term.send("\x1b[B");
            }
        }
    }
    term.resize(60, 18).shows("melihat saja").send("\x1b").hides("melihat saja");
    term.shows("K nonaktif · M di luar · A belum tahu").shows("Terima kasih telah menghubungi");
    term.resize(120, 30).shows("Mengapa").shows("Bapak/Ibu Budi Santoso");
    term.resize(1, 1).resize(80, 24).shows("√ Campaign Integritas").shows("N Budi Santoso");
    term.quits();
}

#[test]
fn a_window_that_was_smaller_for_a_moment_is_drawn_whole() {
    let home = Home::new();
    let mut term = opened(&home);
    let whole = term.text();
    term.resize_for_a_moment(20, 5).until("the same screen", |screen| screen.contents() == whole);
    term.quits();
    let mut term = Term::start(&home.penutup(["drill", "--seed", "1"]).command());
    term.shows("Latihan").wait_until_handled();
    let whole = term.text();
    term.resize_for_a_moment(20, 5).until("the same screen", |screen| screen.contents() == whole);
}

#[test]
fn a_window_without_room_still_starts_and_quits() {
    for (columns, rows) in [(0, 0), (1, 1), (80, 1)] {
        let home = Home::new();
        let mut term = Term::sized(&prompter(&home, &[]), columns, rows);
        term.until("the screen", vt100::Screen::alternate_screen);
        term.send("k");
        term.resize(80, 24).shows("KLB AKTIF").shows("▌ Ajakan DOWNLOAD");
        term.quits();
    }
}

#[test]
fn a_sentence_that_the_window_has_no_room_for_is_not_ticked() {
    for ((columns, rows), ticks) in [((1, 1), false), ((5, 2), false), ((20, 3), true), ((80, 1), true)] {
        for key in [" ", "\r"] {
            let home = Home::new();
            let mut term = Term::sized(&prompter(&home, &[]), columns, rows);
            term.until("the screen", vt100::Screen::alternate_screen);
            term.send(key).wait_until_handled().resize(80, 24).shows("? daftar tombol");
            if ticks {
                term.shows("√ Campaign Integritas");
            } else {
                term.shows("▌ Campaign Integritas").shows("Jendela terlalu kecil, belum dicentang");
                term.send(key).shows("√ Campaign Integritas");
            }
            term.quits();
        }
    }
}

// ── Paste ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn a_pasted_text_is_a_name_and_never_a_shortcut() {
    let home = Home::new();
    let mut term = opened(&home);
    term.paste("kxq").shows("N Nama Pelanggan: kxq").shows("▐nonaktif▌");
    term.send("\x1b").shows("nama belum diisi");
    term.paste("081234567890").shows("Hanya angka, bukan nama");
    term.paste("Siti Rahasia\nJl. Mawar 3").shows("Nama Pelanggan: Siti Rahasia").send("\r");
    term.shows("Bapak/Ibu Siti Rahasia").hides("Mawar");
    term.paste("q\x1b[31mx").shows("Nama Pelanggan: qx").send("\x1b").hides("Nama Pelanggan");
    term.quits();
}

#[test]
fn ten_thousand_keys_at_once_are_one_held_key() {
    let home = Home::new();
    let mut term = opened(&home);
    term.send_at_once("a".repeat(10_000)).shows("▐TELAH punya▌");
    // A person presses the next key only after a moment.
    term.wait_until_read();
    term.wait_until_handled();
    let end = std::time::Instant::now() + std::time::Duration::from_millis(200);
    while let Some(left) = end.checked_duration_since(std::time::Instant::now()).filter(|left| !left.is_zero()) {
        std::thread::park_timeout(left);
    }
    term.send("m").shows("▐PLN Mobile▌").shows("▐TELAH punya▌");
    term.paste(&"Siti ".repeat(2_000)).shows("Lebih dari 60 karakter: tidak ditempel");
    term.paste(&"Siti ".repeat(10)).shows("Siti Siti Siti Siti").send("\x1b").shows("nama belum diisi");
    term.quits();
}

#[test]
fn a_held_space_ticks_once() {
    let home = Home::new();
    let mut term = opened(&home);
    term.send_at_once("    ").send("k").shows("KLB AKTIF").shows("√ Campaign Integritas").shows("▌ Ajakan DOWNLOAD");
    assert!(!term.text().contains("√ Ajakan"), "{term:?}");
    term.quits();
}

#[test]
fn a_copy_sends_the_complete_sentence_to_the_terminal() {
    let home = Home::new();
    let mut term = opened(&home);
    term.send("m").shows(UPDATE).send("c").shows("Kalimat lengkap dikirim ke terminal");
    let sent = || String::from_utf8_lossy(&term.bytes()).into_owned();
    eventually("OSC 52", || sent().split("\x1b]52;c;").nth(1).is_some_and(|text| text.contains("\x1b\\")));
    let sent = sent();
    let start = sent.split("\x1b]52;c;").nth(1).expect("OSC 52");
    // "Segera update" in Base64.
    assert!(start.starts_with("U2VnZXJhIHVwZGF0ZSBhcGxpa2FzaSBOZXcgUExOIE1vYmlsZSB2ZXJzaSB0ZXJiYXJ1IHVu"), "{start:?}");
    term.quits();
}

#[test]
fn nothing_of_a_customer_reaches_the_disk() {
    let home = Home::new();
    let mut term = opened(&home);
    let secrets = ["Rahasia", "Tersembunyi", "Diketik", "Terbuang"];
    term.send("nSiti Rahasia\r").shows("Ibu Siti Rahasia").send("sk").shows("Closing lengkap");
    term.send("\x7fx").shows("Panggilan selesai");
    term.paste("Budi Tersembunyi").shows("Tersembunyi").send("\rx4").shows("Ditutup: telepon terputus");
    term.paste("Diketik").shows("Diketik").send("\x1b").hides("Diketik");
    term.send("nTerbuang").shows("Terbuang");
    term.signal("TERM");
    term.ends();
    let files = files_below(home.path());
    assert!(!files.is_empty(), "KLB was saved, so there are files to search");
    for (path, bytes) in files {
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        for secret in secrets {
            assert!(!text.contains(&secret.to_lowercase()), "{secret} is in {path}: {text}");
        }
        assert!(!path.contains("Rahasia"));
    }
}

// ── State ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn klb_survives_kill_9_and_a_restart() {
    let home = Home::new();
    let mut term = opened(&home);
    term.send("k").shows("KLB AKTIF sejak 14.20");
    let state = home.state("shift.toml");
    eventually("the state on the disk", || fs::read_to_string(&state).is_ok_and(|s| s.contains("\"ya\"")));
    term.signal("KILL");
    term.ends();
    let mut term = Term::start(&prompter(&home, &[]));
    term.shows("KLB AKTIF sejak 14.20").shows("▌ Ajakan DOWNLOAD New PLN Mobile");
    term.send("k").hides("KLB AKTIF").shows(CAMPAIGN);
    term.quits();
    let mut term = Term::start(&prompter(&home, &[]));
    term.shows(CAMPAIGN).hides("KLB AKTIF");
    term.quits();
}

#[test]
fn two_prompters_on_one_seat_do_not_disturb_each_other() {
    let home = Home::new();
    let (mut one, mut other) = (opened(&home), opened(&home));
    for _ in 0..5 {
        one.send("k").shows("KLB AKTIF");
        other.send("k").shows("KLB AKTIF");
        one.send("k").hides("KLB AKTIF");
        other.send("k").hides("KLB AKTIF");
    }
    other.send(" ").shows("√ Campaign Integritas");
    other.quits();
    one.send("k").shows("KLB AKTIF");
    one.quits();
    Term::start(&prompter(&home, &[])).shows("KLB AKTIF");
}

#[test]
fn without_a_state_folder_it_runs_and_reports_it() {
    // A file where the folder should be: not even root can write there.
    let home = Home::new();
    home.write("state", "bukan folder");
    let mut term = Term::start(&prompter(&home, &[]));
    term.shows(CAMPAIGN).send("k").shows("KLB AKTIF").shows("Status shift tidak dapat disimpan");
    term.send(" ").shows("√ Ajakan DOWNLOAD");
    term.quits();
}

#[test]
fn without_any_home_it_runs() {
    let home = Home::new();
    let mut command = prompter(&home, &[]);
    for name in ["HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"] {
        command.env(name, "/proc/tidak-ada");
    }
    let mut term = Term::start(&command);
    term.shows(CAMPAIGN).send("k").shows("KLB AKTIF").shows("tidak dapat disimpan");
    term.send("k").hides("KLB AKTIF");
    term.quits();
}

// ── Rules that change while it runs ───────────────────────────────────────────────────────────────────────────────────

/// Saves as editors do: writes a new file beside the old one and renames it over that.
fn save(path: &Path, text: impl AsRef<[u8]>) {
    let beside = path.with_extension("baru");
    fs::write(&beside, text).unwrap();
    fs::rename(beside, path).unwrap();
}

fn revision(number: u32, words: &str) -> String {
    BUILT_IN.replace("\"Rev-1\"", &format!("\"Rev-{number}\"")).replace("mohon tidak memberikan", words)
}

#[test]
fn good_rules_are_applied_and_bad_ones_change_nothing() {
    let home = Home::new();
    let path = home.write("aturan/rules.toml", BUILT_IN);
    let file = path.to_str().unwrap();
    let mut term = Term::start(&prompter(&home, &["--rules", file]));
    term.shows(CAMPAIGN);
    let huge = vec![b'#'; 3 << 20];
    let gap = BUILT_IN.replace("aplikasi = [\"belum-tahu\", \"belum\"]", "aplikasi = \"belum\"");
    let bad: [&[u8]; 4] = [b"schema = 1\n[sop", b"", &huge, gap.as_bytes()];
    let mut number = 1;
    for _ in 0..2 {
        for bytes in bad {
            save(&path, bytes);
            term.shows("Aturan tidak dipakai").shows("rules.toml:");
            term.shows(if number == 1 { "mohon tidak memberikan" } else { "mohon JANGAN memberikan" });
            number += 1;
            save(&path, revision(number, "mohon JANGAN memberikan"));
            term.shows(&format!("SOP Rev-{number}")).hides("Aturan tidak dipakai").shows("mohon JANGAN memberikan");
        }
        // The file is removed, then replaced by a folder.
        fs::remove_file(&path).unwrap();
        term.shows("Taruh kembali").shows("mohon JANGAN memberikan").shows("hilang");
        fs::create_dir(&path).unwrap();
        term.shows("mohon JANGAN memberikan").hides("hilang");
        fs::remove_dir(&path).unwrap();
        number += 1;
        save(&path, revision(number, "mohon JANGAN memberikan"));
        term.shows(&format!("SOP Rev-{number}")).hides("tidak dapat dibaca").hides("hilang");
    }
    term.quits();
}

#[test]
fn one_closing_is_never_spoken_from_two_revisions() {
    let home = Home::new();
    let path = home.write("aturan/rules.toml", BUILT_IN);
    let mut term = Term::start(&prompter(&home, &["--rules", path.to_str().unwrap()]));
    term.shows(CAMPAIGN).send("\x1b[B");
    term.shows("melihat saja").send(" ").hides("melihat saja").rest().send(" ").shows("√ Campaign Integritas");
    save(&path, revision(2, "mohon JANGAN memberikan"));
    term.shows("SOP Rev-2 mulai panggilan berikutnya").shows("SOP Rev-1");
    term.shows("mohon tidak memberikan");
    term.send("x1").shows("SOP Rev-2").shows("mohon JANGAN memberikan");
    term.quits();
}

#[test]
fn a_greeting_that_moves_under_an_open_prompter_is_counted_and_named() {
    let home = Home::new();
    let path = home.write("aturan/rules.toml", include_str!("../data/diff/sound.toml"));
    let mut term = Term::start(&home.penutup(["--at", "10:30", "--rules", path.to_str().unwrap()]).command());
    term.shows("selamat pagi");
    save(&path, include_str!("../data/diff/greeting-moved.toml"));
    term.shows("Aturan baru berlaku: SOP Rev-1 · 60 menit salam · D").shows("selamat siang");
    term.send("D").shows("10.00–11.00: pagi → siang");
    term.quits();
}

#[test]
fn a_file_created_later_is_found() {
    let home = Home::new();
    fs::create_dir_all(home.config("rules.toml").parent().unwrap()).unwrap();
    let mut term = opened(&home);
    save(&home.config("rules.toml"), revision(2, "mohon JANGAN memberikan"));
    term.shows("SOP Rev-2").shows("mohon JANGAN memberikan");
    term.quits();
}

#[test]
fn a_file_replaced_many_times_ends_at_the_last() {
    let home = Home::new();
    let path = home.write("aturan/rules.toml", BUILT_IN);
    let mut term = Term::start(&prompter(&home, &["--rules", path.to_str().unwrap()]));
    term.shows(CAMPAIGN);
    for number in 0..1000 {
        match number % 3 {
            0 => save(&path, revision(number, "mohon JANGAN memberikan")),
            1 => save(&path, "rusak"),
            _ => fs::write(&path, &BUILT_IN.as_bytes()[..number as usize * 7]).unwrap(),
        }
    }
    save(&path, revision(4711, "mohon SEKALI LAGI memberikan"));
    term.shows("SOP Rev-4711").shows("mohon SEKALI LAGI memberikan");
    term.quits();
}

// ── Idle ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

/// How often the program's threads woke, and the CPU time that it has used.
#[cfg(target_os = "linux")]
fn wakeups(pid: u32) -> (u64, String) {
    let mut switches = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten() {
        let status = fs::read_to_string(task.path().join("status")).unwrap_or_default();
        let count = status.lines().find_map(|l| l.strip_prefix("voluntary_ctxt_switches:"));
        switches += count.and_then(|c| c.trim().parse::<u64>().ok()).unwrap_or_default();
    }
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let times = stat.rsplit(") ").next().unwrap().split(' ').skip(11).take(2).collect::<Vec<_>>().join("+");
    (switches, times)
}

/// Waits until a program is idle and then checks that it sleeps: no wake-ups, no CPU time.
#[cfg(target_os = "linux")]
#[track_caller]
pub fn assert_idle(pid: u32) {
    use std::time::{Duration, Instant};

    let measure = |length: Duration| {
        let (start, before) = (Instant::now(), wakeups(pid));
        while start.elapsed() < length {
            std::thread::park_timeout(length.saturating_sub(start.elapsed()));
        }
        (before, wakeups(pid))
    };
    // The effects of the last key (saving the state) finish first.
    eventually("an idle program", || {
        let (before, after) = measure(Duration::from_millis(300));
        before == after
    });
    let (before, after) = measure(Duration::from_secs(3));
    assert_eq!(before, after, "wake-ups, CPU");
}

/// Between two minutes no timer, frame or poll wakes a thread.
#[cfg(target_os = "linux")]
#[test]
fn an_idle_prompter_never_wakes() {
    let home = Home::new();
    let path = home.write("aturan/rules.toml", BUILT_IN);
    let mut term = Term::start(&prompter(&home, &["--rules", path.to_str().unwrap()]));
    term.shows(CAMPAIGN).send("k").shows("KLB AKTIF");
    // The state is saved only once the key can no longer be retracted.
    eventually("the state on the disk", || {
        fs::read_to_string(home.state("shift.toml")).is_ok_and(|s| s.contains("\"ya\""))
    });
    assert_idle(term.pid());
    term.quits();
}

/// What is saved once a key can no longer be retracted is no news for the screen.
#[test]
fn saving_the_state_draws_no_frame() {
    let home = Home::new();
    let mut term = opened(&home);
    term.send("k").shows("KLB AKTIF").wait_until_handled();
    let frames = |term: &Term| term.bytes().windows(8).filter(|bytes| bytes == b"\x1b[?2026h").count();
    let before = frames(&term);
    assert!(before > 1, "each frame is a synchronized update");
    eventually("the state on the disk", || {
        fs::read_to_string(home.state("shift.toml")).is_ok_and(|s| s.contains("\"ya\""))
    });
    assert_eq!(frames(&term), before);
    term.quits();
}

/// The query for the terminal's background.
const ASKS_BACKGROUND: &[u8] = b"\x1b]11;?\x1b\\";

/// A terminal's answer to the query: this colour.
fn answered(colour: &str) -> Vec<u8> {
    format!("\x1b]11;rgb:{colour}\x1b\\").into_bytes()
}

/// How the bar at the current sentence is coloured.
fn bar(screen: &vt100::Screen) -> Option<vt100::Color> {
    (0..24).filter_map(|row| screen.cell(row, 1)).find(|cell| cell.contents() == "▌").map(vt100::Cell::fgcolor)
}

#[test]
fn the_theme_follows_the_background_that_the_terminal_reports_after_the_first_screen() {
    let find = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).position(|window| window == part);
    for (colour, expected) in [("0c0c/0c0c/0c0c", (0x7d, 0xb7, 0xe8)), ("ffff/ffff/ffff", (0x1d, 0x5f, 0x9e))] {
        let home = Home::new();
        let mut command = prompter(&home, &[]);
        command.env("COLORTERM", "truecolor").env("TERM", "xterm-256color");
        let mut term = Term::start(&command);
        // Without an answer the screen is complete, in the terminal's own colours.
        term.shows(CAMPAIGN).shows("? daftar tombol");
        assert_eq!(term.screen(bar), Some(vt100::Color::Default));
        let sent = term.bytes();
        let asked = find(&sent, ASKS_BACKGROUND).expect("the terminal is asked");
        assert!(asked > find(&sent, "kasih".as_bytes()).expect("a first screen"), "after the first screen");
        term.send("n").send("Sit").send_at_once(answered(colour)).send("i").shows("Nama Pelanggan: Siti");
        let (r, g, b) = expected;
        term.until("the palette", |screen| bar(screen) == Some(vt100::Color::Rgb(r, g, b)));
        term.send("\r").shows("Bapak/Ibu Siti");
        let sent = term.bytes();
        let rest = &sent[asked + ASKS_BACKGROUND.len()..];
        assert_eq!(find(rest, ASKS_BACKGROUND), None, "it is asked once");
        term.quits();
    }
}

#[test]
fn a_theme_on_the_command_line_overrides_the_settings_and_no_color_overrides_it() {
    let home = Home::new();
    home.write_config("settings.toml", "theme = 'dark'\n");
    let colours = |args: &[&str], no_colour: bool| {
        let mut command = prompter(&home, args);
        command.env("COLORTERM", "truecolor");
        if no_colour {
            command.env("NO_COLOR", "1");
        }
        let mut term = Term::start(&command);
        term.shows(CAMPAIGN);
        let bar = term.screen(bar);
        assert!(!term.bytes().windows(ASKS_BACKGROUND.len()).any(|window| window == ASKS_BACKGROUND), "{args:?}");
        term.quits();
        bar
    };
    assert_eq!(colours(&[], false), Some(vt100::Color::Rgb(0x7d, 0xb7, 0xe8)));
    assert_eq!(colours(&["--theme", "light"], false), Some(vt100::Color::Rgb(0x1d, 0x5f, 0x9e)));
    assert_eq!(colours(&["--theme", "mono"], false), Some(vt100::Color::Default));
    assert_eq!(colours(&["--theme", "light"], true), Some(vt100::Color::Default));
    let message = home.penutup(["--theme", "neon"]).failed();
    assert!(message.contains("neon") && message.contains("proyektor"), "{message}");
}
