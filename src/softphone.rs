//! Input from the telephone and from the fleet's agent: the local socket that `penutup call` and the agent use, and
//! baresip. Bytes in, [`crate::message::phone::PhoneEvent`]s and [`crate::message::agent::AgentEvent`]s out. Their
//! effect on a call is decided in `app`; this module knows no rules and no screen, and stores no number.

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
