//! `penutup man`: the man page, one for all verbs.

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::{Context, VerbOutput, localized};
use crate::words::Words;

/// Prints it.
pub fn run(context: &Context) -> VerbOutput {
    let words = context.words();
    VerbOutput::done(page(localized(words), words))
}

fn page(command: Command, words: &Words) -> String {
    let w = &words.clap;
    let verbs: Vec<Command> = command.get_subcommands().cloned().collect();
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let usage = command.get_overridden_usage().map(ToString::to_string).unwrap_or_default();
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let mut roff = Roff::new();
    roff.control("SH", [w.man_name]);
    roff.text([roman(format!("penutup - {about}"))]);
    roff.control("SH", [w.man_synopsis]);
    roff.text([bold(usage)]);
    roff.control("SH", [w.man_description]);
    for paragraph in after.split("\n\n") {
        roff.control("PP", []);
        roff.text([roman(paragraph)]);
    }
    let man = Man::new(command);
    let mut out = written(|out| man.render_title(out));
    out += &body(&roff.to_roff());
    out += &body(&written(|out| man.render_options_section(out)));
    let mut heading = Roff::new();
    heading.control("SH", [w.man_commands]);
    out += &body(&heading.to_roff());
    for verb in verbs {
        out += &of_verb(verb);
    }
    out
}

/// A verb's section: its usage as a heading, its description, its own options.
fn of_verb(verb: Command) -> String {
    let mut roff = Roff::new();
    let usage = verb.get_overridden_usage().map(ToString::to_string).unwrap_or_default();
    roff.control("SS", [usage.as_str()]);
    roff.text([roman(verb.get_about().map(ToString::to_string).unwrap_or_default())]);
    let after = verb.get_after_help().map(ToString::to_string).unwrap_or_default();
    let man = Man::new(verb.disable_help_flag(true));
    let options = written(|out| man.render_options_section(out));
    // An options heading would have the same level as the verb's.
    let options: Vec<&str> = options.lines().filter(|line| !line.starts_with(".SH")).collect();
    let mut out = body(&roff.to_roff()) + &body(&(options.join("\n") + "\n"));
    let mut roff = Roff::new();
    for paragraph in after.split("\n\n").filter(|p| !p.is_empty()) {
        roff.control("PP", []);
        let mut lines = paragraph.lines();
        roff.text([roman(lines.next().unwrap_or_default())]);
        for line in lines {
            roff.control("br", []);
            roff.text([roman(line)]);
        }
    }
    out += &body(&roff.to_roff());
    out
}

fn written(render: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>) -> String {
    let mut out: Vec<u8> = Vec::new();
    // Writing to memory does not fail.
    let _ = render(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// Without the macro definitions that every piece begins with: the page's first piece has them.
fn body(piece: &str) -> String {
    piece.lines().filter(|line| !line.starts_with(".ie ") && !line.starts_with(".el ")).fold(
        String::new(),
        |mut out, line| {
            out.push_str(line);
            out.push('\n');
            out
        },
    )
}
