//! An argument that can't be used, without knowledge of where the message will be shown.

/// An argument that can't be used: what is wrong with it, and what helps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgError {
    /// What is wrong.
    pub message: String,
    /// What helps.
    pub help: Option<String>,
}

impl ArgError {
    /// Something is wrong.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None }
    }

    /// With what helps.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
