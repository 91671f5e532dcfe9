//! The decision table as data: one row per rule, in the file's order, with the sentence that it produces.
//!
//! Exactly one rule matches each situation, so the rows partition the space: their counts add up to its size, without
//! listing a situation.

use num_bigint::BigUint;

use super::ruleset::{Rule, RuleSet};
use super::script::{Sentence, script_with_placeholders};
use super::space::{Space, Values};

#[derive(Clone, Debug)]
pub struct Table<'r> {
    pub rules: &'r RuleSet,
    pub situations: BigUint,
    pub rows: Vec<Row<'r>>,
    space: Space,
}

#[derive(Clone, Debug)]
pub struct Row<'r> {
    pub rule: &'r Rule,
    pub situations: BigUint,
    /// Its sentences, with the placeholders in braces as filled segments.
    pub script: Sentence,
}

impl Table<'_> {
    /// For every fact, in the rules' order, the positions of the values that a row allows.
    pub fn when(&self, row: &Row<'_>) -> impl Iterator<Item = Values> {
        row.rule.when.spelled_out(&self.space)
    }
}

pub fn table(rules: &RuleSet) -> Table<'_> {
    let space = rules.space();
    let rows = rules.rules.iter().map(|rule| Row {
        rule,
        situations: rule.when.count(&space),
        script: script_with_placeholders(rules, &rule.steps),
    });
    let rows = rows.collect();
    Table { rules, situations: space.count(), rows, space }
}

#[cfg(test)]
mod tests {
    use super::super::decide::{Situation, decide};
    use super::*;
    use crate::loaded::LoadedRules;

    #[test]
    fn the_sop_has_eight_rows_and_twelve_situations() {
        let rules = LoadedRules::built_in().rules;
        let table = table(&rules);
        let rows = table.rows.iter().map(|row| (row.rule.id.as_str(), row.situations.to_string()));
        let rows: Vec<_> = rows.collect();
        assert_eq!(rows[0], ("kalimat-lengkap-1", "2".to_owned()));
        assert_eq!((rows.len(), table.situations), (8, 12u8.into()));
    }

    #[test]
    fn each_situation_is_only_in_the_row_of_its_rule() {
        let rules = LoadedRules::built_in().rules;
        let table = table(&rules);
        assert_eq!(table.rows.iter().map(|row| &row.situations).sum::<BigUint>(), table.situations);
        for situation in Situation::all(&rules) {
            let matches =
                |row: &&Row<'_>| table.when(row).enumerate().all(|(f, when)| when.contains(situation.value(f)));
            let rows: Vec<_> = table.rows.iter().filter(matches).map(|row| &row.rule.id).collect();
            assert_eq!(rows, [&decide(&rules, &situation).rule.id]);
        }
    }

    #[test]
    fn placeholders_are_filled_segments_in_braces() {
        let rules = LoadedRules::built_in().rules;
        let table = table(&rules);
        let script = &table.rows[2].script;
        assert!(script.to_string().ends_with("PLN 123, selamat {salam} {sapaan} {nama}"));
        let filled: Vec<_> = script.segments().iter().filter(|s| s.filled).map(|s| s.text.as_str()).collect();
        assert_eq!(filled, ["{salam}", "{sapaan}", "{nama}"]);
    }
}
