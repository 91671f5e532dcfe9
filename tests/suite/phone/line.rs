//! The prompter's own connection to baresip, with a fake baresip: the events it derives, what happens when the connection
//! is lost, what hostile frames do.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use penutup::message::Link;
use penutup::message::Message;
use penutup::softphone::baresip::listen;
use penutup::softphone::netstring::frame;
use penutup_ipc::phone_event::PhoneEvent;

use super::pairs;
use crate::support::Home;
use crate::term::{Term, eventually};

/// How long a test waits for an expected event.
const PATIENCE: Duration = Duration::from_secs(60);

/// A fake baresip, and the events that the prompter derives from it.
struct Baresip {
    listener: TcpListener,
    messages: Receiver<Message>,
}

impl Baresip {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let (send, messages) = channel();
        listen(listener.local_addr().expect("it is bound").to_string(), move |news| send.send(news).is_ok());
        Self { listener, messages }
    }

    fn accept(&self) -> TcpStream {
        self.listener.accept().expect("a connection").0
    }

    #[track_caller]
    fn next_message(&self) -> Message {
        self.messages.recv_timeout(PATIENCE).expect("a message")
    }
}

fn event(kind: &str, direction: &str, id: &str, name: &str) -> Vec<u8> {
    let name = name.replace('\\', "\\\\").replace('"', "\\\"");
    let json = format!(
        "{{\"event\":true,\"type\":\"{kind}\",\"class\":\"call\",\"accountaor\":\"sip:a@b\",\"direction\":\"{direction}\",\
         \"peeruri\":\"sip:0812@x\",\"peerdisplayname\":\"{name}\",\"id\":\"{id}\",\"param\":\"\"}}"
    );
    frame(json.as_bytes())
}

fn started(id: &str, name: &str) -> Message {
    Message::Phone(PhoneEvent::Start { id: Some(id.into()), pairs: pairs(&format!("nama={}", name.replace(' ', "+"))) })
}

fn ended(id: &str) -> Message {
    Message::Phone(PhoneEvent::End { id: Some(id.into()) })
}

#[test]
fn a_call_is_recognised_however_its_bytes_are_split() {
    let baresip = Baresip::new();
    let mut line = baresip.accept();
    assert_eq!(baresip.next_message(), Message::PhoneLink(Link::Up));
    let name = "Siti \\\"Aisyah\\\"";
    let all = [
        event("CALL_INCOMING", "incoming", "a", name),
        event("CALL_ESTABLISHED", "incoming", "a", name),
        event("CALL_ESTABLISHED", "outgoing", "b", name),
        event("CALL_CLOSED", "outgoing", "b", name),
        event("CALL_CLOSED", "incoming", "a", name),
    ]
    .concat();
    for piece in all.chunks(7) {
        line.write_all(piece).expect("the prompter reads");
    }
    assert_eq!((baresip.next_message(), baresip.next_message()), (started("a", "Siti \"Aisyah\""), ended("a")));
}

#[test]
fn a_lost_connection_reconnects_and_remembers_calls() {
    let baresip = Baresip::new();
    let mut line = baresip.accept();
    line.write_all(&event("CALL_ESTABLISHED", "incoming", "a", "Siti")).expect("the prompter reads");
    assert_eq!((baresip.next_message(), baresip.next_message()), (Message::PhoneLink(Link::Up), started("a", "Siti")));
    drop(line);
    assert_eq!(baresip.next_message(), Message::PhoneLink(Link::Down));
    let mut line = baresip.accept();
    assert_eq!(baresip.next_message(), Message::PhoneLink(Link::Up));
    line.write_all(&event("CALL_CLOSED", "incoming", "a", "Siti")).expect("the prompter reads");
    assert_eq!(baresip.next_message(), ended("a"));
}

#[test]
fn a_late_baresip_is_found() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    drop(listener);
    let (send, messages) = channel();
    listen(address.to_string(), move |news| send.send(news).is_ok());
    assert_eq!(messages.recv_timeout(PATIENCE), Ok(Message::PhoneLink(Link::Down)));
    let listener = TcpListener::bind(address).expect("the same port");
    let _line = listener.accept().expect("a second attempt");
    assert_eq!(messages.recv_timeout(PATIENCE), Ok(Message::PhoneLink(Link::Up)));
}

#[test]
fn hostile_frames_only_close_the_connection() {
    let baresip = Baresip::new();
    for hostile in [&b"999999999999:"[..], b"x", b"5:hello;", b"\x00\xff", b"GET / HTTP/1.1\r\n\r\n"] {
        let mut line = baresip.accept();
        assert_eq!(baresip.next_message(), Message::PhoneLink(Link::Up));
        // A valid event first, so that the next connection follows soon.
        line.write_all(&frame(b"{}")).expect("the prompter reads");
        line.write_all(hostile).expect("the prompter reads");
        // The prompter closes the connection.
        assert_eq!(line.read(&mut [0; 8]).unwrap_or(0), 0);
        assert_eq!(baresip.next_message(), Message::PhoneLink(Link::Down));
    }
}

#[test]
fn huge_frames_are_skipped_and_unknown_ones_ignored() {
    let baresip = Baresip::new();
    let mut line = baresip.accept();
    assert_eq!(baresip.next_message(), Message::PhoneLink(Link::Up));
    line.write_all(&frame(&vec![b'{'; 5 << 20])).expect("the prompter reads");
    for ignored in [
        "",
        "{}",
        "null",
        "{\"event\":true}",
        "{\"event\":true,\"type\":\"UA_EVENT\"}",
        "\u{1b}[31m",
        "{\"response\":true,\"ok\":true}",
    ] {
        line.write_all(&frame(ignored.as_bytes())).expect("the prompter reads");
    }
    line.write_all(&event("CALL_ESTABLISHED", "incoming", "a", "Siti")).expect("the prompter reads");
    assert_eq!(baresip.next_message(), started("a", "Siti"));
}

#[test]
fn the_screen_shows_the_connections_state_and_its_calls() {
    let home = Home::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    home.write_config("settings.toml", format!("[softphone]\nkind = 'baresip'\naddress = '{address}'\n"));
    let mut term = Term::start(&home.penutup(["--at", "14:20"]).command());
    let mut line = listener.accept().expect("a connection").0;
    term.shows("telepon: tersambung");
    line.write_all(&event("CALL_ESTABLISHED", "incoming", "a", "\u{fffd}Bu Siti\\u001b]0;x\\u0007"))
        .expect("the prompter reads");
    term.shows("dari telepon: konfirmasi");
    line.write_all(&event("CALL_CLOSED", "incoming", "a", "")).expect("the prompter reads");
    term.shows("Mengapa panggilan berakhir?").send("1").shows("nama belum diisi");
    drop(line);
    term.shows("telepon: putus");
    let _line = listener.accept().expect("a new connection");
    term.shows("telepon: tersambung");
    term.quits();
}

/// The memory that a process has in use, in KiB.
fn memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    line.trim_end_matches("kB").trim().parse().expect("a number")
}

#[test]
fn a_flooding_connection_is_blocked_and_the_screen_keeps_drawing() {
    let home = Home::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    home.write_config("settings.toml", format!("[softphone]\nkind = 'baresip'\naddress = '{address}'\n"));
    let mut term = Term::start(&home.penutup(["--at", "14:20"]).command());
    let mut line = listener.accept().expect("a connection").0;
    term.shows("telepon: tersambung");
    let sent = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&sent);
    let flood = std::thread::spawn(move || {
        let calls = |n: u64| event("CALL_ESTABLISHED", "incoming", &n.to_string(), "Siti Aminah");
        let mut n = 0;
        loop {
            let bytes: Vec<u8> = (n..n + 100).flat_map(calls).collect();
            if line.write_all(&bytes).is_err() {
                return;
            }
            n += 100;
            count.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        }
    });
    // The sender is blocked: nothing more is read for a while, though it wants to send.
    let (mut before, mut since) = (0, Instant::now());
    eventually("a blocked sender", || {
        let now = sent.load(Ordering::Relaxed);
        if now != before {
            (before, since) = (now, Instant::now());
        }
        since.elapsed() > Duration::from_millis(300)
    });
    let at_first = memory(term.pid());
    for _ in 0..5 {
        term.send("k").shows("KLB AKTIF").send("k").hides("KLB AKTIF");
    }
    assert!(memory(term.pid()) < at_first + 20 * 1024, "{} then {at_first} KiB", memory(term.pid()));
    term.signal("TERM").ends();
    term.assert_restored();
    flood.join().expect("the flood ends with the connection");
}

#[test]
fn without_the_setting_no_connection_is_shown() {
    let home = Home::new();
    let mut term = Term::start(&home.penutup(["--at", "14:20"]).command());
    term.shows("? daftar tombol");
    assert!(!term.text().contains("telepon:"), "{term:?}");
    term.quits();
}
