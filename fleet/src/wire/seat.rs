//! What a seat says of itself, for `status`: never anything of a call.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::refusal::{Refusal, Refused};

/// The largest of them, in bytes.
pub const MAX_STATE: usize = 4 * 1024;

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
    /// From bytes. Its texts are not fit for a terminal yet.
    ///
    /// # Errors
    /// [`Refusal::TooLarge`] and [`Refusal::Malformed`].
    pub fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        if bytes.len() > MAX_STATE {
            return Err(Refusal::TooLarge);
        }
        let state: Self = serde_json::from_slice(bytes).map_err(|_| Refusal::Malformed)?;
        if state.schema == super::SCHEMA { Ok(state) } else { Err(Refusal::Malformed) }
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

    #[test]
    fn what_is_written_is_read() {
        let mut refused = Refused::default();
        refused.count(Refusal::BadSignature);
        let state = SeatState {
            schema: 1,
            at: "2026-03-02T06:05:00Z".parse().unwrap(),
            agent: "0.1.0".into(),
            epoch: Uuid::from_u128(7),
            rules: None,
            klb: Some(KlbState { version: 7, on: true }),
            prompters: 1,
            unsent: 0,
            sent: 9,
            refused,
        };
        let bytes = state.to_bytes();
        assert_eq!(SeatState::read(&bytes), Ok(state));
        assert!(String::from_utf8(bytes).unwrap().contains("\"refused\":{\"bad-signature\":1}"));
        assert_eq!(SeatState::read(b"{}"), Err(Refusal::Malformed));
        assert_eq!(SeatState::read(&vec![b' '; MAX_STATE + 1]), Err(Refusal::TooLarge));
    }
}
