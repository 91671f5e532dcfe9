//! Many simulated seats in a child process, each with its own connection.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::Event;
use penutup_cli_kit::words::Lang;
use penutup_fleet::agent::receiver::{Delivery, DeliveryHandler, LinkMonitor, Receiver};
use penutup_fleet::agent::replica::SeatId;
use penutup_fleet::agent::seat_status::StatusPublisher;
use penutup_fleet::wire::envelope::Envelope;
use penutup_fleet::wire::key::{Key, Scope};
use tokio::sync::Notify;

use super::stage::{Stage, agent, runtime};
use super::{Stop, now};

/// The processes that share the seats.
const PROCESSES: usize = 4;
/// How many of each process connect at once at the start.
const CONNECT_BATCH: usize = 50;

/// What a simulated seat does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Receives and polls like an agent.
    Agent,
    /// Only subscribes: what the server alone takes.
    Bare,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Bare => "bare",
        }
    }
}

struct Process {
    child: Child,
    requests: ChildStdin,
    replies: BufReader<ChildStdout>,
}

impl Process {
    fn line(&mut self) -> Result<String, Stop> {
        let mut line = String::new();
        if self.replies.read_line(&mut line)? == 0 {
            return Err("the seats have ended".into());
        }
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The child processes.
pub struct Seats(Vec<Process>);

impl Seats {
    /// Starts them and waits until all are connected, and agents current.
    pub fn start(stage: &Stage, count: usize, kind: Kind) -> Result<Self, Stop> {
        let mut all = Vec::new();
        for process in 0..PROCESSES {
            let mut child = Command::new(std::env::current_exe()?)
                .args(["seats", kind.name()])
                .arg(stage.out())
                .args([process.to_string(), count.to_string()])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()?;
            let requests = child.stdin.take().ok_or("no stdin")?;
            let replies = BufReader::new(child.stdout.take().ok_or("no stdout")?);
            all.push(Process { child, requests, replies });
        }
        for process in &mut all {
            match process.line()?.as_str() {
                "ready" => {}
                other => return Err(other.into()),
            }
        }
        Ok(Self(all))
    }

    /// When each seat received this version, once all have it.
    pub fn times(&mut self, version: u64, timeout: Duration) -> Result<Vec<u64>, Stop> {
        self.ask("version", version, timeout)
    }

    /// When each seat connected after this moment, once all have.
    pub fn connected(&mut self, since: u64, timeout: Duration) -> Result<Vec<u64>, Stop> {
        self.ask("connected", since, timeout)
    }

    fn ask(&mut self, what: &str, value: u64, timeout: Duration) -> Result<Vec<u64>, Stop> {
        for process in &mut self.0 {
            writeln!(process.requests, "{what} {value} {}", timeout.as_millis())?;
        }
        let mut all = Vec::new();
        for process in &mut self.0 {
            let line = process.line()?;
            let times = line.strip_prefix("times ").ok_or_else(|| line.clone())?;
            all.extend(times.split(' ').map(str::parse::<u64>).collect::<Result<Vec<_>, _>>()?);
        }
        Ok(all)
    }
}

/// What all seats of this process received: by version, when each seat did.
#[derive(Default)]
struct Received {
    times: Mutex<BTreeMap<u64, BTreeMap<usize, u64>>>,
    /// When each seat connected last.
    connects: Mutex<BTreeMap<usize, u64>>,
    /// Seats with a complete poll; of bare ones, those that connected.
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

    /// It does not verify.
    fn settles(&self, key: &Key, newest: &Delivery) -> bool {
        *key != Key::Rules && Envelope::parse(&newest.message.payload).is_ok()
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

/// A process with seats: prints `ready`, then a line for each request on stdin.
pub fn child(args: &[String]) -> Result<(), Stop> {
    let [kind, out, process, count] = args else { return Err("seats KIND FOLDER PROCESS COUNT".into()) };
    let (process, count): (usize, usize) = (process.parse()?, count.parse()?);
    let kind = if kind == Kind::Bare.name() { Kind::Bare } else { Kind::Agent };
    let numbers: Vec<usize> = (process..count).step_by(PROCESSES).collect();
    let result = runtime()?.block_on(async {
        let received = Arc::new(Received::default());
        let current = |received: &Received| *received.current.lock().unwrap_or_else(PoisonError::into_inner);
        for (at, number) in numbers.iter().enumerate() {
            start_seat(Path::new(out), *number, kind, &received).await?;
            if at % CONNECT_BATCH == CONNECT_BATCH - 1 {
                wait_until(&received, |received| current(received) > at).await;
            }
        }
        wait_until(&received, |received| current(received) == numbers.len()).await;
        super::print_line("ready");
        answer_requests(numbers.len(), &received).await
    });
    if let Err(stop) = &result {
        super::print_line(&stop.to_string());
    }
    result
}

async fn start_seat(out: &Path, number: usize, kind: Kind, received: &Arc<Received>) -> Result<(), Stop> {
    let agent = agent(out, number)?;
    let monitor = LinkMonitor::default();
    let link = monitor.subscribe();
    let connects = Arc::clone(received);
    let connected = agent.link.connect_with_retry(Lang::En, move |event| {
        if event == Event::Connected {
            let mut all = connects.connects.lock().unwrap_or_else(PoisonError::into_inner);
            if all.insert(number, now()).is_none() && kind == Kind::Bare {
                *connects.current.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            }
            connects.changed.notify_one();
        }
        monitor.on_event(&event);
    });
    let client = connected.await.map_err(|error| error.message)?;
    let seat = SeatId { site: agent.site, region: agent.region, seat: agent.seat };
    let handler = Handler { number, received: Arc::clone(received), was_current: Mutex::new(false) };
    tokio::spawn(async move {
        // A seat that ends is missing in the counts.
        let (broadcasts, states) = (Receiver::new(client.clone(), seat.clone()), StatusPublisher::default());
        if kind == Kind::Bare {
            let _ = broadcasts.subscribe(&handler).await;
            return;
        }
        let poll_now = Notify::new();
        let polls = broadcasts.poll(link.clone(), &poll_now, &handler);
        let _ = tokio::join!(broadcasts.subscribe(&handler), polls, states.run(&client, &seat, link));
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
        let parts: Vec<&str> = line.split(' ').collect();
        let [what, value, timeout] = parts[..] else { return Err("version|connected VALUE MILLISECONDS".into()) };
        let (value, timeout): (u64, u64) = (value.parse()?, timeout.parse()?);
        let times = |received: &Received| -> Vec<u64> {
            if what == "connected" {
                let connects = received.connects.lock().unwrap_or_else(PoisonError::into_inner);
                return connects.values().copied().filter(|at| *at > value).collect();
            }
            let times = received.times.lock().unwrap_or_else(PoisonError::into_inner);
            times.get(&value).map_or_else(Vec::new, |of_version| of_version.values().copied().collect())
        };
        let all = wait_until(received, |received| times(received).len() == count);
        if tokio::time::timeout(Duration::from_millis(timeout), all).await.is_err() {
            super::print_line(&format!("only {} of {count} seats: {what} {value}", times(received).len()));
            continue;
        }
        let line: Vec<String> = times(received).iter().map(u64::to_string).collect();
        super::print_line(&format!("times {}", line.join(" ")));
    }
    Ok(())
}
