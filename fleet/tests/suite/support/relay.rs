//! The way between a seat and its server, and somebody who cuts it.

use std::io;
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// What goes through; `None` while it is cut.
type Open = Arc<Mutex<Option<Vec<TcpStream>>>>;

/// A port that leads to another.
pub struct Relay {
    pub port: u16,
    open: Open,
}

impl Relay {
    /// Leads to this port of the loopback.
    pub fn to(server: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let open: Open = Arc::new(Mutex::new(Some(Vec::new())));
        let ways = Arc::clone(&open);
        thread::spawn(move || {
            for one in listener.incoming().map_while(Result::ok) {
                // While it is cut whoever comes is hung up on.
                if let Some(ways) = ways.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
                    let Ok(other) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)) else { continue };
                    copy(&one, &other);
                    copy(&other, &one);
                    ways.extend([one, other]);
                }
            }
        });
        Self { port, open }
    }

    /// Cuts it in the middle of whatever goes through.
    pub fn cut(&self) {
        let ways = self.open.lock().unwrap_or_else(PoisonError::into_inner).take();
        for way in ways.into_iter().flatten() {
            // Who has hung up already needs no other word.
            let _ = way.shutdown(Shutdown::Both);
        }
    }

    /// It leads there again.
    pub fn restore(&self) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default();
    }
}

fn copy(from: &TcpStream, to: &TcpStream) {
    let (mut from, mut to) = (from.try_clone().expect("a handle"), to.try_clone().expect("a handle"));
    thread::spawn(move || {
        // However it ends, it ends for both.
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
}
