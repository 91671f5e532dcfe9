//! A closing for the centre (a call in the journal's export format with its sequence number), and what the centre asks of a seat.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::parse_json;
use super::refusal::Refusal;

/// In bytes.
pub const MAX_CLOSING: usize = 64 * 1024;

/// Its site and seat are in the subject, on which the server lets only that seat publish.
#[derive(Debug, Serialize, Deserialize)]
pub struct Closing<'a> {
    pub schema: u32,
    /// The ledger's id (`UUIDv7`): a seat that lost its ledger numbers from 1 under a new id.
    pub epoch: Uuid,
    /// The call's number, from 1; the same for every version of the call.
    pub seq: u64,
    /// As `penutup journal export` writes it.
    #[serde(borrow)]
    pub call: &'a RawValue,
}

impl<'a> Closing<'a> {
    /// Does not check the call itself.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Refusal> {
        super::check_schema(bytes, MAX_CLOSING)?;
        let closing: Self = parse_json(bytes, MAX_CLOSING)?;
        if closing.seq == 0 { Err(Refusal::Malformed) } else { Ok(closing) }
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        // Serializing this type can't fail.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// What a closing of every schema has: which number it is of which ledger, where it says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Head {
    pub schema: u32,
    pub epoch: Option<Uuid>,
    pub seq: Option<u64>,
}

impl Head {
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        parse_json(bytes, MAX_CLOSING)
    }
}

/// A message of the centre to a seat: `{"schema":1,"resend":{…}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    pub schema: u32,
    #[serde(flatten)]
    pub ask: Ask,
}

/// An agent ignores what it does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ask {
    /// Send these closings again.
    Resend(MissingRange),
    /// Number all closings anew, where this is the ledger: its numbers were given twice.
    Renew(Uuid),
    /// The seat's clock is so many seconds ahead of the server's, behind where negative; 0: it is no longer wrong.
    Clock(i64),
}

/// Sequence numbers of a seat that the centre does not have, both bounds included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingRange {
    pub epoch: Uuid,
    pub from: u64,
    pub to: u64,
}

/// The most closings of one request.
pub const MAX_RESEND: u64 = 1_000;

impl Ask {
    pub fn to_bytes(self) -> Vec<u8> {
        // Serializing this type can't fail.
        serde_json::to_vec(&Request { schema: super::SCHEMA, ask: self }).unwrap_or_default()
    }

    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let Request { schema, ask } = parse_json(bytes, 1024)?;
        let fits = match ask {
            Self::Resend(MissingRange { from, to, .. }) => from > 0 && to >= from && to - from < MAX_RESEND,
            Self::Renew(_) | Self::Clock(_) => true,
        };
        if fits && schema == super::SCHEMA { Ok(ask) } else { Err(Refusal::Malformed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closing_survives_serializing_byte_for_byte() {
        let call = RawValue::from_string("{\"id\":\"x\",  \"n\":1}".into()).unwrap();
        let closing = Closing { schema: 1, epoch: Uuid::from_u128(7), seq: 3, call: &call };
        let bytes = closing.to_bytes();
        let read = Closing::parse(&bytes).unwrap();
        assert_eq!((read.epoch, read.seq, read.call.get()), (Uuid::from_u128(7), 3, call.get()));
        let text = String::from_utf8(bytes).unwrap();
        for bad in [text.replace("\"seq\":3", "\"seq\":0"), "{".into(), "{}".into()] {
            assert_eq!(Closing::parse(bad.as_bytes()).unwrap_err(), Refusal::Malformed);
        }
        let other = text.replace("\"schema\":1", "\"schema\":9").replace("\"call\"", "\"panggilan\"");
        assert_eq!(Closing::parse(other.as_bytes()).unwrap_err(), Refusal::OtherSchema);
        let head = Head { schema: 9, epoch: Some(Uuid::from_u128(7)), seq: Some(3) };
        assert_eq!(Head::parse(other.as_bytes()), Ok(head));
        assert_eq!(Closing::parse(&vec![b' '; MAX_CLOSING + 1]).unwrap_err(), Refusal::TooLarge);
    }

    #[test]
    fn a_resend_request_is_bounded() {
        let parse = |from, to| {
            let ask = Ask::Resend(MissingRange { epoch: Uuid::from_u128(7), from, to });
            let parsed = Ask::parse(&ask.to_bytes());
            assert!(parsed.is_err() || parsed == Ok(ask));
            parsed
        };
        assert!(parse(1, 1).is_ok() && parse(1, MAX_RESEND).is_ok());
        let renew = Ask::Renew(Uuid::from_u128(7));
        assert_eq!(Ask::parse(&renew.to_bytes()), Ok(renew));
        assert_eq!(Ask::parse(br#"{"schema":1,"clock":-90}"#), Ok(Ask::Clock(-90)));
        assert_eq!(Ask::parse(br#"{"schema":1,"dance":1}"#), Err(Refusal::Malformed));
        for (from, to) in [(0, 1), (2, 1), (1, MAX_RESEND + 1), (1, u64::MAX)] {
            assert_eq!(parse(from, to), Err(Refusal::Malformed), "{from} {to}");
        }
    }
}
