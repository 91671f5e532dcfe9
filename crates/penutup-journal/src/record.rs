//! What is recorded of a call: how it was closed, without personal data of the customer. There is no field for a name,
//! an honorific or a telephone number, so none can be written (UU PDP Art. 4). The agent's number identifies an
//! employee: it is recorded only where the site gives one, and goes with its call.
//!
//! A record is one line of JSON everywhere: in the journal, its exports and the fleet's stream.

use std::fmt::Write as _;

use chrono::serde::{ts_milliseconds, ts_milliseconds_option};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

use super::summary::Flags;
use penutup_rules::closing::ending::Outcome;
use penutup_rules::text::{clean, is_forbidden};

/// A call at one point in time, written again as a whole at every change. ID, version, time of change and seat are set
/// by the journal; the prompter leaves them at their defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The call's number in this prompter.
    #[serde(skip)]
    pub call: u64,
    /// Its random id.
    pub id: Uuid,
    /// Increases with every write: of two records of a call the one with the higher version is newer.
    pub version: u64,
    /// When it got its first fact, field or tick, or was started by the telephone.
    #[serde(rename = "start_ms", with = "ts_milliseconds")]
    pub start: DateTime<Utc>,
    /// When and how it ended; `None` while it runs, and again after its end is undone.
    #[serde(flatten, with = "end")]
    pub end: Option<(DateTime<Utc>, Outcome)>,
    /// When it changed to this state.
    #[serde(rename = "changed_ms", with = "ts_milliseconds")]
    pub changed: DateTime<Utc>,
    /// The seat, if the settings name one.
    pub seat: Option<String>,
    /// The agent's number, if one is given: [`is_agent`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The telephone system's id of the interaction, as it was given: [`is_interaction`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interaction: Option<String>,
    /// The customer's zone.
    pub zone: String,
    /// The spoken greeting, once it is spoken.
    pub greeting: Option<String>,
    /// The rule that applies.
    pub rule: String,
    /// The revision of the rules.
    pub revision: String,
    /// The rules' SHA-256, in hexadecimal.
    pub rules_sha256: String,
    /// The scoring parameters lost by unsaid steps, if the ending costs score; otherwise empty.
    pub cost: Vec<String>,
    /// Every fact, in the rules' order.
    pub facts: Vec<FactRecord>,
    /// Every spoken step of the plan, and every one that was ever ticked.
    pub steps: Vec<StepRecord>,
    /// Steps required by a late change of facts when they could no longer be said; they don't count as left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overtaken: Vec<OvertakenRecord>,
    /// The IDs of facts whose values differ from the centre's declaration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differs: Vec<String>,
}

/// A fact of a call; in JSON `[fact, value, set_ms|null]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct FactRecord {
    pub fact: String,
    pub value: String,
    /// When it was set; `None` for an unchanged default.
    #[serde(deserialize_with = "ts_milliseconds_option::deserialize")]
    pub set: Option<DateTime<Utc>>,
}

/// A spoken step of a call; in JSON `[step, shown, ticked_ms|null, undone, left_out, [parameter, …]]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct StepRecord {
    pub step: String,
    /// Whether its sentence was displayed as the current one.
    pub shown: bool,
    /// When it was ticked, if it is.
    #[serde(deserialize_with = "ts_milliseconds_option::deserialize")]
    pub ticked: Option<DateTime<Utc>>,
    /// How often a tick was undone.
    pub undone: u32,
    /// Whether it is still to be said (saying an alternative of it counts).
    pub left_out: bool,
    /// The scoring parameters lost by leaving it out.
    pub score: Vec<String>,
}

/// A spoken step required by a change of facts after its successor was said; in JSON `[step, at_ms, [[fact, value],
/// …]]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct OvertakenRecord {
    pub step: String,
    /// When the facts changed.
    #[serde(deserialize_with = "ts_milliseconds::deserialize")]
    pub at: DateTime<Utc>,
    /// The changed facts: ID and value.
    pub facts: Vec<(String, String)>,
}

/// The longest agent's number, in characters.
pub const MAX_AGENT: usize = 40;
/// The longest id of an interaction, in characters.
pub const MAX_INTERACTION: usize = 100;

/// Whether a text can be an agent's number: letters, digits, `.`, `_` and `-`, at least one digit, so that a name is
/// not taken for one.
pub fn is_agent(text: &str) -> bool {
    let is_valid = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    text.len() <= MAX_AGENT && text.bytes().all(is_valid) && text.bytes().any(|b| b.is_ascii_digit())
}

/// Whether a text can be the id of an interaction: not blank, without characters that must not be displayed.
pub fn is_interaction(text: &str) -> bool {
    text.chars().count() <= MAX_INTERACTION && !text.trim().is_empty() && !text.chars().any(is_forbidden)
}

fn ms(time: Option<DateTime<Utc>>) -> Option<i64> {
    time.map(|time| time.timestamp_millis())
}

impl Serialize for FactRecord {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        (&self.fact, &self.value, ms(self.set)).serialize(to)
    }
}

impl Serialize for StepRecord {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        (&self.step, self.shown, ms(self.ticked), self.undone, self.left_out, &self.score).serialize(to)
    }
}

impl Serialize for OvertakenRecord {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        (&self.step, self.at.timestamp_millis(), &self.facts).serialize(to)
    }
}

/// A call's end in JSON: `end_ms` and `ending`, both or neither.
mod end {
    use serde::de::Error as _;
    use serde::{Deserializer, Serializer};

    use super::{DateTime, Deserialize, Outcome, Serialize, Utc, ts_milliseconds_option};

    #[derive(Serialize, Deserialize)]
    struct End {
        #[serde(default, with = "ts_milliseconds_option")]
        end_ms: Option<DateTime<Utc>>,
        ending: Option<Outcome>,
    }

    #[expect(clippy::ref_option, reason = "serde passes a reference to the field")]
    pub fn serialize<S: Serializer>(end: &Option<(DateTime<Utc>, Outcome)>, to: S) -> Result<S::Ok, S::Error> {
        let (end_ms, ending) = end.unzip();
        End { end_ms, ending }.serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<(DateTime<Utc>, Outcome)>, D::Error> {
        let End { end_ms, ending } = End::deserialize(from)?;
        if end_ms.is_some() == ending.is_some() {
            Ok(end_ms.zip(ending))
        } else {
            Err(D::Error::missing_field("ending"))
        }
    }
}

impl Record {
    /// Whether no sentence was said, so that the call ended before its closing.
    pub fn is_before_closing(&self) -> bool {
        self.steps.iter().all(|step| step.ticked.is_none())
    }

    /// Irregularities of the call.
    pub fn flags(&self) -> Flags {
        let set = |is_set: bool, flag: Flags| if is_set { flag.0 } else { 0 };
        Flags(
            set(self.is_before_closing(), Flags::BEFORE_CLOSING)
                | set(!self.overtaken.is_empty(), Flags::OVERTAKEN)
                | set(self.steps.iter().any(|step| step.undone > 0), Flags::UNDONE),
        )
    }

    /// The facts in one text: "klb=ya topik=lain".
    pub fn facts_text(&self) -> String {
        let mut out = String::with_capacity(64);
        for FactRecord { fact, value, .. } in &self.facts {
            let _ = write!(out, "{}{fact}={value}", if out.is_empty() { "" } else { " " });
        }
        out
    }

    /// The steps left out, in one text: "download terima-kasih".
    pub fn left_out_text(&self) -> String {
        let left_out = self.steps.iter().filter(|step| step.left_out);
        left_out.map(|step| step.step.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// The steps that were due, ticked or left out, in one text: "campaign download".
    pub fn due_text(&self) -> String {
        let due = self.steps.iter().filter(|step| step.ticked.is_some() || step.left_out);
        due.map(|step| step.step.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// Parses its JSON in a journal. Another program may have written the file, so the texts are cleaned.
    ///
    /// # Errors
    /// If the text is not a record.
    pub fn read(json: &str) -> serde_json::Result<Self> {
        let mut record: Self = serde_json::from_str(json)?;
        let Self {
            seat,
            agent,
            interaction,
            zone,
            greeting,
            rule,
            revision,
            rules_sha256,
            cost,
            facts,
            steps,
            overtaken,
            differs,
            ..
        } = &mut record;
        let facts = facts.iter_mut().flat_map(|fact| [&mut fact.fact, &mut fact.value]);
        let steps = steps.iter_mut().flat_map(|step| std::iter::once(&mut step.step).chain(&mut step.score));
        let overtaken = overtaken.iter_mut().flat_map(|late| {
            std::iter::once(&mut late.step).chain(late.facts.iter_mut().flat_map(|(fact, value)| [fact, value]))
        });
        let optional = [seat, agent, interaction, greeting].into_iter().flatten();
        let own = [zone, rule, revision, rules_sha256].into_iter().chain(optional).chain(cost).chain(differs);
        for text in own.chain(facts).chain(steps).chain(overtaken) {
            if text.chars().any(is_forbidden) {
                *text = clean(text);
            }
        }
        Ok(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_has_the_documented_form_and_round_trips() {
        let line = r#"{"id":"019ab123-0000-7000-8000-000000000007","version":4,"start_ms":5000,"end_ms":65000,"ending":"lengkap","changed_ms":65000,"seat":"07","zone":"WIB","greeting":null,"rule":"satu","revision":"Rev-1","rules_sha256":"ab","cost":["FCR"],"facts":[["klb","ya",6000],["topik","lain",null]],"steps":[["download",true,7000,2,false,["FCR"]],["terima-kasih",false,null,0,true,[]]],"overtaken":[["campaign",9000,[["klb","tidak"]]]],"differs":["klb"]}"#;
        let record = Record::read(line).unwrap();
        assert_eq!(serde_json::to_string(&record).unwrap(), line);
        assert_eq!(record.flags(), Flags(Flags::OVERTAKEN.0 | Flags::UNDONE.0));
        assert_eq!((record.facts_text(), record.left_out_text()), ("klb=ya topik=lain".into(), "terima-kasih".into()));
        for bad in [
            line.replace("\"lengkap\"", "null"),
            line.replace("\"lengkap\"", "\"tamat\""),
            line.replace("\"end_ms\":65000", "\"end_ms\":null"),
            line.replace(",[\"FCR\"]],", ",[\"FCR\"],1],"),
            line.replace("[\"topik\",\"lain\",null]", "[\"topik\",\"lain\"]"),
            line.replace("\"version\":4", "\"version\":4,\"version\":5"),
        ] {
            assert!(bad != line && Record::read(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_running_call_has_neither_end_time_nor_outcome() {
        let running = Record { rule: "satu".into(), ..Record::default() };
        let line = serde_json::to_string(&running).unwrap();
        assert!(line.contains(r#""end_ms":null,"ending":null,"#), "{line}");
        assert_eq!(Record::read(&line).unwrap(), running);
        assert_eq!(running.flags(), Flags::BEFORE_CLOSING);
    }

    #[test]
    fn agent_and_interaction_are_in_the_line_only_where_they_are_known() {
        let line = |agent: Option<&str>, interaction: Option<&str>| {
            let (agent, interaction) = (agent.map(str::to_owned), interaction.map(str::to_owned));
            let record = Record { agent, interaction, ..Record::default() };
            let line = serde_json::to_string(&record).unwrap();
            assert_eq!(Record::read(&line).unwrap(), record);
            line
        };
        let with = line(Some("4711"), Some("a 1/b@c"));
        assert!(with.contains(r#""seat":null,"agent":"4711","interaction":"a 1/b@c","zone""#), "{with}");
        let without = line(None, None);
        assert!(!without.contains("agent") && !without.contains("interaction"), "{without}");
    }

    #[test]
    fn a_name_is_no_agents_number() {
        for good in ["4711", "CSO-07", "a.b_9", &"7".repeat(MAX_AGENT)] {
            assert!(is_agent(good), "{good}");
        }
        for bad in ["", "Siti", "Siti Aminah 7", "47\u{1b}", "4/7", "४७", &"7".repeat(MAX_AGENT + 1)] {
            assert!(!is_agent(bad), "{bad}");
        }
        for good in ["1", "00:1f@pbx;x=\"y\"", "é", &"é".repeat(MAX_INTERACTION)] {
            assert!(is_interaction(good), "{good}");
        }
        for bad in ["", " ", "a\nb", "\u{202e}a", &"é".repeat(MAX_INTERACTION + 1)] {
            assert!(!is_interaction(bad), "{bad}");
        }
    }

    #[test]
    fn texts_of_a_journal_are_cleaned() {
        let line = serde_json::to_string(&Record {
            seat: Some("07\u{1b}[2J".into()),
            differs: vec!["\u{202e}klb".into()],
            cost: vec!["FCR\u{9b}".into()],
            ..Record::default()
        });
        let record = Record::read(&line.unwrap()).unwrap();
        assert_eq!((record.seat.as_deref(), &*record.differs[0], &*record.cost[0]), (Some("07[2J"), "klb", "FCR"));
    }
}
