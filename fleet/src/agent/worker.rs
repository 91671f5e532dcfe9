//! What comes, judged and carried out: the prompters are told and the disk is written. Judging (signatures, the proof of
//! rules) and writing happen beside the network's thread, a few letters at a time.

use std::sync::Arc;

use chrono::Utc;
use penutup::broadcast::State;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::spawn_blocking;

use super::folder::Folder;
use super::folder_trouble;
use super::log::{About, Log};
use super::prompters::Bell;
use super::reachability::Rounds;
use super::receiver::{Hear, Letter, Standing};
use super::replica::{Board, Heard};
use super::seat_status::Now;
use crate::wire::refusal::Refusal;
use crate::wire::trust::Trust;

/// How many letters are judged at once.
const SOME: usize = 64;

/// The network's side: hands letters on.
#[derive(Debug)]
pub struct Hearing {
    letters: mpsc::Sender<Vec<Letter>>,
    again: Arc<Notify>,
    rounds: watch::Sender<Rounds>,
    standing: watch::Receiver<Standing>,
}

impl Hearing {
    /// To whoever judges.
    #[must_use]
    pub fn new(
        letters: mpsc::Sender<Vec<Letter>>,
        again: Arc<Notify>,
        rounds: watch::Sender<Rounds>,
        standing: watch::Receiver<Standing>,
    ) -> Self {
        Self { letters, again, rounds, standing }
    }
}

impl Hear for Hearing {
    fn said(&self, letter: Letter) {
        // In a flood what is current is asked for; its answer has a place of its own in the row.
        if self.letters.try_send(vec![letter]).is_err() {
            self.again.notify_one();
        }
    }

    async fn answered(&self, letters: Vec<Letter>) {
        // Nobody takes them any more only when the agent ends.
        let _ = self.letters.send(letters).await;
    }

    fn round(&self, heard: bool) {
        let times = self.standing.borrow().times;
        self.rounds.send_modify(|rounds| {
            *rounds = if heard {
                Rounds { answered: times, unanswered: 0 }
            } else {
                Rounds { unanswered: rounds.unanswered.saturating_add(1), ..*rounds }
            };
        });
    }
}

/// Judges, tells and keeps.
#[derive(Debug)]
pub struct Keeper {
    board: Board,
    folder: Folder,
    trust: Trust,
    bell: Bell,
    now: Arc<Now>,
    log: Log,
}

impl Keeper {
    /// With what was known before, which the prompters and the centre are told at once.
    #[must_use]
    pub fn new(board: Board, folder: Folder, trust: Trust, bell: Bell, now: Arc<Now>, log: Log) -> Self {
        let mut keeper = Self { board, folder, trust, bell, now, log };
        keeper.carry_out(&[]);
        keeper.now.of_board(&keeper.board);
        keeper
    }

    /// Judges what comes, for as long as something can.
    pub async fn keep(mut self, mut letters: mpsc::Receiver<Vec<Letter>>) {
        while let Some(mut some) = letters.recv().await {
            while some.len() < SOME
                && let Ok(more) = letters.try_recv()
            {
                some.extend(more);
            }
            let judged = spawn_blocking(move || {
                self.judge(&some);
                self
            });
            match judged.await {
                Ok(keeper) => self = keeper,
                Err(_) => return,
            }
        }
    }

    fn judge(&mut self, letters: &[Letter]) {
        let today = Utc::now().date_naive();
        let mut news = Vec::with_capacity(letters.len() + 1);
        for Letter { key, message, came } in letters {
            let heard = self.board.hear(&self.trust, key.as_ref(), &message.payload, *came, today);
            if let Heard::Refused(why) = heard
                && !came.is_past
            {
                self.tell_refusal(why);
            }
            news.push(heard);
        }
        if self.board.settle() {
            news.push(Heard::Klb);
        }
        self.carry_out(&news);
        self.now.of_board(&self.board);
    }

    fn carry_out(&mut self, news: &[Heard]) {
        let w = &self.log.words().agent;
        if let Some(klb) = self.board.holds() {
            // Before the disk: a prompter waits for no other's writing.
            self.bell.set(|present| present.klb = Some(klb.clone()));
            let line = if klb.state == State::On { w.klb_on(klb.version) } else { w.klb_off(klb.version) };
            self.log.tell(About::Klb, line);
        }
        match self.folder.keep(&self.board, news) {
            Ok(()) => self.log.over(About::Folder, w.folder_again),
            Err((path, error)) => self.log.tell(About::Folder, folder_trouble(&self.log, &path, &error)),
        }
        if self.folder.has_rules(&self.board)
            && let Some(rules) = self.board.rules_state()
        {
            self.bell.set(|present| present.rules = rules.version);
            self.log.tell(About::Rules, w.rules(&*rules.revision, &*rules.version.to_string()));
        }
    }

    /// The first of a kind, and then ever fewer.
    fn tell_refusal(&self, why: Refusal) {
        let count = self.board.refused().0.get(&why).copied().unwrap_or(1);
        if count.is_power_of_two() {
            let code = serde_json::to_string(&why).unwrap_or_default();
            self.log.say(&self.log.words().agent.refused(&*count.to_string(), code.trim_matches('"')));
        }
    }
}
