//! A seat's state, for `status`. It contains nothing about calls but their number.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use penutup_rules::declaration::tidy;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::parse_json;
use super::refusal::{Refusal, RefusalCounts};

/// In bytes.
pub const MAX_STATE: usize = 4 * 1024;

/// Limits every count, so that the sum over thousands of seats can't overflow.
const MAX_COUNT: u64 = u32::MAX as u64;
/// In graphemes.
pub const MAX_TEXT: usize = 64;
/// The most keys of a state.
const MAX_KEYS: usize = 16;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatState {
    pub schema: u32,
    /// By the seat's clock.
    pub at: DateTime<Utc>,
    /// The agent's program version.
    pub agent: String,
    /// The ledger's id; nil while the agent has none: it has not scanned the journal yet, or can't open its ledger.
    pub epoch: Uuid,
    /// The centre's rules on the seat; `None` where it has none of the centre's.
    pub rules: Option<RulesState>,
    /// The declaration in force; `None` where there was none yet.
    pub klb: Option<KlbState>,
    /// Connected prompters.
    pub prompters: u32,
    /// Closings that wait to be sent.
    pub unsent: u64,
    /// The highest sequence number that the stream acknowledged.
    pub sent: u64,
    /// Since the agent started.
    pub refused: RefusalCounts,
    /// What the seat has of each key of its broadcasts; empty from an older agent.
    #[serde(default)]
    pub broadcasts: BTreeMap<String, KeyState>,
    /// Since when the seat's disk can't be written, by the seat's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unwritten_since: Option<DateTime<Utc>>,
    /// What the centre told it of its clock, as in [`super::closing::Ask::Clock`]: it waits to be told when that is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_clock: Option<i64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyState {
    /// The newest verified version; 0: none.
    pub version: u64,
    /// The last one that was refused, unless a newer one was verified since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<RefusedVersion>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedVersion {
    /// As claimed: nothing of it was verified.
    pub version: u64,
    pub why: Refusal,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RulesState {
    pub version: u64,
    pub sha256: String,
    /// The revision that the rules file names.
    pub revision: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KlbState {
    pub version: u64,
    pub on: bool,
}

impl SeatState {
    /// Whoever has a seat's key can send anything: counts that can't be summed and texts that are unsafe on a terminal are
    /// refused.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        super::check_schema(bytes, MAX_STATE)?;
        let state: Self = parse_json(bytes, MAX_STATE)?;
        if state.is_valid() { Ok(state) } else { Err(Refusal::Malformed) }
    }

    fn is_valid(&self) -> bool {
        let is_clean = |text: &str| text.is_empty() || tidy(text, MAX_TEXT).is_some_and(|clean| clean == text);
        let is_sum = |sum: &str| sum.len() <= MAX_TEXT && sum.bytes().all(|b| b.is_ascii_hexdigit());
        let counts = [self.unsent, self.sent];
        counts.iter().chain(self.refused.0.values()).all(|count| *count <= MAX_COUNT)
            && is_clean(&self.agent)
            && self.broadcasts.len() <= MAX_KEYS
            && self.broadcasts.keys().all(|key| is_clean(key))
            && self.rules.as_ref().is_none_or(|rules| is_clean(&rules.revision) && is_sum(&rules.sha256))
    }

    /// Of a seat that has nothing yet.
    #[cfg(test)]
    pub fn empty() -> Self {
        Self {
            schema: super::SCHEMA,
            at: DateTime::UNIX_EPOCH,
            agent: String::new(),
            epoch: Uuid::nil(),
            rules: None,
            klb: None,
            prompters: 0,
            unsent: 0,
            sent: 0,
            refused: RefusalCounts::default(),
            broadcasts: BTreeMap::new(),
            unwritten_since: None,
            told_clock: None,
        }
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> SeatState {
        let mut refused = RefusalCounts::default();
        refused.add(Refusal::BadSignature);
        SeatState {
            schema: 1,
            at: "2026-03-02T06:05:00Z".parse().unwrap(),
            agent: "0.1.0".into(),
            epoch: Uuid::from_u128(7),
            rules: Some(RulesState { version: 5, sha256: "0a".repeat(32), revision: "Rev-7 (ülang)".into() }),
            klb: Some(KlbState { version: 7, on: true }),
            prompters: 1,
            unsent: 0,
            sent: 9,
            refused,
            broadcasts: BTreeMap::from([("klb.center".into(), KeyState { version: 7, refused: None })]),
            unwritten_since: None,
            told_clock: Some(-90),
        }
    }

    #[test]
    fn a_state_survives_serializing() {
        let state = state();
        let bytes = state.to_bytes();
        assert_eq!(SeatState::parse(&bytes), Ok(state));
        assert!(String::from_utf8(bytes).unwrap().contains("\"refused\":{\"bad-signature\":1}"));
        assert_eq!(SeatState::parse(b"{}"), Err(Refusal::Malformed));
        assert_eq!(SeatState::parse(b"{\"schema\":2,\"at\":7}"), Err(Refusal::OtherSchema));
        assert_eq!(SeatState::parse(&vec![b' '; MAX_STATE + 1]), Err(Refusal::TooLarge));
    }

    /// Attacks on the reader: overflowing sums, terminal escape sequences.
    #[test]
    fn overflowing_counts_and_unsafe_texts_are_refused() {
        let refused = |change: &dyn Fn(&mut SeatState)| {
            let mut state = state();
            change(&mut state);
            SeatState::parse(&state.to_bytes()) == Err(Refusal::Malformed)
        };
        assert!(refused(&|s| s.unsent = u64::MAX) && refused(&|s| s.sent = u64::MAX));
        assert!(refused(&|s| s.refused.0.extend([(Refusal::Old, u64::MAX)])));
        let revision = |text: &str| refused(&|s| s.rules.as_mut().unwrap().revision = text.to_owned());
        assert!(!revision("") && !revision("Rev-8"));
        for hostile in ["a\u{1b}[2J", "a\u{9b}2J", "a\u{202e}b", "a\nb", " ", &"a".repeat(MAX_TEXT + 1)] {
            assert!(revision(hostile), "{hostile:?}");
            assert!(refused(&|s| hostile.clone_into(&mut s.agent)), "{hostile:?}");
            assert!(refused(&|s| _ = s.broadcasts.insert(hostile.to_owned(), KeyState::default())), "{hostile:?}");
            assert!(refused(&|s| s.rules.as_mut().unwrap().sha256 = hostile.to_owned()), "{hostile:?}");
        }
    }
}
