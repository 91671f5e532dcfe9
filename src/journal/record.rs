//! What is kept of a call: how it was closed, without a single item of personal data. There is no field here for a name,
//! an honorific or a number, so none can be written (UU PDP Art. 4).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::closing::ending::Outcome;

/// A call as it stands; written again at every change, the whole of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Which call of this prompter: the journal gives it its random id.
    pub call: u64,
    /// When it got its first fact, field or tick, or was begun by the telephone.
    pub start: DateTime<Utc>,
    /// When and how it ended; `None` while it runs, and again when its end is taken back.
    pub end: Option<(DateTime<Utc>, Outcome)>,
    /// Every fact, in the rules' order.
    pub facts: Vec<FactRecord>,
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
    /// Every spoken step that the plan has or that was ticked once.
    pub steps: Vec<StepRecord>,
    /// The scoring parameters that what is unsaid costs, where the ending costs score; else empty.
    pub cost: Vec<String>,
    /// The steps that a late change of a fact asked for when it was too late to say them; they are not left out.
    #[serde(default)]
    pub overtaken: Vec<OvertakenRecord>,
    /// The facts that stand otherwise than the centre has declared them.
    pub differs: Vec<String>,
}

/// A fact of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactRecord {
    /// Its id.
    pub fact: String,
    /// Its value's id.
    pub value: String,
    /// When it was set; `None` for a default that nobody touched.
    pub set: Option<DateTime<Utc>>,
}

/// A spoken step of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Its id.
    pub step: String,
    /// Whether its sentence was on the screen as the current one.
    pub shown: bool,
    /// When it was ticked, if it is.
    pub ticked: Option<DateTime<Utc>>,
    /// How often a tick was taken back.
    pub taken_back: u32,
    /// Whether it is still to be said (an alternative that was said counts for it).
    pub left_out: bool,
    /// The scoring parameters that leaving it out costs.
    pub score: Vec<String>,
}

/// A spoken step whose successor was already said when a fact asked for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OvertakenRecord {
    /// Its id.
    pub step: String,
    /// When the facts changed.
    pub at: DateTime<Utc>,
    /// The facts that changed: id and value.
    pub facts: Vec<(String, String)>,
}
