//! clap's help in the user's language. Every text is looked up in the catalogue's `[verbs]` by key: a command by its
//! name (`say`, `say_usage`, `say_after`), an argument by its command and ID (`say_pairs`) or, if several commands
//! share it, by its ID (`arg_zone`), and a value's name by clap's (`value_file`).

use clap::{Arg, Command};

use crate::words::Words;

/// Localizes the command and everything below it. Keys that `text` lacks keep the code's English, which a test forbids.
pub fn localize(command: Command, text: &dyn Fn(&str) -> Option<&'static str>, words: &Words) -> Command {
    let w = &words.clap;
    let name = command.get_name().replace('-', "_");
    let subcommands: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    // A template without clap's English headings.
    let template = format!("{{about-with-newline}}\n{}: {{usage}}\n\n{{all-args}}{{after-help}}", w.usage_heading);
    let mut command = command
        .mut_args(|arg| localize_argument(arg, &name, text, words))
        .long_about(None)
        .help_template(template)
        .subcommand_help_heading(w.commands);
    if let Some(about) = text(&name) {
        command = command.about(about);
    }
    if let Some(usage) = text(&format!("{name}_usage")) {
        command = command.override_usage(usage);
    }
    if let Some(after) = text(&format!("{name}_after")) {
        command = command.after_help(after);
    }
    subcommands.iter().fold(command, |command, name| command.mut_subcommand(name, |sub| localize(sub, text, words)))
}

fn localize_argument(arg: Arg, command: &str, text: &dyn Fn(&str) -> Option<&'static str>, words: &Words) -> Arg {
    let w = &words.clap;
    let id = arg.get_id().to_string();
    let is_common = arg.is_global_set() || matches!(id.as_str(), "version" | "verbose");
    let heading = match (arg.is_positional(), is_common) {
        (true, _) => w.arguments,
        (_, true) => w.common,
        _ => w.options,
    };
    let value = arg.get_value_names().and_then(|names| text(&format!("value_{}", names.first()?.to_lowercase())));
    let help = text(&format!("{command}_{id}")).or_else(|| text(&format!("arg_{id}")));
    let mut arg = arg.long_help(None).help_heading(heading);
    if let Some(help) = help {
        let help = with_values(&arg, help, words);
        arg = arg.help(help);
    }
    if arg.get_action().takes_values() {
        arg = arg.hide_possible_values(true).hide_default_value(true);
    }
    match value {
        Some(value) => arg.value_name(value),
        None => arg,
    }
}

/// The help followed by the possible values, which clap would introduce in English.
fn with_values(arg: &Arg, help: &str, words: &Words) -> String {
    let w = &words.clap;
    if !arg.get_action().takes_values() || arg.is_hide_possible_values_set() {
        return help.to_owned();
    }
    let values: Vec<String> = arg.get_possible_values().iter().map(|v| v.get_name().to_owned()).collect();
    let values = values.join(", ");
    match arg.get_default_values().first().map(|value| value.to_string_lossy()) {
        _ if values.is_empty() => help.to_owned(),
        None => w.possible(help, &values),
        Some(default) => w.possible_default(&default, help, &values),
    }
}

/// Every text that help shows, for the test that none is the code's English.
#[doc(hidden)]
pub fn texts(command: &Command) -> Vec<String> {
    let mut out = vec![command.get_about(), command.get_overridden_usage()];
    for arg in command.get_arguments() {
        out.push(arg.get_help());
    }
    let mut out: Vec<String> = out.into_iter().map(|text| text.map(ToString::to_string).unwrap_or_default()).collect();
    for arg in command.get_arguments().filter(|arg| arg.get_action().takes_values()) {
        out.extend(arg.get_value_names().unwrap_or_default().iter().map(ToString::to_string));
    }
    out.extend(command.get_subcommands().flat_map(texts));
    out
}
