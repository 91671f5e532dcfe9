//! One local connection, read and written with a deadline: whoever is slow is dropped, not waited for.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use interprocess::local_socket::Stream;
use interprocess::local_socket::traits::Stream as _;

use super::message::MAX_LINE;

/// A connection, and what of the next line has come.
#[derive(Debug)]
pub struct Pipe {
    /// Shared with whoever may end the connection from another thread.
    stream: Arc<Stream>,
    come: Vec<u8>,
}

impl Pipe {
    /// Around a connection.
    pub fn new(stream: impl Into<Arc<Stream>>) -> Self {
        let stream = stream.into();
        // A named pipe knows no time limits, but can be asked whether something is there. It answers "nothing" both of
        // what has not come yet and of who has gone, so that who has gone is found out at the deadline. Where it can't
        // be asked, a read of it is no trouble of anybody but its own thread's.
        #[cfg(windows)]
        let _ = stream.set_nonblocking(true);
        Self { stream, come: Vec::new() }
    }

    /// Waits, however long it takes, until something comes, and answers whether it did; `false` where the other side has
    /// gone. The next [`Self::line`] has it.
    ///
    /// # Errors
    /// What the system says.
    pub fn wait(&mut self) -> io::Result<bool> {
        if !self.come.is_empty() {
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
        self.come.extend_from_slice(&bytes[..count]);
        Ok(count > 0)
    }

    /// The next line, its end included; `None` where the other side has gone.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] where it did not come in time, [`ErrorKind::InvalidData`] where it is too long.
    pub fn line(&mut self, deadline: Instant) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(at) = self.come.iter().position(|b| *b == b'\n') {
                let rest = self.come.split_off(at + 1);
                return Ok(Some(std::mem::replace(&mut self.come, rest)));
            }
            if self.come.len() >= MAX_LINE {
                return Err(ErrorKind::InvalidData.into());
            }
            let mut bytes = [0; 1024];
            let room = bytes.len().min(MAX_LINE - self.come.len());
            match self.in_time(deadline, |mut stream| stream.read(&mut bytes[..room]))? {
                0 => return Ok(None),
                count => self.come.extend_from_slice(&bytes[..count]),
            }
        }
    }

    /// Writes all of it.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] where the other side did not take it in time.
    pub fn write(&mut self, bytes: &[u8], deadline: Instant) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.in_time(deadline, |mut stream| stream.write(rest))? {
                0 => return Err(ErrorKind::WriteZero.into()),
                count => rest = &rest[count..],
            }
        }
        Ok(())
    }

    fn in_time(&mut self, deadline: Instant, mut act: impl FnMut(&Stream) -> io::Result<usize>) -> io::Result<usize> {
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
            match act(&self.stream) {
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    #[cfg(windows)]
                    std::thread::sleep(Duration::from_millis(1));
                }
                #[cfg(windows)]
                Ok(0) => std::thread::sleep(Duration::from_millis(1)),
                // On Windows the other side's leaving is an error.
                Err(e) if e.kind() == ErrorKind::BrokenPipe => return Ok(0),
                other => return other,
            }
        }
    }
}
