//! What reaches the prompter from the telephone and from the fleet's agent: the local socket that `penutup call` and the
//! agent speak to, and baresip. Bytes in, [`crate::action::phone::PhoneEvent`]s and
//! [`crate::action::agent::AgentEvent`]s out. What they do to a call is `app`'s business; nothing here knows the rules,
//! the screen, or keeps a number.

pub mod agent;
pub mod baresip;
pub mod client;
pub mod message;
pub mod netstring;
mod pipe;
pub mod place;
pub mod socket;
