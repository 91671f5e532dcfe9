//! The centre's beat. It says what the stream of broadcasts has, and carries the newest, so that thousands of seats that lost
//! their connections together need not ask for it.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::refusal::Refusal;
use super::{SCHEMA, parse_json};

/// In bytes, of all broadcasts that a beat carries, with their keys and numbers: a declaration has about 600.
pub const MAX_CARRIED: usize = 4 * 1024;
/// In bytes: what it carries, and as much again around it.
const MAX_BEAT: usize = 2 * MAX_CARRIED;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Beat<'b> {
    pub schema: u32,
    /// The stream sequence of the newest broadcast; 0: there is none.
    pub newest: u64,
    /// All broadcasts after this sequence are in `recent`.
    pub after: u64,
    /// The oldest first.
    #[serde(borrow)]
    pub recent: Vec<RecentBroadcast<'b>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RecentBroadcast<'b> {
    pub sequence: u64,
    pub key: &'b str,
    /// The signed message as it is in the stream.
    #[serde(borrow)]
    pub message: &'b RawValue,
}

impl<'b> Beat<'b> {
    pub fn to_bytes(&self) -> Vec<u8> {
        // Serializing this type can't fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// A beat without a payload says nothing of the stream, and is refused here.
    pub fn parse(bytes: &'b [u8]) -> Result<Self, Refusal> {
        let beat: Self = parse_json(bytes, MAX_BEAT)?;
        if beat.schema != SCHEMA {
            return Err(Refusal::OtherSchema);
        }
        if beat.after > beat.newest { Err(Refusal::Malformed) } else { Ok(beat) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beat_survives_formatting_and_parsing_and_a_contradictory_one_is_refused() {
        let message = RawValue::from_string(r#"{"a":"\"x\""}"#.to_owned()).unwrap();
        let recent = RecentBroadcast { sequence: 9, key: "klb.center", message: &message };
        let beat = Beat { schema: SCHEMA, newest: 9, after: 8, recent: vec![recent] };
        let bytes = beat.to_bytes();
        let parsed = Beat::parse(&bytes).unwrap();
        assert_eq!((parsed.newest, parsed.after, parsed.recent[0].message.get()), (9, 8, message.get()));
        assert_eq!(parsed.to_bytes(), bytes);
        assert_eq!(Beat::parse(b"").err(), Some(Refusal::Malformed));
        let other = Beat { schema: SCHEMA + 1, ..beat.clone() }.to_bytes();
        assert_eq!(Beat::parse(&other).err(), Some(Refusal::OtherSchema));
        let bad = Beat { newest: 7, ..beat }.to_bytes();
        assert_eq!(Beat::parse(&bad).err(), Some(Refusal::Malformed));
    }
}
