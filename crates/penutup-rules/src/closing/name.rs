//! Texts of typed fields, from the keyboard, a paste, the telephone or the command line. An honorific before the customer's
//! name sets the honorific field; the letters of the name stay as typed.

pub mod read;

use unicode_width::UnicodeWidthChar;

use crate::ruleset::{FieldIx, FieldKind, RuleSet, TextKind};
use crate::script::{FieldValue, Fields, FitError};
use crate::text;
use read::{Honorifics, Name, NameError, without_extras};

/// Why a typed field rejects a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextError {
    Empty,
    /// Not a name but a placeholder for one, such as "unknown".
    NoPerson,
    Digits,
    TooLong {
        count: usize,
    },
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

/// Sets `field` to `typed`; honorifics before the customer's name set the honorific field. Unless `complete`, a single
/// honorific is kept as the beginning of a name. If `complete`, a text that is not a name changes nothing.
pub fn set(rules: &RuleSet, fields: &mut Fields, field: FieldIx, typed: &str, complete: bool) {
    if rules.roles.name != Some(field) || text::is_blank(typed) {
        fields.set(rules, field, FieldValue::Text(typed.into()));
        return;
    }
    let name = match read::read(typed, &honorifics(rules), complete) {
        Ok(name) => name,
        Err(_) if complete => return,
        // It may become a name.
        Err(_) => Name { choice: None, text: typed.into() },
    };
    if fields.set(rules, field, FieldValue::Text(name.text))
        && let Some((ix, choice)) = rules.roles.honorific.zip(name.choice)
    {
        fields.set(rules, ix, FieldValue::Choice(choice));
    }
}

/// Whether a field accepts a text. An empty text is always accepted.
pub fn check(rules: &RuleSet, field: FieldIx, text: &str) -> Result<(), TextError> {
    let FieldKind::Typed(typed) = &rules.field(field).kind else { return Err(TextError::Empty) };
    if text::is_blank(text) {
        return Ok(());
    }
    // An honorific before the name is set in its own field, so it does not count for the length.
    let name = match typed.text {
        TextKind::Name if rules.roles.name == Some(field) => Some(read::read(text, &honorifics(rules), true)?.text),
        TextKind::Name => Some(read::read(text, &Honorifics::default(), true)?.text),
        TextKind::Text | TextKind::Number => None,
    };
    typed.fit(name.as_deref().unwrap_or(text))?;
    Ok(())
}

fn honorifics(rules: &RuleSet) -> Honorifics {
    let field = rules.roles.honorific.map(|ix| &rules.field(ix).kind);
    let Some(FieldKind::Choice(choices)) = field else { return Honorifics::default() };
    Honorifics { choices: choices.iter().map(|c| c.aliases.clone()).collect(), dropped: choices.drop.clone() }
}

/// Cleans and checks a text from outside the program. A text that is too long is an error, never truncated.
pub fn received(rules: &RuleSet, field: FieldIx, text: &str) -> Result<String, TextError> {
    let text = cleaned(rules, field, text)?;
    check(rules, field, &text)?;
    Ok(text)
}

/// Cleans a text from outside the program without checking its length: [`first_line`], and for a name
/// [`read::without_extras`].
pub fn cleaned(rules: &RuleSet, field: FieldIx, text: &str) -> Result<String, TextError> {
    let line = first_line(text);
    if text::is_blank(&line) {
        return Err(TextError::Empty);
    }
    match (&rules.field(field).kind, rules.roles.name == Some(field)) {
        (FieldKind::Typed(typed), is_customer) if typed.text == TextKind::Name => {
            let honorifics = if is_customer { honorifics(rules) } else { Honorifics::default() };
            read::read(&line, &honorifics, true)?;
            Ok(without_extras(&line))
        }
        _ => Ok(line),
    }
}

/// The first line that is not empty, without escape sequences and control characters, white space folded.
pub fn first_line(text: &str) -> String {
    // 8-bit controls start the same sequences as Esc followed by a letter.
    let seven_bit: String = text
        .chars()
        .flat_map(|c| match c {
            '\u{80}'..='\u{9f}' => ['\u{1b}', char::from(c as u8 - 0x40)].into_iter().take(2),
            c => [c, c].into_iter().take(1),
        })
        .collect();
    let plain = anstream::adapter::strip_str(&seven_bit).to_string();
    let line = plain.lines().map(str::trim).find(|l| !l.is_empty()).unwrap_or_default();
    // A combining mark whose letter was removed with a sequence would combine with the blank before it.
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
    fn a_text_from_outside_is_cleaned_or_rejected() {
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
        assert_eq!(read(&with_honorific), Ok(with_honorific.clone()), "the honorific has its own field");
    }

    #[test]
    fn honorifics_come_from_the_rules_file() {
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
    fn other_fields_accept_any_words_and_numbers() {
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
