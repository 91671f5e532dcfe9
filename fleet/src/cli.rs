//! The command line: arguments → verb → exit status. Each verb's work is its own room's.

use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use penutup::tell::outside;
use penutup::words::Lang;

use crate::fail::{Fail, Status};
use crate::words::{fill, words};
use crate::{agent, archive, config, klb, provision, report, rules, status};

/// The whole command line.
#[derive(Debug, Parser)]
#[command(name = "penutup-fleet", version)]
pub struct Cli {
    /// What every verb takes.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What every verb takes.
#[derive(Clone, Debug, Args)]
pub struct Common {
    /// The configuration file.
    #[arg(long, global = true, env = "PENUTUP_FLEET_CONFIG")]
    pub config: Option<PathBuf>,
    /// The language.
    #[arg(long, global = true, env = "PENUTUP_LANG", default_value = Lang::Id.code(), value_parser = [Lang::Id.code(), Lang::En.code()])]
    lang: String,
}

impl Common {
    /// The language.
    #[must_use]
    pub fn lang(&self) -> Lang {
        Lang::from_code(&self.lang).unwrap_or_default()
    }

    /// The configuration: the one that is named, else `file` where it is looked for.
    ///
    /// # Errors
    /// Where none is named and there is no home.
    pub fn config(&self, file: &str) -> Result<PathBuf, Fail> {
        let named = self.config.clone().or_else(|| config::default_path(file));
        named.ok_or_else(|| Fail::new(fill(words(self.lang()).config.none, &[("file", file)])))
    }
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// The process beside the prompter.
    Agent,
    /// Declare KLB for a scope, lift it, or show what is declared.
    Klb(klb::Klb),
    /// Publish rules, list what was published, go back to one of them.
    Rules(rules::Rules),
    /// Carry the closings from the streams into the database.
    Archive(archive::Archive),
    /// Add up the closings of all seats.
    Report(report::Report),
    /// Show how the seats are.
    Status(status::Status),
    /// Writes everything that the server, the seats, the supervisors and the centre need.
    Provision(provision::Provision),
}

/// Runs what the arguments ask for.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let common = &cli.common;
    let ended: Result<Status, Fail> = match &cli.verb {
        Verb::Agent => agent::run(common),
        Verb::Klb(klb) => wait_for(common, klb::run(klb, common)),
        Verb::Rules(rules) => wait_for(common, rules::run(rules, common)),
        Verb::Archive(archive) => wait_for(common, archive::run(archive, common)),
        Verb::Report(report) => wait_for(common, report::run(report, common)),
        Verb::Status(status) => wait_for(common, status::run(status, common)),
        Verb::Provision(args) => provision::run(args, common.lang()),
    };
    match ended {
        Ok(status) => status.into(),
        Err(fail) => {
            // Whoever can't be told on stderr learns it from the status.
            let _ = std::io::stderr().write_all(fail.told(words(cli.common.lang())).as_bytes());
            fail.status.into()
        }
    }
}

/// Waits for a verb that speaks over the network.
fn wait_for(common: &Common, verb: impl Future<Output = Result<Status, Fail>>) -> Result<Status, Fail> {
    let lang = common.lang();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
        let why = outside::reason(&error, lang.words());
        Fail::new(fill(words(lang).cli.no_runtime, &[("why", &why)]))
    })?;
    runtime.block_on(verb)
}

/// Prints a result. A reader that went away has what it wanted.
///
/// # Errors
/// Where it can't be printed.
pub fn print(text: &str, lang: Lang) -> Result<(), Fail> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let why = outside::reason(&error, lang.words());
            Err(Fail::new(fill(lang.words().cli.cannot_print, &[("why", &why)])))
        }
        _ => Ok(()),
    }
}

/// Says something beside the result, a line on standard error.
pub fn say(text: &str) {
    // There is nobody left to tell if this fails.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Answers when the system or a person wants the program to end.
#[cfg(unix)]
pub async fn ended() {
    use tokio::signal::unix::{SignalKind, signal};
    match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
        (Ok(mut terminate), Ok(mut interrupt)) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        }
        // Then the system's own way ends it.
        _ => std::future::pending().await,
    }
}

/// Answers when a person wants the program to end.
#[cfg(not(unix))]
pub async fn ended() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
