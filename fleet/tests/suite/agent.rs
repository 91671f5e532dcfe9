//! The agent as it runs on a seat: against a real server, with prompters that keep what they are told.

mod broadcasts;
mod closings;
mod process;

use penutup_fleet::wire::key::Key;

/// A key.
fn key(text: &str) -> Key {
    text.parse().expect("a key")
}
