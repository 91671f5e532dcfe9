//! The fleet of penutup: past one machine two things travel, *broadcasts* (KLB, the rules) from supervisors to every
//! seat and *closings* from every seat to a central database. NATS `JetStream` carries them; the prompter itself knows
//! nothing of it and gains nothing from it but a local socket that an agent speaks to.
//!
//! ```text
//! klb, rules ──► wire (signed) ══ KV_BROADCAST ══► agent ──► disk, prompter
//! archive ◄═ CLOSINGS_<SITE> ══ wire ◄── agent ◄── journal        status ◄═ SEATS_<SITE>
//! ```
//!
//! `wire` is pure: bytes in, what they mean out, and why not. It knows no network, no disk and no clock. `link` is the
//! only place that makes a connection to NATS, `secret` the only one that reads a seed.

pub mod agent;
pub mod archive;
pub mod broadcast_stream;
pub mod cli;
pub mod config;
pub mod database;
pub mod error;
pub mod klb;
pub mod link;
pub mod provision;
pub mod report;
pub mod rules;
pub mod seat_states;
pub mod secret;
pub mod status;
pub mod time;
pub mod wire;
pub mod words;
