//! One call, from the first value to the end.

use super::super::book::{ANSWERS, APPS, COMPLETE, Call, HONORIFICS, Step, TOPICS, ZONES};
use super::{Driver, outside};

/// What is typed as a name, and the name that is shown.
pub(super) const NAMES: [(&str, &str); 4] = [
    ("Wulandari", "Wulandari"),
    ("Bu Kartikasari", "Kartikasari"),
    ("pak Zulkarnaen", "Zulkarnaen"),
    ("Ny. Puspaningrum", "Puspaningrum"),
];
const QUESTION: &str = "Mengapa panggilan berakhir?";
const ALL_SAID: &str = "Closing lengkap";

impl Driver<'_> {
    /// From the first value to the end. `ends_alone`: the next call does not begin with it.
    pub(super) fn take_call(&mut self, number: usize, ends_alone: bool) {
        let spot = self.dice.below(4);
        self.outside(number, spot == 0);
        self.set_values(number);
        self.outside(number, spot == 1);
        if self.chance(18) {
            return self.leave(number);
        }
        if self.chance(22) {
            self.say_one(number);
            self.outside(number, spot == 2);
            if !self.is_all_said() && self.chance(10) {
                self.turn_topic(number);
            }
            if !self.is_all_said() && self.chance(20) {
                return self.leave(number);
            }
        }
        let is_slow = self.chance(4);
        while is_slow && !self.is_all_said() {
            self.say_one(number);
        }
        if !self.is_all_said() {
            self.say_all(number);
        }
        if self.chance(7) {
            self.keys.key("\x7f", "the call without its last tick", |text| !text.contains(ALL_SAID));
            self.done.undone += 1;
            self.call.ticked.truncate(self.before_last_tick);
            self.call.finished = None;
            if self.chance(50) {
                return self.leave(number);
            }
            self.say_all(number);
        }
        self.outside(number, spot == 3);
        self.end_complete(number, ends_alone);
    }

    fn set_values(&mut self, number: usize) {
        let (turns_topic, turns_app) = (self.chance(60), self.chance(60));
        if turns_topic {
            self.turn_topic(number);
        }
        if turns_app {
            self.turn_app(number);
        }
        if self.chance(6) {
            let before = self.call.clone();
            self.key_app();
            let shown = chip(APPS[before.app].1);
            self.keys.key("\x7f", "the value before", |text| text.contains(&shown));
            self.done.undone += 1;
            self.call = before;
        }
        if self.chance(20) {
            let (typed, name) = NAMES[self.index(NAMES.len())];
            let is_pasted = self.chance(75);
            self.keys.name(typed, name, is_pasted);
            self.call.honorific = match typed.split_once(' ') {
                Some(("pak", _)) => 1,
                Some(_) => 2,
                None => self.call.honorific,
            };
        }
        if self.chance(6) {
            self.call.honorific = (self.call.honorific + 1) % HONORIFICS.len();
            let shown = chip(HONORIFICS[self.call.honorific]);
            self.keys.key("b", "the honorific", |text| text.contains(&shown));
        }
        if self.chance(6) {
            self.call.zone = (self.call.zone + 1) % ZONES.len();
            let shown = chip(ZONES[self.call.zone]);
            self.keys.key("z", "the zone", |text| text.contains(&shown));
        }
        if self.chance(3) {
            self.klb = !self.klb;
            let is_on = self.klb;
            self.keys.key("k", "KLB", |text| text.contains(outside::KLB) == is_on);
        }
    }

    fn turn_topic(&mut self, number: usize) {
        self.call.topic = 1 - self.call.topic;
        let (id, shown) = TOPICS[self.call.topic];
        let shown = chip(shown);
        self.key_or_press(number, "m", &format!("topik={id}"), |text| text.contains(&shown));
    }

    fn turn_app(&mut self, number: usize) {
        if self.is_pressed_outside(number) {
            self.call.app = (self.call.app + 1) % APPS.len();
            let (id, shown) = APPS[self.call.app];
            let shown = chip(shown);
            return self.press(&format!("aplikasi={id}"), |text| text.contains(&shown));
        }
        self.key_app();
    }

    fn key_app(&mut self) {
        self.call.app = (self.call.app + 1) % APPS.len();
        let shown = chip(APPS[self.call.app].1);
        self.keys.key("a", "the value", |text| text.contains(&shown));
    }

    fn is_all_said(&self) -> bool {
        self.call.remaining(self.klb).is_empty()
    }

    /// Ticks the sentence to be said now.
    fn say_one(&mut self, number: usize) {
        let remaining = self.call.remaining(self.klb);
        let (step, is_last) = (remaining[0], remaining.len() == 1);
        self.before_last_tick = self.call.ticked.len();
        let shown = if is_last { ALL_SAID.to_owned() } else { format!("√ {}", step.title()) };
        self.key_or_press(number, " ", "said", |text| text.contains(&shown));
        self.tick(&[step]);
    }

    /// Ticks all that is still to be said.
    fn say_all(&mut self, number: usize) {
        let remaining = self.call.remaining(self.klb);
        self.before_last_tick = self.call.ticked.len();
        self.key_or_press(number, "s", "said-all", |text| text.contains(ALL_SAID));
        self.tick(&remaining);
    }

    fn tick(&mut self, steps: &[Step]) {
        self.call.ticked.extend(steps);
        if self.is_all_said() {
            self.call.finished = Some(self.call.entry(self.klb, &self.rules.current.name(), COMPLETE));
        }
    }

    /// Ends a call of which all is said, in one of four ways.
    fn end_complete(&mut self, number: usize, ends_alone: bool) {
        let begins_next = |text: &str| !text.contains(ALL_SAID);
        let with_value = !ends_alone && self.chance(10);
        if with_value {
            self.keys.key("m", "the next call with its topic", |text| {
                begins_next(text) && text.contains(&chip(TOPICS[1].1))
            });
        } else if self.is_pressed_outside(number) {
            self.press("next", begins_next);
        } else {
            let key = if self.chance(10) { " " } else { "x" };
            self.keys.key(key, "the next call", begins_next);
        }
        let ended = self.note_end(COMPLETE);
        if with_value {
            self.call.topic = 1;
        } else if self.chance(4) && self.resume(ended) {
            self.keys.key("x", "the next call", begins_next);
            self.note_end(COMPLETE);
        }
    }

    /// Ends a call of which not all is said.
    fn leave(&mut self, number: usize) {
        let ended = self.leave_for_reason(number);
        if self.chance(5) && self.resume(ended) {
            self.leave_for_reason(number);
        }
    }

    fn leave_for_reason(&mut self, number: usize) -> Call {
        let at = self.index(ANSWERS.len());
        self.key_or_press(number, "x", "end", |text| text.contains(QUESTION));
        let answer = format!("end={}", ANSWERS[at]);
        self.key_or_press(number, &(at + 1).to_string(), &answer, |text| !text.contains(QUESTION));
        self.note_end(ANSWERS[at])
    }

    /// Notes a call's end in the book. Returns the call, in case the end is undone.
    fn note_end(&mut self, outcome: &str) -> Call {
        self.book.push(self.call.entry(self.klb, &self.rules.current.name(), outcome));
        self.has_new_rules = self.rules.next.is_some();
        self.rules.current = self.rules.next.take().unwrap_or(self.rules.current);
        std::mem::take(&mut self.call)
    }

    /// Undoes a call's end, unless the next one has other rules.
    fn resume(&mut self, ended: Call) -> bool {
        if self.has_new_rules {
            return false;
        }
        self.keys.key("\x7f", "the call before", |text| text.contains("Kembali ke panggilan tadi"));
        self.done.undone += 1;
        self.book.pop();
        self.call = ended;
        true
    }

    /// Presses a key, or its words of `penutup press` if it is time for that.
    #[track_caller]
    fn key_or_press(&mut self, number: usize, key: &str, words: &str, shown: impl Fn(&str) -> bool) {
        if self.is_pressed_outside(number) {
            self.press(words, shown);
        } else {
            self.keys.key(key, words, shown);
        }
    }
}

/// A value that is set, on the screen.
fn chip(value: &str) -> String {
    format!("▐{value}▌")
}
