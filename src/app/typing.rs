//! Typing into a field or the agent's number: opening it by its key or by a paste, editing, accepting. Part of `update`.

use super::draft::{Draft, Target};
use super::{App, Effect, Mode};
use crate::action::Edit;
use crate::closing::name::{self, TextError, cleaned, first_line};
use crate::journal::record::MAX_AGENT;
use crate::rules::RuleSet;
use crate::rules::ruleset::{FieldIx, FieldKind, FieldScope, Typed};
use crate::rules::script::FieldValue;
use crate::rules::text::{graphemes, is_blank};

impl App {
    /// Opens a field. In a finished call the text is for the next call, and so starts empty.
    pub(super) fn type_into(&mut self, field: FieldIx, pasted: Option<&str>) {
        let FieldKind::Typed(Typed { max, scope, .. }) = self.rules().field(field).kind else { return };
        let for_next = scope == FieldScope::Call && self.calls.current.is_finished();
        let there = match self.calls.current.fields().get(field) {
            FieldValue::Text(text) if !for_next => text,
            _ => "",
        };
        let mut draft = match pasted {
            Some(text) => Draft::new(Target::Field(field), text, max),
            None => Draft::selecting(Target::Field(field), there, max),
        };
        draft.pasted = pasted.is_some();
        draft.for_next = for_next;
        self.mode = Mode::Typing(draft);
    }

    /// Opens the agent's number. A call keeps whose it is, so that is possible between two calls only.
    pub(super) fn type_agent(&mut self) {
        if self.calls.current.started_at().is_some() && !self.calls.current.is_finished() {
            return self.notify(self.words().notice.agent_in_call);
        }
        let there = self.calls.next_agent.clone().unwrap_or_default();
        self.mode = Mode::Typing(Draft::selecting(Target::Agent, &there, MAX_AGENT));
    }

    /// The draft under other rules; `None` if they don't have its field.
    pub(super) fn draft_under(&self, draft: &Draft, old: &RuleSet) -> Option<Draft> {
        let Some(field) = draft.field() else { return Some(draft.clone()) };
        let field = self.rules().field_named(&old.field(field).id)?;
        match &self.rules().field(field).kind {
            FieldKind::Typed(typed) => Some(draft.in_field(field, typed.max)),
            FieldKind::Choice(_) => None,
        }
    }

    pub(super) fn edit(&mut self, edit: Edit) {
        let Mode::Typing(draft) = &mut self.mode else { return };
        let target = draft.target;
        if !draft.edit(edit) {
            self.notify_full(target);
        }
    }

    /// Reports that a text takes no more.
    fn notify_full(&mut self, target: Target) {
        let words = self.words();
        let max = match target {
            Target::Agent => return self.notify(words.notice.agent_full(MAX_AGENT)),
            Target::Field(field) => match self.rules().field(field).kind {
                FieldKind::Typed(Typed { max, .. }) => max,
                FieldKind::Choice(_) => return,
            },
        };
        self.notify(words.notice.typed_full(max));
    }

    /// Accepts the typed text, or reports why it is not a name.
    pub(super) fn take_typed(&mut self, effects: &mut Vec<Effect>) {
        if let Mode::Typing(draft) = &self.mode
            && draft.has_overflowed()
        {
            return self.notify_full(draft.target);
        }
        let Mode::Typing(draft) = std::mem::replace(&mut self.mode, Mode::Closing) else { return };
        let Some(field) = draft.field() else {
            let agent = draft.text().trim();
            return self.set_agent((!agent.is_empty()).then(|| agent.to_owned()));
        };
        if self.keeps_external_text(&draft) || (draft.for_next && is_blank(draft.text())) {
            return;
        }
        if let Err(why) = name::check(self.rules(), field, draft.text()) {
            return self.notify_refused(field, why);
        }
        let old = std::sync::Arc::clone(self.revisions.current());
        if draft.for_next {
            self.begin_next(effects);
        }
        // The next call may have other rules.
        if let Some(draft) = self.draft_under(&draft, &old.rules)
            && let Some(field) = draft.field()
        {
            self.calls.current.set_name(&self.revisions.current().rules, field, draft.text(), self.environment.now);
        }
    }

    fn notify_refused(&mut self, field: FieldIx, why: TextError) {
        let words = self.words();
        let FieldKind::Typed(Typed { max, .. }) = self.rules().field(field).kind else { return };
        let text = match (why, self.environment.plain_mode) {
            (TextError::Digits, false) => words.notice.digits_no_name.into(),
            (TextError::Digits, true) => words.plain.digits_no_name.into(),
            (TextError::NoPerson, false) => words.notice.nobody.into(),
            (TextError::Empty, false) => words.notice.nothing_to_paste.into(),
            (TextError::NoPerson | TextError::Empty, true) => words.plain.no_name.into(),
            (TextError::NotANumber, _) => words.notice.no_number.into(),
            (TextError::TooLong { .. }, _) => words.notice.typed_full(max),
        };
        self.notify(text);
    }

    /// In a field that has text already, a text that arrived at once is keys that a busy machine delivered together: its blanks
    /// count, and a line break at its end is Enter. Elsewhere it is a paste.
    pub(super) fn burst(&mut self, text: &str, effects: &mut Vec<Effect>) {
        let line = text.strip_suffix('\n').unwrap_or(text);
        match &mut self.mode {
            Mode::Typing(draft) if draft.adds_to_text() && !line.contains('\n') => {
                let target = draft.target;
                if !draft.insert(line) {
                    self.notify_full(target);
                } else if line.len() < text.len() {
                    self.take_typed(effects);
                }
            }
            _ => self.paste(text),
        }
    }

    pub(super) fn paste(&mut self, text: &str) {
        if let Mode::Typing(draft) = &mut self.mode
            && draft.target == Target::Agent
        {
            if !draft.insert(&first_line(text)) {
                self.notify_full(Target::Agent);
            }
            return;
        }
        let into = match &self.mode {
            Mode::Typing(draft) => draft.field(),
            // Pasted digits must not answer a question.
            Mode::EndPrompt | Mode::LeavePrompt => None,
            _ => self.name_field(),
        };
        let Some(field) = into else { return };
        let FieldKind::Typed(Typed { max, .. }) = self.rules().field(field).kind else { return };
        let too_long = self.words().notice.too_long_to_paste(max);
        let fits = match (cleaned(self.rules(), field, text), &mut self.mode) {
            (Ok(whole), _) if graphemes(&whole) > max => false,
            (Ok(name), Mode::Typing(draft)) => draft.insert(&name),
            // After the beginning of a name it may be part of that name; the whole is checked when it is accepted.
            (Err(TextError::Digits | TextError::NoPerson), Mode::Typing(draft)) if draft.adds_to_text() => {
                draft.insert(&first_line(text))
            }
            (Err(why), _) => return self.notify_refused(field, why),
            (Ok(name), _) => {
                self.type_into(field, Some(&name));
                true
            }
        };
        if !fits {
            self.notify(too_long);
        }
    }

    /// The field that a paste opens: the customer's name, else the first typed one.
    fn name_field(&self) -> Option<FieldIx> {
        let typed = |ix: &FieldIx| matches!(self.rules().field(*ix).kind, FieldKind::Typed { .. });
        self.rules().roles.name.or_else(|| self.rules().fields_ix().map(|(ix, _)| ix).find(typed))
    }
}
