//! The whole decision table, every situation with the sentence it speaks. Pure data: how a row looks on paper or on a
//! screen is its readers' business.
//!
//! One row a rule, in the file's order. Hits are unique, so the rules part the space among them: the rows' situations
//! add up to all of them and none stands twice, with no situation ever listed.

use num_bigint::BigUint;

use super::ruleset::{Rule, RuleSet};
use super::script::{Sentence, script_with_placeholders};
use super::space::{Space, Values};

/// Every situation and its sentence.
#[derive(Clone, Debug)]
pub struct Table<'r> {
    /// The rules it is of.
    pub rules: &'r RuleSet,
    /// How many situations there are.
    pub situations: BigUint,
    /// A row for each rule.
    pub rows: Vec<Row<'r>>,
    space: Space,
}

/// The situations of one rule.
#[derive(Clone, Debug)]
pub struct Row<'r> {
    /// The rule: its id, its steps, its basis and caution.
    pub rule: &'r Rule,
    /// How many situations it answers.
    pub situations: BigUint,
    /// What is spoken, the placeholders in braces and marked as filled in.
    pub script: Sentence,
}

impl Table<'_> {
    /// For every fact, in the rules' order, the positions of the values that a row holds it to.
    pub fn when(&self, row: &Row<'_>) -> impl Iterator<Item = Values> {
        row.rule.when.spelled_out(&self.space)
    }
}

/// The table of these rules.
#[must_use]
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
    fn the_sop_is_eight_rows_of_twelve_situations() {
        let rules = LoadedRules::built_in().rules;
        let table = table(&rules);
        let rows = table.rows.iter().map(|row| (row.rule.id.as_str(), row.situations.to_string()));
        let rows: Vec<_> = rows.collect();
        assert_eq!(rows[0], ("kalimat-lengkap-1", "2".to_owned()));
        assert_eq!((rows.len(), table.situations), (8, 12u8.into()));
    }

    #[test]
    fn each_situation_stands_in_the_row_of_its_rule_alone() {
        let rules = LoadedRules::built_in().rules;
        let table = table(&rules);
        assert_eq!(table.rows.iter().map(|row| &row.situations).sum::<BigUint>(), table.situations);
        for situation in Situation::all(&rules) {
            let holds = |row: &&Row<'_>| table.when(row).enumerate().all(|(f, when)| when.contains(situation.value(f)));
            let rows: Vec<_> = table.rows.iter().filter(holds).map(|row| &row.rule.id).collect();
            assert_eq!(rows, [&decide(&rules, &situation).rule.id]);
        }
    }

    #[test]
    fn what_is_filled_in_is_in_braces_and_set_off() {
        let rules = LoadedRules::built_in().rules;
        let table = table(&rules);
        let script = &table.rows[2].script;
        assert!(script.to_string().ends_with("PLN 123, selamat {salam} {sapaan} {nama}"));
        let filled: Vec<_> = script.segments().iter().filter(|s| s.filled).map(|s| s.text.as_str()).collect();
        assert_eq!(filled, ["{salam}", "{sapaan}", "{nama}"]);
    }
}
