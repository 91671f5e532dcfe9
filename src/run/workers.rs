//! The threads that write the state and the journal and watch files, so that no key waits for a disk.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::Reload;
use crate::diagnostics::journal;
use crate::diagnostics::outside;
use crate::event::EventSender;
use crate::files::saved_state::StateWriter;
use crate::files::shown_path;
use crate::helper::{self, Helper};
use crate::journal::trouble::Trouble;
use crate::journal::writer::{Config, Writer};
use crate::message::{Message, Subject};
use crate::seat::SeatState;
use crate::watch::{WatchHandle, watch};
use crate::words::Words;
use penutup_system::mailbox::Mailbox;
use penutup_system::thread::join_ended;

/// The pause before another attempt to write the state.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// Reads files again whenever one of them may have changed.
pub(super) fn watch_files(helper: Helper, paths: Vec<PathBuf>, mut reload: Reload, sender: EventSender) -> WatchHandle {
    watch(helper, paths, move || {
        if let Some(message) = reload() {
            sender.send(message);
        }
    })
}

/// Starts the journal's thread; its troubles are reported on the screen.
pub(super) fn start_journal(config: Config, sender: EventSender, words: &'static Words) -> Writer {
    let notify = move |trouble: Trouble| {
        let line = journal::trouble(&trouble, words);
        // A standing trouble stays on the screen until its end is reported.
        let _ = match trouble {
            Trouble::Began(_) => sender.send(Message::Trouble(Subject::Journal, Some(line))),
            Trouble::SetAside(_) | Trouble::Imported(_) => sender.send(Message::Notice(line)),
            Trouble::Over { .. } => {
                sender.send(Message::Trouble(Subject::Journal, None)) && sender.send(Message::Notice(line))
            }
        };
    };
    Writer::start(config, notify, |work| helper::spawn(Helper::Journal, work))
}

/// Tasks for the state's thread. Only the newest of each kind counts, so there is no queue to fill.
#[derive(Debug, Default)]
pub struct Tasks {
    /// Save this state; the number increases with each.
    pub save: Option<(Box<SeatState>, u64)>,
    /// Save which rules were seen: revision and SHA-256.
    pub rules: Option<(String, String)>,
    /// Check whether another prompter changed the file.
    pub check: bool,
    /// Write what is not written yet, and end.
    pub end: bool,
}

impl Tasks {
    fn has_something(&self) -> bool {
        self.save.is_some() || self.rules.is_some() || self.check || self.end
    }
}

/// The loop's handle to the state's thread.
#[derive(Debug)]
pub(super) struct StateThread {
    tasks: Arc<Mailbox<Tasks>>,
    sent: u64,
    saved: Arc<AtomicU64>,
    watch: Option<WatchHandle>,
    /// Receives the last error, or `None`, when the thread ends.
    done: Receiver<Option<String>>,
    /// `None` if the system had no thread left.
    thread: Option<JoinHandle<()>>,
}

/// The state was not saved at shutdown.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unsaved {
    /// It could not be written, for this reason.
    Failed(String),
    /// Unknown: the disk did not respond in time, or the thread had died.
    Unknown,
}

impl StateThread {
    /// Sends a state to the thread. Never blocks.
    pub(super) fn save(&mut self, state: Box<SeatState>) {
        self.sent += 1;
        let number = self.sent;
        self.tasks.post(|tasks| tasks.save = Some((state, number)));
    }

    /// Checks whether another prompter changed the file, in case the watcher missed it.
    pub(super) fn check_file(&self) {
        if let Some(watch) = &self.watch {
            watch.reread();
        }
    }

    pub(super) fn watch_handle(&self) -> Option<WatchHandle> {
        self.watch.clone()
    }

    /// Waits until everything is written, at most `patience`.
    pub(super) fn finish(self, patience: Duration) -> Result<(), Unsaved> {
        self.tasks.post(|tasks| tasks.end = true);
        let done = self.done.recv_timeout(patience);
        if done != Err(RecvTimeoutError::Timeout)
            && let Some(thread) = self.thread
        {
            join_ended(thread);
        }
        match done {
            Ok(None) => Ok(()),
            Ok(Some(why)) => Err(Unsaved::Failed(why)),
            // The last state is on the disk, even if the thread hangs now.
            Err(_) if self.saved.load(Ordering::SeqCst) == self.sent => Ok(()),
            Err(_) => Err(Unsaved::Unknown),
        }
    }
}

/// Starts the thread that saves the state. Of several waiting states only the last is written.
pub(super) fn start_state_thread(
    mut writer: StateWriter,
    tasks: Arc<Mailbox<Tasks>>,
    sender: EventSender,
    words: &'static Words,
) -> StateThread {
    let (end, done) = channel();
    let saved = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&saved);
    // Another prompter on this seat writes the same file.
    let watch_handle = writer.path().map(|path| {
        let mailbox = Arc::clone(&tasks);
        watch(Helper::State, vec![path.to_owned()], move || mailbox.post(|tasks| tasks.check = true))
    });
    let own_handle = watch_handle.clone();
    let inbox = Arc::clone(&tasks);
    let body = move || {
        let mut unsaved: Option<(Box<SeatState>, u64)> = None;
        let mut failed: Option<String> = None;
        loop {
            // It wakes by itself only to retry a failed write.
            let deadline = unsaved.as_ref().map(|_| Instant::now() + RETRY_AFTER);
            let new = inbox.take(deadline, Tasks::has_something);
            let should_save = new.save.is_some() || new.rules.is_some() || !new.has_something();
            let (should_check, ends) = (new.check, new.end);
            unsaved = new.save.or(unsaved);
            if let Some((revision, sha256)) = new.rules {
                writer.saw_rules(revision, sha256);
                unsaved = unsaved.or_else(|| Some((Box::new(writer.written().clone()), 0)));
            }
            if let Some((state, number)) = unsaved.take_if(|_| should_save || ends) {
                match writer.save(&state) {
                    Ok(shared) => {
                        counted.fetch_max(number, Ordering::SeqCst);
                        // The folder may have been created just now, and has to be watched.
                        if let Some(handle) = &own_handle {
                            handle.check();
                        }
                        if failed.take().is_some() {
                            sender.send(Message::Trouble(Subject::State, None));
                        }
                        if let Some(shared) = shared {
                            sender.send(Message::Shared(Box::new(shared)));
                        }
                    }
                    Err(error) => {
                        let path = writer.path().map(shown_path).unwrap_or_default();
                        let why = format!("{path}: {}", outside::reason(&error, words));
                        unsaved = Some((state, number));
                        if failed.as_ref() != Some(&why) {
                            failed = Some(why.clone());
                            let line = words.notice.state_not_written(&why);
                            sender.send(Message::Trouble(Subject::State, Some(line)));
                        }
                    }
                }
            } else if should_check && let Some(shared) = writer.look() {
                sender.send(Message::Shared(Box::new(shared)));
            }
            if ends {
                let _ = end.send(failed);
                return;
            }
        }
    };
    // Without a thread nothing is saved, which is reported at shutdown.
    let thread = helper::spawn(Helper::State, body).ok();
    StateThread { tasks, sent: 0, saved, watch: watch_handle, done, thread }
}

/// The line that reports it after the screen is closed.
pub(super) fn unsaved_line(unsaved: &Unsaved, words: &Words) -> String {
    match unsaved {
        Unsaved::Failed(why) => words.left.state_failed(why),
        Unsaved::Unknown => words.left.state_unknown.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::closing::{PersistedFact, Since};
    use crate::files::Folders;
    use crate::words::Lang;

    /// Longer than a busy machine takes.
    const WAIT: Duration = Duration::from_secs(60);

    fn state(value: &str) -> Box<SeatState> {
        let set = "2026-03-02T07:20:00Z".parse().unwrap();
        let since = Since { set, confirmed: set };
        let shift_facts = vec![PersistedFact { fact: "klb".into(), value: value.into(), since }];
        Box::new(SeatState { shift_facts, ..SeatState::default() })
    }

    /// A thread that saves the state in this folder, and its messages.
    fn writer(folders: &Folders) -> (StateThread, Receiver<Message>) {
        let (to, sent) = channel();
        let sender = EventSender::new(move |request| to.send(request.message).is_ok());
        let writer = StateWriter::new(folders, SeatState::default());
        (start_state_thread(writer, Arc::default(), sender, Lang::Id.words()), sent)
    }

    #[test]
    fn the_last_of_several_states_is_on_the_disk_when_the_thread_has_finished() {
        let home = tempfile::tempdir().unwrap();
        let folders = Folders::below(home.path());
        let (mut writer, sent) = writer(&folders);
        for value in ["ya", "tidak", "ya"] {
            writer.save(state(value));
        }
        assert_eq!(writer.finish(WAIT), Ok(()));
        assert_eq!(crate::files::saved_state::load(&folders).0.state.shift_facts, state("ya").shift_facts);
        assert!(sent.try_iter().all(|message| !matches!(message, Message::Trouble(..))));
    }

    #[test]
    fn a_state_that_cannot_be_written_is_reported_once_and_again_at_the_end() {
        let home = tempfile::tempdir().unwrap();
        let folders = Folders::below(home.path());
        std::fs::write(home.path().join("state"), "a file where the folder should be").unwrap();
        let (mut writer, sent) = writer(&folders);
        writer.save(state("ya"));
        let Ok(Message::Trouble(Subject::State, Some(line))) = sent.recv_timeout(WAIT) else {
            panic!("it is reported")
        };
        assert!(line.starts_with("Status shift tidak dapat disimpan: ") && line.contains("shift.toml"), "{line}");
        writer.save(state("tidak"));
        let Err(Unsaved::Failed(why)) = writer.finish(WAIT) else { panic!("nothing was written") };
        assert!(line.ends_with(&why), "{line}: {why}");
        assert_eq!(sent.try_iter().count(), 0, "the same trouble is reported once");
    }
}
