//! A declaration of the centre for every prompter: a fact's value (KLB), since when, until when, by whom and why.
//! Parses and serializes; `files` knows where the file is, and `app` what the prompter does with it.

use chrono::{DateTime, Datelike, SecondsFormat, TimeDelta, Timelike, Utc};
use toml::{Table, Value};

use crate::closing::name::first_line;
use crate::text;

/// A version is at least the current Unix time in seconds. One beyond the year 9999 is invalid: nothing could supersede
/// it.
const LAST_VERSION: u64 = 253_402_300_799;
/// How many seconds a version may be ahead of the clock. Two days: a wrong time zone shifts a clock by less than one.
const MAX_AHEAD: u64 = 2 * 24 * 60 * 60;

/// The largest file, in bytes.
pub const MAX_FILE: usize = 16 * 1024;
/// The default fact.
pub const KLB: &str = "klb";
/// The longest author's name, in graphemes.
const MAX_BY: usize = 40;
/// The longest reason, in graphemes.
pub const MAX_WHY: usize = 80;
/// The longest ID, in bytes.
const MAX_ID: usize = 64;

/// What is declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The fact's named value, otherwise its first value that is not its default.
    On,
    /// The fact's default.
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

/// A declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declaration {
    /// Increases with each declaration; the highest wins.
    pub version: u64,
    /// The fact's ID.
    pub fact: String,
    pub state: State,
    /// The value's ID, needed if "on" could mean several.
    pub value: Option<String>,
    pub since: DateTime<Utc>,
    /// The expected end. Nothing switches automatically then; the prompter asks.
    pub until: Option<DateTime<Utc>>,
    /// The author.
    pub by: Option<String>,
    /// The reason.
    pub why: Option<String>,
}

/// The bytes are not a declaration: a partial file, or a different one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidDeclaration;

/// Parses an instant and truncates it to seconds, so that a declaration equals its own serialized form. `None` if the
/// text is not an instant or its year can't be written.
pub fn time(text: &str) -> Option<DateTime<Utc>> {
    let at = DateTime::parse_from_rfc3339(text).ok()?.with_timezone(&Utc);
    let whole = at - TimeDelta::nanoseconds(i64::from(at.nanosecond()));
    // The offset may move it out of the writable years.
    (0..=9999).contains(&whole.year()).then_some(whole)
}

/// Formats an instant in the form that [`time`] parses.
pub fn time_text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A text cleaned for a screen and cut to `max` graphemes: anyone may have written the file.
pub fn tidy(text: &str, max: usize) -> Option<String> {
    let line = first_line(text);
    let short = text::first_graphemes(&line, max).trim_end();
    (!text::is_blank(short)).then(|| short.to_owned())
}

impl Declaration {
    /// Parses a file's content.
    ///
    /// # Errors
    /// If it is not a declaration.
    pub fn read(bytes: &[u8]) -> Result<Self, InvalidDeclaration> {
        let text = std::str::from_utf8(bytes).ok().filter(|text| text.len() <= MAX_FILE);
        let table = text.and_then(|text| text.parse::<Table>().ok()).ok_or(InvalidDeclaration)?;
        Self::from_table(&table).ok_or(InvalidDeclaration)
    }

    /// Parses a table; `None` if a required key is missing or a key has the wrong type.
    #[must_use]
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

    /// Cleans its texts for a screen.
    #[must_use]
    pub fn tidied(mut self) -> Self {
        self.by = self.by.and_then(|by| tidy(&by, MAX_BY));
        self.why = self.why.and_then(|why| tidy(&why, MAX_WHY));
        self
    }

    /// Whether the version is too far ahead of the clock to come from a supervisor. Later declarations might never
    /// exceed it.
    pub fn is_ahead_of(&self, now: DateTime<Utc>) -> bool {
        self.version > as_version(now).saturating_add(MAX_AHEAD)
    }

    /// The version after this one. It is never below the Unix time, so that a recreated folder continues above the
    /// versions of the lost one.
    pub fn next_version(previous: Option<u64>, now: DateTime<Utc>) -> u64 {
        let at_least = as_version(now);
        previous.map_or(at_least, |previous| at_least.max(previous.saturating_add(1)))
    }
}

/// The lowest version for a declaration made now.
fn as_version(now: DateTime<Utc>) -> u64 {
    u64::try_from(now.timestamp()).unwrap_or(1).max(1)
}

/// An event about the centre's declaration: from the watcher of its folder, or from the fleet's agent.
#[derive(Clone, Debug, PartialEq)]
pub enum DeclarationEvent {
    /// A declaration, new or known.
    Declared(Box<Declaration>),
    /// Why the centre can't be reached, in one line in the user's language.
    Trouble(String),
    /// After [`Self::Trouble`]: the centre is reachable again, and nothing new is declared.
    Recovered,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn klb() -> Declaration {
        Declaration {
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

    fn parsed(text: &str) -> Result<Declaration, InvalidDeclaration> {
        Declaration::read(text.as_bytes())
    }

    #[test]
    fn a_declaration_round_trips() {
        let off =
            Declaration { state: State::Off, value: Some("tidak".into()), until: None, by: None, why: None, ..klb() };
        for declared in [klb(), off] {
            assert_eq!(parsed(&declared.to_table().to_string()), Ok(declared));
        }
    }

    #[test]
    fn only_version_state_and_since_are_required() {
        let least = "version = 1\nstate = 'off'\nsince = '2026-03-02T13:05:00+07:00'\n";
        let read = parsed(least).unwrap();
        assert_eq!((read.fact.as_str(), read.since), (KLB, klb().since));
        assert!(parsed(&format!("{least}later = [1]\n")).is_ok());
        for line in least.lines() {
            assert_eq!(parsed(&least.replace(line, "")), Err(InvalidDeclaration), "{line}");
        }
        for wrong in ["schema = 2", "until = 'soon'", "by = 7", "value = \"a\\u001b\""] {
            assert_eq!(parsed(&format!("{least}{wrong}\n")), Err(InvalidDeclaration), "{wrong}");
        }
        for (right, wrong) in [("1\n", "0\n"), ("1\n", "-1\n"), ("1\n", "1.5\n"), ("off", "maybe")] {
            assert_eq!(parsed(&least.replacen(right, wrong, 1)), Err(InvalidDeclaration), "{wrong}");
        }
    }

    #[test]
    fn a_truncated_file_is_never_parsed_as_another_declaration() {
        let whole = klb().to_table().to_string();
        // A file cut within the last value's line; one cut between two lines may be complete without its end.
        for cut in 0..whole.len() {
            if let Ok(read) = parsed(&whole[..cut]) {
                assert_eq!((read.version, read.state, read.since), (7, State::On, klb().since));
            }
        }
        assert_eq!(Declaration::read(&vec![b'#'; MAX_FILE + 1]), Err(InvalidDeclaration));
        assert_eq!(Declaration::read(b"\xff\xfe"), Err(InvalidDeclaration));
    }

    #[test]
    fn hostile_texts_are_cleaned_and_bounded() {
        let text = format!(
            "version = 1\nstate = 'on'\nsince = '2026-03-02T06:05:00Z'\nby = \"\\u001b]0;x\\u0007 SPV\\n2\"\nwhy = '{}'",
            "x".repeat(500)
        );
        let read = parsed(&text).unwrap();
        assert_eq!(read.by.as_deref(), Some("SPV"));
        assert_eq!(read.why.unwrap().len(), MAX_WHY);
    }

    #[test]
    fn a_declaration_is_equal_to_itself_however_its_times_are_written() {
        for since in ["2026-03-02T06:05:00.25Z", "2016-12-31T23:59:60Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]
        {
            let read = parsed(&format!("version = 1\nstate = 'on'\nsince = '{since}'\nby = ' a  b '")).unwrap();
            assert_eq!(parsed(&read.to_table().to_string()), Ok(read), "{since}");
        }
        assert!(parsed("version = 1\nstate = 'on'\nsince = '9999-12-31T23:59:59-01:00'").is_err());
    }

    #[test]
    fn versions_increase_even_in_a_recreated_folder() {
        let now: DateTime<Utc> = "2026-03-02T06:05:00Z".parse().unwrap();
        let first = Declaration::next_version(None, now);
        assert_eq!(Declaration::next_version(Some(first), now), first + 1);
        assert_eq!(Declaration::next_version(Some(first), now + TimeDelta::hours(1)), first + 3600);
        assert_eq!(Declaration::next_version(Some(u64::MAX), now), u64::MAX);
    }

    #[test]
    fn a_version_far_ahead_of_the_clock_is_recognized() {
        let now: DateTime<Utc> = "2026-03-02T06:05:00Z".parse().unwrap();
        let at = |version| Declaration { version, ..klb() }.is_ahead_of(now);
        let limit = Declaration::next_version(None, now) + MAX_AHEAD;
        assert_eq!([1, limit, limit + 1, LAST_VERSION, u64::MAX].map(at), [false, false, true, true, true]);
        assert!(!klb().is_ahead_of(DateTime::UNIX_EPOCH - TimeDelta::days(1)));
    }

    proptest! {
        #[test]
        fn the_reader_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Declaration::read(&bytes);
        }
    }
}
