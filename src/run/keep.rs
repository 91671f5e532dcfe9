//! The threads that write beside the loop, and the one that watches the rules: no key waits for a disk.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use super::{Keep, Reload, Tell};
use crate::action::Action;
use crate::closing::Held;
use crate::journal::trouble::Trouble;
use crate::journal::writer::{Config, Writer};
use crate::watch::{Look, watch};
use crate::words::Words;

/// What could not be kept is tried again after so long.
const TRY_AGAIN: Duration = Duration::from_secs(30);

/// Reads the rules again whenever their file may have changed.
pub(super) fn watch_rules(paths: Vec<PathBuf>, mut reload: Reload, tell: Tell) -> Look {
    watch(paths, move || {
        if let Some(news) = reload() {
            let _ = tell.action(Action::Rules(news));
        }
    })
}

/// The journal's thread; what goes wrong in it is told on the screen.
pub(super) fn keep_journal(config: Config, tell: Tell, words: &'static Words) -> Writer {
    Writer::start(config, move |trouble| {
        let line = trouble.line(words);
        // A standing trouble is told once, so only its own end takes it off the screen.
        let _ = match trouble {
            Trouble::Began(_) => tell.action(Action::JournalTrouble(Some(line))),
            Trouble::SetAside(_) => tell.action(Action::JournalTold(line)),
            Trouble::Over { .. } => tell.action(Action::JournalTrouble(None)) && tell.action(Action::JournalTold(line)),
        };
    })
}

/// Keeps the state in a thread of its own, so that no key waits for a disk. Of several states that wait, the last is
/// written. The receiver hears when the thread has written all and ended.
pub(super) fn keep_state(mut keep: Keep, tell: Tell) -> (Sender<Vec<Held>>, Receiver<()>) {
    let (keeper, states) = channel::<Vec<Held>>();
    let (done, kept) = channel();
    thread::spawn(move || {
        let mut unkept: Option<Vec<Held>> = None;
        loop {
            // Only in trouble does it wake by itself, to try again.
            let next = match &unkept {
                None => states.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(_) => states.recv_timeout(TRY_AGAIN),
            };
            let had_trouble = unkept.is_some();
            let state = match (next, unkept.take()) {
                (Ok(first), _) => states.try_iter().last().unwrap_or(first),
                (Err(RecvTimeoutError::Timeout), Some(state)) => state,
                (Err(_), _) => break,
            };
            let result = keep(&state);
            if had_trouble || result.is_err() {
                unkept = result.is_err().then_some(state);
                let _ = tell.action(Action::StateTrouble(result.err()));
            }
        }
        let _ = done.send(());
    });
    (keeper, kept)
}
