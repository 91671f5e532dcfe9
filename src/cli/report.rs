//! `penutup report`: statistics of the journal, or of several seats' exports.

use std::io::{self, BufRead, Write};
use std::path::PathBuf;

use chrono::{FixedOffset, Utc};
use clap::Args;
use uuid::Uuid;

use super::VerbOutput;
use super::{ArgError, Context, Status, Stop, moment};
use crate::diagnostics::csv::line as csv_line;
use crate::diagnostics::{grouped, outside, shown};
use crate::files;
use crate::journal::export::Forgotten;
use crate::journal::merge::{Merge, Refused};
use crate::journal::read::{Reader, Span};
use crate::journal::record::Record;
use crate::journal::report::Sampled;
use crate::journal::summary::{CallSummary, Interner, time};
use crate::journal::trouble::Error;
use crate::loaded::LoadedRules;
use crate::rules::RuleSet;

use penutup_cli_kit::report::csv::{CallTable, Columns};
use penutup_cli_kit::report::{Collector, Form, Question, Questions, TooManyGroups};
pub use penutup_cli_kit::report::{call, csv, text};
use penutup_cli_kit::times;

/// How many bytes of ids are read from standard input.
const MAX_IDS: u64 = 4 << 20;

/// `penutup report [FILE]...`.
#[derive(Debug, Args)]
pub struct Report {
    /// Exports of several seats.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// What is asked of them.
    #[command(flatten)]
    pub questions: Questions,
    /// The one call to show, by its own id or the telephone system's; `-` reads ids from standard input.
    #[arg(long, value_name = "ID", allow_hyphen_values = true,
          conflicts_with_all = ["by", "where", "compare", "sample", "teams", "from", "to"])]
    pub call: Option<String>,
}

/// Why a report or an export failed.
pub(super) enum Failure {
    /// Output can't be written.
    Out(io::Error),
    /// The journal can't be read.
    Journal(Error),
    /// An export can't be used.
    Export(Refused),
    /// The question can't be answered.
    Question(ArgError),
    TooManyGroups,
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Out(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Journal(error)
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self::Export(refused)
    }
}

impl From<TooManyGroups> for Failure {
    fn from(_: TooManyGroups) -> Self {
        Self::TooManyGroups
    }
}

impl Failure {
    /// The verb's output. A closed pipe is not an error: its reader has what it wanted.
    pub(super) fn into_answer(self, context: &Context) -> Result<VerbOutput, Stop> {
        let words = context.words();
        match self {
            Self::Out(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(VerbOutput::done(String::new())),
            Self::Out(error) => {
                let why = outside::reason(&error, words);
                Err(context.stop(&words.cli.cannot_print(why), None))
            }
            Self::Journal(error) => {
                let path = context.journal().map(|path| files::shown_path(&path)).unwrap_or_default();
                let why = crate::diagnostics::journal::reason(&error, words);
                Err(context.stop(&words.journal.cannot_read(path, why), None))
            }
            Self::Export(refused) => {
                Err(context
                    .stop(&crate::diagnostics::journal::refused(&refused, words), Some(words.journal.refused_help)))
            }
            Self::Question(error) => Err(context.arg_error(&error)),
            Self::TooManyGroups => Err(context.arg_error(&TooManyGroups.error(words))),
        }
    }
}

/// The source of the calls.
enum Source {
    /// The own journal; `None` if there is none yet.
    Journal(Option<Reader>),
    Exports(Merge),
}

impl Source {
    /// The warning that the latest calls are missing.
    fn warning(&self, context: &Context) -> String {
        match self {
            Self::Journal(Some(reader)) => log_warning(reader, context),
            Self::Journal(None) | Self::Exports(_) => String::new(),
        }
    }

    /// What a person deleted of these days, a line each.
    fn deleted(&self, span: Span, zone: FixedOffset, context: &Context) -> Result<String, Failure> {
        let words = context.words();
        let forgotten = match self {
            Self::Journal(None) => Vec::new(),
            Self::Journal(Some(reader)) => reader.forgotten()?,
            Self::Exports(merge) => merge.forgotten().collect(),
        };
        let mut out = String::new();
        let day = |ms: i64| time(ms).map_or_else(String::new, |at| times::date(at.with_timezone(&zone).date_naive()));
        for Forgotten { at_ms, calls, first_ms, last_ms, .. } in forgotten {
            let overlaps =
                span.from_ms.is_none_or(|from| from <= last_ms) && span.before_ms.is_none_or(|to| first_ms < to);
            if overlaps {
                let count = grouped(&calls.to_string(), words.problem.thousands);
                out += &(words.journal.was_forgotten(day(at_ms), count, day(first_ms), day(last_ms)) + "\n");
            }
        }
        Ok(out)
    }

    /// The calls with these ids, in the order of the source.
    fn calls_named(&mut self, ids: &[String]) -> Result<Vec<Record>, Failure> {
        let mut found: Vec<Record> = Vec::new();
        match self {
            Self::Journal(None) => {}
            Self::Journal(Some(reader)) => {
                for id in ids {
                    for record in reader.calls_named(id)? {
                        if !found.iter().any(|known| known.id == record.id) {
                            found.push(record);
                        }
                    }
                }
            }
            Self::Exports(merge) => {
                merge.each(Span::default(), |_, _, record| {
                    if ids.iter().any(|id| is_named(record, id)) {
                        found.push(record.clone());
                    }
                    Ok::<(), Failure>(())
                })?;
            }
        }
        Ok(found)
    }

    /// Passes each call's summary to `each`. Returns the texts of their symbols.
    fn summaries(
        &mut self,
        span: Span,
        mut each: impl FnMut(&CallSummary, &Interner) -> Result<(), Failure>,
    ) -> Result<Interner, Failure> {
        match self {
            Self::Journal(None) => Ok(Interner::default()),
            Self::Journal(Some(reader)) => reader.summaries(span, each),
            Self::Exports(merge) => merge.each(span, |summary, texts, _| each(summary, texts)),
        }
    }

    /// The records of a sample, in its order. One that was deleted meanwhile is left out.
    fn sampled(&mut self, sample: &[Sampled]) -> Result<Vec<(Sampled, Record)>, Failure> {
        let ids: Vec<String> = sample.iter().map(|one| one.id.to_string()).collect();
        let records = self.calls_named(&ids)?;
        let with_record = |one: &Sampled| Some((*one, records.iter().find(|record| record.id == one.id)?.clone()));
        Ok(sample.iter().filter_map(with_record).collect())
    }

    fn calls(&mut self, span: Span, mut each: impl FnMut(&Record) -> Result<(), Failure>) -> Result<(), Failure> {
        match self {
            Self::Journal(None) => Ok(()),
            Self::Journal(Some(reader)) => reader.calls(span, each),
            Self::Exports(merge) => merge.each(span, |_, _, record| each(record)).map(drop),
        }
    }
}

/// Prints the report.
///
/// # Errors
/// If arguments can't be used, or a journal or an export can't be read.
pub fn run(report: &Report, context: &Context) -> Result<VerbOutput, Stop> {
    context.sound_settings()?;
    let words = context.words();
    let rules = rules(context);
    let zone = zone(context, &rules)?;
    // Any number makes a sample; the time of day is different each time.
    let seed = || u64::from(Utc::now().timestamp_subsec_micros());
    let question = report.questions.parsed(zone, &rules, words, seed).map_err(|error| context.arg_error(&error))?;
    answered(report, &question, &rules, context).or_else(|failure| failure.into_answer(context))
}

fn answered(report: &Report, question: &Question, rules: &RuleSet, context: &Context) -> Result<VerbOutput, Failure> {
    let words = context.words();
    let mut source = source(report, context)?;
    let warning = source.warning(context);
    let deleted = source.deleted(question.span(), question.zone, context)?;
    if let Some(id) = &report.call {
        let found = calls_named(&mut source, id, question, rules, context)?;
        return Ok(VerbOutput { err: warning + &found.err, ..found });
    }
    if question.is_for_calls() {
        print_csv(&mut source, question, rules, &mut io::stdout().lock())?;
        return Ok(VerbOutput { err: warning + &deleted, ..VerbOutput::done(String::new()) });
    }
    let mut collector = Collector::new(question);
    let texts = source.summaries(question.span(), |row, texts| Ok(collector.add(row, texts)?))?;
    let out = match collector.sampled() {
        Some(sample) => {
            let records = source.sampled(&sample)?;
            collector.sample(&records, &texts, rules, words).map_err(Failure::Question)?
        }
        None => collector.answer(&texts, rules, words).map_err(Failure::Question)?,
    };
    // In text the deletions are part of the report.
    let (after, err) = if question.form == Form::Text { (deleted, String::new()) } else { (String::new(), deleted) };
    let err = warning + &err + &collector.unmatched(&texts, rules, words);
    Ok(VerbOutput { err, ..VerbOutput::done(out + &after) })
}

/// The calls with these ids, and a line for each id that no call has. With none found the status is "no".
fn calls_named(
    source: &mut Source,
    id: &str,
    question: &Question,
    rules: &RuleSet,
    context: &Context,
) -> Result<VerbOutput, Failure> {
    let words = context.words();
    let (form, zone) = (question.form, question.zone);
    let ids: Vec<String> = if id == "-" { ids_of(io::stdin().lock())? } else { vec![id.to_owned()] };
    let found = source.calls_named(&ids)?;
    let mut columns = Columns::of(rules);
    for record in &found {
        columns.add(record);
    }
    let head = if form == Form::Csv { csv_line(columns.names(), ',') } else { String::new() };
    let mut answer = VerbOutput::done(head);
    for record in &found {
        answer.out += &match form {
            Form::Text => call::text(record, zone, rules, words),
            Form::Csv => csv_line(columns.cells(record, zone), ','),
            Form::Json => serde_json::to_string(record).unwrap_or_default() + "\n",
        };
    }
    for id in ids.iter().filter(|id| !found.iter().any(|record| is_named(record, id))) {
        answer.err += &(words.journal.no_such_call(shown(id)) + "\n");
    }
    if found.is_empty() {
        answer.status = Status::No;
    }
    Ok(answer)
}

/// The ids on the lines of a text; blank lines, quotes of a CSV and a first line that is no id of any call do no harm.
fn ids_of(from: impl BufRead) -> io::Result<Vec<String>> {
    let mut ids = Vec::new();
    for line in from.take(MAX_IDS).lines() {
        let line = line?;
        let id = line.trim_start_matches('\u{feff}').trim().trim_matches('"');
        if !id.is_empty() && !ids.iter().any(|known| known == id) {
            ids.push(id.to_owned());
        }
    }
    Ok(ids)
}

/// Whether an id is a call's own or that of the telephone system.
fn is_named(record: &Record, id: &str) -> bool {
    record.interaction.as_deref() == Some(id) || Uuid::try_parse(id).is_ok_and(|own| own == record.id)
}

/// The warning that the journal was copied without its log.
pub(super) fn log_warning(reader: &Reader, context: &Context) -> String {
    let path = context.journal().map(|path| files::shown_path(&path)).unwrap_or_default();
    if reader.lacks_log { context.words().journal.lacks_log(path) + "\n" } else { String::new() }
}

/// The rules in force, for labels and zones; the embedded ones if they can't be read.
pub(super) fn rules(context: &Context) -> RuleSet {
    files::load_in_force(&context.rules_file(), &context.folders, moment::today(None))
        .map_or_else(|_| LoadedRules::built_in(), |ready| ready.loaded)
        .rules
}

/// The zone for days and hours.
pub(super) fn zone(context: &Context, rules: &RuleSet) -> Result<FixedOffset, Stop> {
    let zone = match moment::zone(context, rules) {
        Err(stop) if context.common.zone.is_some() => return Err(stop),
        zone => zone.unwrap_or(0),
    };
    Ok(rules.zones[zone].offset)
}

fn source(report: &Report, context: &Context) -> Result<Source, Failure> {
    if report.files.is_empty() {
        let reader = open_journal(context)?;
        return Ok(Source::Journal(reader));
    }
    Ok(Source::Exports(Merge::of(&report.files)?))
}

/// The own journal, if there is one.
pub(super) fn open_journal(context: &Context) -> Result<Option<Reader>, Error> {
    let reader = context.journal().map(|path| Reader::open(&path)).transpose();
    reader.map(Option::flatten).map_err(|error| context.of_journal(error))
}

fn print_csv(source: &mut Source, question: &Question, rules: &RuleSet, out: &mut impl Write) -> Result<(), Failure> {
    let mut table = CallTable::new(question, rules);
    source.calls(question.span(), |record| Ok(table.scan(record)?))?;
    let mut out = io::BufWriter::with_capacity(1 << 16, out);
    out.write_all(table.header().as_bytes())?;
    source.calls(question.span(), |record| {
        if let Some(line) = table.line(record)? {
            out.write_all(line.as_bytes())?;
        }
        Ok(())
    })?;
    out.flush()?;
    Ok(())
}

/// Prints every call of the journal in the form that [`Merge`] reads. Returns a warning.
pub(super) fn print_export(context: &Context, span: Span, out: &mut impl Write) -> Result<String, Failure> {
    use crate::journal::export::Export;
    let mut export = Export::begin(io::BufWriter::with_capacity(1 << 16, out), Utc::now())?;
    let mut warning = String::new();
    if let Some(mut reader) = open_journal(context)? {
        warning = log_warning(&reader, context);
        // All of them, whatever the days: a part of an export must not hide one.
        for forgotten in reader.forgotten()? {
            export.forgotten(forgotten)?;
        }
        reader.calls(span, |record| Ok::<(), Failure>(export.call(record)?))?;
    }
    export.end()?;
    Ok(warning)
}
