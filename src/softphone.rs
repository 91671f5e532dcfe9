//! What reaches the prompter from the telephone: the local socket that `penutup call` speaks to (and, later, the fleet's
//! agent), and baresip. Bytes in, [`crate::action::phone::PhoneEvent`]s out. What they do to a call is `app`'s business;
//! nothing here knows the rules, the screen, or keeps a number.

pub mod baresip;
pub mod client;
pub mod message;
pub mod netstring;
mod pipe;
pub mod place;
pub mod socket;
