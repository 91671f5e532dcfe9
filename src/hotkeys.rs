//! The hotkeys of the settings: combinations of keys that press something in a prompter, whichever window has the focus.
//!
//! A thread registers them with the desktop and sleeps until one comes; other keys never reach it. What is pressed goes
//! over the socket to the prompter that was used last, as `penutup press` does it, so one prompter registers for all of
//! a user's ([`OwnerFiles`]).

#[cfg(windows)]
#[path = "hotkeys/windows.rs"]
mod keyboard;
#[cfg(unix)]
#[path = "hotkeys/x11.rs"]
mod keyboard;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use crate::diagnostics::outside;
use crate::event::EventSender;
use crate::files::hotkey_owner::{Entry, OwnerFiles, Registration, Status};
use crate::helper::{self, Helper};
use crate::message::{Message, Subject};
use crate::press;
use crate::settings::Hotkey;
use crate::settings::hotkeys::Combination;
use crate::words::Words;
use keyboard::Keyboard;
use penutup_ipc::client;
use penutup_ipc::message::{Command, Reply};
use penutup_ipc::press::Presses;
use penutup_ipc::socket_dir::SocketDir;

/// The longest name of a display.
const MAX_NAME: usize = 64;

/// How long a combination may still be held by a prompter that has just ended: the system frees its lock before the
/// desktop notices the end.
const DEPARTURE: Duration = Duration::from_millis(500);
/// The pause between two attempts meanwhile.
const DEPARTURE_STEP: Duration = Duration::from_millis(10);

/// What a keyboard waits for.
#[derive(Debug)]
pub enum Happened<'k> {
    /// The hotkey at this position.
    Pressed(usize),
    /// On X11, another keyboard layout: what became of each combination.
    Changed(&'k [Registration]),
}

/// The desktop can't be reached, or no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost;

/// Why a program can't register hotkeys here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoDesktop {
    /// The terminal is on another machine.
    Ssh,
    /// Programs can't register keys there.
    Wayland,
    /// No display: a console, or a service.
    NoDisplay,
    MacOs,
}

/// A desktop that lets a program register hotkeys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desktop {
    /// Fit for a file name; different for each desktop.
    name: String,
}

impl Desktop {
    /// The desktop of this process.
    ///
    /// # Errors
    /// Why there is none.
    pub fn of_environment() -> Result<Self, NoDesktop> {
        Self::of(|name| std::env::var_os(name))
    }

    fn of(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, NoDesktop> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        if set("SSH_CONNECTION").is_some() {
            return Err(NoDesktop::Ssh);
        }
        if cfg!(target_os = "macos") {
            return Err(NoDesktop::MacOs);
        }
        if cfg!(windows) {
            // One user may have several sessions, each with its own hotkeys.
            let session = set("SESSIONNAME").and_then(|name| name.into_string().ok());
            return Ok(Self { name: file_name(&session.unwrap_or_default()) });
        }
        if set("WAYLAND_DISPLAY").is_some() || set("XDG_SESSION_TYPE").is_some_and(|kind| kind == "wayland") {
            return Err(NoDesktop::Wayland);
        }
        let display = set("DISPLAY").and_then(|name| name.into_string().ok()).filter(|name| name.len() <= MAX_NAME);
        let display = display.ok_or(NoDesktop::NoDisplay)?;
        // Screens of one display have one keyboard.
        let without_screen = display.rsplit_once('.').filter(|(rest, screen)| {
            rest.contains(':') && !screen.is_empty() && screen.bytes().all(|byte| byte.is_ascii_digit())
        });
        Ok(Self { name: file_name(without_screen.map_or(&*display, |(rest, _)| rest)) })
    }

    /// The files that say which prompter has its hotkeys.
    pub fn owner_files(&self, dir: &SocketDir) -> OwnerFiles {
        OwnerFiles::new(dir.folder(), &self.name)
    }
}

/// A different file name for each text.
fn file_name(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || byte == b'-' {
            out.push(byte.into());
        } else {
            let _ = write!(out, "_{byte:02x}");
        }
        out
    })
}

/// What the thread needs.
#[derive(Debug)]
pub struct Hotkeys {
    pub hotkeys: Vec<Hotkey>,
    pub desktop: Desktop,
    pub dir: SocketDir,
    /// How long a press waits for a prompter.
    pub patience: Duration,
    pub words: &'static Words,
}

/// Why the hotkeys don't work, or no longer.
#[derive(Debug)]
enum End {
    /// The files of [`OwnerFiles`] can't be used.
    Files(io::Error),
    /// No connection could be made.
    Unreachable,
    Lost,
}

impl From<Lost> for End {
    fn from(_: Lost) -> Self {
        Self::Lost
    }
}

impl Hotkeys {
    /// Starts the thread. The system releases what it registered when the process ends.
    pub fn start(self, sender: EventSender) {
        let (words, own) = (self.words, sender.clone());
        if helper::spawn(Helper::Hotkeys, move || self.run(&sender)).is_err() {
            let lost = Helper::Hotkeys.lost(words).to_owned();
            own.send(Message::Trouble(Subject::Helper(Helper::Hotkeys), Some(lost)));
        }
    }

    fn run(&self, sender: &EventSender) {
        let Err(end) = self.serve(sender) else { return };
        let w = &self.words.hotkey;
        let line = match end {
            End::Files(error) => w.no_lock(outside::reason(&error, self.words)),
            End::Unreachable => w.unreachable.to_owned(),
            End::Lost => w.lost.to_owned(),
        };
        let _ = sender.send(Message::Hotkeys(Vec::new())) && sender.send(Message::Notice(line));
    }

    /// Serves the hotkeys until the loop ends (`Ok`) or something fails. While another prompter has them, waits.
    fn serve(&self, sender: &EventSender) -> Result<(), End> {
        let files = self.desktop.owner_files(&self.dir);
        let others = |status: Status| _ = sender.send(Message::Hotkeys(registered(&status)));
        let mut owner = files.take(others).map_err(End::Files)?;
        let mut keyboard = Keyboard::open().map_err(|Lost| End::Unreachable)?;
        let combinations: Vec<Combination> = self.hotkeys.iter().map(|hotkey| hotkey.keys).collect();
        let mut before = vec![Registration::Registered; combinations.len()];
        let start = Instant::now();
        let mut now = keyboard.register(&combinations)?.to_vec();
        while now.contains(&Registration::Held) && start.elapsed() < DEPARTURE {
            thread::sleep(DEPARTURE_STEP);
            now = keyboard.register(&combinations)?.to_vec();
        }
        loop {
            let entries = self.hotkeys.iter().zip(&now).map(|(hotkey, now)| Entry::new(hotkey, *now));
            let status = Status { process: std::process::id(), hotkeys: entries.collect() };
            // If it can't be written, `penutup hotkeys` says that it doesn't know.
            let _ = owner.publish(&status);
            if !sender.send(Message::Hotkeys(registered(&status))) {
                return Ok(());
            }
            if let Some(line) = self.not_registered(&before, &now) {
                sender.send(Message::Notice(line));
            }
            before.clone_from(&now);
            now = loop {
                match keyboard.wait()? {
                    Happened::Changed(now) => break now.to_vec(),
                    Happened::Pressed(at) => {
                        if let Some(line) = self.hotkeys.get(at).and_then(|hotkey| self.press(hotkey)) {
                            sender.send(Message::Notice(line));
                        }
                    }
                }
            };
        }
    }

    /// The line that says which hotkeys are not registered, of those that were.
    fn not_registered(&self, before: &[Registration], now: &[Registration]) -> Option<String> {
        let changed = self.hotkeys.iter().zip(before.iter().zip(now)).filter(|(_, (before, now))| before != now);
        let parts = changed.filter_map(|(hotkey, (_, now))| {
            let why = registration(*now, self.words)?;
            Some(format!("{} ({why})", hotkey.keys))
        });
        let parts: Vec<String> = parts.collect();
        (!parts.is_empty()).then(|| self.words.hotkey.not_registered(parts.join(", ")))
    }

    /// Presses in the prompter used last, which tells on its screen what it refuses. Returns why it was not reached.
    fn press(&self, hotkey: &Hotkey) -> Option<String> {
        let presses = Presses::new(vec![hotkey.press.clone()])?;
        let why = match client::send(&self.dir, None, &Command::Press(presses), self.patience) {
            Ok(Some(Reply { press: Some(_), bad: None, .. })) => return None,
            Ok(Some(_)) => self.words.call.refused.to_owned(),
            Ok(None) => self.words.call.unanswered.to_owned(),
            Err(error) => press::undelivered(error, None, self.words.press.busy, &self.words.call).1,
        };
        Some(format!("{}: {why}", hotkey.keys))
    }
}

/// Why a hotkey is not registered; `None` if it is.
pub fn registration(registration: Registration, words: &Words) -> Option<&'static str> {
    let w = &words.hotkey;
    match registration {
        Registration::Registered => None,
        Registration::Held => Some(w.held),
        Registration::NoKey => Some(w.no_key),
        Registration::Refused => Some(w.refused),
    }
}

/// Those that are registered.
fn registered(status: &Status) -> Vec<Hotkey> {
    let registered = status.hotkeys.iter().filter(|entry| entry.registration == Registration::Registered);
    let hotkey = |entry: &Entry| Some(Hotkey { press: entry.press.clone(), keys: entry.keys.parse().ok()? });
    registered.filter_map(hotkey).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Registration::{Held, NoKey, Registered};

    #[cfg(all(unix, not(target_os = "macos")))]
    fn of(variables: &[(&str, &str)]) -> Result<String, NoDesktop> {
        let value = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
        Desktop::of(value).map(|desktop| desktop.name)
    }

    #[test]
    #[cfg(all(unix, not(target_os = "macos")))]
    fn only_an_x_display_in_front_of_the_user_is_a_desktop() {
        let x11 = ("DISPLAY", ":0");
        for (variables, expected) in [
            (&[][..], Err(NoDesktop::NoDisplay)),
            (&[("DISPLAY", "")], Err(NoDesktop::NoDisplay)),
            (&[x11, ("SSH_CONNECTION", "10.0.0.1 5000 10.0.0.2 22")], Err(NoDesktop::Ssh)),
            (&[x11, ("WAYLAND_DISPLAY", "wayland-0")], Err(NoDesktop::Wayland)),
            (&[x11, ("XDG_SESSION_TYPE", "wayland")], Err(NoDesktop::Wayland)),
            (&[x11, ("XDG_SESSION_TYPE", "x11"), ("WAYLAND_DISPLAY", ""), ("SSH_CONNECTION", "")], Ok("_3a0")),
        ] {
            assert_eq!(of(variables), expected.map(str::to_owned), "{variables:?}");
        }
        assert_eq!(of(&[("DISPLAY", &"x".repeat(MAX_NAME + 1))]), Err(NoDesktop::NoDisplay));
    }

    #[test]
    #[cfg(all(unix, not(target_os = "macos")))]
    fn each_display_has_its_own_name_and_its_screens_share_it() {
        let name = |display: &str| of(&[("DISPLAY", display)]).unwrap();
        assert_eq!(name(":0.1"), name(":0"));
        assert_eq!(name("10.0.0.1:0.0"), name("10.0.0.1:0"));
        let displays = [":0", ":1", "10.0.0.1:0", "a_b:0", "a-b:0", "a/b:0", "../x:0", "host.domain:0", ".0"];
        let names: std::collections::BTreeSet<String> = displays.iter().map(|display| name(display)).collect();
        assert_eq!(names.len(), displays.len(), "{names:?}");
        assert!(names.iter().all(|name| !name.contains(['/', '.', '\\', ':'])), "{names:?}");
    }

    #[test]
    fn what_is_not_registered_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let hotkey = |press: &str, keys: &str| Hotkey { press: press.into(), keys: keys.parse().unwrap() };
        let hotkeys = Hotkeys {
            hotkeys: vec![hotkey("said", "Ctrl+Alt+Space"), hotkey("undo", "Ctrl+Alt+Z"), hotkey("end", "Ctrl+Alt+X")],
            desktop: Desktop { name: "test".into() },
            dir: SocketDir::of(&penutup_system::folders::Folders::below(folder.path())).unwrap(),
            patience: Duration::ZERO,
            words: crate::words::Lang::En.words(),
        };
        let line = hotkeys.not_registered(&[Registered; 3], &[Registered, Held, NoKey]).unwrap();
        assert!(line.contains("Ctrl+Alt+Z") && line.contains("Ctrl+Alt+X") && !line.contains("Space"), "{line}");
        assert_eq!(hotkeys.not_registered(&[Registered, Held, NoKey], &[Registered, Held, Registered]), None);
    }
}
