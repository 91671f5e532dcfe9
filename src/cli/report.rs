//! `penutup report`: statistics of the journal, or of several seats' exports.

use std::io::{self, Write};
use std::path::PathBuf;

use chrono::{FixedOffset, Utc};
use clap::Args;

use super::VerbOutput;
use super::{ArgError, Context, Stop, moment};
use crate::diagnostics::outside;
use crate::files;
use crate::journal::merge::{Merge, Refused};
use crate::journal::read::{Reader, Span};
use crate::journal::record::Record;
use crate::journal::report::{Report as Sums, ReportBuilder, span};
use crate::journal::summary::Interner;
use crate::journal::trouble::Error;
use crate::loaded::LoadedRules;
use crate::rules::RuleSet;

use penutup_cli_kit::report::{Days, Form, parse_by, render};
pub use penutup_cli_kit::report::{csv, text};

/// `penutup report [FILE]...`.
#[derive(Debug, Args)]
pub struct Report {
    /// Exports of several seats.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Which days.
    #[command(flatten)]
    pub days: Days,
    /// What it is divided by.
    #[arg(long)]
    pub by: Option<String>,
    /// The form of the result.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Form,
}

/// Why a report or an export failed.
pub(super) enum Failure {
    /// Output can't be written.
    Out(io::Error),
    /// The journal can't be read.
    Journal(Error),
    /// An export can't be used.
    Export(Refused),
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
    fn sums(&mut self, span: Span, zone: FixedOffset) -> Result<Sums, Failure> {
        let mut builder = ReportBuilder::new(zone);
        let texts = match self {
            Self::Journal(None) => Interner::default(),
            Self::Journal(Some(reader)) => reader.summaries(span, |summary| builder.add(summary))?,
            Self::Exports(merge) => merge.each(span, |summary, _| {
                builder.add(summary);
                Ok::<(), Failure>(())
            })?,
        };
        Ok(builder.report(&texts))
    }

    fn calls(&mut self, span: Span, mut each: impl FnMut(&Record) -> Result<(), Failure>) -> Result<(), Failure> {
        match self {
            Self::Journal(None) => Ok(()),
            Self::Journal(Some(reader)) => reader.calls(span, each),
            Self::Exports(merge) => merge.each(span, |_, record| each(record)).map(drop),
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
    let wrong = |error: ArgError| context.arg_error(&error);
    let days = report.days.checked(words).map_err(wrong)?;
    let by = parse_by(report.by.as_deref(), report.format, words).map_err(wrong)?;
    let rules = rules(context);
    let zone = zone(context, &rules)?;
    let span = span(days.from, days.to, zone);
    let mut source = match source(report, context) {
        Ok(source) => source,
        Err(failure) => return failure.into_answer(context),
    };
    if report.format == Form::Csv {
        return match print_csv(&mut source, span, zone, &mut io::stdout().lock()) {
            Ok(()) => Ok(VerbOutput::done(String::new())),
            Err(failure) => failure.into_answer(context),
        };
    }
    let sums = match source.sums(span, zone) {
        Ok(sums) => sums,
        Err(failure) => return failure.into_answer(context),
    };
    render(&sums, report.format, days, by.as_ref(), &rules, words).map(VerbOutput::done).map_err(wrong)
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
fn open_journal(context: &Context) -> Result<Option<Reader>, Error> {
    let reader = context.journal().map(|path| Reader::open(&path)).transpose();
    reader.map(Option::flatten).map_err(|error| context.of_journal(error))
}

fn print_csv(source: &mut Source, span: Span, zone: FixedOffset, out: &mut impl Write) -> Result<(), Failure> {
    let mut out = io::BufWriter::with_capacity(1 << 16, out);
    out.write_all(csv::header().as_bytes())?;
    source.calls(span, |record| Ok(out.write_all(csv::line(record, zone).as_bytes())?))?;
    out.flush()?;
    Ok(())
}

/// Prints every call of the journal in the form that [`Merge`] reads.
pub(super) fn print_export(context: &Context, span: Span, out: &mut impl Write) -> Result<(), Failure> {
    use crate::journal::export::Export;
    let mut export = Export::begin(io::BufWriter::with_capacity(1 << 16, out), Utc::now())?;
    if let Some(mut reader) = open_journal(context)? {
        reader.calls(span, |record| Ok::<(), Failure>(export.call(record)?))?;
    }
    export.end()?;
    Ok(())
}
