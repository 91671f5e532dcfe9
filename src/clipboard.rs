//! The desktop's clipboard, if there is one. It runs in a thread of its own, started with the first copy: a display
//! that hangs blocks only that thread. The thread keeps running, since on X11 a text is available only while its owner
//! is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use arboard::Clipboard;

use crate::helper;
use crate::private::Private;
use penutup_system::thread::join_ended;

/// How long the desktop may take.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long the exit waits for a clipboard manager to take the text over.
const HAND_OVER: Duration = Duration::from_millis(300);
/// The threads' name.
const OWNER: &str = "clipboard";
const WAITER: &str = "clipboard-wait";

/// Where a copied text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copied {
    /// In the desktop's clipboard, confirmed by the desktop.
    Desktop,
    /// Sent to the terminal, which does not confirm it.
    Terminal,
}

/// A text to copy, and the callback for the result.
struct Job {
    text: Private,
    answer: SyncSender<bool>,
}

/// The desktop's clipboard.
#[derive(Debug, Default)]
pub struct Desktop {
    owner: Option<Owner>,
}

#[derive(Debug)]
struct Owner {
    jobs: Sender<Job>,
    /// Whether a reply timed out and has not arrived since.
    is_late: Arc<AtomicBool>,
    ended: Receiver<()>,
    thread: JoinHandle<()>,
}

impl Desktop {
    /// The clipboard if the environment names a desktop. No connection is made yet.
    #[must_use]
    pub fn of_environment() -> Option<Self> {
        // A Wayland desktop is reached through its X11 display, which nearly all have.
        let has_display = || std::env::var_os("DISPLAY").is_some_and(|display| !display.is_empty());
        (cfg!(any(windows, target_os = "macos")) || has_display()).then(Self::default)
    }

    /// Copies a text; calls `done` within a second with whether the desktop has it.
    pub fn copy(&mut self, text: Private, done: impl FnOnce(bool) + Send + 'static) {
        let Some(owner) = self.owner.take().or_else(Owner::start) else { return done(false) };
        let (answer, answered) = sync_channel(1);
        let sent = !owner.is_late.load(Ordering::SeqCst) && owner.jobs.send(Job { text, answer }).is_ok();
        let is_late = Arc::clone(&owner.is_late);
        self.owner = Some(owner);
        if !sent {
            return done(false);
        }
        let wait = move || {
            let answer = answered.recv_timeout(PATIENCE);
            if answer.is_err() {
                is_late.store(true, Ordering::SeqCst);
            }
            done(answer == Ok(true));
        };
        // Without this thread `done` is not called, and nothing is reported.
        let _ = thread::Builder::new().name(WAITER.into()).spawn(wait);
    }
}

impl Owner {
    fn start() -> Option<Self> {
        let ((jobs, todo), (end, ended)) = (channel(), channel());
        let is_late = Arc::new(AtomicBool::new(false));
        let in_time = Arc::clone(&is_late);
        let own = move || {
            run(&todo, &in_time);
            let _ = end.send(());
        };
        let thread = thread::Builder::new().name(OWNER.into()).spawn(own).ok()?;
        Some(Self { jobs, is_late, ended, thread })
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        let Some(Owner { jobs, is_late, ended, thread }) = self.owner.take() else { return };
        drop(jobs);
        if !is_late.load(Ordering::SeqCst) && ended.recv_timeout(HAND_OVER) != Err(RecvTimeoutError::Timeout) {
            join_ended(thread);
        }
    }
}

fn run(jobs: &Receiver<Job>, is_late: &AtomicBool) {
    let mut clipboard: Option<Clipboard> = None;
    for job in jobs {
        // The clipboard crate may panic (on a display number that overflows): a failed copy.
        let copied = helper::catch(|| copy(&mut clipboard, &job.text).is_ok_and(|has_it| has_it));
        let has_it = copied.unwrap_or(false);
        if !has_it {
            // The next attempt reconnects: the display may have been restarted.
            clipboard = None;
        }
        is_late.store(false, Ordering::SeqCst);
        let _ = job.answer.try_send(has_it);
    }
}

/// Copies, and reads the desktop's clipboard back.
fn copy(clipboard: &mut Option<Clipboard>, text: &str) -> Result<bool, arboard::Error> {
    let clipboard = match clipboard {
        Some(clipboard) => clipboard,
        none => none.insert(Clipboard::new()?),
    };
    clipboard.set_text(text)?;
    Ok(clipboard.get_text()? == text)
}
