//! The agent on a seat, with a real server and recording prompters.

mod broadcasts;
mod closings;
mod process;
#[cfg(target_os = "linux")]
mod starting;

use penutup_fleet::wire::key::Key;

fn key(text: &str) -> Key {
    text.parse().expect("a key")
}
