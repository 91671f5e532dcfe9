//! Which hotkeys of the settings an open prompter has registered with this desktop, and why others are not.

use std::time::Duration;

use crate::cli::Context;
use crate::diagnostics::{outside, shown};
use crate::files::deadline;
use crate::files::hotkey_owner::{Entry, Holder, Registration, Status};
use crate::hotkeys::{self, Desktop, NoDesktop};
use crate::settings::Hotkey;
use crate::words::Words;
use penutup_ipc::socket_dir::SocketDir;

/// How long a prompter may take to say it: it is registering them, or is stopped.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is registered with this desktop.
pub enum Registered {
    NoDesktop(NoDesktop),
    /// No prompter is open on this desktop, or none that had hotkeys in its settings when it was opened.
    NoPrompter,
    By(Status),
    /// A prompter has them; why it is not known what it has registered.
    Unknown(String),
}

impl Registered {
    /// Asks the files of the prompters.
    pub fn of(context: &Context) -> Self {
        let words = context.words();
        let desktop = match Desktop::of_environment() {
            Ok(desktop) => desktop,
            Err(why) => return Self::NoDesktop(why),
        };
        let Some(dir) = SocketDir::of(&context.folders) else { return Self::NoPrompter };
        match deadline::within(PATIENCE, move || desktop.owner_files(&dir).holder()) {
            Some(Ok(Holder::None)) => Self::NoPrompter,
            Some(Ok(Holder::Prompter(Some(status)))) => Self::By(status),
            Some(Ok(Holder::Prompter(None))) => Self::Unknown(words.trouble.unknown.to_owned()),
            Some(Err(error)) => Self::Unknown(outside::reason(&error, words)),
            None => Self::Unknown(words.call.no_word.to_owned()),
        }
    }

    /// What became of a hotkey: the word for programs, and the text.
    pub fn state(&self, hotkey: &Hotkey, words: &Words) -> (&'static str, String) {
        let w = &words.hotkeyverb;
        let (state, why) = match self {
            Self::NoDesktop(NoDesktop::Ssh) => ("ssh", w.ssh),
            Self::NoDesktop(NoDesktop::Wayland) => ("wayland", w.wayland),
            Self::NoDesktop(NoDesktop::NoDisplay) => ("no-display", w.no_display),
            Self::NoDesktop(NoDesktop::MacOs) => ("macos", w.macos),
            Self::NoPrompter => ("no-prompter", w.no_prompter),
            Self::Unknown(why) => return ("unknown", w.unclear(why)),
            Self::By(status) => match status.hotkeys.iter().find(|entry| is_it(entry, hotkey)) {
                None => ("settings-changed", w.settings_changed),
                Some(entry) => match hotkeys::registration(entry.registration, words) {
                    None => return ("registered", w.registered.to_owned()),
                    Some(why) => (word(entry.registration), why),
                },
            },
        };
        (state, w.not_registered(why))
    }

    /// What a prompter still has registered though the settings no longer have it.
    pub fn others(&self, hotkeys: &[Hotkey]) -> Vec<&Entry> {
        let Self::By(status) = self else { return Vec::new() };
        let is_other = |entry: &&Entry| {
            entry.registration == Registration::Registered && !hotkeys.iter().any(|hotkey| is_it(entry, hotkey))
        };
        status.hotkeys.iter().filter(is_other).collect()
    }

    /// What else is to be said below the list.
    pub fn note(&self, hotkeys: &[Hotkey], words: &Words) -> Option<String> {
        let w = &words.hotkeyverb;
        if matches!(self, Self::NoDesktop(_)) {
            return (!hotkeys.is_empty()).then(|| w.elsewhere.to_owned());
        }
        let others =
            self.others(hotkeys).into_iter().map(|entry| format!("{} ({})", shown(&entry.keys), shown(&entry.press)));
        let others: Vec<String> = others.collect();
        (!others.is_empty()).then(|| w.others(others.join(", ")))
    }
}

fn is_it(entry: &Entry, hotkey: &Hotkey) -> bool {
    entry.press == hotkey.press && entry.keys == hotkey.keys.to_string()
}

fn word(registration: Registration) -> &'static str {
    match registration {
        Registration::Registered => "registered",
        Registration::Held => "held",
        Registration::NoKey => "no-key",
        Registration::Refused => "refused",
    }
}
