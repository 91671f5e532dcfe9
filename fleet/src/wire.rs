//! The wire formats: names, subjects, signed broadcasts, closings, seat states. Everything from outside is parsed here
//! into valid types, or refused with a reason that is counted.

use serde::Deserialize;

use refusal::Refusal;

pub mod beat;
pub mod closing;
pub mod envelope;
pub mod key;
pub mod name;
pub mod refusal;
pub mod seat;
pub mod subject;
#[cfg(test)]
pub(crate) mod testing;
pub mod trust;

/// The schema version of every format here.
pub const SCHEMA: u32 = 1;

/// Refuses a message of another schema, whatever else is in it.
fn check_schema(bytes: &[u8], max: usize) -> Result<(), Refusal> {
    #[derive(Deserialize)]
    struct Head {
        schema: u32,
    }
    let Head { schema } = parse_json(bytes, max)?;
    if schema == SCHEMA { Ok(()) } else { Err(Refusal::OtherSchema) }
}

/// Parses JSON of at most `max` bytes.
fn parse_json<'a, T: Deserialize<'a>>(bytes: &'a [u8], max: usize) -> Result<T, Refusal> {
    if bytes.len() > max {
        return Err(Refusal::TooLarge);
    }
    serde_json::from_slice(bytes).map_err(|_| Refusal::Malformed)
}
