//! Connections to the prompters on this machine, each with a thread of its own, so that one that hangs delays no other.
//! They are sent the present state, not events: a prompter that connects late or was slow gets the latest state, and a
//! flood of changes becomes one message.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use penutup_ipc::agent::{AgentLine, NotDelivered};
use penutup_ipc::message::{Command, Rejection};
use penutup_ipc::socket_dir::SocketDir;
use penutup_rules::declaration::Declaration;

use super::folder_watcher::FolderWatcher;

/// How long a prompter may take to answer.
const REPLY_TIMEOUT: Duration = Duration::from_secs(3);
/// How often the folder is searched for new prompters without an event, and connected ones are checked.
const CHECK_INTERVAL: Duration = Duration::from_secs(if cfg!(windows) { 3 } else { 30 });
/// The first and the longest delay before connecting again; it doubles.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// The delay after a refusal: the prompter knows no fleet, or another agent is connected to it.
const REFUSED_RETRY: Duration = Duration::from_secs(5 * 60);
const MAX_PROMPTERS: usize = 32;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// `None` while unknown, else since when the centre is unreachable (`None`: it is reachable).
    pub link: Option<Option<DateTime<Utc>>>,
    /// How many seconds this machine's clock is ahead of the server's, as the centre said over the present link.
    pub clock: Option<i64>,
    /// The declaration in force.
    pub klb: Option<Declaration>,
    /// The version of the rules in the folder; 0 where there are none.
    pub rules: u64,
    /// Incremented to make every connection check that its prompter is still there.
    checks: u64,
}

/// The latest snapshot, and a way to wait for the next.
#[derive(Clone, Debug, Default)]
pub struct SnapshotWatch(Arc<(Mutex<Snapshot>, Condvar)>);

/// A change of the clock's offset by less than this, in seconds, is not passed on: it would flicker between two minutes.
const MIN_CLOCK_CHANGE: u64 = 30;

impl Snapshot {
    /// The centre is reachable, or unreachable since then. What it said of the clock ends with the connection.
    pub fn set_link(&mut self, unreachable_since: Option<DateTime<Utc>>) {
        (self.link, self.clock) = (Some(unreachable_since), None);
    }

    /// The centre said that this machine's clock is so many seconds ahead. While it is not reachable, what it said before may be
    /// over; it says it again.
    pub fn set_clock(&mut self, ahead: i64) {
        let is_same = self.clock.is_some_and(|clock| clock.abs_diff(ahead) < MIN_CLOCK_CHANGE);
        if ahead == 0 {
            self.clock = None;
        } else if self.link == Some(None) && !is_same {
            self.clock = Some(ahead);
        }
    }
}

impl SnapshotWatch {
    pub fn update(&self, change: impl FnOnce(&mut Snapshot)) {
        change(&mut self.0.0.lock().unwrap_or_else(PoisonError::into_inner));
        self.0.1.notify_all();
    }

    /// Waits until the snapshot differs from `sent` or the time is over. Returns the present one.
    fn wait(&self, sent: &Snapshot, timeout: Duration) -> Snapshot {
        let snapshot = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.0.1.wait_timeout_while(snapshot, timeout, |snapshot| snapshot == sent);
        waited.unwrap_or_else(PoisonError::into_inner).0.clone()
    }
}

enum Event {
    FolderChanged,
    /// A prompter accepted this agent as its own.
    Accepted,
    Closed {
        socket: PathBuf,
        was_accepted: bool,
        why: NotDelivered,
    },
}

/// A socket in the folder.
struct Peer {
    is_connected: bool,
    next_try: Instant,
    retry_delay: Duration,
}

/// Keeps a connection to every prompter, in threads that live as long as the process. `on_count` gets the number of
/// accepted connections.
pub fn spawn(socket_dir: SocketDir, snapshots: SnapshotWatch, on_count: impl Fn(u32) + Send + 'static) {
    thread::spawn(move || {
        let (events, received) = channel();
        run(&socket_dir, &snapshots, &events, &received, &on_count);
    });
}

fn run(
    socket_dir: &SocketDir,
    snapshots: &SnapshotWatch,
    events: &Sender<Event>,
    received: &Receiver<Event>,
    on_count: &impl Fn(u32),
) {
    // The folder must exist to be watched; where it can't be created, no prompter can have a socket there either.
    #[cfg(unix)]
    let _ = socket_dir.make_private();
    let on_change = events.clone();
    let mut watcher = FolderWatcher::new(socket_dir.folder(), move |_| {
        let _ = on_change.send(Event::FolderChanged);
    });
    let mut peers: HashMap<PathBuf, Peer> = HashMap::new();
    let mut accepted = 0_u32;
    loop {
        let sockets = socket_dir.sockets();
        peers.retain(|socket, peer| peer.is_connected || sockets.contains(socket));
        let now = Instant::now();
        for socket in sockets {
            let connected = peers.values().filter(|peer| peer.is_connected).count();
            let new = || Peer { is_connected: false, next_try: now, retry_delay: RETRY.0 };
            let peer = peers.entry(socket.clone()).or_insert_with(new);
            if peer.is_connected || peer.next_try > now || connected >= MAX_PROMPTERS {
                continue;
            }
            peer.is_connected = true;
            let (socket_dir, snapshots, events) = (socket_dir.clone(), snapshots.clone(), events.clone());
            thread::spawn(move || {
                let mut was_accepted = false;
                let why = serve(&socket_dir, &socket, &snapshots, || {
                    was_accepted = true;
                    let _ = events.send(Event::Accepted);
                });
                let _ = events.send(Event::Closed { socket, was_accepted, why });
            });
        }
        let next_try = peers.values().filter(|peer| !peer.is_connected).map(|peer| peer.next_try).min();
        let until_try = next_try.map(|at| at.saturating_duration_since(Instant::now()));
        let mut event = match received.recv_timeout(until_try.unwrap_or(CHECK_INTERVAL).min(CHECK_INTERVAL)) {
            Ok(event) => Some(event),
            Err(RecvTimeoutError::Timeout) => {
                watcher.rewatch();
                None
            }
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let mut has_folder_changed = false;
        while let Some(one) = event {
            match one {
                Event::FolderChanged => has_folder_changed = true,
                Event::Accepted => accepted += 1,
                Event::Closed { socket, was_accepted, why } => {
                    accepted -= u32::from(was_accepted);
                    if let Some(peer) = peers.get_mut(&socket) {
                        peer.is_connected = false;
                        let delay = if was_accepted { RETRY.0 } else { peer.retry_delay };
                        let is_refused = matches!(why, NotDelivered::Refused(Rejection::Unknown | Rejection::Taken));
                        peer.next_try = Instant::now() + if is_refused { REFUSED_RETRY } else { delay };
                        peer.retry_delay = (delay * 2).min(RETRY.1);
                    }
                }
            }
            event = received.try_recv().ok();
        }
        if has_folder_changed {
            snapshots.update(|snapshot| snapshot.checks += 1);
        }
        on_count(accepted);
    }
}

/// Sends snapshots to one prompter until the connection ends. Returns why it ended.
fn serve(socket_dir: &SocketDir, socket: &Path, snapshots: &SnapshotWatch, on_accepted: impl FnOnce()) -> NotDelivered {
    let mut line = match AgentLine::connect(socket_dir, socket, REPLY_TIMEOUT) {
        Ok(line) => line,
        Err(why) => return why,
    };
    on_accepted();
    let mut sent = Snapshot::default();
    loop {
        let snapshot = snapshots.wait(&sent, CHECK_INTERVAL);
        if let Err(why) = send_changes(&mut line, &sent, &snapshot) {
            return why;
        }
        if !line.is_connected() {
            return NotDelivered::Gone;
        }
        sent = snapshot;
    }
}

fn send_changes(line: &mut AgentLine, sent: &Snapshot, snapshot: &Snapshot) -> Result<(), NotDelivered> {
    if let Some(klb) = &snapshot.klb
        && sent.klb.as_ref() != Some(klb)
    {
        line.send(&Command::Klb(Box::new(klb.clone())))?;
    }
    if snapshot.rules != sent.rules {
        line.send(&Command::Rules)?;
    }
    if let Some(link) = snapshot.link
        && (sent.link, sent.clock) != (snapshot.link, snapshot.clock)
    {
        line.send(&snapshot.clock.map_or(Command::Link(link), Command::WrongClock))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_clock_is_known_only_as_long_as_the_centre_is_reachable_and_does_not_flicker() {
        let mut snapshot = Snapshot::default();
        let mut after = |change: &dyn Fn(&mut Snapshot)| {
            change(&mut snapshot);
            snapshot.clock
        };
        assert_eq!(after(&|s| s.set_clock(180)), None, "before the link is known");
        assert_eq!(after(&|s| s.set_link(None)), None);
        assert_eq!(after(&|s| s.set_clock(180)), Some(180));
        assert_eq!(after(&|s| s.set_clock(209)), Some(180));
        assert_eq!(after(&|s| s.set_clock(-151)), Some(-151));
        assert_eq!(after(&|s| s.set_clock(i64::MIN)), Some(i64::MIN));
        assert_eq!(after(&|s| s.set_clock(i64::MAX)), Some(i64::MAX));
        assert_eq!(after(&|s| s.set_clock(0)), None);
        assert_eq!(after(&|s| s.set_clock(75)), Some(75));
        assert_eq!(after(&|s| s.set_link(Some(DateTime::UNIX_EPOCH))), None);
        assert_eq!(after(&|s| s.set_clock(75)), None, "while it is not reachable");
        assert_eq!(after(&|s| s.set_link(None)), None, "until it says so again");
    }
}
