//! Checked rules: the only form of a rules file that the rest of the program ever sees. A [`RuleSet`] can be made by
//! [`super::check()`] alone, and only from a file without errors, so every index in it is valid and every situation has
//! exactly one rule.

use std::time::Duration;

use chrono::{FixedOffset, NaiveDate};

use super::greeting::Greetings;
use super::script::{Piece, Template};
use super::space::{Cube, Space};

/// The id of the placeholder that the greeting of the hour fills.
pub const SALAM: &str = "salam";
/// The field that holds the customer's name, by convention of the SOP.
pub const NAMA: &str = "nama";
/// The field that holds the honorific, by convention of the SOP.
pub const SAPAAN: &str = "sapaan";

/// Which step of [`RuleSet::steps`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepIx(pub(crate) u16);

/// Which field of [`RuleSet::fields`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldIx(pub(crate) u16);

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
    /// The first day it holds, where the file names one.
    pub effective_from: Option<NaiveDate>,
}

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
    pub values: Vec<Value>,
}

/// One value of a fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// Its name in the file and on the command line.
    pub id: String,
    /// Its name on the screen.
    pub label: String,
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

/// How a field gets its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// One of these; the first is the default.
    Choice(Vec<String>),
    /// Typed, at most `max` graphemes; empty until then.
    Typed {
        /// The most graphemes it takes.
        max: usize,
    },
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
    pub steps: Vec<StepIx>,
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
    /// What must hold there.
    pub duties: Vec<Duty>,
    /// The SOP clause it stands on.
    pub basis: Option<String>,
}

/// What a requirement demands of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Duty {
    /// Every one of these is in the plan.
    Always(Vec<StepIx>),
    /// None of these is in the plan.
    Never(Vec<StepIx>),
    /// One of these and no other is in the plan; in a closing, one of them said stands for the others.
    ExactlyOne(Vec<StepIx>),
    /// Those of these that are in the plan stand in this order.
    Order(Vec<StepIx>),
    /// This is the last spoken step.
    Last(StepIx),
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
    pub zones: Vec<Zone>,
    /// The greeting of the hour.
    pub greetings: Greetings,
    /// Every step.
    pub steps: Vec<Step>,
    /// The decision table.
    pub rules: Vec<Rule>,
    /// The duties and prohibitions.
    pub requirements: Vec<Requirement>,
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
