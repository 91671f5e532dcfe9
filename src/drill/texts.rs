//! Texts shared by practice and exam, on the screen and in files.

use super::sheet::Sheet;
use super::threshold::least_cards;
use crate::diagnostics::listed;
use crate::rules::RuleSet;
use crate::rules::space::Cube;
use crate::words::Words;

/// A rule or a requirement by its clause and its condition: "Keterangan b · KLB AKTIF · Topik PLN Mobile".
pub fn clause_and_condition(rules: &RuleSet, clause: &str, when: &Cube) -> String {
    let held = when.constraints().map(|(fact, values)| {
        let labels: Vec<&str> = values.iter().map(|at| rules.facts[fact].values[at].label.as_str()).collect();
        format!("{} {}", rules.facts[fact].label, labels.join(" / "))
    });
    std::iter::once(clause.to_owned()).chain(held).collect::<Vec<_>>().join(" · ")
}

/// A sentence that names what no card asks because no story covers it.
pub fn not_asked(names: &[String], words: &Words) -> String {
    let listed = listed(names.iter().map(String::as_str), &words.problem);
    words.drill.not_asked(names.len(), &listed)
}

/// A sentence that an exam has too few cards for its threshold to allow a wrong one, if so.
pub fn too_few_cards(pass: u8, count: usize, words: &Words) -> Option<String> {
    let least = least_cards(pass);
    (count < least).then(|| words.drill.too_few(count, least, pass))
}

/// Whether an exam is passed, and what it needs.
pub fn verdict(sheet: &Sheet, words: &Words) -> String {
    let (d, count, needed, pass) = (&words.drill, sheet.count, sheet.needed, sheet.pass);
    if sheet.passed { d.passed(count, needed, pass) } else { d.not_passed(count, needed, pass) }
}
