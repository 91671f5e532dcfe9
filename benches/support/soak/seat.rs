//! A seat: the folders of its user, its disk, the program run there, and its journal.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::{DateTime, TimeDelta, Utc};
use penutup::journal::read::{Reader, Span};
use penutup::journal::record::Record;
use penutup::journal::store::{Change, Store};
use penutup::journal::summary::{CallSummary, Interner};
use penutup::journal::trouble::Error;
use penutup_ipc::agent::AgentLine;
use penutup_ipc::socket_dir::SocketDir;
use penutup_system::folders::Folders;
use tempfile::TempDir;
use uuid::Uuid;

use super::calls;
use super::clock::Clock;
use super::disk::Disk;
use super::term::eventually;

/// As in the settings that the program has without a file: how many days the journal keeps.
const KEPT: i64 = 90;
/// How long the program may take to answer.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

pub struct Seat {
    home: TempDir,
    /// Journal and saved state are on it.
    pub disk: Option<Disk>,
    /// Its clock, if that is set again and again.
    pub clock: Option<Clock>,
    program: PathBuf,
    /// The calls that were in the journal before, and are young enough to stay.
    kept: Vec<Uuid>,
}

impl Seat {
    pub fn new(program: &Path, disk: Option<Disk>, clock: Option<Clock>) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let seat = Self { home, disk, clock, program: program.to_owned(), kept: Vec::new() };
        for folder in [seat.shared(), seat.rules().parent().expect("a folder").to_owned(), seat.home.path().join("run")]
        {
            fs::create_dir_all(folder).expect("a folder");
        }
        let settings = format!("[broadcast]\nfolder = '{}'\n", seat.shared().display());
        fs::write(seat.rules().with_file_name("settings.toml"), settings).expect("settings");
        seat
    }

    fn stored(&self) -> &Path {
        self.disk.as_ref().map_or(self.home.path(), Disk::path)
    }

    pub fn journal(&self) -> PathBuf {
        self.stored().join("data/penutup/journal.db")
    }

    pub fn rules(&self) -> PathBuf {
        self.home.path().join("config/penutup/rules.toml")
    }

    /// The folder where a supervisor declares KLB.
    pub fn shared(&self) -> PathBuf {
        self.home.path().join("shared")
    }

    /// The right time.
    pub fn right_time(&self) -> DateTime<Utc> {
        self.clock.as_ref().map_or_else(Utc::now, Clock::right)
    }

    pub fn command(&self, args: &[&str]) -> Command {
        self.command_by(false, args)
    }

    /// By this seat's clock, or by that of a machine whose clock is right.
    fn command_by(&self, is_right: bool, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(args).env_clear().current_dir(self.home.path());
        command.env("HOME", self.home.path()).env("PENUTUP_CALL_WAIT", PATIENCE.as_millis().to_string());
        for (name, folder) in [
            ("XDG_CONFIG_HOME", self.home.path().join("config")),
            ("XDG_RUNTIME_DIR", self.home.path().join("run")),
            ("XDG_STATE_HOME", self.stored().join("state")),
            ("XDG_DATA_HOME", self.stored().join("data")),
        ] {
            command.env(name, folder);
        }
        if let Some(clock) = &self.clock {
            clock.give(&mut command, is_right);
        }
        command
    }

    /// Runs the program; expects success and returns its output.
    #[track_caller]
    pub fn run(&self, args: &[&str]) -> String {
        Self::output_of(self.command(args))
    }

    /// As [`Self::run`], on a supervisor's machine.
    #[track_caller]
    pub fn run_elsewhere(&self, args: &[&str]) -> String {
        Self::output_of(self.command_by(true, args))
    }

    #[track_caller]
    fn output_of(mut command: Command) -> String {
        let out = command.output().expect("it runs");
        assert!(out.status.success(), "{command:?}: {out:?}");
        String::from_utf8(out.stdout).expect("UTF-8")
    }

    /// Writes as many earlier calls as a journal at its limit of days has: a tenth of them is too old.
    pub fn fill_journal(&mut self, count: u64) {
        fs::create_dir_all(self.journal().parent().expect("a folder")).expect("a folder");
        let mut store = Store::open(&self.journal()).expect("a journal").store;
        let (now, mut dice) = (self.right_time(), calls::Dice(5));
        let all: Vec<Record> = (0..count)
            .map(|number| {
                let is_old = number < count / 10;
                // The limit is so many days before the newest call, and nobody began one near it.
                let (first, days) = if is_old { (KEPT + 20, 9) } else { (KEPT - 1, KEPT - 2) };
                let (at, of) = if is_old { (number, count / 10) } else { (number - count / 10, count - count / 10) };
                let ms = days * 86_400_000 * i64::try_from(at).unwrap_or(0) / i64::try_from(of).unwrap_or(1);
                let start = now - TimeDelta::days(first) + TimeDelta::milliseconds(ms);
                let record = calls::call(number, start, &mut dice);
                let id = Uuid::now_v7();
                if !is_old {
                    self.kept.push(id);
                }
                Record { id, version: 1, ..record }
            })
            .collect();
        store.save(Uuid::now_v7(), all.iter().map(Change::Save)).expect("a journal that can be written");
    }

    /// How many calls that began from then on are in the journal and have ended; `None` if it can't be read now.
    pub fn ended_since(&self, from: DateTime<Utc>) -> Option<usize> {
        let span = Span { from_ms: Some(from.timestamp_millis()), before_ms: None };
        let mut count = 0;
        let add = |call: &CallSummary, _: &Interner| {
            count += usize::from(call.end.is_some());
            Ok::<(), Error>(())
        };
        Reader::open(&self.journal()).ok().flatten()?.summaries(span, add).ok()?;
        Some(count)
    }

    /// Bytes of the journal and its log for each call in it.
    pub fn bytes_a_call(&self) -> u64 {
        let mut count = 0;
        let add = |_: &CallSummary, _: &Interner| {
            count += 1;
            Ok::<(), Error>(())
        };
        let reader = Reader::open(&self.journal()).expect("a journal");
        reader.expect("a journal").summaries(Span::default(), add).expect("calls");
        let size = |path: PathBuf| fs::metadata(path).map_or(0, |about| about.len());
        (size(self.journal()) + size(self.journal().with_extension("db-wal"))) / u64::max(count, 1)
    }

    /// The calls of an export that began from then on. Asserts that the earlier ones are there as well, each once, but for those
    /// that are too old.
    pub fn exported(&self, from: DateTime<Utc>) -> Vec<Record> {
        let text = self.run(&["journal", "export"]);
        let lines: Vec<&str> = text.lines().collect();
        let [_, calls @ .., _] = &lines[..] else { panic!("an export has a first and a last line: {text}") };
        let records = calls.iter().map(|line| Record::read(line).expect("a call"));
        let (new, mut old): (Vec<Record>, Vec<Record>) = records.partition(|record| record.start >= from);
        old.sort_by_key(|record| record.start);
        let ids: Vec<Uuid> = old.iter().map(|record| record.id).collect();
        assert_eq!(ids.len(), self.kept.len(), "earlier calls in the journal");
        assert!(ids == self.kept, "the earlier calls are those that are young enough");
        new
    }

    /// A fleet's agent at the prompter.
    pub fn agent(&self) -> AgentLine {
        let runtime = Some(self.home.path().join("run/penutup"));
        let dir = SocketDir::of(&Folders { runtime, ..Folders::default() }).expect("a folder of sockets");
        let mut agent = None;
        eventually("the prompter's socket", || {
            agent = dir.sockets().first().and_then(|socket| AgentLine::connect(&dir, socket, PATIENCE).ok());
            agent.is_some()
        });
        agent.expect("it is connected")
    }

    /// Asserts that no file has one of these texts.
    pub fn assert_nowhere(&self, texts: &[&str]) {
        for folder in [self.stored(), self.home.path()] {
            for (path, bytes) in super::term::files_below(folder) {
                let content = String::from_utf8_lossy(&bytes);
                assert!(texts.iter().all(|text| !content.contains(text)), "a name is in {path}");
            }
        }
    }
}
