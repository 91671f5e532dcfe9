//! Command-line errors in the user's language: clap supplies the kind and place, the catalogue the text.

use clap::Command;
use clap::error::{ContextKind, ContextValue, Error, ErrorKind};
use std::fmt::Write as _;

use crate::diagnostics::draw::{self, Canvas};
use crate::diagnostics::{shown, suggest};
use crate::words::Words;

/// Describes an error on the command line of `command`, followed by the usage.
pub fn describe(error: &Error, command: &Command, words: &Words, canvas: Canvas) -> String {
    let (message, help) = what(error, command, words);
    let mut out = draw::message(&message, help.as_deref(), words, canvas);
    let w = &words.clap;
    if let Some(usage) = usage_of(error) {
        let verb = usage.split(' ').nth(1).filter(|word| word.chars().all(|c| c.is_ascii_lowercase()));
        let command: Vec<&str> = [command.get_name()].into_iter().chain(verb).chain(["--help"]).collect();
        let see = w.see_help(command.join(" "));
        let _ = write!(out, "\n\n{}: {usage}\n{see}", w.usage_heading);
    }
    out + "\n"
}

/// The verb's usage, without its heading.
fn usage_of(error: &Error) -> Option<String> {
    let usage = text(error, ContextKind::Usage)?;
    Some(usage.split_once(": ").map_or(usage.as_str(), |(_, usage)| usage).trim().to_owned())
}

/// What is wrong, and how to correct it.
fn what(error: &Error, command: &Command, words: &Words) -> (String, Option<String>) {
    let w = &words.clap;
    let argument = || text(error, ContextKind::InvalidArg).map(|a| shown(&a)).unwrap_or_default();
    let value = || text(error, ContextKind::InvalidValue).map(|v| shown(&v)).unwrap_or_default();
    match error.kind() {
        ErrorKind::UnknownArgument => {
            let help = names(error, ContextKind::SuggestedArg).first().map(|near| did_you_mean(near, words));
            (w.unknown_argument(argument()), help)
        }
        ErrorKind::InvalidSubcommand => {
            let verb = text(error, ContextKind::InvalidSubcommand).unwrap_or_default();
            // If the verb has subcommands, these are meant.
            let of = usage_of(error).and_then(|usage| command.find_subcommand(usage.split(' ').nth(1)?));
            let of = of.filter(|of| of.has_subcommands()).unwrap_or(command);
            let valid: Vec<&str> = of.get_subcommands().map(Command::get_name).collect();
            let message = w.unknown_verb(shown(&verb));
            (message, Some(suggest(&verb, valid, &words.problem)))
        }
        ErrorKind::InvalidValue if value().is_empty() => (w.no_value(argument()), valid(error, words)),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            (w.invalid_value(argument(), value()), valid(error, words))
        }
        ErrorKind::TooManyValues => (w.unexpected_value(argument(), value()), None),
        ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues | ErrorKind::NoEquals => {
            (w.no_value(argument()), None)
        }
        ErrorKind::MissingRequiredArgument => {
            let missing = names(error, ContextKind::InvalidArg).join(", ");
            (w.missing_argument(&missing), None)
        }
        ErrorKind::ArgumentConflict => {
            let other = names(error, ContextKind::PriorArg).join(", ");
            let argument = argument();
            let is_twice = other.is_empty() || other == argument;
            (if is_twice { w.twice(argument) } else { w.conflict(argument, other) }, None)
        }
        ErrorKind::InvalidUtf8 => (w.not_utf8.into(), None),
        _ => (w.other_error.into(), None),
    }
}

fn did_you_mean(near: &str, words: &Words) -> String {
    words.clap.did_you_mean(near)
}

/// The possible values, and the most similar one.
fn valid(error: &Error, words: &Words) -> Option<String> {
    let all = names(error, ContextKind::ValidValue);
    if all.is_empty() {
        return None;
    }
    let wrong = text(error, ContextKind::InvalidValue).unwrap_or_default();
    Some(suggest(&wrong, all.iter().map(String::as_str), &words.problem))
}

fn text(error: &Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::StyledStr(text) => Some(text.to_string()),
        _ => None,
    }
}

fn names(error: &Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(name)) => vec![shown(name)],
        Some(ContextValue::Strings(names)) => names.iter().map(|name| shown(name)).collect(),
        _ => Vec::new(),
    }
}
