//! The prompter's state and the one place that changes it: `update(Action) -> Effects`. No disk, no terminal; the time
//! comes in with every action.

mod calls;
mod centre;
pub mod draft;
mod ending;
mod environment;
mod hotkeys;
mod labels;
mod new_rules;
mod pace;
mod phone;
mod press;
mod queries;
pub mod record;
mod revisions;
mod seat;
mod troubles;
mod typing;
mod values;
pub mod waiting;
pub mod web_link;

pub use labels::{Banner, StillForm};
pub use press::press_action;

use std::sync::Arc;

use chrono::{DateTime, FixedOffset, NaiveDate, TimeDelta, Utc};

use crate::action::{Action, Direction};
use crate::clipboard::Copied;
use crate::closing::{Closing, Mark, PersistedFact};
use crate::journal::record::Record;
use crate::journal::report::Recap;
use crate::loaded::LoadedRules;
use crate::message::{Message, Subject};
use crate::panel::Panel;
use crate::private::Private;
use crate::scroll::By;
use crate::seat::SeatState;
use crate::words::Lang;
use calls::Calls;
use draft::Draft;
use environment::Environment;
use penutup_ipc::phone_event::Ignored;
use penutup_ipc::press::{PressRefusal, PressReply};
use penutup_ipc::web_link::LinkRefusal;

use revisions::Revisions;
use troubles::Troubles;

/// How long the end of a call can be undone.
pub const END_CAN_BE_UNDONE: TimeDelta = TimeDelta::seconds(10);
/// From how many minutes before it a change of the greeting is announced.
pub const GREETING_SOON: u16 = 5;

/// What the screen shows and keys act on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    Closing,
    /// Typing into a field.
    Typing(Draft),
    /// The question why the call ends.
    EndPrompt,
    /// The question whether to quit during a call.
    LeavePrompt,
    Panel(Panel),
}

/// The input of [`App::update`].
#[derive(Clone, Debug, PartialEq)]
pub enum Update {
    Action(Action),
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

/// What the caller of [`App::update`] has to do; no result is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    Quit,
    /// Copy this to the desktop's clipboard, or through the terminal if there is none.
    Copy(Private),
    CopyToTerminal(Private),
    /// Save the state that outlasts a restart.
    Save(Box<SeatState>),
    /// Check whether the rules file changed.
    CheckRules,
    /// Save the record of a call in the journal.
    Journal(Arc<Record>),
    /// Remove this call from the journal: everything in it was undone.
    Unjournal(u64),
    /// Query the journal for the summary of this day in this zone.
    AskDay(NaiveDate, FixedOffset),
    Scroll(By),
    /// Reply to the telephone with what was ignored of its pairs.
    Reply(Vec<Ignored>),
    /// Reply to the sender of a link with why it was refused.
    LinkRefused(LinkRefusal),
    /// Print this panel's page: in line mode, which opens no panels.
    Print(Panel),
    /// Reply to the sender of presses with what came of them.
    Pressed(Box<PressReply>),
}

/// What an [`App`] starts with.
#[derive(Debug)]
pub struct AppSetup {
    /// The rules in use.
    pub loaded: Arc<LoadedRules>,
    pub lang: Lang,
    /// The zone of this seat, with which a call begins: a position in the rules' zones.
    pub zone: usize,
    /// The saved facts of the shift.
    pub shift_facts: Vec<PersistedFact>,
    /// The notice on the first screen.
    pub notice: Option<String>,
    /// What is wrong with the rules file, shown until it is fixed.
    pub rules_trouble: Option<String>,
    pub now: DateTime<Utc>,
}

#[cfg(test)]
impl AppSetup {
    /// The built-in rules in Indonesian, with nothing set.
    pub fn built_in(now: DateTime<Utc>) -> Self {
        let (loaded, lang) = (Arc::new(LoadedRules::built_in()), Lang::Id);
        Self { loaded, lang, zone: 0, shift_facts: Vec::new(), notice: None, rules_trouble: None, now }
    }
}

/// The prompter's state.
#[derive(Clone, Debug)]
pub struct App {
    revisions: Revisions,
    calls: Calls,
    mode: Mode,
    /// The journal's summary of today, while the recap is open.
    day: Option<Box<Recap>>,
    troubles: Troubles,
    environment: Environment,
    pace: pace::Pace,
    phone: phone::Phone,
    web_links: web_link::WebLinks,
    centre: centre::Centre,
}

impl App {
    /// Starts with an untouched call.
    pub fn new(setup: AppSetup) -> Self {
        let rules = &setup.loaded.rules;
        let zone = setup.zone.min(rules.zones.len() - 1);
        let mut troubles = Troubles::default();
        troubles.set(Subject::Rules, setup.rules_trouble);
        if let Some(text) = setup.notice {
            troubles.notify(text);
        }
        Self {
            calls: Calls::new(
                Closing::new(rules, zone, &setup.shift_facts),
                new_rules::unknown(rules, &setup.shift_facts),
            ),
            mode: Mode::Closing,
            day: None,
            troubles,
            environment: Environment {
                lang: setup.lang,
                plain_mode: false,
                home: rules.zones[zone].id.clone(),
                hint: false,
                now: setup.now,
                pressed: None,
                hotkeys: Vec::new(),
            },
            pace: pace::Pace::default(),
            phone: phone::Phone::default(),
            web_links: web_link::WebLinks::default(),
            centre: centre::Centre::default(),
            revisions: Revisions::new(setup.loaded),
        }
    }

    /// Sets the rules that were in use when the program last ran, if they differ.
    pub fn with_previous_rules(mut self, previous: Option<Arc<LoadedRules>>) -> Self {
        self.revisions.set_previous(previous);
        self
    }

    /// Sets who takes the calls.
    pub fn with_agent(mut self, agent: Option<String>) -> Self {
        self.calls.agent.clone_from(&agent);
        self.calls.next_agent = agent;
        self
    }

    /// Switches to line mode, where some keys have other names and a copy is not reported.
    pub fn plain_mode(mut self) -> Self {
        self.environment.plain_mode = true;
        self
    }

    /// Shows the hint of the first run if `welcome`.
    pub fn with_hint(mut self, welcome: bool) -> Self {
        self.environment.hint = welcome;
        self
    }

    /// Adds troubles that exist at the start.
    pub fn with_troubles(mut self, troubles: impl IntoIterator<Item = (Subject, String)>) -> Self {
        self.troubles.add(troubles);
        self
    }

    /// Changes the state. Returns what the caller has to do.
    pub fn update(&mut self, update: impl Into<Update>, now: DateTime<Utc>) -> Vec<Effect> {
        self.update_at(update, now, now)
    }

    /// As [`Self::update`] with two clocks: `now` is the time of the call, which practice and presentations stop;
    /// `real_now` is the real time of the person's action.
    pub fn update_at(&mut self, update: impl Into<Update>, now: DateTime<Utc>, real_now: DateTime<Utc>) -> Vec<Effect> {
        match update.into() {
            Update::Message(Message::Press { presses, is_seen }) => self.press(&presses, is_seen, now, real_now),
            update => self.update_or_refuse(update, now, real_now).0,
        }
    }

    /// Changes the state. Returns what the caller has to do, and why an action was refused.
    fn update_or_refuse(
        &mut self,
        update: Update,
        now: DateTime<Utc>,
        real_now: DateTime<Utc>,
    ) -> (Vec<Effect>, Option<PressRefusal>) {
        let mut refusal = None;
        self.environment.now = now;
        self.drop_press_mark();
        let seat = self.seat_state();
        // The screen showed the current sentence before this key.
        self.calls.current.mark_displayed(&self.revisions.current().rules);
        let mut effects = Vec::new();
        // After a clock jump, also backwards, an ended call can't be undone.
        if self.calls.ended.as_ref().is_some_and(|e| (now - e.at).abs() >= END_CAN_BE_UNDONE) {
            self.calls.ended = None;
            self.troubles.dismiss_the_end();
        }
        match update {
            Update::Action(action) => {
                if let Some(why) = self.refusal(&action, real_now) {
                    return (effects, Some(why));
                }
                self.troubles.dismiss();
                if action != Action::Undo {
                    self.drop_interrupted();
                }
                // These actions show that the hint was read.
                if matches!(action, Action::Panel(Panel::Help) | Action::Back | Action::Said | Action::SaidAll) {
                    self.environment.hint = false;
                }
                let before = self.to_say();
                self.take_waiting();
                self.note_change(&before, real_now);
                // Rules that came into force just now may have changed the sentence that this Space was meant for.
                if !matches!(action, Action::Said | Action::SaidAll) || self.to_say() == before {
                    self.act(action, &mut effects);
                } else {
                    refusal = Some(PressRefusal::Changed);
                }
                let before = self.to_say();
                self.settle(&before, real_now, &mut effects);
            }
            Update::Message(message) => {
                let before = self.to_say();
                self.take_waiting();
                self.receive(message, &mut effects);
                self.settle(&before, real_now, &mut effects);
            }
        }
        if self.calls.previewing.is_some_and(|step| !self.entries().iter().any(|e| e.step == step)) {
            self.calls.previewing = None;
        }
        self.drop_known_facts();
        let now = self.seat_state();
        if now != seat {
            effects.push(Effect::Save(Box::new(now)));
        }
        self.journal(&mut effects);
        (effects, refusal)
    }

    /// Handles the events that waited for a field to be closed. If the sentence then differs from `before`, an event
    /// changed it, not a key.
    fn settle(&mut self, before: &pace::ToSay, real_now: DateTime<Utc>, effects: &mut Vec<Effect>) {
        self.handle_waiting_phone(effects);
        self.apply();
        self.note_change(before, real_now);
    }

    fn act(&mut self, action: Action, effects: &mut Vec<Effect>) {
        let now = self.environment.now;
        let loaded = Arc::clone(self.revisions.current());
        let rules = &loaded.rules;
        match action {
            Action::Said => self.tick(effects),
            Action::SaidAll => {
                let greeting = self.greeting();
                self.calls.current.mark_all_spoken(rules, greeting, now);
                self.calls.previewing = None;
                self.show_closing();
            }
            Action::Undo => self.undo(effects),
            Action::Preview(direction) if self.is_panel_open() => effects.push(Effect::Scroll(By::Line(direction))),
            Action::Preview(direction) => self.preview(direction),
            Action::Scroll(direction) => effects.push(Effect::Scroll(By::Page(direction))),
            Action::Fact(fact) => self.turn_fact(fact, None, effects),
            Action::SetFact(fact, value) => self.turn_fact(fact, Some(value), effects),
            Action::Field(field) => self.turn_field(field, None, effects),
            Action::Choose(field, choice) => self.turn_field(field, Some(choice), effects),
            Action::Zone => self.turn_zone(None, effects),
            Action::SetZone(zone) => self.turn_zone(Some(zone), effects),
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
            Action::Burst(text) => self.burst(&text, effects),
            Action::Agent => self.type_agent(),
            Action::Leave => self.leave(effects),
            Action::Quit => self.quit(effects),
            Action::Redraw => {}
        }
    }

    fn receive(&mut self, message: Message, effects: &mut Vec<Effect>) {
        match message {
            // Presses are actions: `update_at` has performed them.
            Message::Clock | Message::Press { .. } => {}
            Message::Unseen => self.notify(self.words().notice.unseen(self.environment.said_key())),
            Message::Mistyped => {
                // A notice is not visible while a question is open.
                self.show_closing();
                self.notify(self.words().notice.mistyped);
            }
            Message::Rules(loaded, comparison) => self.take_rules(loaded, comparison),
            Message::Phone(event) => self.phone(event, effects),
            Message::WebLink(link) => self.web_link(&link, effects),
            Message::PhoneLink(link) => self.phone_link(link),
            Message::Declaration(event) => self.receive_declaration_event(event),
            Message::Agent(event) => self.agent(event, effects),
            // In line mode the sentence is printed, and copied from there by hand.
            Message::Copied(_) if self.environment.plain_mode => {}
            Message::Copied(Copied::Desktop) => self.notify(self.words().notice.copied),
            Message::Copied(Copied::Terminal) => self.notify(self.words().notice.copied_to_terminal),
            Message::NotCopied(text) => effects.push(Effect::CopyToTerminal(text)),
            Message::Day(day) => self.day = Some(day),
            Message::Notice(line) => self.troubles.notify_also(line),
            Message::Hotkeys(hotkeys) => self.environment.hotkeys = hotkeys,
            Message::Shared(shared) => self.share(&shared),
            Message::Trouble(subject, why) => self.troubles.set(subject, why),
        }
    }

    /// Sends the record of the running call to the journal if it has changed.
    fn journal(&mut self, effects: &mut Vec<Effect>) {
        let loaded = Arc::clone(self.revisions.current());
        self.calls.current.mark_displayed(&loaded.rules);
        let record = self.record(None);
        if record.as_ref() != self.calls.journalled.as_deref() {
            self.calls.journalled = record.map(Arc::new);
            effects.push(match self.calls.journalled.clone() {
                Some(record) => Effect::Journal(record),
                None => Effect::Unjournal(self.calls.number),
            });
        }
        self.calls.finished = self.calls.journalled.clone().filter(|_| self.calls.current.is_finished());
    }

    fn notify(&mut self, text: impl Into<Private>) {
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
            // The summary must be of now.
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
        if self.return_to_interrupted(effects) {
            return;
        }
        if !self.undo_returns() && self.calls.current.undo() {
            self.notify(notice.undone);
        } else if let Some(ended) = self.calls.ended.take() {
            self.resume(*ended, effects);
        } else {
            self.notify(notice.nothing_to_undo);
        }
    }

    fn preview(&mut self, direction: Direction) {
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
            self.notify(self.words().screen.looking);
        }
    }
}
