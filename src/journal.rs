//! The journal: what was said, what was left out, and why. Without personal data: a [`record::Record`] has no field for
//! any, and nothing else is stored. Knows disk and clock; no terminal, no rules, no prompter.
//!
//! ```text
//! App ─ Record ─► writer ─► store ─► journal.db ─► read ─► Fold ─► Report
//!                 (thread)  (SQLite)               │
//!                                                  ├─► export ─► JSON Lines ─► merge ─► Fold
//!                                                  └─► the fleet's agent
//! ```

mod aside;
pub mod export;
pub mod merge;
pub mod presence;
pub mod read;
pub mod record;
pub mod report;
pub mod schema;
pub mod spill;
pub mod store;
pub mod summary;
pub mod trouble;
pub mod writer;
