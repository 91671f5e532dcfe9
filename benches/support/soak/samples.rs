//! What must stay the same through a shift: memory, descriptors, threads, the journal's size for each call, and how long a key
//! takes, each sampled between two calls.

use std::fs;
use std::io::{self, Write as _};
use std::thread;
use std::time::{Duration, Instant};

use super::seat::Seat;
use super::term::Term;

/// How much more may be there at the end than at the beginning; of memory, than after a quarter, when the caches are full.
const MORE_MEMORY: u64 = 2048;
const MORE_DESCRIPTORS: u64 = 2;
const MORE_THREADS: u64 = 1;
/// How many times as long as in a prompter that was just opened a key may take at the end.
const LONGER: f64 = 1.5;
/// Before each timed key, so that it comes to a program at rest.
const BEFORE_KEY: Duration = Duration::from_millis(30);

#[derive(Debug)]
pub struct Sample {
    pub calls: usize,
    /// Anonymous memory in kB.
    memory: u64,
    descriptors: u64,
    threads: u64,
    bytes_a_call: u64,
    /// The median from a key to the first byte of the frame with its effect, here and in a prompter that was just opened.
    key: Duration,
    fresh_key: Duration,
}

impl Sample {
    /// Samples a prompter between two calls. Keys are timed in turn with another one's, so that what else the machine does slows
    /// both down.
    pub fn of(calls: usize, term: &mut Term, seat: &Seat, rounds: usize) -> Self {
        let pid = term.pid();
        let count = |folder: &str| fs::read_dir(format!("/proc/{pid}/{folder}")).map_or(0, Iterator::count) as u64;
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).expect("its memory");
        let anonymous = rollup.lines().find_map(|line| line.strip_prefix("Anonymous:")).expect("its anonymous memory");
        let memory = anonymous.split_whitespace().next().and_then(|kb| kb.parse().ok()).expect("a number");
        let (descriptors, threads, bytes_a_call) = (count("fd"), count("task"), seat.bytes_a_call());
        let home = tempfile::tempdir().expect("a folder");
        let mut command = seat.command(&[]);
        for (name, folder) in
            [("XDG_CONFIG_HOME", "c"), ("XDG_RUNTIME_DIR", "r"), ("XDG_STATE_HOME", "s"), ("XDG_DATA_HOME", "d")]
        {
            command.env(name, home.path().join(folder));
        }
        let mut fresh = Term::start(&command);
        fresh.shows("daftar tombol").wait_until_handled();
        let (mut own, mut other) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            for (key, shown) in [("m", "▐PLN Mobile▌"), ("\x7f", "▐di luar PLN Mobile▌")] {
                own.push(timed(term, key, shown));
                other.push(timed(&mut fresh, key, shown));
            }
        }
        fresh.quits();
        Self { calls, memory, descriptors, threads, bytes_a_call, key: median(own), fresh_key: median(other) }
    }

    fn ratio(&self) -> f64 {
        self.key.as_secs_f64() / self.fresh_key.as_secs_f64()
    }
}

fn timed(term: &mut Term, key: &str, shown: &str) -> Duration {
    thread::sleep(BEFORE_KEY);
    let begin = Instant::now();
    term.send_at_once(key);
    term.when(shown, |screen| screen.contents().contains(shown)) - begin
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Prints a seat's samples. Returns what grew too much.
pub fn print(seat: &str, samples: &[Sample]) -> Vec<String> {
    let row = |what: &str, value: &dyn Fn(&Sample) -> String| {
        let cells: Vec<String> = samples.iter().map(|sample| format!("{:>12}", value(sample))).collect();
        format!("{what:<32}{}\n", cells.concat())
    };
    let ms = |time: Duration| format!("{:.3}", time.as_secs_f64() * 1000.0);
    let text = [
        format!("\n{seat:<32}{:>12}{:>12}{:>12}{:>12}\n", "begin", "quarter", "half", "end"),
        row("calls", &|s| s.calls.to_string()),
        row("anonymous memory, kB", &|s| s.memory.to_string()),
        row("file descriptors", &|s| s.descriptors.to_string()),
        row("threads", &|s| s.threads.to_string()),
        row("journal and its log, bytes/call", &|s| s.bytes_a_call.to_string()),
        row("key, ms", &|s| ms(s.key)),
        row("key of one just opened, ms", &|s| ms(s.fresh_key)),
        row("ratio", &|s| format!("{:.2}", s.ratio())),
    ]
    .concat();
    say(&text);
    let [begin, quarter, .., end] = samples else { return Vec::new() };
    let grown = [
        ("anonymous memory", quarter.memory + MORE_MEMORY < end.memory),
        ("file descriptors", begin.descriptors + MORE_DESCRIPTORS < end.descriptors),
        ("threads", begin.threads + MORE_THREADS < end.threads),
        ("the time of a key", LONGER < end.ratio()),
    ];
    grown.into_iter().filter(|(_, is_too_much)| *is_too_much).map(|(what, _)| format!("{seat}: {what} grew")).collect()
}

/// Prints at once.
pub fn say(text: &str) {
    let mut out = io::stdout();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
