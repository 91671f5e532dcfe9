//! `KEY=VALUE` arguments of `penutup say`.

use std::io::{self, BufRead, BufReader, ErrorKind, Read};

use super::ArgError;

use crate::closing::external::Assignments;
use crate::closing::name::TextError;
use crate::closing::pairs::{PairError, is_typed, parse};
use crate::diagnostics::{outside, shown, suggest};
use crate::rules::ruleset::{FieldKind, NAMA, RuleSet};
use crate::words::Words;

/// How many bytes of standard input are read for a name.
const MAX_INPUT: u64 = 64 * 1024;

/// Parses the arguments. `nama=-` reads the first line of `input` that is not blank.
///
/// # Errors
/// The first invalid argument.
pub fn read(rules: &RuleSet, words: &Words, args: &[String], input: impl Read) -> Result<Assignments, ArgError> {
    let mut input = Some(input);
    let mut pairs: Vec<(&str, String)> = Vec::new();
    for arg in args {
        let (key, value) = arg.split_once('=').ok_or_else(|| no_pair(rules, arg, words))?;
        let value = if value == "-" && is_typed(rules, key) {
            let input = input.take().ok_or_else(|| ArgError::new(words.say.stdin_twice).help(words.say.twice_help))?;
            first_line(input).map_err(|error| unreadable(&error, key, words))?
        } else {
            value.to_owned()
        };
        pairs.push((key, value));
    }
    let (given, rejected) = parse(rules, pairs.iter().map(|(key, value)| (*key, value.as_str())));
    match rejected.first() {
        None => Ok(given),
        Some(pair) => Err(describe(pair.why, rules, pairs[pair.at].0, &pairs[pair.at].1, words)),
    }
}

fn first_line(input: impl Read) -> io::Result<String> {
    let mut lines = BufReader::new(input.take(MAX_INPUT));
    let mut line = String::new();
    while line.trim().is_empty() {
        line.clear();
        if lines.read_line(&mut line)? == 0 {
            break;
        }
    }
    Ok(line)
}

fn unreadable(error: &io::Error, key: &str, words: &Words) -> ArgError {
    let why = match error.kind() {
        ErrorKind::InvalidData => words.say.stdin_not_utf8.into(),
        _ => outside::reason(error, words),
    };
    ArgError::new(words.say.stdin_bad(key, &why))
}

/// The message for an argument without `=`, with an example from these rules.
fn no_pair(rules: &RuleSet, arg: &str, words: &Words) -> ArgError {
    let fact = rules.facts.first().map(|fact| format!("{}={}", fact.id, fact.values.last().id));
    let example = fact.unwrap_or_else(|| format!("{NAMA}=Budi"));
    let message = words.say.no_pair(shown(arg));
    ArgError::new(message).help(words.say.no_pair_help(&example))
}

fn describe(why: PairError, rules: &RuleSet, key: &str, value: &str, words: &Words) -> ArgError {
    let w = &words.say;
    match why {
        PairError::UnknownKey => {
            let ids = rules.facts.iter().map(|f| f.id.as_str()).chain(rules.fields.iter().map(|f| f.id.as_str()));
            let help = if ["zone", "zona"].contains(&key.to_lowercase().as_str()) {
                w.zone_help(shown(value))
            } else {
                suggest(key, ids, &words.problem)
            };
            ArgError::new(w.unknown_key(shown(key))).help(help)
        }
        PairError::UnknownValue => {
            let fact = rules.fact_or_role(key).map(|fact| &rules.facts[fact]);
            let valid: Vec<&str> = match (fact, rules.field_or_role(key).map(|ix| &rules.field(ix).kind)) {
                (Some(fact), _) => fact.values.iter().map(|value| value.id.as_str()).collect(),
                (None, Some(FieldKind::Choice(choices))) => choices.texts().collect(),
                (None, _) => Vec::new(),
            };
            let message = w.unknown_value(key, shown(value));
            ArgError::new(message).help(suggest(value, valid, &words.problem))
        }
        PairError::Twice => ArgError::new(w.twice(key)).help(w.twice_help),
        PairError::Text(TextError::NoPerson | TextError::Empty) => {
            ArgError::new(w.no_name(key)).help(w.digits_help(key))
        }
        PairError::Text(TextError::Digits) => ArgError::new(w.digits(key)).help(w.digits_help(key)),
        PairError::Text(TextError::NotANumber) => ArgError::new(w.no_number(key)).help(w.no_number_help(key)),
        PairError::Text(TextError::TooLong { count }) => {
            let max = match rules.field_or_role(key).map(|ix| &rules.field(ix).kind) {
                Some(FieldKind::Typed(typed)) => typed.max,
                _ => 0,
            };
            ArgError::new(w.too_long(&*count.to_string(), key, &*max.to_string())).help(w.too_long_help)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::closing::Closing;
    use crate::closing::external::Origin;
    use crate::loaded::LoadedRules;
    use crate::words::Lang;

    fn read(pairs: &[&str], input: &[u8]) -> Result<(String, Vec<u16>), ArgError> {
        let loaded = LoadedRules::built_in();
        let pairs: Vec<String> = pairs.iter().map(|p| (*p).to_owned()).collect();
        let given = super::read(&loaded.rules, Lang::En.words(), &pairs, input)?;
        let mut closing = Closing::new(&loaded.rules, 0, &[]);
        closing.apply(&loaded.rules, &given, Origin::Telephone, true, chrono::DateTime::UNIX_EPOCH);
        let spoken = loaded.rules.fields_ix().map(|(ix, _)| closing.fields().spoken(&loaded.rules, ix));
        Ok((spoken.collect::<Vec<_>>().join("|"), closing.situation().values().to_vec()))
    }

    #[test]
    fn facts_by_id_and_choices_in_any_case() {
        let given = read(&["klb=ya", "aplikasi=belum", "sapaan=IBU", "nama=Siti  Aminah"], b"");
        assert_eq!(given, Ok(("Ibu|Siti Aminah".into(), vec![1, 0, 2])));
    }

    #[test]
    fn a_leading_honorific_applies_unless_one_is_given() {
        assert_eq!(read(&["nama=bu siti"], b"").unwrap().0, "Ibu|siti");
        assert_eq!(read(&["nama=PAK Budi", "sapaan=bapak/ibu"], b"").unwrap().0, "Bapak/Ibu|Budi");
        assert_eq!(read(&["sapaan=Ibu", "nama=pak Budi"], b"").unwrap().0, "Ibu|Budi");
        assert_eq!(read(&["nama=Ibu"], b"").unwrap().0, "Ibu|");
    }

    #[test]
    fn a_name_fills_the_field_and_no_more() {
        let name = "a".repeat(60);
        assert_eq!(read(&[&format!("nama={name}")], b"").unwrap().0, format!("Bapak/Ibu|{name}"));
        assert_eq!(read(&[&format!("nama=bapak {name}")], b"").unwrap().0, format!("Bapak|{name}"));
        assert!(read(&[&format!("nama={name}a")], b"").unwrap_err().message.contains("61"));
        assert!(read(&[&format!("nama=bu {name}a")], b"").unwrap_err().message.contains("61"));
    }

    #[test]
    fn a_name_from_standard_input_is_its_first_nonblank_line() {
        assert_eq!(read(&["nama=-"], b"\n \nibu Siti\nJl. Mawar\n").unwrap().0, "Ibu|Siti");
        assert_eq!(read(&["nama=-"], b"").unwrap().0, "Bapak/Ibu|");
        assert!(read(&["nama=-"], b"\xff\xfe").unwrap_err().message.contains("not UTF-8 text"));
        assert!(read(&["nama=-"], &vec![b'a'; 1 << 20]).unwrap_err().message.contains("65536"));
    }

    #[test]
    fn errors_name_the_valid_choices() {
        for (pairs, help) in [
            (&["kbl=ya"][..], "Did you mean \"klb\""),
            (&["klb=yes"], "Available: tidak, ya."),
            (&["sapaan=Raden"], "Bapak/Ibu, Bapak, Ibu"),
            (&["klb"], "klb=ya"),
            (&["klb=ya", "klb=ya"], "Remove one"),
            (&["zona=WIT"], "--zone WIT"),
            (&["nama=0812 345"], "not a name"),
        ] {
            let wrong = read(pairs, b"").unwrap_err();
            assert!(wrong.help.as_ref().is_some_and(|text| text.contains(help)), "{wrong:?}");
        }
    }
}
