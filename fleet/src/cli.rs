//! The command line: arguments → verb → exit status. Each verb's work is its own room's.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use penutup::words::Lang;

use crate::agent;
use crate::config;
use crate::fail::{Fail, Status};
use crate::provision;
use crate::words::{fill, words};

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
    /// Writes everything that the server, the seats, the supervisors and the centre need.
    Provision(provision::Provision),
}

/// Runs what the arguments ask for.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let ended: Result<Status, Fail> = match &cli.verb {
        Verb::Agent => agent::run(&cli.common),
        Verb::Provision(args) => provision::run(args, cli.common.lang()),
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
