//! Runs the seats at once, and judges.

mod book;
#[expect(dead_code, reason = "the journal's benchmark uses the rest")]
#[path = "../calls.rs"]
mod calls;
mod clock;
#[expect(dead_code, reason = "the tests use the rest")]
#[path = "../../../tests/suite/support/disk.rs"]
mod disk;
mod driver;
mod keyboard;
mod samples;
mod seat;
#[expect(dead_code, reason = "the tests use the rest")]
#[path = "../../../tests/suite/support/term.rs"]
mod term;

use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use clock::Clock;
use disk::Disk;
use driver::{Driver, Plan};
use samples::{Sample, print, say};
use seat::Seat;

/// Calls in a minute: 5,000 in an hour.
const A_MINUTE: f64 = 5000.0 / 60.0;
/// Calls where nothing is judged.
const FEW: usize = 12;

struct Args {
    is_bench: bool,
    minutes: f64,
    program: PathBuf,
    seat: Option<String>,
}

impl Args {
    fn read() -> Self {
        let program = PathBuf::from(env!("CARGO_BIN_EXE_penutup"));
        let mut read = Self { is_bench: false, minutes: 60.0, program, seat: None };
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--bench" => read.is_bench = true,
                "--minutes" => read.minutes = args.next().and_then(|n| n.parse().ok()).expect("a number of minutes"),
                "--program" => read.program = args.next().expect("a path").into(),
                "--seat" => read.seat = Some(args.next().expect("a seat's name")),
                // Cargo passes a test's options on.
                _ => {}
            }
        }
        read
    }

    fn plan(&self) -> (Plan, u64) {
        if !self.is_bench {
            return (Plan { calls: FEW, time: Duration::ZERO, rounds: 3 }, 100);
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small number above zero")]
        let calls = (self.minutes * A_MINUTE) as usize;
        (Plan { calls: calls.max(FEW), time: Duration::from_secs_f64(self.minutes * 60.0), rounds: 60 }, 5000)
    }
}

pub fn main() -> ExitCode {
    let args = Args::read();
    let (plan, earlier) = args.plan();
    let mut seats = vec![("plain", None, None)];
    match Disk::of(96) {
        Some(disk) => seats.push(("full-disk", Some(disk), None)),
        None => say("SKIPPED the disk that fills up: no disk can be mounted here (not root)\n"),
    }
    match Clock::find() {
        Some(clock) => seats.push(("set-clock", None, Some(clock))),
        None => say("SKIPPED the clock that is set: no libfaketimeMT.so.1 below /usr/lib\n"),
    }
    seats.retain(|(name, ..)| args.seat.as_ref().is_none_or(|seat| seat == name));
    assert!(!seats.is_empty(), "no seat of this name can be run here");
    let threads: Vec<_> = (1..)
        .zip(seats)
        .map(|(seed, (name, disk, clock))| {
            let program = args.program.clone();
            let take = move || -> Vec<Sample> {
                let mut seat = Seat::new(&program, disk, clock);
                seat.fill_journal(earlier);
                Driver::new(&seat, plan, seed).run()
            };
            (name, thread::Builder::new().name(name.into()).spawn(take).expect("a thread"))
        })
        .collect();
    let mut faults = Vec::new();
    for (name, thread) in threads {
        match thread.join() {
            Ok(samples) => faults.extend(print(name, &samples)),
            Err(_) => faults.push(format!("{name}: see above")),
        }
    }
    // A few calls in a moment say nothing about a shift.
    faults.retain(|fault| args.is_bench || fault.ends_with("see above"));
    for fault in &faults {
        say(&format!("FAILED {fault}\n"));
    }
    if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
