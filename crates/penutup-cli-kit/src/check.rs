//! The result of checking a rules file, as text.

use crate::diagnostics::draw::{Canvas, draw_all};
use crate::diagnostics::{Source, counted, grouped};
use crate::rules::Problem;
use crate::rules::check::Report;
use crate::words::Words;

/// Every problem at its location, and a summary.
pub fn text(report: &Report, source: &Source<'_>, deny_warnings: bool, words: &Words, canvas: Canvas) -> String {
    let w = &words.cli;
    let mut out = draw_all(&report.problems, source, words, canvas);
    if report.errors() > 0 {
        return out + &verdict(source.name(), &report.problems, words) + "\n";
    }
    let situations = report.situations.to_string();
    let file = source.name();
    let warnings = counted(&report.warnings().to_string(), w.one_warning, |n| w.warnings(n));
    let facts = counted(&report.facts.to_string(), w.one_fact, |n| w.facts(n));
    let rules = counted(&report.rows.to_string(), w.one_rule, |n| w.rules(n));
    let situations = grouped(&situations, words.problem.thousands);
    let situations = counted(&situations, w.one_situation, |n| w.situations(n));
    out += &match report.warnings() {
        0 => w.good(facts, file, rules, situations),
        _ if deny_warnings => w.denied(file, warnings),
        _ => w.good_with_warnings(facts, file, rules, situations, warnings),
    };
    out + "\n"
}

/// The line after the problems of a rejected file.
pub fn verdict(file: &str, problems: &[Problem], words: &Words) -> String {
    let w = &words.cli;
    let errors = problems.iter().filter(|p| p.is_error()).count();
    let warnings = problems.len() - errors;
    let errors = counted(&errors.to_string(), w.one_error, |n| w.errors(n));
    if warnings > 0 {
        w.refused_with_warnings(errors, file, counted(&warnings.to_string(), w.one_warning, |n| w.warnings(n)))
    } else {
        w.refused(errors, file)
    }
}
