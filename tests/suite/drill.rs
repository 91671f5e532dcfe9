//! Practice and presentation: cards for any sound rules, graded sheets, the verbs with and without a terminal, whole
//! screens, and every command that the trainers' document names.

mod cards;
mod docs;
mod screens;
#[cfg(unix)]
mod sessions;
mod verbs;
