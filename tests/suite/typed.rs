//! What a keyboard, a terminal and other programs send, through a real pseudo-terminal: only what the CSO meant has an
//! effect.

use std::fs;
use std::io::{self, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use penutup::app::{App, Effect};
use penutup::clock::Clock;
use penutup::event::InputSender;
use penutup::input::Input;
use penutup::run::{Next, Session, Step, View};

use crate::support::Home;
use crate::term::{Term, eventually};

const CAMPAIGN: &str = "Untuk mewujudkan PLN terbaik";
/// A keyboard's usual delay before it repeats, and its interval between repeats.
const REPEAT_DELAY: Duration = Duration::from_millis(500);
const REPEAT_INTERVAL: Duration = Duration::from_millis(33);

fn prompter(home: &Home) -> Command {
    home.penutup(["--at", "14:20"]).command()
}

fn opened(home: &Home) -> Term {
    let mut term = Term::start(&prompter(home));
    term.shows(CAMPAIGN).shows("? daftar tombol");
    term
}

/// Waits for so many milliseconds.
fn pause(ms: u64) {
    let end = Instant::now() + Duration::from_millis(ms);
    while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        std::thread::park_timeout(left);
    }
}

/// Sends the bytes, one every `gap` milliseconds.
fn one_by_one(term: &mut Term, bytes: &[u8], gap: u64) {
    let mut next = Instant::now();
    for byte in bytes {
        while let Some(wait) = next.checked_duration_since(Instant::now()).filter(|wait| !wait.is_zero()) {
            std::thread::park_timeout(wait);
        }
        term.send_at_once([*byte]);
        next += Duration::from_millis(gap);
    }
}

/// Asserts that the call is unchanged.
#[track_caller]
fn assert_untouched(term: &mut Term) {
    term.shows("▐nonaktif▌").shows("▐di luar PLN Mobile▌").shows("▐belum tahu▌").shows("nama belum diisi");
    let text = term.text();
    assert!(!text.contains('√') && !text.contains("Ketikan") && !text.contains("Mengapa"), "{text}");
}

fn report(home: &Home) -> String {
    home.penutup(["report"]).ok()
}

// ── Held keys ────────────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn a_held_space_is_one_sentence_at_any_keyboard_rate() {
    for (delay, rate) in [
        (REPEAT_DELAY, REPEAT_INTERVAL),
        (REPEAT_DELAY, Duration::from_millis(20)),
        (REPEAT_DELAY, Duration::from_millis(50)),
    ] {
        let home = Home::new();
        let mut term = opened(&home);
        term.hold(" ", delay, rate, 30);
        term.send("m").shows("▐PLN Mobile▌").shows("√ Campaign Integritas");
        let text = term.text();
        assert_eq!(text.matches('√').count(), 1, "{rate:?}: {text}");
        term.quits();
        assert!(!report(&home).contains("Lengkap: 1"), "{}", report(&home));
    }
}

/// A view that shows nothing.
struct NoView;

impl View for NoView {
    type Input = Input;
    type Output = ();
    const EACH: bool = false;
    const INTERRUPT_LEAVES: bool = false;

    fn listen(_: InputSender<Input>) -> io::Result<()> {
        Ok(())
    }

    fn input(&mut self, input: Input, _: &App, _: DateTime<Utc>) -> io::Result<Vec<Step<()>>> {
        Ok(vec![Step::Input(input)])
    }

    fn output(&mut self, (): (), _: &App) {}

    fn changed(&mut self, _: &App, _: &[Effect], _: bool) {}

    fn show(&mut self, _: &App) -> io::Result<()> {
        Ok(())
    }

    fn copy(&mut self, _: &str) -> io::Result<()> {
        Ok(())
    }
}

/// Down to two repeats a second: the rhythm shows that the key is held, and what its repeats did is undone. The times are
/// those of the events, since a busy machine would send none of them evenly.
#[test]
fn a_key_that_repeats_slowly_is_one_press() {
    for (key, delay, rate, times) in
        [(" ", 900, 300, 4), (" ", 1000, 500, 4), ("\r", 750, 400, 9), ("a", 300, 150, 6), ("a", 250, 240, 6)]
    {
        let mut stage = crate::stage::Stage::at("14:20");
        let mut input = penutup::input::Stage::default();
        let start = Instant::now().checked_sub(Duration::from_secs(10)).unwrap();
        let mut session = Session::alone(&mut stage.app, Clock::showing(stage.now));
        let moments = std::iter::once(0).chain((0..times).map(|n| delay + n * rate));
        for moment in moments.map(|ms| start + Duration::from_millis(ms)) {
            for input in input.bytes(key.as_bytes(), moment) {
                assert_eq!(session.input(&mut NoView, input).unwrap(), Next::On);
            }
        }
        let (said, app) = if key == "a" { (0, "telah") } else { (1, "belum-tahu") };
        assert_eq!((stage.said().len(), stage.fact("aplikasi")), (said, app), "{key:?} {delay} {rate}");
    }
}

#[test]
fn two_unhurried_spaces_are_two_sentences() {
    let home = Home::new();
    let mut term = opened(&home);
    term.send_at_once(" ").shows("√ Campaign Integritas");
    pause(850);
    term.send_at_once(" ").shows("√ Ajakan DOWNLOAD");
    pause(600);
    assert_eq!(term.text().matches('√').count(), 2, "{term:?}");
    term.quits();
}

#[test]
fn a_held_letter_is_one_press() {
    let home = Home::new();
    let mut term = opened(&home);
    term.hold("a", REPEAT_DELAY, REPEAT_INTERVAL, 15);
    term.send("m").shows("▐PLN Mobile▌").shows("▐TELAH punya▌");
    term.quits();
}

#[test]
fn in_practice_and_presentation_a_held_key_is_one_press() {
    let home = Home::new();
    let mut term = Term::start(&home.penutup(["demo"]).command());
    term.shows("Demo 1/11").hold("\x1b[C", REPEAT_DELAY, REPEAT_INTERVAL, 20);
    term.shows("Demo 2/11").send("k").shows("KLB AKTIF").shows("Demo 2/11");
    term.send("q");
    assert!(term.ends().success());
    term.assert_restored();
    let mut term = Term::start(&home.penutup(["drill", "--seed", "5", "--trainee", "cso"]).command());
    term.shows("Latihan").hold("1", REPEAT_DELAY, REPEAT_INTERVAL, 20);
    term.shows("kartu 1 dari")
        .send("?")
        .shows("Daftar tombol")
        .send("\x1b")
        .hides("Daftar tombol")
        .shows("kartu 1 dari");
    assert!(!term.text().contains('√'), "{term:?}");
    term.send("\x03");
    term.ends();
    term.assert_restored();
}

#[test]
fn key_reports_of_the_terminal_override_timing() {
    let home = Home::new();
    let mut term = opened(&home);
    let sent = |term: &Term, what: &str| String::from_utf8_lossy(&term.bytes()).contains(what);
    assert!(
        sent(&term, "\x1b[?u") && !sent(&term, "\x1b[>27u"),
        "the prompter queries the support and enables nothing before the reply"
    );
    term.send_at_once("\x1b[?0u");
    eventually("the report of keys", || sent(&term, "\x1b[>27u"));
    term.send("\x1b[32u\x1b[32;1:2u\x1b[32;1:2u\x1b[32;1:3u").shows("√ Campaign Integritas");
    term.send("\x1b[109u\x1b[109;1:3u").shows("▐PLN Mobile▌");
    assert_eq!(term.text().matches('√').count(), 1, "{term:?}");
    term.send("\x1b[63;2;63u\x1b[63;1:3u").shows("Daftar tombol").send("\x1b[27u").hides("Daftar tombol");
    term.send("\x1b[99;5u");
    assert!(term.ends().success());
    assert!(sent(&term, "\x1b[<u"), "the reports are disabled at the end");
    term.assert_restored();
}

// ── Sequences in pieces, and unrequested reports ──────────────────────────────────────────────────────────────────────

#[test]
fn a_sequence_in_pieces_is_one_key() {
    let home = Home::new();
    let mut term = opened(&home);
    term.send(" ").shows("√ Campaign Integritas");
    for gap in [50, 2] {
        one_by_one(&mut term, b"\x1b[A", gap);
        term.shows("melihat saja").send("\x1b").hides("melihat saja");
    }
    one_by_one(&mut term, b"\x1b[200~Siti Aminah\x1b[201~", 2);
    term.shows("Nama Pelanggan: Siti Aminah").send("\x1b").hides("Nama Pelanggan");
    term.send_at_once("\x1b");
    pause(50);
    term.send_at_once("[200~Siti Aminah\x1b[201~").shows("Nama Pelanggan: Siti Aminah");
    term.send("\x1b").hides("Nama Pelanggan");
    // Esc and a quick key, as tmux sends them.
    term.send("?").shows("Daftar tombol").send_at_once("\x1bm").hides("Daftar tombol").shows("▐PLN Mobile▌");
    term.quits();
}

#[test]
fn terminal_reports_are_not_keys() {
    let home = Home::new();
    let mut term = opened(&home);
    let reports: [&[u8]; 8] = [
        b"\x1b]11;rgb:abab/abab/abab\x1b\\",
        b"\x1bP1$r0;4;38:5:12m\x1b\\",
        b"\x1bP>|kxm(x3)\x1b\\",
        b"\x1b[?62;22c",
        b"\x1b[<0;10;10M",
        b"\x1b[M kx",
        b"\x1b[I\x1b[O",
        b"\x1b_Gi=1;xamk\x1b\\",
    ];
    for report in reports {
        term.send_at_once(report);
        one_by_one(&mut term, report, 2);
        pause(30);
        // The same without its first byte.
        if !report.starts_with(b"\x1b[M") {
            term.send_at_once(&report[1..]);
            pause(200);
        }
    }
    term.send("?").shows("Daftar tombol").send("\x1b").hides("Daftar tombol");
    assert_untouched(&mut term);
    term.quits();
    assert!(report(&home).contains("Belum ada"), "{}", report(&home));
}

#[test]
fn keys_that_a_busy_machine_delivers_together_are_keys_in_a_field() {
    let home = Home::new();
    let mut term = opened(&home);
    for (typed, together, name) in
        [("Sit", "i\r", "Siti"), ("Wat", "i Nur\r", "Wati Nur"), ("Sri ", "Aminah \r", "Sri Aminah")]
    {
        term.send("n");
        if name != "Siti" {
            // The name that is there is selected: the first key replaces it.
            term.shows("Nama");
        }
        for letter in typed.chars() {
            pause(80);
            term.send(letter.to_string());
        }
        pause(80);
        term.send_at_once(together);
        term.shows(&format!("Bapak/Ibu {name}"));
        // A key that follows is a key again.
        term.send("k").shows("KLB AKTIF sejak").send("k").hides("KLB AKTIF sejak");
    }
}

#[test]
fn text_without_paste_markers_is_a_paste_and_never_keys() {
    let home = Home::new();
    let mut term = opened(&home);
    term.send_at_once("Bu Siti Qomariah").shows("siang Ibu Siti Qomariah");
    term.send("\x1b").hides("Nama Pelanggan");
    assert_untouched(&mut term);
    one_by_one(&mut term, b"Bu Siti Qomariah", 3);
    term.shows("siang Ibu Siti Qomariah").send("\x1b").hides("Nama Pelanggan");
    assert_untouched(&mut term);
    term.send_at_once("kxq\r").shows("Nama Pelanggan: kxq").send("\x1b").hides("Nama Pelanggan");
    assert_untouched(&mut term);
    term.quits();
}

#[test]
fn a_paste_whose_end_is_lost_ends_by_itself() {
    let home = Home::new();
    let mut term = opened(&home);
    term.send_at_once("\x1b[200~Siti Aminah").shows("Nama Pelanggan: Siti Aminah");
    term.send("\x1b").hides("Nama Pelanggan");
    term.send("\x03");
    assert!(term.ends().success());
    term.assert_restored();
}

// ── The wrong window ──────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn a_sentence_typed_into_the_wrong_window_is_undone_completely() {
    let home = Home::new();
    let mut term = opened(&home);
    one_by_one(&mut term, b"mati lampu sejak pagi\r", 90);
    term.shows("Ketikan diabaikan");
    assert!(!term.text().contains("KLB AKTIF") && !term.text().contains('√'), "{term:?}");
    term.shows("▐nonaktif▌").shows("▐di luar PLN Mobile▌").shows("▐belum tahu▌");
    term.send("\x03");
    assert!(term.ends().success());
    let state = fs::read_to_string(home.state("shift.toml")).unwrap_or_default();
    assert!(!state.contains("klb"), "{state}");
    assert!(report(&home).contains("Belum ada"), "{}", report(&home));
}

/// At an ordinary pace: no five letters of it come within a second, and in the middle of it Space ticked sentences and S all.
#[test]
fn an_unhurried_sentence_in_the_wrong_window_leaves_no_trace() {
    let home = Home::new();
    let mut term = opened(&home);
    one_by_one(&mut term, b"kemarin listrik padam\r", 260);
    term.shows("Ketikan diabaikan");
    term.shows("▐nonaktif▌").shows("▐di luar PLN Mobile▌").shows("▐belum tahu▌");
    assert!(!term.text().contains("KLB AKTIF") && !term.text().contains('√'), "{term:?}");
    term.send("\x03");
    assert!(term.ends().success());
    let state = fs::read_to_string(home.state("shift.toml")).unwrap_or_default();
    assert!(!state.contains("klb"), "{state}");
    assert!(report(&home).contains("Belum ada"), "{}", report(&home));
}

/// Types the characters with these intervals; the times are those of the events, independent of the machine's speed.
fn typed_at(text: &str, gaps: impl Iterator<Item = u64>) -> crate::stage::Stage {
    let mut stage = crate::stage::Stage::at("14:20");
    let mut input = penutup::input::Stage::default();
    let start = Instant::now().checked_sub(Duration::from_secs(20)).unwrap();
    let mut session = Session::alone(&mut stage.app, Clock::showing(stage.now));
    let mut at = start;
    for (byte, gap) in text.bytes().zip(gaps) {
        at += Duration::from_millis(gap);
        let mut inputs = input.bytes(&[byte], at);
        if let Some(due) = input.deadline() {
            inputs.extend(input.pause(due));
        }
        for input in inputs {
            assert_eq!(session.input(&mut NoView, input).unwrap(), Next::On);
        }
    }
    stage
}

/// Asserts that the call is as it was before the first key.
#[track_caller]
fn assert_undone(stage: &crate::stage::Stage, what: &str) {
    let untouched = typed_at("", std::iter::empty());
    let call = stage.app.call();
    assert_eq!(call.situation(), untouched.app.call().situation(), "{what}");
    assert_eq!(call.fields(), untouched.app.call().fields(), "{what}");
    assert!(call.spoken().is_empty() && stage.app.number() == 0, "{what}");
    assert_eq!(*stage.app.mode(), penutup::app::Mode::Closing, "{what}");
}

#[test]
fn a_text_for_another_window_is_undone_at_any_pace_of_typing() {
    for text in [
        "kemarin listrik padam\r",
        "mati lampu sejak pagi\r",
        "saya kak budi\r",
        "asuransi sudah dibayar\r",
        "Maaf kak, boleh info id pelanggan?\r",
        "ada gangguan kak\r",
        "bapak sudah coba token\r",
        "kabelnya putus\r",
        "sudah dicek ya kak\r",
    ] {
        for gap in [60, 90, 180, 250, 300, 390] {
            assert_undone(&typed_at(text, std::iter::repeat(gap)), &format!("{text:?} {gap}"));
        }
        let uneven = [180, 390, 240, 320, 150, 270];
        assert_undone(&typed_at(text, uneven.into_iter().cycle()), &format!("{text:?} unevenly"));
    }
}

/// Whoever presses shortcuts one after the other, slips on one, or explores them, keeps them all.
#[test]
fn shortcuts_in_a_row_are_kept_with_a_slip_among_them() {
    for gap in [260, 300, 400, 600] {
        for (keys, honorific) in
            [("kmab", "Bapak"), ("kmeab", "Bapak"), ("kmabzz", "Bapak"), ("kmab\x1bdd?\x1b", "Bapak")]
        {
            let stage = typed_at(keys, std::iter::repeat(gap));
            let facts = ["klb", "topik", "aplikasi"].map(|fact| stage.fact(fact));
            assert_eq!(
                (facts, stage.field("sapaan").as_str()),
                (["ya", "pln-mobile", "telah"], honorific),
                "{keys} {gap}"
            );
        }
        let stage = typed_at("kmabnSiti Aminah\r", std::iter::repeat(gap));
        assert_eq!((stage.fact("klb"), stage.field("nama").as_str()), ("ya", "Siti Aminah"), "{gap}");
        let stage = typed_at("kknSiti Aminah\r", std::iter::repeat(gap));
        assert_eq!((stage.fact("klb"), stage.field("nama").as_str()), ("tidak", "Siti Aminah"), "{gap}");
        // A slip before the name, with a pause at its key.
        let stage = typed_at("maenSiti Aminah\r", (0..).map(|n| if n == 4 { 650 } else { gap }));
        assert_eq!((stage.fact("topik"), stage.field("nama").as_str()), ("pln-mobile", "Siti Aminah"), "{gap}");
    }
    // `n` by a slip, then Space.
    assert_eq!(typed_at("man ", std::iter::repeat(500)).fact("topik"), "pln-mobile");
}

/// Who slows down or hurries in a name keeps it, and what was set before it.
#[test]
fn a_name_that_began_is_kept_at_whatever_pace_it_goes_on() {
    let gaps = (0..).map(|n| match n {
        0..=3 => 280,
        4..=7 => 150,
        _ => 250,
    });
    let stage = typed_at("kmnSiti Aminah Rahayu\r", gaps);
    assert_eq!((stage.fact("klb"), stage.field("nama").as_str()), ("ya", "Siti Aminah Rahayu"));
}

/// `n` opens the name field in the middle of a word: the rest of the text is in the field.
#[test]
fn a_text_for_another_window_that_opens_the_name_field_is_undone() {
    for text in [
        "kenapa belum nyala\r",
        "kantor tutup\r",
        "akan dicek\r",
        "kendala listrik\r",
        "makan banyak\r",
        "mkn dulu",
        "min, boleh bantu?\r",
        "gangguab\x7fn listrik",
    ] {
        for gap in [60, 90, 130, 180] {
            assert_undone(&typed_at(text, std::iter::repeat(gap)), &format!("{text:?} {gap}"));
        }
    }
    // A slower one has a letter before the field that is no shortcut.
    for text in ["kenapa belum nyala\r", "kendala listrik\r", "min, boleh bantu?\r", "gangguab\x7fn listrik"] {
        for gap in [250, 300, 390] {
            assert_undone(&typed_at(text, std::iter::repeat(gap)), &format!("{text:?} {gap}"));
        }
    }
}

/// A name typed at any pace after its key is intended, and so are facts before it if there was a pause.
#[test]
fn a_name_after_facts_is_kept() {
    for gap in [40, 90, 150, 199] {
        for (text, pauses) in [("nSiti Aminah\r", &[][..]), ("knSiti Aminah\r", &[1]), ("kmanSiti Aminah\r", &[3, 4])] {
            let gaps = (0..).map(|n| if pauses.contains(&n) { 300 } else { gap });
            let stage = typed_at(text, gaps);
            let name = stage.app.rules().roles.name.unwrap();
            assert_eq!(stage.app.call().fields().spoken(stage.app.rules(), name), "Siti Aminah", "{text:?} {gap}");
            let klb = if text.starts_with('k') { "ya" } else { "tidak" };
            assert_eq!(stage.fact("klb"), klb, "{text:?} {gap}");
        }
    }
}

#[test]
fn in_practice_and_presentation_a_text_for_another_window_is_undone() {
    let home = Home::new();
    let mut term = Term::start(&home.penutup(["demo"]).command());
    term.shows("Demo 1/11").shows("K nonaktif");
    one_by_one(&mut term, b"mati lampu sejak pagi", 90);
    term.shows("Ketikan diabaikan").shows("K nonaktif").shows("M di luar").shows("Demo 1/11");
    pause(1200);
    term.send("k").shows("KLB AKTIF").hides("Ketikan").send("q");
    assert!(term.ends().success());
    term.assert_restored();
    let mut term = Term::start(&home.penutup(["drill", "--seed", "5", "--trainee", "cso"]).command());
    term.shows("Latihan").send("1").shows("kartu 1 dari");
    let before = term.text();
    pause(1200);
    one_by_one(&mut term, b"mati lampu sejak pagi", 90);
    term.shows("Ketikan diabaikan");
    let marked =
        |text: &str| text.lines().filter(|line| line.contains("K KLB") || line.contains('√')).collect::<String>();
    assert_eq!(marked(&term.text()), marked(&before), "{term:?}");
    term.send("\x03");
    term.ends();
    term.assert_restored();
}

/// Blanks, digits and letters from more than a second before belong to the same text, and so do keys that answered a
/// question.
#[test]
fn keys_right_before_a_text_for_another_window_are_undone_with_it() {
    for (before, text, gap) in [
        ("", " mati lampu", 90),
        ("", "12 kamu besar", 90),
        ("", "apa kabar bos", 150),
        ("", "saya kak budi", 150),
        ("x", "1kamu mau beli", 60),
        ("x", "no 2 pak budi mau", 90),
    ] {
        let home = Home::new();
        let mut term = opened(&home);
        if !before.is_empty() {
            term.send(before).shows("Mengapa panggilan berakhir?");
            pause(1200);
        }
        one_by_one(&mut term, text.as_bytes(), gap);
        term.shows("Ketikan diabaikan").shows("▐nonaktif▌").shows("▐di luar PLN Mobile▌");
        assert!(!term.text().contains('√'), "{text:?} {term:?}");
        term.send("\x03");
        assert!(term.ends().success());
        assert!(report(&home).contains("Belum ada"), "{text:?} {}", report(&home));
    }
}

#[test]
fn a_held_key_does_not_write_into_the_field_that_it_opens() {
    let home = Home::new();
    let mut term = opened(&home);
    term.hold("n", Duration::from_millis(500), Duration::from_millis(33), 20);
    term.send("Siti\r").shows("N Siti");
    term.quits();
}

#[test]
fn after_a_second_without_keys_they_are_handled_again() {
    let home = Home::new();
    let mut term = opened(&home);
    one_by_one(&mut term, b"mati lampu", 90);
    term.shows("Ketikan diabaikan");
    pause(1200);
    term.send("m").shows("▐PLN Mobile▌").hides("Ketikan");
    pause(1200);
    one_by_one(&mut term, b"mati lampu", 90);
    term.shows("Ketikan diabaikan").shows("▐PLN Mobile▌").send("\x1b").hides("Ketikan");
    term.quits();
}

// ── The end of the terminal ───────────────────────────────────────────────────────────────────────────────────────────

/// A program in a session of its own, so that its terminal can disappear without a signal.
#[track_caller]
fn without_a_controlling_terminal(home: &Home, args: &str) -> (Term, u32) {
    let program = env!("CARGO_BIN_EXE_penutup");
    let pid_file = home.path().join("pid");
    let script = format!("echo $$ > {}; exec {program} {args}", pid_file.display());
    let mut command = Command::new("setsid");
    command.args(["--wait", "sh", "-c", &script]);
    let own = home.penutup([""; 0]).command();
    for (name, value) in own.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let term = Term::start(&command);
    let mut pid = None;
    eventually("the program", || {
        pid = fs::read_to_string(&pid_file).ok().and_then(|pid| pid.trim().parse().ok());
        pid.is_some()
    });
    (term, pid.unwrap())
}

#[test]
fn a_terminal_gone_without_a_signal_ends_prompter_practice_and_presentation() {
    for (args, shows) in [("--at 14:20", CAMPAIGN), ("demo", "Demo 1/11"), ("drill --seed 5", "Latihan")] {
        let home = Home::new();
        let (mut term, pid) = without_a_controlling_terminal(&home, args);
        term.shows(shows);
        if args.starts_with("--at") {
            term.send("a").shows("▐TELAH punya▌");
        }
        term.hang_up();
        eventually("the end of the program", || !fs::exists(format!("/proc/{pid}")).unwrap_or(true));
        if args.starts_with("--at") {
            assert!(report(&home).contains("penutup ditutup (Q)"), "{}", report(&home));
        }
    }
}

#[test]
fn a_signal_ends_a_call_as_left() {
    for signal in ["TERM", "HUP", "USR1"] {
        let home = Home::new();
        let mut term = opened(&home);
        term.send("a").shows("▐TELAH punya▌").signal(signal);
        assert!(!term.ends().success());
        term.assert_restored();
        assert!(report(&home).contains("penutup ditutup (Q)"), "{signal}: {}", report(&home));
    }
}

#[test]
fn a_terminal_that_does_not_read_blocks_no_input() {
    use portable_pty::{CommandBuilder, PtySize, native_pty_system};

    let home = Home::new();
    let command = prompter(&home);
    let pty = native_pty_system().openpty(PtySize { rows: 60, cols: 200, pixel_width: 0, pixel_height: 0 }).unwrap();
    let mut builder = CommandBuilder::new(command.get_program());
    builder.args(command.get_args());
    builder.env_clear();
    builder.env("TERM", "xterm-256color");
    for (name, value) in command.get_envs() {
        builder.env(name, value.unwrap_or_default());
    }
    let modes = |pty: &portable_pty::PtyPair| format!("{:?}", pty.master.get_termios());
    let before = modes(&pty);
    let mut child = pty.slave.spawn_command(builder).unwrap();
    let mut writer = pty.master.take_writer().unwrap();
    // Nothing reads the terminal: draw whole frames until its buffer is full.
    let pid = child.process_id().unwrap();
    eventually("the program", || modes(&pty) != before);
    writer.write_all(b"a").unwrap();
    for _ in 0..200 {
        writer.write_all(b"\x0c").unwrap();
        pause(5);
    }
    writer.write_all(b"k").unwrap();
    eventually("the state on the disk", || {
        fs::read_to_string(home.state("shift.toml")).is_ok_and(|state| state.contains("\"ya\""))
    });
    assert!(Command::new("kill").args(["-s", "TERM", &pid.to_string()]).status().unwrap().success());
    eventually("the end of the program", || child.try_wait().unwrap().is_some());
    assert!(report(&home).contains("penutup ditutup (Q)"), "{}", report(&home));
    drop(pty.master);
}

#[test]
fn after_sigstop_and_sigcont_the_screen_is_entered_again() {
    let home = Home::new();
    let mut term = opened(&home);
    let raw = term.modes();
    term.send(" ").shows("√ Campaign Integritas").signal("STOP");
    let stat = format!("/proc/{}/stat", term.pid());
    eventually("the stop", || fs::read_to_string(&stat).is_ok_and(|s| s.contains(") T ")));
    // As a shell resets the terminal of a stopped job.
    assert!(Command::new("stty").arg("-F").arg(term.path()).arg("sane").status().unwrap().success());
    assert_ne!(term.modes(), raw);
    let frames = |term: &Term| String::from_utf8_lossy(&term.bytes()).matches("\x1b[?1049h").count();
    let before = frames(&term);
    term.signal("CONT");
    eventually("the screen again", || frames(&term) > before);
    eventually("its modes again", || term.modes() == raw);
    term.shows("√ Campaign Integritas").send("m").shows("▐PLN Mobile▌");
    term.quits();
}

#[test]
fn ctrl_l_draws_everything_again() {
    for args in [&["--at", "14:20"][..], &["demo"]] {
        let home = Home::new();
        let mut term = Term::start(&home.penutup(args).command());
        term.shows(CAMPAIGN);
        let frames = |term: &Term| String::from_utf8_lossy(&term.bytes()).matches("Untuk").count();
        let before = frames(&term);
        term.send("\x0c");
        eventually("the screen again", || frames(&term) > before);
        term.send("q");
        assert!(term.ends().success());
        term.assert_restored();
    }
}

// ── Floods and sizes ──────────────────────────────────────────────────────────────────────────────────────────────────

/// The most memory that the program has used, in kB.
fn peak(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

#[test]
fn the_largest_window_is_drawn_in_bounds() {
    let home = Home::new();
    let mut term = opened(&home);
    term.resize_unseen(65_535, 65_535).send("k");
    term.resize(80, 24).shows("KLB AKTIF").shows("? daftar tombol");
    assert!(peak(term.pid()) < 300_000, "{} kB", peak(term.pid()));
    term.quits();
}

#[test]
fn nearly_two_hundred_thousand_keys_fill_no_memory_and_are_drawn() {
    let home = Home::new();
    let mut term = opened(&home);
    let before = peak(term.pid());
    for _ in 0..30 {
        term.send_at_once("kma\x1b[A \x7f".repeat(1000));
    }
    let grown = peak(term.pid()) - before;
    // 28 bytes a key.
    assert!(grown < 5_000, "{grown} kB more");
    term.wait_until_read();
    term.wait_until_handled();
    pause(300);
    term.send("\x1b").send("?").shows("Daftar tombol").send("\x03");
    assert!(term.ends().success());
    term.assert_restored();
}

#[test]
fn endless_lines_are_bounded_in_memory_and_signals_work() {
    // Also if nothing reads the output.
    for reads in [true, false] {
        let home = Home::new();
        let mut command = home.penutup(["--plain", "--at", "14:20"]).command();
        let out = if reads { Stdio::null() } else { Stdio::piped() };
        let mut child = command.stdin(Stdio::piped()).stdout(out).spawn().unwrap();
        let mut to = child.stdin.take().unwrap();
        let flood = std::thread::spawn(move || while to.write_all(&b"k\n".repeat(4096)).is_ok() {});
        let status = format!("/proc/{}/stat", child.id());
        let ticks = || {
            let stat = fs::read_to_string(&status).unwrap_or_default();
            stat.rsplit(") ").next().and_then(|s| s.split(' ').nth(11)?.parse::<u64>().ok()).unwrap_or_default()
        };
        // It has used a second of CPU time, or it blocks because nothing reads its output.
        let start = Instant::now();
        eventually("a flood", || ticks() > 100 || !reads && start.elapsed() > Duration::from_secs(2));
        assert!(peak(child.id()) < 100_000, "{} kB", peak(child.id()));
        assert!(Command::new("kill").args(["-s", "TERM", &child.id().to_string()]).status().unwrap().success());
        eventually("the end of the program", || child.try_wait().unwrap().is_some());
        flood.join().unwrap();
    }
}

// ── Colours ───────────────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn more_than_sixteen_colours_only_if_the_environment_reports_them() {
    let home = Home::new();
    home.write_config("settings.toml", "theme = \"dark\"\n");
    let has_rgb = |term: &Term| String::from_utf8_lossy(&term.bytes()).contains("38;2;");
    let mut term = opened(&home);
    assert!(!has_rgb(&term), "the environment reports no more colours");
    // Terminals that don't know the query would print it.
    assert!(!String::from_utf8_lossy(&term.bytes()).contains("\x1bP"), "the terminal is not asked");
    term.quits();
    let command = home.penutup(["--at", "14:20"]).env("COLORTERM", "truecolor").command();
    let mut term = Term::start(&command);
    term.shows(CAMPAIGN);
    assert!(has_rgb(&term));
    term.quits();
}
