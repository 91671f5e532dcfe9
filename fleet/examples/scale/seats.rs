//! Many simulated seats in a child process, each with its own connection.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use penutup_cli_kit::words::Lang;
use penutup_fleet::agent::receiver::{Delivery, DeliveryHandler, LinkMonitor, poll, subscribe};
use penutup_fleet::agent::replica::SeatId;
use penutup_fleet::wire::envelope::Envelope;
use penutup_fleet::wire::key::{Key, Scope};
use tokio::sync::Notify;

use super::stage::{Stage, agent, runtime};
use super::{Stop, now};

/// How many connect at once at the start.
const CONNECT_BATCH: usize = 200;

/// The child process.
pub struct Seats {
    child: Child,
    requests: ChildStdin,
    replies: BufReader<ChildStdout>,
}

impl Seats {
    /// Starts them and waits until all are connected and current.
    pub fn start(stage: &Stage, count: usize) -> Result<Self, Stop> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("seats")
            .arg(stage.out())
            .arg(count.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let requests = child.stdin.take().ok_or("no stdin")?;
        let replies = BufReader::new(child.stdout.take().ok_or("no stdout")?);
        let mut seats = Self { child, requests, replies };
        match seats.line()?.as_str() {
            "ready" => Ok(seats),
            other => Err(other.into()),
        }
    }

    fn line(&mut self) -> Result<String, Stop> {
        let mut line = String::new();
        if self.replies.read_line(&mut line)? == 0 {
            return Err("the seats have ended".into());
        }
        Ok(line.trim_end().to_owned())
    }

    /// When each seat received this version, once all have it.
    pub fn times(&mut self, version: u64, timeout: Duration) -> Result<Vec<u64>, Stop> {
        writeln!(self.requests, "{version} {}", timeout.as_millis())?;
        let line = self.line()?;
        let times = line.strip_prefix("received ").ok_or_else(|| line.clone())?;
        Ok(times.split(' ').map(str::parse).collect::<Result<_, _>>()?)
    }
}

impl Drop for Seats {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What all seats of this process received: by version, when each seat did.
#[derive(Default)]
struct Received {
    times: Mutex<BTreeMap<u64, BTreeMap<usize, u64>>>,
    /// Seats with a complete poll.
    current: Mutex<usize>,
    changed: Notify,
}

/// One seat. It parses messages but does not verify them.
struct Handler {
    number: usize,
    received: Arc<Received>,
    was_current: Mutex<bool>,
}

impl DeliveryHandler for Handler {
    fn on_message(&self, delivery: Delivery) {
        if delivery.key != Some(Key::Klb(Scope::Center)) {
            return;
        }
        let Ok(envelope) = Envelope::parse(&delivery.message.payload) else { return };
        let mut times = self.received.times.lock().unwrap_or_else(PoisonError::into_inner);
        times.entry(envelope.version).or_default().entry(self.number).or_insert_with(now);
        drop(times);
        self.received.changed.notify_one();
    }

    async fn on_replies(&self, deliveries: Vec<Delivery>) {
        for delivery in deliveries {
            self.on_message(delivery);
        }
    }

    fn on_beat(&self, _live: bool) {}

    fn expects_beat(&self) -> bool {
        true
    }

    fn on_poll(&self, complete: bool) {
        let mut was_current = self.was_current.lock().unwrap_or_else(PoisonError::into_inner);
        if complete && !*was_current {
            *was_current = true;
            *self.received.current.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            self.received.changed.notify_one();
        }
    }
}

/// The process with the seats: prints `ready`, then a line for each version that it is asked for on stdin.
pub fn child(args: &[String]) -> Result<(), Stop> {
    let [out, count] = args else { return Err("seats FOLDER COUNT".into()) };
    let (out, count) = (Path::new(out), count.parse()?);
    let result = runtime()?.block_on(async {
        let received = Arc::new(Received::default());
        let current = |received: &Received| *received.current.lock().unwrap_or_else(PoisonError::into_inner);
        for number in 0..count {
            start_seat(out, number, &received).await?;
            if number % CONNECT_BATCH == CONNECT_BATCH - 1 {
                wait_until(&received, |received| current(received) > number).await;
            }
        }
        wait_until(&received, |received| current(received) == count).await;
        super::print_line("ready");
        answer_requests(count, &received).await
    });
    if let Err(stop) = &result {
        super::print_line(&stop.to_string());
    }
    result
}

async fn start_seat(out: &Path, number: usize, received: &Arc<Received>) -> Result<(), Stop> {
    let agent = agent(out, number)?;
    let monitor = LinkMonitor::default();
    let link = monitor.subscribe();
    let connected = agent.link.connect_with_retry(Lang::En, move |event| monitor.on_event(&event)).await;
    let client = connected.map_err(|error| error.message)?;
    let seat = SeatId { site: agent.site, region: agent.region, seat: agent.seat };
    let handler = Handler { number, received: Arc::clone(received), was_current: Mutex::new(false) };
    tokio::spawn(async move {
        // A seat that ends is missing in the counts.
        let poll_now = Notify::new();
        let polls = poll(&client, &seat, link, &poll_now, &handler);
        let _ = tokio::join!(subscribe(&client, &seat, &handler), polls);
    });
    Ok(())
}

async fn wait_until(received: &Received, done: impl Fn(&Received) -> bool) {
    while !done(received) {
        received.changed.notified().await;
    }
}

async fn answer_requests(count: usize, received: &Arc<Received>) -> Result<(), Stop> {
    let (send, mut requests) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        // Ends with the parent process.
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                return;
            }
        }
    });
    while let Some(line) = requests.recv().await {
        let (version, timeout) = line.split_once(' ').ok_or("VERSION MILLISECONDS")?;
        let (version, timeout): (u64, u64) = (version.parse()?, timeout.parse()?);
        let seats_with = |received: &Received| {
            let times = received.times.lock().unwrap_or_else(PoisonError::into_inner);
            times.get(&version).map_or(0, BTreeMap::len)
        };
        let all = wait_until(received, |received| seats_with(received) == count);
        if tokio::time::timeout(Duration::from_millis(timeout), all).await.is_err() {
            super::print_line(&format!("only {} of {count} seats have version {version}", seats_with(received)));
            continue;
        }
        let mut times = received.times.lock().unwrap_or_else(PoisonError::into_inner);
        let line: Vec<String> = times[&version].values().map(u64::to_string).collect();
        times.retain(|known, _| *known >= version);
        drop(times);
        super::print_line(&format!("received {}", line.join(" ")));
    }
    Ok(())
}
