//! Standard output, written in a thread of its own, so that a reader that does not read makes nobody deaf. Up to a bound it
//! may lag behind; then whoever says more waits for it, and no longer than until a signal ends the program.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::run::is_ending;

/// So many bytes may wait to be read.
const MOST: usize = 64 * 1024;
/// How long a reader that reads may take.
const SOON: Duration = Duration::from_millis(100);
/// While it waits, signals are looked for this often.
const LOOK: Duration = Duration::from_millis(50);
/// How long a reader has for the last words when a signal ends the program.
const LAST: Duration = Duration::from_millis(500);

#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// Whether the thread has taken bytes that are not written yet.
    writing: bool,
    error: Option<io::Error>,
    closed: bool,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what waits, until nothing more comes or the reader is gone.
    fn write_all(&self, mut out: impl Write) {
        loop {
            let mut waiting = self.lock();
            while waiting.bytes.is_empty() && !waiting.closed {
                waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            }
            if waiting.bytes.is_empty() {
                return;
            }
            let bytes = std::mem::take(&mut waiting.bytes);
            waiting.writing = true;
            drop(waiting);
            let written = out.write_all(&bytes).and_then(|()| out.flush());
            let mut waiting = self.lock();
            waiting.writing = false;
            let failed = written.is_err();
            waiting.error = written.err();
            self.changed.notify_all();
            if failed {
                return;
            }
        }
    }
}

/// The way to it.
pub struct Out(Arc<Shared>);

impl std::fmt::Debug for Out {
    /// Prints nothing of what waits to be written: names are in it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Out").finish_non_exhaustive()
    }
}

impl Out {
    pub fn to(out: impl Write + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        thread::Builder::new().name("output".into()).spawn(move || theirs.write_all(out))?;
        Ok(Self(shared))
    }

    /// Waits until it is so, or the reader is gone, or the program has been ending for so long.
    fn until(&self, is: impl Fn(&Waiting) -> bool, patience: Duration) -> MutexGuard<'_, Waiting> {
        let mut ending = None;
        let mut waiting = self.0.lock();
        while !is(&waiting) && waiting.error.is_none() {
            if is_ending() && ending.get_or_insert_with(Instant::now).elapsed() >= patience {
                break;
            }
            waiting = self.0.changed.wait_timeout(waiting, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
        waiting
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut waiting = self.until(|w| w.bytes.len() < MOST, Duration::ZERO);
        if let Some(error) = &waiting.error {
            return Err(error.kind().into());
        }
        if waiting.bytes.len() >= MOST {
            return Err(io::ErrorKind::TimedOut.into());
        }
        waiting.bytes.extend_from_slice(bytes);
        drop(waiting);
        self.0.changed.notify_all();
        // A reader that reads takes it at once, and one that is gone is found out here.
        let end = Instant::now() + SOON;
        let waiting = self.until(|w| w.bytes.is_empty() && !w.writing || Instant::now() >= end, Duration::ZERO);
        waiting.error.as_ref().map_or(Ok(bytes.len()), |error| Err(error.kind().into()))
    }

    /// It is written as soon as it can be.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Out {
    /// Nothing that was said is lost to a reader that still reads.
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.changed.notify_all();
        drop(self.until(|waiting| waiting.bytes.is_empty() && !waiting.writing, LAST));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::*;

    /// A reader that takes what it is given permission for.
    struct Slow(std::sync::mpsc::Receiver<()>, Sender<usize>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.recv().map_err(|_| io::ErrorKind::BrokenPipe)?;
            let _ = self.1.send(bytes.len());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn everything_is_written_before_it_is_gone() {
        let (may, permission) = channel();
        let (told, written) = channel();
        let mut out = Out::to(Slow(permission, told)).expect("a thread");
        out.write_all(b"satu\n").expect("room");
        out.write_all(b"dua\n").expect("room");
        for _ in 0..2 {
            let _ = may.send(());
        }
        drop(out);
        assert_eq!(written.iter().sum::<usize>(), 9);
    }

    #[test]
    fn a_reader_that_is_gone_is_told_to_whoever_says_more() {
        let (may, permission) = channel::<()>();
        let mut out = Out::to(Slow(permission, channel().0)).expect("a thread");
        out.write_all(b"satu\n").expect("room");
        drop(may);
        let error = std::iter::repeat_with(|| out.write_all(b"dua\n")).find_map(Result::err);
        assert_eq!(error.map(|e| e.kind()), Some(io::ErrorKind::BrokenPipe));
    }
}
