//! The command line's own help in the user's language, in the prompter's frame: what a verb or an option is called stands
//! in its file; what it is *told* as stands here.

use clap::Command;
use penutup::cli::dress::{argument, framed, option};
use penutup::words::Lang;

use crate::words::words;

/// The command with every text from the catalogues.
#[must_use]
pub fn dressed(command: Command, lang: Lang) -> Command {
    let (w, own) = (&words(lang).help, lang.words());
    let c = &own.clap;
    let common = |command: Command, id: &str, help: &str, value| option(command, id, help, value, c.common, own);
    let mut command = framed(command, w.about, w.usage, own).subcommand_help_heading(c.commands).after_help(w.after);
    command = common(command, "config", w.config, Some(c.value_file)).mut_arg("config", |arg| arg.hide_env(true));
    command = common(command, "lang", c.arg_lang, Some(c.value_lang)).mut_arg("lang", |arg| arg.hide_env(true));
    command = common(command, "help", c.arg_help, None);
    command = common(command, "version", c.arg_version, None);
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    for name in &names {
        command = command.mut_subcommand(name, |sub| verb(name, sub, lang));
    }
    command
}

/// A verb's texts; one arm a verb.
fn verb(name: &str, sub: Command, lang: Lang) -> Command {
    let (w, own) = (&words(lang).help, lang.words());
    let (c, r) = (&own.clap, &own.report);
    let opt = |sub: Command, id: &str, help: &str, value| option(sub, id, help, value, c.options, own);
    let zone = |sub: Command| opt(sub, "zone", w.zone, Some(c.value_zone));
    match name {
        "agent" => framed(sub, w.agent, w.agent_usage, own),
        "klb" => {
            let sub = argument(framed(sub, w.klb, w.klb_usage, own), "what", w.klb_what, w.value_what, own);
            let sub = opt(sub, "scope", w.klb_scope, Some(w.value_scope));
            let sub = opt(sub, "until", w.klb_until, Some(c.value_at));
            zone(opt(sub, "reason", w.klb_reason, Some(w.value_reason)))
        }
        "rules" => {
            let sub = zone(framed(sub, w.rules, w.rules_usage, own)).subcommand_help_heading(c.commands);
            let version = |sub: Command| argument(sub, "version", w.version, w.value_version, own);
            let yes = |sub: Command| opt(sub, "yes", w.yes, None);
            sub.mut_subcommand("publish", |sub| {
                let sub = framed(sub, w.publish, w.publish_usage, own);
                yes(argument(sub, "file", w.publish_file, c.value_file, own))
            })
            .mut_subcommand("list", |sub| framed(sub, w.list, w.list_usage, own))
            .mut_subcommand("rollback", |sub| yes(version(framed(sub, w.rollback, w.rollback_usage, own))))
            .mut_subcommand("show", |sub| version(framed(sub, w.show, w.show_usage, own)))
        }
        "archive" => {
            let sub = framed(sub, w.archive, w.archive_usage, own);
            opt(sub, "ask_every", w.archive_ask, Some(w.value_seconds))
        }
        "report" => {
            let sub = framed(sub, w.report, w.report_usage, own);
            let sub = opt(opt(sub, "from", r.from, Some(r.value_date)), "to", r.to, Some(r.value_date));
            let sub = opt(opt(sub, "by", r.by, Some(r.value_by)), "format", r.format, Some(c.value_format));
            zone(opt(sub, "site", w.report_site, Some(w.value_site)))
        }
        "status" => {
            let sub = framed(sub, w.status, w.status_usage, own);
            let sub = opt(sub, "site", w.status_site, Some(w.value_site));
            zone(opt(opt(sub, "once", w.status_once, None), "format", r.format, Some(c.value_format)))
        }
        "provision" => {
            let sub = framed(sub, w.provision, w.provision_usage, own);
            let sub = argument(sub, "file", w.provision_file, c.value_file, own);
            let sub = argument(sub, "folder", w.provision_folder, w.value_folder, own);
            opt(opt(sub, "streams", w.provision_streams, None), "renew", w.provision_renew, Some(w.value_who))
        }
        _ => sub,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    /// Everything that help shows, by where it stands.
    fn texts(command: &Command, place: &str, out: &mut Vec<(String, String)>) {
        let place = format!("{place} {}", command.get_name());
        let mut add =
            |what: &str, text: Option<String>| out.push((format!("{place} {what}"), text.unwrap_or_default()));
        add("about", command.get_about().map(ToString::to_string));
        for arg in command.get_arguments() {
            add(arg.get_id().as_str(), arg.get_help().map(ToString::to_string));
            add(&format!("{} heading", arg.get_id()), arg.get_help_heading().map(Into::into));
            assert!(arg.get_long_help().is_none(), "{place} {}", arg.get_id());
        }
        for sub in command.get_subcommands() {
            texts(sub, &place, out);
        }
    }

    #[test]
    fn nothing_in_the_help_is_left_in_the_codes_english() {
        let all = |command: Command| {
            let mut out = Vec::new();
            texts(&command, "", &mut out);
            out
        };
        let code = all(Cli::command());
        for lang in [Lang::Id, Lang::En] {
            let told = all(dressed(Cli::command(), lang));
            assert_eq!(told.len(), code.len());
            for ((place, told), (_, code)) in told.iter().zip(&code) {
                // English may happen to say what the code says.
                let own = lang == Lang::En || told != code;
                assert!(!told.is_empty() && own, "{} {place}: {told}", lang.code());
            }
            dressed(Cli::command(), lang).debug_assert();
        }
    }
}
