//! Measures the fleet with many seats: the time from a KLB declaration to the last seat, reconnecting after a restart of
//! the server, closings per second, the cost of verifying, and an idle agent. Seats and server share this machine's
//! cores, as the output says.
//!
//! ```sh
//! cargo run --release -p penutup-fleet --example scale -- --seats 1000,5000,10000 --flips 10
//! ```
//!
//! A simulated seat has its own connection, key and permissions, and receives and polls like an agent. It does not verify:
//! on a real seat that is work of the seat's own machine, and is measured separately.

mod agent;
mod closings;
mod figures;
mod seats;
mod stage;

use std::error::Error;
use std::io::Write as _;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use figures::Spread;
use seats::{Kind, Seats};
use stage::Stage;

/// Aborts a measurement.
pub type Stop = Box<dyn Error>;

struct Options {
    seats: Vec<usize>,
    flips: usize,
    tls: bool,
    seconds: u64,
}

fn main() -> Result<(), Stop> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    // The child processes run this program.
    match args.first().map(String::as_str) {
        Some("seats") => return seats::child(&args[1..]),
        Some("closings") => return closings::child(&args[1..]),
        _ => {}
    }
    let options = Options::parse(&args)?;
    let Some(binary) = stage::installed() else {
        print_line("SKIPPED: nats-server is not installed here");
        return Ok(());
    };
    print_line(&format!(
        "{} · {} cores, shared by the server and all seats · {}",
        stage::version(&binary),
        std::thread::available_parallelism()?,
        if options.tls { "TLS" } else { "no TLS" }
    ));
    print_line(&format!("one seat's verifying: {}", figures::verifying()?));
    for &count in &options.seats {
        measure(&options, count, &binary)?;
    }
    Ok(())
}

impl Options {
    fn parse(args: &[String]) -> Result<Self, Stop> {
        let mut options = Self { seats: vec![1_000, 5_000, 10_000], flips: 10, tls: false, seconds: 5 };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
            match arg.as_str() {
                "--seats" => options.seats = value()?.split(',').map(str::parse).collect::<Result<_, _>>()?,
                "--flips" => options.flips = value()?.parse()?,
                "--seconds" => options.seconds = value()?.parse()?,
                "--tls" => options.tls = true,
                // Passed by cargo when it runs all targets.
                "--bench" => {}
                other => return Err(format!("{other}: --seats N,N,… --flips N --seconds N --tls").into()),
            }
        }
        Ok(options)
    }
}

fn measure(options: &Options, count: usize, binary: &std::path::Path) -> Result<(), Stop> {
    print_line(&format!("\n== {count} seats"));
    let mut stage = Stage::start(binary, count, options.tls)?;
    let started = Instant::now();
    let mut seats = match Seats::start(&stage, count, Kind::Agent) {
        Ok(seats) => seats,
        // The limit of open files may be lower than the number of seats.
        Err(stop) => {
            print_line(&format!("SKIPPED {count} seats: {stop}"));
            return Ok(());
        }
    };
    print_line(&format!(
        "all connected, listening, current: {:.1} s after the first began",
        started.elapsed().as_secs_f64()
    ));
    let mut flips = Vec::new();
    let mut all = Vec::new();
    for flip in 0..=options.flips {
        let (version, put) = stage.put()?;
        let times = seats.times(version, Duration::from_secs(30))?;
        let delays: Vec<u64> = times.iter().map(|at| at.saturating_sub(put)).collect();
        // The first is a warm-up.
        if flip > 0 {
            flips.push(delays.iter().copied().max().unwrap_or_default());
            all.extend(delays);
        }
    }
    print_line(&format!("put → a seat, over {} flips: {}", options.flips, Spread::of(&mut all)));
    print_line(&format!("put → the last seat:       {}", Spread::of(&mut flips)));
    restart_server(&mut stage, &mut seats)?;
    drop(seats);
    restart_with_bare_subscribers(&mut stage, count)?;
    closings::measure(&stage, options.seconds)?;
    if let Ok(peak) = agent::peak(stage.server()) {
        print_line(&format!("the server: {peak:.0} MB at the most since its restart"));
    }
    agent::measure(&stage)
}

/// Kills and restarts the server, and publishes a new declaration as soon as possible.
fn restart_server(stage: &mut Stage, seats: &mut Seats) -> Result<(), Stop> {
    stage.kill()?;
    let restart = now();
    stage.run()?;
    let ready = now();
    let (version, put) = stage.put()?;
    let times = seats.times(version, Duration::from_secs(120))?;
    let connected = seats.connected(restart, Duration::from_secs(120))?.into_iter().max().unwrap_or_default();
    let last = times.iter().copied().max().unwrap_or_default();
    let mut delays: Vec<u64> = times.iter().map(|at| at.saturating_sub(ready)).collect();
    print_line(&format!("ready → a seat has the new KLB: {}", Spread::of(&mut delays)));
    let since = |from: u64| Duration::from_micros(last.saturating_sub(from)).as_secs_f64();
    print_line(&format!(
        "kill -9 and restart: server ready after {:.2} s, new KLB put after {:.2} s; all {} connected {:.2} s and current {:.2} s after ready, {:.2} s after the start",
        Duration::from_micros(ready - restart).as_secs_f64(),
        Duration::from_micros(put.saturating_sub(restart)).as_secs_f64(),
        times.len(),
        seconds(ready, connected),
        since(ready),
        since(restart)
    ));
    Ok(())
}

/// Microseconds since 1970, a clock that all processes share.
#[must_use]
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// Prints a line of the result.
pub fn print_line(line: &str) {
    // A closed pipe is no error.
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn seconds(from: u64, to: u64) -> f64 {
    Duration::from_micros(to.saturating_sub(from)).as_secs_f64()
}

/// The same for clients that only subscribe.
fn restart_with_bare_subscribers(stage: &mut Stage, count: usize) -> Result<(), Stop> {
    let mut seats = Seats::start(stage, count, Kind::Bare)?;
    stage.kill()?;
    let restart = now();
    stage.run()?;
    let ready = now();
    let times = seats.connected(restart, Duration::from_secs(120))?;
    let last = times.iter().copied().max().unwrap_or_default();
    print_line(&format!(
        "the same with bare subscribers: all {} connected {:.2} s after ready",
        times.len(),
        seconds(ready, last)
    ));
    Ok(())
}
