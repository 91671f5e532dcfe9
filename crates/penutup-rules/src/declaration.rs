//! A fact's value that the centre declares for everyone (KLB), with its times, author and reason. Parses and writes
//! bytes; storing and applying them is the caller's task.

use chrono::{DateTime, Datelike, SecondsFormat, TimeDelta, Timelike, Utc};
use toml::{Table, Value};

use crate::closing::name::first_line;
use crate::text;

/// Versions are at least the seconds since 1970. One beyond the year 9999 is rejected: no later one could exceed it.
const LAST_VERSION: u64 = 253_402_300_799;
/// How far a version may be ahead of the clock, in seconds. A wrong time zone accounts for less than one day.
const MAX_AHEAD: u64 = 2 * 24 * 60 * 60;

/// The largest file, in bytes.
pub const MAX_FILE: usize = 16 * 1024;
/// The default fact of a declaration file.
pub const KLB: &str = "klb";
/// In graphemes.
const MAX_BY: usize = 40;
/// In graphemes.
const MAX_WHY: usize = 80;
/// In bytes.
const MAX_ID: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// `value`, or the fact's first value that is not its default.
    On,
    Off,
}

impl State {
    fn code(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broadcast {
    /// Increases with each declaration; the highest wins.
    pub version: u64,
    pub fact: String,
    pub state: State,
    /// The id of the value, for a fact with several values besides the default.
    pub value: Option<String>,
    pub since: DateTime<Utc>,
    /// The expected end. Nothing changes automatically then; the prompter asks.
    pub until: Option<DateTime<Utc>>,
    pub by: Option<String>,
    pub why: Option<String>,
}

/// The bytes are not a declaration, for example a truncated file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoBroadcast;

/// Parses an instant, truncated to seconds as in [`time_text`], so that a declaration equals itself after a round trip.
/// `None` for an invalid text or a year outside 0–9999.
pub fn time(text: &str) -> Option<DateTime<Utc>> {
    let at = DateTime::parse_from_rfc3339(text).ok()?.with_timezone(&Utc);
    let whole = at - TimeDelta::nanoseconds(i64::from(at.nanosecond()));
    // The offset may move it out of the years that can be written.
    (0..=9999).contains(&whole.year()).then_some(whole)
}

pub fn time_text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Cleans an untrusted text and truncates it to `max` graphemes; `None` if nothing is left.
pub fn tidy(text: &str, max: usize) -> Option<String> {
    let line = first_line(text);
    let short = text::first_graphemes(&line, max).trim_end();
    (!text::is_blank(short)).then(|| short.to_owned())
}

impl Broadcast {
    pub fn read(bytes: &[u8]) -> Result<Self, NoBroadcast> {
        let text = std::str::from_utf8(bytes).ok().filter(|text| text.len() <= MAX_FILE);
        let table = text.and_then(|text| text.parse::<Table>().ok()).ok_or(NoBroadcast)?;
        Self::from_table(&table).ok_or(NoBroadcast)
    }

    /// `None` if a key is missing or has an invalid value.
    pub fn from_table(table: &Table) -> Option<Self> {
        let text = |key: &str| match table.get(key) {
            None => Some(None),
            Some(Value::String(text)) => Some(Some(text.as_str())),
            Some(_) => None,
        };
        if table.get("schema").is_some_and(|schema| schema.as_integer() != Some(1)) {
            return None;
        }
        let id = |text: Option<&str>| match text {
            None => Some(None),
            Some(id) if id.len() <= MAX_ID && !id.chars().any(text::is_forbidden) => Some(Some(id.to_owned())),
            Some(_) => None,
        };
        Some(Self {
            version: u64::try_from(table.get("version")?.as_integer()?)
                .ok()
                .filter(|v| (1..=LAST_VERSION).contains(v))?,
            fact: id(text("fact")?)?.unwrap_or_else(|| KLB.to_owned()),
            state: match text("state")?? {
                "on" => State::On,
                "off" => State::Off,
                _ => return None,
            },
            value: id(text("value")?)?,
            since: time(text("since")??)?,
            until: match text("until")? {
                None => None,
                Some(until) => Some(time(until)?),
            },
            by: text("by")?.and_then(|by| tidy(by, MAX_BY)),
            why: text("why")?.and_then(|why| tidy(why, MAX_WHY)),
        })
    }

    pub fn to_table(&self) -> Table {
        let mut table = Table::new();
        table.insert("schema".into(), Value::Integer(1));
        table.insert("version".into(), Value::Integer(i64::try_from(self.version).unwrap_or(i64::MAX)));
        let texts = [
            ("fact", Some(self.fact.clone())),
            ("state", Some(self.state.code().to_owned())),
            ("value", self.value.clone()),
            ("since", Some(time_text(self.since))),
            ("until", self.until.map(time_text)),
            ("by", self.by.clone()),
            ("why", self.why.clone()),
        ];
        for (key, text) in texts {
            if let Some(text) = text {
                table.insert(key.into(), Value::String(text));
            }
        }
        table
    }

    /// With cleaned texts.
    pub fn tidied(mut self) -> Self {
        self.by = self.by.and_then(|by| tidy(&by, MAX_BY));
        self.why = self.why.and_then(|why| tidy(&why, MAX_WHY));
        self
    }

    /// Whether a version is implausibly far ahead of the clock; later declarations could not exceed it.
    pub fn is_ahead_of(&self, now: DateTime<Utc>) -> bool {
        self.version > as_version(now).saturating_add(MAX_AHEAD)
    }

    /// The next version. At least the seconds since 1970, so that a recreated folder continues after the lost one.
    pub fn next_version(previous: Option<u64>, now: DateTime<Utc>) -> u64 {
        let at_least = as_version(now);
        previous.map_or(at_least, |previous| at_least.max(previous.saturating_add(1)))
    }
}

/// The lowest version of a declaration made now.
fn as_version(now: DateTime<Utc>) -> u64 {
    u64::try_from(now.timestamp()).unwrap_or(1).max(1)
}

/// An event of the watcher of the folder.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// A declaration, new or already known.
    Declared(Box<Broadcast>),
    /// Why declarations can't be received: one line in the user's language.
    Trouble(String),
    /// Declarations can be received again.
    Sound,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn klb() -> Broadcast {
        Broadcast {
            version: 7,
            fact: KLB.into(),
            state: State::On,
            value: None,
            since: "2026-03-02T06:05:00Z".parse().unwrap(),
            until: Some("2026-03-02T14:00:00Z".parse().unwrap()),
            by: Some("SPV Jakarta".into()),
            why: Some("gangguan \"transmisi\"".into()),
        }
    }

    fn of(text: &str) -> Result<Broadcast, NoBroadcast> {
        Broadcast::read(text.as_bytes())
    }

    #[test]
    fn a_written_declaration_is_read_back() {
        let off =
            Broadcast { state: State::Off, value: Some("tidak".into()), until: None, by: None, why: None, ..klb() };
        for broadcast in [klb(), off] {
            assert_eq!(of(&broadcast.to_table().to_string()), Ok(broadcast));
        }
    }

    #[test]
    fn version_state_and_since_are_required() {
        let least = "version = 1\nstate = 'off'\nsince = '2026-03-02T13:05:00+07:00'\n";
        let read = of(least).unwrap();
        assert_eq!((read.fact.as_str(), read.since), (KLB, klb().since));
        assert!(of(&format!("{least}later = [1]\n")).is_ok());
        for line in least.lines() {
            assert_eq!(of(&least.replace(line, "")), Err(NoBroadcast), "{line}");
        }
        for wrong in ["schema = 2", "until = 'soon'", "by = 7", "value = \"a\\u001b\""] {
            assert_eq!(of(&format!("{least}{wrong}\n")), Err(NoBroadcast), "{wrong}");
        }
        for (right, wrong) in [("1\n", "0\n"), ("1\n", "-1\n"), ("1\n", "1.5\n"), ("off", "maybe")] {
            assert_eq!(of(&least.replacen(right, wrong, 1)), Err(NoBroadcast), "{wrong}");
        }
    }

    #[test]
    fn a_truncated_file_is_not_read_as_a_different_declaration() {
        let whole = klb().to_table().to_string();
        // A file truncated between two lines may still be valid, without its optional values.
        for cut in 0..whole.len() {
            if let Ok(read) = of(&whole[..cut]) {
                assert_eq!((read.version, read.state, read.since), (7, State::On, klb().since));
            }
        }
        assert_eq!(Broadcast::read(&vec![b'#'; MAX_FILE + 1]), Err(NoBroadcast));
        assert_eq!(Broadcast::read(b"\xff\xfe"), Err(NoBroadcast));
    }

    #[test]
    fn hostile_texts_are_cleaned_and_truncated() {
        let text = format!(
            "version = 1\nstate = 'on'\nsince = '2026-03-02T06:05:00Z'\nby = \"\\u001b]0;x\\u0007 SPV\\n2\"\nwhy = '{}'",
            "x".repeat(500)
        );
        let read = of(&text).unwrap();
        assert_eq!(read.by.as_deref(), Some("SPV"));
        assert_eq!(read.why.unwrap().len(), MAX_WHY);
    }

    #[test]
    fn declarations_with_the_same_times_are_equal_however_written() {
        for since in ["2026-03-02T06:05:00.25Z", "2016-12-31T23:59:60Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]
        {
            let read = of(&format!("version = 1\nstate = 'on'\nsince = '{since}'\nby = ' a  b '")).unwrap();
            assert_eq!(of(&read.to_table().to_string()), Ok(read), "{since}");
        }
        assert!(of("version = 1\nstate = 'on'\nsince = '9999-12-31T23:59:59-01:00'").is_err());
    }

    #[test]
    fn versions_increase_in_a_new_folder_too() {
        let now: DateTime<Utc> = "2026-03-02T06:05:00Z".parse().unwrap();
        let first = Broadcast::next_version(None, now);
        assert_eq!(Broadcast::next_version(Some(first), now), first + 1);
        assert_eq!(Broadcast::next_version(Some(first), now + TimeDelta::hours(1)), first + 3600);
        assert_eq!(Broadcast::next_version(Some(u64::MAX), now), u64::MAX);
    }

    #[test]
    fn a_version_far_ahead_of_the_clock_is_recognized() {
        let now: DateTime<Utc> = "2026-03-02T06:05:00Z".parse().unwrap();
        let at = |version| Broadcast { version, ..klb() }.is_ahead_of(now);
        let limit = Broadcast::next_version(None, now) + MAX_AHEAD;
        assert_eq!([1, limit, limit + 1, LAST_VERSION, u64::MAX].map(at), [false, false, true, true, true]);
        assert!(!klb().is_ahead_of(DateTime::UNIX_EPOCH - TimeDelta::days(1)));
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Broadcast::read(&bytes);
        }
    }
}
