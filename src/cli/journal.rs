//! `penutup journal`: exports the journal, or deletes calls from it.

use std::fmt::Write as _;
use std::io;

use clap::{Args, ValueEnum};

use super::report::{print_export, rules, zone};
use super::{Context, Stop, VerbOutput};
use crate::diagnostics::grouped;
use crate::files::shown_path;
use crate::journal::report::{midnight, span};
use crate::journal::store::{Claim, Opened, Store};
use crate::journal::trouble::{Error, Trouble};
use penutup_cli_kit::report::{Days, date};

/// `penutup journal export|forget`.
#[derive(Debug, Args)]
pub struct Journal {
    /// What to do.
    #[arg(value_enum, value_name = "TASK")]
    pub what: What,
    /// Which days are exported.
    #[command(flatten)]
    pub days: Days,
    /// Before which day calls are deleted.
    #[arg(long, value_name = "DATE", conflicts_with = "all")]
    pub before: Option<String>,
    /// Whether all are deleted.
    #[arg(long)]
    pub all: bool,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// Print every call.
    Export,
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
        What::Export if journal.before.is_some() => Some(("--before", "forget")),
        What::Export if journal.all => Some(("--all", "forget")),
        What::Forget if journal.days.from.is_some() => Some(("--from", "export")),
        What::Forget if journal.days.to.is_some() => Some(("--to", "export")),
        _ => None,
    };
    if let Some((option, what)) = option_of_the_other {
        return Err(context.stop(&context.words().journal.only_for(option, what), None));
    }
    match journal.what {
        What::Export => export(journal, context),
        What::Forget => forget(journal, context),
    }
}

fn export(journal: &Journal, context: &Context) -> Result<VerbOutput, Stop> {
    let days = journal.days.checked(context.words()).map_err(|error| context.arg_error(&error))?;
    let span = span(days.from, days.to, zone(context, &rules(context))?);
    match print_export(context, span, &mut io::stdout().lock()) {
        Ok(()) => Ok(VerbOutput::done(String::new())),
        Err(failure) => failure.into_answer(context),
    }
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
    let forgotten = || -> Result<_, Error> {
        let claim = if context.settings.journal.path.is_some() { Claim::ByContent } else { Claim::ByPath };
        let Opened { mut store, aside } = Store::open_claimed(&path, claim)?;
        // Calls left open by crashed processes count as ended and can be deleted, and so can those not imported yet.
        let presence = store.join()?;
        store.import(&presence, &context.spill())?;
        Ok((store.delete_before(before_ms)?, aside))
    };
    let (count, aside) = forgotten().map_err(|error| context.of_journal(error)).map_err(|error| {
        context.stop(&w.cannot_write(shown_path(&path), crate::diagnostics::journal::reason(&error, words)), None)
    })?;
    let shown = grouped(&count.to_string(), words.problem.thousands);
    let mut answer = VerbOutput::done(match count {
        0 => w.forgot_none.into(),
        1 => w.forgot_one.into(),
        _ => w.forgot(shown),
    });
    answer.out.push('\n');
    if let Some(aside) = aside {
        let _ = writeln!(answer.err, "{}", crate::diagnostics::journal::trouble(&Trouble::SetAside(aside), words));
    }
    let left: Vec<String> = Store::aside(&path).iter().map(|p| shown_path(p)).collect();
    if journal.all && !left.is_empty() {
        let _ = writeln!(answer.err, "{}", w.aside_left(left.join(", ")));
    }
    Ok(answer)
}
