//! A customer's name as it is typed, pasted, telephoned or given on the command line, held against the rules: honorifics
//! in front set the field that has the choices; letters stay as typed.

pub mod read;

use unicode_width::UnicodeWidthChar;

use crate::rules::ruleset::{FieldIx, FieldKind, NAMA, RuleSet, SAPAAN};
use crate::rules::script::{FieldValue, Fields};
use crate::rules::text;
use read::{Honorifics, Name, tidy};
pub use read::{NoName, is_number};

/// Sets `field` to `typed`. Where the field is the customer's name, honorifics before it set theirs; an honorific with
/// nothing behind it counts as one only when `taken`. What is no name then is not taken.
pub fn set(rules: &RuleSet, fields: &mut Fields, field: FieldIx, typed: &str, taken: bool) {
    if !is_name(rules, field) || text::is_blank(typed) {
        fields.set(rules, field, FieldValue::Text(typed.into()));
        return;
    }
    let (honorific, honorifics) = honorifics(rules);
    let name = match read::read(typed, &honorifics, taken) {
        Ok(name) => name,
        Err(_) if taken => return,
        // It may become one.
        Err(_) => Name { choice: None, text: typed.into() },
    };
    if let Some((ix, choice)) = honorific.zip(name.choice) {
        fields.set(rules, ix, FieldValue::Choice(choice));
    }
    fields.set(rules, field, FieldValue::Text(name.text));
}

/// Whether a text can be taken for this field; nothing at all can.
///
/// # Errors
/// Why a name is none.
pub fn check(rules: &RuleSet, field: FieldIx, typed: &str) -> Result<(), NoName> {
    if !is_name(rules, field) || text::is_blank(typed) {
        return Ok(());
    }
    read::read(typed, &honorifics(rules).1, true).map(|_| ())
}

/// Whether a field holds the customer's name.
#[must_use]
pub fn is_name(rules: &RuleSet, field: FieldIx) -> bool {
    rules.field(field).id == NAMA
}

/// The field of the honorific, and how these rules address people.
#[must_use]
pub fn honorifics(rules: &RuleSet) -> (Option<FieldIx>, Honorifics) {
    let Some(ix) = rules.field_named(SAPAAN) else { return (None, Honorifics::default()) };
    let FieldKind::Choice(choices) = &rules.field(ix).kind else { return (None, Honorifics::default()) };
    let aliases = |choice: &String| {
        let text = choice.to_lowercase();
        let more: &[&str] = match text.as_str() {
            "bapak" => &["pak", "bpk", "bp", "tn", "tuan"],
            "ibu" => &["bu", "ny", "nyonya", "nn", "nona"],
            _ => &[],
        };
        more.iter().map(|alias| (*alias).to_owned()).chain([text.clone()]).collect()
    };
    let dropped = ["sdr", "sdri", "saudara", "saudari", "mas", "mbak"].map(str::to_owned).to_vec();
    (Some(ix), Honorifics { choices: choices.iter().map(aliases).collect(), dropped })
}

/// A text from outside for this field: its first line, escape sequences and control characters dropped, white space
/// folded, at most `max` graphemes; of a name also what is no part of one.
///
/// # Errors
/// Why nothing can be taken.
pub fn from_outside(rules: &RuleSet, field: FieldIx, text: &str, max: usize) -> Result<String, NoName> {
    let line = first_line(text);
    if text::is_blank(&line) {
        return Err(NoName::Empty);
    }
    if !is_name(rules, field) {
        return Ok(text::first_graphemes(&line, max).trim_end().into());
    }
    check(rules, field, &line)?;
    Ok(text::first_graphemes(&tidy(&line), max).trim_end().into())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::Book;

    #[test]
    fn a_pasted_text_is_cleaned_or_refused() {
        let rules = Book::built_in().rules;
        let field = rules.field_named(NAMA).unwrap();
        let read = |text: &str, max| from_outside(&rules, field, text, max);
        for (text, name) in [
            ("\n  Siti\tAminah \nJl. Mawar", "Siti Aminah"),
            ("\u{1b}[31mBudi\u{1b}]0;x\u{7}", "Budi"),
            ("Dewi \u{9b}31mMerah \u{9d}0;judul\u{9c}Akhir", "Dewi Merah Akhir"),
            ("\"Siti\" <sip:0812@x>", "Siti"),
            ("bu siti", "bu siti"),
        ] {
            assert_eq!(read(text, 60), Ok(name.into()));
        }
        for address in ["sip:0812345678@pln.co.id", "081234@10.0.0.1", "tel:+62812", "0812-3456 789", "+62 (812) 34"] {
            assert_eq!(read(address, 60), Err(NoName::Digits), "{address}");
        }
        assert_eq!(read("Anonymous", 60), Err(NoName::Nobody));
        assert_eq!(read(" \u{1b}[0m\n", 60), Err(NoName::Empty));
        assert_eq!(read("abcdef", 3), Ok("abc".into()));
    }

    #[test]
    fn a_field_that_is_no_name_takes_numbers_and_words_as_they_are() {
        let more = "\n[[field]]\nid = \"tiket\"\nlabel = \"Tiket\"\nmax = 20\n";
        let source = format!("{}{more}", crate::rules::BUILT_IN);
        let origin = crate::book::Origin::File("rules.toml".into());
        let rules = Book::read(source.into_bytes(), origin, chrono::NaiveDate::MAX).unwrap().rules;
        let field = rules.field_named("tiket").unwrap();
        for text in ["531100223344", "N/A", "bu 7"] {
            assert_eq!(from_outside(&rules, field, text, 60), Ok(text.into()));
        }
    }
}
