//! The form of a result, where it is read by people or by programs.

use clap::ValueEnum;

/// The form of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// One line of JSON.
    Json,
}
