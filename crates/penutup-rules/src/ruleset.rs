//! Checked rules: the only form of a rules file that the rest of the program ever sees. A [`RuleSet`] can be made by
//! [`super::check()`] alone, and only from a file without errors, so every index in it is valid and every situation has
//! exactly one rule. A list that must not be empty is a [`Vec1`], so no caller can meet an empty one.

mod written;

use std::collections::BTreeMap;
use std::ops::Deref;
use std::time::Duration;

use chrono::{FixedOffset, NaiveDate, TimeDelta};
use vec1::Vec1;

use super::greeting::Greetings;
use super::problem::Code;
use super::script::{Piece, Template};
use super::space::{Cube, Space};

/// The placeholder for the greeting of the hour.
pub const SALAM: &str = "salam";
/// The id of the customer's name if no field has `role = "name"`.
pub const NAMA: &str = "nama";
/// The id of the honorific if no field has `role = "honorific"`.
pub const SAPAAN: &str = "sapaan";
/// The id of the emergency if no fact has `role = "emergency"`.
pub const KLB: &str = "klb";

/// An index into [`RuleSet::steps`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepIx(pub(crate) u16);

/// An index into [`RuleSet::fields`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldIx(pub u16);

impl StepIx {
    pub fn at(self) -> usize {
        usize::from(self.0)
    }
}

impl FieldIx {
    pub fn at(self) -> usize {
        usize::from(self.0)
    }
}

/// The SOP that the rules express.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sop {
    pub title: String,
    /// For example "Rev-1".
    pub revision: String,
    pub supersedes: Option<String>,
    pub issuer: Option<String>,
    pub effective_from: Option<NaiveDate>,
    /// The last day in force, inclusive.
    pub effective_to: Option<NaiveDate>,
    /// Scoring parameter → what the SOP calls a call that lost it.
    pub lost_score: BTreeMap<String, String>,
}

impl Sop {
    /// What a call that lost this scoring parameter is called: as the SOP says, otherwise by the parameter's own name.
    pub fn name_of_loss<'t>(&'t self, parameter: &'t str) -> &'t str {
        self.lost_score.get(parameter).map_or(parameter, String::as_str)
    }

    /// The last day in force if it has passed or is at most `EXPIRY_NOTICE` away.
    pub fn ends_soon(&self, today: NaiveDate) -> Option<NaiveDate> {
        self.effective_to.filter(|to| *to < today || *to - today <= EXPIRY_NOTICE)
    }
}

const EXPIRY_NOTICE: TimeDelta = TimeDelta::days(7);

/// How long a fact's value lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Each new call starts with the first value.
    Call,
    /// Survives the end of a call and a restart. Once unconfirmed for `keep_for`, the screen asks whether it still applies.
    Shift { keep_for: Duration },
}

/// A question whose value selects the script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    pub id: String,
    pub label: String,
    pub help: Option<String>,
    /// The letter that changes it in the prompter.
    pub key: Option<char>,
    pub scope: Scope,
    /// At least two; the first is the default.
    pub values: Vec1<Value>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    pub id: String,
    pub label: String,
    /// For narrow screens; defaults to the label.
    pub short: Option<String>,
    /// Shown in the full-width banner while this value is set.
    pub banner: Option<String>,
}

/// Fills a placeholder but does not affect which rule applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in placeholders, in the file and on the command line.
    pub id: String,
    pub label: String,
    /// The letter that changes it in the prompter.
    pub key: Option<char>,
    pub kind: FieldKind,
}

impl Field {
    /// Whether its text is kept for the next call.
    pub fn lasts_a_shift(&self) -> bool {
        matches!(&self.kind, FieldKind::Typed(typed) if typed.scope == FieldScope::Shift)
    }

    /// Whether an empty field is spoken as nothing.
    pub fn vanishes(&self) -> bool {
        matches!(&self.kind, FieldKind::Typed(typed) if typed.empty.as_ref().is_none_or(String::is_empty))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// The first is the default.
    Choice(Choices),
    /// Free text, initially empty.
    Typed(Typed),
}

/// The choices of a field; the first is the default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choices {
    pub choices: Vec1<Choice>,
    /// Words before a name that are removed without selecting a choice ("sdr", "mbak"); lower case, no final dot.
    pub drop: Vec<String>,
}

impl Choices {
    /// Matches a choice's text or aliases, ignoring case and a final dot.
    pub fn position_of(&self, text: &str) -> Option<usize> {
        let word = super::text::bare_word(text);
        self.iter().position(|choice| choice.aliases.contains(&word))
    }

    pub fn texts(&self) -> impl Iterator<Item = &str> + Clone {
        self.iter().map(|choice| choice.text.as_str())
    }
}

impl Deref for Choices {
    type Target = [Choice];

    fn deref(&self) -> &[Choice] {
        &self.choices
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub text: String,
    /// For narrow screens; defaults to the text.
    pub short: Option<String>,
    /// What it may be written as before a name ("pak", "bpk"), its own text first; lower case, no final dot.
    pub aliases: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typed {
    /// In graphemes; a longer text is rejected.
    pub max: usize,
    pub text: TextKind,
    /// Spoken in place of an empty field. `None`: nothing is spoken, and the file does not say that this is intended.
    pub empty: Option<String>,
    pub scope: FieldScope,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextKind {
    /// A person's name; anything else is rejected.
    Name,
    Text,
    /// Digits, `-`, `.`, `/`, `+` and blanks.
    Number,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldScope {
    /// Cleared with each call: it is personal data of the customer.
    Call,
    /// Kept until exit, in memory only: the agent's own name.
    Shift,
}

/// The fields and the fact that the program treats specially.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roles {
    pub name: Option<FieldIx>,
    /// The choice that an honorific before a name sets.
    pub honorific: Option<FieldIx>,
    /// The fact that a supervisor declares for everyone; an index into [`RuleSet::facts`].
    pub emergency: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    pub id: String,
    /// Fixed: Indonesia has no daylight saving.
    pub offset: FixedOffset,
}

/// A sentence or a reminder of the closing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub id: String,
    pub title: String,
    pub words: StepWords,
    pub basis: Option<String>,
    /// The SOP's "Keterangan".
    pub note: Option<String>,
    /// The scoring parameters lost if it is omitted.
    pub score: Vec<String>,
    /// The line of its text in the file, from 1.
    pub line: usize,
}

impl Step {
    pub fn greets(&self) -> bool {
        matches!(&self.words, StepWords::Say(template) if template.pieces().contains(&Piece::Salam))
    }

    pub fn speaks(&self, field: FieldIx) -> bool {
        matches!(&self.words, StepWords::Say(template) if template.pieces().contains(&Piece::Field(field)))
    }

    /// Whether it is a sentence, not a reminder; only sentences are ticked and counted.
    pub fn is_spoken(&self) -> bool {
        matches!(self.words, StepWords::Say(_))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepWords {
    /// Spoken word for word.
    Say(Template),
    /// A reminder: displayed, never ticked, counted or spoken.
    Remind(String),
}

/// One row of the decision table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub id: String,
    /// The situations in which it applies.
    pub when: Cube,
    /// In spoken order.
    pub steps: Vec1<StepIx>,
    pub basis: Option<String>,
    /// Displayed because the SOP contradicts itself in these situations.
    pub caution: Option<String>,
    /// The line in the file, from 1.
    pub line: usize,
}

/// Duties that every rule must satisfy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    pub id: String,
    /// The situations in which the duties apply.
    pub when: Cube,
    pub duties: Vec1<Duty>,
    pub basis: Option<String>,
}

/// A constraint on a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Duty {
    /// All of these are in the plan.
    Always(Vec1<StepIx>),
    /// None of these is in the plan.
    Never(Vec1<StepIx>),
    /// Exactly one of these is in the plan. In a closing, each is an alternative for the others.
    ExactlyOne(Vec1<StepIx>),
    /// Those that are in the plan are in this order.
    Order(Vec1<StepIx>),
    /// This is the last spoken step.
    Last(StepIx),
}

/// A warning that the file accepts, with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acceptance {
    /// `fact`, `sop` and so on; empty for the file as a whole.
    pub table: &'static str,
    /// The id of that table; empty if it has none.
    pub id: String,
    pub code: Code,
    pub because: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleSet {
    pub sop: Sop,
    pub facts: Vec<Fact>,
    pub fields: Vec<Field>,
    /// The first is the default.
    pub zones: Vec1<Zone>,
    pub greetings: Greetings,
    pub steps: Vec1<Step>,
    pub rules: Vec1<Rule>,
    pub requirements: Vec<Requirement>,
    pub roles: Roles,
    pub acceptances: Vec<Acceptance>,
    pub(super) proved: Proved,
}

/// Only `check` constructs this, so every [`RuleSet`] has been proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Proved;

impl RuleSet {
    pub fn step(&self, ix: StepIx) -> &Step {
        &self.steps[ix.at()]
    }

    pub fn field(&self, ix: FieldIx) -> &Field {
        &self.fields[ix.at()]
    }

    pub fn step_named(&self, id: &str) -> Option<StepIx> {
        position(&self.steps, |s| s.id == id).map(StepIx)
    }

    pub fn field_named(&self, id: &str) -> Option<FieldIx> {
        position(&self.fields, |f| f.id == id).map(FieldIx)
    }

    /// The field with this id, or in the role of `nama` or `sapaan`: a softphone doesn't know the ids of the rules file.
    pub fn field_or_role(&self, id: &str) -> Option<FieldIx> {
        self.field_named(id).or(match id {
            NAMA => self.roles.name,
            SAPAAN => self.roles.honorific,
            _ => None,
        })
    }

    /// The fact with this id, or for `klb` the emergency.
    pub fn fact_or_role(&self, id: &str) -> Option<usize> {
        self.fact_named(id).or(if id == KLB { self.roles.emergency } else { None })
    }

    pub fn fact_named(&self, id: &str) -> Option<usize> {
        self.facts.iter().position(|f| f.id == id)
    }

    /// Ignores case.
    pub fn zone_named(&self, id: &str) -> Option<usize> {
        self.zones.iter().position(|z| z.id.eq_ignore_ascii_case(id))
    }

    pub fn fields_ix(&self) -> impl Iterator<Item = (FieldIx, &Field)> {
        (0u16..).map(FieldIx).zip(&self.fields)
    }

    pub fn space(&self) -> Space {
        Space::new(self.facts.iter().map(|f| f.values.len()).collect())
    }

    /// The other steps of each `exactly_one` that applies in this situation and contains `step`: one of them spoken
    /// replaces `step`.
    pub fn alternatives<'a>(
        &'a self,
        step: StepIx,
        situation: &'a super::decide::Situation,
    ) -> impl Iterator<Item = StepIx> + 'a {
        self.requirements
            .iter()
            .filter(|r| r.when.contains(situation.values()))
            .flat_map(|r| &r.duties)
            .filter_map(move |d| match d {
                Duty::ExactlyOne(steps) if steps.contains(&step) => Some(steps),
                _ => None,
            })
            .flatten()
            .copied()
            .filter(move |s| *s != step)
    }
}

/// The position of the first match. It fits a `u16` because the size of the file is limited.
fn position<T>(all: &[T], found: impl Fn(&T) -> bool) -> Option<u16> {
    all.iter().position(found).and_then(|at| u16::try_from(at).ok())
}
