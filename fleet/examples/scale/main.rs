//! How the fleet behaves with many seats: a flip of KLB to the last seat, a storm of all seats after a restart of the
//! server, closings a second into the stream, what one seat's verifying costs, and a real agent that has nothing to do.
//! Everything runs on this machine, seats and server on the same cores; the figures say so.
//!
//! ```sh
//! cargo run --release -p penutup-fleet --example scale -- --seats 1000,5000,10000 --flips 10
//! ```
//!
//! A simulated seat is a real connection with a key, permissions and an inbox of its own, which listens and asks as the
//! agent does; only the verifying is left out, which on a real seat is that seat's own work and is reported apart.

mod agent;
mod closings;
mod figures;
mod seats;
mod stage;

use std::error::Error;
use std::io::Write as _;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use figures::Spread;
use seats::Seats;
use stage::Stage;

/// Whatever stops a measurement.
pub type Stop = Box<dyn Error>;

/// What to measure.
struct Asked {
    seats: Vec<usize>,
    flips: usize,
    tls: bool,
    seconds: u64,
}

fn main() -> Result<(), Stop> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    // The children are this same program.
    match args.first().map(String::as_str) {
        Some("seats") => return seats::child(&args[1..]),
        Some("closings") => return closings::child(&args[1..]),
        _ => {}
    }
    let asked = Asked::parse(&args)?;
    let Some(binary) = stage::installed() else {
        say("SKIPPED: nats-server is not installed here");
        return Ok(());
    };
    say(&format!(
        "{} · {} cores, shared by the server and all seats · {}",
        stage::version(&binary),
        std::thread::available_parallelism()?,
        if asked.tls { "TLS" } else { "no TLS" }
    ));
    say(&format!("one seat's verifying: {}", figures::verifying()?));
    for &count in &asked.seats {
        measure(&asked, count, &binary)?;
    }
    Ok(())
}

impl Asked {
    fn parse(args: &[String]) -> Result<Self, Stop> {
        let mut asked = Self { seats: vec![1_000, 5_000, 10_000], flips: 10, tls: false, seconds: 5 };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
            match arg.as_str() {
                "--seats" => asked.seats = value()?.split(',').map(str::parse).collect::<Result<_, _>>()?,
                "--flips" => asked.flips = value()?.parse()?,
                "--seconds" => asked.seconds = value()?.parse()?,
                "--tls" => asked.tls = true,
                // Cargo's own, when it runs everything that can be run.
                "--bench" => {}
                other => return Err(format!("{other}: --seats N,N,… --flips N --seconds N --tls").into()),
            }
        }
        Ok(asked)
    }
}

fn measure(asked: &Asked, count: usize, binary: &std::path::Path) -> Result<(), Stop> {
    say(&format!("\n== {count} seats"));
    let mut stage = Stage::start(binary, count, asked.tls)?;
    let begun = Instant::now();
    let mut seats = match Seats::start(&stage, count) {
        Ok(seats) => seats,
        // Where the system lets a process have fewer files than there are seats.
        Err(stop) => {
            say(&format!("SKIPPED {count} seats: {stop}"));
            return Ok(());
        }
    };
    say(&format!("all connected, listening, current: {:.1} s after the first began", begun.elapsed().as_secs_f64()));
    let mut flips = Vec::new();
    let mut all = Vec::new();
    for flip in 0..=asked.flips {
        let (version, put) = stage.put()?;
        let came = seats.came(version, Duration::from_secs(30))?;
        let late: Vec<u64> = came.iter().map(|at| at.saturating_sub(put)).collect();
        // The first warms everything up.
        if flip > 0 {
            flips.push(late.iter().copied().max().unwrap_or_default());
            all.extend(late);
        }
    }
    say(&format!("put → a seat, over {} flips: {}", asked.flips, Spread::of(&mut all)));
    say(&format!("put → the last seat:       {}", Spread::of(&mut flips)));
    storm(&mut stage, &mut seats)?;
    drop(seats);
    closings::measure(&stage, asked.seconds)?;
    if let Ok(peak) = agent::peak(stage.server()) {
        say(&format!("the server: {peak:.0} MB at the most since its restart"));
    }
    agent::measure(&stage)
}

/// The server dies and comes back; a new declaration is put as soon as somebody can.
fn storm(stage: &mut Stage, seats: &mut Seats) -> Result<(), Stop> {
    stage.kill()?;
    let restart = now();
    stage.run()?;
    let ready = now();
    let (version, put) = stage.put()?;
    let came = seats.came(version, Duration::from_secs(60))?;
    let last = came.iter().copied().max().unwrap_or_default();
    let since = |from: u64| Duration::from_micros(last.saturating_sub(from)).as_secs_f64();
    say(&format!(
        "kill -9 and restart: server ready after {:.2} s, new KLB put after {:.2} s; all {} current {:.2} s after ready, {:.2} s after the start",
        Duration::from_micros(ready - restart).as_secs_f64(),
        Duration::from_micros(put.saturating_sub(restart)).as_secs_f64(),
        came.len(),
        since(ready),
        since(restart)
    ));
    Ok(())
}

/// Microseconds since 1970: the same clock for all processes of a machine.
#[must_use]
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// A line of the result.
pub fn say(line: &str) {
    // Who does not listen any more does not want it.
    let _ = writeln!(std::io::stdout(), "{line}");
}
