//! The messages of the local socket: one bounded line of JSON each. Pure; knows no sockets.
//!
//! The prompter sends first: a [`Greeting`]. Then the client sends a [`Command`] and the prompter a [`Reply`]; a
//! connection may carry several, one after the other. A command from a newer program gets the reply "unknown"; unknown
//! keys are ignored.
//!
//! A connection that begins with [`Command::Fleet`] belongs to the fleet's agent: it stays open as long as the agent
//! runs and carries the agent's commands, never the telephone's. Its second command must follow soon: [`Command::Here`]
//! if the agent has nothing to report yet.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::phone_event::{Ignored, Pairs, PhoneEvent};
use crate::press::{PressReply, Presses};
use crate::web_link::{LinkRefusal, WebLink};
use penutup_rules::declaration::{Declaration, time, time_text};

/// The longest line in bytes, including its line break.
pub const MAX_LINE: usize = 8 * 1024;
/// The most pairs in a message.
pub const MAX_PAIRS: usize = 32;
/// The longest id of a call, in bytes.
pub const MAX_ID: usize = 400;
pub const PROTOCOL: u32 = 1;

/// A command sent to a prompter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// An event of the telephone.
    Phone(PhoneEvent),
    /// Key presses from outside the window.
    Press(Presses),
    /// A link that a web page opened. It has a command of its own, so that no prompter takes it for the telephone's.
    WebLink(WebLink),
    /// The sender is the fleet's agent: the first command of its connection.
    Fleet,
    /// The agent is running and has nothing else to report.
    Here,
    /// A declaration of the centre, verified by the agent.
    Klb(Box<Declaration>),
    /// The agent has written other rules to the disk.
    Rules,
    /// Since when the agent has had no connection to the centre; `None` while it is connected.
    Link(Option<DateTime<Utc>>),
    /// The agent is connected to the centre, which says that this computer's clock is so many seconds ahead of the
    /// server's, behind where negative. [`Command::Link`] ends it. An earlier prompter reads it as `Link(None)`.
    WrongClock(i64),
}

/// Why a line was rejected; `bad` on the line. Never contains text of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rejection {
    /// Longer than [`MAX_LINE`], or with more than [`MAX_PAIRS`] pairs.
    TooLong,
    /// Not a JSON object of the expected shape.
    Garbled,
    /// A type that this program does not know.
    Unknown,
    /// A command of the agent on a connection that did not begin with [`Command::Fleet`], or another command on one
    /// that did.
    OutOfTurn,
    /// A later agent has replaced this one.
    Taken,
    /// Too many connections are being served: sent instead of the greeting.
    Busy,
}

/// The shape of a command on the line. Keys that only some commands have are checked by those commands: other commands
/// ignore them, whatever their type.
#[derive(Default, Serialize, Deserialize)]
struct Shape {
    #[serde(rename = "do")]
    verb: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    set: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    id: Value,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    agent: Value,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    klb: Value,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    up: Value,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    since: Value,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    clock: Value,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    press: Value,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    url: Value,
}

/// Parses a line, with or without its line break.
///
/// # Errors
/// Why the line was rejected.
pub fn parse(line: &[u8]) -> Result<Command, Rejection> {
    if line.len() > MAX_LINE {
        return Err(Rejection::TooLong);
    }
    let shape: Shape = serde_json::from_slice(line).map_err(|_| Rejection::Garbled)?;
    if shape.set.len() > MAX_PAIRS {
        return Err(Rejection::TooLong);
    }
    let pairs = Pairs(shape.set);
    match shape.verb.as_str() {
        "start" => Ok(Command::Phone(PhoneEvent::Start { id: id(shape.id)?, pairs })),
        "set" => Ok(Command::Phone(PhoneEvent::Set(pairs))),
        "end" => Ok(Command::Phone(PhoneEvent::End { id: id(shape.id)? })),
        "agent" => match shape.agent {
            Value::String(agent) if agent.len() <= MAX_ID => Ok(Command::Phone(PhoneEvent::Agent(agent))),
            _ => Err(Rejection::Garbled),
        },
        "press" => Presses::from_json(&shape.press).map(Command::Press),
        "web-link" => match shape.url {
            Value::String(text) => Ok(Command::WebLink(WebLink::new(text))),
            _ => Err(Rejection::Garbled),
        },
        "fleet" => Ok(Command::Fleet),
        "here" => Ok(Command::Here),
        "klb" => declaration(&shape.klb).map(|klb| Command::Klb(Box::new(klb))).ok_or(Rejection::Garbled),
        "rules" => Ok(Command::Rules),
        "link" => match (shape.up.as_bool(), shape.since.as_str().and_then(time)) {
            (Some(true), _) => match (shape.clock.is_null(), shape.clock.as_i64()) {
                (true, _) | (_, Some(0)) => Ok(Command::Link(None)),
                (_, Some(ahead)) => Ok(Command::WrongClock(ahead)),
                (false, None) => Err(Rejection::Garbled),
            },
            (Some(false), Some(since)) => Ok(Command::Link(Some(since))),
            _ => Err(Rejection::Garbled),
        },
        _ => Err(Rejection::Unknown),
    }
}

/// The telephone's id of a call, which may be missing.
fn id(id: Value) -> Result<Option<String>, Rejection> {
    match id {
        Value::Null => Ok(None),
        Value::String(id) if id.len() <= MAX_ID => Ok(Some(id)),
        Value::String(_) => Err(Rejection::TooLong),
        _ => Err(Rejection::Garbled),
    }
}

/// A declaration from an object with the keys of its file, under the same type rules as the file.
fn declaration(klb: &Value) -> Option<Declaration> {
    let mut table = toml::Table::new();
    for (key, value) in klb.as_object()? {
        let value = match value {
            Value::Null => continue,
            Value::String(text) => toml::Value::String(text.clone()),
            other => other.as_i64().map_or(toml::Value::Boolean(false), toml::Value::Integer),
        };
        table.insert(key.clone(), value);
    }
    Declaration::from_table(&table)
}

fn object(klb: &Declaration) -> Value {
    let values = klb.to_table().into_iter().filter_map(|(key, value)| match value {
        toml::Value::String(text) => Some((key, Value::from(text))),
        toml::Value::Integer(number) => Some((key, Value::from(number))),
        _ => None,
    });
    Value::Object(values.collect::<Map<_, _>>())
}

/// Serializes a command, including the line break.
pub fn to_line(message: &Command) -> Vec<u8> {
    let of = |verb: &str| Shape { verb: verb.into(), ..Shape::default() };
    line(&match message {
        Command::Phone(PhoneEvent::Start { id, pairs }) => {
            Shape { set: pairs.0.clone(), id: id.clone().into(), ..of("start") }
        }
        Command::Phone(PhoneEvent::Agent(agent)) => Shape { agent: agent.clone().into(), ..of("agent") },
        Command::Phone(PhoneEvent::Set(pairs)) => Shape { set: pairs.0.clone(), ..of("set") },
        Command::Phone(PhoneEvent::End { id }) => Shape { id: id.clone().into(), ..of("end") },
        Command::Press(presses) => Shape { press: presses.to_json(), ..of("press") },
        Command::WebLink(link) => Shape { url: link.as_str().into(), ..of("web-link") },
        Command::Fleet => of("fleet"),
        Command::Here => of("here"),
        Command::Klb(klb) => Shape { klb: object(klb), ..of("klb") },
        Command::Rules => of("rules"),
        Command::Link(None) => Shape { up: true.into(), ..of("link") },
        Command::WrongClock(ahead) => Shape { up: true.into(), clock: (*ahead).into(), ..of("link") },
        Command::Link(Some(since)) => Shape { up: false.into(), since: time_text(*since).into(), ..of("link") },
    })
}

/// The prompter's first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Greeting {
    pub penutup: u32,
    /// The seat named in the settings.
    #[serde(default)]
    pub seat: Option<String>,
    /// Milliseconds since the prompter's keys were last used.
    pub idle: u64,
    /// When its keys were last used, in milliseconds since boot: unlike `idle` this stays correct if the greeting is
    /// read late. Absent on Windows and from earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<u64>,
    /// The secret that proves the prompter's identity, on platforms that need one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
}

/// The prompter's reply.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The parts of the command that were ignored.
    #[serde(default)]
    pub ignored: Vec<Ignored>,
    /// Why the whole command was rejected.
    #[serde(default)]
    pub bad: Option<Rejection>,
    /// What came of presses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub press: Option<PressReply>,
    /// Why a link was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<LinkRefusal>,
}

/// Serializes any message of the prompter, including the line break.
pub fn line(message: &impl Serialize) -> Vec<u8> {
    // These types always serialize; if one did not, the client would reject an empty line as garbled.
    let mut out = serde_json::to_vec(message).unwrap_or_default();
    out.push(b'\n');
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::phone_event::Why;
    use crate::press::{Did, MAX_PRESS, MAX_PRESSES, PressRefusal, Refused};
    use penutup_rules::declaration::{KLB, State};

    fn start(pairs: &[(&str, &str)]) -> Command {
        let pairs = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Command::Phone(PhoneEvent::Start { id: None, pairs: Pairs(pairs) })
    }

    fn presses(words: &[&str]) -> Command {
        Command::Press(Presses::new(words.iter().map(|word| (*word).to_owned()).collect()).unwrap())
    }

    fn klb() -> Declaration {
        Declaration {
            version: 1_772_000_000,
            fact: KLB.into(),
            state: State::On,
            value: None,
            since: "2026-03-02T06:05:00Z".parse().unwrap(),
            until: Some("2026-03-02T14:00:00Z".parse().unwrap()),
            by: Some("SPV Jakarta".into()),
            why: Some("gangguan \"transmisi\"".into()),
        }
    }

    #[test]
    fn every_command_round_trips() {
        for message in [
            start(&[]),
            start(&[("nama", "Siti \"Aisyah\"\u{1b}[31m\n"), ("klb", "ya")]),
            Command::Phone(PhoneEvent::Set(Pairs(vec![("k".into(), String::new())]))),
            Command::Phone(PhoneEvent::End { id: None }),
            Command::Phone(PhoneEvent::Start { id: Some("a@b \"1\"".into()), pairs: Pairs(Vec::new()) }),
            Command::Phone(PhoneEvent::End { id: Some("a@b".into()) }),
            Command::Phone(PhoneEvent::Agent("4711".into())),
            presses(&[]),
            presses(&["said", "topik=pln-mobile", "\u{1b}]0;\n\"", ""]),
            Command::WebLink(WebLink::new("penutup:call?\u{1b}\n\"".into())),
            Command::Fleet,
            Command::Here,
            Command::Klb(Box::new(klb())),
            Command::Klb(Box::new(Declaration { until: None, by: None, why: None, value: Some("ya".into()), ..klb() })),
            Command::Rules,
            Command::Link(None),
            Command::Link(Some(klb().since)),
            Command::WrongClock(180),
            Command::WrongClock(i64::MIN),
        ] {
            let line = to_line(&message);
            assert_eq!(line.iter().position(|b| *b == b'\n'), Some(line.len() - 1));
            assert_eq!(parse(&line), Ok(message));
        }
    }

    #[test]
    fn a_rejected_line_has_a_reason() {
        assert_eq!(parse(b""), Err(Rejection::Garbled));
        assert_eq!(parse(b"{\"do\":\"start\""), Err(Rejection::Garbled));
        assert_eq!(parse(b"{\"do\":\"start\",\"set\":[[\"a\"]]}"), Err(Rejection::Garbled));
        assert_eq!(parse(b"{\"do\":\"fly\"}"), Err(Rejection::Unknown));
        for line in ["{\"do\":\"end\",\"id\":7}", "{\"do\":\"agent\"}", "{\"do\":\"agent\",\"agent\":[]}"] {
            assert_eq!(parse(line.as_bytes()), Err(Rejection::Garbled), "{line}");
        }
        let long = format!("{{\"do\":\"start\",\"id\":\"{}\"}}", "x".repeat(MAX_ID + 1));
        assert_eq!(parse(long.as_bytes()), Err(Rejection::TooLong));
        assert_eq!(parse(&vec![b'['; MAX_LINE]), Err(Rejection::Garbled));
        assert_eq!(parse(&vec![b' '; MAX_LINE + 1]), Err(Rejection::TooLong));
        let many = format!("{{\"do\":\"set\",\"set\":[{}]}}", vec!["[\"a\",\"b\"]"; MAX_PAIRS + 1].join(","));
        assert_eq!(parse(many.as_bytes()), Err(Rejection::TooLong));
    }

    #[test]
    fn hostile_presses_are_rejected_with_a_reason() {
        let press = |list: &str| parse(format!("{{\"do\":\"press\"{list}}}").as_bytes());
        assert_eq!(press(",\"press\":[\"said\",\"klb\"]"), Ok(presses(&["said", "klb"])));
        assert_eq!(press(",\"press\":[],\"later\":{}"), Ok(presses(&[])));
        for list in ["", ",\"press\":null", ",\"press\":\"said\"", ",\"press\":{}", ",\"press\":7"] {
            assert_eq!(press(list), Err(Rejection::Garbled), "{list}");
        }
        for item in ["null", "1", "[\"said\"]", "{}", "true"] {
            assert_eq!(press(&format!(",\"press\":[\"said\",{item}]")), Err(Rejection::Garbled), "{item}");
        }
        let listed = |words: &[String]| press(&format!(",\"press\":{}", serde_json::to_string(words).unwrap()));
        assert!(listed(&vec!["said".into(); MAX_PRESSES]).is_ok());
        assert_eq!(listed(&vec!["said".into(); MAX_PRESSES + 1]), Err(Rejection::TooLong));
        assert!(listed(&["x".repeat(MAX_PRESS)]).is_ok());
        assert_eq!(listed(&["x".repeat(MAX_PRESS + 1)]), Err(Rejection::TooLong));
        // Other commands ignore the list, whatever it is.
        assert_eq!(parse(b"{\"do\":\"end\",\"press\":7}"), parse(b"{\"do\":\"end\"}"));
    }

    #[test]
    fn a_link_is_one_text_and_its_refusal_round_trips() {
        let link = Command::WebLink(WebLink::new("penutup:call?event=start".into()));
        assert_eq!(to_line(&link), b"{\"do\":\"web-link\",\"url\":\"penutup:call?event=start\"}\n");
        for url in ["", ",\"url\":null", ",\"url\":7", ",\"url\":[\"penutup:\"]", ",\"url\":{}"] {
            assert_eq!(parse(format!("{{\"do\":\"web-link\"{url}}}").as_bytes()), Err(Rejection::Garbled), "{url}");
        }
        // Not the telephone's event, whatever else the line has.
        let set = parse(b"{\"do\":\"web-link\",\"url\":\"x\",\"set\":[[\"klb\",\"ya\"]]}");
        assert_eq!(set, Ok(Command::WebLink(WebLink::new("x".into()))));
        let reply = Reply { link: Some(LinkRefusal::TooSoon), ..Reply::default() };
        assert_eq!(serde_json::from_slice::<Reply>(&line(&reply)).unwrap(), reply);
    }

    #[test]
    fn the_reply_to_presses_round_trips_and_other_replies_have_none() {
        let refused = Refused { at: 1, why: PressRefusal::TooSoon, valid: Vec::new() };
        for press in [
            PressReply { did: vec![Did::Ticked, Did::NextCall], refused: None, say: Some("Kalimat \"ini\"".into()) },
            PressReply { did: Vec::new(), refused: Some(refused), say: None },
        ] {
            let reply = Reply { press: Some(press), ..Reply::default() };
            assert_eq!(serde_json::from_slice::<Reply>(&line(&reply)).unwrap(), reply);
        }
        assert_eq!(line(&Reply::default()), b"{\"ignored\":[],\"bad\":null}\n");
    }

    #[test]
    fn the_agents_commands_have_the_documented_form() {
        let since = "2026-03-02T07:05:00Z".parse().unwrap();
        for (text, message) in [
            ("{\"do\":\"fleet\"}\n", Command::Fleet),
            ("{\"do\":\"here\"}\n", Command::Here),
            ("{\"do\":\"rules\"}\n", Command::Rules),
            ("{\"do\":\"link\",\"up\":true}\n", Command::Link(None)),
            ("{\"do\":\"link\",\"up\":true,\"clock\":-90}\n", Command::WrongClock(-90)),
            ("{\"do\":\"link\",\"up\":false,\"since\":\"2026-03-02T07:05:00Z\"}\n", Command::Link(Some(since))),
        ] {
            assert_eq!(String::from_utf8(to_line(&message)).unwrap(), text);
            assert_eq!(parse(text.as_bytes()), Ok(message));
        }
        let on = "{\"do\":\"klb\",\"klb\":{\"version\":7,\"state\":\"on\",\"since\":\"2026-03-02T13:05:00+07:00\",\"until\":null}}";
        let expected = Declaration { version: 7, until: None, by: None, why: None, ..klb() };
        assert_eq!(parse(on.as_bytes()), Ok(Command::Klb(Box::new(expected))));
    }

    #[test]
    fn an_incomplete_agent_command_is_rejected() {
        let klb = |inside: &str| format!("{{\"do\":\"klb\",\"klb\":{inside}}}");
        let good = "\"version\":7,\"state\":\"on\",\"since\":\"2026-03-02T13:05:00Z\"";
        assert!(parse(klb(&format!("{{{good},\"later\":[1],\"x\":1.5}}")).as_bytes()).is_ok());
        for inside in [
            "null".into(),
            "[]".into(),
            "\"on\"".into(),
            "{}".into(),
            format!("{{{}}}", good.replace(":7", ":7.5")),
            format!("{{{}}}", good.replace(":7", ":\"7\"")),
            format!("{{{}}}", good.replace(":7", ":-7")),
            format!("{{{}}}", good.replace(":7", ":18446744073709551615")),
            format!("{{{}}}", good.replace("2026", "99999")),
            format!("{{{good},\"by\":[\"SPV\"]}}"),
            format!("{{{good},\"fact\":\"a\\u001b\"}}"),
            format!("{{{good},\"schema\":2}}"),
        ] {
            assert_eq!(parse(klb(&inside).as_bytes()), Err(Rejection::Garbled), "{inside}");
        }
        assert_eq!(parse(b"{\"do\":\"link\",\"up\":true,\"clock\":0}"), Ok(Command::Link(None)));
        for clock in ["\"90\"", "1.5", "[]", "true", "18446744073709551615"] {
            let line = format!("{{\"do\":\"link\",\"up\":true,\"clock\":{clock}}}");
            assert_eq!(parse(line.as_bytes()), Err(Rejection::Garbled), "{clock}");
        }
        for link in ["", ",\"up\":1", ",\"up\":false", ",\"up\":false,\"since\":\"14.05\"", ",\"up\":false,\"since\":7"]
        {
            assert_eq!(parse(format!("{{\"do\":\"link\"{link}}}").as_bytes()), Err(Rejection::Garbled), "{link}");
        }
    }

    #[test]
    fn hostile_texts_of_a_declaration_are_cleaned_and_bounded() {
        let text = format!(
            "{{\"do\":\"klb\",\"klb\":{{\"version\":7,\"state\":\"on\",\"since\":\"2026-03-02T13:05:00Z\",\
             \"by\":\"\\u001b]0;x\\u0007 SPV\\n2\",\"why\":\"{}\"}}}}",
            "x".repeat(500)
        );
        let Ok(Command::Klb(read)) = parse(text.as_bytes()) else { panic!("no declaration") };
        assert_eq!((read.by.as_deref(), read.why.map(|why| why.len())), (Some("SPV"), Some(80)));
    }

    #[test]
    fn a_newer_programs_further_keys_are_ignored() {
        assert_eq!(parse(b"{\"do\":\"end\",\"at\":[1,{}],\"id\":null,\"up\":{}}"), parse(b"{\"do\":\"end\"}"));
        assert_eq!(parse(b"{\"do\":\"rules\",\"klb\":7,\"since\":[]}"), Ok(Command::Rules));
    }

    #[test]
    fn debug_output_contains_no_values() {
        assert!(!format!("{:?}", start(&[("nama", "Siti")])).contains("Siti"));
    }

    #[test]
    fn the_prompters_messages_round_trip() {
        let answer = Reply { ignored: vec![Ignored { key: "kode".into(), why: Why::UnknownKey }], ..Reply::default() };
        assert_eq!(serde_json::from_slice::<Reply>(&line(&answer)).unwrap(), answer);
        let greeting: Greeting = serde_json::from_slice(b"{\"penutup\":2,\"idle\":5,\"klb\":1}").unwrap();
        assert_eq!((greeting.penutup, greeting.seat), (2, None));
    }

    proptest! {
        #[test]
        fn the_reader_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn near_valid_messages_do_not_panic(text in "\\{\"do\":\"(start|set|end|web-link|fleet|here|klb|rules|link)\",\"(set|url|klb|up|since|clock)\":[\\[\\]\",:a-z{}0-9\\\\-]{0,80}\\}?") {
            let _ = parse(text.as_bytes());
        }

        #[test]
        fn every_declaration_survives_the_line(
            version in 1_u64..253_402_300_799, by in any::<Option<String>>(), why in any::<Option<String>>(),
            since in 0_i64..253_402_300_799, until in proptest::option::of(0_i64..253_402_300_799),
        ) {
            let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
            let klb = Declaration { version, since: at(since), until: until.map(at), by, why, ..klb() }.tidied();
            let line = to_line(&Command::Klb(Box::new(klb.clone())));
            if line.len() <= MAX_LINE {
                prop_assert_eq!(parse(&line), Ok(Command::Klb(Box::new(klb))));
            }
        }

        #[test]
        fn every_pair_survives_the_line(key in "\\PC{0,20}", value in any::<String>()) {
            let message = start(&[(&key, &value)]);
            prop_assert_eq!(parse(&to_line(&message)), Ok(message));
        }
    }
}
