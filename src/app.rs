//! The prompter's state and the one place that changes it: `update(Action) -> Effects`. No disk, no terminal; the time
//! comes in with every action.

mod broadcast;
mod calls;
pub mod draft;
mod ending;
mod environment;
mod labels;
mod pace;
mod phone;
mod queries;
pub mod record;
mod revision;
mod revisions;
mod seat;
mod troubles;
mod typing;
mod values;
pub mod waiting;

pub use labels::StillForm;

use std::sync::Arc;

use chrono::{DateTime, FixedOffset, NaiveDate, TimeDelta, Utc};

use crate::action::{Action, Direction};
use crate::book::Book;
use crate::clipboard::Copied;
use crate::closing::{Closing, Held, Mark};
use crate::journal::record::Record;
use crate::journal::report::Recap;
use crate::message::phone::Ignored;
use crate::message::{Message, Subject};
use crate::panel::Panel;
use crate::private::Private;
use crate::scroll::By;
use crate::seat::SeatState;
use crate::words::Lang;
use calls::Calls;
use draft::Draft;
use environment::Environment;
use revisions::Revisions;
use troubles::Troubles;

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
    EndPrompt,
    /// Is the prompter really to be left in a call?
    LeavePrompt,
    /// A panel.
    Panel(Panel),
}

/// What changes the state.
#[derive(Clone, Debug, PartialEq)]
pub enum Update {
    /// A person does something.
    Action(Action),
    /// Something comes from outside.
    Message(Message),
}

impl From<Action> for Update {
    fn from(action: Action) -> Self {
        Self::Action(action)
    }
}

impl From<Message> for Update {
    fn from(message: Message) -> Self {
        Self::Message(message)
    }
}

/// What the outside is to do. Nothing here waits for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Leave.
    Quit,
    /// Copy this: to the desktop's clipboard where there is one.
    Copy(Private),
    /// Copy this by way of the terminal.
    CopyToTerminal(Private),
    /// What outlasts a restart changed: keep it, whole.
    Save(Box<SeatState>),
    /// Look whether the rules file changed.
    LookAtRules,
    /// A call changed: keep it.
    Journal(Box<Record>),
    /// Everything in this call was taken back: it never began.
    Unjournal(u64),
    /// Ask the journal what this day of this zone was like.
    AskDay(NaiveDate, FixedOffset),
    /// Scroll what is open.
    Scroll(By),
    /// Reply to the telephone: this of what it sent was ignored.
    Reply(Vec<Ignored>),
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
#[derive(Clone, Debug)]
pub struct App {
    revisions: Revisions,
    calls: Calls,
    mode: Mode,
    /// The journal's summary of today, while the recap is open.
    day: Option<Recap>,
    troubles: Troubles,
    environment: Environment,
    pace: pace::Pace,
    phone: phone::Phone,
    centre: broadcast::Centre,
}

impl App {
    /// Begins with a call in which nothing has happened.
    #[must_use]
    pub fn new(begin: Begin) -> Self {
        let rules = &begin.book.rules;
        let zone = begin.zone.min(rules.zones.len() - 1);
        let mut troubles = Troubles::default();
        troubles.set(Subject::Rules, begin.rules_trouble);
        if let Some(text) = begin.notice {
            troubles.notify(text);
        }
        Self {
            calls: Calls::new(Closing::new(rules, zone, &begin.held), revision::unknown(rules, &begin.held)),
            mode: Mode::Closing,
            day: None,
            troubles,
            environment: Environment {
                lang: begin.lang,
                plain_mode: false,
                home: rules.zones[zone].id.clone(),
                hint: false,
                now: begin.now,
            },
            pace: pace::Pace::default(),
            phone: phone::Phone::default(),
            centre: broadcast::Centre::default(),
            revisions: Revisions::new(begin.book),
        }
    }

    /// With the rules that were in use when the program last ran, where they are others.
    #[must_use]
    pub fn after(mut self, previous: Option<Arc<Book>>) -> Self {
        self.revisions.set_previous(previous);
        self
    }

    /// In lines: some keys are called otherwise, and nothing is said of a clipboard.
    #[must_use]
    pub fn plain_mode(mut self) -> Self {
        self.environment.plain_mode = true;
        self
    }

    /// With the hint of the first run, or without.
    #[must_use]
    pub fn with_hint(mut self, welcome: bool) -> Self {
        self.environment.hint = welcome;
        self
    }

    /// With what else is wrong until it is mended.
    #[must_use]
    pub fn with_troubles(mut self, troubles: impl IntoIterator<Item = (Subject, String)>) -> Self {
        self.troubles.add(troubles);
        self
    }

    /// Changes the state; returns what the outside is to do.
    pub fn update(&mut self, update: impl Into<Update>, now: DateTime<Utc>) -> Vec<Effect> {
        self.update_at(update, now, now)
    }

    /// As [`Self::update`], where the clock of the call differs from that of the hands (in practice and presentation it
    /// stands still): `hands` is when the person did it.
    pub fn update_at(&mut self, update: impl Into<Update>, now: DateTime<Utc>, hands: DateTime<Utc>) -> Vec<Effect> {
        let update = update.into();
        self.environment.now = now;
        let seat = self.seat_state();
        // What is ticked first was on the screen before any key.
        self.calls.current.show(&self.revisions.current().rules);
        let mut effects = Vec::new();
        // A clock that jumped, also backwards, leaves nothing of an ended call behind.
        if self.calls.ended.as_ref().is_some_and(|e| (now - e.at).abs() >= END_CAN_BE_UNDONE) {
            self.calls.ended = None;
            self.troubles.dismiss_the_end();
        }
        match update {
            Update::Action(action) if self.refuses(&action, hands) => return effects,
            Update::Action(action) => {
                self.troubles.dismiss();
                if action != Action::Undo {
                    self.settle_in();
                }
                // Whoever looked up the keys, closed the line or ticked a sentence has read the hint.
                if matches!(action, Action::Panel(Panel::Help) | Action::Back | Action::Said | Action::SaidAll) {
                    self.environment.hint = false;
                }
                let before = self.to_say();
                self.take_waiting();
                self.note_change(&before, hands);
                // Rules whose day has come may change the sentence under a Space that is on its way.
                if !matches!(action, Action::Said | Action::SaidAll) || self.to_say() == before {
                    self.act(action, &mut effects);
                }
                let before = self.to_say();
                self.settle(&before, hands, &mut effects);
            }
            Update::Message(message) => {
                let before = self.to_say();
                self.take_waiting();
                self.receive(message, &mut effects);
                self.settle(&before, hands, &mut effects);
            }
        }
        if self.calls.previewing.is_some_and(|step| !self.entries().iter().any(|e| e.step == step)) {
            self.calls.previewing = None;
        }
        self.forget_what_is_known();
        let now = self.seat_state();
        if now != seat {
            effects.push(Effect::Save(Box::new(now)));
        }
        self.journal(&mut effects);
        effects
    }

    /// What waited for a field to be closed happens; a sentence that is another than `before` is so without a key.
    fn settle(&mut self, before: &pace::ToSay, hands: DateTime<Utc>, effects: &mut Vec<Effect>) {
        self.phone_waited(effects);
        self.apply();
        self.note_change(before, hands);
    }

    fn act(&mut self, action: Action, effects: &mut Vec<Effect>) {
        let now = self.environment.now;
        let book = Arc::clone(self.revisions.current());
        let rules = &book.rules;
        match action {
            Action::Said => self.said(effects),
            Action::SaidAll => {
                let greeting = self.greeting();
                self.calls.current.tick_all(rules, greeting, now);
                self.calls.previewing = None;
                self.show_closing();
            }
            Action::Undo => self.undo(effects),
            Action::Look(direction) if self.is_panel_open() => effects.push(Effect::Scroll(By::Line(direction))),
            Action::Look(direction) => self.look(direction),
            Action::Scroll(direction) => effects.push(Effect::Scroll(By::Page(direction))),
            Action::Fact(fact) => self.turn_fact(fact, effects),
            Action::Field(field) => self.turn_field(field, effects),
            Action::Zone => self.turn_zone(effects),
            Action::StillHolds => {
                if let Some(fact) = self.asked_fact() {
                    self.calls.current.confirm_fact(fact, now);
                }
            }
            Action::End => self.end(effects),
            Action::Answer(ending) => self.close(ending, effects),
            Action::Copy => {
                effects.push(Effect::Copy(self.complete_sentence().to_string().into()));
            }
            Action::Panel(panel) => self.toggle(panel, effects),
            Action::Back => {
                self.calls.previewing = None;
                effects.push(Effect::Scroll(By::Top));
                self.show_closing();
            }
            Action::Edit(edit) => self.edit(edit),
            Action::Take => self.take_typed(effects),
            Action::Paste(text) => self.paste(&text),
            Action::Leave => self.leave(effects),
            Action::Quit => self.quit(effects),
            Action::Redraw => {}
        }
    }

    fn receive(&mut self, message: Message, effects: &mut Vec<Effect>) {
        match message {
            Message::Clock => {}
            Message::Unseen => self.tell(self.words().notice.unseen(self.environment.said_key())),
            Message::Mistyped => {
                // Where a question is open, the line would not be seen.
                self.show_closing();
                self.tell(self.words().notice.mistyped);
            }
            Message::Rules(book, comparison) => self.take_rules(book, comparison),
            Message::Phone(event) => self.phone(event, effects),
            Message::PhoneLink(link) => self.phone_link(link),
            Message::Broadcast(news) => self.hear(news),
            Message::Agent(event) => self.agent(event, effects),
            // In lines it is copied from where it was printed.
            Message::Copied(_) if self.environment.plain_mode => {}
            Message::Copied(Copied::Desktop) => self.tell(self.words().notice.copied),
            Message::Copied(Copied::Terminal) => self.tell(self.words().notice.copied_to_terminal),
            Message::NotCopied(text) => effects.push(Effect::CopyToTerminal(text)),
            Message::Day(day) => self.day = Some(*day),
            Message::JournalNotice(line) => self.tell(line),
            Message::Shared(shared) => self.share(&shared),
            Message::Trouble(subject, why) => self.troubles.set(subject, why),
        }
    }

    /// Tells the journal of the running call, where it is another than the journal knows.
    fn journal(&mut self, effects: &mut Vec<Effect>) {
        let book = Arc::clone(self.revisions.current());
        self.calls.current.show(&book.rules);
        let record = self.record(None);
        self.calls.finished = self.calls.current.is_finished().then(|| record.clone()).flatten();
        if record != self.calls.journalled {
            effects.push(match record.clone() {
                Some(record) => Effect::Journal(Box::new(record)),
                None => Effect::Unjournal(self.calls.number),
            });
            self.calls.journalled = record;
        }
    }

    fn tell(&mut self, text: impl Into<Private>) {
        self.troubles.notify(text);
    }

    fn is_panel_open(&self) -> bool {
        matches!(self.mode, Mode::Panel(_))
    }

    fn show_closing(&mut self) {
        self.mode = Mode::Closing;
    }

    fn toggle(&mut self, panel: Panel, effects: &mut Vec<Effect>) {
        let is_open = self.mode == Mode::Panel(panel);
        self.mode = if is_open { Mode::Closing } else { Mode::Panel(panel) };
        if panel == Panel::Recap {
            // An old answer would be a wrong one.
            self.day = None;
            let zone = self.rules().zones[self.home()].offset;
            effects.extend(
                (!is_open).then(|| Effect::AskDay(self.environment.now.with_timezone(&zone).date_naive(), zone)),
            );
        }
    }

    fn undo(&mut self, effects: &mut Vec<Effect>) {
        self.calls.previewing = None;
        let notice = &self.words().notice;
        if self.return_to_overtaken(effects) {
            return;
        }
        if !self.leads_back() && self.calls.current.undo() {
            self.tell(notice.undone);
        } else if let Some(ended) = self.calls.ended.take() {
            self.resume(ended, effects);
        } else {
            self.tell(notice.nothing_to_undo);
        }
    }

    fn look(&mut self, direction: Direction) {
        let entries = self.entries();
        let here = self.shown().and_then(|step| entries.iter().position(|e| e.step == step));
        let to = match (here, direction) {
            (Some(at), Direction::Up) => at.saturating_sub(1),
            (Some(at), Direction::Down) => (at + 1).min(entries.len() - 1),
            (None, _) => entries.len() - 1,
        };
        let Some(entry) = entries.get(to) else { return };
        self.calls.previewing = (entry.mark != Mark::Current).then_some(entry.step);
        if self.calls.previewing.is_some() && !self.is_complete() {
            self.tell(self.words().screen.looking);
        }
    }
}
