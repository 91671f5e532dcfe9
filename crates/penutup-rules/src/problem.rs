//! What can be wrong with a file, as data: the code, the place, the names. How it is told, in which language, is
//! another room's business (`tell`).

use std::ops::Range;

/// A place in a file, in bytes.
pub type Span = Range<usize>;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where, in bytes of the file.
    pub span: Span,
    /// The other place of a clash, where there is one.
    pub other: Option<Span>,
    /// What.
    pub kind: Kind,
    /// An example: every fact's id with its value's id.
    pub situation: Option<Vec<(String, String)>>,
    /// The table that may accept it, where it is a warning.
    pub owner: Owner,
}

/// The table of a rules file that a warning points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// The file as a whole: keys in front of the first table.
    File,
    /// `[sop]`.
    Sop,
    /// The fact at this position.
    Fact(usize),
    /// The field at this position.
    Field(usize),
    /// The step at this position.
    Step(usize),
    /// The rule at this position.
    Rule(usize),
    /// The requirement at this position.
    Requirement(usize),
}

/// What a person did to a line that is no TOML, where it is a known mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyntaxCause {
    /// `[rule]`, which must be `[[rule]]`.
    SingleBrackets(&'static str),
    /// A text that goes over the end of its line.
    LineBreak,
    /// Quotes as a word processor makes them.
    CurlyQuotes,
    /// A character outside of a text that looks like a blank or like nothing.
    HiddenCharacter(u32),
    /// The marks of a merge that was left half done.
    ConflictMark,
    /// None of these.
    Unknown,
}

impl Problem {
    /// A problem at one place, without an example.
    pub fn new(span: Span, kind: Kind) -> Self {
        Self { span, other: None, kind, situation: None, owner: Owner::File }
    }

    /// Of this table of the file.
    pub fn of(mut self, owner: Owner) -> Self {
        self.owner = owner;
        self
    }

    /// With the other place of a clash.
    pub fn and(mut self, other: Span) -> Self {
        self.other = Some(other);
        self
    }

    /// With an example situation.
    pub fn in_situation(mut self, situation: Vec<(String, String)>) -> Self {
        self.situation = Some(situation);
        self
    }

    /// The code that `check` prints.
    pub fn code(&self) -> Code {
        self.kind.code()
    }

    /// Whether the file is refused for it.
    pub fn is_error(&self) -> bool {
        !self.code().is_warning()
    }
}

/// Declares the codes with their names in one place.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// The codes of `check` (rules-file, "What `check` proves").
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// As `check` prints it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
        }
    };
}

codes! {
    /// The file is no TOML.
    Syntax = "syntax",
    /// A key, type or size that schema 1 does not have.
    Schema = "schema",
    /// A name given twice.
    DuplicateId = "duplicate-id",
    /// A fact that is not there.
    UnknownFact = "unknown-fact",
    /// A value that the fact does not have.
    UnknownValue = "unknown-value",
    /// A step that is not there.
    UnknownStep = "unknown-step",
    /// Braces that nothing fills.
    UnknownPlaceholder = "unknown-placeholder",
    /// A text that is or could come out empty.
    EmptyText = "empty-text",
    /// A character that may not reach a screen.
    ControlCharacter = "control-character",
    /// A situation without a rule.
    Gap = "gap",
    /// A situation with two rules.
    Overlap = "overlap",
    /// A rule that breaks a duty or prohibition.
    RequireViolated = "require-violated",
    /// A key that two want.
    KeyClash = "key-clash",
    /// Greetings out of order.
    GreetingOrder = "greeting-order",
    /// An offset that is none.
    ZoneOffset = "zone-offset",
    /// A fact or field without a first value.
    NoDefault = "no-default",
    /// A step that no rule has.
    UnusedStep = "unused-step",
    /// Two values that never make a difference.
    UnusedValue = "unused-value",
    /// A fact that never makes a difference.
    IrrelevantFact = "irrelevant-fact",
    /// A situation without a scored step.
    ScoreMissing = "score-missing",
    /// A sentence too long to be said in one breath.
    LongSentence = "long-sentence",
    /// A revision from a later day.
    NotYetEffective = "not-yet-effective",
    /// A revision that is over, or will be within a week.
    Expiring = "expiring",
    /// A file without any duty or prohibition.
    NoRequirement = "no-requirement",
    /// Another number of duties than the file says.
    DutyCount = "duty-count",
    /// A typed field without a word for what stands in its place while it is empty.
    EmptyField = "empty-field",
    /// Two names on the screen that nobody can tell apart.
    SameLabel = "same-label",
    /// An accepted warning that nothing gives.
    UnusedAcceptance = "unused-acceptance",
}

impl Code {
    /// Whether the file is taken in spite of it.
    pub fn is_warning(self) -> bool {
        self >= Self::UnusedStep
    }

    /// Whether a table of the file may accept it.
    pub fn can_be_accepted(self) -> bool {
        self.is_warning() && self != Self::UnusedAcceptance
    }
}

/// What a value should have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// A text in quotes.
    Text,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// A day, `2021-02-01`.
    Day,
    /// A list of texts.
    Texts,
    /// A text or a list of texts.
    TextOrTexts,
    /// A table.
    Table,
    /// A list of tables.
    Tables,
}

/// What kind of thing carries a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// A fact.
    Fact,
    /// A value of a fact.
    Value,
    /// A field.
    Field,
    /// A zone.
    Zone,
    /// A step.
    Step,
    /// A rule.
    Rule,
    /// A requirement.
    Requirement,
    /// A choice of a field, or another word for one.
    Choice,
    /// A scoring parameter.
    Score,
    /// A warning that is accepted.
    Warning,
    /// A story of the practice cards.
    Story,
}

/// Which duty a rule breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// These must be there and are not.
    Always(Vec<String>),
    /// These must not be there and are.
    Never(Vec<String>),
    /// Not exactly one of the first list: those of the second are there.
    ExactlyOne(Vec<String>, Vec<String>),
    /// The first stands behind the second, and must stand before it.
    Order(String, String),
    /// This must be the last spoken step; the second is, where there is one.
    Last(String, Option<String>),
}

/// Conditions as a rule's `when` has them: fact id → value ids; a fact left out is free.
pub type Conditions = Vec<(String, Vec<String>)>;

/// What is wrong, with the names it needs to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Broken TOML, in the parser's words.
    Syntax { detail: String, cause: SyntaxCause },
    /// Bytes that are no UTF-8.
    NotUtf8,
    /// Text, but in the two-byte form that Windows programs call "Unicode".
    Utf16,
    /// Over [`super::limits::MAX_FILE`].
    TooLarge { bytes: usize },
    /// Longer than a text may be.
    TooLong { key: String, max: usize },
    /// Over the number of rules that are read.
    TooManyRules { found: usize },
    /// A key that the table does not have.
    UnknownKey { key: String, table: String, valid: Vec<String> },
    /// A key that the table must have.
    MissingKey { key: &'static str, table: String },
    /// A value of another type.
    WrongType { key: String, expected: Expected, found: &'static str },
    /// A schema that this program does not know.
    OtherSchema { found: i64 },
    /// An id with other characters than a–z, 0–9 and `-`.
    BadId { id: String },
    /// A zone's id with other characters than letters, digits and `-`, or too long for the header.
    BadZoneId { id: String },
    /// An honorific that is no single word.
    NotOneWord { key: &'static str, found: String },
    /// `role = "emergency"` on a fact that a new call resets.
    EmergencyOfACall,
    /// A value out of the list of those that are possible.
    NotOneOf { key: &'static str, found: String, valid: Vec<String> },
    /// A duration that can't be read.
    BadDuration { found: String },
    /// A time of day that can't be read.
    BadTime { found: String },
    /// A number out of its range.
    OutOfRange { key: &'static str, min: i64, max: i64 },
    /// Keys that exclude each other, or of which one is needed.
    EitherOr { first: &'static str, second: &'static str, both: bool },
    /// `keep_for` on a fact that does not last.
    KeepForWithoutShift,
    /// A list that needs more entries.
    TooFew { key: &'static str, at_least: usize },
    /// A requirement without a duty.
    NoDuty,
    /// `[rule]`, which must be `[[rule]]`.
    SingleBrackets { key: &'static str },
    /// `accept` without `because`.
    AcceptedWithoutReason,
    /// `because` without `accept`.
    ReasonWithoutAccept,
    /// A key that only one of the two kinds of field has: a typed one, or one with choices.
    OnlyFor { key: &'static str, typed: bool },
    /// `effective_to` before `effective_from`.
    EndsBeforeItBegins { from: String, to: String },
    /// A part of the program that two tables want.
    RoleTwice { role: &'static str },
    /// A name given twice.
    Duplicate { what: Named, id: String },
    /// A name that the program keeps.
    Taken { id: String },
    /// A fact that is not there.
    UnknownFact { id: String, valid: Vec<String> },
    /// A value that is not there.
    UnknownValue { fact: String, id: String, valid: Vec<String> },
    /// A step that is not there.
    UnknownStep { id: String, valid: Vec<String> },
    /// A placeholder that nothing fills.
    UnknownPlaceholder { name: String, valid: Vec<String> },
    /// A `{` or `}` alone.
    LoneBrace { brace: char },
    /// A text that is empty.
    Empty { key: &'static str },
    /// A sentence that could come out empty.
    MayBeEmpty,
    /// A sentence that is left with brackets around nothing or a lone mark while a field is empty, as it is then spoken.
    EmptyPlace { field: String, sentence: String },
    /// A character that may not reach a screen.
    ControlCharacter { code: u32 },
    /// A letter under more marks than a name has.
    TooManyMarks { key: String },
    /// Two blanks in a row, or one at either end.
    StrayBlank { key: &'static str },
    /// Situations without a rule: how many (a decimal), which, and the rule that comes nearest, where there is one.
    Gap { situations: String, when: Conditions, nearest: Option<String> },
    /// Situations with two rules.
    Overlap { first: String, second: String },
    /// More problems of one code than are shown.
    More { code: Code, shown: usize },
    /// A rule breaks a requirement.
    RequireViolated { rule: String, requirement: String, basis: Option<String>, broken: Broken },
    /// A key that two want.
    KeyClash { key: char, first: String, second: String },
    /// A key that the program keeps.
    KeyReserved { key: char, free: String },
    /// A key that is no single letter.
    BadKey { found: String },
    /// A greeting that does not come after the one before.
    GreetingOrder { from: String, before: String },
    /// An offset that is none.
    ZoneOffset { found: String },
    /// A list of values or choices that is empty.
    NoDefault { what: Named, id: String },
    /// A step that no rule has.
    UnusedStep { id: String },
    /// Values that never make a difference.
    UnusedValue { fact: String, first: String, second: String },
    /// A fact that never makes a difference.
    IrrelevantFact { id: String },
    /// A rule without a scored step.
    ScoreMissing { rule: String },
    /// A sentence too long.
    LongSentence { id: String, characters: usize },
    /// A revision from a later day.
    NotYetEffective { from: String },
    /// A revision whose last day is near or over.
    Expiring { to: String, over: bool },
    /// A file without any requirement.
    NoRequirement,
    /// Another number of duties than `[sop]` says.
    DutyCount { said: i64, found: usize },
    /// A typed field without `empty`, and its sentences as they are spoken without it.
    EmptyField { id: String, sentences: Vec<String> },
    /// A label that two facts, fields or values have.
    SameLabel { label: String },
    /// An accepted warning that nothing gives.
    UnusedAcceptance { code: Code },
}

impl Kind {
    fn code(&self) -> Code {
        match self {
            Self::Syntax { .. } | Self::NotUtf8 | Self::Utf16 => Code::Syntax,
            Self::TooLarge { .. }
            | Self::TooLong { .. }
            | Self::TooManyRules { .. }
            | Self::UnknownKey { .. }
            | Self::MissingKey { .. }
            | Self::WrongType { .. }
            | Self::OtherSchema { .. }
            | Self::BadId { .. }
            | Self::BadZoneId { .. }
            | Self::NotOneWord { .. }
            | Self::EmergencyOfACall
            | Self::NotOneOf { .. }
            | Self::BadDuration { .. }
            | Self::BadTime { .. }
            | Self::OutOfRange { .. }
            | Self::EitherOr { .. }
            | Self::KeepForWithoutShift
            | Self::TooFew { .. }
            | Self::NoDuty
            | Self::SingleBrackets { .. }
            | Self::AcceptedWithoutReason
            | Self::ReasonWithoutAccept
            | Self::OnlyFor { .. }
            | Self::EndsBeforeItBegins { .. }
            | Self::BadKey { .. } => Code::Schema,
            Self::Duplicate { .. } | Self::Taken { .. } | Self::RoleTwice { .. } => Code::DuplicateId,
            Self::UnknownFact { .. } => Code::UnknownFact,
            Self::UnknownValue { .. } => Code::UnknownValue,
            Self::UnknownStep { .. } => Code::UnknownStep,
            Self::UnknownPlaceholder { .. } | Self::LoneBrace { .. } => Code::UnknownPlaceholder,
            Self::Empty { .. } | Self::MayBeEmpty | Self::EmptyPlace { .. } => Code::EmptyText,
            Self::ControlCharacter { .. } | Self::TooManyMarks { .. } | Self::StrayBlank { .. } => {
                Code::ControlCharacter
            }
            Self::Gap { .. } => Code::Gap,
            Self::Overlap { .. } => Code::Overlap,
            Self::More { code, .. } => *code,
            Self::RequireViolated { .. } => Code::RequireViolated,
            Self::KeyClash { .. } | Self::KeyReserved { .. } => Code::KeyClash,
            Self::GreetingOrder { .. } => Code::GreetingOrder,
            Self::ZoneOffset { .. } => Code::ZoneOffset,
            Self::NoDefault { .. } => Code::NoDefault,
            Self::UnusedStep { .. } => Code::UnusedStep,
            Self::UnusedValue { .. } => Code::UnusedValue,
            Self::IrrelevantFact { .. } => Code::IrrelevantFact,
            Self::ScoreMissing { .. } => Code::ScoreMissing,
            Self::LongSentence { .. } => Code::LongSentence,
            Self::NotYetEffective { .. } => Code::NotYetEffective,
            Self::Expiring { .. } => Code::Expiring,
            Self::NoRequirement => Code::NoRequirement,
            Self::DutyCount { .. } => Code::DutyCount,
            Self::EmptyField { .. } => Code::EmptyField,
            Self::SameLabel { .. } => Code::SameLabel,
            Self::UnusedAcceptance { .. } => Code::UnusedAcceptance,
        }
    }
}

/// The valid name nearest to a wrong one, near enough to be meant.
pub fn nearest<'a>(wrong: &str, valid: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = wrong.to_lowercase();
    let near = |name: &str| {
        let likeness = strsim::jaro_winkler(&wrong, name);
        // In a short name one slip weighs too much for the measure above: "kbl" for "klb" would be no match.
        let slip = name.chars().count() > 2 && strsim::osa_distance(&wrong, name) == 1;
        if slip { likeness.max(0.9) } else { likeness }
    };
    valid
        .into_iter()
        .map(|name| (near(&name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}
