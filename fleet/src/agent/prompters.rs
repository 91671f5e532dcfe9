//! The prompters on this machine: each has a connection and a thread of its own, so that one that hangs delays no other.
//! What they are told is how things stand, not what happened: a prompter that comes late or was slow hears the last of
//! it, and a flood is one message.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use penutup::broadcast::Broadcast;
use penutup::softphone::agent::{AgentLine, NotTold};
use penutup::softphone::message::{Bad, Message};
use penutup::softphone::place::Place;

use super::folder_watcher::Watched;

/// How long a prompter may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often prompters are looked for where nobody tells of new ones, and whether those that are known are still there.
const LOOK: Duration = Duration::from_secs(if cfg!(windows) { 3 } else { 30 });
/// How long after an end one is tried again that may only have been slow: it doubles.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// How long one is left alone that knows no fleet, or that another agent has.
const ALONE: Duration = Duration::from_secs(5 * 60);
/// The most prompters at once.
const MOST: usize = 32;

/// How things stand.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Present {
    /// Whether the centre is heard: `None` while that is not known yet, else since when it is not.
    pub link: Option<Option<DateTime<Utc>>>,
    /// The declaration that holds.
    pub klb: Option<Broadcast>,
    /// Rises whenever the rules on the disk are others; 0 where there are none.
    pub rules: u64,
    /// Rises whenever somebody should look whether the prompter is still there.
    glance: u64,
}

/// Tells every prompter how things stand.
#[derive(Clone, Debug, Default)]
pub struct Bell(Arc<(Mutex<Present>, Condvar)>);

impl Bell {
    /// Something may stand otherwise.
    pub fn set(&self, change: impl FnOnce(&mut Present)) {
        change(&mut self.0.0.lock().unwrap_or_else(PoisonError::into_inner));
        self.0.1.notify_all();
    }

    /// Waits until it stands otherwise than `told`, or for so long; how it stands then.
    fn wait(&self, told: &Present, patience: Duration) -> Present {
        let present = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.0.1.wait_timeout_while(present, patience, |present| present == told);
        waited.unwrap_or_else(PoisonError::into_inner).0.clone()
    }
}

/// What the keeper of the prompters hears.
enum Told {
    /// Something happened in the folder.
    Look,
    /// This one was taken as its agent's.
    Taken,
    /// The connection to this one is over.
    Over { socket: PathBuf, was_taken: bool, why: NotTold },
}

/// A socket that is known.
struct Known {
    /// Whether somebody speaks to it just now.
    open: bool,
    /// When it is tried again, and how long it waits after that.
    due: Instant,
    wait: Duration,
}

/// Keeps a connection to every prompter, in threads of its own, for as long as the process lives. `count` hears how
/// many there are.
pub fn keep(place: Place, bell: Bell, count: impl Fn(u32) + Send + 'static) {
    thread::spawn(move || {
        let (send, hear) = channel();
        run(&place, &bell, &send, &hear, &count);
    });
}

fn run(place: &Place, bell: &Bell, send: &Sender<Told>, hear: &Receiver<Told>, count: &impl Fn(u32)) {
    // The folder must be there to be watched; where it can't be made, no prompter can be there either.
    #[cfg(unix)]
    let _ = place.make_private();
    let look = send.clone();
    let mut watched = Watched::new(place.folder(), move |_| {
        let _ = look.send(Told::Look);
    });
    let mut known: HashMap<PathBuf, Known> = HashMap::new();
    let mut taken = 0_u32;
    loop {
        let sockets = place.sockets();
        known.retain(|socket, known| known.open || sockets.contains(socket));
        let now = Instant::now();
        for socket in sockets {
            let open = known.values().filter(|known| known.open).count();
            let entry = known.entry(socket).or_insert_with_key(|_| Known { open: false, due: now, wait: RETRY.0 });
            if entry.open || entry.due > now || open >= MOST {
                continue;
            }
            entry.open = true;
        }
        for (socket, entry) in known.iter_mut().filter(|(_, entry)| entry.open && entry.due <= now) {
            // Until it is over there is nothing to try.
            entry.due = now + Duration::from_secs(u64::from(u32::MAX));
            let (place, socket, bell, send) = (place.clone(), socket.clone(), bell.clone(), send.clone());
            thread::spawn(move || {
                let mut was_taken = false;
                let why = speak(&place, &socket, &bell, || {
                    was_taken = true;
                    let _ = send.send(Told::Taken);
                });
                let _ = send.send(Told::Over { socket, was_taken, why });
            });
        }
        let next = known.values().filter(|known| !known.open).map(|known| known.due).min();
        let patience = next.map_or(LOOK, |due| due.saturating_duration_since(Instant::now()).min(LOOK));
        let mut told = match hear.recv_timeout(patience) {
            Ok(told) => Some(told),
            Err(RecvTimeoutError::Timeout) => {
                watched.again();
                None
            }
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let mut glance = false;
        while let Some(one) = told {
            match one {
                Told::Look => glance = true,
                Told::Taken => taken += 1,
                Told::Over { socket, was_taken, why } => {
                    taken -= u32::from(was_taken);
                    if let Some(known) = known.get_mut(&socket) {
                        known.open = false;
                        let wait = if was_taken { RETRY.0 } else { known.wait };
                        let alone = matches!(why, NotTold::Refused(Bad::Unknown | Bad::Taken));
                        known.due = Instant::now() + if alone { ALONE } else { wait };
                        known.wait = (wait * 2).min(RETRY.1);
                    }
                }
            }
            told = hear.try_recv().ok();
        }
        if glance {
            bell.set(|present| present.glance += 1);
        }
        count(taken);
    }
}

/// Speaks to one until it is over. Answers why.
fn speak(place: &Place, socket: &Path, bell: &Bell, taken: impl FnOnce()) -> NotTold {
    let mut line = match AgentLine::connect(place, socket, PATIENCE) {
        Ok(line) => line,
        Err(why) => return why,
    };
    taken();
    let mut told = Present::default();
    loop {
        let present = bell.wait(&told, LOOK);
        match tell(&mut line, &told, &present) {
            Ok(()) => {}
            // What it does not know yet, the rest does not wait for.
            Err(why) => return why,
        }
        if !line.is_there() {
            return NotTold::Gone;
        }
        told = present;
    }
}

/// Tells what stands otherwise.
fn tell(line: &mut AgentLine, told: &Present, present: &Present) -> Result<(), NotTold> {
    if let Some(klb) = &present.klb
        && told.klb.as_ref() != Some(klb)
    {
        line.tell(&Message::Klb(Box::new(klb.clone())))?;
    }
    if present.rules != told.rules {
        line.tell(&Message::Rules)?;
    }
    if let Some(link) = present.link
        && told.link != Some(link)
    {
        line.tell(&Message::Link(link))?;
    }
    Ok(())
}
