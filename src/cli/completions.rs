//! `penutup completions`: the completion script of a shell.

use clap::Args;
use clap_complete::{Shell, generate};

use super::{Context, VerbOutput, localized};

/// `penutup completions SHELL`.
#[derive(Debug, Args)]
pub struct Completions {
    /// Which shell.
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Prints it.
pub fn run(completions: &Completions, context: &Context) -> VerbOutput {
    let mut command = localized(context.words());
    let mut out = Vec::new();
    generate(completions.shell, &mut command, "penutup", &mut out);
    VerbOutput::done(String::from_utf8_lossy(&out).into_owned())
}
