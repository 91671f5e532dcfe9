//! `penutup check`: prove a rules file.

use std::io;
use std::path::PathBuf;

use clap::Args;
use num_bigint::BigUint;
use serde_json::{Map, Value, json};

use super::format::Format;
use super::{Context, Status, Stop, VerbOutput, canvas, moment};
use crate::diagnostics::{Source, describe};
use crate::files::{self, FileError};
use crate::rules::check::Report;
use crate::rules::{self, BUILT_IN, Problem};
use crate::words::Words;

use penutup_cli_kit::check::text;

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
            files::read(path).map_err(|unreadable| context.bad(&FileError::Unreadable(unreadable)))?,
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
    fn numbers_that_json_cannot_hold_exactly_are_texts() {
        assert_eq!(number(&BigUint::from(EXACT)), json!(9_007_199_254_740_992_u64));
        assert_eq!(number(&(BigUint::from(EXACT) + 1u8)), json!("9007199254740993"));
    }
}
