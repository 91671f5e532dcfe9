//! Telephones that the prompter listens to by itself: baresip. What `penutup call` and the fleet's agent send comes over the
//! local socket ([`penutup_ipc`]).

pub mod baresip;
pub mod netstring;
