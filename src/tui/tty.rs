//! The terminal device: modes, size, and writes that don't block on a terminal that does not read.

pub use system::Tty;

/// The most columns and rows that are drawn; the rest of a larger window stays empty.
pub const LARGEST: (u16, u16) = (1000, 400);

#[cfg(unix)]
mod system {
    use std::io;
    use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
    use std::time::{Duration, Instant};

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::fs::{Mode, OFlags, open};
    use rustix::io::{Errno, write};
    use rustix::stdio::{stdin, stdout};
    use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr, ttyname};

    /// If the terminal can't be opened non-blocking, it is written to in pieces so small that a write does not block.
    const PIECE: usize = 256;

    /// The terminal and its original modes.
    #[derive(Debug)]
    pub struct Tty {
        /// Opened again as non-blocking, since the flags of standard output are shared with the shell. `None` if that
        /// fails.
        out: Option<OwnedFd>,
        before: Termios,
    }

    impl Tty {
        pub fn open() -> io::Result<Self> {
            let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
            let out = ttyname(stdout(), Vec::new()).and_then(|path| open(path, flags, Mode::empty())).ok();
            Ok(Self { out, before: tcgetattr(stdin())? })
        }

        /// Enters raw mode.
        pub fn raw(&self) -> io::Result<()> {
            let mut modes = self.before.clone();
            modes.make_raw();
            Ok(tcsetattr(stdin(), OptionalActions::Now, &modes)?)
        }

        /// Restores the original modes.
        pub fn restore(&self) {
            let _ = tcsetattr(stdin(), OptionalActions::Now, &self.before);
        }

        /// Columns and rows.
        pub fn size() -> Option<(u16, u16)> {
            tcgetwinsize(stdout()).ok().map(|size| (size.ws_col, size.ws_row))
        }

        /// Writes what the terminal accepts within `patience`. Returns how much that was.
        pub fn write(&self, bytes: &[u8], patience: Duration) -> io::Result<usize> {
            let end = Instant::now() + patience;
            let mut written = 0;
            while written < bytes.len() {
                let rest = &bytes[written..];
                let result = match &self.out {
                    Some(out) => write(out, rest),
                    None if is_writable(stdout(), Duration::ZERO)? => write(stdout(), &rest[..rest.len().min(PIECE)]),
                    None => Err(Errno::AGAIN),
                };
                match result {
                    Ok(more) => written += more,
                    Err(Errno::INTR) => {}
                    Err(Errno::AGAIN) => {
                        let left = end.saturating_duration_since(Instant::now());
                        let out = self.out.as_ref().map_or(stdout(), AsFd::as_fd);
                        if left.is_zero() || !is_writable(out, left)? {
                            break;
                        }
                    }
                    Err(e) => return Err(e.into()),
                }
            }
            Ok(written)
        }
    }

    /// Whether the terminal can be written to within this time.
    fn is_writable(out: BorrowedFd<'_>, wait: Duration) -> io::Result<bool> {
        let wait = Timespec::try_from(wait).ok();
        match poll(&mut [PollFd::new(&out, PollFlags::OUT)], wait.as_ref()) {
            Ok(ready) => Ok(ready > 0),
            Err(Errno::INTR) => Ok(false),
            Err(e) => Err(e.into()),
        }
    }
}

#[cfg(windows)]
#[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "the functions of the terminals of Unix")]
mod system {
    use std::io::{self, Write as _};
    use std::time::Duration;

    use crossterm::terminal::{disable_raw_mode, enable_raw_mode, size};

    /// The console.
    #[derive(Debug)]
    pub struct Tty;

    impl Tty {
        pub fn open() -> io::Result<Self> {
            Ok(Self)
        }

        /// Enters raw mode.
        pub fn raw(&self) -> io::Result<()> {
            enable_raw_mode()
        }

        /// Restores the original modes.
        pub fn restore(&self) {
            let _ = disable_raw_mode();
        }

        /// Columns and rows.
        pub fn size() -> Option<(u16, u16)> {
            size().ok()
        }

        /// Writes everything: a console accepts all output, or blocks while its window is paused.
        pub fn write(&self, bytes: &[u8], _patience: Duration) -> io::Result<usize> {
            let mut out = io::stdout().lock();
            out.write_all(bytes).and_then(|()| out.flush()).map(|()| bytes.len())
        }
    }
}
