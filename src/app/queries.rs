//! Queries of the state for the views. Nothing here changes it.

use chrono::{DateTime, NaiveTime, TimeDelta, Timelike, Utc};

use super::{App, END_CAN_BE_UNDONE, GREETING_SOON, Mode};
use crate::closing::{Closing, Entry};
use crate::journal::report::Recap;
use crate::loaded::LoadedRules;
use crate::message::Subject;
use crate::rules::RuleSet;
use crate::rules::ruleset::{Scope, StepIx, StepWords};
use crate::rules::script::{Fields, Sentence, speak};
use crate::words::{Lang, Words};

impl App {
    pub fn words(&self) -> &'static Words {
        self.environment.lang.words()
    }

    pub fn lang(&self) -> Lang {
        self.environment.lang
    }

    /// The rules in use, with their origin.
    pub fn loaded(&self) -> &LoadedRules {
        self.revisions.current()
    }

    /// The rules in use before these, also in the last run.
    pub fn previous_rules(&self) -> Option<&LoadedRules> {
        self.revisions.previous().map(|loaded| &**loaded)
    }

    pub fn rules(&self) -> &RuleSet {
        &self.revisions.current().rules
    }

    pub fn call(&self) -> &Closing {
        &self.calls.current
    }

    /// What the screen shows and keys act on.
    pub fn mode(&self) -> &Mode {
        &self.mode
    }

    /// The journal's summary of today, once it has arrived.
    pub fn day(&self) -> Option<&Recap> {
        self.day.as_deref()
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.environment.now
    }

    /// The customer's local time.
    pub fn local(&self) -> NaiveTime {
        self.local_in(self.calls.current.zone())
    }

    fn local_in(&self, zone: usize) -> NaiveTime {
        self.environment.now.with_timezone(&self.rules().zones[zone].offset).time()
    }

    /// The greeting of the sentences now: a position in the rules' greetings.
    pub fn greeting(&self) -> usize {
        self.rules().greetings.at(self.local())
    }

    pub fn greeting_word(&self) -> &str {
        &self.rules().greetings.rows()[self.greeting()].word
    }

    /// The minutes until the next greeting, and its word, if that is near.
    pub fn greeting_soon(&self) -> Option<(u16, &str)> {
        self.rules().greetings.next_change(self.local()).filter(|(minutes, _)| *minutes <= GREETING_SOON)
    }

    /// The zone, time and greeting of this seat, if its greeting differs from the customer's.
    pub fn other_greeting(&self) -> Option<(&str, NaiveTime, &str)> {
        let home = self.home();
        let (time, rules) = (self.local_in(home), self.rules());
        let word = rules.greetings.word(time);
        (word != self.greeting_word()).then_some((rules.zones[home].id.as_str(), time, word))
    }

    /// The zone of this seat.
    pub fn home(&self) -> usize {
        self.rules().zone_named(&self.environment.home).unwrap_or(0)
    }

    /// The fields, with what is being typed in them.
    pub fn fields(&self) -> Fields {
        if let Mode::Typing(draft) = &self.mode
            && !draft.for_next
            && let Some(field) = draft.field()
        {
            return self.calls.current.with_name(self.rules(), field, draft.text(), false);
        }
        self.calls.current.fields().clone()
    }

    /// The step that the screen shows large: the previewed one, else the current one.
    pub fn shown(&self) -> Option<StepIx> {
        self.calls.previewing.or_else(|| self.calls.current.current(self.rules()))
    }

    /// Whether another step than the current one is previewed.
    pub fn is_previewing(&self) -> bool {
        self.calls.previewing.is_some()
    }

    /// Whether every sentence is ticked.
    pub fn is_complete(&self) -> bool {
        self.calls.current.is_complete(self.rules())
    }

    /// The sentence of a step as it is now, or with the greeting at which it was ticked; `None` for a reminder.
    pub fn sentence(&self, step: StepIx) -> Option<Sentence> {
        let greeting = self.calls.current.spoken_greeting(step).unwrap_or_else(|| self.greeting());
        let rules = self.rules();
        speak(rules, rules.step(step), &self.fields(), &rules.greetings.rows()[greeting].word)
    }

    /// The whole closing: what was said and what remains.
    pub fn complete_sentence(&self) -> Sentence {
        self.calls.current.complete_sentence(self.rules(), &self.fields(), self.greeting())
    }

    /// The parts of the closing in order.
    pub fn entries(&self) -> Vec<Entry> {
        self.calls.current.entries(self.rules())
    }

    /// The scoring parameters that the remaining sentences would cost, each once, as the SOP calls their loss.
    pub fn cost(&self) -> Vec<&str> {
        let mut out = Vec::new();
        for parameter in self.calls.current.remaining(self.rules()).flat_map(|s| &self.rules().step(s).score) {
            let parameter = self.rules().sop.name_of_loss(parameter);
            if !out.contains(&parameter) {
                out.push(parameter);
            }
        }
        out
    }

    /// Whether there is something to undo.
    pub fn can_undo(&self) -> bool {
        self.calls.current.can_undo() || self.can_return() || self.calls.ended.is_some()
    }

    /// The shift fact that the banner asks about, because nobody has confirmed it for too long.
    pub fn asked_fact(&self) -> Option<usize> {
        self.rules().facts.iter().enumerate().position(|(at, fact)| {
            let Scope::Shift { keep_for } = fact.scope else { return false };
            let Some(since) = self.calls.current.since(at) else { return false };
            let age = self.environment.now - since.confirmed;
            // `abs`: a time far in the future comes from a wrong clock, and the true age is unknown.
            let is_old = age.abs().to_std().is_ok_and(|age| age >= keep_for);
            self.calls.current.situation().value(at) != 0 && (is_old || self.is_past_its_time(at))
        })
    }

    /// The line for the CSO: the momentary notice, else the standing troubles.
    pub fn notice(&self) -> Option<String> {
        self.momentary().map(str::to_owned).or_else(|| self.standing())
    }

    /// The standing troubles, which last until they are fixed, in one text; `None` if there are none.
    pub fn standing(&self) -> Option<String> {
        let lines = self.standing_lines();
        (!lines.is_empty()).then(|| lines.join(" · "))
    }

    /// The standing troubles, a line each, the most important for a closing first.
    pub fn standing_lines(&self) -> Vec<String> {
        let mut troubles = self.troubles.standing().clone();
        if let Some(line) = self.unusable_declaration() {
            troubles.entry(Subject::Centre).or_insert(line);
        }
        let lines = self.unknown_fact_line().into_iter().chain(troubles.into_values());
        lines.chain(self.unknown_hotkeys()).collect()
    }

    /// The momentary notice: what just happened, shown until the next key.
    pub fn momentary(&self) -> Option<&str> {
        self.troubles.momentary()
    }

    /// How many momentary notices there were, to tell one that came again from one that is still there.
    pub fn notice_count(&self) -> u64 {
        self.troubles.count()
    }

    /// Whether [`Self::notice`] is a standing trouble.
    pub fn notice_is_trouble(&self) -> bool {
        self.troubles.momentary().is_none() && !self.standing_lines().is_empty()
    }

    /// When the screen next changes by itself: at the next minute, when the end of a call can no longer be undone and
    /// its customer's data is dropped, or when a press from outside is no longer marked.
    pub fn next_change(&self) -> DateTime<Utc> {
        let second = TimeDelta::seconds(i64::from(self.environment.now.second()));
        let start =
            self.environment.now - second - TimeDelta::nanoseconds(i64::from(self.environment.now.nanosecond()));
        let minute = start + TimeDelta::minutes(1);
        let end = self.calls.ended.as_ref().map(|ended| ended.at + END_CAN_BE_UNDONE);
        [end, self.press_mark_ends()].into_iter().flatten().fold(minute, DateTime::min)
    }

    /// The text of a reminder; `None` for a spoken step.
    pub fn reminder(&self, step: StepIx) -> Option<&str> {
        match &self.rules().step(step).words {
            StepWords::Remind(text) => Some(text),
            StepWords::Say(_) => None,
        }
    }
}
