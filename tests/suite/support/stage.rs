//! A prompter without a terminal: keys go in through the key table, and the test sets the clock.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use penutup::action::Action;
use penutup::app::AppSetup;
use penutup::app::{App, Effect, Update};
use penutup::closing::Mark;
use penutup::closing::PersistedFact;
use penutup::loaded::{LoadedRules, Origin};

use penutup::keymap::{self, Key};

use penutup::message::Message;
use penutup::rules::BUILT_IN;
use penutup::scroll::Scroll;
use penutup::words::Lang;

/// The prompter and its clock.
#[derive(Debug)]
pub struct Stage {
    pub app: App,
    /// The call's clock; it does not advance while keys are pressed.
    pub now: DateTime<Utc>,
    /// The time of key presses: by default with a person's pause between two of them.
    pub real_now: DateTime<Utc>,
    /// The length of that pause.
    pub pace: TimeDelta,
    /// The effects of the last action.
    pub effects: Vec<Effect>,
    /// The scroll position of what is open.
    pub scroll: Scroll,
}

/// The moment of this time of day in WIB, on a fixed day.
#[track_caller]
pub fn wib(time: &str) -> DateTime<Utc> {
    format!("2026-03-02T{time}:00+07:00").parse::<DateTime<chrono::FixedOffset>>().expect("a time of day").to_utc()
}

/// The rules of a sound source.
#[track_caller]
pub fn loaded(source: impl Into<Vec<u8>>) -> Arc<LoadedRules> {
    match LoadedRules::read(source.into(), Origin::File("rules.toml".into()), NaiveDate::MAX) {
        Ok(loaded) => Arc::new(loaded),
        Err(refused) => {
            panic!("{:#?}\n{}", refused.problems, String::from_utf8_lossy(&refused.source))
        }
    }
}

/// The built-in rules with parts replaced: the next revision.
#[track_caller]
pub fn revised(parts: &[(&str, &str)]) -> Arc<LoadedRules> {
    let mut source = BUILT_IN.replace("\"Rev-1\"", "\"Rev-2\"");
    for (from, to) in parts {
        assert!(source.contains(from), "the built-in rules have {from:?}");
        source = source.replace(from, to);
    }
    loaded(source)
}

/// Longer than any key waits for the previous one or for an outside event.
const PACE: TimeDelta = TimeDelta::milliseconds(1300);

impl Stage {
    /// The built-in SOP at this time of day in WIB.
    #[track_caller]
    pub fn at(time: &str) -> Self {
        Self::with(Arc::new(LoadedRules::built_in()), wib(time), Vec::new())
    }

    /// Other rules.
    pub fn with(loaded: Arc<LoadedRules>, now: DateTime<Utc>, shift_facts: Vec<PersistedFact>) -> Self {
        Self::in_zone(0, loaded, now, shift_facts)
    }

    /// Other rules, at a seat in this zone.
    pub fn in_zone(zone: usize, loaded: Arc<LoadedRules>, now: DateTime<Utc>, shift_facts: Vec<PersistedFact>) -> Self {
        let setup = AppSetup { loaded, lang: Lang::Id, zone, shift_facts, notice: None, rules_trouble: None, now };
        Self { app: App::new(setup), now, real_now: now, pace: PACE, effects: Vec::new(), scroll: Scroll::default() }
    }

    /// Updates the state with an action or a message.
    pub fn act(&mut self, update: impl Into<Update>) -> &mut Self {
        let update = update.into();
        if matches!(update, Update::Action(_)) {
            self.real_now += self.pace;
        }
        self.effects = self.app.update_at(update, self.now, self.real_now);
        self.scroll.follow(&self.app, &self.effects);
        self.effects.retain(|effect| !matches!(effect, Effect::Scroll(_)));
        self
    }

    /// Lets so many milliseconds pass for a person, too few to change the clock.
    #[cfg(unix)]
    pub fn later(&mut self, ms: i64) -> &mut Self {
        self.real_now += TimeDelta::milliseconds(ms);
        self
    }

    /// Presses keys with so many milliseconds before each.
    #[track_caller]
    pub fn quick(&mut self, ms: i64, keys: &str) -> &mut Self {
        self.pace = TimeDelta::milliseconds(ms);
        self.keys(keys);
        self.pace = PACE;
        self
    }

    /// Presses a key. Returns whether it has an action here.
    pub fn key(&mut self, key: Key) -> bool {
        let action = keymap::action(&self.app, key);
        let has_action = action.is_some();
        if let Some(action) = action {
            self.act(action);
        }
        has_action
    }

    /// Presses keys, each of which must have an action: letters are themselves, and ␣ Space, ⏎ Enter, ⌫ Backspace, ⎋ Esc, ↑ ↓
    /// arrows, ⇟ page down.
    #[track_caller]
    pub fn keys(&mut self, keys: &str) -> &mut Self {
        for c in keys.chars() {
            let key = match c {
                '␣' => Key::Char(' '),
                '⏎' => Key::Enter,
                '⌫' => Key::Backspace,
                '⎋' => Key::Esc,
                '↑' => Key::Up,
                '↓' => Key::Down,
                '⇟' => Key::PageDown,
                c => Key::Char(c),
            };
            assert!(self.key(key), "{c} does nothing here: {keys:?}");
        }
        self
    }

    /// Lets time pass, then updates once.
    pub fn wait(&mut self, seconds: i64) -> &mut Self {
        self.now += TimeDelta::seconds(seconds);
        self.real_now += TimeDelta::seconds(seconds);
        self.act(Message::Clock)
    }

    /// Sets the time of day in WIB, then updates once.
    #[track_caller]
    pub fn clock(&mut self, time: &str) -> &mut Self {
        self.now = wib(time);
        self.act(Message::Clock)
    }

    /// Delivers newly loaded rules.
    pub fn reload(&mut self, loaded: &Arc<LoadedRules>) -> &mut Self {
        self.act(Message::Rules(Arc::clone(loaded), None))
    }

    /// Pastes a text.
    pub fn paste(&mut self, text: &str) -> &mut Self {
        self.act(Action::Paste(text.into()))
    }

    /// The sentence shown large.
    pub fn sentence(&self) -> Option<String> {
        Some(self.app.sentence(self.app.shown()?)?.to_string())
    }

    /// The complete sentence.
    pub fn complete(&self) -> String {
        self.app.complete_sentence().to_string()
    }

    /// The current step's id.
    pub fn current(&self) -> Option<&str> {
        let rules = self.app.rules();
        self.app.call().current(rules).map(|step| rules.step(step).id.as_str())
    }

    /// The steps on the screen, with their marks: `√campaign ►download terima-kasih (bantuan)`.
    pub fn steps(&self) -> String {
        let rules = self.app.rules();
        let marks = self.app.entries().into_iter().map(|entry| {
            let id = &rules.step(entry.step).id;
            match entry.mark {
                Mark::Spoken => format!("√{id}"),
                Mark::Current => format!("►{id}"),
                Mark::Upcoming => id.clone(),
                Mark::Overtaken => format!("–{id}"),
                Mark::Reminder => format!("({id})"),
            }
        });
        marks.collect::<Vec<_>>().join(" ")
    }

    /// The steps that were said, in order.
    pub fn said(&self) -> Vec<&str> {
        let rules = self.app.rules();
        self.app.call().spoken().iter().map(|s| rules.step(s.step).id.as_str()).collect()
    }

    /// The notice, or nothing.
    pub fn notice(&self) -> String {
        self.app.notice().unwrap_or_default()
    }

    /// A fact's value, by id.
    #[track_caller]
    pub fn fact(&self, id: &str) -> &str {
        let rules = self.app.rules();
        let fact = rules.fact_named(id).expect("a fact of these rules");
        &rules.facts[fact].values[self.app.call().situation().value(fact)].id
    }

    /// What is spoken for a field.
    #[track_caller]
    pub fn field(&self, id: &str) -> String {
        let rules = self.app.rules();
        self.app.fields().spoken(rules, rules.field_named(id).expect("a field of these rules"))
    }
}
