//! `penutup hotkeys`: what the hotkeys of the settings press, and ready bindings that do the same with `penutup press`
//! in a desktop or a program where a prompter can't register keys itself.

mod bindings;
mod quoting;
mod registered;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use super::{Context, Stop, VerbOutput, json, moment};
use crate::action::Action;
use crate::app::press_action;
use crate::closing::ending::Outcome;
use crate::diagnostics::{shown, suggest};
use crate::files::{load_in_force, shown_path};
use crate::rules::RuleSet;
use crate::rules::ruleset::FieldKind;
use crate::settings::Hotkey;
use crate::settings::hotkeys::{Combination, MAX_WORD, suggested};
use crate::words::Words;
use bindings::Unwritable;
use penutup_cli_kit::format::Format;
use penutup_ipc::press::{MAX_PRESS, PressRefusal};
use registered::Registered;

const _: () = assert!(MAX_WORD <= MAX_PRESS, "every hotkey can be pressed");

/// `penutup hotkeys`.
#[derive(Debug, Args)]
pub struct Hotkeys {
    /// The program to print bindings for.
    #[arg(long = "for", value_enum, value_name = "PROGRAM")]
    pub target: Option<Target>,
    /// The form of the list.
    #[arg(long, value_enum, default_value_t = Format::Text, conflicts_with = "target")]
    pub format: Format,
}

/// A desktop or a program that runs a command on a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Target {
    /// GNOME: commands for a shell.
    Gnome,
    /// KDE Plasma: a file of global shortcuts.
    Kde,
    /// sway: lines of its configuration.
    Sway,
    /// i3: lines of its configuration.
    I3,
    /// `AutoHotkey` v2: a script.
    Autohotkey,
    /// Keyboard Manager of `PowerToys`: its file of remapped shortcuts.
    Powertoys,
}

/// A hotkey whose press the rules know.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Binding {
    keys: Combination,
    press: String,
    /// What the press does, in the user's language.
    label: String,
}

impl Binding {
    fn hotkey(&self) -> Hotkey {
        Hotkey { press: self.press.clone(), keys: self.keys }
    }
}

/// Runs the verb.
///
/// # Errors
/// If settings or rules can't be used, a press is unknown, or the program's path can't be written for the target.
pub fn run(hotkeys: &Hotkeys, context: &Context) -> Result<VerbOutput, Stop> {
    let settings = context.sound_settings()?;
    let loaded = load_in_force(&context.rules_file(), &context.folders, moment::today(moment::at(context)?));
    let loaded = loaded.map_err(|bad| context.bad(&bad))?.loaded;
    let Some(target) = hotkeys.target else {
        let bindings = known(&settings.hotkeys, &loaded.rules, context)?;
        let registered = Registered::of(context);
        return Ok(VerbOutput::done(match hotkeys.format {
            Format::Text => {
                let list = if bindings.is_empty() { none_yet(context) } else { list(&bindings, &registered, context) };
                let note = registered.note(&settings.hotkeys, context.words());
                note.map_or_else(|| list.clone(), |note| format!("{list}\n{note}\n"))
            }
            Format::Json => list_as_json(&bindings, &registered, &settings.hotkeys, context),
        }));
    };
    let is_suggested = settings.hotkeys.is_empty();
    let bindings = if is_suggested { suggested() } else { settings.hotkeys.clone() };
    let bindings = known(&bindings, &loaded.rules, context)?;
    let words = context.words();
    let unwritable = |Unwritable(text): Unwritable| {
        let name = bindings::name(target);
        context.stop(&words.hotkeyverb.unwritable(name, shown(&text)), Some(words.hotkeyverb.unwritable_help))
    };
    let program = bindings::program().map_err(unwritable)?;
    let mut answer = bindings::printed(target, &program, &bindings, words).map_err(unwritable)?;
    if is_suggested {
        answer.notes.insert(0, words.hotkeyverb.suggested.to_owned());
    }
    Ok(answer.output())
}

/// The hotkeys with what they press. All whose press is unknown are reported.
fn known(hotkeys: &[Hotkey], rules: &RuleSet, context: &Context) -> Result<Vec<Binding>, Stop> {
    let words = context.words();
    let (mut bindings, mut unknown) = (Vec::with_capacity(hotkeys.len()), String::new());
    for Hotkey { press, keys } in hotkeys {
        match press_action(press, rules) {
            Ok(action) => {
                let label = label(press, &action, rules, words);
                bindings.push(Binding { keys: *keys, press: press.clone(), label });
            }
            Err((why, valid)) => unknown += &unknown_press(press, why, &valid, context).0,
        }
    }
    if unknown.is_empty() { Ok(bindings) } else { Err(Stop(unknown)) }
}

fn unknown_press(press: &str, why: PressRefusal, valid: &[String], context: &Context) -> Stop {
    let (w, words) = (&context.words().hotkeyverb, context.words());
    let value = press.split_once('=').map_or(press, |(_, value)| value);
    let suggested = |wrong| suggest(wrong, valid.iter().map(String::as_str), &words.problem);
    match why {
        PressRefusal::Typed => context.stop(&w.typed(shown(press)), Some(w.typed_help)),
        PressRefusal::UnknownValue => context.stop(&w.unknown_value(shown(press)), Some(&suggested(value))),
        _ => context.stop(&w.unknown(shown(press)), Some(&suggested(press))),
    }
}

/// What a press does.
fn label(press: &str, action: &Action, rules: &RuleSet, words: &Words) -> String {
    let keys = &words.keys;
    match action {
        // The same key says that a sentence was spoken and begins the next call.
        Action::Said if press == "next" => keys.next_call.to_owned(),
        Action::Said => keys.said.to_owned(),
        Action::SaidAll => keys.said_all.to_owned(),
        Action::Undo => keys.undo.to_owned(),
        Action::End => keys.end.to_owned(),
        Action::Answer(ending) => words.outcome(Outcome::Ended(*ending)).to_owned(),
        Action::Copy => keys.copy.to_owned(),
        Action::Panel(panel) => (panel.row().label)(words).to_owned(),
        Action::Fact(fact) => keys.fact(&rules.facts[*fact].label),
        Action::SetFact(fact, value) => {
            let fact = &rules.facts[*fact];
            format!("{}: {}", fact.label, fact.values[*value].label)
        }
        Action::Field(field) => keys.field_choice(&rules.field(*field).label),
        Action::Choose(field, at) => {
            let field = rules.field(*field);
            let FieldKind::Choice(choices) = &field.kind else { return field.label.clone() };
            format!("{}: {}", field.label, choices[*at].text)
        }
        Action::Zone => keys.zone.to_owned(),
        Action::SetZone(zone) => format!("{}: {}", keys.zone, rules.zones[*zone].id),
        Action::StillHolds => keys.still.to_owned(),
        _ => keys.back.to_owned(),
    }
}

/// One line a hotkey: the combination, the press, what it does, whether it is registered.
fn list(bindings: &[Binding], registered: &Registered, context: &Context) -> String {
    let row = |b: &Binding| {
        let (_, state) = registered.state(&b.hotkey(), context.words());
        [b.keys.to_string(), shown(&b.press), shown(&b.label), state]
    };
    let rows: Vec<[String; 4]> = bindings.iter().map(row).collect();
    let widths = [0, 1, 2].map(|column| rows.iter().map(|row| row[column].width()).max().unwrap_or(0));
    let pad = |(text, to): (&String, usize)| format!("{text}{}  ", " ".repeat(to - text.width()));
    let line = |row: &[String; 4]| row.iter().zip(widths).map(pad).collect::<String>() + &row[3] + "\n";
    rows.iter().map(line).collect()
}

fn list_as_json(bindings: &[Binding], registered: &Registered, all: &[Hotkey], context: &Context) -> String {
    let hotkey = |binding: &Binding| {
        let (state, _) = registered.state(&binding.hotkey(), context.words());
        json!({ "press": binding.press, "keys": binding.keys.to_string(), "label": binding.label, "state": state })
    };
    let hotkeys: Vec<Value> = bindings.iter().map(hotkey).collect();
    let others = registered.others(all).into_iter();
    let others: Vec<Value> = others.map(|entry| json!({ "press": entry.press, "keys": entry.keys })).collect();
    json::line(&json!({ "hotkeys": hotkeys, "others": others }))
}

/// That the settings have none, and how to add some.
fn none_yet(context: &Context) -> String {
    let w = &context.words().hotkeyverb;
    let file = context.settings_file.path.clone().or_else(|| context.folders.settings());
    let message = file.map_or_else(|| w.none_no_file.to_owned(), |file| w.none(shown_path(&file)));
    let lines = suggested().into_iter().map(|hotkey| format!("{} = \"{}\"\n", hotkey.press, hotkey.keys));
    format!("{message}\n\n[hotkeys]\n{}", lines.collect::<String>())
}
