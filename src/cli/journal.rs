//! `penutup journal`: exports the journal, copies it, or deletes calls from it.

use std::fmt::Write as _;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::PathBuf;

use chrono::Utc;
use clap::{Args, ValueEnum};

use super::report::{Failure, log_warning, open_journal, print_export, rules, zone};
use super::{Context, Status, Stop, VerbOutput};
use crate::diagnostics::grouped;
use crate::files::shown_path;
use crate::journal::report::{midnight, span};
use crate::journal::store::{BUSY_TIMEOUT, Claim, Opened, Store};
use crate::journal::summary::time;
use crate::journal::trouble::{Error, Trouble};
use penutup_cli_kit::report::{Days, date};
use penutup_cli_kit::times;

/// `penutup journal export|backup|forget`.
#[derive(Debug, Args)]
pub struct Journal {
    /// What to do.
    #[arg(value_enum, value_name = "TASK", display_order = 1)]
    pub what: What,
    /// The copy.
    #[arg(value_name = "FILE", display_order = 2)]
    pub file: Option<PathBuf>,
    /// Which days are exported.
    #[command(flatten)]
    pub days: Days,
    /// Before which day calls are deleted.
    #[arg(long, value_name = "DATE", conflicts_with = "all")]
    pub before: Option<String>,
    /// Whether all are deleted.
    #[arg(long)]
    pub all: bool,
    /// Whether they are deleted without a question.
    #[arg(long)]
    pub yes: bool,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// Print every call.
    Export,
    /// Copy the whole journal.
    Backup,
    /// Delete calls.
    Forget,
}

/// Runs the verb.
///
/// # Errors
/// If arguments can't be used, or a journal can't be read or written.
pub fn run(journal: &Journal, context: &Context) -> Result<VerbOutput, Stop> {
    context.sound_settings()?;
    let option_of_the_other = match journal.what {
        What::Export | What::Backup if journal.before.is_some() => Some(("--before", "forget")),
        What::Export | What::Backup if journal.all => Some(("--all", "forget")),
        What::Export | What::Backup if journal.yes => Some(("--yes", "forget")),
        What::Forget | What::Backup if journal.days.from.is_some() => Some(("--from", "export")),
        What::Forget | What::Backup if journal.days.to.is_some() => Some(("--to", "export")),
        What::Forget | What::Export if journal.file.is_some() => Some((context.words().verbs.value_file, "backup")),
        _ => None,
    };
    if let Some((option, what)) = option_of_the_other {
        return Err(context.stop(&context.words().journal.only_for(option, what), None));
    }
    match journal.what {
        What::Export => export(journal, context),
        What::Backup => backup(journal, context),
        What::Forget => forget(journal, context),
    }
}

fn backup(journal: &Journal, context: &Context) -> Result<VerbOutput, Stop> {
    let words = context.words();
    let w = &words.journal;
    let Some(to) = &journal.file else { return Err(context.stop(w.backup_where, Some(w.backup_where_help))) };
    let reader = match open_journal(context) {
        Ok(reader) => reader,
        Err(error) => return Failure::from(error).into_answer(context),
    };
    let Some(reader) = reader else {
        let path = context.journal().map(|path| shown_path(&path)).unwrap_or_default();
        return Err(context.stop(&w.none(path), None));
    };
    let err = log_warning(&reader, context);
    match reader.backup(to) {
        Ok(()) => Ok(VerbOutput { err, ..VerbOutput::done(w.backed_up(shown_path(to)) + "\n") }),
        Err(Error::Io(error)) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(context.stop(&w.backup_exists(shown_path(to)), None))
        }
        Err(error) => {
            let why = crate::diagnostics::journal::reason(&error, words);
            Err(context.stop(&w.backup_failed(shown_path(to), why), None))
        }
    }
}

fn export(journal: &Journal, context: &Context) -> Result<VerbOutput, Stop> {
    let days = journal.days.checked(context.words()).map_err(|error| context.arg_error(&error))?;
    let span = span(days.from, days.to, zone(context, &rules(context))?);
    match print_export(context, span, &mut io::stdout().lock()) {
        Ok(err) => Ok(VerbOutput { err, ..VerbOutput::done(String::new()) }),
        Err(failure) => failure.into_answer(context),
    }
}

/// Asks on the terminal.
fn is_confirmed(question: &str, context: &Context) -> Result<bool, Stop> {
    let w = &context.words().journal;
    if !io::stdin().is_terminal() {
        return Err(context.stop(w.forget_no_terminal, Some(w.forget_no_terminal_help)));
    }
    let mut err = io::stderr().lock();
    let _ = write!(err, "{question} ").and_then(|()| err.flush());
    let mut answer = String::new();
    // An unreadable terminal counts as no.
    let _ = io::stdin().lock().read_line(&mut answer);
    let answer = answer.trim().to_lowercase();
    Ok(w.forget_yes.split(' ').any(|yes| yes == answer))
}

fn forget(journal: &Journal, context: &Context) -> Result<VerbOutput, Stop> {
    let words = context.words();
    let w = &words.journal;
    let before_ms = match &journal.before {
        Some(day) => {
            midnight(date(day, words).map_err(|error| context.arg_error(&error))?, zone(context, &rules(context))?)
                .map_or(i64::MIN, |t| t.timestamp_millis())
        }
        None if journal.all => i64::MAX,
        None => return Err(context.stop(w.forget_what, None)),
    };
    let Some(path) = context.journal() else { return Err(context.stop(w.no_home, Some(w.no_home_help))) };
    if !penutup_system::folders::exists_or_unreadable(&path) {
        return Ok(VerbOutput::done(w.none(shown_path(&path)) + "\n"));
    }
    let stop = |error: Error| {
        let why = crate::diagnostics::journal::reason(&context.of_journal(error), words);
        context.stop(&w.cannot_write(shown_path(&path), why), None)
    };
    let open = || -> Result<_, Error> {
        let claim = if context.settings.journal.path.is_some() { Claim::ByContent } else { Claim::ByPath };
        let Opened { mut store, aside } = Store::open_claimed(&path, claim, BUSY_TIMEOUT)?;
        // Calls left open by crashed processes count as ended and can be deleted, and so can those not imported yet.
        let presence = store.join()?;
        store.import(&presence, &context.spill())?;
        let found = store.forgettable(before_ms)?;
        Ok((store, presence, aside, found))
    };
    let (mut store, _presence, aside, found) = open().map_err(stop)?;
    let zone = zone(context, &rules(context))?;
    let told = |calls: u64, first_ms: i64, last_ms: i64| {
        let day = |ms: i64| time(ms).map_or_else(String::new, |at| times::date(at.with_timezone(&zone).date_naive()));
        (grouped(&calls.to_string(), words.problem.thousands), day(first_ms), day(last_ms))
    };
    let mut answer = VerbOutput::done(String::new());
    match found {
        None => answer.out = w.forgot_none.to_owned() + "\n",
        Some((calls, first_ms, last_ms)) => {
            let (count, first, last) = told(calls, first_ms, last_ms);
            if !journal.yes && !is_confirmed(&w.forget_ask(count, first, last), context)? {
                return Ok(VerbOutput { status: Status::No, ..VerbOutput::done(w.forgot_none.to_owned() + "\n") });
            }
            if let Some(done) = store.forget(before_ms, Utc::now()).map_err(stop)? {
                let (count, first, last) = told(done.calls, done.first_ms, done.last_ms);
                answer.out = w.forgot(count, first, last) + "\n";
            }
        }
    }
    if let Some(aside) = aside {
        let _ = writeln!(answer.err, "{}", crate::diagnostics::journal::trouble(&Trouble::SetAside(aside), words));
    }
    let left: Vec<String> = Store::aside(&path).iter().map(|p| shown_path(p)).collect();
    if journal.all && !left.is_empty() {
        let _ = writeln!(answer.err, "{}", w.aside_left(left.join(", ")));
    }
    Ok(answer)
}
