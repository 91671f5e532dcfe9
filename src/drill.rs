//! Practice and presentation: cards for situations, how an answer is graded, what a class is shown. Pure: no disk, no
//! clock, no terminal; stories and rules come in as bytes and checked rules, chance as a seed, time as an argument.
//!
//! stories + rules → [`generate`] → [`card::Card`]s → [`session::Session`] (the prompter's own state inside) → [`grade`] →
//! [`sheet::Sheet`]; deck + rules → [`captions`] → [`show::Show`].

pub mod captions;
pub mod card;
pub mod deck;
pub mod generate;
pub mod grade;
pub mod keys;
pub mod rng;
pub mod session;
pub mod sheet;
pub mod show;
pub mod story;
