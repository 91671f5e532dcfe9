//! Bindings for the programs that run a command on a key: each runs `penutup press --quiet` with this program's path.

use std::env;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::quoting::{
    autohotkey, desktop_exec, desktop_value, gvariant, i3_command, shell, sway_word, windows_argument,
};
use super::{Binding, Target};
use crate::cli::VerbOutput;
use crate::rules::text::clean;
use crate::settings::hotkeys::{Combination, Key};
use crate::words::Words;

/// A text that the target's format can't hold.
#[derive(Debug)]
pub struct Unwritable(pub String);

/// What is printed for a target.
#[derive(Debug)]
pub struct Printed {
    /// What a user must know: where to save it.
    pub notes: Vec<String>,
    /// What begins a comment; `None`: the format has none, and the notes go to standard error.
    comment: Option<&'static str>,
    /// The first line, if it must be the first.
    first: &'static str,
    text: String,
}

impl Printed {
    pub fn output(self) -> VerbOutput {
        let lines = |mark: &str| self.notes.iter().fold(String::new(), |out, note| out + mark + note + "\n");
        let mut output = VerbOutput::done(String::new());
        if let Some(comment) = self.comment {
            output.out = format!("{}{}\n{}", self.first, lines(&format!("{comment} ")), self.text);
        } else {
            output.err = lines("");
            output.out = self.text;
        }
        output
    }
}

/// The target's own name.
pub fn name(target: Target) -> &'static str {
    match target {
        Target::Gnome => "GNOME",
        Target::Kde => "KDE Plasma",
        Target::Sway => "sway",
        Target::I3 => "i3",
        Target::Autohotkey => "AutoHotkey",
        Target::Powertoys => "PowerToys",
    }
}

/// The path of this program.
///
/// # Errors
/// If it is no text.
pub fn program() -> Result<String, Unwritable> {
    let path = env::current_exe().map_err(|error| Unwritable(error.to_string()))?;
    path.into_os_string().into_string().map_err(|path| Unwritable(path.to_string_lossy().into_owned()))
}

/// The bindings in the form of the target.
///
/// # Errors
/// If the target's format can't hold the path or a press.
pub fn printed(target: Target, program: &str, bindings: &[Binding], words: &Words) -> Result<Printed, Unwritable> {
    let texts = || std::iter::once(program).chain(bindings.iter().map(|binding| &*binding.press));
    let refused = |cannot: fn(&str) -> bool| texts().find(|text| cannot(text)).map(|text| Unwritable(text.to_owned()));
    let w = &words.hotkeyverb;
    let (note, comment, first, text) = match target {
        _ if texts().any(|text| text.chars().any(char::is_control)) => return Err(Unwritable(program.to_owned())),
        Target::Gnome => (w.save_gnome, Some("#"), "#!/bin/sh\n", gnome(program, bindings)),
        Target::Kde => (w.save_kde, Some("#"), "", kde(program, bindings)),
        Target::Sway => (w.save_sway, Some("#"), "", sway(program, bindings)),
        // By this line i3 recognizes its present format in a file of its own.
        Target::I3 => (w.save_i3, Some("#"), "# i3 config file (v4)\n", i3(program, bindings)),
        Target::Autohotkey | Target::Powertoys if program.contains('"') => return Err(Unwritable(program.to_owned())),
        Target::Autohotkey => (w.save_autohotkey, Some(";"), "", autohotkey_script(program, bindings)),
        Target::Powertoys => match refused(|text| text.matches('%').count() > 1) {
            // It would replace what is between them with an environment variable, and has no escape.
            Some(unwritable) => return Err(unwritable),
            None => (w.save_powertoys, None, "", powertoys(program, bindings)),
        },
    };
    Ok(Printed { notes: vec![note.to_owned()], comment, first, text })
}

/// The modifiers of a combination in the order of `names`: Super, Ctrl, Alt, Shift.
fn held(keys: Combination, names: [&'static str; 4]) -> impl Iterator<Item = &'static str> {
    let held = [keys.super_key, keys.ctrl, keys.alt, keys.shift];
    names.into_iter().zip(held).filter(|(_, held)| *held).map(|(name, _)| name)
}

/// An ID for each binding: its press in the characters that every target allows, numbered where that is not unique.
fn ids(bindings: &[Binding]) -> Vec<String> {
    let mut ids: Vec<String> = Vec::with_capacity(bindings.len());
    for binding in bindings {
        let id: String = binding
            .press
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
            .collect();
        let mut unique = id.clone();
        for number in 2.. {
            if !ids.contains(&unique) {
                break;
            }
            unique = format!("{id}-{number}");
        }
        ids.push(unique);
    }
    ids
}

/// The name of a key in X11, Wayland and GTK.
fn keysym(key: Key) -> String {
    match key {
        Key::Letter(letter) => letter.to_ascii_lowercase().to_string(),
        Key::Space => "space".into(),
        Key::Enter => "Return".into(),
        Key::Backspace => "BackSpace".into(),
        Key::PageUp => "Page_Up".into(),
        Key::PageDown => "Page_Down".into(),
        Key::Esc => "Escape".into(),
        key => key.to_string(),
    }
}

/// Shell commands that replace the bindings of an earlier run and keep all others.
fn gnome(program: &str, bindings: &[Binding]) -> String {
    let mut out = String::from(
        "set -eu\n\
         keys=org.gnome.settings-daemon.plugins.media-keys\n\
         base=/org/gnome/settings-daemon/plugins/media-keys/custom-keybindings/penutup-\n\
         list=$(gsettings get \"$keys\" custom-keybindings)\n\
         list=$(printf '%s\\n' \"$list\" | sed -e \"s|'$base[^']*'||g\" -e 's|^@as ||' \
         -e ':a' -e 's|\\[ *, *|[|' -e 's|, *,|,|' -e 's|, *\\]|]|' -e 'ta')\n\
         add() {\n    \
             path=$base$1/\n    \
             gsettings set \"$keys.custom-keybinding:$path\" name \"$2\"\n    \
             gsettings set \"$keys.custom-keybinding:$path\" binding \"$3\"\n    \
             gsettings set \"$keys.custom-keybinding:$path\" command \"$4\"\n    \
             case $list in '[]') list=\"['$path']\" ;; *) list=\"${list%]}, '$path']\" ;; esac\n\
         }\n",
    );
    for (binding, id) in bindings.iter().zip(ids(bindings)) {
        let modifiers: String = held(binding.keys, ["<Super>", "<Control>", "<Alt>", "<Shift>"]).collect();
        let keys = modifiers + &keysym(binding.keys.key);
        let command = [program, "press", "--quiet", &binding.press].map(shell).join(" ");
        let name = format!("penutup: {}", clean(&binding.label));
        let values = [name, keys, command].map(|value| shell(&gvariant(&value)));
        let _ = writeln!(out, "add {id} {}", values.join(" "));
    }
    out + "gsettings set \"$keys\" custom-keybindings \"$list\"\n"
}

/// A file of global shortcuts, with an action for each binding.
fn kde(program: &str, bindings: &[Binding]) -> String {
    let ids = ids(bindings);
    // The file's own command is what its entry in System Settings would start.
    let mut out = format!(
        "[Desktop Entry]\nType=Application\nName=penutup\nExec={}\nTerminal=true\nX-KDE-GlobalShortcutType=Service\n\
         Actions={};\n",
        desktop_exec(program),
        ids.join(";")
    );
    for (binding, id) in bindings.iter().zip(ids) {
        let modifiers: String = held(binding.keys, ["Meta+", "Ctrl+", "Alt+", "Shift+"]).collect();
        let key = match binding.keys.key {
            Key::Enter => "Return".into(),
            Key::Insert => "Ins".into(),
            Key::Delete => "Del".into(),
            Key::PageUp => "PgUp".into(),
            Key::PageDown => "PgDown".into(),
            key => key.to_string(),
        };
        let command = [program, "press", "--quiet", &binding.press].map(desktop_exec).join(" ");
        let name = desktop_value(&clean(&binding.label));
        let _ = write!(out, "\n[Desktop Action {id}]\nName={name}\nExec={command}\nX-KDE-Shortcuts={modifiers}{key}\n");
    }
    out
}

/// Lines for a window manager's configuration.
fn bindsym(bindings: &[Binding], command: impl Fn(&str) -> String) -> String {
    bindings.iter().fold(String::new(), |mut out, binding| {
        let modifiers: String = held(binding.keys, ["Mod4+", "Ctrl+", "Mod1+", "Shift+"]).collect();
        let _ = writeln!(out, "bindsym {modifiers}{} {}", keysym(binding.keys.key), command(&binding.press));
        out
    })
}

fn sway(program: &str, bindings: &[Binding]) -> String {
    let command = |press: &str| format!("exec {} press --quiet {}", sway_word(program), sway_word(press));
    bindsym(bindings, command)
}

fn i3(program: &str, bindings: &[Binding]) -> String {
    let command = |press: &str| format!("exec --no-startup-id {}", i3_command(&[program, "press", "--quiet", press]));
    bindsym(bindings, command)
}

fn autohotkey_script(program: &str, bindings: &[Binding]) -> String {
    let mut out = String::from("#Requires AutoHotkey v2.0\n#SingleInstance Force\n\n");
    for binding in bindings {
        let modifiers: String = held(binding.keys, ["#", "^", "!", "+"]).collect();
        let key = match binding.keys.key {
            Key::Letter(letter) => letter.to_ascii_lowercase().to_string(),
            Key::PageUp => "PgUp".into(),
            Key::PageDown => "PgDn".into(),
            key => key.to_string(),
        };
        let command = format!("\"{program}\" press --quiet {}", windows_argument(&binding.press));
        let _ = writeln!(out, "{modifiers}{key}::Run({}, , 'Hide')", autohotkey(&command));
    }
    out
}

/// The file of Keyboard Manager with nothing but the bindings.
fn powertoys(program: &str, bindings: &[Binding]) -> String {
    let global: Vec<Value> = bindings
        .iter()
        .map(|binding| {
            let modifiers = held(binding.keys, ["260", "17", "18", "16"]).map(str::to_owned);
            let keys: Vec<String> = modifiers.chain([virtual_key(binding.keys.key).to_string()]).collect();
            json!({
                "originalKeys": keys.join(";"),
                "exactMatch": true,
                "runProgramElevationLevel": 0,
                "operationType": 1,
                // Start another: the open prompter has the same file name, and would else be shown instead.
                "runProgramAlreadyRunningAction": 1,
                // Without a window.
                "runProgramStartWindowType": 1,
                "runProgramFilePath": program,
                "runProgramArgs": format!("press --quiet {}", windows_argument(&binding.press)),
                "runProgramStartInDir": "",
                // What the editor writes, for its older versions.
                "unicodeText": "*Unsupported*",
            })
        })
        .collect();
    let file = json!({
        "remapKeys": { "inProcess": [] },
        "remapKeysToText": { "inProcess": [] },
        "remapShortcuts": { "global": global, "appSpecific": [] },
        "remapShortcutsToText": { "global": [], "appSpecific": [] },
    });
    format!("{file:#}\n")
}

/// The code of a key in Windows (`VK_…`).
fn virtual_key(key: Key) -> u32 {
    match key {
        Key::Letter(letter) => letter.into(),
        Key::Digit(digit) => 0x30 + u32::from(digit),
        Key::Function(number) => 0x6f + u32::from(number),
        Key::Backspace => 0x08,
        Key::Tab => 0x09,
        Key::Enter => 0x0d,
        Key::Esc => 0x1b,
        Key::Space => 0x20,
        Key::PageUp => 0x21,
        Key::PageDown => 0x22,
        Key::End => 0x23,
        Key::Home => 0x24,
        Key::Left => 0x25,
        Key::Up => 0x26,
        Key::Right => 0x27,
        Key::Down => 0x28,
        Key::Insert => 0x2d,
        Key::Delete => 0x2e,
    }
}
