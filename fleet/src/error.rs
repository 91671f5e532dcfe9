//! Why a verb could not do what it was asked: one sentence in the user's language, what helps, and the exit status.

use std::process::ExitCode;

use penutup::cli::Wrong;

use crate::words::Words;

/// How a verb ended, as the prompter's verbs end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Done.
    Done,
    /// The answer is "no".
    No,
    /// It could not be done.
    Failed,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(match status {
            Status::Done => 0,
            Status::No => 1,
            Status::Failed => 2,
        })
    }
}

impl From<Wrong> for Fail {
    fn from(wrong: Wrong) -> Self {
        Self { message: wrong.message, help: wrong.help, status: Status::Failed }
    }
}

/// A verb's failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fail {
    /// What is wrong, with its place. Cleaned of what must not meet a terminal by whoever quotes from outside.
    pub message: String,
    /// What helps.
    pub help: Option<String>,
    /// The exit status.
    pub status: Status,
}

impl Fail {
    /// It could not be done.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, status: Status::Failed }
    }

    /// With what helps.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The answer is "no".
    #[must_use]
    pub fn no(mut self) -> Self {
        self.status = Status::No;
        self
    }

    /// As it is printed on stderr.
    #[must_use]
    pub fn told(&self, words: &Words) -> String {
        let mut out = words.fail.error(&self.message);
        out.push('\n');
        if let Some(help) = &self.help {
            out.push_str(&words.fail.help(help));
            out.push('\n');
        }
        out
    }
}
