//! The domain: what is to be said. A rules file becomes checked rules, a situation becomes a plan, a plan becomes
//! sentences. No disk, no clock, no randomness, no terminal: time and bytes come in as arguments.
//!
//! bytes → `file` (shape) → [`check()`] (names, texts, proof) → [`RuleSet`] → [`decide()`] → [`Plan`] → [`script`]

pub mod check;
pub mod decide;
pub mod diff;
pub(crate) mod file;
pub mod greeting;
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
pub use ruleset::RuleSet;

/// The SOP Rev-1, embedded: with no file of one's own, and when every other fails, this is what is said.
pub const BUILT_IN: &str = include_str!("../config/rules.toml");
