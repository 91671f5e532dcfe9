//! baresip's `ctrl_tcp`: a connection that reconnects by itself, and its events translated for the prompter. Runs in a
//! thread of its own, started only if configured; it sleeps in `read` while nothing happens.

use std::io::{self, Read};
use std::net::{TcpStream, ToSocketAddrs};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::netstring::Reader;
use crate::message::Link;
use crate::message::Message;
use crate::rules::ruleset::NAMA;
use penutup_ipc::phone_event::{Pairs, PhoneEvent};
use penutup_ipc::rate_limit::RateLimit;

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(2);
/// The first pause before reconnecting; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// The longest pause.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// How many reads pass at once, and the delay for each further one: four megabytes a second.
const READS: (u32, Duration) = (1024, Duration::from_millis(1));
/// How many events pass at once, and the delay for each further one.
const EVENTS: (u32, Duration) = (32, Duration::from_millis(20));
/// The thread's name.
const THREAD: &str = "softphone";
/// The most calls that are remembered.
const MAX_CALLS: usize = 64;
/// The longest call ID, in bytes.
const MAX_ID: usize = 256;

/// Connects to an address in a thread of its own, until `send` returns `false`. Reads no faster than `send` returns, so
/// a flooding sender is blocked.
pub fn listen(address: String, send: impl Fn(Message) -> bool + Send + 'static) {
    // Without a thread there is no connection.
    let _ = thread::Builder::new().name(THREAD.into()).spawn(move || run(&address, &send));
}

fn run(address: &str, send: &impl Fn(Message) -> bool) {
    let (mut calls, mut wait, mut last) = (Calls::default(), FIRST_WAIT, None);
    let mut report_link = |now: Link| {
        let new = last != Some(now);
        last = Some(now);
        !new || send(Message::PhoneLink(now))
    };
    loop {
        if let Ok(stream) = connect(address) {
            if !report_link(Link::Up) {
                return;
            }
            match follow(stream, &mut calls, send) {
                Lost::NoReceiver => return,
                // Only a connection that carried data resets the pause: two prompters that displace each other at the
                // same telephone must not reconnect twice a second.
                Lost::AfterEvents => wait = FIRST_WAIT,
                Lost::Silent => {}
            }
        }
        if !report_link(Link::Down) {
            return;
        }
        thread::sleep(wait);
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// How a connection was lost.
enum Lost {
    AfterEvents,
    Silent,
    NoReceiver,
}

fn connect(address: &str) -> io::Result<TcpStream> {
    let mut last = io::ErrorKind::InvalidInput.into();
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(stream) => return Ok(stream),
            Err(e) => last = e,
        }
    }
    Err(last)
}

/// Reads events until the connection is lost.
fn follow(mut stream: impl Read, calls: &mut Calls, send: &impl Fn(Message) -> bool) -> Lost {
    let mut reader = Reader::default();
    let mut bytes = [0; 4096];
    let (mut has_events, mut is_received) = (false, true);
    let (mut reads, mut events) = (RateLimit::new(READS.0, READS.1), RateLimit::new(EVENTS.0, EVENTS.1));
    loop {
        reads.wait();
        let count = match stream.read(&mut bytes) {
            Ok(0) => break,
            Ok(count) => count,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        let parsed = reader.push(&bytes[..count], |frame| {
            has_events = true;
            if let Some(event) = calls.event(frame).filter(|_| is_received) {
                events.wait();
                is_received &= send(Message::Phone(event));
            }
        });
        if !is_received {
            return Lost::NoReceiver;
        }
        if parsed.is_err() {
            break;
        }
    }
    if has_events { Lost::AfterEvents } else { Lost::Silent }
}

/// The calls that baresip has reported.
#[derive(Debug, Default)]
pub struct Calls {
    /// Ringing calls, by ID.
    incoming: Vec<String>,
    /// Answered calls.
    established: Vec<String>,
}

impl Calls {
    /// The event's meaning for the prompter, if any. Every field may be missing, every type unknown.
    pub fn event(&mut self, json: &[u8]) -> Option<PhoneEvent> {
        let event: Value = serde_json::from_slice(json).ok()?;
        if event.get("event") != Some(&Value::Bool(true)) {
            return None;
        }
        let text = |key: &str| event.get(key).and_then(Value::as_str);
        let id = text("id").unwrap_or_default();
        // A truncated ID could match another call's.
        let id = (id.len() <= MAX_ID).then(|| id.to_owned())?;
        match text("type")? {
            "CALL_INCOMING" => {
                remember(&mut self.incoming, id);
                None
            }
            "CALL_ESTABLISHED" => {
                let rang = forget(&mut self.incoming, &id);
                let incoming = match text("direction") {
                    Some(direction) => direction == "incoming",
                    None => rang,
                };
                if !incoming || self.established.contains(&id) {
                    return None;
                }
                remember(&mut self.established, id.clone());
                let name = text("peerdisplayname").map(display_name).filter(|name| !name.is_empty());
                let pairs = name.map(|name| (NAMA.to_owned(), name)).into_iter().collect();
                Some(PhoneEvent::Start { id: Some(id), pairs: Pairs(pairs) })
            }
            "CALL_CLOSED" => {
                forget(&mut self.incoming, &id);
                forget(&mut self.established, &id).then_some(PhoneEvent::End { id: Some(id) })
            }
            _ => None,
        }
    }
}

fn remember(calls: &mut Vec<String>, id: String) {
    if calls.contains(&id) {
        return;
    }
    if calls.len() == MAX_CALLS {
        calls.remove(0);
    }
    calls.push(id);
}

fn forget(calls: &mut Vec<String>, id: &str) -> bool {
    let at = calls.iter().position(|call| call == id);
    at.inspect(|at| drop(calls.remove(*at))).is_some()
}

/// A SIP display name without its quotes and the backslashes that escape quotes and backslashes in it.
pub fn display_name(raw: &str) -> String {
    let raw = raw.trim();
    let inner = raw.strip_prefix('"').and_then(|r| r.strip_suffix('"')).unwrap_or(raw);
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.extend(chars.next()),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str, more: &str) -> String {
        format!("{{\"event\":true,\"type\":\"{kind}\"{more}}}")
    }

    fn all(events: &[(&str, &str)]) -> Vec<PhoneEvent> {
        let mut calls = Calls::default();
        events.iter().filter_map(|(kind, more)| calls.event(event(kind, more).as_bytes())).collect()
    }

    fn start(id: &str, name: Option<&str>) -> PhoneEvent {
        let pairs = name.map(|name| ("nama".to_owned(), name.to_owned())).into_iter().collect();
        PhoneEvent::Start { id: Some(id.into()), pairs: Pairs(pairs) }
    }

    fn end(id: &str) -> PhoneEvent {
        PhoneEvent::End { id: Some(id.into()) }
    }

    const IN: &str = ",\"direction\":\"incoming\"";

    #[test]
    fn an_answered_incoming_call_starts_and_its_end_ends() {
        let name =
            format!("{IN},\"id\":\"a\",\"peerdisplayname\":\"Siti \\\\\\\"Aisyah\\\\\\\"\",\"peeruri\":\"sip:0812@x\"");
        let events = all(&[("CALL_INCOMING", &name), ("CALL_ESTABLISHED", &name), ("CALL_CLOSED", &name)]);
        assert_eq!(events, [start("a", Some("Siti \"Aisyah\"")), end("a")]);
    }

    #[test]
    fn unanswered_and_outgoing_calls_are_ignored() {
        let out = ",\"direction\":\"outgoing\",\"id\":\"b\"";
        assert_eq!(all(&[("CALL_INCOMING", ",\"id\":\"a\""), ("CALL_CLOSED", ",\"id\":\"a\"")]), []);
        assert_eq!(all(&[("CALL_ESTABLISHED", out), ("CALL_CLOSED", out)]), []);
    }

    #[test]
    fn calls_are_distinguished_by_id() {
        let (a, b) = (format!("{IN},\"id\":\"a\""), format!("{IN},\"id\":\"b\""));
        let events = all(&[
            ("CALL_ESTABLISHED", &a),
            ("CALL_ESTABLISHED", &b),
            ("CALL_ESTABLISHED", &a),
            ("CALL_CLOSED", &a),
            ("CALL_CLOSED", &a),
            ("CALL_CLOSED", &b),
        ]);
        assert_eq!(events, [start("a", None), start("b", None), end("a"), end("b")]);
    }

    #[test]
    fn fields_may_be_missing_and_types_unknown() {
        assert_eq!(all(&[("CALL_ESTABLISHED", IN), ("CALL_CLOSED", "")]), [start("", None), end("")]);
        let known = [("CALL_INCOMING", ",\"id\":\"a\""), ("CALL_ESTABLISHED", ",\"id\":\"a\"")];
        assert_eq!(all(&known), [start("a", None)]);
        assert_eq!(all(&[("CALL_ESTABLISHED", ",\"id\":\"a\""), ("REGISTER_OK", IN)]), []);
        let mut calls = Calls::default();
        for bad in ["", "7", "[]", "{}", "{\"event\":\"true\",\"type\":\"CALL_CLOSED\"}", "{\"event\":true,\"type\":3}"]
        {
            assert_eq!(calls.event(bad.as_bytes()), None, "{bad}");
        }
        let long = format!("{IN},\"id\":\"{}\"", "x".repeat(MAX_ID + 1));
        assert_eq!(all(&[("CALL_ESTABLISHED", &long)]), []);
    }

    #[test]
    fn no_more_calls_are_remembered_than_fit() {
        let mut calls = Calls::default();
        for id in 0..1000 {
            calls.event(event("CALL_INCOMING", &format!(",\"id\":\"{id}\"")).as_bytes());
            calls.event(event("CALL_ESTABLISHED", &format!("{IN},\"id\":\"e{id}\"")).as_bytes());
        }
        assert_eq!((calls.incoming.len(), calls.established.len()), (MAX_CALLS, MAX_CALLS));
    }

    #[test]
    fn display_names_are_unquoted() {
        assert_eq!(display_name(" \"Budi\" "), "Budi");
        assert_eq!(display_name("Siti \\\"Aisyah\\\""), "Siti \"Aisyah\"");
        assert_eq!(display_name("a\\\\b\\"), "a\\b");
        assert_eq!(display_name("\""), "\"");
    }
}
