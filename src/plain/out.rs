//! Writes standard output in a thread of its own, so that the loop still handles events while the reader does not read.
//! The buffer is bounded; a write into a full one blocks until the reader reads or a signal ends the program.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::run::is_ending;
use penutup_system::thread::join_ended;

/// The capacity of the buffer in bytes.
const MOST: usize = 64 * 1024;
/// How long a write waits for the reader.
const WRITE_WAIT: Duration = Duration::from_millis(100);
/// How often a blocked write checks for signals.
const SIGNAL_CHECK: Duration = Duration::from_millis(50);
/// How long the reader has for the last lines after a signal.
const LAST_WAIT: Duration = Duration::from_millis(500);

#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// Whether the thread is writing bytes that it took from the buffer.
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

    /// Writes the buffer until it is closed or the reader is gone.
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

/// A writer into the buffer of the thread.
pub struct Out {
    shared: Arc<Shared>,
    /// `None` once it is joined.
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Out {
    /// Omits the buffer: names are in it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Out").finish_non_exhaustive()
    }
}

impl Out {
    pub fn to(out: impl Write + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let for_thread = Arc::clone(&shared);
        let thread = thread::Builder::new().name("output".into()).spawn(move || for_thread.write_all(out))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Waits until `is_met` returns `true`, the reader is gone, or `patience` has passed since a signal that ends the
    /// program.
    fn until(&self, is_met: impl Fn(&Waiting) -> bool, patience: Duration) -> MutexGuard<'_, Waiting> {
        let mut ending = None;
        let mut waiting = self.shared.lock();
        while !is_met(&waiting) && waiting.error.is_none() {
            if is_ending() && ending.get_or_insert_with(Instant::now).elapsed() >= patience {
                break;
            }
            waiting = self.shared.changed.wait_timeout(waiting, SIGNAL_CHECK).unwrap_or_else(PoisonError::into_inner).0;
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
        self.shared.changed.notify_all();
        // Usually it is written at once; this also notices a reader that is gone.
        let end = Instant::now() + WRITE_WAIT;
        let waiting = self.until(|w| w.bytes.is_empty() && !w.writing || Instant::now() >= end, Duration::ZERO);
        waiting.error.as_ref().map_or(Ok(bytes.len()), |error| Err(error.kind().into()))
    }

    /// The thread flushes after each write.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Out {
    /// Waits until everything is written, unless the reader does not read.
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
        let is_written = |waiting: &Waiting| waiting.bytes.is_empty() && !waiting.writing;
        let waiting = self.until(is_written, LAST_WAIT);
        let ends = is_written(&waiting) || waiting.error.is_some();
        drop(waiting);
        if let Some(thread) = self.thread.take_if(|_| ends) {
            join_ended(thread);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::*;

    /// A slow output: each write waits for a permission.
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
    fn dropping_the_output_waits_until_everything_is_written() {
        let (permit, permission) = channel();
        let (sent, written) = channel();
        let mut out = Out::to(Slow(permission, sent)).expect("a thread");
        out.write_all(b"satu\n").expect("room");
        out.write_all(b"dua\n").expect("room");
        for _ in 0..2 {
            let _ = permit.send(());
        }
        drop(out);
        assert_eq!(written.iter().sum::<usize>(), 9);
    }

    #[test]
    fn a_write_after_the_reader_is_gone_is_an_error() {
        let (permit, permission) = channel::<()>();
        let mut out = Out::to(Slow(permission, channel().0)).expect("a thread");
        out.write_all(b"satu\n").expect("room");
        drop(permit);
        let error = std::iter::repeat_with(|| out.write_all(b"dua\n")).find_map(Result::err);
        assert_eq!(error.map(|e| e.kind()), Some(io::ErrorKind::BrokenPipe));
    }
}
