//! One local connection, read and written with a deadline: a slow peer is disconnected.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use interprocess::local_socket::Stream;
use interprocess::local_socket::traits::Stream as _;

use super::message::MAX_LINE;

/// A connection and the received part of the next line.
#[derive(Debug)]
pub struct Pipe {
    /// Shared with the thread that may shut the connection down.
    stream: Arc<Stream>,
    received: Vec<u8>,
}

impl Pipe {
    pub fn new(stream: impl Into<Arc<Stream>>) -> Self {
        let stream = stream.into();
        // A named pipe has no timeouts but can be polled. Polling reports "no data" both for a silent peer and for a
        // closed one, so a closed one is noticed at the deadline. A pipe that can't be polled blocks its own thread
        // only.
        #[cfg(windows)]
        let _ = stream.set_nonblocking(true);
        Self { stream, received: Vec::new() }
    }

    /// Waits without a limit until data arrives and returns `true`; `false` if the peer has closed the connection. The
    /// data is returned by the next [`Self::line`].
    ///
    /// # Errors
    /// The I/O error.
    pub fn wait(&mut self) -> io::Result<bool> {
        if !self.received.is_empty() {
            return Ok(true);
        }
        #[cfg(unix)]
        self.stream.set_recv_timeout(None)?;
        #[cfg(windows)]
        self.stream.set_nonblocking(false)?;
        let mut bytes = [0; 1024];
        let count = loop {
            match (&*self.stream).read(&mut bytes) {
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if e.kind() == ErrorKind::BrokenPipe => break 0,
                other => break other?,
            }
        };
        #[cfg(windows)]
        self.stream.set_nonblocking(true)?;
        self.received.extend_from_slice(&bytes[..count]);
        Ok(count > 0)
    }

    /// The next line, including its line break; `None` if the peer has closed the connection.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] at the deadline, [`ErrorKind::InvalidData`] if the line is too long.
    pub fn line(&mut self, deadline: Instant) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(at) = self.received.iter().position(|b| *b == b'\n') {
                let rest = self.received.split_off(at + 1);
                return Ok(Some(std::mem::replace(&mut self.received, rest)));
            }
            if self.received.len() >= MAX_LINE {
                return Err(ErrorKind::InvalidData.into());
            }
            let mut bytes = [0; 1024];
            let room = bytes.len().min(MAX_LINE - self.received.len());
            match self.with_deadline(deadline, |mut stream| stream.read(&mut bytes[..room]))? {
                0 => return Ok(None),
                count => self.received.extend_from_slice(&bytes[..count]),
            }
        }
    }

    /// Writes all of it.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] if the peer did not read in time.
    pub fn write(&mut self, bytes: &[u8], deadline: Instant) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.with_deadline(deadline, |mut stream| stream.write(rest))? {
                0 => return Err(ErrorKind::WriteZero.into()),
                count => rest = &rest[count..],
            }
        }
        Ok(())
    }

    fn with_deadline(
        &mut self,
        deadline: Instant,
        mut operation: impl FnMut(&Stream) -> io::Result<usize>,
    ) -> io::Result<usize> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left < Duration::from_millis(1) {
                return Err(ErrorKind::TimedOut.into());
            }
            #[cfg(unix)]
            {
                self.stream.set_recv_timeout(Some(left))?;
                self.stream.set_send_timeout(Some(left))?;
            }
            match operation(&self.stream) {
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    #[cfg(windows)]
                    std::thread::sleep(Duration::from_millis(1));
                }
                #[cfg(windows)]
                Ok(0) => std::thread::sleep(Duration::from_millis(1)),
                // On Windows, a closed peer is an error.
                Err(e) if e.kind() == ErrorKind::BrokenPipe => return Ok(0),
                other => return other,
            }
        }
    }
}
