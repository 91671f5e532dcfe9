//! The open connections to the local socket, bounded. If all slots are taken, the connection that has been silent
//! longest is closed, so that idle connections can't lock others out.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use interprocess::local_socket::Stream;

/// The most connections at once.
pub const MAX_CONNECTIONS: usize = 32;

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
    /// Whether no command waits for its reply, so that it may be closed.
    is_idle: bool,
}

/// A connection's slot, freed on drop.
#[derive(Debug)]
pub struct Slot {
    number: u64,
    connections: Arc<Connections>,
}

impl Connections {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A slot for a new connection, freed by closing another one if needed; `None` if all of them are being served.
    pub fn admit(self: &Arc<Self>, stream: Arc<Stream>) -> Option<Slot> {
        let mut open = self.open();
        if open.all.len() >= MAX_CONNECTIONS {
            let can_close = |entry: &Entry| entry.is_idle && open.agent != Some(entry.number);
            let oldest = open.all.iter().position(|entry| can_close(entry) && shut_down(&entry.stream))?;
            open.all.remove(oldest);
        }
        open.next += 1;
        let number = open.next;
        open.all.push(Entry { number, stream, is_idle: true });
        Some(Slot { number, connections: Arc::clone(self) })
    }
}

impl Slot {
    /// A command arrived: the connection is not closed before its reply is sent.
    pub fn start_serving(&self) {
        self.set_idle(false);
    }

    /// The reply is sent: the connection is idle again and becomes the last candidate for closing.
    pub fn stop_serving(&self) {
        self.set_idle(true);
    }

    /// This is the agent's connection: it is never closed for a new one from now on; the previous agent's may be.
    pub fn reserve_for_agent(&self) {
        self.connections.open().agent = Some(self.number);
    }

    /// Also moves the connection to the end of the list, as the one that was active last.
    fn set_idle(&self, is_idle: bool) {
        let mut open = self.connections.open();
        if let Some(at) = open.all.iter().position(|entry| entry.number == self.number) {
            let entry = open.all.remove(at);
            open.all.push(Entry { is_idle, ..entry });
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.connections.open().all.retain(|entry| entry.number != self.number);
    }
}

/// Shuts down a connection that another thread is reading; returns whether that was possible.
#[cfg(unix)]
fn shut_down(stream: &Stream) -> bool {
    let Stream::UdSocket(stream) = stream;
    stream.inner().shutdown(std::net::Shutdown::Both).is_ok()
}

/// A named pipe can't be shut down from another thread: idle ones end at their deadline.
#[cfg(windows)]
fn shut_down(_: &Stream) -> bool {
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
        let (mut slots, mut others) = (Vec::new(), Vec::new());
        for _ in 0..MAX_CONNECTIONS {
            let (ours, theirs) = pair();
            slots.push(connections.admit(ours).unwrap());
            others.push(theirs);
        }
        // The first is being served, the second has just got its reply.
        slots[0].start_serving();
        slots[1].start_serving();
        slots[1].stop_serving();
        // Two agents in turn: the last one is kept open.
        slots[2].reserve_for_agent();
        slots[3].reserve_for_agent();
        slots[2].stop_serving();
        slots[3].stop_serving();
        let (ours, _theirs) = pair();
        let new = connections.admit(ours).unwrap();
        new.start_serving();
        assert_eq!(others[4].read(&mut [0; 1]).unwrap(), 0, "the fifth, idle for longest, is closed");
        for open in [0, 1, 2, 3, 5] {
            others[open].set_nonblocking(true).unwrap();
            assert!(others[open].read(&mut [0; 1]).is_err(), "{open} is open");
        }
        slots.iter().for_each(Slot::start_serving);
        let (ours, _theirs) = pair();
        assert!(connections.admit(Arc::clone(&ours)).is_none(), "all are being served");
        slots.pop();
        assert!(connections.admit(ours).is_some());
    }
}
