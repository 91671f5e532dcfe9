//! The open connections to the local socket, bounded. If all slots are taken, the connection that has been silent
//! longest is closed, so that idle connections can't lock others out.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use interprocess::local_socket::Stream;

/// The most connections at once.
pub const MOST: usize = 32;

/// All open connections.
#[derive(Debug, Default)]
pub struct Connections(Mutex<Open>);

#[derive(Debug, Default)]
struct Open {
    next: u64,
    /// The agent's connection, which may be silent for any time.
    agent: Option<u64>,
    /// In the order in which they last sent something.
    all: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    number: u64,
    stream: Arc<Stream>,
    may_go: bool,
}

/// A connection's slot, freed on drop.
#[derive(Debug)]
pub struct Seat {
    number: u64,
    connections: Arc<Connections>,
}

impl Connections {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A slot for a new connection, freed by closing another one if needed; `None` if all of them are being served.
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
    /// It sent a command: it is not closed before it has its reply.
    pub fn keep(&self) {
        self.heard(false);
    }

    /// It got its reply and may be idle again: it is closed after those that have been idle longer.
    pub fn release(&self) {
        self.heard(true);
    }

    /// It is the agent's: it is not closed from now on, and the previous agent's may be.
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

/// Shuts down a connection that another thread is reading; returns whether that was possible.
#[cfg(unix)]
fn hang_up(stream: &Stream) -> bool {
    let Stream::UdSocket(stream) = stream;
    stream.inner().shutdown(std::net::Shutdown::Both).is_ok()
}

/// A named pipe can't be shut down from another thread: idle ones end at their deadline.
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
    fn the_longest_idle_connection_is_closed_but_not_one_being_served() {
        let connections = Arc::new(Connections::default());
        let (mut seats, mut others) = (Vec::new(), Vec::new());
        for _ in 0..MOST {
            let (ours, theirs) = pair();
            seats.push(connections.admit(ours).unwrap());
            others.push(theirs);
        }
        // The first is being served, the second has just got its reply.
        seats[0].keep();
        seats[1].keep();
        seats[1].release();
        // The agents; the last one stays open.
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
