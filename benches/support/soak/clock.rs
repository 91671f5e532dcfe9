//! A clock that can be set while the program runs: it is given libfaketime, which reads from a file how far the clock is ahead.

use std::cell::Cell;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use chrono::{DateTime, FixedOffset, TimeDelta, Timelike as _, Utc};
use tempfile::TempDir;

/// The seconds that Jakarta is ahead of UTC.
const WIB: i32 = 7 * 3600;
/// The hour at which a run begins, in Jakarta: midnight is crossed again and again.
const BEGIN: u32 = 22;
/// How many minutes the clock is wrong, in turn. KLB that is on for 12 hours asks whether it still is: these are fewer.
const AHEAD: [i64; 8] = [45, -120, 300, -330, 61, -1, 185, 0];
/// So many minutes behind it never is.
const MOST_BEHIND: i64 = 360;

pub struct Clock {
    library: PathBuf,
    folder: TempDir,
    /// How far the right time of the run is from this machine's.
    base: TimeDelta,
    ahead: Cell<TimeDelta>,
}

impl Clock {
    /// `None` where there is no libfaketime.
    pub fn find() -> Option<Self> {
        let library = fs::read_dir("/usr/lib")
            .ok()?
            .flatten()
            .map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"))
            .find(|library| library.is_file())?;
        let local = Utc::now().with_timezone(&FixedOffset::east_opt(WIB)?);
        let base = TimeDelta::hours(i64::from(BEGIN) - i64::from(local.hour()));
        let folder = tempfile::tempdir().expect("a folder");
        let clock = Self { library, folder, base, ahead: Cell::new(TimeDelta::zero()) };
        clock.set(0);
        Some(clock)
    }

    /// The right time of the run.
    pub fn right(&self) -> DateTime<Utc> {
        Utc::now() + self.base
    }

    /// The earliest that the seat's clock can show from now on.
    pub fn earliest(&self) -> DateTime<Utc> {
        self.right() - TimeDelta::minutes(MOST_BEHIND)
    }

    /// Sets the seat's clock. How wrong it is then depends on how often it was set, this time included.
    pub fn set(&self, count: usize) {
        self.ahead.set(if count == 0 {
            TimeDelta::zero()
        } else {
            TimeDelta::minutes(AHEAD[(count - 1) % AHEAD.len()])
        });
        let (file, beside) = (self.folder.path().join("ahead"), self.folder.path().join("new"));
        let seconds = (self.base + self.ahead.get()).num_seconds();
        fs::write(&beside, format!("{seconds:+}\n"))
            .and_then(|()| fs::rename(&beside, file))
            .expect("the clock's file");
    }

    /// What the seat's screen shows now: the time in Jakarta, and the greeting's word.
    pub fn shown(&self) -> (String, &'static str) {
        let local = (self.right() + self.ahead.get()).naive_utc() + TimeDelta::seconds(i64::from(WIB));
        let word = match local.hour() {
            0..11 => "pagi",
            11..15 => "siang",
            15..18 => "sore",
            _ => "malam",
        };
        (format!("{:02}.{:02} WIB", local.hour(), local.minute()), word)
    }

    /// Gives a program the seat's clock, or one that is right.
    pub fn give(&self, command: &mut Command, is_right: bool) {
        command.env("LD_PRELOAD", &self.library).env("FAKETIME_NO_CACHE", "1");
        // Only the time of day is set: what is measured from moment to moment, and the times of files, are as they are.
        command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("NO_FAKE_STAT", "1");
        if is_right {
            command.env("FAKETIME", format!("{:+}", self.base.num_seconds()));
        } else {
            command.env("FAKETIME_TIMESTAMP_FILE", self.folder.path().join("ahead"));
        }
    }
}
