//! Practice and presentation: generating cards, grading answers, playing scenes. Pure: no disk, no clock, no terminal.
//! Stories are passed in as bytes, rules checked, randomness as a seed and time as an argument.
//!
//! stories + rules → [`generate`] → [`card::Card`]s → [`session::Session`] (the prompter's own state inside) →
//! [`grade`] → [`sheet::Sheet`]; deck + rules → [`captions`] → [`show::Show`].

pub mod captions;
pub mod card;
pub mod class;
pub mod deck;
pub mod generate;
pub mod grade;
pub mod keys;
pub mod rng;
pub mod session;
pub mod sheet;
pub mod show;
pub mod since;
pub mod story;
pub mod texts;
pub mod threshold;
