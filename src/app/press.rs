//! Performs presses from outside the window as their keys would be, with every guard of a key. Part of `update`.
//!
//! The presses of one command happen on a copy of the state, which replaces it only if none was refused.

use chrono::{DateTime, TimeDelta, Utc};

use super::{App, Effect, Mode, StillForm, Update};
use crate::action::Action;
use crate::closing::Since;
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
/// The press that undoes the last change.
const UNDO: &str = "undo";
/// The press that closes what is open.
const BACK: &str = "back";
/// The press that selects the customer's zone, the next one or the named one. Like [`STILL`], it gives way to a fact or a
/// field with this name.
const ZONE: &str = "zone";
/// The press that confirms the shift fact which the banner asks about.
const STILL: &str = "still";
/// The names of actions, beside those of facts and choice fields. They are the same in every language.
const ACTIONS: [&str; 11] = ["said", SAID_ALL, UNDO, "end", NEXT, "copy", "basis", "recap", BACK, ZONE, STILL];

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
        let before = (self.calls.number, self.facts());
        let (did, refused) = match self.press_all(presses, is_seen, (now, real_now), &mut effects) {
            Ok(did) => (did, None),
            Err(refused) => {
                self.notify_refused_press(presses, &refused);
                (Vec::new(), Some(refused))
            }
        };
        let is_asked = presses.words().is_empty();
        let say = Some(bounded_line(&(self.became(before, is_asked) + &self.asked())));
        effects.push(Effect::Pressed(Box::new(PressReply { did, refused, say })));
        effects
    }

    /// What whoever only hears the reply does not learn from the sentence to be said: that a call ended, which facts were
    /// changed or confirmed, and, at the beginning of a call and where it `is_asked`, the question about a fact.
    fn became(&self, (call, before): (u64, Vec<FactState>), is_asked: bool) -> String {
        let words = self.words();
        let (began, returned) = (self.calls.number > call, self.calls.number < call);
        let mut out = Vec::new();
        if began {
            let record = self.calls.ended.as_ref().and_then(|ended| ended.record.as_ref());
            // A question is answered first, and what was pressed after the end is undone first.
            let undo = self.undos_to_return(UNDO);
            let is_asked = matches!(self.mode, Mode::EndPrompt | Mode::LeavePrompt);
            let undo = if is_asked { format!("{BACK} {undo}") } else { undo };
            out.extend(record.and_then(|record| record.end).map(|(_, how)| {
                let is_complete = how == Outcome::Ended(Ending::Complete);
                let all_said = if is_complete { format!("{}. ", words.screen.all_said) } else { String::new() };
                all_said + &self.ended_text(how, &undo)
            }));
        } else if returned {
            out.push(words.notice.resumed.to_owned());
        }
        let facts = self.facts();
        let is_told = |fact: usize| match self.rules().facts[fact].scope {
            // The facts of a new call are not those of the one before.
            Scope::Call if began => self.calls.current.situation().value(fact) != 0,
            _ => {
                let here = &facts[fact];
                let there = before.iter().find(|there| there.id == here.id);
                let is_confirmed = |there: &FactState| there.since != here.since && there.set() == here.set();
                there.is_none_or(|there| there.value != here.value || is_confirmed(there))
            }
        };
        out.push(self.facts_text(is_told));
        if let Some(fact) = self.asked_fact().filter(|_| began || is_asked) {
            out.push(self.still_question(fact, StillForm::Plain, STILL, &self.rules().facts[fact].id));
        }
        out.iter().filter(|text| !text.is_empty()).map(|text| spoken(text)).collect()
    }

    fn facts(&self) -> Vec<FactState> {
        let call = &self.calls.current;
        let facts = self.rules().facts.iter().enumerate();
        facts
            .map(|(at, fact)| FactState {
                id: fact.id.clone(),
                value: fact.values[call.situation().value(at)].id.clone(),
                since: call.since(at),
            })
            .collect()
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
        // It may have begun a call with other rules, which don't have this name or value: then nothing was set.
        self.pressed_action(word)?;
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
        let is_value = matches!(
            action,
            Action::Fact(_)
                | Action::SetFact(..)
                | Action::Field(_)
                | Action::Choose(..)
                | Action::Zone
                | Action::SetZone(_)
        );
        let has_key = || {
            if is_value {
                matches!(self.mode, Mode::Closing | Mode::Panel(_))
            } else {
                keymap::rows(self).iter().any(|row| row.action == *action)
            }
        };
        let ticks = *action == Action::SaidAll || (*action == Action::Said && !self.is_previewing());
        match self.mode {
            _ if *action == Action::StillHolds && self.asked_fact().is_none() => Some(PressRefusal::NoQuestion),
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
            Action::SetZone(zone) => !is_finished && self.calls.current.zone() == *zone,
            Action::Zone => self.rules().zones.len() == 1,
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
            (Mode::LeavePrompt, _) => words.press.leaving_asked(words.ending.leaving),
            (_, Some(step)) => self.sentence(step).unwrap_or_default().to_string(),
            (_, None) if self.calls.current.spoken().is_empty() => words.screen.nothing_spoken.to_owned(),
            (_, None) => words.screen.all_said.to_owned(),
        };
        bounded_line(&text)
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

/// A fact by its ids, since a press may begin a call with other rules.
struct FactState {
    id: String,
    value: String,
    since: Option<Since>,
}

impl FactState {
    fn set(&self) -> Option<DateTime<Utc>> {
        self.since.map(|since| since.set)
    }
}

/// A text as a sentence before another one; what stands side by side is separated by pauses.
fn spoken(text: &str) -> String {
    let text = text.replace(" · ", "; ");
    let end = if text.ends_with(['.', '?', '!']) { "" } else { "." };
    format!("{text}{end} ")
}

/// A clean line of at most [`MOST_SAID`] characters.
fn bounded_line(text: &str) -> String {
    let text = clean(text);
    if text.chars().count() <= MOST_SAID {
        return text;
    }
    text.chars().take(MOST_SAID - 1).chain(['…']).collect()
}

/// The action that a word of `penutup press` names: its own name, or the id of a fact or a choice field, alone or with a
/// value. The error has the words that would do.
pub fn press_action(word: &str, rules: &RuleSet) -> Result<Action, NoAction> {
    match word {
        "said" | NEXT => return Ok(Action::Said),
        SAID_ALL => return Ok(Action::SaidAll),
        UNDO => return Ok(Action::Undo),
        "end" => return Ok(Action::End),
        "copy" => return Ok(Action::Copy),
        "basis" => return Ok(Action::Panel(Panel::Basis)),
        "recap" => return Ok(Action::Panel(Panel::Recap)),
        BACK => return Ok(Action::Back),
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
    if word == STILL {
        return Ok(Action::StillHolds);
    }
    if id == ZONE {
        let Some(value) = value else { return Ok(Action::Zone) };
        let at = rules.zones.iter().position(|zone| zone.id.eq_ignore_ascii_case(value));
        let valid = || rules.zones.iter().map(|zone| zone.id.clone()).collect();
        return at.map(Action::SetZone).ok_or_else(|| unknown_value(valid()));
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
