//! A customer's name as it is typed, pasted, telephoned or given on the command line: a leading honorific is taken off
//! and sets the honorific field; letters stay as typed.

use unicode_width::UnicodeWidthChar;

use crate::rules::ruleset::{FieldIx, FieldKind, RuleSet, TextKind, Typed};
use crate::rules::script::{FieldValue, Fields, Unfit};
use crate::rules::text;

/// Sets `field` to `typed`. Where the field is the customer's name and the text begins with an honorific, that is set
/// too; an honorific with nothing behind it counts as one only when `taken`.
pub fn set(rules: &RuleSet, fields: &mut Fields, field: FieldIx, typed: &str, taken: bool) {
    let mut rest = typed;
    if rules.roles.name == Some(field)
        && let Some((honorific, name)) = split(typed, taken)
        && let Some((ix, choice)) = choice_of(rules, honorific)
    {
        fields.set(rules, ix, FieldValue::Choice(choice));
        rest = name;
    }
    fields.set(rules, field, FieldValue::Text(rest.into()));
}

/// The honorific that a name begins with ("Bapak" or "Ibu"), and the name behind it.
fn split(typed: &str, taken: bool) -> Option<(&'static str, &str)> {
    let typed = typed.trim_start();
    let (first, rest) = typed.split_once(char::is_whitespace).unwrap_or((typed, ""));
    let honorific = match first.to_lowercase().as_str() {
        "bapak" | "pak" => "bapak",
        "ibu" | "bu" => "ibu",
        _ => return None,
    };
    // A blank behind it, and it is no beginning of a name.
    (taken || typed.len() > first.len()).then_some((honorific, rest.trim_start()))
}

fn choice_of(rules: &RuleSet, honorific: &str) -> Option<(FieldIx, usize)> {
    let ix = rules.roles.honorific?;
    let FieldKind::Choice(choices) = &rules.field(ix).kind else { return None };
    choices.position_of(honorific).map(|at| (ix, at))
}

/// A pasted text as a name: its first line, control characters and escape sequences dropped, white space folded, at
/// most `max` graphemes. `None` where nothing is left, or digits alone (a number is no name).
pub fn from_outside(text: &str, max: usize) -> Result<String, NoName> {
    let clean = first_line(text);
    let name = text::first_graphemes(&clean, max).trim_end();
    if text::is_blank(name) {
        return Err(NoName::Empty);
    }
    if NOBODY.contains(&name.to_lowercase().as_str()) {
        return Err(NoName::Empty);
    }
    if is_number(name) || is_address(name) {
        return Err(NoName::Digits);
    }
    Ok(name.into())
}

/// A text that came from outside for a typed field, as far as the field takes it: its first line, cleaned.
///
/// # Errors
/// Why the field does not take it; it is never cut.
pub fn received(typed: &Typed, text: &str) -> Result<String, NoText> {
    let text = match typed.text {
        TextKind::Name => from_outside(text, usize::MAX).map_err(|why| match why {
            NoName::Empty => NoText::Empty,
            NoName::Digits => NoText::Digits,
        })?,
        TextKind::Text | TextKind::Number => first_line(text),
    };
    if text::is_blank(&text) {
        return Err(NoText::Empty);
    }
    typed.fit(&text).map_err(|why| match why {
        Unfit::TooLong { count } => NoText::TooLong { count },
        Unfit::NoNumber => NoText::NoNumber,
    })
}

/// Why a typed field does not take a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoText {
    /// Nothing to be read in it.
    Empty,
    /// Digits, where a name is asked for.
    Digits,
    /// More graphemes than the field takes.
    TooLong {
        /// How many.
        count: usize,
    },
    /// No number, where one is asked for.
    NoNumber,
}

/// What telephones write where they know nobody.
const NOBODY: [&str; 6] = ["anonymous", "anonim", "unknown", "private", "restricted", "unavailable"];

/// Whether a text is the address of a telephone rather than a name: `sip:…`, or digits before an `@`.
fn is_address(text: &str) -> bool {
    let lower = text.to_lowercase();
    let scheme = ["sip:", "sips:", "tel:"].iter().any(|scheme| lower.starts_with(scheme));
    scheme || text.split_once('@').is_some_and(|(user, _)| is_number(user))
}

/// The first line of a pasted text in which something stands: escape sequences and control characters dropped, white
/// space folded.
#[must_use]
pub fn first_line(text: &str) -> String {
    // The 8-bit controls open the same sequences as Esc and a letter do.
    let seven_bit: String = text
        .chars()
        .flat_map(|c| match c {
            '\u{80}'..='\u{9f}' => ['\u{1b}', char::from(c as u8 - 0x40)].into_iter().take(2),
            c => [c, c].into_iter().take(1),
        })
        .collect();
    let plain = anstream::adapter::strip_str(&seven_bit).to_string();
    let line = plain.lines().map(str::trim).find(|l| !l.is_empty()).unwrap_or_default();
    let folded = text::fold(&text::clean(line));
    // A mark whose letter went with a sequence would hang on the blank before it.
    let mut out = String::with_capacity(folded.len());
    for c in folded.chars() {
        if c.width() != Some(0) || !out.chars().next_back().is_none_or(char::is_whitespace) {
            out.push(c);
        }
    }
    out
}

/// Why a text from outside is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoName {
    /// Nothing to be read in it.
    Empty,
    /// A number.
    Digits,
}

/// Whether a text is a number as telephones write them: digits, with signs and blanks between.
#[must_use]
pub fn is_number(text: &str) -> bool {
    text.chars().any(char::is_numeric)
        && text.chars().all(|c| c.is_numeric() || c.is_whitespace() || "+-()./#*".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leading_honorific_is_found_in_any_case() {
        assert_eq!(split("bu siti", false), Some(("ibu", "siti")));
        assert_eq!(split("  PAK  Budi", false), Some(("bapak", "Budi")));
        assert_eq!(split("Bapak", true), Some(("bapak", "")));
        assert_eq!(split("bu", false), None);
        assert_eq!(split("Budi", true), None);
        assert_eq!(split("Ibunda Ratu", true), None);
    }

    #[test]
    fn a_pasted_text_is_cleaned_or_refused() {
        assert_eq!(from_outside("\n  Siti\tAminah \nJl. Mawar", 60), Ok("Siti Aminah".into()));
        assert_eq!(from_outside("\u{1b}[31mBudi\u{1b}]0;x\u{7}", 60), Ok("Budi".into()));
        assert_eq!(from_outside("Dewi \u{9b}31mMerah \u{9d}0;judul\u{9c}Akhir", 60), Ok("Dewi Merah Akhir".into()));
        for address in ["sip:0812345678@pln.co.id", "081234@10.0.0.1", "tel:+62812", "SIPS:siti@pln.co.id"] {
            assert_eq!(from_outside(address, 60), Err(NoName::Digits), "{address}");
        }
        assert_eq!(from_outside("Anonymous", 60), Err(NoName::Empty));
        assert_eq!(from_outside("0812-3456 789", 60), Err(NoName::Digits));
        assert_eq!(from_outside("+62 (812) 34", 60), Err(NoName::Digits));
        assert_eq!(from_outside(" \u{1b}[0m\n", 60), Err(NoName::Empty));
        assert_eq!(from_outside("abcdef", 3), Ok("abc".into()));
    }
}
