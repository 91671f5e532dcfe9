//! A customer's name as it is typed, pasted, telephoned or given on the command line, held against the rules: honorifics
//! in front set the field that has the choices; letters stay as typed.

pub mod read;

use unicode_width::UnicodeWidthChar;

use crate::ruleset::{FieldIx, FieldKind, RuleSet, TextKind};
use crate::script::{FieldValue, Fields, FitError};
use crate::text;
use read::{Honorifics, Name, NameError, tidy};

/// Why a typed field does not take a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextError {
    /// Nothing to be read in it.
    Empty,
    /// A name is asked for, and this is what is written where nobody is known.
    NoPerson,
    /// Digits, where a name is asked for.
    Digits,
    /// More graphemes than the field takes.
    TooLong {
        /// How many.
        count: usize,
    },
    /// No number, where one is asked for.
    NotANumber,
}

impl From<NameError> for TextError {
    fn from(why: NameError) -> Self {
        match why {
            NameError::Empty => Self::Empty,
            NameError::NoPerson => Self::NoPerson,
            NameError::Digits => Self::Digits,
        }
    }
}

impl From<FitError> for TextError {
    fn from(why: FitError) -> Self {
        match why {
            FitError::TooLong { count } => Self::TooLong { count },
            FitError::NotANumber => Self::NotANumber,
        }
    }
}

/// Sets `field` to `typed`. Where the field is the customer's name, honorifics before it set theirs; an honorific with
/// nothing behind it counts as one only when `taken`. What does not fit then is not taken.
pub fn set(rules: &RuleSet, fields: &mut Fields, field: FieldIx, typed: &str, taken: bool) {
    if rules.roles.name != Some(field) || text::is_blank(typed) {
        fields.set(rules, field, FieldValue::Text(typed.into()));
        return;
    }
    let name = match read::read(typed, &honorifics(rules), taken) {
        Ok(name) => name,
        Err(_) if taken => return,
        // It may become one.
        Err(_) => Name { choice: None, text: typed.into() },
    };
    if fields.set(rules, field, FieldValue::Text(name.text))
        && let Some((ix, choice)) = rules.roles.honorific.zip(name.choice)
    {
        fields.set(rules, ix, FieldValue::Choice(choice));
    }
}

/// Whether a text can be taken for this field; nothing at all can.
///
/// # Errors
/// Why it can't.
pub fn check(rules: &RuleSet, field: FieldIx, text: &str) -> Result<(), TextError> {
    let FieldKind::Typed(typed) = &rules.field(field).kind else { return Err(TextError::Empty) };
    if text::is_blank(text) {
        return Ok(());
    }
    // An honorific in front of a name goes elsewhere, so it does not count.
    let name = match typed.text {
        TextKind::Name if rules.roles.name == Some(field) => Some(read::read(text, &honorifics(rules), true)?.text),
        TextKind::Name => Some(read::read(text, &Honorifics::default(), true)?.text),
        TextKind::Text | TextKind::Number => None,
    };
    typed.fit(name.as_deref().unwrap_or(text))?;
    Ok(())
}

/// How these rules address people.
fn honorifics(rules: &RuleSet) -> Honorifics {
    let field = rules.roles.honorific.map(|ix| &rules.field(ix).kind);
    let Some(FieldKind::Choice(choices)) = field else { return Honorifics::default() };
    Honorifics { choices: choices.iter().map(|c| c.aliases.clone()).collect(), dropped: choices.drop.clone() }
}

/// A text that came from outside for a typed field, as far as the field takes it.
///
/// # Errors
/// Why the field does not take it; it is never cut.
pub fn received(rules: &RuleSet, field: FieldIx, text: &str) -> Result<String, TextError> {
    let text = cleaned(rules, field, text)?;
    check(rules, field, &text)?;
    Ok(text)
}

/// A text from outside for a typed field, however long: its first line, escape sequences and control characters dropped,
/// white space folded; of a name also what is no part of one.
///
/// # Errors
/// Why there is nothing to take.
pub fn cleaned(rules: &RuleSet, field: FieldIx, text: &str) -> Result<String, TextError> {
    let line = first_line(text);
    if text::is_blank(&line) {
        return Err(TextError::Empty);
    }
    match (&rules.field(field).kind, rules.roles.name == Some(field)) {
        (FieldKind::Typed(typed), is_customer) if typed.text == TextKind::Name => {
            let honorifics = if is_customer { honorifics(rules) } else { Honorifics::default() };
            read::read(&line, &honorifics, true)?;
            Ok(tidy(&line))
        }
        _ => Ok(line),
    }
}

/// The first line of a pasted text in which something stands: escape sequences and control characters dropped, white
/// space folded.
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
    // A mark whose letter was removed with a sequence would combine with the blank before it.
    let mut out = String::with_capacity(line.len());
    for c in text::fold(&text::clean(line)).chars() {
        if c.width() != Some(0) || !out.chars().next_back().is_none_or(char::is_whitespace) {
            out.push(c);
        }
    }
    text::fold(&out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loaded::{LoadedRules, Origin};

    #[test]
    fn a_text_from_outside_is_cleaned_or_refused() {
        let rules = LoadedRules::built_in().rules;
        let field = rules.roles.name.unwrap();
        let read = |text: &str| received(&rules, field, text);
        for (text, name) in [
            ("\n  Siti\tAminah \nJl. Mawar", "Siti Aminah"),
            ("\u{1b}[31mBudi\u{1b}]0;x\u{7}", "Budi"),
            ("Dewi \u{9b}31mMerah \u{9d}0;judul\u{9c}Akhir", "Dewi Merah Akhir"),
            ("\"Siti\" <sip:0812@x>", "Siti"),
            ("bu siti", "bu siti"),
            ("\u{20d0} Siti \u{20d0} Aminah", "Siti Aminah"),
        ] {
            assert_eq!(read(text), Ok(name.into()));
        }
        for address in ["sip:0812345678@pln.co.id", "081234@10.0.0.1", "tel:+62812", "0812-3456 789", "+62 (812) 34"] {
            assert_eq!(read(address), Err(TextError::Digits), "{address}");
        }
        assert_eq!(read("Anonymous"), Err(TextError::NoPerson));
        assert_eq!(read(" \u{1b}[0m\n"), Err(TextError::Empty));
        assert_eq!(read(&"a".repeat(61)), Err(TextError::TooLong { count: 61 }));
        let with_honorific = format!("bapak {}", "a".repeat(60));
        assert_eq!(read(&with_honorific), Ok(with_honorific.clone()), "the honorific goes elsewhere");
    }

    #[test]
    fn the_words_before_a_name_are_those_of_the_rules_file() {
        let source = crate::BUILT_IN.replace("\"Bpk\"", "\"Kang\"").replace("\"Mbak\"", "\"Teh\"");
        let rules = LoadedRules::read(source.into_bytes(), Origin::File("x.toml".into()), chrono::NaiveDate::MAX)
            .unwrap()
            .rules;
        let field = rules.roles.name.unwrap();
        let spoken = |typed: &str| {
            let mut fields = Fields::default_of(&rules);
            set(&rules, &mut fields, field, typed, true);
            rules.fields_ix().map(|(ix, _)| fields.spoken(&rules, ix)).collect::<Vec<_>>().join("|")
        };
        assert_eq!(spoken("kang. Asep"), "Bapak|Asep");
        assert_eq!(spoken("Teh Rina"), "Bapak/Ibu|Rina");
        assert_eq!(spoken("Bpk Asep"), "Bapak/Ibu|Bpk Asep");
    }

    #[test]
    fn a_field_that_is_no_name_takes_numbers_and_words_as_they_are() {
        let more = "\n[[field]]\nid = \"tiket\"\nlabel = \"Tiket\"\nmax = 20\n";
        let source = format!("{}{more}", crate::BUILT_IN);
        let rules = LoadedRules::read(source.into_bytes(), Origin::File("x.toml".into()), chrono::NaiveDate::MAX)
            .unwrap()
            .rules;
        let field = rules.field_named("tiket").unwrap();
        for text in ["531100223344", "N/A", "bu 7"] {
            assert_eq!(received(&rules, field, text), Ok(text.into()));
        }
    }
}
