//! What crosses the network: names, subjects, signed broadcasts, closings, what a seat says of itself. Bytes in and out;
//! everything from outside is parsed once, here, into types that can't be wrong, or refused with a reason that is counted.

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

/// The version of every form in here.
pub const SCHEMA: u32 = 1;
