//! A field that is typed in: opened by its key or by a paste, edited, taken. Part of `update`.

use super::draft::Draft;
use super::{App, Effect, Mode};
use crate::action::Edit;
use crate::closing::name::{self, NoText, cleaned, first_line};
use crate::rules::RuleSet;
use crate::rules::ruleset::{FieldIx, FieldKind, FieldScope, Typed};
use crate::rules::script::FieldValue;
use crate::rules::text::{graphemes, is_blank};

impl App {
    /// Opens a field. In a finished call it is the next call's, and so begins empty.
    pub(super) fn type_into(&mut self, field: FieldIx, pasted: Option<&str>) {
        let FieldKind::Typed(Typed { max, scope, .. }) = self.rules().field(field).kind else { return };
        let for_next = scope == FieldScope::Call && self.calls.current.is_finished();
        let there = match self.calls.current.fields().get(field) {
            FieldValue::Text(text) if !for_next => text,
            _ => "",
        };
        let mut draft = match pasted {
            Some(text) => Draft::new(field, text, max),
            None => Draft::selecting(field, there, max),
        };
        draft.pasted = pasted.is_some();
        draft.for_next = for_next;
        self.mode = Mode::Typing(draft);
    }

    /// The draft under other rules; `None` where they have no such field.
    pub(super) fn draft_under(&self, draft: &Draft, old: &RuleSet) -> Option<Draft> {
        let field = self.rules().field_named(&old.field(draft.field).id)?;
        match &self.rules().field(field).kind {
            FieldKind::Typed(typed) => Some(draft.in_field(field, typed.max)),
            FieldKind::Choice(_) => None,
        }
    }

    pub(super) fn edit(&mut self, edit: Edit) {
        let words = self.words();
        let Mode::Typing(draft) = &mut self.mode else { return };
        if !draft.edit(edit)
            && let FieldKind::Typed(Typed { max, .. }) = self.revisions.current().rules.field(draft.field).kind
        {
            self.tell(words.notice.typed_full(max));
        }
    }

    /// Takes what is typed; what is no name is told and not taken.
    pub(super) fn take_typed(&mut self, effects: &mut Vec<Effect>) {
        if let Mode::Typing(draft) = &self.mode
            && draft.has_overflowed()
        {
            let (field, count) = (draft.field, graphemes(draft.text()));
            return self.tell_refused(field, NoText::TooLong { count });
        }
        let Mode::Typing(draft) = std::mem::replace(&mut self.mode, Mode::Closing) else { return };
        if self.keeps_what_is_beneath(&draft) || (draft.for_next && is_blank(draft.text())) {
            return;
        }
        if let Err(why) = name::check(self.rules(), draft.field, draft.text()) {
            return self.tell_refused(draft.field, why);
        }
        let old = std::sync::Arc::clone(self.revisions.current());
        if draft.for_next {
            self.begin_next(effects);
        }
        // The next call may have other rules.
        if let Some(draft) = self.draft_under(&draft, &old.rules) {
            self.calls.current.set_name(
                &self.revisions.current().rules,
                draft.field,
                draft.text(),
                self.environment.now,
            );
        }
    }

    fn tell_refused(&mut self, field: FieldIx, why: NoText) {
        let words = self.words();
        let FieldKind::Typed(Typed { max, .. }) = self.rules().field(field).kind else { return };
        let text = match (why, self.environment.plain_mode) {
            (NoText::Digits, false) => words.notice.digits_no_name.into(),
            (NoText::Digits, true) => words.plain.digits_no_name.into(),
            (NoText::Nobody, false) => words.notice.nobody.into(),
            (NoText::Empty, false) => words.notice.nothing_to_paste.into(),
            (NoText::Nobody | NoText::Empty, true) => words.plain.no_name.into(),
            (NoText::NoNumber, _) => words.notice.no_number.into(),
            (NoText::TooLong { .. }, _) => words.notice.typed_full(max),
        };
        self.tell(text);
    }

    pub(super) fn paste(&mut self, text: &str) {
        let into = match &self.mode {
            Mode::Typing(draft) => Some(draft.field),
            // A question waits for its digit: pasted digits must not be its answer.
            Mode::EndPrompt | Mode::LeavePrompt => None,
            _ => self.name_field(),
        };
        let Some(field) = into else { return };
        let FieldKind::Typed(Typed { max, .. }) = self.rules().field(field).kind else { return };
        let too_long = self.words().notice.too_long_to_paste(max);
        let fits = match (cleaned(self.rules(), field, text), &mut self.mode) {
            (Ok(whole), _) if graphemes(&whole) > max => false,
            (Ok(name), Mode::Typing(draft)) => draft.insert(&name),
            // Behind a name that is being typed it may belong to it; the whole is looked at when it is taken.
            (Err(NoText::Digits | NoText::Nobody), Mode::Typing(draft)) if draft.has_more() => {
                draft.insert(&first_line(text))
            }
            (Err(why), _) => return self.tell_refused(field, why),
            (Ok(name), _) => {
                self.type_into(field, Some(&name));
                true
            }
        };
        if !fits {
            self.tell(too_long);
        }
    }

    /// The field that a pasted text goes to: the customer's name, else the first that is typed.
    fn name_field(&self) -> Option<FieldIx> {
        let typed = |ix: &FieldIx| matches!(self.rules().field(*ix).kind, FieldKind::Typed { .. });
        self.rules().roles.name.or_else(|| self.rules().fields_ix().map(|(ix, _)| ix).find(typed))
    }
}
