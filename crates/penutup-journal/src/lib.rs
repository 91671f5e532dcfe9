//! The journal: how each call was closed, what was left out, and why. A [`record::Record`] has no field for personal data,
//! and nothing else is stored.
//!
//! ```text
//! Record ─► writer ─► store ─► journal.db ─► read ─► ReportBuilder ─► Report
//!           (thread)  (SQLite)               ├─► export ─► JSON Lines ─► merge ─► ReportBuilder
//!                                            └─► the fleet's agent
//! ```
//!
//! The crate knows a disk and a clock. It must not know a prompter, a terminal or a language of messages: errors are data
//! ([`trouble::Error`]).
//!
//! # Example
//! ```
//! use chrono::{FixedOffset, TimeDelta, Utc};
//! use penutup_journal::record::Record;
//! use penutup_journal::report::{By, ReportBuilder, Teams};
//! use penutup_journal::summary::{CallSummary, Interner};
//! use penutup_rules::closing::ending::{Ending, Outcome};
//!
//! let start = Utc::now();
//! let outcome = Outcome::Ended(Ending::CustomerLeft);
//! let record = Record { start, end: Some((start + TimeDelta::seconds(30), outcome)), ..Record::default() };
//!
//! let mut texts = Interner::default();
//! let mut builder = ReportBuilder::new(FixedOffset::east_opt(7 * 3600).unwrap(), By::Overview);
//! builder.add(&CallSummary::of(&record, &mut texts).unwrap());
//! let report = builder.report(&texts, &Teams::default());
//! assert_eq!(report.total.closings, 1);
//! assert_eq!(report.total.outcomes(), [(outcome, 1)]);
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
