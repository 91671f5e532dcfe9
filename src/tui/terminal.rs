//! The terminal: entered, drawn on and left, also on a panic or a signal. The only place that writes escape codes.

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

use super::theme::{self, Theme};
use super::tty::{LARGEST, Tty};
use crate::input::TerminalReply;

/// How long a frame waits for a terminal that is slow to read: a person does not notice it.
const PATIENCE: Duration = Duration::from_millis(40);
/// How long the way out waits for it.
const LAST_PATIENCE: Duration = Duration::from_millis(300);

/// Asks whether the terminal knows the kitty keyboard protocol; one that does not says nothing.
const ASK_KEYBOARD: &[u8] = b"\x1b[?u";
/// Asks for the report of every key, with press, repeat, release and the text that it types.
const REPORT_KEYS: &[u8] = b"\x1b[>27u";
/// Takes that back.
const REPORT_NO_KEYS: &[u8] = b"\x1b[<u";
/// Asks whether the terminal has 16 million colours (XTGETTCAP `RGB` and `Tc`).
const ASK_COLOURS: &[u8] = b"\x1bP+q524742;5463\x1b\\";

/// The entered terminal, so that a panic or a signal can leave it.
static ENTERED: Mutex<Option<Entered>> = Mutex::new(None);

/// What has to be undone, and what was not written yet.
#[derive(Debug)]
struct Entered {
    tty: Tty,
    /// What the terminal did not read yet.
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
    area: Rect,
    /// Whether the terminal says that it has more colours than sixteen.
    rich: bool,
    /// Whether it is asked that, since it matters.
    asks_colours: bool,
}

impl Screen {
    /// Enters: raw mode, the alternate screen, bracketed paste. A panic from here on leaves first.
    ///
    /// # Errors
    /// Where stdout is no terminal that can be entered.
    pub fn enter(theme: Theme) -> io::Result<Self> {
        leave_on_panic();
        let frame = Whole::default();
        let rich = theme::says_rich(std::env::var("COLORTERM").ok().as_deref());
        // The console of Linux prints what it does not know.
        let asks_colours = !rich && theme.is_rich() && std::env::var("TERM").is_ok_and(|term| term != "linux");
        let area = Rect::default();
        let mut screen = Self { terminal: terminal(&frame, area)?, frame, area, rich, asks_colours };
        screen.resume()?;
        Ok(screen)
    }

    /// Enters, or enters again after [`Screen::suspend`] or a stop; the next drawing draws everything.
    ///
    /// # Errors
    /// As [`Screen::enter`].
    pub fn resume(&mut self) -> io::Result<()> {
        let mut entered = entered();
        // Its modes as they were are asked for only while they are.
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
        // A console without bracketed paste says so by an error; pastes are then found by their speed.
        let _ = queue!(out, EnableBracketedPaste);
        out.write_all(ASK_KEYBOARD)?;
        self.redraw()
    }

    /// The next drawing draws everything.
    ///
    /// # Errors
    /// Never: nothing is written yet.
    pub fn redraw(&mut self) -> io::Result<()> {
        // A new terminal has drawn nothing yet, so its next frame is whole. `Terminal::clear` would ask the terminal
        // where its cursor is, and wait for the answer.
        self.terminal = terminal(&self.frame, self.area)?;
        queue!(self.terminal.backend_mut(), Clear(ClearType::All))
    }

    /// Leaves for a while.
    pub fn suspend(&mut self) {
        leave();
    }

    /// Draws one frame: only the cells that changed, in one write, shown at once. `None`: the terminal has not read the
    /// last frame yet, so this one is left out.
    ///
    /// # Errors
    /// Where the terminal is gone.
    pub fn draw<T: Default>(&mut self, draw: impl FnOnce(&mut Frame<'_>) -> T) -> io::Result<Option<T>> {
        if self.is_behind()? {
            return Ok(None);
        }
        let size = Tty::size().unwrap_or_default();
        let area = Rect::new(0, 0, size.0.min(LARGEST.0), size.1.min(LARGEST.1));
        if std::mem::replace(&mut self.area, area) != area {
            self.redraw()?;
        }
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        let (mut drawn, rich) = (T::default(), self.rich);
        self.terminal.draw(|frame| {
            drawn = draw(frame);
            if !rich {
                theme::in_sixteen_colours(frame.buffer_mut());
            }
        })?;
        queue!(self.terminal.backend_mut(), EndSynchronizedUpdate)?;
        if std::mem::take(&mut self.asks_colours) {
            self.frame.write_all(ASK_COLOURS)?;
        }
        self.send()?;
        Ok(Some(drawn))
    }

    /// Whether the terminal has still not read what it was sent; what is left is sent first.
    ///
    /// # Errors
    /// Where the terminal is gone.
    pub fn is_behind(&mut self) -> io::Result<bool> {
        let mut entered = entered();
        let Some(now) = &mut *entered else { return Ok(false) };
        if !now.unread.is_empty() {
            now.write(&[], PATIENCE)?;
        }
        Ok(!now.unread.is_empty())
    }

    /// Hands a text to the terminal's clipboard (OSC 52).
    ///
    /// # Errors
    /// Where the terminal is gone.
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
            TerminalReply::TrueColour => self.rich = true,
            TerminalReply::Keyboard => {
                if let Some(now) = &mut *entered()
                    && !std::mem::replace(&mut now.reports_keys, true)
                {
                    now.write(REPORT_KEYS, PATIENCE)?;
                }
            }
        }
        Ok(())
    }

    fn send(&mut self) -> io::Result<()> {
        let bytes = std::mem::take(&mut *self.frame.0.borrow_mut());
        entered().as_mut().map_or(Ok(()), |now| now.write(&bytes, PATIENCE))
    }
}

/// A terminal that has drawn nothing.
fn terminal(frame: &Whole, area: Rect) -> io::Result<Terminal<CrosstermBackend<Whole>>> {
    let viewport = Viewport::Fixed(area);
    Terminal::with_options(CrosstermBackend::new(frame.clone()), TerminalOptions { viewport })
}

impl Drop for Screen {
    fn drop(&mut self) {
        leave();
    }
}

/// Leaves the terminal as it was, once; errors are of no use to anybody here. A terminal that reads nothing is not waited
/// for.
pub fn leave() {
    let Some(mut now) = entered().take() else { return };
    let mut out = Vec::new();
    if now.reports_keys {
        out.extend_from_slice(REPORT_NO_KEYS);
    }
    let _ = queue!(out, EndSynchronizedUpdate, DisableBracketedPaste);
    let _ = queue!(out, LeaveAlternateScreen, cursor::Show);
    let _ = now.write(&out, LAST_PATIENCE);
    now.tty.restore();
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
            } else if entered().is_none() || crate::helper::is_one() {
                // What happens to a helper is reported, not printed.
                told(panic);
            }
        }));
    });
}
