//! What reaches the prompter from the telephone and from the fleet's agent: the local socket that `penutup call` and the
//! agent speak to, and baresip. Bytes in, [`crate::message::phone::PhoneEvent`]s and
//! [`crate::message::agent::AgentEvent`]s out. What they do to a call is `app`'s business; nothing here knows the rules,
//! the screen, or keeps a number.

pub mod agent;
mod agents;
pub mod baresip;
pub mod client;
mod connections;
pub mod message;
pub mod netstring;
#[cfg(unix)]
mod owner;
mod pace;
mod pipe;
pub mod place;
#[cfg(unix)]
mod short;
pub mod socket;
