//! Problems of a file as data: code, place, names. Messages and their language are the caller's task.

use std::ops::Range;

/// A place in a file, in bytes.
pub type Span = Range<usize>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub span: Span,
    /// The other place of a conflict.
    pub other: Option<Span>,
    pub kind: Kind,
    /// An example: the ids of every fact and its value.
    pub situation: Option<Vec<(String, String)>>,
    /// The table that may accept the warning.
    pub owner: Owner,
}

/// The table of a rules file that a warning is about; with its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// The keys before the first table.
    File,
    Sop,
    Fact(usize),
    Field(usize),
    Step(usize),
    Rule(usize),
    Requirement(usize),
}

/// A common mistake that makes a line invalid TOML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyntaxCause {
    /// `[rule]`, which must be `[[rule]]`.
    SingleBrackets(&'static str),
    /// A text that continues on the next line.
    LineBreak,
    /// Quotes of a word processor.
    CurlyQuotes,
    /// A character outside a text that looks like a blank or is invisible.
    HiddenCharacter(u32),
    /// Markers of an unresolved merge conflict.
    ConflictMark,
    Unknown,
}

impl Problem {
    pub fn new(span: Span, kind: Kind) -> Self {
        Self { span, other: None, kind, situation: None, owner: Owner::File }
    }

    pub fn with_owner(mut self, owner: Owner) -> Self {
        self.owner = owner;
        self
    }

    pub fn with_other(mut self, other: Span) -> Self {
        self.other = Some(other);
        self
    }

    pub fn with_situation(mut self, situation: Vec<(String, String)>) -> Self {
        self.situation = Some(situation);
        self
    }

    pub fn code(&self) -> Code {
        self.kind.code()
    }

    /// Errors reject the file, warnings don't.
    pub fn is_error(&self) -> bool {
        !self.code().is_warning()
    }
}

/// Declares the codes together with their names.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// The codes that `check` prints.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
        }
    };
}

codes! {
    /// Not valid TOML.
    Syntax = "syntax",
    /// A key, type or size that schema 1 does not allow.
    Schema = "schema",
    DuplicateId = "duplicate-id",
    UnknownFact = "unknown-fact",
    UnknownValue = "unknown-value",
    UnknownStep = "unknown-step",
    /// Also a brace without its pair.
    UnknownPlaceholder = "unknown-placeholder",
    /// A text that is or may be spoken empty.
    EmptyText = "empty-text",
    /// A character that must not be displayed, or an extra blank.
    ControlCharacter = "control-character",
    /// A situation without a rule.
    Gap = "gap",
    /// A situation with two rules.
    Overlap = "overlap",
    /// A rule that violates a duty.
    RequireViolated = "require-violated",
    /// A key that is used twice or reserved.
    KeyClash = "key-clash",
    GreetingOrder = "greeting-order",
    ZoneOffset = "zone-offset",
    /// A fact without values or a field without choices.
    NoDefault = "no-default",
    /// A step that is in no rule.
    UnusedStep = "unused-step",
    /// Two values of a fact between which no rule distinguishes.
    UnusedValue = "unused-value",
    /// A fact that affects no plan.
    IrrelevantFact = "irrelevant-fact",
    /// A rule without a scored step.
    ScoreMissing = "score-missing",
    /// A sentence too long to speak in one breath.
    LongSentence = "long-sentence",
    /// A revision that starts in the future.
    NotYetEffective = "not-yet-effective",
    /// A revision that has ended or ends within a week.
    Expiring = "expiring",
    /// A file without requirements.
    NoRequirement = "no-requirement",
    /// The number of duties differs from the one in `[sop]`.
    DutyCount = "duty-count",
    /// A typed field without `empty`.
    EmptyField = "empty-field",
    /// Two equal labels.
    SameLabel = "same-label",
    /// An accepted warning that does not occur.
    UnusedAcceptance = "unused-acceptance",
}

impl Code {
    pub fn is_warning(self) -> bool {
        self >= Self::UnusedStep
    }

    /// Whether a table of the file may accept it.
    pub fn can_be_accepted(self) -> bool {
        self.is_warning() && self != Self::UnusedAcceptance
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    Text,
    Integer,
    Boolean,
    /// `2021-02-01`.
    Day,
    Texts,
    TextOrTexts,
    Table,
    Tables,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    Fact,
    Value,
    Field,
    Zone,
    Step,
    Rule,
    Requirement,
    /// A choice of a field, or an alias of one.
    Choice,
    Score,
    /// An accepted warning.
    Warning,
    /// A story of the drill.
    Story,
}

/// The duty that a rule violates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// These steps are missing.
    Always(Vec<String>),
    /// These steps must not be in the plan.
    Never(Vec<String>),
    /// Of the first list, exactly one is required; the second list is present.
    ExactlyOne(Vec<String>, Vec<String>),
    /// The first must be before the second, but is after it.
    Order(String, String),
    /// The first must be the last spoken step; the second is.
    Last(String, Option<String>),
}

/// Why something is no hotkey of the settings. Keys and combinations are named as the settings name them; `instead` is a
/// similar combination that may be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HotkeyFault {
    /// No action, fact or field can have this name.
    Word,
    /// Nothing but modifiers.
    NoKey,
    UnknownKey {
        part: String,
        valid: Vec<String>,
    },
    UnknownModifier {
        part: String,
        valid: Vec<String>,
    },
    /// Without Ctrl, Alt or Super: it types.
    NoModifier {
        instead: String,
    },
    /// The desktop keeps it for itself.
    Desktop {
        instead: String,
    },
    /// Every program edits with it.
    Edits {
        instead: String,
    },
    /// The press that has it already.
    Twice {
        first: String,
    },
    TooMany {
        max: usize,
    },
}

/// As in a rule's `when`: fact id → value ids; facts that are not listed may have any value.
pub type Conditions = Vec<(String, Vec<String>)>;

/// What is wrong, with the names that a message needs.
#[rustfmt::skip] // One variant per line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Invalid TOML; `detail` is the parser's message.
    Syntax { detail: String, cause: SyntaxCause },
    NotUtf8,
    /// What Windows programs call "Unicode".
    Utf16,
    /// Over [`super::limits::MAX_FILE`].
    TooLarge { bytes: usize },
    TooLong { key: String, max: usize },
    /// Over [`super::limits::MAX_RULES`].
    TooManyRules { found: usize },
    UnknownKey { key: String, table: String, valid: Vec<String> },
    MissingKey { key: &'static str, table: String },
    WrongType { key: String, expected: Expected, found: &'static str },
    OtherSchema { found: i64 },
    /// An id with characters other than a–z, 0–9 and `-`.
    BadId { id: String },
    /// A zone's id with characters other than letters, digits and `-`, or too long for the header.
    BadZoneId { id: String },
    /// An honorific that is not a single word.
    NotOneWord { key: &'static str, found: String },
    /// `role = "emergency"` on a fact that is reset by each call.
    EmergencyOfACall,
    /// A text that is not one of `valid`.
    NotOneOf { key: &'static str, found: String, valid: Vec<String> },
    BadDuration { found: String },
    BadTime { found: String },
    OutOfRange { key: &'static str, min: i64, max: i64 },
    /// Exactly one of two keys is required; `both`: both are present.
    EitherOr { first: &'static str, second: &'static str, both: bool },
    /// `keep_for` on a fact without `scope = "shift"`.
    KeepForWithoutShift,
    TooFew { key: &'static str, at_least: usize },
    NoDuty,
    /// `[rule]`, which must be `[[rule]]`.
    SingleBrackets { key: &'static str },
    AcceptedWithoutReason,
    ReasonWithoutAccept,
    /// A key of only one kind of field: of typed ones, or of those with choices.
    OnlyFor { key: &'static str, typed: bool },
    EndsBeforeItBegins { from: String, to: String },
    /// A role that two tables have.
    RoleTwice { role: &'static str },
    Duplicate { what: Named, id: String },
    /// A reserved id.
    Taken { id: String },
    UnknownFact { id: String, valid: Vec<String> },
    UnknownValue { fact: String, id: String, valid: Vec<String> },
    UnknownStep { id: String, valid: Vec<String> },
    UnknownPlaceholder { name: String, valid: Vec<String> },
    /// A `{` or `}` without its pair.
    LoneBrace { brace: char },
    Empty { key: &'static str },
    /// A sentence that consists only of fields that may be empty.
    MayBeEmpty,
    /// An empty field leaves empty brackets or stray punctuation; `sentence` is spoken then.
    EmptyPlace { field: String, sentence: String },
    ControlCharacter { code: u32 },
    /// A letter with more than [`super::text::MAX_MARKS`] combining marks.
    TooManyMarks { key: String },
    /// Two blanks in a row, or one at an end.
    StrayBlank { key: &'static str },
    /// Situations without a rule: how many (a decimal), which, and the most similar rule.
    Gap { situations: String, when: Conditions, nearest: Option<String> },
    Overlap { first: String, second: String },
    /// Further problems of this code are not listed.
    More { code: Code, shown: usize },
    RequireViolated { rule: String, requirement: String, basis: Option<String>, broken: Broken },
    KeyClash { key: char, first: String, second: String },
    /// A key of the program.
    KeyReserved { key: char, free: String },
    /// A key that is not a letter a–z.
    BadKey { found: String },
    /// A greeting that does not start after the one before.
    GreetingOrder { from: String, before: String },
    ZoneOffset { found: String },
    /// An empty list of values or choices.
    NoDefault { what: Named, id: String },
    UnusedStep { id: String },
    /// Values between which no rule distinguishes.
    UnusedValue { fact: String, first: String, second: String },
    IrrelevantFact { id: String },
    ScoreMissing { rule: String },
    LongSentence { id: String, characters: usize },
    NotYetEffective { from: String },
    /// `over`: its last day has passed.
    Expiring { to: String, over: bool },
    NoRequirement,
    /// `declared` is the number in `[sop]`.
    DutyCount { declared: i64, found: usize },
    /// A typed field without `empty`, and its sentences as spoken while it is empty.
    EmptyField { id: String, sentences: Vec<String> },
    /// A label of two facts, fields or values.
    SameLabel { label: String },
    UnusedAcceptance { code: Code },
    /// `found` is the word or the combination at fault.
    Hotkey { found: String, fault: HotkeyFault },
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
            | Self::BadKey { .. }
            | Self::Hotkey { .. } => Code::Schema,
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

/// The valid name most similar to a wrong one, if similar enough to be meant.
pub fn nearest<'a>(wrong: &str, valid: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = wrong.to_lowercase();
    let similarity = |name: &str| {
        let jaro = strsim::jaro_winkler(&wrong, name);
        // In a short name one typo lowers the measure too much: "kbl" would not match "klb".
        let one_typo = name.chars().count() > 2 && strsim::osa_distance(&wrong, name) == 1;
        if one_typo { jaro.max(0.9) } else { jaro }
    };
    valid
        .into_iter()
        .map(|name| (similarity(&name.to_lowercase()), name))
        .filter(|(similarity, _)| *similarity > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}
