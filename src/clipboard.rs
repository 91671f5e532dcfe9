//! The clipboard of the desktop, where there is one. It is spoken to in a thread of its own, begun with the first copy: a
//! display that hangs holds nothing but that thread. The thread stays, since on X11 a text is there for only as long as
//! its owner is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use arboard::Clipboard;

use crate::helper;
use crate::private::Private;

/// How long the desktop may take.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long the end waits until the text is handed over to whoever keeps texts of programs that have ended.
const HAND_OVER: Duration = Duration::from_millis(300);
/// What the threads are called.
const OWNER: &str = "clipboard";
const WAITER: &str = "clipboard-wait";

/// Where a copied text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copied {
    /// In the desktop's clipboard: it said so.
    Desktop,
    /// It was sent to the terminal, which does not say what becomes of it.
    Terminal,
}

/// A text to be copied, and who waits for the answer.
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
    /// Whether an answer did not come in time and has not come since.
    is_late: Arc<AtomicBool>,
    ended: Receiver<()>,
}

impl Desktop {
    /// Where the environment says that there is a desktop. Nothing is asked of it yet.
    #[must_use]
    pub fn of_environment() -> Option<Self> {
        // A Wayland desktop is spoken to through its X11 display, which nearly all have.
        let has_display = || std::env::var_os("DISPLAY").is_some_and(|display| !display.is_empty());
        (cfg!(any(windows, target_os = "macos")) || has_display()).then(Self::default)
    }

    /// Copies a text; `done` hears whether the desktop has it, within a second.
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
        // Without a thread nobody hears the answer, and nothing is claimed.
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
        thread::Builder::new().name(OWNER.into()).spawn(own).ok()?;
        Some(Self { jobs, is_late, ended })
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        let Some(Owner { jobs, is_late, ended }) = self.owner.take() else { return };
        drop(jobs);
        if !is_late.load(Ordering::SeqCst) {
            let _ = ended.recv_timeout(HAND_OVER);
        }
    }
}

fn run(jobs: &Receiver<Job>, is_late: &AtomicBool) {
    let mut clipboard: Option<Clipboard> = None;
    for job in jobs {
        // What speaks to the desktop is not ours: a panic in it (a display number that overflows) is a copy that failed.
        let copied = helper::catch(|| copy(&mut clipboard, &job.text).is_ok_and(|has_it| has_it));
        let has_it = copied.unwrap_or(false);
        if !has_it {
            // The next attempt begins anew: the display may have been started again.
            clipboard = None;
        }
        is_late.store(false, Ordering::SeqCst);
        let _ = job.answer.try_send(has_it);
    }
}

/// Copies, and asks the desktop for what it has then.
fn copy(clipboard: &mut Option<Clipboard>, text: &str) -> Result<bool, arboard::Error> {
    let clipboard = match clipboard {
        Some(clipboard) => clipboard,
        none => none.insert(Clipboard::new()?),
    };
    clipboard.set_text(text)?;
    Ok(clipboard.get_text()? == text)
}
