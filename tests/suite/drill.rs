//! Practice and presentation: cards for any sound rules, graded sheets, the verbs with and without a terminal, whole
//! screens, and every option in the trainers' document.

mod cards;
mod class;
mod docs;
pub mod screens;
#[cfg(unix)]
mod sessions;
#[cfg(unix)]
mod since;
mod verbs;
