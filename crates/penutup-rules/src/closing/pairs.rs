//! `KEY=VALUE` pairs for facts and fields, from a command line or a telephone.

use super::external::Assignments;
use super::name::{self, TextError};
use crate::ruleset::{FieldIx, FieldKind, RuleSet};

/// Why a pair was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairError {
    UnknownKey,
    UnknownValue,
    Text(TextError),
    /// A second pair for the same fact or field; the first one counts.
    Twice,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RejectedPair {
    /// Its index among the pairs.
    pub at: usize,
    pub why: PairError,
}

#[derive(Clone, Copy, PartialEq)]
enum Target {
    Fact(usize),
    Field(FieldIx),
}

impl Target {
    /// The fact or field with this id, or in this role (`klb`, `nama`, `sapaan`).
    fn of(rules: &RuleSet, key: &str) -> Option<Self> {
        rules.fact_or_role(key).map(Self::Fact).or_else(|| rules.field_or_role(key).map(Self::Field))
    }
}

/// Whether this key names a typed field.
pub fn is_typed(rules: &RuleSet, key: &str) -> bool {
    matches!(Target::of(rules, key), Some(Target::Field(ix)) if matches!(rules.field(ix).kind, FieldKind::Typed(_)))
}

/// Resolves pairs against the rules, ignoring case and blanks around a value. An empty text sets nothing: a telephone does
/// not know every name.
pub fn parse<'p>(
    rules: &RuleSet,
    pairs: impl IntoIterator<Item = (&'p str, &'p str)>,
) -> (Assignments, Vec<RejectedPair>) {
    let (mut assigned, mut rejected, mut seen) = (Assignments::default(), Vec::new(), Vec::new());
    for (at, (key, value)) in pairs.into_iter().enumerate() {
        match parse_one(rules, key, value, &seen, &mut assigned) {
            Ok(target) => seen.push(target),
            Err(why) => rejected.push(RejectedPair { at, why }),
        }
    }
    (assigned, rejected)
}

fn parse_one(
    rules: &RuleSet,
    key: &str,
    value: &str,
    seen: &[Target],
    assigned: &mut Assignments,
) -> Result<Target, PairError> {
    let target = Target::of(rules, key).ok_or(PairError::UnknownKey)?;
    if seen.contains(&target) {
        return Err(PairError::Twice);
    }
    match target {
        Target::Fact(fact) => {
            let value = value.trim();
            let found = rules.facts[fact].values.iter().position(|known| known.id.eq_ignore_ascii_case(value));
            assigned.facts.push((fact, found.ok_or(PairError::UnknownValue)?));
        }
        Target::Field(field) => match &rules.field(field).kind {
            FieldKind::Choice(choices) => {
                assigned.choices.push((field, choices.position_of(value).ok_or(PairError::UnknownValue)?));
            }
            FieldKind::Typed(_) => match name::received(rules, field, value) {
                Ok(text) => assigned.typed.push((field, text)),
                Err(TextError::Empty) => {}
                Err(why) => return Err(PairError::Text(why)),
            },
        },
    }
    Ok(target)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::loaded::LoadedRules;

    fn parsed(pairs: &[(&str, &str)]) -> (Assignments, Vec<(usize, PairError)>) {
        let (given, rejected) = parse(&LoadedRules::built_in().rules, pairs.iter().copied());
        (given, rejected.into_iter().map(|pair| (pair.at, pair.why)).collect())
    }

    #[test]
    fn case_and_surrounding_blanks_are_ignored() {
        let plain = parsed(&[("klb", "ya"), ("aplikasi", "belum"), ("sapaan", "Ibu"), ("nama", "Siti")]);
        assert!(plain.1.is_empty() && plain.0.facts.len() == 2);
        assert_eq!(parsed(&[("klb", " YA\t"), ("aplikasi", "Belum "), ("sapaan", " ibu "), ("nama", " Siti ")]), plain);
    }

    #[test]
    fn each_rejected_pair_has_its_reason() {
        let long = "a".repeat(61);
        for (key, value, why) in [
            ("kbl", "ya", PairError::UnknownKey),
            ("", "", PairError::UnknownKey),
            ("klb ", "ya", PairError::UnknownKey),
            ("klb", "", PairError::UnknownValue),
            ("klb", "y a", PairError::UnknownValue),
            ("sapaan", "Raden", PairError::UnknownValue),
            ("nama", "0812 345", PairError::Text(TextError::Digits)),
            ("nama", "Anonymous", PairError::Text(TextError::NoPerson)),
            ("nama", &long, PairError::Text(TextError::TooLong { count: 61 })),
        ] {
            assert_eq!(parsed(&[(key, value)]), (Assignments::default(), vec![(0, why)]), "{key}={value}");
        }
        assert_eq!(parsed(&[("nama", " ")]), (Assignments::default(), vec![]), "an empty name sets nothing");
    }

    #[test]
    fn of_two_pairs_for_one_key_the_first_valid_one_counts() {
        let (first, rejected) = parsed(&[("klb", "yes"), ("klb", "ya"), ("klb", "tidak")]);
        assert_eq!(first, parsed(&[("klb", "ya")]).0);
        assert_eq!(rejected, [(0, PairError::UnknownValue), (2, PairError::Twice)]);
        assert_eq!(parsed(&[("nama", ""), ("nama", "Budi")]).1, [(1, PairError::Twice)]);
    }

    proptest! {
        #[test]
        fn every_pair_is_applied_or_rejected_or_empty(pairs in proptest::collection::vec(
            (prop_oneof!["klb|topik|aplikasi|sapaan|nama", "\\PC{0,6}"], prop_oneof!["ya|tidak|belum|Ibu|Budi", any::<String>()]), 0..6))
        {
            let rules = LoadedRules::built_in().rules;
            let (given, rejected) = parse(&rules, pairs.iter().map(|(key, value)| (&**key, &**value)));
            let set = given.facts.len() + given.choices.len() + given.typed.len();
            prop_assert!(set + rejected.len() <= pairs.len());
            prop_assert!(given.typed.iter().all(|(_, text)| !crate::text::is_blank(text)));
            let mut fields: Vec<_> = given.facts.iter().map(|(fact, _)| fact).collect();
            fields.dedup();
            prop_assert_eq!(fields.len(), given.facts.len());
        }
    }
}
