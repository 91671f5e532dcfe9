//! The terminal as the system has it: its modes, its size, and writes that wait for no terminal that does not read.

pub use system::Tty;

/// The largest window that is drawn on, columns and rows; of a larger one the rest stays empty.
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

    /// Where the terminal can't be opened once more, it is written to in pieces so small that they find room or don't.
    const PIECE: usize = 256;

    /// The terminal, and its modes as they were.
    #[derive(Debug)]
    pub struct Tty {
        /// Opened once more, not to block: the shell shares the standard streams' own flags. `None`: it can't be.
        out: Option<OwnedFd>,
        before: Termios,
    }

    impl Tty {
        pub fn open() -> io::Result<Self> {
            let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
            let out = ttyname(stdout(), Vec::new()).and_then(|path| open(path, flags, Mode::empty())).ok();
            Ok(Self { out, before: tcgetattr(stdin())? })
        }

        /// Takes every key as it comes.
        pub fn raw(&self) -> io::Result<()> {
            let mut modes = self.before.clone();
            modes.make_raw();
            Ok(tcsetattr(stdin(), OptionalActions::Now, &modes)?)
        }

        /// Its modes as they were before.
        pub fn restore(&self) {
            let _ = tcsetattr(stdin(), OptionalActions::Now, &self.before);
        }

        /// Its columns and rows.
        pub fn size() -> Option<(u16, u16)> {
            tcgetwinsize(stdout()).ok().map(|size| (size.ws_col, size.ws_row))
        }

        /// Writes what it takes within `patience`, and answers how much that was.
        pub fn write(&self, bytes: &[u8], patience: Duration) -> io::Result<usize> {
            let end = Instant::now() + patience;
            let mut written = 0;
            while written < bytes.len() {
                let rest = &bytes[written..];
                let result = match &self.out {
                    Some(out) => write(out, rest),
                    None if takes(stdout(), Duration::ZERO)? => write(stdout(), &rest[..rest.len().min(PIECE)]),
                    None => Err(Errno::AGAIN),
                };
                match result {
                    Ok(more) => written += more,
                    Err(Errno::INTR) => {}
                    Err(Errno::AGAIN) => {
                        let left = end.saturating_duration_since(Instant::now());
                        let out = self.out.as_ref().map_or(stdout(), AsFd::as_fd);
                        if left.is_zero() || !takes(out, left)? {
                            break;
                        }
                    }
                    Err(e) => return Err(e.into()),
                }
            }
            Ok(written)
        }
    }

    /// Whether the terminal takes something within this time.
    fn takes(out: BorrowedFd<'_>, wait: Duration) -> io::Result<bool> {
        let wait = Timespec::try_from(wait).ok();
        match poll(&mut [PollFd::new(&out, PollFlags::OUT)], wait.as_ref()) {
            Ok(ready) => Ok(ready > 0),
            Err(Errno::INTR) => Ok(false),
            Err(e) => Err(e.into()),
        }
    }
}

#[cfg(windows)]
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

        /// Takes every key as it comes.
        pub fn raw(&self) -> io::Result<()> {
            enable_raw_mode()
        }

        /// Its modes as they were before.
        pub fn restore(&self) {
            let _ = disable_raw_mode();
        }

        /// Its columns and rows.
        pub fn size() -> Option<(u16, u16)> {
            size().ok()
        }

        /// Writes all of it: a console takes everything, or is stopped with its window.
        pub fn write(&self, bytes: &[u8], _patience: Duration) -> io::Result<usize> {
            let mut out = io::stdout().lock();
            out.write_all(bytes).and_then(|()| out.flush()).map(|()| bytes.len())
        }
    }
}
