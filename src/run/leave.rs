//! Leaving: the last is written, and what could not be kept is told on the terminal when the screen is gone.

use std::io::Write as _;
use std::time::{Duration, Instant};

use super::Log;
use super::keep::{Keeping, unkept_line};
use crate::files::deadline::within;
use crate::journal::writer::Writer;
use crate::tell as diagnostics;
use crate::words::Words;

/// A disk that hangs must not hold the window open longer than this.
const LAST_WORDS: Duration = Duration::from_millis(1500);
/// Nor a terminal that does not read.
const LAST_LINES: Duration = Duration::from_millis(500);

/// Has state and journal written, and answers what could not be, a line each.
pub(super) fn finish(keeper: Option<Keeping>, journal: Option<Writer>, words: &Words) -> Vec<String> {
    let end = Instant::now() + LAST_WORDS;
    let left = || end.saturating_duration_since(Instant::now());
    // Both write at once.
    let journal = journal.map(Writer::begin_to_finish);
    let state = keeper.and_then(|keeper| keeper.finish(left()).err());
    let journal = journal.and_then(|journal| diagnostics::journal::finish(&journal.wait(left()), words));
    state.map(|unkept| unkept_line(&unkept, words)).into_iter().chain(journal).collect()
}

/// Tells these lines on the terminal and in the log. Neither is waited for longer than a moment.
pub(super) fn tell(lines: Vec<String>, log: Log) {
    if lines.is_empty() {
        return;
    }
    let _ = within(LAST_LINES, move || {
        let mut text = String::new();
        for line in &lines {
            text.push_str("penutup: ");
            text.push_str(line);
            text.push('\n');
        }
        // There is nobody left to tell if this fails.
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
        for line in &lines {
            log(line);
        }
    });
}
