//! Checked rules: the only form of a rules file that the rest of the program ever sees. A [`RuleSet`] can be made by
//! [`super::check()`] alone, and only from a file without errors, so every index in it is valid and every situation has
//! exactly one rule. A list that must not be empty is a [`Vec1`], so no caller can meet an empty one.

mod written;

use std::ops::Deref;
use std::time::Duration;

use chrono::{FixedOffset, NaiveDate, TimeDelta};
use vec1::Vec1;

use super::greeting::Greetings;
use super::problem::Code;
use super::script::{Piece, Template};
use super::space::{Cube, Space};

/// The id of the placeholder that the greeting of the hour fills.
pub const SALAM: &str = "salam";
/// The field with this id holds the customer's name where no field has `role = "name"`.
pub const NAMA: &str = "nama";
/// The field with this id holds the honorific where no field has `role = "honorific"`.
pub const SAPAAN: &str = "sapaan";
/// The fact with this id is the emergency where no fact has `role = "emergency"`.
pub const KLB: &str = "klb";

/// Which step of [`RuleSet::steps`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepIx(pub(crate) u16);

/// Which field of [`RuleSet::fields`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldIx(pub u16);

impl StepIx {
    /// The position in [`RuleSet::steps`].
    #[must_use]
    pub fn at(self) -> usize {
        usize::from(self.0)
    }
}

impl FieldIx {
    /// The position in [`RuleSet::fields`].
    #[must_use]
    pub fn at(self) -> usize {
        usize::from(self.0)
    }
}

/// The document that the rules express.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sop {
    /// Its full title.
    pub title: String,
    /// Its revision, as a CSO names it ("Rev-1").
    pub revision: String,
    /// What it replaces.
    pub supersedes: Option<String>,
    /// Who issued it.
    pub issuer: Option<String>,
    /// The first day it is in force, where the file names one.
    pub effective_from: Option<NaiveDate>,
    /// The last day it is in force, where the file names one.
    pub effective_to: Option<NaiveDate>,
}

impl Sop {
    /// The last day it is in force, where that is over on this day or at most a week away.
    #[must_use]
    pub fn ends_soon(&self, today: NaiveDate) -> Option<NaiveDate> {
        self.effective_to.filter(|to| *to < today || *to - today <= EXPIRY_NOTICE)
    }
}

/// From how long before its last day a revision is warned of.
const EXPIRY_NOTICE: TimeDelta = TimeDelta::days(7);

/// How long a fact's value lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One call: a new call begins with the first value.
    Call,
    /// The shift: it survives the end of a call and a restart; older than `keep_for`, the screen asks whether it holds.
    Shift {
        /// After this time the screen asks.
        keep_for: Duration,
    },
}

/// What decides the script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Its name in the file and on the command line.
    pub id: String,
    /// Its name on the screen.
    pub label: String,
    /// What it means, in a few words.
    pub help: Option<String>,
    /// The letter that sets it in the prompter.
    pub key: Option<char>,
    /// How long its value lasts.
    pub scope: Scope,
    /// Its values, at least two; the first is the default.
    pub values: Vec1<Value>,
}

/// One value of a fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// Its name in the file and on the command line.
    pub id: String,
    /// Its name on the screen.
    pub label: String,
    /// Its name where the screen is narrow; the label where there is none.
    pub short: Option<String>,
    /// What the full-width banner says while it holds.
    pub banner: Option<String>,
}

/// What fills a sentence but decides nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in placeholders and on the command line.
    pub id: String,
    /// Its name on the screen.
    pub label: String,
    /// The letter that sets it in the prompter.
    pub key: Option<char>,
    /// Chosen or typed.
    pub kind: FieldKind,
}

impl Field {
    /// Whether its text outlasts the call.
    #[must_use]
    pub fn lasts_a_shift(&self) -> bool {
        matches!(&self.kind, FieldKind::Typed(typed) if typed.scope == FieldScope::Shift)
    }

    /// Whether nothing is spoken in its place while it is empty.
    #[must_use]
    pub fn vanishes(&self) -> bool {
        matches!(&self.kind, FieldKind::Typed(typed) if typed.empty.as_ref().is_none_or(String::is_empty))
    }
}

/// How a field gets its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// One of these; the first is the default.
    Choice(Choices),
    /// Typed; empty until then.
    Typed(Typed),
}

/// The choices of a field, as a slice; the first is the default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choices {
    /// In the order of the file.
    pub choices: Vec1<Choice>,
    /// Words in front of a name that are dropped and choose nothing ("sdr", "mbak"), in lower case without their dot.
    pub drop: Vec<String>,
}

impl Choices {
    /// The choice that a text means: the choice itself or one of its other words, without regard to case or a last dot.
    #[must_use]
    pub fn position_of(&self, text: &str) -> Option<usize> {
        let word = super::text::bare_word(text);
        self.iter().position(|choice| choice.aliases.contains(&word))
    }

    /// What is spoken and shown, in order.
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

/// One choice of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What is spoken and shown.
    pub text: String,
    /// Its name where the screen is narrow; the text where there is none.
    pub short: Option<String>,
    /// The words for it in front of a name ("pak", "bpk"), its own text first; in lower case without their dot.
    pub aliases: Vec<String>,
}

/// A field that is typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typed {
    /// The most graphemes it takes; a longer text is refused.
    pub max: usize,
    /// What it holds.
    pub text: TextKind,
    /// What is spoken in its place while it is empty; `None`: nothing, and nobody said that this is right.
    pub empty: Option<String>,
    /// How long it lasts.
    pub scope: FieldScope,
}

/// What a typed field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextKind {
    /// A person's name: what is no name is refused.
    Name,
    /// Any text.
    Text,
    /// Digits, with `-`, `.`, `/`, `+` and blanks between them.
    Number,
}

/// How long a typed text lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldScope {
    /// One call: it is personal data of the customer.
    Call,
    /// As long as the program runs, in memory only: the agent's own name.
    Shift,
}

/// Which fields and which fact the program itself gives a part to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roles {
    /// The customer's name.
    pub name: Option<FieldIx>,
    /// The honorific that a name may begin with.
    pub honorific: Option<FieldIx>,
    /// The fact that a supervisor declares for everybody: its position in [`RuleSet::facts`].
    pub emergency: Option<usize>,
}

/// A customer's time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Its name ("WIB").
    pub id: String,
    /// Its distance from UTC; Indonesia has no daylight saving.
    pub offset: FixedOffset,
}

/// A part of the closing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its name in rules and reports.
    pub id: String,
    /// Its name on the screen.
    pub title: String,
    /// Spoken word for word, or a reminder.
    pub words: StepWords,
    /// The SOP clause it stands on.
    pub basis: Option<String>,
    /// The SOP's Keterangan for it.
    pub note: Option<String>,
    /// The scoring parameters that leaving it out costs.
    pub score: Vec<String>,
    /// The line in the file where its words stand, from 1.
    pub line: usize,
}

impl Step {
    /// Whether the greeting of the hour stands in it.
    #[must_use]
    pub fn greets(&self) -> bool {
        matches!(&self.words, StepWords::Say(template) if template.pieces().contains(&Piece::Salam))
    }

    /// Whether a field's text stands in it.
    #[must_use]
    pub fn speaks(&self, field: FieldIx) -> bool {
        matches!(&self.words, StepWords::Say(template) if template.pieces().contains(&Piece::Field(field)))
    }

    /// Whether it is spoken (and so ticked and counted).
    #[must_use]
    pub fn is_spoken(&self) -> bool {
        matches!(self.words, StepWords::Say(_))
    }
}

/// What a step has the CSO do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepWords {
    /// Say this, word for word.
    Say(Template),
    /// Think of this; it is shown, never ticked, counted or read out.
    Remind(String),
}

/// One row of the decision table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub id: String,
    /// The situations it answers.
    pub when: Cube,
    /// What is said there, in this order.
    pub steps: Vec1<StepIx>,
    /// The SOP clause it stands on.
    pub basis: Option<String>,
    /// What the screen says where the SOP contradicts itself here.
    pub caution: Option<String>,
    /// The line in the file where it begins, from 1.
    pub line: usize,
}

/// A duty or prohibition that holds whatever the rows say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// Its name.
    pub id: String,
    /// The situations it speaks of.
    pub when: Cube,
    /// What must be so there.
    pub duties: Vec1<Duty>,
    /// The SOP clause it stands on.
    pub basis: Option<String>,
}

/// What a requirement demands of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Duty {
    /// Every one of these is in the plan.
    Always(Vec1<StepIx>),
    /// None of these is in the plan.
    Never(Vec1<StepIx>),
    /// One of these and no other is in the plan; in a closing, one of them said stands for the others.
    ExactlyOne(Vec1<StepIx>),
    /// Those of these that are in the plan stand in this order.
    Order(Vec1<StepIx>),
    /// This is the last spoken step.
    Last(StepIx),
}

/// A warning that a table of the file accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acceptance {
    /// The table: `fact`, `sop`; empty for the file as a whole.
    pub table: &'static str,
    /// The id of that table; empty where it has none.
    pub id: String,
    /// Which warning.
    pub code: Code,
    /// Why.
    pub because: String,
}

/// Checked rules. See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleSet {
    /// The document.
    pub sop: Sop,
    /// What decides, in the order of the screen.
    pub facts: Vec<Fact>,
    /// What fills sentences.
    pub fields: Vec<Field>,
    /// The customer's zones; the first is the default.
    pub zones: Vec1<Zone>,
    /// The greeting of the hour.
    pub greetings: Greetings,
    /// Every step.
    pub steps: Vec1<Step>,
    /// The decision table.
    pub rules: Vec1<Rule>,
    /// The duties and prohibitions.
    pub requirements: Vec<Requirement>,
    /// What the program itself gives a part to.
    pub roles: Roles,
    /// The warnings that the file accepts.
    pub acceptances: Vec<Acceptance>,
    /// Only `check` may make one.
    pub(super) proved: Proved,
}

/// Held by rules that `check` has proved; nobody else can make one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Proved;

impl RuleSet {
    /// The step behind an index.
    #[must_use]
    pub fn step(&self, ix: StepIx) -> &Step {
        &self.steps[ix.at()]
    }

    /// The field behind an index.
    #[must_use]
    pub fn field(&self, ix: FieldIx) -> &Field {
        &self.fields[ix.at()]
    }

    /// The index of the step with this id.
    #[must_use]
    pub fn step_named(&self, id: &str) -> Option<StepIx> {
        position(&self.steps, |s| s.id == id).map(StepIx)
    }

    /// The index of the field with this id.
    #[must_use]
    pub fn field_named(&self, id: &str) -> Option<FieldIx> {
        position(&self.fields, |f| f.id == id).map(FieldIx)
    }

    /// The field with this id; a field that only plays the part of the SOP's `nama` or `sapaan` is known by that id too,
    /// for whoever speaks to the program without knowing its rules file (a softphone).
    #[must_use]
    pub fn field_or_role(&self, id: &str) -> Option<FieldIx> {
        self.field_named(id).or(match id {
            NAMA => self.roles.name,
            SAPAAN => self.roles.honorific,
            _ => None,
        })
    }

    /// The fact with this id; the emergency is known by the SOP's `klb` too.
    #[must_use]
    pub fn fact_or_role(&self, id: &str) -> Option<usize> {
        self.fact_named(id).or(if id == KLB { self.roles.emergency } else { None })
    }

    /// The position of the fact with this id.
    #[must_use]
    pub fn fact_named(&self, id: &str) -> Option<usize> {
        self.facts.iter().position(|f| f.id == id)
    }

    /// The position of the zone with this id, in any case.
    #[must_use]
    pub fn zone_named(&self, id: &str) -> Option<usize> {
        self.zones.iter().position(|z| z.id.eq_ignore_ascii_case(id))
    }

    /// All fields, with their indices.
    pub fn fields_ix(&self) -> impl Iterator<Item = (FieldIx, &Field)> {
        (0u16..).map(FieldIx).zip(&self.fields)
    }

    /// The space of all situations.
    #[must_use]
    pub fn space(&self) -> Space {
        Space::new(self.facts.iter().map(|f| f.values.len()).collect())
    }

    /// The steps that stand for `step` when said, in this situation: those that a requirement names as alternatives
    /// (`exactly_one`), itself left out.
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

/// The position of the first match, as the `u16` that the file's bounded size guarantees it fits.
fn position<T>(all: &[T], found: impl Fn(&T) -> bool) -> Option<u16> {
    all.iter().position(found).and_then(|at| u16::try_from(at).ok())
}
