//! Shutdown: flushes state and journal, and reports what could not be saved once the screen is gone.

use std::io::Write as _;
use std::time::{Duration, Instant};

use super::Log;
use super::workers::{StateThread, unsaved_line};
use crate::diagnostics;
use crate::files::deadline::within;
use crate::journal::writer::Writer;
use crate::words::Words;

/// The longest that a hanging disk may delay the exit.
const SHUTDOWN_GRACE: Duration = Duration::from_millis(1500);
/// The longest that a terminal which does not read may delay it.
const REPORT_TIMEOUT: Duration = Duration::from_millis(500);

/// Flushes state and journal. Returns a line for each that could not be written.
pub(super) fn finish(state_thread: Option<StateThread>, journal: Option<Writer>, words: &Words) -> Vec<String> {
    let end = Instant::now() + SHUTDOWN_GRACE;
    let left = || end.saturating_duration_since(Instant::now());
    // Both write at the same time.
    let journal = journal.map(Writer::start_finishing);
    let state = state_thread.and_then(|thread| thread.finish(left()).err());
    let journal = journal.and_then(|journal| diagnostics::journal::finish(&journal.wait(left()), words));
    state.map(|unsaved| unsaved_line(&unsaved, words)).into_iter().chain(journal).collect()
}

/// Prints these lines on the terminal and in the log.
pub(super) fn report(lines: Vec<String>, log: Log) {
    if lines.is_empty() {
        return;
    }
    let _ = within(REPORT_TIMEOUT, move || {
        let mut text = String::new();
        for line in &lines {
            text.push_str("penutup: ");
            text.push_str(line);
            text.push('\n');
        }
        // A failure can't be reported anywhere.
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
        for line in &lines {
            log(line);
        }
    });
}
