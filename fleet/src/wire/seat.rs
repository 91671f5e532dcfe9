//! What a seat says of itself, for `status`: never anything of a call.

use chrono::{DateTime, Utc};
use penutup::broadcast::tidy;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::refusal::{Refusal, Refused};

/// The largest of them, in bytes.
pub const MAX_STATE: usize = 4 * 1024;

/// The most that is believed of any count: thousands of seats are added up.
const MOST: u64 = u32::MAX as u64;
/// The longest text in it, in graphemes.
pub const LONGEST: usize = 64;

/// How a seat is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatState {
    /// The form.
    pub schema: u32,
    /// When it said so, by its own clock.
    pub at: DateTime<Utc>,
    /// The agent's version.
    pub agent: String,
    /// The ledger's id.
    pub epoch: Uuid,
    /// The centre's rules that it has; `None` where it runs on others.
    pub rules: Option<RulesState>,
    /// The KLB that holds for it; `None` where nobody declared any yet.
    pub klb: Option<KlbState>,
    /// How many prompters it speaks to.
    pub prompters: u32,
    /// How many closings wait to be sent.
    pub unsent: u64,
    /// The highest number of a closing that is on its way.
    pub sent: u64,
    /// What it refused since it began.
    pub refused: Refused,
}

/// The centre's rules on a seat.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RulesState {
    /// Their version.
    pub version: u64,
    /// Their sum.
    pub sha256: String,
    /// Their revision, as the file calls it.
    pub revision: String,
}

/// The KLB that holds for a seat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KlbState {
    /// The version of the effective declaration.
    pub version: u64,
    /// Whether it is on.
    pub on: bool,
}

impl SeatState {
    /// From bytes. A seat is anybody who holds its key: its counts can be added up and its texts shown, or it is refused.
    ///
    /// # Errors
    /// [`Refusal::TooLarge`] and [`Refusal::Malformed`].
    pub fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        if bytes.len() > MAX_STATE {
            return Err(Refusal::TooLarge);
        }
        let state: Self = serde_json::from_slice(bytes).map_err(|_| Refusal::Malformed)?;
        if state.schema == super::SCHEMA && state.is_sound() { Ok(state) } else { Err(Refusal::Malformed) }
    }

    fn is_sound(&self) -> bool {
        let is_fit = |text: &str| text.is_empty() || tidy(text, LONGEST).is_some_and(|fit| fit == text);
        let is_sum = |sum: &str| sum.len() <= LONGEST && sum.bytes().all(|b| b.is_ascii_hexdigit());
        let counts = [self.unsent, self.sent];
        counts.iter().chain(self.refused.0.values()).all(|count| *count <= MOST)
            && is_fit(&self.agent)
            && self.rules.as_ref().is_none_or(|rules| is_fit(&rules.revision) && is_sum(&rules.sha256))
    }

    /// As it travels.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> SeatState {
        let mut refused = Refused::default();
        refused.count(Refusal::BadSignature);
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
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let state = state();
        let bytes = state.to_bytes();
        assert_eq!(SeatState::read(&bytes), Ok(state));
        assert!(String::from_utf8(bytes).unwrap().contains("\"refused\":{\"bad-signature\":1}"));
        assert_eq!(SeatState::read(b"{}"), Err(Refusal::Malformed));
        assert_eq!(SeatState::read(&vec![b' '; MAX_STATE + 1]), Err(Refusal::TooLarge));
    }

    /// What a seat would have whoever looks believe: sums that run over, a terminal that obeys it.
    #[test]
    fn what_can_not_be_added_up_or_shown_is_refused() {
        let refused = |change: &dyn Fn(&mut SeatState)| {
            let mut state = state();
            change(&mut state);
            SeatState::read(&state.to_bytes()) == Err(Refusal::Malformed)
        };
        assert!(refused(&|s| s.unsent = u64::MAX) && refused(&|s| s.sent = u64::MAX));
        assert!(refused(&|s| s.refused.0.extend([(Refusal::Old, u64::MAX)])));
        let revision = |text: &str| refused(&|s| s.rules.as_mut().unwrap().revision = text.to_owned());
        assert!(!revision("") && !revision("Rev-8"));
        for hostile in ["a\u{1b}[2J", "a\u{9b}2J", "a\u{202e}b", "a\nb", " ", &"a".repeat(LONGEST + 1)] {
            assert!(revision(hostile), "{hostile:?}");
            assert!(refused(&|s| hostile.clone_into(&mut s.agent)), "{hostile:?}");
            assert!(refused(&|s| s.rules.as_mut().unwrap().sha256 = hostile.to_owned()), "{hostile:?}");
        }
    }
}
