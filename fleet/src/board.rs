//! A full-screen text that the caller redraws until the reader quits.

use std::io::{self, ErrorKind, Read as _, Stdout, Write as _};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::style::Print;
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};
use penutup_cli_kit::wrap::shorten;
use penutup_rules::text::clean;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

/// How often the window's size is checked.
const SIZE_CHECK: Duration = Duration::from_millis(200);

/// Whether the terminal is entered, so that it is restored once.
static ENTERED: AtomicBool = AtomicBool::new(false);

/// An entered terminal that shows a text; dropping it restores the terminal, and so does a panic.
#[derive(Debug)]
pub struct Board {
    out: Stdout,
    /// Completes when the reader quits or the terminal is gone.
    quit: oneshot::Receiver<()>,
}

/// What a reader did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    Quit,
    /// The window has another size.
    Resized,
}

impl Board {
    pub fn enter() -> io::Result<Self> {
        restore_before_panics();
        enable_raw_mode()?;
        ENTERED.store(true, Ordering::SeqCst);
        let (reader_quits, quit) = oneshot::channel();
        let mut board = Self { out: io::stdout(), quit };
        execute!(board.out, EnterAlternateScreen, Hide)?;
        // Reading can't be interrupted: at the end of the program the thread is left behind.
        thread::Builder::new().name("keys".into()).spawn(move || {
            read_until_quit();
            drop(reader_quits);
        })?;
        Ok(board)
    }

    /// Shows the first lines of a text.
    pub fn show(&mut self, text: &str) -> io::Result<()> {
        let frame = frame(text, size().unwrap_or_default())?;
        self.out.write_all(&frame)?;
        self.out.flush()
    }

    /// Waits for the reader to quit or to resize the window. `None` after `patience`.
    pub async fn wait(&mut self, patience: Duration) -> Option<Done> {
        let (end, before) = (Instant::now() + patience, size());
        loop {
            let left = end.saturating_duration_since(Instant::now());
            // Either outcome of the channel means that nothing more is read.
            if timeout(left.min(SIZE_CHECK), &mut self.quit).await.is_ok() {
                return Some(Done::Quit);
            }
            if size() != before {
                return Some(Done::Resized);
            }
            if left.is_zero() {
                return None;
            }
        }
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        restore();
    }
}

/// How many lines a terminal has.
pub fn height() -> Option<usize> {
    size().map(|(_, rows)| rows.into()).filter(|rows| *rows > 0)
}

fn size() -> Option<(u16, u16)> {
    crossterm::terminal::size().ok()
}

/// Restores the terminal, once. Errors are ignored, since there is no place to report them.
fn restore() {
    if ENTERED.swap(false, Ordering::SeqCst) {
        let _ = execute!(io::stdout(), EndSynchronizedUpdate, LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
    }
}

/// Restores the terminal before a panic message is printed; on the alternate screen the message would be lost.
fn restore_before_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let print_panic = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            restore();
            print_panic(panic);
        }));
    });
}

/// The output that shows the first lines of a text in a window of this size; no line is wrapped.
fn frame(text: &str, (columns, rows): (u16, u16)) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    queue!(out, BeginSynchronizedUpdate)?;
    let lines = text.lines().chain(std::iter::repeat(""));
    for (row, line) in (0..rows).zip(lines) {
        let line = shorten(&clean(line), columns.into());
        queue!(out, MoveTo(0, row), Clear(ClearType::CurrentLine), Print(line))?;
    }
    queue!(out, EndSynchronizedUpdate)?;
    Ok(out)
}

/// Reads keys until one of them quits or the terminal is gone.
fn read_until_quit() {
    let mut keys = [0; 64];
    loop {
        match io::stdin().lock().read(&mut keys) {
            Ok(0) => return,
            Ok(read) if quits(&keys[..read]) => return,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// Whether these keys, read at once, quit: `q`, Escape, Ctrl-C. A key such as an arrow begins with Escape, too.
fn quits(keys: &[u8]) -> bool {
    match keys {
        [0x1b] => true,
        [0x1b, ..] => false,
        keys => keys.iter().any(|key| matches!(key, b'q' | 0x03)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_replaces_the_one_before_and_keeps_to_the_window() {
        let mut screen = vt100::Parser::new(3, 10, 0);
        screen.process(&frame("satu\ndua\ntiga\nempat", (10, 3)).unwrap());
        assert_eq!(screen.screen().contents(), "satu\ndua\ntiga");
        screen.process(&frame("a line that is too long\n1234567890", (10, 3)).unwrap());
        assert_eq!(screen.screen().contents(), "a line th…\n1234567890");
        assert_eq!(frame("text", (0, 0)).unwrap(), b"\x1b[?2026h\x1b[?2026l");
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let mut screen = vt100::Parser::new(2, 40, 0);
        screen.process(&frame("a\u{1b}[2Jb\tc\u{7}", (40, 2)).unwrap());
        assert_eq!(screen.screen().contents(), "a[2Jb c");
    }

    #[test]
    fn q_escape_and_ctrl_c_quit_and_arrows_do_not() {
        for keys in [&b"q"[..], b"\x1b", b"\x03", b"xq"] {
            assert!(quits(keys), "{keys:?}");
        }
        for keys in [&b"\x1b[A"[..], b"x", b"\x1bq"] {
            assert!(!quits(keys), "{keys:?}");
        }
    }
}
