//! Reads the terminal: without a timeout while nothing is pending, otherwise until the pending item's deadline.

use std::io;
use std::thread;
use std::time::Instant;

use super::{Input, Stage};

/// Reads the terminal in a blocking thread until `take` returns `false`; calls `closed` when the terminal is gone.
///
/// # Errors
/// If the system has no thread left.
pub fn read_all(
    mut take: impl FnMut(Input) -> bool + Send + 'static,
    closed: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    let read = move || {
        let mut source = Source::default();
        while let Ok(inputs) = source.read() {
            for input in inputs {
                if !take(input) {
                    return;
                }
            }
        }
        closed();
    };
    thread::Builder::new().name("input".into()).spawn(read).map(drop)
}

/// The terminal and its input pipeline.
#[derive(Debug, Default)]
struct Source {
    stage: Stage,
}

impl Source {
    /// The next inputs; empty if only a part of one arrived.
    ///
    /// # Errors
    /// If the terminal is gone or its input has ended.
    fn read(&mut self) -> io::Result<Vec<Input>> {
        let wait = self.stage.deadline().map(|end| end.saturating_duration_since(Instant::now()));
        match system::read(wait, &mut self.stage)? {
            Some(inputs) => Ok(inputs),
            None => Ok(self.stage.pause(Instant::now())),
        }
    }
}

#[cfg(unix)]
mod system {
    use std::io;
    use std::time::{Duration, Instant};

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::io::{Errno, read as read_bytes};
    use rustix::stdio::stdin;

    use super::super::{Input, Stage};

    /// The bytes read; `None` if there were none in this time.
    pub fn read(wait: Option<Duration>, stage: &mut Stage) -> io::Result<Option<Vec<Input>>> {
        // One millisecond more, so that the wait does not end just before the deadline.
        let wait = wait.and_then(|wait| Timespec::try_from(wait + Duration::from_millis(1)).ok());
        let input = stdin();
        match poll(&mut [PollFd::new(&input, PollFlags::IN)], wait.as_ref()) {
            Ok(0) => return Ok(None),
            Ok(_) => {}
            Err(Errno::INTR) => return Ok(Some(Vec::new())),
            Err(e) => return Err(e.into()),
        }
        let mut bytes = [0; 4096];
        match read_bytes(stdin(), &mut bytes) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(length) => Ok(Some(stage.bytes(&bytes[..length], Instant::now()))),
            Err(Errno::INTR | Errno::AGAIN) => Ok(Some(Vec::new())),
            Err(e) => Err(e.into()),
        }
    }
}

#[cfg(windows)]
mod system {
    use std::io;
    use std::time::{Duration, Instant};

    use crossterm::event::{Event, poll, read as read_event};

    use super::super::console::token;
    use super::super::{Input, Stage};

    /// The events read; `None` if there were none in this time.
    pub fn read(wait: Option<Duration>, stage: &mut Stage) -> io::Result<Option<Vec<Input>>> {
        if let Some(wait) = wait
            && !poll(wait)?
        {
            return Ok(None);
        }
        let event = read_event()?;
        if let Event::Resize(..) = event {
            return Ok(Some(vec![Input::Resize]));
        }
        Ok(Some(token(event).map(|token| stage.token(token, Instant::now())).unwrap_or_default()))
    }
}
