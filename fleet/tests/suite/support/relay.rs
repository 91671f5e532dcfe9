//! A TCP relay between a seat and its server, or between two servers, to cut their connection.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddrV4, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

/// Open connections; `None` while the relay is cut.
type Open = Arc<Mutex<Option<Vec<TcpStream>>>>;

pub struct Relay {
    pub port: u16,
    open: Open,
    line: Arc<Line>,
}

/// Whether bytes go through.
#[derive(Default)]
struct Line {
    is_silent: Mutex<bool>,
    changed: Condvar,
}

impl Line {
    fn set(&self, is_silent: bool) {
        *self.is_silent.lock().unwrap_or_else(PoisonError::into_inner) = is_silent;
        self.changed.notify_all();
    }

    fn wait(&self) {
        let is_silent = self.is_silent.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.changed.wait_while(is_silent, |is_silent| *is_silent));
    }
}

impl Relay {
    /// Relays to this port of the loopback.
    pub fn to(server: u16) -> Self {
        Self::to_address(SocketAddrV4::new(Ipv4Addr::LOCALHOST, server))
    }

    /// Listens on the server's address, with another port.
    pub fn to_address(server: SocketAddrV4) -> Self {
        let listener = TcpListener::bind((*server.ip(), 0)).expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let line = Arc::new(Line::default());
        let lines = Arc::clone(&line);
        let open: Open = Arc::new(Mutex::new(Some(Vec::new())));
        let connections = Arc::clone(&open);
        thread::spawn(move || {
            for one in listener.incoming().map_while(Result::ok) {
                // While cut, a new connection is closed at once.
                if let Some(connections) = connections.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
                    let Ok(other) = TcpStream::connect(server) else { continue };
                    copy(&one, &other, &lines);
                    copy(&other, &one, &lines);
                    connections.extend([one, other]);
                }
            }
        });
        Self { port, open, line }
    }

    /// Closes all connections in both directions.
    pub fn cut(&self) {
        let connections = self.open.lock().unwrap_or_else(PoisonError::into_inner).take();
        for connection in connections.into_iter().flatten() {
            // One that is closed already is fine.
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    /// As a cable that is pulled: connections stay, and nothing goes through.
    pub fn silence(&self) {
        self.line.set(true);
    }

    /// Lets bytes through again, those that waited first.
    pub fn end_silence(&self) {
        self.line.set(false);
    }

    /// Accepts connections again.
    pub fn restore(&self) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default();
    }
}

fn copy(from: &TcpStream, to: &TcpStream, line: &Arc<Line>) {
    let (mut from, mut to) = (from.try_clone().expect("a handle"), to.try_clone().expect("a handle"));
    let line = Arc::clone(line);
    thread::spawn(move || {
        // The end of one direction ends both.
        let _ = copy_through(&line, &mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
}

fn copy_through(line: &Line, from: &mut TcpStream, to: &mut TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = from.read(&mut buffer)?;
        line.wait();
        if count == 0 {
            return Ok(());
        }
        to.write_all(&buffer[..count])?;
    }
}
