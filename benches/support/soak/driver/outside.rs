//! What comes from outside a call: rules, KLB, presses from another window, window sizes, suspends, a disk that fills up, a clock
//! that is set.

use std::fs;
use std::thread;
use std::time::Duration;

use penutup::declaration::{Declaration, KLB as KLB_ID, State};
use penutup::rules::BUILT_IN;
use penutup_ipc::message::Command;

use super::super::book::Step;
use super::super::term::eventually;
use super::{Driver, Revision};

/// On the screen while KLB is on.
pub const KLB: &str = "KLB AKTIF sejak";
const REFUSED: &str = "Aturan tidak dipakai";
const NOT_WRITTEN: &str = "Jurnal belum tertulis";
/// Later than this nothing that was done is held back any more.
const ALL_HANDED_OVER: Duration = Duration::from_millis(1200);
/// What invites to download.
const INVITATIONS: [&str; 2] = ["ayo download aplikasi New PLN Mobile di", "mari unduh aplikasi New PLN Mobile di"];
/// Window sizes before the usual one comes back.
const SIZES: [(u16, u16); 6] = [(60, 20), (132, 43), (40, 12), (100, 30), (20, 5), (2, 2)];

impl Driver<'_> {
    /// Whether something happens before this call, which must find a call that has not begun.
    pub(super) fn has_event(&self, number: usize) -> bool {
        [3, 5, 7, 9].contains(&(number % 40)) || (number % 40 == 11 && self.seat.clock.is_some())
    }

    /// What happens between two calls.
    pub(super) fn between_calls(&mut self, number: usize) {
        if self.plan.is_full(number) {
            if let Some(disk) = &self.seat.disk {
                self.done.full += usize::from(!self.is_full);
                self.is_full = true;
                // Also what a failed write freed.
                disk.fill();
            }
            if number % 40 == 39 {
                self.check_what_is_told();
            }
        } else {
            self.make_room();
        }
        if number % 40 == 5 {
            self.resize();
        }
        if number % 40 == 3 {
            self.suspend(number % 80 == 3);
        }
        if number % 40 == 7 {
            for (key, title) in [("?", "Daftar tombol"), ("r", "Rekap hari ini"), ("d", "Dasar SOP")] {
                self.keys.key(key, title, |text| text.contains(title));
            }
            self.keys.key("\x1b", "the closing", |text| !text.contains("Dasar SOP ·") && text.contains("X akhiri"));
        }
        if number % 40 == 9 {
            self.agent = None;
            self.keys.term.shows("koneksi KLB");
            self.agent = Some(self.seat.agent());
            self.keys.term.hides("koneksi KLB");
        }
        if number % 40 == 11 {
            self.set_clock();
        }
    }

    /// Sets the clock, forth and back, often over midnight.
    fn set_clock(&mut self) {
        let Some(clock) = &self.seat.clock else { return };
        self.done.clocks += 1;
        clock.set(self.done.clocks);
        // Linux reports a clock that is set to the program; this one it sees with the next key.
        self.keys.key("?", "the list of keys", |text| text.contains("Daftar tombol"));
        self.keys.key("\x1b", "the set clock and its greeting", |text| {
            let (time, greeting) = clock.shown();
            !text.contains("Daftar tombol") && text.contains(&time) && text.contains(&format!("selamat {greeting}"))
        });
    }

    /// Rules and KLB, if they are due now and `here`.
    pub(super) fn outside(&mut self, number: usize, here: bool) {
        if !here {
            return;
        }
        // A trouble of the disk would take away the notice of rules for the next call.
        if self.done.rules * 5 < number + 1 && (self.seat.disk.is_none() || self.call.ticked.is_empty()) {
            self.replace_rules();
        }
        if self.done.klb * 10 < number + 1 {
            self.flip_klb();
        }
        // On a full disk another notice may cover this one.
        if self.seat.disk.is_none() && self.call.finished.is_none() && self.keys.can_try_too_soon() {
            self.keys.space_too_soon();
            self.done.too_soon += 1;
        }
    }

    /// Replaces the rules file: three of four are good, and every second good one changes a sentence.
    fn replace_rules(&mut self) {
        self.done.rules += 1;
        let number = self.done.rules + 1;
        if number % 4 == 3 {
            let bad = match number / 4 % 4 {
                0 => BUILT_IN[..BUILT_IN.len() / 2].to_owned(),
                1 => String::new(),
                2 => "bukan aturan [".to_owned(),
                _ => BUILT_IN.replacen(
                    "steps = [\"bantuan\", \"download\", \"customer-intimacy\"",
                    "steps = [\"bantuan\", \"campaign\", \"download\", \"customer-intimacy\"",
                    1,
                ),
            };
            // Behind the notice of an end the reason would not be seen.
            if self.keys.text().contains("Backspace kembali") {
                self.keys.key("\x1b", "no notice", |text| !text.contains("Backspace kembali"));
            }
            self.write_rules(number, &bad);
            self.keys.term.shows(REFUSED);
            self.rules.is_refused = true;
            return;
        }
        let revision = Revision { number, words: number / 2 % 2 };
        let good = BUILT_IN.replacen("\"Rev-1\"", &format!("\"{}\"", revision.name()), 1);
        self.write_rules(number, &good.replacen(INVITATIONS[0], INVITATIONS[revision.words], 1));
        let was_refused = std::mem::take(&mut self.rules.is_refused);
        if self.call.ticked.is_empty() {
            let is_current = self.call.remaining(self.klb).first() == Some(&Step::Download);
            self.keys.term.shows(&format!("SOP {}", revision.name()));
            if is_current && self.rules.current.words != revision.words {
                self.keys.sentence_changed();
            }
            self.rules.current = revision;
        } else {
            self.keys.term.shows(&format!("SOP {} mulai panggilan berikutnya", revision.name()));
            self.rules.next = Some(revision);
        }
        if was_refused {
            self.keys.term.hides(REFUSED);
        }
    }

    /// Writes the file as an editor does, in its place or beside it.
    fn write_rules(&self, number: usize, text: &str) {
        let path = self.seat.rules();
        if number.is_multiple_of(3) {
            fs::write(path, text).expect("the rules file");
        } else {
            let beside = path.with_extension("new");
            fs::write(&beside, text).and_then(|()| fs::rename(&beside, path)).expect("the rules file");
        }
    }

    /// Declares KLB or lifts it, in the shared folder and as the fleet's agent in turn.
    fn flip_klb(&mut self) {
        self.done.klb += 1;
        let is_on = !self.klb;
        let seat = self.seat;
        let seconds = || u64::try_from(seat.right_time().timestamp()).unwrap_or(0);
        if self.done.klb.is_multiple_of(2) {
            // The folder's next version is the time in seconds.
            while seconds() <= self.declared {
                thread::sleep(Duration::from_millis(20));
            }
            let on = ["klb", "on", "--reason", "gangguan transmisi", "--by", "SPV Jakarta"];
            self.seat.run_elsewhere(if is_on { &on } else { &["klb", "off"] });
            let file = fs::read(self.seat.shared().join("klb.toml")).expect("the declaration");
            self.declared = Declaration::read(&file).expect("a declaration").version;
        } else {
            self.declared = seconds().max(self.declared + 1);
            let declaration = Declaration {
                version: self.declared,
                fact: KLB_ID.into(),
                state: if is_on { State::On } else { State::Off },
                value: None,
                since: self.seat.right_time(),
                until: None,
                by: Some("SPV Pusat".into()),
                why: Some("banjir".into()),
            };
            let agent = self.agent.as_mut().expect("it is connected");
            agent.send(&Command::Klb(Box::new(declaration))).expect("the prompter takes it");
        }
        self.keys.term.until("KLB", |screen| screen.contents().contains(KLB) == is_on);
        let before = self.call.remaining(self.klb).first().copied();
        self.klb = is_on;
        if self.call.finished.is_none() && before != self.call.remaining(is_on).first().copied() {
            self.keys.sentence_changed();
        }
    }

    /// Presses from another window.
    #[track_caller]
    pub(super) fn press(&mut self, words: &str, shown: impl Fn(&str) -> bool) {
        self.keys.wait_to_press_outside(words);
        let said = self.seat.run(&["press", words]);
        assert!(!said.trim().is_empty(), "press {words} prints the sentence to be said");
        self.keys.pressed_outside(words);
        self.keys.term.until(words, |screen| shown(&screen.contents()));
        self.done.presses += 1;
    }

    fn resize(&mut self) {
        for (columns, rows) in SIZES {
            self.keys.term.resize(columns, rows);
        }
        self.keys.term.resize(80, 24).shows("Salam Penutup").shows("daftar tombol").shows("nama belum diisi");
        self.done.resizes += SIZES.len() + 1;
    }

    fn suspend(&mut self, by_key: bool) {
        let term = &mut self.keys.term;
        if by_key {
            term.send_at_once("\x1a");
        } else {
            term.signal("TSTP");
        }
        let stat = format!("/proc/{}/stat", term.pid());
        eventually("the stop", || fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(") T ")));
        term.assert_restored();
        term.signal("CONT").until("the screen", vt100::Screen::alternate_screen).shows("daftar tombol");
        self.done.suspends += 1;
    }

    /// Gives the disk its space back, after a last look at what the screen says of it.
    pub(super) fn make_room(&mut self) {
        let Some(disk) = self.seat.disk.as_ref().filter(|_| self.is_full) else { return };
        self.check_what_is_told();
        disk.empty();
        self.is_full = false;
    }

    /// While the disk is full: the screen says that calls are not in the journal, exactly if some are not.
    fn check_what_is_told(&mut self) {
        let Some(disk) = &self.seat.disk else { return };
        thread::sleep(ALL_HANDED_OVER);
        disk.fill();
        self.keys.key("?", "the list of keys", |text| text.contains("Daftar tombol"));
        let (seat, taken, keys, mut saved) = (self.seat, self.book.len(), &self.keys, 0);
        let begun = self.begun;
        eventually("that the screen says what is not saved", || {
            let Some(count) = seat.ended_since(begun) else { return false };
            saved = count;
            (saved < taken) == keys.text().contains(NOT_WRITTEN)
        });
        self.done.most_unsaved = self.done.most_unsaved.max(taken - saved);
        self.keys.key("\x1b", "the closing", |text| !text.contains("Daftar tombol"));
    }
}
