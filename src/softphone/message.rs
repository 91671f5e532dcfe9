//! The words that cross the local socket: one line of JSON each, bounded. Pure; knows nothing of sockets.
//!
//! The prompter speaks first: a [`Greeting`]. Then the other side says a [`Command`], and the prompter an [`Reply`];
//! a connection may carry several, one after the other. A message that a newer program would send is answered as
//! unknown, and its unknown keys are ignored.
//!
//! A connection that begins with [`Command::Fleet`] is the fleet's agent's: it stays open for as long as the agent
//! lives, carries what the agent has to tell whenever it has it, and nothing of the telephone's. Its second word must come
//! soon: [`Command::Here`] where the agent has nothing to tell yet.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::declaration::{Declaration, time, time_text};
use crate::message::phone::{Ignored, Pairs, PhoneEvent};

/// The longest line, in bytes, its end included.
pub const MAX_LINE: usize = 8 * 1024;
/// The most pairs in a message.
pub const MAX_PAIRS: usize = 32;
/// This version of the protocol.
pub const PROTOCOL: u32 = 1;

/// What is said to a prompter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// The telephone tells something.
    Phone(PhoneEvent),
    /// Who speaks is the fleet's agent: the first word of its connection.
    Fleet,
    /// The agent is there and has nothing else to say.
    Here,
    /// The agent has verified a declaration of the centre.
    Klb(Box<Declaration>),
    /// The agent has put other rules on the disk.
    Rules,
    /// Since when the agent has not heard the centre; `None`: it hears it.
    Link(Option<DateTime<Utc>>),
}

/// Why a line is no message, or none that is taken here. Never says what stood in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bad {
    /// Longer than [`MAX_LINE`], or with more than [`MAX_PAIRS`] pairs.
    TooLong,
    /// No JSON object of the right shape.
    Garbled,
    /// Something that this program does not know.
    Unknown,
    /// What is the agent's alone, from one who did not say first that it is the agent; or what is not.
    OutOfTurn,
    /// A later agent has the place.
    Taken,
    /// As many as may come are being answered: said instead of the greeting.
    Busy,
}

/// A message's shape on the line. What only some messages have is looked at where it is needed: a key that a message
/// does not have may be anything.
#[derive(Default, Serialize, Deserialize)]
struct Shape {
    #[serde(rename = "do")]
    verb: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    set: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    klb: Value,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    up: Value,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    since: Value,
}

/// Reads a line, with or without its end.
///
/// # Errors
/// Why it is no message.
pub fn parse(line: &[u8]) -> Result<Command, Bad> {
    if line.len() > MAX_LINE {
        return Err(Bad::TooLong);
    }
    let shape: Shape = serde_json::from_slice(line).map_err(|_| Bad::Garbled)?;
    if shape.set.len() > MAX_PAIRS {
        return Err(Bad::TooLong);
    }
    let pairs = Pairs(shape.set);
    match shape.verb.as_str() {
        "start" => Ok(Command::Phone(PhoneEvent::Start { id: None, pairs })),
        "set" => Ok(Command::Phone(PhoneEvent::Set(pairs))),
        "end" => Ok(Command::Phone(PhoneEvent::End { id: None })),
        "fleet" => Ok(Command::Fleet),
        "here" => Ok(Command::Here),
        "klb" => declaration(&shape.klb).map(|klb| Command::Klb(Box::new(klb))).ok_or(Bad::Garbled),
        "rules" => Ok(Command::Rules),
        "link" => match (shape.up.as_bool(), shape.since.as_str().and_then(time)) {
            (Some(true), _) => Ok(Command::Link(None)),
            (Some(false), Some(since)) => Ok(Command::Link(Some(since))),
            _ => Err(Bad::Garbled),
        },
        _ => Err(Bad::Unknown),
    }
}

/// A declaration from an object with the keys of its file. What is of another kind than in a file is none there either.
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

/// Writes a message, its end included.
#[must_use]
pub fn to_line(message: &Command) -> Vec<u8> {
    let of = |verb: &str| Shape { verb: verb.into(), ..Shape::default() };
    line(&match message {
        Command::Phone(PhoneEvent::Start { pairs, .. }) => Shape { set: pairs.0.clone(), ..of("start") },
        Command::Phone(PhoneEvent::Set(pairs)) => Shape { set: pairs.0.clone(), ..of("set") },
        Command::Phone(PhoneEvent::End { .. }) => of("end"),
        Command::Fleet => of("fleet"),
        Command::Here => of("here"),
        Command::Klb(klb) => Shape { klb: object(klb), ..of("klb") },
        Command::Rules => of("rules"),
        Command::Link(None) => Shape { up: true.into(), ..of("link") },
        Command::Link(Some(since)) => Shape { up: false.into(), since: time_text(*since).into(), ..of("link") },
    })
}

/// What the prompter says first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Greeting {
    /// The version of the protocol.
    pub penutup: u32,
    /// The seat, as the settings name it.
    #[serde(default)]
    pub seat: Option<String>,
    /// For how many milliseconds nobody has touched its keys.
    pub idle: u64,
    /// When that was last, in milliseconds since the machine was started: unlike `idle` it is as true when the greeting is
    /// read late. Not on Windows, nor in earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<u64>,
    /// What it proves itself by, where others could stand in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
}

/// What the prompter answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// What of it was not taken.
    #[serde(default)]
    pub ignored: Vec<Ignored>,
    /// Why nothing of it was taken.
    #[serde(default)]
    pub bad: Option<Bad>,
}

/// Any of the prompter's words as a line, its end included.
#[must_use]
pub fn line(words: &impl Serialize) -> Vec<u8> {
    // These types always can be written; if one could not, an empty line is answered as garbled.
    let mut out = serde_json::to_vec(words).unwrap_or_default();
    out.push(b'\n');
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::declaration::{KLB, State};
    use crate::message::phone::Why;

    fn start(pairs: &[(&str, &str)]) -> Command {
        let pairs = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Command::Phone(PhoneEvent::Start { id: None, pairs: Pairs(pairs) })
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
    fn what_is_written_is_read() {
        for message in [
            start(&[]),
            start(&[("nama", "Siti \"Aisyah\"\u{1b}[31m\n"), ("klb", "ya")]),
            Command::Phone(PhoneEvent::Set(Pairs(vec![("k".into(), String::new())]))),
            Command::Phone(PhoneEvent::End { id: None }),
            Command::Fleet,
            Command::Here,
            Command::Klb(Box::new(klb())),
            Command::Klb(Box::new(Declaration { until: None, by: None, why: None, value: Some("ya".into()), ..klb() })),
            Command::Rules,
            Command::Link(None),
            Command::Link(Some(klb().since)),
        ] {
            let line = to_line(&message);
            assert_eq!(line.iter().position(|b| *b == b'\n'), Some(line.len() - 1));
            assert_eq!(parse(&line), Ok(message));
        }
    }

    #[test]
    fn what_is_no_message_says_why() {
        assert_eq!(parse(b""), Err(Bad::Garbled));
        assert_eq!(parse(b"{\"do\":\"start\""), Err(Bad::Garbled));
        assert_eq!(parse(b"{\"do\":\"start\",\"set\":[[\"a\"]]}"), Err(Bad::Garbled));
        assert_eq!(parse(b"{\"do\":\"fly\"}"), Err(Bad::Unknown));
        assert_eq!(parse(&vec![b'['; MAX_LINE]), Err(Bad::Garbled));
        assert_eq!(parse(&vec![b' '; MAX_LINE + 1]), Err(Bad::TooLong));
        let many = format!("{{\"do\":\"set\",\"set\":[{}]}}", vec!["[\"a\",\"b\"]"; MAX_PAIRS + 1].join(","));
        assert_eq!(parse(many.as_bytes()), Err(Bad::TooLong));
    }

    #[test]
    fn the_agents_words_are_as_they_are_agreed() {
        let since = "2026-03-02T07:05:00Z".parse().unwrap();
        for (text, message) in [
            ("{\"do\":\"fleet\"}\n", Command::Fleet),
            ("{\"do\":\"here\"}\n", Command::Here),
            ("{\"do\":\"rules\"}\n", Command::Rules),
            ("{\"do\":\"link\",\"up\":true}\n", Command::Link(None)),
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
    fn an_agents_half_truth_is_none() {
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
            assert_eq!(parse(klb(&inside).as_bytes()), Err(Bad::Garbled), "{inside}");
        }
        for link in ["", ",\"up\":1", ",\"up\":false", ",\"up\":false,\"since\":\"14.05\"", ",\"up\":false,\"since\":7"]
        {
            assert_eq!(parse(format!("{{\"do\":\"link\"{link}}}").as_bytes()), Err(Bad::Garbled), "{link}");
        }
    }

    #[test]
    fn hostile_texts_of_a_declaration_are_cleaned_and_bounded() {
        let text = format!(
            "{{\"do\":\"klb\",\"klb\":{{\"version\":7,\"state\":\"on\",\"since\":\"2026-03-02T13:05:00Z\",\
             \"by\":\"\\u001b]0;x\\u0007 SPV\\n2\",\"why\":\"{}\"}}}}",
            "x".repeat(500)
        );
        let Ok(Command::Klb(read)) = parse(text.as_bytes()) else { panic!("it is one") };
        assert_eq!((read.by.as_deref(), read.why.map(|why| why.len())), (Some("SPV"), Some(80)));
    }

    #[test]
    fn a_newer_programs_further_keys_are_ignored() {
        assert_eq!(parse(b"{\"do\":\"end\",\"at\":[1,{}],\"id\":null,\"up\":{}}"), parse(b"{\"do\":\"end\"}"));
        assert_eq!(parse(b"{\"do\":\"rules\",\"klb\":7,\"since\":[]}"), Ok(Command::Rules));
    }

    #[test]
    fn no_value_stands_in_what_a_developer_sees() {
        assert!(!format!("{:?}", start(&[("nama", "Siti")])).contains("Siti"));
    }

    #[test]
    fn the_prompters_words_come_back() {
        let answer = Reply { ignored: vec![Ignored { key: "kode".into(), why: Why::UnknownKey }], bad: None };
        assert_eq!(serde_json::from_slice::<Reply>(&line(&answer)).unwrap(), answer);
        let greeting: Greeting = serde_json::from_slice(b"{\"penutup\":2,\"idle\":5,\"klb\":1}").unwrap();
        assert_eq!((greeting.penutup, greeting.seat), (2, None));
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn what_looks_like_a_message_does_not_break_it(text in "\\{\"do\":\"(start|set|end|fleet|here|klb|rules|link)\",\"(set|klb|up|since)\":[\\[\\]\",:a-z{}0-9\\\\-]{0,80}\\}?") {
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
