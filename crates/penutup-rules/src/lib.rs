//! The closing rules of a contact centre, and the closing of one call.
//!
//! A rules file (TOML) becomes a [`RuleSet`] only if it is proved: exactly one rule matches every situation, every duty in
//! the file is satisfied, every text can be spoken. [`decide()`] then finds the rule of a situation in nanoseconds, and
//! [`script`] renders its sentences. [`closing::Closing`] is the state of one call: facts, fields, spoken sentences, undo.
//!
//! bytes → `file` (parse) → [`check()`] (ids, texts, proof) → [`RuleSet`] → [`decide()`] → [`Plan`] → [`script`]
//!
//! The crate is pure: no disk, clock, network, randomness, terminal or message texts. Time and bytes are arguments;
//! problems are data ([`Problem`]).
//!
//! # Example
//! ```
//! use chrono::{NaiveDate, NaiveTime};
//! use penutup_rules::{BUILT_IN, Situation, check, decide, script};
//!
//! let today = NaiveDate::from_ymd_opt(2026, 11, 29).unwrap();
//! let rules = check(BUILT_IN.as_bytes(), today).rules.expect("the built-in SOP is valid");
//!
//! // In an emergency, Campaign Integritas is left out.
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

/// The embedded SOP Rev-1, used without a rules file and when no other can be loaded.
pub const BUILT_IN: &str = include_str!("../../../config/rules.toml");
