//! The open connections to the local socket, bounded. When all places are taken, the one that has been silent for longest
//! makes room, so that connections which say nothing keep nobody out.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use interprocess::local_socket::Stream;

/// The most at once.
pub const MOST: usize = 32;

/// All that are open.
#[derive(Debug, Default)]
pub struct Connections(Mutex<Open>);

#[derive(Debug, Default)]
struct Open {
    next: u64,
    /// The agent's: it may be silent for as long as it wants.
    agent: Option<u64>,
    /// In the order in which they were last heard.
    all: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    number: u64,
    stream: Arc<Stream>,
    may_go: bool,
}

/// A connection's place. It is free again when this is dropped.
#[derive(Debug)]
pub struct Seat {
    number: u64,
    connections: Arc<Connections>,
}

impl Connections {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a new connection, made free if need be; `None` where every one is being answered.
    pub fn admit(self: &Arc<Self>, stream: Arc<Stream>) -> Option<Seat> {
        let mut open = self.open();
        if open.all.len() >= MOST {
            let may_go = |entry: &Entry| entry.may_go && open.agent != Some(entry.number);
            let oldest = open.all.iter().position(|entry| may_go(entry) && hang_up(&entry.stream))?;
            open.all.remove(oldest);
        }
        open.next += 1;
        let number = open.next;
        open.all.push(Entry { number, stream, may_go: true });
        Some(Seat { number, connections: Arc::clone(self) })
    }
}

impl Seat {
    /// It said something: until it has been answered, it makes room for nobody.
    pub fn keep(&self) {
        self.heard(false);
    }

    /// It was answered and may be silent again: from now on it makes room after those that are silent for longer.
    pub fn release(&self) {
        self.heard(true);
    }

    /// It is the agent's: from now on it makes room for nobody, and the agent's before it does again.
    pub fn reserve(&self) {
        self.connections.open().agent = Some(self.number);
    }

    fn heard(&self, may_go: bool) {
        let mut open = self.connections.open();
        if let Some(at) = open.all.iter().position(|entry| entry.number == self.number) {
            let entry = open.all.remove(at);
            open.all.push(Entry { may_go, ..entry });
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.connections.open().all.retain(|entry| entry.number != self.number);
    }
}

/// Ends a connection that another thread waits on; answers whether it could.
#[cfg(unix)]
fn hang_up(stream: &Stream) -> bool {
    let Stream::UdSocket(stream) = stream;
    stream.inner().shutdown(std::net::Shutdown::Both).is_ok()
}

/// A pipe can't be ended from another thread: those who are silent go at their deadline.
#[cfg(windows)]
fn hang_up(_: &Stream) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    use super::*;

    fn pair() -> (Arc<Stream>, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        (Arc::new(Stream::UdSocket(ours.into())), theirs)
    }

    #[test]
    fn the_one_silent_for_longest_makes_room_and_who_is_answered_does_not() {
        let connections = Arc::new(Connections::default());
        let (mut seats, mut others) = (Vec::new(), Vec::new());
        for _ in 0..MOST {
            let (ours, theirs) = pair();
            seats.push(connections.admit(ours).unwrap());
            others.push(theirs);
        }
        // The first is being answered, the second was answered just now.
        seats[0].keep();
        seats[1].keep();
        seats[1].release();
        // The agents, the last of which stays.
        seats[2].reserve();
        seats[3].reserve();
        seats[2].release();
        seats[3].release();
        let (ours, _theirs) = pair();
        let newcomer = connections.admit(ours).unwrap();
        newcomer.keep();
        assert_eq!(others[4].read(&mut [0; 1]).unwrap(), 0, "the fifth is hung up on");
        for open in [0, 1, 2, 3, 5] {
            others[open].set_nonblocking(true).unwrap();
            assert!(others[open].read(&mut [0; 1]).is_err(), "{open} is open");
        }
        seats.iter().for_each(Seat::keep);
        let (ours, _theirs) = pair();
        assert!(connections.admit(Arc::clone(&ours)).is_none(), "all are being answered");
        seats.pop();
        assert!(connections.admit(ours).is_some());
    }
}
