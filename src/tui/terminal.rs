//! The terminal: entered, drawn on and left, also on a panic or a signal. The only place that writes escape codes.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::clipboard::CopyToClipboard;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, queue};
use ratatui::backend::CrosstermBackend;
use ratatui::{Frame, Terminal};

/// Whether the terminal is entered, so that a panic knows whether to leave it.
static ENTERED: AtomicBool = AtomicBool::new(false);

/// Collects a whole frame, so that it reaches the terminal in one write.
#[derive(Clone, Debug, Default)]
struct Whole(Rc<RefCell<Vec<u8>>>);

impl Write for Whole {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        // ratatui flushes in mid-frame; a frame is sent by `Screen::send`.
        Ok(())
    }
}

/// An entered terminal; left when it goes.
#[derive(Debug)]
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Whole>>,
    frame: Whole,
}

impl Screen {
    /// Enters: raw mode, the alternate screen, bracketed paste. A panic from here on leaves first.
    ///
    /// # Errors
    /// Where stdout is no terminal that can be entered.
    pub fn enter() -> io::Result<Self> {
        leave_on_panic();
        let frame = Whole::default();
        let mut screen = Self { terminal: Terminal::new(CrosstermBackend::new(frame.clone()))?, frame };
        screen.resume()?;
        Ok(screen)
    }

    /// Enters again after [`Screen::suspend`]; the next drawing draws everything.
    ///
    /// # Errors
    /// As [`Screen::enter`].
    pub fn resume(&mut self) -> io::Result<()> {
        enable_raw_mode()?;
        ENTERED.store(true, Ordering::SeqCst);
        // A new terminal has drawn nothing yet, so its next frame is whole. `Terminal::clear` would ask the terminal
        // where its cursor is, and wait for the answer.
        self.terminal = Terminal::new(CrosstermBackend::new(self.frame.clone()))?;
        let out = self.terminal.backend_mut();
        queue!(out, EnterAlternateScreen, Clear(ClearType::All))?;
        // A console without bracketed paste says so by an error; pastes are then found by their speed.
        let _ = queue!(out, EnableBracketedPaste);
        Ok(())
    }

    /// Leaves for a while.
    pub fn suspend(&mut self) {
        leave();
    }

    /// Draws one frame: only the cells that changed, in one write, shown at once.
    ///
    /// # Errors
    /// Where the terminal is gone.
    pub fn draw<T: Default>(&mut self, draw: impl FnOnce(&mut Frame<'_>) -> T) -> io::Result<T> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        let mut drawn = T::default();
        self.terminal.draw(|frame| drawn = draw(frame))?;
        queue!(self.terminal.backend_mut(), EndSynchronizedUpdate)?;
        self.send()?;
        Ok(drawn)
    }

    /// Hands a text to the terminal's clipboard (OSC 52).
    ///
    /// # Errors
    /// Where the terminal is gone.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), CopyToClipboard::to_clipboard_from(text))?;
        self.send()
    }

    fn send(&mut self) -> io::Result<()> {
        let mut bytes = self.frame.0.borrow_mut();
        let mut out = io::stdout().lock();
        let sent = out.write_all(&bytes).and_then(|()| out.flush());
        bytes.clear();
        sent
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        leave();
    }
}

/// Leaves the terminal as it was, once; errors are of no use to anybody here.
pub fn leave() {
    if ENTERED.swap(false, Ordering::SeqCst) {
        let mut out = io::stdout();
        let _ = queue!(out, EndSynchronizedUpdate, DisableBracketedPaste);
        let _ = queue!(out, LeaveAlternateScreen, cursor::Show);
        let _ = out.flush();
        let _ = disable_raw_mode();
    }
}

/// A panic leaves the terminal before it is told, or its words would vanish with the alternate screen.
fn leave_on_panic() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let told = std::panic::take_hook();
        let main = std::thread::current().id();
        std::panic::set_hook(Box::new(move |panic| {
            // A helper thread that dies must not take the script off the screen.
            if std::thread::current().id() == main {
                leave();
                told(panic);
            } else if crate::helper::is_watched() || !ENTERED.load(Ordering::SeqCst) {
                // Where somebody watches it is reported to them, not printed.
                told(panic);
            }
        }));
    });
}
