//! The command line's own help in the user's language: every text that clap would say in English is set from the
//! catalogue. What a verb or an option is called stands in its file; what it is *told* as stands here.

use clap::{Arg, Command};

use crate::words::{Words, fill};

/// Help without clap's English headings.
const TEMPLATE: &str = "{about-with-newline}\n";

/// The command with every text from the catalogue.
#[must_use]
pub fn dressed(command: Command, words: &Words) -> Command {
    let w = &words.clap;
    let common = |command: Command, id: &str, help: &str, value: Option<&'static str>| {
        option(command, id, help, value, w.common, words)
    };
    let mut command = framed(command, w.about, w.usage, words).subcommand_help_heading(w.commands).after_help(w.after);
    command = common(command, "rules", w.arg_rules, Some(w.value_file));
    command = common(command, "settings", w.arg_settings, Some(w.value_file));
    command = common(command, "lang", w.arg_lang, Some(w.value_lang));
    command = common(command, "zone", w.arg_zone, Some(w.value_zone));
    command = common(command, "at", w.arg_at, Some(w.value_at));
    command = option(command, "plain", words.plain.arg, None, w.options, words);
    command = common(command, "help", w.arg_help, None);
    command = common(command, "version", w.arg_version, None);
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    for name in &names {
        command = command.mut_subcommand(name, |sub| verb(name, sub, &names, words));
    }
    command
}

/// A verb's texts; one arm a verb.
fn verb(name: &str, sub: Command, names: &[String], words: &Words) -> Command {
    let w = &words.clap;
    let own = |sub: Command, id: &str, help: &str, value: Option<&'static str>| {
        option(sub, id, help, value, w.options, words)
    };
    match name {
        "say" => {
            let sub = framed(sub, w.say, w.say_usage, words).after_help(w.say_after);
            own(argument(sub, "pairs", w.say_pairs, w.value_pair, words), "format", w.say_format, Some(w.value_format))
        }
        "check" => {
            let sub = framed(sub, w.check, w.check_usage, words);
            let sub = argument(sub, "file", w.check_file, w.value_file, words);
            own(own(sub, "format", w.check_format, Some(w.value_format)), "deny_warnings", w.check_deny, None)
        }
        "table" => {
            let w = &words.table;
            let sub = framed(sub, w.about, w.usage, words).after_help(w.after);
            let format = Some(words.clap.value_format);
            let sub = own(argument(sub, "file", w.file, words.clap.value_file, words), "format", w.format, format);
            own(sub, "separator", w.separator, Some(w.value_separator))
        }
        "diff" => {
            let w = &words.diff;
            let sub = framed(sub, w.about, w.usage, words).after_help(w.after);
            let sub = argument(sub, "old", w.old, w.value_old, words);
            let sub = argument(sub, "new", w.new, w.value_new, words);
            own(sub, "format", w.format, Some(words.clap.value_format))
        }
        "drill" => {
            let d = &words.drillverb;
            let mut sub = framed(sub, d.about, d.usage, words).after_help(d.after);
            for (id, help, value) in [
                ("way", d.way, Some(d.value_way)),
                ("seed", d.seed, Some(d.value_number)),
                ("count", d.count, Some(d.value_number)),
                ("trainee", d.trainee, Some(d.value_id)),
                ("exam", d.exam, None),
                ("pass", d.pass, Some(d.value_number)),
                ("list", d.list, None),
                ("cards", d.cards, None),
                ("format", d.format, Some(w.value_format)),
                ("out", d.out, Some(w.value_file)),
            ] {
                sub = own(sub, id, help, value);
            }
            sub
        }
        "demo" => {
            let sub = framed(sub, words.demo.about, words.demo.usage, words).after_help(words.demo.after);
            argument(sub, "deck", words.demo.deck, words.demo.value_deck, words)
        }
        "report" => {
            let r = &words.report;
            let sub = framed(sub, r.about, r.usage, words).after_help(r.after);
            let sub = argument(sub, "files", r.files, w.value_file, words);
            let sub = own(own(sub, "from", r.from, Some(r.value_date)), "to", r.to, Some(r.value_date));
            own(own(sub, "by", r.by, Some(r.value_by)), "format", r.format, Some(w.value_format))
        }
        "journal" => {
            let (r, j) = (&words.report, &words.journal);
            let sub = framed(sub, j.about, j.usage, words).after_help(j.after);
            let sub = argument(sub, "what", j.what, j.value_what, words);
            let sub = own(own(sub, "from", j.from, Some(r.value_date)), "to", j.to, Some(r.value_date));
            own(own(sub, "before", j.before, Some(r.value_date)), "all", j.all, None)
        }
        "call" => {
            let c = &words.call;
            let sub = framed(sub, c.about, c.usage, words).after_help(c.after);
            let sub = argument(sub, "what", c.what, c.value_what, words);
            let sub = argument(sub, "rest", c.rest, c.value_rest, words);
            own(sub, "seat", c.seat, Some(c.value_seat))
        }
        "klb" => {
            let k = &words.klb;
            let sub = framed(sub, k.about, k.usage, words).after_help(k.after);
            let sub = argument(sub, "state", k.state, k.value_state, words);
            let sub = own(own(sub, "until", k.until, Some(w.value_at)), "reason", k.reason, Some(k.value_reason));
            own(sub, "by", k.by, Some(k.value_name))
        }
        "init" => framed(sub, w.init, w.init_usage, words),
        "paths" => framed(sub, w.paths, w.paths_usage, words),
        "completions" => {
            let sub = framed(sub, w.completions, w.completions_usage, words);
            argument(sub, "shell", w.completions_shell, w.value_shell, words)
        }
        "man" => framed(sub, w.man, w.man_usage, words),
        "help" => {
            let names: Vec<clap::builder::PossibleValue> = names.iter().map(Into::into).collect();
            let sub = framed(sub, w.help, w.help_usage, words).mut_arg("verb", |arg| arg.value_parser(names));
            // All the verbs in one line would be too long for a screen; they stand in the program's own help.
            argument(sub, "verb", w.help_verb, w.value_verb, words).mut_arg("verb", |arg| arg.help(w.help_verb))
        }
        _ => sub,
    }
}

/// Name, usage and the frame of the help.
#[must_use]
pub fn framed(command: Command, about: &'static str, usage: &'static str, words: &Words) -> Command {
    let template = format!("{TEMPLATE}{}: {{usage}}\n\n{{all-args}}{{after-help}}", words.clap.usage_heading);
    command.about(about).long_about(None).override_usage(usage).help_template(template)
}

/// An option's text, with the name of its value, below a heading.
#[must_use]
pub fn option(
    command: Command,
    id: &str,
    help: &str,
    value: Option<&'static str>,
    heading: &'static str,
    words: &Words,
) -> Command {
    command.mut_arg(id, |arg| named(told(arg, help, words), value).help_heading(heading))
}

/// An argument's text, with the name that it has in the usage.
#[must_use]
pub fn argument(command: Command, id: &str, help: &str, value: &'static str, words: &Words) -> Command {
    command.mut_arg(id, |arg| told(arg, help, words).value_name(value).help_heading(words.clap.arguments))
}

/// Help with the possible values behind it, which clap would head in English.
fn told(arg: Arg, help: &str, words: &Words) -> Arg {
    let w = &words.clap;
    let arg = arg.long_help(None);
    if !arg.get_action().takes_values() {
        return arg.help(help.to_owned());
    }
    let values: Vec<String> = arg.get_possible_values().iter().map(|v| v.get_name().to_owned()).collect();
    let values = values.join(", ");
    let default = arg.get_default_values().first().map(|value| value.to_string_lossy().into_owned());
    let help = match default {
        _ if values.is_empty() => help.to_owned(),
        None => fill(w.possible, &[("help", help), ("values", &values)]),
        Some(default) => fill(w.possible_default, &[("help", help), ("values", &values), ("default", &default)]),
    };
    arg.help(help).hide_possible_values(true).hide_default_value(true)
}

fn named(arg: Arg, value: Option<&'static str>) -> Arg {
    match value {
        Some(name) => arg.value_name(name),
        None => arg,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;
    use crate::words::Lang;

    /// Everything that help shows, by where it stands.
    fn texts(command: &Command, out: &mut Vec<(String, String)>) {
        let name = command.get_name();
        let mut add = |what: &str, text: Option<String>| out.push((format!("{name} {what}"), text.unwrap_or_default()));
        add("about", command.get_about().map(ToString::to_string));
        for arg in command.get_arguments() {
            add(arg.get_id().as_str(), arg.get_help().map(ToString::to_string));
            add(&format!("{} heading", arg.get_id()), arg.get_help_heading().map(Into::into));
            assert!(arg.get_long_help().is_none(), "{name} {}", arg.get_id());
        }
        for sub in command.get_subcommands() {
            texts(sub, out);
        }
    }

    #[test]
    fn nothing_in_the_help_is_left_in_the_codes_english() {
        let all = |command: Command| {
            let mut out = Vec::new();
            texts(&command, &mut out);
            out
        };
        let code = all(Cli::command());
        for lang in [Lang::Id, Lang::En] {
            let told = all(dressed(Cli::command(), lang.words()));
            assert_eq!(told.len(), code.len());
            for ((place, told), (_, code)) in told.iter().zip(&code) {
                // English may happen to say what the code says.
                let own = lang == Lang::En || told != code;
                assert!(!told.is_empty() && own, "{} {place}: {told}", lang.code());
            }
        }
    }

    #[test]
    fn the_command_is_sound() {
        dressed(Cli::command(), Lang::Id.words()).debug_assert();
    }
}
