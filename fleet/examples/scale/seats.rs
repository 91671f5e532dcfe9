//! Many seats in a process of their own, each with a connection of its own.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use penutup::words::Lang;
use penutup_fleet::agent::receiver::{Connection, Hear, Letter, receive};
use penutup_fleet::agent::replica::Seat;
use penutup_fleet::wire::envelope::Envelope;
use penutup_fleet::wire::key::{Key, Scope};
use tokio::sync::Notify;

use super::stage::{Stage, agent, runtime};
use super::{Stop, now};

/// How many connect at once at the beginning.
const TOGETHER: usize = 200;

/// The seats, from outside.
pub struct Seats {
    child: Child,
    ask: ChildStdin,
    told: BufReader<ChildStdout>,
}

impl Seats {
    /// Starts them and waits until all are there.
    ///
    /// # Errors
    /// What they say.
    pub fn start(stage: &Stage, count: usize) -> Result<Self, Stop> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("seats")
            .arg(stage.out())
            .arg(count.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let ask = child.stdin.take().ok_or("no stdin")?;
        let told = BufReader::new(child.stdout.take().ok_or("no stdout")?);
        let mut seats = Self { child, ask, told };
        match seats.line()?.as_str() {
            "ready" => Ok(seats),
            other => Err(other.into()),
        }
    }

    fn line(&mut self) -> Result<String, Stop> {
        let mut line = String::new();
        if self.told.read_line(&mut line)? == 0 {
            return Err("the seats have ended".into());
        }
        Ok(line.trim_end().to_owned())
    }

    /// When each seat had this version, once all have it.
    ///
    /// # Errors
    /// Where some don't have it in time.
    pub fn came(&mut self, version: u64, patience: Duration) -> Result<Vec<u64>, Stop> {
        writeln!(self.ask, "{version} {}", patience.as_millis())?;
        let line = self.line()?;
        let times = line.strip_prefix("came ").ok_or_else(|| line.clone())?;
        Ok(times.split(' ').map(str::parse).collect::<Result<_, _>>()?)
    }
}

impl Drop for Seats {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What all seats of this process have heard: by version, when each did.
#[derive(Default)]
struct Heard {
    came: Mutex<BTreeMap<u64, BTreeMap<usize, u64>>>,
    current: Mutex<usize>,
    news: Notify,
}

/// One seat's ear. It reads what came and does not verify it.
struct Ear {
    number: usize,
    heard: Arc<Heard>,
    was_current: Mutex<bool>,
}

impl Ear {
    fn heard(&self, letter: &Letter) {
        if letter.key != Some(Key::Klb(Scope::Center)) {
            return;
        }
        let Ok(envelope) = Envelope::read(&letter.message.payload) else { return };
        let mut came = self.heard.came.lock().unwrap_or_else(PoisonError::into_inner);
        came.entry(envelope.version).or_default().entry(self.number).or_insert_with(now);
        drop(came);
        self.heard.news.notify_one();
    }
}

impl Hear for Ear {
    fn said(&self, letter: Letter) {
        self.heard(&letter);
    }

    async fn answered(&self, letters: Vec<Letter>) {
        for letter in &letters {
            self.heard(letter);
        }
    }

    fn round(&self, heard: bool) {
        let mut was = self.was_current.lock().unwrap_or_else(PoisonError::into_inner);
        if heard && !*was {
            *was = true;
            *self.heard.current.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            self.heard.news.notify_one();
        }
    }
}

/// The process with the seats: says `ready`, then answers for each version that it is asked for.
///
/// # Errors
/// What can't be used of the arguments.
pub fn child(args: &[String]) -> Result<(), Stop> {
    let [out, count] = args else { return Err("seats FOLDER COUNT".into()) };
    let (out, count) = (Path::new(out), count.parse()?);
    let answer = runtime()?.block_on(async {
        let heard = Arc::new(Heard::default());
        for number in 0..count {
            begin(out, number, &heard).await?;
            if number % TOGETHER == TOGETHER - 1 {
                until(&heard, |heard| *heard.current.lock().unwrap_or_else(PoisonError::into_inner) > number).await;
            }
        }
        until(&heard, |heard| *heard.current.lock().unwrap_or_else(PoisonError::into_inner) == count).await;
        super::say("ready");
        answer(count, &heard).await
    });
    if let Err(stop) = &answer {
        super::say(&stop.to_string());
    }
    answer
}

async fn begin(out: &Path, number: usize, heard: &Arc<Heard>) -> Result<(), Stop> {
    let agent = agent(out, number)?;
    let connection = Connection::default();
    let standing = connection.watch();
    let client = agent.link.keep(Lang::En, move |event| connection.told(&event)).await.map_err(|fail| fail.message)?;
    let seat = Seat { site: agent.site, region: agent.region, seat: agent.seat };
    let ear = Ear { number, heard: Arc::clone(heard), was_current: Mutex::new(false) };
    tokio::spawn(async move {
        // A seat that ends is missed by who counts them.
        let _ = receive(&client, &seat, standing, &ear).await;
    });
    Ok(())
}

async fn until(heard: &Heard, done: impl Fn(&Heard) -> bool) {
    while !done(heard) {
        heard.news.notified().await;
    }
}

async fn answer(count: usize, heard: &Arc<Heard>) -> Result<(), Stop> {
    let (send, mut asked) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        // Ends when the parent does.
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                return;
            }
        }
    });
    while let Some(line) = asked.recv().await {
        let (version, patience) = line.split_once(' ').ok_or("VERSION MILLISECONDS")?;
        let (version, patience): (u64, u64) = (version.parse()?, patience.parse()?);
        let has = |heard: &Heard| {
            let came = heard.came.lock().unwrap_or_else(PoisonError::into_inner);
            came.get(&version).map_or(0, BTreeMap::len)
        };
        let all = until(heard, |heard| has(heard) == count);
        if tokio::time::timeout(Duration::from_millis(patience), all).await.is_err() {
            super::say(&format!("only {} of {count} seats have version {version}", has(heard)));
            continue;
        }
        let mut came = heard.came.lock().unwrap_or_else(PoisonError::into_inner);
        let times: Vec<String> = came[&version].values().map(u64::to_string).collect();
        came.retain(|known, _| *known >= version);
        drop(came);
        super::say(&format!("came {}", times.join(" ")));
    }
    Ok(())
}
