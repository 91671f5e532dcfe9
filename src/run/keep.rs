//! The threads that write beside the loop, and those that watch files: no key waits for a disk.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
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
use crate::mailbox::Mailbox;
use crate::message::{Message, Subject};
use crate::seat::SeatState;
use crate::watch::{Look, watch};
use crate::words::Words;

/// What could not be kept is tried again after so long.
const TRY_AGAIN: Duration = Duration::from_secs(30);

/// Reads files again whenever one of them may have changed.
pub(super) fn watch_files(helper: Helper, paths: Vec<PathBuf>, mut reload: Reload, sender: EventSender) -> Look {
    watch(helper, paths, move || {
        if let Some(message) = reload() {
            sender.send(message);
        }
    })
}

/// The journal's thread; what goes wrong in it is told on the screen.
pub(super) fn start_journal(config: Config, sender: EventSender, words: &'static Words) -> Writer {
    let (writer, work) = Writer::new(config, move |trouble| {
        let line = journal::trouble(&trouble, words);
        // A lasting trouble is reported once, so only its own end takes it off the screen.
        let _ = match trouble {
            Trouble::Began(_) => sender.send(Message::Trouble(Subject::Journal, Some(line))),
            Trouble::SetAside(_) | Trouble::Imported(_) => sender.send(Message::JournalNotice(line)),
            Trouble::Over { .. } => {
                sender.send(Message::Trouble(Subject::Journal, None)) && sender.send(Message::JournalNotice(line))
            }
        };
    });
    // Without a thread nothing is written, which the end reports.
    let _ = helper::spawn(Helper::Journal, work);
    writer
}

/// What the state's thread is to do. It can wait without a bound: only the newest of each counts.
#[derive(Debug, Default)]
pub struct Tasks {
    /// Keep this state; the number rises with each.
    pub save: Option<(Box<SeatState>, u64)>,
    /// Note which rules were seen: revision and SHA-256.
    pub rules: Option<(String, String)>,
    /// Look what another prompter has changed.
    pub look: bool,
    /// Write what could not be written yet, and end.
    pub end: bool,
}

impl Tasks {
    fn has_something(&self) -> bool {
        self.save.is_some() || self.rules.is_some() || self.look || self.end
    }
}

/// The state's thread, from the loop.
#[derive(Debug)]
pub(super) struct StateThread {
    tasks: Arc<Mailbox<Tasks>>,
    sent: u64,
    saved: Arc<AtomicU64>,
    look: Option<Look>,
    /// Why the last state could not be written, when the thread has ended.
    done: Receiver<Option<String>>,
}

/// A state that was not kept when the prompter was left.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unsaved {
    /// It could not be written, for this reason.
    Failed(String),
    /// Whether it was written is not known: the place did not answer in time, or the thread had died.
    Unknown,
}

impl StateThread {
    /// Hands a state over. Never waits.
    pub(super) fn save(&mut self, state: Box<SeatState>) {
        self.sent += 1;
        let number = self.sent;
        self.tasks.post(|tasks| tasks.save = Some((state, number)));
    }

    /// Looks what another prompter has changed, also where nothing told of it.
    pub(super) fn look(&self) {
        if let Some(look) = &self.look {
            look.at_the_minute();
        }
    }

    /// Has everything written and waits for it, but no longer than this.
    pub(super) fn finish(self, patience: Duration) -> Result<(), Unsaved> {
        self.tasks.post(|tasks| tasks.end = true);
        match self.done.recv_timeout(patience) {
            Ok(None) => Ok(()),
            Ok(Some(why)) => Err(Unsaved::Failed(why)),
            // What is on the disk is on the disk, whatever the thread hangs at now.
            Err(_) if self.saved.load(Ordering::SeqCst) == self.sent => Ok(()),
            Err(_) => Err(Unsaved::Unknown),
        }
    }
}

/// Keeps the state in a thread of its own, so that no key waits for a disk. Of several states that wait, the last is
/// written.
pub(super) fn start_state_thread(
    mut keeper: StateWriter,
    tasks: Arc<Mailbox<Tasks>>,
    sender: EventSender,
    words: &'static Words,
) -> StateThread {
    let (end, done) = channel();
    let saved = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&saved);
    // Another prompter on this seat writes the same file.
    let look = keeper.path().map(|path| {
        let ask = Arc::clone(&tasks);
        watch(Helper::State, vec![path.to_owned()], move || ask.post(|tasks| tasks.look = true))
    });
    let look_again = look.clone();
    let inbox = Arc::clone(&tasks);
    let body = move || {
        let mut unsaved: Option<(Box<SeatState>, u64)> = None;
        let mut failed: Option<String> = None;
        loop {
            // Only in trouble does it wake by itself, to try again.
            let deadline = unsaved.as_ref().map(|_| Instant::now() + TRY_AGAIN);
            let new = inbox.take(deadline, Tasks::has_something);
            let writes = new.save.is_some() || new.rules.is_some() || !new.has_something();
            let (looks, ends) = (new.look, new.end);
            unsaved = new.save.or(unsaved);
            if let Some((revision, sha256)) = new.rules {
                keeper.saw_rules(revision, sha256);
                unsaved = unsaved.or_else(|| Some((Box::new(keeper.written().clone()), 0)));
            }
            if let Some((state, number)) = unsaved.take_if(|_| writes || ends) {
                match keeper.save(&state) {
                    Ok(shared) => {
                        counted.fetch_max(number, Ordering::SeqCst);
                        // The folder may be there only now, and be watched from here on.
                        if let Some(look) = &look_again {
                            look.now();
                        }
                        if failed.take().is_some() {
                            sender.send(Message::Trouble(Subject::State, None));
                        }
                        if let Some(shared) = shared {
                            sender.send(Message::Shared(Box::new(shared)));
                        }
                    }
                    Err(error) => {
                        let path = keeper.path().map(shown_path).unwrap_or_default();
                        let why = format!("{path}: {}", outside::reason(&error, words));
                        unsaved = Some((state, number));
                        if failed.as_ref() != Some(&why) {
                            failed = Some(why.clone());
                            let line = words.notice.state_not_written(&why);
                            sender.send(Message::Trouble(Subject::State, Some(line)));
                        }
                    }
                }
            } else if looks && let Some(shared) = keeper.look() {
                sender.send(Message::Shared(Box::new(shared)));
            }
            if ends {
                let _ = end.send(failed);
                return;
            }
        }
    };
    // Without a thread nothing is kept, which the end tells.
    let _ = helper::spawn(Helper::State, body);
    StateThread { tasks, sent: 0, saved, look, done }
}

/// What is told on the terminal when the screen is gone.
pub(super) fn unsaved_line(unsaved: &Unsaved, words: &Words) -> String {
    match unsaved {
        Unsaved::Failed(why) => words.left.state_failed(why),
        Unsaved::Unknown => words.left.state_unknown.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::closing::{Held, Since};
    use crate::files::{Folders, saved_state};
    use crate::words::Lang;

    /// Longer than a busy machine takes.
    const WAIT: Duration = Duration::from_secs(60);

    fn state(value: &str) -> Box<SeatState> {
        let set = "2026-03-02T07:20:00Z".parse().unwrap();
        let since = Since { set, confirmed: set };
        let held = vec![Held { fact: "klb".into(), value: value.into(), since }];
        Box::new(SeatState { held, ..SeatState::default() })
    }

    /// The state's thread in this folder, and what it sends.
    fn writer(folders: &Folders) -> (StateThread, Receiver<Message>) {
        let (to, sent) = channel();
        let sender = EventSender::new(move |request| to.send(request.message).is_ok());
        let keeper = StateWriter::new(folders, SeatState::default());
        (start_state_thread(keeper, Arc::default(), sender, Lang::Id.words()), sent)
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
        assert_eq!(saved_state::load(&folders).0.state.held, state("ya").held);
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
        assert!(line.starts_with("Keadaan tidak dapat disimpan: ") && line.contains("shift.toml"), "{line}");
        writer.save(state("tidak"));
        let Err(Unsaved::Failed(why)) = writer.finish(WAIT) else { panic!("nothing was written") };
        assert!(line.ends_with(&why), "{line}: {why}");
        assert_eq!(sent.try_iter().count(), 0, "the same trouble is reported once");
    }
}
