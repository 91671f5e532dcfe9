//! The closing rules of a contact centre, and the closing of one call.
//!
//! A rules file (TOML) becomes a [`RuleSet`] only if it is proved: every situation has exactly one answer, every duty that
//! the file names is kept, every text can be spoken. [`decide()`] then answers a situation in nanoseconds, and
//! [`script`] turns the answer into sentences. [`closing::Closing`] is the state of one call: what was said, what was set,
//! and how it is undone.
//!
//! bytes → `file` (shape) → [`check()`] (names, texts, proof) → [`RuleSet`] → [`decide()`] → [`Plan`] → [`script`]
//!
//! The crate is pure. It must not know a disk, a clock, a network, randomness, a terminal or a language of messages: time
//! and bytes are arguments, problems are data ([`Problem`]).
//!
//! # Example
//! ```
//! use chrono::{NaiveDate, NaiveTime};
//! use penutup_rules::{BUILT_IN, Situation, check, decide, script};
//!
//! let today = NaiveDate::from_ymd_opt(2026, 11, 29).unwrap();
//! let rules = check(BUILT_IN.as_bytes(), today).rules.expect("the built-in SOP is valid");
//!
//! // An emergency: Campaign Integritas is not said.
//! let klb = rules.facts.iter().position(|fact| fact.id == "klb").unwrap();
//! let mut situation = Situation::default_of(&rules);
//! situation.set(&rules, klb, 1);
//! let plan = decide(&rules, &situation);
//!
//! let greeting = rules.greetings.word(NaiveTime::from_hms_opt(14, 20, 0).unwrap());
//! let fields = script::Fields::default_of(&rules);
//! let spoken = script::script(&rules, plan, &fields, greeting).to_string();
//! assert!(spoken.starts_with("Agar semua makin mudah"));
//! assert!(spoken.ends_with("selamat siang Bapak/Ibu"), "{spoken}");
//! ```

pub mod change;
pub mod check;
pub mod closing;
pub mod decide;
pub mod declaration;
pub mod diff;
pub(crate) mod file;
pub mod greeting;
pub mod limits;
pub mod loaded;
pub mod problem;
pub(crate) mod proof;
pub mod ruleset;
pub mod script;
pub mod shape;
pub mod space;
pub mod table;
pub mod text;

pub use check::{Report, check};
pub use decide::{Plan, Situation, decide};
pub use problem::Problem;
pub use proof::conditions;
pub use ruleset::RuleSet;

/// The SOP Rev-1, embedded: with no file of one's own, and when every other fails, this is what is said.
pub const BUILT_IN: &str = include_str!("../../../config/rules.toml");
