//! The line mode: input and output through pipes and on a line-only terminal.

mod document;
mod lines;
mod output;
mod pipes;
#[cfg(unix)]
mod terminal;

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use penutup::app::AppSetup;
use penutup::app::{App, Update};
use penutup::clock::Clock;
use penutup::loaded::LoadedRules;

use penutup::message::Message;
use penutup::plain::listen::Line;
use penutup::plain::view::Plain;
use penutup::run::{Next, Session};
use penutup::words::Lang;
use penutup_ipc::press::Presses;

use crate::stage::wib;
use crate::support::assert_harmless;

/// What was written, and in how many writes.
#[derive(Clone, Debug, Default)]
struct Paper(Rc<RefCell<(String, usize)>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut paper = self.0.borrow_mut();
        paper.0.push_str(std::str::from_utf8(bytes).expect("whole characters"));
        paper.1 += 1;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A prompter in line mode, without a terminal.
#[derive(Debug)]
struct Talk {
    app: App,
    now: DateTime<Utc>,
    view: Plain<Paper>,
    paper: Paper,
    /// Whether the prompter was left.
    left: bool,
}

impl Talk {
    fn with(loaded: Arc<LoadedRules>, lang: Lang, now: DateTime<Utc>) -> Self {
        let setup = AppSetup { loaded, lang, zone: 0, shift_facts: Vec::new(), notice: None, rules_trouble: None, now };
        let paper = Paper::default();
        let view = Plain::new(paper.clone(), false);
        Self { app: App::new(setup).plain_mode(), now, view, paper, left: false }
    }

    /// The built-in SOP at this time of day in WIB, with its first lines already printed.
    fn at(time: &str) -> Self {
        let mut talk = Self::with(Arc::new(LoadedRules::built_in()), Lang::Id, wib(time));
        talk.opening();
        talk
    }

    fn run(&mut self, event: impl FnOnce(&mut Plain<Paper>, &mut Session<'_>) -> io::Result<Next>) -> Vec<String> {
        let mut session = Session::alone(&mut self.app, Clock::showing(self.now));
        let next = event(&mut self.view, &mut session).expect("memory takes all");
        session.show(&mut self.view).expect("memory takes all");
        self.left |= next == Next::Leave;
        let (text, writes) = std::mem::take(&mut *self.paper.0.borrow_mut());
        assert!(writes <= 1, "one write per event: {text:?}");
        assert_harmless(&text);
        text.lines().map(str::to_owned).collect()
    }

    /// The lines that are printed at the start.
    fn opening(&mut self) -> Vec<String> {
        self.run(|_, _| Ok(Next::On))
    }

    /// Types a line. Returns the printed lines.
    fn types(&mut self, line: &str) -> Vec<String> {
        // With a person's pause for saying a sentence between two lines.
        self.now += TimeDelta::milliseconds(1300);
        self.run(|view, session| session.input(view, Line::Text(line.into())))
    }

    /// Types a line so many milliseconds after the one before.
    fn types_after(&mut self, ms: i64, line: &str) -> Vec<String> {
        self.now += TimeDelta::milliseconds(ms);
        self.run(|view, session| session.input(view, Line::Text(line.into())))
    }

    /// Delivers an outside event. Returns the printed lines.
    fn receives(&mut self, update: impl Into<Update>) -> Vec<String> {
        self.run(|view, session| session.act(view, update))
    }

    /// Presses from outside the window. Returns the printed lines.
    fn presses(&mut self, words: &str) -> Vec<String> {
        self.now += TimeDelta::milliseconds(1300);
        let presses = Presses::new(words.split_whitespace().map(str::to_owned).collect()).expect("few and short");
        self.receives(Message::Press { presses, is_seen: true })
    }

    /// Lets minutes pass. Returns the printed lines.
    fn waits(&mut self, minutes: i64) -> Vec<String> {
        self.now += TimeDelta::minutes(minutes);
        self.receives(Message::Clock)
    }
}
