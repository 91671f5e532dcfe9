//! What is recorded of a call: how it was closed, without a single item of personal data. There is no field here for a
//! name, an honorific or a number, so none can be written (UU PDP Art. 4).
//!
//! A record is one line of JSON wherever it goes: into the journal, its exports and the fleet's stream.

use std::fmt::Write as _;

use chrono::serde::{ts_milliseconds, ts_milliseconds_option};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

use super::summary::Flags;
use penutup_rules::closing::ending::Outcome;
use penutup_rules::text::{clean, is_forbidden};

/// A call as it is at one time; written again, whole, at every change. Id, version, time of the change and seat are set
/// by the journal; the prompter leaves them at their defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Which call of this prompter.
    #[serde(skip)]
    pub call: u64,
    /// Its random id.
    pub id: Uuid,
    /// Rises with every writing: of two records of a call the one of the higher version is the newer.
    pub version: u64,
    /// When it got its first fact, field or tick, or was begun by the telephone.
    #[serde(rename = "start_ms", with = "ts_milliseconds")]
    pub start: DateTime<Utc>,
    /// When and how it ended; `None` while it runs, and again when its end is undone.
    #[serde(flatten, with = "end")]
    pub end: Option<(DateTime<Utc>, Outcome)>,
    /// When it became what it is.
    #[serde(rename = "changed_ms", with = "ts_milliseconds")]
    pub changed: DateTime<Utc>,
    /// The seat, where the settings name one.
    pub seat: Option<String>,
    /// The customer's zone.
    pub zone: String,
    /// The greeting that was spoken, once it was.
    pub greeting: Option<String>,
    /// The rule that fires.
    pub rule: String,
    /// The revision of the rules.
    pub revision: String,
    /// The rules' SHA-256, in hexadecimal.
    pub rules_sha256: String,
    /// The scoring parameters that what is unsaid costs, where the ending costs score; else empty.
    pub cost: Vec<String>,
    /// Every fact, in the rules' order.
    pub facts: Vec<FactRecord>,
    /// Every spoken step that the plan has or that was ticked once.
    pub steps: Vec<StepRecord>,
    /// The steps that a late change of a fact asked for when it was too late to say them; they are not left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overtaken: Vec<OvertakenRecord>,
    /// The facts whose values differ from what the centre has declared, by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differs: Vec<String>,
}

/// A fact of a call; in JSON `[fact, value, set_ms|null]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct FactRecord {
    /// Its id.
    pub fact: String,
    /// Its value's id.
    pub value: String,
    /// When it was set; `None` for a default that nobody touched.
    #[serde(deserialize_with = "ts_milliseconds_option::deserialize")]
    pub set: Option<DateTime<Utc>>,
}

/// A spoken step of a call; in JSON `[step, shown, ticked_ms|null, undone, left_out, [parameter, …]]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct StepRecord {
    /// Its id.
    pub step: String,
    /// Whether its sentence was on the screen as the current one.
    pub shown: bool,
    /// When it was ticked, if it is.
    #[serde(deserialize_with = "ts_milliseconds_option::deserialize")]
    pub ticked: Option<DateTime<Utc>>,
    /// How often a tick was undone.
    pub undone: u32,
    /// Whether it is still to be said (an alternative that was said counts for it).
    pub left_out: bool,
    /// The scoring parameters that leaving it out costs.
    pub score: Vec<String>,
}

/// A spoken step whose successor was already said when a fact asked for it; in JSON `[step, at_ms, [[fact, value], …]]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct OvertakenRecord {
    /// Its id.
    pub step: String,
    /// When the facts changed.
    #[serde(deserialize_with = "ts_milliseconds::deserialize")]
    pub at: DateTime<Utc>,
    /// The facts that changed: id and value.
    pub facts: Vec<(String, String)>,
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

/// The end of a call in JSON: `end_ms` and `ending`, both or neither.
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
    #[must_use]
    pub fn is_before_closing(&self) -> bool {
        self.steps.iter().all(|step| step.ticked.is_none())
    }

    /// What went otherwise than planned.
    #[must_use]
    pub fn flags(&self) -> Flags {
        let set = |is_set: bool, flag: Flags| if is_set { flag.0 } else { 0 };
        Flags(
            set(self.is_before_closing(), Flags::BEFORE_CLOSING)
                | set(!self.overtaken.is_empty(), Flags::OVERTAKEN)
                | set(self.steps.iter().any(|step| step.undone > 0), Flags::UNDONE),
        )
    }

    /// The facts in one text: "klb=ya topik=lain".
    #[must_use]
    pub fn facts_text(&self) -> String {
        let mut out = String::with_capacity(64);
        for FactRecord { fact, value, .. } in &self.facts {
            let _ = write!(out, "{}{fact}={value}", if out.is_empty() { "" } else { " " });
        }
        out
    }

    /// The steps left out, in one text: "download terima-kasih".
    #[must_use]
    pub fn left_out_text(&self) -> String {
        let left_out = self.steps.iter().filter(|step| step.left_out);
        left_out.map(|step| step.step.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// From its JSON in a journal. Whoever can write the file can write anything into it, so its texts are cleaned.
    ///
    /// # Errors
    /// A text that is no record.
    pub fn read(json: &str) -> serde_json::Result<Self> {
        let mut record: Self = serde_json::from_str(json)?;
        let Self { seat, zone, greeting, rule, revision, rules_sha256, cost, facts, steps, overtaken, differs, .. } =
            &mut record;
        let facts = facts.iter_mut().flat_map(|fact| [&mut fact.fact, &mut fact.value]);
        let steps = steps.iter_mut().flat_map(|step| std::iter::once(&mut step.step).chain(&mut step.score));
        let overtaken = overtaken.iter_mut().flat_map(|late| {
            std::iter::once(&mut late.step).chain(late.facts.iter_mut().flat_map(|(fact, value)| [fact, value]))
        });
        let own =
            [zone, rule, revision, rules_sha256].into_iter().chain(seat).chain(greeting).chain(cost).chain(differs);
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
    fn a_record_is_the_documented_line_and_comes_back_whole() {
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
    fn a_call_that_runs_has_neither_time_nor_way_of_its_end() {
        let running = Record { rule: "satu".into(), ..Record::default() };
        let line = serde_json::to_string(&running).unwrap();
        assert!(line.contains(r#""end_ms":null,"ending":null,"#), "{line}");
        assert_eq!(Record::read(&line).unwrap(), running);
        assert_eq!(running.flags(), Flags::BEFORE_CLOSING);
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
