//! Takes calls at a prompter as a CSO does, and notes in the book what it did.

mod call;
mod outside;

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use penutup_ipc::agent::AgentLine;

use super::book::{Call, Entry};
use super::calls::Dice;
use super::clock::Clock;
use super::keyboard::{Keyboard, wait};
use super::samples::{Sample, say};
use super::seat::Seat;
use super::term::{Term, eventually};

/// How many calls there are in which time, and how often a key is timed at each sample.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub calls: usize,
    pub time: Duration,
    pub rounds: usize,
}

impl Plan {
    /// After how many calls there is a sample.
    fn samples(self) -> [usize; 4] {
        [self.calls / 50 + 1, self.calls / 4, self.calls / 2, self.calls]
    }

    /// Whether the disk is full during this call: often for a while, once for long.
    fn is_full(self, call: usize) -> bool {
        let is_long = (self.calls * 60 / 100..self.calls * 64 / 100).contains(&call);
        is_long || (20..32).contains(&(call % 50)) || (self.calls < 50 && (4..8).contains(&call))
    }
}

/// What was done besides the calls.
#[derive(Debug, Default)]
struct Done {
    rules: usize,
    klb: usize,
    presses: usize,
    resizes: usize,
    suspends: usize,
    clocks: usize,
    undone: usize,
    too_soon: usize,
    full: usize,
    most_unsaved: usize,
}

/// The rules in use, and those that the next call begins with.
#[derive(Debug)]
struct Rules {
    current: Revision,
    next: Option<Revision>,
    is_refused: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Revision {
    number: usize,
    /// Which words invite to download.
    words: usize,
}

impl Revision {
    fn name(self) -> String {
        format!("Rev-{}", self.number)
    }
}

pub struct Driver<'s> {
    seat: &'s Seat,
    plan: Plan,
    keys: Keyboard,
    dice: Dice,
    begun: DateTime<Utc>,
    rules: Rules,
    klb: bool,
    /// The version of the last declaration.
    declared: u64,
    agent: Option<AgentLine>,
    is_full: bool,
    call: Call,
    /// How many sentences were ticked before the last tick.
    before_last_tick: usize,
    /// Whether the running call began with other rules than the one before.
    has_new_rules: bool,
    book: Vec<Entry>,
    done: Done,
    samples: Vec<Sample>,
}

impl<'s> Driver<'s> {
    pub fn new(seat: &'s Seat, plan: Plan, seed: u64) -> Self {
        let begun = seat.clock.as_ref().map_or_else(Utc::now, Clock::earliest);
        let mut term = Term::start(&seat.command(&[]));
        term.shows("daftar tombol");
        let revision = Revision { number: 1, words: 0 };
        Self {
            seat,
            plan,
            keys: Keyboard::new(term, Dice(seed + 1)),
            dice: Dice(seed),
            begun,
            rules: Rules { current: revision, next: None, is_refused: false },
            klb: false,
            declared: 0,
            agent: Some(seat.agent()),
            is_full: false,
            call: Call::default(),
            before_last_tick: 0,
            has_new_rules: false,
            book: Vec::new(),
            done: Done::default(),
            samples: Vec::new(),
        }
    }

    /// Takes all calls, quits, and compares the journal with the book. Returns the samples.
    pub fn run(mut self) -> Vec<Sample> {
        let start = Instant::now();
        let samples = self.plan.samples();
        for number in 0..self.plan.calls {
            let share = u32::try_from(number).unwrap_or(0);
            wait(start + self.plan.time * share / u32::try_from(self.plan.calls).unwrap_or(1));
            if number % 8 == 0 {
                // A person listens now and then.
                self.keys.rest();
            }
            self.between_calls(number);
            self.take_call(number, samples.contains(&(number + 1)) || self.has_event(number + 1));
            if samples.contains(&(number + 1)) {
                self.sample(number + 1);
            }
        }
        let Self { seat, keys, begun, book, done, samples, agent, .. } = self;
        let Keyboard { mut term, .. } = keys;
        term.quits();
        drop(agent);
        super::book::assert_same(&book, seat.exported(begun), seat.clock.is_none());
        seat.assert_nowhere(&call::NAMES.map(|(_, name)| name));
        say(&format!(
            "{} calls in {:.0?}, each once in the journal and as taken; {done:?}\n",
            book.len(),
            start.elapsed()
        ));
        samples
    }

    /// Waits until the book is in the journal, and samples.
    fn sample(&mut self, calls: usize) {
        self.make_room();
        self.keys.rest();
        eventually("all calls in the journal", || self.seat.ended_since(self.begun) == Some(self.book.len()));
        self.keys.term.hides("Jurnal belum tertulis");
        let sample = Sample::of(calls, &mut self.keys.term, self.seat, self.plan.rounds);
        self.keys.note("m");
        say(&format!("{} {sample:?}\n", Utc::now().format("%T")));
        self.samples.push(sample);
    }

    /// Whether something happens with so much of a chance.
    fn chance(&mut self, percent: u64) -> bool {
        self.dice.below(100) < percent
    }

    fn index(&mut self, count: usize) -> usize {
        usize::try_from(self.dice.below(count as u64)).unwrap_or(0)
    }

    /// Whether the next thing should be pressed from outside: two of five calls have one.
    fn is_pressed_outside(&self, number: usize) -> bool {
        self.done.presses * 5 < (number + 1) * 2
    }
}
