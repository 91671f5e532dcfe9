//! `penutup check`: prove a rules file.

use std::io;
use std::path::PathBuf;

use clap::Args;
use num_bigint::BigUint;
use serde_json::{Map, Value, json};

use super::format::Format;
use super::{Context, Status, Stop, VerbOutput, canvas, counted, draw_all, moment};
use crate::diagnostics::draw::Canvas;
use crate::diagnostics::{Source, describe, grouped};
use crate::files::{self, Bad};
use crate::rules::check::Report;
use crate::rules::{self, BUILT_IN, Problem};
use crate::words::Words;

/// `penutup check [FILE]`.
#[derive(Debug, Args)]
pub struct Check {
    /// The file; without it, the one in use.
    pub file: Option<PathBuf>,
    /// The form of the result.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
    /// Whether warnings count as problems.
    #[arg(long)]
    pub deny_warnings: bool,
}

/// The largest number of situations that every language's JSON numbers represent exactly: 2^53.
const EXACT: u64 = 1 << 53;

/// Checks it.
///
/// # Errors
/// If the file can't be read, or the settings that name it can't be used.
pub fn run(check: &Check, context: &Context) -> Result<VerbOutput, Stop> {
    let words = context.words();
    let today = moment::today(moment::at(context)?);
    let path = if let Some(path) = &check.file {
        Some(path.clone())
    } else {
        context.sound_settings()?;
        context.rules_file().path
    };
    let (bytes, file) = match &path {
        Some(path) => (
            files::read(path).map_err(|unreadable| context.bad(&Bad::Unreadable(unreadable)))?,
            path.to_string_lossy().into_owned(),
        ),
        None => (BUILT_IN.as_bytes().to_vec(), "built-in".to_owned()),
    };
    let report = rules::check(&bytes, today);
    let out = match check.format {
        Format::Json => as_json(&report, &Source::new(&file, &bytes), &file, words),
        Format::Text => {
            let name = if path.is_some() { &file } else { words.cli.built_in };
            text(&report, &Source::new(name, &bytes), check.deny_warnings, words, canvas(&io::stdout()))
        }
    };
    let no = report.errors() > 0 || (check.deny_warnings && report.warnings() > 0);
    Ok(VerbOutput { out, err: String::new(), status: if no { Status::No } else { Status::Done } })
}

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
pub(super) fn verdict(file: &str, problems: &[Problem], words: &Words) -> String {
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

fn as_json(report: &Report, source: &Source<'_>, file: &str, words: &Words) -> String {
    let problems: Vec<Value> = report.problems.iter().map(|p| problem_as_json(p, source, words)).collect();
    let out = json!({
        "schema": 1,
        "file": file,
        "facts": report.facts,
        "rules": report.rows,
        "situations": number(&report.situations),
        "errors": report.errors(),
        "warnings": report.warnings(),
        "problems": problems,
    });
    format!("{out}\n")
}

fn problem_as_json(problem: &Problem, source: &Source<'_>, words: &Words) -> Value {
    let (place, text) = (source.place(problem.span.start), describe(problem, words));
    let situation = problem.situation.as_ref().map(|situation| {
        situation.iter().map(|(fact, value)| (fact.clone(), json!(value))).collect::<Map<String, Value>>()
    });
    json!({
        "code": problem.code().as_str(),
        "severity": if problem.is_error() { "error" } else { "warning" },
        "message": text.message,
        "line": place.line,
        "column": place.column,
        "situation": situation,
        "help": text.help,
    })
}

/// A number if it is exact, otherwise its digits as a text.
pub(super) fn number(count: &BigUint) -> Value {
    u64::try_from(count).ok().filter(|n| *n <= EXACT).map_or_else(|| json!(count.to_string()), |n| json!(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_numbers_as_long_as_they_are_exact() {
        assert_eq!(number(&BigUint::from(EXACT)), json!(9_007_199_254_740_992_u64));
        assert_eq!(number(&(BigUint::from(EXACT) + 1u8)), json!("9007199254740993"));
    }
}
