//! A closing on its way to the centre: a line of the journal's export form, and which of the seat's it is.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::refusal::Refusal;

/// The largest closing, in bytes.
pub const MAX_CLOSING: usize = 64 * 1024;

/// A closing. Which site and seat it is of, the subject says, which the server lets nobody else speak on.
#[derive(Debug, Serialize, Deserialize)]
pub struct Closing<'a> {
    /// The form.
    pub schema: u32,
    /// The ledger's id (`UUIDv7`): a seat that lost its ledger counts anew under a new one.
    pub epoch: Uuid,
    /// Which of the seat's calls it is, from 1; the same however often and in whichever version it is sent.
    pub seq: u64,
    /// The call, as `penutup journal export` writes it.
    #[serde(borrow)]
    pub call: &'a RawValue,
}

impl<'a> Closing<'a> {
    /// From bytes. What stands in the call is checked by whoever reads it.
    ///
    /// # Errors
    /// [`Refusal::TooLarge`] and [`Refusal::Malformed`].
    pub fn read(bytes: &'a [u8]) -> Result<Self, Refusal> {
        if bytes.len() > MAX_CLOSING {
            return Err(Refusal::TooLarge);
        }
        let closing: Self = serde_json::from_slice(bytes).map_err(|_| Refusal::Malformed)?;
        if closing.schema != super::SCHEMA || closing.seq == 0 { Err(Refusal::Malformed) } else { Ok(closing) }
    }

    /// As it travels.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // This type always can be written; nothing would be refused as malformed.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// What a seat is asked: to send these again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// The form.
    pub schema: u32,
    /// Which are missing.
    pub resend: Missing,
}

/// Closings of a seat that the centre does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// The ledger's id.
    pub epoch: Uuid,
    /// The first.
    pub from: u64,
    /// The last.
    pub to: u64,
}

/// The most that is sent again for one asking.
pub const MOST_AGAIN: u64 = 1_000;

impl Ask {
    /// From bytes.
    ///
    /// # Errors
    /// [`Refusal::TooLarge`] and [`Refusal::Malformed`].
    pub fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        if bytes.len() > 1024 {
            return Err(Refusal::TooLarge);
        }
        let ask: Self = serde_json::from_slice(bytes).map_err(|_| Refusal::Malformed)?;
        let Missing { from, to, .. } = ask.resend;
        let fits = ask.schema == super::SCHEMA && from > 0 && to >= from && to - from < MOST_AGAIN;
        if fits { Ok(ask) } else { Err(Refusal::Malformed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_byte_for_byte() {
        let call = RawValue::from_string("{\"id\":\"x\",  \"n\":1}".into()).unwrap();
        let closing = Closing { schema: 1, epoch: Uuid::from_u128(7), seq: 3, call: &call };
        let bytes = closing.to_bytes();
        let read = Closing::read(&bytes).unwrap();
        assert_eq!((read.epoch, read.seq, read.call.get()), (Uuid::from_u128(7), 3, call.get()));
        let text = String::from_utf8(bytes).unwrap();
        for bad in [text.replace("\"seq\":3", "\"seq\":0"), text.replace("\"schema\":1", "\"schema\":9"), "{".into()] {
            assert_eq!(Closing::read(bad.as_bytes()).unwrap_err(), Refusal::Malformed);
        }
        assert_eq!(Closing::read(&vec![b' '; MAX_CLOSING + 1]).unwrap_err(), Refusal::TooLarge);
    }

    #[test]
    fn nobody_is_asked_for_everything() {
        let ask = |from, to| {
            let resend = Missing { epoch: Uuid::from_u128(7), from, to };
            Ask::read(&serde_json::to_vec(&Ask { schema: 1, resend }).unwrap())
        };
        assert!(ask(1, 1).is_ok() && ask(1, MOST_AGAIN).is_ok());
        for (from, to) in [(0, 1), (2, 1), (1, MOST_AGAIN + 1), (1, u64::MAX)] {
            assert_eq!(ask(from, to), Err(Refusal::Malformed), "{from} {to}");
        }
    }
}
