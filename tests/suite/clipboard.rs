//! `c` on a real X display, read back with xclip; and on a display that is missing or hangs.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

use crate::support::Home;
use crate::term::Term;

const COPIED: &str = "Kalimat lengkap disalin";
const SENT: &str = "Kalimat lengkap dikirim ke terminal";
const OSC_52: &str = "\x1b]52;c;";

/// An X display of the test's own.
struct Display {
    child: Child,
    name: String,
}

impl Display {
    fn start() -> Result<Self, String> {
        let xclip = Command::new("xclip").arg("-version").output();
        xclip.map_err(|e| format!("xclip: {e}"))?;
        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", "640x480x24", "-nolisten", "tcp"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|e| format!("Xvfb: {e}"))?;
        let mut number = String::new();
        let read = BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut number);
        let display = Self { child, name: format!(":{}", number.trim()) };
        match read {
            Ok(1..) => Ok(display),
            _ => Err("Xvfb names no display".into()),
        }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().expect("kill runs").success());
    }

    fn prompter(&self, home: &Home) -> Term {
        let mut term = Term::start(&home.penutup(["--at", "14:20"]).env("DISPLAY", &self.name).command());
        term.shows("? daftar tombol");
        term
    }

    /// What another program finds in the clipboard.
    fn clipboard(&self) -> String {
        let mut command = Command::new("xclip");
        let output = command.args(["-o", "-selection", "clipboard"]).env("DISPLAY", &self.name).output();
        String::from_utf8(output.expect("it runs").stdout).expect("UTF-8")
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A display; `None`, with a message, where none can be started.
fn display(test: &str) -> Option<Display> {
    match Display::start() {
        Ok(display) => Some(display),
        Err(why) => {
            // Not with `eprintln!`: the harness hides its output in a passing test.
            let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {why}");
            None
        }
    }
}

fn has_sent(term: &Term) -> bool {
    String::from_utf8_lossy(&term.bytes()).contains(OSC_52)
}

#[test]
fn a_text_reported_copied_is_in_the_desktops_clipboard() {
    let Some(display) = display("the desktop's clipboard") else { return };
    let home = Home::new();
    let mut term = display.prompter(&home);
    term.send("c").shows(COPIED);
    let complete = "Untuk mewujudkan PLN terbaik, mohon tidak memberikan tambahan biaya kepada petugas kami. Agar semua \
                    makin mudah, ayo download aplikasi New PLN Mobile di Play Store atau Apps Store, Terima kasih telah \
                    menghubungi PLN 123, selamat siang Bapak/Ibu";
    assert_eq!(display.clipboard(), complete);
    term.send("b").shows("▐Bapak▌").hides(COPIED).send("c").shows(COPIED);
    assert_eq!(display.clipboard(), complete.replace("Bapak/Ibu", "Bapak"), "each copy replaces the previous one");
    assert!(!has_sent(&term), "nothing was sent to the terminal's clipboard");
    term.quits();
}

#[test]
fn a_hanging_display_blocks_no_key_and_the_terminal_gets_the_text() {
    let Some(display) = display("a display that hangs") else { return };
    let home = Home::new();
    let mut term = display.prompter(&home);
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
    assert!(display.clipboard().starts_with("Agar semua makin mudah"), "{}", display.clipboard());
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
    let mut term = display.prompter(&home);
    let threads = |term: &Term| {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", term.pid())).expect("it runs").flatten();
        tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok()).collect::<String>()
    };
    assert!(!threads(&term).contains("clipboard"), "{}", threads(&term));
    term.send("c").shows(COPIED);
    assert!(threads(&term).contains("clipboard"), "{}", threads(&term));
    term.quits();
}
