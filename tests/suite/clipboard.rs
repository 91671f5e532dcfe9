//! `c` on a real X display, read back with xclip; and on a display that is missing or hangs.

use std::process::Command;

use crate::display::Display;
use crate::support::Home;
use crate::term::Term;

const COPIED: &str = "Kalimat lengkap disalin";
const SENT: &str = "Kalimat lengkap dikirim ke terminal";
const OSC_52: &str = "\x1b]52;c;";

fn display(test: &str) -> Option<Display> {
    Display::start(test, &["xclip"])
}

fn prompter(display: &Display, home: &Home) -> Term {
    let mut term = Term::start(&home.penutup(["--at", "14:20"]).env("DISPLAY", &display.name).command());
    term.shows("? daftar tombol");
    term
}

/// What another program finds in the clipboard.
fn clipboard(display: &Display) -> String {
    let mut command = Command::new("xclip");
    let output = command.args(["-o", "-selection", "clipboard"]).env("DISPLAY", &display.name).output();
    String::from_utf8(output.expect("it runs").stdout).expect("UTF-8")
}

fn has_sent(term: &Term) -> bool {
    String::from_utf8_lossy(&term.bytes()).contains(OSC_52)
}

#[test]
fn a_text_reported_copied_is_in_the_desktops_clipboard() {
    let Some(display) = display("the desktop's clipboard") else { return };
    let home = Home::new();
    let mut term = prompter(&display, &home);
    term.send("c").shows(COPIED);
    let complete = "Untuk mewujudkan PLN terbaik, mohon tidak memberikan tambahan biaya kepada petugas kami. Agar semua \
                    makin mudah, ayo download aplikasi New PLN Mobile di Play Store atau Apps Store, Terima kasih telah \
                    menghubungi PLN 123, selamat siang Bapak/Ibu";
    assert_eq!(clipboard(&display), complete);
    term.send("b").shows("▐Bapak▌").hides(COPIED).send("c").shows(COPIED);
    assert_eq!(clipboard(&display), complete.replace("Bapak/Ibu", "Bapak"), "each copy replaces the previous one");
    assert!(!has_sent(&term), "nothing was sent to the terminal's clipboard");
    term.quits();
}

#[test]
fn a_hanging_display_blocks_no_key_and_the_terminal_gets_the_text() {
    let Some(display) = display("a display that hangs") else { return };
    let home = Home::new();
    let mut term = prompter(&display, &home);
    display.signal("STOP");
    term.send("c").send("k").shows("KLB AKTIF sejak 14.2");
    term.shows(SENT);
    assert!(has_sent(&term));
    assert!(!term.text().contains(COPIED), "{term:?}");
    // While it hangs, the terminal gets the text at once.
    term.send("k").hides(SENT).send("c").shows(SENT);
    display.signal("CONT");
    term.send("k");
    // Once the display continues, one of the next copies reaches it.
    crate::term::eventually("a copy in the desktop's clipboard", || {
        term.send("b").hides(SENT).hides(COPIED).send("c");
        term.until("an answer", |screen| [COPIED, SENT].iter().any(|notice| screen.contents().contains(notice)));
        term.text().contains(COPIED)
    });
    assert!(clipboard(&display).starts_with("Agar semua makin mudah"), "{}", clipboard(&display));
    term.quits();
}

#[test]
fn without_a_display_the_terminal_gets_the_text_and_the_notice_says_so() {
    let home = Home::new();
    for display in ["", ":65000", "nowhere"] {
        let mut term = Term::start(&home.penutup(["--at", "14:20"]).env("DISPLAY", display).command());
        term.shows("? daftar tombol").send("c").shows(SENT);
        assert!(has_sent(&term));
        assert!(!term.text().contains(COPIED), "{term:?}");
        term.quits();
    }
}

#[test]
fn the_display_is_not_contacted_before_the_first_copy() {
    let Some(display) = display("the desktop before the first copy") else { return };
    let home = Home::new();
    let mut term = prompter(&display, &home);
    let threads = |term: &Term| {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", term.pid())).expect("it runs").flatten();
        tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok()).collect::<String>()
    };
    assert!(!threads(&term).contains("clipboard"), "{}", threads(&term));
    term.send("c").shows(COPIED);
    assert!(threads(&term).contains("clipboard"), "{}", threads(&term));
    term.quits();
}
