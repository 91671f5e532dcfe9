//! penutup ("closing"): the exact closing that the SOP has a PLN 123 agent say for *this* call, live in a terminal.

pub mod closing;
pub mod rules;
pub mod words;
