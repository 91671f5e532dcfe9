//! How long a hotkey's `penutup press` takes: the whole process with one open prompter, beside `penutup --version`, which
//! starts the same program and does nothing. Aimed at: a median of less than 5 ms on an idle machine.
//!
//! Both are run in turn, so that what else the machine does slows both down; the ratio of the medians says what a press
//! itself costs.

#[path = "support/open.rs"]
mod open;

use std::io::Write as _;
use std::time::{Duration, Instant};

use open::{Prompter, run, wait_for};

const ROUNDS: usize = 500;

fn main() {
    // `cargo test --benches` tries each benchmark once.
    let rounds = if std::env::args().any(|arg| arg == "--bench") { ROUNDS } else { 1 };
    let home = tempfile::tempdir().expect("a folder");
    let home = home.path();
    let _prompter = Prompter::open(home);
    wait_for(home, 1, || run(home, &["press"]) == Some(0));
    let (mut presses, mut starts) = (Vec::with_capacity(rounds), Vec::with_capacity(rounds));
    for round in 0..rounds {
        // The same press again, so soon, would be taken for a held key.
        let topic = ["topik=pln-mobile", "topik=lain"][round % 2];
        presses.push(timed(|| assert_eq!(run(home, &["press", "--quiet", topic]), Some(0))));
        starts.push(timed(|| assert_eq!(run(home, &["--version"]), Some(0))));
    }
    let (press, start) = (median(presses), median(starts));
    let ratio = press.as_secs_f64() / start.as_secs_f64();
    let line = format!("penutup press: median {press:.2?} of {rounds}, {ratio:.1} times --version ({start:.2?})\n");
    std::io::stdout().write_all(line.as_bytes()).expect("standard output");
}

fn timed(run: impl FnOnce()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
