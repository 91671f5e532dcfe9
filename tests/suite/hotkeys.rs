//! The hotkeys of the desktop on a real X display: another window has the focus, xdotool presses.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use penutup::files::hotkey_owner::{Registration, Status};
use x11rb::COPY_DEPTH_FROM_PARENT;
use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    ConnectionExt as _, CreateWindowAux, EventMask, GrabMode, InputFocus, Keycode, ModMask, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use crate::display::Display;
use crate::session::assert_idle;
use crate::support::{Home, Penutup};
use crate::term::{Term, eventually};

const SETTINGS: &str = "[hotkeys]\nsaid = 'Ctrl+Alt+Space'\n\"klb=ya\" = 'Ctrl+Alt+K'\nundo = 'Ctrl+Alt+Backspace'\n";
const FIRST: &str = "▌ Campaign Integritas";
const SECOND: &str = "▌ Ajakan DOWNLOAD New PLN Mobile";
/// Keycodes of every PC keyboard.
const SPACE: Keycode = 65;
const X: Keycode = 53;
const F9: Keycode = 75;
const K: Keycode = 45;

/// A display and the home of a user whose settings have hotkeys.
struct Desk {
    display: Display,
    home: Home,
}

impl Desk {
    fn new(test: &str, settings: &str) -> Option<Self> {
        let display = Display::start(test, &["xdotool", "setxkbmap"])?;
        let home = Home::new();
        home.write_config("settings.toml", settings);
        Some(Self { display, home })
    }

    fn penutup(&self, args: &[&str]) -> Penutup {
        let penutup = self.home.penutup(args).env("DISPLAY", &self.display.name);
        // The machine that runs the tests may be busy.
        penutup.env("PENUTUP_CALL_WAIT", "20000")
    }

    /// A prompter, before its hotkeys are registered.
    fn opens(&self) -> Term {
        let mut term = Term::start(&self.penutup(&["--at", "14:20"]).command());
        term.shows("? daftar tombol");
        term
    }

    /// A prompter that has registered the hotkeys.
    fn prompter(&self) -> Term {
        let term = self.opens();
        self.has_hotkeys(&term);
        term
    }

    /// Waits until this prompter has tried to register the hotkeys; returns what became of them.
    #[track_caller]
    fn has_hotkeys(&self, term: &Term) -> Vec<Registration> {
        let mut registered = Vec::new();
        eventually("the hotkeys", || {
            let status = self.status().filter(|status| status.process == term.pid());
            registered = status.into_iter().flat_map(|status| status.hotkeys).map(|entry| entry.registration).collect();
            !registered.is_empty()
        });
        registered
    }

    fn status(&self) -> Option<Status> {
        let name = self.display.name.replace(':', "_3a");
        let path: PathBuf = self.home.path().join(format!("run/penutup/hotkeys-{name}.status"));
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    fn press(&self, keys: &str) {
        self.display.ran("xdotool", &["key", keys]);
    }
}

/// Another program's window, which has the focus.
struct OtherWindow {
    connection: RustConnection,
    root: Window,
    window: Window,
}

impl OtherWindow {
    fn on(display: &Display) -> Self {
        let (connection, screen) = x11rb::connect(Some(&display.name)).expect("a connection");
        let (root, visual) = (connection.setup().roots[screen].root, connection.setup().roots[screen].root_visual);
        let window = connection.generate_id().expect("an id");
        let events = CreateWindowAux::new().event_mask(EventMask::KEY_PRESS | EventMask::STRUCTURE_NOTIFY);
        let class = WindowClass::INPUT_OUTPUT;
        connection
            .create_window(COPY_DEPTH_FROM_PARENT, window, root, 0, 0, 100, 100, 0, class, visual, &events)
            .expect("a window");
        connection.map_window(window).expect("it is shown");
        let other = Self { connection, root, window };
        // Only a window that is shown can have the focus.
        while !matches!(other.next_event(), Event::MapNotify(_)) {}
        other.connection.set_input_focus(InputFocus::POINTER_ROOT, window, x11rb::CURRENT_TIME).expect("the focus");
        other.connection.sync().expect("a reply");
        other
    }

    fn next_event(&self) -> Event {
        self.connection.flush().expect("a connection");
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(60) {
            if let Some(event) = self.connection.poll_for_event().expect("a connection") {
                return event;
            }
            std::thread::park_timeout(Duration::from_millis(5));
        }
        panic!("the window gets no event")
    }

    /// The keys that it got until F9, which xdotool presses now.
    fn got(&self, display: &Display) -> Vec<Keycode> {
        display.ran("xdotool", &["key", "F9"]);
        let mut keys = Vec::new();
        loop {
            if let Event::KeyPress(event) = self.next_event() {
                if event.detail == F9 {
                    return keys;
                }
                keys.push(event.detail);
            }
        }
    }

    fn has_focus(&self) -> bool {
        let focus = self.connection.get_input_focus().expect("a request").reply().expect("a reply");
        focus.focus == self.window
    }

    /// Grabs keys as a program with hotkeys of its own does. Returns whether it got them.
    fn grabs(&self, modifiers: ModMask, key: Keycode) -> bool {
        let mode = GrabMode::ASYNC;
        let request = self.connection.grab_key(false, self.root, modifiers, key, mode, mode).expect("a request");
        request.check().is_ok()
    }
}

/// Ctrl, Shift, Alt and the locks: they are held, or toggled, and no program's alone.
const MODIFIERS: [Keycode; 5] = [37, 50, 64, 66, 77];

fn was_marked(term: &Term) -> usize {
    String::from_utf8_lossy(&term.bytes()).matches("ditekan dari luar").count()
}

#[test]
fn a_hotkey_ticks_while_another_window_has_the_focus_and_gets_no_letter() {
    let Some(desk) = Desk::new("a hotkey", SETTINGS) else { return };
    let mut term = desk.prompter();
    let other = OtherWindow::on(&desk.display);
    desk.press("ctrl+alt+space");
    term.shows(SECOND);
    eventually("the mark", || was_marked(&term) > 0);
    // With the locks on it is the same key.
    for lock in ["Caps_Lock", "Num_Lock"] {
        desk.press(lock);
        desk.press("ctrl+alt+BackSpace");
        term.shows(FIRST).rest();
        desk.press("ctrl+alt+space");
        term.shows(SECOND).rest();
    }
    desk.press("ctrl+alt+k");
    term.shows("KLB AKTIF sejak 14.2");
    assert!(other.has_focus());
    let got = other.got(&desk.display);
    assert!(got.iter().all(|key| MODIFIERS.contains(key)), "{got:?}");
    // Without its modifiers, or with another one, the key is the other window's.
    desk.press("space");
    desk.press("ctrl+alt+shift+space");
    let got = other.got(&desk.display);
    let others: Vec<Keycode> = got.into_iter().filter(|key| !MODIFIERS.contains(key)).collect();
    assert_eq!(others, [SPACE, SPACE]);
    term.shows(SECOND).quits();
    // The prompter has released them.
    desk.press("ctrl+alt+space");
    assert!(other.got(&desk.display).contains(&SPACE));
}

#[test]
fn a_held_hotkey_presses_once() {
    let Some(desk) = Desk::new("a held hotkey", SETTINGS) else { return };
    let mut term = desk.prompter();
    let other = OtherWindow::on(&desk.display);
    // The server repeats a key that is held.
    let start = Instant::now();
    desk.display.ran("xdotool", &["keydown", "x"]);
    let mut presses = 0;
    while presses < 3 {
        presses += usize::from(matches!(other.next_event(), Event::KeyPress(event) if event.detail == X));
    }
    desk.display.ran("xdotool", &["keyup", "x"]);
    let long = start.elapsed() * 2;
    desk.display.ran("xdotool", &["keydown", "ctrl", "keydown", "alt", "keydown", "space"]);
    term.shows(SECOND);
    std::thread::sleep(long.max(Duration::from_millis(1500)));
    desk.display.ran("xdotool", &["keyup", "space", "keyup", "alt", "keyup", "ctrl"]);
    desk.press("ctrl+alt+k");
    term.shows("KLB AKTIF");
    assert!(term.text().contains("√ Campaign Integritas"), "{term:?}");
    assert!(!term.text().contains("tidak ditekan"), "nothing was refused: {term:?}");
    assert_eq!(term.text().matches('√').count(), 1, "{term:?}");
    term.quits();
}

#[test]
fn a_combination_of_another_program_is_told_once_and_the_others_work() {
    let Some(desk) = Desk::new("a combination of another program", SETTINGS) else { return };
    let other = OtherWindow::on(&desk.display);
    let ctrl_alt = ModMask::CONTROL | ModMask::M1;
    // Only with Caps Lock: what the prompter gets of it, it gives back.
    assert!(other.grabs(ctrl_alt | ModMask::LOCK, K));
    let mut term = desk.opens();
    let registered = desk.has_hotkeys(&term);
    assert_eq!(registered, [Registration::Registered, Registration::Held, Registration::Registered]);
    term.shows("Tombol pintas tidak aktif: Ctrl+Alt+K (dipakai program lain)");
    assert!(other.grabs(ctrl_alt, K), "nothing of it is left with the prompter");
    desk.press("ctrl+alt+space");
    term.shows(SECOND).hides("Ctrl+Alt+K");
    term.send("?").shows("Daftar tombol").shows("Ctrl+Alt+Space");
    assert!(!term.text().contains("Ctrl+Alt+K"), "{term:?}");
    term.send("?").hides("Daftar tombol").send("k").shows("KLB AKTIF");
    assert!(!term.text().contains("Tombol pintas tidak aktif"), "{term:?}");
    term.quits();
}

#[test]
fn the_prompter_used_last_is_pressed_and_another_takes_over_when_the_first_ends_or_is_killed() {
    let Some(desk) = Desk::new("hotkeys of several prompters", SETTINGS) else { return };
    let mut one = desk.prompter();
    let mut two = desk.opens();
    let three = desk.opens();
    two.send("b").shows("▐Bapak▌");
    desk.press("ctrl+alt+space");
    two.shows(SECOND);
    assert!(one.text().contains(FIRST), "{one:?}");
    // Those that wait show what the first has registered.
    two.send("?").shows("Ctrl+Alt+Space").send("?").hides("Daftar tombol");
    one.send("m").shows("▐PLN Mobile▌");
    desk.press("ctrl+alt+space");
    one.shows("√ Ajakan UPDATE New PLN Mobile");
    assert_eq!(two.text().matches('√').count(), 1, "{two:?}");
    one.quits();
    let next = |desk: &Desk, others: [&Term; 2]| {
        let mut process = 0;
        eventually(&format!("another prompter with the hotkeys, after {:?},", desk.status()), || {
            process = desk.status().map_or(0, |status| status.process);
            others.iter().any(|term| term.pid() == process)
        });
        process
    };
    let owner = next(&desk, [&two, &three]);
    two.send("m").shows("▐PLN Mobile▌");
    desk.press("ctrl+alt+BackSpace");
    two.hides("▐PLN Mobile▌");
    let (mut dead, mut last) = if owner == two.pid() { (two, three) } else { (three, two) };
    dead.signal("KILL");
    dead.ends();
    next(&desk, [&last, &last]);
    last.send("m").shows("▐PLN Mobile▌");
    desk.press("ctrl+alt+BackSpace");
    last.hides("▐PLN Mobile▌").quits();
}

#[test]
fn without_a_desktop_nothing_is_registered_and_nothing_is_said() {
    let Some(desk) = Desk::new("hotkeys without a desktop", SETTINGS) else { return };
    for (name, value) in [
        ("DISPLAY", ""),
        ("WAYLAND_DISPLAY", "wayland-0"),
        ("XDG_SESSION_TYPE", "wayland"),
        ("SSH_CONNECTION", "a 1 b 2"),
    ] {
        let mut term = Term::start(&desk.penutup(&["--at", "14:20"]).env(name, value).command());
        term.shows("? daftar tombol");
        // Once a key does something, every thread has been started.
        term.send("b").shows("▐Bapak▌");
        assert!(!threads(&term).contains("hotkeys"), "{name}: {}", threads(&term));
        assert!(!term.text().to_lowercase().contains("tombol pintas"), "{name}: {term:?}");
        assert_eq!(desk.status(), None, "{name}");
        term.quits();
    }
}

#[test]
fn without_hotkeys_in_the_settings_there_is_no_thread_for_them() {
    let Some(desk) = Desk::new("settings without hotkeys", "lang = 'id'\n") else { return };
    let mut term = desk.opens();
    term.send("k").shows("KLB AKTIF");
    assert!(!threads(&term).contains("hotkeys"), "{}", threads(&term));
    term.quits();
}

fn threads(term: &Term) -> String {
    let tasks = fs::read_dir(format!("/proc/{}/task", term.pid())).expect("it runs").flatten();
    tasks.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok()).collect()
}

#[test]
fn a_display_that_cannot_be_reached_is_told_and_the_prompter_works() {
    let Some(desk) = Desk::new("a display that can't be reached", SETTINGS) else { return };
    for display in [":65000", ":4711", "nowhere"] {
        let mut term = Term::start(&desk.penutup(&["--at", "14:20"]).env("DISPLAY", display).command());
        term.shows("Tombol pintas tidak aktif: desktop tidak dapat dihubungi");
        term.send(" ").shows(SECOND).quits();
    }
}

#[test]
fn a_display_that_hangs_delays_neither_the_first_screen_nor_a_key_nor_the_end() {
    let Some(desk) = Desk::new("hotkeys of a display that hangs", SETTINGS) else { return };
    desk.display.signal("STOP");
    let mut term = desk.opens();
    term.send(" ").shows(SECOND);
    assert_eq!(desk.status(), None);
    term.quits();
    let mut term = desk.opens();
    desk.display.signal("CONT");
    desk.has_hotkeys(&term);
    desk.press("ctrl+alt+space");
    term.shows(SECOND).quits();
}

#[test]
fn a_display_that_ends_is_told_and_the_prompter_works_on() {
    let Some(desk) = Desk::new("a display that ends", SETTINGS) else { return };
    let mut term = desk.prompter();
    term.send("?").shows("Ctrl+Alt+K").send("?");
    desk.display.signal("KILL");
    term.shows("Tombol pintas tidak aktif lagi: sambungan ke desktop terputus");
    term.send("?").shows("Daftar tombol");
    assert!(!term.text().contains("Ctrl+Alt+K"), "{term:?}");
    term.send("? ").shows(SECOND).quits();
}

#[test]
fn idle_hotkeys_wake_nobody() {
    let Some(desk) = Desk::new("idle hotkeys", SETTINGS) else { return };
    let mut one = desk.prompter();
    let mut two = desk.opens();
    two.send("?").shows("Ctrl+Alt+Space").send("?").hides("Daftar tombol");
    desk.press("ctrl+alt+k");
    two.shows("KLB AKTIF");
    one.shows("KLB AKTIF");
    assert_idle(one.pid());
    assert_idle(two.pid());
    two.quits();
    one.quits();
}

#[test]
fn another_keyboard_layout_moves_the_hotkey_with_its_letter() {
    let Some(desk) = Desk::new("another keyboard layout", SETTINGS) else { return };
    let mut term = desk.prompter();
    let other = OtherWindow::on(&desk.display);
    // K is where V was.
    desk.display.ran("setxkbmap", &["dvorak"]);
    eventually("the hotkey in its new place", || {
        desk.press("ctrl+alt+k");
        let got = other.got(&desk.display);
        !got.contains(&55)
    });
    term.shows("KLB AKTIF");
    // Where K was, a T is typed now.
    desk.press("ctrl+alt+t");
    assert!(other.got(&desk.display).contains(&K));
    desk.display.ran("setxkbmap", &["ru"]);
    term.shows("Tombol pintas tidak aktif: Ctrl+Alt+K (tidak ada di keyboard ini)");
    desk.display.ran("setxkbmap", &["us"]);
    eventually("the hotkey back in its place", || {
        desk.status().is_some_and(|status| status.hotkeys.iter().all(|e| e.registration == Registration::Registered))
    });
    desk.press("ctrl+alt+BackSpace");
    term.shows("▐nonaktif▌");
    desk.press("ctrl+alt+k");
    term.shows("KLB AKTIF").quits();
}

#[test]
fn a_hotkey_that_the_rules_do_not_know_stands_on_the_screen_with_the_nearest() {
    let settings = "[hotkeys]\nsaid = 'Ctrl+Alt+Space'\nkbl = 'Ctrl+Alt+K'\n\"topik=pln-mobil\" = 'Ctrl+Alt+M'\n";
    let Some(desk) = Desk::new("a hotkey that the rules don't know", settings) else { return };
    let mut term = desk.prompter();
    term.shows("Ctrl+Alt+K: tidak ada \"kbl\" di aturan ini; maksudnya \"klb\"?");
    term.send(" ").shows(SECOND);
    // It stands, and a press says so too.
    term.shows("Ctrl+Alt+K: tidak ada \"kbl\" di aturan ini");
    desk.press("ctrl+alt+k");
    term.shows("Tidak ada tombol, kondisi, atau isian bernama \"kbl\"");
    term.send("?").shows("topik=pln-mobile").quits();
}

#[test]
fn what_a_hotkey_may_not_press_is_refused_on_the_screen() {
    let Some(desk) = Desk::new("a refused hotkey", SETTINGS) else { return };
    let mut term = desk.prompter();
    term.send("n").shows("Enter pakai · Esc batal");
    desk.press("ctrl+alt+space");
    term.shows("\"said\" tidak ditekan: sebuah isian sedang diketik");
    term.send("\x1b").hides("Enter pakai").send(" ").shows(SECOND).send("x").shows("Mengapa panggilan berakhir?");
    desk.press("ctrl+alt+k");
    term.shows("\"klb=ya\" tidak ditekan: layar sedang bertanya");
    term.send("\x1b").hides("Mengapa panggilan berakhir?");
    assert_eq!(was_marked(&term), 0);
    term.quits();
}

/// The state of each hotkey in the list of the verb.
fn listed(desk: &Desk, name: &str, value: &str) -> Vec<String> {
    let listed = desk.penutup(&["hotkeys", "--format", "json"]).env(name, value).json();
    let state = |hotkey: &serde_json::Value| hotkey["state"].as_str().expect("a state").to_owned();
    listed["hotkeys"].as_array().expect("a list").iter().map(state).collect()
}

#[test]
fn the_verb_says_what_is_registered_and_why_the_rest_is_not() {
    let Some(desk) = Desk::new("the list of hotkeys", SETTINGS) else { return };
    let other = OtherWindow::on(&desk.display);
    assert!(other.grabs(ModMask::CONTROL | ModMask::M1, K));
    let here = desk.display.name.clone();
    assert_eq!(listed(&desk, "DISPLAY", &here), ["no-prompter"; 3]);
    let mut term = desk.prompter();
    assert_eq!(listed(&desk, "DISPLAY", &format!("{here}.0")), ["registered", "held", "registered"]);
    let text = desk.penutup(&["hotkeys"]).ok();
    let expected = "\
Ctrl+Alt+Space      said    sudah disampaikan  aktif
Ctrl+Alt+K          klb=ya  KLB: AKTIF         tidak aktif: dipakai program lain
Ctrl+Alt+Backspace  undo    urungkan           aktif
";
    assert_eq!(text, expected);
    // What is registered elsewhere says nothing about this terminal.
    for (name, value, state) in [
        ("DISPLAY", "", "no-display"),
        ("DISPLAY", ":4711", "no-prompter"),
        ("WAYLAND_DISPLAY", "wayland-0", "wayland"),
        ("SSH_CONNECTION", "a 1 b 2", "ssh"),
    ] {
        assert_eq!(listed(&desk, name, value), [state; 3], "{name}");
    }
    // The prompter goes on with the settings that it was opened with.
    desk.home.write_config("settings.toml", "[hotkeys]\nsaid = 'Ctrl+Alt+Space'\nend = 'Ctrl+Alt+X'\n");
    assert_eq!(listed(&desk, "DISPLAY", &here), ["registered", "settings-changed"]);
    let text = desk.penutup(&["hotkeys"]).ok();
    assert!(text.contains("tidak aktif: pengaturan berubah; buka ulang penutup\n"), "{text}");
    let note = "Masih aktif dari pengaturan yang lama, sampai penutup dibuka ulang: Ctrl+Alt+Backspace (undo)\n";
    assert!(text.ends_with(note), "{text}");
    // It is a prompter that is stopped, which has them all the same.
    term.signal("STOP");
    assert_eq!(listed(&desk, "DISPLAY", &here), ["registered", "settings-changed"]);
    term.signal("CONT").quits();
    assert_eq!(listed(&desk, "DISPLAY", &here), ["no-prompter"; 2]);
    // A display that hangs while the hotkeys are registered.
    desk.display.signal("STOP");
    let mut term = desk.opens();
    eventually("a prompter that tries", || listed(&desk, "DISPLAY", &here) == ["unknown"; 2]);
    desk.display.signal("CONT");
    desk.has_hotkeys(&term);
    term.quits();
}

#[test]
fn in_line_mode_hotkeys_work_and_say_what_they_did() {
    let Some(desk) = Desk::new("hotkeys in line mode", SETTINGS) else { return };
    let mut term = Term::start(&desk.penutup(&["--at", "14:20", "--plain"]).command());
    term.shows("Untuk mewujudkan PLN terbaik");
    desk.has_hotkeys(&term);
    desk.press("ctrl+alt+space");
    term.shows("Ditekan dari luar. Sudah: Campaign Integritas.").shows("Agar semua makin mudah");
    term.send("?\n").shows("Ctrl+Alt+Space");
    term.send("q\n").shows("Tetap keluar").send("q\n");
    assert!(term.ends().success());
}
