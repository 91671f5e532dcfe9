//! Describes a file's problems in the user's language: what is wrong, and how to correct it. Text from the file is
//! cleaned and cut here, so that nothing in a file reaches a terminal raw. Knows no disk and no terminal.

pub mod change;
pub mod csv;
pub mod draw;
pub mod journal;
pub mod outside;
pub mod source;
mod toml_errors;

use std::fmt::Display;

use crate::rules::limits::{LONG_SENTENCE, MAX_FILE, MAX_RULES};
use crate::rules::problem::{Broken, Conditions, Expected, HotkeyFault, Kind, Named, Problem, SyntaxCause, nearest};
use crate::rules::text;
use crate::words::{self, Words};

pub use source::{Place, Source};

/// The longest quotation from a file in a message, in graphemes.
const SHOWN: usize = 60;
/// The longest reason of a library, a server or the system in a message, in graphemes.
const REASON: usize = 300;
/// The most names in a message's list.
const LISTED: usize = 12;
/// The keys whose values are lists or tables of texts.
#[rustfmt::skip]
const LISTS: [&str; 13] = [
    "steps", "always", "never", "exactly_one", "order", "choices", "score", "lost_score", "when", "aliases", "drop", "accept",
    "hotkeys",
];
/// The keys whose text is optional.
#[rustfmt::skip]
const OPTIONAL: [&str; 12] = [
    "short", "empty", "supersedes", "issuer", "lost_score", "help", "banner", "basis", "note", "caution", "zone", "rules",
];
/// The longest `when` that is suggested in full, in bytes.
const LONG_WHEN: usize = 300;

/// A problem described in the user's language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// What is wrong.
    pub message: String,
    /// How to correct it.
    pub help: String,
    /// The label of the problem's second location, if it has one.
    pub other: &'static str,
}

/// A text from outside, for a message: cleaned, on one line, cut.
pub fn shown(text: &str) -> String {
    shown_up_to(text, SHOWN)
}

/// Why something failed, as a library, a server or the system says it: cleaned, on one line, cut where it is much longer than a
/// sentence.
pub fn shown_reason(reason: &(impl Display + ?Sized)) -> String {
    shown_up_to(&reason.to_string(), REASON)
}

fn shown_up_to(text: &str, graphemes: usize) -> String {
    // Cut first: a key may be a megabyte long, and a single grapheme too.
    let few = text.char_indices().nth(4 * graphemes).map_or(text, |(end, _)| &text[..end]);
    let start = text::first_graphemes(few, graphemes);
    let mut out = text::fold(&text::clean(start));
    if start.len() < text.len() {
        out.push('…');
    }
    out
}

/// Describes a problem.
pub fn describe(problem: &Problem, words: &Words) -> Description {
    let describer = Describer { problem: &words.problem, toml: &words.toml };
    let (message, help) = describer.describe(problem);
    Description { message, help, other: describer.other(&problem.kind) }
}

struct Describer<'w> {
    problem: &'w words::Problem,
    toml: &'w words::Toml,
}

type Pair = (String, String);

impl Describer<'_> {
    #[expect(clippy::too_many_lines, reason = "one match arm per kind of problem")]
    fn describe(&self, problem: &Problem) -> Pair {
        let w = self.problem;
        let plain = |message: &str, help: &str| (message.to_owned(), help.to_owned());
        match &problem.kind {
            Kind::Syntax { detail, cause } => {
                let detail = toml_errors::detail(detail, problem.span.is_empty(), self.toml);
                let syntax = |detail: &str| w.syntax(detail);
                match cause {
                    SyntaxCause::Unknown => (syntax(detail), w.syntax_help.into()),
                    SyntaxCause::SingleBrackets(key) => self.single_brackets(key),
                    SyntaxCause::LineBreak => (syntax(w.text_over_lines), w.text_over_lines_help.into()),
                    SyntaxCause::CurlyQuotes => (syntax(w.curly_quotes), w.curly_quotes_help.into()),
                    SyntaxCause::HiddenCharacter(code) => {
                        let message = w.hidden_outside(format!("U+{code:04X}"));
                        (syntax(&message), w.hidden_outside_help.into())
                    }
                    SyntaxCause::ConflictMark => (syntax(w.conflict_mark), w.conflict_mark_help.into()),
                }
            }
            Kind::SingleBrackets { key } => self.single_brackets(key),
            Kind::AcceptedWithoutReason => plain(w.accepted_without_reason, w.accepted_without_reason_help),
            Kind::ReasonWithoutAccept => plain(w.reason_without_accept, w.reason_without_accept_help),
            Kind::OnlyFor { key, typed } => {
                let message = if *typed { w.only_for_typed(key) } else { w.only_for_choices(key) };
                (message, w.only_for_help.into())
            }
            Kind::EndsBeforeItBegins { from, to } => {
                (w.ends_before_it_begins(from, to), w.ends_before_it_begins_help.into())
            }
            Kind::RoleTwice { role } => (w.role_twice(role), w.role_twice_help.into()),
            Kind::TooManyMarks { key } => (w.too_many_marks(shown(key)), w.control_character_help.into()),
            Kind::StrayBlank { key } => (w.stray_blank(key), w.stray_blank_help.into()),
            Kind::NotUtf8 => plain(w.not_utf8, w.not_utf8_help),
            Kind::Utf16 => plain(w.utf16, w.utf16_help),
            Kind::TooLarge { .. } => (w.too_large((MAX_FILE / 1024).to_string()), w.too_large_help.into()),
            Kind::TooLong { key, max } => (w.too_long(shown(key), max), w.too_long_help.into()),
            Kind::TooManyRules { found } => {
                (w.too_many_rules(found, MAX_RULES), w.too_many_rules_help("when = { klb = [\"ya\", \"tidak\"] }"))
            }
            Kind::UnknownKey { key, table, valid } => {
                (w.unknown_key(shown(key), self.table(table)), self.suggest(key, valid))
            }
            Kind::MissingKey { key, table } if table.is_empty() => (
                w.missing_root(example_of(key)),
                if *key == "sop" { w.missing_sop_help } else { w.missing_schema_help }.into(),
            ),
            Kind::MissingKey { key, table } => {
                (w.missing_key(key, self.table(table)), w.missing_key_help(example_of(key), self.table(table)))
            }
            Kind::WrongType { key, expected, found } => self.wrong_type(&shown(key), *expected, found),
            Kind::OtherSchema { found } => {
                (w.other_schema(found), if *found > 1 { w.other_schema_newer_help } else { w.other_schema_help }.into())
            }
            Kind::BadId { id } => (w.bad_id(shown(id)), w.bad_id_help(as_id(id))),
            Kind::BadZoneId { id } => (w.bad_zone_id(shown(id)), w.bad_zone_id_help.into()),
            Kind::NotOneWord { key, found } => (w.not_one_word(shown(found), key), w.not_one_word_help.into()),
            Kind::EmergencyOfACall => plain(w.emergency_of_a_call, w.emergency_of_a_call_help),
            Kind::NotOneOf { key, found, valid } => (w.not_one_of(shown(found), key), self.suggest(found, valid)),
            Kind::BadDuration { found } => (w.bad_duration(shown(found)), w.bad_duration_help.into()),
            Kind::BadTime { found } => (w.bad_time(shown(found)), w.bad_time_help.into()),
            Kind::OutOfRange { key, min, max } => {
                let (min, max) = (min.to_string(), max.to_string());
                let key = *key;
                (w.out_of_range(key, &max, &min), w.out_of_range_help(&max, &min))
            }
            Kind::EitherOr { first, second, both } => self.either_or(first, second, *both),
            Kind::KeepForWithoutShift => plain(w.keep_for_without_shift, w.keep_for_without_shift_help),
            Kind::TooFew { key, .. } => match *key {
                "accept" => (w.too_few_accepted(key), w.too_few_accepted_help(key)),
                "order" => (w.too_few_in_order(key), w.too_few_in_order_help(key)),
                "zone" | "greeting" | "step" | "rule" => (w.too_few_tables(key), w.too_few_tables_help(key)),
                "values" => plain(w.too_few_values, w.too_few_values_help),
                "when" => plain(w.too_few_when, w.too_few_when_help),
                _ => (w.too_few_steps(key), w.too_few_steps_help.into()),
            },
            Kind::NoDuty => (w.no_duty.into(), w.no_duty_help("always, never, exactly_one, order, last")),
            Kind::Duplicate { what, id } => self.duplicate(*what, &shown(id), problem.other.is_some()),
            Kind::Taken { id } => (w.taken(shown(id)), w.taken_help(in_braces(id))),
            Kind::UnknownFact { id, valid } => (w.unknown_fact(shown(id)), self.suggest(id, valid)),
            Kind::UnknownValue { fact, id, valid } => {
                (w.unknown_value(shown(fact), shown(id)), self.suggest(id, valid))
            }
            Kind::UnknownStep { id, valid } => (w.unknown_step(shown(id)), self.suggest(id, valid)),
            Kind::UnknownPlaceholder { name, valid } if valid.is_empty() => {
                (w.placeholder_in_plain_text(in_braces(name)), w.placeholder_in_plain_text_help("}}", "{{"))
            }
            Kind::UnknownPlaceholder { name, valid } => {
                (w.unknown_placeholder(in_braces(name)), self.suggest(name, valid))
            }
            Kind::LoneBrace { brace } => (w.lone_brace(brace), w.lone_brace_help("{salam}", format!("{brace}{brace}"))),
            Kind::Empty { key } => {
                let help = if OPTIONAL.contains(key) { w.empty_optional_help } else { w.empty_help };
                (w.empty(key), help.into())
            }
            Kind::MayBeEmpty => plain(w.may_be_empty, w.may_be_empty_help),
            Kind::EmptyPlace { field, sentence } => (
                w.empty_place(&*in_braces(field), &*spoken(std::slice::from_ref(sentence))),
                w.empty_place_help("empty = \"…\"", &*shown(field)),
            ),
            Kind::ControlCharacter { code: 0xa | 0xd } => plain(w.line_break_in_text, w.line_break_in_text_help),
            Kind::ControlCharacter { code } => {
                (w.control_character(format!("U+{code:04X}")), w.control_character_help.into())
            }
            Kind::Gap { situations, when, nearest } => self.gap(situations, when, nearest.as_deref()),
            Kind::Overlap { first, second } => (w.overlap(shown(first), shown(second)), w.overlap_help.into()),
            Kind::More { code, shown } => (w.more(code.as_str(), shown), w.more_help.into()),
            Kind::RequireViolated { rule, requirement, basis, broken } => {
                self.violated(&shown(rule), &shown(requirement), basis.as_deref(), broken)
            }
            Kind::KeyClash { key, first, second } => {
                (w.key_clash(shown(first), key, shown(second)), w.key_clash_help.into())
            }
            Kind::KeyReserved { key, free } => (
                w.key_reserved(key),
                if free.is_empty() {
                    w.key_reserved_none_help.into()
                } else {
                    let free: Vec<String> = free.chars().map(String::from).collect();
                    w.key_reserved_help(free.join(" "))
                },
            ),
            Kind::BadKey { found } => (w.bad_key(shown(found)), w.bad_key_help.into()),
            Kind::GreetingOrder { from, before } => {
                (w.greeting_order(shown(before), shown(from)), w.greeting_order_help.into())
            }
            Kind::ZoneOffset { found } => (w.zone_offset(shown(found)), w.zone_offset_help.into()),
            Kind::NoDefault { what: Named::Fact, id } => (w.no_default_fact(shown(id)), w.no_default_fact_help.into()),
            Kind::NoDefault { id, .. } => (w.no_default_field(shown(id)), w.no_default_field_help.into()),
            Kind::UnusedStep { id } => (w.unused_step(shown(id)), w.unused_step_help.into()),
            Kind::UnusedValue { fact, first, second } => {
                (w.unused_value(shown(fact), shown(first), shown(second)), w.unused_value_help.into())
            }
            Kind::IrrelevantFact { id } => (w.irrelevant_fact(shown(id)), w.irrelevant_fact_help.into()),
            Kind::ScoreMissing { rule } => (w.score_missing(shown(rule)), w.score_missing_help.into()),
            Kind::LongSentence { id, characters } => {
                (w.long_sentence(characters, shown(id), LONG_SENTENCE), w.long_sentence_help.into())
            }
            Kind::NotYetEffective { from } => (w.not_yet_effective(from), w.not_yet_effective_help.into()),
            Kind::Expiring { to, over } => (if *over { w.expired(to) } else { w.expiring(to) }, w.expiring_help.into()),
            Kind::NoRequirement => plain(w.no_requirement, w.no_requirement_help),
            Kind::DutyCount { declared, found } => {
                let declared = &*declared.to_string();
                let found = &*found.to_string();
                (w.duty_count(found, declared), w.duty_count_help(found))
            }
            Kind::EmptyField { id, sentences } => {
                (w.empty_field(shown(id), spoken(sentences)), w.empty_field_help("empty = \"…\"", "empty = \"\""))
            }
            Kind::SameLabel { label } => (w.same_label(shown(label)), w.same_label_help.into()),
            Kind::UnusedAcceptance { code } => (w.unused_acceptance(code.as_str()), w.unused_acceptance_help.into()),
            Kind::Hotkey { found, fault } => self.hotkey(&shown(found), fault),
        }
    }

    /// The label of a clash's second location.
    fn other(&self, kind: &Kind) -> &'static str {
        let w = self.problem;
        match kind {
            Kind::Overlap { .. } => w.here_rule,
            Kind::RequireViolated { .. } => w.here_duty,
            Kind::GreetingOrder { .. } => w.here_before,
            Kind::UnusedValue { .. } => w.here_same,
            _ => w.here_first,
        }
    }

    /// A table as users name it: the root has no name, and values and choices are tables of their own in the parser.
    fn table<'t>(&self, name: &'t str) -> &'t str {
        match name {
            "" => self.problem.root,
            "[[values]]" => "values",
            "[[choices]]" => "choices",
            name => name,
        }
    }

    /// The similar name, and the existing ones.
    fn suggest(&self, wrong: &str, valid: &[String]) -> String {
        suggest(wrong, valid.iter().map(String::as_str), self.problem)
    }

    fn wrong_type(&self, key: &str, expected: Expected, found: &str) -> Pair {
        let w = self.problem;
        if expected == Expected::Integer && found == "integer" {
            let help = w.wrong_type_help(format!("{key} = 60"));
            return (w.number_too_big(key), help);
        }
        let found = self.found(found);
        // In a list of texts, each entry that is not a text is reported.
        if expected == Expected::Text && LISTS.contains(&key) {
            let message = w.wrong_item(found, key);
            let example = if key == "hotkeys" { "said = \"Ctrl+Alt+Space\"" } else { "\"terima-kasih\"" };
            return (message, w.wrong_item_help(example));
        }
        let (should, example) = match expected {
            Expected::Text => (w.expected_text, format!("{key} = \"…\"")),
            Expected::Integer if key == "schema" => (w.expected_integer, example_of(key)),
            Expected::Integer => (w.expected_integer, format!("{key} = 60")),
            Expected::Boolean => (w.expected_boolean, format!("{key} = true")),
            Expected::Day => (w.expected_day, format!("{key} = 2021-02-01")),
            Expected::Texts => (w.expected_texts, format!("{key} = [\"…\", \"…\"]")),
            Expected::TextOrTexts => (w.expected_text_or_texts, format!("{key} = [\"…\", \"…\"]")),
            Expected::Table if key == "when" => (w.expected_table, "when = { klb = \"ya\" }".into()),
            Expected::Table if key == "lost_score" => (w.expected_table, "lost_score = { … = \"…\" }".into()),
            Expected::Table => (w.expected_table, format!("[{key}]")),
            Expected::Tables if key == "values" => (w.expected_tables, example_of("values")),
            Expected::Tables => (w.expected_tables, format!("[[{key}]]")),
        };
        let message = w.wrong_type(should, found, key);
        (message, w.wrong_type_help(&example))
    }

    /// The name of a TOML type.
    fn found(&self, found: &str) -> &'static str {
        let w = self.problem;
        match found {
            "string" => w.found_string,
            "integer" => w.found_integer,
            "float" => w.found_float,
            "boolean" => w.found_boolean,
            "array" => w.found_array,
            "table" => w.found_table,
            _ => w.found_datetime,
        }
    }

    fn either_or(&self, first: &str, second: &str, both: bool) -> Pair {
        let w = self.problem;
        let (message, help) = if both {
            (w.both_of(first, second), w.both_of_help.into())
        } else {
            (w.neither_of(first, second), w.neither_of_help(first, second))
        };
        let help = if first == "say" { w.say_or_remind.into() } else { help };
        (message, help)
    }

    fn duplicate(&self, what: Named, id: &str, defined: bool) -> Pair {
        let w = self.problem;
        let name = match what {
            Named::Fact | Named::Field => w.named_fact_or_field,
            Named::Value => w.named_value,
            Named::Zone => w.named_zone,
            Named::Step => w.named_step,
            Named::Rule => w.named_rule,
            Named::Requirement => w.named_requirement,
            Named::Choice => w.named_choice,
            Named::Story => w.named_story,
            Named::Score | Named::Warning => "",
        };
        if what == Named::Choice {
            (w.twice_choice(id), w.twice_listed_help.into())
        } else if defined && what != Named::Score {
            (w.twice_defined(id, name), w.twice_defined_help.into())
        } else {
            let listed = match what {
                Named::Value => w.listed_value,
                Named::Score => w.listed_score,
                Named::Warning => w.listed_warning,
                _ => w.listed_step,
            };
            (w.twice_listed(id, listed), w.twice_listed_help.into())
        }
    }

    fn single_brackets(&self, key: &str) -> Pair {
        let w = self.problem;
        let single = &*format!("[{key}]");
        let double = &*format!("[[{key}]]");
        (w.single_brackets(single), w.single_brackets_help(double))
    }

    fn hotkey(&self, found: &str, fault: &HotkeyFault) -> Pair {
        let w = self.problem;
        match fault {
            HotkeyFault::Word => (w.hotkey_word(found), w.hotkey_word_help.into()),
            HotkeyFault::NoKey => (w.hotkey_no_key(found), w.hotkey_no_key_help.into()),
            HotkeyFault::UnknownKey { part, valid } => (w.hotkey_unknown_key(shown(part)), self.suggest(part, valid)),
            HotkeyFault::UnknownModifier { part, valid } => {
                (w.hotkey_unknown_modifier(shown(part)), self.suggest(part, valid))
            }
            HotkeyFault::NoModifier { instead } => (w.hotkey_no_modifier(found), w.hotkey_no_modifier_help(instead)),
            HotkeyFault::Desktop { instead } => (w.hotkey_desktop(found), w.hotkey_desktop_help(instead)),
            HotkeyFault::Edits { instead } => (w.hotkey_edits(found), w.hotkey_edits_help(instead)),
            HotkeyFault::Twice { first } => (w.hotkey_twice(found, shown(first)), w.hotkey_twice_help.into()),
            HotkeyFault::TooMany { max } => (w.hotkey_too_many(max), w.hotkey_too_many_help.into()),
        }
    }

    fn gap(&self, situations: &str, when: &Conditions, nearest: Option<&str>) -> Pair {
        let w = self.problem;
        let message = match situations {
            "1" => w.gap_one.into(),
            many => w.gap(grouped(many, self.problem.thousands)),
        };
        let Some(nearest) = nearest.map(shown) else { return (message, w.gap_no_rule_help.into()) };
        let when = when_as_toml(when);
        let help = if when.len() > LONG_WHEN { w.gap_help_short(nearest) } else { w.gap_help(nearest, when) };
        (message, help)
    }

    fn violated(&self, rule: &str, requirement: &str, basis: Option<&str>, broken: &Broken) -> Pair {
        let w = self.problem;
        let (how, help) = match broken {
            Broken::Always(steps) => {
                let steps = &*quoted(steps);
                (w.broken_always(steps), w.broken_always_help(requirement, steps))
            }
            Broken::Never(steps) => {
                let steps = &*quoted(steps);
                (w.broken_never(steps), w.broken_never_help(requirement, steps))
            }
            Broken::ExactlyOne(steps, present) => {
                let steps = quoted(steps);
                let how = if present.is_empty() {
                    w.broken_none_of(&steps)
                } else {
                    w.broken_many_of(quoted(present), &steps)
                };
                (how, w.broken_one_of_help(requirement, steps))
            }
            Broken::Order(first, second) => {
                let first = &*quoted([first]);
                let second = &*quoted([second]);
                (w.broken_order(first, second), w.broken_order_help(first, requirement, second))
            }
            Broken::Last(step, last) => {
                let step = &*quoted([step]);
                let how = match last {
                    Some(last) => w.broken_last(quoted([last]), step),
                    None => w.broken_last_none(step),
                };
                (how, w.broken_last_help(requirement, step))
            }
        };
        let basis = basis.map(shown);
        let message = match basis {
            Some(basis) => w.violated_basis(basis, how, requirement, rule),
            None => w.violated(how, requirement, rule),
        };
        (message, help)
    }
}

/// "Did you mean …? There are: …", without the inapplicable part.
pub fn suggest<'v>(wrong: &str, valid: impl IntoIterator<Item = &'v str> + Clone, words: &words::Problem) -> String {
    let all = listed(valid.clone(), words);
    if all.is_empty() {
        return words.none_valid.into();
    }
    match nearest(&shown(wrong), valid) {
        Some(name) => words.did_you_mean(shown(name), &all),
        None => words.valid(&all),
    }
}

/// Names separated by commas; the rest of a long list is counted.
pub fn listed<'v>(names: impl IntoIterator<Item = &'v str>, words: &words::Problem) -> String {
    let mut names = names.into_iter();
    let mut out: Vec<String> = names.by_ref().take(LISTED).map(shown).collect();
    let rest = names.count();
    if rest > 0 {
        out.push(words.and_more(rest));
    }
    out.join(", ")
}

/// Names in quotes, separated by commas.
fn quoted<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> String {
    let quoted: Vec<String> = names.into_iter().take(LISTED).map(|n| format!("\"{}\"", shown(n.as_ref()))).collect();
    quoted.join(", ")
}

/// Whole sentences in quotes, cleaned.
fn spoken(sentences: &[String]) -> String {
    let most = LONG_SENTENCE * 2;
    let whole = |s: &String| format!("\"{}\"", text::first_graphemes(&text::fold(&text::clean(s)), most));
    sentences.iter().take(3).map(whole).collect::<Vec<_>>().join(" · ")
}

/// `{name}`.
fn in_braces(name: &str) -> String {
    format!("{{{}}}", shown(name))
}

/// An example of a key with a value.
fn example_of(key: &str) -> String {
    match key {
        "schema" => "schema = 1".into(),
        "sop" => "[sop]".into(),
        "values" => "values = [{ id = \"…\", label = \"…\" }, { id = \"…\", label = \"…\" }]".into(),
        "steps" => "steps = [\"…\", \"…\"]".into(),
        "when" => "when = { klb = \"ya\" }".into(),
        "offset" => "offset = \"+07:00\"".into(),
        "from" => "from = \"00:00\"".into(),
        key => format!("{key} = \"…\""),
    }
}

/// A name converted to an ID.
fn as_id(name: &str) -> String {
    let mut out = String::new();
    for c in name.to_lowercase().chars().take(SHOWN) {
        if c.is_ascii_lowercase() || c.is_ascii_digit() {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    let out = out.trim_end_matches('-');
    if out.is_empty() { "pln-mobile".into() } else { out.into() }
}

/// Conditions in the form of a rule's `when`.
fn when_as_toml(when: &Conditions) -> String {
    let conditions = when.iter().map(|(fact, values)| match &values[..] {
        [one] => format!("{fact} = \"{one}\""),
        many => {
            let many: Vec<String> = many.iter().map(|v| format!("\"{v}\"")).collect();
            format!("{fact} = [{}]", many.join(", "))
        }
    });
    let conditions: Vec<String> = conditions.collect();
    if conditions.is_empty() { "{}".into() } else { format!("{{ {} }}", conditions.join(", ")) }
}

/// A decimal number in groups of three digits.
pub fn grouped(number: &str, separator: &str) -> String {
    let mut out = String::with_capacity(number.len() * 4 / 3);
    for (at, digit) in number.chars().enumerate() {
        if at > 0 && (number.len() - at).is_multiple_of(3) {
            out.push_str(separator);
        }
        out.push(digit);
    }
    out
}

/// "1 rule", "2 rules".
#[must_use]
pub fn counted(count: &str, one: &str, many: impl FnOnce(&str) -> String) -> String {
    if count == "1" { one.into() } else { many(count) }
}

/// A situation on one line: "klb = ya · topik = lain".
pub fn situation(values: &[(String, String)], words: &Words) -> String {
    let mut out: Vec<String> =
        values.iter().take(2 * LISTED).map(|(fact, value)| format!("{} = {}", shown(fact), shown(value))).collect();
    if values.len() > out.len() {
        let rest = values.len() - out.len();
        out.push(words.problem.and_more(rest));
    }
    out.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Lang;

    #[test]
    fn quoted_file_text_is_cleaned_and_cut() {
        assert_eq!(shown("a\u{1b}[31m\tb\u{202e}"), "a[31m b");
        assert_eq!(shown(&"x".repeat(100)), format!("{}…", "x".repeat(60)));
        assert_eq!(shown(&"y".repeat(60)), "y".repeat(60));
        assert_eq!(shown_reason("a\u{1b}[31m\nb"), "a[31m b");
        assert_eq!(shown_reason(&"x".repeat(400)), format!("{}…", "x".repeat(300)));
    }

    #[test]
    fn names_become_ids() {
        assert_eq!(as_id("PLN Mobile (baru)"), "pln-mobile-baru");
        assert_eq!(as_id("!!!"), "pln-mobile");
    }

    #[test]
    fn numbers_are_grouped_from_the_right() {
        for (number, expected) in
            [("1", "1"), ("123", "123"), ("1234", "1.234"), ("281474976710656", "281.474.976.710.656")]
        {
            assert_eq!(grouped(number, "."), expected);
        }
    }

    #[test]
    fn long_lists_are_counted() {
        let many: Vec<String> = (0..15).map(|n| format!("n{n}")).collect();
        let words = &Lang::Id.words().problem;
        let text = suggest("zzz", many.iter().map(String::as_str), words);
        assert!(text.ends_with("n10, n11, … (+3)."), "{text}");
        assert_eq!(suggest("a", [], words), words.none_valid);
    }
}
