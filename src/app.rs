//! The prompter's state and the one place that changes it: `update(Action) -> Effects`. No disk, no terminal; the time
//! comes in with every action.

pub mod draft;
pub mod record;

use std::sync::Arc;

use chrono::{DateTime, NaiveTime, TimeDelta, Timelike, Utc};

use crate::action::{Action, Direction, Edit, Ending, RulesNews};
use crate::book::Book;
use crate::closing::name::{NoName, from_outside};
use crate::closing::{Closing, Entry, Held, Mark};
use crate::journal::record::{HowEnded, Record};
use crate::rules::RuleSet;
use crate::rules::ruleset::{FieldIx, FieldKind, NAMA, Scope, StepIx, StepWords};
use crate::rules::script::{FieldValue, Fields, Sentence, speak};
use crate::words::{Lang, Words, fill};
use draft::Draft;
use record::record;

/// How long the end of a call can be taken back.
pub const END_CAN_BE_UNDONE: TimeDelta = TimeDelta::seconds(10);
/// From how many minutes before it a change of the greeting is announced.
pub const GREETING_SOON: u16 = 5;

/// What is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The closing itself.
    Closing,
    /// A field is being typed.
    Typing(Draft),
    /// Why does the call end?
    Asking,
    /// Why this script.
    Basis,
    /// The keys.
    Help,
}

/// What the outside is to do. Nothing here waits for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Leave.
    Quit,
    /// Hand this to the terminal's clipboard.
    Copy(String),
    /// The shift's facts changed: keep them.
    SaveHeld(Vec<Held>),
    /// Look whether the rules file changed.
    LookAtRules,
    /// A call changed: keep it.
    Journal(Box<Record>),
    /// Everything in this call was taken back: it never began.
    Unjournal(u64),
}

/// A call that ended a moment ago.
#[derive(Clone, Debug)]
struct Ended {
    number: u64,
    call: Closing,
    book: Arc<Book>,
    at: DateTime<Utc>,
}

/// A line for the CSO; gone at the next key, or at its time.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Notice {
    text: String,
    until: Option<DateTime<Utc>>,
}

/// What the prompter is begun with.
#[derive(Debug)]
pub struct Begin {
    /// The rules in use.
    pub book: Arc<Book>,
    /// The language of the screen.
    pub lang: Lang,
    /// The zone we sit in, and that a call begins with: a position in the rules' zones.
    pub zone: usize,
    /// The shift's facts as they were left.
    pub held: Vec<Held>,
    /// What the first screen tells.
    pub notice: Option<String>,
    /// What is wrong with the rules file, told until it is mended.
    pub rules_trouble: Option<String>,
    /// The time.
    pub now: DateTime<Utc>,
}

/// The prompter's state.
#[derive(Debug)]
pub struct App {
    book: Arc<Book>,
    pending: Option<Arc<Book>>,
    lang: Lang,
    home: String,
    /// Which call of this prompter.
    number: u64,
    /// The highest number given.
    last_number: u64,
    call: Closing,
    /// What the journal last heard of the running call.
    journalled: Option<Record>,
    ended: Option<Ended>,
    mode: Mode,
    looking: Option<StepIx>,
    scroll: usize,
    notice: Option<Notice>,
    rules_trouble: Option<String>,
    state_trouble: Option<String>,
    now: DateTime<Utc>,
}

impl App {
    /// Begins with a call in which nothing has happened.
    #[must_use]
    pub fn new(begin: Begin) -> Self {
        let rules = &begin.book.rules;
        let zone = begin.zone.min(rules.zones.len() - 1);
        Self {
            number: 0,
            last_number: 0,
            journalled: None,
            call: Closing::new(rules, zone, &begin.held),
            home: rules.zones[zone].id.clone(),
            book: begin.book,
            pending: None,
            lang: begin.lang,
            ended: None,
            mode: Mode::Closing,
            looking: None,
            scroll: 0,
            notice: begin.notice.map(|text| Notice { text, until: None }),
            rules_trouble: begin.rules_trouble,
            state_trouble: None,
            now: begin.now,
        }
    }

    // ── What the screen asks ───────────────────────────────────────────────────────────────────────────────────────

    /// The words of the screen.
    #[must_use]
    pub fn words(&self) -> &'static Words {
        self.lang.words()
    }

    /// The language of the screen.
    #[must_use]
    pub fn lang(&self) -> Lang {
        self.lang
    }

    /// The rules in use and where they come from.
    #[must_use]
    pub fn book(&self) -> &Book {
        &self.book
    }

    /// The rules in use.
    #[must_use]
    pub fn rules(&self) -> &RuleSet {
        &self.book.rules
    }

    /// The call.
    #[must_use]
    pub fn call(&self) -> &Closing {
        &self.call
    }

    /// What is open.
    #[must_use]
    pub fn mode(&self) -> &Mode {
        &self.mode
    }

    /// How far the open panel, or the sentence, is scrolled, in lines; the view bounds it.
    #[must_use]
    pub fn scroll(&self) -> usize {
        self.scroll
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// The customer's local time.
    #[must_use]
    pub fn local(&self) -> NaiveTime {
        self.local_in(self.call.zone())
    }

    fn local_in(&self, zone: usize) -> NaiveTime {
        self.now.with_timezone(&self.rules().zones[zone].offset).time()
    }

    /// The greeting that stands in the sentences now.
    #[must_use]
    pub fn greeting(&self) -> usize {
        self.rules().greetings.at(self.local())
    }

    /// The greeting's word.
    #[must_use]
    pub fn greeting_word(&self) -> &str {
        &self.rules().greetings.rows()[self.greeting()].word
    }

    /// The minutes until the greeting turns and what it turns to, when that is near.
    #[must_use]
    pub fn greeting_soon(&self) -> Option<(u16, &str)> {
        self.rules().greetings.next_change(self.local()).filter(|(minutes, _)| *minutes <= GREETING_SOON)
    }

    /// Our own zone, time and greeting, where it greets otherwise than the customer's.
    #[must_use]
    pub fn other_greeting(&self) -> Option<(&str, NaiveTime, &str)> {
        let home = self.home();
        let (time, rules) = (self.local_in(home), self.rules());
        let word = rules.greetings.word(time);
        (word != self.greeting_word()).then_some((rules.zones[home].id.as_str(), time, word))
    }

    /// The zone we sit in.
    #[must_use]
    pub fn home(&self) -> usize {
        self.rules().zone_named(&self.home).unwrap_or(0)
    }

    /// The fields, with what is being typed in them.
    #[must_use]
    pub fn fields(&self) -> Fields {
        match &self.mode {
            Mode::Typing(draft) => self.call.with_name(self.rules(), draft.field, draft.text(), false),
            _ => self.call.fields().clone(),
        }
    }

    /// The step that the screen shows large: the one looked at, else the current one.
    #[must_use]
    pub fn shown(&self) -> Option<StepIx> {
        self.looking.or_else(|| self.call.current(self.rules()))
    }

    /// Whether another step than the current one is looked at.
    #[must_use]
    pub fn is_looking(&self) -> bool {
        self.looking.is_some()
    }

    /// Whether every sentence is said.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.call.is_complete(self.rules())
    }

    /// The sentence of a step as it stands now, or stood when it was said; `None` for a reminder.
    #[must_use]
    pub fn sentence(&self, step: StepIx) -> Option<Sentence> {
        let greeting = self.call.said_greeting(step).unwrap_or_else(|| self.greeting());
        let rules = self.rules();
        speak(rules, rules.step(step), &self.fields(), &rules.greetings.rows()[greeting].word)
    }

    /// What was said plus what remains.
    #[must_use]
    pub fn complete_sentence(&self) -> Sentence {
        self.call.complete_sentence(self.rules(), &self.fields(), self.greeting())
    }

    /// The parts of the closing in order.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        self.call.entries(self.rules())
    }

    /// What it costs to leave out what is unsaid: the scoring parameters, each once.
    #[must_use]
    pub fn cost(&self) -> Vec<&str> {
        let mut out = Vec::new();
        for parameter in self.call.remaining(self.rules()).flat_map(|s| &self.rules().step(s).score) {
            // The SOP names the loss: a call without the invitation "menjadi Tidak FCR" (Keterangan a).
            let parameter = if parameter == "FCR" { self.words().ending.no_fcr } else { parameter };
            if !out.contains(&parameter) {
                out.push(parameter);
            }
        }
        out
    }

    /// Whether Backspace takes something back.
    #[must_use]
    pub fn can_undo(&self) -> bool {
        self.call.can_undo() || self.can_resume()
    }

    fn can_resume(&self) -> bool {
        self.ended.as_ref().is_some_and(|e| self.call.begun().is_none() && self.now - e.at < END_CAN_BE_UNDONE)
    }

    /// The shift fact that is older than its time and so is asked about.
    #[must_use]
    pub fn asked_fact(&self) -> Option<usize> {
        self.rules().facts.iter().enumerate().position(|(at, fact)| {
            let Scope::Shift { keep_for } = fact.scope else { return false };
            let Some(since) = self.call.since(at) else { return false };
            let age = (self.now - since.confirmed).to_std().unwrap_or_default();
            self.call.situation().value(at) != 0 && age >= keep_for
        })
    }

    /// The line for the CSO: what just happened, else what is still wrong.
    #[must_use]
    pub fn notice(&self) -> Option<String> {
        let standing = || {
            let not_yet = || {
                let today = self.now.with_timezone(&self.rules().zones[self.home()].offset).date_naive();
                let from = self.rules().sop.effective_from.filter(|from| *from > today)?;
                let day = from.format("%d/%m/%Y").to_string();
                Some(fill(self.words().screen.not_yet_effective, &[("day", &day)]))
            };
            self.rules_trouble.clone().or_else(|| self.state_trouble.clone()).or_else(not_yet)
        };
        self.notice.as_ref().map(|n| n.text.clone()).or_else(standing)
    }

    /// Whether the notice tells of something that stays wrong.
    #[must_use]
    pub fn notice_is_trouble(&self) -> bool {
        self.notice.is_none() && (self.rules_trouble.is_some() || self.state_trouble.is_some())
    }

    /// When the screen next changes by itself: at the minute, or when the end of a call can no longer be taken back.
    #[must_use]
    pub fn next_change(&self) -> DateTime<Utc> {
        let second = TimeDelta::seconds(i64::from(self.now.second()));
        let start = self.now - second - TimeDelta::nanoseconds(i64::from(self.now.nanosecond()));
        let minute = start + TimeDelta::minutes(1);
        let notice = self.notice.as_ref().and_then(|n| n.until).filter(|until| *until > self.now);
        notice.map_or(minute, |until| until.min(minute))
    }

    // ── What changes it ────────────────────────────────────────────────────────────────────────────────────────────

    /// Changes the state; answers what the outside is to do.
    pub fn update(&mut self, action: Action, now: DateTime<Utc>) -> Vec<Effect> {
        self.now = now;
        let held = self.call.held(self.rules());
        let mut effects = Vec::new();
        if is_a_persons(&action) || self.notice.as_ref().is_some_and(|n| n.until.is_some_and(|until| until <= now)) {
            self.notice = None;
        }
        self.act(action, &mut effects);
        if self.looking.is_some_and(|step| !self.entries().iter().any(|e| e.step == step)) {
            self.looking = None;
        }
        let holds = self.call.held(self.rules());
        if holds != held {
            effects.push(Effect::SaveHeld(holds));
        }
        self.journal(&mut effects);
        effects
    }

    fn act(&mut self, action: Action, effects: &mut Vec<Effect>) {
        let now = self.now;
        let book = Arc::clone(&self.book);
        let rules = &book.rules;
        match action {
            Action::Said => self.said(effects),
            Action::SaidAll => {
                let greeting = self.greeting();
                self.call.tick_all(rules, greeting, now);
                self.show_closing();
            }
            Action::Undo => self.undo(),
            Action::Look(direction) => match self.mode {
                Mode::Basis | Mode::Help => self.scroll_by(direction, 1),
                _ => self.look(direction),
            },
            Action::Scroll(direction) => self.scroll_by(direction, 5),
            Action::Fact { fact, back } => {
                self.call.turn_fact(rules, fact, back, now);
                self.looking = None;
            }
            Action::Field(field) => match rules.field(field).kind {
                FieldKind::Choice(_) => self.call.turn_field(rules, field, false, now),
                FieldKind::Typed { .. } => self.type_into(field, None),
            },
            Action::Zone => {
                let next = (self.call.zone() + 1) % rules.zones.len();
                self.call.set_zone(rules, next, now);
            }
            Action::StillHolds => {
                if let Some(fact) = self.asked_fact() {
                    self.call.confirm_fact(fact, now);
                }
            }
            Action::End => self.end(effects),
            Action::Answer(ending) => self.close(ending, effects),
            Action::Copy => {
                effects.push(Effect::Copy(self.complete_sentence().to_string()));
                self.tell(self.words().notice.copied);
            }
            Action::Basis => self.toggle(Mode::Basis),
            Action::Help => self.toggle(Mode::Help),
            Action::Back => {
                self.looking = None;
                self.show_closing();
            }
            Action::Edit(edit) => self.edit(edit),
            Action::Take => {
                if let Mode::Typing(draft) = std::mem::replace(&mut self.mode, Mode::Closing) {
                    self.call.set_name(rules, draft.field, draft.text(), now);
                }
            }
            Action::Paste(text) => self.paste(&text),
            Action::Quit => self.quit(effects),
            Action::Clock => {}
            Action::Rules(RulesNews::Good(book)) => self.take_rules(book),
            Action::Rules(RulesNews::Bad(why)) => self.rules_trouble = Some(why),
            Action::StateTrouble(why) => {
                self.state_trouble = why.map(|why| fill(self.words().notice.state_not_written, &[("why", &why)]));
            }
        }
    }

    /// Tells the journal of the running call, where it is another than the journal knows.
    fn journal(&mut self, effects: &mut Vec<Effect>) {
        let book = Arc::clone(&self.book);
        self.call.show(&book.rules);
        let record = self.running_record();
        if record != self.journalled {
            effects.push(match record.clone() {
                Some(record) => Effect::Journal(Box::new(record)),
                None => Effect::Unjournal(self.number),
            });
            self.journalled = record;
        }
    }

    fn tell(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice { text: text.into(), until: None });
    }

    fn show_closing(&mut self) {
        self.mode = Mode::Closing;
        self.scroll = 0;
    }

    fn toggle(&mut self, panel: Mode) {
        self.scroll = 0;
        self.mode = if self.mode == panel { Mode::Closing } else { panel };
    }

    fn said(&mut self, effects: &mut Vec<Effect>) {
        self.looking = None;
        self.show_closing();
        let (greeting, now) = (self.greeting(), self.now);
        let book = Arc::clone(&self.book);
        if self.call.tick(&book.rules, greeting, now).is_none() {
            self.close(Ending::Complete, effects);
        }
    }

    fn undo(&mut self) {
        self.looking = None;
        let notice = &self.words().notice;
        if self.call.undo() {
            self.tell(notice.undone);
        } else if self.can_resume() {
            let held = self.call.held(self.rules());
            if let Some(ended) = self.ended.take() {
                if !Arc::ptr_eq(&self.book, &ended.book) {
                    // The next call already had new rules; this one ends under those it was begun with.
                    self.pending = Some(std::mem::replace(&mut self.book, ended.book));
                }
                self.call = ended.call;
                self.number = ended.number;
                let book = Arc::clone(&self.book);
                self.call.adopt(&book.rules, &held);
            }
            self.tell(notice.resumed);
        } else {
            self.tell(notice.nothing_to_undo);
        }
    }

    fn look(&mut self, direction: Direction) {
        self.scroll = 0;
        let entries = self.entries();
        let here = self.shown().and_then(|step| entries.iter().position(|e| e.step == step));
        let to = match (here, direction) {
            (Some(at), Direction::Up) => at.saturating_sub(1),
            (Some(at), Direction::Down) => (at + 1).min(entries.len() - 1),
            (None, _) => entries.len() - 1,
        };
        let Some(entry) = entries.get(to) else { return };
        self.looking = (entry.mark != Mark::Current).then_some(entry.step);
        if self.looking.is_some() && !self.is_complete() {
            self.tell(self.words().screen.looking);
        }
    }

    fn scroll_by(&mut self, direction: Direction, lines: usize) {
        self.scroll = match direction {
            Direction::Up => self.scroll.saturating_sub(lines),
            Direction::Down => self.scroll.saturating_add(lines).min(10_000),
        };
    }

    /// Tells how far a panel can be scrolled, so that the way back from its end is not longer than it looks.
    pub fn bound_scroll(&mut self, most: usize) {
        self.scroll = self.scroll.min(most);
    }

    fn type_into(&mut self, field: FieldIx, pasted: Option<&str>) {
        let FieldKind::Typed { max } = self.rules().field(field).kind else { return };
        let there = match (pasted, self.call.fields().get(field)) {
            (Some(text), _) => text,
            (None, FieldValue::Text(text)) => text,
            (None, FieldValue::Choice(_)) => "",
        };
        let mut draft = Draft::new(field, there, max);
        draft.pasted = pasted.is_some();
        self.mode = Mode::Typing(draft);
        self.scroll = 0;
    }

    fn edit(&mut self, edit: Edit) {
        let full = self.words().notice.typed_full;
        let Mode::Typing(draft) = &mut self.mode else { return };
        if !draft.edit(edit)
            && let FieldKind::Typed { max } = self.book.rules.field(draft.field).kind
        {
            self.tell(fill(full, &[("max", &max.to_string())]));
        }
    }

    fn paste(&mut self, text: &str) {
        let words = &self.words().notice;
        let into = match &self.mode {
            Mode::Typing(draft) => Some(draft.field),
            // A question waits for its digit: pasted digits must not be its answer.
            Mode::Asking => None,
            _ => self.name_field(),
        };
        let Some(field) = into else { return };
        let FieldKind::Typed { max } = self.rules().field(field).kind else { return };
        match (from_outside(text, max), &mut self.mode) {
            (Err(NoName::Empty), _) => self.tell(words.nothing_to_paste),
            (Err(NoName::Digits), Mode::Typing(draft)) if !draft.text().trim().is_empty() => {
                let first = text.lines().next().unwrap_or_default().to_owned();
                draft.insert(&first);
            }
            (Err(NoName::Digits), _) => self.tell(words.digits_no_name),
            (Ok(name), Mode::Typing(draft)) => {
                if !draft.insert(&name) {
                    self.tell(fill(words.name_cut, &[("max", &max.to_string())]));
                }
            }
            (Ok(name), _) => self.type_into(field, Some(&name)),
        }
    }

    /// The field that a pasted text goes to: the customer's name, else the first that is typed.
    fn name_field(&self) -> Option<FieldIx> {
        let typed = |ix: &FieldIx| matches!(self.rules().field(*ix).kind, FieldKind::Typed { .. });
        let named = self.rules().field_named(NAMA).filter(typed);
        named.or_else(|| self.rules().fields_ix().map(|(ix, _)| ix).find(typed))
    }

    fn end(&mut self, effects: &mut Vec<Effect>) {
        self.looking = None;
        if self.call.begun().is_none() {
            self.tell(self.words().notice.untouched);
        } else if self.is_complete() {
            self.close(Ending::Complete, effects);
        } else {
            self.mode = Mode::Asking;
        }
    }

    /// Leaves; a begun call is journalled as it stands.
    fn quit(&mut self, effects: &mut Vec<Effect>) {
        let how = if self.is_complete() { HowEnded::Said(Ending::Complete) } else { HowEnded::Left };
        let record = record(self.number, &self.call, &self.book, Some((self.now, how)));
        effects.extend(record.map(|r| Effect::Journal(Box::new(r))));
        effects.push(Effect::Quit);
    }

    /// Ends the call and begins the next.
    fn close(&mut self, ending: Ending, effects: &mut Vec<Effect>) {
        let now = self.now;
        let held = self.call.held(self.rules());
        let end = Some((now, HowEnded::Said(ending)));
        let record = record(self.number, &self.call, &self.book, end);
        effects.extend(record.map(|r| Effect::Journal(Box::new(r))));
        self.journalled = None;
        let old = Arc::clone(&self.book);
        if let Some(book) = self.pending.take() {
            self.book = book;
        }
        let next = Closing::new(self.rules(), self.home(), &held);
        let call = std::mem::replace(&mut self.call, next);
        self.ended = Some(Ended { number: self.number, call, book: old, at: now });
        self.last_number += 1;
        self.number = self.last_number;
        self.show_closing();
        let notice = &self.words().notice;
        let text = match ending {
            Ending::Complete => notice.ended_complete.into(),
            other => fill(notice.ended, &[("ending", other.words(self.words()))]),
        };
        self.notice = Some(Notice { text, until: Some(now + END_CAN_BE_UNDONE) });
        effects.push(Effect::LookAtRules);
    }

    fn take_rules(&mut self, book: Arc<Book>) {
        self.rules_trouble = None;
        if book.source == self.book.source {
            // Back to what is in use: nothing waits any longer.
            self.pending = None;
            return;
        }
        let notice = &self.words().notice;
        let revision = book.rules.sop.revision.clone();
        if self.call.said().is_empty() {
            let home = book.rules.zone_named(&self.home).unwrap_or(0);
            self.call = self.call.under(&self.book.rules, &book.rules, home);
            if let Mode::Typing(draft) = &self.mode {
                let id = self.book.rules.field(draft.field).id.clone();
                match book
                    .rules
                    .field_named(&id)
                    .filter(|ix| matches!(book.rules.field(*ix).kind, FieldKind::Typed { .. }))
                {
                    Some(field) => {
                        let mut moved = draft.clone();
                        moved.field = field;
                        self.mode = Mode::Typing(moved);
                    }
                    None => self.mode = Mode::Closing,
                }
            }
            self.looking = None;
            self.book = book;
            self.pending = None;
            self.tell(fill(notice.rules_taken, &[("revision", &revision)]));
        } else {
            self.pending = Some(book);
            self.tell(fill(notice.rules_next_call, &[("revision", &revision)]));
        }
    }

    /// What a reminder says, or a step's title.
    #[must_use]
    pub fn reminder(&self, step: StepIx) -> Option<&str> {
        match &self.rules().step(step).words {
            StepWords::Remind(text) => Some(text),
            StepWords::Say(_) => None,
        }
    }
}

/// Whether a person did it, so that the last notice has been read.
fn is_a_persons(action: &Action) -> bool {
    !matches!(action, Action::Clock | Action::Rules(_) | Action::StateTrouble(_))
}
