//! Any rules that pass `check`, any situation, any typed text: one plan, and sentences without a double blank, without a
//! blank at an end, without a character that may not reach a screen.

#![no_main]

use chrono::NaiveDate;
use libfuzzer_sys::fuzz_target;
use penutup::rules::ruleset::FieldKind;
use penutup::rules::script::{FieldValue, Fields, script};
use penutup::rules::text::is_forbidden;
use penutup::rules::{Situation, check, decide};

/// The last bytes are the situation and the typed text, what stands before is the file.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = bytes.windows(2).rposition(|w| w == b"\n\0")?;
    Some((&bytes[..=at], &bytes[at + 2..]))
}

fuzz_target!(|bytes: &[u8]| {
    let Some((file, rest)) = split(bytes) else { return };
    let Some(rules) = check(file, NaiveDate::MIN).rules else { return };
    let at = |n: usize| usize::from(rest.get(n).copied().unwrap_or_default());
    let values = rules.facts.iter().enumerate().map(|(n, f)| (at(n) % f.values.len()) as u16).collect();
    let situation = Situation::new(&rules, values).expect("every value is one of its fact's");
    let matching = rules.rules.iter().filter(|r| r.when.contains(situation.values())).count();
    assert_eq!(matching, 1, "exactly one rule a situation");
    let typed = String::from_utf8_lossy(rest.get(rules.facts.len()..).unwrap_or_default()).into_owned();
    let mut fields = Fields::default_of(&rules);
    for (ix, field) in rules.fields_ix() {
        let value = match &field.kind {
            FieldKind::Choice(choices) => FieldValue::Choice(at(ix.at()) % choices.len()),
            FieldKind::Typed { .. } => FieldValue::Text(typed.clone()),
        };
        fields.set(&rules, ix, value);
    }
    let word = &rules.greetings.rows()[at(0) % rules.greetings.rows().len()].word;
    let sentence = script(&rules, decide(&rules, &situation), &fields, word).to_string();
    assert!(!sentence.chars().any(is_forbidden), "{sentence:?}");
    assert!(!sentence.contains("  ") && sentence.trim() == sentence, "{sentence:?}");
});
