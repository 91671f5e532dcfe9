//! Enters the terminal, draws on it and restores it, also on a panic or a signal. The only module that writes escape
//! codes.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crossterm::clipboard::CopyToClipboard;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
};
use crossterm::{cursor, queue};
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Frame, Terminal, TerminalOptions, Viewport};

use super::theme::{self, Colours, TerminalColours, Theme};
use super::tty::{LARGEST, Tty};
use crate::input::TerminalReply;

/// How long writing a frame may block on a slow terminal; short enough not to be noticed.
const FRAME_TIMEOUT: Duration = Duration::from_millis(40);
/// How long restoring the terminal may block.
const LEAVE_TIMEOUT: Duration = Duration::from_millis(300);

/// Asks whether the terminal supports the kitty keyboard protocol; others don't answer.
const ASK_KEYBOARD: &[u8] = b"\x1b[?u";
/// Asks for a report of every key press, repeat and release, with the text that it types.
const REPORT_KEYS: &[u8] = b"\x1b[>27u";
/// Stops these reports.
const REPORT_NO_KEYS: &[u8] = b"\x1b[<u";

/// Asks for the colour of the background (OSC 11).
const ASK_BACKGROUND: &[u8] = b"\x1b]11;?\x1b\\";

/// The entered terminal, so that a panic or a signal can restore it.
static ENTERED: Mutex<Option<Entered>> = Mutex::new(None);

/// The terminal to restore, and the output that it has not read yet.
#[derive(Debug)]
struct Entered {
    tty: Tty,
    unread: Vec<u8>,
    reports_keys: bool,
}

impl Entered {
    fn write(&mut self, bytes: &[u8], patience: Duration) -> io::Result<()> {
        self.unread.extend_from_slice(bytes);
        let written = self.tty.write(&self.unread, patience)?;
        self.unread.drain(..written);
        Ok(())
    }
}

fn entered() -> MutexGuard<'static, Option<Entered>> {
    ENTERED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Collects a frame, so that it reaches the terminal in one write.
#[derive(Clone, Debug, Default)]
struct FrameBuffer(Rc<RefCell<Vec<u8>>>);

impl Write for FrameBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        // ratatui flushes in mid-frame; `Screen::send` writes the whole frame.
        Ok(())
    }
}

/// An entered terminal, restored when it is dropped.
#[derive(Debug)]
pub struct Screen {
    terminal: Terminal<CrosstermBackend<FrameBuffer>>,
    frame: FrameBuffer,
    area: Rect,
    theme: Theme,
    colours: TerminalColours,
    /// Whether the terminal is still to be asked for its background: after the first frame.
    asks_background: bool,
}

impl Screen {
    /// Enters raw mode, the alternate screen and bracketed paste. From here on a panic restores the terminal first.
    pub fn enter(theme: Theme) -> io::Result<Self> {
        leave_on_panic();
        let frame = FrameBuffer::default();
        let rich = theme::says_rich(std::env::var("COLORTERM").ok().as_deref());
        // Only a terminal with more colours than sixteen has a palette for its background; the Linux console prints
        // unknown sequences.
        let asks_background =
            rich && theme == Theme::Terminal && std::env::var("TERM").is_ok_and(|term| term != "linux");
        let (area, colours) = (Rect::default(), TerminalColours { rich, background: None });
        let mut screen = Self { terminal: terminal(&frame, area)?, frame, area, theme, colours, asks_background };
        screen.resume()?;
        Ok(screen)
    }

    /// Enters the terminal, also after [`Screen::suspend`] or a stop. The next frame is drawn completely.
    pub fn resume(&mut self) -> io::Result<()> {
        let mut entered = entered();
        // If it is entered already, its modes are not the original ones, so the known ones are kept.
        let mut now = match entered.take() {
            Some(entered) => entered,
            None => Entered { tty: Tty::open()?, unread: Vec::new(), reports_keys: false },
        };
        let raw = now.tty.raw();
        now.reports_keys = false;
        *entered = Some(now);
        drop(entered);
        raw?;
        let mut out = self.frame.clone();
        queue!(out, EnterAlternateScreen)?;
        // An error means that the console has no bracketed paste; pastes are then recognized by their speed.
        let _ = queue!(out, EnableBracketedPaste);
        out.write_all(ASK_KEYBOARD)?;
        self.redraw()
    }

    /// Makes the next frame complete: also after a resize to the same size, since the window may have been smaller in between and
    /// have cut what it showed.
    pub fn redraw(&mut self) -> io::Result<()> {
        // A new `Terminal` has drawn nothing, so its next frame is complete. `Terminal::clear` would block on a cursor
        // position report.
        self.terminal = terminal(&self.frame, self.area)?;
        queue!(self.terminal.backend_mut(), Clear(ClearType::All))
    }

    pub fn suspend(&mut self) {
        leave();
    }

    /// Draws a frame: only the changed cells, in one synchronized write. Returns `None`, without drawing, if the
    /// terminal has not read the last frame yet.
    pub fn draw<T: Default>(&mut self, draw: impl FnOnce(&mut Frame<'_>, Colours) -> T) -> io::Result<Option<T>> {
        if self.is_behind()? {
            return Ok(None);
        }
        let size = Tty::size().unwrap_or_default();
        let area = Rect::new(0, 0, size.0.min(LARGEST.0), size.1.min(LARGEST.1));
        if std::mem::replace(&mut self.area, area) != area {
            self.redraw()?;
        }
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        let (mut drawn, colours) = (T::default(), Colours::of(self.theme, self.colours));
        self.terminal.draw(|frame| drawn = draw(frame, colours))?;
        queue!(self.terminal.backend_mut(), EndSynchronizedUpdate)?;
        if std::mem::take(&mut self.asks_background) {
            self.frame.write_all(ASK_BACKGROUND)?;
        }
        self.send()?;
        Ok(Some(drawn))
    }

    /// Sends unread output, and returns whether some is still left.
    pub fn is_behind(&mut self) -> io::Result<bool> {
        let mut entered = entered();
        let Some(now) = &mut *entered else { return Ok(false) };
        if !now.unread.is_empty() {
            now.write(&[], FRAME_TIMEOUT)?;
        }
        Ok(!now.unread.is_empty())
    }

    /// Copies a text with the terminal's clipboard sequence (OSC 52).
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), CopyToClipboard::to_clipboard_from(text))?;
        self.send()
    }

    /// The terminal answered what it was asked.
    ///
    /// # Errors
    /// Where the terminal is gone.
    pub fn answered(&mut self, answer: TerminalReply) -> io::Result<()> {
        match answer {
            TerminalReply::Background(colour) => self.colours.background = Some(colour),
            TerminalReply::Keyboard => {
                if let Some(now) = &mut *entered()
                    && !std::mem::replace(&mut now.reports_keys, true)
                {
                    now.write(REPORT_KEYS, FRAME_TIMEOUT)?;
                }
            }
        }
        Ok(())
    }

    fn send(&mut self) -> io::Result<()> {
        let bytes = std::mem::take(&mut *self.frame.0.borrow_mut());
        entered().as_mut().map_or(Ok(()), |now| now.write(&bytes, FRAME_TIMEOUT))
    }
}

/// A `Terminal` that has drawn nothing.
fn terminal(frame: &FrameBuffer, area: Rect) -> io::Result<Terminal<CrosstermBackend<FrameBuffer>>> {
    let viewport = Viewport::Fixed(area);
    Terminal::with_options(CrosstermBackend::new(frame.clone()), TerminalOptions { viewport })
}

impl Drop for Screen {
    fn drop(&mut self) {
        leave();
    }
}

/// Restores the terminal, once. Errors are ignored, since nobody could be told, and a terminal that does not read is
/// not waited for.
pub fn leave() {
    let Some(mut now) = entered().take() else { return };
    let mut out = Vec::new();
    if now.reports_keys {
        out.extend_from_slice(REPORT_NO_KEYS);
    }
    let _ = queue!(out, EndSynchronizedUpdate, DisableBracketedPaste);
    let _ = queue!(out, LeaveAlternateScreen, cursor::Show);
    let _ = now.write(&out, LEAVE_TIMEOUT);
    now.tty.restore();
}

/// Restores the terminal before a panic message is printed; on the alternate screen the message would be lost.
fn leave_on_panic() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let print_panic = std::panic::take_hook();
        let main = std::thread::current().id();
        std::panic::set_hook(Box::new(move |panic| {
            // A panic in a helper thread must not close the screen.
            if std::thread::current().id() == main {
                leave();
                print_panic(panic);
            } else if entered().is_none() || crate::helper::is_one() {
                // A helper's panic is reported on the screen instead.
                print_panic(panic);
            }
        }));
    });
}
