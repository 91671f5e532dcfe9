//! Performs presses from outside the window as their keys would be, with every guard of a key. Part of `update`.
//!
//! The presses of one command happen on a copy of the state, which replaces it only if none was refused.

use chrono::{DateTime, TimeDelta, Utc};

use super::{App, Effect, Mode, Update};
use crate::action::Action;
use crate::closing::ending::{Ending, Outcome};
use crate::keymap;
use crate::message::Message;
use crate::panel::Panel;
use crate::press;
use crate::rules::ruleset::{FieldKind, RuleSet, Scope};
use crate::rules::script::FieldValue;
use crate::rules::text::clean;
use penutup_ipc::press::{Did, PressRefusal, PressReply, Presses, Refused};

/// How long the screen shows that something was pressed from outside the window.
const MARK: TimeDelta = TimeDelta::seconds(1);
/// The most characters of the reply's line, so that the reply stays within its limit.
const MOST_SAID: usize = 700;
/// The most bytes of the names in a refusal, for the same reason.
const MOST_NAMES: usize = 2000;
/// The press that begins the next call, and nothing else.
const NEXT: &str = "next";
/// The press that ticks all sentences.
const SAID_ALL: &str = "said-all";
/// Before the code of an ending, which answers the question about it.
const ANSWER: &str = "end=";
/// The names of actions, beside those of facts and choice fields. They are the same in every language.
const ACTIONS: [&str; 9] = ["said", SAID_ALL, "undo", "end", NEXT, "copy", "basis", "recap", "back"];

/// Why a press can't be an action: the reason, and the words that would do.
pub type NoAction = (PressRefusal, Vec<String>);

impl App {
    /// Performs all presses or none. The last effect is the reply.
    pub(super) fn press(
        &mut self,
        presses: &Presses,
        is_seen: bool,
        now: DateTime<Utc>,
        real_now: DateTime<Utc>,
    ) -> Vec<Effect> {
        // What is due happens whatever becomes of the presses.
        let (mut effects, _) = self.update_or_refuse(Message::Clock.into(), now, real_now);
        let (did, refused) = match self.press_all(presses, is_seen, (now, real_now), &mut effects) {
            Ok(did) => (did, None),
            Err(refused) => {
                self.notify_refused_press(presses, &refused);
                (Vec::new(), Some(refused))
            }
        };
        let say = Some(self.asked());
        effects.push(Effect::Pressed(Box::new(PressReply { did, refused, say })));
        effects
    }

    fn press_all(
        &mut self,
        presses: &Presses,
        is_seen: bool,
        (now, real_now): (DateTime<Utc>, DateTime<Utc>),
        effects: &mut Vec<Effect>,
    ) -> Result<Vec<Did>, Refused> {
        if presses.words().is_empty() {
            return Ok(Vec::new());
        }
        // Words that are no presses are nobody's key: they restart no time.
        for (at, word) in presses.words().iter().enumerate() {
            self.pressed_action(word).map_err(|(why, valid)| Refused { at, why, valid })?;
        }
        if self.repeats(presses, real_now) {
            // Only a press of Space delays the next Space.
            if presses.words().iter().any(|word| word == "said" || word == NEXT) {
                self.restart_pace(real_now);
            }
            return Err(Refused { at: 0, why: PressRefusal::TooSoon, valid: Vec::new() });
        }
        let (mut tried, mut did, mut more) = (self.clone(), Vec::new(), Vec::new());
        for (at, word) in presses.words().iter().enumerate() {
            match tried.press_one(word, is_seen, (now, real_now), &mut more) {
                Ok(one) => did.push(one),
                Err((why, valid)) => {
                    self.pace.pressed = tried.pace.pressed;
                    return Err(Refused { at, why, valid });
                }
            }
        }
        *self = tried;
        self.environment.pressed = Some(now);
        effects.extend(more);
        Ok(did)
    }

    /// Says on the screen why nothing was pressed: whoever pressed a hotkey or a button sees no other output. A held one
    /// does not cover what its first press said.
    fn notify_refused_press(&mut self, presses: &Presses, refused: &Refused) {
        if refused.why == PressRefusal::TooSoon && self.momentary().is_some() {
            return;
        }
        let word = presses.words().get(refused.at).map_or("", String::as_str);
        let line = match refused.why {
            PressRefusal::Changed => self.words().notice.changed_under(self.tick_key(word == SAID_ALL)),
            PressRefusal::Unseen => self.words().notice.unseen(self.tick_key(word == SAID_ALL)),
            why => press::refused(word, why, self.words()),
        };
        self.notify(line);
    }

    fn press_one(
        &mut self,
        word: &str,
        is_seen: bool,
        (now, real_now): (DateTime<Utc>, DateTime<Utc>),
        effects: &mut Vec<Effect>,
    ) -> Result<Did, NoAction> {
        let action = self.pressed_action(word)?;
        if let Some(why) = self.guard(word, &action, is_seen) {
            return Err((why, Vec::new()));
        }
        if self.is_set(&action) {
            return Ok(Did::Nothing);
        }
        let did = self.would_do(&action);
        let (more, refusal) = self.update_or_refuse(Update::Action(action.clone()), now, real_now);
        effects.extend(more);
        if let Some(why) = refusal {
            return Err((why, Vec::new()));
        }
        // In line mode a panel's page is printed; the panel does not stay open.
        if self.environment.plain_mode
            && let Action::Panel(panel) = action
        {
            effects.push(Effect::Print(panel));
            effects.extend(self.update_or_refuse(Update::Action(Action::Back), now, real_now).0);
        }
        Ok(did)
    }

    /// The action of a word as the screen is now.
    fn pressed_action(&self, word: &str) -> Result<Action, NoAction> {
        let action = press_action(word, self.rules())?;
        // A panel is closed by the key that opened it.
        Ok(match (action, &self.mode) {
            (Action::Back, Mode::Panel(open)) => Action::Panel(*open),
            (action, _) => action,
        })
    }

    /// Why a press has no key now, or must not tick what nobody sees.
    fn guard(&self, word: &str, action: &Action, is_seen: bool) -> Option<PressRefusal> {
        let is_value = matches!(action, Action::Fact(_) | Action::SetFact(..) | Action::Field(_) | Action::Choose(..));
        let has_key = || {
            if is_value {
                matches!(self.mode, Mode::Closing | Mode::Panel(_))
            } else {
                keymap::rows(self).iter().any(|row| row.action == *action)
            }
        };
        let ticks = *action == Action::SaidAll || (*action == Action::Said && !self.is_previewing());
        match self.mode {
            Mode::Typing(_) if !has_key() => Some(PressRefusal::Field),
            Mode::EndPrompt | Mode::LeavePrompt if !has_key() => Some(PressRefusal::Question),
            Mode::Panel(_) if word == NEXT || !has_key() => Some(PressRefusal::Covered),
            Mode::Closing if word == NEXT && !self.is_complete() => Some(PressRefusal::Incomplete),
            Mode::Closing if self.is_previewing() && (word == NEXT || *action == Action::SaidAll) => {
                Some(PressRefusal::Covered)
            }
            Mode::Closing if matches!(action, Action::Answer(_)) => Some(PressRefusal::NoQuestion),
            Mode::Closing if ticks && !is_seen => Some(PressRefusal::Unseen),
            _ => None,
        }
    }

    /// Whether the fact or field has this value already. A value for a finished call is one of the next call, which it
    /// begins, also if the finished call has the same.
    fn is_set(&self, action: &Action) -> bool {
        let is_finished = self.calls.current.is_finished();
        match action {
            Action::SetFact(fact, _) if is_finished && self.rules().facts[*fact].scope == Scope::Call => false,
            Action::SetFact(fact, value) => self.calls.current.situation().value(*fact) == *value,
            Action::Choose(field, at) => {
                !is_finished && *self.calls.current.fields().get(*field) == FieldValue::Choice(*at)
            }
            _ => false,
        }
    }

    fn would_do(&self, action: &Action) -> Did {
        match action {
            Action::Said if self.mode != Mode::Closing || self.is_previewing() => Did::Closed,
            Action::Said if self.is_complete() => Did::NextCall,
            Action::SaidAll if self.is_complete() => Did::Nothing,
            Action::Said | Action::SaidAll => Did::Ticked,
            Action::Undo if !self.can_undo() => Did::Nothing,
            _ => Did::Done,
        }
    }

    /// What the screen asks now, in one line: the open question, or the sentence to be said.
    fn asked(&self) -> String {
        let words = self.words();
        let text = match (&self.mode, self.calls.current.current(self.rules())) {
            (Mode::EndPrompt, _) => {
                let codes = Ending::ANSWERS.map(|ending| Outcome::Ended(ending).code());
                words.press.question_asked(codes.join(", "), words.ending.question)
            }
            (Mode::LeavePrompt, _) => words.ending.leaving.to_owned(),
            (_, Some(step)) => self.sentence(step).unwrap_or_default().to_string(),
            (_, None) if self.calls.current.spoken().is_empty() => words.screen.nothing_spoken.to_owned(),
            (_, None) => words.screen.all_said.to_owned(),
        };
        let text = clean(&text);
        if text.chars().count() <= MOST_SAID {
            return text;
        }
        text.chars().take(MOST_SAID - 1).chain(['…']).collect()
    }

    /// Whether the screen shows that something was just pressed from outside the window.
    pub fn is_pressed_outside(&self) -> bool {
        self.environment.pressed.is_some()
    }

    /// When it no longer shows that.
    pub(super) fn press_mark_ends(&self) -> Option<DateTime<Utc>> {
        self.environment.pressed.map(|pressed| pressed + MARK)
    }

    /// Removes the mark once its time is over, also after a clock jump.
    pub(super) fn drop_press_mark(&mut self) {
        let now = self.environment.now;
        self.environment.pressed.take_if(|pressed| (now - *pressed).abs() >= MARK);
    }
}

/// The action that a word of `penutup press` names: its own name, or the id of a fact or a choice field, alone or with a
/// value. The error has the words that would do.
pub fn press_action(word: &str, rules: &RuleSet) -> Result<Action, NoAction> {
    match word {
        "said" | NEXT => return Ok(Action::Said),
        SAID_ALL => return Ok(Action::SaidAll),
        "undo" => return Ok(Action::Undo),
        "end" => return Ok(Action::End),
        "copy" => return Ok(Action::Copy),
        "basis" => return Ok(Action::Panel(Panel::Basis)),
        "recap" => return Ok(Action::Panel(Panel::Recap)),
        "back" => return Ok(Action::Back),
        _ => {}
    }
    if let Some(code) = word.strip_prefix(ANSWER) {
        let ending = Ending::ANSWERS.into_iter().find(|ending| Outcome::Ended(*ending).code() == code);
        let valid = || Ending::ANSWERS.map(|ending| Outcome::Ended(ending).code().to_owned()).into();
        return ending.map(Action::Answer).ok_or_else(|| (PressRefusal::UnknownValue, valid()));
    }
    let (id, value) = word.split_once('=').map_or((word, None), |(id, value)| (id, Some(value.trim())));
    let unknown_value = |valid: Vec<String>| (PressRefusal::UnknownValue, bounded(valid));
    if let Some(fact) = rules.fact_or_role(id) {
        let Some(value) = value else { return Ok(Action::Fact(fact)) };
        let values = &rules.facts[fact].values;
        let at = values.iter().position(|known| known.id.eq_ignore_ascii_case(value));
        let valid = || values.iter().map(|known| known.id.clone()).collect();
        return at.map(|at| Action::SetFact(fact, at)).ok_or_else(|| unknown_value(valid()));
    }
    if let Some(field) = rules.field_or_role(id) {
        let FieldKind::Choice(choices) = &rules.field(field).kind else {
            return Err((PressRefusal::Typed, Vec::new()));
        };
        let Some(value) = value else { return Ok(Action::Field(field)) };
        let valid = || choices.texts().map(str::to_owned).collect();
        let at = choices.position_of(value);
        return at.map(|at| Action::Choose(field, at)).ok_or_else(|| unknown_value(valid()));
    }
    let facts = rules.facts.iter().map(|fact| fact.id.clone());
    let fields = rules.fields.iter().filter(|field| matches!(field.kind, FieldKind::Choice(_)));
    let names = ACTIONS.map(str::to_owned).into_iter().chain(facts).chain(fields.map(|field| field.id.clone()));
    Err((PressRefusal::UnknownName, bounded(names.collect())))
}

/// As many names as a reply has room for.
fn bounded(names: Vec<String>) -> Vec<String> {
    let mut room = MOST_NAMES;
    let fits = |name: &String| {
        let left = room.checked_sub(name.len());
        room = left.unwrap_or_default();
        left.is_some()
    };
    names.into_iter().take_while(fits).collect()
}
