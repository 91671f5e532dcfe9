//! The fleet of penutup. Past one machine two things travel: *broadcasts* (KLB, the rules) from supervisors to every
//! seat, and *closings* from every seat to a central database. Both go over NATS `JetStream`. The prompter knows nothing
//! of it: an agent on its machine connects to its local socket and reads its journal.
//!
//! ```text
//! klb, rules ──► wire (signed) ══ KV_BROADCAST ══► agent ──► disk, prompter
//! archive ◄═ CLOSINGS_<SITE> ══ wire ◄── agent ◄── journal        status ◄═ SEATS_<SITE>
//! ```
//!
//! `wire` is pure: it parses and verifies bytes and says why it refuses them, without network, disk or clock. Only `link`
//! connects to NATS, only `secret` reads keys.

pub mod agent;
pub mod archive;
pub mod beat;
mod board;
pub mod broadcast_stream;
pub mod cli;
pub mod config;
pub mod database;
pub mod error;
pub mod klb;
pub mod link;
pub mod log;
pub mod provision;
pub mod reception;
pub mod report;
pub mod rules;
pub mod seat_states;
pub mod secret;
pub mod status;
pub mod time;
pub mod wire;
pub mod words;
