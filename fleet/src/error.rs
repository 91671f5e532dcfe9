//! A verb's failure: one sentence in the user's language, advice, and the exit status.

use std::process::ExitCode;

use penutup_cli_kit::arg_error::ArgError;

use crate::words::Words;

/// The first three are the prompter's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    Done,
    /// The program ran, and the answer is "no".
    No,
    Failed,
    /// Stored, but not every seat concerned uses it.
    NotEverywhere,
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(match status {
            ExitStatus::Done => 0,
            ExitStatus::No => 1,
            ExitStatus::Failed => 2,
            ExitStatus::NotEverywhere => 3,
        })
    }
}

impl From<ArgError> for CliError {
    fn from(error: ArgError) -> Self {
        Self { message: error.message, help: error.help, status: ExitStatus::Failed }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CliError {
    /// Text from outside in it must already be cleaned for a terminal.
    pub message: String,
    pub help: Option<String>,
    pub status: ExitStatus,
}

impl CliError {
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, status: ExitStatus::Failed }
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Sets the exit status to [`ExitStatus::No`].
    #[must_use]
    pub fn no(mut self) -> Self {
        self.status = ExitStatus::No;
        self
    }

    /// The lines for stderr.
    pub fn render(&self, words: &Words) -> String {
        let help = self.help.as_ref().map(|help| words.fail.help(help) + "\n");
        words.fail.error(&self.message) + "\n" + &help.unwrap_or_default()
    }
}
