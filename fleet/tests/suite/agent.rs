//! The agent on a seat, with a real server and recording prompters.

mod broadcasts;
mod closings;
mod process;

use penutup_fleet::wire::key::Key;

fn key(text: &str) -> Key {
    text.parse().expect("a key")
}
