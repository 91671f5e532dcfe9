//! `penutup table`: every situation and its sentence, and everything else in a rules file, to read, to sign, or for a
//! program. Two files that differ in anything a CSO, a supervisor or QA sees produce different sheets.

mod json;
mod sheet;

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::VerbOutput;
use super::check::number;
use super::json::{Each, line};
use super::page::{Look, Page};
use super::{Context, Stop, canvas, counted, moment};
use crate::loaded::LoadedRules;

use crate::diagnostics::csv;
use crate::diagnostics::draw::Canvas;
use crate::diagnostics::grouped;
use crate::files;
use crate::rules::ruleset::StepIx;
use crate::rules::table::{Row, Table, table};

use crate::words::Words;
use sheet::Section;

pub(super) use sheet::{Names, demanded};

/// `penutup table [FILE]`.
#[derive(Debug, Args)]
pub struct TableVerb {
    /// The file; without it, the one in use.
    pub file: Option<PathBuf>,
    /// The form of the result.
    #[arg(long, value_enum, default_value = "text")]
    pub format: TableFormat,
    /// What separates the cells of CSV; without it, a semicolon.
    #[arg(long, value_enum)]
    pub separator: Option<Separator>,
}

/// What separates the cells of CSV. Where the decimal comma is used, as in Indonesia, a spreadsheet takes the semicolon
/// when a file is opened by a double click; it is the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Separator {
    /// `;`
    #[value(alias = ";")]
    Semicolon,
    /// `,`
    #[value(alias = ",")]
    Comma,
    /// A tab.
    Tab,
}

impl Separator {
    fn as_char(self) -> char {
        match self {
            Self::Semicolon => ';',
            Self::Comma => ',',
            Self::Tab => '\t',
        }
    }
}

/// The form of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TableFormat {
    /// For the screen.
    Text,
    /// Markdown, to be signed.
    Md,
    /// For a spreadsheet.
    Csv,
    /// One line of JSON.
    Json,
}

/// Prints it.
///
/// # Errors
/// If the file or the settings can't be used.
pub fn run(verb: &TableVerb, context: &Context) -> Result<VerbOutput, Stop> {
    let words = context.words();
    if verb.separator.is_some() && verb.format != TableFormat::Csv {
        return Err(context.stop(words.table.separator_of_csv, Some(words.table.separator_of_csv_help)));
    }
    let today = moment::today(moment::at(context)?);
    let loaded = if let Some(path) = &verb.file {
        files::load_file(path, today)
    } else {
        context.sound_settings()?;
        files::load_rules(&context.rules_file(), today)
    };
    let loaded = loaded.map_err(|bad| context.bad(&bad))?;
    let shown = Shown { table: table(&loaded.rules), loaded: &loaded, words };
    Ok(VerbOutput::done(match verb.format {
        TableFormat::Text => shown.text(canvas(&io::stdout())),
        TableFormat::Md => shown.markdown(),
        TableFormat::Csv => shown.csv(verb.separator.unwrap_or(Separator::Semicolon).as_char()),
        TableFormat::Json => shown.json(),
    }))
}

/// A table and the catalogue.
struct Shown<'b> {
    table: Table<'b>,
    loaded: &'b LoadedRules,
    words: &'static Words,
}

impl Shown<'_> {
    /// "SOP Rev-1 · 12 situations, 8 rules".
    fn summary(&self, revision: &str) -> String {
        let w = &self.words.cli;
        let separated = |count: String| grouped(&count, self.words.problem.thousands);
        let situations = counted(&separated(self.table.situations.to_string()), w.one_situation, |n| w.situations(n));
        let rules = counted(&separated(self.table.rows.len().to_string()), w.one_rule, |n| w.rules(n));
        format!("{} · {situations}, {rules}", self.words.screen.sop(revision))
    }

    /// For each fact, its label and the labels of the row's values.
    fn conditions<'t>(&'t self, row: &'t Row<'_>) -> impl Iterator<Item = (&'t str, Vec<&'t str>)> {
        self.table.rules.facts.iter().zip(self.table.when(row)).map(|(fact, values)| {
            (fact.label.as_str(), values.iter().map(|value| fact.values[value].label.as_str()).collect())
        })
    }

    /// The row's steps, reminders in parentheses.
    fn steps(&self, row: &Row<'_>, names: Names) -> String {
        let name = |ix: &StepIx| {
            let name = names.of(self.table.rules, *ix);
            if self.table.rules.step(*ix).is_spoken() { name.to_owned() } else { format!("({name})") }
        };
        row.rule.steps.iter().map(name).collect::<Vec<_>>().join(" → ")
    }

    fn text(&self, canvas: Canvas) -> String {
        let (w, rules) = (&self.words.table, self.table.rules);
        let mut page = Page::new(canvas);
        page.line("", &self.summary(&rules.sop.revision), Look::Strong);
        for row in &self.table.rows {
            page.gap();
            let situations = grouped(&row.situations.to_string(), self.words.problem.thousands);
            let situations = counted(&situations, self.words.cli.one_situation, |n| self.words.cli.situations(n));
            page.paragraph("", [(row.rule.id.as_str(), Look::Strong), (&format!(" · {situations}"), Look::Plain)]);
            let conditions = self.conditions(row).zip(&rules.facts).map(|((label, values), fact)| {
                let all = values.len() == fact.values.len();
                format!("{label}: {}", if all { w.any.to_owned() } else { values.join(", ") })
            });
            let conditions: Vec<String> = conditions.collect();
            if !conditions.is_empty() {
                page.line("  ", &conditions.join(" · "), Look::Plain);
            }
            page.line("  ", &self.steps(row, Names::Ids), Look::Plain);
            let runs = row.script.segments().iter();
            let runs = runs.map(|run| (run.text.as_str(), if run.filled { Look::Filled } else { Look::Plain }));
            let runs: Vec<_> = runs.collect();
            if runs.is_empty() {
                page.line("    ", self.words.screen.nothing_spoken, Look::Plain);
            } else {
                page.paragraph("    ", runs);
            }
            for (name, text) in [(w.basis, &row.rule.basis), (w.caution, &row.rule.caution)] {
                if let Some(text) = text {
                    page.line("  ", &format!("{name}: {text}"), Look::Plain);
                }
            }
        }
        for section in self.sections(Names::Ids) {
            page.gap();
            page.line("", section.title, Look::Strong);
            if section.rows.is_empty() {
                page.line("  ", self.words.table.none, Look::Plain);
            }
            for row in &section.rows {
                // The first cell is the row's subject; the others are listed under their columns' names.
                let rest = section.head.iter().zip(row).skip(1).filter(|(_, cell)| !cell.is_empty());
                let rest: Vec<String> = rest.map(|(head, cell)| format!("{head}: {cell}")).collect();
                let rest = if rest.is_empty() { String::new() } else { format!(" · {}", rest.join(" · ")) };
                page.paragraph("  ", [(row[0].as_str(), Look::Strong), (&rest, Look::Plain)]);
            }
        }
        page.finish()
    }

    fn sections(&self, names: Names) -> Vec<Section> {
        sheet::sections(self.table.rules, self.words, names)
    }

    fn markdown(&self) -> String {
        let (w, rules) = (&self.words.table, self.table.rules);
        let mut out = format!("# {}\n\n", in_markdown(&rules.sop.title));
        let _ = writeln!(out, "{}\n", self.summary(&in_markdown(&rules.sop.revision)));
        let labels = rules.facts.iter().map(|fact| fact.label.as_str());
        let head = [w.rule, w.situations].into_iter().chain(labels).chain([w.steps, w.sentence, w.basis, w.caution]);
        let head: Vec<String> = head.map(in_markdown).collect();
        let _ = writeln!(out, "| {} |", head.join(" | "));
        let _ = writeln!(out, "|{}", "---|".repeat(head.len()));
        for row in &self.table.rows {
            let mut cells = vec![in_markdown(&row.rule.id), row.situations.to_string()];
            cells.extend(self.conditions(row).map(|(_, values)| in_markdown(values.join(", "))));
            cells.push(in_markdown(self.steps(row, Names::Labels)));
            let runs = row.script.segments().iter().map(|run| {
                let text = in_markdown(&run.text);
                if run.filled { format!("**{text}**") } else { text }
            });
            cells.push(runs.collect());
            for text in [&row.rule.basis, &row.rule.caution] {
                cells.push(in_markdown(text.as_deref().unwrap_or_default()));
            }
            let _ = writeln!(out, "| {} |", cells.join(" | "));
        }
        for section in self.sections(Names::Labels) {
            let _ = writeln!(out, "\n## {}\n", section.title);
            if section.rows.is_empty() {
                let _ = writeln!(out, "{}", w.none);
                continue;
            }
            let head: Vec<String> = section.head.iter().map(in_markdown).collect();
            let _ = writeln!(out, "| {} |\n|{}", head.join(" | "), "---|".repeat(head.len()));
            for row in &section.rows {
                let cells: Vec<String> = row.iter().map(in_markdown).collect();
                let _ = writeln!(out, "| {} |", cells.join(" | "));
            }
        }
        // The signature is for exactly this file.
        let _ = writeln!(out, "\nSHA-256: `{}`\n", self.loaded.sha256());
        let _ = writeln!(out, "{}: \\_\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_", w.approved);
        out
    }

    /// The situations and then each section, separated by an empty line. The byte order mark tells a spreadsheet that
    /// the file is UTF-8.
    fn csv(&self, separator: char) -> String {
        let (w, rules) = (&self.words.table, self.table.rules);
        let labels = rules.facts.iter().map(|fact| fact.label.clone());
        let mut head = vec![w.rule.to_owned(), w.situations.to_owned()];
        head.extend(labels);
        head.extend([w.steps, w.sentence, w.basis, w.caution].map(str::to_owned));
        let line = |cells: &[String]| csv::line(cells, separator);
        let mut out = format!("\u{feff}{}", line(&head));
        for row in &self.table.rows {
            let mut cells = vec![row.rule.id.clone(), row.situations.to_string()];
            cells.extend(self.conditions(row).map(|(_, values)| values.join(", ")));
            cells.extend([self.steps(row, Names::Ids), row.script.to_string()]);
            cells.extend([&row.rule.basis, &row.rule.caution].map(|text| text.clone().unwrap_or_default()));
            out.push_str(&line(&cells));
        }
        for section in self.sections(Names::Ids) {
            out.push_str("\r\n");
            out.push_str(&line(&[section.title.to_owned()]));
            out.push_str(&line(&section.head.iter().map(|head| (*head).to_owned()).collect::<Vec<_>>()));
            section.rows.iter().for_each(|row| out.push_str(&line(row)));
            if section.rows.is_empty() {
                out.push_str(&line(&[w.none.to_owned()]));
            }
        }
        out
    }

    fn json(&self) -> String {
        let rules = self.table.rules;
        let row = |row: &Row<'_>| {
            let facts = rules.facts.iter().zip(self.table.when(row)).map(|(fact, values)| {
                let ids: Vec<&str> = values.iter().map(|value| fact.values[value].id.as_str()).collect();
                (fact.id.clone(), json!(ids))
            });
            let when: Map<String, Value> = facts.collect();
            let steps: Vec<&str> = row.rule.steps.iter().map(|ix| rules.step(*ix).id.as_str()).collect();
            json!({
                "when": when,
                "rule": row.rule.id,
                "steps": steps,
                "script": row.script.to_string(),
                "basis": row.rule.basis,
                "caution": row.rule.caution,
            })
        };
        line(&TableJson {
            schema: 1,
            revision: &rules.sop.revision,
            situations: number(&self.table.situations),
            rows: Each(|| self.table.rows.iter().map(row)),
            sheet: json::sheet(rules),
        })
    }
}

#[derive(Serialize)]
struct TableJson<'t, R> {
    schema: u8,
    revision: &'t str,
    situations: Value,
    rows: R,
    #[serde(flatten)]
    sheet: Map<String, Value>,
}

/// A text as literal Markdown, also valid in a table's cell.
pub(super) fn in_markdown(text: impl AsRef<str>) -> String {
    let mut out = String::new();
    for c in text.as_ref().chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '#' | '&') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_output_is_literal() {
        assert_eq!(in_markdown("a|b *c* {nama} \\"), "a\\|b \\*c\\* {nama} \\\\");
    }
}
