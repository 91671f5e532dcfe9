//! A TCP relay between a seat and its server, to cut their connection.

use std::io;
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Open connections; `None` while the relay is cut.
type Open = Arc<Mutex<Option<Vec<TcpStream>>>>;

pub struct Relay {
    pub port: u16,
    open: Open,
}

impl Relay {
    /// Relays to this port of the loopback.
    pub fn to(server: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let open: Open = Arc::new(Mutex::new(Some(Vec::new())));
        let connections = Arc::clone(&open);
        thread::spawn(move || {
            for one in listener.incoming().map_while(Result::ok) {
                // While cut, a new connection is closed at once.
                if let Some(connections) = connections.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
                    let Ok(other) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)) else { continue };
                    copy(&one, &other);
                    copy(&other, &one);
                    connections.extend([one, other]);
                }
            }
        });
        Self { port, open }
    }

    /// Closes all connections in both directions.
    pub fn cut(&self) {
        let connections = self.open.lock().unwrap_or_else(PoisonError::into_inner).take();
        for connection in connections.into_iter().flatten() {
            // One that is closed already is fine.
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    /// Accepts connections again.
    pub fn restore(&self) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default();
    }
}

fn copy(from: &TcpStream, to: &TcpStream) {
    let (mut from, mut to) = (from.try_clone().expect("a handle"), to.try_clone().expect("a handle"));
    thread::spawn(move || {
        // The end of one direction ends both.
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
}
