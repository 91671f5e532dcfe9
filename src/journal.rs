//! The journal: what was said, what was left out, and why. Personal data has no place in it.

pub mod record;
