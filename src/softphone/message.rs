//! The words that cross the local socket: one line of JSON each, bounded. Pure; knows nothing of sockets.
//!
//! The prompter speaks first: a [`Greeting`]. Then the other side says a [`Message`], and the prompter an [`Answer`];
//! a connection may carry several, one after the other. A message that a newer program would send is answered as
//! unknown, and its unknown keys are ignored, so that the fleet's agent can say more over the same line.

use serde::{Deserialize, Serialize};

use crate::action::phone::{Ignored, Pairs, PhoneEvent};

/// The longest line, in bytes, its end included.
pub const MAX_LINE: usize = 8 * 1024;
/// The most pairs in a message.
pub const MAX_PAIRS: usize = 32;
/// This version of the protocol.
pub const PROTOCOL: u32 = 1;

/// What is said to a prompter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// The telephone tells something.
    Phone(PhoneEvent),
}

/// Why a line is no message. Never says what stood in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bad {
    /// Longer than [`MAX_LINE`], or with more than [`MAX_PAIRS`] pairs.
    TooLong,
    /// No JSON object of the right shape.
    Garbled,
    /// Something that this program does not know.
    Unknown,
}

/// A message's shape on the line.
#[derive(Serialize, Deserialize)]
struct Shape {
    #[serde(rename = "do")]
    verb: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    set: Vec<(String, String)>,
}

/// Reads a line, with or without its end.
///
/// # Errors
/// Why it is no message.
pub fn parse(line: &[u8]) -> Result<Message, Bad> {
    if line.len() > MAX_LINE {
        return Err(Bad::TooLong);
    }
    let shape: Shape = serde_json::from_slice(line).map_err(|_| Bad::Garbled)?;
    if shape.set.len() > MAX_PAIRS {
        return Err(Bad::TooLong);
    }
    let pairs = Pairs(shape.set);
    let event = match shape.verb.as_str() {
        "start" => PhoneEvent::Start { id: None, pairs },
        "set" => PhoneEvent::Set(pairs),
        "end" => PhoneEvent::End { id: None },
        _ => return Err(Bad::Unknown),
    };
    Ok(Message::Phone(event))
}

/// Writes a message, its end included.
#[must_use]
pub fn to_line(message: &Message) -> Vec<u8> {
    let Message::Phone(event) = message;
    let (verb, set) = match event {
        PhoneEvent::Start { pairs, .. } => ("start", pairs.0.clone()),
        PhoneEvent::Set(pairs) => ("set", pairs.0.clone()),
        PhoneEvent::End { .. } => ("end", Vec::new()),
    };
    line(&Shape { verb: verb.into(), set })
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
    /// What it proves itself by, where others could stand in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
}

/// What the prompter answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
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
    use crate::action::phone::Why;

    fn start(pairs: &[(&str, &str)]) -> Message {
        let pairs = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Message::Phone(PhoneEvent::Start { id: None, pairs: Pairs(pairs) })
    }

    #[test]
    fn what_is_written_is_read() {
        for message in [
            start(&[]),
            start(&[("nama", "Siti \"Aisyah\"\u{1b}[31m\n"), ("klb", "ya")]),
            Message::Phone(PhoneEvent::Set(Pairs(vec![("k".into(), String::new())]))),
            Message::Phone(PhoneEvent::End { id: None }),
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
    fn a_newer_programs_further_keys_are_ignored() {
        assert_eq!(parse(b"{\"do\":\"end\",\"at\":[1,{}],\"id\":null}"), parse(b"{\"do\":\"end\"}"));
    }

    #[test]
    fn no_value_stands_in_what_a_developer_sees() {
        assert!(!format!("{:?}", start(&[("nama", "Siti")])).contains("Siti"));
    }

    #[test]
    fn the_prompters_words_come_back() {
        let answer = Answer { ignored: vec![Ignored { key: "kode".into(), why: Why::UnknownKey }], bad: None };
        assert_eq!(serde_json::from_slice::<Answer>(&line(&answer)).unwrap(), answer);
        let greeting: Greeting = serde_json::from_slice(b"{\"penutup\":2,\"idle\":5,\"klb\":1}").unwrap();
        assert_eq!((greeting.penutup, greeting.seat), (2, None));
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn what_looks_like_a_message_does_not_break_it(text in "\\{\"do\":\"(start|set|end)\",\"set\":[\\[\\]\",a{}0-9\\\\]{0,80}\\}?") {
            let _ = parse(text.as_bytes());
        }

        #[test]
        fn every_pair_survives_the_line(key in "\\PC{0,20}", value in any::<String>()) {
            let message = start(&[(&key, &value)]);
            prop_assert_eq!(parse(&to_line(&message)), Ok(message));
        }
    }
}
