//! Plan × fields × greeting → sentences, in segments that distinguish filled-in text from the SOP's fixed text.

use zeroize::Zeroize as _;

use super::decide::Plan;
use super::ruleset::{FieldIx, FieldKind, FieldScope, RuleSet, SALAM, Step, StepIx, StepWords, TextKind, Typed};
use super::text;

/// A sentence of the file with resolved placeholders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Verbatim from the file.
    Fixed(String),
    /// `{salam}`: the greeting of the hour.
    Salam,
    /// `{id}` of a field.
    Field(FieldIx),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadBrace {
    /// `{name}` that is neither `salam` nor a field.
    Unknown(String),
    /// A `{` without its `}`.
    Unclosed,
    /// A `}` without its `{`.
    Stray,
}

impl Template {
    /// Parses a sentence; `field` resolves the ids of placeholders.
    ///
    /// # Errors
    /// Every invalid brace, not only the first.
    pub fn parse(text: &str, field: impl Fn(&str) -> Option<FieldIx>) -> Result<Self, Vec<BadBrace>> {
        let (mut pieces, mut bad, mut fixed) = (Vec::new(), Vec::new(), String::new());
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            fixed.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if rest.starts_with(brace) {
                fixed.push_str(brace);
                rest = &rest[1..];
                continue;
            }
            if brace == "}" {
                bad.push(BadBrace::Stray);
                continue;
            }
            let Some(end) = rest.find(['{', '}']).filter(|end| rest[*end..].starts_with('}')) else {
                bad.push(BadBrace::Unclosed);
                continue;
            };
            let name = &rest[..end];
            rest = &rest[end + 1..];
            let piece = if name == SALAM { Some(Piece::Salam) } else { field(name).map(Piece::Field) };
            match piece {
                Some(piece) => {
                    if !fixed.is_empty() {
                        pieces.push(Piece::Fixed(std::mem::take(&mut fixed)));
                    }
                    pieces.push(piece);
                }
                None => bad.push(BadBrace::Unknown(name.into())),
            }
        }
        fixed.push_str(rest);
        if !fixed.is_empty() {
            pieces.push(Piece::Fixed(fixed));
        }
        if bad.is_empty() { Ok(Self(pieces)) } else { Err(bad) }
    }

    pub fn pieces(&self) -> &[Piece] {
        &self.0
    }

    /// Whether it consists only of blanks and fields that may be empty, so that the sentence may be empty.
    pub fn may_be_empty(&self, is_typed: impl Fn(FieldIx) -> bool) -> bool {
        self.0.iter().all(|p| match p {
            Piece::Fixed(fixed) => text::is_blank(fixed),
            Piece::Salam => false,
            Piece::Field(ix) => is_typed(*ix),
        })
    }

    /// The first field that, when empty, leaves brackets or quotes around nothing, or punctuation at the start of the
    /// sentence or after a comma.
    pub fn empty_place(&self, may_be_empty: impl Fn(FieldIx) -> bool) -> Option<FieldIx> {
        // The character before the empty field; `None` at the start of the sentence.
        let (mut before, mut quotes, mut empty) = (None, 0, None);
        for piece in &self.0 {
            match piece {
                Piece::Field(ix) if may_be_empty(*ix) => empty = empty.or(Some(*ix)),
                Piece::Fixed(fixed) => {
                    let Some(next) = fixed.trim_start().chars().next() else { continue };
                    let is_left_over = match (before, next) {
                        (Some('"'), '"') => quotes % 2 == 1,
                        (None | Some(','), ',' | '.' | ';' | ':' | '!' | '?') => true,
                        (Some(open), close) => ["()", "[]", "“”", "‘’", "«»"].contains(&&*format!("{open}{close}")),
                        (None, _) => false,
                    };
                    if is_left_over && empty.is_some() {
                        return empty;
                    }
                    quotes += fixed.matches('"').count();
                    (before, empty) = (fixed.trim_end().chars().next_back(), None);
                }
                Piece::Field(_) | Piece::Salam => (before, empty) = (Some('a'), None),
            }
        }
        None
    }

    /// The sentence as in the file, with placeholders in braces.
    pub fn with_placeholders(&self, rules: &RuleSet) -> Sentence {
        let mut out = Sentence::default();
        for piece in &self.0 {
            match piece {
                Piece::Fixed(fixed) => out.push(&fixed.replace('{', "{{").replace('}', "}}"), false),
                Piece::Salam => out.push(&format!("{{{SALAM}}}"), true),
                Piece::Field(ix) => out.push(&format!("{{{}}}", rules.field(*ix).id), true),
            }
        }
        out
    }
}

#[derive(Clone, PartialEq, Eq)]
pub struct Segment {
    pub text: String,
    /// Filled in (greeting, honorific, name), not fixed by the SOP.
    pub filled: bool,
    /// The blank between honorific and name, where a line must not break.
    pub no_break: bool,
}

impl std::fmt::Debug for Segment {
    /// Omits filled-in text, which may be a name.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.filled { f.write_str("…") } else { self.text.fmt(f) }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sentence(Vec<Segment>);

impl Sentence {
    /// None is empty.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// Appends another sentence after a blank.
    pub fn join(&mut self, other: Self) {
        if !self.0.is_empty() && !other.0.is_empty() {
            self.push(" ", false);
        }
        for segment in other.0 {
            if segment.no_break {
                self.0.push(segment);
            } else {
                self.push(&segment.text, segment.filled);
            }
        }
    }

    /// Forbids a line break at the blank at the end, if the last segment is only that.
    fn forbid_break(&mut self) {
        if let Some(last) = self.0.last_mut().filter(|last| last.text == " " && !last.filled) {
            last.no_break = true;
        }
    }

    fn push(&mut self, text: &str, filled: bool) {
        match self.0.last_mut() {
            _ if text.is_empty() => {}
            Some(last) if last.filled == filled && !last.no_break => last.text.push_str(text),
            _ => self.0.push(Segment { text: text.into(), filled, no_break: false }),
        }
    }

    fn last_char(&self) -> Option<char> {
        self.0.last().and_then(|s| s.text.chars().next_back())
    }

    /// Removes and returns the white space at the end.
    fn take_trailing_blank(&mut self) -> String {
        let Some(last) = self.0.last_mut() else { return String::new() };
        let kept = last.text.trim_end().len();
        let blank = last.text.split_off(kept);
        if last.text.is_empty() {
            self.0.pop();
        }
        blank
    }
}

impl std::fmt::Display for Sentence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|s| f.write_str(&s.text))
    }
}

#[derive(Clone, PartialEq, Eq)]
pub enum FieldValue {
    /// The index of the choice.
    Choice(usize),
    /// As typed.
    Text(String),
}

impl std::fmt::Debug for FieldValue {
    /// Omits typed text, which may be a customer's name.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Choice(at) => f.debug_tuple("Choice").field(at).finish(),
            Self::Text(text) => f.debug_tuple("Text").field(&text.len()).finish(),
        }
    }
}

/// The values of all fields, in the rules' order. Personal data: kept in memory only.
#[derive(Clone, PartialEq, Eq)]
pub struct Fields(Vec<FieldValue>);

impl std::fmt::Debug for Fields {
    /// Omits the values: debug output must not leak a name (UU PDP Art. 4).
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Fields").field(&self.0.len()).finish()
    }
}

impl Drop for Fields {
    /// Overwrites the customer's data in memory.
    fn drop(&mut self) {
        self.0.iter_mut().for_each(overwrite);
    }
}

fn overwrite(value: &mut FieldValue) {
    if let FieldValue::Text(text) = value {
        text.zeroize();
    }
}

impl Fields {
    /// The first choice, or an empty text.
    pub fn default_of(rules: &RuleSet) -> Self {
        let start = |kind: &FieldKind| match kind {
            FieldKind::Choice(_) => FieldValue::Choice(0),
            FieldKind::Typed(_) => FieldValue::Text(String::new()),
        };
        Self(rules.fields.iter().map(|f| start(&f.kind)).collect())
    }

    /// The defaults, but with the fields of the shift kept.
    pub fn for_next_call(&self, rules: &RuleSet) -> Self {
        let mut out = Self::default_of(rules);
        for ((field, next), now) in rules.fields.iter().zip(&mut out.0).zip(&self.0) {
            if let FieldKind::Typed(Typed { scope: FieldScope::Shift, .. }) = field.kind {
                next.clone_from(now);
            }
        }
        out
    }

    /// With other rules: values of fields with the same id and kind are kept.
    pub fn migrated(&self, old: &RuleSet, new: &RuleSet) -> Self {
        let mut out = Self::default_of(new);
        for (ix, field) in old.fields_ix() {
            let Some(to) = new.field_named(&field.id) else { continue };
            let value = match (self.get(ix), &field.kind, &new.field(to).kind) {
                (FieldValue::Choice(at), FieldKind::Choice(had), FieldKind::Choice(has)) => {
                    has.iter().position(|c| c.text == had[*at].text).map(FieldValue::Choice)
                }
                (text @ FieldValue::Text(_), _, FieldKind::Typed(_)) => Some(text.clone()),
                _ => None,
            };
            if let Some(value) = value {
                out.set(new, to, value);
            }
        }
        out
    }

    pub fn get(&self, ix: FieldIx) -> &FieldValue {
        &self.0[ix.at()]
    }

    /// Returns `false` and changes nothing if the value does not fit: the other kind of value, an unknown choice, or a text
    /// that [`Typed::fit`] rejects.
    pub fn set(&mut self, rules: &RuleSet, ix: FieldIx, value: FieldValue) -> bool {
        let value = match (&rules.field(ix).kind, value) {
            (FieldKind::Choice(choices), FieldValue::Choice(at)) if at < choices.len() => FieldValue::Choice(at),
            (FieldKind::Typed(kind), FieldValue::Text(typed)) => match kind.fit(&typed) {
                Ok(text) => FieldValue::Text(text),
                Err(_) => return false,
            },
            _ => return false,
        };
        overwrite(&mut std::mem::replace(&mut self.0[ix.at()], value));
        true
    }

    /// The text to speak, with white space folded and trimmed.
    pub fn spoken(&self, rules: &RuleSet, ix: FieldIx) -> String {
        match (&rules.field(ix).kind, &self.0[ix.at()]) {
            (FieldKind::Choice(choices), FieldValue::Choice(at)) => choices[*at].text.clone(),
            (FieldKind::Typed(kind), FieldValue::Text(typed)) if text::is_blank(typed) => {
                kind.empty.clone().unwrap_or_default()
            }
            (_, FieldValue::Text(typed)) => text::fold(typed),
            (FieldKind::Typed(_), FieldValue::Choice(_)) => String::new(),
        }
    }

    /// Whether a typed field is empty.
    pub fn is_empty(&self, ix: FieldIx) -> bool {
        matches!(&self.0[ix.at()], FieldValue::Text(typed) if text::is_blank(typed))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FitError {
    /// In graphemes.
    TooLong {
        count: usize,
    },
    NotANumber,
}

impl Typed {
    /// The text without forbidden characters. A text that is too long is an error, never truncated.
    pub fn fit(&self, typed: &str) -> Result<String, FitError> {
        let text = text::clean(typed);
        let count = text::graphemes(&text);
        if count > self.max {
            return Err(FitError::TooLong { count });
        }
        let of_a_number = |c: char| c.is_ascii_digit() || matches!(c, ' ' | '-' | '.' | '/' | '+');
        if self.text == TextKind::Number && !text.chars().all(of_a_number) {
            return Err(FitError::NotANumber);
        }
        Ok(text)
    }
}

/// The sentence of one step, or `None` for a reminder.
pub fn speak(rules: &RuleSet, step: &Step, fields: &Fields, greeting: &str) -> Option<Sentence> {
    let StepWords::Say(template) = &step.words else { return None };
    let mut out = Sentence::default();
    // The blank before an empty field, until the next piece decides whether it is needed.
    let mut pending: Option<String> = None;
    for (at, piece) in template.pieces().iter().enumerate() {
        match piece {
            Piece::Fixed(fixed) => push_after_gap(&mut out, &mut pending, fixed, false),
            Piece::Salam => push_after_gap(&mut out, &mut pending, greeting, true),
            Piece::Field(ix) => match fields.spoken(rules, *ix) {
                spoken if spoken.is_empty() => {
                    pending.get_or_insert_default().push_str(&out.take_trailing_blank());
                }
                spoken => {
                    if follows_honorific(rules, template, at) {
                        out.forbid_break();
                    }
                    push_after_gap(&mut out, &mut pending, &spoken, true);
                }
            },
        }
    }
    Some(out)
}

/// Whether this piece is the customer's name, one blank after the honorific.
fn follows_honorific(rules: &RuleSet, template: &Template, at: usize) -> bool {
    let before: Vec<Option<&Piece>> = (1..=2).map(|back| template.pieces().get(at.checked_sub(back)?)).collect();
    let is =
        |piece: Option<&Piece>, role: Option<FieldIx>| matches!(piece, Some(Piece::Field(ix)) if Some(*ix) == role);
    is(template.pieces().get(at), rules.roles.name)
        && matches!(before[0], Some(Piece::Fixed(blank)) if blank == " ")
        && is(before[1], rules.roles.honorific)
}

/// Appends `next`. After an empty field, keeps the blank of only one side, and none at the start, after an opening mark
/// or before a closing one.
fn push_after_gap(out: &mut Sentence, pending: &mut Option<String>, next: &str, filled: bool) {
    let Some(before) = pending.take() else { return out.push(next, filled) };
    let stripped = next.trim_start();
    let opens = out.last_char().is_none_or(|c| matches!(c, '(' | '[' | '“' | '‘' | '«'));
    if stripped.is_empty() {
        *pending = Some(if before.is_empty() { next.into() } else { before });
    } else if opens {
        out.push(stripped, filled);
    } else if stripped.len() < next.len() && before.is_empty() {
        out.push(next, filled);
    } else if stripped.starts_with([',', '.', ';', ':', '!', '?', ')', ']', '”', '’', '»', '…']) {
        out.push(stripped, filled);
    } else {
        out.push(&before, false);
        out.push(stripped, filled);
    }
}

/// The sentences of a plan, joined by blanks.
pub fn script(rules: &RuleSet, plan: Plan<'_>, fields: &Fields, greeting: &str) -> Sentence {
    complete(rules, plan.steps().iter().copied(), fields, greeting)
}

/// The sentences of these steps, without reminders, joined by blanks.
pub fn complete(rules: &RuleSet, steps: impl IntoIterator<Item = StepIx>, fields: &Fields, greeting: &str) -> Sentence {
    let mut out = Sentence::default();
    for sentence in steps.into_iter().filter_map(|ix| speak(rules, rules.step(ix), fields, greeting)) {
        out.join(sentence);
    }
    out
}

/// The sentences of these steps with placeholders in braces, for tables and diffs.
pub fn script_with_placeholders(rules: &RuleSet, steps: &[StepIx]) -> Sentence {
    let mut out = Sentence::default();
    for ix in steps {
        if let StepWords::Say(template) = &rules.step(*ix).words {
            out.join(template.with_placeholders(rules));
        }
    }
    out
}
